/* Scratch memory of a pass: sized once for the largest batch, then reused. Includes: model/parts.h.
 * Called by: encoder.c, run.c, eval, study, api. */
#include "model/parts.h"

#include <stdlib.h>
#include <string.h>

/* Tokens of several texts together, a thread and at least: enough rows to use every weight well while it is near, few
 * enough that a layer's activations stay in the caches. */
enum { TOKENS_TOGETHER = 256, LEAST_TOGETHER = 512 };

timbang_status tb_workspace_create(tb_pool *pool, tb_workspace **workspace, tb_error *err)
{
    tb_workspace *made = tb_calloc(1, sizeof *made, err);
    if (!made)
        return err->status;
    made->pool = pool;
    *workspace = made;
    return TIMBANG_OK;
}

static void release(tb_workspace *ws)
{
    tb_pool *pool = ws->pool;
    tb_arena_free(ws->arena);
    memset(ws, 0, sizeof *ws);
    ws->pool = pool;
}

void tb_workspace_free(tb_workspace *workspace)
{
    if (!workspace)
        return;
    release(workspace);
    free(workspace);
}

static size_t largest_panel(const tb_classifier *model)
{
    size_t most = 0;
    for (size_t i = 0; i < model->config.num_hidden_layers; i++) {
        const tb_layer *layer = &model->layers[i];
        const tb_linear *all[] = {&layer->qkv[0],           &layer->qkv[1],       &layer->qkv[2],
                                  &layer->attention_output, &layer->intermediate, &layer->output};
        for (size_t j = 0; j < sizeof all / sizeof all[0]; j++) {
            size_t need = tb_linear_scratch(all[j], model->kernels);
            most = need > most ? need : most;
        }
    }
    return most;
}

size_t tb_workspace_tokens_together(const tb_workspace *ws)
{
    size_t tokens = TOKENS_TOGETHER * (size_t)tb_pool_threads(ws->pool);
    return tokens > LEAST_TOGETHER ? tokens : LEAST_TOGETHER;
}

/* Rounds up to whole cache lines and moves the end of the scratch on. */
static size_t place(size_t *end, size_t bytes)
{
    size_t at = *end;
    *end += tb_round_up(bytes, TB_ALIGN);
    return at;
}

/* A thread's scratch is, never two of them at once: packed keys, packed values and a block of scores; an unpacked panel
 * and then a block of rows on its way through a layer; two rows of embeddings (in the place of `wide`). */
static void plan_scratch(tb_workspace *ws, size_t widest)
{
    const tb_kernels *k = ws->kernels;
    size_t seqlen = ws->max_seqlen, panels_keys = (seqlen + k->f32_nr - 1) / k->f32_nr;
    size_t panels_values = (ws->head_dim + k->f32_nr - 1) / k->f32_nr, attention = 0, rows = 0;
    size_t two_rows = 2 * tb_round_up(ws->hidden * sizeof(float), TB_ALIGN);
    ws->scratch_keys = place(&attention, panels_keys * k->f32_panel_bytes(ws->head_dim));
    ws->scratch_values = place(&attention, panels_values * k->f32_panel_bytes(seqlen));
    ws->scratch_scores = place(&attention, TB_QUERY_BLOCK * tb_round_up(seqlen, 16) * sizeof(float));

    size_t wide = TB_ROW_BLOCK * ws->intermediate * sizeof(float);
    place(&rows, ws->scratch_linear);
    ws->scratch_input = place(&rows, TB_ROW_BLOCK * ws->input.lda);
    ws->scratch_row_scale = place(&rows, TB_ROW_BLOCK * sizeof(float));
    ws->scratch_fake = place(&rows, ws->fake_inputs ? TB_ROW_BLOCK * widest * sizeof(float) : 0);
    ws->scratch_half =
        place(&rows, ws->half_inputs ? TB_ROW_BLOCK * tb_input_half_stride(widest) * sizeof(uint16_t) : 0);
    ws->scratch_y = place(&rows, TB_ROW_BLOCK * ws->hidden * sizeof(float));
    ws->scratch_wide = place(&rows, wide > two_rows ? wide : two_rows);
    ws->scratch_bytes = tb_round_up(attention > rows ? attention : rows, 4096);
}

/* One array of the workspace: where its pointer goes, and its size. */
struct array {
    void **to;
    size_t count, size;
};

static timbang_status allocate(tb_workspace *ws, const struct array *arrays, size_t n, tb_error *err)
{
    size_t total = 0, bytes;
    for (size_t i = 0; i < n; i++)
        if (!tb_mul_size(arrays[i].count, arrays[i].size, &bytes) ||
            !tb_add_size(total, tb_round_up(bytes, TB_ALIGN), &total))
            return tb_no_memory(err, SIZE_MAX);
    TB_TRY(tb_arena_create(total, &ws->arena, err));
    for (size_t i = 0; i < n; i++)
        if (arrays[i].count && !(*arrays[i].to = tb_arena_alloc(ws->arena, arrays[i].count, arrays[i].size, err)))
            return err->status;
    return TIMBANG_OK;
}

static timbang_status allocate_all(tb_workspace *ws, tb_error *err)
{
    size_t hidden = ws->hidden, tokens = ws->n_tokens, texts = ws->n_texts;
    size_t rows = tokens > texts ? tokens : texts, widest = ws->intermediate > hidden ? ws->intermediate : hidden;
    ws->input.lda = tb_round_up(widest, 64) | 64; /* an odd number of cache lines: rows do not fall on the same sets */
    plan_scratch(ws, widest);
    const struct array arrays[] = {
        {(void **)&ws->x, rows * hidden, sizeof(float)},
        {(void **)&ws->y, rows * hidden, sizeof(float)},
        {(void **)&ws->qkv, rows * 3 * hidden, sizeof(float)},
        {(void **)&ws->context, rows * hidden, sizeof(float)},
        {(void **)&ws->wide, rows * ws->intermediate, sizeof(float)},
        {(void **)&ws->cls, texts * hidden, sizeof(float)},
        {(void **)&ws->cls_context, texts * hidden, sizeof(float)},
        {(void **)&ws->cls_q, texts * hidden, sizeof(float)},
        {(void **)&ws->input.a, rows * ws->input.lda, 1},
        {(void **)&ws->input.row_scale, rows, sizeof(float)},
        {(void **)&ws->input.fake, ws->fake_inputs ? rows * widest : 0, sizeof(float)},
        {(void **)&ws->input.half, ws->half_inputs ? rows * tb_input_half_stride(widest) : 0, sizeof(uint16_t)},
        {(void **)&ws->scratch, (size_t)tb_pool_threads(ws->pool), ws->scratch_bytes},
        {(void **)&ws->cls_seqlens, texts + 1, sizeof(size_t)},
        {(void **)&ws->cu_seqlens, texts + 1, sizeof(size_t)},
    };
    TB_TRY(allocate(ws, arrays, sizeof arrays / sizeof arrays[0], err));
    for (size_t i = 0; i <= texts; i++)
        ws->cls_seqlens[i] = i;
    return TIMBANG_OK;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

timbang_status tb_workspace_reserve(tb_workspace *ws, const tb_classifier *model, size_t n_tokens, size_t n_texts,
                                    size_t max_seqlen, tb_error *err)
{
    const tb_config *config = &model->config;
    size_t head_dim = config->hidden_size / config->num_attention_heads, panel = largest_panel(model);
    size_t part = larger(tb_workspace_tokens_together(ws), max_seqlen);
    n_tokens = n_tokens < part ? n_tokens : part;
    n_texts = n_texts < part ? n_texts : part; /* no text is without a token */
    bool fits = ws->kernels == model->kernels && n_tokens <= ws->n_tokens && n_texts <= ws->n_texts &&
                max_seqlen <= ws->max_seqlen && config->hidden_size == ws->hidden && head_dim == ws->head_dim &&
                config->intermediate_size == ws->intermediate && panel <= ws->scratch_linear &&
                (!model->fake_inputs || ws->fake_inputs) && (!model->half_inputs || ws->half_inputs);
    if (fits)
        return TIMBANG_OK;
    tb_workspace old = *ws;
    release(ws);
    ws->kernels = model->kernels;
    ws->n_tokens = larger(n_tokens, old.n_tokens);
    ws->n_texts = larger(n_texts, old.n_texts);
    ws->max_seqlen = larger(max_seqlen, old.max_seqlen);
    ws->hidden = config->hidden_size;
    ws->intermediate = config->intermediate_size;
    ws->head_dim = head_dim;
    ws->scratch_linear = larger(panel, old.scratch_linear);
    ws->fake_inputs = model->fake_inputs || old.fake_inputs;
    ws->half_inputs = model->half_inputs || old.half_inputs;
    if (allocate_all(ws, err) != TIMBANG_OK) {
        release(ws);
        return err->status;
    }
    return TIMBANG_OK;
}
