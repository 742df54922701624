/* SPDX-License-Identifier: Apache-2.0
 * Storage formats to float on 16 lanes; row tails go through ref/'s scalar definitions.
 * Includes: kernels.h; the level's lanes_*.h comes first. Called by: a level's table. */
#ifndef TB_KERNELS_LANES_STORAGE_H
#define TB_KERNELS_LANES_STORAGE_H

#include "kernels/kernels.h"

static inline void lanes_expand_f16(const uint16_t *x, float *y, size_t n)
{
    size_t whole = n / 16 * 16;
    for (size_t i = 0; i < whole; i += 16)
        lanes_store(y + i, lanes_load_f16(x + i));
    for (size_t i = whole; i < n; i++)
        y[i] = tb_f16_to_f32(x[i]);
}

static inline void lanes_expand_bf16(const uint16_t *x, float *y, size_t n)
{
    size_t whole = n / 16 * 16;
    for (size_t i = 0; i < whole; i += 16)
        lanes_store(y + i, lanes_load_bf16(x + i));
    for (size_t i = whole; i < n; i++)
        y[i] = tb_bf16_to_f32(x[i]);
}

static inline void lanes_expand_s8(const int8_t *x, float scale, float *y, size_t n)
{
    size_t whole = n / 16 * 16;
    lanes factor = lanes_set(scale);
    for (size_t i = 0; i < whole; i += 16)
        lanes_store(y + i, lanes_mul(lanes_from_int(ilanes_load_s8(x + i)), factor));
    for (size_t i = whole; i < n; i++)
        y[i] = (float)x[i] * scale;
}

static inline void lanes_expand_s4(const uint8_t *x, float scale, float *y, size_t n)
{
    size_t whole = n / 16 * 16;
    lanes factor = lanes_set(scale);
    ilanes eight = ilanes_set(8);
    for (size_t i = 0; i < whole; i += 16) {
        ilanes q = ilanes_sub(ilanes_load_nibbles(x + i / 2), eight);
        lanes_store(y + i, lanes_mul(lanes_from_int(q), factor));
    }
    for (size_t i = whole; i < n; i++) {
        int32_t u = i % 2 == 0 ? x[i / 2] & 15 : x[i / 2] >> 4;
        y[i] = (float)(u - 8) * scale;
    }
}

#endif
