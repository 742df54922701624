/* SPDX-License-Identifier: Apache-2.0
 * Rounding to four bits: what covers a group, the search of multipliers, rounding with one scale; the results of
 * ref/search.c. The search computes fewer errors: of a scale's multipliers the largest two are tried first, and a small
 * one is left out where the value that is clipped first alone makes a larger error than one that is known. Margins of
 * that comparison are far above roundings.
 * Includes: rounding.h; the level's lanes_*.h comes first. Called by: a level's table. */
#ifndef TB_KERNELS_LANES_SEARCH_S4_H
#define TB_KERNELS_LANES_SEARCH_S4_H

#include "kernels/kernels.h"
#include "kernels/lanes/rounding.h"

enum { LANES_SEARCH_SCALES = 32, LANES_SEARCH_MOST = 15 };

static inline void lanes_cover_s4(const float *x, const float *h, size_t n, size_t groups, float *cover, float *tip,
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
        size_t first = 0;
        while (first + 1 < n && x[first] != tip[g])
            first++;
        weight[g] = n > 0 ? h[first] : 0.0f;
    }
}

/* The scales of one group, up to 32 at a time. */
typedef struct lanes_search {
    const tb_search_s4 *g;
    const float *x, *h, *s;
    size_t group, count;
    int32_t first[LANES_SEARCH_SCALES], last[LANES_SEARCH_SCALES], best[LANES_SEARCH_SCALES];
    float least[LANES_SEARCH_SCALES];
    float t[LANES_SEARCH_SCALES * LANES_SEARCH_MOST], errors[LANES_SEARCH_SCALES * LANES_SEARCH_MOST];
    uint8_t owner[LANES_SEARCH_SCALES * LANES_SEARCH_MOST], multiplier[LANES_SEARCH_SCALES * LANES_SEARCH_MOST];
} lanes_search;

/* No multiplier below the result has an error as small as `known`. */
static inline int32_t lanes_search_first(float tip, float weight, float known, float s)
{
    float size = tip < 0 ? -tip : tip, step = 0.9999f / (tip < 0 ? 8.0f : 7.0f);
    float below = weight > 0 ? (size - 1.001f * __builtin_sqrtf(known / weight)) * step / s : 0;
    return below > 0 ? (int32_t)below + 1 : 1;
}

static inline void lanes_search_ranges(lanes_search *l)
{
    const float cover = l->g->cover[l->group], most = LANES_SEARCH_MOST;
    for (size_t i = 0; i < l->count; i++) {
        float ratio = cover / l->s[i], low = ratio * l->g->clip;
        low = low < 1 ? 1 : low;
        low = low > most ? most : low;
        ratio = ratio > most - 1 ? most - 1 : ratio;
        l->first[i] = (int32_t)low;
        l->last[i] = (int32_t)ratio + 1;
    }
}

static inline void lanes_search_largest(lanes_search *l)
{
    const float tip = l->g->tip[l->group], weight = l->g->weight[l->group];
    size_t n = l->count;
    for (size_t i = 0; i < n; i++) {
        int32_t before = l->last[i] > l->first[i] ? l->last[i] - 1 : l->first[i];
        l->best[i] = before;
        l->t[i] = l->s[i] * (float)before;
        l->t[n + i] = l->s[i] * (float)l->last[i];
    }
    lanes_rounding_errors_s4(l->x, l->h, l->g->n, l->t, 2 * n, l->errors);
    for (size_t i = 0; i < n; i++) {
        bool better = l->errors[n + i] < l->errors[i];
        l->best[i] = better ? l->last[i] : l->best[i];
        l->least[i] = better ? l->errors[n + i] : l->errors[i];
        int32_t first = lanes_search_first(tip, weight, l->least[i], l->s[i]);
        l->first[i] = first > l->first[i] ? first : l->first[i];
    }
}

static inline void lanes_search_others(lanes_search *l)
{
    size_t n = 0;
    for (size_t i = 0; i < l->count; i++) {
        for (int32_t k = l->last[i] - 2; k >= l->first[i]; k--, n++) {
            l->t[n] = l->s[i] * (float)k;
            l->owner[n] = (uint8_t)i;
            l->multiplier[n] = (uint8_t)k;
        }
    }
    lanes_rounding_errors_s4(l->x, l->h, l->g->n, l->t, n, l->errors);
    for (size_t j = 0; j < n; j++) {
        size_t i = l->owner[j];
        bool better = l->errors[j] <= l->least[i];
        l->best[i] = better ? l->multiplier[j] : l->best[i];
        l->least[i] = better ? l->errors[j] : l->least[i];
    }
}

/* One scale, whose least error has a bound. */
static inline void lanes_search_bounded(lanes_search *l)
{
    size_t n = 0, best = 0, g = l->group;
    int32_t first = lanes_search_first(l->g->tip[g], l->g->weight[g], l->g->bound[g], l->s[0]);
    first = first < l->first[0] ? l->first[0] : first > l->last[0] ? l->last[0] : first;
    for (int32_t k = first; k <= l->last[0]; k++)
        l->t[n++] = l->s[0] * (float)k;
    lanes_rounding_errors_s4(l->x, l->h, l->g->n, l->t, n, l->errors);
    for (size_t j = 1; j < n; j++)
        best = l->errors[j] < l->errors[best] ? j : best;
    l->best[0] = first + (int32_t)best;
    l->least[0] = l->errors[best];
}

static inline void lanes_search_s4(const tb_search_s4 *g)
{
    lanes_search l;
    l.g = g;
    for (l.group = 0; l.group < g->groups; l.group++) {
        l.x = g->x + l.group * g->n;
        l.h = g->h + l.group * g->n;
        for (size_t from = 0; from < g->count; from += l.count) {
            size_t at = l.group * g->count + from;
            l.count = g->count - from < LANES_SEARCH_SCALES ? g->count - from : LANES_SEARCH_SCALES;
            l.s = g->s + from;
            lanes_search_ranges(&l);
            if (g->count == 1 && g->bound != NULL) {
                lanes_search_bounded(&l);
            } else {
                lanes_search_largest(&l);
                lanes_search_others(&l);
            }
            for (size_t i = 0; i < l.count; i++) {
                g->least[at + i] = l.least[i];
                g->m[at + i] = (uint8_t)l.best[i];
            }
        }
    }
}

static inline double lanes_tree_double(double lane[16])
{
    for (size_t half = 8; half > 0; half /= 2) {
        for (size_t j = 0; j < half; j++)
            lane[j] += lane[j + half];
    }
    return lane[0];
}

static inline void lanes_round_s4(const float *x, const float *h, size_t n, size_t groups, const float *t, float *r,
                                  double *sums, bool *near)
{
    const lanes shift = lanes_set(TB_ROUNDER);
    for (size_t g = 0; g < groups; g++, x += n, h += n, r += n) {
        const float inverse = 1.0f / t[g];
        double cross[16] = {0}, square[16] = {0};
        lanes most = lanes_set(0.0f), factor = lanes_set(inverse);
        for (size_t i = 0; i < n; i += 16) {
            lanes y = lanes_min(lanes_set(7.0f), lanes_max(lanes_set(-8.0f), lanes_mul(lanes_load(x + i), factor)));
            lanes q = lanes_sub(lanes_add(y, shift), shift);
            lanes_store(r + i, q);
            most = lanes_max(lanes_abs(lanes_sub(y, q)), most);
            for (size_t j = 0; j < 16; j++) {
                double value = (double)r[i + j], weighted = value * (double)h[i + j];
                cross[j] += (double)x[i + j] * weighted;
                square[j] += value * weighted;
            }
        }
        sums[2 * g] = lanes_tree_double(cross);
        sums[2 * g + 1] = lanes_tree_double(square);
        near[g] = lanes_highest(most) > TB_NEAR_TIE || !(inverse < TB_LARGEST_INVERSE);
    }
}

#endif
