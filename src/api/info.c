/* What is inside a model folder or a file of weights, as JSON, from headers alone.
 * Includes: api/api.h, formats. Called by: users of the library. */
#include "api/api.h"
#include "formats/state_dict.h"
#include "quant/schemes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum part { PART_EMBEDDINGS, PART_ENCODER, PART_HEAD, PART_OTHER, PARTS } part;
static const char *const part_names[PARTS] = {"embeddings", "encoder", "head", "other"};

typedef struct totals {
    uint64_t bytes[PARTS], parameters;
    uint64_t weight_bytes[PARTS][TB_DTYPES]; /* of matrices, by element type */
    bool has_head;
} totals;

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static part part_of(const char *canonical)
{
    if (!canonical)
        return PART_OTHER;
    if (starts_with(canonical, "embeddings."))
        return PART_EMBEDDINGS;
    if (starts_with(canonical, "encoder."))
        return PART_ENCODER;
    return starts_with(canonical, "pooler.") || starts_with(canonical, "classifier.") ? PART_HEAD : PART_OTHER;
}

/* Numbers that a tensor stands for: scales and shapes are no parameters; packed weights count as their true shape. */
static timbang_status parameters_of(const tb_state_dict *state, const tb_tensor *tensor, const char *canonical,
                                    uint64_t *count, tb_error *err)
{
    static const char *const extras[] = {".weight_scale", ".weight_zero_point", ".weight_shape",
                                         ".input_scale",  ".weight_g_idx",      NULL};
    *count = 0;
    for (size_t i = 0; extras[i]; i++)
        if (ends_with(canonical, extras[i]))
            return TIMBANG_OK;
    *count = tensor->elements;
    if (!ends_with(canonical, ".weight_packed"))
        return TIMBANG_OK;
    char name[512];
    int stem = (int)(strlen(canonical) - strlen("_packed"));
    snprintf(name, sizeof name, "%.*s_shape", stem, canonical);
    const tb_tensor *shape = tb_state_dict_find(state, name);
    if (!shape || shape->dtype != TB_I64 || shape->elements != 2)
        return TIMBANG_OK;
    int64_t sizes[2] = {0, 0};
    TB_TRY(tb_checkpoint_read(tb_state_dict_checkpoint(state), shape, 0, 2, sizes, err));
    uint64_t product;
    if (sizes[0] < 0 || sizes[1] < 0 || !tb_mul_u64((uint64_t)sizes[0], (uint64_t)sizes[1], &product) ||
        product > tensor->bytes * 8)
        return tb_fail(err, TIMBANG_FORMAT, "%s: tensor %s holds %lld x %lld, which its packed weight cannot",
                       tb_checkpoint_name(tb_state_dict_checkpoint(state)), name, (long long)sizes[0],
                       (long long)sizes[1]);
    *count = product;
    return TIMBANG_OK;
}

static json_t *tensor_json(const tb_tensor *tensor)
{
    json_t *shape = json_array();
    for (uint32_t r = 0; r < tensor->rank; r++)
        json_array_append_new(shape, json_integer((json_int_t)tensor->shape[r]));
    return json_pack("{s:s, s:s, s:o, s:I}", "name", tensor->name, "dtype", tb_dtype_name(tensor->dtype), "shape",
                     shape, "bytes", (json_int_t)tensor->bytes);
}

static timbang_status sum_tensors(const tb_state_dict *state, totals *sums, json_t *list, tb_error *err)
{
    const tb_checkpoint *checkpoint = tb_state_dict_checkpoint(state);
    for (size_t i = 0; i < tb_checkpoint_n(checkpoint); i++) {
        const tb_tensor *tensor = tb_checkpoint_tensor(checkpoint, i);
        const char *canonical = tb_state_dict_canonical(state, i);
        part where = part_of(canonical);
        sums->bytes[where] += tensor->bytes;
        if (tensor->rank >= 2)
            sums->weight_bytes[where][tensor->dtype] += tensor->bytes;
        if (canonical) {
            uint64_t count = 0;
            TB_TRY(parameters_of(state, tensor, canonical, &count, err));
            sums->parameters += count;
            sums->has_head = sums->has_head || starts_with(canonical, "classifier.");
        }
        if (json_array_append_new(list, tensor_json(tensor)) != 0)
            return tb_no_memory(err, 0);
    }
    return TIMBANG_OK;
}

/* ---- The scheme's name ---- */

static const char *float_scheme(const totals *sums)
{
    const uint64_t *encoder = sums->weight_bytes[PART_ENCODER];
    uint64_t f32 = encoder[TB_F32] + encoder[TB_F64];
    if (encoder[TB_F16] > f32 && encoder[TB_F16] >= encoder[TB_BF16])
        return "fp16";
    return encoder[TB_BF16] > f32 ? "bf16" : "fp32";
}

/* The lowest precision among the groups of a compressed-tensors file that is not ours. */
static void foreign_scheme(const json_t *quantization, char out[32])
{
    json_int_t bits = 0, group = 0;
    bool tensor = false;
    const char *key;
    json_t *value;
    json_t *groups = json_object_get(quantization, "config_groups");
    json_object_foreach(groups, key, value)
    {
        const json_t *weights = json_object_get(value, "weights");
        json_int_t b = json_integer_value(json_object_get(weights, "num_bits"));
        if (b <= 0 || b > 64 || (bits && b >= bits))
            continue;
        bits = b;
        group = json_integer_value(json_object_get(weights, "group_size"));
        const char *strategy = json_string_value(json_object_get(weights, "strategy"));
        tensor = strategy && strcmp(strategy, "tensor") == 0;
    }
    if (!bits)
        snprintf(out, 32, "unknown");
    else if (tensor)
        snprintf(out, 32, "int%d-pertensor", (int)bits);
    else if (group > 0 && group <= 65536 && group != 32)
        snprintf(out, 32, "int%d-g%d", (int)bits, (int)group);
    else
        snprintf(out, 32, "int%d", (int)bits);
}

static void scheme_name(const json_t *sidecar, const tb_config *config, const totals *sums, char out[32])
{
    const char *named = json_string_value(json_object_get(sidecar, "scheme"));
    if (named && strlen(named) < 32)
        snprintf(out, 32, "%s", named);
    else if (config && config->quantization)
        foreign_scheme(config->quantization, out);
    else
        snprintf(out, 32, "%s", float_scheme(sums));
}

/* ---- The document ---- */

static json_t *config_json(const tb_config *c)
{
    static const char *const acts[] = {[TB_ACT_NONE] = "none",
                                       [TB_ACT_GELU] = "gelu",
                                       [TB_ACT_GELU_NEW] = "gelu_new",
                                       [TB_ACT_RELU] = "relu",
                                       [TB_ACT_TANH] = "tanh"};
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:O?}", "hidden_size", (json_int_t)c->hidden_size,
                     "num_hidden_layers", (json_int_t)c->num_hidden_layers, "num_attention_heads",
                     (json_int_t)c->num_attention_heads, "intermediate_size", (json_int_t)c->intermediate_size,
                     "vocab_size", (json_int_t)c->vocab_size, "max_position_embeddings",
                     (json_int_t)c->max_position_embeddings, "type_vocab_size", (json_int_t)c->type_vocab_size,
                     "hidden_act", acts[c->hidden_act], "layer_norm_eps", json_object_get(c->raw, "layer_norm_eps"));
}

static json_t *bytes_json(const totals *sums, uint64_t total)
{
    json_t *bytes = json_pack("{s:I}", "total", (json_int_t)total);
    uint64_t in_parts = 0;
    for (int p = 0; p < PARTS; p++)
        in_parts += sums->bytes[p];
    for (int p = 0; p < PARTS; p++) {
        /* Headers and padding of the container belong to no tensor. */
        uint64_t extra = p == PART_OTHER && total > in_parts ? total - in_parts : 0;
        json_object_set_new(bytes, part_names[p], json_integer((json_int_t)(sums->bytes[p] + extra)));
    }
    double fp32 = 4.0 * (double)sums->parameters;
    json_object_set_new(bytes, "fp32", json_integer((json_int_t)(4 * sums->parameters)));
    json_object_set_new(bytes, "ratio", fp32 > 0 ? json_real((double)total / fp32) : json_null());
    return bytes;
}

static json_t *dtypes_json(const totals *sums)
{
    json_t *all = json_object();
    for (int p = 0; p < PARTS; p++) {
        json_t *list = json_array();
        for (int d = 0; d < TB_DTYPES; d++)
            if (sums->weight_bytes[p][d])
                json_array_append_new(list, json_string(tb_dtype_name((tb_dtype)d)));
        json_object_set_new(all, part_names[p], list);
    }
    return all;
}

static timbang_status describe(const char *path, const tb_state_dict *state, const tb_config *config,
                               const json_t *sidecar, json_t **out, tb_error *err)
{
    const tb_checkpoint *checkpoint = tb_state_dict_checkpoint(state);
    totals sums = {0};
    json_t *list = json_array();
    timbang_status status = sum_tensors(state, &sums, list, err);
    if (status != TIMBANG_OK) {
        json_decref(list);
        return status;
    }
    char scheme[32];
    scheme_name(sidecar, config, &sums, scheme);
    json_t *labels = json_array();
    for (size_t i = 0; config && i < config->n_labels; i++)
        json_array_append_new(labels, json_string(config->labels[i]));
    json_t *doc = json_pack("{s:s, s:s, s:s, s:o, s:I, s:o, s:o}", "path", path ? path : "(embedded)", "container",
                            tb_checkpoint_container(checkpoint), "scheme", scheme, "labels", labels, "parameters",
                            (json_int_t)sums.parameters, "bytes",
                            bytes_json(&sums, tb_checkpoint_file_bytes(checkpoint)), "dtypes", dtypes_json(&sums));
    if (!sums.has_head || json_is_true(json_object_get(sidecar, "untrained_head")))
        json_object_set_new(doc, "untrained_head", json_true());
    if (config) {
        json_object_set_new(doc, "config", config_json(config));
        if (config->quantization)
            json_object_set(doc, "quantization", config->quantization);
    }
    if (sidecar)
        json_object_set_new(doc, "sidecar", json_deep_copy(sidecar));
    json_object_set_new(doc, "skipped",
                        json_pack("{s:I, s:I}", "observers", (json_int_t)tb_state_dict_skipped_observers(state),
                                  "other", (json_int_t)tb_state_dict_skipped_other(state)));
    json_object_set_new(doc, "tensors", list);
    *out = doc;
    return doc ? TIMBANG_OK : tb_no_memory(err, 0);
}

static timbang_status describe_checkpoint(const char *path, tb_checkpoint *checkpoint, const tb_config *config,
                                          const json_t *sidecar, json_t **out, tb_error *err)
{
    tb_state_dict *state = NULL;
    TB_TRY(tb_state_dict_open(checkpoint, &state, err));
    timbang_status status = describe(path, state, config, sidecar, out, err);
    tb_state_dict_close(state);
    return status;
}

static timbang_status describe_folder(const char *path, const tb_folder *folder, json_t **out, tb_error *err)
{
    tb_config config = {0};
    json_t *sidecar = NULL;
    tb_checkpoint *checkpoint = NULL;
    timbang_status status = TIMBANG_OK;
    bool has_config = tb_folder_has(folder, "config.json");
    if (has_config)
        status = tb_config_load(folder, &config, err);
    if (status == TIMBANG_OK && tb_folder_has(folder, "timbang.json"))
        status = tb_json_load(folder, "timbang.json", &sidecar, err);
    if (status == TIMBANG_OK)
        status = tb_checkpoint_open_folder(folder, &checkpoint, err);
    if (status == TIMBANG_OK)
        status = describe_checkpoint(path, checkpoint, has_config ? &config : NULL, sidecar, out, err);
    json_decref(sidecar);
    tb_config_free(&config);
    return status;
}

static timbang_status info(timbang_context *ctx, const char *path, char **json)
{
    tb_error *err = &ctx->err;
    json_t *doc = NULL;
    if (path && tb_is_file(path)) {
        tb_checkpoint *checkpoint = NULL;
        TB_TRY(tb_checkpoint_open_file(path, &checkpoint, err));
        TB_TRY(describe_checkpoint(path, checkpoint, NULL, NULL, &doc, err));
    } else {
        tb_folder *folder = NULL;
        TB_TRY(tb_api_folder(path, &folder, err));
        timbang_status status = describe_folder(path, folder, &doc, err);
        tb_folder_close(folder);
        TB_TRY(status);
    }
    return tb_api_json(doc, json, err);
}

timbang_status timbang_info_json(timbang_context *ctx, const char *path, char **json)
{
    tb_fp_state fp;
    TB_TRY(tb_api_enter(ctx, &fp));
    return tb_api_leave(ctx, fp, info(ctx, path, json));
}
