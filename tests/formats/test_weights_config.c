/* Tests of formats/weights_config.c: the groups that are written, and that our own reader finds them again. */
#include "../quant/quant_help.h"

static const tb_weight f32 = {.kind = TB_WEIGHT_F32};
static const tb_weight s8 = {.kind = TB_WEIGHT_S8, .act = TB_ACT_S8_TOKEN};
static const tb_weight s8_table = {.kind = TB_WEIGHT_S8};
static const tb_weight s4_table = {.kind = TB_WEIGHT_S4_ROW};
static const tb_weight s4 = {.kind = TB_WEIGHT_S4, .act = TB_ACT_S8_TOKEN, .group = 64};
static const tb_weight s8_tensor = {.kind = TB_WEIGHT_S8, .act = TB_ACT_U8_TEXT_7BIT, .per_tensor = true};
static const tb_weight s4_tensor = {.kind = TB_WEIGHT_S4_ROW, .per_tensor = true};

static json_t *config_of(const tb_module_scheme *modules, size_t n)
{
    tb_error err = {0};
    json_t *out;
    assert_ok(tb_quantization_config(modules, n, &out, &err), &err);
    return out;
}

static const char *text_at(const json_t *json, const char *a, const char *b)
{
    const json_t *value = json_object_get(json, a);
    return json_string_value(b ? json_object_get(value, b) : value);
}

static const tb_quant_rule *find(const tb_quant_map *map, const char *name, const char *class_name)
{
    return tb_quant_map_find(map, &name, 1, class_name);
}

static tb_quant_map *map_of(json_t *json)
{
    tb_error err = {0};
    tb_quant_map *map;
    tb_config config = {.quantization = json};
    assert_ok(tb_quant_map_load(&config, "config.json", &map, &err), &err);
    return map;
}

static void writes_mixed_groups(void **state)
{
    (void)state;
    const tb_module_scheme modules[] = {{"bert.words", &s4_table, true}, {"bert.positions", &s8_table, true},
                                        {"bert.types", &s8_table, true}, {"bert.a", &s4, false},
                                        {"bert.b", &s4, false},          {"bert.c", &f32, false},
                                        {"bert.pooler", &s8, false},     {"classifier", &s8, false},
                                        {"bert.d", &s4, false}};
    json_t *json = config_of(modules, 9);
    assert_string_equal(text_at(json, "quant_method", NULL), "compressed-tensors");
    assert_string_equal(text_at(json, "format", NULL), "mixed-precision");
    assert_string_equal(text_at(json, "quantization_status", NULL), "compressed");
    assert_int_equal(json_array_size(json_object_get(json, "ignore")), 1);
    assert_string_equal(json_string_value(json_array_get(json_object_get(json, "ignore"), 0)), "bert.c");
    json_t *groups = json_object_get(json, "config_groups");
    assert_int_equal(json_object_size(groups), 4);
    /* exact names before classes */
    static const char *const first[] = {"bert.words", "bert.pooler", "Embedding", "Linear"};
    static const char *const formats[] = {"pack-quantized", "int-quantized", "int-quantized", "pack-quantized"};
    for (size_t i = 0; i < 4; i++) {
        char name[32];
        snprintf(name, sizeof name, "group_%zu", i);
        const json_t *group = json_object_get(groups, name);
        assert_string_equal(json_string_value(json_array_get(json_object_get(group, "targets"), 0)), first[i]);
        assert_string_equal(text_at(group, "format", NULL), formats[i]);
    }
    tb_quant_map *map = map_of(json);
    const tb_quant_rule *rule = find(map, "bert.d", "Linear");
    assert_true(rule->bits == 4 && rule->group == 64 && rule->act == TB_ACT_S8_TOKEN && rule->symmetric);
    rule = find(map, "classifier", "Linear");
    assert_true(rule->bits == 8 && rule->strategy == TB_STRATEGY_CHANNEL && rule->act == TB_ACT_S8_TOKEN);
    rule = find(map, "bert.words", "Embedding");
    assert_true(rule->bits == 4 && rule->strategy == TB_STRATEGY_CHANNEL && rule->act == TB_ACT_FLOAT);
    rule = find(map, "bert.types", "Embedding");
    assert_true(rule->bits == 8 && rule->strategy == TB_STRATEGY_CHANNEL);
    assert_null(find(map, "bert.c", "Linear"));
    tb_quant_map_free(map);
    json_decref(json);
}

static void writes_per_tensor_groups(void **state)
{
    (void)state;
    const tb_module_scheme eight[] = {{"bert.words", &f32, true}, {"bert.a", &s8_tensor, false}};
    const tb_module_scheme four[] = {{"bert.words", &f32, true}, {"bert.a", &s4_tensor, false}};
    json_t *json = config_of(eight, 2);
    assert_string_equal(text_at(json, "format", NULL), "int-quantized");
    assert_int_equal(json_array_size(json_object_get(json, "ignore")), 0);
    tb_quant_map *map = map_of(json);
    const tb_quant_rule *rule = find(map, "bert.a", "Linear");
    assert_true(rule->bits == 8 && rule->strategy == TB_STRATEGY_TENSOR && rule->act == TB_ACT_U8_TEXT_7BIT);
    assert_null(find(map, "bert.words", "Embedding"));
    tb_quant_map_free(map);
    json_decref(json);
    json = config_of(four, 2);
    assert_string_equal(text_at(json, "format", NULL), "pack-quantized");
    map = map_of(json);
    rule = find(map, "bert.a", "Linear");
    assert_true(rule->bits == 4 && rule->strategy == TB_STRATEGY_TENSOR && rule->act == TB_ACT_FLOAT);
    tb_quant_map_free(map);
    json_decref(json);
}

static void writes_nothing_for_float(void **state)
{
    (void)state;
    const tb_module_scheme modules[] = {{"bert.words", &f32, true}, {"bert.a", &f32, false}};
    assert_null(config_of(modules, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_mixed_groups),
        cmocka_unit_test(writes_per_tensor_groups),
        cmocka_unit_test(writes_nothing_for_float),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
