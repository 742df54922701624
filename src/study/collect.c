/* SPDX-License-Identifier: Apache-2.0
 * Members of results.json from stored units, model by model.
 * Includes: study/collect.h and its neighbours. Called by: study/study. */
#include "study/collect.h"

#include "study/predictions.h"
#include "study/record.h"
#include "study/run.h"
#include "study/timings.h"
#include "study/units.h"

#include <stdlib.h>
#include <string.h>

timbang_status tb_collect_begin(tb_collected *collected, tb_error *err)
{
    *collected = (tb_collected){json_array(), json_array(), json_array(), json_array(),
                                json_array(), json_array(), json_array(), NULL};
    const tb_collected *c = collected;
    return tb_json_done(
        !c->variants || !c->results || !c->flips || !c->nulls || !c->groups || !c->resident || !c->latency, err);
}

void tb_collect_free(tb_collected *collected)
{
    json_decref(collected->variants);
    json_decref(collected->results);
    json_decref(collected->flips);
    json_decref(collected->nulls);
    json_decref(collected->groups);
    json_decref(collected->resident);
    json_decref(collected->latency);
    json_decref(collected->roadmap);
    memset(collected, 0, sizeof *collected);
}

/* The logits of all variants of one model on one set. */
typedef struct set_logits {
    float **logits; /* [n_variants] */
    tb_lengths *lengths;
    size_t n;
} set_logits;

static void logits_free(set_logits *l)
{
    for (size_t v = 0; l->logits && v < l->n; v++)
        free(l->logits[v]);
    free(l->logits);
    free(l->lengths);
    memset(l, 0, sizeof *l);
}

static timbang_status logits_load(const tb_plan *plan, size_t model, size_t set, const tb_store *store, set_logits *out,
                                  tb_error *err)
{
    const tb_plan_model *m = &plan->models[model];
    set_logits made = {.n = m->n_variants};
    made.logits = tb_calloc(made.n, sizeof *made.logits, err);
    made.lengths = made.logits ? tb_calloc(made.n, sizeof *made.lengths, err) : NULL;
    timbang_status status = made.lengths ? TIMBANG_OK : err->status;
    for (size_t v = 0; v < made.n && status == TIMBANG_OK; v++) {
        const tb_unit unit = {.plan = plan, .model = model, .set = set, .variant = m->variant_names[v]};
        status = tb_unit_load(store, &unit, &made.logits[v], &made.lengths[v], err);
    }
    if (status != TIMBANG_OK) {
        logits_free(&made);
        return status;
    }
    *out = made;
    return TIMBANG_OK;
}

/* ---- One model on one set ---- */

typedef struct collection {
    const tb_plan *plan;
    size_t index;
    const tb_plan_model *model;
    const tb_store *store;
    tb_collected *into;
    tb_writer *predictions;
    const char **variants; /* [n_variants] */
    set_logits valid;      /* on the validation set, where there is one */
} collection;

/* Names in front, so that a reader of the file sees first whose figures these are. */
static timbang_status put_result(const collection *c, size_t set, size_t v, const tb_lengths *lengths, json_t *figures,
                                 tb_error *err)
{
    const tb_plan_model *model = c->model;
    json_t *result = json_pack("{s:s, s:s, s:s, s:b}", "model", model->name, "variant", model->variant_names[v], "data",
                               c->plan->sets[set].name, "untrained_head", model->untrained_head);
    int bad = json_object_update(result, figures);
    bad |= json_array_append_new(c->into->results, result);
    TB_TRY(tb_json_done(bad != 0, err));
    TB_TRY(tb_record_lengths(lengths, model->tasks[set].n, result, err));
    if (v > 0) /* what is said about the first variant holds for the texts and the labels of all */
        return TIMBANG_OK;
    tb_notes notes = tb_plan_notes(c->plan);
    size_t positions = model->config.max_position_embeddings, wanted = c->plan->job->options->eval.predict.max_length;
    return tb_note_result(&notes, model->name, c->plan->sets[set].name, &model->tasks[set], result,
                          tb_max_length(positions, wanted), err);
}

static timbang_status put_flips(const collection *c, size_t set, json_t *flips, tb_error *err)
{
    json_t *entry = json_pack("{s:s, s:s}", "model", c->model->name, "data", c->plan->sets[set].name);
    int bad = json_object_update(entry, flips);
    bad |= json_array_append_new(c->into->flips, entry);
    TB_TRY(tb_json_done(bad != 0, err));
    unsigned long long total = (unsigned long long)json_integer_value(json_object_get(flips, "total"));
    unsigned long long listed = (unsigned long long)json_integer_value(json_object_get(flips, "listed"));
    tb_notes notes = tb_plan_notes(c->plan);
    if (listed == total)
        return TIMBANG_OK;
    return tb_note(&notes, c->model->name, c->plan->sets[set].name, "flips_cut", err,
                   "%llu texts changed their label in some variant; the first %llu are listed, all of them are in "
                   "predictions.jsonl",
                   total, listed);
}

typedef struct null_source {
    const tb_store *store;
    tb_unit unit;
} null_source;

static timbang_status load_null(void *arg, size_t number, float *logits, double *weight_error, tb_error *err)
{
    null_source *source = arg;
    source->unit.null_model = number + 1;
    TB_TRY(tb_null_weight_error(source->store, &source->unit, weight_error, err));
    return tb_unit_read(source->store, &source->unit, logits, NULL, err);
}

/* The null models of one variant on one set; real: its logits, fp32 NULL where that was not run. */
static timbang_status put_null(const collection *c, size_t set, size_t v, const float *fp32, const float *real,
                               tb_error *err)
{
    size_t n = (size_t)c->plan->statistics.null_models;
    json_t *unit = NULL, *figures = NULL;
    TB_TRY(tb_variant_unit_load(c->store, c->model, v, &unit, err));
    double real_error = json_number_value(json_object_get(json_object_get(unit, "variant"), "weight_error"));
    json_decref(unit);
    null_source source = {c->store, {.plan = c->plan, .model = c->index, .set = set, .variant = c->variants[v]}};
    const tb_null_models nulls = {.n = n, .load = load_null, .arg = &source, .hooks = c->plan->job->hooks};
    TB_TRY(tb_figures_of_null(&c->model->tasks[set], fp32, real, real_error, &nulls, &figures, err));
    json_t *entry = json_pack("{s:s, s:s, s:s, s:o}", "model", c->model->name, "variant", c->variants[v], "data",
                              c->plan->sets[set].name, "models", tb_json_count(n));
    int bad = json_object_update(entry, figures);
    bad |= json_array_append_new(c->into->nulls, entry);
    double off = json_number_value(json_object_get(json_object_get(figures, "weight_error"), "largest_deviation"));
    json_decref(figures);
    TB_TRY(tb_json_done(bad != 0, err));
    tb_notes notes = tb_plan_notes(c->plan);
    if (off <= 0.05 || set > 0)
        return TIMBANG_OK;
    return tb_note(&notes, c->model->name, NULL, "null_unmatched", err,
                   "%s: the error of a null model's weights is %.1f %% off the real one's; 5 %% were wanted",
                   c->variants[v], 100 * off);
}

static timbang_status put_set(const collection *c, size_t set, const set_logits *l, tb_error *err)
{
    const tb_plan_model *model = c->model;
    size_t n = model->n_variants, valid = tb_plan_valid(c->plan);
    const bool has_valid = valid != SIZE_MAX;
    const tb_figures_job job = {
        .task = &model->tasks[set],
        .statistics = &c->plan->statistics,
        .n_variants = n,
        .variants = c->variants,
        .logits = (const float *const *)l->logits,
        .valid = has_valid ? &model->tasks[valid] : NULL,
        .valid_name = has_valid ? c->plan->sets[valid].name : NULL,
        .valid_logits = has_valid ? (const float *const *)c->valid.logits : NULL,
        .trained_head = !model->untrained_head,
        .pool = c->plan->job->pool,
        .hooks = c->plan->job->hooks,
    };
    json_t *results = NULL, *flips = NULL;
    TB_TRY(tb_figures_of_set(&job, &results, &flips, err));
    timbang_status status = TIMBANG_OK;
    bool has_fp32 = strcmp(c->variants[0], "fp32") == 0;
    for (size_t v = 0; v < n && status == TIMBANG_OK; v++) {
        status = put_result(c, set, v, &l->lengths[v], json_array_get(results, v), err);
        if (status == TIMBANG_OK && c->plan->statistics.null_models > 0 && tb_variant_has_null(model, v))
            status = put_null(c, set, v, has_fp32 ? l->logits[0] : NULL, l->logits[v], err);
    }
    if (status == TIMBANG_OK)
        status = put_flips(c, set, flips, err);
    json_decref(results);
    json_decref(flips);
    return status;
}

static timbang_status write_lines(const collection *c, size_t set, const set_logits *l, tb_error *err)
{
    for (size_t v = 0; v < c->model->n_variants; v++)
        TB_TRY(tb_predictions_write(c->predictions, c->model->name, c->variants[v], c->plan->sets[set].name,
                                    &c->model->tasks[set], l->logits[v], c->model->untrained_head, err));
    return TIMBANG_OK;
}

static timbang_status collect_set(const collection *c, size_t set, tb_error *err)
{
    set_logits l = {0};
    TB_TRY(logits_load(c->plan, c->index, set, c->store, &l, err));
    timbang_status status = put_set(c, set, &l, err);
    if (status == TIMBANG_OK)
        status = write_lines(c, set, &l, err);
    logits_free(&l);
    json_t *latency = NULL;
    if (status == TIMBANG_OK)
        status = tb_latency_unit_load(c->store, c->model, set, &latency, err);
    if (status == TIMBANG_OK)
        status = tb_json_done(json_array_extend(c->into->latency, latency) != 0, err);
    json_decref(latency);
    return status;
}

/* ---- The model ---- */

static timbang_status put_variant(const collection *c, size_t v, tb_error *err)
{
    json_t *unit = NULL;
    TB_TRY(tb_variant_unit_load(c->store, c->model, v, &unit, err));
    int bad = json_array_append(c->into->variants, json_object_get(unit, "variant"));
    bad |= json_array_append(c->into->resident, json_object_get(unit, "resident"));
    json_decref(unit);
    return tb_json_done(bad != 0, err);
}

static timbang_status collect_model(collection *c, tb_error *err)
{
    for (size_t v = 0; v < c->model->n_variants; v++) {
        c->variants[v] = c->model->variant_names[v];
        TB_TRY(put_variant(c, v, err));
    }
    size_t valid = tb_plan_valid(c->plan);
    if (valid != SIZE_MAX) {
        TB_TRY(logits_load(c->plan, c->index, valid, c->store, &c->valid, err));
        TB_TRY(write_lines(c, valid, &c->valid, err));
    }
    for (size_t s = 0; s < c->plan->n_sets; s++) {
        tb_progress(c->plan->job->hooks, "figures", s, c->plan->n_sets);
        TB_TRY(tb_check_cancel(c->plan->job->hooks, err));
        TB_TRY(collect_set(c, s, err));
    }
    tb_progress(c->plan->job->hooks, "figures", c->plan->n_sets, c->plan->n_sets);
    return TIMBANG_OK;
}

timbang_status tb_collect_model(const tb_plan *plan, size_t model, const tb_store *store, tb_collected *into,
                                tb_writer *predictions, tb_error *err)
{
    collection c = {.plan = plan,
                    .index = model,
                    .model = &plan->models[model],
                    .store = store,
                    .into = into,
                    .predictions = predictions};
    c.variants = tb_calloc(c.model->n_variants, sizeof *c.variants, err);
    timbang_status status = c.variants ? collect_model(&c, err) : err->status;
    logits_free(&c.valid);
    free(c.variants);
    return status;
}
