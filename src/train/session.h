/* One model of a training: one seed, from the first step or a checkpoint to the finished folder.
 * Includes: train/inputs.h, train/validation.h. Called by: train/run.c. */
#ifndef TB_TRAIN_SESSION_H
#define TB_TRAIN_SESSION_H

#include "train/inputs.h"
#include "train/log.h"

typedef struct tb_session_job {
    const tb_train_job *job;
    const tb_recipe *recipe;
    const tb_inputs *inputs;
    const json_t *recipe_json;
    const char *recipe_hash;
    uint64_t seed;
    size_t index, n_seeds; /* of the seed */
    const char *folder;    /* where its files go */
    const char *work;      /* folder of its checkpoints */
    uint64_t *steps_left;  /* of this call, for --stop-after; counted down */
    bool *kept;            /* set where --resume would find something */
} tb_session_job;

typedef struct tb_session_result {
    uint64_t seed, steps;
    bool stopped; /* early */
    bool has_best;
    uint64_t best_step, best_epoch;
    tb_valid_figures best;
} tb_session_result;

timbang_status tb_session_run(const tb_session_job *job, tb_session_result *result, tb_error *err);

#endif
