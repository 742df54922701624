/* SPDX-License-Identifier: Apache-2.0
 * Storage formats: every half and bfloat16, rounding of floats into them, integers; every level by bits. */
#include "golden.h"

/* The value of a half by its definition. */
static double half_value(uint16_t h)
{
    int exponent = h >> 10 & 31, mantissa = h & 1023;
    double magnitude = exponent == 0 ? ldexp(mantissa, -24) : ldexp(1024 + mantissa, exponent - 25);
    return h & 0x8000 ? -magnitude : magnitude;
}

static void every_half(void **state)
{
    (void)state;
    for (uint32_t h = 0; h <= 0xffff; h++) {
        float x = tb_f16_to_f32((uint16_t)h);
        if ((h & 0x7c00) != 0x7c00) {
            assert_true((double)x == half_value((uint16_t)h) && (bool)signbit(x) == (h >= 0x8000));
            assert_int_equal(tb_f32_to_f16(x), h);
        } else if ((h & 0x3ff) == 0) {
            assert_true(isinf(x) && (bool)signbit(x) == (h >= 0x8000));
            assert_int_equal(tb_f32_to_f16(x), h);
        } else {
            assert_true(isnan(x));
            assert_int_equal(tb_f32_to_f16(x), h | 0x200);
        }
    }
}

/* Between two neighbours: the middle goes to the even one, the rest to the nearer one. */
static void halves_round_to_nearest(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 0x7c00; h++) {
        double low = half_value((uint16_t)h), high = h == 0x7bff ? 65536.0 : half_value((uint16_t)(h + 1));
        float middle = (float)((low + high) / 2);
        assert_true((double)middle == (low + high) / 2);
        for (uint32_t sign = 0; sign <= 0x8000; sign += 0x8000) {
            float s = sign ? -1.0f : 1.0f;
            assert_int_equal(tb_f32_to_f16(s * middle), sign | (h + (h & 1)));
            assert_int_equal(tb_f32_to_f16(s * nextafterf(middle, 0.0f)), sign | h);
            assert_int_equal(tb_f32_to_f16(s * nextafterf(middle, INFINITY)), sign | (h + 1));
        }
    }
}

static void golden_rounding(void **state)
{
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        FILE *file = golden_open();
        int seen = 0;
        while (golden_next(file, kind ? "bf16" : "f16")) {
            float x = golden_float(file);
            uint32_t expected = golden_hex(file);
            assert_int_equal(kind ? tb_f32_to_bf16(x) : tb_f32_to_f16(x), expected);
            seen++;
        }
        assert_true(seen > 90);
        fclose(file);
    }
}

static void bfloat16(void **state)
{
    (void)state;
    for (uint32_t h = 0; h <= 0xffff; h++) {
        float x = tb_bf16_to_f32((uint16_t)h);
        assert_int_equal(float_bits(x), h << 16);
        if (!isnan(x)) {
            assert_int_equal(tb_f32_to_bf16(x), h);
            if (!isinf(x)) { /* the middle to the next goes to the even one */
                assert_int_equal(tb_f32_to_bf16(bits_float(h << 16 | 0x8000)), h + (h & 1));
                assert_int_equal(tb_f32_to_bf16(bits_float(h << 16 | 0x7fff)), h);
                assert_int_equal(tb_f32_to_bf16(bits_float(h << 16 | 0x8001)), h + 1);
            }
        } else {
            assert_int_equal(tb_f32_to_bf16(x), h | 0x40);
        }
    }
    assert_true(isnan(tb_bf16_to_f32(tb_f32_to_bf16(bits_float(0x7f800001)))));
}

static void assert_expanded(const tb_kernels *level, const char *what, guarded got, const float *expected, size_t n)
{
    guarded_check(got);
    /* Here the bits of NaN count too: expanding is exact. */
    if (n > 0 && memcmp(guarded_at(got), expected, n * sizeof(float)) != 0)
        fail_msg("%s: %s of %zu values differs", level->name, what, n);
}

static void levels_expand_alike(void **state)
{
    (void)state;
    const tb_kernels *levels[MAX_LEVELS];
    size_t n_levels = every_level(levels);
    enum { ALL = 65536 };
    static uint16_t words[ALL + 1];
    static float expected[ALL];
    for (size_t i = 0; i < ALL; i++)
        words[i + 1] = (uint16_t)i;
    for (size_t l = 0; l < n_levels; l++) {
        const tb_kernels *level = levels[l];
        for (size_t n = 0; n <= ALL; n = n < 70 ? n + 1 : n < ALL ? ALL : n + 1) {
            guarded got = guarded_new(n * sizeof(float), 4);
            for (size_t i = 0; i < n; i++)
                expected[i] = tb_f16_to_f32(words[i + 1]);
            level->expand_f16(words + 1, guarded_at(got), n);
            assert_expanded(level, "f16", got, expected, n);
            for (size_t i = 0; i < n; i++)
                expected[i] = tb_bf16_to_f32(words[i + 1]);
            level->expand_bf16(words + 1, guarded_at(got), n);
            assert_expanded(level, "bf16", got, expected, n);
            guarded_free(got);
        }
        tb_rng rng = tb_rng_make(1, 50);
        for (size_t n = 0; n <= 300; n++) {
            guarded got = guarded_new(n * sizeof(float), 4);
            int8_t *bytes = malloc(n + 1);
            uint8_t *nibbles = malloc((n + 1) / 2 + 1); /* exactly as long as needed, for the address sanitizer */
            float scale = random_value(&rng, PLAIN);
            assert_true(bytes != NULL && nibbles != NULL);
            for (size_t i = 0; i < n; i++)
                bytes[i] = (int8_t)(i - 128);
            for (size_t i = 0; i < (n + 1) / 2; i++)
                nibbles[i] = (uint8_t)tb_rng_u32(&rng);
            for (size_t i = 0; i < n; i++)
                expected[i] = (float)bytes[i] * scale;
            level->expand_s8(bytes, scale, guarded_at(got), n);
            assert_expanded(level, "s8", got, expected, n);
            for (size_t i = 0; i < n; i++) {
                int u = i % 2 ? nibbles[i / 2] / 16 : nibbles[i / 2] % 16;
                expected[i] = (float)(u - 8) * scale;
            }
            level->expand_s4(nibbles, scale, guarded_at(got), n);
            assert_expanded(level, "s4", got, expected, n);
            guarded_free(got);
            free(bytes);
            free(nibbles);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_half), cmocka_unit_test(halves_round_to_nearest), cmocka_unit_test(golden_rounding),
        cmocka_unit_test(bfloat16),   cmocka_unit_test(levels_expand_alike),
    };
    return cmocka_run_group_tests(tests, enter_contract, NULL);
}
