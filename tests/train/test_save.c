/* Tests of train/save.c: plain folders read again, integer folders equal to quantize's, and disks that are full. */
#include "small_model.h"

#include "quant/quantize.h"
#include "train/save.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>

static char *join(const char *dir, const char *file)
{
    tb_error err = {0};
    char *path = tb_path_join(dir, file, &err);
    assert_non_null(path);
    return path;
}

static bool has(const char *dir, const char *file)
{
    char *path = join(dir, file);
    bool found = tb_is_file(path);
    free(path);
    return found;
}

static void read_bytes(const char *dir, const char *file, char **bytes, size_t *size)
{
    tb_error err = {0};
    char *path = join(dir, file);
    assert_ok(tb_read_file(path, 0, bytes, size, &err), &err);
    free(path);
}

static void same_file(const char *a, const char *b, const char *file)
{
    char *x, *y;
    size_t n, m;
    read_bytes(a, file, &x, &n);
    read_bytes(b, file, &y, &m);
    if (n != m || memcmp(x, y, n) != 0)
        fail_msg("%s and %s differ in %s", a, b, file);
    free(x);
    free(y);
}

static json_t *read_json(const char *dir, const char *file)
{
    tb_error err = {0};
    json_t *json;
    char *path = join(dir, file);
    assert_ok(tb_json_load_file(path, &json, &err), &err);
    free(path);
    return json;
}

static size_t count_entries(const char *path)
{
    DIR *dir = opendir(path);
    assert_non_null(dir);
    size_t n = 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(dir);
    return n;
}

/* A trained model: the folder that it came from, and values of its own. */
typedef struct trained {
    char *dir, *from, *out;
    tb_folder *source;
    tb_config config;
    tb_parameters *parameters;
    json_t *record, *master_record;
    tb_save_job job;
} trained;

static trained *train(bool classifier)
{
    tb_error err = {0};
    trained *t = tb_calloc(1, sizeof *t, &err);
    t->dir = make_temp();
    t->from = join(t->dir, "from");
    t->out = join(t->dir, "out");
    assert_ok(tb_make_dirs(t->from, &err), &err);
    assert_ok(tb_make_dirs(t->out, &err), &err);
    small_model(t->from, classifier);
    t->parameters = small_parameters(t->from, classifier ? TB_TASK_CLASSIFY : TB_TASK_MLM, &t->config);
    for (size_t i = 0; i < t->parameters->n_items; i++) {
        const tb_parameter *item = &t->parameters->items[i];
        for (size_t k = 0; k < item->n; k++)
            t->parameters->values[item->begin + k] += 0.001f * (float)(k % 7);
    }
    assert_ok(tb_folder_open(t->from, &t->source, &err), &err);
    t->record = json_pack("{s:s, s:s, s:s, s:i}", "role", "qat", "recipe_hash", "abc", "scheme", "int4", "seed", 42);
    t->master_record =
        json_pack("{s:s, s:s, s:s, s:i}", "role", "qat", "recipe_hash", "abc", "scheme", "fp32", "seed", 42);
    t->job = (tb_save_job){.source = t->source,
                           .config = &t->config,
                           .parameters = t->parameters,
                           .task = classifier ? TB_TASK_CLASSIFY : TB_TASK_MLM,
                           .record = t->record,
                           .master_record = t->master_record,
                           .folder = t->out};
    return t;
}

static void drop(trained *t)
{
    json_decref(t->record);
    json_decref(t->master_record);
    tb_folder_close(t->source);
    tb_parameters_free(t->parameters);
    tb_config_free(&t->config);
    free(t->from);
    free(t->out);
    drop_temp(t->dir);
    free(t);
}

/* dir holds exactly the values in training. */
static void check_masters(const trained *t, const char *dir)
{
    tb_config config = {0};
    tb_parameters *read = small_parameters(dir, t->job.task, &config);
    assert_int_equal(read->n, t->parameters->n);
    assert_memory_equal(read->values, t->parameters->values, read->n * sizeof(float));
    assert_false(read->new_head);
    tb_parameters_free(read);
    tb_config_free(&config);
    same_file(t->from, dir, "vocab.txt");
    same_file(t->from, dir, "tokenizer_config.json");
    assert_false(has(dir, "tokenizer.json"));
}

static const char *architecture(const json_t *config)
{
    return json_string_value(json_array_get(json_object_get(config, "architectures"), 0));
}

static void classifier_comes_back(void **state)
{
    (void)state;
    tb_error err = {0};
    trained *t = train(true);
    small_text(t->out, "log.jsonl", "{}\n"); /* what is there stays */
    assert_ok(tb_save_folder(&t->job, &err), &err);
    check_masters(t, t->out);
    json_t *config = read_json(t->out, "config.json"), *record = read_json(t->out, "timbang.json");
    assert_string_equal(architecture(config), "BertForSequenceClassification");
    assert_string_equal(json_string_value(json_object_get(config, "torch_dtype")), "float32");
    assert_string_equal(json_string_value(json_object_get(json_object_get(config, "id2label"), "2")), "c");
    assert_true(json_equal(record, t->record));
    assert_true(has(t->out, "log.jsonl"));
    assert_int_equal(count_entries(t->out), 6);
    json_decref(record);
    json_decref(config);
    drop(t);
}

static void masked_model_comes_back(void **state)
{
    (void)state;
    tb_error err = {0};
    trained *t = train(false);
    const char *const labels[] = {"x", "y"}; /* of a classifier that became a masked-language model */
    assert_ok(tb_config_set_labels(&t->config, labels, 2, &err), &err);
    assert_ok(tb_save_folder(&t->job, &err), &err);
    check_masters(t, t->out);
    json_t *config = read_json(t->out, "config.json");
    assert_string_equal(architecture(config), "BertForMaskedLM");
    assert_null(json_object_get(config, "id2label"));
    assert_null(json_object_get(config, "num_labels"));
    json_decref(config);
    drop(t);
}

static void quantize_again(const char *from, const char *to, const tb_scheme *scheme)
{
    tb_error err = {0};
    tb_folder *folder;
    assert_ok(tb_folder_open(from, &folder, &err), &err);
    const tb_quantize_job job = {.folder = folder, .scheme = *scheme, .out = to, .force = true};
    assert_ok(tb_quantize_folder(&job, &err), &err);
    tb_folder_close(folder);
}

static void integers_are_those_of_quantize(void **state)
{
    (void)state;
    static const char *const schemes[] = {"int8", "int4", "int4-g64-e4", "int8-pertensor", "int4-pertensor", "fp16"};
    tb_error err = {0};
    trained *t = train(true);
    char *master = join(t->out, "master"), *again = join(t->dir, "again");
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        tb_scheme scheme;
        assert_ok(tb_scheme_parse(schemes[i], 0, NULL, &scheme, &err), &err);
        t->job.scheme = &scheme;
        assert_ok(tb_save_folder(&t->job, &err), &err); /* over what the scheme before has left */
        check_masters(t, master);
        quantize_again(master, again, &scheme);
        same_file(t->out, again, "model.safetensors");
        same_file(t->out, again, "config.json");
        same_file(t->out, again, "vocab.txt");
        assert_int_equal(count_entries(t->out), 6); /* nothing but the master beside what quantize makes */

        json_t *record = read_json(t->out, "timbang.json"), *quantized = read_json(again, "timbang.json");
        json_t *of_master = read_json(master, "timbang.json");
        assert_true(json_equal(of_master, t->master_record));
        assert_string_equal(json_string_value(json_object_get(record, "role")), "qat");
        const char *hash = json_string_value(json_object_get(record, "master_sha256"));
        assert_string_equal(hash, json_string_value(json_object_get(quantized, "parent_sha256")));
        /* quantizing a trained folder keeps its recipe and seed */
        assert_string_equal(json_string_value(json_object_get(quantized, "parent_role")), "qat");
        assert_string_equal(json_string_value(json_object_get(quantized, "parent_recipe_hash")), "abc");
        assert_int_equal(json_integer_value(json_object_get(quantized, "seed")), 42);
        json_decref(of_master);
        json_decref(quantized);
        json_decref(record);
    }
    free(master);
    free(again);
    drop(t);
}

/* Every file that can be written is whole, and the sentence names the one that cannot. */
static void full_disks(void **state)
{
    (void)state;
    tb_error err = {0};
    struct rlimit before, limit;
    tb_scheme scheme;
    assert_ok(tb_scheme_parse("int8", 0, NULL, &scheme, &err), &err);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_IGN);
    for (int qat = 0; qat < 2; qat++) {
        trained *t = train(true);
        char *master = join(t->out, "master");
        t->job.scheme = qat ? &scheme : NULL;
        limit = before;
        limit.rlim_cur = qat ? 400000 : 100000; /* the masters are 1.3 MB, the integers 0.35 */
        if (qat) {
            assert_ok(tb_save_folder(&t->job, &err), &err);
            same_file(t->out, t->out, "model.safetensors");
        }
        char *kept;
        size_t size = 0;
        if (qat)
            read_bytes(t->out, "model.safetensors", &kept, &size);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        timbang_status status = tb_save_folder(&t->job, &err);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_refused("full", status, &err, TIMBANG_IO, "model.safetensors");
        assert_non_null(strstr(err.text, "cannot be written"));
        if (qat) { /* the finished folder is as it was */
            char *now;
            size_t n;
            read_bytes(t->out, "model.safetensors", &now, &n);
            assert_true(n == size && memcmp(now, kept, n) == 0);
            free(now);
            free(kept);
            assert_int_equal(count_entries(t->out), 6);
            check_masters(t, master);
        } else {
            assert_int_equal(count_entries(t->out), 0);
        }
        free(master);
        drop(t);
    }
    signal(SIGXFSZ, SIG_DFL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classifier_comes_back),
        cmocka_unit_test(masked_model_comes_back),
        cmocka_unit_test(integers_are_those_of_quantize),
        cmocka_unit_test(full_disks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
