/* SPDX-License-Identifier: Apache-2.0
 * Seeds of one recipe: their spread, their differences from FP32, and two recipes seed by seed.
 * Includes: study/figures_parts.h, study/record.h, eval. Called by: study/groups, study/roadmap_pairs. */
#include "study/figures_parts.h"
#include "study/record.h"

#include <math.h>
#include <stdlib.h>

typedef struct seeds {
    const tb_task *task;
    const tb_statistics *statistics;
    size_t n;                 /* seeds */
    bool compared;            /* with another classifier a seed: FP32, or the other side of a pair */
    tb_outcomes *outcomes;    /* [2 n]: the variant's, the other's */
    double *values;           /* [4][n]: accuracy, macro-F1, and their differences */
    tb_replicate *replicates; /* [2 n][replicates]; NULL: no bootstrap */
} seeds;

static timbang_status seed_figures(seeds *s, const float *const *logits, const float *const *others, tb_error *err)
{
    for (size_t i = 0; i < s->n; i++) {
        tb_figures own, base;
        TB_TRY(tb_figures_of_logits(s->task, logits[i], &own, &s->outcomes[i], err));
        s->values[i] = own.accuracy;
        s->values[s->n + i] = own.macro_f1;
        tb_figures_free(&own);
        if (!s->compared)
            continue;
        TB_TRY(tb_figures_of_logits(s->task, others[i], &base, &s->outcomes[s->n + i], err));
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

/* The mean over seeds in each replicate: seeds are drawn like texts, from streams of their own, and all of them see the
 * same draw of texts. NULL: no memory. */
static double *crossed_means(const seeds *s, bool macro_f1)
{
    size_t count = (size_t)s->statistics->replicates;
    tb_error unused = {0};
    double *means = tb_calloc(count, sizeof *means, &unused);
    for (size_t b = 0; means && b < count; b++) {
        for (size_t i = 0; i < s->n; i++) {
            size_t seed = tb_bootstrap_draw(s->statistics->seed, b + 0x100000000ULL, i, s->n);
            means[b] += replicate_delta(s, seed, b, macro_f1);
        }
        means[b] /= (double)s->n;
    }
    return means;
}

/* Puts "interval", and where it is asked for the bootstrap's "p", of the mean difference over the seeds. */
static int put_crossed(const seeds *s, bool macro_f1, bool with_p, json_t *into)
{
    double *means = s->replicates ? crossed_means(s, macro_f1) : NULL;
    if (s->replicates && !means)
        return -1;
    size_t count = (size_t)s->statistics->replicates;
    int bad = 0;
    if (with_p)
        bad |= json_object_set_new(into, "p", means ? json_real(tb_bootstrap_p(means, count)) : json_null());
    bad |=
        json_object_set_new(into, "interval", means ? tb_json_range(tb_bootstrap_interval(means, count)) : json_null());
    free(means);
    return bad;
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
            bad |= put_crossed(s, f == 1, false, delta);
        bad |= json_object_set_new(object, f == 0 ? "delta_accuracy" : "delta_macro_f1", delta);
    }
    if (bad) {
        json_decref(object);
        return NULL;
    }
    return object;
}

/* ---- Pairs: the same seeds on two sides ---- */

/* One seed: which texts only one side gets right, and the intervals of its own differences. */
static json_t *pair_object(const seeds *s, size_t i)
{
    const uint8_t *own = s->outcomes[i].predicted, *base = s->outcomes[s->n + i].predicted;
    size_t lost = 0, won = 0, count = (size_t)s->statistics->replicates;
    for (size_t t = 0; t < s->task->n; t++) {
        bool now = own[t] == s->task->truth[t], then = base[t] == s->task->truth[t];
        lost += then && !now;
        won += now && !then;
    }
    json_t *object = json_object(), *bootstrap = s->replicates ? json_object() : json_null(), *p = json_null();
    int bad = 0;
    for (size_t f = 0; f < 2 && s->replicates; f++) {
        tb_error unused = {0};
        double *deltas = tb_calloc(count, sizeof *deltas, &unused);
        for (size_t b = 0; deltas && b < count; b++)
            deltas[b] = replicate_delta(s, i, b, f == 1);
        if (deltas && f == 1)
            p = json_real(tb_bootstrap_p(deltas, count));
        bad |= json_object_set_new(bootstrap, f == 0 ? "delta_accuracy" : "delta_macro_f1",
                                   deltas ? tb_json_range(tb_bootstrap_interval(deltas, count)) : NULL);
        free(deltas);
    }
    double mcnemar = tb_binomial_two_sided_half(lost < won ? lost : won, lost + won);
    bad |= json_object_set_new(object, "right_to_wrong", tb_json_count(lost));
    bad |= json_object_set_new(object, "wrong_to_right", tb_json_count(won));
    bad |= json_object_set_new(object, "mcnemar_p", json_real(lost + won > 0 ? mcnemar : 1));
    bad |= json_object_set_new(object, "delta_accuracy", json_real(s->values[2 * s->n + i]));
    bad |= json_object_set_new(object, "delta_macro_f1", json_real(s->values[3 * s->n + i]));
    bad |= json_object_set_new(object, "delta_macro_f1_p", p);
    bad |= json_object_set_new(object, "bootstrap", bootstrap);
    if (bad) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *pairs_object(const seeds *s)
{
    json_t *object = json_object(), *array = json_array();
    int bad = json_object_set_new(object, "seeds", array);
    for (size_t i = 0; i < s->n; i++)
        bad |= json_array_append_new(array, pair_object(s, i));
    for (size_t f = 0; f < 2; f++) {
        json_t *delta = spread_object(s->values + (2 + f) * s->n, s->n);
        bad |= put_crossed(s, f == 1, true, delta);
        bad |= json_object_set_new(object, f == 0 ? "delta_accuracy" : "delta_macro_f1", delta);
    }
    if (bad) {
        json_decref(object);
        return NULL;
    }
    return object;
}

/* ---- Both ---- */

static timbang_status figures_of(const tb_task *task, const tb_statistics *statistics, const float *const *logits,
                                 const float *const *others, size_t n, tb_pool *pool, json_t *(*make)(const seeds *),
                                 json_t **out, tb_error *err)
{
    seeds s = {.task = task, .statistics = statistics, .n = n, .compared = others != NULL};
    s.outcomes = tb_calloc(2 * n, sizeof *s.outcomes, err);
    s.values = s.outcomes ? tb_calloc(4 * n, sizeof *s.values, err) : NULL;
    timbang_status status = s.values ? seed_figures(&s, logits, others, err) : err->status;
    if (status == TIMBANG_OK)
        status = seed_bootstrap(&s, pool, err);
    json_t *object = status == TIMBANG_OK ? make(&s) : NULL;
    if (status == TIMBANG_OK)
        status = tb_json_done(!object, err);
    for (size_t i = 0; s.outcomes && i < 2 * n; i++)
        tb_outcomes_free(&s.outcomes[i]);
    free(s.outcomes);
    free(s.values);
    free(s.replicates);
    if (status == TIMBANG_OK)
        *out = object;
    return status;
}

timbang_status tb_figures_of_seeds(const tb_task *task, const tb_statistics *statistics, const float *const *logits,
                                   const float *const *fp32, size_t n_seeds, tb_pool *pool, json_t **out, tb_error *err)
{
    return figures_of(task, statistics, logits, fp32, n_seeds, pool, seeds_object, out, err);
}

timbang_status tb_figures_of_pairs(const tb_task *task, const tb_statistics *statistics, const float *const *logits,
                                   const float *const *baseline, size_t n_seeds, tb_pool *pool, json_t **out,
                                   tb_error *err)
{
    return figures_of(task, statistics, logits, baseline, n_seeds, pool, pairs_object, out, err);
}
