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

/* For a tile that reads 64 bytes a step from `at` bytes behind the panels' beginning: its own weights a little later,
 * or g->ahead, which are four-bit panels, half as many bytes. */
static inline avx2_ahead avx2_ahead_of(const tb_gemm_s8 *g, size_t at)
{
    enum { STEP = 4 * TB_AVX2_NR, STEPS = 32 };
    if (g->ahead != NULL)
        return (avx2_ahead){(const char *)g->ahead + at / 2, STEP / 2};
    return (avx2_ahead){(const char *)g->panels + at + STEPS * STEP, STEP};
}

static inline void avx2_ahead_step(avx2_ahead *f)
{
    __builtin_prefetch(f->at);
    f->at += f->step;
}

void tb_avx2_gemm_f32(const tb_gemm_f32 *g);
void tb_avx2_gemm_s8(const tb_gemm_s8 *g);

#endif
