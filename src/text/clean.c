/* Optional clean-up of raw text. Includes: text/clean.h, text/unicode.h, text/stopwords.h. Called by: api. */
#include "text/clean.h"

#include "text/stopwords.h"
#include "text/unicode.h"

#include <string.h>

struct step {
    const char *name;
    unsigned flag;
    void (*apply)(const char *text, size_t length, tb_text *out);
};

static uint8_t flags_of(uint32_t c)
{
    return tb_unicode_of(c)->flags;
}

static uint32_t next(const char *text, size_t length, size_t at, size_t *after)
{
    uint32_t c = (uint8_t)text[at];
    *after = at + (size_t)(c < 0x80 ? 1 : tb_utf8_decode(text + at, length - at, &c));
    return c;
}

static bool starts_with(const char *text, size_t length, const char *ascii)
{
    size_t n = strlen(ascii);
    for (size_t i = 0; i < n; i++)
        if (i >= length || (text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i]) != ascii[i])
            return false;
    return true;
}

static void urls(const char *text, size_t length, tb_text *out)
{
    bool after_word = false;
    for (size_t at = 0, after; at < length; at = after) {
        const char *rest = text + at;
        size_t left = length - at;
        uint32_t c = next(text, length, at, &after);
        if (!after_word && (starts_with(rest, left, "http://") || starts_with(rest, left, "https://") ||
                            starts_with(rest, left, "www."))) {
            while (after < length) {
                size_t further;
                if (flags_of(next(text, length, after, &further)) & TB_UNICODE_SPACE)
                    break;
                after = further;
            }
            tb_text_putc(out, ' ');
            continue;
        }
        after_word = flags_of(c) & TB_UNICODE_WORD;
        tb_text_append(out, rest, after - at);
    }
}

static bool is_name_byte(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

static void mentions(const char *text, size_t length, tb_text *out)
{
    bool after_word = false;
    for (size_t at = 0, after; at < length; at = after) {
        uint32_t c = next(text, length, at, &after);
        if (c == '@' && !after_word && after < length && is_name_byte(text[after])) {
            while (after < length && is_name_byte(text[after]))
                after++;
            tb_text_putc(out, ' ');
            continue;
        }
        after_word = flags_of(c) & TB_UNICODE_WORD;
        tb_text_append(out, text + at, after - at);
    }
}

static void lower(const char *text, size_t length, tb_text *out)
{
    for (size_t at = 0, after; at < length; at = after) {
        uint32_t mapped[TB_UNICODE_DECOMPOSED_MAX];
        int n = tb_unicode_lower(next(text, length, at, &after), mapped);
        for (int i = 0; i < n; i++) {
            char bytes[4];
            tb_text_append(out, bytes, (size_t)tb_utf8_encode(mapped[i], bytes));
        }
    }
}

static void letters(const char *text, size_t length, tb_text *out)
{
    for (size_t at = 0, after; at < length; at = after) {
        uint32_t c = next(text, length, at, &after);
        if (flags_of(c) & (TB_UNICODE_LETTER | TB_UNICODE_SPACE))
            tb_text_append(out, text + at, after - at);
        else
            tb_text_putc(out, ' ');
    }
}

/* The list is ASCII and short, so a word is one only if it fits the buffer and is ASCII. */
static bool is_stopword(const char *word, size_t length)
{
    char small[32];
    if (length > sizeof small)
        return false;
    for (size_t i = 0; i < length; i++)
        small[i] = word[i] >= 'A' && word[i] <= 'Z' ? (char)(word[i] + 32) : word[i];
    return tb_is_stopword(small, length);
}

static void stopwords(const char *text, size_t length, tb_text *out)
{
    for (size_t at = 0, after; at < length; at = after) {
        size_t end = at;
        while (end < length && (flags_of(next(text, length, end, &after)) & TB_UNICODE_WORD))
            end = after;
        if (end == at) {
            next(text, length, at, &after);
            tb_text_append(out, text + at, after - at);
            continue;
        }
        after = end;
        if (!is_stopword(text + at, end - at))
            tb_text_append(out, text + at, end - at);
    }
}

static void spaces(const char *text, size_t length, tb_text *out)
{
    size_t start = out->length;
    bool gap = false;
    for (size_t at = 0, after; at < length; at = after) {
        uint32_t c = next(text, length, at, &after);
        if (flags_of(c) & TB_UNICODE_SPACE) {
            gap = true;
            continue;
        }
        if (gap && out->length > start)
            tb_text_putc(out, ' ');
        gap = false;
        tb_text_append(out, text + at, after - at);
    }
}

/* In the order in which they are applied. */
static const struct step steps[] = {
    {"urls", TIMBANG_CLEAN_URLS, urls},
    {"mentions", TIMBANG_CLEAN_MENTIONS, mentions},
    {"lower", TIMBANG_CLEAN_LOWER, lower},
    {"letters", TIMBANG_CLEAN_LETTERS, letters},
    {"stopwords", TIMBANG_CLEAN_STOPWORDS, stopwords},
    {"spaces", TIMBANG_CLEAN_SPACES, spaces},
};
enum { N_STEPS = sizeof steps / sizeof steps[0] };

timbang_status tb_clean_parse(const char *list, unsigned *flags, tb_error *err)
{
    unsigned found = 0;
    if (!list)
        list = "";
    while (*list) {
        size_t length = strcspn(list, ","), i = 0;
        for (; i < N_STEPS; i++)
            if (strlen(steps[i].name) == length && memcmp(steps[i].name, list, length) == 0)
                break;
        if (i == N_STEPS) {
            const char *names[N_STEPS];
            char word[32] = {0};
            memcpy(word, list, length < sizeof word ? length : sizeof word - 1);
            for (i = 0; i < N_STEPS; i++)
                names[i] = steps[i].name;
            int near = tb_closest(word, names, N_STEPS);
            return tb_fail(err, TIMBANG_USAGE,
                           "unknown clean-up '%s'%s%s%s; lower, spaces, urls, mentions, letters and stopwords exist",
                           word, near < 0 ? "" : " (did you mean '", near < 0 ? "" : names[near],
                           near < 0 ? "" : "'?)");
        }
        found |= steps[i].flag;
        list += length;
        if (*list == ',' && *++list == '\0')
            return tb_fail(err, TIMBANG_USAGE, "the list of clean-ups ends with a comma");
    }
    *flags = found;
    return TIMBANG_OK;
}

const char *tb_clean_text_of(unsigned flags, char out[80])
{
    size_t length = 0;
    for (size_t i = 0; i < N_STEPS; i++) {
        if (!(flags & steps[i].flag))
            continue;
        size_t n = strlen(steps[i].name);
        if (length > 0)
            out[length++] = ',';
        memcpy(out + length, steps[i].name, n);
        length += n;
    }
    out[length] = '\0';
    return out;
}

timbang_status tb_clean_with(unsigned flags, const char *text, size_t length, tb_text work[2], tb_text *out,
                             tb_error *err)
{
    size_t bad = tb_utf8_invalid_at(text, length);
    if (bad != SIZE_MAX)
        return tb_fail(err, TIMBANG_DATA, "the text is not valid UTF-8: byte 0x%02x at offset %zu",
                       (unsigned)(uint8_t)text[bad], bad);
    tb_text *now = &work[0], *then = &work[1];
    now->length = 0;
    tb_text_append(now, text, length);
    for (size_t i = 0; i < N_STEPS && !now->failed; i++) {
        if (!(flags & steps[i].flag))
            continue;
        then->length = 0;
        steps[i].apply(now->data, now->length, then);
        tb_text *swap = now;
        now = then;
        then = swap;
    }
    if (now->failed)
        out->failed = true;
    tb_text_append(out, now->data, now->length);
    return tb_text_finish(out, err);
}

timbang_status tb_clean(unsigned flags, const char *text, size_t length, tb_text *out, tb_error *err)
{
    tb_text work[2] = {{0}, {0}};
    timbang_status status = tb_clean_with(flags, text, length, work, out, err);
    tb_text_free(&work[0]);
    tb_text_free(&work[1]);
    return status;
}
