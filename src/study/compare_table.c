/* SPDX-License-Identifier: Apache-2.0
 * Delimited text through the data room's sniffing and records, JSON Lines through jansson, behind one walk.
 * Includes: study/compare_table.h, data, base. Called by: study/compare_columns, study/compare_read. */
#include "study/compare_table.h"

#include "data/reading.h"
#include "data/sniff.h"

#include <stdlib.h>
#include <string.h>

enum { JSON_SURVEY_LINES = 200, JSON_COLUMNS = 600 };
#define MAX_TABLE_BYTES ((uint64_t)1 << 32)

typedef struct column {
    const char *name;          /* trimmed */
    const char *outer, *inner; /* JSON keys; inner NULL: the value of `outer` itself */
} column;

struct tb_table {
    char *name;
    char *file; /* the whole file */
    const char *bytes;
    size_t size; /* without the byte order mark */
    tb_arena *arena;
    tb_text scratch;
    column *columns;
    size_t n_columns;
    bool jsonl, header;
    uint64_t line;

    tb_records records; /* delimited */
    bool records_open;
    tb_dialect dialect;

    const char *at; /* JSON Lines */
    json_t *object;
};

const char *tb_table_name(const tb_table *table)
{
    return table->name;
}

size_t tb_table_columns(const tb_table *table)
{
    return table->n_columns;
}

const char *tb_table_column(const tb_table *table, size_t c)
{
    return table->columns[c].name;
}

bool tb_table_is_jsonl(const tb_table *table)
{
    return table->jsonl;
}

uint64_t tb_table_line(const tb_table *table)
{
    return table->line;
}

static timbang_status set_name(tb_table *table, size_t c, const char *name, size_t length, tb_error *err)
{
    tb_trim(&name, &length);
    table->columns[c].name = tb_arena_strndup(table->arena, name, length, err);
    return table->columns[c].name ? TIMBANG_OK : TIMBANG_NO_MEMORY;
}

/* ---- Delimited text ---- */

static timbang_status field_text(tb_table *table, const tb_field *field, tb_cell *cell, tb_error *err)
{
    *cell = (tb_cell){field->data, field->length};
    if (!field->escaped)
        return TIMBANG_OK;
    table->scratch.length = 0;
    tb_text_append(&table->scratch, field->data, field->length);
    TB_TRY(tb_text_finish(&table->scratch, err));
    cell->length = tb_field_copy(field, table->scratch.data);
    cell->data = table->scratch.data;
    return TIMBANG_OK;
}

static bool next_record(tb_records *records)
{
    while (tb_records_next(records))
        if (!records->blank)
            return true;
    return false;
}

static timbang_status check_record(const tb_table *table, tb_error *err)
{
    const tb_records *r = &table->records;
    unsigned long long line = r->line;
    if (r->unclosed_line)
        return tb_fail(err, TIMBANG_DATA, "%s: row %llu: the quote that opens in line %llu is never closed",
                       table->name, line, (unsigned long long)r->unclosed_line);
    if (r->torn_open)
        return tb_fail(err, TIMBANG_DATA,
                       "%s: row %llu: the quote that opens in line %llu is closed in the middle of line %llu (a quote "
                       "inside quotes is doubled)",
                       table->name, line, (unsigned long long)r->torn_open, (unsigned long long)r->torn_close);
    if (r->n_fields != table->n_columns)
        return tb_fail(
            err, TIMBANG_DATA, "%s: row %llu: there %s %zu column%s where the first row has %zu%s", table->name, line,
            r->n_fields == 1 ? "is" : "are", r->n_fields, r->n_fields == 1 ? "" : "s", table->n_columns,
            r->n_fields > table->n_columns && r->dialect.quotes ? " (a text that holds the delimiter must be quoted)"
                                                                : "");
    return TIMBANG_OK;
}

static timbang_status reopen_records(tb_table *table, tb_error *err)
{
    if (table->records_open)
        tb_records_close(&table->records);
    table->records_open = false;
    TB_TRY(tb_records_open(&table->records, table->bytes, table->size, table->dialect, err));
    table->records_open = true;
    return TIMBANG_OK;
}

static timbang_status open_delimited(tb_table *table, const timbang_data_options *options, tb_error *err)
{
    size_t sniffed;
    TB_TRY(tb_sniff(table->bytes, table->size, options, &table->dialect, &sniffed, err));
    TB_TRY(reopen_records(table, err));
    if (!next_record(&table->records))
        return tb_fail(err, TIMBANG_FORMAT, "%s: the file holds only blank lines", table->name);
    table->n_columns = table->records.n_fields;
    if (table->n_columns > TB_MAX_COLUMNS)
        return tb_fail(err, TIMBANG_DATA, "%s: there are %zu columns; at most %d are read", table->name,
                       table->n_columns, (int)TB_MAX_COLUMNS);
    TB_TRY(check_record(table, err));
    table->columns = tb_calloc(table->n_columns, sizeof *table->columns, err);
    if (!table->columns)
        return TIMBANG_NO_MEMORY;
    for (size_t c = 0; c < table->n_columns; c++) {
        tb_cell name;
        TB_TRY(field_text(table, &table->records.fields[c], &name, err));
        TB_TRY(set_name(table, c, name.data, name.length, err));
    }
    return TIMBANG_OK;
}

timbang_status tb_table_headless(tb_table *table, tb_error *err)
{
    table->header = false;
    for (size_t c = 0; c < table->n_columns; c++) {
        table->scratch.length = 0;
        tb_text_printf(&table->scratch, "%zu", c + 1);
        TB_TRY(tb_text_finish(&table->scratch, err));
        TB_TRY(set_name(table, c, table->scratch.data, table->scratch.length, err));
    }
    return tb_table_rewind(table, err);
}

/* ---- JSON Lines ---- */

/* The next line that is not blank, as an object in table->object; none at the end. */
static timbang_status next_object(tb_table *table, bool *more, tb_error *err)
{
    const char *end = table->bytes + table->size;
    json_decref(table->object);
    table->object = NULL;
    for (*more = false; table->at < end;) {
        const char *newline = memchr(table->at, '\n', (size_t)(end - table->at));
        const char *line = table->at;
        size_t length = (size_t)((newline ? newline : end) - line);
        table->at = newline ? newline + 1 : end;
        table->line++;
        tb_trim(&line, &length);
        if (length == 0)
            continue;
        char where[64 + TB_ERROR_TEXT / 2];
        table->scratch.length = 0;
        tb_text_printf(&table->scratch, "%.400s: row %llu", table->name, (unsigned long long)table->line);
        TB_TRY(tb_text_finish(&table->scratch, err));
        memcpy(where, table->scratch.data, table->scratch.length + 1);
        timbang_status status = tb_json_parse(where, line, length, 0, &table->object, err);
        if (status == TIMBANG_FORMAT)
            err->status = status = TIMBANG_DATA;
        TB_TRY(status);
        if (!json_is_object(table->object))
            return tb_fail(err, TIMBANG_DATA, "%s: this is not a JSON object, such as {\"text\": ..., \"pred\": ...}",
                           where);
        *more = true;
        return TIMBANG_OK;
    }
    return TIMBANG_OK;
}

static bool same_key(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static timbang_status add_column(tb_table *table, const char *outer, const char *inner, tb_error *err)
{
    for (size_t c = 0; c < table->n_columns; c++)
        if (same_key(table->columns[c].outer, outer) && same_key(table->columns[c].inner, inner))
            return TIMBANG_OK;
    if (table->n_columns == JSON_COLUMNS)
        return TIMBANG_OK;
    column *made = &table->columns[table->n_columns];
    made->outer = tb_arena_strndup(table->arena, outer, strlen(outer), err);
    made->inner = inner ? tb_arena_strndup(table->arena, inner, strlen(inner), err) : NULL;
    if (!made->outer || (inner && !made->inner))
        return TIMBANG_NO_MEMORY;
    table->scratch.length = 0;
    tb_text_printf(&table->scratch, "%s%s%s", outer, inner ? "." : "", inner ? inner : "");
    TB_TRY(tb_text_finish(&table->scratch, err));
    TB_TRY(set_name(table, table->n_columns, table->scratch.data, table->scratch.length, err));
    table->n_columns++;
    return TIMBANG_OK;
}

static timbang_status add_keys(tb_table *table, tb_error *err)
{
    const char *outer, *inner;
    json_t *value, *part;
    json_object_foreach(table->object, outer, value)
    {
        if (!json_is_object(value)) {
            TB_TRY(add_column(table, outer, NULL, err));
            continue;
        }
        json_object_foreach(value, inner, part) TB_TRY(add_column(table, outer, inner, err));
    }
    return TIMBANG_OK;
}

static timbang_status open_jsonl(tb_table *table, tb_error *err)
{
    bool more = true;
    table->columns = tb_calloc(JSON_COLUMNS, sizeof *table->columns, err);
    if (!table->columns)
        return TIMBANG_NO_MEMORY;
    table->at = table->bytes;
    for (int i = 0; i < JSON_SURVEY_LINES && more; i++) {
        TB_TRY(next_object(table, &more, err));
        if (more)
            TB_TRY(add_keys(table, err));
    }
    return TIMBANG_OK;
}

static timbang_status member_text(tb_table *table, size_t c, tb_cell *cell, tb_error *err)
{
    const column *from = &table->columns[c];
    const json_t *value = json_object_get(table->object, from->outer);
    if (from->inner)
        value = json_object_get(value, from->inner);
    *cell = (tb_cell){"", 0};
    if (json_is_string(value)) {
        *cell = (tb_cell){json_string_value(value), json_string_length(value)};
        if (memchr(cell->data, '\0', cell->length))
            return tb_fail(err, TIMBANG_DATA, "%s: row %llu: \"%s\" holds the character U+0000", table->name,
                           (unsigned long long)table->line, from->name);
        return TIMBANG_OK;
    }
    table->scratch.length = 0;
    if (json_is_integer(value)) {
        tb_text_printf(&table->scratch, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    } else if (json_is_real(value)) {
        tb_text_printf(&table->scratch, "%.17g", json_real_value(value));
    } else if (json_is_boolean(value)) {
        tb_text_puts(&table->scratch, json_is_true(value) ? "true" : "false");
    } else if (json_is_array(value) || json_is_object(value)) {
        return tb_fail(err, TIMBANG_DATA, "%s: row %llu: \"%s\" is an array or object; one value is expected",
                       table->name, (unsigned long long)table->line, from->name);
    } else {
        return TIMBANG_OK; /* missing, null, or NaN as Python writes it */
    }
    TB_TRY(tb_text_finish(&table->scratch, err));
    *cell = (tb_cell){table->scratch.data, table->scratch.length};
    return TIMBANG_OK;
}

/* ---- Both ---- */

static timbang_status fill(tb_table *table, const char *path, const timbang_data_options *options, tb_error *err)
{
    static const char mark[] = "\xEF\xBB\xBF";
    table->name = tb_strdup(strcmp(path, "-") == 0 ? "standard input" : path, err);
    if (!table->name)
        return TIMBANG_NO_MEMORY;
    TB_TRY(tb_read_file(path, MAX_TABLE_BYTES, &table->file, &table->size, err));
    TB_TRY(tb_data_check_bytes(table->name, table->file, table->size, err));
    size_t skipped = table->size >= 3 && memcmp(table->file, mark, 3) == 0 ? 3 : 0;
    table->bytes = table->file + skipped;
    table->size -= skipped;
    TB_TRY(tb_arena_create(4096, &table->arena, err));
    table->header = true;
    table->jsonl = tb_looks_like_jsonl(table->bytes, table->size);
    if (!table->jsonl && tb_looks_like_json_array(table->bytes, table->size))
        return tb_fail(err, TIMBANG_UNSUPPORTED,
                       "%s: this is one JSON array; write its objects one a line (jq -c '.[]' does it)", table->name);
    return table->jsonl ? open_jsonl(table, err) : open_delimited(table, options, err);
}

timbang_status tb_table_open(const char *path, const timbang_data_options *options, tb_table **table, tb_error *err)
{
    tb_table *made = tb_calloc(1, sizeof *made, err);
    if (!made)
        return TIMBANG_NO_MEMORY;
    timbang_status status = fill(made, path, options, err);
    if (status == TIMBANG_OK)
        status = tb_table_rewind(made, err);
    if (status != TIMBANG_OK) {
        tb_table_close(made);
        return status;
    }
    *table = made;
    return TIMBANG_OK;
}

void tb_table_close(tb_table *table)
{
    if (!table)
        return;
    if (table->records_open)
        tb_records_close(&table->records);
    json_decref(table->object);
    free(table->columns);
    tb_text_free(&table->scratch);
    tb_arena_free(table->arena);
    free(table->file);
    free(table->name);
    free(table);
}

timbang_status tb_table_rewind(tb_table *table, tb_error *err)
{
    table->line = 0;
    table->at = table->bytes;
    if (table->jsonl)
        return TIMBANG_OK;
    TB_TRY(reopen_records(table, err));
    if (table->header)
        next_record(&table->records);
    return TIMBANG_OK;
}

timbang_status tb_table_next(tb_table *table, bool *more, tb_error *err)
{
    if (table->jsonl)
        return next_object(table, more, err);
    *more = next_record(&table->records);
    table->line = table->records.line;
    return *more ? check_record(table, err) : TIMBANG_OK;
}

timbang_status tb_table_text(tb_table *table, size_t c, tb_cell *cell, tb_error *err)
{
    return table->jsonl ? member_text(table, c, cell, err) : field_text(table, &table->records.fields[c], cell, err);
}

timbang_status tb_table_cell(tb_table *table, size_t c, tb_cell *cell, tb_error *err)
{
    TB_TRY(tb_table_text(table, c, cell, err));
    tb_trim(&cell->data, &cell->length);
    return TIMBANG_OK;
}
