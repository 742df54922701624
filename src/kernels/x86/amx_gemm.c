/* SPDX-License-Identifier: Apache-2.0
 * Integer and BF16 products with AMX tiles: blocks of 32 rows x 32 columns, 64 bytes of k a step. Both products walk
 * the same bytes; only the instruction and what follows the sum differ.
 *
 * Tiles 0..3 hold sums (rows 0-15 and 16-31 by columns 0-15 and 16-31), 4 and 5 activations, 6 and 7 weights. A slice
 * of a panel (K_BYTES of k, at most 32 KiB) stays in L1 while the rows pass by; sums that are not complete wait on the
 * stack. What follows a block's sum is done in portions between the steps of the next block, so that vector and tile
 * units work at the same time; and the next slice is fetched into L2 meanwhile.
 * Includes: amx_tiles.h, lanes_avx512.h, lanes/epilogue.h. Called by: amx.c. */
#include "kernels/x86/amx_tiles.h"
#include "kernels/x86/lanes_avx512.h"

#include "kernels/lanes/epilogue.h"

enum {
    NR = TB_AMX_NR,
    MR = 32,
    BLOCKS = 4,          /* blocks of rows that share a slice of weights */
    ROWS = BLOCKS * MR,  /* their rows */
    K_BYTES = 1024,      /* of a slice, at most */
    SUMS = MR * NR,      /* of a block */
    SUM_STRIDE = NR * 4, /* bytes */
    LINE = TB_AMX_LINE,
    TILE = TB_AMX_TILE,
    STEP = TB_AMX_STEP,
};

typedef enum value_kind { S8, BF16 } value_kind;

/* A product as bytes. */
typedef struct byte_product {
    const uint8_t *a, *panels;
    size_t stride;             /* of rows of a */
    size_t panel_bytes, steps; /* steps of 64 bytes of k */
    size_t m, n;
    const void *g;  /* the tb_gemm_s8, or a tb_gemm_f32 with what follows the sum of a BF16 product */
    bool continues; /* BF16: sums start at the output */
} byte_product;

/* A block whose sums are complete: rows [next, end) of it are still to be finished. */
typedef struct waiting {
    const void *sums;
    size_t i, j, columns; /* where its first row and column lie in the product */
    size_t next, end;
} waiting;

/* The next slice of weights. */
typedef struct ahead {
    const char *next, *end;
    size_t lines; /* a step */
} ahead;

/* Where a block lies: rows [i, i + 32) or, with a single pair of tiles, [i, i + 16), of which the first `skip` have
 * been done by another block. */
typedef struct place {
    size_t i, skip, rows;
    bool pair;
} place;

static void finish_s8(const void *g, waiting *w, size_t count)
{
    for (; count > 0 && w->next < w->end; count--, w->next++)
        lanes_finish_s8(g, (const int32_t *)w->sums + w->next * NR, NR, 0, w->i + w->next, 1, w->j, w->columns);
}

static void finish_bf16(const void *g, waiting *w, size_t count)
{
    for (; count > 0 && w->next < w->end; count--, w->next++)
        lanes_finish_f32(g, (const float *)w->sums + w->next * NR, NR, w->i + w->next, 1, w->j, w->columns);
}

static inline void finish(value_kind kind, const void *g, waiting *w, size_t count)
{
    if (kind == S8)
        finish_s8(g, w, count);
    else
        finish_bf16(g, w, count);
}

/* The sums of a block of a product that goes on. Rows that another block has done hold anything, and are not stored. */
static void take_sums(const void *after, float *sums, place at, size_t j, size_t columns)
{
    const tb_gemm_f32 *g = after;
    lanes_start_sums(true, g->out, g->ldo, sums, NR, at.i, at.rows, j, columns);
}

static inline void fetch(ahead *f)
{
    for (size_t i = 0; i < f->lines && f->next < f->end; i++, f->next += LINE)
        _mm_prefetch(f->next, _MM_HINT_T1);
}

#define DOT(t, sums, a, b)                                                                                             \
    do {                                                                                                               \
        if (kind == S8)                                                                                                \
            tile_dot_s8(t, sums, a, b);                                                                                \
        else                                                                                                           \
            tile_dot_bf16(t, sums, a, b);                                                                              \
    } while (0)

/* Continues, or starts, the sums of a block over `steps`, and finishes the block that waits, which may lie at the same
 * place: sums are stored after that. kind and pair are constants at every call. */
static inline __attribute__((always_inline)) void block(value_kind kind, bool pair, tiles *t, const byte_product *p,
                                                        const uint8_t *a, const uint8_t *b, size_t steps, bool start,
                                                        void *sums, waiting *w, ahead *f)
{
    uint8_t *sum = sums;
    const uint8_t *a1 = pair ? a + 16 * p->stride : a;
    size_t portion = (w->end - w->next + steps - 1) / steps;
    (void)t; /* the instructions know their registers */
    if (start) {
        tile_zero(t, 0);
        tile_zero(t, 1);
        if (pair) {
            tile_zero(t, 2);
            tile_zero(t, 3);
        }
    } else {
        tile_load(t, 0, sum, SUM_STRIDE);
        tile_load(t, 1, sum + LINE, SUM_STRIDE);
        if (pair) {
            tile_load(t, 2, sum + 16 * SUM_STRIDE, SUM_STRIDE);
            tile_load(t, 3, sum + 16 * SUM_STRIDE + LINE, SUM_STRIDE);
        }
    }
    for (size_t s = 0; s < steps; s++) {
        tile_load(t, 6, b + s * STEP, LINE);
        tile_load(t, 4, a + s * LINE, p->stride);
        tile_load(t, 7, b + s * STEP + TILE, LINE);
        DOT(t, 0, 4, 6);
        DOT(t, 1, 4, 7);
        if (pair) {
            tile_load(t, 5, a1 + s * LINE, p->stride);
            DOT(t, 2, 5, 6);
            DOT(t, 3, 5, 7);
        }
        fetch(f);
        finish(kind, p->g, w, portion);
    }
    tile_store(t, 0, sum, SUM_STRIDE);
    tile_store(t, 1, sum + LINE, SUM_STRIDE);
    if (pair) {
        tile_store(t, 2, sum + 16 * SUM_STRIDE, SUM_STRIDE);
        tile_store(t, 3, sum + 16 * SUM_STRIDE + LINE, SUM_STRIDE);
    }
}

/* The block that begins at row i. Where fewer than 32 rows are left of a product that has more, it begins earlier and
 * repeats some: tiles keep their configuration, and no row behind the last is read. */
static place place_of(size_t m, size_t i)
{
    size_t rows = m - i;
    if (rows >= MR)
        return (place){i, 0, MR, true};
    if (m < MR)
        return (place){i, 0, rows, rows > 16};
    size_t taken = rows > 16 ? MR : 16;
    return (place){m - taken, taken - rows, taken, rows > 16};
}

static tile_config config_for(size_t m)
{
    size_t first = m < 16 ? m : 16, second = m <= 16 ? 16 : m < MR ? m - 16 : 16;
    tile_config config = {.palette = 1};
    for (size_t i = 0; i < 8; i++) {
        config.line_bytes[i] = LINE;
        config.rows[i] = 16;
    }
    config.rows[0] = config.rows[1] = config.rows[4] = (uint8_t)first;
    config.rows[2] = config.rows[3] = config.rows[5] = (uint8_t)second;
    return config;
}

static inline __attribute__((always_inline)) void product(value_kind kind, const byte_product *p)
{
    _Alignas(64) float sums[BLOCKS][SUMS]; /* of either kind */
    const char *end = (const char *)p->panels + (p->n + NR - 1) / NR * p->panel_bytes;
    tile_config config = config_for(p->m);
    tiles t;
    waiting w = {0};
    if (p->m == 0 || p->steps == 0) /* a configuration without rows is an error */
        return;
    size_t slices = (p->steps * LINE + K_BYTES - 1) / K_BYTES, slice = (p->steps + slices - 1) / slices; /* even ones */

    tiles_start(&t, &config);
    for (size_t j = 0; j < p->n; j += NR) {
        const uint8_t *panel = p->panels + j / NR * p->panel_bytes;
        size_t columns = p->n - j < NR ? p->n - j : NR;
        for (size_t i = 0; i < p->m; i += ROWS) {
            size_t blocks = ((p->m - i < ROWS ? p->m - i : ROWS) + MR - 1) / MR;
            for (size_t k = 0; k < p->steps; k += slice) {
                size_t steps = p->steps - k < slice ? p->steps - k : slice;
                const char *next = (const char *)panel + (k + steps) * STEP;
                ahead f = {next, next, 0};
                bool last = k + steps == p->steps;
                if (last ? i + ROWS >= p->m : i == 0) { /* the panel's next slice, or the next panel's first one */
                    f.end = (size_t)(end - next) < steps * STEP ? end : next + steps * STEP;
                    f.lines = (TB_AMX_STEP / LINE + blocks - 1) / blocks;
                }
                for (size_t r = 0; r < blocks; r++) {
                    place at = place_of(p->m, i + r * MR);
                    float *own = sums[r];
                    const uint8_t *a = p->a + at.i * p->stride + k * LINE, *b = panel + k * STEP;
                    bool start = k == 0 && !p->continues;
                    if (k == 0 && p->continues) { /* what waits may wait here */
                        finish(kind, p->g, &w, MR);
                        take_sums(p->g, own, at, j, columns);
                    }
                    if (at.pair)
                        block(kind, true, &t, p, a, b, steps, start, own, &w, &f);
                    else
                        block(kind, false, &t, p, a, b, steps, start, own, &w, &f);
                    if (last)
                        w = (waiting){own, at.i, j, columns, at.skip, at.rows};
                }
            }
        }
    }
    tiles_end(&t);
    finish(kind, p->g, &w, MR);
}

void tb_amx_gemm_s8(const tb_gemm_s8 *g)
{
    const byte_product p = {.a = (const uint8_t *)g->a,
                            .panels = (const uint8_t *)g->panels,
                            .stride = g->lda,
                            .panel_bytes = tb_amx_panel_bytes(g->k),
                            .steps = (g->k + LINE - 1) / LINE,
                            .m = g->m,
                            .n = g->n,
                            .g = g};
    product(S8, &p);
}

void tb_amx_gemm_bf16(const tb_gemm_bf16 *g)
{
    /* What follows the sum is the float product's. */
    const tb_gemm_f32 after = {.m = g->m, .n = g->n, .k = g->k, .out = g->out, .ldo = g->ldo, .epilogue = g->epilogue};
    const byte_product p = {.a = (const uint8_t *)g->a,
                            .panels = (const uint8_t *)g->panels,
                            .stride = g->lda * sizeof(uint16_t),
                            .panel_bytes = tb_amx_panel_bytes(g->k * sizeof(uint16_t)),
                            .steps = (g->k * sizeof(uint16_t) + LINE - 1) / LINE,
                            .m = g->m,
                            .n = g->n,
                            .g = &after,
                            .continues = g->continues};
    product(BF16, &p);
}
