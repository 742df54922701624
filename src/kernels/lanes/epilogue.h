/* SPDX-License-Identifier: Apache-2.0
 * What follows the sum of a matrix product, on one tile of accumulators that is still hot: dequantization, bias,
 * activation, residual, in the order of kernels.h.
 * Includes: math.h; the level's lanes_*.h comes first. Called by: a level's products. */
#ifndef TB_KERNELS_LANES_EPILOGUE_H
#define TB_KERNELS_LANES_EPILOGUE_H

#include "kernels/lanes/math.h"

/* Values of row i, columns [j, j + count), count in 1..16. */
static inline void lanes_finish(lanes v, const tb_epilogue *e, float *out, size_t ldo, size_t i, size_t j, size_t count)
{
    bool all = count == 16;
    if (e->bias != NULL)
        v = lanes_add(v, all ? lanes_load(e->bias + j) : lanes_load_some(e->bias + j, count));
    v = lanes_activate(e->act, v);
    if (e->residual != NULL) {
        const float *residual = e->residual + i * e->ld_residual + j;
        v = lanes_add(v, all ? lanes_load(residual) : lanes_load_some(residual, count));
    }
    if (all)
        lanes_store(out + i * ldo + j, v);
    else
        lanes_store_some(out + i * ldo + j, v, count);
}

/* tile[rows][nr] holds rows i0.. and columns j0.. of the product. */
static inline void lanes_finish_f32(const tb_gemm_f32 *g, const float *tile, size_t nr, size_t i0, size_t rows,
                                    size_t j0, size_t columns)
{
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < columns; c += 16) {
            size_t count = columns - c < 16 ? columns - c : 16;
            lanes_finish(lanes_load(tile + r * nr + c), &g->epilogue, g->out, g->ldo, i0 + r, j0 + c, count);
        }
    }
}

/* bias_a is what the level added to each quantized activation: 128 where bytes are q ^ 0x80 read as unsigned. All
 * integer arithmetic is modulo 2^32, and the final sum fits. */
static inline void lanes_finish_s8(const tb_gemm_s8 *g, const int32_t *tile, size_t nr, int32_t bias_a, size_t i0,
                                   size_t rows, size_t j0, size_t columns)
{
    ilanes shift = ilanes_set(bias_a);
    for (size_t r = 0; r < rows; r++) {
        size_t i = i0 + r;
        lanes row_scale = lanes_set(g->row_scale[i]);
        for (size_t c = 0; c < columns; c += 16) {
            size_t j = j0 + c;
            size_t count = columns - c < 16 ? columns - c : 16;
            ilanes colsum = count == 16 ? ilanes_load(g->colsum + j) : ilanes_load_some(g->colsum + j, count);
            lanes col_scale = count == 16 ? lanes_load(g->col_scale + j) : lanes_load_some(g->col_scale + j, count);
            ilanes sum = ilanes_sub(ilanes_load(tile + r * nr + c), ilanes_mul(shift, colsum));
            lanes v = lanes_mul(lanes_mul(lanes_from_int(sum), row_scale), col_scale);
            lanes_finish(v, &g->epilogue, g->out, g->ldo, i, j, count);
        }
    }
}

#endif
