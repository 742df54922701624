/* Tests of quant/round.c: against PyTorch's quantize_dynamic and a plain double-precision rounding; extreme values. */
#include "quant_help.h"

#include "quant/schemes.h"

#include <float.h>
#include <math.h>

static void per_tensor_as_pytorch(void **state)
{
    (void)state;
    json_t *root, *cases = quant_golden("dynamic", &root);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *one = json_array_get(cases, i);
        size_t rows = golden_size(one, "rows"), columns = golden_size(one, "columns");
        tb_error err = {0};
        float *w = tb_calloc(rows * columns, sizeof *w, &err);
        for (size_t k = 0; k < rows * columns; k++)
            w[k] = (float)golden_number(one, "w", k);
        tb_weight out = {0};
        assert_ok(tb_quantize_s8_tensor(w, rows, columns, NULL, &out, &err), &err);
        assert_true(out.kind == TB_WEIGHT_S8 && out.per_tensor);
        float scale = (float)json_number_value(json_object_get(one, "scale"));
        for (size_t r = 0; r < rows; r++)
            assert_memory_equal(&out.scale[r], &scale, 4);
        for (size_t k = 0; k < rows * columns; k++)
            assert_int_equal(out.q[k], (int)golden_number(one, "q", k));
        tb_weight_free(&out);
        free(w);
    }
    json_decref(root);
}

static void per_channel_is_nearest(void **state)
{
    (void)state;
    enum { ROWS = 9, COLUMNS = 77 };
    float w[ROWS * COLUMNS];
    uint64_t seed = 1;
    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        w[i] = test_normal(&seed) * (i < 3 * COLUMNS ? 1e-40f : 0.05f);
    memset(w + 8 * COLUMNS, 0, COLUMNS * sizeof *w);
    tb_error err = {0};
    tb_weight out = {0};
    assert_ok(tb_quantize_s8_channel(w, ROWS, COLUMNS, NULL, &out, &err), &err);
    for (size_t r = 0; r < ROWS; r++) {
        float most = 0;
        for (size_t c = 0; c < COLUMNS; c++)
            most = fmaxf(most, fabsf(w[r * COLUMNS + c]));
        float scale = most > 0 ? most / 127 : 1;
        assert_memory_equal(&out.scale[r], &scale, 4);
        int top = 0;
        for (size_t c = 0; c < COLUMNS; c++) {
            double exact = (double)w[r * COLUMNS + c] / (double)scale;
            int q = out.q[r * COLUMNS + c];
            top = abs(q) > top ? abs(q) : top;
            assert_true(q >= -127 && q <= 127);
            assert_true(fabs(exact - q) <= 0.5 + 1e-5 || abs(q) == 127);
        }
        assert_int_equal(top, r == 8 ? 0 : 127);
    }
    tb_weight_free(&out);
}

/* Halves go to the even neighbour: scale 1 by the first value. */
static void ties_go_to_even(void **state)
{
    (void)state;
    static const float w[8] = {127, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f, -2.5f, 126.5f};
    static const int8_t expected[8] = {127, 0, 2, 2, 0, -2, -2, 126};
    static const float four[8] = {7, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f, -2.5f, -7};
    static const int8_t expected_four[8] = {7, 0, 2, 2, 0, -2, -2, -7};
    tb_error err = {0};
    tb_weight out = {0};
    assert_ok(tb_quantize_s8_channel(w, 1, 8, NULL, &out, &err), &err);
    assert_memory_equal(out.q, expected, 8);
    tb_weight_free(&out);
    assert_ok(tb_quantize_s4_tensor(four, 2, 4, NULL, &out, &err), &err);
    assert_true(out.kind == TB_WEIGHT_S4_ROW && out.per_tensor && out.scale[0] == 1 && out.scale[1] == 1);
    assert_memory_equal(out.q, expected_four, 8);
    tb_weight_free(&out);
}

static timbang_status s4_row(const float *w, size_t rows, size_t columns, tb_pool *pool, tb_weight *out, tb_error *err)
{
    return tb_quantize_s4_row(w, rows, columns, NULL, pool, out, err);
}

static void extremes(void **state)
{
    (void)state;
    static const float tiny[4] = {0x1p-149f, -0x1p-149f, 0, 0x1p-148f}, zero[4] = {0};
    static const float large[4] = {1e37f, -1e37f, 1, 0}, huge[4] = {1, 2e37f, 0, 0}, nan[4] = {0, 0, NAN, 0};
    tb_error err = {0};
    tb_weight out = {0};
    assert_ok(tb_quantize_s8_channel(tiny, 1, 4, NULL, &out, &err), &err);
    for (size_t i = 0; i < 4; i++)
        assert_true(tb_weight_value(&out, 0, i) == tiny[i]);
    tb_weight_free(&out);
    assert_ok(tb_quantize_s4_tensor(zero, 2, 2, NULL, &out, &err), &err);
    assert_true(out.scale[0] == 1 && out.q[0] == 0);
    tb_weight_free(&out);
    timbang_status (*const schemes[])(const float *, size_t, size_t, tb_pool *, tb_weight *, tb_error *) = {
        tb_quantize_s8_channel, tb_quantize_s8_tensor, tb_quantize_s4_tensor, s4_row};
    for (size_t i = 0; i < 4; i++) {
        assert_ok(schemes[i](large, 1, 4, NULL, &out, &err), &err);
        assert_true(isfinite(tb_weight_value(&out, 0, 0)) && isfinite(tb_weight_value(&out, 0, 1)));
        tb_weight_free(&out);
        assert_refused("huge", schemes[i](huge, 2, 2, NULL, &out, &err), &err, TIMBANG_DATA, "[0, 1]");
        assert_refused("nan", schemes[i](nan, 2, 2, NULL, &out, &err), &err, TIMBANG_DATA, "[1, 0]");
        assert_null(out.q);
    }
}

static void halves(void **state)
{
    (void)state;
    static const float fine[5] = {1, 65504, 65519.996f, 0x1p-25f, 0x1.8p-24f};
    static const uint16_t expected[5] = {0x3c00, 0x7bff, 0x7bff, 0, 2};
    static const float over[3] = {0, 65520, 0}, bf_over[1] = {FLT_MAX};
    uint16_t out[5];
    tb_error err = {0};
    assert_ok(tb_round_half(fine, 5, TB_WEIGHT_F16, NULL, out, &err), &err);
    assert_memory_equal(out, expected, sizeof expected);
    assert_refused("fp16", tb_round_half(over, 3, TB_WEIGHT_F16, NULL, out, &err), &err, TIMBANG_DATA,
                   "65520 at index 1");
    assert_non_null(strstr(err.text, "use bf16"));
    assert_ok(tb_round_half(over, 3, TB_WEIGHT_BF16, NULL, out, &err), &err);
    assert_int_equal(out[1], 0x4780);
    assert_refused("bf16", tb_round_half(bf_over, 1, TB_WEIGHT_BF16, NULL, out, &err), &err, TIMBANG_DATA, "bf16");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(per_tensor_as_pytorch),
        cmocka_unit_test(per_channel_is_nearest),
        cmocka_unit_test(ties_go_to_even),
        cmocka_unit_test(extremes),
        cmocka_unit_test(halves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
