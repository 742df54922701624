/* The figures of one model on one set, all variants together: entries of results and of flips (docs/results.md), from
 * logits and truth alone. Includes: base, eval, study/task.h. Called by: study/study, study/evaluate. */
#ifndef TB_STUDY_FIGURES_H
#define TB_STUDY_FIGURES_H

#include "base/json.h"
#include "base/pool.h"
#include "study/task.h"

/* The statistical part of plan.json. */
typedef struct tb_statistics {
    bool primary_macro_f1; /* else accuracy */
    double alpha, power, margin;
    uint64_t replicates, seed; /* of the bootstrap; 0 replicates: none */
    uint64_t null_models;
} tb_statistics;
tb_statistics tb_statistics_default(void);

typedef struct tb_figures_job {
    const tb_task *task;
    const tb_statistics *statistics;
    size_t n_variants;
    const char *const *variants;      /* [n_variants]; where "fp32" is among them it is the first */
    const float *const *logits;       /* [n_variants], each [n][n_labels] */
    const tb_task *valid;             /* NULL: no temperature is fitted */
    const char *valid_name;           /* of that set */
    const float *const *valid_logits; /* [n_variants] */
    bool trained_head;                /* is asked whether another order of its labels fits far better */
    tb_pool *pool;
    const tb_hooks *hooks; /* cancel */
} tb_figures_job;

/* results: array of n_variants objects, without model, variant, data, untrained_head and lengths, which the caller
 * adds; flips: {total, listed, texts}. Both are the caller's. The same for any number of threads. */
timbang_status tb_figures_of_set(const tb_figures_job *job, json_t **results, json_t **flips, tb_error *err);

/* Null models, of which one is in memory at a time: load fills logits [n][n_labels] of the task and the error of model
 * `number` (from 0); it is asked once for each, in order. */
typedef struct tb_null_models {
    size_t n;
    timbang_status (*load)(void *arg, size_t number, float *logits, double *weight_error, tb_error *err);
    void *arg;
    const tb_hooks *hooks; /* cancel; NULL is fine */
} tb_null_models;

/* One member of "null" without model, variant and data. real, fp32: logits [n][n_labels]; fp32 may be NULL. */
timbang_status tb_figures_of_null(const tb_task *task, const float *fp32, const float *real, double real_error,
                                  const tb_null_models *models, json_t **out, tb_error *err);

/* One entry of groups[].results without data and variant: seed s has logits[s] and, unless this is FP32 itself
 * (fp32 NULL), fp32[s]. All seeds share the task's texts and truth. */
timbang_status tb_figures_of_seeds(const tb_task *task, const tb_statistics *statistics, const float *const *logits,
                                   const float *const *fp32, size_t n_seeds, tb_pool *pool, json_t **out,
                                   tb_error *err);
/* {seeds, delta_accuracy, delta_macro_f1} of roadmap.pairs: logits[s] against baseline[s] of the same seed, both
 * [n][n_labels] of the task. */
timbang_status tb_figures_of_pairs(const tb_task *task, const tb_statistics *statistics, const float *const *logits,
                                   const float *const *baseline, size_t n_seeds, tb_pool *pool, json_t **out,
                                   tb_error *err);

#endif
