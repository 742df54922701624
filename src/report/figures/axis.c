/* SPDX-License-Identifier: Apache-2.0
 * Axes: round ticks, linear and logarithmic.
 * Includes: report/figures/svg.h. Called by: report/figures. */
#include "report/figures/svg.h"

#include <math.h>

static tb_axis unit_axis(double from, double to)
{
    return (tb_axis){.low = 0, .high = 1, .from = from, .to = to, .first = 0, .step = 0.2, .decimals = 1};
}

enum { PLAIN = 100000 };

/* The number of a tick; from a hundred thousand on as a power of ten. */
static void put_tick_text(tb_text *out, const tb_axis *axis, double value)
{
    if (value < 0)
        tb_text_puts(out, "\xe2\x88\x92");
    value = fabs(value);
    if (value >= PLAIN)
        tb_text_printf(out, "%.3g", value);
    else if (axis->logarithmic)
        tb_text_printf(out, "%.*f", value < 0.0095 ? 3 : value < 0.095 ? 2 : value < 0.95 ? 1 : 0, value);
    else
        tb_text_printf(out, "%.*f", axis->decimals, value);
}

/* What two neighboring numbers on the axis need. */
static bool numbers_fit(const tb_axis *axis)
{
    enum { BETWEEN = 8, LINE = 16 };
    double space = axis->step / (axis->high - axis->low) * fabs(axis->to - axis->from);
    if (axis->to < axis->from) /* upright: lines of text */
        return space >= LINE;
    const double digit = tb_svg_measure(TB_FONT_TICK, "0"), longest = fmax(fabs(axis->low), fabs(axis->high));
    double width = digit * (1 + axis->decimals) + (axis->decimals ? digit / 2 : 0) + (axis->low < 0 ? 1.3 * digit : 0);
    for (double left = longest; left >= 10 && longest < PLAIN; left /= 10)
        width += digit;
    if (longest >= PLAIN)
        width = tb_svg_measure(TB_FONT_TICK, "1.5e+06");
    return space >= width + BETWEEN;
}

static tb_axis axis_with_step(double low, double high, double from, double to, double step, bool widen)
{
    tb_axis axis = {.low = low, .high = high, .from = from, .to = to, .step = step};
    if (widen) {
        axis.low = floor(low / step + 1e-9) * step;
        axis.high = ceil(high / step - 1e-9) * step;
    }
    axis.first = ceil(axis.low / step - 1e-9) * step;
    double decimals = -floor(log10(step) + 1e-9);
    axis.decimals = decimals > 0 ? (int)decimals : 0;
    return axis;
}

tb_axis tb_axis_make(double low, double high, double from, double to, int most, bool widen)
{
    enum { LARGEST = 1000000000, TRIES = 12 };
    if (!isfinite(low) || !isfinite(high) || high < low || fabs(low) > LARGEST || fabs(high) > LARGEST)
        return unit_axis(from, to);
    if (high - low < 1e-9) { /* one value: room on both sides */
        double room = fabs(high) > 1e-6 ? fabs(high) * 0.05 : 0.05;
        low -= room;
        high += room;
    }
    const int power = (int)floor(log10((high - low) / most));
    tb_axis axis = unit_axis(from, to);
    for (int tries = 0; tries < TRIES; tries++) {
        static const double digits[] = {1, 2, 5};
        axis = axis_with_step(low, high, from, to, digits[tries % 3] * pow(10, power + tries / 3), widen);
        if ((axis.high - axis.low) / axis.step < most + 0.5 && numbers_fit(&axis))
            break;
    }
    return axis;
}

double tb_axis_limit(double *reaches, size_t n, double least)
{
    for (size_t i = 1; i < n; i++) {
        const double reach = reaches[i];
        size_t at = i;
        for (; at > 0 && reaches[at - 1] > reach; at--)
            reaches[at] = reaches[at - 1];
        reaches[at] = reach;
    }
    const double usual = n ? 6 * fmax(reaches[(n - 1) / 2], least) : 0;
    double limit = least;
    for (size_t i = 0; i < n && reaches[i] <= usual; i++)
        limit = fmax(limit, reaches[i]);
    if (n && reaches[n - 1] <= 2.5 * limit)
        limit = fmax(limit, reaches[n - 1]);
    return limit > 0 ? limit : 0.01;
}

tb_axis tb_axis_logarithmic(double low, double high, double from, double to)
{
    if (!isfinite(low) || !isfinite(high) || !(low > 0) || high < low)
        return unit_axis(from, to);
    low /= 1.15;
    high *= 1.15;
    return (tb_axis){
        .low = low, .high = high, .from = from, .to = to, .first = pow(10, floor(log10(low))), .logarithmic = true};
}

double tb_axis_at(const tb_axis *axis, double value)
{
    double share = axis->logarithmic ? log(value / axis->low) / log(axis->high / axis->low)
                                     : (value - axis->low) / (axis->high - axis->low);
    share = share > 0 ? share < 1 ? share : 1 : 0; /* no number: 0 */
    return axis->from + share * (axis->to - axis->from);
}

enum { TICKS_MOST = 40 };

/* Calls put for every tick; a logarithmic axis has 1, 2 and 5 of every power of ten. */
static void each_tick(tb_svg *svg, const tb_axis *axis, const double *edges,
                      void (*put)(tb_svg *svg, const tb_axis *axis, const double *edges, double value))
{
    if (!axis->logarithmic) {
        for (int i = 0; i < TICKS_MOST; i++) {
            double value = axis->first + i * axis->step;
            if (value > axis->high + axis->step * 1e-6)
                break;
            put(svg, axis, edges, fabs(value) < axis->step * 1e-6 ? 0 : value);
        }
        return;
    }
    static const double digits[] = {1, 2, 5};
    bool every = axis->high / axis->low < 200;
    for (int i = 0; i < TICKS_MOST; i++) {
        if (!every && i % 3)
            continue;
        double value = digits[i % 3] * axis->first * pow(10, i / 3);
        if (value >= axis->low && value <= axis->high)
            put(svg, axis, edges, value);
    }
}

static void put_x_line(tb_svg *svg, const tb_axis *axis, const double *edges, double value)
{
    double x = tb_axis_at(axis, value);
    tb_svg_line(svg, "f-grid", x, edges[0], x, edges[1]);
}

static void put_x_number(tb_svg *svg, const tb_axis *axis, const double *edges, double value)
{
    put_tick_text(tb_svg_scratch(svg), axis, value);
    tb_svg_put_scratch(svg, TB_FONT_TICK, tb_axis_at(axis, value), edges[1] + 14, TB_MIDDLE);
}

void tb_svg_grid_x(tb_svg *svg, const tb_axis *axis, double top, double bottom)
{
    const double edges[] = {top, bottom};
    each_tick(svg, axis, edges, put_x_line);
}

void tb_svg_axis_x(tb_svg *svg, const tb_axis *axis, double bottom, const char *title)
{
    const double edges[] = {bottom, bottom};
    each_tick(svg, axis, edges, put_x_number);
    tb_svg_line(svg, "f-axis", axis->from, bottom, axis->to, bottom);
    if (!title)
        return;
    tb_text_puts(tb_svg_scratch(svg), title);
    tb_svg_axis_title(svg, axis, bottom);
}

void tb_svg_axis_title(tb_svg *svg, const tb_axis *axis, double bottom)
{
    tb_svg_put_scratch(svg, TB_FONT_SOFT, (axis->from + axis->to) / 2, bottom + 31, TB_MIDDLE);
}

static void put_y(tb_svg *svg, const tb_axis *axis, const double *edges, double value)
{
    double y = tb_axis_at(axis, value);
    tb_svg_line(svg, "f-grid", edges[0], y, edges[1], y);
    put_tick_text(tb_svg_scratch(svg), axis, value);
    tb_svg_put_scratch(svg, TB_FONT_TICK, edges[0] - 5, y + 4, TB_END);
}

void tb_svg_axis_y(tb_svg *svg, const tb_axis *axis, double left, double right)
{
    const double edges[] = {left, right};
    each_tick(svg, axis, edges, put_y);
    tb_svg_line(svg, "f-axis", left, axis->from, left, axis->to);
}
