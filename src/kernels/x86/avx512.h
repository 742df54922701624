/* SPDX-License-Identifier: Apache-2.0
 * What the files of the AVX-512 level share.
 * Includes: kernels.h. Called by: avx512*.c. */
#ifndef TB_KERNELS_X86_AVX512_H
#define TB_KERNELS_X86_AVX512_H

#include "kernels/kernels.h"

enum { TB_AVX512_NR = 64 }; /* columns of a panel */

size_t tb_avx512_s8_panel_bytes(size_t k);
void tb_avx512_gemm_f32(const tb_gemm_f32 *g);
void tb_avx512_gemm_s8(const tb_gemm_s8 *g);

#endif
