/* From normalized characters to pieces: the pre-tokenizer, one word at a time, WordPiece, and a short way for ASCII.
 * Includes: text/tokenizer_parts.h, text/word_cache.h. Called by: encode.c. */
#ifndef TB_TEXT_WORDS_H
#define TB_TEXT_WORDS_H

#include "text/tokenizer_parts.h"
#include "text/word_cache.h"

/* UTF-8 with the range of the raw text for each byte. */
typedef struct tb_aligned {
    char *bytes;
    uint32_t *begin, *end;
    size_t length, capacity;
} tb_aligned;

typedef struct tb_piece {
    int32_t id;
    uint32_t begin, end; /* bytes of the raw text; not set where offsets are not wanted */
} tb_piece;

/* Working memory of the encoder, and where it stands. */
struct tb_token_scratch {
    tb_sink sink; /* first: the sink is the scratch */
    const tb_tokenizer *tokenizer;
    tb_error *err;
    timbang_status status;
    bool ids_only;

    char *word; /* the bytes of the word so far */
    size_t word_length, word_capacity;
    size_t word_chars;
    uint32_t word_begin, word_end;   /* its raw range, also when it is too long to be kept */
    uint32_t *byte_begin, *byte_end; /* [byte_capacity] raw range of each byte, unless the word is straight */
    size_t byte_capacity;
    bool straight; /* byte i of the word is byte word_begin + i of the raw text */
    uint8_t word_kind;

    int32_t *ids;   /* [split_capacity] of one word */
    uint32_t *ends; /* [split_capacity] */
    size_t split_capacity;
    size_t n_words; /* before the cache was begun */
    tb_word_cache cache;

    tb_aligned piece; /* normalized text in which normalized added tokens are sought */
    tb_piece *tokens; /* of the text, then of the pair */
    size_t n_tokens, tokens_capacity, limit;
    tb_mark_run run;
};

void tb_words_free(struct tb_token_scratch *s); /* what it holds, not itself */
/* Before the first word of a tokenizer. */
timbang_status tb_words_begin(struct tb_token_scratch *s);
void tb_words_fail(struct tb_token_scratch *s, timbang_status status);
/* A token that is not made from a word. */
void tb_words_token(struct tb_token_scratch *s, int32_t id, uint32_t begin, uint32_t end);
/* The next normalized character. */
void tb_words_put(struct tb_token_scratch *s, uint32_t c, uint32_t begin, uint32_t end);
void tb_words_end(struct tb_token_scratch *s);
/* Normalizes and splits text[begin..end), as tb_normalize into tb_words_put would. */
timbang_status tb_words_text(struct tb_token_scratch *s, const char *text, size_t begin, size_t end);

#endif
