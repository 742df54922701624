/* The trie, and the matcher against the plain definition of leftmost-longest. */
#include "help.h"
#include "random_text.h"
#include "text/trie.h"

static tb_trie_entry entry(const char *text, int32_t value)
{
    return (tb_trie_entry){text, strlen(text), (uint32_t)value, value};
}

static void test_find(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_trie trie = {0};
    tb_trie_entry entries[] = {entry("b", 0),    entry("abc", 1), entry("ab", 2),   entry("", 3),
                               entry("\xff", 4), entry("ab", 5),  {"a\0b", 3, 6, 6}};
    assert_int_equal(tb_trie_build(&trie, entries, 7, &err), TIMBANG_OK);
    assert_int_equal(tb_trie_find(&trie, "abc", 3), 1);
    assert_int_equal(tb_trie_find(&trie, "ab", 2), 2); /* the lower order of two */
    assert_int_equal(tb_trie_find(&trie, "a", 1), -1);
    assert_int_equal(tb_trie_find(&trie, "", 0), 3);
    assert_int_equal(tb_trie_find(&trie, "\xff", 1), 4);
    assert_int_equal(tb_trie_find(&trie, "a\0b", 3), 6);
    assert_int_equal(tb_trie_find(&trie, "abcd", 4), -1);
    tb_trie_free(&trie);
    assert_int_equal(tb_trie_find(&trie, "a", 1), -1);
    assert_int_equal(tb_trie_build(&trie, NULL, 0, &err), TIMBANG_OK);
    assert_int_equal(tb_trie_find(&trie, "a", 1), -1);
    tb_trie_free(&trie);
}

/* Every byte as a child, so that wide nodes are used below the root too. */
static void test_wide_nodes(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_trie trie = {0};
    char texts[256][2];
    tb_trie_entry entries[256];
    for (int i = 0; i < 256; i++) {
        texts[i][0] = 'x';
        texts[i][1] = (char)i;
        entries[i] = (tb_trie_entry){texts[i], 2, 0, i};
    }
    assert_int_equal(tb_trie_build(&trie, entries, 256, &err), TIMBANG_OK);
    for (int i = 0; i < 256; i++)
        assert_int_equal(tb_trie_find(&trie, (char[]){'x', (char)i}, 2), i);
    tb_trie_free(&trie);
}

/* From each place in turn, the longest string that starts there. */
static bool plain_next(char words[][8], size_t n, const char *text, size_t length, size_t from, size_t *begin,
                       size_t *end, int32_t *value)
{
    for (size_t at = from; at < length; at++) {
        size_t best = 0;
        for (size_t i = 0; i < n; i++) {
            size_t size = strlen(words[i]);
            if (size > best && size <= length - at && memcmp(text + at, words[i], size) == 0) {
                best = size;
                *value = (int32_t)i;
            }
        }
        if (best > 0) {
            *begin = at;
            *end = at + best;
            return true;
        }
    }
    return false;
}

static void test_matcher(void **state)
{
    (void)state;
    uint64_t random = 7;
    for (int round = 0; round < 3000; round++) {
        tb_error err = {0};
        tb_matcher matcher = {0};
        char words[12][8], text[64];
        tb_trie_entry entries[12];
        size_t n = 1 + random_next(&random) % 12, length = random_next(&random) % sizeof text;
        for (size_t i = 0; i < n; i++) {
            size_t size = 1 + random_next(&random) % 7;
            for (size_t j = 0; j < size; j++)
                words[i][j] = (char)('a' + random_next(&random) % 2);
            words[i][size] = '\0';
            entries[i] = (tb_trie_entry){words[i], size, (uint32_t)i, (int32_t)i};
        }
        for (size_t j = 0; j < length; j++)
            text[j] = (char)('a' + random_next(&random) % 20 / 9);
        assert_int_equal(tb_matcher_build(&matcher, entries, n, &err), TIMBANG_OK);
        for (size_t at = 0;;) {
            size_t begin = 0, end = 0, plain_begin = 0, plain_end = 0;
            int32_t value = -1, plain_value = -1;
            bool found = tb_matcher_next(&matcher, text, length, at, &begin, &end, &value);
            assert_int_equal(found, plain_next(words, n, text, length, at, &plain_begin, &plain_end, &plain_value));
            if (!found)
                break;
            assert_int_equal(begin, plain_begin);
            assert_int_equal(end, plain_end);
            assert_int_equal(value, plain_value);
            at = end;
        }
        tb_matcher_free(&matcher);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_find), cmocka_unit_test(test_wide_nodes),
                                       cmocka_unit_test(test_matcher)};
    return cmocka_run_group_tests_name("trie", tests, NULL, NULL);
}
