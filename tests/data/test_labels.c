/* Label maps, drops, classes. SPDX-License-Identifier: Apache-2.0 */
#include "data_test.h"

static const char *const three[] = {"positive", "neutral", "Negative"};

static void map_and_drop(void **state)
{
    (void)state;
    timbang_data_options o = plain_options();
    o.label_map = " NEGATIF=negative, 0 = positive ,unused=x";
    o.drop_labels = "netral, buang";
    tb_dataset *d =
        parse(o, "text\tlabel\na\tnegatif\nb\t0\nc\tnetral\nd\tNegatif\ne\t positive \nf\tBUANG\ng\tnetral\n");
    assert_int_equal(d->n, 4);
    expect_row(d, 0, "a", "negative", 2);
    expect_row(d, 1, "b", "positive", 3);
    expect_row(d, 2, "d", "negative", 5);
    expect_row(d, 3, "e", "positive", 6);
    expect_fact(d, "mapped",
                "{\"NEGATIF\":{\"to\":\"negative\",\"rows\":2},\"0\":{\"to\":\"positive\",\"rows\":1},"
                "\"unused\":{\"to\":\"x\",\"rows\":0}}");
    expect_fact(d, "dropped", "{\"netral\":2,\"buang\":1}");
    expect_fact(d, "label_counts", "{\"negative\":2,\"positive\":2}");
    expect_fact(d, "rows_read", "7");
    expect_fact(d, "rows", "4");
    tb_dataset_free(d);
    /* a mapped name can be dropped too */
    o.label_map = "0=neutral";
    o.drop_labels = "neutral";
    d = parse(o, "text\tlabel\na\t0\nb\tneutral\nc\tx\n");
    assert_int_equal(d->n, 1);
    expect_fact(d, "dropped", "{\"neutral\":2}");
    expect_fact(d, "mapped", "{\"0\":{\"to\":\"neutral\",\"rows\":0}}"); /* a dropped row counts as dropped only */
    tb_dataset_free(d);
}

static void malformed_rules(void **state)
{
    (void)state;
    const char *file = "text\tlabel\na\tb\n";
    timbang_data_options o = plain_options();
    o.label_map = "a=b,c";
    expect_error(o, file, TIMBANG_USAGE, "label map: 'c' is not of the form from=to");
    o.label_map = "a=b,";
    expect_error(o, file, TIMBANG_USAGE, "label map: '' is not of the form from=to");
    o.label_map = "a=";
    expect_error(o, file, TIMBANG_USAGE, "label map: 'a=' is not of the form from=to");
    o.label_map = "a=b,A=c";
    expect_error(o, file, TIMBANG_USAGE, "label map: 'A' is mapped twice");
    o.label_map = NULL;
    o.drop_labels = "a,,b";
    expect_error(o, file, TIMBANG_USAGE, "labels to drop: there is an empty name in the list");
    o.drop_labels = "b";
    expect_error(o, file, TIMBANG_DATA, "f.tsv: no row is left: all 1 have labels that are dropped");
}

static void too_many(void **state)
{
    (void)state;
    tb_text file = {0};
    for (int i = 0; i <= 10000; i++)
        tb_text_printf(&file, "teks\tlabel%d\n", i);
    timbang_data_options o = plain_options();
    o.label_column = "2";
    expect_error(o, file.data, TIMBANG_DATA,
                 "f.tsv: row 10001: the label column has more than 10000 different values, so it holds no labels");
    tb_text_free(&file);
}

static void distinct(void **state)
{
    (void)state;
    timbang_data_options o = plain_options();
    o.label_map = "x=b";
    tb_dataset *d = parse(o, "text\tlabel\n1\tb\n2\ta\n3\tx\n4\tB\n5\ta\n");
    char **labels = NULL;
    size_t n = 0;
    tb_error err = {0};
    assert_int_equal(tb_dataset_labels(d, &labels, &n, &err), TIMBANG_OK);
    assert_int_equal(n, 3);
    assert_string_equal(labels[0], "B");
    assert_string_equal(labels[1], "a");
    assert_string_equal(labels[2], "b");
    tb_labels_free(labels, n);
    tb_dataset_free(d);
    d = parse(text_options(), "satu\ndua\n");
    assert_int_equal(tb_dataset_labels(d, &labels, &n, &err), TIMBANG_OK);
    assert_int_equal(n, 0);
    tb_labels_free(labels, n);
    tb_dataset_free(d);
}

static void resolve(void **state)
{
    (void)state;
    tb_dataset *d = parse(plain_options(), "text\tlabel\na\tNEGATIVE\nb\t1\nc\tpositive\nd\t2.0\ne\t0\n");
    int32_t truth[5];
    tb_error err = {0};
    assert_int_equal(tb_dataset_resolve(d, three, 3, truth, &err), TIMBANG_OK);
    const int32_t wanted[5] = {2, 1, 0, 2, 0};
    assert_memory_equal(truth, wanted, sizeof wanted);
    tb_dataset_free(d);
    /* a name before a number; the exact name before another case */
    const char *const odd[] = {"1", "0", "a", "A"};
    d = parse(plain_options(), "text\tlabel\na\t0\nb\t1\nc\tA\nd\t3\n");
    assert_int_equal(tb_dataset_resolve(d, odd, 4, truth, &err), TIMBANG_OK);
    const int32_t wanted_odd[4] = {1, 0, 3, 3};
    assert_memory_equal(truth, wanted_odd, sizeof wanted_odd);
    tb_dataset_free(d);
}

static void unresolved(void **state)
{
    (void)state;
    int32_t truth[3] = {7, 7, 7};
    tb_error err = {0};
    tb_dataset *d = parse(plain_options(), "text\tlabel\n\na\tpositive\nb\tnetral\n");
    assert_int_equal(tb_dataset_resolve(d, three, 3, truth, &err), TIMBANG_DATA);
    assert_string_equal(err.text, "f.tsv: row 4: label 'netral' is not one of positive, neutral, Negative (map it with "
                                  "--label-map netral=..., or drop such rows with --drop-labels)");
    tb_dataset_free(d);
    const char *const numbers[] = {"3", "1.5", "2.", "-1", "1.0x", "99999999999"};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        char file[64];
        snprintf(file, sizeof file, "text\tlabel\na\t%s\n", numbers[i]);
        d = parse(plain_options(), file);
        assert_int_equal(tb_dataset_resolve(d, three, 3, truth, &err), TIMBANG_DATA);
        tb_dataset_free(d);
    }
    d = parse(text_options(), "satu\n");
    assert_int_equal(tb_dataset_resolve(d, three, 3, truth, &err), TIMBANG_USAGE);
    assert_string_equal(err.text, "f.tsv: the data has no labels");
    tb_dataset_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(map_and_drop), cmocka_unit_test(malformed_rules), cmocka_unit_test(too_many),
        cmocka_unit_test(distinct),     cmocka_unit_test(resolve),         cmocka_unit_test(unresolved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
