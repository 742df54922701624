/* Texts to logits: tokenizing, batches of similar length, progress. Any batch gives the same bits.
 * Includes: model/classifier.h, text/clean.h. Called by: eval, study, api. */
#include "base/clock.h"
#include "model/parts.h"
#include "text/clean.h"

#include <stdlib.h>
#include <string.h>

enum {
    WINDOW = 4096,       /* texts tokenized and sorted at a time: memory stays bounded for any n */
    BATCH_TOKENS = 2048, /* of a pass, unless a single text has more */
    DEFAULT_LENGTH = 512
};

/* Tokens of a window of texts, one after the other. */
struct window {
    int32_t *ids, *type_ids;
    size_t n_ids, capacity;
    size_t *begin;      /* [WINDOW + 1] */
    size_t *order;      /* [WINDOW] longest first */
    size_t *cu_seqlens; /* [WINDOW + 1] */
    int32_t *batch_ids, *batch_types;
    size_t batch_capacity;
    float *logits; /* of one batch */
    size_t logits_capacity;
    tb_tokens tokens;
    tb_text cleaned, cleaned_pair;
};

static void window_free(struct window *w)
{
    free(w->ids);
    free(w->type_ids);
    free(w->begin);
    free(w->order);
    free(w->cu_seqlens);
    free(w->batch_ids);
    free(w->batch_types);
    free(w->logits);
    tb_tokens_free(&w->tokens);
    tb_text_free(&w->cleaned);
    tb_text_free(&w->cleaned_pair);
}

static timbang_status window_make(struct window *w, tb_error *err)
{
    w->begin = tb_calloc(WINDOW + 1, sizeof *w->begin, err);
    w->order = w->begin ? tb_calloc(WINDOW, sizeof *w->order, err) : NULL;
    w->cu_seqlens = w->order ? tb_calloc(WINDOW + 1, sizeof *w->cu_seqlens, err) : NULL;
    return w->cu_seqlens ? TIMBANG_OK : err->status;
}

static timbang_status keep_tokens(struct window *w, tb_error *err)
{
    size_t need = w->n_ids + w->tokens.n;
    if (need > w->capacity) {
        size_t capacity = need * 2;
        TB_TRY(tb_grow((void **)&w->ids, capacity, sizeof *w->ids, err));
        TB_TRY(tb_grow((void **)&w->type_ids, capacity, sizeof *w->type_ids, err));
        w->capacity = capacity;
    }
    if (w->tokens.n) {
        memcpy(w->ids + w->n_ids, w->tokens.ids, w->tokens.n * sizeof *w->ids);
        memcpy(w->type_ids + w->n_ids, w->tokens.type_ids, w->tokens.n * sizeof *w->type_ids);
    }
    w->n_ids = need;
    return TIMBANG_OK;
}

/* *text becomes its clean form in `out`. */
static timbang_status clean(unsigned flags, const char **text, size_t *length, tb_text *out, tb_error *err)
{
    out->length = 0;
    TB_TRY(tb_clean(flags, *text, *length, out, err));
    TB_TRY(tb_text_finish(out, err));
    *text = out->data ? out->data : "";
    *length = out->length;
    return TIMBANG_OK;
}

static timbang_status tokenize(const tb_classifier *model, const tb_text_ref *ref, const tb_run_options *options,
                               size_t max_length, struct window *w, tb_error *err)
{
    const char *text = ref->text, *pair = ref->pair;
    size_t length = ref->length, pair_length = pair ? strlen(pair) : 0;
    if (options->clean)
        TB_TRY(clean(options->clean, &text, &length, &w->cleaned, err));
    if (options->clean && pair)
        TB_TRY(clean(options->clean, &pair, &pair_length, &w->cleaned_pair, err));
    TB_TRY(tb_tokenizer_encode(model->tokenizer, text, length, pair, pair_length, max_length, &w->tokens, err));
    if (w->tokens.n == 0)
        return tb_fail(err, TIMBANG_DATA, "the text gives no token at all, and the tokenizer adds none");
    return keep_tokens(w, err);
}

static timbang_status tokenize_window(const tb_classifier *model, const tb_text_ref *texts, size_t first, size_t n,
                                      const tb_run_options *options, size_t max_length, struct window *w,
                                      const tb_run_facts *facts, tb_error *err)
{
    w->n_ids = 0;
    for (size_t i = 0; i < n; i++) {
        double start = tb_now_ms();
        w->begin[i] = w->n_ids;
        if (tokenize(model, &texts[first + i], options, max_length, w, err) != TIMBANG_OK)
            return tb_fail_prefix(err, "text %zu", first + i + 1);
        if (!facts)
            continue;
        if (facts->tokens)
            facts->tokens[first + i] = (uint32_t)w->tokens.n;
        if (facts->truncated)
            facts->truncated[first + i] = w->tokens.truncated;
        if (facts->empty)
            facts->empty[first + i] = w->tokens.n == w->tokens.n_special;
        if (facts->tokenize_ms)
            facts->tokenize_ms[first + i] = tb_now_ms() - start;
    }
    w->begin[n] = w->n_ids;
    return TIMBANG_OK;
}

/* Longest first, file order among equals: a counting sort, since lengths are small numbers. */
static timbang_status sort_window(struct window *w, size_t n, tb_error *err)
{
    size_t longest = 0;
    for (size_t i = 0; i < n; i++) {
        size_t length = w->begin[i + 1] - w->begin[i];
        longest = length > longest ? length : longest;
    }
    size_t *place = tb_calloc(longest + 2, sizeof *place, err);
    if (!place)
        return err->status;
    for (size_t i = 0; i < n; i++)
        place[longest - (w->begin[i + 1] - w->begin[i]) + 1]++;
    for (size_t length = 1; length <= longest; length++)
        place[length] += place[length - 1];
    for (size_t i = 0; i < n; i++)
        w->order[place[longest - (w->begin[i + 1] - w->begin[i])]++] = i;
    free(place);
    return TIMBANG_OK;
}

static timbang_status batch_reserve(struct window *w, size_t tokens, size_t logits, tb_error *err)
{
    if (tokens > w->batch_capacity) {
        TB_TRY(tb_grow((void **)&w->batch_ids, tokens, sizeof *w->batch_ids, err));
        TB_TRY(tb_grow((void **)&w->batch_types, tokens, sizeof *w->batch_types, err));
        w->batch_capacity = tokens;
    }
    if (logits > w->logits_capacity) {
        TB_TRY(tb_grow((void **)&w->logits, logits, sizeof *w->logits, err));
        w->logits_capacity = logits;
    }
    return TIMBANG_OK;
}

/* How many texts, from `at` in the order, make the next batch. */
static size_t batch_size(const struct window *w, size_t at, size_t n, size_t batch)
{
    size_t tokens = 0, count = 0;
    while (at + count < n && (batch == 0 || count < batch)) {
        size_t i = w->order[at + count], length = w->begin[i + 1] - w->begin[i];
        if (batch == 0 && count > 0 && tokens + length > BATCH_TOKENS)
            break;
        tokens += length;
        count++;
    }
    return count;
}

static timbang_status run_batch(const tb_classifier *model, tb_workspace *workspace, struct window *w, size_t at,
                                size_t count, float *logits, double *forward_ms, tb_error *err)
{
    size_t n_labels = model->config.n_labels, tokens = 0;
    for (size_t j = 0; j < count; j++)
        tokens += w->begin[w->order[at + j] + 1] - w->begin[w->order[at + j]];
    TB_TRY(batch_reserve(w, tokens, count * n_labels, err));
    w->cu_seqlens[0] = 0;
    for (size_t j = 0; j < count; j++) {
        size_t i = w->order[at + j], from = w->begin[i], length = w->begin[i + 1] - from, to = w->cu_seqlens[j];
        memcpy(w->batch_ids + to, w->ids + from, length * sizeof *w->ids);
        memcpy(w->batch_types + to, w->type_ids + from, length * sizeof *w->type_ids);
        w->cu_seqlens[j + 1] = to + length;
    }
    tb_batch batch = {count, tokens, w->batch_ids, w->batch_types, w->cu_seqlens};
    double start = tb_now_ms();
    TB_TRY(tb_classifier_forward(model, workspace, &batch, w->logits, err));
    double spent = tb_now_ms() - start;
    for (size_t j = 0; j < count; j++) {
        size_t i = w->order[at + j];
        memcpy(logits + i * n_labels, w->logits + j * n_labels, n_labels * sizeof *logits);
        if (forward_ms)
            forward_ms[i] = spent * (double)(w->begin[i + 1] - w->begin[i]) / (double)tokens;
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
    struct window w = {0};
    timbang_status status = window_make(&w, err);
    for (size_t first = 0; status == TIMBANG_OK && first < n; first += WINDOW) {
        size_t count = n - first < WINDOW ? n - first : WINDOW;
        status = tokenize_window(model, texts, first, count, options, max_length, &w, facts, err);
        if (status == TIMBANG_OK)
            status = sort_window(&w, count, err);
        for (size_t at = 0, m; status == TIMBANG_OK && at < count; at += m) {
            m = batch_size(&w, at, count, options->batch);
            status = tb_check_cancel(options->hooks, err);
            if (status == TIMBANG_OK)
                status = run_batch(model, workspace, &w, at, m, logits + first * n_labels,
                                   facts && facts->forward_ms ? facts->forward_ms + first : NULL, err);
            if (status == TIMBANG_OK)
                tb_progress(options->hooks, stage, first + at + m, n);
        }
    }
    window_free(&w);
    return status;
}
