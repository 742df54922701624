/* SPDX-License-Identifier: Apache-2.0
 * Figure: accuracy with its 95 % interval, beside FP32's of the same model and the majority baseline.
 * Includes: report/figures/svg.h. Called by: report/figures. */
#include "report/figures/list.h"

typedef struct range {
    double low, high, majority;
    bool majority_fits; /* on the axis without taking most of it */
} range;

static range range_of(const tb_rows *rows)
{
    range a = {1, 0, -1, false};
    for (size_t i = 0; i < rows->n; i++) {
        const tb_report_result *r = rows->at[i].result;
        if (!r)
            continue;
        a.low = r->low < a.low ? r->low : a.low;
        a.high = r->high > a.high ? r->high : a.high;
        a.majority = r->majority_accuracy > a.majority ? r->majority_accuracy : a.majority;
    }
    double span = a.high - a.low;
    a.majority_fits = a.majority > a.low - 1.5 * span && a.majority < a.high + 1.5 * span;
    if (a.majority_fits && a.majority >= 0) {
        a.low = a.majority < a.low ? a.majority : a.low;
        a.high = a.majority > a.high ? a.majority : a.high;
    }
    return a;
}

static void put_majority(tb_svg *svg, double x, double y, tb_svg_anchor anchor, double accuracy)
{
    tb_text *text = tb_svg_scratch(svg);
    tb_text_puts(text, tb_svg_say(svg, "majority ", "mayoritas "));
    tb_svg_put_real(text, accuracy, 3);
    tb_svg_put_scratch(svg, TB_FONT_SOFT, x, y, anchor);
}

/* FP32's line through the rows of each model, and the baseline through all. */
static void put_references(tb_svg *svg, const tb_rows *rows, const tb_axis *axis, const range *a)
{
    bool named = false;
    for (size_t i = 0; i < rows->n; i++) {
        const tb_row *row = &rows->at[i];
        const tb_report_result *fp32 = row->result ? tb_report_fp32(svg->report, row->result) : NULL;
        if (!fp32)
            continue;
        double x = tb_axis_at(axis, fp32->accuracy);
        tb_svg_line(svg, "f-ref", x, row->y - rows->height / 2, x, row->y + rows->height / 2);
        if (!named && svg->report->n_models == 1)
            tb_svg_text(svg, TB_FONT_SOFT, x, rows->top - 6, TB_MIDDLE, 0, "FP32");
        named = true;
    }
    if (a->majority < 0)
        return;
    double x = tb_axis_at(axis, a->majority);
    if (a->majority_fits) {
        double top, bottom;
        for (size_t at = 0; (at = tb_rows_next_run(rows, at, &top, &bottom)) != 0;)
            tb_svg_line(svg, "f-base", x, top, x, bottom);
        put_majority(svg, x, rows->top - 6, x - axis->from < 60 ? TB_START : TB_MIDDLE, a->majority);
        return;
    }
    bool left = a->majority < axis->low;
    tb_svg_arrow_x(svg, "f-tip", left ? axis->from - 2 : axis->to + 2, rows->top - 10, left ? -1 : 1);
    put_majority(svg, left ? axis->from + 8 : axis->to - 8, rows->top - 6, left ? TB_START : TB_END, a->majority);
}

static void put_row(tb_svg *svg, const tb_row *row, const tb_axis *axis)
{
    const tb_report_result *r = row->result;
    double x = tb_axis_at(axis, r->accuracy);
    tb_svg_line(svg, "f-thin", tb_axis_at(axis, r->low), row->y, tb_axis_at(axis, r->high), row->y);
    tb_svg_circle(svg, "f-dot", x, row->y, 4);
    tb_svg_put_real(tb_svg_scratch(svg), r->accuracy, 3);
    tb_svg_put_scratch(svg, TB_FONT_VALUE, svg->width, row->y + 4, TB_END);
    tb_rows_describe(svg, r);
    tb_text_printf(&svg->desc, ": %.3f (%.3f, %.3f). ", r->accuracy, r->low, r->high);
}

void tb_figure_accuracy(tb_text *out, const tb_report *report, size_t set)
{
    enum { TOP = 24, ROW = 22, VALUES = 44 };
    tb_svg svg;
    tb_svg_begin(&svg, "accuracy", report, set, TB_SVG_WIDTH);
    tb_rows rows;
    tb_rows_make(&rows, &svg, NULL, TOP, ROW);
    range a = range_of(&rows);
    double names = tb_rows_names_width(&svg, &rows, 140);
    tb_axis axis = tb_axis_make(a.low, a.high, names + 20, svg.width - VALUES - 14, 6, true);
    tb_rows_put_axis(&svg, &rows, &axis, NULL);
    tb_text_puts(tb_svg_scratch(&svg), tb_svg_say(&svg, "accuracy, 95 % interval, n = ", "akurasi, selang 95 %, n = "));
    tb_svg_put_count(&svg.scratch, report->sets[set].rows);
    tb_svg_axis_title(&svg, &axis, rows.bottom);
    put_references(&svg, &rows, &axis, &a);
    tb_rows_put_names(&svg, &rows, 0, names);
    for (size_t i = 0; i < rows.n; i++)
        if (rows.at[i].result)
            put_row(&svg, &rows.at[i], &axis);
    double bottom = tb_rows_put_left_out(&svg, &rows, 0, rows.bottom + 38);
    tb_svg_end(&svg, out, bottom, tb_svg_say(&svg, "Accuracy of the variants", "Akurasi setiap varian"));
}
