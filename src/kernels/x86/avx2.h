/* SPDX-License-Identifier: Apache-2.0
 * What the files of the AVX2 and AVX-VNNI levels share.
 * Includes: kernels.h. Called by: avx2*, avxvnni*. */
#ifndef TB_KERNELS_X86_AVX2_H
#define TB_KERNELS_X86_AVX2_H

#include "kernels/kernels.h"

enum { TB_AVX2_NR = 16 }; /* columns of a panel */

/* Ends the compiler's freedom to delay the instructions behind v: gcc 12 else gathers the products of a whole step
 * first and spills the accumulators. */
#define TB_AVX2_PIN(v) __asm__("" : "+x"(v))

/* Weights that are read ahead while a tile is worked on, `step` bytes with each of its steps. A prefetch never faults,
 * so it may run past their end. */
typedef struct avx2_ahead {
    const char *at;
    size_t step;
} avx2_ahead;

/* A tile's step reads 64 bytes of weights, of either product. */
enum { TB_AVX2_STEP = 64, TB_AVX2_NEAR = 128 * TB_AVX2_STEP };

/* For tile number `tile` of `tiles` that all work through `steps` of `weights`, `next` being read after that: each
 * reads ahead its share of what comes then; an only tile stays just before its own reading. */
static inline avx2_ahead avx2_ahead_of(const void *weights, const void *next, size_t steps, size_t tile, size_t tiles)
{
    const char *from = tiles == 1 ? (const char *)weights + TB_AVX2_NEAR : (const char *)next;
    size_t step = TB_AVX2_STEP / tiles;
    return (avx2_ahead){from + steps * step * tile, step};
}

/* The same for the integer product: weights `at` bytes behind the panels' beginning, then those at `next`. g->ahead are
 * four-bit panels, half as many bytes. */
static inline avx2_ahead avx2_ahead_s8(const tb_gemm_s8 *g, size_t at, size_t next, size_t steps, size_t tile,
                                       size_t tiles)
{
    if (g->ahead == NULL)
        return avx2_ahead_of(g->panels + at, g->panels + next, steps, tile, tiles);
    size_t step = TB_AVX2_STEP / 2 / tiles;
    return (avx2_ahead){(const char *)g->ahead + at / 2 + steps * step * tile, step};
}

static inline void avx2_ahead_step(avx2_ahead *f)
{
    __builtin_prefetch(f->at, 0, 2);
    f->at += f->step;
}

void tb_avx2_gemm_f32(const tb_gemm_f32 *g);
void tb_avx2_gemm_s8(const tb_gemm_s8 *g);

#endif
