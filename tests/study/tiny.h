/* Tiny models and data sets in a folder of their own, and a study over them. Called by: tests/study. */
#ifndef TESTS_STUDY_TINY_H
#define TESTS_STUDY_TINY_H

#include "base/json.h"
#include "base/pool.h"
#include "kernels/kernels.h"
#include "study/study.h"

typedef struct tiny {
    char dir[256]; /* of this test alone */
    tb_pool *pool;
    const tb_kernels *kernels;
    tb_hooks hooks;
    char log[8192];   /* warnings, one a line */
    int cancel_after; /* > 0: the cancel callback says stop at this call */
    int cancel_calls;
} tiny;

void tiny_begin(tiny *t);
void tiny_end(tiny *t); /* removes the folder */
/* DIR/name in a buffer of its own; at most 16 live at a time. */
const char *tiny_path(tiny *t, const char *name);

/* A BERT of 2 layers x 32 with seeded random weights. labels: "a,b,c", or NULL for a base model without a head, or "#3"
 * for LABEL_0..LABEL_2. */
void tiny_model(tiny *t, const char *name, uint64_t seed, const char *labels);
/* n rows of words, labelled in turn from "a,b,c"; every row differs. */
void tiny_data(tiny *t, const char *name, size_t n, const char *labels);
void tiny_write(tiny *t, const char *name, const char *text);
/* Names in the test's folder, hidden ones included. */
size_t tiny_entries(tiny *t);

void tiny_options(timbang_study_options *options);
timbang_status tiny_study(tiny *t, const timbang_study_options *options, tb_error *err);
json_t *tiny_json(tiny *t, const char *name);

#endif
