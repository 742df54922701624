/* The way back through the encoder, a layer at a time: first the derivatives row by row (dX through the rounded
 * weights), then attention, then the gradients of the layer's weights.
 * Includes: model/train_parts.h. Called by: train_pass.c. */
#include "model/train_parts.h"

void tb_train_linear_back(const struct train_pass *p, const tb_trained_linear *linear, const float *dy, size_t m,
                          float *dx, const float *residual, uint16_t *half)
{
    const tb_kernels *k = p->kernels;
    tb_epilogue epilogue = {.residual = residual, .ld_residual = linear->in};
    if (tb_train_half(p->t)) {
        size_t lda = tb_input_half_stride(linear->out);
        k->round_bf16(dy, linear->out, m, linear->out, half, lda);
        tb_gemm_bf16 product = {.a = half,
                                .lda = lda,
                                .panels = (const uint16_t *)(const void *)linear->back,
                                .m = m,
                                .n = linear->in,
                                .k = linear->out,
                                .out = dx,
                                .ldo = linear->in,
                                .epilogue = epilogue};
        k->gemm_bf16(&product);
        return;
    }
    tb_gemm_f32 product = {.a = dy,
                           .lda = linear->out,
                           .panels = (const float *)(const void *)linear->back,
                           .m = m,
                           .n = linear->in,
                           .k = linear->out,
                           .out = dx,
                           .ldo = linear->in,
                           .epilogue = epilogue};
    k->gemm_f32(&product);
}

/* Rows [begin, begin + rows) and the scratch memory of the thread that works on them. */
struct block {
    size_t begin, rows;
    uint16_t *half;
};

static struct block make_block(const struct train_pass *p, size_t index, int thread)
{
    size_t begin, end;
    if (p->by_text) {
        begin = p->seqlens[index];
        end = p->seqlens[index + 1];
    } else {
        tb_share(p->rows, 1, (int)index, (int)p->blocks, &begin, &end);
    }
    return (struct block){begin, end - begin, (uint16_t *)(void *)(tb_train_scratch_of(p, thread) + p->t->at.half)};
}

static void normalize_back(const struct train_pass *p, const struct block *b, const tb_trained_norm *norm,
                           const float *sum, const float *dy, float *dsum, float *xhat)
{
    const tb_config *config = &p->t->model->config;
    size_t n = config->hidden_size, at = b->begin * n;
    p->kernels->layernorm_backward(sum + at, n, dy + at, n, b->rows, n, norm->norm->gamma, config->layer_norm_eps,
                                   dsum + at, n, xhat + at, n);
}

/* The derivative before dropout: where nothing falls out, dsum itself. */
static const float *drop_back(const struct train_pass *p, const struct block *b, tb_dropout_site site,
                              const float *dsum, float *dout)
{
    size_t n = p->t->model->config.hidden_size, first = b->begin * n;
    tb_dropout dropout;
    if (!tb_train_dropout(p, site, p->layer, &dropout))
        return dsum + first;
    for (size_t i = first; i < first + b->rows * n; i++)
        dout[i] = dsum[i];
    tb_train_drop_rows(p, &dropout, tb_train_first_row(p) + b->begin, b->rows, n, dout + first);
    return dout + first;
}

/* From the layer's output back to attention's: dsum2, dpre, dx1, dsum1, dcontext. */
static void stage_rows_back(void *arg, int thread, int n_threads)
{
    struct train_pass *p = arg;
    tb_trainee *t = p->t;
    const tb_trained_layer *l = &t->layers[p->layer];
    const tb_config *config = &t->model->config;
    size_t hidden = config->hidden_size, wide = config->intermediate_size;
    (void)n_threads;
    for (size_t i; tb_train_next(p, p->blocks, &i);) {
        struct block b = make_block(p, i, thread);
        size_t at = b.begin * hidden, at_wide = b.begin * wide;
        float *dpre = t->dpre + at_wide, *pre = l->pre + at_wide;
        normalize_back(p, &b, &l->output_norm, l->sum2, t->dx, t->dsum2, t->xhat2);
        const float *dout2 = drop_back(p, &b, TB_SITE_OUTPUT, t->dsum2, t->dout2);
        tb_train_linear_back(p, &l->output, dout2, b.rows, dpre, NULL, b.half);
        p->kernels->activation_backward(config->hidden_act, pre, dpre, dpre, t->wide + at_wide, b.rows * wide);
        tb_train_linear_back(p, &l->intermediate, dpre, b.rows, t->dx1 + at, t->dsum2 + at, b.half);
        normalize_back(p, &b, &l->attention_norm, l->sum1, t->dx1, t->dsum1, t->xhat1);
        const float *dout1 = drop_back(p, &b, TB_SITE_ATTENTION, t->dsum1, t->dout1);
        tb_train_linear_back(p, &l->attention_output, dout1, b.rows, t->dcontext + at, NULL, b.half);
    }
}

/* dx of the layer's input, from dqkv and, where every row went on, the residual's dsum1. */
static void stage_qkv_back(void *arg, int thread, int n_threads)
{
    struct train_pass *p = arg;
    tb_trainee *t = p->t;
    size_t hidden = t->model->config.hidden_size;
    (void)n_threads;
    for (size_t i; tb_train_next(p, p->blocks, &i);) {
        struct block b = make_block(p, i, thread);
        size_t at = b.begin * hidden;
        tb_train_linear_back(p, &t->layers[p->layer].qkv, t->dqkv + 3 * at, b.rows, t->dx + at,
                             p->cls_only ? NULL : t->dsum1 + at, b.half);
    }
}

static void scatter_cls(const struct train_pass *p)
{
    const tb_trainee *t = p->t;
    size_t n = t->model->config.hidden_size;
    for (size_t text = 0; text < p->part.n_texts; text++) {
        float *row = t->dx + p->part.cu_seqlens[text] * n;
        p->kernels->add(row, t->dsum1 + text * n, row, n);
    }
}

static void layer_back(struct train_pass *p, double *loss)
{
    tb_trainee *t = p->t;
    const tb_trained_layer *l = &t->layers[p->layer];
    tb_dropout dropout;
    bool drops = tb_train_dropout(p, TB_SITE_OUTPUT, p->layer, &dropout);
    tb_train_run_blocks(p, stage_rows_back);
    tb_train_attention_back(p, loss);
    tb_train_norm_gradients(p, &l->output_norm, t->xhat2, t->dx, p->rows);
    tb_train_linear_gradients(p, &l->output, t->wide, drops ? t->dout2 : t->dsum2, p->rows);
    tb_train_linear_gradients(p, &l->intermediate, l->x1, t->dpre, p->rows);
    tb_train_norm_gradients(p, &l->attention_norm, t->xhat1, t->dx1, p->rows);
    tb_train_linear_gradients(p, &l->attention_output, l->context, drops ? t->dout1 : t->dsum1, p->rows);
    p->rows = p->part.n_tokens; /* queries, keys and values are of all tokens again */
    p->seqlens = p->part.cu_seqlens;
    tb_train_linear_gradients(p, &l->qkv, l->x, t->dqkv, p->rows);
    tb_train_run_blocks(p, stage_qkv_back);
    if (p->cls_only)
        scatter_cls(p);
    p->cls_only = false;
}

static void add_hidden_loss(const struct train_pass *p, size_t layer, double *loss)
{
    const tb_trainee *t = p->t;
    const float *x = layer < t->model->config.num_hidden_layers ? t->layers[layer].x : t->last;
    if (p->job->hidden_loss)
        p->job->hidden_loss(p->job->user, layer, p->first_token, p->part.n_tokens, x, t->dx, loss);
}

/* The lowest layer below which nothing learns. */
static size_t lowest_layer(const tb_trainee *t)
{
    size_t lowest = t->model->config.num_hidden_layers + 1;
    for (size_t i = 0; i < t->parameters->n_items; i++) {
        const tb_parameter *item = &t->parameters->items[i];
        if (!item->frozen && item->depth < lowest)
            lowest = item->depth;
    }
    return lowest;
}

void tb_train_backward(struct train_pass *p, double *loss)
{
    size_t lowest = lowest_layer(p->t);
    for (size_t i = p->t->model->config.num_hidden_layers; i-- > 0;) {
        add_hidden_loss(p, i + 1, loss);
        if (i + 1 < lowest)
            return;
        p->layer = i;
        layer_back(p, loss);
    }
    add_hidden_loss(p, 0, loss);
    if (lowest == 0)
        tb_train_embed_back(p);
}
