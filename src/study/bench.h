/* The benchmark of the forward pass: random token ids of given shapes through every variant of a model, on every CPU
 * level and number of threads that is asked for, interleaved.
 * Includes: base, kernels. Called by: api. */
#ifndef TB_STUDY_BENCH_H
#define TB_STUDY_BENCH_H

#include "base/json.h"
#include "base/pool.h"
#include "kernels/kernels.h"

typedef struct tb_bench_job {
    const timbang_bench_options *options; /* every field set */
    const tb_folder *embedded;            /* the model when options->model.path is NULL */
    const tb_kernels *kernels;            /* where options names no levels */
    tb_pool *pool;                        /* where options names no threads; quantizing runs on it */
    const tb_hooks *hooks;
} tb_bench_job;

/* *out: array of rows as docs/results.md has them; json_decref. Variants are made in a temporary folder that is gone
 * afterwards. */
timbang_status tb_bench_run(const tb_bench_job *job, json_t **out, tb_error *err);

#endif
