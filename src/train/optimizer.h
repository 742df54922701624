/* AdamW on the flat arrays of the parameters, and the norm of their gradients. Element-wise steps of plain float
 * operations and sums of a fixed shape: the same bits for any number of threads and on every machine.
 * Includes: model/parameters.h. Called by: train/run.c, train/checkpoint.c. */
#ifndef TB_TRAIN_OPTIMIZER_H
#define TB_TRAIN_OPTIMIZER_H

#include "base/pool.h"
#include "model/parameters.h"

typedef struct tb_adamw_options {
    double beta1, beta2, epsilon;
    double weight_decay; /* of linears and embeddings; biases and LayerNorm have none */
    double layer_decay;  /* what the rate is multiplied with from one depth to the one below; 1: the same for all */
} tb_adamw_options;

/* 0.9, 0.999, 1e-8, 0.01, 1 */
tb_adamw_options tb_adamw_defaults(void);

/* The state is m, v and step; whoever saves and restores those goes on with the same bits. */
typedef struct tb_adamw {
    tb_adamw_options options;
    float *m, *v; /* [n] as parameters->values: the means of gradients and of their squares */
    size_t n;
    uint64_t step; /* steps done */
} tb_adamw;

/* Everything zero, for these parameters. TIMBANG_USAGE names an option out of its range. */
timbang_status tb_adamw_create(const tb_parameters *parameters, const tb_adamw_options *options, tb_adamw **adamw,
                               tb_error *err);
void tb_adamw_free(tb_adamw *adamw);

/* L2 norm of all gradients that are not frozen; not finite where one of them is not. */
double tb_gradient_norm(const tb_parameters *parameters, tb_pool *pool);
/* Index of the first parameter with such a gradient, or SIZE_MAX. Frozen ones are passed over. */
size_t tb_gradient_first_not_finite(const tb_parameters *parameters);
/* What gradients are multiplied with so that their norm is at most max_norm (0: no limit), as
 * torch.nn.utils.clip_grad_norm_: min(1, max_norm / (norm + 1e-6)). */
double tb_gradient_factor(double norm, double max_norm);

/* One step of torch.optim.AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) with gradients times gradient_factor,
 * which stay as they are; frozen parameters keep their values. Rate of a parameter: rate * layer_decay^(last depth -
 * its depth). */
void tb_adamw_step(tb_adamw *adamw, tb_parameters *parameters, double rate, double gradient_factor, tb_pool *pool);

#endif
