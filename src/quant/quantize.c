/* Post-training quantization of a folder into a folder: plan, round, write, describe.
 * Includes: base, formats, quant. Called by: study, api. */
#include "quant/quantize.h"

#include "formats/safetensors.h"
#include "quant/jitter.h"
#include "quant/plan.h"
#include "quant/record.h"
#include "quant/round_module.h"
#include "quant/rows.h"
#include "text/tokenizer.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_TOKENIZER_BYTES = 256 << 20 };

/* One quantization on its way. */
typedef struct work {
    const tb_quantize_job *job;
    tb_config config;
    tb_state_dict *state;
    tb_quant_plan plan;
    char source_hash[65];
    uint64_t done, total;
    tb_rounding rounding;      /* of all quantized linears */
    tb_calibrated *calibrated; /* or NULL: everything to nearest */
} work;

/* One tensor of the file to be: entry i of a matrix, or a vector. */
typedef struct item {
    tb_tensor tensor;
    size_t matrix, entry; /* matrix == SIZE_MAX: a vector */
    size_t vector;
} item;

static timbang_status step(work *w, tb_error *err)
{
    TB_TRY(tb_check_cancel(w->job->hooks, err));
    tb_progress(w->job->hooks, "quantize", w->done++, w->total);
    return TIMBANG_OK;
}

/* ---- Source ---- */

static timbang_status open_source(work *w, tb_error *err)
{
    const tb_quantize_job *job = w->job;
    tb_checkpoint *checkpoint;
    TB_TRY(tb_config_load(job->folder, &w->config, err));
    if (w->config.quantization)
        return tb_fail(err, TIMBANG_UNSUPPORTED,
                       "%s is quantized already (quantization_config in config.json); quantize the float model that it "
                       "was made from",
                       tb_folder_name(job->folder));
    if (job->weights_path)
        TB_TRY(tb_checkpoint_open_file(job->weights_path, &checkpoint, err));
    else
        TB_TRY(tb_checkpoint_open_folder(job->folder, &checkpoint, err));
    TB_TRY(tb_state_dict_open(checkpoint, &w->state, err));
    TB_TRY(tb_state_dict_check_layers(w->state, w->config.num_hidden_layers, err));
    const char *first;
    size_t unknown = tb_state_dict_unknown(w->state, &first);
    if (unknown > 0)
        tb_log(job->hooks, TIMBANG_LOG_WARNING,
               "%s: %zu tensors that a BERT classifier has no use for are left out (%s)", tb_folder_name(job->folder),
               unknown, first);
    if (!job->source_sha256)
        return tb_source_weights_hash(job, w->source_hash, err);
    snprintf(w->source_hash, sizeof w->source_hash, "%s", job->source_sha256);
    return TIMBANG_OK;
}

/* ---- Rounding ---- */

static timbang_status source_values(const work *w, const tb_plan_matrix *m, tb_weight *source, tb_error *err)
{
    const tb_weight *wanted = &m->weight;
    if (!m->given)
        return tb_weight_load(w->state, NULL, m->name, m->embedding ? "Embedding" : "Linear", wanted->rows,
                              wanted->columns, false, source, err);
    *source = (tb_weight){.kind = TB_WEIGHT_F32, .rows = wanted->rows, .columns = wanted->columns};
    source->values = tb_calloc(wanted->rows * wanted->columns, sizeof(float), err);
    if (!source->values)
        return TIMBANG_NO_MEMORY;
    memcpy(source->values, m->given, wanted->rows * wanted->columns * sizeof(float));
    return TIMBANG_OK;
}

/* Of the columns of a linear's input, from the LayerNorm before it. */
static timbang_status norm_importance(const work *w, const tb_plan_matrix *m, float *importance, tb_error *err)
{
    size_t n = m->weight.columns;
    char gamma[TB_NORM_NAME + 8], beta[TB_NORM_NAME + 8];
    snprintf(gamma, sizeof gamma, "%s.weight", m->norm);
    snprintf(beta, sizeof beta, "%s.bias", m->norm);
    float *shift = tb_calloc(n, sizeof *shift, err);
    timbang_status status = shift ? tb_vector_load(w->state, gamma, n, importance, err) : TIMBANG_NO_MEMORY;
    if (status == TIMBANG_OK)
        status = tb_vector_load(w->state, beta, n, shift, err);
    if (status == TIMBANG_OK)
        tb_norm_importance(importance, shift, n, importance);
    free(shift);
    return status;
}

static bool is_float(const tb_weight *weight)
{
    return weight->kind == TB_WEIGHT_F32 || weight->kind == TB_WEIGHT_F16 || weight->kind == TB_WEIGHT_BF16;
}

/* The scheme's own rounding, or a random one; and its error where it is asked for. */
static timbang_status round_and_measure(work *w, const tb_plan_matrix *m, const float *values, tb_weight *out,
                                        tb_error *err)
{
    const tb_quantize_job *job = w->job;
    float *importance = NULL;
    timbang_status status = TIMBANG_OK;
    bool quantized = !is_float(&m->weight);
    if (m->norm && m->weight.kind == TB_WEIGHT_S4) {
        importance = tb_calloc(m->weight.columns, sizeof *importance, err);
        status = importance ? norm_importance(w, m, importance, err) : TIMBANG_NO_MEMORY;
    }
    double unknown = -1, *own_error = &unknown;
    if (job->own_errors && job->own_errors->n > 0)
        own_error = &job->own_errors->values[m - w->plan.matrices];
    bool jitter = job->jitter && quantized;
    if (status == TIMBANG_OK && jitter && *own_error > 0 && !tb_jitter_needs_own(&m->weight)) {
        status = tb_refuse_weight(values, m->weight.rows, m->weight.columns, err);
        if (status == TIMBANG_OK)
            status = tb_quantized_alloc(m->weight.rows, m->weight.columns, TB_WEIGHT_S8, out, err);
    } else if (status == TIMBANG_OK && !(w->calibrated && tb_calibrated_take(w->calibrated, m->name, out))) {
        status = tb_round_matrix(&m->weight, values, importance, job->kernels, job->pool, out, err);
    }
    if (status == TIMBANG_OK && jitter)
        status = tb_jitter_weight(job->jitter, m->name, values, importance, &m->weight, job->kernels, job->pool,
                                  own_error, out, err);
    free(importance);
    if (status == TIMBANG_OK && job->weight_error && quantized && !m->embedding) {
        tb_rounding rounding = {0};
        status = tb_rounding_error(values, out, job->pool, &rounding, err);
        w->rounding.error += rounding.error;
        w->rounding.square += rounding.square;
    }
    return status;
}

/* Fills the arrays of m->weight. */
static timbang_status make_matrix(work *w, tb_plan_matrix *m, tb_error *err)
{
    tb_weight source = {0}, made = {0};
    TB_TRY(source_values(w, m, &source, err));
    timbang_status status = TIMBANG_OK;
    if (m->weight.kind == TB_WEIGHT_F32) {
        made = source;
        source = (tb_weight){0};
    } else {
        status = round_and_measure(w, m, source.values, &made, err);
        if (status != TIMBANG_OK && status != TIMBANG_NO_MEMORY)
            tb_fail_prefix(err, "%s: %s.weight", tb_folder_name(w->job->folder), m->file_name);
    }
    tb_weight_free(&source);
    if (status != TIMBANG_OK) {
        tb_weight_free(&made);
        return status;
    }
    made.act = m->weight.act;
    m->weight = made;
    return TIMBANG_OK;
}

/* Frees the arrays, keeps the description. */
static void drop_arrays(tb_weight *weight)
{
    tb_weight bare = *weight;
    bare.values = NULL;
    bare.half = NULL;
    bare.q = NULL;
    bare.scale = NULL;
    bare.multiplier = NULL;
    tb_weight_free(weight);
    *weight = bare;
}

/* Quantized matrices are held until they are written, because their parts lie apart in the file. Float ones have one
 * part and are made when it is written. */
static timbang_status make_quantized(work *w, tb_error *err)
{
    for (size_t i = 0; i < w->plan.n_matrices; i++) {
        tb_plan_matrix *m = &w->plan.matrices[i];
        if (is_float(&m->weight))
            continue;
        TB_TRY(step(w, err));
        TB_TRY(make_matrix(w, m, err));
    }
    return TIMBANG_OK;
}

/* ---- model.safetensors ---- */

/* Wide types first, so that every tensor lies at a multiple of its element's size: some readers view them in place. */
static timbang_status list_items(work *w, tb_arena *arena, item **items, size_t *n, tb_error *err)
{
    static const size_t widths[] = {8, 4, 2, 1};
    const tb_quant_plan *plan = &w->plan;
    size_t most = plan->n_matrices * 3 + plan->n_vectors;
    item *all = tb_calloc(most, sizeof *all, err), *sorted = all ? tb_calloc(most, sizeof *all, err) : NULL;
    timbang_status status = sorted ? TIMBANG_OK : TIMBANG_NO_MEMORY;
    size_t count = 0, placed = 0;
    for (size_t i = 0; i < plan->n_matrices && status == TIMBANG_OK; i++) {
        tb_tensor entries[3];
        size_t parts = 0;
        status = tb_weight_entries(&plan->matrices[i].weight, plan->matrices[i].file_name, arena, entries, &parts, err);
        for (size_t k = 0; k < parts && status == TIMBANG_OK; k++)
            all[count++] = (item){.tensor = entries[k], .matrix = i, .entry = k};
    }
    for (size_t i = 0; i < plan->n_vectors && status == TIMBANG_OK; i++) {
        const tb_plan_vector *v = &plan->vectors[i];
        tb_tensor tensor = {.name = v->file_name, .dtype = plan->vector_dtype, .rank = 1, .shape = {v->n}};
        tensor.elements = v->n;
        tensor.bytes = v->n * tb_dtype_bytes(tensor.dtype);
        all[count++] = (item){.tensor = tensor, .matrix = SIZE_MAX, .vector = i};
    }
    for (size_t k = 0; k < sizeof widths / sizeof *widths && status == TIMBANG_OK; k++) {
        for (size_t i = 0; i < count; i++) {
            if (tb_dtype_bytes(all[i].tensor.dtype) == widths[k])
                sorted[placed++] = all[i];
        }
    }
    free(all);
    *items = sorted;
    *n = placed;
    return status;
}

static timbang_status write_vector(work *w, const tb_plan_vector *v, tb_safetensors_writer *writer, tb_error *err)
{
    tb_dtype dtype = w->plan.vector_dtype;
    float *values = tb_calloc(v->n, sizeof *values, err);
    uint16_t *half = values ? tb_calloc(v->n, sizeof *half, err) : NULL;
    timbang_status status = half ? TIMBANG_OK : TIMBANG_NO_MEMORY;
    if (status == TIMBANG_OK && v->given)
        memcpy(values, v->given, v->n * sizeof *values);
    else if (status == TIMBANG_OK)
        status = tb_vector_load(w->state, v->name, v->n, values, err);
    if (status == TIMBANG_OK && dtype != TB_F32) {
        status = tb_round_half(values, v->n, dtype == TB_F16 ? TB_WEIGHT_F16 : TB_WEIGHT_BF16, NULL, half, err);
        if (status != TIMBANG_OK)
            tb_fail_prefix(err, "%s: %s", tb_folder_name(w->job->folder), v->file_name);
    }
    if (status == TIMBANG_OK)
        status = dtype == TB_F32 ? tb_safetensors_write(writer, values, v->n * sizeof *values, err)
                                 : tb_safetensors_write(writer, half, v->n * sizeof *half, err);
    free(half);
    free(values);
    return status;
}

static timbang_status write_item(work *w, const item *it, tb_safetensors_writer *writer, tb_error *err)
{
    if (it->matrix == SIZE_MAX)
        return write_vector(w, &w->plan.vectors[it->vector], writer, err);
    tb_plan_matrix *m = &w->plan.matrices[it->matrix];
    bool here = is_float(&m->weight);
    if (here) {
        TB_TRY(step(w, err));
        TB_TRY(make_matrix(w, m, err));
    } else {
        TB_TRY(tb_check_cancel(w->job->hooks, err));
    }
    timbang_status status = tb_weight_write_entry(&m->weight, it->entry, writer, err);
    if (here)
        drop_arrays(&m->weight);
    return status;
}

static timbang_status write_items(work *w, const char *path, const item *items, size_t n, tb_error *err)
{
    tb_tensor *tensors = tb_calloc(n, sizeof *tensors, err);
    if (!tensors)
        return TIMBANG_NO_MEMORY;
    for (size_t i = 0; i < n; i++)
        tensors[i] = items[i].tensor;
    tb_safetensors_writer *writer = NULL;
    timbang_status status = tb_safetensors_create(path, tensors, n, &writer, err);
    if (status == TIMBANG_OK) {
        for (size_t i = 0; i < n && status == TIMBANG_OK; i++)
            status = write_item(w, &items[i], writer, err);
        if (status == TIMBANG_OK)
            status = tb_safetensors_commit(writer, err);
        else
            tb_safetensors_abandon(writer);
    }
    free(tensors);
    return status;
}

static timbang_status write_weights(work *w, const char *dir, tb_error *err)
{
    item *items = NULL;
    size_t n = 0;
    char *path = tb_path_join(dir, "model.safetensors", err);
    timbang_status status = path ? list_items(w, w->plan.arena, &items, &n, err) : TIMBANG_NO_MEMORY;
    if (status == TIMBANG_OK)
        status = write_items(w, path, items, n, err);
    free(items);
    free(path);
    return status;
}

/* ---- The other files ---- */

static timbang_status write_json(const char *dir, const char *file, const json_t *value, tb_error *err)
{
    char *path = tb_path_join(dir, file, err);
    timbang_status status = path ? tb_json_write_file(path, value, err) : TIMBANG_NO_MEMORY;
    free(path);
    return status;
}

static timbang_status write_config(const work *w, const char *dir, tb_error *err)
{
    const tb_quant_plan *plan = &w->plan;
    const char *dtype = plan->vector_dtype == TB_F16    ? "float16"
                        : plan->vector_dtype == TB_BF16 ? "bfloat16"
                                                        : "float32";
    tb_module_scheme *modules = tb_calloc(plan->n_matrices, sizeof *modules, err);
    if (!modules)
        return TIMBANG_NO_MEMORY;
    for (size_t i = 0; i < plan->n_matrices; i++)
        modules[i] =
            (tb_module_scheme){plan->matrices[i].file_name, &plan->matrices[i].weight, plan->matrices[i].embedding};
    json_t *quantization = NULL, *config = NULL;
    timbang_status status = tb_quantization_config(modules, plan->n_matrices, &quantization, err);
    if (status == TIMBANG_OK) {
        config = tb_config_to_json(&w->config, quantization, dtype, err);
        status = config ? write_json(dir, "config.json", config, err) : err->status;
    }
    json_decref(config);
    json_decref(quantization);
    free(modules);
    return status;
}

static timbang_status write_record(const work *w, const char *dir, tb_error *err)
{
    json_t *record;
    TB_TRY(tb_quantized_record(w->job, w->plan.new_head, w->source_hash,
                               w->calibrated ? tb_calibrated_record(w->calibrated) : NULL, &record, err));
    timbang_status status = write_json(dir, "timbang.json", record, err);
    json_decref(record);
    return status;
}

static timbang_status copy_tokenizer(const work *w, const char *dir, tb_error *err)
{
    const char *const *files = tb_tokenizer_files;
    timbang_status status = TIMBANG_OK;
    for (size_t i = 0; files[i] && status == TIMBANG_OK; i++) {
        char *bytes = NULL;
        size_t size;
        if (!tb_folder_has(w->job->folder, files[i]))
            continue;
        char *path = tb_path_join(dir, files[i], err);
        status = path ? tb_folder_read(w->job->folder, files[i], MAX_TOKENIZER_BYTES, &bytes, &size, err)
                      : TIMBANG_NO_MEMORY;
        if (status == TIMBANG_OK)
            status = tb_write_file(path, bytes, size, err);
        free(bytes);
        free(path);
    }
    return status;
}

/* ---- All of it ---- */

static timbang_status prepare_own_errors(const work *w, tb_error *err)
{
    tb_own_errors *errors = w->job->own_errors;
    if (!errors || !w->job->jitter || errors->n == w->plan.n_matrices)
        return TIMBANG_OK;
    tb_own_errors_free(errors);
    errors->values = tb_calloc(w->plan.n_matrices, sizeof *errors->values, err);
    if (!errors->values)
        return TIMBANG_NO_MEMORY;
    errors->n = w->plan.n_matrices;
    for (size_t i = 0; i < errors->n; i++)
        errors->values[i] = -1;
    return TIMBANG_OK;
}

void tb_own_errors_free(tb_own_errors *errors)
{
    free(errors->values);
    *errors = (tb_own_errors){0};
}

static timbang_status write_folder(work *w, const char *dir, tb_error *err)
{
    TB_TRY(prepare_own_errors(w, err));
    TB_TRY(make_quantized(w, err));
    TB_TRY(write_weights(w, dir, err));
    TB_TRY(write_config(w, dir, err));
    TB_TRY(copy_tokenizer(w, dir, err));
    TB_TRY(write_record(w, dir, err));
    tb_progress(w->job->hooks, "quantize", w->total, w->total);
    return TIMBANG_OK;
}

static timbang_status calibrate(work *w, tb_error *err)
{
    const tb_quantize_job *job = w->job;
    if (job->weights_path)
        return tb_fail(err, TIMBANG_UNSUPPORTED, "--method %s needs a model folder, not a bare file of weights (%s)",
                       tb_method_name(job->method), job->weights_path);
    const tb_calibrate_job calibration = {.folder = job->folder,
                                          .labels = job->labels,
                                          .n_labels = job->n_labels,
                                          .seed = job->seed,
                                          .scheme = job->scheme,
                                          .method = job->method,
                                          .damping = job->damping,
                                          .calibration = job->calibration,
                                          .kernels = job->kernels ? job->kernels : &tb_kernels_ref,
                                          .pool = job->pool,
                                          .hooks = job->hooks};
    return tb_calibrate(&calibration, &w->calibrated, err);
}

static timbang_status run(work *w, tb_error *err)
{
    tb_staged_folder folder;
    TB_TRY(tb_staged_begin(w->job->out, w->job->force, &folder, err));
    timbang_status status = open_source(w, err);
    if (status == TIMBANG_OK)
        status = tb_quant_plan_make(w->job, &w->config, w->state, &w->plan, err);
    if (status == TIMBANG_OK && w->job->method != TB_METHOD_NEAREST)
        status = calibrate(w, err);
    if (status == TIMBANG_OK) {
        w->total = w->plan.n_matrices;
        status = write_folder(w, folder.staging, err);
    }
    if (status == TIMBANG_OK)
        return tb_staged_commit(&folder, err);
    tb_staged_abandon(&folder);
    return status;
}

timbang_status tb_quantize_folder(const tb_quantize_job *job, tb_error *err)
{
    work w = {.job = job};
    timbang_status status = run(&w, err);
    if (job->weight_error)
        *job->weight_error = w.rounding.square > 0 ? w.rounding.error / w.rounding.square : 0;
    tb_calibrated_free(w.calibrated);
    tb_quant_plan_free(&w.plan);
    tb_state_dict_close(w.state);
    tb_config_free(&w.config);
    return status;
}
