/* SPDX-License-Identifier: Apache-2.0
 * The frame of every table in report.html, and its cells.
 * Includes: report/html.h. Called by: report/html_*. */
#include "report/html.h"

#include <math.h>

void tb_html_open_table(tb_text *out, const tb_report *report, const char *caption_en, const char *caption_id)
{
    /* A box that scrolls must be reachable by keyboard, so it has a tab stop, a role and a name: its caption, whose id
     * is where it stands in the page. */
    size_t id = out->length;
    tb_text_printf(out,
                   "<div class=\"scroll\" role=\"group\" tabindex=\"0\" aria-labelledby=\"table-%zu\">"
                   "<table><caption><span id=\"table-%zu\">",
                   id, id);
    tb_html_say(out, report, caption_en, caption_id);
    tb_text_puts(out, "</span></caption>\n");
}

void tb_html_begin_table(tb_text *out, const tb_report *report, const char *caption_en, const char *caption_id,
                         const tb_html_column *columns, size_t n_columns)
{
    tb_html_open_table(out, report, caption_en, caption_id);
    tb_text_puts(out, "<thead><tr>");
    for (size_t i = 0; i < n_columns; i++)
        tb_text_printf(out, "<th scope=\"col\">%s</th>", tb_report_say(report, columns[i].en, columns[i].id));
    tb_text_puts(out, "</tr></thead><tbody>\n");
}

void tb_html_end_table(tb_text *out)
{
    tb_text_puts(out, "</tbody></table></div>\n");
}

void tb_html_begin_row(tb_text *out, const tb_report *report, size_t result, size_t n_columns)
{
    const tb_report_result *r = &report->results[result];
    if (report->n_models > 1 && tb_report_first_of_model(report, result)) {
        tb_text_printf(out, "<tr class=\"group\"><th scope=\"rowgroup\" colspan=\"%zu\"><span>", n_columns);
        tb_html_name(out, report->models[r->model].name);
        if (report->models[r->model].training.stage && !r->untrained_head) {
            tb_text_puts(out, " <small class=\"soft\">");
            tb_html_role(out, report, &report->models[r->model]);
            tb_text_puts(out, "</small>");
        }
        if (r->untrained_head)
            tb_text_printf(out, " <span class=\"mark\">%s</span>",
                           tb_report_say(report, "untrained head", "<i>head</i> belum dilatih"));
        tb_text_puts(out, "</span></th></tr>\n");
    }
    tb_text_puts(out, "<tr><th scope=\"row\">");
    tb_html_name(out, report->variants[r->variant].name);
    tb_text_puts(out, "</th>");
}

void tb_html_cell(tb_text *out, double value, int decimals)
{
    if (isnan(value))
        tb_text_puts(out, "<td>&ndash;</td>");
    else
        tb_text_printf(out, "<td>%s%.*f</td>", value < 0 ? "&minus;" : "", decimals, fabs(value));
}

void tb_html_cell_signed(tb_text *out, double value, int decimals)
{
    tb_text_puts(out, "<td>");
    if (isnan(value))
        tb_text_puts(out, "&ndash;");
    else
        tb_html_signed(out, value, decimals);
    tb_text_puts(out, "</td>");
}

void tb_html_cell_count(tb_text *out, uint64_t count)
{
    tb_text_puts(out, "<td>");
    tb_html_count(out, count);
    tb_text_puts(out, "</td>");
}

void tb_html_cell_p(tb_text *out, double p, bool marked)
{
    tb_text_puts(out, marked ? "<td class=\"low\">" : "<td>");
    tb_html_p(out, p);
    tb_text_puts(out, "</td>");
}

void tb_html_cell_interval(tb_text *out, tb_interval interval, int decimals, bool with_sign)
{
    tb_text_puts(out, "<td>");
    if (isnan(interval.low) || isnan(interval.high))
        tb_text_puts(out, "&ndash;");
    else if (with_sign) {
        tb_html_signed(out, interval.low, decimals);
        tb_text_puts(out, " &hellip; ");
        tb_html_signed(out, interval.high, decimals);
    } else
        tb_text_printf(out, "%.*f&ndash;%.*f", decimals, interval.low, decimals, interval.high);
    tb_text_puts(out, "</td>");
}

void tb_html_cell_dashes(tb_text *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        tb_text_puts(out, "<td>&ndash;</td>");
}

bool tb_html_beyond_margin(const tb_report_tests *tests)
{
    return tests->equivalence_interval.high < -tests->margin || tests->equivalence_interval.low > tests->margin;
}

void tb_html_cell_equivalent(tb_text *out, const tb_report *report, const tb_report_tests *tests)
{
    const char *text = tests->equivalent              ? tb_report_say(report, "yes", "ya")
                       : tb_html_beyond_margin(tests) ? tb_report_say(report, "no", "tidak")
                                                      : tb_report_say(report, "not shown", "tak terbukti");
    tb_text_printf(out, "<td>%s</td>", text);
}
