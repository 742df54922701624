/* timbang compare: predictions that exist already, side by side. Includes: cli.h, jansson. Called by: main.c. */
#include "cli.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_LABELS = 6, WRAP = 100, CELL = 40 };

/* ---- Options ---- */

static double part_of(const cli *app, option_id id)
{
    return given(app, id) ? app->values[id].decimal : 0;
}

static int fill_options(cli *app, timbang_compare_options *options)
{
    timbang_compare_options_init(options);
    if (app->n_arguments == 0)
        return usage_error(app, "timbang compare fp32.csv int8.csv", "nothing was named that could be compared");
    timbang_named_path *inputs = keep(app, calloc(app->n_arguments, sizeof *inputs));
    if (!inputs)
        return EXIT_INTERNAL;
    for (size_t i = 0; i < app->n_arguments; i++)
        if (!named_path(app, app->arguments[i], false, &inputs[i]))
            return EXIT_INTERNAL;
    int code = fill_data_options(app, NULL, &options->columns);
    options->inputs = inputs;
    options->n_inputs = app->n_arguments;
    options->only = app->values[OPT_ONLY].items;
    options->n_only = app->values[OPT_ONLY].n_items;
    options->baseline = text_of(app, OPT_BASELINE);
    options->pred_column = text_of(app, OPT_PRED_COLUMN);
    options->labels_only = given(app, OPT_LABELS_ONLY);
    options->primary = text_of(app, OPT_PRIMARY);
    options->alpha = part_of(app, OPT_ALPHA);
    options->power = part_of(app, OPT_POWER);
    options->margin = part_of(app, OPT_MARGIN);
    options->seed = number_or(app, OPT_SEED, options->seed);
    if (given(app, OPT_BOOTSTRAP))
        options->bootstrap_replicates =
            number_or(app, OPT_BOOTSTRAP, 0) ? number_or(app, OPT_BOOTSTRAP, 0) : UINT64_MAX;
    return code;
}

/* ---- Members ---- */

static const json_t *at(const json_t *object, const char *key)
{
    return json_object_get(object, key);
}

static double real_at(const json_t *object, const char *key)
{
    return json_number_value(at(object, key));
}

static long long count_at(const json_t *object, const char *key)
{
    return (long long)json_integer_value(at(object, key));
}

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(at(object, key));
    return text ? text : "";
}

static double member(const json_t *array, size_t i)
{
    return json_number_value(json_array_get(array, i));
}

/* ---- Tables for people ---- */

static void add_real(table *t, const json_t *value, const char *format)
{
    char none[] = "-";
    if (!json_is_number(value))
        table_add(t, none);
    else if (strcmp(format, "p") == 0 && json_number_value(value) < 0.001)
        table_add(t, "<0.001");
    else if (strcmp(format, "p") == 0)
        table_add_format(t, "%.3f", json_number_value(value));
    else if (strcmp(format, "+") == 0)
        table_add_format(t, "%+.4f", json_number_value(value));
    else
        table_add_format(t, "%.4f", json_number_value(value));
}

static void add_interval(table *t, const json_t *interval, bool sign)
{
    if (!json_is_array(interval))
        table_add(t, "-");
    else
        table_add_format(t, sign ? "%+.4f to %+.4f" : "%.4f to %.4f", member(interval, 0), member(interval, 1));
}

static bool any_has(const json_t *entries, const char *key)
{
    size_t i;
    json_t *e;
    json_array_foreach(entries, i, e) if (json_is_number(at(e, key))) return true;
    return false;
}

static void add_counts(table *t, const json_t *labels, const json_t *counts)
{
    size_t i;
    json_t *label;
    if (json_array_size(labels) > MOST_LABELS)
        return;
    json_array_foreach(labels, i, label) table_add_format(t, "%lld", count_at(counts, json_string_value(label)));
}

/* How often each label is said, and the figures of each entry alone. */
static void put_entries(buffer *out, const json_t *set)
{
    const json_t *entries = at(set, "entries"), *labels = at(set, "labels"), *first = json_array_get(entries, 0);
    static const char *const heads[] = {"", "texts", "accuracy", "95 % interval", "macro F1"};
    static const char *const scores[] = {"ece", "nll"}, *const score_heads[] = {"ECE", "NLL"};
    size_t n_labels = json_array_size(labels) <= MOST_LABELS ? json_array_size(labels) : 0, n_scores = 0, i;
    bool shown[2];
    for (size_t s = 0; s < 2; s++)
        n_scores += shown[s] = any_has(entries, scores[s]);
    table t;
    if (!table_start(&t, 5 + n_scores + n_labels)) {
        out->failed = true;
        return;
    }
    for (size_t c = 0; c < 5 + n_scores + n_labels; c++)
        if (c > 0)
            table_align_right(&t, c);
    for (size_t c = 0; c < 5; c++)
        table_add(&t, heads[c]);
    for (size_t s = 0; s < 2; s++)
        if (shown[s])
            table_add(&t, score_heads[s]);
    for (size_t l = 0; l < n_labels; l++)
        table_add(&t, json_string_value(json_array_get(labels, l)));
    table_add(&t, "truth");
    table_add_format(&t, "%lld", count_at(first, "n"));
    for (size_t c = 2; c < 5 + n_scores; c++)
        table_add(&t, "");
    add_counts(&t, labels, at(first, "label_counts"));
    json_t *e;
    json_array_foreach(entries, i, e)
    {
        table_add(&t, text_at(e, "name"));
        table_add_format(&t, "%lld", count_at(e, "n"));
        add_real(&t, at(e, "accuracy"), "");
        add_interval(&t, at(e, "accuracy_interval"), false);
        add_real(&t, at(e, "macro_f1"), "");
        for (size_t s = 0; s < 2; s++)
            if (shown[s])
                add_real(&t, at(e, scores[s]), "");
        add_counts(&t, labels, at(e, "predicted_counts"));
    }
    table_write(&t, out, 0);
    table_free(&t);
}

static void put_against(buffer *out, const json_t *set)
{
    static const char *const heads[] = {"",  "texts", "agree",  "r>w",        "w>r", "w>o", "accuracy", "95 % interval",
                                        "p", "Holm",  "labels", "equivalent", "KL"};
    enum { COLUMNS = sizeof heads / sizeof heads[0] };
    const json_t *entries = at(set, "entries");
    table t;
    if (json_array_size(entries) < 2)
        return;
    bool kl = false;
    for (size_t i = 1; i < json_array_size(entries); i++)
        kl = kl || json_is_number(at(at(json_array_get(entries, i), "against_baseline"), "mean_kl"));
    size_t columns = kl ? COLUMNS : COLUMNS - 1;
    if (!table_start(&t, columns)) {
        out->failed = true;
        return;
    }
    for (size_t c = 0; c < columns; c++) {
        table_add(&t, heads[c]);
        if (c > 0)
            table_align_right(&t, c);
    }
    for (size_t i = 1; i < json_array_size(entries); i++) {
        const json_t *e = json_array_get(entries, i), *a = at(e, "against_baseline");
        table_add(&t, text_at(e, "name"));
        table_add_format(&t, "%lld", count_at(a, "n"));
        add_real(&t, at(a, "agreement"), "");
        table_add_format(&t, "%lld", count_at(a, "right_to_wrong"));
        table_add_format(&t, "%lld", count_at(a, "wrong_to_right"));
        table_add_format(&t, "%lld", count_at(a, "wrong_to_other"));
        add_real(&t, at(a, "delta_accuracy"), "+");
        add_interval(&t, at(at(a, "bootstrap"), "delta_accuracy"), true);
        add_real(&t, at(a, "mcnemar_p"), "p");
        add_real(&t, at(a, "mcnemar_p_holm"), "p");
        add_real(&t, at(at(a, "marginal"), "p_holm"), "p");
        table_add(&t, json_is_true(at(at(a, "equivalence"), "equivalent")) ? "yes" : "no");
        if (kl)
            add_real(&t, at(a, "mean_kl"), "");
    }
    put_format(out, "\nagainst %s\n", text_at(set, "baseline"));
    table_write(&t, out, 0);
    table_free(&t);
}

/* ---- Sentences ---- */

static void put_wrapped(buffer *out, const char *head, const char *text)
{
    size_t column = columns_of(head);
    put_clipped(out, head, 0);
    for (bool first = true; *text; first = false) {
        char word[4 * CELL];
        size_t length = strcspn(text, " "), kept = length < sizeof word ? length : sizeof word - 1;
        memcpy(word, text, kept);
        word[kept] = '\0';
        size_t width = columns_of(word);
        if (!first && column + 1 + width > WRAP) {
            put(out, "\n   ");
            column = 3;
        }
        put(out, " ");
        if (kept == length)
            put_clipped(out, word, 0);
        else
            put_bytes(out, text, length);
        column += 1 + width;
        text += length;
        text += strspn(text, " ");
    }
    put(out, "\n");
}

static void put_sentences(buffer *out, const json_t *set)
{
    static const char *const kinds[] = {"difference", "labels", "equivalence", "power"};
    const json_t *entries = at(set, "entries");
    for (size_t i = 1; i < json_array_size(entries); i++) {
        const json_t *e = json_array_get(entries, i), *sentences = at(at(e, "against_baseline"), "sentences");
        put(out, "\n");
        put_clipped(out, text_at(e, "name"), 0);
        put(out, "\n");
        for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
            put_wrapped(out, " -", text_at(sentences, kinds[k]));
    }
}

static void put_set(buffer *out, const json_t *set)
{
    const json_t *majority = at(json_array_get(at(set, "entries"), 0), "majority");
    if (json_is_string(at(set, "data"))) {
        put_clipped(out, text_at(set, "data"), 0);
        put(out, ": ");
    }
    put(out, "always saying ");
    put_clipped(out, text_at(majority, "label"), CELL);
    put_format(out, " would be right on %.4f\n\n", real_at(majority, "accuracy"));
    put_entries(out, set);
    put_against(out, set);
    put_sentences(out, set);
}

static void put_legend(buffer *out, const json_t *document)
{
    const json_t *options = at(document, "options");
    put_format(
        out,
        "\nr>w, w>r, w>o: texts whose label turned from right to wrong, from wrong to right, from one wrong one to\n"
        "another. p: exact McNemar; Holm: corrected over the comparisons. labels: Stuart-Maxwell test of how\n"
        "often each label is said, corrected. equivalent: within %g in accuracy, at %g.\n",
        real_at(options, "margin"), real_at(options, "alpha"));
}

/* ---- CSV ---- */

static void put_field(buffer *out, const char *text, bool *first)
{
    if (!*first)
        put(out, ",");
    *first = false;
    if (!strpbrk(text, ",\"\r\n")) {
        put(out, text);
        return;
    }
    put(out, "\"");
    for (; *text; text++) {
        put_bytes(out, text, 1);
        if (*text == '"')
            put(out, "\"");
    }
    put(out, "\"");
}

/* Numbers as they are, true and false, texts; nothing for null. */
static void put_value(buffer *out, const json_t *value, bool *first)
{
    buffer cell = {0};
    if (json_is_integer(value))
        put_format(&cell, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        put_double(&cell, json_real_value(value));
    else if (json_is_boolean(value))
        put(&cell, json_is_true(value) ? "true" : "false");
    else if (json_is_string(value))
        put(&cell, json_string_value(value));
    put_field(out, cell.data ? cell.data : "", first);
    out->failed = out->failed || cell.failed;
    buffer_free(&cell);
}

static const struct {
    const char *head;
    const char *path[3]; /* members, one inside the other */
    int index;           /* of an interval; -1: the value itself */
} csv_columns[] = {
    {"name", {"name"}, -1},
    {"n", {"n"}, -1},
    {"accuracy", {"accuracy"}, -1},
    {"accuracy_low", {"accuracy_interval"}, 0},
    {"accuracy_high", {"accuracy_interval"}, 1},
    {"macro_f1", {"macro_f1"}, -1},
    {"weighted_f1", {"weighted_f1"}, -1},
    {"mcc", {"mcc"}, -1},
    {"majority_accuracy", {"majority", "accuracy"}, -1},
    {"mean_confidence", {"mean_confidence"}, -1},
    {"ece", {"ece"}, -1},
    {"nll", {"nll"}, -1},
    {"brier", {"brier"}, -1},
    {"compared", {"against_baseline", "n"}, -1},
    {"agreement", {"against_baseline", "agreement"}, -1},
    {"right_to_wrong", {"against_baseline", "right_to_wrong"}, -1},
    {"wrong_to_right", {"against_baseline", "wrong_to_right"}, -1},
    {"wrong_to_other", {"against_baseline", "wrong_to_other"}, -1},
    {"delta_texts", {"against_baseline", "delta_texts"}, -1},
    {"delta_accuracy", {"against_baseline", "delta_accuracy"}, -1},
    {"delta_accuracy_low", {"against_baseline", "bootstrap", "delta_accuracy"}, 0},
    {"delta_accuracy_high", {"against_baseline", "bootstrap", "delta_accuracy"}, 1},
    {"delta_macro_f1", {"against_baseline", "delta_macro_f1"}, -1},
    {"delta_macro_f1_low", {"against_baseline", "bootstrap", "delta_macro_f1"}, 0},
    {"delta_macro_f1_high", {"against_baseline", "bootstrap", "delta_macro_f1"}, 1},
    {"mcnemar_p", {"against_baseline", "mcnemar_p"}, -1},
    {"mcnemar_p_holm", {"against_baseline", "mcnemar_p_holm"}, -1},
    {"marginal_p", {"against_baseline", "marginal", "p"}, -1},
    {"marginal_p_holm", {"against_baseline", "marginal", "p_holm"}, -1},
    {"gains", {"against_baseline", "marginal", "gains"}, -1},
    {"loses", {"against_baseline", "marginal", "loses"}, -1},
    {"equivalence_p", {"against_baseline", "equivalence", "p"}, -1},
    {"equivalent", {"against_baseline", "equivalence", "equivalent"}, -1},
    {"smallest_texts", {"against_baseline", "power", "smallest_texts"}, -1},
    {"mean_kl", {"against_baseline", "mean_kl"}, -1},
};
enum { CSV_COLUMNS = sizeof csv_columns / sizeof csv_columns[0] };

/* Labels of all sets, in the order in which they come. */
static json_t *all_labels(const json_t *sets)
{
    json_t *labels = json_object(), *set, *label;
    size_t i, j;
    json_array_foreach(sets, i, set) json_array_foreach(at(set, "labels"), j, label)
        json_object_set_new(labels, json_string_value(label), json_true());
    return labels;
}

static void put_csv_row(buffer *out, const json_t *set, const json_t *entry, json_t *labels)
{
    bool first = true;
    put_value(out, at(set, "data"), &first);
    put_value(out, at(set, "baseline"), &first);
    for (size_t c = 0; c < CSV_COLUMNS; c++) {
        const json_t *value = entry;
        for (size_t p = 0; p < 3 && csv_columns[c].path[p]; p++)
            value = at(value, csv_columns[c].path[p]);
        put_value(out, csv_columns[c].index < 0 ? value : json_array_get(value, (size_t)csv_columns[c].index), &first);
    }
    const char *label;
    json_t *unused;
    json_object_foreach(labels, label, unused) put_value(out, at(at(entry, "predicted_counts"), label), &first);
    put(out, "\r\n");
}

static void put_csv(buffer *out, const json_t *document)
{
    const json_t *sets = at(document, "sets");
    json_t *labels = all_labels(sets), *set, *entry, *unused;
    const char *label;
    bool first = true;
    size_t i, j;
    put_field(out, "data", &first);
    put_field(out, "baseline", &first);
    for (size_t c = 0; c < CSV_COLUMNS; c++)
        put_field(out, csv_columns[c].head, &first);
    json_object_foreach(labels, label, unused)
    {
        buffer head = {0};
        put(&head, "predicted_");
        put(&head, label);
        put_field(out, head.data ? head.data : "", &first);
        buffer_free(&head);
    }
    put(out, "\r\n");
    json_array_foreach(sets, i, set) json_array_foreach(at(set, "entries"), j, entry)
        put_csv_row(out, set, entry, labels);
    json_decref(labels);
}

/* ---- The verb ---- */

static bool is_csv(const char *path)
{
    size_t length = path ? strlen(path) : 0;
    return length >= 4 && strcmp(path + length - 4, ".csv") == 0;
}

static int print_comparison(cli *app, char *json, result_format how, bool csv)
{
    if (how != FORMAT_TEXT)
        return emit_document(app, json, how);
    json_t *document = json_loads(json, 0, NULL), *set;
    size_t i;
    app->out.failed = app->out.failed || !document;
    if (csv) {
        put_csv(&app->out, document);
    } else {
        json_array_foreach(at(document, "sets"), i, set)
        {
            put(&app->out, i ? "\n\n" : "");
            put_set(&app->out, set);
        }
        put_legend(&app->out, document);
    }
    json_decref(document);
    return emit(app, false);
}

int run_compare(cli *app)
{
    timbang_compare_options options;
    result_format how;
    int code = output_format(app, false, &how);
    if (code == EXIT_OK)
        code = fill_options(app, &options);
    if (code != EXIT_OK)
        return code;
    char *json = NULL;
    timbang_status status = timbang_compare(app->ctx, &options, &json);
    if (status != TIMBANG_OK)
        return library_error(app, status);
    code = print_comparison(app, json, how, how == FORMAT_TEXT && is_csv(text_of(app, OPT_OUTPUT)));
    timbang_string_free(json);
    return code;
}
