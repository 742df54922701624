/* SPDX-License-Identifier: Apache-2.0
 * The rows of the roadmap and their cells.
 * Includes: study/roadmap.h, study/record.h. Called by: study/study. */
#include "study/roadmap.h"

#include "base/text.h"
#include "study/record.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Rows ---- */

static bool taken(const tb_roadmap *roadmap, const char *name)
{
    for (size_t r = 0; r < roadmap->n_rows; r++)
        if (roadmap->rows[r].name && strcmp(roadmap->rows[r].name, name) == 0)
            return true;
    return false;
}

/* What all names begin with, without the digits and signs that lead to the seed. */
static size_t common_length(const tb_plan *plan, const tb_roadmap_row *row)
{
    const char *first = plan->models[row->members[0]].name;
    size_t length = strlen(first);
    for (size_t i = 1; i < row->n; i++) {
        const char *other = plan->models[row->members[i]].name;
        size_t same = 0;
        while (same < length && other[same] == first[same])
            same++;
        length = same;
    }
    while (length > 0 && strchr("0123456789-_./ ", first[length - 1]))
        length--;
    while (length > 0 && ((unsigned char)first[length] & 0xc0) == 0x80) /* not within a character */
        length--;
    return length;
}

static timbang_status name_row(const tb_roadmap *roadmap, tb_roadmap_row *row, tb_error *err)
{
    const tb_plan *plan = roadmap->plan;
    const tb_plan_model *first = &plan->models[row->members[0]];
    bool one_folder = first->training.seeds_name != NULL;
    for (size_t i = 1; i < row->n; i++)
        one_folder = one_folder && plan->models[row->members[i]].training.seeds_of == first->training.seeds_of;
    char *name = NULL;
    if (one_folder)
        name = tb_strdup(first->training.seeds_name, err);
    else if (row->n > 1 && common_length(plan, row) > 0)
        name = tb_strndup(first->name, common_length(plan, row), err);
    else
        name = tb_strdup(first->name, err);
    if (name && taken(roadmap, name)) { /* the names of models are unique; those of folders of seeds are too */
        free(name);
        name = tb_strdup(first->name, err);
    }
    row->name = name;
    return name ? TIMBANG_OK : err->status;
}

static timbang_status add_row(tb_roadmap *roadmap, tb_stage stage, const size_t *members, size_t n, tb_error *err)
{
    tb_roadmap_row row = {.stage = stage, .n = n};
    row.members = tb_calloc(n, sizeof *row.members, err);
    if (!row.members)
        return err->status;
    memcpy(row.members, members, n * sizeof *members);
    timbang_status status = name_row(roadmap, &row, err);
    if (status != TIMBANG_OK) {
        free(row.members);
        return status;
    }
    roadmap->rows[roadmap->n_rows++] = row; /* there are no more rows than models */
    return TIMBANG_OK;
}

static timbang_status make_rows(tb_roadmap *roadmap, size_t *members, bool *placed, tb_error *err)
{
    const tb_plan *plan = roadmap->plan;
    for (tb_stage stage = TB_STAGE_BASE; stage <= TB_STAGE_CONTROL; stage++)
        for (size_t m = 0; m < plan->n_models; m++) {
            if (placed[m] || tb_stage_of(&plan->models[m]) != stage)
                continue;
            bool earlier, among = false;
            size_t n = tb_seeds_of_recipe(plan, m, members, &earlier);
            for (size_t i = 0; i < n; i++)
                among = among || members[i] == m;
            if (n == 0 || !among) { /* without a recipe, or a seed that stands in another row already */
                members[0] = m;
                n = 1;
            }
            for (size_t i = 0; i < n; i++)
                placed[members[i]] = true;
            TB_TRY(add_row(roadmap, stage, members, n, err));
        }
    return TIMBANG_OK;
}

static void roadmap_free(tb_roadmap *roadmap)
{
    for (size_t r = 0; roadmap->rows && r < roadmap->n_rows; r++) {
        free(roadmap->rows[r].name);
        free(roadmap->rows[r].members);
    }
    free(roadmap->rows);
}

/* ---- Cells: the figures of results, over seeds ---- */

static const json_t *result_of(const tb_collected *c, const char *model, const char *variant, const char *data)
{
    size_t i;
    json_t *result;
    json_array_foreach(c->results, i, result)
    {
        const char *const keys[] = {"model", "variant", "data"}, *const wanted[] = {model, variant, data};
        bool same = true;
        for (size_t k = 0; k < 3 && same; k++)
            same = strcmp(json_string_value(json_object_get(result, keys[k])), wanted[k]) == 0;
        if (same)
            return result;
    }
    return NULL;
}

/* {mean, sd, values} of a figure, or NULL where a seed lacks it. */
static json_t *cell_figure(const tb_roadmap *roadmap, const tb_collected *c, const tb_roadmap_row *row,
                           const char *variant, const char *data, const char *key)
{
    json_t *values = json_array();
    double sum = 0, squares = 0, n = (double)row->n;
    for (size_t i = 0; i < row->n; i++) {
        const json_t *result = result_of(c, roadmap->plan->models[row->members[i]].name, variant, data);
        if (!result || json_array_append(values, json_object_get(result, key)) != 0) {
            json_decref(values);
            return NULL;
        }
        sum += json_number_value(json_array_get(values, i));
    }
    for (size_t i = 0; i < row->n; i++) {
        double off = json_number_value(json_array_get(values, i)) - sum / n;
        squares += off * off;
    }
    return json_pack("{s:f, s:f, s:o}", "mean", sum / n, "sd", row->n > 1 ? sqrt(squares / (n - 1)) : 0.0, "values",
                     values);
}

static timbang_status put_cells(const tb_roadmap *roadmap, const tb_collected *c, const tb_roadmap_row *row,
                                json_t *cells, tb_error *err)
{
    const tb_plan *plan = roadmap->plan;
    const tb_plan_model *first = &plan->models[row->members[0]];
    const char *trained = row->stage == TB_STAGE_QAT ? first->training.scheme : NULL;
    for (size_t s = 0; s < plan->n_sets; s++)
        for (size_t v = 0; v < first->n_variants; v++) {
            const char *variant = first->variant_names[v], *data = plan->sets[s].name;
            json_t *accuracy = cell_figure(roadmap, c, row, variant, data, "accuracy");
            json_t *macro_f1 = cell_figure(roadmap, c, row, variant, data, "macro_f1");
            if (!accuracy || !macro_f1) { /* not all seeds ran it */
                json_decref(accuracy);
                json_decref(macro_f1);
                continue;
            }
            json_t *cell =
                json_pack("{s:s, s:s, s:b, s:o, s:o}", "data", data, "variant", variant, "trained",
                          trained && strcmp(trained, variant) == 0, "accuracy", accuracy, "macro_f1", macro_f1);
            TB_TRY(tb_json_done(json_array_append_new(cells, cell) != 0, err));
        }
    return TIMBANG_OK;
}

static timbang_status put_row(const tb_roadmap *roadmap, const tb_collected *c, const tb_roadmap_row *row, json_t *rows,
                              tb_error *err)
{
    const tb_plan *plan = roadmap->plan;
    const tb_plan_model *first = &plan->models[row->members[0]];
    json_t *models = json_array(), *seeds = json_array(), *cells = json_array();
    int bad = 0;
    for (size_t i = 0; i < row->n; i++) {
        const tb_plan_model *model = &plan->models[row->members[i]];
        bad |= json_array_append_new(models, json_string(model->name));
        bad |= json_array_append_new(seeds, model->training.has_seed ? tb_json_count(model->recipe_seed) : json_null());
    }
    const char *scheme = row->stage == TB_STAGE_QAT ? first->training.scheme : NULL;
    json_t *entry = json_pack("{s:s, s:s, s:s?, s:o, s:o, s:b, s:o}", "name", row->name, "stage",
                              tb_stage_name(row->stage), "scheme", scheme, "models", models, "seeds", seeds,
                              "untrained_head", first->untrained_head, "cells", cells);
    TB_TRY(tb_json_done(bad | json_array_append_new(rows, entry), err));
    return put_cells(roadmap, c, row, cells, err);
}

/* ---- The whole ---- */

static timbang_status fill(tb_roadmap *roadmap, tb_collected *into, tb_error *err)
{
    size_t n = roadmap->plan->n_models;
    size_t *members = tb_calloc(n, sizeof *members, err);
    bool *placed = members ? tb_calloc(n, sizeof *placed, err) : NULL;
    roadmap->rows = placed ? tb_calloc(n, sizeof *roadmap->rows, err) : NULL;
    timbang_status status = roadmap->rows ? make_rows(roadmap, members, placed, err) : err->status;
    free(members);
    free(placed);
    TB_TRY(status);
    json_t *rows = json_array(), *pairs = NULL;
    status = tb_json_done(!rows, err);
    for (size_t r = 0; r < roadmap->n_rows && status == TIMBANG_OK; r++)
        status = put_row(roadmap, into, &roadmap->rows[r], rows, err);
    if (status == TIMBANG_OK)
        status = tb_roadmap_pairs(roadmap, &pairs, err);
    if (status != TIMBANG_OK) {
        json_decref(rows);
        return status;
    }
    into->roadmap = json_pack("{s:o, s:o}", "rows", rows, "pairs", pairs);
    return tb_json_done(!into->roadmap, err);
}

timbang_status tb_collect_roadmap(const tb_plan *plan, const tb_store *store, tb_collected *into, tb_error *err)
{
    if (!tb_plan_has_roadmap(plan))
        return TIMBANG_OK;
    tb_roadmap roadmap = {.plan = plan, .store = store};
    timbang_status status = fill(&roadmap, into, err);
    roadmap_free(&roadmap);
    return status;
}
