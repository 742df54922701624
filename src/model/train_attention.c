/* Attention in training, a (text, head) at a time, queries in blocks; and its way back, which makes the probabilities
 * again instead of keeping them.
 *
 *   P = softmax(Q Kᵀ / sqrt(d)),  C = drop(P) V
 *   dV = drop(P)ᵀ dC,  dP = drop(dC Vᵀ) + what a loss on P adds,  dS = P (dP - sum(P dP)) / sqrt(d),  dQ = dS K,  dK =
 * dSᵀ Q
 *
 * Includes: model/train_parts.h. Called by: train_forward.c, train_backward.c, train_pass.c. */
#include "model/train_parts.h"

#include <math.h>
#include <string.h>

enum { GROUP = 128 };

/* One head of one text. */
struct head {
    const struct train_pass *p;
    size_t text;          /* of the part */
    size_t begin, length; /* rows of the text */
    size_t queries;       /* the first ones: all, or [CLS] alone */
    size_t number, d, ld; /* of the head; ld of qkv */
    const float *q, *k, *v;
    size_t context_row; /* of the first query, in context */
    float scale;
    bool drops;
    tb_dropout dropout;
    uint8_t *scratch;
};

static struct head make_head(const struct train_pass *p, size_t i, int thread)
{
    const tb_trainee *t = p->t;
    const tb_config *config = &t->model->config;
    size_t heads = config->num_attention_heads, text = i / heads, hidden = config->hidden_size;
    struct head h = {.p = p, .text = text, .number = i % heads, .d = hidden / heads, .ld = 3 * hidden};
    h.begin = p->part.cu_seqlens[text];
    h.length = p->part.cu_seqlens[text + 1] - h.begin;
    h.queries = p->cls_only ? 1 : h.length;
    h.context_row = p->cls_only ? text : h.begin;
    h.q = t->layers[p->layer].qkv_out + h.begin * h.ld + h.number * h.d;
    h.k = h.q + hidden;
    h.v = h.k + hidden;
    h.scale = 1.0f / sqrtf((float)h.d);
    h.drops = tb_train_dropout(p, TB_SITE_PROBABILITIES, p->layer, &h.dropout);
    h.scratch = tb_train_scratch_of(p, thread);
    return h;
}

static float *at(const struct head *h, size_t offset)
{
    return (float *)(void *)(h->scratch + offset);
}

static void product(const struct head *h, const float *a, size_t lda, const float *panels, size_t m, size_t n, size_t k,
                    float *out, size_t ldo, bool continues)
{
    tb_gemm_f32 g = {
        .a = a, .lda = lda, .panels = panels, .m = m, .n = n, .k = k, .out = out, .ldo = ldo, .continues = continues};
    h->p->kernels->gemm_f32(&g);
}

/* Values fall out of rows of queries [first, first + m): each query of each head has its own place. */
static void drop(const struct head *h, size_t first, size_t m, const float *from, float *to, size_t ld)
{
    const tb_config *config = &h->p->t->model->config;
    size_t groups = (config->max_position_embeddings + GROUP - 1) / GROUP;
    for (size_t i = 0; i < m; i++) {
        uint64_t row = tb_train_first_token(h->p) + h->begin + first + i;
        h->p->kernels->dropout(&h->dropout, (row * config->num_attention_heads + h->number) * groups, from + i * ld,
                               to + i * ld, h->length);
    }
}

/* Probabilities of queries [first, first + m), before dropout. */
static void probabilities(const struct head *h, size_t first, size_t m, float *scores, size_t ld)
{
    product(h, h->q + first * h->ld, h->ld, at(h, h->p->t->at.keys), m, h->length, h->d, scores, ld, false);
    h->p->kernels->softmax(scores, ld, m, h->length, h->scale);
}

static size_t block_of(const struct head *h, size_t first)
{
    return h->queries - first < TB_QUERY_BLOCK ? h->queries - first : TB_QUERY_BLOCK;
}

static void attend(const struct head *h)
{
    const tb_trainee *t = h->p->t;
    const tb_kernels *kernels = h->p->kernels;
    size_t hidden = t->model->config.hidden_size, ld = tb_round_up(h->length, 16);
    float *keys = at(h, t->at.keys), *values = at(h, t->at.values), *scores = at(h, t->at.scores);
    float *out = t->layers[h->p->layer].context + h->context_row * hidden + h->number * h->d;
    kernels->pack_f32(keys, h->k, h->ld, h->length, h->d);
    kernels->pack_f32_kn(values, h->v, h->ld, h->d, h->length);
    for (size_t first = 0, m; first < h->queries; first += m) {
        m = block_of(h, first);
        probabilities(h, first, m, scores, ld);
        if (h->drops)
            drop(h, first, m, scores, scores, ld);
        product(h, scores, ld, values, m, h->d, h->length, out + first * hidden, hidden, false);
    }
}

/* The derivative by the probabilities that a loss on them has. */
static void add_loss(const struct head *h, size_t first, size_t m, const float *p, float *dp, size_t ld, double *loss)
{
    const tb_train_pass *job = h->p->job;
    const tb_attention_block block = {.layer = h->p->layer,
                                      .text = h->p->first_text + h->text,
                                      .head = h->number,
                                      .first = first,
                                      .m = m,
                                      .length = h->length,
                                      .p = p,
                                      .dp = dp,
                                      .ld = ld};
    if (job->attention_loss)
        job->attention_loss(job->user, &block, loss);
}

static void attend_back(const struct head *h, double *loss)
{
    tb_trainee *t = h->p->t;
    const tb_kernels *kernels = h->p->kernels;
    size_t hidden = t->model->config.hidden_size, d = h->d, length = h->length, ld = tb_round_up(length, 16);
    float *keys = at(h, t->at.keys), *values = at(h, t->at.values), *mixed = at(h, t->at.mixed);
    float *queries = at(h, t->at.queries), *p = at(h, t->at.scores), *dp = at(h, t->at.scores_grad);
    float *turned = at(h, t->at.scores_turned);
    const float *dout = t->dcontext + h->context_row * hidden + h->number * d;
    float *dq = t->dqkv + h->begin * h->ld + h->number * d, *dk = dq + hidden, *dv = dk + hidden;
    kernels->pack_f32(keys, h->k, h->ld, length, d);
    kernels->pack_f32(values, h->v, h->ld, length, d);
    kernels->pack_f32_kn(mixed, h->k, h->ld, d, length);
    for (size_t first = 0, m; first < h->queries; first += m) {
        m = block_of(h, first);
        const float *dout_rows = dout + first * hidden;
        probabilities(h, first, m, p, ld);
        product(h, dout_rows, hidden, values, m, length, d, dp, ld, false);
        const float *used = p;
        if (h->drops) {
            drop(h, first, m, dp, dp, ld);
            used = at(h, t->at.scores_dropped);
            drop(h, first, m, p, at(h, t->at.scores_dropped), ld);
        }
        add_loss(h, first, m, p, dp, ld, loss);
        /* dV */
        kernels->transpose(used, ld, m, length, turned, TB_QUERY_BLOCK);
        kernels->pack_f32_kn(queries, dout_rows, hidden, d, m);
        product(h, turned, TB_QUERY_BLOCK, queries, length, d, m, dv, h->ld, first > 0);
        /* dS, dQ, dK */
        kernels->softmax_backward(p, ld, dp, ld, m, length, h->scale);
        product(h, dp, ld, mixed, m, d, length, dq + first * h->ld, h->ld, false);
        kernels->transpose(dp, ld, m, length, turned, TB_QUERY_BLOCK);
        kernels->pack_f32_kn(queries, h->q + first * h->ld, h->ld, d, m);
        product(h, turned, TB_QUERY_BLOCK, queries, length, d, m, dk, h->ld, first > 0);
    }
    for (size_t i = h->queries; i < length; i++) /* of the other tokens nobody asked */
        memset(dq + i * h->ld, 0, d * sizeof *dq);
}

static void stage_attention(void *arg, int thread, int n_threads)
{
    struct train_pass *p = arg;
    size_t total = p->part.n_texts * p->t->model->config.num_attention_heads;
    (void)n_threads;
    for (size_t i; tb_train_next(p, total, &i);) {
        struct head h = make_head(p, i, thread);
        attend(&h);
    }
}

static void stage_attention_back(void *arg, int thread, int n_threads)
{
    struct train_pass *p = arg;
    size_t total = p->part.n_texts * p->t->model->config.num_attention_heads;
    (void)n_threads;
    for (size_t i; tb_train_next(p, total, &i);) {
        struct head h = make_head(p, i, thread);
        p->t->attention_losses[i] = 0;
        attend_back(&h, &p->t->attention_losses[i]);
    }
}

/* All queries, whatever the layer needs of them. */
static void stage_probabilities(void *arg, int thread, int n_threads)
{
    struct train_pass *p = arg;
    const tb_batch *part = &p->part;
    size_t heads = p->t->model->config.num_attention_heads;
    (void)n_threads;
    for (size_t i; tb_train_next(p, part->n_texts * heads, &i);) {
        struct head h = make_head(p, i, thread);
        const tb_batch before = {.n_texts = h.text, .cu_seqlens = part->cu_seqlens};
        float *to = p->probabilities + tb_attention_values(&p->t->model->config, &before);
        p->kernels->pack_f32(at(&h, p->t->at.keys), h.k, h.ld, h.length, h.d);
        probabilities(&h, 0, h.length, to + h.number * h.length * h.length, h.length);
    }
}

void tb_train_attention(struct train_pass *p)
{
    tb_train_stage(p, stage_attention);
}

void tb_train_attention_back(struct train_pass *p, double *loss)
{
    size_t heads = p->part.n_texts * p->t->model->config.num_attention_heads;
    tb_train_stage(p, stage_attention_back);
    for (size_t i = 0; i < heads; i++)
        *loss += p->t->attention_losses[i];
}

void tb_train_probabilities(struct train_pass *p, size_t layer, float *to)
{
    p->layer = layer;
    p->probabilities = to;
    tb_train_stage(p, stage_probabilities);
}
