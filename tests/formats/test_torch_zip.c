/* PyTorch's zip container: files that PyTorch wrote, and every way in which one can be broken. */
#include "help_torch.h"

static void test_golden(void **state)
{
    (void)state;
    json_t *all = golden_json("torch.json");
    const char *file;
    json_t *want;
    size_t seen = 0;
    json_object_foreach(all, file, want)
    {
        if (strncmp(file, "zip_", 4) == 0) {
            check_golden(all, file);
            seen++;
        }
    }
    assert_true(seen >= 14);
    json_decref(all);
}

static void test_refused(void **state)
{
    (void)state;
    remove("timbang-hostile-pickle-ran");
    check_refused_file("zip_hostile.bin", TIMBANG_UNSUPPORTED, "posix.system");
    check_refused_file("zip_hostile_eval.bin", TIMBANG_UNSUPPORTED, "__builtin__.eval");
    FILE *ran = fopen("timbang-hostile-pickle-ran", "r");
    assert_null(ran);
    check_refused_file("zip_quantized.bin", TIMBANG_UNSUPPORTED, "torch-quantized pickle");
    check_refused_file("zip_quantized.bin", TIMBANG_UNSUPPORTED, "give the float checkpoint");
    check_refused_file("zip_whole_model.bin", TIMBANG_UNSUPPORTED, "torch.nn.modules.linear.Linear");
    check_refused_file("zip_whole_model.bin", TIMBANG_UNSUPPORTED, "model.state_dict()");
    check_refused_file("zip_float8.bin", TIMBANG_UNSUPPORTED, "torch._utils._rebuild_tensor_v3");
    check_refused_file("zip_tensor.bin", TIMBANG_UNSUPPORTED, "a single tensor");
    check_refused_file("zip_no_tensors.bin", TIMBANG_UNSUPPORTED, "its keys ('epoch', ...)");
    check_refused_file("zip_compressed.bin", TIMBANG_UNSUPPORTED, "is compressed (method 8)");
    check_refused_file("zip_compressed.bin", TIMBANG_UNSUPPORTED, "the record zip_simple/");
    check_refused_file("zip_script.bin", TIMBANG_UNSUPPORTED, "TorchScript");
}

static void test_prefixes_and_flips(void **state)
{
    (void)state;
    check_all_prefixes("zip_simple.bin");
    check_all_prefixes("zip_zip64.bin");
    check_all_flips("zip_rezipped.bin", 0xff);
    check_all_flips("zip_zip64.bin", 0x41);
    check_all_flips("zip_strided.bin", 0x80);
    check_all_flips("zip_strided.bin", 0x04);
}

/* ---- Patched archives ---- */

struct patch {
    const char *name, *find; /* the first occurrence after `after` */
    const char *after;
    size_t skip, length; /* bytes to step over from find; bytes to write */
    const char *bytes;
    timbang_status status;
    const char *text;
};

static char *find_bytes(char *bytes, size_t size, const char *what, size_t length)
{
    for (size_t i = 0; i + length <= size; i++)
        if (memcmp(bytes + i, what, length) == 0)
            return bytes + i;
    return NULL;
}

static void check_patch(const char *file, const struct patch *patch)
{
    char *bytes = NULL;
    size_t size = 0;
    golden_bytes(file, &bytes, &size);
    char *from = patch->after ? find_bytes(bytes, size, patch->after, strlen(patch->after)) : bytes;
    assert_non_null(from);
    char *at = find_bytes(from, size - (size_t)(from - bytes), patch->find, strlen(patch->find));
    assert_non_null(at);
    memcpy(at + patch->skip, patch->bytes, patch->length);
    tb_checkpoint *checkpoint = NULL;
    tb_error err;
    timbang_status status = open_torch_bytes(bytes, size, &checkpoint, &err);
    assert_refused(patch->name, status, &err, patch->status, patch->text);
    free(bytes);
}

static void test_patched(void **state)
{
    (void)state;
    /* Offsets: in a central record the flags are at 8, the method at 10, sizes at 20 and 24, the local header at 42;
     * in the end record the counts are at 8 and 10, the directory's size at 12 and its place at 16. */
    static const struct patch patches[] = {
        {"encrypted", "PK\x01\x02", NULL, 8, 1, "\x01", TIMBANG_UNSUPPORTED, "is encrypted"},
        {"compressed", "PK\x01\x02", NULL, 10, 1, "\x08", TIMBANG_UNSUPPORTED, "is compressed (method 8)"},
        {"two sizes", "PK\x01\x02", NULL, 20, 1, "\x07", TIMBANG_FORMAT, "two different sizes"},
        {"record beyond the file", "PK\x01\x02", NULL, 20, 8, "\xff\xff\0\0\xff\xff\0\0", TIMBANG_FORMAT,
         "lies outside the file"},
        {"header beyond the file", "PK\x01\x02", NULL, 42, 4, "\xff\xff\xff\x0f", TIMBANG_FORMAT,
         "lies outside the file"},
        {"header elsewhere", "PK\x01\x02", NULL, 42, 4, "\x01\0\0\0", TIMBANG_FORMAT, "not where"},
        {"no central record", "PK\x01\x02", NULL, 0, 1, "X", TIMBANG_FORMAT, "central directory is missing"},
        {"zero in a name", "PK\x01\x02", NULL, 46, 1, "\0", TIMBANG_FORMAT, "no proper name"},
        {"too many records", "PK\x05\x06", NULL, 8, 4, "\xf0\xff\xf0\xff", TIMBANG_FORMAT, "too small for its records"},
        {"directory outside", "PK\x05\x06", NULL, 12, 4, "\xff\xff\xff\x00", TIMBANG_FORMAT, "lies outside the file"},
        {"several disks", "PK\x05\x06", NULL, 4, 1, "\x01", TIMBANG_FORMAT, "one part of several"},
        {"no end", "PK\x05\x06", NULL, 0, 1, "X", TIMBANG_FORMAT, "end record is missing"},
        {"zip64 without locator", "PK\x05\x06", NULL, 10, 2, "\xff\xff", TIMBANG_FORMAT, "zip64 locator is missing"},
        {"a name twice", "data/1", "PK\x01\x02", 0, 6, "data/0", TIMBANG_FORMAT, "twice"},
        {"storage missing", "data/1", "PK\x01\x02", 0, 6, "data/9", TIMBANG_FORMAT, "/data/1 is missing"},
        {"pickle missing", "data.pkl", "PK\x01\x02", 0, 8, "data.pkx", TIMBANG_FORMAT, "without NAME/data.pkl"},
        {"big-endian", "little", NULL, 0, 6, "biggie", TIMBANG_UNSUPPORTED, "not little-endian"},
        {"storage of another size", "cpu", NULL, 6, 1, "\x07", TIMBANG_FORMAT, "7 elements of F32 are expected"},
    };
    for (size_t i = 0; i < sizeof patches / sizeof patches[0]; i++)
        check_patch("zip_rezipped.bin", &patches[i]);
    static const struct patch patches64[] = {
        {"zip64 end elsewhere", "PK\x06\x07", NULL, 8, 1, "\x01", TIMBANG_FORMAT, "zip64 end record"},
        {"zip64 end far away", "PK\x06\x07", NULL, 8, 8, "\xff\xff\xff\xff\xff\xff\xff\xff", TIMBANG_FORMAT,
         "zip64 end record lies outside"},
        {"zip64 count", "PK\x06\x06", NULL, 32, 8, "\xff\xff\xff\xff\xff\xff\xff\xff", TIMBANG_FORMAT, "too small"},
        {"zip64 directory wraps", "PK\x06\x06", NULL, 40, 16,
         "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", TIMBANG_FORMAT, "lies outside"},
        {"zip64 field cut", "\x01\0\x18\0", NULL, 2, 1, "\x08", TIMBANG_FORMAT, "zip64 field"},
    };
    for (size_t i = 0; i < 4; i++)
        check_patch("zip_zip64.bin", &patches64[i]);
}

/* Bytes before the first record, and a comment at the end: the second is legal, the first is not ours. */
static void test_comment(void **state)
{
    (void)state;
    char *bytes = NULL;
    size_t size = 0;
    golden_bytes("zip_simple.bin", &bytes, &size);
    char *longer = calloc(size + 300, 1);
    memcpy(longer, bytes, size);
    longer[size - 2] = (char)(300 & 0xff);
    longer[size - 1] = (char)(300 >> 8);
    tb_checkpoint *checkpoint = NULL;
    tb_error err;
    assert_ok(open_torch_bytes(longer, size + 300, &checkpoint, &err), &err);
    tb_checkpoint_close(checkpoint);
    checkpoint = NULL;
    assert_refused("garbage", open_torch_bytes(longer, size + 299, &checkpoint, &err), &err, TIMBANG_FORMAT,
                   "end record is missing");
    free(longer);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),  cmocka_unit_test(test_refused), cmocka_unit_test(test_prefixes_and_flips),
        cmocka_unit_test(test_patched), cmocka_unit_test(test_comment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
