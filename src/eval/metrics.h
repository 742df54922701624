/* Figures of a classifier on labelled texts, in double, checked against scikit-learn and SciPy.
 * Includes: base. Called by: study, api. */
#ifndef TB_EVAL_METRICS_H
#define TB_EVAL_METRICS_H

#include "base/mem.h"

enum { TB_MAX_CLASSES = 256, TB_ECE_BINS = 15 };

typedef struct tb_class_figures {
    double precision, recall, f1; /* 0 where undefined, as scikit-learn's zero_division=0 */
    size_t support, predicted;
} tb_class_figures;

/* What follows from a confusion matrix alone. */
typedef struct tb_confusion_figures {
    size_t n, correct;
    double accuracy;
    double macro_precision, macro_recall, macro_f1; /* over the classes present in the truth */
    double weighted_precision, weighted_recall, weighted_f1;
    double mcc; /* Gorodkin's R_K, scikit-learn's matthews_corrcoef; 0 where undefined */
} tb_confusion_figures;
/* confusion [truth][predicted]; classes [n_classes] is filled where it is not NULL. At least one count is not 0. */
void tb_confusion_compute(const size_t *confusion, size_t n_classes, tb_class_figures *classes,
                          tb_confusion_figures *out);

typedef struct tb_figures {
    size_t n, n_classes, correct;
    double accuracy, accuracy_low, accuracy_high; /* Wilson, 95 % */
    double macro_f1;                              /* over the classes present in the truth */
    double weighted_f1;
    double macro_precision, macro_recall, weighted_precision, weighted_recall, mcc;
    double majority_accuracy; /* of always saying the most frequent true class */
    double ece, nll, brier;   /* TB_ECE_BINS equal-width bins of confidence; NLL with probabilities clipped at 2^-52, as
                                 scikit-learn's log_loss; Brier: sum over classes, mean over texts */
    double mean_confidence, confidence_sd; /* confidence: the largest probability; sd with n - 1, 0 for one text */
    size_t overconfident_errors;           /* wrong with a confidence of 0.9 or more */
    tb_class_figures *per_class;           /* [n_classes] */
    size_t *confusion;                     /* [truth][predicted] */
} tb_figures;

/* probs [n][n_classes], rows sum to 1; truth[i] in 0..n_classes-1; pred = first argmax of probs. */
timbang_status tb_figures_compute(const double *probs, const int32_t *truth, size_t n, size_t n_classes,
                                  tb_figures *out, tb_error *err);
void tb_figures_free(tb_figures *figures);

/* What is kept of each text when its probabilities are gone. */
typedef struct tb_outcomes {
    size_t n;
    uint8_t *predicted; /* [n] class */
    double *confidence; /* [n] its probability */
} tb_outcomes;
void tb_outcomes_free(tb_outcomes *outcomes); /* a zeroed struct is fine */

/* Fills the probabilities of one row [n_classes] and returns the predicted class. */
typedef size_t (*tb_probs_fn)(const void *arg, size_t row, double *probs);
/* Like tb_figures_compute with rows that are made one at a time. outcomes may be NULL. */
timbang_status tb_figures_stream(tb_probs_fn probs, const void *arg, const int32_t *truth, size_t n, size_t n_classes,
                                 tb_figures *out, tb_outcomes *outcomes, tb_error *err);

/* Two classifiers on the same texts; a is the baseline (FP32). truth may be NULL. */
typedef struct tb_comparison {
    size_t n, agree;
    double agreement, mean_kl; /* KL(a || b) of the probabilities, natural log, mean over texts */
    double max_abs_dlogit;
    size_t right_to_wrong, wrong_to_right, wrong_to_other; /* with truth */
    double mcnemar_p;      /* exact, two-sided binomial on the discordant pairs; 1 where none */
    double delta_accuracy; /* b - a */
} tb_comparison;
void tb_compare(const float *logits_a, const float *logits_b, const int32_t *truth, size_t n, size_t n_classes,
                tb_comparison *out);
/* The same in pieces: out starts as zeros, rows are added in order, and the end makes means of sums. */
void tb_compare_rows(const float *logits_a, const float *logits_b, const int32_t *truth, size_t n, size_t n_classes,
                     tb_comparison *out);
void tb_compare_end(tb_comparison *out);

void tb_softmax_double(const float *logits, size_t n, double *probs);
/* Softmax of doubles; out may be x. */
void tb_softmax(const double *x, size_t n, double *out);
size_t tb_argmax_f32(const float *x, size_t n);                        /* first of equals */
void tb_wilson(size_t successes, size_t n, double *low, double *high); /* 95 % */
double tb_binomial_two_sided_half(size_t k, size_t n);                 /* exact p of k of n at 1/2: min(1, 2 * tail) */

/* When another order of the labels fits the data far better: accuracy under the best permutation (exact, by the
 * Hungarian method). order[j]: what the model calls label j seems to be label order[j]. True, with order and accuracy
 * set, when it beats identity by more than 0.2 and by exact binomial p < 1e-6. */
bool tb_better_label_order(const size_t *confusion, size_t n_classes, size_t *order, double *accuracy);

/* Quantile q in [0, 1] of ascending values, linear between order statistics (NumPy's default, type 7 of Hyndman and Fan
 * 1996). n > 0. */
double tb_quantile_sorted(const double *sorted, size_t n, double q);
void tb_sort_doubles(double *values, size_t n); /* ascending; no NaN */

/* Order statistics of timings: sorts a copy. */
typedef struct tb_timing {
    size_t n;
    double mean, sd, median, p10, p90, p99, min, max;
} tb_timing;
timbang_status tb_timing_compute(const double *ms, size_t n, tb_timing *out, tb_error *err);

#endif
