/* SPDX-License-Identifier: Apache-2.0
 * Dropout of the reference level: 16 random bits a value, from the blocks of base/rng.h.
 * Includes: ref.h, base/rng.h. Called through tb_kernels_ref. */
#include "base/rng.h"
#include "kernels/ref/ref.h"

enum { GROUP = 128 };

void tb_ref_dropout(const tb_dropout *d, uint64_t first, const float *x, float *y, size_t n)
{
    for (size_t i = 0; i < n; i += GROUP) {
        uint32_t words[TB_LANES][4];
        for (size_t lane = 0; lane < TB_LANES; lane++)
            tb_philox(d->seed, d->stream, (first + i / GROUP) * TB_LANES + lane, words[lane]);
        for (size_t e = 0; e < GROUP && i + e < n; e++) {
            uint32_t word = words[e % TB_LANES][e / 32];
            uint32_t bits = e % 32 < TB_LANES ? word & 0xffff : word >> 16;
            y[i + e] = bits >= d->threshold ? x[i + e] * d->scale : 0.0f;
        }
    }
}
