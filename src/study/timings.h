/* The timings of a study: all models, sets and variants take short turns, again and again, so that every one of them
 * meets the same moods of the machine.
 * Includes: base, study/plan.h, study/run.h. Called by: study/study, study/collect. */
#ifndef TB_STUDY_TIMINGS_H
#define TB_STUDY_TIMINGS_H

#include "study/run.h"

/* When all logits of the study are there. What has been timed before is not timed again; the variants' folders are
 * removed in the end unless they are to be kept. One step of progress. */
timbang_status tb_run_timings(const tb_plan *plan, tb_store *store, tb_steps *steps, tb_error *err);
/* An array of the entries of a model and set in "measured.latency" (docs/results.md). */
timbang_status tb_latency_unit_load(const tb_store *store, const tb_plan_model *model, size_t set, json_t **out,
                                    tb_error *err);

#endif
