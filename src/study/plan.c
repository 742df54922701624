/* SPDX-License-Identifier: Apache-2.0
 * The plan of a study: options, models, variants. (Sets: plan_sets.c; labels: plan_labels.c.)
 * Includes: study/plan.h. Called by: study/study. */
#include "study/plan.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const default_variants[] = {"fp32", "fp16", "int8", "int4"};
enum { N_DEFAULT_VARIANTS = sizeof default_variants / sizeof default_variants[0], MAX_ENTRIES = 1000 };

tb_notes tb_plan_notes(const tb_plan *plan)
{
    return (tb_notes){.list = plan->warnings, .hooks = plan->job->hooks};
}

/* ---- Names ---- */

static bool is_taken(const char *name, char *const *taken, size_t n_taken)
{
    for (size_t i = 0; i < n_taken; i++)
        if (taken[i] && strcmp(taken[i], name) == 0)
            return true;
    return false;
}

timbang_status tb_plan_name(const char *given, const char *path, bool drop_extension, char *const *taken,
                            size_t n_taken, char **name, tb_error *err)
{
    if (given && given[0] == '\0')
        return tb_fail(err, TIMBANG_USAGE, "the name before '=' is empty in '=%s'", path ? path : "");
    if (given && tb_utf8_invalid_at(given, strlen(given)) != SIZE_MAX)
        return tb_fail(err, TIMBANG_USAGE, "the name of %s is not valid UTF-8", path ? path : "the model");
    if (given && is_taken(given, taken, n_taken))
        return tb_fail(err, TIMBANG_USAGE, "the name '%s' is given twice", given);

    const char *source = given ? given : path ? path : "embedded";
    size_t end = strlen(source), begin;
    while (!given && end > 1 && source[end - 1] == '/')
        end--;
    begin = end;
    while (!given && begin > 0 && source[begin - 1] != '/')
        begin--;
    if (given)
        begin = 0;
    if (!given && drop_extension)
        for (size_t i = end; i > begin + 1; i--)
            if (source[i - 1] == '.') {
                end = i - 1;
                break;
            }
    char *made = tb_calloc(end - begin + 32, 1, err);
    if (!made)
        return err->status;
    memcpy(made, source + begin, end - begin);
    for (size_t i = 0; made[i]; i++) /* a path may have any bytes */
        if (!given && ((unsigned char)made[i] < 0x20 || tb_utf8_invalid_at(made, strlen(made)) == i))
            made[i] = '_';
    if (strcmp(made, "-") == 0 && !given)
        memcpy(made, "stdin", 6);
    for (size_t n = 2, length = strlen(made); is_taken(made, taken, n_taken) && n < MAX_ENTRIES; n++)
        snprintf(made + length, 31, "-%zu", n);
    *name = made;
    return TIMBANG_OK;
}

/* The name with everything replaced that a file name should not hold. */
static timbang_status make_slug(const char *name, char *const *taken, size_t n_taken, char **slug, tb_error *err)
{
    size_t length = strlen(name) < 100 ? strlen(name) : 100;
    char *made = tb_calloc(length + 32, 1, err);
    if (!made)
        return err->status;
    for (size_t i = 0; i < length; i++) {
        char c = name[i];
        bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                    c == '_' || (c == '.' && i > 0);
        made[i] = fine ? c : '_';
    }
    for (size_t n = 2; is_taken(made, taken, n_taken) && n < MAX_ENTRIES; n++)
        snprintf(made + length, 31, "-%zu", n);
    *slug = made;
    return TIMBANG_OK;
}

/* ---- Variants ---- */

static timbang_status parse_variants(tb_plan *plan, tb_error *err)
{
    const timbang_study_options *o = plan->job->options;
    plan->asked = o->variants && o->n_variants > 0;
    const char *const *names = plan->asked ? o->variants : default_variants;
    size_t n = plan->asked ? o->n_variants : N_DEFAULT_VARIANTS;
    if (n > MAX_ENTRIES)
        return tb_fail(err, TIMBANG_USAGE, "%zu variants are too many", n);
    plan->schemes = tb_calloc(n, sizeof *plan->schemes, err);
    if (!plan->schemes)
        return err->status;
    for (size_t i = 0; i < n; i++) {
        tb_scheme scheme = {0};
        bool seen = false;
        TB_TRY(tb_scheme_parse(names[i], 0, NULL, &scheme, err));
        for (size_t j = 0; j < plan->n_schemes; j++)
            seen = seen || strcmp(plan->schemes[j].name, scheme.name) == 0;
        if (seen)
            continue;
        if (strcmp(scheme.name, "fp32") == 0) { /* the baseline is first, whatever the order asked for */
            memmove(plan->schemes + 1, plan->schemes, plan->n_schemes * sizeof *plan->schemes);
            plan->schemes[0] = scheme;
        } else
            plan->schemes[plan->n_schemes] = scheme;
        plan->n_schemes++;
    }
    if (strcmp(plan->schemes[0].name, "fp32") != 0) {
        tb_notes notes = tb_plan_notes(plan);
        return tb_note(&notes, NULL, NULL, "no_baseline", err,
                       "fp32 is not among the variants, so nothing is compared");
    }
    return TIMBANG_OK;
}

/* A quantized file can be run as it is and in no other way. */
static timbang_status shipped_variant(tb_plan *plan, tb_plan_model *model, const char *scheme, tb_error *err)
{
    tb_text others = {0};
    bool found = false;
    for (size_t i = 0; i < plan->n_schemes; i++) {
        bool same = strcmp(plan->schemes[i].name, scheme) == 0;
        found = found || same;
        if (!same)
            tb_text_printf(&others, "%s%s", others.length ? ", " : "", plan->schemes[i].name);
    }
    timbang_status status = tb_text_finish(&others, err);
    if (status == TIMBANG_OK && plan->asked && !found)
        status =
            tb_fail(err, TIMBANG_USAGE,
                    "%s: its weights are %s already, so only the variant %s can be run; %s need%s the float model it "
                    "was made from",
                    model->name, scheme, scheme, others.data, strchr(others.data, ',') ? "" : "s");
    tb_notes notes = tb_plan_notes(plan);
    if (status == TIMBANG_OK && others.length > 0)
        status = tb_note(&notes, model->name, NULL, "shipped_quantized", err,
                         "its weights are %s already, so only that was run; %s need%s the float model it was made from",
                         scheme, others.data, strchr(others.data, ',') ? "" : "s");
    tb_text_free(&others);
    if (status != TIMBANG_OK)
        return status;
    model->n_variants = 1;
    snprintf(model->variant_names[0], sizeof model->variant_names[0], "%s", scheme);
    return TIMBANG_OK;
}

static timbang_status choose_variants(tb_plan *plan, tb_plan_model *model, const char *scheme, tb_error *err)
{
    model->variants = tb_calloc(plan->n_schemes, sizeof *model->variants, err);
    model->variant_names = model->variants ? tb_calloc(plan->n_schemes, sizeof *model->variant_names, err) : NULL;
    if (!model->variant_names)
        return err->status;
    if (model->shipped)
        return shipped_variant(plan, model, scheme, err);
    model->n_variants = plan->n_schemes;
    for (size_t i = 0; i < plan->n_schemes; i++) {
        model->variants[i] = &plan->schemes[i];
        memcpy(model->variant_names[i], plan->schemes[i].name, sizeof model->variant_names[i]);
    }
    return TIMBANG_OK;
}

/* ---- Models ---- */

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

static timbang_status open_model(tb_plan *plan, tb_plan_model *model, tb_error *err)
{
    if (model->path) {
        TB_TRY(tb_folder_open(model->path, &model->opened, err));
        model->folder = model->opened;
    } else if (plan->job->embedded)
        model->folder = plan->job->embedded;
    else
        return tb_fail(err, TIMBANG_USAGE, "this build has no embedded model: name one with --model NAME=DIR");
    TB_TRY(tb_config_load(model->folder, &model->config, err));
    TB_TRY(tb_parts_of(model->folder, model->weights_path, &model->parts, err));
    model->shipped = model->config.quantization != NULL;
    bool recorded = false;
    TB_TRY(recorded_untrained(model, &recorded, err));
    model->untrained_head = !model->parts.has_head || recorded;
    model->new_head = !model->parts.has_head;
    TB_TRY(tb_plan_recipe(model, err));
    TB_TRY(tb_settings_facts(model->folder, &model->files, err));
    return tb_weights_facts(model->folder, model->weights_path, &model->weights, err);
}

static timbang_status open_models(tb_plan *plan, tb_error *err)
{
    const timbang_study_options *o = plan->job->options;
    size_t n = o->n_models;
    if (n == 0 || n > MAX_ENTRIES)
        return tb_fail(err, TIMBANG_USAGE, "a study needs at least one model: name one with --model NAME=DIR");
    if (o->weights && (n != 1 || !o->models[0].path))
        return tb_fail(
            err, TIMBANG_USAGE,
            "%s: a bare file of weights is the only model of a study, with the folder of its config.json; "
            "to compare it with others, make a folder of it (quantize --weights FILE --config DIR --to fp32)",
            o->weights);
    plan->models = tb_calloc(n, sizeof *plan->models, err);
    char **names = plan->models ? tb_calloc(2 * n, sizeof *names, err) : NULL;
    timbang_status status = names ? TIMBANG_OK : err->status;
    for (size_t i = 0; i < n && status == TIMBANG_OK; i++) {
        tb_plan_model *model = &plan->models[plan->n_models++];
        model->path = o->models[i].path;
        model->weights_path = o->weights;
        status = tb_plan_name(o->models[i].name, o->weights ? o->weights : model->path, o->weights != NULL, names, i,
                              &model->name, err);
        if (status == TIMBANG_OK)
            status = make_slug(model->name, names + n, i, &model->slug, err);
        names[i] = model->name;
        names[n + i] = model->slug;
        if (status == TIMBANG_OK)
            status = open_model(plan, model, err);
    }
    free(names);
    return status;
}

/* Loads the source once, so that a bad tensor is found before the first variant is made. */
static timbang_status check_model(tb_plan *plan, tb_plan_model *model, tb_error *err)
{
    tb_load_options options = {
        .folder = model->folder,
        .weights_path = model->weights_path,
        .labels = model->hand_labels ? model->labels : NULL,
        .n_labels = model->hand_labels ? model->n_labels : 0,
        .seed = plan->job->options->seed,
        .kernels = plan->job->kernels,
        .pool = plan->job->pool,
        .hooks = plan->job->hooks,
    };
    tb_classifier *classifier = NULL;
    TB_TRY(tb_classifier_load(&options, &classifier, err));
    model->parameters = tb_classifier_parameters(classifier);
    model->untrained_head = model->untrained_head || tb_classifier_untrained_head(classifier);
    timbang_status status = choose_variants(plan, model, tb_classifier_scheme(classifier), err);
    tb_classifier_free(classifier);
    tb_notes notes = tb_plan_notes(plan);
    if (model->new_head) /* the loader has said it */
        notes.hooks = NULL;
    if (status == TIMBANG_OK && model->untrained_head)
        status = tb_note(&notes, model->name, NULL, "untrained_head", err,
                         "untrained head: the model has no trained classifier, so its predictions mean nothing");
    return status;
}

static timbang_status open_plan(tb_plan *plan, tb_error *err)
{
    TB_TRY(tb_plan_statistics(plan, err));
    TB_TRY(parse_variants(plan, err));
    TB_TRY(open_models(plan, err));
    TB_TRY(tb_plan_name_sets(plan, err));
    return tb_plan_fix(plan, err);
}

timbang_status tb_plan_open(const tb_study_job *job, tb_plan *plan, tb_error *err)
{
    tb_plan made = {.job = job, .warnings = json_array()};
    timbang_status status = made.warnings ? open_plan(&made, err) : tb_no_memory(err, 0);
    if (status != TIMBANG_OK) {
        tb_plan_free(&made);
        return status;
    }
    *plan = made;
    return TIMBANG_OK;
}

timbang_status tb_plan_read(tb_plan *plan, tb_error *err)
{
    TB_TRY(tb_plan_sets(plan, err));
    TB_TRY(tb_plan_labels(plan, err));
    for (size_t m = 0; m < plan->n_models; m++) {
        tb_progress(plan->job->hooks, "checking models", m, plan->n_models);
        TB_TRY(tb_check_cancel(plan->job->hooks, err));
        TB_TRY(check_model(plan, &plan->models[m], err));
    }
    tb_progress(plan->job->hooks, "checking models", plan->n_models, plan->n_models);
    return TIMBANG_OK;
}

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
    tb_config_free(&model->config);
    tb_folder_close(model->opened);
    free(model->name);
    free(model->slug);
}

void tb_plan_free(tb_plan *plan)
{
    for (size_t m = 0; m < plan->n_models; m++)
        free_model(&plan->models[m], plan->n_loaded);
    free(plan->models);
    for (size_t s = 0; s < plan->n_loaded; s++) {
        free(plan->sets[s].name);
        tb_dataset_free(plan->sets[s].dataset);
        json_decref(plan->sets[s].within);
        json_decref(plan->sets[s].train);
    }
    free(plan->sets);
    tb_dataset_free(plan->train);
    free(plan->schemes);
    json_decref(plan->fixed);
    json_decref(plan->warnings);
    memset(plan, 0, sizeof *plan);
}
