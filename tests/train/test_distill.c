/* Distillation: a teacher's probabilities by the names of the labels, and the errors of hidden
 * states and attention with their derivatives, through whole passes too. */
#include "../model/fixture.h"
#include "../model/random_model.h"

#include "train/distill.h"
#include "train/optimizer.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TINY "tests/golden/model/tiny-gelu"

/* ---- Probabilities ---- */

static tb_dataset *make_dataset(void)
{
    static const char bytes[] =
        "text\tlabel\nfilm bagus\tpositive\nburuk sekali film ini dan itu\tnegative\n.\tneutral\n";
    timbang_data_options options = {.struct_size = sizeof options, .path = "train.tsv", .header = 1};
    tb_dataset *dataset = NULL;
    tb_error err = {0};
    if (tb_dataset_parse(&options, bytes, sizeof bytes - 1, NULL, &dataset, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    return dataset;
}

static void test_soft_targets(void **state)
{
    (void)state;
    static const char *const labels[] = {"Negative", " positive",
                                         "neutral"}; /* the teacher's: positive, neutral, negative */
    static const size_t place[] = {2, 0, 1};
    char *path = source_path(TINY);
    tb_classifier *teacher = load_model(path, tb_kernels_find(NULL, NULL), NULL);
    tb_dataset *dataset = make_dataset();
    tb_workspace *workspace = NULL;
    tb_error err = {0};
    tb_text_ref refs[3];
    float logits[9], *soft = NULL;
    assert_int_equal(tb_workspace_create(NULL, &workspace, &err), TIMBANG_OK);
    for (size_t i = 0; i < 3; i++)
        refs[i] = (tb_text_ref){dataset->rows[i].text, dataset->rows[i].text_length, NULL};
    tb_run_options run = {.max_length = 5};
    assert_int_equal(tb_classifier_run(teacher, workspace, refs, 3, &run, logits, NULL, &err), TIMBANG_OK);
    tb_soft_options options = {.teacher = teacher,
                               .teacher_name = "TEACHER",
                               .workspace = workspace,
                               .labels = labels,
                               .n_labels = 3,
                               .temperature = 4,
                               .max_length = 5};
    if (tb_soft_targets(&options, dataset, &soft, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < 3; i++) {
        double sum = 0;
        for (size_t c = 0; c < 3; c++)
            sum += exp((double)logits[3 * i + c] / 4);
        for (size_t c = 0; c < 3; c++)
            assert_true(fabs((double)soft[3 * i + c] - exp((double)logits[3 * i + place[c]] / 4) / sum) < 1e-6);
    }
    free(soft);
    options.max_length = 500; /* more than the teacher has positions */
    assert_int_equal(tb_soft_targets(&options, dataset, &soft, &err), TIMBANG_OK);
    free(soft);
    tb_dataset_free(dataset);
    tb_workspace_free(workspace);
    tb_classifier_free(teacher);
    free(path);
}

static void test_soft_refused(void **state)
{
    (void)state;
    static const char *const others[][3] = {
        {"positive", "neutral", "bad"}, {"positive", "neutral", "neutral"}, {"positive", "NEUTRAL", "neutral"}};
    char *path = source_path(TINY);
    tb_classifier *teacher = load_model(path, tb_kernels_find(NULL, NULL), NULL);
    tb_dataset *dataset = make_dataset();
    tb_workspace *workspace = NULL;
    tb_error err = {0};
    float *soft = NULL;
    assert_int_equal(tb_workspace_create(NULL, &workspace, &err), TIMBANG_OK);
    tb_soft_options options = {
        .teacher = teacher, .teacher_name = "TEACHER", .workspace = workspace, .n_labels = 3, .temperature = 2};
    for (size_t i = 0; i < 3; i++) {
        char says[200];
        options.labels = others[i];
        assert_int_equal(tb_soft_targets(&options, dataset, &soft, &err), TIMBANG_USAGE);
        snprintf(says, sizeof says,
                 "TEACHER: the teacher's labels are positive, neutral, negative; the student's are %s, %s, %s; both "
                 "must be the same, in any order",
                 others[i][0], others[i][1], others[i][2]);
        assert_string_equal(err.text, says);
    }
    options.n_labels = 2;
    assert_int_equal(tb_soft_targets(&options, dataset, &soft, &err), TIMBANG_USAGE);
    options.n_labels = 3;
    options.temperature = 0;
    assert_int_equal(tb_soft_targets(&options, dataset, &soft, &err), TIMBANG_USAGE);
    assert_string_equal(err.text, "the temperature 0 is not above 0 and at most 1000000");
    assert_null(soft);
    tb_dataset_free(dataset);
    tb_workspace_free(workspace);
    tb_classifier_free(teacher);
    free(path);
}

static void test_untrained_teacher(void **state)
{
    (void)state;
    static const char *const labels[] = {"positive", "neutral", "negative"};
    const char *shared = getenv("TIMBANG_SHARED");
    tb_error err = {0};
    char *path = tb_path_join(shared ? shared : "", "models/mini-id", &err);
    tb_folder *folder = NULL;
    if (!tb_is_directory(path)) {
        print_message("skipped: no models/mini-id in TIMBANG_SHARED\n");
        free(path);
        skip();
    }
    tb_classifier *teacher = NULL;
    tb_dataset *dataset = make_dataset();
    float *soft = NULL;
    assert_int_equal(tb_folder_open(path, &folder, &err), TIMBANG_OK);
    tb_load_options load = {.folder = folder, .labels = labels, .n_labels = 3, .kernels = tb_kernels_find(NULL, NULL)};
    if (tb_classifier_load(&load, &teacher, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    tb_soft_options options = {
        .teacher = teacher, .teacher_name = "TEACHER", .labels = labels, .n_labels = 3, .temperature = 2};
    assert_int_equal(tb_soft_targets(&options, dataset, &soft, &err), TIMBANG_USAGE);
    assert_string_equal(err.text, "TEACHER: the teacher has no trained classifier; fine-tune it first");
    tb_dataset_free(dataset);
    tb_classifier_free(teacher);
    tb_folder_close(folder);
    free(path);
}

/* ---- Hidden states ---- */

enum { HIDDEN = 32, N_TOKENS = 23, TEACHER_HEADS = 2 };

struct room {
    char *folder;
};

static int setup(void **state)
{
    static const struct {
        const char *name;
        random_shape shape;
    } models[] = {{"teacher", {HIDDEN, TEACHER_HEADS, 64, 4, 3, "gelu"}},
                  {"student", {HIDDEN, 4, 48, 2, 3, "relu"}},
                  {"three", {HIDDEN, 4, 48, 3, 3, "relu"}},
                  {"wide", {48, 4, 48, 2, 3, "gelu"}},
                  {"peer", {48, TEACHER_HEADS, 40, 3, 3, "gelu"}},
                  {"foreign", {HIDDEN, 4, 48, 2, 3, "gelu"}}};
    struct room *room = calloc(1, sizeof *room);
    tb_error err = {0};
    assert_non_null(room);
    assert_int_equal(tb_temporary_folder(&room->folder, &err), TIMBANG_OK);
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        char *dir = tb_path_join(room->folder, models[i].name, &err);
        assert_non_null(dir);
        random_model_write(dir, &models[i].shape, MIX_NONE, i + 1);
        free(dir);
    }
    *state = room;
    return 0;
}

static int teardown(void **state)
{
    struct room *room = *state;
    tb_error err;
    tb_remove_tree(room->folder, &err);
    free(room->folder);
    free(room);
    return 0;
}

static tb_trainee *make_trainee(const struct room *room, const char *name)
{
    tb_error err = {0};
    tb_folder *folder = NULL;
    tb_trainee *trainee = NULL;
    char *dir = tb_path_join(room->folder, name, &err);
    assert_int_equal(tb_folder_open(dir, &folder, &err), TIMBANG_OK);
    tb_trainee_options options = {.folder = folder, .kernels = tb_kernels_find(NULL, NULL)};
    if (tb_trainee_create(&options, &trainee, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    tb_folder_close(folder);
    free(dir);
    return trainee;
}

static tb_batch make_batch(void)
{
    static const size_t cu[] = {0, 9, 10, N_TOKENS};
    static int32_t ids[N_TOKENS], types[N_TOKENS];
    for (size_t i = 0; i < N_TOKENS; i++)
        ids[i] = (int32_t)(i * 17 % RANDOM_VOCAB);
    return (tb_batch){3, N_TOKENS, ids, types, cu};
}

static tb_distill *make_distill(tb_trainee *teacher, const tb_trainee *student, double weight)
{
    const tb_distill_options options = {
        .teacher = teacher, .teacher_name = "TEACHER", .student = student, .hidden_weight = weight};
    tb_distill *distill = NULL;
    tb_error err = {0};
    if (tb_distill_create(&options, &distill, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    return distill;
}

/* Layers of both by a table, in two halves of the tokens. */
static void check_layers(const struct room *room, const char *student_name, const size_t *from, size_t n_layers)
{
    enum { TEACHER_LAYERS = 4, STEP_TOKENS = 100, SIZE = N_TOKENS * HIDDEN };
    tb_trainee *teacher = make_trainee(room, "teacher"), *student = make_trainee(room, student_name);
    tb_distill *distill = make_distill(teacher, student, 0.7);
    tb_batch batch = make_batch();
    static float taught[(TEACHER_LAYERS + 1) * SIZE], learnt[(TEACHER_LAYERS + 1) * SIZE], dx[SIZE];
    tb_error err = {0};
    assert_int_equal(tb_trainee_forward(teacher, &batch, &(tb_trainee_states){.hidden = taught}, &err), TIMBANG_OK);
    assert_int_equal(tb_trainee_forward(student, &batch, &(tb_trainee_states){.hidden = learnt}, &err), TIMBANG_OK);
    assert_int_equal(tb_distill_batch(distill, &batch, STEP_TOKENS, &err), TIMBANG_OK);
    for (size_t layer = 0; layer <= n_layers; layer++) {
        const float *x = learnt + layer * SIZE, *t = taught + from[layer] * SIZE;
        double loss = 3, expected = 3;
        for (size_t i = 0; i < SIZE; i++)
            dx[i] = 1;
        tb_distill_hidden(distill, layer, 0, 9, x, dx, &loss);
        tb_distill_hidden(distill, layer, 9, N_TOKENS - 9, x + 9 * HIDDEN, dx + 9 * HIDDEN, &loss);
        for (size_t i = 0; i < SIZE; i++) {
            double gap = (double)x[i] - (double)t[i];
            expected += 0.7 * gap * gap / (STEP_TOKENS * HIDDEN);
            assert_true(fabs((double)dx[i] - 1 - 2 * 0.7 * gap / (STEP_TOKENS * HIDDEN)) < 2e-7);
        }
        assert_true(expected > 3.001 && fabs(loss - expected) < 1e-6 * expected);
    }
    tb_distill_free(distill);
    tb_trainee_free(teacher);
    tb_trainee_free(student);
}

static void test_layers(void **state)
{
    static const size_t half[] = {0, 2, 4}, thirds[] = {0, 1, 3, 4};
    check_layers(*state, "student", half, 2);
    check_layers(*state, "three", thirds, 3);
}

/* The pass's side: the error inside alone moves a student towards its teacher. */
static void no_logits(void *user, size_t first, size_t n, const float *logits, float *dlogits, double *loss)
{
    (void)user, (void)first, (void)logits, (void)loss;
    memset(dlogits, 0, n * 3 * sizeof *dlogits);
}

static void hidden_rows(void *user, size_t layer, size_t first, size_t n_tokens, const float *x, float *dx,
                        double *loss)
{
    tb_distill_hidden(user, layer, first, n_tokens, x, dx, loss);
}

static void test_learns(void **state)
{
    const struct room *room = *state;
    tb_trainee *teacher = make_trainee(room, "teacher"), *student = make_trainee(room, "student");
    tb_distill *distill = make_distill(teacher, student, 1);
    tb_parameters *parameters = tb_trainee_parameters(student);
    tb_adamw_options options = tb_adamw_defaults();
    tb_adamw *adamw = NULL;
    tb_error err = {0};
    tb_batch batch = make_batch();
    double first = 0, last = 0;
    assert_int_equal(tb_adamw_create(parameters, &options, &adamw, &err), TIMBANG_OK);
    for (int step = 0; step < 150; step++) {
        double loss = 0;
        tb_train_pass pass = {.batch = &batch, .loss = no_logits, .hidden_loss = hidden_rows, .user = distill};
        assert_int_equal(tb_distill_batch(distill, &batch, N_TOKENS, &err), TIMBANG_OK);
        if (tb_trainee_pass(student, &pass, &loss, &err) != TIMBANG_OK)
            fail_msg("%s", err.text);
        first = step == 0 ? loss : first;
        last = loss;
        tb_adamw_step(adamw, parameters, 1e-2, 1, NULL);
        assert_int_equal(tb_trainee_refresh(student, &err), TIMBANG_OK);
    }
    if (!(last < 0.2 * first))
        fail_msg("the error fell from %g to %g alone", first, last);
    tb_adamw_free(adamw);
    tb_distill_free(distill);
    tb_trainee_free(teacher);
    tb_trainee_free(student);
}

/* ---- Attention ---- */

enum { PEER_LAYERS = 3, ATTENTION = TEACHER_HEADS * (9 * 9 + 1 + 13 * 13) };

static tb_distill *make_attention_distill(tb_trainee *teacher, const tb_trainee *student, double weight)
{
    const tb_distill_options options = {
        .teacher = teacher, .teacher_name = "TEACHER", .student = student, .attention_weight = weight};
    tb_distill *distill = NULL;
    tb_error err = {0};
    if (tb_distill_create(&options, &distill, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    return distill;
}

/* A text and head at a time, queries in two blocks, rows wider than the text. */
static void test_attention(void **state)
{
    enum { STEP_TOKENS = 100, LD = 16 };
    const struct room *room = *state;
    tb_trainee *teacher = make_trainee(room, "teacher"), *student = make_trainee(room, "peer");
    tb_distill *distill = make_attention_distill(teacher, student, 0.7);
    tb_batch batch = make_batch();
    tb_error err = {0};
    static float taught[ATTENTION], learnt[ATTENTION], p[LD * LD], dp[LD * LD];
    const float *t = taught, *s = learnt;
    double loss = 3, expected = 3, factor = 0.7 / (STEP_TOKENS * TEACHER_HEADS);
    assert_int_equal(tb_attention_values(tb_trainee_config(student), &batch), ATTENTION);
    tb_trainee_states wanted = {.attention = taught, .attention_layer = 3};
    assert_int_equal(tb_trainee_forward(teacher, &batch, &wanted, &err), TIMBANG_OK);
    wanted = (tb_trainee_states){.attention = learnt, .attention_layer = PEER_LAYERS - 1};
    assert_int_equal(tb_trainee_forward(student, &batch, &wanted, &err), TIMBANG_OK);
    assert_int_equal(tb_distill_batch(distill, &batch, STEP_TOKENS, &err), TIMBANG_OK);
    for (size_t text = 0; text < batch.n_texts; text++)
        for (size_t head = 0; head < TEACHER_HEADS; head++) {
            size_t n = batch.cu_seqlens[text + 1] - batch.cu_seqlens[text];
            for (size_t i = 0; i < n; i++) {
                memcpy(p + i * LD, s + i * n, n * sizeof *p);
                for (size_t j = 0; j < n; j++)
                    dp[i * LD + j] = 1;
            }
            tb_attention_block block = {
                .layer = PEER_LAYERS - 2, .text = text, .head = head, .m = n, .length = n, .p = p, .dp = dp, .ld = LD};
            tb_distill_attention(distill, &block, &loss); /* not of this layer */
            block.layer = PEER_LAYERS - 1;
            block.m = n / 2;
            tb_distill_attention(distill, &block, &loss);
            block.first = n / 2;
            block.m = n - n / 2;
            block.p = p + block.first * LD;
            block.dp = dp + block.first * LD;
            tb_distill_attention(distill, &block, &loss);
            for (size_t i = 0; i < n; i++, t += n, s += n) {
                double sum = 0;
                for (size_t j = 0; j < n; j++) {
                    double q = (double)t[j], own = (double)s[j];
                    sum += q;
                    expected += factor * q * log(q / own);
                    assert_true(fabs((double)dp[i * LD + j] - (1 - factor * q / own)) < 1e-6);
                }
                assert_true(fabs(sum - 1) < 1e-5);
            }
        }
    if (!(expected > 3.0001 && fabs(loss - expected) < 1e-6))
        fail_msg("%.9g, not %.9g", loss, expected);
    tb_distill_free(distill);
    tb_trainee_free(teacher);
    tb_trainee_free(student);
}

static void attention_block(void *user, const tb_attention_block *block, double *loss)
{
    tb_distill_attention(user, block, loss);
}

/* Probabilities of zero have a finite derivative. */
static void test_attention_of_nothing(void **state)
{
    const struct room *room = *state;
    tb_trainee *teacher = make_trainee(room, "teacher"), *student = make_trainee(room, "peer");
    tb_distill *distill = make_attention_distill(teacher, student, 1e6);
    tb_batch batch = make_batch();
    tb_error err = {0};
    float p[9] = {1}, dp[9] = {0};
    double loss = 0;
    const tb_attention_block block = {.layer = PEER_LAYERS - 1, .m = 1, .length = 9, .p = p, .dp = dp, .ld = 9};
    assert_int_equal(tb_distill_batch(distill, &batch, 1, &err), TIMBANG_OK);
    tb_distill_attention(distill, &block, &loss);
    for (size_t i = 0; i < 9; i++)
        assert_true(isfinite(dp[i]) && dp[i] < 0);
    assert_true(isfinite(loss) && loss > 0);
    tb_distill_free(distill);
    tb_trainee_free(teacher);
    tb_trainee_free(student);
}

/* One step of the attention alone, and another, ... */
static void test_attention_learns(void **state)
{
    const struct room *room = *state;
    tb_trainee *teacher = make_trainee(room, "teacher"), *student = make_trainee(room, "peer");
    tb_distill *distill = make_attention_distill(teacher, student, 1);
    tb_parameters *parameters = tb_trainee_parameters(student);
    tb_adamw_options options = tb_adamw_defaults();
    tb_adamw *adamw = NULL;
    tb_error err = {0};
    tb_batch batch = make_batch();
    double first = 0, last = 0;
    assert_int_equal(tb_adamw_create(parameters, &options, &adamw, &err), TIMBANG_OK);
    for (int step = 0; step < 150; step++) {
        double loss = 0;
        tb_train_pass pass = {.batch = &batch, .loss = no_logits, .attention_loss = attention_block, .user = distill};
        assert_int_equal(tb_distill_batch(distill, &batch, N_TOKENS, &err), TIMBANG_OK);
        if (tb_trainee_pass(student, &pass, &loss, &err) != TIMBANG_OK)
            fail_msg("%s", err.text);
        first = step == 0 ? loss : first;
        last = loss;
        tb_adamw_step(adamw, parameters, 3e-3, 1, NULL);
        assert_int_equal(tb_trainee_refresh(student, &err), TIMBANG_OK);
    }
    if (!(last < 0.2 * first))
        fail_msg("the divergence fell from %g to %g alone", first, last);
    tb_adamw_free(adamw);
    tb_distill_free(distill);
    tb_trainee_free(teacher);
    tb_trainee_free(student);
}

static void expect_refused(tb_trainee *teacher, const tb_trainee *student, double hidden, double attention,
                           const char *says)
{
    const tb_distill_options options = {.teacher = teacher,
                                        .teacher_name = "TEACHER",
                                        .student = student,
                                        .hidden_weight = hidden,
                                        .attention_weight = attention};
    tb_distill *distill = NULL;
    tb_error err = {0};
    assert_int_equal(tb_distill_create(&options, &distill, &err), TIMBANG_USAGE);
    assert_null(distill);
    if (!strstr(err.text, says))
        fail_msg("\"%s\" does not say \"%s\"", err.text, says);
}

static void test_refused(void **state)
{
    const struct room *room = *state;
    tb_error err = {0};
    char *bytes = NULL, *path = tb_path_join(room->folder, "foreign/vocab.txt", &err);
    size_t size;
    assert_int_equal(tb_read_file(path, 0, &bytes, &size, &err), TIMBANG_OK);
    bytes[size - 2] = bytes[size - 2] == '~' ? '|' : '~'; /* in the last word */
    assert_int_equal(tb_write_file(path, bytes, size, &err), TIMBANG_OK);
    free(bytes);
    free(path);
    tb_trainee *teacher = make_trainee(room, "teacher"), *wide = make_trainee(room, "wide");
    tb_trainee *foreign = make_trainee(room, "foreign");
    expect_refused(teacher, wide, 1, 0,
                   "TEACHER: the teacher's hidden size is 32, the student's 48; distillation of hidden "
                   "states needs equal sizes");
    expect_refused(teacher, foreign, 1, 0, "vocabulary");
    expect_refused(teacher, teacher, -1, 0, "the weight -1 of the hidden states");
    expect_refused(teacher, teacher, 0, NAN, "of the attention is not between");
    expect_refused(teacher, wide, 0, 1,
                   "TEACHER: the teacher has 2 attention heads, the student 4; distillation of attention needs equal "
                   "numbers");
    tb_trainee_free(teacher);
    tb_trainee_free(wide);
    tb_trainee_free(foreign);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_soft_targets),
        cmocka_unit_test(test_soft_refused),
        cmocka_unit_test(test_untrained_teacher),
        cmocka_unit_test(test_layers),
        cmocka_unit_test(test_learns),
        cmocka_unit_test(test_attention),
        cmocka_unit_test(test_attention_of_nothing),
        cmocka_unit_test(test_attention_learns),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
