/* SPDX-License-Identifier: Apache-2.0
 * The level of the 8-bit matrix products (FEAT_I8MM). smmla multiplies two rows of 8 activations with two columns of 8
 * weights, so panels hold 8 values of k of one column together; tiles of 2 pairs of rows x 16 columns or 4 pairs x half
 * a panel. The rest is NEON's.
 *   s8 panel: [ceil(k / 8)][nr][8], zeros after k
 *   s4 panel: nibbles in blocks of 64 of that, then the multipliers, as in layout.h
 * Includes: lanes_neon.h, lanes/epilogue.h, pack.h. Called through tb_kernels_i8mm. */
#include "kernels/arm/arm.h"
#include "kernels/arm/lanes_neon.h"

#include "kernels/arm/pack.h"
#include "kernels/lanes/epilogue.h"
#include "kernels/levels.h"

enum { NR = TB_ARM_NR, MR = 8 };

#define ALWAYS_INLINE static inline __attribute__((always_inline))

static size_t s8_panel_bytes(size_t k)
{
    return NR * tb_round_up(k, 8);
}

/* Where weight (column c of the panel, kk) lies in an s8 panel. */
static size_t s8_at(size_t c, size_t kk)
{
    return (kk / 8 * NR + c) * 8 + kk % 8;
}

static void pack_s8(int8_t *panels, const int8_t *w, size_t ldw, size_t n, size_t k)
{
    size_t whole = k / 8 * 8;
    for (size_t j = 0; j < n; j += NR) {
        int8_t *panel = panels + j / NR * s8_panel_bytes(k);
        size_t columns = n - j < NR ? n - j : NR;
        if (whole < k || columns < NR)
            memset(panel, 0, s8_panel_bytes(k));
        for (size_t kk = 0; kk < whole; kk += 8)
            for (size_t c = 0; c < columns; c++)
                memcpy(panel + s8_at(c, kk), w + (j + c) * ldw + kk, 8);
        for (size_t c = 0; whole < k && c < columns; c++)
            memcpy(panel + s8_at(c, whole), w + (j + c) * ldw + whole, k - whole);
    }
}

/* k is a multiple of 32: the panel has as many nibbles, multipliers and blocks as that of layout.h. */
static void pack_s4(uint8_t *panels, const int8_t *q, size_t ldq, const uint8_t *multiplier, size_t ldm, size_t n,
                    size_t k, size_t group)
{
    size_t panel_bytes = tb_layout_s4_bytes(NR, k, group);
    size_t nibble_bytes = tb_layout_s4_nibble_bytes(NR, k);
    memset(panels, 0, tb_round_up(n, NR) / NR * panel_bytes);
    for (size_t j = 0; j < tb_round_up(n, NR); j++) {
        uint8_t *panel = panels + j / NR * panel_bytes;
        for (size_t kk = 0; kk < k; kk++) {
            size_t at = s8_at(j % NR, kk);
            uint32_t u = j < n ? (uint32_t)(q[j * ldq + kk] + 8) & 15 : 8;
            uint8_t *byte = panel + at / 64 * 32 + at % 32;
            *byte = (uint8_t)(*byte | u << (at % 64 < 32 ? 0 : 4));
        }
        for (size_t b = 0; b < k / group; b++)
            panel[nibble_bytes + b * NR + j % NR] = j < n ? multiplier[j * ldm + b] : 0;
    }
}

static void unpack_s4(int8_t *panel, const uint8_t *s4_panel, size_t k, size_t group)
{
    static const uint8_t repeat_8[16] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1};
    const uint8_t *multipliers = s4_panel + tb_layout_s4_nibble_bytes(NR, k);
    for (size_t k0 = 0; k0 < k; k0 += group) {
        uint8x16_t each = vld1q_u8(multipliers + k0 / group * NR), m[8], at = vld1q_u8(repeat_8);
        for (size_t i = 0; i < 8; i++, at = vaddq_u8(at, vdupq_n_u8(2)))
            m[i] = vqtbl1q_u8(each, at);
        for (size_t kk = k0; kk < k0 + group; kk += 8) { /* two blocks: 8 columns of 8 weights each */
            arm_unpack_block(panel + kk * NR, s4_panel + kk * NR / 2, m);
            arm_unpack_block(panel + kk * NR + 64, s4_panel + kk * NR / 2 + 32, m + 4);
        }
    }
}

/* The sums of two rows of the tile; c0 holds columns 0 and 1 of the first row, then of the second, and so on. */
typedef struct pair {
    int32x4_t c0, c1, c2, c3, c4, c5, c6, c7;
} pair;

/* 8 values of k of up to 16 columns, two columns each. */
typedef struct weights {
    int8x16_t w0, w1, w2, w3, w4, w5, w6, w7;
} weights;

ALWAYS_INLINE weights weights_load(size_t registers, const int8_t *p)
{
    weights w;
    w.w0 = w.w4 = vld1q_s8(p);
    w.w1 = w.w5 = vld1q_s8(p + 16);
    w.w2 = w.w6 = vld1q_s8(p + 32);
    w.w3 = w.w7 = vld1q_s8(p + 48);
    if (registers > 4) {
        w.w4 = vld1q_s8(p + 64);
        w.w5 = vld1q_s8(p + 80);
        w.w6 = vld1q_s8(p + 96);
        w.w7 = vld1q_s8(p + 112);
    }
    return w;
}

/* 8 activations of two rows. */
ALWAYS_INLINE void pair_dot(size_t registers, pair *p, const int8_t *a, const int8_t *b, weights w)
{
    int8x16_t x = vcombine_s8(vld1_s8(a), vld1_s8(b));
    p->c0 = vmmlaq_s32(p->c0, x, w.w0);
    p->c1 = vmmlaq_s32(p->c1, x, w.w1);
    p->c2 = vmmlaq_s32(p->c2, x, w.w2);
    p->c3 = vmmlaq_s32(p->c3, x, w.w3);
    if (registers > 4) {
        p->c4 = vmmlaq_s32(p->c4, x, w.w4);
        p->c5 = vmmlaq_s32(p->c5, x, w.w5);
        p->c6 = vmmlaq_s32(p->c6, x, w.w6);
        p->c7 = vmmlaq_s32(p->c7, x, w.w7);
    }
}

/* Four columns of two rows. */
ALWAYS_INLINE void store_four(int32_t *sums, int32x4_t left, int32x4_t right)
{
    vst1q_s32(sums, vcombine_s32(vget_low_s32(left), vget_low_s32(right)));
    vst1q_s32(sums + NR, vcombine_s32(vget_high_s32(left), vget_high_s32(right)));
}

ALWAYS_INLINE void pair_store(size_t registers, int32_t *sums, pair p)
{
    store_four(sums, p.c0, p.c1);
    store_four(sums + 4, p.c2, p.c3);
    if (registers > 4) {
        store_four(sums + 8, p.c4, p.c5);
        store_four(sums + 12, p.c6, p.c7);
    }
}

/* sums[2 * pairs][NR] over all of k, in the first 2 * registers columns. pairs (1..4) and registers (4 or 8) are
 * constants at every call; of an odd number of rows the last is computed twice. Rows of a have at least
 * tb_round_up(k, 8) bytes. */
ALWAYS_INLINE void tile(size_t pairs, size_t registers, size_t rows, const int8_t *a, size_t lda, const int8_t *panel,
                        size_t k, int32_t *sums)
{
    const int8_t *last = a + (rows - 1) * lda;
    const int8_t *a0 = a, *a1 = rows > 1 ? a + lda : last;
    const int8_t *a2 = a, *a3 = a, *a4 = a, *a5 = a, *a6 = a, *a7 = a;
    if (pairs > 1) {
        a2 = a + 2 * lda;
        a3 = rows > 3 ? a + 3 * lda : last;
    }
    if (pairs > 2) {
        a4 = a + 4 * lda;
        a5 = rows > 5 ? a + 5 * lda : last;
    }
    if (pairs > 3) {
        a6 = a + 6 * lda;
        a7 = rows > 7 ? a + 7 * lda : last;
    }
    int32x4_t zero = vdupq_n_s32(0);
    pair p0 = {zero, zero, zero, zero, zero, zero, zero, zero}, p1 = p0, p2 = p0, p3 = p0;
    for (size_t kk = 0; kk < k; kk += 8) {
        weights w = weights_load(registers, panel + kk * NR);
        pair_dot(registers, &p0, a0 + kk, a1 + kk, w);
        if (pairs > 1)
            pair_dot(registers, &p1, a2 + kk, a3 + kk, w);
        if (pairs > 2)
            pair_dot(registers, &p2, a4 + kk, a5 + kk, w);
        if (pairs > 3)
            pair_dot(registers, &p3, a6 + kk, a7 + kk, w);
    }
    pair_store(registers, sums, p0);
    if (pairs > 1)
        pair_store(registers, sums + 2 * NR, p1);
    if (pairs > 2)
        pair_store(registers, sums + 4 * NR, p2);
    if (pairs > 3)
        pair_store(registers, sums + 6 * NR, p3);
}

/* More than four rows: half of the panel at a time. */
ALWAYS_INLINE void halves(size_t pairs, size_t rows, size_t columns, const int8_t *a, size_t lda, const int8_t *panel,
                          size_t k, int32_t *sums)
{
    for (size_t c = 0; c < columns; c += NR / 2)
        tile(pairs, 4, rows, a, lda, panel + c * 8, k, sums + c);
}

static void tile_any(size_t rows, size_t columns, const int8_t *a, size_t lda, const int8_t *panel, size_t k,
                     int32_t *sums)
{
    switch ((rows + 1) / 2) {
    case 1:
        tile(1, 8, rows, a, lda, panel, k, sums);
        break;
    case 2:
        tile(2, 8, rows, a, lda, panel, k, sums);
        break;
    case 3:
        halves(3, rows, columns, a, lda, panel, k, sums);
        break;
    default:
        halves(MR / 2, rows, columns, a, lda, panel, k, sums);
        break;
    }
}

static void gemm_s8(const tb_gemm_s8 *g)
{
    _Alignas(64) int32_t sums[MR * NR] = {0};
    size_t panel_bytes = s8_panel_bytes(g->k);
    for (size_t j = 0; j < g->n; j += NR) {
        const int8_t *panel = g->panels + j / NR * panel_bytes;
        size_t columns = g->n - j < NR ? g->n - j : NR;
        for (size_t i = 0; i < g->m; i += MR) {
            size_t rows = g->m - i < MR ? g->m - i : MR;
            tile_any(rows, columns, g->a + i * g->lda, g->lda, panel, g->k, sums);
            lanes_finish_s8(g, sums, NR, 0, i, rows, j, columns);
        }
    }
}

const tb_kernels tb_kernels_i8mm = {
    .name = "i8mm",
    .f32_nr = NR,
    .s8_nr = NR,
    .f32_panel_bytes = tb_neon_f32_panel_bytes,
    .s8_panel_bytes = s8_panel_bytes,
    .s4_panel_bytes = tb_neon_s4_panel_bytes,
    .pack_f32 = tb_neon_pack_f32,
    .pack_f32_kn = tb_neon_pack_f32_kn,
    .pack_s8 = pack_s8,
    .pack_s4 = pack_s4,
    .unpack_s4 = unpack_s4,
    .gemm_f32 = tb_neon_gemm_f32,
    .gemm_s8 = gemm_s8,
    .bf16_nr = NR,
    .bf16_panel_bytes = tb_neon_bf16_panel_bytes,
    .pack_bf16 = tb_neon_pack_bf16,
    .pack_bf16_kn = tb_neon_pack_bf16_kn,
    .round_bf16 = tb_neon_round_bf16,
    .gemm_bf16 = tb_neon_gemm_bf16,
    .layernorm = tb_neon_layernorm,
    .softmax = tb_neon_softmax,
    .activation = tb_neon_activation,
    .add = tb_neon_add,
    .quantize_rows = tb_neon_quantize_rows,
    .range = tb_neon_range,
    .quantize_affine = tb_neon_quantize_affine,
    .a_xor = 0,
    .expand_f16 = tb_neon_expand_f16,
    .expand_bf16 = tb_neon_expand_bf16,
    .expand_s8 = tb_neon_expand_s8,
    .expand_s4 = tb_neon_expand_s4,
    .transpose = tb_neon_transpose,
    .activation_backward = tb_neon_activation_backward,
    .layernorm_backward = tb_neon_layernorm_backward,
    .softmax_backward = tb_neon_softmax_backward,
    .add_columns = tb_neon_add_columns,
    .dropout = tb_neon_dropout,
    .rounding_errors_s4 = tb_neon_rounding_errors_s4,
    .cover_s4 = tb_neon_cover_s4,
    .search_s4 = tb_neon_search_s4,
    .round_s4 = tb_neon_round_s4,
};
