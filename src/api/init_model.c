/* A model with random weights at the shape of a config.json, written as a folder.
 * Includes: api/api.h, formats, base/rng.h. Called by: users of the library. */
#include "api/api.h"
#include "base/rng.h"
#include "base/sha256.h"
#include "base/text.h"
#include "formats/safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 1 << 14, RUN = 64 * CHUNK };

/* What a tensor is filled with: as BertPreTrainedModel._init_weights of transformers does. */
typedef enum fill { FILL_NORMAL, FILL_ZERO, FILL_ONE } fill;
typedef enum extent { NONE, HIDDEN, INNER, VOCABULARY, POSITIONS, TYPES, LABELS } extent;

typedef struct kind {
    const char *name;
    fill how;
    extent rows, columns; /* NONE: a vector */
} kind;

static const kind embedding_kinds[] = {
    {"embeddings.word_embeddings.weight", FILL_NORMAL, VOCABULARY, HIDDEN},
    {"embeddings.position_embeddings.weight", FILL_NORMAL, POSITIONS, HIDDEN},
    {"embeddings.token_type_embeddings.weight", FILL_NORMAL, TYPES, HIDDEN},
    {"embeddings.LayerNorm.weight", FILL_ONE, HIDDEN, NONE},
    {"embeddings.LayerNorm.bias", FILL_ZERO, HIDDEN, NONE},
};
static const kind layer_kinds[] = {
    {"attention.self.query.weight", FILL_NORMAL, HIDDEN, HIDDEN},
    {"attention.self.query.bias", FILL_ZERO, HIDDEN, NONE},
    {"attention.self.key.weight", FILL_NORMAL, HIDDEN, HIDDEN},
    {"attention.self.key.bias", FILL_ZERO, HIDDEN, NONE},
    {"attention.self.value.weight", FILL_NORMAL, HIDDEN, HIDDEN},
    {"attention.self.value.bias", FILL_ZERO, HIDDEN, NONE},
    {"attention.output.dense.weight", FILL_NORMAL, HIDDEN, HIDDEN},
    {"attention.output.dense.bias", FILL_ZERO, HIDDEN, NONE},
    {"attention.output.LayerNorm.weight", FILL_ONE, HIDDEN, NONE},
    {"attention.output.LayerNorm.bias", FILL_ZERO, HIDDEN, NONE},
    {"intermediate.dense.weight", FILL_NORMAL, INNER, HIDDEN},
    {"intermediate.dense.bias", FILL_ZERO, INNER, NONE},
    {"output.dense.weight", FILL_NORMAL, HIDDEN, INNER},
    {"output.dense.bias", FILL_ZERO, HIDDEN, NONE},
    {"output.LayerNorm.weight", FILL_ONE, HIDDEN, NONE},
    {"output.LayerNorm.bias", FILL_ZERO, HIDDEN, NONE},
};
static const kind pooler_kinds[] = {
    {"pooler.dense.weight", FILL_NORMAL, HIDDEN, HIDDEN},
    {"pooler.dense.bias", FILL_ZERO, HIDDEN, NONE},
};
static const kind classifier_kinds[] = {
    {"classifier.weight", FILL_NORMAL, LABELS, HIDDEN},
    {"classifier.bias", FILL_ZERO, LABELS, NONE},
};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

typedef struct plan {
    const tb_config *config;
    tb_arena *arena; /* names */
    tb_tensor *tensors;
    fill *fills;
    size_t n;
} plan;

static uint64_t size_of(const tb_config *c, extent which)
{
    const uint64_t sizes[] = {
        [NONE] = 1,
        [HIDDEN] = c->hidden_size,
        [INNER] = c->intermediate_size,
        [VOCABULARY] = c->vocab_size,
        [POSITIONS] = c->max_position_embeddings,
        [TYPES] = c->type_vocab_size,
        [LABELS] = c->n_labels,
    };
    return sizes[which];
}

static timbang_status add_kinds(plan *p, const char *prefix, const kind *kinds, size_t n, tb_error *err)
{
    for (size_t i = 0; i < n; i++) {
        tb_tensor *t = &p->tensors[p->n];
        tb_text name = {0};
        tb_text_puts(&name, prefix);
        tb_text_puts(&name, kinds[i].name);
        timbang_status status = tb_text_finish(&name, err);
        t->name = status == TIMBANG_OK ? tb_arena_strndup(p->arena, name.data, name.length, err) : NULL;
        tb_text_free(&name);
        if (!t->name)
            return err->status;
        t->dtype = TB_F32;
        t->rank = kinds[i].columns == NONE ? 1 : 2;
        t->shape[0] = size_of(p->config, kinds[i].rows);
        if (t->rank == 2)
            t->shape[1] = size_of(p->config, kinds[i].columns);
        if (!tb_mul_u64(t->shape[0], size_of(p->config, kinds[i].columns), &t->elements) ||
            !tb_mul_u64(t->elements, sizeof(float), &t->bytes))
            return tb_fail(err, TIMBANG_UNSUPPORTED, "init: tensor %s is too large", t->name);
        p->fills[p->n++] = kinds[i].how;
    }
    return TIMBANG_OK;
}

static timbang_status make_plan(plan *p, tb_error *err)
{
    const tb_config *c = p->config;
    const char *prefix = c->n_labels ? "bert." : ""; /* as a classifier's and a base model's state dict have it */
    size_t fixed = COUNT(embedding_kinds) + COUNT(pooler_kinds) + COUNT(classifier_kinds), n;
    if (!tb_mul_size(c->num_hidden_layers, COUNT(layer_kinds), &n) || !tb_add_size(n, fixed, &n))
        return tb_no_memory(err, SIZE_MAX);
    TB_TRY(tb_arena_create(1 << 16, &p->arena, err));
    if (!(p->tensors = tb_calloc(n, sizeof *p->tensors, err)) || !(p->fills = tb_calloc(n, sizeof *p->fills, err)))
        return err->status;
    TB_TRY(add_kinds(p, prefix, embedding_kinds, COUNT(embedding_kinds), err));
    for (size_t layer = 0; layer < c->num_hidden_layers; layer++) {
        char in[64];
        snprintf(in, sizeof in, "%sencoder.layer.%zu.", prefix, layer);
        TB_TRY(add_kinds(p, in, layer_kinds, COUNT(layer_kinds), err));
    }
    TB_TRY(add_kinds(p, prefix, pooler_kinds, COUNT(pooler_kinds), err));
    return c->n_labels ? add_kinds(p, "", classifier_kinds, COUNT(classifier_kinds), err) : TIMBANG_OK;
}

static void plan_free(plan *p)
{
    free(p->tensors);
    free(p->fills);
    tb_arena_free(p->arena);
}

/* A run of values of one tensor, drawn in chunks: chunk c starts at counter c * 2^32 of the tensor's stream, so that
 * chunks may be drawn in any order. */
typedef struct draw {
    fill how;
    float sd;
    uint64_t seed, stream, first_chunk;
    float *out;
    size_t n;
} draw;

static void draw_normal(tb_rng *rng, float sd, float *out, size_t n)
{
    for (size_t i = 0; i < n; i += 2) {
        double pair[2];
        tb_rng_normal_pair(rng, pair);
        out[i] = (float)pair[0] * sd;
        if (i + 1 < n)
            out[i + 1] = (float)pair[1] * sd;
    }
}

static void draw_chunks(void *arg, int thread, int n_threads)
{
    const draw *d = arg;
    size_t begin, end;
    tb_share(d->n, CHUNK, thread, n_threads, &begin, &end);
    for (size_t i = begin; i < end; i += CHUNK) {
        size_t n = end - i < CHUNK ? end - i : CHUNK;
        tb_rng rng = tb_rng_make(d->seed, d->stream);
        rng.counter = (d->first_chunk + i / CHUNK) << 32;
        if (d->how == FILL_NORMAL)
            draw_normal(&rng, d->sd, d->out + i, n);
        else
            for (size_t j = 0; j < n; j++)
                d->out[i + j] = d->how == FILL_ONE ? 1.0F : 0.0F;
    }
}

static timbang_status write_tensor(const timbang_context *ctx, const tb_tensor *tensor, draw *d,
                                   tb_safetensors_writer *writer, tb_error *err)
{
    d->stream = tb_hash64(tensor->name, strlen(tensor->name));
    d->first_chunk = 0;
    for (uint64_t left = tensor->elements; left > 0; left -= d->n) {
        d->n = left < RUN ? (size_t)left : RUN;
        tb_pool_run(ctx->pool, draw_chunks, d);
        TB_TRY(tb_safetensors_write(writer, d->out, d->n * sizeof *d->out, err));
        TB_TRY(tb_check_cancel(&ctx->hooks, err));
        d->first_chunk += RUN / CHUNK;
    }
    return TIMBANG_OK;
}

static timbang_status write_tensors(const timbang_context *ctx, const plan *p, uint64_t seed, const char *path,
                                    tb_error *err)
{
    uint64_t total = 0, done = 0;
    for (size_t i = 0; i < p->n; i++)
        total += p->tensors[i].elements;
    draw d = {.sd = (float)p->config->initializer_range, .seed = seed, .out = tb_calloc(RUN, sizeof *d.out, err)};
    if (!d.out)
        return err->status;
    tb_safetensors_writer *writer = NULL;
    timbang_status status = tb_safetensors_create(path, p->tensors, p->n, &writer, err);
    for (size_t i = 0; status == TIMBANG_OK && i < p->n; i++) {
        d.how = p->fills[i];
        status = write_tensor(ctx, &p->tensors[i], &d, writer, err);
        done += p->tensors[i].elements;
        tb_progress(&ctx->hooks, "drawing weights", done, total);
    }
    free(d.out);
    if (status == TIMBANG_OK)
        return tb_safetensors_commit(writer, err);
    tb_safetensors_abandon(writer);
    return status;
}

/* config.json as given, with what transformers needs to load the folder. */
static timbang_status write_config(const tb_config *config, const char *dir, tb_error *err)
{
    json_t *json = NULL;
    if (config->n_labels) {
        json = tb_config_to_json(config, NULL, "float32", err);
    } else if ((json = json_deep_copy(config->raw))) {
        json_object_set_new(json, "architectures", json_pack("[s]", "BertModel"));
        json_object_set_new(json, "torch_dtype", json_string("float32"));
        json_object_del(json, "dtype");
    }
    if (!json)
        return err->status ? err->status : tb_no_memory(err, 0);
    char *path = tb_path_join(dir, "config.json", err);
    timbang_status status = path ? tb_json_write_file(path, json, err) : err->status;
    free(path);
    json_decref(json);
    return status;
}

/* The sidecar: where the weights come from. The seed is no part of the recipe, so that models which differ by it alone
 * are recognized by the recipe's hash. */
static timbang_status write_sidecar(const tb_config *c, uint64_t seed, const char *dir, tb_error *err)
{
    char *text = NULL, *path = NULL, hex[65];
    json_t *recipe =
        json_pack("{s:s, s:f, s:I, s:I, s:I, s:I, s:I, s:I}", "weights", "random-normal", "initializer_range",
                  c->initializer_range, "num_hidden_layers", (json_int_t)c->num_hidden_layers, "hidden_size",
                  (json_int_t)c->hidden_size, "intermediate_size", (json_int_t)c->intermediate_size, "vocab_size",
                  (json_int_t)c->vocab_size, "max_position_embeddings", (json_int_t)c->max_position_embeddings,
                  "labels", (json_int_t)c->n_labels);
    timbang_status status = recipe ? tb_json_compact(recipe, &text, err) : tb_no_memory(err, 0);
    if (status == TIMBANG_OK) {
        tb_sha256 hash;
        tb_sha256_init(&hash);
        tb_sha256_update(&hash, text, strlen(text));
        tb_sha256_final(&hash, hex);
        json_t *sidecar = json_pack("{s:s, s:s, s:s, s:O, s:s, s:I, s:n, s:b}", "timbang", timbang_version(), "role",
                                    "base", "scheme", "fp32", "recipe", recipe, "recipe_hash", hex, "seed",
                                    (json_int_t)seed, "parent_sha256", "untrained_head", c->n_labels > 0);
        path = tb_path_join(dir, "timbang.json", err);
        status = !sidecar ? tb_no_memory(err, 0) : !path ? err->status : tb_json_write_file(path, sidecar, err);
        json_decref(sidecar);
    }
    free(path);
    free(text);
    json_decref(recipe);
    return status;
}

static timbang_status copy_tokenizer(const tb_folder *from, const char *dir, tb_error *err)
{
    static const char *const files[] = {"tokenizer.json",          "vocab.txt",         "tokenizer_config.json",
                                        "special_tokens_map.json", "added_tokens.json", NULL};
    for (size_t i = 0; files[i]; i++) {
        if (!tb_folder_has(from, files[i]))
            continue;
        char *bytes = NULL, *path = NULL;
        size_t size = 0;
        TB_TRY(tb_folder_read(from, files[i], 0, &bytes, &size, err));
        path = tb_path_join(dir, files[i], err);
        timbang_status status = path ? tb_write_file(path, bytes, size, err) : err->status;
        free(path);
        free(bytes);
        if (status != TIMBANG_OK)
            return status;
    }
    return TIMBANG_OK;
}

static timbang_status write_folder(const timbang_context *ctx, const tb_config *config, const tb_folder *beside,
                                   uint64_t seed, const char *out, bool force, tb_error *err)
{
    plan p = {.config = config};
    tb_staged_folder staged = {0};
    timbang_status status = make_plan(&p, err);
    if (status == TIMBANG_OK)
        status = tb_staged_begin(out, force, &staged, err);
    if (status != TIMBANG_OK) {
        plan_free(&p);
        return status;
    }
    char *weights = tb_path_join(staged.staging, "model.safetensors", err);
    status = weights ? write_tensors(ctx, &p, seed, weights, err) : err->status;
    if (status == TIMBANG_OK)
        status = write_config(config, staged.staging, err);
    if (status == TIMBANG_OK)
        status = write_sidecar(config, seed, staged.staging, err);
    if (status == TIMBANG_OK)
        status = copy_tokenizer(beside, staged.staging, err);
    free(weights);
    plan_free(&p);
    if (status == TIMBANG_OK)
        return tb_staged_commit(&staged, err);
    tb_staged_abandon(&staged);
    return status;
}

/* The folder of a config: the path itself, or what holds the file. */
static timbang_status open_beside(const char *path, tb_folder **folder, tb_error *err)
{
    if (tb_is_directory(path))
        return tb_folder_open(path, folder, err);
    const char *slash = strrchr(path, '/');
    if (!slash)
        return tb_folder_open(".", folder, err);
    char *dir = tb_strndup(path, slash == path ? 1 : (size_t)(slash - path), err);
    if (!dir)
        return err->status;
    timbang_status status = tb_folder_open(dir, folder, err);
    free(dir);
    return status;
}

static timbang_status load_config(const char *path, const tb_folder *beside, tb_config *config, tb_error *err)
{
    if (tb_is_directory(path)) {
        TB_TRY(tb_config_load(beside, config, err));
    } else {
        char *bytes = NULL;
        size_t size = 0;
        TB_TRY(tb_read_file(path, 64U << 20, &bytes, &size, err));
        timbang_status status = tb_config_parse(path, bytes, size, config, err);
        free(bytes);
        TB_TRY(status);
    }
    if (config->quantization)
        return tb_fail(err, TIMBANG_UNSUPPORTED,
                       "%s: has a quantization_config; init makes float weights: remove it from a copy, or quantize "
                       "afterwards",
                       path);
    if (!(config->initializer_range > 0 && config->initializer_range <= 10))
        return tb_fail(err, TIMBANG_FORMAT, "%s: initializer_range is not a number above 0 and up to 10", path);
    return TIMBANG_OK;
}

static timbang_status init_model(timbang_context *ctx, const char *config_path, uint64_t seed, const char *out,
                                 bool force)
{
    tb_error *err = &ctx->err;
    if (!config_path || !*config_path)
        return tb_fail(err, TIMBANG_USAGE, "no config.json was named");
    if (!out || !*out)
        return tb_fail(err, TIMBANG_USAGE, "no folder was named for the model (-o DIR)");
    if (seed > INT64_MAX)
        return tb_fail(err, TIMBANG_USAGE, "seed: at most 9223372036854775807");
    TB_TRY(tb_api_check_path(config_path, err));
    tb_folder *beside = NULL;
    TB_TRY(open_beside(config_path, &beside, err));
    tb_config config = {0};
    timbang_status status = load_config(config_path, beside, &config, err);
    if (status == TIMBANG_OK)
        status = write_folder(ctx, &config, beside, seed, out, force, err);
    tb_config_free(&config);
    tb_folder_close(beside);
    return status;
}

timbang_status timbang_init_model(timbang_context *ctx, const char *config_path, uint64_t seed, const char *out,
                                  int force)
{
    tb_fp_state fp;
    TB_TRY(tb_api_enter(ctx, &fp));
    return tb_api_leave(ctx, fp, init_model(ctx, config_path, seed, out, force != 0));
}
