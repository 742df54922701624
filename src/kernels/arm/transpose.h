/* SPDX-License-Identifier: Apache-2.0
 * Transposition of a matrix with NEON instructions, in pieces of 4 x 4.
 * Includes: pack.h. Called by: neon.c. */
#ifndef TB_KERNELS_ARM_TRANSPOSE_H
#define TB_KERNELS_ARM_TRANSPOSE_H

#include "kernels/arm/pack.h"

/* y[j][i] = x[i][j] for 4 x 4 values. */
static inline void arm_transpose_piece(const float *x, size_t ldx, float *y, size_t ldy)
{
    uint32x4_t v[4];
    for (size_t r = 0; r < 4; r++)
        v[r] = vreinterpretq_u32_f32(vld1q_f32(x + r * ldx));
    arm_transpose_4(v);
    for (size_t r = 0; r < 4; r++)
        vst1q_f32(y + r * ldy, vreinterpretq_f32_u32(v[r]));
}

/* The edges, and matrices that are smaller than a piece. */
static inline void arm_transpose_plain(const float *x, size_t ldx, size_t m, size_t n, float *y, size_t ldy)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++)
            y[j * ldy + i] = x[i * ldx + j];
}

static inline void arm_transpose(const float *x, size_t ldx, size_t m, size_t n, float *y, size_t ldy)
{
    enum { PIECE = 4, BLOCK = 64 };
    size_t whole_m = m / PIECE * PIECE, whole_n = n / PIECE * PIECE;
    for (size_t i0 = 0; i0 < whole_m; i0 += BLOCK) {
        size_t end_i = whole_m - i0 < BLOCK ? whole_m : i0 + BLOCK;
        for (size_t j0 = 0; j0 < whole_n; j0 += BLOCK) {
            size_t end_j = whole_n - j0 < BLOCK ? whole_n : j0 + BLOCK;
            for (size_t j = j0; j < end_j; j += PIECE)
                for (size_t i = i0; i < end_i; i += PIECE)
                    arm_transpose_piece(x + i * ldx + j, ldx, y + j * ldy + i, ldy);
        }
    }
    arm_transpose_plain(x + whole_n, ldx, whole_m, n - whole_n, y + whole_n * ldy, ldy);
    arm_transpose_plain(x + whole_m * ldx, ldx, m - whole_m, n, y + whole_m, ldy);
}

#endif
