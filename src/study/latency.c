/* SPDX-License-Identifier: Apache-2.0
 * Latency of single texts.
 * Includes: study/latency.h, base (energy), eval. Called by: study/timings, study/evaluate. */
#include "study/latency.h"

#include "eval/metrics.h"

#include <stdlib.h>
#include <string.h>

enum { FEWEST_TEXTS = 20, FEWEST_TURNS = 2, MOST_TURNS = 30, MOST_PASSES = 1000 };

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
static size_t texts_for(const tb_config *c, size_t max_length, const length *lengths, size_t n)
{
    const double multiplications_per_s = 50e9;
    size_t longest = max_length ? max_length : 512;
    double h = (double)c->hidden_size, cost = 0,
           weights = (double)c->num_hidden_layers * h * (4 * h + 2 * (double)c->intermediate_size);
    for (size_t i = 0; i < n; i++) {
        size_t tokens = lengths[i].bytes / 4 + 2; /* about */
        cost += weights * (double)(tokens < longest ? tokens : longest) / (double)n;
    }
    double texts = TB_LATENCY_SECONDS * multiplications_per_s / (TB_LATENCY_TURNS * cost);
    return texts > TB_LATENCY_TEXTS ? TB_LATENCY_TEXTS : texts > FEWEST_TEXTS ? (size_t)texts : FEWEST_TEXTS;
}

/* The middle ones of equal parts of all texts by length. */
timbang_status tb_latency_choose(const tb_task *task, const tb_config *config, size_t max_length, size_t most,
                                 tb_latency_texts *out, tb_error *err)
{
    length *lengths = tb_calloc(task->n, sizeof *lengths, err);
    if (!lengths)
        return err->status;
    for (size_t i = 0; i < task->n; i++) {
        const tb_text_ref *text = &task->texts[i];
        lengths[i] = (length){text->length + (text->pair ? strlen(text->pair) : 0), i};
    }
    tb_latency_texts made = {.n = most ? most : texts_for(config, max_length, lengths, task->n)};
    made.n = made.n < task->n ? made.n : task->n;
    qsort(lengths, task->n, sizeof *lengths, compare_lengths);
    made.rows = tb_calloc(made.n, sizeof *made.rows, err);
    for (size_t i = 0; i < made.n && made.rows; i++)
        made.rows[i] = made.longest = lengths[(2 * i + 1) * task->n / (2 * made.n)].row;
    free(lengths);
    if (!made.rows)
        return err->status;
    qsort(made.rows, made.n, sizeof *made.rows, compare_rows);
    *out = made;
    return TIMBANG_OK;
}

void tb_latency_texts_free(tb_latency_texts *texts)
{
    free(texts->rows);
    memset(texts, 0, sizeof *texts);
}

/* ---- Turns ---- */

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
    TB_TRY(tb_check_cancel(run.hooks, err));
    return tb_classifier_run(job->models[model], job->workspace, &job->task->texts[row], 1, &run, logits, &facts, err);
}

/* Times of one turn, [pass][kind][text]. */
typedef struct passes {
    double *ms;
    size_t n, room;
} passes;

static timbang_status take_pass(const tb_latency_job *job, size_t model, passes *p, double *sum, tb_error *err)
{
    size_t texts = job->texts->n;
    if (p->n == p->room) {
        void *ms = p->ms;
        size_t room = p->room ? 2 * p->room : 4;
        TB_TRY(tb_grow(&ms, room * TB_TIME_KINDS * texts, sizeof *p->ms, err));
        p->ms = ms;
        p->room = room;
    }
    double *tokenize = p->ms + p->n * TB_TIME_KINDS * texts, *forward = tokenize + texts, *total = forward + texts;
    for (size_t i = 0; i < texts; i++) {
        TB_TRY(run_one(job, model, job->texts->rows[i], &tokenize[i], &forward[i], err));
        total[i] = tokenize[i] + forward[i];
        *sum += total[i];
    }
    p->n++;
    return TIMBANG_OK;
}

/* Medians of the passes, and the sum of each pass. */
static timbang_status summarize(const passes *p, size_t texts, tb_latency_turn *turn, tb_error *err)
{
    size_t values = TB_TIME_KINDS * texts;
    TB_TRY(tb_latency_turn_make(texts, p->n, turn, err));
    double *column = tb_calloc(p->n, sizeof *column, err);
    if (!column) {
        tb_latency_turn_free(turn);
        return err->status;
    }
    for (size_t v = 0; v < values; v++) {
        for (size_t k = 0; k < p->n; k++) {
            column[k] = p->ms[k * values + v];
            turn->values[values + k] += v >= TB_TIME_TOTAL * texts ? column[k] : 0;
        }
        tb_sort_doubles(column, p->n);
        turn->values[v] = tb_quantile_sorted(column, p->n, 0.5);
    }
    free(column);
    return TIMBANG_OK;
}

static timbang_status take_turn(const tb_latency_job *job, size_t model, tb_latency_turn *turn, tb_error *err)
{
    double tokenize, forward, spent = 0;
    passes p = {0};
    TB_TRY(run_one(job, model, job->texts->longest, &tokenize, &forward, err));
    double before = tb_energy_read(job->meter);
    timbang_status status = TIMBANG_OK;
    do
        status = take_pass(job, model, &p, &spent, err);
    while (status == TIMBANG_OK && spent < job->turn_ms && p.n < MOST_PASSES);
    double joules = tb_energy_read(job->meter) - before;
    if (status == TIMBANG_OK)
        status = summarize(&p, job->texts->n, turn, err);
    free(p.ms);
    TB_TRY(status);
    turn->joules = joules;
    return TIMBANG_OK;
}

timbang_status tb_latency_turns(const tb_latency_job *job, size_t first, tb_latency_turn *turns, tb_error *err)
{
    timbang_status status = TIMBANG_OK;
    memset(turns, 0, job->n_models * sizeof *turns);
    for (size_t k = 0; k < job->n_models && status == TIMBANG_OK; k++) {
        size_t m = (first + k) % job->n_models;
        status = take_turn(job, m, &turns[m], err);
    }
    for (size_t m = 0; m < job->n_models && status != TIMBANG_OK; m++)
        tb_latency_turn_free(&turns[m]);
    return status;
}

/* ---- One model alone ---- */

static timbang_status settled(const tb_latency_options *o, const tb_latency_times *times, size_t least, double seconds,
                              bool *out, tb_error *err)
{
    double spent = tb_latency_times_ms(times) / 1000, uncertainty = 0;
    *out = times->n >= least && spent >= seconds;
    if (!*out || o->rounds > 0 || times->n >= MOST_TURNS)
        return TIMBANG_OK;
    TB_TRY(tb_latency_uncertainty(times, spent, &uncertainty, err));
    *out = uncertainty <= TB_LATENCY_NARROW;
    return TIMBANG_OK;
}

static timbang_status measure(const tb_latency_options *o, const tb_latency_texts *texts, tb_latency_times *times,
                              tb_error *err)
{
    size_t least = o->rounds ? o->rounds : TB_LATENCY_TURNS;
    least = least > FEWEST_TURNS ? least : FEWEST_TURNS;
    double seconds = o->seconds > 0 ? o->seconds : o->rounds ? 0 : TB_LATENCY_SECONDS;
    tb_energy_meter meter;
    tb_energy_open(o->energy_folder, &meter);
    const tb_latency_job job = {.models = &o->model,
                                .n_models = 1,
                                .workspace = o->workspace,
                                .task = o->task,
                                .texts = texts,
                                .turn_ms = seconds * 1000 / TB_LATENCY_USUAL_TURNS,
                                .meter = &meter,
                                .run = o->run};
    const char *stage = o->run.stage ? o->run.stage : "timing";
    for (bool done = false; !done;) {
        tb_latency_turn turn;
        size_t usual = least > TB_LATENCY_USUAL_TURNS || seconds == 0 ? least : TB_LATENCY_USUAL_TURNS;
        tb_progress(o->run.hooks, stage, times->n, times->n < usual ? usual : times->n + 1);
        TB_TRY(tb_latency_turns(&job, 0, &turn, err));
        TB_TRY(tb_latency_times_add(times, &turn, err));
        TB_TRY(settled(o, times, least, seconds, &done, err));
    }
    tb_progress(o->run.hooks, stage, times->n, times->n);
    return TIMBANG_OK;
}

timbang_status tb_latency_measure(const tb_latency_options *options, json_t **out, tb_error *err)
{
    tb_latency_texts texts = {0};
    tb_latency_times times = {0};
    TB_TRY(tb_latency_choose(options->task, tb_classifier_config(options->model), options->run.max_length,
                             options->texts, &texts, err));
    timbang_status status = measure(options, &texts, &times, err);
    if (status == TIMBANG_OK)
        status = tb_latency_figures(&times, NULL, NULL, tb_latency_times_ms(&times) / 1000, out, err);
    tb_latency_times_free(&times);
    tb_latency_texts_free(&texts);
    return status;
}
