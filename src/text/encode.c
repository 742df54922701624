/* Text to token ids: added tokens, normalizer, pre-tokenizer, WordPiece, truncation, template.
 * Includes: text/tokenizer_parts.h. Called by: model, api, through text/tokenizer.h. */
#include "text/tokenizer_parts.h"
#include "text/unicode.h"

#include <stdlib.h>

/* UTF-8 with the range of the raw text for each byte. */
struct aligned {
    char *bytes;
    uint32_t *begin, *end;
    size_t length, capacity;
};

struct token {
    int32_t id;
    uint32_t begin, end; /* bytes of the raw text */
};

struct tb_token_scratch {
    tb_sink sink; /* first: the sink is the scratch */
    const tb_tokenizer *tokenizer;
    tb_error *err;
    timbang_status status;
    struct aligned word, piece; /* piece: normalized text in which normalized added tokens are sought */
    size_t word_chars;
    uint32_t word_begin, word_end; /* raw range of the word, also when it is too long to be kept */
    uint8_t word_kind;
    struct token *tokens; /* of the text, then of the pair */
    size_t n_tokens, tokens_capacity, limit;
    tb_mark_run run;
};

/* ---- Growing ---- */

static void fail(struct tb_token_scratch *s, timbang_status status)
{
    if (s->status == TIMBANG_OK)
        s->status = status;
    s->sink.stop = true;
}

static bool reserve(struct tb_token_scratch *s, struct aligned *text, size_t more)
{
    if (text->length + more <= text->capacity)
        return true;
    size_t capacity = text->capacity ? text->capacity * 2 : 256;
    timbang_status status = tb_grow((void **)&text->bytes, capacity, 1, s->err);
    if (status == TIMBANG_OK)
        status = tb_grow((void **)&text->begin, capacity, sizeof text->begin[0], s->err);
    if (status == TIMBANG_OK)
        status = tb_grow((void **)&text->end, capacity, sizeof text->end[0], s->err);
    if (status != TIMBANG_OK) {
        fail(s, status);
        return false;
    }
    text->capacity = capacity;
    return true;
}

static void append(struct tb_token_scratch *s, struct aligned *text, uint32_t c, uint32_t begin, uint32_t end)
{
    if (!reserve(s, text, 4))
        return;
    size_t at = text->length;
    int n = 1;
    if (c < 0x80)
        text->bytes[at] = (char)c;
    else
        n = tb_utf8_encode(c, text->bytes + at);
    for (int i = 0; i < n; i++) {
        text->begin[at + (size_t)i] = begin;
        text->end[at + (size_t)i] = end;
    }
    text->length += (size_t)n;
}

static void put_token(struct tb_token_scratch *s, int32_t id, uint32_t begin, uint32_t end)
{
    if (s->n_tokens == s->tokens_capacity) {
        size_t capacity = s->tokens_capacity ? s->tokens_capacity * 2 : 256;
        timbang_status status = tb_grow((void **)&s->tokens, capacity, sizeof s->tokens[0], s->err);
        if (status != TIMBANG_OK) {
            fail(s, status);
            return;
        }
        s->tokens_capacity = capacity;
    }
    s->tokens[s->n_tokens++] = (struct token){id, begin, end};
}

/* ---- WordPiece: the longest piece that fits, again and again; one missing piece makes the whole word unknown ---- */

/* Puts the pieces of the word; false where one is missing. */
static bool put_pieces(struct tb_token_scratch *s)
{
    const tb_tokenizer *t = s->tokenizer;
    const tb_trie *trie = &t->vocab.trie;
    const struct aligned *word = &s->word;
    for (size_t start = 0, end; start < word->length; start = end) {
        uint32_t node = start == 0 ? 0 : t->continuing;
        int32_t id = -1;
        if (start > 0 && !t->has_continuing)
            return false;
        end = start;
        for (size_t i = start; i < word->length; i++) {
            node = tb_trie_step(trie, node, (uint8_t)word->bytes[i]);
            if (node == 0)
                break;
            if (trie->value[node] >= 0) {
                id = trie->value[node];
                end = i + 1;
            }
        }
        if (id < 0)
            return false;
        put_token(s, id, word->begin[start], word->end[end - 1]);
    }
    return true;
}

static void end_word(struct tb_token_scratch *s)
{
    size_t n_before = s->n_tokens;
    if (s->word_chars == 0)
        return;
    if (s->word_chars > s->tokenizer->max_word_chars || !put_pieces(s)) {
        s->n_tokens = n_before;
        put_token(s, s->tokenizer->unk, s->word_begin, s->word_end);
    }
    s->word.length = 0;
    s->word_chars = 0;
    if (s->n_tokens >= s->limit)
        s->sink.stop = true;
}

static void add_to_word(struct tb_token_scratch *s, uint32_t c, uint32_t begin, uint32_t end)
{
    if (s->word_chars == 0)
        s->word_begin = begin;
    s->word_end = end;
    if (s->word_chars++ < s->tokenizer->max_word_chars) /* a longer one is unknown, whatever it holds */
        append(s, &s->word, c, begin, end);
}

/* ---- Pre-tokenizer ---- */

static void split_char(struct tb_token_scratch *s, uint32_t c, uint32_t begin, uint32_t end)
{
    uint8_t flags = tb_unicode_of(c)->flags, kind = flags & TB_UNICODE_WORD;
    switch (s->tokenizer->split) {
    case TB_SPLIT_BERT:
        if (flags & (TB_UNICODE_SPACE | TB_UNICODE_PUNCTUATION)) {
            end_word(s);
            if (flags & TB_UNICODE_SPACE)
                return;
            add_to_word(s, c, begin, end);
            end_word(s);
            return;
        }
        break;
    case TB_SPLIT_WORDS:
        if (flags & TB_UNICODE_SPACE) {
            end_word(s);
            return;
        }
        if (kind != s->word_kind)
            end_word(s);
        s->word_kind = kind;
        break;
    case TB_SPLIT_SPACES:
        if (flags & TB_UNICODE_SPACE) {
            end_word(s);
            return;
        }
        break;
    case TB_SPLIT_NONE:
        break;
    }
    add_to_word(s, c, begin, end);
}

static void sink_split(tb_sink *sink, uint32_t c, uint32_t begin, uint32_t end)
{
    split_char((struct tb_token_scratch *)(void *)sink, c, begin, end);
}

static void sink_piece(tb_sink *sink, uint32_t c, uint32_t begin, uint32_t end)
{
    struct tb_token_scratch *s = (struct tb_token_scratch *)(void *)sink;
    append(s, &s->piece, c, begin, end);
}

/* ---- One text ---- */

/* The normalized piece is searched for normalized added tokens; the rest goes to the pre-tokenizer. */
static void split_piece(struct tb_token_scratch *s)
{
    const tb_added *added = &s->tokenizer->added;
    const struct aligned *piece = &s->piece;
    tb_added_walk walk = tb_added_walk_begin(added, &added->normalized, piece->bytes, piece->length);
    size_t begin, end;
    int32_t token;
    while (!s->sink.stop && tb_added_walk_next(&walk, &begin, &end, &token)) {
        if (token >= 0) {
            put_token(s, added->tokens[token].id, piece->begin[begin], piece->end[end - 1]);
            s->sink.stop = s->sink.stop || s->n_tokens >= s->limit;
            continue;
        }
        for (size_t at = begin; at < end && !s->sink.stop;) {
            uint32_t c;
            int n = tb_utf8_decode(piece->bytes + at, end - at, &c);
            split_char(s, c, piece->begin[at], piece->end[at]);
            at += (size_t)n;
        }
        end_word(s);
    }
}

/* Text between raw added tokens. */
static void encode_piece(struct tb_token_scratch *s, const char *text, size_t begin, size_t end)
{
    bool buffered = s->tokenizer->added.has_normalized;
    s->sink.put = buffered ? sink_piece : sink_split;
    s->piece.length = 0;
    timbang_status status = tb_normalize(&s->tokenizer->normalizer, text, begin, end, &s->run, &s->sink, s->err);
    if (status != TIMBANG_OK)
        fail(s, status);
    else if (buffered && s->status == TIMBANG_OK)
        split_piece(s);
    else
        end_word(s);
}

/* Appends the tokens of a text; beyond `limit` tokens in all it may stop. */
static timbang_status encode_text(struct tb_token_scratch *s, const char *text, size_t length, size_t limit)
{
    const tb_added *added = &s->tokenizer->added;
    s->limit = limit;
    s->sink.stop = false;
    s->word.length = s->word_chars = 0;
    if (!added->has_raw) {
        encode_piece(s, text, 0, length);
        return s->status;
    }
    tb_added_walk walk = tb_added_walk_begin(added, &added->raw, text, length);
    size_t begin, end;
    int32_t token;
    while (s->status == TIMBANG_OK && s->n_tokens < limit && tb_added_walk_next(&walk, &begin, &end, &token)) {
        if (token >= 0)
            put_token(s, added->tokens[token].id, (uint32_t)begin, (uint32_t)end);
        else
            encode_piece(s, text, begin, end);
    }
    return s->status;
}

/* ---- Truncation and template ---- */

/* Lengths after truncation to `most` tokens in all: the longer one is cut first, then both to halves. */
static void longest_first(size_t most, size_t *n_text, size_t *n_pair)
{
    if (*n_text + *n_pair <= most)
        return;
    bool swap = *n_text > *n_pair;
    size_t shorter = swap ? *n_pair : *n_text, longer = shorter;
    if (shorter <= most && most - shorter > shorter)
        longer = most - shorter;
    if (shorter + longer > most) {
        shorter = most / 2;
        longer = shorter + most % 2;
    }
    *n_text = swap ? longer : shorter;
    *n_pair = swap ? shorter : longer;
}

/* Counts code points on the way to a byte; offsets mostly ascend, so this is linear over a text. */
struct char_cursor {
    const char *text;
    size_t length, byte;
    uint32_t chars;
};

static uint32_t char_at(struct char_cursor *cursor, size_t byte)
{
    for (; cursor->byte < byte; cursor->byte++)
        cursor->chars += ((uint8_t)cursor->text[cursor->byte] & 0xC0) != 0x80;
    for (; cursor->byte > byte; cursor->byte--)
        cursor->chars -= ((uint8_t)cursor->text[cursor->byte - 1] & 0xC0) != 0x80;
    return cursor->chars;
}

static timbang_status reserve_tokens(tb_tokens *out, size_t n, tb_error *err)
{
    if (n <= out->capacity)
        return TIMBANG_OK;
    size_t capacity = out->capacity ? out->capacity : 64;
    while (capacity < n)
        capacity *= 2;
    TB_TRY(tb_grow((void **)&out->ids, capacity, sizeof out->ids[0], err));
    TB_TRY(tb_grow((void **)&out->type_ids, capacity, sizeof out->type_ids[0], err));
    TB_TRY(tb_grow((void **)&out->byte_begin, capacity, sizeof out->byte_begin[0], err));
    TB_TRY(tb_grow((void **)&out->byte_end, capacity, sizeof out->byte_end[0], err));
    TB_TRY(tb_grow((void **)&out->char_begin, capacity, sizeof out->char_begin[0], err));
    TB_TRY(tb_grow((void **)&out->char_end, capacity, sizeof out->char_end[0], err));
    out->capacity = capacity;
    return TIMBANG_OK;
}

static void put_out(tb_tokens *out, const struct token *token, int32_t type_id, struct char_cursor *cursor)
{
    size_t i = out->n++;
    out->ids[i] = token->id;
    out->type_ids[i] = type_id;
    out->byte_begin[i] = token->begin;
    out->byte_end[i] = token->end;
    out->char_begin[i] = cursor ? char_at(cursor, token->begin) : 0;
    out->char_end[i] = cursor ? char_at(cursor, token->end) : 0;
}

struct sequence {
    const struct token *tokens;
    size_t n;
    struct char_cursor cursor;
};

static timbang_status apply_template(const tb_template *template, struct sequence *sequences, tb_tokens *out,
                                     tb_error *err)
{
    size_t n = template->n_special;
    for (size_t i = 0; i < template->n; i++) {
        int sequence = template->pieces[i].sequence;
        if (sequence >= 0 && !tb_add_size(n, sequences[sequence].n, &n))
            return tb_no_memory(err, SIZE_MAX);
    }
    TB_TRY(reserve_tokens(out, n, err));
    out->n = 0;
    out->n_special = template->n_special;
    for (size_t i = 0; i < template->n; i++) {
        const tb_template_piece *piece = &template->pieces[i];
        if (piece->sequence < 0) {
            put_out(out, &(struct token){piece->id, 0, 0}, piece->type_id, NULL);
            continue;
        }
        struct sequence *sequence = &sequences[piece->sequence];
        for (size_t j = 0; j < sequence->n; j++)
            put_out(out, &sequence->tokens[j], piece->type_id, &sequence->cursor);
    }
    return TIMBANG_OK;
}

static timbang_status check_text(const char *what, const char *text, size_t length, tb_error *err)
{
    if (length >= UINT32_MAX)
        return tb_fail(err, TIMBANG_DATA, "the %s has %zu bytes; fewer than 4 GiB are supported", what, length);
    size_t bad = tb_utf8_invalid_at(text, length);
    if (bad != SIZE_MAX)
        return tb_fail(err, TIMBANG_DATA, "the %s is not valid UTF-8: byte 0x%02x at offset %zu", what,
                       (unsigned)(uint8_t)text[bad], bad);
    return TIMBANG_OK;
}

timbang_status tb_tokenizer_encode(const tb_tokenizer *tokenizer, const char *text, size_t length, const char *pair,
                                   size_t pair_length, size_t max_length, tb_tokens *tokens, tb_error *err)
{
    const tb_template *template = pair ? &tokenizer->pair : &tokenizer->single;
    if (max_length > 0 && max_length < template->n_special)
        return tb_fail(err, TIMBANG_USAGE, "a maximum length of %zu leaves no room for the %zu special tokens",
                       max_length, template->n_special);
    TB_TRY(check_text("text", text, length, err));
    if (pair)
        TB_TRY(check_text("second text", pair, pair_length, err));
    if (!tokens->scratch)
        tokens->scratch = tb_calloc(1, sizeof *tokens->scratch, err);
    struct tb_token_scratch *s = tokens->scratch;
    if (!s)
        return err->status;
    s->tokenizer = tokenizer;
    s->err = err;
    s->status = TIMBANG_OK;
    s->n_tokens = 0;

    /* With one text, what lies behind the cut need not be read. A pair is cut by both lengths. */
    size_t most = max_length > 0 ? max_length - template->n_special : SIZE_MAX;
    bool whole = pair || max_length == 0 || tokenizer->truncate_left;
    TB_TRY(encode_text(s, text, length, whole ? SIZE_MAX : most + 1));
    size_t n_text = s->n_tokens, n_pair = 0;
    if (pair) {
        TB_TRY(encode_text(s, pair, pair_length, SIZE_MAX));
        n_pair = s->n_tokens - n_text;
    }

    size_t keep_text = n_text, keep_pair = n_pair;
    if (pair)
        longest_first(most, &keep_text, &keep_pair);
    else if (keep_text > most)
        keep_text = most;
    bool left = tokenizer->truncate_left;
    size_t from_text = left ? n_text - keep_text : 0, from_pair = n_text + (left ? n_pair - keep_pair : 0);
    struct sequence sequences[2] = {
        {keep_text ? s->tokens + from_text : NULL, keep_text, {text, length, 0, 0}},
        {keep_pair ? s->tokens + from_pair : NULL, keep_pair, {pair, pair_length, 0, 0}},
    };
    TB_TRY(apply_template(template, sequences, tokens, err));
    tokens->truncated = keep_text < n_text || keep_pair < n_pair;
    return TIMBANG_OK;
}

void tb_tokens_free(tb_tokens *tokens)
{
    struct tb_token_scratch *s = tokens->scratch;
    if (s) {
        struct aligned *texts[] = {&s->word, &s->piece};
        for (size_t i = 0; i < 2; i++) {
            free(texts[i]->bytes);
            free(texts[i]->begin);
            free(texts[i]->end);
        }
        free(s->tokens);
        tb_mark_run_free(&s->run);
        free(s);
    }
    free(tokens->ids);
    free(tokens->type_ids);
    free(tokens->byte_begin);
    free(tokens->byte_end);
    free(tokens->char_begin);
    free(tokens->char_end);
    memset(tokens, 0, sizeof *tokens);
}
