/* SPDX-License-Identifier: Apache-2.0
 * The bootstrap against scikit-learn and NumPy on the same stream (tests/oracle/eval_bootstrap.py), to 1e-9. */
#include "eval/bootstrap.h"
#include "golden.h"

#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const names[5] = {"accuracy", "macro_f1", "weighted_f1", "mcc", "mean_confidence"};

static double figure(const tb_replicate *replicate, size_t f)
{
    const double all[5] = {replicate->accuracy, replicate->macro_f1, replicate->weighted_f1, replicate->mcc,
                           replicate->mean_confidence};
    return all[f];
}

typedef struct loaded {
    tb_bootstrap_job job;
    int32_t *truth;
    tb_outcomes outcomes[8];
} loaded;

static void load(const json_t *c, loaded *l)
{
    const json_t *classifiers = json_object_get(c, "classifiers");
    *l = (loaded){.truth = golden_integers(c, "truth")};
    l->job = (tb_bootstrap_job){
        .n = json_array_size(json_object_get(c, "truth")),
        .n_classes = golden_count(c, "classes"),
        .n_classifiers = json_array_size(classifiers),
        .truth = l->truth,
        .classifiers = l->outcomes,
        .replicates = golden_count(c, "replicates"),
        .seed = (uint64_t)json_integer_value(json_object_get(c, "seed")),
    };
    assert_true(l->job.n_classifiers <= 8);
    for (size_t v = 0; v < l->job.n_classifiers; v++) {
        const json_t *classifier = json_array_get(classifiers, v);
        int32_t *predicted = golden_integers(classifier, "predicted");
        l->outcomes[v].n = l->job.n;
        l->outcomes[v].confidence = golden_doubles(classifier, "confidence", NULL);
        l->outcomes[v].predicted = calloc(l->job.n, 1);
        for (size_t i = 0; i < l->job.n; i++)
            l->outcomes[v].predicted[i] = (uint8_t)predicted[i];
        free(predicted);
    }
}

static void drop(loaded *l)
{
    free(l->truth);
    for (size_t v = 0; v < l->job.n_classifiers; v++)
        tb_outcomes_free(&l->outcomes[v]);
}

static tb_replicate *run(const tb_bootstrap_job *job)
{
    tb_replicate *out = NULL;
    tb_error err = {0};
    if (tb_bootstrap_run(job, &out, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    return out;
}

static void check_classifier(const json_t *want, const tb_replicate *got, size_t replicates)
{
    double *values = calloc(replicates, sizeof *values);
    for (size_t f = 0; f < 5; f++) {
        const json_t *first = json_object_get(json_object_get(want, "first"), names[f]);
        assert_true(json_array_size(first) >= 10);
        for (size_t b = 0; b < json_array_size(first); b++)
            golden_near(figure(&got[b], f), json_number_value(json_array_get(first, b)), names[f]);
        for (size_t b = 0; b < replicates; b++)
            values[b] = figure(&got[b], f);
        const json_t *interval = json_object_get(want, "interval");
        tb_range range = tb_bootstrap_interval(values, replicates);
        golden_near(range.low, golden_element(interval, names[f], 0), "low");
        golden_near(range.high, golden_element(interval, names[f], 1), "high");
    }
    free(values);
}

static void replicates_match_scikit_learn(void **state)
{
    (void)state;
    json_t *golden = golden_load("eval_bootstrap.json");
    const json_t *cases = json_object_get(golden, "cases");
    assert_true(json_array_size(cases) >= 6);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *want = json_array_get(cases, i);
        loaded l;
        load(want, &l);
        tb_replicate *got = run(&l.job);
        double *differences = calloc(l.job.replicates, sizeof *differences);
        for (size_t v = 0; v < l.job.n_classifiers; v++) {
            const json_t *classifier = json_array_get(json_object_get(want, "classifiers"), v);
            check_classifier(classifier, got + v * l.job.replicates, l.job.replicates);
            for (size_t b = 0; b < l.job.replicates; b++)
                differences[b] = got[v * l.job.replicates + b].macro_f1 - got[b].macro_f1;
            golden_near(tb_bootstrap_p(differences, l.job.replicates), golden_number(classifier, "p"), "bootstrap p");
        }
        free(differences);
        free(got);
        drop(&l);
    }
    json_decref(golden);
}

static void draws_match_the_stream(void **state)
{
    (void)state;
    json_t *golden = golden_load("eval_bootstrap.json");
    const json_t *streams = json_object_get(golden, "draws");
    assert_true(json_array_size(streams) >= 4);
    for (size_t i = 0; i < json_array_size(streams); i++) {
        const json_t *want = json_array_get(streams, i);
        uint64_t seed = strtoull(json_string_value(json_object_get(want, "seed")), NULL, 10);
        uint64_t replicate = strtoull(json_string_value(json_object_get(want, "replicate")), NULL, 10);
        for (size_t d = 0; d < json_array_size(json_object_get(want, "index")); d++)
            assert_int_equal(tb_bootstrap_draw(seed, replicate, d, golden_count(want, "n")),
                             (size_t)golden_element(want, "index", d));
    }
    json_decref(golden);
}

static void threads_change_nothing(void **state)
{
    (void)state;
    json_t *golden = golden_load("eval_bootstrap.json");
    loaded l;
    load(json_array_get(json_object_get(golden, "cases"), 2), &l);
    tb_replicate *alone = run(&l.job);
    for (int threads = 2; threads <= 5; threads++) {
        tb_error err = {0};
        assert_int_equal(tb_pool_create(threads, &l.job.pool, &err), TIMBANG_OK);
        tb_replicate *many = run(&l.job);
        assert_memory_equal(alone, many, l.job.n_classifiers * l.job.replicates * sizeof *alone);
        free(many);
        tb_pool_free(l.job.pool);
    }
    free(alone);
    drop(&l);
    json_decref(golden);
}

static int stop(void *user)
{
    return ++*(int *)user > 1;
}

static void a_bootstrap_can_be_stopped(void **state)
{
    (void)state;
    int32_t truth[2] = {0, 1};
    uint8_t predicted[2] = {0, 1};
    double confidence[2] = {1, 1};
    const tb_outcomes outcomes = {2, predicted, confidence};
    int calls = 0;
    const tb_hooks hooks = {.cancel = stop, .user = &calls};
    const tb_bootstrap_job job = {.n = 2,
                                  .n_classes = 2,
                                  .n_classifiers = 1,
                                  .truth = truth,
                                  .classifiers = &outcomes,
                                  .replicates = 10000000,
                                  .hooks = &hooks};
    tb_replicate *out = NULL;
    tb_error err = {0};
    assert_int_equal(tb_bootstrap_run(&job, &out, &err), TIMBANG_CANCELLED);
    assert_null(out);
    const tb_bootstrap_job none = {.n = 0};
    assert_int_equal(tb_bootstrap_run(&none, &out, &err), TIMBANG_UNSUPPORTED);
}

static void p_of_differences(void **state)
{
    (void)state;
    const double zeros[3] = {0, 1e-17, -1e-16}, above[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1}, mixed[4] = {-1, 1, 1, 1};
    assert_true(tb_bootstrap_p(zeros, 3) == 1);
    golden_near(tb_bootstrap_p(above, 9), 0.2, "p");
    golden_near(tb_bootstrap_p(mixed, 4), 0.8, "p");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replicates_match_scikit_learn),
        cmocka_unit_test(draws_match_the_stream),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(a_bootstrap_can_be_stopped),
        cmocka_unit_test(p_of_differences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
