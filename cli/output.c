/* The result's buffer. Includes: output.h. Called by: cli. */
#include "output.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool reserve(buffer *out, size_t more)
{
    if (out->failed || more > SIZE_MAX / 4 - out->length) {
        out->failed = true;
        return false;
    }
    size_t need = out->length + more + 1;
    if (need <= out->capacity)
        return true;
    size_t capacity = out->capacity ? out->capacity : 1024;
    while (capacity < need)
        capacity *= 2;
    char *grown = realloc(out->data, capacity);
    if (!grown) {
        out->failed = true;
        return false;
    }
    out->data = grown;
    out->capacity = capacity;
    return true;
}

void put_bytes(buffer *out, const char *bytes, size_t length)
{
    if (!reserve(out, length))
        return;
    if (length)
        memcpy(out->data + out->length, bytes, length);
    out->length += length;
    out->data[out->length] = '\0';
}

void put(buffer *out, const char *text)
{
    put_bytes(out, text, strlen(text));
}

static void put_arguments(buffer *out, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (n < 0 || !reserve(out, (size_t)n)) {
        out->failed = true;
        return;
    }
    vsnprintf(out->data + out->length, (size_t)n + 1, format, args);
    out->length += (size_t)n;
}

void put_format(buffer *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    put_arguments(out, format, args);
    va_end(args);
}

void put_json_text(buffer *out, const char *text)
{
    put(out, "\"");
    const char *plain = text;
    for (const char *c = text; *c; c++) {
        unsigned char byte = (unsigned char)*c;
        if (byte >= 0x20 && byte != '"' && byte != '\\' && byte != 0x7f)
            continue;
        put_bytes(out, plain, (size_t)(c - plain));
        plain = c + 1;
        if (byte == '"' || byte == '\\')
            put_format(out, "\\%c", byte);
        else if (byte == '\n')
            put(out, "\\n");
        else if (byte == '\t')
            put(out, "\\t");
        else if (byte == '\r')
            put(out, "\\r");
        else
            put_format(out, "\\u%04x", byte);
    }
    put(out, plain);
    put(out, "\"");
}

/* JSON wants a digit on both sides of the point, and "1e+20" is fine there. */
void put_double(buffer *out, double value)
{
    char text[40];
    if (!isfinite(value)) {
        put(out, "null");
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    put(out, text);
}

void put_float(buffer *out, float value)
{
    char text[40];
    if (!isfinite(value)) {
        put(out, "null");
        return;
    }
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, (double)value);
        if (strtof(text, NULL) == value)
            break;
    }
    put(out, text);
}

void put_spaces(buffer *out, size_t n)
{
    static const char spaces[] = "                                ";
    for (; n > 0; n -= n < 32 ? n : 32)
        put_bytes(out, spaces, n < 32 ? n : 32);
}

size_t columns_of(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

void put_cell(buffer *out, const char *text, size_t width, bool right)
{
    size_t n = columns_of(text), pad = n < width ? width - n : 0;
    if (right)
        put_spaces(out, pad);
    put(out, text);
    if (!right)
        put_spaces(out, pad);
}

void put_clipped(buffer *out, const char *text, size_t width)
{
    size_t columns = columns_of(text), room = width && columns > width ? (width > 3 ? width - 3 : 1) : columns;
    for (size_t n = 0; *text && n < room; n++) {
        size_t length = 1;
        while (((unsigned char)text[length] & 0xc0) == 0x80)
            length++;
        unsigned char first = (unsigned char)*text, second = (unsigned char)text[length > 1];
        /* ASCII controls, and U+0080 to U+009F, which some terminals obey too. */
        bool control = first < 0x20 || first == 0x7f || (first == 0xc2 && second >= 0x80 && second < 0xa0);
        put_bytes(out, control ? " " : text, control ? 1 : length);
        text += length;
    }
    if (*text)
        put(out, "...");
}

void put_tsv(buffer *out, const char *text)
{
    for (; *text; text++) {
        bool space = *text == '\t' || *text == '\n' || *text == '\r';
        put_bytes(out, space ? " " : text, 1);
    }
}

void buffer_free(buffer *out)
{
    free(out->data);
    *out = (buffer){0};
}

/* Bytes of the valid sequence at text, or 0. */
static size_t sequence_length(const unsigned char *text, size_t left)
{
    unsigned char a = text[0];
    size_t n = a < 0x80 ? 1 : a >= 0xc2 && a < 0xe0 ? 2 : a >= 0xe0 && a < 0xf0 ? 3 : a >= 0xf0 && a < 0xf5 ? 4 : 0;
    if (n == 0 || n > left)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    bool bad = (a == 0xe0 && text[1] < 0xa0) || (a == 0xed && text[1] > 0x9f) || (a == 0xf0 && text[1] < 0x90) ||
               (a == 0xf4 && text[1] > 0x8f); /* overlong, surrogate, beyond U+10FFFF */
    return bad ? 0 : n;
}

size_t invalid_utf8_at(const char *text, size_t length)
{
    for (size_t i = 0; i < length;) {
        size_t n = sequence_length((const unsigned char *)text + i, length - i);
        if (n == 0)
            return i;
        i += n;
    }
    return SIZE_MAX;
}

void put_word(buffer *out, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
    if (*word && word[strspn(word, plain)] == '\0') {
        put(out, word);
        return;
    }
    put(out, "'");
    for (; *word; word++)
        if (*word == '\'')
            put(out, "'\\''");
        else
            put_bytes(out, word, 1);
    put(out, "'");
}
