/* SPDX-License-Identifier: Apache-2.0
 * Predictions that exist already, side by side: studies and tables of predictions, matched by their texts.
 * Includes: base. Called by: api. */
#ifndef TB_STUDY_COMPARE_H
#define TB_STUDY_COMPARE_H

#include "base/json.h"
#include "base/pool.h"

typedef struct tb_compare_job {
    const timbang_compare_options *options; /* every field set; the statistics' zeros mean the defaults */
    tb_pool *pool;
    const tb_hooks *hooks;
} tb_compare_job;

/* The document of docs/compare.md; json_decref(*out). */
timbang_status tb_compare_run(const tb_compare_job *job, json_t **out, tb_error *err);

#endif
