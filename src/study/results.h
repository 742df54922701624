/* results.json put together from a plan and what was collected (docs/results.md).
 * Includes: base, study/plan.h, study/collect.h. Called by: study/study. */
#ifndef TB_STUDY_RESULTS_H
#define TB_STUDY_RESULTS_H

#include "study/collect.h"

enum { TB_RESULTS_SCHEMA = 1 };

typedef struct tb_results_time {
    const char *started, *plan_fixed; /* UTC */
    double seconds;                   /* of all runs of the study */
    uint64_t resumed, peak_resident_bytes;
} tb_results_time;

/* plan_sha256: of the bytes of plan.json. json_decref(*results). */
timbang_status tb_results_make(const tb_plan *plan, const tb_collected *collected, const char *plan_sha256,
                               const tb_results_time *time, json_t **results, tb_error *err);
/* What a resumed study must find unchanged beside its plan: options and the hashes of the data. json_decref(*out). */
timbang_status tb_results_inputs(const tb_plan *plan, json_t **out, tb_error *err);

#endif
