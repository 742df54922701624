/* SPDX-License-Identifier: Apache-2.0
 * Labels in report.html: how often each is predicted, and its precision, recall and F1.
 * Includes: report/html.h. Called by: report/html. */
#include "report/html.h"

#include <string.h>

static bool same_classes(const tb_report_result *a, const tb_report_result *b)
{
    if (a->n_classes != b->n_classes)
        return false;
    for (size_t c = 0; c < a->n_classes; c++)
        if (strcmp(a->classes[c].label, b->classes[c].label) != 0)
            return false;
    return true;
}

static void put_truth(tb_text *out, const tb_report *report, const tb_report_result *r)
{
    tb_text_printf(out, "<tr class=\"base\"><th scope=\"row\">%s</th>", tb_report_say(report, "truth", "label benar"));
    for (size_t c = 0; c < r->n_classes; c++)
        tb_html_cell_count(out, r->classes[c].truth);
    tb_html_cell_dashes(out, 3);
    tb_text_puts(out, "</tr>\n");
}

static void begin_counts(tb_text *out, const tb_report *report, const tb_report_result *r)
{
    tb_html_open_table(out, report, "How often each label is predicted; in brackets, against FP32",
                       "Seberapa sering tiap label diprediksi; dalam kurung, dibanding FP32");
    tb_text_puts(out, "<thead><tr><th scope=\"col\"></th>");
    for (size_t c = 0; c < r->n_classes; c++) {
        tb_text_puts(out, "<th scope=\"col\">");
        tb_html_name(out, r->classes[c].label);
        tb_text_puts(out, "</th>");
    }
    tb_text_printf(out,
                   "<th scope=\"col\">%s</th><th scope=\"col\">%s</th><th scope=\"col\">%s</th></tr></thead><tbody>\n",
                   tb_report_say(report, "gains", "bertambah"), tb_report_say(report, "loses", "berkurang"),
                   tb_report_say(report, "<i>p</i> (Holm)", "<i>p</i> (Holm)"));
    put_truth(out, report, r);
}

static void put_counts(tb_text *out, const tb_report *report, const tb_report_result *r)
{
    const tb_report_tests *t = &r->tests;
    for (size_t c = 0; c < r->n_classes; c++) {
        tb_text_puts(out, "<td>");
        tb_html_count(out, r->classes[c].predicted);
        if (r->compared && t->shifts[c] != 0) {
            tb_text_puts(out, " (");
            tb_html_shift(out, t->shifts[c]);
            tb_text_puts(out, ")");
        }
        tb_text_puts(out, "</td>");
    }
    if (!r->compared) {
        tb_html_cell_dashes(out, 3);
        return;
    }
    const char *ends[2] = {t->gains, t->loses};
    for (size_t e = 0; e < 2; e++) {
        tb_text_puts(out, "<td>");
        if (ends[e])
            tb_html_name(out, ends[e]);
        else
            tb_text_puts(out, "&ndash;");
        tb_text_puts(out, "</td>");
    }
    tb_html_cell_p(out, t->marginal_p_holm, t->marginal_p_holm < report->plan.alpha);
}

static void begin_classes(tb_text *out, const tb_report *report, const tb_report_result *r)
{
    tb_html_open_table(out, report, "F1 of each label (texts in the truth), then means over the labels",
                       "F1 tiap label (jumlah teks sebenarnya), lalu rerata atas semua label");
    tb_text_puts(out, "<thead><tr><th scope=\"col\"></th>");
    for (size_t c = 0; c < r->n_classes; c++) {
        tb_text_puts(out, "<th scope=\"col\">");
        tb_html_name(out, r->classes[c].label);
        tb_text_printf(out, "<br>(%llu)</th>", (unsigned long long)r->classes[c].truth);
    }
    static const tb_html_column means[] = {{"macro<br>F1", "F1<br>makro"},
                                           {"macro<br>precision", "presisi<br>makro"},
                                           {"macro<br>recall", "<i>recall</i><br>makro"},
                                           {"weighted<br>F1", "F1<br>berbobot"},
                                           {"weighted<br>precision", "presisi<br>berbobot"},
                                           {"weighted<br>recall", "<i>recall</i><br>berbobot"},
                                           {"Matthews", "Matthews"}};
    for (size_t i = 0; i < sizeof means / sizeof means[0]; i++)
        tb_text_printf(out, "<th scope=\"col\">%s</th>", tb_report_say(report, means[i].en, means[i].id));
    tb_text_puts(out, "</tr></thead><tbody>\n");
}

static void put_classes(tb_text *out, const tb_report *report, const tb_report_result *r)
{
    (void)report;
    for (size_t c = 0; c < r->n_classes; c++) {
        const tb_report_class *k = &r->classes[c];
        if (k->truth > 0)
            tb_text_printf(out, "<td title=\"P %.3f, R %.3f\">%.3f</td>", k->precision, k->recall, k->f1);
        else
            tb_text_puts(out, "<td>&ndash;</td>");
    }
    const double means[] = {r->macro_f1,           r->macro_precision, r->macro_recall, r->weighted_f1,
                            r->weighted_precision, r->weighted_recall, r->mcc};
    for (size_t i = 0; i < sizeof means / sizeof means[0]; i++)
        tb_html_cell(out, means[i], 3);
}

/* Models may have other labels: a new head for each new list of them. */
static void put_table(tb_text *out, const tb_report *report, size_t set, size_t n_more,
                      void (*begin)(tb_text *, const tb_report *, const tb_report_result *),
                      void (*put)(tb_text *, const tb_report *, const tb_report_result *))
{
    const tb_report_result *shape = NULL;
    for (size_t i = 0; i < report->n_results; i++) {
        const tb_report_result *r = &report->results[i];
        if (r->set != set)
            continue;
        if (!shape || !same_classes(shape, r)) {
            if (shape)
                tb_html_end_table(out);
            begin(out, report, r);
            shape = r;
        }
        tb_html_begin_row(out, report, i, r->n_classes + n_more);
        put(out, report, r);
        tb_text_puts(out, "</tr>\n");
    }
    if (shape)
        tb_html_end_table(out);
}

void tb_html_labels_table(tb_text *out, const tb_report *report, size_t set)
{
    put_table(out, report, set, 4, begin_counts, put_counts);
}

void tb_html_class_table(tb_text *out, const tb_report *report, size_t set)
{
    put_table(out, report, set, 8, begin_classes, put_classes);
}
