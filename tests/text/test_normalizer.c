/* The normalizer by itself: tables, ordering of marks (short and long runs), and the places that characters stand for.
 */
#include "help.h"
#include "text/normalizer.h"
#include "text/unicode.h"

struct collected {
    tb_sink sink;
    uint32_t c[4096], begin[4096], end[4096];
    size_t n, stop_after;
};

static void collect(tb_sink *sink, uint32_t c, uint32_t begin, uint32_t end)
{
    struct collected *out = (struct collected *)(void *)sink;
    assert_true(out->n < 4096);
    out->c[out->n] = c;
    out->begin[out->n] = begin;
    out->end[out->n++] = end;
    if (out->n == out->stop_after)
        sink->stop = true;
}

static void normalize(tb_normalizer how, const char *text, struct collected *out)
{
    tb_error err = {0};
    tb_mark_run run = {0};
    size_t stop_after = out->stop_after;
    memset(out, 0, sizeof *out);
    out->stop_after = stop_after;
    out->sink.put = collect;
    assert_int_equal(tb_normalize(&how, text, 0, strlen(text), &run, &out->sink, &err), TIMBANG_OK);
    tb_mark_run_free(&run);
}

static void test_tables(void **state)
{
    (void)state;
    uint32_t out[TB_UNICODE_DECOMPOSED_MAX];
    assert_int_equal(tb_unicode_decompose(0xE9, out), 2);
    assert_int_equal(out[0], 'e');
    assert_int_equal(out[1], 0x301);
    assert_int_equal(tb_unicode_decompose(0xAC01, out), 3);
    assert_int_equal(out[2], 0x11A8);
    assert_int_equal(tb_unicode_decompose(0xAC00, out), 2);
    assert_int_equal(tb_unicode_decompose(0x1D160, out), 3);
    assert_int_equal(tb_unicode_lower(0x130, out), 2);
    assert_int_equal(out[1], 0x307);
    assert_int_equal(tb_unicode_lower(0x3A3, out), 1);
    assert_int_equal(out[0], 0x3C3);
    assert_int_equal(tb_unicode_lower('1', out), 1);
    assert_int_equal(out[0], '1');
    assert_true(tb_unicode_of(0xA0)->flags & TB_UNICODE_SPACE);
    assert_true(tb_unicode_of(0)->flags & TB_UNICODE_REMOVED);
    assert_true(tb_unicode_of(0xFFFD)->flags & TB_UNICODE_REMOVED);
    assert_true(tb_unicode_of('$')->flags & TB_UNICODE_PUNCTUATION);
    assert_true(tb_unicode_of(0x4E00)->flags & TB_UNICODE_CJK);
    assert_true(tb_unicode_of('_')->flags & TB_UNICODE_WORD);
    assert_false(tb_unicode_of('_')->flags & TB_UNICODE_LETTER);
    assert_int_equal(tb_unicode_of(TB_UNICODE_MAX)->combining, 0);
    /* No record decomposes or maps to something outside the code points. */
    for (uint32_t c = 0; c <= TB_UNICODE_MAX; c++) {
        int n = tb_unicode_decompose(c, out);
        assert_in_range(n, 1, TB_UNICODE_DECOMPOSED_MAX);
        for (int i = 0; i < n; i++)
            assert_in_range(out[i], 0, TB_UNICODE_MAX);
        n = tb_unicode_lower(c, out);
        assert_in_range(n, 1, TB_UNICODE_DECOMPOSED_MAX);
        for (int i = 0; i < n; i++)
            assert_in_range(out[i], 0, TB_UNICODE_MAX);
    }
}

static void test_places(void **state)
{
    (void)state;
    struct collected out = {.stop_after = 0};
    tb_normalizer bert = {true, true, true, true};
    normalize(bert, "A\xc3\x89\t\xe4\xb8\xad", &out); /* A É TAB 中 */
    const uint32_t c[] = {'a', 'e', ' ', ' ', 0x4E2D, ' '}, begin[] = {0, 1, 3, 4, 4, 4}, end[] = {1, 3, 4, 7, 7, 7};
    assert_int_equal(out.n, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(out.c[i], c[i]);
        assert_int_equal(out.begin[i], begin[i]);
        assert_int_equal(out.end[i], end[i]);
    }
    normalize((tb_normalizer){false, false, false, false}, "A\xc3\x89\t", &out);
    assert_int_equal(out.n, 3);
    assert_int_equal(out.c[1], 0xC9);
    out.stop_after = 2;
    normalize(bert, "abcdef", &out);
    assert_int_equal(out.n, 2);
}

/* Ordering is stable and by class in runs of any length, and the ranges are handed out after it, in the order of the
 * text. */
static void test_long_runs(void **state)
{
    (void)state;
    /* Spacing marks, which strip_accents keeps: two of one class, and one of a lower class. */
    static const char marks[] = "\xe3\x80\xae\xe3\x80\xaf\xf0\x9d\x85\xa5"; /* U+302E U+302F U+1D165 */
    static const size_t widths[3] = {3, 3, 4};
    tb_normalizer strip = {false, false, true, false};
    assert_int_equal(tb_unicode_of(0x302E)->combining, tb_unicode_of(0x302F)->combining);
    assert_true(tb_unicode_of(0x302E)->combining > tb_unicode_of(0x1D165)->combining);
    assert_true(tb_unicode_of(0x1D165)->combining > 0);
    for (size_t groups = 1; groups < 80; groups += 3) {
        struct collected out = {.stop_after = 0};
        char text[1024] = "x";
        for (size_t i = 0; i < groups; i++)
            strcat(text, marks);
        strcat(text, "y");
        normalize(strip, text, &out);
        assert_int_equal(out.n, 2 + 3 * groups);
        size_t byte = 1;
        for (size_t i = 0; i < 3 * groups; i++) {
            assert_int_equal(out.c[1 + i], i < groups ? 0x1D165 : (i - groups) % 2 ? 0x302F : 0x302E);
            assert_int_equal(out.begin[1 + i], byte); /* the range of the mark that stood in this place before */
            byte += widths[i % 3];
            assert_int_equal(out.end[1 + i], byte);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_tables), cmocka_unit_test(test_places),
                                       cmocka_unit_test(test_long_runs)};
    return cmocka_run_group_tests_name("normalizer", tests, NULL, NULL);
}
