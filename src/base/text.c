/* Growing strings, UTF-8 steps, numbers without locale. Includes: base/text.h. Called by: readers, writers, reports. */
#include "base/text.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* printf and strtod follow the caller's locale; this is the C locale for the length of one call, on this thread. */
struct c_locale {
    locale_t made, before;
};

static struct c_locale c_locale_enter(void)
{
    struct c_locale scope = {(locale_t)0, (locale_t)0};
    const char *point = localeconv()->decimal_point;
    if (point[0] == '.' && point[1] == '\0')
        return scope;
    scope.made = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (scope.made)
        scope.before = uselocale(scope.made);
    return scope;
}

static void c_locale_leave(struct c_locale scope)
{
    if (!scope.made)
        return;
    uselocale(scope.before);
    freelocale(scope.made);
}

static bool text_reserve(tb_text *text, size_t more)
{
    size_t need;
    if (text->failed || !tb_add_size(text->length, more, &need) || !tb_add_size(need, 1, &need)) {
        text->failed = true;
        return false;
    }
    if (need <= text->capacity)
        return true;
    size_t capacity = text->capacity ? text->capacity : 64;
    while (capacity < need)
        capacity = capacity > SIZE_MAX / 2 ? need : capacity * 2;
    char *grown = realloc(text->data, capacity);
    if (!grown) {
        text->failed = true;
        return false;
    }
    text->data = grown;
    text->capacity = capacity;
    return true;
}

void tb_text_append(tb_text *text, const char *bytes, size_t length)
{
    if (!text_reserve(text, length))
        return;
    if (length)
        memcpy(text->data + text->length, bytes, length);
    text->length += length;
    text->data[text->length] = '\0';
}

void tb_text_puts(tb_text *text, const char *string)
{
    tb_text_append(text, string, strlen(string));
}

void tb_text_putc(tb_text *text, char byte)
{
    tb_text_append(text, &byte, 1);
}

void tb_text_printf(tb_text *text, const char *format, ...)
{
    struct c_locale scope = c_locale_enter();
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0)
        text->failed = true;
    else if (text_reserve(text, (size_t)length)) {
        vsnprintf(text->data + text->length, (size_t)length + 1, format, again);
        text->length += (size_t)length;
    }
    va_end(again);
    c_locale_leave(scope);
}

void tb_text_free(tb_text *text)
{
    free(text->data);
    memset(text, 0, sizeof *text);
}

timbang_status tb_text_finish(const tb_text *text, tb_error *err)
{
    return text->failed ? tb_no_memory(err, text->length) : TIMBANG_OK;
}

int tb_utf8_decode(const char *text, size_t length, uint32_t *code_point)
{
    if (length == 0)
        return 0;
    const unsigned char *b = (const unsigned char *)text;
    if (b[0] < 0x80) {
        *code_point = b[0];
        return 1;
    }
    int n = b[0] >= 0xf0 ? 4 : b[0] >= 0xe0 ? 3 : 2;
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    if (b[0] < 0xc2 || b[0] > 0xf4 || (size_t)n > length)
        return -1;
    uint32_t value = b[0] & (0xffU >> (n + 1));
    for (int i = 1; i < n; i++) {
        if ((b[i] & 0xc0) != 0x80)
            return -1;
        value = value << 6 | (b[i] & 0x3fU);
    }
    if (value < least[n] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return -1;
    *code_point = value;
    return n;
}

int tb_utf8_encode(uint32_t code_point, char out[4])
{
    if (code_point < 0x80) {
        out[0] = (char)code_point;
        return 1;
    }
    int n = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
    static const unsigned lead[5] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (int i = n - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code_point & 0x3f));
        code_point >>= 6;
    }
    out[0] = (char)(lead[n] | code_point);
    return n;
}

size_t tb_utf8_invalid_at(const char *text, size_t length)
{
    size_t at = 0;
    while (at < length) {
        if ((unsigned char)text[at] < 0x80) {
            at++;
            continue;
        }
        uint32_t code_point;
        int n = tb_utf8_decode(text + at, length - at, &code_point);
        if (n < 0)
            return at;
        at += (size_t)n;
    }
    return SIZE_MAX;
}

bool tb_parse_double(const char *text, double *value)
{
    if (text[0] == '\0' || strchr(" \t\n\r\f\v", text[0]))
        return false;
    struct c_locale scope = c_locale_enter();
    char *end;
    double parsed = strtod(text, &end);
    c_locale_leave(scope);
    if (*end != '\0')
        return false;
    *value = parsed;
    return true;
}

bool tb_parse_u64(const char *text, uint64_t *value)
{
    uint64_t parsed = 0;
    if (text[0] == '\0')
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || !tb_mul_u64(parsed, 10, &parsed) ||
            !tb_add_u64(parsed, (uint64_t)(*text - '0'), &parsed))
            return false;
    }
    *value = parsed;
    return true;
}

const char *tb_human_bytes(uint64_t bytes, char out[32])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    uint64_t scale = 1;
    size_t unit = 0;
    while (unit < 5 && bytes / scale >= 1000) {
        scale *= 1000;
        unit++;
    }
    if (unit == 0) {
        snprintf(out, 32, "%llu B", (unsigned long long)bytes);
        return out;
    }
    uint64_t whole = bytes / scale, tenth = bytes % scale * 10 / scale;
    if (whole >= 100)
        snprintf(out, 32, "%llu %s", (unsigned long long)whole, units[unit]);
    else
        snprintf(out, 32, "%llu.%llu %s", (unsigned long long)whole, (unsigned long long)tenth, units[unit]);
    return out;
}

/* Levenshtein distance with one row; words beyond 63 bytes are not compared. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b), row[64];
    if (n > 63 || m > 63)
        return SIZE_MAX;
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[m];
}

int tb_closest(const char *word, const char *const *names, size_t n_names)
{
    int best = -1;
    size_t least = strlen(word) / 3 + 2; /* allowed: fewer edits than this */
    for (size_t i = 0; i < n_names; i++) {
        size_t distance = edit_distance(word, names[i]);
        if (distance < least) {
            least = distance;
            best = (int)i;
        }
    }
    return best;
}
