/* SPDX-License-Identifier: Apache-2.0
 * Dropout: the reference against the definition on tb_philox, every other level against it by bits, and what falls out
 * as a random experiment. */
#include "support.h"

enum { GROUP = 128 };

/* The 16 random bits of value i, by the words of kernels.h. */
static uint32_t bits_of(const tb_dropout *d, uint64_t first, size_t i)
{
    size_t e = i % GROUP, lane = e % 16, half = e / 16 % 2, word = e / 32;
    uint32_t block[4];
    tb_philox(d->seed, d->stream, (first + i / GROUP) * 16 + lane, block);
    return half == 0 ? block[word] & 0xffff : block[word] >> 16;
}

static tb_dropout dropout_of(uint64_t seed, uint64_t stream, uint32_t threshold)
{
    return (tb_dropout){seed, stream, threshold, 65536.0f / (float)(65536 - threshold)};
}

static void reference_is_the_definition(void **state)
{
    (void)state;
    tb_rng rng = tb_rng_make(1, 80);
    float x[700], y[700];
    random_values(&rng, ALL_EXTREMES, x, 700);
    static const uint64_t firsts[] = {0, 5, 0xfffffffULL, 0x0fffffffffffffffULL, 0xffffffffffffffffULL};
    for (size_t f = 0; f < 5; f++) {
        tb_dropout d = dropout_of(0x123456789abcdef0ULL, 0xfedcba9876543210ULL + f, 20000);
        tb_kernels_ref.dropout(&d, firsts[f], x, y, 700);
        for (size_t i = 0; i < 700; i++)
            assert_true(same_float(y[i], bits_of(&d, firsts[f], i) >= 20000 ? x[i] * d.scale : 0.0f));
    }
}

/* The published test vectors of Philox 4x32-10 by way of one counter: a value falls out exactly where its half of the
 * word is below the threshold. */
static void known_block(void **state)
{
    (void)state;
    static const uint32_t words[4] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}; /* counter 0, key 0 */
    const tb_kernels *levels[MAX_LEVELS];
    size_t n_levels = every_level(levels);
    float x[GROUP], y[GROUP];
    for (size_t i = 0; i < GROUP; i++)
        x[i] = 1.0f;
    for (size_t l = 0; l < n_levels; l++) {
        for (size_t w = 0; w < 4; w++) {
            for (size_t h = 0; h < 2; h++) {
                uint32_t half = h == 0 ? words[w] & 0xffff : words[w] >> 16;
                tb_dropout d = {0, 0, half, 2.0f};
                levels[l]->dropout(&d, 0, x, y, GROUP);
                assert_true(y[32 * w + 16 * h] == 2.0f);
                d.threshold = half + 1;
                levels[l]->dropout(&d, 0, x, y, GROUP);
                assert_int_equal(float_bits(y[32 * w + 16 * h]), 0);
            }
        }
    }
}

static void levels_equal_reference(void **state)
{
    (void)state;
    const tb_kernels *levels[MAX_LEVELS];
    size_t n_levels = other_levels(levels);
    tb_rng rng = tb_rng_make(2, 80);
    static const uint32_t thresholds[] = {0, 1, 6554, 32768, 65535, 65536};
    static const uint64_t firsts[] = {0, 77, 0x0ffffffeULL, 0x0ffffffffffffffeULL, 0xffffffffffffffffULL};
    for (size_t n = 0; n <= 530; n += n < 300 ? 1 : 23) {
        uint64_t seed = (uint64_t)tb_rng_u32(&rng) << 32 | tb_rng_u32(&rng);
        uint64_t stream = (uint64_t)tb_rng_u32(&rng) << 32 | tb_rng_u32(&rng), first = firsts[n % 5];
        tb_dropout d = dropout_of(seed, stream, thresholds[n % 6]);
        d.scale = n % 6 == 5 ? 7.0f : d.scale;
        float *x = calloc(n + 1, sizeof(float));
        assert_non_null(x);
        random_values(&rng, (flavour)(n % N_FLAVOURS), x, n);
        guarded expected = guarded_new(n * sizeof(float), 4), got = guarded_new(n * sizeof(float), 4);
        tb_kernels_ref.dropout(&d, first, x, guarded_at(expected), n);
        for (size_t l = 0; l < n_levels; l++) {
            memset(guarded_at(got), GUARD_BYTE, n * sizeof(float));
            levels[l]->dropout(&d, first, x, guarded_at(got), n);
            guarded_check(got);
            assert_same_floats("dropout", levels[l], guarded_at(expected), guarded_at(got), n);
            memcpy(guarded_at(got), x, n * sizeof(float));
            levels[l]->dropout(&d, first, guarded_at(got), guarded_at(got), n);
            assert_same_floats("dropout in place", levels[l], guarded_at(expected), guarded_at(got), n);
            size_t part = n / GROUP / 2 * GROUP; /* two calls */
            levels[l]->dropout(&d, first, x, guarded_at(got), part);
            levels[l]->dropout(&d, first + part / GROUP, x + part, (float *)guarded_at(got) + part, n - part);
            assert_same_floats("dropout in parts", levels[l], guarded_at(expected), guarded_at(got), n);
        }
        guarded_free(expected);
        guarded_free(got);
        free(x);
    }
}

/* The share that falls out is the threshold's; neighbours, lanes, streams and the same value of the next group have
 * nothing to do with each other. Five standard deviations. */
static void falls_out_at_random(void **state)
{
    (void)state;
    enum { N = 1 << 18 };
    static const size_t distances[] = {1, 2, 15, 16, 17, 32, 64, 127, 128, 129, 768};
    float *x = calloc(N, sizeof(float)), *y = calloc(N, sizeof(float)), *other = calloc(N, sizeof(float));
    assert_true(x != NULL && y != NULL && other != NULL);
    for (size_t i = 0; i < N; i++)
        x[i] = 1.0f;
    const tb_kernels *best = tb_kernels_find(NULL, NULL);
    for (uint32_t threshold = 6554; threshold < 65536; threshold += 26214) {
        tb_dropout d = dropout_of(42, 7, threshold), e = dropout_of(42, 8, threshold);
        double p = (double)threshold / 65536, variance = p * (1 - p), sum = 0;
        best->dropout(&d, 0, x, y, N);
        best->dropout(&e, 0, x, other, N);
        for (size_t i = 0; i < N; i++)
            sum += y[i] == 0.0f ? 1 : 0;
        assert_true(fabs(sum - N * p) <= 5 * sqrt(N * variance));
        for (size_t k = 0; k <= sizeof distances / sizeof distances[0]; k++) {
            bool streams = k == sizeof distances / sizeof distances[0];
            size_t distance = streams ? 0 : distances[k];
            double covariance = 0;
            for (size_t i = 0; i + distance < N; i++) {
                float b = streams ? other[i] : y[i + distance];
                covariance += ((y[i] == 0.0f ? 1 : 0) - p) * ((b == 0.0f ? 1 : 0) - p);
            }
            assert_true(fabs(covariance) <= 5 * variance * sqrt(N));
        }
        for (size_t place = 0; place < GROUP; place++) { /* every place of a group alike */
            double here = 0;
            for (size_t i = place; i < N; i += GROUP)
                here += y[i] == 0.0f ? 1 : 0;
            assert_true(fabs(here - N / GROUP * p) <= 5 * sqrt(N / GROUP * variance));
        }
    }
    free(x);
    free(y);
    free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reference_is_the_definition),
        cmocka_unit_test(known_block),
        cmocka_unit_test(levels_equal_reference),
        cmocka_unit_test(falls_out_at_random),
    };
    return cmocka_run_group_tests(tests, enter_contract, NULL);
}
