/* SPDX-License-Identifier: Apache-2.0
 * Figure: the bytes of every variant by part, each model on its own scale.
 * Includes: report/figures/svg.h. Called by: report/figures. */
#include "report/figures/list.h"

#include <math.h>
#include <string.h>

enum { ROW = 22, MOST_ROWS = 120 };

typedef struct sizes {
    tb_svg svg;
    double names, left, right, y;
} sizes;

static const char *part_name(const tb_svg *svg, size_t part)
{
    static const char *const id[TB_REPORT_PARTS] = {"embedding", "encoder", "head", "lainnya"};
    return tb_svg_say(svg, tb_report_part_names[part], id[part]);
}

static void put_legend(sizes *s)
{
    double x = s->left;
    for (size_t p = 0; p < TB_REPORT_PARTS; p++) {
        tb_svg_rect(&s->svg, tb_svg_color(p), x, 4, 11, 11, 2);
        tb_svg_text(&s->svg, TB_FONT_SOFT, x + 15, 14, TB_START, 0, part_name(&s->svg, p));
        x += 15 + tb_svg_measure(TB_FONT_SOFT, part_name(&s->svg, p)) + 14;
    }
    s->y = 24;
}

static void put_variant(sizes *s, const tb_report_variant *v, double largest)
{
    double x = s->left, middle = s->y + ROW / 2.0;
    const double scale = (s->right - s->left) / largest;
    tb_svg_text(&s->svg, TB_FONT_NAME, 0, middle + 4.5, TB_START, s->names, v->name);
    for (size_t p = 0; p < TB_REPORT_PARTS; p++) {
        double width = (double)v->parts[p] * scale;
        width = fmin(width, s->right - x);
        if (width <= 0)
            continue;
        tb_svg_rect(&s->svg, tb_svg_color(p), x, middle - 8, width, 16, 0);
        tb_svg_put_megabytes(tb_svg_scratch(&s->svg), v->parts[p]);
        if (s->svg.scratch.data && tb_svg_measure(TB_FONT_INSIDE, s->svg.scratch.data) + 6 < width)
            tb_svg_put_scratch(&s->svg, TB_FONT_INSIDE, x + width / 2, middle + 4, TB_MIDDLE);
        if (x > s->left)
            tb_svg_line(&s->svg, "f-gap", x, middle - 8, x, middle + 8);
        x += width;
    }
    tb_text *text = tb_svg_scratch(&s->svg);
    tb_svg_put_megabytes(text, v->size_bytes);
    tb_text_puts(text, "\xe2\x80\x89MB");
    tb_svg_put_scratch(&s->svg, TB_FONT_VALUE, s->svg.width - 46, middle + 4, TB_END);
    tb_svg_put_real(tb_svg_scratch(&s->svg), v->ratio, 2);
    tb_text_puts(&s->svg.scratch, isfinite(v->ratio) ? "\xc3\x97" : "");
    tb_svg_put_scratch(&s->svg, TB_FONT_VALUE, s->svg.width, middle + 4, TB_END);
    tb_text_puts(&s->svg.desc, v->name);
    tb_text_puts(&s->svg.desc, ": ");
    tb_svg_put_megabytes(&s->svg.desc, v->size_bytes);
    tb_text_puts(&s->svg.desc, " MB. ");
    s->y += ROW;
}

static double largest_of(const tb_report *report, size_t model)
{
    double largest = 1;
    for (size_t v = 0; v < report->n_variants; v++)
        if (report->variants[v].model == model)
            largest = fmax(largest, (double)report->variants[v].size_bytes);
    return largest;
}

void tb_figure_sizes(tb_text *out, const tb_report *report, size_t set)
{
    (void)set;
    sizes s = {.names = 40};
    tb_svg_begin(&s.svg, "sizes", report, 0, TB_SVG_WIDTH);
    for (size_t v = 0; v < report->n_variants; v++)
        s.names = fmax(s.names, tb_svg_measure(TB_FONT_NAME, report->variants[v].name));
    s.names = fmin(s.names, 140);
    s.left = s.names + 12;
    s.right = s.svg.width - 112;
    put_legend(&s);
    size_t drawn = 0, all = 0;
    for (size_t m = 0; m < report->n_models; m++) {
        double largest = largest_of(report, m);
        bool head = report->n_models > 1 && drawn < MOST_ROWS;
        if (head) {
            s.y += m ? 6 : 0;
            tb_svg_text(&s.svg, TB_FONT_STRONG, 0, s.y + 15, TB_START, s.svg.width, report->models[m].name);
            tb_text_puts(&s.svg.desc, report->models[m].name);
            tb_text_puts(&s.svg.desc, ": ");
            s.y += ROW;
        }
        for (size_t v = 0; v < report->n_variants; v++) {
            if (report->variants[v].model != m)
                continue;
            all++;
            if (drawn < MOST_ROWS && ++drawn)
                put_variant(&s, &report->variants[v], largest);
        }
    }
    const tb_rows rows = {.left_out = all - drawn};
    s.y = tb_rows_put_left_out(&s.svg, &rows, 0, s.y);
    tb_svg_end(&s.svg, out, s.y + 4, tb_svg_say(&s.svg, "Size by part", "Ukuran menurut bagian"));
}
