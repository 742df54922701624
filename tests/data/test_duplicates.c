/* Repeated texts, against Python's own lower case and letters (tests/oracle/data_duplicates.py).
 * SPDX-License-Identifier: Apache-2.0 */
#include "data_test.h"

static tb_dataset *golden_rows(const json_t *rows)
{
    tb_text file = {0};
    for (size_t i = 0; i < json_array_size(rows); i++) {
        json_t *object = json_pack("{s:O,s:O}", "text", json_array_get(json_array_get(rows, i), 0), "label",
                                   json_array_get(json_array_get(rows, i), 1));
        char *line = json_dumps(object, JSON_COMPACT);
        tb_text_puts(&file, line);
        tb_text_putc(&file, '\n');
        free(line);
        json_decref(object);
    }
    tb_dataset *dataset = parse(plain_options(), file.data);
    tb_text_free(&file);
    return dataset;
}

static void expect_counts(const tb_dataset *dataset, const tb_dataset *other, const json_t *wanted)
{
    tb_duplicates found;
    tb_error err = {0};
    assert_int_equal(tb_dataset_duplicates(dataset, other, &found, &err), TIMBANG_OK);
    assert_int_equal(found.exact, json_integer_value(json_object_get(wanted, "exact")));
    assert_int_equal(found.normalized, json_integer_value(json_object_get(wanted, "normalized")));
    assert_int_equal(found.conflicting, json_integer_value(json_object_get(wanted, "conflicting")));
    const json_t *first = json_object_get(wanted, "first");
    assert_int_equal(found.first_line, json_integer_value(json_array_get(first, 0)));
    assert_int_equal(found.first_other_line, json_integer_value(json_array_get(first, 1)));
}

static void same_as_oracle(void **state)
{
    (void)state;
    json_t *golden = load_golden("data_duplicates.json");
    tb_dataset *rows = golden_rows(json_object_get(golden, "rows"));
    tb_dataset *other = golden_rows(json_object_get(golden, "other"));
    expect_counts(rows, NULL, json_object_get(golden, "within"));
    expect_counts(rows, other, json_object_get(golden, "between"));
    tb_dataset_free(rows);
    tb_dataset_free(other);
    json_decref(golden);
}

static void pairs_and_no_labels(void **state)
{
    (void)state;
    tb_duplicates found;
    tb_error err = {0};
    timbang_data_options o = text_options();
    o.text_column = "1";
    o.pair_column = "2";
    tb_dataset *d = parse(o, "a\tb\na\tc\nA\tB!\na\tb\n");
    assert_int_equal(tb_dataset_duplicates(d, NULL, &found, &err), TIMBANG_OK);
    assert_int_equal(found.exact, 1);
    assert_int_equal(found.normalized, 2);
    assert_int_equal(found.conflicting, 0);
    assert_int_equal(found.first_line, 3);
    assert_int_equal(found.first_other_line, 1);
    tb_dataset_free(d);
    d = parse(text_options(), "satu\ndua\n");
    assert_int_equal(tb_dataset_duplicates(d, NULL, &found, &err), TIMBANG_OK);
    assert_int_equal(found.exact + found.normalized + found.first_line + found.first_other_line, 0);
    tb_dataset_free(d);
    /* labels that differ in case agree */
    d = parse(plain_options(), "text\tlabel\na\tPositive\na\tpositive\na\tneutral\na\tpositive\n");
    assert_int_equal(tb_dataset_duplicates(d, NULL, &found, &err), TIMBANG_OK);
    assert_int_equal(found.exact, 3);
    assert_int_equal(found.conflicting, 2);
    tb_dataset_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_as_oracle),
        cmocka_unit_test(pairs_and_no_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
