/* Inside of a trainee: its layers, what a pass keeps for the way back, and the stages of a pass. Private to src/model.
 *
 * A pass goes through a batch in parts of at most TB_TRAIN_TOKENS tokens (one text may have more): forward through all
 * layers, then back. The parts do not depend on the number of threads, and every gradient of a matrix is one chain over
 * the tokens, which goes on from part to part: one bit for bit equal sum, wherever the parts end.
 *
 * Names: x is what a layer reads, [rows][hidden]; sum1 and sum2 what goes into its two LayerNorms; x1 what comes out of
 * the first; pre what goes into the activation, [rows][intermediate]. d... is the derivative of the loss by it.
 * Includes: model/parts.h, model/trainee.h. Called by: trainee.c, train_*.c. */
#ifndef TB_MODEL_TRAIN_PARTS_H
#define TB_MODEL_TRAIN_PARTS_H

#include "model/parts.h"
#include "model/trainee.h"

#include <stdatomic.h>

enum {
    TB_TRAIN_TOKENS = 512,   /* of a part */
    TB_TRAIN_BLOCK = 96,     /* rows that one thread takes through a layer at a time */
    TB_TRAIN_HEAD_ROWS = 16, /* rows of the head that one thread takes back at a time */
};

/* A linear layer in training: the packed one that goes forward, and panels of the same (rounded) weights with rows
 * summed, for the way back. */
typedef struct tb_trained_linear {
    tb_linear *packed;
    size_t n_parts;            /* 3: query, key and value */
    size_t weight[3], bias[3]; /* parameters */
    size_t in, out;
    uint8_t *back; /* panels: bfloat16 with tb_train_half, else float */
    size_t back_nr, back_panel_bytes;
} tb_trained_linear;

typedef struct tb_trained_norm {
    tb_norm *norm;
    size_t gamma, beta; /* parameters */
} tb_trained_norm;

typedef struct tb_trained_layer {
    tb_trained_linear qkv, attention_output, intermediate, output;
    tb_trained_norm attention_norm, output_norm;
    /* kept on the way forward; rows of the part, or its texts once only [CLS] is left */
    float *x, *qkv_out, *context, *sum1, *x1, *pre, *sum2;
} tb_trained_layer;

/* Where a thread's own memory lies in its scratch, as offsets in bytes. */
typedef struct tb_train_scratch {
    size_t bytes;                                                                            /* of a thread, in all */
    size_t panel, input, row_scale, half, wide;                                              /* blocks of rows */
    size_t keys, values, mixed, queries, scores, scores_dropped, scores_grad, scores_turned; /* attention */
} tb_train_scratch;

struct tb_trainee {
    tb_trainee_options options; /* folder and labels are not kept */
    tb_parameters *parameters;
    tb_classifier *model; /* packed from the masters */
    tb_trained_layer *layers;
    tb_trained_norm embedding_norm;
    tb_trained_linear pooler, classifier; /* TB_TASK_CLASSIFY */
    tb_trained_linear transform, decoder; /* TB_TASK_MLM; the decoder's weight is the word embeddings' */
    tb_linear transform_packed, decoder_packed;
    tb_norm transform_norm_values;
    tb_trained_norm transform_norm;
    size_t word, position, type; /* parameters */
    bool rows_stale;             /* rows of the rounded word table are those of an earlier refresh */
    tb_arena *panels;            /* of the way back */
    float *expanded;             /* a linear's weights as floats, [largest out * in] */
    /* memory of a pass, for parts of up to n_tokens tokens */
    size_t n_tokens, n_texts, max_seqlen, n_head_rows;
    tb_arena *memory;
    float *embedded;                                     /* [n_tokens][hidden] before LayerNorm */
    float *last;                                         /* [n_tokens][hidden] output of the last layer */
    float *head_in, *head_pre, *head_out, *head_dropped; /* [n_head_rows][hidden]; MLM: n_head_rows masked words */
    float *logits, *dlogits;                             /* [n_head_rows][n_classes] */
    float *dx, *dx1, *dsum1, *dsum2, *dout1, *dout2;     /* [n_tokens][hidden] */
    float *dcontext;                                     /* [n_tokens][hidden] */
    float *xhat1, *xhat2;                                /* [n_tokens][hidden] normalized, not scaled */
    float *dqkv;                                         /* [n_tokens][3 * hidden] */
    float *dpre, *wide;                                  /* [n_tokens][intermediate] */
    float *turned; /* [largest out][ld] derivative by a linear's output, transposed */
    uint16_t *turned_half;
    float *rounded; /* [n_tokens][largest in] a linear's input as the product saw it */
    uint8_t *input_panels;
    tb_input input; /* of a whole part: a, row_scale, half */
    size_t *cls_seqlens, *cu_seqlens;
    uint8_t *scratch;
    tb_train_scratch at;
    int32_t *seen;            /* [n_tokens] word ids of a part */
    double *attention_losses; /* [n_texts * heads] of a layer */
};

/* A pass at work. */
struct train_pass {
    tb_trainee *t;
    const tb_kernels *kernels;
    const tb_train_pass *job;
    tb_batch part;                  /* tokens and texts of the part at hand */
    size_t first_text, first_token; /* of the part in the batch */
    bool continues;                 /* gradients go on */
    bool back;                      /* a way back follows: dropout, and everything is kept */
    bool whole_last;                /* every row of the last layer is computed */
    size_t rows;                    /* of the matrix at hand */
    const size_t *seqlens;          /* of the texts in it */
    /* arguments of the stage */
    size_t layer;
    size_t blocks;
    bool by_text;
    bool cls_only; /* what follows attention has one row a text */
    const struct train_gradients *gradients;
    const struct head_product *head;
    float *probabilities; /* of the part's texts, one after the other: [heads][length][length] each */
    _Atomic size_t next;
};

static inline uint8_t *tb_train_scratch_of(const struct train_pass *p, int thread)
{
    return p->t->scratch + (size_t)thread * p->t->at.bytes;
}

static inline void tb_train_stage(struct train_pass *p, tb_pool_fn stage)
{
    atomic_store(&p->next, 0);
    tb_pool_run(p->t->options.pool, stage, p);
}

static inline bool tb_train_next(struct train_pass *p, size_t n, size_t *i)
{
    *i = atomic_fetch_add(&p->next, 1);
    return *i < n;
}

/* Of the part, in the step: what dropout counts by. [CLS] rows count by their texts, which are fewer than tokens. */
static inline uint64_t tb_train_first_token(const struct train_pass *p)
{
    return p->job->first_token + p->first_token;
}
static inline uint64_t tb_train_first_row(const struct train_pass *p)
{
    return p->cls_only ? p->job->first_text + p->first_text : tb_train_first_token(p);
}

/* Whether float products go through bfloat16; the way back does also where the way forward is an integer product. */
static inline bool tb_train_half(const tb_trainee *t)
{
    return t->options.compute == TB_COMPUTE_BF16;
}

static inline float *tb_gradient(const tb_trainee *t, size_t parameter)
{
    return t->parameters->gradients + t->parameters->items[parameter].begin;
}

/* train_refresh.c: what the model knows of its layers; and the tables that are masters, which it does not own. */
void tb_train_note_linears(tb_trainee *t);
void tb_train_return_tables(tb_trainee *t);

/* train_memory.c: room for parts of these sizes. */
timbang_status tb_train_reserve(tb_trainee *t, size_t n_tokens, size_t n_texts, size_t max_seqlen, size_t n_head_rows,
                                tb_error *err);
void tb_train_release(tb_trainee *t);

/* train_pass.c: a batch and its parts. */
timbang_status tb_train_check_batch(const tb_trainee *t, const tb_batch *batch, tb_error *err);
timbang_status tb_train_reserve_for(tb_trainee *t, const tb_train_pass *job, tb_error *err);
size_t tb_train_texts_together(const tb_batch *batch, size_t first); /* from `first` on, in one part */
void tb_train_take_part(struct train_pass *p, size_t first, size_t n);

/* train_forward.c: the stage in blocks of p->rows, or text by text where layers quantize so. */
void tb_train_run_blocks(struct train_pass *p, tb_pool_fn stage);
void tb_train_gather_cls(const struct train_pass *p, const float *from, float *to);

/* train_dropout.c: places where values fall out. */
typedef enum tb_dropout_site {
    TB_SITE_EMBEDDINGS,
    TB_SITE_CLASSIFIER,
    TB_SITE_PROBABILITIES, /* and the two after it: once for each layer */
    TB_SITE_ATTENTION,
    TB_SITE_OUTPUT
} tb_dropout_site;
/* False: nothing falls out there. */
bool tb_train_dropout(const struct train_pass *p, tb_dropout_site site, size_t layer, tb_dropout *dropout);
/* x[rows][n], where row i is row first + i of the step; in place. */
void tb_train_drop_rows(const struct train_pass *p, const tb_dropout *dropout, size_t first, size_t rows, size_t n,
                        float *x);

/* train_forward.c, train_attention.c, train_backward.c, train_embed.c, train_gradients.c, train_head.c */
timbang_status tb_train_embed(struct train_pass *p, tb_error *err);
void tb_train_forward(struct train_pass *p);
void tb_train_layer_forward(struct train_pass *p, size_t layer); /* one layer: from its x to the next one's */
void tb_train_begin_forward(struct train_pass *p);
void tb_train_attention(struct train_pass *p); /* of p->layer */
void tb_train_attention_back(struct train_pass *p, double *loss);
void tb_train_probabilities(struct train_pass *p, size_t layer, float *probabilities);
void tb_train_backward(struct train_pass *p, double *loss);
void tb_train_embed_back(struct train_pass *p);
/* Head of the part: logits, loss, and (back) the derivative by the encoder's output in t->dx. */
void tb_train_head(struct train_pass *p, double *loss);
/* How many masked tokens lie at [begin, end) of the batch; *first: the number of the first of them. */
size_t tb_train_masked(const tb_train_pass *job, size_t begin, size_t end, size_t *first);

/* The gradient of a linear's weight and bias from its input x [rows][in] (rounded as the product saw it, or as it is)
 * and the derivative dy [rows][out] by its output. */
void tb_train_linear_gradients(struct train_pass *p, const tb_trained_linear *linear, const float *x, const float *dy,
                               size_t rows);
/* x [rows][in] as the product sees it: rounded, or x itself. Rounded rows lie in t->rounded. */
const float *tb_train_seen_inputs(struct train_pass *p, const tb_trained_linear *linear, const float *x, size_t rows);
/* gamma, beta from the normalized values and the derivative dy by the output. */
void tb_train_norm_gradients(struct train_pass *p, const tb_trained_norm *norm, const float *xhat, const float *dy,
                             size_t rows);
/* dx[m][in] = dy[m][out] · weights (+ residual); half: scratch for m rows. */
void tb_train_linear_back(const struct train_pass *p, const tb_trained_linear *linear, const float *dy, size_t m,
                          float *dx, const float *residual, uint16_t *half);

#endif
