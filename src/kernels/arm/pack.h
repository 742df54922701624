/* SPDX-License-Identifier: Apache-2.0
 * Packing into the panels of layout.h with NEON instructions; nr is a multiple of 16.
 * Includes: layout.h; lanes_neon.h comes first. Called by: neon.c, i8mm.c. */
#ifndef TB_KERNELS_ARM_PACK_H
#define TB_KERNELS_ARM_PACK_H

#include "kernels/layout.h"

#include <arm_neon.h>
#include <string.h>

/* Transposes 4 rows of 4 words in place. */
static inline void arm_transpose_4(uint32x4_t v[4])
{
    uint64x2_t a0 = vreinterpretq_u64_u32(vtrn1q_u32(v[0], v[1]));
    uint64x2_t a1 = vreinterpretq_u64_u32(vtrn2q_u32(v[0], v[1]));
    uint64x2_t a2 = vreinterpretq_u64_u32(vtrn1q_u32(v[2], v[3]));
    uint64x2_t a3 = vreinterpretq_u64_u32(vtrn2q_u32(v[2], v[3]));
    v[0] = vreinterpretq_u32_u64(vtrn1q_u64(a0, a2));
    v[1] = vreinterpretq_u32_u64(vtrn1q_u64(a1, a3));
    v[2] = vreinterpretq_u32_u64(vtrn2q_u64(a0, a2));
    v[3] = vreinterpretq_u32_u64(vtrn2q_u64(a1, a3));
}

/* The first count (1..4) words at p, zeros after them. */
static inline uint32x4_t arm_load_words(const uint8_t *p, size_t count)
{
    if (count == 4)
        return vreinterpretq_u32_u8(vld1q_u8(p));
    uint8_t some[16] = {0};
    memcpy(some, p, count * 4);
    return vreinterpretq_u32_u8(vld1q_u8(some));
}

/* One panel: word t of row c goes to word t * nr + c; rows from `rows` on are zeros. `stride` is in bytes. */
static inline void arm_pack_words(size_t nr, void *panel, const void *w, size_t stride, size_t rows, size_t words)
{
    uint8_t *out = panel;
    const uint8_t *in = w;
    for (size_t t = 0; t < words; t += 4) {
        size_t count = words - t < 4 ? words - t : 4;
        for (size_t c0 = 0; c0 < nr; c0 += 4) {
            uint32x4_t v[4];
            for (size_t r = 0; r < 4; r++) {
                size_t c = c0 + r;
                v[r] = c < rows ? arm_load_words(in + c * stride + t * 4, count) : vdupq_n_u32(0);
            }
            arm_transpose_4(v);
            for (size_t r = 0; r < count; r++)
                vst1q_u8(out + ((t + r) * nr + c0) * 4, vreinterpretq_u8_u32(v[r]));
        }
    }
}

static inline void arm_pack_f32(size_t nr, float *panels, const float *w, size_t ldw, size_t n, size_t k)
{
    for (size_t j = 0; j < n; j += nr) {
        size_t rows = n - j < nr ? n - j : nr;
        arm_pack_words(nr, panels + j * k, w + j * ldw, ldw * sizeof(float), rows, k);
    }
}

/* b[k][ldb], eight rows at a time through all panels: the rows are read as they lie. */
static inline void arm_pack_f32_kn(size_t nr, float *panels, const float *b, size_t ldb, size_t n, size_t k)
{
    enum { BLOCK = 8 };
    size_t whole = n / nr * nr, rest = n - whole;
    for (size_t k0 = 0; k0 < k; k0 += BLOCK) {
        size_t end = k - k0 < BLOCK ? k : k0 + BLOCK;
        for (size_t j = 0; j < whole; j += nr)
            for (size_t kk = k0; kk < end; kk++)
                for (size_t c = 0; c < nr; c += 4)
                    vst1q_f32(panels + j * k + kk * nr + c, vld1q_f32(b + kk * ldb + j + c));
        for (size_t kk = k0; rest > 0 && kk < end; kk++) {
            memcpy(panels + whole * k + kk * nr, b + kk * ldb + whole, rest * sizeof(float));
            memset(panels + whole * k + kk * nr + rest, 0, (nr - rest) * sizeof(float));
        }
    }
}

static inline void arm_pack_s8(size_t nr, int8_t *panels, const int8_t *w, size_t ldw, size_t n, size_t k)
{
    size_t whole = k / 4 * 4;
    for (size_t j = 0; j < n; j += nr) {
        int8_t *panel = panels + j / nr * tb_layout_s8_bytes(nr, k);
        size_t rows = n - j < nr ? n - j : nr;
        arm_pack_words(nr, panel, w + j * ldw, ldw, rows, k / 4);
        if (whole == k)
            continue;
        memset(panel + whole * nr, 0, 4 * nr);
        for (size_t c = 0; c < rows; c++)
            for (size_t kk = whole; kk < k; kk++)
                panel[tb_layout_s8_at(nr, c, kk)] = w[(j + c) * ldw + kk];
    }
}

/* Rounded to bfloat16; 16 columns. */
static inline void arm_pack_bf16(uint16_t *panels, const float *w, size_t ldw, size_t n, size_t k)
{
    enum { NR = 16, STEPS = 32 };
    _Alignas(64) float block[STEPS * NR];
    size_t panel_size = tb_layout_bf16_bytes(NR, k) / sizeof(uint16_t);
    for (size_t j = 0; j < n; j += NR) {
        uint16_t *panel = panels + j / NR * panel_size;
        size_t rows = n - j < NR ? n - j : NR;
        for (size_t kk = 0; kk < k; kk += STEPS) {
            size_t steps = k - kk < STEPS ? k - kk : STEPS;
            arm_pack_words(NR, block, w + j * ldw + kk, ldw * sizeof(float), rows, steps);
            for (size_t s = 0; s < steps; s++)
                lanes_store_bf16(panel + (kk + s) * NR, lanes_load(block + s * NR));
        }
        memset(panel + k * NR, 0, (panel_size - k * NR) * sizeof(uint16_t));
    }
}

/* (u - 8) * multiplier, byte by byte. */
static inline void arm_store_s4(int8_t *p, uint8x16_t u, uint8x16_t multiplier)
{
    int8x16_t q = vsubq_s8(vreinterpretq_s8_u8(u), vdupq_n_s8(8));
    vst1q_s8(p, vmulq_s8(q, vreinterpretq_s8_u8(multiplier)));
}

/* 64 bytes of an s8 panel from 32 bytes of nibbles; m holds the multipliers of the 64 bytes. */
static inline void arm_unpack_block(int8_t *to, const uint8_t *nibbles, const uint8x16_t m[4])
{
    uint8x16_t low = vld1q_u8(nibbles), high = vld1q_u8(nibbles + 16), fifteen = vdupq_n_u8(15);
    arm_store_s4(to, vandq_u8(low, fifteen), m[0]);
    arm_store_s4(to + 16, vandq_u8(high, fifteen), m[1]);
    arm_store_s4(to + 32, vshrq_n_u8(low, 4), m[2]);
    arm_store_s4(to + 48, vshrq_n_u8(high, 4), m[3]);
}

static inline void arm_unpack_s4(size_t nr, int8_t *panel, const uint8_t *s4_panel, size_t k, size_t group)
{
    static const uint8_t repeat_4[16] = {0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3};
    const uint8_t *multipliers = s4_panel + tb_layout_s4_nibble_bytes(nr, k);
    uint8x16_t index = vld1q_u8(repeat_4), four = vdupq_n_u8(4);
    for (size_t k0 = 0; k0 < k; k0 += group) {
        for (size_t c = 0; c < nr; c += 16) {
            uint8x16_t each = vld1q_u8(multipliers + k0 / group * nr + c), m[4], at = index;
            for (size_t i = 0; i < 4; i++, at = vaddq_u8(at, four))
                m[i] = vqtbl1q_u8(each, at);
            for (size_t kk = k0; kk < k0 + group; kk += 4) {
                size_t block = kk * nr + c * 4; /* 64 bytes of the s8 panel: 16 columns of 4 weights */
                arm_unpack_block(panel + block, s4_panel + block / 2, m);
            }
        }
    }
}

#endif
