/* SPDX-License-Identifier: Apache-2.0
 * From results.json back to options.
 * Includes: study/verify_options.h, text/clean.h. Called by: study/verify. */
#include "study/verify_options.h"

#include "study/results.h"
#include "text/clean.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_ENTRIES = 1000 };

static timbang_status entries(const json_t *root, const char *file, const char *key, const json_t **array,
                              tb_error *err)
{
    *array = json_object_get(root, key);
    size_t n = json_array_size(*array);
    if (n == 0 || n > MAX_ENTRIES)
        return tb_fail(err, TIMBANG_FORMAT, "%s: '%s' must be an array of 1 to %d entries", file, key, MAX_ENTRIES);
    return TIMBANG_OK;
}

static timbang_status read_paths(const json_t *root, const char *file, const char *key, timbang_named_path **out,
                                 size_t *n, tb_error *err)
{
    const json_t *array;
    TB_TRY(entries(root, file, key, &array, err));
    *n = json_array_size(array);
    *out = tb_calloc(*n, sizeof **out, err);
    if (!*out)
        return err->status;
    for (size_t i = 0; i < *n; i++) {
        const json_t *entry = json_array_get(array, i);
        TB_TRY(tb_json_get_string(entry, file, "name", true, &(*out)[i].name, err));
        TB_TRY(tb_json_get_string(entry, file, "path", false, &(*out)[i].path, err));
        if ((*out)[i].path && strcmp((*out)[i].path, "-") == 0)
            return tb_fail(err, TIMBANG_UNSUPPORTED, "%s: '%s' was read from standard input and cannot be read again",
                           file, (*out)[i].name);
    }
    return TIMBANG_OK;
}

static timbang_status read_strings(const json_t *array, const char ***out, size_t *n, tb_error *err)
{
    *n = json_array_size(array) < MAX_ENTRIES ? json_array_size(array) : MAX_ENTRIES;
    *out = tb_calloc(*n + 1, sizeof **out, err);
    for (size_t i = 0; *out && i < *n; i++) {
        (*out)[i] = json_string_value(json_array_get(array, i));
        if (!(*out)[i])
            return tb_fail(err, TIMBANG_FORMAT, "an entry of an array of names is no text");
    }
    return *out ? TIMBANG_OK : err->status;
}

/* Did QAT train one of the models for that scheme? Then it stands among the variants without having been asked for. */
static bool is_trained_scheme(const json_t *root, const char *scheme)
{
    size_t i;
    json_t *model;
    bool found = false;
    json_array_foreach(json_object_get(root, "models"), i, model)
    {
        const json_t *training = json_object_get(model, "training");
        const char *stage = json_string_value(json_object_get(training, "stage"));
        const char *own = json_string_value(json_object_get(training, "scheme"));
        found = found || (stage && strcmp(stage, "qat") == 0 && own && strcmp(own, scheme) == 0);
    }
    return found;
}

/* Variants that were taken by default must not be asked for by name: a shipped model may have none of them. */
static bool are_defaults(const json_t *root, const json_t *variants)
{
    static const char *const defaults[] = {"fp32", "fp16", "int8", "int4"};
    enum { N_DEFAULTS = sizeof defaults / sizeof defaults[0] };
    bool same = json_array_size(variants) >= N_DEFAULTS;
    for (size_t i = 0; same && i < json_array_size(variants); i++) {
        const char *name = json_string_value(json_array_get(variants, i));
        same = name && (i < N_DEFAULTS ? strcmp(name, defaults[i]) == 0 : is_trained_scheme(root, name));
    }
    return same;
}

/* The study of a bare file of weights: its record has the file's path in place of a name. */
static timbang_status read_weights(tb_recorded_options *r, const char *file, tb_error *err)
{
    const json_t *model = json_array_get(json_object_get(r->root, "models"), 0);
    const char *weights = NULL;
    bool bare = false;
    TB_TRY(tb_json_get_bool(model, file, "bare_weights", false, &bare, err));
    if (bare)
        TB_TRY(tb_json_get_string(json_array_get(json_object_get(model, "weights"), 0), file, "file", true, &weights,
                                  err));
    r->options.weights = weights;
    return TIMBANG_OK;
}

static timbang_status read_reading(const json_t *o, const char *file, timbang_study_options *into, tb_error *err)
{
    timbang_data_options *data = &into->data_options;
    bool restricted = false;
    const char *clean = NULL;
    uint64_t max_length = 0;
    TB_TRY(tb_json_get_bool(o, file, "restrict_labels", true, &restricted, err));
    TB_TRY(tb_json_get_string(o, file, "valid", false, &into->valid, err));
    TB_TRY(tb_json_get_u64(o, file, "max_length", true, 0, SIZE_MAX, &max_length, err));
    TB_TRY(tb_json_get_string(o, file, "clean", true, &clean, err));
    TB_TRY(tb_json_get_string(o, file, "text_column", false, &data->text_column, err));
    TB_TRY(tb_json_get_string(o, file, "label_column", false, &data->label_column, err));
    TB_TRY(tb_json_get_string(o, file, "pair_column", false, &data->pair_column, err));
    TB_TRY(tb_json_get_string(o, file, "label_map", false, &data->label_map, err));
    TB_TRY(tb_json_get_string(o, file, "drop_labels", false, &data->drop_labels, err));
    TB_TRY(tb_json_get_u64(o, file, "limit", true, 0, UINT64_MAX, &data->limit, err));
    TB_TRY(tb_json_get_u64(o, file, "limit_seed", true, 0, UINT64_MAX, &data->seed, err));
    TB_TRY(tb_json_get_u64(o, file, "seed", true, 0, UINT64_MAX, &into->seed, err));
    const json_t *header = json_object_get(o, "header");
    data->header = json_is_integer(header) ? json_integer_value(header) != 0 : -1;
    into->eval.restrict_labels = restricted;
    into->eval.predict.max_length = (size_t)max_length;
    return clean && *clean ? tb_clean_parse(clean, &into->eval.predict.clean, err) : TIMBANG_OK;
}

/* Models that were given as controls stand behind the others. */
static timbang_status read_controls(tb_recorded_options *r, const char *file, tb_error *err)
{
    timbang_study_options *o = &r->options;
    const json_t *models = json_object_get(r->root, "models");
    for (bool last = true; last && o->n_models > 0;) {
        const json_t *training = json_object_get(json_array_get(models, o->n_models - 1), "training");
        last = false;
        if (training)
            TB_TRY(tb_json_get_bool(training, file, "control", false, &last, err));
        o->n_models -= last;
        o->n_controls += last;
    }
    o->controls = o->models + o->n_models;
    return TIMBANG_OK;
}

static timbang_status read_root(tb_recorded_options *r, const char *file, tb_error *err)
{
    uint64_t schema = 0;
    const json_t *about = json_object_get(r->root, "timbang"), *o = json_object_get(r->root, "options");
    if (!json_is_object(about) || !json_is_object(o))
        return tb_fail(err, TIMBANG_FORMAT, "%s: is no record of a study ('timbang' or 'options' is missing)", file);
    TB_TRY(tb_json_get_u64(about, file, "schema", true, TB_RESULTS_SCHEMA, TB_RESULTS_SCHEMA, &schema, err));
    if (json_is_true(json_object_get(o, "anonymous")))
        return tb_fail(err, TIMBANG_UNSUPPORTED,
                       "%s: was written with --anonymous: it names no files, so the study cannot be repeated from it",
                       file);
    timbang_study_options *options = &r->options;
    TB_TRY(read_paths(r->root, file, "models", &r->models, &options->n_models, err));
    TB_TRY(read_paths(r->root, file, "data", &r->data, &options->n_data, err));
    options->models = r->models;
    options->data = r->data;
    TB_TRY(read_controls(r, file, err));
    if (!are_defaults(r->root, json_object_get(o, "variants"))) {
        TB_TRY(read_strings(json_object_get(o, "variants"), &r->variants, &options->n_variants, err));
        options->variants = r->variants;
    }
    TB_TRY(read_strings(json_object_get(o, "labels"), &r->labels, &options->n_labels, err));
    options->labels = r->labels;
    TB_TRY(read_weights(r, file, err));
    return read_reading(o, file, options, err);
}

timbang_status tb_recorded_options_read(const char *file, tb_recorded_options *recorded, tb_error *err)
{
    tb_recorded_options r = {.options = {.struct_size = sizeof(timbang_study_options)}};
    r.options.data_options.struct_size = sizeof r.options.data_options;
    r.options.eval.struct_size = sizeof r.options.eval;
    r.options.eval.predict.struct_size = sizeof r.options.eval.predict;
    TB_TRY(tb_json_load_file(file, &r.root, err));
    timbang_status status = read_root(&r, file, err);
    if (status != TIMBANG_OK) {
        tb_recorded_options_free(&r);
        return status;
    }
    *recorded = r;
    return TIMBANG_OK;
}

void tb_recorded_options_free(tb_recorded_options *recorded)
{
    free(recorded->models);
    free(recorded->data);
    free(recorded->variants);
    free(recorded->labels);
    json_decref(recorded->root);
    memset(recorded, 0, sizeof *recorded);
}
