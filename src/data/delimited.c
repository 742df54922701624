/* Records of delimited text, read in place: one pass over the bytes, nothing copied.
 * Quotes follow RFC 4180; where a file breaks it, the fields are those of Python's csv module and the breach is
 * counted, so that the caller can refuse it. Includes: base. Called by: sniff, table.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/delimited.h"

#include <stdlib.h>
#include <string.h>

enum stop { AT_DELIMITER, AT_LINE_END, AT_FILE_END };

size_t tb_field_copy(const tb_field *field, char *out)
{
    if (!field->escaped) {
        if (field->length > 0)
            memcpy(out, field->data, field->length);
        return field->length;
    }
    size_t n = 0;
    size_t i = 1; /* after the opening quote */
    for (; i < field->length; i++) {
        if (field->data[i] != '"') {
            out[n++] = field->data[i];
        } else if (i + 1 < field->length && field->data[i + 1] == '"') {
            out[n++] = '"';
            i++;
        } else {
            i++; /* the closing quote */
            break;
        }
    }
    for (; i < field->length; i++)
        out[n++] = field->data[i];
    return n;
}

timbang_status tb_records_open(tb_records *records, const char *bytes, size_t size, tb_dialect dialect, tb_error *err)
{
    memset(records, 0, sizeof *records);
    records->dialect = dialect;
    records->at = bytes;
    records->end = bytes + size;
    records->next_line = 1;
    records->fields = tb_calloc(TB_MAX_COLUMNS, sizeof *records->fields, err);
    return records->fields == NULL ? TIMBANG_NO_MEMORY : TIMBANG_OK;
}

void tb_records_close(tb_records *records)
{
    free(records->fields);
    records->fields = NULL;
}

/* The end of an unquoted stretch that runs from `from` to p: at a delimiter, a line end, or the end of the file. Sets
 * *length to the stretch without the line's '\r' and steps over what ended it. */
static enum stop finish_stretch(tb_records *r, const char *from, const char *p, size_t *length)
{
    *length = (size_t)(p - from);
    if (p < r->end && *p == r->dialect.delimiter) {
        r->at = p + 1;
        return AT_DELIMITER;
    }
    if (r->dialect.newline == '\n' && *length > 0 && from[*length - 1] == '\r') {
        (*length)--;
        r->crlf += p < r->end;
    }
    if (p == r->end) {
        r->at = p;
        return AT_FILE_END;
    }
    r->at = p + 1;
    r->next_line++;
    return AT_LINE_END;
}

static const char *stretch_end(const tb_records *r, const char *p)
{
    char delimiter = r->dialect.delimiter; /* 0 never matches: the file has no NUL bytes */
    char newline = r->dialect.newline;
    while (p < r->end && *p != delimiter && *p != newline)
        p++;
    return p;
}

static enum stop read_plain(tb_records *r, tb_field *field)
{
    const char *from = r->at;
    const char *p = stretch_end(r, from);
    *field = (tb_field){.data = from};
    enum stop stop = finish_stretch(r, from, p, &field->length);
    const char *quote = field->length > 0 ? memchr(from, '"', field->length) : NULL;
    r->bare_quotes += quote != NULL;
    return stop;
}

static bool closes_field(const tb_records *r, const char *after)
{
    if (after == r->end || *after == r->dialect.delimiter || *after == r->dialect.newline)
        return true;
    return *after == '\r' && r->dialect.newline == '\n' && (after + 1 == r->end || after[1] == '\n');
}

static enum stop read_quoted(tb_records *r, tb_field *field)
{
    const char *open = r->at;
    uint64_t open_line = r->next_line;
    bool doubled = false;
    bool special = false;
    const char *p = open + 1;
    for (; p < r->end; p++) {
        if (*p == r->dialect.newline) {
            r->next_line++;
            special = true;
        } else if (*p == r->dialect.delimiter) {
            special = true;
        } else if (*p == '"') {
            if (p + 1 == r->end || p[1] != '"')
                break;
            doubled = true;
            p++;
        }
    }
    r->quoted++;
    r->doubled += doubled;
    r->special += special;
    *field = (tb_field){.data = open + 1, .quoted = true};
    if (p == r->end) {
        if (r->unclosed_line == 0)
            r->unclosed_line = open_line;
        field->length = (size_t)(p - open - 1);
        if (doubled)
            *field = (tb_field){.data = open, .length = (size_t)(p - open), .quoted = true, .escaped = true};
        r->at = p;
        return AT_FILE_END;
    }
    const char *after = p + 1;
    if (closes_field(r, after)) {
        if (doubled) {
            *field = (tb_field){.data = open, .length = (size_t)(after - open), .quoted = true, .escaped = true};
        } else {
            field->length = (size_t)(p - open - 1);
        }
        size_t line_end; /* of the '\r', if any */
        return finish_stretch(r, after, stretch_end(r, after), &line_end);
    }
    r->stray++;
    if (r->next_line > open_line && r->torn_open == 0) {
        r->torn_open = open_line;
        r->torn_close = r->next_line;
    }
    size_t tail;
    enum stop stop = finish_stretch(r, after, stretch_end(r, after), &tail);
    *field = (tb_field){.data = open, .length = (size_t)(after - open) + tail, .quoted = true, .escaped = true};
    return stop;
}

static bool is_white(const tb_field *field)
{
    for (size_t i = 0; i < field->length; i++) {
        if (strchr(" \t\r\n\v\f", field->data[i]) == NULL)
            return false;
    }
    return !field->quoted;
}

bool tb_records_next(tb_records *records)
{
    if (records->at == records->end)
        return false;
    records->line = records->next_line;
    records->n_fields = 0;
    records->blank = true;
    enum stop stop;
    do {
        tb_field field;
        bool quoted = records->dialect.quotes && records->at < records->end && *records->at == '"';
        stop = quoted ? read_quoted(records, &field) : read_plain(records, &field);
        if (records->n_fields < TB_MAX_COLUMNS)
            records->fields[records->n_fields] = field;
        records->n_fields++;
        records->blank = records->blank && is_white(&field);
    } while (stop == AT_DELIMITER);
    return true;
}
