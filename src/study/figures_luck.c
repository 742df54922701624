/* SPDX-License-Identifier: Apache-2.0
 * Several models under one name: those of random rounding beside the real one, and seeds of one recipe.
 * Includes: study/figures_parts.h, study/record.h, eval. Called by: study/collect, study/groups. */
#include "study/figures_parts.h"
#include "study/record.h"

#include <math.h>
#include <stdlib.h>

static const double rounding = 1e-12; /* figures that are closer are equal */

static timbang_status figures_of(const tb_task *task, const float *logits, tb_figures *figures, tb_outcomes *outcomes,
                                 tb_error *err)
{
    const tb_logit_rows rows = {task, logits, 1};
    return tb_figures_stream(tb_logit_rows_probs, &rows, task->truth, task->n, task->n_classes, figures, outcomes, err);
}

/* ---- Null ---- */

enum { LUCK_ACCURACY, LUCK_MACRO_F1, LUCK_AGREEMENT, LUCK_FIGURES };
static const char *const luck_names[LUCK_FIGURES] = {"accuracy", "macro_f1", "agreement"};

/* baseline: FP32's predictions, or NULL: the agreement is NaN. */
static timbang_status luck_of(const tb_task *task, const float *logits, const uint8_t *baseline,
                              double out[LUCK_FIGURES], tb_error *err)
{
    tb_figures figures;
    tb_outcomes outcomes;
    TB_TRY(figures_of(task, logits, &figures, &outcomes, err));
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
        TB_TRY(figures_of(l->task, fp32, &figures, &l->baseline, err));
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

/* ---- Seeds ---- */

typedef struct seeds {
    const tb_task *task;
    const tb_statistics *statistics;
    size_t n;                 /* seeds */
    bool compared;            /* with FP32 */
    tb_outcomes *outcomes;    /* [2 n]: the variant's, FP32's */
    double *values;           /* [4][n]: accuracy, macro-F1, and their differences */
    tb_replicate *replicates; /* [2 n][replicates]; NULL: no bootstrap */
} seeds;

static timbang_status seed_figures(seeds *s, const float *const *logits, const float *const *fp32, tb_error *err)
{
    for (size_t i = 0; i < s->n; i++) {
        tb_figures own, base;
        TB_TRY(figures_of(s->task, logits[i], &own, &s->outcomes[i], err));
        s->values[i] = own.accuracy;
        s->values[s->n + i] = own.macro_f1;
        tb_figures_free(&own);
        if (!s->compared)
            continue;
        TB_TRY(figures_of(s->task, fp32[i], &base, &s->outcomes[s->n + i], err));
        s->values[2 * s->n + i] = s->values[i] - base.accuracy;
        s->values[3 * s->n + i] = s->values[s->n + i] - base.macro_f1;
        tb_figures_free(&base);
    }
    return TIMBANG_OK;
}

static timbang_status seed_bootstrap(seeds *s, tb_pool *pool, tb_error *err)
{
    if (!s->compared || s->statistics->replicates == 0)
        return TIMBANG_OK;
    const tb_bootstrap_job job = {
        .n = s->task->n,
        .n_classes = s->task->n_classes,
        .n_classifiers = 2 * s->n,
        .truth = s->task->truth,
        .classifiers = s->outcomes,
        .replicates = (size_t)s->statistics->replicates,
        .seed = s->statistics->seed,
        .pool = pool,
    };
    return tb_bootstrap_run(&job, &s->replicates, err);
}

static double replicate_delta(const seeds *s, size_t seed, size_t b, bool macro_f1)
{
    size_t count = (size_t)s->statistics->replicates;
    const tb_replicate *own = &s->replicates[seed * count + b], *base = &s->replicates[(s->n + seed) * count + b];
    return macro_f1 ? own->macro_f1 - base->macro_f1 : own->accuracy - base->accuracy;
}

/* Seeds are drawn like texts, from streams of their own, and all of them see the same draw of texts. */
static json_t *crossed_interval(const seeds *s, bool macro_f1)
{
    if (!s->replicates)
        return json_null();
    size_t count = (size_t)s->statistics->replicates;
    tb_error unused = {0};
    double *means = tb_calloc(count, sizeof *means, &unused);
    if (!means)
        return NULL;
    for (size_t b = 0; b < count; b++) {
        for (size_t i = 0; i < s->n; i++) {
            size_t seed = tb_bootstrap_draw(s->statistics->seed, b + 0x100000000ULL, i, s->n);
            means[b] += replicate_delta(s, seed, b, macro_f1);
        }
        means[b] /= (double)s->n;
    }
    json_t *interval = tb_json_range(tb_bootstrap_interval(means, count));
    free(means);
    return interval;
}

static json_t *spread_object(const double *values, size_t n)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        sum += values[i];
    double mean = sum / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    return json_pack("{s:f, s:f, s:o}", "mean", mean, "sd", n > 1 ? sqrt(squares / (double)(n - 1)) : 0.0, "values",
                     tb_json_reals(values, n));
}

static json_t *seeds_object(const seeds *s)
{
    json_t *object = json_object();
    int bad = json_object_set_new(object, "accuracy", spread_object(s->values, s->n));
    bad |= json_object_set_new(object, "macro_f1", spread_object(s->values + s->n, s->n));
    for (size_t f = 0; f < 2; f++) {
        json_t *delta = s->compared ? spread_object(s->values + (2 + f) * s->n, s->n) : json_null();
        if (s->compared)
            bad |= json_object_set_new(delta, "interval", crossed_interval(s, f == 1));
        bad |= json_object_set_new(object, f == 0 ? "delta_accuracy" : "delta_macro_f1", delta);
    }
    if (bad) {
        json_decref(object);
        return NULL;
    }
    return object;
}

timbang_status tb_figures_of_seeds(const tb_task *task, const tb_statistics *statistics, const float *const *logits,
                                   const float *const *fp32, size_t n_seeds, tb_pool *pool, json_t **out, tb_error *err)
{
    seeds s = {.task = task, .statistics = statistics, .n = n_seeds, .compared = fp32 != NULL};
    s.outcomes = tb_calloc(2 * n_seeds, sizeof *s.outcomes, err);
    s.values = s.outcomes ? tb_calloc(4 * n_seeds, sizeof *s.values, err) : NULL;
    timbang_status status = s.values ? seed_figures(&s, logits, fp32, err) : err->status;
    if (status == TIMBANG_OK)
        status = seed_bootstrap(&s, pool, err);
    json_t *object = status == TIMBANG_OK ? seeds_object(&s) : NULL;
    if (status == TIMBANG_OK)
        status = tb_json_done(!object, err);
    for (size_t i = 0; s.outcomes && i < 2 * n_seeds; i++)
        tb_outcomes_free(&s.outcomes[i]);
    free(s.outcomes);
    free(s.values);
    free(s.replicates);
    if (status == TIMBANG_OK)
        *out = object;
    return status;
}
