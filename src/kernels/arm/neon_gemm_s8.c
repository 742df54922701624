/* SPDX-License-Identifier: Apache-2.0
 * Integer product with NEON: tiles of 2 rows x 16 columns or 4 rows x half a panel, eight values of k a step.
 * smull and smlal add two products in 16 bits (2 * 127 * 128 = 32512 fits, weights of -128 included), sadalp adds
 * neighbours to 32 bits: an accumulator holds two columns, each in two parts.
 * Includes: lanes_neon.h, lanes/epilogue.h. Called through tb_kernels_neon. */
#include "kernels/arm/arm.h"
#include "kernels/arm/lanes_neon.h"

#include "kernels/lanes/epilogue.h"

enum { NR = TB_ARM_NR, MR = 4 };

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* The sums of one row of the tile: c0 holds columns 0 and 1, and so on. */
typedef struct row {
    int32x4_t c0, c1, c2, c3, c4, c5, c6, c7;
} row;

typedef struct tile_sums {
    row r0, r1, r2, r3;
} tile_sums;

/* Four values of k of up to 16 columns. */
typedef struct weights {
    int8x16_t w0, w1, w2, w3;
} weights;

ALWAYS_INLINE weights weights_load(size_t registers, const int8_t *p)
{
    weights w;
    w.w0 = w.w2 = vld1q_s8(p);
    w.w1 = w.w3 = vld1q_s8(p + 16);
    if (registers > 2) {
        w.w2 = vld1q_s8(p + 32);
        w.w3 = vld1q_s8(p + 48);
    }
    return w;
}

/* Adds x * w + y * v of two columns, the lower or upper halves. */
ALWAYS_INLINE int32x4_t dot_low(int32x4_t c, int8x16_t x, int8x16_t w, int8x16_t y, int8x16_t v)
{
    int16x8_t pairs = vmull_s8(vget_low_s8(x), vget_low_s8(w));
    return vpadalq_s16(c, vmlal_s8(pairs, vget_low_s8(y), vget_low_s8(v)));
}
ALWAYS_INLINE int32x4_t dot_high(int32x4_t c, int8x16_t x, int8x16_t w, int8x16_t y, int8x16_t v)
{
    int16x8_t pairs = vmull_high_s8(x, w);
    return vpadalq_s16(c, vmlal_high_s8(pairs, y, v));
}

/* Eight activations at a, the first four times w and the last four times v. */
ALWAYS_INLINE void row_dot(size_t registers, row *r, const int8_t *a, weights w, weights v)
{
    int32x2_t eight = vreinterpret_s32_s8(vld1_s8(a));
    int8x16_t x = vreinterpretq_s8_s32(vdupq_lane_s32(eight, 0));
    int8x16_t y = vreinterpretq_s8_s32(vdupq_lane_s32(eight, 1));
    r->c0 = dot_low(r->c0, x, w.w0, y, v.w0);
    r->c1 = dot_high(r->c1, x, w.w0, y, v.w0);
    r->c2 = dot_low(r->c2, x, w.w1, y, v.w1);
    r->c3 = dot_high(r->c3, x, w.w1, y, v.w1);
    if (registers > 2) {
        r->c4 = dot_low(r->c4, x, w.w2, y, v.w2);
        r->c5 = dot_high(r->c5, x, w.w2, y, v.w2);
        r->c6 = dot_low(r->c6, x, w.w3, y, v.w3);
        r->c7 = dot_high(r->c7, x, w.w3, y, v.w3);
    }
}

ALWAYS_INLINE void row_store(size_t registers, int32_t *p, row r)
{
    vst1q_s32(p, vpaddq_s32(r.c0, r.c1));
    vst1q_s32(p + 4, vpaddq_s32(r.c2, r.c3));
    if (registers > 2) {
        vst1q_s32(p + 8, vpaddq_s32(r.c4, r.c5));
        vst1q_s32(p + 12, vpaddq_s32(r.c6, r.c7));
    }
}

/* Eight values of k of all rows, or the last four. */
ALWAYS_INLINE void step(size_t rows, size_t registers, bool eight, tile_sums *s, const int8_t *a, size_t lda,
                        const int8_t *panel)
{
    weights w = weights_load(registers, panel), v;
    v.w0 = v.w1 = v.w2 = v.w3 = vdupq_n_s8(0);
    if (eight)
        v = weights_load(registers, panel + 4 * NR);
    row_dot(registers, &s->r0, a, w, v);
    if (rows > 1)
        row_dot(registers, &s->r1, a + lda, w, v);
    if (rows > 2)
        row_dot(registers, &s->r2, a + 2 * lda, w, v);
    if (rows > 3)
        row_dot(registers, &s->r3, a + 3 * lda, w, v);
}

/* sums[rows][NR] over all of k, in the first 4 * registers columns. rows (1..4) and registers (2 or 4) are constants at
 * every call. Rows of a have at least tb_round_up(k, 8) bytes. */
ALWAYS_INLINE void tile(size_t rows, size_t registers, const int8_t *a, size_t lda, const int8_t *panel, size_t k,
                        int32_t *sums)
{
    int32x4_t zero = vdupq_n_s32(0);
    tile_sums s;
    s.r0 = s.r1 = s.r2 = s.r3 = (row){zero, zero, zero, zero, zero, zero, zero, zero};
    size_t kk = 0;
    for (; kk + 4 < k; kk += 8)
        step(rows, registers, true, &s, a + kk, lda, panel + kk * NR);
    if (kk < k) /* the panel ends at the next multiple of four */
        step(rows, registers, false, &s, a + kk, lda, panel + kk * NR);
    row_store(registers, sums, s.r0);
    if (rows > 1)
        row_store(registers, sums + NR, s.r1);
    if (rows > 2)
        row_store(registers, sums + 2 * NR, s.r2);
    if (rows > 3)
        row_store(registers, sums + 3 * NR, s.r3);
}

/* More than two rows: half of the panel at a time. */
ALWAYS_INLINE void halves(size_t rows, size_t columns, const int8_t *a, size_t lda, const int8_t *panel, size_t k,
                          int32_t *sums)
{
    for (size_t c = 0; c < columns; c += NR / 2)
        tile(rows, 2, a, lda, panel + c * 4, k, sums + c);
}

static void tile_any(size_t rows, size_t columns, const int8_t *a, size_t lda, const int8_t *panel, size_t k,
                     int32_t *sums)
{
    switch (rows) {
    case 1:
        tile(1, 4, a, lda, panel, k, sums);
        break;
    case 2:
        tile(2, 4, a, lda, panel, k, sums);
        break;
    case 3:
        halves(3, columns, a, lda, panel, k, sums);
        break;
    default:
        halves(MR, columns, a, lda, panel, k, sums);
        break;
    }
}

void tb_neon_gemm_s8(const tb_gemm_s8 *g)
{
    _Alignas(64) int32_t sums[MR * NR] = {0};
    size_t panel_bytes = tb_neon_s8_panel_bytes(g->k);
    for (size_t j = 0; j < g->n; j += NR) {
        const int8_t *panel = g->panels + j / NR * panel_bytes;
        size_t columns = g->n - j < NR ? g->n - j : NR;
        for (size_t i = 0; i < g->m; i += MR) {
            size_t rows = g->m - i < MR ? g->m - i : MR;
            tile_any(rows, columns, g->a + i * g->lda, g->lda, panel, g->k, sums);
            lanes_finish_s8(g, sums, NR, 0, i, rows, j, columns);
        }
    }
}
