/* SPDX-License-Identifier: Apache-2.0
 * What the levels with the 256-bit registers of AVX2 have in common: all but the integer product. A level's file
 * defines A_XOR, includes this, and puts AVX2_COMMON into its table.
 * Includes: lanes_avx2.h, lanes/, pack.h. Called by: avx2.c, avxvnni.c. */
#ifndef TB_KERNELS_X86_AVX2_LEVEL_H
#define TB_KERNELS_X86_AVX2_LEVEL_H

#include "kernels/x86/avx2.h"
#include "kernels/x86/lanes_avx2.h"

#include "kernels/lanes/backward.h"
#include "kernels/lanes/bf16.h"
#include "kernels/lanes/dropout.h"
#include "kernels/lanes/quantize.h"
#include "kernels/lanes/rounding.h"
#include "kernels/lanes/rows.h"
#include "kernels/lanes/search_s4.h"
#include "kernels/lanes/storage.h"
#include "kernels/levels.h"
#include "kernels/x86/pack.h"
#include "kernels/x86/pack_bf16.h"
#include "kernels/x86/pack_s4.h"
#include "kernels/x86/transpose.h"

enum { NR = TB_AVX2_NR };

static size_t f32_panel_bytes(size_t k)
{
    return tb_layout_f32_bytes(NR, k);
}

static size_t s8_panel_bytes(size_t k)
{
    return tb_layout_s8_bytes(NR, k);
}

static size_t s4_panel_bytes(size_t k, size_t group)
{
    return tb_layout_s4_bytes(NR, k, group);
}

static size_t bf16_panel_bytes(size_t k)
{
    return tb_layout_bf16_bytes(LANES_BF16_NR, k);
}

static void pack_f32(float *panels, const float *w, size_t ldw, size_t n, size_t k)
{
    x86_pack_f32(NR, panels, w, ldw, n, k);
}

static void pack_f32_kn(float *panels, const float *b, size_t ldb, size_t n, size_t k)
{
    x86_pack_f32_kn(NR, panels, b, ldb, n, k);
}

static void pack_s8(int8_t *panels, const int8_t *w, size_t ldw, size_t n, size_t k)
{
    x86_pack_s8(NR, panels, w, ldw, n, k);
}

static void pack_s4(uint8_t *panels, const int8_t *q, size_t ldq, const uint8_t *multiplier, size_t ldm, size_t n,
                    size_t k, size_t group)
{
    x86_pack_s4(NR, panels, q, ldq, multiplier, ldm, n, k, group);
}

static void unpack_s4(int8_t *panel, const uint8_t *s4_panel, size_t k, size_t group)
{
    x86_unpack_s4(NR, panel, s4_panel, k, group);
}

static void quantize_rows(const float *x, size_t ldx, size_t m, size_t k, int8_t *a, size_t lda, float *row_scale)
{
    lanes_quantize_rows(x, ldx, m, k, a, lda, row_scale, A_XOR);
}

static void quantize_affine(const float *x, size_t ldx, size_t m, size_t k, float inv_scale, int32_t zero_point,
                            int8_t *a, size_t lda)
{
    lanes_quantize_affine(x, ldx, m, k, inv_scale, zero_point, a, lda, A_XOR);
}

/* clang-format off */
#define AVX2_COMMON \
    .f32_nr = NR, \
    .s8_nr = NR, \
    .f32_panel_bytes = f32_panel_bytes, \
    .s8_panel_bytes = s8_panel_bytes, \
    .s4_panel_bytes = s4_panel_bytes, \
    .pack_f32 = pack_f32, \
    .pack_f32_kn = pack_f32_kn, \
    .pack_s8 = pack_s8, \
    .pack_s4 = pack_s4, \
    .unpack_s4 = unpack_s4, \
    .gemm_f32 = tb_avx2_gemm_f32, \
    .bf16_nr = LANES_BF16_NR, \
    .bf16_panel_bytes = bf16_panel_bytes, \
    .pack_bf16 = x86_pack_bf16, \
    .pack_bf16_kn = lanes_pack_bf16_kn, \
    .round_bf16 = lanes_round_bf16, \
    .gemm_bf16 = lanes_gemm_bf16, \
    .layernorm = lanes_layernorm, \
    .softmax = lanes_softmax, \
    .activation = lanes_activation, \
    .add = lanes_add_rows, \
    .quantize_rows = quantize_rows, \
    .range = lanes_range, \
    .quantize_affine = quantize_affine, \
    .a_xor = A_XOR, \
    .expand_f16 = lanes_expand_f16, \
    .expand_bf16 = lanes_expand_bf16, \
    .expand_s8 = lanes_expand_s8, \
    .expand_s4 = lanes_expand_s4, \
    .transpose = x86_transpose, \
    .activation_backward = lanes_activation_backward, \
    .layernorm_backward = lanes_layernorm_backward, \
    .softmax_backward = lanes_softmax_backward, \
    .add_columns = lanes_add_columns, \
    .dropout = lanes_dropout, \
    .rounding_errors_s4 = lanes_rounding_errors_s4, \
    .cover_s4 = lanes_cover_s4, \
    .search_s4 = lanes_search_s4, \
    .round_s4 = lanes_round_s4
/* clang-format on */

#endif
