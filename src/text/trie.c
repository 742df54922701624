/* Trie and multiple-string matcher. Includes: text/trie.h. Called by: tokenizer parts. */
#include "text/trie.h"

#include <stdlib.h>

enum { FEW = 64 };

static int compare_entries(const void *a, const void *b)
{
    const tb_trie_entry *x = a, *y = b;
    size_t common = x->length < y->length ? x->length : y->length;
    int order = common ? memcmp(x->bytes, y->bytes, common) : 0;
    if (order == 0)
        order = (x->length > y->length) - (x->length < y->length);
    return order ? order : (x->order > y->order) - (x->order < y->order);
}

/* The first eight bytes as a number that sorts as they do, and where the entry stands. */
struct sort_key {
    uint64_t head;
    uint32_t index;
};

static uint64_t head_of(const tb_trie_entry *entry)
{
    uint64_t head = 0;
    for (size_t i = 0; i < 8; i++)
        head = head << 8 | (i < entry->length ? (uint8_t)entry->bytes[i] : 0);
    return head;
}

/* Radix sort by the head, the last byte first: stable. n_keys < 2^32. */
static void sort_keys(struct sort_key *keys, struct sort_key *spare, size_t n)
{
    for (int shift = 0; shift < 64; shift += 8) {
        size_t place[257] = {0};
        for (size_t i = 0; i < n; i++)
            place[(keys[i].head >> shift & 255) + 1]++;
        for (int b = 0; b < 256; b++)
            place[b + 1] += place[b];
        for (size_t i = 0; i < n; i++)
            spare[place[keys[i].head >> shift & 255]++] = keys[i];
        memcpy(keys, spare, n * sizeof keys[0]);
    }
}

/* By the first bytes, then by comparison those few that share them. */
static timbang_status sort_entries(tb_trie_entry *entries, size_t n, tb_error *err)
{
    if (n <= FEW) {
        if (n > 1)
            qsort(entries, n, sizeof entries[0], compare_entries);
        return TIMBANG_OK;
    }
    if (n > INT32_MAX)
        return tb_fail(err, TIMBANG_UNSUPPORTED, "a vocabulary of more than 2 GiB is not supported");
    struct sort_key *keys = tb_calloc(2 * n, sizeof keys[0], err);
    tb_trie_entry *sorted = tb_calloc(n, sizeof sorted[0], err);
    timbang_status status = keys && sorted ? TIMBANG_OK : err->status;
    if (status == TIMBANG_OK) {
        for (size_t i = 0; i < n; i++)
            keys[i] = (struct sort_key){head_of(&entries[i]), (uint32_t)i};
        sort_keys(keys, keys + n, n);
        for (size_t i = 0; i < n; i++)
            sorted[i] = entries[keys[i].index];
        for (size_t begin = 0, end; begin < n; begin = end) {
            for (end = begin + 1; end < n && keys[end].head == keys[begin].head; end++)
                ;
            if (end - begin > 1)
                qsort(sorted + begin, end - begin, sizeof sorted[0], compare_entries);
        }
        memcpy(entries, sorted, n * sizeof entries[0]);
    }
    free(keys);
    free(sorted);
    return status;
}

/* One node to be filled: the sorted entries that share its path. */
struct range {
    uint32_t begin, end, depth;
};

/* Nodes of the trie of sorted entries: every byte that an entry does not share with the one before it. */
static timbang_status count_nodes(const tb_trie_entry *entries, size_t n, uint32_t *n_nodes, tb_error *err)
{
    size_t nodes = 1;
    for (size_t i = 0; i < n; i++) {
        size_t shared = 0, most = i == 0 ? 0 : entries[i - 1].length;
        if (most > entries[i].length)
            most = entries[i].length;
        while (shared < most && entries[i].bytes[shared] == entries[i - 1].bytes[shared])
            shared++;
        if (!tb_add_size(nodes, entries[i].length - shared, &nodes) || nodes > INT32_MAX || n > INT32_MAX)
            return tb_fail(err, TIMBANG_UNSUPPORTED, "a vocabulary of more than 2 GiB is not supported");
    }
    *n_nodes = (uint32_t)nodes;
    return TIMBANG_OK;
}

timbang_status tb_trie_build(tb_trie *trie, tb_trie_entry *entries, size_t n, tb_error *err)
{
    TB_TRY(sort_entries(entries, n, err));
    TB_TRY(count_nodes(entries, n, &trie->n_nodes, err));
    uint32_t n_nodes = trie->n_nodes;
    trie->first = tb_calloc((size_t)n_nodes + 1, sizeof trie->first[0], err);
    trie->label = tb_calloc(n_nodes, 1, err);
    trie->value = tb_calloc(n_nodes, sizeof trie->value[0], err);
    struct range *ranges = tb_calloc(n_nodes, sizeof ranges[0], err);
    if (!trie->first || !trie->label || !trie->value || !ranges) {
        free(ranges);
        tb_trie_free(trie);
        return err->status;
    }

    ranges[0] = (struct range){0, (uint32_t)n, 0};
    uint32_t next = 1;
    for (uint32_t node = 0; node < n_nodes; node++) {
        struct range range = ranges[node];
        uint32_t at = range.begin;
        trie->value[node] = -1;
        trie->first[node] = next;
        for (; at < range.end && entries[at].length == range.depth; at++)
            if (trie->value[node] < 0)
                trie->value[node] = entries[at].value;
        while (at < range.end) {
            char byte = entries[at].bytes[range.depth];
            uint32_t from = at;
            while (at < range.end && entries[at].bytes[range.depth] == byte)
                at++;
            trie->label[next] = (uint8_t)byte;
            ranges[next++] = (struct range){from, at, range.depth + 1};
        }
    }
    trie->first[n_nodes] = next;
    for (uint32_t child = trie->first[0]; child < trie->first[1]; child++)
        trie->root[trie->label[child]] = child;
    free(ranges);
    return TIMBANG_OK;
}

void tb_trie_free(tb_trie *trie)
{
    free(trie->first);
    free(trie->label);
    free(trie->value);
    memset(trie, 0, sizeof *trie);
}

int32_t tb_trie_find(const tb_trie *trie, const char *bytes, size_t length)
{
    uint32_t node = 0;
    if (trie->n_nodes == 0)
        return -1;
    for (size_t i = 0; i < length; i++) {
        node = tb_trie_step(trie, node, (uint8_t)bytes[i]);
        if (node == 0)
            return -1;
    }
    return trie->value[node];
}

timbang_status tb_matcher_build(tb_matcher *matcher, tb_trie_entry *entries, size_t n, tb_error *err)
{
    tb_trie *trie = &matcher->trie;
    TB_TRY(tb_trie_build(trie, entries, n, err));
    matcher->fail = tb_calloc(trie->n_nodes, sizeof matcher->fail[0], err);
    matcher->output = tb_calloc(trie->n_nodes, sizeof matcher->output[0], err);
    matcher->depth = tb_calloc(trie->n_nodes, sizeof matcher->depth[0], err);
    if (!matcher->fail || !matcher->output || !matcher->depth) {
        tb_matcher_free(matcher);
        return err->status;
    }
    for (uint32_t node = 0; node < trie->n_nodes; node++) {
        for (uint32_t child = trie->first[node]; child < trie->first[node + 1]; child++) {
            uint32_t fail = matcher->fail[node], to = 0;
            if (node != 0) {
                while ((to = tb_trie_step(trie, fail, trie->label[child])) == 0 && fail != 0)
                    fail = matcher->fail[fail];
            }
            matcher->fail[child] = to;
            matcher->output[child] = trie->value[child] >= 0 ? child : matcher->output[to];
            matcher->depth[child] = matcher->depth[node] + 1;
        }
    }
    return TIMBANG_OK;
}

void tb_matcher_free(tb_matcher *matcher)
{
    tb_trie_free(&matcher->trie);
    free(matcher->fail);
    free(matcher->output);
    free(matcher->depth);
    memset(matcher, 0, sizeof *matcher);
}

/* The first place at or after `from` where a string may start, else length. */
static size_t next_start(const tb_trie *trie, const char *text, size_t length, size_t from)
{
    if (trie->first[1] == trie->first[0] + 1) {
        const char *hit = memchr(text + from, trie->label[trie->first[0]], length - from);
        return hit ? (size_t)(hit - text) : length;
    }
    while (from < length && trie->root[(uint8_t)text[from]] == 0)
        from++;
    return from;
}

bool tb_matcher_next(const tb_matcher *matcher, const char *text, size_t length, size_t from, size_t *begin,
                     size_t *end, int32_t *value)
{
    const tb_trie *trie = &matcher->trie;
    bool found = false;
    uint32_t node = 0;
    for (size_t i = from; i < length; i++) {
        if (node == 0 && !found && (i = next_start(trie, text, length, i)) == length)
            break;
        uint8_t byte = (uint8_t)text[i];
        uint32_t to;
        while ((to = tb_trie_step(trie, node, byte)) == 0 && node != 0)
            node = matcher->fail[node];
        node = to;
        /* What is still open starts at i + 1 - depth; nothing further left can come any more. */
        if (found && i + 1 - matcher->depth[node] > *begin)
            return true;
        uint32_t output = matcher->output[node];
        if (output) {
            size_t start = i + 1 - matcher->depth[output];
            if (!found || start <= *begin) {
                found = true;
                *begin = start;
                *end = i + 1;
                *value = trie->value[output];
            }
        }
    }
    return found;
}
