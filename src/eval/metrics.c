/* SPDX-License-Identifier: Apache-2.0
 * Figures of one classifier on labelled texts: accuracy, F1, calibration.
 * Includes: eval/metrics.h, libm (figures only, never the engine). Called by: study, api. */
#include "eval/metrics.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void tb_softmax_double(const float *logits, size_t n, double *probs)
{
    if (n == 0)
        return;
    double max = logits[0], sum = 0;
    for (size_t i = 1; i < n; i++)
        max = logits[i] > max ? logits[i] : max;
    for (size_t i = 0; i < n; i++) {
        probs[i] = exp((double)logits[i] - max);
        sum += probs[i];
    }
    for (size_t i = 0; i < n; i++)
        probs[i] /= sum;
}

size_t tb_argmax_f32(const float *x, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        if (x[i] > x[best])
            best = i;
    return best;
}

static size_t argmax(const double *x, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        if (x[i] > x[best])
            best = i;
    return best;
}

/* Bin of a confidence: (b / bins, (b + 1) / bins], as in Guo et al. 2017; 0 goes to the first bin. */
static size_t confidence_bin(double confidence)
{
    size_t b = 0;
    while (b + 1 < TB_ECE_BINS && confidence > (double)(b + 1) / TB_ECE_BINS)
        b++;
    return b;
}

static timbang_status check_rows(const double *probs, const int32_t *truth, size_t n, size_t n_classes, tb_error *err)
{
    if (n == 0)
        return tb_fail(err, TIMBANG_DATA, "there are no rows to evaluate");
    if (n_classes == 0 || n_classes > TB_MAX_CLASSES)
        return tb_fail(err, TIMBANG_UNSUPPORTED, "%zu classes; 1 to %d are supported", n_classes, TB_MAX_CLASSES);
    for (size_t i = 0; i < n; i++) {
        if (truth[i] < 0 || (size_t)truth[i] >= n_classes)
            return tb_fail(err, TIMBANG_INTERNAL, "row %zu has the class %d of %zu", i, (int)truth[i], n_classes);
        for (size_t c = 0; c < n_classes; c++)
            if (!(probs[i * n_classes + c] >= 0 && probs[i * n_classes + c] <= 1 + 1e-9))
                return tb_fail(err, TIMBANG_INTERNAL, "row %zu has the probability %g", i, probs[i * n_classes + c]);
    }
    return TIMBANG_OK;
}

/* What is summed over the rows: confusion matrix, calibration bins, NLL and Brier. */
static void sum_rows(const double *probs, const int32_t *truth, size_t n, size_t n_classes, tb_figures *out)
{
    size_t bin_n[TB_ECE_BINS] = {0}, bin_right[TB_ECE_BINS] = {0};
    double bin_confidence[TB_ECE_BINS] = {0}, nll = 0, brier = 0, confidence_sum = 0;
    for (size_t i = 0; i < n; i++) {
        const double *p = probs + i * n_classes;
        size_t t = (size_t)truth[i], predicted = argmax(p, n_classes);
        out->confusion[t * n_classes + predicted]++;
        out->correct += predicted == t;

        size_t bin = confidence_bin(p[predicted]);
        bin_n[bin]++;
        bin_right[bin] += predicted == t;
        bin_confidence[bin] += p[predicted];
        confidence_sum += p[predicted];

        nll -= log(p[t] > DBL_EPSILON ? p[t] : DBL_EPSILON);
        for (size_t c = 0; c < n_classes; c++) {
            double d = p[c] - (c == t ? 1 : 0);
            brier += d * d;
        }
    }
    double gap = 0;
    for (size_t b = 0; b < TB_ECE_BINS; b++)
        gap += fabs((double)bin_right[b] - bin_confidence[b]);
    out->ece = gap / (double)n;
    out->nll = nll / (double)n;
    out->brier = brier / (double)n;
    out->mean_confidence = confidence_sum / (double)n;
}

static void class_figures(tb_figures *out)
{
    size_t k = out->n_classes, present = 0, majority = 0;
    double macro = 0, weighted = 0;
    for (size_t c = 0; c < k; c++) {
        tb_class_figures *f = &out->per_class[c];
        size_t hit = out->confusion[c * k + c];
        for (size_t j = 0; j < k; j++) {
            f->support += out->confusion[c * k + j];
            f->predicted += out->confusion[j * k + c];
        }
        f->precision = f->predicted ? (double)hit / (double)f->predicted : 0;
        f->recall = f->support ? (double)hit / (double)f->support : 0;
        f->f1 = f->predicted + f->support ? 2 * (double)hit / (double)(f->predicted + f->support) : 0;
        if (f->support > 0) {
            present++;
            macro += f->f1;
            weighted += f->f1 * (double)f->support;
        }
        majority = f->support > majority ? f->support : majority;
    }
    out->macro_f1 = macro / (double)present;
    out->weighted_f1 = weighted / (double)out->n;
    out->majority_accuracy = (double)majority / (double)out->n;
}

timbang_status tb_figures_compute(const double *probs, const int32_t *truth, size_t n, size_t n_classes,
                                  tb_figures *out, tb_error *err)
{
    TB_TRY(check_rows(probs, truth, n, n_classes, err));
    tb_figures figures = {.n = n, .n_classes = n_classes};
    figures.per_class = tb_calloc(n_classes, sizeof *figures.per_class, err);
    figures.confusion = tb_calloc(n_classes * n_classes, sizeof *figures.confusion, err);
    if (!figures.per_class || !figures.confusion) {
        tb_figures_free(&figures);
        return err->status;
    }
    sum_rows(probs, truth, n, n_classes, &figures);
    class_figures(&figures);
    figures.accuracy = (double)figures.correct / (double)n;
    tb_wilson(figures.correct, n, &figures.accuracy_low, &figures.accuracy_high);
    *out = figures;
    return TIMBANG_OK;
}

void tb_figures_free(tb_figures *figures)
{
    if (!figures)
        return;
    free(figures->per_class);
    free(figures->confusion);
    memset(figures, 0, sizeof *figures);
}

void tb_wilson(size_t successes, size_t n, double *low, double *high)
{
    const double z = 1.959963984540054; /* the normal quantile at 0.975 */
    if (n == 0) {
        *low = 0;
        *high = 1;
        return;
    }
    double count = (double)n, p = (double)successes / count;
    double denominator = 1 + z * z / count;
    double centre = (p + z * z / (2 * count)) / denominator;
    double half = z * sqrt(p * (1 - p) / count + z * z / (4 * count * count)) / denominator;
    *low = centre - half > 0 ? centre - half : 0;
    *high = centre + half < 1 ? centre + half : 1;
}
