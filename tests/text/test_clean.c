/* The optional clean-up of raw text. */
#include "help.h"
#include "text/clean.h"
#include "text/stopwords.h"

static void check(unsigned flags, const char *text, const char *expected)
{
    tb_error err = {0};
    tb_text out = {0};
    tb_text_puts(&out, ">"); /* it appends */
    assert_int_equal(tb_clean(flags, text, strlen(text), &out, &err), TIMBANG_OK);
    assert_string_equal(out.data + 1, expected);
    tb_text_free(&out);
}

enum {
    LOWER = TIMBANG_CLEAN_LOWER,
    SPACES = TIMBANG_CLEAN_SPACES,
    URLS = TIMBANG_CLEAN_URLS,
    MENTIONS = TIMBANG_CLEAN_MENTIONS,
    LETTERS = TIMBANG_CLEAN_LETTERS,
    STOPWORDS = TIMBANG_CLEAN_STOPWORDS
};

static void test_steps(void **state)
{
    (void)state;
    check(0, "  A  b ", "  A  b ");
    check(0, "", "");
    check(LOWER, "FILM \xc3\x89 \xc4\xb0", "film \xc3\xa9 i\xcc\x87");
    check(SPACES, " \t a\xc2\xa0\xe3\x80\x80 b\r\n", "a b");
    check(SPACES, " \n ", "");
    check(URLS, "lihat https://a.b/c?d=e, HTTP://x dan www.y.id! ya", "lihat     dan   ya");
    check(URLS, "xhttp://a awww.b http:/c http www. www", "xhttp://a awww.b http:/c http   www");
    check(URLS, "(http://a.b)", "( ");
    check(URLS,
          "https://a\xc2\xa0"
          "b",
          " \xc2\xa0"
          "b");
    check(MENTIONS, "@budi halo @siti_2! a@b.c @ @\xc3\xa9 @@x", "  halo  ! a@b.c @ @\xc3\xa9 @ ");
    check(LETTERS, "a1b-c_d! \xc3\xa9\xf0\x9f\x98\x80\xe4\xb8\xad e\xcc\x81",
          "a b c d  \xc3\xa9 \xe4\xb8\xad e\xcc\x81");
    check(LETTERS, "a\tb", "a\tb");
    check(STOPWORDS, "Film ini dan YANG itu bagus", "Film     bagus");
    check(STOPWORDS, "dandan yang-lain yang_lain yang2", "dandan - yang_lain yang2");
    check(STOPWORDS | SPACES, "film ini tidak bagus, bukan yang ini", "film tidak bagus, bukan");
    check(LOWER | SPACES | URLS | MENTIONS | LETTERS | STOPWORDS,
          "@Budi FILMNYA tidak bagus!!! cek https://a.b/Yang?x  ya... DAN, itu kurang \xf0\x9f\x98\x80",
          "filmnya tidak bagus cek ya kurang");
}

static void test_negations_stay(void **state)
{
    (void)state;
    static const char *const kept[] = {"tidak", "tak",   "bukan", "belum",   "jangan", "kurang", "tanpa",  "gak",
                                       "nggak", "ga",    "tapi",  "tetapi",  "namun",  "sangat", "sekali", "banget",
                                       "bagus", "jelek", "suka",  "padahal", "y",      ""};
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        assert_false(tb_is_stopword(kept[i], strlen(kept[i])));
    assert_in_range(tb_n_stopwords, 100, 200);
    for (size_t i = 0; i < tb_n_stopwords; i++) {
        assert_true(tb_is_stopword(tb_stopwords[i], strlen(tb_stopwords[i])));
        if (i > 0)
            assert_true(strcmp(tb_stopwords[i - 1], tb_stopwords[i]) < 0);
    }
}

static void test_bytes(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_text out = {0};
    assert_int_equal(tb_clean(LOWER | LETTERS, "A\0B", 3, &out, &err), TIMBANG_OK);
    assert_int_equal(out.length, 3);
    assert_memory_equal(out.data, "a b", 3);
    assert_int_equal(tb_clean(LOWER, "ab\xff", 3, &out, &err), TIMBANG_DATA);
    assert_non_null(strstr(err.text, "offset 2"));
    tb_text_free(&out);
}

static void test_lists(void **state)
{
    (void)state;
    static const char *const wrong[] = {"lowr",          "lower,",
                                        ",lower",        "lower, spaces",
                                        "lower,,spaces", "a name that is far too long to be one of them, in any case"};
    tb_error err = {0};
    char text[80];
    unsigned flags = 99;
    assert_int_equal(tb_clean_parse("spaces,lower,urls", &flags, &err), TIMBANG_OK);
    assert_int_equal(flags, LOWER | SPACES | URLS);
    assert_string_equal(tb_clean_text_of(flags, text), "urls,lower,spaces");
    assert_int_equal(tb_clean_parse("stopwords,letters,mentions,urls,spaces,lower", &flags, &err), TIMBANG_OK);
    assert_int_equal(flags, 63);
    assert_string_equal(tb_clean_text_of(63, text), "urls,mentions,lower,letters,stopwords,spaces");
    unsigned again = 0;
    assert_int_equal(tb_clean_parse(text, &again, &err), TIMBANG_OK);
    assert_int_equal(again, 63);
    assert_int_equal(tb_clean_parse("", &flags, &err), TIMBANG_OK);
    assert_int_equal(flags, 0);
    assert_int_equal(tb_clean_parse(NULL, &flags, &err), TIMBANG_OK);
    assert_string_equal(tb_clean_text_of(0, text), "");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        flags = 99;
        assert_int_equal(tb_clean_parse(wrong[i], &flags, &err), TIMBANG_USAGE);
        assert_int_equal(flags, 99);
    }
    assert_int_equal(tb_clean_parse("lowr", &flags, &err), TIMBANG_USAGE);
    assert_non_null(strstr(err.text, "lowr"));
    assert_non_null(strstr(err.text, "lower"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_steps), cmocka_unit_test(test_negations_stay),
                                       cmocka_unit_test(test_bytes), cmocka_unit_test(test_lists)};
    return cmocka_run_group_tests_name("clean", tests, NULL, NULL);
}
