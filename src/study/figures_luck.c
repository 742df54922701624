/* SPDX-License-Identifier: Apache-2.0
 * Several models under one name: those of random rounding beside the real one. (Seeds of one recipe: figures_seeds.c.)
 * Includes: study/figures_parts.h, study/record.h, eval. Called by: study/collect. */
#include "study/figures_parts.h"
#include "study/record.h"

#include <math.h>
#include <stdlib.h>

static const double rounding = 1e-12; /* figures that are closer are equal */

enum { LUCK_ACCURACY, LUCK_MACRO_F1, LUCK_AGREEMENT, LUCK_FIGURES };
static const char *const luck_names[LUCK_FIGURES] = {"accuracy", "macro_f1", "agreement"};

/* baseline: FP32's predictions, or NULL: the agreement is NaN. */
static timbang_status luck_of(const tb_task *task, const float *logits, const uint8_t *baseline,
                              double out[LUCK_FIGURES], tb_error *err)
{
    tb_figures figures;
    tb_outcomes outcomes;
    TB_TRY(tb_figures_of_logits(task, logits, &figures, &outcomes, err));
    size_t agree = 0;
    for (size_t i = 0; baseline && i < task->n; i++)
        agree += baseline[i] == outcomes.predicted[i];
    out[LUCK_ACCURACY] = figures.accuracy;
    out[LUCK_MACRO_F1] = figures.macro_f1;
    out[LUCK_AGREEMENT] = baseline ? (double)agree / (double)task->n : (double)NAN;
    tb_figures_free(&figures);
    tb_outcomes_free(&outcomes);
    return TIMBANG_OK;
}

static json_t *luck_object(double real, double fp32, const double *values, size_t n)
{
    size_t below = 0, equal = 0, above = 0;
    for (size_t i = 0; i < n; i++) {
        if (fabs(values[i] - real) <= rounding)
            equal++;
        else if (values[i] < real)
            below++;
        else
            above++;
    }
    double low = 1 + (double)(below + equal), high = 1 + (double)(equal + above);
    double p = 2 * (low < high ? low : high) / ((double)n + 1);
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "real", tb_json_real(real), "fp32", tb_json_real(fp32),
                     "values", tb_json_reals(values, n), "below", tb_json_count(below), "equal", tb_json_count(equal),
                     "above", tb_json_count(above), "p", n < 99 ? json_null() : json_real(p < 1 ? p : 1));
}

static json_t *error_object(double real, const double *values, size_t n)
{
    double largest = 0;
    for (size_t i = 0; i < n; i++) {
        double deviation = real > 0 ? fabs(values[i] / real - 1) : 0;
        largest = deviation > largest ? deviation : largest;
    }
    return json_pack("{s:o, s:o, s:o}", "real", tb_json_real(real), "values", tb_json_reals(values, n),
                     "largest_deviation", tb_json_real(largest));
}

/* What is known of the models: figures [LUCK_FIGURES][n + 2] of the models, the real one, FP32; errors [n]. */
typedef struct luck {
    const tb_task *task;
    size_t n;
    double *values, *errors;
    tb_outcomes baseline;
} luck;

static timbang_status put_luck(luck *l, size_t at, const float *logits, tb_error *err)
{
    double figure[LUCK_FIGURES] = {(double)NAN, (double)NAN, (double)NAN};
    if (logits)
        TB_TRY(luck_of(l->task, logits, l->baseline.predicted, figure, err));
    for (size_t f = 0; f < LUCK_FIGURES; f++)
        l->values[f * (l->n + 2) + at] = figure[f];
    return TIMBANG_OK;
}

static timbang_status luck_values(luck *l, const float *fp32, const float *real, const tb_null_models *models,
                                  tb_error *err)
{
    tb_figures figures = {0};
    if (fp32)
        TB_TRY(tb_figures_of_logits(l->task, fp32, &figures, &l->baseline, err));
    tb_figures_free(&figures);
    float *logits = tb_calloc(l->task->n * l->task->n_labels, sizeof *logits, err);
    timbang_status status = logits ? TIMBANG_OK : err->status;
    for (size_t m = 0; m < l->n && status == TIMBANG_OK; m++) {
        status = tb_check_cancel(models->hooks, err);
        if (status == TIMBANG_OK)
            status = models->load(models->arg, m, logits, &l->errors[m], err);
        if (status == TIMBANG_OK)
            status = put_luck(l, m, logits, err);
    }
    free(logits);
    TB_TRY(status);
    TB_TRY(put_luck(l, l->n, real, err));
    return put_luck(l, l->n + 1, fp32, err);
}

static json_t *luck_members(const luck *l, double real_error, bool has_fp32)
{
    json_t *object = json_object();
    int bad = json_object_set_new(object, "models", tb_json_count(l->n));
    bad |= json_object_set_new(object, "weight_error", error_object(real_error, l->errors, l->n));
    for (size_t f = 0; f < LUCK_FIGURES; f++) {
        const double *v = l->values + f * (l->n + 2);
        bool known = f != LUCK_AGREEMENT || has_fp32;
        bad |= json_object_set_new(object, luck_names[f],
                                   known ? luck_object(v[l->n], v[l->n + 1], v, l->n) : json_null());
    }
    if (bad) {
        json_decref(object);
        return NULL;
    }
    return object;
}

timbang_status tb_figures_of_null(const tb_task *task, const float *fp32, const float *real, double real_error,
                                  const tb_null_models *models, json_t **out, tb_error *err)
{
    luck l = {.task = task, .n = models->n};
    l.values = tb_calloc(LUCK_FIGURES * (l.n + 2) + l.n, sizeof *l.values, err);
    if (!l.values)
        return err->status;
    l.errors = l.values + LUCK_FIGURES * (l.n + 2);
    timbang_status status = luck_values(&l, fp32, real, models, err);
    if (status == TIMBANG_OK) {
        *out = luck_members(&l, real_error, fp32 != NULL);
        status = tb_json_done(!*out, err);
    }
    tb_outcomes_free(&l.baseline);
    free(l.values);
    return status;
}
