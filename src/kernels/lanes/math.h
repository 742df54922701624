/* SPDX-License-Identifier: Apache-2.0
 * exp, erf, tanh and the activations on 16 lanes: the operations of ref/math.c in the same order, both sides of each
 * split computed and selected.
 * Includes: constants.h; the level's lanes_*.h comes first. Called by: rows.h, epilogue.h. */
#ifndef TB_KERNELS_LANES_MATH_H
#define TB_KERNELS_LANES_MATH_H

#include "kernels/constants.h"
#include "kernels/kernels.h"

/* p * 2^n, rounded once; z holds the integer n in its low bits. A level with an instruction for it gives the same. */
static inline lanes lanes_scale(lanes p, lanes n, lanes z)
{
#ifdef LANES_SCALEF
    (void)z;
    return lanes_scalef(p, n);
#else
    (void)n;
    ilanes one = ilanes_set(1);
    ilanes u = ilanes_sub(lanes_bits(z), ilanes_set((int32_t)(TB_ROUNDER_BITS - 256)));
    ilanes h = ilanes_shift_right_1(u);
    lanes s1 = lanes_from_bits(ilanes_shift_left_23(ilanes_sub(h, one)));
    lanes s2 = lanes_from_bits(ilanes_shift_left_23(ilanes_sub(ilanes_sub(u, h), one)));
    return lanes_mul(lanes_mul(p, s1), s2);
#endif
}

/* exp where TB_EXP_LOW <= t <= TB_EXP_HIGH, or NaN */
static inline lanes lanes_exp_bounded(lanes t)
{
    lanes z = lanes_fma(t, lanes_set(TB_LOG2_E), lanes_set(TB_ROUNDER));
    lanes n = lanes_sub(z, lanes_set(TB_ROUNDER));
    lanes r = lanes_fma(n, lanes_set(-TB_LN2_HIGH), t);
    r = lanes_fma(n, lanes_set(-TB_LN2_LOW), r);

    lanes p = lanes_set(TB_EXP_C6);
    p = lanes_fma(p, r, lanes_set(TB_EXP_C5));
    p = lanes_fma(p, r, lanes_set(TB_EXP_C4));
    p = lanes_fma(p, r, lanes_set(TB_EXP_C3));
    p = lanes_fma(p, r, lanes_set(TB_EXP_C2));
    p = lanes_fma(p, r, lanes_set(1.0f));
    p = lanes_fma(p, r, lanes_set(1.0f));
    return lanes_scale(p, n, z);
}

static inline lanes lanes_exp(lanes x)
{
    lanes t = lanes_min(lanes_set(TB_EXP_HIGH), x);
    return lanes_exp_bounded(lanes_max(lanes_set(TB_EXP_LOW), t));
}

static inline lanes lanes_erf(lanes x)
{
    lanes a = lanes_abs(x);

    lanes s = lanes_mul(a, a);
    lanes p = lanes_set(TB_ERF_C5);
    p = lanes_fma(p, s, lanes_set(TB_ERF_C4));
    p = lanes_fma(p, s, lanes_set(TB_ERF_C3));
    p = lanes_fma(p, s, lanes_set(TB_ERF_C2));
    p = lanes_fma(p, s, lanes_set(TB_ERF_C1));
    p = lanes_fma(p, s, lanes_set(TB_ERF_C0));
    lanes below = lanes_fma(p, a, a);

    lanes t = lanes_min(lanes_set(TB_ERF_LIMIT), a);
    p = lanes_set(TB_ERF_D6);
    p = lanes_fma(p, t, lanes_set(TB_ERF_D5));
    p = lanes_fma(p, t, lanes_set(TB_ERF_D4));
    p = lanes_fma(p, t, lanes_set(TB_ERF_D3));
    p = lanes_fma(p, t, lanes_set(TB_ERF_D2));
    p = lanes_fma(p, t, lanes_set(TB_ERF_D1));
    p = lanes_fma(p, t, lanes_set(TB_ERF_D0));
    p = lanes_fma(p, t, lanes_negate(t));
    lanes above = lanes_sub(lanes_set(1.0f), lanes_exp_bounded(p)); /* -t + t p(t) lies in -16..0 */

    return lanes_copysign(lanes_select_less(a, lanes_set(TB_ERF_SPLIT), below, above), x);
}

static inline lanes lanes_tanh(lanes x)
{
    lanes a = lanes_abs(x);

    lanes s = lanes_mul(a, a);
    lanes p = lanes_set(TB_TANH_C4);
    p = lanes_fma(p, s, lanes_set(TB_TANH_C3));
    p = lanes_fma(p, s, lanes_set(TB_TANH_C2));
    p = lanes_fma(p, s, lanes_set(TB_TANH_C1));
    p = lanes_fma(p, s, lanes_set(TB_TANH_C0));
    lanes below = lanes_fma(lanes_mul(p, s), a, a);

    lanes one = lanes_set(1.0f);
    lanes e = lanes_exp(lanes_add(a, a));
    lanes above = lanes_sub(one, lanes_div(lanes_set(2.0f), lanes_add(e, one)));

    return lanes_copysign(lanes_select_less(a, lanes_set(TB_TANH_SPLIT), below, above), x);
}

static inline lanes lanes_gelu(lanes x)
{
    lanes erf = lanes_erf(lanes_mul(x, lanes_set(TB_SQRT_HALF)));
    return lanes_mul(lanes_mul(lanes_set(0.5f), x), lanes_add(lanes_set(1.0f), erf));
}

static inline lanes lanes_gelu_new(lanes x)
{
    lanes cube = lanes_mul(lanes_mul(x, x), x);
    lanes sum = lanes_add(x, lanes_mul(lanes_set(TB_GELU_NEW_CUBE), cube));
    lanes tanh = lanes_tanh(lanes_mul(lanes_set(TB_SQRT_2_OVER_PI), sum));
    return lanes_mul(lanes_mul(lanes_set(0.5f), x), lanes_add(lanes_set(1.0f), tanh));
}

static inline lanes lanes_activate(tb_activation act, lanes v)
{
    switch (act) {
    case TB_ACT_GELU:
        return lanes_gelu(v);
    case TB_ACT_GELU_NEW:
        return lanes_gelu_new(v);
    case TB_ACT_RELU:
        return lanes_max(lanes_set(0.0f), v);
    case TB_ACT_TANH:
        return lanes_tanh(v);
    case TB_ACT_NONE:
        break;
    }
    return v;
}

#endif
