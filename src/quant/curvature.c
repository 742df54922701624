/* The curvature of a layer's error: damped, ordered, factored. Includes: quant/gptq.h, quant/dense.h. Called by:
 * quant/calibrated.c. */
#include "quant/dense.h"
#include "quant/gptq.h"

#include <stdlib.h>
#include <string.h>

/* By rising diagonal; of equals the later column first, so that GPTQ, which goes backwards, keeps their order. */
static void sort_columns(const double *h, size_t n, size_t *column, size_t *room)
{
    for (size_t i = 0; i < n; i++)
        column[i] = n - 1 - i;
    for (size_t width = 1; width < n; width *= 2) { /* merge sort: stable, and no state of its own */
        for (size_t begin = 0; begin < n; begin += 2 * width) {
            size_t middle = begin + width < n ? begin + width : n, end = middle + width < n ? middle + width : n;
            for (size_t i = begin, a = begin, b = middle; i < end; i++) {
                bool left = a < middle && (b >= end || h[column[a] * n + column[a]] <= h[column[b] * n + column[b]]);
                room[i] = column[left ? a++ : b++];
            }
        }
        memcpy(column, room, n * sizeof *column);
    }
}

static double mean_diagonal(const tb_hessian *hessian)
{
    double sum = 0;
    for (size_t i = 0; i < hessian->n; i++)
        sum += hessian->h[i * hessian->n + i];
    return sum / (double)hessian->n;
}

static void damp(const tb_hessian *hessian, double damping, tb_curvature *c)
{
    size_t n = c->n;
    double mean = mean_diagonal(hessian), added = mean > 0 ? mean * damping : 1;
    memcpy(c->h, hessian->h, n * n * sizeof *c->h);
    for (size_t i = 0; i < n; i++)
        c->h[i * n + i] += added;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++)
            c->unit[i * n + j] = c->h[c->column[i] * n + c->column[j]];
    c->damping = damping;
}

static void divide_columns(tb_curvature *c)
{
    size_t n = c->n;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            c->unit[i * n + j] /= c->unit[j * n + j];
}

timbang_status tb_curvature_make(const tb_hessian *hessian, double damping, tb_pool *pool, tb_curvature *out,
                                 tb_error *err)
{
    enum { TRIES = 8 };
    size_t n = hessian->n;
    *out = (tb_curvature){.n = n};
    out->h = tb_calloc(n, n * sizeof *out->h, err);
    out->unit = out->h ? tb_calloc(n, n * sizeof *out->unit, err) : NULL;
    out->column = out->unit ? tb_calloc(n, 2 * sizeof *out->column, err) : NULL;
    timbang_status status = out->column ? TIMBANG_OK : TIMBANG_NO_MEMORY;
    bool positive = false;
    if (status == TIMBANG_OK)
        sort_columns(hessian->h, n, out->column, out->column + n);
    for (int i = 0; i < TRIES && status == TIMBANG_OK && !positive; i++, damping *= 10) {
        damp(hessian, damping, out);
        status = tb_dense_cholesky(out->unit, n, pool, &positive, err);
    }
    if (status == TIMBANG_OK && !positive)
        status =
            tb_fail(err, TIMBANG_DATA, "the inputs of a layer have no usable second moments (they are not finite)");
    if (status == TIMBANG_OK)
        divide_columns(out);
    else
        tb_curvature_free(out);
    return status;
}

void tb_curvature_free(tb_curvature *curvature)
{
    free(curvature->h);
    free(curvature->unit);
    free(curvature->column);
    *curvature = (tb_curvature){0};
}
