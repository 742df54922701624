/* Layer after layer: inputs, their second moments, rounding. Includes: model/trainee.h, quant. Called by:
 * quant/quantize.c. */
#include "quant/calibrated.h"

#include "model/trainee.h"
#include "quant/gptq.h"
#include "quant/round_module.h"

#include <stdlib.h>
#include <string.h>

enum { SWEEPS = 4, MODULE_NAME = 192 };

static const double default_damping = 0.01;

struct tb_calibrated {
    struct calibrated_module {
        char name[MODULE_NAME]; /* empty: no matrix */
        tb_weight weight;       /* kind F32: not rounded here */
    } * modules;                /* [n], one for each parameter of the model */
    size_t n;
    json_t *record;
};

struct run {
    const tb_calibrate_job *job;
    tb_calibrated *out;
    tb_trainee *trainee;
    tb_calibration *texts;
    float *x; /* [n_tokens][hidden] input of the layer at hand */
    float *cls_rows;
    tb_hessian hessian;
    bool last; /* layer */
};

/* "encoder.layer.0.output.dense" of "encoder.layer.0.output.dense.weight"; "" of other names. */
static void module_of(const char *parameter, char module[MODULE_NAME])
{
    static const char suffix[] = ".weight";
    size_t length = strlen(parameter), tail = sizeof suffix - 1;
    bool fits = length > tail && length - tail < MODULE_NAME && strcmp(parameter + length - tail, suffix) == 0;
    snprintf(module, MODULE_NAME, "%.*s", fits ? (int)(length - tail) : 0, parameter);
}

/* ---- Methods by name ---- */

static const char *const method_names[] = {"nearest", "gptq", "descent"};

timbang_status tb_method_parse(const char *name, tb_method *method, tb_error *err)
{
    for (size_t i = 0; i < sizeof method_names / sizeof *method_names; i++) {
        if (strcmp(name, method_names[i]) == 0) {
            *method = (tb_method)i;
            return TIMBANG_OK;
        }
    }
    return tb_fail(err, TIMBANG_USAGE, "'%.40s' is no rounding method (nearest, gptq, descent)", name);
}

const char *tb_method_name(tb_method method)
{
    return method_names[method];
}

/* ---- What the trainee sees ---- */

static timbang_status copy_weight(const tb_weight *from, tb_weight *to, tb_error *err)
{
    size_t n = from->rows * from->columns;
    *to = *from;
    to->q = tb_calloc(n, 1, err);
    to->scale = to->q ? tb_calloc(from->rows, sizeof *to->scale, err) : NULL;
    to->multiplier = NULL;
    if (to->scale && from->multiplier) {
        size_t groups = from->rows * (from->columns / from->group);
        to->multiplier = tb_calloc(groups, 1, err);
        if (to->multiplier)
            memcpy(to->multiplier, from->multiplier, groups);
    }
    if (!to->scale || (from->multiplier && !to->multiplier)) {
        tb_weight_free(to);
        return TIMBANG_NO_MEMORY;
    }
    memcpy(to->q, from->q, n);
    memcpy(to->scale, from->scale, from->rows * sizeof *to->scale);
    return TIMBANG_OK;
}

/* A matrix with one scale for all and float activations has no integer product: its folder is loaded as floats. */
static timbang_status expand(tb_weight *weight, tb_error *err)
{
    size_t n = weight->rows * weight->columns;
    float *values = tb_calloc(n, sizeof *values, err);
    if (!values) {
        tb_weight_free(weight);
        return TIMBANG_NO_MEMORY;
    }
    for (size_t i = 0; i < n; i++)
        values[i] = (float)weight->q[i] * weight->scale[i / weight->columns];
    free(weight->q);
    free(weight->scale);
    weight->q = NULL;
    weight->scale = NULL;
    weight->kind = TB_WEIGHT_F32;
    weight->values = values;
    return TIMBANG_OK;
}

static timbang_status round_parameter(void *user, const tb_parameters *parameters, size_t i, const float *w,
                                      size_t rows, tb_weight *out, tb_error *err)
{
    const struct run *run = user;
    const tb_parameter *item = &parameters->items[i];
    const tb_weight *made = run->out->modules ? &run->out->modules[i].weight : NULL;
    char module[MODULE_NAME];
    if (item->kind != TB_PARAMETER_LINEAR && item->kind != TB_PARAMETER_EMBEDDING)
        return TIMBANG_OK;
    if (made && made->kind != TB_WEIGHT_F32) {
        TB_TRY(copy_weight(made, out, err));
        return out->kind == TB_WEIGHT_S4_ROW ? expand(out, err) : TIMBANG_OK;
    }
    module_of(item->name, module);
    tb_weight planned = tb_scheme_weight(&run->job->scheme, tb_module_role_of(module), rows, item->columns);
    if (planned.kind == TB_WEIGHT_F32) {
        *out = planned;
        return TIMBANG_OK;
    }
    TB_TRY(tb_round_matrix(&planned, w, NULL, run->job->kernels, run->job->pool, out, err));
    return planned.kind == TB_WEIGHT_S4_ROW && planned.per_tensor ? expand(out, err) : TIMBANG_OK;
}

/* ---- Second moments ---- */

/* Of the last layer only [CLS] tokens go on after attention: they count most, the others a little, since there are too
 * few texts to know every direction. */
static const double others_in_last_layer = 0.1;

static void add_inputs(void *user, const float *x, size_t rows, const size_t *cls, size_t n_texts)
{
    struct run *run = user;
    size_t n = run->hessian.n;
    if (!run->last) {
        tb_hessian_add(&run->hessian, x, rows, 1);
        return;
    }
    double tokens = (double)run->texts->batch.n_tokens, texts = (double)run->texts->batch.n_texts;
    for (size_t i = 0; i < n_texts; i++)
        memcpy(run->cls_rows + i * n, x + cls[i] * n, n * sizeof *x);
    tb_hessian_add(&run->hessian, x, rows, others_in_last_layer / tokens);
    tb_hessian_add(&run->hessian, run->cls_rows, n_texts, 1 / texts);
}

static void diagonal_importance(const tb_hessian *hessian, float *importance)
{
    enum { LARGEST = 16 };
    double mean = 0;
    size_t n = hessian->n;
    for (size_t i = 0; i < n; i++)
        mean += hessian->h[i * n + i] / (double)n;
    for (size_t i = 0; i < n; i++) {
        double h = mean > 0 ? hessian->h[i * n + i] / mean : 1;
        importance[i] = (float)(h > LARGEST ? LARGEST : h < 1.0 / LARGEST ? 1.0 / LARGEST : h);
    }
}

/* ---- One linear ---- */

/* Integers, the scales that fit them, integers again. One scale for a tensor stays as it is. */
static timbang_status descend(struct run *run, const tb_curvature *curvature, const float *w, tb_weight *weight,
                              tb_error *err)
{
    tb_pool *pool = run->job->pool;
    TB_TRY(tb_descent_round(curvature, w, weight, SWEEPS, pool, NULL, NULL, err));
    if (weight->per_tensor)
        return TIMBANG_OK;
    TB_TRY(tb_refit_scales(curvature, w, weight, pool, err));
    return tb_descent_round(curvature, w, weight, SWEEPS, pool, NULL, NULL, err);
}

static timbang_status round_linear(struct run *run, const tb_curvature *curvature, const float *importance,
                                   const char *module, tb_error *err)
{
    const tb_calibrate_job *job = run->job;
    const tb_parameters *parameters = tb_trainee_parameters(run->trainee);
    char name[MODULE_NAME + 8];
    snprintf(name, sizeof name, "%s.weight", module);
    size_t i = tb_parameters_find(parameters, name);
    if (i == SIZE_MAX)
        return tb_fail(err, TIMBANG_INTERNAL, "the model has no %s", name);
    const tb_parameter *item = &parameters->items[i];
    const float *w = parameters->values + item->begin;
    tb_weight planned = tb_scheme_weight(&job->scheme, TB_MODULE_LINEAR, item->rows, item->columns), made = {0};
    timbang_status status = tb_round_matrix(&planned, w, planned.kind == TB_WEIGHT_S4 ? importance : NULL, job->kernels,
                                            job->pool, &made, err);
    if (status != TIMBANG_OK)
        return tb_fail_prefix(err, "%s: %s", tb_folder_name(job->folder), item->file_name);
    status = tb_gptq_round(curvature, w, &made, job->pool, err);
    if (status == TIMBANG_OK && job->method == TB_METHOD_DESCENT)
        status = descend(run, curvature, w, &made, err);
    if (status != TIMBANG_OK) {
        tb_weight_free(&made);
        return status;
    }
    tb_weight_free(&run->out->modules[i].weight);
    run->out->modules[i].weight = made;
    return TIMBANG_OK;
}

/* The linears that share one input. */
static timbang_status round_site(struct run *run, size_t layer, tb_layer_linear which, tb_error *err)
{
    static const char *const sites[TB_LAYER_LINEARS][4] = {
        {"attention.self.query", "attention.self.key", "attention.self.value"},
        {"attention.output.dense"},
        {"intermediate.dense"},
        {"output.dense"},
    };
    const tb_calibrate_job *job = run->job;
    const tb_config *config = tb_trainee_config(run->trainee);
    size_t n = which == TB_LINEAR_OUTPUT ? config->intermediate_size : config->hidden_size;
    tb_curvature curvature = {0};
    float *importance = tb_calloc(n, sizeof *importance, err);
    timbang_status status = importance ? TIMBANG_OK : TIMBANG_NO_MEMORY;
    if (status == TIMBANG_OK)
        status = tb_hessian_alloc(&run->hessian, n, tb_trainee_rows_together(&run->texts->batch), job->kernels,
                                  job->pool, err);
    if (status == TIMBANG_OK)
        status = tb_trainee_layer(run->trainee, &run->texts->batch, layer, run->x, NULL, which, add_inputs, run, err);
    if (status == TIMBANG_OK) {
        tb_hessian_finish(&run->hessian);
        diagonal_importance(&run->hessian, importance);
        status = tb_curvature_make(&run->hessian, job->damping > 0 ? job->damping : default_damping, job->pool,
                                   &curvature, err);
    }
    tb_hessian_free(&run->hessian);
    for (size_t i = 0; sites[which][i] && status == TIMBANG_OK; i++) {
        char module[MODULE_NAME];
        snprintf(module, sizeof module, "encoder.layer.%zu.%s", layer, sites[which][i]);
        status = round_linear(run, &curvature, importance, module, err);
    }
    tb_curvature_free(&curvature);
    free(importance);
    return status == TIMBANG_OK ? tb_trainee_refresh_linear(run->trainee, layer, which, err) : status;
}

static timbang_status round_layers(struct run *run, tb_error *err)
{
    const tb_config *config = tb_trainee_config(run->trainee);
    const tb_batch *batch = &run->texts->batch;
    size_t layers = config->num_hidden_layers, total = layers * TB_LAYER_LINEARS;
    TB_TRY(tb_trainee_embed(run->trainee, batch, run->x, err));
    for (size_t layer = 0; layer < layers; layer++) {
        run->last = layer + 1 == layers;
        for (int which = 0; which < TB_LAYER_LINEARS; which++) {
            tb_progress(run->job->hooks, "calibrate", layer * TB_LAYER_LINEARS + (size_t)which, total);
            TB_TRY(tb_check_cancel(run->job->hooks, err));
            TB_TRY(round_site(run, layer, (tb_layer_linear)which, err));
        }
        TB_TRY(tb_trainee_layer(run->trainee, batch, layer, run->x, run->x, TB_LINEAR_QKV, NULL, NULL, err));
    }
    tb_progress(run->job->hooks, "calibrate", total, total);
    return TIMBANG_OK;
}

/* ---- Begin and end ---- */

static timbang_status name_modules(tb_calibrated *out, const tb_parameters *parameters, tb_error *err)
{
    out->modules = tb_calloc(parameters->n_items, sizeof *out->modules, err);
    if (!out->modules)
        return TIMBANG_NO_MEMORY;
    out->n = parameters->n_items;
    for (size_t i = 0; i < out->n; i++)
        module_of(parameters->items[i].name, out->modules[i].name);
    return TIMBANG_OK;
}

/* H has as many directions as inputs were seen, at most: with fewer than columns, the damping decides the others. */
static void warn_few(const struct run *run)
{
    const tb_batch *batch = &run->texts->batch;
    const tb_config *config = tb_trainee_config(run->trainee);
    if (batch->n_tokens < config->intermediate_size)
        tb_log(run->job->hooks, TIMBANG_LOG_WARNING,
               "%s: %zu tokens in %zu texts are fewer than the %zu inputs of a layer: its second moments are damped, "
               "and more rows (--calib-rows) would round better",
               run->texts->name, batch->n_tokens, batch->n_texts, config->intermediate_size);
}

static timbang_status prepare(struct run *run, tb_error *err)
{
    const tb_calibrate_job *job = run->job;
    const tb_trainee_options options = {.folder = job->folder,
                                        .labels = job->labels,
                                        .n_labels = job->n_labels,
                                        .seed = job->seed,
                                        .scheme = job->scheme.name,
                                        .round = round_parameter,
                                        .round_user = run,
                                        .kernels = job->kernels,
                                        .pool = job->pool,
                                        .hooks = job->hooks};
    TB_TRY(tb_trainee_create(&options, &run->trainee, err));
    TB_TRY(name_modules(run->out, tb_trainee_parameters(run->trainee), err));
    tb_calibration_options texts = job->calibration;
    const tb_config *config = texts.config = tb_trainee_config(run->trainee);
    texts.tokenizer = tb_trainee_tokenizer(run->trainee);
    texts.pool = job->pool;
    texts.hooks = job->hooks;
    TB_TRY(tb_calibration_read(&texts, &run->texts, err));
    warn_few(run);
    size_t widest = config->intermediate_size > config->hidden_size ? config->intermediate_size : config->hidden_size;
    run->x = tb_calloc(run->texts->batch.n_tokens, config->hidden_size * sizeof *run->x, err);
    run->cls_rows =
        run->x ? tb_calloc(tb_trainee_rows_together(&run->texts->batch), widest * sizeof(float), err) : NULL;
    return run->cls_rows ? TIMBANG_OK : TIMBANG_NO_MEMORY;
}

static timbang_status keep_record(const struct run *run, tb_error *err)
{
    const tb_calibrate_job *job = run->job;
    const tb_calibration *texts = run->texts;
    run->out->record =
        json_pack("{s:s, s:f, s:I, s:I, s:I, s:I, s:s}", "method", tb_method_name(job->method), "damping",
                  job->damping > 0 ? job->damping : default_damping, "texts", (json_int_t)texts->batch.n_texts,
                  "tokens", (json_int_t)texts->batch.n_tokens, "max_length", (json_int_t)texts->max_length, "seed",
                  (json_int_t)texts->seed, "sha256", texts->sha256);
    return run->out->record ? TIMBANG_OK : tb_no_memory(err, 0);
}

timbang_status tb_calibrate(const tb_calibrate_job *job, tb_calibrated **out, tb_error *err)
{
    struct run run = {.job = job};
    if (job->scheme.linear != TB_WEIGHT_S4 && job->scheme.linear != TB_WEIGHT_S4_ROW &&
        job->scheme.linear != TB_WEIGHT_S8)
        return tb_fail(err, TIMBANG_USAGE, "--method %s chooses integers, and %s has none in its linear layers",
                       tb_method_name(job->method), job->scheme.name);
    run.out = tb_calloc(1, sizeof *run.out, err);
    timbang_status status = run.out ? prepare(&run, err) : TIMBANG_NO_MEMORY;
    if (status == TIMBANG_OK)
        status = round_layers(&run, err);
    if (status == TIMBANG_OK)
        status = keep_record(&run, err);
    tb_trainee_free(run.trainee);
    tb_calibration_free(run.texts);
    tb_hessian_free(&run.hessian);
    free(run.x);
    free(run.cls_rows);
    if (status == TIMBANG_OK)
        *out = run.out;
    else
        tb_calibrated_free(run.out);
    return status;
}

void tb_calibrated_free(tb_calibrated *calibrated)
{
    if (!calibrated)
        return;
    for (size_t i = 0; i < calibrated->n; i++)
        tb_weight_free(&calibrated->modules[i].weight);
    free(calibrated->modules);
    json_decref(calibrated->record);
    free(calibrated);
}

bool tb_calibrated_take(tb_calibrated *calibrated, const char *module, tb_weight *weight)
{
    for (size_t i = 0; i < calibrated->n; i++) {
        tb_weight *made = &calibrated->modules[i].weight;
        if (made->kind == TB_WEIGHT_F32 || strcmp(calibrated->modules[i].name, module) != 0)
            continue;
        *weight = *made;
        *made = (tb_weight){0};
        return true;
    }
    return false;
}

const json_t *tb_calibrated_record(const tb_calibrated *calibrated)
{
    return calibrated->record;
}
