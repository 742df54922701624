/* Whole files: what is read, what is recorded, what is refused. SPDX-License-Identifier: Apache-2.0 */
#include "data_test.h"

#include <sys/stat.h>
#include <unistd.h>

static void facts(void **state)
{
    (void)state;
    tb_dataset *d = parse(plain_options(), "\xEF\xBB\xBF"
                                           "Id,Sentiment,Text Tweet\r\n"
                                           "1,negative,\"jelek, mahal\"\r\n"
                                           "\r\n"
                                           "2,positive,\r\n"
                                           "3,positive,\"dua\r\nbaris \"\"ya\"\"\"\r\n"
                                           ",,\r\n"
                                           "4,negative, ujung ");
    assert_int_equal(d->n, 4);
    expect_row(d, 0, "jelek, mahal", "negative", 2);
    expect_row(d, 1, "", "positive", 4);
    expect_row(d, 2, "dua\r\nbaris \"ya\"", "positive", 5);
    expect_row(d, 3, " ujung ", "negative", 8);
    assert_true(d->has_labels);
    assert_string_equal(d->name, "f.tsv");
    char *text = json_dumps(d->facts, JSON_COMPACT);
    assert_string_equal(
        text, "{\"path\":\"f.tsv\",\"format\":\"csv\",\"delimiter\":\",\",\"quoting\":\"rfc4180\",\"stray_quotes\":0,"
              "\"bom\":true,\"crlf\":true,\"header\":true,\"columns\":[\"Id\",\"Sentiment\",\"Text Tweet\"],"
              "\"text_column\":\"Text Tweet\",\"label_column\":\"Sentiment\",\"pair_column\":null,"
              "\"guessed\":{\"delimiter\":true,\"header\":true,\"text_column\":true,\"label_column\":true},"
              "\"rows_read\":4,\"blank_lines_skipped\":2,\"mapped\":{},\"dropped\":{},\"limited_from\":null,\"rows\":4,"
              "\"label_counts\":{\"negative\":2,\"positive\":2},\"empty_texts\":1}");
    free(text);
    tb_dataset_free(d);
}

static void plain_text(void **state)
{
    (void)state;
    tb_dataset *d = parse(text_options(), "\"satu, dua\n\ntiga\r\n  \nempat");
    assert_int_equal(d->n, 5);
    assert_false(d->has_labels);
    expect_row(d, 0, "\"satu, dua", NULL, 1);
    expect_row(d, 1, "", NULL, 2);
    expect_row(d, 2, "tiga", NULL, 3);
    expect_row(d, 3, "  ", NULL, 4);
    expect_row(d, 4, "empat", NULL, 5);
    expect_fact(d, "format", "\"text\"");
    expect_fact(d, "delimiter", "null");
    expect_fact(d, "quoting", "\"none\"");
    expect_fact(d, "empty_texts", "2");
    expect_fact(d, "label_counts", "null");
    expect_fact(d, "blank_lines_skipped", "0");
    tb_dataset_free(d);
}

static void literal_quotes(void **state)
{
    (void)state;
    tb_dataset *d = parse(plain_options(), "\"bagus\tpositive\n\"\tnegative\nkata \"dia\"\tpositive\n");
    assert_int_equal(d->n, 3);
    expect_row(d, 0, "\"bagus", "positive", 1);
    expect_row(d, 1, "\"", "negative", 2);
    expect_row(d, 2, "kata \"dia\"", "positive", 3);
    tb_dataset_free(d);
}

static void stray_quotes(void **state)
{
    (void)state;
    tb_dataset *d = parse(plain_options(), "text,label\n\"bagus\" katanya,positive\njelek,negative\n");
    expect_row(d, 0, "bagus katanya", "positive", 2); /* as Python's csv module has it, and counted */
    expect_fact(d, "stray_quotes", "1");
    tb_dataset_free(d);
}

static void old_line_ends(void **state)
{
    (void)state;
    tb_dataset *d = parse(plain_options(), "bagus\tpositive\rjelek\tnegative\r");
    assert_int_equal(d->n, 2);
    expect_row(d, 1, "jelek", "negative", 2);
    tb_dataset_free(d);
}

static void bad_rows(void **state)
{
    (void)state;
    timbang_data_options o = plain_options();
    expect_error(o, "a\tpositive\nb\nc\tnegative\n", TIMBANG_DATA,
                 "f.tsv: row 2: there is 1 column where most rows have 2");
    expect_error(o, "text,label\n\"a\nb\",x\nc,d,y\n", TIMBANG_DATA,
                 "f.tsv: row 4: there are 3 columns where the header has 2 (a text that holds the delimiter must be "
                 "quoted)");
    expect_error(o, "text,label\na,x\n\"b,y\nc,x\nd,y\n", TIMBANG_DATA,
                 "f.tsv: row 3: the quote that opens in line 3 is never closed");
    expect_error(
        o, "text,label\na,x\n\"b,y\n\"c\",x\nd,y\n", TIMBANG_DATA,
        "f.tsv: row 3: the quote that opens in line 3 is closed in the middle of line 4 (a quote inside quotes "
        "is doubled)");
    expect_error(o, "text,label\na,x\nb,y\nc,  \n", TIMBANG_DATA,
                 "f.tsv: row 4: the label (column 'label') is missing");
    expect_error(o, "a b c\tpositive\n\"d\te\tf\n", TIMBANG_DATA,
                 "f.tsv: row 2: there are 3 columns where most rows have 2");
}

static void bad_bytes(void **state)
{
    (void)state;
    timbang_data_options o = plain_options();
    expect_error(o, "", TIMBANG_FORMAT, "f.tsv: the file is empty");
    expect_error(o, "\xEF\xBB\xBF", TIMBANG_FORMAT, "f.tsv: the file is empty");
    expect_error(o, " \n\n\t\r\n", TIMBANG_FORMAT, "f.tsv: the file holds only blank lines");
    expect_error(text_options(), "\n\n", TIMBANG_FORMAT, "f.tsv: the file holds only blank lines");
    expect_error(o, "text\tlabel\n", TIMBANG_FORMAT, "f.tsv: there is a header, but no row below it");
    expect_error(o, "text\tlabel", TIMBANG_FORMAT, "f.tsv: there is a header, but no row below it");
    expect_error(o, "a\tpositive\n\nb\xE9\tnegative\n", TIMBANG_DATA,
                 "f.tsv: row 3: byte 0xE9 at offset 13 is not valid UTF-8");
    expect_error_bytes(o, "a\tb\nc\0d\n", 8, TIMBANG_FORMAT,
                       "f.tsv: row 2: there is a NUL byte at offset 5, so this is no text file (TSV, CSV or JSONL in "
                       "UTF-8)");
    expect_error_bytes(o,
                       "\xFF\xFE"
                       "a\0",
                       4, TIMBANG_FORMAT, "f.tsv: the file is UTF-16; save it as UTF-8");
    expect_error_bytes(o,
                       "PK\x03\x04"
                       "abcd",
                       8, TIMBANG_FORMAT,
                       "f.tsv: this is a zip archive or a spreadsheet; save it as CSV, TSV or JSONL");
}

static void from_files(void **state)
{
    (void)state;
    char folder[] = "/tmp/timbang-data-XXXXXX";
    assert_non_null(mkdtemp(folder));
    char path[64];
    char wanted[256];
    snprintf(path, sizeof path, "%s/a.csv", folder);
    timbang_data_options o = plain_options();
    o.path = path;
    tb_dataset *d = NULL;
    tb_error err = {0};
    assert_int_equal(tb_dataset_load(&o, NULL, &d, &err), TIMBANG_NOT_FOUND);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs("bagus sekali\tpositive\njelek\tnegative", file);
    fclose(file);
    if (tb_dataset_load(&o, NULL, &d, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    assert_int_equal(d->n, 2);
    snprintf(wanted, sizeof wanted, "\"%s\"", path);
    expect_fact(d, "path", wanted);
    tb_dataset_free(d);
    d = NULL;
    o.path = folder;
    assert_int_equal(tb_dataset_load(&o, NULL, &d, &err), TIMBANG_USAGE);
    snprintf(wanted, sizeof wanted, "%s: this is a folder; a TSV, CSV or JSONL file is expected", folder);
    assert_string_equal(err.text, wanted);
    o.path = NULL;
    assert_int_equal(tb_dataset_load(&o, NULL, &d, &err), TIMBANG_USAGE);
    assert_null(d);

    /* standard input */
    o.path = "-";
    assert_non_null(freopen(path, "rb", stdin));
    if (tb_dataset_load(&o, NULL, &d, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    assert_int_equal(d->n, 2);
    assert_string_equal(d->name, "standard input");
    expect_fact(d, "path", "\"-\"");
    tb_dataset_free(d);
    unlink(path);
    rmdir(folder);
}

static void odd_path(void **state)
{
    (void)state;
    timbang_data_options o = plain_options();
    o.path = "\xE9.tsv"; /* a file's name may be any bytes, JSON may not */
    tb_dataset *d = parse(o, "bagus sekali\tpositive\njelek\tnegative");
    expect_fact(d, "path", "\"?.tsv\"");
    tb_dataset_free(d);
}

static void take_log(void *user, timbang_log_level level, const char *text)
{
    assert_int_equal(level, TIMBANG_LOG_INFO);
    snprintf(user, 512, "%s", text);
}

static void expect_log(timbang_data_options o, const char *file, const char *wanted)
{
    char log[512] = "";
    const tb_hooks hooks = {.log = take_log, .user = log};
    tb_dataset *d = NULL;
    tb_error err = {0};
    assert_int_equal(tb_dataset_parse(&o, file, strlen(file), &hooks, &d, &err), TIMBANG_OK);
    tb_dataset_free(d);
    assert_string_equal(log, wanted);
}

/* What was guessed is said, so that a wrong guess is seen. */
static void guesses_are_said(void **state)
{
    (void)state;
    const char *file = "Id,Sentiment,Text Tweet\n1,negative,jelek sekali\n2,positive,bagus\n3,netral,biasa saja\n";
    timbang_data_options o = plain_options();
    o.drop_labels = "netral";
    expect_log(o, file,
               "f.tsv: csv, header (guessed), text column 'Text Tweet' (guessed), label column 'Sentiment' (guessed); "
               "2 of 3 rows, 1 dropped with label 'netral'");
    o = plain_options();
    o.header = 1;
    o.text_column = "3";
    o.label_column = "sentiment";
    expect_log(o, file, "f.tsv: csv, header, text column 'Text Tweet', label column 'Sentiment'; 3 rows");
    o = plain_options();
    o.pair_column = "id";
    o.limit = 2;
    expect_log(o,
               "{\"text\":\"a b\",\"label\":\"x\",\"id\":\"u\"}\n{\"text\":\"c\",\"label\":\"y\",\"id\":\"v\"}\n"
               "{\"text\":\"d\",\"label\":\"y\",\"id\":\"w\"}\n",
               "f.tsv: jsonl, text column 'text' (guessed), pair column 'id', label column 'label' (guessed); 2 of 3 "
               "rows");
    expect_log(text_options(), "satu\n\ndua\n", "f.tsv: text, text column '1' (guessed); 3 rows");
}

static int stop(void *user)
{
    (void)user;
    return 1;
}

static void cancelled(void **state)
{
    (void)state;
    const char *file = "bagus\tpositive\njelek\tnegative\n";
    const tb_hooks hooks = {.cancel = stop};
    timbang_data_options o = plain_options();
    tb_dataset *d = NULL;
    tb_error err = {0};
    assert_int_equal(tb_dataset_parse(&o, file, strlen(file), &hooks, &d, &err), TIMBANG_CANCELLED);
    assert_null(d);
}

/* Linear time and modest memory: with anything quadratic this would take minutes. */
static void many_rows(void **state)
{
    (void)state;
    enum { ROWS = 200000 };
    tb_text file = {0};
    for (int i = 0; i < ROWS; i++)
        tb_text_printf(&file, "kalimat nomor %d yang agak panjang\t%s\n", i % (ROWS / 2),
                       i % 3 ? "positive" : "negative");
    tb_dataset *d = parse_bytes(plain_options(), file.data, file.length);
    tb_duplicates found;
    tb_error err = {0};
    assert_int_equal(d->n, ROWS);
    assert_int_equal(tb_dataset_duplicates(d, NULL, &found, &err), TIMBANG_OK);
    assert_int_equal(found.exact, ROWS / 2);
    assert_int_equal(found.normalized, ROWS / 2);
    assert_int_equal(found.first_line, ROWS / 2 + 1);
    assert_int_equal(found.first_other_line, 1);
    assert_true(tb_arena_bytes(d->arena) < 2 * file.length);
    tb_dataset_free(d);
    tb_text_free(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts),          cmocka_unit_test(plain_text),
        cmocka_unit_test(literal_quotes), cmocka_unit_test(stray_quotes),
        cmocka_unit_test(old_line_ends),  cmocka_unit_test(bad_rows),
        cmocka_unit_test(bad_bytes),      cmocka_unit_test(from_files),
        cmocka_unit_test(odd_path),       cmocka_unit_test(guesses_are_said),
        cmocka_unit_test(cancelled),      cmocka_unit_test(many_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
