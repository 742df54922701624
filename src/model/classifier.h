/* The BERT classifier: loaded, packed, immutable; and the scratch memory of a pass.
 * Includes: base, kernels, formats, text. Called by: eval, quant, study, api. */
#ifndef TB_MODEL_CLASSIFIER_H
#define TB_MODEL_CLASSIFIER_H

#include "base/pool.h"
#include "formats/weights.h"
#include "model/compute.h"
#include "text/tokenizer.h"

typedef struct tb_classifier tb_classifier;

typedef struct tb_load_options {
    const tb_folder *folder;   /* config, tokenizer, and weights unless weights_path */
    const char *weights_path;  /* a bare file of weights, or NULL */
    const char *const *labels; /* NULL: the file's */
    size_t n_labels;
    const char *const *head_labels; /* of a new head, where labels is NULL and the file has none; else NULL */
    size_t n_head_labels;
    uint64_t seed;      /* of a new head */
    tb_compute compute; /* of layers with float weights and float activations. BF16 for a model whose encoder has no
                           such layer is TIMBANG_USAGE */
    const tb_kernels *kernels;
    tb_pool *pool; /* packing runs on it */
    const tb_hooks *hooks;
} tb_load_options;

timbang_status tb_classifier_load(const tb_load_options *options, tb_classifier **model, tb_error *err);
void tb_classifier_free(tb_classifier *model);

const tb_config *tb_classifier_config(const tb_classifier *model);
const tb_tokenizer *tb_classifier_tokenizer(const tb_classifier *model);
const char *tb_classifier_scheme(const tb_classifier *model);
tb_compute tb_classifier_compute(const tb_classifier *model);
bool tb_classifier_untrained_head(const tb_classifier *model);
uint64_t tb_classifier_resident_bytes(const tb_classifier *model);
uint64_t tb_classifier_parameters(const tb_classifier *model);
uint64_t tb_classifier_file_bytes(const tb_classifier *model);

/* What the linear layers of a pass need: of the last layer only keys and values are needed of every token. */
typedef struct tb_linear_work {
    uint64_t macs;       /* multiplications with their additions */
    uint64_t bytes;      /* of packed weights, each read once */
    tb_weight_kind kind; /* of the first layer's: F32, BF16 (compute), S8 or S4 */
} tb_linear_work;
tb_linear_work tb_classifier_linear_work(const tb_classifier *model, size_t n_texts, size_t n_tokens);

/* A batch without padding: token t of text s is at cu_seqlens[s] <= t < cu_seqlens[s + 1]. */
typedef struct tb_batch {
    size_t n_texts, n_tokens;
    const int32_t *ids, *type_ids; /* [n_tokens] */
    const size_t *cu_seqlens;      /* [n_texts + 1], cu_seqlens[0] = 0 */
} tb_batch;

/* Scratch of a pass, grown to the largest batch seen, then reused: nothing is allocated in a pass. One per thread of
 * the caller. */
typedef struct tb_workspace tb_workspace;
timbang_status tb_workspace_create(tb_pool *pool, tb_workspace **workspace, tb_error *err); /* pool is borrowed */
void tb_workspace_free(tb_workspace *workspace);
/* Makes room for batches of up to n_tokens tokens and n_texts texts, each of up to max_seqlen tokens. */
timbang_status tb_workspace_reserve(tb_workspace *workspace, const tb_classifier *model, size_t n_tokens,
                                    size_t n_texts, size_t max_seqlen, tb_error *err);

/* logits [n_texts][n_labels]. Non-finite logits are TIMBANG_DATA. Every id must be below vocab_size (checked). */
timbang_status tb_classifier_forward(const tb_classifier *model, tb_workspace *workspace, const tb_batch *batch,
                                     float *logits, tb_error *err);

/* Tokenizes and classifies texts in batches of similar length. Any batch size gives the same bits. */
typedef struct tb_text_ref {
    const char *text;
    size_t length;
    const char *pair; /* NULL: none */
} tb_text_ref;
typedef struct tb_run_options {
    size_t max_length; /* 0: min(512, positions) */
    size_t batch;      /* texts a pass; 0: chosen by tokens */
    unsigned clean;
    const tb_hooks *hooks;
    const char *stage; /* for progress */
} tb_run_options;
typedef struct tb_run_facts { /* each array [n], or NULL where not wanted */
    uint32_t *tokens;
    uint8_t *truncated, *empty;
    double *tokenize_ms, *forward_ms; /* per text; forward of a batch is shared out by tokens */
} tb_run_facts;
timbang_status tb_classifier_run(const tb_classifier *model, tb_workspace *workspace, const tb_text_ref *texts,
                                 size_t n, const tb_run_options *options, float *logits, const tb_run_facts *facts,
                                 tb_error *err);

#endif
