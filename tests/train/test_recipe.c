/* Options with their defaults written out: by size, by config.json, by what was asked; what is refused; the hash. */
#include "train/recipe.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static timbang_train_options asked(void) /* as timbang_train_options_init has them */
{
    return (timbang_train_options){
        .struct_size = sizeof(timbang_train_options),
        .accumulate = 1,
        .weight_decay = 0.01,
        .warmup = 0.1,
        .clip = 1,
        .dropout = -1,
        .layer_decay = 1,
        .mask_share = 0.15,
        .distill_weight = 0.5,
        .temperature = 2,
        .checkpoint_seconds = 45,
    };
}

static tb_config config_of(const char *text)
{
    tb_error err = {0};
    tb_config config = {0};
    if (tb_config_parse("config.json", text, strlen(text), &config, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    return config;
}

#define SHAPE(hidden, layers, inner, vocabulary)                                                                       \
    "{\"model_type\": \"bert\", \"hidden_size\": " #hidden ", \"num_hidden_layers\": " #layers                         \
    ", \"num_attention_heads\": 12, \"intermediate_size\": " #inner ", \"vocab_size\": " #vocabulary                   \
    ", \"max_position_embeddings\": 512, \"type_vocab_size\": 2, \"hidden_act\": \"gelu\", \"layer_norm_eps\": 1e-12"
#define BASE  SHAPE(768, 12, 3072, 30522)
#define SMALL SHAPE(384, 4, 1536, 8000)

static void test_parameters(void **state)
{
    (void)state;
    tb_config config = config_of(BASE ", \"num_labels\": 3}");
    assert_int_equal(tb_config_parameters(&config), 109484547); /* as transformers counts bert-base-uncased, 3 labels */
    tb_config_free(&config);
}

typedef struct logged {
    char text[1024];
} logged;

static void keep_log(void *user, timbang_log_level level, const char *text)
{
    (void)level;
    snprintf(((logged *)user)->text, sizeof((logged *)user)->text, "%s", text);
}

static void test_defaults_by_size(void **state)
{
    (void)state;
    tb_error err = {0};
    logged log = {{0}};
    const tb_hooks hooks = {.log = keep_log, .user = &log};
    tb_config base = config_of(BASE "}"), small = config_of(SMALL "}");
    timbang_train_options o = asked();
    tb_recipe r;
    assert_int_equal(tb_recipe_make(&o, &base, &hooks, &r, &err), TIMBANG_OK);
    assert_true(r.epochs == 3 && r.batch == 16 && r.learning_rate == 2e-5 && r.max_length == 128);
    assert_non_null(strstr(log.text, "what studies of BERT-base use"));
    assert_int_equal(tb_recipe_make(&o, &small, &hooks, &r, &err), TIMBANG_OK);
    assert_true(r.epochs == 4 && r.batch == 32 && r.learning_rate == 2e-4);
    assert_non_null(strstr(log.text, "0.0002"));
    assert_non_null(strstr(log.text, "30 million"));
    o.qat = "int8";
    assert_int_equal(tb_recipe_make(&o, &base, &hooks, &r, &err), TIMBANG_OK);
    assert_true(r.learning_rate == 1e-5 && r.qat);
    assert_string_equal(tb_recipe_role(&r), "qat");
    assert_string_equal(r.scheme.name, "int8");
    o.qat = NULL;
    o.control = 1;
    assert_int_equal(tb_recipe_make(&o, &base, &hooks, &r, &err), TIMBANG_OK);
    assert_true(r.learning_rate == 1e-5 && !r.qat);
    assert_string_equal(tb_recipe_role(&r), "control");
    o = asked();
    o.learning_rate = 3e-5;
    o.batch = 8;
    o.epochs = 7;
    log.text[0] = '\0';
    assert_int_equal(tb_recipe_make(&o, &base, &hooks, &r, &err), TIMBANG_OK);
    assert_true(r.epochs == 7 && r.batch == 8 && r.learning_rate == 3e-5);
    assert_string_equal(log.text, ""); /* nothing was chosen */
    tb_config_free(&base);
    tb_config_free(&small);
}

static void test_dropout(void **state)
{
    (void)state;
    tb_error err = {0};
    timbang_train_options o = asked();
    tb_recipe r;
    tb_config config = config_of(SMALL "}");
    assert_int_equal(tb_recipe_make(&o, &config, NULL, &r, &err), TIMBANG_OK);
    assert_true(r.hidden_dropout == 0.1 && r.attention_dropout == 0.1 && r.classifier_dropout == 0.1);
    tb_config_free(&config);
    config = config_of(SMALL ", \"hidden_dropout_prob\": 0.2, \"attention_probs_dropout_prob\": 0.3, "
                             "\"classifier_dropout\": null}");
    assert_int_equal(tb_recipe_make(&o, &config, NULL, &r, &err), TIMBANG_OK);
    assert_true(r.hidden_dropout == 0.2 && r.attention_dropout == 0.3 && r.classifier_dropout == 0.2);
    o.dropout = 0;
    assert_int_equal(tb_recipe_make(&o, &config, NULL, &r, &err), TIMBANG_OK);
    assert_true(r.hidden_dropout == 0 && r.attention_dropout == 0 && r.classifier_dropout == 0);
    tb_config_free(&config);
    config = config_of(SMALL ", \"hidden_dropout_prob\": 1.0}");
    o = asked();
    assert_int_equal(tb_recipe_make(&o, &config, NULL, &r, &err), TIMBANG_FORMAT);
    tb_config_free(&config);
}

static void test_freezing(void **state)
{
    (void)state;
    tb_error err = {0};
    timbang_train_options o = asked();
    tb_recipe r;
    tb_config config = config_of(SMALL "}");
    const struct {
        const char *text;
        size_t depth;
    } good[] = {{NULL, 0}, {"embeddings", 1}, {"0", 1}, {"4", 5}};
    for (size_t i = 0; i < 4; i++) {
        o.freeze = good[i].text;
        assert_int_equal(tb_recipe_make(&o, &config, NULL, &r, &err), TIMBANG_OK);
        assert_int_equal(r.frozen_depth, good[i].depth);
    }
    const char *bad[] = {"5", "-1", "x", ""};
    for (size_t i = 0; i < 4; i++) {
        o.freeze = bad[i];
        assert_int_equal(tb_recipe_make(&o, &config, NULL, &r, &err), TIMBANG_USAGE);
        assert_non_null(strstr(err.text, "--freeze"));
    }
    tb_config_free(&config);
}

static void test_refused(void **state)
{
    (void)state;
    tb_config config = config_of(SMALL "}");
    timbang_train_options cases[24];
    const char *names[24];
    size_t n = 0;
#define CASE(name, field, value) (cases[n] = asked(), cases[n].field = (value), names[n++] = (name))
    CASE("--learning-rate", learning_rate, 11);
    CASE("--learning-rate", learning_rate, NAN);
    CASE("--weight-decay", weight_decay, -0.1);
    CASE("--warmup", warmup, 1.5);
    CASE("--clip", clip, -1);
    CASE("--dropout", dropout, 1);
    CASE("--layer-decay", layer_decay, 0);
    CASE("--label-smoothing", label_smoothing, 1);
    CASE("--mask-share", mask_share, 0);
    CASE("--temperature", temperature, 0);
    CASE("--checkpoint-seconds", checkpoint_seconds, 61);
    CASE("--batch", batch, 65537);
    CASE("--task", task, "regression");
    CASE("'int9'", qat, "int9");
    CASE("--qat fp32", qat, "fp32");
    CASE("schedule", schedule, "square");
    CASE("compute", compute, "fp64");
    CASE("--max-length 513", texts.max_length, 513);
    for (size_t i = 0; i < n; i++) {
        tb_error err = {0};
        tb_recipe r;
        if (tb_recipe_make(&cases[i], &config, NULL, &r, &err) != TIMBANG_USAGE)
            fail_msg("%s was not refused", names[i]);
        if (!strstr(err.text, names[i]))
            fail_msg("'%s' does not name %s", err.text, names[i]);
    }
    tb_error err = {0};
    tb_recipe r;
    timbang_train_options o = asked();
    o.qat = "int8";
    o.control = 1;
    assert_int_equal(tb_recipe_make(&o, &config, NULL, &r, &err), TIMBANG_USAGE);
    o = asked();
    o.task = "mlm";
    o.qat = "int8";
    assert_int_equal(tb_recipe_make(&o, &config, NULL, &r, &err), TIMBANG_USAGE);
    assert_non_null(strstr(err.text, "mlm"));
    tb_config_free(&config);
}

static void test_class_weights(void **state)
{
    (void)state;
    tb_error err = {0};
    static const char *const labels[] = {"positive", "a=b", "negative"};
    float w[3];
    assert_int_equal(tb_class_weights_parse("NEGATIVE=2.5, a=b=0", labels, 3, w, &err), TIMBANG_OK);
    assert_true(w[0] == 1 && w[1] == 0 && w[2] == 2.5f);
    const char *bad[] = {"",
                         "negative",
                         "negative=",
                         "negative=x",
                         "negative=-1",
                         "neutral=1",
                         "negative=1,",
                         "positive=0,a=b=0,negative=0"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(tb_class_weights_parse(bad[i], labels, 3, w, &err), TIMBANG_USAGE);
        assert_non_null(strstr(err.text, "--class-weights"));
    }
}

static void make_hash(const timbang_train_options *o, const char *train, char hash[65])
{
    tb_error err = {0};
    tb_config config = config_of(SMALL "}");
    tb_recipe r;
    json_t *json = NULL;
    static const char *const labels[] = {"a", "b"};
    const tb_recipe_inputs in = {
        .labels = labels, .n_labels = 2, .train_texts = 10, .train_tokens = 99, .train_sha256 = train};
    assert_int_equal(tb_recipe_make(o, &config, NULL, &r, &err), TIMBANG_OK);
    assert_int_equal(tb_recipe_json(&r, &in, &json, hash, &err), TIMBANG_OK);
    assert_string_equal(json_string_value(json_object_get(json, "task")), "classify");
    assert_true(json_is_null(json_object_get(json, "valid")));
    json_decref(json);
    tb_config_free(&config);
}

static void test_hash_tells_recipes_apart(void **state)
{
    (void)state;
    char first[65], again[65], other[65];
    timbang_train_options o = asked();
    make_hash(&o, "aa", first);
    o.out = "elsewhere";
    o.command = "timbang train";
    o.checkpoint_seconds = 1;
    make_hash(&o, "aa", again);
    assert_string_equal(first, again); /* what does not decide the result does not count */
    make_hash(&o, "ab", other);
    assert_string_not_equal(first, other);
    o.warmup = 0.2;
    make_hash(&o, "aa", other);
    assert_string_not_equal(first, other);
    o = asked();
    o.control = 1;
    make_hash(&o, "aa", other);
    assert_string_not_equal(first, other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_defaults_by_size),
        cmocka_unit_test(test_dropout),
        cmocka_unit_test(test_freezing),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_class_weights),
        cmocka_unit_test(test_hash_tells_recipes_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
