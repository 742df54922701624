/* The forward pass against PyTorch: float64 logits for FP32, torch.ao's quantize_dynamic for int8-pertensor. */
#include "fixture.h"
#include "quant/quantize.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static json_t *expected;

static int setup(void **state)
{
    (void)state;
    expected = load_expected();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    json_decref(expected);
    return 0;
}

static double largest_difference(json_t *rows, const float *logits)
{
    double most = 0;
    size_t i, j, at = 0;
    json_t *row, *value;
    json_array_foreach(rows, i, row)
    {
        json_array_foreach(row, j, value)
        {
            double d = fabs(json_number_value(value) - (double)logits[at++]);
            most = d > most ? d : most;
        }
    }
    return most;
}

static double torch_own_error(json_t *c)
{
    double most = 0;
    size_t i, j;
    json_t *row, *value, *exact = json_object_get(c, "float64");
    json_array_foreach(json_object_get(c, "float32"), i, row)
    {
        json_array_foreach(row, j, value)
        {
            double d = fabs(json_number_value(value) - json_number_value(json_array_get(json_array_get(exact, i), j)));
            most = d > most ? d : most;
        }
    }
    return most;
}

static void fp32_is_pytorch(void **state)
{
    (void)state;
    static const char *const acts[] = {"gelu", "gelu_new", "relu"};
    for (size_t a = 0; a < 3; a++) {
        char name[64];
        struct tiny_case c;
        tiny_case_load(expected, acts[a], &c);
        snprintf(name, sizeof name, "tests/golden/model/tiny-%s", acts[a]);
        char *path = source_path(name);
        tb_classifier *model = load_model(path, tb_kernels_find(NULL, &(bool){false}), NULL);
        assert_string_equal(tb_classifier_scheme(model), "fp32");
        float *logits = run_case(model, NULL, &c, c.n);
        double error = largest_difference(json_object_get(c.json, "float64"), logits);
        double own = torch_own_error(c.json), bound = 2 * own > 2e-5 ? 2 * own : 2e-5;
        print_message("%s: error against float64 %.2e, PyTorch FP32's own %.2e\n", acts[a], error, own);
        assert_true(error <= bound);
        assert_true(error > 0); /* another precision: equal would mean that nothing was compared */
        free(logits);
        free(path);
        tb_classifier_free(model);
        tiny_case_free(&c);
    }
}

static void quantize(const char *from, const char *scheme, const char *to)
{
    tb_error err;
    tb_folder *folder = NULL;
    tb_quantize_job job = {.out = to};
    assert_int_equal(tb_folder_open(from, &folder, &err), TIMBANG_OK);
    assert_int_equal(tb_scheme_parse(scheme, 0, NULL, &job.scheme, &err), TIMBANG_OK);
    job.folder = folder;
    if (tb_quantize_folder(&job, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    tb_folder_close(folder);
}

static void pertensor_is_quantize_dynamic(void **state)
{
    (void)state;
    tb_error err;
    char root[] = "/tmp/timbang-model-XXXXXX";
    assert_non_null(mkdtemp(root));
    struct tiny_case c;
    tiny_case_load(expected, "gelu", &c);
    char *path = source_path("tests/golden/model/tiny-gelu"), *to = tb_path_join(root, "m", &err);
    quantize(path, "int8-pertensor", to);
    tb_classifier *model = load_model(to, tb_kernels_find(NULL, &(bool){false}), NULL);
    assert_string_equal(tb_classifier_scheme(model), "int8-pertensor");
    float *logits = run_case(model, NULL, &c, c.n);
    double error = largest_difference(json_object_get(c.json, "quantize_dynamic"), logits);
    print_message("int8-pertensor: largest difference from quantize_dynamic %.2e\n", error);
    assert_true(error <= 1e-3);
    assert_true(largest_difference(json_object_get(c.json, "float64"), logits) > 1e-2); /* it does quantize */
    free(logits);
    tb_classifier_free(model);
    tiny_case_free(&c);
    free(path);
    free(to);
    assert_int_equal(tb_remove_tree(root, &err), TIMBANG_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fp32_is_pytorch),
        cmocka_unit_test(pertensor_is_quantize_dynamic),
    };
    return cmocka_run_group_tests_name("model/golden", tests, setup, teardown);
}
