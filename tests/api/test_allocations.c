/* Every allocation fails in turn, in every kind of call: the answer is an error with a sentence, and nothing is left
 * behind, neither in memory (the leak sanitizer looks) nor on disk. Linked with --wrap for the allocating functions.
 * Includes: fixture.h. Called by: the tests. */
#include "fixture.h"

#include <stdbool.h>
#include <string.h>

static unsigned long allocations; /* since the last reset */
static unsigned long failing;     /* the one that fails, from 1; 0: none */

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *block, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

/* Only the calling thread allocates in these calls: contexts have one thread. */
static bool fails(void)
{
    return ++allocations == failing;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    return fails() ? NULL : __real_realloc(block, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : __real_aligned_alloc(alignment, size);
}

typedef timbang_status (*call_fn)(timbang_context *ctx, const fixture *f);

static timbang_status call_predict(timbang_context *ctx, const fixture *f)
{
    timbang_model_options options;
    timbang_model_options_init(&options);
    options.path = f->model;
    timbang_model *model = NULL;
    timbang_result *result = NULL;
    timbang_status status = timbang_model_load(ctx, &options, &model);
    if (status == TIMBANG_OK)
        status = timbang_predict(ctx, model, texts, NULL, N_TEXTS, NULL, &result);
    assert_int_equal(result != NULL, status == TIMBANG_OK);
    timbang_result_free(result);
    timbang_model_free(model);
    return status;
}

static timbang_status call_predict_ids(timbang_context *ctx, const fixture *f)
{
    static const int32_t ids[] = {2, 5, 3, 2, 7, 8, 3};
    static const size_t offsets[] = {0, 3, 7};
    timbang_model_options options;
    timbang_model_options_init(&options);
    options.path = f->model;
    timbang_model *model = NULL;
    timbang_result *result = NULL;
    timbang_status status = timbang_model_load(ctx, &options, &model);
    if (status == TIMBANG_OK)
        status = timbang_predict_ids(ctx, model, ids, NULL, offsets, 2, &result);
    assert_int_equal(result != NULL, status == TIMBANG_OK);
    timbang_result_free(result);
    timbang_model_free(model);
    return status;
}

static timbang_status call_bench(timbang_context *ctx, const fixture *f)
{
    static const char *const variants[] = {"int8"}, *const levels[] = {"scalar"};
    static const int threads[] = {2};
    timbang_bench_options options;
    timbang_bench_options_init(&options);
    options.model.path = f->model;
    options.shapes = "1x2";
    options.min_seconds = 0;
    options.variants = variants;
    options.levels = levels;
    options.threads = threads;
    options.n_variants = options.n_levels = options.n_threads = 1;
    char *json = NULL;
    timbang_status status = timbang_bench(ctx, &options, &json);
    assert_int_equal(json != NULL, status == TIMBANG_OK);
    timbang_string_free(json);
    return status;
}

static timbang_status call_tokenize(timbang_context *ctx, const fixture *f)
{
    timbang_tokenizer *tokenizer = NULL;
    timbang_encoding *encoding = NULL;
    timbang_status status = timbang_tokenizer_load(ctx, f->config, &tokenizer);
    if (status == TIMBANG_OK)
        status = timbang_tokenize(ctx, tokenizer, texts[0], texts[1], 6, &encoding);
    assert_int_equal(encoding != NULL, status == TIMBANG_OK);
    timbang_encoding_free(encoding);
    timbang_tokenizer_free(tokenizer);
    return status;
}

static timbang_status call_data(timbang_context *ctx, const fixture *f)
{
    timbang_data_options options;
    timbang_data_options_init(&options);
    options.path = f->data;
    timbang_dataset *data = NULL;
    timbang_status status = timbang_dataset_load(ctx, &options, &data);
    timbang_dataset_free(data);
    return status;
}

static timbang_status call_init(timbang_context *ctx, const fixture *f)
{
    return timbang_init_model(ctx, f->config, 1, f->out, 0);
}

static timbang_status call_quantize(timbang_context *ctx, const fixture *f)
{
    timbang_quantize_options options;
    timbang_quantize_options_init(&options);
    options.model.path = f->model;
    options.scheme = "int4";
    options.out = f->out;
    return timbang_quantize(ctx, &options);
}

static timbang_status call_info(timbang_context *ctx, const fixture *f)
{
    char *json = NULL;
    timbang_status status = timbang_info_json(ctx, f->model, &json);
    timbang_string_free(json);
    return status;
}

/* A new context each time, whose creation is part of the test. */
static timbang_status with_context(call_fn call, const fixture *f)
{
    timbang_context_options options;
    timbang_context_options_init(&options);
    options.threads = 1;
    timbang_context *ctx = NULL;
    timbang_status status = timbang_context_create(&options, &ctx);
    if (status == TIMBANG_OK)
        status = call(ctx, f);
    if (status != TIMBANG_OK && ctx)
        assert_string_not_equal(timbang_error_text(ctx), "");
    timbang_context_free(ctx);
    return status;
}

static void fail_in_turn(const fixture *f, call_fn call)
{
    size_t before = count_entries(f->dir);
    unsigned long total = 0;
    for (unsigned long n = 1;; n++) {
        failing = n;
        allocations = 0;
        timbang_status status = with_context(call, f);
        total = allocations;
        failing = 0;
        if (status == TIMBANG_OK && total < n)
            break; /* nothing was left to fail */
        /* Mostly "out of memory"; where a question about a file needs a block, that file counts as missing. */
        if (status != TIMBANG_OK)
            assert_true(status == TIMBANG_NO_MEMORY || status == TIMBANG_NOT_FOUND);
        else
            remove_tree(f->out); /* it could do without that block */
        assert_int_equal(count_entries(f->dir), before);
    }
    assert_true(total > 5);
}

#define TEST(name)                                                                                                     \
    static void test_##name(void **state)                                                                              \
    {                                                                                                                  \
        fail_in_turn(*state, call_##name);                                                                             \
    }
TEST(predict)
TEST(predict_ids)
TEST(tokenize)
TEST(data)
TEST(init)
TEST(quantize)
TEST(info)
TEST(bench)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_predict, setup, teardown),
        cmocka_unit_test_setup_teardown(test_predict_ids, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tokenize, setup, teardown),
        cmocka_unit_test_setup_teardown(test_data, setup, teardown),
        cmocka_unit_test_setup_teardown(test_init, setup, teardown),
        cmocka_unit_test_setup_teardown(test_quantize, setup, teardown),
        cmocka_unit_test_setup_teardown(test_info, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bench, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
