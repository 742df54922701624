/* The sidecar of a quantized folder. Includes: base, quant. Called by: quant/quantize.c, study. */
#include "quant/record.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_(x) #x
#define TEXT(x)  TEXT_(x)
#define VERSION  TEXT(TIMBANG_VERSION_MAJOR) "." TEXT(TIMBANG_VERSION_MINOR) "." TEXT(TIMBANG_VERSION_PATCH)

enum { CHUNK = 1 << 20, MAX_SHARDS = 4096 };

/* ---- Hash of the source ---- */

timbang_status tb_hash_source(const tb_source *source, const tb_hooks *hooks, tb_sha256 *hash, tb_error *err)
{
    uint64_t size = tb_source_size(source);
    char *chunk = tb_calloc(CHUNK, 1, err);
    timbang_status status = chunk ? TIMBANG_OK : TIMBANG_NO_MEMORY;
    for (uint64_t at = 0; at < size && status == TIMBANG_OK; at += CHUNK) {
        size_t n = size - at < CHUNK ? (size_t)(size - at) : CHUNK;
        status = tb_check_cancel(hooks, err);
        if (status == TIMBANG_OK)
            status = tb_source_read(source, at, chunk, n, err);
        if (status == TIMBANG_OK)
            tb_sha256_update(hash, chunk, n);
    }
    free(chunk);
    return status;
}

static timbang_status hash_member(const tb_quantize_job *job, const char *file, tb_sha256 *hash, tb_error *err)
{
    tb_source *source;
    TB_TRY(tb_folder_source(job->folder, file, &source, err));
    timbang_status status = tb_hash_source(source, job->hooks, hash, err);
    tb_source_close(source);
    return status;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static timbang_status hash_shards(const tb_quantize_job *job, const char *index, tb_sha256 *hash, tb_error *err)
{
    json_t *root;
    TB_TRY(tb_json_load(job->folder, index, &root, err));
    json_t *map = json_object_get(root, "weight_map"), *value;
    const char *key, **files = tb_calloc(json_object_size(map) + 1, sizeof *files, err);
    timbang_status status = files ? TIMBANG_OK : TIMBANG_NO_MEMORY;
    size_t n = 0;
    if (files) {
        json_object_foreach(map, key, value)
        {
            if (json_is_string(value))
                files[n++] = json_string_value(value);
        }
        qsort(files, n, sizeof *files, by_text);
    }
    for (size_t i = 0; i < n && status == TIMBANG_OK; i++) {
        if (i == 0 || strcmp(files[i], files[i - 1]) != 0)
            status = hash_member(job, files[i], hash, err);
    }
    free(files);
    json_decref(root);
    return status;
}

timbang_status tb_source_weights_hash(const tb_quantize_job *job, char hex[65], tb_error *err)
{
    static const char *const whole[] = {"model.safetensors", "pytorch_model.bin"};
    static const char index[] = "model.safetensors.index.json";
    tb_sha256 hash;
    timbang_status status;
    tb_sha256_init(&hash);
    if (job->weights_path) {
        tb_source *source;
        TB_TRY(tb_source_open(job->weights_path, &source, err));
        status = tb_hash_source(source, job->hooks, &hash, err);
        tb_source_close(source);
    } else if (!tb_folder_has(job->folder, whole[0]) && tb_folder_has(job->folder, index)) {
        status = hash_shards(job, index, &hash, err);
    } else {
        status = hash_member(job, tb_folder_has(job->folder, whole[0]) ? whole[0] : whole[1], &hash, err);
    }
    tb_sha256_final(&hash, hex);
    return status;
}

/* ---- The record ---- */

static const char *kind_name(tb_weight_kind kind)
{
    switch (kind) {
    case TB_WEIGHT_F32:
        return "fp32";
    case TB_WEIGHT_F16:
        return "fp16";
    case TB_WEIGHT_BF16:
        return "bf16";
    case TB_WEIGHT_S8:
        return "int8";
    default:
        return "int4";
    }
}

static const char *embedding_name(const tb_scheme *scheme, tb_embedding_format format)
{
    static const char *const formats[] = {"keep", "fp16", "bf16", "int8", "int4"};
    bool widened = scheme->linear == TB_WEIGHT_F32 || (scheme->per_tensor && format == TB_EMB_FLOAT);
    return widened ? "fp32" : formats[format];
}

static json_t *recipe_json(const tb_scheme *scheme, const tb_jitter *jitter, const json_t *calibrated)
{
    static const char *const activations[] = {"float", "int8-token", "uint7-text", "int8-token"};
    json_t *group = scheme->linear == TB_WEIGHT_S4 ? json_integer((json_int_t)scheme->group) : json_null();
    const char *scales = scheme->per_tensor               ? "tensor"
                         : scheme->linear == TB_WEIGHT_S4 ? "channel-and-group"
                         : scheme->linear == TB_WEIGHT_S8 ? "channel"
                                                          : NULL;
    const char *rounding = calibrated ? json_string_value(json_object_get(calibrated, "method")) : "nearest";
    const char *error_weights = scheme->linear != TB_WEIGHT_S4 ? NULL : calibrated ? "inputs" : "layernorm";
    json_t *recipe =
        json_pack("{s:s, s:s, s:s, s:s, s:s?, s:o, s:s?, s:s, s:s, s:s}", "scheme", scheme->name, "rounding", rounding,
                  "linear", kind_name(scheme->linear), "head", kind_name(scheme->head), "scales", scales, "group",
                  group, "error_weights", error_weights, "activations", activations[scheme->act], "word_embeddings",
                  embedding_name(scheme, scheme->word_embeddings), "other_embeddings",
                  embedding_name(scheme, scheme->other_embeddings));
    if (calibrated && recipe && json_object_set_new(recipe, "calibration", json_deep_copy(calibrated)) != 0) {
        json_decref(recipe);
        return NULL;
    }
    /* Of a null model: scheme, scales and formats are those of the scheme that it is a null model of. */
    if (jitter && json_object_set_new(recipe, "random_scales",
                                      json_pack("{s:I, s:I}", "seed", (json_int_t)jitter->seed, "model",
                                                (json_int_t)jitter->model)) != 0) {
        json_decref(recipe);
        return NULL;
    }
    return recipe;
}

/* What the source's own sidecar says; it knows nothing of a bare file of weights. */
typedef struct parent {
    json_t *root; /* or NULL */
    bool untrained;
    const char *role, *recipe_hash; /* borrowed; NULL where it does not say */
    json_t *seed;                   /* borrowed; an integer or NULL */
} parent;

static timbang_status read_parent(const tb_quantize_job *job, parent *p, tb_error *err)
{
    static const char name[] = "timbang.json";
    if (job->weights_path || !tb_folder_has(job->folder, name))
        return TIMBANG_OK;
    TB_TRY(tb_json_load(job->folder, name, &p->root, err));
    TB_TRY(tb_json_get_bool(p->root, name, "untrained_head", false, &p->untrained, err));
    TB_TRY(tb_json_get_string(p->root, name, "role", false, &p->role, err));
    TB_TRY(tb_json_get_string(p->root, name, "recipe_hash", false, &p->recipe_hash, err));
    json_t *seed = json_object_get(p->root, "seed");
    p->seed = json_is_integer(seed) ? seed : NULL;
    return TIMBANG_OK;
}

/* Of a source with a sidecar: how it was made, so that seeds of one recipe are recognized after quantization too. */
static int put_parent(json_t *record, const parent *p)
{
    if (!p->recipe_hash)
        return 0;
    return json_object_set_new(record, "parent_role", p->role ? json_string(p->role) : json_null()) |
           json_object_set_new(record, "parent_recipe_hash", json_string(p->recipe_hash));
}

timbang_status tb_quantized_record(const tb_quantize_job *job, bool new_head, const char *parent_sha256,
                                   const json_t *calibrated, json_t **out, tb_error *err)
{
    parent p = {0};
    json_t *seed = NULL, *recipe = NULL;
    char *text = NULL, hex[65];
    *out = NULL;
    timbang_status status = read_parent(job, &p, err);
    if (status == TIMBANG_OK) {
        seed = new_head ? json_integer((json_int_t)job->seed) : p.seed ? json_incref(p.seed) : json_null();
        recipe = recipe_json(&job->scheme, job->jitter, calibrated);
        status = recipe && seed ? tb_json_compact(recipe, &text, err) : tb_no_memory(err, 0);
    }
    if (status == TIMBANG_OK) {
        tb_sha256 hash;
        tb_sha256_init(&hash);
        tb_sha256_update(&hash, text, strlen(text));
        tb_sha256_final(&hash, hex);
        *out = json_pack("{s:s, s:s, s:s, s:O, s:s, s:O, s:s, s:b}", "timbang", VERSION, "role", "quantized", "scheme",
                         job->scheme.name, "recipe", recipe, "recipe_hash", hex, "seed", seed, "parent_sha256",
                         parent_sha256, "untrained_head", new_head || p.untrained);
        if (!*out || put_parent(*out, &p)) {
            json_decref(*out);
            *out = NULL;
            status = tb_no_memory(err, 0);
        }
    }
    json_decref(seed);
    json_decref(recipe);
    json_decref(p.root);
    free(text);
    return status;
}
