/* Added tokens and how a text is split at them. Includes: text/added.h, text/unicode.h. Called by: tokenizer parts. */
#include "text/added.h"

#include "base/rng.h"
#include "text/unicode.h"

#include <stdlib.h>

void tb_added_free(tb_added *added)
{
    for (size_t i = 0; i < added->n; i++)
        free(added->tokens[i].content);
    free(added->tokens);
    free(added->by_content);
    free(added->by_id);
    tb_matcher_free(&added->raw);
    tb_matcher_free(&added->normalized);
    memset(added, 0, sizeof *added);
}

/* The slot of a content or an id: the one that holds it, or the free one where it would go. */
static size_t content_slot(const tb_added *added, const char *content, size_t length)
{
    size_t slot = (size_t)tb_hash64(content, length) & (added->n_slots - 1);
    for (; added->by_content[slot]; slot = (slot + 1) & (added->n_slots - 1)) {
        const tb_added_token *token = &added->tokens[added->by_content[slot] - 1];
        if (token->length == length && memcmp(token->content, content, length) == 0)
            break;
    }
    return slot;
}

static size_t id_slot(const tb_added *added, int32_t id)
{
    size_t slot = ((size_t)id * 0x9E3779B1u) & (added->n_slots - 1);
    while (added->by_id[slot] && added->tokens[added->by_id[slot] - 1].id != id)
        slot = (slot + 1) & (added->n_slots - 1);
    return slot;
}

int64_t tb_added_find(const tb_added *added, const char *content, size_t length)
{
    return added->n == 0 ? -1 : (int64_t)added->by_content[content_slot(added, content, length)] - 1;
}

int64_t tb_added_find_id(const tb_added *added, int32_t id)
{
    return added->n == 0 ? -1 : (int64_t)added->by_id[id_slot(added, id)] - 1;
}

/* Room for one more token, and tables that hold what is there. */
static timbang_status make_room(tb_added *added, tb_error *err)
{
    if (added->n < added->capacity)
        return TIMBANG_OK;
    size_t capacity = added->capacity ? added->capacity * 2 : 16, n_slots = capacity * 2;
    TB_TRY(tb_grow((void **)&added->tokens, capacity, sizeof added->tokens[0], err));
    uint32_t *by_content = tb_calloc(n_slots, sizeof by_content[0], err);
    uint32_t *by_id = tb_calloc(n_slots, sizeof by_id[0], err);
    if (!by_content || !by_id) {
        free(by_content);
        free(by_id);
        return err->status;
    }
    free(added->by_content);
    free(added->by_id);
    added->by_content = by_content;
    added->by_id = by_id;
    added->n_slots = n_slots;
    added->capacity = capacity;
    for (size_t i = 0; i < added->n; i++) {
        by_content[content_slot(added, added->tokens[i].content, added->tokens[i].length)] = (uint32_t)i + 1;
        by_id[id_slot(added, added->tokens[i].id)] = (uint32_t)i + 1;
    }
    return TIMBANG_OK;
}

/* A new token comes after the vocabulary and after the largest id of an added token. */
static int32_t next_id(const tb_added *added, size_t vocab_size)
{
    if (added->n > 0 && ((size_t)added->max_id >= vocab_size || vocab_size == 0))
        return added->max_id + 1;
    return (int32_t)vocab_size;
}

timbang_status tb_added_put(tb_added *added, const tb_added_token *token, int32_t vocab_id, size_t vocab_size,
                            tb_error *err)
{
    if (token->length == 0)
        return TIMBANG_OK;
    if (added->n >= INT32_MAX / 4 || vocab_size >= INT32_MAX / 4)
        return tb_fail(err, TIMBANG_UNSUPPORTED, "%zu added tokens are too many", added->n);
    TB_TRY(make_room(added, err));
    int64_t known = tb_added_find(added, token->content, token->length);
    if (known < 0) {
        int32_t id = vocab_id >= 0 ? vocab_id : next_id(added, vocab_size);
        if (tb_added_find_id(added, id) >= 0)
            return tb_fail(err, TIMBANG_UNSUPPORTED,
                           "added token '%s' would share id %d with another one, because the vocabulary repeats tokens",
                           token->content, (int)id);
        tb_added_token made = *token;
        made.id = id;
        made.content = tb_strndup(token->content, token->length, err);
        if (!made.content)
            return err->status;
        known = (int64_t)added->n;
        added->tokens[added->n++] = made;
        added->by_content[content_slot(added, made.content, made.length)] = (uint32_t)added->n;
        added->by_id[id_slot(added, id)] = (uint32_t)added->n;
        if (added->n == 1 || id > added->max_id)
            added->max_id = id;
    }
    tb_added_token *slot = &added->tokens[known];
    slot->single_word = token->single_word;
    slot->lstrip = token->lstrip;
    slot->rstrip = token->rstrip;
    slot->normalized = token->normalized;
    slot->special = token->special;
    return TIMBANG_OK;
}

timbang_status tb_added_build(tb_added *added, const char *const *normalized_text, const size_t *normalized_length,
                              tb_error *err)
{
    tb_trie_entry *entries = tb_calloc(added->n, sizeof entries[0], err);
    if (!entries)
        return err->status;
    timbang_status status = TIMBANG_OK;
    for (int normalized = 0; normalized < 2 && status == TIMBANG_OK; normalized++) {
        size_t n = 0;
        for (size_t i = 0; i < added->n; i++) {
            const tb_added_token *token = &added->tokens[i];
            if (token->normalized != (bool)normalized)
                continue;
            /* Of tokens with one normal form the reference takes any; we take the first. */
            entries[n++] = (tb_trie_entry){normalized ? normalized_text[i] : token->content,
                                           normalized ? normalized_length[i] : token->length, (uint32_t)i, (int32_t)i};
        }
        if (n == 0)
            continue;
        status = tb_matcher_build(normalized ? &added->normalized : &added->raw, entries, n, err);
        *(normalized ? &added->has_normalized : &added->has_raw) = status == TIMBANG_OK;
    }
    free(entries);
    return status;
}

/* ---- Splitting a text ---- */

static bool is_kind(uint32_t code_point, uint8_t flag)
{
    return (tb_unicode_of(code_point)->flags & flag) != 0;
}

/* The code point that ends at text[end], end > 0. */
static size_t step_back(const char *text, size_t end, uint32_t *code_point)
{
    size_t begin = end - 1;
    while (begin > 0 && ((uint8_t)text[begin] & 0xC0) == 0x80)
        begin--;
    tb_utf8_decode(text + begin, end - begin, code_point);
    return begin;
}

static bool is_whole_word(const char *text, size_t length, size_t begin, size_t end)
{
    uint32_t c;
    if (begin > 0) {
        step_back(text, begin, &c);
        if (is_kind(c, TB_UNICODE_WORD))
            return false;
    }
    if (end < length) {
        tb_utf8_decode(text + end, length - end, &c);
        if (is_kind(c, TB_UNICODE_WORD))
            return false;
    }
    return true;
}

static size_t spaces_before(const char *text, size_t begin)
{
    uint32_t c;
    while (begin > 0) {
        size_t before = step_back(text, begin, &c);
        if (!is_kind(c, TB_UNICODE_SPACE))
            break;
        begin = before;
    }
    return begin;
}

static size_t spaces_after(const char *text, size_t length, size_t end)
{
    uint32_t c;
    while (end < length) {
        int n = tb_utf8_decode(text + end, length - end, &c);
        if (n <= 0 || !is_kind(c, TB_UNICODE_SPACE))
            break;
        end += (size_t)n;
    }
    return end;
}

tb_added_walk tb_added_walk_begin(const tb_added *added, const tb_matcher *matcher, const char *text, size_t length)
{
    return (tb_added_walk){.added = added, .matcher = matcher, .text = text, .length = length, .held = -1};
}

/* The next added token, widened by the spaces that it strips. */
static bool next_token(tb_added_walk *walk, size_t *begin, size_t *end, int32_t *index)
{
    while (tb_matcher_next(walk->matcher, walk->text, walk->length, walk->search, begin, end, index)) {
        const tb_added_token *token = &walk->added->tokens[*index];
        walk->search = *end;
        if (walk->added->split_special && token->special)
            continue;
        if (token->single_word && !is_whole_word(walk->text, walk->length, *begin, *end))
            continue;
        if (token->lstrip) {
            size_t from = spaces_before(walk->text, *begin);
            *begin = from > walk->start ? from : walk->start; /* the token before may have taken them */
        }
        if (token->rstrip)
            *end = spaces_after(walk->text, walk->length, *end);
        if (*begin < *end)
            return true;
    }
    return false;
}

bool tb_added_walk_next(tb_added_walk *walk, size_t *begin, size_t *end, int32_t *token)
{
    if (walk->held >= 0) {
        *begin = walk->held_begin;
        *end = walk->held_end;
        *token = walk->held;
        walk->held = -1;
        return true;
    }
    if (walk->done)
        return false;
    size_t from = walk->start;
    if (!next_token(walk, begin, end, token)) {
        walk->done = true;
        *begin = from;
        *end = walk->length;
        *token = -1;
        return from < walk->length;
    }
    walk->start = *end;
    if (from < *begin) { /* first what is between */
        walk->held_begin = *begin;
        walk->held_end = *end;
        walk->held = *token;
        *end = *begin;
        *begin = from;
        *token = -1;
    }
    return true;
}
