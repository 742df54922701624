/* The stratified limit, against a second implementation (tests/oracle/data_sample.py). SPDX-License-Identifier:
 * Apache-2.0 */
#include "data_test.h"

static void same_as_oracle(void **state)
{
    (void)state;
    json_t *golden = load_golden("data_sample.json");
    json_t *cases = json_object_get(golden, "cases");
    assert_true(json_array_size(cases) >= 7);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *c = json_array_get(cases, i);
        const json_t *pattern = json_object_get(c, "pattern");
        const json_t *kept = json_object_get(c, "kept");
        size_t n = (size_t)json_integer_value(json_object_get(c, "n"));
        const char *first = json_string_value(json_array_get(pattern, 0));
        timbang_data_options o = first[0] == '\0' ? text_options() : plain_options();
        tb_text file = {0};
        for (size_t row = 0; row < n; row++)
            tb_text_printf(&file, "baris%zu%s%s\n", row, first[0] == '\0' ? "" : "\t",
                           json_string_value(json_array_get(pattern, row % json_array_size(pattern))));
        o.limit = (uint64_t)json_integer_value(json_object_get(c, "limit"));
        assert_true(tb_parse_u64(json_string_value(json_object_get(c, "seed")), &o.seed));
        if (o.label_column == NULL)
            o.label_column = "2";
        tb_dataset *d = parse(o, file.data);
        assert_int_equal(d->n, json_array_size(kept));
        assert_int_equal(json_integer_value(json_object_get(d->facts, "limited_from")), n);
        for (size_t row = 0; row < d->n; row++)
            assert_int_equal(d->rows[row].line, json_integer_value(json_array_get(kept, row)) + 1);
        tb_dataset_free(d);
        tb_text_free(&file);
    }
    json_decref(golden);
}

static void shares(void **state)
{
    (void)state;
    /* 50, 30, 20 rows; 7 of 100: 3.5, 2.1, 1.4 are 3 + 1, 2, 1 */
    tb_text file = {0};
    for (int i = 0; i < 100; i++)
        tb_text_printf(&file, "baris nomor %d\t%s\n", i, i % 10 < 5 ? "positive" : i % 10 < 8 ? "negative" : "neutral");
    timbang_data_options o = plain_options();
    o.limit = 7;
    tb_dataset *d = parse(o, file.data);
    expect_fact(d, "label_counts", "{\"negative\":2,\"neutral\":1,\"positive\":4}");
    for (size_t i = 1; i < d->n; i++)
        assert_true(d->rows[i - 1].line < d->rows[i].line);
    tb_dataset_free(d);
    /* a limit that does not bite changes nothing */
    o.limit = 100;
    d = parse(o, file.data);
    assert_int_equal(d->n, 100);
    expect_fact(d, "limited_from", "null");
    tb_dataset_free(d);
    /* dropped rows are gone before the limit */
    o.limit = 10;
    o.drop_labels = "positive";
    d = parse(o, file.data);
    expect_fact(d, "label_counts", "{\"negative\":6,\"neutral\":4}");
    expect_fact(d, "limited_from", "50");
    tb_dataset_free(d);
    tb_text_free(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_as_oracle),
        cmocka_unit_test(shares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
