/* SPDX-License-Identifier: Apache-2.0
 * The labels of every model of a study, and every set held against them.
 *   a head with names in its file          those names
 *   a head called LABEL_0, LABEL_1, ...    options.labels when there are as many, else the numbers, which fit data
 *                                          labelled by number; another model's order is never assumed
 *   no head                                options.labels, else the labels of the first model of the run that has
 *                                          names, else those of the data in byte order
 * Includes: study/plan.h. Called by: study/plan. */
#include "study/plan.h"

#include <stdio.h>
#include <string.h>

/* The distinct labels of all sets, in byte order. */
static timbang_status data_labels(const tb_plan *plan, char ***labels, size_t *n, tb_error *err)
{
    char **all = NULL;
    size_t count = 0;
    timbang_status status = TIMBANG_OK;
    for (size_t s = 0; s < plan->n_sets && status == TIMBANG_OK; s++) {
        char **found = NULL;
        size_t n_found = 0;
        status = tb_dataset_labels(plan->sets[s].dataset, &found, &n_found, err);
        if (status == TIMBANG_OK && n_found > 0)
            status = tb_grow((void **)&all, count + n_found, sizeof *all, err);
        for (size_t i = 0; i < n_found && status == TIMBANG_OK; i++) {
            size_t at = 0;
            while (at < count && strcmp(all[at], found[i]) < 0)
                at++;
            if (at < count && strcmp(all[at], found[i]) == 0)
                continue;
            char *copy = tb_strdup(found[i], err);
            if (!copy) {
                status = err->status;
                break;
            }
            memmove(all + at + 1, all + at, (count - at) * sizeof *all);
            all[at] = copy;
            count++;
        }
        tb_labels_free(found, n_found);
    }
    if (status != TIMBANG_OK) {
        tb_labels_free(all, count);
        return status;
    }
    *labels = all;
    *n = count;
    return TIMBANG_OK;
}

static void take(tb_plan_model *model, const char *const *labels, size_t n, const char *from, bool hand)
{
    model->labels = labels;
    model->n_labels = n;
    model->labels_from = from;
    model->hand_labels = hand;
}

static timbang_status label_head(const tb_plan *plan, tb_plan_model *model, tb_error *err)
{
    const timbang_study_options *o = plan->job->options;
    const tb_config *config = &model->config;
    if (!config->labels_named && o->n_labels > 0) {
        if (o->n_labels != config->n_labels)
            return tb_fail(err, TIMBANG_USAGE, "%s: the head has %zu outputs without names, but %zu labels were given",
                           model->name, config->n_labels, o->n_labels);
        take(model, o->labels, o->n_labels, "options", true);
    } else
        take(model, (const char *const *)config->labels, config->n_labels, config->labels_named ? "file" : "numbers",
             false);
    return TIMBANG_OK;
}

static timbang_status label_headless(const tb_plan *plan, tb_plan_model *model, tb_error *err)
{
    const timbang_study_options *o = plan->job->options;
    if (o->n_labels > 0) {
        take(model, o->labels, o->n_labels, "options", true);
        return TIMBANG_OK;
    }
    for (size_t m = 0; m < plan->n_models; m++) {
        const tb_plan_model *other = &plan->models[m];
        if (!other->new_head && other->config.labels_named) {
            take(model, (const char *const *)other->config.labels, other->config.n_labels, "model", true);
            return TIMBANG_OK;
        }
    }
    TB_TRY(data_labels(plan, &model->own_labels, &model->n_labels, err));
    take(model, (const char *const *)model->own_labels, model->n_labels, "data", true);
    return TIMBANG_OK;
}

/* Every label of every set must be one of the model's. */
static timbang_status make_tasks(const tb_plan *plan, tb_plan_model *model, tb_error *err)
{
    bool restrict_labels = plan->job->options->eval.restrict_labels != 0;
    model->tasks = tb_calloc(plan->n_loaded, sizeof *model->tasks, err);
    if (!model->tasks)
        return err->status;
    for (size_t s = 0; s < plan->n_loaded; s++) {
        const tb_dataset *data = plan->sets[s].dataset;
        if (tb_task_make(data, model->labels, model->n_labels, restrict_labels, &model->tasks[s], err) == TIMBANG_OK)
            continue;
        if (err->status != TIMBANG_DATA)
            return tb_fail_prefix(err, "%s", model->name);
        tb_fail_prefix(err, "data '%s' does not fit model '%s'", plan->sets[s].name, model->name);
        if (strcmp(model->labels_from, "numbers") == 0 && !strstr(err->text, "--model-labels")) {
            size_t used = strlen(err->text);
            snprintf(err->text + used, sizeof err->text - used,
                     "; the model's outputs have no names: give them with --model-labels");
        } else if (!strstr(err->text, "--drop-labels") && data->has_labels && data->n > 0) {
            size_t used = strlen(err->text);
            snprintf(err->text + used, sizeof err->text - used, "; or leave rows out with --drop-labels");
        }
        return err->status;
    }
    return TIMBANG_OK;
}

timbang_status tb_plan_labels(tb_plan *plan, tb_error *err)
{
    for (size_t m = 0; m < plan->n_models; m++) {
        tb_plan_model *model = &plan->models[m];
        TB_TRY(model->new_head ? label_headless(plan, model, err) : label_head(plan, model, err));
        TB_TRY(make_tasks(plan, model, err));
    }
    return TIMBANG_OK;
}
