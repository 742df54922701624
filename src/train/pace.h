/* Clocks of a training: how long it will take, what the progress line says, when a checkpoint is due.
 * Includes: base. Called by: train. */
#ifndef TB_TRAIN_PACE_H
#define TB_TRAIN_PACE_H

#include "base/status.h"

#include <stdbool.h>

typedef struct tb_pace {
    const tb_hooks *hooks;
    char stage[64];           /* "training", "seed 123 (2 of 3)" */
    uint64_t steps;           /* of this seed */
    double begin_ms;          /* of this process's work on it */
    double saved_ms;          /* of the last checkpoint, or the begin */
    double write_ms, step_ms; /* of the last checkpoint and step */
    double asked_ms;          /* --checkpoint-seconds */
    double shown_ms;          /* of the last call of progress */
    double loss;              /* smoothed, for people; NAN: none yet */
    double figure;            /* of the last evaluation; NAN: none yet */
    const char *figure_name;  /* "F1", "valid loss" */
    double texts_per_s;       /* smoothed */
} tb_pace;

void tb_pace_begin(tb_pace *pace, const tb_hooks *hooks, const char *stage, uint64_t steps, double checkpoint_seconds);
/* After a step of n texts that began at begin_ms. */
void tb_pace_step(tb_pace *pace, uint64_t step, double loss, size_t n_texts, double begin_ms);
/* During an evaluation of `total` texts or batches. */
void tb_pace_evaluating(tb_pace *pace, uint64_t step, size_t done, size_t total);
/* More than --checkpoint-seconds of work would be lost by a kill in the next step. Where writing takes long the pause
 * grows to 20 times of that, but never so far that a minute's work could be lost. */
bool tb_pace_checkpoint_due(const tb_pace *pace);
void tb_pace_saved(tb_pace *pace, double begin_ms);
/* "45 s", "12 min", "3.5 h" */
const char *tb_pace_duration(double seconds, char out[32]);

#endif
