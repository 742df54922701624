/* Rounding to nearest where the scale follows from the largest magnitude: 8 bits a row or a tensor, 4 bits a tensor,
 * halves. Includes: base, kernels (half conversions), quant/schemes.h. Called by: quant/quantize.c. */
#include "quant/rows.h"

#include <math.h>
#include <stdlib.h>

/* ---- Shared by all schemes ---- */

float tb_row_absmax(const float *w, size_t n)
{
    float most = 0;
    for (size_t i = 0; i < n; i++) {
        float a = w[i] < 0 ? -w[i] : w[i];
        most = a > most ? a : most;
    }
    return most;
}

timbang_status tb_quantized_alloc(const float *w, size_t rows, size_t columns, tb_weight_kind kind, tb_weight *out,
                                  tb_error *err)
{
    size_t n;
    *out = (tb_weight){.kind = kind, .rows = rows, .columns = columns};
    if (!tb_mul_size(rows, columns, &n) || n == 0)
        return tb_fail(err, TIMBANG_MISMATCH, "a matrix of %zu x %zu cannot be quantized", rows, columns);
    for (size_t i = 0; i < n; i++) {
        if (!(w[i] <= TB_LARGEST_WEIGHT && w[i] >= -TB_LARGEST_WEIGHT))
            return tb_fail(err, TIMBANG_DATA,
                           "the weight %g at [%zu, %zu] is too large to quantize (1e37 is the limit)", (double)w[i],
                           i / columns, i % columns);
    }
    out->q = tb_calloc(n, 1, err);
    out->scale = out->q ? tb_calloc(rows, sizeof *out->scale, err) : NULL;
    if (!out->scale)
        tb_weight_free(out);
    return out->scale ? TIMBANG_OK : TIMBANG_NO_MEMORY;
}

/* absmax / divisor, never zero unless absmax is. */
static float scale_of(float absmax, float divisor)
{
    float scale = absmax / divisor;
    return absmax > 0 && scale == 0 ? TB_SMALLEST_FLOAT : scale;
}

static int8_t clamp(float x, float low, float high)
{
    return (int8_t)tb_round_even(x < low ? low : x > high ? high : x);
}

/* ---- One scale a row ---- */

typedef struct job {
    const float *w;
    tb_weight *out;
} job;

static void s8_rows(void *arg, int thread, int n_threads)
{
    const job *j = arg;
    size_t begin, end, n = j->out->columns;
    tb_share(j->out->rows, 1, thread, n_threads, &begin, &end);
    for (size_t r = begin; r < end; r++) {
        const float *w = j->w + r * n;
        float scale = scale_of(tb_row_absmax(w, n), 127);
        j->out->scale[r] = scale > 0 ? scale : 1;
        for (size_t i = 0; i < n; i++)
            j->out->q[r * n + i] = clamp(w[i] / j->out->scale[r], -127, 127);
    }
}

timbang_status tb_quantize_s8_channel(const float *w, size_t rows, size_t columns, tb_pool *pool, tb_weight *out,
                                      tb_error *err)
{
    TB_TRY(tb_quantized_alloc(w, rows, columns, TB_WEIGHT_S8, out, err));
    job j = {w, out};
    tb_pool_run(pool, s8_rows, &j);
    return TIMBANG_OK;
}

/* ---- One scale in all ---- */

static void fill_scale(tb_weight *out, float scale)
{
    out->per_tensor = true;
    for (size_t r = 0; r < out->rows; r++)
        out->scale[r] = scale;
}

/* PyTorch multiplies by the rounded reciprocal (fbgemm's Quantize), which is not the same as dividing. */
static void s8_tensor_rows(void *arg, int thread, int n_threads)
{
    const job *j = arg;
    size_t begin, end, n = j->out->columns;
    tb_share(j->out->rows, 1, thread, n_threads, &begin, &end);
    float inverse = 1.0f / j->out->scale[0];
    for (size_t i = begin * n; i < end * n; i++)
        j->out->q[i] = clamp(j->w[i] * inverse, -128, 127);
}

timbang_status tb_quantize_s8_tensor(const float *w, size_t rows, size_t columns, tb_pool *pool, tb_weight *out,
                                     tb_error *err)
{
    const float smallest = 1.0f / 8388608; /* the observer's eps: torch.finfo(torch.float32).eps */
    TB_TRY(tb_quantized_alloc(w, rows, columns, TB_WEIGHT_S8, out, err));
    float scale = tb_row_absmax(w, rows * columns) / 127.5f;
    fill_scale(out, scale > smallest ? scale : smallest);
    job j = {w, out};
    tb_pool_run(pool, s8_tensor_rows, &j);
    return TIMBANG_OK;
}

static void s4_tensor_rows(void *arg, int thread, int n_threads)
{
    const job *j = arg;
    size_t begin, end, n = j->out->columns;
    tb_share(j->out->rows, 1, thread, n_threads, &begin, &end);
    for (size_t i = begin * n; i < end * n; i++)
        j->out->q[i] = clamp(j->w[i] / j->out->scale[0], -7, 7);
}

timbang_status tb_quantize_s4_tensor(const float *w, size_t rows, size_t columns, tb_pool *pool, tb_weight *out,
                                     tb_error *err)
{
    TB_TRY(tb_quantized_alloc(w, rows, columns, TB_WEIGHT_S4_ROW, out, err));
    float scale = scale_of(tb_row_absmax(w, rows * columns), 7);
    fill_scale(out, scale > 0 ? scale : 1);
    job j = {w, out};
    tb_pool_run(pool, s4_tensor_rows, &j);
    return TIMBANG_OK;
}

/* ---- Halves ---- */

timbang_status tb_round_half(const float *w, size_t n, tb_weight_kind kind, uint16_t *out, tb_error *err)
{
    for (size_t i = 0; i < n; i++) {
        out[i] = kind == TB_WEIGHT_F16 ? tb_f32_to_f16(w[i]) : tb_f32_to_bf16(w[i]);
        uint16_t exponent = kind == TB_WEIGHT_F16 ? 0x7c00 : 0x7f80;
        if ((out[i] & exponent) == exponent)
            return tb_fail(err, TIMBANG_DATA, "the value %g at index %zu does not fit %s", (double)w[i], i,
                           kind == TB_WEIGHT_F16 ? "fp16 (65504 is the largest); use bf16" : "bf16");
    }
    return TIMBANG_OK;
}
