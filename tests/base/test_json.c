/* Tests of base/json.c: what Python and Rust write is read; what is wrong is named with its place. */
#include "base/json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static json_t *parse(const char *text)
{
    tb_error err;
    json_t *value = NULL;
    if (tb_json_parse("t.json", text, strlen(text), TB_JSON_REJECT_DUPLICATES, &value, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    return value;
}

static void odd_values(void **state)
{
    (void)state;
    tb_error err;
    json_t *v =
        parse("{\"a\": 1000000000000000019884624838656, \"b\": NaN, \"c\": [-Infinity, Infinity, -5], "
              "\"d\": \"x\\u0000y\", \"k\\u0000\": 7, \"e\": 9007199254740993, \"s\": \"NaN 12345678901234567890\"}");
    double d = 0;
    assert_int_equal(tb_json_get_double(v, "t", "a", true, &d, &err), TIMBANG_OK);
    assert_true(d == 1e30);
    assert_true(json_is_null(json_object_get(v, "b")));
    assert_true(json_is_null(json_array_get(json_object_get(v, "c"), 0)));
    assert_int_equal(json_integer_value(json_array_get(json_object_get(v, "c"), 2)), -5);
    assert_int_equal(json_string_length(json_object_get(v, "d")), 3);
    assert_int_equal(json_integer_value(json_object_get(v, "k\xf4\x8f\xbf\xbf")), 7);
    assert_int_equal(json_integer_value(json_object_get(v, "e")), 9007199254740993LL);
    assert_string_equal(json_string_value(json_object_get(v, "s")), "NaN 12345678901234567890");
    json_decref(v);
}

static void refusals(void **state)
{
    (void)state;
    tb_error err;
    json_t *v = NULL;
    static const char *const bad[] = {
        "",         "{",   "{\"a\": 1,}", "{\"a\" 1}", "[1] x", "{\"a\":1,\"a\":2}", "\"\\ud800\"",
        "{'a': 1}", "nul", "-",           "1e999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (tb_json_parse("t.json", bad[i], strlen(bad[i]), TB_JSON_REJECT_DUPLICATES, &v, &err) == TIMBANG_OK)
            fail_msg("%s was taken", bad[i]);
        assert_non_null(strstr(err.text, "t.json: line"));
    }
    assert_int_equal(tb_json_parse("t.json", "\"\xff\"", 3, 0, &v, &err), TIMBANG_FORMAT);
    assert_non_null(strstr(err.text, "byte 1"));
    char *deep = malloc(200001);
    memset(deep, '[', 200000);
    deep[200000] = 0;
    assert_int_equal(tb_json_parse("t.json", deep, 200000, 0, &v, &err), TIMBANG_FORMAT);
    free(deep);
}

static void typed_members(void **state)
{
    (void)state;
    tb_error err;
    uint64_t u = 5;
    bool b = false;
    const char *s = NULL;
    json_t *v = parse("{\"n\": 12, \"r\": 12.0, \"neg\": -1, \"half\": 1.5, \"t\": true, \"s\": \"x\", \"z\": null}");
    assert_int_equal(tb_json_get_u64(v, "f", "n", true, 1, 100, &u, &err), TIMBANG_OK);
    assert_int_equal(u, 12);
    assert_int_equal(tb_json_get_u64(v, "f", "r", true, 1, 100, &u, &err), TIMBANG_OK);
    assert_int_equal(tb_json_get_u64(v, "f", "n", true, 13, 100, &u, &err), TIMBANG_FORMAT);
    assert_int_equal(tb_json_get_u64(v, "f", "neg", true, 0, 100, &u, &err), TIMBANG_FORMAT);
    assert_non_null(strstr(err.text, "-1"));
    assert_int_equal(tb_json_get_u64(v, "f", "half", true, 0, 100, &u, &err), TIMBANG_FORMAT);
    assert_int_equal(tb_json_get_u64(v, "f", "s", true, 0, 100, &u, &err), TIMBANG_FORMAT);
    assert_int_equal(tb_json_get_u64(v, "f", "missing", true, 0, 100, &u, &err), TIMBANG_FORMAT);
    assert_int_equal(tb_json_get_u64(v, "f", "missing", false, 0, 100, &u, &err), TIMBANG_OK);
    assert_int_equal(tb_json_get_u64(v, "f", "z", false, 0, 100, &u, &err), TIMBANG_OK);
    assert_int_equal(u, 12);
    assert_int_equal(tb_json_get_bool(v, "f", "t", true, &b, &err), TIMBANG_OK);
    assert_true(b);
    assert_int_equal(tb_json_get_bool(v, "f", "n", true, &b, &err), TIMBANG_FORMAT);
    assert_int_equal(tb_json_get_string(v, "f", "s", true, &s, &err), TIMBANG_OK);
    assert_string_equal(s, "x");
    assert_int_equal(tb_json_get_string(v, "f", "n", true, &s, &err), TIMBANG_FORMAT);
    json_decref(v);
}

static void printing(void **state)
{
    (void)state;
    tb_error err;
    char *text = NULL;
    json_t *v = json_pack("{s:f, s:f, s:[i,i], s:s, s:[{s:b}], s:f, s:o}", "z", 0.1, "a", 1.0, "list", 1, 2, "text",
                          "a\"b\\\n\x01", "deep", "ok", 1, "tiny", 5e-324, "none", tb_json_real((double)INFINITY));
    assert_int_equal(tb_json_compact(v, &text, &err), TIMBANG_OK);
    assert_string_equal(text, "{\"z\": 0.1, \"a\": 1.0, \"list\": [1, 2], \"text\": \"a\\\"b\\\\\\n\\u0001\", "
                              "\"deep\": [{\"ok\": true}], \"tiny\": 4.94065645841247e-324, \"none\": null}");
    json_t *back = parse(text);
    assert_true(json_equal(v, back));
    free(text);
    assert_int_equal(tb_json_text(v, &text, &err), TIMBANG_OK);
    assert_non_null(strstr(text, "\n  \"list\": [1, 2],\n"));
    json_t *again = parse(text);
    assert_true(json_equal(v, again));
    free(text);
    json_decref(v);
    json_decref(back);
    json_decref(again);
}

/* Every double survives printing and reading. */
static void reals_round_trip(void **state)
{
    (void)state;
    tb_error err;
    uint64_t bits = 88172645463325252ULL;
    for (int i = 0; i < 20000; i++) {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        double d, back = 0;
        memcpy(&d, &bits, sizeof d);
        if (d != d || d - d != 0)
            continue;
        json_t *v = json_pack("{s:f}", "x", d), *w;
        char *text = NULL;
        assert_int_equal(tb_json_compact(v, &text, &err), TIMBANG_OK);
        w = parse(text);
        assert_int_equal(tb_json_get_double(w, "t", "x", true, &back, &err), TIMBANG_OK);
        assert_memory_equal(&d, &back, sizeof d);
        free(text);
        json_decref(v);
        json_decref(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_values), cmocka_unit_test(refusals),         cmocka_unit_test(typed_members),
        cmocka_unit_test(printing),   cmocka_unit_test(reals_round_trip),
    };
    return cmocka_run_group_tests_name("base/json", tests, NULL, NULL);
}
