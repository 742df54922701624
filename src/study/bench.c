/* SPDX-License-Identifier: Apache-2.0
 * The simple benchmark.
 * Includes: study/bench.h, study/variants.h, eval. Called by: api. */
#include "study/bench.h"

#include "base/clock.h"
#include "base/rng.h"
#include "base/text.h"
#include "eval/metrics.h"
#include "study/record.h"
#include "study/variants.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SHAPES = 64, MAX_TEXTS = 4096, WARM_UPS = 2, MIN_ROUNDS = 10, MAX_ROUNDS = 20000, MAX_VARIANTS = 64 };

typedef struct shape {
    size_t texts, tokens;
} shape;

typedef struct bench {
    const tb_bench_job *job;
    tb_folder *opened; /* NULL: the embedded one */
    const tb_folder *folder;
    char *directory; /* temporary; NULL: none was made */
    tb_variant *variants;
    size_t n_variants, n_labels;
    tb_workspace *workspace;
    float *logits;
    double *ms; /* [variant][round] */
} bench;

/* ---- Shapes ---- */

static timbang_status parse_shape(const char *text, size_t length, shape *out, tb_error *err)
{
    char part[64], *x;
    uint64_t texts, tokens;
    if (length < sizeof part) {
        memcpy(part, text, length);
        part[length] = '\0';
        x = strchr(part, 'x');
        if (x) {
            *x = '\0';
            if (tb_parse_u64(part, &texts) && tb_parse_u64(x + 1, &tokens) && texts >= 1 && texts <= MAX_TEXTS &&
                tokens >= 1 && tokens <= MAX_TEXTS) {
                *out = (shape){(size_t)texts, (size_t)tokens};
                return TIMBANG_OK;
            }
        }
    }
    return tb_fail(err, TIMBANG_USAGE, "the shape '%.*s' is not TEXTSxTOKENS, such as 8x128 (each from 1 to %d)",
                   (int)(length < 60 ? length : 60), text, MAX_TEXTS);
}

static timbang_status parse_shapes(const char *text, shape shapes[MAX_SHAPES], size_t *n, tb_error *err)
{
    if (!text)
        text = "1x16,1x32,1x128,8x128";
    *n = 0;
    for (const char *at = text;; at++) {
        size_t length = strcspn(at, ",");
        if (*n == MAX_SHAPES)
            return tb_fail(err, TIMBANG_USAGE, "more than %d shapes", MAX_SHAPES);
        TB_TRY(parse_shape(at, length, &shapes[(*n)++], err));
        at += length;
        if (*at == '\0')
            return TIMBANG_OK;
    }
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

static timbang_status make_variant(bench *b, size_t v, const tb_scheme *scheme, tb_error *err)
{
    const timbang_model_options *o = &b->job->options->model;
    char *out = NULL;
    if (scheme && !(out = tb_path_join(b->directory, scheme->name, err)))
        return err->status;
    tb_variant_job job = {
        .folder = b->folder,
        .weights_path = o->weights,
        .labels = o->labels,
        .n_labels = o->n_labels,
        .seed = o->seed,
        .scheme = scheme,
        .out = out,
        .kernels = b->job->kernels,
        .pool = b->job->pool,
        .hooks = b->job->hooks,
    };
    timbang_status status = tb_variant_make(&job, &b->variants[v], err);
    free(out);
    return status;
}

static timbang_status make_variants(bench *b, tb_error *err)
{
    const timbang_bench_options *o = b->job->options;
    bool as_it_is = !o->variants || o->n_variants == 0;
    if (!as_it_is && o->n_variants > MAX_VARIANTS)
        return tb_fail(err, TIMBANG_USAGE, "%zu variants; at most %d can be compared", o->n_variants, MAX_VARIANTS);
    size_t n = as_it_is ? 1 : o->n_variants;
    b->variants = tb_calloc(n, sizeof *b->variants, err);
    if (!b->variants)
        return err->status;
    b->n_variants = n;
    if (as_it_is)
        return make_variant(b, 0, NULL, err);
    tb_scheme schemes[MAX_VARIANTS];
    for (size_t v = 0; v < n; v++)
        TB_TRY(tb_scheme_parse(o->variants[v], 0, NULL, &schemes[v], err));
    TB_TRY(tb_temporary_folder(&b->directory, err));
    for (size_t v = 0; v < n; v++) {
        TB_TRY(tb_check_cancel(b->job->hooks, err));
        TB_TRY(make_variant(b, v, &schemes[v], err));
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

static timbang_status make_batch(const bench *b, shape s, random_batch *batch, tb_error *err)
{
    size_t vocabulary = tb_classifier_config(b->variants[0].classifier)->vocab_size;
    *batch = (random_batch){.ids = tb_calloc(s.texts * s.tokens, sizeof *batch->ids, err)};
    batch->type_ids = batch->ids ? tb_calloc(s.texts * s.tokens, sizeof *batch->type_ids, err) : NULL;
    batch->cu_seqlens = batch->type_ids ? tb_calloc(s.texts + 1, sizeof *batch->cu_seqlens, err) : NULL;
    if (!batch->cu_seqlens) {
        free_batch(batch);
        return err->status;
    }
    tb_rng rng = tb_rng_make(0, tb_hash64("bench", 5));
    for (size_t i = 0; i < s.texts * s.tokens; i++)
        batch->ids[i] = (int32_t)tb_rng_below(&rng, vocabulary);
    for (size_t i = 0; i <= s.texts; i++)
        batch->cu_seqlens[i] = i * s.tokens;
    return TIMBANG_OK;
}

static timbang_status forward(const bench *b, size_t v, shape s, const random_batch *batch, double *ms, tb_error *err)
{
    tb_batch pass = {.n_texts = s.texts,
                     .n_tokens = s.texts * s.tokens,
                     .ids = batch->ids,
                     .type_ids = batch->type_ids,
                     .cu_seqlens = batch->cu_seqlens};
    double begin = tb_now_ms();
    TB_TRY(tb_classifier_forward(b->variants[v].classifier, b->workspace, &pass, b->logits, err));
    *ms = tb_now_ms() - begin;
    return TIMBANG_OK;
}

static timbang_status run_rounds(const bench *b, shape s, const random_batch *batch, size_t *rounds, tb_error *err)
{
    double ms, spent = 0, wanted = b->job->options->min_seconds * 1000 * (double)b->n_variants;
    for (size_t v = 0; v < b->n_variants; v++) {
        TB_TRY(
            tb_workspace_reserve(b->workspace, b->variants[v].classifier, s.texts * s.tokens, s.texts, s.tokens, err));
        for (int i = 0; i < WARM_UPS; i++)
            TB_TRY(forward(b, v, s, batch, &ms, err));
    }
    size_t round = 0;
    for (; round < MAX_ROUNDS && (round < MIN_ROUNDS || spent < wanted); round++)
        for (size_t turn = 0; turn < b->n_variants; turn++) {
            size_t v = (turn + round) % b->n_variants;
            TB_TRY(tb_check_cancel(b->job->hooks, err));
            TB_TRY(forward(b, v, s, batch, &ms, err));
            b->ms[v * MAX_ROUNDS + round] = ms;
            spent += ms;
        }
    *rounds = round;
    return TIMBANG_OK;
}

static timbang_status record(const bench *b, shape s, size_t rounds, json_t *out, tb_error *err)
{
    for (size_t v = 0; v < b->n_variants; v++) {
        tb_timing t;
        char name[48];
        snprintf(name, sizeof name, "%zux%zu", s.texts, s.tokens);
        TB_TRY(tb_timing_compute(b->ms + v * MAX_ROUNDS, rounds, &t, err));
        const timbang_bench_options *o = b->job->options;
        const char *variant =
            o->variants && o->n_variants ? o->variants[v] : tb_classifier_scheme(b->variants[v].classifier);
        json_t *row = json_pack("{s:s, s:o, s:o, s:s, s:o, s:f, s:f, s:f, s:o}", "shape", name, "texts",
                                tb_json_count(s.texts), "tokens", tb_json_count(s.tokens), "variant", variant, "rounds",
                                tb_json_count(rounds), "median_ms", t.median, "p10_ms", t.p10, "p90_ms", t.p90,
                                "texts_per_s", tb_json_real((double)s.texts * 1000 / t.median));
        TB_TRY(tb_json_done(json_array_append_new(out, row) != 0, err));
    }
    return TIMBANG_OK;
}

static timbang_status run_shape(bench *b, shape s, json_t *out, tb_error *err)
{
    size_t positions = tb_classifier_config(b->variants[0].classifier)->max_position_embeddings;
    if (s.tokens > positions)
        return tb_fail(err, TIMBANG_USAGE, "the shape %zux%zu is too long: the model has %zu positions", s.texts,
                       s.tokens, positions);
    random_batch batch;
    TB_TRY(make_batch(b, s, &batch, err));
    size_t rounds = 0;
    timbang_status status = run_rounds(b, s, &batch, &rounds, err);
    free_batch(&batch);
    return status == TIMBANG_OK ? record(b, s, rounds, out, err) : status;
}

static timbang_status run(bench *b, json_t *out, tb_error *err)
{
    shape shapes[MAX_SHAPES];
    size_t n = 0;
    TB_TRY(parse_shapes(b->job->options->shapes, shapes, &n, err));
    TB_TRY(open_folder(b, err));
    TB_TRY(make_variants(b, err));
    TB_TRY(tb_workspace_create(b->job->pool, &b->workspace, err));
    size_t n_labels = tb_classifier_config(b->variants[0].classifier)->n_labels;
    b->logits = tb_calloc(MAX_TEXTS * n_labels, sizeof *b->logits, err);
    b->ms = b->logits ? tb_calloc(b->n_variants * MAX_ROUNDS, sizeof *b->ms, err) : NULL;
    if (!b->ms)
        return err->status;
    for (size_t i = 0; i < n; i++) {
        TB_TRY(run_shape(b, shapes[i], out, err));
        tb_progress(b->job->hooks, "benchmark", i + 1, n);
    }
    return TIMBANG_OK;
}

timbang_status tb_bench_run(const tb_bench_job *job, json_t **out, tb_error *err)
{
    bench b = {.job = job};
    json_t *rows = json_array();
    timbang_status status = rows ? run(&b, rows, err) : tb_no_memory(err, 0);
    for (size_t v = 0; v < b.n_variants; v++)
        tb_variant_free(&b.variants[v]);
    free(b.variants);
    free(b.logits);
    free(b.ms);
    tb_workspace_free(b.workspace);
    tb_folder_close(b.opened);
    if (b.directory) {
        tb_error ignored;
        (void)tb_remove_tree(b.directory, &ignored);
        free(b.directory);
    }
    if (status != TIMBANG_OK) {
        json_decref(rows);
        return status;
    }
    *out = rows;
    return TIMBANG_OK;
}
