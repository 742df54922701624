/* SPDX-License-Identifier: Apache-2.0
 * The main table of a data set in report.html.
 * Includes: report/html.h. Called by: report/html. */
#include "report/html.h"

#include <string.h>

static const tb_html_column columns[] = {
    {"", ""},
    {"accuracy", "akurasi"},
    {"95&#8239;%<br>interval", "selang<br>95&#8239;%"},
    {"&Delta;<br>accuracy", "&Delta;<br>akurasi"},
    {"<i>p</i><br>(Holm)", "<i>p</i><br>(Holm)"},
    {"equi-<br>valent", "setara"},
    {"macro-<br>F1", "F1<br>makro"},
    {"MB", "MB"},
    {"&times; size<br>of FP32", "&times; ukuran<br>FP32"},
    {"ms,<br>median", "ms,<br>median"},
    {"&times; time<br>of FP32", "&times; waktu<br>FP32"},
    {"lost /<br>won", "kalah /<br>menang"},
    {"agree-<br>ment", "label<br>sama"},
    {"KL", "KL"},
    {"MB in<br>memory", "MB di<br>memori"},
};
enum { N_COLUMNS = sizeof columns / sizeof columns[0] };

/* What saying the most frequent label would give: once for each such label and accuracy of the set. */
static void put_majority(tb_text *out, const tb_report *report, size_t set)
{
    for (size_t i = 0; i < report->n_results; i++) {
        const tb_report_result *r = &report->results[i];
        if (r->set != set)
            continue;
        tb_text_printf(out, "<tr class=\"base\"><th scope=\"row\">%s ", tb_report_say(report, "always", "selalu"));
        tb_html_name(out, r->majority_label);
        tb_text_puts(out, "</th>");
        tb_html_cell(out, r->majority_accuracy, 3);
        tb_html_cell_dashes(out, N_COLUMNS - 2);
        tb_text_puts(out, "</tr>\n");
        return;
    }
}

static void put_difference(tb_text *out, const tb_report *report, const tb_report_result *r)
{
    if (!r->compared) {
        tb_html_cell_dashes(out, 3);
        return;
    }
    tb_html_cell_signed(out, r->delta_accuracy, 3);
    tb_html_cell_p(out, r->tests.primary_p_holm, r->tests.significant && !r->untrained_head);
    tb_html_cell_equivalent(out, report, &r->tests);
}

static void put_agreement(tb_text *out, const tb_report_result *r)
{
    if (!r->compared) {
        tb_html_cell_dashes(out, 3);
        return;
    }
    tb_text_printf(out, "<td>%llu / %llu</td>", (unsigned long long)r->right_to_wrong,
                   (unsigned long long)r->wrong_to_right);
    tb_html_cell(out, r->agreement, 3);
    tb_text_puts(out, "<td>");
    tb_html_kl(out, r->mean_kl);
    tb_text_puts(out, "</td>");
}

static void put_costs(tb_text *out, const tb_report_variant *v, const tb_report_result *r)
{
    tb_text_puts(out, "<td>");
    tb_html_megabytes(out, v->size_bytes);
    tb_text_printf(out, "</td><td>%.2f</td><td>", v->ratio);
    tb_html_ms(out, r->total.median);
    tb_text_puts(out, "</td>");
    if (strcmp(r->ratio_to, "fp32") == 0)
        tb_html_cell(out, r->latency_ratio, 2);
    else
        tb_html_cell_dashes(out, 1);
}

void tb_html_main_table(tb_text *out, const tb_report *report, size_t set)
{
    tb_html_begin_table(out, report,
                        "Proportions; sizes in megabytes of 10<sup>6</sup> bytes; times of one text alone. Lost and "
                        "won: texts that only FP32, only the variant gets right.",
                        "Proporsi; ukuran dalam megabyte (10<sup>6</sup> byte); waktu untuk satu teks tersendiri. "
                        "Kalah dan menang: teks yang benar hanya pada FP32, hanya pada varian.",
                        columns, N_COLUMNS);
    put_majority(out, report, set);
    for (size_t i = 0; i < report->n_results; i++) {
        const tb_report_result *r = &report->results[i];
        const tb_report_variant *v = &report->variants[r->variant];
        if (r->set != set)
            continue;
        tb_html_begin_row(out, report, i, N_COLUMNS);
        tb_html_cell(out, r->accuracy, 3);
        tb_html_cell_interval(out, (tb_interval){r->low, r->high}, 3, false);
        put_difference(out, report, r);
        tb_html_cell(out, r->macro_f1, 3);
        put_costs(out, v, r);
        put_agreement(out, r);
        tb_text_puts(out, "<td>");
        tb_html_megabytes(out, v->resident_bytes);
        tb_text_puts(out, "</td></tr>\n");
    }
    tb_html_end_table(out);
}
