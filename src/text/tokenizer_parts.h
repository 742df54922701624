/* What a tokenizer is made of; shared by its loaders and the encoder.
 * Includes: this room. Called by: tokenizer*.c, bytes.c, words.c, encode.c. */
#ifndef TB_TEXT_TOKENIZER_PARTS_H
#define TB_TEXT_TOKENIZER_PARTS_H

#include "base/json.h"
#include "text/added.h"
#include "text/normalizer.h"
#include "text/tokenizer.h"
#include "text/trie.h"
#include "text/wordpiece.h"

enum { TB_MAX_TOKEN_ID = (1 << 24) - 1 };

/* The vocabulary. Tokens are zero-terminated but may hold NUL bytes. */
typedef struct tb_vocab {
    tb_arena *arena;     /* holds the tokens */
    const char **tokens; /* [n_ids] by id; NULL: no such id */
    size_t *lengths;
    size_t n_ids;   /* largest id + 1 */
    size_t n_words; /* different tokens, which is what the reference calls the size */
    tb_trie trie;
} tb_vocab;

void tb_vocab_free(tb_vocab *vocab);
/* Strings and their ids; the strings are copied and the entries sorted. Of equal strings the last one counts. name is
 * for messages. On failure the caller frees. */
timbang_status tb_vocab_build(tb_vocab *vocab, const char *name, tb_trie_entry *entries, size_t n, tb_error *err);

/* The vocabulary of a tokenizer.json, apart from the rest of the file. */
typedef struct tb_vocab_scan {
    char *bytes;            /* of the file; holds the tokens */
    tb_trie_entry *entries; /* [n] */
    size_t n;               /* 0: it is in the tree */
} tb_vocab_scan;

/* vocab_scan.c: scan must be zeroed; on failure the caller frees. Leaves *root as it is, and scan empty, where the
 * vocabulary is not written plainly or the file is wrong. */
timbang_status tb_vocab_scan_file(tb_vocab_scan *scan, const char *name, const char *bytes, size_t size, json_t **root,
                                  tb_error *err);
void tb_vocab_scan_free(tb_vocab_scan *scan);

typedef enum tb_split {
    TB_SPLIT_BERT,   /* BertPreTokenizer: at spaces, punctuation alone */
    TB_SPLIT_WORDS,  /* Whitespace: runs of \w, runs of the rest */
    TB_SPLIT_SPACES, /* WhitespaceSplit */
    TB_SPLIT_NONE
} tb_split;

/* A piece of a template: a special token, or a sequence. */
typedef struct tb_template_piece {
    int sequence; /* 0: the text, 1: the pair, -1: the token id */
    int32_t id, type_id;
} tb_template_piece;

typedef struct tb_template {
    tb_template_piece *pieces;
    size_t n, capacity;
    size_t n_special;
} tb_template;

timbang_status tb_template_add(tb_template *template, int sequence, int32_t id, int32_t type_id, tb_error *err);

/* What an ASCII byte does to the word at hand. */
typedef enum tb_byte_kind {
    TB_BYTE_PLAIN,   /* makes it longer */
    TB_BYTE_SPACE,   /* ends it */
    TB_BYTE_ALONE,   /* ends it and is a word of its own */
    TB_BYTE_REMOVED, /* nothing */
    TB_BYTE_OTHER,   /* the pre-tokenizer decides */
    TB_BYTE_WIDE     /* part of a longer character: the normalizer decides */
} tb_byte_kind;

typedef struct tb_byte_table {
    uint8_t kind[256];   /* tb_byte_kind */
    uint8_t plain[256];  /* the normalized byte of plain ones, 0 for all others */
    uint8_t normal[128]; /* the normalized byte, but of removed and wide ones */
    int32_t alone[128];  /* the token of those that are words of their own */
} tb_byte_table;

struct tb_tokenizer {
    tb_vocab vocab;
    tb_added added;
    tb_normalizer normalizer;
    tb_split split;
    size_t max_word_chars;
    tb_wordpiece wordpiece;
    tb_byte_table bytes;
    tb_template single, pair;
    int32_t unk, pad, mask;
    bool truncate_left;
};

/* Id of a content: added tokens first, then the vocabulary; -1: none. */
int32_t tb_tokenizer_lookup(const tb_tokenizer *tokenizer, const char *content, size_t length);

/* tokenizer_json.c: the parts of a parsed tokenizer.json; `where` names the file in messages. */
timbang_status tb_load_vocab_json(tb_vocab *vocab, const char *where, const json_t *root, const tb_vocab_scan *scan,
                                  tb_error *err);
/* The model's own settings: unknown token, prefix, longest word. */
timbang_status tb_load_wordpiece(tb_tokenizer *tokenizer, const char *where, const json_t *root, tb_error *err);
timbang_status tb_load_normalizer(tb_normalizer *normalizer, const char *where, const json_t *root, tb_error *err);
timbang_status tb_load_split(tb_split *split, const char *where, const json_t *root, tb_error *err);
timbang_status tb_load_templates(tb_tokenizer *tokenizer, const char *where, const json_t *root, tb_error *err);
/* Borrows the content from the object. */
timbang_status tb_load_added_token(tb_added_token *token, const char *where, const json_t *object, tb_error *err);

/* vocab_text.c */
timbang_status tb_load_vocab_text(tb_vocab *vocab, const tb_folder *folder, const char *file, tb_error *err);

/* bytes.c: from all that is set by then. */
timbang_status tb_bytes_build(tb_tokenizer *tokenizer, tb_error *err);

/* tokenizer.c */
timbang_status tb_set_wordpiece(tb_tokenizer *tokenizer, const char *where, const char *unk, size_t unk_length,
                                const char *prefix, size_t prefix_length, uint64_t max_word_chars, tb_error *err);

#endif
