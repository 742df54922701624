/* timbang bench: times of the forward pass. Includes: cli.h, jansson. Called by: main.c. */
#include "cli.h"

#include <jansson.h>
#include <string.h>

static void put_rows(buffer *out, const json_t *rows)
{
    static const char *const heads[] = {"shape", "variant", "median ms", "p10", "p90", "texts/s", "rounds"};
    static const char *const figures[] = {"median_ms", "p10_ms", "p90_ms", "texts_per_s"};
    table t;
    if (!table_start(&t, 7)) {
        out->failed = true;
        return;
    }
    for (size_t c = 0; c < 7; c++) {
        table_add(&t, heads[c]);
        if (c > 1)
            table_align_right(&t, c);
    }
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        const char *shape = json_string_value(json_object_get(row, "shape")),
                   *variant = json_string_value(json_object_get(row, "variant"));
        table_add(&t, shape ? shape : "");
        table_add(&t, variant ? variant : "");
        for (size_t f = 0; f < 4; f++)
            table_add_format(&t, f == 3 ? "%.1f" : "%.3f", json_number_value(json_object_get(row, figures[f])));
        table_add_format(&t, "%lld", (long long)json_integer_value(json_object_get(row, "rounds")));
    }
    table_write(&t, out, 0);
    table_free(&t);
}

int run_bench(cli *app)
{
    result_format how;
    timbang_bench_options options;
    timbang_bench_options_init(&options);
    int code = output_format(app, false, &how);
    if (code == EXIT_OK)
        code = fill_model_options(app, true, &options.model);
    if (code != EXIT_OK)
        return code;
    options.shapes = text_of(app, OPT_SHAPES);
    if (given(app, OPT_MIN_SECONDS))
        options.min_seconds = app->values[OPT_MIN_SECONDS].decimal;
    const char *variants = text_of(app, OPT_VARIANTS);
    if (variants && !split_list(app, variants, &options.variants, &options.n_variants))
        return EXIT_INTERNAL;
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
