/* Words and their pieces. Includes: text/words.h, text/unicode.h. Called by: encode.c. */
#include "text/words.h"

#include "text/unicode.h"

#include <stdlib.h>

enum {
    WORDS_BEFORE_CACHE = 1024, /* a single text does not pay for a cache */
    SLACK = TB_CACHED_BYTES    /* bytes that may be read behind the word */
};

/* ---- Memory ---- */

void tb_words_free(struct tb_token_scratch *s)
{
    free(s->word);
    free(s->byte_begin);
    free(s->byte_end);
    free(s->ids);
    free(s->ends);
    free(s->piece.bytes);
    free(s->piece.begin);
    free(s->piece.end);
    free(s->tokens);
    tb_word_cache_free(&s->cache);
    tb_mark_run_free(&s->run);
}

void tb_words_fail(struct tb_token_scratch *s, timbang_status status)
{
    if (s->status == TIMBANG_OK)
        s->status = status;
    s->sink.stop = true;
}

static bool reserve_word(struct tb_token_scratch *s, size_t more)
{
    size_t need = s->word_length + more + SLACK;
    if (need <= s->word_capacity)
        return true;
    size_t capacity = s->word_capacity ? s->word_capacity * 2 : 128;
    capacity = capacity < need ? need : capacity;
    timbang_status status = tb_grow((void **)&s->word, capacity, 1, s->err);
    if (status == TIMBANG_OK)
        s->word_capacity = capacity;
    else
        tb_words_fail(s, status);
    return status == TIMBANG_OK;
}

static bool reserve_tokens(struct tb_token_scratch *s, size_t more)
{
    size_t need = s->n_tokens + more;
    if (need <= s->tokens_capacity)
        return true;
    size_t capacity = s->tokens_capacity ? s->tokens_capacity * 2 : 128;
    capacity = capacity < need ? need : capacity;
    timbang_status status = tb_grow((void **)&s->tokens, capacity, sizeof s->tokens[0], s->err);
    if (status == TIMBANG_OK)
        s->tokens_capacity = capacity;
    else
        tb_words_fail(s, status);
    return status == TIMBANG_OK;
}

/* A word has at most as many pieces as bytes. */
static bool reserve_split(struct tb_token_scratch *s)
{
    if (s->word_length <= s->split_capacity)
        return true;
    size_t capacity = s->word_capacity;
    timbang_status status = tb_grow((void **)&s->ids, capacity, sizeof s->ids[0], s->err);
    if (status == TIMBANG_OK)
        status = tb_grow((void **)&s->ends, capacity, sizeof s->ends[0], s->err);
    if (status == TIMBANG_OK)
        s->split_capacity = capacity;
    else
        tb_words_fail(s, status);
    return status == TIMBANG_OK;
}

timbang_status tb_words_begin(struct tb_token_scratch *s)
{
    s->word_length = s->word_chars = 0;
    if (!s->cache.words || s->cache.fingerprint == s->tokenizer->wordpiece.fingerprint)
        return TIMBANG_OK;
    return tb_word_cache_begin(&s->cache, s->tokenizer->wordpiece.fingerprint, s->err);
}

/* ---- Tokens ---- */

void tb_words_token(struct tb_token_scratch *s, int32_t id, uint32_t begin, uint32_t end)
{
    if (reserve_tokens(s, 1))
        s->tokens[s->n_tokens++] = (tb_piece){id, begin, end};
    if (s->n_tokens >= s->limit)
        s->sink.stop = true;
}

/* The pieces of the word. */
static void put_pieces(struct tb_token_scratch *s, const int32_t *ids, const uint32_t *ends, size_t n)
{
    if (n == 0 || !reserve_tokens(s, n))
        return;
    tb_piece *out = s->tokens + s->n_tokens;
    s->n_tokens += n;
    if (s->ids_only) {
        for (size_t i = 0; i < n; i++)
            out[i].id = ids[i];
        return;
    }
    for (size_t i = 0, from = 0; i < n; from = ends[i++]) {
        out[i].id = ids[i];
        out[i].begin = s->straight ? s->word_begin + (uint32_t)from : s->byte_begin[from];
        out[i].end = s->straight ? s->word_begin + ends[i] : s->byte_end[ends[i] - 1];
    }
}

static void put_cached(struct tb_token_scratch *s, const tb_cached_word *word)
{
    uint32_t ends[TB_CACHED_PIECES];
    if (!s->ids_only)
        for (size_t i = 0; i < word->n; i++)
            ends[i] = i + 1u < word->n ? word->ends[i] : word->length;
    put_pieces(s, word->ids, ends, word->n);
}

/* Puts the pieces of the word; false where it is unknown. */
static bool split_word(struct tb_token_scratch *s)
{
    tb_word_key key;
    if (!s->cache.words && ++s->n_words > WORDS_BEFORE_CACHE) {
        timbang_status status = tb_word_cache_begin(&s->cache, s->tokenizer->wordpiece.fingerprint, s->err);
        if (status != TIMBANG_OK)
            tb_words_fail(s, status);
    }
    bool cached = s->cache.words && s->word_length <= TB_CACHED_BYTES;
    if (cached) {
        key = tb_word_key_of(&s->cache, s->word, s->word_length);
        const tb_cached_word *word = tb_word_cache_find(&key);
        if (word) {
            put_cached(s, word);
            return word->n > 0;
        }
    }
    if (!reserve_split(s))
        return true;
    size_t n = tb_wordpiece_split(&s->tokenizer->wordpiece, s->word, s->word_length, s->ids, s->ends);
    if (cached)
        tb_word_cache_put(&key, s->ids, s->ends, n);
    put_pieces(s, s->ids, s->ends, n);
    return n > 0;
}

void tb_words_end(struct tb_token_scratch *s)
{
    if (s->word_chars == 0)
        return;
    if (s->status == TIMBANG_OK && (s->word_chars > s->tokenizer->max_word_chars || !split_word(s)))
        tb_words_token(s, s->tokenizer->unk, s->word_begin, s->word_end);
    s->word_length = 0;
    s->word_chars = 0;
    if (s->n_tokens >= s->limit)
        s->sink.stop = true;
}

/* ---- Words ---- */

/* The word is not straight any more: each byte gets its range. */
static bool bend_word(struct tb_token_scratch *s)
{
    if (s->byte_capacity < s->word_capacity) {
        timbang_status status = tb_grow((void **)&s->byte_begin, s->word_capacity, sizeof s->byte_begin[0], s->err);
        if (status == TIMBANG_OK)
            status = tb_grow((void **)&s->byte_end, s->word_capacity, sizeof s->byte_end[0], s->err);
        if (status != TIMBANG_OK) {
            tb_words_fail(s, status);
            return false;
        }
        s->byte_capacity = s->word_capacity;
    }
    for (size_t i = 0; s->straight && i < s->word_length; i++) {
        s->byte_begin[i] = s->word_begin + (uint32_t)i;
        s->byte_end[i] = s->byte_begin[i] + 1;
    }
    s->straight = false;
    return true;
}

static void append(struct tb_token_scratch *s, uint32_t c, uint32_t begin, uint32_t end)
{
    if (!reserve_word(s, 4))
        return;
    size_t at = s->word_length;
    bool straight = s->straight && c < 0x80 && begin == s->word_begin + at && end == begin + 1;
    if (!straight && !s->ids_only && !bend_word(s))
        return;
    int n = 1;
    if (c < 0x80)
        s->word[at] = (char)c;
    else
        n = tb_utf8_encode(c, s->word + at);
    if (!straight && !s->ids_only)
        for (int i = 0; i < n; i++) {
            s->byte_begin[at + (size_t)i] = begin;
            s->byte_end[at + (size_t)i] = end;
        }
    s->word_length = at + (size_t)n;
}

static void add_to_word(struct tb_token_scratch *s, uint32_t c, uint32_t begin, uint32_t end)
{
    if (s->word_chars == 0) {
        s->word_begin = begin;
        s->straight = true;
    }
    s->word_end = end;
    if (s->word_chars++ < s->tokenizer->max_word_chars) /* a longer one is unknown, whatever it holds */
        append(s, c, begin, end);
}

/* ---- Pre-tokenizer ---- */

void tb_words_put(struct tb_token_scratch *s, uint32_t c, uint32_t begin, uint32_t end)
{
    uint8_t flags = tb_unicode_of(c)->flags, kind = flags & TB_UNICODE_WORD;
    switch (s->tokenizer->split) {
    case TB_SPLIT_BERT:
        if (flags & (TB_UNICODE_SPACE | TB_UNICODE_PUNCTUATION)) {
            tb_words_end(s);
            if (flags & TB_UNICODE_SPACE)
                return;
            add_to_word(s, c, begin, end);
            tb_words_end(s);
            return;
        }
        break;
    case TB_SPLIT_WORDS:
        if (flags & TB_UNICODE_SPACE) {
            tb_words_end(s);
            return;
        }
        if (kind != s->word_kind)
            tb_words_end(s);
        s->word_kind = kind;
        break;
    case TB_SPLIT_SPACES:
        if (flags & TB_UNICODE_SPACE) {
            tb_words_end(s);
            return;
        }
        break;
    case TB_SPLIT_NONE:
        break;
    }
    add_to_word(s, c, begin, end);
}

static void sink_words(tb_sink *sink, uint32_t c, uint32_t begin, uint32_t end)
{
    tb_words_put((struct tb_token_scratch *)(void *)sink, c, begin, end);
}

/* ---- The short way ---- */

/* Bytes that only make a word longer, from `at` on; returns where they end. */
static size_t take_run(struct tb_token_scratch *s, const char *text, size_t at, size_t end)
{
    const tb_tokenizer *t = s->tokenizer;
    const uint8_t *plain = t->bytes.plain;
    if (t->split == TB_SPLIT_WORDS && s->word_kind != TB_UNICODE_WORD) {
        tb_words_end(s);
        s->word_kind = TB_UNICODE_WORD;
    }
    if (s->word_chars == 0) {
        s->word_begin = (uint32_t)at;
        s->straight = true;
    }
    bool follows = s->ids_only || (s->straight && s->word_begin + s->word_length == at);
    size_t room = t->max_word_chars > s->word_chars ? t->max_word_chars - s->word_chars : 0;
    if (!follows || room == 0 || !reserve_word(s, 32)) {
        add_to_word(s, plain[(uint8_t)text[at]], (uint32_t)at, (uint32_t)at + 1);
        return at + 1;
    }
    if (room > s->word_capacity - s->word_length - SLACK)
        room = s->word_capacity - s->word_length - SLACK;
    if (room > end - at)
        room = end - at;
    char *word = s->word + s->word_length;
    size_t n = 0;
    for (uint8_t c; n < room && (c = plain[(uint8_t)text[at + n]]) != 0; n++)
        word[n] = (char)c;
    s->word_length += n;
    s->word_chars += n;
    s->word_end = (uint32_t)(at + n);
    return at + n;
}

/* A character beyond ASCII. With the characters after it if they have to be put in order. */
static size_t take_wide(struct tb_token_scratch *s, const char *text, size_t at, size_t end)
{
    const tb_normalizer *normalizer = &s->tokenizer->normalizer;
    uint32_t c;
    size_t next = at + (size_t)tb_utf8_decode(text + at, end - at, &c);
    const tb_unicode_record *record = tb_unicode_of(c);
    if (tb_normal_alone(record, c)) {
        uint32_t lower[TB_UNICODE_DECOMPOSED_MAX] = {c};
        int n = 1;
        if (normalizer->clean_text && (record->flags & TB_UNICODE_SPACE))
            lower[0] = ' ';
        else if (normalizer->lowercase)
            n = tb_unicode_lower(c, lower);
        for (int i = 0; i < n; i++)
            tb_words_put(s, lower[i], (uint32_t)at, (uint32_t)next);
        return next;
    }
    const uint8_t *kind = s->tokenizer->bytes.kind;
    while (next < end && ((uint8_t)text[next] >= 0x80 || kind[(uint8_t)text[next]] == TB_BYTE_REMOVED))
        next++; /* removed characters do not part marks from each other */
    timbang_status status = tb_normalize(normalizer, text, at, next, &s->run, &s->sink, s->err);
    if (status != TIMBANG_OK)
        tb_words_fail(s, status);
    return next;
}

timbang_status tb_words_text(struct tb_token_scratch *s, const char *text, size_t begin, size_t end)
{
    const tb_byte_table *bytes = &s->tokenizer->bytes;
    s->sink.put = sink_words;
    for (size_t at = begin; at < end && !s->sink.stop;) {
        uint8_t byte = (uint8_t)text[at];
        switch ((tb_byte_kind)bytes->kind[byte]) {
        case TB_BYTE_PLAIN:
            at = take_run(s, text, at, end);
            break;
        case TB_BYTE_SPACE:
            tb_words_end(s);
            at++;
            break;
        case TB_BYTE_REMOVED:
            at++;
            break;
        case TB_BYTE_ALONE:
            tb_words_end(s);
            tb_words_token(s, bytes->alone[byte], (uint32_t)at, (uint32_t)at + 1);
            at++;
            break;
        case TB_BYTE_OTHER:
            tb_words_put(s, bytes->normal[byte], (uint32_t)at, (uint32_t)at + 1);
            at++;
            break;
        case TB_BYTE_WIDE:
            at = take_wide(s, text, at, end);
            break;
        }
    }
    tb_words_end(s);
    return s->status;
}
