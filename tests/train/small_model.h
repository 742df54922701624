/* A small random classifier as a Hugging Face directory, and its parameters, for tests of saving and rounding.
 * Includes: tests/quant/quant_help.h, model/parameters.h. Called by: tests/train/test_rounding.c, test_save.c. */
#ifndef TB_TEST_TRAIN_SMALL_MODEL_H
#define TB_TEST_TRAIN_SMALL_MODEL_H

#include "../quant/quant_help.h"

#include "model/parameters.h"

enum {
    SMALL_HIDDEN = 128,
    SMALL_INNER = 256,
    SMALL_LAYERS = 2,
    SMALL_VOCAB = 51,
    SMALL_POSITIONS = 20,
    SMALL_LABELS = 3
};

static const char small_config[] =
    "{\"model_type\":\"bert\",\"architectures\":[\"%s\"],\"vocab_size\":51,\"hidden_size\":128,"
    "\"num_hidden_layers\":2,\"num_attention_heads\":2,\"intermediate_size\":256,\"max_position_embeddings\":20,"
    "\"type_vocab_size\":2,\"hidden_act\":\"gelu\",\"layer_norm_eps\":1e-12,\"initializer_range\":0.02,"
    "\"torch_dtype\":\"float16\"%s}";
static const char small_labels[] =
    ",\"id2label\":{\"0\":\"a\",\"1\":\"b\",\"2\":\"c\"},\"label2id\":{\"a\":0,\"b\":1,\"c\":2}";

static inline void small_text(const char *dir, const char *file, const char *text)
{
    tb_error err = {0};
    char *path = tb_path_join(dir, file, &err);
    assert_ok(tb_write_file(path, text, strlen(text), &err), &err);
    free(path);
}

/* config.json and the tokenizer's files; no weights. */
static inline void small_folder(const char *dir, bool labels)
{
    char text[1024];
    snprintf(text, sizeof text, small_config, labels ? "BertForSequenceClassification" : "BertForMaskedLM",
             labels ? small_labels : "");
    small_text(dir, "config.json", text);
    small_text(dir, "vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nkata\n");
    small_text(dir, "tokenizer_config.json", "{\"do_lower_case\": true}  ");
}

typedef struct small_tensors {
    char names[96][128];
    test_tensor list[96];
    size_t n;
    uint64_t seed;
} small_tensors;

static inline void small_add(small_tensors *t, const char *name, uint64_t rows, uint64_t columns)
{
    tb_error err = {0};
    size_t n = (size_t)(rows * (columns ? columns : 1)), i = t->n++;
    float *values = tb_calloc(n, sizeof *values, &err);
    assert_non_null(values);
    for (size_t k = 0; k < n; k++)
        values[k] = test_normal(&t->seed) * 0.05f + (columns ? 0 : 0.3f);
    snprintf(t->names[i], sizeof t->names[i], "%s", name);
    t->list[i] = (test_tensor){t->names[i], TB_F32, columns ? 2 : 1, {rows, columns}, values};
}

static inline void small_pair(small_tensors *t, const char *module, uint64_t rows, uint64_t columns)
{
    char name[128];
    snprintf(name, sizeof name, "%s.weight", module);
    small_add(t, name, rows, columns);
    snprintf(name, sizeof name, "%s.bias", module);
    small_add(t, name, rows, 0);
}

/* config.json, tokenizer and random weights: a classifier, or a masked-language model. */
static inline void small_model(const char *dir, bool classifier)
{
    static const struct {
        const char *name;
        uint64_t rows, columns;
    } inner[] = {{"attention.self.query", 128, 128},
                 {"attention.self.key", 128, 128},
                 {"attention.self.value", 128, 128},
                 {"attention.output.dense", 128, 128},
                 {"attention.output.LayerNorm", 128, 0},
                 {"intermediate.dense", 256, 128},
                 {"output.dense", 128, 256},
                 {"output.LayerNorm", 128, 0}};
    tb_error err = {0};
    small_tensors *t = tb_calloc(1, sizeof *t, &err);
    t->seed = 5;
    small_folder(dir, classifier);
    small_add(t, "bert.embeddings.word_embeddings.weight", SMALL_VOCAB, SMALL_HIDDEN);
    small_add(t, "bert.embeddings.position_embeddings.weight", SMALL_POSITIONS, SMALL_HIDDEN);
    small_add(t, "bert.embeddings.token_type_embeddings.weight", 2, SMALL_HIDDEN);
    small_pair(t, "bert.embeddings.LayerNorm", SMALL_HIDDEN, 0);
    for (int layer = 0; layer < SMALL_LAYERS; layer++) {
        for (size_t k = 0; k < sizeof inner / sizeof *inner; k++) {
            char name[96];
            snprintf(name, sizeof name, "bert.encoder.layer.%d.%s", layer, inner[k].name);
            small_pair(t, name, inner[k].rows, inner[k].columns);
        }
    }
    if (classifier) {
        small_pair(t, "bert.pooler.dense", SMALL_HIDDEN, SMALL_HIDDEN);
        small_pair(t, "classifier", SMALL_LABELS, SMALL_HIDDEN);
    } else {
        small_add(t, "cls.predictions.bias", SMALL_VOCAB, 0);
        small_pair(t, "cls.predictions.transform.dense", SMALL_HIDDEN, SMALL_HIDDEN);
        small_pair(t, "cls.predictions.transform.LayerNorm", SMALL_HIDDEN, 0);
    }
    write_tensors(dir, t->list, t->n);
    for (size_t i = 0; i < t->n; i++)
        free((void *)(uintptr_t)t->list[i].bytes);
    free(t);
}

static inline tb_parameters *small_parameters(const char *dir, tb_task task, tb_config *config)
{
    tb_error err = {0};
    tb_folder *folder;
    tb_parameters *parameters;
    assert_ok(tb_folder_open(dir, &folder, &err), &err);
    assert_ok(tb_config_load(folder, config, &err), &err);
    tb_folder_close(folder);
    tb_state_dict *state = open_state(dir);
    assert_ok(tb_parameters_load(state, config, task, 7, &parameters, &err), &err);
    tb_state_dict_close(state);
    return parameters;
}

#endif
