/* SPDX-License-Identifier: Apache-2.0
 * The roadmap drawn: page, terminal, CSV and LaTeX, from tests/report/results.json with a roadmap added. */
#include "fixture.h"
#include "page.h"
#include "report/report.h"
#include "report/tables.h"
#include "report/terminal.h"

#include "base/io.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define QAT "q_at <i>& 100%</i>"

/* One number, two for two seeds. */
static json_t *spread(size_t n, double mean, double sd)
{
    json_t *values = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(values, json_real(mean + (i ? sd : -sd)));
    return json_pack("{s:f, s:f, s:o}", "mean", mean, "sd", sd, "values", values);
}

static json_t *row(json_t *root, const char *name, const char *stage, const char *scheme, size_t first, size_t n,
                   double mean)
{
    static const char *const variants[] = {"fp32", "int8"};
    json_t *models = json_array(), *seeds = json_array(), *cells = json_array();
    for (size_t m = first; m < first + n; m++) {
        json_array_append(models, json_object_get(json_array_get(json_object_get(root, "models"), m), "name"));
        json_array_append_new(seeds, m == 2 ? json_null() : json_integer(42 + (json_int_t)m));
    }
    for (size_t s = 0; s < 2; s++)
        for (size_t v = 0; v < 2; v++)
            json_array_append_new(
                cells, json_pack("{s:O, s:s, s:b, s:o, s:o}", "data",
                                 json_object_get(json_array_get(json_object_get(root, "data"), s), "name"), "variant",
                                 variants[v], "trained", scheme && strcmp(scheme, variants[v]) == 0, "accuracy",
                                 spread(n, mean + 0.05, 0.002), "macro_f1",
                                 spread(n, mean - 0.1 * (double)s, n > 1 ? 0.0125 : 0)));
    return json_pack("{s:s, s:s, s:s?, s:o, s:o, s:b, s:o}", "name", name, "stage", stage, "scheme", scheme, "models",
                     models, "seeds", seeds, "untrained_head", strcmp(stage, "base") == 0, "cells", cells);
}

static json_t *pair_seed(const char *model, json_int_t seed, bool bootstrap)
{
    json_t *interval =
        bootstrap ? json_pack("{s:[f,f], s:[f,f]}", "delta_accuracy", -0.01, 0.03, "delta_macro_f1", -0.011, 0.031)
                  : json_null();
    return json_pack("{s:I, s:s, s:s, s:i, s:i, s:f, s:f, s:f, s:f, s:o, s:o}", "seed", seed, "model", model,
                     "baseline", "mini-id-smsa", "right_to_wrong", 3, "wrong_to_right", 17, "mcnemar_p", 0.0026,
                     "mcnemar_p_holm", 0.0052, "delta_accuracy", 0.028, "delta_macro_f1", 0.03, "delta_macro_f1_p",
                     bootstrap ? json_real(0.012) : json_null(), "bootstrap", interval);
}

static json_t *pair(const char *kind, const char *baseline, const char *data, bool bootstrap)
{
    json_t *accuracy = spread(2, 0.021, 0.004), *f1 = spread(2, 0.0234, 0.005);
    json_t *seeds =
        json_pack("[o, o]", pair_seed("mini-id-smsa", 42, bootstrap), pair_seed("mini-id-smsa-s123", 43, bootstrap));
    json_object_set_new(accuracy, "interval", bootstrap ? json_pack("[f, f]", 0.001, 0.041) : json_null());
    json_object_set_new(accuracy, "p", bootstrap ? json_real(0.03) : json_null());
    json_object_set_new(f1, "interval", bootstrap ? json_pack("[f, f]", 0.0021, 0.0442) : json_null());
    json_object_set_new(f1, "p", bootstrap ? json_real(0.02) : json_null());
    json_object_set_new(f1, "p_holm", bootstrap ? json_real(0.04) : json_null());
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o}", "kind", kind, "row", QAT, "baseline", baseline, "data",
                     data, "variant", "int8", "seeds", seeds, "delta_accuracy", accuracy, "delta_macro_f1", f1);
}

static json_t *training(const char *stage, const char *scheme, json_t *seed, const char *parent)
{
    return json_pack("{s:s?, s:s?, s:b, s:s?, s:o, s:n, s:n, s:s?}", "stage", stage, "role", stage, "control", 0,
                     "scheme", scheme, "seed", seed, "recipe_hash", "parent_sha256", "parent", parent);
}

static json_t *with_roadmap(void)
{
    json_t *root = fixture(), *models = json_object_get(root, "models");
    const char *set = json_string_value(at_path(root, "data.0.name")),
               *other = json_string_value(at_path(root, "data.1.name"));
    json_object_set_new(json_array_get(models, 0), "training", training("fine-tuned", "fp32", json_integer(42), NULL));
    json_object_set_new(json_array_get(models, 1), "training",
                        training("qat", "int8", json_integer(43), "mini-id-smsa"));
    json_object_set_new(json_array_get(models, 2), "training", training("base", NULL, json_null(), NULL));
    json_t *rows =
        json_pack("[o, o, o, o]", row(root, "base", "base", NULL, 2, 1, 0.3),
                  row(root, "tuned", "fine-tuned", NULL, 0, 1, 0.8512), row(root, QAT, "qat", "int8", 0, 2, 0.8746),
                  row(root, "more", "control", NULL, 1, 1, 0.86));
    json_t *pairs =
        json_pack("[o, o, o]", pair("qat_against_ptq", "tuned", set, true),
                  pair("qat_against_control", "more", set, true), pair("qat_against_ptq", "tuned", other, false));
    json_object_set_new(root, "roadmap", json_pack("{s:o, s:o}", "rows", rows, "pairs", pairs));
    return root;
}

/* ---- The page ---- */

static char *page_of(json_t *root)
{
    char *page = NULL;
    tb_error err = {0};
    if (tb_report_html(root, &page, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    char *record = strstr(page, "<script type=\"application/json\"");
    assert_non_null(record);
    check_structure(page);
    *record = '\0';
    check_page(page);
    return page;
}

static void the_page_has_the_roadmap(void **state)
{
    (void)state;
    json_t *root = with_roadmap();
    char *page = page_of(root);
    const char *const texts[] = {
        "<section id=\"roadmap\">",
        "<a href=\"#roadmap\">The roadmap</a>",
        "<td>0.851</td>",
        "<td><b>0.875 &plusmn; 0.013</b></td>", /* the scheme of QAT */
        "<td>0.875 &plusmn; 0.013</td>",
        "QAT <bdi>int8</bdi>, 2 seeds",
        "q_at &lt;i&gt;&amp; 100%&lt;/i&gt;",
        "against post-training quantization of <b><bdi>tuned</bdi></b>: +0.0234 in macro-F1, mean of 2 seeds "
        "(95&#8239;% "
        "interval +0.0021 to +0.0442, Holm <i>p</i>&nbsp;=&nbsp;0.040).",
        "against the control <b><bdi>more</bdi></b>: ",
        "<td>3 / 17<br>3 / 17</td><td>0.005<br>0.005</td>",
        "<dt>role</dt><dd>QAT <bdi>int8</bdi>, seed 43, from <bdi>mini-id-smsa</bdi></dd>",
        "<dt>role</dt><dd>fine-tuned, seed 42</dd>",
        "<dt>role</dt><dd>base, untrained head</dd>",
        NULL,
    };
    must_say(page, texts);
    free(page);
    json_object_set_new(json_object_get(root, "options"), "lang", json_string("id"));
    page = page_of(root);
    const char *const indonesian[] = {
        "Peta jalan", "Uji berpasangan pada bit yang sama", "<dt>peran</dt><dd>dasar, <i>head</i> belum dilatih</dd>",
        "kuantisasi pascapelatihan <b><bdi>tuned</bdi></b>: +0.0234 dalam F1 makro, rerata 2 <i>seed</i>", NULL};
    must_say(page, indonesian);
    free(page);
    json_decref(root);
}

static void without_one_nothing_is_said(void **state)
{
    (void)state;
    json_t *root = fixture();
    char *page = page_of(root), *table = NULL;
    tb_error err = {0};
    assert_null(strstr(page, "roadmap"));
    assert_null(strstr(page, "<dt>role</dt>"));
    assert_int_equal(tb_report_table(root, 0, false, &table, &err), TIMBANG_OK);
    assert_null(strstr(table, "roadmap"));
    free(page);
    free(table);
    json_decref(root);
}

/* ---- The terminal ---- */

static void the_terminal_has_the_roadmap(void **state)
{
    (void)state;
    json_t *root = with_roadmap();
    char *table = NULL;
    tb_error err = {0};
    if (tb_report_table(root, 0, false, &table, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    const char *const texts[] = {
        "roadmap, macro-F1 on smsa\n",
        "roadmap, macro-F1 on tweets \\u2028\\u001b[31m\n",
        "base                base*                0.300           0.300\n",
        "tuned               fine-tuned           0.851           0.851\n",
        "q_at <i>& 100%</i>  QAT int8     0.875 ± 0.013  +0.875 ± 0.013\n",
        "q_at <i>& 100%</i> - tuned (PTQ), int8: +0.0234 [+0.0021, +0.0442], p Holm 0.040; 2 seeds\n",
        "q_at <i>& 100%</i> - more (control), int8: +0.0234",
        "q_at <i>& 100%</i> - tuned (PTQ), int8: +0.0234; 2 seeds\n", /* without bootstrap */
        "+: the scheme that QAT trained for; mean ± sd over seeds",
        NULL,
    };
    must_say(table, texts);
    free(table);
    /* Too narrow for both schemes: one below the other. */
    assert_int_equal(tb_report_table(root, 56, false, &table, &err), TIMBANG_OK);
    const char *const narrow[] = {"q_at <i>& 100%</i>  QAT int8     0.875 ± 0.013\n",
                                  "q_at <i>& 100%</i>  QAT int8    +0.875 ± 0.013\n", NULL};
    must_say(table, narrow);
    free(table);
    json_decref(root);
}

/* ---- Files ---- */

static char *content(const char *folder, const char *name)
{
    char path[256], *bytes = NULL;
    size_t size = 0;
    tb_error err = {0};
    snprintf(path, sizeof path, "%s/tables/%s", folder, name);
    if (tb_read_file(path, 0, &bytes, &size, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    return bytes;
}

static void write_tables(json_t *root, const char *folder)
{
    tb_error err = {0};
    if (tb_report_write(root, NULL, folder, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
}

static void tables_are_written_where_there_is_one(void **state)
{
    (void)state;
    char folder[] = "/tmp/timbang-roadmap-XXXXXX", path[128];
    assert_non_null(mkdtemp(folder));
    json_t *root = fixture();
    write_tables(root, folder);
    snprintf(path, sizeof path, "%s/tables/roadmap.csv", folder);
    assert_null(fopen(path, "rb"));
    json_decref(root);
    root = with_roadmap();
    write_tables(root, folder);

    char *text = content(folder, "roadmap.csv");
    const char *const cells[] = {
        "data,row,stage,trained_scheme,seeds,variant,trained,macro_f1_mean,macro_f1_sd,accuracy_mean,accuracy_sd\r\n",
        "smsa,tuned,fine-tuned,,1,int8,false,0.8512,0,0.9012,0.002\r\n",
        "smsa,q_at <i>& 100%</i>,qat,int8,2,int8,true,0.8746,0.0125,0.92", NULL};
    must_say(text, cells);
    free(text);
    text = content(folder, "roadmap.tex");
    const char *const latex[] = {
        "Model & Training & Seeds & fp32 & int8 \\\\\n",
        "tuned & fine-tuned & 1 & 0.851 & 0.851 \\\\\n",
        "q\\_at ",
        "& QAT int8 & 2 & 0.875{\\scriptsize\\,$\\pm$\\,0.013} & \\textbf{0.875}{\\scriptsize\\,$\\pm$\\,0.013} \\\\\n",
        "base & base, untrained & 1 & 0.300 & 0.300 \\\\\n",
        NULL};
    must_say(text, latex);
    free(text);
    text = content(folder, "roadmap_tests.csv");
    const char *const tests[] = {"smsa,qat_against_ptq,q_at <i>& "
                                 "100%</i>,tuned,int8,2,0.0234,0.005,0.0021,0.0442,0.02,0.04,0.021,0.004,0.001,0.041"
                                 "\r\n",
                                 "qat_against_ptq,q_at <i>& 100%</i>,tuned,int8,2,0.0234,0.005,,,,,0.021,0.004,,\r\n",
                                 NULL};
    must_say(text, tests);
    free(text);
    text = content(folder, "roadmap_seeds.csv");
    const char *const seeds[] = {
        "int8,mini-id-smsa-s123,mini-id-smsa,3,17,0.0026,0.0052,0.028,-0.01,0.03,0.03,-0.011,0.031,0.012\r\n", NULL};
    must_say(text, seeds);
    free(text);
    snprintf(path, sizeof path, "../methods.tex");
    text = content(folder, path);
    assert_non_null(strstr(text, "\\paragraph{Quantization-aware training.}"));
    free(text);
    json_decref(root);
    tb_error err = {0};
    assert_int_equal(tb_remove_tree(folder, &err), TIMBANG_OK);
}

/* ---- Records that are not what they should be ---- */

static void odd_records_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *path, *key, *value, *says;
    } odd[] = {
        {"roadmap.rows.2", "stage", "quantum", "roadmap.rows[2].stage"},
        {"roadmap.rows.2", "stage", NULL, "roadmap.rows[2].stage"},
        {"roadmap.rows.2", "models", NULL, "roadmap.rows[2].models"},
        {"roadmap.rows.2.cells.1", "macro_f1", NULL, "roadmap.rows[2].cells[1].macro_f1"},
        {"roadmap.rows.2.cells.1", "data", "other", "roadmap.rows[2].cells[1].data"},
        {"roadmap.rows.2.cells.1.macro_f1", "values", NULL, "values"},
        {"roadmap.pairs.0", "kind", "x", "roadmap.pairs[0].kind"},
        {"roadmap.pairs.0", "row", "x", "roadmap.pairs[0].row"},
        {"roadmap.pairs.0", "variant", "int3", "roadmap.pairs[0].variant"},
        {"roadmap.pairs.1.seeds.1", "mcnemar_p", NULL, "roadmap.pairs[1].seeds[1].mcnemar_p"},
        {"roadmap.pairs.1.delta_macro_f1", "p_holm", NULL, "roadmap.pairs[1].delta_macro_f1.p_holm"},
        {"roadmap", "pairs", NULL, "roadmap.pairs"},
        {"models.1.training", "stage", "x", "models[1].training.stage"},
        {"models.1.training", "seed", "x", "models[1].training.seed"},
    };
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        json_t *root = with_roadmap(), *object = at_path(root, odd[i].path);
        assert_non_null(object);
        if (odd[i].value)
            json_object_set_new(object, odd[i].key, json_string(odd[i].value));
        else
            json_object_del(object, odd[i].key);
        char *page = NULL;
        tb_error err = {0};
        if (tb_report_html(root, &page, &err) != TIMBANG_FORMAT)
            fail_msg("%s.%s was not missed", odd[i].path, odd[i].key);
        if (!strstr(err.text, odd[i].says))
            fail_msg("'%s' does not name %s", err.text, odd[i].says);
        json_decref(root);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_has_the_roadmap),     cmocka_unit_test(without_one_nothing_is_said),
        cmocka_unit_test(the_terminal_has_the_roadmap), cmocka_unit_test(tables_are_written_where_there_is_one),
        cmocka_unit_test(odd_records_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
