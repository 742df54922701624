/* Loading a classifier: files to packed layers, every tensor checked against config.json.
 * Includes: model/parts.h, model/head.h, formats. Called by: eval, quant, study, api through classifier.h. */
#include "model/fuse.h"
#include "model/head.h"
#include "model/parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct loader {
    const tb_load_options *options;
    tb_classifier *model;
    tb_state_dict *state;
    tb_quant_map *map;
    tb_error *err;
    bool any_quantized; /* config.json has a quantization_config */
    size_t foreign;     /* matrices in a scheme that is not ours */
    char foreign_as[32];
};

enum { PACKED_CHUNK_BYTES = 32 << 20 };
enum { MODULE_NAME = 128, TENSOR_NAME = MODULE_NAME + 16 }; /* a module's name, and with ".weight_packed" */

static timbang_status load_norm(struct loader *l, const char *module, tb_norm *norm)
{
    size_t n = l->model->config.hidden_size;
    char name[TENSOR_NAME];
    norm->gamma = tb_alloc_aligned(n, sizeof(float), l->err);
    norm->beta = norm->gamma ? tb_alloc_aligned(n, sizeof(float), l->err) : NULL;
    if (!norm->beta)
        return l->err->status;
    snprintf(name, sizeof name, "%s.weight", module);
    TB_TRY(tb_vector_load(l->state, name, n, norm->gamma, l->err));
    snprintf(name, sizeof name, "%s.bias", module);
    TB_TRY(tb_vector_load(l->state, name, n, norm->beta, l->err));
    l->model->parameters += 2 * n;
    l->model->resident_bytes += 2 * n * sizeof(float);
    return TIMBANG_OK;
}

static timbang_status load_matrix(struct loader *l, const char *module, const char *class_name, size_t rows,
                                  size_t columns, bool keep_half, tb_weight *weight)
{
    TB_TRY(tb_weight_load(l->state, l->map, module, class_name, rows, columns, keep_half, weight, l->err));
    if (weight->foreign && l->foreign++ == 0)
        tb_weight_describe(weight, l->foreign_as);
    return TIMBANG_OK;
}

static timbang_status load_embedding(struct loader *l, const char *module, size_t rows, tb_embedding *embedding)
{
    tb_weight weight = {0};
    size_t columns = l->model->config.hidden_size;
    TB_TRY(load_matrix(l, module, "Embedding", rows, columns, true, &weight));
    if (tb_embedding_take(&weight, embedding, l->err) != TIMBANG_OK) {
        tb_weight_free(&weight);
        return l->err->status;
    }
    l->model->parameters += (uint64_t)rows * columns;
    l->model->resident_bytes += embedding->resident_bytes;
    return TIMBANG_OK;
}

static timbang_status load_bias(struct loader *l, const char *module, size_t n, float *bias)
{
    char name[TENSOR_NAME];
    snprintf(name, sizeof name, "%.*s.bias", MODULE_NAME - 1, module);
    return tb_vector_load(l->state, name, n, bias, l->err);
}

static void note_linear(struct loader *l, const tb_linear *linear)
{
    tb_classifier *model = l->model;
    model->parameters += (uint64_t)linear->in * linear->out + linear->out;
    model->resident_bytes += linear->resident_bytes;
    model->fake_inputs = model->fake_inputs || linear->act == TB_ACT_S8_TOKEN_FAKE;
    model->half_inputs = model->half_inputs || linear->act == TB_ACT_BF16;
    model->whole_last_layer = model->whole_last_layer || linear->act == TB_ACT_U8_TEXT_7BIT;
}

/* Packs weight (freed here) with a bias block (taken over). */
static timbang_status pack(struct loader *l, tb_weight *weight, float *bias, tb_linear *linear)
{
    const tb_load_options *o = l->options;
    timbang_status status =
        tb_linear_pack(weight, bias, o->compute, o->kernels, o->pool, l->model->packed, linear, l->err);
    tb_weight_free(weight);
    if (status == TIMBANG_OK)
        note_linear(l, linear);
    return status;
}

static timbang_status load_linear(struct loader *l, const char *module, size_t out, size_t in, tb_linear *linear)
{
    tb_weight weight = {0};
    TB_TRY(load_matrix(l, module, "Linear", out, in, false, &weight));
    float *bias = tb_calloc(out, sizeof *bias, l->err);
    if (!bias || load_bias(l, module, out, bias) != TIMBANG_OK) {
        free(bias);
        tb_weight_free(&weight);
        return l->err->status;
    }
    return pack(l, &weight, bias, linear);
}

/* ---- Query, key and value as one product ---- */

static timbang_status pack_qkv(struct loader *l, const char names[3][MODULE_NAME], tb_weight parts[3], tb_layer *layer)
{
    size_t hidden = l->model->config.hidden_size;
    bool fused = tb_weights_fusible(parts);
    layer->n_qkv = fused ? 1 : 3;
    size_t each = fused ? 3 : 1;
    for (size_t i = 0; i < layer->n_qkv; i++) {
        float *bias = tb_calloc(each * hidden, sizeof *bias, l->err);
        timbang_status status = bias ? TIMBANG_OK : l->err->status;
        for (size_t j = 0; status == TIMBANG_OK && j < each; j++)
            status = load_bias(l, names[i + j], hidden, bias + j * hidden);
        tb_weight whole = {0};
        if (status == TIMBANG_OK && fused)
            status = tb_weights_fuse(parts, &whole, l->err);
        if (status != TIMBANG_OK) {
            free(bias);
            return status;
        }
        TB_TRY(pack(l, fused ? &whole : &parts[i], bias, &layer->qkv[i]));
    }
    return TIMBANG_OK;
}

static timbang_status load_qkv(struct loader *l, size_t index, tb_layer *layer)
{
    static const char *const kinds[3] = {"query", "key", "value"};
    size_t hidden = l->model->config.hidden_size;
    char names[3][MODULE_NAME];
    tb_weight parts[3] = {{0}, {0}, {0}};
    timbang_status status = TIMBANG_OK;
    for (size_t i = 0; status == TIMBANG_OK && i < 3; i++) {
        snprintf(names[i], sizeof names[i], "encoder.layer.%zu.attention.self.%s", index, kinds[i]);
        status = load_matrix(l, names[i], "Linear", hidden, hidden, false, &parts[i]);
    }
    if (status == TIMBANG_OK)
        status = pack_qkv(l, (const char(*)[MODULE_NAME])names, parts, layer);
    for (size_t i = 0; i < 3; i++)
        tb_weight_free(&parts[i]);
    return status;
}

static timbang_status load_layer(struct loader *l, size_t index, tb_layer *layer)
{
    const tb_config *config = &l->model->config;
    size_t hidden = config->hidden_size, wide = config->intermediate_size;
    char name[MODULE_NAME];
    TB_TRY(load_qkv(l, index, layer));
    snprintf(name, sizeof name, "encoder.layer.%zu.attention.output.dense", index);
    TB_TRY(load_linear(l, name, hidden, hidden, &layer->attention_output));
    snprintf(name, sizeof name, "encoder.layer.%zu.attention.output.LayerNorm", index);
    TB_TRY(load_norm(l, name, &layer->attention_norm));
    snprintf(name, sizeof name, "encoder.layer.%zu.intermediate.dense", index);
    TB_TRY(load_linear(l, name, wide, hidden, &layer->intermediate));
    snprintf(name, sizeof name, "encoder.layer.%zu.output.dense", index);
    TB_TRY(load_linear(l, name, hidden, wide, &layer->output));
    snprintf(name, sizeof name, "encoder.layer.%zu.output.LayerNorm", index);
    return load_norm(l, name, &layer->output_norm);
}

/* ---- Head ---- */

typedef timbang_status new_matrix_fn(struct loader *l, float *weight, float *bias);

static timbang_status new_pooler(struct loader *l, float *weight, float *bias)
{
    const tb_config *c = &l->model->config;
    return tb_new_pooler(l->options->seed, c->hidden_size, c->initializer_range, weight, bias, l->err);
}

static timbang_status new_classifier(struct loader *l, float *weight, float *bias)
{
    const tb_config *c = &l->model->config;
    return tb_new_head(l->options->seed, c->n_labels, c->hidden_size, c->initializer_range, weight, bias, l->err);
}

static timbang_status make_linear(struct loader *l, size_t out, size_t in, new_matrix_fn *fill, tb_linear *linear)
{
    tb_weight weight = {.kind = TB_WEIGHT_F32, .act = TB_ACT_FLOAT, .rows = out, .columns = in};
    weight.values = tb_calloc(out * in, sizeof(float), l->err);
    float *bias = weight.values ? tb_calloc(out, sizeof *bias, l->err) : NULL;
    if (!bias || fill(l, weight.values, bias) != TIMBANG_OK) {
        free(bias);
        tb_weight_free(&weight);
        return l->err->status;
    }
    return pack(l, &weight, bias, linear);
}

static bool has_module(const struct loader *l, const char *module)
{
    static const char *const suffixes[] = {".weight", ".weight_packed"};
    for (size_t i = 0; i < 2; i++) {
        char name[TENSOR_NAME];
        snprintf(name, sizeof name, "%s%s", module, suffixes[i]);
        if (tb_state_dict_find(l->state, name))
            return true;
    }
    return false;
}

static timbang_status load_head(struct loader *l)
{
    tb_classifier *model = l->model;
    size_t hidden = model->config.hidden_size;
    const char *where = tb_folder_name(l->options->folder);
    if (has_module(l, "classifier")) {
        if (model->config.n_labels == 0)
            return tb_fail(l->err, TIMBANG_MISMATCH,
                           "%s/config.json: names no labels although the weights have a classifier; add id2label, or "
                           "give them with --labels a,b,c",
                           where);
        TB_TRY(load_linear(l, "pooler.dense", hidden, hidden, &model->pooler));
        return load_linear(l, "classifier", model->config.n_labels, hidden, &model->classifier);
    }
    if (!l->options->labels && !l->options->head_labels)
        return tb_fail(l->err, TIMBANG_USAGE,
                       "%s: is a base model without a classifier head; give its labels with --labels a,b,c for a new, "
                       "untrained one",
                       where);
    model->untrained_head = true;
    if (has_module(l, "pooler.dense"))
        TB_TRY(load_linear(l, "pooler.dense", hidden, hidden, &model->pooler));
    else
        TB_TRY(make_linear(l, hidden, hidden, new_pooler, &model->pooler));
    return make_linear(l, model->config.n_labels, hidden, new_classifier, &model->classifier);
}

/* ---- Labels, tokenizer, scheme ---- */

static timbang_status apply_labels(struct loader *l)
{
    const tb_load_options *options = l->options;
    tb_config *config = &l->model->config;
    bool has_head = has_module(l, "classifier");
    if (!options->labels && options->head_labels && !has_head)
        return tb_config_set_labels(config, options->head_labels, options->n_head_labels, l->err);
    if (!options->labels)
        return TIMBANG_OK;
    if (has_head && config->n_labels && config->n_labels != options->n_labels)
        return tb_fail(l->err, TIMBANG_USAGE, "%s: has %zu labels, but %zu names were given",
                       tb_folder_name(options->folder), config->n_labels, options->n_labels);
    if (has_head)
        tb_config_warn_renamed(config, options->labels, options->n_labels, tb_folder_name(options->folder),
                               options->hooks);
    return tb_config_set_labels(config, options->labels, options->n_labels, l->err);
}

static timbang_status load_tokenizer(struct loader *l)
{
    tb_classifier *model = l->model;
    TB_TRY(tb_tokenizer_load(l->options->folder, &model->tokenizer, l->err));
    size_t vocab = tb_tokenizer_vocab_size(model->tokenizer);
    if (vocab > model->config.vocab_size)
        return tb_fail(l->err, TIMBANG_MISMATCH,
                       "%s: the tokenizer has ids up to %zu, but config.json says vocab_size %zu; they belong to "
                       "different models",
                       tb_folder_name(l->options->folder), vocab - 1, model->config.vocab_size);
    return TIMBANG_OK;
}

/* The scheme's name from what the layers are; "mixed" where they differ, "foreign" where it is none of ours. */
static void name_scheme(struct loader *l, const tb_weight *sample)
{
    tb_classifier *model = l->model;
    const tb_linear *first = &model->layers[0].qkv[0];
    for (size_t i = 0; i < model->config.num_hidden_layers; i++) {
        const tb_layer *layer = &model->layers[i];
        const tb_linear *all[] = {&layer->qkv[0], &layer->attention_output, &layer->intermediate, &layer->output};
        for (size_t j = 0; j < 4; j++) {
            if (all[j]->kind != first->kind || all[j]->act != first->act || all[j]->group != first->group) {
                snprintf(model->scheme, sizeof model->scheme, "mixed");
                return;
            }
        }
    }
    const char *name = "foreign";
    char buffer[32];
    bool is_float = first->kind == TB_WEIGHT_F32 || first->kind == TB_WEIGHT_BF16;
    if (sample->kind == TB_WEIGHT_F16)
        name = "fp16";
    else if (sample->kind == TB_WEIGHT_BF16)
        name = "bf16";
    else if (is_float && !l->any_quantized)
        name = "fp32";
    else if (is_float && sample->per_tensor && sample->act == TB_ACT_FLOAT)
        name = "int4-pertensor";
    else if (first->kind == TB_WEIGHT_S8)
        name = first->act == TB_ACT_U8_TEXT_7BIT ? "int8-pertensor" : "int8";
    else if (first->kind == TB_WEIGHT_S4) {
        if (first->group == 32)
            snprintf(buffer, sizeof buffer, "int4%s", model->word.kind == TB_WEIGHT_S4_ROW ? "-e4" : "");
        else
            snprintf(buffer, sizeof buffer, "int4-g%zu%s", first->group,
                     model->word.kind == TB_WEIGHT_S4_ROW ? "-e4" : "");
        name = buffer;
    }
    snprintf(model->scheme, sizeof model->scheme, "%s", name);
}

/* Reads one linear again, small price, only to know how the file stores it. */
static timbang_status find_scheme(struct loader *l)
{
    tb_weight sample = {0};
    size_t hidden = l->model->config.hidden_size;
    TB_TRY(tb_weight_load(l->state, l->map, "encoder.layer.0.attention.self.query", "Linear", hidden, hidden, true,
                          &sample, l->err));
    name_scheme(l, &sample);
    tb_weight_free(&sample);
    return TIMBANG_OK;
}

/* BF16 compute needs a float layer in the encoder; the head alone is nothing to speed up. */
static timbang_status check_compute(const struct loader *l)
{
    const tb_classifier *model = l->model;
    if (model->compute == TB_COMPUTE_FP32)
        return TIMBANG_OK;
    for (size_t i = 0; i < model->config.num_hidden_layers; i++) {
        const tb_layer *layer = &model->layers[i];
        if (layer->attention_output.kind == TB_WEIGHT_BF16 || layer->intermediate.kind == TB_WEIGHT_BF16 ||
            layer->output.kind == TB_WEIGHT_BF16)
            return TIMBANG_OK;
        for (size_t j = 0; j < layer->n_qkv; j++)
            if (layer->qkv[j].kind == TB_WEIGHT_BF16)
                return TIMBANG_OK;
    }
    return tb_fail(l->err, TIMBANG_USAGE,
                   "%s: compute bf16 is for float layers, and those of this model (%s) are integers; leave it out, or "
                   "name an FP32, FP16 or BF16 model",
                   tb_folder_name(l->options->folder), model->scheme);
}

/* A folder that was made from a base model keeps the seeded head; its sidecar says that it was never trained. */
static timbang_status read_sidecar(struct loader *l)
{
    const tb_folder *folder = l->options->folder;
    json_t *sidecar = NULL;
    if (l->options->weights_path || !tb_folder_has(folder, "timbang.json"))
        return TIMBANG_OK;
    TB_TRY(tb_json_load(folder, "timbang.json", &sidecar, l->err));
    bool untrained = false;
    timbang_status status = tb_json_get_bool(sidecar, "timbang.json", "untrained_head", false, &untrained, l->err);
    json_decref(sidecar);
    l->model->untrained_head = l->model->untrained_head || untrained;
    return status;
}

static void report_skipped(const struct loader *l)
{
    const tb_hooks *hooks = l->options->hooks;
    const char *name = tb_checkpoint_name(tb_state_dict_checkpoint(l->state)), *first = NULL;
    size_t observers = tb_state_dict_skipped_observers(l->state), unknown = tb_state_dict_unknown(l->state, &first);
    if (observers)
        tb_log(hooks, TIMBANG_LOG_WARNING,
               "%s: %zu fake-quant observer keys of a QAT state dict were skipped; the float weights are used", name,
               observers);
    if (unknown)
        tb_log(hooks, TIMBANG_LOG_WARNING, "%s: %zu tensors are not part of a BERT classifier and were left out (%s)",
               name, unknown, first);
    if (l->foreign)
        tb_log(hooks, TIMBANG_LOG_WARNING,
               "%s: %zu matrices are in a scheme of another tool (%s); their exact values are kept, as floats, so this "
               "is neither smaller in memory nor faster than FP32",
               name, l->foreign, l->foreign_as);
    if (l->model->untrained_head)
        tb_log(hooks, TIMBANG_LOG_WARNING, "%s: untrained head: its classifier is random, not trained",
               tb_folder_name(l->options->folder));
}

/* ---- The whole ---- */

static timbang_status load_parts(struct loader *l)
{
    tb_classifier *model = l->model;
    const tb_config *config = &model->config;
    const tb_hooks *hooks = l->options->hooks;
    size_t n = config->num_hidden_layers;
    TB_TRY(load_embedding(l, "embeddings.word_embeddings", config->vocab_size, &model->word));
    TB_TRY(load_embedding(l, "embeddings.position_embeddings", config->max_position_embeddings, &model->position));
    TB_TRY(load_embedding(l, "embeddings.token_type_embeddings", config->type_vocab_size, &model->type));
    TB_TRY(load_norm(l, "embeddings.LayerNorm", &model->embedding_norm));
    model->layers = tb_calloc(n, sizeof *model->layers, l->err);
    if (!model->layers)
        return l->err->status;
    for (size_t i = 0; i < n; i++) {
        TB_TRY(tb_check_cancel(hooks, l->err));
        TB_TRY(load_layer(l, i, &model->layers[i]));
        tb_progress(hooks, "loading", i + 1, n);
    }
    TB_TRY(load_head(l));
    TB_TRY(find_scheme(l));
    return check_compute(l);
}

static timbang_status open_weights(const tb_load_options *options, tb_state_dict **state, tb_error *err)
{
    tb_checkpoint *checkpoint = NULL;
    TB_TRY(options->weights_path ? tb_checkpoint_open_file(options->weights_path, &checkpoint, err)
                                 : tb_checkpoint_open_folder(options->folder, &checkpoint, err));
    return tb_state_dict_open(checkpoint, state, err);
}

timbang_status tb_classifier_load(const tb_load_options *options, tb_classifier **model, tb_error *err)
{
    tb_classifier *made = tb_calloc(1, sizeof *made, err);
    if (!made)
        return err->status;
    made->kernels = options->kernels;
    made->compute = options->compute;
    struct loader l = {.options = options, .model = made, .err = err};
    timbang_status status = tb_arena_create(PACKED_CHUNK_BYTES, &made->packed, err);
    if (status == TIMBANG_OK)
        status = tb_config_load(options->folder, &made->config, err);
    if (status == TIMBANG_OK)
        status = open_weights(options, &l.state, err);
    if (status == TIMBANG_OK)
        status = tb_state_dict_check_layers(l.state, made->config.num_hidden_layers, err);
    if (status == TIMBANG_OK) {
        made->file_bytes = tb_checkpoint_file_bytes(tb_state_dict_checkpoint(l.state));
        l.any_quantized = made->config.quantization != NULL;
        status = tb_quant_map_load(&made->config, tb_folder_name(options->folder), &l.map, err);
    }
    if (status == TIMBANG_OK)
        status = apply_labels(&l);
    if (status == TIMBANG_OK)
        status = load_tokenizer(&l);
    if (status == TIMBANG_OK)
        status = load_parts(&l);
    if (status == TIMBANG_OK)
        status = read_sidecar(&l);
    if (status == TIMBANG_OK)
        report_skipped(&l);
    tb_quant_map_free(l.map);
    tb_state_dict_close(l.state);
    if (status != TIMBANG_OK) {
        tb_classifier_free(made);
        return status;
    }
    *model = made;
    return TIMBANG_OK;
}
