/* SPDX-License-Identifier: Apache-2.0
 * Models that are seeds of one recipe: found by their timbang.json, compared within seed, never pooled.
 * Includes: study/collect.h, study/lineage.h, study/units.h. Called by: study/study. */
#include "base/text.h"
#include "study/collect.h"
#include "study/lineage.h"
#include "study/record.h"
#include "study/units.h"

#include <stdlib.h>
#include <string.h>

typedef struct group {
    const tb_plan *plan;
    const tb_store *store;
    size_t *members; /* indices of models */
    size_t n;
} group;

/* Members in which the recipes differ, "a, b"; "" where all agree. */
static timbang_status differing(const group *g, json_t **names, tb_text *text, tb_error *err)
{
    *names = json_array();
    int bad = !*names;
    const json_t *first = g->plan->models[g->members[0]].settings;
    for (size_t i = 1; i < g->n; i++) {
        const json_t *other = g->plan->models[g->members[i]].settings;
        const json_t *sides[2][2] = {{first, other}, {other, first}};
        for (int side = 0; side < 2; side++) {
            const char *key;
            json_t *value;
            json_object_foreach((json_t *)(uintptr_t)sides[side][0], key, value)
            {
                bool known = false;
                size_t k;
                json_t *name;
                json_array_foreach(*names, k, name) known = known || strcmp(json_string_value(name), key) == 0;
                if (known || strcmp(key, "seed") == 0 || json_equal(value, json_object_get(sides[side][1], key)))
                    continue;
                bad |= json_array_append_new(*names, json_string(key));
                tb_text_printf(text, "%s%s", text->length ? ", " : "", key);
            }
        }
    }
    return tb_json_done(bad || text->failed, err);
}

static bool has_variant(const tb_plan_model *model, const char *name)
{
    bool found = false;
    for (size_t v = 0; v < model->n_variants; v++)
        found = found || strcmp(model->variant_names[v], name) == 0;
    return found;
}

static timbang_status load_all(const group *g, size_t set, const char *variant, float **logits, tb_error *err)
{
    for (size_t i = 0; i < g->n; i++) {
        const tb_unit unit = {.plan = g->plan, .model = g->members[i], .set = set, .variant = variant};
        TB_TRY(tb_unit_load(g->store, &unit, &logits[i], NULL, err));
    }
    return TIMBANG_OK;
}

static timbang_status put_variant(const group *g, size_t set, const char *variant, json_t *results, tb_error *err)
{
    const tb_plan_model *first = &g->plan->models[g->members[0]];
    bool compared = strcmp(variant, "fp32") != 0;
    for (size_t i = 0; i < g->n; i++) {
        if (!has_variant(&g->plan->models[g->members[i]], variant))
            return TIMBANG_OK; /* not all seeds ran it */
        compared = compared && has_variant(&g->plan->models[g->members[i]], "fp32");
    }
    float **logits = tb_calloc(2 * g->n, sizeof *logits, err);
    timbang_status status = logits ? load_all(g, set, variant, logits, err) : err->status;
    if (status == TIMBANG_OK && compared)
        status = load_all(g, set, "fp32", logits + g->n, err);
    json_t *figures = NULL;
    if (status == TIMBANG_OK)
        status = tb_figures_of_seeds(&first->tasks[set], &g->plan->statistics, (const float *const *)logits,
                                     compared ? (const float *const *)(logits + g->n) : NULL, g->n, g->plan->job->pool,
                                     &figures, err);
    for (size_t i = 0; logits && i < 2 * g->n; i++)
        free(logits[i]);
    free(logits);
    TB_TRY(status);
    json_t *entry = json_pack("{s:s, s:s}", "data", g->plan->sets[set].name, "variant", variant);
    int bad = json_object_update(entry, figures);
    json_decref(figures);
    bad |= json_array_append_new(results, entry);
    return tb_json_done(bad != 0, err);
}

static timbang_status put_results(const group *g, json_t *results, tb_error *err)
{
    const tb_plan_model *first = &g->plan->models[g->members[0]];
    for (size_t s = 0; s < g->plan->n_sets; s++)
        for (size_t v = 0; v < first->n_variants; v++) {
            TB_TRY(tb_check_cancel(g->plan->job->hooks, err));
            TB_TRY(put_variant(g, s, first->variant_names[v], results, err));
        }
    return TIMBANG_OK;
}

static timbang_status put_group(const group *g, json_t *into, tb_error *err)
{
    json_t *models = json_array(), *seeds = json_array(), *results = json_array(), *names = NULL;
    int bad = 0;
    for (size_t i = 0; i < g->n; i++) {
        const tb_plan_model *model = &g->plan->models[g->members[i]];
        bad |= json_array_append_new(models, json_string(model->name));
        bad |= json_array_append_new(seeds, tb_json_count(model->recipe_seed));
    }
    tb_text text = {0};
    timbang_status status = differing(g, &names, &text, err);
    tb_notes notes = tb_plan_notes(g->plan);
    if (status == TIMBANG_OK && json_array_size(names) > 0)
        status = tb_note(&notes, NULL, NULL, "seeds_differ", err,
                         "the %zu seeds of the recipe %s differ in more than their seed: %s", g->n,
                         g->plan->models[g->members[0]].recipe, text.data);
    tb_text_free(&text);
    if (status == TIMBANG_OK)
        status = put_results(g, results, err);
    json_t *entry = json_pack("{s:s, s:o, s:o, s:o, s:o}", "recipe", g->plan->models[g->members[0]].recipe, "models",
                              models, "seeds", seeds, "differing", names ? names : json_array(), "results", results);
    bad |= !entry;
    if (status == TIMBANG_OK)
        bad |= json_array_append(into, entry);
    json_decref(entry);
    return status == TIMBANG_OK ? tb_json_done(bad != 0, err) : status;
}

timbang_status tb_collect_groups(const tb_plan *plan, const tb_store *store, tb_collected *into, tb_error *err)
{
    group g = {.plan = plan, .store = store};
    g.members = tb_calloc(plan->n_models, sizeof *g.members, err);
    timbang_status status = g.members ? TIMBANG_OK : err->status;
    for (size_t m = 0; m < plan->n_models && status == TIMBANG_OK; m++) {
        bool earlier;
        g.n = tb_seeds_of_recipe(plan, m, g.members, &earlier);
        if (!earlier && g.n > 1)
            status = put_group(&g, into->groups, err);
    }
    free(g.members);
    return status;
}
