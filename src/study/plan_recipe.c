/* SPDX-License-Identifier: Apache-2.0
 * What a model's timbang.json says of its training: its role, where it began, the recipe that seeds share.
 * Includes: study/plan.h. Called by: study/plan_models. */
#include "study/plan.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_SETTINGS = 1000 };

static timbang_status copy_string(const json_t *sidecar, const char *key, char **copy, tb_error *err)
{
    const char *value = NULL;
    TB_TRY(tb_json_get_string(sidecar, "timbang.json", key, false, &value, err));
    if (!value)
        return TIMBANG_OK;
    *copy = tb_strdup(value, err);
    return *copy ? TIMBANG_OK : err->status;
}

static timbang_status read_training(tb_training *training, const json_t *sidecar, tb_error *err)
{
    TB_TRY(copy_string(sidecar, "role", &training->role, err));
    TB_TRY(copy_string(sidecar, "scheme", &training->scheme, err));
    TB_TRY(copy_string(sidecar, "master_sha256", &training->masters, err));
    TB_TRY(copy_string(sidecar, "recipe_hash", &training->recipe_hash, err));
    TB_TRY(copy_string(sidecar, "parent_sha256", &training->parent, err));
    training->has_seed = json_is_integer(json_object_get(sidecar, "seed"));
    bool masters = training->role && training->scheme && strcmp(training->role, "qat") == 0 &&
                   strcmp(training->scheme, "fp32") == 0;
    if (masters) { /* given by themselves: what they were trained for stands in the folder above */
        free(training->scheme);
        training->scheme = NULL;
    }
    return TIMBANG_OK;
}

/* The recipe's own name where it has one, else its hash; a quantized folder has the recipe of its rounding only. */
static timbang_status read_recipe(tb_plan_model *model, const json_t *sidecar, tb_error *err)
{
    const char *role = model->training.role, *hash = model->training.recipe_hash, *name = NULL;
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
    timbang_status status = read_training(&model->training, sidecar, err);
    if (status == TIMBANG_OK)
        status = read_recipe(model, sidecar, err);
    json_decref(sidecar);
    return status;
}
