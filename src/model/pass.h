/* A pass at work: what its stages share. Private to src/model.
 * A stage runs on all threads of the pool and ends at a barrier. Threads split rows, columns or (text, head) pairs,
 * never a sum, so neither the number of threads nor the way of splitting changes a bit.
 * Includes: model/parts.h. Called by: encoder.c, attention.c, columns.c, rows.c. */
#ifndef TB_MODEL_PASS_H
#define TB_MODEL_PASS_H

#include "model/parts.h"

#include <stdatomic.h>

struct pass {
    const tb_classifier *model;
    const tb_kernels *kernels;
    tb_workspace *ws;
    const tb_batch *batch;
    const size_t *seqlens; /* rows of text t: seqlens[t] .. seqlens[t + 1] in the matrix at hand */
    size_t rows;           /* rows of the matrix at hand: n_tokens, or n_texts once only [CLS] is left */
    /* arguments of the stage */
    const tb_layer *layer, *next_layer; /* next_layer: NULL before the embeddings' or after the last one */
    const tb_linear *linear;
    size_t first_column, columns; /* of linear */
    const tb_norm *norm;
    tb_act_kind act; /* which form the stage's result is wanted in next */
    const float *from;
    float *to;
    size_t k, ldo;
    tb_activation activation;
    const float *residual;
    bool cls_only;      /* attention: only the first query of each text */
    const float *cls_q; /* [n_texts][hidden], or NULL: all queries lie in qkv */
    size_t blocks;      /* rows.c: pieces of the rows */
    _Atomic size_t next;
};

static inline uint8_t *tb_pass_scratch(const struct pass *p, int thread)
{
    return p->ws->scratch + (size_t)thread * p->ws->scratch_bytes;
}

static inline void tb_pass_run(struct pass *p, tb_pool_fn stage)
{
    atomic_store(&p->next, 0);
    tb_pool_run(p->ws->pool, stage, p);
}

/* y[token] = word + type + position, not yet normalized, for tokens [begin, end). scratch: two rows. */
void tb_pass_embed(const struct pass *p, size_t begin, size_t end, uint8_t *scratch, float *y);
/* softmax(Q Kᵀ / sqrt(d)) V of every text and head, from qkv into context (cls_only: cls_context). */
void tb_pass_attention(struct pass *p, bool cls_only);
/* to[text] = from[first token of the text] */
void tb_pass_gather_cls(const struct pass *p, const float *from, float *to);
/* From now on the matrix has one row a text. */
void tb_pass_keep_cls(struct pass *p);

/* columns.c: one stage a step, threads split the columns of every product. */
float *tb_columns_embed(struct pass *p);
/* x has been prepared for qkv[0]; the result is the new x, prepared for `next`. */
float *tb_columns_layer(struct pass *p, const tb_layer *layer, float *x, bool last, tb_act_kind next);
/* What follows attention in a layer, from `context` and the residual x. */
float *tb_columns_after_attention(struct pass *p, const tb_layer *layer, const float *context, float *x,
                                  tb_act_kind next);
/* The queries of the rows in x alone, out [rows][hidden]. */
void tb_columns_queries(struct pass *p, const tb_layer *layer, const float *x, float *out);
void tb_columns_classify(struct pass *p, float *x, float *logits);

/* rows.c: the whole encoder, threads split the rows. Leaves one row a text and returns it. */
float *tb_rows_encode(struct pass *p);
/* Whether this batch is better split by rows. */
bool tb_rows_suit(const struct pass *p);

#endif
