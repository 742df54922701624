/* timbang verify: a study repeated from its record, bit by bit. Includes: cli.h, jansson. Called by: main.c. */
#include "cli.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static long long count_at(const json_t *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(object, key));
}

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static void put_rows(buffer *out, const json_t *rows)
{
    static const char *const heads[] = {"model",     "variant", "data",       "logits",
                                        "same bits", "texts",   "same texts", "largest"};
    enum { COLUMNS = sizeof heads / sizeof heads[0], NAMES = 3 };
    table t;
    if (!table_start(&t, COLUMNS)) {
        out->failed = true;
        return;
    }
    for (size_t c = 0; c < COLUMNS; c++) {
        table_add(&t, heads[c]);
        if (c >= NAMES)
            table_align_right(&t, c);
    }
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        table_add(&t, text_at(row, "model"));
        table_add(&t, text_at(row, "variant"));
        table_add(&t, text_at(row, "data"));
        table_add_format(&t, "%lld", count_at(row, "logits"));
        table_add_format(&t, "%lld", count_at(row, "same"));
        table_add_format(&t, "%lld", count_at(row, "texts"));
        table_add_format(&t, "%lld", count_at(row, "texts_same"));
        table_add_format(&t, "%.3g", json_number_value(json_object_get(row, "max_abs_difference")));
    }
    table_write(&t, out, 0);
    table_free(&t);
}

static void put_changed(buffer *out, const json_t *changed)
{
    size_t i;
    json_t *file;
    json_array_foreach(changed, i, file)
    {
        const char *name = json_string_value(file);
        put(out, i ? ", " : "\nchanged since: ");
        put_clipped(out, name ? name : "", 0);
    }
    put(out, json_array_size(changed) ? "\n" : "");
}

int run_verify(cli *app)
{
    result_format how;
    int code = output_format(app, false, &how);
    if (code != EXIT_OK)
        return code;
    if (app->n_arguments == 0)
        return usage_error(app, "timbang verify my-study", "no study was named (the folder that timbang study made)");
    char *json = NULL;
    timbang_status status = timbang_verify(app->ctx, app->arguments[0], &json);
    if (status != TIMBANG_OK)
        return library_error(app, status);
    json_t *report = json_loads(json, 0, NULL);
    long long logits = count_at(report, "logits"), same = count_at(report, "same");
    bool all = report && logits == same && logits > 0;
    if (how != FORMAT_TEXT) {
        code = emit_document(app, json, how);
    } else {
        put_rows(&app->out, json_object_get(report, "results"));
        put_changed(&app->out, json_object_get(report, "files_changed"));
        put_format(&app->out, "\n%lld of %lld logits have the same bits\n", same, logits);
        app->out.failed = app->out.failed || !report;
        code = emit(app, false);
    }
    json_decref(report);
    timbang_string_free(json);
    return code != EXIT_OK ? code : all ? EXIT_OK : EXIT_GATE;
}
