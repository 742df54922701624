/* What integers a weight can take and what they stand for, column by column. Private to the rounding methods.
 * Includes: formats/weights.h. Called by: quant/gptq.c, quant/descent.c. */
#ifndef TB_QUANT_GRID_H
#define TB_QUANT_GRID_H

#include "formats/weights.h"

/* The step of a value at [row][column]; exact. */
static inline double tb_grid_step(const tb_weight *weight, size_t row, size_t column)
{
    double scale = (double)weight->scale[row];
    if (weight->kind != TB_WEIGHT_S4)
        return scale;
    return scale * weight->multiplier[row * (weight->columns / weight->group) + column / weight->group];
}

static inline double tb_grid_lowest(const tb_weight *weight)
{
    return weight->kind == TB_WEIGHT_S8 ? -127 : -8;
}

static inline double tb_grid_highest(const tb_weight *weight)
{
    return weight->kind == TB_WEIGHT_S8 ? 127 : 7;
}

/* The nearest integer of the grid, half to even. */
static inline double tb_grid_round(double x, double lowest, double highest)
{
    const double shift = 6755399441055744.0; /* 1.5 * 2^52 */
    x = x < lowest ? lowest : x > highest ? highest : x;
    return (x + shift) - shift;
}

#endif
