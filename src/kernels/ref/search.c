/* SPDX-License-Identifier: Apache-2.0
 * Rounding to four bits, reference level: what covers a group, the search of multipliers, rounding with one scale.
 * Includes: ref.h. Called through tb_kernels_ref. */
#include "kernels/ref/ref.h"

enum { MOST = 15 };

void tb_ref_cover_s4(const float *x, const float *h, size_t n, size_t groups, float *cover, float *tip, float *weight)
{
    for (size_t g = 0; g < groups; g++, x += n, h += n) {
        float high = 0.0f, low = 0.0f;
        for (size_t i = 0; i < n; i++) {
            high = x[i] > high ? x[i] : high;
            low = x[i] < low ? x[i] : low;
        }
        float above = high / 7.0f, below = low / -8.0f;
        cover[g] = above > below ? above : below;
        tip[g] = above > below ? high : low;
        size_t first = 0;
        while (first + 1 < n && x[first] != tip[g])
            first++;
        weight[g] = n > 0 ? h[first] : 0.0f;
    }
}

static void search_one(const tb_search_s4 *g, const float *x, const float *h, float cover, float s, float *least,
                       uint8_t *m)
{
    float ratio = cover / s, low = ratio * g->clip;
    int first = low >= MOST ? MOST : low < 1 ? 1 : (int)low;
    int last = ratio >= MOST ? MOST : (int)ratio + 1;
    for (int k = first; k <= last; k++) {
        float t = s * (float)k, error;
        tb_ref_rounding_errors_s4(x, h, g->n, &t, 1, &error);
        if (k == first || error < *least) {
            *least = error;
            *m = (uint8_t)k;
        }
    }
}

void tb_ref_search_s4(const tb_search_s4 *g)
{
    for (size_t j = 0; j < g->groups; j++) {
        for (size_t i = 0; i < g->count; i++) {
            size_t at = j * g->count + i;
            search_one(g, g->x + j * g->n, g->h + j * g->n, g->cover[j], g->s[i], &g->least[at], &g->m[at]);
        }
    }
}

static double tree(double lane[TB_LANES])
{
    for (size_t half = TB_LANES / 2; half > 0; half /= 2) {
        for (size_t j = 0; j < half; j++)
            lane[j] += lane[j + half];
    }
    return lane[0];
}

void tb_ref_round_s4(const float *x, const float *h, size_t n, size_t groups, const float *t, float *r, double *sums,
                     bool *near)
{
    for (size_t g = 0; g < groups; g++, x += n, h += n, r += n) {
        const float inverse = 1.0f / t[g];
        double cross[TB_LANES] = {0}, square[TB_LANES] = {0};
        float most = 0.0f;
        for (size_t i = 0; i < n; i++) {
            float y = x[i] * inverse;
            y = -8.0f > y ? -8.0f : y;
            y = 7.0f < y ? 7.0f : y;
            r[i] = (y + TB_ROUNDER) - TB_ROUNDER;
            float away = y < r[i] ? r[i] - y : y - r[i];
            most = away > most ? away : most;
            double value = (double)r[i], weighted = value * (double)h[i];
            cross[i % TB_LANES] += (double)x[i] * weighted;
            square[i % TB_LANES] += value * weighted;
        }
        sums[2 * g] = tree(cross);
        sums[2 * g + 1] = tree(square);
        near[g] = most > TB_NEAR_TIE || !(inverse < TB_LARGEST_INVERSE);
    }
}
