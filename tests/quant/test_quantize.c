/* Tests of quant/quantize.c, plan.c and record.c: whole folders, every scheme, read again; threads; wrong jobs. */
#include "quant_help.h"

#include "base/sha256.h"
#include "quant/quantize.h"

#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HIDDEN = 64, INNER = 128, LAYERS = 2, VOCAB = 51, POSITIONS = 20, LABELS = 3, MOST = 64 };

/* ---- A small model ---- */

typedef struct small_model {
    char names[MOST][96];
    test_tensor tensors[MOST];
    float *values[MOST];
    size_t n;
} small_model;

static const char config_text[] =
    "{\"model_type\":\"bert\",\"architectures\":[\"%s\"],\"vocab_size\":51,\"hidden_size\":"
    "64,"
    "\"num_hidden_layers\":2,\"num_attention_heads\":2,\"intermediate_size\":128,\"max_position_embeddings\":20,"
    "\"type_vocab_size\":2,\"hidden_act\":\"gelu\",\"layer_norm_eps\":1e-12,\"initializer_range\":0.02%s}";
static const char labels_text[] =
    ",\"id2label\":{\"0\":\"a\",\"1\":\"b\",\"2\":\"c\"},\"label2id\":{\"a\":0,\"b\":1,\"c\":2}";

static void add(small_model *m, uint64_t *seed, const char *name, uint64_t rows, uint64_t columns)
{
    tb_error err = {0};
    size_t n = (size_t)(rows * (columns ? columns : 1)), i = m->n++;
    assert_true(i < MOST);
    snprintf(m->names[i], sizeof m->names[i], "%s", name);
    m->values[i] = tb_calloc(n, sizeof(float), &err);
    for (size_t k = 0; k < n; k++)
        m->values[i][k] = test_normal(seed) * 0.05f;
    m->tensors[i] = (test_tensor){m->names[i], TB_F32, columns ? 2 : 1, {rows, columns}, m->values[i]};
}

static void add_pair(small_model *m, uint64_t *seed, const char *module, uint64_t rows, uint64_t columns)
{
    char name[128];
    snprintf(name, sizeof name, "%s.weight", module);
    add(m, seed, name, rows, columns);
    snprintf(name, sizeof name, "%s.bias", module);
    add(m, seed, name, rows, 0);
}

/* head: 2 with pooler and classifier, 1 with the pooler, 0 with none. */
static small_model *make_model(int head, size_t hidden)
{
    tb_error err = {0};
    small_model *m = tb_calloc(1, sizeof *m, &err);
    uint64_t seed = 42;
    char name[96];
    static const char *const inner[] = {
        "attention.self.query",       "attention.self.key", "attention.self.value", "attention.output.dense",
        "attention.output.LayerNorm", "intermediate.dense", "output.dense",         "output.LayerNorm"};
    add(m, &seed, "bert.embeddings.word_embeddings.weight", VOCAB, hidden);
    add(m, &seed, "bert.embeddings.position_embeddings.weight", POSITIONS, hidden);
    add(m, &seed, "bert.embeddings.token_type_embeddings.weight", 2, hidden);
    add_pair(m, &seed, "bert.embeddings.LayerNorm", hidden, 0);
    for (int layer = 0; layer < LAYERS; layer++) {
        for (size_t k = 0; k < 8; k++) {
            snprintf(name, sizeof name, "bert.encoder.layer.%d.%s", layer, inner[k]);
            bool norm = k == 4 || k == 7;
            add_pair(m, &seed, name, k == 5 ? INNER : hidden, norm ? 0 : k == 6 ? INNER : hidden);
        }
    }
    if (head >= 1)
        add_pair(m, &seed, "bert.pooler.dense", hidden, hidden);
    if (head >= 2)
        add_pair(m, &seed, "classifier", LABELS, hidden);
    else
        add(m, &seed, "cls.predictions.decoder.weight", VOCAB, hidden);
    return m;
}

static void free_model(small_model *m)
{
    for (size_t i = 0; i < m->n; i++)
        free(m->values[i]);
    free(m);
}

static void write_text(const char *dir, const char *file, const char *text)
{
    tb_error err = {0};
    char *path = tb_path_join(dir, file, &err);
    assert_ok(tb_write_file(path, text, strlen(text), &err), &err);
    free(path);
}

/* labels NULL: a config of a base model, which names none. */
static void write_model(const char *dir, const small_model *m, const char *labels)
{
    char text[2048];
    write_tensors(dir, m->tensors, m->n);
    snprintf(text, sizeof text, config_text, labels ? "BertForSequenceClassification" : "BertModel",
             labels ? labels : "");
    write_text(dir, "config.json", text);
    write_text(dir, "vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\nkata\n");
    write_text(dir, "tokenizer_config.json", "{\"do_lower_case\": true}  ");
}

static const float *source_values(const small_model *m, const char *module)
{
    char name[128];
    snprintf(name, sizeof name, "%s.weight", module);
    for (size_t i = 0; i < m->n; i++) {
        if (strcmp(m->names[i], name) == 0)
            return m->values[i];
    }
    fail_msg("no %s", name);
    return NULL;
}

/* ---- Jobs ---- */

static timbang_status quantize(const char *from, const char *to, const char *scheme, int threads,
                               const tb_quantize_job *more, tb_error *err)
{
    tb_quantize_job job = more ? *more : (tb_quantize_job){0};
    tb_folder *folder;
    bool known;
    job.out = to;
    job.kernels = threads % 2 ? tb_kernels_find(NULL, &known) : NULL; /* whatever makes no difference */
    assert_ok(tb_scheme_parse(scheme, 0, NULL, &job.scheme, err), err);
    assert_ok(tb_folder_open(from, &folder, err), err);
    assert_ok(tb_pool_create(threads, &job.pool, err), err);
    job.folder = folder;
    timbang_status status = tb_quantize_folder(&job, err);
    tb_pool_free(job.pool);
    tb_folder_close(folder);
    return status;
}

static void hash_file(const char *dir, const char *file, char hex[65])
{
    tb_error err = {0};
    char *path = tb_path_join(dir, file, &err), *bytes;
    size_t size;
    tb_sha256 hash;
    assert_ok(tb_read_file(path, 0, &bytes, &size, &err), &err);
    tb_sha256_init(&hash);
    tb_sha256_update(&hash, bytes, size);
    tb_sha256_final(&hash, hex);
    free(bytes);
    free(path);
}

static json_t *read_json(const char *dir, const char *file)
{
    tb_error err = {0};
    json_t *json;
    char *path = tb_path_join(dir, file, &err);
    assert_ok(tb_json_load_file(path, &json, &err), &err);
    free(path);
    return json;
}

typedef struct loaded {
    tb_config config;
    tb_quant_map *map;
    tb_state_dict *state;
} loaded;

static loaded load(const char *dir)
{
    loaded l = {0};
    tb_error err = {0};
    tb_folder *folder;
    assert_ok(tb_folder_open(dir, &folder, &err), &err);
    assert_ok(tb_config_load(folder, &l.config, &err), &err);
    assert_ok(tb_quant_map_load(&l.config, "config.json", &l.map, &err), &err);
    tb_folder_close(folder);
    l.state = open_state(dir);
    return l;
}

static void unload(loaded *l)
{
    tb_state_dict_close(l->state);
    tb_quant_map_free(l->map);
    tb_config_free(&l->config);
}

static tb_weight load_weight(const loaded *l, const char *module, bool embedding, size_t rows, size_t columns)
{
    tb_weight w;
    tb_error err = {0};
    assert_ok(
        tb_weight_load(l->state, l->map, module, embedding ? "Embedding" : "Linear", rows, columns, true, &w, &err),
        &err);
    return w;
}

/* ---- Every scheme, read again ---- */

static void check_weight(const loaded *l, const small_model *m, const char *module, bool embedding, size_t rows,
                         size_t columns, tb_weight_kind kind, tb_act_kind act, double bound)
{
    char file_name[128];
    tb_weight w = load_weight(l, module, embedding, rows, columns);
    snprintf(file_name, sizeof file_name, "%s%s", strcmp(module, "classifier") ? "bert." : "", module);
    const float *source = source_values(m, file_name);
    assert_int_equal(w.kind, kind);
    assert_int_equal(w.act, act);
    assert_false(w.foreign);
    double error = 0, size = 0;
    for (size_t i = 0; i < rows * columns; i++) {
        double d = (double)source[i] - (double)tb_weight_value(&w, i / columns, i % columns);
        error += d * d;
        size += (double)source[i] * (double)source[i];
    }
    if (error > bound * size || (bound > 0 && error == 0))
        fail_msg("%s: relative error %g, bound %g", module, error / size, bound);
    tb_weight_free(&w);
}

static void every_scheme_comes_back(void **state)
{
    (void)state;
    static const struct {
        const char *scheme;
        tb_weight_kind words, positions, linear, head;
        tb_act_kind act;
        double words_bound, linear_bound, head_bound;
    } cases[] = {
        {"fp32", TB_WEIGHT_F32, TB_WEIGHT_F32, TB_WEIGHT_F32, TB_WEIGHT_F32, TB_ACT_FLOAT, 0, 0, 0},
        {"fp16", TB_WEIGHT_F16, TB_WEIGHT_F16, TB_WEIGHT_F16, TB_WEIGHT_F16, TB_ACT_FLOAT, 1e-7, 1e-7, 1e-7},
        {"bf16", TB_WEIGHT_BF16, TB_WEIGHT_BF16, TB_WEIGHT_BF16, TB_WEIGHT_BF16, TB_ACT_FLOAT, 1e-5, 1e-5, 1e-5},
        {"int8", TB_WEIGHT_S8, TB_WEIGHT_S8, TB_WEIGHT_S8, TB_WEIGHT_S8, TB_ACT_S8_TOKEN, 1e-4, 1e-4, 1e-4},
        {"int4", TB_WEIGHT_S8, TB_WEIGHT_S8, TB_WEIGHT_S4, TB_WEIGHT_S8, TB_ACT_S8_TOKEN, 1e-4, .009, 1e-4},
        {"int4-g64-e4", TB_WEIGHT_S4_ROW, TB_WEIGHT_S8, TB_WEIGHT_S4, TB_WEIGHT_S8, TB_ACT_S8_TOKEN, .012, .011, 1e-4},
        {"int8-pertensor", TB_WEIGHT_F32, TB_WEIGHT_F32, TB_WEIGHT_S8, TB_WEIGHT_S8, TB_ACT_U8_TEXT_7BIT, 0, 1e-4,
         1e-4},
        {"int4-pertensor", TB_WEIGHT_F32, TB_WEIGHT_F32, TB_WEIGHT_F32, TB_WEIGHT_F32, TB_ACT_FLOAT, 0, .05, .05},
    };
    char *dir = make_temp();
    small_model *m = make_model(2, HIDDEN);
    write_model(dir, m, labels_text);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tb_error err = {0};
        char *out = tb_path_join(dir, cases[i].scheme, &err);
        assert_ok(quantize(dir, out, cases[i].scheme, 2, NULL, &err), &err);
        loaded l = load(out);
        assert_int_equal(l.config.n_labels, 3);
        check_weight(&l, m, "embeddings.word_embeddings", true, VOCAB, HIDDEN, cases[i].words, TB_ACT_FLOAT,
                     cases[i].words_bound);
        check_weight(&l, m, "embeddings.position_embeddings", true, POSITIONS, HIDDEN, cases[i].positions, TB_ACT_FLOAT,
                     cases[i].positions == TB_WEIGHT_S8 ? 1e-4 : cases[i].words_bound);
        check_weight(&l, m, "encoder.layer.1.intermediate.dense", false, INNER, HIDDEN, cases[i].linear, cases[i].act,
                     cases[i].linear_bound);
        check_weight(&l, m, "pooler.dense", false, HIDDEN, HIDDEN, cases[i].head, cases[i].act, cases[i].head_bound);
        check_weight(&l, m, "classifier", false, LABELS, HIDDEN, cases[i].head, cases[i].act, cases[i].head_bound);
        float bias[INNER];
        assert_ok(tb_vector_load(l.state, "encoder.layer.0.intermediate.dense.bias", INNER, bias, &err), &err);
        const char *dtype = json_string_value(json_object_get(l.config.raw, "torch_dtype"));
        dtype = dtype ? dtype : json_string_value(json_object_get(l.config.raw, "dtype"));
        assert_string_equal(dtype, i == 1 ? "float16" : i == 2 ? "bfloat16" : "float32");
        json_t *record = read_json(out, "timbang.json");
        assert_string_equal(json_string_value(json_object_get(record, "scheme")), cases[i].scheme);
        assert_string_equal(json_string_value(json_object_get(record, "role")), "quantized");
        assert_true(json_is_false(json_object_get(record, "untrained_head")));
        char hex[65];
        hash_file(dir, "model.safetensors", hex);
        assert_string_equal(json_string_value(json_object_get(record, "parent_sha256")), hex);
        json_decref(record);
        unload(&l);
        free(out);
    }
    free_model(m);
    drop_temp(dir);
}

/* Every tensor begins at a multiple of its element's size. */
static void tensors_are_aligned(void **state)
{
    (void)state;
    char *dir = make_temp();
    tb_error err = {0};
    small_model *m = make_model(2, HIDDEN);
    write_model(dir, m, labels_text);
    char *out = tb_path_join(dir, "out", &err), *path = tb_path_join(out, "model.safetensors", &err), *bytes;
    assert_ok(quantize(dir, out, "int4-e4", 1, NULL, &err), &err);
    size_t size;
    uint64_t length;
    assert_ok(tb_read_file(path, 0, &bytes, &size, &err), &err);
    memcpy(&length, bytes, 8);
    json_t *header, *value;
    const char *key;
    assert_ok(tb_json_parse(path, bytes + 8, (size_t)length, 0, &header, &err), &err);
    size_t n = 0;
    json_object_foreach(header, key, value)
    {
        const char *dtype = json_string_value(json_object_get(value, "dtype"));
        if (!dtype)
            continue;
        uint64_t at =
            (uint64_t)json_integer_value(json_array_get(json_object_get(value, "data_offsets"), 0)) + 8 + length;
        uint64_t width = strcmp(dtype, "I8") == 0 ? 1 : strcmp(dtype, "I64") == 0 ? 8 : 4;
        assert_int_equal(at % width, 0);
        n++;
    }
    assert_true(n > 60);
    json_decref(header);
    free(bytes);
    free(path);
    free(out);
    free_model(m);
    drop_temp(dir);
}

static void tokenizer_travels_along(void **state)
{
    (void)state;
    char *dir = make_temp(), a[65], b[65];
    tb_error err = {0};
    small_model *m = make_model(2, HIDDEN);
    write_model(dir, m, labels_text);
    char *out = tb_path_join(dir, "out", &err);
    assert_ok(quantize(dir, out, "int8", 1, NULL, &err), &err);
    static const char *const files[] = {"vocab.txt", "tokenizer_config.json"};
    for (size_t i = 0; i < 2; i++) {
        hash_file(dir, files[i], a);
        hash_file(out, files[i], b);
        assert_string_equal(a, b);
    }
    char *absent = tb_path_join(out, "tokenizer.json", &err);
    assert_false(tb_is_file(absent));
    free(absent);
    free(out);
    free_model(m);
    drop_temp(dir);
}

/* And no CPU level: an even number of threads runs in plain C. */
static void threads_change_no_byte(void **state)
{
    (void)state;
    static const char *const schemes[] = {"int8", "int4-e4", "int8-pertensor", "int4-pertensor", "fp16"};
    static const char *const files[] = {"model.safetensors", "config.json", "timbang.json"};
    char *dir = make_temp();
    tb_error err = {0};
    small_model *m = make_model(2, HIDDEN);
    write_model(dir, m, labels_text);
    for (size_t i = 0; i < 5; i++) {
        char first[3][65], hex[65];
        for (int threads = 1; threads <= 3; threads++) {
            char *out = tb_path_join(dir, "out", &err);
            const tb_quantize_job again = {.force = true};
            assert_ok(quantize(dir, out, schemes[i], threads, &again, &err), &err);
            for (size_t k = 0; k < 3; k++) {
                hash_file(out, files[k], threads == 1 ? first[k] : hex);
                if (threads > 1)
                    assert_string_equal(hex, first[k]);
            }
            free(out);
        }
    }
    free_model(m);
    drop_temp(dir);
}

static bool same_integers(const loaded *a, const loaded *b, const char *module, size_t rows, size_t columns)
{
    tb_weight x = load_weight(a, module, false, rows, columns), y = load_weight(b, module, false, rows, columns);
    bool same = memcmp(x.q, y.q, rows * columns) == 0 && memcmp(x.scale, y.scale, rows * sizeof(float)) == 0;
    tb_weight_free(&x);
    tb_weight_free(&y);
    return same;
}

/* int4 weighs errors by the LayerNorm before a linear: another gamma there, and only there, changes the integers. */
static void norms_weigh_errors(void **state)
{
    (void)state;
    char *dir = make_temp();
    tb_error err = {0};
    small_model *m = make_model(2, HIDDEN);
    char *one = tb_path_join(dir, "one", &err), *two = tb_path_join(dir, "two", &err);
    write_model(dir, m, labels_text);
    assert_ok(quantize(dir, one, "int4", 1, NULL, &err), &err);
    bool found = false;
    for (size_t i = 0; i < m->n; i++) {
        if (strcmp(m->names[i], "bert.encoder.layer.0.output.LayerNorm.weight") == 0) {
            m->values[i][5] = 3;
            found = true;
        }
    }
    assert_true(found);
    write_model(dir, m, labels_text);
    assert_ok(quantize(dir, two, "int4", 1, NULL, &err), &err);
    loaded a = load(one), b = load(two);
    assert_false(same_integers(&a, &b, "encoder.layer.1.attention.self.query", HIDDEN, HIDDEN));
    assert_false(same_integers(&a, &b, "encoder.layer.1.attention.self.value", HIDDEN, HIDDEN));
    assert_true(same_integers(&a, &b, "encoder.layer.0.attention.self.query", HIDDEN, HIDDEN));
    assert_true(same_integers(&a, &b, "encoder.layer.1.attention.output.dense", HIDDEN, HIDDEN));
    assert_true(same_integers(&a, &b, "encoder.layer.1.intermediate.dense", INNER, HIDDEN));
    assert_true(same_integers(&a, &b, "encoder.layer.1.output.dense", HIDDEN, INNER));
    unload(&a);
    unload(&b);
    free(one);
    free(two);
    free_model(m);
    drop_temp(dir);
}

/* ---- Heads and labels ---- */

static void base_models_get_a_head(void **state)
{
    (void)state;
    static const char *const labels[] = {"negatif", "positif"};
    for (int head = 0; head < 2; head++) {
        char *dir = make_temp();
        tb_error err = {0};
        small_model *m = make_model(head, HIDDEN);
        write_model(dir, m, NULL);
        char *out = tb_path_join(dir, "out", &err);
        assert_refused("no labels", quantize(dir, out, "int8", 1, NULL, &err), &err, TIMBANG_USAGE,
                       "has no classifier head: give its labels with --labels a,b,c");
        assert_false(tb_is_directory(out));
        tb_quantize_job more = {.labels = labels, .n_labels = 2, .seed = 7, .force = true};
        assert_ok(quantize(dir, out, "int8", 1, &more, &err), &err);
        loaded l = load(out);
        assert_int_equal(l.config.n_labels, 2);
        assert_string_equal(l.config.labels[1], "positif");
        tb_weight w = load_weight(&l, "classifier", false, 2, HIDDEN);
        double sum = 0;
        for (size_t i = 0; i < 2 * HIDDEN; i++)
            sum += pow((double)tb_weight_value(&w, i / HIDDEN, i % HIDDEN), 2);
        assert_true(sqrt(sum / (2 * HIDDEN)) > 0.013 && sqrt(sum / (2 * HIDDEN)) < 0.027); /* initializer_range */
        tb_weight_free(&w);
        w = load_weight(&l, "pooler.dense", false, HIDDEN, HIDDEN);
        if (head == 1)
            assert_true(fabs((double)tb_weight_value(&w, 0, 0) - (double)source_values(m, "bert.pooler.dense")[0]) <
                        1e-3);
        tb_weight_free(&w);
        assert_null(tb_state_dict_find(l.state, "cls.predictions.decoder.weight"));
        json_t *record = read_json(out, "timbang.json");
        assert_true(json_is_true(json_object_get(record, "untrained_head")));
        assert_int_equal(json_integer_value(json_object_get(record, "seed")), 7);
        json_decref(record);
        unload(&l);
        char one[65], two[65], other[65];
        hash_file(out, "model.safetensors", one);
        assert_ok(quantize(dir, out, "int8", 2, &more, &err), &err);
        hash_file(out, "model.safetensors", two);
        more.seed = 8;
        assert_ok(quantize(dir, out, "int8", 1, &more, &err), &err);
        hash_file(out, "model.safetensors", other);
        assert_string_equal(one, two);
        assert_string_not_equal(one, other);
        free(out);
        free_model(m);
        drop_temp(dir);
    }
}

static void labels_of_a_head(void **state)
{
    (void)state;
    static const char *const three[] = {"x", "y", "z"};
    char *dir = make_temp();
    tb_error err = {0};
    small_model *m = make_model(2, HIDDEN);
    write_model(dir, m, NULL);
    char *out = tb_path_join(dir, "out", &err);
    assert_ok(quantize(dir, out, "fp16", 1, NULL, &err), &err);
    loaded l = load(out);
    assert_int_equal(l.config.n_labels, 3);
    assert_string_equal(l.config.labels[2], "LABEL_2");
    unload(&l);
    tb_quantize_job more = {.labels = three, .n_labels = 3, .force = true};
    assert_ok(quantize(dir, out, "fp16", 1, &more, &err), &err);
    l = load(out);
    assert_string_equal(l.config.labels[2], "z");
    unload(&l);
    more.n_labels = 2;
    assert_refused("two", quantize(dir, out, "fp16", 1, &more, &err), &err, TIMBANG_MISMATCH, "has 3 outputs, but 2");
    free(out);
    free_model(m);
    drop_temp(dir);
}

/* ---- Wrong jobs leave nothing ---- */

static size_t count_entries(const char *dir)
{
    char command[600];
    size_t n = 0;
    snprintf(command, sizeof command, "ls -A '%s' | wc -l", dir);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    assert_int_equal(fscanf(pipe, "%zu", &n), 1);
    pclose(pipe);
    return n;
}

static int cancel_later(void *user)
{
    return --*(int *)user < 0;
}

static void failures_leave_nothing(void **state)
{
    (void)state;
    char *dir = make_temp();
    tb_error err = {0};
    small_model *m = make_model(2, HIDDEN);
    char *from = tb_path_join(dir, "from", &err), *out = tb_path_join(dir, "out", &err);
    assert_ok(tb_make_dirs(from, &err), &err);
    write_model(from, m, labels_text);

    /* cancelled at every step */
    int steps = 0;
    for (int at = 0; at < 400; at += at < 20 ? 1 : 17, steps++) {
        int left = at;
        const tb_hooks hooks = {.cancel = cancel_later, .user = &left};
        const tb_quantize_job more = {.hooks = &hooks};
        if (quantize(from, out, "int4", 1, &more, &err) == TIMBANG_OK)
            break;
        assert_int_equal(err.status, TIMBANG_CANCELLED);
        assert_int_equal(count_entries(dir), 1);
    }
    assert_true(steps > 10);
    assert_int_equal(count_entries(dir), 2);

    /* the target is there already */
    assert_true(quantize(from, out, "int8", 1, NULL, &err) != TIMBANG_OK);
    assert_int_equal(count_entries(dir), 2);

    /* quantized already */
    char *again = tb_path_join(dir, "again", &err);
    assert_refused("again", quantize(out, again, "int8", 1, NULL, &err), &err, TIMBANG_UNSUPPORTED,
                   "quantized already");
    assert_int_equal(count_entries(dir), 2);

    /* fp16 overflow names tensor and value */
    m->values[5][3] = 1e6f;
    write_model(from, m, labels_text);
    assert_refused("fp16", quantize(from, again, "fp16", 1, NULL, &err), &err, TIMBANG_DATA,
                   "bert.encoder.layer.0.attention.self.query.weight");
    assert_non_null(strstr(err.text, "1e+06"));
    assert_non_null(strstr(err.text, "bf16"));
    m->values[5][3] = NAN;
    write_model(from, m, labels_text);
    assert_refused("nan", quantize(from, again, "int8", 1, NULL, &err), &err, TIMBANG_DATA, "attention.self.query");
    assert_int_equal(count_entries(dir), 2);

    m->values[5][3] = 0.1f;
    write_model(from, m, labels_text);

    /* a place where nothing can be made, for root neither */
    char *nowhere = tb_path_join(from, "config.json/out", &err);
    assert_true(quantize(from, nowhere, "int8", 1, NULL, &err) != TIMBANG_OK);
    assert_non_null(strstr(err.text, "config.json/out"));
    assert_int_equal(count_entries(dir), 2);
    free(nowhere);

    /* a full disk, at several sizes */
    struct rlimit before, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    for (rlim_t size = 0; size < 72000; size += 9000) {
        small = before;
        small.rlim_cur = size;
        setrlimit(RLIMIT_FSIZE, &small);
        timbang_status status = quantize(from, again, "int8", 1, NULL, &err);
        setrlimit(RLIMIT_FSIZE, &before);
        assert_refused("disk full", status, &err, TIMBANG_IO, "cannot be written");
        assert_int_equal(count_entries(dir), 2);
    }
    signal(SIGXFSZ, handler);
    free(again);
    free(out);
    free(from);
    free_model(m);
    drop_temp(dir);
}

static void columns_must_fit_the_group(void **state)
{
    (void)state;
    char *dir = make_temp();
    tb_error err = {0};
    small_model *m = make_model(2, HIDDEN);
    write_model(dir, m, labels_text);
    char *out = tb_path_join(dir, "out", &err);
    assert_refused("g128", quantize(dir, out, "int4-g128", 1, NULL, &err), &err, TIMBANG_USAGE,
                   "bert.encoder.layer.0.attention.self.query.weight");
    assert_non_null(strstr(err.text, "group 64 fits"));
    free(out);
    free_model(m);
    drop_temp(dir);
}

/* ---- The real models ---- */

static void real_models_have_the_right_size(void **state)
{
    (void)state;
    const char *shared = getenv("TIMBANG_SHARED");
    char *dir = make_temp(), from[600];
    tb_error err = {0};
    snprintf(from, sizeof from, "%s/models/mini-id-smsa", shared ? shared : "");
    if (!shared || !tb_is_directory(from)) {
        drop_temp(dir);
        print_message("skipped: no models in TIMBANG_SHARED\n");
        skip();
    }
    static const struct {
        const char *scheme;
        double of_fp32;
    } cases[] = {{"int8", 0.26}, {"int4-e4", 0.17}};
    const double parameters =
        8000 * 384 + 514 * 384 + 2 * 384 + 4 * (4 * 384 * 385 + 2 * 384 * 1536 + 1536 + 5 * 384) + 384 * 385 + 3 * 385;
    for (size_t i = 0; i < 2; i++) {
        char *out = tb_path_join(dir, cases[i].scheme, &err), *path = tb_path_join(out, "model.safetensors", &err);
        struct stat info;
        assert_ok(quantize(from, out, cases[i].scheme, 3, NULL, &err), &err);
        assert_int_equal(stat(path, &info), 0);
        double ratio = (double)info.st_size / (4 * parameters);
        if (ratio > cases[i].of_fp32 || ratio < 0.7 * cases[i].of_fp32)
            fail_msg("%s: %.4f of fp32", cases[i].scheme, ratio);
        free(path);
        free(out);
    }
    drop_temp(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_scheme_comes_back),    cmocka_unit_test(tensors_are_aligned),
        cmocka_unit_test(tokenizer_travels_along),    cmocka_unit_test(threads_change_no_byte),
        cmocka_unit_test(norms_weigh_errors),         cmocka_unit_test(base_models_get_a_head),
        cmocka_unit_test(labels_of_a_head),           cmocka_unit_test(failures_leave_nothing),
        cmocka_unit_test(columns_must_fit_the_group), cmocka_unit_test(real_models_have_the_right_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
