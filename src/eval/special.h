/* Special functions of the tests and intervals, in plain double arithmetic: no libm beyond the square root, which IEEE
 * 754 rounds exactly, so that a figure has the same bits on every machine. Checked against SciPy to 1e-12.
 * Includes: base. Called by: eval, study. */
#ifndef TB_EVAL_SPECIAL_H
#define TB_EVAL_SPECIAL_H

#include <stddef.h>

double tb_exp64(double x);     /* within 2 ulp; 0 below the subnormals, infinity above the largest double */
double tb_ln(double x);        /* x > 0, finite */
double tb_ln1p(double x);      /* x > -1 */
double tb_log_gamma(double x); /* x > 0 */

double tb_normal_sf(double x);       /* P(Z > x) */
double tb_normal_cdf(double x);      /* P(Z <= x) */
double tb_normal_quantile(double p); /* 0 < p < 1 */
double tb_chi_square_sf(double x, double df);

/* Binomial with n trials of probability p in [0, 1]. */
double tb_binomial_pmf(size_t k, size_t n, double p); /* 0 where k > n */
double tb_binomial_cdf(size_t k, size_t n, double p); /* P(X <= k) */

#endif
