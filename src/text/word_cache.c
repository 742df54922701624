/* The word cache's memory and how it is filled. Includes: text/word_cache.h. Called by: words.c. */
#include "text/word_cache.h"

_Static_assert(sizeof(tb_cached_word) == 64, "a cached word is one cache line");

enum { WORDS = TB_CACHE_WAYS << TB_CACHE_SET_BITS };

timbang_status tb_word_cache_begin(tb_word_cache *cache, uint64_t fingerprint, tb_error *err)
{
    if (cache->words)
        memset(cache->words, 0, WORDS * sizeof cache->words[0]);
    else
        cache->words = tb_alloc_aligned(WORDS, sizeof cache->words[0], err);
    if (!cache->words)
        return err->status;
    cache->fingerprint = fingerprint;
    return TIMBANG_OK;
}

void tb_word_cache_free(tb_word_cache *cache)
{
    tb_free_aligned(cache->words);
    cache->words = NULL;
}

void tb_word_cache_put(const tb_word_key *key, const int32_t *ids, const uint32_t *ends, size_t n)
{
    if (n > TB_CACHED_PIECES)
        return;
    for (int way = TB_CACHE_WAYS - 1; way > 0; way--)
        key->set[way] = key->set[way - 1];
    tb_cached_word *word = &key->set[0];
    memset(word, 0, sizeof *word);
    memcpy(word->key, key->part, sizeof word->key);
    word->length = key->length;
    word->n = (uint8_t)n;
    for (size_t i = 0; i + 1 < n; i++)
        word->ends[i] = (uint8_t)ends[i];
    if (n)
        memcpy(word->ids, ids, n * sizeof ids[0]);
}
