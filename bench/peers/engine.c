/* SPDX-License-Identifier: Apache-2.0
 * Timbang as one of the engines of bench/peers/run.py: token ids in, logits or times out, by the public header alone.
 * Usage: bench_engine MODEL_FOLDER THREADS
 * Standard input has a command a line, and each is answered by a line of JSON:
 *   shape NAME N LENGTH... ID...       N texts and their token ids              true
 *   logits NAME MODE                   all logits                               [[...], ...]
 *   time NAME MODE SECONDS             milliseconds of passes                   [...]
 * The first line, unasked, says what is ready. MODE is "packed", all texts in one pass without padding, or "single",
 * one pass a text. Called by: run.py. */
#include "timbang.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_SHAPES = 64, MAX_TEXTS = 4096, MAX_TOKENS = 1 << 20, MAX_PASSES = 200, MIN_PASSES = 3, WARM_UPS = 2 };

typedef struct shape {
    char name[32];
    size_t texts;
    size_t *offsets; /* [texts + 1] */
    int32_t *ids;
} shape;

typedef struct engine {
    timbang_context *ctx;
    timbang_model *model;
    shape shapes[MAX_SHAPES];
    size_t n_shapes;
} engine;

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static int fail(const char *why)
{
    fprintf(stderr, "bench_engine: %s\n", why);
    return 1;
}

/* The next number of a line of words. */
static bool next_number(char **rest, size_t limit, size_t *out)
{
    char *word = strtok_r(NULL, " \n", rest), *end = NULL;
    if (!word)
        return false;
    unsigned long value = strtoul(word, &end, 10);
    *out = value;
    return *end == '\0' && value < limit;
}

static int add_shape(engine *e, char **rest)
{
    const char *name = strtok_r(NULL, " \n", rest);
    size_t texts, value;
    if (!name || strlen(name) >= sizeof e->shapes[0].name || e->n_shapes == MAX_SHAPES ||
        !next_number(rest, MAX_TEXTS + 1, &texts) || texts == 0)
        return fail("shape: NAME N LENGTH... ID... is wanted");
    shape *s = &e->shapes[e->n_shapes++];
    strcpy(s->name, name);
    s->texts = texts;
    s->offsets = calloc(texts + 1, sizeof *s->offsets);
    if (!s->offsets)
        return fail("out of memory");
    for (size_t i = 0; i < texts; i++) {
        if (!next_number(rest, MAX_TOKENS, &value) || s->offsets[i] + value >= MAX_TOKENS)
            return fail("shape: a length is missing or too large");
        s->offsets[i + 1] = s->offsets[i] + value;
    }
    s->ids = calloc(s->offsets[texts] + 1, sizeof *s->ids);
    if (!s->ids)
        return fail("out of memory");
    for (size_t i = 0; i < s->offsets[texts]; i++) {
        if (!next_number(rest, INT32_MAX, &value))
            return fail("shape: a token id is missing or too large");
        s->ids[i] = (int32_t)value;
    }
    puts("true");
    return 0;
}

static const shape *find_shape(const engine *e, const char *name)
{
    for (size_t i = 0; name && i < e->n_shapes; i++)
        if (strcmp(e->shapes[i].name, name) == 0)
            return &e->shapes[i];
    return NULL;
}

/* Texts [begin, end) in one pass. Their offsets begin anywhere; the library wants them from 0. */
static timbang_status pass(engine *e, const shape *s, size_t begin, size_t end, timbang_result **result)
{
    size_t offsets[MAX_TEXTS + 1];
    for (size_t i = begin; i <= end; i++)
        offsets[i - begin] = s->offsets[i] - s->offsets[begin];
    return timbang_predict_ids(e->ctx, e->model, s->ids + s->offsets[begin], NULL, offsets, end - begin, result);
}

static void print_logits(const engine *e, const timbang_result *result, bool first)
{
    for (size_t i = 0; i < timbang_result_n(result); i++) {
        const float *logits = timbang_result_logits(result, i);
        printf("%s[", first && i == 0 ? "" : ", ");
        for (size_t j = 0; j < timbang_model_n_labels(e->model); j++)
            printf("%s%.9g", j ? ", " : "", (double)logits[j]);
        printf("]");
    }
}

/* All texts once; print: their logits. */
static timbang_status run_all(engine *e, const shape *s, bool single, bool print)
{
    for (size_t at = 0, n; at < s->texts; at += n) {
        timbang_result *result = NULL;
        n = single ? 1 : s->texts;
        timbang_status status = pass(e, s, at, at + n, &result);
        if (status != TIMBANG_OK)
            return status;
        if (print)
            print_logits(e, result, at == 0);
        timbang_result_free(result);
    }
    return TIMBANG_OK;
}

static int library_error(const engine *e)
{
    return fail(timbang_error_text(e->ctx));
}

static int logits(engine *e, const shape *s, bool single)
{
    printf("[");
    if (run_all(e, s, single, true) != TIMBANG_OK)
        return library_error(e);
    puts("]");
    return 0;
}

static int time_passes(engine *e, const shape *s, bool single, double seconds)
{
    for (int i = 0; i < WARM_UPS; i++)
        if (run_all(e, s, single, false) != TIMBANG_OK)
            return library_error(e);
    double begin = now_ms();
    printf("[");
    for (int i = 0; i < MAX_PASSES && (i < MIN_PASSES || now_ms() - begin < seconds * 1e3); i++) {
        double start = now_ms();
        if (run_all(e, s, single, false) != TIMBANG_OK)
            return library_error(e);
        printf("%s%.6f", i ? ", " : "", now_ms() - start);
    }
    puts("]");
    return 0;
}

static int obey(engine *e, char *line)
{
    char *rest = NULL;
    const char *command = strtok_r(line, " \n", &rest);
    if (command && strcmp(command, "shape") == 0)
        return add_shape(e, &rest);
    const shape *s = find_shape(e, strtok_r(NULL, " \n", &rest));
    const char *mode = strtok_r(NULL, " \n", &rest);
    if (!command || !s || !mode)
        return fail("a command is shape, logits or time, with the name of a shape and a mode");
    bool single = strcmp(mode, "single") == 0;
    if (strcmp(command, "logits") == 0)
        return logits(e, s, single);
    const char *seconds = strtok_r(NULL, " \n", &rest);
    if (strcmp(command, "time") == 0 && seconds)
        return time_passes(e, s, single, atof(seconds));
    return fail("a command is shape, logits or time");
}

static int start(engine *e, const char *folder, int threads)
{
    timbang_context_options options;
    timbang_context_options_init(&options);
    options.threads = threads;
    if (timbang_context_create(&options, &e->ctx) != TIMBANG_OK)
        return library_error(e);
    timbang_model_options model;
    timbang_model_options_init(&model);
    model.path = folder;
    if (timbang_model_load(e->ctx, &model, &e->model) != TIMBANG_OK)
        return library_error(e);
    printf("{\"ready\": true, \"version\": \"%s\", \"level\": \"%s\", \"scheme\": \"%s\", \"threads\": %d}\n",
           timbang_version(), timbang_context_cpu(e->ctx), timbang_model_scheme(e->model),
           timbang_context_threads(e->ctx));
    return 0;
}

int main(int argc, char **argv)
{
    engine e = {0};
    char *line = NULL;
    size_t size = 0;
    if (argc != 3)
        return fail("usage: bench_engine MODEL_FOLDER THREADS");
    int code = start(&e, argv[1], atoi(argv[2]));
    fflush(stdout);
    while (code == 0 && getline(&line, &size, stdin) > 0) {
        code = obey(&e, line);
        fflush(stdout);
    }
    free(line);
    for (size_t i = 0; i < e.n_shapes; i++) {
        free(e.shapes[i].offsets);
        free(e.shapes[i].ids);
    }
    timbang_model_free(e.model);
    timbang_context_free(e.ctx);
    return code;
}
