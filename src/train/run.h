/* A training from its options to the finished folder. docs/training.md describes the files.
 * Includes: base, kernels, timbang.h. Called by: api. */
#ifndef TB_TRAIN_RUN_H
#define TB_TRAIN_RUN_H

#include "base/json.h"
#include "base/pool.h"
#include "kernels/kernels.h"

typedef struct tb_train_job {
    const timbang_train_options *options; /* every field checked for NULL and sizes by the caller */
    const tb_folder *folder;              /* the model */
    const tb_kernels *kernels;
    tb_pool *pool;
    const tb_hooks *hooks;
    const json_t *host; /* of timbang_cpu_json */
    /* Draws folder/report.html from folder/log.jsonl and folder/run.json; NULL: no report. */
    timbang_status (*draw)(const char *folder, const char *lang, tb_error *err);
} tb_train_job;

/* *result: the JSON of timbang_train; json_decref. */
timbang_status tb_train_run(const tb_train_job *job, json_t **result, tb_error *err);

#endif
