/* SPDX-License-Identifier: Apache-2.0
 * The squared error of rounding to four bits with each of several scales, on 16 lanes; the bits of ref/rounding.c.
 * Four scales at a time, so that a sum's additions do not wait for each other.
 * Includes: constants.h; the level's lanes_*.h comes first. Called by: a level's table. */
#ifndef TB_KERNELS_LANES_ROUNDING_H
#define TB_KERNELS_LANES_ROUNDING_H

#include "kernels/constants.h"

static inline lanes lanes_rounding_step(lanes sum, lanes x, lanes h, lanes t, lanes inverse)
{
    lanes shift = lanes_set(TB_ROUNDER);
    lanes r = lanes_max(lanes_set(-8.0f), lanes_mul(x, inverse));
    r = lanes_min(lanes_set(7.0f), r);
    r = lanes_sub(lanes_add(r, shift), shift);
    lanes d = lanes_sub(x, lanes_mul(r, t));
    return lanes_add(sum, lanes_mul(lanes_mul(d, d), h));
}

static inline void lanes_rounding_errors_4(const float *x, const float *h, size_t n, const float *t, float *errors)
{
    lanes s0 = lanes_set(0.0f), s1 = s0, s2 = s0, s3 = s0;
    lanes t0 = lanes_set(t[0]), t1 = lanes_set(t[1]), t2 = lanes_set(t[2]), t3 = lanes_set(t[3]);
    lanes i0 = lanes_set(1.0f / t[0]), i1 = lanes_set(1.0f / t[1]), i2 = lanes_set(1.0f / t[2]),
          i3 = lanes_set(1.0f / t[3]);
    for (size_t i = 0; i < n; i += 16) {
        lanes v = lanes_load(x + i), weight = lanes_load(h + i);
        s0 = lanes_rounding_step(s0, v, weight, t0, i0);
        s1 = lanes_rounding_step(s1, v, weight, t1, i1);
        s2 = lanes_rounding_step(s2, v, weight, t2, i2);
        s3 = lanes_rounding_step(s3, v, weight, t3, i3);
    }
    errors[0] = lanes_sum(s0);
    errors[1] = lanes_sum(s1);
    errors[2] = lanes_sum(s2);
    errors[3] = lanes_sum(s3);
}

static inline void lanes_rounding_errors_s4(const float *x, const float *h, size_t n, const float *t, size_t count,
                                            float *errors)
{
    size_t c = 0;
    for (; c + 4 <= count; c += 4)
        lanes_rounding_errors_4(x, h, n, t + c, errors + c);
    for (; c < count; c++) {
        lanes sum = lanes_set(0.0f), scale = lanes_set(t[c]), inverse = lanes_set(1.0f / t[c]);
        for (size_t i = 0; i < n; i += 16)
            sum = lanes_rounding_step(sum, lanes_load(x + i), lanes_load(h + i), scale, inverse);
        errors[c] = lanes_sum(sum);
    }
}

#endif
