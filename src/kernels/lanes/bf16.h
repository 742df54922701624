/* SPDX-License-Identifier: Apache-2.0
 * BF16 compute on 16 lanes: rounding, and the product as the reference's own fma chain, for levels whose CPU has no
 * bfloat16 instruction. Panels are those of layout.h with 16 columns.
 * Includes: epilogue.h, layout.h; the level's lanes_*.h comes first. Called by: a level's table. */
#ifndef TB_KERNELS_LANES_BF16_H
#define TB_KERNELS_LANES_BF16_H

#include "kernels/lanes/epilogue.h"
#include "kernels/layout.h"

#include <string.h>

enum {
    LANES_BF16_NR = 16,
    LANES_BF16_MR = 4,
    LANES_BF16_ROWS = 8 * LANES_BF16_MR, /* rows whose sums wait while a block of k is worked through */
    LANES_BF16_STEPS = 256,              /* k in a block: weights and four rows of it, as floats, stay in L1 */
};

/* lda is a multiple of 32, so a whole step always has room. */
static inline void lanes_round_bf16(const float *x, size_t ldx, size_t m, size_t k, uint16_t *a, size_t lda)
{
    size_t whole = k / 16 * 16, rest = k - whole;
    for (size_t i = 0; i < m; i++) {
        const float *from = x + i * ldx;
        uint16_t *to = a + i * lda;
        for (size_t kk = 0; kk < whole; kk += 16)
            lanes_store_bf16(to + kk, lanes_load(from + kk));
        if (rest > 0)
            lanes_store_bf16(to + whole, lanes_load_some(from + whole, rest));
        memset(to + k, 0, (lda - k) * sizeof(uint16_t));
    }
}

/* b[k][ldb] into the panels of layout.h, eight rows at a time through all of them: the rows are read as they lie. */
static inline void lanes_pack_bf16_kn(uint16_t *panels, const float *b, size_t ldb, size_t n, size_t k)
{
    enum { NR = LANES_BF16_NR, BLOCK = 8 };
    size_t panel_size = tb_layout_bf16_bytes(NR, k) / sizeof(uint16_t);
    for (size_t k0 = 0; k0 < k; k0 += BLOCK) {
        size_t end = k - k0 < BLOCK ? k : k0 + BLOCK;
        for (size_t j = 0; j < n; j += NR) {
            uint16_t *panel = panels + j / NR * panel_size;
            size_t columns = n - j < NR ? n - j : NR;
            for (size_t kk = k0; kk < end; kk++)
                lanes_store_bf16(panel + kk * NR, lanes_load_strip(b + kk * ldb + j, columns));
            if (end == k)
                memset(panel + k * NR, 0, (panel_size - k * NR) * sizeof(uint16_t));
        }
    }
}

/* Continues the sums [rows][16] over `steps` of k; rows (1..4) is a constant at every call. */
static inline __attribute__((always_inline)) void lanes_bf16_tile(size_t rows, const float *a, const float *w,
                                                                  size_t steps, float *sums)
{
    enum { LD = LANES_BF16_STEPS, NR = LANES_BF16_NR };
    lanes r0 = lanes_load(sums), r1 = r0, r2 = r0, r3 = r0;
    if (rows > 1)
        r1 = lanes_load(sums + NR);
    if (rows > 2)
        r2 = lanes_load(sums + 2 * NR);
    if (rows > 3)
        r3 = lanes_load(sums + 3 * NR);
    for (size_t kk = 0; kk < steps; kk++) {
        lanes v = lanes_load(w + kk * NR);
        r0 = lanes_fma(lanes_set(a[kk]), v, r0);
        if (rows > 1)
            r1 = lanes_fma(lanes_set(a[LD + kk]), v, r1);
        if (rows > 2)
            r2 = lanes_fma(lanes_set(a[2 * LD + kk]), v, r2);
        if (rows > 3)
            r3 = lanes_fma(lanes_set(a[3 * LD + kk]), v, r3);
    }
    lanes_store(sums, r0);
    if (rows > 1)
        lanes_store(sums + NR, r1);
    if (rows > 2)
        lanes_store(sums + 2 * NR, r2);
    if (rows > 3)
        lanes_store(sums + 3 * NR, r3);
}

static inline void lanes_bf16_tile_any(size_t rows, const float *a, const float *w, size_t steps, float *sums)
{
    switch (rows) {
    case 1:
        lanes_bf16_tile(1, a, w, steps, sums);
        break;
    case 2:
        lanes_bf16_tile(2, a, w, steps, sums);
        break;
    case 3:
        lanes_bf16_tile(3, a, w, steps, sums);
        break;
    default:
        lanes_bf16_tile(LANES_BF16_MR, a, w, steps, sums);
        break;
    }
}

static inline void lanes_bf16_expand(const uint16_t *from, float *to, size_t n)
{
    for (size_t i = 0; i < n; i += 16)
        lanes_store(to + i, lanes_load_bf16(from + i));
}

static inline void lanes_gemm_bf16(const tb_gemm_bf16 *g)
{
    enum { NR = LANES_BF16_NR, MR = LANES_BF16_MR, ROWS = LANES_BF16_ROWS, STEPS = LANES_BF16_STEPS };
    _Alignas(64) float sums[ROWS * NR], w[STEPS * NR], a[MR * STEPS];
    /* What follows the sum is the float product's. */
    const tb_gemm_f32 after = {.m = g->m, .n = g->n, .k = g->k, .out = g->out, .ldo = g->ldo, .epilogue = g->epilogue};
    size_t panel_size = tb_layout_bf16_bytes(NR, g->k) / sizeof(uint16_t);
    for (size_t j = 0; j < g->n; j += NR) {
        const uint16_t *panel = g->panels + j / NR * panel_size;
        size_t columns = g->n - j < NR ? g->n - j : NR;
        for (size_t i = 0; i < g->m; i += ROWS) {
            size_t rows = g->m - i < ROWS ? g->m - i : ROWS;
            lanes_start_sums(g->continues, g->out, g->ldo, sums, NR, i, rows, j, columns);
            for (size_t k = 0; k < g->k; k += STEPS) {
                size_t steps = g->k - k < STEPS ? g->k - k : STEPS;
                lanes_bf16_expand(panel + k * NR, w, steps * NR);
                for (size_t r = 0; r < rows; r += MR) {
                    size_t some = rows - r < MR ? rows - r : MR;
                    for (size_t s = 0; s < some; s++) /* a row is padded to a multiple of 32 */
                        lanes_bf16_expand(g->a + (i + r + s) * g->lda + k, a + s * STEPS, steps);
                    lanes_bf16_tile_any(some, a, w, steps, sums + r * NR);
                }
            }
            lanes_finish_f32(&after, sums, NR, i, rows, j, columns);
        }
    }
}

#endif
