/* SPDX-License-Identifier: Apache-2.0
 * src/eval against scikit-learn, SciPy, statsmodels and NumPy (tests/oracle/eval_metrics.py), to 1e-9. */
#include "base/json.h"
#include "eval/metrics.h"

#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int load_golden(void **state)
{
    const char *root = getenv("TIMBANG_SOURCE");
    char path[4096];
    json_error_t error;
    snprintf(path, sizeof path, "%s/tests/golden/eval_metrics.json", root ? root : ".");
    *state = json_load_file(path, 0, &error);
    return *state ? 0 : -1;
}

static int drop_golden(void **state)
{
    json_decref(*state);
    return 0;
}

static double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    assert_true(json_is_number(value));
    return json_number_value(value);
}

static void near(double got, double want, const char *what)
{
    if (!(fabs(got - want) <= 1e-9 * (1 + fabs(want))))
        fail_msg("%s is %.17g, the reference says %.17g", what, got, want);
}

static float *floats(const json_t *object, const char *key, size_t *n)
{
    const json_t *array = json_object_get(object, key);
    *n = json_array_size(array);
    float *values = calloc(*n + 1, sizeof *values);
    for (size_t i = 0; i < *n; i++)
        values[i] = (float)json_number_value(json_array_get(array, i));
    return values;
}

static int32_t *integers(const json_t *object, const char *key)
{
    const json_t *array = json_object_get(object, key);
    int32_t *values = calloc(json_array_size(array) + 1, sizeof *values);
    for (size_t i = 0; i < json_array_size(array); i++)
        values[i] = (int32_t)json_integer_value(json_array_get(array, i));
    return values;
}

static double element(const json_t *object, const char *key, size_t i)
{
    const json_t *value = json_array_get(json_object_get(object, key), i);
    assert_true(json_is_number(value));
    return json_number_value(value);
}

static void figures_match_scikit_learn(void **state)
{
    const json_t *cases = json_object_get(*state, "cases");
    assert_true(json_array_size(cases) >= 7);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *want = json_array_get(cases, i);
        size_t count, k = (size_t)number(want, "classes");
        float *logits = floats(want, "logits", &count);
        int32_t *truth = integers(want, "truth");
        double *probs = calloc(count, sizeof *probs);
        for (size_t r = 0; r < count / k; r++)
            tb_softmax_double(logits + r * k, k, probs + r * k);

        tb_figures got;
        tb_error err = {0};
        assert_int_equal(tb_figures_compute(probs, truth, count / k, k, &got, &err), TIMBANG_OK);
        near(got.accuracy, number(want, "accuracy"), "accuracy");
        near(got.accuracy_low, number(want, "accuracy_low"), "accuracy_low");
        near(got.accuracy_high, number(want, "accuracy_high"), "accuracy_high");
        near(got.macro_f1, number(want, "macro_f1"), "macro_f1");
        near(got.weighted_f1, number(want, "weighted_f1"), "weighted_f1");
        near(got.majority_accuracy, number(want, "majority_accuracy"), "majority_accuracy");
        near(got.ece, number(want, "ece"), "ece");
        near(got.nll, number(want, "nll"), "nll");
        near(got.brier, number(want, "brier"), "brier");
        near(got.mean_confidence, number(want, "mean_confidence"), "mean_confidence");
        for (size_t c = 0; c < k; c++) {
            near(got.per_class[c].precision, element(want, "precision", c), "precision");
            near(got.per_class[c].recall, element(want, "recall", c), "recall");
            near(got.per_class[c].f1, element(want, "f1", c), "f1");
            assert_int_equal(got.per_class[c].support, (int)element(want, "support", c));
            assert_int_equal(got.per_class[c].predicted, (int)element(want, "predicted", c));
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
        size_t count, k = (size_t)number(want, "classes");
        float *a = floats(want, "a", &count), *b = floats(want, "b", &count);
        int32_t *truth = integers(want, "truth");
        tb_comparison got;
        tb_compare(a, b, truth, count / k, k, &got);
        assert_int_equal(got.agree, (int)number(want, "agree"));
        near(got.agreement, number(want, "agree") / (double)(count / k), "agreement");
        near(got.mean_kl, number(want, "mean_kl"), "mean_kl");
        near(got.max_abs_dlogit, number(want, "max_abs_dlogit"), "max_abs_dlogit");
        assert_int_equal(got.right_to_wrong, (int)number(want, "right_to_wrong"));
        assert_int_equal(got.wrong_to_right, (int)number(want, "wrong_to_right"));
        assert_int_equal(got.wrong_to_other, (int)number(want, "wrong_to_other"));
        near(got.mcnemar_p, number(want, "mcnemar_p"), "mcnemar_p");
        near(got.delta_accuracy, number(want, "delta_accuracy"), "delta_accuracy");
        tb_compare(a, b, NULL, count / k, k, &got);
        assert_int_equal(got.agree, (int)number(want, "agree"));
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
        tb_wilson((size_t)number(want, "k"), (size_t)number(want, "n"), &low, &high);
        near(low, number(want, "low"), "wilson low");
        near(high, number(want, "high"), "wilson high");
    }
    const json_t *tests = json_object_get(*state, "mcnemar");
    assert_true(json_array_size(tests) >= 9);
    for (size_t i = 0; i < json_array_size(tests); i++) {
        const json_t *want = json_array_get(tests, i);
        size_t b = (size_t)number(want, "b"), c = (size_t)number(want, "c");
        double p = number(want, "p"), got = tb_binomial_two_sided_half(b, b + c);
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
        near(accuracy, number(want, "accuracy"), "accuracy under the order");
        for (size_t j = 0; j < k; j++)
            assert_int_equal(order[j], (int)element(want, "order", j));
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
        near(got.mean, number(want, "mean"), "mean");
        near(got.sd, number(want, "sd"), "sd");
        near(got.median, number(want, "median"), "median");
        near(got.p10, number(want, "p10"), "p10");
        near(got.p90, number(want, "p90"), "p90");
        near(got.p99, number(want, "p99"), "p99");
        near(got.min, number(want, "min"), "min");
        near(got.max, number(want, "max"), "max");
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
