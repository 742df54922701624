/* Cross-entropy by rows, forward and back: class weights, label smoothing, a teacher's soft targets.
 * Includes: kernels. Called by: train. */
#ifndef TB_MODEL_LOSS_H
#define TB_MODEL_LOSS_H

#include "kernels/kernels.h"

/* The loss of a step, as torch.nn.CrossEntropyLoss(weight=, label_smoothing=) with reduction "mean":
 *   CE = sum over rows of [(1 - s) w[y] (-log p[y]) + s / n_classes * sum over c of w[c] (-log p[c])] / denominator
 * and with soft targets q at temperature T (Hinton et al. 2015, arXiv 1503.02531), p_T = softmax(logits / T):
 *   (1 - soft_weight) CE + soft_weight T^2 / n_rows * sum over rows of KL(q || p_T) */
typedef struct tb_cross_entropy {
    size_t n_classes;
    const float *class_weights; /* [n_classes], or NULL: 1 */
    double label_smoothing;     /* 0 <= s < 1 */
    const float *soft;          /* [.][n_classes] probabilities of the teacher at the temperature, or NULL: none */
    const size_t *soft_rows;    /* the row of soft for row i of the batch; NULL: row i */
    double soft_weight, temperature;
    double denominator;        /* tb_cross_entropy_denominator over all rows of the step */
    size_t n_rows;             /* of the step; wanted with soft targets alone */
    const tb_kernels *kernels; /* NULL: tb_kernels_ref, the same bits */
} tb_cross_entropy;

/* Sum of the weights of n rows: of the whole step, which may be several batches. */
double tb_cross_entropy_denominator(const tb_cross_entropy *loss, const int32_t *truth, size_t n);

/* Rows [first, first + n) of a batch: adds their part of the loss to *value and writes its derivative by the logits.
 * truth: of the whole batch. logits, dlogits [n][n_classes] are these rows' alone and may be the same memory. The
 * derivative has the same bits on every machine; the value goes through the C library's log. A denominator of 0 (every
 * row's class has weight 0) gives 0. Nothing is allocated; several threads may have rows of their own. */
void tb_cross_entropy_rows(const tb_cross_entropy *loss, const int32_t *truth, size_t first, size_t n,
                           const float *logits, float *dlogits, double *value);

/* y[i] = softmax(x[i] / temperature), n_classes a row, as the loss makes p_T; they may be the same memory. */
void tb_softened(const float *x, size_t n, size_t n_classes, double temperature, float *y);

/* n / (n_classes * rows of the class), as scikit-learn's class_weight="balanced"; 0 for a class without rows. */
void tb_balanced_weights(const int32_t *truth, size_t n, size_t n_classes, float *weights);

#endif
