/* SPDX-License-Identifier: Apache-2.0
 * Packing into the panels of layout.h with AVX2 instructions, for the x86 levels; nr is 16 or 64.
 * Includes: layout.h. Called by: avx2_level.h, avx512.c, pack_s4.h, pack_bf16.h. */
#ifndef TB_KERNELS_X86_PACK_H
#define TB_KERNELS_X86_PACK_H

#include "kernels/layout.h"

#include <immintrin.h>
#include <string.h>

/* Transposes 8 rows of 8 dwords in place. */
static inline void x86_transpose_8(__m256i v[8])
{
    __m256i a0 = _mm256_unpacklo_epi32(v[0], v[1]), a1 = _mm256_unpackhi_epi32(v[0], v[1]);
    __m256i a2 = _mm256_unpacklo_epi32(v[2], v[3]), a3 = _mm256_unpackhi_epi32(v[2], v[3]);
    __m256i a4 = _mm256_unpacklo_epi32(v[4], v[5]), a5 = _mm256_unpackhi_epi32(v[4], v[5]);
    __m256i a6 = _mm256_unpacklo_epi32(v[6], v[7]), a7 = _mm256_unpackhi_epi32(v[6], v[7]);

    __m256i b0 = _mm256_unpacklo_epi64(a0, a2), b1 = _mm256_unpackhi_epi64(a0, a2);
    __m256i b2 = _mm256_unpacklo_epi64(a1, a3), b3 = _mm256_unpackhi_epi64(a1, a3);
    __m256i b4 = _mm256_unpacklo_epi64(a4, a6), b5 = _mm256_unpackhi_epi64(a4, a6);
    __m256i b6 = _mm256_unpacklo_epi64(a5, a7), b7 = _mm256_unpackhi_epi64(a5, a7);

    v[0] = _mm256_permute2x128_si256(b0, b4, 0x20);
    v[1] = _mm256_permute2x128_si256(b1, b5, 0x20);
    v[2] = _mm256_permute2x128_si256(b2, b6, 0x20);
    v[3] = _mm256_permute2x128_si256(b3, b7, 0x20);
    v[4] = _mm256_permute2x128_si256(b0, b4, 0x31);
    v[5] = _mm256_permute2x128_si256(b1, b5, 0x31);
    v[6] = _mm256_permute2x128_si256(b2, b6, 0x31);
    v[7] = _mm256_permute2x128_si256(b3, b7, 0x31);
}

/* One panel: dword t of row c goes to dword t * nr + c; rows from `rows` on are zeros. `stride` is in bytes. */
static inline void x86_pack_dwords(size_t nr, void *panel, const void *w, size_t stride, size_t rows, size_t dwords)
{
    const __m256i index = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    char *out = panel;
    const char *in = w;
    for (size_t t = 0; t < dwords; t += 8) {
        size_t count = dwords - t < 8 ? dwords - t : 8;
        __m256i mask = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)count), index);
        for (size_t c0 = 0; c0 < nr; c0 += 8) {
            __m256i v[8];
            for (size_t r = 0; r < 8; r++) {
                size_t c = c0 + r;
                v[r] = c < rows ? _mm256_maskload_epi32((const int *)(const void *)(in + c * stride + t * 4), mask)
                                : _mm256_setzero_si256();
            }
            if (c0 < rows)
                x86_transpose_8(v);
            for (size_t r = 0; r < count; r++)
                _mm256_storeu_si256((__m256i *)(void *)(out + ((t + r) * nr + c0) * 4), v[r]);
        }
    }
}

static inline void x86_pack_f32(size_t nr, float *panels, const float *w, size_t ldw, size_t n, size_t k)
{
    for (size_t j = 0; j < n; j += nr) {
        size_t rows = n - j < nr ? n - j : nr;
        x86_pack_dwords(nr, panels + j * k, w + j * ldw, ldw * sizeof(float), rows, k);
    }
}

/* b[k][ldb], eight rows at a time through all panels: the rows are read as they lie. */
static inline void x86_pack_f32_kn(size_t nr, float *panels, const float *b, size_t ldb, size_t n, size_t k)
{
    enum { BLOCK = 8 };
    size_t whole = n / nr * nr, rest = n - whole;
    for (size_t k0 = 0; k0 < k; k0 += BLOCK) {
        size_t end = k - k0 < BLOCK ? k : k0 + BLOCK;
        for (size_t j = 0; j < whole; j += nr)
            for (size_t kk = k0; kk < end; kk++)
                for (size_t c = 0; c < nr; c += 8)
                    _mm256_store_ps(panels + j * k + kk * nr + c, _mm256_loadu_ps(b + kk * ldb + j + c));
        for (size_t kk = k0; rest > 0 && kk < end; kk++) {
            memcpy(panels + whole * k + kk * nr, b + kk * ldb + whole, rest * sizeof(float));
            memset(panels + whole * k + kk * nr + rest, 0, (nr - rest) * sizeof(float));
        }
    }
}

static inline void x86_pack_s8(size_t nr, int8_t *panels, const int8_t *w, size_t ldw, size_t n, size_t k)
{
    size_t whole = k / 4 * 4;
    for (size_t j = 0; j < n; j += nr) {
        int8_t *panel = panels + j / nr * tb_layout_s8_bytes(nr, k);
        size_t rows = n - j < nr ? n - j : nr;
        x86_pack_dwords(nr, panel, w + j * ldw, ldw, rows, k / 4);
        if (whole == k)
            continue;
        memset(panel + whole * nr, 0, 4 * nr);
        for (size_t c = 0; c < rows; c++)
            for (size_t kk = whole; kk < k; kk++)
                panel[tb_layout_s8_at(nr, c, kk)] = w[(j + c) * ldw + kk];
    }
}

#endif
