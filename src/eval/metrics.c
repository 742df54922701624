/* SPDX-License-Identifier: Apache-2.0
 * Figures of one classifier on labelled texts: accuracy, F1, calibration.
 * Includes: eval/metrics.h, eval/special.h. Called by: study, api. */
#include "eval/metrics.h"

#include "eval/calibration.h"
#include "eval/special.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

static const double sure = 0.9; /* a wrong label with this confidence is an overconfident error */

void tb_softmax(const double *x, size_t n, double *out)
{
    if (n == 0)
        return;
    double max = x[0], sum = 0;
    for (size_t i = 1; i < n; i++)
        max = x[i] > max ? x[i] : max;
    for (size_t i = 0; i < n; i++) {
        out[i] = tb_exp64(x[i] - max);
        sum += out[i];
    }
    for (size_t i = 0; i < n; i++)
        out[i] /= sum;
}

void tb_softmax_double(const float *logits, size_t n, double *probs)
{
    for (size_t i = 0; i < n; i++)
        probs[i] = (double)logits[i];
    tb_softmax(probs, n, probs);
}

size_t tb_argmax_f32(const float *x, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        if (x[i] > x[best])
            best = i;
    return best;
}

/* ---- From the confusion matrix ---- */

static double ratio(size_t part, size_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

/* Gorodkin 2004: the correlation of truth and prediction as indicator vectors. */
static double matthews(const size_t *support, const size_t *predicted, size_t k, size_t n, size_t correct)
{
    double total = (double)n, cross = 0, truths = 0, predictions = 0;
    for (size_t c = 0; c < k; c++) {
        cross += (double)support[c] * (double)predicted[c];
        truths += (double)support[c] * (double)support[c];
        predictions += (double)predicted[c] * (double)predicted[c];
    }
    double spread = (total * total - predictions) * (total * total - truths);
    return spread > 0 ? ((double)correct * total - cross) / __builtin_sqrt(spread) : 0;
}

void tb_confusion_compute(const size_t *confusion, size_t n_classes, tb_class_figures *classes,
                          tb_confusion_figures *out)
{
    size_t k = n_classes, support[TB_MAX_CLASSES] = {0}, predicted[TB_MAX_CLASSES] = {0}, present = 0;
    *out = (tb_confusion_figures){0};
    for (size_t t = 0; t < k; t++)
        for (size_t p = 0; p < k; p++) {
            support[t] += confusion[t * k + p];
            predicted[p] += confusion[t * k + p];
        }
    for (size_t c = 0; c < k; c++) {
        size_t hit = confusion[c * k + c];
        tb_class_figures f = {
            .precision = ratio(hit, predicted[c]),
            .recall = ratio(hit, support[c]),
            .f1 = ratio(2 * hit, predicted[c] + support[c]),
            .support = support[c],
            .predicted = predicted[c],
        };
        if (classes)
            classes[c] = f;
        out->n += support[c];
        out->correct += hit;
        if (support[c] == 0)
            continue;
        present++;
        out->macro_precision += f.precision;
        out->macro_recall += f.recall;
        out->macro_f1 += f.f1;
        out->weighted_precision += f.precision * (double)support[c];
        out->weighted_recall += f.recall * (double)support[c];
        out->weighted_f1 += f.f1 * (double)support[c];
    }
    if (out->n == 0)
        return;
    double n = (double)out->n, classes_present = (double)present;
    out->accuracy = (double)out->correct / n;
    out->macro_precision /= classes_present;
    out->macro_recall /= classes_present;
    out->macro_f1 /= classes_present;
    out->weighted_precision /= n;
    out->weighted_recall /= n;
    out->weighted_f1 /= n;
    out->mcc = matthews(support, predicted, k, out->n, out->correct);
}

/* ---- From the rows ---- */

static timbang_status check_row(const double *probs, int32_t truth, size_t row, size_t n_classes, tb_error *err)
{
    if (truth < 0 || (size_t)truth >= n_classes)
        return tb_fail(err, TIMBANG_INTERNAL, "row %zu has the class %d of %zu", row, (int)truth, n_classes);
    for (size_t c = 0; c < n_classes; c++)
        if (!(probs[c] >= 0 && probs[c] <= 1 + 1e-9))
            return tb_fail(err, TIMBANG_INTERNAL, "row %zu has the probability %g", row, probs[c]);
    return TIMBANG_OK;
}

typedef struct row_sums {
    double nll, brier;
} row_sums;

static void add_row(const double *p, size_t truth, size_t predicted, size_t n_classes, row_sums *sums, tb_figures *out)
{
    out->confusion[truth * n_classes + predicted]++;
    out->overconfident_errors += predicted != truth && p[predicted] >= sure;
    sums->nll -= tb_ln(p[truth] > DBL_EPSILON ? p[truth] : DBL_EPSILON);
    for (size_t c = 0; c < n_classes; c++) {
        double d = p[c] - (c == truth ? 1 : 0);
        sums->brier += d * d;
    }
}

static void put_confusion(tb_figures *out)
{
    tb_confusion_figures f;
    tb_confusion_compute(out->confusion, out->n_classes, out->per_class, &f);
    out->correct = f.correct;
    out->accuracy = f.accuracy;
    out->macro_f1 = f.macro_f1;
    out->weighted_f1 = f.weighted_f1;
    out->macro_precision = f.macro_precision;
    out->macro_recall = f.macro_recall;
    out->weighted_precision = f.weighted_precision;
    out->weighted_recall = f.weighted_recall;
    out->mcc = f.mcc;
    size_t majority = 0;
    for (size_t c = 0; c < out->n_classes; c++)
        majority = out->per_class[c].support > majority ? out->per_class[c].support : majority;
    out->majority_accuracy = (double)majority / (double)out->n;
    tb_wilson(out->correct, out->n, &out->accuracy_low, &out->accuracy_high);
}

static void put_confidence(const tb_outcomes *outcomes, const int32_t *truth, tb_figures *out)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < outcomes->n; i++)
        sum += outcomes->confidence[i];
    out->mean_confidence = sum / (double)outcomes->n;
    for (size_t i = 0; i < outcomes->n; i++) {
        double d = outcomes->confidence[i] - out->mean_confidence;
        squares += d * d;
    }
    out->confidence_sd = outcomes->n > 1 ? __builtin_sqrt(squares / (double)(outcomes->n - 1)) : 0;
    tb_bin bins[TB_ECE_BINS];
    tb_bins_equal_width(outcomes, truth, bins);
    out->ece = tb_bins_ece(bins, outcomes->n);
}

static timbang_status fill(tb_probs_fn probs, const void *arg, const int32_t *truth, tb_figures *out,
                           tb_outcomes *outcomes, tb_error *err)
{
    double row[TB_MAX_CLASSES];
    row_sums sums = {0};
    for (size_t i = 0; i < out->n; i++) {
        size_t predicted = probs(arg, i, row);
        TB_TRY(check_row(row, truth[i], i, out->n_classes, err));
        outcomes->predicted[i] = (uint8_t)predicted;
        outcomes->confidence[i] = row[predicted];
        add_row(row, (size_t)truth[i], predicted, out->n_classes, &sums, out);
    }
    out->nll = sums.nll / (double)out->n;
    out->brier = sums.brier / (double)out->n;
    put_confusion(out);
    put_confidence(outcomes, truth, out);
    return TIMBANG_OK;
}

static timbang_status allocate(tb_figures *figures, tb_outcomes *outcomes, tb_error *err)
{
    size_t k = figures->n_classes;
    figures->per_class = tb_calloc(k, sizeof *figures->per_class, err);
    figures->confusion = figures->per_class ? tb_calloc(k * k, sizeof *figures->confusion, err) : NULL;
    outcomes->predicted = figures->confusion ? tb_calloc(figures->n, sizeof *outcomes->predicted, err) : NULL;
    outcomes->confidence = outcomes->predicted ? tb_calloc(figures->n, sizeof *outcomes->confidence, err) : NULL;
    return outcomes->confidence ? TIMBANG_OK : err->status;
}

timbang_status tb_figures_stream(tb_probs_fn probs, const void *arg, const int32_t *truth, size_t n, size_t n_classes,
                                 tb_figures *out, tb_outcomes *outcomes, tb_error *err)
{
    if (n == 0)
        return tb_fail(err, TIMBANG_DATA, "there are no rows to evaluate");
    if (n_classes == 0 || n_classes > TB_MAX_CLASSES)
        return tb_fail(err, TIMBANG_UNSUPPORTED, "%zu classes; 1 to %d are supported", n_classes, TB_MAX_CLASSES);
    tb_figures figures = {.n = n, .n_classes = n_classes};
    tb_outcomes made = {.n = n};
    timbang_status status = allocate(&figures, &made, err);
    if (status == TIMBANG_OK)
        status = fill(probs, arg, truth, &figures, &made, err);
    if (status != TIMBANG_OK) {
        tb_figures_free(&figures);
        tb_outcomes_free(&made);
        return status;
    }
    *out = figures;
    if (outcomes)
        *outcomes = made;
    else
        tb_outcomes_free(&made);
    return TIMBANG_OK;
}

/* ---- From a matrix of probabilities ---- */

typedef struct matrix {
    const double *probs;
    size_t n_classes;
} matrix;

static size_t matrix_row(const void *arg, size_t row, double *probs)
{
    const matrix *m = arg;
    memcpy(probs, m->probs + row * m->n_classes, m->n_classes * sizeof *probs);
    size_t best = 0;
    for (size_t c = 1; c < m->n_classes; c++)
        if (probs[c] > probs[best])
            best = c;
    return best;
}

timbang_status tb_figures_compute(const double *probs, const int32_t *truth, size_t n, size_t n_classes,
                                  tb_figures *out, tb_error *err)
{
    matrix m = {probs, n_classes};
    return tb_figures_stream(matrix_row, &m, truth, n, n_classes, out, NULL, err);
}

void tb_figures_free(tb_figures *figures)
{
    if (!figures)
        return;
    free(figures->per_class);
    free(figures->confusion);
    memset(figures, 0, sizeof *figures);
}

void tb_outcomes_free(tb_outcomes *outcomes)
{
    free(outcomes->predicted);
    free(outcomes->confidence);
    memset(outcomes, 0, sizeof *outcomes);
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
    double half = z * __builtin_sqrt(p * (1 - p) / count + z * z / (4 * count * count)) / denominator;
    *low = centre - half > 0 ? centre - half : 0;
    *high = centre + half < 1 ? centre + half : 1;
}
