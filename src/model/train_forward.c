/* The way forward of a training pass: the same products in the same forms as inference (rows.c), so that without
 * dropout the logits have the same bits; what the way back needs is kept.
 * Includes: model/train_parts.h. Called by: train_pass.c. */
#include "model/train_parts.h"

#include <string.h>

/* A block of rows and the scratch memory of the thread that works on it. */
struct block {
    const struct train_pass *p;
    size_t begin, rows;
    tb_input input;
    uint8_t *panel;
    float *wide;
};

static struct block make_block(const struct train_pass *p, size_t index, int thread)
{
    const tb_trainee *t = p->t;
    uint8_t *scratch = tb_train_scratch_of(p, thread);
    size_t begin, end;
    if (p->by_text) {
        begin = p->seqlens[index];
        end = p->seqlens[index + 1];
    } else {
        tb_share(p->rows, 1, (int)index, (int)p->blocks, &begin, &end);
    }
    return (struct block){.p = p,
                          .begin = begin,
                          .rows = end - begin,
                          .input = {.a = (int8_t *)(scratch + t->at.input),
                                    .lda = t->input.lda,
                                    .row_scale = (float *)(void *)(scratch + t->at.row_scale),
                                    .half = (uint16_t *)(void *)(scratch + t->at.half)},
                          .panel = scratch + t->at.panel,
                          .wide = (float *)(void *)(scratch + t->at.wide)};
}

static void product(struct block *b, const tb_linear *linear, const float *x, float *out, const float *residual)
{
    b->input.x = x;
    b->input.ldx = linear->in;
    tb_input_prepare(&b->input, linear->act, 0, b->rows, linear->in, b->p->kernels);
    tb_linear_forward(linear, &b->input, b->rows, 0, linear->out, out, linear->out, TB_ACT_NONE, residual, linear->out,
                      b->p->kernels, b->panel);
}

/* out = dropout(x · Wᵀ + bias) + residual */
static void product_dropped(struct block *b, const tb_linear *linear, const float *x, float *out, const float *residual,
                            tb_dropout_site site)
{
    const struct train_pass *p = b->p;
    tb_dropout dropout;
    if (!tb_train_dropout(p, site, p->layer, &dropout)) {
        product(b, linear, x, out, residual);
        return;
    }
    product(b, linear, x, out, NULL);
    tb_train_drop_rows(p, &dropout, tb_train_first_row(p) + b->begin, b->rows, linear->out, out);
    p->kernels->add(out, residual, out, b->rows * linear->out);
}

static void normalize(const struct block *b, const tb_norm *norm, const float *from, float *to)
{
    const tb_config *config = &b->p->t->model->config;
    size_t n = config->hidden_size;
    b->p->kernels->layernorm(from, n, b->rows, n, norm->gamma, norm->beta, config->layer_norm_eps, to, n);
}

static void stage_qkv(void *arg, int thread, int n_threads)
{
    struct train_pass *p = arg;
    const tb_trained_layer *l = &p->t->layers[p->layer];
    size_t hidden = p->t->model->config.hidden_size;
    (void)n_threads;
    for (size_t i; tb_train_next(p, p->blocks, &i);) {
        struct block b = make_block(p, i, thread);
        product(&b, l->qkv.packed, l->x + b.begin * hidden, l->qkv_out + b.begin * 3 * hidden, NULL);
    }
}

/* What follows attention: rows [begin, ...) of the residual stream are in `residual`. */
static void stage_after_attention(void *arg, int thread, int n_threads)
{
    struct train_pass *p = arg;
    tb_trainee *t = p->t;
    const tb_config *config = &t->model->config;
    const tb_trained_layer *l = &t->layers[p->layer];
    size_t hidden = config->hidden_size, wide = config->intermediate_size;
    float *next = p->layer + 1 < config->num_hidden_layers ? t->layers[p->layer + 1].x : t->last;
    const float *residual = p->cls_only ? t->head_in : l->x;
    (void)n_threads;
    for (size_t i; tb_train_next(p, p->blocks, &i);) {
        struct block b = make_block(p, i, thread);
        float *x1 = l->x1 + b.begin * hidden, *pre = l->pre + b.begin * wide, *sum1 = l->sum1 + b.begin * hidden;
        float *sum2 = l->sum2 + b.begin * hidden;
        product_dropped(&b, l->attention_output.packed, l->context + b.begin * hidden, sum1,
                        residual + b.begin * hidden, TB_SITE_ATTENTION);
        normalize(&b, l->attention_norm.norm, sum1, x1);
        product(&b, l->intermediate.packed, x1, pre, NULL);
        p->kernels->activation(config->hidden_act, pre, b.wide, b.rows * wide);
        product_dropped(&b, l->output.packed, b.wide, sum2, x1, TB_SITE_OUTPUT);
        normalize(&b, l->output_norm.norm, sum2, next + b.begin * hidden);
    }
}

void tb_train_run_blocks(struct train_pass *p, tb_pool_fn stage)
{
    size_t threads = (size_t)tb_pool_threads(p->t->options.pool), each = TB_TRAIN_BLOCK * threads;
    p->by_text = p->t->model->whole_last_layer;
    p->blocks = p->by_text ? p->part.n_texts : (p->rows + each - 1) / each * threads;
    tb_train_stage(p, stage);
}

void tb_train_gather_cls(const struct train_pass *p, const float *from, float *to)
{
    size_t n = p->t->model->config.hidden_size;
    for (size_t text = 0; text < p->part.n_texts; text++)
        memcpy(to + text * n, from + p->part.cu_seqlens[text] * n, n * sizeof *to);
}

void tb_train_begin_forward(struct train_pass *p)
{
    p->cls_only = false;
    p->rows = p->part.n_tokens;
    p->seqlens = p->part.cu_seqlens;
}

void tb_train_layer_forward(struct train_pass *p, size_t layer)
{
    tb_trainee *t = p->t;
    p->layer = layer;
    tb_train_run_blocks(p, stage_qkv);
    if (layer + 1 == t->model->config.num_hidden_layers && !p->whole_last) {
        p->cls_only = true;
        p->rows = p->part.n_texts;
        p->seqlens = t->cls_seqlens;
        tb_train_gather_cls(p, t->layers[layer].x, t->head_in);
    }
    tb_train_attention(p);
    tb_train_run_blocks(p, stage_after_attention);
}

void tb_train_forward(struct train_pass *p)
{
    tb_train_begin_forward(p);
    for (size_t i = 0; i < p->t->model->config.num_hidden_layers; i++)
        tb_train_layer_forward(p, i);
}
