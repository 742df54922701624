/* SPDX-License-Identifier: Apache-2.0
 * One model of a plan: variants one after the other, null models.
 * Includes: study/run.h and its neighbours. Called by: study/study. */
#include "study/run.h"

#include "base/clock.h"
#include "base/text.h"
#include "study/record.h"
#include "study/units.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct model_run {
    const tb_plan *plan;
    size_t index;
    const tb_plan_model *model;
    tb_store *store;
    char *models_dir;
    tb_steps *steps;
    char stage[240];
    tb_workspace *workspace;
} model_run;

/* Names the next step: "[3/42] mini int8 on smsa". */
static void next_step(model_run *r, const char *format, ...) TB_PRINTF(2, 3);
static void next_step(model_run *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int used = snprintf(r->stage, sizeof r->stage, "[%zu/%zu] ", ++r->steps->done, r->steps->total);
    vsnprintf(r->stage + used, sizeof r->stage - (size_t)used, format, args);
    va_end(args);
}

static tb_run_options run_options(const model_run *r)
{
    const timbang_study_options *o = r->plan->job->options;
    return (tb_run_options){
        .max_length = o->eval.predict.max_length,
        .batch = o->eval.predict.batch,
        .clean = o->eval.predict.clean,
        .hooks = r->plan->job->hooks,
        .stage = r->stage,
    };
}

/* ---- Variants ---- */

static timbang_status make_variant(const tb_plan *plan, size_t index, size_t v, const char *models_dir,
                                   const char *folder, bool reuse, const tb_jitter *jitter, tb_own_errors *own_errors,
                                   tb_variant *made, tb_error *err)
{
    const tb_study_job *job = plan->job;
    const tb_plan_model *model = &plan->models[index];
    char *out = tb_path_join(models_dir, folder, err);
    if (!out)
        return err->status;
    tb_variant_job variant = {
        .folder = model->folder,
        .weights_path = model->weights_path,
        .labels = model->hand_labels ? model->labels : NULL,
        .n_labels = model->hand_labels ? model->n_labels : 0,
        .seed = job->options->seed,
        .source_sha256 = model->source_sha256,
        .scheme = model->variants[v],
        .out = out,
        .reuse = reuse,
        .jitter = jitter,
        .own_errors = own_errors,
        .kernels = job->kernels,
        .pool = job->pool,
        .hooks = job->hooks,
    };
    bool trained = !jitter && v == tb_plan_trained_variant(model);
    if (trained)
        variant.trained = model->trained;
    timbang_status status = tb_variant_make(&variant, made, err);
    if (trained && status == TIMBANG_OK)
        made->weight_error = model->trained_error;
    free(out);
    if (status != TIMBANG_OK && status != TIMBANG_CANCELLED)
        return tb_fail_prefix(err, "%s, %s", model->name, model->variant_names[v]);
    return status;
}

timbang_status tb_run_make_variant(const tb_plan *plan, size_t model, size_t variant, const char *models_dir,
                                   bool reuse, tb_variant *out, tb_error *err)
{
    tb_text folder = {0};
    tb_text_printf(&folder, "%s-%s", plan->models[model].slug, plan->models[model].variant_names[variant]);
    timbang_status status = tb_text_finish(&folder, err);
    if (status == TIMBANG_OK)
        status = make_variant(plan, model, variant, models_dir, folder.data, reuse, NULL, NULL, out, err);
    tb_text_free(&folder);
    return status;
}

static timbang_status variant_unit(const tb_plan_model *model, size_t v, tb_text *name, tb_error *err)
{
    tb_text_printf(name, "variant-%s-%s.json", model->slug, model->variant_names[v]);
    return tb_text_finish(name, err);
}

/* "FP32 bytes" are 4 a parameter, whatever the source's file holds. */
static json_t *variant_entry(const tb_plan_model *model, size_t v, const tb_variant *variant)
{
    uint64_t fp32_bytes = 4 * model->parameters, parts[TB_PARTS], size = variant->parts.file_bytes;
    memcpy(parts, variant->parts.bytes, sizeof parts);
    if (strcmp(model->variant_names[v], "fp32") == 0) {
        size = fp32_bytes;
        parts[TB_PART_EMBEDDINGS] = 4 * variant->parts.elements[TB_PART_EMBEDDINGS];
        parts[TB_PART_ENCODER] = 4 * variant->parts.elements[TB_PART_ENCODER];
        uint64_t body = parts[TB_PART_EMBEDDINGS] + parts[TB_PART_ENCODER];
        parts[TB_PART_HEAD] = size > body ? size - body : 0; /* also of a head that no file holds */
        parts[TB_PART_OTHER] = 0;
    }
    json_t *bytes = json_object();
    for (int p = 0; p < TB_PARTS; p++)
        if (json_object_set_new(bytes, tb_part_name((tb_part)p), tb_json_count(parts[p])) != 0) {
            json_decref(bytes);
            return NULL;
        }
    bool rounded = tb_variant_has_null(model, v);
    return json_pack("{s:s, s:s, s:s, s:b, s:o, s:o, s:o, s:f, s:o, s:o}", "model", model->name, "variant",
                     model->variant_names[v], "scheme", tb_classifier_scheme(variant->classifier), "made",
                     variant->made != NULL, "size_bytes", tb_json_count(size), "file_bytes",
                     tb_json_count(variant->parts.file_bytes), "fp32_bytes", tb_json_count(fp32_bytes), "ratio",
                     (double)size / (double)fp32_bytes, "parts", bytes, "weight_error",
                     rounded ? tb_json_real(variant->weight_error) : json_null());
}

static timbang_status put_variant(model_run *r, size_t v, const tb_variant *variant, bool peak_is_its_own,
                                  tb_error *err)
{
    const tb_plan_model *model = r->model;
    json_t *peak = peak_is_its_own ? tb_json_count(tb_peak_resident_bytes()) : json_null();
    json_t *resident =
        json_pack("{s:s, s:s, s:o, s:o}", "model", model->name, "variant", model->variant_names[v], "resident_bytes",
                  tb_json_count(tb_classifier_resident_bytes(variant->classifier)), "peak_resident_bytes", peak);
    json_t *unit = json_pack("{s:o, s:o}", "variant", variant_entry(model, v, variant), "resident", resident);
    tb_text name = {0};
    timbang_status status = tb_json_done(!unit, err);
    if (status == TIMBANG_OK)
        status = variant_unit(model, v, &name, err);
    if (status == TIMBANG_OK)
        status = tb_store_put_json(r->store, name.data, unit, err);
    tb_text_free(&name);
    json_decref(unit);
    return status;
}

timbang_status tb_variant_unit_load(const tb_store *store, const tb_plan_model *model, size_t variant, json_t **out,
                                    tb_error *err)
{
    tb_text name = {0};
    timbang_status status = variant_unit(model, variant, &name, err);
    if (status == TIMBANG_OK)
        status = tb_store_get_json(store, name.data, out, err);
    tb_text_free(&name);
    return status;
}

/* Everything of this variant is there: its record and its logits on all sets. */
static bool variant_done(const model_run *r, size_t v)
{
    tb_error ignored;
    tb_text name = {0};
    bool done = variant_unit(r->model, v, &name, &ignored) == TIMBANG_OK && tb_store_has(r->store, name.data);
    tb_text_free(&name);
    for (size_t s = 0; done && s < r->plan->n_loaded; s++) {
        const tb_unit unit = {.plan = r->plan, .model = r->index, .set = s, .variant = r->model->variant_names[v]};
        done = tb_unit_done(r->store, &unit);
    }
    return done;
}

static timbang_status run_variant(model_run *r, size_t v, tb_error *err)
{
    if (variant_done(r, v)) {
        r->steps->done += r->plan->n_loaded;
        return TIMBANG_OK;
    }
    uint64_t peak = tb_peak_resident_bytes();
    r->steps->peak_resident_bytes = peak > r->steps->peak_resident_bytes ? peak : r->steps->peak_resident_bytes;
    bool reset = tb_peak_resident_reset();
    tb_variant variant = {0};
    TB_TRY(tb_run_make_variant(r->plan, r->index, v, r->models_dir, false, &variant, err));
    timbang_status status = TIMBANG_OK;
    for (size_t s = 0; s < r->plan->n_loaded && status == TIMBANG_OK; s++) {
        const tb_unit unit = {.plan = r->plan, .model = r->index, .set = s, .variant = r->model->variant_names[v]};
        next_step(r, "%s %s on %s", r->model->name, unit.variant, r->plan->sets[s].name);
        tb_run_options run = run_options(r);
        status = tb_unit_run(r->store, &unit, variant.classifier, r->workspace, &run, err);
        if (status != TIMBANG_OK && status != TIMBANG_CANCELLED)
            tb_fail_prefix(err, "%s %s on %s", r->model->name, unit.variant, r->plan->sets[s].name);
    }
    if (status == TIMBANG_OK)
        status = put_variant(r, v, &variant, reset, err);
    tb_variant_free(&variant);
    return status;
}

/* ---- Null models ---- */

bool tb_variant_has_null(const tb_plan_model *model, size_t variant)
{
    const tb_scheme *scheme = model->variants[variant];
    return scheme && !tb_scheme_is_float(scheme);
}

static timbang_status run_null(model_run *r, size_t v, size_t number, tb_own_errors *own_errors, tb_error *err)
{
    tb_unit unit = {
        .plan = r->plan, .model = r->index, .variant = r->model->variant_names[v], .null_model = number + 1};
    next_step(r, "%s %s, null model %zu", r->model->name, unit.variant, number + 1);
    if (tb_null_done(r->store, &unit))
        return TIMBANG_OK;
    const tb_jitter jitter = {.seed = r->plan->statistics.seed, .model = number};
    tb_variant variant = {0};
    TB_TRY(make_variant(r->plan, r->index, v, r->store->work, "null-model", false, &jitter, own_errors, &variant, err));
    tb_run_options run = run_options(r);
    timbang_status status = TIMBANG_OK;
    for (unit.set = 0; unit.set < r->plan->n_sets && status == TIMBANG_OK; unit.set++)
        status = tb_unit_run(r->store, &unit, variant.classifier, r->workspace, &run, err);
    if (status == TIMBANG_OK)
        status = tb_null_finish(r->store, &unit, variant.weight_error, err);
    tb_variant_free(&variant);
    return status;
}

static timbang_status run_nulls_of(model_run *r, size_t v, tb_error *err)
{
    tb_own_errors own_errors = {0};
    timbang_status status = TIMBANG_OK;
    for (size_t k = 0; k < r->plan->statistics.null_models && status == TIMBANG_OK; k++) {
        status = tb_check_cancel(r->plan->job->hooks, err);
        if (status == TIMBANG_OK)
            status = run_null(r, v, k, &own_errors, err);
    }
    tb_own_errors_free(&own_errors);
    return status;
}

static timbang_status run_nulls(model_run *r, tb_error *err)
{
    for (size_t v = 0; v < r->model->n_variants; v++)
        if (tb_variant_has_null(r->model, v))
            TB_TRY(run_nulls_of(r, v, err));
    return TIMBANG_OK;
}

/* ---- The model ---- */

size_t tb_run_steps(const tb_plan *plan, size_t model)
{
    const tb_plan_model *m = &plan->models[model];
    size_t nulls = 0;
    for (size_t v = 0; v < m->n_variants; v++)
        nulls += tb_variant_has_null(m, v);
    return m->n_variants * plan->n_loaded + nulls * (size_t)plan->statistics.null_models;
}

static timbang_status run_model(model_run *r, tb_error *err)
{
    TB_TRY(tb_make_dirs(r->models_dir, err));
    TB_TRY(tb_workspace_create(r->plan->job->pool, &r->workspace, err));
    for (size_t v = 0; v < r->model->n_variants; v++) {
        TB_TRY(tb_check_cancel(r->plan->job->hooks, err));
        TB_TRY(run_variant(r, v, err));
    }
    return run_nulls(r, err);
}

timbang_status tb_run_model(const tb_plan *plan, size_t model, tb_store *store, tb_steps *steps, tb_error *err)
{
    model_run r = {.plan = plan, .index = model, .model = &plan->models[model], .store = store, .steps = steps};
    r.models_dir = tb_store_path(store, "models", err);
    timbang_status status = r.models_dir ? run_model(&r, err) : err->status;
    tb_workspace_free(r.workspace);
    free(r.models_dir);
    return status;
}
