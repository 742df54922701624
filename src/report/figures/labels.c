/* SPDX-License-Identifier: Apache-2.0
 * Figure: how often each label is said, stacked shares under those of the truth.
 * Includes: report/figures/svg.h. Called by: report/figures. */
#include "report/figures/list.h"

#include <math.h>
#include <string.h>

enum { ROW = 22, MOST_ROWS = 120, LAST = TB_SVG_COLORS - 1 };

typedef struct labels {
    tb_svg svg;
    double names, left, right, y;
    size_t shown[TB_SVG_COLORS], n_shown; /* classes with a color of their own; the rest share the last one */
} labels;

static uint64_t count_of(const tb_report_result *r, size_t c, bool truth)
{
    return truth ? r->classes[c].truth : r->classes[c].predicted;
}

static bool same_labels(const tb_report_result *a, const tb_report_result *b)
{
    if (a->n_classes != b->n_classes)
        return false;
    for (size_t c = 0; c < a->n_classes; c++)
        if (strcmp(a->classes[c].label, b->classes[c].label) != 0)
            return false;
    return true;
}

static bool is_shown(const labels *l, size_t c)
{
    for (size_t i = 0; i < l->n_shown; i++)
        if (l->shown[i] == c)
            return true;
    return false;
}

/* The most frequent classes in their own order; where there are more than colors, one color is left for the rest. */
static void choose_classes(labels *l, const tb_report_result *r)
{
    l->n_shown = 0;
    size_t most = r->n_classes <= TB_SVG_COLORS ? r->n_classes : LAST;
    while (l->n_shown < most) {
        size_t best = SIZE_MAX;
        for (size_t c = 0; c < r->n_classes; c++)
            if (!is_shown(l, c) && (best == SIZE_MAX || r->classes[c].truth > r->classes[best].truth))
                best = c;
        size_t at = l->n_shown++;
        for (; at > 0 && l->shown[at - 1] > best; at--)
            l->shown[at] = l->shown[at - 1];
        l->shown[at] = best;
    }
}

/* A segment's share of the bar; slot n_shown is the rest. */
static uint64_t slot_count(const labels *l, const tb_report_result *r, size_t slot, bool truth)
{
    if (slot < l->n_shown)
        return count_of(r, l->shown[slot], truth);
    uint64_t rest = 0;
    for (size_t c = 0; c < r->n_classes; c++)
        rest += is_shown(l, c) ? 0 : count_of(r, c, truth);
    return rest;
}

static size_t slots_of(const labels *l, const tb_report_result *r)
{
    return l->n_shown + (l->n_shown < r->n_classes);
}

static void put_legend(labels *l, const tb_report_result *r)
{
    tb_svg *svg = &l->svg;
    double x = l->left;
    l->y += 4;
    for (size_t slot = 0; slot < slots_of(l, r); slot++) {
        tb_text rest = {0};
        tb_text_printf(&rest, "%zu %s", r->n_classes - l->n_shown, tb_svg_say(svg, "others", "lainnya"));
        const char *name = slot < l->n_shown ? r->classes[l->shown[slot]].label : rest.data ? rest.data : "";
        double width = fmin(tb_svg_measure(TB_FONT_SOFT, name), 120);
        if (x > l->left && x + 15 + width > svg->width) {
            x = l->left;
            l->y += 18;
        }
        tb_svg_rect(svg, tb_svg_color(slot), x, l->y, 11, 11, 2);
        tb_svg_text(svg, TB_FONT_SOFT, x + 15, l->y + 10, TB_START, width + 1, name);
        x += 15 + width + 14;
        svg->body.failed |= rest.failed;
        tb_text_free(&rest);
    }
    l->y += 19;
}

static void put_bar(labels *l, const tb_report_result *r, bool truth)
{
    tb_svg *svg = &l->svg;
    double x = l->left, top = l->y + 3, height = ROW - 6;
    uint64_t total = 0;
    for (size_t c = 0; c < r->n_classes; c++)
        total += count_of(r, c, truth);
    for (size_t slot = 0; total && slot < slots_of(l, r); slot++) {
        uint64_t count = slot_count(l, r, slot, truth);
        double width = (l->right - l->left) * (double)count / (double)total;
        if (!count)
            continue;
        tb_svg_rect(svg, tb_svg_color(slot), x, top, width, height, 0);
        if (x > l->left)
            tb_svg_line(svg, "f-gap", x, top, x, top + height);
        tb_svg_put_count(tb_svg_scratch(svg), count);
        if (svg->scratch.data && tb_svg_measure(TB_FONT_INSIDE, svg->scratch.data) + 6 < width)
            tb_svg_put_scratch(svg, TB_FONT_INSIDE, x + width / 2, top + 12, TB_MIDDLE);
        x += width;
    }
    for (size_t slot = 0; slot < slots_of(l, r) && slot < TB_SVG_COLORS; slot++) {
        tb_text_puts(&svg->desc, slot ? ", " : ": ");
        tb_text_puts(&svg->desc,
                     slot < l->n_shown ? r->classes[l->shown[slot]].label : tb_svg_say(svg, "others", "lainnya"));
        tb_text_printf(&svg->desc, " %llu", (unsigned long long)slot_count(l, r, slot, truth));
    }
    tb_text_puts(&svg->desc, ". ");
}

/* The borders between the true shares, on the bar of a row. */
static void put_borders(labels *l, const tb_report_result *r)
{
    uint64_t total = 0;
    double sum = 0;
    for (size_t c = 0; c < r->n_classes; c++)
        total += r->classes[c].truth;
    size_t slots = slots_of(l, r);
    for (size_t slot = 0; total && slot + 1 < slots; slot++) {
        sum += (double)slot_count(l, r, slot, true);
        double x = l->left + (l->right - l->left) * sum / (double)total;
        tb_svg_line(&l->svg, "f-mark", x, l->y + 1, x, l->y + ROW - 1);
    }
}

/* All results with the labels of the first one, from *at on; what follows is left for the next block. */
static size_t put_block(labels *l, const size_t *results, size_t n, size_t at)
{
    tb_svg *svg = &l->svg;
    const tb_report *report = svg->report;
    const tb_report_result *first = &report->results[results[at]];
    choose_classes(l, first);
    put_legend(l, first);
    tb_svg_text(svg, TB_FONT_STRONG, 0, l->y + 15, TB_START, l->names, tb_svg_say(svg, "truth", "label benar"));
    tb_text_puts(&svg->desc, tb_svg_say(svg, "Truth", "Label benar"));
    put_bar(l, first, true);
    l->y += ROW + 4;
    for (size_t model = SIZE_MAX; at < n && same_labels(first, &report->results[results[at]]); at++) {
        const tb_report_result *r = &report->results[results[at]];
        if (report->n_models > 1 && r->model != model) {
            tb_svg_text(svg, TB_FONT_STRONG, 0, l->y + 16, TB_START, svg->width, report->models[r->model].name);
            l->y += ROW;
        }
        model = r->model;
        tb_svg_text(svg, TB_FONT_NAME, 0, l->y + 15, TB_START, l->names, report->variants[r->variant].name);
        tb_rows_describe(svg, r);
        put_bar(l, r, false);
        put_borders(l, r);
        l->y += ROW;
    }
    l->y += 8;
    return at;
}

void tb_figure_labels(tb_text *out, const tb_report *report, size_t set)
{
    labels l = {0};
    tb_svg_begin(&l.svg, "labels", report, set, TB_SVG_WIDTH);
    size_t results[MOST_ROWS], n = 0;
    tb_rows missing = {0};
    l.names = tb_svg_measure(TB_FONT_STRONG, tb_svg_say(&l.svg, "truth", "label benar"));
    for (size_t i = 0; i < report->n_results; i++) {
        const tb_report_result *r = &report->results[i];
        if (r->set != set)
            continue;
        if (n == MOST_ROWS) {
            missing.left_out++;
            continue;
        }
        results[n++] = i;
        l.names = fmax(l.names, tb_svg_measure(TB_FONT_NAME, report->variants[r->variant].name));
    }
    l.names = fmin(l.names, 140);
    l.left = l.names + 12;
    l.right = l.svg.width;
    for (size_t at = 0; at < n;)
        at = put_block(&l, results, n, at);
    l.y = tb_rows_put_left_out(&l.svg, &missing, 0, l.y);
    tb_svg_end(&l.svg, out, l.y,
               tb_svg_say(&l.svg, "Labels said, beside the truth", "Label yang disebut, di samping label benar"));
}
