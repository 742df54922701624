/* The heads in training: pooler and classifier on [CLS], or the prediction of masked words with the decoder tied to the
 * word embeddings. Includes: model/train_parts.h. Called by: train_pass.c. */
#include "model/train_parts.h"

#include <string.h>

/* A product of the head, for the stages below. */
struct head_product {
    const tb_trained_linear *linear;
    const float *from, *dy;
    float *to;
    size_t rows;
};

static void stage_forward(void *arg, int thread, int n_threads)
{
    struct train_pass *p = arg;
    const struct head_product *h = p->head;
    const tb_linear *linear = h->linear->packed;
    size_t begin, end;
    tb_share(linear->out, tb_linear_grain(linear, p->kernels), thread, n_threads, &begin, &end);
    tb_linear_forward(linear, &p->t->input, h->rows, begin, end, h->to, linear->out, TB_ACT_NONE, NULL, 0, p->kernels,
                      tb_train_scratch_of(p, thread) + p->t->at.panel);
}

static void forward(struct train_pass *p, const tb_trained_linear *linear, const float *x, size_t rows, float *out)
{
    tb_trainee *t = p->t;
    struct head_product h = {.linear = linear, .to = out, .rows = rows};
    size_t each = linear->packed->act == TB_ACT_U8_TEXT_7BIT ? 1 : rows; /* a row is all that is left of a text */
    t->input.x = x;
    t->input.ldx = linear->in;
    for (size_t i = 0; i < rows; i += each)
        tb_input_prepare(&t->input, linear->packed->act, i, i + each, linear->in, p->kernels);
    p->head = &h;
    tb_train_stage(p, stage_forward);
}

static void stage_back(void *arg, int thread, int n_threads)
{
    struct train_pass *p = arg;
    const struct head_product *h = p->head;
    uint16_t *half = (uint16_t *)(void *)(tb_train_scratch_of(p, thread) + p->t->at.half);
    (void)n_threads;
    for (size_t i; tb_train_next(p, (h->rows + TB_TRAIN_HEAD_ROWS - 1) / TB_TRAIN_HEAD_ROWS, &i);) {
        size_t begin = i * TB_TRAIN_HEAD_ROWS, left = h->rows - begin,
               rows = left < TB_TRAIN_HEAD_ROWS ? left : TB_TRAIN_HEAD_ROWS;
        tb_train_linear_back(p, h->linear, h->dy + begin * h->linear->out, rows, h->to + begin * h->linear->in, NULL,
                             half);
    }
}

static void back(struct train_pass *p, const tb_trained_linear *linear, const float *dy, size_t rows, float *dx)
{
    struct head_product h = {.linear = linear, .dy = dy, .to = dx, .rows = rows};
    p->head = &h;
    tb_train_stage(p, stage_back);
}

/* ---- Classifier ---- */

static const float *drop(const struct train_pass *p, const float *from, float *to, size_t rows, size_t n)
{
    tb_dropout dropout;
    if (!tb_train_dropout(p, TB_SITE_CLASSIFIER, 0, &dropout))
        return from;
    memcpy(to, from, rows * n * sizeof *to);
    tb_train_drop_rows(p, &dropout, p->job->first_text + p->first_text, rows, n, to);
    return to;
}

/* The derivative of the head's input goes to the [CLS] rows of dx. */
static void spread(const struct train_pass *p, const float *d)
{
    tb_trainee *t = p->t;
    size_t n = t->model->config.hidden_size;
    if (!p->whole_last) {
        memcpy(t->dx, d, p->part.n_texts * n * sizeof *d);
        return;
    }
    memset(t->dx, 0, p->part.n_tokens * n * sizeof *t->dx);
    for (size_t text = 0; text < p->part.n_texts; text++)
        memcpy(t->dx + p->part.cu_seqlens[text] * n, d + text * n, n * sizeof *d);
}

static void classify(struct train_pass *p, double *loss)
{
    tb_trainee *t = p->t;
    const tb_train_pass *job = p->job;
    size_t n = p->part.n_texts, hidden = t->model->config.hidden_size, labels = t->model->config.n_labels;
    const float *cls = t->last;
    if (p->whole_last) {
        tb_train_gather_cls(p, t->last, t->head_in);
        cls = t->head_in;
    }
    p->seqlens = t->cls_seqlens;
    forward(p, &t->pooler, cls, n, t->head_pre);
    p->kernels->activation(TB_ACT_TANH, t->head_pre, t->head_out, n * hidden);
    const float *pooled = drop(p, t->head_out, t->head_dropped, n, hidden);
    forward(p, &t->classifier, pooled, n, t->logits);
    if (job->logits)
        memcpy(job->logits + p->first_text * labels, t->logits, n * labels * sizeof(float));
    if (!p->back)
        return;
    job->loss(job->user, p->first_text, n, t->logits, t->dlogits, loss);
    tb_train_linear_gradients(p, &t->classifier, pooled, t->dlogits, n);
    back(p, &t->classifier, t->dlogits, n, t->dsum1);
    const float *dpooled = drop(p, t->dsum1, t->dsum2, n, hidden);
    p->kernels->activation_backward(TB_ACT_TANH, t->head_pre, dpooled, t->dx1, NULL, n * hidden);
    tb_train_linear_gradients(p, &t->pooler, cls, t->dx1, n);
    back(p, &t->pooler, t->dx1, n, t->dsum1);
    spread(p, t->dsum1);
}

/* ---- Masked words ---- */

size_t tb_train_masked(const tb_train_pass *job, size_t begin, size_t end, size_t *first)
{
    size_t n = 0;
    *first = 0;
    while (*first < job->n_masked && job->masked[*first] < begin)
        ++*first;
    while (*first + n < job->n_masked && job->masked[*first + n] < end)
        n++;
    return n;
}

/* The gradient of a linear is written by the first part that has any; there may be none. */
static void clear(const struct train_pass *p, size_t parameter)
{
    if (!p->t->parameters->items[parameter].frozen)
        memset(tb_gradient(p->t, parameter), 0, p->t->parameters->items[parameter].n * sizeof(float));
}

static void predict_words(struct train_pass *p, double *loss)
{
    tb_trainee *t = p->t;
    const tb_config *config = &t->model->config;
    const tb_train_pass *job = p->job;
    size_t end = p->first_token + p->part.n_tokens, hidden = config->hidden_size, first;
    size_t n = tb_train_masked(job, p->first_token, end, &first);
    memset(t->dx, 0, p->part.n_tokens * hidden * sizeof *t->dx);
    if (n == 0) {
        if (p->back && !p->continues)
            clear(p, t->transform.weight[0]);
        return;
    }
    for (size_t i = 0; i < n; i++)
        memcpy(t->head_in + i * hidden, t->last + (job->masked[first + i] - p->first_token) * hidden,
               hidden * sizeof(float));
    forward(p, &t->transform, t->head_in, n, t->head_pre);
    p->kernels->activation(config->hidden_act, t->head_pre, t->head_out, n * hidden);
    p->kernels->layernorm(t->head_out, hidden, n, hidden, t->transform_norm.norm->gamma, t->transform_norm.norm->beta,
                          config->layer_norm_eps, t->head_dropped, hidden);
    forward(p, &t->decoder, t->head_dropped, n, t->logits);
    job->loss(job->user, first, n, t->logits, t->dlogits, loss);
    /* The table's gradient was set to zero when the step began, and the words that are looked up are added to it. */
    bool continues = p->continues;
    p->continues = true;
    tb_train_linear_gradients(p, &t->decoder, t->head_dropped, t->dlogits, n);
    p->continues = continues;
    back(p, &t->decoder, t->dlogits, n, t->dx1);
    p->kernels->layernorm_backward(t->head_out, hidden, t->dx1, hidden, n, hidden, t->transform_norm.norm->gamma,
                                   config->layer_norm_eps, t->dsum1, hidden, t->xhat1, hidden);
    tb_train_norm_gradients(p, &t->transform_norm, t->xhat1, t->dx1, n);
    p->kernels->activation_backward(config->hidden_act, t->head_pre, t->dsum1, t->dsum1, NULL, n * hidden);
    tb_train_linear_gradients(p, &t->transform, t->head_in, t->dsum1, n);
    back(p, &t->transform, t->dsum1, n, t->dsum2);
    for (size_t i = 0; i < n; i++)
        memcpy(t->dx + (job->masked[first + i] - p->first_token) * hidden, t->dsum2 + i * hidden,
               hidden * sizeof(float));
}

void tb_train_head(struct train_pass *p, double *loss)
{
    if (p->t->options.task == TB_TASK_MLM)
        predict_words(p, loss);
    else
        classify(p, loss);
}
