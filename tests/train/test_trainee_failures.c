/* Every allocation of a trainee fails once, in turn: made, refreshed, shown as a classifier, through a pass forward and
 * back, under several schemes and tasks. Each time an error with a sentence; the sanitizer build sees leaks.
 * Allocations are counted by wrapping malloc, its family and mmap at link time. */
#include "../model/random_model.h"

#include "base/io.h"
#include "train/distill.h"
#include "train/rounding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

static long allocations; /* since the last reset */
static long failing;     /* this one fails; -1: none */

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *block, size_t size);
void *__real_aligned_alloc(size_t align, size_t size);
void *__real_mmap(void *at, size_t size, int protection, int flags, int file, off_t offset);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t size);
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int file, off_t offset);

static bool fails_now(void)
{
    return allocations++ == failing;
}

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails_now() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    return fails_now() ? NULL : __real_realloc(block, size);
}

void *__wrap_aligned_alloc(size_t align, size_t size)
{
    return fails_now() ? NULL : __real_aligned_alloc(align, size);
}

void *__wrap_mmap(void *at, size_t size, int protection, int flags, int file, off_t offset)
{
    return fails_now() ? MAP_FAILED : __real_mmap(at, size, protection, flags, file, offset);
}

/* ---- A job ---- */

static char *path; /* of a model */

struct job {
    tb_task task;
    const char *scheme; /* NULL: float */
    tb_folder *folder;
    tb_qat *qat;
    tb_trainee *trainee, *teacher;
    tb_distill *distill;
};

enum { TOKENS = 20, TEXTS = 3, LABELS = 3, VOCAB = 42 };

static void gradient_of_ones(void *user, size_t first, size_t n, const float *logits, float *dlogits, double *loss)
{
    const struct job *job = user;
    (void)first, (void)logits, (void)loss;
    for (size_t i = 0; i < n * (job->task == TB_TASK_MLM ? VOCAB : LABELS); i++)
        dlogits[i] = 1;
}

static timbang_status teach(struct job *job, const tb_trainee_options *options, const tb_batch *batch, tb_error *err)
{
    tb_trainee_options plain = *options;
    plain.round = NULL;
    TB_TRY(tb_trainee_create(&plain, &job->teacher, err));
    const tb_distill_options distill = {.teacher = job->teacher,
                                        .teacher_name = "TEACHER",
                                        .student = job->trainee,
                                        .hidden_weight = 1,
                                        .attention_weight = 1};
    TB_TRY(tb_distill_create(&distill, &job->distill, err));
    return tb_distill_batch(job->distill, batch, TOKENS, err);
}

static timbang_status run(struct job *job, tb_error *err)
{
    static const size_t cu[] = {0, 5, 6, TOKENS}, masked[] = {2, 5, 8};
    static const int32_t ids[TOKENS] = {1, 7, 3}, types[TOKENS] = {0};
    const tb_batch batch = {TEXTS, TOKENS, ids, types, cu};
    tb_scheme scheme;
    const tb_classifier *model;
    double loss = 0;
    TB_TRY(tb_folder_open(path, &job->folder, err));
    tb_trainee_options options = {.folder = job->folder, .task = job->task, .kernels = &tb_kernels_ref};
    if (job->scheme) {
        TB_TRY(tb_scheme_parse(job->scheme, 0, NULL, &scheme, err));
        TB_TRY(tb_qat_create(&scheme, NULL, NULL, &job->qat, err));
        options.round = tb_qat_round;
        options.round_user = job->qat;
    }
    TB_TRY(tb_trainee_create(&options, &job->trainee, err));
    tb_train_pass pass = {
        .batch = &batch, .loss = gradient_of_ones, .user = job, .hidden_dropout = 0.1, .masked = masked, .n_masked = 3};
    TB_TRY(tb_trainee_pass(job->trainee, &pass, &loss, err));
    TB_TRY(tb_trainee_refresh(job->trainee, err));
    TB_TRY(tb_trainee_pass(job->trainee, &pass, &loss, err));
    if (job->task == TB_TASK_MLM)
        return TIMBANG_OK;
    TB_TRY(tb_trainee_classifier(job->trainee, &model, err));
    return teach(job, &options, &batch, err);
}

static timbang_status run_job(tb_task task, const char *scheme, tb_error *err)
{
    struct job job = {.task = task, .scheme = scheme};
    timbang_status status = run(&job, err);
    tb_distill_free(job.distill);
    tb_trainee_free(job.teacher);
    tb_trainee_free(job.trainee);
    tb_qat_free(job.qat);
    tb_folder_close(job.folder);
    return status;
}

static void check(tb_task task, const char *scheme)
{
    tb_error err = {0};
    failing = -1;
    allocations = 0;
    if (run_job(task, scheme, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    long total = allocations;
    assert_true(total > 50);
    for (long i = 0; i < total; i++) {
        err = (tb_error){0};
        allocations = 0;
        failing = i;
        timbang_status status = run_job(task, scheme, &err);
        failing = -1;
        if (status != TIMBANG_NO_MEMORY || err.text[0] == '\0')
            fail_msg("allocation %ld of %ld: status %d, \"%s\"", i, total, (int)status, err.text);
    }
}

static void test_float(void **state)
{
    (void)state;
    check(TB_TASK_CLASSIFY, NULL);
}

static void test_words(void **state)
{
    (void)state;
    check(TB_TASK_MLM, NULL);
}

static void test_schemes(void **state)
{
    static const char *const schemes[] = {"fp16", "int8", "int4-e4", "int4-pertensor"};
    (void)state;
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        check(TB_TASK_CLASSIFY, schemes[i]);
}

static int setup(void **state)
{
    (void)state;
    failing = -1;
    static const random_shape shape = {32, 2, 32, 1, LABELS, "gelu"};
    tb_error err = {0};
    assert_int_equal(tb_temporary_folder(&path, &err), TIMBANG_OK);
    random_model_write(path, &shape, MIX_NONE, 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_remove_tree(path, &err);
    free(path);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_float), cmocka_unit_test(test_words),
                                       cmocka_unit_test(test_schemes)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
