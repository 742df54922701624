/* Texts to logits: tokenizing, batches of similar length, progress. Any batch gives the same bits.
 * Includes: model/window.h. Called by: eval, study, api. */
#include "base/clock.h"
#include "model/parts.h"
#include "model/window.h"

#include <stdlib.h>
#include <string.h>

enum {
    WINDOW = 4096,       /* texts tokenized and sorted at a time: memory stays bounded for any n */
    BATCH_TOKENS = 2048, /* of a pass, unless a single text has more */
    DEFAULT_LENGTH = 512
};

/* Memory of a run, kept from window to window. */
struct run {
    tb_window window;
    size_t *order;      /* [window.capacity] longest first */
    size_t *cu_seqlens; /* [window.capacity + 1] */
    size_t *place;      /* [place_capacity] of the next text of each length, while sorting */
    size_t place_capacity;
    int32_t *batch_ids, *batch_types;
    size_t batch_capacity;
    float *logits; /* of one batch */
    size_t logits_capacity;
};

static void run_free(struct run *r)
{
    tb_window_free(&r->window);
    free(r->order);
    free(r->cu_seqlens);
    free(r->place);
    free(r->batch_ids);
    free(r->batch_types);
    free(r->logits);
}

static timbang_status run_make(struct run *r, size_t n, const tb_pool *pool, tb_error *err)
{
    size_t capacity = n < WINDOW ? n : WINDOW;
    TB_TRY(tb_window_make(&r->window, capacity, pool, err));
    r->order = tb_calloc(capacity, sizeof *r->order, err);
    r->cu_seqlens = r->order ? tb_calloc(capacity + 1, sizeof *r->cu_seqlens, err) : NULL;
    return r->cu_seqlens ? TIMBANG_OK : err->status;
}

/* Longest first, file order among equals: a counting sort, since lengths are small numbers. */
static timbang_status sort_window(struct run *r, size_t n, tb_error *err)
{
    const tb_window *w = &r->window;
    size_t longest = 0;
    for (size_t i = 0; i < n; i++)
        longest = tb_window_length(w, i) > longest ? tb_window_length(w, i) : longest;
    if (longest + 2 > r->place_capacity) {
        TB_TRY(tb_grow((void **)&r->place, longest + 2, sizeof *r->place, err));
        r->place_capacity = longest + 2;
    }
    size_t *place = r->place;
    memset(place, 0, (longest + 2) * sizeof *place);
    for (size_t i = 0; i < n; i++)
        place[longest - tb_window_length(w, i) + 1]++;
    for (size_t length = 1; length <= longest; length++)
        place[length] += place[length - 1];
    for (size_t i = 0; i < n; i++)
        r->order[place[longest - tb_window_length(w, i)]++] = i;
    return TIMBANG_OK;
}

static timbang_status batch_reserve(struct run *r, size_t tokens, size_t logits, tb_error *err)
{
    if (tokens > r->batch_capacity) {
        TB_TRY(tb_grow((void **)&r->batch_ids, tokens, sizeof *r->batch_ids, err));
        TB_TRY(tb_grow((void **)&r->batch_types, tokens, sizeof *r->batch_types, err));
        r->batch_capacity = tokens;
    }
    if (logits > r->logits_capacity) {
        TB_TRY(tb_grow((void **)&r->logits, logits, sizeof *r->logits, err));
        r->logits_capacity = logits;
    }
    return TIMBANG_OK;
}

/* How many texts, from `at` in the order, make the next batch. */
static size_t batch_size(const struct run *r, size_t at, size_t n, size_t batch)
{
    size_t tokens = 0, count = 0;
    while (at + count < n && (batch == 0 || count < batch)) {
        size_t length = tb_window_length(&r->window, r->order[at + count]);
        if (batch == 0 && count > 0 && tokens + length > BATCH_TOKENS)
            break;
        tokens += length;
        count++;
    }
    return count;
}

static timbang_status run_batch(const tb_classifier *model, tb_workspace *workspace, struct run *r, size_t at,
                                size_t count, float *logits, double *forward_ms, tb_error *err)
{
    const tb_window *w = &r->window;
    size_t n_labels = model->config.n_labels, tokens = 0;
    for (size_t j = 0; j < count; j++)
        tokens += tb_window_length(w, r->order[at + j]);
    TB_TRY(batch_reserve(r, tokens, count * n_labels, err));
    r->cu_seqlens[0] = 0;
    for (size_t j = 0; j < count; j++) {
        size_t i = r->order[at + j], to = r->cu_seqlens[j];
        tb_window_copy(w, i, r->batch_ids + to, r->batch_types + to);
        r->cu_seqlens[j + 1] = to + tb_window_length(w, i);
    }
    tb_batch batch = {count, tokens, r->batch_ids, r->batch_types, r->cu_seqlens};
    double start = tb_now_ms();
    TB_TRY(tb_classifier_forward(model, workspace, &batch, r->logits, err));
    double spent = tb_now_ms() - start;
    for (size_t j = 0; j < count; j++) {
        size_t i = r->order[at + j];
        memcpy(logits + i * n_labels, r->logits + j * n_labels, n_labels * sizeof *logits);
        if (forward_ms)
            forward_ms[i] = spent * (double)tb_window_length(w, i) / (double)tokens;
    }
    return TIMBANG_OK;
}

timbang_status tb_classifier_run(const tb_classifier *model, tb_workspace *workspace, const tb_text_ref *texts,
                                 size_t n, const tb_run_options *options, float *logits, const tb_run_facts *facts,
                                 tb_error *err)
{
    size_t positions = model->config.max_position_embeddings, n_labels = model->config.n_labels;
    size_t max_length = options->max_length ? options->max_length : DEFAULT_LENGTH;
    if (options->max_length > positions)
        return tb_fail(err, TIMBANG_USAGE, "--max-length %zu is more than the %zu positions of the model",
                       options->max_length, positions);
    max_length = max_length < positions ? max_length : positions;
    const char *stage = options->stage ? options->stage : "classifying";
    struct run r = {0};
    timbang_status status = run_make(&r, n, workspace->pool, err);
    for (size_t first = 0; status == TIMBANG_OK && first < n; first += WINDOW) {
        size_t count = n - first < WINDOW ? n - first : WINDOW;
        status = tb_window_tokenize(&r.window, model->tokenizer, workspace->pool, texts, first, count, options->clean,
                                    max_length, facts, err);
        if (status == TIMBANG_OK)
            status = sort_window(&r, count, err);
        for (size_t at = 0, m; status == TIMBANG_OK && at < count; at += m) {
            m = batch_size(&r, at, count, options->batch);
            status = tb_check_cancel(options->hooks, err);
            if (status == TIMBANG_OK)
                status = run_batch(model, workspace, &r, at, m, logits + first * n_labels,
                                   facts && facts->forward_ms ? facts->forward_ms + first : NULL, err);
            if (status == TIMBANG_OK)
                tb_progress(options->hooks, stage, first + at + m, n);
        }
    }
    run_free(&r);
    return status;
}
