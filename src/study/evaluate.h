/* One classifier on one data set: predictions, figures, latency, warnings, as one JSON object (docs/results.md).
 * Includes: base, data, model, eval. Called by: api. */
#ifndef TB_STUDY_EVALUATE_H
#define TB_STUDY_EVALUATE_H

#include "data/dataset.h"
#include "model/classifier.h"

typedef struct tb_evaluate_options {
    const tb_classifier *model;
    const tb_dataset *dataset;
    const tb_dataset *train;  /* its overlap with the data is counted; NULL: none */
    tb_pool *pool;            /* the workspace is made on it */
    size_t max_length, batch; /* as in tb_run_options */
    unsigned clean;
    bool restrict_labels;  /* predict only over the classes present in the truth */
    size_t latency_texts;  /* texts that are timed one by one; 0: 100 */
    size_t latency_rounds; /* times each of them is run, at least; 0: 10 */
    double timing_seconds; /* at least; 0: 3 */
    const tb_hooks *hooks; /* warnings, progress, cancel */
} tb_evaluate_options;

/* The training data of path, read as `how` says (limit and path of `how` aside). Columns that the file does not have
 * are guessed: training data often come in another layout than the test data. */
timbang_status tb_train_load(const timbang_data_options *how, const char *path, const tb_hooks *hooks,
                             tb_dataset **train, tb_error *err);

/* json_decref(*out). A data set without labels, a label that the model lacks, or more than TB_MAX_CLASSES labels are
 * errors with a sentence. */
timbang_status tb_evaluate(const tb_evaluate_options *options, json_t **out, tb_error *err);

#endif
