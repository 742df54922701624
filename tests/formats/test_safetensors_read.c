/* Reading safetensors: every malformed header by name, shards, values, and files that change under us. */
#include "help.h"

#include "base/text.h"
#include "formats/checkpoint.h"

#include <unistd.h>

/* Opens `size` bytes as the file model.safetensors of a folder in memory. */
static timbang_status open_bytes(const void *bytes, size_t size, tb_checkpoint **checkpoint, tb_error *err)
{
    tb_memory_file file = {"model.safetensors", bytes, size};
    tb_folder *folder = NULL;
    tb_error_clear(err);
    assert_ok(tb_folder_memory("M", &file, 1, &folder, err), err);
    timbang_status status = tb_checkpoint_open_folder(folder, checkpoint, err);
    tb_folder_close(folder);
    return status;
}

/* Length, header text and data_bytes bytes 0, 1, 2, ... */
static char *make_file(uint64_t length, const char *header, size_t data_bytes, size_t *size)
{
    size_t n = strlen(header);
    char *bytes = calloc(8 + n + data_bytes + 1, 1);
    assert_non_null(bytes);
    for (int i = 0; i < 8; i++)
        bytes[i] = (char)(unsigned char)(length >> (8 * i) & 0xff);
    memcpy(bytes + 8, header, n);
    for (size_t i = 0; i < data_bytes; i++)
        bytes[8 + n + i] = (char)(unsigned char)i;
    *size = 8 + n + data_bytes;
    return bytes;
}

struct bad_header {
    const char *name, *header;
    size_t data_bytes;
    timbang_status status;
    const char *text;
};

#define ONE(dtype, shape, begin, end)                                                                                  \
    "{\"a\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" begin "," end "]}}"
#define TWO(begin, end, begin2, end2)                                                                                  \
    "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[" begin "," end "]},"                                    \
    "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[" begin2 "," end2 "]}}"

static const struct bad_header bad_headers[] = {
    {"not an object", "[1,2]", 0, TIMBANG_FORMAT, "not a JSON object"},
    {"a string", "\"abc\"", 0, TIMBANG_FORMAT, "not a JSON object"},
    {"empty header", "", 0, TIMBANG_FORMAT, "not a JSON object"},
    {"leading space", " {}", 0, TIMBANG_FORMAT, "white space"},
    {"leading newline", "\n{}", 0, TIMBANG_FORMAT, "white space"},
    {"cut JSON", "{\"a\":", 0, TIMBANG_FORMAT, "header"},
    {"text after the object", "{} x", 0, TIMBANG_FORMAT, "header"},
    {"not UTF-8", "{\"\xff\":1}", 0, TIMBANG_FORMAT, "UTF-8"},
    {"overlong UTF-8", "{\"\xc0\xaf\":1}", 0, TIMBANG_FORMAT, "UTF-8"},
    {"duplicate keys",
     "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
     "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}",
     1, TIMBANG_FORMAT, "duplicate"},
    {"metadata no object", "{\"__metadata__\":[]}", 0, TIMBANG_FORMAT, "__metadata__"},
    {"metadata no strings", "{\"__metadata__\":{\"a\":1}}", 0, TIMBANG_FORMAT, "strings"},
    {"entry no object", "{\"a\":5}", 0, TIMBANG_FORMAT, "tensor a is described by no JSON object"},
    {"no dtype", "{\"a\":{\"shape\":[1],\"data_offsets\":[0,1]}}", 1, TIMBANG_FORMAT, "tensor a has no dtype"},
    {"unknown dtype", ONE("F33", "[1]", "0", "4"), 4, TIMBANG_FORMAT, "unknown dtype 'F33'"},
    {"foreign dtype", ONE("F8_E4M3", "[1]", "0", "1"), 1, TIMBANG_UNSUPPORTED, "tensor a is F8_E4M3"},
    {"no shape", "{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,1]}}", 1, TIMBANG_FORMAT, "no shape"},
    {"shape no array", ONE("U8", "5", "0", "5"), 5, TIMBANG_FORMAT, "no shape"},
    {"negative dimension", ONE("U8", "[-1]", "0", "1"), 1, TIMBANG_FORMAT, "whole numbers"},
    {"fractional dimension", ONE("U8", "[1.0]", "0", "1"), 1, TIMBANG_FORMAT, "whole numbers"},
    {"dimension beyond 64 bits", ONE("U8", "[99999999999999999999]", "0", "1"), 1, TIMBANG_FORMAT, "whole numbers"},
    {"absurd rank", ONE("U8", "[1,1,1,1,1,1,1,1,1]", "0", "1"), 1, TIMBANG_FORMAT, "9 dimensions"},
    {"shape overflows", ONE("U8", "[4294967296,4294967296]", "0", "0"), 0, TIMBANG_FORMAT, "overflows"},
    {"shape times dtype overflows", ONE("F64", "[4294967296,2147483648]", "0", "0"), 0, TIMBANG_FORMAT, "overflows"},
    {"shape wraps to the right size", ONE("F32", "[2147549185,2147418113]", "0", "4"), 4, TIMBANG_FORMAT, "overflows"},
    {"size differs from offsets", ONE("F32", "[3]", "0", "8"), 8, TIMBANG_FORMAT, "needs 12 bytes"},
    {"no offsets", "{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1, TIMBANG_FORMAT, "no data_offsets"},
    {"three offsets", "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1,2]}}", 1, TIMBANG_FORMAT,
     "no data_offsets"},
    {"negative offset", ONE("U8", "[1]", "-1", "0"), 1, TIMBANG_FORMAT, "whole numbers"},
    {"offsets as text", "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[\"0\",\"1\"]}}", 1, TIMBANG_FORMAT,
     "whole numbers"},
    {"reversed offsets", ONE("U8", "[4]", "4", "0"), 4, TIMBANG_FORMAT, "reversed"},
    {"not from 0", ONE("U8", "[4]", "1", "5"), 5, TIMBANG_FORMAT, "not at 0"},
    {"a hole", TWO("0", "4", "6", "10"), 10, TIMBANG_FORMAT, "2 bytes of no tensor"},
    {"overlap", TWO("0", "4", "2", "6"), 6, TIMBANG_FORMAT, "overlap"},
    {"same place", TWO("0", "4", "0", "4"), 4, TIMBANG_FORMAT, "overlap"},
    {"missing bytes", ONE("U8", "[4]", "0", "4"), 3, TIMBANG_FORMAT, "truncated"},
    {"missing all bytes", ONE("F32", "[1000000]", "0", "4000000"), 0, TIMBANG_FORMAT, "truncated"},
    {"trailing bytes", ONE("U8", "[4]", "0", "4"), 5, TIMBANG_FORMAT, "follow 1 bytes"},
    {"bytes of no tensor", "{}", 3, TIMBANG_FORMAT, "follow 3 bytes"},
    {"empty name", "{\"\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, TIMBANG_FORMAT, "is empty"},
    {"control character in the name", "{\"a\\nb\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1,
     TIMBANG_FORMAT, "control character"},
};

static void test_bad_headers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_headers / sizeof bad_headers[0]; i++) {
        const struct bad_header *bad = &bad_headers[i];
        tb_checkpoint *checkpoint = NULL;
        tb_error err;
        size_t size;
        char *bytes = make_file(strlen(bad->header), bad->header, bad->data_bytes, &size);
        timbang_status status = open_bytes(bytes, size, &checkpoint, &err);
        assert_refused(bad->name, status, &err, bad->status, bad->text);
        if (!strstr(err.text, "model.safetensors"))
            fail_msg("%s: the file is not named: %s", bad->name, err.text);
        assert_null(checkpoint);
        free(bytes);
    }
}

static void test_bad_lengths(void **state)
{
    (void)state;
    tb_checkpoint *checkpoint = NULL;
    tb_error err;
    size_t size;
    static const char seven[7] = {0};
    assert_refused("empty", open_bytes("", 0, &checkpoint, &err), &err, TIMBANG_FORMAT, "has 0 bytes");
    assert_refused("seven", open_bytes(seven, 7, &checkpoint, &err), &err, TIMBANG_FORMAT, "has 7 bytes");
    static const struct {
        uint64_t length;
        const char *text;
    } cases[] = {{3, "past the end"},
                 {100000000, "past the end"},
                 {100000001, "over the limit"},
                 {UINT64_MAX, "over the limit"},
                 {(uint64_t)1 << 63, "over the limit"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *bytes = make_file(cases[i].length, "{}", 0, &size);
        assert_refused("length", open_bytes(bytes, size, &checkpoint, &err), &err, TIMBANG_FORMAT, cases[i].text);
        free(bytes);
    }
    char *header = calloc(5000000, 1); /* 100001 tensors of no bytes */
    assert_non_null(header);
    size_t n = 1;
    header[0] = '{';
    for (int i = 0; i <= 100000; i++)
        n += (size_t)sprintf(header + n, "%s\"%d\":0", i ? "," : "", i);
    header[n] = '}';
    char *bytes = make_file(n + 1, header, 0, &size);
    assert_refused("count", open_bytes(bytes, size, &checkpoint, &err), &err, TIMBANG_FORMAT, "100001 tensors");
    free(bytes);
    free(header);
}

static void test_reads_values(void **state)
{
    (void)state;
    /* The header lists b before a; the data decide the order. Trailing spaces in the header are fine. */
    static const char header[] = "{\"__metadata__\":{\"format\":\"pt\"},"
                                 "\"b\":{\"dtype\":\"U8\",\"shape\":[2,3],\"data_offsets\":[8,14]},"
                                 "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"more\":1},"
                                 "\"zero\":{\"dtype\":\"F16\",\"shape\":[0,7],\"data_offsets\":[14,14]},"
                                 "\"scalar\":{\"dtype\":\"I16\",\"shape\":[],\"data_offsets\":[14,16]}}   ";
    size_t size;
    char *bytes = make_file(strlen(header), header, 16, &size);
    static const float values[2] = {1.5f, -2.25f};
    memcpy(bytes + 8 + strlen(header), values, sizeof values);
    tb_checkpoint *checkpoint = NULL;
    tb_error err = {0};
    assert_ok(open_bytes(bytes, size, &checkpoint, &err), &err);
    assert_string_equal(tb_checkpoint_container(checkpoint), "safetensors");
    assert_string_equal(tb_checkpoint_name(checkpoint), "M/model.safetensors");
    assert_int_equal(tb_checkpoint_file_bytes(checkpoint), size);
    static const char *const order[] = {"a", "b", "scalar", "zero"};
    assert_int_equal(tb_checkpoint_n(checkpoint), 4);
    size_t seen = 0;
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < 4; j++)
            seen += strcmp(tb_checkpoint_tensor(checkpoint, i)->name, order[j]) == 0;
    assert_int_equal(seen, 4);
    assert_string_equal(tb_checkpoint_tensor(checkpoint, 0)->name, "a");
    assert_string_equal(tb_checkpoint_tensor(checkpoint, 1)->name, "b");
    const tb_tensor *a = tb_checkpoint_find(checkpoint, "a"), *b = tb_checkpoint_find(checkpoint, "b");
    float out[2] = {0};
    assert_ok(tb_checkpoint_read_f32(checkpoint, a, 0, 2, out, &err), &err);
    assert_memory_equal(out, values, sizeof values);
    assert_ok(tb_checkpoint_read_f32(checkpoint, a, 1, 1, out, &err), &err);
    assert_true(out[0] == -2.25f);
    uint8_t raw[6];
    assert_ok(tb_checkpoint_read(checkpoint, b, 1, 5, raw, &err), &err);
    assert_memory_equal(raw, "\x09\x0a\x0b\x0c\x0d", 5);
    assert_int_equal(tb_checkpoint_find(checkpoint, "scalar")->elements, 1);
    assert_int_equal(tb_checkpoint_find(checkpoint, "zero")->elements, 0);
    assert_null(tb_checkpoint_find(checkpoint, "c"));
    char shape[160];
    assert_string_equal(tb_shape_text(b, shape), "[2, 3]");
    assert_refused("beyond", tb_checkpoint_read(checkpoint, b, 4, 3, raw, &err), &err, TIMBANG_INTERNAL, "3 elements");
    assert_refused("wraps", tb_checkpoint_read(checkpoint, b, 4, UINT64_MAX - 2, raw, &err), &err, TIMBANG_INTERNAL,
                   "elements");
    assert_refused("integer", tb_checkpoint_read_f32(checkpoint, b, 0, 1, out, &err), &err, TIMBANG_MISMATCH,
                   "tensor b is U8");
    tb_checkpoint_close(checkpoint);
    free(bytes);
}

/* One tensor w of 4 x 5 values in the given type, all 1.0 but for one. */
static timbang_status read_with(const char *dtype, size_t width, uint64_t one, uint64_t special, size_t where,
                                tb_error *err)
{
    char header[200];
    snprintf(header, sizeof header, "{\"w\":{\"dtype\":\"%s\",\"shape\":[4,5],\"data_offsets\":[0,%zu]}}", dtype,
             20 * width);
    size_t size;
    char *bytes = make_file(strlen(header), header, 20 * width, &size), *data = bytes + 8 + strlen(header);
    for (size_t i = 0; i < 20; i++)
        memcpy(data + i * width, i == where ? &special : &one, width);
    tb_checkpoint *checkpoint = NULL;
    assert_ok(open_bytes(bytes, size, &checkpoint, err), err);
    float out[20];
    timbang_status status =
        tb_checkpoint_read_f32(checkpoint, tb_checkpoint_find(checkpoint, "w"), 3, 17, out, err); /* from [0, 3] */
    tb_checkpoint_close(checkpoint);
    free(bytes);
    for (size_t i = 0; i < 17 && status == TIMBANG_OK; i++)
        if (i + 3 != where)
            assert_true(out[i] == 1.0f);
    return status;
}

static void test_not_finite(void **state)
{
    (void)state;
    static const struct {
        const char *dtype;
        size_t width;
        uint64_t one, nan, inf, minus;
    } types[] = {
        {"F64", 8, 0x3ff0000000000000, 0x7ff8000000000000, 0x7ff0000000000000, 0xfff0000000000000},
        {"F32", 4, 0x3f800000, 0x7fc00000, 0x7f800000, 0xff800000},
        {"F16", 2, 0x3c00, 0x7e00, 0x7c00, 0xfc00},
        {"BF16", 2, 0x3f80, 0x7fc0, 0x7f80, 0xff80},
    };
    tb_error err;
    for (size_t i = 0; i < 4; i++) {
        assert_ok(read_with(types[i].dtype, types[i].width, types[i].one, types[i].one, 7, &err), &err);
        assert_ok(read_with(types[i].dtype, types[i].width, types[i].one, types[i].nan, 2, &err), &err); /* not read */
        assert_refused("NaN", read_with(types[i].dtype, types[i].width, types[i].one, types[i].nan, 17, &err), &err,
                       TIMBANG_DATA, "w[3, 2] is NaN");
        assert_refused("inf", read_with(types[i].dtype, types[i].width, types[i].one, types[i].inf, 3, &err), &err,
                       TIMBANG_DATA, "w[0, 3] is infinity");
        assert_refused("-inf", read_with(types[i].dtype, types[i].width, types[i].one, types[i].minus, 19, &err), &err,
                       TIMBANG_DATA, "w[3, 4] is -infinity");
    }
    assert_refused("1e300", read_with("F64", 8, 0x3ff0000000000000, 0x7e37e43c8800759c, 5, &err), &err, TIMBANG_DATA,
                   "w[1, 0] is too large for a float");
}

/* ---- Shards ---- */

struct shard_case {
    const char *name, *index;
    timbang_status status;
    const char *text;
};

static void open_sharded(const char *index, timbang_status expected, const char *text, const char *what)
{
    static const char header1[] = "{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
                                  "\"both\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[2,3]}}";
    static const char header2[] = "{\"b\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]},"
                                  "\"both\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[3,5]}}";
    size_t size1, size2;
    char *one = make_file(strlen(header1), header1, 3, &size1), *two = make_file(strlen(header2), header2, 5, &size2);
    tb_memory_file files[] = {{"model.safetensors.index.json", index, strlen(index)},
                              {"s1.safetensors", one, size1},
                              {"s2.safetensors", two, size2},
                              {"broken.safetensors", one, size1 - 1}};
    tb_folder *folder = NULL;
    tb_checkpoint *checkpoint = NULL;
    tb_error err = {0};
    assert_ok(tb_folder_memory("M", files, 4, &folder, &err), &err);
    timbang_status status = tb_checkpoint_open_folder(folder, &checkpoint, &err);
    if (expected == TIMBANG_OK) {
        assert_ok(status, &err);
        assert_int_equal(tb_checkpoint_n(checkpoint), 3);
        assert_int_equal(tb_checkpoint_file_bytes(checkpoint), size1 + size2);
        assert_string_equal(tb_checkpoint_name(checkpoint), "M/model.safetensors.index.json");
        uint8_t raw[3];
        assert_ok(tb_checkpoint_read(checkpoint, tb_checkpoint_find(checkpoint, "b"), 0, 3, raw, &err), &err);
        assert_memory_equal(raw, "\0\1\2", 3);
        const tb_tensor *both = tb_checkpoint_find(checkpoint, "both");
        assert_int_equal(both->elements, 2); /* the one of the shard that the map names */
        assert_ok(tb_checkpoint_read(checkpoint, both, 0, 2, raw, &err), &err);
        assert_memory_equal(raw, "\3\4", 2);
    } else
        assert_refused(what, status, &err, expected, text);
    tb_checkpoint_close(checkpoint);
    tb_folder_close(folder);
    free(one);
    free(two);
}

static void test_shards(void **state)
{
    (void)state;
    static const struct shard_case cases[] = {
        {"missing shard", "{\"weight_map\":{\"a\":\"s9.safetensors\"}}", TIMBANG_NOT_FOUND,
         "s9.safetensors is missing"},
        {"tensor not in its shard", "{\"weight_map\":{\"a\":\"s1.safetensors\",\"x\":\"s2.safetensors\"}}",
         TIMBANG_FORMAT, "puts tensor x into s2.safetensors"},
        {"tensor in another shard", "{\"weight_map\":{\"b\":\"s1.safetensors\"}}", TIMBANG_FORMAT, "puts tensor b"},
        {"parent path", "{\"weight_map\":{\"a\":\"../s1.safetensors\"}}", TIMBANG_FORMAT, "plain file name"},
        {"absolute path", "{\"weight_map\":{\"a\":\"/etc/passwd\"}}", TIMBANG_FORMAT, "plain file name"},
        {"subfolder", "{\"weight_map\":{\"a\":\"x/../s1.safetensors\"}}", TIMBANG_FORMAT, "plain file name"},
        {"backslash", "{\"weight_map\":{\"a\":\"..\\\\s1\"}}", TIMBANG_FORMAT, "plain file name"},
        {"two dots", "{\"weight_map\":{\"a\":\"..\"}}", TIMBANG_FORMAT, "plain file name"},
        {"empty", "{\"weight_map\":{\"a\":\"\"}}", TIMBANG_FORMAT, "plain file name"},
        {"number", "{\"weight_map\":{\"a\":1}}", TIMBANG_FORMAT, "no file name"},
        {"no map", "{\"metadata\":{}}", TIMBANG_FORMAT, "no weight_map"},
        {"map no object", "{\"weight_map\":[]}", TIMBANG_FORMAT, "no weight_map"},
        {"duplicate", "{\"weight_map\":{\"a\":\"s1.safetensors\",\"a\":\"s1.safetensors\"}}", TIMBANG_FORMAT,
         "duplicate"},
        {"no JSON", "weights", TIMBANG_FORMAT, "index.json"},
        {"broken shard", "{\"weight_map\":{\"a\":\"broken.safetensors\"}}", TIMBANG_FORMAT, "M/broken.safetensors"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        open_sharded(cases[i].index, cases[i].status, cases[i].text, cases[i].name);
    open_sharded("{\"metadata\":{\"total_size\":7},\"weight_map\":{\"a\":\"s1.safetensors\",\"b\":\"s2.safetensors\","
                 "\"both\":\"s2.safetensors\"}}",
                 TIMBANG_OK, NULL, "good");
}

/* A file cut after it was opened is an error that names file and tensor. */
static void test_cut_after_open(void **state)
{
    (void)state;
    size_t size;
    static const char header[] = ONE("F32", "[4096]", "0", "16384");
    char *bytes = make_file(strlen(header), header, 16384, &size), *dir = make_temp();
    memset(bytes + 8 + strlen(header), 0, 16384);
    tb_error err = {0};
    char *path = tb_path_join(dir, "model.safetensors", &err);
    assert_ok(tb_write_file(path, bytes, size, &err), &err);
    tb_checkpoint *checkpoint = NULL;
    assert_ok(tb_checkpoint_open_file(path, &checkpoint, &err), &err);
    const tb_tensor *a = tb_checkpoint_find(checkpoint, "a");
    float *out = calloc(4096, sizeof *out);
    assert_ok(tb_checkpoint_read_f32(checkpoint, a, 0, 4096, out, &err), &err);
    assert_int_equal(truncate(path, (off_t)size - 100), 0);
    timbang_status status = tb_checkpoint_read_f32(checkpoint, a, 0, 4096, out, &err);
    assert_refused("cut", status, &err, TIMBANG_IO, "model.safetensors");
    assert_non_null(strstr(err.text, "tensor a"));
    tb_checkpoint_close(checkpoint);
    free(out);
    free(path);
    free(bytes);
    drop_temp(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_headers), cmocka_unit_test(test_bad_lengths), cmocka_unit_test(test_reads_values),
        cmocka_unit_test(test_not_finite),  cmocka_unit_test(test_shards),      cmocka_unit_test(test_cut_after_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
