/* Tests on paired outcomes of two classifiers on the same texts, and what a number of texts can show at all.
 * Includes: base. Called by: study. */
#ifndef TB_EVAL_PAIRED_H
#define TB_EVAL_PAIRED_H

#include "base/mem.h"

/* Holm 1979: adjusted[i] for p[i], in any order. NaN marks a test that was not made: it is left out and stays NaN. */
timbang_status tb_holm(const double *p, size_t n, double *adjusted, tb_error *err);

/* Are the labels of two classifiers equally frequent? Stuart 1955, Maxwell 1970, with Stuart's covariance, as in
 * statsmodels' SquareTable.homogeneity. Classes that are linked by no text that changed between them are tested apart
 * and their statistics and degrees of freedom added, which is the generalized inverse of the covariance. */
typedef struct tb_marginal {
    double statistic, p;
    size_t df;       /* rank of the covariance; 0 where no label differs: p 1 */
    int64_t *shifts; /* [n_classes], of b minus a */
    size_t gains;    /* class with the largest shift, the first of equals */
    size_t loses;    /* with the smallest; both are n_classes where all shifts are 0 */
} tb_marginal;
/* table [a's label][b's label] */
timbang_status tb_marginal_compute(const size_t *table, size_t n_classes, tb_marginal *out, tb_error *err);
void tb_marginal_free(tb_marginal *marginal);

/* Wilcoxon's signed rank of paired differences: zeros dropped, ties ranked by their mean, normal approximation with the
 * tie correction (SciPy's zero_method="wilcox", correction=False, method="asymptotic"). */
typedef struct tb_signed_rank {
    double mean, sd;     /* of all differences; sd with n - 1, 0 for one */
    double statistic, p; /* the smaller of the two rank sums; two-sided, 1 where all differences are 0 */
} tb_signed_rank;
timbang_status tb_signed_rank_compute(const double *differences, size_t n, tb_signed_rank *out, tb_error *err);

/* Is the difference of two paired proportions within a margin? Two one-sided score tests (Tango, Statistics in Medicine
 * 1998). gained, lost: texts that only the second, only the first got right, of n; the difference is
 * (gained - lost) / n. */
typedef struct tb_equivalence {
    double p_lower, p_upper; /* of "it is at most -margin", of "it is at least margin" */
    double p;                /* the larger of the two */
    double low, high;        /* score interval at 1 - 2 alpha */
} tb_equivalence;
void tb_equivalence_compute(size_t gained, size_t lost, size_t n, double margin, double alpha, tb_equivalence *out);
/* The score statistic of a difference of delta in (-1, 1): normal, and above 0 where the observed one is larger. */
double tb_tango_statistic(size_t gained, size_t lost, size_t n, double delta);

/* What n texts can show. rate: proportion of texts on which one classifier is right and the other wrong. */
typedef struct tb_power {
    size_t smallest;   /* flips, all in one direction, that McNemar's exact test first calls significant; may be
                          more than n */
    double detectable; /* smallest true difference that McNemar's exact test sees with the wanted power; the number
                          of discordant texts is binomial (n, rate). NaN: even a difference of rate is not seen */
    double equivalence_power; /* probability that the two one-sided tests show equivalence where the difference is 0 */
    int64_t most_flips;       /* the largest even number of flips, half of them for the better, at which equivalence is
                                 still shown; -1: not even with none */
} tb_power;
timbang_status tb_power_compute(size_t n, double rate, double margin, double alpha, double power, tb_power *out,
                                tb_error *err);
/* Power of McNemar's exact test to see a true difference of 0 <= delta <= rate. */
timbang_status tb_mcnemar_power(size_t n, double rate, double delta, double alpha, double *power, tb_error *err);

#endif
