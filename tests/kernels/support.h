/* SPDX-License-Identifier: Apache-2.0
 * What the kernel tests share: random and extreme values, guarded blocks, comparison by bits, the levels to compare.
 * Includes: kernels.h, base, cmocka. Called by: tests/kernels/test_*.c. */
#ifndef TB_TEST_KERNELS_SUPPORT_H
#define TB_TEST_KERNELS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/fp.h"
#include "base/rng.h"
#include "every_level.h"
#include "kernels/kernels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GUARD = 128, GUARD_BYTE = 0xa5 };

/* A block of exactly `bytes` bytes, `shift` bytes past a 64-byte boundary, between guards that nobody may touch. The
 * contents start as guard bytes too. */
typedef struct guarded {
    uint8_t *base;
    size_t bytes, shift;
} guarded;

static inline guarded guarded_new(size_t bytes, size_t shift)
{
    guarded g = {NULL, bytes, shift};
    size_t size = tb_round_up(GUARD + shift + bytes + GUARD, 64);
    g.base = aligned_alloc(64, size);
    assert_non_null(g.base);
    memset(g.base, GUARD_BYTE, size);
    return g;
}

static inline void *guarded_at(guarded g)
{
    return g.base + GUARD + g.shift;
}

static inline void guarded_check(guarded g)
{
    size_t before = GUARD + g.shift;
    for (size_t i = 0; i < before; i++)
        assert_int_equal(g.base[i], GUARD_BYTE);
    for (size_t i = 0; i < GUARD; i++)
        assert_int_equal(g.base[before + g.bytes + i], GUARD_BYTE);
}

static inline void guarded_free(guarded g)
{
    guarded_check(g);
    free(g.base);
}

static inline uint32_t float_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float bits_float(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

typedef enum flavour { PLAIN, FINITE_EXTREMES, ALL_EXTREMES, SUBNORMAL, EQUAL, N_FLAVOURS } flavour;

/* One value of a flavour: normal deviates; mixed with huge, tiny and zero values; also with infinities and NaN. */
static inline float random_value(tb_rng *rng, flavour kind)
{
    static const float extremes[] = {
        0.0f,      -0.0f,     1.0f,      -1.0f,  0x1p-149f, -0x1p-149f,       0x1.8p-140f,       0x1p-126f,
        0x1p-100f, -0x1p-60f, 0x1p+60f,  127.0f, -127.5f,   0x1.fffffep+127f, -0x1.fffffep+127f, 88.8f,
        -104.2f,   0.625f,    0.921875f, -9.01f, 0x1p+23f,  -0x1.000002p+22f, INFINITY,          -INFINITY,
        NAN,
    };
    enum { N_EXTREMES = sizeof extremes / sizeof extremes[0], N_NOT_FINITE = 3 };
    float normal = (float)tb_rng_normal(rng);
    uint32_t pick = tb_rng_u32(rng);
    switch (kind) {
    case FINITE_EXTREMES:
        return pick % 3 == 0 ? extremes[(pick >> 8) % (N_EXTREMES - N_NOT_FINITE)] : normal;
    case ALL_EXTREMES:
        return pick % 3 == 0 ? extremes[(pick >> 8) % N_EXTREMES] : normal * 30.0f;
    case SUBNORMAL:
        return normal * 0x1p-130f;
    case EQUAL:
        return -1.25f;
    case PLAIN:
    default:
        return normal;
    }
}

static inline void random_values(tb_rng *rng, flavour kind, float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = random_value(rng, kind);
}

/* Equal bits, or both NaN: which NaN is not part of the contract. */
static inline bool same_float(float a, float b)
{
    return float_bits(a) == float_bits(b) || (isnan(a) && isnan(b));
}

static inline void assert_same_floats(const char *what, const tb_kernels *level, const float *expected,
                                      const float *got, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!same_float(expected[i], got[i]))
            fail_msg("%s, %s: value %zu of %zu is %a (%08x), not %a (%08x)", level->name, what, i, n, (double)got[i],
                     float_bits(got[i]), (double)expected[i], float_bits(expected[i]));
    }
}

/* All levels that can be tested without the reference. */
static inline size_t other_levels(const tb_kernels *levels[MAX_LEVELS])
{
    const tb_kernels *all[MAX_LEVELS];
    size_t n = every_level(all), count = 0;
    for (size_t i = 0; i < n; i++)
        if (all[i] != &tb_kernels_ref)
            levels[count++] = all[i];
    return count;
}

/* The contract's floating-point environment for a whole test program. */
static inline int enter_contract(void **state)
{
    (void)state;
    tb_fp_enter();
    return 0;
}

#endif
