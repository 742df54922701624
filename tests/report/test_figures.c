/* SPDX-License-Identifier: Apache-2.0
 * src/report/figures on made-up reports: well-formed XML, unique ids, numbers and texts inside the drawing, known
 * classes, the same bytes twice, files with safe names. With TIMBANG_FIGURES=FOLDER the drawings are left there to be
 * looked at. */
#include "fake_report.h"
#include "report/figures/svg.h"

#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- The allocator, wrapped at link time ---- */

static long allocations;  /* since the last reset */
static long failing = -1; /* this one fails; -1: none */

void *__real_realloc(void *block, size_t size);
void *__wrap_realloc(void *block, size_t size);

void *__wrap_realloc(void *block, size_t size)
{
    return allocations++ == failing ? NULL : __real_realloc(block, size);
}

/* ---- A strict reader of what the drawings use of XML ---- */

enum { MOST_IDS = 2000, DEPTH = 32, MOST_CLASSES = 80 };

typedef struct reader {
    const char *at;
    char open[DEPTH][16];
    size_t depth, n_ids, shapes;
    char ids[MOST_IDS][48];
    double box[4]; /* the viewBox being read: left, top, width, height */
    char class[32], anchor[16];
    char known[MOST_CLASSES][32]; /* classes that have a rule */
    size_t n_known;
    double x;
} reader;

static void wrong(const reader *r, const char *what)
{
    fail_msg("%s at: %.200s", what, r->at);
}

static size_t word(const char *at)
{
    size_t n = 0;
    while ((at[n] >= 'a' && at[n] <= 'z') || (at[n] >= 'A' && at[n] <= 'Z') || at[n] == '-' || at[n] == ':' ||
           (n && at[n] >= '0' && at[n] <= '9'))
        n++;
    return n;
}

static void check_characters(reader *r, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20 && c != '\n')
            wrong(r, "a control character");
        if (c == '<' || c == '>')
            wrong(r, "a bare angle bracket");
        if (c == '&' && strncmp(text + i, "&amp;", 5) && strncmp(text + i, "&lt;", 4) && strncmp(text + i, "&gt;", 4) &&
            strncmp(text + i, "&quot;", 6))
            wrong(r, "a bare ampersand");
    }
    for (size_t i = 0; i < length;) {
        uint32_t code;
        int n = tb_utf8_decode(text + i, length - i, &code);
        if (n <= 0)
            wrong(r, "invalid UTF-8");
        i += (size_t)n;
    }
}

static double number(reader *r, const char *value, size_t length)
{
    char copy[64];
    double result = NAN;
    if (length >= sizeof copy)
        wrong(r, "a long number");
    memcpy(copy, value, length);
    copy[length] = '\0';
    if (!tb_parse_double(copy, &result) || !isfinite(result))
        wrong(r, "not a number");
    return result;
}

static bool is(const char *text, size_t length, const char *other)
{
    return strlen(other) == length && memcmp(text, other, length) == 0;
}

static bool known_class(const char *class)
{
    char rule[64];
    snprintf(rule, sizeof rule, ".%s", class);
    for (size_t i = 0; tb_figure_style[i]; i++)
        for (const char *at = tb_figure_style[i]; (at = strstr(at, rule)); at++)
            if (!word(at + strlen(rule)))
                return true;
    return false;
}

static void check_class(reader *r)
{
    for (size_t i = 0; i < r->n_known; i++)
        if (strcmp(r->known[i], r->class) == 0)
            return;
    if (!known_class(r->class))
        wrong(r, "a class without a rule");
    assert_true(r->n_known < MOST_CLASSES);
    strcpy(r->known[r->n_known++], r->class);
}

static void add_id(reader *r, const char *value, size_t length)
{
    assert_true(length < sizeof r->ids[0] && r->n_ids < MOST_IDS);
    for (size_t i = 0; i < r->n_ids; i++)
        if (is(value, length, r->ids[i]))
            wrong(r, "an id twice");
    memcpy(r->ids[r->n_ids++], value, length);
}

static void check_attribute(reader *r, const char *name, size_t name_length, const char *value, size_t length)
{
    enum { EDGE = 2 };
    static const char *const across[] = {"x", "x1", "x2", "cx"}, *const down[] = {"y", "y1", "y2", "cy"};
    check_characters(r, value, length);
    if (is(name, name_length, "id"))
        add_id(r, value, length);
    if (is(name, name_length, "class")) {
        assert_true(length < sizeof r->class);
        memcpy(r->class, value, length);
        r->class[length] = '\0';
        check_class(r);
    }
    if (is(name, name_length, "text-anchor"))
        memcpy(r->anchor, value, length);
    for (size_t i = 0; i < 4; i++) {
        if (is(name, name_length, across[i])) {
            r->x = number(r, value, length);
            if (r->x < r->box[0] - EDGE || r->x > r->box[0] + r->box[2] + EDGE)
                wrong(r, "outside, left or right");
        }
        if (is(name, name_length, down[i])) {
            double y = number(r, value, length);
            if (y < r->box[1] - EDGE || y > r->box[1] + r->box[3] + EDGE)
                wrong(r, "outside, above or below");
        }
    }
    if (is(name, name_length, "width") && !is(value, length, "100%") && number(r, value, length) > r->box[2] + EDGE)
        wrong(r, "too wide");
    if (is(name, name_length, "height") && number(r, value, length) > r->box[3] + EDGE)
        wrong(r, "too high");
}

static void read_attributes(reader *r, bool svg)
{
    if (svg) { /* the size first: the other attributes are held against it */
        const char *box = strstr(r->at, "viewBox=\"");
        assert_non_null(box);
        box += strlen("viewBox=\"");
        for (size_t i = 0; i < 4; i++) {
            size_t length = strcspn(box, " \"");
            r->box[i] = number(r, box, length);
            box += length + 1;
        }
        assert_true(r->box[2] > 50 && r->box[3] > 10 && r->box[3] < 20000);
    }
    const char *seen[16];
    for (size_t n_seen = 0; *r->at == ' '; n_seen++) {
        const char *name = ++r->at;
        size_t n = word(name);
        r->at += n;
        if (!n || strncmp(r->at, "=\"", 2) != 0 || n_seen == 16)
            wrong(r, "an odd attribute");
        for (size_t i = 0; i < n_seen; i++)
            if (word(seen[i]) == n && memcmp(seen[i], name, n) == 0)
                wrong(r, "an attribute twice");
        seen[n_seen] = name;
        const char *value = r->at + 2;
        size_t length = strcspn(value, "\"");
        check_attribute(r, name, n, value, length);
        r->at = value + length + 1;
    }
}

/* The visible end of a text stays inside the drawing, as far as its width is known. */
static void check_text(reader *r, const char *text, size_t length)
{
    static const char *const kinds[TB_N_FONTS] = {"f-name", "f-strong", "f-value", "f-soft", "f-tick", "f-inside"};
    if (!r->depth || strcmp(r->open[r->depth - 1], "text") != 0 || !length)
        return;
    tb_text plain = {0};
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '&') {
            tb_text_putc(&plain, 'x');
            i += strcspn(text + i, ";");
        } else
            tb_text_putc(&plain, text[i]);
    }
    double width = 0;
    for (size_t f = 0; f < TB_N_FONTS; f++)
        if (strcmp(r->class, kinds[f]) == 0)
            width = tb_svg_measure((tb_svg_font)f, plain.data);
    double left = strcmp(r->anchor, "end") == 0      ? r->x - width
                  : strcmp(r->anchor, "middle") == 0 ? r->x - width / 2
                                                     : r->x;
    if (left < r->box[0] - 4 || left + width > r->box[0] + r->box[2] + 4)
        fail_msg("'%s' from %g to %g in a drawing %g wide", plain.data, left, left + width, r->box[2]);
    tb_text_free(&plain);
}

static void read_element(reader *r)
{
    if (r->at[1] == '/') {
        const char *name = r->at + 2;
        size_t n = word(name);
        if (!r->depth || !is(name, n, r->open[r->depth - 1]) || name[n] != '>')
            wrong(r, "an end without its begin");
        r->depth--;
        r->at = name + n + 1;
        return;
    }
    const char *name = r->at + 1;
    size_t n = word(name);
    if (!n || n >= 16 || r->depth == DEPTH)
        wrong(r, "an odd element");
    r->at = name + n;
    bool titled = is(name, n, "title");
    if (!titled) {
        r->anchor[0] = r->class[0] = '\0';
        memset(r->anchor, 0, sizeof r->anchor);
    }
    read_attributes(r, is(name, n, "svg"));
    r->shapes++;
    if (strncmp(r->at, "/>", 2) == 0) {
        r->at += 2;
        return;
    }
    if (*r->at != '>')
        wrong(r, "a tag without an end");
    r->at++;
    memcpy(r->open[r->depth], name, n);
    r->open[r->depth++][n] = '\0';
}

/* Reads elements and texts up to the end; the ids of several drawings may be gathered in one reader. */
static void read_xml(reader *r, const char *xml)
{
    r->at = xml;
    if (strncmp(xml, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", 39) == 0)
        r->at += 39;
    while (*r->at) {
        size_t n = strcspn(r->at, "<");
        bool style = r->depth && strcmp(r->open[r->depth - 1], "style") == 0;
        if (!style)
            check_characters(r, r->at, n);
        check_text(r, r->at, n);
        if (!r->depth && strspn(r->at, "\n") < n)
            wrong(r, "text outside");
        r->at += n;
        if (*r->at)
            read_element(r);
    }
    assert_int_equal(r->depth, 0);
}

/* ---- What is drawn ---- */

static const fake_shape usual = {
    .models = 1, .sets = 1, .variants = 4, .classes = 3, .null_models = 20, .spread = 1, .rows = 500};

static const fake_shape several = {
    .models = 3, .sets = 3, .variants = 6, .classes = 3, .null_models = 99, .groups = true, .spread = 1, .rows = 500};

/* All figures of a report in one text, as they would stand in one page; returns how many. */
static size_t draw_all(tb_text *out, const tb_report *report)
{
    size_t n = 0;
    for (const tb_figure *figure = tb_figures; figure->name; figure++)
        for (size_t set = 0; set < (figure->per_set ? report->n_sets : 1); set++)
            if (!figure->wanted || figure->wanted(report, set)) {
                figure->draw(out, report, set);
                n++;
            }
    assert_false(out->failed);
    return n;
}

static size_t check(const fake_shape *shape, void (*spoil)(tb_report *))
{
    tb_report *report = fake_report(shape);
    if (spoil)
        spoil(report);
    tb_text first = {0}, second = {0};
    size_t n = draw_all(&first, report);
    draw_all(&second, report);
    assert_string_equal(first.data, second.data);
    reader *r = calloc(1, sizeof *r);
    read_xml(r, first.data);
    assert_int_equal(r->n_ids, 2 * n); /* a title and a description each */
    free(r);
    tb_text_free(&first);
    tb_text_free(&second);
    fake_report_free(report);
    return n;
}

static void usual_studies(void **state)
{
    (void)state;
    assert_int_equal(check(&usual, NULL), 10); /* all but seeds */
    assert_int_equal(check(&several, NULL), 2 + 9 * 3);
    fake_shape shape = several;
    shape.lang = TB_LANG_ID;
    shape.untrained = true;
    assert_int_equal(check(&shape, NULL), 2 + 9 * 3);
}

/* The record that the other tests of the report use. */
static void the_fixture(void **state)
{
    (void)state;
    const char *root = getenv("TIMBANG_SOURCE");
    char path[4096];
    json_t *json = NULL;
    tb_error err = {0};
    tb_report report;
    snprintf(path, sizeof path, "%s/tests/report/results.json", root ? root : ".");
    if (tb_json_load_file(path, &json, &err) != TIMBANG_OK || tb_report_read(json, &report, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    tb_text page = {0};
    size_t n = draw_all(&page, &report);
    assert_true(n >= 10);
    reader *r = calloc(1, sizeof *r);
    read_xml(r, page.data);
    free(r);
    const char *folder = getenv("TIMBANG_FIGURES");
    snprintf(path, sizeof path, "%s/fixture", folder ? folder : "");
    if (folder && *folder)
        assert_int_equal(tb_figures_write(&report, path, &err), TIMBANG_OK);
    tb_text_free(&page);
    tb_report_free(&report);
    json_decref(json);
}

static void degenerate_studies(void **state)
{
    (void)state;
    fake_shape shape = {.models = 1, .sets = 1, .variants = 1, .classes = 1, .rows = 1};
    assert_int_equal(check(&shape, NULL), 8); /* nothing to compare: no forest */
    shape =
        (fake_shape){.models = 2, .sets = 2, .variants = 3, .classes = 2, .rows = 500, .no_fp32 = true, .spread = 1};
    assert_int_equal(check(&shape, NULL), 2 + 2 * 6);
    shape = usual;
    shape.no_timings = shape.no_bootstrap = true;
    assert_int_equal(check(&shape, NULL), 8); /* no tradeoff, no latency */
    shape = usual;
    shape.spread = 0; /* all alike */
    assert_int_equal(check(&shape, NULL), 10);
    shape.classes = 0;
    shape.rows = 0;
    assert_int_equal(check(&shape, NULL), 10);
}

static void huge_studies(void **state)
{
    (void)state;
    fake_shape shape = usual;
    shape.classes = 256;
    shape.null_models = 20000;
    shape.rows = 1000000;
    check(&shape, NULL);
    shape = (fake_shape){.models = 12,
                         .sets = 8,
                         .variants = 12,
                         .classes = 3,
                         .null_models = 20,
                         .spread = 1,
                         .rows = 500,
                         .groups = true};
    check(&shape, NULL);
    shape.models = 60;
    shape.sets = 1;
    shape.variants = 20;
    check(&shape, NULL);
}

static void hostile_names(void **state)
{
    (void)state;
    static char prefix[400];
    fake_shape shape = several;
    shape.untrained = true;
    shape.names = "</text></desc><script>alert(\"1\")</script>&amp;'";
    check(&shape, NULL);
    shape.names = "\x01\x1b[31m\xe2\x80\xae\xef\xbf\xbf\n\xc2\x85 ";
    check(&shape, NULL);
    for (size_t i = 0; i < 200; i++)
        memcpy(prefix + 2 * i, "\xc3\xa9", 2); /* 200 times an e with an accent */
    prefix[sizeof prefix - 1] = '\0';
    prefix[sizeof prefix - 2] = '\0';
    shape.names = prefix;
    check(&shape, NULL);
    memset(prefix, 'W', 200);
    prefix[200] = '\0';
    check(&shape, NULL);
    shape.names = "\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97";
    check(&shape, NULL);
}

/* Every real number of the results one by one as NaN, infinite, huge and negative. */
static double spoilt;

static void spoil_all(tb_report *report)
{
    report->plan.alpha = report->plan.margin = report->seconds = spoilt;
    for (size_t i = 0; i < report->n_variants; i++)
        report->variants[i].ratio = spoilt;
    for (size_t i = 0; i < report->n_results; i++) {
        tb_report_result *r = &report->results[i];
        r->accuracy = r->low = r->high = r->ece = r->mean_confidence = r->confidence_sd = r->majority_accuracy = spoilt;
        r->delta_accuracy = r->latency_ratio = r->total.mean = spoilt;
        r->latency_interval = r->tests.boot_accuracy = r->tests.equivalence_interval = (tb_interval){-spoilt, spoilt};
        r->tests.primary_p_holm = spoilt;
        for (size_t b = 0; b < r->n_bins; b++)
            r->reliability[b].confidence = r->reliability[b].accuracy = r->reliability[b].low = spoilt;
        for (size_t q = 0; q < TB_REPORT_QUANTILES; q++)
            r->quantiles[q] = spoilt;
    }
    for (size_t i = 0; i < report->n_nulls; i++) {
        tb_report_null_figure *f = &report->nulls[i].accuracy;
        f->real = f->fp32 = f->p = spoilt;
        for (size_t k = 0; k < report->nulls[i].models; k++)
            f->values[k] = spoilt;
    }
    for (size_t i = 0; i < report->n_groups; i++) {
        tb_report_group *g = &report->groups[i];
        for (size_t k = 0; k < g->n_results; k++) {
            tb_report_spread *all[] = {&g->results[k].accuracy, &g->results[k].delta_accuracy};
            for (size_t s = 0; s < 2; s++) {
                all[s]->mean = all[s]->sd = all[s]->values[0] = spoilt;
                all[s]->interval = (tb_interval){spoilt, -spoilt};
            }
        }
    }
}

static void odd_numbers(void **state)
{
    (void)state;
    static const double values[] = {NAN, INFINITY, -INFINITY, 1e300, -1e300, 1e-300, 0, -1, 1e9, 12345678};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        spoilt = values[i];
        check(&several, spoil_all);
    }
}

static void counts_at_their_limit(tb_report *report)
{
    for (size_t i = 0; i < report->n_variants; i++)
        report->variants[i].size_bytes = report->variants[i].parts[0] = UINT64_MAX;
    for (size_t i = 0; i < report->n_results; i++) {
        report->results[i].n = report->results[i].right_to_wrong = report->results[i].wrong_to_right = UINT64_MAX;
        report->results[i].classes[0].truth = UINT64_MAX / 2;
        report->results[i].reliability[9].n = UINT64_MAX;
    }
    report->sets[0].rows = report->models[0].parameters = report->threads = UINT64_MAX;
    report->plan.replicates = report->latency_texts = report->latency_rounds = UINT64_MAX;
    report->cpu = "a processor whose name is far longer than any box that might be drawn around it, and then some more";
    report->plan.sha256 = "short";
}

static void huge_counts(void **state)
{
    (void)state;
    check(&several, counts_at_their_limit);
}

/* ---- What stands in them ---- */

static char *draw(const fake_shape *shape, const char *name)
{
    tb_report *report = fake_report(shape);
    tb_text out = {0};
    const tb_figure *figure = tb_figure_find(name);
    assert_non_null(figure);
    figure->draw(&out, report, 0);
    assert_false(out.failed);
    fake_report_free(report);
    return out.data;
}

static void has(const char *svg, const char *text)
{
    if (!strstr(svg, text))
        fail_msg("'%s' is missing in: %.3000s", text, svg ? svg : "");
}

static void numbers_are_shown(void **state)
{
    (void)state;
    static const struct {
        const char *figure, *texts[7];
    } expected[] = {
        {"accuracy", {">0.902<", ">0.904<", ">0.890<", "FP32", "n = 500", "int8: 0.904 (0.878, 0.930)"}},
        {"forest",
         {">+0.002<",
          ">\xe2\x88\x92"
          "0.012<",
          ">\xc2\xb1"
          "0.01<",
          ">0.740<",
          ">3\xe2\x80\x89/\xe2\x80\x89"
          "4<",
          "equivalent"}},
        {"summary", {">498<", ">125<", ">1.73<", ">0.930<", ">0.902<", "size, MB"}},
        {"sizes", {">498\xe2\x80\x89MB<", ">0.25\xc3\x97<", "encoder"}},
        {"labels", {"positive", ">250<", ">200<", "truth"}},
        {"latency", {">4.32<", ">0.39\xc3\x97<", "/ fp32"}},
        {"reliability", {"ECE 0.043", "int4: ECE 0.046"}},
        {"tradeoff", {">int8<", ">0.904<", "ms", "size in MB"}},
        {"null", {"of 21", "random rounding", ">int8<"}},
        {"pipeline",
         {"indobert-smsa-42", "124\xe2\x80\x89M parameters", "3fa9c01d7be2",
          "2\xe2\x80\x89"
          "000 bootstrap replicates",
          "20 random roundings", "500 texts", "12 min 21 s"}},
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        char *svg = draw(&usual, expected[i].figure);
        for (size_t k = 0; k < 7 && expected[i].texts[k]; k++)
            has(svg, expected[i].texts[k]);
        free(svg);
    }
    char *svg = draw(&several, "seeds");
    has(svg, ">0.890 \xc2\xb1 0.011<");
    has(svg, "3 seeds: 42, 123, 456");
    free(svg);
}

/* The place of the first element of a class after some text. */
static double place_of(const char *svg, const char *element, const char *attribute)
{
    char open[64];
    const char *at = strstr(svg, element);
    assert_non_null(at);
    snprintf(open, sizeof open, " %s=\"", attribute);
    at = strstr(at, open);
    assert_non_null(at);
    return strtod(at + strlen(open), NULL);
}

/* FP32's dot lies on FP32's line; the bar of a quarter of the bytes is a quarter as long. */
static void places_are_true(void **state)
{
    (void)state;
    char *svg = draw(&usual, "accuracy");
    assert_true(fabs(place_of(svg, "<line class=\"f-ref\"", "x1") - place_of(svg, "<circle class=\"f-dot\"", "cx")) <
                0.011);
    free(svg);
    svg = draw(&usual, "summary");
    const char *bar = strstr(svg, "<rect class=\"f-bar\"");
    double fp32 = place_of(bar, "<rect class=\"f-bar\"", "width"),
           fp16 = place_of(bar + 5, "<rect class=\"f-bar\"", "width");
    assert_true(fabs(fp16 / fp32 - 0.5) < 0.001);
    free(svg);
    svg = draw(&usual, "forest"); /* the band is as far left of zero as right of it */
    double band = place_of(svg, "<rect class=\"f-band\"", "x"),
           width = place_of(svg, "<rect class=\"f-band\"", "width");
    assert_true(fabs(band + width / 2 - place_of(svg, "<line class=\"f-zero\"", "x1")) < 0.02);
    free(svg);
}

/* ---- Files ---- */

static void name_clashes(tb_report *report)
{
    report->sets[0].name = "../../etc/passwd";
    report->sets[1].name = "Etc-Passwd";
    report->sets[2].name = "\xe6\xbc\xa2 <>&";
}

static char *folder_of_test(char *path, size_t size)
{
    const char *temporary = getenv("TMPDIR");
    snprintf(path, size, "%s/timbang-figures-XXXXXX", temporary ? temporary : "/tmp");
    assert_non_null(mkdtemp(path));
    return path;
}

static void read_written(const char *folder, const char *name, reader *r)
{
    char path[512];
    char *bytes = NULL;
    size_t size = 0;
    tb_error err = {0};
    snprintf(path, sizeof path, "%s/figures/%s.svg", folder, name);
    if (tb_read_file(path, 0, &bytes, &size, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    has(bytes, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg ");
    has(bytes, "prefers-color-scheme:dark");
    assert_null(strstr(bytes, "var(")); /* librsvg knows no variables */
    assert_null(strstr(bytes, "#808080"));
    read_xml(r, bytes);
    free(bytes);
    snprintf(path, sizeof path, "%s/figures/%s.pdf", folder, name);
    assert_int_equal(tb_is_file(path), tb_figures_pdf());
    if (!tb_figures_pdf())
        return;
    if (tb_read_file(path, 0, &bytes, &size, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    assert_true(size > 1000 && memcmp(bytes, "%PDF-", 5) == 0);
    has(bytes + size - 7, "%%EOF");
    free(bytes);
}

static void files_have_safe_names(void **state)
{
    (void)state;
    char folder[256];
    tb_error err = {0};
    tb_report *report = fake_report(&several);
    name_clashes(report);
    folder_of_test(folder, sizeof folder);
    if (tb_figures_write(report, folder, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    reader *r = calloc(1, sizeof *r);
    static const char *const names[] = {"forest-etc-passwd", "forest-Etc-Passwd-2", "forest-set", "pipeline", "sizes",
                                        "null-set"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        read_written(folder, names[i], r);
    free(r);
    assert_int_equal(tb_remove_tree(folder, &err), TIMBANG_OK);
    if (tb_figures_write(report, "/dev/null/folder", &err) == TIMBANG_OK)
        fail_msg("a folder that cannot be");
    fake_report_free(report);
}

/* Two writes give the same bytes, PDF too. */
static void files_are_the_same_twice(void **state)
{
    (void)state;
    char folder[256], path[512];
    char *bytes[2][2] = {{0}};
    size_t sizes[2][2];
    tb_error err = {0};
    tb_report *report = fake_report(&usual);
    folder_of_test(folder, sizeof folder);
    for (size_t run = 0; run < 2; run++) {
        if (run && tb_figures_pdf())
            sleep(1); /* the clock must not show */
        assert_int_equal(tb_figures_write(report, folder, &err), TIMBANG_OK);
        for (size_t kind = 0; kind < (tb_figures_pdf() ? 2 : 1); kind++) {
            snprintf(path, sizeof path, "%s/figures/forest-smsa.%s", folder, kind ? "pdf" : "svg");
            assert_int_equal(tb_read_file(path, 0, &bytes[run][kind], &sizes[run][kind], &err), TIMBANG_OK);
        }
    }
    for (size_t kind = 0; kind < (tb_figures_pdf() ? 2 : 1); kind++) {
        assert_int_equal(sizes[0][kind], sizes[1][kind]);
        assert_memory_equal(bytes[0][kind], bytes[1][kind], sizes[0][kind]);
        free(bytes[0][kind]);
        free(bytes[1][kind]);
    }
    assert_int_equal(tb_remove_tree(folder, &err), TIMBANG_OK);
    fake_report_free(report);
}

/* ---- Pieces ---- */

static void ticks_are_round(void **state)
{
    (void)state;
    tb_axis a = tb_axis_make(0.8231, 0.9177, 0, 300, 6, true);
    assert_true(fabs(a.low - 0.82) < 1e-9 && fabs(a.high - 0.92) < 1e-9 && fabs(a.step - 0.02) < 1e-9 &&
                a.decimals == 2);
    a = tb_axis_make(0.8231, 0.9177, 0, 100, 6, true); /* no room for so many numbers */
    assert_true(fabs(a.step - 0.05) < 1e-9);
    a = tb_axis_make(0, 61.9, 0, 100, 5, true);
    assert_true(a.low == 0 && fabs(a.high - 80) < 1e-9 && a.decimals == 0);
    assert_true(fabs(tb_axis_at(&a, 20) - 25) < 1e-9 && tb_axis_at(&a, -5) == 0 && tb_axis_at(&a, 1000) == 100);
    a = tb_axis_make(0.9, 0.9, 0, 100, 5, true);
    assert_true(a.low < 0.9 && a.high > 0.9);
    a = tb_axis_logarithmic(1, 100, 0, 100);
    assert_true(fabs(tb_axis_at(&a, 10) - 50) < 1e-6);
}

static void odd_places_become_numbers(void **state)
{
    (void)state;
    tb_report *report = fake_report(&usual);
    tb_svg svg;
    tb_text out = {0};
    tb_svg_begin(&svg, "x", report, 0, 500);
    tb_svg_line(&svg, "f-grid", NAN, INFINITY, -1e300, -0.004);
    tb_svg_line(&svg, "f-grid", 1.005, 2.5, -0.25, 100);
    tb_svg_end(&svg, &out, 30, "T");
    has(out.data, "x1=\"0\" y1=\"100000\" x2=\"-100000\" y2=\"0\"");
    has(out.data, "y1=\"2.5\" x2=\"-0.25\" y2=\"100\"");
    tb_text_free(&out);
    fake_report_free(report);
}

static void long_texts_are_cut_in_the_middle(void **state)
{
    (void)state;
    tb_report *report = fake_report(&usual);
    tb_svg svg;
    tb_text out = {0};
    tb_svg_begin(&svg, "x", report, 0, 500);
    tb_svg_text(&svg, TB_FONT_NAME, 0, 20, TB_START, 100, "indobert-base-p2-smsa-qat-seed-42");
    tb_svg_end(&svg, &out, 30, "T");
    has(out.data, "<title>indobert-base-p2-smsa-qat-seed-42</title>indober");
    has(out.data, "\xe2\x80\xa6");
    has(out.data, "42</text>");
    tb_text_free(&out);
    fake_report_free(report);
}

static void captions_in_both_languages(void **state)
{
    (void)state;
    size_t n = 0;
    for (const tb_figure *figure = tb_figures; figure->name; figure++, n++) {
        assert_true(strlen(figure->caption_en) > 20 && strlen(figure->caption_id) > 20);
        assert_string_not_equal(figure->caption_en, figure->caption_id);
        assert_ptr_equal(tb_figure_find(figure->name), figure);
    }
    assert_int_equal(n, 11);
    assert_null(tb_figure_find("no such figure"));
}

/* Texts grow by realloc: whichever fails, the drawing says so. */
static void failing_allocations_are_told(void **state)
{
    (void)state;
    fake_shape shape = usual;
    shape.names = "a name that is too long for every place that is kept for one";
    tb_report *report = fake_report(&shape);
    for (const tb_figure *figure = tb_figures; figure->name; figure++) {
        if (figure->wanted && !figure->wanted(report, 0))
            continue;
        tb_text out = {0};
        failing = -1;
        allocations = 0;
        figure->draw(&out, report, 0);
        assert_false(out.failed);
        tb_text_free(&out);
        const long all = allocations;
        assert_true(all > 10);
        for (long i = 0; i < all; i++) {
            allocations = 0;
            failing = i;
            figure->draw(&out, report, 0);
            failing = -1;
            if (!out.failed)
                fail_msg("%s: allocation %ld of %ld failed without a word", figure->name, i, all);
            tb_text_free(&out);
        }
    }
    fake_report_free(report);
}

/* For people: TIMBANG_FIGURES=FOLDER. */
static void leave(const fake_shape *shape, const char *folder, const char *name)
{
    char path[512];
    tb_error err = {0};
    tb_report *report = fake_report(shape);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (tb_figures_write(report, path, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    fake_report_free(report);
}

static void leave_some_to_look_at(void **state)
{
    (void)state;
    const char *folder = getenv("TIMBANG_FIGURES");
    if (!folder || !*folder)
        skip();
    leave(&usual, folder, "usual");
    leave(&several, folder, "several");
    fake_shape shape = several;
    shape.lang = TB_LANG_ID;
    shape.untrained = true;
    shape.sets = 1;
    leave(&shape, folder, "untrained");
    shape = usual;
    shape.classes = 256;
    shape.variants = 1;
    leave(&shape, folder, "classes");
    shape = (fake_shape){
        .models = 6, .sets = 6, .variants = 10, .classes = 5, .null_models = 400, .spread = 1, .rows = 20000};
    shape.names = "a-name-that-is-long-indeed-";
    leave(&shape, folder, "many");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usual_studies),
        cmocka_unit_test(the_fixture),
        cmocka_unit_test(degenerate_studies),
        cmocka_unit_test(huge_studies),
        cmocka_unit_test(hostile_names),
        cmocka_unit_test(odd_numbers),
        cmocka_unit_test(huge_counts),
        cmocka_unit_test(numbers_are_shown),
        cmocka_unit_test(places_are_true),
        cmocka_unit_test(files_have_safe_names),
        cmocka_unit_test(files_are_the_same_twice),
        cmocka_unit_test(ticks_are_round),
        cmocka_unit_test(odd_places_become_numbers),
        cmocka_unit_test(long_texts_are_cut_in_the_middle),
        cmocka_unit_test(captions_in_both_languages),
        cmocka_unit_test(failing_allocations_are_told),
        cmocka_unit_test(leave_some_to_look_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
