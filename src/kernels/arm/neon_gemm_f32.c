/* SPDX-License-Identifier: Apache-2.0
 * Float product with NEON: tiles of 4 rows x 16 columns or 8 rows x half a panel, 16 accumulators in registers either
 * way. A row's next four values lie in one register, and fmla takes each of them by its lane.
 * Includes: lanes_neon.h, lanes/epilogue.h. Called through the tables of arm/. */
#include "kernels/arm/arm.h"
#include "kernels/arm/lanes_neon.h"

#include "kernels/lanes/epilogue.h"

enum {
    NR = TB_ARM_NR,
    MR = 8,
    ROWS = 8 * MR, /* rows whose sums wait on the stack while a block of k is worked through */
    STEPS = 256,   /* k in a block: 16 KiB of a panel stay in L1 */
};

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* The sums of one row of the tile, and one step of the panel: up to 16 columns. */
typedef struct row {
    float32x4_t c0, c1, c2, c3;
} row;

/* One step or four steps of the rows' activations. */
typedef struct values {
    float32x4_t x0, x1, x2, x3, x4, x5, x6, x7;
} values;

typedef struct sums {
    row r0, r1, r2, r3, r4, r5, r6, r7;
} sums;

ALWAYS_INLINE row row_load(size_t registers, const float *p)
{
    row r;
    r.c0 = r.c2 = vld1q_f32(p);
    r.c1 = r.c3 = vld1q_f32(p + 4);
    if (registers > 2) {
        r.c2 = vld1q_f32(p + 8);
        r.c3 = vld1q_f32(p + 12);
    }
    return r;
}

ALWAYS_INLINE void row_store(size_t registers, float *p, row r)
{
    vst1q_f32(p, r.c0);
    vst1q_f32(p + 4, r.c1);
    if (registers > 2) {
        vst1q_f32(p + 8, r.c2);
        vst1q_f32(p + 12, r.c3);
    }
}

/* fma(w, x[lane], c); an instruction names its lane, so every lane is a constant here. */
ALWAYS_INLINE float32x4_t fma_lane(float32x4_t c, float32x4_t w, float32x4_t x, int lane)
{
    switch (lane) {
    case 0:
        return vfmaq_laneq_f32(c, w, x, 0);
    case 1:
        return vfmaq_laneq_f32(c, w, x, 1);
    case 2:
        return vfmaq_laneq_f32(c, w, x, 2);
    default:
        return vfmaq_laneq_f32(c, w, x, 3);
    }
}

ALWAYS_INLINE void row_fma(size_t registers, row *r, row w, float32x4_t x, int lane)
{
    r->c0 = fma_lane(r->c0, w.c0, x, lane);
    r->c1 = fma_lane(r->c1, w.c1, x, lane);
    if (registers > 2) {
        r->c2 = fma_lane(r->c2, w.c2, x, lane);
        r->c3 = fma_lane(r->c3, w.c3, x, lane);
    }
}

ALWAYS_INLINE void step(size_t rows, size_t registers, sums *s, const values *v, const float *panel, int lane)
{
    row w = row_load(registers, panel);
    row_fma(registers, &s->r0, w, v->x0, lane);
    if (rows > 1)
        row_fma(registers, &s->r1, w, v->x1, lane);
    if (rows > 2)
        row_fma(registers, &s->r2, w, v->x2, lane);
    if (rows > 3)
        row_fma(registers, &s->r3, w, v->x3, lane);
    if (rows > 4)
        row_fma(registers, &s->r4, w, v->x4, lane);
    if (rows > 5)
        row_fma(registers, &s->r5, w, v->x5, lane);
    if (rows > 6)
        row_fma(registers, &s->r6, w, v->x6, lane);
    if (rows > 7)
        row_fma(registers, &s->r7, w, v->x7, lane);
}

/* Four values of each row, or one in all lanes. */
ALWAYS_INLINE values values_load(size_t rows, bool four, const float *a, size_t lda)
{
    values v;
#define LOAD(r) (four ? vld1q_f32(a + (r)*lda) : vld1q_dup_f32(a + (r)*lda))
    v.x0 = v.x1 = v.x2 = v.x3 = v.x4 = v.x5 = v.x6 = v.x7 = LOAD(0);
    if (rows > 1)
        v.x1 = LOAD(1);
    if (rows > 2)
        v.x2 = LOAD(2);
    if (rows > 3)
        v.x3 = LOAD(3);
    if (rows > 4)
        v.x4 = LOAD(4);
    if (rows > 5)
        v.x5 = LOAD(5);
    if (rows > 6)
        v.x6 = LOAD(6);
    if (rows > 7)
        v.x7 = LOAD(7);
#undef LOAD
    return v;
}

/* Continues the sums [rows][NR] over `steps` of k, in the first 4 * registers columns. rows (1..8) and registers (2 or
 * 4) are constants at every call. */
ALWAYS_INLINE void tile(size_t rows, size_t registers, const float *a, size_t lda, const float *panel, size_t steps,
                        float *out)
{
    sums s;
    s.r0 = s.r1 = s.r2 = s.r3 = s.r4 = s.r5 = s.r6 = s.r7 = row_load(registers, out);
    if (rows > 1)
        s.r1 = row_load(registers, out + NR);
    if (rows > 2)
        s.r2 = row_load(registers, out + 2 * NR);
    if (rows > 3)
        s.r3 = row_load(registers, out + 3 * NR);
    if (rows > 4)
        s.r4 = row_load(registers, out + 4 * NR);
    if (rows > 5)
        s.r5 = row_load(registers, out + 5 * NR);
    if (rows > 6)
        s.r6 = row_load(registers, out + 6 * NR);
    if (rows > 7)
        s.r7 = row_load(registers, out + 7 * NR);
    size_t kk = 0;
    for (; kk + 4 <= steps; kk += 4) {
        values v = values_load(rows, true, a + kk, lda);
        step(rows, registers, &s, &v, panel + kk * NR, 0);
        step(rows, registers, &s, &v, panel + (kk + 1) * NR, 1);
        step(rows, registers, &s, &v, panel + (kk + 2) * NR, 2);
        step(rows, registers, &s, &v, panel + (kk + 3) * NR, 3);
    }
    for (; kk < steps; kk++) {
        values v = values_load(rows, false, a + kk, lda);
        step(rows, registers, &s, &v, panel + kk * NR, 0);
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
ALWAYS_INLINE void halves(size_t rows, size_t columns, const float *a, size_t lda, const float *panel, size_t steps,
                          float *out)
{
    for (size_t c = 0; c < columns; c += NR / 2)
        tile(rows, 2, a, lda, panel + c, steps, out + c);
}

static void tile_any(size_t rows, size_t columns, const float *a, size_t lda, const float *panel, size_t steps,
                     float *out)
{
    switch (rows) {
    case 1:
        tile(1, 4, a, lda, panel, steps, out);
        break;
    case 2:
        tile(2, 4, a, lda, panel, steps, out);
        break;
    case 3:
        tile(3, 4, a, lda, panel, steps, out);
        break;
    case 4:
        tile(4, 4, a, lda, panel, steps, out);
        break;
    case 5:
        halves(5, columns, a, lda, panel, steps, out);
        break;
    case 6:
        halves(6, columns, a, lda, panel, steps, out);
        break;
    case 7:
        halves(7, columns, a, lda, panel, steps, out);
        break;
    default:
        halves(MR, columns, a, lda, panel, steps, out);
        break;
    }
}

void tb_neon_gemm_f32(const tb_gemm_f32 *g)
{
    _Alignas(64) float waiting[ROWS * NR];
    for (size_t j = 0; j < g->n; j += NR) {
        const float *panel = g->panels + j * g->k;
        size_t columns = g->n - j < NR ? g->n - j : NR;
        for (size_t i = 0; i < g->m; i += ROWS) {
            size_t rows = g->m - i < ROWS ? g->m - i : ROWS;
            lanes_start_sums(g->continues, g->out, g->ldo, waiting, NR, i, rows, j, columns);
            for (size_t k = 0; k < g->k; k += STEPS) {
                size_t steps = g->k - k < STEPS ? g->k - k : STEPS;
                for (size_t r = 0; r < rows; r += MR)
                    tile_any(rows - r < MR ? rows - r : MR, columns, g->a + (i + r) * g->lda + k, g->lda,
                             panel + k * NR, steps, waiting + r * NR);
            }
            lanes_finish_f32(g, waiting, NR, i, rows, j, columns);
        }
    }
}
