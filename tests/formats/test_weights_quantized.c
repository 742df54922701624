/* Tests of formats/weights_quantized.c: modules that compressed-tensors wrote, the factors of two-level scales, and
 * files that are wrong. */
#include "../quant/quant_help.h"

#include <math.h>

/* ---- Foreign modules ---- */

typedef struct module_file {
    test_tensor tensors[4];
    char names[4][64];
    void *data[4];
    size_t n;
} module_file;

/* Into *file, since its tensors point at its names. */
static void read_module(const json_t *one, module_file *file)
{
    *file = (module_file){.n = 0};
    json_t *tensors = json_object_get(one, "tensors"), *tensor;
    const char *key;
    tb_error err = {0};
    json_object_foreach(tensors, key, tensor)
    {
        test_tensor *t = &file->tensors[file->n];
        const char *dtype = json_string_value(json_object_get(tensor, "dtype"));
        const json_t *shape = json_object_get(tensor, "shape");
        size_t n = json_array_size(json_object_get(tensor, "data"));
        snprintf(file->names[file->n], 64, "classifier.%s", key);
        t->rank = (uint32_t)json_array_size(shape);
        for (uint32_t k = 0; k < t->rank; k++)
            t->shape[k] = (uint64_t)json_integer_value(json_array_get(shape, k));
        t->dtype = strcmp(dtype, "int32") == 0     ? TB_I32
                   : strcmp(dtype, "int64") == 0   ? TB_I64
                   : strcmp(dtype, "int8") == 0    ? TB_I8
                   : strcmp(dtype, "float32") == 0 ? TB_F32
                                                   : TB_DTYPES;
        assert_true(t->dtype != TB_DTYPES);
        char *bytes = tb_calloc(n, tb_dtype_bytes(t->dtype), &err);
        for (size_t i = 0; i < n; i++) {
            double value = golden_number(tensor, "data", i);
            if (t->dtype == TB_F32)
                ((float *)(void *)bytes)[i] = (float)value;
            else if (t->dtype == TB_I8)
                ((int8_t *)bytes)[i] = (int8_t)value;
            else if (t->dtype == TB_I32)
                ((int32_t *)(void *)bytes)[i] = (int32_t)value;
            else
                ((int64_t *)(void *)bytes)[i] = (int64_t)value;
        }
        t->bytes = file->data[file->n++] = bytes;
    }
    for (size_t i = 0; i < file->n; i++)
        file->tensors[i].name = file->names[i];
}

static tb_quant_map *map_of(const json_t *one, const char *activations)
{
    char text[1024];
    const json_t *group = json_object_get(one, "group_size");
    char size[32] = "null";
    timbang_status status;
    tb_error err = {0};
    if (json_is_integer(group))
        snprintf(size, sizeof size, "%d", (int)json_integer_value(group));
    snprintf(
        text, sizeof text,
        "{\"quant_method\":\"compressed-tensors\",\"quantization_status\":\"compressed\",\"config_groups\":{\"g\":{"
        "\"targets\":[\"classifier\"],\"weights\":{\"num_bits\":%d,\"strategy\":\"%s\",\"group_size\":%s,"
        "\"symmetric\":%s},\"input_activations\":%s,\"format\":\"%s\"}}}",
        (int)golden_size(one, "bits"), json_string_value(json_object_get(one, "strategy")), size,
        json_is_true(json_object_get(one, "symmetric")) ? "true" : "false", activations,
        json_string_value(json_object_get(one, "format")));
    tb_quant_map *map = read_map(text, &status, &err);
    assert_ok(status, &err);
    return map;
}

static void check_values(const json_t *one, const tb_weight *w)
{
    for (size_t i = 0; i < w->rows * w->columns; i++) {
        float expected = (float)golden_number(one, "values", i);
        float value = tb_weight_value(w, i / w->columns, i % w->columns);
        if (expected == 0) /* -0 from a negative zero product is as good */
            assert_true(value == 0);
        else
            assert_memory_equal(&value, &expected, 4);
    }
}

/* What weights.h promises of each. */
static void check_kind(const json_t *one, const char *class_name, bool token, const tb_weight *w)
{
    bool symmetric = json_is_true(json_object_get(one, "symmetric"));
    bool rows = strcmp(json_string_value(json_object_get(one, "strategy")), "group") != 0 && symmetric;
    bool tensor = strcmp(json_string_value(json_object_get(one, "strategy")), "tensor") == 0;
    bool four = golden_size(one, "bits") == 4;
    assert_int_equal(w->stored_bits, four ? 4 : 8);
    if (strcmp(class_name, "Embedding") == 0) {
        assert_int_equal(w->kind, !rows ? TB_WEIGHT_F32 : four ? TB_WEIGHT_S4_ROW : TB_WEIGHT_S8);
        assert_int_equal(w->foreign, !rows);
    } else if (token) {
        assert_int_equal(w->kind, rows ? TB_WEIGHT_S8 : TB_WEIGHT_F32);
        assert_int_equal(w->act, rows ? TB_ACT_S8_TOKEN : TB_ACT_S8_TOKEN_FAKE);
        assert_int_equal(w->foreign, !rows);
    } else {
        bool ours = rows && tensor && four;
        assert_int_equal(w->kind, TB_WEIGHT_F32);
        assert_int_equal(w->act, TB_ACT_FLOAT);
        assert_int_equal(w->per_tensor, ours);
        assert_int_equal(w->foreign, !ours);
    }
}

static void keeps_foreign_values(void **state)
{
    (void)state;
    json_t *root, *cases = quant_golden("foreign", &root);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *one = json_array_get(cases, i);
        module_file file;
        read_module(one, &file);
        char *dir = make_temp();
        write_tensors(dir, file.tensors, file.n);
        tb_state_dict *dict = open_state(dir);
        size_t rows = golden_size(one, "rows"), columns = golden_size(one, "columns");
        for (int variant = 0; variant < 3; variant++) {
            const char *class_name = variant == 2 ? "Embedding" : "Linear";
            tb_quant_map *map = map_of(one, variant == 1 ? TEST_TOKEN : "null");
            tb_weight w;
            tb_error err = {0};
            assert_ok(tb_weight_load(dict, map, "classifier", class_name, rows, columns, true, &w, &err), &err);
            check_values(one, &w);
            check_kind(one, class_name, variant == 1, &w);
            tb_weight_free(&w);
            tb_quant_map_free(map);
        }
        for (size_t k = 0; k < file.n; k++)
            free(file.data[k]);
        tb_state_dict_close(dict);
        drop_temp(dir);
    }
    json_decref(root);
}

/* ---- Factors ---- */

static unsigned gcd(unsigned a, unsigned b)
{
    return b ? gcd(b, a % b) : a;
}

static void factors_are_recovered(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (int round = 0; round < 20000; round++) {
        size_t n = 1 + test_random(&seed) % 48;
        uint8_t m[48], back[48];
        float scale[48], channel, found;
        unsigned common = 0;
        for (size_t g = 0; g < n; g++) {
            m[g] = (uint8_t)(1 + test_random(&seed) % 15);
            common = gcd(m[g], common);
        }
        int exponent = (int)(test_random(&seed) % 240) - 149;
        channel = ldexpf((float)(1 + test_random(&seed) % ((1u << 20) - 1)), exponent);
        for (size_t g = 0; g < n; g++) {
            m[g] = (uint8_t)(m[g] / common);
            scale[g] = channel * (float)m[g];
        }
        if (!tb_two_level_factor(scale, n, &found, back))
            fail_msg("round %d: no factors of %a", round, (double)channel);
        assert_memory_equal(&found, &channel, 4);
        assert_memory_equal(back, m, n);
    }
}

static void other_scales_have_no_factors(void **state)
{
    (void)state;
    static const float cases[][3] = {
        {1, 16, 1},                  /* a multiplier beyond 15 */
        {0.1f, 0.3f, 0.7f},          /* not products */
        {1048577, 1048577, 1048577}, /* 21 significant bits */
        {1, 0, 1},
        {1, -1, 1},
        {1, INFINITY, 1},
        {1, NAN, 1},
        {0x1p-149f, 0x1p100f, 0x1p-149f}, /* far apart */
        {3, 2.9999998f, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float channel;
        uint8_t m[3];
        if (tb_two_level_factor(cases[i], 3, &channel, m))
            fail_msg("case %zu has factors", i);
    }
    float channel;
    uint8_t m[3];
    static const float fine[3] = {6, 9, 21}, single[1] = {0.375f};
    assert_true(tb_two_level_factor(fine, 3, &channel, m));
    assert_true(channel == 3 && m[0] == 2 && m[1] == 3 && m[2] == 7);
    assert_true(tb_two_level_factor(single, 1, &channel, m));
    assert_true(channel == 0.375f && m[0] == 1);
    assert_false(tb_two_level_factor(single, 0, &channel, m));
}

/* Power-of-two scales are a foreign scheme that is two-level all the same; a token-scaled input makes use of it. */
static void foreign_products_are_used(void **state)
{
    (void)state;
    const int32_t packed[8] = {0x76543210, 0, -1, 1, 2, 3, 4, 5};
    const float scale[2] = {0.25f, 2}, no_product[2] = {0.1f, 0.33f};
    const int64_t shape[2] = {1, 64};
    static const char config[] = TEST_CONFIG("\"g\":{\"targets\":[\"classifier\"],\"weights\":{\"num_bits\":4,\"group_"
                                             "size\":32},\"input_activations\":" TEST_TOKEN "}");
    for (int i = 0; i < 2; i++) {
        char *dir = make_temp();
        const test_tensor tensors[] = {{"classifier.weight_shape", TB_I64, 1, {2}, shape},
                                       {"classifier.weight_packed", TB_I32, 2, {1, 8}, packed},
                                       {"classifier.weight_scale", TB_F32, 2, {1, 2}, i ? no_product : scale}};
        timbang_status status;
        tb_error err = {0};
        tb_weight w;
        char words[32];
        write_tensors(dir, tensors, 3);
        tb_state_dict *dict = open_state(dir);
        tb_quant_map *map = read_map(config, &status, &err);
        assert_ok(tb_weight_load(dict, map, "classifier", "Linear", 1, 64, false, &w, &err), &err);
        assert_int_equal(w.kind, i ? TB_WEIGHT_F32 : TB_WEIGHT_S4);
        assert_int_equal(w.act, i ? TB_ACT_S8_TOKEN_FAKE : TB_ACT_S8_TOKEN);
        assert_int_equal(w.foreign, i);
        assert_string_equal(tb_weight_describe(&w, words), i ? "foreign int4" : "int4-g32");
        assert_true(tb_weight_value(&w, 0, 0) == -8 * (i ? 0.1f : 0.25f));
        assert_true(tb_weight_value(&w, 0, 63) == -8 * (i ? 0.33f : 2.0f));
        tb_weight_free(&w);
        tb_quant_map_free(map);
        tb_state_dict_close(dict);
        drop_temp(dir);
    }
}

/* ---- Wrong files ---- */

static const int32_t packed[8];
static const int8_t bytes[64] = {9};
static const float scale[2] = {1, 1}, nan_scale[2] = {1, NAN}, big_scale[2] = {1, 3e38f}, minus_scale[2] = {1, -1};
static const int64_t shape[2] = {1, 64}, wrong_shape[2] = {64, 1}, hostile_shape[2] = {-1, INT64_MAX};

#define GROUPS32 TEST_CONFIG("\"g\":{\"targets\":[\"classifier\"],\"weights\":{\"num_bits\":4,\"group_size\":32}}")
#define ASYM32                                                                                                         \
    TEST_CONFIG(                                                                                                       \
        "\"g\":{\"targets\":[\"classifier\"],\"weights\":{\"num_bits\":4,\"group_size\":32,\"symmetric\":false}}")
#define GROUPS48 TEST_CONFIG("\"g\":{\"targets\":[\"classifier\"],\"weights\":{\"num_bits\":4,\"group_size\":48}}")
#define SHAPE                                                                                                          \
    {                                                                                                                  \
        "classifier.weight_shape", TB_I64, 1, {2}, shape                                                               \
    }
#define PACKED                                                                                                         \
    {                                                                                                                  \
        "classifier.weight_packed", TB_I32, 2, {1, 8}, packed                                                          \
    }
#define SCALE                                                                                                          \
    {                                                                                                                  \
        "classifier.weight_scale", TB_F32, 2, {1, 2}, scale                                                            \
    }

static void refuses_wrong_files(void **state)
{
    (void)state;
    static const struct {
        const char *config;
        test_tensor tensors[4];
        size_t n;
        timbang_status status;
        const char *text;
    } cases[] = {
        {GROUPS32, {SHAPE, SCALE}, 2, TIMBANG_MISMATCH, "weight_packed is missing"},
        {GROUPS32, {SHAPE, PACKED}, 2, TIMBANG_MISMATCH, "weight_scale is missing"},
        {GROUPS32, {SCALE, PACKED}, 2, TIMBANG_MISMATCH, "weight_shape is missing"},
        {GROUPS32,
         {SHAPE, {"classifier.weight_packed", TB_I32, 2, {1, 7}, packed}, SCALE},
         3,
         TIMBANG_MISMATCH,
         "I32 [1, 8]"},
        {GROUPS32,
         {SHAPE, PACKED, {"classifier.weight_scale", TB_F32, 2, {2, 1}, scale}},
         3,
         TIMBANG_MISMATCH,
         "float [1, 2]"},
        {GROUPS32,
         {{"classifier.weight_shape", TB_I64, 1, {2}, wrong_shape}, PACKED, SCALE},
         3,
         TIMBANG_MISMATCH,
         "holds [64, 1]"},
        {GROUPS32,
         {{"classifier.weight_shape", TB_I64, 1, {2}, hostile_shape}, PACKED, SCALE},
         3,
         TIMBANG_MISMATCH,
         "needs [1, 64]"},
        {GROUPS32,
         {SHAPE, PACKED, {"classifier.weight_scale", TB_F32, 2, {1, 2}, nan_scale}},
         3,
         TIMBANG_DATA,
         "weight_scale"},
        {GROUPS32,
         {SHAPE, PACKED, {"classifier.weight_scale", TB_F32, 2, {1, 2}, big_scale}},
         3,
         TIMBANG_DATA,
         "a scale is from"},
        {GROUPS32,
         {SHAPE, PACKED, {"classifier.weight_scale", TB_F32, 2, {1, 2}, minus_scale}},
         3,
         TIMBANG_DATA,
         "holds -1 at index 1"},
        {GROUPS32,
         {SHAPE, PACKED, SCALE, {"classifier.weight_g_idx", TB_I32, 1, {8}, packed}},
         4,
         TIMBANG_UNSUPPORTED,
         "actorder"},
        {GROUPS32, {{"classifier.weight", TB_I8, 2, {1, 64}, bytes}, SCALE}, 2, TIMBANG_DATA, "holds 9 at index 0"},
        {GROUPS32, {{"classifier.weight", TB_F32, 2, {1, 1}, scale}, SCALE}, 2, TIMBANG_MISMATCH, "I8 [1, 64]"},
        {ASYM32, {SHAPE, PACKED, SCALE}, 3, TIMBANG_MISMATCH, "weight_zero_point is missing"},
        {ASYM32,
         {SHAPE, PACKED, SCALE, {"classifier.weight_zero_point", TB_I32, 2, {2, 2}, packed}},
         4,
         TIMBANG_MISMATCH,
         "I32 [1, 2]"},
        {GROUPS48, {SHAPE, PACKED, SCALE}, 3, TIMBANG_MISMATCH, "no multiple of group_size 48"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        timbang_status status;
        tb_error err = {0};
        tb_weight w;
        char *dir = make_temp();
        write_tensors(dir, cases[i].tensors, cases[i].n);
        tb_state_dict *dict = open_state(dir);
        tb_quant_map *map = read_map(cases[i].config, &status, &err);
        assert_ok(status, &err);
        status = tb_weight_load(dict, map, "classifier", "Linear", 1, 64, false, &w, &err);
        assert_refused(cases[i].text, status, &err, cases[i].status, cases[i].text);
        assert_non_null(strstr(err.text, "classifier"));
        assert_null(w.q);
        tb_quant_map_free(map);
        tb_state_dict_close(dict);
        drop_temp(dir);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_foreign_values),         cmocka_unit_test(factors_are_recovered),
        cmocka_unit_test(other_scales_have_no_factors), cmocka_unit_test(foreign_products_are_used),
        cmocka_unit_test(refuses_wrong_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
