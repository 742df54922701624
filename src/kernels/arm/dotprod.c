/* SPDX-License-Identifier: Apache-2.0
 * The level of the dot product instructions (FEAT_DotProd): the integer product, in tiles of 4 rows x 16 columns or 8
 * rows x half a panel, four values of k a step; a row's next 16 values lie in one register, and sdot takes four of them
 * by their lane. The rest is NEON's.
 * Includes: lanes_neon.h, lanes/epilogue.h. Called through tb_kernels_dotprod. */
#include "kernels/arm/arm.h"
#include "kernels/arm/lanes_neon.h"

#include "kernels/lanes/epilogue.h"
#include "kernels/levels.h"

enum { NR = TB_ARM_NR, MR = 8 };

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* The sums of one row of the tile, four columns each. */
typedef struct row {
    int32x4_t c0, c1, c2, c3;
} row;

/* Four values of k of up to 16 columns. */
typedef struct weights {
    int8x16_t w0, w1, w2, w3;
} weights;

/* 16 activations of each row. */
typedef struct values {
    int8x16_t x0, x1, x2, x3, x4, x5, x6, x7;
} values;

typedef struct sums {
    row r0, r1, r2, r3, r4, r5, r6, r7;
} sums;

/* An instruction names its lane, so every lane is a constant here. */
ALWAYS_INLINE int32x4_t dot_lane(int32x4_t c, int8x16_t w, int8x16_t x, int lane)
{
    switch (lane) {
    case 0:
        return vdotq_laneq_s32(c, w, x, 0);
    case 1:
        return vdotq_laneq_s32(c, w, x, 1);
    case 2:
        return vdotq_laneq_s32(c, w, x, 2);
    default:
        return vdotq_laneq_s32(c, w, x, 3);
    }
}

ALWAYS_INLINE void row_dot(size_t registers, row *r, weights w, int8x16_t x, int lane)
{
    r->c0 = dot_lane(r->c0, w.w0, x, lane);
    r->c1 = dot_lane(r->c1, w.w1, x, lane);
    if (registers > 2) {
        r->c2 = dot_lane(r->c2, w.w2, x, lane);
        r->c3 = dot_lane(r->c3, w.w3, x, lane);
    }
}

/* Values 4 * lane .. 4 * lane + 3 of each row times the four of the panel. */
ALWAYS_INLINE void step(size_t rows, size_t registers, sums *s, const values *v, const int8_t *panel, int lane)
{
    weights w;
    w.w0 = w.w2 = vld1q_s8(panel);
    w.w1 = w.w3 = vld1q_s8(panel + 16);
    if (registers > 2) {
        w.w2 = vld1q_s8(panel + 32);
        w.w3 = vld1q_s8(panel + 48);
    }
    row_dot(registers, &s->r0, w, v->x0, lane);
    if (rows > 1)
        row_dot(registers, &s->r1, w, v->x1, lane);
    if (rows > 2)
        row_dot(registers, &s->r2, w, v->x2, lane);
    if (rows > 3)
        row_dot(registers, &s->r3, w, v->x3, lane);
    if (rows > 4)
        row_dot(registers, &s->r4, w, v->x4, lane);
    if (rows > 5)
        row_dot(registers, &s->r5, w, v->x5, lane);
    if (rows > 6)
        row_dot(registers, &s->r6, w, v->x6, lane);
    if (rows > 7)
        row_dot(registers, &s->r7, w, v->x7, lane);
}

ALWAYS_INLINE values values_load(size_t rows, const int8_t *a, size_t lda)
{
    values v;
    v.x0 = v.x1 = v.x2 = v.x3 = v.x4 = v.x5 = v.x6 = v.x7 = vld1q_s8(a);
    if (rows > 1)
        v.x1 = vld1q_s8(a + lda);
    if (rows > 2)
        v.x2 = vld1q_s8(a + 2 * lda);
    if (rows > 3)
        v.x3 = vld1q_s8(a + 3 * lda);
    if (rows > 4)
        v.x4 = vld1q_s8(a + 4 * lda);
    if (rows > 5)
        v.x5 = vld1q_s8(a + 5 * lda);
    if (rows > 6)
        v.x6 = vld1q_s8(a + 6 * lda);
    if (rows > 7)
        v.x7 = vld1q_s8(a + 7 * lda);
    return v;
}

ALWAYS_INLINE void row_store(size_t registers, int32_t *p, row r)
{
    vst1q_s32(p, r.c0);
    vst1q_s32(p + 4, r.c1);
    if (registers > 2) {
        vst1q_s32(p + 8, r.c2);
        vst1q_s32(p + 12, r.c3);
    }
}

/* out[rows][NR] over all of k, in the first 4 * registers columns. rows (1..8) and registers (2 or 4) are constants at
 * every call. Rows of a have at least tb_round_up(k, 16) bytes. */
ALWAYS_INLINE void tile(size_t rows, size_t registers, const int8_t *a, size_t lda, const int8_t *panel, size_t k,
                        int32_t *out)
{
    sums s;
    row zero = {vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0)};
    s.r0 = s.r1 = s.r2 = s.r3 = s.r4 = s.r5 = s.r6 = s.r7 = zero;
    size_t kk = 0;
    for (; kk + 16 <= k; kk += 16) {
        values v = values_load(rows, a + kk, lda);
        step(rows, registers, &s, &v, panel + kk * NR, 0);
        step(rows, registers, &s, &v, panel + (kk + 4) * NR, 1);
        step(rows, registers, &s, &v, panel + (kk + 8) * NR, 2);
        step(rows, registers, &s, &v, panel + (kk + 12) * NR, 3);
    }
    if (kk < k) { /* the panel ends at the next multiple of four */
        values v = values_load(rows, a + kk, lda);
        step(rows, registers, &s, &v, panel + kk * NR, 0);
        if (kk + 4 < k)
            step(rows, registers, &s, &v, panel + (kk + 4) * NR, 1);
        if (kk + 8 < k)
            step(rows, registers, &s, &v, panel + (kk + 8) * NR, 2);
        if (kk + 12 < k)
            step(rows, registers, &s, &v, panel + (kk + 12) * NR, 3);
    }
    row_store(registers, out, s.r0);
    if (rows > 1)
        row_store(registers, out + NR, s.r1);
    if (rows > 2)
        row_store(registers, out + 2 * NR, s.r2);
    if (rows > 3)
        row_store(registers, out + 3 * NR, s.r3);
    if (rows > 4)
        row_store(registers, out + 4 * NR, s.r4);
    if (rows > 5)
        row_store(registers, out + 5 * NR, s.r5);
    if (rows > 6)
        row_store(registers, out + 6 * NR, s.r6);
    if (rows > 7)
        row_store(registers, out + 7 * NR, s.r7);
}

/* More than four rows: half of the panel at a time. */
ALWAYS_INLINE void halves(size_t rows, size_t columns, const int8_t *a, size_t lda, const int8_t *panel, size_t k,
                          int32_t *out)
{
    for (size_t c = 0; c < columns; c += NR / 2)
        tile(rows, 2, a, lda, panel + c * 4, k, out + c);
}

static void tile_any(size_t rows, size_t columns, const int8_t *a, size_t lda, const int8_t *panel, size_t k,
                     int32_t *out)
{
    switch (rows) {
    case 1:
        tile(1, 4, a, lda, panel, k, out);
        break;
    case 2:
        tile(2, 4, a, lda, panel, k, out);
        break;
    case 3:
        tile(3, 4, a, lda, panel, k, out);
        break;
    case 4:
        tile(4, 4, a, lda, panel, k, out);
        break;
    case 5:
        halves(5, columns, a, lda, panel, k, out);
        break;
    case 6:
        halves(6, columns, a, lda, panel, k, out);
        break;
    case 7:
        halves(7, columns, a, lda, panel, k, out);
        break;
    default:
        halves(MR, columns, a, lda, panel, k, out);
        break;
    }
}

static void gemm_s8(const tb_gemm_s8 *g)
{
    _Alignas(64) int32_t tile_sums[MR * NR] = {0};
    size_t panel_bytes = tb_neon_s8_panel_bytes(g->k);
    for (size_t j = 0; j < g->n; j += NR) {
        const int8_t *panel = g->panels + j / NR * panel_bytes;
        size_t columns = g->n - j < NR ? g->n - j : NR;
        for (size_t i = 0; i < g->m; i += MR) {
            size_t rows = g->m - i < MR ? g->m - i : MR;
            tile_any(rows, columns, g->a + i * g->lda, g->lda, panel, g->k, tile_sums);
            lanes_finish_s8(g, tile_sums, NR, 0, i, rows, j, columns);
        }
    }
}

const tb_kernels tb_kernels_dotprod = {
    .name = "dotprod",
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
    .gemm_s8 = gemm_s8,
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
    .a_xor = 0,
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
