/* SPDX-License-Identifier: Apache-2.0
 * results.json.
 * Includes: study/results.h, study/record.h, base, text. Called by: study/study. */
#include "study/results.h"

#include "base/clock.h"
#include "base/energy.h"
#include "base/sha256.h"
#include "study/lineage.h"
#include "study/record.h"
#include "text/clean.h"

#include <stdio.h>
#include <string.h>

static json_t *version_text(void)
{
    return json_sprintf("%d.%d.%d", TIMBANG_VERSION_MAJOR, TIMBANG_VERSION_MINOR, TIMBANG_VERSION_PATCH);
}

static json_t *string_array(const char *const *items, size_t n)
{
    json_t *array = json_array();
    int bad = 0;
    for (size_t i = 0; i < n; i++)
        bad |= json_array_append_new(array, tb_json_utf8(items[i]));
    if (bad) {
        json_decref(array);
        return NULL;
    }
    return array;
}

/* Paths say who ran a study, and where. */
static json_t *path_or_null(const tb_plan *plan, const char *path)
{
    return plan->job->options->anonymous ? json_null() : tb_json_utf8(path);
}

/* The name without its folder, in a copy of an object that has it as `key`. */
static json_t *without_folder(const tb_plan *plan, const json_t *object, const char *key)
{
    json_t *copy = json_deep_copy(object);
    const char *path = json_string_value(json_object_get(copy, key));
    const char *slash = path ? strrchr(path, '/') : NULL;
    if (copy && slash && plan->job->options->anonymous && json_object_set_new(copy, key, json_string(slash + 1)) != 0) {
        json_decref(copy);
        return NULL;
    }
    return copy;
}

static json_t *options_object(const tb_plan *plan)
{
    const timbang_study_options *o = plan->job->options;
    char clean[80];
    json_t *object = json_object(), *variants = json_array();
    int bad = 0;
    for (size_t i = 0; i < plan->n_schemes; i++)
        bad |= json_array_append_new(variants, json_string(plan->schemes[i].name));
    bad |= json_object_set_new(object, "command", path_or_null(plan, o->command));
    bad |= json_object_set_new(object, "lang", json_string(o->lang ? o->lang : "en"));
    bad |= json_object_set_new(object, "anonymous", json_boolean(o->anonymous));
    bad |= json_object_set_new(object, "valid", path_or_null(plan, o->valid));
    bad |= json_object_set_new(object, "variants", variants);
    bad |= json_object_set_new(object, "seed", tb_json_count(o->seed));
    bad |= json_object_set_new(object, "labels", o->n_labels ? string_array(o->labels, o->n_labels) : json_null());
    bad |= json_object_set_new(object, "restrict_labels", json_boolean(o->eval.restrict_labels));
    bad |= json_object_set_new(object, "train", path_or_null(plan, o->eval.train_path));
    bad |= json_object_set_new(object, "max_length", tb_json_count(o->eval.predict.max_length));
    bad |= json_object_set_new(object, "clean", json_string(tb_clean_text_of(o->eval.predict.clean, clean)));
    bad |= json_object_set_new(object, "text_column", tb_json_utf8(o->data_options.text_column));
    bad |= json_object_set_new(object, "label_column", tb_json_utf8(o->data_options.label_column));
    bad |= json_object_set_new(object, "pair_column", tb_json_utf8(o->data_options.pair_column));
    bad |= json_object_set_new(object, "label_map", tb_json_utf8(o->data_options.label_map));
    bad |= json_object_set_new(object, "drop_labels", tb_json_utf8(o->data_options.drop_labels));
    bad |= json_object_set_new(object, "header",
                               o->data_options.header < 0 ? json_null() : json_integer(o->data_options.header));
    bad |= json_object_set_new(object, "limit", tb_json_count(o->data_options.limit));
    bad |= json_object_set_new(object, "limit_seed", tb_json_count(o->data_options.seed));
    if (bad) {
        json_decref(object);
        return NULL;
    }
    return object;
}

/* {label: rows} of a set, as its file spells them. */
static timbang_status label_counts(const tb_dataset *data, json_t **out, tb_error *err)
{
    char **labels = NULL;
    size_t n = 0;
    TB_TRY(tb_dataset_labels(data, &labels, &n, err));
    json_t *counts = json_object();
    int bad = 0;
    for (size_t l = 0; l < n; l++) {
        uint64_t rows = 0;
        for (size_t i = 0; i < data->n; i++)
            rows += data->rows[i].label && strcmp(data->rows[i].label, labels[l]) == 0;
        bad |= json_object_set_new(counts, labels[l], tb_json_count(rows));
    }
    tb_labels_free(labels, n);
    if (bad) {
        json_decref(counts);
        return tb_json_done(true, err);
    }
    *out = counts;
    return TIMBANG_OK;
}

static timbang_status put_set(const tb_plan *plan, const tb_plan_set *set, json_t *array, tb_error *err)
{
    json_t *counts = NULL, *facts = set->dataset->facts;
    TB_TRY(label_counts(set->dataset, &counts, err));
    json_t *object = json_pack(
        "{s:s, s:o, s:o, s:o, s:o, s:O, s:o, s:o}", "name", set->name, "path", path_or_null(plan, set->path), "sha256",
        set->sha256[0] ? json_string(set->sha256) : json_null(), "rows", tb_json_count(set->dataset->n), "label_counts",
        counts, "duplicates", set->within, "train_overlap", set->train ? json_incref(set->train) : json_null(), "file",
        facts ? without_folder(plan, facts, "path") : json_null());
    return tb_json_done(json_array_append_new(array, object) != 0, err);
}

static json_t *weights_array(const tb_plan *plan, const tb_plan_model *model)
{
    json_t *files = json_array(), *file;
    size_t i;
    int bad = 0;
    json_array_foreach(model->weights, i, file) bad |= json_array_append_new(files, without_folder(plan, file, "file"));
    if (bad) {
        json_decref(files);
        return NULL;
    }
    return files;
}

/* Where a model comes from; parent: the name of the model of the study that it began with. */
static json_t *training_object(const tb_plan *plan, const tb_plan_model *model)
{
    const tb_training *t = &model->training;
    const tb_plan_model *parent = tb_parent_of(plan, model);
    json_t *seed = t->has_seed ? tb_json_count(model->recipe_seed) : json_null();
    return json_pack("{s:s?, s:s?, s:b, s:s?, s:o, s:s?, s:s?, s:s?}", "stage", tb_stage_name(tb_stage_of(model)),
                     "role", t->role, "control", t->control, "scheme", t->scheme, "seed", seed, "recipe_hash",
                     t->recipe_hash, "parent_sha256", t->parent, "parent", parent ? parent->name : NULL);
}

static timbang_status put_model(const tb_plan *plan, const tb_plan_model *model, json_t *array, tb_error *err)
{
    const tb_config *c = &model->config;
    json_t *shape =
        json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "vocabulary", tb_json_count(c->vocab_size), "layers",
                  tb_json_count(c->num_hidden_layers), "hidden", tb_json_count(c->hidden_size), "heads",
                  tb_json_count(c->num_attention_heads), "intermediate", tb_json_count(c->intermediate_size),
                  "positions", tb_json_count(c->max_position_embeddings));
    json_t *object =
        json_pack("{s:s, s:o, s:b, s:b, s:o, s:s, s:b, s:b, s:o, s:o, s:o, s:o, s:O}", "name", model->name, "path",
                  path_or_null(plan, model->path), "embedded", !model->path, "bare_weights",
                  model->weights_path != NULL, "labels", string_array(model->labels, model->n_labels), "labels_from",
                  model->labels_from, "untrained_head", model->untrained_head, "shipped_quantized", model->shipped,
                  "parameters", tb_json_count(model->parameters), "fp32_bytes", tb_json_count(4 * model->parameters),
                  "shape", shape, "weights", weights_array(plan, model), "files", model->files);
    if (tb_plan_has_roadmap(plan))
        TB_TRY(tb_json_done(json_object_set_new(object, "training", training_object(plan, model)) != 0, err));
    return tb_json_done(json_array_append_new(array, object) != 0, err);
}

static json_t *host_object(const tb_study_job *job)
{
    json_t *host = job->host ? json_deep_copy(job->host)
                             : json_pack("{s:n, s:s, s:i}", "cpu", "level", job->kernels->name, "threads",
                                         tb_pool_threads(job->pool));
    if (host && job->options->anonymous)
        (void)json_object_del(host, "features");
    if (host && job->options->anonymous && json_object_set_new(host, "cpu", json_null()) != 0) {
        json_decref(host);
        return NULL;
    }
    return host;
}

static timbang_status put_inputs(const tb_plan *plan, json_t *root, tb_error *err)
{
    json_t *data = json_array(), *models = json_array();
    int bad = json_object_set_new(root, "options", options_object(plan));
    bad |= json_object_set_new(root, "data", data);
    bad |= json_object_set_new(root, "models", models);
    TB_TRY(tb_json_done(bad != 0, err));
    for (size_t s = 0; s < plan->n_sets; s++)
        TB_TRY(put_set(plan, &plan->sets[s], data, err));
    for (size_t m = 0; m < plan->n_models; m++)
        TB_TRY(put_model(plan, &plan->models[m], models, err));
    return TIMBANG_OK;
}

static timbang_status fill(const tb_plan *plan, const tb_collected *c, const char *plan_sha256,
                           const tb_results_time *time, json_t *root, tb_error *err)
{
    int bad = json_object_set_new(root, "timbang",
                                  json_pack("{s:o, s:i}", "version", version_text(), "schema", TB_RESULTS_SCHEMA));
    bad |= json_object_set_new(root, "plan", json_pack("{s:s, s:O}", "sha256", plan_sha256, "content", plan->fixed));
    TB_TRY(tb_json_done(bad != 0, err));
    TB_TRY(put_inputs(plan, root, err));
    bad |= json_object_set(root, "variants", c->variants);
    bad |= json_object_set(root, "results", c->results);
    bad |= json_object_set(root, "flips", c->flips);
    bad |= json_object_set(root, "null", c->nulls);
    bad |= json_object_set(root, "groups", c->groups);
    if (c->roadmap)
        bad |= json_object_set(root, "roadmap", c->roadmap);
    bad |= json_object_set(root, "warnings", plan->warnings);
    /* What differs from run to run and from machine to machine is in these three members and nowhere else. */
    tb_energy_meter energy;
    tb_energy_open(NULL, &energy);
    bad |= json_object_set_new(root, "measured",
                               json_pack("{s:o, s:O, s:O, s:{s:b, s:s}}", "peak_resident_bytes",
                                         tb_json_count(time->peak_resident_bytes), "resident", c->resident, "latency",
                                         c->latency, "energy", "available", energy.available, "source", energy.source));
    bad |= json_object_set_new(root, "host", host_object(plan->job));
    bad |=
        json_object_set_new(root, "time",
                            json_pack("{s:s, s:s, s:f, s:o}", "started", time->started, "plan_fixed", time->plan_fixed,
                                      "seconds", time->seconds, "resumed", tb_json_count(time->resumed)));
    return tb_json_done(bad != 0, err);
}

timbang_status tb_results_make(const tb_plan *plan, const tb_collected *collected, const char *plan_sha256,
                               const tb_results_time *time, json_t **results, tb_error *err)
{
    json_t *root = json_object();
    timbang_status status = root ? fill(plan, collected, plan_sha256, time, root, err) : tb_json_done(true, err);
    if (status != TIMBANG_OK) {
        json_decref(root);
        return status;
    }
    *results = root;
    return TIMBANG_OK;
}

/* Every text, pair and label that is used, in order: also of standard input, which has no file to hash. */
static json_t *rows_hash(const tb_dataset *data)
{
    tb_sha256 hash;
    char hex[65];
    tb_sha256_init(&hash);
    for (size_t i = 0; i < data->n; i++) {
        const char *const parts[] = {data->rows[i].text, data->rows[i].pair, data->rows[i].label};
        for (size_t p = 0; p < sizeof parts / sizeof parts[0]; p++)
            tb_sha256_update(&hash, parts[p] ? parts[p] : "", parts[p] ? strlen(parts[p]) + 1 : 0);
    }
    tb_sha256_final(&hash, hex);
    return json_string(hex);
}

/* What no member of results.json tells: the program, the rows themselves, what is kept. */
static timbang_status put_hidden_inputs(const tb_plan *plan, json_t *root, tb_error *err)
{
    json_t *rows = json_array();
    int bad = json_object_set_new(root, "version", version_text());
    bad |= json_object_set_new(root, "keep_models", json_boolean(plan->job->options->keep_models));
    bad |= json_object_set_new(root, "rows", rows);
    TB_TRY(tb_json_done(bad != 0, err));
    for (size_t s = 0; s < plan->n_loaded; s++)
        bad |= json_array_append_new(rows, rows_hash(plan->sets[s].dataset));
    return tb_json_done(bad != 0, err);
}

timbang_status tb_results_inputs(const tb_plan *plan, json_t **out, tb_error *err)
{
    json_t *root = json_object();
    timbang_status status = root ? put_inputs(plan, root, err) : tb_json_done(true, err);
    if (status == TIMBANG_OK)
        status = put_hidden_inputs(plan, root, err);
    if (status == TIMBANG_OK) /* how it was called may differ: --resume */
        (void)json_object_del(json_object_get(root, "options"), "command");
    if (status != TIMBANG_OK) {
        json_decref(root);
        return status;
    }
    *out = root;
    return TIMBANG_OK;
}
