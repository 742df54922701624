/* SPDX-License-Identifier: Apache-2.0
 * What a model's timbang.json says of its training: the recipe that seeds share.
 * Includes: study/plan.h. Called by: study/plan. */
#include "study/plan.h"

#include <string.h>

enum { MAX_SETTINGS = 1000 };

/* The recipe's own name where it has one, else its hash; a quantized folder has the recipe of its rounding only. */
static timbang_status read_recipe(tb_plan_model *model, const json_t *sidecar, tb_error *err)
{
    const char *role = NULL, *hash = NULL, *name = NULL;
    TB_TRY(tb_json_get_string(sidecar, "timbang.json", "role", false, &role, err));
    TB_TRY(tb_json_get_string(sidecar, "timbang.json", "recipe_hash", false, &hash, err));
    json_t *recipe = json_object_get(sidecar, "recipe"), *seed = json_object_get(sidecar, "seed");
    if (json_is_object(recipe))
        TB_TRY(tb_json_get_string(recipe, "timbang.json", "name", false, &name, err));
    bool grouped = (name || hash) && json_is_integer(seed) && (!role || strcmp(role, "quantized") != 0);
    if (!grouped || json_object_size(recipe) > MAX_SETTINGS)
        return TIMBANG_OK;
    model->recipe = tb_strdup(name ? name : hash, err);
    model->settings = json_is_object(recipe) ? json_incref(recipe) : NULL;
    model->recipe_seed = (uint64_t)json_integer_value(seed);
    return model->recipe ? TIMBANG_OK : err->status;
}

timbang_status tb_plan_recipe(tb_plan_model *model, tb_error *err)
{
    if (model->weights_path || !tb_folder_has(model->folder, "timbang.json"))
        return TIMBANG_OK;
    json_t *sidecar = NULL;
    TB_TRY(tb_json_load(model->folder, "timbang.json", &sidecar, err));
    timbang_status status = read_recipe(model, sidecar, err);
    json_decref(sidecar);
    return status;
}
