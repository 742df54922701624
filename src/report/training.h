/* SPDX-License-Identifier: Apache-2.0
 * The report of a training: learning curves, evaluations, recipe, drawn from log.jsonl and run.json alone
 * (docs/training.md); it holds no times and no machine, so that it has the same bytes wherever the training is
 * repeated. Includes: base, report/html.h. Called by: api. */
#ifndef TB_REPORT_TRAINING_H
#define TB_REPORT_TRAINING_H

#include "report/html.h"

/* Writes folder/report.html. lang: "en", "id"; NULL: as the training was asked. */
timbang_status tb_training_report(const char *folder, const char *lang, tb_error *err);

/* ---- Between the files of the report ---- */

typedef struct tb_training_step {
    uint64_t step, epoch;
    double loss, rate, norm;
} tb_training_step;

typedef struct tb_training_evaluation {
    uint64_t step, epoch;
    double loss, accuracy, macro_f1; /* macro_f1 NaN: MLM */
    bool best;                       /* better than all before it */
} tb_training_evaluation;

typedef struct tb_training {
    tb_report view; /* the language alone */
    json_t *run;    /* what strings point into */
    const char *version, *role, *scheme, *recipe_hash, *parent_sha256;
    const char *model; /* NULL: anonymous */
    uint64_t seed, parameters, steps, steps_per_epoch, total_steps;
    bool stopped_early, mlm;
    const json_t *recipe, *data;
    bool has_best;
    uint64_t best_step, best_epoch;
    tb_training_step *step; /* [n_steps] */
    size_t n_steps;
    tb_training_evaluation *evaluation; /* [n_evaluations] */
    size_t n_evaluations;
} tb_training;

timbang_status tb_training_read(const char *folder, const char *lang, tb_training *training, tb_error *err);
void tb_training_free(tb_training *training); /* a zeroed struct is fine */

/* One <svg> each (training_curves.c). */
void tb_training_loss_figure(tb_text *out, const tb_training *training);
void tb_training_figures_figure(tb_text *out, const tb_training *training); /* accuracy and macro-F1 */
void tb_training_rate_figure(tb_text *out, const tb_training *training);
void tb_training_norm_figure(tb_text *out, const tb_training *training);

#endif
