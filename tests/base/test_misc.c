/* Tests of base/mem.c, base/rng.c, base/sha256.c, base/status.c. */
#include "base/mem.h"
#include "base/rng.h"
#include "base/sha256.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Known answers of Random123 (kat_vectors, philox4x32 with 10 rounds). */
static void philox_known_answers(void **state)
{
    (void)state;
    uint32_t out[4];
    tb_philox(0, 0, 0, out);
    const uint32_t zeros[4] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
    assert_memory_equal(out, zeros, sizeof out);
    tb_philox(UINT64_MAX, UINT64_MAX, UINT64_MAX, out);
    const uint32_t ones[4] = {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd};
    assert_memory_equal(out, ones, sizeof out);
    tb_philox(0x299f31d0a4093822ULL, 0x0370734413198a2eULL, 0x85a308d3243f6a88ULL, out);
    const uint32_t pi[4] = {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1};
    assert_memory_equal(out, pi, sizeof out);
}

static void normals_look_normal(void **state)
{
    (void)state;
    tb_rng rng = tb_rng_make(1, 2);
    double sum = 0, squares = 0, fourth = 0;
    int n = 200000, beyond = 0;
    for (int i = 0; i < n; i++) {
        double x = tb_rng_normal(&rng);
        sum += x;
        squares += x * x;
        fourth += x * x * x * x;
        beyond += x > 1.959963984540054 || x < -1.959963984540054;
    }
    assert_true(fabs(sum / n) < 0.01);
    assert_true(fabs(squares / n - 1) < 0.01);
    assert_true(fabs(fourth / n - 3) < 0.1);
    assert_true(fabs((double)beyond / n - 0.05) < 0.003);
}

static void below_and_shuffle(void **state)
{
    (void)state;
    tb_rng rng = tb_rng_make(7, 0);
    size_t counts[10] = {0}, order[100];
    for (int i = 0; i < 100000; i++)
        counts[tb_rng_below(&rng, 10)]++;
    for (int i = 0; i < 10; i++)
        assert_in_range(counts[i], 9600, 10400);
    for (size_t i = 0; i < 100; i++)
        order[i] = i;
    tb_rng_shuffle(&rng, order, 100);
    bool seen[100] = {false};
    size_t fixed = 0;
    for (size_t i = 0; i < 100; i++) {
        assert_false(seen[order[i]]);
        seen[order[i]] = true;
        fixed += order[i] == i;
    }
    assert_true(fixed < 10);
}

static void sha256_known_answers(void **state)
{
    (void)state;
    tb_sha256 hash;
    char hex[65];
    tb_sha256_init(&hash);
    tb_sha256_final(&hash, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    tb_sha256_init(&hash);
    tb_sha256_update(&hash, "abc", 3);
    tb_sha256_final(&hash, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    tb_sha256_init(&hash);
    for (int i = 0; i < 1000000; i += 40)
        tb_sha256_update(&hash, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 40);
    tb_sha256_final(&hash, hex);
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void sizes_are_checked(void **state)
{
    (void)state;
    tb_error err;
    assert_null(tb_calloc(SIZE_MAX, 2, &err));
    assert_int_equal(err.status, TIMBANG_NO_MEMORY);
    assert_null(tb_alloc_aligned(SIZE_MAX, 1, &err));
    assert_null(tb_alloc_aligned(SIZE_MAX / 2, 4, &err));
    assert_null(tb_strndup("x", SIZE_MAX, &err));
    void *block = NULL;
    assert_int_equal(tb_grow(&block, SIZE_MAX, 8, &err), TIMBANG_NO_MEMORY);
    assert_null(block);
}

static void arenas(void **state)
{
    (void)state;
    tb_error err;
    tb_arena *arena = NULL;
    assert_int_equal(tb_arena_create(1000, &arena, &err), TIMBANG_OK);
    for (size_t i = 1; i < 300; i++) {
        unsigned char *block = tb_arena_alloc(arena, i, 13, &err);
        assert_int_equal((uintptr_t)block % TB_ALIGN, 0);
        for (size_t j = 0; j < i * 13; j++)
            assert_int_equal(block[j], 0);
        memset(block, 0xff, i * 13);
        char *text = tb_arena_strndup(arena, "bagus", 5, &err);
        assert_string_equal(text, "bagus");
    }
    assert_null(tb_arena_alloc(arena, SIZE_MAX, 1, &err));
    tb_arena_free(arena);
    tb_arena_free(NULL);
}

static void error_text(void **state)
{
    (void)state;
    tb_error err;
    assert_int_equal(tb_fail(&err, TIMBANG_DATA, "row %d", 17), TIMBANG_DATA);
    assert_int_equal(tb_fail_prefix(&err, "%s", "f.tsv"), TIMBANG_DATA);
    assert_string_equal(err.text, "f.tsv: row 17");
    char longest[3000];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    tb_fail_prefix(&err, "%s", longest);
    assert_int_equal(strlen(err.text), TB_ERROR_TEXT - 1);
    assert_string_equal(timbang_status_name(TIMBANG_FORMAT), "FORMAT");
    assert_int_equal(timbang_status_exit_code(TIMBANG_INTERNAL), 3);
    assert_int_equal(timbang_status_exit_code((timbang_status)99), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_known_answers), cmocka_unit_test(normals_look_normal),
        cmocka_unit_test(below_and_shuffle),    cmocka_unit_test(sha256_known_answers),
        cmocka_unit_test(sizes_are_checked),    cmocka_unit_test(arenas),
        cmocka_unit_test(error_text),
    };
    return cmocka_run_group_tests_name("base/misc", tests, NULL, NULL);
}
