/* SPDX-License-Identifier: Apache-2.0
 * tb_evaluate on a tiny model: its fields, its warnings, its rules. */
#include "study/evaluate.h"
#include "tiny.h"

#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct loaded {
    tiny t;
    tb_folder *folder;
    tb_classifier *model;
} loaded;

static void load(loaded *l, const char *labels, const char *const *head_labels, size_t n_labels)
{
    tb_error err = {0};
    tiny_begin(&l->t);
    tiny_model(&l->t, "m", 7, labels);
    assert_int_equal(tb_folder_open(tiny_path(&l->t, "m"), &l->folder, &err), TIMBANG_OK);
    tb_load_options options = {.folder = l->folder,
                               .labels = head_labels,
                               .n_labels = n_labels,
                               .kernels = l->t.kernels,
                               .pool = l->t.pool,
                               .hooks = &l->t.hooks};
    if (tb_classifier_load(&options, &l->model, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
}

static void unload(loaded *l)
{
    tb_classifier_free(l->model);
    tb_folder_close(l->folder);
    tiny_end(&l->t);
}

static tb_dataset *data_of(loaded *l, const char *name)
{
    timbang_data_options options = {.struct_size = sizeof options, .path = tiny_path(&l->t, name), .header = -1};
    tb_dataset *data = NULL;
    tb_error err = {0};
    if (tb_dataset_load(&options, &l->t.hooks, &data, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    return data;
}

static tb_evaluate_options options_of(loaded *l, const tb_dataset *data)
{
    return (tb_evaluate_options){.model = l->model,
                                 .dataset = data,
                                 .pool = l->t.pool,
                                 .hooks = &l->t.hooks,
                                 .latency_texts = 5,
                                 .latency_rounds = 2};
}

static json_t *evaluate(const tb_evaluate_options *options)
{
    json_t *out = NULL;
    tb_error err = {0};
    if (tb_evaluate(options, &out, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    return out;
}

static double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_number(value))
        fail_msg("%s is missing", key);
    return json_number_value(value);
}

static bool warned(const json_t *result, const char *kind, const char *words)
{
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(result, "warnings"), i,
                       item) if (strcmp(json_string_value(json_object_get(item, "kind")), kind) == 0 &&
                                 strstr(json_string_value(json_object_get(item, "text")), words)) return true;
    return false;
}

static void the_stable_fields(void **state)
{
    (void)state;
    loaded l;
    load(&l, "positive,neutral,negative", NULL, 0);
    tiny_data(&l.t, "d.tsv", 40, "positive,neutral,negative");
    tb_dataset *data = data_of(&l, "d.tsv");
    tb_evaluate_options options = options_of(&l, data);
    json_t *r = evaluate(&options);
    assert_true(number(r, "n") == 40);
    static const char *const proportions[] = {"accuracy", "macro_f1", "weighted_f1", "ece"};
    for (size_t i = 0; i < 4; i++)
        assert_true(number(r, proportions[i]) >= 0 && number(r, proportions[i]) <= 1);
    assert_true(number(r, "nll") > 0 && number(r, "brier") > 0);
    assert_int_equal(json_array_size(json_object_get(r, "confusion")), 3);
    double total = 0, right = 0;
    for (size_t i = 0; i < 9; i++) {
        double count = json_number_value(json_array_get(json_array_get(json_object_get(r, "confusion"), i / 3), i % 3));
        total += count;
        right += i % 4 == 0 ? count : 0;
    }
    assert_true(total == 40 && fabs(right / 40 - number(r, "accuracy")) < 1e-12);
    assert_true(number(json_object_get(json_object_get(r, "per_class"), "neutral"), "support") == 13);
    assert_true(number(json_object_get(r, "label_counts"), "positive") == 14);
    const json_t *latency = json_object_get(r, "latency_ms");
    static const char *const parts[] = {"tokenize", "forward", "total"};
    static const char *const figures[] = {"mean", "sd", "median", "p90", "p99"};
    for (size_t i = 0; i < 15; i++)
        assert_true(number(json_object_get(latency, parts[i / 5]), figures[i % 5]) >= 0);
    assert_true(number(latency, "texts") == 5 && number(latency, "rounds") == 2);
    assert_true(number(json_object_get(r, "tokens"), "max") <= 24);
    assert_int_equal(json_array_size(json_object_get(r, "warnings")), 0);
    json_decref(r);
    tb_dataset_free(data);
    unload(&l);
}

static void what_is_odd_about_the_data_is_said(void **state)
{
    (void)state;
    loaded l;
    load(&l, "a,b", NULL, 0);
    tiny_write(
        &l.t, "d.tsv",
        "text\tlabel\nfilm ini bagus\ta\nfilm ini jelek\tb\nfilm ini bagus\tb\n\ta\n"
        "film film film film film film film film film film film film film film film film film film film film film "
        "film film film film film film film\tb\nsaya suka\ta\n");
    tiny_write(&l.t, "train.tsv", "text\tlabel\nSaya suka!\ta\nhari ini\tb\n");
    tb_dataset *data = data_of(&l, "d.tsv"), *train = data_of(&l, "train.tsv");
    tb_evaluate_options options = options_of(&l, data);
    options.train = train;
    json_t *r = evaluate(&options);
    assert_true(number(r, "truncated") == 1 && number(r, "empty") == 1);
    assert_true(warned(r, "truncated", "1 of 6 texts"));
    assert_true(warned(r, "empty", "1 text"));
    assert_true(warned(r, "duplicates", "1 row repeats an earlier row"));
    assert_true(warned(r, "conflicting", "1 of the repeated rows has another label"));
    assert_true(warned(r, "train_overlap", "1 row also stands in"));
    assert_non_null(strstr(l.t.log, "also stands in"));
    assert_true(number(json_object_get(r, "train_overlap"), "normalized") == 1);
    json_decref(r);
    tb_dataset_free(data);
    tb_dataset_free(train);
    unload(&l);
}

/* Data labelled by the model's own predictions under rotated names: the order is named, and nothing is applied. */
static void a_better_order_of_labels_is_named(void **state)
{
    (void)state;
    static const char *const labels[] = {"positive", "neutral", "negative"};
    loaded l;
    load(&l, "positive,neutral,negative", NULL, 0);
    tiny_data(&l.t, "d.tsv", 300, "positive,neutral,negative");
    tb_dataset *data = data_of(&l, "d.tsv");
    tb_workspace *workspace = NULL;
    tb_error err = {0};
    assert_int_equal(tb_workspace_create(l.t.pool, &workspace, &err), TIMBANG_OK);
    FILE *file = fopen(tiny_path(&l.t, "rotated.tsv"), "w");
    assert_non_null(file);
    fputs("text\tlabel\n", file);
    size_t counts[3] = {0};
    for (size_t i = 0; i < data->n; i++) {
        float logits[3];
        tb_text_ref text = {.text = data->rows[i].text, .length = data->rows[i].text_length};
        tb_run_options run = {0};
        tb_run_facts facts = {0};
        assert_int_equal(tb_classifier_run(l.model, workspace, &text, 1, &run, logits, &facts, &err), TIMBANG_OK);
        size_t best = 0;
        for (size_t c = 1; c < 3; c++)
            best = logits[c] > logits[best] ? c : best;
        counts[best]++;
        fprintf(file, "%s\t%s\n", text.text, labels[(best + 1) % 3]);
    }
    fclose(file);
    for (size_t c = 0; c < 3; c++)
        if (counts[c] == 0)
            fail_msg("the tiny model never says %s; choose another seed", labels[c]);
    tb_dataset *rotated = data_of(&l, "rotated.tsv");
    tb_evaluate_options options = options_of(&l, rotated);
    json_t *r = evaluate(&options);
    assert_true(number(r, "accuracy") == 0);
    assert_true(warned(r, "label_order", "as neutral,negative,positive the accuracy would be 1.000"));
    const json_t *order = json_object_get(json_object_get(r, "label_order"), "labels");
    for (size_t c = 0; c < 3; c++)
        assert_string_equal(json_string_value(json_array_get(order, c)), labels[(c + 1) % 3]);
    json_decref(r);
    tb_dataset_free(rotated);
    tb_dataset_free(data);
    tb_workspace_free(workspace);
    unload(&l);
}

static void untrained_heads_and_bad_data(void **state)
{
    (void)state;
    static const char *const labels[] = {"positive", "negative"};
    loaded l;
    load(&l, NULL, labels, 2);
    tiny_data(&l.t, "d.tsv", 10, "positive,negative");
    tiny_data(&l.t, "odd.tsv", 10, "positive,angry");
    tb_dataset *data = data_of(&l, "d.tsv"), *odd = data_of(&l, "odd.tsv");
    tb_evaluate_options options = options_of(&l, data);
    json_t *r = evaluate(&options), *none = NULL;
    assert_true(json_is_true(json_object_get(r, "untrained_head")));
    assert_true(warned(r, "untrained_head", "untrained head"));
    assert_true(json_is_null(json_object_get(r, "label_order")));
    json_decref(r);
    options.dataset = odd;
    tb_error err = {0};
    assert_int_equal(tb_evaluate(&options, &none, &err), TIMBANG_DATA);
    assert_non_null(strstr(err.text, "angry"));
    assert_null(none);
    tb_dataset_free(data);
    tb_dataset_free(odd);
    unload(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_stable_fields),
        cmocka_unit_test(what_is_odd_about_the_data_is_said),
        cmocka_unit_test(a_better_order_of_labels_is_named),
        cmocka_unit_test(untrained_heads_and_bad_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
