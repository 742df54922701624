/* SPDX-License-Identifier: Apache-2.0
 * src/study end to end on tiny models: figures recomputed from predictions.jsonl, early failures, nothing left behind.
 */
#include "eval/metrics.h"
#include "model/classifier.h"
#include "report/report.h"
#include "tiny.h"

#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const three_variants[] = {"int8", "fp32", "int4-pertensor"};

static double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_number(value))
        fail_msg("%s is missing", key);
    return json_number_value(value);
}

static const char *string(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : "";
}

static const json_t *find(const json_t *array, const char *model, const char *variant, const char *data)
{
    size_t i;
    json_t *item;
    json_array_foreach(array, i, item) if (strcmp(string(item, "model"), model) == 0 &&
                                           strcmp(string(item, "variant"), variant) == 0 &&
                                           (!data || strcmp(string(item, "data"), data) == 0)) return item;
    fail_msg("there is no entry for %s %s %s", model, variant, data ? data : "");
    return NULL;
}

static bool has_warning(const json_t *results, const char *kind, const char *words)
{
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(results, "warnings"), i,
                       item) if (strcmp(string(item, "kind"), kind) == 0 &&
                                 strstr(string(item, "text"), words)) return true;
    return false;
}

/* The lines of predictions.jsonl as an array. */
static json_t *predictions_of(tiny *t, const char *name)
{
    char *bytes = NULL;
    size_t size = 0;
    tb_error err = {0};
    assert_int_equal(tb_read_file(tiny_path(t, name), 0, &bytes, &size, &err), TIMBANG_OK);
    json_t *lines = json_array();
    for (char *line = strtok(bytes, "\n"); line; line = strtok(NULL, "\n")) {
        json_t *value = json_loads(line, 0, NULL);
        assert_non_null(value);
        json_array_append_new(lines, value);
    }
    free(bytes);
    return lines;
}

/* Figures of one result again, from the lines alone. */
static void check_against_lines(const json_t *lines, const json_t *results, const char *model, const char *variant,
                                const char *data)
{
    const json_t *result = find(json_object_get(results, "results"), model, variant, data);
    size_t n = 0, right = 0, i, agree = 0;
    json_t *line;
    double nll = 0;
    const json_t *fp32[1000];
    size_t n_fp32 = 0;
    json_array_foreach(lines, i, line) if (strcmp(string(line, "model"), model) == 0 &&
                                           strcmp(string(line, "data"), data) == 0 &&
                                           strcmp(string(line, "variant"), "fp32") == 0) fp32[n_fp32++] = line;
    const json_t *labels = json_object_get(result, "labels");
    json_array_foreach(lines, i, line)
    {
        if (strcmp(string(line, "model"), model) != 0 || strcmp(string(line, "data"), data) != 0 ||
            strcmp(string(line, "variant"), variant) != 0)
            continue;
        assert_true(number(line, "row") == number(fp32[n], "row"));
        agree += strcmp(string(line, "pred"), string(fp32[n], "pred")) == 0;
        n++;
        right += strcmp(string(line, "truth"), string(line, "pred")) == 0;
        for (size_t c = 0; c < json_array_size(labels); c++)
            if (strcmp(json_string_value(json_array_get(labels, c)), string(line, "truth")) == 0)
                nll -= log(json_number_value(json_array_get(json_object_get(line, "probs"), c)));
    }
    assert_true(n > 0 && (double)n == number(result, "n"));
    assert_true(fabs((double)right / (double)n - number(result, "accuracy")) < 1e-12);
    assert_true(fabs(nll / (double)n - number(result, "nll")) < 1e-6);
    if (strcmp(variant, "fp32") != 0)
        assert_true(fabs((double)agree / (double)n - number(json_object_get(result, "against_fp32"), "agreement")) <
                    1e-12);
    else
        assert_true(json_is_null(json_object_get(result, "against_fp32")));
}

static void make_two_by_two(tiny *t)
{
    tiny_model(t, "trained", 1, "positive,neutral,negative");
    tiny_model(t, "base", 2, NULL);
    tiny_data(t, "three.tsv", 30, "positive,neutral,negative");
    tiny_data(t, "two.tsv", 20, "Negative,positive");
}

static void a_study_end_to_end(void **state)
{
    (void)state;
    tiny t;
    tiny_begin(&t);
    make_two_by_two(&t);
    timbang_study_options options;
    tiny_options(&options);
    const timbang_named_path models[] = {{NULL, tiny_path(&t, "base")}, {"main", tiny_path(&t, "trained")}};
    const timbang_named_path data[] = {{NULL, tiny_path(&t, "three.tsv")}, {"tweets", tiny_path(&t, "two.tsv")}};
    options.models = models;
    options.n_models = 2;
    options.data = data;
    options.n_data = 2;
    options.variants = three_variants;
    options.n_variants = 3;
    options.keep_models = 1;
    options.out = tiny_path(&t, "out");
    tb_error err;
    if (tiny_study(&t, &options, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);

    json_t *results = tiny_json(&t, "out/results.json"), *lines = predictions_of(&t, "out/predictions.jsonl");
    assert_int_equal(json_array_size(lines), 2 * 3 * (30 + 20));
    assert_int_equal(json_array_size(json_object_get(results, "results")), 2 * 3 * 2);
    static const char *const variants[] = {"fp32", "int8", "int4-pertensor"}; /* the baseline came first */
    static const char *const names[] = {"base", "main"};
    for (size_t i = 0; i < 12; i++)
        check_against_lines(lines, results, names[i / 6], variants[i / 2 % 3], i % 2 ? "tweets" : "three");
    const json_t *base = json_array_get(json_object_get(results, "models"), 0);
    const json_t *trained = json_array_get(json_object_get(results, "models"), 1);

    /* The base model's labels are the trained one's, and everything says that its head is untrained. */
    assert_true(json_is_true(json_object_get(base, "untrained_head")));
    assert_string_equal(string(base, "labels_from"), "model");
    assert_true(json_equal(json_object_get(base, "labels"), json_object_get(trained, "labels")));
    assert_string_equal(string(trained, "labels_from"), "file");
    assert_true(json_is_true(json_object_get(json_array_get(lines, 0), "untrained_head")));
    assert_true(has_warning(results, "untrained_head", "untrained head"));

    /* Sizes: 4 bytes a parameter in FP32, parts that sum up, INT8 smaller. */
    const json_t *fp32 = find(json_object_get(results, "variants"), "main", "fp32", NULL);
    const json_t *int8 = find(json_object_get(results, "variants"), "main", "int8", NULL);
    assert_true(number(fp32, "size_bytes") == 4 * number(trained, "parameters"));
    assert_true(number(fp32, "ratio") == 1 && number(int8, "ratio") < 0.6);
    const json_t *both[] = {fp32, int8};
    for (size_t i = 0; i < 2; i++) {
        const json_t *parts = json_object_get(both[i], "parts");
        assert_true(number(parts, "embeddings") + number(parts, "encoder") + number(parts, "head") +
                        number(parts, "other") ==
                    number(both[i], "size_bytes"));
        assert_true(number(parts, "head") > 0 && number(parts, "embeddings") > 0);
    }
    /* A set with two of three classes. */
    const json_t *two = find(json_object_get(results, "results"), "main", "fp32", "tweets");
    assert_true(number(two, "labels_present") == 2 && json_array_size(json_object_get(two, "labels")) == 3);

    /* It can be drawn, and the folder holds what it should. */
    char *table = NULL;
    assert_int_equal(tb_report_table(results, 0, false, &table, &err), TIMBANG_OK);
    assert_non_null(strstr(table, "base*"));
    free(table);
    assert_true(tb_is_file(tiny_path(&t, "out/report.html")));
    assert_true(tb_is_directory(tiny_path(&t, "out/models/main-int8")));
    assert_true(tb_is_directory(tiny_path(&t, "out/models/base-int4-pertensor")));
    assert_int_equal(tiny_entries(&t), 5);
    json_decref(lines);
    json_decref(results);
    tiny_end(&t);
}

/* The kept INT8 folder, loaded again, gives the logits that the study wrote. */
static void kept_models_give_the_recorded_logits(void **state)
{
    (void)state;
    tiny t;
    tiny_begin(&t);
    tiny_model(&t, "m", 5, "a,b,c");
    tiny_data(&t, "d.tsv", 12, "a,b,c");
    timbang_study_options options;
    tiny_options(&options);
    const timbang_named_path model = {NULL, tiny_path(&t, "m")}, data = {NULL, tiny_path(&t, "d.tsv")};
    options.models = &model;
    options.data = &data;
    options.n_models = options.n_data = 1;
    options.keep_models = 1;
    options.out = tiny_path(&t, "out");
    tb_error err;
    if (tiny_study(&t, &options, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    json_t *lines = predictions_of(&t, "out/predictions.jsonl");

    tb_folder *folder = NULL;
    tb_classifier *classifier = NULL;
    tb_workspace *workspace = NULL;
    assert_int_equal(tb_folder_open(tiny_path(&t, "out/models/m-int4"), &folder, &err), TIMBANG_OK);
    tb_load_options load = {.folder = folder, .kernels = t.kernels, .pool = t.pool, .hooks = &t.hooks};
    assert_int_equal(tb_classifier_load(&load, &classifier, &err), TIMBANG_OK);
    assert_int_equal(tb_workspace_create(t.pool, &workspace, &err), TIMBANG_OK);
    char *text = NULL;
    size_t size = 0, row = 0;
    assert_int_equal(tb_read_file(tiny_path(&t, "d.tsv"), 0, &text, &size, &err), TIMBANG_OK);
    for (char *line = strchr(text, '\n') + 1; *line; line = strchr(line, '\n') + 1, row++) {
        tb_text_ref ref = {.text = line, .length = strcspn(line, "\t")};
        char copy[512];
        memcpy(copy, line, ref.length);
        copy[ref.length] = '\0';
        ref.text = copy;
        float logits[3];
        tb_run_options run = {.hooks = &t.hooks};
        tb_run_facts facts = {0};
        assert_int_equal(tb_classifier_run(classifier, workspace, &ref, 1, &run, logits, &facts, &err), TIMBANG_OK);
        size_t i;
        json_t *item;
        size_t seen = 0;
        json_array_foreach(lines, i, item)
        {
            if (strcmp(string(item, "variant"), "int4") != 0 || number(item, "row") != (double)(row + 2))
                continue;
            seen++;
            for (size_t c = 0; c < 3; c++)
                assert_true((float)json_number_value(json_array_get(json_object_get(item, "logits"), c)) == logits[c]);
        }
        assert_int_equal(seen, 1);
    }
    assert_int_equal(row, 12);
    free(text);
    tb_workspace_free(workspace);
    tb_classifier_free(classifier);
    tb_folder_close(folder);
    json_decref(lines);
    tiny_end(&t);
}

static void two_runs_are_equal_but_for_time(void **state)
{
    (void)state;
    tiny t;
    tiny_begin(&t);
    make_two_by_two(&t);
    timbang_study_options options;
    tiny_options(&options);
    const timbang_named_path models[] = {{NULL, tiny_path(&t, "trained")}, {NULL, tiny_path(&t, "base")}};
    const timbang_named_path data = {NULL, tiny_path(&t, "three.tsv")};
    options.models = models;
    options.n_models = 2;
    options.data = &data;
    options.n_data = 1;
    options.data_options.limit = 12;
    options.seed = 11; /* of the base model's new head: the same one in every variant */
    tb_error err;
    json_t *results[2];
    char *lines[2];
    size_t size;
    for (size_t i = 0; i < 2; i++) {
        options.out = tiny_path(&t, i ? "second" : "first");
        options.eval.predict.batch = i ? 1 : 0; /* changes nothing */
        if (tiny_study(&t, &options, &err) != TIMBANG_OK)
            fail_msg("%s", err.text);
        results[i] = tiny_json(&t, i ? "second/results.json" : "first/results.json");
        assert_int_equal(tb_read_file(tiny_path(&t, i ? "second/predictions.jsonl" : "first/predictions.jsonl"), 0,
                                      &lines[i], &size, &err),
                         TIMBANG_OK);
        static const char *const varying[] = {"measured", "host", "time"};
        for (size_t k = 0; k < 3; k++)
            assert_int_equal(json_object_del(results[i], varying[k]), 0);
    }
    assert_true(json_equal(results[0], results[1]));
    const json_t *half = find(json_object_get(results[0], "results"), "base", "fp16", "three");
    double moved = number(json_object_get(half, "against_fp32"), "max_abs_dlogit");
    assert_true(moved > 0 && moved < 1e-3);
    assert_string_equal(lines[0], lines[1]);
    for (size_t i = 0; i < 2; i++) {
        json_decref(results[i]);
        free(lines[i]);
    }
    tiny_end(&t);
}

typedef struct bad_case {
    const char *model, *data, *variant, *out, *said;
} bad_case;

static void failures_come_early_and_leave_nothing(void **state)
{
    (void)state;
    static const bad_case cases[] = {
        {"trained", "emotions.tsv", "int8", "out", "'anger' is not one of positive, neutral, negative"},
        {"trained", "emotions.tsv", "int8", "out", "--label-map"},
        {"trained", "emotions.tsv", "int8", "out", "emotions"},
        {"nowhere", "three.tsv", "int8", "out", "nowhere"},
        {"trained", "nowhere.tsv", "int8", "out", "nowhere.tsv"},
        {"trained", "three.tsv", "int9", "out", "int9"},
        {"trained", "three.tsv", "int8", "full", "is not empty"},
        {"trained", "three.tsv", "int8", "three.tsv", "is a file"},
        {"trained", "three.tsv", "int8", "nowhere/out", "nowhere/out"},
        {"numbers", "three.tsv", "int8", "out", "--model-labels"},
        {"broken", "three.tsv", "int8", "out", "broken"},
        {NULL, "three.tsv", "int8", "out", "no embedded model"},
        {"trained", NULL, "int8", "out", "no path"},
    };
    tiny t;
    tiny_begin(&t);
    make_two_by_two(&t);
    tiny_model(&t, "numbers", 3, "#3");
    tiny_model(&t, "broken", 3, "positive,neutral,negative");
    tiny_write(&t, "broken/model.safetensors", "too short");
    tiny_data(&t, "emotions.tsv", 10, "positive,anger");
    tb_error err;
    assert_int_equal(tb_make_dirs(tiny_path(&t, "full/inside"), &err), TIMBANG_OK);
    size_t before = tiny_entries(&t);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const bad_case *c = &cases[i];
        timbang_study_options options;
        tiny_options(&options);
        const timbang_named_path model = {NULL, c->model ? tiny_path(&t, c->model) : NULL};
        const timbang_named_path data = {NULL, c->data ? tiny_path(&t, c->data) : NULL};
        options.models = &model;
        options.data = &data;
        options.n_models = options.n_data = 1;
        options.variants = &c->variant;
        options.n_variants = 1;
        options.out = tiny_path(&t, c->out);
        timbang_status status = tiny_study(&t, &options, &err);
        if (status == TIMBANG_OK || timbang_status_exit_code(status) != 2 || !strstr(err.text, c->said))
            fail_msg("case %zu: status %d, \"%s\", but '%s' is expected", i, (int)status, err.text, c->said);
        assert_int_equal(tiny_entries(&t), before);
    }
    assert_false(tb_is_directory(tiny_path(&t, "out")));
    tiny_end(&t);
}

static timbang_status refuse_to_draw(const json_t *results, const char *lang, const char *folder, tb_error *err)
{
    (void)results;
    (void)lang;
    return tb_fail(err, TIMBANG_IO, "%s: the disk is full", folder);
}

/* What two runs of one study must share: everything but measured, host, time. */
static void assert_same_results(json_t *a, json_t *b)
{
    static const char *const own[] = {"measured", "host", "time"};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        assert_non_null(json_object_get(a, own[i]));
        json_object_del(a, own[i]);
        json_object_del(b, own[i]);
    }
    const char *key;
    json_t *value;
    json_object_foreach(a, key, value)
    {
        if (!json_equal(value, json_object_get(b, key)))
            fail_msg("'%s' differs", key);
    }
    assert_int_equal(json_object_size(a), json_object_size(b));
}

/* A study of one model on one set, with every kind of unit: float and integer variants, null models, validation. */
static void make_resumable(tiny *t, timbang_study_options *options, timbang_named_path paths[2])
{
    static const char *const variants[] = {"fp32", "int8", "int4-pertensor"};
    make_two_by_two(t);
    tiny_options(options);
    paths[0] = (timbang_named_path){NULL, tiny_path(t, "trained")};
    paths[1] = (timbang_named_path){NULL, tiny_path(t, "three.tsv")};
    options->models = &paths[0];
    options->data = &paths[1];
    options->n_models = options->n_data = 1;
    options->variants = variants;
    options->n_variants = 3;
    tiny_data(t, "valid.tsv", 9, "positive,neutral,negative");
    options->valid = tiny_path(t, "valid.tsv");
    options->null_models = 2;
    options->bootstrap_replicates = 50;
    options->out = tiny_path(t, "out");
}

/* Stopped at every place where it asks, and resumed at once: it ends, in the same bytes. */
static void an_interrupted_study_goes_on(void **state)
{
    (void)state;
    tiny t;
    tiny_begin(&t);
    timbang_study_options options;
    timbang_named_path paths[2];
    make_resumable(&t, &options, paths);
    tb_error err;
    if (tiny_study(&t, &options, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    json_t *whole = tiny_json(&t, "out/results.json");
    char *lines = NULL, *resumed_lines = NULL;
    size_t size = 0, resumed_size = 0;
    assert_int_equal(tb_read_file(tiny_path(&t, "out/predictions.jsonl"), 0, &lines, &size, &err), TIMBANG_OK);
    int asked = t.cancel_calls, resumed = 0;
    assert_true(asked > 20);

    options.out = tiny_path(&t, "again");
    const char *partial = tiny_path(&t, "again.partial");
    timbang_status status = TIMBANG_CANCELLED;
    for (int i = 1; status == TIMBANG_CANCELLED; i += 5) {
        bool kept = tb_is_directory(partial);
        resumed += kept;
        options.resume = kept;
        t.cancel_after = i > asked ? 0 : i;
        status = tiny_study(&t, &options, &err);
        assert_int_equal(tb_is_directory(options.out), status == TIMBANG_OK);
    }
    if (status != TIMBANG_OK)
        fail_msg("%s", err.text);
    assert_true(resumed > 3);
    assert_false(tb_is_directory(partial));
    json_t *after = tiny_json(&t, "again/results.json");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(after, "time"), "resumed")), resumed);
    assert_same_results(whole, after);
    assert_int_equal(tb_read_file(tiny_path(&t, "again/predictions.jsonl"), 0, &resumed_lines, &resumed_size, &err),
                     TIMBANG_OK);
    assert_int_equal(size, resumed_size);
    assert_memory_equal(lines, resumed_lines, size);
    free(lines);
    free(resumed_lines);
    json_decref(whole);
    json_decref(after);
    tiny_end(&t);
}

static void what_is_kept_is_guarded(void **state)
{
    (void)state;
    tiny t;
    tiny_begin(&t);
    timbang_study_options options;
    timbang_named_path paths[2];
    make_resumable(&t, &options, paths);
    tb_error err;
    options.resume = 1;
    assert_int_equal(tiny_study(&t, &options, &err), TIMBANG_USAGE);
    assert_non_null(strstr(err.text, "nothing to resume"));
    options.resume = 0;

    size_t before = tiny_entries(&t); /* nothing is finished yet: nothing stays */
    t.cancel_after = 1;
    assert_int_equal(tiny_study(&t, &options, &err), TIMBANG_CANCELLED);
    assert_int_equal(tiny_entries(&t), before);
    t.cancel_after = 0;

    const tb_study_job job = {.options = &options,
                              .kernels = t.kernels,
                              .pool = t.pool,
                              .hooks = &t.hooks,
                              .latency_texts = 2,
                              .latency_rounds = 1,
                              .latency_seconds = 1e-6,
                              .draw = refuse_to_draw};
    assert_int_equal(tb_study_run(&job, &err), TIMBANG_IO); /* at the very end */
    assert_non_null(strstr(err.text, "the disk is full"));
    assert_true(tb_is_directory(tiny_path(&t, "out.partial")));
    assert_false(tb_is_directory(tiny_path(&t, "out")));

    assert_int_equal(tiny_study(&t, &options, &err), TIMBANG_USAGE);
    assert_non_null(strstr(err.text, "--resume"));
    options.resume = 1;
    options.margin = 0.02; /* another plan is another study */
    assert_int_equal(tiny_study(&t, &options, &err), TIMBANG_USAGE);
    assert_non_null(strstr(err.text, "'margin' was 0.01 and is 0.02 now"));
    options.margin = 0;
    options.labels = (const char *const[]){"x", "y", "z"};
    options.n_labels = 3;
    assert_int_equal(tiny_study(&t, &options, &err), TIMBANG_USAGE);
    assert_non_null(strstr(err.text, "inputs of the interrupted study"));
    tiny_data(&t, "valid.tsv", 9,
              "neutral,positive,negative"); /* nothing of it stands in results.json but its temperature */
    options.labels = NULL;
    options.n_labels = 0;
    assert_int_equal(tiny_study(&t, &options, &err), TIMBANG_USAGE);
    assert_non_null(strstr(err.text, "'rows' was"));
    tiny_data(&t, "valid.tsv", 9, "positive,neutral,negative");
    options.n_labels = 0;
    options.labels = NULL;
    if (tiny_study(&t, &options, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    assert_int_equal(tiny_entries(&t), before + 1);

    t.cancel_after = 30;
    options.resume = 0;
    options.force = 1;
    assert_int_equal(tiny_study(&t, &options, &err), TIMBANG_CANCELLED);
    t.cancel_after = 0;
    assert_int_equal(tiny_study(&t, &options, &err), TIMBANG_OK); /* --force starts anew */
    assert_int_equal(tiny_entries(&t), before + 1);
    tiny_end(&t);
}

static int stop_when_there(void *user)
{
    return tb_is_file(user);
}

/* Runs a study until the file is in its partial folder, and sets it up to be resumed. */
static void stop_at(tiny *t, timbang_study_options *options, char *file)
{
    tb_error err = {0};
    const tb_hooks hooks = {.cancel = stop_when_there, .user = file};
    const tb_study_job job = {.options = options,
                              .kernels = t->kernels,
                              .pool = t->pool,
                              .hooks = &hooks,
                              .latency_texts = 4,
                              .latency_rounds = 2,
                              .latency_seconds = 1e-6};
    options->resume = 0;
    if (tb_study_run(&job, &err) != TIMBANG_CANCELLED)
        fail_msg("%s", err.text);
    assert_true(tb_is_file(file));
    options->resume = 1;
}

/* What is there is read and not made again: cut short, it is missed. Left alone, the study ends as one that was never
 * stopped. */
static void work_within_a_model_is_kept(void **state)
{
    (void)state;
    static const char *const units[] = {"null-trained-int8-2-0-0.bin", "turn-trained-0-0.bin"};
    static const char *const not_yet[] = {"null-trained-int8-2.json", "turn-trained-1-1.bin"};
    tiny t;
    tiny_begin(&t);
    timbang_study_options options;
    timbang_named_path paths[3];
    make_resumable(&t, &options, paths);
    paths[2] = (timbang_named_path){NULL, tiny_path(&t, "two.tsv")};
    options.n_data = 2;
    tb_error err;
    if (tiny_study(&t, &options, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    json_t *whole = tiny_json(&t, "out/results.json");
    for (size_t i = 0; i < 2; i++) {
        char out[300], path[400], later[400], *unit = NULL;
        size_t size = 0;
        snprintf(out, sizeof out, "%s/again-%zu", t.dir, i);
        snprintf(path, sizeof path, "%s.partial/work/%s", out, units[i]);
        snprintf(later, sizeof later, "%s.partial/work/%s", out, not_yet[i]);
        options.out = out;
        stop_at(&t, &options, path);
        assert_false(tb_is_file(later));
        assert_int_equal(tb_read_file(path, 0, &unit, &size, &err), TIMBANG_OK);
        assert_int_equal(tb_write_file(path, unit, size - 1, &err), TIMBANG_OK);
        if (tiny_study(&t, &options, &err) != TIMBANG_FORMAT || !strstr(err.text, units[i]))
            fail_msg("%s", err.text);
        assert_int_equal(tb_write_file(path, unit, size, &err), TIMBANG_OK);
        free(unit);
        if (tiny_study(&t, &options, &err) != TIMBANG_OK)
            fail_msg("%s", err.text);
        json_t *after = tiny_json(&t, i ? "again-1/results.json" : "again-0/results.json"),
               *copy = json_deep_copy(whole);
        const json_t *latency = json_object_get(json_object_get(after, "measured"), "latency");
        assert_int_equal(json_array_size(latency), 3 * 2);
        for (size_t k = 0; k < 3 * 2; k++)
            assert_true(number(json_array_get(latency, k), "turns") == 2);
        assert_same_results(copy, after);
        json_decref(copy);
        json_decref(after);
    }
    json_decref(whole);
    tiny_end(&t);
}

static void shipped_quantized_models_run_as_they_are(void **state)
{
    (void)state;
    tiny t;
    tiny_begin(&t);
    make_two_by_two(&t);
    timbang_study_options options;
    tiny_options(&options);
    const timbang_named_path model = {"m", tiny_path(&t, "trained")}, data = {"d", tiny_path(&t, "three.tsv")};
    options.models = &model;
    options.data = &data;
    options.n_models = options.n_data = 1;
    options.keep_models = 1;
    options.out = tiny_path(&t, "out");
    tb_error err;
    if (tiny_study(&t, &options, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);

    const timbang_named_path shipped = {"shipped", tiny_path(&t, "out/models/m-int8")};
    options.models = &shipped;
    options.out = tiny_path(&t, "again");
    options.keep_models = 0;
    if (tiny_study(&t, &options, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    json_t *first = tiny_json(&t, "out/results.json"), *second = tiny_json(&t, "again/results.json");
    assert_int_equal(json_array_size(json_object_get(second, "results")), 1);
    const json_t *a = find(json_object_get(first, "results"), "m", "int8", "d");
    const json_t *b = find(json_object_get(second, "results"), "shipped", "int8", "d");
    assert_true(number(a, "nll") == number(b, "nll"));
    assert_true(has_warning(second, "shipped_quantized", "fp32, fp16, int4 need the float model"));
    assert_non_null(strstr(t.log, "fp32, fp16, int4"));
    assert_false(tb_is_directory(tiny_path(&t, "again/models")));

    static const char *const fp16 = "fp16";
    options.variants = &fp16;
    options.n_variants = 1;
    options.out = tiny_path(&t, "third");
    assert_int_equal(tiny_study(&t, &options, &err), TIMBANG_USAGE);
    assert_non_null(strstr(err.text, "only the variant int8 can be run"));
    json_decref(first);
    json_decref(second);
    tiny_end(&t);
}

static void labels_of_nameless_heads_and_restricted_sets(void **state)
{
    (void)state;
    static const char *const names[] = {"positive", "neutral", "negative"}, *const fp32 = "fp32";
    tiny t;
    tiny_begin(&t);
    make_two_by_two(&t);
    tiny_model(&t, "numbers", 3, "#3");
    timbang_study_options options;
    tiny_options(&options);
    const timbang_named_path model = {NULL, tiny_path(&t, "numbers")}, data = {NULL, tiny_path(&t, "two.tsv")};
    options.models = &model;
    options.data = &data;
    options.n_models = options.n_data = 1;
    options.variants = &fp32;
    options.n_variants = 1;
    options.labels = names;
    options.n_labels = 2;
    options.out = tiny_path(&t, "out");
    tb_error err;
    assert_int_equal(tiny_study(&t, &options, &err), TIMBANG_USAGE);
    assert_non_null(strstr(err.text, "3 outputs without names, but 2 labels were given"));
    options.n_labels = 3;
    options.eval.restrict_labels = 1;
    if (tiny_study(&t, &options, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    json_t *results = tiny_json(&t, "out/results.json"), *lines = predictions_of(&t, "out/predictions.jsonl");
    const json_t *entry = json_array_get(json_object_get(results, "models"), 0);
    assert_string_equal(string(entry, "labels_from"), "options");
    assert_string_equal(json_string_value(json_array_get(json_object_get(entry, "labels"), 2)), "negative");
    const json_t *result = find(json_object_get(results, "results"), "numbers", "fp32", "two");
    assert_true(json_is_true(json_object_get(result, "restricted")));
    assert_int_equal(json_array_size(json_object_get(result, "labels")), 2);
    size_t i;
    json_t *line;
    json_array_foreach(lines, i, line)
    {
        assert_string_not_equal(string(line, "pred"), "neutral");
        assert_true(json_number_value(json_array_get(json_object_get(line, "probs"), 1)) == 0);
    }
    json_decref(results);
    json_decref(lines);

    /* A base model alone takes the labels of the data. */
    const timbang_named_path base = {NULL, tiny_path(&t, "base")};
    options.models = &base;
    options.labels = NULL;
    options.n_labels = 0;
    options.eval.restrict_labels = 0;
    options.out = tiny_path(&t, "base-out");
    if (tiny_study(&t, &options, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    results = tiny_json(&t, "base-out/results.json");
    entry = json_array_get(json_object_get(results, "models"), 0);
    assert_string_equal(string(entry, "labels_from"), "data");
    assert_string_equal(json_string_value(json_array_get(json_object_get(entry, "labels"), 0)), "Negative");
    assert_true(has_warning(results, "untrained_head", "untrained"));
    json_decref(results);
    tiny_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_study_end_to_end),
        cmocka_unit_test(kept_models_give_the_recorded_logits),
        cmocka_unit_test(two_runs_are_equal_but_for_time),
        cmocka_unit_test(failures_come_early_and_leave_nothing),
        cmocka_unit_test(an_interrupted_study_goes_on),
        cmocka_unit_test(what_is_kept_is_guarded),
        cmocka_unit_test(work_within_a_model_is_kept),
        cmocka_unit_test(shipped_quantized_models_run_as_they_are),
        cmocka_unit_test(labels_of_nameless_heads_and_restricted_sets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
