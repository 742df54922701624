/* Attention, fused per (text, head): scores, softmax and the mix of the values, queries in blocks.
 * Includes: model/pass.h. Called by: columns.c, rows.c. */
#include "model/pass.h"

#include <math.h>

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
    size_t ldq = ld;
    if (p->cls_q) {
        q = p->cls_q + text * hidden + head * d;
        ldq = hidden;
    }
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
        tb_gemm_f32 score = {.a = q + at * ldq,
                             .lda = ldq,
                             .panels = keys,
                             .m = m,
                             .n = length,
                             .k = d,
                             .out = scores,
                             .ldo = ld_scores};
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
        attend(p, i / heads, i % heads, tb_pass_scratch(p, thread));
    }
}

void tb_pass_attention(struct pass *p, bool cls_only)
{
    p->cls_only = cls_only;
    tb_pass_run(p, stage_attention);
}
