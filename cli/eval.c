/* timbang eval: one model on one labelled set. Includes: cli.h, jansson. Called by: main.c. */
#include "cli.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static double real_at(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static long long count_at(const json_t *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(object, key));
}

/* "2 exactly, 5 but for case and punctuation, 1 of these with another label" */
static void put_repeats(buffer *out, const char *head, const json_t *repeats)
{
    if (!json_is_object(repeats))
        return;
    long long conflicting = count_at(repeats, "conflicting");
    put_format(out, "%s%lld exactly, %lld but for case and punctuation", head, count_at(repeats, "exact"),
               count_at(repeats, "normalized"));
    if (conflicting)
        put_format(out, ", %lld of these with another label", conflicting);
    put(out, "\n");
}

static void put_figures(buffer *out, const json_t *r)
{
    const json_t *interval = json_object_get(r, "accuracy_interval"), *majority = json_object_get(r, "majority"),
                 *latency = json_object_get(json_object_get(r, "latency_ms"), "total");
    const char *scheme = json_string_value(json_object_get(r, "scheme"));
    const char *compute = json_string_value(json_object_get(r, "compute"));
    put_format(out, "scheme        %s%s%s%s\n", scheme ? scheme : "", compute ? ", computed in " : "",
               compute ? compute : "", json_is_true(json_object_get(r, "untrained_head")) ? " (untrained head)" : "");
    put_format(out, "texts         %lld\n", count_at(r, "n"));
    put_repeats(out, "repeated      ", json_object_get(r, "duplicates"));
    put_repeats(out, "in --train    ", json_object_get(r, "train_overlap"));
    put_format(out, "accuracy      %.4f  (95 %% interval %.4f to %.4f; always the most frequent label: %.4f)\n",
               real_at(r, "accuracy"), json_number_value(json_array_get(interval, 0)),
               json_number_value(json_array_get(interval, 1)), real_at(majority, "accuracy"));
    put_format(out, "macro F1      %.4f  (over the %lld classes that occur)\n", real_at(r, "macro_f1"),
               count_at(r, "labels_present"));
    put_format(out, "weighted F1   %.4f\n", real_at(r, "weighted_f1"));
    put_format(out, "calibration   ECE %.4f (%lld bins), NLL %.4f, Brier %.4f, mean confidence %.4f\n",
               real_at(r, "ece"), count_at(r, "ece_bins"), real_at(r, "nll"), real_at(r, "brier"),
               real_at(r, "mean_confidence"));
    put_format(out, "latency       median %.2f ms, p90 %.2f, p99 %.2f a text\n", real_at(latency, "median"),
               real_at(latency, "p90"), real_at(latency, "p99"));
}

static void put_classes(buffer *out, const json_t *r)
{
    static const char *const heads[] = {"label", "precision", "recall", "F1", "texts", "predicted"};
    const json_t *per_class = json_object_get(r, "per_class");
    table t;
    if (!table_start(&t, 6)) {
        out->failed = true;
        return;
    }
    for (size_t c = 0; c < 6; c++) {
        table_add(&t, heads[c]);
        if (c)
            table_align_right(&t, c);
    }
    size_t i;
    json_t *label;
    json_array_foreach(json_object_get(r, "labels"), i, label)
    {
        const json_t *k = json_object_get(per_class, json_string_value(label));
        table_add(&t, json_string_value(label));
        table_add_format(&t, "%.4f", real_at(k, "precision"));
        table_add_format(&t, "%.4f", real_at(k, "recall"));
        table_add_format(&t, "%.4f", real_at(k, "f1"));
        table_add_format(&t, "%lld", count_at(k, "support"));
        table_add_format(&t, "%lld", count_at(k, "predicted"));
    }
    put(out, "\n");
    table_write(&t, out, 0);
    table_free(&t);
}

static void put_confusion(buffer *out, const json_t *r)
{
    const json_t *labels = json_object_get(r, "labels");
    size_t n = json_array_size(labels), i, j;
    json_t *row, *cell;
    table t;
    if (n == 0 || !table_start(&t, n + 1)) {
        out->failed = out->failed || n > 0;
        return;
    }
    table_add(&t, "truth \\ predicted");
    for (size_t c = 0; c < n; c++) {
        table_add(&t, json_string_value(json_array_get(labels, c)));
        table_align_right(&t, c + 1);
    }
    json_array_foreach(json_object_get(r, "confusion"), i, row)
    {
        table_add(&t, json_string_value(json_array_get(labels, i)));
        json_array_foreach(row, j, cell) table_add_format(&t, "%lld", (long long)json_integer_value(cell));
    }
    put(out, "\n");
    table_write(&t, out, 0);
    table_free(&t);
}

static int print_evaluation(cli *app, char *json, result_format how)
{
    if (how != FORMAT_TEXT)
        return emit_document(app, json, how);
    json_t *r = json_loads(json, 0, NULL);
    put_figures(&app->out, r);
    put_classes(&app->out, r);
    put_confusion(&app->out, r);
    json_decref(r);
    return emit(app, false);
}

/* The labels of the data, in byte order: those of a new head where the model has none and --labels is not given. */
static int labels_of_data(cli *app, const timbang_dataset *data, timbang_model_options *options)
{
    char *json = NULL;
    timbang_status status = timbang_dataset_json(app->ctx, data, &json);
    if (status != TIMBANG_OK)
        return library_error(app, status);
    json_t *facts = json_loads(json, 0, NULL), *counts = json_object_get(facts, "label_counts"), *rows;
    const char *label, **list = keep(app, calloc(json_object_size(counts) + 1, sizeof *list));
    size_t n = 0;
    if (list)
        json_object_foreach(counts, label, rows) list[n++] = keep_text(app, label, strlen(label));
    json_decref(facts);
    timbang_string_free(json);
    if (!list || (n > 0 && !list[n - 1]))
        return EXIT_INTERNAL;
    options->head_labels = list;
    options->n_head_labels = n > 1 ? n : 0; /* one label makes no classifier: the library asks for --labels */
    return EXIT_OK;
}

static int evaluate(cli *app, const timbang_dataset *data, const timbang_data_options *how_data, result_format how)
{
    timbang_model *model = NULL;
    timbang_eval_options options;
    timbang_eval_options_init(&options);
    options.restrict_labels = given(app, OPT_RESTRICT_LABELS);
    options.timing_seconds = timing_seconds(app);
    options.train_path = text_of(app, OPT_TRAIN);
    options.train_options = how_data; /* the training data look like the test data */
    int code = fill_predict_options(app, &options.predict);
    timbang_model_options source;
    if (code == EXIT_OK)
        code = fill_model_options(app, true, &source);
    if (code == EXIT_OK)
        code = labels_of_data(app, data, &source);
    if (code == EXIT_OK) {
        timbang_status status = timbang_model_load(app->ctx, &source, &model);
        code = status == TIMBANG_OK ? EXIT_OK : library_error(app, status);
    }
    if (code == EXIT_OK) {
        char *json = NULL;
        timbang_status status = timbang_eval(app->ctx, model, data, &options, &json);
        code = status == TIMBANG_OK ? print_evaluation(app, json, how) : library_error(app, status);
        timbang_string_free(json);
    }
    timbang_model_free(model);
    return code;
}

int run_eval(cli *app)
{
    result_format how;
    const option_value *files = &app->values[OPT_DATA];
    int code = output_format(app, false, &how);
    if (code != EXIT_OK)
        return code;
    if (files->n_items != 1)
        return usage_error(app, "timbang eval --model my-model --data test.tsv",
                           files->n_items ? "eval works on one --data FILE; timbang study takes several"
                                          : "no data was named (--data FILE)");
    timbang_data_options how_data;
    code = fill_data_options(app, files->items[0], &how_data);
    if (code != EXIT_OK)
        return code;
    timbang_dataset *data = NULL;
    timbang_status status = timbang_dataset_load(app->ctx, &how_data, &data);
    code = status == TIMBANG_OK ? evaluate(app, data, &how_data, how) : library_error(app, status);
    timbang_dataset_free(data);
    return code;
}
