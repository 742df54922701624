/* SPDX-License-Identifier: Apache-2.0
 * src/study/figures*.c: whole entries against scikit-learn, SciPy, statsmodels and NumPy
 * (tests/oracle/eval_figures.py), the numbers that the study printed, and input at the edges. */
#include "../eval/golden.h"
#include "made_set.h"
#include "study/figures.h"
#include "study/record.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- Comparing records ---- */

static void compare(const json_t *got, const json_t *want, const char *where)
{
    char inner[512];
    if (json_is_object(want)) {
        const char *key;
        json_t *value;
        if (!json_is_object(got))
            fail_msg("%s is no object", where);
        json_object_foreach((json_t *)want, key, value)
        {
            snprintf(inner, sizeof inner, "%s.%s", where, key);
            if (!json_object_get(got, key))
                fail_msg("%s is missing", inner);
            compare(json_object_get(got, key), value, inner);
        }
        json_object_foreach((json_t *)got, key, value) if (!json_object_get(want, key))
            fail_msg("%s.%s is not known to the reference", where, key);
    } else if (json_is_array(want)) {
        if (json_array_size(got) != json_array_size(want))
            fail_msg("%s has %zu items, the reference %zu", where, json_array_size(got), json_array_size(want));
        for (size_t i = 0; i < json_array_size(want); i++) {
            snprintf(inner, sizeof inner, "%s[%zu]", where, i);
            compare(json_array_get(got, i), json_array_get(want, i), inner);
        }
    } else if (json_is_number(want)) {
        if (!json_is_number(got))
            fail_msg("%s is no number", where);
        golden_near(json_number_value(got), json_number_value(want), where);
    } else if (!json_equal(got, want)) {
        fail_msg("%s is not what the reference says", where);
    }
}

/* The member of a dotted path, such as "against_fp32.power.smallest". */
static const json_t *at(const json_t *object, const char *path)
{
    char name[64];
    while (*path) {
        size_t length = strcspn(path, ".");
        snprintf(name, sizeof name, "%.*s", (int)length, path);
        object = json_object_get(object, name);
        if (!object)
            fail_msg("%s is missing", name);
        path += length + (path[length] == '.');
    }
    return object;
}

static double number(const json_t *object, const char *path)
{
    const json_t *value = at(object, path);
    if (!json_is_number(value))
        fail_msg("%s is no number", path);
    return json_number_value(value);
}

static void all_finite(const json_t *value, const char *where)
{
    size_t i;
    const char *key;
    json_t *item;
    if (json_is_real(value) && !isfinite(json_real_value(value)))
        fail_msg("a number under %s is not finite", where);
    json_array_foreach((json_t *)value, i, item) all_finite(item, where);
    json_object_foreach((json_t *)value, key, item) all_finite(item, key);
}

/* ---- Running ---- */

enum { MOST = 8 };

typedef struct figures {
    json_t *results, *flips;
} figures;

static figures run(const tb_figures_job *job)
{
    figures out = {0};
    tb_error err = {0};
    if (tb_figures_of_set(job, &out.results, &out.flips, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    all_finite(out.results, "results");
    all_finite(out.flips, "flips");
    return out;
}

static void drop(figures *f)
{
    json_decref(f->results);
    json_decref(f->flips);
}

static const char *const fp32_int8[] = {"fp32", "int8"};

/* ---- Golden entries ---- */

typedef struct golden_case {
    made_set set, valid;
    tb_statistics statistics;
    const char *labels[64], *variants[MOST];
    float *logits[MOST], *valid_logits[MOST];
    tb_figures_job job;
} golden_case;

static tb_statistics statistics_of(const json_t *plan)
{
    tb_statistics s = tb_statistics_default();
    s.primary_macro_f1 = strcmp(json_string_value(json_object_get(plan, "primary")), "macro_f1") == 0;
    s.alpha = number(plan, "alpha");
    s.power = number(plan, "power");
    s.margin = number(plan, "margin");
    s.replicates = (uint64_t)number(plan, "bootstrap.replicates");
    s.seed = (uint64_t)number(plan, "bootstrap.seed");
    return s;
}

static void begin(golden_case *c, const json_t *want)
{
    const json_t *plan = json_object_get(want, "plan"), *labels = json_object_get(want, "labels");
    const json_t *variants = json_object_get(want, "variants");
    bool restricted = json_is_true(json_object_get(plan, "restrict_labels"));
    size_t n_labels = json_array_size(labels), n = json_array_size(json_object_get(want, "truth"));
    size_t n_valid = json_array_size(json_object_get(want, "valid_truth"));
    *c = (golden_case){.statistics = statistics_of(plan)};
    assert_true(n_labels <= 64 && json_array_size(variants) <= MOST);
    for (size_t l = 0; l < n_labels; l++)
        c->labels[l] = json_string_value(json_array_get(labels, l));
    int32_t *truth = golden_integers(want, "truth"), *valid_truth = golden_integers(want, "valid_truth");
    made_set_begin(&c->set, c->labels, n_labels, truth, n, restricted);
    if (n_valid > 0)
        made_set_begin(&c->valid, c->labels, n_labels, valid_truth, n_valid, restricted);
    free(truth);
    free(valid_truth);
    c->job = (tb_figures_job){
        .task = &c->set.task,
        .statistics = &c->statistics,
        .n_variants = json_array_size(variants),
        .variants = c->variants,
        .logits = (const float *const *)c->logits,
        .valid = n_valid ? &c->valid.task : NULL,
        .valid_name = n_valid ? "valid" : NULL,
        .valid_logits = (const float *const *)c->valid_logits,
        .trained_head = json_is_true(json_object_get(want, "trained")),
    };
    for (size_t v = 0; v < c->job.n_variants; v++) {
        const json_t *rows = json_array_get(json_object_get(want, "logits"), v);
        const json_t *valid_rows = json_array_get(json_object_get(want, "valid_logits"), v);
        c->variants[v] = json_string_value(json_array_get(variants, v));
        assert_int_equal(json_array_size(rows), n * n_labels);
        assert_int_equal(json_array_size(valid_rows), n_valid * n_labels);
        c->logits[v] = calloc(n * n_labels, sizeof *c->logits[v]);
        c->valid_logits[v] = calloc(n_valid * n_labels + 1, sizeof *c->valid_logits[v]);
        for (size_t i = 0; i < n * n_labels; i++)
            c->logits[v][i] = (float)json_number_value(json_array_get(rows, i));
        for (size_t i = 0; i < n_valid * n_labels; i++)
            c->valid_logits[v][i] = (float)json_number_value(json_array_get(valid_rows, i));
    }
}

static void end(golden_case *c)
{
    for (size_t v = 0; v < c->job.n_variants; v++) {
        free(c->logits[v]);
        free(c->valid_logits[v]);
    }
    made_set_end(&c->set);
    if (c->job.valid)
        made_set_end(&c->valid);
}

static void entries_match_the_reference(void **state)
{
    (void)state;
    json_t *golden = golden_load("eval_figures.json");
    const json_t *cases = json_object_get(golden, "cases");
    assert_true(json_array_size(cases) >= 9);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *want = json_array_get(cases, i);
        char where[64];
        golden_case c;
        begin(&c, want);
        figures got = run(&c.job);
        snprintf(where, sizeof where, "case %zu: results", i);
        compare(got.results, json_object_get(want, "results"), where);
        snprintf(where, sizeof where, "case %zu: flips", i);
        compare(got.flips, json_object_get(want, "flips"), where);
        drop(&got);
        end(&c);
    }
    json_decref(golden);
}

static void threads_change_no_byte(void **state)
{
    (void)state;
    json_t *golden = golden_load("eval_figures.json");
    golden_case c;
    begin(&c, json_array_get(json_object_get(golden, "cases"), 0));
    figures alone = run(&c.job);
    tb_error err = {0};
    for (int threads = 2; threads <= 3; threads++) {
        assert_int_equal(tb_pool_create(threads, &c.job.pool, &err), TIMBANG_OK);
        figures many = run(&c.job);
        assert_true(json_equal(alone.results, many.results) && json_equal(alone.flips, many.flips));
        drop(&many);
        tb_pool_free(c.job.pool);
    }
    drop(&alone);
    end(&c);
    json_decref(golden);
}

static void seeds_match_the_reference(void **state)
{
    (void)state;
    json_t *golden = golden_load("eval_figures.json");
    const json_t *want = json_object_get(golden, "seeds");
    const char *const labels[] = {"a", "b", "c"};
    int32_t *truth = golden_integers(want, "truth");
    made_set set;
    made_set_begin(&set, labels, 3, truth, json_array_size(json_object_get(want, "truth")), false);
    float *logits[3], *fp32[3];
    for (size_t s = 0; s < 3; s++) {
        json_t *own = json_pack("{s:O, s:O}", "logits", json_array_get(json_object_get(want, "logits"), s), "fp32",
                                json_array_get(json_object_get(want, "fp32"), s));
        logits[s] = golden_floats(own, "logits", NULL);
        fp32[s] = golden_floats(own, "fp32", NULL);
        json_decref(own);
    }
    tb_statistics statistics = statistics_of(json_object_get(want, "plan"));
    json_t *got = NULL;
    tb_error err = {0};
    assert_int_equal(tb_figures_of_seeds(&set.task, &statistics, (const float *const *)logits,
                                         (const float *const *)fp32, 3, NULL, &got, &err),
                     TIMBANG_OK);
    compare(got, json_object_get(want, "result"), "seeds");
    json_decref(got);
    /* FP32 itself, and no bootstrap. */
    assert_int_equal(tb_figures_of_seeds(&set.task, &statistics, (const float *const *)fp32, NULL, 3, NULL, &got, &err),
                     TIMBANG_OK);
    assert_true(json_is_null(at(got, "delta_accuracy")) && json_is_null(at(got, "delta_macro_f1")));
    json_decref(got);
    statistics.replicates = 0;
    assert_int_equal(tb_figures_of_seeds(&set.task, &statistics, (const float *const *)logits,
                                         (const float *const *)fp32, 1, NULL, &got, &err),
                     TIMBANG_OK);
    assert_true(json_is_null(at(got, "delta_accuracy.interval")) && number(got, "accuracy.sd") == 0);
    all_finite(got, "one seed");
    json_decref(got);
    for (size_t s = 0; s < 3; s++) {
        free(logits[s]);
        free(fp32[s]);
    }
    made_set_end(&set);
    free(truth);
    json_decref(golden);
}

/* ---- Made-up sets ---- */

/* Sure predictions: the logit of predicted[i] is `height`, the others are 0. */
static float *sure(const int32_t *predicted, size_t n, size_t k, float height)
{
    float *logits = calloc(n * k, sizeof *logits);
    for (size_t i = 0; i < n; i++)
        logits[i * k + (size_t)predicted[i]] = height;
    return logits;
}

typedef struct pair {
    made_set set;
    tb_statistics statistics;
    float *logits[2];
    tb_figures_job job;
} pair;

/* FP32 and one variant with these predictions. */
static void pair_begin(pair *p, const char *const *labels, size_t k, size_t n, const int32_t *truth,
                       const int32_t *fp32, const int32_t *variant, float height)
{
    *p = (pair){.statistics = tb_statistics_default()};
    p->statistics.replicates = 100;
    made_set_begin(&p->set, labels, k, truth, n, false);
    p->logits[0] = sure(fp32, n, k, height);
    p->logits[1] = sure(variant, n, k, height);
    p->job = (tb_figures_job){.task = &p->set.task,
                              .statistics = &p->statistics,
                              .n_variants = 2,
                              .variants = fp32_int8,
                              .logits = (const float *const *)p->logits,
                              .valid = &p->set.task,
                              .valid_name = "same",
                              .valid_logits = (const float *const *)p->logits,
                              .trained_head = true};
}

static void pair_end(pair *p)
{
    free(p->logits[0]);
    free(p->logits[1]);
    made_set_end(&p->set);
}

/* n texts of two classes; the first `lost` turn wrong, the next `gained` turn right; the others stay right. */
static figures flipped(size_t n, size_t lost, size_t gained)
{
    const char *const labels[] = {"no", "yes"};
    int32_t *truth = calloc(n, sizeof *truth), *fp32 = calloc(n, sizeof *fp32), *variant = calloc(n, sizeof *variant);
    for (size_t i = 0; i < n; i++) {
        truth[i] = (int32_t)(i % 2);
        fp32[i] = i >= lost && i < lost + gained ? 1 - truth[i] : truth[i];
        variant[i] = i < lost ? 1 - truth[i] : truth[i];
    }
    pair p;
    pair_begin(&p, labels, 2, n, truth, fp32, variant, 3);
    figures out = run(&p.job);
    pair_end(&p);
    free(truth);
    free(fp32);
    free(variant);
    return out;
}

static void the_printed_predictions_of_the_study(void **state)
{
    (void)state;
    figures one = flipped(500, 0, 1);
    const json_t *against = at(json_array_get(one.results, 1), "against_fp32");
    assert_true(number(against, "mcnemar_p") == 1 && number(against, "delta_texts") == 1);
    assert_string_equal(json_string_value(at(against, "sentence")),
                        "+0.0020 is 1 text in 500: 0 turned wrong, 1 turned right, exact McNemar p = 1.000, within "
                        "chance");
    drop(&one);

    figures tweets = flipped(1182, 44, 61);
    against = at(json_array_get(tweets.results, 1), "against_fp32");
    assert_true(fabs(number(against, "mcnemar_p") - 0.118) < 5e-4);
    assert_true(json_is_false(at(against, "primary.significant")));
    drop(&tweets);

    figures untrained = flipped(1182, 21, 153);
    against = at(json_array_get(untrained.results, 1), "against_fp32");
    assert_true(number(against, "mcnemar_p") < 0.001 && json_is_true(at(against, "primary.significant")));
    assert_non_null(strstr(json_string_value(at(against, "sentence")), "p < 0.001"));
    drop(&untrained);

    /* 6-0 is the first p < .05. */
    for (size_t flips = 1; flips <= 7; flips++) {
        figures f = flipped(500, 0, flips);
        against = at(json_array_get(f.results, 1), "against_fp32");
        assert_true((number(against, "mcnemar_p") < 0.05) == (flips >= 6));
        assert_true(number(against, "power.smallest_texts") == 6 && number(against, "power.smallest") == 0.012);
        drop(&f);
    }
    /* At n = 500 and ten flips equivalence within 0.01 cannot be shown. */
    for (size_t lost = 0; lost <= 10; lost += 5) {
        figures ten = flipped(500, lost, 10 - lost);
        against = at(json_array_get(ten.results, 1), "against_fp32");
        assert_true(json_is_false(at(against, "equivalence.equivalent")));
        assert_true(number(against, "power.equivalence_most_flips") < 10);
        drop(&ten);
    }
}

/* Every member of docs/results.md is there whatever the set is like. */
static void check_members(const figures *f)
{
    static const char *const members[] = {"n",
                                          "correct",
                                          "accuracy",
                                          "accuracy_interval",
                                          "macro_f1",
                                          "weighted_f1",
                                          "macro_precision",
                                          "macro_recall",
                                          "weighted_precision",
                                          "weighted_recall",
                                          "mcc",
                                          "bootstrap.accuracy",
                                          "majority.label",
                                          "mean_confidence",
                                          "confidence_sd",
                                          "ece",
                                          "ece_bins",
                                          "ece_mass",
                                          "mce",
                                          "reliability.equal_width",
                                          "reliability.equal_mass",
                                          "overconfident_errors",
                                          "temperature.value",
                                          "nll",
                                          "brier",
                                          "labels",
                                          "labels_present",
                                          "restricted",
                                          "per_class",
                                          "label_counts",
                                          "predicted_counts",
                                          "confusion",
                                          "label_order",
                                          "against_fp32"};
    static const char *const paired[] = {"agreement",
                                         "agree",
                                         "agreement_interval",
                                         "mean_kl",
                                         "max_abs_dlogit",
                                         "right_to_wrong",
                                         "wrong_to_right",
                                         "wrong_to_other",
                                         "delta_accuracy",
                                         "delta_texts",
                                         "delta_macro_f1",
                                         "delta_weighted_f1",
                                         "delta_mean_confidence",
                                         "bootstrap.delta_macro_f1",
                                         "mcnemar_p",
                                         "delta_macro_f1_p",
                                         "primary.p_holm",
                                         "marginal.p_holm",
                                         "confidence.p_holm",
                                         "equivalence.interval",
                                         "power.equivalence_power",
                                         "sentence"};
    for (size_t v = 0; v < 2; v++)
        for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
            (void)at(json_array_get(f->results, v), members[i]);
    assert_true(json_is_null(at(json_array_get(f->results, 0), "against_fp32")));
    for (size_t i = 0; i < sizeof paired / sizeof paired[0]; i++)
        (void)at(at(json_array_get(f->results, 1), "against_fp32"), paired[i]);
}

static void sets_at_the_edges(void **state)
{
    (void)state;
    static const char *const labels[] = {"a", "b", "c"};
    static const struct {
        size_t n;
        int32_t truth[6], fp32[6], variant[6];
        float height;
    } sets[] = {
        {1, {0}, {0}, {0}, 1},                                                    /* one text */
        {1, {0}, {1}, {2}, 1},                                                    /* and wrong */
        {6, {1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1}, 1},       /* one class, all right */
        {6, {1, 1, 1, 1, 1, 1}, {0, 0, 0, 0, 0, 0}, {2, 2, 2, 2, 2, 2}, 1},       /* all wrong, all flipped */
        {6, {0, 1, 2, 0, 1, 2}, {2, 2, 2, 2, 2, 2}, {2, 2, 2, 2, 2, 2}, 2},       /* all predictions equal */
        {6, {0, 1, 2, 0, 1, 2}, {0, 1, 2, 0, 1, 2}, {1, 2, 0, 1, 2, 0}, 1e5F},    /* probabilities of 0 and 1 */
        {6, {0, 1, 2, 0, 1, 2}, {0, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 0, 0}, 0},       /* logits all equal */
        {6, {0, 1, 2, 0, 1, 2}, {0, 1, 2, 0, 1, 2}, {0, 1, 2, 0, 1, 1}, 3.0e38F}, /* the largest floats */
    };
    for (size_t s = 0; s < sizeof sets / sizeof sets[0]; s++) {
        pair p;
        pair_begin(&p, labels, 3, sets[s].n, sets[s].truth, sets[s].fp32, sets[s].variant, sets[s].height);
        for (int macro = 0; macro < 2; macro++) {
            p.statistics.primary_macro_f1 = macro == 1;
            figures f = run(&p.job);
            check_members(&f);
            assert_string_equal(json_string_value(at(json_array_get(f.results, 1), "against_fp32.primary.figure")),
                                macro ? "macro_f1" : "accuracy");
            drop(&f);
        }
        pair_end(&p);
    }
}

static void two_hundred_and_fifty_six_classes(void **state)
{
    (void)state;
    enum { K = 256, N = 600 };
    char names[K][8];
    const char *labels[K];
    int32_t truth[N], fp32[N], variant[N];
    for (size_t c = 0; c < K; c++) {
        snprintf(names[c], sizeof names[c], "c%zu", c);
        labels[c] = names[c];
    }
    for (int32_t i = 0; i < N; i++) {
        truth[i] = i % K;
        fp32[i] = (i * 7) % K;
        variant[i] = i % 3 ? fp32[i] : (i * 11) % K;
    }
    pair p;
    pair_begin(&p, labels, K, N, truth, fp32, variant, 2);
    p.statistics.replicates = 5;
    figures f = run(&p.job);
    check_members(&f);
    assert_true(number(json_array_get(f.results, 1), "against_fp32.marginal.df") > 100);
    drop(&f);
    pair_end(&p);
}

static void without_a_bootstrap(void **state)
{
    (void)state;
    const char *const labels[] = {"a", "b"};
    const int32_t truth[4] = {0, 1, 0, 1}, wrong[4] = {0, 1, 1, 1};
    pair p;
    pair_begin(&p, labels, 2, 4, truth, truth, wrong, 1);
    p.statistics.replicates = 0;
    p.statistics.primary_macro_f1 = true;
    p.job.valid = NULL;
    figures f = run(&p.job);
    const json_t *result = json_array_get(f.results, 1);
    assert_true(json_is_null(at(result, "bootstrap")) && json_is_null(at(result, "temperature")));
    assert_true(json_is_null(at(result, "against_fp32.bootstrap")));
    assert_true(json_is_null(at(result, "against_fp32.delta_macro_f1_p")));
    assert_true(json_is_null(at(result, "against_fp32.primary.p")));
    assert_true(json_is_null(at(result, "against_fp32.primary.p_holm")));
    assert_true(json_is_false(at(result, "against_fp32.primary.significant")));
    drop(&f);
    pair_end(&p);
}

/* 6-0 is significant alone, and is not where two more variants were tried. */
static void trying_more_variants_costs(void **state)
{
    (void)state;
    enum { N = 20 };
    const char *const labels[] = {"a", "b"}, *const variants[] = {"fp32", "fp16", "int8", "int4"};
    int32_t truth[N], flipped_there[N];
    for (int32_t i = 0; i < N; i++) {
        truth[i] = i % 2;
        flipped_there[i] = i < 6 ? 1 - truth[i] : truth[i];
    }
    pair p;
    pair_begin(&p, labels, 2, N, truth, truth, flipped_there, 1);
    const float *logits[] = {p.logits[0], p.logits[1], p.logits[0], p.logits[0]};
    p.job.logits = p.job.valid_logits = logits;
    p.job.variants = variants;
    for (size_t n = 2; n <= 4; n += 2) {
        p.job.n_variants = n;
        figures f = run(&p.job);
        const json_t *primary = at(json_array_get(f.results, 1), "against_fp32.primary");
        golden_near(number(primary, "p"), 0.03125, "p");
        golden_near(number(primary, "p_holm"), n == 2 ? 0.03125 : 3 * 0.03125, "p_holm");
        assert_int_equal(json_is_true(at(primary, "significant")), n == 2);
        drop(&f);
    }
    pair_end(&p);
}

static void long_lists_of_flips_are_cut(void **state)
{
    (void)state;
    figures f = flipped(1200, 300, 400);
    assert_true(number(f.flips, "total") == 700 && number(f.flips, "listed") == 500);
    const json_t *texts = at(f.flips, "texts");
    assert_int_equal(json_array_size(texts), 500);
    const json_t *first = json_array_get(texts, 0), *last = json_array_get(texts, 499);
    assert_true(number(first, "row") == 1 && number(last, "row") == 500);
    assert_string_equal(json_string_value(at(first, "text")), "text 0");
    assert_string_equal(json_string_value(at(json_array_get(at(first, "variants"), 0), "kind")), "same");
    assert_string_equal(json_string_value(at(json_array_get(at(first, "variants"), 1), "kind")), "right_to_wrong");
    assert_string_equal(json_string_value(at(json_array_get(at(last, "variants"), 1), "kind")), "wrong_to_right");
    drop(&f);
}

typedef struct null_list {
    float *const *logits;
    const double *errors;
    size_t values, asked, refuse_at; /* floats of a model; refuse_at: from 1, 0 never */
} null_list;

/* One at a time, in order, into the same block: what was there before is spoilt. */
static timbang_status load_null(void *arg, size_t number, float *logits, double *weight_error, tb_error *err)
{
    null_list *list = arg;
    assert_int_equal(number, list->asked++);
    if (list->asked == list->refuse_at)
        return tb_fail(err, TIMBANG_IO, "null model %zu cannot be read", number);
    memcpy(logits, list->logits[number], list->values * sizeof *logits);
    *weight_error = list->errors[number];
    return TIMBANG_OK;
}

static void luck_is_ranked(void **state)
{
    (void)state;
    enum { N = 10, MODELS = 99 };
    const char *const labels[] = {"a", "b"};
    int32_t truth[N], made[N];
    for (int32_t i = 0; i < N; i++)
        truth[i] = i % 2;
    made_set set;
    made_set_begin(&set, labels, 2, truth, N, false);
    float *models[MODELS], *fp32 = sure(truth, N, 2, 1), *real = NULL;
    double errors[MODELS];
    for (size_t m = 0; m < MODELS; m++) { /* m % 10 texts are wrong */
        for (size_t i = 0; i < N; i++)
            made[i] = i < m % 10 ? 1 - truth[i] : truth[i];
        models[m] = sure(made, N, 2, 1);
        errors[m] = m == 7 ? 1.04 : 0.99;
        if (m == 2)
            real = sure(made, N, 2, 1);
    }
    json_t *got = NULL;
    tb_error err = {0};
    null_list list = {.logits = models, .errors = errors, .values = N * 2};
    tb_null_models nulls = {.n = MODELS, .load = load_null, .arg = &list};
    assert_int_equal(tb_figures_of_null(&set.task, fp32, real, 1, &nulls, &got, &err), TIMBANG_OK);
    assert_int_equal(list.asked, MODELS);
    all_finite(got, "null");
    assert_true(number(got, "models") == MODELS);
    golden_near(number(got, "weight_error.largest_deviation"), 0.04, "largest_deviation");
    assert_true(number(got, "accuracy.real") == 0.8 && number(got, "accuracy.fp32") == 1);
    /* of 99, 20 are better (0 and 1 wrong), 10 equal, 69 worse */
    assert_true(number(got, "accuracy.above") == 20 && number(got, "accuracy.equal") == 10);
    assert_true(number(got, "accuracy.below") == 69);
    golden_near(number(got, "accuracy.p"), 2 * 31.0 / 100, "p");
    assert_true(number(got, "agreement.real") == 0.8 && number(got, "agreement.fp32") == 1);
    assert_true(number(got, "macro_f1.equal") == 10);
    assert_int_equal(json_array_size(at(got, "agreement.values")), MODELS);
    json_decref(got);
    /* Twenty show the rank only; without FP32 there is nothing to agree with. */
    nulls.n = 20;
    list.asked = 0;
    assert_int_equal(tb_figures_of_null(&set.task, NULL, real, 1, &nulls, &got, &err), TIMBANG_OK);
    assert_true(json_is_null(at(got, "accuracy.p")) && json_is_null(at(got, "accuracy.fp32")));
    assert_true(json_is_null(at(got, "agreement")));
    json_decref(got);
    list.asked = 0;
    list.refuse_at = 7;
    assert_int_equal(tb_figures_of_null(&set.task, fp32, real, 1, &nulls, &got, &err), TIMBANG_IO);
    assert_non_null(strstr(err.text, "null model 6 cannot be read"));
    for (size_t m = 0; m < MODELS; m++)
        free(models[m]);
    free(fp32);
    free(real);
    made_set_end(&set);
}

/* ---- What goes wrong ---- */

static int always(void *user)
{
    (void)user;
    return 1;
}

static void errors_are_said(void **state)
{
    (void)state;
    const char *const labels[] = {"a", "b"};
    const int32_t truth[4] = {0, 1, 0, 1};
    pair p;
    pair_begin(&p, labels, 2, 4, truth, truth, truth, 1);
    const tb_hooks hooks = {.cancel = always};
    figures out = {0};
    tb_error err = {0};
    p.job.hooks = &hooks;
    assert_int_equal(tb_figures_of_set(&p.job, &out.results, &out.flips, &err), TIMBANG_CANCELLED);
    p.job.hooks = NULL;
    p.logits[1][3] = NAN; /* never written, but said */
    assert_int_equal(tb_figures_of_set(&p.job, &out.results, &out.flips, &err), TIMBANG_INTERNAL);
    assert_non_null(strstr(err.text, "row 1"));
    assert_null(out.results);
    assert_null(out.flips);
    pair_end(&p);
}

/* ---- Allocations that fail ---- */

static size_t allocations, fail_at; /* 0: none fails */
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
    if (fail_at && ++allocations == fail_at)
        return NULL;
    return __real_calloc(count, size);
}

static void every_failed_allocation_is_an_error(void **state)
{
    (void)state;
    const char *const labels[] = {"a", "b"};
    const int32_t truth[4] = {0, 1, 0, 1}, other[4] = {0, 1, 1, 1};
    pair p;
    pair_begin(&p, labels, 2, 4, truth, truth, other, 1);
    p.statistics.replicates = 3;
    const double error = 1;
    float *const null_logits[] = {p.logits[1]};
    size_t failures[3] = {0};
    for (int what = 0; what < 3; what++)
        for (size_t k = 1;; k++) {
            figures out = {0};
            tb_error err = {0};
            timbang_status status;
            allocations = 0;
            fail_at = k;
            if (what == 0)
                status = tb_figures_of_set(&p.job, &out.results, &out.flips, &err);
            else if (what == 1) {
                null_list list = {.logits = null_logits, .errors = &error, .values = 8};
                const tb_null_models nulls = {.n = 1, .load = load_null, .arg = &list};
                status = tb_figures_of_null(&p.set.task, p.logits[0], p.logits[1], 1, &nulls, &out.results, &err);
            } else
                status = tb_figures_of_seeds(&p.set.task, &p.statistics, p.job.logits, p.job.logits, 2, NULL,
                                             &out.results, &err);
            bool failed = allocations >= k;
            fail_at = 0;
            if (!failed) {
                assert_int_equal(status, TIMBANG_OK);
                drop(&out);
                break;
            }
            assert_int_equal(status, TIMBANG_NO_MEMORY);
            failures[what]++;
        }
    assert_true(failures[0] > 20 && failures[1] > 10 && failures[2] > 20);
    pair_end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_match_the_reference),
        cmocka_unit_test(threads_change_no_byte),
        cmocka_unit_test(seeds_match_the_reference),
        cmocka_unit_test(the_printed_predictions_of_the_study),
        cmocka_unit_test(sets_at_the_edges),
        cmocka_unit_test(two_hundred_and_fifty_six_classes),
        cmocka_unit_test(without_a_bootstrap),
        cmocka_unit_test(trying_more_variants_costs),
        cmocka_unit_test(long_lists_of_flips_are_cut),
        cmocka_unit_test(luck_is_ranked),
        cmocka_unit_test(errors_are_said),
        cmocka_unit_test(every_failed_allocation_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
