/* The order of the texts in an epoch, and the batches and steps it is cut into. What a batch holds depends on the
 * options, the seed, the epoch and its number alone, so a training resumes anywhere with nothing more.
 * Includes: model/texts.h, model/classifier.h. Called by: train/run.c. */
#ifndef TB_TRAIN_BATCHES_H
#define TB_TRAIN_BATCHES_H

#include "model/classifier.h"
#include "model/texts.h"

typedef struct tb_batches_options {
    size_t batch;         /* texts; the last batch of an epoch has what is left */
    size_t accumulate;    /* batches of a step; the last step of an epoch has what is left */
    bool group_by_length; /* texts of similar length in a batch, as Hugging Face's group_by_length: the shuffled texts
                             are sorted within runs of min(50, n / (4 batch)) batches. Then the batches are shuffled,
                             so that a step's length says nothing about its place. */
    bool in_order;        /* neither shuffled nor grouped */
    uint64_t seed;
} tb_batches_options;

/* Belongs to the tb_batches and holds until the next tb_batches_get. */
typedef struct tb_train_batch {
    tb_batch batch;
    const size_t *texts;  /* [batch.n_texts] their numbers in the tb_texts */
    const int32_t *truth; /* [batch.n_texts]; NULL: plain text */
    size_t first_token;   /* of this batch among the tokens of its step */
    size_t longest;       /* tokens of a text */
} tb_train_batch;

typedef struct tb_batches tb_batches;

/* texts must live as long. TIMBANG_USAGE: a batch or an accumulation of 0. */
timbang_status tb_batches_create(const tb_texts *texts, const tb_batches_options *options, tb_batches **batches,
                                 tb_error *err);
void tb_batches_free(tb_batches *batches);
size_t tb_batches_per_epoch(const tb_batches *batches);
size_t tb_batches_steps(const tb_batches *batches); /* of an epoch */
/* Before the first batch of an epoch, counted from 0; cheap where it is the one at hand. */
void tb_batches_epoch(tb_batches *batches, uint64_t epoch);
/* The texts of a step of this epoch, all its batches one after the other: *n of them. */
const size_t *tb_batches_step_texts(const tb_batches *batches, size_t step, size_t *n);
size_t tb_batches_step_tokens(const tb_batches *batches, size_t step);
/* Batches of a step: accumulate, or fewer in the last. */
size_t tb_batches_of_step(const tb_batches *batches, size_t step);
/* Batch `index` of a step, from 0. */
tb_train_batch tb_batches_get(tb_batches *batches, size_t step, size_t index);

#endif
