/* SPDX-License-Identifier: Apache-2.0
 * Rounding to four bits on two levels: what covers a group, the search of multipliers and rounding with one scale.
 * Every level against plain loops over all that there is, by bits. */
#include "support.h"

enum { MAX_N = 128, MAX_GROUPS = 37, MAX_COUNT = 40, MOST = 15, KINDS = 7 };

typedef struct groups {
    size_t n, groups;
    float x[MAX_N * MAX_GROUPS], h[MAX_N * MAX_GROUPS];
    float cover[MAX_GROUPS], tip[MAX_GROUPS], weight[MAX_GROUPS];
} groups;

/* Groups of all kinds beside each other: normal values; small ones; one value far out; values on a grid (equal errors);
 * zeros; positive ones only; tiny ones. */
static groups *make_groups(tb_rng *rng, size_t n, size_t count)
{
    groups *g = calloc(1, sizeof *g);
    assert_non_null(g);
    g->n = n;
    g->groups = count;
    for (size_t i = 0; i < n * count; i++) {
        float v = (float)tb_rng_normal(rng);
        size_t kind = i / n % KINDS;
        if (kind == 1)
            v *= 0.05f;
        else if (kind == 2)
            v = i % n == 5 ? -6.0f : v * 0.3f;
        else if (kind == 3)
            v = 0.125f * (float)(int)tb_rng_below(rng, 16) - 1.0f;
        else if (kind == 4)
            v = 0;
        else if (kind == 5)
            v = fabsf(v);
        else if (kind == 6)
            v *= 1e-6f;
        g->x[i] = v;
        g->h[i] = i / n % 2 ? 1.0f : (float)(0.0625 + tb_rng_unit(rng) * 3);
    }
    return g;
}

static void cover_of(groups *g)
{
    for (size_t k = 0; k < g->groups; k++) {
        const float *x = g->x + k * g->n;
        float high = 0, low = 0;
        for (size_t i = 0; i < g->n; i++) {
            high = x[i] > high ? x[i] : high;
            low = x[i] < low ? x[i] : low;
        }
        bool above = high / 7.0f > low / -8.0f;
        g->cover[k] = above ? high / 7.0f : low / -8.0f;
        g->tip[k] = above ? high : low;
        size_t i = 0;
        while (x[i] != g->tip[k])
            i++;
        g->weight[k] = g->h[k * g->n + i];
    }
}

static void covers(void **state)
{
    (void)state;
    const tb_kernels *levels[MAX_LEVELS];
    size_t n_levels = every_level(levels);
    tb_rng rng = tb_rng_make(1, 91);
    for (size_t n = 16; n <= MAX_N; n += 16) {
        groups *g = make_groups(&rng, n, n % 64 ? 7 : MAX_GROUPS);
        cover_of(g);
        for (size_t l = 0; l < n_levels; l++) {
            guarded got[3];
            const float *expected[3] = {g->cover, g->tip, g->weight};
            for (size_t i = 0; i < 3; i++)
                got[i] = guarded_new(g->groups * sizeof(float), 4 * i);
            levels[l]->cover_s4(g->x, g->h, n, g->groups, guarded_at(got[0]), guarded_at(got[1]), guarded_at(got[2]));
            for (size_t i = 0; i < 3; i++) {
                assert_same_floats("cover", levels[l], expected[i], guarded_at(got[i]), g->groups);
                guarded_free(got[i]);
            }
        }
        free(g);
    }
}

/* Every multiplier of the range, one after the other. */
static void plain_search(const groups *g, size_t k, float clip, float s, float *least, uint8_t *m)
{
    float ratio = g->cover[k] / s, low = ratio * clip;
    int first = low >= MOST ? MOST : low < 1 ? 1 : (int)low, last = ratio >= MOST ? MOST : (int)ratio + 1;
    *least = INFINITY;
    for (int i = first; i <= last; i++) {
        float t = s * (float)i, error;
        tb_kernels_ref.rounding_errors_s4(g->x + k * g->n, g->h + k * g->n, g->n, &t, 1, &error);
        if (error < *least) {
            *least = error;
            *m = (uint8_t)i;
        }
    }
}

static void check_search(const tb_kernels *level, const groups *g, const float *s, size_t count, const float *bound,
                         const float *least, const uint8_t *m)
{
    size_t cells = g->groups * count;
    guarded errors = guarded_new(cells * sizeof(float), 4), multipliers = guarded_new(cells, 1);
    const tb_search_s4 search = {.x = g->x,
                                 .h = g->h,
                                 .n = g->n,
                                 .groups = g->groups,
                                 .clip = 0.66f,
                                 .cover = g->cover,
                                 .tip = g->tip,
                                 .weight = g->weight,
                                 .bound = bound,
                                 .s = s,
                                 .count = count,
                                 .least = guarded_at(errors),
                                 .m = guarded_at(multipliers)};
    level->search_s4(&search);
    assert_same_floats("least", level, least, guarded_at(errors), cells);
    const uint8_t *got = guarded_at(multipliers);
    for (size_t i = 0; i < cells; i++) {
        if (got[i] != m[i])
            fail_msg("%s: n %zu, group %zu, scale %zu of %zu: multiplier %d instead of %d", level->name, g->n,
                     i / count, i % count, count, got[i], m[i]);
    }
    guarded_free(errors);
    guarded_free(multipliers);
}

static void searches(void **state)
{
    (void)state;
    static const size_t counts[] = {1, 2, 3, 8, 15, 16, 17, 20, 31, 32, 33, MAX_COUNT};
    const tb_kernels *levels[MAX_LEVELS];
    size_t n_levels = every_level(levels);
    tb_rng rng = tb_rng_make(1, 92);
    for (size_t round = 0; round < 3 * sizeof counts / sizeof *counts; round++) {
        size_t count = counts[round % (sizeof counts / sizeof *counts)], n = round % 5 ? 32 : 16 + round % 8 * 16;
        groups *g = make_groups(&rng, n, round % 2 ? MAX_GROUPS : 1 + round % KINDS);
        float s[MAX_COUNT], *least = calloc(g->groups * count, sizeof *least), most = 0;
        uint8_t *m = calloc(g->groups * count, 1);
        assert_true(least != NULL && m != NULL);
        cover_of(g);
        for (size_t k = 0; k < g->groups; k++)
            most = g->cover[k] > most ? g->cover[k] : most;
        most = most > 0 ? most : 1;
        for (size_t i = 0; i < count; i++) /* up to far beyond what the search is for */
            s[i] = most / MOST * (i % 7 == 6 ? 0.25f + 6 * (float)tb_rng_unit(&rng) : 0.8f + 0.025f * (float)i);
        for (size_t i = 0; i < g->groups * count; i++)
            plain_search(g, i / count, 0.66f, s[i % count], &least[i], &m[i]);
        for (size_t l = 0; l < n_levels; l++)
            check_search(levels[l], g, s, count, NULL, least, m);
        free(least);
        free(m);
        free(g);
    }
}

/* A bound that is the least error itself, or above it, or infinite, changes nothing. */
static void bounds_change_nothing(void **state)
{
    (void)state;
    const tb_kernels *levels[MAX_LEVELS];
    size_t n_levels = every_level(levels);
    tb_rng rng = tb_rng_make(1, 93);
    for (size_t round = 0; round < 60; round++) {
        size_t n = round % 3 ? 32 : 16 + round % 8 * 16;
        groups *g = make_groups(&rng, n, round % 2 ? MAX_GROUPS : 1 + round % 20);
        float s, most = 0, least[MAX_GROUPS], bound[MAX_GROUPS];
        uint8_t m[MAX_GROUPS];
        cover_of(g);
        for (size_t k = 0; k < g->groups; k++)
            most = g->cover[k] > most ? g->cover[k] : most;
        s = (most > 0 ? most : 1) / MOST * (0.5f + (float)tb_rng_unit(&rng));
        for (size_t k = 0; k < g->groups; k++) {
            plain_search(g, k, 0.66f, s, &least[k], &m[k]);
            bound[k] = (round + k) % 3 == 0 ? least[k] : (round + k) % 3 == 1 ? least[k] * 1.1f : INFINITY;
        }
        for (size_t l = 0; l < n_levels; l++)
            check_search(levels[l], g, &s, 1, bound, least, m);
        free(g);
    }
}

static double tree_of(double lane[16])
{
    for (size_t half = 8; half > 0; half /= 2)
        for (size_t j = 0; j < half; j++)
            lane[j] += lane[j + half];
    return lane[0];
}

static void rounds(void **state)
{
    (void)state;
    const tb_kernels *levels[MAX_LEVELS];
    size_t n_levels = every_level(levels), ties = 0, clear = 0;
    tb_rng rng = tb_rng_make(1, 94);
    for (size_t n = 16; n <= MAX_N; n += 16) {
        groups *g = make_groups(&rng, n, MAX_GROUPS);
        static float expected[MAX_N * MAX_GROUPS];
        float t[MAX_GROUPS];
        double sums[2 * MAX_GROUPS];
        bool near[MAX_GROUPS];
        for (size_t k = 0; k < g->groups; k++) {
            double cross[16] = {0}, square[16] = {0};
            t[k] = k % 9 == 8 ? 1e-31f : k % KINDS == 3 ? 0.25f : 0.05f + 0.3f * (float)tb_rng_unit(&rng);
            if (k % 5 == 4) /* a tie, or nearly one */
                g->x[k * n + 3] = t[k] * (float)(int)tb_rng_below(&rng, 7) + t[k] * (k % 2 ? 0.5f : 0.499999f);
            near[k] = !(1.0f / t[k] < 1e30f);
            for (size_t i = 0; i < n; i++) {
                float y = g->x[k * n + i] * (1.0f / t[k]);
                y = y < -8 ? -8 : y > 7 ? 7 : y;
                float r = expected[k * n + i] = nearbyintf(y) + 0.0f;
                near[k] = near[k] || fabsf(y - r) > 0.5f - 4e-6f;
                cross[i % 16] += (double)g->x[k * n + i] * ((double)r * (double)g->h[k * n + i]);
                square[i % 16] += (double)r * ((double)r * (double)g->h[k * n + i]);
            }
            sums[2 * k] = tree_of(cross);
            sums[2 * k + 1] = tree_of(square);
            ties += near[k];
            clear += !near[k];
        }
        for (size_t l = 0; l < n_levels; l++) {
            guarded r = guarded_new(n * g->groups * sizeof(float), 4), s = guarded_new(sizeof sums, 8);
            guarded flags = guarded_new(sizeof near, 1);
            levels[l]->round_s4(g->x, g->h, n, g->groups, t, guarded_at(r), guarded_at(s), guarded_at(flags));
            assert_same_floats("integers", levels[l], expected, guarded_at(r), n * g->groups);
            assert_memory_equal(guarded_at(s), sums, sizeof sums);
            assert_memory_equal(guarded_at(flags), near, sizeof near);
            guarded_free(r);
            guarded_free(s);
            guarded_free(flags);
        }
        free(g);
    }
    assert_true(ties > 50 && clear > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(covers),
        cmocka_unit_test(searches),
        cmocka_unit_test(bounds_change_nothing),
        cmocka_unit_test(rounds),
    };
    return cmocka_run_group_tests(tests, enter_contract, NULL);
}
