/* SPDX-License-Identifier: Apache-2.0
 * Confusion matrices in report.html, shaded by the share of the row.
 * Includes: report/html.h. Called by: report/html. */
#include "report/html.h"

static void put_matrix(tb_text *out, const tb_report *report, size_t result)
{
    const tb_report_result *r = &report->results[result];
    tb_text_printf(out,
                   "<div class=\"scroll\" role=\"group\" tabindex=\"0\" aria-labelledby=\"matrix-%zu\">"
                   "<table><caption><span id=\"matrix-%zu\">",
                   result, result);
    tb_html_row_name(out, report, r);
    if (r->untrained_head)
        tb_text_printf(out, " (%s)", tb_report_say(report, "untrained head", "<i>head</i> belum dilatih"));
    tb_text_printf(
        out, "</span></caption><thead><tr><th scope=\"col\">%s</th>",
        tb_report_say(report, "truth&nbsp;&darr; says&nbsp;&rarr;", "benar&nbsp;&darr; prediksi&nbsp;&rarr;"));
    for (size_t c = 0; c < r->n_classes; c++) {
        tb_text_puts(out, "<th scope=\"col\">");
        tb_html_name(out, r->classes[c].label);
        tb_text_puts(out, "</th>");
    }
    tb_text_puts(out, "</tr></thead><tbody>\n");
    for (size_t t = 0; t < r->n_classes; t++) {
        tb_text_puts(out, "<tr><th scope=\"row\">");
        tb_html_name(out, r->classes[t].label);
        tb_text_puts(out, "</th>");
        for (size_t p = 0; p < r->n_classes; p++) {
            uint64_t count = r->confusion[t * r->n_classes + p];
            double share = tb_html_percent((double)count, 0, (double)r->classes[t].truth);
            tb_text_printf(out,
                           "<td%s style=\"background:color-mix(in srgb,var(--accent) %.0f%%,transparent)\">%llu</td>",
                           t == p ? " class=\"hit\"" : "", share * 0.45, (unsigned long long)count);
        }
        tb_text_puts(out, "</tr>\n");
    }
    tb_text_puts(out, "</tbody></table></div>\n");
}

void tb_html_confusions(tb_text *out, const tb_report *report, size_t set)
{
    tb_text_puts(out, "<div class=\"matrices\">\n");
    for (size_t i = 0; i < report->n_results; i++)
        if (report->results[i].set == set)
            put_matrix(out, report, i);
    tb_text_puts(out, "</div>\n");
}
