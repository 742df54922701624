/* SPDX-License-Identifier: Apache-2.0
 * Quantization of activations: golden values, thresholds, rows that are not finite; every level against the reference,
 * byte by byte, tails included. */
#include "golden.h"

enum { MAX_K = 1100, ROWS = 4 };

static void golden_rows(void **state)
{
    (void)state;
    FILE *file = golden_open();
    int seen = 0;
    while (golden_next(file, "quantize")) {
        size_t n = (size_t)golden_double(file);
        uint32_t scale_bits = golden_hex(file);
        float x[128], scale;
        int8_t expected[128], q[128];
        assert_true(n <= 128);
        for (size_t i = 0; i < n; i++) {
            x[i] = golden_float(file);
            expected[i] = (int8_t)golden_double(file);
        }
        tb_kernels_ref.quantize_rows(x, n, 1, n, q, 128, &scale);
        assert_int_equal(float_bits(scale), scale_bits);
        assert_memory_equal(q, expected, n);
        for (size_t i = n; i < 128; i++)
            assert_int_equal(q[i], 0);
        seen++;
    }
    assert_int_equal(seen, 4);
    fclose(file);
}

static void ties_and_thresholds(void **state)
{
    (void)state;
    int8_t q[64];
    float scale;
    const float ties[] = {127.0f, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f, -2.5f, 126.5f, -127.0f};
    const int8_t even[] = {127, 0, 2, 2, 0, -2, -2, 126, -127};
    tb_kernels_ref.quantize_rows(ties, 9, 1, 9, q, 64, &scale);
    assert_memory_equal(q, even, 9);
    assert_true(scale == 1.0f);

    const float at[] = {0x1p-100f, -0x1p-101f}, below[] = {0x1.fffffep-101f, 0.0f}, zeros[] = {0.0f, -0.0f};
    tb_kernels_ref.quantize_rows(at, 2, 1, 2, q, 64, &scale);
    assert_true(q[0] == 127 && q[1] == -64 && scale == 0x1p-100f / 127.0f);
    tb_kernels_ref.quantize_rows(below, 2, 1, 2, q, 64, &scale);
    assert_true(q[0] == 0 && q[1] == 0 && float_bits(scale) == 0);
    tb_kernels_ref.quantize_rows(zeros, 2, 1, 2, q, 64, &scale);
    assert_true(q[0] == 0 && q[1] == 0 && float_bits(scale) == 0);
}

static void rows_that_are_not_finite(void **state)
{
    (void)state;
    const tb_kernels *levels[MAX_LEVELS];
    size_t n_levels = every_level(levels);
    const float bad[] = {NAN, -NAN, INFINITY, -INFINITY};
    for (size_t l = 0; l < n_levels; l++) {
        for (size_t place = 0; place < 40; place++) {
            for (size_t b = 0; b < 4; b++) {
                float x[40], scale = 0, low, high;
                int8_t q[64];
                for (size_t i = 0; i < 40; i++)
                    x[i] = (float)i;
                x[place] = bad[b];
                levels[l]->quantize_rows(x, 40, 1, 40, q, 64, &scale);
                assert_int_equal(float_bits(scale), 0x7fc00000);
                for (size_t i = 0; i < 64; i++)
                    assert_int_equal((uint8_t)q[i], levels[l]->a_xor);
                levels[l]->range(x, 40, 1, 40, &low, &high);
                if (isnan(bad[b])) {
                    assert_int_equal(float_bits(low), 0x7fc00000);
                    assert_int_equal(float_bits(high), 0x7fc00000);
                } else {
                    assert_true(isinf(bad[b] < 0 ? low : high));
                }
            }
        }
    }
}

static void ranges_hold_zero(void **state)
{
    (void)state;
    float low, high;
    const float x[] = {3.0f, 1.0f, 2.0f, -4.0f};
    tb_kernels_ref.range(x, 2, 2, 1, &low, &high); /* 3 and 2 */
    assert_true(float_bits(low) == 0 && high == 3.0f);
    tb_kernels_ref.range(x, 2, 2, 2, &low, &high);
    assert_true(low == -4.0f && high == 3.0f);
    tb_kernels_ref.range(x, 2, 0, 2, &low, &high);
    assert_true(float_bits(low) == 0 && float_bits(high) == 0);
}

static void affine_clamps(void **state)
{
    (void)state;
    const float x[] = {0.0f, 0.25f, 0.75f, -0.25f, 100.0f, -100.0f, 1e38f, -1e38f, NAN, 1.25f};
    const int8_t expected[] = {0, 0, 2, 0, 127, -10, 127, -10, -10, 2};
    int8_t q[64];
    tb_kernels_ref.quantize_affine(x, 10, 1, 10, 2.0f, 10, q, 64);
    assert_memory_equal(q, expected, 10);
}

/* Random values are hardly ever halfway between two integers. */
static void levels_round_ties_to_even(void **state)
{
    (void)state;
    enum { N = 254, LDA = 256 }; /* -126.5 .. 126.5, one by one, then zeros and the row's largest */
    float x[N + 2];
    for (int i = 0; i < N; i++)
        x[i] = (float)(i - 126) - 0.5f;
    x[N] = -0.0f;
    x[N + 1] = 127.0f;
    const tb_kernels *levels[MAX_LEVELS];
    size_t n_levels = every_level(levels);
    for (size_t l = 0; l < n_levels; l++) {
        int8_t rows[LDA], affine[LDA];
        float scale;
        levels[l]->quantize_rows(x, N + 2, 1, N + 2, rows, LDA, &scale);
        levels[l]->quantize_affine(x, N + 2, 1, N + 2, 1.0f, 127, affine, LDA);
        for (int i = 0; i < N; i++) {
            int down = i - 127, even = down % 2 == 0 ? down : down + 1;
            assert_int_equal((int8_t)((uint8_t)rows[i] ^ levels[l]->a_xor), even);
            assert_int_equal((int8_t)((uint8_t)affine[i] ^ levels[l]->a_xor), even);
        }
        float low, high;
        levels[l]->range(x + N, 1, 1, 1, &low, &high);
        assert_true(float_bits(low) == 0 && float_bits(high) == 0);
    }
}

static void levels_equal_reference(void **state)
{
    (void)state;
    const tb_kernels *levels[MAX_LEVELS];
    size_t n_levels = other_levels(levels);
    tb_rng rng = tb_rng_make(1, 40);
    static const size_t large[] = {255, 256, 257, 767, 768, 1100};
    for (int kind = 0; kind < N_FLAVOURS; kind++) {
        for (size_t i = 1; i <= 130 + sizeof large / sizeof large[0]; i++) {
            size_t k = i <= 130 ? i : large[i - 131], ldx = k + 3, lda = tb_round_up(k, 64) + i % 2 * 64;
            float *x = calloc(ROWS * ldx + 1, sizeof(float));
            assert_non_null(x);
            random_values(&rng, (flavour)kind, x, ROWS * ldx + 1);
            for (size_t j = 0; j < k; j++) /* one row around the threshold */
                x[1 + ldx + j] = (float)tb_rng_unit(&rng) * 0x1p-100f;
            if (i % 3 == 0)
                x[1 + ldx + k / 2] = i % 2 ? -0x1p-100f : 0x1p-100f;
            guarded expected = guarded_new(ROWS * lda, 0), got = guarded_new(ROWS * lda, 0);
            float scale[ROWS], other[ROWS], range[2], other_range[2];
            for (size_t l = 0; l < n_levels; l++) {
                const tb_kernels *level = levels[l];
                for (int affine = 0; affine <= 1; affine++) {
                    if (affine) {
                        float inv = (float)tb_rng_unit(&rng) * 60.0f;
                        int32_t zero = (int32_t)tb_rng_below(&rng, 128);
                        tb_kernels_ref.quantize_affine(x + 1, ldx, ROWS, k, inv, zero, guarded_at(expected), lda);
                        level->quantize_affine(x + 1, ldx, ROWS, k, inv, zero, guarded_at(got), lda);
                    } else {
                        tb_kernels_ref.quantize_rows(x + 1, ldx, ROWS, k, guarded_at(expected), lda, scale);
                        level->quantize_rows(x + 1, ldx, ROWS, k, guarded_at(got), lda, other);
                        assert_memory_equal(scale, other, sizeof scale);
                    }
                    guarded_check(got);
                    uint8_t *bytes = guarded_at(got);
                    for (size_t b = 0; b < ROWS * lda; b++)
                        bytes[b] ^= level->a_xor;
                    assert_memory_equal(guarded_at(expected), bytes, ROWS * lda);
                }
                tb_kernels_ref.range(x + 1, ldx, ROWS, k, &range[0], &range[1]);
                level->range(x + 1, ldx, ROWS, k, &other_range[0], &other_range[1]);
                assert_memory_equal(range, other_range, sizeof range);
            }
            guarded_free(expected);
            guarded_free(got);
            free(x);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_rows),
        cmocka_unit_test(ties_and_thresholds),
        cmocka_unit_test(rows_that_are_not_finite),
        cmocka_unit_test(ranges_hold_zero),
        cmocka_unit_test(affine_clamps),
        cmocka_unit_test(levels_round_ties_to_even),
        cmocka_unit_test(levels_equal_reference),
    };
    return cmocka_run_group_tests(tests, enter_contract, NULL);
}
