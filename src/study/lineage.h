/* How the models of a study descend from each other, as their timbang.json record it.
 * Includes: study/plan.h. Called by: study/groups, study/roadmap, study/results. */
#ifndef TB_STUDY_LINEAGE_H
#define TB_STUDY_LINEAGE_H

#include "study/plan.h"

tb_stage tb_stage_of(const tb_plan_model *model); /* when the plan is read */
const char *tb_stage_name(tb_stage stage);        /* "base", "fine-tuned", "qat", "control"; NULL for none */
/* Did training of ours write one of the models, or was one given as a control? Then there is a roadmap. */
bool tb_plan_has_roadmap(const tb_plan *plan);

bool tb_same_labels(const tb_plan_model *a, const tb_plan_model *b); /* in the same order */
/* May the two be trained from one another, by their shape? */
bool tb_same_shape(const tb_plan_model *a, const tb_plan_model *b);
/* The model of the study whose weights this one's training began with, or NULL. */
const tb_plan_model *tb_parent_of(const tb_plan *plan, const tb_plan_model *model);
/* Are they seeds of one recipe, or the same one: recipe, labels, shape, and as far as it is known where they began? */
bool tb_one_recipe(const tb_plan *plan, const tb_plan_model *a, const tb_plan_model *b);

/* Fills members [n_models] with the models that are seeds of the recipe of model `index`, other seeds once each, itself
 * among them; returns how many. *earlier: one of them (or a repeated seed) stands before it. */
size_t tb_seeds_of_recipe(const tb_plan *plan, size_t index, size_t *members, bool *earlier);

#endif
