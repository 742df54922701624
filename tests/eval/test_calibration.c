/* SPDX-License-Identifier: Apache-2.0
 * Reliability bins against NumPy (tests/oracle/eval_metrics.py), temperatures against the root of the slope
 * (tests/oracle/eval_paired.py), to 1e-9. */
#include "eval/calibration.h"
#include "golden.h"

#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct matrix {
    float *logits;
    size_t n, k;
} matrix;

static void logits_of(const void *arg, size_t row, double *logits)
{
    const matrix *m = arg;
    for (size_t c = 0; c < m->k; c++)
        logits[c] = (double)m->logits[row * m->k + c];
}

static size_t probs_of(const void *arg, size_t row, double *probs)
{
    const matrix *m = arg;
    tb_softmax_double(m->logits + row * m->k, m->k, probs);
    return tb_argmax_f32(m->logits + row * m->k, m->k);
}

static void check_bins(const json_t *want, const tb_bin *bins)
{
    assert_int_equal(json_array_size(want), TB_ECE_BINS);
    for (size_t b = 0; b < TB_ECE_BINS; b++) {
        const json_t *bin = json_array_get(want, b);
        assert_int_equal(bins[b].n, golden_count(bin, "n"));
        if (!json_is_null(json_object_get(bin, "low"))) {
            golden_near(bins[b].low, golden_number(bin, "low"), "low");
            golden_near(bins[b].high, golden_number(bin, "high"), "high");
        }
        if (bins[b].n == 0)
            continue;
        golden_near(bins[b].confidence / (double)bins[b].n, golden_number(bin, "confidence"), "confidence of a bin");
        golden_near((double)bins[b].right / (double)bins[b].n, golden_number(bin, "accuracy"), "accuracy of a bin");
    }
}

static void bins_match_numpy(void **state)
{
    (void)state;
    json_t *golden = golden_load("eval_metrics.json");
    const json_t *cases = json_object_get(golden, "cases");
    assert_true(json_array_size(cases) >= 9);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *want = json_array_get(cases, i);
        size_t count;
        matrix m = {.k = golden_count(want, "classes")};
        m.logits = golden_floats(want, "logits", &count);
        m.n = count / m.k;
        int32_t *truth = golden_integers(want, "truth");
        tb_figures figures;
        tb_outcomes outcomes;
        tb_error err = {0};
        assert_int_equal(tb_figures_stream(probs_of, &m, truth, m.n, m.k, &figures, &outcomes, &err), TIMBANG_OK);
        tb_bin width[TB_ECE_BINS], mass[TB_ECE_BINS];
        tb_bins_equal_width(&outcomes, truth, width);
        assert_int_equal(tb_bins_equal_mass(&outcomes, truth, mass, &err), TIMBANG_OK);
        check_bins(json_object_get(want, "equal_width"), width);
        check_bins(json_object_get(want, "equal_mass"), mass);
        golden_near(tb_bins_ece(width, m.n), golden_number(want, "ece"), "ece");
        golden_near(tb_bins_ece(mass, m.n), golden_number(want, "ece_mass"), "ece_mass");
        golden_near(tb_bins_mce(width), golden_number(want, "mce"), "mce");
        tb_figures_free(&figures);
        tb_outcomes_free(&outcomes);
        free(truth);
        free(m.logits);
    }
    json_decref(golden);
}

static void edges_of_bins(void **state)
{
    (void)state;
    /* An edge belongs to the bin below it, 0 to the first; ties go by row. */
    double confidence[6] = {0, 1.0 / TB_ECE_BINS, nextafter(1.0 / TB_ECE_BINS, 1), 1, 1, 1};
    uint8_t predicted[6] = {0, 0, 0, 0, 0, 0};
    const int32_t truth[6] = {0, 0, 0, 0, 1, 1};
    const tb_outcomes outcomes = {.n = 6, .predicted = predicted, .confidence = confidence};
    tb_bin bins[TB_ECE_BINS];
    tb_bins_equal_width(&outcomes, truth, bins);
    assert_true(bins[0].n == 2 && bins[1].n == 1 && bins[TB_ECE_BINS - 1].n == 3);
    tb_error err = {0};
    assert_int_equal(tb_bins_equal_mass(&outcomes, truth, bins, &err), TIMBANG_OK);
    size_t seen = 0;
    for (size_t b = 0; b < TB_ECE_BINS; b++) {
        if (bins[b].n == 0)
            continue;
        assert_true(bins[b].n == 1 && bins[b].low == confidence[seen]);
        assert_int_equal(bins[b].right, seen < 4);
        seen++;
    }
    assert_int_equal(seen, 6);
}

static void temperatures_match(void **state)
{
    (void)state;
    json_t *golden = golden_load("eval_paired.json");
    const json_t *cases = json_object_get(golden, "temperature");
    assert_true(json_array_size(cases) >= 6);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *want = json_array_get(cases, i);
        size_t count;
        matrix m = {.k = golden_count(want, "classes")};
        m.logits = golden_floats(want, "logits", &count);
        m.n = count / m.k;
        int32_t *truth = golden_integers(want, "truth");
        tb_temperature got;
        tb_temperature_fit(logits_of, &m, truth, m.n, m.k, &got);
        golden_near(got.value, golden_number(want, "value"), "temperature");
        assert_int_equal(got.at_bound, json_is_true(json_object_get(want, "at_bound")));
        free(truth);
        free(m.logits);
    }
    json_decref(golden);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bins_match_numpy),
        cmocka_unit_test(edges_of_bins),
        cmocka_unit_test(temperatures_match),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
