/* A bounded cache of split words, one for each working memory of the encoder: it belongs to one thread at a time, and
 * what it holds never changes a result, only the time.
 * Includes: base/mem.h. Called by: words.c. */
#ifndef TB_TEXT_WORD_CACHE_H
#define TB_TEXT_WORD_CACHE_H

#include "base/mem.h"

#include <string.h>

enum { TB_CACHED_BYTES = 24, TB_CACHED_PIECES = 7, TB_CACHE_WAYS = 2, TB_CACHE_SET_BITS = 11 };

/* One cache line. Words and pieces that do not fit are not kept. */
typedef struct tb_cached_word {
    uint64_t key[3]; /* the bytes, then zeros */
    uint8_t length;  /* 0: free */
    uint8_t n;       /* pieces; 0: the word is unknown */
    uint8_t ends[6]; /* of all pieces but the last one, which ends with the word */
    int32_t ids[TB_CACHED_PIECES];
} tb_cached_word;

typedef struct tb_word_cache {
    tb_cached_word *words; /* [sets][ways], the newest first; NULL: not begun */
    uint64_t fingerprint;  /* of the tokenizer that filled it */
} tb_word_cache;

/* Makes it empty, for the tokenizer with this fingerprint. */
timbang_status tb_word_cache_begin(tb_word_cache *cache, uint64_t fingerprint, tb_error *err);
void tb_word_cache_free(tb_word_cache *cache);

typedef struct tb_word_key {
    uint64_t part[3];
    tb_cached_word *set;
    uint8_t length;
} tb_word_key;

/* length: 1 to TB_CACHED_BYTES. TB_CACHED_BYTES bytes of word must be readable. */
static inline tb_word_key tb_word_key_of(const tb_word_cache *cache, const char *word, size_t length)
{
    tb_word_key key = {{0, 0, 0}, NULL, (uint8_t)length};
    uint64_t hash = length;
    for (size_t i = 0; i < 3; i++) {
        size_t begin = i * 8, left = length > begin ? length - begin : 0;
        memcpy(&key.part[i], word + begin, 8);
        if (left < 8)
            key.part[i] &= ((uint64_t)1 << left * 8) - 1; /* little-endian, like every machine we run on */
    }
    hash = key.part[0] * 0x9E3779B97F4A7C15u + key.part[1] * 0xC2B2AE3D27D4EB4Fu + key.part[2] * 0xFF51AFD7ED558CCDu +
           hash;
    hash = (hash ^ hash >> 32) * 0xD6E8FEB86659FD93u;
    key.set = cache->words + (hash >> (64 - TB_CACHE_SET_BITS)) * TB_CACHE_WAYS;
    return key;
}

static inline const tb_cached_word *tb_word_cache_find(const tb_word_key *key)
{
    for (int way = 0; way < TB_CACHE_WAYS; way++) {
        const tb_cached_word *word = &key->set[way];
        if (word->key[0] == key->part[0] && word->key[1] == key->part[1] && word->key[2] == key->part[2] &&
            word->length == key->length)
            return word;
    }
    return NULL;
}

/* ends: where each piece ends. More than TB_CACHED_PIECES pieces are not kept. */
void tb_word_cache_put(const tb_word_key *key, const int32_t *ids, const uint32_t *ends, size_t n);

#endif
