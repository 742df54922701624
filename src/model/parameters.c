/* Masters in two flat arrays. Includes: model/parameters.h, model/head.h, formats/weights.h. Called by:
 * model/trainee.c. */
#include "model/parameters.h"

#include "formats/weights.h"
#include "model/head.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 1 << 16, MODULE_NAME = 128, STRIDE = 16, PER_LAYER = 16, OTHERS = 16 };

/* What is being listed and read. */
struct loader {
    const tb_state_dict *state;
    const tb_config *config;
    uint64_t seed;
    tb_parameters *made;
    tb_error *err;
};

/* ---- The list ---- */

static timbang_status add(struct loader *l, const char *module, const char *suffix, tb_parameter_kind kind, size_t rows,
                          size_t columns, size_t depth)
{
    tb_parameters *p = l->made;
    char text[MODULE_NAME + 32];
    bool head = strncmp(module, "classifier", 10) == 0 || strncmp(module, "cls.", 4) == 0;
    snprintf(text, sizeof text, "bert.%s.%s", module, suffix);
    const char *from = text + (head ? sizeof "bert." - 1 : 0);
    tb_parameter *item = &p->items[p->n_items];
    item->file_name = tb_arena_strndup(p->arena, from, strlen(from), l->err);
    if (!item->file_name)
        return l->err->status;
    item->name = item->file_name + (head ? 0 : sizeof "bert." - 1);
    item->kind = kind;
    item->rows = rows;
    item->columns = columns;
    item->depth = depth;
    item->begin = p->n;
    if (!tb_mul_size(rows, columns, &item->n) || !tb_add_size(p->n, item->n, &p->n) || p->n > SIZE_MAX - STRIDE)
        return tb_no_memory(l->err, SIZE_MAX);
    p->n = tb_round_up(p->n, STRIDE);
    p->n_items++;
    return TIMBANG_OK;
}

static timbang_status add_linear(struct loader *l, const char *module, size_t out, size_t in, size_t depth)
{
    TB_TRY(add(l, module, "weight", TB_PARAMETER_LINEAR, out, in, depth));
    return add(l, module, "bias", TB_PARAMETER_BIAS, out, 1, depth);
}

static timbang_status add_norm(struct loader *l, const char *module, size_t depth)
{
    TB_TRY(add(l, module, "weight", TB_PARAMETER_NORM, l->config->hidden_size, 1, depth));
    return add(l, module, "bias", TB_PARAMETER_NORM, l->config->hidden_size, 1, depth);
}

static timbang_status add_layer(struct loader *l, size_t index)
{
    const tb_config *c = l->config;
    const struct {
        const char *name;
        size_t out, in; /* in 0: a LayerNorm */
    } parts[] = {
        {"attention.self.query", c->hidden_size, c->hidden_size},
        {"attention.self.key", c->hidden_size, c->hidden_size},
        {"attention.self.value", c->hidden_size, c->hidden_size},
        {"attention.output.dense", c->hidden_size, c->hidden_size},
        {"attention.output.LayerNorm", 0, 0},
        {"intermediate.dense", c->intermediate_size, c->hidden_size},
        {"output.dense", c->hidden_size, c->intermediate_size},
        {"output.LayerNorm", 0, 0},
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        char module[MODULE_NAME];
        snprintf(module, sizeof module, "encoder.layer.%zu.%s", index, parts[i].name);
        TB_TRY(parts[i].in ? add_linear(l, module, parts[i].out, parts[i].in, index + 1)
                           : add_norm(l, module, index + 1));
    }
    return TIMBANG_OK;
}

static timbang_status list(struct loader *l, tb_task task)
{
    const tb_config *c = l->config;
    const tb_parameter_kind embedding = TB_PARAMETER_EMBEDDING;
    size_t n = c->num_hidden_layers, hidden = c->hidden_size;
    TB_TRY(add(l, "embeddings.word_embeddings", "weight", embedding, c->vocab_size, hidden, 0));
    TB_TRY(add(l, "embeddings.position_embeddings", "weight", embedding, c->max_position_embeddings, hidden, 0));
    TB_TRY(add(l, "embeddings.token_type_embeddings", "weight", embedding, c->type_vocab_size, hidden, 0));
    TB_TRY(add_norm(l, "embeddings.LayerNorm", 0));
    for (size_t i = 0; i < n; i++)
        TB_TRY(add_layer(l, i));
    if (task == TB_TASK_CLASSIFY) {
        TB_TRY(add_linear(l, "pooler.dense", hidden, hidden, n + 1));
        return add_linear(l, "classifier", c->n_labels, hidden, n + 1);
    }
    TB_TRY(add(l, "cls.predictions", "bias", TB_PARAMETER_BIAS, c->vocab_size, 1, n + 1));
    TB_TRY(add_linear(l, "cls.predictions.transform.dense", hidden, hidden, n + 1));
    return add_norm(l, "cls.predictions.transform.LayerNorm", n + 1);
}

/* ---- Values ---- */

static timbang_status read_matrix(const struct loader *l, const tb_parameter *item, float *values)
{
    char module[MODULE_NAME];
    tb_weight weight = {0};
    snprintf(module, sizeof module, "%.*s", (int)(strlen(item->name) - strlen(".weight")), item->name);
    TB_TRY(tb_weight_load(l->state, NULL, module, item->kind == TB_PARAMETER_EMBEDDING ? "Embedding" : "Linear",
                          item->rows, item->columns, false, &weight, l->err));
    memcpy(values, weight.values, item->n * sizeof *values);
    tb_weight_free(&weight);
    return TIMBANG_OK;
}

/* Under its file name, or as checkpoints from TensorFlow call a LayerNorm's vectors: gamma and beta. */
static const tb_tensor *find_prediction(const tb_checkpoint *checkpoint, const char *file_name)
{
    static const char *const pairs[][2] = {{"LayerNorm.weight", "LayerNorm.gamma"},
                                           {"LayerNorm.bias", "LayerNorm.beta"}};
    const tb_tensor *tensor = tb_checkpoint_find(checkpoint, file_name);
    for (size_t i = 0; i < 2 && !tensor; i++) {
        char name[MODULE_NAME];
        const char *at = strstr(file_name, pairs[i][0]);
        if (!at)
            continue;
        snprintf(name, sizeof name, "%.*s%s", (int)(at - file_name), file_name, pairs[i][1]);
        tensor = tb_checkpoint_find(checkpoint, name);
    }
    return tensor;
}

/* The state dict leaves cls.* out: it is no part of a classifier. */
static timbang_status read_prediction_head(const struct loader *l, const tb_parameter *item, float *values)
{
    const tb_checkpoint *checkpoint = tb_state_dict_checkpoint(l->state);
    const tb_tensor *tensor = find_prediction(checkpoint, item->file_name);
    char shape[160];
    if (!tensor)
        return tb_fail(l->err, TIMBANG_MISMATCH, "%s: has no %s", tb_checkpoint_name(checkpoint), item->file_name);
    if (tensor->elements != item->n)
        return tb_fail(l->err, TIMBANG_MISMATCH, "%s: %s has the shape %s; %zu values are expected",
                       tb_checkpoint_name(checkpoint), item->file_name, tb_shape_text(tensor, shape), item->n);
    return tb_checkpoint_read_f32(checkpoint, tensor, 0, item->n, values, l->err);
}

static bool is_part_of(const tb_parameter *item, const char *module)
{
    return strncmp(item->name, module, strlen(module)) == 0;
}

/* A linear of a new head: weight, and bias with it. */
static timbang_status new_values(const struct loader *l, const char *module, tb_parameter_kind kind, float *values)
{
    const tb_config *c = l->config;
    const tb_parameters *p = l->made;
    char name[MODULE_NAME + 8];
    snprintf(name, sizeof name, "%s.bias", module);
    float *bias = p->values + p->items[tb_parameters_find(p, name)].begin;
    if (kind != TB_PARAMETER_LINEAR) /* made with its weight */
        return TIMBANG_OK;
    return strcmp(module, "classifier") == 0
               ? tb_new_head(l->seed, c->n_labels, c->hidden_size, c->initializer_range, values, bias, l->err)
               : tb_new_pooler(l->seed, c->hidden_size, c->initializer_range, values, bias, l->err);
}

/* An MLM head that the checkpoint lacks, as Hugging Face initialises it: a bias is zero. */
static timbang_status new_prediction_head(const struct loader *l, const tb_parameter *item, float *values)
{
    if (is_part_of(item, "cls.predictions.transform.dense"))
        return new_values(l, "cls.predictions.transform.dense", item->kind, values);
    if (item->kind == TB_PARAMETER_NORM && strstr(item->name, ".weight"))
        for (size_t i = 0; i < item->n; i++)
            values[i] = 1;
    return TIMBANG_OK;
}

/* Which heads the checkpoint has. A trained classifier on a pooler that is missing would be a broken file: a new pooler
 * comes with a new classifier alone. */
struct heads {
    bool pooler, classifier, prediction;
};

static struct heads find_heads(const struct loader *l)
{
    return (struct heads){.pooler = tb_state_dict_find(l->state, "pooler.dense.weight") != NULL,
                          .classifier = tb_state_dict_find(l->state, "classifier.weight") != NULL,
                          .prediction = tb_checkpoint_find(tb_state_dict_checkpoint(l->state), "cls.predictions.bias")};
}

static const char *new_module(const struct heads *heads, const tb_parameter *item)
{
    if (!heads->classifier && is_part_of(item, "classifier"))
        return "classifier";
    return !heads->classifier && !heads->pooler && is_part_of(item, "pooler.dense") ? "pooler.dense" : NULL;
}

/* Before anything is allocated for them: what config.json says may be far more than the file has. */
static timbang_status check_shape(const struct loader *l, const struct heads *heads, const tb_parameter *item)
{
    bool matrix = item->kind == TB_PARAMETER_LINEAR || item->kind == TB_PARAMETER_EMBEDDING;
    const uint64_t shape[2] = {item->rows, item->columns};
    const tb_tensor *tensor;
    if (is_part_of(item, "cls.") || new_module(heads, item))
        return TIMBANG_OK;
    return tb_state_dict_require(l->state, item->name, matrix ? 2 : 1, shape, &tensor, l->err);
}

static timbang_status read_item(const struct loader *l, const struct heads *heads, const tb_parameter *item)
{
    float *values = l->made->values + item->begin;
    const char *module = new_module(heads, item);
    if (is_part_of(item, "cls."))
        return heads->prediction ? read_prediction_head(l, item, values) : new_prediction_head(l, item, values);
    if (module)
        return new_values(l, module, item->kind, values);
    if (item->kind == TB_PARAMETER_LINEAR || item->kind == TB_PARAMETER_EMBEDDING)
        return read_matrix(l, item, values);
    return tb_vector_load(l->state, item->name, item->n, values, l->err);
}

static timbang_status read_all(const struct loader *l, tb_task task)
{
    tb_parameters *p = l->made;
    const struct heads heads = find_heads(l);
    size_t bytes;
    p->new_head = task == TB_TASK_CLASSIFY ? !heads.classifier : !heads.prediction;
    for (size_t i = 0; i < p->n_items; i++)
        TB_TRY(check_shape(l, &heads, &p->items[i]));
    if (!tb_mul_size(p->n, sizeof(float), &bytes))
        return tb_no_memory(l->err, SIZE_MAX);
    p->values = tb_alloc_pages(bytes, l->err);
    p->gradients = p->values ? tb_alloc_pages(bytes, l->err) : NULL;
    if (!p->gradients)
        return l->err->status;
    for (size_t i = 0; i < p->n_items; i++)
        TB_TRY(read_item(l, &heads, &p->items[i]));
    return TIMBANG_OK;
}

timbang_status tb_parameters_load(const tb_state_dict *state, const tb_config *config, tb_task task, uint64_t seed,
                                  tb_parameters **parameters, tb_error *err)
{
    tb_parameters *made = tb_calloc(1, sizeof *made, err);
    if (!made)
        return err->status;
    struct loader l = {state, config, seed, made, err};
    timbang_status status = tb_arena_create(CHUNK_BYTES, &made->arena, err);
    if (status == TIMBANG_OK) {
        made->items = tb_calloc(config->num_hidden_layers * PER_LAYER + OTHERS, sizeof *made->items, err);
        status = made->items ? list(&l, task) : err->status;
    }
    if (status == TIMBANG_OK)
        status = read_all(&l, task);
    if (status != TIMBANG_OK) {
        tb_parameters_free(made);
        return status;
    }
    *parameters = made;
    return TIMBANG_OK;
}

void tb_parameters_free(tb_parameters *parameters)
{
    if (!parameters)
        return;
    if (parameters->values)
        tb_free_pages(parameters->values, parameters->n * sizeof(float));
    if (parameters->gradients)
        tb_free_pages(parameters->gradients, parameters->n * sizeof(float));
    tb_arena_free(parameters->arena);
    free(parameters->items);
    free(parameters);
}

size_t tb_parameters_find(const tb_parameters *parameters, const char *name)
{
    for (size_t i = 0; i < parameters->n_items; i++)
        if (strcmp(parameters->items[i].name, name) == 0)
            return i;
    return SIZE_MAX;
}
