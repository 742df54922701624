/* SPDX-License-Identifier: Apache-2.0
 * Figure: size against latency, each point with its accuracy; one panel a model, all on the same axes.
 * Includes: report/figures/svg.h. Called by: report/figures. */
#include "report/figures/list.h"

#include <math.h>

enum { MOST_PANELS = 12, MOST_POINTS = 24, HEAD = 22, LEFT = 52, FOOT = 26, BESIDE = 20 };

typedef struct tradeoff {
    tb_svg svg;
    double size_low, size_high, ms_high, accuracy_low, accuracy_high;
    bool logarithmic;
} tradeoff;

/* A box that a text or a point takes. */
typedef struct area {
    double x, y, width, height;
} area;

typedef struct panel {
    const tb_report_result *points[MOST_POINTS];
    size_t n;
    tb_axis size, ms;
    double left, top, right, bottom;
    area taken[3 * MOST_POINTS];
    size_t n_taken;
} panel;

static double size_of(const tradeoff *t, const tb_report_result *r)
{
    return (double)t->svg.report->variants[r->variant].size_bytes / 1e6;
}

static bool drawable(const tradeoff *t, const tb_report_result *r)
{
    return r->set == t->svg.set && isfinite(r->total.mean) && r->total.mean > 0 && size_of(t, r) > 0;
}

bool tb_figure_wants_tradeoff(const tb_report *report, size_t set)
{
    const tradeoff t = {.svg = {.report = report, .set = set}};
    for (size_t i = 0; i < report->n_results; i++)
        if (drawable(&t, &report->results[i]))
            return true;
    return false;
}

static void find_ranges(tradeoff *t)
{
    t->size_low = t->accuracy_low = INFINITY;
    t->size_high = t->ms_high = t->accuracy_high = -INFINITY;
    for (size_t i = 0; i < t->svg.report->n_results; i++) {
        const tb_report_result *r = &t->svg.report->results[i];
        if (!drawable(t, r))
            continue;
        t->size_low = fmin(t->size_low, size_of(t, r));
        t->size_high = fmax(t->size_high, size_of(t, r));
        t->ms_high = fmax(t->ms_high, r->total.mean);
        t->ms_high = isfinite(r->latency_interval.high) ? fmax(t->ms_high, r->latency_interval.high) : t->ms_high;
        t->accuracy_low = fmin(t->accuracy_low, r->accuracy);
        t->accuracy_high = fmax(t->accuracy_high, r->accuracy);
    }
    t->logarithmic = t->size_high > 20 * t->size_low;
}

static const char *shade_of(const tradeoff *t, double accuracy)
{
    double span = t->accuracy_high - t->accuracy_low;
    double share = span > 1e-9 ? (accuracy - t->accuracy_low) / span : 1;
    double shade = share * TB_SVG_SHADES;
    return tb_svg_shade(shade > 0 ? (size_t)shade : 0);
}

static bool overlap(const area *a, const area *b)
{
    return a->x < b->x + b->width && b->x < a->x + a->width && a->y < b->y + b->height && b->y < a->y + a->height;
}

static double cost_of(const panel *p, const area *a)
{
    double cost = 0;
    for (size_t i = 0; i < p->n_taken; i++)
        cost += overlap(a, &p->taken[i]) ? 10 : 0;
    if (a->x < p->left + 1 || a->x + a->width > p->right + BESIDE - 2)
        cost += 25;
    if (a->y < p->top - 4 || a->y + a->height > p->bottom - 1)
        cost += 25;
    return cost;
}

/* Beside the point, where it covers least: right, left, above, below, then the corners, then farther off. */
static void put_point_label(tradeoff *t, panel *p, const tb_report_result *r, double x, double y)
{
    tb_svg *svg = &t->svg;
    const char *name = svg->report->variants[r->variant].name;
    double name_width = fmin(tb_svg_measure(TB_FONT_VALUE, name), 110);
    double width = name_width + 6 + tb_svg_measure(TB_FONT_TICK, "0.000");
    static const struct {
        double across, down; /* of the label's middle, in half widths and heights */
    } places[] = {{1, 0},   {-1, 0}, {0, -1.1}, {0, 1.1}, {1, -1},  {1, 1},
                  {-1, -1}, {-1, 1}, {1, -2},   {1, 2},   {-1, -2}, {-1, 2}};
    enum { N_PLACES = sizeof places / sizeof places[0], HEIGHT = 14, OFF = 9, BESIDE_IT = 4 };
    area best = {0};
    double least = INFINITY;
    size_t chosen = 0;
    for (size_t i = 0; i < N_PLACES; i++) {
        double middle = x + places[i].across * (width / 2 + OFF);
        area a = {middle - width / 2, y + places[i].down * HEIGHT - HEIGHT / 2.0, width, HEIGHT};
        double cost = cost_of(p, &a) + (double)i * 0.1;
        if (cost < least) {
            least = cost;
            best = a;
            chosen = i;
        }
    }
    best.x = fmax(0, fmin(best.x, svg->width - best.width));
    if (chosen >= BESIDE_IT) { /* a line says whose it is */
        double end = x < best.x ? best.x - 2 : x > best.x + best.width ? best.x + best.width + 2 : x;
        tb_svg_line(svg, "f-axis", x, y, end,
                    best.y + (y < best.y            ? 2
                              : y > best.y + HEIGHT ? HEIGHT - 2
                                                    : HEIGHT / 2.0));
    }
    tb_svg_text(svg, TB_FONT_VALUE, best.x, best.y + 11, TB_START, name_width + 1, name);
    tb_svg_put_real(tb_svg_scratch(svg), r->accuracy, 3);
    tb_svg_put_scratch(svg, TB_FONT_TICK, best.x + best.width, best.y + 11, TB_END);
    if (p->n_taken < sizeof p->taken / sizeof p->taken[0])
        p->taken[p->n_taken++] = best;
}

static void put_points(tradeoff *t, panel *p)
{
    for (size_t i = 0; i < p->n; i++) {
        const tb_report_result *r = p->points[i];
        double x = tb_axis_at(&p->size, size_of(t, r)), y = tb_axis_at(&p->ms, r->total.mean);
        p->taken[p->n_taken++] = (area){x - 6, y - 6, 12, 12};
    }
    for (size_t i = 0; i < p->n; i++) {
        const tb_report_result *r = p->points[i];
        double x = tb_axis_at(&p->size, size_of(t, r)), y = tb_axis_at(&p->ms, r->total.mean);
        if (isfinite(r->latency_interval.low) && isfinite(r->latency_interval.high))
            tb_svg_line(&t->svg, "f-ref", x, tb_axis_at(&p->ms, r->latency_interval.low), x,
                        tb_axis_at(&p->ms, r->latency_interval.high));
        tb_svg_circle(&t->svg, "f-ring", x, y, 6);
        tb_svg_circle(&t->svg, shade_of(t, r->accuracy), x, y, 5.6);
    }
    for (size_t i = 0; i < p->n; i++) {
        const tb_report_result *r = p->points[i];
        put_point_label(t, p, r, tb_axis_at(&p->size, size_of(t, r)), tb_axis_at(&p->ms, r->total.mean));
        tb_rows_describe(&t->svg, r);
        tb_text_puts(&t->svg.desc, ": ");
        tb_svg_put_megabytes(&t->svg.desc, t->svg.report->variants[r->variant].size_bytes);
        tb_text_puts(&t->svg.desc, " MB, ");
        tb_svg_put_ms(&t->svg.desc, r->total.mean);
        tb_text_puts(&t->svg.desc, " ms, ");
        tb_svg_put_real(&t->svg.desc, r->accuracy, 3);
        tb_text_puts(&t->svg.desc, ". ");
    }
}

static void put_panel(tradeoff *t, panel *p, const char *title)
{
    tb_svg *svg = &t->svg;
    p->size = t->logarithmic ? tb_axis_logarithmic(t->size_low, t->size_high, p->left, p->right)
                             : tb_axis_make(0, t->size_high, p->left, p->right, 5, true);
    p->ms = tb_axis_make(0, t->ms_high * 1.04, p->bottom, p->top, 5, true);
    tb_svg_axis_y(svg, &p->ms, p->left, p->right);
    tb_svg_grid_x(svg, &p->size, p->top, p->bottom);
    tb_svg_axis_x(svg, &p->size, p->bottom, NULL);
    if (title)
        tb_svg_text(svg, TB_FONT_STRONG, p->left, p->top - 10, TB_START, p->right - p->left, title);
    put_points(t, p);
}

void tb_figure_tradeoff(tb_text *out, const tb_report *report, size_t set)
{
    tradeoff t = {0};
    tb_svg_begin(&t.svg, "tradeoff", report, set, TB_SVG_WIDTH);
    find_ranges(&t);
    bool several = report->n_models > 1;
    const double height = several ? 170 : 270, columns = several ? 2 : 1;
    const double width = (t.svg.width - LEFT - BESIDE - (columns - 1) * (LEFT + BESIDE)) / columns;
    double bottom = HEAD;
    size_t drawn = 0;
    for (size_t m = 0; m < report->n_models && drawn < MOST_PANELS; m++) {
        panel p = {0};
        for (size_t i = 0; i < report->n_results && p.n < MOST_POINTS; i++)
            if (report->results[i].model == m && drawable(&t, &report->results[i]))
                p.points[p.n++] = &report->results[i];
        if (!p.n)
            continue;
        double column = several ? (double)(drawn % 2) : 0, row = several ? (double)(drawn / 2) : 0;
        p.left = LEFT + column * (width + LEFT + BESIDE);
        p.right = p.left + width;
        p.top = HEAD + 4 + row * (height + HEAD + FOOT) + (several ? 18 : 0);
        p.bottom = p.top + height;
        put_panel(&t, &p, several ? report->models[m].name : NULL);
        bottom = p.bottom;
        drawn++;
    }
    tb_svg_text(&t.svg, TB_FONT_SOFT, 0, 11, TB_START, t.svg.width,
                t.logarithmic
                    ? tb_svg_say(&t.svg, "mean latency of a text in ms (up) against size in MB (right, logarithmic)",
                                 "rerata latensi per teks, ms (ke atas), terhadap ukuran, MB (ke kanan, logaritmik)")
                    : tb_svg_say(&t.svg, "mean latency of a text in ms (up) against size in MB (right)",
                                 "rerata latensi per teks, ms (ke atas), terhadap ukuran, MB (ke kanan)"));
    tb_svg_end(&t.svg, out, bottom + 22,
               tb_svg_say(&t.svg, "Size, latency and accuracy", "Ukuran, latensi dan akurasi"));
}
