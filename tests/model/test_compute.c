/* BF16 compute: near what PyTorch says of linear layers with rounded inputs; on each level equal logits, by memcmp, for
 * every number of threads and batch; float files of every kind, integer ones refused; 2 bytes a weight; labels. */
#include "../kernels/every_level.h"
#include "fixture.h"
#include "quant/quantize.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char root[] = "/tmp/timbang-compute-XXXXXX";
static const char *const acts[] = {"gelu", "gelu_new", "relu"};

static int setup(void **state)
{
    *state = load_expected();
    return mkdtemp(root) ? 0 : -1;
}

static int teardown(void **state)
{
    tb_error err;
    json_decref(*state);
    return tb_remove_tree(root, &err) == TIMBANG_OK ? 0 : -1;
}

static const tb_kernels *best(void)
{
    bool known;
    return tb_kernels_find(NULL, &known);
}

static timbang_status try_load(const char *path, const tb_kernels *kernels, tb_pool *pool, tb_classifier **model,
                               tb_error *err)
{
    tb_folder *folder = NULL;
    assert_int_equal(tb_folder_open(path, &folder, err), TIMBANG_OK);
    tb_load_options options = {.folder = folder, .compute = TB_COMPUTE_BF16, .kernels = kernels, .pool = pool};
    timbang_status status = tb_classifier_load(&options, model, err);
    tb_folder_close(folder);
    return status;
}

static tb_classifier *load_bf16(const char *path, const tb_kernels *kernels, tb_pool *pool)
{
    tb_error err;
    tb_classifier *model = NULL;
    if (try_load(path, kernels, pool, &model, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    assert_int_equal(tb_classifier_compute(model), TB_COMPUTE_BF16);
    return model;
}

static char *tiny_path(const char *act)
{
    char name[64];
    snprintf(name, sizeof name, "tests/golden/model/tiny-%s", act);
    return source_path(name);
}

static char *quantized(const char *from, const char *scheme, const char *name)
{
    tb_error err;
    tb_folder *folder = NULL;
    char *to = tb_path_join(root, name, &err);
    tb_quantize_job job = {.out = to};
    assert_int_equal(tb_folder_open(from, &folder, &err), TIMBANG_OK);
    assert_int_equal(tb_scheme_parse(scheme, 0, NULL, &job.scheme, &err), TIMBANG_OK);
    job.folder = folder;
    if (tb_quantize_folder(&job, &err) != TIMBANG_OK)
        fail_msg("%s: %s", scheme, err.text);
    tb_folder_close(folder);
    return to;
}

/* ---- What it computes ---- */

/* Over all logits of a case, rows as expected.json and bf16.json have them. */
static double mean_difference(json_t *rows, const float *logits)
{
    double sum = 0;
    size_t i, j, n = 0;
    json_t *row, *value;
    json_array_foreach(rows, i, row)
    {
        json_array_foreach(row, j, value) sum += fabs(json_number_value(value) - (double)logits[n++]);
    }
    return sum / (double)n;
}

/* Not closer than this: sums are float here, so now and then a value is rounded to its other neighbour. */
static void bf16_is_pytorch(void **state)
{
    tb_error err;
    json_t *golden = NULL;
    char *path = source_path("tests/golden/model/bf16.json");
    const tb_kernels *levels[MAX_LEVELS];
    size_t n_levels = every_level(levels);
    assert_int_equal(tb_json_load_file(path, &golden, &err), TIMBANG_OK);
    free(path);
    for (size_t a = 0; a < 3; a++) {
        struct tiny_case c;
        tiny_case_load(*state, acts[a], &c);
        json_t *rows = json_object_get(json_object_get(golden, "cases"), acts[a]);
        path = tiny_path(acts[a]);
        for (size_t l = 0; l < n_levels; l++) {
            tb_classifier *model = load_bf16(path, levels[l], NULL);
            assert_string_equal(tb_classifier_scheme(model), "fp32");
            float *logits = run_case(model, NULL, &c, c.n);
            double error = mean_difference(rows, logits);
            double from_fp32 = mean_difference(json_object_get(c.json, "float64"), logits);
            print_message("%s, %s: mean error %.1e, mean distance from FP32 %.1e\n", acts[a], levels[l]->name, error,
                          from_fp32);
            assert_true(error > 0 && error < 0.1 * from_fp32);
            assert_true(from_fp32 < 0.05);
            free(logits);
            tb_classifier_free(model);
        }
        free(path);
        tiny_case_free(&c);
    }
    json_decref(golden);
}

/* ---- The same bits on one level ---- */

/* Levels without a bfloat16 instruction run the float product's chain. */
static bool is_chain(const tb_kernels *level)
{
    return level->bf16_nr == tb_kernels_ref.bf16_nr && level->bf16_panel_bytes(3) == tb_kernels_ref.bf16_panel_bytes(3);
}

static void check_level(const char *path, const tb_kernels *level, const struct tiny_case *c, const float *reference)
{
    static const size_t batches[] = {1, 3, 7, 100};
    tb_classifier *alone = load_bf16(path, level, NULL);
    float *want = run_case(alone, NULL, c, 1);
    size_t bytes = c->n * tb_classifier_config(alone)->n_labels * sizeof(float);
    tb_classifier_free(alone);
    if (is_chain(level) && memcmp(want, reference, bytes) != 0)
        fail_msg("%s: other bits than the reference", level->name);
    for (int threads = 1; threads <= 3; threads++) {
        tb_error err;
        tb_pool *pool = NULL;
        assert_int_equal(tb_pool_create(threads, &pool, &err), TIMBANG_OK);
        tb_classifier *model = load_bf16(path, level, pool);
        for (size_t b = level == &tb_kernels_ref ? 3 : 0; b < 4; b++) { /* the scalar level is slow */
            float *got = run_case(model, pool, c, batches[b]);
            if (memcmp(want, got, bytes) != 0)
                fail_msg("%s: other bits with %d threads, batches of %zu", level->name, threads, batches[b]);
            free(got);
        }
        tb_classifier_free(model);
        tb_pool_free(pool);
    }
    free(want);
}

static void threads_and_batches_do_not_matter(void **state)
{
    const tb_kernels *levels[MAX_LEVELS];
    size_t n_levels = every_level(levels);
    for (size_t a = 0; a < 3; a++) {
        struct tiny_case c;
        tiny_case_load(*state, acts[a], &c);
        char *path = tiny_path(acts[a]);
        tb_classifier *model = load_bf16(path, &tb_kernels_ref, NULL);
        float *reference = run_case(model, NULL, &c, c.n);
        for (size_t l = 0; l < n_levels; l++)
            check_level(path, levels[l], &c, reference);
        tb_classifier_free(model);
        free(reference);
        free(path);
        tiny_case_free(&c);
    }
}

/* A model in BF16 and one in FP32 share a workspace: neither sees what the other left. */
static void workspaces_are_shared(void **state)
{
    tb_error err;
    struct tiny_case c;
    tiny_case_load(*state, "gelu", &c);
    char *path = tiny_path("gelu");
    tb_workspace *workspace = NULL;
    tb_classifier *models[2] = {load_model(path, best(), NULL), load_bf16(path, best(), NULL)};
    size_t n = c.n * tb_classifier_config(models[0])->n_labels;
    float *want[2] = {run_case(models[0], NULL, &c, c.n), run_case(models[1], NULL, &c, c.n)};
    float *got = calloc(n, sizeof *got);
    tb_batch batch = {c.n, c.n_tokens, c.ids, c.type_ids, c.cu_seqlens};
    assert_int_equal(tb_workspace_create(NULL, &workspace, &err), TIMBANG_OK);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(tb_classifier_forward(models[i % 2], workspace, &batch, got, &err), TIMBANG_OK);
        assert_memory_equal(got, want[i % 2], n * sizeof *got);
    }
    assert_memory_not_equal(want[0], want[1], n * sizeof *got);
    tb_workspace_free(workspace);
    for (size_t i = 0; i < 2; i++) {
        free(want[i]);
        tb_classifier_free(models[i]);
    }
    free(got);
    free(path);
    tiny_case_free(&c);
}

/* ---- Which models ---- */

/* Rounding what a BF16 file stores loses nothing: the file and its FP32 copy give the same bits. */
static void half_files(void **state)
{
    static const char *const schemes[] = {"bf16", "fp16"};
    struct tiny_case c;
    tiny_case_load(*state, "gelu", &c);
    char *path = tiny_path("gelu");
    for (size_t i = 0; i < 2; i++) {
        tb_error err;
        char *stored = quantized(path, schemes[i], schemes[i]), *copy = quantized(stored, "fp32", "copy");
        tb_classifier *a = load_bf16(stored, best(), NULL), *b = load_bf16(copy, best(), NULL);
        assert_string_equal(tb_classifier_scheme(a), schemes[i]);
        assert_string_equal(tb_classifier_scheme(b), "fp32");
        float *from_file = run_case(a, NULL, &c, c.n), *from_copy = run_case(b, NULL, &c, c.n);
        assert_memory_equal(from_file, from_copy, c.n * tb_classifier_config(a)->n_labels * sizeof(float));
        free(from_file);
        free(from_copy);
        tb_classifier_free(a);
        tb_classifier_free(b);
        assert_int_equal(tb_remove_tree(copy, &err), TIMBANG_OK);
        free(stored);
        free(copy);
    }
    free(path);
    tiny_case_free(&c);
}

/* Four-bit weights of float layers are float layers all the same. */
static void weights_alone_of_four_bits(void **state)
{
    struct tiny_case c;
    tiny_case_load(*state, "relu", &c);
    char *path = tiny_path("relu"), *stored = quantized(path, "int4-pertensor", "int4-pertensor");
    tb_classifier *fp32 = load_model(stored, best(), NULL), *bf16 = load_bf16(stored, best(), NULL);
    assert_string_equal(tb_classifier_scheme(bf16), "int4-pertensor");
    float *want = run_case(fp32, NULL, &c, c.n), *got = run_case(bf16, NULL, &c, c.n);
    double most = 0;
    for (size_t i = 0; i < c.n * tb_classifier_config(fp32)->n_labels; i++)
        most = fmax(most, fabs((double)want[i] - (double)got[i]));
    assert_true(most > 0 && most < 0.1);
    free(want);
    free(got);
    tb_classifier_free(fp32);
    tb_classifier_free(bf16);
    free(path);
    free(stored);
    tiny_case_free(&c);
}

static void integer_models_are_refused(void **state)
{
    (void)state;
    static const char *const schemes[] = {"int8", "int4", "int8-pertensor"};
    char *path = tiny_path("relu");
    for (size_t i = 0; i < 3; i++) {
        char *folder = quantized(path, schemes[i], schemes[i]);
        tb_classifier *model = NULL;
        tb_error err;
        assert_int_equal(try_load(folder, best(), NULL, &model, &err), TIMBANG_USAGE);
        assert_null(model);
        assert_non_null(strstr(err.text, "compute bf16 is for float layers"));
        assert_non_null(strstr(err.text, schemes[i]));
        free(folder);
    }
    free(path);
}

static size_t panels(size_t out, size_t nr, size_t bytes)
{
    return (out + nr - 1) / nr * bytes;
}

static uint64_t saved(const tb_kernels *k, size_t out, size_t in)
{
    return panels(out, k->f32_nr, k->f32_panel_bytes(in)) - panels(out, k->bf16_nr, k->bf16_panel_bytes(in));
}

static void two_bytes_a_weight(void **state)
{
    (void)state;
    const tb_kernels *k = best();
    char *path = tiny_path("gelu");
    tb_classifier *fp32 = load_model(path, k, NULL), *bf16 = load_bf16(path, k, NULL);
    const tb_config *config = tb_classifier_config(fp32);
    size_t h = config->hidden_size, wide = config->intermediate_size;
    uint64_t layer = saved(k, 3 * h, h) + saved(k, h, h) + saved(k, wide, h) + saved(k, h, wide);
    uint64_t all = config->num_hidden_layers * layer + saved(k, h, h) + saved(k, config->n_labels, h);
    assert_true(all >= 2 * config->num_hidden_layers * (4 * h * h + 2 * h * wide));
    assert_int_equal(tb_classifier_resident_bytes(fp32) - tb_classifier_resident_bytes(bf16), all);
    tb_linear_work work = tb_classifier_linear_work(bf16, 1, 4);
    assert_int_equal(work.kind, TB_WEIGHT_BF16);
    assert_int_equal(tb_classifier_linear_work(fp32, 1, 4).bytes - work.bytes, all);
    tb_classifier_free(fp32);
    tb_classifier_free(bf16);
    free(path);
}

static void names(void **state)
{
    (void)state;
    tb_compute compute = TB_COMPUTE_BF16;
    tb_error err = {0};
    assert_int_equal(tb_compute_parse(NULL, &compute, &err), TIMBANG_OK);
    assert_int_equal(compute, TB_COMPUTE_FP32);
    assert_int_equal(tb_compute_parse("bf16", &compute, &err), TIMBANG_OK);
    assert_int_equal(compute, TB_COMPUTE_BF16);
    assert_string_equal(tb_compute_name(compute), "bf16");
    assert_int_equal(tb_compute_parse("fp32", &compute, &err), TIMBANG_OK);
    assert_string_equal(tb_compute_name(compute), "fp32");
    assert_int_equal(tb_compute_parse("fp16", &compute, &err), TIMBANG_USAGE);
    assert_non_null(strstr(err.text, "'fp16'"));
}

/* ---- A trained model ---- */

enum { TEXTS = 300, LINE = 4096 };

static size_t read_texts(const char *path, char (*lines)[LINE], tb_text_ref *texts)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t n = 0;
    while (n < TEXTS && fgets(lines[n], LINE, file)) {
        size_t length = strcspn(lines[n], "\t\n");
        texts[n] = (tb_text_ref){lines[n], length, NULL};
        n++;
    }
    fclose(file);
    return n;
}

static size_t top(const float *logits, size_t n)
{
    size_t most = 0;
    for (size_t i = 1; i < n; i++)
        most = logits[i] > logits[most] ? i : most;
    return most;
}

static void labels_of_a_trained_model(void **state)
{
    (void)state;
    const char *shared = getenv("TIMBANG_SHARED");
    if (!shared || !*shared) {
        print_message("TIMBANG_SHARED is not set: nothing is compared\n");
        skip();
    }
    tb_error err;
    tb_pool *pool = NULL;
    tb_workspace *workspace = NULL;
    char(*lines)[LINE] = calloc(TEXTS, LINE), *path = tb_path_join(shared, "data/smsa/test.tsv", &err);
    tb_text_ref *texts = calloc(TEXTS, sizeof *texts);
    size_t n = read_texts(path, lines, texts), n_labels = 3, same = 0;
    assert_int_equal(n, TEXTS);
    free(path);
    path = tb_path_join(shared, "models/mini-id-smsa", &err);
    assert_int_equal(tb_pool_create(2, &pool, &err), TIMBANG_OK);
    assert_int_equal(tb_workspace_create(pool, &workspace, &err), TIMBANG_OK);
    tb_classifier *models[2] = {load_model(path, best(), pool), load_bf16(path, best(), pool)};
    float *logits[2] = {calloc(n * n_labels, sizeof(float)), calloc(n * n_labels, sizeof(float))};
    tb_run_options options = {0};
    double most = 0;
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(tb_classifier_run(models[i], workspace, texts, n, &options, logits[i], NULL, &err),
                         TIMBANG_OK);
    for (size_t i = 0; i < n; i++)
        same += top(logits[0] + i * n_labels, n_labels) == top(logits[1] + i * n_labels, n_labels);
    for (size_t i = 0; i < n * n_labels; i++)
        most = fmax(most, fabs((double)logits[0][i] - (double)logits[1][i]));
    print_message("%zu of %zu labels agree; a logit differs by %.3f at most\n", same, n, most);
    assert_true(same * 100 >= n * 99);
    assert_true(most > 0 && most < 0.25);
    for (size_t i = 0; i < 2; i++) {
        free(logits[i]);
        tb_classifier_free(models[i]);
    }
    tb_workspace_free(workspace);
    tb_pool_free(pool);
    free(path);
    free(lines);
    free(texts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bf16_is_pytorch),
        cmocka_unit_test(threads_and_batches_do_not_matter),
        cmocka_unit_test(workspaces_are_shared),
        cmocka_unit_test(half_files),
        cmocka_unit_test(weights_alone_of_four_bits),
        cmocka_unit_test(integer_models_are_refused),
        cmocka_unit_test(two_bytes_a_weight),
        cmocka_unit_test(names),
        cmocka_unit_test(labels_of_a_trained_model),
    };
    return cmocka_run_group_tests_name("model/compute", tests, setup, teardown);
}
