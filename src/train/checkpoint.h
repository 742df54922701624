/* What a training needs to go on after a kill, as files in a folder of its own. The state is replaced as a whole; the
 * best values lie beside it and are named by their step, so that a state never speaks of others than its own.
 * Includes: base, model/parameters.h, train/optimizer.h, train/log.h. Called by: train/session.c. */
#ifndef TB_TRAIN_CHECKPOINT_H
#define TB_TRAIN_CHECKPOINT_H

#include "model/parameters.h"
#include "train/log.h"
#include "train/optimizer.h"

/* Where a training stands, beside masters and optimizer. */
typedef struct tb_train_state {
    uint64_t step;  /* done */
    bool evaluated; /* the evaluation after this step is done */
    bool stopped;   /* early */
    uint64_t stale; /* evaluations since the best one */
    bool has_best;
    uint64_t best_step;
    tb_valid_figures best;
    tb_text log;
    /* Of run.json alone. */
    char started[32];
    uint64_t resumed; /* how often */
    double seconds, evaluation_seconds, checkpoint_seconds;
    uint64_t texts, tokens; /* learnt from */
    uint64_t peak_resident_bytes;
} tb_train_state;
void tb_train_state_free(tb_train_state *state); /* a zeroed struct is fine */

typedef struct tb_checkpoint_files {
    char *folder;
} tb_checkpoint_files;

/* Makes the folder. */
timbang_status tb_checkpoint_files_open(const char *folder, tb_checkpoint_files *files, tb_error *err);
void tb_checkpoint_files_close(tb_checkpoint_files *files); /* a zeroed struct is fine */
timbang_status tb_checkpoint_files_remove(const tb_checkpoint_files *files, tb_error *err);

bool tb_train_state_there(const tb_checkpoint_files *files);
timbang_status tb_train_state_write(const tb_checkpoint_files *files, const tb_train_state *state,
                                    const tb_parameters *parameters, const tb_adamw *adamw, tb_error *err);
/* Into masters and optimizer of the same shape; TIMBANG_FORMAT where the file is of another one, or damaged. */
timbang_status tb_train_state_read(const tb_checkpoint_files *files, tb_train_state *state, tb_parameters *parameters,
                                   tb_adamw *adamw, tb_error *err);

/* The masters of the best evaluation so far. */
timbang_status tb_best_write(const tb_checkpoint_files *files, uint64_t step, const tb_parameters *parameters,
                             tb_error *err);
timbang_status tb_best_read(const tb_checkpoint_files *files, uint64_t step, tb_parameters *parameters, tb_error *err);
/* All but those of `step`: after a state that speaks of it was written. */
timbang_status tb_best_remove_others(const tb_checkpoint_files *files, uint64_t step, tb_error *err);

/* An evaluation in the middle: what is finished of it. */
typedef struct tb_partial {
    uint64_t step;  /* that it is the evaluation of */
    uint64_t done;  /* texts, MLM: batches */
    uint64_t right; /* MLM */
    uint64_t count;
    double loss;
} tb_partial;
/* logits [n_logits], or NULL and 0. */
timbang_status tb_partial_write(const tb_checkpoint_files *files, const tb_partial *partial, const float *logits,
                                size_t n_logits, tb_error *err);
/* *partial stays where the file is missing or of another step. */
timbang_status tb_partial_read(const tb_checkpoint_files *files, uint64_t step, tb_partial *partial, float *logits,
                               size_t n_logits, tb_error *err);

#endif
