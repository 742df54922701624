/* SPDX-License-Identifier: Apache-2.0
 * Two classifiers on the same texts: agreement, divergence, flips, the exact McNemar test.
 * Includes: eval/metrics.h, eval/special.h. Called by: study, api. */
#include "eval/metrics.h"

#include "eval/special.h"

#include <math.h>

/* log of the sum of exponentials: the normalizer of log-softmax. */
static double log_sum_exp(const float *x, size_t n)
{
    double max = x[0], sum = 0;
    for (size_t i = 1; i < n; i++)
        max = x[i] > max ? x[i] : max;
    for (size_t i = 0; i < n; i++)
        sum += tb_exp64((double)x[i] - max);
    return max + tb_ln(sum);
}

static double kl_divergence(const float *a, const float *b, size_t n)
{
    double norm_a = log_sum_exp(a, n), norm_b = log_sum_exp(b, n), kl = 0;
    for (size_t i = 0; i < n; i++) {
        double log_pa = (double)a[i] - norm_a, log_pb = (double)b[i] - norm_b;
        kl += tb_exp64(log_pa) * (log_pa - log_pb);
    }
    return kl > 0 ? kl : 0;
}

void tb_compare_rows(const float *logits_a, const float *logits_b, const int32_t *truth, size_t n, size_t n_classes,
                     tb_comparison *out)
{
    out->n += n;
    for (size_t i = 0; i < n; i++) {
        const float *a = logits_a + i * n_classes, *b = logits_b + i * n_classes;
        for (size_t c = 0; c < n_classes; c++) {
            double d = fabs((double)a[c] - (double)b[c]);
            out->max_abs_dlogit = d > out->max_abs_dlogit ? d : out->max_abs_dlogit;
        }
        out->mean_kl += kl_divergence(a, b, n_classes);
        size_t pa = tb_argmax_f32(a, n_classes), pb = tb_argmax_f32(b, n_classes);
        out->agree += pa == pb;
        if (!truth || pa == pb)
            continue;
        if (pa == (size_t)truth[i])
            out->right_to_wrong++;
        else if (pb == (size_t)truth[i])
            out->wrong_to_right++;
        else
            out->wrong_to_other++;
    }
}

void tb_compare_end(tb_comparison *out)
{
    size_t discordant = out->right_to_wrong + out->wrong_to_right;
    out->mcnemar_p = tb_binomial_two_sided_half(out->right_to_wrong, discordant);
    if (out->n == 0)
        return;
    out->agreement = (double)out->agree / (double)out->n;
    out->mean_kl /= (double)out->n;
    out->delta_accuracy = ((double)out->wrong_to_right - (double)out->right_to_wrong) / (double)out->n;
}

void tb_compare(const float *logits_a, const float *logits_b, const int32_t *truth, size_t n, size_t n_classes,
                tb_comparison *out)
{
    *out = (tb_comparison){0};
    if (n_classes > 0)
        tb_compare_rows(logits_a, logits_b, truth, n, n_classes, out);
    tb_compare_end(out);
}

double tb_binomial_two_sided_half(size_t k, size_t n)
{
    if (n == 0)
        return 1;
    if (k > n - k)
        k = n - k;
    /* Binomial coefficients summed upwards, both numbers scaled by 2^-exponent so that nothing overflows. */
    double term = 1, sum = 1;
    long exponent = 0;
    for (size_t i = 0; i < k; i++) {
        term = term * (double)(n - i) / (double)(i + 1);
        sum += term;
        if (term > 0x1p+600 || sum > 0x1p+600) {
            term *= 0x1p-600;
            sum *= 0x1p-600;
            exponent += 600;
        }
    }
    double p = 0; /* 2 * sum * 2^(exponent - n) */
    long shift = exponent - (long)n + 1;
    if (shift > -2000)
        p = ldexp(sum, (int)shift);
    return p < 1 ? p : 1;
}
