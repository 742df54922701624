/* A read-only trie over bytes, and a matcher that finds many strings in a text at once.
 * Includes: base. Called by: tokenizer parts. */
#ifndef TB_TEXT_TRIE_H
#define TB_TEXT_TRIE_H

#include "base/mem.h"

#include <string.h>

/* One string to put in. Of equal strings the one with the lowest order stays. */
typedef struct tb_trie_entry {
    const char *bytes;
    size_t length;
    uint32_t order;
    int32_t value; /* not negative */
} tb_trie_entry;

/* Nodes in breadth-first order: the children of node i are first[i] .. first[i + 1] - 1, sorted by label. Node 0 is
 * the root. */
typedef struct tb_trie {
    uint32_t n_nodes;
    uint32_t *first; /* [n_nodes + 1] */
    uint8_t *label;  /* [n_nodes] the byte that leads to the node */
    int32_t *value;  /* [n_nodes] -1: no string ends here */
    uint32_t root[256];
} tb_trie;

/* Sorts entries in place. Their bytes are needed only during the call. trie must be zeroed. */
timbang_status tb_trie_build(tb_trie *trie, tb_trie_entry *entries, size_t n, tb_error *err);
void tb_trie_free(tb_trie *trie);

/* The child of node by byte, 0: none. */
static inline uint32_t tb_trie_step(const tb_trie *trie, uint32_t node, uint8_t byte)
{
    if (node == 0)
        return trie->root[byte];
    uint32_t begin = trie->first[node], n = trie->first[node + 1] - begin;
    const uint8_t *labels = trie->label + begin;
    if (n > 8) {
        const uint8_t *hit = memchr(labels, byte, n);
        return hit ? begin + (uint32_t)(hit - labels) : 0;
    }
    for (uint32_t i = 0; i < n; i++)
        if (labels[i] == byte)
            return begin + i;
    return 0;
}

/* The value of exactly these bytes, -1: none. */
int32_t tb_trie_find(const tb_trie *trie, const char *bytes, size_t length);

/* Aho and Corasick's automaton (1975) with leftmost-longest, non-overlapping matches. */
typedef struct tb_matcher {
    tb_trie trie;
    uint32_t *fail;   /* [n_nodes] node of the longest proper suffix */
    uint32_t *output; /* [n_nodes] node of the longest string that ends here, 0: none */
    uint32_t *depth;  /* [n_nodes] bytes from the root */
} tb_matcher;

timbang_status tb_matcher_build(tb_matcher *matcher, tb_trie_entry *entries, size_t n, tb_error *err);
void tb_matcher_free(tb_matcher *matcher);
/* The first match at or after `from`: false when there is none. */
bool tb_matcher_next(const tb_matcher *matcher, const char *text, size_t length, size_t from, size_t *begin,
                     size_t *end, int32_t *value);

#endif
