/* Tests of study/latency_times.c (figures of given turns, and how often the intervals of two simulated studies meet)
 * and of study/latency.c on tiny models. */
#include "tiny.h"

#include "base/rng.h"
#include "study/latency.h"
#include "study/latency_times.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_number(value))
        fail_msg("no number %s", key);
    return json_number_value(value);
}

static double member(const json_t *object, const char *list, size_t i)
{
    const json_t *value = json_array_get(json_object_get(object, list), i);
    if (!json_is_number(value))
        fail_msg("no number %s[%zu]", list, i);
    return json_number_value(value);
}

/* ---- Figures of given turns ---- */

static void add_turn(tb_latency_times *times, const tb_latency_turn *turn)
{
    tb_error err = {0};
    tb_latency_turn copy;
    assert_int_equal(tb_latency_turn_make(turn->texts, turn->passes, &copy, &err), TIMBANG_OK);
    copy.joules = turn->joules;
    memcpy(copy.values, turn->values, (TB_TIME_KINDS * turn->texts + turn->passes) * sizeof *copy.values);
    assert_int_equal(tb_latency_times_add(times, &copy, &err), TIMBANG_OK);
}

static json_t *figures_of(const tb_latency_times *t, const tb_latency_times *base, const char *name, double span_s)
{
    json_t *out = NULL;
    tb_error err = {0};
    if (tb_latency_figures(t, base, name, span_s, &out, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    return out;
}

/* Text i takes i + 1 ms, a tenth of it for tokens. Three turns in five are slower by a half or thrice, and text 3 is
 * slow in a turn of its own: the machine left to itself is what must come out. */
static void disturbed_turns_change_nothing(void **state)
{
    (void)state;
    enum { TEXTS = 21, TURNS = 20, PASSES = 2 };
    static const double slower[5] = {1, 3, 1.5, 1.5, 1};
    double values[TB_TIME_KINDS * TEXTS + PASSES];
    tb_latency_times t = {0}, half = {0};
    for (size_t r = 0; r < TURNS; r++) {
        double mood = slower[r % 5], sum = 0;
        for (size_t i = 0; i < TEXTS; i++) {
            double ms = (double)(i + 1) * mood * (r % 5 == 0 && i == 3 ? 10 : 1);
            values[TB_TIME_TOKENIZE * TEXTS + i] = 0.1 * ms;
            values[TB_TIME_FORWARD * TEXTS + i] = 0.9 * ms;
            values[TB_TIME_TOTAL * TEXTS + i] = ms;
            sum += ms;
        }
        values[TB_TIME_KINDS * TEXTS] = values[TB_TIME_KINDS * TEXTS + 1] = sum;
        add_turn(&t, &(tb_latency_turn){TEXTS, PASSES, 84.0 / TURNS, values});
        for (size_t i = 0; i < TEXTS; i++) {
            values[TB_TIME_FORWARD * TEXTS + i] = values[TB_TIME_TOTAL * TEXTS + i] = 0.5 * mood * (double)(i + 1);
            values[TB_TIME_TOKENIZE * TEXTS + i] = 0;
        }
        values[TB_TIME_KINDS * TEXTS] = 0.5 * mood * 231;
        add_turn(&half, &(tb_latency_turn){TEXTS, 1, (double)NAN, values});
    }
    json_t *f = figures_of(&t, &half, "fp32", 300);
    const json_t *total = json_object_get(f, "total");
    assert_int_equal(number(f, "texts"), TEXTS);
    assert_int_equal(number(f, "turns"), TURNS);
    assert_int_equal(number(f, "rounds"), TURNS * PASSES);
    assert_true(fabs(number(total, "mean") - 11) < 1e-9 && fabs(number(total, "median") - 11) < 1e-9);
    assert_true(fabs(number(json_object_get(f, "tokenize"), "mean") - 1.1) < 1e-9);
    assert_true(fabs(number(json_object_get(f, "forward"), "max") - 18.9) < 1e-9);
    assert_int_equal(json_array_size(json_object_get(f, "quantiles")), 21);
    for (size_t q = 0; q < 21; q++)
        assert_true(fabs(member(f, "quantiles", q) - (double)(q + 1)) < 1e-9);
    assert_int_equal(number(f, "outliers"), 8); /* twice the four turns that took thrice */
    assert_true(fabs(number(f, "energy_j") - 84.0 / (TEXTS * TURNS * PASSES)) < 1e-12);
    assert_true(fabs(number(f, "seconds") - 2 * 4 * (231 + 36 + 693 + 2 * 346.5 + 231) / 1000) < 1e-9);
    assert_true(fabs(number(f, "ratio") - 2) < 1e-9);
    assert_string_equal(json_string_value(json_object_get(f, "ratio_to")), "fp32");
    assert_true(member(f, "ratio_interval", 0) <= 2 && member(f, "ratio_interval", 1) >= 2);
    assert_true(member(f, "interval", 0) <= 11 && member(f, "interval", 1) >= 11);
    json_decref(f);

    f = figures_of(&half, &half, "int8", 300);
    assert_true(number(f, "ratio") == 1);
    assert_true(member(f, "ratio_interval", 0) == 1 && member(f, "ratio_interval", 1) == 1);
    assert_true(json_is_null(json_object_get(f, "energy_j")));
    assert_int_equal(number(f, "outliers"), 4);
    json_decref(f);

    f = figures_of(&half, NULL, NULL, 300);
    assert_null(json_object_get(f, "ratio"));
    json_decref(f);
    tb_latency_times_free(&t);
    tb_latency_times_free(&half);
}

/* ---- Two studies on a simulated machine ---- */

enum { SIM_TEXTS = 5, SIM_PASSES = 3, STUDIES = 300 };

/* A machine whose speed wanders for a minute at a time (autoregressive, Gaussian), or which a neighbour slows down by a
 * half for 30 s at a time, a third of all time. */
typedef struct machine {
    tb_rng rng;
    bool has_neighbour, slow;
    double wander, wander_sd;
} machine;

static machine machine_make(uint64_t study, bool has_neighbour)
{
    machine m = {
        .rng = tb_rng_make(99, study), .has_neighbour = has_neighbour, .wander_sd = has_neighbour ? 0.01 : 0.03};
    m.wander = m.wander_sd * tb_rng_normal(&m.rng);
    m.slow = tb_rng_below(&m.rng, 3) == 0;
    return m;
}

/* How much slower it is after so many seconds. */
static double machine_after(machine *m, double seconds)
{
    double kept = exp(-seconds / 60);
    m->wander = kept * m->wander + sqrt(1 - kept * kept) * m->wander_sd * tb_rng_normal(&m->rng);
    if (tb_rng_unit(&m->rng) > exp(-seconds / (m->slow ? 30 : 60)))
        m->slow = !m->slow;
    return exp(m->wander) * (m->has_neighbour && m->slow ? 1.5 : 1);
}

typedef struct found {
    double figure, low, high; /* ours */
    double iid_low, iid_high; /* the mean of all passes and its standard error, as if they were independent */
    double ratio_low, ratio_high;
} found;

/* A model's turns, each so many seconds after the other; one in eight meets a disturbance of its own, and a second
 * model that takes twice as long has its turn right after. */
static found one_study(uint64_t study, bool has_neighbour, size_t turns, double apart_s)
{
    machine m = machine_make(study, has_neighbour);
    tb_latency_times times[2] = {{0}, {0}};
    double sum = 0, squares = 0, n = (double)(turns * SIM_PASSES);
    for (size_t t = 0; t < turns; t++) {
        double mood = machine_after(&m, apart_s), values[TB_TIME_KINDS * SIM_TEXTS + SIM_PASSES] = {0};
        for (int model = 0; model < 2; model++) {
            double own = (model + 1) * mood * (tb_rng_below(&m.rng, 8) ? 1 : 1.7), ms[SIM_PASSES];
            for (size_t i = 0; i < SIM_TEXTS; i++) {
                for (size_t p = 0; p < SIM_PASSES; p++) {
                    ms[p] = own * (1 + (double)i / 10) * (1 + 0.01 * tb_rng_normal(&m.rng));
                    values[TB_TIME_KINDS * SIM_TEXTS + p] =
                        i == 0 ? ms[p] : values[TB_TIME_KINDS * SIM_TEXTS + p] + ms[p];
                }
                double low = fmin(ms[0], ms[1]), high = fmax(ms[0], ms[1]);
                values[TB_TIME_TOTAL * SIM_TEXTS + i] = fmax(low, fmin(high, ms[2]));
            }
            for (size_t p = 0; p < SIM_PASSES && model == 0; p++) {
                double pass = values[TB_TIME_KINDS * SIM_TEXTS + p] / SIM_TEXTS;
                sum += pass;
                squares += pass * pass;
            }
            add_turn(&times[model], &(tb_latency_turn){SIM_TEXTS, SIM_PASSES, (double)NAN, values});
        }
    }
    json_t *f = figures_of(&times[0], NULL, NULL, apart_s * (double)turns),
           *other = figures_of(&times[1], &times[0], "fp32", apart_s * (double)turns);
    double mean = sum / n, error = 1.96 * sqrt((squares / n - mean * mean) / n);
    found out = {.figure = number(json_object_get(f, "total"), "mean"),
                 .low = member(f, "interval", 0),
                 .high = member(f, "interval", 1),
                 .iid_low = mean - error,
                 .iid_high = mean + error,
                 .ratio_low = member(other, "ratio_interval", 0),
                 .ratio_high = member(other, "ratio_interval", 1)};
    tb_error err = {0};
    double uncertainty;
    assert_int_equal(tb_latency_uncertainty(&times[0], apart_s * (double)turns, &uncertainty, &err), TIMBANG_OK);
    assert_true(fabs(uncertainty - (out.high - out.figure) / out.figure) < 1e-9);
    assert_true(fabs((out.figure - out.low) - (out.high - out.figure)) < 1e-9 || out.low == 0);
    json_decref(f);
    json_decref(other);
    tb_latency_times_free(&times[0]);
    tb_latency_times_free(&times[1]);
    return out;
}

/* Of pairs of studies: how many have intervals that meet, ours, the naive ones and those of ratios; how many of ours
 * are no wider than 5 % on a side, how many ratios hold the true one. */
typedef struct agreement {
    double ours, iid, ratio, ratio_right, narrow;
} agreement;

static agreement agreement_of(bool has_neighbour, size_t turns, double apart_s)
{
    agreement a = {0};
    found last = {0};
    for (uint64_t study = 0; study < STUDIES; study++) {
        found now = one_study(study, has_neighbour, turns, apart_s);
        a.ratio_right += (now.ratio_low <= 2 && now.ratio_high >= 2) / (double)STUDIES;
        a.narrow += (now.high - now.figure <= 0.05 * now.figure) / (double)STUDIES;
        if (study % 2) {
            a.ours += (now.low <= last.high && last.low <= now.high) / (STUDIES / 2.0);
            a.iid += (now.iid_low <= last.iid_high && last.iid_low <= now.iid_high) / (STUDIES / 2.0);
            a.ratio += (now.ratio_low <= last.ratio_high && last.ratio_low <= now.ratio_high) / (STUDIES / 2.0);
        }
        last = now;
    }
    print_message("  %s, %zu turns %g s apart: ours %.3f, independent %.3f, ratio %.3f (%.3f), narrow %.3f\n",
                  has_neighbour ? "neighbour" : "wandering", turns, apart_s, a.ours, a.iid, a.ratio, a.ratio_right,
                  a.narrow);
    return a;
}

static void intervals_of_two_studies_meet(void **state)
{
    (void)state;
    for (int neighbour = 0; neighbour < 2; neighbour++) {
        agreement spread = agreement_of(neighbour, 25, 12); /* five minutes */
        assert_true(spread.ours >= 0.9 && spread.ratio >= 0.9 && spread.ratio_right >= 0.9);
        assert_true(spread.narrow >= 0.6);
        assert_true(spread.iid < 0.9);
        /* Three seconds at one place do not know what the next minute is like. */
        agreement at_once = agreement_of(neighbour, 15, 0.2);
        assert_true(at_once.iid < 0.8 && at_once.ours < 0.9);
        assert_true(at_once.ratio >= 0.9);
    }
}

/* ---- Tiny models ---- */

typedef struct loaded {
    tiny t;
    tb_folder *folders[2];
    tb_classifier *models[2];
    tb_dataset *data;
    tb_task task;
    tb_workspace *workspace;
    uint64_t done, total, calls;
} loaded;

static void watch(void *user, const char *stage, uint64_t done, uint64_t total)
{
    loaded *l = user;
    assert_string_equal(stage, "timing");
    assert_true(done >= l->done && done <= total);
    l->done = done;
    l->total = total;
    l->calls++;
}

static void load(loaded *l)
{
    tb_error err = {0};
    memset(l, 0, sizeof *l);
    tiny_begin(&l->t);
    tiny_model(&l->t, "a", 1, "x,y,z");
    tiny_model(&l->t, "b", 2, "x,y,z");
    tiny_data(&l->t, "d.tsv", 40, "x,y,z");
    for (size_t m = 0; m < 2; m++) {
        assert_int_equal(tb_folder_open(tiny_path(&l->t, m ? "b" : "a"), &l->folders[m], &err), TIMBANG_OK);
        tb_load_options options = {
            .folder = l->folders[m], .kernels = l->t.kernels, .pool = l->t.pool, .hooks = &l->t.hooks};
        assert_int_equal(tb_classifier_load(&options, &l->models[m], &err), TIMBANG_OK);
    }
    timbang_data_options data = {.struct_size = sizeof data, .path = tiny_path(&l->t, "d.tsv"), .header = -1};
    assert_int_equal(tb_dataset_load(&data, &l->t.hooks, &l->data, &err), TIMBANG_OK);
    const tb_config *config = tb_classifier_config(l->models[0]);
    assert_int_equal(
        tb_task_make(l->data, (const char *const *)config->labels, config->n_labels, false, &l->task, &err),
        TIMBANG_OK);
    assert_int_equal(tb_workspace_create(l->t.pool, &l->workspace, &err), TIMBANG_OK);
}

static void unload(loaded *l)
{
    tb_workspace_free(l->workspace);
    tb_task_free(&l->task);
    tb_dataset_free(l->data);
    for (size_t m = 0; m < 2; m++) {
        tb_classifier_free(l->models[m]);
        tb_folder_close(l->folders[m]);
    }
    tiny_end(&l->t);
}

static tb_latency_options options_of(const loaded *l)
{
    return (tb_latency_options){
        .model = l->models[0], .workspace = l->workspace, .task = &l->task, .texts = 7, .rounds = 3};
}

static void texts_are_spread_over_lengths(void **state)
{
    (void)state;
    loaded l;
    load(&l);
    tb_error err = {0};
    tb_latency_texts some, all;
    const tb_config *config = tb_classifier_config(l.models[0]);
    assert_int_equal(tb_latency_choose(&l.task, config, 0, 7, &some, &err), TIMBANG_OK);
    assert_int_equal(tb_latency_choose(&l.task, config, 0, 0, &all, &err), TIMBANG_OK);
    assert_int_equal(some.n, 7);
    assert_int_equal(all.n, 40); /* the models are small, the set too */
    size_t longest = 0;
    for (size_t i = 0; i < all.n; i++) {
        assert_int_equal(all.rows[i], i);
        longest = l.task.texts[i].length > longest ? l.task.texts[i].length : longest;
    }
    assert_int_equal(l.task.texts[all.longest].length, longest);
    for (size_t i = 0; i < some.n; i++) {
        assert_true(i == 0 || some.rows[i] > some.rows[i - 1]);
        assert_true(l.task.texts[some.rows[i]].length <= l.task.texts[some.longest].length);
    }
    tb_latency_texts_free(&some);
    tb_latency_texts_free(&all);
    unload(&l);
}

static void two_models_take_turns(void **state)
{
    (void)state;
    loaded l;
    load(&l);
    tb_error err = {0};
    tb_energy_meter meter;
    tb_latency_texts texts;
    tb_latency_turn turns[2];
    tb_energy_open(tiny_path(&l.t, "nowhere"), &meter);
    assert_int_equal(tb_latency_choose(&l.task, tb_classifier_config(l.models[0]), 0, 7, &texts, &err), TIMBANG_OK);
    tb_latency_job job = {.models = (const tb_classifier *const *)l.models,
                          .n_models = 2,
                          .workspace = l.workspace,
                          .task = &l.task,
                          .texts = &texts,
                          .meter = &meter};
    for (size_t first = 0; first < 3; first++) {
        job.turn_ms = first == 2 ? 20 : 0;
        assert_int_equal(tb_latency_turns(&job, first, turns, &err), TIMBANG_OK);
        for (size_t m = 0; m < 2; m++) {
            const double *passes = turns[m].values + TB_TIME_KINDS * 7;
            double sum = 0;
            assert_int_equal(turns[m].texts, 7);
            assert_true(turns[m].passes == 1 || (first == 2 && turns[m].passes > 1));
            for (size_t p = 0; p < turns[m].passes; p++)
                sum += passes[p];
            assert_true(first < 2 || sum >= 20);
            for (size_t i = 0; i < 7 && turns[m].passes == 1; i++) {
                double total = turns[m].values[TB_TIME_TOTAL * 7 + i];
                assert_true(total == turns[m].values[i] + turns[m].values[7 + i] && total > 0);
                sum -= total;
            }
            assert_true(turns[m].passes > 1 || fabs(sum) < 1e-9);
            assert_true(isnan(turns[m].joules));
            tb_latency_turn_free(&turns[m]);
        }
    }
    tb_latency_texts_free(&texts);
    unload(&l);
}

static void time_is_filled(void **state)
{
    (void)state;
    loaded l;
    load(&l);
    tb_error err = {0};
    json_t *out = NULL;
    const tb_hooks hooks = {.progress = watch, .user = &l};
    tb_latency_options options = options_of(&l);
    options.run.hooks = &hooks;
    assert_int_equal(tb_latency_measure(&options, &out, &err), TIMBANG_OK);
    assert_true(l.calls == 4 && l.done == 3 && l.total == 3);
    assert_int_equal(number(out, "texts"), 7);
    assert_int_equal(number(out, "rounds"), 3);
    double mean = number(json_object_get(out, "total"), "mean");
    assert_true(mean > 0 && member(out, "interval", 0) <= mean && member(out, "interval", 1) >= mean);
    assert_true(member(out, "quantiles", 0) == number(json_object_get(out, "total"), "min"));
    assert_true(member(out, "quantiles", 20) == number(json_object_get(out, "total"), "max"));
    assert_null(json_object_get(out, "ratio"));
    json_decref(out);

    options = options_of(&l);
    options.rounds = 1; /* two are the fewest that have an interval */
    assert_int_equal(tb_latency_measure(&options, &out, &err), TIMBANG_OK);
    assert_int_equal(number(out, "rounds"), 2);
    json_decref(out);

    options.rounds = options.texts = 0;
    options.seconds = 0.05;
    assert_int_equal(tb_latency_measure(&options, &out, &err), TIMBANG_OK);
    assert_int_equal(number(out, "texts"), 40);
    assert_true(number(out, "turns") >= TB_LATENCY_TURNS && number(out, "turns") <= 30);
    assert_true(number(out, "seconds") >= 0.05);
    json_decref(out);
    unload(&l);
}

/* A counter that stands still reads as no energy; one that cannot be read as none at all. */
static void energy_is_read(void **state)
{
    (void)state;
    loaded l;
    load(&l);
    tb_error err = {0};
    json_t *out = NULL;
    char folder[300], package[320];
    snprintf(folder, sizeof folder, "%s", tiny_path(&l.t, "powercap"));
    snprintf(package, sizeof package, "%s/intel-rapl:0", folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(mkdir(package, 0700), 0);
    tiny_write(&l.t, "powercap/intel-rapl:0/name", "package-0");
    tiny_write(&l.t, "powercap/intel-rapl:0/energy_uj", "5");
    tb_latency_options options = options_of(&l);
    options.energy_folder = folder;
    assert_int_equal(tb_latency_measure(&options, &out, &err), TIMBANG_OK);
    assert_true(json_is_null(json_object_get(out, "energy_j"))); /* the range is missing */
    json_decref(out);
    tiny_write(&l.t, "powercap/intel-rapl:0/max_energy_range_uj", "1000");
    assert_int_equal(tb_latency_measure(&options, &out, &err), TIMBANG_OK);
    assert_true(number(out, "energy_j") == 0);
    json_decref(out);
    unload(&l);
}

static void can_be_cancelled(void **state)
{
    (void)state;
    loaded l;
    load(&l);
    json_t *out = NULL;
    for (int after = 1; after <= 24; after += 7) { /* three turns of eight texts */
        tb_error err = {0};
        tb_latency_options options = options_of(&l);
        options.run.hooks = &l.t.hooks;
        l.t.cancel_after = after;
        l.t.cancel_calls = 0;
        assert_int_equal(tb_latency_measure(&options, &out, &err), TIMBANG_CANCELLED);
        assert_null(out);
    }
    unload(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(disturbed_turns_change_nothing),
        cmocka_unit_test(intervals_of_two_studies_meet),
        cmocka_unit_test(texts_are_spread_over_lengths),
        cmocka_unit_test(two_models_take_turns),
        cmocka_unit_test(time_is_filled),
        cmocka_unit_test(energy_is_read),
        cmocka_unit_test(can_be_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
