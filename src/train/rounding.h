/* How quantization-aware training sees the masters: each matrix as `timbang quantize` would round it.
 * Includes: base, kernels, model/trainee.h, quant/schemes.h. Called by: train/run.c. */
#ifndef TB_TRAIN_ROUNDING_H
#define TB_TRAIN_ROUNDING_H

#include "model/trainee.h"
#include "quant/schemes.h"

/* A scheme and its scratch memory. */
typedef struct tb_qat tb_qat;

/* kernels NULL: plain C. kernels and pool are borrowed. */
timbang_status tb_qat_create(const tb_scheme *scheme, const tb_kernels *kernels, tb_pool *pool, tb_qat **qat,
                             tb_error *err);
void tb_qat_free(tb_qat *qat); /* NULL is fine */

/* A tb_round_fn; `qat` is a tb_qat. Rows are rounded to what tb_quantize_folder writes for the same masters and what
 * tb_weight_load makes of it: kind, act, q, scale, multiplier, half. Where the scheme keeps floats *out is of kind F32
 * without values; int4-pertensor, whose product is a float one, comes as F32 with values. An importance of columns is
 * read from the LayerNorm's masters in front of a linear. */
timbang_status tb_qat_round(void *qat, const tb_parameters *parameters, size_t i, const float *w, size_t rows,
                            tb_weight *out, tb_error *err);

#endif
