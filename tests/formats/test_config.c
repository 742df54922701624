/* config.json: what it says, defaults, labels, and everything that is refused. */
#include "help.h"

#include "formats/config.h"

#define SIZES                                                                                                          \
    "\"vocab_size\":100,\"hidden_size\":24,\"num_hidden_layers\":2,\"num_attention_heads\":3,\"intermediate_size\":48"
#define WITH(members) "{\"model_type\":\"bert\"," SIZES "," members "}"
#define CLASSIFIER    "\"architectures\":[\"BertForSequenceClassification\"]"

static timbang_status parse(const char *json, tb_config *config, tb_error *err)
{
    tb_error_clear(err);
    memset(config, 0, sizeof *config);
    return tb_config_parse("M/config.json", json, strlen(json), config, err);
}

static void test_reads(void **state)
{
    (void)state;
    tb_config config;
    tb_error err;
    assert_ok(parse(WITH("\"layer_norm_eps\":1e-7,\"hidden_act\":\"relu\",\"max_position_embeddings\":40,"
                         "\"type_vocab_size\":1,\"initializer_range\":0.5,\"_num_labels\":5,\"num_labels\":3,"
                         "\"id2label\":{\"2\":\"negative\",\"0\":\"positive\",\"1\":\"neutral\"}"),
                    &config, &err),
              &err);
    assert_int_equal(config.vocab_size, 100);
    assert_int_equal(config.hidden_size, 24);
    assert_int_equal(config.num_hidden_layers, 2);
    assert_int_equal(config.num_attention_heads, 3);
    assert_int_equal(config.intermediate_size, 48);
    assert_int_equal(config.max_position_embeddings, 40);
    assert_int_equal(config.type_vocab_size, 1);
    assert_true(config.layer_norm_eps == 1e-7f);
    assert_true(config.initializer_range == 0.5);
    assert_int_equal(config.hidden_act, TB_ACT_RELU);
    assert_int_equal(config.n_labels, 3);
    assert_string_equal(config.labels[0], "positive");
    assert_string_equal(config.labels[1], "neutral");
    assert_string_equal(config.labels[2], "negative");
    assert_true(config.labels_named);
    assert_null(config.quantization);
    assert_non_null(json_object_get(config.raw, "_num_labels"));
    tb_config_free(&config);
    tb_config_free(&config);

    assert_ok(parse("{" SIZES "}", &config, &err), &err); /* Google's own files say nothing more */
    assert_int_equal(config.max_position_embeddings, 512);
    assert_int_equal(config.type_vocab_size, 2);
    assert_true(config.layer_norm_eps == 1e-12f);
    assert_true(config.initializer_range == 0.02);
    assert_int_equal(config.hidden_act, TB_ACT_GELU);
    assert_int_equal(config.n_labels, 0);
    assert_null(config.labels);
    assert_false(config.labels_named);
    tb_config_free(&config);
}

static void test_activations(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        tb_activation act;
    } cases[] = {{WITH("\"hidden_act\":\"gelu\""), TB_ACT_GELU},
                 {WITH("\"hidden_act\":\"gelu_new\""), TB_ACT_GELU_NEW},
                 {WITH("\"hidden_act\":\"gelu_pytorch_tanh\""), TB_ACT_GELU_NEW},
                 {WITH("\"hidden_act\":\"relu\""), TB_ACT_RELU},
                 {WITH("\"hidden_act\":null"), TB_ACT_GELU}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tb_config config;
        tb_error err;
        assert_ok(parse(cases[i].json, &config, &err), &err);
        assert_int_equal(config.hidden_act, cases[i].act);
        tb_config_free(&config);
    }
}

static void test_labels(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        size_t n;
        bool named;
        const char *first, *last;
    } cases[] = {
        {WITH(CLASSIFIER), 2, false, "LABEL_0", "LABEL_1"},
        {WITH(CLASSIFIER ",\"num_labels\":5"), 5, false, "LABEL_0", "LABEL_4"},
        {WITH("\"num_labels\":5"), 5, false, "LABEL_0", "LABEL_4"},
        {WITH("\"num_labels\":5,\"id2label\":null"), 5, false, "LABEL_0", "LABEL_4"},
        {WITH("\"num_labels\":5,\"id2label\":{}"), 5, false, "LABEL_0", "LABEL_4"},
        {WITH("\"architectures\":[\"BertForMaskedLM\"]"), 0, false, NULL, NULL},
        {WITH("\"architectures\":[\"BertModel\"],\"_num_labels\":5"), 0, false, NULL, NULL},
        {WITH("\"architectures\":null"), 0, false, NULL, NULL},
        {WITH("\"id2label\":{\"0\":\"LABEL_0\",\"1\":\"LABEL_1\"}"), 2, false, "LABEL_0", "LABEL_1"},
        {WITH("\"id2label\":{\"0\":\"LABEL_1\",\"1\":\"LABEL_0\"}"), 2, true, "LABEL_1", "LABEL_0"},
        {WITH("\"id2label\":{\"0\":1,\"1\":2}"), 2, true, "1", "2"},
        {WITH("\"id2label\":{\"10\":\"k\",\"1\":\"b\",\"2\":\"c\",\"3\":\"d\",\"4\":\"e\",\"5\":\"f\",\"6\":\"g\","
              "\"7\":\"h\",\"8\":\"i\",\"9\":\"j\",\"0\":\"a\"}"),
         11, true, "a", "k"},
        {WITH("\"id2label\":{\"0\":\"a\",\"1\":\"b\"},\"label2id\":{\"b\":1,\"a\":0}"), 2, true, "a", "b"},
        {WITH("\"id2label\":{\"0\":\"a\",\"1\":\"b\"},\"label2id\":{\"LABEL_0\":0,\"LABEL_1\":1}"), 2, true, "a", "b"},
        {WITH("\"problem_type\":\"single_label_classification\",\"num_labels\":2"), 2, false, "LABEL_0", "LABEL_1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tb_config config;
        tb_error err;
        assert_ok(parse(cases[i].json, &config, &err), &err);
        assert_int_equal(config.n_labels, cases[i].n);
        assert_int_equal(config.labels_named, cases[i].named);
        if (cases[i].n) {
            assert_string_equal(config.labels[0], cases[i].first);
            assert_string_equal(config.labels[cases[i].n - 1], cases[i].last);
        }
        tb_config_free(&config);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        timbang_status status;
        const char *text;
    } cases[] = {
        {"", TIMBANG_FORMAT, "M/config.json"},
        {"[]", TIMBANG_FORMAT, "JSON object"},
        {"{\"a\":", TIMBANG_FORMAT, "line 1"},
        {"{\"model_type\":\"roberta\"," SIZES "}", TIMBANG_UNSUPPORTED, "model_type 'roberta' is not supported"},
        {"{\"model_type\":\"albert\"}", TIMBANG_UNSUPPORTED, "BertForSequenceClassification"},
        {"{\"model_type\":7," SIZES "}", TIMBANG_FORMAT, "model_type must be a string"},
        {"{\"architectures\":[\"DistilBertForSequenceClassification\"]," SIZES "}", TIMBANG_UNSUPPORTED,
         "DistilBertForSequenceClassification"},
        {WITH("\"architectures\":[\"BertForTokenClassification\"]"), TIMBANG_UNSUPPORTED, "no text classifier"},
        {WITH("\"architectures\":[\"BertForQuestionAnswering\"]"), TIMBANG_UNSUPPORTED, "no text classifier"},
        {WITH("\"problem_type\":\"multi_label_classification\""), TIMBANG_UNSUPPORTED, "several labels at once"},
        {WITH("\"problem_type\":\"regression\""), TIMBANG_UNSUPPORTED, "problem_type is 'regression'"},
        {WITH("\"position_embedding_type\":\"relative_key\""), TIMBANG_UNSUPPORTED, "relative_key"},
        {WITH("\"is_decoder\":true"), TIMBANG_UNSUPPORTED, "is_decoder is true"},
        {WITH("\"is_decoder\":\"yes\""), TIMBANG_FORMAT, "true or false"},
        {WITH("\"add_cross_attention\":true"), TIMBANG_UNSUPPORTED, "add_cross_attention is true"},
        {WITH("\"pruned_heads\":{\"1\":[0]}"), TIMBANG_UNSUPPORTED, "pruned_heads"},
        {"{\"model_type\":\"bert\"}", TIMBANG_FORMAT, "vocab_size is missing"},
        {WITH("\"vocab_size\":0"), TIMBANG_FORMAT, "vocab_size is 0; a whole number from 1 to 16777216"},
        {WITH("\"vocab_size\":-5"), TIMBANG_FORMAT, "vocab_size is -5"},
        {WITH("\"vocab_size\":1.5"), TIMBANG_FORMAT, "vocab_size is 1.5"},
        {WITH("\"vocab_size\":\"100\""), TIMBANG_FORMAT, "vocab_size must be a whole number"},
        {WITH("\"vocab_size\":100000000000000000000"), TIMBANG_FORMAT, "vocab_size is 1e+20"},
        {WITH("\"hidden_size\":65539"), TIMBANG_FORMAT, "hidden_size is 65539; a whole number from 1 to 65536"},
        {WITH("\"intermediate_size\":70000"), TIMBANG_FORMAT, "from 1 to 65536"},
        {WITH("\"num_hidden_layers\":0"), TIMBANG_FORMAT, "from 1 to 1024"},
        {WITH("\"num_hidden_layers\":5000"), TIMBANG_FORMAT, "from 1 to 1024"},
        {WITH("\"num_attention_heads\":0"), TIMBANG_FORMAT, "num_attention_heads"},
        {WITH("\"num_attention_heads\":5"), TIMBANG_FORMAT, "hidden_size 24 is not divisible by num_attention_heads 5"},
        {WITH("\"max_position_embeddings\":0"), TIMBANG_FORMAT, "max_position_embeddings"},
        {WITH("\"type_vocab_size\":0"), TIMBANG_FORMAT, "type_vocab_size"},
        {WITH("\"layer_norm_eps\":0"), TIMBANG_FORMAT, "layer_norm_eps"},
        {WITH("\"layer_norm_eps\":-1e-5"), TIMBANG_FORMAT, "layer_norm_eps"},
        {WITH("\"layer_norm_eps\":2"), TIMBANG_FORMAT, "layer_norm_eps"},
        {WITH("\"layer_norm_eps\":\"1e-5\""), TIMBANG_FORMAT, "layer_norm_eps must be a number"},
        {WITH("\"initializer_range\":-1"), TIMBANG_FORMAT, "initializer_range"},
        {WITH("\"hidden_act\":\"silu\""), TIMBANG_UNSUPPORTED, "hidden_act 'silu'"},
        {WITH("\"hidden_act\":\"gelu_fast\""), TIMBANG_UNSUPPORTED, "gelu, gelu_new, gelu_pytorch_tanh and relu"},
        {WITH("\"id2label\":[\"a\",\"b\"]"), TIMBANG_FORMAT, "id2label must be a JSON object"},
        {WITH("\"id2label\":{\"0\":\"a\",\"2\":\"b\"}"), TIMBANG_FORMAT, "2 labels, but the key '2'"},
        {WITH("\"id2label\":{\"1\":\"a\",\"2\":\"b\"}"), TIMBANG_FORMAT, "numbers are left out"},
        {WITH("\"id2label\":{\"0\":\"a\",\"b\":\"b\"}"), TIMBANG_FORMAT, "key 'b'"},
        {WITH("\"id2label\":{\"0\":\"a\",\"-1\":\"b\"}"), TIMBANG_FORMAT, "key '-1'"},
        {WITH("\"id2label\":{\"0\":\"a\",\"00\":\"b\"}"), TIMBANG_FORMAT, "key '00'"},
        {WITH("\"id2label\":{\"0\":\"a\",\"1\":\"a\"}"), TIMBANG_FORMAT, "'a' is there twice"},
        {WITH("\"id2label\":{\"0\":\"a\",\"1\":\"\"}"), TIMBANG_FORMAT, "a label is empty"},
        {WITH("\"id2label\":{\"0\":\"a\",\"1\":null}"), TIMBANG_FORMAT, "id2label['1'] must be a name"},
        {WITH("\"id2label\":{\"0\":\"a\",\"1\":\"x\\u0000y\"}"), TIMBANG_FORMAT, "id2label['1'] must be a name"},
        {WITH("\"id2label\":{\"0\":\"only\"}"), TIMBANG_UNSUPPORTED, "regression"},
        {WITH("\"num_labels\":1"), TIMBANG_UNSUPPORTED, "regression"},
        {WITH("\"num_labels\":0"), TIMBANG_FORMAT, "num_labels is 0"},
        {WITH("\"label2id\":{\"a\":0,\"b\":1,\"c\":2}"), TIMBANG_FORMAT, "add id2label"},
        {WITH("\"id2label\":{\"0\":\"a\",\"1\":\"b\"},\"label2id\":{\"a\":1,\"b\":0}"), TIMBANG_MISMATCH,
         "label 0 is 'a', label2id says that 'a' is number 1"},
        {WITH("\"id2label\":{\"0\":\"a\",\"1\":\"b\"},\"label2id\":{\"a\":\"0\"}"), TIMBANG_FORMAT, "no number"},
        {WITH("\"quantization_config\":{\"quant_method\":\"bitsandbytes\"}"), TIMBANG_UNSUPPORTED, "'bitsandbytes'"},
        {WITH("\"quantization_config\":{\"quant_method\":\"gptq\"}"), TIMBANG_UNSUPPORTED, "give the float checkpoint"},
        {WITH("\"quantization_config\":{}"), TIMBANG_UNSUPPORTED, "no quant_method"},
        {WITH("\"quantization_config\":5"), TIMBANG_FORMAT, "quantization_config must be"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tb_config config;
        tb_error err;
        timbang_status status = parse(cases[i].json, &config, &err);
        assert_refused(cases[i].json, status, &err, cases[i].status, cases[i].text);
        assert_memory_equal(err.text, "M/config.json: ", 15);
        assert_null(config.raw);
    }
}

static void test_folders(void **state)
{
    (void)state;
    static const char json[] = WITH(CLASSIFIER);
    const tb_memory_file files[] = {{"adapter_config.json", "{}", 2}, {"config.json", json, sizeof json - 1}};
    tb_folder *folder = NULL;
    tb_error err = {0};
    tb_config config = {0};
    assert_ok(tb_folder_memory("M", files, 2, &folder, &err), &err);
    assert_ok(tb_config_load(folder, &config, &err), &err);
    assert_int_equal(config.n_labels, 2);
    tb_config_free(&config);
    tb_folder_close(folder);
    assert_ok(tb_folder_memory("M", files, 1, &folder, &err), &err);
    assert_refused("adapter", tb_config_load(folder, &config, &err), &err, TIMBANG_UNSUPPORTED, "merge_and_unload");
    tb_folder_close(folder);
    assert_ok(tb_folder_memory("M", files, 0, &folder, &err), &err);
    assert_refused("nothing", tb_config_load(folder, &config, &err), &err, TIMBANG_NOT_FOUND, "no config.json");
    tb_folder_close(folder);
}

static void test_set_labels(void **state)
{
    (void)state;
    tb_config config;
    tb_error err;
    static const char *const three[] = {"positif", "netral", "negatif"}, *const twice[] = {"a", "b", "a"},
                             *const plain[] = {"LABEL_0", "LABEL_1"}, *const bad[] = {"a", "\xff"},
                             *const empty[] = {"a", ""};
    assert_ok(parse(WITH(CLASSIFIER), &config, &err), &err);
    assert_ok(tb_config_set_labels(&config, three, 3, &err), &err);
    assert_int_equal(config.n_labels, 3);
    assert_true(config.labels_named);
    assert_string_equal(config.labels[2], "negatif");
    assert_refused("twice", tb_config_set_labels(&config, twice, 3, &err), &err, TIMBANG_USAGE, "'a' is there twice");
    assert_refused("one", tb_config_set_labels(&config, three, 1, &err), &err, TIMBANG_USAGE, "1 labels are given");
    assert_refused("UTF-8", tb_config_set_labels(&config, bad, 2, &err), &err, TIMBANG_USAGE, "label 1 is not valid");
    assert_refused("empty", tb_config_set_labels(&config, empty, 2, &err), &err, TIMBANG_USAGE, "a label is empty");
    assert_string_equal(config.labels[2], "negatif"); /* a refusal changes nothing */
    assert_ok(tb_config_set_labels(&config, plain, 2, &err), &err);
    assert_false(config.labels_named);
    tb_config_free(&config);
}

static void take_warning(void *user, timbang_log_level level, const char *text)
{
    assert_int_equal(level, TIMBANG_LOG_WARNING);
    snprintf(user, 256, "%s", text);
}

/* Names of the file that are given other names: allowed, but not in silence. */
static void test_renamed(void **state)
{
    (void)state;
    static const char *const same[] = {"positive", "negative"}, *const other[] = {"positive", "negatif"};
    char said[256] = "";
    const tb_hooks hooks = {.log = take_warning, .user = said};
    tb_config config;
    tb_error err;
    assert_ok(parse(WITH("\"id2label\":{\"0\":\"positive\",\"1\":\"negative\"}"), &config, &err), &err);
    tb_config_warn_renamed(&config, same, 2, "M", &hooks);
    assert_string_equal(said, "");
    tb_config_warn_renamed(&config, other, 2, "M", &hooks);
    assert_string_equal(said, "M: config.json calls label 1 'negative'; it is called 'negatif' now, as was asked");
    tb_config_free(&config);
    said[0] = '\0';
    assert_ok(parse(WITH("\"id2label\":{\"0\":\"LABEL_0\",\"1\":\"LABEL_1\"}"), &config, &err), &err);
    tb_config_warn_renamed(&config, other, 2, "M", &hooks);
    assert_string_equal(said, "");
    tb_config_free(&config);
}

static void test_to_json(void **state)
{
    (void)state;
    tb_config config, again;
    tb_error err;
    char *text = NULL;
    static const char *const labels[] = {"baik", "buruk \"sekali\""};
    assert_ok(parse(WITH("\"torch_dtype\":\"float32\",\"num_labels\":7,\"odd\":[1,{\"x\":1e-7}],"
                         "\"quantization_config\":{\"quant_method\":\"compressed-tensors\",\"format\":\"x\"}"),
                    &config, &err),
              &err);
    assert_non_null(config.quantization);
    assert_ok(tb_config_set_labels(&config, labels, 2, &err), &err);

    json_t *json = tb_config_to_json(&config, NULL, "float16", &err);
    assert_non_null(json);
    assert_null(json_object_get(json, "quantization_config"));
    assert_string_equal(json_string_value(json_object_get(json, "torch_dtype")), "float16");
    assert_int_equal(json_integer_value(json_object_get(json, "num_labels")), 2);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(json, "label2id"), labels[1])), 1);
    assert_string_equal(json_string_value(json_array_get(json_object_get(json, "architectures"), 0)),
                        "BertForSequenceClassification");
    assert_true(json_equal(json_object_get(json, "odd"), json_object_get(config.raw, "odd")));
    assert_ok(tb_json_text(json, &text, &err), &err);
    json_decref(json);
    assert_ok(parse(text, &again, &err), &err);
    assert_int_equal(again.n_labels, 2);
    assert_string_equal(again.labels[1], labels[1]);
    assert_null(again.quantization);
    tb_config_free(&again);
    free(text);

    json_t *scheme = json_pack("{s:s}", "quant_method", "compressed-tensors");
    json = tb_config_to_json(&config, scheme, NULL, &err);
    assert_non_null(json);
    json_decref(scheme); /* the result holds its own reference */
    assert_null(json_object_get(json_object_get(json, "quantization_config"), "format"));
    assert_string_equal(json_string_value(json_object_get(json, "torch_dtype")), "float32");
    json_decref(json);
    assert_int_equal(json_integer_value(json_object_get(config.raw, "num_labels")), 7); /* raw stays */
    tb_config_free(&config);

    assert_ok(parse(WITH("\"dtype\":\"float32\",\"architectures\":[\"BertModel\"]"), &config, &err), &err);
    json = tb_config_to_json(&config, NULL, "bfloat16", &err);
    assert_string_equal(json_string_value(json_object_get(json, "dtype")), "bfloat16");
    assert_null(json_object_get(json, "torch_dtype"));
    assert_null(json_object_get(json, "id2label")); /* a base model stays one */
    assert_string_equal(json_string_value(json_array_get(json_object_get(json, "architectures"), 0)), "BertModel");
    json_decref(json);
    tb_config_free(&config);
}

static void test_real_configs(void **state)
{
    (void)state;
    static const struct {
        const char *folder;
        size_t vocab, hidden, layers, labels;
        bool named;
    } cases[] = {{"models/mini-id", 8000, 384, 4, 0, false},
                 {"models/mini-id-smsa", 8000, 384, 4, 3, true},
                 {"models/minilm-smsa", 30522, 384, 6, 3, true},
                 {"tokenizer/indobert-base-p2", 50000, 768, 12, 3, true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *path = env_path("TIMBANG_SHARED", cases[i].folder);
        if (!path || !tb_is_directory(path)) {
            print_message("skipped: TIMBANG_SHARED/%s is not there\n", cases[i].folder);
            free(path);
            skip();
        }
        tb_error err = {0};
        tb_folder *folder = NULL;
        tb_config config = {0};
        assert_ok(tb_folder_open(path, &folder, &err), &err);
        assert_ok(tb_config_load(folder, &config, &err), &err);
        assert_int_equal(config.vocab_size, cases[i].vocab);
        assert_int_equal(config.hidden_size, cases[i].hidden);
        assert_int_equal(config.num_hidden_layers, cases[i].layers);
        assert_int_equal(config.n_labels, cases[i].labels);
        assert_int_equal(config.labels_named, cases[i].named);
        tb_config_free(&config);
        tb_folder_close(folder);
        free(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads),   cmocka_unit_test(test_activations),  cmocka_unit_test(test_labels),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_folders),      cmocka_unit_test(test_set_labels),
        cmocka_unit_test(test_to_json), cmocka_unit_test(test_real_configs), cmocka_unit_test(test_renamed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
