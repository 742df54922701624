/* What a finished model tells about itself: timbang.json, the same bytes for the same training, and run.json, with
 * times, machine and command. Includes: train/session.h, train/checkpoint.h. Called by: train/session.c. */
#ifndef TB_TRAIN_RECORD_H
#define TB_TRAIN_RECORD_H

#include "train/checkpoint.h"
#include "train/session.h"

/* The sidecar: role, scheme, recipe, seed, parent. scheme: of the model in that folder. json_decref(*out). */
timbang_status tb_train_sidecar(const tb_session_job *job, const char *scheme, json_t **out, tb_error *err);

typedef struct tb_run_record {
    const tb_session_job *job;
    const tb_train_state *state;
    uint64_t steps_per_epoch, total_steps, parameters;
} tb_run_record;
/* Writes job->folder/run.json. */
timbang_status tb_run_record_write(const tb_run_record *record, tb_error *err);

/* {"step", "epoch", "loss", "accuracy", "macro_f1"} or null. */
json_t *tb_best_json(bool has_best, uint64_t step, uint64_t epoch, const tb_valid_figures *best);

#endif
