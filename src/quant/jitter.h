/* Random rounding for null models, and the error of a rounding.
 * Includes: base, quant/quantize.h. Called by: quant/quantize.c. docs/null_models.md says why it is done this way. */
#ifndef TB_QUANT_JITTER_H
#define TB_QUANT_JITTER_H

#include "quant/quantize.h"

/* Sums over w [rows][columns] in double, the same for any number of threads: (w - rounded)^2 and w^2. */
typedef struct tb_rounding {
    double error, square;
} tb_rounding;
timbang_status tb_rounding_error(const float *w, const tb_weight *weight, tb_pool *pool, tb_rounding *out,
                                 tb_error *err);

/* Does a random rounding of such a matrix (kind, per_tensor and sizes are read) start from the scheme's own scales? */
bool tb_jitter_needs_own(const tb_weight *scheme);

/* weight becomes a random rounding of w, with an error within 5 % of the scheme's own where that can be had, else the
 * nearest that was found. scheme: kind, group, per_tensor and sizes of the scheme's own rounding, which weight is
 * unless tb_jitter_needs_own is false and *own_error is above 0 (then: values and scales allocated). *own_error: below
 * 0 where it is not known; set. name: of the tensor. importance: as for tb_quantize_s4_two_level. per_tensor is
 * cleared.
 */
timbang_status tb_jitter_weight(const tb_jitter *jitter, const char *name, const float *w, const float *importance,
                                const tb_weight *scheme, const tb_kernels *kernels, tb_pool *pool, double *own_error,
                                tb_weight *weight, tb_error *err);

#endif
