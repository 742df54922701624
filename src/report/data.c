/* SPDX-License-Identifier: Apache-2.0
 * results.json as plain structs.
 * Includes: report/data.h, report/fields.h. Called by: report. */
#include "report/data.h"

#include "report/fields.h"

#include <stdio.h>
#include <string.h>

const char *const tb_report_part_names[TB_REPORT_PARTS] = {"embeddings", "encoder", "head", "other"};

enum { WHERE = 200, SCHEMA = 1, MAX_CLASSES = 256 };

/* Room for n items of one array of the record; NULL only after a failure. */
static void *room(tb_report *r, tb_fields *f, size_t n, size_t size)
{
    if (f->status != TIMBANG_OK)
        return NULL;
    void *block = tb_arena_alloc(r->arena, n ? n : 1, size, f->err);
    if (!block)
        f->status = f->err->status;
    return block;
}

static size_t index_of(tb_fields *f, const char *what, const char *name, const char *where, size_t n,
                       const char *(*name_of)(const tb_report *, size_t), const tb_report *r)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(name_of(r, i), name) == 0)
            return i;
    tb_fields_fail(f, "%s.%s is '%s', which is not among the %s of this file", where, what, name,
                   strcmp(what, "data") == 0 ? "data sets" : "models");
    return 0;
}

static const char *set_name(const tb_report *r, size_t i)
{
    return r->sets[i].name;
}

static const char *model_name(const tb_report *r, size_t i)
{
    return r->models[i].name;
}

static void read_head(tb_report *r, tb_fields *f)
{
    const json_t *timbang = tb_field_object(f, r->root, "", "timbang");
    r->version = tb_field_string(f, timbang, "timbang", "version");
    uint64_t schema = tb_field_count(f, timbang, "timbang", "schema");
    if (f->status == TIMBANG_OK && schema != SCHEMA)
        tb_fields_fail(f, "timbang.schema is %llu; this version reads %d", (unsigned long long)schema, SCHEMA);
    const json_t *host = tb_field_object(f, r->root, "", "host");
    r->cpu = tb_field_string_or_null(f, host, "host", "cpu");
    r->level = tb_field_string(f, host, "host", "level");
    r->threads = tb_field_count(f, host, "host", "threads");
    const json_t *time = tb_field_object(f, r->root, "", "time");
    r->started = tb_field_string(f, time, "time", "started");
    r->seconds = tb_field_real(f, time, "time", "seconds");
    const json_t *options = tb_field_object(f, r->root, "", "options");
    r->seed = tb_field_count(f, options, "options", "seed");
    const json_t *measured = tb_field_object(f, r->root, "", "measured");
    r->peak_resident_bytes = tb_field_count(f, measured, "measured", "peak_resident_bytes");
}

static void read_sets(tb_report *r, tb_fields *f)
{
    const json_t *array = tb_field_array(f, r->root, "", "data");
    size_t n = json_array_size(array);
    r->sets = room(r, f, n, sizeof *r->sets);
    for (size_t i = 0; i < n && f->status == TIMBANG_OK; i++) {
        char where[WHERE];
        snprintf(where, sizeof where, "data[%zu]", i);
        const json_t *item = tb_field_item(f, array, "data", i);
        r->sets[i] = (tb_report_set){
            .name = tb_field_string(f, item, where, "name"),
            .sha256 = tb_field_string_or_null(f, item, where, "sha256"),
            .rows = tb_field_count(f, item, where, "rows"),
        };
        r->n_sets++;
    }
}

static const char **read_strings(tb_report *r, tb_fields *f, const json_t *array, const char *where, const char *key,
                                 size_t *n)
{
    *n = json_array_size(array);
    const char **strings = room(r, f, *n, sizeof *strings);
    for (size_t i = 0; i < *n && f->status == TIMBANG_OK; i++) {
        strings[i] = json_string_value(json_array_get(array, i));
        if (!strings[i])
            tb_fields_fail(f, "%s.%s[%zu] should be a string", where, key, i);
    }
    return strings;
}

static void read_models(tb_report *r, tb_fields *f)
{
    const json_t *array = tb_field_array(f, r->root, "", "models");
    size_t n = json_array_size(array);
    r->models = room(r, f, n, sizeof *r->models);
    for (size_t i = 0; i < n && f->status == TIMBANG_OK; i++) {
        char where[WHERE], inner[WHERE + 20];
        snprintf(where, sizeof where, "models[%zu]", i);
        const json_t *item = tb_field_item(f, array, "models", i);
        tb_report_model *m = &r->models[i];
        m->name = tb_field_string(f, item, where, "name");
        m->labels = read_strings(r, f, tb_field_array(f, item, where, "labels"), where, "labels", &m->n_labels);
        m->labels_from = tb_field_string(f, item, where, "labels_from");
        m->untrained_head = tb_field_bool(f, item, where, "untrained_head");
        m->parameters = tb_field_count(f, item, where, "parameters");
        snprintf(inner, sizeof inner, "%s.shape", where);
        const json_t *shape = tb_field_object(f, item, where, "shape");
        m->layers = tb_field_count(f, shape, inner, "layers");
        m->hidden = tb_field_count(f, shape, inner, "hidden");
        const json_t *weights = tb_field_array(f, item, where, "weights");
        if (json_array_size(weights) > 0) {
            snprintf(inner, sizeof inner, "%s.weights[0]", where);
            m->weights_file = tb_field_string(f, json_array_get(weights, 0), inner, "file");
            m->weights_sha256 = tb_field_string(f, json_array_get(weights, 0), inner, "sha256");
        }
        r->n_models++;
    }
}

/* The entry of an array of objects whose members model, variant (and data, unless NULL) have these values. */
static const json_t *entry_of(tb_fields *f, const json_t *array, const char *where, const char *model,
                              const char *variant, const char *data)
{
    for (size_t i = 0; i < json_array_size(array) && f->status == TIMBANG_OK; i++) {
        char inner[WHERE];
        snprintf(inner, sizeof inner, "%s[%zu]", where, i);
        const json_t *item = tb_field_item(f, array, where, i);
        if (strcmp(tb_field_string(f, item, inner, "model"), model) == 0 &&
            strcmp(tb_field_string(f, item, inner, "variant"), variant) == 0 &&
            (!data || strcmp(tb_field_string(f, item, inner, "data"), data) == 0))
            return item;
    }
    tb_fields_fail(f, "%s has no entry for model '%s', variant '%s'%s%s%s", where, model, variant,
                   data ? ", data '" : "", data ? data : "", data ? "'" : "");
    return NULL;
}

static void read_variants(tb_report *r, tb_fields *f)
{
    const json_t *array = tb_field_array(f, r->root, "", "variants");
    const json_t *measured = tb_field_object(f, r->root, "", "measured");
    const json_t *resident = tb_field_array(f, measured, "measured", "resident");
    size_t n = json_array_size(array);
    r->variants = room(r, f, n, sizeof *r->variants);
    for (size_t i = 0; i < n && f->status == TIMBANG_OK; i++) {
        char where[WHERE], inner[WHERE + 20];
        snprintf(where, sizeof where, "variants[%zu]", i);
        const json_t *item = tb_field_item(f, array, "variants", i);
        tb_report_variant *v = &r->variants[i];
        const char *model = tb_field_string(f, item, where, "model");
        v->model = index_of(f, "model", model, where, r->n_models, model_name, r);
        v->name = tb_field_string(f, item, where, "variant");
        v->size_bytes = tb_field_count(f, item, where, "size_bytes");
        v->ratio = tb_field_real(f, item, where, "ratio");
        const json_t *parts = tb_field_object(f, item, where, "parts");
        snprintf(inner, sizeof inner, "%s.parts", where);
        for (size_t p = 0; p < TB_REPORT_PARTS; p++)
            v->parts[p] = tb_field_count(f, parts, inner, tb_report_part_names[p]);
        const json_t *entry = entry_of(f, resident, "measured.resident", model, v->name, NULL);
        v->resident_bytes = tb_field_count(f, entry, "measured.resident", "resident_bytes");
        r->n_variants++;
    }
}

static void read_classes(tb_report *r, tb_fields *f, const json_t *item, const char *where, tb_report_result *result)
{
    const char **labels =
        read_strings(r, f, tb_field_array(f, item, where, "labels"), where, "labels", &result->n_classes);
    size_t n = result->n_classes;
    if (f->status == TIMBANG_OK && (n == 0 || n > MAX_CLASSES))
        tb_fields_fail(f, "%s.labels has %zu items; 1 to %d are drawn", where, n, MAX_CLASSES);
    const json_t *per_class = tb_field_object(f, item, where, "per_class");
    const json_t *confusion = tb_field_array(f, item, where, "confusion");
    result->classes = room(r, f, n, sizeof *result->classes);
    result->confusion = room(r, f, n * n, sizeof *result->confusion);
    if (f->status == TIMBANG_OK && json_array_size(confusion) != n)
        tb_fields_fail(f, "%s.confusion should have %zu rows, one a label", where, n);
    char inner[WHERE + 20];
    snprintf(inner, sizeof inner, "%s.per_class", where);
    for (size_t c = 0; c < n && f->status == TIMBANG_OK; c++) {
        const json_t *figures = tb_field_object(f, per_class, inner, labels[c]);
        result->classes[c] = (tb_report_class){
            .label = labels[c],
            .precision = tb_field_real(f, figures, inner, "precision"),
            .recall = tb_field_real(f, figures, inner, "recall"),
            .f1 = tb_field_real(f, figures, inner, "f1"),
            .truth = tb_field_count(f, figures, inner, "support"),
            .predicted = tb_field_count(f, figures, inner, "predicted"),
        };
        const json_t *row = json_array_get(confusion, c);
        if (f->status == TIMBANG_OK && json_array_size(row) != n)
            tb_fields_fail(f, "%s.confusion[%zu] should have %zu numbers, one a label", where, c, n);
        for (size_t p = 0; p < n && f->status == TIMBANG_OK; p++) {
            const json_t *count = json_array_get(row, p);
            if (!json_is_integer(count) || json_integer_value(count) < 0)
                tb_fields_fail(f, "%s.confusion[%zu][%zu] should be a whole number, 0 or more", where, c, p);
            result->confusion[c * n + p] = (uint64_t)json_integer_value(count);
        }
    }
}

static void read_comparison(tb_fields *f, const json_t *item, const char *where, tb_report_result *result)
{
    const json_t *value = json_object_get(item, "against_fp32");
    if (json_is_null(value))
        return;
    const json_t *against = tb_field_object(f, item, where, "against_fp32");
    char inner[WHERE + 20];
    snprintf(inner, sizeof inner, "%s.against_fp32", where);
    result->compared = true;
    result->agreement = tb_field_real(f, against, inner, "agreement");
    const json_t *kl = json_object_get(against, "mean_kl");
    result->mean_kl = json_is_null(kl) ? -1 : tb_field_real(f, against, inner, "mean_kl");
    result->max_abs_dlogit = tb_field_real(f, against, inner, "max_abs_dlogit");
    result->mcnemar_p = tb_field_real(f, against, inner, "mcnemar_p");
    result->delta_accuracy = tb_field_real(f, against, inner, "delta_accuracy");
    result->right_to_wrong = tb_field_count(f, against, inner, "right_to_wrong");
    result->wrong_to_right = tb_field_count(f, against, inner, "wrong_to_right");
    result->wrong_to_other = tb_field_count(f, against, inner, "wrong_to_other");
    result->sentence = tb_field_string(f, against, inner, "sentence");
}

static tb_report_timing read_timing(tb_fields *f, const json_t *entry, const char *where, const char *key)
{
    char inner[WHERE + 20];
    snprintf(inner, sizeof inner, "%s.%s", where, key);
    const json_t *timing = tb_field_object(f, entry, where, key);
    return (tb_report_timing){
        .mean = tb_field_real(f, timing, inner, "mean"),
        .sd = tb_field_real(f, timing, inner, "sd"),
        .median = tb_field_real(f, timing, inner, "median"),
        .p90 = tb_field_real(f, timing, inner, "p90"),
        .p99 = tb_field_real(f, timing, inner, "p99"),
    };
}

static void read_latency(tb_report *r, tb_fields *f, const json_t *latency, tb_report_result *result)
{
    const char *where = "measured.latency";
    const json_t *entry = entry_of(f, latency, where, r->models[result->model].name, r->variants[result->variant].name,
                                   r->sets[result->set].name);
    result->tokenize = read_timing(f, entry, where, "tokenize");
    result->forward = read_timing(f, entry, where, "forward");
    result->total = read_timing(f, entry, where, "total");
    result->latency_ratio = tb_field_real(f, entry, where, "ratio");
    r->latency_texts = tb_field_count(f, entry, where, "texts");
    r->latency_rounds = tb_field_count(f, entry, where, "rounds");
}

static size_t variant_of(tb_report *r, tb_fields *f, const char *where, size_t model, const char *name)
{
    for (size_t v = 0; v < r->n_variants; v++)
        if (r->variants[v].model == model && strcmp(r->variants[v].name, name) == 0)
            return v;
    tb_fields_fail(f, "%s.variant is '%s', which is not among the variants of this file", where, name);
    return 0;
}

static void read_result(tb_report *r, tb_fields *f, const json_t *item, const char *where, tb_report_result *result)
{
    char inner[WHERE + 20];
    result->model = index_of(f, "model", tb_field_string(f, item, where, "model"), where, r->n_models, model_name, r);
    result->set = index_of(f, "data", tb_field_string(f, item, where, "data"), where, r->n_sets, set_name, r);
    result->variant = variant_of(r, f, where, result->model, tb_field_string(f, item, where, "variant"));
    result->untrained_head = tb_field_bool(f, item, where, "untrained_head");
    result->restricted = tb_field_bool(f, item, where, "restricted");
    result->n = tb_field_count(f, item, where, "n");
    result->correct = tb_field_count(f, item, where, "correct");
    result->truncated = tb_field_count(f, item, where, "truncated");
    result->empty = tb_field_count(f, item, where, "empty");
    result->labels_present = tb_field_count(f, item, where, "labels_present");
    result->accuracy = tb_field_real(f, item, where, "accuracy");
    const json_t *interval = tb_field_array(f, item, where, "accuracy_interval");
    if (f->status == TIMBANG_OK &&
        (!json_is_number(json_array_get(interval, 0)) || !json_is_number(json_array_get(interval, 1))))
        tb_fields_fail(f, "%s.accuracy_interval should hold two numbers", where);
    result->low = json_number_value(json_array_get(interval, 0));
    result->high = json_number_value(json_array_get(interval, 1));
    result->macro_f1 = tb_field_real(f, item, where, "macro_f1");
    result->weighted_f1 = tb_field_real(f, item, where, "weighted_f1");
    result->ece = tb_field_real(f, item, where, "ece");
    result->nll = tb_field_real(f, item, where, "nll");
    result->brier = tb_field_real(f, item, where, "brier");
    result->mean_confidence = tb_field_real(f, item, where, "mean_confidence");
    const json_t *majority = tb_field_object(f, item, where, "majority");
    snprintf(inner, sizeof inner, "%s.majority", where);
    result->majority_label = tb_field_string(f, majority, inner, "label");
    result->majority_accuracy = tb_field_real(f, majority, inner, "accuracy");
    read_classes(r, f, item, where, result);
    read_comparison(f, item, where, result);
}

static void read_results(tb_report *r, tb_fields *f)
{
    const json_t *array = tb_field_array(f, r->root, "", "results");
    const json_t *measured = tb_field_object(f, r->root, "", "measured");
    const json_t *latency = tb_field_array(f, measured, "measured", "latency");
    size_t n = json_array_size(array);
    r->results = room(r, f, n, sizeof *r->results);
    for (size_t i = 0; i < n && f->status == TIMBANG_OK; i++) {
        char where[WHERE];
        snprintf(where, sizeof where, "results[%zu]", i);
        read_result(r, f, tb_field_item(f, array, "results", i), where, &r->results[i]);
        if (f->status == TIMBANG_OK)
            read_latency(r, f, latency, &r->results[i]);
        r->n_results++;
    }
}

static void read_warnings(tb_report *r, tb_fields *f)
{
    const json_t *array = tb_field_array(f, r->root, "", "warnings");
    size_t n = json_array_size(array);
    r->warnings = room(r, f, n, sizeof *r->warnings);
    for (size_t i = 0; i < n && f->status == TIMBANG_OK; i++) {
        char where[WHERE];
        snprintf(where, sizeof where, "warnings[%zu]", i);
        const json_t *item = tb_field_item(f, array, "warnings", i);
        r->warnings[i] = (tb_report_warning){
            .model = tb_field_string_or_null(f, item, where, "model"),
            .data = tb_field_string_or_null(f, item, where, "data"),
            .kind = tb_field_string(f, item, where, "kind"),
            .text = tb_field_string(f, item, where, "text"),
        };
        r->n_warnings++;
    }
}

timbang_status tb_report_read(const json_t *results, tb_report *report, tb_error *err)
{
    tb_report r = {.root = results};
    tb_fields f = {.err = err};
    if (!json_is_object(results))
        return tb_fail(err, TIMBANG_FORMAT, "this is not a results.json: an object is expected");
    TB_TRY(tb_arena_create(1 << 16, &r.arena, err));
    read_head(&r, &f);
    read_sets(&r, &f);
    read_models(&r, &f);
    read_variants(&r, &f);
    read_results(&r, &f);
    read_warnings(&r, &f);
    if (f.status == TIMBANG_OK && (r.n_results == 0 || r.n_sets == 0 || r.n_models == 0))
        tb_fields_fail(&f, "results is empty: there is nothing to draw");
    if (f.status != TIMBANG_OK) {
        tb_report_free(&r);
        return f.status;
    }
    *report = r;
    return TIMBANG_OK;
}

void tb_report_free(tb_report *report)
{
    if (report->arena)
        tb_arena_free(report->arena);
    memset(report, 0, sizeof *report);
}

bool tb_report_first_of_model(const tb_report *report, size_t result)
{
    const tb_report_result *r = &report->results[result];
    for (size_t i = 0; i < result; i++)
        if (report->results[i].set == r->set && report->results[i].model == r->model)
            return false;
    return true;
}

const tb_report_result *tb_report_fp32(const tb_report *report, const tb_report_result *result)
{
    for (size_t i = 0; i < report->n_results; i++) {
        const tb_report_result *r = &report->results[i];
        if (r->set == result->set && r->model == result->model &&
            strcmp(report->variants[r->variant].name, "fp32") == 0)
            return r;
    }
    return NULL;
}
