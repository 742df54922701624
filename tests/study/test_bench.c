/* SPDX-License-Identifier: Apache-2.0
 * tb_bench_run on a tiny model: rows, shapes, columns, counted work, errors. Timings are not tested. */
#include "formats/config.h"
#include "study/bench.h"
#include "study/bench_shapes.h"
#include "tiny.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static timbang_status bench(tiny *t, const char *shapes, const char *const *variants, size_t n, json_t **out,
                            tb_error *err)
{
    timbang_bench_options options = {
        .struct_size = sizeof options, .shapes = shapes, .variants = variants, .n_variants = n};
    options.model.path = tiny_path(t, "m");
    tb_bench_job job = {.options = &options, .kernels = t->kernels, .pool = t->pool, .hooks = &t->hooks};
    *out = NULL;
    *err = (tb_error){0};
    return tb_bench_run(&job, out, err);
}

static void rows_for_every_shape_and_variant(void **state)
{
    (void)state;
    static const char *const variants[] = {"fp32", "int8"};
    tiny t;
    tiny_begin(&t);
    tiny_model(&t, "m", 1, "a,b");
    setenv("TMPDIR", t.dir, 1);
    json_t *rows = NULL;
    tb_error err;
    if (bench(&t, "1x16,3x8", variants, 2, &rows, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    assert_int_equal(json_array_size(rows), 4);
    const json_t *last = json_array_get(rows, 3);
    assert_string_equal(json_string_value(json_object_get(last, "shape")), "3x8");
    assert_string_equal(json_string_value(json_object_get(last, "variant")), "int8");
    assert_true(json_integer_value(json_object_get(last, "rounds")) >= 10);
    static const char *const figures[] = {"median_ms", "p10_ms", "p90_ms", "texts_per_s"};
    for (size_t i = 0; i < 4; i++)
        assert_true(json_number_value(json_object_get(last, figures[i])) > 0);
    json_decref(rows);
    if (bench(&t, "1x4", NULL, 0, &rows, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    assert_string_equal(json_string_value(json_object_get(json_array_get(rows, 0), "variant")), "fp32");
    json_decref(rows);
    static const char *const both[] = {"as-is", "int4"};
    if (bench(&t, "1x4", both, 2, &rows, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    assert_string_equal(json_string_value(json_object_get(json_array_get(rows, 0), "variant")), "as-is");
    assert_string_equal(json_string_value(json_object_get(json_array_get(rows, 0), "scheme")), "fp32");
    assert_string_equal(json_string_value(json_object_get(json_array_get(rows, 1), "scheme")), "int4");
    json_decref(rows);
    assert_int_equal(tiny_entries(&t), 1); /* the temporary folders are gone */
    unsetenv("TMPDIR");
    tiny_end(&t);
}

static timbang_status bench_columns(tiny *t, const char *const *levels, size_t n_levels, const int *threads,
                                    size_t n_threads, json_t **out, tb_error *err)
{
    static const char *const variants[] = {"fp32", "int8"};
    timbang_bench_options options = {.struct_size = sizeof options,
                                     .shapes = "2x5,1x3",
                                     .variants = variants,
                                     .n_variants = 2,
                                     .levels = levels,
                                     .n_levels = n_levels,
                                     .threads = threads,
                                     .n_threads = n_threads};
    options.model.path = tiny_path(t, "m");
    tb_bench_job job = {.options = &options, .kernels = t->kernels, .pool = t->pool, .hooks = &t->hooks};
    *out = NULL;
    *err = (tb_error){0};
    return tb_bench_run(&job, out, err);
}

static void every_level_and_number_of_threads_is_a_column(void **state)
{
    (void)state;
    const tb_kernels *usable[16];
    size_t n = tb_kernels_usable(usable, 16);
    const char *levels[2] = {usable[0]->name, usable[n - 1]->name};
    static const int threads[] = {1, 3};
    tiny t;
    tiny_begin(&t);
    tiny_model(&t, "m", 1, "a,b");
    json_t *rows = NULL;
    tb_error err;
    if (bench_columns(&t, levels, 2, threads, 2, &rows, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    assert_int_equal(json_array_size(rows), 16);
    for (size_t i = 0; i < 16; i++) {
        const json_t *row = json_array_get(rows, i);
        assert_string_equal(json_string_value(json_object_get(row, "shape")), i < 8 ? "2x5" : "1x3");
        assert_string_equal(json_string_value(json_object_get(row, "variant")), i / 4 % 2 ? "int8" : "fp32");
        assert_string_equal(json_string_value(json_object_get(row, "level")), levels[i / 2 % 2]);
        assert_int_equal(json_integer_value(json_object_get(row, "threads")), threads[i % 2]);
        assert_true(json_integer_value(json_object_get(row, "rounds")) >= 10);
    }
    json_decref(rows);

    static const char *const missing[] = {"scalar", "avx1024"};
    static const int none[] = {1, 0};
    assert_int_equal(bench_columns(&t, missing, 2, NULL, 0, &rows, &err), TIMBANG_USAGE);
    assert_non_null(strstr(err.text, "'avx1024' cannot be used here; one of scalar"));
    assert_int_equal(bench_columns(&t, NULL, 0, none, 2, &rows, &err), TIMBANG_USAGE);
    assert_non_null(strstr(err.text, "0 threads"));
    assert_null(rows);
    tiny_end(&t);
}

static bool is_one(double x)
{
    return x > 1 - 1e-9 && x < 1 + 1e-9;
}

/* Bytes of a packed FP32 layer with its bias. */
static size_t packed(const tb_kernels *kernels, size_t out, size_t in)
{
    return (out + kernels->f32_nr - 1) / kernels->f32_nr * kernels->f32_panel_bytes(in) + out * sizeof(float);
}

/* Counted by hand: of the last layer only keys and values are needed of every token. */
static void the_work_of_a_pass_is_counted(void **state)
{
    (void)state;
    tiny t;
    tiny_begin(&t);
    tiny_model(&t, "m", 1, "a,b");
    json_t *rows = NULL;
    tb_error err;
    tb_folder *folder = NULL;
    tb_config config;
    assert_int_equal(tb_folder_open(tiny_path(&t, "m"), &folder, &err), TIMBANG_OK);
    assert_int_equal(tb_config_load(folder, &config, &err), TIMBANG_OK);
    double h = (double)config.hidden_size, wide = (double)config.intermediate_size,
           layers = (double)config.num_hidden_layers;
    assert_int_equal(bench(&t, "3x7", NULL, 0, &rows, &err), TIMBANG_OK);
    const json_t *row = json_array_get(rows, 0);
    double tokens = 21, texts = 3;
    double macs = (layers - 1) * tokens * (4 * h * h + 2 * h * wide) + tokens * 2 * h * h +
                  texts * (2 * h * h + 2 * h * wide) + texts * (h * h + 2 * h);
    double gops = json_number_value(json_object_get(row, "gops")),
           ms = json_number_value(json_object_get(row, "median_ms"));
    assert_true(is_one(gops * ms * 1e6 / (2 * macs)));
    size_t n = config.num_hidden_layers, hidden = config.hidden_size, inner = config.intermediate_size;
    size_t want = n * (packed(t.kernels, 3 * hidden, hidden) + packed(t.kernels, hidden, hidden) +
                       packed(t.kernels, inner, hidden) + packed(t.kernels, hidden, inner)) +
                  packed(t.kernels, hidden, hidden) + packed(t.kernels, 2, hidden);
    assert_int_equal(json_integer_value(json_object_get(row, "weight_bytes")), want);
    double bytes = (double)want;
    assert_true(is_one(json_number_value(json_object_get(row, "gb_per_s")) * ms * 1e6 / bytes));
    json_decref(rows);
    tb_config_free(&config);
    tb_folder_close(folder);
    tiny_end(&t);
}

static void shapes_are_parsed(void **state)
{
    (void)state;
    tb_bench_shape shapes[TB_BENCH_SHAPES];
    size_t n = 0;
    tb_error err = {0};
    assert_int_equal(tb_bench_shapes_parse("2x30,mixed8", shapes, &n, &err), TIMBANG_OK);
    assert_int_equal(n, 2);
    assert_string_equal(shapes[0].name, "2x30");
    assert_int_equal(shapes[0].total, 60);
    assert_int_equal(tb_bench_shape_length(&shapes[0], 1), 30);
    assert_int_equal(shapes[1].texts, 8);
    assert_int_equal(shapes[1].tokens, 98);
    assert_int_equal(shapes[1].total, 12 + 18 + 24 + 31 + 39 + 47 + 62 + 98);
    assert_int_equal(tb_bench_shape_length(&shapes[1], 3), 31);
    assert_int_equal(tb_bench_shapes_parse(NULL, shapes, &n, &err), TIMBANG_OK);
    assert_int_equal(n, 4);
}

static void bad_shapes_and_variants(void **state)
{
    (void)state;
    static const char *const shapes[] = {"",      "1",       "x",   "0x4",    "1x0",   "4x",
                                         "1x16,", "1x99999", "axb", "1x16x2", "mixed9"};
    static const char *const nine = "int9";
    tiny t;
    tiny_begin(&t);
    tiny_model(&t, "m", 1, "a,b");
    json_t *rows = NULL;
    tb_error err;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        assert_int_equal(bench(&t, shapes[i], NULL, 0, &rows, &err), TIMBANG_USAGE);
        assert_non_null(strstr(err.text, "TEXTSxTOKENS"));
        assert_null(rows);
    }
    assert_int_equal(bench(&t, "1x25", NULL, 0, &rows, &err), TIMBANG_USAGE);
    assert_non_null(strstr(err.text, "24 positions"));
    assert_int_equal(bench(&t, "1x4", &nine, 1, &rows, &err), TIMBANG_USAGE);
    assert_non_null(strstr(err.text, "int9"));
    tiny_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_for_every_shape_and_variant),
        cmocka_unit_test(every_level_and_number_of_threads_is_a_column),
        cmocka_unit_test(the_work_of_a_pass_is_counted),
        cmocka_unit_test(shapes_are_parsed),
        cmocka_unit_test(bad_shapes_and_variants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
