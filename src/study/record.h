/* Figures as JSON members: the fields of docs/results.md that `eval` and `study` share.
 * Includes: base, data, eval, study/task.h. Called by: study. */
#ifndef TB_STUDY_RECORD_H
#define TB_STUDY_RECORD_H

#include "eval/metrics.h"
#include "study/predictions.h"
#include "study/task.h"

json_t *tb_json_count(uint64_t n);
/* A string whatever bytes it has (paths): invalid UTF-8 becomes U+FFFD. NULL: null. */
json_t *tb_json_utf8(const char *text);
json_t *tb_json_utf8n(const char *text, size_t length);
/* TIMBANG_NO_MEMORY where a jansson call failed. */
timbang_status tb_json_done(bool failed, tb_error *err);

/* Puts what one classifier gives on a set, n to label_order, into an object; bootstrap and temperature are null.
 * logits [n][n_labels]. A trained head is asked whether another order of its labels fits far better. Its body is in
 * study/figures_model.c. */
timbang_status tb_record_figures(const tb_task *task, const float *logits, bool trained_head, json_t *into,
                                 tb_error *err);
/* {mean, sd, median, p10, p90, p99, min, max} of n timings in milliseconds. */
timbang_status tb_record_timing(const double *ms, size_t n, json_t **out, tb_error *err);
/* {exact, normalized, conflicting, first_line, first_other_line}; other NULL: within the set. */
timbang_status tb_record_duplicates(const tb_dataset *dataset, const tb_dataset *other, json_t **out, tb_error *err);
/* {tokens: {mean, max, total}, truncated, empty} of a run. */
timbang_status tb_record_lengths(const tb_lengths *lengths, size_t n, json_t *into, tb_error *err);

#endif
