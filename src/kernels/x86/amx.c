/* SPDX-License-Identifier: Apache-2.0
 * The AMX level (tiles of INT8 and BF16): its table. The float product is the AVX-512 level's, rows run on its lanes.
 * Includes: amx.h, avx512.h, lanes_avx512.h, lanes/. Called through tb_kernels_amx. */
#include "kernels/x86/amx.h"
#include "kernels/x86/avx512.h"
#include "kernels/x86/lanes_avx512.h"

#include "kernels/lanes/backward.h"
#include "kernels/lanes/bf16.h"
#include "kernels/lanes/dropout.h"
#include "kernels/lanes/quantize.h"
#include "kernels/lanes/rounding.h"
#include "kernels/lanes/rows.h"
#include "kernels/lanes/storage.h"
#include "kernels/x86/transpose.h"

enum { A_XOR = 0 }; /* both sides of the tiles' product are signed */

static size_t s8_panel_bytes(size_t k)
{
    return tb_amx_panel_bytes(k);
}

static size_t bf16_panel_bytes(size_t k)
{
    return tb_amx_panel_bytes(k * sizeof(uint16_t));
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

const tb_kernels tb_kernels_amx = {
    .name = TB_AMX_NAME,
    .f32_nr = TB_AVX512_NR,
    .s8_nr = TB_AMX_NR,
    .f32_panel_bytes = tb_avx512_f32_panel_bytes,
    .s8_panel_bytes = s8_panel_bytes,
    .s4_panel_bytes = tb_amx_s4_panel_bytes,
    .pack_f32 = tb_avx512_pack_f32,
    .pack_f32_kn = tb_avx512_pack_f32_kn,
    .pack_s8 = tb_amx_pack_s8,
    .pack_s4 = tb_amx_pack_s4,
    .unpack_s4 = tb_amx_unpack_s4,
    .gemm_f32 = tb_avx512_gemm_f32,
    .gemm_s8 = tb_amx_gemm_s8,
    .bf16_nr = TB_AMX_NR,
    .bf16_panel_bytes = bf16_panel_bytes,
    .pack_bf16 = tb_amx_pack_bf16,
    .pack_bf16_kn = tb_amx_pack_bf16_kn,
    .round_bf16 = lanes_round_bf16,
    .gemm_bf16 = tb_amx_gemm_bf16,
    .layernorm = lanes_layernorm,
    .softmax = lanes_softmax,
    .activation = lanes_activation,
    .add = lanes_add_rows,
    .quantize_rows = quantize_rows,
    .range = lanes_range,
    .quantize_affine = quantize_affine,
    .a_xor = A_XOR,
    .expand_f16 = lanes_expand_f16,
    .expand_bf16 = lanes_expand_bf16,
    .expand_s8 = lanes_expand_s8,
    .expand_s4 = lanes_expand_s4,
    .transpose = x86_transpose,
    .activation_backward = lanes_activation_backward,
    .layernorm_backward = lanes_layernorm_backward,
    .softmax_backward = lanes_softmax_backward,
    .add_columns = lanes_add_columns,
    .dropout = lanes_dropout,
    .rounding_errors_s4 = tb_avx512_rounding_errors_s4,
    .cover_s4 = tb_avx512_cover_s4,
    .search_s4 = tb_avx512_search_s4,
    .round_s4 = tb_avx512_round_s4,
};
