/* One matrix of a scheme: what becomes of it by its name, and its rounding. Shared by `timbang quantize` and
 * quantization-aware training, so that both make the same integers.
 * Includes: base, kernels, quant/schemes.h. Called by: quant/plan.c, quant/quantize.c, train/rounding.c. */
#ifndef TB_QUANT_ROUND_MODULE_H
#define TB_QUANT_ROUND_MODULE_H

#include "quant/schemes.h"

enum { TB_NORM_NAME = 128 };

typedef enum tb_module_role {
    TB_MODULE_NONE, /* no matrix of a classifier: a LayerNorm, cls.*, an unknown name */
    TB_MODULE_LINEAR,
    TB_MODULE_HEAD, /* pooler, classifier */
    TB_MODULE_WORDS,
    TB_MODULE_OTHER_EMBEDDING /* positions, types */
} tb_module_role;

/* module: canonical, "encoder.layer.0.output.dense". */
tb_module_role tb_module_role_of(const char *module);
/* The LayerNorm whose output is the linear's input ("embeddings.LayerNorm"); false: another kind of input. */
bool tb_module_norm(const char *module, char norm[TB_NORM_NAME]);

/* Kind, act, group, per_tensor of a matrix in the scheme; arrays are NULL. Embeddings that the scheme leaves as the
 * source has them are F32. */
tb_weight tb_scheme_weight(const tb_scheme *scheme, tb_module_role role, size_t rows, size_t columns);

/* How much column i of a linear's input matters: a LayerNorm's output has mean square gamma^2 + beta^2 in channel i, so
 * no data are needed to know it. Relative to the mean, from 1/16 to 16. importance [n] may be gamma or beta. */
void tb_norm_importance(const float *gamma, const float *beta, size_t n, float *importance);

/* out (empty) becomes w [rows][columns] rounded as `planned` says, which is not of kind F32. importance: of the columns
 * for kind S4, or NULL. act is planned's. */
timbang_status tb_round_matrix(const tb_weight *planned, const float *w, const float *importance,
                               const tb_kernels *kernels, tb_pool *pool, tb_weight *out, tb_error *err);

#endif
