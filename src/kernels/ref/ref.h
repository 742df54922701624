/* SPDX-License-Identifier: Apache-2.0
 * What the files of the reference level share: float bits, the 16-lane sum, the panel layout.
 * Includes: kernels.h, constants.h. Called by: ref/ alone. */
#ifndef TB_KERNELS_REF_H
#define TB_KERNELS_REF_H

#include "kernels/constants.h"
#include "kernels/kernels.h"

#include <float.h>
#include <string.h>

_Static_assert(FLT_EVAL_METHOD == 0, "the contract needs float arithmetic that is really done in float");
_Static_assert(sizeof(float) == 4 && FLT_MANT_DIG == 24, "the contract needs IEEE 754 binary32");
#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the packed layouts assume a little-endian machine"
#endif

enum { TB_LANES = 16, TB_REF_NR = 16 };

static inline uint32_t ref_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float ref_float(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* The fixed tree over the 16 virtual lanes: lane i takes lane i + 8, then + 4, + 2, + 1. */
static inline float ref_tree(float lane[TB_LANES])
{
    for (size_t half = TB_LANES / 2; half > 0; half /= 2)
        for (size_t i = 0; i < half; i++)
            lane[i] = lane[i] + lane[i + half];
    return lane[0];
}

float tb_ref_activate(tb_activation act, float v);
/* Bias, activation and residual, each rounded on its own. */
float tb_ref_finish(float v, const tb_epilogue *e, size_t i, size_t j);

/* Members of tb_kernels_ref, in the order of the table. */
size_t tb_ref_f32_panel_bytes(size_t k);
size_t tb_ref_s8_panel_bytes(size_t k);
size_t tb_ref_s4_panel_bytes(size_t k, size_t group);
void tb_ref_pack_f32(float *panels, const float *w, size_t ldw, size_t n, size_t k);
void tb_ref_pack_f32_kn(float *panels, const float *b, size_t ldb, size_t n, size_t k);
void tb_ref_pack_s8(int8_t *panels, const int8_t *w, size_t ldw, size_t n, size_t k);
void tb_ref_pack_s4(uint8_t *panels, const int8_t *q, size_t ldq, const uint8_t *multiplier, size_t ldm, size_t n,
                    size_t k, size_t group);
void tb_ref_unpack_s4(int8_t *panel, const uint8_t *s4_panel, size_t k, size_t group);
void tb_ref_gemm_f32(const tb_gemm_f32 *g);
void tb_ref_gemm_s8(const tb_gemm_s8 *g);
size_t tb_ref_bf16_panel_bytes(size_t k);
void tb_ref_pack_bf16(uint16_t *panels, const float *w, size_t ldw, size_t n, size_t k);
void tb_ref_pack_bf16_kn(uint16_t *panels, const float *b, size_t ldb, size_t n, size_t k);
void tb_ref_round_bf16(const float *x, size_t ldx, size_t m, size_t k, uint16_t *a, size_t lda);
void tb_ref_gemm_bf16(const tb_gemm_bf16 *g);
void tb_ref_layernorm(const float *x, size_t ldx, size_t m, size_t n, const float *gamma, const float *beta, float eps,
                      float *y, size_t ldy);
void tb_ref_softmax(float *x, size_t ldx, size_t m, size_t n, float scale);
void tb_ref_activation(tb_activation act, const float *x, float *y, size_t n);
void tb_ref_add(const float *a, const float *b, float *y, size_t n);
void tb_ref_quantize_rows(const float *x, size_t ldx, size_t m, size_t k, int8_t *a, size_t lda, float *row_scale);
void tb_ref_range(const float *x, size_t ldx, size_t m, size_t k, float *min, float *max);
void tb_ref_quantize_affine(const float *x, size_t ldx, size_t m, size_t k, float inv_scale, int32_t zero_point,
                            int8_t *a, size_t lda);
void tb_ref_expand_f16(const uint16_t *x, float *y, size_t n);
void tb_ref_expand_bf16(const uint16_t *x, float *y, size_t n);
void tb_ref_expand_s8(const int8_t *x, float scale, float *y, size_t n);
void tb_ref_expand_s4(const uint8_t *x, float scale, float *y, size_t n);
void tb_ref_transpose(const float *x, size_t ldx, size_t m, size_t n, float *y, size_t ldy);
void tb_ref_activation_backward(tb_activation act, const float *x, const float *dy, float *dx, float *y, size_t n);
void tb_ref_layernorm_backward(const float *x, size_t ldx, const float *dy, size_t lddy, size_t m, size_t n,
                               const float *gamma, float eps, float *dx, size_t lddx, float *xhat, size_t ldxhat);
void tb_ref_softmax_backward(const float *p, size_t ldp, float *dp, size_t lddp, size_t m, size_t n, float scale);
void tb_ref_add_columns(const float *a, size_t lda, const float *b, size_t ldb, size_t m, size_t n, float *sum);
void tb_ref_dropout(const tb_dropout *d, uint64_t first, const float *x, float *y, size_t n);
void tb_ref_rounding_errors_s4(const float *x, const float *h, size_t n, const float *t, size_t count, float *errors);
void tb_ref_cover_s4(const float *x, const float *h, size_t n, size_t groups, float *cover, float *tip, float *weight);
void tb_ref_search_s4(const tb_search_s4 *g);
void tb_ref_round_s4(const float *x, const float *h, size_t n, size_t groups, const float *t, float *r, double *sums, bool *near);

#endif
