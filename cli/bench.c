/* timbang bench: times of the forward pass. Includes: cli.h, jansson. Called by: main.c. */
#include "cli.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_THREADS = 1024 };

/* A figure of a row; scale: of the unit that is shown. */
typedef struct heading {
    const char *text, *member, *format;
    double scale;
} heading;

static const char *const word_heads[] = {"shape", "variant", "level"};
static const heading headings[] = {
    {"threads", "threads", "%.0f", 1},
    {"median ms", "median_ms", "%.3f", 1},
    {"p10", "p10_ms", "%.3f", 1},
    {"p90", "p90_ms", "%.3f", 1},
    {"texts/s", "texts_per_s", "%.1f", 1},
    {"GOPS", "gops", "%.1f", 1},
    {"% of peak", "peak_share", "%.0f", 100},
    {"GB/s", "gb_per_s", "%.1f", 1},
    {"% of read", "read_share", "%.0f", 100},
    {"rounds", "rounds", "%.0f", 1},
};
enum { VARIANT = 1, WORDS = sizeof word_heads / sizeof word_heads[0], FIGURES = sizeof headings / sizeof headings[0] };

static void put_rows(buffer *out, const json_t *rows)
{
    table t;
    if (!table_start(&t, WORDS + FIGURES)) {
        out->failed = true;
        return;
    }
    for (size_t c = 0; c < WORDS; c++)
        table_add(&t, word_heads[c]);
    for (size_t c = 0; c < FIGURES; c++) {
        table_add(&t, headings[c].text);
        table_align_right(&t, WORDS + c);
    }
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        for (size_t c = 0; c < WORDS; c++) {
            const char *word = json_string_value(json_object_get(row, word_heads[c]));
            const char *compute = c == VARIANT ? json_string_value(json_object_get(row, "compute")) : NULL;
            if (compute)
                table_add_format(&t, "%s, %s compute", word, compute);
            else
                table_add(&t, word ? word : "");
        }
        for (size_t c = 0; c < FIGURES; c++) {
            const json_t *figure = json_object_get(row, headings[c].member);
            if (json_is_number(figure))
                table_add_format(&t, headings[c].format, json_number_value(figure) * headings[c].scale);
            else
                table_add(&t, "-");
        }
    }
    table_write(&t, out, 0);
    table_free(&t);
}

static int fill_thread_counts(cli *app, timbang_bench_options *options)
{
    const char *text = text_of(app, OPT_THREAD_COUNTS), *const *items = NULL;
    size_t n = 0;
    if (!text)
        return EXIT_OK;
    if (!split_list(app, text, &items, &n))
        return EXIT_INTERNAL;
    int *counts = keep(app, calloc(n ? n : 1, sizeof *counts));
    if (!counts)
        return EXIT_INTERNAL;
    for (size_t i = 0; i < n; i++) {
        size_t digits = strspn(items[i], "0123456789");
        if (digits > 0 && digits < 6 && !items[i][digits])
            counts[i] = atoi(items[i]);
        if (counts[i] < 1 || counts[i] > MOST_THREADS)
            return usage_error(app, NULL, "--thread-counts: '%s' is no number from 1 to %d", items[i],
                               (int)MOST_THREADS);
    }
    options->threads = counts;
    options->n_threads = n;
    return EXIT_OK;
}

static int fill_options(cli *app, timbang_bench_options *options)
{
    int code = fill_model_options(app, true, &options->model);
    if (code == EXIT_OK)
        code = fill_thread_counts(app, options);
    if (code != EXIT_OK)
        return code;
    options->shapes = text_of(app, OPT_SHAPES);
    if (given(app, OPT_MIN_SECONDS))
        options->min_seconds = app->values[OPT_MIN_SECONDS].decimal;
    const char *variants = text_of(app, OPT_VARIANTS), *levels = text_of(app, OPT_LEVELS);
    if (variants && !split_list(app, variants, &options->variants, &options->n_variants))
        return EXIT_INTERNAL;
    if (levels && !split_list(app, levels, &options->levels, &options->n_levels))
        return EXIT_INTERNAL;
    const char *computes = text_of(app, OPT_COMPUTES);
    if (computes && !split_list(app, computes, &options->computes, &options->n_computes))
        return EXIT_INTERNAL;
    return EXIT_OK;
}

int run_bench(cli *app)
{
    result_format how;
    timbang_bench_options options;
    timbang_bench_options_init(&options);
    int code = output_format(app, false, &how);
    if (code == EXIT_OK)
        code = fill_options(app, &options);
    if (code != EXIT_OK)
        return code;
    char *json = NULL;
    timbang_status status = timbang_bench(app->ctx, &options, &json);
    if (status != TIMBANG_OK)
        return library_error(app, status);
    if (how != FORMAT_TEXT) {
        code = emit_document(app, json, how);
    } else {
        json_t *rows = json_loads(json, 0, NULL);
        put_rows(&app->out, rows);
        json_decref(rows);
        code = emit(app, false);
    }
    timbang_string_free(json);
    return code;
}
