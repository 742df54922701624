/* Text to token ids: added tokens, the words between them, truncation, template.
 * Includes: text/words.h. Called by: model, api, through text/tokenizer.h. */
#include "text/words.h"

#include <stdlib.h>

/* ---- Normalized added tokens: the text is normalized as a whole, then searched, then split ---- */

static bool reserve_piece(struct tb_token_scratch *s, tb_aligned *text, size_t more)
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
        tb_words_fail(s, status);
        return false;
    }
    text->capacity = capacity;
    return true;
}

static void sink_piece(tb_sink *sink, uint32_t c, uint32_t begin, uint32_t end)
{
    struct tb_token_scratch *s = (struct tb_token_scratch *)(void *)sink;
    tb_aligned *piece = &s->piece;
    if (!reserve_piece(s, piece, 4))
        return;
    int n = tb_utf8_encode(c, piece->bytes + piece->length);
    for (int i = 0; i < n; i++, piece->length++) {
        piece->begin[piece->length] = begin;
        piece->end[piece->length] = end;
    }
}

static void split_piece(struct tb_token_scratch *s)
{
    const tb_added *added = &s->tokenizer->added;
    const tb_aligned *piece = &s->piece;
    tb_added_walk walk = tb_added_walk_begin(added, &added->normalized, piece->bytes, piece->length);
    size_t begin, end;
    int32_t token;
    while (!s->sink.stop && tb_added_walk_next(&walk, &begin, &end, &token)) {
        if (token >= 0) {
            tb_words_token(s, added->tokens[token].id, piece->begin[begin], piece->end[end - 1]);
            continue;
        }
        for (size_t at = begin; at < end && !s->sink.stop;) {
            uint32_t c;
            int n = tb_utf8_decode(piece->bytes + at, end - at, &c);
            tb_words_put(s, c, piece->begin[at], piece->end[at]);
            at += (size_t)n;
        }
        tb_words_end(s);
    }
}

static timbang_status encode_normalized(struct tb_token_scratch *s, const char *text, size_t begin, size_t end)
{
    s->sink.put = sink_piece;
    s->piece.length = 0;
    timbang_status status = tb_normalize(&s->tokenizer->normalizer, text, begin, end, &s->run, &s->sink, s->err);
    if (status != TIMBANG_OK)
        tb_words_fail(s, status);
    else if (s->status == TIMBANG_OK)
        split_piece(s);
    return s->status;
}

/* ---- One text ---- */

/* Text between raw added tokens. */
static timbang_status encode_piece(struct tb_token_scratch *s, const char *text, size_t begin, size_t end)
{
    return s->tokenizer->added.has_normalized ? encode_normalized(s, text, begin, end)
                                              : tb_words_text(s, text, begin, end);
}

/* Appends the tokens of a text; beyond `limit` tokens in all it may stop. */
static timbang_status encode_text(struct tb_token_scratch *s, const char *text, size_t length, size_t limit)
{
    const tb_added *added = &s->tokenizer->added;
    s->limit = limit;
    s->sink.stop = false;
    TB_TRY(tb_words_begin(s));
    if (!added->has_raw)
        return encode_piece(s, text, 0, length);
    tb_added_walk walk = tb_added_walk_begin(added, &added->raw, text, length);
    size_t begin, end;
    int32_t token;
    while (s->status == TIMBANG_OK && s->n_tokens < limit && tb_added_walk_next(&walk, &begin, &end, &token)) {
        if (token >= 0)
            tb_words_token(s, added->tokens[token].id, (uint32_t)begin, (uint32_t)end);
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

static timbang_status reserve_ids(tb_tokens *out, size_t n, tb_error *err)
{
    if (n <= out->capacity)
        return TIMBANG_OK;
    size_t capacity = out->capacity ? out->capacity * 2 : 64;
    capacity = capacity < n ? n : capacity;
    TB_TRY(tb_grow((void **)&out->ids, capacity, sizeof out->ids[0], err));
    TB_TRY(tb_grow((void **)&out->type_ids, capacity, sizeof out->type_ids[0], err));
    out->capacity = capacity;
    return TIMBANG_OK;
}

static timbang_status reserve_offsets(tb_tokens *out, size_t n, tb_error *err)
{
    if (n <= out->offsets_capacity)
        return TIMBANG_OK;
    size_t capacity = out->offsets_capacity ? out->offsets_capacity * 2 : 64;
    capacity = capacity < n ? n : capacity;
    TB_TRY(tb_grow((void **)&out->byte_begin, capacity, sizeof out->byte_begin[0], err));
    TB_TRY(tb_grow((void **)&out->byte_end, capacity, sizeof out->byte_end[0], err));
    TB_TRY(tb_grow((void **)&out->char_begin, capacity, sizeof out->char_begin[0], err));
    TB_TRY(tb_grow((void **)&out->char_end, capacity, sizeof out->char_end[0], err));
    out->offsets_capacity = capacity;
    return TIMBANG_OK;
}

struct sequence {
    const tb_piece *tokens;
    size_t n;
    struct char_cursor cursor;
};

static void put_ids(tb_tokens *out, const tb_piece *tokens, size_t n, int32_t type_id)
{
    for (size_t i = 0; i < n; i++) {
        out->ids[out->n + i] = tokens[i].id;
        out->type_ids[out->n + i] = type_id;
    }
}

static void put_offsets(tb_tokens *out, const tb_piece *tokens, size_t n, struct char_cursor *cursor)
{
    for (size_t i = 0; i < n; i++) {
        size_t at = out->n + i;
        out->byte_begin[at] = tokens[i].begin;
        out->byte_end[at] = tokens[i].end;
        out->char_begin[at] = cursor ? char_at(cursor, tokens[i].begin) : 0;
        out->char_end[at] = cursor ? char_at(cursor, tokens[i].end) : 0;
    }
}

static timbang_status apply_template(const tb_template *template, struct sequence *sequences, tb_tokens *out,
                                     tb_error *err)
{
    size_t n = template->n_special;
    for (size_t i = 0; i < template->n; i++) {
        int sequence = template->pieces[i].sequence;
        if (sequence >= 0 && !tb_add_size(n, sequences[sequence].n, &n))
            return tb_no_memory(err, SIZE_MAX);
    }
    TB_TRY(reserve_ids(out, n, err));
    if (!out->ids_only)
        TB_TRY(reserve_offsets(out, n, err));
    out->n = 0;
    out->n_special = template->n_special;
    for (size_t i = 0; i < template->n; i++) {
        const tb_template_piece *piece = &template->pieces[i];
        const tb_piece special = {piece->id, 0, 0};
        struct sequence alone = {&special, 1, {NULL, 0, 0, 0}};
        struct sequence *sequence = piece->sequence < 0 ? &alone : &sequences[piece->sequence];
        put_ids(out, sequence->tokens, sequence->n, piece->type_id);
        if (!out->ids_only)
            put_offsets(out, sequence->tokens, sequence->n, sequence == &alone ? NULL : &sequence->cursor);
        out->n += sequence->n;
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
    s->ids_only = tokens->ids_only;
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
    if (tokens->scratch) {
        tb_words_free(tokens->scratch);
        free(tokens->scratch);
    }
    free(tokens->ids);
    free(tokens->type_ids);
    free(tokens->byte_begin);
    free(tokens->byte_end);
    free(tokens->char_begin);
    free(tokens->char_end);
    memset(tokens, 0, sizeof *tokens);
}
