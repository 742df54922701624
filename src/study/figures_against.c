/* SPDX-License-Identifier: Apache-2.0
 * against_fp32: every variant of a set compared with FP32, paired by text.
 * Includes: study/figures_parts.h, study/record.h, base, eval. Called by: study/figures. */
#include "base/text.h"
#include "eval/paired.h"
#include "study/figures_parts.h"
#include "study/record.h"

#include <math.h>
#include <stdlib.h>

enum { BLOCK = 256 };

typedef struct comparison {
    tb_comparison pairs;
    tb_marginal marginal;
    tb_signed_rank confidence;
    tb_equivalence equivalence;
    tb_power power;
    double macro_f1_p; /* NaN: no bootstrap */
    double primary_p, primary_holm, marginal_holm, confidence_holm;
    double *deltas; /* [4][replicates], in the order of delta_names; NULL: no bootstrap */
} comparison;

static const char *const delta_names[4] = {"delta_accuracy", "delta_macro_f1", "delta_weighted_f1",
                                           "delta_mean_confidence"};

static void comparison_free(comparison *c)
{
    tb_marginal_free(&c->marginal);
    free(c->deltas);
}

/* ---- Computing ---- */

static timbang_status compare_rows(const tb_set_figures *set, size_t v, comparison *c, tb_error *err)
{
    const tb_task *task = set->job->task;
    const tb_logit_rows a = {task, set->job->logits[0], 1}, b = {task, set->job->logits[v], 1};
    float *blocks = tb_calloc(2 * BLOCK * task->n_classes, sizeof *blocks, err);
    if (!blocks)
        return err->status;
    for (size_t begin = 0; begin < task->n; begin += BLOCK) {
        size_t end = task->n - begin > BLOCK ? begin + BLOCK : task->n;
        const float *rows_a = tb_logit_rows_view(&a, begin, end, blocks);
        const float *rows_b = tb_logit_rows_view(&b, begin, end, blocks + BLOCK * task->n_classes);
        tb_compare_rows(rows_a, rows_b, task->truth + begin, end - begin, task->n_classes, &c->pairs);
    }
    tb_compare_end(&c->pairs);
    free(blocks);
    return TIMBANG_OK;
}

static timbang_status compare_margins(const tb_set_figures *set, size_t v, comparison *c, tb_error *err)
{
    size_t k = set->job->task->n_classes;
    size_t *table = tb_calloc(k * k, sizeof *table, err);
    if (!table)
        return err->status;
    for (size_t i = 0; i < set->job->task->n; i++)
        table[set->outcomes[0].predicted[i] * k + set->outcomes[v].predicted[i]]++;
    timbang_status status = tb_marginal_compute(table, k, &c->marginal, err);
    free(table);
    return status;
}

static timbang_status compare_confidence(const tb_set_figures *set, size_t v, comparison *c, tb_error *err)
{
    size_t n = set->job->task->n;
    double *differences = tb_calloc(n, sizeof *differences, err);
    if (!differences)
        return err->status;
    for (size_t i = 0; i < n; i++)
        differences[i] = set->outcomes[v].confidence[i] - set->outcomes[0].confidence[i];
    timbang_status status = tb_signed_rank_compute(differences, n, &c->confidence, err);
    free(differences);
    return status;
}

static timbang_status compare_replicates(const tb_set_figures *set, size_t v, comparison *c, tb_error *err)
{
    c->macro_f1_p = (double)NAN;
    if (!set->replicates)
        return TIMBANG_OK;
    size_t count = (size_t)set->job->statistics->replicates;
    const tb_replicate *fp32 = set->replicates, *variant = set->replicates + v * count;
    c->deltas = tb_calloc(4 * count, sizeof *c->deltas, err);
    if (!c->deltas)
        return err->status;
    for (size_t b = 0; b < count; b++) {
        c->deltas[b] = variant[b].accuracy - fp32[b].accuracy;
        c->deltas[count + b] = variant[b].macro_f1 - fp32[b].macro_f1;
        c->deltas[2 * count + b] = variant[b].weighted_f1 - fp32[b].weighted_f1;
        c->deltas[3 * count + b] = variant[b].mean_confidence - fp32[b].mean_confidence;
    }
    c->macro_f1_p = tb_bootstrap_p(c->deltas + count, count);
    return TIMBANG_OK;
}

static timbang_status compare(const tb_set_figures *set, size_t v, comparison *c, tb_error *err)
{
    const tb_statistics *s = set->job->statistics;
    TB_TRY(compare_rows(set, v, c, err));
    TB_TRY(compare_margins(set, v, c, err));
    TB_TRY(compare_confidence(set, v, c, err));
    TB_TRY(compare_replicates(set, v, c, err));
    const tb_comparison *p = &c->pairs;
    double rate = (double)(p->wrong_to_right + p->right_to_wrong) / (double)p->n;
    tb_equivalence_compute(p->wrong_to_right, p->right_to_wrong, p->n, s->margin, s->alpha, &c->equivalence);
    TB_TRY(tb_power_compute(p->n, rate, s->margin, s->alpha, s->power, &c->power, err));
    c->primary_p = s->primary_macro_f1 ? c->macro_f1_p : p->mcnemar_p;
    return TIMBANG_OK;
}

/* Holm's correction over the variants of the set, each kind of test by itself. */
static timbang_status correct(comparison *c, size_t n, tb_error *err)
{
    double *p = tb_calloc(2 * n, sizeof *p, err), *adjusted = p ? p + n : NULL;
    timbang_status status = p ? TIMBANG_OK : err->status;
    for (int kind = 0; kind < 3 && status == TIMBANG_OK; kind++) {
        for (size_t v = 0; v < n; v++)
            p[v] = kind == 0 ? c[v].primary_p : kind == 1 ? c[v].marginal.p : c[v].confidence.p;
        status = tb_holm(p, n, adjusted, err);
        for (size_t v = 0; v < n && status == TIMBANG_OK; v++)
            *(kind == 0 ? &c[v].primary_holm : kind == 1 ? &c[v].marginal_holm : &c[v].confidence_holm) = adjusted[v];
    }
    free(p);
    return status;
}

/* ---- Members ---- */

/* What a difference in accuracy amounts to, in texts, and whether it is more than chance would give. */
static json_t *sentence(const tb_comparison *c, double alpha)
{
    long long texts = (long long)c->wrong_to_right - (long long)c->right_to_wrong;
    long long size = texts < 0 ? -texts : texts;
    tb_text text = {0};
    if (c->right_to_wrong + c->wrong_to_right == 0)
        tb_text_printf(&text, "every text is as right or wrong as in FP32 (one text in %zu is %.4f)", c->n,
                       1 / (double)c->n);
    else {
        if (texts == 0)
            tb_text_printf(&text, "no net change in %zu texts", c->n);
        else
            tb_text_printf(&text, "%+.4f is %lld text%s in %zu", c->delta_accuracy, size, size == 1 ? "" : "s", c->n);
        tb_text_printf(&text, ": %zu turned wrong, %zu turned right, exact McNemar p ", c->right_to_wrong,
                       c->wrong_to_right);
        if (c->mcnemar_p < 0.001)
            tb_text_puts(&text, "< 0.001");
        else
            tb_text_printf(&text, "= %.3f", c->mcnemar_p);
        tb_text_puts(&text, c->mcnemar_p < alpha ? "" : ", within chance");
    }
    json_t *value = text.failed ? NULL : json_stringn(text.data, text.length);
    tb_text_free(&text);
    return value;
}

static int put_pairs(const tb_set_figures *set, size_t v, const tb_comparison *c, json_t *into)
{
    const tb_figures *fp32 = &set->figures[0], *variant = &set->figures[v];
    double low, high;
    tb_wilson(c->agree, c->n, &low, &high);
    int bad = json_object_set_new(into, "agreement", json_real(c->agreement));
    bad |= json_object_set_new(into, "agree", tb_json_count(c->agree));
    bad |= json_object_set_new(into, "agreement_interval", json_pack("[f, f]", low, high));
    bad |= json_object_set_new(into, "mean_kl", tb_json_real(c->mean_kl));
    bad |= json_object_set_new(into, "max_abs_dlogit", tb_json_real(c->max_abs_dlogit));
    bad |= json_object_set_new(into, "right_to_wrong", tb_json_count(c->right_to_wrong));
    bad |= json_object_set_new(into, "wrong_to_right", tb_json_count(c->wrong_to_right));
    bad |= json_object_set_new(into, "wrong_to_other", tb_json_count(c->wrong_to_other));
    bad |= json_object_set_new(into, "delta_accuracy", json_real(c->delta_accuracy));
    bad |= json_object_set_new(into, "delta_texts",
                               json_integer((json_int_t)c->wrong_to_right - (json_int_t)c->right_to_wrong));
    bad |= json_object_set_new(into, "delta_macro_f1", json_real(variant->macro_f1 - fp32->macro_f1));
    bad |= json_object_set_new(into, "delta_weighted_f1", json_real(variant->weighted_f1 - fp32->weighted_f1));
    bad |=
        json_object_set_new(into, "delta_mean_confidence", json_real(variant->mean_confidence - fp32->mean_confidence));
    return bad;
}

static int put_bootstrap(const comparison *c, size_t count, json_t *into)
{
    if (!c->deltas)
        return json_object_set_new(into, "bootstrap", json_null());
    json_t *object = json_object();
    int bad = 0;
    for (size_t i = 0; i < 4; i++)
        bad |= json_object_set_new(object, delta_names[i],
                                   tb_json_range(tb_bootstrap_interval(c->deltas + i * count, count)));
    return bad | json_object_set_new(into, "bootstrap", object);
}

static json_t *primary_object(const tb_set_figures *set, size_t v, const comparison *c)
{
    const tb_statistics *s = set->job->statistics;
    double delta = s->primary_macro_f1 ? set->figures[v].macro_f1 - set->figures[0].macro_f1 : c->pairs.delta_accuracy;
    return json_pack("{s:s, s:f, s:o, s:o, s:b}", "figure", s->primary_macro_f1 ? "macro_f1" : "accuracy", "delta",
                     delta, "p", tb_json_real(c->primary_p), "p_holm", tb_json_real(c->primary_holm), "significant",
                     c->primary_holm < s->alpha);
}

static json_t *class_or_null(const tb_task *task, size_t class_index)
{
    return class_index < task->n_classes ? json_string(tb_task_class(task, class_index)) : json_null();
}

static json_t *marginal_object(const tb_task *task, const comparison *c)
{
    const tb_marginal *m = &c->marginal;
    json_t *shifts = json_object();
    int bad = 0;
    for (size_t k = 0; k < task->n_classes; k++)
        bad |= json_object_set_new(shifts, tb_task_class(task, k), json_integer((json_int_t)m->shifts[k]));
    if (bad) {
        json_decref(shifts);
        return NULL;
    }
    return json_pack("{s:f, s:o, s:f, s:f, s:o, s:o, s:o}", "statistic", m->statistic, "df", tb_json_count(m->df), "p",
                     m->p, "p_holm", c->marginal_holm, "shifts", shifts, "gains", class_or_null(task, m->gains),
                     "loses", class_or_null(task, m->loses));
}

static json_t *power_object(const comparison *c)
{
    const tb_power *p = &c->power;
    double n = (double)c->pairs.n;
    return json_pack("{s:o, s:f, s:f, s:o, s:f, s:I}", "smallest_texts", tb_json_count(p->smallest), "smallest",
                     (double)p->smallest / n, "discordant_rate",
                     (double)(c->pairs.right_to_wrong + c->pairs.wrong_to_right) / n, "detectable",
                     tb_json_real(p->detectable), "equivalence_power", p->equivalence_power, "equivalence_most_flips",
                     (json_int_t)p->most_flips);
}

static int put_tests(const tb_set_figures *set, size_t v, const comparison *c, json_t *into)
{
    const tb_statistics *s = set->job->statistics;
    const tb_signed_rank *r = &c->confidence;
    const tb_equivalence *e = &c->equivalence;
    int bad = json_object_set_new(into, "mcnemar_p", json_real(c->pairs.mcnemar_p));
    bad |= json_object_set_new(into, "delta_macro_f1_p", tb_json_real(c->macro_f1_p));
    bad |= json_object_set_new(into, "primary", primary_object(set, v, c));
    bad |= json_object_set_new(into, "marginal", marginal_object(set->job->task, c));
    bad |= json_object_set_new(into, "confidence",
                               json_pack("{s:f, s:f, s:f, s:f, s:f}", "mean_difference", r->mean, "sd_difference",
                                         r->sd, "statistic", r->statistic, "p", r->p, "p_holm", c->confidence_holm));
    bad |= json_object_set_new(into, "equivalence",
                               json_pack("{s:f, s:f, s:f, s:f, s:[f, f], s:b}", "margin", s->margin, "p_lower",
                                         e->p_lower, "p_upper", e->p_upper, "p", e->p, "interval", e->low, e->high,
                                         "equivalent", e->p < s->alpha));
    bad |= json_object_set_new(into, "power", power_object(c));
    bad |= json_object_set_new(into, "sentence", sentence(&c->pairs, s->alpha));
    return bad;
}

timbang_status tb_put_against(const tb_set_figures *set, json_t *results, tb_error *err)
{
    size_t n = set->job->n_variants;
    comparison *all = tb_calloc(n, sizeof *all, err);
    timbang_status status = all ? TIMBANG_OK : err->status;
    for (size_t v = 1; v < n && set->has_fp32 && status == TIMBANG_OK; v++) {
        status = tb_check_cancel(set->job->hooks, err);
        if (status == TIMBANG_OK)
            status = compare(set, v, &all[v], err);
    }
    if (status == TIMBANG_OK && set->has_fp32)
        status = correct(all + 1, n - 1, err);
    for (size_t v = 0; v < n && status == TIMBANG_OK; v++) {
        json_t *object = v > 0 && set->has_fp32 ? json_object() : json_null();
        int bad = 0;
        if (v > 0 && set->has_fp32) {
            bad |= put_pairs(set, v, &all[v].pairs, object);
            bad |= put_bootstrap(&all[v], (size_t)set->job->statistics->replicates, object);
            bad |= put_tests(set, v, &all[v], object);
        }
        bad |= json_object_set_new(json_array_get(results, v), "against_fp32", object);
        status = tb_json_done(bad != 0, err);
    }
    for (size_t v = 0; all && v < n; v++)
        comparison_free(&all[v]);
    free(all);
    return status;
}
