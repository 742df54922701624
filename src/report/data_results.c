/* SPDX-License-Identifier: Apache-2.0
 * The entries of `results`: figures of one model, variant and set.
 * Includes: report/data_read.h. Called by: report/data. */
#include "report/data_read.h"

#include <math.h>

static void read_confusion_row(tb_fields *f, const json_t *confusion, const char *where, size_t row, size_t n,
                               uint64_t *out)
{
    const json_t *counts = json_array_get(confusion, row);
    if (f->status == TIMBANG_OK && json_array_size(counts) != n)
        tb_fields_fail(f, "%s.confusion[%zu] should have %zu numbers, one a label", where, row, n);
    for (size_t p = 0; p < n && f->status == TIMBANG_OK; p++) {
        const json_t *count = json_array_get(counts, p);
        if (!json_is_integer(count) || json_integer_value(count) < 0)
            tb_fields_fail(f, "%s.confusion[%zu][%zu] should be a whole number, 0 or more", where, row, p);
        out[p] = (uint64_t)json_integer_value(count);
    }
}

static void read_classes(tb_report *r, tb_fields *f, const json_t *item, const char *where, tb_report_result *result)
{
    const char **labels = tb_read_strings(r, f, item, where, "labels", &result->n_classes);
    size_t n = result->n_classes;
    if (f->status == TIMBANG_OK && (n == 0 || n > TB_READ_MAX_CLASSES))
        tb_fields_fail(f, "%s.labels has %zu items; 1 to %d are drawn", where, n, TB_READ_MAX_CLASSES);
    const json_t *per_class = tb_field_object(f, item, where, "per_class");
    const json_t *confusion = tb_field_array(f, item, where, "confusion");
    result->classes = tb_read_room(r, f, n, sizeof *result->classes);
    result->confusion = f->status == TIMBANG_OK ? tb_read_room(r, f, n * n, sizeof *result->confusion) : NULL;
    if (f->status == TIMBANG_OK && json_array_size(confusion) != n)
        tb_fields_fail(f, "%s.confusion should have %zu rows, one a label", where, n);
    char inner[TB_READ_WHERE], label[TB_READ_WHERE];
    tb_read_inner(inner, where, "per_class");
    for (size_t c = 0; c < n && f->status == TIMBANG_OK; c++) {
        const json_t *figures = tb_field_object(f, per_class, inner, labels[c]);
        tb_read_inner(label, inner, labels[c]);
        result->classes[c] = (tb_report_class){
            .label = labels[c],
            .precision = tb_field_real(f, figures, label, "precision"),
            .recall = tb_field_real(f, figures, label, "recall"),
            .f1 = tb_field_real(f, figures, label, "f1"),
            .truth = tb_field_count(f, figures, label, "support"),
            .predicted = tb_field_count(f, figures, label, "predicted"),
        };
        read_confusion_row(f, confusion, where, c, n, result->confusion + c * n);
    }
}

/* ---- Calibration ---- */

static tb_report_bin *read_bins(tb_report *r, tb_fields *f, const json_t *reliability, const char *where,
                                const char *key, size_t *n)
{
    const json_t *array = tb_read_array(f, reliability, where, key, n);
    tb_report_bin *bins = tb_read_room(r, f, *n, sizeof *bins);
    char inner[TB_READ_WHERE], entry[TB_READ_WHERE];
    tb_read_inner(inner, where, key);
    for (size_t b = 0; b < *n && f->status == TIMBANG_OK; b++) {
        const json_t *bin = tb_field_item(f, array, inner, b);
        tb_read_item(entry, where, key, b);
        bins[b] = (tb_report_bin){
            .low = tb_field_real_or_null(f, bin, entry, "low"),
            .high = tb_field_real_or_null(f, bin, entry, "high"),
            .n = tb_field_count(f, bin, entry, "n"),
            .confidence = tb_field_real_or_null(f, bin, entry, "confidence"),
            .accuracy = tb_field_real_or_null(f, bin, entry, "accuracy"),
        };
        if (bins[b].n > 0 &&
            (isnan(bins[b].low) || isnan(bins[b].high) || isnan(bins[b].confidence) || isnan(bins[b].accuracy)))
            tb_fields_fail(f, "%s holds %llu texts: its members should be numbers", entry,
                           (unsigned long long)bins[b].n);
    }
    return bins;
}

static void read_calibration(tb_report *r, tb_fields *f, const json_t *item, const char *where,
                             tb_report_result *result)
{
    char inner[TB_READ_WHERE];
    result->mean_confidence = tb_field_real(f, item, where, "mean_confidence");
    result->confidence_sd = tb_field_real(f, item, where, "confidence_sd");
    result->ece = tb_field_real(f, item, where, "ece");
    result->ece_mass = tb_field_real(f, item, where, "ece_mass");
    result->mce = tb_field_real(f, item, where, "mce");
    result->nll = tb_field_real(f, item, where, "nll");
    result->brier = tb_field_real(f, item, where, "brier");
    result->overconfident_errors = tb_field_count(f, item, where, "overconfident_errors");

    size_t n_mass;
    const json_t *reliability = tb_field_object(f, item, where, "reliability");
    tb_read_inner(inner, where, "reliability");
    result->reliability = read_bins(r, f, reliability, inner, "equal_width", &result->n_bins);
    result->reliability_mass = read_bins(r, f, reliability, inner, "equal_mass", &n_mass);
    if (f->status == TIMBANG_OK && n_mass != result->n_bins)
        tb_fields_fail(f, "%s: equal_width has %zu bins and equal_mass %zu; as many are expected", inner,
                       result->n_bins, n_mass);

    result->temperature = result->temperature_ece = result->temperature_nll = (double)NAN;
    if (tb_field_null(f, item, where, "temperature"))
        return;
    const json_t *temperature = tb_field_object(f, item, where, "temperature");
    tb_read_inner(inner, where, "temperature");
    result->temperature = tb_field_real(f, temperature, inner, "value");
    result->temperature_set = tb_field_string(f, temperature, inner, "fitted_on");
    result->temperature_ece = tb_field_real(f, temperature, inner, "ece");
    result->temperature_nll = tb_field_real(f, temperature, inner, "nll");
}

/* ---- One entry ---- */

static void read_bootstrap(tb_fields *f, const json_t *item, const char *where, tb_report_result *result)
{
    char inner[TB_READ_WHERE];
    if (tb_field_null(f, item, where, "bootstrap"))
        return;
    const json_t *bootstrap = tb_field_object(f, item, where, "bootstrap");
    tb_read_inner(inner, where, "bootstrap");
    result->bootstrap = true;
    result->boot_accuracy = tb_read_interval(f, bootstrap, inner, "accuracy");
    result->boot_macro_f1 = tb_read_interval(f, bootstrap, inner, "macro_f1");
    result->boot_weighted_f1 = tb_read_interval(f, bootstrap, inner, "weighted_f1");
    result->boot_mcc = tb_read_interval(f, bootstrap, inner, "mcc");
}

static void read_label_order(tb_report *r, tb_fields *f, const json_t *item, const char *where,
                             tb_report_result *result)
{
    char inner[TB_READ_WHERE];
    size_t n;
    if (tb_field_null(f, item, where, "label_order"))
        return;
    const json_t *order = tb_field_object(f, item, where, "label_order");
    tb_read_inner(inner, where, "label_order");
    result->better_order = tb_read_strings(r, f, order, inner, "labels", &n);
    result->better_order_accuracy = tb_field_real(f, order, inner, "accuracy");
    if (f->status == TIMBANG_OK && n != result->n_classes)
        tb_fields_fail(f, "%s.labels should hold %zu labels", inner, result->n_classes);
}

static void read_scores(tb_fields *f, const json_t *item, const char *where, tb_report_result *result)
{
    result->accuracy = tb_field_real(f, item, where, "accuracy");
    tb_interval wilson = tb_read_interval(f, item, where, "accuracy_interval");
    result->low = wilson.low;
    result->high = wilson.high;
    result->macro_f1 = tb_field_real(f, item, where, "macro_f1");
    result->weighted_f1 = tb_field_real(f, item, where, "weighted_f1");
    result->macro_precision = tb_field_real(f, item, where, "macro_precision");
    result->macro_recall = tb_field_real(f, item, where, "macro_recall");
    result->weighted_precision = tb_field_real(f, item, where, "weighted_precision");
    result->weighted_recall = tb_field_real(f, item, where, "weighted_recall");
    result->mcc = tb_field_real(f, item, where, "mcc");
}

static void read_result(tb_report *r, tb_fields *f, const json_t *item, const char *where, tb_report_result *result)
{
    char inner[TB_READ_WHERE];
    result->model = tb_read_model(r, f, item, where);
    result->set = tb_read_set(r, f, item, where);
    result->variant = tb_read_variant(r, f, item, where, result->model);
    result->untrained_head = tb_field_bool(f, item, where, "untrained_head");
    result->restricted = tb_field_bool(f, item, where, "restricted");
    result->n = tb_field_count(f, item, where, "n");
    result->correct = tb_field_count(f, item, where, "correct");
    result->truncated = tb_field_count(f, item, where, "truncated");
    result->empty = tb_field_count(f, item, where, "empty");
    result->labels_present = tb_field_count(f, item, where, "labels_present");
    const json_t *tokens = tb_field_object(f, item, where, "tokens");
    tb_read_inner(inner, where, "tokens");
    result->tokens_mean = tb_field_real(f, tokens, inner, "mean");
    result->tokens_max = tb_field_count(f, tokens, inner, "max");
    const json_t *majority = tb_field_object(f, item, where, "majority");
    tb_read_inner(inner, where, "majority");
    result->majority_label = tb_field_string(f, majority, inner, "label");
    result->majority_accuracy = tb_field_real(f, majority, inner, "accuracy");
    read_scores(f, item, where, result);
    read_bootstrap(f, item, where, result);
    read_calibration(r, f, item, where, result);
    read_classes(r, f, item, where, result);
    read_label_order(r, f, item, where, result);
    tb_read_against(r, f, item, where, result);
}

void tb_read_results(tb_report *r, tb_fields *f)
{
    size_t n;
    const json_t *array = tb_read_array(f, r->root, "", "results", &n);
    r->results = tb_read_room(r, f, n, sizeof *r->results);
    for (size_t i = 0; i < n && f->status == TIMBANG_OK; i++) {
        char where[TB_READ_WHERE];
        tb_read_item(where, "", "results", i);
        read_result(r, f, tb_field_item(f, array, "results", i), where, &r->results[i]);
        r->n_results++;
    }
}
