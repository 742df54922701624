/* A trainee: read from a folder, its layers put together with their parameters.
 * Includes: model/train_parts.h. Called by: train. */
#include "model/train_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PANELS_CHUNK = 32 << 20, NAME = 128 };

/* ---- Where the parameters are ---- */

static size_t find(const tb_trainee *t, const char *module, const char *suffix)
{
    char name[NAME + 16];
    snprintf(name, sizeof name, "%s.%s", module, suffix);
    return tb_parameters_find(t->parameters, name);
}

static void place_norm(const tb_trainee *t, const char *module, tb_norm *values, tb_trained_norm *norm)
{
    *norm = (tb_trained_norm){values, find(t, module, "weight"), find(t, module, "bias")};
}

static void place_linear(const tb_trainee *t, const char *module, tb_linear *packed, tb_trained_linear *linear)
{
    *linear = (tb_trained_linear){.packed = packed, .n_parts = 1};
    linear->weight[0] = find(t, module, "weight");
    linear->bias[0] = find(t, module, "bias");
    linear->out = t->parameters->items[linear->weight[0]].rows;
    linear->in = t->parameters->items[linear->weight[0]].columns;
}

static void place_layer(tb_trainee *t, size_t index)
{
    static const char *const parts[3] = {"query", "key", "value"};
    tb_trained_layer *l = &t->layers[index];
    tb_layer *packed = &t->model->layers[index];
    char name[NAME];
    packed->n_qkv = 1;
    l->qkv = (tb_trained_linear){.packed = &packed->qkv[0], .n_parts = 3};
    l->qkv.in = t->model->config.hidden_size;
    l->qkv.out = 3 * l->qkv.in;
    for (size_t i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "encoder.layer.%zu.attention.self.%s", index, parts[i]);
        l->qkv.weight[i] = find(t, name, "weight");
        l->qkv.bias[i] = find(t, name, "bias");
    }
    snprintf(name, sizeof name, "encoder.layer.%zu.attention.output.dense", index);
    place_linear(t, name, &packed->attention_output, &l->attention_output);
    snprintf(name, sizeof name, "encoder.layer.%zu.attention.output.LayerNorm", index);
    place_norm(t, name, &packed->attention_norm, &l->attention_norm);
    snprintf(name, sizeof name, "encoder.layer.%zu.intermediate.dense", index);
    place_linear(t, name, &packed->intermediate, &l->intermediate);
    snprintf(name, sizeof name, "encoder.layer.%zu.output.dense", index);
    place_linear(t, name, &packed->output, &l->output);
    snprintf(name, sizeof name, "encoder.layer.%zu.output.LayerNorm", index);
    place_norm(t, name, &packed->output_norm, &l->output_norm);
}

static void place_all(tb_trainee *t)
{
    t->word = find(t, "embeddings.word_embeddings", "weight");
    t->position = find(t, "embeddings.position_embeddings", "weight");
    t->type = find(t, "embeddings.token_type_embeddings", "weight");
    place_norm(t, "embeddings.LayerNorm", &t->model->embedding_norm, &t->embedding_norm);
    for (size_t i = 0; i < t->model->config.num_hidden_layers; i++)
        place_layer(t, i);
    if (t->options.task == TB_TASK_CLASSIFY) {
        place_linear(t, "pooler.dense", &t->model->pooler, &t->pooler);
        place_linear(t, "classifier", &t->model->classifier, &t->classifier);
        return;
    }
    place_linear(t, "cls.predictions.transform.dense", &t->transform_packed, &t->transform);
    place_norm(t, "cls.predictions.transform.LayerNorm", &t->transform_norm_values, &t->transform_norm);
    t->decoder = (tb_trained_linear){.packed = &t->decoder_packed, .n_parts = 1};
    t->decoder.weight[0] = t->word;
    t->decoder.bias[0] = tb_parameters_find(t->parameters, "cls.predictions.bias");
    t->decoder.out = t->model->config.vocab_size;
    t->decoder.in = t->model->config.hidden_size;
}

/* ---- Making and freeing ---- */

static timbang_status set_labels(const tb_trainee_options *o, const tb_state_dict *state, tb_config *config,
                                 tb_error *err)
{
    const char *where = tb_folder_name(o->folder);
    bool has_head = tb_state_dict_find(state, "classifier.weight") != NULL;
    if (o->task == TB_TASK_MLM)
        return TIMBANG_OK;
    if (o->labels && has_head && config->n_labels && config->n_labels != o->n_labels)
        return tb_fail(err, TIMBANG_USAGE, "%s: has %zu labels, but %zu names were given", where, config->n_labels,
                       o->n_labels);
    if (o->labels)
        return tb_config_set_labels(config, o->labels, o->n_labels, err);
    if (!has_head || config->n_labels == 0)
        return tb_fail(err, TIMBANG_USAGE, "%s: is a base model without a classifier head; its labels must be given",
                       where);
    return TIMBANG_OK;
}

static timbang_status read_source(tb_trainee *t, tb_error *err)
{
    const tb_trainee_options *o = &t->options;
    tb_config *config = &t->model->config;
    tb_checkpoint *checkpoint = NULL;
    tb_state_dict *state = NULL;
    TB_TRY(tb_config_load(o->folder, config, err));
    if (config->quantization)
        return tb_fail(err, TIMBANG_UNSUPPORTED,
                       "%s is quantized (quantization_config in config.json); train the float model that it was made "
                       "from",
                       tb_folder_name(o->folder));
    TB_TRY(tb_tokenizer_load(o->folder, &t->model->tokenizer, err));
    if (tb_tokenizer_vocab_size(t->model->tokenizer) > config->vocab_size)
        return tb_fail(err, TIMBANG_MISMATCH,
                       "%s: the tokenizer has ids up to %zu, but config.json says vocab_size %zu",
                       tb_folder_name(o->folder), tb_tokenizer_vocab_size(t->model->tokenizer) - 1, config->vocab_size);
    TB_TRY(tb_checkpoint_open_folder(o->folder, &checkpoint, err));
    TB_TRY(tb_state_dict_open(checkpoint, &state, err));
    timbang_status status = tb_state_dict_check_layers(state, config->num_hidden_layers, err);
    if (status == TIMBANG_OK)
        status = set_labels(o, state, config, err);
    if (status == TIMBANG_OK)
        status = tb_parameters_load(state, config, o->task, o->seed, &t->parameters, err);
    tb_state_dict_close(state);
    return status;
}

static timbang_status alloc_norm(tb_norm *norm, size_t n, tb_error *err)
{
    norm->gamma = tb_alloc_aligned(n, sizeof(float), err);
    norm->beta = norm->gamma ? tb_alloc_aligned(n, sizeof(float), err) : NULL;
    return norm->beta ? TIMBANG_OK : err->status;
}

static timbang_status allocate(tb_trainee *t, tb_error *err)
{
    tb_classifier *model = t->model;
    const tb_config *config = &model->config;
    size_t n = config->num_hidden_layers, hidden = config->hidden_size, wide = config->intermediate_size;
    size_t largest = wide > 3 * hidden ? wide : 3 * hidden;
    if (t->options.task == TB_TASK_CLASSIFY && config->n_labels > largest)
        largest = config->n_labels;
    t->layers = tb_calloc(n, sizeof *t->layers, err);
    model->layers = t->layers ? tb_calloc(n, sizeof *model->layers, err) : NULL;
    if (!model->layers)
        return err->status;
    TB_TRY(alloc_norm(&model->embedding_norm, hidden, err));
    for (size_t i = 0; i < n; i++) {
        TB_TRY(alloc_norm(&model->layers[i].attention_norm, hidden, err));
        TB_TRY(alloc_norm(&model->layers[i].output_norm, hidden, err));
    }
    if (t->options.task == TB_TASK_MLM)
        TB_TRY(alloc_norm(&t->transform_norm_values, hidden, err));
    TB_TRY(tb_arena_create(PANELS_CHUNK, &model->packed, err));
    TB_TRY(tb_arena_create(PANELS_CHUNK, &t->panels, err));
    t->expanded = tb_alloc_aligned(largest * hidden, sizeof *t->expanded, err);
    return t->expanded ? TIMBANG_OK : err->status;
}

static timbang_status build(tb_trainee *t, tb_error *err)
{
    const tb_trainee_options *o = &t->options;
    tb_classifier *model = t->model;
    TB_TRY(read_source(t, err));
    TB_TRY(allocate(t, err));
    model->kernels = o->kernels;
    model->compute = o->compute;
    snprintf(model->scheme, sizeof model->scheme, "%s", o->scheme ? o->scheme : "fp32");
    for (size_t i = 0; i < t->parameters->n_items; i++)
        model->parameters += t->parameters->items[i].n;
    place_all(t);
    TB_TRY(tb_trainee_refresh(t, err));
    tb_train_note_linears(t);
    return TIMBANG_OK;
}

timbang_status tb_trainee_create(const tb_trainee_options *options, tb_trainee **trainee, tb_error *err)
{
    if (options->task == TB_TASK_MLM && options->round)
        return tb_fail(err, TIMBANG_USAGE, "quantization-aware training is for classifiers, not for the task mlm");
    tb_trainee *made = tb_calloc(1, sizeof *made, err);
    if (!made)
        return err->status;
    made->options = *options;
    made->model = tb_calloc(1, sizeof *made->model, err);
    if (!made->model || build(made, err) != TIMBANG_OK) {
        tb_trainee_free(made);
        return err->status;
    }
    made->options.folder = NULL;
    made->options.labels = NULL;
    *trainee = made;
    return TIMBANG_OK;
}

void tb_trainee_free(tb_trainee *trainee)
{
    if (!trainee)
        return;
    tb_train_release(trainee);
    if (trainee->model) {
        tb_train_return_tables(trainee);
        tb_classifier_free(trainee->model);
    }
    tb_linear_free(&trainee->transform_packed);
    tb_linear_free(&trainee->decoder_packed);
    tb_free_aligned(trainee->transform_norm_values.gamma);
    tb_free_aligned(trainee->transform_norm_values.beta);
    tb_arena_free(trainee->panels);
    tb_free_aligned(trainee->expanded);
    tb_parameters_free(trainee->parameters);
    free(trainee->layers);
    free(trainee);
}

tb_parameters *tb_trainee_parameters(tb_trainee *trainee)
{
    return trainee->parameters;
}

const tb_config *tb_trainee_config(const tb_trainee *trainee)
{
    return &trainee->model->config;
}

const tb_tokenizer *tb_trainee_tokenizer(const tb_trainee *trainee)
{
    return trainee->model->tokenizer;
}
