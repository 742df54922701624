/* The training pass: forward against inference by memcmp, gradients against finite differences, and the same bits for
 * any number of threads, CPU level, split of a step into batches and of a batch into parts; BF16; extreme shapes. */
#include "fixture.h"
#include "model/loss.h"
#include "model/trainee.h"
#include "random_model.h"

#include "base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    TEXTS = 40,
    MAX_TOKENS = TEXTS * 64,
    LABELS = 3,
    FEWEST_LABELS = 2,
    MOST_LABELS = 5,
    VOCAB = 42,
    MAX_MASKED = 600
};

/* Random texts, more tokens than one part holds. */
struct texts {
    int32_t ids[MAX_TOKENS], types[MAX_TOKENS], truth[TEXTS], words[MAX_MASKED];
    size_t cu_seqlens[TEXTS + 1], masked[MAX_MASKED], n_masked;
    tb_batch batch;
};

static void make_texts(uint64_t seed, size_t n, struct texts *t)
{
    tb_rng rng = tb_rng_make(seed, 1);
    t->cu_seqlens[0] = t->n_masked = 0;
    for (size_t i = 0; i < n; i++) {
        size_t length = 1 + tb_rng_below(&rng, i == 0 ? 64 : 40), at = t->cu_seqlens[i];
        t->cu_seqlens[i + 1] = at + length;
        t->truth[i] = (int32_t)tb_rng_below(&rng, FEWEST_LABELS);
        for (size_t j = at; j < at + length; j++) {
            t->ids[j] = (int32_t)tb_rng_below(&rng, VOCAB);
            t->types[j] = j - at > length / 2;
            if (tb_rng_below(&rng, 5) == 0 && t->n_masked < MAX_MASKED) {
                t->masked[t->n_masked] = j;
                t->words[t->n_masked++] = (int32_t)tb_rng_below(&rng, VOCAB);
            }
        }
    }
    t->batch = (tb_batch){n, t->cu_seqlens[n], t->ids, t->types, t->cu_seqlens};
}

static tb_trainee *make_for(const char *path, tb_task task, tb_compute compute, const tb_kernels *kernels,
                            tb_pool *pool)
{
    tb_error err = {0};
    tb_folder *folder = NULL;
    tb_trainee *t = NULL;
    assert_int_equal(tb_folder_open(path, &folder, &err), TIMBANG_OK);
    tb_trainee_options o = {.folder = folder,
                            .seed = 7,
                            .task = task,
                            .compute = compute,
                            .kernels = kernels ? kernels : tb_kernels_find(NULL, NULL),
                            .pool = pool};
    if (tb_trainee_create(&o, &t, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    tb_folder_close(folder);
    return t;
}

static tb_trainee *make(const char *model, tb_task task, const tb_kernels *kernels, tb_pool *pool)
{
    char *path = source_path(model);
    tb_trainee *t = make_for(path, task, TB_COMPUTE_FP32, kernels, pool);
    free(path);
    return t;
}

/* Loss on the truth of the texts (or their masked words), as a job of a pass wants it. */
struct loss {
    tb_cross_entropy ce;
    const int32_t *truth;
};

static void rows_loss(void *user, size_t first, size_t n, const float *logits, float *dlogits, double *value)
{
    const struct loss *l = user;
    tb_cross_entropy_rows(&l->ce, l->truth, first, n, logits, dlogits, value);
}

static struct loss make_loss(const struct texts *t, tb_task task)
{
    bool mlm = task == TB_TASK_MLM;
    struct loss l = {.truth = mlm ? t->words : t->truth};
    l.ce = (tb_cross_entropy){.n_classes = mlm ? VOCAB : LABELS,
                              .denominator = (double)(mlm ? t->n_masked : t->batch.n_texts)};
    return l;
}

static tb_train_pass make_pass(const struct texts *t, struct loss *loss)
{
    return (tb_train_pass){.batch = &t->batch,
                           .loss = rows_loss,
                           .user = loss,
                           .masked = t->masked,
                           .n_masked = t->n_masked,
                           .seed = 3,
                           .step = 5};
}

static double run_pass(tb_trainee *t, const tb_train_pass *pass)
{
    tb_error err = {0};
    double value = 0;
    if (tb_trainee_pass(t, pass, &value, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    return value;
}

/* ---- Forward ---- */

static void test_forward_is_inference(void **state)
{
    static const char *const models[] = {"tests/golden/model/tiny-gelu", "tests/golden/model/tiny-gelu_new",
                                         "tests/golden/model/tiny-relu"};
    static struct texts texts;
    (void)state;
    make_texts(1, TEXTS, &texts);
    for (size_t m = 0; m < 3; m++)
        for (int threads = 1; threads <= 3; threads++) {
            tb_pool *pool = NULL;
            tb_error err = {0};
            assert_int_equal(tb_pool_create(threads, &pool, &err), TIMBANG_OK);
            tb_trainee *t = make(models[m], TB_TASK_CLASSIFY, NULL, pool);
            char *path = source_path(models[m]);
            tb_classifier *model = load_model(path, tb_kernels_find(NULL, NULL), pool);
            const tb_classifier *own = NULL;
            tb_workspace *ws = NULL;
            float forward[TEXTS * MOST_LABELS] = {0}, trained[TEXTS * MOST_LABELS] = {0};
            float inferred[TEXTS * MOST_LABELS] = {0}, owned[TEXTS * MOST_LABELS] = {0};
            struct loss loss = make_loss(&texts, TB_TASK_CLASSIFY);
            loss.ce.n_classes = tb_trainee_config(t)->n_labels;
            tb_train_pass pass = make_pass(&texts, &loss);
            pass.logits = trained;
            assert_int_equal(tb_workspace_create(pool, &ws, &err), TIMBANG_OK);
            assert_int_equal(tb_classifier_forward(model, ws, &texts.batch, inferred, &err), TIMBANG_OK);
            assert_int_equal(tb_trainee_forward(t, &texts.batch, &(tb_trainee_states){.logits = forward}, &err),
                             TIMBANG_OK);
            assert_int_equal(tb_trainee_classifier(t, &own, &err), TIMBANG_OK);
            assert_int_equal(tb_classifier_forward(own, ws, &texts.batch, owned, &err), TIMBANG_OK);
            run_pass(t, &pass);
            assert_memory_equal(forward, inferred, sizeof forward);
            assert_memory_equal(owned, inferred, sizeof forward);
            assert_memory_equal(trained, inferred, sizeof forward);
            tb_workspace_free(ws);
            tb_classifier_free(model);
            tb_trainee_free(t);
            tb_pool_free(pool);
            free(path);
        }
}

/* ---- Finite differences ---- */

/* Thousands of passes that ask about formulas, not about a level: an emulated processor is spared them. */
static void needs_a_real_processor(void)
{
    if (getenv("TIMBANG_EXE_WRAPPER")) {
        print_message("skipped: finite differences take too long on an emulated processor\n");
        skip();
    }
}

/* The loss along a random direction in one tensor, both ways, against the gradient. */
static void check_tensor(tb_trainee *t, const tb_train_pass *pass, size_t index, const float *gradient)
{
    tb_parameters *p = tb_trainee_parameters(t);
    const tb_parameter *item = &p->items[index];
    tb_error err = {0};
    tb_rng rng = tb_rng_make(11, index);
    float *values = p->values + item->begin, *kept = malloc(item->n * sizeof *kept);
    float *direction = malloc(item->n * sizeof *direction);
    double expected = 0, slope = 0, losses[2];
    for (size_t i = 0; i < item->n; i++) {
        direction[i] = (float)tb_rng_normal(&rng) + (gradient[i] > 0 ? 1.0f : gradient[i] < 0 ? -1.0f : 0.0f);
        slope += (double)direction[i] * (double)gradient[i];
    }
    double h = slope > 0.1 ? 2e-3 / slope : 2e-2;
    memcpy(kept, values, item->n * sizeof *kept);
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < item->n; i++)
            values[i] = kept[i] + (float)((side ? -h : h) * (double)direction[i]);
        assert_int_equal(tb_trainee_refresh(t, &err), TIMBANG_OK);
        losses[side] = run_pass(t, pass);
    }
    for (size_t i = 0; i < item->n; i++) { /* with the steps as floats made them */
        double up = (double)(kept[i] + (float)(h * (double)direction[i]));
        double down = (double)(kept[i] + (float)(-h * (double)direction[i]));
        expected += (double)gradient[i] * (up - down);
    }
    memcpy(values, kept, item->n * sizeof *kept);
    assert_int_equal(tb_trainee_refresh(t, &err), TIMBANG_OK);
    double found = losses[0] - losses[1];
    if (!(fabs(found - expected) <= 3e-2 * fabs(expected) + 5e-6 * (1 + losses[0])))
        fail_msg("%s: the loss changes by %.9g, the gradient says %.9g", item->name, found, expected);
    free(direction);
    free(kept);
}

static void check_gradients(const char *model, tb_task task, double dropout)
{
    static struct texts texts;
    make_texts(2, 24, &texts);
    tb_trainee *t = make(model, task, NULL, NULL);
    tb_parameters *p = tb_trainee_parameters(t);
    struct loss loss = make_loss(&texts, task);
    if (task == TB_TASK_CLASSIFY)
        loss.ce.n_classes = tb_trainee_config(t)->n_labels;
    tb_train_pass pass = make_pass(&texts, &loss);
    pass.hidden_dropout = pass.attention_dropout = pass.classifier_dropout = dropout;
    run_pass(t, &pass);
    float *gradients = malloc(p->n * sizeof *gradients);
    memcpy(gradients, p->gradients, p->n * sizeof *gradients);
    for (size_t i = 0; i < p->n_items; i++)
        check_tensor(t, &pass, i, gradients + p->items[i].begin);
    free(gradients);
    tb_trainee_free(t);
}

static void test_gradients(void **state)
{
    (void)state;
    needs_a_real_processor();
    check_gradients("tests/golden/model/tiny-gelu", TB_TASK_CLASSIFY, 0);
    check_gradients("tests/golden/model/tiny-gelu_new", TB_TASK_CLASSIFY, 0);
}

static void test_gradients_with_dropout(void **state)
{
    (void)state;
    needs_a_real_processor();
    check_gradients("tests/golden/model/tiny-gelu", TB_TASK_CLASSIFY, 0.2);
}

static void test_gradients_of_masked_words(void **state)
{
    (void)state;
    needs_a_real_processor();
    check_gradients("tests/golden/model/tiny-gelu", TB_TASK_MLM, 0);
    check_gradients("tests/golden/model/tiny-gelu", TB_TASK_MLM, 0.1);
}

/* Every row of the last layer counts when a loss looks at hidden states. */
static void hidden_square(void *user, size_t layer, size_t first, size_t n_tokens, const float *x, float *dx,
                          double *value)
{
    (void)user;
    for (size_t i = 0; i < n_tokens * 64; i++) {
        double weight = 1e-4 * (double)(1 + layer + (first + i / 64) % 3);
        *value += weight * (double)x[i] * (double)x[i];
        dx[i] += (float)(2 * weight * (double)x[i]);
    }
}

static void test_gradients_of_hidden_states(void **state)
{
    static struct texts texts;
    (void)state;
    needs_a_real_processor();
    make_texts(4, 24, &texts);
    tb_trainee *t = make("tests/golden/model/tiny-gelu", TB_TASK_CLASSIFY, NULL, NULL);
    tb_parameters *p = tb_trainee_parameters(t);
    struct loss loss = make_loss(&texts, TB_TASK_CLASSIFY);
    tb_train_pass pass = make_pass(&texts, &loss);
    pass.hidden_loss = hidden_square;
    run_pass(t, &pass);
    float *gradients = malloc(p->n * sizeof *gradients);
    memcpy(gradients, p->gradients, p->n * sizeof *gradients);
    for (size_t i = 0; i < p->n_items; i++)
        check_tensor(t, &pass, i, gradients + p->items[i].begin);
    free(gradients);
    tb_trainee_free(t);
}

/* A loss on where heads look, of every layer, before dropout. */
static void attention_square(void *user, const tb_attention_block *b, double *value)
{
    (void)user;
    for (size_t i = 0; i < b->m; i++)
        for (size_t j = 0; j < b->length; j++) {
            double weight = 0.02 * (double)(1 + b->layer + b->text % 2 + b->head + (b->first + i + j) % 3);
            double p = (double)b->p[i * b->ld + j];
            *value += weight * p * p;
            b->dp[i * b->ld + j] += (float)(2 * weight * p);
        }
}

static void test_gradients_of_attention(void **state)
{
    static struct texts texts;
    (void)state;
    needs_a_real_processor();
    make_texts(8, 24, &texts);
    tb_trainee *t = make("tests/golden/model/tiny-gelu", TB_TASK_CLASSIFY, NULL, NULL);
    tb_parameters *p = tb_trainee_parameters(t);
    struct loss loss = make_loss(&texts, TB_TASK_CLASSIFY);
    tb_train_pass pass = make_pass(&texts, &loss);
    pass.attention_dropout = 0.1;
    double without = run_pass(t, &pass);
    pass.attention_loss = attention_square;
    assert_true(run_pass(t, &pass) > without + 1);
    float *gradients = malloc(p->n * sizeof *gradients);
    memcpy(gradients, p->gradients, p->n * sizeof *gradients);
    for (size_t i = 0; i < p->n_items; i++)
        check_tensor(t, &pass, i, gradients + p->items[i].begin);
    free(gradients);
    tb_trainee_free(t);
}

/* ---- The same bits ---- */

struct setting {
    tb_task task;
    tb_compute compute;
    const tb_kernels *kernels;
    int threads;
    size_t split; /* texts of the first of two batches; 0: one batch */
    bool gentle;  /* smaller weights: errors are not amplified */
    double dropout;
};

static void make_gentle(tb_trainee *t)
{
    const tb_parameters *p = tb_trainee_parameters(t);
    tb_error err = {0};
    for (size_t i = 0; i < p->n_items; i++)
        for (size_t j = 0; p->items[i].kind == TB_PARAMETER_LINEAR && j < p->items[i].n; j++)
            p->values[p->items[i].begin + j] *= 0.2F;
    assert_int_equal(tb_trainee_refresh(t, &err), TIMBANG_OK);
}

static float *gradients_of(const struct texts *texts, const struct setting *s)
{
    tb_error err = {0};
    tb_pool *pool = NULL;
    char *path = source_path("tests/golden/model/tiny-gelu");
    assert_int_equal(tb_pool_create(s->threads, &pool, &err), TIMBANG_OK);
    tb_trainee *t = make_for(path, s->task, s->compute, s->kernels, pool);
    free(path);
    tb_parameters *p = tb_trainee_parameters(t);
    if (s->gentle)
        make_gentle(t);
    struct loss loss = make_loss(texts, s->task);
    tb_train_pass pass = make_pass(texts, &loss);
    pass.hidden_dropout = pass.attention_dropout = pass.classifier_dropout = s->dropout;
    if (s->split == 0) {
        run_pass(t, &pass);
    } else { /* as two batches of one step */
        static size_t second[TEXTS + 1];
        size_t at = texts->cu_seqlens[s->split], n = texts->batch.n_texts;
        struct loss other = loss;
        other.truth = loss.truth + s->split;
        for (size_t i = s->split; i <= n; i++)
            second[i - s->split] = texts->cu_seqlens[i] - at;
        tb_batch parts[2] = {{s->split, at, texts->ids, texts->types, texts->cu_seqlens},
                             {n - s->split, texts->batch.n_tokens - at, texts->ids + at, texts->types + at, second}};
        pass.batch = &parts[0];
        run_pass(t, &pass);
        pass.batch = &parts[1];
        pass.user = &other;
        pass.continues = true;
        pass.first_text = s->split;
        pass.first_token = at;
        run_pass(t, &pass);
    }
    float *copy = malloc(p->n * sizeof *copy);
    memcpy(copy, p->gradients, p->n * sizeof *copy);
    tb_trainee_free(t);
    tb_pool_free(pool);
    return copy;
}

/* A loss that threads add to is one number all the same. */
static void test_same_loss_of_attention(void **state)
{
    static struct texts texts;
    double first = 0;
    (void)state;
    make_texts(3, TEXTS, &texts);
    for (int threads = 1; threads <= 3; threads++) {
        tb_error err = {0};
        tb_pool *pool = NULL;
        assert_int_equal(tb_pool_create(threads, &pool, &err), TIMBANG_OK);
        tb_trainee *t = make("tests/golden/model/tiny-gelu", TB_TASK_CLASSIFY, NULL, pool);
        struct loss loss = make_loss(&texts, TB_TASK_CLASSIFY);
        tb_train_pass pass = make_pass(&texts, &loss);
        pass.attention_loss = attention_square;
        double value = run_pass(t, &pass);
        first = threads == 1 ? value : first;
        assert_memory_equal(&first, &value, sizeof value);
        tb_trainee_free(t);
        tb_pool_free(pool);
    }
}

static size_t n_values(tb_task task)
{
    tb_trainee *t = make("tests/golden/model/tiny-gelu", task, NULL, NULL);
    size_t n = tb_trainee_parameters(t)->n;
    tb_trainee_free(t);
    return n;
}

static void test_same_bits(void **state)
{
    static struct texts texts;
    const tb_kernels *levels[16];
    size_t n_levels = tb_kernels_usable(levels, 16), n = n_values(TB_TASK_CLASSIFY) * sizeof(float);
    (void)state;
    make_texts(3, TEXTS, &texts);
    assert_true(texts.batch.n_tokens > 512);
    float *first = gradients_of(&texts, &(struct setting){.kernels = &tb_kernels_ref, .threads = 1, .dropout = 0.1});
    for (size_t level = 0; level < n_levels; level++)
        for (int threads = 1; threads <= 3; threads++)
            for (size_t split = 0; split <= 7; split += 7) {
                const struct setting setting = {
                    .kernels = levels[level], .threads = threads, .split = split, .dropout = 0.1};
                float *other = gradients_of(&texts, &setting);
                if (memcmp(first, other, n) != 0)
                    fail_msg("%s, %d threads, split %zu: other gradients", levels[level]->name, threads, split);
                free(other);
            }
    free(first);
}

static void test_same_bits_of_masked_words(void **state)
{
    static struct texts texts;
    size_t n = n_values(TB_TASK_MLM) * sizeof(float);
    struct setting setting = {.task = TB_TASK_MLM, .kernels = &tb_kernels_ref, .threads = 1, .dropout = 0.1};
    (void)state;
    make_texts(3, TEXTS, &texts);
    float *first = gradients_of(&texts, &setting);
    setting.kernels = NULL;
    for (int threads = 1; threads <= 3; threads++) {
        setting.threads = threads;
        float *other = gradients_of(&texts, &setting);
        assert_memory_equal(first, other, n);
        free(other);
    }
    free(first);
}

/* ---- BF16 ---- */

static double norm(const float *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)x[i];
    return sqrt(sum);
}

/* Tensor by tensor: a value of bfloat16 is within 2^-9 of its own, and errors of a network add up. */
static void expect_close(tb_task task, const float *exact, const float *other, double within)
{
    tb_trainee *t = make("tests/golden/model/tiny-gelu", task, NULL, NULL);
    const tb_parameters *p = tb_trainee_parameters(t);
    double all = norm(exact, p->n);
    for (size_t i = 0; i < p->n_items; i++) {
        const tb_parameter *item = &p->items[i];
        float *gap = malloc(item->n * sizeof *gap);
        for (size_t j = 0; j < item->n; j++)
            gap[j] = other[item->begin + j] - exact[item->begin + j];
        double distance = norm(gap, item->n), own = norm(exact + item->begin, item->n);
        if (!(distance <= within * fmax(own, 5e-2 * all)))
            fail_msg("task %d, %s: %g away from a gradient of %g, of %g in all", (int)task, item->name, distance, own,
                     all);
        free(gap);
    }
    tb_trainee_free(t);
}

/* On one level the same for any number of threads; batches cut the sums. */
static void check_bf16(tb_task task, double dropout)
{
    static struct texts texts;
    const tb_kernels *levels[16];
    size_t n_levels = tb_kernels_usable(levels, 16), n = n_values(task) * sizeof(float);
    struct setting setting = {.task = task, .threads = 1, .gentle = true, .dropout = dropout};
    make_texts(3, 30, &texts);
    assert_true(texts.batch.n_tokens > 512);
    float *exact = gradients_of(&texts, &setting);
    setting.compute = TB_COMPUTE_BF16;
    for (size_t level = n_levels > 1; level < n_levels; level++) {
        setting.kernels = levels[level];
        setting.threads = 1;
        setting.split = 0;
        float *first = gradients_of(&texts, &setting);
        assert_int_not_equal(memcmp(exact, first, n), 0);
        expect_close(task, exact, first, 0.04);
        for (setting.threads = 2; setting.threads <= 3; setting.threads++) {
            float *other = gradients_of(&texts, &setting);
            if (memcmp(first, other, n) != 0)
                fail_msg("%s, %d threads: other gradients in BF16", levels[level]->name, setting.threads);
            free(other);
        }
        setting.split = task == TB_TASK_CLASSIFY ? 7 : 0;
        float *other = gradients_of(&texts, &setting);
        expect_close(task, first, other, 1e-3);
        free(other);
        free(first);
    }
    free(exact);
}

static void test_bf16(void **state)
{
    (void)state;
    check_bf16(TB_TASK_CLASSIFY, 0.1);
    check_bf16(TB_TASK_MLM, 0.1);
}

/* ---- Shapes ---- */

/* Texts of one token; texts longer than a part; both. */
static void make_lengths(size_t n, size_t longest, struct texts *t)
{
    make_texts(9, n, t);
    t->n_masked = 0;
    for (size_t i = 0; i < n; i++)
        t->cu_seqlens[i + 1] = t->cu_seqlens[i] + (i % 3 == 1 ? longest : 1);
    t->batch.n_tokens = t->cu_seqlens[n];
    assert_true(t->batch.n_tokens <= MAX_TOKENS);
    for (size_t i = 0; i < t->batch.n_tokens; i++) {
        t->ids[i] = (int32_t)(i * 31 % VOCAB);
        t->types[i] = (int32_t)(i % 2);
        if (i % 7 == 3 && t->n_masked < MAX_MASKED) {
            t->masked[t->n_masked] = i;
            t->words[t->n_masked++] = (int32_t)(i * 5 % VOCAB);
        }
    }
}

static void check_shape(const char *folder, const random_shape *shape, size_t n, size_t longest, tb_task task,
                        tb_compute compute, tb_pool *pool)
{
    static struct texts texts;
    static float trained[TEXTS * 100], inferred[TEXTS * 100];
    tb_error err = {0};
    make_lengths(n, longest, &texts);
    tb_trainee *t = make_for(folder, task, compute, NULL, pool);
    struct loss loss = make_loss(&texts, task);
    if (task == TB_TASK_CLASSIFY)
        loss.ce.n_classes = shape->labels;
    tb_train_pass pass = make_pass(&texts, &loss);
    pass.logits = task == TB_TASK_CLASSIFY ? trained : NULL;
    run_pass(t, &pass);
    if (task == TB_TASK_CLASSIFY) {
        const tb_classifier *model = NULL;
        tb_workspace *ws = NULL;
        assert_int_equal(tb_workspace_create(pool, &ws, &err), TIMBANG_OK);
        assert_int_equal(tb_trainee_classifier(t, &model, &err), TIMBANG_OK);
        assert_int_equal(tb_classifier_forward(model, ws, &texts.batch, inferred, &err), TIMBANG_OK);
        assert_memory_equal(trained, inferred, n * shape->labels * sizeof *trained);
        tb_workspace_free(ws);
    }
    pass.hidden_dropout = pass.attention_dropout = pass.classifier_dropout = 0.1;
    pass.logits = NULL;
    run_pass(t, &pass);
    if (compute == TB_COMPUTE_FP32) {
        const tb_parameters *p = tb_trainee_parameters(t);
        float *gradients = malloc(p->n * sizeof *gradients);
        memcpy(gradients, p->gradients, p->n * sizeof *gradients);
        for (size_t i = n % 9; i < p->n_items; i += 9)
            check_tensor(t, &pass, i, gradients + p->items[i].begin);
        free(gradients);
    }
    tb_trainee_free(t);
}

static void test_shapes(void **state)
{
    static const random_shape shapes[] = {{8, 1, 4, 1, 3, "gelu"},    /* everything below a panel */
                                          {24, 3, 8, 1, 90, "gelu"},  /* more labels than hidden */
                                          {16, 16, 70, 2, 3, "gelu"}, /* heads of one value */
                                          {72, 9, 24, 2, 5, "gelu_new"}};
    tb_error err = {0};
    tb_pool *pool = NULL;
    char *folder = NULL;
    (void)state;
    assert_int_equal(tb_temporary_folder(&folder, &err), TIMBANG_OK);
    assert_int_equal(tb_pool_create(2, &pool, &err), TIMBANG_OK);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        random_model_write(folder, &shapes[i], MIX_NONE, i + 1);
        for (int task = 0; task < 2; task++)
            for (int compute = 0; compute < 2; compute++) {
                check_shape(folder, &shapes[i], TEXTS, 1, (tb_task)task, (tb_compute)compute, pool);
                check_shape(folder, &shapes[i], 4, RANDOM_POSITIONS - 7, (tb_task)task, (tb_compute)compute, pool);
            }
    }
    tb_remove_tree(folder, &err);
    free(folder);
    tb_pool_free(pool);
}

/* ---- Nothing to learn from ---- */

/* Gradients are those of this step, even where it has no masked word, or none in its first part, or no text. */
static void test_no_words(void **state)
{
    static struct texts texts;
    (void)state;
    make_texts(3, TEXTS, &texts);
    tb_trainee *t = make("tests/golden/model/tiny-gelu", TB_TASK_MLM, NULL, NULL);
    tb_parameters *p = tb_trainee_parameters(t);
    struct loss loss = make_loss(&texts, TB_TASK_MLM);
    tb_train_pass pass = make_pass(&texts, &loss);
    size_t last = 0;
    while (texts.masked[last] < 520)
        last++;
    pass.masked += last;
    pass.n_masked -= last;
    loss.truth += last;
    run_pass(t, &pass);
    float *fresh = malloc(p->n * sizeof *fresh);
    memcpy(fresh, p->gradients, p->n * sizeof *fresh);
    run_pass(t, &pass);
    assert_memory_equal(fresh, p->gradients, p->n * sizeof *fresh);
    pass.n_masked = 0;
    assert_true(run_pass(t, &pass) == 0);
    assert_true(norm(p->gradients, p->n) == 0);
    pass.n_masked = texts.n_masked - last;
    run_pass(t, &pass);
    texts.batch.n_texts = texts.batch.n_tokens = 0;
    assert_true(run_pass(t, &pass) == 0);
    assert_true(norm(p->gradients, p->n) == 0);
    free(fresh);
    tb_trainee_free(t);
}

/* ---- Dropout, freezing, faults ---- */

static void test_dropout_depends_on_the_step(void **state)
{
    static struct texts texts;
    (void)state;
    make_texts(5, 10, &texts);
    tb_trainee *t = make("tests/golden/model/tiny-gelu", TB_TASK_CLASSIFY, NULL, NULL);
    struct loss loss = make_loss(&texts, TB_TASK_CLASSIFY);
    tb_train_pass pass = make_pass(&texts, &loss);
    double plain = run_pass(t, &pass);
    pass.hidden_dropout = 0.1;
    double first = run_pass(t, &pass), again = run_pass(t, &pass);
    pass.step++;
    double next = run_pass(t, &pass), value = 0;
    assert_true(first == again);
    assert_true(first != plain && first != next);
    tb_error err = {0};
    pass.hidden_dropout = 1;
    assert_int_equal(tb_trainee_pass(t, &pass, &value, &err), TIMBANG_USAGE);
    assert_string_equal(err.text, "the dropout 1 is not at least 0 and below 1");
    tb_trainee_free(t);
}

static void test_frozen_ones_have_no_gradient(void **state)
{
    static struct texts texts;
    (void)state;
    make_texts(6, 10, &texts);
    tb_trainee *t = make("tests/golden/model/tiny-gelu", TB_TASK_CLASSIFY, NULL, NULL);
    tb_parameters *p = tb_trainee_parameters(t);
    struct loss loss = make_loss(&texts, TB_TASK_CLASSIFY);
    tb_train_pass pass = make_pass(&texts, &loss);
    run_pass(t, &pass);
    float *whole = malloc(p->n * sizeof *whole);
    memcpy(whole, p->gradients, p->n * sizeof *whole);
    memset(p->gradients, 0, p->n * sizeof *whole);
    for (size_t i = 0; i < p->n_items; i++)
        p->items[i].frozen = p->items[i].depth < 3;
    run_pass(t, &pass);
    for (size_t i = 0; i < p->n_items; i++) {
        const tb_parameter *item = &p->items[i];
        bool zero = true;
        for (size_t j = 0; j < item->n; j++)
            zero = zero && p->gradients[item->begin + j] == 0;
        if (item->frozen)
            assert_true(zero);
        else
            assert_memory_equal(whole + item->begin, p->gradients + item->begin, item->n * sizeof *whole);
    }
    free(whole);
    tb_trainee_free(t);
}

static void test_what_is_not_finite_is_named(void **state)
{
    static struct texts texts;
    (void)state;
    make_texts(6, 10, &texts);
    tb_trainee *t = make("tests/golden/model/tiny-gelu", TB_TASK_CLASSIFY, NULL, NULL);
    tb_parameters *p = tb_trainee_parameters(t);
    tb_error err = {0};
    double value = 0;
    struct loss loss = make_loss(&texts, TB_TASK_CLASSIFY);
    tb_train_pass pass = make_pass(&texts, &loss);
    p->values[p->items[tb_parameters_find(p, "encoder.layer.1.output.dense.bias")].begin] = NAN;
    assert_int_equal(tb_trainee_refresh(t, &err), TIMBANG_OK);
    assert_int_equal(tb_trainee_pass(t, &pass, &value, &err), TIMBANG_DATA);
    assert_non_null(strstr(err.text, "encoder.layer.1 is not finite"));
    texts.ids[3] = VOCAB;
    assert_int_equal(tb_trainee_pass(t, &pass, &value, &err), TIMBANG_DATA);
    assert_non_null(strstr(err.text, "outside the vocabulary"));
    tb_trainee_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forward_is_inference),
        cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_gradients_with_dropout),
        cmocka_unit_test(test_gradients_of_masked_words),
        cmocka_unit_test(test_gradients_of_hidden_states),
        cmocka_unit_test(test_gradients_of_attention),
        cmocka_unit_test(test_same_loss_of_attention),
        cmocka_unit_test(test_bf16),
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_no_words),
        cmocka_unit_test(test_same_bits),
        cmocka_unit_test(test_same_bits_of_masked_words),
        cmocka_unit_test(test_dropout_depends_on_the_step),
        cmocka_unit_test(test_frozen_ones_have_no_gradient),
        cmocka_unit_test(test_what_is_not_finite_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
