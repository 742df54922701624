/* A data set of made-up texts with given truth, as a task: no file, no model. Called by: tests/study. */
#ifndef TESTS_STUDY_MADE_SET_H
#define TESTS_STUDY_MADE_SET_H

#include "study/task.h"

typedef struct made_set {
    tb_dataset data;
    tb_task task;
    char **labels; /* [n_labels] */
    size_t n_labels;
} made_set;

/* Texts are "text 0", "text 1", ...; lines start at 1. Labels are copied. */
void made_set_begin(made_set *set, const char *const *labels, size_t n_labels, const int32_t *truth, size_t n,
                    bool restrict_labels);
void made_set_end(made_set *set);

#endif
