/* Cross-entropy by rows. What reaches the derivative is tb_exp and plain operations; sums over the classes have the 16
 * lanes and the tree of docs/numerics.md. Includes: model/loss.h. Called by: train. */
#include "model/loss.h"

#include <math.h>
#include <string.h>

static double weight_of(const tb_cross_entropy *loss, size_t class)
{
    return loss->class_weights ? (double)loss->class_weights[class] : 1;
}

double tb_cross_entropy_denominator(const tb_cross_entropy *loss, const int32_t *truth, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += weight_of(loss, (size_t)truth[i]);
    return sum;
}

void tb_balanced_weights(const int32_t *truth, size_t n, size_t n_classes, float *weights)
{
    for (size_t c = 0; c < n_classes; c++) {
        size_t rows = 0;
        for (size_t i = 0; i < n; i++)
            rows += (size_t)truth[i] == c;
        weights[c] = rows > 0 ? (float)((double)n / ((double)n_classes * (double)rows)) : 0;
    }
}

/* A vocabulary has tens of thousands of classes: the level's range, which counts 0 as a value, does all but rows
 * without a positive one. */
static float largest(const tb_kernels *kernels, const float *x, size_t n)
{
    float low, high, top = -INFINITY;
    kernels->range(x, n, 1, n, &low, &high);
    if (high > 0)
        return high;
    for (size_t j = 0; j < n; j++)
        top = x[j] > top ? x[j] : top;
    return top;
}

static void scale(float *x, size_t n, float by)
{
    size_t j = 0;
    for (; j + 16 <= n; j += 16)
        for (size_t i = 0; i < 16; i++) /* a known number: compilers make vectors of it */
            x[j + i] = x[j + i] * by;
    for (; j < n; j++)
        x[j] = x[j] * by;
}

void tb_softened(const float *x, size_t n, size_t n_classes, double temperature, float *y)
{
    if (y != x)
        memcpy(y, x, n * n_classes * sizeof *y);
    tb_kernels_ref.softmax(y, n_classes, n, n_classes, (float)(1 / temperature));
}

/* What a row's loss needs of its logits, taken before the softmax overwrites them. */
struct taken {
    float top, own; /* the largest, the true class's */
    double smooth;  /* sum over c of w[c] x[c], where labels are smoothed */
    double weights; /* sum over c of w[c] */
};

static struct taken take(const tb_cross_entropy *loss, const tb_kernels *kernels, size_t class, const float *x)
{
    struct taken t = {.top = largest(kernels, x, loss->n_classes), .own = x[class]};
    for (size_t c = 0; loss->label_smoothing > 0 && c < loss->n_classes; c++) {
        t.smooth += weight_of(loss, c) * (double)x[c];
        t.weights += weight_of(loss, c);
    }
    return t;
}

/* One row of CE, times share: d holds the softmax p and becomes the derivative. The true class's part of the targets is
 * hard, every class's part soft * w[c]; their sum stands before p. */
static void hard_row(const tb_cross_entropy *loss, const tb_kernels *kernels, size_t class, const struct taken *t,
                     double share, float *d, double *value)
{
    double own = weight_of(loss, class), smoothing = loss->label_smoothing;
    double hard = (1 - smoothing) * own, soft = smoothing / (double)loss->n_classes;
    /* log of the sum of exp(x[c]): of the largest logit p is 1 / sum of exp(x[c] - top) */
    double total = (double)t->top - log((double)largest(kernels, d, loss->n_classes));
    *value += share * (hard * (total - (double)t->own) + soft * (total * t->weights - t->smooth));
    float before = (float)((hard + soft * t->weights) * share);
    scale(d, loss->n_classes, before);
    for (size_t c = 0; smoothing > 0 && c < loss->n_classes; c++)
        d[c] = d[c] - (float)(soft * weight_of(loss, c) * share);
    d[class] = d[class] - (float)(hard * share);
}

/* sum16 of exp(x * s - top), as the softmax kernel has it. */
static float sum_of_exp(const float *x, size_t n, float s, float top)
{
    float lane[16] = {0};
    for (size_t j = 0; j < n; j++)
        lane[j % 16] += tb_exp(x[j] * s - top);
    for (size_t half = 8; half > 0; half /= 2)
        for (size_t i = 0; i < half; i++)
            lane[i] = lane[i] + lane[i + half];
    return lane[0];
}

/* soft_weight T^2 KL(q || p_T) / n_rows of one row; its derivative is soft_weight T (p_T - q) / n_rows. Both softmaxes
 * come from the same logits, which d may lie on, so they are made value by value. */
static void both_row(const tb_cross_entropy *loss, size_t class, const struct taken *t, double share, const float *q,
                     const float *x, float *d, double *value)
{
    size_t n = loss->n_classes;
    double rows = (double)loss->n_rows, T = loss->temperature, smoothing = loss->label_smoothing;
    double own = weight_of(loss, class), hard = (1 - smoothing) * own, soft = smoothing / (double)n;
    float s = (float)(1 / T), top = t->top, top_soft = t->top * s;
    float sum = sum_of_exp(x, n, 1, top), sum_soft = sum_of_exp(x, n, s, top_soft);
    double total = (double)top + log((double)sum), total_soft = (double)top_soft + log((double)sum_soft), kl = 0;
    for (size_t c = 0; c < n; c++)
        if (q[c] > 0)
            kl += (double)q[c] * (log((double)q[c]) - ((double)(x[c] * s) - total_soft));
    *value += share * (hard * (total - (double)t->own) + soft * (total * t->weights - t->smooth));
    *value += loss->soft_weight * T * T / rows * kl;
    float inverse = 1 / sum, inverse_soft = 1 / sum_soft, before = (float)((hard + soft * t->weights) * share);
    float factor = (float)(loss->soft_weight * T / rows);
    for (size_t c = 0; c < n; c++) {
        float p = tb_exp(x[c] - top) * inverse, p_soft = tb_exp(x[c] * s - top_soft) * inverse_soft;
        float target = (float)((soft * weight_of(loss, c) + (c == class ? hard : 0)) * share);
        d[c] = (p * before - target) + (p_soft - q[c]) * factor;
    }
}

void tb_cross_entropy_rows(const tb_cross_entropy *loss, const int32_t *truth, size_t first, size_t n,
                           const float *logits, float *dlogits, double *value)
{
    const tb_kernels *kernels = loss->kernels ? loss->kernels : &tb_kernels_ref;
    size_t n_classes = loss->n_classes;
    double share = loss->denominator > 0 ? (1 - (loss->soft ? loss->soft_weight : 0)) / loss->denominator : 0;
    for (size_t i = 0; i < n; i++) {
        const float *x = logits + i * n_classes;
        float *d = dlogits + i * n_classes;
        size_t class = (size_t)truth[first + i], at = loss->soft_rows ? loss->soft_rows[first + i] : first + i;
        struct taken t = take(loss, kernels, class, x);
        if (loss->soft) {
            both_row(loss, class, &t, share, loss->soft + at * n_classes, x, d, value);
            continue;
        }
        if (d != x)
            memcpy(d, x, n_classes * sizeof *d);
        kernels->softmax(d, n_classes, 1, n_classes, 1);
        hard_row(loss, kernels, class, &t, share, d, value);
    }
}
