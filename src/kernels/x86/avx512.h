/* SPDX-License-Identifier: Apache-2.0
 * What the files of the AVX-512 level share.
 * Includes: kernels.h. Called by: avx512*.c, and amx.c for its float product. */
#ifndef TB_KERNELS_X86_AVX512_H
#define TB_KERNELS_X86_AVX512_H

#include "kernels/kernels.h"

enum { TB_AVX512_NR = 64 }; /* columns of a panel */

size_t tb_avx512_f32_panel_bytes(size_t k);
void tb_avx512_pack_f32(float *panels, const float *w, size_t ldw, size_t n, size_t k);
void tb_avx512_pack_f32_kn(float *panels, const float *b, size_t ldb, size_t n, size_t k);
size_t tb_avx512_s8_panel_bytes(size_t k);
void tb_avx512_gemm_f32(const tb_gemm_f32 *g);
void tb_avx512_gemm_s8(const tb_gemm_s8 *g);
void tb_avx512_rounding_errors_s4(const float *x, const float *h, size_t n, const float *t, size_t count,
                                  float *errors);
void tb_avx512_cover_s4(const float *x, const float *h, size_t n, size_t groups, float *cover, float *tip, float *weight);
void tb_avx512_search_s4(const tb_search_s4 *g);
void tb_avx512_round_s4(const float *x, const float *h, size_t n, size_t groups, const float *t, float *r, double *sums, bool *near);

/* With AVX-512 BF16 (avx512bf16.c). */
size_t tb_avx512_bf16_panel_bytes(size_t k);
void tb_avx512_pack_bf16(uint16_t *panels, const float *w, size_t ldw, size_t n, size_t k);
void tb_avx512_pack_bf16_kn(uint16_t *panels, const float *b, size_t ldb, size_t n, size_t k);
void tb_avx512_gemm_bf16(const tb_gemm_bf16 *g);

#endif
