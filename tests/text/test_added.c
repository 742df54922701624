/* Added tokens: ids, many of them, and walking over a text. The rules for matching are in the golden folders. */
#include "help.h"
#include "text/added.h"

static tb_added_token plain(const char *content)
{
    return (tb_added_token){.content = (char *)(uintptr_t)content, .length = strlen(content)};
}

static void test_ids(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_added added = {0};
    tb_added_token token = plain("<x>");
    assert_int_equal(tb_added_put(&added, &token, -1, 10, &err), TIMBANG_OK);
    token = plain("in vocabulary");
    assert_int_equal(tb_added_put(&added, &token, 4, 10, &err), TIMBANG_OK);
    token = plain("<y>");
    assert_int_equal(tb_added_put(&added, &token, -1, 10, &err), TIMBANG_OK);
    token = plain("");
    assert_int_equal(tb_added_put(&added, &token, -1, 10, &err), TIMBANG_OK);
    token = plain("<x>");
    token.lstrip = true;
    assert_int_equal(tb_added_put(&added, &token, -1, 10, &err), TIMBANG_OK);
    assert_int_equal(added.n, 3);
    assert_int_equal(added.tokens[0].id, 10);
    assert_true(added.tokens[0].lstrip);
    assert_int_equal(added.tokens[1].id, 4);
    assert_int_equal(added.tokens[2].id, 11);
    assert_int_equal(tb_added_find_id(&added, 11), 2);
    assert_int_equal(tb_added_find_id(&added, 12), -1);
    token = plain("other");
    assert_int_equal(tb_added_put(&added, &token, 4, 10, &err), TIMBANG_UNSUPPORTED);
    tb_added_free(&added);
    assert_int_equal(tb_added_find(&added, "<x>", 3), -1);
}

static void test_many(void **state)
{
    (void)state;
    enum { N = 20000 };
    tb_error err = {0};
    tb_added added = {0};
    char name[32];
    for (int i = 0; i < N; i++) {
        snprintf(name, sizeof name, "<tok%d>", i);
        tb_added_token token = plain(name);
        assert_int_equal(tb_added_put(&added, &token, -1, 100, &err), TIMBANG_OK);
    }
    assert_int_equal(tb_added_build(&added, NULL, NULL, &err), TIMBANG_OK);
    assert_true(added.has_raw);
    assert_false(added.has_normalized);
    tb_text text = {0};
    for (int i = 0; i < N; i++)
        tb_text_printf(&text, "<tok%d> <tok<tok%dx ", i, i);
    tb_added_walk walk = tb_added_walk_begin(&added, &added.raw, text.data, text.length);
    size_t begin, end, last = 0, n = 0;
    int32_t token;
    while (tb_added_walk_next(&walk, &begin, &end, &token)) {
        assert_int_equal(begin, last); /* the pieces follow each other */
        assert_true(end > begin);
        last = end;
        if (token >= 0) {
            snprintf(name, sizeof name, "<tok%zu>", n++);
            assert_int_equal(end - begin, strlen(name));
            assert_memory_equal(text.data + begin, name, end - begin);
            assert_int_equal(added.tokens[token].id, 100 + n - 1);
        }
    }
    assert_int_equal(last, text.length);
    assert_int_equal(n, N);
    tb_text_free(&text);
    tb_added_free(&added);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ids), cmocka_unit_test(test_many)};
    return cmocka_run_group_tests_name("added tokens", tests, NULL, NULL);
}
