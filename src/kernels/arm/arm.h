/* SPDX-License-Identifier: Apache-2.0
 * What the three levels of 64-bit ARM share. They differ in their integer product and its panels alone: the float
 * product and the rows of `neon` serve all of them.
 * Includes: kernels.h. Called by: arm/. */
#ifndef TB_KERNELS_ARM_H
#define TB_KERNELS_ARM_H

#include "kernels/kernels.h"

enum { TB_ARM_NR = 16 }; /* columns of a panel */

/* Members of the tables, in their order (neon.c, neon_gemm_*.c). */
size_t tb_neon_f32_panel_bytes(size_t k);
size_t tb_neon_s8_panel_bytes(size_t k);
size_t tb_neon_s4_panel_bytes(size_t k, size_t group);
void tb_neon_pack_f32(float *panels, const float *w, size_t ldw, size_t n, size_t k);
void tb_neon_pack_f32_kn(float *panels, const float *b, size_t ldb, size_t n, size_t k);
void tb_neon_pack_s8(int8_t *panels, const int8_t *w, size_t ldw, size_t n, size_t k);
void tb_neon_pack_s4(uint8_t *panels, const int8_t *q, size_t ldq, const uint8_t *multiplier, size_t ldm, size_t n,
                     size_t k, size_t group);
void tb_neon_unpack_s4(int8_t *panel, const uint8_t *s4_panel, size_t k, size_t group);
void tb_neon_gemm_f32(const tb_gemm_f32 *g);
void tb_neon_gemm_s8(const tb_gemm_s8 *g);
size_t tb_neon_bf16_panel_bytes(size_t k);
void tb_neon_pack_bf16(uint16_t *panels, const float *w, size_t ldw, size_t n, size_t k);
void tb_neon_pack_bf16_kn(uint16_t *panels, const float *b, size_t ldb, size_t n, size_t k);
void tb_neon_round_bf16(const float *x, size_t ldx, size_t m, size_t k, uint16_t *a, size_t lda);
void tb_neon_gemm_bf16(const tb_gemm_bf16 *g);
void tb_neon_layernorm(const float *x, size_t ldx, size_t m, size_t n, const float *gamma, const float *beta, float eps,
                       float *y, size_t ldy);
void tb_neon_softmax(float *x, size_t ldx, size_t m, size_t n, float scale);
void tb_neon_activation(tb_activation act, const float *x, float *y, size_t n);
void tb_neon_add(const float *a, const float *b, float *y, size_t n);
void tb_neon_quantize_rows(const float *x, size_t ldx, size_t m, size_t k, int8_t *a, size_t lda, float *row_scale);
void tb_neon_range(const float *x, size_t ldx, size_t m, size_t k, float *min, float *max);
void tb_neon_quantize_affine(const float *x, size_t ldx, size_t m, size_t k, float inv_scale, int32_t zero_point,
                             int8_t *a, size_t lda);
void tb_neon_expand_f16(const uint16_t *x, float *y, size_t n);
void tb_neon_expand_bf16(const uint16_t *x, float *y, size_t n);
void tb_neon_expand_s8(const int8_t *x, float scale, float *y, size_t n);
void tb_neon_expand_s4(const uint8_t *x, float scale, float *y, size_t n);
void tb_neon_transpose(const float *x, size_t ldx, size_t m, size_t n, float *y, size_t ldy);
void tb_neon_activation_backward(tb_activation act, const float *x, const float *dy, float *dx, float *y, size_t n);
void tb_neon_layernorm_backward(const float *x, size_t ldx, const float *dy, size_t lddy, size_t m, size_t n,
                                const float *gamma, float eps, float *dx, size_t lddx, float *xhat, size_t ldxhat);
void tb_neon_softmax_backward(const float *p, size_t ldp, float *dp, size_t lddp, size_t m, size_t n, float scale);
void tb_neon_add_columns(const float *a, size_t lda, const float *b, size_t ldb, size_t m, size_t n, float *sum);
void tb_neon_dropout(const tb_dropout *d, uint64_t first, const float *x, float *y, size_t n);
void tb_neon_rounding_errors_s4(const float *x, const float *h, size_t n, const float *t, size_t count, float *errors);
void tb_neon_cover_s4(const float *x, const float *h, size_t n, size_t groups, float *cover, float *tip, float *weight);
void tb_neon_search_s4(const tb_search_s4 *g);
void tb_neon_round_s4(const float *x, const float *h, size_t n, size_t groups, const float *t, float *r, double *sums, bool *near);

#endif
