/* SPDX-License-Identifier: Apache-2.0
 * LayerNorm, softmax, activations, sums: the reference against golden values, every other level against it by bits. */
#include "golden.h"

enum { MAX_N = 1100, ROWS = 3, LD = MAX_N + 3 };

static void golden_layernorm(void **state)
{
    (void)state;
    FILE *file = golden_open();
    int seen = 0;
    while (golden_next(file, "layernorm")) {
        size_t n = (size_t)golden_double(file);
        float eps = (float)golden_double(file);
        float x[MAX_N], gamma[MAX_N], beta[MAX_N], y[MAX_N];
        double truth[MAX_N];
        assert_true(n <= MAX_N);
        for (size_t i = 0; i < n; i++) {
            x[i] = golden_float(file);
            gamma[i] = golden_float(file);
            beta[i] = golden_float(file);
            truth[i] = golden_double(file);
        }
        tb_kernels_ref.layernorm(x, n, 1, n, gamma, beta, eps, y, n);
        for (size_t i = 0; i < n; i++)
            assert_true(fabs((double)y[i] - truth[i]) <= 2e-6);
        seen++;
    }
    assert_int_equal(seen, 5);
    fclose(file);
}

static void golden_softmax(void **state)
{
    (void)state;
    FILE *file = golden_open();
    int seen = 0;
    while (golden_next(file, "softmax")) {
        size_t n = (size_t)golden_double(file);
        float scale = (float)golden_double(file);
        float x[MAX_N];
        double truth[MAX_N], sum = 0;
        assert_true(n <= MAX_N);
        for (size_t i = 0; i < n; i++) {
            x[i] = golden_float(file);
            truth[i] = golden_double(file);
        }
        tb_kernels_ref.softmax(x, n, 1, n, scale);
        for (size_t i = 0; i < n; i++) {
            /* x * scale is rounded, so the relative error grows with its size. */
            assert_true(fabs((double)x[i] - truth[i]) <= truth[i] * 2e-6);
            sum += (double)x[i];
        }
        assert_true(fabs(sum - 1.0) <= 1e-6);
        seen++;
    }
    assert_int_equal(seen, 5);
    fclose(file);
}

/* The order of a sum: 16 lanes, then the tree. A left-to-right sum would give another mean. */
static void sums_use_lanes_and_tree(void **state)
{
    (void)state;
    float x[40], one[40], zero[40], y[40], expected[40];
    tb_rng rng = tb_rng_make(1, 30);
    for (int round = 0; round < 50; round++) {
        random_values(&rng, PLAIN, x, 40);
        float lane[16] = {0}, square[16] = {0};
        for (size_t j = 0; j < 40; j++)
            lane[j % 16] += x[j];
        for (size_t h = 8; h > 0; h /= 2)
            for (size_t j = 0; j < h; j++)
                lane[j] += lane[j + h];
        float mean = lane[0] / 40.0f;
        for (size_t j = 0; j < 40; j++)
            square[j % 16] = fmaf(x[j] - mean, x[j] - mean, square[j % 16]);
        for (size_t h = 8; h > 0; h /= 2)
            for (size_t j = 0; j < h; j++)
                square[j] += square[j + h];
        float root = sqrtf(square[0] / 40.0f + 1e-5f);
        for (size_t j = 0; j < 40; j++) {
            one[j] = 1.5f;
            zero[j] = 0.25f;
            expected[j] = (x[j] - mean) * (1.0f / root);
            expected[j] = expected[j] * 1.5f;
            expected[j] = expected[j] + 0.25f;
        }
        tb_kernels_ref.layernorm(x, 40, 1, 40, one, zero, 1e-5f, y, 40);
        assert_memory_equal(y, expected, sizeof y);
    }
}

/* Rows of a level and of the reference; both outputs live in guarded blocks one float off alignment. */
typedef struct rows {
    guarded expected, got;
    float *x, *gamma, *beta;
    size_t n, floats;
} rows;

static rows rows_new(tb_rng *rng, flavour kind, size_t n)
{
    rows r = {.n = n, .floats = (ROWS - 1) * (size_t)LD + n};
    r.expected = guarded_new(r.floats * sizeof(float), 4);
    r.got = guarded_new(r.floats * sizeof(float), 4);
    r.x = calloc((size_t)ROWS * LD, sizeof(float));
    r.gamma = calloc(n + 1, sizeof(float));
    r.beta = calloc(n + 1, sizeof(float));
    assert_true(r.x != NULL && r.gamma != NULL && r.beta != NULL);
    random_values(rng, kind, r.x, (size_t)ROWS * LD);
    random_values(rng, PLAIN, r.gamma, n);
    random_values(rng, PLAIN, r.beta, n);
    return r;
}

static void rows_free(rows *r)
{
    guarded_free(r->expected);
    guarded_free(r->got);
    free(r->x);
    free(r->gamma);
    free(r->beta);
}

static void rows_compare(const rows *r, const char *what, const tb_kernels *level)
{
    char text[64];
    snprintf(text, sizeof text, "%s n=%zu", what, r->n);
    guarded_check(r->got);
    assert_same_floats(text, level, guarded_at(r->expected), guarded_at(r->got), r->floats);
}

static void compare_layernorm(rows *r, const tb_kernels *level)
{
    tb_kernels_ref.layernorm(r->x, LD, ROWS, r->n, r->gamma, r->beta, 1e-12f, guarded_at(r->expected), LD);
    level->layernorm(r->x, LD, ROWS, r->n, r->gamma, r->beta, 1e-12f, guarded_at(r->got), LD);
    rows_compare(r, "layernorm", level);
    memcpy(guarded_at(r->got), r->x, r->floats * sizeof(float));
    level->layernorm(guarded_at(r->got), LD, ROWS, r->n, r->gamma, r->beta, 1e-12f, guarded_at(r->got), LD);
    for (size_t i = 0; i < ROWS; i++)
        assert_same_floats("layernorm in place", level, (float *)guarded_at(r->expected) + i * LD,
                           (float *)guarded_at(r->got) + i * LD, r->n);
}

static void compare_softmax(rows *r, const tb_kernels *level)
{
    static const float scales[] = {1.0f, 0.125f, -3.0f, 40.0f};
    for (size_t s = 0; s < sizeof scales / sizeof scales[0]; s++) {
        memcpy(guarded_at(r->expected), r->x, r->floats * sizeof(float));
        memcpy(guarded_at(r->got), r->x, r->floats * sizeof(float));
        tb_kernels_ref.softmax(guarded_at(r->expected), LD, ROWS, r->n, scales[s]);
        level->softmax(guarded_at(r->got), LD, ROWS, r->n, scales[s]);
        rows_compare(r, "softmax", level);
    }
}

static void compare_activations(rows *r, const tb_kernels *level)
{
    for (int act = TB_ACT_NONE; act <= TB_ACT_TANH; act++) {
        memset(guarded_at(r->expected), GUARD_BYTE, r->floats * sizeof(float));
        memset(guarded_at(r->got), GUARD_BYTE, r->floats * sizeof(float));
        tb_kernels_ref.activation((tb_activation)act, r->x + 1, guarded_at(r->expected), r->n);
        level->activation((tb_activation)act, r->x + 1, guarded_at(r->got), r->n);
        rows_compare(r, "activation", level);
    }
    tb_kernels_ref.add(r->x, r->x + LD, guarded_at(r->expected), r->n);
    level->add(r->x, r->x + LD, guarded_at(r->got), r->n);
    rows_compare(r, "add", level);
}

static void levels_equal_reference(void **state)
{
    (void)state;
    const tb_kernels *levels[MAX_LEVELS];
    size_t n_levels = other_levels(levels);
    static const size_t large[] = {127, 128, 129, 300, 767, 768, 769, 1100};
    tb_rng rng = tb_rng_make(2, 30);
    for (int kind = 0; kind < N_FLAVOURS; kind++) {
        for (size_t i = 1; i <= 70 + sizeof large / sizeof large[0]; i++) {
            rows r = rows_new(&rng, (flavour)kind, i <= 70 ? i : large[i - 71]);
            for (size_t l = 0; l < n_levels; l++) {
                compare_layernorm(&r, levels[l]);
                compare_softmax(&r, levels[l]);
                compare_activations(&r, levels[l]);
            }
            rows_free(&r);
        }
    }
}

/* Dense sweep of the functions over the bits of a float. */
static void functions_equal_reference(void **state)
{
    (void)state;
    const tb_kernels *levels[MAX_LEVELS];
    size_t n_levels = other_levels(levels);
    enum { CHUNK = 4096, STEP = 30011 };
    static float x[CHUNK], expected[CHUNK], got[CHUNK];
    for (uint64_t bits = 0; bits <= UINT32_MAX;) {
        size_t n = 0;
        for (; n < CHUNK && bits <= UINT32_MAX; bits += STEP)
            x[n++] = bits_float((uint32_t)bits);
        for (int act = TB_ACT_GELU; act <= TB_ACT_TANH; act++) {
            tb_kernels_ref.activation((tb_activation)act, x, expected, n);
            for (size_t l = 0; l < n_levels; l++) {
                levels[l]->activation((tb_activation)act, x, got, n);
                assert_same_floats("sweep", levels[l], expected, got, n);
            }
        }
        /* exp alone, through a softmax of pairs (x, 0) */
        for (size_t i = 0; i + 1 < n; i += 64) {
            float a[2] = {x[i], 0.0f}, b[2] = {x[i], 0.0f};
            tb_kernels_ref.softmax(a, 2, 1, 2, 1.0f);
            for (size_t l = 0; l < n_levels; l++) {
                memcpy(b, (float[2]){x[i], 0.0f}, sizeof b);
                levels[l]->softmax(b, 2, 1, 2, 1.0f);
                assert_same_floats("exp", levels[l], a, b, 2);
            }
        }
    }
}

static void softmax_extremes(void **state)
{
    (void)state;
    float x[3] = {-INFINITY, 1.0f, 1.0f};
    tb_kernels_ref.softmax(x, 3, 1, 3, 1.0f);
    assert_true(x[0] == 0.0f && x[1] == 0.5f && x[2] == 0.5f);
    float all[2] = {-INFINITY, -INFINITY};
    tb_kernels_ref.softmax(all, 2, 1, 2, 1.0f);
    assert_true(isnan(all[0]) && isnan(all[1]));
    float huge[2] = {3e38f, -3e38f};
    tb_kernels_ref.softmax(huge, 2, 1, 2, 1.0f);
    assert_true(huge[0] == 1.0f && huge[1] == 0.0f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_layernorm),          cmocka_unit_test(golden_softmax),
        cmocka_unit_test(sums_use_lanes_and_tree),   cmocka_unit_test(levels_equal_reference),
        cmocka_unit_test(functions_equal_reference), cmocka_unit_test(softmax_extremes),
    };
    return cmocka_run_group_tests(tests, enter_contract, NULL);
}
