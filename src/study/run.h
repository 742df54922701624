/* Runs one model of a plan and leaves what it finds as units in the store: every variant alone on every set, then the
 * null models. What is there already is not run again. The variants' folders stay in OUT.partial/models for the
 * timings. Includes: base, study/plan.h, study/store.h. Called by: study/study, study/timings, study/verify. */
#ifndef TB_STUDY_RUN_H
#define TB_STUDY_RUN_H

#include "study/plan.h"
#include "study/store.h"
#include "study/variants.h"

/* Of the whole study: steps, for progress; the process's peak before the last reset of the system's count. */
typedef struct tb_steps {
    size_t done, total;
    uint64_t peak_resident_bytes;
} tb_steps;
size_t tb_run_steps(const tb_plan *plan, size_t model);

timbang_status tb_run_model(const tb_plan *plan, size_t model, tb_store *store, tb_steps *steps, tb_error *err);

/* Is this variant rounded to integers here, so that null models make sense? */
bool tb_variant_has_null(const tb_plan_model *model, size_t variant);
/* {variant: an entry of variants without "model"..., resident: ...}. */
timbang_status tb_variant_unit_load(const tb_store *store, const tb_plan_model *model, size_t variant, json_t **out,
                                    tb_error *err);
/* One variant of a model, its folder made as models_dir/SLUG-VARIANT where one has to be made; reuse: or found there.
 */
timbang_status tb_run_make_variant(const tb_plan *plan, size_t model, size_t variant, const char *models_dir,
                                   bool reuse, tb_variant *out, tb_error *err);

#endif
