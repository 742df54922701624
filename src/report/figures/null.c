/* SPDX-License-Identifier: Apache-2.0
 * Figure: luck, tested: the accuracies of models of random rounding, with the real one and FP32 among them.
 * Includes: report/figures/svg.h. Called by: report/figures. */
#include "report/figures/list.h"

#include <math.h>

enum { MOST_STRIPS = 40, STRIP = 74, FOOT = 24, STACK = 36, BIN = 6, MOST_BINS = 128, MOST_DOTS = 60 };

bool tb_figure_wants_null(const tb_report *report, size_t set)
{
    for (size_t i = 0; i < report->n_nulls; i++)
        if (report->results[report->nulls[i].result].set == set && report->nulls[i].models)
            return true;
    return false;
}

typedef struct luck {
    tb_svg svg;
    double names, y;
    tb_axis axis;
} luck;

static const tb_report_result *real_of(const luck *l, const tb_report_null *null)
{
    return &l->svg.report->results[null->result];
}

static bool belongs(const luck *l, const tb_report_null *null, size_t model)
{
    return real_of(l, null)->set == l->svg.set && real_of(l, null)->model == model && null->models;
}

/* Each strip has its own axis: schemes differ by far more than roundings of one scheme. */
static tb_axis axis_of(const luck *l, const tb_report_null *null)
{
    const tb_report_null_figure *a = &null->accuracy;
    double low = fmin(a->real, a->fp32), high = fmax(a->real, a->fp32);
    for (size_t k = 0; k < null->models; k++) {
        low = fmin(low, a->values[k]); /* no numbers are passed over */
        high = fmax(high, a->values[k]);
    }
    const double room = (high - low) * 0.02; /* dots at the ends stay inside */
    return tb_axis_make(low - room, high + room, l->names + 20, l->svg.width - 124, 6, true);
}

typedef struct bin {
    size_t n;
    double value;
    bool alike; /* all of one value */
} bin;

/* Stacks of dots; bars where the stacks grow too high to tell dots apart. */
static void put_values(luck *l, const tb_report_null *null, double base)
{
    bin bins[MOST_BINS] = {0};
    size_t most = 1;
    for (size_t k = 0; k < null->models; k++) {
        double value = null->accuracy.values[k];
        if (!isfinite(value))
            continue;
        size_t at = (size_t)((tb_axis_at(&l->axis, value) - l->axis.from) / BIN);
        bin *b = &bins[at < MOST_BINS ? at : MOST_BINS - 1];
        b->alike = b->n ? b->alike && b->value == value : true;
        b->value = value;
        b->n++;
        most = b->n > most ? b->n : most;
    }
    const double step = fmin(5.6, (double)STACK / (double)most);
    for (size_t i = 0; i < MOST_BINS; i++) {
        if (!bins[i].n)
            continue;
        double x = bins[i].alike ? tb_axis_at(&l->axis, bins[i].value) : l->axis.from + ((double)i + 0.5) * BIN;
        if (most > MOST_DOTS) {
            double height = step * (double)bins[i].n;
            tb_svg_rect(&l->svg, "f-bar", x - BIN / 2.0 + 0.5, base - height, BIN - 1, height, 0);
            continue;
        }
        for (size_t k = 0; k < bins[i].n; k++)
            tb_svg_circle(&l->svg, "f-k0", x, base - 3.2 - step * (double)k, 2.7);
    }
}

static void put_rank(luck *l, const tb_report_null *null, double y)
{
    const tb_report_null_figure *a = &null->accuracy;
    tb_svg *svg = &l->svg;
    tb_text *text = tb_svg_scratch(svg);
    tb_text_printf(text, "%s %llu", tb_svg_say(svg, "rank", "urutan"), (unsigned long long)a->below + 1);
    if (a->equal)
        tb_text_printf(text, "\xe2\x80\x93%llu", (unsigned long long)(a->below + a->equal + 1));
    tb_text_printf(text, " %s %zu", tb_svg_say(svg, "of", "dari"), null->models + 1);
    tb_svg_put_scratch(svg, TB_FONT_VALUE, svg->width, y, TB_END);
    if (!isfinite(a->p))
        return;
    tb_text_puts(tb_svg_scratch(svg), a->p < 0.001 ? "p " : "p = ");
    tb_svg_put_p(&svg->scratch, a->p);
    tb_svg_put_scratch(svg, TB_FONT_VALUE, svg->width, y + 16, TB_END);
}

static void put_strip(luck *l, const tb_report_null *null)
{
    const tb_report_null_figure *a = &null->accuracy;
    const tb_report_result *r = real_of(l, null);
    tb_svg *svg = &l->svg;
    double base = l->y + STRIP - FOOT;
    l->axis = axis_of(l, null);
    tb_svg_text(svg, TB_FONT_NAME, 0, base - 4, TB_START, l->names, svg->report->variants[r->variant].name);
    if (isfinite(a->fp32)) {
        double x = tb_axis_at(&l->axis, a->fp32);
        tb_svg_line(svg, "f-ref", x, l->y + 2, x, base);
    }
    tb_svg_axis_x(svg, &l->axis, base, NULL);
    put_values(l, null, base);
    if (isfinite(a->real))
        tb_svg_diamond(svg, "f-dot-alarm", tb_axis_at(&l->axis, a->real), base - 6, 6);
    put_rank(l, null, base - 18);
    tb_rows_describe(svg, r);
    tb_text_printf(&svg->desc, ": %llu %s, %llu %s, %llu %s. ", (unsigned long long)a->below,
                   tb_svg_say(svg, "below", "di bawah"), (unsigned long long)a->equal, tb_svg_say(svg, "equal", "sama"),
                   (unsigned long long)a->above, tb_svg_say(svg, "above", "di atas"));
    l->y += STRIP;
}

static void put_legend(luck *l)
{
    tb_svg *svg = &l->svg;
    double x = l->names + 20;
    const char *random = tb_svg_say(svg, "random rounding", "pembulatan acak");
    const char *real = tb_svg_say(svg, "the real model", "model sebenarnya");
    tb_svg_circle(svg, "f-k0", x + 3, 10, 2.7);
    tb_svg_text(svg, TB_FONT_SOFT, x + 11, 14, TB_START, 0, random);
    x += 11 + tb_svg_measure(TB_FONT_SOFT, random) + 16;
    tb_svg_diamond(svg, "f-dot-alarm", x + 6, 10, 6);
    tb_svg_text(svg, TB_FONT_SOFT, x + 17, 14, TB_START, 0, real);
    x += 17 + tb_svg_measure(TB_FONT_SOFT, real) + 16;
    tb_svg_line(svg, "f-ref", x + 3, 3, x + 3, 17);
    tb_svg_text(svg, TB_FONT_SOFT, x + 10, 14, TB_START, 0, "FP32");
    l->y = 22;
}

void tb_figure_null(tb_text *out, const tb_report *report, size_t set)
{
    luck l = {.names = 40};
    tb_svg_begin(&l.svg, "null", report, set, TB_SVG_WIDTH);
    for (size_t i = 0; i < report->n_nulls; i++)
        if (real_of(&l, &report->nulls[i])->set == set)
            l.names = fmax(
                l.names, tb_svg_measure(TB_FONT_NAME, report->variants[real_of(&l, &report->nulls[i])->variant].name));
    l.names = fmin(l.names, 140);
    put_legend(&l);
    size_t drawn = 0;
    tb_rows missing = {0};
    for (size_t m = 0; m < report->n_models; m++) {
        const double top = l.y;
        for (size_t i = 0; i < report->n_nulls; i++) {
            if (!belongs(&l, &report->nulls[i], m))
                continue;
            if (drawn == MOST_STRIPS) {
                missing.left_out++;
                continue;
            }
            if (l.y == top && report->n_models > 1) {
                tb_svg_text(&l.svg, TB_FONT_STRONG, 0, l.y + 16, TB_START, l.svg.width, report->models[m].name);
                l.y += 16;
            }
            put_strip(&l, &report->nulls[i]);
            drawn++;
        }
        l.y += l.y > top ? 8 : 0;
    }
    l.y = tb_rows_put_left_out(&l.svg, &missing, 0, l.y);
    tb_svg_end(&l.svg, out, l.y,
               tb_svg_say(&l.svg, "Random roundings of equal error", "Pembulatan acak dengan galat setara"));
}
