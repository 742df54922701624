/* SPDX-License-Identifier: Apache-2.0
 * src/report on tests/report/results.json: required fields, escaping, alignment, width. */
#include "report/report.h"
#include "report/terminal.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static json_t *fixture(void)
{
    const char *root = getenv("TIMBANG_SOURCE");
    char path[4096];
    json_error_t error;
    snprintf(path, sizeof path, "%s/tests/report/results.json", root ? root : ".");
    json_t *value = json_load_file(path, 0, &error);
    assert_non_null(value);
    return value;
}

static char *table_of(const json_t *results, int width, bool color)
{
    char *text = NULL;
    tb_error err = {0};
    if (tb_report_table(results, width, color, &text, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    return text;
}

static char *html_of(const json_t *results)
{
    char *text = NULL;
    tb_error err = {0};
    if (tb_report_html(results, &text, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    return text;
}

/* The value at a path such as "results.3.accuracy"; *parent and *last tell where it stands. */
static json_t *at_path(json_t *root, const char *path, json_t **parent, char last[64])
{
    json_t *value = root;
    while (*path) {
        size_t n = strcspn(path, ".");
        assert_true(n < 64);
        memcpy(last, path, n);
        last[n] = '\0';
        path += n + (path[n] == '.');
        *parent = value;
        value = json_is_array(value) ? json_array_get(value, (size_t)atoi(last)) : json_object_get(value, last);
        assert_non_null(value);
    }
    return value;
}

static void every_drawn_field_is_required(void **state)
{
    (void)state;
    static const char *const paths[] = {"timbang",
                                        "timbang.version",
                                        "timbang.schema",
                                        "host",
                                        "host.cpu",
                                        "host.level",
                                        "host.threads",
                                        "time",
                                        "time.started",
                                        "time.seconds",
                                        "options",
                                        "options.seed",
                                        "data",
                                        "data.0.name",
                                        "data.1.rows",
                                        "data.0.sha256",
                                        "models",
                                        "models.0.name",
                                        "models.1.untrained_head",
                                        "models.0.labels",
                                        "models.0.labels_from",
                                        "models.0.parameters",
                                        "models.0.shape",
                                        "models.0.shape.layers",
                                        "models.0.weights",
                                        "models.0.weights.0.sha256",
                                        "variants",
                                        "variants.2.model",
                                        "variants.1.variant",
                                        "variants.0.size_bytes",
                                        "variants.0.ratio",
                                        "variants.3.parts",
                                        "variants.3.parts.encoder",
                                        "results",
                                        "results.4.model",
                                        "results.4.variant",
                                        "results.4.data",
                                        "results.4.n",
                                        "results.4.correct",
                                        "results.0.accuracy",
                                        "results.3.accuracy_interval",
                                        "results.3.macro_f1",
                                        "results.3.weighted_f1",
                                        "results.3.majority",
                                        "results.3.majority.label",
                                        "results.3.majority.accuracy",
                                        "results.3.mean_confidence",
                                        "results.3.ece",
                                        "results.3.nll",
                                        "results.3.brier",
                                        "results.3.labels",
                                        "results.3.labels_present",
                                        "results.3.restricted",
                                        "results.3.untrained_head",
                                        "results.3.truncated",
                                        "results.3.empty",
                                        "results.3.per_class",
                                        "results.3.per_class.neutral",
                                        "results.3.per_class.neutral.f1",
                                        "results.3.per_class.neutral.predicted",
                                        "results.3.confusion",
                                        "results.3.against_fp32",
                                        "results.4.against_fp32.agreement",
                                        "results.4.against_fp32.mean_kl",
                                        "results.4.against_fp32.max_abs_dlogit",
                                        "results.4.against_fp32.mcnemar_p",
                                        "results.4.against_fp32.delta_accuracy",
                                        "results.4.against_fp32.right_to_wrong",
                                        "results.4.against_fp32.wrong_to_right",
                                        "results.4.against_fp32.wrong_to_other",
                                        "results.4.against_fp32.sentence",
                                        "measured",
                                        "measured.peak_resident_bytes",
                                        "measured.resident",
                                        "measured.resident.2.resident_bytes",
                                        "measured.latency",
                                        "measured.latency.5.total",
                                        "measured.latency.5.total.median",
                                        "measured.latency.5.forward.p90",
                                        "measured.latency.5.tokenize.sd",
                                        "measured.latency.5.ratio",
                                        "measured.latency.5.texts",
                                        "warnings",
                                        "warnings.0.kind",
                                        "warnings.1.text",
                                        "warnings.1.data"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        json_t *root = fixture(), *parent = NULL;
        char last[64], *text = NULL;
        at_path(root, paths[i], &parent, last);
        assert_int_equal(json_object_del(parent, last), 0);
        tb_error err = {0};
        timbang_status html = tb_report_html(root, &text, &err);
        if (html != TIMBANG_FORMAT || !strstr(err.text, last))
            fail_msg("without %s the report gives status %d, \"%s\"", paths[i], (int)html, err.text);
        assert_int_equal(tb_report_table(root, 0, false, &text, &err), TIMBANG_FORMAT);
        assert_non_null(strstr(err.text, last));
        assert_null(text);
        json_decref(root);
    }
}

static void draw_whatever_it_is(const json_t *root)
{
    char *text = NULL;
    tb_error err = {0};
    timbang_status status = tb_report_html(root, &text, &err);
    assert_true(status == TIMBANG_OK || (status == TIMBANG_FORMAT && err.text[0]));
    free(text);
    text = NULL;
    status = tb_report_table(root, 60, true, &text, &err);
    assert_true(status == TIMBANG_OK || (status == TIMBANG_FORMAT && err.text[0]));
    free(text);
}

/* Replaces every value under `value` by another one in turn, and draws. Repeated array items are tried once. */
static void spoil(json_t *root, json_t *value, json_t *odd)
{
    if (json_is_object(value)) {
        const char *key;
        json_t *item;
        void *next;
        json_object_foreach_safe(value, next, key, item)
        {
            json_incref(item);
            json_object_set(value, key, odd);
            draw_whatever_it_is(root);
            json_object_set_new(value, key, item);
        }
        json_object_foreach(value, key, item) spoil(root, item, odd);
    } else if (json_is_array(value) && json_array_size(value) > 0) {
        json_t *item = json_incref(json_array_get(value, 0));
        json_array_set(value, 0, odd);
        draw_whatever_it_is(root);
        json_array_set_new(value, 0, item);
        spoil(root, item, odd);
    }
}

static void odd_values_are_errors_and_never_crash(void **state)
{
    (void)state;
    json_t *root = fixture();
    json_t *odds[] = {json_null(),        json_string("x"), json_integer(-1), json_integer(1LL << 62),
                      json_real(1.5e300), json_array(),     json_object(),    json_pack("[{}]")};
    for (size_t i = 0; i < sizeof odds / sizeof odds[0]; i++) {
        spoil(root, root, odds[i]);
        draw_whatever_it_is(odds[i]);
        json_decref(odds[i]);
    }
    json_t *parent = NULL;
    char last[64];
    json_integer_set(at_path(root, "timbang.schema", &parent, last), 99);
    char *text = NULL;
    tb_error err = {0};
    assert_int_equal(tb_report_html(root, &text, &err), TIMBANG_FORMAT);
    assert_non_null(strstr(err.text, "timbang.schema is 99"));
    json_decref(root);
}

static void html_escapes_names_and_texts(void **state)
{
    (void)state;
    json_t *root = fixture();
    char *html = html_of(root);
    /* The fixture's second model is called <script>..., a warning holds </script><img onerror>. */
    assert_null(strstr(html, "<script>alert"));
    assert_null(strstr(html, "<img"));
    assert_non_null(strstr(html, "&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert_null(strchr(html, '\x1b'));
    const char *script = strstr(html, "<script type=\"application/json\" id=\"results\">");
    assert_non_null(script);
    script += strlen("<script type=\"application/json\" id=\"results\">");
    const char *end = strchr(script, '<');
    assert_non_null(end);
    assert_true(strncmp(end, "</script>\n</body>", 17) == 0);

    /* What is embedded is the record itself. */
    json_error_t error;
    json_t *embedded = json_loadb(script, (size_t)(end - script), 0, &error);
    assert_non_null(embedded);
    assert_true(json_equal(embedded, root));
    json_decref(embedded);
    free(html);
    json_decref(root);
}

static void html_needs_no_network(void **state)
{
    (void)state;
    json_t *root = fixture();
    char *html = html_of(root);
    static const char *const forbidden[] = {"http://", "https://", "src=\"", "href=\"", "@import", "url("};
    for (size_t i = 0; i < sizeof forbidden / sizeof forbidden[0]; i++)
        assert_null(strstr(html, forbidden[i]));
    assert_non_null(strstr(html, "prefers-color-scheme:dark"));
    free(html);
    json_decref(root);
}

static void html_shows_the_figures(void **state)
{
    (void)state;
    json_t *root = fixture();
    char *html = html_of(root);
    static const char *const shown[] = {
        "<td>0.860</td><td>0.827&ndash;0.888</td>",    /* accuracy and interval of FP32 */
        "<td>0.998</td><td>0.0009</td><td>0 / 1</td>", /* agreement, KL, flips of INT8 */
        "Accuracy differs beyond chance",              /* INT4 per tensor */
        "No set shows a difference in accuracy beyond chance",
        "3 rows repeat an earlier row",
        "Untrained head",
        "always saying <bdi>positive</bdi> is right on 0.416",
        "The set holds 2 of the 3 labels",
    };
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
        if (!strstr(html, shown[i]))
            fail_msg("the report does not say %s", shown[i]);
    free(html);
    json_decref(root);
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

static void table_columns_line_up(void **state)
{
    (void)state;
    json_t *root = fixture(), *parent = NULL;
    char last[64];
    /* A name of wide and combining characters must not move the columns. */
    const char *wide = "電影e\xcc\x81";
    json_string_set(at_path(root, "models.0.name", &parent, last), wide);
    for (size_t i = 0; i < 6; i++) {
        json_object_set_new(json_array_get(json_object_get(root, "results"), i), "model", json_string(wide));
        json_object_set_new(json_array_get(json_object_get(json_object_get(root, "measured"), "latency"), i), "model",
                            json_string(wide));
    }
    for (size_t i = 0; i < 3; i++) {
        json_object_set_new(json_array_get(json_object_get(root, "variants"), i), "model", json_string(wide));
        json_object_set_new(json_array_get(json_object_get(json_object_get(root, "measured"), "resident"), i), "model",
                            json_string(wide));
    }
    char *table = table_of(root, 0, false), *line = strchr(table, '\n') + 1;
    size_t accuracy = column_after(line, "accuracy"), agree = column_after(line, "agree"),
           size = column_after(line, "size");
    char *rows[2];
    rows[0] = strchr(line, '\n') + 1;
    rows[1] = strchr(rows[0], '\n') + 1;
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
            strstr(line, "left out") || strstr(line, "agree, KL"))
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
        cmocka_unit_test(every_drawn_field_is_required),
        cmocka_unit_test(odd_values_are_errors_and_never_crash),
        cmocka_unit_test(html_escapes_names_and_texts),
        cmocka_unit_test(html_needs_no_network),
        cmocka_unit_test(html_shows_the_figures),
        cmocka_unit_test(table_columns_line_up),
        cmocka_unit_test(table_is_safe_in_a_terminal),
        cmocka_unit_test(narrow_tables_leave_columns_out),
        cmocka_unit_test(widths_and_cuts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
