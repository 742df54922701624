/* SPDX-License-Identifier: Apache-2.0
 * Figure: accuracy with its 95 % interval, a dot a variant, beside FP32's and the majority baseline.
 * Includes: report/html.h. Called by: report/html. */
#include "report/html.h"

typedef struct axis {
    double low, high, step;
} axis;

/* From the lowest to the highest thing drawn, widened to whole steps. */
static axis make_axis(const tb_report *report, size_t set)
{
    static const double steps[] = {0.01, 0.02, 0.05, 0.1, 0.2};
    enum { N_STEPS = sizeof steps / sizeof steps[0], MOST_TICKS = 7 };
    double low = 1, high = 0;
    for (size_t i = 0; i < report->n_results; i++) {
        const tb_report_result *r = &report->results[i];
        if (r->set != set)
            continue;
        low = r->low < low ? r->low : low;
        low = r->majority_accuracy < low ? r->majority_accuracy : low;
        high = r->high > high ? r->high : high;
        high = r->majority_accuracy > high ? r->majority_accuracy : high;
    }
    low = low > 0 ? low : 0;
    high = high < 1 ? high : 1;
    if (!(high > low))
        return (axis){0, 1, 0.2};
    axis a = {0, 1, 0.2};
    for (size_t s = 0; s < N_STEPS; s++) {
        double first = (double)(int)(low / steps[s]), last = (double)(int)(high / steps[s] + 0.9999);
        if (last - first <= MOST_TICKS)
            return (axis){first * steps[s], last * steps[s], steps[s]};
    }
    return a;
}

static size_t ticks_of(const axis *a)
{
    return (size_t)((a->high - a->low) / a->step + 0.5) + 1;
}

static void put_line(tb_text *out, const axis *a, const char *kind, double value)
{
    double x = tb_html_percent(value, a->low, a->high);
    tb_text_printf(out, "<line class=\"%s\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"0\" y2=\"100%%\"/>", kind, x, x);
}

static void put_strip(tb_text *out, const axis *a, const tb_report_result *r, const tb_report_result *fp32)
{
    tb_text_printf(
        out,
        "<div class=\"strip\"><svg height=\"26\" role=\"img\" aria-label=\"accuracy %.3f, 95 %% interval %.3f to "
        "%.3f\">",
        r->accuracy, r->low, r->high);
    for (size_t t = 0; t < ticks_of(a); t++)
        put_line(out, a, "grid", a->low + (double)t * a->step);
    put_line(out, a, "base", r->majority_accuracy);
    if (fp32 && fp32 != r)
        put_line(out, a, "ref", fp32->accuracy);
    tb_text_printf(
        out,
        "<line class=\"bar\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"13\" y2=\"13\"/><circle class=\"dot\" cx=\"%.2f%%\" "
        "cy=\"13\" r=\"4.5\"/></svg></div>\n",
        tb_html_percent(r->low, a->low, a->high), tb_html_percent(r->high, a->low, a->high),
        tb_html_percent(r->accuracy, a->low, a->high));
}

static void put_ticks(tb_text *out, const axis *a)
{
    tb_text_puts(out, "<div class=\"strip\"><svg height=\"20\" aria-hidden=\"true\">");
    for (size_t t = 0; t < ticks_of(a); t++) {
        double value = a->low + (double)t * a->step;
        tb_text_printf(out, "<text x=\"%.2f%%\" y=\"15\" text-anchor=\"middle\">%.2f</text>",
                       tb_html_percent(value, a->low, a->high), value);
    }
    tb_text_puts(out, "</svg></div>\n");
}

void tb_html_fig_accuracy(tb_text *out, const tb_report *report, size_t set)
{
    axis a = make_axis(report, set);
    tb_text_puts(out,
                 "<figure><figcaption>Accuracy with its 95&#8239;% interval (Wilson). Solid line: FP32 of the same "
                 "model. Dashed line: always saying the most frequent label.</figcaption>\n<div class=\"rows\">\n");
    for (size_t i = 0; i < report->n_results; i++) {
        const tb_report_result *r = &report->results[i];
        if (r->set != set)
            continue;
        tb_html_figure_name(out, report, i);
        tb_text_printf(out, "<div class=\"value\">%.3f</div>", r->accuracy);
        put_strip(out, &a, r, tb_report_fp32(report, r));
    }
    put_ticks(out, &a);
    tb_text_puts(out, "</div></figure>\n");
}
