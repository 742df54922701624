/* Memory of training passes: sized for the largest part seen, then reused. Counts are bounded by formats/config.c (2^24
 * words, 2^20 positions, 2^16 of the other sizes), so their products fit 64 bits.
 * Includes: model/train_parts.h. Called by: train_pass.c, trainee.c. */
#include "model/train_parts.h"

_Static_assert(sizeof(size_t) >= 8, "sizes of arrays are computed unchecked");

/* One array: where its pointer goes, and its size. */
struct array {
    void **to;
    size_t count, size;
};

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t place(size_t *end, size_t bytes)
{
    size_t at = *end;
    *end += tb_round_up(bytes, TB_ALIGN);
    return at;
}

static size_t panels_bytes(const tb_kernels *k, size_t columns, size_t steps)
{
    return (columns + k->f32_nr - 1) / k->f32_nr * k->f32_panel_bytes(steps);
}

/* A thread's scratch is a block of rows on its way through a layer, or one head of one text. */
static void plan_scratch(tb_trainee *t)
{
    const tb_config *config = &t->model->config;
    const tb_kernels *k = t->options.kernels;
    size_t hidden = config->hidden_size, wide = config->intermediate_size, d = hidden / config->num_attention_heads;
    size_t classes = t->options.task == TB_TASK_MLM ? config->vocab_size : config->n_labels;
    size_t seqlen = t->max_seqlen, rows = larger(TB_TRAIN_BLOCK, seqlen), block = 0, head = 0, panel = 0;
    size_t half = larger(rows * tb_input_half_stride(larger(wide, 3 * hidden)),
                         TB_TRAIN_HEAD_ROWS * tb_input_half_stride(classes));
    size_t scores = TB_QUERY_BLOCK * tb_round_up(seqlen, 16) * sizeof(float);
    tb_train_scratch *at = &t->at;
    const tb_layer *first = &t->model->layers[0];
    panel = larger(tb_linear_scratch(&first->intermediate, k), tb_linear_scratch(&first->output, k));
    panel = larger(panel, tb_linear_scratch(&first->qkv[0], k));
    at->panel = place(&block, panel);
    at->input = place(&block, rows * t->input.lda);
    at->row_scale = place(&block, rows * sizeof(float));
    at->half = place(&block, tb_train_half(t) ? half * sizeof(uint16_t) : 0);
    at->wide = place(&block, larger(rows * wide, 2 * tb_round_up(hidden, TB_ALIGN)) * sizeof(float));

    at->keys = place(&head, panels_bytes(k, seqlen, d));
    at->values = place(&head, larger(panels_bytes(k, seqlen, d), panels_bytes(k, d, seqlen)));
    at->mixed = place(&head, panels_bytes(k, d, seqlen));
    at->queries = place(&head, panels_bytes(k, d, TB_QUERY_BLOCK));
    at->scores = place(&head, scores);
    at->scores_dropped = place(&head, scores);
    at->scores_grad = place(&head, scores);
    at->scores_turned = place(&head, seqlen * TB_QUERY_BLOCK * sizeof(float));
    at->bytes = tb_round_up(larger(block, head), 4096);
}

static timbang_status allocate(tb_trainee *t, const struct array *arrays, size_t n, tb_error *err)
{
    for (size_t i = 0; i < n; i++)
        if (arrays[i].count && !(*arrays[i].to = tb_arena_alloc(t->memory, arrays[i].count, arrays[i].size, err)))
            return err->status;
    return TIMBANG_OK;
}

/* In the last layer only the rows that the head reads go on after attention, but a pass may ask for all of them. */
static timbang_status allocate_layers(tb_trainee *t, tb_error *err)
{
    const tb_config *config = &t->model->config;
    size_t rows = t->n_tokens, hidden = config->hidden_size;
    for (size_t i = 0; i < config->num_hidden_layers; i++) {
        tb_trained_layer *l = &t->layers[i];
        const struct array arrays[] = {
            {(void **)&l->x, rows * hidden, sizeof(float)},
            {(void **)&l->qkv_out, rows * 3 * hidden, sizeof(float)},
            {(void **)&l->context, rows * hidden, sizeof(float)},
            {(void **)&l->sum1, rows * hidden, sizeof(float)},
            {(void **)&l->x1, rows * hidden, sizeof(float)},
            {(void **)&l->sum2, rows * hidden, sizeof(float)},
            {(void **)&l->pre, rows * config->intermediate_size, sizeof(float)},
        };
        TB_TRY(allocate(t, arrays, sizeof arrays / sizeof arrays[0], err));
    }
    return TIMBANG_OK;
}

static timbang_status allocate_all(tb_trainee *t, tb_error *err)
{
    const tb_config *config = &t->model->config;
    const tb_kernels *k = t->options.kernels;
    bool half = tb_train_half(t), mlm = t->options.task == TB_TASK_MLM;
    size_t hidden = config->hidden_size, wide = config->intermediate_size, rows = t->n_tokens, texts = t->n_texts;
    size_t head = t->n_head_rows, classes = mlm ? config->vocab_size : config->n_labels;
    size_t widest = larger(wide, 3 * hidden), ld = tb_input_half_stride(larger(rows, head));
    size_t steps = larger(rows, head), panels = panels_bytes(k, larger(wide, hidden), steps);
    if (half)
        panels = larger(panels, (larger(wide, hidden) + k->bf16_nr - 1) / k->bf16_nr * k->bf16_panel_bytes(steps));
    t->input.lda = tb_round_up(larger(wide, hidden), 64) | 64;
    plan_scratch(t);
    const struct array arrays[] = {
        {(void **)&t->embedded, rows * hidden, sizeof(float)},
        {(void **)&t->last, rows * hidden, sizeof(float)},
        {(void **)&t->head_in, head * hidden, sizeof(float)},
        {(void **)&t->head_pre, head * hidden, sizeof(float)},
        {(void **)&t->head_out, head * hidden, sizeof(float)},
        {(void **)&t->head_dropped, head * hidden, sizeof(float)},
        {(void **)&t->logits, head * classes, sizeof(float)},
        {(void **)&t->dlogits, head * classes, sizeof(float)},
        {(void **)&t->dx, rows * hidden, sizeof(float)},
        {(void **)&t->dx1, rows * hidden, sizeof(float)},
        {(void **)&t->dsum1, rows * hidden, sizeof(float)},
        {(void **)&t->dsum2, rows * hidden, sizeof(float)},
        {(void **)&t->dout1, rows * hidden, sizeof(float)},
        {(void **)&t->dout2, rows * hidden, sizeof(float)},
        {(void **)&t->dcontext, rows * hidden, sizeof(float)},
        {(void **)&t->xhat1, rows * hidden, sizeof(float)},
        {(void **)&t->xhat2, rows * hidden, sizeof(float)},
        {(void **)&t->dqkv, rows * 3 * hidden, sizeof(float)},
        {(void **)&t->dpre, rows * wide, sizeof(float)},
        {(void **)&t->wide, rows * wide, sizeof(float)},
        {(void **)&t->turned, larger(widest, classes) * ld, sizeof(float)},
        {(void **)&t->turned_half, half ? larger(widest, classes) * ld : 0, sizeof(uint16_t)},
        {(void **)&t->rounded, steps * larger(wide, hidden), sizeof(float)},
        {(void **)&t->input_panels, panels, 1},
        {(void **)&t->input.a, steps * t->input.lda, 1},
        {(void **)&t->input.row_scale, steps, sizeof(float)},
        {(void **)&t->input.half, half ? steps * tb_input_half_stride(larger(wide, hidden)) : 0, sizeof(uint16_t)},
        {(void **)&t->cls_seqlens, texts + 1, sizeof(size_t)},
        {(void **)&t->cu_seqlens, texts + 1, sizeof(size_t)},
        {(void **)&t->seen, rows, sizeof(int32_t)},
        {(void **)&t->attention_losses, texts * config->num_attention_heads, sizeof(double)},
        {(void **)&t->scratch, (size_t)tb_pool_threads(t->options.pool), t->at.bytes},
    };
    TB_TRY(tb_arena_create((size_t)4 << 20, &t->memory, err));
    TB_TRY(allocate(t, arrays, sizeof arrays / sizeof arrays[0], err));
    for (size_t i = 0; i <= texts; i++)
        t->cls_seqlens[i] = i;
    return allocate_layers(t, err);
}

void tb_train_release(tb_trainee *t)
{
    tb_arena_free(t->memory);
    t->memory = NULL;
    t->n_tokens = t->n_texts = t->max_seqlen = t->n_head_rows = 0;
}

timbang_status tb_train_reserve(tb_trainee *t, size_t n_tokens, size_t n_texts, size_t max_seqlen, size_t n_head_rows,
                                tb_error *err)
{
    if (n_tokens <= t->n_tokens && n_texts <= t->n_texts && max_seqlen <= t->max_seqlen &&
        n_head_rows <= t->n_head_rows)
        return TIMBANG_OK;
    n_tokens = larger(n_tokens, t->n_tokens);
    n_texts = larger(n_texts, t->n_texts);
    max_seqlen = larger(max_seqlen, t->max_seqlen);
    n_head_rows = larger(n_head_rows, t->n_head_rows);
    tb_train_release(t);
    t->n_tokens = n_tokens;
    t->n_texts = n_texts;
    t->max_seqlen = max_seqlen;
    t->n_head_rows = n_head_rows;
    if (allocate_all(t, err) != TIMBANG_OK) {
        tb_train_release(t);
        return err->status;
    }
    return TIMBANG_OK;
}
