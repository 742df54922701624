/* results.json put together from a plan and what its runs left (docs/results.md).
 * Includes: base, study/plan.h, study/run.h. Called by: study/study. */
#ifndef TB_STUDY_RESULTS_H
#define TB_STUDY_RESULTS_H

#include "study/run.h"

enum { TB_RESULTS_SCHEMA = 1 };

/* started, seconds: of the whole study. json_decref(*results). */
timbang_status tb_results_make(const tb_plan *plan, const tb_run_output *runs, const char *started, double seconds,
                               json_t **results, tb_error *err);

#endif
