/* PyTorch's legacy container: files that PyTorch wrote, hand-made ones, and broken ones. */
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
        if (strncmp(file, "legacy_", 7) == 0) {
            check_golden(all, file);
            seen++;
        }
    }
    assert_int_equal(seen, 6);
    json_decref(all);
}

static void test_refused(void **state)
{
    (void)state;
    check_refused_file("legacy_hostile.bin", TIMBANG_UNSUPPORTED, "posix.system");
    check_all_prefixes("legacy_simple.bin");
    check_all_flips("legacy_simple.bin", 0xff);
    check_all_flips("legacy_strided.bin", 0x03);
}

/* ---- Hand-made files ---- */

#define MAGIC    "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
#define PROTOCOL "\x80\x02M\xe9\x03."
#define LITTLE   "\x80\x02}U\rlittle_endian\x88s."
#define BIG      "\x80\x02}U\rlittle_endian\x89s."
/* {"w": tensor of 2 x 2 with the given id, offset and strides}; the id is the rest of ('storage', Float, 'k', 'cpu' */
#define STATE(id, offset, stride)                                                                                      \
    "\x80\x02}U\x01wctorch._utils\n_rebuild_tensor_v2\n((U\x07storagectorch\nFloatStorage\nU\x01kU\x03"                \
    "cpu" id "tQK" offset "K\x02K\x02\x86" stride "\x89NtRs."
#define KEYS                                                                                                           \
    "\x80\x02]U\x01k"                                                                                                  \
    "a."
#define COUNT(n)    n "\0\0\0\0\0\0\0"
#define FLOATS      "\0\0\x80?\0\0\0@\0\0@@\0\0\x80@\0\0\xa0@\0\0\xc0@" /* 1 to 6 */
#define BYTES(text) (text), sizeof(text) - 1

static timbang_status open_parts(tb_checkpoint **checkpoint, tb_error *err, const char *bytes, size_t size)
{
    *checkpoint = NULL;
    return open_torch_bytes(bytes, size, checkpoint, err);
}

static void check_values(const char *bytes, size_t size, const float want[4])
{
    tb_checkpoint *checkpoint = NULL;
    tb_error err;
    float out[4];
    assert_ok(open_parts(&checkpoint, &err, bytes, size), &err);
    assert_ok(tb_checkpoint_read_f32(checkpoint, tb_checkpoint_find(checkpoint, "w"), 0, 4, out, &err), &err);
    assert_memory_equal(out, want, sizeof out);
    tb_checkpoint_close(checkpoint);
}

static void test_hand_made(void **state)
{
    (void)state;
    static const float plain[] = {1, 2, 3, 4}, shifted[] = {2, 4, 3, 5}, view[] = {3, 4, 5, 6};
    static const char row_major[] =
        MAGIC PROTOCOL LITTLE STATE("K\x06N", "\x00", "K\x02K\x01\x86") KEYS COUNT("\x06") FLOATS;
    check_values(BYTES(row_major), plain);
    static const char strided[] =
        MAGIC PROTOCOL LITTLE STATE("K\x06N", "\x01", "K\x01K\x02\x86") KEYS COUNT("\x06") FLOATS;
    check_values(BYTES(strided), shifted);
    /* A view of old files: (key, offset 2, 4 elements) of the storage. */
    static const char viewed[] =
        MAGIC PROTOCOL LITTLE STATE("K\x06(U\x01vK\x02K\x04t", "\x00", "K\x02K\x01\x86") KEYS COUNT("\x06") FLOATS;
    check_values(BYTES(viewed), view);
}

static void test_broken(void **state)
{
    (void)state;
    tb_checkpoint *c = NULL;
    tb_error err;
#define GOOD_STATE STATE("K\x06N", "\x00", "K\x02K\x01\x86")
#define REFUSED(what, expected, text, ...)                                                                             \
    do {                                                                                                               \
        static const char bytes_[] = __VA_ARGS__;                                                                      \
        assert_refused(what, open_parts(&c, &err, bytes_, sizeof bytes_ - 1), &err, expected, text);                   \
    } while (0)
    REFUSED("plain pickle", TIMBANG_UNSUPPORTED, "plain pickle", "\x80\x02}.");
    REFUSED("protocol", TIMBANG_FORMAT, "not 1001", MAGIC "\x80\x02M\xe8\x03.");
    REFUSED("system", TIMBANG_FORMAT, "no dict", MAGIC PROTOCOL "\x80\x02].");
    REFUSED("big-endian", TIMBANG_UNSUPPORTED, "big-endian", MAGIC PROTOCOL BIG);
    REFUSED("keys", TIMBANG_FORMAT, "no list", MAGIC PROTOCOL LITTLE GOOD_STATE "\x80\x02}.");
    REFUSED("key no string", TIMBANG_FORMAT, "no string",
            MAGIC PROTOCOL LITTLE GOOD_STATE "\x80\x02]K\x01"
                                             "a.");
    REFUSED("unknown key", TIMBANG_FORMAT, "storage x is listed",
            MAGIC PROTOCOL LITTLE GOOD_STATE "\x80\x02]U\x01xa." COUNT("\x06") FLOATS);
    REFUSED("key twice", TIMBANG_FORMAT, "listed twice",
            MAGIC PROTOCOL LITTLE GOOD_STATE "\x80\x02]U\x01"
                                             "kaU\x01ka." COUNT("\x06") FLOATS COUNT("\x06") FLOATS);
    REFUSED("key missing", TIMBANG_FORMAT, "missing in the list", MAGIC PROTOCOL LITTLE GOOD_STATE "\x80\x02].");
    REFUSED("count", TIMBANG_FORMAT, "has 5 elements", MAGIC PROTOCOL LITTLE GOOD_STATE KEYS COUNT("\x05") FLOATS);
    REFUSED("short data", TIMBANG_FORMAT, "truncated", MAGIC PROTOCOL LITTLE GOOD_STATE KEYS COUNT("\x06") "1234");
    REFUSED("huge storage", TIMBANG_FORMAT, "truncated",
            MAGIC PROTOCOL LITTLE STATE("\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7fN", "\x00", "K\x02K\x01\x86") KEYS
            "\xff\xff\xff\xff\xff\xff\xff\x7f" FLOATS);
    REFUSED("offset", TIMBANG_FORMAT, "reaches beyond",
            MAGIC PROTOCOL LITTLE STATE("K\x06N", "\x03", "K\x02K\x01\x86") KEYS COUNT("\x06") FLOATS);
    REFUSED("offset beyond all", TIMBANG_FORMAT, "starts at element 7",
            MAGIC PROTOCOL LITTLE STATE("K\x06N", "\x07", "K\x02K\x01\x86") KEYS COUNT("\x06") FLOATS);
    REFUSED("stride", TIMBANG_FORMAT, "with strides [5, 1] reaches beyond",
            MAGIC PROTOCOL LITTLE STATE("K\x06N", "\x00", "K\x05K\x01\x86") KEYS COUNT("\x06") FLOATS);
    REFUSED(
        "stride overflows", TIMBANG_FORMAT, "reaches beyond",
        MAGIC PROTOCOL LITTLE STATE(
            "K\x06N", "\x00", "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x86")
            KEYS COUNT("\x06") FLOATS);
    REFUSED("negative stride", TIMBANG_FORMAT, "integers from 0",
            MAGIC PROTOCOL LITTLE STATE("K\x06N", "\x00", "J\xff\xff\xff\xffK\x01\x86"));
    REFUSED("view beyond", TIMBANG_FORMAT, "view of storage k",
            MAGIC PROTOCOL LITTLE STATE("K\x06(U\x01vK\x03K\x04t", "\x00", "K\x02K\x01\x86"));
    REFUSED("beyond the view", TIMBANG_FORMAT, "reaches beyond the 12 bytes",
            MAGIC PROTOCOL LITTLE STATE("K\x06(U\x01vK\x02K\x03t", "\x00", "K\x02K\x01\x86") KEYS COUNT("\x06") FLOATS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_hand_made),
        cmocka_unit_test(test_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
