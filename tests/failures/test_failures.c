/* Every allocation and every write fails once, in turn: each time an error with a sentence, nothing left behind, no
 * leak (the sanitizer build sees leaks). Allocations are counted by wrapping malloc and its family at link time. */
#include "base/io.h"
#include "data/dataset.h"
#include "model/classifier.h"
#include "quant/quantize.h"

#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

/* ---- The wrapped allocator ---- */

static long allocations; /* since the last reset */
static long failing;     /* this one fails; -1: none */

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *block, size_t size);
void *__real_aligned_alloc(size_t align, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t size);

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

/* ---- Jobs ---- */

static char root[] = "/tmp/timbang-fail-XXXXXX";
static char model_path[4096], data_path[4096], out_path[4096];

static int setup(void **state)
{
    (void)state;
    failing = -1;
    const char *source = getenv("TIMBANG_SOURCE");
    snprintf(model_path, sizeof model_path, "%s/tests/golden/model/tiny-gelu", source ? source : ".");
    snprintf(data_path, sizeof data_path, "%s/data/ulasan.tsv", source ? source : ".");
    if (!mkdtemp(root))
        return -1;
    snprintf(out_path, sizeof out_path, "%s/out", root);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tb_error err;
    return tb_remove_tree(root, &err) == TIMBANG_OK ? 0 : -1;
}

static size_t entries(const char *path)
{
    size_t n = 0;
    DIR *dir = opendir(path);
    for (struct dirent *e; (e = readdir(dir)) != NULL;)
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    closedir(dir);
    return n;
}

typedef timbang_status job_fn(tb_error *err);

static timbang_status job_run(tb_error *err)
{
    static const tb_text_ref texts[] = {
        {"filmnya bagus sekali, saya suka!", 32, NULL}, {"", 0, NULL}, {"mahal", 5, "murah"}};
    float logits[9];
    tb_folder *folder = NULL;
    tb_classifier *model = NULL;
    tb_workspace *workspace = NULL;
    timbang_status status = tb_folder_open(model_path, &folder, err);
    tb_load_options options = {.folder = folder, .kernels = &tb_kernels_ref};
    tb_run_options run = {.batch = 2};
    if (status == TIMBANG_OK)
        status = tb_classifier_load(&options, &model, err);
    if (status == TIMBANG_OK)
        status = tb_workspace_create(NULL, &workspace, err);
    if (status == TIMBANG_OK)
        status = tb_classifier_run(model, workspace, texts, 3, &run, logits, NULL, err);
    tb_workspace_free(workspace);
    tb_classifier_free(model);
    tb_folder_close(folder);
    return status;
}

static timbang_status job_quantize(tb_error *err)
{
    tb_folder *folder = NULL;
    tb_quantize_job job = {.out = out_path};
    timbang_status status = tb_folder_open(model_path, &folder, err);
    job.folder = folder;
    if (status == TIMBANG_OK)
        status = tb_scheme_parse("int4-e4", 0, NULL, &job.scheme, err);
    if (status == TIMBANG_OK)
        status = tb_quantize_folder(&job, err);
    tb_folder_close(folder);
    if (status == TIMBANG_OK) {
        tb_error ignored;
        failing = -1;
        assert_int_equal(tb_remove_tree(out_path, &ignored), TIMBANG_OK);
    }
    return status;
}

static timbang_status job_data(tb_error *err)
{
    static const char *const labels[] = {"positive", "neutral", "negative"};
    timbang_data_options options = {
        .struct_size = sizeof options, .path = data_path, .header = -1, .limit = 50, .seed = 1};
    tb_dataset *data = NULL;
    tb_duplicates found;
    int32_t truth[64];
    timbang_status status = tb_dataset_load(&options, NULL, &data, err);
    if (status == TIMBANG_OK)
        status = tb_dataset_resolve(data, labels, 3, truth, err);
    if (status == TIMBANG_OK)
        status = tb_dataset_duplicates(data, NULL, &found, err);
    tb_dataset_free(data);
    return status;
}

/* Fails each allocation in turn; where there are many, every one of the first 2000 and then a stride. */
static void every_allocation(job_fn *job, const char *name)
{
    tb_error err;
    tb_error_clear(&err);
    allocations = 0;
    failing = -1;
    if (job(&err) != TIMBANG_OK)
        fail_msg("%s: %s", name, err.text);
    long total = allocations, no_memory = 0, other = 0, passed = 0;
    for (long i = 0; i < total; i += i < 2000 ? 1 : total / 500 + 1) {
        tb_error_clear(&err);
        allocations = 0;
        failing = i;
        timbang_status status = job(&err);
        failing = -1;
        if (status == TIMBANG_OK)
            passed++;
        else if (status == TIMBANG_NO_MEMORY)
            no_memory++;
        else
            other++;
        if (status != TIMBANG_OK && (err.text[0] == '\0' || err.status != status))
            fail_msg("%s: allocation %ld failed without a sentence", name, i);
        if (entries(root) != 0)
            fail_msg("%s: allocation %ld failed and left something behind", name, i);
    }
    print_message("%s: %ld allocations; %ld reported as out of memory, %ld otherwise, %ld not needed\n", name, total,
                  no_memory, other, passed);
    assert_true(no_memory > 0);
    assert_true(no_memory >= 9 * (other + passed));
}

static void allocations_of_a_run(void **state)
{
    (void)state;
    every_allocation(job_run, "load and run");
}

static void allocations_of_quantize(void **state)
{
    (void)state;
    every_allocation(job_quantize, "quantize");
}

/* What is there is there, also without memory: else a tokenizer or a sidecar would silently be left out. */
static void files_are_seen_without_memory(void **state)
{
    (void)state;
    tb_error err;
    tb_folder *folder = NULL;
    assert_int_equal(tb_folder_open(model_path, &folder, &err), TIMBANG_OK);
    allocations = 0;
    failing = 0;
    bool there = tb_folder_has(folder, "config.json"), not_there = tb_folder_has(folder, "none.json");
    failing = -1;
    assert_true(there);
    assert_false(not_there);
    tb_folder_close(folder);
}

static void allocations_of_data(void **state)
{
    (void)state;
    every_allocation(job_data, "data");
}

/* A file may not grow beyond a limit: the disk is full, at every place. */
static void writes_of_quantize(void **state)
{
    (void)state;
    struct rlimit before, limit;
    tb_error err;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    static const rlim_t sizes[] = {0, 1, 100, 300, 1000, 5000, 20000, 60000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        limit = before;
        limit.rlim_cur = sizes[i];
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        timbang_status status = job_quantize(&err);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_int_equal(status, TIMBANG_IO);
        assert_non_null(strstr(err.text, "cannot be written"));
        assert_int_equal(entries(root), 0);
    }
    assert_int_equal(job_quantize(&err), TIMBANG_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_seen_without_memory),
        cmocka_unit_test(allocations_of_data),
        cmocka_unit_test(allocations_of_a_run),
        cmocka_unit_test(allocations_of_quantize),
        cmocka_unit_test(writes_of_quantize),
    };
    return cmocka_run_group_tests_name("failures", tests, setup, teardown);
}
