/* SPDX-License-Identifier: Apache-2.0
 * The BF16 product, reference level: rounding, panels (layout.h), and one float fma chain over k.
 * Includes: ref.h, layout.h. Called through tb_kernels_ref. */
#include "kernels/layout.h"
#include "kernels/ref/ref.h"

size_t tb_ref_bf16_panel_bytes(size_t k)
{
    return tb_layout_bf16_bytes(TB_REF_NR, k);
}

void tb_ref_pack_bf16(uint16_t *panels, const float *w, size_t ldw, size_t n, size_t k)
{
    size_t panel_size = tb_ref_bf16_panel_bytes(k) / sizeof(uint16_t);
    for (size_t j0 = 0; j0 < n; j0 += TB_REF_NR) {
        uint16_t *panel = panels + j0 / TB_REF_NR * panel_size;
        memset(panel, 0, panel_size * sizeof(uint16_t));
        size_t columns = n - j0 < TB_REF_NR ? n - j0 : TB_REF_NR;
        for (size_t c = 0; c < columns; c++)
            for (size_t kk = 0; kk < k; kk++)
                panel[kk * TB_REF_NR + c] = tb_f32_to_bf16(w[(j0 + c) * ldw + kk]);
    }
}

void tb_ref_pack_bf16_kn(uint16_t *panels, const float *b, size_t ldb, size_t n, size_t k)
{
    size_t panel_size = tb_ref_bf16_panel_bytes(k) / sizeof(uint16_t);
    for (size_t j0 = 0; j0 < n; j0 += TB_REF_NR) {
        uint16_t *panel = panels + j0 / TB_REF_NR * panel_size;
        memset(panel, 0, panel_size * sizeof(uint16_t));
        size_t columns = n - j0 < TB_REF_NR ? n - j0 : TB_REF_NR;
        for (size_t kk = 0; kk < k; kk++)
            for (size_t c = 0; c < columns; c++)
                panel[kk * TB_REF_NR + c] = tb_f32_to_bf16(b[kk * ldb + j0 + c]);
    }
}

void tb_ref_round_bf16(const float *x, size_t ldx, size_t m, size_t k, uint16_t *a, size_t lda)
{
    for (size_t i = 0; i < m; i++) {
        for (size_t kk = 0; kk < k; kk++)
            a[i * lda + kk] = tb_f32_to_bf16(x[i * ldx + kk]);
        memset(a + i * lda + k, 0, (lda - k) * sizeof(uint16_t));
    }
}

void tb_ref_gemm_bf16(const tb_gemm_bf16 *g)
{
    size_t panel_size = tb_ref_bf16_panel_bytes(g->k) / sizeof(uint16_t);
    for (size_t j0 = 0; j0 < g->n; j0 += TB_REF_NR) {
        const uint16_t *panel = g->panels + j0 / TB_REF_NR * panel_size;
        size_t columns = g->n - j0 < TB_REF_NR ? g->n - j0 : TB_REF_NR;
        for (size_t i = 0; i < g->m; i++) {
            float acc[TB_REF_NR] = {0};
            if (g->continues)
                memcpy(acc, g->out + i * g->ldo + j0, columns * sizeof *acc);
            for (size_t kk = 0; kk < g->k; kk++) {
                float x = tb_bf16_to_f32(g->a[i * g->lda + kk]);
                for (size_t c = 0; c < columns; c++)
                    acc[c] = __builtin_fmaf(x, tb_bf16_to_f32(panel[kk * TB_REF_NR + c]), acc[c]);
            }
            for (size_t c = 0; c < columns; c++)
                g->out[i * g->ldo + j0 + c] = tb_ref_finish(acc[c], &g->epilogue, i, j0 + c);
        }
    }
}
