/* Rows as the readers hand them over. Includes: base, labels.h. Called by: table, jsonl.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/reading.h"

#include <string.h>

enum { ROWS_BETWEEN_CHECKS = 16384 };

static timbang_status row_label(tb_reading *reading, const char *label, size_t length, uint64_t line, uint32_t *index,
                                tb_error *err)
{
    if (label != NULL)
        tb_trim(&label, &length);
    if (label == NULL || length == 0) {
        const char *column = reading->columns.names[reading->columns.label];
        char shown[72];
        return tb_fail(err, TIMBANG_DATA, "%s: row %llu: the label (column '%s') is missing", reading->name,
                       (unsigned long long)line, tb_data_shown(column, strlen(column), shown));
    }
    timbang_status status = tb_label_set_add(&reading->labels, label, length, index, err);
    if (status == TIMBANG_DATA)
        return tb_fail_prefix(err, "%s: row %llu", reading->name, (unsigned long long)line);
    return status;
}

timbang_status tb_reading_add(tb_reading *reading, const tb_field *text, const tb_field *pair, const char *label,
                              size_t label_length, uint64_t line, tb_error *err)
{
    if (reading->rows_read % ROWS_BETWEEN_CHECKS == 0)
        TB_TRY(tb_check_cancel(reading->hooks, err));
    reading->rows_read++;
    tb_pending row = {.text = *text, .line = line};
    if (pair != NULL)
        row.pair = *pair;
    if (reading->want_labels)
        TB_TRY(row_label(reading, label, label_length, line, &row.label, err));
    if (row.label == TB_LABEL_DROPPED)
        return TIMBANG_OK;
    if (reading->n == reading->capacity) {
        size_t capacity = reading->capacity == 0 ? 256 : reading->capacity + reading->capacity / 2;
        void *block = reading->rows;
        TB_TRY(tb_grow(&block, capacity, sizeof *reading->rows, err));
        reading->rows = block;
        reading->capacity = capacity;
    }
    reading->rows[reading->n++] = row;
    return TIMBANG_OK;
}
