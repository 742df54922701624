/* Tokenizing of many texts at once. Threads claim a few texts at a time, in order, so that the texts before one that
 * fails are always looked at too. Includes: model/window.h, text/clean.h, base/clock.h. Called by: run.c, train. */
#include "model/window.h"

#include "base/clock.h"
#include "text/clean.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    PARALLEL_BYTES = 1 << 14, /* less text is tokenized before a thread has woken up */
    CLAIMS = 8,               /* of a thread in a window: evens out texts of different length */
    MOST_CLAIMED = 64
};

/* What one thread works with. */
struct tb_window_share {
    int32_t *ids, *type_ids; /* [capacity] of its texts, one after the other */
    size_t n, capacity;
    tb_tokens tokens;
    tb_text cleaned, cleaned_pair, work[2];
    tb_error err; /* of the first text that failed, if one did */
};

struct job {
    tb_window *window;
    const tb_tokenizer *tokenizer;
    const tb_text_ref *texts; /* [n] of the window */
    size_t n, chunk;
    unsigned clean;
    size_t max_length;
    const tb_run_facts *facts;
    size_t first; /* place of the window in the facts */
    _Atomic size_t next;
    _Atomic size_t bad; /* the first text known to fail, SIZE_MAX: none */
};

void tb_window_free(tb_window *window)
{
    for (int i = 0; i < window->n_shares; i++) {
        struct tb_window_share *share = &window->shares[i];
        free(share->ids);
        free(share->type_ids);
        tb_tokens_free(&share->tokens);
        tb_text_free(&share->cleaned);
        tb_text_free(&share->cleaned_pair);
        tb_text_free(&share->work[0]);
        tb_text_free(&share->work[1]);
    }
    free(window->shares);
    free(window->places);
    memset(window, 0, sizeof *window);
}

timbang_status tb_window_make(tb_window *window, size_t capacity, const tb_pool *pool, tb_error *err)
{
    int n_shares = capacity > 1 ? tb_pool_threads(pool) : 1;
    window->places = tb_calloc(capacity, sizeof window->places[0], err);
    window->shares = window->places ? tb_calloc((size_t)n_shares, sizeof window->shares[0], err) : NULL;
    if (!window->shares)
        return err->status;
    window->capacity = capacity;
    window->n_shares = n_shares;
    for (int i = 0; i < n_shares; i++)
        window->shares[i].tokens.ids_only = true;
    return TIMBANG_OK;
}

static timbang_status keep_tokens(struct tb_window_share *share, tb_window_place *place, tb_error *err)
{
    const tb_tokens *tokens = &share->tokens;
    size_t need = share->n + tokens->n;
    if (need > share->capacity) {
        size_t capacity = need * 2;
        TB_TRY(tb_grow((void **)&share->ids, capacity, sizeof share->ids[0], err));
        TB_TRY(tb_grow((void **)&share->type_ids, capacity, sizeof share->type_ids[0], err));
        share->capacity = capacity;
    }
    memcpy(share->ids + share->n, tokens->ids, tokens->n * sizeof share->ids[0]);
    memcpy(share->type_ids + share->n, tokens->type_ids, tokens->n * sizeof share->type_ids[0]);
    place->begin = share->n;
    place->n = tokens->n;
    share->n = need;
    return TIMBANG_OK;
}

/* *text becomes its clean form in `out`. */
static timbang_status clean(unsigned flags, const char **text, size_t *length, tb_text work[2], tb_text *out,
                            tb_error *err)
{
    out->length = 0;
    TB_TRY(tb_clean_with(flags, *text, *length, work, out, err));
    *text = out->data ? out->data : "";
    *length = out->length;
    return TIMBANG_OK;
}

static timbang_status tokenize(const struct job *job, struct tb_window_share *share, size_t i)
{
    const tb_text_ref *ref = &job->texts[i];
    const char *text = ref->text, *pair = ref->pair;
    size_t length = ref->length, pair_length = pair ? strlen(pair) : 0;
    tb_error *err = &share->err;
    if (job->clean)
        TB_TRY(clean(job->clean, &text, &length, share->work, &share->cleaned, err));
    if (job->clean && pair)
        TB_TRY(clean(job->clean, &pair, &pair_length, share->work, &share->cleaned_pair, err));
    TB_TRY(tb_tokenizer_encode(job->tokenizer, text, length, pair, pair_length, job->max_length, &share->tokens, err));
    if (share->tokens.n == 0)
        return tb_fail(err, TIMBANG_DATA, "the text gives no token at all, and the tokenizer adds none");
    return keep_tokens(share, &job->window->places[i], err);
}

static timbang_status tokenize_and_tell(const struct job *job, struct tb_window_share *share, size_t i)
{
    const tb_run_facts *facts = job->facts;
    size_t at = job->first + i;
    double start = facts && facts->tokenize_ms ? tb_now_ms() : 0;
    TB_TRY(tokenize(job, share, i));
    if (!facts)
        return TIMBANG_OK;
    if (facts->tokens)
        facts->tokens[at] = (uint32_t)share->tokens.n;
    if (facts->truncated)
        facts->truncated[at] = share->tokens.truncated;
    if (facts->empty)
        facts->empty[at] = share->tokens.n == share->tokens.n_special;
    if (facts->tokenize_ms)
        facts->tokenize_ms[at] = tb_now_ms() - start;
    return TIMBANG_OK;
}

/* Claims are made in ascending order. So after its own failure a thread has nothing left to look at, and it leaves out
 * only what lies behind another's. */
static void run_share(void *arg, int thread, int n_threads)
{
    struct job *job = arg;
    struct tb_window_share *share = &job->window->shares[thread];
    (void)n_threads;
    for (;;) {
        size_t begin = atomic_fetch_add(&job->next, job->chunk);
        if (begin >= job->n)
            return;
        size_t end = job->n - begin < job->chunk ? job->n : begin + job->chunk;
        for (size_t i = begin; i < end; i++) {
            size_t bad = atomic_load(&job->bad);
            if (i > bad)
                return;
            job->window->places[i].share = thread;
            if (tokenize_and_tell(job, share, i) == TIMBANG_OK)
                continue;
            while (i < bad && !atomic_compare_exchange_weak(&job->bad, &bad, i))
                ;
            return;
        }
    }
}

/* Whether the texts are worth more than one thread. */
static bool is_much(const tb_text_ref *texts, size_t n)
{
    size_t bytes = 0;
    for (size_t i = 0; i < n && bytes < PARALLEL_BYTES; i++)
        bytes += texts[i].length;
    return n > 1 && bytes >= PARALLEL_BYTES;
}

timbang_status tb_window_tokenize(tb_window *window, const tb_tokenizer *tokenizer, tb_pool *pool,
                                  const tb_text_ref *texts, size_t first, size_t n, unsigned clean_flags,
                                  size_t max_length, const tb_run_facts *facts, tb_error *err)
{
    bool parallel = window->n_shares > 1 && is_much(texts + first, n);
    struct job job = {.window = window,
                      .tokenizer = tokenizer,
                      .texts = texts + first,
                      .n = n,
                      .clean = clean_flags,
                      .max_length = max_length,
                      .facts = facts,
                      .first = first};
    size_t chunk = parallel ? n / ((size_t)window->n_shares * CLAIMS) + 1 : n + 1;
    job.chunk = parallel && chunk > MOST_CLAIMED ? MOST_CLAIMED : chunk;
    atomic_init(&job.next, 0);
    atomic_init(&job.bad, SIZE_MAX);
    for (int i = 0; i < window->n_shares; i++)
        window->shares[i].n = 0;
    if (parallel)
        tb_pool_run(pool, run_share, &job);
    else
        run_share(&job, 0, 1);
    size_t bad = atomic_load(&job.bad);
    if (bad == SIZE_MAX)
        return TIMBANG_OK;
    *err = window->shares[window->places[bad].share].err;
    return tb_fail_prefix(err, "text %zu", first + bad + 1);
}

void tb_window_copy(const tb_window *window, size_t i, int32_t *ids, int32_t *type_ids)
{
    const tb_window_place *place = &window->places[i];
    const struct tb_window_share *share = &window->shares[place->share];
    memcpy(ids, share->ids + place->begin, place->n * sizeof ids[0]);
    memcpy(type_ids, share->type_ids + place->begin, place->n * sizeof type_ids[0]);
}
