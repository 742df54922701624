/* The logits of one classifier on one data set, what was met on the way, and their lines in predictions.jsonl.
 * Includes: base, model, study/task.h. Called by: study. */
#ifndef TB_STUDY_PREDICTIONS_H
#define TB_STUDY_PREDICTIONS_H

#include "study/task.h"

/* What was met while texts were run. */
typedef struct tb_lengths {
    uint64_t tokens, max_tokens, truncated, empty;
    double seconds; /* in batches */
} tb_lengths;

/* Runs rows first .. first + n - 1 of a task; adds to lengths. logits [n][n_labels]. */
timbang_status tb_run_rows(const tb_classifier *model, tb_workspace *workspace, const tb_task *task, size_t first,
                           size_t n, const tb_run_options *run, float *logits, tb_lengths *lengths, tb_error *err);

/* Tokens that a text may have: wanted (0: not said) within a model's positions. */
size_t tb_max_length(size_t positions, size_t wanted);
size_t tb_run_max_length(const tb_classifier *model, const tb_run_options *run);

/* One line a row: {"model", "variant", "data", "row", "text", "truth", "pred", "logits", "probs"}; logits and probs in
 * the order of the model's labels. A class that is not predicted over (--restrict-labels) has the probability 0. */
timbang_status tb_predictions_write(tb_writer *writer, const char *model, const char *variant, const char *data,
                                    const tb_task *task, const float *logits, bool untrained_head, tb_error *err);

#endif
