/* SPDX-License-Identifier: Apache-2.0
 * The paired tests of the roadmap: QAT against post-training quantization of what it began with, and against the
 * control, at equal bits, on the same texts, seed by seed.
 * Includes: study/roadmap.h, study/record.h, study/units.h, eval. Called by: study/roadmap. */
#include "eval/paired.h"
#include "study/record.h"
#include "study/roadmap.h"
#include "study/units.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct kind {
    tb_stage baseline;
    const char *name;
} kind;

static const kind kinds[] = {{TB_STAGE_FINE_TUNED, "qat_against_ptq"}, {TB_STAGE_CONTROL, "qat_against_control"}};
enum { N_KINDS = sizeof kinds / sizeof kinds[0] };

/* Two rows: model own[i] stands against base[i]. */
typedef struct pairing {
    const tb_roadmap *roadmap;
    const kind *kind;
    const tb_roadmap_row *row, *baseline;
    size_t *own, *base; /* [row->n] indices of models */
    size_t n;
} pairing;

static const tb_plan_model *member(const tb_roadmap *roadmap, const tb_roadmap_row *row, size_t i)
{
    return &roadmap->plan->models[row->members[i]];
}

/* ---- Which rows ---- */

/* Did one begin with the other, or both with the same weights? */
static bool related_models(const tb_plan *plan, const tb_plan_model *a, const tb_plan_model *b, bool control)
{
    if (!control)
        return tb_parent_of(plan, a) == b;
    return a->training.parent && b->training.parent && strcmp(a->training.parent, b->training.parent) == 0;
}

static bool related_rows(const pairing *p)
{
    for (size_t i = 0; i < p->row->n; i++)
        for (size_t k = 0; k < p->baseline->n; k++)
            if (related_models(p->roadmap->plan, member(p->roadmap, p->row, i), member(p->roadmap, p->baseline, k),
                               p->kind->baseline == TB_STAGE_CONTROL))
                return true;
    return false;
}

static bool comparable(const pairing *p)
{
    const tb_plan_model *a = member(p->roadmap, p->row, 0), *b = member(p->roadmap, p->baseline, 0);
    return tb_same_labels(a, b) && tb_same_shape(a, b);
}

/* Rows whose record says that they belong together; where no record says so, all that fit by shape and labels. */
static bool wanted(pairing *p, const tb_roadmap_row *baseline)
{
    const tb_roadmap *roadmap = p->roadmap;
    bool any = false;
    for (size_t r = 0; r < roadmap->n_rows; r++) {
        p->baseline = &roadmap->rows[r];
        any = any || (p->baseline->stage == p->kind->baseline && comparable(p) && related_rows(p));
    }
    p->baseline = baseline;
    return comparable(p) && (!any || related_rows(p));
}

/* ---- Which seeds ---- */

static size_t partner_of(const pairing *p, size_t i)
{
    const tb_plan_model *own = member(p->roadmap, p->row, i);
    if (p->baseline->n == 1) /* one model for all seeds */
        return p->baseline->members[0];
    for (size_t k = 0; k < p->baseline->n; k++) {
        const tb_plan_model *other = member(p->roadmap, p->baseline, k);
        if (own->training.has_seed && other->training.has_seed && own->recipe_seed == other->recipe_seed)
            return p->baseline->members[k];
    }
    return SIZE_MAX;
}

static timbang_status pair_seeds(pairing *p, tb_error *err)
{
    p->own = tb_calloc(2 * p->row->n, sizeof *p->own, err);
    if (!p->own)
        return err->status;
    p->base = p->own + p->row->n;
    for (size_t i = 0; i < p->row->n; i++) {
        size_t partner = partner_of(p, i);
        if (partner == SIZE_MAX) {
            tb_notes notes = tb_plan_notes(p->roadmap->plan);
            TB_TRY(tb_note(&notes, member(p->roadmap, p->row, i)->name, NULL, "seed_unpaired", err,
                           "%s has no model of its seed, so the paired tests between them go without it",
                           p->baseline->name));
            continue;
        }
        p->own[p->n] = p->row->members[i];
        p->base[p->n++] = partner;
    }
    return TIMBANG_OK;
}

/* ---- One variant on one set ---- */

static bool all_have(const pairing *p, const char *variant)
{
    bool all = true;
    for (size_t i = 0; i < 2 * p->n; i++) {
        const tb_plan_model *model = &p->roadmap->plan->models[i < p->n ? p->own[i] : p->base[i - p->n]];
        bool has = false;
        for (size_t v = 0; v < model->n_variants; v++)
            has = has || strcmp(model->variant_names[v], variant) == 0;
        all = all && has;
    }
    return all;
}

static timbang_status load_all(const pairing *p, size_t set, const char *variant, float **logits, tb_error *err)
{
    for (size_t i = 0; i < 2 * p->n; i++) {
        const tb_unit unit = {.plan = p->roadmap->plan,
                              .model = i < p->n ? p->own[i] : p->base[i - p->n],
                              .set = set,
                              .variant = variant};
        TB_TRY(tb_unit_load(p->roadmap->store, &unit, &logits[i], NULL, err));
    }
    return TIMBANG_OK;
}

/* Which models a seed's figures are of, in front of them. */
static timbang_status name_seeds(const pairing *p, json_t *figures, tb_error *err)
{
    const tb_plan *plan = p->roadmap->plan;
    json_t *seeds = json_object_get(figures, "seeds");
    int bad = 0;
    for (size_t i = 0; i < p->n; i++) {
        const tb_plan_model *own = &plan->models[p->own[i]], *base = &plan->models[p->base[i]];
        json_t *named =
            json_pack("{s:o, s:s, s:s}", "seed", own->training.has_seed ? tb_json_count(own->recipe_seed) : json_null(),
                      "model", own->name, "baseline", base->name);
        bad |= json_object_update(named, json_array_get(seeds, i));
        bad |= json_array_set_new(seeds, i, named);
    }
    return tb_json_done(bad != 0, err);
}

static timbang_status put_variant(const pairing *p, size_t set, const char *variant, json_t *pairs, tb_error *err)
{
    const tb_plan *plan = p->roadmap->plan;
    const tb_task *task = &plan->models[p->own[0]].tasks[set];
    float **logits = tb_calloc(2 * p->n, sizeof *logits, err);
    timbang_status status = logits ? load_all(p, set, variant, logits, err) : err->status;
    json_t *figures = NULL;
    if (status == TIMBANG_OK)
        status = tb_figures_of_pairs(task, &plan->statistics, (const float *const *)logits,
                                     (const float *const *)(logits + p->n), p->n, plan->job->pool, &figures, err);
    for (size_t i = 0; logits && i < 2 * p->n; i++)
        free(logits[i]);
    free(logits);
    if (status == TIMBANG_OK)
        status = name_seeds(p, figures, err);
    json_t *entry = json_pack("{s:s, s:s, s:s, s:s, s:s}", "kind", p->kind->name, "row", p->row->name, "baseline",
                              p->baseline->name, "data", plan->sets[set].name, "variant", variant);
    int bad = !entry || (figures && json_object_update(entry, figures) != 0);
    json_decref(figures);
    bad |= json_array_append_new(pairs, entry);
    return status == TIMBANG_OK ? tb_json_done(bad != 0, err) : status;
}

/* ---- Holm's correction over the variants of two rows on one set: of one seed's McNemar test; over the seeds ---- */

static json_t *test_of(json_t *pair, size_t seed, const char **p_key)
{
    *p_key = seed == SIZE_MAX ? "p" : "mcnemar_p";
    return seed == SIZE_MAX ? json_object_get(pair, "delta_macro_f1")
                            : json_array_get(json_object_get(pair, "seeds"), seed);
}

static timbang_status correct_one(json_t *pairs, size_t begin, size_t seed, double *p, tb_error *err)
{
    size_t n = json_array_size(pairs) - begin;
    const char *key = NULL;
    int bad = 0;
    for (size_t i = 0; i < n; i++) {
        const json_t *test = test_of(json_array_get(pairs, begin + i), seed, &key);
        const json_t *value = json_object_get(test, key);
        p[i] = json_is_number(value) ? json_number_value(value) : (double)NAN;
    }
    TB_TRY(tb_holm(p, n, p + n, err));
    for (size_t i = 0; i < n; i++) {
        json_t *test = test_of(json_array_get(pairs, begin + i), seed, &key);
        bad |= json_object_set_new(test, seed == SIZE_MAX ? "p_holm" : "mcnemar_p_holm", tb_json_real(p[n + i]));
    }
    return tb_json_done(bad != 0, err);
}

static timbang_status correct(const pairing *p, json_t *pairs, size_t begin, tb_error *err)
{
    size_t n = json_array_size(pairs) - begin;
    if (n == 0)
        return TIMBANG_OK;
    double *room = tb_calloc(2 * n, sizeof *room, err);
    timbang_status status = room ? correct_one(pairs, begin, SIZE_MAX, room, err) : err->status;
    for (size_t i = 0; i < p->n && status == TIMBANG_OK; i++)
        status = correct_one(pairs, begin, i, room, err);
    free(room);
    return status;
}

/* ---- The whole ---- */

static timbang_status put_rows(pairing *p, json_t *pairs, tb_error *err)
{
    const tb_plan *plan = p->roadmap->plan;
    TB_TRY(pair_seeds(p, err));
    if (p->n == 0)
        return TIMBANG_OK;
    const tb_plan_model *first = &plan->models[p->own[0]];
    for (size_t s = 0; s < plan->n_sets; s++) {
        size_t begin = json_array_size(pairs);
        for (size_t v = 0; v < first->n_variants; v++) {
            TB_TRY(tb_check_cancel(plan->job->hooks, err));
            if (all_have(p, first->variant_names[v]))
                TB_TRY(put_variant(p, s, first->variant_names[v], pairs, err));
        }
        TB_TRY(correct(p, pairs, begin, err));
    }
    return TIMBANG_OK;
}

timbang_status tb_roadmap_pairs(const tb_roadmap *roadmap, json_t **out, tb_error *err)
{
    json_t *pairs = json_array();
    timbang_status status = tb_json_done(!pairs, err);
    for (size_t r = 0; r < roadmap->n_rows && status == TIMBANG_OK; r++)
        for (size_t k = 0; k < N_KINDS && roadmap->rows[r].stage == TB_STAGE_QAT && status == TIMBANG_OK; k++)
            for (size_t b = 0; b < roadmap->n_rows && status == TIMBANG_OK; b++) {
                pairing p = {.roadmap = roadmap, .kind = &kinds[k], .row = &roadmap->rows[r]};
                if (roadmap->rows[b].stage != kinds[k].baseline || !wanted(&p, &roadmap->rows[b]))
                    continue;
                status = put_rows(&p, pairs, err);
                free(p.own);
            }
    if (status != TIMBANG_OK) {
        json_decref(pairs);
        return status;
    }
    *out = pairs;
    return TIMBANG_OK;
}
