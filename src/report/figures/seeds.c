/* SPDX-License-Identifier: Apache-2.0
 * Figure: models that are seeds of one recipe: each seed, mean and standard deviation; and the differences from the
 * same seed's FP32. Includes: report/figures/svg.h. Called by: report/figures. */
#include "report/figures/list.h"

#include <math.h>
#include <string.h>

enum { ROW = 28, MOST_ROWS = 100 };

bool tb_figure_wants_seeds(const tb_report *report, size_t set)
{
    for (size_t g = 0; g < report->n_groups; g++)
        for (size_t i = 0; i < report->groups[g].n_results; i++)
            if (report->groups[g].results[i].set == set)
                return true;
    return false;
}

typedef struct seeds {
    tb_svg svg;
    bool f1;
    double names, y;
    size_t drawn;
    tb_rows missing;
} seeds;

static const tb_report_spread *spread_of(const seeds *s, const tb_report_group_result *r, bool difference)
{
    if (!difference)
        return s->f1 ? &r->macro_f1 : &r->accuracy;
    return !r->compared ? NULL : s->f1 ? &r->delta_macro_f1 : &r->delta_accuracy;
}

static tb_interval range_of(const tb_report_spread *spread, bool difference)
{
    return difference ? spread->interval : (tb_interval){spread->mean - spread->sd, spread->mean + spread->sd};
}

static void widen(double *low, double *high, double value)
{
    *low = isfinite(value) ? fmin(*low, value) : *low;
    *high = isfinite(value) ? fmax(*high, value) : *high;
}

static tb_axis axis_of(const seeds *s, const tb_report_group *group, bool difference, double from, double to)
{
    double low = difference ? 0 : INFINITY, high = difference ? 0 : -INFINITY, reaches[MOST_ROWS];
    size_t n = 0;
    for (size_t i = 0; i < group->n_results; i++) {
        const tb_report_spread *spread = spread_of(s, &group->results[i], difference);
        if (group->results[i].set != s->svg.set || !spread)
            continue;
        double least = 0, most = 0;
        const tb_interval range = range_of(spread, difference);
        for (size_t k = 0; k < group->n_models; k++) {
            widen(&low, &high, spread->values[k]);
            widen(&least, &most, spread->values[k]);
        }
        widen(&low, &high, range.low);
        widen(&low, &high, range.high);
        widen(&least, &most, range.low);
        widen(&least, &most, range.high);
        if (n < MOST_ROWS)
            reaches[n++] = fmax(-least, most);
    }
    if (difference) {
        const double limit = tb_axis_limit(reaches, n, 0.005);
        low = fmax(low, -limit);
        high = fmin(high, limit);
    }
    return tb_axis_make(low, high, from, to, 4, true);
}

/* Seeds above, mean and spread below; what lies beyond the axis is told by an arrow. */
static void put_spread(seeds *s, const tb_report_group *group, const tb_report_spread *spread, const tb_axis *axis,
                       bool difference, double right)
{
    tb_svg *svg = &s->svg;
    double y = s->y + ROW / 2.0 + 5;
    const tb_interval range = range_of(spread, difference);
    if (isfinite(range.low) && isfinite(range.high) && range.high >= axis->low && range.low <= axis->high)
        tb_svg_line(svg, "f-thin", tb_axis_at(axis, range.low), y, tb_axis_at(axis, range.high), y);
    for (size_t k = 0; k < group->n_models; k++)
        if (spread->values[k] >= axis->low && spread->values[k] <= axis->high)
            tb_svg_circle(svg, "f-hollow", tb_axis_at(axis, spread->values[k]), y - 9, 2.8);
    if (spread->mean >= axis->low && spread->mean <= axis->high)
        tb_svg_diamond(svg, "f-dot", tb_axis_at(axis, spread->mean), y, 4.5);
    else if (isfinite(spread->mean))
        tb_svg_arrow_x(svg, "f-tip", spread->mean < axis->low ? axis->from - 2 : axis->to + 2, y,
                       spread->mean < axis->low ? -1 : 1);
    tb_text *text = tb_svg_scratch(svg);
    if (difference) {
        tb_svg_put_signed(text, spread->mean, 3);
    } else {
        tb_svg_put_real(text, spread->mean, 3);
        tb_text_puts(text, " \xc2\xb1 ");
        tb_svg_put_real(text, spread->sd, 3);
    }
    if (svg->scratch.data) {
        tb_text_puts(&svg->desc, difference ? ", \xce\x94 " : ": ");
        tb_text_puts(&svg->desc, svg->scratch.data);
    }
    tb_svg_put_scratch(svg, TB_FONT_VALUE, right, s->y + ROW / 2.0 + 4, TB_END);
}

/* The recipe's name, or the models', and the seeds. */
static void put_head(seeds *s, const tb_report_group *group)
{
    tb_text *text = tb_svg_scratch(&s->svg);
    tb_text_printf(text, "%zu %s: ", group->n_models, tb_svg_say(&s->svg, "seeds", "seed"));
    for (size_t k = 0; k < group->n_models; k++)
        tb_text_printf(text, "%s%llu", k ? ", " : "", (unsigned long long)group->seeds[k]);
    tb_text_puts(text, " (");
    for (size_t k = 0; k < group->n_models; k++) {
        tb_text_puts(text, k ? ", " : "");
        tb_text_puts(text, s->svg.report->models[group->models[k]].name);
    }
    tb_text_puts(text, ")");
    if (text->data) {
        tb_text head = *text; /* drawing a text does not touch the scratch */
        tb_svg_text(&s->svg, TB_FONT_STRONG, 0, s->y + 13, TB_START, s->svg.width, head.data);
        tb_text_puts(&s->svg.desc, head.data);
        tb_text_puts(&s->svg.desc, ". ");
    }
    s->y += 26;
}

static void put_group(seeds *s, const tb_report_group *group)
{
    enum { VALUES = 100, DELTAS = 52, GAP = 26 };
    put_head(s, group);
    double left = s->names + 14, strips = (s->svg.width - left - VALUES - DELTAS - GAP) / 2;
    tb_axis figure = axis_of(s, group, false, left, left + strips);
    tb_axis delta = axis_of(s, group, true, s->svg.width - DELTAS - strips, s->svg.width - DELTAS);
    size_t rows = 0;
    for (size_t i = 0; i < group->n_results; i++)
        rows += group->results[i].set == s->svg.set;
    size_t room = MOST_ROWS - s->drawn;
    s->missing.left_out += rows > room ? rows - room : 0;
    rows = rows > room ? room : rows;
    const double top = s->y, bottom = s->y + ROW * (double)rows;
    tb_svg_grid_x(&s->svg, &figure, top, bottom);
    tb_svg_axis_x(&s->svg, &figure, bottom, s->f1 ? "macro-F1" : tb_svg_say(&s->svg, "accuracy", "akurasi"));
    tb_svg_grid_x(&s->svg, &delta, top, bottom);
    tb_svg_axis_x(&s->svg, &delta, bottom, tb_svg_say(&s->svg, "minus FP32's", "selisih dari FP32"));
    tb_svg_line(&s->svg, "f-zero", tb_axis_at(&delta, 0), top, tb_axis_at(&delta, 0), bottom);
    for (size_t i = 0; i < group->n_results && rows; i++) {
        const tb_report_group_result *r = &group->results[i];
        if (r->set != s->svg.set)
            continue;
        tb_svg_text(&s->svg, TB_FONT_NAME, 0, s->y + ROW / 2.0 + 4.5, TB_START, s->names, r->variant);
        tb_text_puts(&s->svg.desc, r->variant);
        put_spread(s, group, spread_of(s, r, false), &figure, false, figure.to + VALUES);
        if (r->compared)
            put_spread(s, group, spread_of(s, r, true), &delta, true, s->svg.width);
        tb_text_puts(&s->svg.desc, ". ");
        s->y += ROW;
        s->drawn++;
        rows--;
    }
    s->y += 46;
}

void tb_figure_seeds(tb_text *out, const tb_report *report, size_t set)
{
    seeds s = {.f1 = report->plan.primary && strcmp(report->plan.primary, "macro_f1") == 0, .names = 40};
    tb_svg_begin(&s.svg, "seeds", report, set, TB_SVG_WIDTH);
    for (size_t g = 0; g < report->n_groups; g++)
        for (size_t i = 0; i < report->groups[g].n_results; i++)
            s.names = fmax(s.names, tb_svg_measure(TB_FONT_NAME, report->groups[g].results[i].variant));
    s.names = fmin(s.names, 110);
    for (size_t g = 0; g < report->n_groups; g++) {
        bool any = false;
        for (size_t i = 0; i < report->groups[g].n_results; i++)
            any |= report->groups[g].results[i].set == set;
        if (any && s.drawn < MOST_ROWS)
            put_group(&s, &report->groups[g]);
    }
    s.y = tb_rows_put_left_out(&s.svg, &s.missing, 0, s.y);
    tb_svg_end(&s.svg, out, s.y, tb_svg_say(&s.svg, "Seeds of one recipe", "Seed dari satu resep"));
}
