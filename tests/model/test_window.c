/* Windows of texts: the tokens of each text for any number of threads, the first bad text by its number, and no
 * allocation once the memory has grown. Linked with --wrap for the allocating functions. */
#include "model/window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N = 3000, TEXT_BYTES = 400, MAX_LENGTH = 20 };

static atomic_size_t allocations;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *block, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

void *__wrap_malloc(size_t size)
{
    allocations++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    allocations++;
    return __real_calloc(n, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    allocations++;
    return __real_realloc(block, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    allocations++;
    return __real_aligned_alloc(alignment, size);
}

/* ---- Texts and a tokenizer ---- */

struct data {
    tb_tokenizer *tokenizer;
    char *bytes;
    tb_text_ref texts[N];
};

static int setup(void **state)
{
    static const char vocab[] =
        "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nfilm\n##nya\nbagus\n##gus\nba\na\n##a\n!\n.\nb\n##b\ne\n";
    static const char *const pieces[] = {"film ", "filmnya ", "bagus", "baab ", "! ",        "xyz ",
                                         "A",     " ",        "aab",   "\t",    "\xc3\xa9 ", "[MASK]"};
    struct data *data = calloc(1, sizeof *data);
    const tb_memory_file file = {"vocab.txt", vocab, sizeof vocab - 1};
    tb_folder *folder = NULL;
    tb_error err = {0};
    assert_non_null(data);
    assert_int_equal(tb_folder_memory("memory", &file, 1, &folder, &err), TIMBANG_OK);
    assert_int_equal(tb_tokenizer_load(folder, &data->tokenizer, &err), TIMBANG_OK);
    tb_folder_close(folder);
    data->bytes = calloc(N, TEXT_BYTES);
    assert_non_null(data->bytes);
    uint32_t seed = 1;
    for (size_t i = 0; i < N; i++) {
        char *text = data->bytes + i * TEXT_BYTES;
        size_t n = i % 97 == 5 ? 0 : 1 + i * 7 % 31;
        for (size_t j = 0; j < n; j++) {
            seed = seed * 1664525u + 1013904223u;
            strcat(text, pieces[(seed >> 20) % (sizeof pieces / sizeof pieces[0])]);
        }
        data->texts[i] = (tb_text_ref){text, strlen(text), i % 5 == 3 ? "film bagus" : NULL};
    }
    *state = data;
    return 0;
}

static int teardown(void **state)
{
    struct data *data = *state;
    tb_tokenizer_free(data->tokenizer);
    free(data->bytes);
    free(data);
    return 0;
}

static void check_text(const struct data *data, const tb_window *window, size_t i, const tb_run_facts *facts,
                       tb_tokens *tokens)
{
    const tb_text_ref *text = &data->texts[i];
    int32_t ids[MAX_LENGTH], types[MAX_LENGTH];
    tb_error err = {0};
    assert_int_equal(tb_tokenizer_encode(data->tokenizer, text->text, text->length, text->pair,
                                         text->pair ? strlen(text->pair) : 0, MAX_LENGTH, tokens, &err),
                     TIMBANG_OK);
    assert_int_equal(tb_window_length(window, i), tokens->n);
    tb_window_copy(window, i, ids, types);
    assert_memory_equal(ids, tokens->ids, tokens->n * sizeof ids[0]);
    assert_memory_equal(types, tokens->type_ids, tokens->n * sizeof types[0]);
    assert_int_equal(facts->tokens[i], tokens->n);
    assert_int_equal(facts->truncated[i], tokens->truncated);
    assert_int_equal(facts->empty[i], tokens->n == tokens->n_special);
    assert_true(facts->tokenize_ms[i] >= 0);
}

static void test_same_tokens(void **state)
{
    const struct data *data = *state;
    static uint32_t n_tokens[N];
    static uint8_t truncated[N], empty[N];
    static double ms[N];
    const tb_run_facts facts = {.tokens = n_tokens, .truncated = truncated, .empty = empty, .tokenize_ms = ms};
    static const int threads[] = {1, 2, 3, 7};
    size_t n_truncated = 0, n_empty = 0;
    for (size_t t = 0; t < 4; t++) {
        tb_error err = {0};
        tb_pool *pool = NULL;
        tb_window window = {0};
        tb_tokens tokens = {0};
        assert_int_equal(tb_pool_create(threads[t], &pool, &err), TIMBANG_OK);
        assert_int_equal(tb_window_make(&window, N, pool, &err), TIMBANG_OK);
        memset(n_tokens, 0xee, sizeof n_tokens);
        memset(truncated, 0xee, sizeof truncated);
        memset(empty, 0xee, sizeof empty);
        for (size_t i = 0; i < N; i++)
            ms[i] = -1;
        for (int again = 0; again < 2; again++) {
            assert_int_equal(
                tb_window_tokenize(&window, data->tokenizer, pool, data->texts, 0, N, 0, MAX_LENGTH, &facts, &err),
                TIMBANG_OK);
            for (size_t i = 0; i < N; i++)
                check_text(data, &window, i, &facts, &tokens);
        }
        tb_tokens_free(&tokens);
        tb_window_free(&window);
        tb_pool_free(pool);
    }
    for (size_t i = 0; i < N; i++) {
        n_truncated += truncated[i];
        n_empty += empty[i];
    }
    assert_true(n_truncated > 100 && n_empty > 10);
}

static void test_first_bad(void **state)
{
    struct data *data = *state;
    static const size_t bad[][4] = {{0, 1, 2, N - 1}, {1700, 1701, 2900, 2901}, {N - 1, N - 1, N - 1, N - 1}};
    for (int threads = 1; threads <= 7; threads += 2) {
        tb_error err = {0};
        tb_pool *pool = NULL;
        tb_window window = {0};
        assert_int_equal(tb_pool_create(threads, &pool, &err), TIMBANG_OK);
        assert_int_equal(tb_window_make(&window, N, pool, &err), TIMBANG_OK);
        for (size_t b = 0; b < sizeof bad / sizeof bad[0]; b++) {
            static tb_text_ref texts[N + 10];
            char want[32];
            memcpy(texts + 10, data->texts, sizeof data->texts);
            for (size_t j = 0; j < 4; j++)
                texts[10 + bad[b][j]] = (tb_text_ref){"film \xff", 6, NULL};
            snprintf(want, sizeof want, "text %zu: ", 10 + bad[b][0] + 1);
            for (int again = 0; again < 10; again++) {
                assert_int_equal(
                    tb_window_tokenize(&window, data->tokenizer, pool, texts, 10, N, 0, MAX_LENGTH, NULL, &err),
                    TIMBANG_DATA);
                if (strncmp(err.text, want, strlen(want)) != 0 || !strstr(err.text, "offset 5"))
                    fail_msg("%d threads: \"%s\", expected %s", threads, err.text, want);
            }
        }
        tb_window_free(&window);
        tb_pool_free(pool);
    }
}

static void test_no_allocation(void **state)
{
    const struct data *data = *state;
    for (unsigned clean = 0; clean < 64; clean += 63) {
        tb_error err = {0};
        tb_window window = {0};
        assert_int_equal(tb_window_make(&window, N, NULL, &err), TIMBANG_OK);
        size_t grown = allocations, steady = 0;
        for (int pass = 0; pass < 3; pass++) {
            assert_int_equal(
                tb_window_tokenize(&window, data->tokenizer, NULL, data->texts, 0, N, clean, MAX_LENGTH, NULL, &err),
                TIMBANG_OK);
            assert_true(pass > 0 || allocations > grown);
            steady = pass == 0 ? allocations : steady;
        }
        assert_int_equal(allocations, steady);
        tb_window_free(&window);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_tokens), cmocka_unit_test(test_first_bad),
                                       cmocka_unit_test(test_no_allocation)};
    return cmocka_run_group_tests_name("windows", tests, setup, teardown);
}
