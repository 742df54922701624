/* Element types, shapes as text, and file text made fit for messages. */
#include "help.h"

#include "formats/store.h"

static void test_dtypes(void **state)
{
    (void)state;
    static const struct {
        tb_dtype dtype;
        const char *name;
        size_t bytes;
        bool is_float;
    } all[] = {{TB_F64, "F64", 8, true},   {TB_F32, "F32", 4, true},  {TB_F16, "F16", 2, true},
               {TB_BF16, "BF16", 2, true}, {TB_I64, "I64", 8, false}, {TB_I32, "I32", 4, false},
               {TB_I16, "I16", 2, false},  {TB_I8, "I8", 1, false},   {TB_U8, "U8", 1, false},
               {TB_BOOL, "BOOL", 1, false}};
    assert_int_equal(sizeof all / sizeof all[0], TB_DTYPES);
    for (size_t i = 0; i < TB_DTYPES; i++) {
        assert_string_equal(tb_dtype_name(all[i].dtype), all[i].name);
        assert_int_equal(tb_dtype_bytes(all[i].dtype), all[i].bytes);
        assert_int_equal(tb_dtype_is_float(all[i].dtype), all[i].is_float);
    }
    assert_int_equal(tb_dtype_bytes(TB_DTYPES), 0);
    assert_string_equal(tb_dtype_name(TB_DTYPES), "?");
}

static void test_shape_text(void **state)
{
    (void)state;
    char text[160];
    tb_tensor tensor = {.rank = 0};
    assert_string_equal(tb_shape_text(&tensor, text), "[]");
    tensor.rank = 2;
    tensor.shape[0] = 384;
    tensor.shape[1] = 1536;
    assert_string_equal(tb_shape_text(&tensor, text), "[384, 1536]");
    tensor.rank = TB_MAX_RANK;
    for (int i = 0; i < TB_MAX_RANK; i++)
        tensor.shape[i] = UINT64_MAX;
    tb_shape_text(&tensor, text);
    assert_true(strlen(text) < 160);
    assert_string_equal(text + strlen(text) - 6, ", ...]");
}

static void test_sizes(void **state)
{
    (void)state;
    uint64_t elements, bytes;
    assert_true(tb_tensor_sizes(TB_F32, 2, (uint64_t[]){3, 5}, &elements, &bytes));
    assert_int_equal(elements, 15);
    assert_int_equal(bytes, 60);
    assert_true(tb_tensor_sizes(TB_F32, 0, NULL, &elements, &bytes));
    assert_int_equal(bytes, 4);
    assert_false(tb_tensor_sizes(TB_U8, 2, (uint64_t[]){1ull << 32, 1ull << 32}, &elements, &bytes));
    assert_false(tb_tensor_sizes(TB_F64, 1, (uint64_t[]){1ull << 61}, &elements, &bytes));
    assert_true(tb_tensor_sizes(TB_F32, 1, (uint64_t[]){1ull << 61}, &elements, &bytes));
}

static void test_shown(void **state)
{
    (void)state;
    char out[TB_SHOWN], longer[400];
    assert_string_equal(tb_shown("plain \xc3\xa9", 8, out), "plain \xc3\xa9");
    assert_string_equal(tb_shown("a\nb\x1b[0m\x7f\xff\0z", 11, out), "a?b?[0m???z");
    assert_string_equal(tb_shown("", 0, out), "");
    memset(longer, 'x', sizeof longer);
    tb_shown(longer, sizeof longer, out);
    assert_true(strlen(out) < TB_SHOWN);
    assert_string_equal(out + strlen(out) - 4, "x...");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dtypes),
        cmocka_unit_test(test_shape_text),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
