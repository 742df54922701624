/* What decides the result of a training: options with every default written out, as a struct and as JSON.
 * Includes: base, formats, model/trainee.h, quant/schemes.h, train/schedule.h. Called by: train. */
#ifndef TB_TRAIN_RECIPE_H
#define TB_TRAIN_RECIPE_H

#include "model/trainee.h"
#include "quant/schemes.h"
#include "train/schedule.h"

/* Models below so many parameters learn with larger steps by default. */
#define TB_SMALL_MODEL UINT64_C(30000000)

typedef struct tb_recipe {
    tb_task task;
    bool qat, control;
    tb_scheme scheme; /* of the saved model: fp32 without QAT */
    tb_compute compute;
    uint64_t epochs, batch, accumulate;
    double learning_rate, weight_decay, warmup, clip, layer_decay;
    tb_schedule schedule;
    double hidden_dropout, attention_dropout, classifier_dropout;
    size_t frozen_depth; /* parameters of smaller depth keep their values; 0: none */
    double label_smoothing, mask_share;
    uint64_t early_stopping;
    uint64_t evaluate_every; /* 0: each epoch */
    bool group_by_length;
    size_t max_length;
    unsigned clean;
    double distill_weight, temperature, distill_hidden, distill_attention; /* 0, 1, 0, 0 without a teacher */
} tb_recipe;

/* Parameters of the network that a config describes, with pooler and classifier. */
uint64_t tb_config_parameters(const tb_config *config);

/* Checks every option; config: of the source. A log line says which defaults were chosen, and why. */
timbang_status tb_recipe_make(const timbang_train_options *options, const tb_config *config, const tb_hooks *hooks,
                              tb_recipe *recipe, tb_error *err);
/* "fine-tuned", "control", "qat", "mlm". */
const char *tb_recipe_role(const tb_recipe *recipe);
/* weights [n_labels] of "label=weight,..."; labels that are not named count 1. */
timbang_status tb_class_weights_parse(const char *text, const char *const *labels, size_t n_labels, float *weights,
                                      tb_error *err);
/* What the rest of the result depends on beside the recipe's own members. */
typedef struct tb_recipe_inputs {
    const char *const *labels; /* NULL: MLM */
    size_t n_labels;
    const float *class_weights; /* [n_labels], or NULL */
    size_t train_texts, train_tokens, valid_texts, valid_tokens;
    const char *train_sha256, *valid_sha256; /* valid: NULL where there is none */
    const char *teacher_sha256;              /* NULL: no teacher */
} tb_recipe_inputs;
/* json_decref(*out). hash: SHA-256 of the compact text, by which seeds of one recipe are recognized. */
timbang_status tb_recipe_json(const tb_recipe *recipe, const tb_recipe_inputs *inputs, json_t **out, char hash[65],
                              tb_error *err);

#endif
