/* SPDX-License-Identifier: Apache-2.0
 * report.html drawn from tests/report/results.json: every drawn member is required, odd and hostile values, both
 * languages, structure. */
#include "base/sha256.h"
#include "base/text.h"
#include "fixture.h"
#include "page.h"
#include "report/data.h"
#include "report/report.h"

#include <setjmp.h>
#include <stdio.h>

#include <cmocka.h>

static char *page_of(const json_t *results)
{
    char *text = NULL;
    tb_error err = {0};
    if (tb_report_html(results, &text, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    return text;
}

static void set_lang(json_t *root, const char *lang)
{
    json_object_set_new(json_object_get(root, "options"), "lang", json_string(lang));
}

/* The page without the record that stands at its end. */
static void cut_record(char *page)
{
    char *record = strstr(page, "<script type=\"application/json\"");
    assert_non_null(record);
    *record = '\0';
}

/* ---- Every drawn member is required ---- */

/* Members that are not drawn, and why. '*' is an array's index, or a label. */
static const struct {
    const char *path, *why;
} not_drawn[] = {
    {"plan.content.*", "the plan is a file of its own; its statistical members below are drawn"},
    {"options.*", "the command line says them"},
    {"data.*.label_counts.*", "a map: labels that are not there are not shown"},
    {"data.*.duplicates.first_line", "the warning tells it"},
    {"data.*.duplicates.first_other_line", "the warning tells it"},
    {"data.*.train_overlap.conflicting", "labels of training rows are not compared in words"},
    {"data.*.train_overlap.first_line", "the warning tells it"},
    {"data.*.train_overlap.first_other_line", "the warning tells it"},
    {"data.*.file", "how a file was read is for results.json"},
    {"models.*.fp32_bytes", "4 bytes a parameter"},
    {"models.*.bare_weights", "how the weights were given is for verify"},
    {"models.*.shape.*", "layers and width tell models apart"},
    {"variants.*.fp32_bytes", "4 bytes a parameter"},
    {"results.*.ece_bins", "the plan has it"},
    {"results.*.temperature.*", "its value and what it does to ECE and NLL are drawn"},
    {"results.*.label_counts", "per_class has them"},
    {"results.*.label_counts.*", "per_class has them"},
    {"results.*.predicted_counts", "per_class has them"},
    {"results.*.predicted_counts.*", "per_class has them"},
    {"results.*.tokens.total", "the mean is drawn"},
    {"results.*.against_fp32.agree", "agreement has it"},
    {"results.*.against_fp32.delta_texts", "the flips have it"},
    {"results.*.against_fp32.confidence.*", "mean and p are drawn"},
    {"results.*.against_fp32.equivalence.p_lower", "p is the larger one"},
    {"results.*.against_fp32.equivalence.p_upper", "p is the larger one"},
    {"null.*.weight_error.values", "the largest deviation is drawn"},
    {"measured.latency.*.seconds", "rounds are drawn"},
    {"measured.latency.*.tokenize.*", "quantiles are of the total"},
    {"measured.latency.*.forward.*", "quantiles are of the total"},
    {"measured.latency.*.total.*", "the 21 quantiles have them"},
    {"host.*", "the level that was used is drawn"},
};

/* Those of a '*' above that are drawn all the same. */
static const char *const drawn[] = {
    "plan.content.primary",
    "plan.content.family",
    "plan.content.alpha",
    "plan.content.power",
    "plan.content.margin",
    "plan.content.bootstrap",
    "plan.content.null_models",
    "plan.content.ece_bins",
    "options.seed",
    "options.command",
    "options.lang",
    "options.anonymous",
    "options.clean",
    "options.max_length",
    "models.*.shape.layers",
    "models.*.shape.hidden",
    "results.*.temperature.value",
    "results.*.temperature.fitted_on",
    "results.*.temperature.ece",
    "results.*.temperature.nll",
    "results.*.against_fp32.confidence.mean_difference",
    "results.*.against_fp32.confidence.p",
    "results.*.against_fp32.confidence.p_holm",
    "measured.latency.*.tokenize.mean",
    "measured.latency.*.tokenize.median",
    "measured.latency.*.tokenize.sd",
    "measured.latency.*.tokenize.p90",
    "measured.latency.*.tokenize.p99",
    "measured.latency.*.forward.mean",
    "measured.latency.*.forward.median",
    "measured.latency.*.forward.sd",
    "measured.latency.*.forward.p90",
    "measured.latency.*.forward.p99",
    "measured.latency.*.total.mean",
    "measured.latency.*.total.median",
    "measured.latency.*.total.sd",
    "measured.latency.*.total.p90",
    "measured.latency.*.total.p99",
    "host.cpu",
    "host.level",
    "host.threads",
};

/* Does path ("results.3.tokens.total") fit pattern ("results.*.tokens"), or lie below it? */
static bool fits(const char *path, const char *pattern)
{
    for (;;) {
        size_t a = strcspn(path, "."), b = strcspn(pattern, ".");
        bool any = b == 1 && pattern[0] == '*';
        if (!any && (a != b || memcmp(path, pattern, a) != 0))
            return false;
        if (!path[a] || !pattern[b])
            return !pattern[b];
        path += a + 1;
        pattern += b + 1;
    }
}

static bool is_drawn(const char *path)
{
    for (size_t i = 0; i < sizeof drawn / sizeof drawn[0]; i++)
        if (fits(path, drawn[i]))
            return true;
    for (size_t i = 0; i < sizeof not_drawn / sizeof not_drawn[0]; i++)
        if (fits(path, not_drawn[i].path))
            return false;
    return true;
}

static size_t n_deleted, n_kept;

static void without(json_t *root, json_t *object, const char *key, const char *path)
{
    char *text = NULL;
    tb_error err = {0};
    json_t *value = json_incref(json_object_get(object, key));
    json_object_del(object, key);
    timbang_status status = tb_report_html(root, &text, &err);
    if (is_drawn(path)) {
        n_deleted++;
        if (status != TIMBANG_FORMAT || !strstr(err.text, key))
            fail_msg("without %s the page gives status %d, \"%s\"", path, (int)status, err.text);
    } else {
        n_kept++;
        if (status != TIMBANG_OK)
            fail_msg("%s is listed as not drawn, but without it: %s", path, err.text);
    }
    free(text);
    json_object_set_new(object, key, value);
}

/* Deletes every key of every object in turn; of an array the first two items and the last. */
static void delete_each(json_t *root, json_t *value, const char *path)
{
    char inner[512];
    if (json_is_array(value)) {
        size_t n = json_array_size(value);
        for (size_t i = 0; i < n; i++)
            if (i < 2 || i + 1 == n) {
                snprintf(inner, sizeof inner, "%s.%zu", path, i);
                delete_each(root, json_array_get(value, i), inner);
            }
        return;
    }
    if (!json_is_object(value))
        return;
    const char *key;
    json_t *item, *keys = json_array();
    size_t i;
    json_object_foreach(value, key, item) json_array_append_new(keys, json_string(key));
    json_array_foreach(keys, i, item)
    {
        key = json_string_value(item);
        snprintf(inner, sizeof inner, "%s%s%s", path, path[0] ? "." : "", key);
        without(root, value, key, inner);
        delete_each(root, json_object_get(value, key), inner);
    }
    json_decref(keys);
}

static void every_drawn_member_is_required(void **state)
{
    (void)state;
    json_t *root = small_fixture();
    delete_each(root, root, "");
    assert_true(n_deleted > 400);
    assert_true(n_kept > 50);
    char *page = page_of(root); /* everything is back in its place */
    free(page);
    json_decref(root);
}

/* ---- Odd values ---- */

static void draw_whatever_it_is(const json_t *root)
{
    char *text = NULL;
    tb_error err = {0};
    timbang_status status = tb_report_html(root, &text, &err);
    assert_true(status == TIMBANG_OK || (status == TIMBANG_FORMAT && err.text[0]));
    free(text);
    text = NULL;
    if (status == TIMBANG_OK)
        status = tb_report_table(root, 60, true, &text, &err);
    assert_true(status == TIMBANG_OK || (status == TIMBANG_FORMAT && err.text[0]));
    free(text);
}

enum { MOST_ODDS = 6 };

/* What may stand there instead of a value of that type: NULL-terminated, borrowed from odds. */
typedef struct odd_values {
    json_t *of_numbers[MOST_ODDS], *of_strings[MOST_ODDS], *of_others[MOST_ODDS];
} odd_values;

static json_t *const *odds_for(const odd_values *odds, const json_t *value)
{
    return json_is_number(value)                             ? odds->of_numbers
           : json_is_string(value) || json_is_boolean(value) ? odds->of_strings
                                                             : odds->of_others;
}

/* Replaces every value under `value` by another one in turn, and draws. Of an array the second item: results[0] is
 * compared with nothing. */
static void spoil(json_t *root, json_t *value, const odd_values *odds)
{
    if (json_is_object(value)) {
        const char *key;
        json_t *item, *keys = json_array();
        size_t i;
        json_object_foreach(value, key, item) json_array_append_new(keys, json_string(key));
        json_array_foreach(keys, i, item)
        {
            key = json_string_value(item);
            json_t *old = json_incref(json_object_get(value, key));
            json_t *const *odd = odds_for(odds, old);
            for (size_t o = 0; odd[o]; o++) {
                json_object_set(value, key, odd[o]);
                draw_whatever_it_is(root);
            }
            json_object_set_new(value, key, old);
            spoil(root, old, odds);
        }
        json_decref(keys);
    }
    size_t n = json_array_size(value), i = n > 1 ? 1 : 0;
    if (n > 0) {
        json_t *old = json_incref(json_array_get(value, i));
        json_t *const *odd = odds_for(odds, old);
        for (size_t o = 0; odd[o]; o++) {
            json_array_set(value, i, odd[o]);
            draw_whatever_it_is(root);
        }
        json_array_set_new(value, i, old);
        spoil(root, old, odds);
    }
}

static void odd_values_are_errors_and_never_crash(void **state)
{
    (void)state;
    json_t *root = small_fixture();
    json_t *null = json_null(), *string = json_string("x"), *minus = json_integer(-1), *large = json_integer(1LL << 62),
           *huge = json_real(1.5e300), *array = json_array(), *object = json_object(), *objects = json_pack("[{}]");
    const odd_values odds = {{null, minus, large, huge}, {null, string, large}, {null, string, array, object, objects}};
    spoil(root, root, &odds);
    json_t *const alone[] = {null, string, minus, large, huge, array, object, objects};
    for (size_t i = 0; i < sizeof alone / sizeof alone[0]; i++)
        draw_whatever_it_is(alone[i]);
    json_integer_set(at_path(root, "timbang.schema"), 99);
    char *text = NULL;
    tb_error err = {0};
    assert_int_equal(tb_report_html(root, &text, &err), TIMBANG_FORMAT);
    assert_non_null(strstr(err.text, "timbang.schema is 99"));
    for (size_t i = 0; i < sizeof alone / sizeof alone[0]; i++)
        json_decref(alone[i]);
    json_decref(root);
}

static void names_must_be_known(void **state)
{
    (void)state;
    static const char *const paths[][2] = {{"results.3", "model"},        {"results.3", "data"},
                                           {"results.3", "variant"},      {"flips.0", "data"},
                                           {"null.0", "variant"},         {"groups.0.results.0", "data"},
                                           {"variants.1", "model"},       {"measured.resident.1", "variant"},
                                           {"measured.latency.2", "data"}};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        json_t *root = fixture();
        char *text = NULL;
        tb_error err = {0};
        json_object_set_new(at_path(root, paths[i][0]), paths[i][1], json_string("nobody"));
        if (tb_report_html(root, &text, &err) != TIMBANG_FORMAT || !err.text[0])
            fail_msg("%s.%s is drawn", paths[i][0], paths[i][1]);
        json_decref(root);
    }
}

/* ---- Structure ---- */

static void the_page_is_well_formed_in_both_languages(void **state)
{
    (void)state;
    static const char *const langs[] = {"en", "id"};
    for (size_t l = 0; l < 2; l++) {
        json_t *root = fixture();
        set_lang(root, langs[l]);
        char *page = page_of(root), lang[32];
        check_structure(page);
        cut_record(page);
        check_headings(page);
        check_tables_and_figures(page);
        snprintf(lang, sizeof lang, "<html lang=\"%s\">", langs[l]);
        assert_non_null(strstr(page, lang));
        assert_non_null(strstr(page, "prefers-color-scheme:dark"));
        free(page);
        json_decref(root);
    }
}

static void the_record_stands_in_the_page(void **state)
{
    (void)state;
    json_t *root = fixture();
    char *page = page_of(root);
    static const char begin[] = "<script type=\"application/json\" id=\"results\">";
    const char *script = strstr(page, begin);
    assert_non_null(script);
    script += sizeof begin - 1;
    const char *end = strchr(script, '<');
    assert_non_null(end);
    assert_true(strncmp(end, "</script>\n</body>", 17) == 0);
    json_error_t error;
    json_t *embedded = json_loadb(script, (size_t)(end - script), 0, &error);
    assert_non_null(embedded);
    assert_true(json_equal(embedded, root));
    json_decref(embedded);
    free(page);
    json_decref(root);
}

/* ---- Hostile strings ---- */

#define HOSTILE "<img src=x onerror=alert(1)>\"'&\x1b[31m\xe2\x80\xae</script><!--"

static json_t *hostile_string(const char *text)
{
    char buffer[1024];
    snprintf(buffer, sizeof buffer, "%s" HOSTILE, text);
    return json_string(buffer);
}

/* What must stay one of a few words. */
static bool is_word(const char *key)
{
    static const char *const words[] = {"lang", "primary", "figure", "kind", "labels_from"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(key, words[i]) == 0)
            return true;
    return false;
}

static void make_hostile(json_t *value)
{
    const char *key;
    json_t *item, *keys = json_array();
    size_t i;
    json_object_foreach(value, key, item) json_array_append_new(keys, json_string(key));
    json_array_foreach(keys, i, item)
    {
        key = json_string_value(item);
        json_t *member = json_object_get(value, key);
        if (json_is_string(member) && !is_word(key))
            json_object_set_new(value, key, hostile_string(json_string_value(member)));
        else
            make_hostile(member);
        bool labels = strcmp(key, "per_class") == 0 || strcmp(key, "shifts") == 0 || strcmp(key, "label_counts") == 0 ||
                      strcmp(key, "predicted_counts") == 0;
        if (labels) {
            json_t *renamed = json_object();
            const char *label;
            json_t *count;
            member = json_object_get(value, key);
            json_object_foreach(member, label, count)
            {
                json_t *name = hostile_string(label);
                json_object_set(renamed, json_string_value(name), count);
                json_decref(name);
            }
            json_object_set_new(value, key, renamed);
        }
    }
    json_decref(keys);
    for (i = 0; i < json_array_size(value); i++) {
        json_t *member = json_array_get(value, i);
        if (json_is_string(member))
            json_array_set_new(value, i, hostile_string(json_string_value(member)));
        else
            make_hostile(member);
    }
}

static void hostile_strings_are_text(void **state)
{
    (void)state;
    static const char *const langs[] = {"en", "id"};
    for (size_t l = 0; l < 2; l++) {
        json_t *root = fixture();
        make_hostile(root);
        set_lang(root, langs[l]);
        char *page = page_of(root);
        check_structure(page);
        cut_record(page);
        assert_non_null(strstr(page, "&lt;img src=x onerror=alert(1)&gt;"));
        static const char *const forbidden[] = {"<img", "\x1b", "\xe2\x80\xae", "<script", "<!--"};
        for (size_t i = 0; i < sizeof forbidden / sizeof forbidden[0]; i++)
            if (strstr(page, forbidden[i]))
                fail_msg("a string got through: %.80s", strstr(page, forbidden[i]));
        free(page);
        json_decref(root);
    }
}

/* ---- Words ---- */

static void the_page_answers_in_words(void **state)
{
    (void)state;
    json_t *root = fixture();
    char *page = page_of(root);
    check_structure(page);
    cut_record(page);
    check_page(page);
    static const char *const texts[] = {
        "12 comparisons with FP32: <b>4</b> differ beyond chance, <b>3</b> are shown to be equivalent within "
        "&plusmn;0.01",
        "<b><bdi>int8</bdi></b> is 3.9&times; smaller and 2.4&times; faster. Its accuracy differs by +0.002, one text "
        "in 500 (<i>p</i>&nbsp;=&nbsp;1.00); equivalent within &plusmn;0.01.",
        "Each of the 200 texts is as right or wrong as in FP32; equivalence is <em>not shown</em> within",
        "57 turned wrong, 9 right; <i>p</i>&nbsp;&lt;&#8239;0.001), <span class=\"mark\">more than chance gives</span>",
        "<span class=\"mark\">beyond the margin</span> of &plusmn;0.01",
        "<span class=\"mark\">slower</span> (1.18 of FP32&rsquo;s time)",
        "The labels shift</span>: it says <bdi>neutral</bdi> 170 times (FP32 107, the truth 88)",
        "Of 99 models rounded at random with as large an error, 68 came out less accurate, 27 equally accurate and 4 "
        "more accurate",
        "on one set; those of luck are ranks among the models of random rounding, two-sided and not adjusted; 0.05",
        "No faster than FP32: <b><bdi>int4-pertensor</bdi></b>: its weights are turned back",
        "100 texts, each alone at its real length; models and variants took turns, again and again, 12 rounds.",
        "the lower decile of the turns",
        "The ratio is the median over the turns; intervals come from whole turns.",
        "With 500 texts a difference under 0.0120 in accuracy cannot be seen: at least 6 texts must change sides",
        "at most 6 texts change sides",
        "cannot be shown with 200 texts, whatever a variant does: at least 268 are needed",
        "Always saying <bdi>positive</bdi> would give 0.416",
        "The model is not shown to do better than that.",
        "comes with timbang. What is found with it does not transfer to other models",
        "timbang study --model indobert=indobert --data smsa/test.tsv -o indobert-study",
        "The set holds 2 of the 3 labels",
        "<td>0.860</td><td>0.827&ndash;0.888</td>",
        "untrained head",
        "interrupted and resumed 1 time</dd>",
        NULL};
    must_say(page, texts);
    assert_null(strstr(page, "Slower than FP32: "));
    free(page);
    json_decref(root);
}

static void set_ratio(json_t *root, const char *entry, double ratio, double low, double high)
{
    json_object_set_new(at_path(root, entry), "ratio", json_real(ratio));
    json_object_set_new(at_path(root, entry), "ratio_interval", json_pack("[ff]", low, high));
}

static void words_follow_the_figures(void **state)
{
    (void)state;
    json_t *root = fixture();
    json_object_set_new(at_path(root, "plan.content"), "primary", json_string("macro_f1"));
    set_ratio(root, "measured.latency.1", 1.01, 0.85, 1.04); /* fp16 on the first set */
    set_ratio(root, "measured.latency.2", 1.21, 1.13, 1.3);  /* int8 */
    set_ratio(root, "measured.latency.5", 0.97, 0.94, 1.02); /* fp16 on the second */
    json_object_set_new(at_path(root, "measured.latency.2"), "rounds", json_integer(40));
    json_object_set_new(at_path(root, "results.0"), "n", json_integer(1));
    char *page = page_of(root);
    check_structure(page);
    cut_record(page);
    check_page(page);
    static const char *const texts[] = {"not shown to be faster or slower (1.01 of FP32&rsquo;s time)",
                                        "about as fast (0.97 of FP32&rsquo;s time)",
                                        "<li>Slower than FP32: <b><bdi>int8</bdi></b> (",
                                        "the machine was busy: time it longer with <code>--timing-seconds</code>",
                                        "<li>Macro-F1 is lost in <b><bdi>int4-pertensor</bdi></b>",
                                        "took turns, again and again, 12&ndash;40 rounds.",
                                        " of 1 text: ",
                                        NULL};
    must_say(page, texts);
    assert_null(strstr(page, "Accuracy is lost in"));
    assert_null(strstr(page, " 1 texts"));
    free(page);
    json_decref(root);
}

/* ---- The small model ---- */

static void the_small_model_is_known_by_its_weights(void **state)
{
    (void)state;
    static const char note[] = "What is found with it does not transfer to other models";
    const char *source = getenv("TIMBANG_SOURCE");
    char path[4096], hex[65];
    unsigned char block[4096];
    snprintf(path, sizeof path, "%s/models/mini-id-smsa/model.safetensors", source ? source : ".");
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    tb_sha256 hash;
    tb_sha256_init(&hash);
    for (size_t n; (n = fread(block, 1, sizeof block, file)) > 0;)
        tb_sha256_update(&hash, block, n);
    fclose(file);
    tb_sha256_final(&hash, hex);
    assert_string_equal(hex, tb_report_small_model);

    json_t *root = small_fixture();
    json_object_set_new(at_path(root, "models.0"), "embedded", json_false());
    char *page = page_of(root);
    assert_null(strstr(page, note));
    free(page);
    json_object_set_new(at_path(root, "models.0.weights.0"), "sha256", json_string(hex));
    page = page_of(root);
    assert_non_null(strstr(page, note));
    free(page);
    json_decref(root);
}

/* Letters of the page's own words: without tags, style and record. */
static char *words_of(const char *page)
{
    tb_text out = {0};
    for (const char *at = strstr(page, "<body>"); *at;) {
        if (*at == '<') {
            at = strchr(at, '>') + 1;
            tb_text_putc(&out, ' ');
        } else
            tb_text_putc(&out, *at++);
    }
    assert_false(out.failed);
    return out.data;
}

static void indonesian_is_indonesian(void **state)
{
    (void)state;
    json_t *root = fixture();
    set_lang(root, "id");
    json_object_set_new(root, "flips", json_array()); /* the texts are what they are */
    json_object_set_new(at_path(root, "measured.energy"), "source", json_string("no RAPL meter on this machine"));
    char *page = page_of(root);
    check_structure(page);
    cut_record(page);
    check_page(page);
    char *words = words_of(page);
    static const char *const english[] = {" the ",      " of ",      " and ",     " with ",  " is ",
                                          " are ",      " texts",    " model's",  " rows ",  " within ",
                                          " than ",     " from ",    " against ", " chance", "accuracy",
                                          "confidence", "equivalen", "latency",   "size "};
    for (size_t i = 0; i < sizeof english / sizeof english[0]; i++) {
        const char *at = strstr(words, english[i]);
        if (at)
            fail_msg("English in the Indonesian page: ...%.60s", at > words + 20 ? at - 20 : at);
    }
    static const char *const texts[] = {"Akurasinya berbeda +0.002, satu teks dari 500",
                                        "setara dalam batas",
                                        "Angka desimal ditulis dengan titik",
                                        "3 baris mengulang baris sebelumnya (2 persis sama)",
                                        "2 dari 500 teks terlalu panjang dan dipotong",
                                        "tidak terbukti",
                                        "tidak tersedia, tidak ada pengukur RAPL pada mesin ini.",
                                        "untuk kebetulan, dari peringkat di antara model pembulatan acak",
                                        NULL};
    must_say(words, texts);
    free(words);
    free(page);
    json_decref(root);
}

/* ---- Records with less, and with more ---- */

static void a_study_without_luck_and_flips(void **state)
{
    (void)state;
    json_t *root = fixture();
    const char *const arrays[] = {"flips", "null", "groups", "warnings"};
    for (size_t i = 0; i < 4; i++)
        json_object_set_new(root, arrays[i], json_array());
    char *page = page_of(root);
    check_structure(page);
    cut_record(page);
    check_page(page);
    assert_null(strstr(page, "Luck of the rounding"));
    assert_null(strstr(page, "Seeds of one recipe"));
    assert_null(strstr(page, "Texts whose label"));
    assert_non_null(strstr(page, "<code>--null 99</code> tests")); /* int8 gained and nothing tested it */
    free(page);
    json_decref(root);
}

static void set_everywhere(json_t *value, const char *name, json_t *what)
{
    const char *key;
    json_t *item;
    size_t i;
    if (json_object_get(value, name))
        json_object_set(value, name, what);
    json_object_foreach(value, key, item) set_everywhere(item, name, what);
    json_array_foreach(value, i, item) set_everywhere(item, name, what);
}

static void nulls_are_dashes(void **state)
{
    (void)state;
    json_t *root = fixture(), *null = json_null();
    json_t *results = json_object_get(root, "results"), *nulls = json_object_get(root, "null"), *item;
    size_t i;
    json_array_foreach(results, i, item)
    {
        json_t *against = json_object_get(item, "against_fp32");
        json_object_set(item, "bootstrap", null);
        json_object_set(item, "temperature", null);
        if (json_is_object(against)) {
            json_object_set(against, "bootstrap", null);
            json_object_set(against, "delta_macro_f1_p", null);
            json_object_set(against, "mean_kl", null);
            json_object_set(against, "max_abs_dlogit", null);
            json_object_set(json_object_get(against, "power"), "detectable", null);
            json_object_set(json_object_get(against, "primary"), "p", null);
            json_object_set(json_object_get(against, "primary"), "p_holm", null);
            json_object_set_new(json_object_get(against, "primary"), "figure", json_string("macro_f1"));
        }
    }
    json_array_foreach(nulls, i, item)
    {
        set_everywhere(item, "p", null);
        set_everywhere(item, "fp32", null);
        json_object_set(item, "agreement", null);
        json_object_set(json_object_get(item, "weight_error"), "real", null);
    }
    json_array_foreach(at_path(root, "groups.0.results"), i, item) set_everywhere(item, "interval", null);
    set_everywhere(json_object_get(root, "measured"), "peak_resident_bytes", null);
    json_object_set_new(json_object_get(root, "measured"), "peak_resident_bytes", json_integer(1));
    json_object_set(json_object_get(root, "host"), "cpu", null);
    json_object_set(json_object_get(root, "options"), "command", null);
    char *page = page_of(root);
    check_structure(page);
    cut_record(page);
    check_page(page);
    assert_non_null(strstr(page, "Its macro-F1 differs by"));
    assert_non_null(strstr(page, "(not tested)"));
    assert_non_null(strstr(page, "so few show a rank only"));
    free(page);
    json_decref(root);
}

static void a_study_without_fp32(void **state)
{
    (void)state;
    json_t *root = fixture(), *results = json_object_get(root, "results"), *item;
    size_t i;
    json_array_foreach(results, i, item) json_object_set_new(item, "against_fp32", json_null());
    const char *const arrays[] = {"results", "variants"};
    for (size_t a = 0; a < 2; a++) {
        json_t *array = json_object_get(root, arrays[a]);
        for (i = json_array_size(array); i-- > 0;)
            if (strcmp(json_string_value(json_object_get(json_array_get(array, i), "variant")), "fp32") == 0)
                json_array_remove(array, i);
    }
    json_array_foreach(json_object_get(root, "flips"), i, item)
    {
        json_object_set_new(item, "texts", json_array());
        json_object_set_new(item, "listed", json_integer(0));
        json_object_set_new(item, "total", json_integer(0));
    }
    json_object_set_new(root, "groups", json_array());
    char *page = page_of(root);
    check_structure(page);
    cut_record(page);
    check_page(page);
    assert_non_null(strstr(page, "FP32 was not run, so nothing is compared."));
    static const char *const absent[] = {
        "Nothing was compared",  "No trained model",   "Differences from FP32",    "Tests, equivalence and power",
        "no label differs from", "exact McNemar test", "Texts whose label differs"};
    for (i = 0; i < sizeof absent / sizeof absent[0]; i++)
        if (strstr(page, absent[i]))
            fail_msg("nothing was compared, and the page says: %.100s", strstr(page, absent[i]));
    free(page);
    /* One model of several without it is told where that model stands. */
    json_decref(root);
    root = fixture();
    json_array_foreach(json_object_get(root, "results"), i, item)
    {
        if (strcmp(json_string_value(json_object_get(item, "model")), "mini-id-smsa-s123") == 0 &&
            strcmp(json_string_value(json_object_get(item, "variant")), "fp32") == 0)
            json_object_set_new(item, "variant", json_string("fp16"));
        if (strcmp(json_string_value(json_object_get(item, "model")), "mini-id-smsa-s123") == 0)
            json_object_set_new(item, "against_fp32", json_null());
    }
    page = page_of(root);
    assert_non_null(strstr(page, "Nothing was compared: FP32 is not among its variants."));
    assert_null(strstr(page, "FP32 was not run, so nothing is compared."));
    free(page);
    json_decref(root);
}

static void many_flips(void **state)
{
    (void)state;
    enum { MANY = 20000 };
    json_t *root = fixture(), *flips = at_path(root, "flips.0"), *texts = json_object_get(flips, "texts");
    json_t *one = json_array_get(texts, 3);
    while (json_array_size(texts) < MANY)
        json_array_append(texts, one);
    json_object_set_new(flips, "listed", json_integer(MANY));
    json_object_set_new(flips, "total", json_integer(MANY + 5));
    char *page = page_of(root);
    assert_non_null(strstr(page, ", the first 20000 listed"));
    size_t n = 0;
    for (const char *at = page; (at = find(at, "<bdi dir=\"auto\">")) != NULL; at++)
        n++;
    assert_true(n > MANY);
    free(page);
    json_decref(root);
}

/* ---- Memory ---- */

static long allocations;  /* since the last reset */
static long failing = -1; /* this one fails; -1: none */

void *__real_realloc(void *block, size_t size);
void *__wrap_realloc(void *block, size_t size);

void *__wrap_realloc(void *block, size_t size)
{
    return allocations++ == failing ? NULL : __real_realloc(block, size);
}

static void every_failed_allocation_is_told(void **state)
{
    (void)state;
    json_t *root = small_fixture();
    char *text = NULL;
    tb_error err = {0};
    long k = 0;
    for (; !text; k++) {
        allocations = 0;
        failing = k;
        timbang_status status = tb_report_html(root, &text, &err);
        failing = -1;
        assert_int_equal(status, text ? TIMBANG_OK : TIMBANG_NO_MEMORY);
    }
    assert_true(k > 20);
    free(text);
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_drawn_member_is_required),
        cmocka_unit_test(odd_values_are_errors_and_never_crash),
        cmocka_unit_test(names_must_be_known),
        cmocka_unit_test(the_page_is_well_formed_in_both_languages),
        cmocka_unit_test(the_record_stands_in_the_page),
        cmocka_unit_test(hostile_strings_are_text),
        cmocka_unit_test(the_page_answers_in_words),
        cmocka_unit_test(words_follow_the_figures),
        cmocka_unit_test(the_small_model_is_known_by_its_weights),
        cmocka_unit_test(indonesian_is_indonesian),
        cmocka_unit_test(a_study_without_luck_and_flips),
        cmocka_unit_test(nulls_are_dashes),
        cmocka_unit_test(a_study_without_fp32),
        cmocka_unit_test(many_flips),
        cmocka_unit_test(every_failed_allocation_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
