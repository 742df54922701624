/* A classifier in training: float masters, the packed layers that passes run on, and the pass that goes forward and
 * back. What evaluation runs during training is the inference code on these packed layers, so its logits are those of
 * the saved and reloaded model, bit by bit; the forward half of a training pass without dropout gives the same logits.
 * Includes: model/classifier.h, model/parameters.h. Called by: train. */
#ifndef TB_MODEL_TRAINEE_H
#define TB_MODEL_TRAINEE_H

#include "model/classifier.h"
#include "model/parameters.h"

/* How a pass sees the masters: rounds `rows` rows of parameter i (all of a linear's; some of an embedding's, from
 * anywhere, as w [rows][columns]) as the saved model will have them. Sets kind, act, group and arrays of *out, which
 * starts as floats without values: the masters as they are, as biases, LayerNorms and tables may stay. A table is never
 * F32 with values. Kinds must not change from one refresh to the next; query, key and value have the same. On failure
 * *out is left empty. */
typedef timbang_status tb_round_fn(void *user, const tb_parameters *parameters, size_t i, const float *w, size_t rows,
                                   tb_weight *out, tb_error *err);

typedef struct tb_trainee_options {
    const tb_folder *folder;   /* a float model: config, tokenizer, weights */
    const char *const *labels; /* of the classifier; NULL: the file's. A base model needs them, unless for MLM */
    size_t n_labels;
    uint64_t seed; /* of a new head */
    tb_task task;
    const char *scheme; /* name of what `round` makes; NULL: "fp32" */
    tb_round_fn *round; /* NULL: the floats as they are */
    void *round_user;
    tb_compute compute; /* of float products, forward and back; where `round` makes integers: back alone */
    const tb_kernels *kernels;
    tb_pool *pool;
    const tb_hooks *hooks;
} tb_trainee_options;

typedef struct tb_trainee tb_trainee;
/* Refuses a quantized source. Refreshed when made. */
timbang_status tb_trainee_create(const tb_trainee_options *options, tb_trainee **trainee, tb_error *err);
void tb_trainee_free(tb_trainee *trainee);
tb_parameters *tb_trainee_parameters(tb_trainee *trainee);
const tb_config *tb_trainee_config(const tb_trainee *trainee);
const tb_tokenizer *tb_trainee_tokenizer(const tb_trainee *trainee);
/* Rounds and packs the masters anew: after their values changed, before the next pass. After a failure only another
 * refresh makes the trainee whole. */
timbang_status tb_trainee_refresh(tb_trainee *trainee, tb_error *err);
/* The model of the last refresh, for tb_classifier_run. Borrowed; changes with the next refresh. Not for MLM. */
timbang_status tb_trainee_classifier(tb_trainee *trainee, const tb_classifier **model, tb_error *err);

/* The loss of texts [first, first + n) of the batch (MLM: of masked tokens): adds to *loss, and writes
 * dlogits [n][n_classes], the derivative by logits [n][n_classes]. They may be the same memory. */
typedef void tb_loss_fn(void *user, size_t first, size_t n, const float *logits, float *dlogits, double *loss);
/* Adds to dx [n_tokens][hidden] what the loss gains by the hidden states x of tokens [first, first + n_tokens) of the
 * batch, and to *loss; layer 0 is the embeddings' output, layer i the output of encoder layer i - 1. Not called for
 * layers that lie below all that learns. */
typedef void tb_hidden_loss_fn(void *user, size_t layer, size_t first, size_t n_tokens, const float *x, float *dx,
                               double *loss);
/* Queries [first, first + m) of one head of one text: where they look, and what the loss gains by it. */
typedef struct tb_attention_block {
    size_t layer, text, head; /* text: of the batch; layer: from 0 */
    size_t first, m, length;  /* length: tokens of the text */
    const float *p;           /* [m][ld], of which [m][length] are probabilities, before dropout */
    float *dp;                /* [m][ld], to be added to */
    size_t ld;
} tb_attention_block;
/* Adds to block->dp and to *loss. Called by several threads at once, each for its own heads; sums over heads have a
 * fixed order. Not called for layers that learn nothing. */
typedef void tb_attention_loss_fn(void *user, const tb_attention_block *block, double *loss);

typedef struct tb_train_pass {
    const tb_batch *batch;
    tb_loss_fn *loss;
    tb_hidden_loss_fn *hidden_loss;       /* NULL: none. With it every row of the last layer is computed */
    tb_attention_loss_fn *attention_loss; /* NULL: none; likewise */
    void *user;
    /* MLM: tokens whose logits are wanted, ascending places in the batch. There may be none */
    const size_t *masked;
    size_t n_masked;
    /* Probabilities of dropout; 0: none. Which values fall out depends on seed, step and a value's place in the step
     * alone. */
    double hidden_dropout, attention_dropout, classifier_dropout;
    uint64_t seed, step;
    size_t first_token, first_text; /* of this batch in the step, where a step has several */
    /* Gradients go on from the batches before, to the bits of one long batch: but for BF16, whose sums are cut where
     * batches and parts are, and for the tied table of MLM, which takes part by part what words predict and what they
     * are looked up for. */
    bool continues;
    float *logits; /* [n_texts][n_labels] (MLM: NULL), or NULL */
} tb_train_pass;

/* Forward and back over one batch: gradients in parameters->gradients, the loss added to *loss. A logit that is not
 * finite is TIMBANG_DATA naming the first layer whose output is not. Nothing is allocated but at a larger batch. */
timbang_status tb_trainee_pass(tb_trainee *trainee, const tb_train_pass *pass, double *loss, tb_error *err);
/* What a forward pass shows; NULL: not wanted. */
typedef struct tb_trainee_states {
    float *logits;    /* [n_texts][n_labels] */
    float *hidden;    /* [n_layers + 1][n_tokens][hidden], layers counted as for tb_hidden_loss_fn */
    float *attention; /* probabilities of one layer, text after text: [heads][length][length] each */
    size_t attention_layer;
} tb_trainee_states;
/* Values of tb_trainee_states.attention; lengths are at most 2^20, heads 2^16. */
size_t tb_attention_values(const tb_config *config, const tb_batch *batch);
/* Forward alone, as the pass computes it, without dropout or gradients. For teachers and tests; not for MLM. */
timbang_status tb_trainee_forward(tb_trainee *trainee, const tb_batch *batch, const tb_trainee_states *wanted,
                                  tb_error *err);

/* ---- Layer by layer, for calibration ---- */

typedef enum tb_layer_linear {
    TB_LINEAR_QKV, /* query, key and value: one input */
    TB_LINEAR_ATTENTION_OUTPUT,
    TB_LINEAR_INTERMEDIATE,
    TB_LINEAR_OUTPUT,
    TB_LAYER_LINEARS
} tb_layer_linear;

/* Inputs [rows][in] of one linear of one layer as its product sees them, part of the batch by part. cls [n_texts]: rows
 * of the [CLS] tokens of these texts. */
typedef void tb_linear_inputs_fn(void *user, const float *x, size_t rows, const size_t *cls, size_t n_texts);

/* Rows that fn sees at once, at most. */
size_t tb_trainee_rows_together(const tb_batch *batch);
/* The embeddings' output, x [n_tokens][hidden]. */
timbang_status tb_trainee_embed(tb_trainee *trainee, const tb_batch *batch, float *x, tb_error *err);
/* One encoder layer forward, every row of it: from x [n_tokens][hidden] to out (may be x; NULL: not wanted). fn (NULL:
 * none) sees the inputs of one of its linears. */
timbang_status tb_trainee_layer(tb_trainee *trainee, const tb_batch *batch, size_t layer, const float *x, float *out,
                                tb_layer_linear which, tb_linear_inputs_fn *fn, void *user, tb_error *err);
/* Rounds and packs one linear anew, after what `round` makes of it changed. */
timbang_status tb_trainee_refresh_linear(tb_trainee *trainee, size_t layer, tb_layer_linear which, tb_error *err);

#endif
