/* SPDX-License-Identifier: Apache-2.0
 * Integer product with AVX2: tiles of 4 rows x 16 columns, four values of k a step.
 * vpmaddubsw needs an unsigned side: |a| * sign(w, a), whose pairs fit 16 bits while weights are in -127..127. Weights
 * of -128 take the path that widens both sides to 16 bits.
 * Includes: lanes_avx2.h, lanes/epilogue.h. Called by: avx2.c. */
#include "kernels/x86/avx2.h"
#include "kernels/x86/lanes_avx2.h"

#include "kernels/lanes/epilogue.h"

#include <string.h>

enum { NR = TB_AVX2_NR, MR = 4 };

/* The sums of one row of the tile. */
typedef struct row {
    __m256i c0, c1;
} row;

static inline void row_store(int32_t *sums, row r)
{
    _mm256_store_si256((__m256i *)(void *)sums, r.c0);
    _mm256_store_si256((__m256i *)(void *)(sums + 8), r.c1);
}

/* Four activations, repeated. */
static inline __m256i broadcast_4(const int8_t *a)
{
    int32_t four;
    memcpy(&four, a, sizeof four);
    return _mm256_set1_epi32(four);
}

/* Four products each, summed, added to c; |x| is given. */
static inline __m256i dot_bytes(__m256i c, __m256i magnitude, __m256i x, __m256i w)
{
    __m256i pairs = _mm256_maddubs_epi16(magnitude, _mm256_sign_epi8(w, x));
    return _mm256_add_epi32(c, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

static inline row row_bytes(row r, const int8_t *a, __m256i w0, __m256i w1)
{
    __m256i x = broadcast_4(a);
    __m256i magnitude = _mm256_abs_epi8(x);
    return (row){dot_bytes(r.c0, magnitude, x, w0), dot_bytes(r.c1, magnitude, x, w1)};
}

/* The bytes at even and at odd places, as 16-bit integers. */
static inline __m256i even_words(__m256i v)
{
    return _mm256_srai_epi16(_mm256_slli_epi16(v, 8), 8);
}
static inline __m256i odd_words(__m256i v)
{
    return _mm256_srai_epi16(v, 8);
}

static inline row row_words(row r, const int8_t *a, __m256i w0, __m256i w1)
{
    __m256i x = broadcast_4(a);
    __m256i even = even_words(x), odd = odd_words(x);
    __m256i d0 = _mm256_add_epi32(_mm256_madd_epi16(even, even_words(w0)), _mm256_madd_epi16(odd, odd_words(w0)));
    __m256i d1 = _mm256_add_epi32(_mm256_madd_epi16(even, even_words(w1)), _mm256_madd_epi16(odd, odd_words(w1)));
    return (row){_mm256_add_epi32(r.c0, d0), _mm256_add_epi32(r.c1, d1)};
}

static inline row row_step(bool words, row r, const int8_t *a, __m256i w0, __m256i w1)
{
    return words ? row_words(r, a, w0, w1) : row_bytes(r, a, w0, w1);
}

/* sums[rows][NR] over all of k; rows and words are constants at every call. */
static inline __attribute__((always_inline)) void tile(size_t rows, bool words, const int8_t *a, size_t lda,
                                                       const int8_t *panel, size_t k, int32_t *sums)
{
    row r0 = {_mm256_setzero_si256(), _mm256_setzero_si256()}, r1 = r0, r2 = r0, r3 = r0;
    for (size_t kk = 0; kk < k; kk += 4) {
        __m256i w0 = _mm256_load_si256((const __m256i *)(const void *)(panel + kk * NR));
        __m256i w1 = _mm256_load_si256((const __m256i *)(const void *)(panel + kk * NR + 32));
        r0 = row_step(words, r0, a + kk, w0, w1);
        if (rows > 1)
            r1 = row_step(words, r1, a + lda + kk, w0, w1);
        if (rows > 2)
            r2 = row_step(words, r2, a + 2 * lda + kk, w0, w1);
        if (rows > 3)
            r3 = row_step(words, r3, a + 3 * lda + kk, w0, w1);
    }
    row_store(sums, r0);
    if (rows > 1)
        row_store(sums + NR, r1);
    if (rows > 2)
        row_store(sums + 2 * NR, r2);
    if (rows > 3)
        row_store(sums + 3 * NR, r3);
}

static inline __attribute__((always_inline)) void tile_any(size_t rows, bool words, const int8_t *a, size_t lda,
                                                           const int8_t *panel, size_t k, int32_t *sums)
{
    switch (rows) {
    case 1:
        tile(1, words, a, lda, panel, k, sums);
        break;
    case 2:
        tile(2, words, a, lda, panel, k, sums);
        break;
    case 3:
        tile(3, words, a, lda, panel, k, sums);
        break;
    default:
        tile(MR, words, a, lda, panel, k, sums);
        break;
    }
}

static void tile_bytes(size_t rows, const int8_t *a, size_t lda, const int8_t *panel, size_t k, int32_t *sums)
{
    tile_any(rows, false, a, lda, panel, k, sums);
}

static void tile_words(size_t rows, const int8_t *a, size_t lda, const int8_t *panel, size_t k, int32_t *sums)
{
    tile_any(rows, true, a, lda, panel, k, sums);
}

void tb_avx2_gemm_s8(const tb_gemm_s8 *g)
{
    _Alignas(64) int32_t sums[MR * NR];
    size_t panel_bytes = tb_avx2_s8_panel_bytes(g->k);
    for (size_t j = 0; j < g->n; j += NR) {
        const int8_t *panel = g->panels + j / NR * panel_bytes;
        size_t columns = g->n - j < NR ? g->n - j : NR;
        for (size_t i = 0; i < g->m; i += MR) {
            size_t rows = g->m - i < MR ? g->m - i : MR;
            const int8_t *a = g->a + i * g->lda;
            if (g->has_minus128)
                tile_words(rows, a, g->lda, panel, g->k, sums);
            else
                tile_bytes(rows, a, g->lda, panel, g->k, sums);
            lanes_finish_s8(g, sums, NR, 0, i, rows, j, columns);
        }
    }
}
