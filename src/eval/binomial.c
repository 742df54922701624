/* SPDX-License-Identifier: Apache-2.0
 * The binomial distribution by Loader's saddle-point expansion (Fast and accurate computation of binomial
 * probabilities, 2000), which keeps its digits for millions of trials. Includes: eval/special.h. Called by: eval. */
#include "eval/special.h"

/* log(n!) minus Stirling's approximation of it. */
static double stirling_error(size_t n)
{
    static const double small[16] = {
        0,
        0.0810614667953272582196702,
        0.0413406959554092940938221,
        0.02767792568499833914878929,
        0.02079067210376509311152277,
        0.01664469118982119216319487,
        0.01387612882307074799874573,
        0.01189670994589177009505572,
        0.010411265261972096497478567,
        0.009255462182712732917728637,
        0.008330563433362871256469318,
        0.007573675487951840794972024,
        0.006942840107209529865664152,
        0.006408994188004207068439631,
        0.005951370112758847735624416,
        0.005554733551962801371038690,
    };
    if (n < 16)
        return small[n];
    double x = (double)n, y = 1 / (x * x);
    return (1.0 / 12 - y * (1.0 / 360 - y * (1.0 / 1260 - y * (1.0 / 1680 - y * (1.0 / 1188 - y * 691.0 / 360360))))) /
           x;
}

/* x log(x / m) + m - x without cancellation. */
static double deviance(double x, double m)
{
    double difference = x - m, v = difference / (x + m);
    if (v > 0.1 || v < -0.1)
        return x * tb_ln(x / m) - difference;
    double sum = difference * v, term = 2 * x * v, squared = v * v;
    for (int j = 1; j < 100; j++) {
        term *= squared;
        double next = sum + term / (2 * j + 1);
        if (next == sum)
            break;
        sum = next;
    }
    return sum;
}

double tb_binomial_pmf(size_t k, size_t n, double p)
{
    if (k > n)
        return 0;
    double q = 1 - p, x = (double)k, trials = (double)n;
    if (p <= 0)
        return k == 0;
    if (q <= 0)
        return k == n;
    if (k == 0)
        return tb_exp64(trials * tb_ln1p(-p));
    if (k == n)
        return tb_exp64(trials * tb_ln(p));
    double correction = stirling_error(n) - stirling_error(k) - stirling_error(n - k);
    double exponent = correction - deviance(x, trials * p) - deviance(trials - x, trials * q);
    return tb_exp64(exponent) * __builtin_sqrt(trials / (0x1.921fb54442d18p+2 * x * (trials - x)));
}

double tb_binomial_cdf(size_t k, size_t n, double p)
{
    if (k >= n)
        return 1;
    if (p <= 0 || p >= 1)
        return p <= 0;
    double q = 1 - p, sum = 0;
    if ((double)k < (double)n * p) { /* the terms fall from k downwards */
        double term = tb_binomial_pmf(k, n, p);
        for (size_t i = k;; i--) {
            sum += term;
            term *= (double)i * q / ((double)(n - i + 1) * p);
            if (i == 0 || !(term > sum * 1e-18))
                return sum < 1 ? sum : 1;
        }
    }
    double term = tb_binomial_pmf(k + 1, n, p);
    for (size_t i = k + 1; i <= n && term > sum * 1e-18; i++) {
        sum += term;
        term *= (double)(n - i) * p / ((double)(i + 1) * q);
    }
    return sum < 1 ? 1 - sum : 0;
}
