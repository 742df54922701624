/* SPDX-License-Identifier: Apache-2.0
 * Packing of weights into panels (layout.h), reference level.
 * Includes: ref.h, layout.h. Called through tb_kernels_ref; tb_layout_pack_s4 by every level of the layout. */
#include "kernels/layout.h"
#include "kernels/ref/ref.h"

size_t tb_ref_f32_panel_bytes(size_t k)
{
    return tb_layout_f32_bytes(TB_REF_NR, k);
}

size_t tb_ref_s8_panel_bytes(size_t k)
{
    return tb_layout_s8_bytes(TB_REF_NR, k);
}

size_t tb_ref_s4_panel_bytes(size_t k, size_t group)
{
    return tb_layout_s4_bytes(TB_REF_NR, k, group);
}

void tb_ref_pack_f32(float *panels, const float *w, size_t ldw, size_t n, size_t k)
{
    for (size_t j = 0; j < tb_round_up(n, TB_REF_NR); j++) {
        float *panel = panels + j / TB_REF_NR * TB_REF_NR * k;
        for (size_t kk = 0; kk < k; kk++)
            panel[kk * TB_REF_NR + j % TB_REF_NR] = j < n ? w[j * ldw + kk] : 0.0f;
    }
}

void tb_ref_pack_f32_kn(float *panels, const float *b, size_t ldb, size_t n, size_t k)
{
    for (size_t j = 0; j < tb_round_up(n, TB_REF_NR); j++) {
        float *panel = panels + j / TB_REF_NR * TB_REF_NR * k;
        for (size_t kk = 0; kk < k; kk++)
            panel[kk * TB_REF_NR + j % TB_REF_NR] = j < n ? b[kk * ldb + j] : 0.0f;
    }
}

void tb_ref_pack_s8(int8_t *panels, const int8_t *w, size_t ldw, size_t n, size_t k)
{
    size_t panel_bytes = tb_ref_s8_panel_bytes(k);
    for (size_t j = 0; j < tb_round_up(n, TB_REF_NR); j++) {
        int8_t *panel = panels + j / TB_REF_NR * panel_bytes;
        for (size_t kk = 0; kk < tb_round_up(k, 4); kk++)
            panel[tb_layout_s8_at(TB_REF_NR, j % TB_REF_NR, kk)] = j < n && kk < k ? w[j * ldw + kk] : 0;
    }
}

void tb_layout_pack_s4(size_t nr, uint8_t *panels, const int8_t *q, size_t ldq, const uint8_t *multiplier, size_t ldm,
                       size_t n, size_t k, size_t group)
{
    size_t panel_bytes = tb_layout_s4_bytes(nr, k, group);
    size_t nibble_bytes = tb_layout_s4_nibble_bytes(nr, k);
    memset(panels, 0, tb_round_up(n, nr) / nr * panel_bytes);
    for (size_t j = 0; j < tb_round_up(n, nr); j++) {
        uint8_t *panel = panels + j / nr * panel_bytes;
        for (size_t kk = 0; kk < k; kk++) {
            size_t at = tb_layout_s8_at(nr, j % nr, kk);
            uint32_t u = j < n ? (uint32_t)(q[j * ldq + kk] + 8) & 15 : 8;
            uint8_t *byte = panel + at / 64 * 32 + at % 32;
            *byte = (uint8_t)(*byte | u << (at % 64 < 32 ? 0 : 4));
        }
        for (size_t b = 0; b < k / group; b++)
            panel[nibble_bytes + b * nr + j % nr] = j < n ? multiplier[j * ldm + b] : 0;
    }
}

void tb_ref_pack_s4(uint8_t *panels, const int8_t *q, size_t ldq, const uint8_t *multiplier, size_t ldm, size_t n,
                    size_t k, size_t group)
{
    tb_layout_pack_s4(TB_REF_NR, panels, q, ldq, multiplier, ldm, n, k, group);
}

void tb_ref_unpack_s4(int8_t *panel, const uint8_t *s4_panel, size_t k, size_t group)
{
    const uint8_t *multipliers = s4_panel + tb_layout_s4_nibble_bytes(TB_REF_NR, k);
    for (size_t kk = 0; kk < k; kk++) {
        for (size_t c = 0; c < TB_REF_NR; c++) {
            size_t at = tb_layout_s8_at(TB_REF_NR, c, kk);
            uint8_t byte = s4_panel[at / 64 * 32 + at % 32];
            int32_t u = at % 64 < 32 ? byte & 15 : byte >> 4;
            panel[at] = (int8_t)((u - 8) * multipliers[kk / group * TB_REF_NR + c]);
        }
    }
}
