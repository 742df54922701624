/* Random numbers: a counter-based generator (Philox 4x32-10, Salmon et al. 2011), so that value i of stream s is the
 * same whatever order or thread asks for it. Includes: nothing of ours. Called by: model heads, sampling, studies. */
#ifndef TB_BASE_RNG_H
#define TB_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

/* Block `counter` of stream (seed, stream): four 32-bit words. */
void tb_philox(uint64_t seed, uint64_t stream, uint64_t counter, uint32_t out[4]);

/* A sequential view of one stream. */
typedef struct tb_rng {
    uint64_t seed, stream, counter;
    uint32_t words[4];
    int left;
} tb_rng;

tb_rng tb_rng_make(uint64_t seed, uint64_t stream);
uint32_t tb_rng_u32(tb_rng *rng);
uint64_t tb_rng_below(tb_rng *rng, uint64_t n);      /* unbiased, 0..n-1; n > 0 */
double tb_rng_unit(tb_rng *rng);                     /* [0, 1), 53 bits */
void tb_rng_normal_pair(tb_rng *rng, double out[2]); /* two independent ones for the price of one */
double tb_rng_normal(tb_rng *rng);                   /* mean 0, sd 1; same bits everywhere (no libm) */
void tb_rng_shuffle(tb_rng *rng, size_t *index, size_t n);

/* Stable 64-bit hash of bytes (FNV-1a), for stream names and records. */
uint64_t tb_hash64(const void *bytes, size_t size);

#endif
