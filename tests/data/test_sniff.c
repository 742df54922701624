/* Delimiters and quotes found from content alone. SPDX-License-Identifier: Apache-2.0 */
#include "data_test.h"

static void expect_dialect(timbang_data_options options, const char *text, const char *delimiter, const char *quoting)
{
    tb_dataset *d = parse(options, text);
    const json_t *found = json_object_get(d->facts, "delimiter");
    assert_string_equal(json_is_null(found) ? "none" : json_string_value(found), delimiter);
    assert_string_equal(json_string_value(json_object_get(d->facts, "quoting")), quoting);
    tb_dataset_free(d);
}

static void delimiters(void **state)
{
    (void)state;
    timbang_data_options o = plain_options();
    expect_dialect(o, "bagus sekali\tpositive\njelek, mahal\tnegative\n", "\t", "none");
    expect_dialect(o, "a, b\tpositive\nc, d\tnegative\n", "\t", "none"); /* as many commas as tabs */
    expect_dialect(o, "text,label\nbagus,positive\n\"jelek, mahal\",negative\n", ",", "rfc4180");
    expect_dialect(o, "teks;label\nbagus, murah;positive\njelek, mahal;negative\n", ";", "rfc4180");
    expect_dialect(o, "bagus|positive\njelek; mahal, kotor|negative\n", "|", "rfc4180");
    expect_dialect(o, "Tweet\tsentiment\na, b, c\t0\nd\t1\n", "\t", "none"); /* named .csv elsewhere */
    o.path = "tabs.csv";
    expect_dialect(o, "bagus sekali\tpositive\njelek\tnegative\n", "\t", "none");
}

static void names_asked_for_weigh(void **state)
{
    (void)state;
    timbang_data_options o = plain_options();
    o.text_column = "opini publik";
    o.label_column = "nada";
    expect_dialect(o, "opini publik;nada\na, b;x\nc, d;y\n", ";", "rfc4180");
}

static void plain_text_stays_whole(void **state)
{
    (void)state;
    timbang_data_options o = text_options();
    expect_dialect(o, "halo, apa kabar\nbaik, terima kasih\n", "none", "none");
    expect_dialect(o, "\"bagus\" katanya, tapi mahal\n\"jelek\n", "none", "none");
    expect_dialect(o, "satu baris saja", "none", "none");
    expect_dialect(o, "satu\tdua\ntiga\tempat\nlima enam\n", "none", "none");
    /* with proof, it is a table */
    expect_dialect(o, "text,label\nhalo,a\n", ",", "rfc4180");
    expect_dialect(o, "halo, apa\tpositive\nbaik\tnegative\n", "\t", "none");
    expect_dialect(o, "1,\"halo, apa\"\n2,\"baik\"\n", ",", "rfc4180");
    expect_dialect(o, "1,a\n2,b\n3,c\n4,d\n5,e\n6,f\n7,g\n8,h\n9,i\n10,j\n", ",", "rfc4180");
    o.text_column = "2";
    expect_dialect(o, "1,halo\n2,baik\n", ",", "rfc4180");
}

static void quotes_between_tabs(void **state)
{
    (void)state;
    timbang_data_options o = plain_options();
    /* literal: a lone quote, a quote in the middle, a text that is quoted as a whole */
    expect_dialect(o, "\"bagus\tpositive\njelek\tnegative\n", "\t", "none");
    expect_dialect(o, "\"bagus\" katanya\tpositive\njelek\tnegative\n", "\t", "none");
    expect_dialect(o, "\"bagus sekali\"\tpositive\njelek\tnegative\nbiasa\tneutral\n", "\t", "none");
    /* literal: an opening quote in one row and a closing one in another would swallow rows */
    expect_dialect(o, "\"bagus\tpositive\njelek\tnegative\nmahal\"\tnegative\n", "\t", "none");
    expect_dialect(o, "\"\"\"bagus\tpositive\njelek\"\t\"negative\n", "\t", "none");
    expect_dialect(o, "\"\"\"ba\tx\njelek\"\tnegative\nbiasa\tpositive\n", "\t", "none");
    /* literal: one row alone proves no habit */
    expect_dialect(o, "\"bagus\"\tpositive\n", "\t", "none");
    /* quoted: a tab, a line end, a doubled quote inside, a whole column, a spreadsheet's commas */
    expect_dialect(o, "\"ba\tgus\"\tpositive\njelek\tnegative\n", "\t", "rfc4180");
    expect_dialect(o, "\"ba\ngus\"\tpositive\njelek\tnegative\n", "\t", "rfc4180");
    expect_dialect(o, "\"dia bilang \"\"bagus\"\"\"\tpositive\njelek\tnegative\n", "\t", "rfc4180");
    expect_dialect(o, "\"bagus\"\tpositive\n\"jelek\"\tnegative\n", "\t", "rfc4180");
    expect_dialect(o, "\"bagus, murah\"\tpositive\njelek\tnegative\n", "\t", "rfc4180");
    /* literal again: another row breaks the writer's habit */
    expect_dialect(o, "\"dia \"\"bagus\"\"\"\tpositive\nkata \"dia\" jelek\tnegative\n", "\t", "none");
    expect_dialect(o, "\"bagus, murah\"\tpositive\njelek, mahal\tnegative\n", "\t", "none");
}

static void quotes_in_one_column(void **state)
{
    (void)state;
    timbang_data_options o = text_options();
    expect_dialect(o, "text\n\"halo, apa kabar\"\nbaik\n\"dia \"\"itu\"\"\"\n", ",", "rfc4180");
    tb_dataset *d = parse(o, "text\n\"halo, apa kabar\"\nbaik\n\"dia \"\"itu\"\"\"\n");
    assert_int_equal(d->n, 3);
    expect_row(d, 0, "halo, apa kabar", NULL, 2);
    expect_row(d, 2, "dia \"itu\"", NULL, 4);
    tb_dataset_free(d);
}

static void no_delimiter(void **state)
{
    (void)state;
    expect_error(
        plain_options(), "satu\ndua\ntiga\n", TIMBANG_DATA,
        "f.tsv: no tab, comma, semicolon or pipe divides the rows evenly into columns, so there are no labels");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delimiters),
        cmocka_unit_test(names_asked_for_weigh),
        cmocka_unit_test(plain_text_stays_whole),
        cmocka_unit_test(quotes_between_tabs),
        cmocka_unit_test(quotes_in_one_column),
        cmocka_unit_test(no_delimiter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
