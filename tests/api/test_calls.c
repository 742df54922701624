/* Callbacks and cancellation, studies, tokenizers, data, evaluation, locale, as a program sees them.
 * Includes: fixture.h. Called by: the tests. */
#include "fixture.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

/* ---- Callbacks ---- */

typedef struct calls {
    int cancel_after, cancels, logs, progress;
    char last_log[256];
} calls;

static int cancel_later(void *user)
{
    calls *c = user;
    return c->cancels++ >= c->cancel_after;
}

static void count_log(void *user, timbang_log_level level, const char *text)
{
    calls *c = user;
    c->logs += level == TIMBANG_LOG_WARNING;
    snprintf(c->last_log, sizeof c->last_log, "%s", text);
}

static void count_progress(void *user, const char *stage, uint64_t done, uint64_t total)
{
    calls *c = user;
    assert_non_null(stage);
    assert_true(done <= total || total == 0);
    c->progress++;
}

static timbang_context *context_with(calls *c)
{
    timbang_context_options options;
    timbang_context_options_init(&options);
    options.log = count_log;
    options.progress = count_progress;
    options.cancel = cancel_later;
    options.user = c;
    options.threads = 2;
    timbang_context *ctx = NULL;
    assert_int_equal(timbang_context_create(&options, &ctx), TIMBANG_OK);
    return ctx;
}

static void test_callbacks(void **state)
{
    fixture *f = *state;
    calls c = {.cancel_after = 1 << 30};
    timbang_context *ctx = context_with(&c);
    timbang_model *model = load(ctx, f->model);
    timbang_result *result = NULL;
    assert_int_equal(timbang_predict(ctx, model, texts, NULL, N_TEXTS, NULL, &result), TIMBANG_OK);
    timbang_result_free(result);
    assert_true(c.progress > 0);
    assert_true(c.cancels > 0);
    assert_int_equal(c.logs, 1); /* one text is empty */
    assert_non_null(strstr(c.last_log, "1 of 8 texts is empty"));
    timbang_model_free(model);
    timbang_context_free(ctx);
}

/* Cancels at every point where a call asks, in turn, until the call gets through: each time the status says so and
 * nothing is left. Returns how often it was cancelled. */
static int cancel_everywhere(fixture *f, timbang_status (*call)(timbang_context *ctx, fixture *f))
{
    size_t before = count_entries(f->dir);
    for (int after = 0; after < 5000; after++) {
        calls c = {.cancel_after = after};
        timbang_context *ctx = context_with(&c);
        timbang_status status = call(ctx, f);
        if (status == TIMBANG_CANCELLED) {
            assert_string_not_equal(timbang_error_text(ctx), "");
            assert_int_equal(count_entries(f->dir), before);
        }
        timbang_context_free(ctx);
        if (status == TIMBANG_OK)
            return after;
        assert_int_equal(status, TIMBANG_CANCELLED);
    }
    fail_msg("never got through");
    return 0;
}

static timbang_status call_predict(timbang_context *ctx, fixture *f)
{
    timbang_model *model = load(f->ctx, f->model);
    timbang_predict_options options;
    timbang_predict_options_init(&options);
    options.batch = 1;
    timbang_result *result = NULL;
    timbang_status status = timbang_predict(ctx, model, texts, NULL, N_TEXTS, &options, &result);
    assert_int_equal(result != NULL, status == TIMBANG_OK);
    timbang_result_free(result);
    timbang_model_free(model);
    return status;
}

static timbang_status call_load(timbang_context *ctx, fixture *f)
{
    timbang_model_options options;
    timbang_model_options_init(&options);
    options.path = f->model;
    timbang_model *model = NULL;
    timbang_status status = timbang_model_load(ctx, &options, &model);
    timbang_model_free(model);
    return status;
}

static timbang_status call_quantize(timbang_context *ctx, fixture *f)
{
    timbang_quantize_options options;
    timbang_quantize_options_init(&options);
    options.model.path = f->model;
    options.scheme = "int4";
    options.out = f->out;
    return timbang_quantize(ctx, &options);
}

static timbang_status call_init(timbang_context *ctx, fixture *f)
{
    return timbang_init_model(ctx, f->config, 1, f->out, 0);
}

static void test_cancel(void **state)
{
    fixture *f = *state;
    assert_true(cancel_everywhere(f, call_load) > 1);
    assert_true(cancel_everywhere(f, call_predict) > 1);
    assert_true(cancel_everywhere(f, call_quantize) > 1);
    remove_tree(f->out);
    assert_true(cancel_everywhere(f, call_init) > 1);
}

static timbang_status run_study(timbang_context *ctx, fixture *f)
{
    timbang_study_options options;
    timbang_study_options_init(&options);
    timbang_named_path model = {"m", f->model}, data = {"d", f->data};
    const char *variants[] = {"fp32", "int8"};
    options.models = &model;
    options.n_models = 1;
    options.data = &data;
    options.n_data = 1;
    options.variants = variants;
    options.n_variants = 2;
    options.out = f->out;
    options.eval.timing_seconds = 1e-6;
    return timbang_study(ctx, &options);
}

static void test_study_and_its_cancellation(void **state)
{
    fixture *f = *state;
    size_t before = count_entries(f->dir);
    for (int after = 0; after < 60; after += 7) {
        calls c = {.cancel_after = after};
        timbang_context *ctx = context_with(&c);
        assert_int_equal(run_study(ctx, f), TIMBANG_CANCELLED);
        char partial[128]; /* what was finished stays for a run that resumes; here nobody wants it */
        snprintf(partial, sizeof partial, "%s.partial", f->out);
        remove_tree(partial);
        assert_int_equal(count_entries(f->dir), before);
        timbang_context_free(ctx);
    }
    if (run_study(f->ctx, f) != TIMBANG_OK)
        fail_msg("%s", timbang_error_text(f->ctx));
    char results[128], report[128];
    snprintf(results, sizeof results, "%s/results.json", f->out);
    snprintf(report, sizeof report, "%s/again.html", f->dir);
    char *text = NULL;
    assert_int_equal(timbang_report_table(f->ctx, results, 0, 0, &text), TIMBANG_OK);
    assert_non_null(strstr(text, "int8"));
    assert_null(strchr(text, '\x1b'));
    timbang_string_free(text);
    assert_int_equal(timbang_report_html(f->ctx, results, report), TIMBANG_OK);
    assert_int_equal(timbang_report_table(f->ctx, f->data, 0, 0, &text), TIMBANG_FORMAT);
    has(f->ctx, "data.tsv");
}

/* ---- Tokenizers, data, evaluation ---- */

static void test_tokenizer(void **state)
{
    fixture *f = *state;
    timbang_tokenizer *tokenizer = NULL;
    assert_int_equal(timbang_tokenizer_load(f->ctx, f->config, &tokenizer), TIMBANG_OK);
    timbang_encoding *e = NULL;
    assert_int_equal(timbang_tokenize(f->ctx, tokenizer, "é Filmnya", "bagus", 0, &e), TIMBANG_OK);
    const char *want[] = {"[CLS]", "[UNK]", "film", "##nya", "[SEP]", "bagus", "[SEP]"};
    const int32_t types[] = {0, 0, 0, 0, 0, 1, 1};
    assert_int_equal(e->n, 7);
    for (size_t i = 0; i < e->n; i++) {
        assert_string_equal(e->tokens[i], want[i]);
        assert_int_equal(e->type_ids[i], types[i]);
    }
    assert_int_equal(e->byte_begin[2], 3);
    assert_int_equal(e->char_begin[2], 2);
    assert_int_equal(e->char_end[3], 9);
    timbang_encoding_free(e);
    assert_int_equal(timbang_tokenize(f->ctx, tokenizer, "film film film", NULL, 4, &e), TIMBANG_OK);
    assert_int_equal(e->n, 4);
    assert_int_equal(e->truncated, 1);
    timbang_encoding_free(e);
    assert_int_equal(timbang_tokenize(f->ctx, tokenizer, "\xc3", NULL, 0, &e), TIMBANG_DATA);
    timbang_tokenizer_free(tokenizer);
    timbang_model *model = load(f->ctx, f->model);
    assert_int_equal(timbang_tokenize(f->ctx, timbang_model_tokenizer(model), "film", NULL, 0, &e), TIMBANG_OK);
    assert_int_equal(e->n, 3);
    timbang_encoding_free(e);
    timbang_model_free(model);
    unsigned flags = 0;
    assert_int_equal(timbang_clean_flags(f->ctx, "lower,urls", &flags), TIMBANG_OK);
    assert_int_equal(flags, TIMBANG_CLEAN_LOWER | TIMBANG_CLEAN_URLS);
    assert_int_equal(timbang_clean_flags(f->ctx, "soap", &flags), TIMBANG_USAGE);
    has(f->ctx, "soap");
}

static void test_data_and_evaluation(void **state)
{
    fixture *f = *state;
    timbang_data_options options;
    timbang_data_options_init(&options);
    options.path = f->data;
    timbang_dataset *data = NULL;
    assert_int_equal(timbang_dataset_load(f->ctx, &options, &data), TIMBANG_OK);
    assert_int_equal(timbang_dataset_n(data), 5);
    assert_string_equal(timbang_dataset_text(data, 1), "film jelek");
    assert_string_equal(timbang_dataset_label(data, 1), "buruk");
    assert_null(timbang_dataset_pair(data, 1));
    assert_int_equal(timbang_dataset_row(data, 4), 5);
    assert_null(timbang_dataset_text(data, 5));
    char *json = NULL;
    assert_int_equal(timbang_dataset_json(f->ctx, data, &json), TIMBANG_OK);
    assert_non_null(strstr(json, "\"baik\": 3"));
    timbang_string_free(json);
    timbang_model *model = load(f->ctx, f->model);
    assert_int_equal(timbang_eval(f->ctx, model, data, NULL, &json), TIMBANG_OK);
    assert_non_null(strstr(json, "\"n\": 5"));
    timbang_string_free(json);
    timbang_eval_options eval;
    timbang_eval_options_init(&eval);
    eval.train_path = "/nonexistent/train.tsv";
    assert_int_equal(timbang_eval(f->ctx, model, data, &eval, &json), TIMBANG_NOT_FOUND);
    has(f->ctx, "train.tsv");
    timbang_model_free(model);
    timbang_dataset_free(data);
    options.path = "/nonexistent/data.tsv";
    assert_int_equal(timbang_dataset_load(f->ctx, &options, &data), TIMBANG_NOT_FOUND);
}

static void test_info_and_bench(void **state)
{
    fixture *f = *state;
    char *json = NULL;
    assert_int_equal(timbang_info_json(f->ctx, f->model, &json), TIMBANG_OK);
    assert_non_null(strstr(json, "\"scheme\": \"fp32\""));
    timbang_string_free(json);
    assert_int_equal(timbang_info_json(f->ctx, NULL, &json), TIMBANG_NOT_FOUND);
    timbang_bench_options options;
    timbang_bench_options_init(&options);
    options.model.path = f->model;
    options.shapes = "2x8";
    options.min_seconds = 0;
    assert_int_equal(timbang_bench(f->ctx, &options, &json), TIMBANG_OK);
    assert_non_null(strstr(json, "\"2x8\""));
    timbang_string_free(json);
    options.min_seconds = -1;
    assert_int_equal(timbang_bench(f->ctx, &options, &json), TIMBANG_USAGE);
}

static void test_write_file(void **state)
{
    fixture *f = *state;
    char path[128];
    snprintf(path, sizeof path, "%s/file", f->dir);
    size_t before = count_entries(f->dir);
    assert_int_equal(timbang_write_file(f->ctx, path, "ab", 2), TIMBANG_OK);
    assert_int_equal(timbang_write_file(f->ctx, path, "c", 1), TIMBANG_OK);
    assert_int_equal(count_entries(f->dir), before + 1);
    assert_int_equal(timbang_write_file(f->ctx, f->dir, "c", 1), TIMBANG_IO);
    has(f->ctx, f->dir);
}

/* A program may run in a locale that writes numbers with a comma. */
static void test_locale(void **state)
{
    fixture *f = *state;
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "id_ID.UTF-8", "fr_FR.UTF-8", NULL};
    char *want = NULL, *got = NULL;
    assert_int_equal(timbang_info_json(f->ctx, f->model, &want), TIMBANG_OK);
    size_t i = 0;
    while (names[i] && !setlocale(LC_ALL, names[i]))
        i++;
    if (!names[i]) {
        timbang_string_free(want);
        print_message("no locale with a decimal comma here\n");
        skip();
    }
    timbang_status status = timbang_info_json(f->ctx, f->model, &got);
    timbang_status again = timbang_init_model(f->ctx, f->config, 7, f->out, 0); /* config.json has "0.3" */
    setlocale(LC_ALL, "C");
    assert_int_equal(status, TIMBANG_OK);
    assert_int_equal(again, TIMBANG_OK);
    assert_non_null(strstr(want, "\"layer_norm_eps\": 1e-12"));
    assert_string_equal(got, want);
    timbang_string_free(want);
    timbang_string_free(got);
    char file[128], text[4096];
    snprintf(file, sizeof file, "%s/config.json", f->out);
    FILE *config = fopen(file, "rb");
    assert_non_null(config);
    text[fread(text, 1, sizeof text - 1, config)] = '\0';
    fclose(config);
    assert_non_null(strstr(text, "\"initializer_range\": 0.3,"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_callbacks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cancel, setup, teardown),
        cmocka_unit_test_setup_teardown(test_study_and_its_cancellation, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tokenizer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_data_and_evaluation, setup, teardown),
        cmocka_unit_test_setup_teardown(test_info_and_bench, setup, teardown),
        cmocka_unit_test_setup_teardown(test_write_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_locale, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
