/* Rounding the weights of a linear layer so that its outputs change least: GPTQ (Frantar et al., arXiv 2210.17323) and
 * coordinate descent on the same objective (as QuantEase, arXiv 2309.01885), both for scales that are given.
 *
 *   minimize over integers q:  ‖(w − ŵ) X‖² = (w − ŵ) H (w − ŵ)ᵀ for every row w,  ŵ = scale * multiplier * q
 *
 * Includes: formats/weights.h, quant/hessian.h. Called by: quant/calibrated.c. */
#ifndef TB_QUANT_GPTQ_H
#define TB_QUANT_GPTQ_H

#include "formats/weights.h"
#include "quant/hessian.h"

/* H with its damping, its factor, and the order in which columns are rounded. */
typedef struct tb_curvature {
    size_t n;
    double *h;      /* [n][n], with the damping on its diagonal */
    double *unit;   /* [n][n] lower triangle: L of H in the order `column`, each column divided by its diagonal */
    size_t *column; /* [n] columns by rising diagonal of H: GPTQ rounds them from the last to the first */
    double damping; /* what was added, as a part of the mean diagonal */
} tb_curvature;

/* damping: of the mean diagonal (0.01 in the paper); multiplied by ten until H can be factored. An H of zeros becomes
 * the identity. */
timbang_status tb_curvature_make(const tb_hessian *hessian, double damping, tb_pool *pool, tb_curvature *out,
                                 tb_error *err);
void tb_curvature_free(tb_curvature *curvature); /* a zeroed struct is fine */

/* weight: of kind S4, S8 or S4_ROW with scale (and multiplier) given and q to be filled, rows x curvature->n; w its
 * values. GPTQ: columns by falling diagonal of H ("static order": the groups stay those of the file), each rounded to
 * nearest after what the earlier ones did wrong has been made up for. With H = L Lᵀ in that order, last column first,
 *   target_k = w_k + Σ_{j rounded before} (w_j − ŵ_j) L_jk / L_kk,
 * which equals the paper's update by the Cholesky factor of the inverse (its equation 4) without an inverse. */
timbang_status tb_gptq_round(const tb_curvature *curvature, const float *w, tb_weight *weight, tb_pool *pool,
                             tb_error *err);

/* From the integers in weight->q on: every column in turn, by falling diagonal of H, takes the integer that is best
 * given all others, until nothing changes or `sweeps` are done. The objective never rises. *before and *after (NULL is
 * fine): its sums over rows. */
timbang_status tb_descent_round(const tb_curvature *curvature, const float *w, tb_weight *weight, size_t sweeps,
                                tb_pool *pool, double *before, double *after, tb_error *err);

/* Scales anew for the integers in weight->q: of each row the one with the least objective, as the format stores it (4
 * bits: at most 20 significant bits, so that its products with multipliers stay exact). Not for one scale a tensor. */
timbang_status tb_refit_scales(const tb_curvature *curvature, const float *w, tb_weight *weight, tb_pool *pool,
                               tb_error *err);

#endif
