/* Writing safetensors: exact bytes, alignment, what is refused, and nothing left behind. */
#include "help.h"

#include "formats/checkpoint.h"
#include "formats/safetensors.h"

static const tb_tensor three[] = {
    {.name = "layer.weight", .dtype = TB_F32, .rank = 2, .shape = {2, 3}},
    {.name = "scale", .dtype = TB_BF16, .rank = 1, .shape = {3}},
    {.name = "odd \"name\" \\ \xc3\xa9", .dtype = TB_I8, .rank = 0},
};

static timbang_status write_three(const char *path, size_t portion, size_t total, tb_error *err)
{
    unsigned char data[64];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)(i * 3);
    tb_safetensors_writer *writer = NULL;
    assert_ok(tb_safetensors_create(path, three, 3, &writer, err), err);
    for (size_t at = 0; at < total; at += portion) {
        size_t n = portion < total - at ? portion : total - at;
        timbang_status status = tb_safetensors_write(writer, data + at, n, err);
        if (status != TIMBANG_OK) {
            tb_safetensors_abandon(writer);
            return status;
        }
    }
    return tb_safetensors_commit(writer, err);
}

static void test_round_trip(void **state)
{
    (void)state;
    tb_error err = {0};
    char *dir = make_temp(), *path = tb_path_join(dir, "m.safetensors", &err), *bytes = NULL, *again = NULL;
    size_t size, size2;
    assert_ok(write_three(path, 31, 31, &err), &err);
    assert_ok(tb_read_file(path, 0, &bytes, &size, &err), &err);
    assert_ok(write_three(path, 1, 31, &err), &err); /* other portions, same bytes; the old file is replaced */
    assert_ok(tb_read_file(path, 0, &again, &size2, &err), &err);
    assert_int_equal(size, size2);
    assert_memory_equal(bytes, again, size);

    static const char header[] =
        "{\"__metadata__\":{\"format\":\"pt\"},"
        "\"layer.weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
        "\"scale\":{\"dtype\":\"BF16\",\"shape\":[3],\"data_offsets\":[24,30]},"
        "\"odd \\\"name\\\" \\\\ \xc3\xa9\":{\"dtype\":\"I8\",\"shape\":[],\"data_offsets\":[30,31]}}";
    size_t n = strlen(header), length = (size_t)(unsigned char)bytes[0] | (size_t)(unsigned char)bytes[1] << 8;
    assert_memory_equal(bytes + 8, header, n);
    assert_int_equal((8 + length) % 64, 0);
    assert_true(length < n + 64);
    for (size_t i = n; i < length; i++)
        assert_int_equal(bytes[8 + i], ' ');
    assert_memory_equal(bytes + 2, "\0\0\0\0\0\0", 6);
    assert_int_equal(size, 8 + length + 31);

    tb_checkpoint *checkpoint = NULL;
    assert_ok(tb_checkpoint_open_file(path, &checkpoint, &err), &err);
    assert_int_equal(tb_checkpoint_n(checkpoint), 3);
    for (size_t i = 0; i < 3; i++) {
        const tb_tensor *tensor = tb_checkpoint_tensor(checkpoint, i);
        assert_string_equal(tensor->name, three[i].name);
        assert_int_equal(tensor->dtype, three[i].dtype);
        assert_int_equal(tensor->rank, three[i].rank);
        assert_memory_equal(tensor->shape, three[i].shape, sizeof tensor->shape);
    }
    unsigned char last, *raw = calloc(6, 4);
    assert_ok(tb_checkpoint_read(checkpoint, tb_checkpoint_tensor(checkpoint, 2), 0, 1, &last, &err), &err);
    assert_int_equal(last, 90);
    assert_ok(tb_checkpoint_read(checkpoint, tb_checkpoint_tensor(checkpoint, 0), 0, 6, raw, &err), &err);
    for (unsigned i = 0; i < 24; i++)
        assert_int_equal(raw[i], i * 3);
    free(raw);
    tb_checkpoint_close(checkpoint);
    free(bytes);
    free(again);
    free(path);
    drop_temp(dir);
}

/* On failure neither the file nor a temporary one stays. */
static void test_incomplete(void **state)
{
    (void)state;
    tb_error err = {0};
    char *dir = make_temp(), *path = tb_path_join(dir, "m.safetensors", &err);
    assert_refused("too few", write_three(path, 31, 30, &err), &err, TIMBANG_INTERNAL, "30 of the 31 bytes");
    assert_refused("too many", write_three(path, 16, 32, &err), &err, TIMBANG_INTERNAL, "more than the 31 bytes");
    tb_safetensors_writer *writer = NULL;
    assert_ok(tb_safetensors_create(path, three, 3, &writer, &err), &err);
    tb_safetensors_abandon(writer);
    tb_safetensors_abandon(NULL);
    char command[600];
    snprintf(command, sizeof command, "test -z \"$(ls -A '%s')\"", dir);
    assert_int_equal(system(command), 0);
    free(path);
    drop_temp(dir);
}

static void test_refused(void **state)
{
    (void)state;
    tb_error err = {0};
    char *dir = make_temp(), *path = tb_path_join(dir, "m.safetensors", &err);
    tb_safetensors_writer *writer = NULL;
    const tb_tensor twice[] = {
        {.name = "a", .dtype = TB_U8}, {.name = "b", .dtype = TB_U8}, {.name = "a", .dtype = TB_I8}};
    const tb_tensor reserved[] = {{.name = "__metadata__", .dtype = TB_U8}};
    const tb_tensor huge[] = {{.name = "a", .dtype = TB_F32, .rank = 1, .shape = {(uint64_t)1 << 63}}};
    const tb_tensor control[] = {{.name = "a\n", .dtype = TB_U8}};
    assert_refused("twice", tb_safetensors_create(path, twice, 3, &writer, &err), &err, TIMBANG_INTERNAL, "twice");
    assert_refused("reserved", tb_safetensors_create(path, reserved, 1, &writer, &err), &err, TIMBANG_INTERNAL,
                   "reserved");
    assert_refused("huge", tb_safetensors_create(path, huge, 1, &writer, &err), &err, TIMBANG_INTERNAL, "impossible");
    assert_refused("control", tb_safetensors_create(path, control, 1, &writer, &err), &err, TIMBANG_INTERNAL,
                   "control");
    free(path);
    path = tb_path_join(dir, "missing/m.safetensors", &err);
    timbang_status status = tb_safetensors_create(path, three, 3, &writer, &err);
    assert_true(status == TIMBANG_NOT_FOUND || status == TIMBANG_IO);
    assert_null(writer);
    assert_ok(tb_safetensors_create("/dev/null/x", NULL, 0, &writer, &err) == TIMBANG_OK ? TIMBANG_INTERNAL
                                                                                         : TIMBANG_OK,
              &err);
    free(path);
    drop_temp(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_incomplete),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
