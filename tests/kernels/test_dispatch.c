/* SPDX-License-Identifier: Apache-2.0
 * Choosing a level: names, order, lowering, unknown names; every table is complete. */
#include "support.h"

#if defined(__aarch64__)
#include <sys/auxv.h>
#endif

static bool has_feature(const char *name)
{
    const char *names[64];
    size_t n = tb_cpu_features(names, 64);
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static size_t position(const char *name)
{
    const char *const *names = tb_kernels_names();
    size_t i = 0;
    while (names[i] != NULL && strcmp(names[i], name) != 0)
        i++;
    assert_non_null(names[i]);
    return i;
}

static void names_in_order(void **state)
{
    (void)state;
    static const char *const expected[] = {"scalar", "avx2", "avxvnni", "avx512", "amx", "neon", "dotprod", "i8mm"};
    const char *const *names = tb_kernels_names();
    for (size_t i = 0; i < 8; i++)
        assert_string_equal(names[i], expected[i]);
    assert_null(names[8]);
}

static void usable_from_worst_to_best(void **state)
{
    (void)state;
    const tb_kernels *levels[MAX_LEVELS];
    size_t n = tb_kernels_usable(levels, MAX_LEVELS);
    assert_true(n >= 1);
    assert_ptr_equal(levels[0], &tb_kernels_ref);
    for (size_t i = 1; i < n; i++)
        assert_true(position(levels[i - 1]->name) < position(levels[i]->name));
    const tb_kernels *first[1];
    assert_int_equal(tb_kernels_usable(first, 1), 1);
    assert_ptr_equal(first[0], &tb_kernels_ref);
    bool known = false;
    assert_ptr_equal(tb_kernels_find(NULL, &known), levels[n - 1]);
    assert_true(known);
}

static void find_lowers(void **state)
{
    (void)state;
    const tb_kernels *levels[MAX_LEVELS];
    size_t n = tb_kernels_usable(levels, MAX_LEVELS);
    for (const char *const *name = tb_kernels_names(); *name != NULL; name++) {
        bool known = false;
        const tb_kernels *found = tb_kernels_find(*name, &known);
        const tb_kernels *expected = levels[0];
        for (size_t i = 0; i < n; i++)
            if (position(levels[i]->name) <= position(*name))
                expected = levels[i];
        assert_true(known);
        assert_ptr_equal(found, expected);
    }
    bool known = true;
    assert_ptr_equal(tb_kernels_find("sse9", &known), levels[n - 1]);
    assert_false(known);
    assert_ptr_equal(tb_kernels_find("scalar", NULL), &tb_kernels_ref);
}

static void levels_match_features(void **state)
{
    (void)state;
    const tb_kernels *levels[MAX_LEVELS];
    size_t n = tb_kernels_usable(levels, MAX_LEVELS);
    bool avx2 = false, avx512 = false, amx = false;
    for (size_t i = 0; i < n; i++) {
        avx2 = avx2 || strcmp(levels[i]->name, "avx2") == 0;
        avx512 = avx512 || strcmp(levels[i]->name, "avx512") == 0;
        amx = amx || strcmp(levels[i]->name, "amx") == 0;
    }
    assert_int_equal(avx2, has_feature("avx2") && has_feature("fma") && has_feature("f16c"));
    assert_int_equal(avx512, has_feature("avx512f") && has_feature("avx512bw") && has_feature("avx512vl") &&
                                 has_feature("avx512dq") && has_feature("avx512_vnni"));
    assert_int_equal(amx, avx512 && has_feature("amx_tile") && has_feature("amx_int8") && has_feature("amx_bf16"));
#if defined(__x86_64__)
    /* What the compiler's runtime sees, with the operating system's part, too. */
    __builtin_cpu_init();
    assert_int_equal(has_feature("avx2"), __builtin_cpu_supports("avx2") != 0);
    assert_int_equal(has_feature("fma"), __builtin_cpu_supports("fma") != 0);
    assert_int_equal(has_feature("avx512f"), __builtin_cpu_supports("avx512f") != 0);
    assert_int_equal(has_feature("avx512bw"), __builtin_cpu_supports("avx512bw") != 0);
    assert_int_equal(has_feature("avx512vl"), __builtin_cpu_supports("avx512vl") != 0);
    assert_int_equal(has_feature("avx512dq"), __builtin_cpu_supports("avx512dq") != 0);
    assert_int_equal(has_feature("avx512_vnni"), __builtin_cpu_supports("avx512vnni") != 0);
#endif
}

static void arm_levels_match_features(void **state)
{
    (void)state;
    bool asimd = has_feature("asimd"), dot = has_feature("asimddp"), i8mm = has_feature("i8mm");
#if defined(__aarch64__)
    /* The C library's own names of the bits. */
    assert_int_equal(asimd, (getauxval(AT_HWCAP) & HWCAP_ASIMD) != 0);
    assert_int_equal(dot, (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0);
#ifdef HWCAP2_I8MM
    assert_int_equal(i8mm, (getauxval(AT_HWCAP2) & HWCAP2_I8MM) != 0);
#endif
    assert_true(asimd); /* every 64-bit ARM processor that Linux runs programs with floating point on */
#else
    assert_false(asimd || dot || i8mm);
#endif
    const char *best = i8mm && dot ? "i8mm" : dot ? "dotprod" : asimd ? "neon" : NULL;
    if (best != NULL) {
        assert_string_equal(tb_kernels_find(NULL, NULL)->name, best);
        assert_string_equal(tb_kernels_find("neon", NULL)->name, "neon");
        assert_string_equal(tb_kernels_find("i8mm", NULL)->name, best);
        assert_string_equal(tb_kernels_find("dotprod", NULL)->name, dot ? "dotprod" : "neon");
    }
}

static void tables_are_complete(void **state)
{
    (void)state;
    const tb_kernels *levels[MAX_LEVELS];
    size_t n = every_level(levels);
    for (size_t i = 0; i < n; i++) {
        const tb_kernels *t = levels[i];
        assert_true(t->f32_nr > 0 && t->s8_nr > 0);
        assert_true(t->f32_panel_bytes && t->s8_panel_bytes && t->s4_panel_bytes);
        assert_true(t->pack_f32 && t->pack_f32_kn && t->pack_s8 && t->pack_s4 && t->unpack_s4);
        assert_true(t->gemm_f32 && t->gemm_s8 && t->layernorm && t->softmax && t->activation && t->add);
        assert_true(t->quantize_rows && t->range && t->quantize_affine);
        assert_true(t->bf16_nr > 0 && t->bf16_panel_bytes && t->pack_bf16 && t->round_bf16 && t->gemm_bf16);
        assert_true(t->expand_f16 && t->expand_bf16 && t->expand_s8 && t->expand_s4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_in_order),      cmocka_unit_test(usable_from_worst_to_best),
        cmocka_unit_test(find_lowers),         cmocka_unit_test(levels_match_features),
        cmocka_unit_test(tables_are_complete), cmocka_unit_test(arm_levels_match_features),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
