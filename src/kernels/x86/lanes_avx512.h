/* SPDX-License-Identifier: Apache-2.0
 * The 16 virtual lanes of the contract as one AVX-512 register; see lanes_avx2.h for the meaning of each function.
 * Includes: lanes_x86.h. Called by: avx512*.c, before the files of lanes/. */
#ifndef TB_KERNELS_X86_LANES_AVX512_H
#define TB_KERNELS_X86_LANES_AVX512_H

#include "kernels/x86/lanes_x86.h"

typedef __m512 lanes;
typedef __m512i ilanes;

static inline __mmask16 lanes_mask(size_t count) /* the first count of 16 lanes */
{
    return (__mmask16)((1U << count) - 1);
}

static inline lanes lanes_set(float x)
{
    return _mm512_set1_ps(x);
}
static inline lanes lanes_load(const float *p)
{
    return _mm512_loadu_ps(p);
}
static inline void lanes_store(float *p, lanes v)
{
    _mm512_storeu_ps(p, v);
}
static inline lanes lanes_load_some(const float *p, size_t count)
{
    return _mm512_maskz_loadu_ps(lanes_mask(count), p);
}
static inline void lanes_store_some(float *p, lanes v, size_t count)
{
    _mm512_mask_storeu_ps(p, lanes_mask(count), v);
}
static inline lanes lanes_keep(lanes v, size_t count)
{
    return _mm512_maskz_mov_ps(lanes_mask(count), v);
}

static inline lanes lanes_add(lanes a, lanes b)
{
    return _mm512_add_ps(a, b);
}
static inline lanes lanes_sub(lanes a, lanes b)
{
    return _mm512_sub_ps(a, b);
}
static inline lanes lanes_mul(lanes a, lanes b)
{
    return _mm512_mul_ps(a, b);
}
static inline lanes lanes_div(lanes a, lanes b)
{
    return _mm512_div_ps(a, b);
}
static inline lanes lanes_fma(lanes a, lanes b, lanes c)
{
    return _mm512_fmadd_ps(a, b, c);
}
static inline lanes lanes_min(lanes a, lanes b)
{
    return _mm512_min_ps(a, b);
}
static inline lanes lanes_max(lanes a, lanes b)
{
    return _mm512_max_ps(a, b);
}
static inline lanes lanes_abs(lanes v)
{
    return _mm512_andnot_ps(_mm512_set1_ps(-0.0f), v);
}
static inline lanes lanes_negate(lanes v)
{
    return _mm512_xor_ps(_mm512_set1_ps(-0.0f), v);
}
static inline lanes lanes_copysign(lanes magnitude, lanes sign_of)
{
    __m512 sign = _mm512_set1_ps(-0.0f);
    return _mm512_or_ps(_mm512_andnot_ps(sign, magnitude), _mm512_and_ps(sign, sign_of));
}
static inline lanes lanes_select_less(lanes a, lanes b, lanes yes, lanes no)
{
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), no, yes);
}
static inline float lanes_sum(lanes v)
{
    return x86_sum_8(_mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1)));
}
static inline float lanes_highest(lanes v)
{
    return x86_highest_8(_mm256_max_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1)));
}
static inline float lanes_lowest(lanes v)
{
    return x86_lowest_8(_mm256_min_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1)));
}

/* p * 2^n with one rounding, infinity and NaN as in lanes/math.h */
#define LANES_SCALEF 1
static inline lanes lanes_scalef(lanes p, lanes n)
{
    return _mm512_scalef_ps(p, n);
}

static inline ilanes lanes_bits(lanes v)
{
    return _mm512_castps_si512(v);
}
static inline lanes lanes_from_bits(ilanes v)
{
    return _mm512_castsi512_ps(v);
}
static inline lanes lanes_from_int(ilanes v)
{
    return _mm512_cvtepi32_ps(v);
}
static inline ilanes ilanes_round(lanes v)
{
    return _mm512_cvtps_epi32(v);
}

static inline ilanes ilanes_set(int32_t x)
{
    return _mm512_set1_epi32(x);
}
static inline ilanes ilanes_load(const int32_t *p)
{
    return _mm512_loadu_si512(p);
}
static inline ilanes ilanes_load_some(const int32_t *p, size_t count)
{
    return _mm512_maskz_loadu_epi32(lanes_mask(count), p);
}
static inline ilanes ilanes_add(ilanes a, ilanes b)
{
    return _mm512_add_epi32(a, b);
}
static inline ilanes ilanes_sub(ilanes a, ilanes b)
{
    return _mm512_sub_epi32(a, b);
}
static inline ilanes ilanes_mul(ilanes a, ilanes b)
{
    return _mm512_mullo_epi32(a, b);
}
static inline ilanes ilanes_and(ilanes a, ilanes b)
{
    return _mm512_and_si512(a, b);
}
static inline ilanes ilanes_xor(ilanes a, ilanes b)
{
    return _mm512_xor_si512(a, b);
}
static inline ilanes ilanes_min(ilanes a, ilanes b)
{
    return _mm512_min_epi32(a, b);
}
static inline ilanes ilanes_max(ilanes a, ilanes b)
{
    return _mm512_max_epi32(a, b);
}
static inline ilanes ilanes_shift_left_23(ilanes v)
{
    return _mm512_slli_epi32(v, 23);
}
static inline ilanes ilanes_shift_right_1(ilanes v)
{
    return _mm512_srli_epi32(v, 1);
}
static inline ilanes ilanes_shift_right_16(ilanes v)
{
    return _mm512_srli_epi32(v, 16);
}
static inline lanes lanes_unless_below(ilanes a, ilanes b, lanes v)
{
    return _mm512_maskz_mov_ps(_mm512_cmpge_epi32_mask(a, b), v);
}
static inline int32_t ilanes_highest(ilanes v)
{
    return x86_highest_int_8(_mm256_max_epi32(_mm512_castsi512_si256(v), _mm512_extracti64x4_epi64(v, 1)));
}
static inline void ilanes_store_bytes(int8_t *p, ilanes v)
{
    _mm_storeu_si128((__m128i *)(void *)p, _mm512_cvtepi32_epi8(v));
}

static inline lanes lanes_load_f16(const uint16_t *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)p));
}
static inline lanes lanes_load_bf16(const uint16_t *p)
{
    __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}
static inline __m512i avx512_round_bf16(lanes v) /* the results in the upper halves, anything in the lower ones */
{
    __m512i bits = _mm512_castps_si512(v);
    __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    __m512i up = _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff)), odd);
    __m512i quiet = _mm512_or_si512(bits, _mm512_set1_epi32(0x400000));
    return _mm512_mask_mov_epi32(up, _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q), quiet);
}
static inline void lanes_store_bf16(uint16_t *p, lanes v)
{
    __m512i rounded = _mm512_srli_epi32(avx512_round_bf16(v), 16);
    _mm256_storeu_si256((__m256i *)(void *)p, _mm512_cvtepi32_epi16(rounded));
}
/* Two rows of b, up to 16 columns each, as 16 pairs of bfloat16; zeros for columns and rows that do not exist. */
static inline void avx512_store_bf16_pairs(uint16_t *p, const float *b, size_t ldb, size_t columns, size_t rows)
{
    __mmask16 mask = columns < 16 ? lanes_mask(columns) : 0xffff;
    __m512i low = _mm512_setzero_si512(), high = low;
    if (rows > 0)
        low = avx512_round_bf16(_mm512_maskz_loadu_ps(mask, b));
    if (rows > 1)
        high = avx512_round_bf16(_mm512_maskz_loadu_ps(mask, b + ldb));
    __m512i upper = _mm512_set1_epi32((int32_t)0xffff0000U);
    _mm512_storeu_si512(p, _mm512_or_si512(_mm512_srli_epi32(low, 16), _mm512_and_si512(high, upper)));
}
static inline ilanes ilanes_load_s8(const int8_t *p)
{
    return _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p));
}
static inline ilanes ilanes_load_nibbles(const uint8_t *p)
{
    __m128i bytes = _mm_loadl_epi64((const __m128i *)(const void *)p);
    __m128i mask = _mm_set1_epi8(15);
    __m128i low = _mm_and_si128(bytes, mask);
    __m128i high = _mm_and_si128(_mm_srli_epi16(bytes, 4), mask);
    return _mm512_cvtepi8_epi32(_mm_unpacklo_epi8(low, high));
}

/* 16 words in 64-bit places whose upper halves hold anything: the even lanes and the odd ones. */
typedef struct wlanes {
    __m512i even, odd;
} wlanes;

static inline wlanes wlanes_set(uint32_t x)
{
    __m512i v = _mm512_set1_epi32((int32_t)x);
    return (wlanes){v, v};
}
static inline wlanes wlanes_count(uint32_t from) /* from + lane; from is a multiple of 16 */
{
    __m512i v = _mm512_set1_epi32((int32_t)from);
    return (wlanes){_mm512_or_si512(v, _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14)),
                    _mm512_or_si512(v, _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15))};
}
static inline wlanes wlanes_mul(wlanes a, uint32_t b)
{
    __m512i v = _mm512_set1_epi64((int64_t)b);
    return (wlanes){_mm512_mul_epu32(a.even, v), _mm512_mul_epu32(a.odd, v)};
}
static inline wlanes wlanes_high(wlanes a)
{
    return (wlanes){_mm512_srli_epi64(a.even, 32), _mm512_srli_epi64(a.odd, 32)};
}
static inline wlanes wlanes_xor_3(wlanes a, wlanes b, wlanes c)
{
    return (wlanes){_mm512_ternarylogic_epi64(a.even, b.even, c.even, 0x96),
                    _mm512_ternarylogic_epi64(a.odd, b.odd, c.odd, 0x96)};
}
static inline ilanes ilanes_from_wide(wlanes a)
{
    return _mm512_mask_blend_epi32(0xaaaa, a.even, _mm512_slli_epi64(a.odd, 32));
}

#endif
