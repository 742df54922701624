/* Scratch memory of a pass: sized once for the largest batch, then reused. Includes: model/parts.h.
 * Called by: encoder.c, run.c, eval, study, api. */
#include "model/parts.h"

#include <stdlib.h>
#include <string.h>

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
    void *const blocks[] = {ws->x,       ws->y,           ws->qkv,     ws->context,         ws->wide,
                            ws->cls,     ws->cls_context, ws->input.a, ws->input.row_scale, ws->input.fake,
                            ws->scratch, ws->cls_seqlens};
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++)
        tb_free_aligned(blocks[i]);
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

/* Per-thread scratch: an unpacked panel, or (never at once) packed keys, packed values and a block of scores. */
static void plan_scratch(tb_workspace *ws)
{
    const tb_kernels *k = ws->kernels;
    size_t seqlen = ws->max_seqlen, panels_keys = (seqlen + k->f32_nr - 1) / k->f32_nr;
    size_t panels_values = (ws->head_dim + k->f32_nr - 1) / k->f32_nr;
    size_t keys = tb_round_up(panels_keys * k->f32_panel_bytes(ws->head_dim), TB_ALIGN);
    size_t values = tb_round_up(panels_values * k->f32_panel_bytes(seqlen), TB_ALIGN);
    size_t scores = TB_QUERY_BLOCK * tb_round_up(seqlen, 16) * sizeof(float);
    size_t embedding = 2 * tb_round_up(ws->hidden * sizeof(float), TB_ALIGN);
    ws->scratch_keys = 0;
    ws->scratch_values = keys;
    ws->scratch_scores = keys + values;
    size_t attention = keys + values + scores, most = ws->scratch_linear;
    most = attention > most ? attention : most;
    ws->scratch_bytes = tb_round_up(embedding > most ? embedding : most, 4096);
}

timbang_status tb_workspace_reserve(tb_workspace *ws, const tb_classifier *model, size_t n_tokens, size_t n_texts,
                                    size_t max_seqlen, tb_error *err)
{
    const tb_config *config = &model->config;
    size_t head_dim = config->hidden_size / config->num_attention_heads, panel = largest_panel(model);
    bool fits = ws->kernels == model->kernels && n_tokens <= ws->n_tokens && n_texts <= ws->n_texts &&
                max_seqlen <= ws->max_seqlen && config->hidden_size == ws->hidden && head_dim == ws->head_dim &&
                config->intermediate_size == ws->intermediate && panel <= ws->scratch_linear &&
                (!model->fake_inputs || ws->fake_inputs);
    if (fits)
        return TIMBANG_OK;
    size_t keep_tokens = ws->n_tokens, keep_texts = ws->n_texts, keep_seqlen = ws->max_seqlen;
    size_t keep_panel = ws->scratch_linear;
    bool keep_fake = ws->fake_inputs;
    release(ws);
    ws->kernels = model->kernels;
    ws->n_tokens = n_tokens > keep_tokens ? n_tokens : keep_tokens;
    ws->n_texts = n_texts > keep_texts ? n_texts : keep_texts;
    ws->max_seqlen = max_seqlen > keep_seqlen ? max_seqlen : keep_seqlen;
    ws->hidden = config->hidden_size;
    ws->intermediate = config->intermediate_size;
    ws->head_dim = head_dim;
    ws->scratch_linear = panel > keep_panel ? panel : keep_panel;
    ws->fake_inputs = model->fake_inputs || keep_fake;
    plan_scratch(ws);
    size_t rows = ws->n_tokens > ws->n_texts ? ws->n_tokens : ws->n_texts, hidden = ws->hidden;
    size_t widest = ws->intermediate > hidden ? ws->intermediate : hidden;
    ws->input.lda = tb_round_up(widest, 64);
    bool ok = (ws->x = tb_alloc_aligned(rows * hidden, sizeof(float), err)) != NULL &&
              (ws->y = tb_alloc_aligned(rows * hidden, sizeof(float), err)) != NULL &&
              (ws->qkv = tb_alloc_aligned(rows * 3 * hidden, sizeof(float), err)) != NULL &&
              (ws->context = tb_alloc_aligned(rows * hidden, sizeof(float), err)) != NULL &&
              (ws->wide = tb_alloc_aligned(rows * ws->intermediate, sizeof(float), err)) != NULL &&
              (ws->cls = tb_alloc_aligned(ws->n_texts * hidden, sizeof(float), err)) != NULL &&
              (ws->cls_context = tb_alloc_aligned(ws->n_texts * hidden, sizeof(float), err)) != NULL &&
              (ws->input.a = tb_alloc_aligned(rows * ws->input.lda, 1, err)) != NULL &&
              (ws->input.row_scale = tb_alloc_aligned(rows, sizeof(float), err)) != NULL &&
              (!ws->fake_inputs || (ws->input.fake = tb_alloc_aligned(rows * widest, sizeof(float), err)) != NULL) &&
              (ws->scratch = tb_alloc_aligned((size_t)tb_pool_threads(ws->pool), ws->scratch_bytes, err)) != NULL &&
              (ws->cls_seqlens = tb_alloc_aligned(ws->n_texts + 1, sizeof(size_t), err)) != NULL;
    if (!ok) {
        release(ws);
        return err->status;
    }
    for (size_t i = 0; i <= ws->n_texts; i++)
        ws->cls_seqlens[i] = i;
    return TIMBANG_OK;
}
