/* Logits as units of work: of a variant on a set in chunks of rows, of a null model on all sets at once.
 * Includes: model, study/store.h, study/plan.h. Called by: study. */
#ifndef TB_STUDY_UNITS_H
#define TB_STUDY_UNITS_H

#include "study/plan.h"
#include "study/predictions.h"
#include "study/store.h"

/* ---- A variant on a set ---- */
typedef struct tb_unit { /* borrowed */
    const tb_plan *plan;
    size_t model, set;
    const char *variant;
} tb_unit;

bool tb_unit_done(const tb_store *store, const tb_unit *unit);
/* Runs what is missing. */
timbang_status tb_unit_run(tb_store *store, const tb_unit *unit, const tb_classifier *classifier,
                           tb_workspace *workspace, const tb_run_options *run, tb_error *err);
/* *logits [n][n_labels], to be freed. lengths may be NULL. */
timbang_status tb_unit_load(const tb_store *store, const tb_unit *unit, float **logits, tb_lengths *lengths,
                            tb_error *err);

/* ---- A null model on all sets ---- */
bool tb_null_unit_done(const tb_store *store, const tb_plan *plan, size_t model, const char *variant, size_t number);
timbang_status tb_null_unit_run(tb_store *store, const tb_plan *plan, size_t model, const char *variant, size_t number,
                                const tb_classifier *classifier, double weight_error, tb_workspace *workspace,
                                const tb_run_options *run, tb_error *err);
/* Its logits on one set, to be freed. */
timbang_status tb_null_unit_load(const tb_store *store, const tb_plan *plan, size_t model, const char *variant,
                                 size_t number, size_t set, float **logits, double *weight_error, tb_error *err);

#endif
