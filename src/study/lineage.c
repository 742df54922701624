/* SPDX-License-Identifier: Apache-2.0
 * Roles, parents and seeds.
 * Includes: study/lineage.h. Called by: study/groups, study/roadmap, study/results. */
#include "study/lineage.h"

#include <string.h>

enum { LONGEST_LINEAGE = 8 }; /* a record that names itself as its parent must end too */

static bool is(const char *role, const char *name)
{
    return role && strcmp(role, name) == 0;
}

tb_stage tb_stage_of(const tb_plan_model *model)
{
    const char *role = model->training.role;
    if (model->training.control || is(role, "control"))
        return TB_STAGE_CONTROL;
    if (is(role, "qat"))
        return TB_STAGE_QAT;
    if (is(role, "quantized") || model->shipped)
        return TB_STAGE_NONE;
    if (is(role, "fine-tuned"))
        return TB_STAGE_FINE_TUNED;
    return model->untrained_head || is(role, "base") || is(role, "mlm") ? TB_STAGE_BASE : TB_STAGE_FINE_TUNED;
}

const char *tb_stage_name(tb_stage stage)
{
    static const char *const names[] = {NULL, "base", "fine-tuned", "qat", "control"};
    return names[stage];
}

bool tb_plan_has_roadmap(const tb_plan *plan)
{
    static const char *const roles[] = {"fine-tuned", "control", "qat", "mlm"};
    for (size_t m = 0; m < plan->n_models; m++) {
        if (plan->models[m].training.control)
            return true;
        for (size_t r = 0; r < sizeof roles / sizeof roles[0]; r++)
            if (is(plan->models[m].training.role, roles[r]))
                return true;
    }
    return false;
}

bool tb_same_labels(const tb_plan_model *a, const tb_plan_model *b)
{
    if (a->n_labels != b->n_labels)
        return false;
    for (size_t l = 0; l < a->n_labels; l++)
        if (strcmp(a->labels[l], b->labels[l]) != 0)
            return false;
    return true;
}

bool tb_same_shape(const tb_plan_model *a, const tb_plan_model *b)
{
    const tb_config *x = &a->config, *y = &b->config;
    return x->vocab_size == y->vocab_size && x->hidden_size == y->hidden_size &&
           x->num_hidden_layers == y->num_hidden_layers && x->num_attention_heads == y->num_attention_heads &&
           x->intermediate_size == y->intermediate_size && x->max_position_embeddings == y->max_position_embeddings;
}

const tb_plan_model *tb_parent_of(const tb_plan *plan, const tb_plan_model *model)
{
    for (size_t m = 0; model->training.parent && m < plan->n_models; m++) {
        const tb_plan_model *other = &plan->models[m];
        if (other != model && other->source_sha256 && strcmp(other->source_sha256, model->training.parent) == 0)
            return other;
    }
    return NULL;
}

static bool one_recipe(const tb_plan *plan, const tb_plan_model *a, const tb_plan_model *b, int depth);

/* Two backbones may be trained by one recipe: then they began with other weights. Seeds of QAT began with other seeds,
 * so where those are not in the study nothing can be told. */
static bool one_origin(const tb_plan *plan, const tb_plan_model *a, const tb_plan_model *b, int depth)
{
    const char *x = a->training.parent, *y = b->training.parent;
    if (!x || !y || strcmp(x, y) == 0)
        return true;
    const tb_plan_model *parent_a = tb_parent_of(plan, a), *parent_b = tb_parent_of(plan, b);
    if (parent_a && parent_b)
        return depth > 0 && one_recipe(plan, parent_a, parent_b, depth - 1);
    return !is(a->training.role, "fine-tuned") && !is(a->training.role, "mlm");
}

static bool one_recipe(const tb_plan *plan, const tb_plan_model *a, const tb_plan_model *b, int depth)
{
    if (a == b)
        return true;
    const tb_training *x = &a->training, *y = &b->training;
    if (!a->recipe || !b->recipe || strcmp(a->recipe, b->recipe) != 0 || !tb_same_labels(a, b) ||
        !tb_same_shape(a, b) || tb_stage_of(a) != tb_stage_of(b))
        return false;
    if (x->seeds_of > 0 && y->seeds_of > 0) /* a folder of seeds is a whole */
        return x->seeds_of == y->seeds_of;
    return one_origin(plan, a, b, depth);
}

bool tb_one_recipe(const tb_plan *plan, const tb_plan_model *a, const tb_plan_model *b)
{
    return one_recipe(plan, a, b, LONGEST_LINEAGE);
}

size_t tb_seeds_of_recipe(const tb_plan *plan, size_t index, size_t *members, bool *earlier)
{
    const tb_plan_model *first = &plan->models[index];
    size_t n = 0;
    *earlier = false;
    for (size_t o = 0; o < plan->n_models; o++) {
        const tb_plan_model *other = &plan->models[o];
        if (!first->recipe || !tb_one_recipe(plan, first, other))
            continue;
        bool again = false; /* the same seed a second time is no other seed */
        for (size_t i = 0; i < n; i++)
            again = again || plan->models[members[i]].recipe_seed == other->recipe_seed;
        *earlier = *earlier || o < index;
        if (!again)
            members[n++] = o;
    }
    return n;
}
