/* SPDX-License-Identifier: Apache-2.0
 * Escaping, numbers and headings for report.html.
 * Includes: report/html.h. Called by: report. */
#include "report/html.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd"
#define MINUS       "\xe2\x88\x92"

/* Bytes of a code point that changes the writing direction or separates lines, where such a one stands at text. */
static size_t unwanted(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    if (at[0] == 0xe2 && at[1] == 0x80 && ((at[2] >= 0xa8 && at[2] <= 0xae) || at[2] == 0x8e || at[2] == 0x8f))
        return 3; /* U+2028 to U+202E, U+200E, U+200F */
    if (at[0] == 0xe2 && at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9)
        return 3; /* U+2066 to U+2069 */
    return 0;
}

void tb_html_text(tb_text *out, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        size_t skip = unwanted(text);
        if (skip > 0) {
            tb_text_puts(out, REPLACEMENT);
            text += skip - 1;
        } else if (c == '&')
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
            tb_text_puts(out, c == '\n' || c == '\t' ? " " : REPLACEMENT);
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

const char *tb_html_say(tb_text *out, const tb_report *report, const char *en, const char *id)
{
    const char *text = tb_report_say(report, en, id);
    tb_text_puts(out, text);
    return text;
}

/* ---- Numbers ---- */

void tb_html_p(tb_text *out, double p)
{
    if (isnan(p))
        tb_text_puts(out, "&ndash;");
    else if (p < 0.001)
        tb_text_puts(out, "&lt;&#8239;0.001");
    else
        tb_text_printf(out, p < 0.0995 ? "%.3f" : "%.2f", p);
}

void tb_html_p_equals(tb_text *out, double p)
{
    tb_text_puts(out, "<i>p</i>&nbsp;");
    tb_text_puts(out, p < 0.001 ? "" : "=&nbsp;");
    tb_html_p(out, p);
}

void tb_html_signed(tb_text *out, double value, int decimals)
{
    double size = fabs(value), unit = pow(10, -decimals);
    if (size < unit / 2)
        tb_text_printf(out, "%.*f", decimals, 0.0);
    else
        tb_text_printf(out, "%s%.*f", value < 0 ? MINUS : "+", decimals, size);
}

void tb_html_shift(tb_text *out, int64_t texts)
{
    uint64_t size = texts < 0 ? (uint64_t)0 - (uint64_t)texts : (uint64_t)texts;
    tb_text_puts(out, texts < 0 ? MINUS : texts > 0 ? "+" : "");
    tb_html_count(out, size);
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

void tb_html_ms(tb_text *out, double ms)
{
    tb_text_printf(out, "%.*f", ms < 0.0995 ? 3 : ms < 9.995 ? 2 : ms < 99.95 ? 1 : 0, ms);
}

static void put_groups(tb_text *out, uint64_t count)
{
    if (count < 1000) {
        tb_text_printf(out, "%llu", (unsigned long long)count);
        return;
    }
    put_groups(out, count / 1000);
    tb_text_printf(out, "&#8239;%03llu", (unsigned long long)(count % 1000));
}

void tb_html_count(tb_text *out, uint64_t count)
{
    enum { PLAIN = 10000 };
    if (count < PLAIN)
        tb_text_printf(out, "%llu", (unsigned long long)count);
    else
        put_groups(out, count);
}

void tb_html_margin(tb_text *out, double margin)
{
    tb_text_printf(out, "&plusmn;%g", margin);
}

const char *tb_html_texts(const tb_report *report, uint64_t n)
{
    return tb_report_say(report, n == 1 ? "text" : "texts", "teks");
}

/* The record gives the reason in English. */
const char *tb_html_energy(const tb_report *report)
{
    static const struct {
        const char *en, *id;
    } reasons[] = {
        {"no RAPL meter on this machine", "tidak ada pengukur RAPL pada mesin ini"},
        {"energy_uj is readable by root only", "energy_uj hanya dapat dibaca oleh root"},
        {"energy_uj cannot be read", "energy_uj tidak dapat dibaca"},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (strcmp(report->energy_source, reasons[i].en) == 0)
            return tb_report_say(report, reasons[i].en, reasons[i].id);
    return report->energy_source;
}

double tb_html_percent(double value, double low, double high)
{
    if (!(high > low))
        return 0;
    double percent = 100 * (value - low) / (high - low);
    return percent > 0 ? percent < 100 ? percent : 100 : 0;
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

/* ---- Names and headings ---- */

void tb_html_row_name(tb_text *out, const tb_report *report, const tb_report_result *result)
{
    if (report->n_models > 1) {
        tb_text_puts(out, "<span class=\"model\">");
        tb_html_name(out, report->models[result->model].name);
        tb_text_puts(out, "</span> ");
    }
    tb_html_name(out, report->variants[result->variant].name);
}

void tb_html_where(tb_text *out, const tb_report *report, size_t model, size_t set)
{
    tb_html_name(out, report->models[model].name);
    tb_html_say(out, report, " on ", " pada ");
    tb_html_name(out, report->sets[set].name);
}

void tb_html_heading(tb_text *out, const tb_report *report, int level, const char *en, const char *id)
{
    tb_text_printf(out, "<h%d>%s</h%d>\n", level, tb_report_say(report, en, id), level);
}

void tb_html_begin_details(tb_text *out, const tb_report *report, const char *en, const char *id, bool open)
{
    tb_text_printf(out, "<details%s><summary>%s</summary>\n", open ? " open" : "", tb_report_say(report, en, id));
}

void tb_html_end_details(tb_text *out)
{
    tb_text_puts(out, "</details>\n");
}
