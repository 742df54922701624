/* SPDX-License-Identifier: Apache-2.0
 * `null` and `groups`: models of random rounding, and models that are seeds of one recipe.
 * Includes: report/data_read.h. Called by: report/data. */
#include "report/data_read.h"

#include <math.h>
#include <string.h>

/* ---- null ---- */

static tb_report_null_figure read_figure(tb_report *r, tb_fields *f, const json_t *item, const char *where,
                                         const char *key, size_t n)
{
    char inner[TB_READ_WHERE];
    const double none = (double)NAN;
    if (tb_field_null(f, item, where, key)) /* agreement, where FP32 was not run */
        return (tb_report_null_figure){none, none, none, tb_read_room(r, f, n, sizeof(double)), 0, 0, 0};
    const json_t *figure = tb_field_object(f, item, where, key);
    tb_read_inner(inner, where, key);
    tb_report_null_figure out = {
        .real = tb_field_real(f, figure, inner, "real"),
        .fp32 = tb_field_real_or_null(f, figure, inner, "fp32"),
        .p = tb_field_real_or_null(f, figure, inner, "p"),
        .values = tb_read_room(r, f, n, sizeof *out.values),
        .below = tb_field_count(f, figure, inner, "below"),
        .equal = tb_field_count(f, figure, inner, "equal"),
        .above = tb_field_count(f, figure, inner, "above"),
    };
    tb_field_reals(f, figure, inner, "values", n, out.values);
    return out;
}

static size_t result_of(const tb_report *r, tb_fields *f, const json_t *item, const char *where)
{
    size_t model = tb_read_model(r, f, item, where), set = tb_read_set(r, f, item, where);
    size_t variant = tb_read_variant(r, f, item, where, model);
    for (size_t i = 0; i < r->n_results && f->status == TIMBANG_OK; i++)
        if (r->results[i].variant == variant && r->results[i].set == set)
            return i;
    tb_fields_fail(f, "%s: results has no entry for this model, variant and set", where);
    return 0;
}

void tb_read_nulls(tb_report *r, tb_fields *f)
{
    size_t n;
    const json_t *array = tb_read_array(f, r->root, "", "null", &n);
    r->nulls = tb_read_room(r, f, n, sizeof *r->nulls);
    for (size_t i = 0; i < n && f->status == TIMBANG_OK; i++) {
        char where[TB_READ_WHERE], inner[TB_READ_WHERE];
        tb_read_item(where, "", "null", i);
        const json_t *item = tb_field_item(f, array, "null", i);
        tb_report_null *null = &r->nulls[i];
        null->result = result_of(r, f, item, where);
        uint64_t models = tb_field_count(f, item, where, "models");
        if (models == 0 || models > TB_READ_MAX_ITEMS)
            tb_fields_fail(f, "%s.models is %llu; 1 to %d are drawn", where, (unsigned long long)models,
                           TB_READ_MAX_ITEMS);
        if (f->status != TIMBANG_OK)
            return;
        null->models = (size_t)models;
        const json_t *error = tb_field_object(f, item, where, "weight_error");
        tb_read_inner(inner, where, "weight_error");
        null->weight_error = tb_field_real_or_null(f, error, inner, "real");
        null->largest_deviation = tb_field_real_or_null(f, error, inner, "largest_deviation");
        null->accuracy = read_figure(r, f, item, where, "accuracy", null->models);
        null->macro_f1 = read_figure(r, f, item, where, "macro_f1", null->models);
        null->agreement = read_figure(r, f, item, where, "agreement", null->models);
        r->n_nulls++;
    }
}

/* ---- groups ---- */

tb_report_spread tb_read_spread(tb_report *r, tb_fields *f, const json_t *item, const char *where, const char *key,
                                size_t n, bool interval)
{
    char inner[TB_READ_WHERE];
    const json_t *spread = tb_field_object(f, item, where, key);
    tb_read_inner(inner, where, key);
    tb_report_spread out = {
        .mean = tb_field_real(f, spread, inner, "mean"),
        .sd = tb_field_real(f, spread, inner, "sd"),
        .values = tb_read_room(r, f, n, sizeof *out.values),
    };
    tb_field_reals(f, spread, inner, "values", n, out.values);
    out.interval = (tb_interval){(double)NAN, (double)NAN};
    if (interval && !tb_field_null(f, spread, inner, "interval")) /* null: no bootstrap */
        out.interval = tb_read_interval(f, spread, inner, "interval");
    return out;
}

static void read_group_results(tb_report *r, tb_fields *f, const json_t *item, const char *where,
                               tb_report_group *group)
{
    const json_t *array = tb_read_array(f, item, where, "results", &group->n_results);
    group->results = tb_read_room(r, f, group->n_results, sizeof *group->results);
    char inner[TB_READ_WHERE], entry[TB_READ_WHERE];
    tb_read_inner(inner, where, "results");
    for (size_t i = 0; i < group->n_results && f->status == TIMBANG_OK; i++) {
        const json_t *one = tb_field_item(f, array, inner, i);
        tb_report_group_result *g = &group->results[i];
        tb_read_item(entry, where, "results", i);
        g->set = tb_read_set(r, f, one, entry);
        g->variant = tb_field_string(f, one, entry, "variant");
        g->accuracy = tb_read_spread(r, f, one, entry, "accuracy", group->n_models, false);
        g->macro_f1 = tb_read_spread(r, f, one, entry, "macro_f1", group->n_models, false);
        g->compared = !tb_field_null(f, one, entry, "delta_accuracy");
        if (g->compared) {
            g->delta_accuracy = tb_read_spread(r, f, one, entry, "delta_accuracy", group->n_models, true);
            g->delta_macro_f1 = tb_read_spread(r, f, one, entry, "delta_macro_f1", group->n_models, true);
        } else if (!tb_field_null(f, one, entry, "delta_macro_f1"))
            tb_fields_fail(f, "%s.delta_macro_f1 should be null, as delta_accuracy is", entry);
    }
}

static void read_members(tb_report *r, tb_fields *f, const json_t *item, const char *where, tb_report_group *group)
{
    size_t n_seeds;
    const char **names = tb_read_strings(r, f, item, where, "models", &group->n_models);
    const json_t *seeds = tb_read_array(f, item, where, "seeds", &n_seeds);
    if (f->status == TIMBANG_OK && n_seeds != group->n_models)
        tb_fields_fail(f, "%s.seeds should hold %zu numbers, one a model", where, group->n_models);
    group->models = tb_read_room(r, f, group->n_models, sizeof *group->models);
    group->seeds = tb_read_room(r, f, group->n_models, sizeof *group->seeds);
    for (size_t m = 0; m < group->n_models && f->status == TIMBANG_OK; m++) {
        size_t at = 0;
        while (at < r->n_models && strcmp(r->models[at].name, names[m]) != 0)
            at++;
        if (at == r->n_models)
            tb_fields_fail(f, "%s.models[%zu] is '%s', which is not among the models of this file", where, m, names[m]);
        const json_t *seed = json_array_get(seeds, m);
        if (!json_is_integer(seed) || json_integer_value(seed) < 0)
            tb_fields_fail(f, "%s.seeds[%zu] should be a whole number, 0 or more", where, m);
        group->models[m] = at;
        group->seeds[m] = (uint64_t)json_integer_value(seed);
    }
}

/* "learning_rate, epochs"; "" where all agree. */
static const char *read_differing(tb_report *r, tb_fields *f, const json_t *item, const char *where)
{
    size_t n, bytes = 1;
    const char **names = tb_read_strings(r, f, item, where, "differing", &n);
    for (size_t i = 0; i < n && f->status == TIMBANG_OK; i++)
        bytes += strlen(names[i]) + 2;
    char *text = tb_read_room(r, f, bytes, 1);
    for (size_t i = 0, at = 0; i < n && f->status == TIMBANG_OK; i++) {
        if (i > 0) {
            memcpy(text + at, ", ", 2);
            at += 2;
        }
        memcpy(text + at, names[i], strlen(names[i]));
        at += strlen(names[i]);
    }
    return text ? text : "";
}

void tb_read_groups(tb_report *r, tb_fields *f)
{
    size_t n;
    const json_t *array = tb_read_array(f, r->root, "", "groups", &n);
    r->groups = tb_read_room(r, f, n, sizeof *r->groups);
    for (size_t i = 0; i < n && f->status == TIMBANG_OK; i++) {
        char where[TB_READ_WHERE];
        tb_read_item(where, "", "groups", i);
        const json_t *item = tb_field_item(f, array, "groups", i);
        tb_report_group *group = &r->groups[i];
        group->recipe = tb_field_string(f, item, where, "recipe");
        group->differing = read_differing(r, f, item, where);
        read_members(r, f, item, where, group);
        if (f->status == TIMBANG_OK)
            read_group_results(r, f, item, where, group);
        r->n_groups++;
    }
}
