/* SPDX-License-Identifier: Apache-2.0
 * Row operations of the reference level: LayerNorm, softmax, activations, sums of two rows.
 * Sums over a row: element i goes to lane i mod 16, ascending, then the tree of ref.h.
 * Includes: ref.h. Called through tb_kernels_ref. */
#include "kernels/ref/ref.h"

void tb_ref_layernorm(const float *x, size_t ldx, size_t m, size_t n, const float *gamma, const float *beta, float eps,
                      float *y, size_t ldy)
{
    for (size_t i = 0; i < m; i++) {
        const float *row = x + i * ldx;
        float lane[TB_LANES] = {0};
        for (size_t j = 0; j < n; j++)
            lane[j % TB_LANES] = lane[j % TB_LANES] + row[j];
        float mean = ref_tree(lane) / (float)n;

        float square[TB_LANES] = {0};
        for (size_t j = 0; j < n; j++) {
            float d = row[j] - mean;
            square[j % TB_LANES] = __builtin_fmaf(d, d, square[j % TB_LANES]);
        }
        float variance = ref_tree(square) / (float)n;
        float rstd = 1.0f / __builtin_sqrtf(variance + eps);

        for (size_t j = 0; j < n; j++)
            y[i * ldy + j] = ((row[j] - mean) * rstd) * gamma[j] + beta[j];
    }
}

void tb_ref_softmax(float *x, size_t ldx, size_t m, size_t n, float scale)
{
    for (size_t i = 0; i < m; i++) {
        float *row = x + i * ldx;
        float max = -__builtin_inff();
        for (size_t j = 0; j < n; j++) {
            float v = row[j] * scale;
            max = v > max ? v : max;
        }
        float lane[TB_LANES] = {0};
        for (size_t j = 0; j < n; j++) {
            row[j] = tb_exp(row[j] * scale - max);
            lane[j % TB_LANES] = lane[j % TB_LANES] + row[j];
        }
        float inverse = 1.0f / ref_tree(lane);
        for (size_t j = 0; j < n; j++)
            row[j] = row[j] * inverse;
    }
}

void tb_ref_activation(tb_activation act, const float *x, float *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = tb_ref_activate(act, x[i]);
}

void tb_ref_add(const float *a, const float *b, float *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = a[i] + b[i];
}
