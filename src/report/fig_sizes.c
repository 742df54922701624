/* SPDX-License-Identifier: Apache-2.0
 * Figure: the bytes of every variant by part, each model on its own scale.
 * Includes: report/html.h. Called by: report/html. */
#include "report/html.h"

static uint64_t largest(const tb_report *report, size_t model)
{
    uint64_t max = 1;
    for (size_t v = 0; v < report->n_variants; v++)
        if (report->variants[v].model == model && report->variants[v].size_bytes > max)
            max = report->variants[v].size_bytes;
    return max;
}

static void put_variant(tb_text *out, const tb_report_variant *v, uint64_t max)
{
    double from = 0;
    tb_text_puts(out, "<div class=\"name\">");
    tb_html_name(out, v->name);
    tb_text_puts(out, "</div><div class=\"value\">");
    tb_html_megabytes(out, v->size_bytes);
    tb_text_printf(out, " MB, %.2f&times;</div>", v->ratio);
    tb_text_puts(out, "<div class=\"strip\"><svg height=\"24\" role=\"img\" aria-label=\"");
    for (size_t p = 0; p < TB_REPORT_PARTS; p++) {
        tb_text_printf(out, "%s ", tb_report_part_names[p]);
        tb_html_megabytes(out, v->parts[p]);
        tb_text_puts(out, " MB ");
    }
    tb_text_puts(out, "\">");
    for (size_t p = 0; p < TB_REPORT_PARTS; p++) {
        double width = tb_html_percent((double)v->parts[p], 0, (double)max);
        tb_text_printf(out, "<rect class=\"k%zu\" x=\"%.2f%%\" width=\"%.2f%%\" y=\"2\" height=\"20\"/>",
                       tb_html_color(p), from, width);
        if (width >= 9) {
            tb_text_printf(out, "<text class=\"in\" x=\"%.2f%%\" y=\"16\" text-anchor=\"middle\">", from + width / 2);
            tb_html_megabytes(out, v->parts[p]);
            tb_text_puts(out, "</text>");
        }
        from += width;
    }
    tb_text_puts(out, "</svg></div>\n");
}

void tb_html_fig_sizes(tb_text *out, const tb_report *report)
{
    tb_text_puts(
        out, "<figure><figcaption>Bytes of the weights file by part, in MB of 10<sup>6</sup> bytes; FP32 is 4 bytes a "
             "parameter, whatever the source file holds.</figcaption>\n<div class=\"legend\">");
    for (size_t p = 0; p < TB_REPORT_PARTS; p++)
        tb_text_printf(out, "<span><i class=\"k%zu\"></i>%s</span>", tb_html_color(p), tb_report_part_names[p]);
    tb_text_puts(out, "</div>\n");
    for (size_t m = 0; m < report->n_models; m++) {
        uint64_t max = largest(report, m);
        if (report->n_models > 1) {
            tb_text_puts(out, "<h3>");
            tb_html_name(out, report->models[m].name);
            tb_text_puts(out, "</h3>\n");
        }
        tb_text_puts(out, "<div class=\"rows\">\n");
        for (size_t v = 0; v < report->n_variants; v++)
            if (report->variants[v].model == m)
                put_variant(out, &report->variants[v], max);
        tb_text_puts(out, "</div>\n");
    }
    tb_text_puts(out, "</figure>\n");
}
