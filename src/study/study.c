/* SPDX-License-Identifier: Apache-2.0
 * The main job: plan, run, write.
 * Includes: study/study.h, study/plan.h, study/run.h, study/results.h. Called by: api. */
#include "study/study.h"

#include "base/clock.h"
#include "study/plan.h"
#include "study/results.h"
#include "study/run.h"

#include <stdlib.h>

typedef struct study {
    const tb_study_job *job;
    tb_plan plan;
    tb_staged_folder folder;
    tb_run_output out;
    char started[32];
    double begin_ms;
} study;

static timbang_status in_folder(const study *s, const char *file, char **path, tb_error *err)
{
    *path = tb_path_join(s->folder.staging, file, err);
    return *path ? TIMBANG_OK : err->status;
}

static timbang_status run_models(study *s, tb_error *err)
{
    char *models = NULL, *predictions = NULL;
    timbang_status status = in_folder(s, "models", &models, err);
    if (status == TIMBANG_OK)
        status = in_folder(s, "predictions.jsonl", &predictions, err);
    if (status == TIMBANG_OK)
        status = tb_writer_open(predictions, &s->out.predictions, err);
    for (size_t m = 0; m < s->plan.n_models && status == TIMBANG_OK; m++) {
        status = tb_make_dirs(models, err);
        if (status == TIMBANG_OK)
            status = tb_run_model(&s->plan, m, models, &s->out, err);
        if (status == TIMBANG_OK && !s->job->options->keep_models)
            status = tb_remove_tree(models, err);
    }
    if (status == TIMBANG_OK) {
        status = tb_writer_commit(s->out.predictions, err);
        s->out.predictions = NULL;
    }
    free(models);
    free(predictions);
    return status;
}

static timbang_status write_results(const study *s, tb_error *err)
{
    json_t *results = NULL;
    char *path = NULL, *report = NULL;
    TB_TRY(tb_results_make(&s->plan, &s->out, s->started, (tb_now_ms() - s->begin_ms) / 1000, &results, err));
    timbang_status status = in_folder(s, "results.json", &path, err);
    if (status == TIMBANG_OK)
        status = tb_json_write_file(path, results, err);
    if (status == TIMBANG_OK)
        status = in_folder(s, "report.html", &report, err);
    if (status == TIMBANG_OK && s->job->draw)
        status = s->job->draw(results, report, err);
    free(path);
    free(report);
    json_decref(results);
    return status;
}

static timbang_status run(study *s, tb_error *err)
{
    tb_wall_time(s->started);
    s->begin_ms = tb_now_ms();
    /* The output folder first: the cheapest check, and the most annoying failure after an hour. */
    TB_TRY(tb_staged_begin(s->job->options->out, s->job->options->force != 0, &s->folder, err));
    TB_TRY(tb_plan_make(s->job, &s->plan, err));
    s->out = (tb_run_output){
        .variants = json_array(), .results = json_array(), .resident = json_array(), .latency = json_array()};
    if (!s->out.variants || !s->out.results || !s->out.resident || !s->out.latency)
        return tb_no_memory(err, 0);
    TB_TRY(run_models(s, err));
    TB_TRY(write_results(s, err));
    return tb_check_cancel(s->job->hooks, err);
}

timbang_status tb_study_run(const tb_study_job *job, tb_error *err)
{
    study s = {.job = job};
    timbang_status status = run(&s, err);
    tb_writer_abandon(s.out.predictions);
    json_decref(s.out.variants);
    json_decref(s.out.results);
    json_decref(s.out.resident);
    json_decref(s.out.latency);
    tb_plan_free(&s.plan);
    if (status != TIMBANG_OK) {
        tb_staged_abandon(&s.folder);
        return status;
    }
    return tb_staged_commit(&s.folder, err);
}
