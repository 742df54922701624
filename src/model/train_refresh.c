/* The masters rounded and packed: after every change, before the next pass.
 * Includes: model/train_parts.h, model/fuse.h. Called by: trainee.c, train. */
#include "model/fuse.h"
#include "model/train_parts.h"

#include <string.h>

/* ---- Rounding ---- */

static const float *master(const tb_trainee *t, size_t parameter)
{
    return t->parameters->values + t->parameters->items[parameter].begin;
}

static timbang_status round_rows(const tb_trainee *t, size_t parameter, const float *values, size_t rows,
                                 tb_weight *out, tb_error *err)
{
    const tb_trainee_options *o = &t->options;
    const tb_parameter *item = &t->parameters->items[parameter];
    *out = (tb_weight){.kind = TB_WEIGHT_F32, .act = TB_ACT_FLOAT};
    if (o->round)
        TB_TRY(o->round(o->round_user, t->parameters, parameter, values, rows, out, err));
    out->rows = rows;
    out->columns = item->columns;
    return TIMBANG_OK;
}

/* The rounded values as floats, rows [begin, end). */
struct expansion {
    const tb_weight *weight;
    const tb_kernels *kernels;
    float *to;
};

static void expand_row(const struct expansion *e, size_t row)
{
    const tb_weight *w = e->weight;
    size_t n = w->columns, groups = w->group ? n / w->group : 0;
    float *to = e->to + row * n;
    if (w->kind == TB_WEIGHT_F16)
        e->kernels->expand_f16(w->half + row * n, to, n);
    else if (w->kind == TB_WEIGHT_BF16)
        e->kernels->expand_bf16(w->half + row * n, to, n);
    else if (w->kind == TB_WEIGHT_S4)
        for (size_t g = 0; g < groups; g++) { /* the product of scale and multiplier is exact */
            float scale = w->scale[row] * (float)w->multiplier[row * groups + g];
            e->kernels->expand_s8(w->q + row * n + g * w->group, scale, to + g * w->group, w->group);
        }
    else
        e->kernels->expand_s8(w->q + row * n, w->scale[row], to, n);
}

static void expand_share(void *arg, int thread, int n_threads)
{
    const struct expansion *e = arg;
    size_t begin, end;
    tb_share(e->weight->rows, 1, thread, n_threads, &begin, &end);
    for (size_t row = begin; row < end; row++)
        expand_row(e, row);
}

/* The floats that a weight stands for: its own, or (rounded ones) made in `to`. */
static const float *expand(const tb_trainee *t, const tb_weight *w, const float *own, float *to)
{
    struct expansion e = {w, t->options.kernels, to};
    if (w->kind == TB_WEIGHT_F32)
        return w->values ? w->values : own;
    tb_pool_run(t->options.pool, expand_share, &e);
    return to;
}

/* ---- Vectors ---- */

static timbang_status refresh_vector(const tb_trainee *t, size_t parameter, float *to, tb_error *err)
{
    tb_weight rounded = {0};
    size_t n = t->parameters->items[parameter].n;
    TB_TRY(round_rows(t, parameter, master(t, parameter), n, &rounded, err));
    const float *values = expand(t, &rounded, master(t, parameter), to);
    if (values != to)
        memcpy(to, values, n * sizeof *to);
    tb_weight_free(&rounded);
    return TIMBANG_OK;
}

static timbang_status refresh_norm(tb_trainee *t, const tb_trained_norm *norm, tb_error *err)
{
    TB_TRY(refresh_vector(t, norm->gamma, norm->norm->gamma, err));
    return refresh_vector(t, norm->beta, norm->norm->beta, err);
}

static timbang_status refresh_norms(tb_trainee *t, tb_error *err)
{
    TB_TRY(refresh_norm(t, &t->embedding_norm, err));
    for (size_t i = 0; i < t->model->config.num_hidden_layers; i++) {
        TB_TRY(refresh_norm(t, &t->layers[i].attention_norm, err));
        TB_TRY(refresh_norm(t, &t->layers[i].output_norm, err));
    }
    return t->options.task == TB_TASK_MLM ? refresh_norm(t, &t->transform_norm, err) : TIMBANG_OK;
}

/* ---- Linears ---- */

/* The panels of the way back: of the weights as [out][in], rows summed. */
struct back_job {
    const tb_kernels *kernels;
    const tb_trained_linear *linear;
    const float *values;
    bool half;
};

static void back_share(void *arg, int thread, int n_threads)
{
    const struct back_job *job = arg;
    const tb_trained_linear *l = job->linear;
    size_t begin, end;
    tb_share(l->in, l->back_nr, thread, n_threads, &begin, &end);
    if (begin == end)
        return;
    void *to = l->back + begin / l->back_nr * l->back_panel_bytes;
    if (job->half)
        job->kernels->pack_bf16_kn(to, job->values + begin, l->in, end - begin, l->out);
    else
        job->kernels->pack_f32_kn(to, job->values + begin, l->in, end - begin, l->out);
}

static timbang_status pack_back(tb_trainee *t, tb_trained_linear *linear, const float *values, tb_error *err)
{
    const tb_kernels *k = t->options.kernels;
    bool bf16 = tb_train_half(t);
    if (!linear->back) {
        linear->back_nr = bf16 ? k->bf16_nr : k->f32_nr;
        linear->back_panel_bytes = bf16 ? k->bf16_panel_bytes(linear->out) : k->f32_panel_bytes(linear->out);
        size_t panels = (linear->in + linear->back_nr - 1) / linear->back_nr;
        linear->back = tb_arena_alloc(t->panels, panels, linear->back_panel_bytes, err);
        if (!linear->back)
            return err->status;
    }
    struct back_job job = {k, linear, values, bf16};
    tb_pool_run(t->options.pool, back_share, &job);
    return TIMBANG_OK;
}

static timbang_status refresh_bias(const tb_trainee *t, const tb_trained_linear *linear, tb_error *err)
{
    size_t each = linear->out / linear->n_parts;
    for (size_t i = 0; i < linear->n_parts; i++)
        TB_TRY(refresh_vector(t, linear->bias[i], linear->packed->bias + i * each, err));
    return TIMBANG_OK;
}

static bool is_integer(const tb_weight *weight)
{
    return weight->kind == TB_WEIGHT_S8 || weight->kind == TB_WEIGHT_S4;
}

/* The first time also allocates. A model of integers is loaded for FP32 compute alone (load.c), so what it keeps in
 * float goes forward in float; the encoder's layers come before those of the head. */
static timbang_status pack_forward(tb_trainee *t, tb_trained_linear *linear, const tb_weight *weight, tb_error *err)
{
    const tb_trainee_options *o = &t->options;
    if (linear->packed->bias) {
        tb_linear_repack(linear->packed, weight, o->kernels, o->pool);
        return TIMBANG_OK;
    }
    float *bias = tb_calloc(linear->out, sizeof *bias, err);
    if (!bias)
        return err->status;
    if (is_integer(weight))
        t->model->compute = TB_COMPUTE_FP32;
    return tb_linear_pack(weight, bias, t->model->compute, o->kernels, o->pool, t->model->packed, linear->packed, err);
}

/* Panels of `rounded`, whose floats are `values`, both ways. */
static timbang_status pack(tb_trainee *t, tb_trained_linear *linear, const tb_weight *rounded, const float *values,
                           tb_error *err)
{
    tb_weight weight = *rounded;
    if (!is_integer(rounded)) { /* floats, whatever they were stored in */
        weight = (tb_weight){.kind = TB_WEIGHT_F32, .act = rounded->act};
        weight.values = (float *)(uintptr_t)values; /* read alone */
    }
    weight.rows = linear->out;
    weight.columns = linear->in;
    TB_TRY(pack_forward(t, linear, &weight, err));
    TB_TRY(refresh_bias(t, linear, err));
    return pack_back(t, linear, values, err);
}

static timbang_status refresh_fused(tb_trainee *t, tb_trained_linear *linear, tb_weight parts[3], tb_error *err)
{
    size_t each = linear->out / 3 * linear->in;
    for (size_t i = 0; i < 3; i++) {
        const float *own = master(t, linear->weight[i]);
        const float *values = expand(t, &parts[i], own, t->expanded + i * each);
        if (values != t->expanded + i * each)
            memcpy(t->expanded + i * each, values, each * sizeof *values);
    }
    if (!tb_weights_fusible(parts))
        return tb_fail(err, TIMBANG_INTERNAL, "query, key and value must be rounded alike");
    if (!is_integer(&parts[0]))
        return pack(t, linear, &parts[0], t->expanded, err);
    tb_weight whole = {0};
    TB_TRY(tb_weights_fuse(parts, &whole, err));
    timbang_status status = pack(t, linear, &whole, t->expanded, err);
    tb_weight_free(&whole);
    return status;
}

static timbang_status refresh_linear(tb_trainee *t, tb_trained_linear *linear, tb_error *err)
{
    tb_weight parts[3] = {{0}, {0}, {0}};
    timbang_status status = TIMBANG_OK;
    for (size_t i = 0; i < linear->n_parts && status == TIMBANG_OK; i++)
        status = round_rows(t, linear->weight[i], master(t, linear->weight[i]), linear->out / linear->n_parts,
                            &parts[i], err);
    if (status == TIMBANG_OK && linear->n_parts == 3)
        status = refresh_fused(t, linear, parts, err);
    else if (status == TIMBANG_OK)
        status = pack(t, linear, &parts[0], expand(t, &parts[0], master(t, linear->weight[0]), t->expanded), err);
    for (size_t i = 0; i < 3; i++)
        tb_weight_free(&parts[i]);
    return status;
}

/* Calls fn for every linear, in the order of a pass. */
typedef timbang_status linear_fn(tb_trainee *t, tb_trained_linear *linear, tb_error *err);

static timbang_status each_linear(tb_trainee *t, linear_fn *fn, tb_error *err)
{
    for (size_t i = 0; i < t->model->config.num_hidden_layers; i++) {
        tb_trained_layer *l = &t->layers[i];
        tb_trained_linear *all[] = {&l->qkv, &l->attention_output, &l->intermediate, &l->output};
        for (size_t j = 0; j < 4; j++)
            TB_TRY(fn(t, all[j], err));
    }
    bool mlm = t->options.task == TB_TASK_MLM;
    TB_TRY(fn(t, mlm ? &t->transform : &t->pooler, err));
    return fn(t, mlm ? &t->decoder : &t->classifier, err);
}

/* What the model must know of its layers, once. */
static timbang_status note_linear(tb_trainee *t, tb_trained_linear *linear, tb_error *err)
{
    tb_classifier *model = t->model;
    const tb_linear *packed = linear->packed;
    (void)err;
    model->resident_bytes += packed->resident_bytes;
    model->half_inputs = model->half_inputs || packed->act == TB_ACT_BF16;
    model->whole_last_layer = model->whole_last_layer || packed->act == TB_ACT_U8_TEXT_7BIT;
    return TIMBANG_OK;
}

void tb_train_note_linears(tb_trainee *t)
{
    tb_error err;
    (void)each_linear(t, note_linear, &err);
}

/* ---- Tables ---- */

/* A table of floats is the master itself. */
static bool is_master(const tb_trainee *t, size_t parameter, const tb_embedding *table)
{
    return table->values && table->values == master(t, parameter);
}

static void borrow_master(const tb_trainee *t, size_t parameter, tb_embedding *table)
{
    const tb_parameter *item = &t->parameters->items[parameter];
    *table = (tb_embedding){.kind = TB_WEIGHT_F32, .rows = item->rows, .columns = item->columns};
    table->values = t->parameters->values + item->begin;
    table->resident_bytes = item->n * sizeof(float);
}

/* All rows of a table. A failure leaves the table as it was. */
static timbang_status refresh_table(const tb_trainee *t, size_t parameter, tb_embedding *table, tb_error *err)
{
    const tb_parameter *item = &t->parameters->items[parameter];
    tb_weight rounded = {0};
    tb_embedding made = {0};
    if (is_master(t, parameter, table))
        return TIMBANG_OK;
    TB_TRY(round_rows(t, parameter, master(t, parameter), item->rows, &rounded, err));
    if (rounded.kind == TB_WEIGHT_F32 && !rounded.values) {
        borrow_master(t, parameter, table);
        return TIMBANG_OK;
    }
    timbang_status status =
        rounded.kind == TB_WEIGHT_F32
            ? tb_fail(err, TIMBANG_INTERNAL, "%s: a table's rounded floats have no place", item->name)
            : tb_embedding_take(&rounded, &made, err);
    if (status != TIMBANG_OK) {
        tb_weight_free(&rounded);
        return status;
    }
    tb_embedding_free(table);
    *table = made;
    return TIMBANG_OK;
}

static void return_table(const tb_trainee *t, size_t parameter, tb_embedding *table)
{
    if (t->parameters && is_master(t, parameter, table))
        table->values = NULL;
}

void tb_train_return_tables(tb_trainee *t)
{
    return_table(t, t->word, &t->model->word);
    return_table(t, t->position, &t->model->position);
    return_table(t, t->type, &t->model->type);
}

timbang_status tb_trainee_refresh(tb_trainee *t, tb_error *err)
{
    tb_classifier *model = t->model;
    TB_TRY(refresh_norms(t, err));
    TB_TRY(each_linear(t, refresh_linear, err));
    TB_TRY(refresh_table(t, t->position, &model->position, err));
    TB_TRY(refresh_table(t, t->type, &model->type, err));
    if (model->word.rows == 0)
        return refresh_table(t, t->word, &model->word, err);
    t->rows_stale = !is_master(t, t->word, &model->word);
    return TIMBANG_OK;
}

timbang_status tb_trainee_refresh_linear(tb_trainee *t, size_t layer, tb_layer_linear which, tb_error *err)
{
    tb_trained_layer *l = &t->layers[layer];
    tb_trained_linear *const all[] = {&l->qkv, &l->attention_output, &l->intermediate, &l->output};
    return refresh_linear(t, all[which], err);
}

timbang_status tb_trainee_classifier(tb_trainee *t, const tb_classifier **model, tb_error *err)
{
    if (t->options.task == TB_TASK_MLM)
        return tb_fail(err, TIMBANG_USAGE, "a masked-language model is no classifier");
    if (t->rows_stale)
        TB_TRY(refresh_table(t, t->word, &t->model->word, err));
    t->rows_stale = false;
    *model = t->model;
    return TIMBANG_OK;
}
