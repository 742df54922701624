/* Inside the classifier: its layers and its scratch memory. Private to src/model.
 * Includes: model/linear.h, model/embedding.h, model/classifier.h. Called by: load.c, encoder.c, classifier.c. */
#ifndef TB_MODEL_PARTS_H
#define TB_MODEL_PARTS_H

#include "model/classifier.h"
#include "model/embedding.h"
#include "model/linear.h"

typedef struct tb_norm {
    float *gamma, *beta; /* [hidden] */
} tb_norm;

typedef struct tb_layer {
    tb_linear qkv[3]; /* one fused product of 3 * hidden columns, or three where their schemes differ */
    size_t n_qkv;
    tb_linear attention_output;
    tb_norm attention_norm;
    tb_linear intermediate;
    tb_linear output;
    tb_norm output_norm;
} tb_layer;

struct tb_classifier {
    tb_config config;
    tb_tokenizer *tokenizer;
    const tb_kernels *kernels;
    tb_embedding word, position, type;
    tb_norm embedding_norm;
    tb_layer *layers; /* [config.num_hidden_layers] */
    tb_linear pooler, classifier;
    tb_arena *packed; /* every layer's panels, one after the other in the order of a pass */
    bool untrained_head;
    bool whole_last_layer; /* a layer quantizes its input over the whole text: every row of the last layer is needed */
    bool fake_inputs;      /* some layer wants rounded floats */
    bool half_inputs;      /* some layer wants bfloat16 */
    tb_compute compute;
    char scheme[32];
    uint64_t parameters, resident_bytes, file_bytes;
};

/* Arrays of a pass, each 64-byte aligned; sizes are those of the last tb_workspace_reserve. A batch goes through in
 * parts of up to tb_workspace_tokens_together tokens (one text may have more), and the arrays hold one part. */
struct tb_workspace {
    tb_pool *pool;                        /* borrowed; NULL: one thread */
    size_t n_tokens, n_texts, max_seqlen; /* reserved, of a part */
    size_t hidden, intermediate, head_dim, scratch_linear;
    const tb_kernels *kernels;
    bool fake_inputs, half_inputs;
    tb_arena *arena;                  /* what the arrays lie in */
    float *x, *y;                     /* [n_tokens][hidden] residual stream, and the sums before LayerNorm */
    float *qkv;                       /* [n_tokens][3 * hidden] */
    float *context;                   /* [n_tokens][hidden] */
    float *wide;                      /* [n_tokens][intermediate] */
    float *cls, *cls_context, *cls_q; /* [n_texts][hidden] */
    tb_input input;                   /* a [n_tokens][lda], row_scale, fake, half */
    uint8_t *scratch;                 /* [threads][scratch_bytes] */
    size_t scratch_bytes;             /* of a thread; what it holds is one of: */
    size_t scratch_keys, scratch_values, scratch_scores; /* attention: offsets */
    size_t scratch_input, scratch_row_scale, scratch_fake, scratch_half, scratch_y, scratch_wide; /* a block of rows,
                                                                                                     after a panel */
    size_t *cls_seqlens; /* [n_texts + 1]: 0, 1, 2, ... */
    size_t *cu_seqlens;  /* [n_texts + 1] of the part at hand */
};

enum {
    TB_QUERY_BLOCK = 64, /* rows of attention scores at a time */
    TB_ROW_BLOCK = 96,   /* most rows that one thread takes through a layer at a time */
};

/* Tokens of several texts that go through the encoder together. */
size_t tb_workspace_tokens_together(const tb_workspace *workspace);

#endif
