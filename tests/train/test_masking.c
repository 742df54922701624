/* Masked language modelling: BERT's shares, no special token, and draws that depend on seed, epoch and text alone. */
#include "corpus.h"

#include "train/masking.h"

#include <math.h>

struct room {
    tb_tokenizer *tokenizer;
    tb_config config;
    tb_texts *texts;
    tb_masking masking;
};

static int setup(void **state)
{
    struct room *room = calloc(1, sizeof *room);
    assert_non_null(room);
    room->tokenizer = make_tokenizer();
    room->config = make_config();
    tb_dataset *dataset = make_random_dataset(3000, 5);
    tb_texts_options options = {.config = &room->config, .tokenizer = room->tokenizer};
    room->texts = make_texts(dataset, &options);
    tb_dataset_free(dataset);
    tb_error err = {0};
    if (tb_masking_make(room->tokenizer, &room->config, 42, &room->masking, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    *state = room;
    return 0;
}

static int teardown(void **state)
{
    struct room *room = *state;
    tb_token_texts_free(room->texts);
    tb_tokenizer_free(room->tokenizer);
    free(room);
    return 0;
}

static tb_batches *batches_of(const struct room *room, size_t batch, bool group)
{
    tb_batches_options options = {.batch = batch, .accumulate = 1, .group_by_length = group, .seed = batch};
    tb_batches *batches = NULL;
    tb_error err = {0};
    assert_int_equal(tb_batches_create(room->texts, &options, &batches, &err), TIMBANG_OK);
    return batches;
}

/* An epoch's ids, text by text where the block of the texts has them; checks what must hold of every batch. */
struct tally {
    size_t possible, hidden, masked, changed, kept;
};

static void hide(const struct room *room, size_t batch, bool group, uint64_t epoch, int32_t *ids, struct tally *tally)
{
    tb_batches *batches = batches_of(room, batch, group);
    tb_masked masked = {0};
    tb_error err = {0};
    tb_batches_epoch(batches, epoch);
    memset(tally, 0, sizeof *tally);
    for (size_t step = 0; step < tb_batches_steps(batches); step++) {
        tb_train_batch b = tb_batches_get(batches, step, 0);
        assert_int_equal(tb_masked_make(&room->masking, epoch, &b, &masked, &err), TIMBANG_OK);
        assert_int_equal(masked.n, tb_masking_count(&room->masking, room->texts, epoch, b.texts, b.batch.n_texts));
        assert_true(masked.batch.n_tokens == b.batch.n_tokens && masked.batch.ids == masked.ids &&
                    masked.batch.cu_seqlens == b.batch.cu_seqlens && masked.batch.type_ids == b.batch.type_ids);
        size_t next = 0;
        for (size_t t = 0; t < b.batch.n_texts; t++) {
            size_t before = next;
            for (size_t i = b.batch.cu_seqlens[t]; i < b.batch.cu_seqlens[t + 1]; i++) {
                bool special = b.batch.ids[i] < FIRST_WORD;
                tally->possible += !special;
                ids[room->texts->begin[b.texts[t]] + i - b.batch.cu_seqlens[t]] = masked.ids[i];
                if (next == masked.n || masked.places[next] != i) {
                    assert_int_equal(masked.ids[i], b.batch.ids[i]);
                    continue;
                }
                assert_false(special);
                assert_int_equal(masked.truth[next++], b.batch.ids[i]);
                assert_true(masked.ids[i] >= 0 && (size_t)masked.ids[i] < room->config.vocab_size);
                tally->masked += masked.ids[i] == MASK;
                tally->kept += masked.ids[i] == b.batch.ids[i];
                tally->changed += masked.ids[i] != MASK && masked.ids[i] != b.batch.ids[i];
            }
            size_t length = b.batch.cu_seqlens[t + 1] - b.batch.cu_seqlens[t] - 2, hidden = next - before;
            double share = 0.15 * (double)length;
            assert_true(hidden >= 1 && (hidden == 1 || fabs((double)hidden - share) < 1));
        }
        assert_int_equal(next, masked.n);
        tally->hidden += masked.n;
    }
    tb_masked_free(&masked);
    tb_batches_free(batches);
}

static void test_shares(void **state)
{
    const struct room *room = *state;
    int32_t *ids = calloc(room->texts->n_tokens, sizeof *ids);
    struct tally all = {0}, one;
    double expected = 0;
    for (size_t i = 0; i < room->texts->n; i++) /* at least one: texts of up to six tokens have more than their share */
        expected += fmax(1, 0.15 * (double)(tb_texts_length(room->texts, i) - 2));
    for (uint64_t epoch = 0; epoch < 4; epoch++) {
        hide(room, 16, false, epoch, ids, &one);
        all.hidden += one.hidden;
        all.masked += one.masked;
        all.changed += one.changed;
        all.kept += one.kept;
    }
    double hidden = (double)all.hidden;
    assert_true(fabs(hidden / (4 * expected) - 1) < 0.01);
    assert_true(fabs((double)all.masked / hidden - 0.8) < 0.015); /* a random one of 57 may be [MASK] as well */
    assert_true(fabs((double)all.kept / hidden - 0.1) < 0.015);
    assert_true(fabs((double)all.changed / hidden - 0.1) < 0.015);
    free(ids);
}

/* Every place of a text is as likely, and random tokens are any. */
static void test_uniform(void **state)
{
    const struct room *room = *state;
    enum { LENGTH = 10, TIMES = 20000 };
    int32_t ids[LENGTH + 2] = {CLS}, types[LENGTH + 2] = {0};
    size_t cu[2] = {0, LENGTH + 2}, count[LENGTH] = {0}, tokens[FIRST_WORD + 52] = {0}, total = 0;
    for (size_t i = 0; i < LENGTH; i++)
        ids[i + 1] = letter((char)('a' + (int)i));
    ids[LENGTH + 1] = SEP;
    tb_masked masked = {0};
    tb_error err = {0};
    for (size_t text = 0; text < TIMES; text++) {
        tb_train_batch b = {.batch = {1, LENGTH + 2, ids, types, cu}, .texts = &text};
        assert_int_equal(tb_masked_make(&room->masking, 9, &b, &masked, &err), TIMBANG_OK);
        for (size_t i = 0; i < masked.n; i++) {
            count[masked.places[i] - 1]++;
            tokens[masked.ids[masked.places[i]]] += masked.ids[masked.places[i]] != masked.truth[i];
        }
        total += masked.n;
    }
    assert_true(fabs((double)total / TIMES - 1.5) < 0.02);
    for (size_t i = 0; i < LENGTH; i++)
        assert_true(fabs((double)count[i] / TIMES - 0.15) < 0.012);
    for (size_t i = 0; i < FIRST_WORD + 52; i++)
        assert_true(i == MASK || (tokens[i] > 15 && tokens[i] < 100)); /* 3000 / 57 = 53 each */
    tb_masked_free(&masked);
}

static void test_same_whatever_the_batches(void **state)
{
    const struct room *room = *state;
    size_t bytes = room->texts->n_tokens * sizeof(int32_t);
    int32_t *a = malloc(bytes), *b = malloc(bytes);
    struct tally tally;
    hide(room, 16, false, 1, a, &tally);
    hide(room, 7, true, 1, b, &tally);
    assert_memory_equal(a, b, bytes);
    hide(room, 16, false, 2, b, &tally);
    assert_true(memcmp(a, b, bytes) != 0);
    struct room other = *room;
    other.masking.seed++;
    hide(&other, 16, false, 1, b, &tally);
    assert_true(memcmp(a, b, bytes) != 0);
    free(a);
    free(b);
}

static void test_special(void **state)
{
    const struct room *room = *state;
    for (int32_t id = 0; id < FIRST_WORD; id++)
        assert_true(tb_special_is(&room->masking.special, id));
    assert_false(tb_special_is(&room->masking.special, FIRST_WORD));
    /* nothing to hide */
    int32_t ids[] = {CLS, UNK, MASK, SEP}, types[4] = {0};
    size_t cu[] = {0, 4}, text = 0;
    tb_train_batch b = {.batch = {1, 4, ids, types, cu}, .texts = &text};
    tb_masked masked = {0};
    tb_error err = {0};
    assert_int_equal(tb_masked_make(&room->masking, 0, &b, &masked, &err), TIMBANG_OK);
    assert_int_equal(masked.n, 0);
    assert_memory_equal(masked.ids, ids, sizeof ids);
    tb_masked_free(&masked);
    static const char json[] =
        "{\"added_tokens\":[],\"normalizer\":null,\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},"
        "\"post_processor\":null,\"decoder\":null,\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\","
        "\"continuing_subword_prefix\":\"##\",\"max_input_chars_per_word\":100,\"vocab\":{\"[UNK]\":0,\"a\":1}}}";
    static const char class[] = "{\"tokenizer_class\":\"PreTrainedTokenizerFast\"}";
    const tb_memory_file files[] = {{"tokenizer.json", json, sizeof json - 1},
                                    {"tokenizer_config.json", class, sizeof class - 1}};
    tb_folder *folder = NULL;
    tb_tokenizer *without = NULL;
    assert_int_equal(tb_folder_memory("memory", files, 2, &folder, &err), TIMBANG_OK);
    if (tb_tokenizer_load(folder, &without, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    tb_folder_close(folder);
    tb_masking masking;
    assert_int_equal(tb_masking_make(without, &room->config, 1, &masking, &err), TIMBANG_UNSUPPORTED);
    assert_non_null(strstr(err.text, "no mask token"));
    tb_tokenizer_free(without);
    tb_config small = room->config;
    small.vocab_size = 4;
    assert_int_equal(tb_masking_make(room->tokenizer, &small, 1, &masking, &err), TIMBANG_DATA);
    assert_non_null(strstr(err.text, "has the id 4, the model has 4 word embeddings"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shares),
        cmocka_unit_test(test_uniform),
        cmocka_unit_test(test_same_whatever_the_batches),
        cmocka_unit_test(test_special),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
