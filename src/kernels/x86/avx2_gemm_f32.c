/* SPDX-License-Identifier: Apache-2.0
 * Float product with AVX2 and FMA: tiles of 6 rows x 16 columns, 12 accumulators in registers.
 * Includes: lanes_avx2.h, lanes/epilogue.h. Called by: avx2.c. */
#include "kernels/x86/avx2.h"
#include "kernels/x86/lanes_avx2.h"

#include "kernels/lanes/epilogue.h"

enum {
    NR = TB_AVX2_NR,
    MR = 6,
    ROWS = 8 * MR, /* rows whose sums wait on the stack while a block of k is worked through */
    STEPS = 256,   /* k in a block: 16 KiB of a panel stay in L1 */
};

/* The sums of one row of the tile. */
typedef struct row {
    __m256 c0, c1;
} row;

static inline row row_load(const float *sums)
{
    return (row){_mm256_load_ps(sums), _mm256_load_ps(sums + 8)};
}

static inline void row_store(float *sums, row r)
{
    _mm256_store_ps(sums, r.c0);
    _mm256_store_ps(sums + 8, r.c1);
}

static inline row row_fma(row r, const float *a, __m256 w0, __m256 w1)
{
    __m256 x = _mm256_broadcast_ss(a);
    return (row){_mm256_fmadd_ps(x, w0, r.c0), _mm256_fmadd_ps(x, w1, r.c1)};
}

/* Continues the sums [rows][NR] over `steps` of k; rows is a constant at every call. */
static inline __attribute__((always_inline)) void tile(size_t rows, const float *a, size_t lda, const float *panel,
                                                       size_t steps, avx2_ahead f, float *sums)
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
    for (size_t kk = 0; kk < steps; kk++) {
        avx2_ahead_step(&f);
        __m256 w0 = _mm256_load_ps(panel + kk * NR);
        __m256 w1 = _mm256_load_ps(panel + kk * NR + 8);
        r0 = row_fma(r0, a + kk, w0, w1);
        if (rows > 1)
            r1 = row_fma(r1, a + lda + kk, w0, w1);
        if (rows > 2)
            r2 = row_fma(r2, a + 2 * lda + kk, w0, w1);
        if (rows > 3)
            r3 = row_fma(r3, a + 3 * lda + kk, w0, w1);
        if (rows > 4)
            r4 = row_fma(r4, a + 4 * lda + kk, w0, w1);
        if (rows > 5)
            r5 = row_fma(r5, a + 5 * lda + kk, w0, w1);
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

static void tile_any(size_t rows, const float *a, size_t lda, const float *panel, size_t steps, avx2_ahead f,
                     float *sums)
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

void tb_avx2_gemm_f32(const tb_gemm_f32 *g)
{
    _Alignas(64) float sums[ROWS * NR];
    for (size_t j = 0; j < g->n; j += NR) {
        const float *panel = g->panels + j * g->k;
        size_t columns = g->n - j < NR ? g->n - j : NR;
        for (size_t i = 0; i < g->m; i += ROWS) {
            size_t rows = g->m - i < ROWS ? g->m - i : ROWS, tiles = (rows + MR - 1) / MR;
            lanes_start_sums(g->continues, g->out, g->ldo, sums, NR, i, rows, j, columns);
            for (size_t k = 0; k < g->k; k += STEPS) {
                size_t steps = g->k - k < STEPS ? g->k - k : STEPS;
                const float *weights = panel + k * NR;
                for (size_t r = 0; r < rows; r += MR)
                    tile_any(rows - r < MR ? rows - r : MR, g->a + (i + r) * g->lda + k, g->lda, weights, steps,
                             avx2_ahead_of(weights, weights + steps * NR, steps, r / MR, tiles), sums + r * NR);
            }
            lanes_finish_f32(g, sums, NR, i, rows, j, columns);
        }
    }
}
