/* Names of a file to names of a BERT classifier: prefixes, gamma and beta, what is left out, what is refused. */
#include "help.h"

#include "formats/state_dict.h"

/* A state dict of F32 tensors of shape [1] under these names, through a safetensors file in memory. */
static timbang_status open_names(const char *const *names, size_t n, tb_state_dict **state, tb_error *err)
{
    char *bytes = calloc(n * 200 + 100, 1), *at = bytes + 8;
    assert_non_null(bytes);
    at += sprintf(at, "{");
    for (size_t i = 0; i < n; i++)
        at += sprintf(at, "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[%zu,%zu]}", i ? "," : "",
                      names[i], 4 * i, 4 * i + 4);
    at += sprintf(at, "}");
    size_t length = (size_t)(at - bytes) - 8;
    bytes[0] = (char)(unsigned char)(length & 0xff);
    bytes[1] = (char)(unsigned char)(length >> 8);
    tb_memory_file file = {"model.safetensors", bytes, length + 8 + 4 * n};
    tb_folder *folder = NULL;
    tb_checkpoint *checkpoint = NULL;
    tb_error_clear(err);
    assert_ok(tb_folder_memory("M", &file, 1, &folder, err), err);
    assert_ok(tb_checkpoint_open_folder(folder, &checkpoint, err), err);
    timbang_status status = tb_state_dict_open(checkpoint, state, err); /* reads names only: bytes may go */
    tb_folder_close(folder);
    free(bytes);
    return status;
}

static void test_names(void **state)
{
    (void)state;
    static const struct {
        const char *file, *canonical;
    } cases[] = {
        {"bert.embeddings.word_embeddings.weight", "embeddings.word_embeddings.weight"},
        {"embeddings.word_embeddings.weight", "embeddings.word_embeddings.weight"},
        {"module.bert.embeddings.position_embeddings.weight", "embeddings.position_embeddings.weight"},
        {"model.bert.embeddings.token_type_embeddings.weight", "embeddings.token_type_embeddings.weight"},
        {"_orig_mod.module.bert.pooler.dense.bias", "pooler.dense.bias"},
        {"module.model.classifier.weight", "classifier.weight"},
        {"classifier.bias", "classifier.bias"},
        {"bert.embeddings.LayerNorm.gamma", "embeddings.LayerNorm.weight"},
        {"bert.embeddings.LayerNorm.beta", "embeddings.LayerNorm.bias"},
        {"bert.encoder.layer.11.attention.output.LayerNorm.gamma",
         "encoder.layer.11.attention.output.LayerNorm.weight"},
        {"encoder.layer.0.output.LayerNorm.beta", "encoder.layer.0.output.LayerNorm.bias"},
        {"bert.encoder.layer.3.attention.self.query.weight", "encoder.layer.3.attention.self.query.weight"},
        {"bert.encoder.layer.3.attention.self.key.bias", "encoder.layer.3.attention.self.key.bias"},
        {"bert.encoder.layer.3.intermediate.dense.weight_packed", "encoder.layer.3.intermediate.dense.weight_packed"},
        {"bert.encoder.layer.3.output.dense.weight_scale", "encoder.layer.3.output.dense.weight_scale"},
        {"bert.embeddings.word_embeddings.weight_shape", "embeddings.word_embeddings.weight_shape"},
        {"classifier.weight_zero_point", "classifier.weight_zero_point"},
        /* Unknown: kept as they are. */
        {"bert.encoder.layer.03.output.dense.weight", "bert.encoder.layer.03.output.dense.weight"},
        {"bert.encoder.layer.x.output.dense.weight", "bert.encoder.layer.x.output.dense.weight"},
        {"bert.encoder.layer.3.output.dense.weight2", "bert.encoder.layer.3.output.dense.weight2"},
        {"classifier.out_proj.weight", "classifier.out_proj.weight"},
        {"roberta.embeddings.word_embeddings.weight", "roberta.embeddings.word_embeddings.weight"},
        {"module.other", "module.other"},
        /* Left out. */
        {"bert.embeddings.position_ids", NULL},
        {"embeddings.token_type_ids", NULL},
        {"cls.predictions.decoder.weight", NULL},
        {"module.cls.seq_relationship.bias", NULL},
        {"bert.encoder.layer.0.attention.self.query.activation_post_process.activation_post_process.min_val", NULL},
        {"bert.encoder.layer.0.attention.self.query.weight_fake_quant.fake_quant_enabled", NULL},
        {"bert.encoder.layer.0.attention.self.query.weight_fake_quant.scale", NULL},
        {"activation_post_process_12.zero_point", NULL},
        {"quantizer.observer_enabled", NULL},
        {"quantizer.eps", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tb_state_dict *dict = NULL;
        tb_error err;
        assert_ok(open_names(&cases[i].file, 1, &dict, &err), &err);
        const char *canonical = tb_state_dict_canonical(dict, 0);
        if (!cases[i].canonical)
            assert_null(canonical);
        else {
            assert_non_null(canonical);
            assert_string_equal(canonical, cases[i].canonical);
            assert_string_equal(tb_state_dict_find(dict, canonical)->name, cases[i].file);
        }
        tb_state_dict_close(dict);
    }
}

static void test_counts(void **state)
{
    (void)state;
    static const char *const names[] = {"odd.one",
                                        "bert.pooler.dense.weight",
                                        "cls.a",
                                        "bert.embeddings.position_ids",
                                        "x.activation_post_process.min_val",
                                        "another",
                                        "classifier.weight_fake_quant.scale",
                                        "x.weight_fake_quant.eps"};
    tb_state_dict *dict = NULL;
    tb_error err;
    assert_ok(open_names(names, 8, &dict, &err), &err);
    assert_int_equal(tb_state_dict_skipped_observers(dict), 3);
    assert_int_equal(tb_state_dict_skipped_other(dict), 2);
    const char *first = NULL;
    assert_int_equal(tb_state_dict_unknown(dict, &first), 2);
    assert_string_equal(first, "odd.one");
    assert_int_equal(tb_state_dict_unknown(dict, NULL), 2);
    assert_non_null(tb_state_dict_find(dict, "pooler.dense.weight"));
    assert_non_null(tb_state_dict_find(dict, "another"));
    assert_null(tb_state_dict_find(dict, "bert.pooler.dense.weight"));
    assert_null(tb_state_dict_find(dict, "cls.a"));
    assert_int_equal(tb_checkpoint_n(tb_state_dict_checkpoint(dict)), 8);
    tb_state_dict_close(dict);
    tb_state_dict_close(NULL);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *names[2];
        timbang_status status;
        const char *text;
    } cases[] = {
        {{"base_model.model.bert.encoder.layer.0.attention.self.query.lora_A.default.weight", "x"},
         TIMBANG_UNSUPPORTED,
         "lora_A.default.weight belongs to a LoRA adapter"},
        {{"classifier.weight", "bert.encoder.layer.0.attention.self.query.lora_B.weight"},
         TIMBANG_UNSUPPORTED,
         "merge_and_unload"},
        {{"embeddings.lora_embedding_A", "x"}, TIMBANG_UNSUPPORTED, "LoRA"},
        {{"classifier._packed_params._packed_params", "x"}, TIMBANG_UNSUPPORTED, "float checkpoint"},
        {{"bert.pooler.dense.bias", "pooler.dense.bias"},
         TIMBANG_FORMAT,
         "bert.pooler.dense.bias and pooler.dense.bias are both pooler.dense.bias"},
        {{"embeddings.LayerNorm.gamma", "embeddings.LayerNorm.weight"}, TIMBANG_FORMAT, "are both"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tb_state_dict *dict = NULL;
        tb_error err;
        timbang_status status = open_names(cases[i].names, 2, &dict, &err);
        assert_refused(cases[i].text, status, &err, cases[i].status, cases[i].text);
        assert_null(dict);
    }
}

static void test_require(void **state)
{
    (void)state;
    static const char *const names[] = {"bert.pooler.dense.bias"};
    tb_state_dict *dict = NULL;
    tb_error err;
    const tb_tensor *tensor = NULL;
    assert_ok(open_names(names, 1, &dict, &err), &err);
    assert_ok(tb_state_dict_require(dict, "pooler.dense.bias", 1, (uint64_t[]){1}, &tensor, &err), &err);
    assert_string_equal(tensor->name, "bert.pooler.dense.bias");
    assert_refused("shape", tb_state_dict_require(dict, "pooler.dense.bias", 1, (uint64_t[]){384}, &tensor, &err), &err,
                   TIMBANG_MISMATCH, "tensor bert.pooler.dense.bias is [1]; by config.json it should be [384]");
    assert_refused("rank", tb_state_dict_require(dict, "pooler.dense.bias", 2, (uint64_t[]){1, 1}, &tensor, &err), &err,
                   TIMBANG_MISMATCH, "should be [1, 1]");
    assert_refused("missing", tb_state_dict_require(dict, "classifier.weight", 2, (uint64_t[]){3, 4}, &tensor, &err),
                   &err, TIMBANG_MISMATCH,
                   "M/model.safetensors: has no tensor classifier.weight, which should be [3, 4]");
    tb_state_dict_close(dict);
}

/* Files that PyTorch wrote: TensorFlow's names, and a real state dict after prepare_qat. */
static void test_layers(void **state)
{
    (void)state;
    static const char *const names[] = {"bert.encoder.layer.0.output.dense.bias",
                                        "bert.encoder.layer.11.output.dense.bias",
                                        "bert.encoder.layer.2.output.dense.bias", "encoder.layer.40.other"};
    tb_state_dict *dict = NULL;
    tb_error err;
    assert_ok(open_names(names, 4, &dict, &err), &err);
    assert_ok(tb_state_dict_check_layers(dict, 12, &err), &err);
    assert_ok(tb_state_dict_check_layers(dict, 24, &err), &err); /* what is missing is named when it is asked for */
    assert_refused(
        "layers", tb_state_dict_check_layers(dict, 6, &err), &err, TIMBANG_MISMATCH,
        "holds bert.encoder.layer.11.output.dense.bias of layer 11, but config.json says num_hidden_layers 6");
    tb_state_dict_close(dict);
    assert_ok(open_names(names + 3, 1, &dict, &err), &err);
    assert_ok(tb_state_dict_check_layers(dict, 1, &err), &err);
    tb_state_dict_close(dict);
}

static void test_torch_files(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_checkpoint *checkpoint = NULL;
    tb_state_dict *dict = NULL;
    char *path = golden_path("zip_bert.bin");
    assert_ok(tb_checkpoint_open_file(path, &checkpoint, &err), &err);
    assert_ok(tb_state_dict_open(checkpoint, &dict, &err), &err);
    assert_non_null(tb_state_dict_find(dict, "embeddings.LayerNorm.weight"));
    assert_non_null(tb_state_dict_find(dict, "encoder.layer.0.attention.self.query.weight"));
    assert_int_equal(tb_state_dict_skipped_other(dict), 2);
    assert_int_equal(tb_state_dict_unknown(dict, NULL), 0);
    tb_state_dict_close(dict);
    free(path);
    path = golden_path("zip_qat.bin");
    assert_ok(tb_checkpoint_open_file(path, &checkpoint, &err), &err);
    assert_ok(tb_state_dict_open(checkpoint, &dict, &err), &err);
    size_t n = tb_checkpoint_n(checkpoint), observers = tb_state_dict_skipped_observers(dict);
    assert_int_equal(tb_state_dict_unknown(dict, NULL), 0);
    assert_int_equal(n - observers, 4); /* two weights, two biases */
    assert_true(observers >= 20);
    assert_non_null(tb_state_dict_find(dict, "classifier.bias"));
    tb_state_dict_close(dict);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),   cmocka_unit_test(test_counts),      cmocka_unit_test(test_refused),
        cmocka_unit_test(test_require), cmocka_unit_test(test_torch_files), cmocka_unit_test(test_layers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
