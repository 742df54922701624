/* SPDX-License-Identifier: Apache-2.0
 * src/eval against scikit-learn, SciPy, statsmodels and NumPy (tests/oracle/eval_metrics.py), to 1e-9. */
#include "eval/metrics.h"
#include "golden.h"

#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int load_golden(void **state)
{
    *state = golden_load("eval_metrics.json");
    return 0;
}

static int drop_golden(void **state)
{
    json_decref(*state);
    return 0;
}

static void figures_match_scikit_learn(void **state)
{
    const json_t *cases = json_object_get(*state, "cases");
    assert_true(json_array_size(cases) >= 11);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *want = json_array_get(cases, i);
        size_t count, k = (size_t)golden_number(want, "classes");
        float *logits = golden_floats(want, "logits", &count);
        int32_t *truth = golden_integers(want, "truth");
        double *probs = calloc(count, sizeof *probs);
        for (size_t r = 0; r < count / k; r++)
            tb_softmax_double(logits + r * k, k, probs + r * k);

        tb_figures got;
        tb_error err = {0};
        assert_int_equal(tb_figures_compute(probs, truth, count / k, k, &got, &err), TIMBANG_OK);
        golden_near(got.accuracy, golden_number(want, "accuracy"), "accuracy");
        golden_near(got.accuracy_low, golden_number(want, "accuracy_low"), "accuracy_low");
        golden_near(got.accuracy_high, golden_number(want, "accuracy_high"), "accuracy_high");
        golden_near(got.macro_f1, golden_number(want, "macro_f1"), "macro_f1");
        golden_near(got.weighted_f1, golden_number(want, "weighted_f1"), "weighted_f1");
        golden_near(got.macro_precision, golden_number(want, "macro_precision"), "macro_precision");
        golden_near(got.macro_recall, golden_number(want, "macro_recall"), "macro_recall");
        golden_near(got.weighted_precision, golden_number(want, "weighted_precision"), "weighted_precision");
        golden_near(got.weighted_recall, golden_number(want, "weighted_recall"), "weighted_recall");
        golden_near(got.mcc, golden_number(want, "mcc"), "mcc");
        golden_near(got.confidence_sd, golden_number(want, "confidence_sd"), "confidence_sd");
        assert_int_equal(got.overconfident_errors, golden_count(want, "overconfident_errors"));
        golden_near(got.majority_accuracy, golden_number(want, "majority_accuracy"), "majority_accuracy");
        golden_near(got.ece, golden_number(want, "ece"), "ece");
        golden_near(got.nll, golden_number(want, "nll"), "nll");
        golden_near(got.brier, golden_number(want, "brier"), "brier");
        golden_near(got.mean_confidence, golden_number(want, "mean_confidence"), "mean_confidence");
        for (size_t c = 0; c < k; c++) {
            golden_near(got.per_class[c].precision, golden_element(want, "precision", c), "precision");
            golden_near(got.per_class[c].recall, golden_element(want, "recall", c), "recall");
            golden_near(got.per_class[c].f1, golden_element(want, "f1", c), "f1");
            assert_int_equal(got.per_class[c].support, (int)golden_element(want, "support", c));
            assert_int_equal(got.per_class[c].predicted, (int)golden_element(want, "predicted", c));
            const json_t *row = json_array_get(json_object_get(want, "confusion"), c);
            for (size_t j = 0; j < k; j++)
                assert_int_equal(got.confusion[c * k + j], json_integer_value(json_array_get(row, j)));
        }
        tb_figures_free(&got);
        free(probs);
        free(truth);
        free(logits);
    }
}

static void comparisons_match_scipy(void **state)
{
    const json_t *pairs = json_object_get(*state, "pairs");
    assert_true(json_array_size(pairs) >= 5);
    for (size_t i = 0; i < json_array_size(pairs); i++) {
        const json_t *want = json_array_get(pairs, i);
        size_t count, k = (size_t)golden_number(want, "classes");
        float *a = golden_floats(want, "a", &count), *b = golden_floats(want, "b", &count);
        int32_t *truth = golden_integers(want, "truth");
        tb_comparison got;
        tb_compare(a, b, truth, count / k, k, &got);
        assert_int_equal(got.agree, (int)golden_number(want, "agree"));
        golden_near(got.agreement, golden_number(want, "agree") / (double)(count / k), "agreement");
        golden_near(got.mean_kl, golden_number(want, "mean_kl"), "mean_kl");
        golden_near(got.max_abs_dlogit, golden_number(want, "max_abs_dlogit"), "max_abs_dlogit");
        assert_int_equal(got.right_to_wrong, (int)golden_number(want, "right_to_wrong"));
        assert_int_equal(got.wrong_to_right, (int)golden_number(want, "wrong_to_right"));
        assert_int_equal(got.wrong_to_other, (int)golden_number(want, "wrong_to_other"));
        golden_near(got.mcnemar_p, golden_number(want, "mcnemar_p"), "mcnemar_p");
        golden_near(got.delta_accuracy, golden_number(want, "delta_accuracy"), "delta_accuracy");
        tb_compare(a, b, NULL, count / k, k, &got);
        assert_int_equal(got.agree, (int)golden_number(want, "agree"));
        assert_int_equal(got.right_to_wrong + got.wrong_to_right + got.wrong_to_other, 0);
        free(truth);
        free(b);
        free(a);
    }
}

static void intervals_and_tests_match_statsmodels(void **state)
{
    const json_t *wilson = json_object_get(*state, "wilson");
    for (size_t i = 0; i < json_array_size(wilson); i++) {
        const json_t *want = json_array_get(wilson, i);
        double low, high;
        tb_wilson((size_t)golden_number(want, "k"), (size_t)golden_number(want, "n"), &low, &high);
        golden_near(low, golden_number(want, "low"), "wilson low");
        golden_near(high, golden_number(want, "high"), "wilson high");
    }
    const json_t *tests = json_object_get(*state, "mcnemar");
    assert_true(json_array_size(tests) >= 9);
    for (size_t i = 0; i < json_array_size(tests); i++) {
        const json_t *want = json_array_get(tests, i);
        size_t b = (size_t)golden_number(want, "b"), c = (size_t)golden_number(want, "c");
        double p = golden_number(want, "p"), got = tb_binomial_two_sided_half(b, b + c);
        if (!(fabs(got - p) <= 1e-9 * p))
            fail_msg("p of %zu to %zu is %.17g, the reference says %.17g", b, c, got, p);
        assert_true(tb_binomial_two_sided_half(c, b + c) == got);
    }
    assert_true(tb_binomial_two_sided_half(0, 0) == 1);
    assert_true(tb_binomial_two_sided_half(0, 100000) >= 0);
}

static void label_orders_are_found(void **state)
{
    const json_t *orders = json_object_get(*state, "orders");
    for (size_t i = 0; i < json_array_size(orders); i++) {
        const json_t *want = json_array_get(orders, i);
        const json_t *rows = json_object_get(want, "confusion");
        size_t k = json_array_size(rows), order[16], confusion[256];
        for (size_t r = 0; r < k; r++)
            for (size_t c = 0; c < k; c++)
                confusion[r * k + c] = (size_t)json_integer_value(json_array_get(json_array_get(rows, r), c));
        double accuracy = 0;
        assert_true(tb_better_label_order(confusion, k, order, &accuracy));
        golden_near(accuracy, golden_number(want, "accuracy"), "accuracy under the order");
        for (size_t j = 0; j < k; j++)
            assert_int_equal(order[j], (int)golden_element(want, "order", j));
    }
}

static void good_and_doubtful_orders_are_left_alone(void **state)
{
    (void)state;
    size_t order[4];
    double accuracy;
    const size_t good[9] = {50, 5, 5, 4, 40, 6, 3, 2, 60};
    assert_false(tb_better_label_order(good, 3, order, &accuracy));
    const size_t slight[4] = {40, 60, 55, 45}; /* better the other way round, by less than 0.2 */
    assert_false(tb_better_label_order(slight, 2, order, &accuracy));
    const size_t few[4] = {0, 5, 5, 0}; /* always better the other way round, but ten texts prove nothing */
    assert_false(tb_better_label_order(few, 2, order, &accuracy));
    const size_t many[4] = {0, 20, 20, 0};
    assert_true(tb_better_label_order(many, 2, order, &accuracy));
    const size_t empty[4] = {0};
    assert_false(tb_better_label_order(empty, 2, order, &accuracy));
}

static void timings_match_numpy(void **state)
{
    const json_t *timings = json_object_get(*state, "timings");
    assert_true(json_array_size(timings) >= 5);
    for (size_t i = 0; i < json_array_size(timings); i++) {
        const json_t *want = json_array_get(timings, i), *array = json_object_get(want, "ms");
        size_t n = json_array_size(array);
        double *ms = calloc(n, sizeof *ms), first;
        for (size_t j = 0; j < n; j++)
            ms[j] = json_number_value(json_array_get(array, j));
        first = ms[0];
        tb_timing got;
        tb_error err = {0};
        assert_int_equal(tb_timing_compute(ms, n, &got, &err), TIMBANG_OK);
        assert_true(ms[0] == first); /* a copy was sorted */
        golden_near(got.mean, golden_number(want, "mean"), "mean");
        golden_near(got.sd, golden_number(want, "sd"), "sd");
        golden_near(got.median, golden_number(want, "median"), "median");
        golden_near(got.p10, golden_number(want, "p10"), "p10");
        golden_near(got.p90, golden_number(want, "p90"), "p90");
        golden_near(got.p99, golden_number(want, "p99"), "p99");
        golden_near(got.min, golden_number(want, "min"), "min");
        golden_near(got.max, golden_number(want, "max"), "max");
        free(ms);
    }
    tb_timing unused;
    tb_error err = {0};
    assert_int_equal(tb_timing_compute(NULL, 0, &unused, &err), TIMBANG_DATA);
}

static void odd_input_is_refused(void **state)
{
    (void)state;
    tb_figures got;
    tb_error err = {0};
    const double probs[4] = {0.5, 0.5, 0.25, 0.75}, odd[2] = {NAN, 0.5};
    const int32_t outside[2] = {0, 2}, fine[2] = {0, 1};
    assert_int_equal(tb_figures_compute(probs, outside, 2, 2, &got, &err), TIMBANG_INTERNAL);
    assert_int_equal(tb_figures_compute(odd, fine, 1, 2, &got, &err), TIMBANG_INTERNAL);
    assert_int_equal(tb_figures_compute(probs, fine, 0, 2, &got, &err), TIMBANG_DATA);
    assert_int_equal(tb_figures_compute(probs, fine, 1, 1000, &got, &err), TIMBANG_UNSUPPORTED);
    /* Of equals the first is predicted. */
    assert_int_equal(tb_figures_compute(probs, fine, 2, 2, &got, &err), TIMBANG_OK);
    assert_int_equal(got.per_class[0].predicted, 1);
    tb_figures_free(&got);
    const float logits[3] = {1, 2, 2};
    assert_int_equal(tb_argmax_f32(logits, 3), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_match_scikit_learn),
        cmocka_unit_test(comparisons_match_scipy),
        cmocka_unit_test(intervals_and_tests_match_statsmodels),
        cmocka_unit_test(label_orders_are_found),
        cmocka_unit_test(good_and_doubtful_orders_are_left_alone),
        cmocka_unit_test(timings_match_numpy),
        cmocka_unit_test(odd_input_is_refused),
    };
    return cmocka_run_group_tests(tests, load_golden, drop_golden);
}
