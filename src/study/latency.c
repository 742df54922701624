/* SPDX-License-Identifier: Apache-2.0
 * Latency of single texts, models interleaved.
 * Includes: study/latency.h, study/record.h. Called by: study/evaluate, study/run. */
#include "study/latency.h"

#include "study/record.h"

#include <stdlib.h>
#include <string.h>

enum { WARM_UP_TEXTS = 5 };

typedef struct times { /* [model][text][round] */
    double *tokenize, *forward, *total;
    size_t texts, rounds;
} times;

static timbang_status run_one(const tb_latency_job *job, size_t model, size_t row, double *tokenize, double *forward,
                              tb_error *err)
{
    float logits[TB_MAX_CLASSES];
    tb_run_facts facts = {.tokenize_ms = tokenize, .forward_ms = forward};
    tb_run_options run = job->run;
    tb_hooks quiet = run.hooks ? *run.hooks : (tb_hooks){0};
    quiet.progress = NULL; /* one bar for the whole measurement, not one a text */
    run.hooks = &quiet;
    run.batch = 1;
    return tb_classifier_run(job->models[model], job->workspace, &job->task->texts[row], 1, &run, logits, &facts, err);
}

static size_t sampled_row(const tb_latency_job *job, const times *t, size_t text)
{
    return text * job->task->n / t->texts;
}

static timbang_status run_rounds(const tb_latency_job *job, times *t, tb_error *err)
{
    double tokenize, forward;
    for (size_t m = 0; m < job->n_models; m++)
        for (size_t i = 0; i < t->texts && i < WARM_UP_TEXTS; i++)
            TB_TRY(run_one(job, m, sampled_row(job, t, i), &tokenize, &forward, err));
    uint64_t done = 0, all = (uint64_t)t->rounds * job->n_models * t->texts;
    for (size_t round = 0; round < t->rounds; round++)
        for (size_t turn = 0; turn < job->n_models; turn++) {
            size_t m = (turn + round) % job->n_models;
            for (size_t i = 0; i < t->texts; i++) {
                TB_TRY(tb_check_cancel(job->run.hooks, err));
                TB_TRY(run_one(job, m, sampled_row(job, t, i), &tokenize, &forward, err));
                size_t at = (m * t->texts + i) * t->rounds + round;
                t->tokenize[at] = tokenize;
                t->forward[at] = forward;
                t->total[at] = tokenize + forward;
                tb_progress(job->run.hooks, job->run.stage ? job->run.stage : "timing", ++done, all);
            }
        }
    return TIMBANG_OK;
}

/* Medians over the rounds, one a text, of one model. */
static timbang_status text_medians(const double *values, const times *t, double *medians, tb_error *err)
{
    for (size_t i = 0; i < t->texts; i++) {
        tb_timing timing;
        TB_TRY(tb_timing_compute(values + i * t->rounds, t->rounds, &timing, err));
        medians[i] = timing.median;
    }
    return TIMBANG_OK;
}

static timbang_status put_timing(const double *values, const times *t, double *medians, json_t *into, const char *key,
                                 tb_error *err)
{
    json_t *timing = NULL;
    TB_TRY(text_medians(values, t, medians, err));
    TB_TRY(tb_record_timing(medians, t->texts, &timing, err));
    return tb_json_done(json_object_set_new(into, key, timing) != 0, err);
}

/* first, medians: scratch of texts values each. */
static timbang_status put_model(const times *t, size_t m, double *first, double *medians, json_t *into, tb_error *err)
{
    size_t offset = m * t->texts * t->rounds;
    int bad = json_object_set_new(into, "texts", tb_json_count(t->texts));
    bad |= json_object_set_new(into, "rounds", tb_json_count(t->rounds));
    TB_TRY(tb_json_done(bad != 0, err));
    TB_TRY(put_timing(t->tokenize + offset, t, medians, into, "tokenize", err));
    TB_TRY(put_timing(t->forward + offset, t, medians, into, "forward", err));
    TB_TRY(put_timing(t->total + offset, t, medians, into, "total", err));
    if (m == 0)
        memcpy(first, medians, t->texts * sizeof *first);
    tb_timing ratio;
    for (size_t i = 0; i < t->texts; i++)
        medians[i] = first[i] > 0 ? medians[i] / first[i] : 1;
    TB_TRY(tb_timing_compute(medians, t->texts, &ratio, err));
    return tb_json_done(json_object_set_new(into, "ratio", tb_json_real(ratio.median)) != 0, err);
}

static timbang_status put_models(const tb_latency_job *job, const times *t, json_t **out, tb_error *err)
{
    double *scratch = tb_calloc(2 * t->texts, sizeof *scratch, err);
    if (!scratch)
        return err->status;
    timbang_status status = TIMBANG_OK;
    for (size_t m = 0; m < job->n_models && status == TIMBANG_OK; m++) {
        out[m] = json_object();
        status = out[m] ? put_model(t, m, scratch, scratch + t->texts, out[m], err) : tb_json_done(true, err);
    }
    free(scratch);
    if (status != TIMBANG_OK)
        for (size_t m = 0; m < job->n_models; m++) {
            json_decref(out[m]);
            out[m] = NULL;
        }
    return status;
}

timbang_status tb_latency_measure(const tb_latency_job *job, json_t **out, tb_error *err)
{
    times t = {.texts = job->texts ? job->texts : TB_LATENCY_TEXTS,
               .rounds = job->rounds ? job->rounds : TB_LATENCY_ROUNDS};
    t.texts = t.texts < job->task->n ? t.texts : job->task->n;
    t.rounds = t.rounds < TB_LATENCY_MAX_ROUNDS ? t.rounds : TB_LATENCY_MAX_ROUNDS;
    for (size_t m = 0; m < job->n_models; m++)
        out[m] = NULL;
    size_t count = job->n_models * t.texts * t.rounds;
    double *block = tb_calloc(3 * count, sizeof *block, err);
    if (!block)
        return err->status;
    t.tokenize = block;
    t.forward = block + count;
    t.total = block + 2 * count;
    timbang_status status = run_rounds(job, &t, err);
    if (status == TIMBANG_OK)
        status = put_models(job, &t, out, err);
    free(block);
    return status;
}
