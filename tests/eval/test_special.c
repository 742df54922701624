/* SPDX-License-Identifier: Apache-2.0
 * src/eval/special.c and binomial.c against 50 digits (tests/oracle/eval_paired.py). */
#include "eval/special.h"
#include "golden.h"

#include <float.h>
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

static void check(const json_t *golden, const char *name, double (*function)(double), double tolerance)
{
    const json_t *points = json_object_get(json_object_get(golden, "special"), name);
    assert_true(json_array_size(points) >= 10);
    for (size_t i = 0; i < json_array_size(points); i++) {
        const json_t *point = json_array_get(points, i);
        double x = golden_number(point, "x"), want = golden_number(point, "y");
        if (fabs(want) < DBL_MIN) /* zero, or a subnormal with few digits */
            golden_near_within(function(x), want, 1e-320, name);
        else
            golden_near_relative(function(x), want, tolerance, name);
    }
}

static void functions_of_one_number(void **state)
{
    check(*state, "exp", tb_exp64, 3e-16);
    check(*state, "ln", tb_ln, 5e-16);
    check(*state, "ln1p", tb_ln1p, 5e-16);
    check(*state, "normal_sf", tb_normal_sf, 1e-12);
    check(*state, "normal_quantile", tb_normal_quantile, 1e-12);
    const json_t *points = json_object_get(json_object_get(*state, "special"), "log_gamma");
    for (size_t i = 0; i < json_array_size(points); i++) {
        const json_t *point = json_array_get(points, i);
        golden_near_within(tb_log_gamma(golden_number(point, "x")), golden_number(point, "y"), 1e-14, "log_gamma");
    }
}

static void edges(void **state)
{
    (void)state;
    assert_true(tb_exp64(0) == 1 && tb_exp64(-1e9) == 0 && tb_exp64(-INFINITY) == 0);
    assert_true(tb_exp64(1e9) == INFINITY && isnan(tb_exp64(NAN)));
    assert_true(tb_ln(1) == 0 && tb_ln1p(0) == 0);
    assert_true(tb_normal_cdf(0) == 0.5 && tb_normal_sf(100) == 0 && tb_normal_cdf(100) == 1);
    golden_near_within(tb_normal_cdf(-1.5) + tb_normal_cdf(1.5), 1, 1e-15, "both halves");
    assert_true(tb_normal_quantile(0.5) == 0 && tb_normal_quantile(0.975) == -tb_normal_quantile(1 - 0.975));
    assert_true(tb_chi_square_sf(0, 3) == 1 && tb_chi_square_sf(5, 0) == 1 && tb_chi_square_sf(1e6, 3) == 0);
}

static void chi_square(void **state)
{
    const json_t *points = json_object_get(json_object_get(*state, "special"), "chi_square_sf");
    assert_true(json_array_size(points) >= 10);
    for (size_t i = 0; i < json_array_size(points); i++) {
        const json_t *point = json_array_get(points, i);
        double got = tb_chi_square_sf(golden_number(point, "x"), golden_number(point, "df"));
        golden_near_relative(got, golden_number(point, "y"), 1e-12, "chi_square_sf");
    }
}

static void binomials(void **state)
{
    const json_t *points = json_object_get(*state, "binomial");
    assert_true(json_array_size(points) >= 12);
    for (size_t i = 0; i < json_array_size(points); i++) {
        const json_t *point = json_array_get(points, i);
        size_t k = golden_count(point, "k"), n = golden_count(point, "n");
        double p = golden_number(point, "p");
        golden_near_relative(tb_binomial_pmf(k, n, p), golden_number(point, "pmf"), 1e-12, "binomial_pmf");
        golden_near_relative(tb_binomial_cdf(k, n, p), golden_number(point, "cdf"), 1e-12, "binomial_cdf");
    }
    assert_true(tb_binomial_pmf(6, 5, 0.5) == 0 && tb_binomial_cdf(6, 5, 0.5) == 1 && tb_binomial_cdf(0, 0, 0.3) == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_of_one_number),
        cmocka_unit_test(edges),
        cmocka_unit_test(chi_square),
        cmocka_unit_test(binomials),
    };
    return cmocka_run_group_tests(tests, load, drop);
}
