/* The paired bootstrap of docs/results.md: replicate b draws the same texts for all classifiers, by Philox (seed, b).
 * Includes: eval/metrics.h, base/pool.h. Called by: study. */
#ifndef TB_EVAL_BOOTSTRAP_H
#define TB_EVAL_BOOTSTRAP_H

#include "base/pool.h"
#include "eval/metrics.h"

typedef struct tb_bootstrap_job {
    size_t n, n_classes, n_classifiers;
    const int32_t *truth;           /* [n] class */
    const tb_outcomes *classifiers; /* [n_classifiers], each of n texts */
    size_t replicates;
    uint64_t seed;
    tb_pool *pool;
    const tb_hooks *hooks; /* progress ("bootstrap"), cancel; NULL: none */
} tb_bootstrap_job;

/* One classifier's figures in one replicate: macro-F1 over the classes that the truth of the replicate holds. */
typedef struct tb_replicate {
    double accuracy, macro_f1, weighted_f1, mcc, mean_confidence;
} tb_replicate;

/* out [n_classifiers][replicates]; free it. The same for any number of threads. n is below 2^32.
 * Costs about 30 ns a draw with three classes and eight classifiers, so that 2000 replicates of a million texts take a
 * minute of one core; memory: 2 bytes a text and thread, 8 a text and classifier. */
timbang_status tb_bootstrap_run(const tb_bootstrap_job *job, tb_replicate **out, tb_error *err);

/* Draw i of n things in a replicate's stream. */
size_t tb_bootstrap_draw(uint64_t seed, uint64_t replicate, uint64_t i, size_t n);

/* The 2.5 % and 97.5 % quantiles of n values, which are sorted in place. */
typedef struct tb_range {
    double low, high;
} tb_range;
tb_range tb_bootstrap_interval(double *values, size_t n);
/* Two-sided p of differences to 0: min(1, 2 (1 + min(#{d <= 0}, #{d >= 0})) / (n + 1)); what is smaller than 1e-12 is
 * rounding and counts as 0. */
double tb_bootstrap_p(const double *differences, size_t n);

#endif
