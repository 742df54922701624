/* A training pass: a batch in parts, each forward and back. Includes: model/train_parts.h. Called by: train,
 * model/train_layer.c. */
#include "model/train_parts.h"

#include <math.h>
#include <string.h>

timbang_status tb_train_check_batch(const tb_trainee *t, const tb_batch *batch, tb_error *err)
{
    const tb_config *config = &t->model->config;
    for (size_t i = 0; i < batch->n_texts; i++) {
        size_t length = batch->cu_seqlens[i + 1] - batch->cu_seqlens[i];
        if (length < 1 || length > config->max_position_embeddings)
            return tb_fail(err, TIMBANG_DATA, "text %zu has %zu tokens; the model takes 1 to %zu", i + 1, length,
                           config->max_position_embeddings);
    }
    for (size_t i = 0; i < batch->n_tokens; i++) {
        if (batch->ids[i] < 0 || (size_t)batch->ids[i] >= config->vocab_size)
            return tb_fail(err, TIMBANG_DATA, "token id %d at place %zu is outside the vocabulary of %zu",
                           (int)batch->ids[i], i, config->vocab_size);
        if (batch->type_ids[i] < 0 || (size_t)batch->type_ids[i] >= config->type_vocab_size)
            return tb_fail(err, TIMBANG_DATA, "token type %d at place %zu: the model has %zu types",
                           (int)batch->type_ids[i], i, config->type_vocab_size);
    }
    return TIMBANG_OK;
}

/* ---- Parts ---- */

size_t tb_train_texts_together(const tb_batch *batch, size_t first)
{
    size_t n = 1;
    while (first + n < batch->n_texts && batch->cu_seqlens[first + n + 1] - batch->cu_seqlens[first] <= TB_TRAIN_TOKENS)
        n++;
    return n;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

timbang_status tb_train_reserve_for(tb_trainee *t, const tb_train_pass *job, tb_error *err)
{
    enum { SOME = 32 }; /* masked words vary from step to step */
    const tb_batch *batch = job->batch;
    size_t tokens = 0, texts = 0, longest = 0, words = 0;
    for (size_t first = 0, n, ignored; first < batch->n_texts; first += n) {
        n = tb_train_texts_together(batch, first);
        size_t begin = batch->cu_seqlens[first], end = batch->cu_seqlens[first + n];
        tokens = larger(tokens, end - begin);
        texts = larger(texts, n);
        words = larger(words, tb_train_masked(job, begin, end, &ignored));
    }
    for (size_t i = 0; i < batch->n_texts; i++)
        longest = larger(longest, batch->cu_seqlens[i + 1] - batch->cu_seqlens[i]);
    size_t head_rows = t->options.task == TB_TASK_MLM ? tb_round_up(words, SOME) : texts;
    return tb_train_reserve(t, tokens, texts, longest, head_rows, err);
}

void tb_train_take_part(struct train_pass *p, size_t first, size_t n)
{
    const tb_batch *batch = p->job->batch;
    size_t *cu_seqlens = p->t->cu_seqlens, from = batch->cu_seqlens[first];
    for (size_t i = 0; i <= n; i++)
        cu_seqlens[i] = batch->cu_seqlens[first + i] - from;
    p->part = (tb_batch){n, cu_seqlens[n], batch->ids + from, batch->type_ids + from, cu_seqlens};
    p->first_text = first;
    p->first_token = from;
}

/* ---- What is not finite ---- */

static bool is_finite(const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return false;
    return true;
}

static timbang_status check_logits(const struct train_pass *p, tb_error *err)
{
    const tb_trainee *t = p->t;
    const tb_config *config = &t->model->config;
    size_t hidden = config->hidden_size, rows = p->part.n_tokens;
    bool mlm = t->options.task == TB_TASK_MLM;
    /* A logit that is not finite has a loss that is not, and its gradient: the masked words' are looked at there. */
    if (mlm ? is_finite(t->last, rows * hidden) : is_finite(t->logits, p->part.n_texts * config->n_labels))
        return TIMBANG_OK;
    if (!is_finite(t->layers[0].x, rows * hidden))
        return tb_fail(err, TIMBANG_DATA, "the output of the embeddings is not finite");
    for (size_t i = 0; i + 1 < config->num_hidden_layers; i++)
        if (!is_finite(t->layers[i + 1].x, rows * hidden))
            return tb_fail(err, TIMBANG_DATA, "the output of encoder.layer.%zu is not finite", i);
    if (!is_finite(t->last, (p->whole_last ? rows : p->part.n_texts) * hidden))
        return tb_fail(err, TIMBANG_DATA, "the output of encoder.layer.%zu is not finite",
                       config->num_hidden_layers - 1);
    return tb_fail(err, TIMBANG_DATA, "a logit of the classifier is not finite");
}

/* ---- The pass ---- */

/* What is added to row by row starts at zero; gradients of linears are written by their first part, if there is one. */
static void clear_gradients(const tb_trainee *t, bool linears)
{
    const tb_parameters *parameters = t->parameters;
    for (size_t i = 0; i < parameters->n_items; i++)
        if (!parameters->items[i].frozen && (linears || parameters->items[i].kind != TB_PARAMETER_LINEAR))
            memset(parameters->gradients + parameters->items[i].begin, 0, parameters->items[i].n * sizeof(float));
}

static timbang_status run_part(struct train_pass *p, double *loss, tb_error *err)
{
    TB_TRY(tb_train_embed(p, err));
    tb_train_forward(p);
    bool cls_only = p->cls_only;
    size_t rows = p->rows;
    const size_t *seqlens = p->seqlens;
    tb_train_head(p, loss);
    TB_TRY(check_logits(p, err));
    if (!p->back)
        return TIMBANG_OK;
    p->cls_only = cls_only;
    p->rows = rows;
    p->seqlens = seqlens;
    tb_train_backward(p, loss);
    return TIMBANG_OK;
}

/* Of the part, where they are wanted. The tokens of a text see each other in every head. */
static void show_states(struct train_pass *p, const tb_trainee_states *wanted, size_t *shown)
{
    const tb_trainee *t = p->t;
    const tb_config *config = &t->model->config;
    size_t n = config->hidden_size, layers = config->num_hidden_layers, all = p->job->batch->n_tokens;
    for (size_t i = 0; wanted->hidden && i <= layers; i++)
        memcpy(wanted->hidden + (i * all + p->first_token) * n, i < layers ? t->layers[i].x : t->last,
               p->part.n_tokens * n * sizeof(float));
    if (!wanted->attention)
        return;
    tb_train_probabilities(p, wanted->attention_layer, wanted->attention + *shown);
    *shown += tb_attention_values(config, &p->part);
}

static timbang_status run(tb_trainee *t, const tb_train_pass *job, const tb_trainee_states *wanted, double *loss,
                          tb_error *err)
{
    const tb_batch *batch = job->batch;
    bool back = !wanted;
    struct train_pass p = {.t = t, .kernels = t->options.kernels, .job = job, .back = back};
    size_t shown = 0;
    p.whole_last = t->model->whole_last_layer || t->options.task == TB_TASK_MLM || job->hidden_loss ||
                   job->attention_loss || (wanted && wanted->hidden);
    p.continues = job->continues;
    TB_TRY(tb_train_check_batch(t, batch, err));
    if (batch->n_texts > 0)
        TB_TRY(tb_train_reserve_for(t, job, err));
    if (back && !job->continues)
        clear_gradients(t, batch->n_texts == 0);
    for (size_t first = 0, n; first < batch->n_texts; first += n) {
        n = tb_train_texts_together(batch, first);
        tb_train_take_part(&p, first, n);
        TB_TRY(run_part(&p, loss, err));
        if (wanted)
            show_states(&p, wanted, &shown);
        p.continues = true;
    }
    return TIMBANG_OK;
}

static timbang_status check_dropout(double share, tb_error *err)
{
    if (!(share >= 0 && share < 1))
        return tb_fail(err, TIMBANG_USAGE, "the dropout %g is not at least 0 and below 1", share);
    return TIMBANG_OK;
}

timbang_status tb_trainee_pass(tb_trainee *trainee, const tb_train_pass *pass, double *loss, tb_error *err)
{
    TB_TRY(check_dropout(pass->hidden_dropout, err));
    TB_TRY(check_dropout(pass->attention_dropout, err));
    TB_TRY(check_dropout(pass->classifier_dropout, err));
    return run(trainee, pass, NULL, loss, err);
}

timbang_status tb_trainee_forward(tb_trainee *trainee, const tb_batch *batch, const tb_trainee_states *wanted,
                                  tb_error *err)
{
    const tb_config *config = &trainee->model->config;
    tb_train_pass job = {.batch = batch, .logits = wanted->logits};
    double loss = 0;
    if (trainee->options.task == TB_TASK_MLM)
        return tb_fail(err, TIMBANG_USAGE, "a masked-language model has no logits of texts");
    if (wanted->attention && wanted->attention_layer >= config->num_hidden_layers)
        return tb_fail(err, TIMBANG_INTERNAL, "attention of layer %zu of a model with %zu layers",
                       wanted->attention_layer, config->num_hidden_layers);
    return run(trainee, &job, wanted, &loss, err);
}

size_t tb_attention_values(const tb_config *config, const tb_batch *batch)
{
    size_t n = 0;
    for (size_t i = 0; i < batch->n_texts; i++) {
        size_t length = batch->cu_seqlens[i + 1] - batch->cu_seqlens[i];
        n += config->num_attention_heads * length * length;
    }
    return n;
}
