/* SPDX-License-Identifier: Apache-2.0
 * The list of tables, and the folder they are written to.
 * Includes: report/tables.h, report/tables_parts.h. Called by: report/write. */
#include "report/tables.h"

#include "base/io.h"
#include "report/tables_parts.h"

#include <stdlib.h>

static const tb_table *const tables[] = {
    &tb_table_main,        &tb_table_tests,   &tb_table_per_class, &tb_table_confusion,
    &tb_table_calibration, &tb_table_latency, &tb_table_sizes,     &tb_table_labels,
    &tb_table_null,        &tb_table_seeds,   &tb_table_flips,     &tb_table_claims,
};

/* Written only where there is a roadmap. */
static const tb_table *const roadmap_tables[] = {&tb_table_roadmap_rows, &tb_table_roadmap_tests,
                                                 &tb_table_roadmap_seeds};

static timbang_status write_text(tb_text *text, const char *folder, const char *name, const char *suffix, tb_error *err)
{
    tb_text file = {0};
    tb_text_printf(&file, "%s.%s", name, suffix);
    timbang_status status = tb_text_finish(&file, err);
    char *path = status == TIMBANG_OK ? tb_path_join(folder, file.data, err) : NULL;
    tb_text_free(&file);
    if (status == TIMBANG_OK)
        status = tb_text_finish(text, err);
    if (status == TIMBANG_OK)
        status = path ? tb_write_file(path, text->data ? text->data : "", text->length, err) : err->status;
    free(path);
    return status;
}

/* A table without rows is a head in CSV, and a remark in LaTeX that may be read like the others. */
static timbang_status write_table(const tb_report *report, const tb_table *table, const char *folder, tb_error *err)
{
    tb_rows rows = {.err = err};
    tb_text csv = {0}, latex = {0};
    if (table->list)
        table->list(report, &rows);
    timbang_status status = rows.status;
    if (status == TIMBANG_OK) {
        if (table->csv)
            table->csv(&csv, report);
        else
            tb_csv_table(&csv, table, &rows);
        if (table->latex)
            table->latex(&latex, report);
        else
            tb_latex_table(&latex, report, table, &rows);
        status = write_text(&csv, folder, table->name, "csv", err);
    }
    if (status == TIMBANG_OK)
        status = write_text(&latex, folder, table->name, "tex", err);
    free(rows.items);
    tb_text_free(&csv);
    tb_text_free(&latex);
    return status;
}

timbang_status tb_tables_write(const tb_report *report, const char *folder, tb_error *err)
{
    char *inner = tb_path_join(folder, "tables", err);
    timbang_status status = inner ? tb_make_dirs(inner, err) : err->status;
    for (size_t i = 0; i < sizeof tables / sizeof tables[0] && status == TIMBANG_OK; i++)
        status = write_table(report, tables[i], inner, err);
    for (size_t i = 0; i < sizeof roadmap_tables / sizeof roadmap_tables[0] && report->roadmap.n_rows > 0; i++)
        if (status == TIMBANG_OK)
            status = write_table(report, roadmap_tables[i], inner, err);
    free(inner);
    return status;
}
