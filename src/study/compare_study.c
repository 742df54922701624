/* SPDX-License-Identifier: Apache-2.0
 * The predictions of a study as entries, one for each model, variant and set: results.json names them, and
 * predictions.jsonl is read line by line.
 * Includes: study/compare_parts.h, base/json.h. Called by: study/compare. */
#include "study/compare_parts.h"

#include "base/text.h"
#include "study/json_lines.h"

#include <stdlib.h>
#include <string.h>

enum { LINES_BETWEEN_CHECKS = 4096 };

/* ---- Where a study lies ---- */

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* The folder of a file, or the folder itself. */
static char *folder_of(const char *path, tb_error *err)
{
    if (tb_is_directory(path))
        return tb_strdup(path, err);
    const char *slash = strrchr(path, '/');
    return slash ? tb_strndup(path, slash == path ? 1 : (size_t)(slash - path), err) : tb_strdup(".", err);
}

bool tb_compare_is_study(const char *path)
{
    if (tb_is_directory(path) || ends_with(path, ".json"))
        return true;
    if (!ends_with(path, "predictions.jsonl"))
        return false;
    tb_error ignored;
    char *folder = folder_of(path, &ignored), *results = folder ? tb_path_join(folder, "results.json", &ignored) : NULL;
    bool found = results && tb_is_file(results);
    free(folder);
    free(results);
    return found;
}

/* ---- Entries ---- */

typedef struct study {
    const tb_compare_reader *reader;
    size_t input, first, last; /* its entries */
    tb_entries *entries;
    json_t *results;
    const char *name; /* of predictions.jsonl, for messages */
    size_t hit;       /* the entry of the line before */
    size_t n_labels[TB_MAX_ENTRIES];
    uint64_t rows[TB_MAX_ENTRIES];
    tb_text key;
} study;

static const char *string_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static timbang_status chosen(const tb_compare_reader *reader, const json_t *result, bool *yes, tb_error *err)
{
    const char *model = string_at(result, "model"), *variant = string_at(result, "variant"),
               *set = string_at(result, "data");
    tb_text whole = {0}, pair = {0};
    tb_text_printf(&whole, "%s/%s on %s", model, variant, set);
    tb_text_printf(&pair, "%s/%s", model, variant);
    timbang_status status = tb_text_finish(&whole, err);
    if (status == TIMBANG_OK)
        status = tb_text_finish(&pair, err);
    *yes = reader->n_only == 0;
    for (size_t i = 0; i < reader->n_only && status == TIMBANG_OK && !*yes; i++) {
        const char *pattern = reader->only[i];
        *yes = tb_glob(pattern, whole.data) || tb_glob(pattern, pair.data) || tb_glob(pattern, model) ||
               tb_glob(pattern, variant) || tb_glob(pattern, set);
    }
    tb_text_free(&whole);
    tb_text_free(&pair);
    return status;
}

static const json_t *labels_of_model(const json_t *results, const char *model)
{
    size_t i;
    json_t *m;
    json_array_foreach(json_object_get(results, "models"), i,
                       m) if (strcmp(string_at(m, "name"), model) == 0) return json_object_get(m, "labels");
    return NULL;
}

/* The classes that an entry's logits are of: all labels of the model, or those of a restricted result. */
static timbang_status fill_columns(study *s, tb_entry *e, const json_t *result, size_t at, const char *where,
                                   tb_error *err)
{
    const json_t *labels = labels_of_model(s->results, e->model), *among = json_object_get(result, "labels");
    size_t n = json_array_size(labels);
    if (n < 2 || n > TB_MAX_CLASSES || json_array_size(among) < 2)
        return tb_fail(err, TIMBANG_FORMAT, "%s: the labels of model '%s' are missing", where, e->model);
    s->n_labels[at] = n;
    for (size_t c = 0; c < n; c++) {
        const char *label = json_string_value(json_array_get(labels, c));
        int class;
        if (!label || !*label)
            return tb_fail(err, TIMBANG_FORMAT, "%s: label %zu of model '%s' is no text", where, c, e->model);
        TB_TRY(tb_classes_pred(s->reader->classes, label, strlen(label), &class, err));
        bool used = false;
        size_t i;
        json_t *one;
        json_array_foreach(among, i, one) used =
            used || (json_is_string(one) && strcmp(json_string_value(one), label) == 0);
        e->columns[c] = (int16_t)(used ? class : TB_NO_CLASS); /* squeezed when all rows are read */
    }
    e->n_columns = n;
    e->scores = s->reader->labels_only ? TB_SCORES_NONE : TB_SCORES_LOGITS;
    return TIMBANG_OK;
}

static timbang_status add_entry(study *s, const json_t *result, const char *where, tb_error *err)
{
    tb_entry *e;
    const json_t *n = json_object_get(result, "n");
    TB_TRY(tb_entries_add(s->entries, &e, err));
    s->last = s->entries->n;
    e->input = s->input;
    e->model = tb_strdup(string_at(result, "model"), err);
    e->variant = tb_strdup(string_at(result, "variant"), err);
    e->set = tb_strdup(string_at(result, "data"), err);
    if (!e->model || !e->variant || !e->set)
        return TIMBANG_NO_MEMORY;
    if (!*e->model || !*e->variant || !*e->set || !json_is_integer(n))
        return tb_fail(err, TIMBANG_FORMAT, "%s: an entry of \"results\" lacks model, variant, data or n", where);
    e->untrained_head = json_is_true(json_object_get(result, "untrained_head"));
    s->rows[s->entries->n - 1] = (uint64_t)json_integer_value(n);
    return fill_columns(s, e, result, s->entries->n - 1, where, err);
}

static timbang_status none_chosen(const study *s, const char *where, tb_error *err)
{
    tb_text list = {0};
    size_t i;
    json_t *r;
    json_array_foreach(json_object_get(s->results, "results"), i, r)
    {
        if (list.length > 400)
            break;
        tb_text_printf(&list, "%s%s/%s on %s", i ? ", " : "", string_at(r, "model"), string_at(r, "variant"),
                       string_at(r, "data"));
    }
    TB_TRY(tb_text_finish(&list, err));
    tb_fail(err, TIMBANG_USAGE, "%s: --only lets no result through; there are %s", where,
            list.data ? list.data : "none");
    tb_text_free(&list);
    return TIMBANG_USAGE;
}

static timbang_status choose_entries(study *s, const char *where, tb_error *err)
{
    const json_t *results = json_object_get(s->results, "results");
    const json_t *schema = json_object_get(json_object_get(s->results, "timbang"), "schema");
    if (!json_is_integer(schema) || !json_is_array(results))
        return tb_fail(err, TIMBANG_FORMAT, "%s: this is no results.json of a study", where);
    if (json_integer_value(schema) != 1)
        return tb_fail(err, TIMBANG_UNSUPPORTED, "%s: its schema is %lld; this version reads 1", where,
                       (long long)json_integer_value(schema));
    size_t i;
    json_t *result;
    json_array_foreach(results, i, result)
    {
        bool yes;
        TB_TRY(chosen(s->reader, result, &yes, err));
        if (yes)
            TB_TRY(add_entry(s, result, where, err));
    }
    return s->entries->n > s->first ? TIMBANG_OK : none_chosen(s, where, err);
}

/* ---- Rows ---- */

static timbang_status bad_line(const tb_json_lines *l, const char *what, tb_error *err)
{
    return tb_fail(err, TIMBANG_DATA, "%s: %s", l->where.data, what);
}

static bool is_entry(const tb_entry *e, const json_t *line)
{
    return strcmp(e->variant, string_at(line, "variant")) == 0 && strcmp(e->model, string_at(line, "model")) == 0 &&
           strcmp(e->set, string_at(line, "data")) == 0;
}

/* NULL: the line belongs to no entry that was asked for. */
static tb_entry *entry_of(study *s, const json_t *line)
{
    for (size_t i = 0; i < s->last - s->first; i++) {
        size_t at = s->first + (s->hit - s->first + i) % (s->last - s->first);
        if (is_entry(&s->entries->list[at], line)) {
            s->hit = at;
            return &s->entries->list[at];
        }
    }
    return NULL;
}

static timbang_status add_text(study *s, const json_t *line, uint32_t *number, tb_error *err)
{
    const json_t *text = json_object_get(line, "text"), *pair = json_object_get(line, "pair");
    s->key.length = 0;
    tb_text_append(&s->key, json_string_value(text), json_string_length(text));
    if (json_is_string(pair)) {
        tb_text_putc(&s->key, '\x1f');
        tb_text_append(&s->key, json_string_value(pair), json_string_length(pair));
    }
    TB_TRY(tb_text_finish(&s->key, err));
    return tb_texts_add(s->reader->texts, s->key.data ? s->key.data : "", s->key.length, number, err);
}

static timbang_status add_labels(study *s, const tb_json_lines *l, const json_t *line, tb_entry *e, bool *dropped,
                                 tb_error *err)
{
    const char *truth = string_at(line, "truth"), *pred = string_at(line, "pred");
    int truth_class, pred_class;
    if (!*truth || !*pred)
        return bad_line(l, "\"truth\" or \"pred\" is missing", err);
    TB_TRY(tb_classes_truth(s->reader->classes, truth, strlen(truth), &truth_class, err));
    TB_TRY(tb_classes_pred(s->reader->classes, pred, strlen(pred), &pred_class, err));
    e->truth[e->n] = (int16_t)truth_class;
    e->pred[e->n] = (int16_t)pred_class;
    *dropped = truth_class == TB_NO_CLASS;
    return TIMBANG_OK;
}

static timbang_status add_line(study *s, const tb_json_lines *l, const json_t *line, tb_error *err)
{
    tb_entry *e = entry_of(s, line);
    if (!e)
        return TIMBANG_OK;
    size_t at = (size_t)(e - s->entries->list), n = s->n_labels[at];
    bool has_text = json_is_string(json_object_get(line, "text")), dropped = false;
    const json_t *logits = json_object_get(line, "logits"), *row = json_object_get(line, "row");
    if (e->capacity > 0 && has_text != (e->text != NULL))
        return bad_line(l, "some lines have a \"text\" and some have none", err);
    if (s->rows[at]-- == 0)
        return bad_line(l, "there are more rows than results.json says", err);
    TB_TRY(tb_entry_reserve(e, has_text, true, err));
    TB_TRY(add_labels(s, l, line, e, &dropped, err));
    if (dropped)
        return TIMBANG_OK;
    if (has_text)
        TB_TRY(add_text(s, line, &e->text[e->n], err));
    e->line[e->n] = json_is_integer(row) ? (uint64_t)json_integer_value(row) : l->number;
    if (json_array_size(logits) != n)
        return bad_line(l, "\"logits\" must hold a number for each label of the model", err);
    for (size_t c = 0; c < n; c++) {
        const json_t *value = json_array_get(logits, c);
        if (!json_is_number(value))
            return bad_line(l, "a logit is no number", err);
        e->values[e->n * n + c] = (double)(float)json_number_value(value); /* nine digits give back the float */
    }
    e->n++;
    return TIMBANG_OK;
}

/* Logits of classes that are not predicted over go away. */
static void squeeze(tb_entry *e)
{
    size_t kept = 0, n = e->n_columns, to = 0;
    for (size_t i = 0; i < e->n; i++)
        for (size_t c = 0; c < n; c++)
            if (e->columns[c] != TB_NO_CLASS)
                e->values[to++] = e->values[i * n + c];
    for (size_t c = 0; c < n; c++)
        if (e->columns[c] != TB_NO_CLASS)
            e->columns[kept++] = e->columns[c];
    e->n_columns = kept;
}

static timbang_status finish_entries(study *s, tb_error *err)
{
    for (size_t i = s->first; i < s->entries->n; i++) {
        tb_entry *e = &s->entries->list[i];
        if (s->rows[i] > 0)
            return tb_fail(err, TIMBANG_DATA, "%s: %llu rows of %s/%s on %s are missing", s->name,
                           (unsigned long long)s->rows[i], e->model, e->variant, e->set);
        if (e->n == 0)
            return tb_fail(err, TIMBANG_DATA, "%s: no row of %s/%s on %s is left: all have labels that are dropped",
                           s->name, e->model, e->variant, e->set);
        if (e->scores == TB_SCORES_LOGITS) {
            squeeze(e);
        } else {
            e->n_columns = 0;
            free(e->values);
            e->values = NULL;
        }
        e->facts = json_pack("{s:s, s:s, s:s, s:s, s:I}", "model", e->model, "variant", e->variant, "data", e->set,
                             "scores", e->scores == TB_SCORES_LOGITS ? "logits" : "none", "rows", (json_int_t)e->n);
        if (!e->facts)
            return tb_no_memory(err, 0);
    }
    return TIMBANG_OK;
}

static timbang_status read_lines(study *s, tb_json_lines *l, tb_error *err)
{
    for (;;) {
        json_t *line = NULL;
        if (l->number % LINES_BETWEEN_CHECKS == 0) {
            TB_TRY(tb_check_cancel(s->reader->hooks, err));
            tb_progress(s->reader->hooks, "reading", l->at, tb_source_size(l->source));
        }
        TB_TRY(tb_json_lines_next(l, &line, err));
        if (!line)
            return TIMBANG_OK;
        timbang_status status = add_line(s, l, line, err);
        json_decref(line);
        TB_TRY(status);
    }
}

static timbang_status read_study(study *s, const char *folder, tb_error *err)
{
    char *results = tb_path_join(folder, "results.json", err),
         *predictions = results ? tb_path_join(folder, "predictions.jsonl", err) : NULL;
    tb_json_lines lines = {0};
    timbang_status status = predictions ? tb_json_load_file(results, &s->results, err) : TIMBANG_NO_MEMORY;
    if (status == TIMBANG_OK)
        status = choose_entries(s, results, err);
    if (status == TIMBANG_OK)
        status = tb_json_lines_open(predictions, &lines, err);
    if (status == TIMBANG_NOT_FOUND && s->results)
        tb_fail(err, status, "%s: the predictions of the study (predictions.jsonl) must lie beside its results.json",
                predictions);
    if (status == TIMBANG_OK) {
        s->name = predictions;
        status = read_lines(s, &lines, err);
    }
    if (status == TIMBANG_OK)
        status = finish_entries(s, err);
    tb_json_lines_close(&lines);
    json_decref(s->results);
    free(results);
    free(predictions);
    return status;
}

timbang_status tb_compare_read_study(const tb_compare_reader *reader, const char *path, size_t input,
                                     tb_entries *entries, tb_error *err)
{
    study *s = tb_calloc(1, sizeof *s, err);
    char *folder = s ? folder_of(path, err) : NULL;
    timbang_status status = TIMBANG_NO_MEMORY;
    if (folder) {
        s->reader = reader;
        s->input = input;
        s->entries = entries;
        s->first = s->last = s->hit = entries->n;
        status = read_study(s, folder, err);
        tb_text_free(&s->key);
    }
    free(folder);
    free(s);
    return status;
}
