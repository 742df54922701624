/* SPDX-License-Identifier: Apache-2.0
 * Integer product with AVX-VNNI: tiles of 6 rows x 16 columns, four values of k a step.
 * vpdpbusd multiplies unsigned by signed bytes: activations come as q + 128 (q ^ 0x80), and the epilogue takes
 * 128 * colsum away again. It sums modulo 2^32, and (q + 128) * w summed over TB_MAX_K still fits.
 * Includes: avx2.h, lanes_avx2.h, lanes/epilogue.h, layout.h. Called by: avxvnni.c. */
#include "kernels/x86/avxvnni.h"

#include "kernels/x86/avx2.h"
#include "kernels/x86/lanes_avx2.h"

#include "kernels/lanes/epilogue.h"
#include "kernels/layout.h"

#include <string.h>

enum {
    NR = TB_AVX2_NR,
    MR = 6,
    ROWS = 8 * MR, /* rows whose sums wait on the stack while a block of k is worked through */
    STEPS = 1024,  /* k in a block: 16 KiB of a panel stay in L1 */
};

/* The sums of one row of the tile. */
typedef struct row {
    __m256i c0, c1;
} row;

static inline row row_load(const int32_t *sums)
{
    return (row){_mm256_load_si256((const __m256i *)(const void *)sums),
                 _mm256_load_si256((const __m256i *)(const void *)(sums + 8))};
}

static inline void row_store(int32_t *sums, row r)
{
    _mm256_store_si256((__m256i *)(void *)sums, r.c0);
    _mm256_store_si256((__m256i *)(void *)(sums + 8), r.c1);
}

static inline row row_dot(row r, const int8_t *a, __m256i w0, __m256i w1)
{
    int32_t four;
    memcpy(&four, a, sizeof four);
    __m256i x = _mm256_set1_epi32(four);
    r.c0 = TB_AVXVNNI_DOT(r.c0, x, w0);
    r.c1 = TB_AVXVNNI_DOT(r.c1, x, w1);
    TB_AVX2_PIN(r.c0);
    TB_AVX2_PIN(r.c1);
    return r;
}

/* Continues the sums [rows][NR] over `steps` of k; rows is a constant at every call. */
static inline __attribute__((always_inline)) void tile(size_t rows, const int8_t *a, size_t lda, const int8_t *panel,
                                                       size_t steps, avx2_ahead f, int32_t *sums)
{
    row r0 = row_load(sums), r1 = r0, r2 = r0, r3 = r0, r4 = r0, r5 = r0;
    if (rows > 1)
        r1 = row_load(sums + NR);
    if (rows > 2)
        r2 = row_load(sums + 2 * NR);
    if (rows > 3)
        r3 = row_load(sums + 3 * NR);
    if (rows > 4)
        r4 = row_load(sums + 4 * NR);
    if (rows > 5)
        r5 = row_load(sums + 5 * NR);
    for (size_t kk = 0; kk < steps; kk += 4) {
        avx2_ahead_step(&f);
        __m256i w0 = _mm256_load_si256((const __m256i *)(const void *)(panel + kk * NR));
        __m256i w1 = _mm256_load_si256((const __m256i *)(const void *)(panel + kk * NR + 32));
        r0 = row_dot(r0, a + kk, w0, w1);
        if (rows > 1)
            r1 = row_dot(r1, a + lda + kk, w0, w1);
        if (rows > 2)
            r2 = row_dot(r2, a + 2 * lda + kk, w0, w1);
        if (rows > 3)
            r3 = row_dot(r3, a + 3 * lda + kk, w0, w1);
        if (rows > 4)
            r4 = row_dot(r4, a + 4 * lda + kk, w0, w1);
        if (rows > 5)
            r5 = row_dot(r5, a + 5 * lda + kk, w0, w1);
    }
    row_store(sums, r0);
    if (rows > 1)
        row_store(sums + NR, r1);
    if (rows > 2)
        row_store(sums + 2 * NR, r2);
    if (rows > 3)
        row_store(sums + 3 * NR, r3);
    if (rows > 4)
        row_store(sums + 4 * NR, r4);
    if (rows > 5)
        row_store(sums + 5 * NR, r5);
}

static void tile_any(size_t rows, const int8_t *a, size_t lda, const int8_t *panel, size_t steps, avx2_ahead f,
                     int32_t *sums)
{
    switch (rows) {
    case 1:
        tile(1, a, lda, panel, steps, f, sums);
        break;
    case 2:
        tile(2, a, lda, panel, steps, f, sums);
        break;
    case 3:
        tile(3, a, lda, panel, steps, f, sums);
        break;
    case 4:
        tile(4, a, lda, panel, steps, f, sums);
        break;
    case 5:
        tile(5, a, lda, panel, steps, f, sums);
        break;
    default:
        tile(MR, a, lda, panel, steps, f, sums);
        break;
    }
}

void tb_avxvnni_gemm_s8(const tb_gemm_s8 *g)
{
    _Alignas(64) int32_t sums[ROWS * NR];
    size_t panel_bytes = tb_layout_s8_bytes(NR, g->k);
    for (size_t j = 0; j < g->n; j += NR) {
        size_t columns = g->n - j < NR ? g->n - j : NR;
        for (size_t i = 0; i < g->m; i += ROWS) {
            size_t rows = g->m - i < ROWS ? g->m - i : ROWS, tiles = (rows + MR - 1) / MR;
            memset(sums, 0, rows * NR * sizeof(int32_t));
            for (size_t k = 0; k < g->k; k += STEPS) {
                size_t steps = g->k - k < STEPS ? g->k - k : STEPS, at = j / NR * panel_bytes + k * NR;
                for (size_t r = 0; r < rows; r += MR)
                    tile_any(rows - r < MR ? rows - r : MR, g->a + (i + r) * g->lda + k, g->lda, g->panels + at, steps,
                             avx2_ahead_s8(g, at, at + steps * NR, steps / 4, r / MR, tiles), sums + r * NR);
            }
            lanes_finish_s8(g, sums, NR, 128, i, rows, j, columns);
        }
    }
}
