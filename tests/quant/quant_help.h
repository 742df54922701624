/* What the tests of weights and quantization share: golden values, small files of tensors, random numbers.
 * Includes: tests/formats/help.h, formats. Called by: tests/quant, tests/formats/test_weights*.c. */
#ifndef TB_TEST_QUANT_HELP_H
#define TB_TEST_QUANT_HELP_H

#include "../formats/help.h"

#include "formats/safetensors.h"
#include "formats/weights_internal.h"

static inline json_t *quant_golden(const char *part, json_t **root)
{
    tb_error err = {0};
    char *path = env_path("TIMBANG_SOURCE", "tests/golden/quant_golden.json");
    assert_non_null(path);
    assert_ok(tb_json_load_file(path, root, &err), &err);
    free(path);
    json_t *value = json_object_get(*root, part);
    assert_true(json_array_size(value) > 0);
    return value;
}

static inline double golden_number(const json_t *object, const char *key, size_t i)
{
    const json_t *value = json_array_get(json_object_get(object, key), i);
    assert_true(json_is_number(value));
    return json_number_value(value);
}

static inline size_t golden_size(const json_t *object, const char *key)
{
    return (size_t)json_integer_value(json_object_get(object, key));
}

/* A tensor of a test file. */
typedef struct test_tensor {
    const char *name;
    tb_dtype dtype;
    uint32_t rank;
    uint64_t shape[2];
    const void *bytes;
} test_tensor;

/* DIR/model.safetensors */
static inline void write_tensors(const char *dir, const test_tensor *tensors, size_t n)
{
    tb_error err = {0};
    tb_tensor *headers = tb_calloc(n, sizeof *headers, &err);
    for (size_t i = 0; i < n; i++) {
        const test_tensor *t = &tensors[i];
        headers[i] = (tb_tensor){.name = t->name, .dtype = t->dtype, .rank = t->rank, .elements = 1};
        for (uint32_t k = 0; k < t->rank; k++) {
            headers[i].shape[k] = t->shape[k];
            headers[i].elements *= t->shape[k];
        }
        headers[i].bytes = headers[i].elements * tb_dtype_bytes(t->dtype);
    }
    char *path = tb_path_join(dir, "model.safetensors", &err);
    tb_safetensors_writer *writer;
    assert_ok(tb_safetensors_create(path, headers, n, &writer, &err), &err);
    for (size_t i = 0; i < n; i++)
        assert_ok(tb_safetensors_write(writer, tensors[i].bytes, (size_t)headers[i].bytes, &err), &err);
    assert_ok(tb_safetensors_commit(writer, &err), &err);
    free(path);
    free(headers);
}

static inline tb_state_dict *open_state(const char *dir)
{
    tb_error err = {0};
    tb_folder *folder;
    tb_checkpoint *checkpoint;
    tb_state_dict *state;
    assert_ok(tb_folder_open(dir, &folder, &err), &err);
    assert_ok(tb_checkpoint_open_folder(folder, &checkpoint, &err), &err);
    assert_ok(tb_state_dict_open(checkpoint, &state, &err), &err);
    tb_folder_close(folder);
    return state;
}

/* A map from the text of a quantization_config; NULL and *status otherwise. */
static inline tb_quant_map *read_map(const char *text, timbang_status *status, tb_error *err)
{
    json_t *json = NULL;
    tb_quant_map *map = NULL;
    *status = tb_json_parse("config.json", text, strlen(text), 0, &json, err);
    if (*status == TIMBANG_OK) {
        tb_config config = {.quantization = json};
        *status = tb_quant_map_load(&config, "config.json", &map, err);
    }
    json_decref(json);
    return *status == TIMBANG_OK ? map : NULL;
}

#define TEST_CONFIG(groups)                                                                                            \
    "{\"quant_method\":\"compressed-tensors\",\"format\":\"mixed-precision\",\"quantization_status\":\"compressed\","  \
    "\"config_groups\":{" groups "},\"ignore\":[]}"
#define TEST_TOKEN "{\"num_bits\":8,\"type\":\"int\",\"symmetric\":true,\"strategy\":\"token\",\"dynamic\":true}"

/* A plain generator: the same values everywhere. */
static inline uint32_t test_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 32);
}

/* Roughly normal, mean 0, sd 1. */
static inline float test_normal(uint64_t *state)
{
    float sum = 0;
    for (int i = 0; i < 12; i++)
        sum += (float)(test_random(state) >> 8) / 16777216.0f;
    return sum - 6;
}

#endif
