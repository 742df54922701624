/* SPDX-License-Identifier: Apache-2.0
 * A file of JSON lines.
 * Includes: study/json_lines.h. Called by: study/verify, study/compare_study. */
#include "study/json_lines.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 1 << 20, MAX_LINE_BYTES = 1 << 28 };

timbang_status tb_json_lines_open(const char *path, tb_json_lines *lines, tb_error *err)
{
    *lines = (tb_json_lines){0};
    return tb_source_open(path, &lines->source, err);
}

void tb_json_lines_close(tb_json_lines *lines)
{
    tb_source_close(lines->source);
    free(lines->data);
    tb_text_free(&lines->where);
    *lines = (tb_json_lines){0};
}

static timbang_status more_bytes(tb_json_lines *l, tb_error *err)
{
    if (l->begin > 0)
        memmove(l->data, l->data + l->begin, l->end - l->begin);
    l->end -= l->begin;
    l->begin = 0;
    if (l->end >= MAX_LINE_BYTES)
        return tb_fail(err, TIMBANG_DATA, "%s: line %llu has more than %d bytes", tb_source_name(l->source),
                       (unsigned long long)l->number + 1, (int)MAX_LINE_BYTES);
    if (l->capacity - l->end < CHUNK_BYTES) {
        void *block = l->data;
        TB_TRY(tb_grow(&block, l->end + 2 * CHUNK_BYTES, 1, err));
        l->data = block;
        l->capacity = l->end + 2 * CHUNK_BYTES;
    }
    uint64_t left = tb_source_size(l->source) - l->at;
    size_t size = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;
    TB_TRY(tb_source_read(l->source, l->at, l->data + l->end, size, err));
    l->at += size;
    l->end += size;
    return TIMBANG_OK;
}

/* *line is NULL at the end. */
static timbang_status next_line(tb_json_lines *l, const char **line, size_t *length, tb_error *err)
{
    size_t searched = 0;
    for (*line = NULL;;) {
        const char *newline = NULL;
        if (l->end - l->begin > searched)
            newline = memchr(l->data + l->begin + searched, '\n', l->end - l->begin - searched);
        searched = l->end - l->begin;
        bool last = l->at == tb_source_size(l->source);
        if (newline || (last && searched > 0)) {
            *line = l->data + l->begin;
            *length = newline ? (size_t)(newline - *line) : searched;
            l->begin += *length + (newline ? 1 : 0);
            l->number++;
            return TIMBANG_OK;
        }
        if (last)
            return TIMBANG_OK;
        TB_TRY(more_bytes(l, err));
    }
}

timbang_status tb_json_lines_next(tb_json_lines *lines, json_t **object, tb_error *err)
{
    const char *line;
    size_t length;
    json_t *value = NULL;
    *object = NULL;
    TB_TRY(next_line(lines, &line, &length, err));
    if (!line)
        return TIMBANG_OK;
    lines->where.length = 0;
    tb_text_printf(&lines->where, "%s: line %llu", tb_source_name(lines->source), (unsigned long long)lines->number);
    TB_TRY(tb_text_finish(&lines->where, err));
    TB_TRY(tb_json_parse(lines->where.data, line, length, 0, &value, err));
    if (!json_is_object(value)) {
        json_decref(value);
        return tb_fail(err, TIMBANG_DATA, "%s: this is no object", lines->where.data);
    }
    *object = value;
    return TIMBANG_OK;
}
