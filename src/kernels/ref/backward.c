/* SPDX-License-Identifier: Apache-2.0
 * What training needs on the way back, reference level: transposition, derivatives of activations, of LayerNorm and
 * softmax, sums over rows. Sums over a row are those of rows.c; their products are rounded first, because a fused sum
 * of products can become -0, to which a partial step could not add +0 unseen.
 * Includes: ref.h. Called through tb_kernels_ref. */
#include "kernels/ref/ref.h"

void tb_ref_transpose(const float *x, size_t ldx, size_t m, size_t n, float *y, size_t ldy)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++)
            y[j * ldy + i] = x[i * ldx + j];
}

/* A function's value, and its derivative there. */
typedef struct slope {
    float y, d;
} slope;

static slope gelu(float x)
{
    float c = 1.0f + tb_erf(x * TB_SQRT_HALF);
    float density = tb_exp(-0.5f * (x * x)) * TB_INV_SQRT_2_PI;
    return (slope){(0.5f * x) * c, 0.5f * c + x * density};
}

static slope gelu_new(float x)
{
    float square = x * x;
    float inner = TB_SQRT_2_OVER_PI * (x + TB_GELU_NEW_CUBE * (square * x));
    float t = tb_tanh(inner), c = 1.0f + t, half = 0.5f * x;
    float steep = TB_SQRT_2_OVER_PI * (1.0f + TB_GELU_NEW_SQUARE * square);
    return (slope){half * c, 0.5f * c + (half * (1.0f - t * t)) * steep};
}

static slope tanh_slope(float x)
{
    float y = tb_tanh(x);
    return (slope){y, 1.0f - y * y};
}

void tb_ref_activation_backward(tb_activation act, const float *x, const float *dy, float *dx, float *y, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        slope s = {x[i], 1.0f};
        switch (act) {
        case TB_ACT_GELU:
            s = gelu(x[i]);
            break;
        case TB_ACT_GELU_NEW:
            s = gelu_new(x[i]);
            break;
        case TB_ACT_TANH:
            s = tanh_slope(x[i]);
            break;
        case TB_ACT_RELU:
            s.y = tb_ref_activate(act, x[i]);
            break;
        case TB_ACT_NONE:
            break;
        }
        if (act == TB_ACT_RELU) /* a selection, so that nothing comes through but what passed */
            dx[i] = 0.0f < x[i] ? dy[i] : 0.0f;
        else
            dx[i] = dy[i] * s.d;
        if (y != NULL)
            y[i] = s.y;
    }
}

/* Mean and 1 / standard deviation of a row, as the LayerNorm of rows.c has them. */
static void row_moments(const float *row, size_t n, float eps, float *mean, float *rstd)
{
    float lane[TB_LANES] = {0};
    for (size_t j = 0; j < n; j++)
        lane[j % TB_LANES] = lane[j % TB_LANES] + row[j];
    *mean = ref_tree(lane) / (float)n;

    float square[TB_LANES] = {0};
    for (size_t j = 0; j < n; j++) {
        float d = row[j] - *mean;
        square[j % TB_LANES] = __builtin_fmaf(d, d, square[j % TB_LANES]);
    }
    float variance = ref_tree(square) / (float)n;
    *rstd = 1.0f / __builtin_sqrtf(variance + eps);
}

void tb_ref_layernorm_backward(const float *x, size_t ldx, const float *dy, size_t lddy, size_t m, size_t n,
                               const float *gamma, float eps, float *dx, size_t lddx, float *xhat, size_t ldxhat)
{
    for (size_t i = 0; i < m; i++) {
        const float *row = x + i * ldx, *gradient = dy + i * lddy;
        float *normal = xhat + i * ldxhat, *out = dx + i * lddx;
        float mean, rstd, sum[TB_LANES] = {0}, product[TB_LANES] = {0};
        row_moments(row, n, eps, &mean, &rstd);

        for (size_t j = 0; j < n; j++) {
            float g = gradient[j] * gamma[j];
            normal[j] = (row[j] - mean) * rstd;
            sum[j % TB_LANES] = sum[j % TB_LANES] + g;
            product[j % TB_LANES] = product[j % TB_LANES] + g * normal[j];
        }
        float mean_g = ref_tree(sum) / (float)n, mean_product = ref_tree(product) / (float)n;

        for (size_t j = 0; j < n; j++) {
            float g = gradient[j] * gamma[j];
            out[j] = rstd * ((g - mean_g) - normal[j] * mean_product);
        }
    }
}

void tb_ref_softmax_backward(const float *p, size_t ldp, float *dp, size_t lddp, size_t m, size_t n, float scale)
{
    for (size_t i = 0; i < m; i++) {
        const float *row = p + i * ldp;
        float *gradient = dp + i * lddp, lane[TB_LANES] = {0};
        for (size_t j = 0; j < n; j++)
            lane[j % TB_LANES] = lane[j % TB_LANES] + row[j] * gradient[j];
        float sum = ref_tree(lane);
        for (size_t j = 0; j < n; j++)
            gradient[j] = (row[j] * (gradient[j] - sum)) * scale;
    }
}

void tb_ref_add_columns(const float *a, size_t lda, const float *b, size_t ldb, size_t m, size_t n, float *sum)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++)
            sum[j] = b == NULL ? sum[j] + a[i * lda + j] : __builtin_fmaf(a[i * lda + j], b[i * ldb + j], sum[j]);
}
