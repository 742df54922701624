/* The forward pass: embeddings, encoder layers, pooler, classifier, over one token matrix without padding.
 * How a pass is split between threads is columns.c (few rows) or rows.c (many); both give the same bits.
 * Includes: model/pass.h. Called by: run.c, study (bench). */
#include "model/pass.h"

#include <math.h>
#include <string.h>

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

void tb_pass_embed(const struct pass *p, size_t begin, size_t end, uint8_t *scratch, float *y)
{
    const size_t *cu_seqlens = p->batch->cu_seqlens;
    size_t n = p->model->config.hidden_size, text = 0;
    float *rows[2] = {(float *)(void *)scratch, (float *)(void *)(scratch + tb_round_up(n * sizeof(float), TB_ALIGN))};
    for (size_t t = begin; t < end; t++) {
        while (t >= cu_seqlens[text + 1])
            text++;
        embed_token(p, t, t - cu_seqlens[text], rows, y + (t - begin) * n);
    }
}

void tb_pass_gather_cls(const struct pass *p, const float *from, float *to)
{
    size_t n = p->model->config.hidden_size;
    for (size_t text = 0; text < p->batch->n_texts; text++)
        memcpy(to + text * n, from + p->batch->cu_seqlens[text] * n, n * sizeof *to);
}

void tb_pass_keep_cls(struct pass *p)
{
    p->rows = p->batch->n_texts;
    p->seqlens = p->ws->cls_seqlens;
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

/* ---- The pass ---- */

static void forward(const tb_classifier *model, tb_workspace *workspace, const tb_batch *batch, float *logits)
{
    struct pass p = {.model = model,
                     .kernels = model->kernels,
                     .ws = workspace,
                     .batch = batch,
                     .seqlens = batch->cu_seqlens,
                     .rows = batch->n_tokens};
    size_t n_layers = model->config.num_hidden_layers;
    float *x;
    if (tb_rows_suit(&p)) {
        x = tb_rows_encode(&p);
    } else {
        x = tb_columns_embed(&p);
        for (size_t i = 0; i < n_layers; i++) {
            bool last = i + 1 == n_layers;
            x = tb_columns_layer(&p, &model->layers[i], x, last, last ? TB_ACT_FLOAT : model->layers[i + 1].qkv[0].act);
        }
    }
    tb_columns_classify(&p, x, logits);
}

/* Texts from `first` on that go through the encoder together: as many as keep the activations near. */
static size_t texts_together(const tb_batch *batch, size_t first, size_t most_tokens)
{
    size_t n = 1;
    while (first + n < batch->n_texts && batch->cu_seqlens[first + n + 1] - batch->cu_seqlens[first] <= most_tokens)
        n++;
    return n;
}

timbang_status tb_classifier_forward(const tb_classifier *model, tb_workspace *workspace, const tb_batch *batch,
                                     float *logits, tb_error *err)
{
    size_t longest = 0;
    if (batch->n_texts == 0)
        return TIMBANG_OK;
    TB_TRY(check_batch(model, batch, err));
    for (size_t i = 0; i < batch->n_texts; i++) {
        size_t length = batch->cu_seqlens[i + 1] - batch->cu_seqlens[i];
        longest = length > longest ? length : longest;
    }
    TB_TRY(tb_workspace_reserve(workspace, model, batch->n_tokens, batch->n_texts, longest, err));
    for (size_t first = 0, n; first < batch->n_texts; first += n) {
        size_t from = batch->cu_seqlens[first];
        n = texts_together(batch, first, tb_workspace_tokens_together(workspace));
        for (size_t i = 0; i <= n; i++)
            workspace->cu_seqlens[i] = batch->cu_seqlens[first + i] - from;
        tb_batch part = {n, workspace->cu_seqlens[n], batch->ids + from, batch->type_ids + from, workspace->cu_seqlens};
        forward(model, workspace, &part, logits + first * model->config.n_labels);
    }
    return check_logits(model, batch, logits, err);
}
