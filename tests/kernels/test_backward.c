/* SPDX-License-Identifier: Apache-2.0
 * What training needs on the way back: derivatives of the reference against difference quotients of the functions in
 * double, sums and transposition against plain loops, every other level against the reference by bits. */
#include "support.h"

enum { MAX_N = 1100, ROWS = 3, LD = MAX_N + 3 };

/* ---- The reference against double ---- */

static double activation_of(tb_activation act, double x)
{
    switch (act) {
    case TB_ACT_GELU:
        return 0.5 * x * (1 + erf(x / sqrt(2)));
    case TB_ACT_GELU_NEW:
        return 0.5 * x * (1 + tanh(sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x)));
    case TB_ACT_RELU:
        return x > 0 ? x : 0;
    case TB_ACT_TANH:
        return tanh(x);
    case TB_ACT_NONE:
    default:
        return x;
    }
}

static void activations_have_their_slope(void **state)
{
    (void)state;
    const double step = 0x1p-16;
    for (int act = TB_ACT_NONE; act <= TB_ACT_TANH; act++) {
        for (float x = -14.0f; x < 14.0f; x += 0.00317f) {
            float dy = 1.75f, dx;
            double slope = (activation_of((tb_activation)act, (double)x + step) -
                            activation_of((tb_activation)act, (double)x - step)) /
                           (2 * step);
            if (act == TB_ACT_RELU && fabs((double)x) <= step)
                continue;
            tb_kernels_ref.activation_backward((tb_activation)act, &x, &dy, &dx, NULL, 1);
            if (!(fabs((double)dx - 1.75 * slope) <= 1e-6))
                fail_msg("activation %d at %g has slope %g, not %g", act, (double)x, (double)dx / 1.75, slope);
        }
    }
}

static void slopes_far_out(void **state)
{
    (void)state;
    static const float x[] = {-1e4f, -40.0f, 40.0f, 1e4f, 1e18f};
    static const float expected[] = {0.0f, 0.0f, 3.0f, 3.0f, 3.0f};
    float dy[5] = {3.0f, 3.0f, 3.0f, 3.0f, 3.0f}, dx[5];
    tb_kernels_ref.activation_backward(TB_ACT_GELU, x, dy, dx, NULL, 5);
    for (size_t i = 0; i < 5; i++)
        assert_true(dx[i] == expected[i]);
    tb_kernels_ref.activation_backward(TB_ACT_GELU_NEW, x, dy, dx, NULL, 5);
    for (size_t i = 0; i < 5; i++)
        assert_true(dx[i] == expected[i]);
    float inf = INFINITY, got;
    tb_kernels_ref.activation_backward(TB_ACT_RELU, x, &inf, &got, NULL, 1); /* what did not pass has no part in it */
    assert_int_equal(float_bits(got), 0);
}

/* sum over j of dy * gamma * LayerNorm(x) */
static double layernorm_loss(const double *x, const float *dy, const float *gamma, double eps, size_t n)
{
    double mean = 0, variance = 0, sum = 0;
    for (size_t j = 0; j < n; j++)
        mean += x[j] / (double)n;
    for (size_t j = 0; j < n; j++)
        variance += (x[j] - mean) * (x[j] - mean) / (double)n;
    for (size_t j = 0; j < n; j++)
        sum += (double)dy[j] * (double)gamma[j] * (x[j] - mean) / sqrt(variance + eps);
    return sum;
}

static void layernorm_has_its_slope(void **state)
{
    (void)state;
    enum { N = 100 };
    tb_rng rng = tb_rng_make(1, 70);
    for (size_t n = 2; n <= N; n += 7) {
        float x[N], dy[N], gamma[N], one[N], zero[N] = {0}, dx[N], xhat[N], y[N];
        double wide[N];
        for (size_t j = 0; j < n; j++) {
            x[j] = 3.0f + 2.0f * (float)tb_rng_normal(&rng);
            dy[j] = (float)tb_rng_normal(&rng);
            gamma[j] = 1.0f + 0.5f * (float)tb_rng_normal(&rng);
            one[j] = 1.0f;
            wide[j] = (double)x[j];
        }
        tb_kernels_ref.layernorm_backward(x, n, dy, n, 1, n, gamma, 1e-3f, dx, n, xhat, n);
        for (size_t j = 0; j < n; j++) {
            const double step = 1e-4;
            wide[j] = (double)x[j] + step;
            double up = layernorm_loss(wide, dy, gamma, (double)1e-3f, n);
            wide[j] = (double)x[j] - step;
            double down = layernorm_loss(wide, dy, gamma, (double)1e-3f, n);
            wide[j] = (double)x[j];
            assert_true(fabs((double)dx[j] - (up - down) / (2 * step)) <= 1e-5);
        }
        /* xhat is the LayerNorm without gamma and beta, its bits too. */
        tb_kernels_ref.layernorm(x, n, 1, n, one, zero, 1e-3f, y, n);
        for (size_t j = 0; j < n; j++)
            assert_true(y[j] == xhat[j]);
    }
}

static double softmax_loss(const double *s, const float *dp, double scale, size_t n)
{
    double top = -INFINITY, sum = 0, loss = 0;
    for (size_t j = 0; j < n; j++)
        top = fmax(top, s[j] * scale);
    for (size_t j = 0; j < n; j++)
        sum += exp(s[j] * scale - top);
    for (size_t j = 0; j < n; j++)
        loss += (double)dp[j] * exp(s[j] * scale - top) / sum;
    return loss;
}

static void softmax_has_its_slope(void **state)
{
    (void)state;
    enum { N = 60 };
    tb_rng rng = tb_rng_make(2, 70);
    for (size_t n = 1; n <= N; n++) {
        float p[N], dp[N], ds[N];
        double s[N];
        for (size_t j = 0; j < n; j++) {
            p[j] = 4.0f * (float)tb_rng_normal(&rng);
            s[j] = (double)p[j];
            ds[j] = dp[j] = (float)tb_rng_normal(&rng);
        }
        tb_kernels_ref.softmax(p, n, 1, n, 0.35f);
        tb_kernels_ref.softmax_backward(p, n, ds, n, 1, n, 0.35f);
        for (size_t j = 0; j < n; j++) {
            const double step = 1e-4, at = s[j];
            s[j] = at + step;
            double up = softmax_loss(s, dp, (double)0.35f, n);
            s[j] = at - step;
            double down = softmax_loss(s, dp, (double)0.35f, n);
            s[j] = at;
            assert_true(fabs((double)ds[j] - (up - down) / (2 * step)) <= 1e-6);
        }
    }
}

/* ---- Levels against the reference ---- */

/* Inputs [ROWS][LD]; outputs of the reference and of a level in guarded blocks, one float off alignment. */
typedef struct rows {
    size_t n, floats;
    float *x, *dy, *gamma;
    guarded expected[2], got[2];
} rows;

static rows rows_new(tb_rng *rng, flavour kind, size_t n)
{
    rows r = {.n = n, .floats = (ROWS - 1) * (size_t)LD + n};
    r.x = calloc((size_t)ROWS * LD, sizeof(float));
    r.dy = calloc((size_t)ROWS * LD, sizeof(float));
    r.gamma = calloc(n, sizeof(float));
    assert_true(r.x != NULL && r.dy != NULL && r.gamma != NULL);
    random_values(rng, kind, r.x, (size_t)ROWS * LD);
    random_values(rng, tb_rng_u32(rng) % 2 == 0 ? PLAIN : kind, r.dy, (size_t)ROWS * LD);
    random_values(rng, PLAIN, r.gamma, n);
    for (size_t i = 0; i < 2; i++) {
        r.expected[i] = guarded_new(r.floats * sizeof(float), 4);
        r.got[i] = guarded_new(r.floats * sizeof(float), 4);
    }
    return r;
}

static void rows_free(rows *r)
{
    for (size_t i = 0; i < 2; i++) {
        guarded_free(r->expected[i]);
        guarded_free(r->got[i]);
    }
    free(r->x);
    free(r->dy);
    free(r->gamma);
}

static void rows_wipe(rows *r)
{
    for (size_t i = 0; i < 2; i++) {
        memset(guarded_at(r->expected[i]), GUARD_BYTE, r->floats * sizeof(float));
        memset(guarded_at(r->got[i]), GUARD_BYTE, r->floats * sizeof(float));
    }
}

static void rows_fill(guarded g, const rows *r, const float *from)
{
    memcpy(guarded_at(g), from, r->floats * sizeof(float));
}

static void rows_compare(const rows *r, const char *what, const tb_kernels *level)
{
    char text[64];
    for (size_t i = 0; i < 2; i++) {
        snprintf(text, sizeof text, "%s n=%zu, output %zu", what, r->n, i);
        guarded_check(r->got[i]);
        assert_same_floats(text, level, guarded_at(r->expected[i]), guarded_at(r->got[i]), r->floats);
    }
}

static void compare_activations(rows *r, const tb_kernels *level)
{
    for (int act = TB_ACT_NONE; act <= TB_ACT_TANH; act++) {
        rows_wipe(r);
        tb_kernels_ref.activation_backward((tb_activation)act, r->x + 1, r->dy, guarded_at(r->expected[0]),
                                           guarded_at(r->expected[1]), r->n);
        level->activation_backward((tb_activation)act, r->x + 1, r->dy, guarded_at(r->got[0]), guarded_at(r->got[1]),
                                   r->n);
        rows_compare(r, "activation_backward", level);
        tb_kernels_ref.activation((tb_activation)act, r->x + 1, guarded_at(r->got[1]), r->n);
        rows_compare(r, "value beside the slope", level);

        /* In place, and without a value. */
        rows_fill(r->got[0], r, r->dy);
        rows_fill(r->got[1], r, r->x + 1);
        level->activation_backward((tb_activation)act, guarded_at(r->got[1]), guarded_at(r->got[0]),
                                   guarded_at(r->got[0]), guarded_at(r->got[1]), r->n);
        assert_same_floats("in place", level, guarded_at(r->expected[0]), guarded_at(r->got[0]), r->n);
        assert_same_floats("in place", level, guarded_at(r->expected[1]), guarded_at(r->got[1]), r->n);
        rows_fill(r->got[0], r, r->dy);
        level->activation_backward((tb_activation)act, r->x + 1, r->dy, guarded_at(r->got[0]), NULL, r->n);
        assert_same_floats("no value", level, guarded_at(r->expected[0]), guarded_at(r->got[0]), r->n);
    }
}

static void compare_layernorm(rows *r, const tb_kernels *level)
{
    rows_wipe(r);
    tb_kernels_ref.layernorm_backward(r->x, LD, r->dy, LD, ROWS, r->n, r->gamma, 1e-12f, guarded_at(r->expected[0]), LD,
                                      guarded_at(r->expected[1]), LD);
    level->layernorm_backward(r->x, LD, r->dy, LD, ROWS, r->n, r->gamma, 1e-12f, guarded_at(r->got[0]), LD,
                              guarded_at(r->got[1]), LD);
    rows_compare(r, "layernorm_backward", level);
    rows_fill(r->got[0], r, r->dy);
    rows_fill(r->got[1], r, r->x);
    level->layernorm_backward(guarded_at(r->got[1]), LD, guarded_at(r->got[0]), LD, ROWS, r->n, r->gamma, 1e-12f,
                              guarded_at(r->got[0]), LD, guarded_at(r->got[1]), LD);
    for (size_t i = 0; i < 2; i++)
        for (size_t row = 0; row < ROWS; row++)
            assert_same_floats("layernorm_backward in place", level, (float *)guarded_at(r->expected[i]) + row * LD,
                               (float *)guarded_at(r->got[i]) + row * LD, r->n);
}

static void compare_softmax(rows *r, const tb_kernels *level)
{
    rows_wipe(r);
    rows_fill(r->expected[0], r, r->dy);
    rows_fill(r->got[0], r, r->dy);
    tb_kernels_ref.softmax_backward(r->x, LD, guarded_at(r->expected[0]), LD, ROWS, r->n, -0.125f);
    level->softmax_backward(r->x, LD, guarded_at(r->got[0]), LD, ROWS, r->n, -0.125f);
    rows_compare(r, "softmax_backward", level);
}

static void levels_equal_reference(void **state)
{
    (void)state;
    const tb_kernels *levels[MAX_LEVELS];
    size_t n_levels = other_levels(levels);
    static const size_t large[] = {127, 128, 129, 300, 767, 768, 769, 1100};
    tb_rng rng = tb_rng_make(3, 70);
    for (int kind = 0; kind < N_FLAVOURS; kind++) {
        for (size_t i = 1; i <= 70 + sizeof large / sizeof large[0]; i++) {
            rows r = rows_new(&rng, (flavour)kind, i <= 70 ? i : large[i - 71]);
            for (size_t l = 0; l < n_levels; l++) {
                compare_activations(&r, levels[l]);
                compare_layernorm(&r, levels[l]);
                compare_softmax(&r, levels[l]);
            }
            rows_free(&r);
        }
    }
}

/* A row of zeros: sums of products that vanish are +0 in every lane, last steps included. */
static void vanishing_products(void **state)
{
    (void)state;
    const tb_kernels *levels[MAX_LEVELS];
    size_t n_levels = other_levels(levels);
    float p[37], dp[37], expected[37];
    for (size_t n = 1; n <= 37; n++) {
        for (size_t j = 0; j < n; j++) {
            p[j] = 0x1p-140f;
            dp[j] = j % 3 == 0 ? -0.0f : -0x1p-140f;
        }
        memcpy(expected, dp, sizeof dp);
        tb_kernels_ref.softmax_backward(p, n, expected, n, 1, n, 1.0f);
        for (size_t l = 0; l < n_levels; l++) {
            float got[37];
            memcpy(got, dp, sizeof dp);
            levels[l]->softmax_backward(p, n, got, n, 1, n, 1.0f);
            assert_same_floats("vanishing", levels[l], expected, got, n);
        }
    }
}

/* A row of equal, huge values: lanes that do not exist would be infinite in xhat. */
static void large_equal_values(void **state)
{
    (void)state;
    const tb_kernels *levels[MAX_LEVELS];
    size_t n_levels = other_levels(levels);
    float x[37], dy[37], gamma[37], expected[37], got[37], xhat[37];
    for (size_t n = 1; n <= 37; n++) {
        for (size_t j = 0; j < n; j++) {
            x[j] = 0x1p+118f;
            dy[j] = (float)j - 7.0f;
            gamma[j] = 0.75f;
        }
        tb_kernels_ref.layernorm_backward(x, n, dy, n, 1, n, gamma, 1e-12f, expected, n, xhat, n);
        assert_true(isfinite(expected[0]) && xhat[0] == 0.0f);
        for (size_t l = 0; l < n_levels; l++) {
            levels[l]->layernorm_backward(x, n, dy, n, 1, n, gamma, 1e-12f, got, n, xhat, n);
            assert_same_floats("equal values", levels[l], expected, got, n);
        }
    }
}

/* The derivatives over the bits of a float. */
static void functions_equal_reference(void **state)
{
    (void)state;
    const tb_kernels *levels[MAX_LEVELS];
    size_t n_levels = other_levels(levels);
    enum { CHUNK = 4096, STEP = 60013 };
    static float x[CHUNK], dy[CHUNK], expected[CHUNK], got[CHUNK];
    for (size_t i = 0; i < CHUNK; i++)
        dy[i] = i % 2 == 0 ? 1.0f : -0.7f;
    for (uint64_t bits = 0; bits <= UINT32_MAX;) {
        size_t n = 0;
        for (; n < CHUNK && bits <= UINT32_MAX; bits += STEP)
            x[n++] = bits_float((uint32_t)bits);
        for (int act = TB_ACT_GELU; act <= TB_ACT_TANH; act++) {
            tb_kernels_ref.activation_backward((tb_activation)act, x, dy, expected, NULL, n);
            for (size_t l = 0; l < n_levels; l++) {
                levels[l]->activation_backward((tb_activation)act, x, dy, got, NULL, n);
                assert_same_floats("sweep", levels[l], expected, got, n);
            }
        }
    }
}

static void columns_are_summed(void **state)
{
    (void)state;
    const tb_kernels *levels[MAX_LEVELS];
    size_t n_levels = every_level(levels);
    enum { MAX_M = 13 };
    tb_rng rng = tb_rng_make(4, 70);
    for (int kind = 0; kind < N_FLAVOURS; kind++) {
        for (size_t n = 1; n <= 150; n += n < 70 ? 1 : 13) {
            size_t lda = n + 3, ldb = n + 1;
            float *a = calloc(MAX_M * lda, sizeof(float)), *b = calloc(MAX_M * ldb, sizeof(float));
            float *start = calloc(n, sizeof(float)), *expected = calloc(n, sizeof(float));
            assert_true(a != NULL && b != NULL && start != NULL && expected != NULL);
            random_values(&rng, (flavour)kind, a, MAX_M * lda);
            random_values(&rng, (flavour)kind, b, MAX_M * ldb);
            random_values(&rng, PLAIN, start, n);
            for (size_t m = 0; m <= MAX_M; m += 1 + n % 2) {
                for (int products = 0; products < 2; products++) {
                    for (size_t j = 0; j < n; j++) {
                        expected[j] = start[j];
                        for (size_t i = 0; i < m; i++)
                            expected[j] = products ? fmaf(a[i * lda + j], b[i * ldb + j], expected[j])
                                                   : expected[j] + a[i * lda + j];
                    }
                    for (size_t l = 0; l < n_levels; l++) {
                        guarded got = guarded_new(n * sizeof(float), 4);
                        memcpy(guarded_at(got), start, n * sizeof(float));
                        size_t part = m / 3; /* in two calls, which go on */
                        levels[l]->add_columns(a, lda, products ? b : NULL, ldb, part, n, guarded_at(got));
                        levels[l]->add_columns(a + part * lda, lda, products ? b + part * ldb : NULL, ldb, m - part, n,
                                               guarded_at(got));
                        assert_same_floats("add_columns", levels[l], expected, guarded_at(got), n);
                        guarded_free(got);
                    }
                }
            }
            free(a);
            free(b);
            free(start);
            free(expected);
        }
    }
}

static void matrices_are_transposed(void **state)
{
    (void)state;
    const tb_kernels *levels[MAX_LEVELS];
    size_t n_levels = every_level(levels);
    static const size_t sizes[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 72, 100, 128, 130};
    enum { SIZES = sizeof sizes / sizeof sizes[0], MAX = 133 };
    static float x[MAX * MAX];
    tb_rng rng = tb_rng_make(5, 70);
    random_values(&rng, FINITE_EXTREMES, x, (size_t)MAX * MAX);
    for (size_t l = 0; l < n_levels; l++) {
        for (size_t s = 0; s < (size_t)SIZES * SIZES; s++) {
            size_t m = sizes[s / SIZES], n = sizes[s % SIZES], ldx = n + s % 3, ldy = m + s % 4;
            if (m * n == 0) { /* touches nothing */
                levels[l]->transpose(x, ldx, m, n, NULL, ldy);
                continue;
            }
            guarded y = guarded_new(((n - 1) * ldy + m) * sizeof(float), 4);
            levels[l]->transpose(x, ldx, m, n, guarded_at(y), ldy);
            const float *got = guarded_at(y);
            for (size_t j = 0; j < n; j++)
                for (size_t i = 0; i < ldy && j * ldy + i < (n - 1) * ldy + m; i++)
                    if (float_bits(got[j * ldy + i]) != (i < m ? float_bits(x[i * ldx + j]) : 0xa5a5a5a5))
                        fail_msg("%s: %zu x %zu, row %zu, column %zu is wrong", levels[l]->name, m, n, j, i);
            guarded_free(y);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(activations_have_their_slope), cmocka_unit_test(slopes_far_out),
        cmocka_unit_test(layernorm_has_its_slope),      cmocka_unit_test(softmax_has_its_slope),
        cmocka_unit_test(levels_equal_reference),       cmocka_unit_test(vanishing_products),
        cmocka_unit_test(large_equal_values),           cmocka_unit_test(functions_equal_reference),
        cmocka_unit_test(columns_are_summed),           cmocka_unit_test(matrices_are_transposed),
    };
    return cmocka_run_group_tests(tests, enter_contract, NULL);
}
