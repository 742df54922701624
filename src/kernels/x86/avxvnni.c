/* SPDX-License-Identifier: Apache-2.0
 * The AVX-VNNI level: AVX2's with an integer product of its own, which wants activations as q + 128.
 * Includes: avx2_level.h, avxvnni.h. Called through tb_kernels_avxvnni. */
enum { A_XOR = 0x80 };

#include "kernels/x86/avxvnni.h"

#include "kernels/x86/avx2_level.h"

const tb_kernels tb_kernels_avxvnni = {
    AVX2_COMMON,
    .name = TB_AVXVNNI_NAME,
    .gemm_s8 = tb_avxvnni_gemm_s8,
};
