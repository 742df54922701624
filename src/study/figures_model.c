/* SPDX-License-Identifier: Apache-2.0
 * The members of an entry of results that one classifier alone gives.
 * Includes: study/figures_parts.h, study/record.h, eval. Called by: study/figures, study/evaluate (tb_record_figures).
 */
#include "eval/calibration.h"
#include "study/figures_parts.h"
#include "study/record.h"

#include <stdlib.h>

json_t *tb_json_range(tb_range range)
{
    return json_pack("[f, f]", range.low, range.high);
}

json_t *tb_json_reals(const double *values, size_t n)
{
    json_t *array = json_array();
    int bad = 0;
    for (size_t i = 0; i < n; i++)
        bad |= json_array_append_new(array, tb_json_real(values[i]));
    if (bad) {
        json_decref(array);
        return NULL;
    }
    return array;
}

/* ---- Classes ---- */

static json_t *class_array(const tb_task *task, const size_t *order)
{
    json_t *labels = json_array();
    int bad = 0;
    for (size_t c = 0; c < task->n_classes; c++)
        bad |= json_array_append_new(labels, json_string(tb_task_class(task, order ? order[c] : c)));
    if (bad) {
        json_decref(labels);
        return NULL;
    }
    return labels;
}

static int put_per_class(const tb_task *task, const tb_figures *f, json_t *into)
{
    json_t *per_class = json_object(), *truth = json_object(), *predicted = json_object();
    int bad = 0;
    for (size_t c = 0; c < f->n_classes; c++) {
        const tb_class_figures *k = &f->per_class[c];
        const char *label = tb_task_class(task, c);
        bad |= json_object_set_new(per_class, label,
                                   json_pack("{s:f, s:f, s:f, s:o, s:o}", "precision", k->precision, "recall",
                                             k->recall, "f1", k->f1, "support", tb_json_count(k->support), "predicted",
                                             tb_json_count(k->predicted)));
        bad |= json_object_set_new(truth, label, tb_json_count(k->support));
        bad |= json_object_set_new(predicted, label, tb_json_count(k->predicted));
    }
    bad |= json_object_set_new(into, "per_class", per_class);
    bad |= json_object_set_new(into, "label_counts", truth);
    bad |= json_object_set_new(into, "predicted_counts", predicted);
    return bad;
}

static json_t *confusion_array(const tb_figures *f)
{
    json_t *rows = json_array();
    int bad = 0;
    for (size_t t = 0; t < f->n_classes; t++) {
        json_t *row = json_array();
        for (size_t p = 0; p < f->n_classes; p++)
            bad |= json_array_append_new(row, tb_json_count(f->confusion[t * f->n_classes + p]));
        bad |= json_array_append_new(rows, row);
    }
    if (bad) {
        json_decref(rows);
        return NULL;
    }
    return rows;
}

static json_t *majority_object(const tb_task *task, const tb_figures *f)
{
    size_t best = 0;
    for (size_t c = 1; c < f->n_classes; c++)
        if (f->per_class[c].support > f->per_class[best].support)
            best = c;
    return json_pack("{s:s, s:f}", "label", tb_task_class(task, best), "accuracy", f->majority_accuracy);
}

/* null, or the order of labels that fits the data far better. */
static json_t *label_order(const tb_task *task, const tb_figures *f)
{
    size_t order[TB_MAX_CLASSES];
    double accuracy;
    if (!tb_better_label_order(f->confusion, f->n_classes, order, &accuracy))
        return json_null();
    json_t *labels = class_array(task, order);
    return labels ? json_pack("{s:o, s:f}", "labels", labels, "accuracy", accuracy) : NULL;
}

/* ---- Calibration ---- */

/* Equal-mass bins have edges only where they hold texts; equal-width bins always have them. */
static json_t *bin_array(const tb_bin bins[TB_ECE_BINS], bool edges)
{
    json_t *array = json_array();
    int bad = 0;
    for (size_t b = 0; b < TB_ECE_BINS; b++) {
        const tb_bin *bin = &bins[b];
        double n = (double)bin->n;
        bool full = bin->n > 0;
        bad |= json_array_append_new(
            array, json_pack("{s:o, s:o, s:o, s:o, s:o}", "low", edges || full ? json_real(bin->low) : json_null(),
                             "high", edges || full ? json_real(bin->high) : json_null(), "n", tb_json_count(bin->n),
                             "confidence", full ? json_real(bin->confidence / n) : json_null(), "accuracy",
                             full ? json_real((double)bin->right / n) : json_null()));
    }
    if (bad) {
        json_decref(array);
        return NULL;
    }
    return array;
}

static timbang_status put_calibration(const tb_task *task, const tb_figures *f, const tb_outcomes *outcomes,
                                      json_t *into, tb_error *err)
{
    tb_bin width[TB_ECE_BINS], mass[TB_ECE_BINS];
    tb_bins_equal_width(outcomes, task->truth, width);
    TB_TRY(tb_bins_equal_mass(outcomes, task->truth, mass, err));
    int bad = json_object_set_new(into, "mean_confidence", json_real(f->mean_confidence));
    bad |= json_object_set_new(into, "confidence_sd", json_real(f->confidence_sd));
    bad |= json_object_set_new(into, "ece", json_real(f->ece));
    bad |= json_object_set_new(into, "ece_bins", json_integer(TB_ECE_BINS));
    bad |= json_object_set_new(into, "ece_mass", json_real(tb_bins_ece(mass, f->n)));
    bad |= json_object_set_new(into, "mce", json_real(tb_bins_mce(width)));
    bad |= json_object_set_new(
        into, "reliability",
        json_pack("{s:o, s:o}", "equal_width", bin_array(width, true), "equal_mass", bin_array(mass, false)));
    bad |= json_object_set_new(into, "overconfident_errors", tb_json_count(f->overconfident_errors));
    bad |= json_object_set_new(into, "temperature", json_null());
    bad |= json_object_set_new(into, "nll", json_real(f->nll));
    bad |= json_object_set_new(into, "brier", json_real(f->brier));
    return tb_json_done(bad != 0, err);
}

timbang_status tb_put_temperature(const tb_figures_job *job, size_t variant, json_t *into, tb_error *err)
{
    if (!job->valid)
        return TIMBANG_OK;
    const tb_logit_rows fitted = {job->valid, job->valid_logits[variant], 1};
    tb_temperature temperature;
    tb_temperature_fit(tb_logit_rows_logits, &fitted, job->valid->truth, job->valid->n, job->valid->n_classes,
                       &temperature);
    const tb_logit_rows rows = {job->task, job->logits[variant], temperature.value};
    tb_figures f;
    TB_TRY(tb_figures_stream(tb_logit_rows_probs, &rows, job->task->truth, job->task->n, job->task->n_classes, &f, NULL,
                             err));
    json_t *object =
        json_pack("{s:f, s:o, s:o, s:b, s:f, s:f, s:f, s:f}", "value", temperature.value, "fitted_on",
                  tb_json_utf8(job->valid_name), "n", tb_json_count(job->valid->n), "at_bound", temperature.at_bound,
                  "nll", f.nll, "ece", f.ece, "brier", f.brier, "mean_confidence", f.mean_confidence);
    tb_figures_free(&f);
    return tb_json_done(json_object_set_new(into, "temperature", object) != 0, err);
}

/* ---- Bootstrap ---- */

timbang_status tb_put_bootstrap(const tb_set_figures *set, size_t variant, json_t *into, tb_error *err)
{
    if (!set->replicates)
        return TIMBANG_OK;
    size_t count = (size_t)set->job->statistics->replicates;
    const tb_replicate *replicates = set->replicates + variant * count;
    double *values = tb_calloc(4 * count, sizeof *values, err);
    if (!values)
        return err->status;
    for (size_t b = 0; b < count; b++) {
        values[b] = replicates[b].accuracy;
        values[count + b] = replicates[b].macro_f1;
        values[2 * count + b] = replicates[b].weighted_f1;
        values[3 * count + b] = replicates[b].mcc;
    }
    static const char *const names[4] = {"accuracy", "macro_f1", "weighted_f1", "mcc"};
    json_t *object = json_object();
    int bad = 0;
    for (size_t i = 0; i < 4; i++)
        bad |= json_object_set_new(object, names[i], tb_json_range(tb_bootstrap_interval(values + i * count, count)));
    free(values);
    bad |= json_object_set_new(into, "bootstrap", object);
    return tb_json_done(bad != 0, err);
}

/* ---- The entry ---- */

timbang_status tb_put_model_figures(const tb_task *task, const tb_figures *f, const tb_outcomes *outcomes,
                                    bool trained_head, json_t *into, tb_error *err)
{
    int bad = json_object_set_new(into, "n", tb_json_count(f->n));
    bad |= json_object_set_new(into, "correct", tb_json_count(f->correct));
    bad |= json_object_set_new(into, "accuracy", json_real(f->accuracy));
    bad |= json_object_set_new(into, "accuracy_interval", json_pack("[f, f]", f->accuracy_low, f->accuracy_high));
    bad |= json_object_set_new(into, "macro_f1", json_real(f->macro_f1));
    bad |= json_object_set_new(into, "weighted_f1", json_real(f->weighted_f1));
    bad |= json_object_set_new(into, "macro_precision", json_real(f->macro_precision));
    bad |= json_object_set_new(into, "macro_recall", json_real(f->macro_recall));
    bad |= json_object_set_new(into, "weighted_precision", json_real(f->weighted_precision));
    bad |= json_object_set_new(into, "weighted_recall", json_real(f->weighted_recall));
    bad |= json_object_set_new(into, "mcc", json_real(f->mcc));
    bad |= json_object_set_new(into, "bootstrap", json_null());
    bad |= json_object_set_new(into, "majority", majority_object(task, f));
    TB_TRY(tb_json_done(bad != 0, err));
    TB_TRY(put_calibration(task, f, outcomes, into, err));
    bad |= json_object_set_new(into, "labels", class_array(task, NULL));
    bad |= json_object_set_new(into, "labels_present", tb_json_count(task->n_present));
    bad |= json_object_set_new(into, "restricted", json_boolean(task->restricted));
    bad |= put_per_class(task, f, into);
    bad |= json_object_set_new(into, "confusion", confusion_array(f));
    bad |= json_object_set_new(into, "label_order", trained_head ? label_order(task, f) : json_null());
    return tb_json_done(bad != 0, err);
}

timbang_status tb_record_figures(const tb_task *task, const float *logits, bool trained_head, json_t *into,
                                 tb_error *err)
{
    const tb_logit_rows rows = {task, logits, 1};
    tb_figures figures;
    tb_outcomes outcomes;
    TB_TRY(
        tb_figures_stream(tb_logit_rows_probs, &rows, task->truth, task->n, task->n_classes, &figures, &outcomes, err));
    timbang_status status = tb_put_model_figures(task, &figures, &outcomes, trained_head, into, err);
    tb_figures_free(&figures);
    tb_outcomes_free(&outcomes);
    return status;
}
