/* JSON Lines. SPDX-License-Identifier: Apache-2.0 */
#include "data_test.h"

static void objects(void **state)
{
    (void)state;
    tb_dataset *d =
        parse(plain_options(), "{\"text\": \"bagus \\u00e9 \\\"sekali\\\"\\n\", \"label\": \"positive\"}\r\n"
                               "\r\n"
                               "{\"label\": 1, \"text\": \"\", \"id\": [1, 2]}\n"
                               "{\"text\": \"x\", \"label\": true}\n"
                               "{\"text\": \"y\", \"label\": 2.0}\n"
                               "{\"text\": \"z\", \"label\": 0.1}");
    assert_int_equal(d->n, 5);
    expect_row(d, 0, "bagus \xC3\xA9 \"sekali\"\n", "positive", 1);
    expect_row(d, 1, "", "1", 3);
    expect_row(d, 2, "x", "true", 4);
    expect_row(d, 3, "y", "2", 5);
    expect_row(d, 4, "z", "0.1", 6);
    expect_fact(d, "format", "\"jsonl\"");
    expect_fact(d, "delimiter", "null");
    expect_fact(d, "header", "null");
    expect_fact(d, "blank_lines_skipped", "1");
    expect_fact(d, "empty_texts", "1");
    expect_fact(d, "crlf", "true");
    expect_fact(d, "columns", "[\"text\",\"label\",\"id\"]");
    tb_dataset_free(d);
}

static void keys(void **state)
{
    (void)state;
    const char *file = "{\"id\": 7, \"Ulasan\": \"a\", \"balas\": \"b\", \"Sentimen\": \"x\"}\n";
    tb_dataset *d = parse(plain_options(), file);
    expect_row(d, 0, "a", "x", 1);
    tb_dataset_free(d);
    timbang_data_options o = plain_options();
    o.text_column = "BALAS";
    o.label_column = "1";
    o.pair_column = "ulasan";
    d = parse(o, file);
    expect_row(d, 0, "b", "7", 1);
    assert_string_equal(d->rows[0].pair, "a");
    tb_dataset_free(d);
    d = parse(text_options(), "{\"text\": \"a\"}\n{\"text\": \"b\", \"label\": 1}\n");
    assert_int_equal(d->n, 2);
    expect_row(d, 1, "b", NULL, 2);
    tb_dataset_free(d);
}

static void refused(void **state)
{
    (void)state;
    timbang_data_options o = plain_options();
    expect_error(o, "{\"text\": \"a\", \"label\": 1}\n{\"text\": \"b\", label: 1}\n", TIMBANG_DATA,
                 "f.tsv: row 2: column 19: string or '}' expected near 'label'");
    expect_error(o, "{\"text\": \"a\", \"label\": 1}\n\n[1]\n", TIMBANG_DATA,
                 "f.tsv: row 3: this is not a JSON object, such as {\"text\": ..., \"label\": ...}");
    expect_error(o, "{\"text\": \"a\", \"label\": 1}\n{\"text\": \"b\"}\n", TIMBANG_DATA,
                 "f.tsv: row 2: the label (column 'label') is missing");
    expect_error(o, "{\"text\": \"b\"}\n{\"text\": \"a\", \"label\": 1}\n", TIMBANG_DATA,
                 "f.tsv: row 1: the label (column 'label') is missing");
    expect_error(o, "{\"text\": \"a\", \"label\": 1}\n{\"text\": \"b\", \"label\": null}\n", TIMBANG_DATA,
                 "f.tsv: row 2: the label (column 'label') is missing");
    expect_error(o, "{\"text\": \"a\", \"label\": 1}\n{\"text\": \"b\", \"label\": [1]}\n", TIMBANG_DATA,
                 "f.tsv: row 2: the label \"label\" must be a string, a number, true or false");
    expect_error(o, "{\"text\": \"a\", \"label\": 1}\n{\"label\": 1}\n", TIMBANG_DATA,
                 "f.tsv: row 2: \"text\" is missing; a string is expected");
    expect_error(o, "{\"text\": 3, \"label\": 1}\n", TIMBANG_DATA,
                 "f.tsv: row 1: \"text\" is a number; a string is expected");
    expect_error(o, "{\"text\": \"a\\u0000b\", \"label\": 1}\n", TIMBANG_DATA,
                 "f.tsv: row 1: \"text\" holds the character U+0000");
    expect_error(o, "{}\n{}\n", TIMBANG_DATA,
                 "f.tsv: the JSON objects are empty; keys such as \"text\" and \"label\" are needed");
    expect_error(o, " [\n {\"text\": \"a\", \"label\": 1}]\n", TIMBANG_UNSUPPORTED,
                 "f.tsv: this is one JSON array; write its objects one a line (jq -c '.[]' does it)");
    o.label_column = "kelas";
    expect_error(o, "{\"text\": \"a\", \"label\": 1}\n", TIMBANG_USAGE,
                 "f.tsv: there is no label column 'kelas': the columns are text, label");
}

/* A duplicate key, an object over several lines, a lone surrogate: the exact words are the parser's. */
static void malformed(void **state)
{
    (void)state;
    static const char *const files[] = {
        "{\"text\": \"a\", \"label\": 1, \"label\": 2}\n",
        "{\n\"text\": \"a\"\n}\n",
        "{\"text\": \"\\ud800\", \"label\": 1}\n",
        "{\"text\": \"a\", \"label\": 1",
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        timbang_data_options o = plain_options();
        tb_dataset *dataset = NULL;
        tb_error err = {0};
        assert_int_equal(tb_dataset_parse(&o, files[i], strlen(files[i]), NULL, &dataset, &err), TIMBANG_DATA);
        assert_ptr_equal(strstr(err.text, "f.tsv: row 1: column "), err.text);
        assert_null(strchr(err.text, '\n'));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects),
        cmocka_unit_test(keys),
        cmocka_unit_test(refused),
        cmocka_unit_test(malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
