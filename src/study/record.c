/* SPDX-License-Identifier: Apache-2.0
 * Figures as JSON members.
 * Includes: study/record.h, base. Called by: study/evaluate, study/run, study/results. */
#include "study/record.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

json_t *tb_json_count(uint64_t n)
{
    return json_integer((json_int_t)n);
}

json_t *tb_json_utf8(const char *text)
{
    if (!text)
        return json_null();
    tb_text clean = {0};
    size_t length = strlen(text);
    for (size_t i = 0; i < length;) {
        uint32_t code_point;
        int bytes = tb_utf8_decode(text + i, length - i, &code_point);
        if (bytes > 0)
            tb_text_append(&clean, text + i, (size_t)bytes);
        else
            tb_text_puts(&clean, "\xef\xbf\xbd");
        i += bytes > 0 ? (size_t)bytes : 1;
    }
    json_t *value = clean.failed ? NULL : json_stringn(clean.data ? clean.data : "", clean.length);
    tb_text_free(&clean);
    return value;
}

timbang_status tb_json_done(bool failed, tb_error *err)
{
    return failed ? tb_no_memory(err, 0) : TIMBANG_OK;
}

static json_t *class_array(const tb_task *task)
{
    json_t *labels = json_array();
    for (size_t c = 0; labels && c < task->n_classes; c++)
        if (json_array_append_new(labels, json_string(tb_task_class(task, c))) != 0) {
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
    json_t *labels = json_array();
    int bad = 0;
    for (size_t c = 0; c < f->n_classes; c++)
        bad |= json_array_append_new(labels, json_string(tb_task_class(task, order[c])));
    if (bad) {
        json_decref(labels);
        return NULL;
    }
    return json_pack("{s:o, s:f}", "labels", labels, "accuracy", accuracy);
}

static int put_figures(const tb_task *task, const tb_figures *f, bool trained_head, json_t *into)
{
    int bad = json_object_set_new(into, "n", tb_json_count(f->n));
    bad |= json_object_set_new(into, "correct", tb_json_count(f->correct));
    bad |= json_object_set_new(into, "accuracy", json_real(f->accuracy));
    bad |= json_object_set_new(into, "accuracy_interval", json_pack("[f, f]", f->accuracy_low, f->accuracy_high));
    bad |= json_object_set_new(into, "macro_f1", json_real(f->macro_f1));
    bad |= json_object_set_new(into, "weighted_f1", json_real(f->weighted_f1));
    bad |= json_object_set_new(into, "majority", majority_object(task, f));
    bad |= json_object_set_new(into, "mean_confidence", json_real(f->mean_confidence));
    bad |= json_object_set_new(into, "ece", json_real(f->ece));
    bad |= json_object_set_new(into, "ece_bins", json_integer(TB_ECE_BINS));
    bad |= json_object_set_new(into, "nll", json_real(f->nll));
    bad |= json_object_set_new(into, "brier", json_real(f->brier));
    bad |= json_object_set_new(into, "labels", class_array(task));
    bad |= json_object_set_new(into, "labels_present", tb_json_count(task->n_present));
    bad |= json_object_set_new(into, "restricted", json_boolean(task->restricted));
    bad |= put_per_class(task, f, into);
    bad |= json_object_set_new(into, "confusion", confusion_array(f));
    bad |= json_object_set_new(into, "label_order", trained_head ? label_order(task, f) : json_null());
    return bad;
}

timbang_status tb_record_figures(const tb_task *task, const float *logits, bool trained_head, json_t *into,
                                 tb_error *err)
{
    size_t k = task->n_classes;
    float *view = tb_calloc(task->n * k, sizeof *view, err);
    double *probs = view ? tb_calloc(task->n * k, sizeof *probs, err) : NULL;
    tb_figures figures = {0};
    timbang_status status = probs ? TIMBANG_OK : err->status;
    if (status == TIMBANG_OK) {
        tb_task_view(task, logits, view);
        for (size_t i = 0; i < task->n; i++)
            tb_softmax_double(view + i * k, k, probs + i * k);
        status = tb_figures_compute(probs, task->truth, task->n, k, &figures, err);
    }
    if (status == TIMBANG_OK)
        status = tb_json_done(put_figures(task, &figures, trained_head, into) != 0, err);
    tb_figures_free(&figures);
    free(probs);
    free(view);
    return status;
}

/* What a difference in accuracy amounts to, in texts, and whether it is more than chance would give. */
static json_t *comparison_sentence(const tb_comparison *c)
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
        tb_text_puts(&text, c->mcnemar_p < 0.05 ? "" : ", within chance");
    }
    json_t *value = text.failed ? NULL : json_stringn(text.data, text.length);
    tb_text_free(&text);
    return value;
}

timbang_status tb_record_comparison(const tb_task *task, const float *fp32_logits, const float *logits, json_t **out,
                                    tb_error *err)
{
    size_t count = task->n * task->n_classes;
    float *a = tb_calloc(count, sizeof *a, err), *b = a ? tb_calloc(count, sizeof *b, err) : NULL;
    if (!b) {
        free(a);
        return err->status;
    }
    tb_task_view(task, fp32_logits, a);
    tb_task_view(task, logits, b);
    tb_comparison c;
    tb_compare(a, b, task->truth, task->n, task->n_classes, &c);
    free(a);
    free(b);

    json_t *object = json_object();
    int bad = json_object_set_new(object, "agreement", json_real(c.agreement));
    bad |= json_object_set_new(object, "agree", tb_json_count(c.agree));
    bad |= json_object_set_new(object, "mean_kl", tb_json_real(c.mean_kl));
    bad |= json_object_set_new(object, "max_abs_dlogit", json_real(c.max_abs_dlogit));
    bad |= json_object_set_new(object, "right_to_wrong", tb_json_count(c.right_to_wrong));
    bad |= json_object_set_new(object, "wrong_to_right", tb_json_count(c.wrong_to_right));
    bad |= json_object_set_new(object, "wrong_to_other", tb_json_count(c.wrong_to_other));
    bad |= json_object_set_new(object, "mcnemar_p", json_real(c.mcnemar_p));
    bad |= json_object_set_new(object, "delta_accuracy", json_real(c.delta_accuracy));
    bad |= json_object_set_new(object, "delta_texts",
                               json_integer((json_int_t)c.wrong_to_right - (json_int_t)c.right_to_wrong));
    bad |= json_object_set_new(object, "sentence", comparison_sentence(&c));
    if (bad) {
        json_decref(object);
        return tb_json_done(true, err);
    }
    *out = object;
    return TIMBANG_OK;
}

timbang_status tb_record_timing(const double *ms, size_t n, json_t **out, tb_error *err)
{
    tb_timing t;
    TB_TRY(tb_timing_compute(ms, n, &t, err));
    json_t *object = json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "mean", t.mean, "sd", t.sd, "median",
                               t.median, "p10", t.p10, "p90", t.p90, "p99", t.p99, "min", t.min, "max", t.max);
    if (!object)
        return tb_json_done(true, err);
    *out = object;
    return TIMBANG_OK;
}

timbang_status tb_record_duplicates(const tb_dataset *dataset, const tb_dataset *other, json_t **out, tb_error *err)
{
    tb_duplicates d = {0};
    TB_TRY(tb_dataset_duplicates(dataset, other, &d, err));
    json_t *object = json_pack("{s:o, s:o, s:o, s:o, s:o}", "exact", tb_json_count(d.exact), "normalized",
                               tb_json_count(d.normalized), "conflicting", tb_json_count(d.conflicting), "first_line",
                               tb_json_count(d.first_line), "first_other_line", tb_json_count(d.first_other_line));
    if (!object)
        return tb_json_done(true, err);
    *out = object;
    return TIMBANG_OK;
}

timbang_status tb_record_lengths(const tb_run_facts *facts, size_t n, json_t *into, tb_error *err)
{
    uint64_t total = 0, truncated = 0, empty = 0;
    uint32_t max = 0;
    for (size_t i = 0; i < n; i++) {
        total += facts->tokens[i];
        max = facts->tokens[i] > max ? facts->tokens[i] : max;
        truncated += facts->truncated[i] != 0;
        empty += facts->empty[i] != 0;
    }
    int bad = json_object_set_new(into, "truncated", tb_json_count(truncated));
    bad |= json_object_set_new(into, "empty", tb_json_count(empty));
    bad |= json_object_set_new(into, "tokens",
                               json_pack("{s:o, s:f, s:o}", "total", tb_json_count(total), "mean",
                                         n ? (double)total / (double)n : 0.0, "max", tb_json_count(max)));
    return tb_json_done(bad != 0, err);
}
