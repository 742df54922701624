/* SPDX-License-Identifier: Apache-2.0
 * Transposition of a matrix with AVX2 instructions, for all x86 levels: pieces of 8 x 8.
 * Includes: pack.h. Called by: avx2_level.h, avx512.c, amx.c. */
#ifndef TB_KERNELS_X86_TRANSPOSE_H
#define TB_KERNELS_X86_TRANSPOSE_H

#include "kernels/x86/pack.h"

/* y[j][i] = x[i][j] for 8 x 8 values. */
static inline void x86_transpose_piece(const float *x, size_t ldx, float *y, size_t ldy)
{
    __m256i v[8];
    for (size_t r = 0; r < 8; r++)
        v[r] = _mm256_loadu_si256((const __m256i *)(const void *)(x + r * ldx));
    x86_transpose_8(v);
    for (size_t r = 0; r < 8; r++)
        _mm256_storeu_si256((__m256i *)(void *)(y + r * ldy), v[r]);
}

/* The edges, and matrices that are smaller than a piece. */
static inline void x86_transpose_plain(const float *x, size_t ldx, size_t m, size_t n, float *y, size_t ldy)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++)
            y[j * ldy + i] = x[i * ldx + j];
}

/* Columns [0, width) of x, width 8 or 16: as many rows of y, written as streams, while lines of x come in ahead. */
static inline void x86_transpose_columns(size_t width, const float *x, size_t ldx, size_t m, float *y, size_t ldy)
{
    enum { AHEAD = 32 };
    for (size_t i = 0; i < m; i += 8) {
        for (size_t r = 0; r < 8; r++)
            _mm_prefetch((const char *)(x + (i + AHEAD + r) * ldx), _MM_HINT_T0);
        for (size_t j = 0; j < width; j += 8)
            x86_transpose_piece(x + i * ldx + j, ldx, y + j * ldy + i, ldy);
    }
}

static inline void x86_transpose(const float *x, size_t ldx, size_t m, size_t n, float *y, size_t ldy)
{
    enum { ROWS = 256, LINE = 16 };
    size_t whole_m = m / 8 * 8, whole_n = n / 8 * 8;
    for (size_t i = 0; i < whole_m; i += ROWS) {
        size_t rows = whole_m - i < ROWS ? whole_m - i : ROWS;
        for (size_t j = 0; j < whole_n; j += LINE)
            x86_transpose_columns(whole_n - j < LINE ? 8 : LINE, x + i * ldx + j, ldx, rows, y + j * ldy + i, ldy);
    }
    x86_transpose_plain(x + whole_n, ldx, whole_m, n - whole_n, y + whole_n * ldy, ldy);
    x86_transpose_plain(x + whole_m * ldx, ldx, m - whole_m, n, y + whole_m, ldy);
}

#endif
