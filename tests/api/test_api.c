/* Contexts, options structs, models and predictions, as a program sees them.
 * Includes: fixture.h. Called by: the tests. */
#include "fixture.h"

#include <fenv.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* ---- Contexts and options ---- */

static void test_status_table(void **state)
{
    (void)state;
    assert_string_equal(timbang_status_name(TIMBANG_FORMAT), "FORMAT");
    assert_int_equal(timbang_status_exit_code(TIMBANG_OK), 0);
    assert_int_equal(timbang_status_exit_code(TIMBANG_DATA), 2);
    assert_int_equal(timbang_status_exit_code(TIMBANG_INTERNAL), 3);
    assert_int_equal(timbang_status_exit_code(TIMBANG_CANCELLED), 130);
    char version[32];
    snprintf(version, sizeof version, "%d.%d.%d", TIMBANG_VERSION_MAJOR, TIMBANG_VERSION_MINOR, TIMBANG_VERSION_PATCH);
    assert_string_equal(timbang_version(), version);
}

static void test_failed_context_tells_why(void **state)
{
    (void)state;
    timbang_context_options options;
    timbang_context_options_init(&options);
    timbang_context *ctx = NULL;
    options.threads = 1025;
    assert_int_equal(timbang_context_create(&options, &ctx), TIMBANG_USAGE);
    has(ctx, "1025");
    timbang_model *model = NULL; /* a context that failed refuses work, and keeps its text */
    assert_int_equal(timbang_model_load(ctx, NULL, &model), TIMBANG_USAGE);
    has(ctx, "1025");
    assert_null(model);
    timbang_context_free(ctx);

    options.threads = 1;
    options.cpu = "avx9";
    assert_int_equal(timbang_context_create(&options, &ctx), TIMBANG_USAGE);
    has(ctx, "avx9");
    has(ctx, "scalar");
    timbang_context_free(ctx);

    options.cpu = "scalar";
    assert_int_equal(timbang_context_create(&options, &ctx), TIMBANG_OK);
    assert_string_equal(timbang_context_cpu(ctx), "scalar");
    assert_int_equal(timbang_context_threads(ctx), 1);
    timbang_context_free(ctx);
    timbang_context_free(NULL);
}

/* A program that was built against a header whose struct ended after `threads`. */
static void test_smaller_struct_size(void **state)
{
    (void)state;
    struct {
        timbang_context_options options;
        char guard[64];
    } old;
    memset(&old, 0x5a, sizeof old);
    size_t size = offsetof(timbang_context_options, cpu);
    timbang_context_options_init_sized(&old.options, size);
    assert_int_equal(old.options.struct_size, size);
    assert_int_equal(old.options.threads, 0);
    const unsigned char *beyond = (const unsigned char *)&old;
    for (size_t i = size; i < sizeof old; i++)
        assert_int_equal(beyond[i], 0x5a); /* nothing is written beyond, and it must not be read either */
    old.options.threads = 3;
    timbang_context *ctx = NULL;
    assert_int_equal(timbang_context_create(&old.options, &ctx), TIMBANG_OK);
    assert_int_equal(timbang_context_threads(ctx), 3);
    timbang_context_free(ctx);
}

static void test_odd_struct_sizes(void **state)
{
    (void)state;
    timbang_context *ctx = NULL;
    timbang_context_options none = {0};
    assert_int_equal(timbang_context_create(&none, &ctx), TIMBANG_USAGE);
    has(ctx, "timbang_context_options_init");
    timbang_context_free(ctx);

    /* A newer header: fields that this library does not know may only have their default of zero. */
    struct {
        timbang_context_options options;
        uint64_t later;
    } newer;
    memset(&newer, 0, sizeof newer);
    newer.options.struct_size = sizeof newer;
    newer.options.threads = 1;
    assert_int_equal(timbang_context_create(&newer.options, &ctx), TIMBANG_OK);
    timbang_context_free(ctx);
    newer.later = 1;
    assert_int_equal(timbang_context_create(&newer.options, &ctx), TIMBANG_USAGE);
    has(ctx, "does not know");
    timbang_context_free(ctx);
}

static void test_nested_struct_without_init(void **state)
{
    fixture *f = *state;
    timbang_quantize_options options;
    timbang_quantize_options_init(&options);
    memset(&options.model, 0, sizeof options.model);
    options.model.path = f->model;
    options.scheme = "int8";
    options.out = f->out;
    assert_int_equal(timbang_quantize(f->ctx, &options), TIMBANG_USAGE);
    has(f->ctx, "timbang_model_options_init");
}

static void test_cpu_json(void **state)
{
    fixture *f = *state;
    char *json = NULL;
    assert_int_equal(timbang_cpu_json(f->ctx, &json), TIMBANG_OK);
    assert_non_null(strstr(json, "\"scalar\""));
    timbang_string_free(json);
    assert_string_equal(timbang_error_text(f->ctx), "");
}

/* ---- Models and predictions ---- */

static void test_model_facts(void **state)
{
    fixture *f = *state;
    timbang_model *model = load(f->ctx, f->model);
    assert_int_equal(timbang_model_n_labels(model), 2);
    assert_string_equal(timbang_model_label(model, 1), "buruk");
    assert_null(timbang_model_label(model, 2));
    assert_string_equal(timbang_model_scheme(model), "fp32");
    assert_int_equal(timbang_model_max_length(model), 32);
    assert_int_equal(timbang_model_embedded(model), 0);
    uint64_t h = 64, layer = 4 * (h * h + h) + 2 * h * 128 + 128 + h + 4 * h;
    assert_int_equal(timbang_model_parameters(model), (16 + 32 + 2) * h + 2 * h + 2 * layer + h * h + h + 2 * h + 2);
    timbang_model_free(model);
    timbang_model_free(NULL);
}

typedef struct job {
    const timbang_model *model;
    const char *cpu;
    int threads;
    float logits[2 * N_TEXTS];
    bool fine;
} job;

static void *predict_on_thread(void *arg)
{
    job *j = arg;
    timbang_context_options options;
    timbang_context_options_init(&options);
    options.threads = j->threads;
    options.cpu = j->cpu;
    timbang_context *ctx = NULL;
    j->fine = timbang_context_create(&options, &ctx) == TIMBANG_OK;
    for (int round = 0; round < 20 && j->fine; round++) {
        timbang_result *result = NULL;
        j->fine = timbang_predict(ctx, j->model, texts, NULL, N_TEXTS, NULL, &result) == TIMBANG_OK;
        for (size_t i = 0; i < N_TEXTS && j->fine; i++)
            memcpy(j->logits + 2 * i, timbang_result_logits(result, i), 2 * sizeof(float));
        timbang_result_free(result);
    }
    timbang_context_free(ctx);
    return NULL;
}

static void test_four_threads_share_a_model(void **state)
{
    fixture *f = *state;
    timbang_model *model = load(f->ctx, f->model);
    float want[2 * N_TEXTS];
    logits_of(f->ctx, model, 0, want);
    job jobs[4] = {{.model = model, .threads = 1},
                   {.model = model, .threads = 2},
                   {.model = model, .threads = 3, .cpu = "scalar"},
                   {.model = model, .threads = 1}};
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, predict_on_thread, &jobs[i]), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < 4; i++) {
        assert_true(jobs[i].fine);
        assert_memory_equal(jobs[i].logits, want, sizeof want);
    }
    timbang_model_free(model);
}

static void test_same_bits_for_batches_and_levels(void **state)
{
    fixture *f = *state;
    timbang_model *model = load(f->ctx, f->model);
    float want[2 * N_TEXTS], got[2 * N_TEXTS];
    logits_of(f->ctx, model, 0, want);
    for (size_t batch = 1; batch <= 3; batch++) {
        logits_of(f->ctx, model, batch, got);
        assert_memory_equal(got, want, sizeof want);
    }
    timbang_model_free(model);
    timbang_context_options options;
    timbang_context_options_init(&options);
    options.cpu = "scalar";
    timbang_context *scalar = NULL;
    assert_int_equal(timbang_context_create(&options, &scalar), TIMBANG_OK);
    model = load(scalar, f->model);
    logits_of(scalar, model, 0, got);
    assert_memory_equal(got, want, sizeof want);
    timbang_model_free(model);
    timbang_context_free(scalar);
}

static void test_caller_rounding_mode_has_no_influence_and_comes_back(void **state)
{
    fixture *f = *state;
    timbang_model *model = load(f->ctx, f->model);
    float want[2 * N_TEXTS], got[2 * N_TEXTS];
    logits_of(f->ctx, model, 0, want);
    assert_int_equal(fesetround(FE_UPWARD), 0);
    logits_of(f->ctx, model, 0, got);
    int mode = fegetround();
    timbang_model *again = load(f->ctx, f->model);
    int mode_after_load = fegetround();
    fesetround(FE_TONEAREST);
    assert_int_equal(mode, FE_UPWARD);
    assert_int_equal(mode_after_load, FE_UPWARD);
    assert_memory_equal(got, want, sizeof want);
    logits_of(f->ctx, again, 0, got);
    assert_memory_equal(got, want, sizeof want);
    timbang_model_free(again);
    timbang_model_free(model);
}

static void test_result_facts(void **state)
{
    fixture *f = *state;
    timbang_model *model = load(f->ctx, f->model);
    timbang_result *result = NULL;
    const char *few[] = {"bagus", "", "film film film film film film film film film film"};
    timbang_predict_options options;
    timbang_predict_options_init(&options);
    options.max_length = 8;
    assert_int_equal(timbang_predict(f->ctx, model, few, NULL, 3, &options, &result), TIMBANG_OK);
    for (size_t i = 0; i < 3; i++) {
        const double *p = timbang_result_probs(result, i);
        assert_true(p[0] + p[1] > 1 - 1e-12 && p[0] + p[1] < 1 + 1e-12);
        assert_int_equal(timbang_result_label(result, i), p[1] > p[0]);
        assert_int_equal(timbang_result_empty(result, i), i == 1);
        assert_int_equal(timbang_result_truncated(result, i), i == 2);
    }
    assert_int_equal(timbang_result_tokens(result, 0), 3);
    assert_int_equal(timbang_result_tokens(result, 2), 8);
    assert_null(timbang_result_logits(result, 3));
    timbang_result_free(result);
    result = NULL;
    assert_int_equal(timbang_predict(f->ctx, model, NULL, NULL, 0, NULL, &result), TIMBANG_OK);
    assert_int_equal(timbang_result_n(result), 0);
    timbang_result_free(result);
    timbang_model_free(model);
}

/* Token ids of all texts, one after the other: what timbang_predict makes of them itself. */
static void encode_all(fixture *f, const timbang_model *model, int32_t ids[N_TEXTS * 32], size_t offsets[N_TEXTS + 1])
{
    offsets[0] = 0;
    for (size_t i = 0; i < N_TEXTS; i++) {
        timbang_encoding *e = NULL;
        assert_int_equal(timbang_tokenize(f->ctx, timbang_model_tokenizer(model), texts[i], NULL, 32, &e), TIMBANG_OK);
        memcpy(ids + offsets[i], e->ids, e->n * sizeof *ids);
        offsets[i + 1] = offsets[i] + e->n;
        timbang_encoding_free(e);
    }
}

static void test_predict_ids(void **state)
{
    fixture *f = *state;
    timbang_model *model = load(f->ctx, f->model);
    float want[2 * N_TEXTS];
    logits_of(f->ctx, model, 0, want);
    int32_t ids[N_TEXTS * 32], types[N_TEXTS * 32] = {0};
    size_t offsets[N_TEXTS + 1];
    encode_all(f, model, ids, offsets);
    for (int with_types = 0; with_types < 2; with_types++) {
        timbang_result *result = NULL;
        assert_int_equal(timbang_predict_ids(f->ctx, model, ids, with_types ? types : NULL, offsets, N_TEXTS, &result),
                         TIMBANG_OK);
        assert_int_equal(timbang_result_n(result), N_TEXTS);
        for (size_t i = 0; i < N_TEXTS; i++) {
            const float *logits = timbang_result_logits(result, i);
            assert_memory_equal(logits, want + 2 * i, 2 * sizeof *logits);
            assert_int_equal(timbang_result_label(result, i), logits[1] > logits[0]);
            assert_int_equal(timbang_result_tokens(result, i), offsets[i + 1] - offsets[i]);
            assert_int_equal(timbang_result_truncated(result, i), 0);
            const double *p = timbang_result_probs(result, i);
            assert_true(p[0] + p[1] > 1 - 1e-12 && p[0] + p[1] < 1 + 1e-12);
        }
        timbang_result_free(result);
    }
    types[1] = 1; /* of the first text alone */
    timbang_result *result = NULL;
    assert_int_equal(timbang_predict_ids(f->ctx, model, ids, types, offsets, N_TEXTS, &result), TIMBANG_OK);
    assert_memory_not_equal(timbang_result_logits(result, 0), want, 2 * sizeof *want);
    assert_memory_equal(timbang_result_logits(result, 1), want + 2, 2 * sizeof *want);
    timbang_result_free(result);
    assert_int_equal(timbang_predict_ids(f->ctx, model, NULL, NULL, NULL, 0, &result), TIMBANG_OK);
    assert_int_equal(timbang_result_n(result), 0);
    timbang_result_free(result);
    timbang_model_free(model);
}

static void test_predict_ids_errors(void **state)
{
    fixture *f = *state;
    timbang_model *model = load(f->ctx, f->model);
    timbang_result *untouched = (timbang_result *)(void *)f, *result = untouched;
    int32_t ids[40] = {2, 5, 3}, types[40] = {0};
    static const size_t bad[][3] = {{1, 2, 3}, {0, 0, 3}, {0, 2, 1}, {0, 33, 34}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(timbang_predict_ids(f->ctx, model, ids, NULL, bad[i], 2, &result), TIMBANG_USAGE);
        has(f->ctx, "offsets");
    }
    static const size_t one[] = {0, 3};
    assert_int_equal(timbang_predict_ids(f->ctx, model, NULL, NULL, one, 1, &result), TIMBANG_USAGE);
    assert_int_equal(timbang_predict_ids(f->ctx, model, ids, NULL, NULL, 1, &result), TIMBANG_USAGE);
    assert_int_equal(timbang_predict_ids(f->ctx, NULL, ids, NULL, one, 1, &result), TIMBANG_USAGE);
    ids[2] = 16;
    assert_int_equal(timbang_predict_ids(f->ctx, model, ids, NULL, one, 1, &result), TIMBANG_DATA);
    has(f->ctx, "token id 16 at place 2");
    ids[2] = -1;
    assert_int_equal(timbang_predict_ids(f->ctx, model, ids, NULL, one, 1, &result), TIMBANG_DATA);
    ids[2] = 3;
    types[2] = 2;
    assert_int_equal(timbang_predict_ids(f->ctx, model, ids, types, one, 1, &result), TIMBANG_DATA);
    assert_ptr_equal(result, untouched);
    timbang_model_free(model);
}

static void test_predict_errors(void **state)
{
    fixture *f = *state;
    timbang_model *model = load(f->ctx, f->model);
    timbang_result *untouched = (timbang_result *)(void *)f, *result = untouched;
    const char *bad[] = {"bagus", "jel\xff"
                                  "ek"};
    assert_int_equal(timbang_predict(f->ctx, model, bad, NULL, 2, NULL, &result), TIMBANG_DATA);
    has(f->ctx, "text 2");
    has(f->ctx, "byte 3");
    const char *null[] = {NULL};
    assert_int_equal(timbang_predict(f->ctx, model, null, NULL, 1, NULL, &result), TIMBANG_USAGE);
    timbang_predict_options options;
    timbang_predict_options_init(&options);
    options.max_length = 33;
    assert_int_equal(timbang_predict(f->ctx, model, bad, NULL, 1, &options, &result), TIMBANG_USAGE);
    has(f->ctx, "33");
    options.max_length = 0;
    options.clean = 1U << 20;
    assert_int_equal(timbang_predict(f->ctx, model, bad, NULL, 1, &options, &result), TIMBANG_USAGE);
    assert_ptr_equal(result, untouched);
    assert_int_equal(timbang_predict(NULL, model, bad, NULL, 1, NULL, &result), TIMBANG_USAGE);
    timbang_model_free(model);
}

static void test_load_errors(void **state)
{
    fixture *f = *state;
    struct {
        const char *path, *weights, *config, *part;
        timbang_status status;
    } cases[] = {
        {"/nonexistent/x/y", NULL, NULL, "/nonexistent/x/y", TIMBANG_NOT_FOUND},
        {"org/name", NULL, NULL, "huggingface-cli download org/name --local-dir name", TIMBANG_NOT_FOUND},
        {f->data, NULL, NULL, "--weights", TIMBANG_USAGE},
        {"", NULL, NULL, "empty", TIMBANG_USAGE},
        {NULL, NULL, NULL, "no embedded model", TIMBANG_NOT_FOUND},
        {NULL, NULL, f->config, "--weights", TIMBANG_USAGE},
        {NULL, f->config, NULL, "folder", TIMBANG_USAGE},
        {NULL, "none.pt", f->config, "none.pt", TIMBANG_NOT_FOUND},
        {f->config, NULL, NULL, "model.safetensors", TIMBANG_NOT_FOUND},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        timbang_model_options options;
        timbang_model_options_init(&options);
        options.path = cases[i].path;
        options.weights = cases[i].weights;
        options.config = cases[i].config;
        timbang_model *model = NULL;
        assert_int_equal(timbang_model_load(f->ctx, &options, &model), cases[i].status);
        assert_null(model);
        has(f->ctx, cases[i].part);
    }
}

static void test_bare_weights(void **state)
{
    fixture *f = *state;
    char weights[128];
    snprintf(weights, sizeof weights, "%s/model.safetensors", f->model);
    timbang_model *model = load(f->ctx, f->model), *bare = NULL;
    float want[2 * N_TEXTS], got[2 * N_TEXTS];
    logits_of(f->ctx, model, 0, want);
    const char *folders[] = {f->config, NULL}; /* NULL: the folder of the file */
    for (int i = 0; i < 2; i++) {
        timbang_model_options options;
        timbang_model_options_init(&options);
        options.weights = weights;
        options.config = folders[i];
        assert_int_equal(timbang_model_load(f->ctx, &options, &bare), TIMBANG_OK);
        logits_of(f->ctx, bare, 0, got);
        assert_memory_equal(got, want, sizeof want);
        timbang_model_free(bare);
    }
    timbang_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status_table),
        cmocka_unit_test(test_failed_context_tells_why),
        cmocka_unit_test(test_smaller_struct_size),
        cmocka_unit_test(test_odd_struct_sizes),
        cmocka_unit_test_setup_teardown(test_nested_struct_without_init, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cpu_json, setup, teardown),
        cmocka_unit_test_setup_teardown(test_model_facts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_four_threads_share_a_model, setup, teardown),
        cmocka_unit_test_setup_teardown(test_same_bits_for_batches_and_levels, setup, teardown),
        cmocka_unit_test_setup_teardown(test_caller_rounding_mode_has_no_influence_and_comes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_result_facts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_predict_ids, setup, teardown),
        cmocka_unit_test_setup_teardown(test_predict_ids_errors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_predict_errors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_load_errors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bare_weights, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
