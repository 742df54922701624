/* From the units of a store to the members of results.json and to predictions.jsonl: nothing here runs a model, so that
 * a resumed study ends in the same figures. Includes: base, study/plan.h, study/store.h. Called by: study/study. */
#ifndef TB_STUDY_COLLECT_H
#define TB_STUDY_COLLECT_H

#include "study/plan.h"
#include "study/store.h"

typedef struct tb_collected { /* JSON arrays (docs/results.md) */
    json_t *variants, *results, *flips, *nulls, *groups, *resident, *latency;
    json_t *roadmap; /* an object; NULL: there is none */
} tb_collected;

timbang_status tb_collect_begin(tb_collected *collected, tb_error *err);
void tb_collect_free(tb_collected *collected); /* a zeroed one is fine */

/* Everything of one model; its lines go to predictions. */
timbang_status tb_collect_model(const tb_plan *plan, size_t model, const tb_store *store, tb_collected *into,
                                tb_writer *predictions, tb_error *err);
/* Models that are seeds of one recipe; all of them must be done. (groups.c) */
timbang_status tb_collect_groups(const tb_plan *plan, const tb_store *store, tb_collected *into, tb_error *err);

#endif
