/* Figures on the validation data: labelled texts through the inference code, on the very layers that will be saved;
 * hidden tokens of plain text through a pass without dropout. Long evaluations keep what they have finished.
 * Includes: model/trainee.h, train/checkpoint.h, inputs.h, masking.h, pace.h. Called by: train/session.c. */
#ifndef TB_TRAIN_VALIDATION_H
#define TB_TRAIN_VALIDATION_H

#include "train/checkpoint.h"
#include "train/inputs.h"
#include "train/pace.h"

typedef struct tb_validation tb_validation;

/* Everything is borrowed. */
timbang_status tb_validation_create(const tb_train_job *job, const tb_recipe *recipe, const tb_inputs *inputs,
                                    tb_validation **validation, tb_error *err);
void tb_validation_free(tb_validation *validation); /* NULL is fine */
/* The figures after `step`. keep: called before a part is kept for --resume, so that the state on disk is that of this
 * step; files NULL: nothing is kept. A cancelled evaluation keeps its part. */
typedef timbang_status tb_keep_state_fn(void *user, tb_error *err);
timbang_status tb_validation_run(tb_validation *validation, tb_trainee *trainee, uint64_t step, tb_pace *pace,
                                 const tb_checkpoint_files *files, tb_keep_state_fn *keep, void *user,
                                 tb_valid_figures *figures, tb_error *err);
size_t tb_validation_tokens(const tb_validation *validation);

#endif
