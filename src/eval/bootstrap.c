/* SPDX-License-Identifier: Apache-2.0
 * The paired bootstrap. Texts on which truth and all predictions agree form a cell; a replicate counts how often each
 * text was drawn, adds these counts up by cell, and makes every classifier's confusion matrix from the cells, which are
 * few.
 * Includes: eval/bootstrap.h, base/rng.h. Called by: study. */
#include "eval/bootstrap.h"

#include "base/rng.h"

#include <stdlib.h>
#include <string.h>

/* ---- Cells ---- */

typedef struct cells {
    size_t n_cells;
    uint32_t *of_text; /* [n] */
    uint32_t *first;   /* [n_cells] its first text, whose truth and predictions are the cell's */
} cells;

static void cells_free(cells *c)
{
    free(c->of_text);
    free(c->first);
}

/* A table from (cell so far, one more class) to a finer cell; open addressing, a power of two at least 2 n. */
typedef struct table {
    uint64_t *key; /* cell * 256 + class + 1; 0: free */
    uint32_t *cell;
    size_t mask;
} table;

static uint32_t refined(table *t, uint64_t key, uint32_t *n_cells)
{
    size_t at = (size_t)((key * 0x9E3779B97F4A7C15ULL) >> 20) & t->mask;
    while (t->key[at] != 0 && t->key[at] != key)
        at = (at + 1) & t->mask;
    if (t->key[at] == 0) {
        t->key[at] = key;
        t->cell[at] = (*n_cells)++;
    }
    return t->cell[at];
}

/* Splits all cells by one classifier's predictions, or by the truth (predicted NULL). */
static void refine(const tb_bootstrap_job *job, const uint8_t *predicted, table *t, cells *c)
{
    uint32_t n_cells = 0;
    memset(t->key, 0, (t->mask + 1) * sizeof *t->key);
    for (size_t i = 0; i < job->n; i++) {
        uint64_t class_index = predicted ? predicted[i] : (uint64_t)job->truth[i];
        c->of_text[i] = refined(t, (uint64_t)c->of_text[i] * 256 + class_index + 1, &n_cells);
    }
    c->n_cells = n_cells;
}

static timbang_status cells_make(const tb_bootstrap_job *job, cells *c, tb_error *err)
{
    size_t slots = 16;
    while (slots < 2 * job->n)
        slots *= 2;
    table t = {.mask = slots - 1};
    t.key = tb_calloc(slots, sizeof *t.key, err);
    t.cell = t.key ? tb_calloc(slots, sizeof *t.cell, err) : NULL;
    c->of_text = t.cell ? tb_calloc(job->n, sizeof *c->of_text, err) : NULL;
    if (c->of_text) {
        refine(job, NULL, &t, c);
        for (size_t v = 0; v < job->n_classifiers; v++)
            refine(job, job->classifiers[v].predicted, &t, c);
        c->first = tb_calloc(c->n_cells, sizeof *c->first, err);
    }
    free(t.key);
    free(t.cell);
    if (!c->first)
        return err->status;
    for (size_t i = job->n; i-- > 0;)
        c->first[c->of_text[i]] = (uint32_t)i;
    return TIMBANG_OK;
}

/* ---- Replicates ---- */

typedef struct workspace {
    uint16_t *times; /* [n] how often a text was drawn. More than 65535 times needs more than 65535 texts, and then has
                        no probability to speak of (1 / 65536!). */
    size_t *in_cell; /* [n_cells] draws */
    size_t *confusion; /* [n_classes][n_classes] */
    double *sums;      /* [n_classifiers] of confidence */
} workspace;

typedef struct run {
    const tb_bootstrap_job *job;
    cells cells;
    double *confidence; /* [n][n_classifiers] */
    workspace *spaces;  /* [threads] */
    size_t begin, end;  /* replicates of this round */
    tb_replicate *out;
} run;

size_t tb_bootstrap_draw(uint64_t seed, uint64_t replicate, uint64_t i, size_t n)
{
    uint32_t words[4];
    tb_philox(seed, replicate, i / 4, words);
    return (size_t)(((uint64_t)words[i % 4] * n) >> 32);
}

static void draw(const tb_bootstrap_job *job, uint64_t replicate, uint16_t *times)
{
    memset(times, 0, job->n * sizeof *times);
    for (size_t i = 0; i < job->n; i += 4) {
        uint32_t words[4];
        tb_philox(job->seed, replicate, i / 4, words);
        for (size_t w = 0; w < 4 && i + w < job->n; w++)
            times[((uint64_t)words[w] * job->n) >> 32]++;
    }
}

static void add_up(const run *r, workspace *space)
{
    const tb_bootstrap_job *job = r->job;
    size_t m = job->n_classifiers;
    memset(space->in_cell, 0, r->cells.n_cells * sizeof *space->in_cell);
    memset(space->sums, 0, m * sizeof *space->sums);
    for (size_t i = 0; i < job->n; i++) {
        if (space->times[i] == 0)
            continue;
        double times = space->times[i];
        const double *confidence = r->confidence + i * m;
        space->in_cell[r->cells.of_text[i]] += space->times[i];
        for (size_t v = 0; v < m; v++)
            space->sums[v] += times * confidence[v];
    }
}

static tb_replicate figures_of(const run *r, workspace *space, size_t v)
{
    const tb_bootstrap_job *job = r->job;
    size_t k = job->n_classes;
    memset(space->confusion, 0, k * k * sizeof *space->confusion);
    for (size_t c = 0; c < r->cells.n_cells; c++) {
        uint32_t text = r->cells.first[c];
        size_t truth = (size_t)job->truth[text], predicted = job->classifiers[v].predicted[text];
        space->confusion[truth * k + predicted] += space->in_cell[c];
    }
    tb_confusion_figures f;
    tb_confusion_compute(space->confusion, k, NULL, &f);
    return (tb_replicate){f.accuracy, f.macro_f1, f.weighted_f1, f.mcc, space->sums[v] / (double)job->n};
}

static void replicates(void *arg, int thread, int n_threads)
{
    const run *r = arg;
    size_t begin, end;
    tb_share(r->end - r->begin, 1, thread, n_threads, &begin, &end);
    for (size_t b = r->begin + begin; b < r->begin + end; b++) {
        workspace *space = &r->spaces[thread];
        draw(r->job, b, space->times);
        add_up(r, space);
        for (size_t v = 0; v < r->job->n_classifiers; v++)
            r->out[v * r->job->replicates + b] = figures_of(r, space, v);
    }
}

/* ---- The whole ---- */

static timbang_status allocate(run *r, size_t n_threads, tb_error *err)
{
    const tb_bootstrap_job *job = r->job;
    size_t count, m = job->n_classifiers;
    if (!tb_mul_size(job->n, m, &count))
        return tb_no_memory(err, SIZE_MAX);
    r->spaces = tb_calloc(n_threads, sizeof *r->spaces, err);
    r->confidence = r->spaces ? tb_calloc(count, sizeof *r->confidence, err) : NULL;
    r->out = r->confidence ? tb_calloc(m * job->replicates, sizeof *r->out, err) : NULL;
    if (!r->out)
        return err->status;
    for (size_t t = 0; t < n_threads; t++) {
        workspace *space = &r->spaces[t];
        space->times = tb_calloc(job->n, sizeof *space->times, err);
        space->in_cell = space->times ? tb_calloc(r->cells.n_cells, sizeof *space->in_cell, err) : NULL;
        space->confusion =
            space->in_cell ? tb_calloc(job->n_classes * job->n_classes, sizeof *space->confusion, err) : NULL;
        space->sums = space->confusion ? tb_calloc(m, sizeof *space->sums, err) : NULL;
        if (!space->sums)
            return err->status;
    }
    for (size_t v = 0; v < m; v++)
        for (size_t i = 0; i < job->n; i++)
            r->confidence[i * m + v] = job->classifiers[v].confidence[i];
    return TIMBANG_OK;
}

/* In rounds of some tenths of a second, between which the caller may stop. */
static timbang_status run_all(run *r, size_t n_threads, tb_error *err)
{
    const tb_bootstrap_job *job = r->job;
    size_t step = 20000000 / (job->n + job->n_classes * job->n_classes * job->n_classifiers) + 1;
    step = tb_round_up(step, n_threads);
    for (size_t b = 0; b < job->replicates; b = r->end) {
        tb_progress(job->hooks, "bootstrap", b, job->replicates);
        TB_TRY(tb_check_cancel(job->hooks, err));
        r->begin = b;
        r->end = job->replicates - b > step ? b + step : job->replicates;
        tb_pool_run(job->pool, replicates, r);
    }
    tb_progress(job->hooks, "bootstrap", job->replicates, job->replicates);
    return TIMBANG_OK;
}

timbang_status tb_bootstrap_run(const tb_bootstrap_job *job, tb_replicate **out, tb_error *err)
{
    if (job->n == 0 || job->n >= UINT32_MAX)
        return tb_fail(err, TIMBANG_UNSUPPORTED, "a bootstrap of %zu texts; 1 to %lu are possible", job->n,
                       (unsigned long)UINT32_MAX - 1);
    run r = {.job = job};
    size_t n_threads = (size_t)(job->pool ? tb_pool_threads(job->pool) : 1);
    timbang_status status = cells_make(job, &r.cells, err);
    if (status == TIMBANG_OK)
        status = allocate(&r, n_threads, err);
    if (status == TIMBANG_OK)
        status = run_all(&r, n_threads, err);
    for (size_t t = 0; r.spaces && t < n_threads; t++) {
        free(r.spaces[t].times);
        free(r.spaces[t].in_cell);
        free(r.spaces[t].confusion);
        free(r.spaces[t].sums);
    }
    free(r.spaces);
    free(r.confidence);
    cells_free(&r.cells);
    if (status != TIMBANG_OK) {
        free(r.out);
        return status;
    }
    *out = r.out;
    return TIMBANG_OK;
}

/* ---- What follows from the replicates ---- */

tb_range tb_bootstrap_interval(double *values, size_t n)
{
    tb_sort_doubles(values, n);
    return (tb_range){tb_quantile_sorted(values, n, 0.025), tb_quantile_sorted(values, n, 0.975)};
}

double tb_bootstrap_p(const double *differences, size_t n)
{
    size_t not_above = 0, not_below = 0;
    for (size_t i = 0; i < n; i++) {
        not_above += differences[i] <= 1e-12;
        not_below += differences[i] >= -1e-12;
    }
    size_t rarer = not_above < not_below ? not_above : not_below;
    double p = 2 * (1 + (double)rarer) / ((double)n + 1);
    return p < 1 ? p : 1;
}
