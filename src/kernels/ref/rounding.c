/* SPDX-License-Identifier: Apache-2.0
 * The squared error of rounding to four bits with each of several scales, reference level. Nothing is fused.
 * Includes: ref.h. Called through tb_kernels_ref. */
#include "kernels/ref/ref.h"

static float rounding_error(const float *x, const float *h, size_t n, float t)
{
    const float inverse = 1.0f / t;
    float lane[TB_LANES] = {0};
    for (size_t i = 0; i < n; i++) {
        float r = x[i] * inverse;
        r = -8.0f > r ? -8.0f : r;
        r = 7.0f < r ? 7.0f : r;
        r = (r + TB_ROUNDER) - TB_ROUNDER;
        float d = x[i] - r * t;
        lane[i % TB_LANES] = lane[i % TB_LANES] + (d * d) * h[i];
    }
    return ref_tree(lane);
}

void tb_ref_rounding_errors_s4(const float *x, const float *h, size_t n, const float *t, size_t count, float *errors)
{
    for (size_t i = 0; i < count; i++)
        errors[i] = rounding_error(x, h, n, t[i]);
}
