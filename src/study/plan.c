/* SPDX-License-Identifier: Apache-2.0
 * The plan of a study: options, variants. (Models: plan_models.c; sets: plan_sets.c; labels: plan_labels.c.)
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

/* What QAT trained for is run too, on every model, where nobody said what to run: else nothing of equal bits would
 * stand beside it. */
static timbang_status add_trained_schemes(tb_plan *plan, tb_error *err)
{
    for (size_t m = 0; m < plan->n_models; m++) {
        const tb_plan_model *model = &plan->models[m];
        tb_scheme scheme = {0};
        bool seen = false;
        if (!model->trained)
            continue;
        if (tb_scheme_parse(model->training.scheme, 0, NULL, &scheme, err) != TIMBANG_OK)
            return tb_fail_prefix(err, "%s/timbang.json", model->path);
        if (strcmp(scheme.name, model->training.scheme) != 0)
            return tb_fail(err, TIMBANG_FORMAT, "%s/timbang.json: 'scheme' is '%s', which is called '%s'", model->path,
                           model->training.scheme, scheme.name);
        for (size_t i = 0; i < plan->n_schemes; i++)
            seen = seen || strcmp(plan->schemes[i].name, scheme.name) == 0;
        if (seen)
            continue;
        tb_notes notes = tb_plan_notes(plan);
        if (plan->asked) {
            TB_TRY(tb_note(&notes, model->name, NULL, "trained_scheme_left_out", err,
                           "was trained for %s, which is not among the variants", scheme.name));
            continue;
        }
        void *block = plan->schemes;
        TB_TRY(tb_grow(&block, plan->n_schemes + 1, sizeof *plan->schemes, err));
        plan->schemes = block;
        plan->schemes[plan->n_schemes++] = scheme;
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
    TB_TRY(tb_plan_models(plan, err));
    TB_TRY(add_trained_schemes(plan, err));
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
        TB_TRY(tb_plan_trained(plan, &plan->models[m], err));
    }
    tb_progress(plan->job->hooks, "checking models", plan->n_models, plan->n_models);
    return TIMBANG_OK;
}

void tb_plan_free(tb_plan *plan)
{
    tb_plan_models_free(plan);
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
