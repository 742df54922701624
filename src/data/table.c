/* Delimited files: sniffed, surveyed, then read row by row. Includes: base, sniff.h, columns.h. Called by: dataset.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/reading.h"
#include "data/sniff.h"

#include <stdlib.h>
#include <string.h>

/* A field's decoded value: in place where possible, else in the scratch text. */
static timbang_status field_value(tb_text *scratch, const tb_field *field, const char **value, size_t *length,
                                  tb_error *err)
{
    *value = field->data;
    *length = field->length;
    if (!field->escaped)
        return TIMBANG_OK;
    scratch->length = 0;
    tb_text_append(scratch, field->data, field->length);
    TB_TRY(tb_text_finish(scratch, err));
    *length = tb_field_copy(field, scratch->data);
    *value = scratch->data;
    return TIMBANG_OK;
}

static timbang_status first_names(tb_reading *reading, const tb_records *records, tb_error *err)
{
    tb_columns *columns = &reading->columns;
    columns->n = records->n_fields <= TB_MAX_COLUMNS ? records->n_fields : TB_MAX_COLUMNS;
    columns->names = tb_calloc(columns->n, sizeof *columns->names, err);
    if (columns->names == NULL)
        return TIMBANG_NO_MEMORY;
    for (size_t c = 0; c < columns->n; c++) {
        const char *value;
        size_t length;
        TB_TRY(field_value(&reading->scratch, &records->fields[c], &value, &length, err));
        tb_trim(&value, &length);
        columns->names[c] = tb_arena_strndup(reading->arena, value, length, err);
        if (columns->names[c] == NULL)
            return TIMBANG_NO_MEMORY;
    }
    return TIMBANG_OK;
}

static timbang_status numbered_names(tb_reading *reading, size_t n, tb_error *err)
{
    tb_columns *columns = &reading->columns;
    free(columns->names);
    columns->n = n;
    columns->names = tb_calloc(n, sizeof *columns->names, err);
    if (columns->names == NULL)
        return TIMBANG_NO_MEMORY;
    for (size_t c = 0; c < n; c++) {
        reading->scratch.length = 0;
        tb_text_printf(&reading->scratch, "%zu", c + 1);
        TB_TRY(tb_text_finish(&reading->scratch, err));
        columns->names[c] = tb_arena_strndup(reading->arena, reading->scratch.data, reading->scratch.length, err);
        if (columns->names[c] == NULL)
            return TIMBANG_NO_MEMORY;
    }
    return TIMBANG_OK;
}

static bool next_record(tb_records *records, uint64_t *blank_lines)
{
    while (tb_records_next(records)) {
        if (!records->blank || records->dialect.delimiter == '\0') /* in plain text, a blank line is an empty text */
            return true;
        (*blank_lines)++;
    }
    return false;
}

static timbang_status survey_record(tb_reading *reading, tb_survey *survey, const tb_records *records, bool first,
                                    tb_error *err)
{
    for (size_t c = 0; c < records->n_fields && c < TB_SURVEY_COLUMNS; c++) {
        const char *value;
        size_t length;
        TB_TRY(field_value(&reading->scratch, &records->fields[c], &value, &length, err));
        if (first)
            tb_survey_first(survey, c, value, length);
        else
            TB_TRY(tb_survey_add(survey, c, value, length, err));
    }
    return TIMBANG_OK;
}

static timbang_status survey_rows(tb_reading *reading, tb_records *records, size_t n_columns, tb_survey *survey,
                                  tb_error *err)
{
    const timbang_data_options *options = reading->options;
    tb_columns *columns = &reading->columns;
    uint64_t blank = 0;
    if (!next_record(records, &blank))
        return tb_fail(err, TIMBANG_FORMAT, "%s: the file holds only blank lines", reading->name);
    TB_TRY(first_names(reading, records, err));
    TB_TRY(survey_record(reading, survey, records, true, err));
    for (int i = 0; i < TB_SURVEY_ROWS && next_record(records, &blank); i++)
        TB_TRY(survey_record(reading, survey, records, false, err));

    columns->guessed_header = options->header < 0;
    columns->header = options->header > 0;
    if (columns->guessed_header)
        columns->header = tb_header_guess(options, columns->names, columns->n, survey);
    if (columns->header)
        return TIMBANG_OK;
    for (size_t c = 0; c < columns->n; c++) /* the first record is a row like the others */
        TB_TRY(tb_survey_add(survey, c, columns->names[c], strlen(columns->names[c]), err));
    return numbered_names(reading, n_columns, err);
}

static timbang_status survey(tb_reading *reading, size_t n_columns, tb_error *err)
{
    tb_survey *survey = NULL;
    tb_records records;
    TB_TRY(tb_records_open(&records, reading->bytes, reading->size, reading->dialect, err));
    timbang_status status = tb_survey_create(&survey, err);
    if (status == TIMBANG_OK)
        status = survey_rows(reading, &records, n_columns, survey, err);
    if (status == TIMBANG_OK)
        status = tb_columns_choose(&reading->columns, reading->name, reading->options, survey, err);
    tb_survey_free(survey);
    tb_records_close(&records);
    return status;
}

/* What Python's csv module would let pass and we do not: rows that differ in width, quotes that swallow rows. */
static timbang_status check_record(const tb_reading *reading, const tb_records *records, tb_error *err)
{
    unsigned long long line = records->line;
    if (records->unclosed_line != 0)
        return tb_fail(err, TIMBANG_DATA, "%s: row %llu: the quote that opens in line %llu is never closed",
                       reading->name, line, (unsigned long long)records->unclosed_line);
    if (records->torn_open != 0)
        return tb_fail(err, TIMBANG_DATA,
                       "%s: row %llu: the quote that opens in line %llu is closed in the middle of line %llu "
                       "(a quote inside quotes is doubled)",
                       reading->name, line, (unsigned long long)records->torn_open,
                       (unsigned long long)records->torn_close);
    if (records->n_fields == reading->columns.n)
        return TIMBANG_OK;
    return tb_fail(err, TIMBANG_DATA, "%s: row %llu: there %s %zu column%s where %s %zu%s", reading->name, line,
                   records->n_fields == 1 ? "is" : "are", records->n_fields, records->n_fields == 1 ? "" : "s",
                   reading->columns.header ? "the header has" : "most rows have", reading->columns.n,
                   records->n_fields > reading->columns.n && reading->dialect.quotes
                       ? " (a text that holds the delimiter must be quoted)"
                       : "");
}

static timbang_status read_row(tb_reading *reading, const tb_records *records, tb_error *err)
{
    const tb_columns *columns = &reading->columns;
    const char *label = NULL;
    size_t label_length = 0;
    TB_TRY(check_record(reading, records, err));
    if (reading->want_labels)
        TB_TRY(field_value(&reading->scratch, &records->fields[columns->label], &label, &label_length, err));
    const tb_field *pair = columns->pair == TB_NO_COLUMN ? NULL : &records->fields[columns->pair];
    return tb_reading_add(reading, &records->fields[columns->text], pair, label, label_length, records->line, err);
}

static timbang_status read_rows(tb_reading *reading, tb_records *records, tb_error *err)
{
    if (reading->columns.header) {
        next_record(records, &reading->blank_lines);
        TB_TRY(check_record(reading, records, err));
    }
    while (next_record(records, &reading->blank_lines)) {
        TB_TRY(read_row(reading, records, err));
        if (reading->rows_read % 65536 == 0)
            tb_progress(reading->hooks, "reading", (uint64_t)(records->at - reading->bytes), reading->size);
    }
    reading->crlf = records->crlf;
    reading->stray_quotes = records->stray;
    return TIMBANG_OK;
}

timbang_status tb_read_table(tb_reading *reading, tb_error *err)
{
    size_t n_columns;
    TB_TRY(tb_sniff(reading->bytes, reading->size, reading->options, &reading->dialect, &n_columns, err));
    char delimiter = reading->dialect.delimiter;
    reading->format = delimiter == '\t' ? "tsv" : delimiter == '\0' ? "text" : "csv";
    reading->guessed_delimiter = true;
    if (n_columns == 1 && reading->want_labels)
        return tb_fail(err, TIMBANG_DATA,
                       "%s: no tab, comma, semicolon or pipe divides the rows evenly into columns, so there are no "
                       "labels",
                       reading->name);
    TB_TRY(survey(reading, n_columns, err));
    tb_records records;
    TB_TRY(tb_records_open(&records, reading->bytes, reading->size, reading->dialect, err));
    timbang_status status = read_rows(reading, &records, err);
    tb_records_close(&records);
    return status;
}
