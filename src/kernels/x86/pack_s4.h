/* SPDX-License-Identifier: Apache-2.0
 * Four-bit panels of layout.h with AVX2 or, where the file is compiled for it, AVX-512; nr is 16 or 64.
 * q * m is made from u = q + 8 (0..15) as u * m - 8 * m. All four bytes of a dword belong to one column, and u * m is
 * at most 225: one 16-bit multiplication by m does two bytes without a carry between them. Includes: pack.h. Called by:
 * avx2_level.h, avx512.c. */
#ifndef TB_KERNELS_X86_PACK_S4_H
#define TB_KERNELS_X86_PACK_S4_H

#include "kernels/x86/pack.h"

/* 8 rows of 8 dwords of q, transposed; rows from `rows` on are zeros. */
static inline void x86_load_q(__m256i v[8], const int8_t *q, size_t ldq, size_t rows)
{
    for (size_t r = 0; r < 8; r++)
        v[r] = r < rows ? _mm256_loadu_si256((const __m256i *)(const void *)(q + r * ldq)) : _mm256_setzero_si256();
    x86_transpose_8(v);
}

static inline void x86_pack_s4(size_t nr, uint8_t *panels, const int8_t *q, size_t ldq, const uint8_t *multiplier,
                               size_t ldm, size_t n, size_t k, size_t group)
{
    const __m256i fifteen = _mm256_set1_epi8(15), eight = _mm256_set1_epi8(8);
    size_t panel_bytes = tb_layout_s4_bytes(nr, k, group), nibble_bytes = tb_layout_s4_nibble_bytes(nr, k);
    for (size_t j = 0; j < n; j += nr) {
        uint8_t *panel = panels + j / nr * panel_bytes;
        size_t rows = n - j < nr ? n - j : nr;
        for (size_t kk = 0; kk < k; kk += 32) {
            for (size_t c = 0; c < nr; c += 16) {
                __m256i low[8], high[8];
                const int8_t *from = q + (j + c) * ldq + kk;
                x86_load_q(low, from, ldq, c < rows ? rows - c : 0);
                x86_load_q(high, from + 8 * ldq, ldq, c + 8 < rows ? rows - c - 8 : 0);
                for (size_t t = 0; t < 8; t++) {
                    __m256i l = _mm256_and_si256(_mm256_add_epi8(low[t], eight), fifteen);
                    __m256i h = _mm256_and_si256(_mm256_add_epi8(high[t], eight), fifteen);
                    _mm256_storeu_si256((__m256i *)(void *)(panel + ((kk / 4 + t) * nr + c) * 2),
                                        _mm256_or_si256(l, _mm256_slli_epi16(h, 4)));
                }
            }
        }
        uint8_t *multipliers = panel + nibble_bytes;
        memset(multipliers, 0, panel_bytes - nibble_bytes);
        for (size_t c = 0; c < rows; c++)
            for (size_t b = 0; b < k / group; b++)
                multipliers[b * nr + c] = multiplier[(j + c) * ldm + b];
    }
}

#if defined(__AVX512BW__)

/* 16 columns of a group: m in both words of each column's dword, and 8 * m in its four bytes. */
typedef struct x86_s4_scale {
    __m512i m, offset;
} x86_s4_scale;

static inline x86_s4_scale x86_s4_scale_of(const uint8_t *multipliers)
{
    __m512i m = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)multipliers));
    m = _mm512_or_si512(m, _mm512_slli_epi32(m, 16));
    __m512i eight = _mm512_slli_epi32(m, 3);
    return (x86_s4_scale){m, _mm512_or_si512(eight, _mm512_slli_epi32(eight, 8))};
}

/* 64 bytes of the s8 panel. */
static inline void x86_unpack_block(int8_t *panel, const uint8_t *nibbles, x86_s4_scale s)
{
    const __m512i shift = _mm512_inserti64x4(_mm512_setzero_si512(), _mm256_set1_epi16(4), 1);
    __m512i u = _mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i *)(const void *)nibbles));
    u = _mm512_and_si512(_mm512_srlv_epi16(u, shift), _mm512_set1_epi8(15));
    _mm512_storeu_si512(panel, _mm512_sub_epi8(_mm512_mullo_epi16(u, s.m), s.offset));
}

static inline void x86_unpack_s4(size_t nr, int8_t *panel, const uint8_t *s4_panel, size_t k, size_t group)
{
    const uint8_t *multipliers = s4_panel + tb_layout_s4_nibble_bytes(nr, k);
    size_t row = nr * 4; /* bytes of the s8 panel for four values of k */
    for (size_t k0 = 0; k0 < k; k0 += group, multipliers += nr) {
        for (size_t c = 0; c < nr; c += 64) {
            x86_s4_scale s0 = x86_s4_scale_of(multipliers + c), s1 = x86_s4_scale_of(multipliers + c + 16);
            x86_s4_scale s2 = x86_s4_scale_of(multipliers + c + 32), s3 = x86_s4_scale_of(multipliers + c + 48);
            for (size_t kk = k0; kk < k0 + group; kk += 4) {
                size_t at = kk / 4 * row + c * 4;
                x86_unpack_block(panel + at, s4_panel + at / 2, s0);
                x86_unpack_block(panel + at + 64, s4_panel + at / 2 + 32, s1);
                x86_unpack_block(panel + at + 128, s4_panel + at / 2 + 64, s2);
                x86_unpack_block(panel + at + 192, s4_panel + at / 2 + 96, s3);
            }
        }
    }
}

#else

/* 8 columns of a group: m in both words of each column's dword, and 8 * m in its four bytes. */
typedef struct x86_s4_scale {
    __m256i m, offset;
} x86_s4_scale;

static inline x86_s4_scale x86_s4_scale_of(const uint8_t *multipliers)
{
    __m256i m = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)multipliers));
    m = _mm256_or_si256(m, _mm256_slli_epi32(m, 16));
    __m256i eight = _mm256_slli_epi32(m, 3);
    return (x86_s4_scale){m, _mm256_or_si256(eight, _mm256_slli_epi32(eight, 8))};
}

/* 32 bytes of the s8 panel from the low nibbles of u. */
static inline void x86_unpack_half(int8_t *panel, __m256i u, x86_s4_scale s)
{
    u = _mm256_and_si256(u, _mm256_set1_epi8(15));
    _mm256_storeu_si256((__m256i *)(void *)panel, _mm256_sub_epi8(_mm256_mullo_epi16(u, s.m), s.offset));
}

static inline void x86_unpack_s4(size_t nr, int8_t *panel, const uint8_t *s4_panel, size_t k, size_t group)
{
    const uint8_t *multipliers = s4_panel + tb_layout_s4_nibble_bytes(nr, k);
    for (size_t k0 = 0; k0 < k; k0 += group, multipliers += nr) {
        for (size_t c = 0; c < nr; c += 16) {
            x86_s4_scale low = x86_s4_scale_of(multipliers + c), high = x86_s4_scale_of(multipliers + c + 8);
            for (size_t kk = k0; kk < k0 + group; kk += 4) {
                size_t at = kk * nr + c * 4; /* a block of 64 bytes of the s8 panel: 16 columns of 4 weights */
                __m256i u = _mm256_loadu_si256((const __m256i *)(const void *)(s4_panel + at / 2));
                x86_unpack_half(panel + at, u, low);
                x86_unpack_half(panel + at + 32, _mm256_srli_epi16(u, 4), high);
            }
        }
    }
}

#endif
#endif
