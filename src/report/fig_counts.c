/* SPDX-License-Identifier: Apache-2.0
 * Figure: how often each variant says each label, beside how often it is true: a shift of the marginals shows here.
 * Includes: report/html.h. Called by: report/html. */
#include "report/html.h"

#include <string.h>

static void put_legend(tb_text *out, const tb_report_result *r)
{
    tb_text_puts(out, "<div class=\"legend\">");
    for (size_t c = 0; c < r->n_classes; c++) {
        tb_text_printf(out, "<span><i class=\"k%zu\"></i>", tb_html_color(c));
        tb_html_name(out, r->classes[c].label);
        tb_text_puts(out, "</span>");
    }
    tb_text_puts(out, "</div>\n");
}

/* One stacked bar: of the truth, or of what was predicted. */
static void put_bar(tb_text *out, const tb_report_result *r, bool truth)
{
    double from = 0;
    tb_text_puts(out, "<div class=\"strip\"><svg height=\"24\" role=\"img\" aria-label=\"");
    for (size_t c = 0; c < r->n_classes; c++) {
        tb_html_text(out, r->classes[c].label);
        tb_text_printf(out, " %llu ", (unsigned long long)(truth ? r->classes[c].truth : r->classes[c].predicted));
    }
    tb_text_puts(out, "\">");
    for (size_t c = 0; c < r->n_classes; c++) {
        uint64_t count = truth ? r->classes[c].truth : r->classes[c].predicted;
        double width = tb_html_percent((double)count, 0, (double)r->n);
        tb_text_printf(out, "<rect class=\"k%zu\" x=\"%.2f%%\" width=\"%.2f%%\" y=\"2\" height=\"20\"/>",
                       tb_html_color(c), from, width);
        if (width >= 6)
            tb_text_printf(out, "<text class=\"in\" x=\"%.2f%%\" y=\"16\" text-anchor=\"middle\">%llu</text>",
                           from + width / 2, (unsigned long long)count);
        from += width;
    }
    tb_text_puts(out, "</svg></div>\n");
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

static void begin_block(tb_text *out, const tb_report_result *r)
{
    put_legend(out, r);
    tb_text_printf(out, "<div class=\"rows\">\n<div class=\"name\"><b>truth</b></div><div class=\"value\">%llu</div>",
                   (unsigned long long)r->n);
    put_bar(out, r, true);
    tb_text_puts(out, "<div class=\"gap\"></div>\n");
}

void tb_html_fig_counts(tb_text *out, const tb_report *report, size_t set)
{
    const tb_report_result *block = NULL; /* the first result with these labels */
    tb_text_puts(out,
                 "<figure><figcaption>How often each label is said, beside how often it is true. A variant that gains "
                 "accuracy by saying one label more often shows it here.</figcaption>\n");
    for (size_t i = 0; i < report->n_results; i++) {
        const tb_report_result *r = &report->results[i];
        if (r->set != set)
            continue;
        if (!block || !same_labels(block, r)) {
            tb_text_puts(out, block ? "</div>\n" : "");
            begin_block(out, r);
            block = r;
        }
        tb_html_figure_name(out, report, i);
        put_bar(out, r, false);
    }
    if (block)
        tb_text_printf(out, "</div>\n<p class=\"soft\">Majority baseline: always saying ");
    if (block) {
        tb_html_name(out, block->majority_label);
        tb_text_printf(out, " is right on %.3f of the texts.</p>\n", block->majority_accuracy);
    }
    tb_text_puts(out, "</figure>\n");
}
