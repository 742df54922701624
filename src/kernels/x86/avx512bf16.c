/* SPDX-License-Identifier: Apache-2.0
 * BF16 product with AVX-512 BF16 (vdpbf16ps): tiles of 6 rows x 64 columns, two values of k a step. Panels are
 * [ceil(k / 2)][64][2]. The instruction adds both products of a pair and takes denormals for zeros.
 * Compiled apart, because the AVX-512 level also runs on CPUs without these instructions.
 * Includes: lanes_avx512.h, lanes/epilogue.h, pack_bf16.h. Called by: avx512.c. */
#include "kernels/x86/avx512.h"
#include "kernels/x86/lanes_avx512.h"

#include "kernels/lanes/epilogue.h"
#include "kernels/x86/pack_bf16.h"

#include <string.h>

enum {
    NR = TB_AVX512_NR,
    MR = 6,
    ROWS = 8 * MR, /* rows whose sums wait on the stack while a block of k is worked through */
    STEPS = 1024,  /* k in a block: 128 KiB of a panel stay in L2 */
    PLAIN_ROWS = 64 * MR,
};

/* The sums of one row of the tile. */
typedef struct row {
    __m512 c0, c1, c2, c3;
} row;

/* One step of the panel: 64 columns, two values of k each. */
typedef struct weights {
    __m512bh w0, w1, w2, w3;
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

static inline __m512bh load(const uint16_t *p)
{
    return (__m512bh)_mm512_load_si512(p);
}

static inline row row_dot(size_t registers, row r, const uint16_t *a, weights w)
{
    int32_t pair;
    memcpy(&pair, a, sizeof pair);
    __m512bh x = (__m512bh)_mm512_set1_epi32(pair);
    r.c0 = _mm512_dpbf16_ps(r.c0, x, w.w0);
    if (registers > 1)
        r.c1 = _mm512_dpbf16_ps(r.c1, x, w.w1);
    if (registers > 2) {
        r.c2 = _mm512_dpbf16_ps(r.c2, x, w.w2);
        r.c3 = _mm512_dpbf16_ps(r.c3, x, w.w3);
    }
    return r;
}

/* The sums [rows][ld] over `steps` of k, from zero (first) or continued, in the first 16 * registers columns. rows
 * (1..6) and registers (1, 2, 4) are constants at every call. */
static inline __attribute__((always_inline)) void tile(size_t rows, size_t registers, const uint16_t *a, size_t lda,
                                                       const uint16_t *panel, size_t steps, bool first, float *sums,
                                                       size_t ld)
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
    for (size_t kk = 0; kk < steps; kk += 2) {
        weights w;
        w.w0 = w.w1 = w.w2 = w.w3 = load(panel + kk * NR);
        if (registers > 1)
            w.w1 = load(panel + kk * NR + 32);
        if (registers > 2) {
            w.w2 = load(panel + kk * NR + 64);
            w.w3 = load(panel + kk * NR + 96);
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
static inline __attribute__((always_inline)) void tile_columns(size_t rows, size_t columns, const uint16_t *a,
                                                               size_t lda, const uint16_t *panel, size_t steps,
                                                               bool first, float *sums, size_t ld)
{
    if (columns > 32)
        tile(rows, 4, a, lda, panel, steps, first, sums, ld);
    else if (columns > 16)
        tile(rows, 2, a, lda, panel, steps, first, sums, ld);
    else
        tile(rows, 1, a, lda, panel, steps, first, sums, ld);
}

static void tile_any(size_t rows, size_t columns, const uint16_t *a, size_t lda, const uint16_t *panel, size_t steps,
                     bool first, float *sums, size_t ld)
{
    switch (rows) {
    case 1:
        tile_columns(1, columns, a, lda, panel, steps, first, sums, ld);
        break;
    case 2:
        tile_columns(2, columns, a, lda, panel, steps, first, sums, ld);
        break;
    case 3:
        tile_columns(3, columns, a, lda, panel, steps, first, sums, ld);
        break;
    case 4:
        tile_columns(4, columns, a, lda, panel, steps, first, sums, ld);
        break;
    case 5:
        tile_columns(5, columns, a, lda, panel, steps, first, sums, ld);
        break;
    default:
        tile_columns(MR, columns, a, lda, panel, steps, first, sums, ld);
        break;
    }
}

size_t tb_avx512_bf16_panel_bytes(size_t k)
{
    return NR * tb_round_up(k, 2) * sizeof(uint16_t);
}

void tb_avx512_pack_bf16(uint16_t *panels, const float *w, size_t ldw, size_t n, size_t k)
{
    size_t panel_size = tb_avx512_bf16_panel_bytes(k) / sizeof(uint16_t);
    for (size_t j = 0; j < n; j += NR) {
        uint16_t *panel = panels + j / NR * panel_size;
        size_t columns = n - j < NR ? n - j : NR;
        for (size_t kk = 0; kk < k; kk += X86_BF16_STEPS) {
            size_t steps = k - kk < X86_BF16_STEPS ? k - kk : X86_BF16_STEPS;
            x86_pack_bf16_pairs(NR, panel + kk * NR, w + j * ldw + kk, ldw, columns, steps, (steps + 1) / 2);
        }
    }
}

void tb_avx512_pack_bf16_kn(uint16_t *panels, const float *b, size_t ldb, size_t n, size_t k)
{
    enum { BLOCK = 8 }; /* rows at a time through all panels: they are read as they lie */
    size_t panel_size = tb_avx512_bf16_panel_bytes(k) / sizeof(uint16_t);
    for (size_t k0 = 0; k0 < k; k0 += BLOCK) {
        size_t end = k - k0 < BLOCK ? k : k0 + BLOCK;
        for (size_t j = 0; j < n; j += NR) {
            uint16_t *panel = panels + j / NR * panel_size;
            for (size_t kk = k0; kk < end; kk += 2)
                for (size_t c = 0; c < NR; c += 16)
                    avx512_store_bf16_pairs(panel + kk * NR + 2 * c, b + kk * ldb + j + c, ldb,
                                            n - j > c ? n - j - c : 0, end - kk);
        }
    }
}

/* A product that nothing follows, with k in one block: as in avx512_gemm_f32.c. */
static void plain(const tb_gemm_bf16 *g, size_t n)
{
    size_t panel_size = tb_avx512_bf16_panel_bytes(g->k) / sizeof(uint16_t);
    for (size_t i0 = 0; i0 < g->m; i0 += PLAIN_ROWS) {
        size_t end = g->m - i0 < PLAIN_ROWS ? g->m : i0 + PLAIN_ROWS;
        for (size_t j = 0; j < n; j += NR)
            for (size_t i = i0; i < end; i += MR) {
                for (size_t r = i + MR; r < i + 2 * MR && r < end; r++) /* where the next tile goes */
                    for (size_t c = j; c < j + NR; c += 16)
                        __builtin_prefetch(g->out + r * g->ldo + c, 1, 2);
                tile_any(end - i < MR ? end - i : MR, n - j < NR ? n - j : NR, g->a + i * g->lda, g->lda,
                         g->panels + j / NR * panel_size, g->k, !g->continues, g->out + i * g->ldo + j, g->ldo);
            }
    }
}

void tb_avx512_gemm_bf16(const tb_gemm_bf16 *g)
{
    _Alignas(64) float sums[ROWS * NR];
    /* What follows the sum is the float product's. */
    const tb_gemm_f32 after = {.m = g->m, .n = g->n, .k = g->k, .out = g->out, .ldo = g->ldo, .epilogue = g->epilogue};
    size_t panel_size = tb_avx512_bf16_panel_bytes(g->k) / sizeof(uint16_t), rest = g->n % NR, first = 0;
    if (g->k <= STEPS && g->epilogue.bias == NULL && g->epilogue.act == TB_ACT_NONE && g->epilogue.residual == NULL) {
        first = rest == 16 || rest == 32 ? g->n : g->n - rest; /* whole registers */
        plain(g, first);
    }
    for (size_t j = first; j < g->n; j += NR) {
        const uint16_t *panel = g->panels + j / NR * panel_size;
        size_t columns = g->n - j < NR ? g->n - j : NR;
        for (size_t i = 0; i < g->m; i += ROWS) {
            size_t rows = g->m - i < ROWS ? g->m - i : ROWS;
            lanes_start_sums(g->continues, g->out, g->ldo, sums, NR, i, rows, j, columns);
            for (size_t k = 0; k < g->k; k += STEPS) {
                size_t steps = g->k - k < STEPS ? g->k - k : STEPS; /* rows of a and panels hold a zero after odd k */
                for (size_t r = 0; r < rows; r += MR)
                    tile_any(rows - r < MR ? rows - r : MR, columns, g->a + (i + r) * g->lda + k, g->lda,
                             panel + k * NR, steps, false, sums + r * NR, NR);
            }
            lanes_finish_f32(&after, sums, NR, i, rows, j, columns);
        }
    }
}
