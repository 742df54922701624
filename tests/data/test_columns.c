/* Headers and columns, guessed and asked for. SPDX-License-Identifier: Apache-2.0 */
#include "data_test.h"

#include "data/columns.h"

static void expect_columns(timbang_data_options options, const char *file, const char *header, const char *text,
                           const char *label, size_t n)
{
    tb_dataset *d = parse(options, file);
    expect_fact(d, "header", header);
    assert_string_equal(json_string_value(json_object_get(d->facts, "text_column")), text);
    const json_t *found = json_object_get(d->facts, "label_column");
    assert_string_equal(json_is_null(found) ? "" : json_string_value(found), label);
    assert_int_equal(d->n, n);
    tb_dataset_free(d);
}

static void known_names(void **state)
{
    (void)state;
    assert_int_equal(tb_column_known("  Text_Tweet ", 13), TB_ROLE_TEXT);
    assert_int_equal(tb_column_known("SENTIMENT", 9), TB_ROLE_LABEL);
    assert_int_equal(tb_column_known("Acara TV", 8), TB_ROLE_NONE);
    assert_int_equal(tb_column_known("", 0), TB_ROLE_NONE);
    timbang_data_options o = plain_options();
    expect_columns(o, "Id,Sentimen,Ulasan\n1,positif,bagus\n2,negatif,jelek\n", "true", "Ulasan", "Sentimen", 2);
    expect_columns(o, "komentar\tkategori\nbagus\tx\n", "true", "komentar", "kategori", 1);
    /* several usual names: the one we list first */
    expect_columns(o, "clean_text,text,rating,label\na,b,1,x\nc,d,2,y\n", "true", "text", "label", 2);
    expect_columns(o, "label,rating,text,clean_text\nx,1,a,b\ny,2,c,d\n", "true", "text", "label", 2);
    /* only one usual name */
    expect_columns(o, "kata-kata,label\nbagus sekali,positive\njelek sekali,negative\n", "true", "kata-kata", "label",
                   2);
    expect_columns(o, "tweet,nada hati\nbagus sekali,cerah\njelek sekali,suram\n", "true", "tweet", "nada hati", 2);
}

static void by_content(void **state)
{
    (void)state;
    timbang_data_options o = plain_options();
    expect_columns(o, "bagus sekali\tpuas\njelek sekali\tkecewa\n", "false", "1", "2", 2);
    expect_columns(o, "puas\tbagus sekali filmnya\nkecewa\tjelek sekali filmnya\npuas\tindah sekali\n", "false", "2",
                   "1", 3);
    /* texts shorter than the labels */
    expect_columns(o, "ok\tpositive\nbad\tnegative\n", "false", "1", "2", 2);
    expect_columns(o, "positive\tok\nnegative\tbad\n", "false", "2", "1", 2);
    expect_columns(o, "1\tbagus sekali\tpuas\n2\tjelek sekali\tkecewa\n3\tindah sekali\tpuas\n", "false", "2", "3", 3);
    expect_columns(o, "bagus sekali\t0\njelek sekali\t1\nbiasa saja\t0\n", "false", "1", "2", 3);
    /* without labels the text is not the column of labels */
    o.label_column = "";
    expect_columns(o, "ok\tpositive\nbad\tnegative\n", "false", "1", "", 2);
}

static void headers_by_content(void **state)
{
    (void)state;
    timbang_data_options o = plain_options();
    /* whole numbers below a word */
    expect_columns(o, "isian\tkode\nbagus sekali\t0\njelek sekali\t1\nbiasa saja\t0\n", "true", "isian", "kode", 3);
    /* a lone value above few that repeat */
    char file[1024] = "Kata\tNada\n";
    for (int i = 0; i < 12; i++)
        strcat(file, i % 2 ? "ini kalimat yang agak panjang\tcerah\n" : "itu kalimat yang agak panjang\tsuram\n");
    expect_columns(o, file, "true", "Kata", "Nada", 12);
    file[0] = 'k';
    char *word = strstr(file, "Nada"); /* the same with a value that repeats is a row */
    memmove(word + 5, word + 4, strlen(word + 4) + 1);
    memcpy(word, "cerah", 5);
    expect_columns(o, file, "false", "1", "2", 13);
    /* a lone word above usual label names */
    expect_columns(o, "Omongan,Nada\nfilmnya bagus sekali,positive\nfilmnya jelek sekali,negative\n", "true", "Omongan",
                   "Nada", 2);
    expect_columns(o, "bagus,neutral\nfilmnya bagus sekali,positive\nfilmnya jelek sekali,negative\n", "false", "1",
                   "2", 3);
    /* a usual name whose neighbour repeats is a row */
    expect_columns(o, "review\tpositive\nbagus sekali\tpositive\njelek sekali\tnegative\n", "false", "1", "2", 3);
    /* and the caller has the last word */
    o.header = 0;
    expect_columns(o, "text\tlabel\nbagus sekali\tlabel\n", "false", "1", "2", 2);
    o.header = 1;
    expect_columns(o, "bagus sekali\tpositive\njelek sekali\tnegative\n", "true", "bagus sekali", "positive", 1);
}

static void asked_for(void **state)
{
    (void)state;
    const char *file = "id,a,b,c\n1,satu,x,dua\n2,tiga,y,empat\n";
    timbang_data_options o = plain_options();
    o.text_column = "A";
    o.label_column = "B";
    expect_columns(o, file, "true", "a", "b", 2);
    o.text_column = "4";
    o.label_column = "3";
    o.header = 1;
    expect_columns(o, file, "true", "c", "b", 2);
    o.text_column = "a";
    o.pair_column = "c";
    tb_dataset *d = parse(o, file);
    assert_string_equal(d->rows[1].pair, "empat");
    expect_fact(d, "pair_column", "\"c\"");
    expect_fact(d, "columns", "[\"id\",\"a\",\"b\",\"c\"]");
    expect_fact(d, "guessed", "{\"delimiter\":true,\"header\":false,\"text_column\":false,\"label_column\":false}");
    tb_dataset_free(d);
    /* a name before a number */
    o = plain_options();
    o.text_column = "2";
    o.label_column = "1";
    o.header = 1;
    expect_columns(o, "1,2,3\npositive,bagus,x\n", "true", "2", "1", 1);
}

static void refused(void **state)
{
    (void)state;
    timbang_data_options o = plain_options();
    o.label_column = "sentimen";
    expect_error(o, "text,label\na,b\n", TIMBANG_USAGE,
                 "f.tsv: there is no label column 'sentimen': the columns are text, label");
    expect_error(o, "bagus sekali\tpositive\njelek\tnegative\n", TIMBANG_USAGE,
                 "f.tsv: there is no label column 'sentimen': the file has no header, its columns are numbered 1 to 2");
    o = plain_options();
    o.text_column = "3";
    expect_error(o, "text,label\na,b\n", TIMBANG_USAGE,
                 "f.tsv: there is no text column '3': the columns are text, label");
    o.text_column = "label";
    o.label_column = "label";
    expect_error(o, "text,label\na,b\n", TIMBANG_USAGE, "f.tsv: text, label and pair must be different columns");
    /* one sentence on one line, whatever the column is called */
    expect_error(plain_options(), "text,\"label\nkelas\"\na,\nb,x\nc,y\n", TIMBANG_DATA,
                 "f.tsv: row 3: the label (column 'label?kelas') is missing");
    o = text_options();
    o.text_column = "isi";
    expect_error(o, "satu\ndua\n", TIMBANG_USAGE,
                 "f.tsv: there is no text column 'isi': the file has one column and no header");
    /* two columns of texts, and not one value twice */
    char file[2048] = "";
    for (int i = 0; i < 20; i++)
        snprintf(file + strlen(file), sizeof file - strlen(file), "kalimat nomor %d\tbalasan nomor %d\n", i, i);
    expect_error(plain_options(), file, TIMBANG_DATA,
                 "f.tsv: no column looks like labels; name one by its number, 1 to 2");
}

static void shown(void **state)
{
    (void)state;
    char out[72];
    assert_string_equal(tb_data_shown("a\tb\n", 4, out), "a?b?");
    char text[100];
    memset(text, 'x', sizeof text);
    memcpy(text + 59, "\xC3\xA9", 2); /* the 60th byte is in the middle of a character */
    tb_data_shown(text, sizeof text, out);
    assert_int_equal(strlen(out), 62);
    assert_string_equal(out + 58, "x...");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_names), cmocka_unit_test(by_content), cmocka_unit_test(headers_by_content),
        cmocka_unit_test(asked_for),   cmocka_unit_test(refused),    cmocka_unit_test(shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
