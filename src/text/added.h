/* Added tokens: strings that are taken out of a text before (or, if normalized, after) it is normalized.
 * Mirrors AddedVocabulary of the reference library, tokenizers 0.23. Includes: base. Called by: tokenizer parts. */
#ifndef TB_TEXT_ADDED_H
#define TB_TEXT_ADDED_H

#include "text/trie.h"

typedef struct tb_added_token {
    char *content; /* zero-terminated; may hold NUL bytes */
    size_t length;
    int32_t id;
    bool single_word, lstrip, rstrip, normalized, special;
} tb_added_token;

typedef struct tb_added {
    tb_added_token *tokens; /* in the order in which they came; one per id */
    size_t n, capacity;
    int32_t max_id;               /* of the tokens */
    uint32_t *by_content, *by_id; /* [n_slots] hash tables of index + 1, 0: free */
    size_t n_slots;               /* a power of two, at least twice n */
    tb_matcher raw, normalized;   /* values are indices of tokens */
    bool has_raw, has_normalized;
    bool split_special; /* special tokens in a text are ordinary text */
} tb_added;

void tb_added_free(tb_added *added);
/* Index of the token with this content, -1: none. */
int64_t tb_added_find(const tb_added *added, const char *content, size_t length);
int64_t tb_added_find_id(const tb_added *added, int32_t id);
/* Copies the content. A token that is there already (same content) gets the new flags. vocab_id: the id of the content
 * in the vocabulary, -1: none; then it gets the next free id, as in the reference. Empty content is ignored. */
timbang_status tb_added_put(tb_added *added, const tb_added_token *token, int32_t vocab_id, size_t vocab_size,
                            tb_error *err);
/* Builds the matchers. normalized_text[i] is the normalized content of token i where it is a normalized one. */
timbang_status tb_added_build(tb_added *added, const char *const *normalized_text, const size_t *normalized_length,
                              tb_error *err);

/* Walks over a text in pieces: added tokens and what is between them. */
typedef struct tb_added_walk {
    const tb_added *added;
    const tb_matcher *matcher;
    const char *text;
    size_t length, search, start; /* start: the end of the last piece */
    size_t held_begin, held_end;
    int32_t held;
    bool done;
} tb_added_walk;

tb_added_walk tb_added_walk_begin(const tb_added *added, const tb_matcher *matcher, const char *text, size_t length);
/* The next piece that is not empty; token is an index or -1 for plain text. False at the end. */
bool tb_added_walk_next(tb_added_walk *walk, size_t *begin, size_t *end, int32_t *token);

#endif
