/* SPDX-License-Identifier: Apache-2.0
 * `roadmap`, and `training` of the models: absent where no model comes from training.
 * Includes: report/data_read.h. Called by: report/data. */
#include "report/data_read.h"

#include <math.h>
#include <string.h>

enum { MAX_VARIANTS = 256 };

static bool is_stage(const char *stage)
{
    static const char *const stages[] = {"base", "fine-tuned", "qat", "control"};
    for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++)
        if (strcmp(stage, stages[i]) == 0)
            return true;
    return false;
}

static const char *read_stage(tb_fields *f, const json_t *item, const char *where)
{
    const char *stage = tb_field_string_or_null(f, item, where, "stage");
    if (stage && !is_stage(stage))
        tb_fields_fail(f, "%s.stage is '%s'; it is base, fine-tuned, qat or control", where, stage);
    return stage;
}

static void read_seed(tb_fields *f, const json_t *item, const char *where, bool *has_seed, uint64_t *seed)
{
    *has_seed = !tb_field_null(f, item, where, "seed");
    *seed = *has_seed ? tb_field_count(f, item, where, "seed") : 0;
}

void tb_read_training(tb_fields *f, const json_t *item, const char *where, tb_report_training *training)
{
    char inner[TB_READ_WHERE];
    if (!json_object_get(item, "training"))
        return;
    const json_t *from = tb_field_object(f, item, where, "training");
    tb_read_inner(inner, where, "training");
    training->stage = read_stage(f, from, inner);
    training->scheme = tb_field_string_or_null(f, from, inner, "scheme");
    training->parent = tb_field_string_or_null(f, from, inner, "parent");
    read_seed(f, from, inner, &training->has_seed, &training->seed);
}

/* ---- Rows ---- */

/* The index of a variant's column; a new one where `add`. */
static size_t column_of(tb_report *r, tb_fields *f, const json_t *item, const char *where, bool add)
{
    tb_report_roadmap *road = &r->roadmap;
    const char *name = tb_field_string(f, item, where, "variant");
    for (size_t v = 0; v < road->n_variants; v++)
        if (strcmp(road->variants[v], name) == 0)
            return v;
    if (!add || road->n_variants == MAX_VARIANTS) {
        tb_fields_fail(f, "%s.variant is '%s', which is not among those of the rows (at most %d)", where, name,
                       MAX_VARIANTS);
        return 0;
    }
    if (f->status == TIMBANG_OK)
        road->variants[road->n_variants] = name;
    return f->status == TIMBANG_OK ? road->n_variants++ : 0;
}

static void read_cells(tb_report *r, tb_fields *f, const json_t *item, const char *where, tb_report_road_row *row)
{
    char inner[TB_READ_WHERE], entry[TB_READ_WHERE];
    const json_t *array = tb_read_array(f, item, where, "cells", &row->n_cells);
    row->cells = tb_read_room(r, f, row->n_cells, sizeof *row->cells);
    tb_read_inner(inner, where, "cells");
    for (size_t i = 0; i < row->n_cells && f->status == TIMBANG_OK; i++) {
        const json_t *one = tb_field_item(f, array, inner, i);
        tb_read_item(entry, where, "cells", i);
        row->cells[i].set = tb_read_set(r, f, one, entry);
        row->cells[i].variant = column_of(r, f, one, entry, true);
        row->cells[i].trained = tb_field_bool(f, one, entry, "trained");
        row->cells[i].accuracy = tb_read_spread(r, f, one, entry, "accuracy", row->n_models, false);
        row->cells[i].macro_f1 = tb_read_spread(r, f, one, entry, "macro_f1", row->n_models, false);
    }
}

static void read_members(tb_report *r, tb_fields *f, const json_t *item, const char *where, tb_report_road_row *row)
{
    const char **names = tb_read_strings(r, f, item, where, "models", &row->n_models);
    row->models = tb_read_room(r, f, row->n_models, sizeof *row->models);
    if (f->status == TIMBANG_OK && row->n_models == 0)
        tb_fields_fail(f, "%s.models is empty", where);
    for (size_t m = 0; m < row->n_models && f->status == TIMBANG_OK; m++) {
        size_t at = 0;
        while (at < r->n_models && strcmp(r->models[at].name, names[m]) != 0)
            at++;
        if (at == r->n_models)
            tb_fields_fail(f, "%s.models[%zu] is '%s', which is not among the models of this file", where, m, names[m]);
        row->models[m] = at;
    }
}

static void read_rows(tb_report *r, tb_fields *f, const json_t *from)
{
    tb_report_roadmap *road = &r->roadmap;
    size_t n;
    const json_t *array = tb_read_array(f, from, "roadmap", "rows", &n);
    road->rows = tb_read_room(r, f, n, sizeof *road->rows);
    for (size_t i = 0; i < n && f->status == TIMBANG_OK; i++) {
        char where[TB_READ_WHERE];
        tb_read_item(where, "roadmap", "rows", i);
        const json_t *item = tb_field_item(f, array, "roadmap.rows", i);
        tb_report_road_row *row = &road->rows[i];
        row->name = tb_field_string(f, item, where, "name");
        row->stage = read_stage(f, item, where);
        row->scheme = tb_field_string_or_null(f, item, where, "scheme");
        row->untrained_head = tb_field_bool(f, item, where, "untrained_head");
        if (f->status == TIMBANG_OK && !row->stage)
            tb_fields_fail(f, "%s.stage is null", where);
        read_members(r, f, item, where, row);
        if (f->status == TIMBANG_OK)
            read_cells(r, f, item, where, row);
        road->n_rows++;
    }
}

/* ---- Pairs ---- */

static size_t row_of(const tb_report *r, tb_fields *f, const json_t *item, const char *where, const char *key)
{
    const char *name = tb_field_string(f, item, where, key);
    for (size_t i = 0; i < r->roadmap.n_rows; i++)
        if (strcmp(r->roadmap.rows[i].name, name) == 0)
            return i;
    tb_fields_fail(f, "%s.%s is '%s', which is not among the rows of the roadmap", where, key, name);
    return 0;
}

static tb_report_pair_seed read_pair_seed(tb_fields *f, const json_t *item, const char *where)
{
    char inner[TB_READ_WHERE];
    const tb_interval none = {(double)NAN, (double)NAN};
    tb_report_pair_seed seed = {
        .model = tb_field_string(f, item, where, "model"),
        .baseline = tb_field_string(f, item, where, "baseline"),
        .right_to_wrong = tb_field_count(f, item, where, "right_to_wrong"),
        .wrong_to_right = tb_field_count(f, item, where, "wrong_to_right"),
        .mcnemar_p = tb_field_real(f, item, where, "mcnemar_p"),
        .mcnemar_p_holm = tb_field_real(f, item, where, "mcnemar_p_holm"),
        .delta_accuracy = tb_field_real(f, item, where, "delta_accuracy"),
        .delta_macro_f1 = tb_field_real(f, item, where, "delta_macro_f1"),
        .delta_macro_f1_p = tb_field_real_or_null(f, item, where, "delta_macro_f1_p"),
        .boot_accuracy = none,
        .boot_macro_f1 = none,
    };
    read_seed(f, item, where, &seed.has_seed, &seed.seed);
    if (tb_field_null(f, item, where, "bootstrap"))
        return seed;
    const json_t *bootstrap = tb_field_object(f, item, where, "bootstrap");
    tb_read_inner(inner, where, "bootstrap");
    seed.boot_accuracy = tb_read_interval(f, bootstrap, inner, "delta_accuracy");
    seed.boot_macro_f1 = tb_read_interval(f, bootstrap, inner, "delta_macro_f1");
    return seed;
}

static void read_pair(tb_report *r, tb_fields *f, const json_t *item, const char *where, tb_report_pair *pair)
{
    char inner[TB_READ_WHERE], entry[TB_READ_WHERE];
    const char *kind = tb_field_string(f, item, where, "kind");
    pair->control = strcmp(kind, "qat_against_control") == 0;
    if (!pair->control && strcmp(kind, "qat_against_ptq") != 0)
        tb_fields_fail(f, "%s.kind is '%s'; it is qat_against_ptq or qat_against_control", where, kind);
    pair->row = row_of(r, f, item, where, "row");
    pair->baseline = row_of(r, f, item, where, "baseline");
    pair->set = tb_read_set(r, f, item, where);
    pair->variant = column_of(r, f, item, where, false);
    const json_t *array = tb_read_array(f, item, where, "seeds", &pair->n_seeds);
    pair->seeds = tb_read_room(r, f, pair->n_seeds, sizeof *pair->seeds);
    tb_read_inner(inner, where, "seeds");
    for (size_t i = 0; i < pair->n_seeds && f->status == TIMBANG_OK; i++) {
        tb_read_item(entry, where, "seeds", i);
        pair->seeds[i] = read_pair_seed(f, tb_field_item(f, array, inner, i), entry);
    }
    pair->delta_accuracy = tb_read_spread(r, f, item, where, "delta_accuracy", pair->n_seeds, true);
    pair->delta_macro_f1 = tb_read_spread(r, f, item, where, "delta_macro_f1", pair->n_seeds, true);
    const json_t *delta = tb_field_object(f, item, where, "delta_macro_f1");
    tb_read_inner(inner, where, "delta_macro_f1");
    pair->p = tb_field_real_or_null(f, delta, inner, "p");
    pair->p_holm = tb_field_real_or_null(f, delta, inner, "p_holm");
}

static void read_pairs(tb_report *r, tb_fields *f, const json_t *from)
{
    tb_report_roadmap *road = &r->roadmap;
    size_t n;
    const json_t *array = tb_read_array(f, from, "roadmap", "pairs", &n);
    road->pairs = tb_read_room(r, f, n, sizeof *road->pairs);
    for (size_t i = 0; i < n && f->status == TIMBANG_OK; i++) {
        char where[TB_READ_WHERE];
        tb_read_item(where, "roadmap", "pairs", i);
        read_pair(r, f, tb_field_item(f, array, "roadmap.pairs", i), where, &road->pairs[i]);
        road->n_pairs++;
    }
}

void tb_read_roadmap(tb_report *r, tb_fields *f)
{
    if (!json_object_get(r->root, "roadmap"))
        return;
    const json_t *from = tb_field_object(f, r->root, "", "roadmap");
    r->roadmap.variants = tb_read_room(r, f, MAX_VARIANTS, sizeof *r->roadmap.variants);
    read_rows(r, f, from);
    read_pairs(r, f, from);
}
