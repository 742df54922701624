/* The logits of one classifier on one data set, what was met on the way, and their lines in predictions.jsonl.
 * Includes: base, model, study/task.h. Called by: study. */
#ifndef TB_STUDY_PREDICTIONS_H
#define TB_STUDY_PREDICTIONS_H

#include "study/task.h"

typedef struct tb_predictions {
    float *logits;      /* [n][n_labels] */
    tb_run_facts facts; /* tokens, truncated, empty */
    double seconds;     /* of the whole run, in batches */
} tb_predictions;

timbang_status tb_predictions_make(const tb_classifier *model, tb_workspace *workspace, const tb_task *task,
                                   const tb_run_options *run, tb_predictions *out, tb_error *err);
void tb_predictions_free(tb_predictions *predictions); /* a zeroed struct is fine */

/* Tokens that a text may have: wanted (0: not said) within a model's positions. */
size_t tb_max_length(size_t positions, size_t wanted);
size_t tb_run_max_length(const tb_classifier *model, const tb_run_options *run);

/* One line a row: {"model", "variant", "data", "row", "text", "truth", "pred", "logits", "probs"}; logits and probs in
 * the order of the model's labels. A class that is not predicted over (--restrict-labels) has the probability 0. */
timbang_status tb_predictions_write(tb_writer *writer, const char *model, const char *variant, const char *data,
                                    const tb_task *task, const float *logits, bool untrained_head, tb_error *err);

#endif
