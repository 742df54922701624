/* SPDX-License-Identifier: Apache-2.0
 * The NEON level (Advanced SIMD, which every 64-bit ARM processor of interest has): row operations, packing, table.
 * Includes: lanes_neon.h, lanes/, pack.h. Called through tb_kernels_neon; the other levels take most members too. */
#include "kernels/arm/arm.h"
#include "kernels/arm/lanes_neon.h"

#include "kernels/arm/pack.h"
#include "kernels/arm/transpose.h"
#include "kernels/lanes/backward.h"
#include "kernels/lanes/bf16.h"
#include "kernels/lanes/dropout.h"
#include "kernels/lanes/quantize.h"
#include "kernels/lanes/rounding.h"
#include "kernels/lanes/rows.h"
#include "kernels/lanes/search_s4.h"
#include "kernels/lanes/storage.h"
#include "kernels/levels.h"

enum { NR = TB_ARM_NR, A_XOR = 0 };
_Static_assert((int)NR == (int)LANES_BF16_NR, "all panels are alike");

size_t tb_neon_f32_panel_bytes(size_t k)
{
    return tb_layout_f32_bytes(NR, k);
}

size_t tb_neon_s8_panel_bytes(size_t k)
{
    return tb_layout_s8_bytes(NR, k);
}

size_t tb_neon_s4_panel_bytes(size_t k, size_t group)
{
    return tb_layout_s4_bytes(NR, k, group);
}

void tb_neon_pack_f32(float *panels, const float *w, size_t ldw, size_t n, size_t k)
{
    arm_pack_f32(NR, panels, w, ldw, n, k);
}

void tb_neon_pack_f32_kn(float *panels, const float *b, size_t ldb, size_t n, size_t k)
{
    arm_pack_f32_kn(NR, panels, b, ldb, n, k);
}

void tb_neon_pack_s8(int8_t *panels, const int8_t *w, size_t ldw, size_t n, size_t k)
{
    arm_pack_s8(NR, panels, w, ldw, n, k);
}

void tb_neon_pack_s4(uint8_t *panels, const int8_t *q, size_t ldq, const uint8_t *multiplier, size_t ldm, size_t n,
                     size_t k, size_t group)
{
    tb_layout_pack_s4(NR, panels, q, ldq, multiplier, ldm, n, k, group);
}

void tb_neon_unpack_s4(int8_t *panel, const uint8_t *s4_panel, size_t k, size_t group)
{
    arm_unpack_s4(NR, panel, s4_panel, k, group);
}

size_t tb_neon_bf16_panel_bytes(size_t k)
{
    return tb_layout_bf16_bytes(NR, k);
}

void tb_neon_pack_bf16(uint16_t *panels, const float *w, size_t ldw, size_t n, size_t k)
{
    arm_pack_bf16(panels, w, ldw, n, k);
}

void tb_neon_pack_bf16_kn(uint16_t *panels, const float *b, size_t ldb, size_t n, size_t k)
{
    lanes_pack_bf16_kn(panels, b, ldb, n, k);
}

void tb_neon_round_bf16(const float *x, size_t ldx, size_t m, size_t k, uint16_t *a, size_t lda)
{
    lanes_round_bf16(x, ldx, m, k, a, lda);
}

void tb_neon_gemm_bf16(const tb_gemm_bf16 *g)
{
    lanes_gemm_bf16(g);
}

void tb_neon_layernorm(const float *x, size_t ldx, size_t m, size_t n, const float *gamma, const float *beta, float eps,
                       float *y, size_t ldy)
{
    lanes_layernorm(x, ldx, m, n, gamma, beta, eps, y, ldy);
}

void tb_neon_softmax(float *x, size_t ldx, size_t m, size_t n, float scale)
{
    lanes_softmax(x, ldx, m, n, scale);
}

void tb_neon_activation(tb_activation act, const float *x, float *y, size_t n)
{
    lanes_activation(act, x, y, n);
}

void tb_neon_add(const float *a, const float *b, float *y, size_t n)
{
    lanes_add_rows(a, b, y, n);
}

void tb_neon_quantize_rows(const float *x, size_t ldx, size_t m, size_t k, int8_t *a, size_t lda, float *row_scale)
{
    lanes_quantize_rows(x, ldx, m, k, a, lda, row_scale, A_XOR);
}

void tb_neon_range(const float *x, size_t ldx, size_t m, size_t k, float *min, float *max)
{
    lanes_range(x, ldx, m, k, min, max);
}

void tb_neon_quantize_affine(const float *x, size_t ldx, size_t m, size_t k, float inv_scale, int32_t zero_point,
                             int8_t *a, size_t lda)
{
    lanes_quantize_affine(x, ldx, m, k, inv_scale, zero_point, a, lda, A_XOR);
}

void tb_neon_expand_f16(const uint16_t *x, float *y, size_t n)
{
    lanes_expand_f16(x, y, n);
}

void tb_neon_expand_bf16(const uint16_t *x, float *y, size_t n)
{
    lanes_expand_bf16(x, y, n);
}

void tb_neon_expand_s8(const int8_t *x, float scale, float *y, size_t n)
{
    lanes_expand_s8(x, scale, y, n);
}

void tb_neon_expand_s4(const uint8_t *x, float scale, float *y, size_t n)
{
    lanes_expand_s4(x, scale, y, n);
}

void tb_neon_transpose(const float *x, size_t ldx, size_t m, size_t n, float *y, size_t ldy)
{
    arm_transpose(x, ldx, m, n, y, ldy);
}

void tb_neon_activation_backward(tb_activation act, const float *x, const float *dy, float *dx, float *y, size_t n)
{
    lanes_activation_backward(act, x, dy, dx, y, n);
}

void tb_neon_layernorm_backward(const float *x, size_t ldx, const float *dy, size_t lddy, size_t m, size_t n,
                                const float *gamma, float eps, float *dx, size_t lddx, float *xhat, size_t ldxhat)
{
    lanes_layernorm_backward(x, ldx, dy, lddy, m, n, gamma, eps, dx, lddx, xhat, ldxhat);
}

void tb_neon_softmax_backward(const float *p, size_t ldp, float *dp, size_t lddp, size_t m, size_t n, float scale)
{
    lanes_softmax_backward(p, ldp, dp, lddp, m, n, scale);
}

void tb_neon_add_columns(const float *a, size_t lda, const float *b, size_t ldb, size_t m, size_t n, float *sum)
{
    lanes_add_columns(a, lda, b, ldb, m, n, sum);
}

void tb_neon_dropout(const tb_dropout *d, uint64_t first, const float *x, float *y, size_t n)
{
    lanes_dropout(d, first, x, y, n);
}

void tb_neon_rounding_errors_s4(const float *x, const float *h, size_t n, const float *t, size_t count, float *errors)
{
    lanes_rounding_errors_s4(x, h, n, t, count, errors);
}

void tb_neon_cover_s4(const float *x, const float *h, size_t n, size_t groups, float *cover, float *tip, float *weight)
{
    lanes_cover_s4(x, h, n, groups, cover, tip, weight);
}

void tb_neon_search_s4(const tb_search_s4 *g)
{
    lanes_search_s4(g);
}

void tb_neon_round_s4(const float *x, const float *h, size_t n, size_t groups, const float *t, float *r, double *sums,
                      bool *near)
{
    lanes_round_s4(x, h, n, groups, t, r, sums, near);
}

const tb_kernels tb_kernels_neon = {
    .name = "neon",
    .f32_nr = NR,
    .s8_nr = NR,
    .f32_panel_bytes = tb_neon_f32_panel_bytes,
    .s8_panel_bytes = tb_neon_s8_panel_bytes,
    .s4_panel_bytes = tb_neon_s4_panel_bytes,
    .pack_f32 = tb_neon_pack_f32,
    .pack_f32_kn = tb_neon_pack_f32_kn,
    .pack_s8 = tb_neon_pack_s8,
    .pack_s4 = tb_neon_pack_s4,
    .unpack_s4 = tb_neon_unpack_s4,
    .gemm_f32 = tb_neon_gemm_f32,
    .gemm_s8 = tb_neon_gemm_s8,
    .bf16_nr = NR,
    .bf16_panel_bytes = tb_neon_bf16_panel_bytes,
    .pack_bf16 = tb_neon_pack_bf16,
    .pack_bf16_kn = tb_neon_pack_bf16_kn,
    .round_bf16 = tb_neon_round_bf16,
    .gemm_bf16 = tb_neon_gemm_bf16,
    .layernorm = tb_neon_layernorm,
    .softmax = tb_neon_softmax,
    .activation = tb_neon_activation,
    .add = tb_neon_add,
    .quantize_rows = tb_neon_quantize_rows,
    .range = tb_neon_range,
    .quantize_affine = tb_neon_quantize_affine,
    .a_xor = A_XOR,
    .expand_f16 = tb_neon_expand_f16,
    .expand_bf16 = tb_neon_expand_bf16,
    .expand_s8 = tb_neon_expand_s8,
    .expand_s4 = tb_neon_expand_s4,
    .transpose = tb_neon_transpose,
    .activation_backward = tb_neon_activation_backward,
    .layernorm_backward = tb_neon_layernorm_backward,
    .softmax_backward = tb_neon_softmax_backward,
    .add_columns = tb_neon_add_columns,
    .dropout = tb_neon_dropout,
    .rounding_errors_s4 = tb_neon_rounding_errors_s4,
    .cover_s4 = tb_neon_cover_s4,
    .search_s4 = tb_neon_search_s4,
    .round_s4 = tb_neon_round_s4,
};
