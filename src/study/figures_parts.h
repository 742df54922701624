/* What the files of study/figures share: one set's classifiers as outcomes, and the members that are put from them.
 * Includes: base, eval, study/figures.h. Called by: study/figures*. */
#ifndef TB_STUDY_FIGURES_PARTS_H
#define TB_STUDY_FIGURES_PARTS_H

#include "eval/bootstrap.h"
#include "study/figures.h"

/* Rows of logits as the task sees them, for tb_figures_stream and tb_temperature_fit. */
typedef struct tb_logit_rows {
    const tb_task *task;
    const float *logits; /* [n][n_labels] */
    double temperature;  /* of tb_logit_rows_probs; 1: none */
} tb_logit_rows;
size_t tb_logit_rows_probs(const void *arg, size_t row, double *probs);
void tb_logit_rows_logits(const void *arg, size_t row, double *logits);
/* The view of rows begin to end - 1, [end - begin][n_classes]; block is filled where the logits cannot be used as they
 * are, and has room for them. */
const float *tb_logit_rows_view(const tb_logit_rows *rows, size_t begin, size_t end, float *block);

/* The figures of one classifier, and what it says of every text. Both are to be freed. */
timbang_status tb_figures_of_logits(const tb_task *task, const float *logits, tb_figures *figures,
                                    tb_outcomes *outcomes, tb_error *err);

/* All variants on one set. */
typedef struct tb_set_figures {
    const tb_figures_job *job;
    bool has_fp32;            /* variant 0 is the baseline */
    tb_figures *figures;      /* [n_variants] */
    tb_outcomes *outcomes;    /* [n_variants] */
    tb_replicate *replicates; /* [n_variants][replicates]; NULL: no bootstrap */
} tb_set_figures;

/* n, correct, accuracy, ... label_order: all that one classifier alone gives, but bootstrap and temperature null. */
timbang_status tb_put_model_figures(const tb_task *task, const tb_figures *figures, const tb_outcomes *outcomes,
                                    bool trained_head, json_t *into, tb_error *err);
timbang_status tb_put_bootstrap(const tb_set_figures *set, size_t variant, json_t *into, tb_error *err);
timbang_status tb_put_temperature(const tb_figures_job *job, size_t variant, json_t *into, tb_error *err);
/* against_fp32 of all variants: sets the member of results[0..n_variants-1]. */
timbang_status tb_put_against(const tb_set_figures *set, json_t *results, tb_error *err);
timbang_status tb_flips_make(const tb_set_figures *set, json_t **out, tb_error *err);

json_t *tb_json_range(tb_range range); /* [low, high] */
/* [v, ...]; NULL where memory ran out */
json_t *tb_json_reals(const double *values, size_t n);

#endif
