/* What each ASCII byte does under a tokenizer's settings, asked of the normalizer and the tables once.
 * Includes: text/tokenizer_parts.h, text/unicode.h. Called by: tokenizer.c. */
#include "text/tokenizer_parts.h"
#include "text/unicode.h"

struct one_sink {
    tb_sink sink;
    size_t n;
    uint32_t last;
};

static void sink_one(tb_sink *sink, uint32_t c, uint32_t begin, uint32_t end)
{
    struct one_sink *one = (struct one_sink *)(void *)sink;
    (void)begin;
    (void)end;
    one->n++;
    one->last = c;
}

static tb_byte_kind kind_of(tb_split split, uint8_t c)
{
    uint8_t flags = tb_unicode_of(c)->flags;
    bool space = (flags & TB_UNICODE_SPACE) && split != TB_SPLIT_NONE;
    if (space)
        return TB_BYTE_SPACE;
    if (split == TB_SPLIT_BERT && (flags & TB_UNICODE_PUNCTUATION))
        return TB_BYTE_ALONE;
    if ((split == TB_SPLIT_WORDS && !(flags & TB_UNICODE_WORD)) || c == 0)
        return TB_BYTE_OTHER;
    return TB_BYTE_PLAIN;
}

static int32_t token_of(const tb_tokenizer *t, uint8_t c)
{
    char byte = (char)c;
    int32_t id = t->max_word_chars > 0 ? tb_trie_find(&t->vocab.trie, &byte, 1) : -1;
    return id >= 0 ? id : t->unk;
}

timbang_status tb_bytes_build(tb_tokenizer *t, tb_error *err)
{
    tb_byte_table *table = &t->bytes;
    tb_mark_run run = {0};
    timbang_status status = TIMBANG_OK;
    memset(table, 0, sizeof *table);
    memset(table->kind, TB_BYTE_WIDE, sizeof table->kind);
    for (int b = 0; b < 128 && status == TIMBANG_OK; b++) {
        char byte = (char)b;
        struct one_sink one = {{sink_one, false}, 0, 0};
        status = tb_normalize(&t->normalizer, &byte, 0, 1, &run, &one.sink, err);
        if (one.n == 0)
            table->kind[b] = TB_BYTE_REMOVED;
        if (one.n != 1 || one.last >= 128)
            continue;
        table->normal[b] = (uint8_t)one.last;
        table->kind[b] = (uint8_t)kind_of(t->split, table->normal[b]);
        table->plain[b] = table->kind[b] == TB_BYTE_PLAIN ? table->normal[b] : 0;
        table->alone[b] = token_of(t, table->normal[b]);
    }
    tb_mark_run_free(&run);
    return status;
}
