/* SPDX-License-Identifier: Apache-2.0
 * What the files of the AVX2 level share.
 * Includes: kernels.h. Called by: avx2*.c. */
#ifndef TB_KERNELS_X86_AVX2_H
#define TB_KERNELS_X86_AVX2_H

#include "kernels/kernels.h"

enum { TB_AVX2_NR = 16 }; /* columns of a panel */

size_t tb_avx2_s8_panel_bytes(size_t k);
void tb_avx2_gemm_f32(const tb_gemm_f32 *g);
void tb_avx2_gemm_s8(const tb_gemm_s8 *g);

#endif
