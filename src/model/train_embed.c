/* Embeddings in training: the sum of three rows, LayerNorm and dropout; and the way back into the tables, where the
 * tokens of a word are added in their order.
 * Includes: model/train_parts.h. Called by: train_pass.c, train_backward.c. */
#include "model/train_parts.h"

#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 64, BLOCK = 32 };

static int by_id(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* After a refresh the rows of a rounded table of words are made as parts ask for them: each depends on itself alone. */
static timbang_status round_words(struct train_pass *p, tb_error *err)
{
    tb_trainee *t = p->t;
    const tb_trainee_options *o = &t->options;
    size_t n = p->part.n_tokens, hidden = t->model->config.hidden_size, distinct = 0;
    const float *masters = t->parameters->values + t->parameters->items[t->word].begin;
    if (!t->rows_stale)
        return TIMBANG_OK;
    memcpy(t->seen, p->part.ids, n * sizeof *t->seen);
    qsort(t->seen, n, sizeof *t->seen, by_id);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || t->seen[i] != t->seen[i - 1])
            t->seen[distinct++] = t->seen[i];
    for (size_t i = 0; i < distinct; i++)
        memcpy(t->rounded + i * hidden, masters + (size_t)t->seen[i] * hidden, hidden * sizeof(float));
    tb_weight rows = {0};
    TB_TRY(o->round(o->round_user, t->parameters, t->word, t->rounded, distinct, &rows, err));
    tb_embedding_set_rows(&t->model->word, &rows, t->seen, distinct); /* of the table's kind, as the first time */
    tb_weight_free(&rows);
    return TIMBANG_OK;
}

static void embed_token(const struct train_pass *p, size_t token, size_t position, float *scratch, float *out)
{
    const tb_classifier *model = p->t->model;
    const tb_kernels *k = p->kernels;
    size_t n = model->config.hidden_size;
    float *second = scratch + tb_round_up(n, TB_ALIGN);
    const float *word = tb_embedding_row(&model->word, (size_t)p->part.ids[token], k, out);
    const float *type = tb_embedding_row(&model->type, (size_t)p->part.type_ids[token], k, scratch);
    const float *place = tb_embedding_row(&model->position, position, k, second);
    k->add(word, type, out, n);
    k->add(out, place, out, n);
}

static void stage_embed(void *arg, int thread, int n_threads)
{
    struct train_pass *p = arg;
    tb_trainee *t = p->t;
    const tb_config *config = &t->model->config;
    size_t hidden = config->hidden_size, n = p->part.n_tokens;
    float *scratch = (float *)(void *)(tb_train_scratch_of(p, thread) + t->at.wide);
    tb_dropout dropout;
    bool drops = tb_train_dropout(p, TB_SITE_EMBEDDINGS, 0, &dropout);
    (void)n_threads;
    for (size_t i; tb_train_next(p, (n + BLOCK - 1) / BLOCK, &i);) {
        size_t begin = i * BLOCK, end = begin + BLOCK < n ? begin + BLOCK : n, text = 0;
        float *x = t->layers[0].x + begin * hidden, *sum = t->embedded + begin * hidden;
        for (size_t token = begin; token < end; token++) {
            while (token >= p->part.cu_seqlens[text + 1])
                text++;
            embed_token(p, token, token - p->part.cu_seqlens[text], scratch, t->embedded + token * hidden);
        }
        p->kernels->layernorm(sum, hidden, end - begin, hidden, t->model->embedding_norm.gamma,
                              t->model->embedding_norm.beta, config->layer_norm_eps, x, hidden);
        if (drops)
            tb_train_drop_rows(p, &dropout, tb_train_first_token(p) + begin, end - begin, hidden, x);
    }
}

timbang_status tb_train_embed(struct train_pass *p, tb_error *err)
{
    TB_TRY(round_words(p, err));
    tb_train_stage(p, stage_embed);
    return TIMBANG_OK;
}

/* ---- Back ---- */

static void stage_rows_back(void *arg, int thread, int n_threads)
{
    struct train_pass *p = arg;
    tb_trainee *t = p->t;
    const tb_config *config = &t->model->config;
    size_t hidden = config->hidden_size, n = p->part.n_tokens;
    tb_dropout dropout;
    bool drops = tb_train_dropout(p, TB_SITE_EMBEDDINGS, 0, &dropout);
    (void)thread, (void)n_threads;
    for (size_t i; tb_train_next(p, (n + BLOCK - 1) / BLOCK, &i);) {
        size_t begin = i * BLOCK, rows = n - begin < BLOCK ? n - begin : BLOCK, at = begin * hidden;
        if (drops)
            tb_train_drop_rows(p, &dropout, tb_train_first_token(p) + begin, rows, hidden, t->dx + at);
        p->kernels->layernorm_backward(t->embedded + at, hidden, t->dx + at, hidden, rows, hidden,
                                       t->model->embedding_norm.gamma, config->layer_norm_eps, t->dsum1 + at, hidden,
                                       t->xhat1 + at, hidden);
    }
}

static void add_row(const struct train_pass *p, size_t parameter, size_t row, size_t first, size_t n, const float *d)
{
    size_t hidden = p->t->model->config.hidden_size;
    if (p->t->parameters->items[parameter].frozen)
        return;
    float *to = tb_gradient(p->t, parameter) + row * hidden + first;
    p->kernels->add(to, d, to, n);
}

static void stage_scatter(void *arg, int thread, int n_threads)
{
    struct train_pass *p = arg;
    const tb_trainee *t = p->t;
    size_t hidden = t->model->config.hidden_size;
    (void)thread, (void)n_threads;
    for (size_t i; tb_train_next(p, (hidden + COLUMNS - 1) / COLUMNS, &i);) {
        size_t first = i * COLUMNS, n = hidden - first < COLUMNS ? hidden - first : COLUMNS;
        for (size_t text = 0; text < p->part.n_texts; text++)
            for (size_t begin = p->part.cu_seqlens[text], token = begin; token < p->part.cu_seqlens[text + 1];
                 token++) {
                const float *d = t->dsum1 + token * hidden + first;
                add_row(p, t->word, (size_t)p->part.ids[token], first, n, d);
                add_row(p, t->position, token - begin, first, n, d);
                add_row(p, t->type, (size_t)p->part.type_ids[token], first, n, d);
            }
    }
}

void tb_train_embed_back(struct train_pass *p)
{
    tb_trainee *t = p->t;
    tb_train_stage(p, stage_rows_back);
    tb_train_norm_gradients(p, &t->embedding_norm, t->xhat1, t->dx, p->part.n_tokens);
    tb_train_stage(p, stage_scatter);
}
