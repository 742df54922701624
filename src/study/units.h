/* Logits as units of work, in chunks of rows, so that a kill loses little: of a variant or of a null model on a set.
 * Includes: model, study/store.h, study/plan.h. Called by: study. */
#ifndef TB_STUDY_UNITS_H
#define TB_STUDY_UNITS_H

#include "study/plan.h"
#include "study/predictions.h"
#include "study/store.h"

typedef struct tb_unit { /* borrowed */
    const tb_plan *plan;
    size_t model, set;
    const char *variant;
    size_t null_model; /* 0: the variant itself; else that null model of it, from 1 */
} tb_unit;

bool tb_unit_done(const tb_store *store, const tb_unit *unit);
/* Runs what is missing. */
timbang_status tb_unit_run(tb_store *store, const tb_unit *unit, const tb_classifier *classifier,
                           tb_workspace *workspace, const tb_run_options *run, tb_error *err);
/* Fills logits [n][n_labels]. lengths may be NULL. */
timbang_status tb_unit_read(const tb_store *store, const tb_unit *unit, float *logits, tb_lengths *lengths,
                            tb_error *err);
/* Likewise in a new block, to be freed. */
timbang_status tb_unit_load(const tb_store *store, const tb_unit *unit, float **logits, tb_lengths *lengths,
                            tb_error *err);
/* How long it took, in batches. */
timbang_status tb_unit_seconds(const tb_store *store, const tb_unit *unit, double *seconds, tb_error *err);

/* The record of a null model (the unit's set counts for nothing): written when its logits on all sets are there. */
bool tb_null_done(const tb_store *store, const tb_unit *unit);
timbang_status tb_null_finish(tb_store *store, const tb_unit *unit, double weight_error, tb_error *err);
timbang_status tb_null_weight_error(const tb_store *store, const tb_unit *unit, double *weight_error, tb_error *err);

#endif
