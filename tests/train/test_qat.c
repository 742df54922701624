/* Quantization-aware training: whatever the scheme, a training pass without dropout, the inference code on the trainee
 * and the saved and reloaded folder give the same logits, bit by bit, before and after steps of the optimizer; and the
 * gradients of the straight-through rule are those of the float network at the rounded weights. */
#include "../model/fixture.h"
#include "../model/random_model.h"

#include "base/rng.h"
#include "model/loss.h"
#include "train/optimizer.h"
#include "train/rounding.h"
#include "train/save.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TEXTS = 10, LONG = 560, LABELS = 3, MOST_TOKENS = LONG + TEXTS * 60, LOGITS = TEXTS * LABELS };

struct texts {
    int32_t ids[MOST_TOKENS], types[MOST_TOKENS], truth[TEXTS];
    size_t cu_seqlens[TEXTS + 1];
    tb_batch batch;
    tb_cross_entropy loss;
};

static char *root, *float_model;
static struct texts texts;

static void must(timbang_status status, const tb_error *err)
{
    if (status != TIMBANG_OK)
        fail_msg("%s", err->text);
}

/* In several parts: a text that is longer than one, texts of one token. */
static void make_texts(void)
{
    tb_rng rng = tb_rng_make(1, 2);
    for (size_t i = 0; i < TEXTS; i++) {
        texts.cu_seqlens[i + 1] = texts.cu_seqlens[i] + (i == 5 ? LONG : i % 4 ? 25 + tb_rng_below(&rng, 35) : 1);
        texts.truth[i] = (int32_t)tb_rng_below(&rng, LABELS);
    }
    size_t n = texts.cu_seqlens[TEXTS];
    for (size_t i = 0; i < n; i++) {
        texts.ids[i] = (int32_t)tb_rng_below(&rng, RANDOM_VOCAB);
        texts.types[i] = (int32_t)tb_rng_below(&rng, 2);
    }
    texts.batch = (tb_batch){TEXTS, n, texts.ids, texts.types, texts.cu_seqlens};
    texts.loss = (tb_cross_entropy){.n_classes = LABELS, .denominator = TEXTS};
}

static int setup(void **state)
{
    static const random_shape shape = {64, 4, 128, 2, LABELS, "gelu"};
    tb_error err = {0};
    (void)state;
    make_texts();
    assert_int_equal(tb_temporary_folder(&root, &err), TIMBANG_OK);
    float_model = tb_path_join(root, "float", &err);
    random_model_write(float_model, &shape, MIX_NONE, 5);
    return 0;
}

static int teardown(void **state)
{
    tb_error err = {0};
    (void)state;
    tb_remove_tree(root, &err);
    free(float_model);
    free(root);
    return 0;
}

/* ---- A trainee under a scheme ---- */

struct qat {
    tb_scheme scheme;
    tb_qat *rounding;
    tb_folder *folder;
    tb_trainee *trainee;
    tb_parameters *parameters;
    const tb_kernels *kernels;
    tb_pool *pool;
};

static struct qat make(const char *scheme, tb_compute compute, const tb_kernels *kernels, tb_pool *pool)
{
    struct qat q = {.kernels = kernels, .pool = pool};
    tb_error err = {0};
    must(tb_folder_open(float_model, &q.folder, &err), &err);
    tb_trainee_options options = {.folder = q.folder, .compute = compute, .kernels = kernels, .pool = pool};
    if (scheme) {
        must(tb_scheme_parse(scheme, 0, NULL, &q.scheme, &err), &err);
        must(tb_qat_create(&q.scheme, kernels, pool, &q.rounding, &err), &err);
        options.scheme = q.scheme.name;
        options.round = tb_qat_round;
        options.round_user = q.rounding;
    }
    must(tb_trainee_create(&options, &q.trainee, &err), &err);
    q.parameters = tb_trainee_parameters(q.trainee);
    return q;
}

static void end(struct qat *q)
{
    tb_trainee_free(q->trainee);
    tb_qat_free(q->rounding);
    tb_folder_close(q->folder);
}

static void rows_loss(void *user, size_t first, size_t n, const float *logits, float *dlogits, double *value)
{
    (void)user;
    tb_cross_entropy_rows(&texts.loss, texts.truth, first, n, logits, dlogits, value);
}

static double run_pass(const struct qat *q, double dropout, uint64_t step, float *logits)
{
    tb_error err = {0};
    double loss = 0;
    const tb_train_pass pass = {.batch = &texts.batch,
                                .loss = rows_loss,
                                .hidden_dropout = dropout,
                                .attention_dropout = dropout,
                                .classifier_dropout = dropout,
                                .step = step,
                                .logits = logits};
    must(tb_trainee_pass(q->trainee, &pass, &loss, &err), &err);
    return loss;
}

/* ---- The same logits ---- */

static void reload(const struct qat *q, float *logits)
{
    tb_error err = {0};
    char *dir = tb_path_join(root, "saved", &err);
    json_t *record = json_pack("{s:s}", "role", "qat");
    const tb_save_job job = {.source = q->folder,
                             .config = tb_trainee_config(q->trainee),
                             .parameters = q->parameters,
                             .scheme = &q->scheme,
                             .record = record,
                             .master_record = record,
                             .folder = dir,
                             .kernels = q->kernels,
                             .pool = q->pool};
    tb_workspace *ws = NULL;
    must(tb_make_dirs(dir, &err), &err);
    must(tb_save_folder(&job, &err), &err);
    tb_classifier *model = load_model(dir, q->kernels, q->pool);
    must(tb_workspace_create(q->pool, &ws, &err), &err);
    must(tb_classifier_forward(model, ws, &texts.batch, logits, &err), &err);
    tb_workspace_free(ws);
    tb_classifier_free(model);
    json_decref(record);
    must(tb_remove_tree(dir, &err), &err);
    free(dir);
}

static void check_logits(const struct qat *q, const char *when)
{
    static float passed[LOGITS], forward[LOGITS], inferred[LOGITS], reloaded[LOGITS];
    const size_t size = sizeof passed;
    tb_error err = {0};
    const tb_classifier *model = NULL;
    tb_workspace *ws = NULL;
    memset(passed, 0, size);
    run_pass(q, 0, 0, passed); /* word tables are fresh where the pass looked */
    must(tb_trainee_forward(q->trainee, &texts.batch, &(tb_trainee_states){.logits = forward}, &err), &err);
    must(tb_workspace_create(q->pool, &ws, &err), &err);
    must(tb_trainee_classifier(q->trainee, &model, &err), &err);
    must(tb_classifier_forward(model, ws, &texts.batch, inferred, &err), &err);
    tb_workspace_free(ws);
    reload(q, reloaded);
    if (memcmp(passed, forward, size) != 0)
        fail_msg("%s, %s: forward alone gives other logits", q->scheme.name, when);
    if (memcmp(passed, inferred, size) != 0)
        fail_msg("%s, %s: inference on the trainee gives other logits", q->scheme.name, when);
    if (memcmp(passed, reloaded, size) != 0)
        fail_msg("%s, %s: the saved model gives other logits", q->scheme.name, when);
}

/* Biases and LayerNorm move too: those of fp16 and bf16 are rounded. */
static void learn(const struct qat *q)
{
    const size_t bias = q->parameters->items[tb_parameters_find(q->parameters, "pooler.dense.bias")].begin;
    const float before = q->parameters->values[bias];
    tb_adamw_options options = tb_adamw_defaults();
    tb_adamw *adamw = NULL;
    tb_error err = {0};
    must(tb_adamw_create(q->parameters, &options, &adamw, &err), &err);
    for (uint64_t step = 0; step < 3; step++) {
        run_pass(q, 0.1, step, NULL);
        tb_adamw_step(adamw, q->parameters, 1e-3, 1, q->pool);
        must(tb_trainee_refresh(q->trainee, &err), &err);
    }
    tb_adamw_free(adamw);
    assert_true(q->parameters->values[bias] != before);
}

static const char *const schemes[] = {"int8", "int4",           "int4-e4",        "int4-g64", "fp16",
                                      "bf16", "int8-pertensor", "int4-pertensor", "int8-ef"};

static void test_same_logits(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        tb_pool *pool = NULL;
        tb_error err = {0};
        must(tb_pool_create(1 + (int)(i % 3), &pool, &err), &err);
        struct qat q = make(schemes[i], TB_COMPUTE_FP32, tb_kernels_find(NULL, NULL), pool);
        check_logits(&q, "before");
        learn(&q);
        check_logits(&q, "after");
        end(&q);
        tb_pool_free(pool);
    }
}

/* What stays float in a model of integers is multiplied in float, since such a model is never loaded for BF16. */
static void test_same_logits_with_bf16_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct qat q = make(schemes[i], TB_COMPUTE_BF16, tb_kernels_find(NULL, NULL), NULL);
        const tb_classifier *model = NULL;
        tb_error err = {0};
        must(tb_trainee_classifier(q.trainee, &model, &err), &err);
        assert_int_equal(tb_classifier_compute(model), TB_COMPUTE_FP32);
        check_logits(&q, "BF16 back, before");
        learn(&q);
        check_logits(&q, "BF16 back, after");
        end(&q);
    }
}

/* ---- The same bits ---- */

static void test_same_gradients(void **state)
{
    const tb_kernels *levels[16];
    size_t n_levels = tb_kernels_usable(levels, 16);
    (void)state;
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        float *first = NULL;
        for (size_t level = i < 2 ? 0 : n_levels - 1; level < n_levels; level++)
            for (int threads = 1; threads <= 3; threads++) {
                tb_pool *pool = NULL;
                tb_error err = {0};
                must(tb_pool_create(threads, &pool, &err), &err);
                struct qat q = make(schemes[i], TB_COMPUTE_FP32, levels[level], pool);
                size_t bytes = q.parameters->n * sizeof *first;
                run_pass(&q, 0.1, 0, NULL);
                if (!first) {
                    first = malloc(bytes);
                    memcpy(first, q.parameters->gradients, bytes);
                }
                if (memcmp(first, q.parameters->gradients, bytes) != 0)
                    fail_msg("%s, %s, %d threads: other gradients", schemes[i], levels[level]->name, threads);
                end(&q);
                tb_pool_free(pool);
            }
        free(first);
    }
}

/* ---- Straight through ---- */

/* The masters of `to` become what the scheme rounds those of q to. */
static void take_rounded(const struct qat *q, const struct qat *to)
{
    tb_error err = {0};
    for (size_t i = 0; i < q->parameters->n_items; i++) {
        const tb_parameter *item = &q->parameters->items[i];
        const float *values = q->parameters->values + item->begin;
        float *out = to->parameters->values + item->begin;
        tb_weight w = {.kind = TB_WEIGHT_F32};
        must(tb_qat_round(q->rounding, q->parameters, i, values, item->rows, &w, &err), &err);
        w.rows = item->rows;
        w.columns = item->columns;
        for (size_t j = 0; j < item->n; j++)
            out[j] = w.kind == TB_WEIGHT_F32    ? (w.values ? w.values[j] : values[j])
                     : w.kind == TB_WEIGHT_F16  ? tb_f16_to_f32(w.half[j])
                     : w.kind == TB_WEIGHT_BF16 ? tb_bf16_to_f32(w.half[j])
                                                : tb_weight_value(&w, j / item->columns, j % item->columns);
        tb_weight_free(&w);
    }
    must(tb_trainee_refresh(to->trainee, &err), &err);
}

static double distance(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    return sqrt(sum);
}

/* Rounded weights alone: the float network's gradients at them, bit by bit. Rounded inputs too: near them, and nearer
 * than those at the masters. */
static void test_straight_through(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        struct qat q = make(schemes[i], TB_COMPUTE_FP32, tb_kernels_find(NULL, NULL), NULL);
        struct qat at_masters = make(NULL, TB_COMPUTE_FP32, q.kernels, NULL);
        struct qat at_rounded = make(NULL, TB_COMPUTE_FP32, q.kernels, NULL);
        const float *own = q.parameters->gradients, *exact = at_rounded.parameters->gradients;
        size_t n = q.parameters->n;
        take_rounded(&q, &at_rounded);
        run_pass(&q, 0.1, 0, NULL);
        run_pass(&at_masters, 0.1, 0, NULL);
        run_pass(&at_rounded, 0.1, 0, NULL);
        if (q.scheme.act == TB_ACT_FLOAT && memcmp(own, exact, n * sizeof *own) != 0)
            fail_msg("%s: gradients are not those at the rounded weights", schemes[i]);
        double near = distance(own, exact, n), far = distance(own, at_masters.parameters->gradients, n);
        if (q.scheme.linear == TB_WEIGHT_S4 && !(near < far / 2))
            fail_msg("%s: %g from the gradients at the rounded weights, %g from those at the masters", schemes[i], near,
                     far);
        end(&q);
        end(&at_masters);
        end(&at_rounded);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_logits),
        cmocka_unit_test(test_same_logits_with_bf16_back),
        cmocka_unit_test(test_same_gradients),
        cmocka_unit_test(test_straight_through),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
