/* SPDX-License-Identifier: Apache-2.0
 * Figure: latency over the texts, a box for every variant from 21 quantiles.
 * Includes: report/figures/svg.h. Called by: report/figures. */
#include "report/figures/list.h"

#include <math.h>

enum { Q0 = 0, Q05 = 1, Q25 = 5, Q50 = 10, Q75 = 15, Q95 = 19, Q100 = 20 };

static bool timed(const tb_report_result *r)
{
    for (size_t q = 0; q < TB_REPORT_QUANTILES; q++)
        if (!isfinite(r->quantiles[q]) || r->quantiles[q] < 0)
            return false;
    return true;
}

bool tb_figure_wants_latency(const tb_report *report, size_t set)
{
    for (size_t i = 0; i < report->n_results; i++)
        if (report->results[i].set == set && timed(&report->results[i]))
            return true;
    return false;
}

/* From zero, unless that would hide the quick ones: then logarithmic. */
static tb_axis axis_of(const tb_rows *rows, double from, double to)
{
    double low = INFINITY, high = 0;
    for (size_t i = 0; i < rows->n; i++) {
        if (!rows->at[i].result)
            continue;
        low = fmin(low, rows->at[i].result->quantiles[Q0]);
        high = fmax(high, rows->at[i].result->quantiles[Q100]);
    }
    if (low > 0 && high > 40 * low)
        return tb_axis_logarithmic(low, high, from, to);
    return tb_axis_make(0, high > 0 ? high : 1, from, to, 7, true);
}

static void put_row(tb_svg *svg, const tb_row *row, const tb_axis *axis)
{
    const tb_report_result *r = row->result;
    double y = row->y, at[TB_REPORT_QUANTILES];
    for (size_t q = 0; q < TB_REPORT_QUANTILES; q++)
        at[q] = tb_axis_at(axis, r->quantiles[q]);
    tb_svg_line(svg, "f-thin", at[Q05], y, at[Q95], y);
    tb_svg_rect(svg, "f-bar", at[Q25], y - 6, fmax(at[Q75] - at[Q25], 0.5), 12, 0);
    tb_svg_line(svg, "f-mid", at[Q50], y - 7, at[Q50], y + 7);
    tb_svg_circle(svg, "f-dot-ref", at[Q0], y, 1.6);
    tb_svg_circle(svg, "f-dot-ref", at[Q100], y, 1.6);
    tb_svg_put_ms(tb_svg_scratch(svg), r->quantiles[Q50]);
    tb_svg_put_scratch(svg, TB_FONT_VALUE, svg->width - 56, y + 4, TB_END);
    tb_svg_put_real(tb_svg_scratch(svg), r->latency_ratio, 2);
    tb_text_puts(&svg->scratch, isfinite(r->latency_ratio) ? "\xc3\x97" : "");
    tb_svg_put_scratch(svg, TB_FONT_VALUE, svg->width, y + 4, TB_END);
    tb_rows_describe(svg, r);
    tb_text_puts(&svg->desc, ": ");
    tb_svg_put_ms(&svg->desc, r->quantiles[Q50]);
    tb_text_puts(&svg->desc, " ms. ");
}

void tb_figure_latency(tb_text *out, const tb_report *report, size_t set)
{
    enum { TOP = 20, ROW = 24 };
    tb_svg svg;
    tb_svg_begin(&svg, "latency", report, set, TB_SVG_WIDTH);
    tb_rows rows;
    tb_rows_make(&rows, &svg, timed, TOP, ROW);
    double names = tb_rows_names_width(&svg, &rows, 140);
    tb_axis axis = axis_of(&rows, names + 16, svg.width - 112);
    tb_rows_put_axis(&svg, &rows, &axis,
                     axis.logarithmic ? tb_svg_say(&svg, "ms a text (logarithmic)", "ms per teks (logaritmik)")
                                      : tb_svg_say(&svg, "ms a text", "ms per teks"));
    const char *ratio_to = NULL;
    for (size_t i = 0; i < rows.n && !ratio_to; i++)
        ratio_to = rows.at[i].result ? rows.at[i].result->ratio_to : NULL;
    tb_svg_text(&svg, TB_FONT_TICK, svg.width - 56, TOP - 8, TB_END, 0, "median");
    if (ratio_to) {
        tb_text_printf(tb_svg_scratch(&svg), "/ %s", ratio_to);
        const char *text = svg.scratch.data ? svg.scratch.data : "";
        tb_svg_text(&svg, TB_FONT_TICK, svg.width, TOP - 8, TB_END, 52, text);
    }
    tb_rows_put_names(&svg, &rows, 0, names);
    for (size_t i = 0; i < rows.n; i++)
        if (rows.at[i].result)
            put_row(&svg, &rows.at[i], &axis);
    double bottom = tb_rows_put_left_out(&svg, &rows, 0, rows.bottom + 38);
    tb_svg_end(&svg, out, bottom, tb_svg_say(&svg, "Latency", "Latensi"));
}
