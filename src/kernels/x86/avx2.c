/* SPDX-License-Identifier: Apache-2.0
 * The AVX2 level (AVX2, FMA, F16C).
 * Includes: avx2_level.h. Called through tb_kernels_avx2. */
enum { A_XOR = 0 };

#include "kernels/x86/avx2_level.h"

const tb_kernels tb_kernels_avx2 = {
    AVX2_COMMON,
    .name = "avx2",
    .gemm_s8 = tb_avx2_gemm_s8,
};
