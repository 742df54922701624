/* One step: batches, passes forward and back, clipping, the optimizer, the refreshed model.
 * Includes: train/inputs.h, train/optimizer.h. Called by: train/session.c. */
#ifndef TB_TRAIN_LEARN_H
#define TB_TRAIN_LEARN_H

#include "train/inputs.h"
#include "train/optimizer.h"

typedef struct tb_learner_options {
    const tb_train_job *job;
    const tb_recipe *recipe;
    const tb_inputs *inputs;
    uint64_t seed;
    tb_trainee *trainee;
    tb_adamw *adamw;
} tb_learner_options;

typedef struct tb_learner tb_learner;
/* Everything is borrowed. */
timbang_status tb_learner_create(const tb_learner_options *options, tb_learner **learner, tb_error *err);
void tb_learner_free(tb_learner *learner); /* NULL is fine */
uint64_t tb_learner_steps_per_epoch(const tb_learner *learner);
uint64_t tb_learner_steps(const tb_learner *learner); /* of all epochs */

typedef struct tb_learned {
    double loss, rate, gradient_norm; /* the norm before clipping */
    size_t texts, tokens;
} tb_learned;
/* Step `step`, counted from 0. A loss or gradient that is not finite is TIMBANG_DATA and names where; the masters are
 * as before then. */
timbang_status tb_learner_step(tb_learner *learner, uint64_t step, tb_learned *learned, tb_error *err);

typedef struct tb_learner_speed {
    double token_ms;    /* of the passes */
    double step_ms;     /* of what a step does beside them */
    double texts_per_s; /* of both */
} tb_learner_speed;
/* Times a few passes at and after `step`; nothing is learnt from them. */
timbang_status tb_learner_measure(tb_learner *learner, uint64_t step, tb_learner_speed *speed, tb_error *err);

#endif
