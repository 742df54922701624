/* SPDX-License-Identifier: Apache-2.0
 * Tables as CSV (RFC 4180): a head with the standard names of the figures, every number in full, lines end in CRLF.
 * Includes: report/tables_parts.h. Called by: report/tables*. */
#include "report/tables_parts.h"

#include <math.h>
#include <string.h>

void tb_csv_text(tb_text *out, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        tb_text_puts(out, text);
        return;
    }
    tb_text_putc(out, '"');
    for (; *text; text++) {
        if (*text == '"')
            tb_text_putc(out, '"');
        tb_text_putc(out, *text);
    }
    tb_text_putc(out, '"');
}

void tb_csv_real(tb_text *out, double value)
{
    if (isnan(value))
        return;
    if (isinf(value)) {
        tb_text_puts(out, value < 0 ? "-inf" : "inf");
        return;
    }
    size_t begin = out->length;
    for (int digits = 15; digits <= 17 && !out->failed; digits++) {
        double back = 0;
        out->length = begin;
        tb_text_printf(out, "%.*g", digits, value);
        if (out->failed || (tb_parse_double(out->data + begin, &back) && !(back < value) && !(back > value)))
            return;
    }
}

static bool is_interval(tb_cell_kind kind)
{
    return kind >= TB_CELL_INTERVAL;
}

static void put_cell(tb_text *out, const tb_column *column, const tb_row *row)
{
    const void *at = tb_cell_at(column, row);
    if (!at) {
        tb_text_puts(out, is_interval(column->kind) ? "," : "");
        return;
    }
    switch (column->kind) {
    case TB_CELL_TEXT:
        if (*(const char *const *)at)
            tb_csv_text(out, *(const char *const *)at);
        break;
    case TB_CELL_COUNT:
    case TB_CELL_BYTES:
        tb_text_printf(out, "%llu", (unsigned long long)*(const uint64_t *)at);
        break;
    case TB_CELL_SIZE:
        tb_text_printf(out, "%zu", *(const size_t *)at);
        break;
    case TB_CELL_SIGNED:
    case TB_CELL_FLIPS:
        tb_text_printf(out, "%lld", (long long)*(const int64_t *)at);
        break;
    case TB_CELL_YES:
    case TB_CELL_EQUIVALENT:
        tb_text_puts(out, *(const bool *)at ? "true" : "false");
        break;
    case TB_CELL_KL:
        tb_csv_real(out, *(const double *)at < 0 ? (double)INFINITY : *(const double *)at);
        break;
    case TB_CELL_PROPORTION:
    case TB_CELL_DELTA:
    case TB_CELL_P:
    case TB_CELL_REAL:
    case TB_CELL_MS:
    case TB_CELL_RATIO:
    case TB_CELL_SMALL:
        tb_csv_real(out, *(const double *)at);
        break;
    case TB_CELL_INTERVAL:
    case TB_CELL_INTERVAL_DELTA:
    case TB_CELL_INTERVAL_RATIO:
    case TB_CELL_INTERVAL_MS:
        tb_csv_real(out, ((const double *)at)[0]);
        tb_text_putc(out, ',');
        tb_csv_real(out, ((const double *)at)[1]);
        break;
    }
}

void tb_csv_table(tb_text *out, const tb_table *table, const tb_rows *rows)
{
    for (size_t c = 0; c < table->n_columns; c++) {
        const tb_column *column = &table->columns[c];
        tb_text_puts(out, c > 0 ? "," : "");
        if (is_interval(column->kind))
            tb_text_printf(out, "%s_low,%s_high", column->key, column->key);
        else
            tb_text_puts(out, column->key);
    }
    tb_text_puts(out, "\r\n");
    for (size_t i = 0; i < rows->n; i++) {
        for (size_t c = 0; c < table->n_columns; c++) {
            tb_text_puts(out, c > 0 ? "," : "");
            put_cell(out, &table->columns[c], &rows->items[i]);
        }
        tb_text_puts(out, "\r\n");
    }
}
