/* Hidden tokens. Includes: train/masking.h. Called by: train/run.c. */
#include "train/masking.h"

#include <stdlib.h>
#include <string.h>

timbang_status tb_masking_make(const tb_tokenizer *tokenizer, const tb_config *config, uint64_t seed,
                               tb_masking *masking, tb_error *err)
{
    size_t vocab = tb_tokenizer_vocab_size(tokenizer);
    *masking = (tb_masking){.share = 0.15,
                            .mask = 0.8,
                            .random = 0.1,
                            .seed = seed,
                            .mask_id = tb_tokenizer_mask_id(tokenizer),
                            .vocab_size = vocab < config->vocab_size ? vocab : config->vocab_size};
    if (masking->mask_id < 0)
        return tb_fail(err, TIMBANG_UNSUPPORTED,
                       "the tokenizer has no mask token, which masked language modelling "
                       "needs");
    if ((size_t)masking->mask_id >= masking->vocab_size)
        return tb_fail(err, TIMBANG_DATA, "the tokenizer's mask token has the id %d, the model has %zu word embeddings",
                       masking->mask_id, config->vocab_size);
    return tb_special_find(tokenizer, &masking->special, err);
}

/* The draws of a text: a stretch of 2^32 blocks of the epoch's stream, of which it needs a few a token. */
static tb_rng rng_of(const tb_masking *masking, uint64_t epoch, size_t text)
{
    static const char name[] = "train masking";
    tb_rng rng = tb_rng_make(masking->seed, tb_hash64(name, sizeof name - 1) + epoch);
    rng.counter = (uint64_t)text << 32;
    return rng;
}

/* Tokens that could be hidden, and how many are: the share, rounded up or down by chance so that it is met on average,
 * and at least one. */
static size_t chosen(const tb_masking *masking, const int32_t *ids, size_t n, tb_rng *rng, size_t *possible)
{
    *possible = 0;
    for (size_t i = 0; i < n; i++)
        *possible += !tb_special_is(&masking->special, ids[i]);
    size_t count = (size_t)(masking->share * (double)*possible + tb_rng_unit(rng));
    count = count > 0 ? count : 1;
    return count < *possible ? count : *possible;
}

size_t tb_masking_count(const tb_masking *masking, const tb_texts *texts, uint64_t epoch, const size_t *which, size_t n)
{
    size_t total = 0, possible;
    for (size_t i = 0; i < n; i++) {
        tb_rng rng = rng_of(masking, epoch, which[i]);
        total +=
            chosen(masking, texts->ids + texts->begin[which[i]], tb_texts_length(texts, which[i]), &rng, &possible);
    }
    return total;
}

/* Chooses among the tokens of one text, ascending: each with probability (still wanted) / (still possible), so that
 * every set is as likely (Knuth, The Art of Computer Programming 2, 3.4.2, algorithm S). */
static void mask_text(const tb_masking *masking, uint64_t epoch, size_t text, size_t begin, size_t end,
                      tb_masked *masked)
{
    int32_t *ids = masked->ids;
    size_t possible;
    tb_rng rng = rng_of(masking, epoch, text);
    size_t wanted = chosen(masking, ids + begin, end - begin, &rng, &possible);
    for (size_t i = begin; i < end && wanted > 0; i++) {
        if (tb_special_is(&masking->special, ids[i]))
            continue;
        if (tb_rng_below(&rng, possible--) >= wanted)
            continue;
        wanted--;
        masked->places[masked->n] = i;
        masked->truth[masked->n++] = ids[i];
        double role = tb_rng_unit(&rng);
        if (role < masking->mask)
            ids[i] = masking->mask_id;
        else if (role < masking->mask + masking->random)
            ids[i] = (int32_t)tb_rng_below(&rng, masking->vocab_size);
    }
}

timbang_status tb_masked_make(const tb_masking *masking, uint64_t epoch, const tb_train_batch *from, tb_masked *masked,
                              tb_error *err)
{
    size_t n = from->batch.n_tokens;
    if (n > masked->capacity) {
        TB_TRY(tb_grow((void **)&masked->ids, n, sizeof masked->ids[0], err));
        TB_TRY(tb_grow((void **)&masked->places, n, sizeof masked->places[0], err));
        TB_TRY(tb_grow((void **)&masked->truth, n, sizeof masked->truth[0], err));
        masked->capacity = n;
    }
    memcpy(masked->ids, from->batch.ids, n * sizeof masked->ids[0]);
    masked->batch = from->batch;
    masked->batch.ids = masked->ids;
    masked->n = 0;
    for (size_t i = 0; i < from->batch.n_texts; i++)
        mask_text(masking, epoch, from->texts[i], from->batch.cu_seqlens[i], from->batch.cu_seqlens[i + 1], masked);
    return TIMBANG_OK;
}

void tb_masked_free(tb_masked *masked)
{
    free(masked->ids);
    free(masked->places);
    free(masked->truth);
    *masked = (tb_masked){0};
}
