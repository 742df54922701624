/* Scales for integers that are given, by least squares in the metric of H. Threads take rows.
 * Includes: quant/gptq.h, quant/four_bits.h, quant/grid.h, quant/dense.h. Called by: quant/calibrated.c. */
#include "quant/dense.h"
#include "quant/four_bits.h"
#include "quant/gptq.h"
#include "quant/grid.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 32 };

struct refit {
    const tb_curvature *curvature;
    const float *w;
    tb_weight *weight;
    double *memory; /* [threads][2][ROWS][n] */
    _Atomic size_t next;
};

static void refit_row(const struct refit *f, size_t row, const double *rounded, const double *bent)
{
    size_t n = f->curvature->n;
    const float *w = f->w + row * n;
    float *scale = &f->weight->scale[row];
    double cross = 0, square = 0;
    for (size_t k = 0; k < n; k++) {
        cross += (double)w[k] * bent[k];
        square += rounded[k] * bent[k];
    }
    if (!(square > 0 && cross > 0))
        return;
    double wanted = (double)*scale * (cross / square);
    *scale = (float)(f->weight->kind == TB_WEIGHT_S8 ? wanted : tb_storable_scale(wanted));
}

static void stage_rows(void *arg, int thread, int n_threads)
{
    struct refit *f = arg;
    size_t n = f->curvature->n, rows = f->weight->rows;
    double *rounded = f->memory + (size_t)thread * 2 * ROWS * n, *bent = rounded + ROWS * n;
    (void)n_threads;
    for (size_t i; (i = atomic_fetch_add(&f->next, 1) * ROWS) < rows;) {
        size_t m = rows - i < ROWS ? rows - i : ROWS;
        for (size_t r = 0; r < m; r++)
            for (size_t k = 0; k < n; k++)
                rounded[r * n + k] = f->weight->q[(i + r) * n + k] * tb_grid_step(f->weight, i + r, k);
        memset(bent, 0, m * n * sizeof *bent);
        tb_dense_add(rounded, n, f->curvature->h, n, m, n, n, bent, n);
        for (size_t r = 0; r < m; r++)
            refit_row(f, i + r, rounded + r * n, bent + r * n);
    }
}

timbang_status tb_refit_scales(const tb_curvature *curvature, const float *w, tb_weight *weight, tb_pool *pool,
                               tb_error *err)
{
    struct refit f = {.curvature = curvature, .w = w, .weight = weight};
    f.memory = tb_calloc((size_t)tb_pool_threads(pool), 2 * ROWS * curvature->n * sizeof *f.memory, err);
    if (!f.memory)
        return TIMBANG_NO_MEMORY;
    tb_pool_run(pool, stage_rows, &f);
    free(f.memory);
    return TIMBANG_OK;
}
