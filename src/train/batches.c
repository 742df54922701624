/* Epochs, steps and batches. Includes: train/batches.h. Called by: train/run.c. */
#include "train/batches.h"

#include <stdlib.h>
#include <string.h>

enum { RUN_BATCHES = 50, RUN_SHARE = 4 }; /* Hugging Face's get_length_grouped_indices */

struct tb_batches {
    const tb_texts *texts;
    tb_batches_options options;
    size_t n_batches, n_steps;
    uint64_t epoch;
    bool ordered;         /* order is that of epoch */
    size_t *order;        /* [texts->n] */
    size_t *turn, *moved; /* [n / batch], [n]: while full batches are shuffled */
    uint64_t *keys;       /* [run] while a run is sorted */
    /* of the batch at hand */
    int32_t *ids, *types; /* [capacity] */
    int32_t *truth;       /* [batch] */
    size_t *cu_seqlens;   /* [batch + 1] */
};

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Texts that are sorted by length among themselves. */
static size_t run_length(const tb_batches *b)
{
    size_t batch = b->options.batch, batches = smaller(b->texts->n / batch / RUN_SHARE, RUN_BATCHES);
    return batch * (batches > 0 ? batches : 1);
}

static timbang_status allocate(tb_batches *b, tb_error *err)
{
    size_t n = b->texts->n, batch = smaller(b->options.batch, n), tokens;
    if (!tb_mul_size(batch, b->texts->longest, &tokens))
        return tb_no_memory(err, SIZE_MAX);
    tokens = smaller(tokens, b->texts->n_tokens);
    b->order = tb_calloc(n, sizeof b->order[0], err);
    b->turn = b->order ? tb_calloc(n / b->options.batch, sizeof b->turn[0], err) : NULL;
    b->moved = b->turn ? tb_calloc(n, sizeof b->moved[0], err) : NULL;
    b->keys = b->moved ? tb_calloc(smaller(run_length(b), n), sizeof b->keys[0], err) : NULL;
    b->ids = b->keys ? tb_calloc(tokens, sizeof b->ids[0], err) : NULL;
    b->types = b->ids ? tb_calloc(tokens, sizeof b->types[0], err) : NULL;
    b->truth = b->types ? tb_calloc(batch, sizeof b->truth[0], err) : NULL;
    b->cu_seqlens = b->truth ? tb_calloc(batch + 1, sizeof b->cu_seqlens[0], err) : NULL;
    return b->cu_seqlens ? TIMBANG_OK : err->status;
}

timbang_status tb_batches_create(const tb_texts *texts, const tb_batches_options *options, tb_batches **batches,
                                 tb_error *err)
{
    if (options->batch == 0 || options->accumulate == 0 || options->batch > INT32_MAX ||
        options->accumulate > INT32_MAX)
        return tb_fail(err, TIMBANG_USAGE, "a batch of %zu texts and %zu batches a step: both must be 1 to %d",
                       options->batch, options->accumulate, INT32_MAX);
    if (texts->n == 0 || texts->n > UINT32_MAX)
        return tb_fail(err, TIMBANG_DATA, "there are %zu texts to train on, not 1 to %u", texts->n, UINT32_MAX);
    tb_batches *b = tb_calloc(1, sizeof *b, err);
    if (!b)
        return err->status;
    b->texts = texts;
    b->options = *options;
    b->n_batches = (texts->n + options->batch - 1) / options->batch;
    b->n_steps = (b->n_batches + options->accumulate - 1) / options->accumulate;
    timbang_status status = allocate(b, err);
    if (status == TIMBANG_OK)
        *batches = b;
    else
        tb_batches_free(b);
    return status;
}

void tb_batches_free(tb_batches *batches)
{
    if (!batches)
        return;
    free(batches->order);
    free(batches->turn);
    free(batches->moved);
    free(batches->keys);
    free(batches->ids);
    free(batches->types);
    free(batches->truth);
    free(batches->cu_seqlens);
    free(batches);
}

size_t tb_batches_per_epoch(const tb_batches *batches)
{
    return batches->n_batches;
}

size_t tb_batches_steps(const tb_batches *batches)
{
    return batches->n_steps;
}

/* ---- The order of an epoch ---- */

static int by_key(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Longest first, earlier ones first among equals: no two keys are the same, so any sort gives the same order. */
static void sort_run(tb_batches *b, size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++) {
        uint64_t length = tb_texts_length(b->texts, b->order[i]);
        length = length < UINT32_MAX ? length : UINT32_MAX;
        b->keys[i - begin] = (UINT32_MAX - length) << 32 | (uint64_t)(i - begin);
    }
    qsort(b->keys, end - begin, sizeof b->keys[0], by_key);
    for (size_t i = begin; i < end; i++)
        b->moved[i] = b->order[begin + (size_t)(b->keys[i - begin] & UINT32_MAX)];
    memcpy(b->order + begin, b->moved + begin, (end - begin) * sizeof b->order[0]);
}

/* The last batch, where it is not full, stays last: what is left after the shuffle, of any length. */
static void group(tb_batches *b, tb_rng *rng)
{
    size_t batch = b->options.batch, full = b->texts->n / batch, run = run_length(b);
    for (size_t begin = 0; begin < full * batch; begin += run)
        sort_run(b, begin, smaller(begin + run, full * batch));
    for (size_t i = 0; i < full; i++)
        b->turn[i] = i;
    tb_rng_shuffle(rng, b->turn, full);
    for (size_t i = 0; i < full; i++)
        memcpy(b->moved + i * batch, b->order + b->turn[i] * batch, batch * sizeof b->order[0]);
    memcpy(b->order, b->moved, full * batch * sizeof b->order[0]);
}

void tb_batches_epoch(tb_batches *batches, uint64_t epoch)
{
    static const char name[] = "train order";
    tb_batches *b = batches;
    if (b->ordered && (b->epoch == epoch || b->options.in_order))
        return;
    for (size_t i = 0; i < b->texts->n; i++)
        b->order[i] = i;
    b->epoch = epoch;
    b->ordered = true;
    if (b->options.in_order)
        return;
    tb_rng rng = tb_rng_make(b->options.seed, tb_hash64(name, sizeof name - 1) + epoch);
    tb_rng_shuffle(&rng, b->order, b->texts->n);
    if (b->options.group_by_length)
        group(b, &rng);
}

/* ---- Steps and batches ---- */

static size_t step_texts(const tb_batches *b)
{
    return b->options.batch * b->options.accumulate; /* both fit 31 bits */
}

const size_t *tb_batches_step_texts(const tb_batches *batches, size_t step, size_t *n)
{
    size_t begin = step * step_texts(batches);
    *n = smaller(step_texts(batches), batches->texts->n - begin);
    return batches->order + begin;
}

static size_t tokens_of(const tb_texts *texts, const size_t *which, size_t n)
{
    size_t tokens = 0;
    for (size_t i = 0; i < n; i++)
        tokens += tb_texts_length(texts, which[i]);
    return tokens;
}

size_t tb_batches_step_tokens(const tb_batches *batches, size_t step)
{
    size_t n;
    const size_t *which = tb_batches_step_texts(batches, step, &n);
    return tokens_of(batches->texts, which, n);
}

size_t tb_batches_of_step(const tb_batches *batches, size_t step)
{
    size_t accumulate = batches->options.accumulate;
    return smaller(accumulate, batches->n_batches - step * accumulate);
}

tb_train_batch tb_batches_get(tb_batches *batches, size_t step, size_t index)
{
    tb_batches *b = batches;
    const tb_texts *texts = b->texts;
    size_t first = step * step_texts(b), begin = first + index * b->options.batch;
    size_t n = smaller(b->options.batch, texts->n - begin), at = 0, longest = 0;
    const size_t *which = b->order + begin;
    b->cu_seqlens[0] = 0;
    for (size_t i = 0; i < n; i++) {
        size_t from = texts->begin[which[i]], length = tb_texts_length(texts, which[i]);
        memcpy(b->ids + at, texts->ids + from, length * sizeof b->ids[0]);
        for (size_t j = 0; j < length && texts->types; j++)
            b->types[at + j] = texts->types[from + j];
        if (texts->truth)
            b->truth[i] = texts->truth[which[i]];
        longest = length > longest ? length : longest;
        at += length;
        b->cu_seqlens[i + 1] = at;
    }
    return (tb_train_batch){.batch = {n, at, b->ids, b->types, b->cu_seqlens},
                            .texts = which,
                            .truth = texts->truth ? b->truth : NULL,
                            .first_token = tokens_of(texts, b->order + first, begin - first),
                            .longest = longest};
}
