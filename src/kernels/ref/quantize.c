/* SPDX-License-Identifier: Apache-2.0
 * Quantization of activations, reference level: one symmetric scale per row, or one affine range per call.
 * Includes: ref.h. Called through tb_kernels_ref. */
#include "kernels/ref/ref.h"

void tb_ref_quantize_rows(const float *x, size_t ldx, size_t m, size_t k, int8_t *a, size_t lda, float *row_scale)
{
    for (size_t i = 0; i < m; i++) {
        const float *row = x + i * ldx;
        int8_t *q = a + i * lda;
        memset(q, 0, lda);

        /* The bits of |x| are ordered as |x| is, with infinity and NaN above all numbers. */
        uint32_t max_bits = 0;
        for (size_t j = 0; j < k; j++) {
            uint32_t bits = ref_bits(row[j]) & UINT32_C(0x7fffffff);
            max_bits = bits > max_bits ? bits : max_bits;
        }
        if (max_bits >= UINT32_C(0x7f800000)) {
            row_scale[i] = ref_float(TB_NAN_BITS);
            continue;
        }
        float absmax = ref_float(max_bits);
        if (absmax < TB_ABSMAX_TINY) {
            row_scale[i] = 0.0f;
            continue;
        }
        float inverse = 127.0f / absmax;
        row_scale[i] = absmax / 127.0f;
        for (size_t j = 0; j < k; j++) {
            float t = tb_round_even(row[j] * inverse);
            t = t > -127.0f ? t : -127.0f;
            t = t < 127.0f ? t : 127.0f;
            q[j] = (int8_t)t;
        }
    }
}

void tb_ref_range(const float *x, size_t ldx, size_t m, size_t k, float *min, float *max)
{
    float lowest = 0.0f, highest = 0.0f;
    bool nan = false;
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < k; j++) {
            float v = x[i * ldx + j];
            lowest = v < lowest ? v : lowest;
            highest = v > highest ? v : highest;
            nan = nan || v != v;
        }
    }
    *min = nan ? ref_float(TB_NAN_BITS) : lowest;
    *max = nan ? ref_float(TB_NAN_BITS) : highest;
}

void tb_ref_quantize_affine(const float *x, size_t ldx, size_t m, size_t k, float inv_scale, int32_t zero_point,
                            int8_t *a, size_t lda)
{
    for (size_t i = 0; i < m; i++) {
        int8_t *q = a + i * lda;
        memset(q, 0, lda);
        for (size_t j = 0; j < k; j++) {
            float t = x[i * ldx + j] * inv_scale;
            t = t > -TB_AFFINE_LIMIT ? t : -TB_AFFINE_LIMIT; /* NaN becomes the lower limit */
            t = t < TB_AFFINE_LIMIT ? t : TB_AFFINE_LIMIT;
            int32_t v = (int32_t)tb_round_even(t);
            v = v > -zero_point ? v : -zero_point;
            v = v < 127 ? v : 127;
            q[j] = (int8_t)v;
        }
    }
}
