/* WordPiece of one word in linear time, whatever the word: LinMaxMatch (Song et al. 2021, arXiv 2012.15524).
 * Includes: text/trie.h. Called by: tokenizer.c, words.c. */
#ifndef TB_TEXT_WORDPIECE_H
#define TB_TEXT_WORDPIECE_H

#include "text/trie.h"

#define TB_WORDPIECE_NONE UINT32_MAX

/* Where matching goes on when a node of the trie has no child for the next byte: the pieces that are certain by then,
 * and the node that stands for the rest of what has been read. */
typedef struct tb_wordpiece_link {
    uint32_t next;   /* TB_WORDPIECE_NONE: the word is unknown */
    uint32_t pieces; /* the id itself if there is one piece, else the place of the first one in the pool */
    uint32_t n;
} tb_wordpiece_link;

typedef struct tb_wordpiece {
    const tb_trie *trie;      /* of the vocabulary; borrowed */
    const size_t *lengths;    /* of tokens by id; borrowed */
    size_t prefix_length;     /* of the prefix of pieces inside a word */
    int prefix_byte;          /* its first byte, -1: the prefix is empty */
    uint32_t inside;          /* the node after the prefix */
    bool has_inside;          /* some token starts with the prefix */
    tb_wordpiece_link *links; /* [n_nodes]; NULL: none, words are matched the plain way */
    int32_t *pool;
    size_t n_pool;
    uint64_t fingerprint; /* of everything that decides how a word is split */
} tb_wordpiece;

/* wordpiece must be zeroed. trie and lengths must outlive it. A vocabulary made to need more than a bounded number of
 * steps for each of its bytes gets no links. */
timbang_status tb_wordpiece_build(tb_wordpiece *wordpiece, const tb_trie *trie, const size_t *lengths,
                                  const char *prefix, size_t prefix_length, tb_error *err);
void tb_wordpiece_free(tb_wordpiece *wordpiece);

/* Splits a word into the longest piece that fits, again and again. Returns how many, 0 if the word is unknown; ids and
 * ends (where each piece ends, in bytes of the word) have room for `length`, which is not 0. */
size_t tb_wordpiece_split(const tb_wordpiece *wordpiece, const char *word, size_t length, int32_t *ids, uint32_t *ends);

#endif
