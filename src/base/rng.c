/* Philox 4x32-10 and what is drawn from it. Includes: base/rng.h. Called by: model heads, sampling, studies. */
#include "base/rng.h"

#include <string.h>

/* Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3 (SC 2011). */
void tb_philox(uint64_t seed, uint64_t stream, uint64_t counter, uint32_t out[4])
{
    uint32_t c0 = (uint32_t)counter, c1 = (uint32_t)(counter >> 32);
    uint32_t c2 = (uint32_t)stream, c3 = (uint32_t)(stream >> 32);
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    for (int round = 0; round < 10; round++) {
        uint64_t a = (uint64_t)0xD2511F53U * c0, b = (uint64_t)0xCD9E8D57U * c2;
        uint32_t n0 = (uint32_t)(b >> 32) ^ c1 ^ k0, n2 = (uint32_t)(a >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)b;
        c3 = (uint32_t)a;
        c0 = n0;
        c2 = n2;
        k0 += 0x9E3779B9U;
        k1 += 0xBB67AE85U;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

tb_rng tb_rng_make(uint64_t seed, uint64_t stream)
{
    tb_rng rng = {.seed = seed, .stream = stream};
    return rng;
}

uint32_t tb_rng_u32(tb_rng *rng)
{
    if (rng->left == 0) {
        tb_philox(rng->seed, rng->stream, rng->counter++, rng->words);
        rng->left = 4;
    }
    return rng->words[4 - rng->left--];
}

static uint64_t rng_u64(tb_rng *rng)
{
    uint64_t low = tb_rng_u32(rng);
    return low | (uint64_t)tb_rng_u32(rng) << 32;
}

uint64_t tb_rng_below(tb_rng *rng, uint64_t n)
{
    uint64_t limit = UINT64_MAX - (UINT64_MAX % n + 1) % n; /* the largest value of a whole number of cycles */
    uint64_t value;
    do
        value = rng_u64(rng);
    while (value > limit);
    return value % n;
}

double tb_rng_unit(tb_rng *rng)
{
    return (double)(rng_u64(rng) >> 11) * 0x1p-53;
}

/* Natural logarithm of x in (0, 1], by the series of artanh; plain multiplications, so the same bits everywhere. */
static double log_series(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int exponent = (int)(bits >> 52) - 1022;
    bits = (bits & 0xfffffffffffffULL) | 0x3fe0000000000000ULL; /* mantissa in [1/2, 1) */
    double m;
    memcpy(&m, &bits, sizeof m);
    if (m < 0x1.6a09e667f3bcdp-1) {
        m *= 2;
        exponent--;
    }
    static const double inverse[] = {1.0 / 27, 1.0 / 25, 1.0 / 23, 1.0 / 21, 1.0 / 19, 1.0 / 17, 1.0 / 15,
                                     1.0 / 13, 1.0 / 11, 1.0 / 9,  1.0 / 7,  1.0 / 5,  1.0 / 3,  1.0};
    double s = (m - 1) / (m + 1), s2 = s * s, sum = 0;
    for (size_t k = 0; k < sizeof inverse / sizeof inverse[0]; k++)
        sum = sum * s2 + inverse[k];
    return 2 * s * sum + exponent * 0x1.62e42fefa39efp-1;
}

/* Newton steps for the square root would do; the hardware's is correctly rounded already. */
static double square_root(double x)
{
    return __builtin_sqrt(x);
}

void tb_rng_normal_pair(tb_rng *rng, double out[2])
{
    for (;;) { /* Marsaglia's polar method */
        double u = 2 * tb_rng_unit(rng) - 1, v = 2 * tb_rng_unit(rng) - 1, s = u * u + v * v;
        if (s > 0 && s < 1) {
            double factor = square_root(-2 * log_series(s) / s);
            out[0] = u * factor;
            out[1] = v * factor;
            return;
        }
    }
}

double tb_rng_normal(tb_rng *rng)
{
    double pair[2]; /* the second value is not kept, so that the stream has no hidden state */
    tb_rng_normal_pair(rng, pair);
    return pair[0];
}

void tb_rng_shuffle(tb_rng *rng, size_t *index, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = (size_t)tb_rng_below(rng, i), held = index[i - 1];
        index[i - 1] = index[j];
        index[j] = held;
    }
}

uint64_t tb_hash64(const void *bytes, size_t size)
{
    const unsigned char *b = bytes;
    uint64_t hash = 0xcbf29ce484222325ULL;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ b[i]) * 0x100000001b3ULL;
    return hash;
}
