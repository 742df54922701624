/* SPDX-License-Identifier: Apache-2.0
 * exp, erf, tanh, round_even: errors, special values, golden values; the activations of the reference level. */
#include "golden.h"
#include "ulp.h"

static void errors_stay_in_bounds(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ulp_functions / sizeof ulp_functions[0]; i++) {
        ulp_worst worst = ulp_measure(&ulp_functions[i], 0, UINT32_MAX, 4099);
        if (!(worst.error <= ulp_functions[i].bound))
            fail_msg("%s(%a): %f ulp", ulp_functions[i].name, (double)worst.x, worst.error);
    }
}

/* Around every place where a definition changes its branch or its scale. */
static void errors_stay_in_bounds_at_edges(void **state)
{
    (void)state;
    static const float edges[] = {0.625f,      0.921875f,    4.0f,         3.83f, 9.01f,
                                  88.7228394f, -87.3365479f, -103.972084f, 89.0f, -104.0f,
                                  0.34657359f, -0.34657359f, 44.0f,        -44.0f};
    for (size_t i = 0; i < sizeof ulp_functions / sizeof ulp_functions[0]; i++) {
        for (size_t e = 0; e < sizeof edges / sizeof edges[0]; e++) {
            uint32_t bits = float_bits(edges[e]);
            ulp_worst worst = ulp_measure(&ulp_functions[i], bits - 2000, bits + 2000, 1);
            if (!(worst.error <= ulp_functions[i].bound))
                fail_msg("%s(%a): %f ulp", ulp_functions[i].name, (double)worst.x, worst.error);
        }
    }
}

static void assert_bits(float got, uint32_t bits)
{
    if (float_bits(got) != bits)
        fail_msg("%a (%08x), not %08x", (double)got, float_bits(got), bits);
}

static void special_values(void **state)
{
    (void)state;
    assert_bits(tb_exp(0.0f), 0x3f800000);
    assert_bits(tb_exp(-0.0f), 0x3f800000);
    assert_bits(tb_exp(INFINITY), 0x7f800000);
    assert_bits(tb_exp(-INFINITY), 0);
    assert_bits(tb_exp(0x1.fffffep+127f), 0x7f800000);
    assert_bits(tb_exp(-0x1.fffffep+127f), 0);
    assert_bits(tb_exp(-103.9f), 1); /* the smallest denormal */
    assert_true(isnan(tb_exp(NAN)));

    assert_bits(tb_erf(0.0f), 0);
    assert_bits(tb_erf(-0.0f), 0x80000000);
    assert_bits(tb_erf(INFINITY), 0x3f800000);
    assert_bits(tb_erf(-INFINITY), 0xbf800000);
    assert_bits(tb_erf(5.0f), 0x3f800000);
    assert_true(isnan(tb_erf(NAN)));

    assert_bits(tb_tanh(0.0f), 0);
    assert_bits(tb_tanh(-0.0f), 0x80000000);
    assert_bits(tb_tanh(0x1p-149f), 1);
    assert_bits(tb_tanh(INFINITY), 0x3f800000);
    assert_bits(tb_tanh(-INFINITY), 0xbf800000);
    assert_true(isnan(tb_tanh(NAN)));

    static const float halves[][2] = {{0.5f, 0.0f},
                                      {1.5f, 2.0f},
                                      {2.5f, 2.0f},
                                      {-0.5f, -0.0f},
                                      {-1.5f, -2.0f},
                                      {0.4999f, 0.0f},
                                      {8388607.5f, 8388608.0f},
                                      {1e30f, 1e30f},
                                      {-0.0f, -0.0f},
                                      {-3.49f, -3.0f}};
    for (size_t i = 0; i < sizeof halves / sizeof halves[0]; i++)
        assert_bits(tb_round_even(halves[i][0]), float_bits(halves[i][1]));
    assert_true(isnan(tb_round_even(NAN)));
}

static void odd_functions_are_odd(void **state)
{
    (void)state;
    tb_rng rng = tb_rng_make(1, 1);
    for (int i = 0; i < 20000; i++) {
        float x = bits_float(tb_rng_u32(&rng) & UINT32_C(0x7fffffff));
        if (isnan(x))
            continue;
        assert_bits(tb_erf(-x), float_bits(tb_erf(x)) ^ UINT32_C(0x80000000));
        assert_bits(tb_tanh(-x), float_bits(tb_tanh(x)) ^ UINT32_C(0x80000000));
    }
}

static void golden_functions(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ulp_functions / sizeof ulp_functions[0]; i++) {
        FILE *file = golden_open();
        int seen = 0;
        while (golden_next(file, ulp_functions[i].name)) {
            float x = golden_float(file);
            double truth = golden_double(file);
            double error = ulp_error(ulp_functions[i].own(x), truth);
            if (!(error <= ulp_functions[i].bound))
                fail_msg("%s(%a): %f ulp", ulp_functions[i].name, (double)x, error);
            seen++;
        }
        assert_true(seen > 200);
        fclose(file);
    }
}

static void golden_activations(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        tb_activation act;
    } kinds[] = {{"gelu", TB_ACT_GELU}, {"gelu_new", TB_ACT_GELU_NEW}};
    for (size_t i = 0; i < 2; i++) {
        FILE *file = golden_open();
        int seen = 0;
        while (golden_next(file, kinds[i].name)) {
            float x = golden_float(file), y;
            double truth = golden_double(file);
            tb_kernels_ref.activation(kinds[i].act, &x, &y, 1);
            /* 1 + erf cancels below zero, so the error is one of |x|, as in any float evaluation of the formula. */
            if (!(fabs((double)y - truth) <= fabs((double)x) * 0x1p-22 + 0x1p-149))
                fail_msg("%s(%a) is %a, not %a", kinds[i].name, (double)x, (double)y, truth);
            seen++;
        }
        assert_true(seen > 200);
        fclose(file);
    }
}

static void simple_activations(void **state)
{
    (void)state;
    const float x[] = {-1.0f, -0.0f, 0.0f, 2.5f, -INFINITY, INFINITY, 0.75f};
    enum { N = sizeof x / sizeof x[0] };
    float y[N];
    tb_kernels_ref.activation(TB_ACT_RELU, x, y, N);
    const float relu[N] = {0.0f, -0.0f, 0.0f, 2.5f, 0.0f, INFINITY, 0.75f};
    assert_memory_equal(y, relu, sizeof relu);
    tb_kernels_ref.activation(TB_ACT_NONE, x, y, N);
    assert_memory_equal(y, x, sizeof x);
    tb_kernels_ref.activation(TB_ACT_TANH, x, y, N);
    for (int i = 0; i < N; i++)
        assert_bits(y[i], float_bits(tb_tanh(x[i])));
    const float nan = NAN;
    tb_kernels_ref.activation(TB_ACT_RELU, &nan, y, 1);
    assert_true(isnan(y[0]));
}

static char *whole_file(const char *name)
{
    const char *root = getenv("TIMBANG_SOURCE");
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/%s", root != NULL ? root : ".", name);
    assert_true(n > 0 && (size_t)n < sizeof path);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        fail_msg("cannot open %s", path);
    enum { MOST = 1 << 20 };
    char *text = calloc(MOST, 1);
    assert_non_null(text);
    size_t size = fread(text, 1, MOST - 1, file);
    assert_true(size > 0 && size < MOST - 1);
    fclose(file);
    return text;
}

/* The document's pseudo-code and the header's constants are the same numbers. */
static void document_has_every_constant(void **state)
{
    (void)state;
    char *header = whole_file("src/kernels/constants.h"), *document = whole_file("docs/numerics.md");
    int seen = 0;
    for (char *at = strstr(header, "0x"); at != NULL; at = strstr(at + 1, "0x")) {
        size_t length = strspn(at, "0123456789abcdefx.p+-");
        char number[64];
        assert_true(length < sizeof number);
        memcpy(number, at, length);
        number[length] = 0;
        if (length > 0 && number[length - 1] == 'f' && strchr(number, 'p') != NULL)
            number[length - 1] = 0; /* the suffix of a float */
        if (strstr(document, number) == NULL)
            fail_msg("docs/numerics.md lacks %s", number);
        seen++;
    }
    assert_true(seen >= 38);
    free(header);
    free(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_stay_in_bounds), cmocka_unit_test(errors_stay_in_bounds_at_edges),
        cmocka_unit_test(special_values),        cmocka_unit_test(odd_functions_are_odd),
        cmocka_unit_test(golden_functions),      cmocka_unit_test(golden_activations),
        cmocka_unit_test(simple_activations),    cmocka_unit_test(document_has_every_constant),
    };
    return cmocka_run_group_tests(tests, enter_contract, NULL);
}
