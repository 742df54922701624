/* Tests of train/rounding.c: for every scheme, what training sees is what the saved folder holds, bit by bit. */
#include "small_model.h"

#include "quant/quantize.h"
#include "train/rounding.h"

static const char *const schemes[] = {"fp32",
                                      "fp16",
                                      "bf16",
                                      "int8",
                                      "int8-ef",
                                      "int8-e4",
                                      "int4",
                                      "int4-g64",
                                      "int4-g128",
                                      "int4-e4",
                                      "int4-g64-e4",
                                      "int4-g128-e4",
                                      "int4-ef",
                                      "int8-pertensor",
                                      "int8-pertensor-e8",
                                      "int4-pertensor",
                                      "int4-pertensor-e4"};
enum { SCHEMES = sizeof schemes / sizeof *schemes };

typedef struct saved {
    tb_config config;
    tb_quant_map *map;
    tb_state_dict *state;
} saved;

static saved quantize_and_open(const char *from, const char *to, const tb_scheme *scheme, tb_pool *pool)
{
    saved s = {0};
    tb_error err = {0};
    tb_folder *folder;
    assert_ok(tb_folder_open(from, &folder, &err), &err);
    const tb_quantize_job job = {.folder = folder, .scheme = *scheme, .out = to, .force = true, .pool = pool};
    assert_ok(tb_quantize_folder(&job, &err), &err);
    tb_folder_close(folder);
    assert_ok(tb_folder_open(to, &folder, &err), &err);
    assert_ok(tb_config_load(folder, &s.config, &err), &err);
    assert_ok(tb_quant_map_load(&s.config, "config.json", &s.map, &err), &err);
    tb_folder_close(folder);
    s.state = open_state(to);
    return s;
}

static void close_saved(saved *s)
{
    tb_state_dict_close(s->state);
    tb_quant_map_free(s->map);
    tb_config_free(&s->config);
}

static void same_bytes(const char *scheme, const char *name, const char *what, const void *a, const void *b, size_t n)
{
    if ((a == NULL) != (b == NULL) || (a && memcmp(a, b, n) != 0))
        fail_msg("%s: %s: %s differ from the folder's", scheme, name, what);
}

/* `seen` has rows[0..n) of the folder's matrix (NULL: all of them). own: the masters. */
static void same_matrix(const char *scheme, const tb_parameter *item, const tb_weight *seen, const tb_weight *file,
                        const float *own, const size_t *rows, size_t n)
{
    size_t columns = file->columns, groups = file->group ? columns / file->group : 0;
    if (seen->kind != file->kind || seen->act != file->act || seen->group != file->group ||
        seen->per_tensor != file->per_tensor || seen->rows != n || seen->columns != columns)
        fail_msg("%s: %s: another kind than the folder's", scheme, item->name);
    if (file->kind == TB_WEIGHT_F32 && !seen->values)
        same_bytes(scheme, item->name, "masters", own, file->values, file->rows * columns * sizeof *own);
    for (size_t i = 0; i < n; i++) {
        size_t r = rows ? rows[i] : i;
        if (seen->values)
            same_bytes(scheme, item->name, "values", seen->values + i * columns, file->values + r * columns,
                       columns * sizeof(float));
        if (file->half)
            same_bytes(scheme, item->name, "halves", seen->half + i * columns, file->half + r * columns, columns * 2);
        if (file->q)
            same_bytes(scheme, item->name, "integers", seen->q + i * columns, file->q + r * columns, columns);
        if (file->scale)
            same_bytes(scheme, item->name, "scales", &seen->scale[i], &file->scale[r], sizeof(float));
        if (file->multiplier)
            same_bytes(scheme, item->name, "multipliers", seen->multiplier + i * groups, file->multiplier + r * groups,
                       groups);
    }
}

static void check_matrix(const char *scheme, tb_qat *qat, const tb_parameters *p, size_t i, const saved *s)
{
    const tb_parameter *item = &p->items[i];
    const float *own = p->values + item->begin;
    bool embedding = item->kind == TB_PARAMETER_EMBEDDING;
    tb_error err = {0};
    tb_weight seen = {0}, file;
    char module[128];
    snprintf(module, sizeof module, "%.*s", (int)(strlen(item->name) - strlen(".weight")), item->name);
    assert_ok(tb_weight_load(s->state, s->map, module, embedding ? "Embedding" : "Linear", item->rows, item->columns,
                             true, &file, &err),
              &err);
    assert_ok(tb_qat_round(qat, p, i, own, item->rows, &seen, &err), &err);
    same_matrix(scheme, item, &seen, &file, own, NULL, item->rows);
    tb_weight_free(&seen);
    if (embedding && item->rows > 9) { /* some rows, from anywhere */
        const size_t rows[] = {9, 3, item->rows - 1};
        float *some = tb_calloc(3 * item->columns, sizeof *some, &err);
        for (size_t k = 0; k < 3; k++)
            memcpy(some + k * item->columns, own + rows[k] * item->columns, item->columns * sizeof *some);
        assert_ok(tb_qat_round(qat, p, i, some, 3, &seen, &err), &err);
        same_matrix(scheme, item, &seen, &file, own, rows, 3);
        tb_weight_free(&seen);
        free(some);
    }
    tb_weight_free(&file);
}

/* Biases and LayerNorm: halves in fp16 and bf16, else the masters. */
static void check_vector(const char *scheme, tb_qat *qat, const tb_parameters *p, size_t i, const saved *s)
{
    const tb_parameter *item = &p->items[i];
    const float *own = p->values + item->begin;
    tb_error err = {0};
    tb_weight seen = {0};
    float *file = tb_calloc(item->n, sizeof *file, &err);
    assert_ok(tb_vector_load(s->state, item->name, item->n, file, &err), &err);
    assert_ok(tb_qat_round(qat, p, i, own, item->n, &seen, &err), &err);
    for (size_t k = 0; k < item->n; k++) {
        float value = seen.kind == TB_WEIGHT_F32 ? own[k] : tb_weight_value(&seen, k, 0);
        same_bytes(scheme, item->name, "values", &value, &file[k], sizeof value);
    }
    tb_weight_free(&seen);
    free(file);
}

static void training_sees_the_folder(void **state)
{
    (void)state;
    char *dir = make_temp();
    tb_error err = {0};
    tb_config config = {0};
    tb_pool *pool;
    bool known;
    char *from = tb_path_join(dir, "from", &err), *to = tb_path_join(dir, "to", &err);
    assert_ok(tb_make_dirs(from, &err), &err);
    small_model(from, true);
    tb_parameters *p = small_parameters(from, TB_TASK_CLASSIFY, &config);
    assert_ok(tb_pool_create(2, &pool, &err), &err);
    for (size_t k = 0; k < SCHEMES; k++) {
        tb_scheme scheme;
        assert_ok(tb_scheme_parse(schemes[k], 0, NULL, &scheme, &err), &err);
        saved s = quantize_and_open(from, to, &scheme, pool);
        for (int best = 0; best < 2; best++) { /* plain C, and what this machine can do */
            tb_qat *qat;
            assert_ok(tb_qat_create(&scheme, best ? tb_kernels_find(NULL, &known) : NULL, pool, &qat, &err), &err);
            for (size_t i = 0; i < p->n_items; i++) {
                bool matrix = p->items[i].kind == TB_PARAMETER_LINEAR || p->items[i].kind == TB_PARAMETER_EMBEDDING;
                (matrix ? check_matrix : check_vector)(scheme.name, qat, p, i, &s);
            }
            tb_qat_free(qat);
        }
        close_saved(&s);
    }
    tb_pool_free(pool);
    tb_parameters_free(p);
    tb_config_free(&config);
    free(from);
    free(to);
    drop_temp(dir);
}

/* What quantize leaves out has no rounding: the head of a masked-language model. */
static void prediction_head_stays(void **state)
{
    (void)state;
    char *dir = make_temp();
    tb_error err = {0};
    tb_config config = {0};
    tb_scheme scheme;
    tb_qat *qat;
    small_model(dir, false);
    tb_parameters *p = small_parameters(dir, TB_TASK_MLM, &config);
    assert_ok(tb_scheme_parse("int4", 0, NULL, &scheme, &err), &err);
    assert_ok(tb_qat_create(&scheme, NULL, NULL, &qat, &err), &err);
    size_t seen_heads = 0;
    for (size_t i = 0; i < p->n_items; i++) {
        tb_weight seen = {0};
        assert_ok(tb_qat_round(qat, p, i, p->values + p->items[i].begin, p->items[i].rows, &seen, &err), &err);
        if (strncmp(p->items[i].name, "cls.", 4) == 0) {
            assert_true(seen.kind == TB_WEIGHT_F32 && !seen.values && seen.act == TB_ACT_FLOAT);
            seen_heads++;
        }
        tb_weight_free(&seen);
    }
    assert_int_equal(seen_heads, 5);
    tb_qat_free(qat);
    tb_parameters_free(p);
    tb_config_free(&config);
    drop_temp(dir);
}

/* A master that has no rounding names its tensor. */
static void refusals_name_the_tensor(void **state)
{
    (void)state;
    char *dir = make_temp();
    tb_error err = {0};
    tb_config config = {0};
    small_model(dir, true);
    tb_parameters *p = small_parameters(dir, TB_TASK_CLASSIFY, &config);
    size_t i = tb_parameters_find(p, "encoder.layer.1.output.dense.weight");
    static const struct {
        const char *scheme, *text;
        float value;
    } cases[] = {{"int8", "[2, 5]", __builtin_nanf("")},
                 {"int4", "[2, 5]", 2e37f},
                 {"int8-pertensor", "[2, 5]", -__builtin_inff()},
                 {"fp16", "index 517", 1e5f}};
    p->values[p->items[i].begin + 2 * SMALL_INNER + 5] = 0;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        tb_scheme scheme;
        tb_qat *qat;
        tb_weight seen = {0};
        p->values[p->items[i].begin + 2 * SMALL_INNER + 5] = cases[k].value;
        assert_ok(tb_scheme_parse(cases[k].scheme, 0, NULL, &scheme, &err), &err);
        assert_ok(tb_qat_create(&scheme, NULL, NULL, &qat, &err), &err);
        timbang_status status = tb_qat_round(qat, p, i, p->values + p->items[i].begin, p->items[i].rows, &seen, &err);
        assert_refused(cases[k].scheme, status, &err, TIMBANG_DATA, cases[k].text);
        assert_non_null(strstr(err.text, "bert.encoder.layer.1.output.dense.weight: "));
        assert_true(!seen.q && !seen.half && !seen.scale && !seen.multiplier && !seen.values);
        tb_qat_free(qat);
    }
    tb_parameters_free(p);
    tb_config_free(&config);
    drop_temp(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(training_sees_the_folder),
        cmocka_unit_test(prediction_head_stays),
        cmocka_unit_test(refusals_name_the_tensor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
