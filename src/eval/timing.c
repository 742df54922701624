/* SPDX-License-Identifier: Apache-2.0
 * Quantiles, and order statistics of timings; sd has n - 1 below the sum.
 * Includes: eval/metrics.h, libm. Called by: study. */
#include "eval/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double tb_quantile_sorted(const double *sorted, size_t n, double q)
{
    double position = q * (double)(n - 1);
    size_t below = (size_t)position;
    if (below + 1 >= n)
        return sorted[n - 1];
    double fraction = position - (double)below;
    return sorted[below] + (sorted[below + 1] - sorted[below]) * fraction;
}

void tb_sort_doubles(double *values, size_t n)
{
    qsort(values, n, sizeof *values, compare_doubles);
}

timbang_status tb_timing_compute(const double *ms, size_t n, tb_timing *out, tb_error *err)
{
    if (n == 0)
        return tb_fail(err, TIMBANG_DATA, "there are no timings");
    double *sorted = tb_calloc(n, sizeof *sorted, err);
    if (!sorted)
        return err->status;
    memcpy(sorted, ms, n * sizeof *sorted);
    tb_sort_doubles(sorted, n);

    tb_timing timing = {.n = n, .min = sorted[0], .max = sorted[n - 1]};
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        sum += sorted[i];
    timing.mean = sum / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += (sorted[i] - timing.mean) * (sorted[i] - timing.mean);
    timing.sd = n > 1 ? sqrt(squares / (double)(n - 1)) : 0;
    timing.median = tb_quantile_sorted(sorted, n, 0.5);
    timing.p10 = tb_quantile_sorted(sorted, n, 0.1);
    timing.p90 = tb_quantile_sorted(sorted, n, 0.9);
    timing.p99 = tb_quantile_sorted(sorted, n, 0.99);
    free(sorted);
    *out = timing;
    return TIMBANG_OK;
}
