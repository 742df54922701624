/* SPDX-License-Identifier: Apache-2.0
 * The panel layouts that the scalar, x86 and NEON levels share; nr is the level's number of columns in a panel, a
 * multiple of 16. A level with other needs (tiles, signed dot products of pairs) brings its own.
 *   float: [k][nr]
 *   bf16:  [k][nr]; not where the CPU multiplies bfloat16 itself
 *   s8:    [ceil(k / 4)][nr][4], zeros after k
 *   s4:    the s8 panel's bytes in blocks of 64, 32 bytes a block: byte b holds panel byte b in its low nibble and
 *          panel byte b + 32 in its high one, each as q + 8; then the multipliers [k / group][nr]; filled up to 64.
 * Includes: base only. Called by: ref/, x86/, arm/. */
#ifndef TB_KERNELS_LAYOUT_H
#define TB_KERNELS_LAYOUT_H

#include "base/mem.h"

static inline size_t tb_layout_f32_bytes(size_t nr, size_t k)
{
    return nr * k * sizeof(float);
}

static inline size_t tb_layout_bf16_bytes(size_t nr, size_t k)
{
    return tb_round_up(nr * k * sizeof(uint16_t), TB_ALIGN);
}

static inline size_t tb_layout_s8_bytes(size_t nr, size_t k)
{
    return nr * tb_round_up(k, 4);
}

/* Where weight (column c of the panel, kk) lies in an s8 panel. */
static inline size_t tb_layout_s8_at(size_t nr, size_t c, size_t kk)
{
    return (kk / 4 * nr + c) * 4 + kk % 4;
}

static inline size_t tb_layout_s4_nibble_bytes(size_t nr, size_t k)
{
    return nr * k / 2;
}

static inline size_t tb_layout_s4_bytes(size_t nr, size_t k, size_t group)
{
    return tb_round_up(tb_layout_s4_nibble_bytes(nr, k) + nr * (k / group), TB_ALIGN);
}

/* s4 packing is done once, at load, so one plain function serves every level of this layout (ref/pack.c). */
void tb_layout_pack_s4(size_t nr, uint8_t *panels, const int8_t *q, size_t ldq, const uint8_t *multiplier, size_t ldm,
                       size_t n, size_t k, size_t group);

#endif
