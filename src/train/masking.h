/* Masked language modelling (Devlin et al. 2019, arXiv 1810.04805): which tokens are hidden, and by what. Drawn from
 * (seed, epoch, text) alone: neither batches nor a resumed run can change it.
 * Includes: train/batches.h. Called by: train/run.c. */
#ifndef TB_TRAIN_MASKING_H
#define TB_TRAIN_MASKING_H

#include "train/batches.h"

typedef struct tb_masking {
    double share;        /* 0.15 of a text's tokens that are not special; at least one, where there is one */
    double mask, random; /* 0.8 of those become [MASK], 0.1 any token; the others stay */
    uint64_t seed;
    int32_t mask_id;
    size_t vocab_size;  /* random tokens are below it */
    tb_special special; /* never chosen */
} tb_masking;

/* The usual shares. TIMBANG_UNSUPPORTED: a tokenizer without a mask token. */
timbang_status tb_masking_make(const tb_tokenizer *tokenizer, const tb_config *config, uint64_t seed,
                               tb_masking *masking, tb_error *err);

/* Hidden tokens of some texts (of a step, for its denominator), without making them. */
size_t tb_masking_count(const tb_masking *masking, const tb_texts *texts, uint64_t epoch, const size_t *which,
                        size_t n);

/* A batch with hidden tokens; memory grows to the largest and is kept. Zeroed before. */
typedef struct tb_masked {
    tb_batch batch; /* that of the tb_train_batch, with ids */
    int32_t *ids;   /* [batch.n_tokens] */
    size_t *places; /* [n] ascending places in the batch */
    int32_t *truth; /* [n] what was there */
    size_t n;
    size_t capacity;
} tb_masked;
timbang_status tb_masked_make(const tb_masking *masking, uint64_t epoch, const tb_train_batch *from, tb_masked *masked,
                              tb_error *err);
void tb_masked_free(tb_masked *masked);

#endif
