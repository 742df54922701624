/* SPDX-License-Identifier: Apache-2.0
 * tb_bench_run on a tiny model: rows, shapes, errors. Timings are not tested. */
#include "study/bench.h"
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
    assert_int_equal(tiny_entries(&t), 1); /* the temporary folders are gone */
    unsetenv("TMPDIR");
    tiny_end(&t);
}

static void bad_shapes_and_variants(void **state)
{
    (void)state;
    static const char *const shapes[] = {"", "1", "x", "0x4", "1x0", "4x", "1x16,", "1x99999", "axb", "1x16x2"};
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
        cmocka_unit_test(bad_shapes_and_variants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
