/* What the rounding files share. Includes: quant/jitter.h, quant/schemes.h. Called by: quant/round.c,
 * quant/two_level.c, quant/jitter.c, quant/rounding_error.c. */
#ifndef TB_QUANT_ROWS_H
#define TB_QUANT_ROWS_H

#include "quant/jitter.h"
#include "quant/schemes.h"

#define TB_LARGEST_WEIGHT 1e37f
#define TB_SMALLEST_FLOAT 1.40129846e-45f /* 2^-149 */

/* Largest magnitude; NaN where a value is NaN or above TB_LARGEST_WEIGHT. */
float tb_row_absmax(const float *w, size_t n);
/* Names the first such value. */
timbang_status tb_refuse_weight(const float *w, size_t rows, size_t columns, tb_error *err);
/* Checks sizes; allocates q and scale. */
timbang_status tb_quantized_alloc(size_t rows, size_t columns, tb_weight_kind kind, tb_weight *out, tb_error *err);
/* After rounding, which leaves scale[r] NaN where tb_row_absmax is: frees out and refuses. */
timbang_status tb_quantized_check(const float *w, tb_weight *out, tb_error *err);
/* One row, or a part of it, that was rounded to q * scale. */
tb_rounding tb_rounding_of_row(const float *w, const int8_t *q, size_t n, double scale);

/* Four bits with random scales: q in -8..7 for each value, times a multiplier 1..15 for each part of a row (a multiple
 * of 16 columns), times a scale for each row, drawn from 0.8 to 1.25 times the one at which multiplier 15 clips
 * nothing. A part takes the multiplier with the smallest sum of its error and a random handicap of up to `handicap`
 * times the row's mean error of a part. */
typedef struct tb_four_bit_draw {
    uint64_t seed, stream, attempt;
    size_t part;
    float handicap;
} tb_four_bit_draw;
/* out: a rounding of w to 4 bits (S4, S4_ROW) or what this made of it. It becomes S8, with q times multiplier as
 * values, at most 120 in size. */
timbang_status tb_redraw_s4(const float *w, const float *importance, const tb_four_bit_draw *draw,
                            const tb_kernels *kernels, tb_pool *pool, tb_weight *out, tb_error *err);

#endif
