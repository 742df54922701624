/* SPDX-License-Identifier: Apache-2.0
 * Quantization of activations on 16 lanes; the integers of ref/quantize.c, written as q ^ a_xor.
 * Includes: constants.h; the level's lanes_*.h comes first. Called by: a level's table. */
#ifndef TB_KERNELS_LANES_QUANTIZE_H
#define TB_KERNELS_LANES_QUANTIZE_H

#include "kernels/constants.h"

#include <string.h>

static inline float lanes_quantize_float(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* 16 values to 16 bytes; a row has room for them, since it is a multiple of 64 bytes long. The contract's clamp has
 * nothing to do: |x| <= absmax, so |x * (127 / absmax)| is below 127.0001 and rounds to 127 at most. */
static inline void lanes_quantize_step(int8_t *q, lanes x, lanes inverse, ilanes flip)
{
    ilanes_store_bytes(q, ilanes_xor(ilanes_round(lanes_mul(x, inverse)), flip));
}

static inline void lanes_quantize_rows(const float *x, size_t ldx, size_t m, size_t k, int8_t *a, size_t lda,
                                       float *row_scale, uint8_t a_xor)
{
    size_t whole = k / 16 * 16, rest = k - whole, written = tb_round_up(k, 16);
    ilanes flip = ilanes_set(a_xor);
    ilanes magnitude = ilanes_set(0x7fffffff);
    for (size_t i = 0; i < m; i++) {
        const float *row = x + i * ldx;
        int8_t *q = a + i * lda;

        ilanes top = ilanes_set(0);
        for (size_t j = 0; j < whole; j += 16)
            top = ilanes_max(top, ilanes_and(lanes_bits(lanes_load(row + j)), magnitude));
        if (rest > 0)
            top = ilanes_max(top, ilanes_and(lanes_bits(lanes_load_some(row + whole, rest)), magnitude));
        uint32_t max_bits = (uint32_t)ilanes_highest(top);
        float absmax = lanes_quantize_float(max_bits);
        bool finite = max_bits < UINT32_C(0x7f800000);

        if (!finite || absmax < TB_ABSMAX_TINY) {
            row_scale[i] = finite ? 0.0f : lanes_quantize_float(TB_NAN_BITS);
            memset(q, a_xor, lda);
            continue;
        }
        row_scale[i] = absmax / 127.0f;
        lanes inverse = lanes_set(127.0f / absmax);
        for (size_t j = 0; j < whole; j += 16)
            lanes_quantize_step(q + j, lanes_load(row + j), inverse, flip);
        if (rest > 0)
            lanes_quantize_step(q + whole, lanes_load_some(row + whole, rest), inverse, flip);
        memset(q + written, a_xor, lda - written);
    }
}

static inline void lanes_range(const float *x, size_t ldx, size_t m, size_t k, float *min, float *max)
{
    size_t whole = k / 16 * 16, rest = k - whole;
    lanes low = lanes_set(0.0f), high = lanes_set(0.0f);
    ilanes top = ilanes_set(0); /* of the magnitudes' bits: NaN lies above infinity */
    ilanes magnitude = ilanes_set(0x7fffffff);
    for (size_t i = 0; i < m; i++) {
        const float *row = x + i * ldx;
        for (size_t j = 0; j < k; j += 16) {
            lanes v = j < whole ? lanes_load(row + j) : lanes_load_some(row + whole, rest);
            low = lanes_min(v, low);
            high = lanes_max(v, high);
            top = ilanes_max(top, ilanes_and(lanes_bits(v), magnitude));
        }
    }
    bool nan = (uint32_t)ilanes_highest(top) > UINT32_C(0x7f800000);
    *min = nan ? lanes_quantize_float(TB_NAN_BITS) : lanes_lowest(low);
    *max = nan ? lanes_quantize_float(TB_NAN_BITS) : lanes_highest(high);
}

static inline void lanes_quantize_affine(const float *x, size_t ldx, size_t m, size_t k, float inv_scale,
                                         int32_t zero_point, int8_t *a, size_t lda, uint8_t a_xor)
{
    size_t whole = k / 16 * 16, rest = k - whole;
    lanes inverse = lanes_set(inv_scale);
    ilanes flip = ilanes_set(a_xor);
    ilanes lowest = ilanes_set(-zero_point), highest = ilanes_set(127);
    for (size_t i = 0; i < m; i++) {
        const float *row = x + i * ldx;
        int8_t *q = a + i * lda;
        for (size_t j = 0; j < k; j += 16) {
            lanes v = j < whole ? lanes_load(row + j) : lanes_load_some(row + whole, rest);
            lanes t = lanes_mul(v, inverse);
            t = lanes_max(t, lanes_set(-TB_AFFINE_LIMIT));
            t = lanes_min(t, lanes_set(TB_AFFINE_LIMIT));
            ilanes r = ilanes_min(ilanes_max(ilanes_round(t), lowest), highest);
            ilanes_store_bytes(q + j, ilanes_xor(r, flip));
        }
        memset(q + k, a_xor, lda - k); /* the last step may have written more */
    }
}

#endif
