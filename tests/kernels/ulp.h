/* SPDX-License-Identifier: Apache-2.0
 * Errors of the scalar functions in units of the last place, against the C library in double precision.
 * Includes: kernels.h. Called by: test_math.c, measure_math.c. */
#ifndef TB_TEST_KERNELS_ULP_H
#define TB_TEST_KERNELS_ULP_H

#include "kernels/kernels.h"

#include <math.h>
#include <string.h>

typedef struct ulp_function {
    const char *name;
    float (*own)(float);
    double (*truth)(double);
    double bound; /* what docs/numerics.md promises */
} ulp_function;

static const ulp_function ulp_functions[] = {
    {"exp", tb_exp, exp, 2.0},
    {"erf", tb_erf, erf, 2.0},
    {"tanh", tb_tanh, tanh, 3.0},
};

/* |y - truth| in units of the last place of a float of truth's size. */
static inline double ulp_error(float y, double truth)
{
    if (isnan(truth))
        return isnan(y) ? 0 : INFINITY;
    if (fabs(truth) > 0x1.ffffffp+127) /* rounds to infinity */
        return (double)y == copysign(INFINITY, truth) ? 0 : INFINITY;
    if (isinf(y))
        return INFINITY;
    int exponent = -126;
    if (fabs(truth) >= 0x1p-126)
        exponent = ilogb(truth);
    return fabs((double)y - truth) * ldexp(1.0, 23 - exponent);
}

typedef struct ulp_worst {
    double error;
    float x;
} ulp_worst;

/* The worst error over the floats with bits first, first + step, ... up to last. */
static inline ulp_worst ulp_measure(const ulp_function *f, uint32_t first, uint32_t last, uint32_t step)
{
    ulp_worst worst = {-1, 0};
    for (uint64_t bits = first; bits <= last; bits += step) {
        uint32_t b = (uint32_t)bits;
        float x;
        memcpy(&x, &b, sizeof x);
        double error = ulp_error(f->own(x), f->truth((double)x));
        if (error > worst.error)
            worst = (ulp_worst){error, x};
    }
    return worst;
}

#endif
