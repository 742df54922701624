/* Rounding to nearest where the scale follows from the largest magnitude: 8 bits a row or a tensor, 4 bits a tensor,
 * halves. Includes: base, kernels (half conversions), quant/schemes.h. Called by: quant/round_module.c,
 * quant/quantize.c.
 *
 * Loops are written in 16 lanes, or without branches, so that compilers make vector code of them. */
#include "quant/rows.h"

#include <stdlib.h>
#include <string.h>

enum { LANES = 16 };

/* ---- Shared by all schemes ---- */

float tb_row_absmax(const float *w, size_t n)
{
    const float most_allowed = TB_LARGEST_WEIGHT;
    float lane[LANES] = {0}, most = 0;
    int32_t wrong[LANES] = {0}, any = 0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (size_t j = 0; j < LANES; j++) {
            float a = __builtin_fabsf(w[i + j]);
            lane[j] = a > lane[j] ? a : lane[j];
            wrong[j] |= a <= most_allowed ? 0 : 1; /* NaN too */
        }
    }
    for (size_t j = 0; i < n; i++, j++) {
        float a = __builtin_fabsf(w[i]);
        lane[j] = a > lane[j] ? a : lane[j];
        wrong[j] |= a <= most_allowed ? 0 : 1;
    }
    for (size_t j = 0; j < LANES; j++) {
        most = lane[j] > most ? lane[j] : most;
        any |= wrong[j];
    }
    return any ? __builtin_nanf("") : most;
}

timbang_status tb_refuse_weight(const float *w, size_t rows, size_t columns, tb_error *err)
{
    for (size_t i = 0; i < rows * columns; i++) {
        if (!(w[i] <= TB_LARGEST_WEIGHT && w[i] >= -TB_LARGEST_WEIGHT))
            return tb_fail(err, TIMBANG_DATA,
                           "the weight %g at [%zu, %zu] is too large to quantize (1e37 is the limit)", (double)w[i],
                           i / columns, i % columns);
    }
    return TIMBANG_OK;
}

timbang_status tb_quantized_alloc(size_t rows, size_t columns, tb_weight_kind kind, tb_weight *out, tb_error *err)
{
    size_t n;
    *out = (tb_weight){.kind = kind, .rows = rows, .columns = columns};
    if (!tb_mul_size(rows, columns, &n) || n == 0)
        return tb_fail(err, TIMBANG_MISMATCH, "a matrix of %zu x %zu cannot be quantized", rows, columns);
    out->q = tb_calloc(n, 1, err);
    out->scale = out->q ? tb_calloc(rows, sizeof *out->scale, err) : NULL;
    if (!out->scale)
        tb_weight_free(out);
    return out->scale ? TIMBANG_OK : TIMBANG_NO_MEMORY;
}

timbang_status tb_quantized_check(const float *w, tb_weight *out, tb_error *err)
{
    timbang_status status = TIMBANG_OK;
    for (size_t r = 0; r < out->rows && status == TIMBANG_OK; r++) {
        if (out->scale[r] != out->scale[r])
            status = tb_refuse_weight(w, out->rows, out->columns, err);
    }
    if (status != TIMBANG_OK)
        tb_weight_free(out);
    return status;
}

/* absmax / divisor, never zero unless absmax is. */
static float scale_of(float absmax, float divisor)
{
    float scale = absmax / divisor;
    return absmax > 0 && scale == 0 ? TB_SMALLEST_FLOAT : scale;
}

/* Half to even of |x| < 2^22. */
static inline float round_even(float x)
{
    const float shift = 12582912.0f; /* 1.5 * 2^23: adding it rounds to an integer */
    return (x + shift) - shift;
}

typedef struct job {
    const float *w;
    tb_weight *out;
    float low, high;
} job;

/* q of the values in [begin, end), by division. */
static void divide(const job *j, size_t begin, size_t end, float scale)
{
    const float low = j->low, high = j->high, *w = j->w;
    int8_t *q = j->out->q;
    for (size_t i = begin; i < end; i++) {
        float x = w[i] / scale;
        x = x < low ? low : x;
        x = x > high ? high : x;
        q[i] = (int8_t)(int32_t)round_even(x);
    }
}

/* ---- One scale a row ---- */

static void s8_rows(void *arg, int thread, int n_threads)
{
    const job *j = arg;
    size_t begin, end, n = j->out->columns;
    tb_share(j->out->rows, 1, thread, n_threads, &begin, &end);
    for (size_t r = begin; r < end; r++) {
        float scale = scale_of(tb_row_absmax(j->w + r * n, n), 127);
        j->out->scale[r] = scale = scale == 0 ? 1 : scale;
        if (scale == scale)
            divide(j, r * n, (r + 1) * n, scale);
    }
}

timbang_status tb_quantize_s8_channel(const float *w, size_t rows, size_t columns, tb_pool *pool, tb_weight *out,
                                      tb_error *err)
{
    TB_TRY(tb_quantized_alloc(rows, columns, TB_WEIGHT_S8, out, err));
    job j = {w, out, -127, 127};
    tb_pool_run(pool, s8_rows, &j);
    return tb_quantized_check(w, out, err);
}

/* ---- One scale in all ---- */

static void absmax_rows(void *arg, int thread, int n_threads)
{
    const job *j = arg;
    size_t begin, end, n = j->out->columns;
    tb_share(j->out->rows, 1, thread, n_threads, &begin, &end);
    for (size_t r = begin; r < end; r++)
        j->out->scale[r] = tb_row_absmax(j->w + r * n, n);
}

/* The largest magnitude of all. */
static timbang_status absmax(job *j, tb_pool *pool, float *most, tb_error *err)
{
    tb_pool_run(pool, absmax_rows, j);
    TB_TRY(tb_quantized_check(j->w, j->out, err));
    *most = 0;
    for (size_t r = 0; r < j->out->rows; r++)
        *most = j->out->scale[r] > *most ? j->out->scale[r] : *most;
    return TIMBANG_OK;
}

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
    const float inverse = 1.0f / j->out->scale[0], low = j->low, high = j->high, *w = j->w;
    int8_t *q = j->out->q;
    for (size_t i = begin * n; i < end * n; i++) {
        float x = w[i] * inverse;
        x = x < low ? low : x;
        x = x > high ? high : x;
        q[i] = (int8_t)(int32_t)round_even(x);
    }
}

timbang_status tb_quantize_s8_tensor(const float *w, size_t rows, size_t columns, tb_pool *pool, tb_weight *out,
                                     tb_error *err)
{
    const float smallest = 1.0f / 8388608; /* the observer's eps: torch.finfo(torch.float32).eps */
    float most;
    TB_TRY(tb_quantized_alloc(rows, columns, TB_WEIGHT_S8, out, err));
    job j = {w, out, -128, 127};
    TB_TRY(absmax(&j, pool, &most, err));
    float scale = most / 127.5f;
    fill_scale(out, scale > smallest ? scale : smallest);
    tb_pool_run(pool, s8_tensor_rows, &j);
    return TIMBANG_OK;
}

static void s4_tensor_rows(void *arg, int thread, int n_threads)
{
    const job *j = arg;
    size_t begin, end, n = j->out->columns;
    tb_share(j->out->rows, 1, thread, n_threads, &begin, &end);
    divide(j, begin * n, end * n, j->out->scale[0]);
}

timbang_status tb_quantize_s4_tensor(const float *w, size_t rows, size_t columns, tb_pool *pool, tb_weight *out,
                                     tb_error *err)
{
    float most;
    TB_TRY(tb_quantized_alloc(rows, columns, TB_WEIGHT_S4_ROW, out, err));
    job j = {w, out, -7, 7};
    TB_TRY(absmax(&j, pool, &most, err));
    float scale = scale_of(most, 7);
    fill_scale(out, scale > 0 ? scale : 1);
    tb_pool_run(pool, s4_tensor_rows, &j);
    return TIMBANG_OK;
}

/* ---- Halves ---- */

typedef struct half_job {
    const float *w;
    size_t n;
    tb_weight_kind kind;
    uint16_t *out;
    bool overflow; /* somewhere: set by any thread, read when all are done */
} half_job;

static inline int32_t magnitude_bits(float x)
{
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits & INT32_C(0x7fffffff);
}

static inline int32_t sign_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (int32_t)(bits >> 16 & 0x8000);
}

/* As tb_f32_to_f16 for what does not overflow. Below 2^-14 the sum with 0.5 rounds to a multiple of 2^-24. */
static bool to_f16(const float *w, size_t n, uint16_t *out)
{
    int32_t wrong = 0;
    for (size_t i = 0; i < n; i++) {
        int32_t b = magnitude_bits(w[i]), normal = (b - (INT32_C(112) << 23) + 0xfff + (b >> 13 & 1)) >> 13;
        int32_t denormal = magnitude_bits(__builtin_fabsf(w[i]) + 0.5f) - INT32_C(0x3f000000);
        wrong |= b >= INT32_C(0x477ff000) ? 1 : 0; /* 65520 and more round to infinity */
        out[i] = (uint16_t)(sign_of(w[i]) | (b >= INT32_C(0x38800000) ? normal : denormal));
    }
    return wrong == 0;
}

static bool to_bf16(const float *w, size_t n, uint16_t *out)
{
    int32_t wrong = 0;
    for (size_t i = 0; i < n; i++) {
        int32_t b = magnitude_bits(w[i]);
        wrong |= b >= INT32_C(0x7f7f8000) ? 1 : 0;
        b = b < INT32_C(0x7f7f8000) ? b : 0;
        out[i] = (uint16_t)(sign_of(w[i]) | (b + 0x7fff + (b >> 16 & 1)) >> 16);
    }
    return wrong == 0;
}

static void half_share(void *arg, int thread, int n_threads)
{
    half_job *j = arg;
    size_t begin, end;
    tb_share(j->n, LANES, thread, n_threads, &begin, &end);
    bool fits = j->kind == TB_WEIGHT_F16 ? to_f16(j->w + begin, end - begin, j->out + begin)
                                         : to_bf16(j->w + begin, end - begin, j->out + begin);
    if (!fits)
        __atomic_store_n(&j->overflow, true, __ATOMIC_RELAXED);
}

static timbang_status refuse_half(const float *w, size_t n, tb_weight_kind kind, tb_error *err)
{
    uint16_t exponent = kind == TB_WEIGHT_F16 ? 0x7c00 : 0x7f80;
    for (size_t i = 0; i < n; i++) {
        uint16_t half = kind == TB_WEIGHT_F16 ? tb_f32_to_f16(w[i]) : tb_f32_to_bf16(w[i]);
        if ((half & exponent) == exponent)
            return tb_fail(err, TIMBANG_DATA, "the value %g at index %zu does not fit %s", (double)w[i], i,
                           kind == TB_WEIGHT_F16 ? "fp16 (65504 is the largest); use bf16" : "bf16");
    }
    return tb_fail(err, TIMBANG_INTERNAL, "a value that fits was refused");
}

timbang_status tb_round_half(const float *w, size_t n, tb_weight_kind kind, tb_pool *pool, uint16_t *out, tb_error *err)
{
    half_job j = {.w = w, .n = n, .kind = kind, .out = out};
    tb_pool_run(pool, half_share, &j);
    return j.overflow ? refuse_half(w, n, kind, err) : TIMBANG_OK;
}
