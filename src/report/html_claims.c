/* SPDX-License-Identifier: Apache-2.0
 * What the literature claims and what was measured here, in report.html.
 * Includes: report/html.h, report/tables.h. Called by: report/html. */
#include "report/html.h"
#include "report/tables.h"

#include <math.h>
#include <string.h>

static const tb_html_column columns[] = {
    {"source", "sumber"},  {"what", "besaran"}, {"claimed", "klaim"}, {"measured here", "terukur di sini"},
    {"variant", "varian"},
};
enum { N_COLUMNS = sizeof columns / sizeof columns[0] };

/* A difference from FP32 is claimed with a sign, or to be nothing; a ratio is never 0. */
static bool is_difference(const tb_claim *claim)
{
    return strpbrk(claim->claimed, "+-") != NULL || strcmp(claim->claimed, "0.000") == 0;
}

static void put_claim(tb_text *out, const tb_report *report, const tb_claim *claim)
{
    tb_text_puts(out, "<tr><th scope=\"row\">");
    tb_html_text(out, claim->source);
    tb_text_puts(out, "</th><td class=\"said\">");
    tb_html_text(out, claim->what);
    tb_text_puts(out, "</td><td>");
    tb_html_text(out, claim->claimed);
    tb_text_puts(out, "</td>");
    if (isnan(claim->measured)) {
        tb_text_printf(out, "<td class=\"said\" colspan=\"2\"><span class=\"model\">%s: ",
                       tb_report_say(report, "not available", "tidak tersedia"));
        tb_html_text(out, claim->why_not ? claim->why_not : "");
        tb_text_puts(out, "</span></td></tr>\n");
        return;
    }
    if (is_difference(claim))
        tb_html_cell_signed(out, claim->measured, 3);
    else
        tb_html_cell(out, claim->measured, 3);
    tb_text_puts(out, "<td class=\"said\">");
    if (claim->variant)
        tb_html_name(out, claim->variant);
    tb_text_puts(out, "</td></tr>\n");
}

void tb_html_claims(tb_text *out, const tb_report *report)
{
    bool first = true;
    tb_html_say(
        out, report,
        "<p>Another model, other texts, another machine: a claim that does not appear here is not refuted.</p>\n",
        "<p>Model lain, teks lain, mesin lain: klaim yang tidak muncul di sini belum tentu terbantah.</p>\n");
    for (size_t m = 0; m < report->n_models; m++)
        for (size_t s = 0; s < report->n_sets; s++) {
            tb_claim claims[TB_CLAIMS_MOST];
            size_t n = tb_claims(report, m, s, claims, TB_CLAIMS_MOST);
            if (n == 0)
                continue;
            tb_text_puts(out, first ? "<details open><summary>" : "<details><summary>");
            tb_html_where(out, report, m, s);
            tb_text_puts(out, "</summary>\n");
            first = false;
            tb_html_begin_table(out, report, "Ratios and differences against FP32", "Rasio dan selisih terhadap FP32",
                                columns, N_COLUMNS);
            for (size_t c = 0; c < n; c++)
                put_claim(out, report, &claims[c]);
            tb_html_end_table(out);
            tb_html_end_details(out);
        }
}
