/* A study repeated from its record. */
#include "study/verify.h"
#include "tiny.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static timbang_status verify(tiny *t, json_t **json, tb_error *err)
{
    const tb_study_job job = {.kernels = t->kernels, .pool = t->pool, .hooks = &t->hooks};
    *err = (tb_error){0};
    return tb_study_verify(&job, tiny_path(t, "out"), json, err);
}

static void make_study(tiny *t)
{
    static const char *const variants[] = {"fp32", "int8"};
    tiny_model(t, "model", 3, "a,b,c");
    tiny_data(t, "test.tsv", 12, "a,b,c");
    tiny_data(t, "valid.tsv", 9, "a,b,c");
    timbang_study_options options;
    tiny_options(&options);
    const timbang_named_path model = {"m", tiny_path(t, "model")}, data = {"d", tiny_path(t, "test.tsv")};
    options.models = &model;
    options.data = &data;
    options.n_models = options.n_data = 1;
    options.variants = variants;
    options.n_variants = 2;
    options.valid = tiny_path(t, "valid.tsv");
    options.bootstrap_replicates = 20;
    options.out = tiny_path(t, "out");
    tb_error err;
    if (tiny_study(t, &options, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
}

static uint64_t count(const json_t *object, const char *key)
{
    assert_true(json_is_integer(json_object_get(object, key)));
    return (uint64_t)json_integer_value(json_object_get(object, key));
}

/* Replaces the first `from` after `after` in a file of the study; both have the same length. */
static void tamper(tiny *t, const char *file, const char *after, const char *from, const char *to)
{
    char *text = NULL;
    size_t size = 0;
    tb_error err;
    assert_int_equal(tb_read_file(tiny_path(t, file), 0, &text, &size, &err), TIMBANG_OK);
    char *place = strstr(text, after);
    assert_non_null(place);
    place = strstr(place, from);
    assert_non_null(place);
    memcpy(place, to, strlen(to));
    assert_int_equal(tb_write_file(tiny_path(t, file), text, size, &err), TIMBANG_OK);
    free(text);
}

static void every_logit_comes_again(void **state)
{
    (void)state;
    tiny t;
    tiny_begin(&t);
    make_study(&t);
    size_t before = tiny_entries(&t);
    json_t *json = NULL;
    tb_error err;
    if (verify(&t, &json, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    assert_int_equal(count(json, "logits"), 2 * (12 + 9) * 3);
    assert_int_equal(count(json, "same"), count(json, "logits"));
    assert_int_equal(json_array_size(json_object_get(json, "files_changed")), 0);
    assert_int_equal(json_array_size(json_object_get(json, "results")), 4);
    json_decref(json);
    assert_int_equal(tiny_entries(&t), before);
    tiny_end(&t);
}

static void a_changed_record_is_seen(void **state)
{
    (void)state;
    tiny t;
    tiny_begin(&t);
    make_study(&t);
    json_t *json = NULL;
    tb_error err;
    tamper(&t, "out/predictions.jsonl", "\"logits\": [", "0.", "7.");
    assert_int_equal(verify(&t, &json, &err), TIMBANG_OK);
    assert_int_equal(count(json, "same") + 1, count(json, "logits"));
    const json_t *first = json_array_get(json_object_get(json, "results"), 0);
    assert_int_equal(count(first, "texts_same") + 1, count(first, "texts"));
    assert_true(json_number_value(json_object_get(first, "max_abs_difference")) > 6);
    json_decref(json);

    tamper(&t, "out/predictions.jsonl", "\"variant\"", "fp32", "fp31");
    assert_int_equal(verify(&t, &json, &err), TIMBANG_MISMATCH);
    assert_non_null(strstr(err.text, "predictions.jsonl: line 1: 'variant' is fp31; the record has fp32 here"));
    tiny_end(&t);
}

static void changed_files_are_named(void **state)
{
    (void)state;
    tiny t;
    tiny_begin(&t);
    make_study(&t);
    json_t *json = NULL;
    tb_error err;
    tiny_model(&t, "model", 4, "a,b,c");
    assert_int_equal(verify(&t, &json, &err), TIMBANG_OK);
    assert_int_equal(json_array_size(json_object_get(json, "files_changed")), 1);
    assert_true(count(json, "same") < count(json, "logits"));
    json_decref(json);

    tiny_model(&t, "model", 3, "a,b,c"); /* the study's again, but for its tokenizer */
    tiny_write(&t, "model/tokenizer_config.json", "{\"do_lower_case\": true}\n");
    assert_int_equal(verify(&t, &json, &err), TIMBANG_OK);
    const json_t *changed = json_object_get(json, "files_changed");
    assert_int_equal(json_array_size(changed), 1);
    assert_string_equal(json_string_value(json_array_get(changed, 0)), "m: tokenizer_config.json");
    assert_int_equal(count(json, "same"), count(json, "logits"));
    json_decref(json);
    assert_int_equal(remove(tiny_path(&t, "model/tokenizer_config.json")), 0);
    tiny_write(&t, "model/special_tokens_map.json", "{}\n");
    assert_int_equal(verify(&t, &json, &err), TIMBANG_OK);
    changed = json_object_get(json, "files_changed");
    assert_int_equal(json_array_size(changed), 2); /* one came, one went */
    assert_string_equal(json_string_value(json_array_get(changed, 0)), "m: special_tokens_map.json");
    assert_string_equal(json_string_value(json_array_get(changed, 1)), "m: tokenizer_config.json");
    json_decref(json);

    tiny_data(&t, "test.tsv", 13, "a,b,c");
    assert_int_equal(verify(&t, &json, &err), TIMBANG_MISMATCH);
    assert_non_null(strstr(err.text, "test.tsv: is not the file of the study"));
    assert_int_equal(tb_remove_tree(tiny_path(&t, "out"), &err), TIMBANG_OK);
    assert_int_equal(timbang_status_exit_code(verify(&t, &json, &err)), 2);
    tiny_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_logit_comes_again),
        cmocka_unit_test(a_changed_record_is_seen),
        cmocka_unit_test(changed_files_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
