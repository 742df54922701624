/* The front of checkpoints: which files of a folder are taken, what stands there instead, and the real models' values
 * against PyTorch's (as hashes). */
#include "help.h"

#include "base/sha256.h"
#include "formats/checkpoint.h"
#include "formats/safetensors.h"

/* A safetensors file of one U8 tensor of this name. */
static size_t tiny(const char *tensor, char out[256])
{
    int n = snprintf(out + 8, 200, "{\"%s\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", tensor);
    memset(out, 0, 8);
    out[0] = (char)n;
    out[8 + n] = 42;
    return (size_t)n + 9;
}

static timbang_status open_files(const tb_memory_file *files, size_t n, tb_checkpoint **checkpoint, tb_error *err)
{
    tb_folder *folder = NULL;
    *checkpoint = NULL;
    tb_error_clear(err);
    assert_ok(tb_folder_memory("M", files, n, &folder, err), err);
    timbang_status status = tb_checkpoint_open_folder(folder, checkpoint, err);
    tb_folder_close(folder);
    return status;
}

static void test_order_of_preference(void **state)
{
    (void)state;
    char one[256], two[256], *torch = NULL;
    size_t size1 = tiny("single", one), size2 = tiny("shard", two), torch_size = 0;
    golden_bytes("zip_simple.bin", &torch, &torch_size);
    static const char index[] = "{\"weight_map\":{\"shard\":\"s.safetensors\"}}";
    const tb_memory_file files[] = {{"pytorch_model.bin", torch, torch_size},
                                    {"adapter_config.json", "{}", 2},
                                    {"s.safetensors", two, size2},
                                    {"model.safetensors.index.json", index, sizeof index - 1},
                                    {"model.safetensors", one, size1}};
    tb_checkpoint *checkpoint;
    tb_error err;
    assert_ok(open_files(files, 5, &checkpoint, &err), &err);
    assert_non_null(tb_checkpoint_find(checkpoint, "single"));
    tb_checkpoint_close(checkpoint);
    assert_ok(open_files(files, 4, &checkpoint, &err), &err);
    assert_non_null(tb_checkpoint_find(checkpoint, "shard"));
    tb_checkpoint_close(checkpoint);
    assert_ok(open_files(files, 2, &checkpoint, &err), &err);
    assert_string_equal(tb_checkpoint_container(checkpoint), "torch-zip");
    tb_checkpoint_close(checkpoint);
    /* What the file is called decides nothing but the error's wording. */
    tb_memory_file renamed = {"pytorch_model.bin", one, size1};
    assert_ok(open_files(&renamed, 1, &checkpoint, &err), &err);
    assert_string_equal(tb_checkpoint_container(checkpoint), "safetensors");
    tb_checkpoint_close(checkpoint);
    free(torch);
}

static void test_nothing_there(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        timbang_status status;
        const char *text;
    } cases[] = {
        {"readme.txt", TIMBANG_NOT_FOUND, "model.safetensors, model.safetensors.index.json and pytorch_model.bin"},
        {"adapter_config.json", TIMBANG_UNSUPPORTED, "merge_and_unload"},
        {"adapter_model.safetensors", TIMBANG_UNSUPPORTED, "LoRA adapter"},
        {"adapter_model.bin", TIMBANG_UNSUPPORTED, "LoRA adapter"},
        {"pytorch_model.bin.index.json", TIMBANG_UNSUPPORTED, "sharded PyTorch"},
        {"tf_model.h5", TIMBANG_UNSUPPORTED, "TensorFlow"},
        {"flax_model.msgpack", TIMBANG_UNSUPPORTED, "Flax"},
        {"model.onnx", TIMBANG_UNSUPPORTED, "ONNX"},
    };
    tb_checkpoint *checkpoint;
    tb_error err;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tb_memory_file file = {cases[i].file, "{}", 2};
        assert_refused(cases[i].file, open_files(&file, 1, &checkpoint, &err), &err, cases[i].status, cases[i].text);
    }
}

static void test_wrong_content(void **state)
{
    (void)state;
    static const struct {
        const char *file, *bytes;
        timbang_status status;
        const char *text;
    } cases[] = {
        {"model.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 34\n", TIMBANG_FORMAT,
         "git lfs pull"},
        {"pytorch_model.bin", "version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 34\n", TIMBANG_FORMAT,
         "git lfs pull"},
        {"model.safetensors", "GGUF\x03", TIMBANG_UNSUPPORTED, "GGUF"},
        {"pytorch_model.bin", "\x89HDF\r\n", TIMBANG_UNSUPPORTED, "TensorFlow"},
        {"pytorch_model.bin", "<!DOCTYPE html>", TIMBANG_FORMAT, "begins with the bytes 3c 21 44 4f"},
        {"pytorch_model.bin", "", TIMBANG_FORMAT, "neither safetensors nor a PyTorch checkpoint"},
        {"pytorch_model.bin", "PK\x03\x04", TIMBANG_FORMAT, "end record is missing"},
        {"pytorch_model.bin", "\x80\x02}.", TIMBANG_UNSUPPORTED, "plain pickle"},
        {"pytorch_model.bin",
         "\x80\x02"
         "cposix\nsystem\n.",
         TIMBANG_UNSUPPORTED, "posix.system"},
    };
    tb_checkpoint *checkpoint;
    tb_error err;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tb_memory_file file = {cases[i].file, cases[i].bytes, strlen(cases[i].bytes)};
        assert_refused(cases[i].text, open_files(&file, 1, &checkpoint, &err), &err, cases[i].status, cases[i].text);
        assert_memory_equal(err.text, "M/", 2);
    }
}

static void test_files_on_disk(void **state)
{
    (void)state;
    char *dir = make_temp(), bytes[256], message[100];
    tb_error err = {0};
    tb_checkpoint *checkpoint = NULL;
    size_t size = tiny("a", bytes);
    char *shard = tb_path_join(dir, "s.safetensors", &err), *odd = tb_path_join(dir, "weights.pt", &err);
    char *index = tb_path_join(dir, "model.safetensors.index.json", &err);
    static const char map[] = "{\"weight_map\":{\"a\":\"s.safetensors\"}}";
    assert_ok(tb_write_file(shard, bytes, size, &err), &err);
    assert_ok(tb_write_file(odd, bytes, size, &err), &err);
    assert_ok(tb_write_file(index, map, sizeof map - 1, &err), &err);
    char *paths[] = {shard, odd, index};
    for (size_t i = 0; i < 3; i++) {
        assert_ok(tb_checkpoint_open_file(paths[i], &checkpoint, &err), &err);
        assert_string_equal(tb_checkpoint_name(checkpoint), paths[i]);
        unsigned char value = 0;
        assert_ok(tb_checkpoint_read(checkpoint, tb_checkpoint_find(checkpoint, "a"), 0, 1, &value, &err), &err);
        assert_int_equal(value, 42);
        tb_checkpoint_close(checkpoint);
        free(paths[i]);
    }
    char *missing = tb_path_join(dir, "missing.bin", &err);
    snprintf(message, sizeof message, "missing.bin");
    assert_refused("missing", tb_checkpoint_open_file(missing, &checkpoint, &err), &err, TIMBANG_NOT_FOUND, message);
    assert_refused("folder", tb_checkpoint_open_file(dir, &checkpoint, &err), &err, TIMBANG_IO, "folder");
    free(missing);
    drop_temp(dir);
}

/* A non-contiguous tensor too large for one cheap block, read row by row and whole. */
static void test_large_strides(void **state)
{
    (void)state;
    enum { ROWS = 1100, COLUMNS = 1000 };
    char header[512];
    int n = snprintf(header, sizeof header,
                     "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\x80\x02}."
                     "\x80\x02}U\x01w"
                     "ctorch._utils\n_rebuild_tensor_v2\n((U\x07storagectorch\nFloatStorage\n"
                     "U\x01kU\x03"
                     "cpuI%d\nNtQI0\nI%d\nI%d\n\x86I1\nI%d\n\x86\x89NtRs.\x80\x02]U\x01k"
                     "a.",
                     ROWS * COLUMNS, COLUMNS, ROWS, COLUMNS);
    size_t data = ROWS * COLUMNS * sizeof(float), size = (size_t)n + 8 + data;
    char *bytes = calloc(size, 1);
    assert_non_null(bytes);
    memcpy(bytes, header, (size_t)n);
    uint64_t count = ROWS * COLUMNS;
    memcpy(bytes + n, &count, 8);
    for (uint32_t i = 0; i < ROWS * COLUMNS; i++) {
        float value = (float)i;
        memcpy(bytes + n + 8 + (size_t)i * 4, &value, 4);
    }
    tb_memory_file file = {"pytorch_model.bin", bytes, size};
    tb_checkpoint *checkpoint;
    tb_error err;
    assert_ok(open_files(&file, 1, &checkpoint, &err), &err);
    const tb_tensor *w = tb_checkpoint_find(checkpoint, "w"); /* the transpose: [COLUMNS][ROWS] */
    float *out = calloc(ROWS * COLUMNS, sizeof *out);
    assert_ok(tb_checkpoint_read_f32(checkpoint, w, 0, ROWS * COLUMNS, out, &err), &err);
    for (size_t j = 0; j < COLUMNS; j++)
        for (size_t i = 0; i < ROWS; i++)
            if (out[j * ROWS + i] != (float)(i * COLUMNS + j))
                fail_msg("[%zu, %zu] is %g", j, i, (double)out[j * ROWS + i]);
    assert_ok(tb_checkpoint_read_f32(checkpoint, w, 7 * ROWS + 3, 20, out, &err), &err);
    for (size_t i = 0; i < 20; i++)
        assert_true(out[i] == (float)((i + 3) * COLUMNS + 7));
    tb_checkpoint_close(checkpoint);
    free(out);
    free(bytes);
}

static void hash_tensor(const tb_checkpoint *checkpoint, const tb_tensor *tensor, char hex[65])
{
    enum { PORTION = 100003 };
    float *values = calloc(PORTION, sizeof *values);
    tb_error err;
    tb_sha256 hash;
    tb_sha256_init(&hash);
    for (uint64_t first = 0; first < tensor->elements; first += PORTION) {
        uint64_t n = tensor->elements - first < PORTION ? tensor->elements - first : PORTION;
        assert_ok(tb_checkpoint_read_f32(checkpoint, tensor, first, n, values, &err), &err);
        tb_sha256_update(&hash, values, (size_t)n * sizeof *values);
    }
    tb_sha256_final(&hash, hex);
    free(values);
}

static void test_real_models(void **state)
{
    (void)state;
    char *models = env_path("TIMBANG_SHARED", "models");
    if (!models || !tb_is_directory(models)) {
        print_message("skipped: TIMBANG_SHARED/models is not there\n");
        free(models);
        skip();
    }
    json_t *all = golden_json("models.json"), *want;
    const char *name;
    json_object_foreach(all, name, want)
    {
        tb_error err = {0};
        tb_folder *folder = NULL;
        tb_checkpoint *checkpoint = NULL;
        char *path = tb_path_join(models, name, &err);
        assert_ok(tb_folder_open(path, &folder, &err), &err);
        assert_ok(tb_checkpoint_open_folder(folder, &checkpoint, &err), &err);
        assert_int_equal(tb_checkpoint_n(checkpoint), json_object_size(want));
        const char *tensor_name;
        json_t *entry;
        json_object_foreach(want, tensor_name, entry)
        {
            const tb_tensor *tensor = tb_checkpoint_find(checkpoint, tensor_name);
            assert_non_null(tensor);
            const json_t *shape = json_object_get(entry, "shape");
            assert_int_equal(tensor->rank, json_array_size(shape));
            for (uint32_t i = 0; i < tensor->rank; i++)
                assert_int_equal(tensor->shape[i], json_integer_value(json_array_get(shape, i)));
            char hex[65];
            hash_tensor(checkpoint, tensor, hex);
            assert_string_equal(hex, json_string_value(json_object_get(entry, "sha256")));
        }
        tb_checkpoint_close(checkpoint);
        tb_folder_close(folder);
        free(path);
    }
    json_decref(all);
    free(models);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_of_preference), cmocka_unit_test(test_nothing_there),
        cmocka_unit_test(test_wrong_content),       cmocka_unit_test(test_files_on_disk),
        cmocka_unit_test(test_large_strides),       cmocka_unit_test(test_real_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
