/* Tests of formats/weights_pattern.c: against Python's re, refusals, and patterns that would be slow elsewhere. */
#include "../quant/quant_help.h"

static void matches_as_python(void **state)
{
    (void)state;
    json_t *root, *cases = quant_golden("patterns", &root), *names = json_object_get(root, "names");
    size_t n_names = json_array_size(names), hits = 0;
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *one = json_array_get(cases, i);
        const char *text = json_string_value(json_object_get(one, "pattern"));
        tb_pattern *pattern;
        tb_error err = {0};
        assert_ok(tb_pattern_compile("config.json", text, &pattern, &err), &err);
        for (size_t k = 0; k < n_names; k++) {
            const char *name = json_string_value(json_array_get(names, k));
            bool expected = json_is_true(json_array_get(json_object_get(one, "match"), k));
            if (tb_pattern_match(pattern, name) != expected)
                fail_msg("'%s' on '%s': expected %d", text, name, expected);
            hits += expected;
        }
        tb_pattern_free(pattern);
    }
    assert_true(hits > 20);
    json_decref(root);
}

static void refuses_what_it_does_not_know(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text;
    } cases[] = {{"(a", "without its end"},
                 {"a)", "a bracket too many"},
                 {"[a", "without its end"},
                 {"*a", "repeats nothing"},
                 {"(?P<n>a)", "does not know"},
                 {"(?i)a", "does not know"},
                 {"(?<=a)b", "does not know"},
                 {"(a)\\1", "does not know"},
                 {"a\\", "backslash"},
                 {"[z-a]", "reversed"},
                 {"a{3,1}", "out of range"},
                 {"a{1000}", "out of range"},
                 {"a++", "possessive"},
                 {"((((((((((((((((((((((((((((a))))))))))))))))))))))))))))", "deeply"},
                 {"((a{60}){60}){60}", "too long"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tb_pattern *pattern;
        tb_error err = {0};
        timbang_status status = tb_pattern_compile("DIR/config.json", cases[i].pattern, &pattern, &err);
        assert_refused(cases[i].pattern, status, &err, TIMBANG_UNSUPPORTED, cases[i].text);
        assert_non_null(strstr(err.text, "DIR/config.json"));
    }
}

/* Each of these takes a backtracking engine longer than anyone waits. */
static void is_never_slow(void **state)
{
    (void)state;
    char name[401];
    memset(name, 'a', 400);
    name[400] = 0;
    static const char *const patterns[] = {
        "(a+)+b", "(a|aa)+$b", "(a*)*b", "(?!(a+)+b).*c", "((((){60}){60}){60}){60}b", "(a?){60}a{60}b"};
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        tb_pattern *pattern;
        tb_error err = {0};
        assert_ok(tb_pattern_compile("config.json", patterns[i], &pattern, &err), &err);
        assert_false(tb_pattern_match(pattern, name));
        tb_pattern_free(pattern);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_as_python),
        cmocka_unit_test(refuses_what_it_does_not_know),
        cmocka_unit_test(is_never_slow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
