/* SPDX-License-Identifier: Apache-2.0
 * What follows the sum of a matrix product, on one tile of accumulators that is still hot: dequantization, bias,
 * activation, residual, in the order of kernels.h.
 * Includes: math.h; the level's lanes_*.h comes first. Called by: a level's products. */
#ifndef TB_KERNELS_LANES_EPILOGUE_H
#define TB_KERNELS_LANES_EPILOGUE_H

#include "kernels/lanes/math.h"

/* Up to 16 columns of a tile, from column j on, and what all their rows share. */
typedef struct lanes_strip {
    const tb_epilogue *e;
    float *out;
    size_t ldo, j, count; /* count in 1..16 */
    lanes bias;
} lanes_strip;

static inline lanes lanes_load_strip(const float *p, size_t count)
{
    return count == 16 ? lanes_load(p) : lanes_load_some(p, count);
}

/* Where the sums of rows i.. and columns j.. begin, in tile[rows][nr]: at zero, or where a product goes on, at its
 * output. Columns from `columns` on are zeros. */
static inline void lanes_start_sums(bool continues, const float *out, size_t ldo, float *tile, size_t nr, size_t i,
                                    size_t rows, size_t j, size_t columns)
{
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < nr; c += 16) {
            lanes v = lanes_set(0.0f);
            if (continues && c < columns)
                v = lanes_load_strip(out + (i + r) * ldo + j + c, columns - c < 16 ? columns - c : 16);
            lanes_store(tile + r * nr + c, v);
        }
    }
}

static inline lanes_strip lanes_strip_at(const tb_epilogue *e, float *out, size_t ldo, size_t j, size_t count)
{
    lanes bias = e->bias != NULL ? lanes_load_strip(e->bias + j, count) : lanes_set(0.0f);
    return (lanes_strip){e, out, ldo, j, count, bias};
}

/* Row i of the strip. act is e->act, a constant at every call. */
static inline __attribute__((always_inline)) void lanes_finish(const lanes_strip *s, tb_activation act, size_t i,
                                                               lanes v)
{
    if (s->e->bias != NULL)
        v = lanes_add(v, s->bias);
    v = lanes_activate(act, v);
    if (s->e->residual != NULL)
        v = lanes_add(v, lanes_load_strip(s->e->residual + i * s->e->ld_residual + s->j, s->count));
    float *out = s->out + i * s->ldo + s->j;
    if (s->count == 16)
        lanes_store(out, v);
    else
        lanes_store_some(out, v, s->count);
}

static inline __attribute__((always_inline)) void lanes_finish_f32_act(tb_activation act, const tb_gemm_f32 *g,
                                                                       const float *tile, size_t nr, size_t i0,
                                                                       size_t rows, size_t j0, size_t columns)
{
    for (size_t c = 0; c < columns; c += 16) {
        size_t count = columns - c < 16 ? columns - c : 16;
        lanes_strip strip = lanes_strip_at(&g->epilogue, g->out, g->ldo, j0 + c, count);
        for (size_t r = 0; r < rows; r++)
            lanes_finish(&strip, act, i0 + r, lanes_load(tile + r * nr + c));
    }
}

/* tile[rows][nr] holds rows i0.. and columns j0.. of the product. */
static inline void lanes_finish_f32(const tb_gemm_f32 *g, const float *tile, size_t nr, size_t i0, size_t rows,
                                    size_t j0, size_t columns)
{
    switch (g->epilogue.act) {
    case TB_ACT_NONE:
        lanes_finish_f32_act(TB_ACT_NONE, g, tile, nr, i0, rows, j0, columns);
        break;
    case TB_ACT_GELU:
        lanes_finish_f32_act(TB_ACT_GELU, g, tile, nr, i0, rows, j0, columns);
        break;
    default:
        lanes_finish_f32_act(g->epilogue.act, g, tile, nr, i0, rows, j0, columns);
        break;
    }
}

static inline __attribute__((always_inline)) void lanes_finish_s8_act(tb_activation act, const tb_gemm_s8 *g,
                                                                      const int32_t *tile, size_t nr, int32_t bias_a,
                                                                      size_t i0, size_t rows, size_t j0, size_t columns)
{
    for (size_t c = 0; c < columns; c += 16) {
        size_t j = j0 + c, count = columns - c < 16 ? columns - c : 16;
        lanes_strip strip = lanes_strip_at(&g->epilogue, g->out, g->ldo, j, count);
        ilanes colsum = count == 16 ? ilanes_load(g->colsum + j) : ilanes_load_some(g->colsum + j, count);
        ilanes shift = ilanes_mul(ilanes_set(bias_a), colsum);
        lanes col_scale = lanes_load_strip(g->col_scale + j, count);
        for (size_t r = 0; r < rows; r++) {
            ilanes sum = ilanes_sub(ilanes_load(tile + r * nr + c), shift);
            lanes v = lanes_mul(lanes_mul(lanes_from_int(sum), lanes_set(g->row_scale[i0 + r])), col_scale);
            lanes_finish(&strip, act, i0 + r, v);
        }
    }
}

/* bias_a is what the level added to each quantized activation: 128 where bytes are q ^ 0x80 read as unsigned. All
 * integer arithmetic is modulo 2^32, and the final sum fits. */
static inline void lanes_finish_s8(const tb_gemm_s8 *g, const int32_t *tile, size_t nr, int32_t bias_a, size_t i0,
                                   size_t rows, size_t j0, size_t columns)
{
    switch (g->epilogue.act) {
    case TB_ACT_NONE:
        lanes_finish_s8_act(TB_ACT_NONE, g, tile, nr, bias_a, i0, rows, j0, columns);
        break;
    case TB_ACT_GELU:
        lanes_finish_s8_act(TB_ACT_GELU, g, tile, nr, bias_a, i0, rows, j0, columns);
        break;
    default:
        lanes_finish_s8_act(g->epilogue.act, g, tile, nr, bias_a, i0, rows, j0, columns);
        break;
    }
}

#endif
