/* What the rounding files share. Includes: quant/schemes.h. Called by: quant/round.c, quant/two_level.c. */
#ifndef TB_QUANT_ROWS_H
#define TB_QUANT_ROWS_H

#include "quant/schemes.h"

#define TB_LARGEST_WEIGHT 1e37f
#define TB_SMALLEST_FLOAT 1.40129846e-45f /* 2^-149 */

float tb_row_absmax(const float *w, size_t n);
/* Checks sizes and magnitudes; allocates q and scale. */
timbang_status tb_quantized_alloc(const float *w, size_t rows, size_t columns, tb_weight_kind kind, tb_weight *out,
                                  tb_error *err);

#endif
