/* SPDX-License-Identifier: Apache-2.0
 * A table of predictions as an entry: labels first, and, when all labels are known, the scores.
 * Includes: study/compare_parts.h, study/compare_columns.h, study/compare_table.h. Called by: study/compare. */
#include "study/compare_columns.h"
#include "study/compare_parts.h"
#include "study/record.h"

#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_BETWEEN_CHECKS = 16384 };
#define SUM_TOLERANCE 1e-3
#define RANGE_OVERRUN 1e-6 /* what printing probabilities with few digits may add */
#define TIE_TOLERANCE 1e-9

typedef struct reading {
    const tb_compare_reader *reader;
    tb_table *table;
    const char *shown;
    tb_roles roles;
    tb_entry *entry;
    tb_text key;
    uint64_t dropped;
} reading;

static timbang_status at_row(const reading *r, timbang_status status, tb_error *err)
{
    if (status != TIMBANG_DATA)
        return status;
    return tb_fail_prefix(err, "%s: row %llu", tb_table_name(r->table), (unsigned long long)tb_table_line(r->table));
}

/* ---- Labels ---- */

static timbang_status missing(const reading *r, const char *what, size_t column, tb_error *err)
{
    char shown[72];
    const char *name = tb_table_column(r->table, column);
    return tb_fail(err, TIMBANG_DATA, "%s: row %llu: the %s (column '%s') is missing", tb_table_name(r->table),
                   (unsigned long long)tb_table_line(r->table), what, tb_data_shown(name, strlen(name), shown));
}

static timbang_status read_label(reading *r, bool truth, int *class, tb_error *err)
{
    size_t column = truth ? r->roles.truth : r->roles.pred;
    tb_cell cell;
    TB_TRY(tb_table_cell(r->table, column, &cell, err));
    if (cell.length == 0)
        return missing(r, truth ? "label" : "prediction", column, err);
    if (truth)
        return at_row(r, tb_classes_truth(r->reader->classes, cell.data, cell.length, class, err), err);
    return at_row(r, tb_classes_pred(r->reader->classes, cell.data, cell.length, class, err), err);
}

static timbang_status read_text(reading *r, uint32_t *number, tb_error *err)
{
    tb_cell cell;
    r->key.length = 0;
    TB_TRY(tb_table_text(r->table, r->roles.text, &cell, err));
    tb_text_append(&r->key, cell.data, cell.length);
    if (r->roles.pair != TB_NO_COLUMN) {
        TB_TRY(tb_table_text(r->table, r->roles.pair, &cell, err));
        tb_text_putc(&r->key, '\x1f');
        tb_text_append(&r->key, cell.data, cell.length);
    }
    TB_TRY(tb_text_finish(&r->key, err));
    return tb_texts_add(r->reader->texts, r->key.data ? r->key.data : "", r->key.length, number, err);
}

static timbang_status read_row(reading *r, tb_error *err)
{
    tb_entry *e = r->entry;
    bool has_text = r->roles.text != TB_NO_COLUMN, has_truth = r->roles.truth != TB_NO_COLUMN;
    int truth = 0, pred = 0;
    TB_TRY(tb_entry_reserve(e, has_text, has_truth, err));
    if (has_truth)
        TB_TRY(read_label(r, true, &truth, err));
    if (truth == TB_NO_CLASS) {
        r->dropped++;
        return TIMBANG_OK;
    }
    TB_TRY(read_label(r, false, &pred, err));
    if (has_text)
        TB_TRY(read_text(r, &e->text[e->n], err));
    if (has_truth)
        e->truth[e->n] = (int16_t)truth;
    e->pred[e->n] = (int16_t)pred;
    e->line[e->n++] = tb_table_line(r->table);
    return TIMBANG_OK;
}

static timbang_status read_labels(reading *r, tb_error *err)
{
    bool more = true;
    for (uint64_t i = 0;; i++) {
        if (i % ROWS_BETWEEN_CHECKS == 0)
            TB_TRY(tb_check_cancel(r->reader->hooks, err));
        TB_TRY(tb_table_next(r->table, &more, err));
        if (!more)
            break;
        TB_TRY(read_row(r, err));
    }
    if (r->entry->n == 0 && r->dropped > 0)
        return tb_fail(err, TIMBANG_DATA, "%s: no row is left: all %llu have labels that are dropped",
                       tb_table_name(r->table), (unsigned long long)r->dropped);
    if (r->entry->n == 0)
        return tb_fail(err, TIMBANG_FORMAT, "%s: there is a header, but no row below it", tb_table_name(r->table));
    return TIMBANG_OK;
}

/* ---- Scores ---- */

static timbang_status bad_score(const reading *r, size_t column, const char *value, size_t length, const char *wanted,
                                tb_error *err)
{
    char name_shown[72], value_shown[72];
    const char *name = tb_table_column(r->table, column);
    return tb_fail(err, TIMBANG_DATA, "%s: row %llu: '%s' is '%s'; %s is expected", tb_table_name(r->table),
                   (unsigned long long)tb_table_line(r->table), tb_data_shown(name, strlen(name), name_shown),
                   tb_data_shown(value, length, value_shown), wanted);
}

/* A number; a comma for the point, as some spreadsheets write it, is one too. */
static timbang_status read_number(const reading *r, size_t column, double *value, tb_error *err)
{
    char text[64];
    tb_cell cell;
    TB_TRY(tb_table_cell(r->table, column, &cell, err));
    if (cell.length < sizeof text) {
        memcpy(text, cell.data, cell.length);
        text[cell.length] = '\0';
        char *comma = memchr(text, '.', cell.length) ? NULL : memchr(text, ',', cell.length);
        if (comma)
            *comma = '.';
        if (tb_parse_double(text, value) && isfinite(*value))
            return TIMBANG_OK;
    }
    return bad_score(r, column, cell.data, cell.length, "a number", err);
}

static timbang_status check_sum(const reading *r, const tb_score_columns *from, double *values, tb_error *err)
{
    double sum = 0;
    for (size_t c = 0; c < from->n; c++)
        sum += values[c];
    if (fabs(sum - 1) <= SUM_TOLERANCE) {
        for (size_t c = 0; c < from->n; c++)
            values[c] /= sum;
        return TIMBANG_OK;
    }
    tb_text names = {0};
    for (size_t c = 0; c < from->n && names.length < 300; c++)
        tb_text_printf(&names, "%s%s", c ? ", " : "", tb_table_column(r->table, from->column[c]));
    TB_TRY(tb_text_finish(&names, err));
    char total[40];
    tb_text number = {0};
    tb_text_printf(&number, "%.6g", sum);
    TB_TRY(tb_text_finish(&number, err));
    memcpy(total, number.data, number.length + 1);
    tb_text_free(&number);
    tb_fail(err, TIMBANG_DATA,
            "%s: row %llu: the probabilities %s sum to %s; 1 is expected (--labels-only leaves them aside)",
            tb_table_name(r->table), (unsigned long long)tb_table_line(r->table), names.data, total);
    tb_text_free(&names);
    return TIMBANG_DATA;
}

static timbang_status read_scores(const reading *r, const tb_score_columns *from, double *values, tb_error *err)
{
    for (size_t c = 0; c < from->n; c++) {
        TB_TRY(read_number(r, from->column[c], &values[c], err));
        if (from->logits)
            continue;
        if (values[c] < -RANGE_OVERRUN || values[c] > 1 + SUM_TOLERANCE) {
            tb_cell cell;
            TB_TRY(tb_table_cell(r->table, from->column[c], &cell, err));
            return bad_score(r, from->column[c], cell.data, cell.length,
                             "a probability from 0 to 1 (--labels-only leaves them aside)", err);
        }
        values[c] = values[c] < 0 ? 0 : values[c];
    }
    return from->logits ? TIMBANG_OK : check_sum(r, from, values, err);
}

/* Whether the predicted label has the largest score of the row. */
static bool pred_is_largest(const tb_entry *e, size_t row, const tb_score_columns *from)
{
    const double *values = e->values + row * from->n;
    double largest = values[0], own = 0;
    for (size_t c = 0; c < from->n; c++) {
        largest = values[c] > largest ? values[c] : largest;
        if (from->class[c] == e->pred[row])
            own = values[c];
    }
    return own >= largest - TIE_TOLERANCE;
}

/* Walks the rows once more; the rows that were dropped are the ones whose lines the entry lacks. */
static timbang_status next_kept(const reading *r, size_t row, tb_error *err)
{
    bool more;
    if (row % ROWS_BETWEEN_CHECKS == 0)
        TB_TRY(tb_check_cancel(r->reader->hooks, err));
    do {
        TB_TRY(tb_table_next(r->table, &more, err));
    } while (more && tb_table_line(r->table) != r->entry->line[row]);
    return more ? TIMBANG_OK : tb_fail(err, TIMBANG_INTERNAL, "%s: a row is gone", tb_table_name(r->table));
}

static timbang_status fill_scores(reading *r, const tb_score_columns *from, tb_error *err)
{
    tb_entry *e = r->entry;
    size_t other = 0;
    uint64_t first = 0;
    TB_TRY(tb_table_rewind(r->table, err));
    e->n_columns = from->n;
    e->values = tb_calloc(e->n, from->n * sizeof *e->values, err);
    if (!e->values)
        return TIMBANG_NO_MEMORY;
    for (size_t c = 0; c < from->n; c++)
        e->columns[c] = (int16_t)from->class[c];
    for (size_t i = 0; i < e->n; i++) {
        TB_TRY(next_kept(r, i, err));
        TB_TRY(read_scores(r, from, e->values + i * from->n, err));
        if (pred_is_largest(e, i, from))
            continue;
        first = other++ ? first : e->line[i];
    }
    if (other == 0) {
        e->scores = from->logits ? TB_SCORES_LOGITS : TB_SCORES_PROBS;
        return TIMBANG_OK;
    }
    free(e->values);
    e->values = NULL;
    e->n_columns = 0;
    return tb_note(r->reader->notes, r->shown, NULL, "scores", err,
                   "in %zu of %zu rows (the first in line %llu) another label than the predicted one has the largest "
                   "%s; the predicted labels count, and the %s are left aside",
                   other, e->n, (unsigned long long)first, from->logits ? "logit" : "probability",
                   from->logits ? "logits" : "probabilities");
}

/* The probability of the predicted label alone. A column that holds anything else (stars, say) is left aside. */
static timbang_status fill_confidence(reading *r, tb_error *err)
{
    tb_entry *e = r->entry;
    TB_TRY(tb_table_rewind(r->table, err));
    double *values = tb_calloc(e->n, sizeof *values, err);
    timbang_status status = values ? TIMBANG_OK : TIMBANG_NO_MEMORY;
    size_t i = 0;
    for (; i < e->n && status == TIMBANG_OK; i++) {
        status = next_kept(r, i, err);
        if (status == TIMBANG_OK)
            status = read_number(r, r->roles.confidence, &values[i], err);
        if (status == TIMBANG_OK && (values[i] < 0 || values[i] > 1))
            break;
    }
    if (status == TIMBANG_OK && i == e->n) {
        e->scores = TB_SCORES_CONFIDENCE;
        e->n_columns = 1;
        e->values = values;
        return TIMBANG_OK;
    }
    free(values);
    TB_TRY(status);
    char shown[72];
    const char *name = tb_table_column(r->table, r->roles.confidence);
    return tb_note(r->reader->notes, r->shown, NULL, "scores", err,
                   "the column '%s' is no confidence from 0 to 1 (line %llu); it is left aside",
                   tb_data_shown(name, strlen(name), shown), (unsigned long long)e->line[i]);
}

static timbang_status choose_scores(reading *r, tb_error *err)
{
    bool used[TB_MAX_CLASSES] = {false}, partial;
    tb_score_columns from;
    for (size_t i = 0; i < r->entry->n; i++)
        used[r->entry->pred[i]] = true;
    TB_TRY(tb_roles_scores(r->table, &r->roles, r->reader->classes, used, &from, &partial, err));
    if (from.n > 0)
        return fill_scores(r, &from, err);
    if (partial)
        TB_TRY(tb_note(r->reader->notes, r->shown, NULL, "scores", err,
                       "some predicted labels have no column of probabilities; those that are there are left aside"));
    return r->roles.confidence != TB_NO_COLUMN ? fill_confidence(r, err) : TIMBANG_OK;
}

/* ---- The whole ---- */

static json_t *column_name(const tb_table *table, size_t column)
{
    return column == TB_NO_COLUMN ? json_null() : tb_json_utf8(tb_table_column(table, column));
}

static timbang_status describe(reading *r, tb_error *err)
{
    const tb_entry *e = r->entry;
    static const char *const scores[] = {"none", "confidence", "probabilities", "logits"};
    r->entry->facts =
        json_pack("{s:o, s:o, s:o, s:s, s:o, s:o}", "text_column", column_name(r->table, r->roles.text), "label_column",
                  column_name(r->table, r->roles.truth), "pred_column", column_name(r->table, r->roles.pred), "scores",
                  scores[e->scores], "rows", tb_json_count(e->n), "dropped", tb_json_count(r->dropped));
    if (!r->entry->facts)
        return tb_no_memory(err, 0);
    tb_text line = {0};
    const size_t columns[] = {r->roles.text, r->roles.truth, r->roles.pred};
    static const char *const what[] = {"text", "label", "prediction"};
    for (size_t i = 0; i < 3; i++) {
        char shown[72];
        const char *name = columns[i] == TB_NO_COLUMN ? NULL : tb_table_column(r->table, columns[i]);
        tb_text_printf(&line, name ? "%s %s column '%s'" : "%s no %s column%s", i ? "," : "", what[i],
                       name ? tb_data_shown(name, strlen(name), shown) : "");
    }
    timbang_status status = tb_text_finish(&line, err);
    if (status == TIMBANG_OK)
        tb_log(r->reader->hooks, TIMBANG_LOG_INFO, "%s:%s, scores: %s; %zu rows", tb_table_name(r->table), line.data,
               scores[e->scores], e->n);
    tb_text_free(&line);
    return status;
}

timbang_status tb_compare_read_table(const tb_compare_reader *reader, const char *path, const char *shown, size_t input,
                                     tb_entries *entries, tb_error *err)
{
    reading r = {.reader = reader, .shown = shown};
    TB_TRY(tb_table_open(path, reader->columns, &r.table, err));
    timbang_status status = tb_entries_add(entries, &r.entry, err);
    if (status == TIMBANG_OK) {
        r.entry->input = input;
        status = tb_roles_choose(r.table, reader->columns, reader->pred_column, &r.roles, err);
    }
    if (status == TIMBANG_OK)
        status = read_labels(&r, err);
    if (status == TIMBANG_OK && !reader->labels_only)
        status = choose_scores(&r, err);
    if (status == TIMBANG_OK)
        status = describe(&r, err);
    tb_text_free(&r.key);
    tb_table_close(r.table);
    return status;
}
