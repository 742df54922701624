/* SPDX-License-Identifier: Apache-2.0
 * What a number of texts can show: power of McNemar's exact test and of the equivalence test, by exact sums over the
 * number of discordant texts, which is binomial.
 * Includes: eval/paired.h, eval/metrics.h, eval/special.h. Called by: study. */
#include "eval/metrics.h"
#include "eval/paired.h"
#include "eval/special.h"

#include <math.h>
#include <stdlib.h>

/* Numbers of discordant texts that matter: all but 1e-30 of the distribution lies within them. */
typedef struct window {
    size_t begin, end; /* half-open */
    double *weight;    /* [end - begin] probability */
    int64_t *critical; /* [end - begin] largest number of flips against the tide at which McNemar's test is significant;
                          -1: at none */
} window;

static void window_free(window *w)
{
    free(w->weight);
    free(w->critical);
}

static timbang_status window_make(size_t n, double rate, window *w, tb_error *err)
{
    double mean = (double)n * rate, reach = 12 * __builtin_sqrt(mean * (1 - rate)) + 40;
    w->begin = mean > reach ? (size_t)(mean - reach) : 0;
    w->end = mean + reach < (double)n ? (size_t)(mean + reach) + 1 : n + 1;
    w->weight = tb_calloc(w->end - w->begin, sizeof *w->weight, err);
    w->critical = w->weight ? tb_calloc(w->end - w->begin, sizeof *w->critical, err) : NULL;
    if (!w->critical) {
        window_free(w);
        return err->status;
    }
    for (size_t m = w->begin; m < w->end; m++)
        w->weight[m - w->begin] = tb_binomial_pmf(m, n, rate);
    return TIMBANG_OK;
}

/* ---- McNemar ---- */

enum { EXACT_UP_TO = 1000 }; /* where p can be a round number, as 2^-5, it has to be met exactly */

/* Half of the two-sided p of k against m - k flips. */
static double tail(size_t k, size_t m)
{
    return m <= EXACT_UP_TO ? tb_binomial_two_sided_half(k, m) / 2 : tb_binomial_cdf(k, m, 0.5);
}

/* Largest k < m / 2 with 2 P(X <= k) < alpha, or -1. */
static int64_t critical_value(size_t m, double alpha)
{
    int64_t low = -1, high = (int64_t)(m + 1) / 2; /* significant at low, not at high */
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (2 * tail((size_t)middle, m) < alpha)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* From m to m + 1 the critical value stays or grows by one. */
static void find_critical(window *w, double alpha)
{
    int64_t k = critical_value(w->begin, alpha);
    double below = k < 0 ? 0 : tb_binomial_cdf((size_t)k, w->begin, 0.5); /* P(X <= k) */
    for (size_t m = w->begin;; m++) {
        w->critical[m - w->begin] = k;
        if (m + 1 == w->end)
            return;
        if (m + 1 <= EXACT_UP_TO) {
            k = critical_value(m + 1, alpha);
            below = k < 0 ? 0 : tb_binomial_cdf((size_t)k, m + 1, 0.5);
            continue;
        }
        below -= k < 0 ? 0 : 0.5 * tb_binomial_pmf((size_t)k, m, 0.5);
        double next = below + tb_binomial_pmf((size_t)(k + 1), m + 1, 0.5);
        if (2 * next < alpha) {
            below = next;
            k++;
        }
    }
}

/* Sum over the window of P(X <= critical), X binomial (m, p); the tail follows from m to m + 1 by
 * P(X <= k; m + 1) = P(X <= k; m) - p P(X = k; m). */
static double one_sided_power(const window *w, double p)
{
    double sum = 0, below = 0;
    int64_t held = -1; /* below is P(X <= held) */
    for (size_t m = w->begin; m < w->end; m++) {
        int64_t k = w->critical[m - w->begin];
        if (k >= 0 && (m - w->begin) % 256 == 0) /* afresh now and then, so that roundings do not add up */
            below = tb_binomial_cdf((size_t)k, m, p);
        else if (k >= 0) {
            below -= held < 0 ? 0 : p * tb_binomial_pmf((size_t)held, m - 1, p);
            for (int64_t i = held + 1; i <= k; i++)
                below += tb_binomial_pmf((size_t)i, m, p);
        }
        held = k;
        sum += w->weight[m - w->begin] * below;
    }
    return sum;
}

static double mcnemar_power(const window *w, double rate, double delta)
{
    double gained = (1 + delta / rate) / 2; /* of the discordant texts */
    gained = gained < 1 ? gained : 1;
    return one_sided_power(w, gained) + one_sided_power(w, 1 - gained);
}

timbang_status tb_mcnemar_power(size_t n, double rate, double delta, double alpha, double *power, tb_error *err)
{
    *power = 0;
    if (!(rate > 0))
        return TIMBANG_OK;
    window w;
    TB_TRY(window_make(n, rate, &w, err));
    find_critical(&w, alpha);
    *power = mcnemar_power(&w, rate, delta);
    window_free(&w);
    return TIMBANG_OK;
}

static size_t smallest_flips(double alpha)
{
    size_t flips = 1;
    double p = 1; /* 2 (1/2)^flips */
    for (; !(p < alpha) && flips < 2000; flips++)
        p /= 2;
    return flips;
}

/* The power rises with delta; bisection to the last digits. */
static double detectable(const window *w, double rate, double wanted)
{
    double low = 0, high = rate;
    if (mcnemar_power(w, rate, rate) < wanted)
        return (double)NAN;
    for (int i = 0; i < 60; i++) {
        double middle = low + (high - low) / 2;
        if (mcnemar_power(w, rate, middle) < wanted)
            low = middle;
        else
            high = middle;
    }
    return high;
}

/* ---- Equivalence ---- */

static bool shows_equivalence(size_t gained, size_t lost, size_t n, double margin, double alpha)
{
    return tb_normal_sf(tb_tango_statistic(gained, lost, n, -margin)) < alpha &&
           tb_normal_cdf(tb_tango_statistic(gained, lost, n, margin)) < alpha;
}

/* Fewest of m flips in the rarer direction at which equivalence is shown; m / 2 + 1: never. */
static size_t fewest_rarer(size_t m, size_t n, double margin, double alpha)
{
    size_t low = 0, high = m / 2 + 1; /* the answer lies in [low, high] */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (middle == m / 2 + 1 || shows_equivalence(m - middle, middle, n, margin, alpha))
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static double equivalence_power(const window *w, size_t n, double margin, double alpha)
{
    double sum = 0;
    for (size_t m = w->begin; m < w->end; m++) {
        size_t fewest = fewest_rarer(m, n, margin, alpha);
        if (fewest > m / 2)
            continue;
        double missed = fewest == 0 ? 0 : 2 * tb_binomial_cdf(fewest - 1, m, 0.5);
        sum += w->weight[m - w->begin] * (1 - missed);
    }
    return sum;
}

static int64_t most_flips(size_t n, double margin, double alpha)
{
    if (!shows_equivalence(0, 0, n, margin, alpha))
        return -1;
    size_t low = 0, high = n / 2 + 1; /* shown with low pairs, not with high */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (shows_equivalence(middle, middle, n, margin, alpha))
            low = middle;
        else
            high = middle;
    }
    return 2 * (int64_t)low;
}

timbang_status tb_power_compute(size_t n, double rate, double margin, double alpha, double power, tb_power *out,
                                tb_error *err)
{
    window w;
    TB_TRY(window_make(n, rate, &w, err));
    find_critical(&w, alpha);
    *out = (tb_power){
        .smallest = smallest_flips(alpha),
        .detectable = rate > 0 ? detectable(&w, rate, power) : (double)NAN,
        .equivalence_power = equivalence_power(&w, n, margin, alpha),
        .most_flips = most_flips(n, margin, alpha),
    };
    window_free(&w);
    return TIMBANG_OK;
}
