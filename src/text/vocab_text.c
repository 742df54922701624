/* vocab.txt: one token a line, the id is the line's number from 0.
 * Includes: text/tokenizer_parts.h, text/unicode.h. Called by: the loader. */
#include "text/tokenizer_parts.h"
#include "text/unicode.h"

#include <stdlib.h>

enum { MAX_VOCAB_BYTES = 1 << 28 };

/* Length without the white space at the end, which the reference drops. */
static size_t trimmed(const char *line, size_t length)
{
    while (length > 0) {
        size_t begin = length - 1;
        uint32_t c;
        while (begin > 0 && ((uint8_t)line[begin] & 0xC0) == 0x80)
            begin--;
        tb_utf8_decode(line + begin, length - begin, &c);
        if (!(tb_unicode_of(c)->flags & TB_UNICODE_SPACE))
            break;
        length = begin;
    }
    return length;
}

static timbang_status from_lines(tb_vocab *vocab, const char *where, const char *text, size_t size, tb_error *err)
{
    size_t bad = tb_utf8_invalid_at(text, size);
    if (bad != SIZE_MAX)
        return tb_fail(err, TIMBANG_FORMAT, "%s: is not valid UTF-8 at byte %zu", where, bad);
    size_t n_lines = size > 0 && text[size - 1] != '\n';
    for (size_t i = 0; i < size; i++)
        n_lines += text[i] == '\n';
    if (n_lines > TB_MAX_TOKEN_ID)
        return tb_fail(err, TIMBANG_FORMAT, "%s: has %zu lines; at most %d are supported", where, n_lines,
                       TB_MAX_TOKEN_ID);
    tb_trie_entry *entries = tb_calloc(n_lines, sizeof entries[0], err);
    if (!entries)
        return err->status;
    size_t at = 0;
    for (size_t i = 0; i < n_lines; i++) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t length = (end ? (size_t)(end - text) : size) - at;
        entries[i] = (tb_trie_entry){text + at, trimmed(text + at, length), 0, (int32_t)i};
        at += length + 1;
    }
    timbang_status status = tb_vocab_build(vocab, where, entries, n_lines, err);
    free(entries);
    return status;
}

timbang_status tb_load_vocab_text(tb_vocab *vocab, const tb_folder *folder, const char *file, tb_error *err)
{
    char *text = NULL, *where = tb_path_join(tb_folder_name(folder), file, err);
    size_t size = 0;
    if (!where)
        return err->status;
    timbang_status status = tb_folder_read(folder, file, MAX_VOCAB_BYTES, &text, &size, err);
    if (status == TIMBANG_OK)
        status = from_lines(vocab, where, text, size, err);
    free(text);
    free(where);
    return status;
}
