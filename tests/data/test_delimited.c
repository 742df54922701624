/* Records against Python's csv module (tests/oracle/data_csv.py), and what we count beyond it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data_test.h"

#include "data/delimited.h"

static void compare_fields(const tb_records *records, const json_t *wanted, const char *name)
{
    const json_t *fields = json_object_get(wanted, "fields");
    if (records->n_fields != json_array_size(fields))
        fail_msg("%s: %zu fields instead of %zu", name, records->n_fields, json_array_size(fields));
    assert_int_equal(records->line, json_integer_value(json_object_get(wanted, "line")));
    for (size_t c = 0; c < records->n_fields; c++) {
        char *out = malloc(records->fields[c].length + 1);
        assert_non_null(out);
        size_t length = tb_field_copy(&records->fields[c], out);
        out[length] = '\0';
        if (strcmp(out, json_string_value(json_array_get(fields, c))) != 0)
            fail_msg("%s: field %zu is [%s] instead of [%s]", name, c, out,
                     json_string_value(json_array_get(fields, c)));
        free(out);
    }
}

static void same_as_python(void **state)
{
    (void)state;
    json_t *golden = load_golden("data_csv.json");
    json_t *cases = json_object_get(golden, "cases");
    assert_true(json_array_size(cases) > 300);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *c = json_array_get(cases, i);
        const char *name = json_string_value(json_object_get(c, "name"));
        const json_t *text = json_object_get(c, "text");
        const json_t *wanted = json_object_get(c, "records");
        tb_dialect dialect = {.delimiter = json_string_value(json_object_get(c, "delimiter"))[0],
                              .quotes = json_is_true(json_object_get(c, "quotes")),
                              .newline = '\n'};
        tb_records records;
        tb_error err = {0};
        size_t n = 0;
        assert_int_equal(tb_records_open(&records, json_string_value(text), json_string_length(text), dialect, &err),
                         TIMBANG_OK);
        while (tb_records_next(&records)) {
            if (records.n_fields == 1 && records.fields[0].length == 0 && !records.fields[0].quoted)
                continue; /* an empty line: none of the module's records */
            if (n == json_array_size(wanted))
                fail_msg("%s: more than %zu records", name, n);
            compare_fields(&records, json_array_get(wanted, n++), name);
        }
        if (n != json_array_size(wanted))
            fail_msg("%s: %zu records instead of %zu", name, n, json_array_size(wanted));
        tb_records_close(&records);
    }
    json_decref(golden);
}

static tb_records walk(const char *text, tb_dialect dialect)
{
    tb_records records;
    tb_error err = {0};
    assert_int_equal(tb_records_open(&records, text, strlen(text), dialect, &err), TIMBANG_OK);
    while (tb_records_next(&records)) {
    }
    return records;
}

static void counts(void **state)
{
    (void)state;
    const tb_dialect comma = {.delimiter = ',', .quotes = true, .newline = '\n'};
    tb_records r = walk("a,\"b\"\r\n\"c\"\"\",\"d,\"\r\ne\"f,\"g\nh\"\n", comma);
    assert_int_equal(r.crlf, 2);
    assert_int_equal(r.quoted, 4);
    assert_int_equal(r.doubled, 1);
    assert_int_equal(r.special, 2);
    assert_int_equal(r.bare_quotes, 1);
    assert_int_equal(r.stray, 0);
    assert_int_equal(r.unclosed_line, 0);
    tb_records_close(&r);
    r = walk("a,b\n\"c\nd\"e,f\n\"g\n", comma);
    assert_int_equal(r.stray, 1);
    assert_int_equal(r.torn_open, 2);
    assert_int_equal(r.torn_close, 3);
    assert_int_equal(r.unclosed_line, 4);
    tb_records_close(&r);
    r = walk("a,b\r", comma);
    assert_int_equal(r.crlf, 0); /* not a whole line end */
    tb_records_close(&r);
}

static void old_line_ends(void **state)
{
    (void)state;
    tb_records r = walk("a\rb\rc", (tb_dialect){.delimiter = '\t', .newline = '\r'});
    assert_int_equal(r.line, 3);
    assert_int_equal(r.crlf, 0);
    tb_records_close(&r);
}

static void very_wide(void **state)
{
    (void)state;
    char text[3 * TB_MAX_COLUMNS];
    memset(text, ',', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    tb_records r = walk(text, (tb_dialect){.delimiter = ',', .quotes = true, .newline = '\n'});
    assert_int_equal(r.n_fields, sizeof text);
    assert_true(r.blank);
    tb_records_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_as_python),
        cmocka_unit_test(counts),
        cmocka_unit_test(old_line_ends),
        cmocka_unit_test(very_wide),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
