/* LinMaxMatch: links over the vocabulary's trie, and matching. Includes: text/wordpiece.h. Called by: tokenizer.c,
 * words.c.
 *
 * The paper keeps the tokens inside a word under a node of their own, which is also what the prefix, read as text,
 * leads to. A word that starts with the prefix's first byte is therefore matched the plain way. */
#include "text/wordpiece.h"

#include <stdlib.h>

enum { STEPS_PER_NODE = 64 };

struct builder {
    tb_wordpiece *wordpiece;
    size_t capacity; /* of the pool */
    size_t steps, most_steps;
    tb_error *err;
};

/* ---- Building ---- */

static timbang_status add_pieces(struct builder *b, const tb_wordpiece_link *link)
{
    tb_wordpiece *w = b->wordpiece;
    if (w->n_pool + link->n > b->capacity) {
        size_t capacity = (w->n_pool + link->n) * 2;
        TB_TRY(tb_grow((void **)&w->pool, capacity, sizeof w->pool[0], b->err));
        b->capacity = capacity;
    }
    if (link->n == 1)
        w->pool[w->n_pool] = (int32_t)link->pieces;
    else if (link->n > 1)
        memcpy(w->pool + w->n_pool, w->pool + link->pieces, link->n * sizeof w->pool[0]);
    w->n_pool += link->n;
    b->steps += link->n;
    return TIMBANG_OK;
}

/* The link of `node`, which `parent` reaches by the node's byte: the paper's algorithm 2. */
static timbang_status make_link(struct builder *b, uint32_t parent, uint32_t node)
{
    tb_wordpiece *w = b->wordpiece;
    const tb_trie *trie = w->trie;
    tb_wordpiece_link *link = &w->links[node];
    b->steps++;
    if (trie->value[node] >= 0) {
        *link = (tb_wordpiece_link){w->inside, (uint32_t)trie->value[node], 1};
        return TIMBANG_OK;
    }
    const tb_wordpiece_link *from = &w->links[parent];
    uint32_t at = from->next, to = 0;
    size_t start = w->n_pool;
    while (at != TB_WORDPIECE_NONE && (to = tb_trie_step(trie, at, trie->label[node])) == 0) {
        b->steps++;
        if (b->steps > b->most_steps)
            return TIMBANG_OK;
        if (w->n_pool == start)
            TB_TRY(add_pieces(b, from));
        TB_TRY(add_pieces(b, &w->links[at]));
        at = w->links[at].next;
    }
    if (at == TB_WORDPIECE_NONE) {
        w->n_pool = start;
        *link = (tb_wordpiece_link){TB_WORDPIECE_NONE, 0, 0};
    } else if (w->n_pool == start)
        *link = (tb_wordpiece_link){to, from->pieces, from->n};
    else
        *link = (tb_wordpiece_link){to, (uint32_t)start, (uint32_t)(w->n_pool - start)};
    return TIMBANG_OK;
}

/* Links of all children of the nodes begin .. end - 1. `inside` has its own: none. */
static timbang_status make_level(struct builder *b, uint32_t begin, uint32_t end)
{
    const tb_wordpiece *w = b->wordpiece;
    for (uint32_t node = begin; node < end; node++)
        for (uint32_t child = w->trie->first[node]; child < w->trie->first[node + 1]; child++) {
            if (child != w->inside && w->links[child].n == 0)
                TB_TRY(make_link(b, node, child));
            if (b->steps > b->most_steps || w->n_pool > INT32_MAX)
                return TIMBANG_OK;
        }
    return TIMBANG_OK;
}

/* Links point to nodes inside a word, so these come first, level by level; nodes of a level lie side by side. */
static timbang_status make_links(struct builder *b)
{
    tb_wordpiece *w = b->wordpiece;
    const tb_trie *trie = w->trie;
    w->links[0] = w->links[w->inside] = (tb_wordpiece_link){TB_WORDPIECE_NONE, 0, 0};
    for (uint32_t begin = w->inside, end = begin + 1, next; begin < end; begin = next) {
        TB_TRY(make_level(b, begin, end));
        next = trie->first[begin];
        end = trie->first[end];
    }
    return make_level(b, 0, trie->n_nodes);
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9E3779B97F4A7C15u;
    return hash ^ hash >> 29;
}

static uint64_t fingerprint_of(const tb_wordpiece *w)
{
    uint64_t hash = mix(w->prefix_length, w->has_inside ? w->inside : TB_WORDPIECE_NONE);
    for (uint32_t node = 0; node < w->trie->n_nodes; node++)
        hash = mix(hash, (uint64_t)w->trie->first[node] << 32 ^ (uint64_t)w->trie->label[node] << 24 ^
                             (uint32_t)w->trie->value[node]);
    return hash;
}

timbang_status tb_wordpiece_build(tb_wordpiece *w, const tb_trie *trie, const size_t *lengths, const char *prefix,
                                  size_t prefix_length, tb_error *err)
{
    w->trie = trie;
    w->lengths = lengths;
    w->prefix_length = prefix_length;
    w->prefix_byte = prefix_length ? (uint8_t)prefix[0] : -1;
    w->inside = 0;
    w->has_inside = true;
    for (size_t i = 0; i < prefix_length && w->has_inside; i++) {
        w->inside = tb_trie_step(trie, w->inside, (uint8_t)prefix[i]);
        w->has_inside = w->inside != 0;
    }
    w->fingerprint = fingerprint_of(w);
    if (!w->has_inside)
        return TIMBANG_OK;
    w->links = tb_calloc(trie->n_nodes, sizeof w->links[0], err);
    if (!w->links)
        return err->status;
    struct builder b = {w, 0, 0, (size_t)trie->n_nodes * STEPS_PER_NODE, err};
    TB_TRY(make_links(&b));
    if (b.steps > b.most_steps || w->n_pool > INT32_MAX) {
        free(w->links);
        free(w->pool);
        w->links = NULL;
        w->pool = NULL;
        w->n_pool = 0;
    }
    return TIMBANG_OK;
}

void tb_wordpiece_free(tb_wordpiece *w)
{
    free(w->links);
    free(w->pool);
    memset(w, 0, sizeof *w);
}

/* ---- Matching ---- */

/* The definition: for each piece, as far as the trie goes. */
static size_t split_plainly(const tb_wordpiece *w, const char *word, size_t length, int32_t *ids, uint32_t *ends)
{
    const tb_trie *trie = w->trie;
    size_t n = 0;
    for (size_t start = 0, end; start < length; start = end) {
        uint32_t node = start == 0 ? 0 : w->inside;
        int32_t id = -1;
        if (start > 0 && !w->has_inside)
            return 0;
        end = start;
        for (size_t i = start; i < length; i++) {
            node = tb_trie_step(trie, node, (uint8_t)word[i]);
            if (node == 0)
                break;
            if (trie->value[node] >= 0) {
                id = trie->value[node];
                end = i + 1;
            }
        }
        if (id < 0)
            return 0;
        ids[n] = id;
        ends[n++] = (uint32_t)end;
    }
    return n;
}

/* The pieces of a link, behind the n that are there. */
static size_t put_link(const tb_wordpiece *w, const tb_wordpiece_link *link, size_t n, int32_t *ids, uint32_t *ends)
{
    const int32_t one = (int32_t)link->pieces, *from = link->n == 1 ? &one : w->pool + link->pieces;
    for (uint32_t i = 0; i < link->n; i++, n++) {
        size_t length = w->lengths[from[i]];
        ids[n] = from[i];
        ends[n] = (uint32_t)(n == 0 ? length : ends[n - 1] + length - w->prefix_length);
    }
    return n;
}

size_t tb_wordpiece_split(const tb_wordpiece *w, const char *word, size_t length, int32_t *ids, uint32_t *ends)
{
    const tb_trie *trie = w->trie;
    if (!w->links || (uint8_t)word[0] == w->prefix_byte)
        return split_plainly(w, word, length, ids, ends);
    size_t n = 0;
    uint32_t node = 0;
    for (size_t i = 0; i < length; i++) {
        uint32_t to;
        while ((to = tb_trie_step(trie, node, (uint8_t)word[i])) == 0) {
            const tb_wordpiece_link *link = &w->links[node];
            if (link->next == TB_WORDPIECE_NONE)
                return 0;
            n = put_link(w, link, n, ids, ends);
            node = link->next;
        }
        node = to;
    }
    /* What has been read must be pieces to its end. */
    while (node != w->inside) {
        const tb_wordpiece_link *link = &w->links[node];
        if (link->next == TB_WORDPIECE_NONE)
            return 0;
        n = put_link(w, link, n, ids, ends);
        node = link->next;
    }
    return n;
}
