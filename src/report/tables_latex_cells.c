/* SPDX-License-Identifier: Apache-2.0
 * Texts and numbers in LaTeX. What is written needs pdfLaTeX with its default encodings and no package.
 * Includes: report/tables_parts.h, report/html.h (equivalence). Called by: report/tables*, report/methods. */
#include "report/html.h"
#include "report/tables_parts.h"

#include <math.h>
#include <string.h>

/* A text of a table: longer ones would not fit a page. */
enum { MOST_PROSE = 500 };

/* ---- Texts ---- */

/* The escaped form of an ASCII character that is not itself: also those that OT1 prints as others, and the brackets and
 * the star that a row must not begin with. */
static const char *ascii_escape(char c)
{
    switch (c) {
    case '\\':
        return "$\\backslash$";
    case '{':
        return "\\{";
    case '}':
        return "\\}";
    case '$':
        return "\\$";
    case '&':
        return "\\&";
    case '#':
        return "\\#";
    case '%':
        return "\\%";
    case '_':
        return "\\_";
    case '~':
        return "\\~{}";
    case '^':
        return "\\^{}";
    case '<':
        return "$<$";
    case '>':
        return "$>$";
    case '|':
        return "$|$";
    case '"':
        return "''";
    case '`':
        return "{`}";
    case '\'':
        return "{'}";
    case '-':
        return "-{}";
    case '[':
        return "{[}";
    case ']':
        return "{]}";
    case '*':
        return "{*}";
    case '\t':
    case '\n':
    case '\r':
        return " ";
    default:
        return NULL;
    }
}

/* Letters that pdfLaTeX's default font encoding (OT1) can build; tried one by one. */
static bool is_printable(uint32_t c)
{
    static const uint16_t missing[] = {0xab,  0xbb,  0xd0,  0xde,  0xf0,  0xfe,  0x104, 0x105, 0x110,
                                       0x111, 0x118, 0x119, 0x126, 0x127, 0x12e, 0x12f, 0x138, 0x13f,
                                       0x140, 0x149, 0x14a, 0x14b, 0x166, 0x167, 0x172, 0x173};
    static const uint16_t signs[] = {0x2013, 0x2014, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2026, 0x20ac, 0x2122};
    for (size_t i = 0; i < sizeof missing / sizeof missing[0]; i++)
        if (c == missing[i])
            return false;
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
        if (c == signs[i])
            return true;
    return c >= 0xa0 && c < 0x17f;
}

/* most: 0: all. breaks: words longer than so many characters may break; 0: never. */
static void put_text(tb_text *out, const char *text, size_t most, size_t breaks)
{
    size_t length = strlen(text), run = 0, count = 0;
    for (size_t i = 0; i < length;) {
        uint32_t c = 0;
        int bytes = tb_utf8_decode(text + i, length - i, &c);
        if (most > 0 && count + 1 == most && i + (size_t)(bytes > 0 ? bytes : 1) < length) {
            tb_text_puts(out, "\\ldots{}");
            return;
        }
        const char *escape = c < 0x80 && bytes == 1 ? ascii_escape((char)c) : NULL;
        run = c == ' ' || c == '\n' ? 0 : run + 1;
        if (breaks > 0 && run > breaks) {
            tb_text_puts(out, "\\allowbreak{}");
            run = 1;
        }
        if (bytes <= 0 || (c < 0x20 && !escape) || c == 0x7f)
            tb_text_puts(out, "?");
        else if (escape)
            tb_text_puts(out, escape);
        else if (c < 0x80 || is_printable(c))
            tb_text_append(out, text + i, (size_t)bytes);
        else {
            tb_text_printf(out, "\\texttt{U+%04X}", (unsigned)c);
            run += 6;
        }
        i += bytes > 0 ? (size_t)bytes : 1;
        count++;
    }
}

void tb_latex_text(tb_text *out, const char *text)
{
    put_text(out, text, 0, 0);
}

void tb_latex_cut(tb_text *out, const char *text, size_t most)
{
    put_text(out, text, most, 0);
}

void tb_latex_prose(tb_text *out, const char *text)
{
    put_text(out, text, MOST_PROSE, 16);
}

/* ---- Numbers ---- */

static void put_sign(tb_text *out, double value, int decimals, bool plus)
{
    double half = 0.5;
    for (int i = 0; i < decimals; i++)
        half /= 10;
    bool zero = fabs(value) < half; /* no sign on what is printed as 0.000 */
    if (value < 0 && !zero)
        tb_text_puts(out, "$-$");
    else if (value > 0 && plus && !zero)
        tb_text_puts(out, "$+$");
    tb_text_printf(out, "%.*f", decimals, fabs(value));
}

void tb_latex_delta(tb_text *out, double value, int decimals)
{
    put_sign(out, value, decimals, true);
}

void tb_latex_p(tb_text *out, double p)
{
    if (p < 0.001)
        tb_text_puts(out, "$<$0.001");
    else
        tb_text_printf(out, "%.3f", p);
}

/* 2e-05 as $2\cdot10^{-5}$. */
static void put_small(tb_text *out, double value)
{
    double size = fabs(value);
    if (!(size > 0) || size >= 0.00005) {
        put_sign(out, value, 4, false);
        return;
    }
    int exponent = 0;
    for (; size < 1 && exponent < 400; exponent++)
        size *= 10;
    if (size >= 9.5) { /* would be printed as 10 */
        size = 1;
        exponent--;
    }
    tb_text_printf(out, "$%s%.0f\\cdot10^{-%d}$", value < 0 ? "-" : "", size, exponent);
}

static void put_interval(tb_text *out, const double *interval, int decimals, bool plus)
{
    if (isnan(interval[0]) || isnan(interval[1])) {
        tb_text_puts(out, "--");
        return;
    }
    tb_text_puts(out, "{[}");
    put_sign(out, interval[0], decimals, plus);
    tb_text_puts(out, ", ");
    put_sign(out, interval[1], decimals, plus);
    tb_text_puts(out, "{]}");
}

static int ms_decimals(double ms)
{
    return ms < 99.995 ? 2 : 1;
}

static void put_real(tb_text *out, tb_cell_kind kind, double value)
{
    if (isnan(value))
        tb_text_puts(out, "--");
    else if (kind == TB_CELL_P)
        tb_latex_p(out, value);
    else if (kind == TB_CELL_DELTA)
        tb_latex_delta(out, value, 3);
    else if (kind == TB_CELL_KL && (value < 0 || isinf(value)))
        tb_text_puts(out, "$\\infty$");
    else if (isinf(value))
        tb_text_puts(out, value < 0 ? "$-\\infty$" : "$\\infty$");
    else if (kind == TB_CELL_KL || kind == TB_CELL_SMALL)
        put_small(out, value);
    else if (kind == TB_CELL_MS)
        put_sign(out, value, ms_decimals(value), false);
    else
        put_sign(out, value, kind == TB_CELL_RATIO ? 2 : 3, false);
}

static const char *equivalence(const tb_report *report, const tb_report_tests *tests)
{
    return tests->equivalent              ? tb_report_say(report, "yes", "ya")
           : tb_html_beyond_margin(tests) ? tb_report_say(report, "no", "tidak")
                                          : tb_report_say(report, "not shown", "tak terbukti");
}

void tb_latex_cell(tb_text *out, const tb_report *report, const tb_column *column, const tb_row *row)
{
    const void *at = tb_cell_at(column, row);
    if (!at) {
        tb_text_puts(out, "--");
        return;
    }
    switch (column->kind) {
    case TB_CELL_TEXT:
        if (*(const char *const *)at)
            tb_latex_cut(out, *(const char *const *)at, TB_LATEX_NAME);
        else
            tb_text_puts(out, "--");
        break;
    case TB_CELL_COUNT:
        tb_text_printf(out, "%llu", (unsigned long long)*(const uint64_t *)at);
        break;
    case TB_CELL_SIZE:
        tb_text_printf(out, "%zu", *(const size_t *)at);
        break;
    case TB_CELL_BYTES: {
        double mb = (double)*(const uint64_t *)at / 1e6;
        tb_text_printf(out, "%.*f", mb < 9.995 ? 2 : 1, mb);
        break;
    }
    case TB_CELL_SIGNED: {
        int64_t value = *(const int64_t *)at;
        tb_text_printf(out, "%s%lld",
                       value < 0   ? "$-$"
                       : value > 0 ? "$+$"
                                   : "",
                       value < 0 ? -(long long)value : (long long)value);
        break;
    }
    case TB_CELL_FLIPS:
        if (*(const int64_t *)at < 0)
            tb_text_puts(out, tb_report_say(report, "none", "tidak ada"));
        else
            tb_text_printf(out, "%lld", (long long)*(const int64_t *)at);
        break;
    case TB_CELL_YES:
        tb_text_puts(out,
                     *(const bool *)at ? tb_report_say(report, "yes", "ya") : tb_report_say(report, "no", "tidak"));
        break;
    case TB_CELL_EQUIVALENT:
        tb_text_puts(out, equivalence(report, row->base[column->base]));
        break;
    case TB_CELL_PROPORTION:
    case TB_CELL_DELTA:
    case TB_CELL_P:
    case TB_CELL_REAL:
    case TB_CELL_MS:
    case TB_CELL_RATIO:
    case TB_CELL_KL:
    case TB_CELL_SMALL:
        put_real(out, column->kind, *(const double *)at);
        break;
    case TB_CELL_INTERVAL:
        put_interval(out, at, 3, false);
        break;
    case TB_CELL_INTERVAL_DELTA:
        put_interval(out, at, 3, true);
        break;
    case TB_CELL_INTERVAL_RATIO:
        put_interval(out, at, 2, false);
        break;
    case TB_CELL_INTERVAL_MS:
        put_interval(out, at, ms_decimals(((const double *)at)[1]), false);
        break;
    }
}
