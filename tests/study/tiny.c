/* SPDX-License-Identifier: Apache-2.0
 * Tiny models and data sets. */
#include "tiny.h"

#include "base/rng.h"
#include "base/text.h"
#include "formats/safetensors.h"
#include "report/report.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { HIDDEN = 32, INNER = 64, LAYERS = 2, POSITIONS = 24 };

static const char *const words[] = {"[PAD]",  "[UNK]", "[CLS]", "[SEP]", "[MASK]", "film", "ini",  "bagus", "jelek",
                                    "sekali", "tidak", "saya",  "suka",  "aku",    "mau",  "lagi", "biasa", "saja",
                                    "kurang", "enak",  "mahal", "murah", "cepat",  "lama", "hari", "kota",  "jalan"};
enum { WORDS = sizeof words / sizeof words[0], FIRST_WORD = 5 };

static void on_log(void *user, timbang_log_level level, const char *text)
{
    tiny *t = user;
    size_t used = strlen(t->log);
    if (level == TIMBANG_LOG_WARNING)
        snprintf(t->log + used, sizeof t->log - used, "%s\n", text);
}

static int on_cancel(void *user)
{
    tiny *t = user;
    t->cancel_calls++;
    return t->cancel_after > 0 && t->cancel_calls >= t->cancel_after;
}

void tiny_begin(tiny *t)
{
    memset(t, 0, sizeof *t);
    const char *base = getenv("TMPDIR");
    snprintf(t->dir, sizeof t->dir, "%s/timbang-study-XXXXXX", base && *base && strlen(base) < 200 ? base : "/tmp");
    assert_non_null(mkdtemp(t->dir));
    tb_error err = {0};
    assert_int_equal(tb_pool_create(2, &t->pool, &err), TIMBANG_OK);
    bool known;
    t->kernels = tb_kernels_find(NULL, &known);
    t->hooks = (tb_hooks){.log = on_log, .cancel = on_cancel, .user = t};
}

void tiny_end(tiny *t)
{
    tb_error err = {0};
    assert_int_equal(tb_remove_tree(t->dir, &err), TIMBANG_OK);
    tb_pool_free(t->pool);
}

const char *tiny_path(tiny *t, const char *name)
{
    static _Thread_local char paths[16][512];
    static _Thread_local size_t next;
    char *path = paths[next++ % 16];
    snprintf(path, sizeof paths[0], "%s/%s", t->dir, name);
    return path;
}

void tiny_write(tiny *t, const char *name, const char *text)
{
    tb_error err = {0};
    if (tb_write_file(tiny_path(t, name), text, strlen(text), &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
}

/* ---- Models ---- */

typedef struct tensor_list {
    tb_tensor tensors[64];
    char names[64][96];
    size_t n;
} tensor_list;

static void add(tensor_list *list, const char *name, uint64_t rows, uint64_t columns)
{
    size_t i = list->n++;
    snprintf(list->names[i], sizeof list->names[i], "%s", name);
    uint64_t elements = rows * (columns ? columns : 1);
    list->tensors[i] = (tb_tensor){.name = list->names[i],
                                   .dtype = TB_F32,
                                   .rank = columns ? 2 : 1,
                                   .shape = {rows, columns},
                                   .elements = elements,
                                   .bytes = 4 * elements};
}

static void add_linear(tensor_list *list, const char *name, uint64_t out, uint64_t in)
{
    char full[96];
    snprintf(full, sizeof full, "%s.weight", name);
    add(list, full, out, in);
    snprintf(full, sizeof full, "%s.bias", name);
    add(list, full, out, 0);
}

static void add_layer(tensor_list *list, int layer)
{
    static const struct {
        const char *name;
        uint64_t out, in;
    } parts[] = {{"attention.self.query", HIDDEN, HIDDEN},  {"attention.self.key", HIDDEN, HIDDEN},
                 {"attention.self.value", HIDDEN, HIDDEN},  {"attention.output.dense", HIDDEN, HIDDEN},
                 {"attention.output.LayerNorm", HIDDEN, 0}, {"intermediate.dense", INNER, HIDDEN},
                 {"output.dense", HIDDEN, INNER},           {"output.LayerNorm", HIDDEN, 0}};
    char full[96];
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        snprintf(full, sizeof full, "bert.encoder.layer.%d.%s", layer, parts[i].name);
        add_linear(list, full, parts[i].out, parts[i].in);
    }
}

static void write_weights(const char *path, const tensor_list *list, uint64_t seed)
{
    tb_error err = {0};
    tb_safetensors_writer *writer = NULL;
    assert_int_equal(tb_safetensors_create(path, list->tensors, list->n, &writer, &err), TIMBANG_OK);
    for (size_t i = 0; i < list->n; i++) {
        const tb_tensor *tensor = &list->tensors[i];
        tb_rng rng = tb_rng_make(seed, i);
        bool norm = strstr(tensor->name, "LayerNorm.weight") != NULL;
        for (uint64_t e = 0; e < tensor->elements; e++) {
            float value = (float)(tb_rng_normal(&rng) * (tensor->rank == 2 ? 0.3 : 0.05) + (norm ? 1 : 0));
            assert_int_equal(tb_safetensors_write(writer, &value, sizeof value, &err), TIMBANG_OK);
        }
    }
    if (tb_safetensors_commit(writer, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
}

static size_t count_labels(const char *labels)
{
    if (!labels)
        return 0;
    if (labels[0] == '#')
        return (size_t)atoi(labels + 1);
    size_t n = 1;
    for (const char *at = labels; *at; at++)
        n += *at == ',';
    return n;
}

static void put_label(tb_text *out, const char *labels, size_t i)
{
    if (labels[0] == '#') {
        tb_text_printf(out, "LABEL_%zu", i);
        return;
    }
    while (i-- > 0)
        labels = strchr(labels, ',') + 1;
    tb_text_append(out, labels, strcspn(labels, ","));
}

static void write_config(tiny *t, const char *file, const char *labels)
{
    tb_text text = {0};
    tb_text_printf(
        &text,
        "{\"model_type\": \"bert\", \"architectures\": [\"%s\"], \"hidden_act\": \"gelu\", \"hidden_size\": "
        "%d, \"intermediate_size\": %d, \"num_hidden_layers\": %d, \"num_attention_heads\": 2, \"vocab_size\": "
        "%d, \"max_position_embeddings\": %d, \"type_vocab_size\": 2, \"layer_norm_eps\": 1e-12, "
        "\"initializer_range\": 0.02, \"pad_token_id\": 0",
        labels ? "BertForSequenceClassification" : "BertModel", HIDDEN, INNER, LAYERS, (int)WORDS, POSITIONS);
    if (labels) {
        tb_text_puts(&text, ", \"id2label\": {");
        for (size_t i = 0; i < count_labels(labels); i++) {
            tb_text_printf(&text, "%s\"%zu\": \"", i ? ", " : "", i);
            put_label(&text, labels, i);
            tb_text_puts(&text, "\"");
        }
        tb_text_puts(&text, "}");
    }
    tb_text_puts(&text, "}\n");
    tiny_write(t, file, text.data);
    tb_text_free(&text);
}

void tiny_model(tiny *t, const char *name, uint64_t seed, const char *labels)
{
    tb_error err = {0};
    char file[128];
    assert_int_equal(tb_make_dirs(tiny_path(t, name), &err), TIMBANG_OK);
    snprintf(file, sizeof file, "%s/config.json", name);
    write_config(t, file, labels);
    tb_text vocabulary = {0};
    for (size_t i = 0; i < WORDS; i++)
        tb_text_printf(&vocabulary, "%s\n", words[i]);
    snprintf(file, sizeof file, "%s/vocab.txt", name);
    tiny_write(t, file, vocabulary.data);
    tb_text_free(&vocabulary);
    snprintf(file, sizeof file, "%s/tokenizer_config.json", name);
    tiny_write(t, file, "{\"do_lower_case\": true, \"tokenizer_class\": \"BertTokenizer\"}\n");

    static tensor_list list;
    list.n = 0;
    add(&list, "bert.embeddings.word_embeddings.weight", WORDS, HIDDEN);
    add(&list, "bert.embeddings.position_embeddings.weight", POSITIONS, HIDDEN);
    add(&list, "bert.embeddings.token_type_embeddings.weight", 2, HIDDEN);
    add_linear(&list, "bert.embeddings.LayerNorm", HIDDEN, 0);
    for (int layer = 0; layer < LAYERS; layer++)
        add_layer(&list, layer);
    add_linear(&list, "bert.pooler.dense", HIDDEN, HIDDEN);
    if (labels)
        add_linear(&list, "classifier", count_labels(labels), HIDDEN);
    snprintf(file, sizeof file, "%s/model.safetensors", name);
    write_weights(tiny_path(t, file), &list, seed);
}

/* ---- Data ---- */

void tiny_data(tiny *t, const char *name, size_t n, const char *labels)
{
    tb_text text = {0};
    tb_text_puts(&text, "text\tlabel\n");
    tb_rng rng = tb_rng_make(n, 99);
    for (size_t i = 0; i < n; i++) {
        size_t length = 3 + (size_t)tb_rng_below(&rng, 9);
        for (size_t w = 0; w < length; w++)
            tb_text_printf(&text, "%s ", words[FIRST_WORD + tb_rng_below(&rng, WORDS - FIRST_WORD)]);
        tb_text_printf(&text, "no %zu\t", i);
        put_label(&text, labels, i % count_labels(labels));
        tb_text_puts(&text, "\n");
    }
    tiny_write(t, name, text.data);
    tb_text_free(&text);
}

size_t tiny_entries(tiny *t)
{
    size_t n = 0;
    DIR *dir = opendir(t->dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(dir);
    return n;
}

/* ---- Studies ---- */

void tiny_options(timbang_study_options *options)
{
    memset(options, 0, sizeof *options);
    options->struct_size = sizeof *options;
    options->data_options.struct_size = sizeof options->data_options;
    options->data_options.header = -1;
    options->eval.struct_size = sizeof options->eval;
    options->eval.predict.struct_size = sizeof options->eval.predict;
}

timbang_status tiny_study(tiny *t, const timbang_study_options *options, tb_error *err)
{
    tb_study_job job = {.options = options,
                        .kernels = t->kernels,
                        .pool = t->pool,
                        .hooks = &t->hooks,
                        .latency_texts = 4,
                        .latency_rounds = 2,
                        .latency_seconds = 1e-6,
                        .draw = tb_report_write};
    t->log[0] = '\0';
    t->cancel_calls = 0;
    *err = (tb_error){0};
    return tb_study_run(&job, err);
}

json_t *tiny_json(tiny *t, const char *name)
{
    json_t *value = NULL;
    tb_error err = {0};
    if (tb_json_load_file(tiny_path(t, name), &value, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    return value;
}
