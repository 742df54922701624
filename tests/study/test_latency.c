/* Tests of study/latency_times.c (figures from given times, and how often their intervals hold what another run would
 * find) and of study/latency.c on tiny models. */
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

/* ---- Figures of given times ---- */

static tb_latency_times make_times(size_t texts, size_t turns, size_t passes)
{
    tb_error err = {0};
    tb_latency_times t = {.texts = texts, .turns = turns, .passes = passes, .joules = NAN};
    t.tokenize = tb_calloc(texts * turns * passes, sizeof(double), &err);
    t.forward = tb_calloc(texts * turns * passes, sizeof(double), &err);
    return t;
}

static void free_times(tb_latency_times *t)
{
    free(t->tokenize);
    free(t->forward);
}

static json_t *figures_of(const tb_latency_times *t, const tb_latency_times *base, const char *name)
{
    json_t *out = NULL;
    tb_error err = {0};
    if (tb_latency_figures(t, base, name, &out, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    return out;
}

/* Text i takes i + 1 ms, a tenth of it for tokens. One round in five is ten times slower, and one text is slow once
 * more often than that: medians must not see any of it. */
static void medians_resist(void **state)
{
    (void)state;
    enum { TEXTS = 21, TURNS = 10, PASSES = 2 };
    tb_latency_times t = make_times(TEXTS, TURNS, PASSES), half = make_times(TEXTS, TURNS, PASSES);
    t.joules = 84;
    for (size_t r = 0; r < TURNS * PASSES; r++)
        for (size_t i = 0; i < TEXTS; i++) {
            double ms = (double)(i + 1) * (r % 5 == 4 || (i == 3 && r % 5 == 0) ? 10 : 1);
            t.tokenize[r * TEXTS + i] = 0.1 * ms;
            t.forward[r * TEXTS + i] = 0.9 * ms;
            half.forward[r * TEXTS + i] = 0.5 * (double)(i + 1);
        }
    json_t *f = figures_of(&t, &half, "fp32");
    const json_t *total = json_object_get(f, "total");
    assert_int_equal(number(f, "texts"), TEXTS);
    assert_int_equal(number(f, "rounds"), TURNS * PASSES);
    assert_true(fabs(number(total, "mean") - 11) < 1e-9 && fabs(number(total, "median") - 11) < 1e-9);
    assert_true(fabs(number(json_object_get(f, "tokenize"), "mean") - 1.1) < 1e-9);
    assert_true(fabs(number(json_object_get(f, "forward"), "max") - 18.9) < 1e-9);
    assert_int_equal(json_array_size(json_object_get(f, "quantiles")), 21);
    for (size_t q = 0; q < 21; q++)
        assert_true(fabs(member(f, "quantiles", q) - (double)(q + 1)) < 1e-9);
    assert_int_equal(number(f, "outliers"), 4);
    assert_true(fabs(number(f, "energy_j") - 84.0 / (TEXTS * TURNS * PASSES)) < 1e-12);
    double slow = 16 * 231 + 4 * 2310 + 4 * 36;
    assert_true(fabs(number(f, "seconds") - slow / 1000) < 1e-9);
    assert_true(fabs(number(f, "ratio") - 2) < 1e-9);
    assert_string_equal(json_string_value(json_object_get(f, "ratio_to")), "fp32");
    assert_true(member(f, "ratio_interval", 0) <= 2 && member(f, "ratio_interval", 1) >= 2);
    assert_true(member(f, "interval", 0) <= 11 && member(f, "interval", 1) >= 11);
    json_decref(f);

    f = figures_of(&half, &half, "int8");
    assert_true(number(f, "ratio") == 1);
    assert_true(member(f, "ratio_interval", 0) == 1 && member(f, "ratio_interval", 1) == 1);
    assert_true(json_is_null(json_object_get(f, "energy_j")));
    assert_int_equal(number(f, "outliers"), 0);
    json_decref(f);

    f = figures_of(&half, NULL, NULL);
    assert_null(json_object_get(f, "ratio"));
    json_decref(f);
    free_times(&t);
    free_times(&half);
}

/* A run of a machine whose speed wanders (autoregressive from turn to turn) and jumps now and then, in which every text
 * has noise of its own. Truth: text i takes 1 + i / 10 ms, the other model twice as long. */
static void simulate(tb_latency_times *t, tb_latency_times *other, uint64_t run)
{
    tb_rng rng = tb_rng_make(99, run);
    double speed = 0.02 * tb_rng_normal(&rng);
    for (size_t turn = 0; turn < t->turns; turn++) {
        speed = 0.6 * speed + 0.016 * tb_rng_normal(&rng); /* sd 0.02 */
        for (int m = 0; m < 2; m++) {
            tb_latency_times *x = m ? other : t;
            double factor = (m + 1) * (1 + speed + 0.005 * tb_rng_normal(&rng)) * (tb_rng_below(&rng, 8) ? 1 : 1.7);
            for (size_t p = 0; p < x->passes; p++)
                for (size_t i = 0; i < x->texts; i++) {
                    double noise = tb_rng_normal(&rng), at = factor * (1 + (double)i / 10);
                    x->forward[(turn * x->passes + p) * x->texts + i] = at * (1 + 0.01 * noise * noise);
                }
        }
    }
}

static void intervals_hold_another_run(void **state)
{
    (void)state;
    enum { TEXTS = 20, TURNS = 15, RUNS = 120 };
    size_t agree = 0, ratio_agree = 0;
    double mean[RUNS], ratio[RUNS], widest = 0, previous[2][2] = {{0}};
    for (uint64_t run = 0; run < RUNS; run++) {
        tb_latency_times t = make_times(TEXTS, TURNS, 2), other = make_times(TEXTS, TURNS, 1);
        simulate(&t, &other, run);
        json_t *f = figures_of(&other, &t, "fp32");
        double low = member(f, "interval", 0), high = member(f, "interval", 1);
        double ratio_low = member(f, "ratio_interval", 0), ratio_high = member(f, "ratio_interval", 1);
        mean[run] = number(json_object_get(f, "total"), "mean");
        ratio[run] = number(f, "ratio");
        widest += (high - low) / 2 / mean[run] / RUNS;
        if (run > 0) { /* the intervals of two runs have a point in common */
            agree += low <= previous[0][1] && previous[0][0] <= high;
            ratio_agree += ratio_low <= previous[1][1] && previous[1][0] <= ratio_high;
        }
        previous[0][0] = low;
        previous[0][1] = high;
        previous[1][0] = ratio_low;
        previous[1][1] = ratio_high;
        json_decref(f);
        free_times(&t);
        free_times(&other);
    }
    assert_true((double)agree >= 0.95 * (RUNS - 1));
    assert_true((double)ratio_agree >= 0.95 * (RUNS - 1));
    assert_true(widest > 0.004 && widest < 0.08); /* no wider than is of use */
    double sum = 0;
    for (size_t i = 0; i < RUNS; i++)
        sum += ratio[i] / RUNS;
    assert_true(fabs(sum - 2) < 0.02);
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

static tb_latency_job job_of(const loaded *l, const char *const *names)
{
    return (tb_latency_job){.models = (const tb_classifier *const *)l->models,
                            .n_models = 2,
                            .workspace = l->workspace,
                            .task = &l->task,
                            .texts = 7,
                            .rounds = 3,
                            .names = names};
}

static void two_models_take_turns(void **state)
{
    (void)state;
    static const char *const names[] = {"int8", "fp32"}, *const others[] = {"int8", "int4"};
    loaded l;
    load(&l);
    tb_error err = {0};
    json_t *out[2];
    const tb_hooks hooks = {.progress = watch, .user = &l};
    tb_latency_job job = job_of(&l, names);
    job.run.hooks = &hooks;
    assert_int_equal(tb_latency_measure(&job, out, &err), TIMBANG_OK);
    assert_true(l.calls >= 6 && l.done == l.total);
    for (size_t m = 0; m < 2; m++) {
        assert_int_equal(number(out[m], "texts"), 7);
        assert_int_equal(number(out[m], "rounds"), 3);
        assert_string_equal(json_string_value(json_object_get(out[m], "ratio_to")), "fp32");
        double mean = number(json_object_get(out[m], "total"), "mean");
        assert_true(mean > 0 && member(out[m], "interval", 0) <= mean && member(out[m], "interval", 1) >= mean);
        assert_true(number(out[m], "seconds") > 0 && number(out[m], "outliers") >= 0);
        assert_true(member(out[m], "quantiles", 0) == number(json_object_get(out[m], "total"), "min"));
        assert_true(member(out[m], "quantiles", 20) == number(json_object_get(out[m], "total"), "max"));
        json_decref(out[m]);
    }
    job = job_of(&l, others);
    job.rounds = 1; /* two are the fewest that have an interval */
    assert_int_equal(tb_latency_measure(&job, out, &err), TIMBANG_OK);
    assert_int_equal(number(out[0], "rounds"), 2);
    assert_string_equal(json_string_value(json_object_get(out[1], "ratio_to")), "int8");
    assert_true(number(out[0], "ratio") == 1);
    json_decref(out[0]);
    json_decref(out[1]);
    unload(&l);
}

static void time_is_filled(void **state)
{
    (void)state;
    loaded l;
    load(&l);
    tb_error err = {0};
    json_t *out[2];
    tb_latency_job job = job_of(&l, NULL);
    job.rounds = 0;
    job.texts = 0;
    job.seconds = 0.05;
    assert_int_equal(tb_latency_measure(&job, out, &err), TIMBANG_OK);
    for (size_t m = 0; m < 2; m++) {
        assert_int_equal(number(out[m], "texts"), 40); /* all: the models are small, the set too */
        assert_true(number(out[m], "rounds") >= TB_LATENCY_ROUNDS);
        assert_true(number(out[m], "seconds") >= 0.05);
        assert_null(json_object_get(out[m], "ratio"));
        json_decref(out[m]);
    }
    unload(&l);
}

/* A counter that stands still reads as no energy; one that cannot be read as none at all. */
static void energy_is_read(void **state)
{
    (void)state;
    loaded l;
    load(&l);
    tb_error err = {0};
    json_t *out[2];
    char folder[300], package[320];
    snprintf(folder, sizeof folder, "%s", tiny_path(&l.t, "powercap"));
    snprintf(package, sizeof package, "%s/intel-rapl:0", folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(mkdir(package, 0700), 0);
    tiny_write(&l.t, "powercap/intel-rapl:0/name", "package-0");
    tiny_write(&l.t, "powercap/intel-rapl:0/energy_uj", "5");
    tb_latency_job job = job_of(&l, NULL);
    job.energy_folder = folder;
    assert_int_equal(tb_latency_measure(&job, out, &err), TIMBANG_OK);
    assert_true(json_is_null(json_object_get(out[0], "energy_j"))); /* the range is missing */
    json_decref(out[0]);
    json_decref(out[1]);
    tiny_write(&l.t, "powercap/intel-rapl:0/max_energy_range_uj", "1000");
    assert_int_equal(tb_latency_measure(&job, out, &err), TIMBANG_OK);
    assert_true(number(out[0], "energy_j") == 0 && number(out[1], "energy_j") == 0);
    json_decref(out[0]);
    json_decref(out[1]);
    unload(&l);
}

static void can_be_cancelled(void **state)
{
    (void)state;
    loaded l;
    load(&l);
    json_t *out[2] = {NULL, NULL};
    for (int after = 1; after < 60; after += 7) {
        tb_error err = {0};
        tb_latency_job job = job_of(&l, NULL);
        job.run.hooks = &l.t.hooks;
        l.t.cancel_after = after;
        l.t.cancel_calls = 0;
        assert_int_equal(tb_latency_measure(&job, out, &err), TIMBANG_CANCELLED);
        assert_null(out[0]);
        assert_null(out[1]);
    }
    unload(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(medians_resist),        cmocka_unit_test(intervals_hold_another_run),
        cmocka_unit_test(two_models_take_turns), cmocka_unit_test(time_is_filled),
        cmocka_unit_test(energy_is_read),        cmocka_unit_test(can_be_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
