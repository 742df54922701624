/* JSON Lines: one object a line. Strings are texts; labels may be strings, numbers or booleans.
 * Includes: base/json.h, columns.h. Called by: dataset. SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "data/reading.h"

#include <stdlib.h>
#include <string.h>

enum { SURVEY_LINES = 200 };

typedef struct lines {
    const char *at, *end;
    uint64_t number;
    const char *line;
    size_t length;
    bool crlf;
} lines;

static bool next_line(lines *walk)
{
    if (walk->at == walk->end)
        return false;
    const char *newline = memchr(walk->at, '\n', (size_t)(walk->end - walk->at));
    const char *stop = newline == NULL ? walk->end : newline;
    walk->line = walk->at;
    walk->length = (size_t)(stop - walk->at);
    walk->crlf = newline != NULL && walk->length > 0 && stop[-1] == '\r';
    walk->at = newline == NULL ? walk->end : newline + 1;
    walk->number++;
    tb_trim(&walk->line, &walk->length);
    return true;
}

static size_t skip_space(const char *bytes, size_t size, size_t at)
{
    while (at < size && strchr(" \t\r\n", bytes[at]) != NULL)
        at++;
    return at;
}

bool tb_looks_like_jsonl(const char *bytes, size_t size)
{
    size_t at = skip_space(bytes, size, 0);
    if (at == size || bytes[at] != '{')
        return false;
    at = skip_space(bytes, size, at + 1);
    return at == size || bytes[at] == '"' || bytes[at] == '}';
}

bool tb_looks_like_json_array(const char *bytes, size_t size)
{
    size_t at = skip_space(bytes, size, 0);
    return at < size && bytes[at] == '[' && tb_looks_like_jsonl(bytes + at + 1, size - at - 1);
}

static timbang_status parse_line(const tb_reading *reading, const lines *walk, json_t **object, tb_error *err)
{
    static const char first_line[] = ": line 1, column ";
    tb_text where = {0};
    tb_text_printf(&where, "%s: row %llu", reading->name, (unsigned long long)walk->number);
    timbang_status status = tb_text_finish(&where, err);
    json_t *value = NULL;
    if (status == TIMBANG_OK)
        status = tb_json_parse(where.data, walk->line, walk->length, TB_JSON_REJECT_DUPLICATES, &value, err);
    tb_text_free(&where);
    if (status == TIMBANG_FORMAT) {
        /* The parser sees one line: its line 1 is the row that is named already. */
        char *said = strstr(err->text, first_line);
        if (said != NULL)
            memmove(said + 2, said + 10, strlen(said + 10) + 1);
        err->status = TIMBANG_DATA;
        return TIMBANG_DATA;
    }
    if (status != TIMBANG_OK)
        return status;
    if (!json_is_object(value)) {
        json_decref(value);
        return tb_fail(err, TIMBANG_DATA,
                       "%s: row %llu: this is not a JSON object, such as {\"text\": ..., \"label\": ...}",
                       reading->name, (unsigned long long)walk->number);
    }
    *object = value;
    return TIMBANG_OK;
}

/* A string, number or boolean as text; false for anything else. Numbers without a fraction have no point. */
static timbang_status scalar_text(tb_text *scratch, const json_t *value, const char **text, size_t *length,
                                  bool *scalar, tb_error *err)
{
    *scalar = true;
    scratch->length = 0;
    if (json_is_string(value)) {
        *text = json_string_value(value);
        *length = json_string_length(value);
        return TIMBANG_OK;
    }
    double real = json_is_real(value) ? json_real_value(value) : 0.5;
    if (json_is_integer(value)) {
        tb_text_printf(scratch, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    } else if (json_is_real(value) && real >= -9e15 && real <= 9e15 && (double)(int64_t)real == real) {
        tb_text_printf(scratch, "%lld", (long long)real);
    } else if (json_is_real(value)) {
        char *number = NULL;
        TB_TRY(tb_json_compact(value, &number, err));
        tb_text_puts(scratch, number);
        free(number);
    } else if (json_is_boolean(value)) {
        tb_text_puts(scratch, json_is_true(value) ? "true" : "false");
    } else {
        *scalar = false;
        return TIMBANG_OK;
    }
    TB_TRY(tb_text_finish(scratch, err));
    *text = scratch->data;
    *length = scratch->length;
    return TIMBANG_OK;
}

/* The column of a key, made where it is new and there is room. */
static timbang_status key_column(tb_reading *reading, const char *key, size_t *column, tb_error *err)
{
    tb_columns *columns = &reading->columns;
    for (size_t c = 0; c < columns->n; c++) {
        if (strcmp(columns->names[c], key) == 0) {
            *column = c;
            return TIMBANG_OK;
        }
    }
    *column = TB_NO_COLUMN;
    if (columns->n == TB_SURVEY_COLUMNS)
        return TIMBANG_OK;
    const char *copy = tb_arena_strndup(reading->arena, key, strlen(key), err);
    if (copy == NULL)
        return TIMBANG_NO_MEMORY;
    *column = columns->n;
    columns->names[columns->n++] = copy;
    return TIMBANG_OK;
}

static timbang_status survey_object(tb_reading *reading, tb_survey *survey, const json_t *object, tb_error *err)
{
    /* jansson iterates without changing the object, but takes a pointer to a changeable one */
    for (void *at = json_object_iter((json_t *)(uintptr_t)object); at != NULL;
         at = json_object_iter_next((json_t *)(uintptr_t)object, at)) {
        size_t column;
        const char *text;
        size_t length;
        bool scalar;
        TB_TRY(key_column(reading, json_object_iter_key(at), &column, err));
        TB_TRY(scalar_text(&reading->scratch, json_object_iter_value(at), &text, &length, &scalar, err));
        if (column != TB_NO_COLUMN && scalar)
            TB_TRY(tb_survey_add(survey, column, text, length, err));
    }
    return TIMBANG_OK;
}

static timbang_status survey_lines(tb_reading *reading, tb_survey *survey, tb_error *err)
{
    lines walk = {.at = reading->bytes, .end = reading->bytes + reading->size};
    for (int i = 0; i < SURVEY_LINES && next_line(&walk); i++) {
        if (walk.length == 0)
            continue;
        json_t *object = NULL;
        TB_TRY(parse_line(reading, &walk, &object, err));
        timbang_status status = survey_object(reading, survey, object, err);
        json_decref(object);
        TB_TRY(status);
    }
    reading->columns.header = true; /* the keys are the names */
    if (reading->columns.n == 0)
        return tb_fail(err, TIMBANG_DATA,
                       "%s: the JSON objects are empty; keys such as \"text\" and \"label\" are needed", reading->name);
    return tb_columns_choose(&reading->columns, reading->name, reading->options, survey, err);
}

static timbang_status keep_string(tb_reading *reading, const json_t *object, size_t column, uint64_t line,
                                  tb_field *field, tb_error *err)
{
    const char *key = reading->columns.names[column];
    const json_t *value = json_object_get(object, key);
    char shown[72];
    tb_data_shown(key, strlen(key), shown);
    if (!json_is_string(value))
        return tb_fail(err, TIMBANG_DATA, "%s: row %llu: \"%s\" is %s; a string is expected", reading->name,
                       (unsigned long long)line, shown,
                       value == NULL            ? "missing"
                       : json_is_null(value)    ? "null"
                       : json_is_number(value)  ? "a number"
                       : json_is_boolean(value) ? "true or false"
                                                : "an array or object");
    size_t length = json_string_length(value);
    if (memchr(json_string_value(value), '\0', length) != NULL)
        return tb_fail(err, TIMBANG_DATA, "%s: row %llu: \"%s\" holds the character U+0000", reading->name,
                       (unsigned long long)line, shown);
    const char *copy = tb_arena_strndup(reading->arena, json_string_value(value), length, err);
    if (copy == NULL)
        return TIMBANG_NO_MEMORY;
    *field = (tb_field){.data = copy, .length = length};
    return TIMBANG_OK;
}

static timbang_status object_label(tb_reading *reading, const json_t *object, uint64_t line, const char **label,
                                   size_t *length, tb_error *err)
{
    const char *key = reading->columns.names[reading->columns.label];
    const json_t *value = json_object_get(object, key);
    char shown[72];
    bool scalar;
    *label = NULL;
    *length = 0;
    if (value == NULL || json_is_null(value))
        return TIMBANG_OK; /* reported as missing */
    TB_TRY(scalar_text(&reading->scratch, value, label, length, &scalar, err));
    if (!scalar || (*length > 0 && memchr(*label, '\0', *length) != NULL))
        return tb_fail(err, TIMBANG_DATA, "%s: row %llu: the label \"%s\" must be a string, a number, true or false",
                       reading->name, (unsigned long long)line, tb_data_shown(key, strlen(key), shown));
    return TIMBANG_OK;
}

static timbang_status read_object(tb_reading *reading, const json_t *object, uint64_t line, tb_error *err)
{
    const tb_columns *columns = &reading->columns;
    tb_field text;
    tb_field pair = {0};
    const char *label = NULL;
    size_t label_length = 0;
    TB_TRY(keep_string(reading, object, columns->text, line, &text, err));
    if (columns->pair != TB_NO_COLUMN)
        TB_TRY(keep_string(reading, object, columns->pair, line, &pair, err));
    if (reading->want_labels)
        TB_TRY(object_label(reading, object, line, &label, &label_length, err));
    return tb_reading_add(reading, &text, columns->pair == TB_NO_COLUMN ? NULL : &pair, label, label_length, line, err);
}

timbang_status tb_read_jsonl(tb_reading *reading, tb_error *err)
{
    reading->format = "jsonl";
    reading->columns.names = tb_calloc(TB_SURVEY_COLUMNS, sizeof *reading->columns.names, err);
    if (reading->columns.names == NULL)
        return TIMBANG_NO_MEMORY;
    tb_survey *survey;
    TB_TRY(tb_survey_create(&survey, err));
    timbang_status status = survey_lines(reading, survey, err);
    tb_survey_free(survey);
    TB_TRY(status);
    lines walk = {.at = reading->bytes, .end = reading->bytes + reading->size};
    while (next_line(&walk)) {
        reading->crlf += walk.crlf;
        if (walk.length == 0) {
            reading->blank_lines++;
            continue;
        }
        json_t *object = NULL;
        TB_TRY(parse_line(reading, &walk, &object, err));
        status = read_object(reading, object, walk.number, err);
        json_decref(object);
        TB_TRY(status);
        if (reading->rows_read % 65536 == 0)
            tb_progress(reading->hooks, "reading", (uint64_t)(walk.at - reading->bytes), reading->size);
    }
    return TIMBANG_OK;
}
