/* SPDX-License-Identifier: Apache-2.0
 * The 16 virtual lanes of the contract as two AVX2 registers.
 * lanes_min(a, b) is a < b ? a : b and lanes_max(a, b) is a > b ? a : b, NaN and zeros included.
 * *_some touch only the first `count` elements in memory (1..15); lanes that are not loaded are +0.
 * Includes: lanes_x86.h. Called by: avx2*.c, before the files of lanes/. */
#ifndef TB_KERNELS_X86_LANES_AVX2_H
#define TB_KERNELS_X86_LANES_AVX2_H

#include "kernels/x86/lanes_x86.h"

typedef struct lanes {
    __m256 lo, hi;
} lanes;

typedef struct ilanes {
    __m256i lo, hi;
} ilanes;

/* All ones in the first count of 16 lanes. */
static inline ilanes ilanes_mask(size_t count)
{
    __m256i limit = _mm256_set1_epi32((int)count);
    __m256i index = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    __m256i upper = _mm256_add_epi32(index, _mm256_set1_epi32(8));
    return (ilanes){_mm256_cmpgt_epi32(limit, index), _mm256_cmpgt_epi32(limit, upper)};
}

static inline lanes lanes_set(float x)
{
    return (lanes){_mm256_set1_ps(x), _mm256_set1_ps(x)};
}
static inline lanes lanes_load(const float *p)
{
    return (lanes){_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)};
}
static inline void lanes_store(float *p, lanes v)
{
    _mm256_storeu_ps(p, v.lo);
    _mm256_storeu_ps(p + 8, v.hi);
}
static inline lanes lanes_load_some(const float *p, size_t count)
{
    ilanes mask = ilanes_mask(count);
    __m256 hi = count > 8 ? _mm256_maskload_ps(p + 8, mask.hi) : _mm256_setzero_ps();
    return (lanes){_mm256_maskload_ps(p, mask.lo), hi};
}
static inline void lanes_store_some(float *p, lanes v, size_t count)
{
    ilanes mask = ilanes_mask(count);
    _mm256_maskstore_ps(p, mask.lo, v.lo);
    if (count > 8)
        _mm256_maskstore_ps(p + 8, mask.hi, v.hi);
}
/* The first count lanes of v, +0 in the others. */
static inline lanes lanes_keep(lanes v, size_t count)
{
    ilanes mask = ilanes_mask(count);
    return (lanes){_mm256_and_ps(v.lo, _mm256_castsi256_ps(mask.lo)),
                   _mm256_and_ps(v.hi, _mm256_castsi256_ps(mask.hi))};
}

static inline lanes lanes_add(lanes a, lanes b)
{
    return (lanes){_mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi)};
}
static inline lanes lanes_sub(lanes a, lanes b)
{
    return (lanes){_mm256_sub_ps(a.lo, b.lo), _mm256_sub_ps(a.hi, b.hi)};
}
static inline lanes lanes_mul(lanes a, lanes b)
{
    return (lanes){_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)};
}
static inline lanes lanes_div(lanes a, lanes b)
{
    return (lanes){_mm256_div_ps(a.lo, b.lo), _mm256_div_ps(a.hi, b.hi)};
}
static inline lanes lanes_fma(lanes a, lanes b, lanes c)
{
    return (lanes){_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)};
}
static inline lanes lanes_min(lanes a, lanes b)
{
    return (lanes){_mm256_min_ps(a.lo, b.lo), _mm256_min_ps(a.hi, b.hi)};
}
static inline lanes lanes_max(lanes a, lanes b)
{
    return (lanes){_mm256_max_ps(a.lo, b.lo), _mm256_max_ps(a.hi, b.hi)};
}
static inline lanes lanes_abs(lanes v)
{
    __m256 sign = _mm256_set1_ps(-0.0f);
    return (lanes){_mm256_andnot_ps(sign, v.lo), _mm256_andnot_ps(sign, v.hi)};
}
static inline lanes lanes_negate(lanes v)
{
    __m256 sign = _mm256_set1_ps(-0.0f);
    return (lanes){_mm256_xor_ps(sign, v.lo), _mm256_xor_ps(sign, v.hi)};
}
static inline lanes lanes_copysign(lanes magnitude, lanes sign_of)
{
    __m256 sign = _mm256_set1_ps(-0.0f);
    return (lanes){_mm256_or_ps(_mm256_andnot_ps(sign, magnitude.lo), _mm256_and_ps(sign, sign_of.lo)),
                   _mm256_or_ps(_mm256_andnot_ps(sign, magnitude.hi), _mm256_and_ps(sign, sign_of.hi))};
}
/* a < b ? yes : no, false where either is NaN */
static inline lanes lanes_select_less(lanes a, lanes b, lanes yes, lanes no)
{
    return (lanes){_mm256_blendv_ps(no.lo, yes.lo, _mm256_cmp_ps(a.lo, b.lo, _CMP_LT_OQ)),
                   _mm256_blendv_ps(no.hi, yes.hi, _mm256_cmp_ps(a.hi, b.hi, _CMP_LT_OQ))};
}
static inline float lanes_sum(lanes v)
{
    return x86_sum_8(_mm256_add_ps(v.lo, v.hi));
}
static inline float lanes_highest(lanes v)
{
    return x86_highest_8(_mm256_max_ps(v.lo, v.hi));
}
static inline float lanes_lowest(lanes v)
{
    return x86_lowest_8(_mm256_min_ps(v.lo, v.hi));
}

static inline ilanes lanes_bits(lanes v)
{
    return (ilanes){_mm256_castps_si256(v.lo), _mm256_castps_si256(v.hi)};
}
static inline lanes lanes_from_bits(ilanes v)
{
    return (lanes){_mm256_castsi256_ps(v.lo), _mm256_castsi256_ps(v.hi)};
}
static inline lanes lanes_from_int(ilanes v)
{
    return (lanes){_mm256_cvtepi32_ps(v.lo), _mm256_cvtepi32_ps(v.hi)};
}
static inline ilanes ilanes_round(lanes v) /* half to even, for |v| < 2^31 */
{
    return (ilanes){_mm256_cvtps_epi32(v.lo), _mm256_cvtps_epi32(v.hi)};
}

static inline ilanes ilanes_set(int32_t x)
{
    return (ilanes){_mm256_set1_epi32(x), _mm256_set1_epi32(x)};
}
static inline ilanes ilanes_load(const int32_t *p)
{
    return (ilanes){_mm256_loadu_si256((const __m256i *)(const void *)p),
                    _mm256_loadu_si256((const __m256i *)(const void *)(p + 8))};
}
static inline ilanes ilanes_load_some(const int32_t *p, size_t count)
{
    ilanes mask = ilanes_mask(count);
    __m256i hi = count > 8 ? _mm256_maskload_epi32((const int *)p + 8, mask.hi) : _mm256_setzero_si256();
    return (ilanes){_mm256_maskload_epi32((const int *)p, mask.lo), hi};
}
static inline ilanes ilanes_add(ilanes a, ilanes b)
{
    return (ilanes){_mm256_add_epi32(a.lo, b.lo), _mm256_add_epi32(a.hi, b.hi)};
}
static inline ilanes ilanes_sub(ilanes a, ilanes b)
{
    return (ilanes){_mm256_sub_epi32(a.lo, b.lo), _mm256_sub_epi32(a.hi, b.hi)};
}
static inline ilanes ilanes_mul(ilanes a, ilanes b) /* modulo 2^32 */
{
    return (ilanes){_mm256_mullo_epi32(a.lo, b.lo), _mm256_mullo_epi32(a.hi, b.hi)};
}
static inline ilanes ilanes_and(ilanes a, ilanes b)
{
    return (ilanes){_mm256_and_si256(a.lo, b.lo), _mm256_and_si256(a.hi, b.hi)};
}
static inline ilanes ilanes_xor(ilanes a, ilanes b)
{
    return (ilanes){_mm256_xor_si256(a.lo, b.lo), _mm256_xor_si256(a.hi, b.hi)};
}
static inline ilanes ilanes_min(ilanes a, ilanes b)
{
    return (ilanes){_mm256_min_epi32(a.lo, b.lo), _mm256_min_epi32(a.hi, b.hi)};
}
static inline ilanes ilanes_max(ilanes a, ilanes b)
{
    return (ilanes){_mm256_max_epi32(a.lo, b.lo), _mm256_max_epi32(a.hi, b.hi)};
}
static inline ilanes ilanes_shift_left_23(ilanes v)
{
    return (ilanes){_mm256_slli_epi32(v.lo, 23), _mm256_slli_epi32(v.hi, 23)};
}
static inline ilanes ilanes_shift_right_1(ilanes v) /* logical */
{
    return (ilanes){_mm256_srli_epi32(v.lo, 1), _mm256_srli_epi32(v.hi, 1)};
}
static inline ilanes ilanes_shift_right_16(ilanes v)
{
    return (ilanes){_mm256_srli_epi32(v.lo, 16), _mm256_srli_epi32(v.hi, 16)};
}
/* v, but +0 in the lanes where a < b */
static inline lanes lanes_unless_below(ilanes a, ilanes b, lanes v)
{
    return (lanes){_mm256_andnot_ps(_mm256_castsi256_ps(_mm256_cmpgt_epi32(b.lo, a.lo)), v.lo),
                   _mm256_andnot_ps(_mm256_castsi256_ps(_mm256_cmpgt_epi32(b.hi, a.hi)), v.hi)};
}
static inline int32_t ilanes_highest(ilanes v)
{
    return x86_highest_int_8(_mm256_max_epi32(v.lo, v.hi));
}
/* The low byte of each lane; lanes are in -128..255. */
static inline void ilanes_store_bytes(int8_t *p, ilanes v)
{
    __m256i low = _mm256_set1_epi32(0xff);
    __m256i words = _mm256_packus_epi32(_mm256_and_si256(v.lo, low), _mm256_and_si256(v.hi, low));
    words = _mm256_permute4x64_epi64(words, _MM_SHUFFLE(3, 1, 2, 0));
    __m128i bytes = _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    _mm_storeu_si128((__m128i *)(void *)p, bytes);
}

/* 16 stored values */
static inline lanes lanes_load_f16(const uint16_t *p)
{
    return (lanes){_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p)),
                   _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(p + 8)))};
}
static inline lanes lanes_load_bf16(const uint16_t *p)
{
    __m256i lo = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)p));
    __m256i hi = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)(p + 8)));
    return (lanes){_mm256_castsi256_ps(_mm256_slli_epi32(lo, 16)), _mm256_castsi256_ps(_mm256_slli_epi32(hi, 16))};
}
static inline ilanes ilanes_widen_s8(__m128i bytes)
{
    return (ilanes){_mm256_cvtepi8_epi32(bytes), _mm256_cvtepi8_epi32(_mm_srli_si128(bytes, 8))};
}
static inline __m256i x86_round_bf16(__m256 v) /* the results, as 32-bit integers */
{
    __m256i bits = _mm256_castps_si256(v);
    __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    __m256i up = _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7fff)), odd);
    __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
    __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(v, v, _CMP_UNORD_Q));
    return _mm256_srli_epi32(_mm256_blendv_epi8(up, quiet, nan), 16);
}
/* 16 floats to bfloat16, half to even; NaN stays NaN, quiet. */
static inline void lanes_store_bf16(uint16_t *p, lanes v)
{
    __m256i packed = _mm256_packus_epi32(x86_round_bf16(v.lo), x86_round_bf16(v.hi));
    _mm256_storeu_si256((__m256i *)(void *)p, _mm256_permute4x64_epi64(packed, 0xd8));
}
static inline ilanes ilanes_load_s8(const int8_t *p)
{
    return ilanes_widen_s8(_mm_loadu_si128((const __m128i *)(const void *)p));
}
/* 16 nibbles of 8 bytes, low nibble first, as 0..15 */
static inline ilanes ilanes_load_nibbles(const uint8_t *p)
{
    __m128i bytes = _mm_loadl_epi64((const __m128i *)(const void *)p);
    __m128i mask = _mm_set1_epi8(15);
    __m128i low = _mm_and_si128(bytes, mask);
    __m128i high = _mm_and_si128(_mm_srli_epi16(bytes, 4), mask);
    return ilanes_widen_s8(_mm_unpacklo_epi8(low, high));
}

/* 16 words in 64-bit places whose upper halves hold anything: even and odd lanes of both registers. */
typedef struct wlanes {
    __m256i even_lo, odd_lo, even_hi, odd_hi;
} wlanes;

static inline wlanes wlanes_set(uint32_t x)
{
    __m256i v = _mm256_set1_epi32((int32_t)x);
    return (wlanes){v, v, v, v};
}
static inline wlanes wlanes_count(uint32_t from) /* from + lane; from is a multiple of 16 */
{
    __m256i v = _mm256_set1_epi32((int32_t)from);
    return (wlanes){
        _mm256_or_si256(v, _mm256_setr_epi64x(0, 2, 4, 6)), _mm256_or_si256(v, _mm256_setr_epi64x(1, 3, 5, 7)),
        _mm256_or_si256(v, _mm256_setr_epi64x(8, 10, 12, 14)), _mm256_or_si256(v, _mm256_setr_epi64x(9, 11, 13, 15))};
}
static inline wlanes wlanes_mul(wlanes a, uint32_t b)
{
    __m256i v = _mm256_set1_epi64x((int64_t)b);
    return (wlanes){_mm256_mul_epu32(a.even_lo, v), _mm256_mul_epu32(a.odd_lo, v), _mm256_mul_epu32(a.even_hi, v),
                    _mm256_mul_epu32(a.odd_hi, v)};
}
static inline wlanes wlanes_high(wlanes a)
{
    return (wlanes){_mm256_srli_epi64(a.even_lo, 32), _mm256_srli_epi64(a.odd_lo, 32), _mm256_srli_epi64(a.even_hi, 32),
                    _mm256_srli_epi64(a.odd_hi, 32)};
}
static inline __m256i x86_xor_3(__m256i a, __m256i b, __m256i c)
{
    return _mm256_xor_si256(_mm256_xor_si256(a, b), c);
}
static inline wlanes wlanes_xor_3(wlanes a, wlanes b, wlanes c)
{
    return (wlanes){x86_xor_3(a.even_lo, b.even_lo, c.even_lo), x86_xor_3(a.odd_lo, b.odd_lo, c.odd_lo),
                    x86_xor_3(a.even_hi, b.even_hi, c.even_hi), x86_xor_3(a.odd_hi, b.odd_hi, c.odd_hi)};
}
static inline ilanes ilanes_from_wide(wlanes a)
{
    return (ilanes){_mm256_blend_epi32(a.even_lo, _mm256_slli_epi64(a.odd_lo, 32), 0xaa),
                    _mm256_blend_epi32(a.even_hi, _mm256_slli_epi64(a.odd_hi, 32), 0xaa)};
}

#endif
