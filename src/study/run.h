/* Runs one model of a plan: every variant made, loaded, run on every set, compared with FP32, timed.
 * Includes: base, study/plan.h. Called by: study/study. */
#ifndef TB_STUDY_RUN_H
#define TB_STUDY_RUN_H

#include "study/plan.h"

typedef struct tb_run_output { /* JSON arrays that grow; the writer of predictions.jsonl */
    json_t *variants, *results, *resident, *latency;
    tb_writer *predictions;
} tb_run_output;

/* models_dir: where the variants' folders are made; what is made stays there. */
timbang_status tb_run_model(const tb_plan *plan, size_t model, const char *models_dir, const tb_run_output *out,
                            tb_error *err);

#endif
