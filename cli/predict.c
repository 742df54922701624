/* timbang predict: texts to labels. Includes: cli.h. Called by: main.c. */
#include "cli.h"

#include <stdio.h>
#include <string.h>

enum { CHUNK = 4096 }; /* texts between two writes, so that a long run can be followed and piped */

typedef struct prediction {
    const timbang_model *model;
    const timbang_result *result;
    size_t i; /* in the result */
    const char *text, *pair;
} prediction;

/* What changes bits stands beside the figures. */
static bool other_compute(const timbang_model *model)
{
    return strcmp(timbang_model_compute(model), "fp32") != 0;
}

static void put_json(buffer *out, const prediction *p)
{
    size_t n = timbang_model_n_labels(p->model), label = timbang_result_label(p->result, p->i);
    const double *probs = timbang_result_probs(p->result, p->i);
    const float *logits = timbang_result_logits(p->result, p->i);
    put(out, "{\"text\": ");
    put_json_text(out, p->text);
    if (p->pair) {
        put(out, ", \"text_pair\": ");
        put_json_text(out, p->pair);
    }
    put(out, ", \"label\": ");
    put_json_text(out, timbang_model_label(p->model, label));
    put(out, ", \"score\": ");
    put_double(out, probs[label]);
    put(out, ", \"probs\": {");
    for (size_t k = 0; k < n; k++) {
        put(out, k ? ", " : "");
        put_json_text(out, timbang_model_label(p->model, k));
        put(out, ": ");
        put_double(out, probs[k]);
    }
    put(out, "}, \"logits\": [");
    for (size_t k = 0; k < n; k++) {
        put(out, k ? ", " : "");
        put_float(out, logits[k]);
    }
    put_format(out, "], \"tokens\": %zu", timbang_result_tokens(p->result, p->i));
    if (timbang_result_truncated(p->result, p->i))
        put(out, ", \"truncated\": true");
    if (timbang_model_untrained_head(p->model))
        put(out, ", \"untrained_head\": true");
    if (other_compute(p->model))
        put_format(out, ", \"compute\": \"%s\"", timbang_model_compute(p->model));
    put(out, "}");
}

static void put_tsv_head(buffer *out, const timbang_model *model)
{
    put(out, timbang_model_untrained_head(model) ? "text\tlabel (untrained head)\tscore" : "text\tlabel\tscore");
    if (other_compute(model))
        put_format(out, " (%s compute)", timbang_model_compute(model));
    for (size_t k = 0; k < timbang_model_n_labels(model); k++) {
        put(out, "\tp_");
        put_tsv(out, timbang_model_label(model, k));
    }
    put(out, "\n");
}

static void put_tsv_row(buffer *out, const prediction *p)
{
    size_t label = timbang_result_label(p->result, p->i);
    const double *probs = timbang_result_probs(p->result, p->i);
    put_tsv(out, p->text);
    put(out, "\t");
    put_tsv(out, timbang_model_label(p->model, label));
    put(out, "\t");
    put_double(out, probs[label]);
    for (size_t k = 0; k < timbang_model_n_labels(p->model); k++) {
        put(out, "\t");
        put_double(out, probs[k]);
    }
    put(out, "\n");
}

static bool start_table(table *t, const timbang_model *model)
{
    size_t n = timbang_model_n_labels(model);
    if (!table_start(t, n + 3))
        return false;
    table_add(t, "label");
    table_add(t, "score");
    table_align_right(t, 1);
    for (size_t k = 0; k < n; k++) {
        table_add(t, timbang_model_label(model, k));
        table_align_right(t, k + 2);
    }
    table_add(t, "text");
    return true;
}

static void add_table_row(table *t, const prediction *p)
{
    size_t label = timbang_result_label(p->result, p->i);
    const double *probs = timbang_result_probs(p->result, p->i);
    table_add(t, timbang_model_label(p->model, label));
    table_add_format(t, "%.4f", probs[label]);
    for (size_t k = 0; k < timbang_model_n_labels(p->model); k++)
        table_add_format(t, "%.4f", probs[k]);
    table_add(t, p->text);
}

/* One result of a chunk, in whatever format. first and last: of the whole run. */
static void put_result(cli *app, table *t, const prediction *p, result_format how, bool first, bool last)
{
    bool array = how == FORMAT_JSON && !(first && last);
    switch (how) {
    case FORMAT_JSON:
        put(&app->out, array ? (first ? "[\n " : ",\n ") : "");
        put_json(&app->out, p);
        put(&app->out, !last ? "" : array ? "\n]\n" : "\n");
        break;
    case FORMAT_JSONL:
        put_json(&app->out, p);
        put(&app->out, "\n");
        break;
    case FORMAT_TSV:
        put_tsv_row(&app->out, p);
        break;
    case FORMAT_TEXT:
        add_table_row(t, p);
        break;
    }
}

static int predict_all(cli *app, const timbang_model *model, const texts *t, const timbang_predict_options *options,
                       result_format how, table *rows)
{
    for (size_t done = 0; done < t->n;) {
        size_t n = t->n - done < CHUNK ? t->n - done : CHUNK;
        timbang_result *result = NULL;
        terminal_part(&app->term, done, t->n);
        timbang_status status =
            timbang_predict(app->ctx, model, t->text + done, t->pair ? t->pair + done : NULL, n, options, &result);
        if (status != TIMBANG_OK)
            return library_error(app, status);
        for (size_t i = 0; i < n; i++) {
            const prediction p = {model, result, i, t->text[done + i], t->pair ? t->pair[done + i] : NULL};
            put_result(app, rows, &p, how, done + i == 0, done + i + 1 == t->n);
        }
        timbang_result_free(result);
        done += n;
        int code = done < t->n ? emit(app, true) : EXIT_OK;
        if (code != EXIT_OK)
            return code;
    }
    return EXIT_OK;
}

static int predict_texts(cli *app, const timbang_model *model, const texts *t, result_format how)
{
    timbang_predict_options options;
    int code = fill_predict_options(app, &options);
    if (code != EXIT_OK)
        return code;
    table rows = {0};
    if (how == FORMAT_TEXT && !start_table(&rows, model))
        app->out.failed = true;
    if (how == FORMAT_TSV)
        put_tsv_head(&app->out, model);
    if (how == FORMAT_JSON && t->n == 0)
        put(&app->out, "[]\n");
    code = predict_all(app, model, t, &options, how, &rows);
    if (code == EXIT_OK && how == FORMAT_TEXT) {
        if (timbang_model_untrained_head(model))
            put(&app->out, "untrained head\n");
        if (other_compute(model))
            put_format(&app->out, "%s compute\n", timbang_model_compute(model));
        table_write(&rows, &app->out, (size_t)output_width());
    }
    table_free(&rows);
    return code == EXIT_OK ? emit(app, false) : code;
}

int run_predict(cli *app)
{
    result_format how;
    texts t = {0};
    timbang_model *model = NULL;
    int code = output_format(app, true, &how);
    if (code == EXIT_OK)
        code = read_texts(app, &t);
    if (code == EXIT_OK)
        code = load_model(app, false, &model);
    if (code == EXIT_OK)
        code = predict_texts(app, model, &t, how);
    timbang_model_free(model);
    free_texts(&t);
    return code;
}
