/* SPDX-License-Identifier: Apache-2.0
 * What training needs on the way back, on 16 lanes: derivatives of activations, of LayerNorm and softmax, sums over
 * rows; the bits of ref/backward.c. Row tails as in rows.h.
 * Includes: math.h, epilogue.h; the level's lanes_*.h comes first. Called by: a level's table. */
#ifndef TB_KERNELS_LANES_BACKWARD_H
#define TB_KERNELS_LANES_BACKWARD_H

#include "kernels/lanes/epilogue.h"

/* ---- Activations ---- */

/* dy * act'(x), and *y = act(x) */
static inline lanes lanes_gelu_backward(lanes x, lanes dy, lanes *y)
{
    lanes half = lanes_set(0.5f);
    lanes c = lanes_add(lanes_set(1.0f), lanes_erf(lanes_mul(x, lanes_set(TB_SQRT_HALF))));
    lanes power = lanes_mul(lanes_set(-0.5f), lanes_mul(x, x)); /* never above 0 */
    lanes e = lanes_exp_bounded(lanes_max(lanes_set(TB_EXP_LOW), power));
    lanes density = lanes_mul(e, lanes_set(TB_INV_SQRT_2_PI));
    *y = lanes_mul(lanes_mul(half, x), c);
    return lanes_mul(dy, lanes_add(lanes_mul(half, c), lanes_mul(x, density)));
}

static inline lanes lanes_gelu_new_backward(lanes x, lanes dy, lanes *y)
{
    lanes one = lanes_set(1.0f), half = lanes_set(0.5f), factor = lanes_set(TB_SQRT_2_OVER_PI);
    lanes square = lanes_mul(x, x);
    lanes sum = lanes_add(x, lanes_mul(lanes_set(TB_GELU_NEW_CUBE), lanes_mul(square, x)));
    lanes t = lanes_tanh(lanes_mul(factor, sum));
    lanes c = lanes_add(one, t), half_x = lanes_mul(half, x);
    lanes steep = lanes_mul(factor, lanes_add(one, lanes_mul(lanes_set(TB_GELU_NEW_SQUARE), square)));
    lanes rest = lanes_mul(lanes_mul(half_x, lanes_sub(one, lanes_mul(t, t))), steep);
    *y = lanes_mul(half_x, c);
    return lanes_mul(dy, lanes_add(lanes_mul(half, c), rest));
}

static inline lanes lanes_tanh_backward(lanes x, lanes dy, lanes *y)
{
    lanes t = lanes_tanh(x);
    *y = t;
    return lanes_mul(dy, lanes_sub(lanes_set(1.0f), lanes_mul(t, t)));
}

static inline lanes lanes_relu_backward(lanes x, lanes dy, lanes *y)
{
    lanes zero = lanes_set(0.0f);
    *y = lanes_max(zero, x);
    return lanes_select_less(zero, x, dy, zero);
}

static inline lanes lanes_none_backward(lanes x, lanes dy, lanes *y)
{
    *y = x;
    return dy;
}

#define LANES_BACKWARD(step)                                                                                           \
    do {                                                                                                               \
        for (size_t i = 0; i < whole; i += 16) {                                                                       \
            lanes value, slope = step(lanes_load(x + i), lanes_load(dy + i), &value);                                  \
            if (y != NULL)                                                                                             \
                lanes_store(y + i, value);                                                                             \
            lanes_store(dx + i, slope);                                                                                \
        }                                                                                                              \
        if (rest > 0) {                                                                                                \
            lanes value, v = lanes_load_some(x + whole, rest);                                                         \
            lanes slope = step(v, lanes_load_some(dy + whole, rest), &value);                                          \
            if (y != NULL)                                                                                             \
                lanes_store_some(y + whole, value, rest);                                                              \
            lanes_store_some(dx + whole, slope, rest);                                                                 \
        }                                                                                                              \
    } while (0)

static inline void lanes_activation_backward(tb_activation act, const float *x, const float *dy, float *dx, float *y,
                                             size_t n)
{
    size_t whole = n / 16 * 16, rest = n - whole;
    switch (act) {
    case TB_ACT_GELU:
        LANES_BACKWARD(lanes_gelu_backward);
        break;
    case TB_ACT_GELU_NEW:
        LANES_BACKWARD(lanes_gelu_new_backward);
        break;
    case TB_ACT_RELU:
        LANES_BACKWARD(lanes_relu_backward);
        break;
    case TB_ACT_TANH:
        LANES_BACKWARD(lanes_tanh_backward);
        break;
    case TB_ACT_NONE:
        LANES_BACKWARD(lanes_none_backward);
        break;
    }
}

/* ---- LayerNorm ---- */

/* Mean and 1 / standard deviation of a row, as lanes_layernorm has them. */
static inline void lanes_moments(const float *row, size_t n, float eps, lanes *mean, lanes *rstd)
{
    size_t whole = n / 16 * 16, rest = n - whole;
    lanes sum = lanes_set(0.0f);
    for (size_t j = 0; j < whole; j += 16)
        sum = lanes_add(sum, lanes_load(row + j));
    if (rest > 0)
        sum = lanes_add(sum, lanes_load_some(row + whole, rest));
    *mean = lanes_set(lanes_sum(sum) / (float)n);

    lanes square = lanes_set(0.0f);
    for (size_t j = 0; j < whole; j += 16) {
        lanes d = lanes_sub(lanes_load(row + j), *mean);
        square = lanes_fma(d, d, square);
    }
    if (rest > 0) {
        lanes d = lanes_keep(lanes_sub(lanes_load_some(row + whole, rest), *mean), rest);
        square = lanes_fma(d, d, square);
    }
    float variance = lanes_sum(square) / (float)n;
    *rstd = lanes_set(1.0f / __builtin_sqrtf(variance + eps));
}

static inline void lanes_layernorm_backward(const float *x, size_t ldx, const float *dy, size_t lddy, size_t m,
                                            size_t n, const float *gamma, float eps, float *dx, size_t lddx,
                                            float *xhat, size_t ldxhat)
{
    size_t whole = n / 16 * 16, rest = n - whole;
    for (size_t i = 0; i < m; i++) {
        const float *row = x + i * ldx, *gradient = dy + i * lddy;
        float *normal = xhat + i * ldxhat, *out = dx + i * lddx;
        lanes mean, rstd, sum = lanes_set(0.0f), product = lanes_set(0.0f);
        lanes_moments(row, n, eps, &mean, &rstd);

        for (size_t j = 0; j < whole; j += 16) {
            lanes g = lanes_mul(lanes_load(gradient + j), lanes_load(gamma + j));
            lanes v = lanes_mul(lanes_sub(lanes_load(row + j), mean), rstd);
            lanes_store(normal + j, v);
            sum = lanes_add(sum, g);
            product = lanes_add(product, lanes_mul(g, v));
        }
        if (rest > 0) {
            lanes g = lanes_mul(lanes_load_some(gradient + whole, rest), lanes_load_some(gamma + whole, rest));
            lanes v = lanes_mul(lanes_sub(lanes_load_some(row + whole, rest), mean), rstd);
            lanes_store_some(normal + whole, v, rest);
            sum = lanes_add(sum, g);
            product = lanes_add(product, lanes_keep(lanes_mul(g, v), rest));
        }
        lanes mean_g = lanes_set(lanes_sum(sum) / (float)n), mean_product = lanes_set(lanes_sum(product) / (float)n);

        for (size_t j = 0; j < whole; j += 16) {
            lanes g = lanes_mul(lanes_load(gradient + j), lanes_load(gamma + j));
            lanes v = lanes_sub(lanes_sub(g, mean_g), lanes_mul(lanes_load(normal + j), mean_product));
            lanes_store(out + j, lanes_mul(rstd, v));
        }
        if (rest > 0) {
            lanes g = lanes_mul(lanes_load_some(gradient + whole, rest), lanes_load_some(gamma + whole, rest));
            lanes old = lanes_mul(lanes_load_some(normal + whole, rest), mean_product);
            lanes_store_some(out + whole, lanes_mul(rstd, lanes_sub(lanes_sub(g, mean_g), old)), rest);
        }
    }
}

/* ---- Softmax ---- */

static inline lanes lanes_softmax_step(lanes p, lanes dp, lanes sum, lanes factor)
{
    return lanes_mul(lanes_mul(p, lanes_sub(dp, sum)), factor);
}

static inline void lanes_softmax_backward(const float *p, size_t ldp, float *dp, size_t lddp, size_t m, size_t n,
                                          float scale)
{
    size_t whole = n / 16 * 16, rest = n - whole;
    lanes factor = lanes_set(scale);
    for (size_t i = 0; i < m; i++) {
        const float *row = p + i * ldp;
        float *gradient = dp + i * lddp;
        lanes products = lanes_set(0.0f);
        for (size_t j = 0; j < whole; j += 16)
            products = lanes_add(products, lanes_mul(lanes_load(row + j), lanes_load(gradient + j)));
        if (rest > 0) {
            lanes v = lanes_load_some(row + whole, rest), d = lanes_load_some(gradient + whole, rest);
            products = lanes_add(products, lanes_mul(v, d));
        }
        lanes sum = lanes_set(lanes_sum(products));
        for (size_t j = 0; j < whole; j += 16)
            lanes_store(gradient + j, lanes_softmax_step(lanes_load(row + j), lanes_load(gradient + j), sum, factor));
        if (rest > 0) {
            lanes v = lanes_load_some(row + whole, rest), d = lanes_load_some(gradient + whole, rest);
            lanes_store_some(gradient + whole, lanes_softmax_step(v, d, sum, factor), rest);
        }
    }
}

/* ---- Sums over rows ---- */

/* `rows` rows (1..4, a constant at every call) of all columns; b is there or not, a constant too. */
static inline __attribute__((always_inline)) void lanes_add_columns_rows(size_t rows, bool products, const float *a,
                                                                         size_t lda, const float *b, size_t ldb,
                                                                         size_t n, float *sum)
{
    for (size_t j = 0; j < n; j += 16) {
        size_t count = n - j < 16 ? n - j : 16;
        lanes v = lanes_load_strip(sum + j, count);
        for (size_t i = 0; i < rows; i++) {
            lanes x = lanes_load_strip(a + i * lda + j, count);
            v = products ? lanes_fma(x, lanes_load_strip(b + i * ldb + j, count), v) : lanes_add(v, x);
        }
        if (count == 16)
            lanes_store(sum + j, v);
        else
            lanes_store_some(sum + j, v, count);
    }
}

static inline void lanes_add_columns(const float *a, size_t lda, const float *b, size_t ldb, size_t m, size_t n,
                                     float *sum)
{
    enum { ROWS = 4 };
    size_t i = 0;
    for (; i + ROWS <= m; i += ROWS) {
        if (b != NULL)
            lanes_add_columns_rows(ROWS, true, a + i * lda, lda, b + i * ldb, ldb, n, sum);
        else
            lanes_add_columns_rows(ROWS, false, a + i * lda, lda, NULL, 0, n, sum);
    }
    for (; i < m; i++) {
        if (b != NULL)
            lanes_add_columns_rows(1, true, a + i * lda, lda, b + i * ldb, ldb, n, sum);
        else
            lanes_add_columns_rows(1, false, a + i * lda, lda, NULL, 0, n, sum);
    }
}

#endif
