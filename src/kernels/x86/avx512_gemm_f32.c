/* SPDX-License-Identifier: Apache-2.0
 * Float product with AVX-512: tiles of 6 rows x 64 columns, 24 accumulators in registers.
 * Includes: lanes_avx512.h, ahead.h, lanes/epilogue.h. Called by: avx512.c. */
#include "kernels/x86/ahead.h"
#include "kernels/x86/avx512.h"
#include "kernels/x86/lanes_avx512.h"

#include "kernels/lanes/epilogue.h"

enum {
    NR = TB_AVX512_NR,
    MR = 6,
    ROWS = 8 * MR, /* rows whose sums wait on the stack while a block of k is worked through */
    STEPS = 512,   /* k in a block: 128 KiB of a panel stay in L2 */
    PLAIN_ROWS = 32 * MR,
};

/* The sums of one row of the tile. */
typedef struct row {
    __m512 c0, c1, c2, c3;
} row;

/* One step of the panel: 64 columns. */
typedef struct weights {
    __m512 w0, w1, w2, w3;
} weights;

static inline row row_start(size_t registers, bool first, const float *sums)
{
    __m512 zero = _mm512_setzero_ps();
    row r = {zero, zero, zero, zero};
    if (first)
        return r;
    r.c0 = _mm512_loadu_ps(sums);
    if (registers > 1)
        r.c1 = _mm512_loadu_ps(sums + 16);
    if (registers > 2) {
        r.c2 = _mm512_loadu_ps(sums + 32);
        r.c3 = _mm512_loadu_ps(sums + 48);
    }
    return r;
}

static inline void row_store(size_t registers, float *sums, row r)
{
    _mm512_storeu_ps(sums, r.c0);
    if (registers > 1)
        _mm512_storeu_ps(sums + 16, r.c1);
    if (registers > 2) {
        _mm512_storeu_ps(sums + 32, r.c2);
        _mm512_storeu_ps(sums + 48, r.c3);
    }
}

static inline row row_fma(size_t registers, row r, const float *a, weights w)
{
    __m512 x = _mm512_set1_ps(*a);
    r.c0 = _mm512_fmadd_ps(x, w.w0, r.c0);
    if (registers > 1)
        r.c1 = _mm512_fmadd_ps(x, w.w1, r.c1);
    if (registers > 2) {
        r.c2 = _mm512_fmadd_ps(x, w.w2, r.c2);
        r.c3 = _mm512_fmadd_ps(x, w.w3, r.c3);
    }
    return r;
}

/* The sums [rows][ld] over `steps` of k, from zero (first) or continued, in the first 16 * registers columns. rows
 * (1..6) and registers (1, 2, 4) are constants at every call. */
static inline __attribute__((always_inline)) void tile(size_t rows, size_t registers, const float *a, size_t lda,
                                                       const float *panel, size_t steps, ahead f, bool first,
                                                       float *sums, size_t ld)
{
    row r0 = row_start(registers, first, sums), r1 = r0, r2 = r0, r3 = r0, r4 = r0, r5 = r0;
    if (rows > 1)
        r1 = row_start(registers, first, sums + ld);
    if (rows > 2)
        r2 = row_start(registers, first, sums + 2 * ld);
    if (rows > 3)
        r3 = row_start(registers, first, sums + 3 * ld);
    if (rows > 4)
        r4 = row_start(registers, first, sums + 4 * ld);
    if (rows > 5)
        r5 = row_start(registers, first, sums + 5 * ld);
    for (size_t kk = 0; kk < steps; kk++) {
        ahead_step(&f);
        weights w;
        w.w0 = w.w1 = w.w2 = w.w3 = _mm512_load_ps(panel + kk * NR);
        if (registers > 1)
            w.w1 = _mm512_load_ps(panel + kk * NR + 16);
        if (registers > 2) {
            w.w2 = _mm512_load_ps(panel + kk * NR + 32);
            w.w3 = _mm512_load_ps(panel + kk * NR + 48);
        }
        r0 = row_fma(registers, r0, a + kk, w);
        if (rows > 1)
            r1 = row_fma(registers, r1, a + lda + kk, w);
        if (rows > 2)
            r2 = row_fma(registers, r2, a + 2 * lda + kk, w);
        if (rows > 3)
            r3 = row_fma(registers, r3, a + 3 * lda + kk, w);
        if (rows > 4)
            r4 = row_fma(registers, r4, a + 4 * lda + kk, w);
        if (rows > 5)
            r5 = row_fma(registers, r5, a + 5 * lda + kk, w);
    }
    row_store(registers, sums, r0);
    if (rows > 1)
        row_store(registers, sums + ld, r1);
    if (rows > 2)
        row_store(registers, sums + 2 * ld, r2);
    if (rows > 3)
        row_store(registers, sums + 3 * ld, r3);
    if (rows > 4)
        row_store(registers, sums + 4 * ld, r4);
    if (rows > 5)
        row_store(registers, sums + 5 * ld, r5);
}

/* The same for any number of columns: as few registers as hold them. */
static inline __attribute__((always_inline)) void tile_columns(size_t rows, size_t columns, const float *a, size_t lda,
                                                               const float *panel, size_t steps, ahead f, bool first,
                                                               float *sums, size_t ld)
{
    if (columns > 32)
        tile(rows, 4, a, lda, panel, steps, f, first, sums, ld);
    else if (columns > 16)
        tile(rows, 2, a, lda, panel, steps, f, first, sums, ld);
    else
        tile(rows, 1, a, lda, panel, steps, f, first, sums, ld);
}

static void tile_any(size_t rows, size_t columns, const float *a, size_t lda, const float *panel, size_t steps, ahead f,
                     bool first, float *sums, size_t ld)
{
    switch (rows) {
    case 1:
        tile_columns(1, columns, a, lda, panel, steps, f, first, sums, ld);
        break;
    case 2:
        tile_columns(2, columns, a, lda, panel, steps, f, first, sums, ld);
        break;
    case 3:
        tile_columns(3, columns, a, lda, panel, steps, f, first, sums, ld);
        break;
    case 4:
        tile_columns(4, columns, a, lda, panel, steps, f, first, sums, ld);
        break;
    case 5:
        tile_columns(5, columns, a, lda, panel, steps, f, first, sums, ld);
        break;
    default:
        tile_columns(MR, columns, a, lda, panel, steps, f, first, sums, ld);
        break;
    }
}

/* A product that nothing follows (attention, gradients), with k in one block: sums are made where they belong. Rows go
 * in blocks that stay in L2 while all panels pass by. */
static void plain(const tb_gemm_f32 *g, size_t n)
{
    const ahead nothing = {NULL, 0};
    for (size_t i0 = 0; i0 < g->m; i0 += PLAIN_ROWS) {
        size_t end = g->m - i0 < PLAIN_ROWS ? g->m : i0 + PLAIN_ROWS;
        for (size_t j = 0; j < n; j += NR)
            for (size_t i = i0; i < end; i += MR) {
                for (size_t r = i + MR; r < i + 2 * MR && r < end; r++) /* where the next tile goes */
                    for (size_t c = j; c < j + NR; c += 16)
                        __builtin_prefetch(g->out + r * g->ldo + c, 1, 2);
                tile_any(end - i < MR ? end - i : MR, n - j < NR ? n - j : NR, g->a + i * g->lda, g->lda,
                         g->panels + j * g->k, g->k, nothing, !g->continues, g->out + i * g->ldo + j, g->ldo);
            }
    }
}

void tb_avx512_gemm_f32(const tb_gemm_f32 *g)
{
    _Alignas(64) float sums[ROWS * NR];
    size_t tiles = (g->m + MR - 1) / MR, rest = g->n % NR, first = 0;
    if (g->k <= STEPS && g->epilogue.bias == NULL && g->epilogue.act == TB_ACT_NONE && g->epilogue.residual == NULL) {
        first = rest == 16 || rest == 32 ? g->n : g->n - rest; /* whole registers */
        plain(g, first);
    }
    for (size_t j = first; j < g->n; j += NR) {
        const float *panel = g->panels + j * g->k;
        size_t columns = g->n - j < NR ? g->n - j : NR;
        for (size_t i = 0; i < g->m; i += ROWS) {
            size_t rows = g->m - i < ROWS ? g->m - i : ROWS;
            if (g->continues)
                lanes_start_sums(true, g->out, g->ldo, sums, NR, i, rows, j, columns);
            for (size_t k = 0; k < g->k; k += STEPS) {
                size_t steps = g->k - k < STEPS ? g->k - k : STEPS;
                const float *part = panel + k * NR;
                for (size_t r = 0; r < rows; r += MR) {
                    ahead f = ahead_of_tile(part + g->k * NR, steps * NR * sizeof(float), (i + r) / MR, tiles);
                    tile_any(rows - r < MR ? rows - r : MR, columns, g->a + (i + r) * g->lda + k, g->lda, part, steps,
                             f, k == 0 && !g->continues, sums + r * NR, NR);
                }
            }
            lanes_finish_f32(g, sums, NR, i, rows, j, columns);
        }
    }
}
