/* SPDX-License-Identifier: Apache-2.0
 * Row operations on 16 lanes: LayerNorm, softmax, activations, sums of two rows; the bits of ref/rows.c.
 * A row's last, partial step loads +0 into the lanes that do not exist; adding +0 leaves a running sum as it is,
 * because sums start at +0 and so never become -0.
 * Includes: math.h; the level's lanes_*.h comes first. Called by: a level's table. */
#ifndef TB_KERNELS_LANES_ROWS_H
#define TB_KERNELS_LANES_ROWS_H

#include "kernels/lanes/math.h"

static inline void lanes_layernorm(const float *x, size_t ldx, size_t m, size_t n, const float *gamma,
                                   const float *beta, float eps, float *y, size_t ldy)
{
    size_t whole = n / 16 * 16, rest = n - whole;
    for (size_t i = 0; i < m; i++) {
        const float *row = x + i * ldx;
        float *out = y + i * ldy;

        lanes sum = lanes_set(0.0f);
        for (size_t j = 0; j < whole; j += 16)
            sum = lanes_add(sum, lanes_load(row + j));
        if (rest > 0)
            sum = lanes_add(sum, lanes_load_some(row + whole, rest));
        float mean_value = lanes_sum(sum) / (float)n;
        lanes mean = lanes_set(mean_value);

        lanes square = lanes_set(0.0f);
        for (size_t j = 0; j < whole; j += 16) {
            lanes d = lanes_sub(lanes_load(row + j), mean);
            square = lanes_fma(d, d, square);
        }
        if (rest > 0) {
            lanes d = lanes_keep(lanes_sub(lanes_load_some(row + whole, rest), mean), rest);
            square = lanes_fma(d, d, square);
        }
        float variance = lanes_sum(square) / (float)n;
        lanes rstd = lanes_set(1.0f / __builtin_sqrtf(variance + eps));

        for (size_t j = 0; j < whole; j += 16) {
            lanes v = lanes_mul(lanes_sub(lanes_load(row + j), mean), rstd);
            v = lanes_add(lanes_mul(v, lanes_load(gamma + j)), lanes_load(beta + j));
            lanes_store(out + j, v);
        }
        if (rest > 0) {
            lanes v = lanes_mul(lanes_sub(lanes_load_some(row + whole, rest), mean), rstd);
            v = lanes_mul(v, lanes_load_some(gamma + whole, rest));
            v = lanes_add(v, lanes_load_some(beta + whole, rest));
            lanes_store_some(out + whole, v, rest);
        }
    }
}

static inline void lanes_softmax(float *x, size_t ldx, size_t m, size_t n, float scale)
{
    size_t whole = n / 16 * 16, rest = n - whole;
    lanes factor = lanes_set(scale);
    for (size_t i = 0; i < m; i++) {
        float *row = x + i * ldx;

        lanes top = lanes_set(-__builtin_inff());
        for (size_t j = 0; j < whole; j += 16)
            top = lanes_max(lanes_mul(lanes_load(row + j), factor), top);
        float max_value = lanes_highest(top);
        for (size_t j = whole; j < n; j++) {
            float v = row[j] * scale;
            max_value = v > max_value ? v : max_value;
        }
        lanes max = lanes_set(max_value);

        lanes sum = lanes_set(0.0f);
        for (size_t j = 0; j < whole; j += 16) {
            lanes e = lanes_exp(lanes_sub(lanes_mul(lanes_load(row + j), factor), max));
            lanes_store(row + j, e);
            sum = lanes_add(sum, e);
        }
        if (rest > 0) {
            lanes e = lanes_exp(lanes_sub(lanes_mul(lanes_load_some(row + whole, rest), factor), max));
            lanes_store_some(row + whole, e, rest);
            sum = lanes_add(sum, lanes_keep(e, rest));
        }
        lanes inverse = lanes_set(1.0f / lanes_sum(sum));

        for (size_t j = 0; j < whole; j += 16)
            lanes_store(row + j, lanes_mul(lanes_load(row + j), inverse));
        if (rest > 0)
            lanes_store_some(row + whole, lanes_mul(lanes_load_some(row + whole, rest), inverse), rest);
    }
}

static inline void lanes_activation(tb_activation act, const float *x, float *y, size_t n)
{
    size_t whole = n / 16 * 16, rest = n - whole;
    for (size_t i = 0; i < whole; i += 16)
        lanes_store(y + i, lanes_activate(act, lanes_load(x + i)));
    if (rest > 0)
        lanes_store_some(y + whole, lanes_activate(act, lanes_load_some(x + whole, rest)), rest);
}

static inline void lanes_add_rows(const float *a, const float *b, float *y, size_t n)
{
    size_t whole = n / 16 * 16, rest = n - whole;
    for (size_t i = 0; i < whole; i += 16)
        lanes_store(y + i, lanes_add(lanes_load(a + i), lanes_load(b + i)));
    if (rest > 0) {
        lanes sum = lanes_add(lanes_load_some(a + whole, rest), lanes_load_some(b + whole, rest));
        lanes_store_some(y + whole, sum, rest);
    }
}

#endif
