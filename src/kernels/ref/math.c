/* SPDX-License-Identifier: Apache-2.0
 * exp, erf, tanh, the activations and round-half-even, one value at a time: the definitions of docs/numerics.md.
 * Includes: ref.h. Called by: the rest of ref/, and by everybody who needs one value. */
#include "kernels/ref/ref.h"

static float fma32(float a, float b, float c)
{
    return __builtin_fmaf(a, b, c); /* correctly rounded: the instruction, or libm's exact fallback */
}

float tb_round_even(float x)
{
    const float two23 = 0x1p+23f;
    float a = __builtin_fabsf(x);
    if (!(a < two23)) /* an integer already, or infinite, or NaN */
        return x;
    return __builtin_copysignf((a + two23) - two23, x);
}

float tb_exp(float x)
{
    /* Both clamps keep NaN; beyond them the two scalings below give 0 and infinity by themselves. */
    float t = TB_EXP_HIGH < x ? TB_EXP_HIGH : x;
    t = TB_EXP_LOW > t ? TB_EXP_LOW : t;

    /* t = n ln(2) + r; n + 256 > 0 is read from the low bits of the rounded sum. */
    float z = fma32(t, TB_LOG2_E, TB_ROUNDER);
    uint32_t u = ref_bits(z) - TB_ROUNDER_BITS + 256;
    float n = z - TB_ROUNDER;
    float r = fma32(n, -TB_LN2_HIGH, t);
    r = fma32(n, -TB_LN2_LOW, r);

    float p = TB_EXP_C6;
    p = fma32(p, r, TB_EXP_C5);
    p = fma32(p, r, TB_EXP_C4);
    p = fma32(p, r, TB_EXP_C3);
    p = fma32(p, r, TB_EXP_C2);
    p = fma32(p, r, 1.0f);
    p = fma32(p, r, 1.0f);

    /* 2^n as 2^floor(n/2) * 2^(n - floor(n/2)), so that overflow and denormals are rounded once, at the end. */
    uint32_t h = u >> 1;
    float s1 = ref_float((h - 1) << 23);
    float s2 = ref_float((u - h - 1) << 23);
    return (p * s1) * s2;
}

float tb_erf(float x)
{
    float a = __builtin_fabsf(x);
    float y;
    if (a < TB_ERF_SPLIT) {
        float s = a * a;
        float p = TB_ERF_C5;
        p = fma32(p, s, TB_ERF_C4);
        p = fma32(p, s, TB_ERF_C3);
        p = fma32(p, s, TB_ERF_C2);
        p = fma32(p, s, TB_ERF_C1);
        p = fma32(p, s, TB_ERF_C0);
        y = fma32(p, a, a);
    } else {
        float t = TB_ERF_LIMIT < a ? TB_ERF_LIMIT : a; /* keeps NaN */
        float p = TB_ERF_D6;
        p = fma32(p, t, TB_ERF_D5);
        p = fma32(p, t, TB_ERF_D4);
        p = fma32(p, t, TB_ERF_D3);
        p = fma32(p, t, TB_ERF_D2);
        p = fma32(p, t, TB_ERF_D1);
        p = fma32(p, t, TB_ERF_D0);
        y = 1.0f - tb_exp(fma32(p, t, -t));
    }
    return __builtin_copysignf(y, x);
}

float tb_tanh(float x)
{
    float a = __builtin_fabsf(x);
    float y;
    if (a < TB_TANH_SPLIT) {
        float s = a * a;
        float p = TB_TANH_C4;
        p = fma32(p, s, TB_TANH_C3);
        p = fma32(p, s, TB_TANH_C2);
        p = fma32(p, s, TB_TANH_C1);
        p = fma32(p, s, TB_TANH_C0);
        y = fma32(p * s, a, a);
    } else {
        y = 1.0f - 2.0f / (tb_exp(a + a) + 1.0f);
    }
    return __builtin_copysignf(y, x);
}

static float gelu(float x)
{
    return (0.5f * x) * (1.0f + tb_erf(x * TB_SQRT_HALF));
}

static float gelu_new(float x)
{
    float cube = (x * x) * x;
    float inner = TB_SQRT_2_OVER_PI * (x + TB_GELU_NEW_CUBE * cube);
    return (0.5f * x) * (1.0f + tb_tanh(inner));
}

/* 0 > v ? 0 : v, which keeps NaN and -0. By bits, because clang for 64-bit ARM takes fmax for that selection, which
 * makes +0 of -0 (LLVM issue 93414). */
static float relu(float v)
{
    uint32_t bits = ref_bits(v);
    return bits > UINT32_C(0x80000000) && bits <= UINT32_C(0xff800000) ? 0.0f : v;
}

float tb_ref_activate(tb_activation act, float v)
{
    switch (act) {
    case TB_ACT_GELU:
        return gelu(v);
    case TB_ACT_GELU_NEW:
        return gelu_new(v);
    case TB_ACT_RELU:
        return relu(v);
    case TB_ACT_TANH:
        return tb_tanh(v);
    case TB_ACT_NONE:
        break;
    }
    return v;
}
