/* H = Σ x xᵀ over the inputs of a linear layer: how much an error of its weights costs in its outputs,
 * ‖(W − Ŵ) X‖² = Σ of rows d H dᵀ. Inputs are those that the product sees: rounded to 8 bits where it is an integer
 * one. Includes: base, kernels. Called by: quant/calibrated.c. */
#ifndef TB_QUANT_HESSIAN_H
#define TB_QUANT_HESSIAN_H

#include "base/pool.h"
#include "kernels/kernels.h"

typedef struct tb_hessian {
    size_t n;
    double *h;     /* [n][n], symmetric after tb_hessian_finish */
    uint64_t rows; /* of inputs seen */
    const tb_kernels *kernels;
    tb_pool *pool;
    /* of the largest number of rows at once */
    size_t most_rows;
    float *turned, *panels, *sums;
} tb_hessian;

/* most_rows: at once. */
timbang_status tb_hessian_alloc(tb_hessian *hessian, size_t n, size_t most_rows, const tb_kernels *kernels,
                                tb_pool *pool, tb_error *err);
void tb_hessian_free(tb_hessian *hessian); /* a zeroed struct is fine */
void tb_hessian_clear(tb_hessian *hessian);
/* Adds weight * x xᵀ of rows x [rows][n]: float chains over these rows (kernels.h, gemm_f32), then one double sum. */
void tb_hessian_add(tb_hessian *hessian, const float *x, size_t rows, double weight);
/* Fills in the other triangle. */
void tb_hessian_finish(tb_hessian *hessian);

#endif
