/* SPDX-License-Identifier: Apache-2.0
 * The rows of tables that have one row a result.
 * Includes: report/tables_parts.h. Called by: report/tables*. */
#include "report/tables_parts.h"

enum { FIRST_ROWS = 64 };

void tb_rows_put(tb_rows *rows, const tb_row *row)
{
    if (rows->status != TIMBANG_OK)
        return;
    if (rows->n == rows->capacity) {
        size_t capacity = rows->capacity ? rows->capacity * 2 : FIRST_ROWS;
        void *block = rows->items;
        rows->status = tb_grow(&block, capacity, sizeof *rows->items, rows->err);
        if (rows->status != TIMBANG_OK)
            return;
        rows->items = block;
        rows->capacity = capacity;
    }
    rows->items[rows->n++] = *row;
}

const char *tb_rows_group(const tb_report *report, const tb_report_model *model)
{
    return report->n_models > 1 ? model->name : NULL;
}

tb_row tb_row_of_result(const tb_report *report, const tb_report_result *result)
{
    const tb_report_variant *variant = &report->variants[result->variant];
    tb_row row = {.group = tb_rows_group(report, &report->models[result->model])};
    row.base[TB_BASE_SET] = &report->sets[result->set];
    row.base[TB_BASE_MODEL] = &report->models[result->model];
    row.base[TB_BASE_VARIANT] = variant;
    row.base[TB_BASE_PEAK] = variant->peak_resident_bytes ? variant : NULL;
    row.base[TB_BASE_RESULT] = result;
    row.base[TB_BASE_BOOT] = result->bootstrap ? result : NULL;
    row.base[TB_BASE_FITTED] = result->temperature_set ? result : NULL;
    if (result->compared) {
        row.base[TB_BASE_COMPARED] = result;
        row.base[TB_BASE_TESTS] = &result->tests;
        row.base[TB_BASE_TESTS_BOOT] = result->tests.bootstrap ? &result->tests : NULL;
    }
    return row;
}

static void put_results(const tb_report *report, tb_rows *rows, bool compared_only)
{
    for (size_t s = 0; s < report->n_sets; s++)
        for (size_t m = 0; m < report->n_models; m++)
            for (size_t i = 0; i < report->n_results; i++) {
                const tb_report_result *result = &report->results[i];
                if (result->set != s || result->model != m || (compared_only && !result->compared))
                    continue;
                tb_row row = tb_row_of_result(report, result);
                tb_rows_put(rows, &row);
            }
}

void tb_rows_of_results(const tb_report *report, tb_rows *rows)
{
    put_results(report, rows, false);
}

void tb_rows_of_compared(const tb_report *report, tb_rows *rows)
{
    put_results(report, rows, true);
}
