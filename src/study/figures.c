/* SPDX-License-Identifier: Apache-2.0
 * All variants of one model on one set.
 * Includes: study/figures_parts.h, study/record.h, eval. Called by: study/collect. */
#include "study/figures.h"

#include "study/figures_parts.h"
#include "study/record.h"

#include <stdlib.h>
#include <string.h>

tb_statistics tb_statistics_default(void)
{
    return (tb_statistics){.alpha = 0.05, .power = 0.8, .margin = 0.01, .replicates = 2000};
}

static timbang_status compute(tb_set_figures *set, tb_error *err)
{
    const tb_figures_job *job = set->job;
    const tb_task *task = job->task;
    set->figures = tb_calloc(job->n_variants, sizeof *set->figures, err);
    set->outcomes = set->figures ? tb_calloc(job->n_variants, sizeof *set->outcomes, err) : NULL;
    if (!set->outcomes)
        return err->status;
    for (size_t v = 0; v < job->n_variants; v++) {
        const tb_logit_rows rows = {task, job->logits[v], 1};
        TB_TRY(tb_check_cancel(job->hooks, err));
        TB_TRY(tb_figures_stream(tb_logit_rows_probs, &rows, task->truth, task->n, task->n_classes, &set->figures[v],
                                 &set->outcomes[v], err));
    }
    if (job->statistics->replicates == 0)
        return TIMBANG_OK;
    const tb_bootstrap_job bootstrap = {
        .n = task->n,
        .n_classes = task->n_classes,
        .n_classifiers = job->n_variants,
        .truth = task->truth,
        .classifiers = set->outcomes,
        .replicates = (size_t)job->statistics->replicates,
        .seed = job->statistics->seed,
        .pool = job->pool,
        .hooks = job->hooks,
    };
    return tb_bootstrap_run(&bootstrap, &set->replicates, err);
}

static timbang_status put_variants(const tb_set_figures *set, json_t *results, tb_error *err)
{
    const tb_figures_job *job = set->job;
    for (size_t v = 0; v < job->n_variants; v++) {
        json_t *result = json_object();
        TB_TRY(tb_json_done(json_array_append_new(results, result) != 0, err));
        TB_TRY(tb_check_cancel(job->hooks, err));
        TB_TRY(tb_put_model_figures(job->task, &set->figures[v], &set->outcomes[v], job->trained_head, result, err));
        TB_TRY(tb_put_bootstrap(set, v, result, err));
        TB_TRY(tb_put_temperature(job, v, result, err));
    }
    return tb_put_against(set, results, err);
}

timbang_status tb_figures_of_set(const tb_figures_job *job, json_t **results, json_t **flips, tb_error *err)
{
    tb_set_figures set = {.job = job, .has_fp32 = strcmp(job->variants[0], "fp32") == 0};
    json_t *array = json_array();
    timbang_status status = tb_json_done(!array, err);
    if (status == TIMBANG_OK)
        status = compute(&set, err);
    if (status == TIMBANG_OK)
        status = put_variants(&set, array, err);
    if (status == TIMBANG_OK)
        status = tb_flips_make(&set, flips, err);
    for (size_t v = 0; v < job->n_variants; v++) {
        if (set.figures)
            tb_figures_free(&set.figures[v]);
        if (set.outcomes)
            tb_outcomes_free(&set.outcomes[v]);
    }
    free(set.figures);
    free(set.outcomes);
    free(set.replicates);
    if (status != TIMBANG_OK) {
        json_decref(array);
        return status;
    }
    *results = array;
    return TIMBANG_OK;
}
