/* SPDX-License-Identifier: Apache-2.0
 * The squared errors of rounding to four bits: every level against a plain loop by bits, for any number of scales. */
#include "support.h"

/* One scale, as the search of two-level quantization defines it (docs/numerics.md). */
static float squared_error(const float *x, const float *h, size_t n, float t)
{
    const float shift = 12582912.0f, inverse = 1.0f / t;
    float lane[16] = {0};
    for (size_t i = 0; i < n; i++) {
        float r = x[i] * inverse;
        r = r < -8.0f ? -8.0f : r;
        r = r > 7.0f ? 7.0f : r;
        r = (r + shift) - shift;
        float d = x[i] - r * t;
        lane[i % 16] += d * d * h[i];
    }
    for (size_t half = 8; half > 0; half /= 2)
        for (size_t j = 0; j < half; j++)
            lane[j] += lane[j + half];
    return lane[0];
}

static void levels_equal_the_loop(void **state)
{
    (void)state;
    enum { MAX_COUNT = 21 };
    const tb_kernels *levels[MAX_LEVELS];
    size_t n_levels = every_level(levels);
    tb_rng rng = tb_rng_make(1, 90);
    for (size_t n = 0; n <= 768; n += n < 160 ? 16 : 304) {
        for (int kind = PLAIN; kind <= EQUAL; kind++) {
            for (size_t count = 0; count <= MAX_COUNT; count++) {
                float *x = calloc(n + 1, sizeof(float)), *h = calloc(n + 1, sizeof(float));
                float t[MAX_COUNT], expected[MAX_COUNT];
                assert_true(x != NULL && h != NULL);
                random_values(&rng, (flavour)kind, x, n);
                for (size_t i = 0; i < n; i++)
                    h[i] = count % 2 == 0 ? 1.0f : (float)tb_rng_unit(&rng);
                for (size_t c = 0; c < count; c++) {
                    t[c] = c % 7 == 6 ? 0x1p-149f : 0.01f + 0.3f * (float)tb_rng_unit(&rng);
                    expected[c] = squared_error(x, h, n, t[c]);
                }
                for (size_t l = 0; l < n_levels; l++) {
                    guarded got = guarded_new(count * sizeof(float), 4);
                    levels[l]->rounding_errors_s4(x, h, n, t, count, guarded_at(got));
                    assert_same_floats("rounding errors", levels[l], expected, guarded_at(got), count);
                    guarded_free(got);
                }
                free(x);
                free(h);
            }
        }
    }
}

/* What it is for: values on the grid of a scale have no error at it. */
static void a_grid_has_no_error(void **state)
{
    (void)state;
    const tb_kernels *levels[MAX_LEVELS];
    size_t n_levels = every_level(levels);
    float x[32], h[32];
    for (size_t i = 0; i < 32; i++) {
        x[i] = 0.25f * (float)((int)(i % 16) - 8);
        h[i] = 2.0f;
    }
    static const float t[] = {0.25f, 0.125f, 0.5f};
    for (size_t l = 0; l < n_levels; l++) {
        float errors[3];
        levels[l]->rounding_errors_s4(x, h, 32, t, 3, errors);
        assert_true(errors[0] == 0.0f);
        /* 0.125 clips at -1 and 0.875; 0.5 is off by 0.25 at every other value */
        double clipped = 0, coarse = 0;
        for (size_t i = 0; i < 32; i++) {
            double v = (double)x[i], c = v < -1 ? v + 1 : v > 0.875 ? v - 0.875 : 0;
            clipped += 2 * c * c;
            coarse += i % 2 == 1 ? 2 * 0.0625 : 0;
        }
        assert_true(fabs((double)errors[1] - clipped) <= 1e-6);
        assert_true(fabs((double)errors[2] - coarse) <= 1e-6);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_equal_the_loop),
        cmocka_unit_test(a_grid_has_no_error),
    };
    return cmocka_run_group_tests(tests, enter_contract, NULL);
}
