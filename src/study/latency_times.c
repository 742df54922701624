/* SPDX-License-Identifier: Apache-2.0
 * Figures of latency from the times of all texts in all rounds.
 * Includes: study/latency_times.h, study/record.h, libm. Called by: study/latency.
 *
 * A text's time is the median of its rounds, so that a disturbance of a minority of the rounds changes nothing. How far
 * such figures would move in another run is found by drawing whole turns anew, in blocks of neighbours, because what
 * slows a machine down lasts longer than a text or a round. */
#include "study/latency_times.h"

#include "base/rng.h"
#include "eval/metrics.h"
#include "study/record.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { REPLICATES = 400, BLOCK_TURNS = 4, QUANTILES = 21 };
static const double outlier_factor = 1.5;

/* One text's times in ascending order, each with its turn. */
typedef struct sample {
    double ms;
    uint32_t turn;
} sample;

typedef struct sorted_times {
    size_t texts, rounds; /* samples: [text][round], sorted by ms within a text */
    sample *samples;
} sorted_times;

static int compare_samples(const void *a, const void *b)
{
    const sample *x = a, *y = b;
    if (x->ms != y->ms)
        return x->ms > y->ms ? 1 : -1;
    return (x->turn > y->turn) - (x->turn < y->turn);
}

static timbang_status sort_totals(const tb_latency_times *t, sorted_times *out, tb_error *err)
{
    *out = (sorted_times){.texts = t->texts, .rounds = t->turns * t->passes};
    out->samples = tb_calloc(out->texts * out->rounds, sizeof *out->samples, err);
    if (!out->samples)
        return err->status;
    for (size_t i = 0; i < out->texts; i++) {
        sample *of_text = out->samples + i * out->rounds;
        for (size_t r = 0; r < out->rounds; r++) {
            size_t at = r * out->texts + i;
            of_text[r] = (sample){t->tokenize[at] + t->forward[at], (uint32_t)(r / t->passes)};
        }
        qsort(of_text, out->rounds, sizeof *of_text, compare_samples);
    }
    return TIMBANG_OK;
}

/* The median of a text whose turn t counts weight[t] times; total: the sum of the weights of all its samples. */
static double weighted_median(const sample *samples, size_t n, const uint32_t *weight, size_t total)
{
    size_t low = (total - 1) / 2, high = total / 2, passed = 0, r = 0;
    while (r < n && passed + weight[samples[r].turn] <= low)
        passed += weight[samples[r++].turn];
    double at_low = samples[r].ms;
    while (r < n && passed + weight[samples[r].turn] <= high)
        passed += weight[samples[r++].turn];
    return (at_low + samples[r].ms) / 2;
}

static void medians_of(const sorted_times *s, const uint32_t *weight, size_t total, double *medians)
{
    for (size_t i = 0; i < s->texts; i++)
        medians[i] = weighted_median(s->samples + i * s->rounds, s->rounds, weight, total);
}

static void plain_medians(const sorted_times *s, double *medians)
{
    for (size_t i = 0; i < s->texts; i++) {
        const sample *of_text = s->samples + i * s->rounds;
        medians[i] = (of_text[(s->rounds - 1) / 2].ms + of_text[s->rounds / 2].ms) / 2;
    }
}

static double mean_of(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return sum / (double)n;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts x. */
static double median_of(double *x, size_t n)
{
    qsort(x, n, sizeof *x, compare_doubles);
    return (x[(n - 1) / 2] + x[n / 2]) / 2;
}

/* Median over the texts of medians / base; ratios is scratch. */
static double median_ratio(const double *medians, const double *base, size_t n, double *ratios)
{
    for (size_t i = 0; i < n; i++)
        ratios[i] = base[i] > 0 ? medians[i] / base[i] : 1;
    return median_of(ratios, n);
}

/* ---- Intervals ---- */

/* Two-sided 95 % quantiles of Student's t. */
static double student(size_t df)
{
    static const double table[] = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
                                   2.201,  2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086};
    size_t n = sizeof table / sizeof *table;
    return df == 0 ? table[0] : df <= n ? table[df - 1] : 1.96 + 2.5 / (double)df;
}

/* Neighbours that are drawn together: what slows a machine down often lasts for several turns. */
static size_t block_of(size_t turns)
{
    return turns >= 2 * BLOCK_TURNS ? BLOCK_TURNS : 1;
}

/* Draws turns with replacement, in circular blocks of neighbours. */
static void draw_turns(tb_rng *rng, size_t turns, uint32_t *weight)
{
    memset(weight, 0, turns * sizeof *weight);
    size_t block = block_of(turns);
    for (size_t drawn = 0; drawn < turns;) {
        size_t first = (size_t)tb_rng_below(rng, turns);
        for (size_t k = 0; k < block && drawn < turns; k++, drawn++)
            weight[(first + k) % turns]++;
    }
}

typedef struct range {
    double low, high;
} range;

/* The middle 95 % of the replicates (sorted here), widened about the figure as Student's t is wider than a normal
 * distribution where the blocks are few. Turns that were disturbed pull one side out, as they should. */
static range range_of(double *replicates, double figure, size_t turns)
{
    size_t blocks = turns / block_of(turns);
    double n = (double)blocks, wider = student(blocks - 1) / 1.96 * sqrt(n / (n - 1));
    qsort(replicates, REPLICATES, sizeof *replicates, compare_doubles);
    size_t tail = REPLICATES / 40;
    double low = replicates[tail], high = replicates[REPLICATES - 1 - tail];
    double below = figure > low ? (figure - low) * wider : 0, above = high > figure ? (high - figure) * wider : 0;
    return (range){below < figure ? figure - below : 0, figure + above};
}

typedef struct ranges {
    range mean, ratio;
} ranges;

/* base NULL: no ratios. */
static timbang_status find_ranges(const sorted_times *own, const sorted_times *base, const tb_latency_times *times,
                                  size_t base_passes, double mean, double ratio, ranges *out, tb_error *err)
{
    size_t texts = own->texts, turns = times->turns;
    uint32_t *weight = tb_calloc(turns, sizeof *weight, err);
    double *scratch = weight ? tb_calloc(3 * texts + 2 * REPLICATES, sizeof *scratch, err) : NULL;
    if (!scratch) {
        free(weight);
        return err->status;
    }
    double *medians = scratch, *base_medians = medians + texts, *ratios = base_medians + texts;
    double *means = ratios + texts, *median_ratios = means + REPLICATES;
    tb_rng rng = tb_rng_make(0, tb_hash64("latency", 7));
    for (size_t b = 0; b < REPLICATES; b++) {
        draw_turns(&rng, turns, weight);
        medians_of(own, weight, turns * times->passes, medians);
        means[b] = mean_of(medians, texts);
        if (base) {
            medians_of(base, weight, turns * base_passes, base_medians);
            median_ratios[b] = median_ratio(medians, base_medians, texts, ratios);
        }
    }
    out->mean = range_of(means, mean, turns);
    out->ratio = base ? range_of(median_ratios, ratio, turns) : out->mean;
    free(weight);
    free(scratch);
    return TIMBANG_OK;
}

/* ---- Members ---- */

static json_t *interval(range r)
{
    return json_pack("[f, f]", r.low, r.high);
}

static json_t *quantiles(double *x, size_t n)
{
    json_t *list = json_array();
    int bad = 0;
    qsort(x, n, sizeof *x, compare_doubles);
    for (size_t q = 0; q < QUANTILES; q++) {
        double position = (double)q / (QUANTILES - 1) * (double)(n - 1);
        size_t below = (size_t)position;
        double above = below + 1 < n ? x[below + 1] : x[n - 1];
        bad |= json_array_append_new(list, json_real(x[below] + (above - x[below]) * (position - (double)below)));
    }
    if (!bad)
        return list;
    json_decref(list);
    return NULL;
}

/* Medians over the rounds of times [round][text]; scratch: one value a round. */
static void text_medians(const double *times, size_t texts, size_t rounds, double *scratch, double *medians)
{
    for (size_t i = 0; i < texts; i++) {
        for (size_t r = 0; r < rounds; r++)
            scratch[r] = times[r * texts + i];
        medians[i] = median_of(scratch, rounds);
    }
}

static timbang_status put_timing(const double *medians, size_t texts, json_t *into, const char *key, tb_error *err)
{
    json_t *timing = NULL;
    TB_TRY(tb_record_timing(medians, texts, &timing, err));
    return tb_json_done(json_object_set_new(into, key, timing) != 0, err);
}

/* Sums of the rounds in rounds_ms; outliers among them; seconds of all. */
static int put_rounds(const tb_latency_times *t, double *rounds_ms, double *scratch, json_t *into)
{
    size_t rounds = t->turns * t->passes, outliers = 0;
    double all = 0;
    for (size_t r = 0; r < rounds; r++) {
        rounds_ms[r] = 0;
        for (size_t i = 0; i < t->texts; i++)
            rounds_ms[r] += t->tokenize[r * t->texts + i] + t->forward[r * t->texts + i];
        all += rounds_ms[r];
    }
    memcpy(scratch, rounds_ms, rounds * sizeof *scratch);
    double usual = median_of(scratch, rounds);
    for (size_t r = 0; r < rounds; r++)
        outliers += rounds_ms[r] > outlier_factor * usual;
    int bad = json_object_set_new(into, "texts", tb_json_count(t->texts));
    bad |= json_object_set_new(into, "rounds", tb_json_count(rounds));
    bad |= json_object_set_new(into, "seconds", json_real(all / 1000));
    bad |= json_object_set_new(into, "outliers", tb_json_count(outliers));
    bad |= json_object_set_new(into, "energy_j", tb_json_real(t->joules / (double)(t->texts * rounds)));
    return bad;
}

/* scratch: room for 4 * (texts + rounds) values. */
static timbang_status put_all(const tb_latency_times *t, const tb_latency_times *baseline, const char *baseline_name,
                              const sorted_times *own, const sorted_times *base, double *scratch, json_t *into,
                              tb_error *err)
{
    size_t rounds = own->rounds, texts = own->texts;
    double *medians = scratch, *base_medians = medians + texts, *ratios = base_medians + texts, *rest = ratios + texts;
    TB_TRY(tb_json_done(put_rounds(t, rest, rest + rounds, into) != 0, err));
    text_medians(t->tokenize, texts, rounds, rest, medians);
    TB_TRY(put_timing(medians, texts, into, "tokenize", err));
    text_medians(t->forward, texts, rounds, rest, medians);
    TB_TRY(put_timing(medians, texts, into, "forward", err));
    plain_medians(own, medians);
    TB_TRY(put_timing(medians, texts, into, "total", err));
    double mean = mean_of(medians, texts), ratio = 1;
    if (baseline) {
        plain_medians(base, base_medians);
        ratio = median_ratio(medians, base_medians, texts, ratios);
    }
    ranges r = {0};
    TB_TRY(find_ranges(own, baseline ? base : NULL, t, baseline ? baseline->passes : 0, mean, ratio, &r, err));
    int bad = json_object_set_new(into, "interval", interval(r.mean));
    if (baseline) {
        bad |= json_object_set_new(into, "ratio", json_real(ratio));
        bad |= json_object_set_new(into, "ratio_interval", interval(r.ratio));
        bad |= json_object_set_new(into, "ratio_to", json_string(baseline_name));
    }
    bad |= json_object_set_new(into, "quantiles", quantiles(medians, texts));
    return tb_json_done(bad != 0, err);
}

timbang_status tb_latency_figures(const tb_latency_times *times, const tb_latency_times *baseline,
                                  const char *baseline_name, json_t **out, tb_error *err)
{
    sorted_times own = {0}, base = {0};
    double *scratch = NULL;
    json_t *object = json_object();
    timbang_status status = tb_json_done(!object, err);
    if (status == TIMBANG_OK)
        status = sort_totals(times, &own, err);
    if (status == TIMBANG_OK && baseline)
        status = sort_totals(baseline, &base, err);
    if (status == TIMBANG_OK) {
        scratch = tb_calloc(4 * (own.texts + own.rounds), sizeof *scratch, err);
        status = scratch ? put_all(times, baseline, baseline_name, &own, &base, scratch, object, err) : err->status;
    }
    free(own.samples);
    free(base.samples);
    free(scratch);
    if (status != TIMBANG_OK) {
        json_decref(object);
        return status;
    }
    *out = object;
    return TIMBANG_OK;
}

timbang_status tb_latency_uncertainty(const tb_latency_times *times, double *out, tb_error *err)
{
    sorted_times own = {0};
    TB_TRY(sort_totals(times, &own, err));
    double *medians = tb_calloc(own.texts, sizeof *medians, err);
    timbang_status status = medians ? TIMBANG_OK : err->status;
    if (status == TIMBANG_OK) {
        ranges r = {0};
        plain_medians(&own, medians);
        double mean = mean_of(medians, own.texts);
        status = find_ranges(&own, NULL, times, 0, mean, 1, &r, err);
        double far = r.mean.high - mean > mean - r.mean.low ? r.mean.high - mean : mean - r.mean.low;
        *out = mean > 0 ? far / mean : 0;
    }
    free(medians);
    free(own.samples);
    return status;
}
