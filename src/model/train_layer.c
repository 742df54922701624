/* A trainee layer by layer: what a linear reads, and what a layer makes of its input. The same stages as a pass.
 * Includes: model/train_parts.h. Called by: quant/calibrated.c. */
#include "model/train_parts.h"

#include <string.h>

/* Every part of the batch: checked, with memory for it. */
typedef timbang_status part_fn(struct train_pass *p, void *user, tb_error *err);

static timbang_status each_part(tb_trainee *t, const tb_batch *batch, part_fn *fn, void *user, tb_error *err)
{
    tb_train_pass job = {.batch = batch};
    struct train_pass p = {.t = t, .kernels = t->options.kernels, .job = &job, .whole_last = true};
    TB_TRY(tb_train_check_batch(t, batch, err));
    if (batch->n_texts > 0)
        TB_TRY(tb_train_reserve_for(t, &job, err));
    for (size_t first = 0, n; first < batch->n_texts; first += n) {
        n = tb_train_texts_together(batch, first);
        tb_train_take_part(&p, first, n);
        tb_train_begin_forward(&p);
        TB_TRY(fn(&p, user, err));
    }
    return TIMBANG_OK;
}

size_t tb_trainee_rows_together(const tb_batch *batch)
{
    size_t most = TB_TRAIN_TOKENS;
    for (size_t i = 0; i < batch->n_texts; i++) {
        size_t length = batch->cu_seqlens[i + 1] - batch->cu_seqlens[i];
        most = length > most ? length : most;
    }
    return most;
}

static timbang_status embed_part(struct train_pass *p, void *user, tb_error *err)
{
    float *x = user;
    size_t hidden = p->t->model->config.hidden_size;
    TB_TRY(tb_train_embed(p, err));
    memcpy(x + p->first_token * hidden, p->t->layers[0].x, p->part.n_tokens * hidden * sizeof *x);
    return TIMBANG_OK;
}

timbang_status tb_trainee_embed(tb_trainee *trainee, const tb_batch *batch, float *x, tb_error *err)
{
    return each_part(trainee, batch, embed_part, x, err);
}

struct layer_walk {
    size_t layer;
    const float *x;
    float *out;
    tb_layer_linear which;
    tb_linear_inputs_fn *fn;
    void *user;
};

static void show_inputs(struct train_pass *p, const struct layer_walk *walk)
{
    tb_trainee *t = p->t;
    const tb_trained_layer *l = &t->layers[walk->layer];
    const tb_config *config = &t->model->config;
    const tb_trained_linear *const linears[] = {&l->qkv, &l->attention_output, &l->intermediate, &l->output};
    const float *const inputs[] = {l->x, l->context, l->x1, t->wide};
    size_t rows = p->part.n_tokens;
    if (walk->which == TB_LINEAR_OUTPUT)
        p->kernels->activation(config->hidden_act, l->pre, t->wide, rows * config->intermediate_size);
    const float *seen = tb_train_seen_inputs(p, linears[walk->which], inputs[walk->which], rows);
    walk->fn(walk->user, seen, rows, p->part.cu_seqlens, p->part.n_texts);
}

static timbang_status walk_part(struct train_pass *p, void *user, tb_error *err)
{
    const struct layer_walk *walk = user;
    tb_trainee *t = p->t;
    size_t hidden = t->model->config.hidden_size, n = p->part.n_tokens * hidden, at = p->first_token * hidden;
    bool last = walk->layer + 1 == t->model->config.num_hidden_layers;
    (void)err;
    memcpy(t->layers[walk->layer].x, walk->x + at, n * sizeof(float));
    if (walk->out || walk->which != TB_LINEAR_QKV)
        tb_train_layer_forward(p, walk->layer);
    if (walk->fn)
        show_inputs(p, walk);
    if (walk->out)
        memcpy(walk->out + at, last ? t->last : t->layers[walk->layer + 1].x, n * sizeof(float));
    return TIMBANG_OK;
}

timbang_status tb_trainee_layer(tb_trainee *trainee, const tb_batch *batch, size_t layer, const float *x, float *out,
                                tb_layer_linear which, tb_linear_inputs_fn *fn, void *user, tb_error *err)
{
    struct layer_walk walk = {layer, x, out, which, fn, user};
    return each_part(trainee, batch, walk_part, &walk, err);
}
