/* Warnings: sentences that go to the log and into the record.
 * Includes: base, study/task.h. Called by: study/evaluate, study/run, study/plan. */
#ifndef TB_STUDY_NOTES_H
#define TB_STUDY_NOTES_H

#include "study/task.h"

typedef struct tb_notes {
    json_t *list; /* array of {model, data, kind, text}; borrowed */
    const tb_hooks *hooks;
} tb_notes;

/* Appends and logs. model and data may be NULL: the warning is about all of them. */
timbang_status tb_note(const tb_notes *notes, const char *model, const char *data, const char *kind, tb_error *err,
                       const char *format, ...) TB_PRINTF(6, 7);

/* The warnings that a set alone gives rise to. within, train: as tb_record_duplicates made them; train may be NULL. */
timbang_status tb_note_duplicates(const tb_notes *notes, const char *data, const json_t *within, const json_t *train,
                                  const char *train_name, tb_error *err);
/* Truncated and empty texts, and an order of labels that fits far better, from an object with the members of
 * tb_record_lengths and tb_record_figures. */
timbang_status tb_note_result(const tb_notes *notes, const char *model, const char *data, const tb_task *task,
                              const json_t *result, size_t max_length, tb_error *err);

#endif
