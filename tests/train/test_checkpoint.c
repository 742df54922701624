/* The files of a checkpoint: what comes back is what went in; a damaged or foreign file is refused; a failed write
 * leaves the old state. */
#include "train/checkpoint.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { N = 64 };

typedef struct fixture {
    char folder[64];
    tb_checkpoint_files files;
    tb_parameters parameters;
    tb_adamw adamw;
    float values[N], m[N], v[N];
} fixture;

static void fill(fixture *f, float base)
{
    for (int i = 0; i < N; i++) {
        f->values[i] = base + (float)i / 7;
        f->m[i] = -base * (float)i / 3;
        f->v[i] = base * 1e-9f * (float)i;
    }
}

static int setup(void **state)
{
    tb_error err;
    fixture *f = calloc(1, sizeof *f);
    snprintf(f->folder, sizeof f->folder, "/tmp/timbang-checkpoint-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    assert_int_equal(tb_checkpoint_files_open(f->folder, &f->files, &err), TIMBANG_OK);
    f->parameters = (tb_parameters){.n = N, .values = f->values};
    f->adamw = (tb_adamw){.m = f->m, .v = f->v, .n = N};
    fill(f, 1);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    tb_error err;
    tb_checkpoint_files_remove(&f->files, &err);
    tb_checkpoint_files_close(&f->files);
    free(f);
    return 0;
}

static tb_train_state example(void)
{
    tb_train_state s = {
        .step = 17,
        .evaluated = true,
        .stale = 2,
        .has_best = true,
        .best_step = 9,
        .best = {0.1, 1.0 / 3, 2.0 / 3},
        .started = "2026-01-31T12:00:00Z",
        .resumed = 3,
        .seconds = 12.75,
        .texts = 544,
        .tokens = 9999,
    };
    tb_text_puts(&s.log, "{\"step\":1}\n{\"step\":2}\n");
    return s;
}

static void test_state_comes_back(void **state)
{
    fixture *f = *state;
    tb_error err;
    tb_train_state in = example(), out = {0};
    assert_false(tb_train_state_there(&f->files));
    assert_int_equal(tb_train_state_write(&f->files, &in, &f->parameters, &f->adamw, &err), TIMBANG_OK);
    assert_true(tb_train_state_there(&f->files));
    float values[N], m[N], v[N];
    memcpy(values, f->values, sizeof values);
    memcpy(m, f->m, sizeof m);
    memcpy(v, f->v, sizeof v);
    fill(f, 5);
    assert_int_equal(tb_train_state_read(&f->files, &out, &f->parameters, &f->adamw, &err), TIMBANG_OK);
    assert_memory_equal(values, f->values, sizeof values);
    assert_memory_equal(m, f->m, sizeof m);
    assert_memory_equal(v, f->v, sizeof v);
    assert_int_equal(f->adamw.step, 17);
    assert_int_equal(out.step, 17);
    assert_true(out.evaluated && out.has_best && !out.stopped);
    assert_int_equal(out.stale, 2);
    assert_int_equal(out.best_step, 9);
    assert_memory_equal(&out.best, &in.best, sizeof in.best);
    assert_string_equal(out.log.data, in.log.data);
    assert_int_equal(out.log.length, in.log.length);
    assert_string_equal(out.started, in.started);
    assert_true(out.seconds == in.seconds && out.texts == 544 && out.tokens == 9999 && out.resumed == 3);
    tb_text_puts(&out.log, "{\"step\":3}\n"); /* it grows on */
    assert_int_equal(out.log.length, in.log.length + 11);
    tb_train_state_free(&in);
    tb_train_state_free(&out);
}

static void test_no_f1_comes_back_as_none(void **state)
{
    fixture *f = *state;
    tb_error err;
    tb_train_state in = example(), out = {0};
    in.best.macro_f1 = NAN;
    assert_int_equal(tb_train_state_write(&f->files, &in, &f->parameters, &f->adamw, &err), TIMBANG_OK);
    assert_int_equal(tb_train_state_read(&f->files, &out, &f->parameters, &f->adamw, &err), TIMBANG_OK);
    assert_true(isnan(out.best.macro_f1) && out.best.loss == 0.1);
    tb_train_state_free(&in);
    tb_train_state_free(&out);
}

static char *state_path(const fixture *f)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/state.bin", f->folder);
    return path;
}

static void refuse(fixture *f)
{
    tb_error err = {0};
    tb_train_state out = {0};
    assert_int_equal(tb_train_state_read(&f->files, &out, &f->parameters, &f->adamw, &err), TIMBANG_FORMAT);
    assert_non_null(strstr(err.text, "state.bin"));
    tb_train_state_free(&out);
}

static void test_damaged_files_are_refused(void **state)
{
    fixture *f = *state;
    tb_error err;
    tb_train_state in = example();
    struct stat info;
    assert_int_equal(tb_train_state_write(&f->files, &in, &f->parameters, &f->adamw, &err), TIMBANG_OK);
    assert_int_equal(stat(state_path(f), &info), 0);
    const long sizes[] = {0, 5, 30, 60, (long)info.st_size - 1};
    for (size_t i = sizeof sizes / sizeof sizes[0]; i-- > 0;) {
        assert_int_equal(truncate(state_path(f), sizes[i]), 0);
        refuse(f);
    }
    assert_int_equal(tb_train_state_write(&f->files, &in, &f->parameters, &f->adamw, &err), TIMBANG_OK);
    f->parameters.n = N - 16; /* another model */
    refuse(f);
    f->parameters.n = N;
    FILE *file = fopen(state_path(f), "r+b");
    assert_non_null(file);
    fputc('x', file);
    fclose(file);
    refuse(f);
    tb_train_state_free(&in);
}

static bool there(const fixture *f, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", f->folder, name);
    return access(path, F_OK) == 0;
}

static void test_best_values(void **state)
{
    fixture *f = *state;
    tb_error err = {0};
    float first[N];
    memcpy(first, f->values, sizeof first);
    assert_int_equal(tb_best_write(&f->files, 4, &f->parameters, &err), TIMBANG_OK);
    fill(f, 2);
    assert_int_equal(tb_best_write(&f->files, 8, &f->parameters, &err), TIMBANG_OK);
    assert_int_equal(tb_best_read(&f->files, 4, &f->parameters, &err), TIMBANG_OK);
    assert_memory_equal(first, f->values, sizeof first);
    assert_int_equal(tb_best_remove_others(&f->files, 8, &err), TIMBANG_OK);
    assert_false(there(f, "best-4.bin"));
    assert_true(there(f, "best-8.bin"));
    assert_int_not_equal(tb_best_read(&f->files, 4, &f->parameters, &err), TIMBANG_OK);
}

static void test_partial_evaluation(void **state)
{
    fixture *f = *state;
    tb_error err = {0};
    float logits[6] = {1, 2, 3, 4, 5, 6}, got[6] = {0};
    const tb_partial in = {.step = 8, .done = 2, .loss = 0.25, .right = 1, .count = 2};
    tb_partial out = {.step = 8};
    assert_int_equal(tb_partial_read(&f->files, 8, &out, got, 6, &err), TIMBANG_OK); /* none yet */
    assert_int_equal(out.done, 0);
    assert_int_equal(tb_partial_write(&f->files, &in, logits, 6, &err), TIMBANG_OK);
    assert_int_equal(tb_partial_read(&f->files, 8, &out, got, 6, &err), TIMBANG_OK);
    assert_memory_equal(&in, &out, sizeof in);
    assert_memory_equal(logits, got, sizeof got);
    out = (tb_partial){.step = 9};
    assert_int_equal(tb_partial_read(&f->files, 9, &out, got, 6, &err), TIMBANG_OK); /* of another step */
    assert_int_equal(out.done, 0);
    assert_int_equal(tb_partial_read(&f->files, 8, &out, got, 5, &err), TIMBANG_FORMAT);
}

static void test_failed_write_keeps_the_old_state(void **state)
{
    fixture *f = *state;
    tb_error err = {0};
    tb_train_state in = example(), out = {0};
    assert_int_equal(tb_train_state_write(&f->files, &in, &f->parameters, &f->adamw, &err), TIMBANG_OK);
    if (geteuid() == 0) { /* root may write anywhere: put a folder in the way instead */
        char path[128];
        snprintf(path, sizeof path, "%s/gone", f->folder);
        free(f->files.folder);
        f->files.folder = strdup(path);
    } else {
        chmod(f->folder, 0500);
    }
    in.step = 99;
    assert_int_equal(tb_train_state_write(&f->files, &in, &f->parameters, &f->adamw, &err), TIMBANG_IO);
    chmod(f->folder, 0700);
    free(f->files.folder);
    f->files.folder = strdup(f->folder);
    assert_int_equal(tb_train_state_read(&f->files, &out, &f->parameters, &f->adamw, &err), TIMBANG_OK);
    assert_int_equal(out.step, 17);
    tb_train_state_free(&in);
    tb_train_state_free(&out);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_state_comes_back), TEST(test_no_f1_comes_back_as_none), TEST(test_damaged_files_are_refused),
        TEST(test_best_values),      TEST(test_partial_evaluation),       TEST(test_failed_write_keeps_the_old_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
