/* Is a confidence of 0.8 right in 80 % of the texts? Reliability bins, expected calibration error, temperature.
 * Includes: eval/metrics.h. Called by: eval/metrics, study. */
#ifndef TB_EVAL_CALIBRATION_H
#define TB_EVAL_CALIBRATION_H

#include "eval/metrics.h"

typedef struct tb_bin {
    double low, high; /* of confidence */
    size_t n, right;
    double confidence; /* sum over its texts */
} tb_bin;

/* Bins (b / 15, (b + 1) / 15], as in Guo et al. 2017; a confidence of 0 goes to the first. */
void tb_bins_equal_width(const tb_outcomes *outcomes, const int32_t *truth, tb_bin bins[TB_ECE_BINS]);
/* Bin b holds ranks floor(b n / 15) to floor((b + 1) n / 15) - 1 of the confidences in ascending order, ties by row
 * (adaptive ECE of Nixon et al. 2019). low and high: smallest and largest confidence; 0 in an empty bin. */
timbang_status tb_bins_equal_mass(const tb_outcomes *outcomes, const int32_t *truth, tb_bin bins[TB_ECE_BINS],
                                  tb_error *err);
double tb_bins_ece(const tb_bin bins[TB_ECE_BINS], size_t n); /* gaps weighted by their texts */
double tb_bins_mce(const tb_bin bins[TB_ECE_BINS]);           /* largest gap of a bin that is not empty */

/* Fills the logits of one row, [n_classes]. */
typedef void (*tb_logits_fn)(const void *arg, size_t row, double *logits);
typedef struct tb_temperature {
    double value;
    bool at_bound; /* the best would lie beyond 0.05 or 20 */
} tb_temperature;
/* The temperature that minimizes the mean NLL of softmax(logits / T) (Guo et al. 2017), T in [0.05, 20]. NLL is convex
 * in 1 / T, so its slope has one root, which Newton's steps within a bracket find to the last digits; a search on NLL
 * itself could not, as it is flat there. 1 where no temperature changes anything (all logits of each text are equal).
 */
void tb_temperature_fit(tb_logits_fn logits, const void *arg, const int32_t *truth, size_t n, size_t n_classes,
                        tb_temperature *out);

#endif
