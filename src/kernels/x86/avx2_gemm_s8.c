/* SPDX-License-Identifier: Apache-2.0
 * Integer product with AVX2: tiles of 4 rows x 16 columns, four values of k a step.
 * vpmaddubsw needs an unsigned side and has no room to spare. With n = all ones where q < 0 and nothing elsewhere,
 *   |q| * (w ^ n) = q * w          where q >= 0
 *                 = q * w - |q|    where q < 0, because w ^ n = -w - 1,
 * so the sum lacks the |q| of the row's negative values, one integer for all columns. w ^ n is in -128..127, a pair of
 * products in +-2 * 127 * 128 = +-32512: exact in 16 bits for every weight. (Turning the signs of the weights with
 * vpsignb instead is slower, as it competes with the multiplications for their ports, and wrong for -128.)
 * |q| and n are made once for a block of rows and k and used for GROUP columns.
 * Includes: lanes_avx2.h, lanes/epilogue.h, layout.h. Called by: avx2.c. */
#include "kernels/x86/avx2.h"
#include "kernels/x86/lanes_avx2.h"

#include "kernels/lanes/epilogue.h"
#include "kernels/layout.h"

#include <string.h>

enum {
    NR = TB_AVX2_NR,
    MR = 4,
    ROWS = 24,          /* rows of a block of activations, at most */
    GROUP = 8 * NR,     /* columns whose sums wait on the stack while k is worked through */
    BLOCK = ROWS * 384, /* activations of a block, 18 KiB as planes; fewer rows have longer ones, up to all of k */
};

/* A block of activations, [rows][stride], stride a multiple of 64. */
typedef struct block {
    _Alignas(64) uint8_t planes[2 * BLOCK]; /* |q|, then n */
    int32_t lacking[ROWS];                  /* sums of the |q| where q < 0 */
    size_t stride;
} block;

static int32_t sum_of_quads(__m256i v)
{
    __m128i pair = _mm_add_epi64(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    return _mm_cvtsi128_si32(_mm_add_epi64(pair, _mm_unpackhi_epi64(pair, pair)));
}

/* 32 values of a row; the |q| of the negative ones, in four sums. */
static inline __m256i fill_32(uint8_t *at, const int8_t *a)
{
    const __m256i zero = _mm256_setzero_si256();
    __m256i q = _mm256_loadu_si256((const __m256i *)(const void *)a);
    __m256i magnitude = _mm256_abs_epi8(q), negative = _mm256_cmpgt_epi8(zero, q);
    _mm256_store_si256((__m256i *)(void *)at, magnitude);
    _mm256_store_si256((__m256i *)(void *)(at + BLOCK), negative);
    return _mm256_sad_epu8(_mm256_and_si256(magnitude, negative), zero);
}

/* Reads a up to the next multiple of 64 of `steps`; there are zeros after k. */
static void block_fill(block *b, const int8_t *a, size_t lda, size_t rows, size_t steps)
{
    for (size_t r = 0; r < rows; r++) {
        uint8_t *at = b->planes + r * b->stride;
        __m256i lacking = _mm256_setzero_si256();
        for (size_t kk = 0; kk < steps; kk += 64) {
            __m256i first = fill_32(at + kk, a + r * lda + kk), second = fill_32(at + kk + 32, a + r * lda + kk + 32);
            lacking = _mm256_add_epi64(lacking, _mm256_add_epi64(first, second));
        }
        b->lacking[r] = sum_of_quads(lacking);
    }
}

/* The sums of one row of the tile. */
typedef struct row {
    __m256i c0, c1;
} row;

static inline row row_start(bool first, const int32_t *sums, int32_t lacking)
{
    __m256i add = _mm256_set1_epi32(lacking);
    if (first)
        return (row){add, add};
    return (row){_mm256_add_epi32(add, _mm256_load_si256((const __m256i *)(const void *)sums)),
                 _mm256_add_epi32(add, _mm256_load_si256((const __m256i *)(const void *)(sums + 8)))};
}

static inline void row_store(int32_t *sums, row r)
{
    _mm256_store_si256((__m256i *)(void *)sums, r.c0);
    _mm256_store_si256((__m256i *)(void *)(sums + 8), r.c1);
}

/* Four bytes, repeated. */
static inline __m256i broadcast_4(const uint8_t *p)
{
    int32_t four;
    memcpy(&four, p, sizeof four);
    return _mm256_set1_epi32(four);
}

/* c + the sums of four products. */
static inline __m256i dot(__m256i c, __m256i magnitude, __m256i negative, __m256i w)
{
    __m256i pairs = _mm256_maddubs_epi16(magnitude, _mm256_xor_si256(w, negative));
    c = _mm256_add_epi32(c, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
    TB_AVX2_PIN(c);
    return c;
}

static inline row row_dot(row r, const uint8_t *a, __m256i w0, __m256i w1)
{
    __m256i magnitude = broadcast_4(a), negative = broadcast_4(a + BLOCK);
    return (row){dot(r.c0, magnitude, negative, w0), dot(r.c1, magnitude, negative, w1)};
}

/* Rows r.. of the block with a panel; rows is a constant at every call. The first block of k starts the sums, which
 * have GROUP columns a row, later ones continue them. */
static inline __attribute__((always_inline)) void tile(size_t rows, bool first, const block *b, size_t r,
                                                       const int8_t *panel, size_t steps, avx2_ahead f, int32_t *sums)
{
    const size_t stride = b->stride;
    const uint8_t *a = b->planes + r * stride;
    const int32_t *lacking = b->lacking + r;
    row r0 = row_start(first, sums, lacking[0]), r1 = r0, r2 = r0, r3 = r0;
    if (rows > 1)
        r1 = row_start(first, sums + GROUP, lacking[1]);
    if (rows > 2)
        r2 = row_start(first, sums + 2 * GROUP, lacking[2]);
    if (rows > 3)
        r3 = row_start(first, sums + 3 * GROUP, lacking[3]);
    for (size_t kk = 0; kk < steps; kk += 4) {
        avx2_ahead_step(&f);
        __m256i w0 = _mm256_load_si256((const __m256i *)(const void *)(panel + kk * NR));
        __m256i w1 = _mm256_load_si256((const __m256i *)(const void *)(panel + kk * NR + 32));
        r0 = row_dot(r0, a + kk, w0, w1);
        if (rows > 1)
            r1 = row_dot(r1, a + stride + kk, w0, w1);
        if (rows > 2)
            r2 = row_dot(r2, a + 2 * stride + kk, w0, w1);
        if (rows > 3)
            r3 = row_dot(r3, a + 3 * stride + kk, w0, w1);
    }
    row_store(sums, r0);
    if (rows > 1)
        row_store(sums + GROUP, r1);
    if (rows > 2)
        row_store(sums + 2 * GROUP, r2);
    if (rows > 3)
        row_store(sums + 3 * GROUP, r3);
}

static void tile_any(size_t rows, bool first, const block *b, size_t r, const int8_t *panel, size_t steps, avx2_ahead f,
                     int32_t *sums)
{
    switch (rows) {
    case 1:
        tile(1, first, b, r, panel, steps, f, sums);
        break;
    case 2:
        tile(2, first, b, r, panel, steps, f, sums);
        break;
    case 3:
        tile(3, first, b, r, panel, steps, f, sums);
        break;
    default:
        tile(MR, first, b, r, panel, steps, f, sums);
        break;
    }
}

void tb_avx2_gemm_s8(const tb_gemm_s8 *g)
{
    _Alignas(64) int32_t sums[ROWS * GROUP];
    block b;
    size_t panel_bytes = tb_layout_s8_bytes(NR, g->k);
    for (size_t i = 0; i < g->m; i += ROWS) {
        size_t rows = g->m - i < ROWS ? g->m - i : ROWS, tiles = (rows + MR - 1) / MR;
        size_t longest = BLOCK / rows / 64 * 64;
        b.stride = g->k < longest ? tb_round_up(g->k, 64) : longest;
        for (size_t j = 0; j < g->n; j += GROUP) {
            size_t columns = g->n - j < GROUP ? g->n - j : GROUP;
            for (size_t k = 0; k < g->k; k += b.stride) {
                size_t steps = g->k - k < b.stride ? g->k - k : b.stride;
                if (j == 0 || b.stride < g->k)
                    block_fill(&b, g->a + i * g->lda + k, g->lda, rows, steps);
                for (size_t c = 0; c < columns; c += NR) {
                    size_t at = (j + c) / NR * panel_bytes + k * NR;
                    size_t next = c + NR < columns || k + steps == g->k ? at + panel_bytes
                                                                        : j / NR * panel_bytes + (k + steps) * NR;
                    for (size_t r = 0; r < rows; r += MR)
                        tile_any(rows - r < MR ? rows - r : MR, k == 0, &b, r, g->panels + at, steps,
                                 avx2_ahead_s8(g, at, next, steps / 4, r / MR, tiles), sums + r * GROUP + c);
                }
            }
            lanes_finish_s8(g, sums, GROUP, 0, i, rows, j, columns);
        }
    }
}
