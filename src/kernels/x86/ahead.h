/* SPDX-License-Identifier: Apache-2.0
 * Reading ahead in packed weights: what a product needs next comes in from memory while a tile is worked on. Panels
 * follow each other, so it is the same part of the next panel, a slice of it with each of the panel's first tiles.
 * Running past the end of the weights is harmless: a prefetch never faults.
 * Includes: immintrin.h. Called by: avx512_gemm_*.c. */
#ifndef TB_KERNELS_X86_AHEAD_H
#define TB_KERNELS_X86_AHEAD_H

#include <immintrin.h>
#include <stddef.h>

typedef struct ahead {
    const char *next;
    size_t lines; /* of 64 bytes, a step of a tile whose own step reads four: 0, 1 or 2 */
} ahead;

/* For tile number `tile` of `tiles` that all work through as many bytes as lie at `next`. A panel's only tile leaves it
 * to the processor, which follows a plain stream by itself. */
static inline ahead ahead_of_tile(const void *next, size_t bytes, size_t tile, size_t tiles)
{
    size_t lines = tiles >= 4 ? 1 : tiles >= 2 ? 2 : 0, slices = tiles >= 4 ? 4 : 2;
    return (ahead){(const char *)next + bytes / slices * tile, tile < slices ? lines : 0};
}

static inline void ahead_step(ahead *f)
{
    if (f->lines == 0)
        return;
    _mm_prefetch(f->next, _MM_HINT_T1);
    if (f->lines > 1)
        _mm_prefetch(f->next + 64, _MM_HINT_T1);
    f->next += 64 * f->lines;
}

#endif
