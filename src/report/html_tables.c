/* SPDX-License-Identifier: Apache-2.0
 * The tables of one data set in report.html.
 * Includes: report/html.h. Called by: report/html. */
#include "report/html.h"

#include <string.h>

static void begin_table(tb_text *out, const char *const *heads)
{
    tb_text_puts(out, "<div class=\"scroll\" tabindex=\"0\"><table><thead><tr>");
    for (size_t i = 0; heads[i]; i++)
        tb_text_printf(out, "<th scope=\"col\">%s</th>", heads[i]);
    tb_text_puts(out, "</tr></thead><tbody>\n");
}

static void end_table(tb_text *out)
{
    tb_text_puts(out, "</tbody></table></div>\n");
}

/* A row for the model's name above its first result (none where the study has one model), then the row's own head. */
static void begin_row(tb_text *out, const tb_report *report, size_t i, size_t n_columns)
{
    const tb_report_result *r = &report->results[i];
    if (report->n_models > 1 && tb_report_first_of_model(report, i)) {
        tb_text_printf(out, "<tr class=\"group\"><th scope=\"rowgroup\" colspan=\"%zu\"><span>", n_columns + 1);
        tb_html_name(out, report->models[r->model].name);
        tb_text_puts(out, r->untrained_head ? " <span class=\"mark\">untrained head</span>" : "");
        tb_text_puts(out, "</span></th></tr>\n");
    }
    tb_text_puts(out, "<tr><th scope=\"row\">");
    tb_html_name(out, report->variants[r->variant].name);
    tb_text_puts(out, "</th>");
}

static void put_number(tb_text *out, const char *format, double value)
{
    tb_text_puts(out, "<td>");
    tb_text_printf(out, strcmp(format, "2") == 0 ? "%.2f" : strcmp(format, "4") == 0 ? "%.4f" : "%.3f", value);
    tb_text_puts(out, "</td>");
}

static void put_comparison(tb_text *out, const tb_report_result *r)
{
    if (!r->compared) {
        tb_text_puts(out, "<td>&ndash;</td><td>&ndash;</td><td>&ndash;</td><td>&ndash;</td>");
        return;
    }
    put_number(out, "3", r->agreement);
    tb_text_puts(out, "<td>");
    tb_html_kl(out, r->mean_kl);
    tb_text_printf(out, "</td><td>%llu / %llu</td>", (unsigned long long)r->right_to_wrong,
                   (unsigned long long)r->wrong_to_right);
    tb_text_puts(out, r->mcnemar_p < 0.05 ? "<td class=\"low\">" : "<td>");
    tb_html_p(out, r->mcnemar_p);
    tb_text_puts(out, "</td>");
}

void tb_html_main_table(tb_text *out, const tb_report *report, size_t set)
{
    static const char *const heads[] = {"",
                                        "accuracy",
                                        "95&#8239;%<br>interval",
                                        "macro-F1",
                                        "agreement",
                                        "KL",
                                        "right&rarr;wrong /<br>wrong&rarr;right",
                                        "p",
                                        "MB",
                                        "&times;<br>FP32",
                                        "MB in<br>memory",
                                        "ms,<br>median",
                                        NULL};
    begin_table(out, heads);
    for (size_t i = 0; i < report->n_results; i++) {
        const tb_report_result *r = &report->results[i];
        const tb_report_variant *v = &report->variants[r->variant];
        if (r->set != set)
            continue;
        begin_row(out, report, i, sizeof heads / sizeof heads[0] - 2);
        put_number(out, "3", r->accuracy);
        tb_text_printf(out, "<td>%.3f&ndash;%.3f</td>", r->low, r->high);
        put_number(out, "3", r->macro_f1);
        put_comparison(out, r);
        tb_text_puts(out, "<td>");
        tb_html_megabytes(out, v->size_bytes);
        tb_text_printf(out, "</td><td>%.2f</td><td>", v->ratio);
        tb_html_megabytes(out, v->resident_bytes);
        tb_text_puts(out, "</td>");
        put_number(out, "2", r->total.median);
        tb_text_puts(out, "</tr>\n");
    }
    end_table(out);
}

void tb_html_class_table(tb_text *out, const tb_report *report, size_t set)
{
    const tb_report_result *shape = NULL; /* models may have other labels: a new head for each new list of them */
    for (size_t i = 0; i < report->n_results; i++) {
        const tb_report_result *r = &report->results[i];
        if (r->set != set)
            continue;
        bool same = shape && shape->n_classes == r->n_classes;
        for (size_t c = 0; same && c < r->n_classes; c++)
            same = strcmp(shape->classes[c].label, r->classes[c].label) == 0;
        if (!same) {
            if (shape)
                end_table(out);
            tb_text_puts(out, "<div class=\"scroll\" tabindex=\"0\"><table><thead><tr><th scope=\"col\"></th>");
            for (size_t c = 0; c < r->n_classes; c++) {
                tb_text_puts(out, "<th scope=\"col\">");
                tb_html_name(out, r->classes[c].label);
                tb_text_printf(out, "<br>%llu</th>", (unsigned long long)r->classes[c].truth);
            }
            tb_text_puts(out, "<th scope=\"col\">macro</th><th scope=\"col\">weighted</th></tr></thead><tbody>\n");
            shape = r;
        }
        begin_row(out, report, i, r->n_classes + 2);
        for (size_t c = 0; c < r->n_classes; c++) {
            if (r->classes[c].truth > 0)
                put_number(out, "3", r->classes[c].f1);
            else
                tb_text_puts(out, "<td>&ndash;</td>");
        }
        put_number(out, "3", r->macro_f1);
        put_number(out, "3", r->weighted_f1);
        tb_text_puts(out, "</tr>\n");
    }
    if (shape)
        end_table(out);
}

void tb_html_calibration_table(tb_text *out, const tb_report *report, size_t set)
{
    static const char *const heads[] = {"",      "accuracy", "mean confidence",    "ECE, 15 bins",
                                        "Brier", "NLL",      "max |&Delta;logit|", NULL};
    begin_table(out, heads);
    for (size_t i = 0; i < report->n_results; i++) {
        const tb_report_result *r = &report->results[i];
        if (r->set != set)
            continue;
        begin_row(out, report, i, sizeof heads / sizeof heads[0] - 2);
        put_number(out, "3", r->accuracy);
        put_number(out, "3", r->mean_confidence);
        put_number(out, "4", r->ece);
        put_number(out, "4", r->brier);
        put_number(out, "4", r->nll);
        if (r->compared)
            put_number(out, "4", r->max_abs_dlogit);
        else
            tb_text_puts(out, "<td>&ndash;</td>");
        tb_text_puts(out, "</tr>\n");
    }
    end_table(out);
}

void tb_html_latency_table(tb_text *out, const tb_report *report, size_t set)
{
    static const char *const heads[] = {"",   "tokenize", "forward", "total, median",         "mean",
                                        "sd", "p90",      "p99",     "&times; first variant", NULL};
    begin_table(out, heads);
    for (size_t i = 0; i < report->n_results; i++) {
        const tb_report_result *r = &report->results[i];
        if (r->set != set)
            continue;
        begin_row(out, report, i, sizeof heads / sizeof heads[0] - 2);
        put_number(out, "4", r->tokenize.median);
        put_number(out, "2", r->forward.median);
        put_number(out, "2", r->total.median);
        put_number(out, "2", r->total.mean);
        put_number(out, "2", r->total.sd);
        put_number(out, "2", r->total.p90);
        put_number(out, "2", r->total.p99);
        put_number(out, "2", r->latency_ratio);
        tb_text_puts(out, "</tr>\n");
    }
    end_table(out);
}

void tb_html_sentences(tb_text *out, const tb_report *report, size_t set)
{
    tb_text_puts(out, "<ul>\n");
    for (size_t i = 0; i < report->n_results; i++) {
        const tb_report_result *r = &report->results[i];
        if (r->set != set || !r->compared)
            continue;
        tb_text_puts(out, "<li>");
        tb_html_row_name(out, report, r);
        tb_text_puts(out, ": ");
        tb_html_text(out, r->sentence);
        if (r->wrong_to_other > 0)
            tb_text_printf(out, "; %llu more changed from one wrong label to another",
                           (unsigned long long)r->wrong_to_other);
        tb_text_puts(out, "</li>\n");
    }
    tb_text_puts(out, "</ul>\n");
}
