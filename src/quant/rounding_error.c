/* The squared error of a rounding. Includes: base, quant/jitter.h, quant/rows.h. Called by: quant/quantize.c,
 * quant/jitter.c. */
#include "quant/jitter.h"
#include "quant/rows.h"

#include <stdlib.h>

enum { LANES = 8 };

static double tree(double lane[LANES])
{
    for (size_t half = LANES / 2; half > 0; half /= 2) {
        for (size_t i = 0; i < half; i++)
            lane[i] += lane[i + half];
    }
    return lane[0];
}

tb_rounding tb_rounding_of_row(const float *w, const int8_t *q, size_t n, double scale)
{
    double error[LANES] = {0}, square[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (size_t j = 0; j < LANES; j++) {
            double x = (double)w[i + j], d = x - (double)q[i + j] * scale;
            error[j] += d * d;
            square[j] += x * x;
        }
    }
    for (size_t j = 0; i < n; i++, j++) {
        double x = (double)w[i], d = x - (double)q[i] * scale;
        error[j] += d * d;
        square[j] += x * x;
    }
    return (tb_rounding){tree(error), tree(square)};
}

typedef struct job {
    const float *w;
    const tb_weight *weight;
    tb_rounding *rows; /* [rows] */
} job;

static void run_share(void *arg, int thread, int n_threads)
{
    const job *j = arg;
    const tb_weight *weight = j->weight;
    size_t begin, end, n = weight->columns, group = weight->kind == TB_WEIGHT_S4 ? weight->group : n;
    tb_share(weight->rows, 1, thread, n_threads, &begin, &end);
    for (size_t r = begin; r < end; r++) {
        tb_rounding sum = {0, 0};
        for (size_t g = 0; g < n / group; g++) {
            size_t at = r * n + g * group;
            int m = weight->kind == TB_WEIGHT_S4 ? weight->multiplier[r * (n / group) + g] : 1;
            tb_rounding one = tb_rounding_of_row(j->w + at, weight->q + at, group, (double)weight->scale[r] * m);
            sum.error += one.error;
            sum.square += one.square;
        }
        j->rows[r] = sum;
    }
}

timbang_status tb_rounding_error(const float *w, const tb_weight *weight, tb_pool *pool, tb_rounding *out,
                                 tb_error *err)
{
    job j = {w, weight, tb_calloc(weight->rows, sizeof *j.rows, err)};
    if (!j.rows)
        return TIMBANG_NO_MEMORY;
    tb_pool_run(pool, run_share, &j);
    *out = (tb_rounding){0, 0};
    for (size_t r = 0; r < weight->rows; r++) {
        out->error += j.rows[r].error;
        out->square += j.rows[r].square;
    }
    free(j.rows);
    return TIMBANG_OK;
}
