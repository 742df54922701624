/* A file on its way to becoming a data set: what the readers (table.c, jsonl.c) fill and dataset.c finishes.
 * Includes: base. Called by: table, jsonl, dataset, study/compare_table. SPDX-License-Identifier: Apache-2.0 */
#ifndef TB_DATA_READING_H
#define TB_DATA_READING_H

#include "data/columns.h"
#include "data/delimited.h"
#include "data/labels.h"

#include "base/text.h"

/* A row whose texts still lie in the file's bytes (table) or in the arena (jsonl). */
typedef struct tb_pending {
    tb_field text, pair;
    uint64_t line;
    uint32_t label; /* in the label set; 0 without labels */
} tb_pending;

typedef struct tb_reading {
    const timbang_data_options *options;
    const tb_hooks *hooks;
    const char *name; /* for messages */
    const char *bytes;
    size_t size; /* without the byte order mark */
    bool want_labels;
    tb_arena *arena;
    tb_label_set labels;
    tb_columns columns; /* names: a plain block of arena strings */
    tb_pending *rows;
    size_t n, capacity;
    tb_text scratch;

    /* for the facts */
    const char *format; /* "tsv", "csv", "text", "jsonl" */
    tb_dialect dialect;
    bool guessed_delimiter;
    uint64_t rows_read, blank_lines, crlf, stray_quotes;
} tb_reading;

/* Fill rows, columns and facts. Messages begin with the file's name. */
timbang_status tb_read_table(tb_reading *reading, tb_error *err);
timbang_status tb_read_jsonl(tb_reading *reading, tb_error *err);

/* Refuses what is no text: empty, UTF-16, an archive, NUL bytes, invalid UTF-8, blank lines only. name: for messages.
 */
timbang_status tb_data_check_bytes(const char *name, const char *bytes, size_t size, tb_error *err);

/* Whether the bytes are JSON objects, one a line, by their beginning. */
bool tb_looks_like_jsonl(const char *bytes, size_t size);
/* Whether they are an array of JSON objects. */
bool tb_looks_like_json_array(const char *bytes, size_t size);

/* Adds a row (and asks now and then whether to go on). label is ignored without labels; an empty or NULL one is
 * TIMBANG_DATA. pair: NULL for none. */
timbang_status tb_reading_add(tb_reading *reading, const tb_field *text, const tb_field *pair, const char *label,
                              size_t label_length, uint64_t line, tb_error *err);

#endif
