/* SPDX-License-Identifier: Apache-2.0
 * Matrix products of the reference level, with their epilogue.
 * Includes: ref.h. Called through tb_kernels_ref. */
#include "kernels/ref/ref.h"

float tb_ref_finish(float v, const tb_epilogue *e, size_t i, size_t j)
{
    if (e->bias != NULL)
        v = v + e->bias[j];
    v = tb_ref_activate(e->act, v);
    if (e->residual != NULL)
        v = v + e->residual[i * e->ld_residual + j];
    return v;
}

void tb_ref_gemm_f32(const tb_gemm_f32 *g)
{
    for (size_t j0 = 0; j0 < g->n; j0 += TB_REF_NR) {
        const float *panel = g->panels + j0 * g->k;
        size_t columns = g->n - j0 < TB_REF_NR ? g->n - j0 : TB_REF_NR;
        for (size_t i = 0; i < g->m; i++) {
            float acc[TB_REF_NR] = {0};
            if (g->continues)
                memcpy(acc, g->out + i * g->ldo + j0, columns * sizeof *acc);
            for (size_t kk = 0; kk < g->k; kk++)
                for (size_t c = 0; c < columns; c++)
                    acc[c] = __builtin_fmaf(g->a[i * g->lda + kk], panel[kk * TB_REF_NR + c], acc[c]);
            for (size_t c = 0; c < columns; c++)
                g->out[i * g->ldo + j0 + c] = tb_ref_finish(acc[c], &g->epilogue, i, j0 + c);
        }
    }
}

void tb_ref_gemm_s8(const tb_gemm_s8 *g)
{
    size_t panel_bytes = tb_ref_s8_panel_bytes(g->k);
    for (size_t j0 = 0; j0 < g->n; j0 += TB_REF_NR) {
        const int8_t *panel = g->panels + j0 / TB_REF_NR * panel_bytes;
        size_t columns = g->n - j0 < TB_REF_NR ? g->n - j0 : TB_REF_NR;
        for (size_t i = 0; i < g->m; i++) {
            const int8_t *a = g->a + i * g->lda;
            int32_t acc[TB_REF_NR] = {0};
            for (size_t kk = 0; kk < g->k; kk++)
                for (size_t c = 0; c < columns; c++)
                    acc[c] += a[kk] * panel[(kk / 4 * TB_REF_NR + c) * 4 + kk % 4];
            for (size_t c = 0; c < columns; c++) {
                size_t j = j0 + c;
                int32_t sum = acc[c];
                float v = ((float)sum * g->row_scale[i]) * g->col_scale[j];
                g->out[i * g->ldo + j] = tb_ref_finish(v, &g->epilogue, i, j);
            }
        }
    }
}
