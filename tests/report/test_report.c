/* SPDX-License-Identifier: Apache-2.0
 * The table for a terminal, from tests/report/results.json: alignment, escaping, width. */
#include "fixture.h"
#include "report/report.h"
#include "report/terminal.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *table_of(const json_t *results, int width, bool color)
{
    char *text = NULL;
    tb_error err = {0};
    if (tb_report_table(results, width, color, &text, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    return text;
}

/* Columns of a line up to the end of a word. */
static size_t column_after(const char *line, const char *word)
{
    char copy[1024];
    const char *at = strstr(line, word);
    assert_non_null(at);
    size_t n = (size_t)(at - line) + strlen(word);
    assert_true(n < sizeof copy);
    memcpy(copy, line, n);
    copy[n] = '\0';
    return tb_terminal_width(copy);
}

/* Wherever `model` is the old name, or a group lists it. */
static void rename_model(json_t *value, const char *old, const char *name)
{
    const char *key;
    json_t *item;
    size_t i;
    json_object_foreach(value, key, item)
    {
        if (json_is_string(item) && strcmp(json_string_value(item), old) == 0)
            json_string_set(item, name);
        rename_model(item, old, name);
    }
    json_array_foreach(value, i, item)
    {
        if (json_is_string(item) && strcmp(json_string_value(item), old) == 0)
            json_string_set(item, name);
        rename_model(item, old, name);
    }
}

static void table_columns_line_up(void **state)
{
    (void)state;
    json_t *root = fixture();
    /* A name of wide and combining characters must not move the columns. */
    const char *wide = "電影e\xcc\x81";
    json_string_set(at_path(root, "models.0.name"), wide);
    rename_model(root, "mini-id-smsa", wide);
    char *table = table_of(root, 0, false), *line = strchr(table, '\n') + 1;
    size_t accuracy = column_after(line, "accuracy"), agree = column_after(line, "agree"),
           size = column_after(line, "size");
    char *rows[2];
    rows[0] = strchr(line, '\n') + 1;
    rows[1] = strchr(strchr(rows[0], '\n') + 1, '\n') + 1; /* fp32, fp16, int8 */
    *strchr(rows[1], '\n') = '\0';
    assert_true(strncmp(rows[0], wide, strlen(wide)) == 0);
    assert_int_equal(column_after(rows[0], "0.860"), accuracy);
    assert_int_equal(column_after(rows[1], "0.862"), accuracy);
    assert_int_equal(column_after(rows[1], "0.998"), agree);
    assert_int_equal(column_after(rows[0], "1.00×"), size);
    assert_int_equal(column_after(rows[1], "0.25×"), size);
    free(table);
    json_decref(root);
}

static void table_is_safe_in_a_terminal(void **state)
{
    (void)state;
    json_t *root = fixture();
    char *plain = table_of(root, 0, false), *colored = table_of(root, 0, true);
    assert_null(strchr(plain, '\x1b'));
    assert_non_null(strstr(plain, "\\u001b[31m")); /* the second set's name has an escape sequence */
    assert_non_null(strstr(plain, "\\u2028"));
    assert_null(strstr(colored, "\x1b[31m"));
    assert_non_null(strstr(colored, "\x1b[33m<0.001\x1b[0m"));
    free(plain);
    free(colored);
    json_decref(root);
}

static void narrow_tables_leave_columns_out(void **state)
{
    (void)state;
    json_t *root = fixture();
    char *table = table_of(root, 72, false);
    bool block = false;
    size_t lines = 0;
    for (char *line = strtok(table, "\n"); line; line = strtok(NULL, "\n")) {
        block = block || strncmp(line, "model ", 6) == 0;
        if (!block || line[0] == '!' || line[0] == '*' || strstr(line, "texts") || strstr(line, "labels") ||
            strstr(line, "left out") || strstr(line, "p (exact") || strncmp(line, "p Holm:", 7) == 0 ||
            strncmp(line, "equiv:", 6) == 0 || strncmp(line, "shift:", 6) == 0 || strncmp(line, "luck:", 5) == 0)
            continue;
        if (tb_terminal_width(line) > 72)
            fail_msg("too wide: %s", line);
        lines++;
    }
    assert_true(lines >= 14);
    free(table);
    table = table_of(root, 72, false);
    assert_non_null(strstr(table, "left out, as the terminal is narrow: "));
    assert_non_null(strstr(table, "agree"));
    assert_null(strstr(table, "95% interval  "));
    free(table);
    json_decref(root);
}

static void table_tells_not_shown_from_no(void **state)
{
    (void)state;
    json_t *root = fixture();
    char *table = table_of(root, 0, false), *second = strstr(table, "\n\n");
    assert_non_null(second);
    *second++ = '\0';
    assert_non_null(strstr(table, "  n.s.  "));
    assert_non_null(strstr(table, "    no  "));
    assert_null(strstr(table, "never")); /* of the set with few texts */
    assert_non_null(strstr(second, " never "));
    assert_non_null(strstr(second, "n.s.: not shown"));
    assert_non_null(strstr(second, "median over 80 to 100 texts, one by one, 12 rounds; "));
    assert_non_null(strstr(table, " came out less accurate, "));
    free(table);
    json_decref(root);
}

static void widths_and_cuts(void **state)
{
    (void)state;
    assert_int_equal(tb_terminal_width("abc"), 3);
    assert_int_equal(tb_terminal_width("é–×"), 3);
    assert_int_equal(tb_terminal_width("e\xcc\x81"), 1);
    assert_int_equal(tb_terminal_width("電影"), 4);
    tb_text out = {0};
    tb_terminal_put(&out, "電影電影", 5);
    assert_string_equal(out.data, "電影…");
    out.length = 0;
    tb_terminal_put(&out,
                    "abc\xe2\x80\xae"
                    "def\r\n",
                    0);
    assert_string_equal(out.data, "abc\\u202edef\\u000d\\u000a");
    tb_text_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_columns_line_up),
        cmocka_unit_test(table_is_safe_in_a_terminal),
        cmocka_unit_test(narrow_tables_leave_columns_out),
        cmocka_unit_test(table_tells_not_shown_from_no),
        cmocka_unit_test(widths_and_cuts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
