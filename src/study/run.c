/* SPDX-License-Identifier: Apache-2.0
 * Runs one model of a plan in all its variants, which are in memory together, so that their timings can be interleaved.
 * Includes: study/run.h and its neighbours. Called by: study/study. */
#include "study/run.h"

#include "base/text.h"
#include "study/latency.h"
#include "study/predictions.h"
#include "study/record.h"
#include "study/variants.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct model_run {
    const tb_plan *plan;
    const tb_plan_model *model;
    const tb_run_output *out;
    const char *models_dir;
    tb_variant *variants;        /* [model->n_variants] */
    tb_predictions *predictions; /* [model->n_variants], of the set at hand */
    tb_workspace *workspace;
    tb_run_options run;
} model_run;

/* ---- Variants ---- */

static timbang_status make_variant(model_run *r, size_t v, tb_error *err)
{
    const tb_study_job *job = r->plan->job;
    const tb_plan_model *model = r->model;
    tb_text file = {0};
    tb_text_printf(&file, "%s-%s", model->slug, model->variant_names[v]);
    TB_TRY(tb_text_finish(&file, err));
    char *out = tb_path_join(r->models_dir, file.data, err);
    tb_text_free(&file);
    if (!out)
        return err->status;
    tb_variant_job variant = {
        .folder = model->folder,
        .weights_path = model->weights_path,
        .labels = model->hand_labels ? model->labels : NULL,
        .n_labels = model->hand_labels ? model->n_labels : 0,
        .seed = job->options->seed,
        .scheme = model->variants[v],
        .out = out,
        .kernels = job->kernels,
        .pool = job->pool,
        .hooks = job->hooks,
    };
    timbang_status status = tb_variant_make(&variant, &r->variants[v], err);
    free(out);
    return status;
}

static bool is_fp32(const model_run *r, size_t v)
{
    return strcmp(r->model->variant_names[v], "fp32") == 0;
}

/* "FP32 bytes" are 4 a parameter, whatever the source's file holds. */
static timbang_status record_variant(const model_run *r, size_t v, tb_error *err)
{
    const tb_plan_model *model = r->model;
    const tb_variant *variant = &r->variants[v];
    uint64_t fp32_bytes = 4 * model->parameters, parts[TB_PARTS], size = variant->parts.file_bytes;
    memcpy(parts, variant->parts.bytes, sizeof parts);
    if (is_fp32(r, v)) {
        size = fp32_bytes;
        parts[TB_PART_EMBEDDINGS] = 4 * variant->parts.elements[TB_PART_EMBEDDINGS];
        parts[TB_PART_ENCODER] = 4 * variant->parts.elements[TB_PART_ENCODER];
        uint64_t body = parts[TB_PART_EMBEDDINGS] + parts[TB_PART_ENCODER];
        parts[TB_PART_HEAD] = size > body ? size - body : 0; /* also of a head that no file holds */
        parts[TB_PART_OTHER] = 0;
    }
    json_t *bytes = json_object();
    int bad = 0;
    for (int p = 0; p < TB_PARTS; p++)
        bad |= json_object_set_new(bytes, tb_part_name((tb_part)p), tb_json_count(parts[p]));
    json_t *entry = json_pack("{s:s, s:s, s:s, s:b, s:o, s:o, s:o, s:f, s:o}", "model", model->name, "variant",
                              model->variant_names[v], "scheme", tb_classifier_scheme(variant->classifier), "made",
                              variant->made != NULL, "size_bytes", tb_json_count(size), "file_bytes",
                              tb_json_count(variant->parts.file_bytes), "fp32_bytes", tb_json_count(fp32_bytes),
                              "ratio", (double)size / (double)fp32_bytes, "parts", bytes);
    bad |= json_array_append_new(r->out->variants, entry);
    bad |= json_array_append_new(r->out->resident,
                                 json_pack("{s:s, s:s, s:o}", "model", model->name, "variant", model->variant_names[v],
                                           "resident_bytes",
                                           tb_json_count(tb_classifier_resident_bytes(variant->classifier))));
    return tb_json_done(bad != 0, err);
}

static timbang_status make_variants(model_run *r, tb_error *err)
{
    for (size_t v = 0; v < r->model->n_variants; v++) {
        tb_progress(r->plan->job->hooks, "making variants", v, r->model->n_variants);
        TB_TRY(tb_check_cancel(r->plan->job->hooks, err));
        timbang_status status = make_variant(r, v, err);
        if (status == TIMBANG_CANCELLED)
            return status;
        if (status != TIMBANG_OK)
            return tb_fail_prefix(err, "%s, %s", r->model->name, r->model->variant_names[v]);
        TB_TRY(record_variant(r, v, err));
    }
    tb_progress(r->plan->job->hooks, "making variants", r->model->n_variants, r->model->n_variants);
    return TIMBANG_OK;
}

/* ---- Sets ---- */

static timbang_status run_variant(model_run *r, size_t set, size_t v, tb_error *err)
{
    char stage[200];
    snprintf(stage, sizeof stage, "%s %s on %s", r->model->name, r->model->variant_names[v], r->plan->sets[set].name);
    tb_run_options run = r->run;
    run.stage = stage;
    const tb_task *task = &r->model->tasks[set];
    timbang_status status =
        tb_predictions_make(r->variants[v].classifier, r->workspace, task, &run, &r->predictions[v], err);
    if (status != TIMBANG_OK && status != TIMBANG_CANCELLED)
        return tb_fail_prefix(err, "%s", stage);
    TB_TRY(status);
    return tb_predictions_write(r->out->predictions, r->model->name, r->model->variant_names[v],
                                r->plan->sets[set].name, task, r->predictions[v].logits, r->model->untrained_head, err);
}

static timbang_status fill_result(const model_run *r, size_t set, size_t v, json_t *result, tb_error *err)
{
    const tb_plan_model *model = r->model;
    const tb_task *task = &model->tasks[set];
    const tb_predictions *p = &r->predictions[v];
    int bad = json_object_set_new(result, "model", json_string(model->name));
    bad |= json_object_set_new(result, "variant", json_string(model->variant_names[v]));
    bad |= json_object_set_new(result, "data", json_string(r->plan->sets[set].name));
    bad |= json_object_set_new(result, "untrained_head", json_boolean(model->untrained_head));
    TB_TRY(tb_json_done(bad != 0, err));
    TB_TRY(tb_record_figures(task, p->logits, !model->untrained_head, result, err));
    TB_TRY(tb_record_lengths(&p->facts, task->n, result, err));
    json_t *comparison = NULL;
    if (v > 0 && is_fp32(r, 0))
        TB_TRY(tb_record_comparison(task, r->predictions[0].logits, p->logits, &comparison, err));
    return tb_json_done(json_object_set_new(result, "against_fp32", comparison ? comparison : json_null()) != 0, err);
}

static timbang_status record_result(const model_run *r, size_t set, size_t v, tb_error *err)
{
    json_t *result = json_object();
    if (!result)
        return tb_json_done(true, err);
    if (fill_result(r, set, v, result, err) != TIMBANG_OK) {
        json_decref(result);
        return err->status;
    }
    TB_TRY(tb_json_done(json_array_append_new(r->out->results, result) != 0, err));
    if (v > 0) /* what is said about the first variant holds for the texts and the labels of all */
        return TIMBANG_OK;
    tb_notes notes = tb_plan_notes(r->plan);
    return tb_note_result(&notes, r->model->name, r->plan->sets[set].name, &r->model->tasks[set], result,
                          tb_run_max_length(r->variants[v].classifier, &r->run), err);
}

static timbang_status record_latency(const model_run *r, size_t set, tb_error *err)
{
    size_t n = r->model->n_variants;
    const tb_classifier **classifiers = tb_calloc(n, sizeof *classifiers, err);
    json_t **latency = classifiers ? tb_calloc(n, sizeof *latency, err) : NULL;
    timbang_status status = latency ? TIMBANG_OK : err->status;
    char stage[200];
    snprintf(stage, sizeof stage, "timing %s on %s", r->model->name, r->plan->sets[set].name);
    if (status == TIMBANG_OK) {
        for (size_t v = 0; v < n; v++)
            classifiers[v] = r->variants[v].classifier;
        tb_latency_job job = {
            .models = classifiers,
            .n_models = n,
            .workspace = r->workspace,
            .task = &r->model->tasks[set],
            .texts = r->plan->job->latency_texts,
            .rounds = r->plan->job->latency_rounds,
            .run = r->run,
        };
        job.run.stage = stage;
        status = tb_latency_measure(&job, latency, err);
    }
    for (size_t v = 0; v < n && status == TIMBANG_OK; v++) {
        int bad = json_object_set_new(latency[v], "model", json_string(r->model->name));
        bad |= json_object_set_new(latency[v], "variant", json_string(r->model->variant_names[v]));
        bad |= json_object_set_new(latency[v], "data", json_string(r->plan->sets[set].name));
        bad |= json_object_set_new(latency[v], "texts_per_s",
                                   tb_json_real((double)r->model->tasks[set].n / r->predictions[v].seconds));
        bad |= json_array_append(r->out->latency, latency[v]);
        status = tb_json_done(bad != 0, err);
    }
    for (size_t v = 0; latency && v < n; v++)
        json_decref(latency[v]);
    free(latency);
    free(classifiers);
    return status;
}

static timbang_status run_set(model_run *r, size_t set, tb_error *err)
{
    timbang_status status = TIMBANG_OK;
    for (size_t v = 0; v < r->model->n_variants && status == TIMBANG_OK; v++) {
        status = run_variant(r, set, v, err);
        if (status == TIMBANG_OK)
            status = record_result(r, set, v, err);
    }
    if (status == TIMBANG_OK)
        status = record_latency(r, set, err);
    for (size_t v = 0; v < r->model->n_variants; v++)
        tb_predictions_free(&r->predictions[v]);
    return status;
}

static timbang_status run_model(model_run *r, tb_error *err)
{
    const timbang_study_options *o = r->plan->job->options;
    r->run = (tb_run_options){
        .max_length = o->eval.predict.max_length,
        .batch = o->eval.predict.batch,
        .clean = o->eval.predict.clean,
        .hooks = r->plan->job->hooks,
    };
    TB_TRY(tb_workspace_create(r->plan->job->pool, &r->workspace, err));
    TB_TRY(make_variants(r, err));
    for (size_t s = 0; s < r->plan->n_sets; s++)
        TB_TRY(run_set(r, s, err));
    return TIMBANG_OK;
}

timbang_status tb_run_model(const tb_plan *plan, size_t model, const char *models_dir, const tb_run_output *out,
                            tb_error *err)
{
    model_run r = {.plan = plan, .model = &plan->models[model], .out = out, .models_dir = models_dir};
    r.variants = tb_calloc(r.model->n_variants, sizeof *r.variants, err);
    r.predictions = r.variants ? tb_calloc(r.model->n_variants, sizeof *r.predictions, err) : NULL;
    timbang_status status = r.predictions ? run_model(&r, err) : err->status;
    tb_workspace_free(r.workspace);
    for (size_t v = 0; r.variants && v < r.model->n_variants; v++)
        tb_variant_free(&r.variants[v]);
    free(r.variants);
    free(r.predictions);
    return status;
}
