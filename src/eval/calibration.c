/* SPDX-License-Identifier: Apache-2.0
 * Reliability bins and temperature scaling.
 * Includes: eval/calibration.h, eval/special.h. Called by: eval/metrics, study. */
#include "eval/calibration.h"

#include "eval/special.h"

#include <stdlib.h>

static void add(tb_bin *bin, double confidence, bool right)
{
    bin->n++;
    bin->right += right;
    bin->confidence += confidence;
}

static bool is_right(const tb_outcomes *outcomes, const int32_t *truth, size_t i)
{
    return (int32_t)outcomes->predicted[i] == truth[i];
}

/* ---- Bins ---- */

static size_t bin_of(double confidence)
{
    size_t b = 0;
    while (b + 1 < TB_ECE_BINS && confidence > (double)(b + 1) / TB_ECE_BINS)
        b++;
    return b;
}

void tb_bins_equal_width(const tb_outcomes *outcomes, const int32_t *truth, tb_bin bins[TB_ECE_BINS])
{
    for (size_t b = 0; b < TB_ECE_BINS; b++)
        bins[b] = (tb_bin){.low = (double)b / TB_ECE_BINS, .high = (double)(b + 1) / TB_ECE_BINS};
    for (size_t i = 0; i < outcomes->n; i++)
        add(&bins[bin_of(outcomes->confidence[i])], outcomes->confidence[i], is_right(outcomes, truth, i));
}

typedef struct ranked {
    double confidence;
    size_t row;
} ranked;

static int by_confidence(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->confidence < y->confidence || x->confidence > y->confidence)
        return x->confidence < y->confidence ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

timbang_status tb_bins_equal_mass(const tb_outcomes *outcomes, const int32_t *truth, tb_bin bins[TB_ECE_BINS],
                                  tb_error *err)
{
    size_t n = outcomes->n;
    ranked *order = tb_calloc(n, sizeof *order, err);
    if (!order)
        return err->status;
    for (size_t i = 0; i < n; i++)
        order[i] = (ranked){outcomes->confidence[i], i};
    qsort(order, n, sizeof *order, by_confidence);
    for (size_t b = 0; b < TB_ECE_BINS; b++) {
        size_t begin = b * n / TB_ECE_BINS, end = (b + 1) * n / TB_ECE_BINS;
        bins[b] = (tb_bin){0};
        for (size_t r = begin; r < end; r++)
            add(&bins[b], order[r].confidence, is_right(outcomes, truth, order[r].row));
        if (begin < end) {
            bins[b].low = order[begin].confidence;
            bins[b].high = order[end - 1].confidence;
        }
    }
    free(order);
    return TIMBANG_OK;
}

double tb_bins_ece(const tb_bin bins[TB_ECE_BINS], size_t n)
{
    double gap = 0;
    for (size_t b = 0; b < TB_ECE_BINS; b++)
        gap += __builtin_fabs((double)bins[b].right - bins[b].confidence);
    return gap / (double)n;
}

double tb_bins_mce(const tb_bin bins[TB_ECE_BINS])
{
    double largest = 0;
    for (size_t b = 0; b < TB_ECE_BINS; b++) {
        double gap = bins[b].n ? __builtin_fabs((double)bins[b].right - bins[b].confidence) / (double)bins[b].n : 0;
        largest = gap > largest ? gap : largest;
    }
    return largest;
}

/* ---- Temperature ---- */

typedef struct fit {
    tb_logits_fn logits;
    const void *arg;
    const int32_t *truth;
    size_t n, n_classes;
} fit;

/* The slope of the summed NLL in beta = 1 / T: the logit that is expected minus that of the truth. curvature: its own
 * slope, the variance of the logit. */
static double slope(const fit *f, double beta, double *curvature)
{
    double x[TB_MAX_CLASSES], sum = 0;
    *curvature = 0;
    for (size_t i = 0; i < f->n; i++) {
        f->logits(f->arg, i, x);
        double max = x[0], norm = 0, expected = 0, squares = 0, truth = x[f->truth[i]];
        for (size_t c = 1; c < f->n_classes; c++)
            max = x[c] > max ? x[c] : max;
        for (size_t c = 0; c < f->n_classes; c++) {
            double weight = tb_exp64(beta * (x[c] - max)), distance = x[c] - truth;
            norm += weight;
            expected += weight * distance;
            squares += weight * distance * distance;
        }
        expected /= norm;
        sum += expected;
        *curvature += squares / norm - expected * expected;
    }
    return sum;
}

void tb_temperature_fit(tb_logits_fn logits, const void *arg, const int32_t *truth, size_t n, size_t n_classes,
                        tb_temperature *out)
{
    const fit f = {logits, arg, truth, n, n_classes};
    double low = 0.05, high = 20, curvature; /* of beta; the slope rises with it, so that its root lies between */
    double at_low = slope(&f, low, &curvature), at_high = slope(&f, high, &curvature);
    bool flat = at_low == 0 && at_high == 0;
    *out = (tb_temperature){.value = flat ? 1 : at_low >= 0 ? 20 : 0.05, .at_bound = !flat};
    if (flat || at_low >= 0 || at_high <= 0)
        return;
    double beta = 1;
    for (int i = 0; i < 200; i++) { /* Newton's steps; where one leaves the bracket, its middle */
        double here = slope(&f, beta, &curvature);
        if (here < 0)
            low = beta;
        else
            high = beta;
        double next = curvature > 0 ? beta - here / curvature : low;
        if (!(next > low && next < high))
            next = __builtin_sqrt(low * high);
        double step = __builtin_fabs(next - beta);
        beta = next;
        if (step <= 4e-16 * beta || next <= low || next >= high)
            break;
    }
    *out = (tb_temperature){.value = 1 / beta, .at_bound = false};
}
