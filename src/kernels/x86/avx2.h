/* SPDX-License-Identifier: Apache-2.0
 * What the files of the AVX2 and AVX-VNNI levels share.
 * Includes: kernels.h. Called by: avx2*, avxvnni*. */
#ifndef TB_KERNELS_X86_AVX2_H
#define TB_KERNELS_X86_AVX2_H

#include "kernels/kernels.h"

enum { TB_AVX2_NR = 16 }; /* columns of a panel */

/* Ends the compiler's freedom to delay the instructions behind v: gcc 12 else gathers the products of a whole step
 * first and spills the accumulators. */
#define TB_AVX2_PIN(v) __asm__("" : "+x"(v))

void tb_avx2_gemm_f32(const tb_gemm_f32 *g);
void tb_avx2_gemm_s8(const tb_gemm_s8 *g);

#endif
