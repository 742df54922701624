/* Whole tokenizers: golden folders of our own against transformers' AutoTokenizer (tests/oracle/text_make_golden.py),
 * limits of the interface, long texts, threads. */
#include "help.h"

#include <pthread.h>
#include <time.h>

static void compare(const char *folder, size_t number, const char *what, const int32_t *ours, size_t n,
                    const json_t *golden, const char *text)
{
    bool same = json_array_size(golden) == n;
    for (size_t i = 0; same && i < n; i++)
        same = json_integer_value(json_array_get(golden, i)) == ours[i];
    if (same)
        return;
    char *expected = json_dumps(golden, JSON_COMPACT);
    printf("%s, case %zu, '%s': %s are", folder, number, text, what);
    for (size_t i = 0; i < n; i++)
        printf(" %d", (int)ours[i]);
    printf("; expected %s\n", expected);
    free(expected);
    fail();
}

/* The character offsets again, from the byte offsets, the slow way. */
static void check_bytes(const tb_tokens *tokens, size_t i, const char *text)
{
    for (int end = 0; end < 2; end++) {
        uint32_t chars = 0, byte = end ? tokens->byte_end[i] : tokens->byte_begin[i];
        for (uint32_t at = 0; at < byte; at++)
            chars += ((uint8_t)text[at] & 0xC0) != 0x80;
        assert_int_equal(chars, end ? tokens->char_end[i] : tokens->char_begin[i]);
    }
}

static void run_case(const char *folder, const tb_tokenizer *tokenizer, const json_t *texts, const json_t *row,
                     size_t number, tb_tokens *tokens)
{
    tb_error err = {0};
    const json_t *text = json_array_get(texts, (size_t)json_integer_value(json_array_get(row, 0)));
    json_int_t second = json_integer_value(json_array_get(row, 1));
    const json_t *pair = second < 0 ? NULL : json_array_get(texts, (size_t)second);
    timbang_status status =
        tb_tokenizer_encode(tokenizer, json_string_value(text), json_string_length(text), json_string_value(pair),
                            json_string_length(pair), (size_t)json_integer_value(json_array_get(row, 2)), tokens, &err);
    if (status != TIMBANG_OK)
        fail_msg("%s: %s", folder, err.text);
    const char *shown = json_string_value(text);
    compare(folder, number, "ids", tokens->ids, tokens->n, json_array_get(row, 3), shown);
    compare(folder, number, "type ids", tokens->type_ids, tokens->n, json_array_get(row, 4), shown);
    compare(folder, number, "begins", (int32_t *)tokens->char_begin, tokens->n, json_array_get(row, 5), shown);
    compare(folder, number, "ends", (int32_t *)tokens->char_end, tokens->n, json_array_get(row, 6), shown);
    for (size_t i = 0; !pair && i < tokens->n; i++)
        check_bytes(tokens, i, shown);
}

static void test_golden_folders(void **state)
{
    (void)state;
    json_t *golden = help_golden("cases.json");
    const json_t *texts = json_object_get(golden, "texts");
    size_t n_cases = 0;
    const char *name;
    json_t *folder;
    json_object_foreach(json_object_get(golden, "folders"), name, folder)
    {
        char path[256];
        snprintf(path, sizeof path, "tests/golden/text/folders/%s", name);
        tb_tokenizer *tokenizer = help_load(help_path("TIMBANG_SOURCE", path));
        tb_tokens tokens = {0};
        size_t i;
        json_t *row;
        json_array_foreach(json_object_get(folder, "cases"), i, row)
        {
            run_case(name, tokenizer, texts, row, i, &tokens);
            n_cases++;
        }
        assert_int_equal(tb_tokenizer_vocab_size(tokenizer), json_integer_value(json_object_get(folder, "vocab_size")));
        assert_int_equal(tb_tokenizer_pad_id(tokenizer), json_integer_value(json_object_get(folder, "pad")));
        assert_int_equal(tb_tokenizer_unk_id(tokenizer), json_integer_value(json_object_get(folder, "unk")));
        assert_int_equal(tb_tokenizer_mask_id(tokenizer), json_integer_value(json_object_get(folder, "mask")));
        tb_tokens_free(&tokens);
        tb_tokenizer_free(tokenizer);
    }
    assert_true(n_cases > 3000);
    json_decref(golden);
}

/* ---- The interface ---- */

static const char *const small[] = {"vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nfilm\n##nya\na\n##a\n", NULL};

static tb_tokenizer *load_small(void)
{
    tb_error err = {0};
    tb_tokenizer *tokenizer = NULL;
    assert_int_equal(help_load_memory(small, &tokenizer, &err), TIMBANG_OK);
    return tokenizer;
}

static void test_questions(void **state)
{
    (void)state;
    tb_tokenizer *t = load_small();
    assert_int_equal(tb_tokenizer_vocab_size(t), 9);
    assert_string_equal(tb_tokenizer_token(t, 6), "##nya");
    assert_string_equal(tb_tokenizer_token(t, 4), "[MASK]");
    assert_null(tb_tokenizer_token(t, 9));
    assert_null(tb_tokenizer_token(t, -1));
    assert_null(tb_tokenizer_token(t, INT32_MIN));
    assert_int_equal(tb_tokenizer_id(t, "##nya"), 6);
    assert_int_equal(tb_tokenizer_id(t, "nya"), -1);
    assert_int_equal(tb_tokenizer_id(t, ""), -1);
    assert_int_equal(tb_tokenizer_pad_id(t), 0);
    assert_int_equal(tb_tokenizer_mask_id(t), 4);
    tb_tokenizer_free(t);
    tb_tokenizer_free(NULL);
}

static void test_truncation(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_tokens tokens = {0};
    tb_tokenizer *t = load_small();
    assert_int_equal(tb_tokenizer_encode(t, "film a a", 8, NULL, 0, 0, &tokens, &err), TIMBANG_OK);
    assert_int_equal(tokens.n, 5);
    assert_int_equal(tokens.n_special, 2);
    assert_false(tokens.truncated);
    assert_int_equal(tb_tokenizer_encode(t, "film a a", 8, NULL, 0, 5, &tokens, &err), TIMBANG_OK);
    assert_false(tokens.truncated);
    assert_int_equal(tb_tokenizer_encode(t, "film a a", 8, NULL, 0, 4, &tokens, &err), TIMBANG_OK);
    assert_true(tokens.truncated);
    assert_int_equal(tokens.n, 4);
    assert_int_equal(tokens.ids[3], 3);
    assert_int_equal(tb_tokenizer_encode(t, "film", 4, NULL, 0, 2, &tokens, &err), TIMBANG_OK);
    assert_true(tokens.truncated);
    assert_int_equal(tokens.n, 2);
    assert_int_equal(tb_tokenizer_encode(t, "", 0, NULL, 0, 2, &tokens, &err), TIMBANG_OK);
    assert_false(tokens.truncated);
    assert_int_equal(tb_tokenizer_encode(t, "film", 4, NULL, 0, 1, &tokens, &err), TIMBANG_USAGE);
    assert_non_null(strstr(err.text, "maximum length of 1"));
    assert_int_equal(tb_tokenizer_encode(t, "film", 4, "a", 1, 2, &tokens, &err), TIMBANG_USAGE);
    assert_int_equal(tb_tokenizer_encode(t, "film", 4, "a", 1, 3, &tokens, &err), TIMBANG_OK);
    assert_int_equal(tokens.n, 3);
    /* The cut falls into a word that turns out unknown only behind it. */
    assert_int_equal(tb_tokenizer_encode(t, "a aaab aaab film", 16, NULL, 0, 5, &tokens, &err), TIMBANG_OK);
    assert_int_equal(tokens.n, 5);
    assert_int_equal(tokens.ids[1], 7);
    assert_int_equal(tokens.ids[2], 1);
    assert_int_equal(tokens.ids[3], 1);
    assert_true(tokens.truncated);
    tb_tokens_free(&tokens);
    tb_tokenizer_free(t);
}

static void test_invalid_utf8(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t length, at;
    } bad[] = {
        {"film\xff", 5, 4},
        {"\xc3", 1, 0},
        {"a\xc0\x80", 3, 1},
        {"ab\xed\xa0\x80", 5, 2},
        {"\xf4\x90\x80\x80", 4, 0},
        {"a\x80", 2, 1},
        {"\xe4\xb8\xad\xe4\xb8", 5, 3},
    };
    tb_tokens tokens = {0};
    tb_tokenizer *t = load_small();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        tb_error err = {0};
        char place[32];
        snprintf(place, sizeof place, "offset %zu", bad[i].at);
        assert_int_equal(tb_tokenizer_encode(t, bad[i].text, bad[i].length, NULL, 0, 4, &tokens, &err), TIMBANG_DATA);
        assert_non_null(strstr(err.text, place));
        assert_int_equal(tb_tokenizer_encode(t, "a", 1, bad[i].text, bad[i].length, 8, &tokens, &err), TIMBANG_DATA);
        assert_non_null(strstr(err.text, "second text"));
    }
    /* What is behind the cut is checked too. */
    tb_error err = {0};
    assert_int_equal(tb_tokenizer_encode(t, "a a a a a a \xff", 13, NULL, 0, 4, &tokens, &err), TIMBANG_DATA);
    tb_tokens_free(&tokens);
    tb_tokenizer_free(t);
}

/* ---- Long texts: linear in time and memory ---- */

static double seconds_for(const tb_tokenizer *t, const char *unit, size_t megabytes, size_t *n_tokens)
{
    tb_error err = {0};
    tb_text text = {0};
    tb_tokens tokens = {0};
    struct timespec begin, end;
    while (text.length < megabytes << 20)
        tb_text_puts(&text, unit);
    clock_gettime(CLOCK_MONOTONIC, &begin);
    assert_int_equal(tb_tokenizer_encode(t, text.data, text.length, NULL, 0, 0, &tokens, &err), TIMBANG_OK);
    clock_gettime(CLOCK_MONOTONIC, &end);
    *n_tokens = tokens.n;
    tb_tokens_free(&tokens);
    tb_text_free(&text);
    return (double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec);
}

static void test_long_texts(void **state)
{
    (void)state;
    static const struct {
        const char *unit;
        size_t tokens; /* in 10 MiB; 0: not looked at */
    } units[] = {
        {"filmnya ", 2621442}, {"a", 3},     {"\xcc\x81", 0}, {"\xcc\xa3\xcc\x81", 0},
        {"[MASK]", 0},         {"[MASK", 0}, {" ", 2},        {"\xe4\xb8\xad", 0},
    };
    tb_tokenizer *t = load_small();
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        size_t n;
        double seconds = seconds_for(t, units[i].unit, 10, &n);
        if (units[i].tokens)
            assert_int_equal(n, units[i].tokens);
        assert_true(seconds < 60); /* anything quadratic takes hours */
    }
    tb_tokenizer_free(t);
}

/* ---- Threads ---- */

struct job {
    const tb_tokenizer *tokenizer;
    int wrong;
};

static void *encode_often(void *argument)
{
    struct job *job = argument;
    tb_tokens tokens = {0};
    tb_error err = {0};
    for (int i = 0; i < 3000; i++) {
        char text[64];
        int n = snprintf(text, sizeof text, "%.*s film [MASK] filmnya", i % 7, "aaaaaaa");
        timbang_status status = tb_tokenizer_encode(job->tokenizer, text, (size_t)n, NULL, 0, 16, &tokens, &err);
        size_t pieces = (size_t)(i % 7), last = 2 + pieces + 4;
        job->wrong +=
            status != TIMBANG_OK || tokens.n != last || tokens.ids[last - 2] != 6 || tokens.ids[1 + pieces + 1] != 4;
    }
    tb_tokens_free(&tokens);
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    enum { N = 4 };
    pthread_t threads[N];
    struct job jobs[N];
    tb_tokenizer *t = load_small();
    for (int i = 0; i < N; i++) {
        jobs[i] = (struct job){t, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, encode_often, &jobs[i]), 0);
    }
    for (int i = 0; i < N; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(jobs[i].wrong, 0);
    }
    tb_tokenizer_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_folders), cmocka_unit_test(test_questions),  cmocka_unit_test(test_truncation),
        cmocka_unit_test(test_invalid_utf8),   cmocka_unit_test(test_long_texts), cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests_name("tokenizer", tests, NULL, NULL);
}
