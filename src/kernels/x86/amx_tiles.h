/* SPDX-License-Identifier: Apache-2.0
 * The eight tile registers and their operations: AMX instructions, or with TB_AMX_SHIM the same on plain memory. Tile
 * numbers are literal digits, and the state of the emulation is a local variable of the caller, so neither build has
 * state of its own. Source: Intel's Software Developer's Manual, volume 2 (LDTILECFG, TILELOADD, TDPBSSD, TDPBF16PS).
 * Includes: amx.h. Called by: amx_gemm.c. */
#ifndef TB_KERNELS_X86_AMX_TILES_H
#define TB_KERNELS_X86_AMX_TILES_H

#include "kernels/x86/amx.h"

#include <immintrin.h>
#include <string.h>

/* Palette 1's configuration, as LDTILECFG reads it. */
typedef struct tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t line_bytes[16];
    uint8_t rows[16];
} tile_config;
_Static_assert(sizeof(tile_config) == 64, "LDTILECFG reads 64 bytes");

#ifndef TB_AMX_SHIM

typedef struct tiles {
    char nothing;
} tiles;

/* The intrinsics tell the compiler neither how much of the configuration is read nor that loads read memory at all, so
 * everything has to be written before; tile stores do say what they write. */
static inline void tiles_start(tiles *t, const tile_config *config)
{
    (void)t;
    __asm__ volatile("" : : "r"(config) : "memory");
    _tile_loadconfig(config);
}
static inline void tiles_end(tiles *t)
{
    (void)t;
    _tile_release();
}

#define tile_zero(t, number)               _tile_zero(number)
#define tile_load(t, number, from, stride) _tile_loadd(number, from, stride)
#define tile_store(t, number, to, stride)  _tile_stored(number, to, stride)
#define tile_dot_s8(t, sums, a, b)         _tile_dpbssd(sums, a, b)
#define tile_dot_bf16(t, sums, a, b)       _tile_dpbf16ps(sums, a, b)

#else

enum { TILE_LINE = TB_AMX_LINE, TILE_ROWS = 16, TILE_COLUMNS = 16 };

typedef struct tiles {
    tile_config config;
    uint8_t data[8][TILE_ROWS][TILE_LINE];
} tiles;

static inline void tiles_start(tiles *t, const tile_config *config)
{
    memset(t, 0, sizeof *t);
    t->config = *config;
}
/* Tiles that are used after the end would show. */
static inline void tiles_end(tiles *t)
{
    memset(t, 0xa5, sizeof *t);
}

static inline void tile_zero(tiles *t, int number)
{
    memset(t->data[number], 0, sizeof t->data[number]);
}
/* Rows from memory; what the configuration does not cover becomes zero. */
static inline void tile_load(tiles *t, int number, const void *from, size_t stride)
{
    tile_zero(t, number);
    for (size_t r = 0; r < t->config.rows[number]; r++)
        memcpy(t->data[number][r], (const uint8_t *)from + r * stride, t->config.line_bytes[number]);
}
static inline void tile_store(const tiles *t, int number, void *to, size_t stride)
{
    for (size_t r = 0; r < t->config.rows[number]; r++)
        memcpy((uint8_t *)to + r * stride, t->data[number][r], t->config.line_bytes[number]);
}

/* Rows of a times columns of b, four bytes of k a column and row of b. */
static inline void tile_dot_s8(tiles *t, int sums, int a, int b)
{
    for (size_t m = 0; m < t->config.rows[sums]; m++) {
        int32_t acc[TILE_COLUMNS];
        memcpy(acc, t->data[sums][m], sizeof acc);
        for (size_t k = 0; k < t->config.line_bytes[a] / 4U; k++)
            for (size_t n = 0; n < t->config.line_bytes[sums] / 4U; n++)
                for (size_t i = 0; i < 4; i++)
                    acc[n] += (int8_t)t->data[a][m][4 * k + i] * (int8_t)t->data[b][k][4 * n + i];
        memcpy(t->data[sums][m], acc, sizeof acc);
    }
}

/* Denormals are zeros, on the way in and out. */
static inline float tile_flush(float x)
{
    return __builtin_fabsf(x) < 0x1p-126f ? __builtin_copysignf(0.0f, x) : x;
}
static inline float tile_bf16(const uint8_t *p)
{
    uint16_t half;
    memcpy(&half, p, sizeof half);
    return tile_flush(tb_bf16_to_f32(half));
}
/* Even and odd values of k have a chain each; their sum is added to what was there. */
static inline void tile_dot_bf16(tiles *t, int sums, int a, int b)
{
    size_t pairs = t->config.line_bytes[a] / 4U, columns = t->config.line_bytes[sums] / 4U;
    float w[TILE_ROWS][2 * TILE_COLUMNS];
    for (size_t k = 0; k < pairs; k++)
        for (size_t n = 0; n < 2 * columns; n++)
            w[k][n] = tile_bf16(&t->data[b][k][2 * n]);
    for (size_t m = 0; m < t->config.rows[sums]; m++) {
        float acc[TILE_COLUMNS], even[TILE_COLUMNS] = {0}, odd[TILE_COLUMNS] = {0};
        memcpy(acc, t->data[sums][m], sizeof acc);
        for (size_t k = 0; k < pairs; k++) {
            float x0 = tile_bf16(&t->data[a][m][4 * k]), x1 = tile_bf16(&t->data[a][m][4 * k + 2]);
            for (size_t n = 0; n < columns; n++) {
                even[n] = tile_flush(__builtin_fmaf(x0, w[k][2 * n], even[n]));
                odd[n] = tile_flush(__builtin_fmaf(x1, w[k][2 * n + 1], odd[n]));
            }
        }
        for (size_t n = 0; n < columns; n++)
            acc[n] = tile_flush(acc[n] + tile_flush(even[n] + odd[n]));
        memcpy(t->data[sums][m], acc, sizeof acc);
    }
}

#endif

#endif
