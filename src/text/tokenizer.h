/* WordPiece exactly as Hugging Face's fast tokenizer: added tokens, normalizer, pre-tokenizer, WordPiece, template.
 * Includes: base. Called by: model, api. */
#ifndef TB_TEXT_TOKENIZER_H
#define TB_TEXT_TOKENIZER_H

#include "base/io.h"

typedef struct tb_tokenizer tb_tokenizer;

/* What AutoTokenizer of transformers 5 makes of the folder: tokenizer.json where present, else vocab.txt, with
 * tokenizer_config.json, special_tokens_map.json, added_tokens.json, and the class that config.json implies. Mind that
 * a BertTokenizer takes its normalizer from tokenizer_config.json (do_lower_case ...), not from tokenizer.json. Stored
 * truncation and padding are ignored, but for the side that is cut. Unsupported kinds are TIMBANG_UNSUPPORTED by name,
 * malformed files TIMBANG_FORMAT. */
timbang_status tb_tokenizer_load(const tb_folder *folder, tb_tokenizer **tokenizer, tb_error *err);
void tb_tokenizer_free(tb_tokenizer *tokenizer);
size_t tb_tokenizer_vocab_size(const tb_tokenizer *tokenizer);             /* largest id + 1, added tokens included */
const char *tb_tokenizer_token(const tb_tokenizer *tokenizer, int32_t id); /* NULL: no such id */
int32_t tb_tokenizer_id(const tb_tokenizer *tokenizer, const char *token); /* -1: none */
/* Special ids by role; -1 where the tokenizer has none. */
int32_t tb_tokenizer_pad_id(const tb_tokenizer *tokenizer);
int32_t tb_tokenizer_unk_id(const tb_tokenizer *tokenizer);
int32_t tb_tokenizer_mask_id(const tb_tokenizer *tokenizer);

/* Offsets are half-open, into the raw text (of the pair for tokens of the pair), in bytes and in code points; an
 * unknown word has the span of the whole word, special tokens have 0,0, as in the reference. Arrays grow and are reused
 * from call to call, with any tokenizer; a zeroed struct is empty. */
typedef struct tb_tokens {
    size_t n, capacity, offsets_capacity;
    int32_t *ids, *type_ids;
    uint32_t *byte_begin, *byte_end, *char_begin, *char_end;
    bool ids_only; /* set by the caller: the offsets are not wanted, and their arrays stay as they are */
    bool truncated;
    size_t n_special;                 /* how many of n came from the template */
    struct tb_token_scratch *scratch; /* working memory of the encoder, kept between calls */
} tb_tokens;
void tb_tokens_free(tb_tokens *tokens);

/* text and pair (NULL: none) are UTF-8; invalid bytes are TIMBANG_DATA with the offset. max_length counts special
 * tokens (0: none; fewer than the special tokens: TIMBANG_USAGE); truncation is "longest_first", as transformers does
 * it. Thread-safe for different `tokens`. */
timbang_status tb_tokenizer_encode(const tb_tokenizer *tokenizer, const char *text, size_t length, const char *pair,
                                   size_t pair_length, size_t max_length, tb_tokens *tokens, tb_error *err);

/* The files of a model's folder that say how it reads text; NULL-terminated. Not every folder has all of them. */
extern const char *const tb_tokenizer_files[];

#endif
