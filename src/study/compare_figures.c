/* SPDX-License-Identifier: Apache-2.0
 * Entries as the evaluation room wants them, and one entry against another.
 * Includes: study/compare_figures.h, eval. Called by: study/compare. */
#include "study/compare_figures.h"

#include "eval/special.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Labels ---- */

static void mark(const int16_t *classes, size_t n, bool *used)
{
    for (size_t i = 0; classes && i < n; i++)
        if (classes[i] != TB_NO_CLASS)
            used[classes[i]] = true;
}

static void add_label(tb_block_labels *labels, const tb_classes *classes, size_t class)
{
    labels->at[class] = (int16_t)labels->n;
    labels->names[labels->n++] = classes->names[class];
}

void tb_block_labels_make(const tb_block *block, const tb_classes *classes, tb_block_labels *out)
{
    bool used[TB_MAX_CLASSES] = {false};
    memset(out, 0, sizeof *out);
    for (size_t c = 0; c < TB_MAX_CLASSES; c++)
        out->at[c] = TB_NO_CLASS;
    for (size_t i = 0; i < block->n; i++) {
        const tb_entry *e = block->members[i].entry;
        mark(e->pred, e->n, used);
        mark(block->members[i].truth, e->n, used);
        if (e->scores == TB_SCORES_PROBS || e->scores == TB_SCORES_LOGITS)
            mark(e->columns, e->n_columns, used);
    }
    const tb_entry *first = block->members[0].entry;
    if (first->scores == TB_SCORES_LOGITS && first->model)
        for (size_t c = 0; c < first->n_columns; c++)
            if (out->at[first->columns[c]] == TB_NO_CLASS)
                add_label(out, classes, (size_t)first->columns[c]);
    for (;;) { /* the rest by their bytes */
        size_t least = classes->n;
        for (size_t c = 0; c < classes->n; c++)
            if (used[c] && out->at[c] == TB_NO_CLASS &&
                (least == classes->n || strcmp(classes->names[c], classes->names[least]) < 0))
                least = c;
        if (least == classes->n)
            return;
        add_label(out, classes, least);
    }
}

/* ---- One side ---- */

bool tb_side_has_confidence(const tb_side *side)
{
    return side->entry->scores != TB_SCORES_NONE;
}

bool tb_side_has_probs(const tb_side *side)
{
    return side->entry->scores == TB_SCORES_PROBS || side->entry->scores == TB_SCORES_LOGITS;
}

static size_t predicted_of(const tb_side *side, size_t i)
{
    return (size_t)side->labels->at[side->entry->pred[side->rows[i]]];
}

void tb_side_probs(const tb_side *side, size_t i, double *probs)
{
    const tb_entry *e = side->entry;
    double row[TB_MAX_CLASSES];
    const double *values = e->values ? e->values + (size_t)side->rows[i] * e->n_columns : NULL;
    memset(probs, 0, side->labels->n * sizeof *probs);
    if (!tb_side_has_probs(side)) { /* labels alone: what is made of it is not shown */
        probs[predicted_of(side, i)] = e->scores == TB_SCORES_CONFIDENCE ? values[0] : 1;
        return;
    }
    if (e->scores == TB_SCORES_LOGITS) {
        tb_softmax(values, e->n_columns, row);
        values = row;
    }
    for (size_t c = 0; c < e->n_columns; c++)
        probs[side->labels->at[e->columns[c]]] = values[c];
}

static size_t side_row(const void *arg, size_t i, double *probs)
{
    tb_side_probs(arg, i, probs);
    return predicted_of(arg, i);
}

static timbang_status side_begin(const tb_entry *entry, size_t n, const tb_block_labels *labels, tb_side *side,
                                 tb_error *err)
{
    *side = (tb_side){.entry = entry, .labels = labels};
    side->rows = tb_calloc(n, sizeof *side->rows, err);
    side->truth = side->rows ? tb_calloc(n, sizeof *side->truth, err) : NULL;
    return side->truth ? TIMBANG_OK : TIMBANG_NO_MEMORY;
}

static timbang_status side_end(timbang_status status, tb_side *side, tb_error *err)
{
    if (status == TIMBANG_OK && side->n == 0)
        status = tb_fail(err, TIMBANG_DATA, "%s: no row has a true label", side->entry->name);
    if (status == TIMBANG_OK)
        status = tb_figures_stream(side_row, side, side->truth, side->n, side->labels->n, &side->figures,
                                   &side->outcomes, err);
    if (status != TIMBANG_OK)
        tb_side_free(side);
    return status;
}

static void add_row(tb_side *side, uint32_t row, int truth)
{
    side->rows[side->n] = row;
    side->truth[side->n++] = side->labels->at[truth];
}

timbang_status tb_side_all(const tb_member *member, const tb_block_labels *labels, tb_side *side, tb_error *err)
{
    const tb_entry *e = member->entry;
    timbang_status status = side_begin(e, e->n, labels, side, err);
    for (size_t row = 0; status == TIMBANG_OK && row < e->n; row++)
        if (member->truth[row] != TB_NO_CLASS)
            add_row(side, (uint32_t)row, member->truth[row]);
    return side_end(status, side, err);
}

timbang_status tb_side_shared(const tb_member *base, const tb_member *member, bool of_base,
                              const tb_block_labels *labels, tb_side *side, tb_error *err)
{
    timbang_status status = side_begin(of_base ? base->entry : member->entry, member->matched, labels, side, err);
    for (size_t row = 0; status == TIMBANG_OK && row < base->entry->n; row++)
        if (member->match[row] != TB_NO_ROW && base->truth[row] != TB_NO_CLASS)
            add_row(side, of_base ? (uint32_t)row : member->match[row], base->truth[row]);
    return side_end(status, side, err);
}

void tb_side_free(tb_side *side)
{
    free(side->rows);
    free(side->truth);
    tb_figures_free(&side->figures);
    tb_outcomes_free(&side->outcomes);
    memset(side, 0, sizeof *side);
}

/* ---- Two sides ---- */

static void count_flips(const tb_side *base, const tb_side *side, tb_against *out)
{
    out->n = base->n;
    for (size_t i = 0; i < base->n; i++) {
        int32_t a = base->outcomes.predicted[i], b = side->outcomes.predicted[i], truth = base->truth[i];
        if (a == b)
            out->agree++;
        else if (a == truth)
            out->right_to_wrong++;
        else if (b == truth)
            out->wrong_to_right++;
        else
            out->wrong_to_other++;
    }
}

/* Mean KL of the baseline's probabilities to the other's. Printed probabilities may be 0: they count as 2^-52. */
static double mean_kl(const tb_side *base, const tb_side *side)
{
    double a[TB_MAX_CLASSES], b[TB_MAX_CLASSES], sum = 0;
    for (size_t i = 0; i < base->n; i++) {
        double kl = 0;
        tb_side_probs(base, i, a);
        tb_side_probs(side, i, b);
        for (size_t c = 0; c < base->labels->n; c++)
            if (a[c] > 0)
                kl += a[c] * (tb_ln(a[c]) - tb_ln(b[c] > DBL_EPSILON ? b[c] : DBL_EPSILON));
        sum += kl > 0 ? kl : 0;
    }
    return sum / (double)base->n;
}

static bool same_logits(const tb_entry *a, const tb_entry *b)
{
    if (a->scores != TB_SCORES_LOGITS || b->scores != TB_SCORES_LOGITS || a->n_columns != b->n_columns)
        return false;
    return memcmp(a->columns, b->columns, a->n_columns * sizeof *a->columns) == 0;
}

static double largest_difference(const tb_side *base, const tb_side *side)
{
    size_t k = base->entry->n_columns;
    double largest = 0;
    for (size_t i = 0; i < base->n; i++)
        for (size_t c = 0; c < k; c++) {
            double d = fabs(base->entry->values[base->rows[i] * k + c] - side->entry->values[side->rows[i] * k + c]);
            largest = d > largest ? d : largest;
        }
    return largest;
}

static timbang_status test_margins(const tb_side *base, const tb_side *side, tb_against *out, tb_error *err)
{
    size_t k = base->labels->n;
    size_t *table = tb_calloc(k * k, sizeof *table, err);
    if (!table)
        return TIMBANG_NO_MEMORY;
    for (size_t i = 0; i < base->n; i++)
        table[base->outcomes.predicted[i] * k + side->outcomes.predicted[i]]++;
    timbang_status status = tb_marginal_compute(table, k, &out->marginal, err);
    free(table);
    if (status != TIMBANG_OK || out->marginal.gains == k)
        return status;
    const tb_class_figures *a = base->figures.per_class, *b = side->figures.per_class;
    size_t gains = out->marginal.gains, loses = out->marginal.loses;
    out->gains = base->labels->names[gains];
    out->loses = base->labels->names[loses];
    out->gains_base = a[gains].predicted;
    out->gains_own = b[gains].predicted;
    out->gains_true = a[gains].support;
    out->loses_base = a[loses].predicted;
    out->loses_own = b[loses].predicted;
    out->loses_true = a[loses].support;
    return TIMBANG_OK;
}

static timbang_status test_confidence(const tb_side *base, const tb_side *side, tb_against *out, tb_error *err)
{
    out->has_confidence = tb_side_has_confidence(base) && tb_side_has_confidence(side);
    if (!out->has_confidence)
        return TIMBANG_OK;
    double *differences = tb_calloc(base->n, sizeof *differences, err);
    if (!differences)
        return TIMBANG_NO_MEMORY;
    for (size_t i = 0; i < base->n; i++)
        differences[i] = side->outcomes.confidence[i] - base->outcomes.confidence[i];
    timbang_status status = tb_signed_rank_compute(differences, base->n, &out->confidence, err);
    out->delta_confidence = out->confidence.mean;
    free(differences);
    return status;
}

timbang_status tb_against_make(const tb_side *base, const tb_side *side, const tb_compare_plan *plan, tb_against *out,
                               tb_error *err)
{
    *out = (tb_against){.macro_f1_p = NAN};
    count_flips(base, side, out);
    size_t discordant = out->right_to_wrong + out->wrong_to_right;
    out->baseline_accuracy = base->figures.accuracy;
    out->accuracy = side->figures.accuracy;
    out->delta_macro_f1 = side->figures.macro_f1 - base->figures.macro_f1;
    out->delta_weighted_f1 = side->figures.weighted_f1 - base->figures.weighted_f1;
    out->mcnemar_p = tb_binomial_two_sided_half(out->right_to_wrong, discordant);
    out->has_kl = tb_side_has_probs(base) && tb_side_has_probs(side);
    if (out->has_kl)
        out->mean_kl = mean_kl(base, side);
    out->has_dlogit = same_logits(base->entry, side->entry);
    if (out->has_dlogit)
        out->max_abs_dlogit = largest_difference(base, side);
    tb_equivalence_compute(out->wrong_to_right, out->right_to_wrong, out->n, plan->margin, plan->alpha,
                           &out->equivalence);
    TB_TRY(tb_power_compute(out->n, (double)discordant / (double)out->n, plan->margin, plan->alpha, plan->power,
                            &out->power, err));
    TB_TRY(test_confidence(base, side, out, err));
    return test_margins(base, side, out, err);
}

/* The 95 % interval of b - a in one of the figures, and with p the differences' two-sided p. */
static tb_range range_of(const tb_replicate *a, const tb_replicate *b, size_t n, size_t offset, double *scratch,
                         double *p)
{
    for (size_t i = 0; i < n; i++) {
        double x, y;
        memcpy(&x, (const char *)&a[i] + offset, sizeof x);
        memcpy(&y, (const char *)&b[i] + offset, sizeof y);
        scratch[i] = y - x;
    }
    if (p)
        *p = tb_bootstrap_p(scratch, n);
    return tb_bootstrap_interval(scratch, n);
}

timbang_status tb_against_bootstrap(const tb_replicate *base, const tb_replicate *side, size_t replicates,
                                    tb_against *out, tb_error *err)
{
    double *scratch = tb_calloc(replicates, sizeof *scratch, err);
    if (!scratch)
        return TIMBANG_NO_MEMORY;
    out->has_bootstrap = true;
    out->accuracy_range = range_of(base, side, replicates, offsetof(tb_replicate, accuracy), scratch, NULL);
    out->macro_f1_range = range_of(base, side, replicates, offsetof(tb_replicate, macro_f1), scratch, &out->macro_f1_p);
    out->weighted_f1_range = range_of(base, side, replicates, offsetof(tb_replicate, weighted_f1), scratch, NULL);
    out->confidence_range = range_of(base, side, replicates, offsetof(tb_replicate, mean_confidence), scratch, NULL);
    if (out->agree == out->n)
        out->macro_f1_p = 1;
    free(scratch);
    return TIMBANG_OK;
}

/* Holm's correction of one kind of test; get and put name the fields by their offsets. */
static timbang_status holm_of(tb_against *list, size_t n, size_t from, size_t to, const bool *made, double *p,
                              tb_error *err)
{
    for (size_t i = 0; i < n; i++) {
        memcpy(&p[i], (const char *)&list[i] + from, sizeof *p);
        p[i] = made[i] ? p[i] : NAN;
    }
    TB_TRY(tb_holm(p, n, p + n, err));
    for (size_t i = 0; i < n; i++)
        memcpy((char *)&list[i] + to, &p[n + i], sizeof *p);
    return TIMBANG_OK;
}

timbang_status tb_against_holm(tb_against *list, size_t n, tb_error *err)
{
    double *p = tb_calloc(n, 2 * sizeof *p, err);
    bool *made = p ? tb_calloc(n, sizeof *made, err) : NULL;
    timbang_status status = made ? TIMBANG_OK : TIMBANG_NO_MEMORY;
    for (size_t i = 0; made && i < n; i++)
        made[i] = true;
    if (status == TIMBANG_OK)
        status = holm_of(list, n, offsetof(tb_against, mcnemar_p), offsetof(tb_against, mcnemar_holm), made, p, err);
    if (status == TIMBANG_OK)
        status = holm_of(list, n, offsetof(tb_against, marginal.p), offsetof(tb_against, marginal_holm), made, p, err);
    if (status == TIMBANG_OK)
        status = holm_of(list, n, offsetof(tb_against, macro_f1_p), offsetof(tb_against, macro_f1_holm), made, p, err);
    for (size_t i = 0; made && i < n; i++)
        made[i] = list[i].has_confidence;
    if (status == TIMBANG_OK)
        status =
            holm_of(list, n, offsetof(tb_against, confidence.p), offsetof(tb_against, confidence_holm), made, p, err);
    free(made);
    free(p);
    return status;
}

void tb_against_free(tb_against *against)
{
    tb_marginal_free(&against->marginal);
}
