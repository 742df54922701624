/* SPDX-License-Identifier: Apache-2.0
 * Text in a terminal.
 * Includes: report/terminal.h. Called by: report/table. */
#include "report/terminal.h"

#include <string.h>

typedef struct range {
    uint32_t first, last;
} range;

static bool in_ranges(uint32_t c, const range *ranges, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (c >= ranges[i].first && c <= ranges[i].last)
            return true;
    return false;
}

/* The common blocks of combining marks and joiners, not all of Unicode: a table may be off by one there. */
static bool is_combining(uint32_t c)
{
    static const range marks[] = {{0x300, 0x36f},   {0x483, 0x489},   {0x591, 0x5bd},   {0x610, 0x61a},
                                  {0x64b, 0x65f},   {0x93a, 0x93c},   {0x941, 0x948},   {0xe31, 0xe31},
                                  {0xe34, 0xe3a},   {0xe47, 0xe4e},   {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff},
                                  {0x200b, 0x200d}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}};
    return in_ranges(c, marks, sizeof marks / sizeof marks[0]);
}

static bool is_wide(uint32_t c)
{
    static const range wide[] = {{0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0xa4cf},   {0xac00, 0xd7a3},
                                 {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},
                                 {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1faff}, {0x20000, 0x3fffd}};
    return in_ranges(c, wide, sizeof wide / sizeof wide[0]);
}

static bool is_control(uint32_t c)
{
    static const range controls[] = {{0, 0x1f},        {0x7f, 0x9f},     {0x200e, 0x200f}, {0x2028, 0x202e},
                                     {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}};
    return in_ranges(c, controls, sizeof controls / sizeof controls[0]);
}

static size_t columns_of(uint32_t c)
{
    return is_combining(c) ? 0 : is_wide(c) ? 2 : 1;
}

size_t tb_terminal_width(const char *text)
{
    size_t width = 0, length = strlen(text);
    for (size_t i = 0; i < length;) {
        uint32_t c = 0;
        int bytes = tb_utf8_decode(text + i, length - i, &c);
        width += bytes > 0 ? columns_of(c) : 1;
        i += bytes > 0 ? (size_t)bytes : 1;
    }
    return width;
}

static void put_safe(tb_text *out, const char *text)
{
    size_t length = strlen(text);
    for (size_t i = 0; i < length;) {
        uint32_t c = 0;
        int bytes = tb_utf8_decode(text + i, length - i, &c);
        if (bytes <= 0)
            tb_text_puts(out, "\xef\xbf\xbd");
        else if (is_control(c))
            tb_text_printf(out, "\\u%04x", (unsigned)c);
        else
            tb_text_append(out, text + i, (size_t)bytes);
        i += bytes > 0 ? (size_t)bytes : 1;
    }
}

void tb_terminal_put(tb_text *out, const char *text, size_t max)
{
    size_t begin = out->length;
    put_safe(out, text);
    if (out->failed || max == 0 || tb_terminal_width(out->data + begin) <= max)
        return;
    size_t at = begin, width = 0;
    while (at < out->length) {
        uint32_t c = 0;
        int bytes = tb_utf8_decode(out->data + at, out->length - at, &c);
        if (bytes <= 0 || width + columns_of(c) + 1 > max)
            break;
        width += columns_of(c);
        at += (size_t)bytes;
    }
    out->length = at;
    tb_text_puts(out, "…");
}
