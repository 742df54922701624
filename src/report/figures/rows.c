/* SPDX-License-Identifier: Apache-2.0
 * Rows of a figure: the variants of all models on one set.
 * Includes: report/figures/svg.h. Called by: report/figures. */
#include "report/figures/svg.h"

bool tb_rows_compared(const tb_report_result *result)
{
    return result->compared;
}

void tb_rows_make(tb_rows *rows, const tb_svg *svg, tb_rows_keep keep, double top, double height)
{
    const tb_report *report = svg->report;
    enum { BETWEEN = 6 }; /* above a model's name */
    *rows = (tb_rows){.top = top, .height = height};
    double y = top;
    size_t model = SIZE_MAX;
    for (size_t i = 0; i < report->n_results; i++) {
        const tb_report_result *r = &report->results[i];
        if (r->set != svg->set || (keep && !keep(r)))
            continue;
        bool head = report->n_models > 1 && r->model != model;
        if (rows->n + (head ? 2 : 1) > TB_ROWS_MOST) {
            rows->left_out++;
            continue;
        }
        if (head) {
            y += rows->n ? BETWEEN : 0;
            rows->at[rows->n++] = (tb_row){.model = r->model, .y = y + height / 2};
            y += height;
        }
        model = r->model;
        rows->at[rows->n++] = (tb_row){.result = r, .model = r->model, .y = y + height / 2};
        y += height;
    }
    rows->bottom = y;
}

static const char *note_of(const tb_svg *svg, const tb_row *row)
{
    return svg->report->models[row->model].untrained_head ? tb_svg_say(svg, "untrained head", "head belum dilatih")
                                                          : NULL;
}

double tb_rows_names_width(const tb_svg *svg, const tb_rows *rows, double most)
{
    double width = 0;
    for (size_t i = 0; i < rows->n; i++) {
        if (!rows->at[i].result)
            continue;
        double w = tb_svg_measure(TB_FONT_NAME, svg->report->variants[rows->at[i].result->variant].name);
        width = w > width ? w : width;
    }
    return width < most ? width : most;
}

void tb_rows_put_names(tb_svg *svg, const tb_rows *rows, double x, double width)
{
    for (size_t i = 0; i < rows->n; i++) {
        const tb_row *row = &rows->at[i];
        if (row->result) {
            tb_svg_text(svg, TB_FONT_NAME, x, row->y + 4.5, TB_START, width,
                        svg->report->variants[row->result->variant].name);
            continue;
        }
        const char *name = svg->report->models[row->model].name, *note = note_of(svg, row);
        double room = svg->width - x - (note ? 8 + tb_svg_measure(TB_FONT_SOFT, note) : 0);
        double taken = tb_svg_measure(TB_FONT_STRONG, name);
        tb_svg_text(svg, TB_FONT_STRONG, x, row->y + 4.5, TB_START, room, name);
        if (note)
            tb_svg_text(svg, TB_FONT_SOFT, x + (taken < room ? taken : room) + 8, row->y + 4.5, TB_START, 0, note);
    }
}

size_t tb_rows_next_run(const tb_rows *rows, size_t begin, double *top, double *bottom)
{
    while (begin < rows->n && !rows->at[begin].result)
        begin++;
    if (begin == rows->n)
        return 0;
    size_t end = begin;
    while (end < rows->n && rows->at[end].result)
        end++;
    *top = rows->at[begin].y - rows->height / 2;
    *bottom = rows->at[end - 1].y + rows->height / 2;
    return end;
}

void tb_rows_put_axis(tb_svg *svg, const tb_rows *rows, const tb_axis *axis, const char *title)
{
    double top, bottom;
    for (size_t at = 0; (at = tb_rows_next_run(rows, at, &top, &bottom)) != 0;)
        tb_svg_grid_x(svg, axis, top, bottom);
    tb_svg_axis_x(svg, axis, rows->bottom, title);
}

double tb_rows_put_left_out(tb_svg *svg, const tb_rows *rows, double x, double y)
{
    if (!rows->left_out)
        return y;
    tb_svg_textf(svg, TB_FONT_SOFT, x, y + 14, TB_START, "+ %zu %s", rows->left_out,
                 tb_svg_say(svg, "rows that are not drawn", "baris yang tidak digambar"));
    return y + 22;
}

void tb_rows_describe(tb_svg *svg, const tb_report_result *result)
{
    if (svg->report->n_models > 1) {
        tb_text_puts(&svg->desc, svg->report->models[result->model].name);
        tb_text_putc(&svg->desc, ' ');
    }
    tb_text_puts(&svg->desc, svg->report->variants[result->variant].name);
}
