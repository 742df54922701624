/* A pass split by rows: every thread takes blocks of rows through all that follows attention in one layer and
 * through the queries, keys and values of the next, so that a block's activations stay in the thread's own cache and
 * threads meet only around attention, twice a layer. It pays from some tens of rows a thread: each thread reads all
 * weights. Includes: model/pass.h. Called by: encoder.c. */
#include "model/pass.h"

/* Rows a thread from which splitting them beat splitting columns, measured: later for float weights, which are four
 * times the bytes to read, and for four-bit ones, which every thread unpacks for itself. */
enum { LEAST_ROWS_S8 = 12, LEAST_ROWS_F32 = 32, LEAST_ROWS_S4 = 24 };

bool tb_rows_suit(const struct pass *p)
{
    size_t threads = (size_t)tb_pool_threads(p->ws->pool), least = LEAST_ROWS_S8;
    if (p->model->layers[0].intermediate.kind == TB_WEIGHT_F32)
        least = LEAST_ROWS_F32;
    else if (p->model->layers[0].intermediate.kind == TB_WEIGHT_S4)
        least = LEAST_ROWS_S4;
    return !p->model->whole_last_layer && p->batch->n_tokens >= least * threads;
}

/* A block of rows and the scratch memory of the thread that works on it. */
struct block {
    const struct pass *p;
    size_t begin, rows;
    float *x; /* [rows][hidden] of the residual stream */
    float *y, *wide;
    tb_input input;
    uint8_t *panel;
};

static struct block make_block(const struct pass *p, size_t index, int thread)
{
    const tb_workspace *ws = p->ws;
    uint8_t *scratch = tb_pass_scratch(p, thread);
    size_t begin, end;
    tb_share(p->rows, 1, (int)index, (int)p->blocks, &begin, &end);
    return (struct block){.p = p,
                          .begin = begin,
                          .rows = end - begin,
                          .x = ws->x + begin * ws->hidden,
                          .y = (float *)(void *)(scratch + ws->scratch_y),
                          .wide = (float *)(void *)(scratch + ws->scratch_wide),
                          .input = {.a = (int8_t *)(scratch + ws->scratch_input),
                                    .lda = ws->input.lda,
                                    .row_scale = (float *)(void *)(scratch + ws->scratch_row_scale),
                                    .fake = ws->fake_inputs ? (float *)(void *)(scratch + ws->scratch_fake) : NULL,
                                    .half = ws->half_inputs ? (uint16_t *)(void *)(scratch + ws->scratch_half) : NULL},
                          .panel = scratch};
}

static void prepare(struct block *b, const float *x, size_t k, tb_act_kind act)
{
    b->input.x = x;
    b->input.ldx = k;
    tb_input_prepare(&b->input, act, 0, b->rows, k, b->p->kernels);
}

static void product(struct block *b, const tb_linear *linear, size_t begin, size_t end, float *out, size_t ldo,
                    tb_activation activation, const float *residual)
{
    tb_linear_forward(linear, &b->input, b->rows, begin, end, out, ldo, activation, residual,
                      b->p->model->config.hidden_size, b->p->kernels, b->panel);
}

static void normalize(struct block *b, const tb_norm *norm)
{
    const tb_config *config = &b->p->model->config;
    size_t n = config->hidden_size;
    b->p->kernels->layernorm(b->y, n, b->rows, n, norm->gamma, norm->beta, config->layer_norm_eps, b->x, n);
}

/* Where the queries of all rows are not needed, and the fused product can do without them. */
static bool skips_queries(const struct pass *p, const tb_layer *layer)
{
    const tb_classifier *model = p->model;
    bool last = layer == &model->layers[model->config.num_hidden_layers - 1];
    return last && (layer->n_qkv == 3 || model->config.hidden_size % tb_linear_grain(&layer->qkv[0], p->kernels) == 0);
}

/* Queries, keys and values of the block, of the layer that comes next. */
static void project(struct block *b, const tb_layer *layer)
{
    const struct pass *p = b->p;
    size_t hidden = p->model->config.hidden_size, ld = 3 * hidden;
    float *qkv = p->ws->qkv + b->begin * ld;
    bool skip = skips_queries(p, layer);
    for (size_t i = layer->n_qkv == 3 && skip ? 1 : 0; i < layer->n_qkv; i++) {
        const tb_linear *linear = &layer->qkv[i];
        prepare(b, b->x, hidden, linear->act);
        product(b, linear, layer->n_qkv == 1 && skip ? hidden : 0, linear->out, qkv + i * hidden, ld, TB_ACT_NONE,
                NULL);
    }
}

static void after_attention(struct block *b, const tb_layer *layer)
{
    const struct pass *p = b->p;
    size_t hidden = p->model->config.hidden_size, wide = p->model->config.intermediate_size;
    prepare(b, p->ws->context + b->begin * hidden, hidden, layer->attention_output.act);
    product(b, &layer->attention_output, 0, hidden, b->y, hidden, TB_ACT_NONE, b->x);
    normalize(b, &layer->attention_norm);
    prepare(b, b->x, hidden, layer->intermediate.act);
    product(b, &layer->intermediate, 0, wide, b->wide, wide, p->model->config.hidden_act, NULL);
    prepare(b, b->wide, wide, layer->output.act);
    product(b, &layer->output, 0, hidden, b->y, hidden, TB_ACT_NONE, b->x);
    normalize(b, &layer->output_norm);
}

static void stage_blocks(void *arg, int thread, int n_threads)
{
    struct pass *p = arg;
    (void)n_threads;
    for (;;) {
        size_t i = atomic_fetch_add(&p->next, 1);
        if (i >= p->blocks)
            return;
        struct block b = make_block(p, i, thread);
        if (p->layer) {
            after_attention(&b, p->layer);
        } else {
            tb_pass_embed(p, b.begin, b.begin + b.rows, (uint8_t *)b.wide, b.y);
            normalize(&b, &p->model->embedding_norm);
        }
        project(&b, p->next_layer);
    }
}

float *tb_rows_encode(struct pass *p)
{
    const tb_classifier *model = p->model;
    tb_workspace *ws = p->ws;
    size_t n_layers = model->config.num_hidden_layers, threads = (size_t)tb_pool_threads(ws->pool);
    size_t each = TB_ROW_BLOCK * threads;
    p->blocks = (p->rows + each - 1) / each * threads;
    p->layer = NULL;
    for (size_t i = 0; i < n_layers; i++) {
        p->next_layer = &model->layers[i];
        tb_pass_run(p, stage_blocks);
        p->layer = p->next_layer;
        if (i + 1 < n_layers)
            tb_pass_attention(p, false);
    }
    const tb_layer *last = p->layer;
    tb_pass_gather_cls(p, ws->x, ws->cls);
    tb_pass_keep_cls(p);
    if (skips_queries(p, last)) {
        tb_columns_queries(p, last, ws->cls, ws->cls_q);
        p->cls_q = ws->cls_q;
    }
    tb_pass_attention(p, true);
    return tb_columns_after_attention(p, last, ws->cls_context, ws->cls, TB_ACT_FLOAT);
}
