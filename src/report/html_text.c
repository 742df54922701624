/* SPDX-License-Identifier: Apache-2.0
 * Escaping and numbers for report.html.
 * Includes: report/html.h. Called by: report. */
#include "report/html.h"

#include <stdlib.h>
#include <string.h>

void tb_html_text(tb_text *out, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '&')
            tb_text_puts(out, "&amp;");
        else if (c == '<')
            tb_text_puts(out, "&lt;");
        else if (c == '>')
            tb_text_puts(out, "&gt;");
        else if (c == '"')
            tb_text_puts(out, "&quot;");
        else if (c == '\'')
            tb_text_puts(out, "&#39;");
        else if (c < 0x20 || c == 0x7f)
            tb_text_puts(out, "\xef\xbf\xbd");
        else
            tb_text_putc(out, (char)c);
    }
}

void tb_html_name(tb_text *out, const char *text)
{
    tb_text_puts(out, "<bdi>");
    tb_html_text(out, text);
    tb_text_puts(out, "</bdi>");
}

void tb_html_p(tb_text *out, double p)
{
    if (p < 0.001)
        tb_text_puts(out, "&lt;&#8239;0.001");
    else
        tb_text_printf(out, "%.3f", p);
}

void tb_html_megabytes(tb_text *out, uint64_t bytes)
{
    double mb = (double)bytes / 1e6;
    tb_text_printf(out, "%.*f", mb < 99.95 ? 1 : 0, mb);
}

void tb_html_kl(tb_text *out, double kl)
{
    if (kl < 0)
        tb_text_puts(out, "&infin;");
    else if (kl > 0 && kl < 0.00005)
        tb_text_printf(out, "%.0e", kl);
    else
        tb_text_printf(out, "%.4f", kl);
}

timbang_status tb_html_json(tb_text *out, const json_t *value, tb_error *err)
{
    char *text = NULL;
    TB_TRY(tb_json_compact(value, &text, err));
    for (const char *at = text; *at;) {
        size_t plain = strcspn(at, "<");
        tb_text_append(out, at, plain);
        at += plain;
        if (*at) {
            tb_text_puts(out, "\\u003c");
            at++;
        }
    }
    free(text);
    return TIMBANG_OK;
}

void tb_html_row_name(tb_text *out, const tb_report *report, const tb_report_result *result)
{
    if (report->n_models > 1) {
        tb_text_puts(out, "<span class=\"model\">");
        tb_html_name(out, report->models[result->model].name);
        tb_text_puts(out, "</span> ");
    }
    tb_html_name(out, report->variants[result->variant].name);
}

void tb_html_figure_name(tb_text *out, const tb_report *report, size_t result)
{
    const tb_report_result *r = &report->results[result];
    if (report->n_models > 1 && tb_report_first_of_model(report, result)) {
        tb_text_puts(out, "<div class=\"group\">");
        tb_html_name(out, report->models[r->model].name);
        tb_text_puts(out, r->untrained_head ? " <span class=\"mark\">untrained head</span></div>\n" : "</div>\n");
    }
    tb_text_puts(out, "<div class=\"name\">");
    tb_html_name(out, report->variants[r->variant].name);
    tb_text_puts(out, "</div>");
}

double tb_html_percent(double value, double low, double high)
{
    if (!(high > low))
        return 0;
    double percent = 100 * (value - low) / (high - low);
    return percent > 0 ? percent < 100 ? percent : 100 : 0;
}

size_t tb_html_color(size_t i)
{
    return i % 8;
}
