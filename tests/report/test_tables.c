/* SPDX-License-Identifier: Apache-2.0
 * The report's tables, methods text and folder on tests/report/results.json: CSV that a strict reader takes, LaTeX
 * whose rows have the columns that their heads promise, escapes, claims, sources, failing allocations. Linked with
 * --wrap for the allocating functions. */
#include "base/io.h"
#include "report/report.h"
#include "report/tables.h"
#include "report/tables_parts.h"

#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- Failing allocations ---- */

static size_t allocations, failing; /* since the last reset; the one that fails, from 1 */

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *block, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *block, size_t size);

static bool fails(void)
{
    return ++allocations == failing;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    return fails() ? NULL : __real_realloc(block, size);
}

/* ---- Help ---- */

static const char *const names[] = {"main",  "tests",  "per_class", "confusion", "calibration", "latency",
                                    "sizes", "labels", "null",      "seeds",     "flips",       "claims"};
enum { N_NAMES = sizeof names / sizeof names[0], MOST_FIELDS = 80 };

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

static tb_report read_report(const json_t *record)
{
    tb_report report;
    tb_error err = {0};
    if (tb_report_read(record, &report, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    return report;
}

typedef struct folder {
    char path[64];
} folder;

static folder make_folder(void)
{
    folder f;
    snprintf(f.path, sizeof f.path, "/tmp/timbang-tables-XXXXXX");
    assert_non_null(mkdtemp(f.path));
    return f;
}

static void remove_folder(const folder *f)
{
    tb_error err = {0};
    assert_int_equal(tb_remove_tree(f->path, &err), TIMBANG_OK);
}

static char *content(const folder *f, const char *name)
{
    char path[256], *bytes = NULL;
    size_t size = 0;
    tb_error err = {0};
    snprintf(path, sizeof path, "%s/%s", f->path, name);
    if (tb_read_file(path, 0, &bytes, &size, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    assert_int_equal(strlen(bytes), size);
    return bytes;
}

static char *table_file(const folder *f, const char *name, const char *suffix)
{
    char path[64];
    snprintf(path, sizeof path, "tables/%s.%s", name, suffix);
    return content(f, path);
}

static folder write_tables(const json_t *record, tb_report_lang lang)
{
    folder f = make_folder();
    tb_report report = read_report(record);
    report.lang = lang;
    tb_error err = {0};
    if (tb_tables_write(&report, f.path, &err) != TIMBANG_OK || tb_methods_write(&report, f.path, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    tb_report_free(&report);
    return f;
}

/* ---- CSV ---- */

/* One record of RFC 4180 at *at, split in place; 0 at the end. Anything that the RFC does not allow fails. */
static size_t next_record(char **at, char *fields[MOST_FIELDS])
{
    char *in = *at, *out = *at;
    size_t n = 0;
    if (!*in)
        return 0;
    for (;;) {
        assert_true(n < MOST_FIELDS);
        fields[n++] = out;
        if (*in == '"') {
            for (in++; *in != '"' || in[1] == '"'; *out++ = *in++) {
                assert_true(*in != '\0');
                in += *in == '"';
            }
            in++;
        } else
            while (*in != ',' && *in != '\r') {
                assert_true(*in != '\0' && *in != '\n' && *in != '"');
                *out++ = *in++;
            }
        char end = *in++;
        *out++ = '\0';
        if (end == ',')
            continue;
        assert_true(end == '\r' && *in == '\n');
        *at = in + 1;
        return n;
    }
}

static size_t index_in(char *const *heads, size_t n, const char *head)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(heads[i], head) == 0)
            return i;
    fail_msg("no column %s", head);
    return 0;
}

static void csv_is_strict_and_whole(void **state)
{
    (void)state;
    json_t *record = fixture();
    folder f = write_tables(record, TB_LANG_EN);
    for (size_t t = 0; t < N_NAMES; t++) {
        char *text = table_file(&f, names[t], "csv"), *at = text, *heads[MOST_FIELDS], *fields[MOST_FIELDS];
        size_t columns = next_record(&at, heads), rows = 0, n;
        for (size_t i = 0; i < columns; i++)
            for (size_t k = 0; k < i; k++)
                if (strcmp(heads[i], heads[k]) == 0)
                    fail_msg("%s has two columns %s", names[t], heads[i]);
        for (; (n = next_record(&at, fields)) > 0; rows++)
            if (n != columns)
                fail_msg("%s: row %zu has %zu of %zu columns", names[t], rows, n, columns);
        assert_true(rows > 0);
        free(text);
    }
    remove_folder(&f);
    json_decref(record);
}

static const json_t *result_named(const json_t *record, const char *model, const char *variant, const char *data)
{
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(record, "results"), i, item)
    {
        if (strcmp(json_string_value(json_object_get(item, "model")), model) == 0 &&
            strcmp(json_string_value(json_object_get(item, "variant")), variant) == 0 &&
            strcmp(json_string_value(json_object_get(item, "data")), data) == 0)
            return item;
    }
    fail_msg("no result of %s %s on %s", model, variant, data);
    return NULL;
}

static double field(char *const *heads, size_t n, char *const *fields, const char *head)
{
    double value = 0;
    const char *text = fields[index_in(heads, n, head)];
    if (!tb_parse_double(text, &value))
        fail_msg("%s holds '%s'", head, text);
    return value;
}

/* Every number reads back as the one of the record, to the last bit. */
static void csv_has_every_digit(void **state)
{
    (void)state;
    json_t *record = fixture();
    json_real_set(json_object_get(json_array_get(json_object_get(record, "results"), 0), "ece"), 0.1 + 0.2);
    folder f = write_tables(record, TB_LANG_EN);
    static const char *const plain[] = {"accuracy", "macro_f1", "mcc", "n", "correct"};
    char *text = table_file(&f, "main", "csv"), *at = text, *heads[MOST_FIELDS], *fields[MOST_FIELDS];
    size_t columns = next_record(&at, heads), rows = 0;
    for (; next_record(&at, fields) > 0; rows++) {
        const json_t *result =
            result_named(record, fields[index_in(heads, columns, "model")], fields[index_in(heads, columns, "variant")],
                         fields[index_in(heads, columns, "data")]);
        for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
            assert_true(field(heads, columns, fields, plain[i]) ==
                        json_number_value(json_object_get(result, plain[i])));
        const json_t *interval = json_object_get(result, "accuracy_interval");
        assert_true(field(heads, columns, fields, "accuracy_interval_low") ==
                    json_number_value(json_array_get(interval, 0)));
        assert_true(field(heads, columns, fields, "accuracy_interval_high") ==
                    json_number_value(json_array_get(interval, 1)));
        bool compared = json_is_object(json_object_get(result, "against_fp32"));
        assert_int_equal(compared, fields[index_in(heads, columns, "delta_accuracy")][0] != '\0');
    }
    assert_int_equal(rows, json_array_size(json_object_get(record, "results")));
    free(text);
    text = table_file(&f, "calibration", "csv");
    assert_non_null(strstr(text, ",0.30000000000000004,"));
    free(text);
    remove_folder(&f);
    json_decref(record);
}

static void csv_texts_and_numbers(void **state)
{
    (void)state;
    tb_text out = {0};
    static const struct {
        const char *text, *csv;
    } texts[] = {
        {"plain", "plain"}, {"a,b", "\"a,b\""}, {"say \"ya\"", "\"say \"\"ya\"\"\""}, {"two\nlines", "\"two\nlines\""},
        {"", ""},           {"'", "'"}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        out.length = 0;
        tb_csv_text(&out, texts[i].text);
        tb_text_putc(&out, '|');
        assert_true(strncmp(out.data, texts[i].csv, strlen(texts[i].csv)) == 0 && out.data[out.length - 1] == '|');
        assert_int_equal(out.length, strlen(texts[i].csv) + 1);
    }
    static const struct {
        double value;
        const char *text;
    } numbers[] = {{0.86, "0.86"}, {1, "1"}, {0.1, "0.1"}, {1.0 / 3, "0.3333333333333333"}, {-2.5e-300, "-2.5e-300"}};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        out.length = 0;
        tb_csv_real(&out, numbers[i].value);
        assert_string_equal(out.data, numbers[i].text);
    }
    out.length = 0;
    tb_csv_real(&out, (double)NAN);
    assert_int_equal(out.length, 0);
    tb_csv_real(&out, (double)INFINITY);
    assert_string_equal(out.data, "inf");
    tb_text_free(&out);
}

/* ---- LaTeX ---- */

/* Columns of the argument of a tabular, from after its brace. */
static size_t columns_of(const char *spec)
{
    size_t n = 0;
    for (int depth = 1; *spec && depth > 0; spec++) {
        if (*spec == '@') {
            spec = strchr(spec, '}');
            continue;
        }
        depth += (*spec == '{') - (*spec == '}');
        n += depth == 1 && strchr("lrcp", *spec) != NULL;
    }
    return n;
}

/* Ampersands of a line outside of nested tabulars, plus one. */
static size_t cells_of(const char *line, size_t length)
{
    size_t n = 1;
    for (size_t i = 0; i < length; i++)
        n += line[i] == '&' && (i == 0 || line[i - 1] != '\\');
    return n;
}

static void check_latex(const char *name, const char *text)
{
    size_t columns = 0, rows = 0, begun = 0, ended = 0;
    int depth = 0;
    for (const char *line = text; *line;) {
        size_t length = strcspn(line, "\n");
        if (line[0] != '%')
            for (size_t i = 0; i < length; i++) {
                bool escaped = i > 0 && line[i - 1] == '\\' && (i < 2 || line[i - 2] != '\\');
                depth += escaped ? 0 : (line[i] == '{') - (line[i] == '}');
                assert_true((unsigned char)line[i] >= 0x20 && line[i] != 0x7f);
            }
        if (depth != 0)
            fail_msg("%s: braces do not close in %.*s", name, (int)length, line);
        if (strncmp(line, "\\begin{tabular}", 15) == 0)
            columns = columns_of(line + 16);
        begun += strncmp(line, "\\begin{", 7) == 0;
        ended += strncmp(line, "\\end{", 5) == 0;
        bool row = columns > 0 && length > 3 && line[0] != '\\' && strncmp(line + length - 2, "\\\\", 2) == 0;
        row = row || (length > 15 && strncmp(line + length - 15, "\\tabularnewline", 15) == 0);
        if (row && cells_of(line, length) != columns)
            fail_msg("%s: %zu cells of %zu in %.*s", name, cells_of(line, length), columns, (int)length, line);
        rows += row;
        line += length + (line[length] == '\n');
    }
    assert_int_equal(begun, ended);
    if (rows == 0)
        fail_msg("%s has no rows", name);
}

static void latex_has_the_columns_it_promises(void **state)
{
    (void)state;
    json_t *record = fixture();
    for (int lang = TB_LANG_EN; lang <= TB_LANG_ID; lang++) {
        folder f = write_tables(record, (tb_report_lang)lang);
        for (size_t t = 0; t < N_NAMES; t++) {
            char *text = table_file(&f, names[t], "tex"), label[64];
            check_latex(names[t], text);
            assert_null(strstr(text, "<script>"));
            assert_null(strstr(text, "& nan"));
            assert_null(strstr(text, "}nan"));
            snprintf(label, sizeof label, "\\label{tab:%s",
                     strcmp(names[t], "per_class") == 0 ? "per-class" : names[t]);
            assert_non_null(strstr(text, label));
            /* No label stands twice. */
            for (const char *at = text; (at = strstr(at, "\\label{")) != NULL; at++) {
                char key[128];
                snprintf(key, sizeof key, "%.*s", (int)strcspn(at, "\n"), at);
                if (strstr(at + 1, key))
                    fail_msg("%s stands twice", key);
            }
            free(text);
        }
        remove_folder(&f);
    }
    json_decref(record);
}

static void latex_numbers(void **state)
{
    (void)state;
    json_t *record = fixture();
    folder f = write_tables(record, TB_LANG_EN);
    char *text = table_file(&f, "main", "tex");
    /* Proportions, not percentages; the interval beside them. */
    assert_non_null(strstr(text, "int8 & 15.7 & 0.25 & 0.862 & {[}0.829, 0.889{]} & 0.852 &"));
    assert_non_null(strstr(text, "int4-{}pertensor & $-$0.096 & $-$0.099 &"));
    assert_non_null(strstr(text, "fp32 & -- & -- & -- &"));
    free(text);
    text = table_file(&f, "tests", "tex");
    assert_non_null(strstr(text, "& 57 & 9 &"));
    assert_non_null(strstr(text, "$<$0.001"));
    assert_null(strstr(text, "fp32 &"));
    /* The interval lies beyond the margin; reaches into it; lies within it. */
    assert_non_null(strstr(text, "{[}$-$0.123, $-$0.071{]} & 1.000 & no &"));
    assert_non_null(strstr(text, "{[}$-$0.018, $-$0.003{]} & 0.327 & not shown &"));
    assert_non_null(strstr(text, "{[}$-$0.005, $+$0.005{]} & 0.012 & yes &"));
    free(text);
    remove_folder(&f);

    tb_text out = {0};
    static const struct {
        double value;
        const char *latex;
    } deltas[] = {{0.0021, "$+$0.002"}, {-0.0021, "$-$0.002"}, {0, "0.000"}, {-0.0004, "0.000"}, {-1, "$-$1.000"}};
    for (size_t i = 0; i < sizeof deltas / sizeof deltas[0]; i++) {
        out.length = 0;
        tb_latex_delta(&out, deltas[i].value, 3);
        assert_string_equal(out.data, deltas[i].latex);
    }
    tb_report report = read_report(record);
    static const tb_column small = {"", "", "", TB_CELL_SMALL, TB_BASE_OTHER, 0, 0};
    static const struct {
        double value;
        const char *latex;
    } smalls[] = {{2.4e-5, "$2\\cdot10^{-5}$"}, {9.9e-6, "$1\\cdot10^{-5}$"}, {0.0123, "0.0123"}, {0, "0.0000"}};
    for (size_t i = 0; i < sizeof smalls / sizeof smalls[0]; i++) {
        tb_row row = {.group = NULL};
        row.base[TB_BASE_OTHER] = &smalls[i].value;
        out.length = 0;
        tb_latex_cell(&out, &report, &small, &row);
        assert_string_equal(out.data, smalls[i].latex);
    }
    tb_report_free(&report);
    tb_text_free(&out);
    json_decref(record);
}

static void latex_escapes(void **state)
{
    (void)state;
    static const struct {
        const char *text, *latex;
    } cases[] = {
        {"100% & more_{x}", "100\\% \\& more\\_\\{x\\}"},
        {"\\input{/etc/passwd}", "$\\backslash$input\\{/etc/passwd\\}"},
        {"$a^b~#", "\\$a\\^{}b\\~{}\\#"},
        {"<a|b>", "$<$a$|$b$>$"},
        {"[x]*", "{[}x{]}{*}"},
        {"a--b", "a-{}-{}b"},
        {"caf\xc3\xa9 \xe2\x80\x93 \xf0\x9f\x98\x80", "caf\xc3\xa9 \xe2\x80\x93 \\texttt{U+1F600}"},
        {"\x1b[31m\tred\n", "?{[}31m red "},
        {"\xc3\xb0\xc4\x91", "\\texttt{U+00F0}\\texttt{U+0111}"},
        {"", ""},
    };
    tb_text out = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        out.length = 0;
        tb_text_puts(&out, "");
        tb_latex_text(&out, cases[i].text);
        assert_string_equal(out.data, cases[i].latex);
    }
    out.length = 0;
    tb_latex_cut(&out, "abcdef", 4);
    assert_string_equal(out.data, "abc\\ldots{}");
    out.length = 0;
    tb_latex_cut(&out, "abcd", 4);
    assert_string_equal(out.data, "abcd");
    out.length = 0;
    tb_latex_prose(&out, "aaaaaaaaaaaaaaaaaaaa");
    assert_string_equal(out.data, "aaaaaaaaaaaaaaaa\\allowbreak{}aaaa");
    tb_text_free(&out);
}

/* More rows than a page has lines. */
static void long_tables_continue(void **state)
{
    (void)state;
    json_t *record = fixture();
    tb_report report = read_report(record);
    tb_rows rows = {.err = &(tb_error){0}};
    for (int i = 0; i < 5; i++)
        tb_rows_of_results(&report, &rows);
    tb_row *first = &rows.items[0];
    for (size_t i = 0; i < rows.n; i++) {
        rows.items[i].base[TB_BASE_SET] = first->base[TB_BASE_SET];
        rows.items[i].group = NULL;
    }
    tb_text out = {0};
    tb_latex_table(&out, &report, &tb_table_main, &rows);
    check_latex("main", out.data);
    assert_non_null(strstr(out.data, "(continued)}\n\\label{tab:main-smsa:2}"));
    size_t n = 0;
    for (const char *at = out.data; (at = strstr(at, "int8 & 15.7")) != NULL; at++)
        n++;
    assert_int_equal(n, 5 * 6);
    tb_text_free(&out);
    free(rows.items);
    tb_report_free(&report);
    json_decref(record);
}

/* ---- Claims ---- */

static const tb_claim *claim_of(const tb_claim *claims, size_t n, const char *source, const char *what)
{
    for (size_t i = 0; i < n; i++)
        if (strstr(claims[i].source, source) && strstr(claims[i].what, what))
            return &claims[i];
    fail_msg("no claim of %s on %s", source, what);
    return NULL;
}

static size_t index_of_model(const tb_report *report, bool untrained)
{
    for (size_t m = 0; m < report->n_models; m++)
        if (report->models[m].untrained_head == untrained)
            return m;
    fail_msg("no such model");
    return 0;
}

static const tb_report_result *result_of(const tb_report *report, size_t model, size_t set, const char *variant)
{
    for (size_t i = 0; i < report->n_results; i++)
        if (report->results[i].model == model && report->results[i].set == set &&
            strcmp(report->variants[report->results[i].variant].name, variant) == 0)
            return &report->results[i];
    fail_msg("no %s", variant);
    return NULL;
}

static void claims_are_measured_or_say_why_not(void **state)
{
    (void)state;
    json_t *record = fixture();
    tb_report report = read_report(record);
    size_t trained = index_of_model(&report, false), untrained = index_of_model(&report, true);
    tb_claim claims[TB_CLAIMS_MOST];
    size_t n = tb_claims(&report, trained, 0, claims, TB_CLAIMS_MOST);
    for (size_t i = 0; i < n; i++) {
        assert_true(isnan(claims[i].measured) == (claims[i].why_not != NULL));
        assert_true((claims[i].from[0] == '\0') == (claims[i].why_not != NULL));
        assert_true(claims[i].what[0] != '\0' && claims[i].claimed[0] != '\0');
        assert_null(strstr(claims[i].source, "untrained"));
    }
    const tb_report_result *fp32 = result_of(&report, trained, 0, "fp32"),
                           *int8 = result_of(&report, trained, 0, "int8");
    const tb_report_result *int4 = result_of(&report, trained, 0, "int4-pertensor");
    const tb_claim *c = claim_of(claims, n, "2411.06084", "INT8 throughput");
    assert_string_equal(c->claimed, "2.4");
    assert_true(c->measured == int8->texts_per_s / fp32->texts_per_s);
    assert_string_equal(c->variant, "int8");
    assert_string_equal(c->from, "mini-id-smsa int8 on smsa");
    /* The paper's INT4 is not the per-tensor baseline; that study's is. */
    assert_non_null(claim_of(claims, n, "2411.06084", "INT4 change in size")->why_not);
    c = claim_of(claims, n, "per-tensor study, SmSA", "INT4 accuracy");
    assert_string_equal(c->claimed, "-0.008");
    assert_true(fabs(c->measured - (int4->accuracy - fp32->accuracy)) < 1e-15);
    c = claim_of(claims, n, "files", "INT8 size");
    assert_true(c->measured == report.variants[int8->variant].ratio);
    assert_non_null(claim_of(claims, n, "QAT", "INT8 speed-up")->why_not);
    if (!report.energy_available)
        assert_non_null(strstr(claim_of(claims, n, "2411.06084", "INT8 change in energy")->why_not, "not available"));

    n = tb_claims(&report, untrained, 0, claims, TB_CLAIMS_MOST);
    claim_of(claims, n, "untrained head", "INT4 accuracy");
    for (size_t i = 0; i < n; i++)
        assert_null(strstr(claims[i].source, "tweets"));
    assert_int_equal(tb_claims(&report, trained, 0, claims, 3), 3);
    assert_int_equal(tb_claims(&report, 99, 0, claims, TB_CLAIMS_MOST), 0);

    /* With a meter, and without a baseline. */
    report.energy_available = true;
    for (size_t i = 0; i < report.n_results; i++)
        report.results[i].energy_j = report.results[i].variant == fp32->variant ? 2.0 : 0.5;
    n = tb_claims(&report, trained, 0, claims, TB_CLAIMS_MOST);
    assert_true(claim_of(claims, n, "2411.06084", "INT8 change in energy")->measured == -0.75);
    report.variants[fp32->variant].name = "bf16";
    n = tb_claims(&report, trained, 0, claims, TB_CLAIMS_MOST);
    assert_string_equal(claim_of(claims, n, "2411.06084", "INT8 throughput")->why_not, "FP32 was not run");
    assert_null(claim_of(claims, n, "files", "INT8 size")->why_not);
    tb_report_free(&report);
    json_decref(record);
}

/* ---- Methods ---- */

static void sources_are_those_that_are_cited(void **state)
{
    (void)state;
    json_t *record = fixture();
    for (int lang = TB_LANG_EN; lang <= TB_LANG_ID; lang++) {
        folder f = write_tables(record, (tb_report_lang)lang);
        char *text = content(&f, "methods.tex"), *bib = content(&f, "references.bib"), key[64];
        size_t cited = 0, entries = 0;
        for (const char *at = text; (at = strstr(at, "\\cite{")) != NULL;) {
            at += 6;
            while (*at != '}') {
                size_t n = strcspn(at, ",}");
                snprintf(key, sizeof key, "{%.*s,\n", (int)n, at);
                if (!strstr(bib, key))
                    fail_msg("%s is no entry", key);
                cited++;
                at += n + (at[n] == ',');
            }
        }
        for (const char *at = bib; (at = strchr(at, '@')) != NULL; entries++) {
            at = strchr(at, '{') + 1;
            snprintf(key, sizeof key, "%.*s", (int)strcspn(at, ","), at);
            if (!strstr(text, key))
                fail_msg("%s is not cited", key);
        }
        assert_true(cited >= entries && entries >= 18);
        int depth = 0;
        for (const char *at = bib; *at; at++)
            depth += (*at == '{') - (*at == '}');
        assert_int_equal(depth, 0);
        assert_null(strchr(text, '@'));
        assert_null(strstr(text, "<script>"));
        free(text);
        free(bib);
        remove_folder(&f);
    }
    json_decref(record);
}

static void methods_say_what_was_done(void **state)
{
    (void)state;
    json_t *record = fixture();
    folder f = write_tables(record, TB_LANG_EN);
    char *text = content(&f, "methods.tex"), *bib;
    static const char *const said[] = {"\\emph{mini-{}id-{}smsa} (",
                                       "SHA-256",
                                       "99 models",
                                       "2000 replicates",
                                       "primary figure is accuracy",
                                       "Wilcoxon's signed-rank",
                                       "$\\alpha = 0.05$",
                                       "\\pm0.01$",
                                       "stay in binary32; \\texttt{fp16} stores them in 16 bits too.",
                                       "80 to 100 texts of a set",
                                       "12 rounds over the texts",
                                       "positive 208, neutral 88, negative 204"};
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++)
        if (!strstr(text, said[i]))
            fail_msg("the methods do not say %s", said[i]);
    assert_null(strstr(text, "int4-{}g64"));
    assert_null(strstr(text, "bf16"));
    free(text);
    remove_folder(&f);

    /* What was not done is not told, and its sources go. */
    json_object_set_new(record, "null", json_array());
    json_object_set_new(record, "groups", json_array());
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(record, "results"), i, item)
        json_object_set_new(item, "against_fp32", json_null());
    f = write_tables(record, TB_LANG_EN);
    text = content(&f, "methods.tex");
    bib = content(&f, "references.bib");
    assert_null(strstr(text, "Random rounding"));
    assert_null(strstr(text, "Seeds."));
    assert_null(strstr(text, "McNemar"));
    assert_null(strstr(bib, "mcnemar1947"));
    assert_non_null(strstr(bib, "wilson1927"));
    free(text);
    free(bib);
    text = table_file(&f, "null", "tex");
    assert_true(text[0] == '%' && strchr(text, '\n')[1] == '\0');
    free(text);
    text = table_file(&f, "tests", "csv");
    assert_true(strchr(text, '\n')[1] == '\0');
    free(text);
    remove_folder(&f);
    json_decref(record);
}

static void indonesian_is_indonesian(void **state)
{
    (void)state;
    json_t *record = fixture();
    json_object_set_new(json_object_get(json_object_get(record, "measured"), "energy"), "source",
                        json_string("no RAPL meter on this machine"));
    folder f = write_tables(record, TB_LANG_ID);
    char *text = content(&f, "methods.tex");
    assert_non_null(strstr(text, "\\section{Metode}"));
    assert_non_null(strstr(text, "tidak ada pengukur RAPL pada mesin ini."));
    assert_null(strstr(text, " the "));
    free(text);
    text = table_file(&f, "tests", "tex");
    assert_non_null(strstr(text, "& tak terbukti &"));
    free(text);
    text = table_file(&f, "main", "tex");
    assert_non_null(strstr(text, "Akurasi"));
    assert_null(strstr(text, "Accuracy"));
    free(text);
    text = table_file(&f, "main", "csv"); /* for machines: the same names */
    assert_non_null(strstr(text, "data,model,variant,size_bytes"));
    free(text);
    remove_folder(&f);
    json_decref(record);
}

/* ---- The folder ---- */

static bool is_there(const folder *f, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", f->path, name);
    return access(path, F_OK) == 0;
}

static void put_file(const folder *f, const char *name, const char *text)
{
    char path[256];
    tb_error err = {0};
    snprintf(path, sizeof path, "%s/%s", f->path, name);
    assert_int_equal(tb_write_file(path, text, strlen(text), &err), TIMBANG_OK);
}

static void folder_is_replaced_when_all_is_drawn(void **state)
{
    (void)state;
    json_t *record = fixture();
    folder f = make_folder();
    tb_error err = {0};
    char path[256];
    put_file(&f, "report.html", "older");
    snprintf(path, sizeof path, "%s/tables", f.path);
    assert_int_equal(tb_make_dirs(path, &err), TIMBANG_OK);
    put_file(&f, "tables/mine.txt", "mine");
    put_file(&f, "tables/main.csv", "older");

    assert_int_equal(tb_report_write(record, "fr", f.path, &err), TIMBANG_USAGE);
    assert_non_null(strstr(err.text, "'fr'"));
    json_t *broken = json_deep_copy(record);
    json_object_del(json_array_get(json_object_get(broken, "results"), 1), "mce");
    assert_int_equal(tb_report_write(broken, NULL, f.path, &err), TIMBANG_FORMAT);
    assert_non_null(strstr(err.text, "results[1].mce"));
    json_decref(broken);
    char *text = content(&f, "report.html");
    assert_string_equal(text, "older");
    free(text);
    assert_false(is_there(&f, "methods.tex"));
    assert_false(is_there(&f, ".report.new"));

    if (tb_report_write(record, NULL, f.path, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    static const char *const files[] = {"report.html",     "methods.tex",     "references.bib",      "tables/main.csv",
                                        "tables/main.tex", "tables/mine.txt", "figures/pipeline.svg"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (!is_there(&f, files[i]))
            fail_msg("%s is not there", files[i]);
    assert_false(is_there(&f, ".report.new"));
    text = content(&f, "tables/main.csv");
    assert_true(strncmp(text, "data,model", 10) == 0);
    free(text);

    assert_int_equal(tb_report_write(record, "id", f.path, &err), TIMBANG_OK);
    text = content(&f, "methods.tex");
    assert_non_null(strstr(text, "Metode"));
    free(text);
    text = content(&f, "report.html");
    assert_non_null(strstr(text, "lang=\"id\""));
    free(text);
    assert_string_equal(json_string_value(json_object_get(json_object_get(record, "options"), "lang")), "en");
    remove_folder(&f);
    json_decref(record);
}

/* Every allocation fails in turn, in steps: out of memory is the answer, and nothing leaks (the sanitizer looks). */
static void failing_allocations(void **state)
{
    (void)state;
    json_t *record = fixture();
    tb_report report = read_report(record);
    folder f = make_folder();
    tb_error err = {0};
    allocations = failing = 0;
    assert_int_equal(tb_tables_write(&report, f.path, &err), TIMBANG_OK);
    assert_int_equal(tb_methods_write(&report, f.path, &err), TIMBANG_OK);
    size_t all = allocations, failures = 0;
    for (size_t n = 1; n <= all; n += 1 + n / 4) {
        allocations = 0;
        failing = n;
        timbang_status status = tb_tables_write(&report, f.path, &err);
        if (status == TIMBANG_OK)
            status = tb_methods_write(&report, f.path, &err);
        failing = 0;
        if (status != TIMBANG_OK && status != TIMBANG_NO_MEMORY)
            fail_msg("allocation %zu: status %d, %s", n, (int)status, err.text);
        failures += status == TIMBANG_NO_MEMORY;
    }
    assert_true(failures > 12);
    remove_folder(&f);
    tb_report_free(&report);
    json_decref(record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_is_strict_and_whole),
        cmocka_unit_test(csv_has_every_digit),
        cmocka_unit_test(csv_texts_and_numbers),
        cmocka_unit_test(latex_has_the_columns_it_promises),
        cmocka_unit_test(latex_numbers),
        cmocka_unit_test(latex_escapes),
        cmocka_unit_test(long_tables_continue),
        cmocka_unit_test(claims_are_measured_or_say_why_not),
        cmocka_unit_test(sources_are_those_that_are_cited),
        cmocka_unit_test(methods_say_what_was_done),
        cmocka_unit_test(indonesian_is_indonesian),
        cmocka_unit_test(folder_is_replaced_when_all_is_drawn),
        cmocka_unit_test(failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
