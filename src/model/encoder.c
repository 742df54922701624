/* The forward pass: embeddings, encoder layers, pooler, classifier, over one token matrix without padding.
 * A pass is a list of stages; each runs on all threads of the pool and ends at a barrier. Threads split rows, columns
 * or (text, head) pairs, never a sum, so the number of threads changes no bit. Includes: model/parts.h. Called by:
 * run.c, study (bench). */
#include "model/parts.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

struct pass {
    const tb_classifier *model;
    const tb_kernels *kernels;
    tb_workspace *ws;
    const tb_batch *batch;
    const size_t *seqlens; /* rows of text t: seqlens[t] .. seqlens[t + 1] in the matrix at hand */
    size_t rows;           /* rows of the matrix at hand: n_tokens, or n_texts once only [CLS] is left */
    /* arguments of the stage */
    const tb_layer *layer;
    const tb_linear *linear;
    const tb_norm *norm;
    tb_act_kind act; /* which form the stage's result is wanted in next */
    const float *from;
    float *to;
    size_t k, ldo;
    tb_activation activation;
    const float *residual;
    bool cls_only; /* attention: only the first query of each text */
    _Atomic size_t next;
};

static uint8_t *scratch_of(const struct pass *p, int thread)
{
    return p->ws->scratch + (size_t)thread * p->ws->scratch_bytes;
}

/* ---- Embeddings ---- */

static void embed_token(const struct pass *p, size_t token, size_t position, float *rows[2], float *out)
{
    const tb_classifier *model = p->model;
    size_t n = model->config.hidden_size;
    const float *word = tb_embedding_row(&model->word, (size_t)p->batch->ids[token], p->kernels, out);
    const float *type = tb_embedding_row(&model->type, (size_t)p->batch->type_ids[token], p->kernels, rows[0]);
    const float *place = tb_embedding_row(&model->position, position, p->kernels, rows[1]);
    p->kernels->add(word, type, out, n);
    p->kernels->add(out, place, out, n);
}

static void stage_embed(void *arg, int thread, int n_threads)
{
    struct pass *p = arg;
    const tb_batch *batch = p->batch;
    size_t n = p->model->config.hidden_size, begin, end, text = 0;
    uint8_t *scratch = scratch_of(p, thread);
    float *rows[2] = {(float *)(void *)scratch, (float *)(void *)(scratch + tb_round_up(n * sizeof(float), TB_ALIGN))};
    tb_share(batch->n_tokens, 1, thread, n_threads, &begin, &end);
    for (size_t t = begin; t < end; t++) {
        while (t >= batch->cu_seqlens[text + 1])
            text++;
        embed_token(p, t, t - batch->cu_seqlens[text], rows, p->ws->y + t * n);
    }
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
    tb_linear_forward(p->linear, &p->ws->input, p->rows, p->to, p->ldo, p->activation, p->residual,
                      p->model->config.hidden_size, p->kernels, scratch_of(p, thread), thread, n_threads);
}

static void run(struct pass *p, tb_pool_fn stage)
{
    tb_pool_run(p->ws->pool, stage, p);
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
    run(p, stage_norm);
}

static void prepare(struct pass *p, const float *x, size_t k, tb_act_kind act)
{
    set_input(p, x, k);
    if (act == TB_ACT_FLOAT)
        return;
    p->k = k;
    p->act = act;
    run(p, stage_prepare);
}

static void linear(struct pass *p, const tb_linear *layer, float *out, size_t ldo, tb_activation activation,
                   const float *residual)
{
    p->linear = layer;
    p->to = out;
    p->ldo = ldo;
    p->activation = activation;
    p->residual = residual;
    run(p, stage_linear);
}

/* ---- Attention ---- */

/* One head of one text: softmax(Q Kᵀ / sqrt(d)) V, queries in blocks; every sum ascends over the head's dimensions or
 * over the text's tokens, so the neighbours in the batch do not exist for it. */
static void attend(const struct pass *p, size_t text, size_t head, uint8_t *scratch)
{
    const tb_config *config = &p->model->config;
    const tb_kernels *kernels = p->kernels;
    const tb_workspace *ws = p->ws;
    size_t hidden = config->hidden_size, d = hidden / config->num_attention_heads, ld = 3 * hidden;
    size_t begin = p->batch->cu_seqlens[text], length = p->batch->cu_seqlens[text + 1] - begin;
    const float *q = ws->qkv + begin * ld + head * d, *k = q + hidden, *v = k + hidden;
    float *keys = (float *)(void *)(scratch + ws->scratch_keys);
    float *values = (float *)(void *)(scratch + ws->scratch_values);
    float *scores = (float *)(void *)(scratch + ws->scratch_scores);
    size_t ld_scores = tb_round_up(length, 16), queries = p->cls_only ? 1 : length;
    float *out = p->cls_only ? ws->cls_context + text * hidden + head * d : ws->context + begin * hidden + head * d;
    float scale = 1.0f / sqrtf((float)d);
    kernels->pack_f32(keys, k, ld, length, d);
    kernels->pack_f32_kn(values, v, ld, d, length);
    for (size_t at = 0; at < queries; at += TB_QUERY_BLOCK) {
        size_t m = queries - at < TB_QUERY_BLOCK ? queries - at : TB_QUERY_BLOCK;
        tb_gemm_f32 score = {
            .a = q + at * ld, .lda = ld, .panels = keys, .m = m, .n = length, .k = d, .out = scores, .ldo = ld_scores};
        kernels->gemm_f32(&score);
        kernels->softmax(scores, ld_scores, m, length, scale);
        tb_gemm_f32 mix = {.a = scores,
                           .lda = ld_scores,
                           .panels = values,
                           .m = m,
                           .n = d,
                           .k = length,
                           .out = out + at * hidden,
                           .ldo = hidden};
        kernels->gemm_f32(&mix);
    }
}

static void stage_attention(void *arg, int thread, int n_threads)
{
    struct pass *p = arg;
    size_t heads = p->model->config.num_attention_heads, total = p->batch->n_texts * heads;
    (void)n_threads;
    for (;;) {
        size_t i = atomic_fetch_add(&p->next, 1);
        if (i >= total)
            return;
        attend(p, i / heads, i % heads, scratch_of(p, thread));
    }
}

static void attention(struct pass *p, bool cls_only)
{
    p->cls_only = cls_only;
    atomic_store(&p->next, 0);
    run(p, stage_attention);
}

/* ---- Layers ---- */

static void gather_cls(const struct pass *p, const float *from, float *to)
{
    size_t n = p->model->config.hidden_size;
    for (size_t text = 0; text < p->batch->n_texts; text++)
        memcpy(to + text * n, from + p->batch->cu_seqlens[text] * n, n * sizeof *to);
}

/* From now on the matrix has one row a text. */
static void keep_cls(struct pass *p)
{
    p->rows = p->batch->n_texts;
    p->seqlens = p->ws->cls_seqlens;
}

/* The input x has been prepared for act of qkv[0]; the result is the new x, prepared for `next`. */
static float *encode(struct pass *p, const tb_layer *layer, float *x, bool last, tb_act_kind next)
{
    tb_workspace *ws = p->ws;
    size_t hidden = p->model->config.hidden_size, wide = p->model->config.intermediate_size;
    bool cls_only = last && !p->model->whole_last_layer;
    for (size_t i = 0; i < layer->n_qkv; i++) {
        if (i > 0)
            prepare(p, x, hidden, layer->qkv[i].act);
        linear(p, &layer->qkv[i], ws->qkv + i * hidden, 3 * hidden, TB_ACT_NONE, NULL);
    }
    attention(p, cls_only);
    float *context = ws->context;
    if (cls_only) {
        gather_cls(p, x, ws->cls);
        keep_cls(p);
        x = ws->cls;
        context = ws->cls_context;
    }
    prepare(p, context, hidden, layer->attention_output.act);
    linear(p, &layer->attention_output, ws->y, hidden, TB_ACT_NONE, x);
    norm(p, &layer->attention_norm, ws->y, x, layer->intermediate.act);
    linear(p, &layer->intermediate, ws->wide, wide, p->model->config.hidden_act, NULL);
    prepare(p, ws->wide, wide, layer->output.act);
    linear(p, &layer->output, ws->y, hidden, TB_ACT_NONE, x);
    norm(p, &layer->output_norm, ws->y, x, next);
    return x;
}

static void classify(struct pass *p, float *x, float *logits)
{
    const tb_classifier *model = p->model;
    tb_workspace *ws = p->ws;
    size_t hidden = model->config.hidden_size;
    if (model->whole_last_layer) {
        gather_cls(p, x, ws->cls);
        keep_cls(p);
        x = ws->cls;
    }
    prepare(p, x, hidden, model->pooler.act);
    linear(p, &model->pooler, ws->y, hidden, TB_ACT_TANH, NULL);
    prepare(p, ws->y, hidden, model->classifier.act);
    linear(p, &model->classifier, logits, model->config.n_labels, TB_ACT_NONE, NULL);
}

/* ---- Checks around a pass ---- */

static timbang_status check_batch(const tb_classifier *model, const tb_batch *batch, tb_error *err)
{
    const tb_config *config = &model->config;
    for (size_t i = 0; i < batch->n_texts; i++) {
        size_t length = batch->cu_seqlens[i + 1] - batch->cu_seqlens[i];
        if (length < 1 || length > config->max_position_embeddings)
            return tb_fail(err, TIMBANG_DATA, "text %zu has %zu tokens; the model takes 1 to %zu", i + 1, length,
                           config->max_position_embeddings);
    }
    for (size_t t = 0; t < batch->n_tokens; t++) {
        if (batch->ids[t] < 0 || (size_t)batch->ids[t] >= config->vocab_size)
            return tb_fail(err, TIMBANG_DATA, "token id %d at place %zu is outside the vocabulary of %zu",
                           (int)batch->ids[t], t, config->vocab_size);
        if (batch->type_ids[t] < 0 || (size_t)batch->type_ids[t] >= config->type_vocab_size)
            return tb_fail(err, TIMBANG_DATA, "token type %d at place %zu: the model has %zu types",
                           (int)batch->type_ids[t], t, config->type_vocab_size);
    }
    return TIMBANG_OK;
}

static timbang_status check_logits(const tb_classifier *model, const tb_batch *batch, const float *logits,
                                   tb_error *err)
{
    size_t n = model->config.n_labels;
    for (size_t i = 0; i < batch->n_texts * n; i++)
        if (!isfinite(logits[i]))
            return tb_fail(err, TIMBANG_DATA,
                           "the logit of label '%s' is not finite: the weights or activations overflow",
                           model->config.labels[i % n]);
    return TIMBANG_OK;
}

timbang_status tb_classifier_forward(const tb_classifier *model, tb_workspace *workspace, const tb_batch *batch,
                                     float *logits, tb_error *err)
{
    size_t longest = 0, n_layers = model->config.num_hidden_layers;
    if (batch->n_texts == 0)
        return TIMBANG_OK;
    TB_TRY(check_batch(model, batch, err));
    for (size_t i = 0; i < batch->n_texts; i++) {
        size_t length = batch->cu_seqlens[i + 1] - batch->cu_seqlens[i];
        longest = length > longest ? length : longest;
    }
    TB_TRY(tb_workspace_reserve(workspace, model, batch->n_tokens, batch->n_texts, longest, err));
    struct pass p = {.model = model,
                     .kernels = model->kernels,
                     .ws = workspace,
                     .batch = batch,
                     .seqlens = batch->cu_seqlens,
                     .rows = batch->n_tokens};
    float *x = workspace->x;
    run(&p, stage_embed);
    norm(&p, &model->embedding_norm, workspace->y, x, model->layers[0].qkv[0].act);
    for (size_t i = 0; i < n_layers; i++) {
        bool last = i + 1 == n_layers;
        tb_act_kind next = last ? TB_ACT_FLOAT : model->layers[i + 1].qkv[0].act;
        x = encode(&p, &model->layers[i], x, last, next);
    }
    classify(&p, x, logits);
    return check_logits(model, batch, logits, err);
}
