/* The vocabulary: token to id through a trie, id to token through a table.
 * Includes: text/tokenizer_parts.h. Called by: the loaders. */
#include "text/tokenizer_parts.h"

#include <stdlib.h>

void tb_vocab_free(tb_vocab *vocab)
{
    tb_arena_free(vocab->arena);
    free(vocab->tokens);
    free(vocab->lengths);
    tb_trie_free(&vocab->trie);
    memset(vocab, 0, sizeof *vocab);
}

/* Whether a sorted entry repeats the one before it, which then counts. */
static bool is_repeat(const tb_trie_entry *entries, size_t i)
{
    return i > 0 && entries[i - 1].length == entries[i].length &&
           memcmp(entries[i - 1].bytes, entries[i].bytes, entries[i].length) == 0;
}

timbang_status tb_vocab_build(tb_vocab *vocab, const char *name, tb_trie_entry *entries, size_t n, tb_error *err)
{
    if (n == 0)
        return tb_fail(err, TIMBANG_FORMAT, "%s: the vocabulary is empty", name);
    for (size_t i = 0; i < n; i++) {
        if (entries[i].value < 0 || entries[i].value > TB_MAX_TOKEN_ID)
            return tb_fail(err, TIMBANG_FORMAT, "%s: token '%s' has id %d; 0 to %d are supported", name,
                           entries[i].bytes, (int)entries[i].value, TB_MAX_TOKEN_ID);
        entries[i].order = (uint32_t)(n - i); /* the trie keeps the lowest, which makes the last one count */
    }
    TB_TRY(tb_trie_build(&vocab->trie, entries, n, err));
    /* The entries are sorted now, equal tokens side by side and the one that counts in front. */
    for (size_t i = 0; i < n; i++)
        if (!is_repeat(entries, i) && (size_t)entries[i].value >= vocab->n_ids)
            vocab->n_ids = (size_t)entries[i].value + 1;
    vocab->tokens = tb_calloc(vocab->n_ids, sizeof vocab->tokens[0], err);
    vocab->lengths = tb_calloc(vocab->n_ids, sizeof vocab->lengths[0], err);
    if (!vocab->tokens || !vocab->lengths)
        return err->status;
    TB_TRY(tb_arena_create(1 << 18, &vocab->arena, err));
    for (size_t i = 0; i < n; i++) {
        const tb_trie_entry *entry = &entries[i];
        if (is_repeat(entries, i))
            continue;
        const char **slot = &vocab->tokens[entry->value];
        if (*slot)
            return tb_fail(err, TIMBANG_FORMAT, "%s: tokens '%s' and '%s' share id %d", name, *slot, entry->bytes,
                           (int)entry->value);
        *slot = tb_arena_strndup(vocab->arena, entry->bytes, entry->length, err);
        if (!*slot)
            return err->status;
        vocab->lengths[entry->value] = entry->length;
        vocab->n_words++;
    }
    return TIMBANG_OK;
}
