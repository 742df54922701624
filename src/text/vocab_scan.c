/* The vocabulary inside tokenizer.json, read without a tree of values: it is most of the file and of the time to load
 * it. What is not written in the plain way is left to the JSON library, with its messages. Includes:
 * text/tokenizer_parts.h. Called by: settings.c. */
#include "text/tokenizer_parts.h"

#include "base/text.h"

#include <stdlib.h>

enum { MAX_NESTING = 64, MAX_DIGITS = 8 };

struct cursor {
    char *bytes; /* zero-terminated */
    size_t at, size;
};

static void skip_space(struct cursor *c)
{
    while (c->bytes[c->at] == ' ' || c->bytes[c->at] == '\n' || c->bytes[c->at] == '\t' || c->bytes[c->at] == '\r')
        c->at++;
}

static bool take(struct cursor *c, char byte)
{
    skip_space(c);
    if (c->bytes[c->at] != byte)
        return false;
    c->at++;
    return true;
}

/* From the opening quote to behind the closing one. */
static bool skip_string(struct cursor *c)
{
    for (c->at++; c->at < c->size; c->at++) {
        if (c->bytes[c->at] == '\\')
            c->at++;
        else if (c->bytes[c->at] == '"') {
            c->at++;
            return true;
        }
    }
    return false;
}

/* To behind a value of any kind; only brackets and strings are looked at. */
static bool skip_value(struct cursor *c)
{
    int depth = 0;
    skip_space(c);
    while (c->at < c->size) {
        char byte = c->bytes[c->at];
        if (byte == '"') {
            if (!skip_string(c))
                return false;
        } else if (byte == '{' || byte == '[') {
            if (++depth > MAX_NESTING)
                return false;
            c->at++;
        } else if (byte == '}' || byte == ']') {
            if (depth == 0)
                return true; /* the end of what the value is in */
            depth--;
            c->at++;
        } else if (byte == ',' && depth == 0)
            return true;
        else
            c->at++;
        if (depth == 0 && (byte == '"' || byte == '}' || byte == ']'))
            return true;
    }
    return false;
}

/* Goes to the value of a key that the object has exactly once. Keys with escapes might be it too: they are not plain.
 */
static bool find_member(struct cursor *c, const char *key, size_t *place)
{
    size_t length = strlen(key), found = 0;
    if (!take(c, '{'))
        return false;
    do {
        skip_space(c);
        size_t begin = c->at + 1;
        if (c->bytes[c->at] != '"' || !skip_string(c))
            return false;
        size_t end = c->at - 1;
        if (memchr(c->bytes + begin, '\\', end - begin) || !take(c, ':'))
            return false;
        skip_space(c);
        if (end - begin == length && memcmp(c->bytes + begin, key, length) == 0) {
            if (found)
                return false;
            found = c->at;
        }
        if (!skip_value(c))
            return false;
    } while (take(c, ','));
    *place = found;
    return found && take(c, '}');
}

/* ---- The vocabulary itself ---- */

static bool hex_digits(const char *text, uint32_t *value)
{
    *value = 0;
    for (int i = 0; i < 4; i++) {
        char c = text[i];
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a') + 10
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A') + 10
                                                : 16;
        if (digit == 16)
            return false;
        *value = *value << 4 | digit;
    }
    return true;
}

/* An escape at the cursor, which is at the backslash; its bytes go to out. */
static bool take_escape(struct cursor *c, size_t *out)
{
    static const char names[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
    const char *at = c->bytes + c->at + 1, *name = *at ? strchr(names, *at) : NULL;
    uint32_t value, low;
    if (name) {
        c->bytes[(*out)++] = bytes[name - names];
        c->at += 2;
        return true;
    }
    if (*at != 'u' || c->size - c->at < 6 || !hex_digits(at + 1, &value) || (value >= 0xDC00 && value < 0xE000))
        return false;
    c->at += 6;
    if (value >= 0xD800 && value < 0xDC00) {
        if (c->size - c->at < 6 || memcmp(c->bytes + c->at, "\\u", 2) != 0 || !hex_digits(c->bytes + c->at + 2, &low) ||
            low < 0xDC00 || low >= 0xE000)
            return false;
        value = 0x10000 + ((value - 0xD800) << 10) + (low - 0xDC00);
        c->at += 6;
    }
    *out += (size_t)tb_utf8_encode(value, c->bytes + *out);
    return true;
}

/* "token": id, with the token put in its place without escapes and zero-terminated. */
static bool take_entry(struct cursor *c, tb_trie_entry *entry)
{
    if (!take(c, '"'))
        return false;
    size_t begin = c->at, out = begin;
    while (c->bytes[c->at] != '"') {
        if ((uint8_t)c->bytes[c->at] < 0x20) /* also the end of the file */
            return false;
        if (c->bytes[c->at] != '\\')
            c->bytes[out++] = c->bytes[c->at++];
        else if (!take_escape(c, &out))
            return false;
    }
    c->at++;
    c->bytes[out] = '\0';
    if (!take(c, ':'))
        return false;
    skip_space(c);
    size_t first = c->at;
    int32_t id = 0;
    for (; c->bytes[c->at] >= '0' && c->bytes[c->at] <= '9' && c->at - first < MAX_DIGITS; c->at++)
        id = id * 10 + (c->bytes[c->at] - '0');
    if (c->at == first || id > TB_MAX_TOKEN_ID || (c->at - first > 1 && c->bytes[first] == '0'))
        return false;
    *entry = (tb_trie_entry){c->bytes + begin, out - begin, 0, id};
    return true;
}

static bool take_entries(struct cursor *c, tb_trie_entry *entries, size_t most, size_t *n)
{
    if (!take(c, '{'))
        return false;
    *n = 0;
    do {
        if (*n == most || !take_entry(c, &entries[(*n)++]))
            return false;
    } while (take(c, ','));
    return take(c, '}');
}

/* The file with {} for the vocabulary. */
static timbang_status parse_rest(const char *name, const char *bytes, size_t size, size_t begin, size_t end,
                                 json_t **root, tb_error *err)
{
    tb_text rest = {0};
    tb_text_append(&rest, bytes, begin);
    tb_text_puts(&rest, "{}");
    tb_text_append(&rest, bytes + end, size - end);
    timbang_status status = tb_text_finish(&rest, err);
    if (status == TIMBANG_OK)
        status = tb_json_parse(name, rest.data, rest.length, 0, root, err);
    tb_text_free(&rest);
    return status;
}

void tb_vocab_scan_free(tb_vocab_scan *scan)
{
    free(scan->bytes);
    free(scan->entries);
    memset(scan, 0, sizeof *scan);
}

timbang_status tb_vocab_scan_file(tb_vocab_scan *scan, const char *name, const char *bytes, size_t size, json_t **root,
                                  tb_error *err)
{
    size_t model = 0, vocab = 0;
    if (tb_utf8_invalid_at(bytes, size) != SIZE_MAX)
        return TIMBANG_OK;
    scan->bytes = tb_strndup(bytes, size, err);
    if (!scan->bytes)
        return err->status;
    struct cursor c = {scan->bytes, 0, size};
    bool plain = find_member(&c, "model", &model);
    c.at = model;
    plain = plain && find_member(&c, "vocab", &vocab);
    size_t most = 1;
    for (size_t i = vocab; i < size; i++)
        most += bytes[i] == ':';
    scan->entries = plain ? tb_calloc(most, sizeof scan->entries[0], err) : NULL;
    if (plain && !scan->entries)
        return err->status;
    c.at = vocab;
    plain = plain && take_entries(&c, scan->entries, most, &scan->n);
    if (plain) {
        timbang_status status = parse_rest(name, bytes, size, vocab, c.at, root, err);
        if (status == TIMBANG_OK || status == TIMBANG_NO_MEMORY)
            return status;
    }
    tb_vocab_scan_free(scan); /* the whole file then, and what is wrong with it */
    return TIMBANG_OK;
}
