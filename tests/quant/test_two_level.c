/* Tests of quant/two_level.c: against an exhaustive search in double, against the usual float scales, invariants,
 * extreme rows, and any number of threads. */
#include "quant_help.h"

#include "quant/schemes.h"

#include <math.h>

/* ---- Squared errors in double ---- */

static double best_group(const float *w, size_t n, double step)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double q = fmin(fmax(nearbyint((double)w[i] / step), -8), 7), d = (double)w[i] - q * step;
        sum += d * d;
    }
    return sum;
}

static double absmax_error(const float *w, size_t n) /* one float scale, absmax / 7 */
{
    double most = 0, sum = 0;
    for (size_t i = 0; i < n; i++)
        most = fmax(most, fabs((double)w[i]));
    for (size_t i = 0; i < n && most > 0; i++) {
        double d = (double)w[i] - nearbyint((double)w[i] / (most / 7)) * (most / 7);
        sum += d * d;
    }
    return sum;
}

static double stored_error(const float *w, const tb_weight *out, size_t row, size_t begin, size_t end)
{
    double sum = 0;
    for (size_t i = begin; i < end; i++) {
        double d = (double)w[row * out->columns + i] - (double)tb_weight_value(out, row, i);
        sum += d * d;
    }
    return sum;
}

static float *normal_matrix(size_t rows, size_t columns, uint64_t seed)
{
    tb_error err = {0};
    float *w = tb_calloc(rows * columns, sizeof *w, &err);
    for (size_t r = 0; r < rows; r++) {
        float spread = 0.02f + (float)(test_random(&seed) % 100) * 0.001f;
        for (size_t i = 0; i < columns; i++) {
            float outlier = test_random(&seed) % 200 == 0 ? 4.0f : 1.0f;
            w[r * columns + i] = test_normal(&seed) * spread * outlier;
        }
    }
    return w;
}

/* The invariants of design: ranges, 20 bits, greatest common divisor, and that the factors come back. */
static void check_invariants(const tb_weight *out)
{
    size_t groups = out->columns / out->group;
    for (size_t r = 0; r < out->rows; r++) {
        const uint8_t *m = out->multiplier + r * groups;
        float scales[64], channel;
        uint8_t back[64];
        assert_true(groups <= 64 && out->scale[r] > 0);
        for (size_t g = 0; g < groups; g++) {
            assert_true(m[g] >= 1 && m[g] <= 15);
            scales[g] = out->scale[r] * (float)m[g];
            assert_true((double)scales[g] == (double)out->scale[r] * m[g]);
            for (size_t i = g * out->group; i < (g + 1) * out->group; i++) {
                int q = out->q[r * out->columns + i];
                assert_true(q >= -8 && q <= 7 && abs(q * m[g]) <= 120);
            }
        }
        assert_true(tb_two_level_factor(scales, groups, &channel, back));
        assert_memory_equal(&channel, &out->scale[r], 4);
        assert_memory_equal(back, m, groups);
    }
}

/* ---- Tests ---- */

/* A fine search over channel scales, every multiplier tried: ours must not be worse by more than 1 %. */
static void close_to_the_exhaustive_search(void **state)
{
    (void)state;
    enum { ROWS = 12, COLUMNS = 192 };
    for (size_t group = 32; group <= 64; group *= 2) {
        float *w = normal_matrix(ROWS, COLUMNS, 11 + group);
        tb_error err = {0};
        tb_weight out = {0};
        assert_ok(tb_quantize_s4_two_level(w, ROWS, COLUMNS, group, NULL, NULL, NULL, &out, &err), &err);
        check_invariants(&out);
        double ours = 0, best = 0, usual = 0;
        for (size_t r = 0; r < ROWS; r++) {
            const float *row = w + r * COLUMNS;
            double most = 0, least = 1e300;
            for (size_t i = 0; i < COLUMNS; i++)
                most = fmax(most, fabs((double)row[i]));
            for (double s = most / 7 / 15 * 0.5; s < most / 7 / 4; s *= 1.004) {
                double sum = 0;
                for (size_t g = 0; g < COLUMNS / group; g++) {
                    double of_group = 1e300;
                    for (int m = 1; m <= 15; m++)
                        of_group = fmin(of_group, best_group(row + g * group, group, s * m));
                    sum += of_group;
                }
                least = fmin(least, sum);
            }
            best += least;
            ours += stored_error(w, &out, r, 0, COLUMNS);
            for (size_t g = 0; g < COLUMNS / group; g++)
                usual += absmax_error(row + g * group, group);
        }
        if (ours > best * 1.01 || ours > usual * 0.9)
            fail_msg("group %zu: %g, exhaustive %g, float absmax/7 %g", group, ours, best, usual);
        tb_weight_free(&out);
        free(w);
    }
}

/* Every integer is the nearest one for its group's scale. */
static void integers_are_nearest(void **state)
{
    (void)state;
    float *w = normal_matrix(6, 128, 5);
    tb_error err = {0};
    tb_weight out = {0};
    assert_ok(tb_quantize_s4_two_level(w, 6, 128, 64, NULL, NULL, NULL, &out, &err), &err);
    for (size_t i = 0; i < 6 * 128; i++) {
        double step = (double)out.scale[i / 128] * out.multiplier[i / 64];
        double q = fmin(fmax(nearbyint((double)w[i] / step), -8), 7);
        assert_int_equal(out.q[i], (int)q);
    }
    tb_weight_free(&out);
    free(w);
}

/* Columns that count more get less error, at the cost of the others. */
static void importance_is_heeded(void **state)
{
    (void)state;
    enum { ROWS = 40, COLUMNS = 128 };
    float *w = normal_matrix(ROWS, COLUMNS, 51), h[COLUMNS];
    for (size_t i = 0; i < COLUMNS; i++)
        h[i] = i % 4 == 0 ? 16.0f : 0.0625f;
    tb_error err = {0};
    tb_weight plain = {0}, heeded = {0};
    assert_ok(tb_quantize_s4_two_level(w, ROWS, COLUMNS, 32, NULL, NULL, NULL, &plain, &err), &err);
    assert_ok(tb_quantize_s4_two_level(w, ROWS, COLUMNS, 32, h, NULL, NULL, &heeded, &err), &err);
    check_invariants(&heeded);
    double error[2][2] = {{0}}; /* [plain, heeded][weighted, all] */
    for (size_t i = 0; i < ROWS * COLUMNS; i++) {
        size_t r = i / COLUMNS, c = i % COLUMNS;
        double a = stored_error(w, &plain, r, c, c + 1), b = stored_error(w, &heeded, r, c, c + 1);
        error[0][0] += a * (double)h[c];
        error[1][0] += b * (double)h[c];
        error[0][1] += a;
        error[1][1] += b;
    }
    assert_true(error[1][0] < 0.85 * error[0][0]);
    assert_true(error[1][1] > error[0][1]);
    tb_weight_free(&plain);
    tb_weight_free(&heeded);
    free(w);
}

static void extreme_rows(void **state)
{
    (void)state;
    enum { ROWS = 9, COLUMNS = 64 };
    static float w[ROWS * COLUMNS];
    uint64_t seed = 9;
    for (size_t i = 0; i < COLUMNS; i++) {
        w[1 * COLUMNS + i] = i < 32 ? 0 : test_normal(&seed);           /* a group of zeros */
        w[2 * COLUMNS + i] = (float)((int)(i % 16) - 8) * 0x1p-149f;    /* the smallest denormals */
        w[3 * COLUMNS + i] = test_normal(&seed) * 1e-41f;               /* denormals */
        w[4 * COLUMNS + i] = test_normal(&seed) * 1e36f;                /* very large */
        w[5 * COLUMNS + i] = (float)((int)(i % 16) - 8) * 3 * 0x1p-10f; /* fits exactly */
        w[6 * COLUMNS + i] = i == 7 ? 5.0f : 0;                         /* one value */
        w[7 * COLUMNS + i] = test_normal(&seed) * (i < 32 ? 1e-20f : 1.0f);
        w[8 * COLUMNS + i] = i % 2 ? 1.0f : -1.0f;
    } /* row 0: zeros */
    tb_error err = {0};
    tb_weight out = {0};
    assert_ok(tb_quantize_s4_two_level(w, ROWS, COLUMNS, 32, NULL, NULL, NULL, &out, &err), &err);
    check_invariants(&out);
    assert_true(out.scale[0] == 1 && out.multiplier[0] == 1 && out.multiplier[1] == 1);
    static const bool exact[ROWS] = {true, false, true, false, false, true, false, false, false};
    for (size_t r = 0; r < ROWS; r++) {
        double error = stored_error(w, &out, r, 0, COLUMNS), usual = 0;
        usual = absmax_error(w + r * COLUMNS, 32) + absmax_error(w + r * COLUMNS + 32, 32);
        if (exact[r])
            assert_true(error == 0);
        else if (r != 6 && r != 7 && r != 8 && error > usual)
            fail_msg("row %zu: %g, absmax/7 %g", r, error, usual);
    }
    assert_true(fabs((double)tb_weight_value(&out, 6, 7) - 5) < 1e-4); /* 20 bits */
    assert_true(fabs((double)tb_weight_value(&out, 8, 0) + 1) < 1e-4);
    for (size_t i = 0; i < 32; i++)
        assert_true(out.q[COLUMNS + i] == 0);
    tb_weight_free(&out);
}

static void one_scale_rows(void **state)
{
    (void)state;
    enum { ROWS = 8, COLUMNS = 77 };
    float *w = normal_matrix(ROWS, COLUMNS, 21);
    memset(w, 0, COLUMNS * sizeof *w);
    for (size_t i = 0; i < COLUMNS; i++)
        w[COLUMNS + i] = (float)((int)(i % 16) - 8) * 0x1p-149f;
    tb_error err = {0};
    tb_weight out = {0};
    assert_ok(tb_quantize_s4_row(w, ROWS, COLUMNS, NULL, NULL, &out, &err), &err);
    assert_true(out.kind == TB_WEIGHT_S4_ROW && !out.per_tensor && out.scale[0] == 1);
    assert_true(stored_error(w, &out, 1, 0, COLUMNS) == 0);
    double ours = 0, best = 0, usual = 0;
    for (size_t r = 2; r < ROWS; r++) {
        const float *row = w + r * COLUMNS;
        double most = 0, least = 1e300;
        for (size_t i = 0; i < COLUMNS; i++)
            most = fmax(most, fabs((double)row[i]));
        for (double s = most / 7 * 0.1; s < most / 6; s *= 1.002)
            least = fmin(least, best_group(row, COLUMNS, s));
        best += least;
        ours += stored_error(w, &out, r, 0, COLUMNS);
        usual += absmax_error(row, COLUMNS);
        for (size_t i = 0; i < COLUMNS; i++) {
            double q = fmin(fmax(nearbyint((double)row[i] / (double)out.scale[r]), -8), 7);
            assert_int_equal(out.q[r * COLUMNS + i], (int)q);
        }
    }
    if (ours > best * 1.01 || ours > usual)
        fail_msg("%g, exhaustive %g, absmax/7 %g", ours, best, usual);
    tb_weight_free(&out);
    free(w);
}

static void threads_change_nothing(void **state)
{
    (void)state;
    enum { ROWS = 37, COLUMNS = 96 };
    float *w = normal_matrix(ROWS, COLUMNS, 33);
    tb_error err = {0};
    tb_weight one = {0}, row = {0};
    assert_ok(tb_quantize_s4_two_level(w, ROWS, COLUMNS, 32, NULL, NULL, NULL, &one, &err), &err);
    assert_ok(tb_quantize_s4_row(w, ROWS, COLUMNS, NULL, NULL, &row, &err), &err);
    for (int threads = 1; threads <= 3; threads++) {
        tb_pool *pool;
        tb_weight many = {0};
        assert_ok(tb_pool_create(threads, &pool, &err), &err);
        assert_ok(tb_quantize_s4_two_level(w, ROWS, COLUMNS, 32, NULL, NULL, pool, &many, &err), &err);
        assert_memory_equal(many.q, one.q, ROWS * COLUMNS);
        assert_memory_equal(many.multiplier, one.multiplier, ROWS * COLUMNS / 32);
        assert_memory_equal(many.scale, one.scale, ROWS * sizeof(float));
        tb_weight_free(&many);
        assert_ok(tb_quantize_s4_row(w, ROWS, COLUMNS, NULL, pool, &many, &err), &err);
        assert_memory_equal(many.q, row.q, ROWS * COLUMNS);
        assert_memory_equal(many.scale, row.scale, ROWS * sizeof(float));
        tb_weight_free(&many);
        tb_pool_free(pool);
    }
    tb_weight_free(&one);
    tb_weight_free(&row);
    free(w);
}

/* The same bytes on every machine: a hash of a result that two compilers and two architectures must share. */
static void bytes_are_pinned(void **state)
{
    (void)state;
    float *w = normal_matrix(16, 256, 77);
    tb_error err = {0};
    tb_weight two = {0}, row = {0};
    assert_ok(tb_quantize_s4_two_level(w, 16, 256, 64, NULL, NULL, NULL, &two, &err), &err);
    assert_ok(tb_quantize_s4_row(w, 16, 256, NULL, NULL, &row, &err), &err);
    uint64_t hash = 14695981039346656037u;
    const struct {
        const void *bytes;
        size_t n;
    } parts[] = {{two.q, 16 * 256}, {two.multiplier, 64}, {two.scale, 64}, {row.q, 16 * 256}, {row.scale, 64}};
    for (size_t i = 0; i < 5; i++) {
        for (size_t k = 0; k < parts[i].n; k++)
            hash = (hash ^ ((const uint8_t *)parts[i].bytes)[k]) * 1099511628211u;
    }
    if (hash != 0xb309be93d60cb588u)
        fail_msg("hash is 0x%016llx", (unsigned long long)hash);
    tb_weight_free(&two);
    tb_weight_free(&row);
    free(w);
}

static void refuses_sizes(void **state)
{
    (void)state;
    static float w[4 * 192];
    tb_error err = {0};
    tb_weight out = {0};
    assert_refused("192", tb_quantize_s4_two_level(w, 4, 192, 128, NULL, NULL, NULL, &out, &err), &err, TIMBANG_USAGE,
                   "192 columns are no multiple of the group 128; group 64 fits");
    assert_refused("100", tb_quantize_s4_two_level(w, 4, 100, 32, NULL, NULL, NULL, &out, &err), &err, TIMBANG_USAGE,
                   "int8 fits");
    assert_refused("48", tb_quantize_s4_two_level(w, 4, 96, 48, NULL, NULL, NULL, &out, &err), &err, TIMBANG_USAGE,
                   "32, 64 or 128");
    assert_null(out.q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(close_to_the_exhaustive_search),
        cmocka_unit_test(integers_are_nearest),
        cmocka_unit_test(importance_is_heeded),
        cmocka_unit_test(extreme_rows),
        cmocka_unit_test(one_scale_rows),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(bytes_are_pinned),
        cmocka_unit_test(refuses_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
