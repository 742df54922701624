/* SPDX-License-Identifier: Apache-2.0
 * Hashes of files, and bytes by part of a model.
 * Includes: study/facts.h, base, formats, text, quant (hash). Called by: study/plan, study/variants. */
#include "study/facts.h"

#include "base/sha256.h"
#include "quant/record.h"
#include "study/record.h"
#include "text/tokenizer.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_SHARDS = 4096 };

const char *tb_part_name(tb_part part)
{
    static const char *const names[TB_PARTS] = {"embeddings", "encoder", "head", "other"};
    return names[part];
}

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static tb_part part_of(const char *canonical)
{
    if (!canonical)
        return TB_PART_OTHER;
    if (starts_with(canonical, "embeddings."))
        return TB_PART_EMBEDDINGS;
    if (starts_with(canonical, "encoder."))
        return TB_PART_ENCODER;
    if (starts_with(canonical, "pooler.") || starts_with(canonical, "classifier."))
        return TB_PART_HEAD;
    return TB_PART_OTHER;
}

timbang_status tb_parts_of(const tb_folder *folder, const char *weights_path, tb_parts *parts, tb_error *err)
{
    tb_checkpoint *checkpoint = NULL;
    tb_state_dict *state = NULL;
    TB_TRY(weights_path ? tb_checkpoint_open_file(weights_path, &checkpoint, err)
                        : tb_checkpoint_open_folder(folder, &checkpoint, err));
    TB_TRY(tb_state_dict_open(checkpoint, &state, err));
    checkpoint = NULL; /* the state dict's now */
    const tb_checkpoint *file = tb_state_dict_checkpoint(state);
    tb_parts found = {.file_bytes = tb_checkpoint_file_bytes(file)};
    uint64_t used = 0;
    for (size_t i = 0; i < tb_checkpoint_n(file); i++) {
        const tb_tensor *tensor = tb_checkpoint_tensor(file, i);
        const char *name = tb_state_dict_canonical(state, i);
        tb_part part = part_of(name);
        if (part == TB_PART_OTHER)
            continue;
        found.bytes[part] += tensor->bytes;
        found.elements[part] += tensor->elements;
        used += tensor->bytes;
        found.has_head = found.has_head || starts_with(name, "classifier.weight");
        found.has_pooler = found.has_pooler || starts_with(name, "pooler.dense.weight");
    }
    found.bytes[TB_PART_OTHER] = found.file_bytes > used ? found.file_bytes - used : 0;
    tb_state_dict_close(state);
    *parts = found;
    return TIMBANG_OK;
}

static timbang_status hash_source(const tb_source *source, char hex[65], tb_error *err)
{
    tb_sha256 hash;
    tb_sha256_init(&hash);
    timbang_status status = tb_hash_source(source, NULL, &hash, err);
    tb_sha256_final(&hash, hex);
    return status;
}

timbang_status tb_hash_file(const char *path, char hex[65], tb_error *err)
{
    tb_source *source = NULL;
    TB_TRY(tb_source_open(path, &source, err));
    timbang_status status = hash_source(source, hex, err);
    tb_source_close(source);
    return status;
}

/* folder NULL: name is a path. */
static timbang_status put_file(const tb_folder *folder, const char *name, json_t *list, tb_error *err)
{
    tb_source *source = NULL;
    char hex[65];
    TB_TRY(folder ? tb_folder_source(folder, name, &source, err) : tb_source_open(name, &source, err));
    timbang_status status = hash_source(source, hex, err);
    uint64_t bytes = tb_source_size(source);
    tb_source_close(source);
    if (status != TIMBANG_OK)
        return status;
    json_t *entry =
        json_pack("{s:o, s:o, s:s}", "file", tb_json_utf8(name), "bytes", tb_json_count(bytes), "sha256", hex);
    return tb_json_done(json_array_append_new(list, entry) != 0, err);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Every shard that the index names, once, in byte order of the names. */
static timbang_status put_shards(const tb_folder *folder, const char *index, json_t *list, tb_error *err)
{
    json_t *root = NULL;
    TB_TRY(tb_json_load(folder, index, &root, err));
    const char *names[MAX_SHARDS], *key;
    size_t n = 0;
    json_t *value;
    json_object_foreach(json_object_get(root, "weight_map"), key, value)
    {
        const char *name = json_string_value(value);
        bool seen = !name;
        for (size_t i = 0; i < n && !seen; i++)
            seen = strcmp(names[i], name) == 0;
        if (!seen && n < MAX_SHARDS)
            names[n++] = name;
    }
    qsort(names, n, sizeof names[0], compare_names);
    timbang_status status = TIMBANG_OK;
    for (size_t i = 0; i < n && status == TIMBANG_OK; i++)
        status = put_file(folder, names[i], list, err);
    json_decref(root);
    return status;
}

timbang_status tb_weights_facts(const tb_folder *folder, const char *weights_path, json_t **out, tb_error *err)
{
    static const char *const files[] = {"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin"};
    json_t *list = json_array();
    timbang_status status = tb_json_done(!list, err);
    if (status == TIMBANG_OK && weights_path)
        status = put_file(NULL, weights_path, list, err);
    for (size_t i = 0; !weights_path && i < sizeof files / sizeof files[0] && status == TIMBANG_OK; i++) {
        if (!tb_folder_has(folder, files[i]))
            continue;
        bool index = strstr(files[i], ".index.json") != NULL;
        status = index ? put_shards(folder, files[i], list, err) : put_file(folder, files[i], list, err);
        break;
    }
    if (status != TIMBANG_OK) {
        json_decref(list);
        return status;
    }
    *out = list;
    return TIMBANG_OK;
}

timbang_status tb_settings_facts(const tb_folder *folder, json_t **out, tb_error *err)
{
    json_t *list = json_array();
    timbang_status status = tb_json_done(!list, err);
    if (status == TIMBANG_OK && tb_folder_has(folder, "config.json"))
        status = put_file(folder, "config.json", list, err);
    for (size_t i = 0; tb_tokenizer_files[i] && status == TIMBANG_OK; i++)
        if (tb_folder_has(folder, tb_tokenizer_files[i]))
            status = put_file(folder, tb_tokenizer_files[i], list, err);
    if (status != TIMBANG_OK) {
        json_decref(list);
        return status;
    }
    *out = list;
    return TIMBANG_OK;
}
