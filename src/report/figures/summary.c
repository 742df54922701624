/* SPDX-License-Identifier: Apache-2.0
 * Figure: size, latency, confidence and accuracy of every variant, four panels with the same rows.
 * Includes: report/figures/svg.h. Called by: report/figures. */
#include "report/figures/list.h"

#include <math.h>

typedef enum panel_kind { PANEL_SIZE, PANEL_LATENCY, PANEL_CONFIDENCE, PANEL_ACCURACY, N_PANELS } panel_kind;

typedef struct mark {
    double value;
    tb_interval range; /* NaN: none */
} mark;

static mark mark_of(const tb_report *report, const tb_report_result *r, panel_kind kind)
{
    switch (kind) {
    case PANEL_SIZE:
        return (mark){(double)report->variants[r->variant].size_bytes / 1e6, {NAN, NAN}};
    case PANEL_LATENCY:
        return (mark){r->total.mean, r->latency_interval};
    case PANEL_CONFIDENCE:
        return (mark){r->mean_confidence,
                      {r->mean_confidence - r->confidence_sd, fmin(r->mean_confidence + r->confidence_sd, 1)}};
    default:
        return (mark){r->accuracy, {r->low, r->high}};
    }
}

static tb_axis axis_of(const tb_svg *svg, const tb_rows *rows, panel_kind kind, double from, double to)
{
    bool from_zero = kind == PANEL_SIZE || kind == PANEL_LATENCY;
    double low = from_zero ? 0 : INFINITY, high = from_zero ? 0 : -INFINITY;
    for (size_t i = 0; i < rows->n; i++) {
        if (!rows->at[i].result)
            continue;
        mark m = mark_of(svg->report, rows->at[i].result, kind);
        const double ends[] = {m.value, m.range.low, m.range.high};
        for (size_t k = 0; k < 3; k++) {
            low = isfinite(ends[k]) && ends[k] < low ? ends[k] : low;
            high = isfinite(ends[k]) && ends[k] > high ? ends[k] : high;
        }
    }
    if (kind == PANEL_CONFIDENCE)
        low = fmax(low, 0);
    return tb_axis_make(low, from_zero && !(high > 0) ? 1 : high, from, to, 4, true);
}

static void put_value(tb_text *out, panel_kind kind, const tb_report *report, const tb_report_result *r, double value)
{
    if (kind == PANEL_SIZE)
        tb_svg_put_megabytes(out, report->variants[r->variant].size_bytes);
    else if (kind == PANEL_LATENCY)
        tb_svg_put_ms(out, value);
    else
        tb_svg_put_real(out, value, 3);
}

static void put_panel(tb_svg *svg, const tb_rows *rows, panel_kind kind, double from, double to, const char *title)
{
    enum { VALUES = 46 };
    tb_axis axis = axis_of(svg, rows, kind, from, to - VALUES);
    tb_svg_text(svg, TB_FONT_SOFT, from, rows->top - 7, TB_START, to - from, title);
    tb_rows_put_axis(svg, rows, &axis, NULL);
    for (size_t i = 0; i < rows->n; i++) {
        const tb_row *row = &rows->at[i];
        if (!row->result)
            continue;
        mark m = mark_of(svg->report, row->result, kind);
        double x = tb_axis_at(&axis, m.value);
        if (kind == PANEL_SIZE)
            tb_svg_rect(svg, "f-bar", axis.from, row->y - 6, x - axis.from, 12, 0);
        if (isfinite(m.range.low) && isfinite(m.range.high))
            tb_svg_line(svg, "f-thin", tb_axis_at(&axis, m.range.low), row->y, tb_axis_at(&axis, m.range.high), row->y);
        if (kind != PANEL_SIZE && isfinite(m.value))
            tb_svg_circle(svg, "f-dot", x, row->y, 3.5);
        put_value(tb_svg_scratch(svg), kind, svg->report, row->result, m.value);
        tb_svg_put_scratch(svg, TB_FONT_VALUE, to, row->y + 4, TB_END);
    }
}

static void describe(tb_svg *svg, const tb_rows *rows)
{
    static const char *const en[N_PANELS] = {": size ", " MB, latency ", " ms, confidence ", ", accuracy "};
    static const char *const id[N_PANELS] = {": ukuran ", " MB, latensi ", " ms, keyakinan ", ", akurasi "};
    for (size_t i = 0; i < rows->n; i++) {
        const tb_report_result *r = rows->at[i].result;
        if (!r)
            continue;
        tb_rows_describe(svg, r);
        for (panel_kind kind = 0; kind < N_PANELS; kind++) {
            tb_text_puts(&svg->desc, tb_svg_say(svg, en[kind], id[kind]));
            put_value(&svg->desc, kind, svg->report, r, mark_of(svg->report, r, kind).value);
        }
        tb_text_puts(&svg->desc, ". ");
    }
}

void tb_figure_summary(tb_text *out, const tb_report *report, size_t set)
{
    enum { TOP = 20, ROW = 20, FOOT = 24, GAP = 26 };
    tb_svg svg;
    tb_svg_begin(&svg, "summary", report, set, TB_SVG_WIDTH);
    const char *const titles[N_PANELS] = {
        tb_svg_say(&svg, "size, MB", "ukuran, MB"),
        tb_svg_say(&svg, "latency, ms (mean, 95 %)", "latensi, ms (rerata, 95 %)"),
        tb_svg_say(&svg, "confidence (mean \xc2\xb1 sd)", "keyakinan (rerata \xc2\xb1 sb)"),
        tb_svg_say(&svg, "accuracy (95 %)", "akurasi (95 %)"),
    };
    double y = TOP;
    for (panel_kind kind = 0; kind < N_PANELS; kind += 2) {
        tb_rows rows;
        tb_rows_make(&rows, &svg, NULL, y, ROW);
        double names = tb_rows_names_width(&svg, &rows, 120), left = names + 14;
        double panel = (svg.width - left - GAP) / 2;
        tb_rows_put_names(&svg, &rows, 0, names);
        put_panel(&svg, &rows, kind, left, left + panel, titles[kind]);
        put_panel(&svg, &rows, kind + 1, left + panel + GAP, svg.width, titles[kind + 1]);
        if (kind == 0)
            describe(&svg, &rows);
        y = tb_rows_put_left_out(&svg, &rows, 0, rows.bottom + FOOT);
        y += kind == 0 ? TOP + 8 : 0;
    }
    tb_svg_end(&svg, out, y,
               tb_svg_say(&svg, "Size, latency, confidence and accuracy", "Ukuran, latensi, keyakinan dan akurasi"));
}
