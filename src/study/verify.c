/* SPDX-License-Identifier: Apache-2.0
 * A study repeated from its record: every variant run again on every set, its logits held against predictions.jsonl.
 * Includes: study/verify.h and its neighbours. Called by: api. */
#include "study/verify.h"

#include "study/json_lines.h"
#include "study/plan.h"
#include "study/record.h"
#include "study/run.h"
#include "study/units.h"
#include "study/verify_options.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Comparing ---- */

typedef struct verification {
    const tb_study_job *job;
    tb_recorded_options recorded;
    tb_study_job repeat; /* with the recorded options */
    tb_plan plan;
    char *file, *predictions, *models_dir;
    tb_workspace *workspace;
    tb_store store; /* of logits, temporary */
    tb_json_lines lines;
    json_t *results, *changed;
    uint64_t logits, same;
} verification;

typedef struct tally {
    uint64_t logits, same, texts, texts_same;
    double max_abs_difference;
} tally;

static timbang_status same_place(const verification *v, const json_t *line, const char *model, const char *variant,
                                 const char *data, uint64_t row, tb_error *err)
{
    const struct {
        const char *key, *expected;
    } wanted[] = {{"model", model}, {"variant", variant}, {"data", data}};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        const char *found = json_string_value(json_object_get(line, wanted[i].key));
        if (!found || strcmp(found, wanted[i].expected) != 0)
            return tb_fail(err, TIMBANG_MISMATCH, "%s: '%s' is %s; the record has %s here", v->lines.where.data,
                           wanted[i].key, found ? found : "missing", wanted[i].expected);
    }
    json_int_t found = json_integer_value(json_object_get(line, "row"));
    if ((uint64_t)found != row)
        return tb_fail(err, TIMBANG_MISMATCH, "%s: 'row' is %lld; the data set has %llu here", v->lines.where.data,
                       (long long)found, (unsigned long long)row);
    return TIMBANG_OK;
}

static timbang_status compare_row(const verification *v, const json_t *line, const float *logits, size_t n, tally *sums,
                                  tb_error *err)
{
    const json_t *array = json_object_get(line, "logits");
    if (json_array_size(array) != n)
        return tb_fail(err, TIMBANG_MISMATCH, "%s: has %zu logits; the model has %zu", v->lines.where.data,
                       json_array_size(array), n);
    uint64_t same = 0;
    for (size_t l = 0; l < n; l++) {
        float then = (float)json_number_value(json_array_get(array, l));
        double apart = fabs((double)then - (double)logits[l]);
        same += memcmp(&then, &logits[l], sizeof then) == 0;
        sums->max_abs_difference = apart > sums->max_abs_difference ? apart : sums->max_abs_difference;
    }
    sums->logits += n;
    sums->same += same;
    sums->texts++;
    sums->texts_same += same == n;
    return TIMBANG_OK;
}

static timbang_status compare_unit(verification *v, const tb_unit *unit, tb_error *err)
{
    const tb_plan_model *model = &v->plan.models[unit->model];
    const tb_task *task = &model->tasks[unit->set];
    const char *data = v->plan.sets[unit->set].name;
    float *logits = NULL;
    TB_TRY(tb_unit_load(&v->store, unit, &logits, NULL, err));
    tally sums = {0};
    timbang_status status = TIMBANG_OK;
    for (size_t i = 0; i < task->n && status == TIMBANG_OK; i++) {
        json_t *line = NULL;
        status = tb_json_lines_next(&v->lines, &line, err);
        if (status == TIMBANG_OK && !line)
            status = tb_fail(err, TIMBANG_MISMATCH, "%s: ends after line %llu; more rows are recorded", v->predictions,
                             (unsigned long long)v->lines.number);
        if (status == TIMBANG_OK)
            status = same_place(v, line, model->name, unit->variant, data, task->dataset->rows[i].line, err);
        if (status == TIMBANG_OK)
            status = compare_row(v, line, logits + i * task->n_labels, task->n_labels, &sums, err);
        json_decref(line);
    }
    free(logits);
    TB_TRY(status);
    v->logits += sums.logits;
    v->same += sums.same;
    json_t *entry = json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:f}", "model", model->name, "variant",
                              unit->variant, "data", data, "logits", tb_json_count(sums.logits), "same",
                              tb_json_count(sums.same), "texts", tb_json_count(sums.texts), "texts_same",
                              tb_json_count(sums.texts_same), "max_abs_difference", sums.max_abs_difference);
    return tb_json_done(json_array_append_new(v->results, entry) != 0, err);
}

/* ---- Running again ---- */

static timbang_status run_variant(verification *v, size_t m, size_t variant, tb_error *err)
{
    tb_variant made = {0};
    TB_TRY(tb_check_cancel(v->job->hooks, err));
    TB_TRY(tb_run_make_variant(&v->plan, m, variant, v->models_dir, false, &made, err));
    timbang_status status = TIMBANG_OK;
    const timbang_predict_options *p = &v->recorded.options.eval.predict;
    for (size_t s = 0; s < v->plan.n_loaded && status == TIMBANG_OK; s++) {
        const tb_unit unit = {
            .plan = &v->plan, .model = m, .set = s, .variant = v->plan.models[m].variant_names[variant]};
        char stage[240];
        snprintf(stage, sizeof stage, "%s %s on %s", v->plan.models[m].name, unit.variant, v->plan.sets[s].name);
        const tb_run_options run = {
            .max_length = p->max_length, .clean = p->clean, .hooks = v->job->hooks, .stage = stage};
        status = tb_unit_run(&v->store, &unit, made.classifier, v->workspace, &run, err);
    }
    tb_variant_free(&made);
    return status;
}

/* predictions.jsonl has the validation set first, then set by set. */
static timbang_status compare_set(verification *v, size_t m, size_t set, tb_error *err)
{
    for (size_t i = 0; i < v->plan.models[m].n_variants; i++) {
        const tb_unit unit = {.plan = &v->plan, .model = m, .set = set, .variant = v->plan.models[m].variant_names[i]};
        TB_TRY(compare_unit(v, &unit, err));
    }
    return TIMBANG_OK;
}

static timbang_status verify_model(verification *v, size_t m, tb_error *err)
{
    for (size_t i = 0; i < v->plan.models[m].n_variants; i++)
        TB_TRY(run_variant(v, m, i, err));
    if (tb_plan_valid(&v->plan) != SIZE_MAX)
        TB_TRY(compare_set(v, m, tb_plan_valid(&v->plan), err));
    for (size_t s = 0; s < v->plan.n_sets; s++)
        TB_TRY(compare_set(v, m, s, err));
    return TIMBANG_OK;
}

/* ---- Files that are no longer what they were ---- */

static timbang_status check_data(const verification *v, tb_error *err)
{
    for (size_t s = 0; s < v->plan.n_sets; s++) {
        const json_t *entry = json_array_get(json_object_get(v->recorded.root, "data"), s);
        const char *then = NULL;
        TB_TRY(tb_json_get_string(entry, v->file, "sha256", false, &then, err));
        if (!then || strcmp(then, v->plan.sets[s].sha256) != 0)
            return tb_fail(err, TIMBANG_MISMATCH,
                           "%s: is not the file of the study: its SHA-256 is %.12s..., and was %.12s...",
                           v->plan.sets[s].path, v->plan.sets[s].sha256, then ? then : "not recorded");
    }
    return TIMBANG_OK;
}

/* The entry of a file in an array of {file, bytes, sha256}, or NULL. */
static const json_t *entry_of(const json_t *files, const char *name)
{
    size_t i;
    json_t *entry;
    json_array_foreach(files, i, entry)
    {
        const char *file = json_string_value(json_object_get(entry, "file"));
        if (file && strcmp(file, name) == 0)
            return entry;
    }
    return NULL;
}

/* Files of `now` that `then` has with another hash, or, both ways, not at all. */
static timbang_status name_changed(const verification *v, const char *model, const json_t *then, const json_t *now,
                                   bool absent_only, tb_error *err)
{
    int bad = 0;
    size_t i;
    json_t *entry;
    json_array_foreach(now, i, entry)
    {
        const char *file = json_string_value(json_object_get(entry, "file"));
        const json_t *other = file ? entry_of(then, file) : NULL;
        bool same =
            other && (absent_only || json_equal(json_object_get(entry, "sha256"), json_object_get(other, "sha256")));
        if (file && !same)
            bad |= json_array_append_new(v->changed, json_sprintf("%s: %s", model, file));
    }
    return tb_json_done(bad != 0, err);
}

static timbang_status check_models(const verification *v, tb_error *err)
{
    for (size_t m = 0; m < v->plan.n_models; m++) {
        const tb_plan_model *model = &v->plan.models[m];
        const json_t *then = json_array_get(json_object_get(v->recorded.root, "models"), m);
        const json_t *files = json_object_get(then, "files"); /* absent in records of early versions */
        TB_TRY(name_changed(v, model->name, json_object_get(then, "weights"), model->weights, false, err));
        if (!files)
            continue;
        TB_TRY(name_changed(v, model->name, files, model->files, false, err));
        TB_TRY(name_changed(v, model->name, model->files, files, true, err));
    }
    return TIMBANG_OK;
}

/* ---- The whole ---- */

static timbang_status prepare(verification *v, const char *out, tb_error *err)
{
    v->file = tb_path_join(out, "results.json", err);
    v->predictions = v->file ? tb_path_join(out, "predictions.jsonl", err) : NULL;
    if (!v->predictions)
        return err->status;
    TB_TRY(tb_recorded_options_read(v->file, &v->recorded, err));
    TB_TRY(tb_json_lines_open(v->predictions, &v->lines, err));
    v->repeat = *v->job;
    v->repeat.options = &v->recorded.options;
    TB_TRY(tb_plan_open(&v->repeat, &v->plan, err));
    TB_TRY(tb_plan_read(&v->plan, err));
    TB_TRY(check_data(v, err));
    v->results = json_array();
    v->changed = json_array();
    TB_TRY(tb_json_done(!v->results || !v->changed, err));
    TB_TRY(check_models(v, err));
    TB_TRY(tb_temporary_folder(&v->store.work, err));
    v->models_dir = tb_path_join(v->store.work, "models", err);
    if (!v->models_dir)
        return err->status;
    TB_TRY(tb_make_dirs(v->models_dir, err));
    return tb_workspace_create(v->job->pool, &v->workspace, err);
}

static timbang_status verify(verification *v, const char *out, json_t **json, tb_error *err)
{
    TB_TRY(prepare(v, out, err));
    for (size_t m = 0; m < v->plan.n_models; m++)
        TB_TRY(verify_model(v, m, err));
    json_t *line = NULL;
    TB_TRY(tb_json_lines_next(&v->lines, &line, err));
    bool more = line != NULL;
    json_decref(line);
    if (more)
        return tb_fail(err, TIMBANG_MISMATCH, "%s: the record has no such row", v->lines.where.data);
    *json = json_pack("{s:o, s:o, s:O, s:O}", "logits", tb_json_count(v->logits), "same", tb_json_count(v->same),
                      "files_changed", v->changed, "results", v->results);
    return tb_json_done(!*json, err);
}

timbang_status tb_study_verify(const tb_study_job *job, const char *out, json_t **json, tb_error *err)
{
    verification v = {.job = job};
    timbang_status status = verify(&v, out, json, err);
    tb_error ignored;
    if (v.store.work)
        (void)tb_remove_tree(v.store.work, &ignored);
    free(v.store.work);
    tb_workspace_free(v.workspace);
    tb_plan_free(&v.plan);
    tb_json_lines_close(&v.lines);
    json_decref(v.results);
    json_decref(v.changed);
    tb_recorded_options_free(&v.recorded);
    free(v.models_dir);
    free(v.predictions);
    free(v.file);
    return status;
}
