/* SPDX-License-Identifier: Apache-2.0
 * The models of a plan: folders of seeds taken apart, folders opened, what training wrote told from other models.
 * Includes: study/plan.h. Called by: study/plan. */
#include "base/text.h"
#include "study/plan.h"
#include "study/record.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEEDS   "seeds.json"
#define MASTERS "master"
enum { MAX_ENTRIES = 1000 };

/* ---- What is asked for, folder by folder ---- */

typedef struct entry {
    char *name, *path; /* path NULL: the embedded model */
    char *seeds_name;  /* of the folder of seeds; NULL: none */
    size_t seeds_of;   /* its number, from 1 */
    bool control;
} entry;

typedef struct entries {
    entry *items;
    size_t n;
    char **taken; /* names: of items, and of folders of seeds; owned */
    size_t n_taken;
} entries;

static void entries_free(entries *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free(list->items[i].name);
        free(list->items[i].path);
        free(list->items[i].seeds_name);
    }
    free(list->items);
    for (size_t i = 0; i < list->n_taken; i++)
        free(list->taken[i]);
    free(list->taken);
}

static timbang_status take_name(entries *list, const char *name, tb_error *err)
{
    void *block = list->taken;
    TB_TRY(tb_grow(&block, list->n_taken + 1, sizeof *list->taken, err));
    list->taken = block;
    list->taken[list->n_taken] = tb_strdup(name, err);
    if (!list->taken[list->n_taken])
        return err->status;
    list->n_taken++;
    return TIMBANG_OK;
}

static timbang_status add_entry(entries *list, const char *name, const char *path, bool control, tb_error *err)
{
    if (list->n == MAX_ENTRIES)
        return tb_fail(err, TIMBANG_USAGE, "a study has at most %d models, seeds counted one by one", MAX_ENTRIES);
    void *block = list->items;
    TB_TRY(tb_grow(&block, list->n + 1, sizeof *list->items, err));
    list->items = block;
    entry *e = &list->items[list->n++];
    *e = (entry){.control = control};
    e->name = tb_strdup(name, err);
    e->path = path && e->name ? tb_strdup(path, err) : NULL;
    if (!e->name || (path && !e->path))
        return err->status;
    return take_name(list, name, err);
}

/* One of the seeds of a folder, "NAME/seed-42" in DIR/seed-42. */
static timbang_status add_seed(entries *list, const char *name, const char *path, uint64_t seed, size_t number,
                               bool control, tb_error *err)
{
    char part[40];
    tb_text full = {0};
    snprintf(part, sizeof part, "seed-%" PRIu64, seed);
    tb_text_printf(&full, "%s/%s", name, part);
    timbang_status status = tb_text_finish(&full, err);
    char *folder = status == TIMBANG_OK ? tb_path_join(path, part, err) : NULL, *own = NULL;
    if (folder)
        status = tb_plan_name(full.data, folder, false, list->taken, list->n_taken, &own, err);
    else
        status = err->status;
    if (status == TIMBANG_OK)
        status = add_entry(list, own, folder, control, err);
    if (status == TIMBANG_OK) {
        entry *e = &list->items[list->n - 1];
        e->seeds_of = number;
        e->seeds_name = tb_strdup(name, err);
        status = e->seeds_name ? TIMBANG_OK : err->status;
    }
    free(own);
    free(folder);
    tb_text_free(&full);
    return status;
}

/* An item of "seeds": a number, or an object that has one as "seed". */
static timbang_status seed_of(const json_t *item, const char *file, size_t i, uint64_t *seed, tb_error *err)
{
    const json_t *number = json_is_object(item) ? json_object_get(item, "seed") : item;
    if (!json_is_integer(number) || json_integer_value(number) < 0)
        return tb_fail(err, TIMBANG_FORMAT, "%s: seeds[%zu] is no whole number of 0 or more", file, i);
    *seed = (uint64_t)json_integer_value(number);
    return TIMBANG_OK;
}

static timbang_status add_seeds(entries *list, const char *name, const char *path, size_t number, bool control,
                                tb_error *err)
{
    json_t *root = NULL;
    char *file = tb_path_join(path, SEEDS, err);
    timbang_status status = file ? tb_json_load_file(file, &root, err) : err->status;
    const json_t *seeds = json_object_get(root, "seeds");
    size_t n = json_array_size(seeds);
    if (status == TIMBANG_OK && (n == 0 || n > MAX_ENTRIES))
        status = tb_fail(err, TIMBANG_FORMAT, "%s: 'seeds' must be an array of 1 to %d seeds", file, MAX_ENTRIES);
    if (status == TIMBANG_OK)
        status = take_name(list, name, err);
    for (size_t i = 0; i < n && status == TIMBANG_OK; i++) {
        uint64_t seed = 0;
        status = seed_of(json_array_get(seeds, i), file, i, &seed, err);
        if (status == TIMBANG_OK)
            status = add_seed(list, name, path, seed, number, control, err);
    }
    json_decref(root);
    free(file);
    return status;
}

static timbang_status has_seeds(const char *path, bool *has, tb_error *err)
{
    tb_folder *folder = NULL;
    *has = false;
    if (!path || !tb_is_directory(path)) /* opening it says what is wrong */
        return TIMBANG_OK;
    TB_TRY(tb_folder_open(path, &folder, err));
    *has = tb_folder_has(folder, SEEDS);
    tb_folder_close(folder);
    return TIMBANG_OK;
}

static timbang_status add_given(const tb_plan *plan, entries *list, const timbang_named_path *given, size_t number,
                                bool control, tb_error *err)
{
    const char *weights = plan->job->options->weights, *path = given->path;
    if (control && (!path || path[0] == '\0'))
        return tb_fail(err, TIMBANG_USAGE, "--control needs the folder of a control");
    const char *source = weights ? weights : control && !given->name ? "control" : path;
    char *name = NULL;
    bool seeds = false;
    TB_TRY(tb_plan_name(given->name, source, weights != NULL, list->taken, list->n_taken, &name, err));
    timbang_status status = has_seeds(path, &seeds, err);
    if (status == TIMBANG_OK)
        status = seeds ? add_seeds(list, name, path, number, control, err) : add_entry(list, name, path, control, err);
    free(name);
    return status;
}

static timbang_status list_entries(const tb_plan *plan, entries *list, tb_error *err)
{
    const timbang_study_options *o = plan->job->options;
    for (size_t i = 0; i < o->n_models; i++)
        TB_TRY(add_given(plan, list, &o->models[i], i + 1, false, err));
    for (size_t i = 0; i < o->n_controls; i++)
        TB_TRY(add_given(plan, list, &o->controls[i], o->n_models + i + 1, true, err));
    return TIMBANG_OK;
}

/* ---- Names that are safe as those of files ---- */

static timbang_status make_slug(const tb_plan *plan, tb_plan_model *model, tb_error *err)
{
    size_t length = strlen(model->name) < 100 ? strlen(model->name) : 100;
    char *made = tb_calloc(length + 32, 1, err);
    if (!made)
        return err->status;
    for (size_t i = 0; i < length; i++) {
        char c = model->name[i];
        bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                    c == '_' || (c == '.' && i > 0);
        made[i] = fine ? c : '_';
    }
    for (size_t n = 2; n < MAX_ENTRIES; n++) {
        bool taken = false;
        for (size_t m = 0; m < plan->n_models; m++)
            taken = taken || (plan->models[m].slug && strcmp(plan->models[m].slug, made) == 0);
        if (!taken)
            break;
        snprintf(made + length, 31, "-%zu", n);
    }
    model->slug = made;
    return TIMBANG_OK;
}

/* ---- Opening ---- */

/* What the sidecar timbang.json says of a head that an earlier command made; it knows nothing of a bare file. */
static timbang_status recorded_untrained(const tb_plan_model *model, bool *untrained, tb_error *err)
{
    const tb_folder *folder = model->folder;
    if (model->weights_path || !tb_folder_has(folder, "timbang.json"))
        return TIMBANG_OK;
    json_t *sidecar = NULL;
    TB_TRY(tb_json_load(folder, "timbang.json", &sidecar, err));
    timbang_status status = tb_json_get_bool(sidecar, "timbang.json", "untrained_head", false, untrained, err);
    json_decref(sidecar);
    return status;
}

/* The only file's, which is what quantize would compute; NULL for shards. */
static const char *only_sha256(const json_t *files, size_t begin, size_t end)
{
    const json_t *only = end == begin + 1 ? json_array_get(files, begin) : NULL;
    return json_string_value(json_object_get(only, "sha256"));
}

/* Files of the masters, under "master/", stand before those of the folder that holds them. */
static timbang_status below_masters(json_t *files, tb_error *err)
{
    size_t i;
    json_t *file;
    int bad = 0;
    json_array_foreach(files, i, file) bad |= json_object_set_new(
        file, "file", json_sprintf(MASTERS "/%s", json_string_value(json_object_get(file, "file"))));
    return tb_json_done(bad != 0, err);
}

static timbang_status add_files(json_t *files, json_t *others, tb_error *err)
{
    int bad = json_array_extend(files, others);
    json_decref(others);
    return tb_json_done(bad != 0, err);
}

static timbang_status find_files(tb_plan_model *model, tb_error *err)
{
    TB_TRY(tb_settings_facts(model->folder, &model->files, err));
    TB_TRY(tb_weights_facts(model->folder, model->weights_path, &model->weights, err));
    size_t n = json_array_size(model->weights);
    model->source_sha256 = only_sha256(model->weights, 0, n);
    if (!model->trained)
        return TIMBANG_OK;
    json_t *others = NULL;
    TB_TRY(below_masters(model->files, err));
    TB_TRY(below_masters(model->weights, err));
    TB_TRY(tb_settings_facts(model->trained, &others, err));
    TB_TRY(add_files(model->files, others, err));
    TB_TRY(tb_weights_facts(model->trained, NULL, &others, err));
    TB_TRY(add_files(model->weights, others, err));
    model->trained_sha256 = only_sha256(model->weights, n, json_array_size(model->weights));
    if (!model->trained_sha256)
        return tb_fail(err, TIMBANG_FORMAT, "%s: should hold its weights in model.safetensors, beside " MASTERS "/",
                       model->path);
    return TIMBANG_OK;
}

static bool same_shape(const tb_config *a, const tb_config *b)
{
    bool same = a->vocab_size == b->vocab_size && a->hidden_size == b->hidden_size &&
                a->num_hidden_layers == b->num_hidden_layers && a->intermediate_size == b->intermediate_size &&
                a->n_labels == b->n_labels;
    for (size_t l = 0; same && l < a->n_labels; l++)
        same = strcmp(a->labels[l], b->labels[l]) == 0;
    return same;
}

/* A folder that QAT wrote holds the float masters that every variant but its own is made from. */
static timbang_status open_masters(tb_plan_model *model, tb_error *err)
{
    const tb_training *t = &model->training;
    if (!model->path || model->weights_path || !t->role || strcmp(t->role, "qat") != 0)
        return TIMBANG_OK;
    char *path = tb_path_join(model->path, MASTERS, err);
    timbang_status status = path ? TIMBANG_OK : err->status;
    if (path && tb_is_directory(path)) {
        if (!t->scheme)
            status = tb_fail(err, TIMBANG_FORMAT, "%s/timbang.json: 'scheme' is missing; it is what QAT trained for",
                             model->path);
        if (status == TIMBANG_OK)
            status = tb_folder_open(path, &model->masters, err);
    }
    free(path);
    if (model->masters) {
        model->folder = model->masters;
        model->trained = model->opened;
    }
    return status;
}

static timbang_status check_masters(const tb_plan_model *model, tb_error *err)
{
    if (!model->masters)
        return TIMBANG_OK;
    if (model->shipped)
        return tb_fail(err, TIMBANG_FORMAT, "%s/" MASTERS ": is quantized; it should hold the float masters",
                       model->path);
    tb_config config = {0};
    TB_TRY(tb_config_load(model->trained, &config, err));
    bool same = same_shape(&config, &model->config);
    tb_config_free(&config);
    if (same)
        return TIMBANG_OK;
    return tb_fail(err, TIMBANG_MISMATCH,
                   "%s: its config.json and that of " MASTERS
                   "/ differ in shape or labels: they are not of one training",
                   model->path);
}

static timbang_status open_model(tb_plan *plan, tb_plan_model *model, tb_error *err)
{
    if (model->path) {
        TB_TRY(tb_folder_open(model->path, &model->opened, err));
        model->folder = model->opened;
    } else if (plan->job->embedded)
        model->folder = plan->job->embedded;
    else
        return tb_fail(err, TIMBANG_USAGE, "this build has no embedded model: name one with --model NAME=DIR");
    TB_TRY(tb_plan_recipe(model, err));
    TB_TRY(open_masters(model, err));
    TB_TRY(tb_config_load(model->folder, &model->config, err));
    TB_TRY(tb_parts_of(model->folder, model->weights_path, &model->parts, err));
    model->shipped = model->config.quantization != NULL;
    TB_TRY(check_masters(model, err));
    bool recorded = false;
    TB_TRY(recorded_untrained(model, &recorded, err));
    model->untrained_head = !model->parts.has_head || recorded;
    model->new_head = !model->parts.has_head;
    return find_files(model, err);
}

/* A control is what training for as long in FP32 gives. */
static timbang_status check_control(const tb_plan *plan, const tb_plan_model *model, tb_error *err)
{
    const char *role = model->training.role;
    if (!model->training.control || (role && strcmp(role, "control") == 0))
        return TIMBANG_OK;
    if (role && strcmp(role, "qat") == 0)
        return tb_fail(err, TIMBANG_USAGE, "--control %s: was trained with quantization; --model takes it",
                       model->path);
    if (model->shipped)
        return tb_fail(err, TIMBANG_USAGE, "--control %s: is quantized; a control is trained in FP32", model->path);
    tb_notes notes = tb_plan_notes(plan);
    return tb_note(&notes, model->name, NULL, "control_unrecorded", err,
                   "is taken for a control as it was given as one; its timbang.json does not say so");
}

timbang_status tb_plan_models(tb_plan *plan, tb_error *err)
{
    const timbang_study_options *o = plan->job->options;
    if (o->n_models == 0 || o->n_models > MAX_ENTRIES || o->n_controls > MAX_ENTRIES)
        return tb_fail(err, TIMBANG_USAGE, "a study needs at least one model: name one with --model NAME=DIR");
    if (o->weights && (o->n_models != 1 || o->n_controls > 0 || !o->models[0].path))
        return tb_fail(
            err, TIMBANG_USAGE,
            "%s: a bare file of weights is the only model of a study, with the folder of its config.json; "
            "to compare it with others, make a folder of it (quantize --weights FILE --config DIR --to fp32)",
            o->weights);
    entries list = {0};
    timbang_status status = list_entries(plan, &list, err);
    if (status == TIMBANG_OK) {
        plan->models = tb_calloc(list.n, sizeof *plan->models, err);
        status = plan->models ? TIMBANG_OK : err->status;
    }
    for (size_t i = 0; i < list.n && status == TIMBANG_OK; i++) {
        tb_plan_model *model = &plan->models[i];
        entry *e = &list.items[i];
        *model = (tb_plan_model){.name = e->name, .own_path = e->path, .path = e->path, .weights_path = o->weights};
        model->training = (tb_training){.control = e->control, .seeds_of = e->seeds_of, .seeds_name = e->seeds_name};
        *e = (entry){0}; /* its strings are the model's now */
        status = make_slug(plan, model, err);
        plan->n_models++;
        if (status == TIMBANG_OK)
            status = open_model(plan, model, err);
        if (status == TIMBANG_OK)
            status = check_control(plan, model, err);
    }
    entries_free(&list);
    return status;
}

size_t tb_plan_trained_variant(const tb_plan_model *model)
{
    for (size_t v = 0; model->trained && v < model->n_variants; v++)
        if (strcmp(model->variant_names[v], model->training.scheme) == 0)
            return v;
    return SIZE_MAX;
}

/* ---- Freeing ---- */

static void free_model(tb_plan_model *model, size_t n_tasks)
{
    for (size_t s = 0; model->tasks && s < n_tasks; s++)
        tb_task_free(&model->tasks[s]);
    free(model->tasks);
    if (model->own_labels)
        tb_labels_free(model->own_labels, model->n_labels);
    free(model->variants);
    free(model->variant_names);
    json_decref(model->weights);
    json_decref(model->files);
    json_decref(model->settings);
    free(model->recipe);
    free(model->training.role);
    free(model->training.scheme);
    free(model->training.masters);
    free(model->training.recipe_hash);
    free(model->training.parent);
    free(model->training.seeds_name);
    tb_config_free(&model->config);
    tb_folder_close(model->masters);
    tb_folder_close(model->opened);
    free(model->own_path);
    free(model->name);
    free(model->slug);
}

void tb_plan_models_free(tb_plan *plan)
{
    for (size_t m = 0; m < plan->n_models; m++)
        free_model(&plan->models[m], plan->n_loaded);
    free(plan->models);
    plan->models = NULL;
    plan->n_models = 0;
}
