/* SPDX-License-Identifier: Apache-2.0
 * Figure: the difference from FP32 in the figure that decides, with its intervals, beside zero and the margin of
 * equivalence. Thin: the bootstrap's 95 %; thick: Tango's 1 - 2 alpha, which shows equivalence where it lies inside the
 * margin. Includes: report/figures/svg.h. Called by: report/figures. */
#include "report/figures/list.h"

#include <math.h>
#include <string.h>

typedef struct forest {
    tb_svg svg;
    tb_rows rows;
    tb_axis axis;
    bool f1;                /* the primary figure is macro-F1 */
    double flips, delta, p; /* right edges of the columns of numbers */
    double margin;
} forest;

static const tb_interval *thin_of(const forest *f, const tb_report_result *r)
{
    if (!r->tests.bootstrap)
        return NULL;
    return f->f1 ? &r->tests.boot_macro_f1 : &r->tests.boot_accuracy;
}

static const tb_interval *thick_of(const forest *f, const tb_report_result *r)
{
    return f->f1 ? NULL : &r->tests.equivalence_interval; /* the score test is on accuracy */
}

static double delta_of(const forest *f, const tb_report_result *r)
{
    return f->f1 ? r->tests.delta_macro_f1 : r->delta_accuracy;
}

/* How far a row reaches from zero. */
static double reach_of(const forest *f, const tb_report_result *r)
{
    double reach = fabs(delta_of(f, r));
    const tb_interval *both[] = {thin_of(f, r), thick_of(f, r)};
    for (size_t i = 0; i < 2; i++)
        if (both[i])
            reach = fmax(reach, fmax(fabs(both[i]->low), fabs(both[i]->high)));
    return isfinite(reach) ? reach : 0;
}

static double limit_of(const forest *f)
{
    double reaches[TB_ROWS_MOST];
    size_t n = 0;
    for (size_t i = 0; i < f->rows.n; i++)
        if (f->rows.at[i].result)
            reaches[n++] = reach_of(f, f->rows.at[i].result);
    return tb_axis_limit(reaches, n, 1.5 * f->margin);
}

static tb_axis axis_of(const forest *f, double from, double to)
{
    double limit = limit_of(f), low = -f->margin * 1.2, high = f->margin * 1.2;
    for (size_t i = 0; i < f->rows.n; i++) {
        const tb_report_result *r = f->rows.at[i].result;
        if (!r)
            continue;
        const double d = delta_of(f, r);
        const tb_interval own = {d, d}, *all[] = {&own, thin_of(f, r), thick_of(f, r)};
        for (size_t k = 0; k < 3; k++) {
            low = all[k] && all[k]->low < low ? all[k]->low : low;
            high = all[k] && all[k]->high > high ? all[k]->high : high;
        }
    }
    return tb_axis_make(fmax(low, -limit), fmin(high, limit), from, to, 6, true);
}

static void put_interval(forest *f, const char *kind, const tb_interval *interval, double y, bool arrows)
{
    if (!interval || !isfinite(interval->low) || !isfinite(interval->high))
        return;
    const tb_axis *axis = &f->axis;
    if (interval->high >= axis->low && interval->low <= axis->high)
        tb_svg_line(&f->svg, kind, tb_axis_at(axis, interval->low), y, tb_axis_at(axis, interval->high), y);
    if (arrows && interval->low < axis->low)
        tb_svg_arrow_x(&f->svg, "f-tip", axis->from - 2, y, -1);
    if (arrows && interval->high > axis->high)
        tb_svg_arrow_x(&f->svg, "f-tip", axis->to + 2, y, 1);
}

static void put_numbers(forest *f, const tb_row *row, double d)
{
    const tb_report_result *r = row->result;
    double y = row->y + 4;
    tb_svg_put_short(tb_svg_scratch(&f->svg), r->right_to_wrong);
    tb_text_puts(&f->svg.scratch, "\xe2\x80\x89/\xe2\x80\x89");
    tb_svg_put_short(&f->svg.scratch, r->wrong_to_right);
    tb_svg_put_scratch(&f->svg, TB_FONT_VALUE, f->flips, y, TB_END);
    tb_svg_put_signed(tb_svg_scratch(&f->svg), d, 3);
    tb_svg_put_scratch(&f->svg, TB_FONT_VALUE, f->delta, y, TB_END);
    tb_svg_put_p(tb_svg_scratch(&f->svg), r->tests.primary_p_holm);
    tb_svg_put_scratch(&f->svg, TB_FONT_VALUE, f->p, y, TB_END);
}

static void put_row(forest *f, const tb_row *row)
{
    const tb_report_result *r = row->result;
    const double d = delta_of(f, r);
    bool alarm = r->tests.significant;
    const tb_interval *thick = thick_of(f, r), *thin = thin_of(f, r);
    put_interval(f, alarm ? "f-thick-alarm" : "f-thick", thick, row->y, !thin);
    put_interval(f, alarm ? "f-thin-alarm" : "f-thin", thin, row->y, true);
    const tb_axis *axis = &f->axis;
    if (d >= axis->low && d <= axis->high)
        tb_svg_circle(&f->svg, alarm ? "f-dot-alarm" : "f-dot", tb_axis_at(axis, d), row->y, 4);
    else if (!thin && !thick && isfinite(d))
        tb_svg_arrow_x(&f->svg, "f-tip", d < 0 ? axis->from - 2 : axis->to + 2, row->y, d < 0 ? -1 : 1);
    put_numbers(f, row, d);
    tb_rows_describe(&f->svg, r);
    tb_text_puts(&f->svg.desc, ": ");
    tb_svg_put_signed(&f->svg.desc, d, 3);
    if (thin) {
        tb_text_puts(&f->svg.desc, " (");
        tb_svg_put_signed(&f->svg.desc, thin->low, 3);
        tb_text_puts(&f->svg.desc, ", ");
        tb_svg_put_signed(&f->svg.desc, thin->high, 3);
        tb_text_puts(&f->svg.desc, ")");
    }
    tb_text_puts(&f->svg.desc, ", p ");
    tb_svg_put_p(&f->svg.desc, r->tests.primary_p_holm);
    tb_text_puts(&f->svg.desc, r->tests.equivalent ? tb_svg_say(&f->svg, ", equivalent. ", ", setara. ") : ". ");
}

static void put_ground(forest *f)
{
    tb_svg *svg = &f->svg;
    const tb_axis *axis = &f->axis;
    double left = tb_axis_at(axis, -f->margin), right = tb_axis_at(axis, f->margin), zero = tb_axis_at(axis, 0);
    double top, bottom;
    for (size_t at = 0; f->margin > 0 && (at = tb_rows_next_run(&f->rows, at, &top, &bottom)) != 0;)
        tb_svg_rect(svg, "f-band", left, top, right - left, bottom - top, 0);
    tb_rows_put_axis(svg, &f->rows, axis, NULL);
    for (size_t at = 0; (at = tb_rows_next_run(&f->rows, at, &top, &bottom)) != 0;)
        tb_svg_line(svg, "f-zero", zero, top, zero, bottom);
    tb_text_puts(tb_svg_scratch(svg), f->f1 ? tb_svg_say(svg, "macro-F1 minus FP32's", "selisih macro-F1 dari FP32")
                                            : tb_svg_say(svg, "accuracy minus FP32's", "selisih akurasi dari FP32"));
    tb_text_puts(&svg->scratch, ", n = ");
    tb_svg_put_count(&svg->scratch, svg->report->sets[svg->set].rows);
    tb_svg_axis_title(svg, axis, f->rows.bottom);
    double y = f->rows.top - 9;
    if (f->margin > 0)
        tb_svg_textf(svg, TB_FONT_TICK, (left + right) / 2, y, TB_MIDDLE, "\xc2\xb1%g", f->margin);
    tb_svg_text(svg, TB_FONT_TICK, f->flips, y - 13, TB_END, 0, tb_svg_say(svg, "texts", "teks"));
    tb_svg_text(svg, TB_FONT_TICK, f->flips, y, TB_END, 0, tb_svg_say(svg, "lost / won", "kalah / menang"));
    tb_svg_text(svg, TB_FONT_TICK, f->delta, y, TB_END, 0, "\xce\x94");
    tb_svg_text(svg, TB_FONT_TICK, f->p, y, TB_END, 0, "p (Holm)");
}

bool tb_figure_wants_forest(const tb_report *report, size_t set)
{
    for (size_t i = 0; i < report->n_results; i++)
        if (report->results[i].set == set && report->results[i].compared)
            return true;
    return false;
}

void tb_figure_forest(tb_text *out, const tb_report *report, size_t set)
{
    enum { TOP = 34, ROW = 22, FLIPS = 70, DELTA = 52, P = 62 };
    forest f = {.f1 = report->plan.primary && strcmp(report->plan.primary, "macro_f1") == 0};
    f.margin =
        isfinite(report->plan.margin) && report->plan.margin > 0 && report->plan.margin < 1 ? report->plan.margin : 0;
    tb_svg_begin(&f.svg, "forest", report, set, TB_SVG_WIDTH);
    tb_rows_make(&f.rows, &f.svg, tb_rows_compared, TOP, ROW);
    double names = tb_rows_names_width(&f.svg, &f.rows, 112);
    f.p = f.svg.width;
    f.delta = f.p - P;
    f.flips = names + 6 + FLIPS;
    f.axis = axis_of(&f, f.flips + 20, f.delta - DELTA);
    put_ground(&f);
    tb_rows_put_names(&f.svg, &f.rows, 0, names);
    for (size_t i = 0; i < f.rows.n; i++)
        if (f.rows.at[i].result)
            put_row(&f, &f.rows.at[i]);
    double bottom = tb_rows_put_left_out(&f.svg, &f.rows, 0, f.rows.bottom + 38);
    tb_svg_end(&f.svg, out, bottom, tb_svg_say(&f.svg, "Differences from FP32", "Selisih dari FP32"));
}
