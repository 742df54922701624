/* SPDX-License-Identifier: Apache-2.0
 * One classifier on one data set.
 * Includes: study/evaluate.h and its neighbours. Called by: api. */
#include "study/evaluate.h"

#include "study/latency.h"
#include "study/notes.h"
#include "study/predictions.h"
#include "study/record.h"
#include "text/clean.h"

#include <stdlib.h>

/* What stays the same over the steps of one evaluation. */
typedef struct evaluation {
    const tb_evaluate_options *options;
    const tb_task *task;
    tb_workspace *workspace;
    tb_run_options run;
    tb_notes notes;
    json_t *out; /* the object that is filled */
} evaluation;

static timbang_status put_figures(const evaluation *e, tb_error *err)
{
    const tb_classifier *model = e->options->model;
    const tb_task *task = e->task;
    tb_lengths lengths = {0};
    float *logits = tb_calloc(task->n * task->n_labels, sizeof *logits, err);
    if (!logits)
        return err->status;
    timbang_status status = tb_run_rows(model, e->workspace, task, 0, task->n, &e->run, logits, &lengths, err);
    if (status == TIMBANG_OK)
        status = tb_record_figures(task, logits, !tb_classifier_untrained_head(model), e->out, err);
    if (status == TIMBANG_OK)
        status = tb_record_lengths(&lengths, task->n, e->out, err);
    if (status == TIMBANG_OK)
        status = tb_note_result(&e->notes, NULL, NULL, task, e->out, tb_run_max_length(model, &e->run), err);
    if (status == TIMBANG_OK && lengths.seconds > 0)
        status = tb_json_done(
            json_object_set_new(e->out, "texts_per_s", json_real((double)task->n / lengths.seconds)) != 0, err);
    free(logits);
    return status;
}

static timbang_status put_latency(const evaluation *e, tb_error *err)
{
    tb_latency_options options = {
        .model = e->options->model,
        .workspace = e->workspace,
        .task = e->task,
        .texts = e->options->latency_texts,
        .rounds = e->options->latency_rounds,
        .seconds = e->options->timing_seconds,
        .run = e->run,
    };
    options.run.stage = "timing";
    json_t *latency = NULL;
    TB_TRY(tb_latency_measure(&options, &latency, err));
    return tb_json_done(json_object_set_new(e->out, "latency_ms", latency) != 0, err);
}

static timbang_status put_duplicates(const evaluation *e, tb_error *err)
{
    const tb_evaluate_options *o = e->options;
    json_t *within = NULL, *train = NULL;
    TB_TRY(tb_record_duplicates(o->dataset, NULL, &within, err));
    TB_TRY(tb_json_done(json_object_set_new(e->out, "duplicates", within) != 0, err));
    if (o->train) {
        TB_TRY(tb_record_duplicates(o->dataset, o->train, &train, err));
        TB_TRY(tb_json_done(json_object_set_new(e->out, "train_overlap", train) != 0, err));
    }
    return tb_note_duplicates(&e->notes, NULL, within, train, o->train ? o->train->name : NULL, err);
}

static timbang_status put_model(const evaluation *e, tb_error *err)
{
    const tb_classifier *model = e->options->model;
    const tb_dataset *data = e->options->dataset;
    bool untrained = tb_classifier_untrained_head(model);
    char clean[80];
    int bad = json_object_set_new(e->out, "scheme", json_string(tb_classifier_scheme(model)));
    if (tb_classifier_compute(model) != TB_COMPUTE_FP32)
        bad |= json_object_set_new(e->out, "compute", json_string(tb_compute_name(tb_classifier_compute(model))));
    bad |= json_object_set_new(e->out, "data", tb_json_utf8(data->name));
    bad |= json_object_set_new(e->out, "file", data->facts ? json_incref(data->facts) : json_null());
    bad |= json_object_set_new(e->out, "clean", json_string(tb_clean_text_of(e->options->clean, clean)));
    bad |= json_object_set_new(e->out, "untrained_head", json_boolean(untrained));
    bad |= json_object_set_new(e->out, "max_length", tb_json_count(tb_run_max_length(model, &e->run)));
    bad |= json_object_set_new(e->out, "resident_bytes", tb_json_count(tb_classifier_resident_bytes(model)));
    TB_TRY(tb_json_done(bad != 0, err));
    if (!untrained)
        return TIMBANG_OK;
    return tb_note(&e->notes, NULL, NULL, "untrained_head", err,
                   "untrained head: the model has no trained classifier, so its predictions mean nothing");
}

static timbang_status evaluate(evaluation *e, tb_error *err)
{
    TB_TRY(put_model(e, err));
    TB_TRY(put_duplicates(e, err));
    TB_TRY(put_figures(e, err));
    TB_TRY(put_latency(e, err));
    return tb_json_done(json_object_set(e->out, "warnings", e->notes.list) != 0, err);
}

timbang_status tb_train_load(const timbang_data_options *how, const char *path, const tb_hooks *hooks,
                             tb_dataset **train, tb_error *err)
{
    timbang_data_options options = *how;
    options.path = path;
    options.limit = 0; /* an overlap is looked for in the whole file */
    timbang_status status = tb_dataset_load(&options, hooks, train, err);
    if (status != TIMBANG_USAGE || (!options.text_column && !options.label_column))
        return status;
    options.text_column = options.label_column = NULL;
    options.header = -1;
    tb_error_clear(err);
    return tb_dataset_load(&options, hooks, train, err);
}

timbang_status tb_evaluate(const tb_evaluate_options *options, json_t **out, tb_error *err)
{
    const tb_config *config = tb_classifier_config(options->model);
    tb_task task = {0};
    TB_TRY(tb_task_make(options->dataset, (const char *const *)config->labels, config->n_labels,
                        options->restrict_labels, &task, err));
    evaluation e = {
        .options = options,
        .task = &task,
        .run = {.max_length = options->max_length,
                .batch = options->batch,
                .clean = options->clean,
                .hooks = options->hooks,
                .stage = "evaluating"},
        .notes = {.list = json_array(), .hooks = options->hooks},
        .out = json_object(),
    };
    timbang_status status = tb_json_done(!e.notes.list || !e.out, err);
    if (status == TIMBANG_OK)
        status = tb_workspace_create(options->pool, &e.workspace, err);
    if (status == TIMBANG_OK)
        status = evaluate(&e, err);
    tb_workspace_free(e.workspace);
    tb_task_free(&task);
    json_decref(e.notes.list);
    if (status != TIMBANG_OK) {
        json_decref(e.out);
        return status;
    }
    *out = e.out;
    return TIMBANG_OK;
}
