/* SPDX-License-Identifier: Apache-2.0
 * The benchmark of the forward pass.
 * Includes: study/bench.h, study/bench_shapes.h, study/variants.h, kernels/peak.h, eval. Called by: api. */
#include "study/bench.h"

#include "base/clock.h"
#include "base/rng.h"
#include "base/text.h"
#include "eval/metrics.h"
#include "kernels/peak.h"
#include "study/bench_shapes.h"
#include "study/record.h"
#include "study/variants.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WARM_UPS = 2,
    MIN_ROUNDS = 10,
    MAX_ROUNDS = 20000,
    MAX_VARIANTS = 64,
    MAX_COMPUTES = 2,
    MAX_LEVELS = 32,
    MAX_COUNTS = 64,
    MAX_COLUMNS = 512, /* variants times computes times levels times numbers of threads */
    MAX_THREADS = 1024,
    MAX_BURST = 64
};
#define BURST_MS 10.0

/* A number of threads. */
typedef struct team {
    tb_pool *pool;
    bool own; /* made here */
} team;

/* One variant as it computes, level and number of threads. */
typedef struct column {
    size_t kind, level, team;
    const tb_classifier *classifier;
    tb_workspace *workspace; /* of (level, team), shared by the variants */
    double peak;             /* operations a second; 0: unknown */
    double read;             /* bytes a second, of as many bytes as the packed weights; 0: unknown */
    double *ms;              /* [MAX_ROUNDS] */
    size_t rounds;
    double spent; /* ms */
} column;

/* A variant and what it computes in: integer variants are there once, float ones for each compute. */
typedef struct variant_kind {
    const char *name; /* NULL: the model as it is, by the name of its scheme */
    bool as_it_is;
    tb_scheme scheme;
    tb_compute compute;
    bool made; /* by a kind before this one: quantized already */
} variant_kind;

typedef struct bench {
    const tb_bench_job *job;
    tb_folder *opened; /* NULL: the embedded one */
    const tb_folder *folder;
    char *directory; /* temporary; NULL: none was made */
    const tb_kernels *levels[MAX_LEVELS];
    team *teams; /* [n_teams] */
    variant_kind kinds[MAX_VARIANTS * MAX_COMPUTES];
    tb_variant *variants;      /* [n_kinds][n_levels] */
    tb_workspace **workspaces; /* [n_levels][n_teams] */
    column *columns;           /* [n_columns] */
    double *ms;                /* [n_columns][MAX_ROUNDS] */
    size_t n_levels, n_teams, n_kinds, n_columns;
    float *logits;
} bench;

/* ---- Levels and threads ---- */

static timbang_status find_level(const char *name, const tb_kernels **out, tb_error *err)
{
    const tb_kernels *usable[MAX_LEVELS];
    size_t n = tb_kernels_usable(usable, MAX_LEVELS);
    tb_text names = {0};
    for (size_t i = 0; i < n; i++) {
        if (strcmp(usable[i]->name, name) == 0) {
            tb_text_free(&names);
            *out = usable[i];
            return TIMBANG_OK;
        }
        if (i)
            tb_text_puts(&names, ", ");
        tb_text_puts(&names, usable[i]->name);
    }
    tb_fail(err, TIMBANG_USAGE, "the CPU level '%s' cannot be used here; one of %s", name,
            names.data ? names.data : "scalar");
    tb_text_free(&names);
    return TIMBANG_USAGE;
}

static timbang_status find_levels(bench *b, tb_error *err)
{
    const timbang_bench_options *o = b->job->options;
    if (!o->levels || o->n_levels == 0) {
        b->levels[b->n_levels++] = b->job->kernels;
        return TIMBANG_OK;
    }
    if (o->n_levels > MAX_LEVELS)
        return tb_fail(err, TIMBANG_USAGE, "%zu CPU levels; at most %d can be compared", o->n_levels, MAX_LEVELS);
    for (size_t i = 0; i < o->n_levels; i++)
        TB_TRY(find_level(o->levels[i], &b->levels[b->n_levels++], err));
    return TIMBANG_OK;
}

static timbang_status make_teams(bench *b, tb_error *err)
{
    const timbang_bench_options *o = b->job->options;
    bool given = o->threads && o->n_threads;
    size_t n = given ? o->n_threads : 1;
    if (n > MAX_COUNTS)
        return tb_fail(err, TIMBANG_USAGE, "%zu numbers of threads; at most %d can be compared", n, MAX_COUNTS);
    b->teams = tb_calloc(n, sizeof *b->teams, err);
    if (!b->teams)
        return err->status;
    for (size_t i = 0; i < n; i++, b->n_teams++) {
        team *t = &b->teams[i];
        if (given && (o->threads[i] < 1 || o->threads[i] > MAX_THREADS))
            return tb_fail(err, TIMBANG_USAGE, "%d threads: a number from 1 to %d is wanted", o->threads[i],
                           MAX_THREADS);
        t->own = given && o->threads[i] != tb_pool_threads(b->job->pool);
        if (!t->own)
            t->pool = b->job->pool;
        else
            TB_TRY(tb_pool_create(o->threads[i], &t->pool, err));
    }
    return TIMBANG_OK;
}

/* ---- Variants ---- */

static timbang_status open_folder(bench *b, tb_error *err)
{
    const timbang_model_options *o = &b->job->options->model;
    const char *path = o->path ? o->path : o->config;
    if (!path && b->job->embedded) {
        b->folder = b->job->embedded;
        return TIMBANG_OK;
    }
    if (!path)
        return tb_fail(err, TIMBANG_USAGE, "there is no model: name its folder%s",
                       o->weights ? " of config.json with --config" : "");
    TB_TRY(tb_folder_open(path, &b->opened, err));
    b->folder = b->opened;
    return TIMBANG_OK;
}

/* Quantized once, for the first level; packed for each. */
static timbang_status make_variant(bench *b, size_t v, size_t level, tb_error *err)
{
    const timbang_model_options *o = &b->job->options->model;
    const variant_kind *kind = &b->kinds[v];
    const tb_scheme *scheme = kind->as_it_is ? NULL : &kind->scheme;
    char *out = NULL;
    if (scheme && !(out = tb_path_join(b->directory, scheme->name, err)))
        return err->status;
    tb_variant_job job = {
        .folder = b->folder,
        .weights_path = o->weights,
        .labels = o->labels,
        .n_labels = o->n_labels,
        .seed = o->seed,
        .compute = kind->compute,
        .scheme = scheme,
        .out = out,
        .reuse = level > 0 || kind->made,
        .kernels = b->levels[level],
        .pool = b->job->pool,
        .hooks = b->job->hooks,
    };
    timbang_status status = tb_variant_make(&job, &b->variants[v * b->n_levels + level], err);
    free(out);
    return status;
}

static bool is_as_it_is(const char *variant)
{
    return strcmp(variant, "as-is") == 0;
}

static timbang_status find_computes(const bench *b, tb_compute computes[MAX_COMPUTES], size_t *n, tb_error *err)
{
    const timbang_bench_options *o = b->job->options;
    *n = 1;
    if (!o->computes || o->n_computes == 0)
        return tb_compute_parse(o->model.compute, &computes[0], err);
    if (o->n_computes > MAX_COMPUTES)
        return tb_fail(err, TIMBANG_USAGE, "%zu computes; there are fp32 and bf16", o->n_computes);
    *n = o->n_computes;
    for (size_t i = 0; i < *n; i++)
        TB_TRY(tb_compute_parse(o->computes[i], &computes[i], err));
    return TIMBANG_OK;
}

static timbang_status find_kinds(bench *b, tb_error *err)
{
    const timbang_bench_options *o = b->job->options;
    bool given = o->variants && o->n_variants;
    size_t n = given ? o->n_variants : 1, n_computes;
    tb_compute computes[MAX_COMPUTES];
    if (n > MAX_VARIANTS)
        return tb_fail(err, TIMBANG_USAGE, "%zu variants; at most %d can be compared", n, MAX_VARIANTS);
    TB_TRY(find_computes(b, computes, &n_computes, err));
    for (size_t v = 0; v < n; v++) {
        variant_kind kind = {.name = given ? o->variants[v] : NULL, .as_it_is = !given || is_as_it_is(o->variants[v])};
        if (!kind.as_it_is)
            TB_TRY(tb_scheme_parse(kind.name, 0, NULL, &kind.scheme, err));
        bool integer = !kind.as_it_is && kind.scheme.act != TB_ACT_FLOAT;
        for (size_t i = 0; i < (integer ? 1 : n_computes); i++) {
            kind.compute = integer ? TB_COMPUTE_FP32 : computes[i];
            kind.made = i > 0;
            b->kinds[b->n_kinds++] = kind;
        }
    }
    return TIMBANG_OK;
}

static timbang_status make_variants(bench *b, tb_error *err)
{
    bool any = false;
    TB_TRY(find_kinds(b, err));
    for (size_t v = 0; v < b->n_kinds; v++)
        any = any || !b->kinds[v].as_it_is;
    b->variants = tb_calloc(b->n_kinds * b->n_levels, sizeof *b->variants, err);
    if (!b->variants)
        return err->status;
    if (any)
        TB_TRY(tb_temporary_folder(&b->directory, err));
    for (size_t v = 0; v < b->n_kinds; v++)
        for (size_t level = 0; level < b->n_levels; level++) {
            TB_TRY(tb_check_cancel(b->job->hooks, err));
            TB_TRY(make_variant(b, v, level, err));
        }
    return TIMBANG_OK;
}

/* ---- Columns, and what the machine could do at best ---- */

static tb_peak_kind peak_kind(tb_weight_kind kind)
{
    return kind == TB_WEIGHT_S8 || kind == TB_WEIGHT_S4 ? TB_PEAK_S8
           : kind == TB_WEIGHT_BF16                     ? TB_PEAK_BF16
                                                        : TB_PEAK_F32;
}

static timbang_status make_columns(bench *b, tb_error *err)
{
    size_t n = b->n_kinds * b->n_levels * b->n_teams;
    if (n > MAX_COLUMNS)
        return tb_fail(err, TIMBANG_USAGE, "%zu variants x %zu levels x %zu numbers of threads are more than %d",
                       b->n_kinds, b->n_levels, b->n_teams, MAX_COLUMNS);
    b->workspaces = tb_calloc(b->n_levels * b->n_teams, sizeof *b->workspaces, err);
    b->columns = b->workspaces ? tb_calloc(n, sizeof *b->columns, err) : NULL;
    b->ms = b->columns ? tb_calloc(n * MAX_ROUNDS, sizeof *b->ms, err) : NULL;
    if (!b->ms)
        return err->status;
    for (size_t l = 0; l < b->n_levels; l++)
        for (size_t t = 0; t < b->n_teams; t++)
            TB_TRY(tb_workspace_create(b->teams[t].pool, &b->workspaces[l * b->n_teams + t], err));
    for (size_t v = 0; v < b->n_kinds; v++)
        for (size_t l = 0; l < b->n_levels; l++)
            for (size_t t = 0; t < b->n_teams; t++) {
                column *c = &b->columns[b->n_columns];
                c->kind = v;
                c->level = l;
                c->team = t;
                c->classifier = b->variants[v * b->n_levels + l].classifier;
                c->workspace = b->workspaces[l * b->n_teams + t];
                c->ms = b->ms + b->n_columns++ * MAX_ROUNDS;
            }
    return TIMBANG_OK;
}

static timbang_status measure_peaks(bench *b, tb_error *err)
{
    for (size_t l = 0; l < b->n_levels; l++)
        for (size_t t = 0; t < b->n_teams; t++) {
            double peaks[TB_PEAK_KINDS] = {0};
            for (size_t i = 0; i < b->n_columns; i++) {
                column *c = &b->columns[i];
                if (c->level != l || c->team != t)
                    continue;
                tb_peak_kind kind = peak_kind(tb_classifier_linear_work(c->classifier, 1, 1).kind);
                TB_TRY(tb_check_cancel(b->job->hooks, err));
                if (peaks[kind] <= 0)
                    peaks[kind] = tb_peak_measure(b->levels[l], kind, b->teams[t].pool);
                c->peak = peaks[kind];
            }
        }
    return TIMBANG_OK;
}

/* Columns of one size and number of threads share a measurement. */
static timbang_status measure_reading(bench *b, tb_error *err)
{
    for (size_t i = 0; i < b->n_columns; i++) {
        column *c = &b->columns[i];
        size_t bytes = (size_t)tb_classifier_linear_work(c->classifier, 1, 1).bytes / 256 * 256;
        for (size_t j = 0; j < i && c->read <= 0; j++)
            if (b->columns[j].team == c->team &&
                (size_t)tb_classifier_linear_work(b->columns[j].classifier, 1, 1).bytes / 256 * 256 == bytes)
                c->read = b->columns[j].read;
        if (c->read > 0)
            continue;
        TB_TRY(tb_check_cancel(b->job->hooks, err));
        char *block = tb_alloc_aligned(bytes, 1, err);
        if (!block)
            return err->status;
        memset(block, 1, bytes); /* pages of their own */
        c->read = tb_read_measure(block, bytes, b->teams[c->team].pool);
        tb_free_aligned(block);
    }
    return TIMBANG_OK;
}

/* ---- Rounds ---- */

typedef struct random_batch {
    int32_t *ids, *type_ids;
    size_t *cu_seqlens;
} random_batch;

static void free_batch(random_batch *batch)
{
    free(batch->ids);
    free(batch->type_ids);
    free(batch->cu_seqlens);
}

static timbang_status make_batch(const bench *b, const tb_bench_shape *s, random_batch *batch, tb_error *err)
{
    size_t vocabulary = tb_classifier_config(b->variants[0].classifier)->vocab_size;
    *batch = (random_batch){.ids = tb_calloc(s->total, sizeof *batch->ids, err)};
    batch->type_ids = batch->ids ? tb_calloc(s->total, sizeof *batch->type_ids, err) : NULL;
    batch->cu_seqlens = batch->type_ids ? tb_calloc(s->texts + 1, sizeof *batch->cu_seqlens, err) : NULL;
    if (!batch->cu_seqlens) {
        free_batch(batch);
        return err->status;
    }
    tb_rng rng = tb_rng_make(0, tb_hash64("bench", 5));
    for (size_t i = 0; i < s->total; i++)
        batch->ids[i] = (int32_t)tb_rng_below(&rng, vocabulary);
    for (size_t i = 0; i < s->texts; i++)
        batch->cu_seqlens[i + 1] = batch->cu_seqlens[i] + tb_bench_shape_length(s, i);
    return TIMBANG_OK;
}

static timbang_status forward(const bench *b, const column *c, const tb_bench_shape *s, const random_batch *batch,
                              double *ms, tb_error *err)
{
    tb_batch pass = {.n_texts = s->texts,
                     .n_tokens = s->total,
                     .ids = batch->ids,
                     .type_ids = batch->type_ids,
                     .cu_seqlens = batch->cu_seqlens};
    double begin = tb_now_ms();
    TB_TRY(tb_classifier_forward(c->classifier, c->workspace, &pass, b->logits, err));
    *ms = tb_now_ms() - begin;
    return TIMBANG_OK;
}

/* One turn of a column: a pass that is not timed, which brings its weights and threads back, then timed ones for some
 * milliseconds. */
static timbang_status turn(const bench *b, column *c, const tb_bench_shape *s, const random_batch *batch, tb_error *err)
{
    double ms, spent = 0;
    TB_TRY(tb_check_cancel(b->job->hooks, err));
    TB_TRY(forward(b, c, s, batch, &ms, err));
    for (int i = 0; i < MAX_BURST && c->rounds < MAX_ROUNDS && spent < BURST_MS; i++) {
        TB_TRY(forward(b, c, s, batch, &ms, err));
        c->ms[c->rounds++] = ms;
        spent += ms;
    }
    c->spent += spent;
    return TIMBANG_OK;
}

static bool enough(const bench *b)
{
    for (size_t i = 0; i < b->n_columns; i++) {
        const column *c = &b->columns[i];
        if (c->rounds < MIN_ROUNDS || (c->rounds < MAX_ROUNDS && c->spent < b->job->options->min_seconds * 1000))
            return false;
    }
    return true;
}

static timbang_status run_rounds(bench *b, const tb_bench_shape *s, const random_batch *batch, tb_error *err)
{
    double ms;
    for (size_t i = 0; i < b->n_columns; i++) {
        column *c = &b->columns[i];
        c->rounds = 0;
        c->spent = 0;
        TB_TRY(tb_workspace_reserve(c->workspace, c->classifier, s->total, s->texts, s->tokens, err));
        for (int w = 0; w < WARM_UPS; w++)
            TB_TRY(forward(b, c, s, batch, &ms, err));
    }
    for (size_t first = 0; !enough(b); first++)
        for (size_t i = 0; i < b->n_columns; i++)
            TB_TRY(turn(b, &b->columns[(first + i) % b->n_columns], s, batch, err));
    return TIMBANG_OK;
}

/* ---- Rows ---- */

static json_t *known(double value)
{
    return value > 0 ? tb_json_real(value) : json_null();
}

static timbang_status record_column(const bench *b, const column *c, const tb_bench_shape *s, json_t *out,
                                    tb_error *err)
{
    const variant_kind *kind = &b->kinds[c->kind];
    tb_timing t;
    TB_TRY(tb_timing_compute(c->ms, c->rounds, &t, err));
    const char *scheme = tb_classifier_scheme(c->classifier);
    const char *variant = kind->name ? kind->name : scheme;
    tb_linear_work work = tb_classifier_linear_work(c->classifier, s->texts, s->total);
    double seconds = t.median * 1e-3, operations = 2 * (double)work.macs, bytes = (double)work.bytes;
    double by_reading = c->read > 0 ? bytes / c->read : 0, by_peak = c->peak > 0 ? operations / c->peak : 0;
    double bound = c->read > 0 && c->peak > 0 ? (by_reading > by_peak ? by_reading : by_peak) : 0;
    json_t *row =
        json_pack("{s:s, s:o, s:o, s:o, s:s, s:s, s:s, s:i, s:o, s:f, s:f, s:f, s:o}", "shape", s->name, "texts",
                  tb_json_count(s->texts), "tokens", tb_json_count(s->tokens), "total_tokens", tb_json_count(s->total),
                  "variant", variant, "scheme", scheme, "level", b->levels[c->level]->name, "threads",
                  tb_pool_threads(b->teams[c->team].pool), "rounds", tb_json_count(c->rounds), "median_ms", t.median,
                  "p10_ms", t.p10, "p90_ms", t.p90, "texts_per_s", tb_json_real((double)s->texts / seconds));
    json_t *work_row = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "gops",
                                 tb_json_real(operations / seconds * 1e-9), "peak_gops", known(c->peak * 1e-9),
                                 "peak_share", known(c->peak > 0 ? operations / seconds / c->peak : 0), "weight_bytes",
                                 tb_json_count((size_t)work.bytes), "gb_per_s", tb_json_real(bytes / seconds * 1e-9),
                                 "read_gb_per_s", known(c->read * 1e-9), "read_share",
                                 known(c->read > 0 ? bytes / seconds / c->read : 0), "bound_ms", known(bound * 1e3));
    bool failed = !row || !work_row || json_object_update(row, work_row) != 0;
    if (!failed && kind->compute != TB_COMPUTE_FP32)
        failed = json_object_set_new(row, "compute", json_string(tb_compute_name(kind->compute))) != 0;
    json_decref(work_row);
    if (failed) {
        json_decref(row);
        return tb_no_memory(err, 0);
    }
    return tb_json_done(json_array_append_new(out, row) != 0, err);
}

static timbang_status run_shape(bench *b, const tb_bench_shape *s, json_t *out, tb_error *err)
{
    random_batch batch;
    TB_TRY(make_batch(b, s, &batch, err));
    timbang_status status = run_rounds(b, s, &batch, err);
    free_batch(&batch);
    for (size_t i = 0; status == TIMBANG_OK && i < b->n_columns; i++)
        status = record_column(b, &b->columns[i], s, out, err);
    return status;
}

static timbang_status check_lengths(const bench *b, const tb_bench_shape *shapes, size_t n, tb_error *err)
{
    size_t positions = tb_classifier_config(b->variants[0].classifier)->max_position_embeddings;
    for (size_t i = 0; i < n; i++)
        if (shapes[i].tokens > positions)
            return tb_fail(err, TIMBANG_USAGE, "the shape %s is too long: the model has %zu positions", shapes[i].name,
                           positions);
    return TIMBANG_OK;
}

static timbang_status run(bench *b, json_t *out, tb_error *err)
{
    tb_bench_shape shapes[TB_BENCH_SHAPES];
    size_t n = 0;
    TB_TRY(tb_bench_shapes_parse(b->job->options->shapes, shapes, &n, err));
    TB_TRY(find_levels(b, err));
    TB_TRY(make_teams(b, err));
    TB_TRY(open_folder(b, err));
    TB_TRY(make_variants(b, err));
    TB_TRY(check_lengths(b, shapes, n, err));
    TB_TRY(make_columns(b, err));
    b->logits =
        tb_calloc(TB_BENCH_TEXTS * tb_classifier_config(b->variants[0].classifier)->n_labels, sizeof *b->logits, err);
    if (!b->logits)
        return err->status;
    TB_TRY(measure_peaks(b, err));
    TB_TRY(measure_reading(b, err));
    for (size_t i = 0; i < n; i++) {
        TB_TRY(run_shape(b, &shapes[i], out, err));
        tb_progress(b->job->hooks, "benchmark", i + 1, n);
    }
    return TIMBANG_OK;
}

static void release(bench *b)
{
    for (size_t i = 0; b->workspaces && i < b->n_levels * b->n_teams; i++)
        tb_workspace_free(b->workspaces[i]);
    free(b->workspaces);
    free(b->columns);
    for (size_t i = 0; b->variants && i < b->n_kinds * b->n_levels; i++)
        tb_variant_free(&b->variants[i]);
    free(b->variants);
    for (size_t i = 0; i < b->n_teams; i++)
        if (b->teams[i].own)
            tb_pool_free(b->teams[i].pool);
    free(b->teams);
    free(b->logits);
    free(b->ms);
    tb_folder_close(b->opened);
    if (b->directory) {
        tb_error ignored;
        (void)tb_remove_tree(b->directory, &ignored);
        free(b->directory);
    }
}

timbang_status tb_bench_run(const tb_bench_job *job, json_t **out, tb_error *err)
{
    bench b = {.job = job};
    json_t *rows = json_array();
    timbang_status status = rows ? run(&b, rows, err) : tb_no_memory(err, 0);
    release(&b);
    if (status != TIMBANG_OK) {
        json_decref(rows);
        return status;
    }
    *out = rows;
    return TIMBANG_OK;
}
