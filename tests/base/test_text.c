/* Tests of base/text.c. */
#include "base/text.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void utf8_round_trip(void **state)
{
    (void)state;
    for (uint32_t c = 0; c <= 0x10ffff; c++) {
        char bytes[4];
        if (c >= 0xd800 && c <= 0xdfff)
            continue;
        int n = tb_utf8_encode(c, bytes);
        uint32_t back = 0;
        assert_int_equal(tb_utf8_decode(bytes, (size_t)n, &back), n);
        assert_int_equal(back, c);
        if (n > 1)
            assert_int_equal(tb_utf8_decode(bytes, (size_t)n - 1, &back), -1); /* cut short */
    }
}

static void utf8_refuses(void **state)
{
    (void)state;
    static const char *const bad[] = {"\x80",         "\xc0\x80",         "\xc1\xbf",         "\xe0\x80\x80",
                                      "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x28\xa1",
                                      "\xff"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint32_t c;
        assert_int_equal(tb_utf8_decode(bad[i], strlen(bad[i]), &c), -1);
        char text[16] = "ab";
        strcat(text, bad[i]);
        assert_int_equal(tb_utf8_invalid_at(text, strlen(text)), 2);
    }
    assert_true(tb_utf8_invalid_at("bagus \xf0\x9f\x98\x80 é", 13) == SIZE_MAX);
}

static void numbers(void **state)
{
    (void)state;
    double d;
    uint64_t u;
    assert_true(tb_parse_double("1e-12", &d) && d == 1e-12);
    assert_false(tb_parse_double("1,5", &d));
    assert_false(tb_parse_double("1.5x", &d));
    assert_false(tb_parse_double("", &d));
    assert_false(tb_parse_double(" 1", &d));
    assert_true(tb_parse_u64("18446744073709551615", &u) && u == UINT64_MAX);
    assert_false(tb_parse_u64("18446744073709551616", &u));
    assert_false(tb_parse_u64("-1", &u));
    assert_false(tb_parse_u64("", &u));
}

/* Where a locale with a decimal comma is installed, text must not follow it. */
static void locale_does_not_matter(void **state)
{
    (void)state;
    static const char *const names[] = {"de_DE.UTF-8", "id_ID.UTF-8", "fr_FR.UTF-8", "de_DE.utf8"};
    const char *found = NULL;
    for (size_t i = 0; !found && i < sizeof names / sizeof names[0]; i++)
        found = setlocale(LC_ALL, names[i]);
    tb_text text = {0};
    tb_text_printf(&text, "%.2f", 3.25);
    double d;
    bool parsed = tb_parse_double("3.25", &d);
    setlocale(LC_ALL, "C");
    assert_string_equal(text.data, "3.25");
    assert_true(parsed && d == 3.25);
    tb_text_free(&text);
    if (!found)
        print_message("no locale with a decimal comma is installed: only the C locale was tried\n");
}

static void growing(void **state)
{
    (void)state;
    tb_error err;
    tb_text text = {0};
    for (int i = 0; i < 1000; i++)
        tb_text_printf(&text, "%d,", i);
    assert_int_equal(tb_text_finish(&text, &err), TIMBANG_OK);
    assert_int_equal(text.length, 10 * 2 + 90 * 3 + 900 * 4);
    assert_int_equal(strlen(text.data), text.length);
    tb_text_free(&text);
    tb_text_free(&text);
}

static void human_bytes(void **state)
{
    (void)state;
    char out[32];
    assert_string_equal(tb_human_bytes(0, out), "0 B");
    assert_string_equal(tb_human_bytes(999, out), "999 B");
    assert_string_equal(tb_human_bytes(1000, out), "1.0 kB");
    assert_string_equal(tb_human_bytes(21042262, out), "21.0 MB");
    assert_string_equal(tb_human_bytes(474790000, out), "474 MB");
}

static void did_you_mean(void **state)
{
    (void)state;
    static const char *const names[] = {"predict", "tokenize", "quantize", "study"};
    assert_int_equal(tb_closest("quantise", names, 4), 2);
    assert_int_equal(tb_closest("pedict", names, 4), 0);
    assert_int_equal(tb_closest("zzzzzz", names, 4), -1);
    assert_int_equal(tb_closest("study", names, 4), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_round_trip),        cmocka_unit_test(utf8_refuses), cmocka_unit_test(numbers),
        cmocka_unit_test(locale_does_not_matter), cmocka_unit_test(growing),      cmocka_unit_test(human_bytes),
        cmocka_unit_test(did_you_mean),
    };
    return cmocka_run_group_tests_name("base/text", tests, NULL, NULL);
}
