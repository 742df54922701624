/* SPDX-License-Identifier: Apache-2.0
 * Exponential, logarithm, gamma, normal and chi-square.
 * Includes: eval/special.h. Called by: eval, study. */
#include "eval/special.h"

#include <float.h>
#include <stdint.h>
#include <string.h>

static double square_root(double x)
{
    return __builtin_sqrt(x);
}

static double magnitude(double x)
{
    return __builtin_fabs(x);
}

/* 2^k for -1022 <= k <= 1023. */
static double power_of_two(int k)
{
    uint64_t bits = (uint64_t)(k + 1023) << 52;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* exp(r) = 1 + (r + r^2 q(r)), |r| <= ln 2 / 2, q by Taylor: the remainder is below 2^-57. */
static double exp_reduced(double r)
{
    static const double inverse_factorial[] = {1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800,
                                               1.0 / 362880,     1.0 / 40320,     1.0 / 5040,     1.0 / 720,
                                               1.0 / 120,        1.0 / 24,        1.0 / 6,        1.0 / 2};
    double q = 0;
    for (size_t i = 0; i < sizeof inverse_factorial / sizeof inverse_factorial[0]; i++)
        q = q * r + inverse_factorial[i];
    return 1 + (r + r * r * q);
}

double tb_exp64(double x)
{
    if (x != x)
        return x;
    if (x > 709.782712893384)
        return __builtin_inf();
    if (x < -745.2)
        return 0;
    double turns = x * 0x1.71547652b82fep+0; /* of ln 2 */
    int k = (int)(turns < 0 ? turns - 0.5 : turns + 0.5);
    /* ln 2 in two parts; the first has zeros enough at its end for the product with k to be exact (Cody, Waite 1980) */
    double r = (x - k * 0x1.62e42feep-1) - k * 0x1.a39ef35793c76p-33;
    int half = k / 2; /* in two steps, so that neither factor leaves the range */
    return exp_reduced(r) * power_of_two(half) * power_of_two(k - half);
}

/* log((1 + s) / (1 - s)) = 2 artanh(s), |s| <= 0.1716: the series ends below 2^-60. */
static double log_ratio(double s)
{
    static const double inverse[] = {1.0 / 27, 1.0 / 25, 1.0 / 23, 1.0 / 21, 1.0 / 19, 1.0 / 17, 1.0 / 15,
                                     1.0 / 13, 1.0 / 11, 1.0 / 9,  1.0 / 7,  1.0 / 5,  1.0 / 3};
    double s2 = s * s, sum = 0;
    for (size_t i = 0; i < sizeof inverse / sizeof inverse[0]; i++)
        sum = sum * s2 + inverse[i];
    return 2 * s + 2 * s * (s2 * sum);
}

double tb_ln(double x)
{
    int exponent = 0;
    if (x < DBL_MIN) { /* subnormal */
        x *= 0x1p54;
        exponent = -54;
    }
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    exponent += (int)(bits >> 52) - 1022;
    bits = (bits & 0xfffffffffffffULL) | 0x3fe0000000000000ULL; /* mantissa in [1/2, 1) */
    double m;
    memcpy(&m, &bits, sizeof m);
    if (m < 0x1.6a09e667f3bcdp-1) {
        m *= 2;
        exponent--;
    }
    double small = log_ratio((m - 1) / (m + 1));
    return exponent * 0x1.62e42feep-1 + (exponent * 0x1.a39ef35793c76p-33 + small);
}

double tb_ln1p(double x)
{
    return x > -0.25 && x < 0.4 ? log_ratio(x / (2 + x)) : tb_ln(1 + x);
}

/* Stirling's series from 15 on, below by the recurrence. */
double tb_log_gamma(double x)
{
    double product = 1;
    for (; x < 15; x++)
        product *= x;
    double y = 1 / (x * x);
    double series =
        (1.0 / 12 -
         y * (1.0 / 360 - y * (1.0 / 1260 - y * (1.0 / 1680 - y * (1.0 / 1188 - y * (691.0 / 360360 - y / 156)))))) /
        x;
    return (x - 0.5) * tb_ln(x) - x + 0x1.d67f1c864beb5p-1 + series - tb_ln(product);
}

/* x^a e^-x / Gamma(a + 1) */
static double gamma_prefactor(double a, double x)
{
    return tb_exp64(a * tb_ln(x) - x - tb_log_gamma(a + 1));
}

/* The regularized incomplete gamma function Q(a, x): a series below the mean, Lentz's continued fraction above it. */
static double gamma_q(double a, double x)
{
    if (!(x > 0))
        return 1;
    if (x < a + 1) {
        double term = 1, sum = 1;
        for (double n = a + 1; term > sum * 1e-17; n++) {
            term *= x / n;
            sum += term;
        }
        return 1 - gamma_prefactor(a, x) * sum;
    }
    const double tiny = 1e-300;
    double b = x + 1 - a, c = 1 / tiny, d = 1 / b, fraction = d;
    for (int i = 1; i < 100000; i++) {
        double numerator = -(double)i * ((double)i - a);
        b += 2;
        d = numerator * d + b;
        d = magnitude(d) < tiny ? tiny : d;
        c = b + numerator / c;
        c = magnitude(c) < tiny ? tiny : c;
        d = 1 / d;
        double step = d * c;
        fraction *= step;
        if (magnitude(step - 1) < 1e-16)
            break;
    }
    return gamma_prefactor(a, x) * a * fraction;
}

double tb_chi_square_sf(double x, double df)
{
    return x > 0 && df > 0 ? gamma_q(df / 2, x / 2) : 1;
}

double tb_normal_sf(double x)
{
    if (x < 0)
        return 1 - tb_normal_sf(-x);
    return x > 39 ? 0 : 0.5 * gamma_q(0.5, x * x / 2);
}

double tb_normal_cdf(double x)
{
    return tb_normal_sf(-x);
}

double tb_normal_quantile(double p)
{
    if (p > 0.5)
        return -tb_normal_quantile(1 - p);
    if (p == 0.5)
        return 0;
    /* x with sf(x) = p: a start good to 5e-4 (Abramowitz, Stegun 26.2.23), then Halley's steps on log-free ratios */
    double t = square_root(-2 * tb_ln(p));
    double x = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
    for (int i = 0; i < 3; i++) {
        double density = tb_exp64(-x * x / 2) * 0x1.9884533d43651p-2; /* 1 / sqrt(2 pi) */
        double step = (tb_normal_sf(x) - p) / density;
        x += step / (1 - x * step / 2);
    }
    return -x;
}
