/* SPDX-License-Identifier: Apache-2.0
 * Holm's correction, Stuart and Maxwell's test of marginal homogeneity, Wilcoxon's signed rank.
 * Includes: eval/paired.h, eval/special.h. Called by: study. */
#include "eval/paired.h"

#include "eval/special.h"

#include <stdlib.h>
#include <string.h>

/* ---- Holm ---- */

typedef struct indexed {
    double value;
    size_t index;
} indexed;

static int by_value(const void *a, const void *b)
{
    const indexed *x = a, *y = b;
    if (x->value < y->value || x->value > y->value)
        return x->value < y->value ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

timbang_status tb_holm(const double *p, size_t n, double *adjusted, tb_error *err)
{
    indexed *order = tb_calloc(n, sizeof *order, err);
    if (!order)
        return err->status;
    size_t made = 0;
    for (size_t i = 0; i < n; i++) {
        adjusted[i] = p[i];
        if (p[i] == p[i])
            order[made++] = (indexed){p[i], i};
    }
    qsort(order, made, sizeof *order, by_value);
    double largest = 0;
    for (size_t r = 0; r < made; r++) {
        double value = order[r].value * (double)(made - r);
        value = value < 1 ? value : 1;
        largest = value > largest ? value : largest;
        adjusted[order[r].index] = largest;
    }
    free(order);
    return TIMBANG_OK;
}

/* ---- Stuart, Maxwell ---- */

/* Classes that texts moved between belong together: component[c] is the least class of c's. */
static void find_components(const size_t *table, size_t k, size_t *component)
{
    for (size_t c = 0; c < k; c++)
        component[c] = c;
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < k; i++)
            for (size_t j = 0; j < k; j++) {
                if (i == j || table[i * k + j] + table[j * k + i] == 0 || component[i] == component[j])
                    continue;
                size_t least = component[i] < component[j] ? component[i] : component[j];
                component[i] = component[j] = least;
                changed = true;
            }
    }
}

/* d' V^-1 d of the n members of one component but the last, whose row and column follow from the others'. V is the
 * covariance of the shifts, a graph's Laplacian, so that without one member it is positive definite. v [n - 1][n - 1]
 * and d [n - 1] are overwritten: Cholesky's L D L'. */
static double quadratic_form(double *v, double *d, size_t n)
{
    double sum = 0;
    for (size_t j = 0; j < n; j++) {
        double pivot = v[j * n + j];
        if (!(pivot > 0))
            continue;
        sum += d[j] * d[j] / pivot;
        for (size_t i = j + 1; i < n; i++) {
            double factor = v[i * n + j] / pivot;
            for (size_t c = j + 1; c <= i; c++)
                v[i * n + c] -= factor * v[c * n + j];
            d[i] -= factor * d[j];
        }
    }
    return sum;
}

static double component_statistic(const size_t *table, size_t k, const int64_t *shifts, const size_t *members, size_t n,
                                  double *v, double *d)
{
    for (size_t r = 0; r + 1 < n; r++) {
        size_t i = members[r];
        d[r] = (double)shifts[i];
        size_t moved = 0;
        for (size_t j = 0; j < k; j++)
            moved += i == j ? 0 : table[i * k + j] + table[j * k + i];
        for (size_t c = 0; c + 1 < n; c++) {
            size_t j = members[c];
            v[r * (n - 1) + c] = i == j ? (double)moved : -(double)(table[i * k + j] + table[j * k + i]);
        }
    }
    return quadratic_form(v, d, n - 1);
}

static void find_extremes(tb_marginal *out, size_t k)
{
    out->gains = out->loses = k;
    size_t most = 0, least = 0;
    for (size_t c = 1; c < k; c++) {
        most = out->shifts[c] > out->shifts[most] ? c : most;
        least = out->shifts[c] < out->shifts[least] ? c : least;
    }
    if (out->shifts[most] > 0) {
        out->gains = most;
        out->loses = least;
    }
}

timbang_status tb_marginal_compute(const size_t *table, size_t n_classes, tb_marginal *out, tb_error *err)
{
    size_t k = n_classes;
    *out = (tb_marginal){.p = 1};
    size_t *component = tb_calloc(2 * k, sizeof *component, err), *members = component ? component + k : NULL;
    double *v = component ? tb_calloc(k * k, sizeof *v, err) : NULL, *d = v ? tb_calloc(k, sizeof *d, err) : NULL;
    out->shifts = d ? tb_calloc(k, sizeof *out->shifts, err) : NULL;
    if (out->shifts) {
        for (size_t i = 0; i < k; i++)
            for (size_t j = 0; j < k; j++) {
                out->shifts[i] -= (int64_t)table[i * k + j];
                out->shifts[j] += (int64_t)table[i * k + j];
            }
        find_components(table, k, component);
        for (size_t first = 0; first < k; first++) {
            size_t n = 0;
            for (size_t c = first; c < k; c++)
                if (component[c] == first)
                    members[n++] = c;
            if (n < 2)
                continue;
            out->statistic += component_statistic(table, k, out->shifts, members, n, v, d);
            out->df += n - 1;
        }
        out->p = tb_chi_square_sf(out->statistic, (double)out->df);
        find_extremes(out, k);
    }
    free(component);
    free(v);
    free(d);
    return out->shifts ? TIMBANG_OK : err->status;
}

void tb_marginal_free(tb_marginal *marginal)
{
    free(marginal->shifts);
    memset(marginal, 0, sizeof *marginal);
}

/* ---- Wilcoxon ---- */

static int by_size(const void *a, const void *b)
{
    double x = __builtin_fabs(*(const double *)a), y = __builtin_fabs(*(const double *)b);
    return (x > y) - (x < y);
}

static void rank_test(double *changed, size_t n, tb_signed_rank *out)
{
    qsort(changed, n, sizeof *changed, by_size);
    double plus = 0, minus = 0, ties = 0, count = (double)n;
    for (size_t i = 0; i < n;) {
        size_t end = i + 1;
        while (end < n && __builtin_fabs(changed[end]) == __builtin_fabs(changed[i]))
            end++;
        double tied = (double)(end - i), rank = ((double)i + 1 + (double)end) / 2;
        ties += tied * (tied * tied - 1);
        for (; i < end; i++) {
            if (changed[i] > 0)
                plus += rank;
            else
                minus += rank;
        }
    }
    double mean = count * (count + 1) / 4;
    double deviation = __builtin_sqrt((count * (count + 1) * (2 * count + 1) - ties / 2) / 24);
    out->statistic = plus < minus ? plus : minus;
    out->p = 2 * tb_normal_sf((mean - out->statistic) / deviation);
    out->p = out->p < 1 ? out->p : 1;
}

timbang_status tb_signed_rank_compute(const double *differences, size_t n, tb_signed_rank *out, tb_error *err)
{
    *out = (tb_signed_rank){.p = 1};
    if (n == 0)
        return TIMBANG_OK;
    double *changed = tb_calloc(n, sizeof *changed, err), sum = 0, squares = 0;
    if (!changed)
        return err->status;
    size_t n_changed = 0;
    for (size_t i = 0; i < n; i++) {
        sum += differences[i];
        if (differences[i] != 0)
            changed[n_changed++] = differences[i];
    }
    out->mean = sum / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += (differences[i] - out->mean) * (differences[i] - out->mean);
    out->sd = n > 1 ? __builtin_sqrt(squares / (double)(n - 1)) : 0;
    if (n_changed > 0)
        rank_test(changed, n_changed, out);
    free(changed);
    return TIMBANG_OK;
}
