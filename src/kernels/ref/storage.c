/* SPDX-License-Identifier: Apache-2.0
 * Storage formats to float and back, reference level: half, bfloat16, 8-bit and 4-bit integers. All exact.
 * Includes: ref.h. Called through tb_kernels_ref, by file readers and writers, and for row tails by every level. */
#include "kernels/ref/ref.h"

float tb_f16_to_f32(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16;
    uint32_t exponent = (h >> 10) & 0x1f;
    uint32_t mantissa = h & 0x3ff;
    if (exponent == 0x1f) {
        uint32_t quiet = mantissa != 0 ? UINT32_C(0x400000) : 0;
        return ref_float(sign | UINT32_C(0x7f800000) | quiet | mantissa << 13);
    }
    if (exponent == 0) /* zero or denormal: mantissa * 2^-24 */
        return ref_float(sign | ref_bits((float)mantissa * 0x1p-24f));
    return ref_float(sign | (exponent + 112) << 23 | mantissa << 13);
}

/* bits / 2^shift, half to even; shift in 1..31. */
static uint32_t shift_half_even(uint32_t bits, uint32_t shift)
{
    uint32_t half = UINT32_C(1) << (shift - 1);
    uint32_t odd = (bits >> shift) & 1;
    return (bits + half - 1 + odd) >> shift;
}

uint16_t tb_f32_to_f16(float x)
{
    uint32_t bits = ref_bits(x);
    uint32_t sign = (bits >> 16) & 0x8000;
    bits &= UINT32_C(0x7fffffff);
    if (bits > UINT32_C(0x7f800000)) /* NaN: quiet, the payload's upper bits stay */
        return (uint16_t)(sign | 0x7e00 | ((bits >> 13) & 0x3ff));
    if (bits >= UINT32_C(0x477ff000)) /* 65520 and more round to infinity */
        return (uint16_t)(sign | 0x7c00);
    if (bits >= UINT32_C(0x38800000)) /* normal: rebias the exponent by 112; a carry out of the mantissa is right */
        return (uint16_t)(sign | shift_half_even(bits - (UINT32_C(112) << 23), 13));
    uint32_t exponent = bits >> 23;
    if (exponent < 102) /* below 2^-25, half of the smallest denormal */
        return (uint16_t)sign;
    uint32_t mantissa = (bits & UINT32_C(0x7fffff)) | UINT32_C(0x800000);
    return (uint16_t)(sign | shift_half_even(mantissa, 126 - exponent));
}

float tb_bf16_to_f32(uint16_t h)
{
    return ref_float((uint32_t)h << 16);
}

uint16_t tb_f32_to_bf16(float x)
{
    uint32_t bits = ref_bits(x);
    if ((bits & UINT32_C(0x7fffffff)) > UINT32_C(0x7f800000))
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

void tb_ref_expand_f16(const uint16_t *x, float *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = tb_f16_to_f32(x[i]);
}

void tb_ref_expand_bf16(const uint16_t *x, float *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = tb_bf16_to_f32(x[i]);
}

void tb_ref_expand_s8(const int8_t *x, float scale, float *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = (float)x[i] * scale;
}

void tb_ref_expand_s4(const uint8_t *x, float scale, float *y, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int32_t u = i % 2 == 0 ? x[i / 2] & 15 : x[i / 2] >> 4;
        y[i] = (float)(u - 8) * scale;
    }
}
