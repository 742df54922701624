/* config.json of a Hugging Face BERT classifier, and our sidecar timbang.json.
 * Includes: base, kernels.h (the activation's name). Called by: formats, model, quant, api. */
#ifndef TB_FORMATS_CONFIG_H
#define TB_FORMATS_CONFIG_H

#include "base/json.h"
#include "kernels/kernels.h"

typedef struct tb_config {
    size_t vocab_size, hidden_size, num_hidden_layers, num_attention_heads, intermediate_size;
    size_t max_position_embeddings, type_vocab_size;
    float layer_norm_eps;
    double initializer_range;
    tb_activation hidden_act; /* gelu, gelu_new (and gelu_pytorch_tanh), relu */
    size_t n_labels;          /* from id2label, else num_labels, else 0 (a base model says nothing) */
    char **labels;            /* [n_labels]; "LABEL_0"... where the file has no names */
    bool labels_named;        /* the file has real names, not LABEL_n */
    json_t *raw;              /* the whole file, for travelling along */
    json_t *quantization;     /* borrowed member quantization_config, or NULL */
} tb_config;

/* Refuses, by name and with the next step: another model_type ("bert" only; says what a supported one looks like),
 * problem_type multi_label_classification and regression, position_embedding_type other than absolute, is_decoder,
 * hidden_size not divisible by heads, zero or absurd sizes (each with its bound), an unknown hidden_act, id2label with
 * gaps or double names, a single label (a regression head), a label2id that contradicts id2label, architectures for
 * tokens, spans or multiple choice, sizes beyond TB_MAX_K, foreign quantization_config.quant_method. */
timbang_status tb_config_load(const tb_folder *folder, tb_config *config, tb_error *err);
timbang_status tb_config_parse(const char *name, const char *bytes, size_t size, tb_config *config, tb_error *err);
void tb_config_free(tb_config *config); /* a zeroed config is fine */
/* Replaces the labels (copies them). TIMBANG_USAGE: fewer than two, empty or double ones, invalid UTF-8. */
timbang_status tb_config_set_labels(tb_config *config, const char *const *labels, size_t n, tb_error *err);
/* A warning where the file has names of its own (not LABEL_n) and the given ones are others. Before set_labels. */
void tb_config_warn_renamed(const tb_config *config, const char *const *labels, size_t n, const char *where,
                            const tb_hooks *hooks);
/* A copy of raw with id2label/label2id/num_labels/architectures and quantization_config (NULL: none) set. */
json_t *tb_config_to_json(const tb_config *config, json_t *quantization, const char *dtype, tb_error *err);

#endif
