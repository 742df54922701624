/* Coordinate descent on the integers of a layer, with given scales. Threads take rows, which do not depend on each
 * other. Includes: quant/gptq.h, quant/grid.h, quant/dense.h. Called by: quant/calibrated.c. */
#include "quant/dense.h"
#include "quant/gptq.h"
#include "quant/grid.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 32 };

struct descent {
    const tb_curvature *curvature;
    const float *w;
    tb_weight *weight;
    size_t sweeps;
    double *memory;         /* [threads][2][ROWS][n] */
    double *before, *after; /* [rows] */
    _Atomic size_t next;
};

static double dot(const double *a, const double *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* error = w - ŵ of rows [begin, end), pull = error H: minus half the slope of the objective by ŵ. */
static void start(const struct descent *d, size_t begin, size_t end, double *error, double *pull)
{
    size_t n = d->curvature->n;
    for (size_t r = begin; r < end; r++)
        for (size_t k = 0; k < n; k++)
            error[(r - begin) * n + k] =
                (double)d->w[r * n + k] - d->weight->q[r * n + k] * tb_grid_step(d->weight, r, k);
    memset(pull, 0, (end - begin) * n * sizeof *pull);
    tb_dense_add(error, n, d->curvature->h, n, end - begin, n, n, pull, n);
}

/* One value: whether its integer changes. */
static bool improve(const struct descent *d, size_t row, size_t k, double *error, double *pull)
{
    const tb_curvature *c = d->curvature;
    int8_t *q = &d->weight->q[row * c->n + k];
    double step = tb_grid_step(d->weight, row, k), now = *q;
    double best = tb_grid_round(now + pull[k] / (c->h[k * c->n + k] * step), tb_grid_lowest(d->weight),
                                tb_grid_highest(d->weight));
    if (best == now)
        return false;
    double change = (best - now) * step;
    const double *h = c->h + k * c->n;
    for (size_t j = 0; j < c->n; j++)
        pull[j] -= change * h[j];
    error[k] -= change;
    *q = (int8_t)best;
    return true;
}

static void sweep_rows(const struct descent *d, size_t begin, size_t end, double *error, double *pull)
{
    const tb_curvature *c = d->curvature;
    bool moving[ROWS];
    memset(moving, true, sizeof moving);
    for (size_t sweep = 0; sweep < d->sweeps; sweep++) {
        bool changed[ROWS] = {false}, any = false;
        for (size_t i = c->n; i-- > 0;) /* a row of H serves all rows before it leaves the cache */
            for (size_t r = begin; r < end; r++) {
                size_t at = r - begin;
                if (moving[at] && improve(d, r, c->column[i], error + at * c->n, pull + at * c->n))
                    changed[at] = any = true;
            }
        if (!any)
            return;
        memcpy(moving, changed, sizeof moving);
    }
}

static void stage_rows(void *arg, int thread, int n_threads)
{
    struct descent *d = arg;
    size_t n = d->curvature->n, rows = d->weight->rows;
    double *error = d->memory + (size_t)thread * 2 * ROWS * n, *pull = error + ROWS * n;
    (void)n_threads;
    for (size_t i; (i = atomic_fetch_add(&d->next, 1) * ROWS) < rows;) {
        size_t end = i + ROWS < rows ? i + ROWS : rows;
        start(d, i, end, error, pull);
        for (size_t r = i; r < end; r++)
            d->before[r] = dot(error + (r - i) * n, pull + (r - i) * n, n);
        sweep_rows(d, i, end, error, pull);
        for (size_t r = i; r < end; r++)
            d->after[r] = dot(error + (r - i) * n, pull + (r - i) * n, n);
    }
}

timbang_status tb_descent_round(const tb_curvature *curvature, const float *w, tb_weight *weight, size_t sweeps,
                                tb_pool *pool, double *before, double *after, tb_error *err)
{
    struct descent d = {.curvature = curvature, .w = w, .weight = weight, .sweeps = sweeps};
    size_t n = curvature->n, rows = weight->rows;
    d.memory = tb_calloc((size_t)tb_pool_threads(pool), 2 * ROWS * n * sizeof *d.memory, err);
    d.before = d.memory ? tb_calloc(rows, 2 * sizeof *d.before, err) : NULL;
    if (!d.before) {
        free(d.memory);
        return TIMBANG_NO_MEMORY;
    }
    d.after = d.before + rows;
    tb_pool_run(pool, stage_rows, &d);
    double sums[2] = {0, 0};
    for (size_t r = 0; r < rows; r++) {
        sums[0] += d.before[r];
        sums[1] += d.after[r];
    }
    if (before)
        *before = sums[0];
    if (after)
        *after = sums[1];
    free(d.before);
    free(d.memory);
    return TIMBANG_OK;
}
