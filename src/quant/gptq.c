/* GPTQ with given scales. Threads take rows, which do not depend on each other.
 * Includes: quant/gptq.h, quant/grid.h, quant/dense.h. Called by: quant/calibrated.c. */
#include "quant/gptq.h"

#include "quant/dense.h"
#include "quant/grid.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { ROWS = 16, BLOCK = TB_DENSE_BLOCK };

struct gptq {
    const tb_curvature *curvature;
    const float *w;
    tb_weight *weight;
    double *memory; /* [threads][2][ROWS][n] */
    _Atomic size_t next;
};

/* Places [first, last) of the order, backwards: rounds them, and mends those of this block that follow. */
static void round_block(const struct gptq *g, size_t row, size_t first, size_t last, double *target, double *error)
{
    const tb_curvature *c = g->curvature;
    double lowest = tb_grid_lowest(g->weight), highest = tb_grid_highest(g->weight);
    for (size_t k = last; k-- > first;) {
        size_t at = row * c->n + c->column[k];
        double step = tb_grid_step(g->weight, row, c->column[k]);
        double q = tb_grid_round(target[k] / step, lowest, highest);
        g->weight->q[at] = (int8_t)q;
        error[k] = (double)g->w[at] - q * step;
        const double *unit = c->unit + k * c->n;
        for (size_t j = first; j < k; j++)
            target[j] += error[k] * unit[j];
    }
}

static void round_rows(const struct gptq *g, size_t begin, size_t end, double *target, double *error)
{
    const tb_curvature *c = g->curvature;
    size_t n = c->n;
    for (size_t r = begin; r < end; r++)
        for (size_t k = 0; k < n; k++)
            target[(r - begin) * n + k] = (double)g->w[r * n + c->column[k]];
    for (size_t last = n; last > 0;) {
        size_t first = (last - 1) / BLOCK * BLOCK;
        for (size_t r = begin; r < end; r++)
            round_block(g, r, first, last, target + (r - begin) * n, error + (r - begin) * n);
        tb_dense_add(error + first, n, c->unit + first * n, n, end - begin, first, last - first, target, n);
        last = first;
    }
}

static void stage_rows(void *arg, int thread, int n_threads)
{
    struct gptq *g = arg;
    size_t n = g->curvature->n, rows = g->weight->rows;
    double *target = g->memory + (size_t)thread * 2 * ROWS * n;
    (void)n_threads;
    for (size_t i; (i = atomic_fetch_add(&g->next, 1) * ROWS) < rows;)
        round_rows(g, i, i + ROWS < rows ? i + ROWS : rows, target, target + ROWS * n);
}

timbang_status tb_gptq_round(const tb_curvature *curvature, const float *w, tb_weight *weight, tb_pool *pool,
                             tb_error *err)
{
    struct gptq g = {.curvature = curvature, .w = w, .weight = weight};
    g.memory = tb_calloc((size_t)tb_pool_threads(pool), 2 * ROWS * curvature->n * sizeof *g.memory, err);
    if (!g.memory)
        return TIMBANG_NO_MEMORY;
    tb_pool_run(pool, stage_rows, &g);
    free(g.memory);
    return TIMBANG_OK;
}
