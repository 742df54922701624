/* SPDX-License-Identifier: Apache-2.0
 * Folders that training wrote, in a study: masters and the trained integers, folders of seeds, controls, and the
 * roadmap with its paired tests, recomputed from predictions.jsonl. */
#include "base/text.h"
#include "quant/quantize.h"
#include "study/facts.h"
#include "study/verify.h"
#include "tiny.h"

#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LABELS "a,b,c"

static const char *join(const char *a, const char *b)
{
    static char names[8][128];
    static size_t next;
    char *name = names[next++ % 8];
    snprintf(name, sizeof names[0], "%s/%s", a, b);
    return name;
}

/* ---- Folders as training writes them ---- */

static void sidecar(tiny *t, const char *name, const char *role, const char *scheme, const char *recipe, uint64_t seed,
                    const char *parent)
{
    char hex[65] = "";
    tb_error err = {0};
    if (parent && tb_hash_file(tiny_path(t, join(parent, "model.safetensors")), hex, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    char masters[65] = "";
    if (strcmp(role, "qat") == 0 && !strstr(name, "master") &&
        tb_hash_file(tiny_path(t, join(name, "master/model.safetensors")), masters, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    json_t *value = json_pack("{s:s, s:s, s:s?, s:{s:s}, s:s, s:I, s:s?, s:b}", "timbang", "0.0.0", "role", role,
                              "scheme", scheme, "recipe", "what", recipe, "recipe_hash", recipe, "seed",
                              (json_int_t)seed, "parent_sha256", parent ? hex : NULL, "untrained_head", 0);
    if (masters[0] && seed % 2 == 1) /* both with and without */
        json_object_set_new(value, "master_sha256", json_string(masters));
    assert_int_equal(tb_json_write_file(tiny_path(t, join(name, "timbang.json")), value, &err), TIMBANG_OK);
    json_decref(value);
}

/* weights: seed of the random weights, so that two models differ. */
static void trained(tiny *t, const char *name, const char *role, const char *recipe, uint64_t seed, const char *parent,
                    uint64_t weights)
{
    tiny_model(t, name, weights, LABELS);
    sidecar(t, name, role, NULL, recipe, seed, parent);
}

static void qat(tiny *t, const char *name, const char *scheme, const char *recipe, uint64_t seed, const char *parent,
                uint64_t weights)
{
    tb_error err = {0};
    tb_folder *source = NULL;
    tiny_model(t, "source-of-qat", weights, LABELS);
    assert_int_equal(tb_folder_open(tiny_path(t, "source-of-qat"), &source, &err), TIMBANG_OK);
    tb_quantize_job job = {.folder = source, .out = tiny_path(t, name), .pool = t->pool, .hooks = &t->hooks};
    assert_int_equal(tb_scheme_parse(scheme, 0, NULL, &job.scheme, &err), TIMBANG_OK);
    if (tb_quantize_folder(&job, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    tb_folder_close(source);
    assert_int_equal(tb_remove_tree(tiny_path(t, "source-of-qat"), &err), TIMBANG_OK);
    tiny_model(t, join(name, "master"), weights, LABELS);
    sidecar(t, name, "qat", scheme, recipe, seed, parent);
}

static void seeds_json(tiny *t, const char *name, const char *list)
{
    char text[128];
    snprintf(text, sizeof text, "{\"seeds\": [%s], \"macro_f1\": {\"mean\": 0.5, \"sd\": 0.1}}\n", list);
    tiny_write(t, join(name, "seeds.json"), text);
}

/* ---- Reading ---- */

static const json_t *member(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!value)
        fail_msg("'%s' is missing", key);
    return value;
}

static double number(const json_t *object, const char *key)
{
    if (!json_is_number(member(object, key)))
        fail_msg("%s is no number", key);
    return json_number_value(member(object, key));
}

static const char *string(const json_t *object, const char *key)
{
    const char *value = json_string_value(member(object, key));
    return value ? value : "(null)";
}

/* The item whose members are those: pairs of key and value, NULL at the end. */
static const json_t *find(const json_t *array, const char *const *wanted)
{
    size_t i;
    json_t *item;
    json_array_foreach(array, i, item)
    {
        bool same = true;
        for (size_t k = 0; wanted[k]; k += 2)
            same = same && strcmp(string(item, wanted[k]), wanted[k + 1]) == 0;
        if (same)
            return item;
    }
    fail_msg("there is no item with %s %s", wanted[0], wanted[1]);
    return NULL;
}
#define FIND(array, ...) find(array, (const char *const[]){__VA_ARGS__, NULL})

static void names_are(const json_t *array, const char *wanted)
{
    tb_text text = {0};
    size_t i;
    json_t *item;
    json_array_foreach(array, i, item)
    {
        const char *name = json_is_object(item) ? string(item, "name") : json_string_value(item);
        tb_text_printf(&text, "%s%s", i ? "," : "", name ? name : "null");
    }
    assert_string_equal(text.data ? text.data : "", wanted);
    tb_text_free(&text);
}

static bool has_warning(const json_t *results, const char *kind)
{
    size_t i;
    json_t *item;
    json_array_foreach(member(results, "warnings"), i, item) if (strcmp(string(item, "kind"), kind) == 0) return true;
    return false;
}

/* ---- The study of four models ---- */

enum { N_ROWS = 40 };

static void make_four(tiny *t)
{
    tiny_model(t, "base", 1, NULL);
    trained(t, "tuned", "fine-tuned", "r1", 7, "base", 2);
    qat(t, "qat", "int8", "r2", 7, "tuned", 3);
    trained(t, "more", "control", "r3", 7, "tuned", 4);
    tiny_data(t, "d.tsv", N_ROWS, LABELS);
}

static void four_options(tiny *t, timbang_study_options *o)
{
    static const char *const variants[] = {"fp32", "int8", "int4"};
    static timbang_named_path models[3], controls[1], data[1];
    const char *const names[] = {"base", "tuned", "qat"};
    tiny_options(o);
    for (size_t i = 0; i < 3; i++)
        models[i] = (timbang_named_path){names[i], tiny_path(t, names[i])};
    controls[0] = (timbang_named_path){NULL, tiny_path(t, "more")};
    data[0] = (timbang_named_path){"d", tiny_path(t, "d.tsv")};
    o->models = models;
    o->controls = controls;
    o->data = data;
    o->n_models = 3;
    o->n_controls = o->n_data = 1;
    o->variants = variants;
    o->n_variants = 3;
    o->bootstrap_replicates = 50;
    o->out = tiny_path(t, "out");
}

static json_t *run_four(tiny *t)
{
    timbang_study_options o;
    tb_error err;
    four_options(t, &o);
    if (tiny_study(t, &o, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    return tiny_json(t, "out/results.json");
}

/* right[i]: is the label of row i right? */
static void outcomes(tiny *t, const char *model, const char *variant, bool right[N_ROWS])
{
    char *bytes = NULL;
    size_t size = 0, n = 0;
    tb_error err = {0};
    assert_int_equal(tb_read_file(tiny_path(t, "out/predictions.jsonl"), 0, &bytes, &size, &err), TIMBANG_OK);
    for (char *line = strtok(bytes, "\n"); line; line = strtok(NULL, "\n")) {
        json_t *value = json_loads(line, 0, NULL);
        if (strcmp(string(value, "model"), model) == 0 && strcmp(string(value, "variant"), variant) == 0) {
            assert_true(n < N_ROWS);
            right[n++] = strcmp(string(value, "truth"), string(value, "pred")) == 0;
        }
        json_decref(value);
    }
    assert_int_equal(n, N_ROWS);
    free(bytes);
}

static double choose(int n, int k)
{
    double c = 1;
    for (int i = 1; i <= k; i++)
        c *= (double)(n - k + i) / i;
    return c;
}

static void check_pair(tiny *t, const json_t *results, const char *baseline, const char *variant)
{
    const json_t *pairs = member(member(results, "roadmap"), "pairs");
    const json_t *pair = FIND(pairs, "row", "qat", "baseline", baseline, "variant", variant, "data", "d");
    assert_string_equal(string(pair, "kind"),
                        strcmp(baseline, "tuned") == 0 ? "qat_against_ptq" : "qat_against_control");
    const json_t *seed = json_array_get(member(pair, "seeds"), 0);
    assert_int_equal(json_array_size(member(pair, "seeds")), 1);
    bool now[N_ROWS], then[N_ROWS];
    outcomes(t, "qat", variant, now);
    outcomes(t, baseline, variant, then);
    int lost = 0, won = 0;
    for (size_t i = 0; i < N_ROWS; i++) {
        lost += then[i] && !now[i];
        won += now[i] && !then[i];
    }
    assert_true(lost + won > 0); /* else the figures of this test say nothing */
    assert_int_equal(number(seed, "right_to_wrong"), lost);
    assert_int_equal(number(seed, "wrong_to_right"), won);
    double tail = 0;
    for (int k = 0; k <= (lost < won ? lost : won); k++)
        tail += choose(lost + won, k) * pow(0.5, lost + won);
    assert_true(fabs(number(seed, "mcnemar_p") - fmin(1, 2 * tail)) < 1e-12);
    const json_t *all = member(results, "results");
    const json_t *own = FIND(all, "model", "qat", "variant", variant),
                 *base = FIND(all, "model", baseline, "variant", variant);
    double delta = number(own, "macro_f1") - number(base, "macro_f1");
    assert_true(fabs(number(seed, "delta_macro_f1") - delta) < 1e-12);
    assert_true(fabs(number(member(pair, "delta_macro_f1"), "mean") - delta) < 1e-12);
    assert_true(fabs(number(seed, "delta_accuracy") - (double)(won - lost) / N_ROWS) < 1e-12);
    const json_t *interval = member(member(seed, "bootstrap"), "delta_macro_f1");
    double low = json_number_value(json_array_get(interval, 0)), high = json_number_value(json_array_get(interval, 1));
    assert_true(low < delta && delta < high);
    /* One seed: the interval over seeds is that of the texts. */
    assert_true(json_equal(interval, member(member(pair, "delta_macro_f1"), "interval")));
    assert_true(number(member(pair, "delta_macro_f1"), "p") == number(seed, "delta_macro_f1_p"));
    assert_true(number(seed, "mcnemar_p_holm") >= number(seed, "mcnemar_p"));
}

static void check_models(const json_t *results)
{
    const json_t *models = member(results, "models");
    names_are(models, "base,tuned,qat,control");
    const char *const stages[] = {"base", "fine-tuned", "qat", "control"};
    const char *const parents[] = {NULL, "base", "tuned", "tuned"};
    for (size_t m = 0; m < 4; m++) {
        const json_t *training = member(json_array_get(models, m), "training");
        assert_string_equal(string(training, "stage"), stages[m]);
        const char *parent = json_string_value(member(training, "parent"));
        assert_string_equal(parent ? parent : "", parents[m] ? parents[m] : "");
    }
    /* The masters and the trained integers are both hashed, in plan.json too. */
    const json_t *weights = member(json_array_get(models, 2), "weights");
    assert_int_equal(json_array_size(weights), 2);
    assert_string_equal(string(json_array_get(weights, 0), "file"), "master/model.safetensors");
    assert_string_equal(string(json_array_get(weights, 1), "file"), "model.safetensors");
    const json_t *fixed = json_array_get(member(member(member(results, "plan"), "content"), "models"), 2);
    assert_int_equal(json_array_size(member(fixed, "weights")), 2);
    FIND(member(json_array_get(models, 2), "files"), "file", "master/vocab.txt");
    FIND(member(json_array_get(models, 2), "files"), "file", "vocab.txt");
}

static void the_roadmap_of_four_models(void **state)
{
    (void)state;
    tiny t;
    tiny_begin(&t);
    make_four(&t);
    json_t *results = run_four(&t);
    check_models(results);
    const json_t *roadmap = member(results, "roadmap"), *rows = member(roadmap, "rows");
    names_are(rows, "base,tuned,qat,control");
    assert_true(json_is_true(member(json_array_get(rows, 0), "untrained_head")));
    assert_string_equal(string(json_array_get(rows, 2), "scheme"), "int8");
    for (size_t r = 0; r < 4; r++) {
        const json_t *row = json_array_get(rows, r), *cells = member(row, "cells");
        assert_int_equal(json_array_size(cells), 3);
        for (size_t c = 0; c < 3; c++) {
            const json_t *cell = json_array_get(cells, c);
            bool own = r == 2 && strcmp(string(cell, "variant"), "int8") == 0;
            assert_int_equal(json_is_true(member(cell, "trained")), own);
            const json_t *result =
                FIND(member(results, "results"), "model", string(row, "name"), "variant", string(cell, "variant"));
            assert_true(number(member(cell, "macro_f1"), "mean") == number(result, "macro_f1"));
            assert_true(number(member(cell, "macro_f1"), "sd") == 0);
        }
    }
    /* Its own scheme is the folder that was trained; the others come from the masters. */
    const json_t *variants = member(results, "variants");
    assert_true(json_is_false(member(FIND(variants, "model", "qat", "variant", "int8"), "made")));
    assert_true(number(FIND(variants, "model", "qat", "variant", "int8"), "weight_error") > 0);
    assert_true(json_is_true(member(FIND(variants, "model", "qat", "variant", "int4"), "made")));
    assert_true(json_is_false(member(FIND(variants, "model", "qat", "variant", "fp32"), "made")));
    assert_int_equal(json_array_size(member(roadmap, "pairs")), 6);
    const char *const names[] = {"fp32", "int8", "int4"};
    for (size_t v = 0; v < 3; v++) {
        check_pair(&t, results, "tuned", names[v]);
        check_pair(&t, results, "control", names[v]);
    }
    assert_false(has_warning(results, "control_unrecorded"));
    json_decref(results);
    tiny_end(&t);
}

static void a_study_without_training_has_none(void **state)
{
    (void)state;
    tiny t;
    tiny_begin(&t);
    tiny_model(&t, "plain", 2, LABELS);
    tiny_data(&t, "d.tsv", 12, LABELS);
    timbang_study_options o;
    tiny_options(&o);
    const timbang_named_path model = {"m", tiny_path(&t, "plain")}, data = {"d", tiny_path(&t, "d.tsv")};
    o.models = &model;
    o.data = &data;
    o.n_models = o.n_data = 1;
    o.bootstrap_replicates = 20;
    o.out = tiny_path(&t, "out");
    tb_error err;
    assert_int_equal(tiny_study(&t, &o, &err), TIMBANG_OK);
    json_t *results = tiny_json(&t, "out/results.json");
    assert_null(json_object_get(results, "roadmap"));
    assert_null(json_object_get(json_array_get(member(results, "models"), 0), "training"));
    json_decref(results);
    tiny_end(&t);
}

/* ---- Seeds ---- */

static void make_seeds(tiny *t)
{
    static const struct {
        const char *name;
        uint64_t seed;
    } seeds[] = {{"seed-42", 42}, {"seed-7", 7}};
    tb_error err = {0};
    tiny_model(t, "base", 1, NULL);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(tb_make_dirs(tiny_path(t, "tuned"), &err), TIMBANG_OK);
        assert_int_equal(tb_make_dirs(tiny_path(t, "qat"), &err), TIMBANG_OK);
        const char *tuned = join("tuned", seeds[i].name);
        trained(t, tuned, "fine-tuned", "r1", seeds[i].seed, "base", 10 + i);
        qat(t, join("qat", seeds[i].name), "int4", "r2", seeds[i].seed, tuned, 20 + i);
    }
    seeds_json(t, "tuned", "42, {\"seed\": 7}");
    seeds_json(t, "qat", "42, 7");
    trained(t, "c1", "control", "r3", 42, "tuned/seed-42", 30);
    trained(t, "c2", "control", "r3", 8, "tuned/seed-7", 31);
    tiny_data(t, "d.tsv", N_ROWS, LABELS);
}

static void folders_of_seeds_are_a_whole(void **state)
{
    (void)state;
    tiny t;
    tiny_begin(&t);
    make_seeds(&t);
    timbang_study_options o;
    tb_error err;
    four_options(&t, &o);
    const timbang_named_path controls[] = {{"c1", tiny_path(&t, "c1")}, {"c2", tiny_path(&t, "c2")}};
    o.models++; /* without the base */
    o.n_models = 2;
    o.controls = controls;
    o.n_controls = 2;
    if (tiny_study(&t, &o, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    json_t *results = tiny_json(&t, "out/results.json");
    names_are(member(results, "models"), "tuned/seed-42,tuned/seed-7,qat/seed-42,qat/seed-7,c1,c2");
    assert_int_equal(json_array_size(member(results, "groups")), 3);
    const json_t *roadmap = member(results, "roadmap"), *rows = member(roadmap, "rows");
    names_are(rows, "tuned,qat,c");
    names_are(member(json_array_get(rows, 1), "models"), "qat/seed-42,qat/seed-7");
    const json_t *all = member(results, "results");
    double a = number(FIND(all, "model", "qat/seed-42", "variant", "int4"), "macro_f1");
    double b = number(FIND(all, "model", "qat/seed-7", "variant", "int4"), "macro_f1");
    const json_t *cell = FIND(member(json_array_get(rows, 1), "cells"), "variant", "int4");
    assert_true(json_is_true(member(cell, "trained")));
    assert_true(fabs(number(member(cell, "macro_f1"), "mean") - (a + b) / 2) < 1e-12);
    assert_true(fabs(number(member(cell, "macro_f1"), "sd") - fabs(a - b) / sqrt(2)) < 1e-12);
    assert_true(a != b);

    const json_t *pair = FIND(member(roadmap, "pairs"), "baseline", "tuned", "variant", "int4");
    assert_int_equal(json_array_size(member(pair, "seeds")), 2);
    const json_t *second = json_array_get(member(pair, "seeds"), 1);
    assert_string_equal(string(second, "model"), "qat/seed-7");
    assert_string_equal(string(second, "baseline"), "tuned/seed-7");
    assert_int_equal(number(second, "seed"), 7);
    double values[2];
    for (size_t i = 0; i < 2; i++) {
        values[i] = number(json_array_get(member(pair, "seeds"), i), "delta_macro_f1");
        assert_true(values[i] ==
                    json_number_value(json_array_get(member(member(pair, "delta_macro_f1"), "values"), i)));
    }
    assert_true(fabs(number(member(pair, "delta_macro_f1"), "mean") - (values[0] + values[1]) / 2) < 1e-12);

    /* The control has seed 42 but no 7: that one goes unpaired, and it is said. */
    pair = FIND(member(roadmap, "pairs"), "kind", "qat_against_control", "variant", "int4");
    assert_int_equal(json_array_size(member(pair, "seeds")), 1);
    assert_string_equal(string(json_array_get(member(pair, "seeds"), 0), "baseline"), "c1");
    assert_true(has_warning(results, "seed_unpaired"));
    json_decref(results);

    tb_study_job job = {.kernels = t.kernels, .pool = t.pool, .hooks = &t.hooks};
    json_t *verified = NULL;
    err = (tb_error){0};
    if (tb_study_verify(&job, tiny_path(&t, "out"), &verified, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    assert_int_equal(number(verified, "same"), number(verified, "logits"));
    assert_int_equal(json_array_size(member(verified, "files_changed")), 0);
    json_decref(verified);
    tiny_end(&t);
}

/* Two backbones under one recipe, each with its seeds, given one by one. */
static void other_backbones_are_other_groups(void **state)
{
    (void)state;
    tiny t;
    tiny_begin(&t);
    tiny_model(&t, "base-a", 1, NULL);
    tiny_model(&t, "base-b", 2, NULL);
    trained(&t, "a1", "fine-tuned", "r1", 1, "base-a", 11);
    trained(&t, "a2", "fine-tuned", "r1", 2, "base-a", 12);
    trained(&t, "b1", "fine-tuned", "r1", 1, "base-b", 13);
    trained(&t, "b2", "fine-tuned", "r1", 2, "base-b", 14);
    qat(&t, "qa1", "int8", "r2", 1, "a1", 21);
    qat(&t, "qa2", "int8", "r2", 2, "a2", 22);
    qat(&t, "qb1", "int8", "r2", 1, "b1", 23);
    tiny_data(&t, "d.tsv", 12, LABELS);
    static const char *const names[] = {"a1", "b1", "qb1", "a2", "b2", "qa1", "qa2"};
    static const char *const variants[] = {"int8"};
    timbang_named_path models[7];
    for (size_t i = 0; i < 7; i++)
        models[i] = (timbang_named_path){names[i], tiny_path(&t, names[i])};
    timbang_study_options o;
    tb_error err;
    four_options(&t, &o);
    o.models = models;
    o.n_models = 7;
    o.n_controls = 0;
    o.variants = variants;
    o.n_variants = 1;
    if (tiny_study(&t, &o, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    json_t *results = tiny_json(&t, "out/results.json");
    const json_t *roadmap = member(results, "roadmap");
    names_are(member(roadmap, "rows"), "a,b,qb1,qa");
    names_are(member(json_array_get(member(roadmap, "rows"), 0), "models"), "a1,a2");
    /* Each stands against its own. */
    assert_int_equal(json_array_size(member(roadmap, "pairs")), 2);
    FIND(member(roadmap, "pairs"), "row", "qa", "baseline", "a");
    FIND(member(roadmap, "pairs"), "row", "qb1", "baseline", "b");
    json_decref(results);
    tiny_end(&t);
}

/* ---- What is wrong is said ---- */

static void fails(tiny *t, const char *control, timbang_status status, const char *words)
{
    timbang_study_options o;
    tb_error err;
    four_options(t, &o);
    o.force = 1;
    const timbang_named_path controls = {NULL, tiny_path(t, control)};
    o.controls = &controls;
    if (tiny_study(t, &o, &err) != status)
        fail_msg("%s", err.text);
    if (!strstr(err.text, words))
        fail_msg("'%s' does not say '%s'", err.text, words);
}

static void what_was_changed_is_seen(void **state)
{
    (void)state;
    tiny t;
    tiny_begin(&t);
    make_four(&t);
    json_decref(run_four(&t));
    tiny_model(&t, "qat/master", 5, LABELS); /* other masters than the integers were rounded from */
    fails(&t, "more", TIMBANG_MISMATCH, "they were changed after the training");
    sidecar(&t, "qat", "qat", "int8", "r2", 8, "tuned"); /* as if nothing had been */
    fails(&t, "more", TIMBANG_MISMATCH, "one of them was changed after the training");
    tiny_model(&t, "qat/master", 3, LABELS);
    sidecar(&t, "qat", "qat", "int8", "r2", 7, "tuned");
    tiny_model(&t, "qat/master", 5, LABELS);

    /* A finished study names what is no longer the same. */
    tb_study_job job = {.kernels = t.kernels, .pool = t.pool, .hooks = &t.hooks};
    json_t *verified = NULL;
    tb_error err = {0};
    assert_int_equal(tb_study_verify(&job, tiny_path(&t, "out"), &verified, &err), TIMBANG_MISMATCH);
    tiny_model(&t, "qat/master", 3, LABELS);
    tiny_write(&t, "qat/tokenizer_config.json", "{\"do_lower_case\": false, \"tokenizer_class\": \"BertTokenizer\"}\n");
    assert_int_equal(tb_study_verify(&job, tiny_path(&t, "out"), &verified, &err), TIMBANG_OK);
    names_are(member(verified, "files_changed"), "qat: tokenizer_config.json");
    json_decref(verified);

    tiny_model(&t, "qat/master", 3, "a,c,b");
    fails(&t, "more", TIMBANG_MISMATCH, "differ in shape or labels");
    tiny_model(&t, "qat/master", 3, LABELS);
    sidecar(&t, "qat", "qat", "int4", "r2", 7, "tuned");
    fails(&t, "more", TIMBANG_MISMATCH, "its weights are int8; its timbang.json says that it was trained for int4");
    sidecar(&t, "qat", "qat", NULL, "r2", 7, "tuned");
    fails(&t, "more", TIMBANG_FORMAT, "'scheme' is missing");
    sidecar(&t, "qat", "qat", "int8", "r2", 7, "tuned");
    fails(&t, "qat", TIMBANG_USAGE, "was trained with quantization; --model takes it");
    seeds_json(&t, "qat", "-1");
    fails(&t, "more", TIMBANG_FORMAT, "seeds[0] is no whole number");
    seeds_json(&t, "qat", "1");
    fails(&t, "more", TIMBANG_NOT_FOUND, "seed-1");
    tiny_end(&t);
}

static void masters_by_themselves_are_floats(void **state)
{
    (void)state;
    tiny t;
    tiny_begin(&t);
    make_four(&t);
    sidecar(&t, "qat/master", "qat", "fp32", "r2", 7, "tuned"); /* as training writes it */
    timbang_study_options o;
    four_options(&t, &o);
    const timbang_named_path models[] = {{"tuned", tiny_path(&t, "tuned")}, {"m", tiny_path(&t, "qat/master")}};
    o.models = models;
    o.n_models = 2;
    o.n_controls = 0;
    tb_error err;
    if (tiny_study(&t, &o, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    json_t *results = tiny_json(&t, "out/results.json");
    const json_t *row = json_array_get(member(member(results, "roadmap"), "rows"), 1);
    assert_string_equal(string(row, "stage"), "qat");
    assert_true(json_is_null(member(row, "scheme")));
    assert_true(json_is_false(member(json_array_get(member(row, "cells"), 0), "trained")));
    assert_int_equal(json_array_size(member(member(results, "roadmap"), "pairs")), 3);
    json_decref(results);
    tiny_end(&t);
}

static void what_qat_trained_for_is_run(void **state)
{
    (void)state;
    tiny t;
    tiny_begin(&t);
    make_four(&t);
    tb_error err;
    assert_int_equal(tb_remove_tree(tiny_path(&t, "qat"), &err), TIMBANG_OK);
    qat(&t, "qat", "int8-pertensor", "r2", 7, "tuned", 3);
    fails(&t, "more", TIMBANG_OK, "");
    json_t *results = tiny_json(&t, "out/results.json");
    assert_true(has_warning(results, "trained_scheme_left_out"));
    json_decref(results);
    timbang_study_options o;
    four_options(&t, &o);
    o.variants = NULL;
    o.n_variants = 0;
    o.force = 1;
    if (tiny_study(&t, &o, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    results = tiny_json(&t, "out/results.json");
    names_are(member(member(results, "options"), "variants"), "fp32,fp16,int8,int4,int8-pertensor");
    const json_t *cell = FIND(member(json_array_get(member(member(results, "roadmap"), "rows"), 2), "cells"), "variant",
                              "int8-pertensor");
    assert_true(json_is_true(member(cell, "trained")));
    json_decref(results);
    tiny_end(&t);
}

/* ---- Resuming ---- */

static void a_resumed_study_is_the_same(void **state)
{
    (void)state;
    tiny t;
    tiny_begin(&t);
    make_four(&t);
    json_t *whole = run_four(&t), *again;
    timbang_study_options o;
    tb_error err;
    four_options(&t, &o);
    o.force = 1;
    int calls = t.cancel_calls;
    t.cancel_after = calls / 2;
    assert_int_equal(tiny_study(&t, &o, &err), TIMBANG_CANCELLED);
    t.cancel_after = 0;
    o.resume = 1;
    /* Not with other masters. */
    tiny_model(&t, "qat/master", 9, LABELS);
    assert_int_not_equal(tiny_study(&t, &o, &err), TIMBANG_OK);
    assert_non_null(strstr(err.text, "plan"));
    tiny_model(&t, "qat/master", 3, LABELS);
    if (tiny_study(&t, &o, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    again = tiny_json(&t, "out/results.json");
    for (size_t i = 0; i < 3; i++) {
        static const char *const measured[] = {"measured", "time", "host"};
        assert_int_equal(json_object_del(whole, measured[i]), 0);
        assert_int_equal(json_object_del(again, measured[i]), 0);
    }
    assert_true(json_equal(whole, again));
    json_decref(whole);
    json_decref(again);
    tiny_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_roadmap_of_four_models),   cmocka_unit_test(a_study_without_training_has_none),
        cmocka_unit_test(folders_of_seeds_are_a_whole), cmocka_unit_test(other_backbones_are_other_groups),
        cmocka_unit_test(what_was_changed_is_seen),     cmocka_unit_test(masters_by_themselves_are_floats),
        cmocka_unit_test(what_qat_trained_for_is_run),  cmocka_unit_test(a_resumed_study_is_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
