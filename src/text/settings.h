/* What stands beside the vocabulary: tokenizer_config.json, special_tokens_map.json, added_tokens.json and the class
 * in config.json, combined as AutoTokenizer of transformers 5 does.
 * Includes: text/tokenizer_parts.h, base/json.h. Called by: tokenizer.c. */
#ifndef TB_TEXT_SETTINGS_H
#define TB_TEXT_SETTINGS_H

#include "text/tokenizer_parts.h"

/* A token that will be added. The content is borrowed from the parsed files. */
typedef struct tb_candidate {
    tb_added_token token;
    uint64_t index;   /* what the files say; only their order counts */
    bool from_string; /* only a content, no flags, was given */
} tb_candidate;

typedef struct tb_candidates {
    tb_candidate *items;
    size_t n, capacity;
} tb_candidates;

typedef struct tb_settings {
    json_t *tokenizer;    /* tokenizer.json; NULL: vocab.txt is used */
    tb_vocab_scan vocab;  /* its vocabulary, unless that is in the tree */
    json_t *config;       /* tokenizer_config.json; NULL: none, and so on */
    json_t *special_map;  /* special_tokens_map.json */
    json_t *added_tokens; /* added_tokens.json */
    json_t *model_config; /* config.json */
    char *tokenizer_name, *config_name, *special_map_name, *added_name, *model_name, *vocab_name; /* for messages */
    /* BertTokenizer takes the vocabulary and the added tokens from tokenizer.json and makes the rest anew, from
     * tokenizer_config.json; other classes take tokenizer.json as it is. */
    bool rebuild;
    bool bert_template; /* [CLS] text [SEP] pair [SEP], whatever the file says */
} tb_settings;

timbang_status tb_settings_load(tb_settings *settings, const tb_folder *folder, tb_error *err);
void tb_settings_free(tb_settings *settings);

/* Special tokens by role, in the order in which the reference adds them. */
enum { TB_ROLE_BOS, TB_ROLE_EOS, TB_ROLE_UNK, TB_ROLE_SEP, TB_ROLE_PAD, TB_ROLE_CLS, TB_ROLE_MASK, TB_N_ROLES };

typedef struct tb_special_tokens {
    tb_candidate role[TB_N_ROLES]; /* content NULL: none */
} tb_special_tokens;

/* The roles, and everything that is to be added, in order: tokens of the files, roles, further special tokens. */
timbang_status tb_settings_tokens(const tb_settings *settings, tb_special_tokens *roles, tb_candidates *tokens,
                                  tb_error *err);
/* Normalizer of a rebuilt tokenizer. */
timbang_status tb_settings_normalizer(const tb_settings *settings, tb_normalizer *normalizer, tb_error *err);
/* Which side is cut, and whether special tokens in a text are ordinary text. */
timbang_status tb_settings_flags(const tb_settings *settings, bool *truncate_left, bool *split_special, tb_error *err);

#endif
