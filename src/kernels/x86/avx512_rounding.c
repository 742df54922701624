/* SPDX-License-Identifier: Apache-2.0
 * Rounding to four bits on AVX-512: squared errors, the search of multipliers, rounding with one scale; the results of
 * lanes/rounding.h and lanes/search_s4.h with fewer instructions. What a value is rounded to is looked up among 32
 * products, by the low five bits that adding TB_ROUNDER leaves; that holds for quotients within 16, and other scales go
 * the usual way.
 * Includes: lanes_avx512.h, lanes/. Called through the tables of avx512.c and amx.c. */
#include "kernels/x86/avx512.h"
#include "kernels/x86/lanes_avx512.h"

#include "kernels/lanes/search_s4.h"

enum { BLOCK = 16, STEP = 4, BESIDE = 4, MOST = LANES_SEARCH_MOST };

#define LARGEST_QUOTIENT 15.0f /* of a value and a scale, with room for the roundings */

/* ---- Squared errors ---- */

static inline float magnitude(const float *x, size_t n)
{
    lanes top = lanes_set(0.0f);
    for (size_t i = 0; i < n; i += 16)
        top = lanes_max(lanes_abs(lanes_load(x + i)), top);
    return lanes_highest(top);
}

/* One scale: its products with 0..7 (and 7 for what is clipped), with -8 (for what is clipped) to -1. */
typedef struct scale {
    lanes inverse, upper, lower;
} scale;

static inline scale scale_make(float t, float inverse)
{
    const __m512 upper = _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7);
    const __m512 lower = _mm512_setr_ps(-8, -8, -8, -8, -8, -8, -8, -8, -8, -7, -6, -5, -4, -3, -2, -1);
    lanes factor = lanes_set(t);
    return (scale){lanes_set(inverse), lanes_mul(upper, factor), lanes_mul(lower, factor)};
}

static inline lanes add_error(lanes sum, lanes x, lanes h, const scale *s)
{
    lanes z = lanes_add(lanes_mul(x, s->inverse), lanes_set(TB_ROUNDER));
    lanes d = lanes_sub(x, _mm512_permutex2var_ps(s->upper, _mm512_castps_si512(z), s->lower));
    return lanes_add(sum, lanes_mul(lanes_mul(d, d), h));
}

/* The trees of four sums at once. */
static inline __m128 sums_4(lanes s0, lanes s1, lanes s2, lanes s3)
{
    __m256 a = _mm256_add_ps(_mm512_castps512_ps256(s0), _mm512_extractf32x8_ps(s0, 1));
    __m256 b = _mm256_add_ps(_mm512_castps512_ps256(s1), _mm512_extractf32x8_ps(s1, 1));
    __m256 c = _mm256_add_ps(_mm512_castps512_ps256(s2), _mm512_extractf32x8_ps(s2, 1));
    __m256 d = _mm256_add_ps(_mm512_castps512_ps256(s3), _mm512_extractf32x8_ps(s3, 1));
    __m256 ab = _mm256_add_ps(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));
    __m256 cd = _mm256_add_ps(_mm256_permute2f128_ps(c, d, 0x20), _mm256_permute2f128_ps(c, d, 0x31));
    __m256 low = _mm256_shuffle_ps(ab, cd, _MM_SHUFFLE(1, 0, 1, 0));
    __m256 high = _mm256_shuffle_ps(ab, cd, _MM_SHUFFLE(3, 2, 3, 2));
    __m256 two = _mm256_add_ps(low, high); /* a a c c, b b d d */
    __m256 one = _mm256_add_ps(two, _mm256_movehdup_ps(two));
    __m128 ac = _mm256_castps256_ps128(one), bd = _mm256_extractf128_ps(one, 1);
    __m128 even = _mm_shuffle_ps(ac, ac, _MM_SHUFFLE(2, 0, 2, 0)),
           odd = _mm_shuffle_ps(bd, bd, _MM_SHUFFLE(2, 0, 2, 0));
    return _mm_unpacklo_ps(even, odd);
}

static inline __attribute__((always_inline)) void errors_4(const float *x, const float *h, size_t n, const float *t,
                                                           const float *inverse, float *errors)
{
    const scale a = scale_make(t[0], inverse[0]), b = scale_make(t[1], inverse[1]);
    const scale c = scale_make(t[2], inverse[2]), d = scale_make(t[3], inverse[3]);
    lanes s0 = lanes_set(0.0f), s1 = s0, s2 = s0, s3 = s0;
    for (size_t i = 0; i < n; i += 16) {
        lanes v = lanes_load(x + i), weight = lanes_load(h + i);
        s0 = add_error(s0, v, weight, &a);
        s1 = add_error(s1, v, weight, &b);
        s2 = add_error(s2, v, weight, &c);
        s3 = add_error(s3, v, weight, &d);
    }
    _mm_storeu_ps(errors, sums_4(s0, s1, s2, s3));
}

/* Sixteen scales, a lane each, of a group of 32: nothing is shuffled, since the tree adds lanes to lanes. */
static inline lanes error_in_lanes(float x, float h, lanes t, lanes inverse)
{
    const __m512 upper = _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7);
    const __m512 lower = _mm512_setr_ps(-8, -8, -8, -8, -8, -8, -8, -8, -8, -7, -6, -5, -4, -3, -2, -1);
    lanes v = lanes_set(x), z = lanes_add(lanes_mul(v, inverse), lanes_set(TB_ROUNDER));
    lanes r = _mm512_permutex2var_ps(upper, _mm512_castps_si512(z), lower), d = lanes_sub(v, lanes_mul(r, t));
    return lanes_mul(lanes_mul(d, d), lanes_set(h));
}

/* Leaf j of the tree, and its partner j + 8. */
static inline lanes leaves(const float *x, const float *h, size_t j, lanes t, lanes inverse)
{
    lanes a = lanes_add(error_in_lanes(x[j], h[j], t, inverse), error_in_lanes(x[j + 16], h[j + 16], t, inverse));
    lanes b =
        lanes_add(error_in_lanes(x[j + 8], h[j + 8], t, inverse), error_in_lanes(x[j + 24], h[j + 24], t, inverse));
    return lanes_add(a, b);
}

static inline void errors_16(const float *x, const float *h, const float *t, const float *inverse, float *errors)
{
    lanes scales = lanes_load(t), inverses = lanes_load(inverse), half[2];
    for (size_t j = 0; j < 2; j++) {
        lanes a = lanes_add(leaves(x, h, j, scales, inverses), leaves(x, h, j + 4, scales, inverses));
        lanes b = lanes_add(leaves(x, h, j + 2, scales, inverses), leaves(x, h, j + 6, scales, inverses));
        half[j] = lanes_add(a, b);
    }
    lanes_store(errors, lanes_add(half[0], half[1]));
}

/* t and errors have room for a multiple of 16. top: the largest magnitude, or more. Not in line, nor pair_errors: clang
 * 14 crashes on the function that they become part of. */
static __attribute__((noinline)) void errors_of(const float *x, const float *h, size_t n, float top, float *t,
                                                size_t count, float *errors)
{
    const lanes limit = lanes_set(LARGEST_QUOTIENT);
    float inverse[BLOCK];
    for (size_t c = 0; c < count; c += BLOCK) {
        size_t some = count - c < BLOCK ? count - c : BLOCK;
        /* beyond the end: the first once more */
        lanes given = _mm512_mask_loadu_ps(lanes_set(t[c]), lanes_mask(some), t + c);
        lanes inverses = lanes_div(lanes_set(1.0f), given);
        if (_mm512_cmp_ps_mask(lanes_mul(lanes_set(top), inverses), limit, _CMP_LT_OQ) != 0xffff) {
            lanes_rounding_errors_s4(x, h, n, t + c, some, errors + c);
            continue;
        }
        lanes_store(t + c, given);
        lanes_store(inverse, inverses);
        if (n == 32 && some > BLOCK - STEP) {
            errors_16(x, h, t + c, inverse, errors + c);
        } else if (n == 32) { /* the usual group: all of it stays in registers */
            for (size_t i = 0; i < some; i += STEP)
                errors_4(x, h, 32, t + c + i, inverse + i, errors + c + i);
        } else {
            for (size_t i = 0; i < some; i += STEP)
                errors_4(x, h, n, t + c + i, inverse + i, errors + c + i);
        }
    }
}

void tb_avx512_rounding_errors_s4(const float *x, const float *h, size_t n, const float *t, size_t count, float *errors)
{
    float top = magnitude(x, n), scales[BLOCK], found[BLOCK];
    for (size_t c = 0; c < count; c += BLOCK) {
        size_t some = count - c < BLOCK ? count - c : BLOCK;
        __mmask16 mask = lanes_mask(some);
        lanes_store(scales, _mm512_maskz_loadu_ps(mask, t + c));
        errors_of(x, h, n, top, scales, some, found);
        _mm512_mask_storeu_ps(errors + c, mask, lanes_load(found));
    }
}

/* ---- What covers a group ---- */

void tb_avx512_cover_s4(const float *x, const float *h, size_t n, size_t groups, float *cover, float *tip,
                        float *weight)
{
    for (size_t g = 0; g < groups; g++, x += n, h += n) {
        lanes top = lanes_set(0.0f), bottom = top;
        for (size_t i = 0; i < n; i += 16) {
            top = lanes_max(lanes_load(x + i), top);
            bottom = lanes_min(lanes_load(x + i), bottom);
        }
        float high = lanes_highest(top), low = lanes_lowest(bottom), above = high / 7.0f, below = low / -8.0f;
        cover[g] = above > below ? above : below;
        tip[g] = above > below ? high : low;
        weight[g] = 0.0f;
        for (size_t i = 0; i < n; i += 16) {
            __mmask16 equal = _mm512_cmp_ps_mask(lanes_load(x + i), lanes_set(tip[g]), _CMP_EQ_OQ);
            if (equal) {
                weight[g] = h[i + (size_t)__builtin_ctz(equal)];
                break;
            }
        }
    }
}

/* ---- The search of multipliers: one group, many scales ---- */

/* The largest magnitude that a cover allows. */
static inline float top_of(float cover)
{
    return cover * 8.001f;
}

static inline void ranges(lanes cover, float clip, lanes s, __m512i *first, __m512i *last)
{
    lanes ratio = lanes_div(cover, s), low = lanes_mul(ratio, lanes_set(clip));
    low = lanes_min(lanes_set(MOST), lanes_max(lanes_set(1.0f), low));
    ratio = lanes_min(lanes_set(MOST - 1), ratio);
    *first = _mm512_cvttps_epi32(low);
    *last = _mm512_add_epi32(_mm512_cvttps_epi32(ratio), _mm512_set1_epi32(1));
}

/* As lanes_search_first, and not below first. */
static inline __m512i first_worth(lanes tip, lanes weight, lanes known, lanes s, __m512i first)
{
    const lanes zero = lanes_set(0.0f);
    lanes step = lanes_select_less(tip, zero, lanes_set(0.9999f / 8.0f), lanes_set(0.9999f / 7.0f));
    lanes root = _mm512_sqrt_ps(lanes_div(known, weight));
    lanes below = lanes_sub(lanes_abs(tip), lanes_mul(lanes_set(1.001f), root));
    below = lanes_div(lanes_mul(lanes_max(below, zero), step), s); /* max(NaN, 0) = 0 */
    below = _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(weight, zero, _CMP_GT_OQ), below);
    return _mm512_max_epi32(first, _mm512_add_epi32(_mm512_cvttps_epi32(below), _mm512_set1_epi32(1)));
}

/* Up to 32 scales of one group, 16 in a vector. */
typedef struct search {
    const float *x, *h;
    size_t group, count[2], others, rounds;
    __mmask16 mask[2], tried[MOST][2];
    lanes s[2], least[2];
    __m512i first[2], last[2], best[2];
    float t[2 * BLOCK * MOST + BLOCK], errors[2 * BLOCK * MOST + BLOCK];
} search;

static inline void search_begin(const tb_search_s4 *g, search *l, size_t group, size_t from)
{
    size_t count = g->count - from < 2 * BLOCK ? g->count - from : 2 * BLOCK;
    l->group = group;
    l->x = g->x + group * g->n;
    l->h = g->h + group * g->n;
    l->count[0] = count > BLOCK ? BLOCK : count;
    l->count[1] = count - l->count[0];
    for (size_t v = 0; v < 2; v++) {
        l->mask[v] = lanes_mask(l->count[v]);
        l->s[v] = _mm512_mask_loadu_ps(lanes_set(g->s[from]), l->mask[v], g->s + from + v * BLOCK);
        ranges(lanes_set(g->cover[group]), g->clip, l->s[v], &l->first[v], &l->last[v]);
        l->best[v] = _mm512_max_epi32(l->first[v], _mm512_sub_epi32(l->last[v], _mm512_set1_epi32(1)));
        lanes_store(l->t + v * BLOCK, lanes_mul(l->s[v], _mm512_cvtepi32_ps(l->best[v])));
    }
    for (size_t v = 0; v < 2; v++) /* over what lies beyond the first ones */
        lanes_store(l->t + count + v * BLOCK, lanes_mul(l->s[v], _mm512_cvtepi32_ps(l->last[v])));
}

static inline void search_largest(const tb_search_s4 *g, search *l)
{
    size_t n = l->count[0] + l->count[1];
    errors_of(l->x, l->h, g->n, top_of(g->cover[l->group]), l->t, 2 * n, l->errors);
}

/* The others, from the third largest down, scales whose turn has ended left out. */
static inline void search_list(const tb_search_s4 *g, search *l)
{
    const lanes tip = lanes_set(g->tip[l->group]), weight = lanes_set(g->weight[l->group]);
    const __m512i one = _mm512_set1_epi32(1);
    size_t n = l->count[0] + l->count[1];
    __m512i k[2];
    for (size_t v = 0; v < 2; v++) {
        lanes before = lanes_load(l->errors + v * BLOCK), last = lanes_load(l->errors + n + v * BLOCK);
        __mmask16 better = _mm512_cmp_ps_mask(last, before, _CMP_LT_OQ);
        l->best[v] = _mm512_mask_mov_epi32(l->best[v], better, l->last[v]);
        l->least[v] = _mm512_mask_mov_ps(before, better, last);
        l->first[v] = first_worth(tip, weight, l->least[v], l->s[v], l->first[v]);
        k[v] = _mm512_sub_epi32(l->last[v], _mm512_set1_epi32(2));
    }
    l->others = 0;
    for (l->rounds = 0; l->rounds < MOST; l->rounds++) {
        unsigned any = 0;
        for (size_t v = 0; v < 2; v++) {
            __mmask16 mask = _mm512_mask_cmp_epi32_mask(l->mask[v], k[v], l->first[v], _MM_CMPINT_NLT);
            lanes t = lanes_mul(l->s[v], _mm512_cvtepi32_ps(k[v]));
            lanes_store(l->t + l->others, _mm512_maskz_compress_ps(mask, t));
            l->others += (size_t)__builtin_popcount(mask);
            l->tried[l->rounds][v] = mask;
            k[v] = _mm512_sub_epi32(k[v], one);
            any |= mask;
        }
        if (any == 0)
            break;
    }
}

static inline void search_others(const tb_search_s4 *g, search *l)
{
    errors_of(l->x, l->h, g->n, top_of(g->cover[l->group]), l->t, l->others, l->errors);
}

static inline void search_end(const tb_search_s4 *g, search *l, size_t from)
{
    const __m512i one = _mm512_set1_epi32(1);
    size_t n = 0, at = l->group * g->count + from;
    __m512i k[2];
    for (size_t v = 0; v < 2; v++)
        k[v] = _mm512_sub_epi32(l->last[v], _mm512_set1_epi32(2));
    for (size_t j = 0; j < l->rounds; j++) {
        for (size_t v = 0; v < 2; v++) {
            __mmask16 mask = l->tried[j][v];
            lanes error = _mm512_maskz_expand_ps(mask, lanes_load(l->errors + n));
            __mmask16 better = _mm512_mask_cmp_ps_mask(mask, error, l->least[v], _CMP_LE_OQ);
            l->least[v] = _mm512_mask_mov_ps(l->least[v], better, error);
            l->best[v] = _mm512_mask_mov_epi32(l->best[v], better, k[v]);
            n += (size_t)__builtin_popcount(mask);
            k[v] = _mm512_sub_epi32(k[v], one);
        }
    }
    for (size_t v = 0; v < 2; v++) {
        _mm512_mask_storeu_ps(g->least + at + v * BLOCK, l->mask[v], l->least[v]);
        _mm_mask_storeu_epi8(g->m + at + v * BLOCK, l->mask[v], _mm512_cvtepi32_epi8(l->best[v]));
    }
}

/* Some groups step by step beside each other, so that none waits for its own results. */
static inline void search_scales(const tb_search_s4 *g, size_t begin, size_t groups)
{
    search some[BESIDE];
    for (size_t from = 0; from < g->count; from += 2 * BLOCK) {
        for (size_t i = 0; i < groups; i++)
            search_begin(g, &some[i], begin + i, from);
        for (size_t i = 0; i < groups; i++)
            search_largest(g, &some[i]);
        for (size_t i = 0; i < groups; i++)
            search_list(g, &some[i]);
        for (size_t i = 0; i < groups; i++)
            search_others(g, &some[i]);
        for (size_t i = 0; i < groups; i++)
            search_end(g, &some[i], from);
    }
}

/* ---- The search of multipliers: one scale, many groups ---- */

/* Errors of pairs of a group and a scale. */
static inline __attribute__((always_inline)) void pair_errors_4(const tb_search_s4 *g, size_t n, const int32_t *group,
                                                                const float *t, const float *inverse, float *errors)
{
    lanes sum[STEP];
    for (size_t i = 0; i < STEP; i++) {
        const scale s = scale_make(t[i], inverse[i]);
        const float *x = g->x + (size_t)group[i] * n, *h = g->h + (size_t)group[i] * n;
        sum[i] = lanes_set(0.0f);
        for (size_t j = 0; j < n; j += 16)
            sum[i] = add_error(sum[i], lanes_load(x + j), lanes_load(h + j), &s);
    }
    _mm_storeu_ps(errors, sums_4(sum[0], sum[1], sum[2], sum[3]));
}

typedef struct pairs {
    size_t n;
    int32_t group[BLOCK * MOST + BLOCK];
    float t[BLOCK * MOST + BLOCK], errors[BLOCK * MOST + BLOCK];
} pairs;

static __attribute__((noinline)) void pair_errors(const tb_search_s4 *g, pairs *p)
{
    const lanes limit = lanes_set(LARGEST_QUOTIENT);
    float inverse[BLOCK];
    for (size_t c = 0; c < p->n; c += BLOCK) {
        size_t some = p->n - c < BLOCK ? p->n - c : BLOCK;
        __mmask16 mask = lanes_mask(some);
        /* beyond the end: the first once more */
        lanes t = _mm512_mask_loadu_ps(lanes_set(p->t[c]), mask, p->t + c);
        __m512i group = _mm512_mask_loadu_epi32(_mm512_set1_epi32(p->group[c]), mask, p->group + c);
        lanes inverses = lanes_div(lanes_set(1.0f), t), covers = _mm512_i32gather_ps(group, g->cover, 4);
        lanes top = lanes_mul(covers, lanes_set(top_of(1.0f)));
        if (_mm512_cmp_ps_mask(lanes_mul(top, inverses), limit, _CMP_LT_OQ) != 0xffff) {
            for (size_t i = 0; i < some; i++) {
                size_t at = (size_t)p->group[c + i] * g->n;
                lanes_rounding_errors_s4(g->x + at, g->h + at, g->n, p->t + c + i, 1, p->errors + c + i);
            }
            continue;
        }
        lanes_store(p->t + c, t);
        _mm512_storeu_si512(p->group + c, group);
        lanes_store(inverse, inverses);
        for (size_t i = 0; i < some; i += STEP) {
            if (g->n == 32)
                pair_errors_4(g, 32, p->group + c + i, p->t + c + i, inverse + i, p->errors + c + i);
            else
                pair_errors_4(g, g->n, p->group + c + i, p->t + c + i, inverse + i, p->errors + c + i);
        }
    }
}

/* Groups [begin, begin + 16) side by side. */
static inline void search_bounded(const tb_search_s4 *g, size_t begin)
{
    const __m512i one = _mm512_set1_epi32(1),
                  ramp = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    size_t count = g->groups - begin < BLOCK ? g->groups - begin : BLOCK, rounds = 0, n = 0;
    __mmask16 mask = lanes_mask(count), tried[MOST + 1];
    lanes s = lanes_set(g->s[0]), cover = _mm512_maskz_loadu_ps(mask, g->cover + begin);
    lanes tip = _mm512_maskz_loadu_ps(mask, g->tip + begin), weight = _mm512_maskz_loadu_ps(mask, g->weight + begin);
    lanes bound = _mm512_maskz_loadu_ps(mask, g->bound + begin);
    __m512i first, last, k, owner = _mm512_add_epi32(_mm512_set1_epi32((int32_t)begin), ramp);
    pairs p;
    p.n = 0;
    ranges(cover, g->clip, s, &first, &last);
    first = _mm512_min_epi32(last, first_worth(tip, weight, bound, s, first));
    k = last;
    for (; mask && rounds < MOST; rounds++) {
        mask = _mm512_mask_cmp_epi32_mask(mask, k, first, _MM_CMPINT_NLT);
        lanes_store(p.t + p.n, _mm512_maskz_compress_ps(mask, lanes_mul(s, _mm512_cvtepi32_ps(k))));
        _mm512_storeu_si512(p.group + p.n, _mm512_maskz_compress_epi32(mask, owner));
        p.n += (size_t)__builtin_popcount(mask);
        tried[rounds] = mask;
        k = _mm512_sub_epi32(k, one);
    }
    pair_errors(g, &p);
    lanes least = lanes_set(__builtin_inff());
    __m512i best = last;
    k = last;
    for (size_t j = 0; j < rounds; j++) { /* from above: of equals the smallest stays */
        lanes error = _mm512_maskz_expand_ps(tried[j], lanes_load(p.errors + n));
        __mmask16 better = _mm512_mask_cmp_ps_mask(tried[j], error, least, _CMP_LE_OQ);
        least = _mm512_mask_mov_ps(least, better, error);
        best = _mm512_mask_mov_epi32(best, better, k);
        n += (size_t)__builtin_popcount(tried[j]);
        k = _mm512_sub_epi32(k, one);
    }
    mask = lanes_mask(count);
    _mm512_mask_storeu_ps(g->least + begin, mask, least);
    _mm_mask_storeu_epi8(g->m + begin, mask, _mm512_cvtepi32_epi8(best));
}

void tb_avx512_search_s4(const tb_search_s4 *g)
{
    bool bounded = g->count == 1 && g->bound != NULL && g->groups <= INT32_MAX;
    for (size_t i = 0; i < g->groups && bounded; i += BLOCK)
        search_bounded(g, i);
    for (size_t i = 0; i < g->groups && !bounded; i += BESIDE)
        search_scales(g, i, g->groups - i < BESIDE ? g->groups - i : BESIDE);
}

/* ---- Rounding with one scale ---- */

static inline double tree_16(__m512d low, __m512d high)
{
    __m512d eight = _mm512_add_pd(low, high);
    __m256d four = _mm256_add_pd(_mm512_castpd512_pd256(eight), _mm512_extractf64x4_pd(eight, 1));
    __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
    return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}

/* The products are exact in double, so that fused and separate additions are the same. */
void tb_avx512_round_s4(const float *x, const float *h, size_t n, size_t groups, const float *t, float *r, double *sums,
                        bool *near)
{
    const lanes shift = lanes_set(TB_ROUNDER);
    for (size_t g = 0; g < groups; g++, x += n, h += n, r += n) {
        const float inverse = 1.0f / t[g];
        __mmask16 ties = 0;
        lanes factor = lanes_set(inverse);
        __m512d cross_low = _mm512_setzero_pd(), cross_high = cross_low, square_low = cross_low;
        __m512d square_high = cross_low;
        for (size_t i = 0; i < n; i += 16) {
            lanes v = lanes_load(x + i), weight = lanes_load(h + i);
            lanes y = lanes_min(lanes_set(7.0f), lanes_max(lanes_set(-8.0f), lanes_mul(v, factor)));
            lanes q = lanes_sub(lanes_add(y, shift), shift);
            lanes_store(r + i, q);
            ties |= _mm512_cmp_ps_mask(lanes_abs(lanes_sub(y, q)), lanes_set(TB_NEAR_TIE), _CMP_GT_OQ);
            __m512d q_low = _mm512_cvtps_pd(_mm512_castps512_ps256(q));
            __m512d q_high = _mm512_cvtps_pd(_mm512_extractf32x8_ps(q, 1));
            __m512d low = _mm512_mul_pd(q_low, _mm512_cvtps_pd(_mm512_castps512_ps256(weight)));
            __m512d high = _mm512_mul_pd(q_high, _mm512_cvtps_pd(_mm512_extractf32x8_ps(weight, 1)));
            cross_low = _mm512_fmadd_pd(_mm512_cvtps_pd(_mm512_castps512_ps256(v)), low, cross_low);
            cross_high = _mm512_fmadd_pd(_mm512_cvtps_pd(_mm512_extractf32x8_ps(v, 1)), high, cross_high);
            square_low = _mm512_fmadd_pd(q_low, low, square_low);
            square_high = _mm512_fmadd_pd(q_high, high, square_high);
        }
        sums[2 * g] = tree_16(cross_low, cross_high);
        sums[2 * g + 1] = tree_16(square_low, square_high);
        near[g] = ties != 0 || !(inverse < TB_LARGEST_INVERSE);
    }
}
