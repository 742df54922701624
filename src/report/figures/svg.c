/* SPDX-License-Identifier: Apache-2.0
 * Drawing pieces: the frame, shapes, text with measured width, numbers as text.
 * Includes: report/figures/svg.h. Called by: report/figures. */
#include "report/figures/svg.h"

#include "report/terminal.h"

#include <math.h>
#include <string.h>

/* ---- The drawing ---- */

void tb_svg_begin(tb_svg *svg, const char *name, const tb_report *report, size_t set, double width)
{
    *svg = (tb_svg){.report = report, .set = set, .name = name, .width = width};
}

const char *tb_svg_say(const tb_svg *svg, const char *en, const char *id)
{
    return tb_report_say(svg->report, en, id);
}

/* Two decimals, without the zeros that say nothing. */
static void put_number(tb_text *out, double value)
{
    enum { FAR = 100000 };
    if (!(value == value))
        value = 0;
    value = value > FAR ? FAR : value < -FAR ? -FAR : value;
    long long hundredths = (long long)(value * 100 + (value < 0 ? -0.5 : 0.5));
    unsigned long long size = hundredths < 0 ? (unsigned long long)-hundredths : (unsigned long long)hundredths;
    tb_text_printf(out, "%s%llu", hundredths < 0 ? "-" : "", size / 100);
    if (size % 100)
        tb_text_printf(out, size % 10 ? ".%02llu" : ".%llu", size % 10 ? size % 100 : size % 100 / 10);
}

void tb_svg_end(tb_svg *svg, tb_text *out, double height, const char *title)
{
    char id[96];
    tb_text ids = {0};
    tb_text_printf(&ids, "fig-%s-%zu", svg->name, svg->set);
    size_t length = ids.length < sizeof id - 1 ? ids.length : sizeof id - 1;
    memcpy(id, ids.data ? ids.data : "", length);
    id[length] = '\0';
    tb_text_puts(out, "<svg class=\"tbf\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 ");
    put_number(out, svg->width);
    tb_text_putc(out, ' ');
    put_number(out, height);
    tb_text_puts(out, "\" width=\"100%\" style=\"max-width:");
    put_number(out, svg->width);
    tb_text_printf(out, "px\" role=\"img\" aria-labelledby=\"%s-t %s-d\">\n<title id=\"%s-t\">", id, id, id);
    tb_svg_escape(out, title);
    tb_text_printf(out, "</title>\n<desc id=\"%s-d\">", id);
    tb_svg_escape(out, svg->desc.data ? svg->desc.data : "");
    tb_text_puts(out, "</desc>\n");
    tb_text_append(out, svg->body.data ? svg->body.data : "", svg->body.length);
    tb_text_puts(out, "</svg>\n");
    out->failed |= svg->body.failed || svg->desc.failed || svg->scratch.failed || ids.failed;
    tb_text_free(&ids);
    tb_text_free(&svg->body);
    tb_text_free(&svg->desc);
    tb_text_free(&svg->scratch);
}

/* ---- Shapes ---- */

static void put_attribute(tb_text *out, const char *name, double value)
{
    tb_text_putc(out, ' ');
    tb_text_puts(out, name);
    tb_text_puts(out, "=\"");
    put_number(out, value);
    tb_text_putc(out, '"');
}

static void open_shape(tb_svg *svg, const char *element, const char *kind)
{
    tb_text_putc(&svg->body, '<');
    tb_text_puts(&svg->body, element);
    tb_text_puts(&svg->body, " class=\"");
    tb_text_puts(&svg->body, kind);
    tb_text_putc(&svg->body, '"');
}

void tb_svg_line(tb_svg *svg, const char *kind, double x1, double y1, double x2, double y2)
{
    open_shape(svg, "line", kind);
    put_attribute(&svg->body, "x1", x1);
    put_attribute(&svg->body, "y1", y1);
    put_attribute(&svg->body, "x2", x2);
    put_attribute(&svg->body, "y2", y2);
    tb_text_puts(&svg->body, "/>\n");
}

void tb_svg_rect(tb_svg *svg, const char *kind, double x, double y, double width, double height, double radius)
{
    open_shape(svg, "rect", kind);
    put_attribute(&svg->body, "x", x);
    put_attribute(&svg->body, "y", y);
    put_attribute(&svg->body, "width", width > 0 ? width : 0);
    put_attribute(&svg->body, "height", height > 0 ? height : 0);
    if (radius > 0)
        put_attribute(&svg->body, "rx", radius);
    tb_text_puts(&svg->body, "/>\n");
}

void tb_svg_circle(tb_svg *svg, const char *kind, double x, double y, double radius)
{
    open_shape(svg, "circle", kind);
    put_attribute(&svg->body, "cx", x);
    put_attribute(&svg->body, "cy", y);
    put_attribute(&svg->body, "r", radius > 0 ? radius : 0);
    tb_text_puts(&svg->body, "/>\n");
}

static void put_polygon(tb_svg *svg, const char *kind, const double *points, size_t n)
{
    open_shape(svg, "polygon", kind);
    tb_text_puts(&svg->body, " points=\"");
    for (size_t i = 0; i < n; i++) {
        put_number(&svg->body, points[2 * i]);
        tb_text_putc(&svg->body, ',');
        put_number(&svg->body, points[2 * i + 1]);
        tb_text_puts(&svg->body, i + 1 < n ? " " : "\"/>\n");
    }
}

void tb_svg_diamond(tb_svg *svg, const char *kind, double x, double y, double radius)
{
    const double points[] = {x, y - radius, x + radius, y, x, y + radius, x - radius, y};
    put_polygon(svg, kind, points, 4);
}

void tb_svg_arrow_x(tb_svg *svg, const char *kind, double x, double y, int direction)
{
    const double points[] = {x, y, x - 7 * direction, y - 4, x - 7 * direction, y + 4};
    put_polygon(svg, kind, points, 3);
}

void tb_svg_arrow_down(tb_svg *svg, const char *kind, double x, double y)
{
    const double points[] = {x, y, x - 4, y - 7, x + 4, y - 7};
    put_polygon(svg, kind, points, 3);
}

/* ---- Text ---- */

static const struct {
    const char *kind;
    double size, stretch; /* bold letters are wider */
} fonts[TB_N_FONTS] = {
    [TB_FONT_NAME] = {"f-name", 13, 1},   [TB_FONT_STRONG] = {"f-strong", 13, 1.12},
    [TB_FONT_VALUE] = {"f-value", 12, 1}, [TB_FONT_SOFT] = {"f-soft", 12, 1},
    [TB_FONT_TICK] = {"f-tick", 11, 1},   [TB_FONT_INSIDE] = {"f-inside", 11, 1},
};

/* Of U+0020 to U+007E in hundredths of the font's size: DejaVu Sans, which is wider than Helvetica, Arial and the
 * system fonts that may stand in for them. */
static const unsigned char ascii_widths[95] = {
    32, 40, 46, 84, 64, 95, 78, 27, 39,  39, 50, 84, 32, 36, 32, 34, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 34, 34, 84, 84, 84, 53, 100, 68, 69, 70, 77, 63, 58, 77, 75, 29, 29, 66, 56, 86, 75, 79,
    60, 79, 69, 63, 61, 73, 68, 99, 69,  61, 69, 39, 34, 39, 84, 50, 50, 61, 63, 55, 63, 62, 35, 63,
    63, 28, 28, 58, 28, 97, 63, 61, 63,  63, 41, 52, 39, 63, 59, 82, 59, 59, 52, 64, 34, 64, 84};

/* Bytes of the first character (at least 1, and not past the end) and its width in hundredths. */
static size_t first_character(const char *text, double *width)
{
    unsigned char c = (unsigned char)text[0];
    if (c < 0x80) {
        *width = c >= 0x20 && c < 0x7f ? ascii_widths[c - 0x20] : 66;
        return 1;
    }
    uint32_t code = 0;
    int n = tb_utf8_decode(text, strlen(text), &code);
    if (n <= 0) {
        *width = 100;
        return 1;
    }
    char one[5] = {0};
    memcpy(one, text, (size_t)n);
    size_t columns = tb_terminal_width(one);
    bool sign = code == 0xb1 || code == 0xd7 || (code >= 0x2190 && code < 0x2300);
    *width = columns == 0                       ? 0
             : code == 0x2009 || code == 0x202f ? 20
             : code == 0x2026                   ? 100
             : columns > 1                      ? 105
             : sign                             ? 84
                                                : 68;
    return (size_t)n;
}

double tb_svg_measure(tb_svg_font font, const char *text)
{
    double sum = 0;
    for (double width; *text; sum += width)
        text += first_character(text, &width);
    return sum / 100 * fonts[font].size * fonts[font].stretch;
}

/* Appends text, its middle replaced by an ellipsis where it is wider than most. Returns true if it was cut. */
static bool put_fitting(tb_text *out, tb_svg_font font, double most, const char *text)
{
    if (!(most > 0) || tb_svg_measure(font, text) <= most) {
        tb_svg_escape(out, text);
        return false;
    }
    const double unit = fonts[font].size * fonts[font].stretch / 100;
    double room = most - 100 * unit; /* beside the ellipsis */
    double head = 0, width;
    size_t begin = 0, end = strlen(text);
    for (size_t n; text[begin]; begin += n, head += width * unit) {
        n = first_character(text + begin, &width);
        if (head + width * unit > room * 0.6)
            break;
    }
    double tail = 0;
    for (size_t at = end; at > begin; end = at, tail += width * unit) {
        do
            at--;
        while (at > begin && ((unsigned char)text[at] & 0xc0) == 0x80);
        first_character(text + at, &width);
        if (head + tail + width * unit > room)
            break;
    }
    tb_text cut = {0};
    tb_text_append(&cut, text, begin);
    tb_text_puts(&cut, "\xe2\x80\xa6");
    tb_text_puts(&cut, text + end);
    tb_svg_escape(out, cut.data ? cut.data : "");
    out->failed |= cut.failed;
    tb_text_free(&cut);
    return true;
}

void tb_svg_text(tb_svg *svg, tb_svg_font font, double x, double y, tb_svg_anchor anchor, double most, const char *text)
{
    static const char *const anchors[] = {"", " text-anchor=\"middle\"", " text-anchor=\"end\""};
    if (!text || !*text)
        return;
    open_shape(svg, "text", fonts[font].kind);
    put_attribute(&svg->body, "x", x);
    put_attribute(&svg->body, "y", y);
    tb_text_puts(&svg->body, anchors[anchor]);
    tb_text_putc(&svg->body, '>');
    if (most > 0 && tb_svg_measure(font, text) > most) {
        tb_text_puts(&svg->body, "<title>");
        tb_svg_escape(&svg->body, text);
        tb_text_puts(&svg->body, "</title>");
    }
    put_fitting(&svg->body, font, most, text);
    tb_text_puts(&svg->body, "</text>\n");
}

tb_text *tb_svg_scratch(tb_svg *svg)
{
    svg->scratch.length = 0;
    if (svg->scratch.data)
        svg->scratch.data[0] = '\0';
    return &svg->scratch;
}

void tb_svg_put_scratch(tb_svg *svg, tb_svg_font font, double x, double y, tb_svg_anchor anchor)
{
    tb_svg_text(svg, font, x, y, anchor, 0, svg->scratch.data);
}

/* Characters that XML 1.0 forbids, controls, and overrides of the writing direction. */
static bool unwanted(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x202a && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069) || (code & 0xfffe) == 0xfffe;
}

void tb_svg_escape(tb_text *out, const char *text)
{
    size_t left = strlen(text);
    for (int n; left; text += n, left -= (size_t)n) {
        uint32_t code = 0;
        n = tb_utf8_decode(text, left, &code);
        if (n <= 0) {
            n = 1;
            tb_text_puts(out, "\xef\xbf\xbd");
        } else if (code == '\n' || code == '\t' || code == '\r')
            tb_text_putc(out, ' ');
        else if (unwanted(code))
            tb_text_puts(out, "\xef\xbf\xbd");
        else if (code == '&')
            tb_text_puts(out, "&amp;");
        else if (code == '<')
            tb_text_puts(out, "&lt;");
        else if (code == '>')
            tb_text_puts(out, "&gt;");
        else if (code == '"')
            tb_text_puts(out, "&quot;");
        else
            tb_text_append(out, text, (size_t)n);
    }
}

/* ---- Numbers as text ---- */

void tb_svg_put_real(tb_text *out, double value, int decimals)
{
    enum { PLAIN = 100000 };
    if (!isfinite(value))
        tb_text_puts(out, "\xe2\x80\x93");
    else if (value < 0)
        tb_svg_put_signed(out, value, decimals);
    else
        tb_text_printf(out, value < PLAIN ? "%.*f" : "%.*e", value < PLAIN ? decimals : 1, value);
}

void tb_svg_put_signed(tb_text *out, double value, int decimals)
{
    if (isfinite(value) && fabs(value) >= 0.5 * pow(10, -decimals))
        tb_text_puts(out, value < 0 ? "\xe2\x88\x92" : "+");
    tb_svg_put_real(out, fabs(value), decimals);
}

void tb_svg_put_p(tb_text *out, double p)
{
    if (p < 0.001)
        tb_text_puts(out, "<\xe2\x80\x89"
                          "0.001");
    else
        tb_svg_put_real(out, p, 3);
}

void tb_svg_put_count(tb_text *out, uint64_t count)
{
    if (count >= 1000) {
        tb_svg_put_count(out, count / 1000);
        tb_text_printf(out, "\xe2\x80\x89%03u", (unsigned)(count % 1000));
    } else {
        tb_text_printf(out, "%u", (unsigned)count);
    }
}

void tb_svg_put_short(tb_text *out, uint64_t count)
{
    enum { PLAIN = 100000 };
    if (count < PLAIN)
        tb_text_printf(out, "%llu", (unsigned long long)count);
    else
        tb_text_printf(out, "%.1e", (double)count);
}

void tb_svg_put_megabytes(tb_text *out, uint64_t bytes)
{
    double mb = (double)bytes / 1e6;
    tb_svg_put_real(out, mb, mb < 1 ? 2 : mb < 99.95 ? 1 : 0);
}

void tb_svg_put_ms(tb_text *out, double ms)
{
    tb_svg_put_real(out, ms, ms < 0.9995 ? 3 : ms < 9.995 ? 2 : ms < 99.95 ? 1 : 0);
}
