/* Tests of formats/weights_map.c: what is refused, and which rule a module gets. */
#include "../quant/quant_help.h"

#define WEIGHTS4     "\"weights\":{\"num_bits\":4,\"type\":\"int\",\"strategy\":\"group\",\"group_size\":32}"
#define WEIGHTS8     "\"weights\":{\"num_bits\":8,\"type\":\"int\",\"strategy\":\"channel\"}"
#define GROUP(inner) TEST_CONFIG("\"group_0\":{\"targets\":[\"Linear\"]," inner "}")

static void refuses_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *config;
        timbang_status status;
        const char *text;
    } cases[] = {
        {"{\"quant_method\":\"bitsandbytes\"}", TIMBANG_UNSUPPORTED, "quant_method is 'bitsandbytes'"},
        {"{\"quant_method\":\"gptq\"}", TIMBANG_UNSUPPORTED, "dequantize the model"},
        {"{\"quant_method\":\"compressed-tensors\",\"quantization_status\":\"frozen\"}", TIMBANG_UNSUPPORTED,
         "'frozen'"},
        {"{\"quant_method\":\"compressed-tensors\",\"quantization_status\":\"compressed\",\"config_groups\":{}}",
         TIMBANG_FORMAT, "config_groups"},
        {"{\"quant_method\":\"compressed-tensors\",\"quantization_status\":\"compressed\",\"format\":\"float-"
         "quantized\"}",
         TIMBANG_UNSUPPORTED, "'float-quantized'"},
        {"{\"quant_method\":\"compressed-tensors\",\"quantization_status\":\"compressed\",\"kv_cache_scheme\":{}}",
         TIMBANG_UNSUPPORTED, "key-value cache"},
        {"{\"quant_method\":\"compressed-tensors\",\"quantization_status\":\"compressed\",\"sparsity_config\":{"
         "\"format\":"
         "\"sparse-24-bitmask\"}}",
         TIMBANG_UNSUPPORTED, "sparse weights"},
        {"{\"quant_method\":\"compressed-tensors\",\"quantization_status\":\"compressed\",\"transform_config\":{"
         "\"config_groups\":{\"a\":{}}}}",
         TIMBANG_UNSUPPORTED, "transformed weights"},
        {"[]", TIMBANG_FORMAT, "no object"},
        {GROUP("\"weights\":{\"num_bits\":8,\"type\":\"float\"}"), TIMBANG_UNSUPPORTED, "type 'float'"},
        {GROUP("\"weights\":{\"num_bits\":3}"), TIMBANG_UNSUPPORTED, "num_bits 3"},
        {GROUP("\"weights\":{\"num_bits\":4,\"strategy\":\"block\",\"block_structure\":[128,128]}"),
         TIMBANG_UNSUPPORTED, "one scale a block"},
        {GROUP("\"weights\":{\"num_bits\":4,\"strategy\":\"tensor_group\",\"group_size\":16}"), TIMBANG_UNSUPPORTED,
         "strategy"},
        {GROUP("\"weights\":{\"num_bits\":4,\"strategy\":\"group\",\"group_size\":32,\"actorder\":\"group\"}"),
         TIMBANG_UNSUPPORTED, "actorder"},
        {GROUP("\"weights\":{\"num_bits\":4,\"strategy\":\"group\"}"), TIMBANG_FORMAT, "group_size"},
        {GROUP("\"weights\":{\"num_bits\":4,\"strategy\":\"group\",\"group_size\":-7}"), TIMBANG_FORMAT,
         "out of range"},
        {GROUP("\"weights\":{\"num_bits\":4,\"dynamic\":true}"), TIMBANG_UNSUPPORTED, "dynamic weights"},
        {GROUP("\"weights\":{\"num_bits\":4,\"colour\":1}"), TIMBANG_UNSUPPORTED, "'colour'"},
        {GROUP(WEIGHTS8 ",\"taste\":1"), TIMBANG_UNSUPPORTED, "'taste'"},
        {GROUP(WEIGHTS8 ",\"output_activations\":{\"num_bits\":8}"), TIMBANG_UNSUPPORTED, "quantized outputs"},
        {GROUP(WEIGHTS8 ",\"input_activations\":{\"num_bits\":8,\"strategy\":\"tensor\"}"), TIMBANG_UNSUPPORTED,
         "static input activations"},
        {GROUP(WEIGHTS8 ",\"input_activations\":{\"num_bits\":4,\"strategy\":\"token\",\"dynamic\":true}"),
         TIMBANG_UNSUPPORTED, "num_bits 4"},
        {GROUP(WEIGHTS8 ",\"input_activations\":{\"num_bits\":8,\"strategy\":\"token\",\"dynamic\":true,\"symmetric\":"
                        "false}"),
         TIMBANG_UNSUPPORTED, "input activations other than"},
        {GROUP(WEIGHTS8 ",\"format\":\"marlin-24\""), TIMBANG_UNSUPPORTED, "'marlin-24'"},
        {GROUP("\"input_activations\":" TEST_TOKEN), TIMBANG_UNSUPPORTED, "no weights"},
        {TEST_CONFIG("\"W8A8\":[\"Linear\"]"), TIMBANG_UNSUPPORTED, "preset"},
        {TEST_CONFIG("\"a\":{\"targets\":[]," WEIGHTS8 "}"), TIMBANG_FORMAT, "targets"},
        {TEST_CONFIG("\"a\":{\"targets\":[3]," WEIGHTS8 "}"), TIMBANG_FORMAT, "no text"},
        {TEST_CONFIG("\"a\":{\"targets\":[\"re:(\"]," WEIGHTS8 "}"), TIMBANG_UNSUPPORTED, "'re:('"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tb_error err = {0};
        timbang_status status;
        tb_quant_map *map = read_map(cases[i].config, &status, &err);
        assert_null(map);
        assert_refused(cases[i].config, status, &err, cases[i].status, cases[i].text);
    }
}

static const char *rule_of(const tb_quant_map *map, const char *name, const char *class_name)
{
    const tb_quant_rule *rule = tb_quant_map_find(map, &name, 1, class_name);
    return rule ? rule->name : "none";
}

static void finds_the_rule_as_compressed_tensors(void **state)
{
    (void)state;
    static const char config[] = "{\"quant_method\":\"compressed-tensors\",\"format\":\"mixed-precision\","
                                 "\"quantization_status\":\"compressed\","
                                 "\"config_groups\":{"
                                 "\"class\":{\"targets\":[\"Linear\"]," WEIGHTS4 "},"
                                 "\"pattern\":{\"targets\":[\"re:.*dense$\"]," WEIGHTS8 "},"
                                 "\"exact\":{\"targets\":[\"bert.pooler.dense\"]," WEIGHTS8 "},"
                                 "\"first\":{\"targets\":[\"twice\"]," WEIGHTS8 "},"
                                 "\"second\":{\"targets\":[\"twice\"]," WEIGHTS8 "}"
                                 "},\"ignore\":[\"classifier\",\"re:.*layer\\\\.0\\\\.\",\"LayerNorm\"]}";
    tb_error err = {0};
    timbang_status status;
    tb_quant_map *map = read_map(config, &status, &err);
    assert_ok(status, &err);
    assert_string_equal(rule_of(map, "bert.pooler.dense", "Linear"), "exact");
    assert_string_equal(rule_of(map, "bert.encoder.layer.1.output.dense", "Linear"), "pattern");
    assert_string_equal(rule_of(map, "bert.encoder.layer.1.attention.self.key", "Linear"), "class");
    assert_string_equal(rule_of(map, "bert.encoder.layer.0.output.dense", "Linear"), "none");
    assert_string_equal(rule_of(map, "classifier", "Linear"), "none");
    assert_string_equal(rule_of(map, "bert.embeddings.word_embeddings", "Embedding"), "none");
    assert_string_equal(rule_of(map, "x", "LayerNorm"), "none");
    assert_string_equal(rule_of(map, "twice", "Other"), "second");
    assert_string_equal(rule_of(NULL, "twice", "Other"), "none");
    tb_quant_map_free(map);

    tb_config plain = {0};
    assert_ok(tb_quant_map_load(&plain, "config.json", &map, &err), &err);
    assert_string_equal(rule_of(map, "classifier", "Linear"), "none");
    tb_quant_map_free(map);
    tb_quant_map_free(NULL);
}

static void reads_the_arguments(void **state)
{
    (void)state;
    static const char config[] =
        TEST_CONFIG("\"a\":{\"targets\":[\"a\"],\"weights\":{\"num_bits\":4,\"symmetric\":false,\"group_size\":64},"
                    "\"input_activations\":" TEST_TOKEN "},"
                    "\"b\":{\"targets\":[\"b\"],\"weights\":{\"group_size\":-1}},"
                    "\"c\":{\"targets\":[\"c\"],\"weights\":{},\"input_activations\":{\"num_bits\":7,\"symmetric\":"
                    "false,\"strategy\":"
                    "\"tensor\",\"dynamic\":true}}");
    tb_error err = {0};
    timbang_status status;
    tb_quant_map *map = read_map(config, &status, &err);
    assert_ok(status, &err);
    const char *name = "a";
    const tb_quant_rule *rule = tb_quant_map_find(map, &name, 1, "Linear");
    assert_true(rule->bits == 4 && !rule->symmetric && rule->strategy == TB_STRATEGY_GROUP && rule->group == 64 &&
                rule->act == TB_ACT_S8_TOKEN);
    name = "b";
    rule = tb_quant_map_find(map, &name, 1, "Linear");
    assert_true(rule->bits == 8 && rule->symmetric && rule->strategy == TB_STRATEGY_CHANNEL && rule->group == 0 &&
                rule->act == TB_ACT_FLOAT);
    name = "c";
    rule = tb_quant_map_find(map, &name, 1, "Linear");
    assert_true(rule->strategy == TB_STRATEGY_TENSOR && rule->act == TB_ACT_U8_TEXT_7BIT);
    tb_quant_map_free(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_by_name),
        cmocka_unit_test(finds_the_rule_as_compressed_tensors),
        cmocka_unit_test(reads_the_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
