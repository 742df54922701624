/* SPDX-License-Identifier: Apache-2.0
 * Tables in LaTeX: booktabs, one floating table a data set, more where one does not fit a page. The document needs
 * \usepackage{booktabs} and nothing else.
 * Includes: report/tables_parts.h. Called by: report/tables*. */
#include "report/tables_parts.h"

#include <string.h>

/* Lines of \footnotesize that a page has room for below the longest caption. */
enum { LINES_OF_A_PAGE = 46, LINES_OF_A_HEAD = 4 };

/* ---- Pieces ---- */

void tb_latex_head(tb_text *out, const tb_report *report, const char *name)
{
    tb_text_printf(out, "%% %s: made by timbang %s from results.json. Needs \\usepackage{booktabs}.\n", name,
                   report->version);
}

/* Letters and digits of a name; the index where that may not be unique. */
static void put_key(tb_text *out, const char *name, size_t index)
{
    bool same = *name != '\0';
    for (const char *at = name; *at; at++) {
        char c = *at;
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-')
            tb_text_putc(out, c);
        else
            same = false;
    }
    if (!same)
        tb_text_printf(out, ":%zu", index + 1);
}

static void put_label(tb_text *out, const char *table, const tb_latex_title *title)
{
    tb_text_puts(out, "\\label{tab:");
    for (const char *at = table; *at; at++)
        tb_text_putc(out, *at == '_' ? '-' : *at);
    if (title->set) {
        tb_text_putc(out, '-');
        put_key(out, title->set, title->set_index);
    }
    if (title->number > 0)
        tb_text_printf(out, ":%zu", title->number + 1);
    tb_text_puts(out, "}\n");
}

void tb_latex_columns_head(tb_text *out, const char *head, char align)
{
    if (!strchr(head, '|')) {
        tb_text_puts(out, head);
        return;
    }
    tb_text_printf(out, "\\begin{tabular}[b]{@{}%c@{}}", align);
    for (; *head; head++)
        if (*head == '|')
            tb_text_puts(out, "\\\\");
        else
            tb_text_putc(out, *head);
    tb_text_puts(out, "\\end{tabular}");
}

void tb_latex_begin(tb_text *out, const tb_report *report, const tb_table *table, const tb_latex_title *title)
{
    tb_text_puts(out, "\\begin{table}[htbp]\n\\centering\n\\caption{");
    tb_text_puts(out, tb_report_say(report, table->caption_en, table->caption_id));
    if (title->model) {
        tb_text_puts(out, " Model: ");
        tb_latex_cut(out, title->model, TB_LATEX_TITLE);
        tb_text_puts(out, ".");
    }
    if (title->set) {
        tb_text_puts(out, " Data: ");
        tb_latex_cut(out, title->set, TB_LATEX_TITLE);
        tb_text_puts(out, ".");
    }
    if (title->continued)
        tb_text_puts(out, tb_report_say(report, " (continued)", " (lanjutan)"));
    tb_text_puts(out, "}\n");
    put_label(out, table->name, title);
    tb_text_puts(out, "\\footnotesize\n\\setlength{\\tabcolsep}{3pt}\n");
}

void tb_latex_end(tb_text *out)
{
    tb_text_puts(out, "\\end{table}\n");
}

/* ---- A table of columns ---- */

static char alignment(tb_cell_kind kind)
{
    bool words = kind == TB_CELL_TEXT || kind == TB_CELL_YES || kind == TB_CELL_EQUIVALENT;
    return words ? 'l' : kind >= TB_CELL_INTERVAL ? 'c' : 'r';
}

typedef struct part {
    const tb_report *report;
    const tb_table *table;
    const tb_rows *rows;
    size_t begin, end; /* rows */
} part;

static const char *head_of(const part *p, const tb_column *column)
{
    return tb_report_say(p->report, column->en, column->id);
}

static bool has_panel(const tb_table *table, unsigned panel)
{
    for (size_t c = 0; c < table->n_columns; c++)
        if ((table->columns[c].panels & panel) && table->columns[c].panels != TB_PANEL_ALL)
            return true;
    return panel == TB_PANEL_A;
}

static void put_group(tb_text *out, const part *p, const tb_row *row, size_t columns, bool gap)
{
    const tb_report_model *model = row->base[TB_BASE_MODEL];
    tb_text_puts(out, gap ? "\\addlinespace\n" : "");
    tb_text_printf(out, "\\multicolumn{%zu}{@{}l}{\\emph{", columns);
    tb_latex_cut(out, row->group, TB_LATEX_TITLE);
    tb_text_puts(out, "}");
    if (model && model->untrained_head)
        tb_text_puts(out, tb_report_say(p->report, " (untrained head)", " (\\emph{head} belum dilatih)"));
    tb_text_puts(out, "} \\\\\n");
}

static void put_panel(tb_text *out, const part *p, unsigned panel)
{
    const tb_column *columns = p->table->columns;
    size_t shown = 0, put = 0;
    tb_text_puts(out, "\\begin{tabular}{@{}");
    for (size_t c = 0; c < p->table->n_columns; c++)
        if (columns[c].panels & panel) {
            tb_text_putc(out, alignment(columns[c].kind));
            shown++;
        }
    tb_text_puts(out, "@{}}\n\\toprule\n");
    for (size_t c = 0; c < p->table->n_columns; c++)
        if (columns[c].panels & panel) {
            tb_text_puts(out, put++ > 0 ? " & " : "");
            tb_latex_columns_head(out, head_of(p, &columns[c]), alignment(columns[c].kind));
        }
    tb_text_puts(out, " \\\\\n\\midrule\n");
    const char *group = NULL;
    for (size_t i = p->begin; i < p->end; i++) {
        const tb_row *row = &p->rows->items[i];
        if (row->group && row->group != group)
            put_group(out, p, row, shown, i > p->begin);
        group = row->group;
        put = 0;
        for (size_t c = 0; c < p->table->n_columns; c++)
            if (columns[c].panels & panel) {
                tb_text_puts(out, put++ > 0 ? " & " : "");
                tb_latex_cell(out, p->report, &columns[c], row);
            }
        tb_text_puts(out, " \\\\\n");
    }
    tb_text_puts(out, "\\bottomrule\n\\end{tabular}\n");
}

static size_t n_panels(const tb_table *table)
{
    size_t n = 0;
    for (unsigned k = 0; k < TB_PANELS; k++)
        n += has_panel(table, 1U << k);
    return n;
}

static void put_part(tb_text *out, const part *p, size_t number)
{
    const tb_row *first = &p->rows->items[p->begin];
    const tb_report_set *set = first->base[TB_BASE_SET];
    const tb_report_model *model = first->base[TB_BASE_MODEL];
    bool one_model = model && p->report->n_models == 1;
    const tb_latex_title title = {
        .set = set ? set->name : NULL,
        .set_index = set ? (size_t)(set - p->report->sets) : 0,
        .model = one_model ? model->name : NULL,
        .number = number,
        .continued = number > 0,
    };
    tb_latex_begin(out, p->report, p->table, &title);
    for (unsigned k = 0; k < TB_PANELS; k++)
        if (has_panel(p->table, 1U << k)) {
            tb_text_puts(out, k > 0 ? "\n\\medskip\n" : "");
            put_panel(out, p, 1U << k);
        }
    tb_latex_end(out);
}

/* Where a table that begins with row `begin` ends: before the next set, and before the page is full, there preferably
 * where a group ends. */
static size_t end_of_part(const tb_rows *rows, size_t begin, size_t lines)
{
    const void *set = rows->items[begin].base[TB_BASE_SET];
    const char *group = NULL;
    size_t used = 0, boundary = begin;
    for (size_t i = begin; i < rows->n; i++) {
        const tb_row *row = &rows->items[i];
        if (row->base[TB_BASE_SET] != set)
            return i;
        if (i > begin && row->group != group)
            boundary = i;
        used += row->group && row->group != group ? 2 : 1;
        group = row->group;
        if (used > lines)
            return boundary > begin ? boundary : i > begin ? i : i + 1;
    }
    return rows->n;
}

void tb_latex_table(tb_text *out, const tb_report *report, const tb_table *table, const tb_rows *rows)
{
    tb_latex_head(out, report, table->name);
    size_t panels = n_panels(table), lines = (LINES_OF_A_PAGE - LINES_OF_A_HEAD * panels) / panels;
    for (size_t begin = 0, number = 0; begin < rows->n;) {
        size_t end = end_of_part(rows, begin, lines);
        const part p = {report, table, rows, begin, end};
        put_part(out, &p, number);
        bool same_set = end < rows->n && rows->items[end].base[TB_BASE_SET] == rows->items[begin].base[TB_BASE_SET];
        number = same_set ? number + 1 : 0;
        begin = end;
    }
}
