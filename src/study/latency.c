/* SPDX-License-Identifier: Apache-2.0
 * Latency of single texts, models taking turns.
 * Includes: study/latency.h, study/latency_times.h, base (clock, energy). Called by: study/evaluate, study/run. */
#include "study/latency.h"

#include "base/clock.h"
#include "base/energy.h"
#include "eval/metrics.h"
#include "study/latency_times.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FEWEST_TEXTS = 20, USUAL_TURNS = 15, FEWEST_TURNS = 2, MOST_TURNS = 20, MOST_ROUNDS = 20000 };
static const double wanted_uncertainty = 0.04; /* of the mean; where it is not reached, turns go on up to MOST_TURNS */

typedef struct measurement {
    const tb_latency_job *job;
    size_t *rows; /* [texts] of the task */
    size_t texts;
    size_t turns, room; /* done so far; of the arrays */
    size_t least_turns;
    double seconds;          /* a model, at least */
    tb_latency_times *times; /* [n_models] */
    double *spent;           /* [n_models] ms */
    tb_energy_meter meter;
} measurement;

/* ---- Which texts ---- */

typedef struct length {
    size_t bytes, row;
} length;

static int compare_lengths(const void *a, const void *b)
{
    const length *x = a, *y = b;
    if (x->bytes != y->bytes)
        return x->bytes > y->bytes ? 1 : -1;
    return (x->row > y->row) - (x->row < y->row);
}

static int compare_rows(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

/* A pass over so many texts ten times takes the least time that is asked for, on a machine of 50 billion
 * multiplications a second; in any case the number depends on models and texts alone. */
static size_t texts_for(const tb_latency_job *job, const length *lengths)
{
    const double multiplications_per_s = 50e9;
    double cost = 0, weights = 0;
    size_t longest = job->run.max_length ? job->run.max_length : 512;
    for (size_t m = 0; m < job->n_models; m++) {
        const tb_config *c = tb_classifier_config(job->models[m]);
        double h = (double)c->hidden_size,
               size = (double)c->num_hidden_layers * h * (4 * h + 2 * (double)c->intermediate_size);
        weights = size > weights ? size : weights;
    }
    for (size_t i = 0; i < job->task->n; i++) {
        size_t tokens = lengths[i].bytes / 4 + 2; /* about */
        cost += weights * (double)(tokens < longest ? tokens : longest) / (double)job->task->n;
    }
    double texts = TB_LATENCY_SECONDS * multiplications_per_s / (TB_LATENCY_ROUNDS * cost);
    return texts > TB_LATENCY_TEXTS ? TB_LATENCY_TEXTS : texts > FEWEST_TEXTS ? (size_t)texts : FEWEST_TEXTS;
}

/* The middle ones of equal parts of all texts by length, in the order of the file. */
static timbang_status choose_rows(measurement *x, tb_error *err)
{
    const tb_task *task = x->job->task;
    length *lengths = tb_calloc(task->n, sizeof *lengths, err);
    if (!lengths)
        return err->status;
    for (size_t i = 0; i < task->n; i++) {
        const tb_text_ref *text = &task->texts[i];
        lengths[i] = (length){text->length + (text->pair ? strlen(text->pair) : 0), i};
    }
    x->texts = x->job->texts ? x->job->texts : texts_for(x->job, lengths);
    x->texts = x->texts < task->n ? x->texts : task->n;
    qsort(lengths, task->n, sizeof *lengths, compare_lengths);
    x->rows = tb_calloc(x->texts, sizeof *x->rows, err);
    for (size_t i = 0; i < x->texts && x->rows; i++)
        x->rows[i] = lengths[(2 * i + 1) * task->n / (2 * x->texts)].row;
    free(lengths);
    if (!x->rows)
        return err->status;
    qsort(x->rows, x->texts, sizeof *x->rows, compare_rows);
    return TIMBANG_OK;
}

/* ---- Passes and turns ---- */

static timbang_status run_one(const measurement *x, size_t model, size_t text, double *tokenize, double *forward,
                              tb_error *err)
{
    const tb_latency_job *job = x->job;
    float logits[TB_MAX_CLASSES];
    tb_run_facts facts = {.tokenize_ms = tokenize, .forward_ms = forward};
    tb_run_options run = job->run;
    tb_hooks quiet = run.hooks ? *run.hooks : (tb_hooks){0};
    quiet.progress = NULL; /* one bar for the whole measurement, not one a text */
    run.hooks = &quiet;
    run.batch = 1;
    return tb_classifier_run(job->models[model], job->workspace, &job->task->texts[x->rows[text]], 1, &run, logits,
                             &facts, err);
}

/* One pass that is not kept; *ms: its time. */
static timbang_status warm_up(const measurement *x, size_t model, double *ms, tb_error *err)
{
    *ms = 0;
    for (size_t i = 0; i < x->texts; i++) {
        double tokenize, forward;
        TB_TRY(tb_check_cancel(x->job->run.hooks, err));
        TB_TRY(run_one(x, model, i, &tokenize, &forward, err));
        *ms += tokenize + forward;
    }
    return TIMBANG_OK;
}

/* How often each model takes all texts in a turn. */
static timbang_status plan_turns(measurement *x, tb_error *err)
{
    double turn_ms = x->seconds * 1000 / USUAL_TURNS, ms;
    for (size_t m = 0; m < x->job->n_models; m++) {
        TB_TRY(warm_up(x, m, &ms, err));
        double passes = ms > 0 ? turn_ms / ms + 1 : 1;
        x->times[m] = (tb_latency_times){.texts = x->texts};
        x->times[m].passes = passes < MOST_ROUNDS / USUAL_TURNS ? (size_t)passes : MOST_ROUNDS / USUAL_TURNS;
    }
    return TIMBANG_OK;
}

static timbang_status make_room(measurement *x, tb_error *err)
{
    if (x->turns < x->room)
        return TIMBANG_OK;
    size_t room = x->room ? 2 * x->room : x->least_turns > USUAL_TURNS ? x->least_turns : USUAL_TURNS;
    for (size_t m = 0; m < x->job->n_models; m++) {
        tb_latency_times *t = &x->times[m];
        size_t count = room * t->passes * t->texts;
        void *tokenize = t->tokenize, *forward = t->forward;
        timbang_status status = tb_grow(&tokenize, count, sizeof *t->tokenize, err);
        if (status == TIMBANG_OK)
            status = tb_grow(&forward, count, sizeof *t->forward, err);
        t->tokenize = tokenize;
        t->forward = forward;
        TB_TRY(status);
    }
    x->room = room;
    return TIMBANG_OK;
}

static timbang_status take_turn(measurement *x, size_t m, tb_error *err)
{
    tb_latency_times *t = &x->times[m];
    double tokenize, forward;
    TB_TRY(run_one(x, m, 0, &tokenize, &forward, err)); /* the weights come back into the caches */
    double before = tb_energy_read(&x->meter);
    for (size_t pass = 0; pass < t->passes; pass++) {
        size_t at = (x->turns * t->passes + pass) * t->texts;
        for (size_t i = 0; i < t->texts; i++) {
            TB_TRY(tb_check_cancel(x->job->run.hooks, err));
            TB_TRY(run_one(x, m, i, &t->tokenize[at + i], &t->forward[at + i], err));
            x->spent[m] += t->tokenize[at + i] + t->forward[at + i];
        }
    }
    t->joules += tb_energy_read(&x->meter) - before; /* NAN stays NAN */
    return TIMBANG_OK;
}

static bool enough(const measurement *x)
{
    bool full = false;
    double least = INFINITY;
    for (size_t m = 0; m < x->job->n_models; m++) {
        full |= (x->turns + 1) * x->times[m].passes > MOST_ROUNDS;
        least = x->spent[m] < least ? x->spent[m] : least;
    }
    return x->turns >= x->least_turns && (full || least >= x->seconds * 1000);
}

/* Are all intervals narrow enough, or has it been tried for long enough? */
static timbang_status settled(const measurement *x, bool *out, tb_error *err)
{
    *out = x->job->rounds > 0 || x->turns >= MOST_TURNS;
    if (*out)
        return TIMBANG_OK;
    for (size_t m = 0; m < x->job->n_models; m++) {
        tb_latency_times so_far = x->times[m];
        double uncertainty;
        so_far.turns = x->turns;
        TB_TRY(tb_latency_uncertainty(&so_far, &uncertainty, err));
        if (uncertainty > wanted_uncertainty)
            return TIMBANG_OK;
    }
    *out = true;
    return TIMBANG_OK;
}

/* Turns that will be needed, as far as can be told now. */
static size_t turns_ahead(const measurement *x)
{
    double least = INFINITY;
    for (size_t m = 0; m < x->job->n_models; m++)
        least = x->spent[m] < least ? x->spent[m] : least;
    double needed = x->turns > 0 && least > 0 ? x->seconds * 1000 / (least / (double)x->turns) + 1 : USUAL_TURNS;
    size_t turns = needed < MOST_ROUNDS ? (size_t)needed : MOST_ROUNDS;
    turns = turns > x->least_turns ? turns : x->least_turns;
    return turns > x->turns ? turns : x->turns + 1;
}

static timbang_status run_turns(measurement *x, tb_error *err)
{
    const tb_latency_job *job = x->job;
    const char *stage = job->run.stage ? job->run.stage : "timing";
    for (bool done = false; !done;) {
        TB_TRY(make_room(x, err));
        size_t ahead = turns_ahead(x);
        for (size_t k = 0; k < job->n_models; k++) {
            size_t m = (k + x->turns) % job->n_models;
            tb_progress(job->run.hooks, stage, x->turns * job->n_models + k, ahead * job->n_models);
            TB_TRY(take_turn(x, m, err));
        }
        x->turns++;
        if (enough(x))
            TB_TRY(settled(x, &done, err));
    }
    for (size_t m = 0; m < job->n_models; m++)
        x->times[m].turns = x->turns;
    tb_progress(job->run.hooks, stage, x->turns * job->n_models, x->turns * job->n_models);
    return TIMBANG_OK;
}

/* ---- All of it ---- */

static size_t baseline_of(const tb_latency_job *job)
{
    for (size_t m = 0; m < job->n_models; m++)
        if (strcmp(job->names[m], "fp32") == 0)
            return m;
    return 0;
}

static timbang_status put_models(const measurement *x, json_t **out, tb_error *err)
{
    const tb_latency_job *job = x->job;
    size_t base = job->names ? baseline_of(job) : 0;
    timbang_status status = TIMBANG_OK;
    for (size_t m = 0; m < job->n_models && status == TIMBANG_OK; m++)
        status = tb_latency_figures(&x->times[m], job->names ? &x->times[base] : NULL,
                                    job->names ? job->names[base] : NULL, &out[m], err);
    for (size_t m = 0; m < job->n_models && status != TIMBANG_OK; m++) {
        json_decref(out[m]);
        out[m] = NULL;
    }
    return status;
}

static timbang_status measure(measurement *x, json_t **out, tb_error *err)
{
    TB_TRY(choose_rows(x, err));
    TB_TRY(plan_turns(x, err));
    TB_TRY(run_turns(x, err));
    return put_models(x, out, err);
}

timbang_status tb_latency_measure(const tb_latency_job *job, json_t **out, tb_error *err)
{
    measurement x = {.job = job, .least_turns = job->rounds ? job->rounds : TB_LATENCY_ROUNDS};
    x.least_turns = x.least_turns > FEWEST_TURNS ? x.least_turns : FEWEST_TURNS;
    x.seconds = job->seconds > 0 ? job->seconds : job->rounds ? 0 : TB_LATENCY_SECONDS;
    for (size_t m = 0; m < job->n_models; m++)
        out[m] = NULL;
    tb_energy_open(job->energy_folder, &x.meter);
    x.times = tb_calloc(job->n_models, sizeof *x.times, err);
    x.spent = x.times ? tb_calloc(job->n_models, sizeof *x.spent, err) : NULL;
    timbang_status status = x.spent ? measure(&x, out, err) : err->status;
    for (size_t m = 0; x.times && m < job->n_models; m++) {
        free(x.times[m].tokenize);
        free(x.times[m].forward);
    }
    free(x.times);
    free(x.spent);
    free(x.rows);
    return status;
}
