/* Checks a golden PyTorch file against what PyTorch read from it. */
#ifndef TB_TEST_FORMATS_HELP_TORCH_H
#define TB_TEST_FORMATS_HELP_TORCH_H

#include "help.h"

#include "formats/checkpoint.h"

static inline void assert_hex(const char *what, const void *bytes, size_t n, const char *hex)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *b = bytes;
    if (strlen(hex) != 2 * n)
        fail_msg("%s: %zu bytes, %zu expected", what, n, strlen(hex) / 2);
    for (size_t i = 0; i < n; i++)
        if (digits[b[i] >> 4] != hex[2 * i] || digits[b[i] & 15] != hex[2 * i + 1])
            fail_msg("%s: byte %zu differs", what, i);
}

/* The whole tensor, in one read and in single elements. */
static inline void check_tensor(const tb_checkpoint *checkpoint, const tb_tensor *tensor, const json_t *want)
{
    tb_error err = {0};
    const char *name = tensor->name;
    assert_string_equal(name, json_string_value(json_object_get(want, "name")));
    assert_string_equal(tb_dtype_name(tensor->dtype), json_string_value(json_object_get(want, "dtype")));
    const json_t *shape = json_object_get(want, "shape");
    assert_int_equal(tensor->rank, json_array_size(shape));
    for (uint32_t i = 0; i < tensor->rank; i++)
        assert_int_equal(tensor->shape[i], json_integer_value(json_array_get(shape, i)));
    size_t n = (size_t)tensor->elements, width = tb_dtype_bytes(tensor->dtype);
    char *raw = calloc(n + 1, width);
    assert_ok(tb_checkpoint_read(checkpoint, tensor, 0, n, raw, &err), &err);
    const char *hex = json_string_value(json_object_get(want, "bytes"));
    assert_hex(name, raw, n * width, hex);
    memset(raw, 0, n * width);
    for (size_t i = 0; i < n; i++)
        assert_ok(tb_checkpoint_read(checkpoint, tensor, i, 1, raw + i * width, &err), &err);
    assert_hex(name, raw, n * width, hex);
    const char *f32 = json_string_value(json_object_get(want, "f32"));
    float *values = calloc(n + 1, sizeof *values);
    if (f32) {
        assert_ok(tb_checkpoint_read_f32(checkpoint, tensor, 0, n, values, &err), &err);
        assert_hex(name, values, n * sizeof *values, f32);
    }
    free(values);
    free(raw);
}

static inline void check_golden(const json_t *all, const char *file)
{
    const json_t *want = json_object_get(all, file), *tensors = json_object_get(want, "tensors");
    tb_error err = {0};
    tb_checkpoint *checkpoint = NULL;
    char *path = golden_path(file);
    assert_non_null(want);
    assert_ok(tb_checkpoint_open_file(path, &checkpoint, &err), &err);
    assert_string_equal(tb_checkpoint_container(checkpoint), json_string_value(json_object_get(want, "container")));
    assert_string_equal(tb_checkpoint_name(checkpoint), path);
    if (tb_checkpoint_n(checkpoint) != json_array_size(tensors))
        fail_msg("%s: %zu tensors", file, tb_checkpoint_n(checkpoint));
    for (size_t i = 0; i < tb_checkpoint_n(checkpoint); i++) {
        const tb_tensor *tensor = tb_checkpoint_tensor(checkpoint, i);
        check_tensor(checkpoint, tensor, json_array_get(tensors, i));
        assert_ptr_equal(tb_checkpoint_find(checkpoint, tensor->name), tensor);
    }
    tb_checkpoint_close(checkpoint);
    free(path);
}

static inline void check_refused_file(const char *file, timbang_status expected, const char *text)
{
    tb_error err = {0};
    tb_checkpoint *checkpoint = NULL;
    char *path = golden_path(file);
    timbang_status status = tb_checkpoint_open_file(path, &checkpoint, &err);
    assert_refused(file, status, &err, expected, text);
    if (!strstr(err.text, file))
        fail_msg("%s is not named: %s", file, err.text);
    free(path);
}

/* The bytes as pytorch_model.bin of a folder in memory. */
static inline timbang_status open_torch_bytes(const void *bytes, size_t size, tb_checkpoint **checkpoint, tb_error *err)
{
    tb_memory_file file = {"pytorch_model.bin", bytes, size};
    tb_folder *folder = NULL;
    tb_error_clear(err);
    assert_ok(tb_folder_memory("M", &file, 1, &folder, err), err);
    timbang_status status = tb_checkpoint_open_folder(folder, checkpoint, err);
    tb_folder_close(folder);
    return status;
}

/* Every prefix of a file must be refused; none may crash. */
static inline void check_all_prefixes(const char *file)
{
    char *bytes = NULL;
    size_t size = 0;
    golden_bytes(file, &bytes, &size);
    for (size_t n = 0; n < size; n++) {
        char *prefix = malloc(n ? n : 1); /* of its own, so that a sanitizer sees a read beyond it */
        memcpy(prefix, bytes, n);
        tb_checkpoint *checkpoint = NULL;
        tb_error err;
        timbang_status status = open_torch_bytes(prefix, n, &checkpoint, &err);
        if (status == TIMBANG_OK || checkpoint || err.text[0] == '\0')
            fail_msg("%s cut to %zu bytes was accepted", file, n);
        free(prefix);
    }
    free(bytes);
}

/* Each single byte changed: whatever is accepted must still read without touching anything outside. */
static inline void check_all_flips(const char *file, unsigned char with)
{
    char *bytes = NULL;
    size_t size = 0;
    golden_bytes(file, &bytes, &size);
    for (size_t at = 0; at < size; at++) {
        bytes[at] = (char)(bytes[at] ^ (char)with);
        tb_checkpoint *checkpoint = NULL;
        tb_error err;
        if (open_torch_bytes(bytes, size, &checkpoint, &err) == TIMBANG_OK) {
            for (size_t i = 0; i < tb_checkpoint_n(checkpoint); i++) {
                const tb_tensor *tensor = tb_checkpoint_tensor(checkpoint, i);
                char *raw = calloc((size_t)tensor->bytes + 1, 1);
                assert_ok(tb_checkpoint_read(checkpoint, tensor, 0, tensor->elements, raw, &err), &err);
                free(raw);
            }
        }
        tb_checkpoint_close(checkpoint);
        bytes[at] = (char)(bytes[at] ^ (char)with);
    }
    free(bytes);
}

#endif
