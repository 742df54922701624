/* SPDX-License-Identifier: Apache-2.0
 * The main job: fix the plan, read, run, collect, write.
 * Includes: study/study.h and its neighbours. Called by: api. */
#include "study/study.h"

#include "base/clock.h"
#include "base/sha256.h"
#include "base/text.h"
#include "study/collect.h"
#include "study/plan.h"
#include "study/record.h"
#include "study/results.h"
#include "study/roadmap.h"
#include "study/run.h"
#include "study/store.h"
#include "study/timings.h"

#include <stdlib.h>
#include <string.h>

#define STARTED_UNIT "started.json"
#define PLAN_UNIT    "plan.json"
#define INPUTS_UNIT  "inputs.json"

typedef struct study {
    const tb_study_job *job;
    tb_plan plan;
    tb_store store;
    tb_steps steps;
    tb_collected collected;
    tb_writer *predictions;
    char plan_sha256[65], started[32], plan_fixed[32];
} study;

/* ---- The plan ---- */

timbang_status tb_study_plan(const tb_study_job *job, char **text, tb_error *err)
{
    tb_plan plan = {0};
    TB_TRY(tb_plan_open(job, &plan, err));
    timbang_status status = tb_json_text(plan.fixed, text, err);
    tb_plan_free(&plan);
    return status;
}

/* plan.json as it will stand beside the results, and its hash. */
static timbang_status write_plan(study *s, tb_error *err)
{
    char *text = NULL, *path = NULL;
    TB_TRY(tb_json_text(s->plan.fixed, &text, err));
    tb_sha256 hash;
    tb_sha256_init(&hash);
    tb_sha256_update(&hash, text, strlen(text));
    tb_sha256_final(&hash, s->plan_sha256);
    timbang_status status = TIMBANG_OK;
    path = tb_store_path(&s->store, "plan.json", err);
    status = path ? tb_write_file(path, text, strlen(text), err) : err->status;
    free(path);
    free(text);
    return status;
}

/* When the study began and when its plan was fixed: of the first run, also after it was resumed. */
static timbang_status keep_start(study *s, tb_error *err)
{
    json_t *now = json_pack("{s:s, s:s}", "started", s->started, "plan_fixed", s->plan_fixed);
    TB_TRY(tb_json_done(!now, err));
    timbang_status status = TIMBANG_OK;
    if (!tb_store_has(&s->store, STARTED_UNIT)) {
        bool before = s->store.has_units;
        status = tb_store_put_json(&s->store, STARTED_UNIT, now, err);
        s->store.has_units = before;
    } else {
        json_t *then = NULL;
        const char *started = NULL, *fixed = NULL;
        status = tb_store_get_json(&s->store, STARTED_UNIT, &then, err);
        if (status == TIMBANG_OK)
            status = tb_json_get_string(then, STARTED_UNIT, "started", true, &started, err);
        if (status == TIMBANG_OK)
            status = tb_json_get_string(then, STARTED_UNIT, "plan_fixed", true, &fixed, err);
        if (status == TIMBANG_OK) {
            snprintf(s->started, sizeof s->started, "%s", started);
            snprintf(s->plan_fixed, sizeof s->plan_fixed, "%s", fixed);
        }
        json_decref(then);
    }
    json_decref(now);
    return status;
}

static timbang_status fix_plan(study *s, tb_error *err)
{
    TB_TRY(tb_plan_open(s->job, &s->plan, err));
    TB_TRY(tb_store_same(&s->store, PLAN_UNIT, s->plan.fixed, "plan", err));
    TB_TRY(write_plan(s, err));
    tb_wall_time(s->plan_fixed);
    return keep_start(s, err);
}

static timbang_status read_inputs(study *s, tb_error *err)
{
    TB_TRY(tb_plan_read(&s->plan, err));
    json_t *inputs = NULL;
    TB_TRY(tb_results_inputs(&s->plan, &inputs, err));
    timbang_status status = tb_store_same(&s->store, INPUTS_UNIT, inputs, "inputs", err);
    json_decref(inputs);
    return status;
}

/* ---- Running and writing ---- */

static timbang_status run_models(study *s, tb_error *err)
{
    s->steps.total = 1; /* the timings */
    for (size_t m = 0; m < s->plan.n_models; m++)
        s->steps.total += tb_run_steps(&s->plan, m);
    for (size_t m = 0; m < s->plan.n_models; m++)
        TB_TRY(tb_run_model(&s->plan, m, &s->store, &s->steps, err));
    return tb_run_timings(&s->plan, &s->store, &s->steps, err);
}

static timbang_status collect(study *s, tb_error *err)
{
    char *path = tb_store_path(&s->store, "predictions.jsonl", err);
    timbang_status status = path ? tb_writer_open(path, &s->predictions, err) : err->status;
    free(path);
    TB_TRY(status);
    TB_TRY(tb_collect_begin(&s->collected, err));
    for (size_t m = 0; m < s->plan.n_models; m++)
        TB_TRY(tb_collect_model(&s->plan, m, &s->store, &s->collected, s->predictions, err));
    TB_TRY(tb_collect_groups(&s->plan, &s->store, &s->collected, err));
    TB_TRY(tb_collect_roadmap(&s->plan, &s->store, &s->collected, err));
    status = tb_writer_commit(s->predictions, err);
    s->predictions = NULL;
    return status;
}

static timbang_status write_results(study *s, tb_error *err)
{
    uint64_t peak = tb_peak_resident_bytes();
    const tb_results_time time = {
        .started = s->started,
        .plan_fixed = s->plan_fixed,
        .seconds = tb_store_seconds(&s->store),
        .resumed = s->store.resumed,
        .peak_resident_bytes = peak > s->steps.peak_resident_bytes ? peak : s->steps.peak_resident_bytes,
    };
    json_t *results = NULL;
    TB_TRY(tb_results_make(&s->plan, &s->collected, s->plan_sha256, &time, &results, err));
    char *path = tb_store_path(&s->store, "results.json", err);
    timbang_status status = path ? tb_json_write_file(path, results, err) : err->status;
    if (status == TIMBANG_OK && s->job->draw)
        status = s->job->draw(results, NULL, s->store.folder.partial, err);
    free(path);
    json_decref(results);
    return status;
}

static timbang_status run(study *s, tb_error *err)
{
    const timbang_study_options *o = s->job->options;
    tb_wall_time(s->started);
    /* The output folder first: the cheapest check, and the most annoying failure after an hour. */
    TB_TRY(tb_store_open(o->out, o->force != 0, o->resume != 0, &s->store, err));
    TB_TRY(fix_plan(s, err));
    TB_TRY(read_inputs(s, err));
    TB_TRY(run_models(s, err));
    TB_TRY(collect(s, err));
    TB_TRY(write_results(s, err));
    return tb_check_cancel(s->job->hooks, err);
}

timbang_status tb_study_run(const tb_study_job *job, tb_error *err)
{
    study s = {.job = job};
    timbang_status status = run(&s, err);
    tb_writer_abandon(s.predictions);
    tb_collect_free(&s.collected);
    tb_plan_free(&s.plan);
    if (status == TIMBANG_OK)
        return tb_store_commit(&s.store, err);
    if (s.store.has_units)
        tb_log(job->hooks, TIMBANG_LOG_WARNING,
               "what is finished is kept in %s: the same command with --resume goes on", s.store.folder.partial);
    tb_store_close(&s.store);
    return status;
}
