/* SPDX-License-Identifier: Apache-2.0
 * Reductions over 8 lanes of AVX2, the lower half of every 16-lane tree; both x86 levels end with these.
 * Includes: immintrin.h. Called by: lanes_avx2.h, lanes_avx512.h. */
#ifndef TB_KERNELS_X86_LANES_X86_H
#define TB_KERNELS_X86_LANES_X86_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

/* Lane i takes i + 4, then i + 2, then i + 1. */
static inline float x86_sum_8(__m256 v)
{
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    __m128 one = _mm_add_ss(two, _mm_shuffle_ps(two, two, 1));
    return _mm_cvtss_f32(one);
}

static inline float x86_highest_8(__m256 v)
{
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    __m128 one = _mm_max_ss(two, _mm_shuffle_ps(two, two, 1));
    return _mm_cvtss_f32(one);
}

static inline float x86_lowest_8(__m256 v)
{
    __m128 four = _mm_min_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    __m128 two = _mm_min_ps(four, _mm_movehl_ps(four, four));
    __m128 one = _mm_min_ss(two, _mm_shuffle_ps(two, two, 1));
    return _mm_cvtss_f32(one);
}

static inline int32_t x86_highest_int_8(__m256i v)
{
    __m128i four = _mm_max_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    __m128i two = _mm_max_epi32(four, _mm_shuffle_epi32(four, _MM_SHUFFLE(1, 0, 3, 2)));
    __m128i one = _mm_max_epi32(two, _mm_shuffle_epi32(two, _MM_SHUFFLE(2, 3, 0, 1)));
    return _mm_cvtsi128_si32(one);
}

#endif
