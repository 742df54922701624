/* SPDX-License-Identifier: Apache-2.0
 * The records of a table of predictions (delimited text or JSON Lines) one after another, values by column.
 * Includes: base, data/reading.h. Called by: study/compare_columns, study/compare_read. */
#ifndef TB_STUDY_COMPARE_TABLE_H
#define TB_STUDY_COMPARE_TABLE_H

#include "base/json.h"

typedef struct tb_table tb_table;

/* The value of a column in one record: trimmed, not zero-terminated, valid until the next tb_table_cell. */
typedef struct tb_cell {
    const char *data;
    size_t length; /* 0 also where the value is missing or null */
} tb_cell;

/* Reads the file and takes its first record for column names. In JSON Lines the columns are the keys of the first
 * lines' objects; a key of an inner object is a column "outer.inner" ("probs.positive"). options: columns that are
 * asked for, header. path "-": standard input. */
timbang_status tb_table_open(const char *path, const timbang_data_options *options, tb_table **table, tb_error *err);
void tb_table_close(tb_table *table); /* NULL is fine */

const char *tb_table_name(const tb_table *table); /* for messages */
size_t tb_table_columns(const tb_table *table);
const char *tb_table_column(const tb_table *table, size_t column);
bool tb_table_is_jsonl(const tb_table *table);
/* The first record is no header but a row: columns are called "1", "2", ... from now on. */
timbang_status tb_table_headless(tb_table *table, tb_error *err);

/* Back to the first row. */
timbang_status tb_table_rewind(tb_table *table, tb_error *err);
/* The next row; *more is false at the end. A row of another width, a quote that is never closed, a line that is no JSON
 * object: TIMBANG_DATA with file and row. */
timbang_status tb_table_next(tb_table *table, bool *more, tb_error *err);
uint64_t tb_table_line(const tb_table *table); /* of the row, from 1 */
timbang_status tb_table_cell(tb_table *table, size_t column, tb_cell *cell, tb_error *err);
/* The same, untrimmed: a text. */
timbang_status tb_table_text(tb_table *table, size_t column, tb_cell *cell, tb_error *err);

#endif
