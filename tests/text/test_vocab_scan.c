/* The vocabulary read without the JSON library, against that library: what is plain, and what is left to it. */
#include "help.h"
#include "text/tokenizer_parts.h"

#define FILE_OF(vocab)                                                                                                 \
    "{\"a\": [1, {\"model\": \"}\\\"\"}], \"model\": {\"type\": \"WordPiece\", \"vocab\": " vocab "}, \"z\": 1}"

static void scan_text(const char *text, tb_vocab_scan *scan, json_t **root)
{
    tb_error err = {0};
    *root = NULL;
    *scan = (tb_vocab_scan){0};
    if (tb_vocab_scan_file(scan, "tokenizer.json", text, strlen(text), root, &err) != TIMBANG_OK)
        fail_msg("%s: %s", text, err.text);
}

static void check_plain(const char *text)
{
    tb_error err = {0};
    tb_vocab_scan scan;
    json_t *root, *whole = NULL;
    scan_text(text, &scan, &root);
    if (tb_json_parse("tokenizer.json", text, strlen(text), 0, &whole, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    if (scan.n == 0)
        fail_msg("not taken as plain: %s", text);
    const json_t *vocab = json_object_get(json_object_get(whole, "model"), "vocab");
    assert_int_equal(scan.n, json_object_size(vocab));
    for (size_t i = 0; i < scan.n; i++) {
        const json_t *id = json_object_get(vocab, scan.entries[i].bytes);
        assert_int_equal(scan.entries[i].length, strlen(scan.entries[i].bytes));
        if (!json_is_integer(id) || json_integer_value(id) != scan.entries[i].value)
            fail_msg("%s: token %zu is '%s' with id %d", text, i, scan.entries[i].bytes, (int)scan.entries[i].value);
    }
    /* All else is in the tree. */
    assert_int_equal(json_object_size(json_object_get(json_object_get(root, "model"), "vocab")), 0);
    json_object_clear(json_object_get(json_object_get(whole, "model"), "vocab"));
    assert_true(json_equal(root, whole));
    json_decref(root);
    json_decref(whole);
    tb_vocab_scan_free(&scan);
}

static void test_plain(void **state)
{
    (void)state;
    static const char *const texts[] = {
        FILE_OF("{\"a\":0}"),
        FILE_OF("{ \"a\" : 0 ,\n\t\"b\":16777215\r\n }"),
        FILE_OF("{\"\\\"\":0,\"\\\\\":1,\"\\/\":2,\"\\b\\f\\n\\r\\t\":3,\"}\":4,\"]{,:\":5,\"\":6}"),
        FILE_OF("{\"\\u0041\":0,\"\\u00e9x\":1,\"\\u4e2d\\u6587\":2,\"\\uD83D\\ude00\":3,\"##\\u007f\":4}"),
        FILE_OF("{\"\xc3\xa9\":7,\"\xe4\xb8\xad\":8,\"\xf0\x9f\x98\x80\":9}"),
        "{\"model\":{\"vocab\":{\"a\":0}}}",
        (" {\"model\":{\"x\":{\"vocab\":{\"n\":1}},\"vocab\":{\"a\":0},\"y\":\"\\\\\"},\"vocab\":{\"q\":3},"
         "\"f\":-1.5e3}\n"),
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        check_plain(texts[i]);
}

/* Repeated tokens stay, in order: building the vocabulary lets the last one count. A NUL needs no stand-in. */
static void test_repeats_and_nul(void **state)
{
    (void)state;
    tb_vocab_scan scan;
    json_t *root;
    scan_text(FILE_OF("{\"a\":9,\"b\\u0000c\":1,\"a\":0}"), &scan, &root);
    assert_int_equal(scan.n, 3);
    assert_int_equal(scan.entries[1].length, 3);
    assert_memory_equal(scan.entries[1].bytes, "b\0c", 3);
    tb_error err = {0};
    tb_vocab vocab = {0};
    assert_int_equal(tb_vocab_build(&vocab, "x", scan.entries, scan.n, &err), TIMBANG_OK);
    assert_int_equal(vocab.n_words, 2);
    assert_int_equal(vocab.n_ids, 2);
    assert_int_equal(tb_trie_find(&vocab.trie, "a", 1), 0);
    tb_vocab_free(&vocab);
    tb_vocab_scan_free(&scan);
    json_decref(root);
}

static void test_left_alone(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "[]",
        "{",
        "{\"model\"",
        "{\"model\":",
        "{\"model\":{\"vocab\":{\"a\":0}}",
        "{\"model\":{\"vocab\":{\"a\":0}}} x",
        "{\"model\":{\"vocab\":{\"a\":0}},}",
        "{\"model\":{\"vocab\":{\"a\":0}},\"model\":{\"vocab\":{\"b\":0}}}",
        "{\"model\":{\"vocab\":{\"a\":0},\"vocab\":{\"b\":0}}}",
        "{\"model\":{\"vocab\":{\"a\":0},\"voc\\u0061b\":{\"b\":0}}}",
        "{\"mode\\u006c\":{\"vocab\":{\"a\":0}}}",
        "{\"x\":{\"vocab\":{\"a\":0}}}",
        FILE_OF("{}"),
        FILE_OF("[[\"a\", 0.5]]"),
        FILE_OF("{\"a\":0,}"),
        FILE_OF("{\"a\":-1}"),
        FILE_OF("{\"a\":1.0}"),
        FILE_OF("{\"a\":1e3}"),
        FILE_OF("{\"a\":01}"),
        FILE_OF("{\"a\":16777216}"),
        FILE_OF("{\"a\":123456789}"),
        FILE_OF("{\"a\":18446744073709551616}"),
        FILE_OF("{\"a\":\"0\"}"),
        FILE_OF("{\"a\":}"),
        FILE_OF("{a:0}"),
        FILE_OF("{\"a\n\":0}"),
        FILE_OF("{\"\\x\":0}"),
        FILE_OF("{\"\\u12g4\":0}"),
        FILE_OF("{\"\\ud83d\":0}"),
        FILE_OF("{\"\\ude00\\ud83d\":0}"),
        FILE_OF("{\"\\ud83d\\u0041\":0}"),
        FILE_OF("{\"\xff\":0}"),
        FILE_OF("{\"a\":0"),
        FILE_OF("{\"a"),
        FILE_OF("{\"a\\"),
        FILE_OF("{\"\\u00"),
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        tb_vocab_scan scan;
        json_t *root;
        scan_text(texts[i], &scan, &root);
        if (scan.n || root || scan.bytes || scan.entries)
            fail_msg("taken as plain: %s", texts[i]);
    }
    /* Every beginning of a good file. */
    const char *good = FILE_OF("{\"a\\u00e9\":0, \"\\\\\" : 12}");
    for (size_t size = 0; size < strlen(good); size++) {
        char *text = malloc(size + 1);
        tb_vocab_scan scan;
        json_t *root;
        assert_non_null(text);
        memcpy(text, good, size);
        text[size] = '\0';
        scan_text(text, &scan, &root);
        assert_true(scan.n == 0 && !root);
        free(text);
    }
}

/* What is wrong with a file is told by the library, with the place in the file as it is. */
static void test_messages(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"a\":0,\n\"b\":1}},\n\"x\":tru}", "line 3"},
        {"{\"model\":{\"type\":\"WordPiece\",\"vocab\":{}}}", "empty"},
        {"{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"a\":0.5}}}", "token 'a' has no id"},
        {"{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"a\":3,\"b\":3}}}", "tokens 'a' and 'b' share id 3"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0}}}", "BPE"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *const files[] = {"tokenizer.json", bad[i].text, NULL};
        tb_error err = {0};
        tb_tokenizer *tokenizer = NULL;
        assert_int_not_equal(help_load_memory(files, &tokenizer, &err), TIMBANG_OK);
        if (!strstr(err.text, bad[i].message))
            fail_msg("\"%s\", expected %s", err.text, bad[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_plain), cmocka_unit_test(test_repeats_and_nul),
                                       cmocka_unit_test(test_left_alone), cmocka_unit_test(test_messages)};
    return cmocka_run_group_tests_name("vocabulary in tokenizer.json", tests, NULL, NULL);
}
