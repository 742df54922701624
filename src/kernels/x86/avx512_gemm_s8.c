/* SPDX-License-Identifier: Apache-2.0
 * Integer product with AVX-512 VNNI: tiles of 6 rows x 64 columns, four values of k a step.
 * vpdpbusd multiplies unsigned by signed bytes: activations come as q + 128 (q ^ 0x80), and the epilogue takes
 * 128 * colsum away again. It sums modulo 2^32, and (q + 128) * w summed over TB_MAX_K still fits.
 * Includes: lanes_avx512.h, ahead.h, lanes/epilogue.h. Called by: avx512.c. */
#include "kernels/x86/ahead.h"
#include "kernels/x86/avx512.h"
#include "kernels/x86/lanes_avx512.h"

#include "kernels/lanes/epilogue.h"

#include <string.h>

enum { NR = TB_AVX512_NR, MR = 6 };

/* The sums of one row of the tile. */
typedef struct row {
    __m512i c0, c1, c2, c3;
} row;

/* One step of the panel: 64 columns, four values of k each. */
typedef struct weights {
    __m512i w0, w1, w2, w3;
} weights;

static inline __m512i load(const int8_t *p)
{
    return _mm512_load_si512(p);
}

static inline void row_store(int32_t *sums, row r)
{
    _mm512_store_si512(sums, r.c0);
    _mm512_store_si512(sums + 16, r.c1);
    _mm512_store_si512(sums + 32, r.c2);
    _mm512_store_si512(sums + 48, r.c3);
}

static inline row row_dot(size_t registers, row r, const int8_t *a, weights w)
{
    int32_t four;
    memcpy(&four, a, sizeof four);
    __m512i x = _mm512_set1_epi32(four);
    r.c0 = _mm512_dpbusd_epi32(r.c0, x, w.w0);
    if (registers > 1)
        r.c1 = _mm512_dpbusd_epi32(r.c1, x, w.w1);
    if (registers > 2) {
        r.c2 = _mm512_dpbusd_epi32(r.c2, x, w.w2);
        r.c3 = _mm512_dpbusd_epi32(r.c3, x, w.w3);
    }
    return r;
}

/* sums[rows][NR] over all of k, in the first 16 * registers columns. rows (1..6) and registers (1, 2, 4) are constants
 * at every call. */
static inline __attribute__((always_inline)) void tile(size_t rows, size_t registers, const int8_t *a, size_t lda,
                                                       const int8_t *panel, size_t k, ahead f, int32_t *sums)
{
    __m512i zero = _mm512_setzero_si512();
    row r0 = {zero, zero, zero, zero}, r1 = r0, r2 = r0, r3 = r0, r4 = r0, r5 = r0;
    for (size_t kk = 0; kk < k; kk += 4) {
        ahead_step(&f);
        weights w;
        w.w0 = w.w1 = w.w2 = w.w3 = load(panel + kk * NR);
        if (registers > 1)
            w.w1 = load(panel + kk * NR + 64);
        if (registers > 2) {
            w.w2 = load(panel + kk * NR + 128);
            w.w3 = load(panel + kk * NR + 192);
        }
        r0 = row_dot(registers, r0, a + kk, w);
        if (rows > 1)
            r1 = row_dot(registers, r1, a + lda + kk, w);
        if (rows > 2)
            r2 = row_dot(registers, r2, a + 2 * lda + kk, w);
        if (rows > 3)
            r3 = row_dot(registers, r3, a + 3 * lda + kk, w);
        if (rows > 4)
            r4 = row_dot(registers, r4, a + 4 * lda + kk, w);
        if (rows > 5)
            r5 = row_dot(registers, r5, a + 5 * lda + kk, w);
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

/* The same for any number of columns: as few registers as hold them. */
static inline __attribute__((always_inline)) void tile_columns(size_t rows, size_t columns, const int8_t *a, size_t lda,
                                                               const int8_t *panel, size_t k, ahead f, int32_t *sums)
{
    if (columns > 32)
        tile(rows, 4, a, lda, panel, k, f, sums);
    else if (columns > 16)
        tile(rows, 2, a, lda, panel, k, f, sums);
    else
        tile(rows, 1, a, lda, panel, k, f, sums);
}

static void tile_any(size_t rows, size_t columns, const int8_t *a, size_t lda, const int8_t *panel, size_t k, ahead f,
                     int32_t *sums)
{
    switch (rows) {
    case 1:
        tile_columns(1, columns, a, lda, panel, k, f, sums);
        break;
    case 2:
        tile_columns(2, columns, a, lda, panel, k, f, sums);
        break;
    case 3:
        tile_columns(3, columns, a, lda, panel, k, f, sums);
        break;
    case 4:
        tile_columns(4, columns, a, lda, panel, k, f, sums);
        break;
    case 5:
        tile_columns(5, columns, a, lda, panel, k, f, sums);
        break;
    default:
        tile_columns(MR, columns, a, lda, panel, k, f, sums);
        break;
    }
}

void tb_avx512_gemm_s8(const tb_gemm_s8 *g)
{
    _Alignas(64) int32_t sums[MR * NR];
    size_t panel_bytes = tb_avx512_s8_panel_bytes(g->k), tiles = (g->m + MR - 1) / MR;
    for (size_t j = 0; j < g->n; j += NR) {
        const int8_t *panel = g->panels + j / NR * panel_bytes;
        size_t columns = g->n - j < NR ? g->n - j : NR, next_bytes = g->ahead ? g->ahead_bytes : panel_bytes;
        const void *next = g->ahead ? g->ahead : panel + panel_bytes;
        for (size_t i = 0; i < g->m; i += MR) {
            size_t rows = g->m - i < MR ? g->m - i : MR;
            ahead f = ahead_of_tile(next, next_bytes, i / MR, tiles);
            tile_any(rows, columns, g->a + i * g->lda, g->lda, panel, g->k, f, sums);
            lanes_finish_s8(g, sums, NR, 128, i, rows, j, columns);
        }
    }
}
