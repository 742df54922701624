/* A data set as one model sees it: texts to run, truth among the model's labels, and the rule for missing classes.
 * Includes: base, data, model, eval. Called by: study. */
#ifndef TB_STUDY_TASK_H
#define TB_STUDY_TASK_H

#include "data/dataset.h"
#include "model/classifier.h"

typedef struct tb_task {
    const tb_dataset *dataset; /* borrowed */
    const char *const *labels; /* [n_labels], of the model, borrowed */
    size_t n, n_labels;
    tb_text_ref *texts; /* [n] */
    /* The classes that predictions are over: all labels, or with `restricted` only those that the truth holds. */
    bool restricted;
    size_t n_classes, n_present; /* present: classes that the truth holds */
    size_t *classes;             /* [n_classes] index among labels */
    int32_t *truth;              /* [n] index among classes */
} tb_task;

/* Fails when the data set has no labels, or one that the model lacks. */
timbang_status tb_task_make(const tb_dataset *dataset, const char *const *labels, size_t n_labels, bool restrict_labels,
                            tb_task *task, tb_error *err);
void tb_task_free(tb_task *task); /* a zeroed task is fine */
const char *tb_task_class(const tb_task *task, size_t class_index);
/* logits [n][n_labels] to view [n][n_classes]. */
void tb_task_view(const tb_task *task, const float *logits, float *view);

#endif
