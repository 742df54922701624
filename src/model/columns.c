/* A pass split by columns: every thread owns columns of each product and streams its own weights once, so a few rows
 * cost what the memory costs. One stage a step: product, attention, LayerNorm with the next input's form, ...
 * Includes: model/pass.h. Called by: encoder.c, rows.c (what is left of the last layer). */
#include "model/pass.h"

#include <string.h>

/* ---- Embeddings ---- */

static void stage_embed(void *arg, int thread, int n_threads)
{
    struct pass *p = arg;
    size_t begin, end;
    tb_share(p->batch->n_tokens, 1, thread, n_threads, &begin, &end);
    tb_pass_embed(p, begin, end, tb_pass_scratch(p, thread), p->ws->y + begin * p->model->config.hidden_size);
}

/* ---- Norm and input forms ---- */

/* Rows are independent unless a text has one range; then texts are. */
static void share_rows(const struct pass *p, int thread, int n_threads, bool by_text, size_t *begin, size_t *end)
{
    if (!by_text) {
        tb_share(p->rows, 1, thread, n_threads, begin, end);
        return;
    }
    size_t first, last;
    tb_share(p->batch->n_texts, 1, thread, n_threads, &first, &last);
    *begin = p->seqlens[first];
    *end = p->seqlens[last];
}

static void prepare_rows(const struct pass *p, size_t k, size_t begin, size_t end)
{
    tb_input *input = &p->ws->input;
    if (p->act != TB_ACT_U8_TEXT_7BIT) {
        tb_input_prepare(input, p->act, begin, end, k, p->kernels);
        return;
    }
    for (size_t text = 0; text < p->batch->n_texts; text++)
        if (p->seqlens[text] >= begin && p->seqlens[text] < end)
            tb_input_prepare(input, p->act, p->seqlens[text], p->seqlens[text + 1], k, p->kernels);
}

/* LayerNorm of from into x, and x in the form that the next layer wants, while it is hot. */
static void stage_norm(void *arg, int thread, int n_threads)
{
    struct pass *p = arg;
    size_t n = p->model->config.hidden_size, begin, end;
    share_rows(p, thread, n_threads, p->act == TB_ACT_U8_TEXT_7BIT, &begin, &end);
    if (begin == end)
        return;
    p->kernels->layernorm(p->from + begin * n, n, end - begin, n, p->norm->gamma, p->norm->beta,
                          p->model->config.layer_norm_eps, p->to + begin * n, n);
    prepare_rows(p, n, begin, end);
}

static void stage_prepare(void *arg, int thread, int n_threads)
{
    struct pass *p = arg;
    size_t begin, end;
    share_rows(p, thread, n_threads, p->act == TB_ACT_U8_TEXT_7BIT, &begin, &end);
    prepare_rows(p, p->k, begin, end);
}

static void stage_linear(void *arg, int thread, int n_threads)
{
    struct pass *p = arg;
    size_t begin, end;
    tb_share(p->columns, tb_linear_grain(p->linear, p->kernels), thread, n_threads, &begin, &end);
    tb_linear_forward(p->linear, &p->ws->input, p->rows, p->first_column + begin, p->first_column + end, p->to, p->ldo,
                      p->activation, p->residual, p->model->config.hidden_size, p->kernels, tb_pass_scratch(p, thread));
}

static void set_input(struct pass *p, const float *x, size_t ldx)
{
    p->ws->input.x = x;
    p->ws->input.ldx = ldx;
}

static void norm(struct pass *p, const tb_norm *norm_, const float *from, float *to, tb_act_kind act)
{
    p->norm = norm_;
    p->from = from;
    p->to = to;
    p->act = act;
    set_input(p, to, p->model->config.hidden_size);
    tb_pass_run(p, stage_norm);
}

static void prepare(struct pass *p, const float *x, size_t k, tb_act_kind act)
{
    set_input(p, x, k);
    if (act == TB_ACT_FLOAT)
        return;
    p->k = k;
    p->act = act;
    tb_pass_run(p, stage_prepare);
}

static void linear(struct pass *p, const tb_linear *layer, float *out, size_t ldo, tb_activation activation,
                   const float *residual)
{
    p->linear = layer;
    p->first_column = 0;
    p->columns = layer->out;
    p->to = out;
    p->ldo = ldo;
    p->activation = activation;
    p->residual = residual;
    tb_pass_run(p, stage_linear);
}

/* ---- Layers ---- */

float *tb_columns_embed(struct pass *p)
{
    tb_pass_run(p, stage_embed);
    norm(p, &p->model->embedding_norm, p->ws->y, p->ws->x, p->model->layers[0].qkv[0].act);
    return p->ws->x;
}

void tb_columns_queries(struct pass *p, const tb_layer *layer, const float *x, float *out)
{
    size_t hidden = p->model->config.hidden_size;
    prepare(p, x, hidden, layer->qkv[0].act);
    p->linear = &layer->qkv[0];
    p->first_column = 0;
    p->columns = hidden;
    p->to = out;
    p->ldo = hidden;
    p->activation = TB_ACT_NONE;
    p->residual = NULL;
    tb_pass_run(p, stage_linear);
}

float *tb_columns_after_attention(struct pass *p, const tb_layer *layer, const float *context, float *x,
                                  tb_act_kind next)
{
    tb_workspace *ws = p->ws;
    size_t hidden = p->model->config.hidden_size, wide = p->model->config.intermediate_size;
    prepare(p, context, hidden, layer->attention_output.act);
    linear(p, &layer->attention_output, ws->y, hidden, TB_ACT_NONE, x);
    norm(p, &layer->attention_norm, ws->y, x, layer->intermediate.act);
    linear(p, &layer->intermediate, ws->wide, wide, p->model->config.hidden_act, NULL);
    prepare(p, ws->wide, wide, layer->output.act);
    linear(p, &layer->output, ws->y, hidden, TB_ACT_NONE, x);
    norm(p, &layer->output_norm, ws->y, x, next);
    return x;
}

float *tb_columns_layer(struct pass *p, const tb_layer *layer, float *x, bool last, tb_act_kind next)
{
    tb_workspace *ws = p->ws;
    size_t hidden = p->model->config.hidden_size;
    bool cls_only = last && !p->model->whole_last_layer;
    for (size_t i = 0; i < layer->n_qkv; i++) {
        if (i > 0)
            prepare(p, x, hidden, layer->qkv[i].act);
        linear(p, &layer->qkv[i], ws->qkv + i * hidden, 3 * hidden, TB_ACT_NONE, NULL);
    }
    tb_pass_attention(p, cls_only);
    if (!cls_only)
        return tb_columns_after_attention(p, layer, ws->context, x, next);
    tb_pass_gather_cls(p, x, ws->cls);
    tb_pass_keep_cls(p);
    return tb_columns_after_attention(p, layer, ws->cls_context, ws->cls, next);
}

void tb_columns_classify(struct pass *p, float *x, float *logits)
{
    const tb_classifier *model = p->model;
    tb_workspace *ws = p->ws;
    size_t hidden = model->config.hidden_size;
    if (model->whole_last_layer) {
        tb_pass_gather_cls(p, x, ws->cls);
        tb_pass_keep_cls(p);
        x = ws->cls;
    }
    prepare(p, x, hidden, model->pooler.act);
    linear(p, &model->pooler, ws->y, hidden, TB_ACT_TANH, NULL);
    prepare(p, ws->y, hidden, model->classifier.act);
    linear(p, &model->classifier, logits, model->config.n_labels, TB_ACT_NONE, NULL);
}
