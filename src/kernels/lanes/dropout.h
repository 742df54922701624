/* SPDX-License-Identifier: Apache-2.0
 * Dropout on 16 lanes: sixteen Philox blocks at once, one a lane; the bits of ref/dropout.c.
 * A level brings `wlanes`: one 32-bit word in each of 16 places that are wide enough for a product of two.
 * Includes: kernels.h; the level's lanes_*.h comes first. Called by: a level's table. */
#ifndef TB_KERNELS_LANES_DROPOUT_H
#define TB_KERNELS_LANES_DROPOUT_H

#include "kernels/kernels.h"

enum { LANES_PHILOX_ROUNDS = 10, LANES_DROPOUT_GROUP = 128 };

/* Words 0..3 of the blocks of counters 16 * group + lane (base/rng.c). */
static inline void lanes_philox(const tb_dropout *d, uint64_t group, ilanes words[4])
{
    uint64_t counter = group * 16; /* its last four bits are the lane */
    uint32_t k0 = (uint32_t)d->seed, k1 = (uint32_t)(d->seed >> 32);
    wlanes c0 = wlanes_count((uint32_t)counter), c1 = wlanes_set((uint32_t)(counter >> 32));
    wlanes c2 = wlanes_set((uint32_t)d->stream), c3 = wlanes_set((uint32_t)(d->stream >> 32));
    for (int round = 0; round < LANES_PHILOX_ROUNDS; round++) {
        wlanes a = wlanes_mul(c0, UINT32_C(0xD2511F53)), b = wlanes_mul(c2, UINT32_C(0xCD9E8D57));
        c0 = wlanes_xor_3(wlanes_high(b), c1, wlanes_set(k0));
        c2 = wlanes_xor_3(wlanes_high(a), c3, wlanes_set(k1));
        c1 = b; /* the low word counts */
        c3 = a;
        k0 += UINT32_C(0x9E3779B9);
        k1 += UINT32_C(0xBB67AE85);
    }
    words[0] = ilanes_from_wide(c0);
    words[1] = ilanes_from_wide(c1);
    words[2] = ilanes_from_wide(c2);
    words[3] = ilanes_from_wide(c3);
}

/* 16 values; +0 where the bits (0..65535) are below the threshold. */
static inline lanes lanes_drop(lanes x, ilanes bits, ilanes threshold, lanes scale)
{
    return lanes_unless_below(bits, threshold, lanes_mul(x, scale));
}

static inline void lanes_dropout(const tb_dropout *d, uint64_t first, const float *x, float *y, size_t n)
{
    ilanes threshold = ilanes_set((int32_t)d->threshold), low = ilanes_set(0xffff);
    lanes scale = lanes_set(d->scale);
    size_t whole = n / LANES_DROPOUT_GROUP * LANES_DROPOUT_GROUP;
    ilanes words[4];
    for (size_t i = 0; i < whole; i += LANES_DROPOUT_GROUP) {
        const float *from = x + i;
        float *to = y + i;
        lanes_philox(d, first + i / LANES_DROPOUT_GROUP, words);
        for (size_t w = 0; w < 4; w++) {
            ilanes here = ilanes_and(words[w], low), next = ilanes_shift_right_16(words[w]);
            lanes_store(to + 32 * w, lanes_drop(lanes_load(from + 32 * w), here, threshold, scale));
            lanes_store(to + 32 * w + 16, lanes_drop(lanes_load(from + 32 * w + 16), next, threshold, scale));
        }
    }
    if (whole == n)
        return;
    lanes_philox(d, first + whole / LANES_DROPOUT_GROUP, words);
    for (size_t i = whole; i < n; i += 16) {
        size_t half = (i - whole) / 16, count = n - i < 16 ? n - i : 16;
        ilanes word = words[half / 2];
        ilanes bits = half % 2 == 0 ? ilanes_and(word, low) : ilanes_shift_right_16(word);
        if (count == 16)
            lanes_store(y + i, lanes_drop(lanes_load(x + i), bits, threshold, scale));
        else
            lanes_store_some(y + i, lanes_drop(lanes_load_some(x + i, count), bits, threshold, scale), count);
    }
}

#endif
