/* Every allocation of the readers and the writer fails in turn: the status is "out of memory", nothing is kept (a
 * sanitizer build tells of leaks), and without a failure the call succeeds. */
#include "help.h"

#include "formats/config.h"
#include "formats/safetensors.h"
#include "formats/state_dict.h"

/* The linker sends the allocations of our libraries here (--wrap); jansson keeps its own. */
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__real_aligned_alloc(size_t align, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t size);

static size_t left = SIZE_MAX; /* allocations until one fails */
static size_t failed;

static int fails(void)
{
    if (left == SIZE_MAX || left-- > 0)
        return 0;
    left = SIZE_MAX;
    failed++;
    return 1;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    return fails() ? NULL : __real_realloc(block, size);
}

void *__wrap_aligned_alloc(size_t align, size_t size)
{
    return fails() ? NULL : __real_aligned_alloc(align, size);
}

struct job {
    const char *name;
    timbang_status (*run)(const void *arg, tb_error *err);
    const void *arg;
    bool may_pass; /* some failure is tolerated on purpose: syncing the folder after a rename */
};

static void check_job(const struct job *job)
{
    for (size_t n = 0;; n++) {
        tb_error err = {0};
        failed = 0;
        left = n;
        timbang_status status = job->run(job->arg, &err);
        left = SIZE_MAX;
        if (!failed) {
            if (status != TIMBANG_OK)
                fail_msg("%s: %s", job->name, err.text);
            assert_true(n > 0);
            return;
        }
        if (status == TIMBANG_OK && job->may_pass)
            continue;
        if (status != TIMBANG_NO_MEMORY)
            fail_msg("%s: allocation %zu failed: %s '%s'", job->name, n, timbang_status_name(status), err.text);
        assert_non_null(strstr(err.text, "memory"));
        assert_true(n < 100000);
    }
}

static timbang_status open_all(const tb_folder *folder, tb_error *err)
{
    tb_checkpoint *checkpoint = NULL;
    tb_state_dict *state = NULL;
    TB_TRY(tb_checkpoint_open_folder(folder, &checkpoint, err));
    TB_TRY(tb_state_dict_open(checkpoint, &state, err));
    timbang_status status = TIMBANG_OK;
    for (size_t i = 0; i < tb_checkpoint_n(checkpoint) && status == TIMBANG_OK; i++) {
        const tb_tensor *tensor = tb_checkpoint_tensor(checkpoint, i);
        float values[64];
        if (tb_dtype_is_float(tensor->dtype) && tensor->elements <= 64)
            status = tb_checkpoint_read_f32(checkpoint, tensor, 0, tensor->elements, values, err);
    }
    tb_state_dict_close(state);
    return status;
}

static timbang_status run_torch(const void *arg, tb_error *err)
{
    const tb_memory_file *file = arg;
    tb_folder *folder = NULL;
    TB_TRY(tb_folder_memory("M", file, 1, &folder, err));
    timbang_status status = open_all(folder, err);
    tb_folder_close(folder);
    return status;
}

static timbang_status run_sharded(const void *arg, tb_error *err)
{
    tb_folder *folder = NULL;
    TB_TRY(tb_folder_memory("M", arg, 2, &folder, err));
    timbang_status status = open_all(folder, err);
    tb_folder_close(folder);
    return status;
}

static timbang_status run_config(const void *arg, tb_error *err)
{
    static const char *const labels[] = {"x", "y", "z"};
    tb_config config = {0};
    TB_TRY(tb_config_parse("C", arg, strlen(arg), &config, err));
    timbang_status status = tb_config_set_labels(&config, labels, 3, err);
    if (status == TIMBANG_OK) {
        json_t *json = tb_config_to_json(&config, NULL, "float32", err);
        status = json ? TIMBANG_OK : err->status;
        json_decref(json);
    }
    tb_config_free(&config);
    return status;
}

static timbang_status run_writer(const void *arg, tb_error *err)
{
    static const tb_tensor tensors[] = {{.name = "a", .dtype = TB_U8, .rank = 1, .shape = {4}},
                                        {.name = "b", .dtype = TB_U8, .rank = 1, .shape = {4}}};
    tb_safetensors_writer *writer = NULL;
    TB_TRY(tb_safetensors_create(arg, tensors, 2, &writer, err));
    timbang_status status = tb_safetensors_write(writer, "01234567", 8, err);
    if (status != TIMBANG_OK) {
        tb_safetensors_abandon(writer);
        return status;
    }
    return tb_safetensors_commit(writer, err);
}

static void test_failures(void **state)
{
    (void)state;
    static const char *const files[] = {"zip_strided.bin",    "zip_zip64.bin", "zip_proto0.bin",
                                        "legacy_strided.bin", "zip_bert.bin",  "zip_wrapped.bin"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char *bytes = NULL;
        size_t size = 0;
        golden_bytes(files[i], &bytes, &size);
        tb_memory_file file = {"pytorch_model.bin", bytes, size};
        check_job(&(struct job){files[i], run_torch, &file, false});
        free(bytes);
    }
    static const char header[] =
        "\x3b\0\0\0\0\0\0\0{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}     "
        "\0\0\x80?";
    static const char index[] = "{\"weight_map\":{\"a\":\"s.safetensors\"}}";
    const tb_memory_file shards[] = {{"model.safetensors.index.json", index, sizeof index - 1},
                                     {"s.safetensors", header, 8 + 0x3b + 4}};
    check_job(&(struct job){"sharded", run_sharded, shards, false});
    check_job(&(struct job){"config", run_config,
                            "{\"model_type\":\"bert\",\"vocab_size\":9,\"hidden_size\":8,\"num_hidden_layers\":1,"
                            "\"num_attention_heads\":1,\"intermediate_size\":8,\"id2label\":{\"0\":\"a\",\"1\":7}}",
                            false});
    char *dir = make_temp();
    tb_error err = {0};
    char *path = tb_path_join(dir, "m.safetensors", &err);
    check_job(&(struct job){"writer", run_writer, path, true});
    free(path);
    drop_temp(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_failures)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
