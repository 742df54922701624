/* SPDX-License-Identifier: Apache-2.0
 * The table of the reference level.
 * Includes: ref.h. Called by: dispatch.c, tests. */
#include "kernels/ref/ref.h"

const tb_kernels tb_kernels_ref = {
    .name = "scalar",
    .f32_nr = TB_REF_NR,
    .s8_nr = TB_REF_NR,
    .f32_panel_bytes = tb_ref_f32_panel_bytes,
    .s8_panel_bytes = tb_ref_s8_panel_bytes,
    .s4_panel_bytes = tb_ref_s4_panel_bytes,
    .pack_f32 = tb_ref_pack_f32,
    .pack_f32_kn = tb_ref_pack_f32_kn,
    .pack_s8 = tb_ref_pack_s8,
    .pack_s4 = tb_ref_pack_s4,
    .unpack_s4 = tb_ref_unpack_s4,
    .gemm_f32 = tb_ref_gemm_f32,
    .gemm_s8 = tb_ref_gemm_s8,
    .bf16_nr = TB_REF_NR,
    .bf16_panel_bytes = tb_ref_bf16_panel_bytes,
    .pack_bf16 = tb_ref_pack_bf16,
    .round_bf16 = tb_ref_round_bf16,
    .gemm_bf16 = tb_ref_gemm_bf16,
    .layernorm = tb_ref_layernorm,
    .softmax = tb_ref_softmax,
    .activation = tb_ref_activation,
    .add = tb_ref_add,
    .quantize_rows = tb_ref_quantize_rows,
    .range = tb_ref_range,
    .quantize_affine = tb_ref_quantize_affine,
    .a_xor = 0,
    .expand_f16 = tb_ref_expand_f16,
    .expand_bf16 = tb_ref_expand_bf16,
    .expand_s8 = tb_ref_expand_s8,
    .expand_s4 = tb_ref_expand_s4,
};
