/* SPDX-License-Identifier: Apache-2.0
 * results.json as plain structs: the head, plan, data, models, variants and warnings.
 * Includes: report/data_read.h. Called by: report. */
#include "report/data_read.h"

#include <stdio.h>
#include <string.h>

const char *const tb_report_part_names[TB_REPORT_PARTS] = {"embeddings", "encoder", "head", "other"};

enum { SCHEMA = 1 };

/* With other weights in that folder this is another one: tests/report/test_page.c hashes them. */
const char tb_report_small_model[] = "a8b523062c0eb3f8d66c47ef48d2e68f93fd6628f29bff9dc7a88889c26300d4";

/* ---- Helpers of all parts ---- */

void *tb_read_room(tb_report *r, tb_fields *f, size_t n, size_t size)
{
    if (f->status != TIMBANG_OK)
        return NULL;
    void *block = tb_arena_alloc(r->arena, n ? n : 1, size, f->err);
    if (!block)
        f->status = f->err->status;
    return block;
}

const json_t *tb_read_array(tb_fields *f, const json_t *object, const char *where, const char *key, size_t *n)
{
    const json_t *array = tb_field_array(f, object, where, key);
    *n = json_array_size(array);
    if (*n <= TB_READ_MAX_ITEMS)
        return array;
    tb_fields_fail(f, "%s%s%s has %zu items; at most %d are drawn", where, where[0] ? "." : "", key, *n,
                   TB_READ_MAX_ITEMS);
    *n = 0;
    return NULL;
}

const char **tb_read_strings(tb_report *r, tb_fields *f, const json_t *object, const char *where, const char *key,
                             size_t *n)
{
    const json_t *array = tb_read_array(f, object, where, key, n);
    const char **strings = tb_read_room(r, f, *n, sizeof *strings);
    for (size_t i = 0; i < *n && f->status == TIMBANG_OK; i++) {
        strings[i] = json_string_value(json_array_get(array, i));
        if (!strings[i])
            tb_fields_fail(f, "%s%s%s[%zu] should be a string", where, where[0] ? "." : "", key, i);
    }
    return strings;
}

/* Paths are for messages only: a long one is cut. */
static void add_to_path(char out[TB_READ_WHERE], const char *text)
{
    size_t at = strlen(out);
    while (*text && at + 1 < TB_READ_WHERE)
        out[at++] = *text++;
    out[at] = '\0';
}

const char *tb_read_inner(char out[TB_READ_WHERE], const char *where, const char *key)
{
    out[0] = '\0';
    add_to_path(out, where);
    add_to_path(out, where[0] ? "." : "");
    add_to_path(out, key);
    return out;
}

const char *tb_read_item(char out[TB_READ_WHERE], const char *where, const char *key, size_t i)
{
    char index[32];
    snprintf(index, sizeof index, "[%zu]", i);
    tb_read_inner(out, where, key);
    add_to_path(out, index);
    return out;
}

size_t tb_read_model(const tb_report *r, tb_fields *f, const json_t *object, const char *where)
{
    const char *name = tb_field_string(f, object, where, "model");
    for (size_t m = 0; m < r->n_models; m++)
        if (strcmp(r->models[m].name, name) == 0)
            return m;
    tb_fields_fail(f, "%s.model is '%s', which is not among the models of this file", where, name);
    return 0;
}

size_t tb_read_set(const tb_report *r, tb_fields *f, const json_t *object, const char *where)
{
    const char *name = tb_field_string(f, object, where, "data");
    for (size_t s = 0; s < r->n_sets; s++)
        if (strcmp(r->sets[s].name, name) == 0)
            return s;
    tb_fields_fail(f, "%s.data is '%s', which is not among the data sets of this file", where, name);
    return 0;
}

size_t tb_read_variant(const tb_report *r, tb_fields *f, const json_t *object, const char *where, size_t model)
{
    const char *name = tb_field_string(f, object, where, "variant");
    for (size_t v = 0; v < r->n_variants; v++)
        if (r->variants[v].model == model && strcmp(r->variants[v].name, name) == 0)
            return v;
    tb_fields_fail(f, "%s.variant is '%s', which is not among the variants of this file", where, name);
    return 0;
}

tb_interval tb_read_interval(tb_fields *f, const json_t *object, const char *where, const char *key)
{
    double ends[2] = {0, 0};
    tb_field_reals(f, object, where, key, 2, ends);
    return (tb_interval){ends[0], ends[1]};
}

/* ---- Parts ---- */

static void read_options(tb_report *r, tb_fields *f)
{
    const json_t *options = tb_field_object(f, r->root, "", "options");
    r->seed = tb_field_count(f, options, "options", "seed");
    r->command = tb_field_string_or_null(f, options, "options", "command");
    r->anonymous = tb_field_bool(f, options, "options", "anonymous");
    r->clean = tb_field_string(f, options, "options", "clean");
    r->max_length = tb_field_count(f, options, "options", "max_length");
    const char *lang = tb_field_string(f, options, "options", "lang");
    if (strcmp(lang, "id") == 0)
        r->lang = TB_LANG_ID;
    else if (strcmp(lang, "en") != 0)
        tb_fields_fail(f, "options.lang is '%s'; this version writes en and id", lang);
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
    r->resumed = tb_field_count(f, time, "time", "resumed");
    r->plan.fixed = tb_field_string(f, time, "time", "plan_fixed");
    read_options(r, f);
}

static void read_plan(tb_report *r, tb_fields *f)
{
    const json_t *plan = tb_field_object(f, r->root, "", "plan");
    r->plan.sha256 = tb_field_string(f, plan, "plan", "sha256");
    const json_t *content = tb_field_object(f, plan, "plan", "content");
    const char *where = "plan.content";
    r->plan.primary = tb_field_string(f, content, where, "primary");
    r->plan.family = tb_field_string(f, content, where, "family");
    r->plan.alpha = tb_field_real(f, content, where, "alpha");
    r->plan.power = tb_field_real(f, content, where, "power");
    r->plan.margin = tb_field_real(f, content, where, "margin");
    const json_t *bootstrap = tb_field_object(f, content, where, "bootstrap");
    r->plan.replicates = tb_field_count(f, bootstrap, "plan.content.bootstrap", "replicates");
    r->plan.bootstrap_seed = tb_field_count(f, bootstrap, "plan.content.bootstrap", "seed");
    r->plan.null_models = tb_field_count(f, content, where, "null_models");
    r->plan.ece_bins = tb_field_count(f, content, where, "ece_bins");
}

static void read_duplicates(tb_report_set *set, tb_fields *f, const json_t *item, const char *where)
{
    char inner[TB_READ_WHERE];
    const json_t *within = tb_field_object(f, item, where, "duplicates");
    tb_read_inner(inner, where, "duplicates");
    set->duplicates_exact = tb_field_count(f, within, inner, "exact");
    set->duplicates_normalized = tb_field_count(f, within, inner, "normalized");
    set->conflicting = tb_field_count(f, within, inner, "conflicting");
    if (tb_field_null(f, item, where, "train_overlap"))
        return;
    const json_t *train = tb_field_object(f, item, where, "train_overlap");
    tb_read_inner(inner, where, "train_overlap");
    set->train = true;
    set->train_exact = tb_field_count(f, train, inner, "exact");
    set->train_normalized = tb_field_count(f, train, inner, "normalized");
}

static void read_sets(tb_report *r, tb_fields *f)
{
    size_t n;
    const json_t *array = tb_read_array(f, r->root, "", "data", &n);
    r->sets = tb_read_room(r, f, n, sizeof *r->sets);
    for (size_t i = 0; i < n && f->status == TIMBANG_OK; i++) {
        char where[TB_READ_WHERE];
        tb_read_item(where, "", "data", i);
        const json_t *item = tb_field_item(f, array, "data", i);
        r->sets[i] = (tb_report_set){
            .name = tb_field_string(f, item, where, "name"),
            .path = tb_field_string_or_null(f, item, where, "path"),
            .sha256 = tb_field_string_or_null(f, item, where, "sha256"),
            .rows = tb_field_count(f, item, where, "rows"),
            .label_counts = tb_field_object(f, item, where, "label_counts"),
        };
        read_duplicates(&r->sets[i], f, item, where);
        r->n_sets++;
    }
}

static void read_weights(tb_report *r, tb_fields *f, const json_t *item, const char *where, tb_report_model *m)
{
    const json_t *weights = tb_read_array(f, item, where, "weights", &m->n_weights);
    m->weights = tb_read_room(r, f, m->n_weights, sizeof *m->weights);
    char inner[TB_READ_WHERE], entry[TB_READ_WHERE];
    tb_read_inner(inner, where, "weights");
    for (size_t i = 0; i < m->n_weights && f->status == TIMBANG_OK; i++) {
        const json_t *file = tb_field_item(f, weights, inner, i);
        tb_read_item(entry, where, "weights", i);
        m->weights[i] = (tb_report_file){
            .name = tb_field_string(f, file, entry, "file"),
            .sha256 = tb_field_string(f, file, entry, "sha256"),
            .bytes = tb_field_count(f, file, entry, "bytes"),
        };
    }
    if (f->status == TIMBANG_OK && m->n_weights > 0) {
        m->weights_file = m->weights[0].name;
        m->weights_sha256 = m->weights[0].sha256;
    }
}

static void read_models(tb_report *r, tb_fields *f)
{
    size_t n;
    const json_t *array = tb_read_array(f, r->root, "", "models", &n);
    r->models = tb_read_room(r, f, n, sizeof *r->models);
    for (size_t i = 0; i < n && f->status == TIMBANG_OK; i++) {
        char where[TB_READ_WHERE], inner[TB_READ_WHERE];
        tb_read_item(where, "", "models", i);
        const json_t *item = tb_field_item(f, array, "models", i);
        tb_report_model *m = &r->models[i];
        m->name = tb_field_string(f, item, where, "name");
        m->path = tb_field_string_or_null(f, item, where, "path");
        m->embedded = tb_field_bool(f, item, where, "embedded");
        m->labels = tb_read_strings(r, f, item, where, "labels", &m->n_labels);
        m->labels_from = tb_field_string(f, item, where, "labels_from");
        m->untrained_head = tb_field_bool(f, item, where, "untrained_head");
        m->shipped_quantized = tb_field_bool(f, item, where, "shipped_quantized");
        m->parameters = tb_field_count(f, item, where, "parameters");
        tb_read_inner(inner, where, "shape");
        const json_t *shape = tb_field_object(f, item, where, "shape");
        m->layers = tb_field_count(f, shape, inner, "layers");
        m->hidden = tb_field_count(f, shape, inner, "hidden");
        read_weights(r, f, item, where, m);
        tb_read_training(f, item, where, &m->training);
        m->small_model = m->embedded || (m->weights_sha256 && strcmp(m->weights_sha256, tb_report_small_model) == 0);
        r->n_models++;
    }
}

static void read_variants(tb_report *r, tb_fields *f)
{
    size_t n, n_resident;
    const json_t *array = tb_read_array(f, r->root, "", "variants", &n);
    const json_t *measured = tb_field_object(f, r->root, "", "measured");
    const json_t *resident = tb_read_array(f, measured, "measured", "resident", &n_resident);
    r->variants = tb_read_room(r, f, n, sizeof *r->variants);
    for (size_t i = 0; i < n && f->status == TIMBANG_OK; i++) {
        char where[TB_READ_WHERE], inner[TB_READ_WHERE];
        tb_read_item(where, "", "variants", i);
        const json_t *item = tb_field_item(f, array, "variants", i);
        tb_report_variant *v = &r->variants[i];
        v->model = tb_read_model(r, f, item, where);
        v->name = tb_field_string(f, item, where, "variant");
        v->scheme = tb_field_string(f, item, where, "scheme");
        v->made = tb_field_bool(f, item, where, "made");
        v->size_bytes = tb_field_count(f, item, where, "size_bytes");
        v->file_bytes = tb_field_count(f, item, where, "file_bytes");
        v->ratio = tb_field_real(f, item, where, "ratio");
        v->weight_error = tb_field_real_or_null(f, item, where, "weight_error");
        const json_t *parts = tb_field_object(f, item, where, "parts");
        tb_read_inner(inner, where, "parts");
        for (size_t p = 0; p < TB_REPORT_PARTS; p++)
            v->parts[p] = tb_field_count(f, parts, inner, tb_report_part_names[p]);
        if (f->status == TIMBANG_OK)
            tb_read_resident(r, f, resident, i);
        r->n_variants++;
    }
}

static void read_warnings(tb_report *r, tb_fields *f)
{
    size_t n;
    const json_t *array = tb_read_array(f, r->root, "", "warnings", &n);
    r->warnings = tb_read_room(r, f, n, sizeof *r->warnings);
    for (size_t i = 0; i < n && f->status == TIMBANG_OK; i++) {
        char where[TB_READ_WHERE];
        tb_read_item(where, "", "warnings", i);
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
    read_plan(&r, &f);
    read_sets(&r, &f);
    read_models(&r, &f);
    read_variants(&r, &f);
    tb_read_results(&r, &f);
    tb_read_measured(&r, &f);
    tb_read_flips(&r, &f);
    tb_read_nulls(&r, &f);
    tb_read_groups(&r, &f);
    tb_read_roadmap(&r, &f);
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

/* ---- Questions ---- */

bool tb_report_first_of_model(const tb_report *report, size_t result)
{
    const tb_report_result *r = &report->results[result];
    for (size_t i = 0; i < result; i++)
        if (report->results[i].set == r->set && report->results[i].model == r->model)
            return false;
    return true;
}

bool tb_report_any_compared(const tb_report *report, size_t set)
{
    for (size_t i = 0; i < report->n_results; i++)
        if (report->results[i].compared && (set == SIZE_MAX || report->results[i].set == set))
            return true;
    return false;
}

const char *tb_report_say(const tb_report *report, const char *en, const char *id)
{
    return report->lang == TB_LANG_ID ? id : en;
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
