/* Tests of quant/jitter.c and quant/rounding_error.c: matched errors, independent roundings, the same bytes whatever
 * the threads and the order, and nothing changed where no jitter is asked for. */
#include "quant_help.h"

#include "base/sha256.h"
#include "quant/jitter.h"
#include "quant/quantize.h"
#include "quant/rows.h"

#include <math.h>

enum { ROWS = 96, COLUMNS = 384, MODELS = 3 };

static const char *const schemes[] = {"int8",           "int4",           "int4-g64", "int4-g128",
                                      "int8-pertensor", "int4-pertensor", "row"};
enum { SCHEMES = 7 };

/* ---- One matrix ---- */

/* Bell-shaped rows of different spread, with a few large values, as linears have them. */
static float *make_matrix(uint64_t seed)
{
    tb_error err = {0};
    float *w = tb_calloc(ROWS * COLUMNS, sizeof *w, &err);
    assert_non_null(w);
    for (size_t r = 0; r < ROWS; r++) {
        float spread = 0.03f + 0.001f * (float)(r % 17);
        for (size_t i = 0; i < COLUMNS; i++)
            w[r * COLUMNS + i] = spread * test_normal(&seed);
    }
    w[5 * COLUMNS + 7] = 0.5f;
    memset(w + 9 * COLUMNS, 0, COLUMNS * sizeof *w);
    return w;
}

static tb_weight own_rounding(const float *w, const char *scheme, size_t rows, tb_pool *pool)
{
    tb_error err = {0};
    tb_weight out = {0};
    size_t group = strcmp(scheme, "int4-g64") == 0 ? 64 : strcmp(scheme, "int4-g128") == 0 ? 128 : 32;
    timbang_status status;
    if (strcmp(scheme, "int8") == 0)
        status = tb_quantize_s8_channel(w, rows, COLUMNS, pool, &out, &err);
    else if (strcmp(scheme, "int8-pertensor") == 0)
        status = tb_quantize_s8_tensor(w, rows, COLUMNS, pool, &out, &err);
    else if (strcmp(scheme, "int4-pertensor") == 0)
        status = tb_quantize_s4_tensor(w, rows, COLUMNS, pool, &out, &err);
    else if (strcmp(scheme, "row") == 0)
        status = tb_quantize_s4_row(w, rows, COLUMNS, NULL, pool, &out, &err);
    else
        status = tb_quantize_s4_two_level(w, rows, COLUMNS, group, NULL, NULL, pool, &out, &err);
    assert_ok(status, &err);
    return out;
}

/* rows of w with random scales; *known: the scheme's own error, below 0 where it is not known. */
static tb_weight random_rounding(const float *w, const char *scheme, size_t rows, uint64_t model, const char *name,
                                 double *known, tb_pool *pool)
{
    tb_error err = {0};
    tb_weight out = own_rounding(w, scheme, rows, pool), description = out;
    tb_jitter jitter = {11, model};
    if (*known > 0 && !tb_jitter_needs_own(&description)) {
        tb_weight_free(&out);
        assert_ok(tb_quantized_alloc(rows, COLUMNS, TB_WEIGHT_S8, &out, &err), &err);
    }
    assert_ok(tb_jitter_weight(&jitter, name, w, NULL, &description, NULL, pool, known, &out, &err), &err);
    return out;
}

static double *errors_of(const float *w, const tb_weight *weight)
{
    tb_error err = {0};
    double *d = tb_calloc(weight->rows * COLUMNS, sizeof *d, &err);
    assert_non_null(d);
    for (size_t r = 0; r < weight->rows; r++)
        for (size_t i = 0; i < COLUMNS; i++)
            d[r * COLUMNS + i] = (double)tb_weight_value(weight, r, i) - (double)w[r * COLUMNS + i];
    return d;
}

static double product(const double *a, const double *b)
{
    double sum = 0;
    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        sum += a[i] * b[i];
    return sum;
}

static double correlation(const double *a, const double *b)
{
    return product(a, b) / sqrt(product(a, a) * product(b, b));
}

static void error_is_the_sum(void **state)
{
    (void)state;
    tb_error err = {0};
    float *w = make_matrix(3);
    for (size_t s = 0; s < SCHEMES; s++) {
        tb_weight weight = own_rounding(w, schemes[s], ROWS, NULL);
        double *d = errors_of(w, &weight), square = 0;
        tb_rounding rounding;
        assert_ok(tb_rounding_error(w, &weight, NULL, &rounding, &err), &err);
        for (size_t i = 0; i < ROWS * COLUMNS; i++)
            square += (double)w[i] * (double)w[i];
        assert_true(fabs(rounding.error / product(d, d) - 1) < 1e-4); /* values are rounded to float, sums are not */
        assert_true(fabs(rounding.square / square - 1) < 1e-12);
        free(d);
        tb_weight_free(&weight);
    }
    free(w);
}

static void matched_and_independent(void **state)
{
    (void)state;
    /* Bounds for correlations: well above what is measured, well below a rounding that is hardly random. */
    static const double most[SCHEMES] = {0.33, 0.33, 0.28, 0.33, 0.15, 0.33, 0.36};
    float *w = make_matrix(1);
    for (size_t s = 0; s < SCHEMES; s++) {
        tb_weight own = own_rounding(w, schemes[s], ROWS, NULL);
        double *real = errors_of(w, &own), *random[MODELS];
        for (uint64_t m = 0; m < MODELS; m++) {
            double known = -1;
            tb_weight weight = random_rounding(w, schemes[s], ROWS, m, "a", &known, NULL);
            random[m] = errors_of(w, &weight);
            assert_true(fabs(known / product(real, real) - 1) < 1e-4);
            assert_true(fabs(product(random[m], random[m]) / product(real, real) - 1) < 0.05);
            assert_false(weight.per_tensor);
            tb_weight_free(&weight);
        }
        for (size_t m = 0; m < MODELS; m++) {
            double with_real = correlation(real, random[m]), among = correlation(random[m], random[(m + 1) % MODELS]);
            assert_true(with_real < most[s] && among < most[s]);
        }
        for (size_t m = 0; m < MODELS; m++)
            free(random[m]);
        free(real);
        tb_weight_free(&own);
    }
    free(w);
}

static void assert_same(const tb_weight *a, const tb_weight *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_memory_equal(a->q, b->q, a->rows * a->columns);
    assert_memory_equal(a->scale, b->scale, a->rows * sizeof *a->scale);
}

static void threads_and_order_change_nothing(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_pool *pool;
    float *w = make_matrix(2);
    assert_ok(tb_pool_create(3, &pool, &err), &err);
    for (size_t s = 0; s < SCHEMES; s++) {
        double known = -1, again = -1;
        tb_weight first = random_rounding(w, schemes[s], ROWS, 4, "x", &known, NULL);
        tb_weight other = random_rounding(w, schemes[s], ROWS, 4, "y", &known, NULL);
        tb_weight second = random_rounding(w, schemes[s], ROWS, 4, "x", &known, pool); /* its own error is known now */
        tb_weight third = random_rounding(w, schemes[s], ROWS, 4, "x", &again, pool);
        tb_weight next = random_rounding(w, schemes[s], ROWS, 5, "x", &known, NULL);
        assert_same(&first, &second);
        assert_same(&first, &third);
        assert_true(known == again);
        assert_true(memcmp(first.q, other.q, ROWS * COLUMNS) != 0);
        assert_true(memcmp(first.q, next.q, ROWS * COLUMNS) != 0);
        tb_weight_free(&first);
        tb_weight_free(&second);
        tb_weight_free(&third);
        tb_weight_free(&other);
        tb_weight_free(&next);
    }
    tb_pool_free(pool);
    free(w);
}

/* A head has few rows, so few numbers to draw; zeros have no error. */
static void few_rows_and_zeros(void **state)
{
    (void)state;
    float *w = make_matrix(6);
    for (size_t s = 0; s < SCHEMES; s++) {
        for (uint64_t m = 0; m < 10; m++) {
            double known = -1;
            tb_error err = {0};
            tb_rounding rounding;
            tb_weight weight = random_rounding(w, schemes[s], 3, m, "classifier", &known, NULL);
            assert_ok(tb_rounding_error(w, &weight, NULL, &rounding, &err), &err);
            assert_true(fabs(rounding.error / known - 1) < 0.05);
            tb_weight_free(&weight);
        }
        double known = -1;
        tb_weight zeros = random_rounding(w + 9 * COLUMNS, schemes[s], 1, 0, "zeros", &known, NULL);
        assert_true(known == 0);
        for (size_t i = 0; i < COLUMNS; i++)
            assert_int_equal(zeros.q[i], 0);
        tb_weight_free(&zeros);
    }
    free(w);
}

/* ---- Folders ---- */

static char *quantize(const char *scheme, const tb_jitter *jitter, tb_own_errors *errors, int threads, double *error)
{
    tb_error err = {0};
    tb_quantize_job job = {.jitter = jitter, .own_errors = errors, .weight_error = error};
    tb_folder *folder;
    char *from = env_path("TIMBANG_SOURCE", "tests/golden/model/tiny-gelu"), *to = make_temp();
    assert_non_null(from);
    assert_ok(tb_scheme_parse(scheme, 0, NULL, &job.scheme, &err), &err);
    assert_ok(tb_folder_open(from, &folder, &err), &err);
    assert_ok(tb_pool_create(threads, &job.pool, &err), &err);
    job.folder = folder;
    job.out = to;
    assert_ok(tb_quantize_folder(&job, &err), &err);
    tb_pool_free(job.pool);
    tb_folder_close(folder);
    free(from);
    return to;
}

static void hash_of(const char *dir, char hex[65])
{
    static const char *const files[] = {"model.safetensors", "config.json", "timbang.json"};
    tb_sha256 hash;
    tb_sha256_init(&hash);
    for (size_t i = 0; i < 3; i++) {
        tb_error err = {0};
        char *path = tb_path_join(dir, files[i], &err), *bytes;
        size_t size;
        assert_ok(tb_read_file(path, 0, &bytes, &size, &err), &err);
        tb_sha256_update(&hash, bytes, size);
        free(bytes);
        free(path);
    }
    tb_sha256_final(&hash, hex);
}

static void folders(void **state)
{
    (void)state;
    static const char *const names[] = {"int8", "int4", "int4-e4", "int8-pertensor", "int4-pertensor"};
    for (size_t s = 0; s < 5; s++) {
        char plain[65], measured[65], one[65], two[65], three[65];
        double error = 0, random_error = 0, again = 0;
        const tb_jitter jitter = {1, 7}, other = {1, 8};
        tb_own_errors errors = {0};
        char *dirs[5] = {
            quantize(names[s], NULL, NULL, 1, NULL),
            quantize(names[s], NULL, &errors, 3, &error),
            quantize(names[s], &other, &errors, 1, NULL),
            quantize(names[s], &jitter, &errors, 2, &again),
            quantize(names[s], &jitter, NULL, 1, &random_error),
        };
        hash_of(dirs[0], plain);
        hash_of(dirs[1], measured);
        hash_of(dirs[2], three);
        hash_of(dirs[3], two);
        hash_of(dirs[4], one);
        assert_string_equal(plain, measured); /* measuring changes nothing */
        assert_string_equal(one, two);        /* nor do threads, order and known errors */
        assert_string_not_equal(plain, one);
        assert_string_not_equal(three, one);
        assert_true(error > 0 && again == random_error);
        assert_true(fabs(random_error / error - 1) < 0.05);
        tb_own_errors_free(&errors);
        for (size_t i = 0; i < 5; i++)
            drop_temp(dirs[i]);
    }
}

/* A null model is run: so it must come back from its folder as what it was made. */
static void comes_back(void **state)
{
    (void)state;
    tb_error err = {0};
    const tb_jitter jitter = {1, 7};
    char *dir = quantize("int4", &jitter, NULL, 1, NULL), *text;
    size_t size;
    tb_folder *folder;
    tb_config config = {0};
    tb_quant_map *map;
    assert_ok(tb_folder_open(dir, &folder, &err), &err);
    assert_ok(tb_config_load(folder, &config, &err), &err);
    assert_ok(tb_quant_map_load(&config, "config.json", &map, &err), &err);
    tb_state_dict *dict = open_state(dir);
    tb_weight weight = {0};
    assert_ok(tb_weight_load(dict, map, "encoder.layer.0.output.dense", "Linear", 64, 128, false, &weight, &err), &err);
    assert_true(weight.kind == TB_WEIGHT_S8 && weight.act == TB_ACT_S8_TOKEN && !weight.foreign);
    int most = 0;
    for (size_t i = 0; i < 64 * 128; i++)
        most = abs(weight.q[i]) > most ? abs(weight.q[i]) : most;
    assert_in_range(most, 8, 120);
    tb_weight_free(&weight);
    assert_ok(tb_folder_read(folder, "timbang.json", 0, &text, &size, &err), &err);
    assert_non_null(strstr(text, "\"random_scales\""));
    free(text);
    tb_state_dict_close(dict);
    tb_quant_map_free(map);
    tb_config_free(&config);
    tb_folder_close(folder);
    drop_temp(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(error_is_the_sum),
        cmocka_unit_test(matched_and_independent),
        cmocka_unit_test(threads_and_order_change_nothing),
        cmocka_unit_test(few_rows_and_zeros),
        cmocka_unit_test(folders),
        cmocka_unit_test(comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
