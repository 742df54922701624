/* SPDX-License-Identifier: Apache-2.0
 * Holm, Stuart-Maxwell, Wilcoxon, Tango and power against statsmodels, SciPy and direct computation
 * (tests/oracle/eval_paired.py), to 1e-9; and the figures that the study printed. */
#include "eval/metrics.h"
#include "eval/paired.h"
#include "golden.h"

#include <math.h>
#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

static int load(void **state)
{
    *state = golden_load("eval_paired.json");
    return 0;
}

static int drop(void **state)
{
    json_decref(*state);
    return 0;
}

static const json_t *cases(void **state, const char *name, size_t at_least)
{
    const json_t *array = json_object_get(*state, name);
    assert_true(json_array_size(array) >= at_least);
    return array;
}

static void holm_matches_statsmodels(void **state)
{
    const json_t *array = cases(state, "holm", 8);
    tb_error err = {0};
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *want = json_array_get(array, i);
        size_t n;
        double *p = golden_doubles(want, "p", &n), adjusted[16];
        assert_int_equal(tb_holm(p, n, adjusted, &err), TIMBANG_OK);
        for (size_t j = 0; j < n; j++)
            golden_near(adjusted[j], golden_element(want, "adjusted", j), "holm");
        free(p);
    }
    /* A test that was not made does not make the others dearer. */
    const double some[3] = {0.01, NAN, 0.04};
    double adjusted[3];
    assert_int_equal(tb_holm(some, 3, adjusted, &err), TIMBANG_OK);
    assert_true(adjusted[0] == 0.02 && isnan(adjusted[1]) && adjusted[2] == 0.04);
    assert_int_equal(tb_holm(NULL, 0, adjusted, &err), TIMBANG_OK);
}

static void marginals_match_statsmodels(void **state)
{
    const json_t *array = cases(state, "marginal", 11);
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *want = json_array_get(array, i);
        size_t k;
        size_t *table = golden_table(want, "table", &k);
        tb_marginal got;
        tb_error err = {0};
        assert_int_equal(tb_marginal_compute(table, k, &got, &err), TIMBANG_OK);
        golden_near(got.statistic, golden_number(want, "statistic"), "Stuart-Maxwell");
        assert_int_equal(got.df, golden_count(want, "df"));
        golden_near_relative(got.p, golden_number(want, "p"), 1e-9, "its p");
        bool shifted = false;
        for (size_t c = 0; c < k; c++) {
            assert_int_equal(got.shifts[c], (int64_t)golden_element(want, "shifts", c));
            shifted = shifted || got.shifts[c] != 0;
        }
        assert_true(shifted == (got.gains < k) && shifted == (got.loses < k));
        for (size_t c = 0; c < k && shifted; c++)
            assert_true(got.shifts[got.gains] >= got.shifts[c] && got.shifts[got.loses] <= got.shifts[c]);
        tb_marginal_free(&got);
        free(table);
    }
}

static void a_table_of_256_classes(void **state)
{
    (void)state;
    enum { K = TB_MAX_CLASSES };
    size_t *table = calloc(K * K, sizeof *table);
    for (size_t c = 0; c < K; c++)
        table[c * K + (c + 1) % K] = 1; /* a ring: everything moves, no margin does */
    table[3 * K + 7] = 40;
    tb_marginal got;
    tb_error err = {0};
    assert_int_equal(tb_marginal_compute(table, K, &got, &err), TIMBANG_OK);
    assert_int_equal(got.df, K - 1);
    assert_true(got.gains == 7 && got.loses == 3 && got.shifts[7] == 40 && got.shifts[3] == -40);
    /* 40 units against a chain of springs: four of them in one way, 252 in the other, and the direct link of 40 */
    double conductance = 40 + 1.0 / 4 + 1.0 / 252;
    golden_near(got.statistic, 40 * 40 / conductance, "Stuart-Maxwell of a ring");
    tb_marginal_free(&got);
    free(table);
}

static void signed_ranks_match_scipy(void **state)
{
    const json_t *array = cases(state, "signed_rank", 8);
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *want = json_array_get(array, i);
        size_t n;
        double *d = golden_doubles(want, "d", &n);
        tb_signed_rank got;
        tb_error err = {0};
        assert_int_equal(tb_signed_rank_compute(d, n, &got, &err), TIMBANG_OK);
        golden_near(got.mean, golden_number(want, "mean"), "mean difference");
        golden_near(got.sd, golden_number(want, "sd"), "sd of differences");
        golden_near(got.statistic, golden_number(want, "statistic"), "rank sum");
        golden_near_relative(got.p, golden_number(want, "p"), 1e-9, "its p");
        free(d);
    }
}

static void equivalence_matches_the_likelihood(void **state)
{
    const json_t *array = cases(state, "equivalence", 12);
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *want = json_array_get(array, i);
        size_t gained = golden_count(want, "gained"), lost = golden_count(want, "lost"), n = golden_count(want, "n");
        double margin = golden_number(want, "margin"), alpha = golden_number(want, "alpha");
        tb_equivalence got, mirrored;
        tb_equivalence_compute(gained, lost, n, margin, alpha, &got);
        golden_near(got.p_lower, golden_number(want, "p_lower"), "p_lower");
        golden_near(got.p_upper, golden_number(want, "p_upper"), "p_upper");
        golden_near(got.low, golden_number(want, "low"), "Tango low");
        golden_near(got.high, golden_number(want, "high"), "Tango high");
        assert_true(got.p >= got.p_lower && got.p >= got.p_upper);
        tb_equivalence_compute(lost, gained, n, margin, alpha, &mirrored);
        golden_near_within(mirrored.p_lower, got.p_upper, 1e-14, "the mirrored p");
        golden_near_within(mirrored.low, -got.high, 1e-14, "the mirrored interval");
        /* The interval at 1 - 2 alpha lies within the margin exactly where the test shows equivalence. */
        assert_true((got.p < alpha) == (got.low > -margin && got.high < margin));
    }
}

static void power_matches_direct_sums(void **state)
{
    const json_t *array = cases(state, "power", 14);
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *want = json_array_get(array, i);
        size_t n = golden_count(want, "n");
        double rate = golden_number(want, "rate"), alpha = golden_number(want, "alpha");
        tb_power got;
        tb_error err = {0};
        assert_int_equal(
            tb_power_compute(n, rate, golden_number(want, "margin"), alpha, golden_number(want, "power"), &got, &err),
            TIMBANG_OK);
        assert_int_equal(got.smallest, golden_count(want, "smallest"));
        assert_int_equal(got.most_flips, (int64_t)golden_number(want, "most_flips"));
        golden_near(got.equivalence_power, golden_number(want, "equivalence_power"), "equivalence_power");
        if (json_is_null(json_object_get(want, "detectable"))) {
            assert_true(isnan(got.detectable));
            continue;
        }
        golden_near(got.detectable, golden_number(want, "detectable"), "detectable");
        double power;
        assert_int_equal(tb_mcnemar_power(n, rate, got.detectable, alpha, &power, &err), TIMBANG_OK);
        golden_near(power, golden_number(want, "power"), "power at the detectable difference");
    }
}

static void power_of_a_million_texts(void **state)
{
    (void)state;
    tb_power got;
    tb_error err = {0};
    assert_int_equal(tb_power_compute(1000000, 0.1, 0.001, 0.05, 0.8, &got, &err), TIMBANG_OK);
    /* The normal approximation is good to three digits here. */
    double approximate = (1.959964 + 0.841621) * sqrt(0.1 / 1e6);
    assert_true(fabs(got.detectable / approximate - 1) < 2e-3);
    assert_true(got.equivalence_power > 0.8 && got.equivalence_power < 0.95);
}

/* study.md: right to wrong / wrong to right of three variants. */
static void the_printed_predictions_of_the_study(void **state)
{
    (void)state;
    assert_true(tb_binomial_two_sided_half(0, 1) == 1);
    golden_near_within(tb_binomial_two_sided_half(44, 105), 0.118, 5e-4, "44/61");
    assert_true(tb_binomial_two_sided_half(21, 174) < 0.001);
    assert_true(tb_binomial_two_sided_half(0, 5) >= 0.05);
    assert_true(tb_binomial_two_sided_half(0, 6) < 0.05); /* 6-0 is the first */
    tb_power power;
    tb_error err = {0};
    assert_int_equal(tb_power_compute(500, 10.0 / 500, 0.01, 0.05, 0.8, &power, &err), TIMBANG_OK);
    assert_int_equal(power.smallest, 6);
    /* At n = 500 and ten flips equivalence within 0.01 cannot be shown. */
    assert_true(power.most_flips >= 0 && power.most_flips < 10);
    for (size_t gained = 0; gained <= 10; gained++) {
        tb_equivalence e;
        tb_equivalence_compute(gained, 10 - gained, 500, 0.01, 0.05, &e);
        assert_true(e.p >= 0.05);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holm_matches_statsmodels),
        cmocka_unit_test(marginals_match_statsmodels),
        cmocka_unit_test(a_table_of_256_classes),
        cmocka_unit_test(signed_ranks_match_scipy),
        cmocka_unit_test(equivalence_matches_the_likelihood),
        cmocka_unit_test(power_matches_direct_sums),
        cmocka_unit_test(power_of_a_million_texts),
        cmocka_unit_test(the_printed_predictions_of_the_study),
    };
    return cmocka_run_group_tests(tests, load, drop);
}
