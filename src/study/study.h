/* The main job: models x variants x data sets, run and compared, written to a folder (docs/results.md).
 * Includes: base, data, model, eval, quant. Called by: api. */
#ifndef TB_STUDY_STUDY_H
#define TB_STUDY_STUDY_H

#include "base/json.h"
#include "base/pool.h"
#include "kernels/kernels.h"

typedef struct tb_study_job {
    const timbang_study_options *options; /* every field set (struct_size has been dealt with) */
    const tb_folder *embedded;            /* the model of an entry whose path is NULL; NULL: there is none */
    const tb_kernels *kernels;
    tb_pool *pool;
    const tb_hooks *hooks;
    const json_t *host; /* as timbang_cpu_json gives it: cpu, level, threads...; copied. NULL: level and threads only */
    size_t latency_texts;   /* of each set, timed one by one, at most; 0: 100 */
    size_t latency_rounds;  /* turns, at least; 0: 10 */
    double latency_seconds; /* a variant and set, at least; 0: 3, and together a minute at least; turns go on up to five
                               minutes while an interval is wide */
    /* Draws the report from the finished results into a folder that exists (the report room comes after this one); lang
     * NULL: as the results say. NULL: no report. */
    timbang_status (*draw)(const json_t *results, const char *lang, const char *folder, tb_error *err);
} tb_study_job;

/* Checks everything that can be checked before the first long step, then runs. After any failure, and after cancel, the
 * output folder is as it was before; what is finished stays in OUT.partial for a run with options->resume. */
timbang_status tb_study_run(const tb_study_job *job, tb_error *err);
/* The bytes of plan.json of such a study, without opening a data file; free(*text). */
timbang_status tb_study_plan(const tb_study_job *job, char **text, tb_error *err);

#endif
