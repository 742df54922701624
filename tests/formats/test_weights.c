/* Tests of formats/weights.c: float matrices and vectors, single values, and files at odds with their config. */
#include "../quant/quant_help.h"

#include <math.h>

static const float f32[6] = {1.5f, -2.25f, 0x1p-149f, 65504.0f, 0.1f, -0.0f};
static const double f64[6] = {1.5, -2.25, 0.1, 1e-3, 4, 5};
static const uint16_t f16[6] = {0x3c00, 0xc000, 0x0001, 0x7bff, 0x8000, 0x3555};
static const uint16_t bf16[6] = {0x3f80, 0xc000, 0x0001, 0x7f7f, 0x8000, 0x3eab};
static const uint16_t bad16[6] = {0, 0, 0, 0, 0x7e00, 0};
static const uint16_t bad_bf16[6] = {0, 0, 0xff80, 0, 0, 0};
static const int8_t s8[6] = {1, 2, 3, 4, 5, 6};
static const float scale[2] = {1, 2};

#define DENSE "encoder.layer.0.output.dense"

static void loads_floats(void **state)
{
    (void)state;
    static const struct {
        tb_dtype dtype;
        const void *bytes;
        bool keep_half;
        tb_weight_kind kind;
        const char *words;
    } cases[] = {
        {TB_F32, f32, false, TB_WEIGHT_F32, "float32"},    {TB_F32, f32, true, TB_WEIGHT_F32, "float32"},
        {TB_F64, f64, false, TB_WEIGHT_F32, "float64"},    {TB_F16, f16, false, TB_WEIGHT_F32, "float16"},
        {TB_F16, f16, true, TB_WEIGHT_F16, "float16"},     {TB_BF16, bf16, false, TB_WEIGHT_F32, "float16"},
        {TB_BF16, bf16, true, TB_WEIGHT_BF16, "bfloat16"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tb_error err = {0};
        tb_weight w;
        char words[32], *dir = make_temp();
        const test_tensor tensor = {"bert." DENSE ".weight", cases[i].dtype, 2, {2, 3}, cases[i].bytes};
        write_tensors(dir, &tensor, 1);
        tb_state_dict *dict = open_state(dir);
        assert_ok(tb_weight_load(dict, NULL, DENSE, "Linear", 2, 3, cases[i].keep_half, &w, &err), &err);
        assert_int_equal(w.kind, cases[i].kind);
        assert_int_equal(w.act, TB_ACT_FLOAT);
        assert_int_equal(w.file_bytes, 6 * tb_dtype_bytes(cases[i].dtype));
        assert_string_equal(tb_weight_describe(&w, words), cases[i].words);
        for (size_t k = 0; k < 6; k++) {
            float expected = cases[i].dtype == TB_F32   ? f32[k]
                             : cases[i].dtype == TB_F64 ? (float)f64[k]
                             : cases[i].dtype == TB_F16 ? tb_f16_to_f32(f16[k])
                                                        : tb_bf16_to_f32(bf16[k]);
            float value = tb_weight_value(&w, k / 3, k % 3);
            assert_memory_equal(&value, &expected, 4);
        }
        tb_weight_free(&w);
        tb_state_dict_close(dict);
        drop_temp(dir);
    }
}

static void refuses(void **state)
{
    (void)state;
    static const struct {
        test_tensor tensors[2];
        size_t n;
        bool keep_half;
        timbang_status status;
        const char *text;
    } cases[] = {
        {{{"bert." DENSE ".bias", TB_F32, 1, {6}, f32}}, 1, false, TIMBANG_MISMATCH, DENSE ".weight"},
        {{{"bert." DENSE ".weight", TB_F32, 2, {3, 2}, f32}}, 1, false, TIMBANG_MISMATCH, "[2, 3]"},
        {{{"bert." DENSE ".weight", TB_F16, 2, {2, 3}, bad16}}, 1, true, TIMBANG_DATA, "NaN"},
        {{{"bert." DENSE ".weight", TB_F16, 2, {2, 3}, bad16}}, 1, false, TIMBANG_DATA, DENSE},
        {{{"bert." DENSE ".weight", TB_BF16, 2, {2, 3}, bad_bf16}}, 1, true, TIMBANG_DATA, "infinity at index 2"},
        {{{"bert." DENSE ".weight", TB_I8, 2, {2, 3}, s8}}, 1, false, TIMBANG_MISMATCH, "type I8"},
        {{{"bert." DENSE ".weight", TB_I8, 2, {2, 3}, s8}, {"bert." DENSE ".weight_scale", TB_F32, 2, {2, 1}, scale}},
         2,
         false,
         TIMBANG_MISMATCH,
         "has no group"},
        {{{"bert." DENSE ".weight_packed", TB_I8, 2, {2, 3}, s8}}, 1, false, TIMBANG_MISMATCH, "weight_packed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tb_error err = {0};
        tb_weight w;
        char *dir = make_temp();
        write_tensors(dir, cases[i].tensors, cases[i].n);
        tb_state_dict *dict = open_state(dir);
        timbang_status status = tb_weight_load(dict, NULL, DENSE, "Linear", 2, 3, cases[i].keep_half, &w, &err);
        assert_refused(cases[i].text, status, &err, cases[i].status, cases[i].text);
        assert_null(w.values);
        assert_null(w.half);
        tb_state_dict_close(dict);
        drop_temp(dir);
    }
}

static void loads_vectors(void **state)
{
    (void)state;
    tb_error err = {0};
    float out[6];
    char *dir = make_temp();
    const test_tensor tensors[] = {{"bert.embeddings.LayerNorm.weight", TB_F16, 1, {6}, f16},
                                   {"bert.pooler.dense.bias", TB_F32, 1, {6}, f32},
                                   {"classifier.bias", TB_I8, 1, {6}, s8}};
    write_tensors(dir, tensors, 3);
    tb_state_dict *dict = open_state(dir);
    assert_ok(tb_vector_load(dict, "pooler.dense.bias", 6, out, &err), &err);
    assert_memory_equal(out, f32, sizeof f32);
    assert_ok(tb_vector_load(dict, "embeddings.LayerNorm.weight", 6, out, &err), &err);
    assert_true(out[0] == 1 && out[1] == -2 && out[2] == 0x1p-24f);
    assert_refused("shape", tb_vector_load(dict, "pooler.dense.bias", 5, out, &err), &err, TIMBANG_MISMATCH, "[5]");
    assert_refused("type", tb_vector_load(dict, "classifier.bias", 6, out, &err), &err, TIMBANG_MISMATCH, "I8");
    tb_state_dict_close(dict);
    drop_temp(dir);
}

static void values_of_integers(void **state)
{
    (void)state;
    int8_t q[64] = {3, -8};
    q[33] = 7;
    float scales[1] = {0.1f};
    uint8_t m[2] = {15, 4};
    char words[32];
    tb_weight w = {
        .kind = TB_WEIGHT_S4, .rows = 1, .columns = 64, .group = 32, .q = q, .scale = scales, .multiplier = m};
    assert_true(tb_weight_value(&w, 0, 0) == 45.0f * 0.1f);
    assert_true(tb_weight_value(&w, 0, 1) == -120.0f * 0.1f);
    assert_true(tb_weight_value(&w, 0, 33) == 28.0f * 0.1f);
    assert_string_equal(tb_weight_describe(&w, words), "int4-g32");
    w.kind = TB_WEIGHT_S8;
    assert_true(tb_weight_value(&w, 0, 1) == -8.0f * 0.1f);
    assert_string_equal(tb_weight_describe(&w, words), "int8");
    w.per_tensor = true;
    assert_string_equal(tb_weight_describe(&w, words), "int8-pertensor");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads_floats),
        cmocka_unit_test(refuses),
        cmocka_unit_test(loads_vectors),
        cmocka_unit_test(values_of_integers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
