/* SPDX-License-Identifier: Apache-2.0
 * The figures of compare as JSON (docs/compare.md), and what they amount to in sentences.
 * Includes: study/compare_figures.h, study/record.h, eval/calibration.h. Called by: study/compare. */
#include "eval/calibration.h"
#include "study/compare_figures.h"
#include "study/record.h"

#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Members of one object; the first failure sticks. */
typedef struct members {
    json_t *object;
    bool failed;
} members;

static void put(members *m, const char *key, json_t *value)
{
    m->failed = json_object_set_new(m->object, key, value) != 0 || m->failed;
}

static void put_real(members *m, const char *key, double value)
{
    put(m, key, tb_json_real(value));
}

static void put_real_or_null(members *m, const char *key, double value, bool there)
{
    put(m, key, there ? tb_json_real(value) : json_null());
}

static void put_range(members *m, const char *key, double low, double high)
{
    put(m, key, json_pack("[f, f]", low, high));
}

static json_t *label_or_null(const char *label)
{
    return label ? json_string(label) : json_null();
}

/* ---- One entry ---- */

static void put_per_class(members *m, const tb_side *side)
{
    const tb_figures *f = &side->figures;
    members classes = {json_object(), false}, truth = {json_object(), false}, predicted = {json_object(), false};
    json_t *confusion = json_array();
    for (size_t c = 0; c < f->n_classes; c++) {
        const tb_class_figures *k = &f->per_class[c];
        const char *label = side->labels->names[c];
        put(&classes, label,
            json_pack("{s:f, s:f, s:f, s:o, s:o}", "precision", k->precision, "recall", k->recall, "f1", k->f1,
                      "support", tb_json_count(k->support), "predicted", tb_json_count(k->predicted)));
        put(&truth, label, tb_json_count(k->support));
        put(&predicted, label, tb_json_count(k->predicted));
        json_t *row = json_array();
        for (size_t p = 0; p < f->n_classes; p++)
            m->failed = json_array_append_new(row, tb_json_count(f->confusion[c * f->n_classes + p])) != 0 || m->failed;
        m->failed = json_array_append_new(confusion, row) != 0 || m->failed;
    }
    m->failed = m->failed || classes.failed || truth.failed || predicted.failed;
    put(m, "per_class", classes.object);
    put(m, "label_counts", truth.object);
    put(m, "predicted_counts", predicted.object);
    put(m, "confusion", confusion);
}

static void put_majority(members *m, const tb_side *side)
{
    const tb_figures *f = &side->figures;
    size_t best = 0;
    for (size_t c = 1; c < f->n_classes; c++)
        best = f->per_class[c].support > f->per_class[best].support ? c : best;
    put(m, "majority", json_pack("{s:s, s:f}", "label", side->labels->names[best], "accuracy", f->majority_accuracy));
}

/* null wherever the entry has no scores that it could be made of. */
static timbang_status put_calibration(members *m, const tb_side *side, tb_error *err)
{
    const tb_figures *f = &side->figures;
    bool confidence = tb_side_has_confidence(side), probs = tb_side_has_probs(side);
    tb_bin width[TB_ECE_BINS], mass[TB_ECE_BINS];
    tb_bins_equal_width(&side->outcomes, side->truth, width);
    TB_TRY(tb_bins_equal_mass(&side->outcomes, side->truth, mass, err));
    put_real_or_null(m, "mean_confidence", f->mean_confidence, confidence);
    put_real_or_null(m, "confidence_sd", f->confidence_sd, confidence);
    put_real_or_null(m, "ece", f->ece, confidence);
    put(m, "ece_bins", json_integer(TB_ECE_BINS));
    put_real_or_null(m, "ece_mass", tb_bins_ece(mass, f->n), confidence);
    put_real_or_null(m, "mce", tb_bins_mce(width), confidence);
    put(m, "overconfident_errors", confidence ? tb_json_count(f->overconfident_errors) : json_null());
    put_real_or_null(m, "nll", f->nll, probs);
    put_real_or_null(m, "brier", f->brier, probs);
    return TIMBANG_OK;
}

static json_t *interval_of(const tb_replicate *replicates, size_t n, size_t offset, double *scratch)
{
    for (size_t i = 0; i < n; i++)
        memcpy(&scratch[i], (const char *)&replicates[i] + offset, sizeof *scratch);
    tb_range r = tb_bootstrap_interval(scratch, n);
    return json_pack("[f, f]", r.low, r.high);
}

static timbang_status put_bootstrap(members *m, const tb_replicate *replicates, size_t n, tb_error *err)
{
    if (!replicates) {
        put(m, "bootstrap", json_null());
        return TIMBANG_OK;
    }
    double *scratch = tb_calloc(n, sizeof *scratch, err);
    if (!scratch)
        return TIMBANG_NO_MEMORY;
    put(m, "bootstrap",
        json_pack("{s:o, s:o, s:o, s:o}", "accuracy",
                  interval_of(replicates, n, offsetof(tb_replicate, accuracy), scratch), "macro_f1",
                  interval_of(replicates, n, offsetof(tb_replicate, macro_f1), scratch), "weighted_f1",
                  interval_of(replicates, n, offsetof(tb_replicate, weighted_f1), scratch), "mcc",
                  interval_of(replicates, n, offsetof(tb_replicate, mcc), scratch)));
    free(scratch);
    return TIMBANG_OK;
}

timbang_status tb_side_json(const tb_side *side, const tb_replicate *replicates, size_t n_replicates, json_t *into,
                            tb_error *err)
{
    static const char *const scores[] = {"none", "confidence", "probabilities", "logits"};
    const tb_figures *f = &side->figures;
    members m = {into, false};
    put(&m, "n", tb_json_count(f->n));
    put(&m, "correct", tb_json_count(f->correct));
    put_real(&m, "accuracy", f->accuracy);
    put_range(&m, "accuracy_interval", f->accuracy_low, f->accuracy_high);
    put_real(&m, "macro_f1", f->macro_f1);
    put_real(&m, "weighted_f1", f->weighted_f1);
    put_real(&m, "macro_precision", f->macro_precision);
    put_real(&m, "macro_recall", f->macro_recall);
    put_real(&m, "weighted_precision", f->weighted_precision);
    put_real(&m, "weighted_recall", f->weighted_recall);
    put_real(&m, "mcc", f->mcc);
    TB_TRY(put_bootstrap(&m, replicates, n_replicates, err));
    put_majority(&m, side);
    put(&m, "scores", json_string(scores[side->entry->scores]));
    TB_TRY(put_calibration(&m, side, err));
    put_per_class(&m, side);
    return tb_json_done(m.failed, err);
}

/* ---- In words ---- */

static void put_p(tb_text *text, double p)
{
    if (p < 0.001)
        tb_text_puts(text, "p < 0.001");
    else
        tb_text_printf(text, "p = %.3f", p);
}

/* The corrected p, where the correction changes anything. */
static void put_holm(tb_text *text, double p, double corrected)
{
    if (!(corrected > p))
        return;
    tb_text_puts(text, ", with Holm's correction ");
    put_p(text, corrected);
}

static void say_difference(tb_text *text, const tb_against *a, const tb_compare_plan *plan)
{
    long long texts = (long long)a->wrong_to_right - (long long)a->right_to_wrong, size = texts < 0 ? -texts : texts;
    if (a->partly)
        tb_text_printf(text, "on the texts that both have (accuracy %.4f, here %.4f): ", a->baseline_accuracy,
                       a->accuracy);
    if (a->agree == a->n) {
        tb_text_printf(text, "every one of %zu labels is the same", a->n);
        return;
    }
    if (texts == 0)
        tb_text_printf(text, "no net change in %zu texts", a->n);
    else
        tb_text_printf(text, "%+.4f is %lld text%s in %zu", (double)texts / (double)a->n, size, size == 1 ? "" : "s",
                       a->n);
    tb_text_printf(text, ": %zu turned wrong, %zu turned right, %zu from one wrong label to another; exact McNemar ",
                   a->right_to_wrong, a->wrong_to_right, a->wrong_to_other);
    put_p(text, a->mcnemar_p);
    if (a->mcnemar_p >= plan->alpha) {
        tb_text_puts(text, ", not shown to be more than chance");
        return;
    }
    put_holm(text, a->mcnemar_p, a->mcnemar_holm);
    tb_text_puts(text, a->mcnemar_holm < plan->alpha ? ": more than chance"
                                                     : ": not shown to be more than chance, for so many comparisons");
}

static void say_margins(tb_text *text, const tb_against *a, const tb_compare_plan *plan, const char *baseline)
{
    if (!a->gains) {
        tb_text_printf(text, "it says every label as often as %s", baseline);
        return;
    }
    bool shifts = a->marginal_holm < plan->alpha;
    tb_text_printf(text,
                   "it says %s %zu times where %s says it %zu times (truth: %zu), and %s %zu times instead of "
                   "%zu (truth: %zu); Stuart-Maxwell ",
                   a->loses, a->loses_own, baseline, a->loses_base, a->loses_true, a->gains, a->gains_own,
                   a->gains_base, a->gains_true);
    put_p(text, a->marginal.p);
    put_holm(text, a->marginal.p, a->marginal_holm);
    tb_text_puts(text, shifts ? ": the labels shift" : ": no shift beyond chance");
}

static void say_equivalence(tb_text *text, const tb_against *a, const tb_compare_plan *plan)
{
    bool equivalent = a->equivalence.p < plan->alpha;
    tb_text_printf(text,
                   equivalent ? "equivalent within %g in accuracy (Tango's score test, "
                              : "equivalence within %g in accuracy is not shown (Tango's score test, ",
                   plan->margin);
    put_p(text, a->equivalence.p);
    tb_text_printf(text, "; %g %% interval %+.4f to %+.4f)", 100 * (1 - 2 * plan->alpha), a->equivalence.low,
                   a->equivalence.high);
}

static void say_power(tb_text *text, const tb_against *a, const tb_compare_plan *plan)
{
    size_t discordant = a->right_to_wrong + a->wrong_to_right;
    if (a->power.smallest > a->n)
        tb_text_printf(text, "with %zu texts no difference at all can be significant", a->n);
    else
        tb_text_printf(text, "with %zu texts a difference of less than %zu texts (%.4f) cannot be significant", a->n,
                       a->power.smallest, (double)a->power.smallest / (double)a->n);
    if (discordant > 0)
        tb_text_printf(text, "; where %zu turn wrong or right, as here, ", discordant);
    if (discordant > 0 && a->power.detectable == a->power.detectable)
        tb_text_printf(text, "a true difference of %.4f is seen with a probability of %g", a->power.detectable,
                       plan->power);
    else if (discordant > 0)
        tb_text_printf(text, "no true difference would be found with a probability as high as %g", plan->power);
    tb_text_printf(text, "; if there were none, equivalence would be shown with a probability of %.2f",
                   a->power.equivalence_power);
}

static void say(members *m, const char *key, tb_text *text)
{
    put(m, key, text->failed ? NULL : json_stringn(text->data ? text->data : "", text->length));
    text->length = 0;
}

static void put_sentences(members *m, const tb_against *a, const tb_compare_plan *plan, const char *baseline)
{
    members s = {json_object(), false};
    tb_text text = {0};
    say_difference(&text, a, plan);
    say(&s, "difference", &text);
    say_margins(&text, a, plan, baseline);
    say(&s, "labels", &text);
    say_equivalence(&text, a, plan);
    say(&s, "equivalence", &text);
    say_power(&text, a, plan);
    say(&s, "power", &text);
    tb_text_free(&text);
    m->failed = m->failed || s.failed;
    put(m, "sentences", s.object);
}

/* ---- Against the baseline ---- */

static json_t *marginal_json(const tb_against *a, const tb_block_labels *labels, bool *failed)
{
    members m = {json_object(), false}, shifts = {json_object(), false};
    for (size_t c = 0; c < labels->n; c++)
        put(&shifts, labels->names[c], json_integer((json_int_t)a->marginal.shifts[c]));
    put_real(&m, "statistic", a->marginal.statistic);
    put(&m, "df", tb_json_count(a->marginal.df));
    put_real(&m, "p", a->marginal.p);
    put_real(&m, "p_holm", a->marginal_holm);
    put(&m, "shifts", shifts.object);
    put(&m, "gains", label_or_null(a->gains));
    put(&m, "loses", label_or_null(a->loses));
    *failed = *failed || m.failed || shifts.failed;
    return m.object;
}

static json_t *power_json(const tb_against *a)
{
    double discordant = (double)(a->right_to_wrong + a->wrong_to_right), n = (double)a->n;
    return json_pack("{s:o, s:f, s:f, s:o, s:f, s:I}", "smallest_texts", tb_json_count(a->power.smallest), "smallest",
                     (double)a->power.smallest / n, "discordant_rate", discordant / n, "detectable",
                     tb_json_real(a->power.detectable), "equivalence_power", a->power.equivalence_power,
                     "equivalence_most_flips", (json_int_t)a->power.most_flips);
}

static json_t *deltas_json(const tb_against *a)
{
    if (!a->has_bootstrap)
        return json_null();
    const tb_range *acc = &a->accuracy_range, *macro = &a->macro_f1_range, *weighted = &a->weighted_f1_range,
                   *confidence = &a->confidence_range;
    return json_pack("{s:[f, f], s:[f, f], s:[f, f], s:o}", "delta_accuracy", acc->low, acc->high, "delta_macro_f1",
                     macro->low, macro->high, "delta_weighted_f1", weighted->low, weighted->high,
                     "delta_mean_confidence",
                     a->has_confidence ? json_pack("[f, f]", confidence->low, confidence->high) : json_null());
}

static json_t *primary_json(const tb_against *a, const tb_compare_plan *plan, double delta_accuracy)
{
    bool f1 = plan->primary_macro_f1;
    double p = f1 ? a->macro_f1_p : a->mcnemar_p, holm = f1 ? a->macro_f1_holm : a->mcnemar_holm;
    return json_pack("{s:s, s:f, s:o, s:o, s:b}", "figure", f1 ? "macro_f1" : "accuracy", "delta",
                     f1 ? a->delta_macro_f1 : delta_accuracy, "p", tb_json_real(p), "p_holm", tb_json_real(holm),
                     "significant", holm < plan->alpha);
}

static json_t *confidence_json(const tb_against *a)
{
    const tb_signed_rank *c = &a->confidence;
    if (!a->has_confidence)
        return json_null();
    return json_pack("{s:f, s:f, s:f, s:f, s:f}", "mean_difference", c->mean, "sd_difference", c->sd, "statistic",
                     c->statistic, "p", c->p, "p_holm", a->confidence_holm);
}

static json_t *equivalence_json(const tb_against *a, const tb_compare_plan *plan)
{
    const tb_equivalence *e = &a->equivalence;
    return json_pack("{s:f, s:f, s:f, s:f, s:[f, f], s:b}", "margin", plan->margin, "p_lower", e->p_lower, "p_upper",
                     e->p_upper, "p", e->p, "interval", e->low, e->high, "equivalent", e->p < plan->alpha);
}

timbang_status tb_against_json(const tb_against *a, const tb_block_labels *labels, const tb_compare_plan *plan,
                               const char *baseline, json_t **out, tb_error *err)
{
    members m = {json_object(), false};
    long long texts = (long long)a->wrong_to_right - (long long)a->right_to_wrong;
    double delta = (double)texts / (double)a->n, low, high;
    tb_wilson(a->agree, a->n, &low, &high);
    put(&m, "n", tb_json_count(a->n));
    put_real(&m, "baseline_accuracy", a->baseline_accuracy);
    put_real(&m, "accuracy", a->accuracy);
    put_real(&m, "agreement", (double)a->agree / (double)a->n);
    put(&m, "agree", tb_json_count(a->agree));
    put_range(&m, "agreement_interval", low, high);
    put_real_or_null(&m, "mean_kl", a->mean_kl, a->has_kl);
    put_real_or_null(&m, "max_abs_dlogit", a->max_abs_dlogit, a->has_dlogit);
    put(&m, "right_to_wrong", tb_json_count(a->right_to_wrong));
    put(&m, "wrong_to_right", tb_json_count(a->wrong_to_right));
    put(&m, "wrong_to_other", tb_json_count(a->wrong_to_other));
    put_real(&m, "delta_accuracy", delta);
    put(&m, "delta_texts", json_integer((json_int_t)texts));
    put_real(&m, "delta_macro_f1", a->delta_macro_f1);
    put_real(&m, "delta_weighted_f1", a->delta_weighted_f1);
    put_real_or_null(&m, "delta_mean_confidence", a->delta_confidence, a->has_confidence);
    put(&m, "bootstrap", deltas_json(a));
    put_real(&m, "mcnemar_p", a->mcnemar_p);
    put_real(&m, "mcnemar_p_holm", a->mcnemar_holm);
    put_real(&m, "delta_macro_f1_p", a->macro_f1_p);
    put(&m, "primary", primary_json(a, plan, delta));
    put(&m, "marginal", marginal_json(a, labels, &m.failed));
    put(&m, "confidence", confidence_json(a));
    put(&m, "equivalence", equivalence_json(a, plan));
    put(&m, "power", power_json(a));
    put_sentences(&m, a, plan, baseline);
    if (m.failed) {
        json_decref(m.object);
        return tb_json_done(true, err);
    }
    *out = m.object;
    return TIMBANG_OK;
}
