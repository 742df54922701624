/* SPDX-License-Identifier: Apache-2.0
 * Packing of weights rounded to bfloat16: into the panels of layout.h, and into pairs of k for the instructions that
 * multiply bfloat16 ([ceil(k / 2)][nr][2]).
 * Includes: pack.h; the level's lanes_*.h comes first. Called by: avx2.c, avx512.c, avx512bf16.c, amx_pack.h. */
#ifndef TB_KERNELS_X86_PACK_BF16_H
#define TB_KERNELS_X86_PACK_BF16_H

#include "kernels/x86/pack.h"

enum { X86_BF16_NR = 16, X86_BF16_STEPS = 32, X86_BF16_AHEAD = 64 };

/* The layout of layout.h with 16 columns. */
static inline void x86_pack_bf16(uint16_t *panels, const float *w, size_t ldw, size_t n, size_t k)
{
    enum { NR = X86_BF16_NR, STEPS = X86_BF16_STEPS };
    _Alignas(64) float block[STEPS * NR];
    size_t panel_size = tb_layout_bf16_bytes(NR, k) / sizeof(uint16_t);
    for (size_t j = 0; j < n; j += NR) {
        uint16_t *panel = panels + j / NR * panel_size;
        size_t columns = n - j < NR ? n - j : NR;
        for (size_t kk = 0; kk < k; kk += STEPS) {
            size_t steps = k - kk < STEPS ? k - kk : STEPS;
            x86_pack_dwords(NR, block, w + j * ldw + kk, ldw * sizeof(float), columns, steps);
            for (size_t s = 0; s < steps; s++)
                lanes_store_bf16(panel + (kk + s) * NR, lanes_load(block + s * NR));
        }
        memset(panel + k * NR, 0, (panel_size - k * NR) * sizeof(uint16_t));
    }
}

/* Up to 32 values of k of `columns` columns, as pairs: pair t of column c goes to pair t * nr + c of `pairs`. Writes
 * `count` pairs a column (at most 16), zeros after the `steps` values that there are. */
static inline void x86_pack_bf16_pairs(size_t nr, uint16_t *pairs, const float *w, size_t ldw, size_t columns,
                                       size_t steps, size_t count)
{
    enum { STEPS = X86_BF16_STEPS, MAX_NR = 64 };
    _Alignas(64) uint16_t block[MAX_NR * STEPS];
    for (size_t c = 0; c < columns; c++) {
        for (size_t s = 0; s < STEPS; s += 16) {
            const float *from = w + c * ldw + s;
            _mm_prefetch((const char *)(from + X86_BF16_AHEAD), _MM_HINT_T0); /* a panel's rows lie far apart */
            size_t there = steps <= s ? 0 : steps - s < 16 ? steps - s : 16;
            lanes v = there == 16 ? lanes_load(from) : there > 0 ? lanes_load_some(from, there) : lanes_set(0.0f);
            lanes_store_bf16(block + c * STEPS + s, v);
        }
    }
    x86_pack_dwords(nr, pairs, block, STEPS * sizeof(uint16_t), columns, count);
}

#endif
