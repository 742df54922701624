/* SPDX-License-Identifier: Apache-2.0
 * Figures of latency from turns.
 * Includes: study/latency_times.h, study/record.h, eval, libm. Called by: study/latency, study/timings.
 *
 * Other programs and neighbours of a virtual machine make a text slower and never faster, for half a minute at a time
 * and by up to a half. Mean and median of such times are those of the neighbours. A low quantile over turns that are
 * spread over minutes is the machine's own (Chen and Revels 2016 argue so for the minimum; a decile does not hang on a
 * single turn). How far it would move in another run is found by drawing whole turns anew, in blocks of neighbours. */
#include "study/latency_times.h"

#include "base/rng.h"
#include "eval/metrics.h"
#include "study/record.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { REPLICATES = 400, BLOCKS = 5, QUANTILES = 21 };
static const double undisturbed = 0.1; /* the quantile over turns */
static const double mood_s = 60;       /* how long what slows a machine down may last */
static const double most_mood = 2;     /* of the factor that follows from it */
static const double outlier_factor = 1.5;

/* ---- Turns ---- */

timbang_status tb_latency_turn_make(size_t texts, size_t passes, tb_latency_turn *turn, tb_error *err)
{
    *turn = (tb_latency_turn){.texts = texts, .passes = passes, .joules = (double)NAN};
    turn->values = tb_calloc(TB_TIME_KINDS * texts + passes, sizeof *turn->values, err);
    return turn->values ? TIMBANG_OK : err->status;
}

void tb_latency_turn_free(tb_latency_turn *turn)
{
    free(turn->values);
    memset(turn, 0, sizeof *turn);
}

timbang_status tb_latency_times_add(tb_latency_times *times, tb_latency_turn *turn, tb_error *err)
{
    if (times->n == times->room) {
        size_t room = times->room ? 2 * times->room : 16;
        void *turns = times->turns;
        if (tb_grow(&turns, room, sizeof *times->turns, err) != TIMBANG_OK) {
            tb_latency_turn_free(turn);
            return err->status;
        }
        times->turns = turns;
        times->room = room;
    }
    times->turns[times->n++] = *turn;
    memset(turn, 0, sizeof *turn);
    return TIMBANG_OK;
}

static const double *passes_of(const tb_latency_turn *turn)
{
    return turn->values + TB_TIME_KINDS * turn->texts;
}

double tb_latency_times_ms(const tb_latency_times *times)
{
    double sum = 0;
    for (size_t t = 0; t < times->n; t++)
        for (size_t p = 0; p < times->turns[t].passes; p++)
            sum += passes_of(&times->turns[t])[p];
    return sum;
}

void tb_latency_times_free(tb_latency_times *times)
{
    for (size_t t = 0; t < times->n; t++)
        tb_latency_turn_free(&times->turns[t]);
    free(times->turns);
    memset(times, 0, sizeof *times);
}

/* ---- Quantiles ---- */

/* Sorts x. */
static double quantile_of(double *x, size_t n, double q)
{
    tb_sort_doubles(x, n);
    return tb_quantile_sorted(x, n, q);
}

static double mean_of(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return sum / (double)n;
}

/* Each turn's mean over the texts. */
static void turn_means(const tb_latency_times *times, int kind, double *means)
{
    for (size_t t = 0; t < times->n; t++) {
        const tb_latency_turn *turn = &times->turns[t];
        means[t] = mean_of(turn->values + (size_t)kind * turn->texts, turn->texts);
    }
}

/* Each turn's median over the texts of a text's time to that of the baseline. ratios: scratch, [texts]. */
static void turn_ratios(const tb_latency_times *times, const tb_latency_times *base, double *ratios, double *out)
{
    for (size_t t = 0; t < times->n; t++) {
        size_t texts = times->turns[t].texts;
        const double *own = times->turns[t].values + TB_TIME_TOTAL * texts;
        const double *other = base->turns[t].values + TB_TIME_TOTAL * texts;
        for (size_t i = 0; i < texts; i++)
            ratios[i] = other[i] > 0 ? own[i] / other[i] : 1;
        out[t] = quantile_of(ratios, texts, 0.5);
    }
}

/* A text's time: the level, which is the low quantile of the turns' means, times the text's share, which is the median
 * over the turns of its time in parts of that turn's mean. The mean over the texts is the level. scratch: [2 n]. */
static void text_times(const tb_latency_times *times, int kind, double *scratch, double *out)
{
    size_t texts = times->turns[0].texts, n = times->n;
    double *means = scratch, *parts = scratch + n;
    turn_means(times, kind, means);
    for (size_t i = 0; i < texts; i++) {
        for (size_t t = 0; t < n; t++) {
            double ms = times->turns[t].values[(size_t)kind * texts + i];
            parts[t] = means[t] > 0 ? ms / means[t] : 1;
        }
        out[i] = quantile_of(parts, n, 0.5);
    }
    double level = quantile_of(means, n, undisturbed), share = mean_of(out, texts);
    for (size_t i = 0; i < texts; i++)
        out[i] = share > 0 ? level * out[i] / share : level;
}

/* ---- Intervals ---- */

/* Two-sided 95 % quantiles of Student's t. */
static double student(size_t df)
{
    static const double table[] = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262};
    size_t n = sizeof table / sizeof *table;
    return df == 0 ? table[0] : df <= n ? table[df - 1] : table[n - 1];
}

static size_t block_of(size_t turns)
{
    return turns >= BLOCKS ? turns / BLOCKS : 1;
}

/* The widening for what changes more slowly than the measurement could see: a mean over span_s of something whose
 * memory is mood_s varies more than blocks of it show. */
static double mood_factor(double span_s)
{
    double factor = span_s > 0 ? sqrt(1 + 2 * mood_s / span_s) : most_mood;
    return factor < most_mood ? factor : most_mood;
}

typedef struct range {
    double low, high;
} range;

/* The 95 % interval of a quantile over turns: whole turns are drawn with replacement, in circular blocks of neighbours;
 * the farther end of the middle 95 % of the replicates, widened. scratch: [n]. */
static range range_of(const double *turns, size_t n, double q, double figure, double wider, double *scratch)
{
    double replicates[REPLICATES];
    tb_rng rng = tb_rng_make(0, tb_hash64("latency", 7));
    size_t block = block_of(n), blocks = n / block, tail = REPLICATES / 40;
    for (size_t b = 0; b < REPLICATES; b++) {
        for (size_t drawn = 0; drawn < n;) {
            size_t first = (size_t)tb_rng_below(&rng, n);
            for (size_t k = 0; k < block && drawn < n; k++)
                scratch[drawn++] = turns[(first + k) % n];
        }
        replicates[b] = quantile_of(scratch, n, q);
    }
    tb_sort_doubles(replicates, REPLICATES);
    double low = figure - replicates[tail], high = replicates[REPLICATES - 1 - tail] - figure;
    double far = low > high ? low : high, k = (double)blocks;
    far = far > 0 ? far * wider * student(blocks - 1) / 1.96 * sqrt(k / (k > 1 ? k - 1 : 1)) : 0;
    return (range){far < figure ? figure - far : 0, figure + far};
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
    tb_sort_doubles(x, n);
    for (size_t q = 0; q < QUANTILES; q++)
        bad |= json_array_append_new(list, json_real(tb_quantile_sorted(x, n, (double)q / (QUANTILES - 1))));
    if (!bad)
        return list;
    json_decref(list);
    return NULL;
}

static int put_rounds(const tb_latency_times *times, double *rounds_ms, size_t rounds, json_t *into)
{
    size_t outliers = 0, at = 0, texts = times->turns[0].texts;
    double joules = 0;
    for (size_t t = 0; t < times->n; t++) {
        const tb_latency_turn *turn = &times->turns[t];
        memcpy(rounds_ms + at, passes_of(turn), turn->passes * sizeof *rounds_ms);
        at += turn->passes;
        joules += turn->joules; /* NAN stays NAN */
    }
    double usual = quantile_of(rounds_ms, rounds, 0.5);
    for (size_t r = 0; r < rounds; r++)
        outliers += rounds_ms[r] > outlier_factor * usual;
    int bad = json_object_set_new(into, "texts", tb_json_count(texts));
    bad |= json_object_set_new(into, "turns", tb_json_count(times->n));
    bad |= json_object_set_new(into, "rounds", tb_json_count(rounds));
    bad |= json_object_set_new(into, "seconds", json_real(tb_latency_times_ms(times) / 1000));
    bad |= json_object_set_new(into, "outliers", tb_json_count(outliers));
    bad |= json_object_set_new(into, "energy_j", tb_json_real(joules / (double)(texts * rounds)));
    return bad;
}

static timbang_status put_timings(const tb_latency_times *times, double *text_ms, double *scratch, json_t *into,
                                  tb_error *err)
{
    static const char *const names[TB_TIME_KINDS] = {"tokenize", "forward", "total"};
    for (int kind = 0; kind < TB_TIME_KINDS; kind++) {
        json_t *timing = NULL;
        text_times(times, kind, scratch, text_ms);
        TB_TRY(tb_record_timing(text_ms, times->turns[0].texts, &timing, err));
        TB_TRY(tb_json_done(json_object_set_new(into, names[kind], timing) != 0, err));
    }
    return TIMBANG_OK; /* text_ms are those of the total now */
}

/* values: [texts + 2 n + rounds]. */
static timbang_status put_all(const tb_latency_times *times, const tb_latency_times *baseline,
                              const char *baseline_name, double span_s, size_t rounds, double *values, json_t *into,
                              tb_error *err)
{
    size_t texts = times->turns[0].texts, n = times->n;
    double *text_ms = values, *turns = values + texts, *scratch = turns + n, *rounds_ms = scratch + n;
    TB_TRY(tb_json_done(put_rounds(times, rounds_ms, rounds, into) != 0, err));
    TB_TRY(put_timings(times, text_ms, turns, into, err));
    turn_means(times, TB_TIME_TOTAL, turns);
    range mean = range_of(turns, n, undisturbed, mean_of(text_ms, texts), mood_factor(span_s), scratch);
    int bad = json_object_set_new(into, "quantiles", quantiles(text_ms, texts));
    bad |= json_object_set_new(into, "interval", interval(mean));
    if (baseline) { /* both sides of a turn share the machine's mood: no widening for that */
        turn_ratios(times, baseline, text_ms, turns);
        memcpy(scratch, turns, n * sizeof *scratch);
        double ratio = quantile_of(scratch, n, 0.5);
        bad |= json_object_set_new(into, "ratio", json_real(ratio));
        bad |= json_object_set_new(into, "ratio_interval", interval(range_of(turns, n, 0.5, ratio, 1, scratch)));
        bad |= json_object_set_new(into, "ratio_to", json_string(baseline_name));
    }
    return tb_json_done(bad != 0, err);
}

timbang_status tb_latency_figures(const tb_latency_times *times, const tb_latency_times *baseline,
                                  const char *baseline_name, double span_s, json_t **out, tb_error *err)
{
    size_t rounds = 0;
    for (size_t t = 0; t < times->n; t++)
        rounds += times->turns[t].passes;
    double *values = tb_calloc(times->turns[0].texts + 2 * times->n + rounds, sizeof *values, err);
    json_t *object = values ? json_object() : NULL;
    timbang_status status = values ? tb_json_done(!object, err) : err->status;
    if (status == TIMBANG_OK)
        status = put_all(times, baseline, baseline_name, span_s, rounds, values, object, err);
    free(values);
    if (status != TIMBANG_OK) {
        json_decref(object);
        return status;
    }
    *out = object;
    return TIMBANG_OK;
}

timbang_status tb_latency_uncertainty(const tb_latency_times *times, double span_s, double *out, tb_error *err)
{
    double *turns = tb_calloc(2 * times->n, sizeof *turns, err), *scratch = turns ? turns + times->n : NULL;
    if (!turns)
        return err->status;
    turn_means(times, TB_TIME_TOTAL, turns);
    memcpy(scratch, turns, times->n * sizeof *turns);
    double mean = quantile_of(scratch, times->n, undisturbed);
    range r = range_of(turns, times->n, undisturbed, mean, mood_factor(span_s), scratch);
    *out = mean > 0 ? (r.high - mean) / mean : 0;
    free(turns);
    return TIMBANG_OK;
}
