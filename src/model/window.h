/* A window of texts, tokenized by all threads of a pool; the same tokens for any number of them.
 * Includes: model/classifier.h. Called by: run.c, train. */
#ifndef TB_MODEL_WINDOW_H
#define TB_MODEL_WINDOW_H

#include "model/classifier.h"

/* Where the tokens of a text are: in the memory of the share that tokenized it. */
typedef struct tb_window_place {
    size_t begin, n;
    int share;
} tb_window_place;

typedef struct tb_window {
    struct tb_window_share *shares; /* [n_shares] */
    int n_shares;
    tb_window_place *places; /* [capacity] */
    size_t capacity;
} tb_window;

/* Zeroed before; memory grows with the texts and is kept from window to window. */
timbang_status tb_window_make(tb_window *window, size_t capacity, const tb_pool *pool, tb_error *err);
void tb_window_free(tb_window *window);

/* Tokenizes texts[first .. first + n), n at most the capacity, and fills those facts that tokenizing tells. Of several
 * texts that fail, the first one is named, by its number from 1 in all of `texts`. max_length is a number of tokens; 0:
 * any. */
timbang_status tb_window_tokenize(tb_window *window, const tb_tokenizer *tokenizer, tb_pool *pool,
                                  const tb_text_ref *texts, size_t first, size_t n, unsigned clean, size_t max_length,
                                  const tb_run_facts *facts, tb_error *err);

/* Tokens of text i of the window, from 0. */
static inline size_t tb_window_length(const tb_window *window, size_t i)
{
    return window->places[i].n;
}
void tb_window_copy(const tb_window *window, size_t i, int32_t *ids, int32_t *type_ids);

#endif
