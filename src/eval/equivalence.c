/* SPDX-License-Identifier: Apache-2.0
 * Equivalence of two paired proportions by the score test of Tango 1998.
 * Includes: eval/paired.h, eval/special.h. Called by: study, eval/power. */
#include "eval/paired.h"

#include "eval/special.h"

/* For delta <= 0. The variance is that of the difference under the most likely table whose difference is delta;
 * lost_rate is its second parameter, the larger root of a quadratic whose linear term is negative here, so that nothing
 * cancels. */
static double statistic_below(double gained, double lost, double n, double delta)
{
    double linear = gained + lost - (2 * n - gained + lost) * delta; /* minus B of the paper */
    double constant = -lost * delta * (1 - delta);
    double discriminant = linear * linear - 8 * n * constant;
    double lost_rate = (linear + __builtin_sqrt(discriminant > 0 ? discriminant : 0)) / (4 * n);
    double variance = n * (2 * lost_rate + delta * (1 - delta));
    double distance = gained - lost - n * delta;
    return variance > 0 ? distance / __builtin_sqrt(variance) : 0;
}

double tb_tango_statistic(size_t gained, size_t lost, size_t n, double delta)
{
    if (delta > 0) /* the same with the two classifiers' parts exchanged */
        return -statistic_below((double)lost, (double)gained, (double)n, -delta);
    return statistic_below((double)gained, (double)lost, (double)n, delta);
}

/* The delta between inner (the observed difference) and outer (+-1) at which the statistic is z; outer where it never
 * falls that far. */
static double bound(size_t gained, size_t lost, size_t n, double inner, double outer, double z)
{
    for (int i = 0; i < 2000; i++) {
        double middle = inner + (outer - inner) / 2;
        if (middle == inner || middle == outer)
            break;
        double statistic = tb_tango_statistic(gained, lost, n, middle);
        if ((z > 0 && statistic < z) || (z < 0 && statistic > z))
            inner = middle;
        else
            outer = middle;
    }
    return outer;
}

void tb_equivalence_compute(size_t gained, size_t lost, size_t n, double margin, double alpha, tb_equivalence *out)
{
    double difference = ((double)gained - (double)lost) / (double)n, z = -tb_normal_quantile(alpha);
    out->p_lower = tb_normal_sf(tb_tango_statistic(gained, lost, n, -margin));
    out->p_upper = tb_normal_cdf(tb_tango_statistic(gained, lost, n, margin));
    out->p = out->p_lower > out->p_upper ? out->p_lower : out->p_upper;
    out->low = bound(gained, lost, n, difference, -1, z);
    out->high = bound(gained, lost, n, difference, 1, -z);
}
