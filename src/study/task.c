/* SPDX-License-Identifier: Apache-2.0
 * A data set as one model sees it.
 * Includes: study/task.h, eval. Called by: study/evaluate, study/plan. */
#include "study/task.h"

#include "eval/metrics.h"

#include <stdlib.h>
#include <string.h>

static timbang_status check_labels(const char *const *labels, size_t n_labels, tb_error *err)
{
    if (n_labels < 2)
        return tb_fail(err, TIMBANG_UNSUPPORTED, "the model has %zu label%s; a classifier needs at least 2", n_labels,
                       n_labels == 1 ? "" : "s");
    if (n_labels > TB_MAX_CLASSES)
        return tb_fail(err, TIMBANG_UNSUPPORTED, "the model has %zu labels; at most %d can be evaluated", n_labels,
                       TB_MAX_CLASSES);
    for (size_t i = 0; i < n_labels; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(labels[i], labels[j]) == 0)
                return tb_fail(err, TIMBANG_MISMATCH, "the model's labels %zu and %zu are both called '%s'", j, i,
                               labels[i]);
    return TIMBANG_OK;
}

/* Which classes are predicted over; truth becomes an index among them. */
static timbang_status choose_classes(tb_task *task, bool restrict_labels, tb_error *err)
{
    int32_t class_of[TB_MAX_CLASSES];
    bool present[TB_MAX_CLASSES] = {false};
    for (size_t i = 0; i < task->n; i++)
        present[task->truth[i]] = true;
    for (size_t l = 0; l < task->n_labels; l++)
        task->n_present += present[l];
    if (restrict_labels && task->n_present < 2)
        return tb_fail(err, TIMBANG_DATA,
                       "%s: all rows have one label; predicting only over the labels present needs at least two",
                       task->dataset->name);
    task->restricted = restrict_labels && task->n_present < task->n_labels;
    for (size_t l = 0; l < task->n_labels; l++) {
        if (task->restricted && !present[l])
            continue;
        class_of[l] = (int32_t)task->n_classes;
        task->classes[task->n_classes++] = l;
    }
    for (size_t i = 0; i < task->n; i++)
        task->truth[i] = class_of[task->truth[i]];
    return TIMBANG_OK;
}

static timbang_status fill(tb_task *task, bool restrict_labels, tb_error *err)
{
    const tb_dataset *data = task->dataset;
    task->texts = tb_calloc(task->n, sizeof *task->texts, err);
    task->truth = task->texts ? tb_calloc(task->n, sizeof *task->truth, err) : NULL;
    task->classes = task->truth ? tb_calloc(task->n_labels, sizeof *task->classes, err) : NULL;
    if (!task->classes)
        return err->status;
    for (size_t i = 0; i < task->n; i++) {
        const tb_row *row = &data->rows[i];
        task->texts[i] = (tb_text_ref){.text = row->text, .length = row->text_length, .pair = row->pair};
    }
    TB_TRY(tb_dataset_resolve(data, task->labels, task->n_labels, task->truth, err));
    return choose_classes(task, restrict_labels, err);
}

timbang_status tb_task_make(const tb_dataset *dataset, const char *const *labels, size_t n_labels, bool restrict_labels,
                            tb_task *task, tb_error *err)
{
    if (!dataset->has_labels)
        return tb_fail(err, TIMBANG_DATA,
                       "%s: has no labels, and figures need them (name their column with "
                       "--label-column)",
                       dataset->name);
    if (dataset->n == 0)
        return tb_fail(err, TIMBANG_DATA, "%s: has no rows", dataset->name);
    TB_TRY(check_labels(labels, n_labels, err));
    tb_task made = {.dataset = dataset, .labels = labels, .n = dataset->n, .n_labels = n_labels};
    if (fill(&made, restrict_labels, err) != TIMBANG_OK) {
        tb_task_free(&made);
        return err->status;
    }
    *task = made;
    return TIMBANG_OK;
}

void tb_task_free(tb_task *task)
{
    free(task->texts);
    free(task->truth);
    free(task->classes);
    memset(task, 0, sizeof *task);
}

const char *tb_task_class(const tb_task *task, size_t class_index)
{
    return task->labels[task->classes[class_index]];
}

void tb_task_view(const tb_task *task, const float *logits, float *view)
{
    for (size_t i = 0; i < task->n; i++)
        for (size_t c = 0; c < task->n_classes; c++)
            view[i * task->n_classes + c] = logits[i * task->n_labels + task->classes[c]];
}
