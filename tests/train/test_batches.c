/* Batches: every text once an epoch, orders that depend on seed and epoch alone, similar lengths where asked for. */
#include "corpus.h"

#include "train/batches.h"

static tb_texts *texts_of(size_t n)
{
    tb_tokenizer *tokenizer = make_tokenizer();
    tb_config config = make_config();
    tb_dataset *dataset = make_random_dataset(n, (uint32_t)n);
    tb_texts_options options = {.config = &config, .tokenizer = tokenizer};
    tb_texts *texts = make_texts(dataset, &options);
    tb_dataset_free(dataset);
    tb_tokenizer_free(tokenizer);
    return texts;
}

static tb_batches *make(const tb_texts *texts, tb_batches_options options)
{
    tb_batches *batches = NULL;
    tb_error err = {0};
    if (tb_batches_create(texts, &options, &batches, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    return batches;
}

/* All texts of an epoch in their order, checking each batch against the texts on the way. */
static void walk(tb_batches *batches, const tb_texts *texts, const tb_batches_options *options, size_t *order)
{
    size_t n = 0, n_batches = 0;
    for (size_t step = 0; step < tb_batches_steps(batches); step++) {
        size_t n_step, in_step = 0, tokens = 0, of_step = tb_batches_of_step(batches, step);
        const size_t *step_texts = tb_batches_step_texts(batches, step, &n_step);
        bool last_step = step + 1 == tb_batches_steps(batches);
        assert_true(of_step == options->accumulate || (last_step && of_step > 0 && of_step < options->accumulate));
        for (size_t index = 0; index < of_step; index++) {
            tb_train_batch b = tb_batches_get(batches, step, index);
            bool last = last_step && index + 1 == of_step;
            size_t longest = 0;
            assert_true(b.batch.n_texts == options->batch ||
                        (last && b.batch.n_texts > 0 && b.batch.n_texts < options->batch));
            assert_int_equal(b.first_token, tokens);
            assert_int_equal(b.batch.cu_seqlens[0], 0);
            for (size_t i = 0; i < b.batch.n_texts; i++) {
                size_t text = b.texts[i], at = b.batch.cu_seqlens[i], length = tb_texts_length(texts, text);
                assert_true(text < texts->n && text == step_texts[in_step++]);
                assert_int_equal(b.batch.cu_seqlens[i + 1] - at, length);
                assert_memory_equal(b.batch.ids + at, texts->ids + texts->begin[text], length * sizeof(int32_t));
                for (size_t j = 0; j < length; j++)
                    assert_int_equal(b.batch.type_ids[at + j], 0);
                assert_int_equal(b.truth[i], texts->truth[text]);
                order[n++] = text;
                longest = length > longest ? length : longest;
            }
            assert_int_equal(b.batch.cu_seqlens[b.batch.n_texts], b.batch.n_tokens);
            assert_int_equal(b.longest, longest);
            tokens += b.batch.n_tokens;
            n_batches++;
        }
        assert_int_equal(in_step, n_step);
        assert_int_equal(tokens, tb_batches_step_tokens(batches, step));
    }
    assert_int_equal(n, texts->n);
    assert_int_equal(n_batches, tb_batches_per_epoch(batches));
}

static void test_every_text_once(void **state)
{
    (void)state;
    static const size_t sizes[][3] = {{1, 16, 1},    {5, 2, 2},     {64, 16, 1}, {65, 16, 3},
                                      {1003, 16, 4}, {200, 300, 2}, {40, 1, 7}};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        tb_texts *texts = texts_of(sizes[s][0]);
        size_t *order = calloc(texts->n, sizeof *order), *seen = calloc(texts->n, sizeof *seen);
        for (unsigned how = 0; how < 3; how++) {
            tb_batches_options options = {.batch = sizes[s][1],
                                          .accumulate = sizes[s][2],
                                          .group_by_length = how == 1,
                                          .in_order = how == 2,
                                          .seed = 42};
            tb_batches *batches = make(texts, options);
            assert_int_equal(tb_batches_per_epoch(batches), (sizes[s][0] + sizes[s][1] - 1) / sizes[s][1]);
            for (uint64_t epoch = 0; epoch < 3; epoch++) {
                tb_batches_epoch(batches, epoch);
                walk(batches, texts, &options, order);
                for (size_t i = 0; i < texts->n; i++) {
                    seen[order[i]]++;
                    assert_true(how != 2 || order[i] == i);
                }
            }
            tb_batches_free(batches);
        }
        for (size_t i = 0; i < texts->n; i++)
            assert_int_equal(seen[i], 9);
        free(order);
        free(seen);
        tb_token_texts_free(texts);
    }
}

/* Another object that starts at a later epoch finds the same batches; other seeds and epochs are other orders. */
static void test_resume(void **state)
{
    (void)state;
    tb_texts *texts = texts_of(500);
    size_t *order[4];
    for (size_t i = 0; i < 4; i++)
        order[i] = calloc(texts->n, sizeof **order);
    for (int grouped = 0; grouped < 2; grouped++) {
        tb_batches_options options = {.batch = 16, .accumulate = 1, .group_by_length = grouped, .seed = 7};
        tb_batches *through = make(texts, options), *late = make(texts, options);
        for (uint64_t epoch = 0; epoch < 3; epoch++) {
            tb_batches_epoch(through, epoch);
            walk(through, texts, &options, order[epoch]);
        }
        tb_batches_epoch(late, 2);
        tb_batches_epoch(late, 2);
        walk(late, texts, &options, order[3]);
        assert_memory_equal(order[2], order[3], texts->n * sizeof **order);
        tb_batches_epoch(late, 0);
        walk(late, texts, &options, order[3]);
        assert_memory_equal(order[0], order[3], texts->n * sizeof **order);
        assert_true(memcmp(order[0], order[1], texts->n * sizeof **order) != 0);
        tb_batches_free(late);
        options.seed = 8;
        late = make(texts, options);
        tb_batches_epoch(late, 0);
        walk(late, texts, &options, order[3]);
        assert_true(memcmp(order[0], order[3], texts->n * sizeof **order) != 0);
        tb_batches_free(late);
        tb_batches_free(through);
    }
    for (size_t i = 0; i < 4; i++)
        free(order[i]);
    tb_token_texts_free(texts);
}

/* Fewer tokens would be padding, in any order of batches: neither ascending nor descending, and not all in the last. */
static void test_groups(void **state)
{
    (void)state;
    tb_texts *texts = texts_of(4003);
    size_t padded[2] = {0}, rises = 0, places[3] = {0};
    for (int grouped = 0; grouped < 2; grouped++) {
        tb_batches_options options = {.batch = 16, .accumulate = 1, .group_by_length = grouped, .seed = 1};
        tb_batches *batches = make(texts, options);
        tb_batches_epoch(batches, 0);
        for (size_t step = 0, before = 0; step < tb_batches_steps(batches); step++) {
            tb_train_batch b = tb_batches_get(batches, step, 0);
            padded[grouped] += b.longest * b.batch.n_texts;
            rises += grouped && b.longest > before;
            before = b.longest;
            if (grouped && b.longest == 22)
                places[step * 3 / tb_batches_steps(batches)]++;
        }
        tb_batches_free(batches);
    }
    assert_true(padded[0] > texts->n_tokens * 3 / 2);
    assert_true(padded[1] < texts->n_tokens * 11 / 10);
    assert_true(rises > 60 && rises < 190); /* of 251 */
    assert_true(places[0] > 0 && places[1] > 0 && places[2] > 0);
    tb_token_texts_free(texts);
}

/* Every text comes in every place about as often. */
static void test_uniform(void **state)
{
    (void)state;
    enum { N = 7, EPOCHS = 7000 };
    tb_texts *texts = texts_of(N);
    size_t count[N][N] = {{0}}, order[N];
    tb_batches_options options = {.batch = 2, .accumulate = 1, .seed = 3};
    tb_batches *batches = make(texts, options);
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
        tb_batches_epoch(batches, epoch);
        walk(batches, texts, &options, order);
        for (size_t i = 0; i < N; i++)
            count[order[i]][i]++;
    }
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++)
            assert_true(count[i][j] > 850 && count[i][j] < 1150); /* 1000 +- 29 */
    tb_batches_free(batches);
    tb_token_texts_free(texts);
}

static void test_bad(void **state)
{
    (void)state;
    tb_texts *texts = texts_of(5);
    tb_batches *batches = NULL;
    tb_error err = {0};
    tb_batches_options options = {.batch = 0, .accumulate = 1};
    assert_int_equal(tb_batches_create(texts, &options, &batches, &err), TIMBANG_USAGE);
    assert_non_null(strstr(err.text, "a batch of 0 texts"));
    options = (tb_batches_options){.batch = 1, .accumulate = 0};
    assert_int_equal(tb_batches_create(texts, &options, &batches, &err), TIMBANG_USAGE);
    assert_non_null(strstr(err.text, "0 batches a step"));
    tb_texts none = {0};
    options.accumulate = 1;
    assert_int_equal(tb_batches_create(&none, &options, &batches, &err), TIMBANG_DATA);
    assert_null(batches);
    tb_token_texts_free(texts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_text_once), cmocka_unit_test(test_resume), cmocka_unit_test(test_groups),
        cmocka_unit_test(test_uniform),         cmocka_unit_test(test_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
