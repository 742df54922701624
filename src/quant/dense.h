/* Dense products and factors in double, for calibration: plain C, the same bits for any number of threads and on every
 * compiler (sums of TB_DENSE_BLOCK products from zero, then added; no fused operation).
 * Includes: base. Called by: quant/gptq.c, quant/descent.c. */
#ifndef TB_QUANT_DENSE_H
#define TB_QUANT_DENSE_H

#include "base/pool.h"

enum { TB_DENSE_BLOCK = 64 };

/* c[m][ldc] += a[m][lda] b[k][ldb], columns [0, n). c overlaps neither. */
void tb_dense_add(const double *a, size_t lda, const double *b, size_t ldb, size_t m, size_t n, size_t k, double *c,
                  size_t ldc);
/* Lower triangle of a[n][n] becomes L with a = L Lᵀ (right-looking, blocks of TB_DENSE_BLOCK); what stands above the
 * diagonal is overwritten. False where a is not positive definite. */
timbang_status tb_dense_cholesky(double *a, size_t n, tb_pool *pool, bool *positive, tb_error *err);

#endif
