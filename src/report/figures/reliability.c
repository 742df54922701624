/* SPDX-License-Identifier: Apache-2.0
 * Figure: reliability diagrams, a small one for every variant, with the number of texts in each bin.
 * Includes: report/figures/svg.h. Called by: report/figures. */
#include "report/figures/list.h"

#include <math.h>

enum { COLUMNS = 4, MOST_PANELS = 48, SIDE = 98, LEFT = 28, COUNTS = 22, TITLE = 30, FOOT = 22, MODEL = 24 };

static bool filled(const tb_report_bin *bin)
{
    return bin->n && isfinite(bin->confidence) && isfinite(bin->accuracy);
}

/* A bin's weight in the picture follows its texts: few texts say little. */
static double weight_of(const tb_report_bin *bin, uint64_t most)
{
    return sqrt((double)bin->n / (double)most);
}

static void put_bins(tb_svg *svg, const tb_report_result *r, const tb_axis *x, const tb_axis *y, double base)
{
    uint64_t most = 1;
    for (size_t b = 0; b < r->n_bins; b++)
        most = r->reliability[b].n > most ? r->reliability[b].n : most;
    for (size_t b = 0; b < r->n_bins; b++) {
        const tb_report_bin *bin = &r->reliability[b];
        if (!filled(bin))
            continue;
        const double px = tb_axis_at(x, bin->confidence), py = tb_axis_at(y, bin->accuracy);
        const double even = tb_axis_at(y, bin->confidence), width = 1 + 5 * weight_of(bin, most);
        tb_svg_rect(svg, "f-bar", px - width / 2, fmin(py, even), width, fabs(py - even), 0);
        const double height = COUNTS * (double)bin->n / (double)most, left = tb_axis_at(x, bin->low);
        tb_svg_rect(svg, "f-bar", left + 0.5, base - height, tb_axis_at(x, bin->high) - left - 1, height, 0);
    }
    for (size_t b = 0; b < r->n_bins; b++) {
        const tb_report_bin *bin = &r->reliability[b];
        if (filled(bin))
            tb_svg_circle(svg, "f-dot", tb_axis_at(x, bin->confidence), tb_axis_at(y, bin->accuracy),
                          1.4 + 1.8 * weight_of(bin, most));
    }
}

static void put_panel(tb_svg *svg, const tb_report_result *r, double left, double top, bool first)
{
    static const double ticks[] = {0, 0.5, 1};
    tb_axis x = tb_axis_make(0, 1, left, left + SIDE, 2, true), y = tb_axis_make(0, 1, top + SIDE, top, 2, true);
    double base = top + SIDE + COUNTS + 5;
    tb_svg_text(svg, TB_FONT_NAME, left, top - 17, TB_START, SIDE, svg->report->variants[r->variant].name);
    tb_text_puts(tb_svg_scratch(svg), "ECE ");
    tb_svg_put_real(&svg->scratch, r->ece, 3);
    tb_svg_put_scratch(svg, TB_FONT_TICK, left, top - 5, TB_START);
    tb_svg_rect(svg, "f-frame", left, top, SIDE, SIDE, 0);
    tb_svg_line(svg, "f-base", left, top + SIDE, left + SIDE, top);
    put_bins(svg, r, &x, &y, base);
    tb_svg_line(svg, "f-axis", left, base, left + SIDE, base);
    for (size_t i = 0; i < 3; i++) {
        tb_svg_textf(svg, TB_FONT_TICK, tb_axis_at(&x, ticks[i]), base + 13, TB_MIDDLE, "%g", ticks[i]);
        if (first)
            tb_svg_textf(svg, TB_FONT_TICK, left - 5, tb_axis_at(&y, ticks[i]) + 4, TB_END, "%g", ticks[i]);
    }
    tb_rows_describe(svg, r);
    tb_text_printf(&svg->desc, ": ECE %.3f. ", r->ece);
}

void tb_figure_reliability(tb_text *out, const tb_report *report, size_t set)
{
    tb_svg svg;
    tb_svg_begin(&svg, "reliability", report, set, TB_SVG_WIDTH);
    const double gap = (svg.width - LEFT - 8 - COLUMNS * SIDE) / (COLUMNS - 1);
    const double pitch = TITLE + SIDE + COUNTS + 5 + FOOT;
    tb_svg_text(&svg, TB_FONT_SOFT, 0, 11, TB_START, 0,
                tb_svg_say(&svg, "accuracy (up) against confidence (right); bars: texts in a bin",
                           "akurasi (ke atas) terhadap keyakinan (ke kanan); batang: teks dalam kelompok"));
    double y = 20;
    size_t drawn = 0, column = 0, model = SIZE_MAX;
    tb_rows missing = {0};
    for (size_t i = 0; i < report->n_results; i++) {
        const tb_report_result *r = &report->results[i];
        if (r->set != set)
            continue;
        if (drawn == MOST_PANELS) {
            missing.left_out++;
            continue;
        }
        bool head = report->n_models > 1 && r->model != model;
        if (drawn && (head || column == COLUMNS)) {
            y += pitch;
            column = 0;
        }
        if (head) {
            tb_svg_text(&svg, TB_FONT_STRONG, LEFT, y + 16, TB_START, svg.width - LEFT, report->models[r->model].name);
            y += MODEL;
        }
        model = r->model;
        put_panel(&svg, r, LEFT + (double)column * (SIDE + gap), y + TITLE, column == 0);
        column++;
        drawn++;
    }
    y += drawn ? pitch : 0;
    y = tb_rows_put_left_out(&svg, &missing, 0, y);
    tb_svg_end(&svg, out, y, tb_svg_say(&svg, "Reliability", "Reliabilitas"));
}
