/* "The same bits": every scheme gives equal logits, by memcmp, for every usable CPU level, number of threads and batch.
 */
#include "../kernels/every_level.h"
#include "fixture.h"
#include "quant/quantize.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char root[] = "/tmp/timbang-bits-XXXXXX";

static int setup(void **state)
{
    (void)state;
    return mkdtemp(root) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    tb_error err;
    return tb_remove_tree(root, &err) == TIMBANG_OK ? 0 : -1;
}

static char *quantized(const char *from, const char *scheme)
{
    tb_error err;
    tb_folder *folder = NULL;
    char *to = tb_path_join(root, scheme, &err);
    tb_quantize_job job = {.out = to};
    assert_int_equal(tb_folder_open(from, &folder, &err), TIMBANG_OK);
    assert_int_equal(tb_scheme_parse(scheme, 0, NULL, &job.scheme, &err), TIMBANG_OK);
    job.folder = folder;
    if (tb_quantize_folder(&job, &err) != TIMBANG_OK)
        fail_msg("%s: %s", scheme, err.text);
    tb_folder_close(folder);
    return to;
}

static void check_everywhere(const char *path, const char *scheme, const struct tiny_case *c)
{
    const tb_kernels *levels[MAX_LEVELS];
    size_t n_levels = every_level(levels);
    tb_classifier *first = load_model(path, &tb_kernels_ref, NULL);
    assert_string_equal(tb_classifier_scheme(first), scheme);
    size_t n_labels = tb_classifier_config(first)->n_labels, bytes = c->n * n_labels * sizeof(float);
    float *want = run_case(first, NULL, c, 1);
    tb_classifier_free(first);
    static const size_t batches[] = {1, 3, 7, 100};
    for (size_t l = 0; l < n_levels; l++) {
        for (int threads = 1; threads <= 3; threads++) {
            tb_error err;
            tb_pool *pool = NULL;
            assert_int_equal(tb_pool_create(threads, &pool, &err), TIMBANG_OK);
            tb_classifier *model = load_model(path, levels[l], pool);
            bool slow = levels[l] == &tb_kernels_ref; /* the scalar level: one batch of all texts is enough */
            for (size_t b = slow ? 3 : 0; b < 4; b++) {
                float *got = run_case(model, pool, c, batches[b]);
                if (memcmp(want, got, bytes) != 0)
                    fail_msg("%s: other bits on level %s, %d threads, batches of %zu", scheme, levels[l]->name, threads,
                             batches[b]);
                free(got);
            }
            tb_classifier_free(model);
            tb_pool_free(pool);
        }
    }
    free(want);
}

static void all_schemes(void **state)
{
    (void)state;
    static const char *const schemes[] = {"fp16",    "bf16",           "int8",          "int4",
                                          "int4-e4", "int8-pertensor", "int4-pertensor"};
    json_t *expected = load_expected();
    struct tiny_case c;
    tiny_case_load(expected, "gelu", &c);
    char *path = source_path("tests/golden/model/tiny-gelu");
    check_everywhere(path, "fp32", &c);
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        char *folder = quantized(path, schemes[i]);
        check_everywhere(folder, schemes[i], &c);
        free(folder);
    }
    free(path);
    tiny_case_free(&c);
    json_decref(expected);
}

/* Odd widths, one head, another activation. */
static void other_shapes(void **state)
{
    (void)state;
    static const char *const acts[] = {"gelu_new", "relu"};
    json_t *expected = load_expected();
    for (size_t a = 0; a < 2; a++) {
        char name[64];
        struct tiny_case c;
        snprintf(name, sizeof name, "tests/golden/model/tiny-%s", acts[a]);
        char *path = source_path(name);
        tiny_case_load(expected, acts[a], &c);
        check_everywhere(path, "fp32", &c);
        char *folder = quantized(path, "int8");
        check_everywhere(folder, "int8", &c);
        tb_error err;
        assert_int_equal(tb_remove_tree(folder, &err), TIMBANG_OK);
        free(folder);
        free(path);
        tiny_case_free(&c);
    }
    json_decref(expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(other_shapes), cmocka_unit_test(all_schemes)};
    return cmocka_run_group_tests_name("model/same_bits", tests, setup, teardown);
}
