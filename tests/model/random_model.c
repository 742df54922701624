/* Writing random classifiers. Includes: random_model.h, fixture.h, formats, quant, base/rng.h. */
#include "random_model.h"

#include "base/rng.h"
#include "fixture.h"
#include "formats/safetensors.h"
#include "quant/schemes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_PIECES = 96, MAX_NAME = 96 };

/* A tensor with its values, or a matrix that becomes up to three tensors. */
struct piece {
    char name[MAX_NAME];
    bool matrix, embedding;
    tb_weight weight;
    float *values; /* of a vector */
    size_t n;
};

struct maker {
    const random_shape *shape;
    mixture mix;
    tb_rng rng;
    struct piece pieces[MAX_PIECES];
    size_t n;
};

static void must(timbang_status status, const tb_error *err)
{
    if (status != TIMBANG_OK)
        fail_msg("%s", err->text);
}

static float *normals(struct maker *m, size_t n, double mean, double sd)
{
    float *values = calloc(n, sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < n; i++)
        values[i] = (float)(mean + sd * tb_rng_normal(&m->rng));
    return values;
}

static struct piece *add(struct maker *m, const char *module, const char *suffix)
{
    assert_true(m->n < MAX_PIECES);
    struct piece *p = &m->pieces[m->n++];
    int length = snprintf(p->name, sizeof p->name, "%s%s", module, suffix);
    assert_in_range(length, 1, MAX_NAME - 1);
    return p;
}

static void add_vector(struct maker *m, const char *module, const char *suffix, size_t n, double mean)
{
    struct piece *p = add(m, module, suffix);
    p->values = normals(m, n, mean, 0.3);
    p->n = n;
}

static void add_norm(struct maker *m, const char *module)
{
    add_vector(m, module, ".weight", m->shape->hidden, 1);
    add_vector(m, module, ".bias", m->shape->hidden, 0);
}

/* ---- Linear layers ---- */

enum { AS_FLOAT, AS_S8, AS_S4, AS_OTHER_S4, AS_S8_TEXT, ALL_FORMS };

static void round_to(int form, tb_weight *w)
{
    tb_error err;
    tb_weight out = {0};
    if (form == AS_FLOAT)
        return;
    if (form == AS_S8)
        must(tb_quantize_s8_channel(w->values, w->rows, w->columns, NULL, &out, &err), &err);
    else if (form == AS_S8_TEXT)
        must(tb_quantize_s8_tensor(w->values, w->rows, w->columns, NULL, &out, &err), &err);
    else
        must(tb_quantize_s4_two_level(w->values, w->rows, w->columns, 32, NULL, NULL, NULL, &out, &err), &err);
    for (size_t i = 0; form == AS_OTHER_S4 && i < out.rows; i++)
        out.scale[i] *= 1.2345678F; /* too many bits for our two levels: read as floats with rounded inputs */
    out.act = form == AS_S8_TEXT ? TB_ACT_U8_TEXT_7BIT : TB_ACT_S8_TOKEN;
    tb_weight_free(w);
    *w = out;
}

/* A form that fits k columns, and is not `other`. */
static int draw_form(struct maker *m, size_t k, int other)
{
    for (;;) {
        int form = (int)tb_rng_below(&m->rng, ALL_FORMS);
        bool groups = form == AS_S4 || form == AS_OTHER_S4;
        if ((groups && k % 32 != 0) || (form == AS_S8_TEXT && m->mix != MIX_TEXT) || form == other)
            continue;
        return form;
    }
}

static void add_matrix(struct maker *m, const char *module, size_t rows, size_t columns, int form, bool embedding)
{
    struct piece *p = add(m, module, "");
    p->matrix = true;
    p->embedding = embedding;
    p->weight = (tb_weight){.kind = TB_WEIGHT_F32, .act = TB_ACT_FLOAT, .rows = rows, .columns = columns};
    p->weight.values = normals(m, rows * columns, 0, 0.25);
    round_to(form, &p->weight);
}

static void add_linear(struct maker *m, const char *module, size_t out, size_t in, int form)
{
    add_matrix(m, module, out, in, form, false);
    add_vector(m, module, ".bias", out, 0);
}

static void add_layer(struct maker *m, size_t index)
{
    static const char *const kinds[] = {"query", "key", "value"};
    size_t hidden = m->shape->hidden, wide = m->shape->intermediate;
    bool mixed = m->mix != MIX_NONE;
    int last = -1;
    char layer[64], name[MAX_NAME];
    snprintf(layer, sizeof layer, "bert.encoder.layer.%zu", index);
    for (size_t i = 0; i < 3; i++) {
        last = mixed ? draw_form(m, hidden, last) : AS_FLOAT;
        snprintf(name, sizeof name, "%s.attention.self.%s", layer, kinds[i]);
        add_linear(m, name, hidden, hidden, last);
    }
    snprintf(name, sizeof name, "%s.attention.output.dense", layer);
    last = m->mix == MIX_TEXT && index == 0 ? AS_S8_TEXT : mixed ? draw_form(m, hidden, -1) : AS_FLOAT;
    add_linear(m, name, hidden, hidden, last);
    snprintf(name, sizeof name, "%s.attention.output.LayerNorm", layer);
    add_norm(m, name);
    snprintf(name, sizeof name, "%s.intermediate.dense", layer);
    add_linear(m, name, wide, hidden, mixed ? draw_form(m, hidden, -1) : AS_FLOAT);
    snprintf(name, sizeof name, "%s.output.dense", layer);
    add_linear(m, name, hidden, wide, mixed ? draw_form(m, wide, -1) : AS_FLOAT);
    snprintf(name, sizeof name, "%s.output.LayerNorm", layer);
    add_norm(m, name);
}

static void add_all(struct maker *m)
{
    const random_shape *s = m->shape;
    bool mixed = m->mix != MIX_NONE;
    add_matrix(m, "bert.embeddings.word_embeddings", RANDOM_VOCAB, s->hidden, AS_FLOAT, true);
    add_matrix(m, "bert.embeddings.position_embeddings", RANDOM_POSITIONS, s->hidden, AS_FLOAT, true);
    add_matrix(m, "bert.embeddings.token_type_embeddings", RANDOM_TYPES, s->hidden, AS_FLOAT, true);
    add_norm(m, "bert.embeddings.LayerNorm");
    for (size_t i = 0; i < s->layers; i++)
        add_layer(m, i);
    add_linear(m, "bert.pooler.dense", s->hidden, s->hidden, mixed ? draw_form(m, s->hidden, -1) : AS_FLOAT);
    add_linear(m, "classifier", s->labels, s->hidden, mixed ? draw_form(m, s->hidden, -1) : AS_FLOAT);
}

/* ---- Files ---- */

static void write_weights(const struct maker *m, const char *dir)
{
    tb_error err;
    tb_arena *arena = NULL;
    tb_safetensors_writer *writer = NULL;
    tb_tensor tensors[3 * MAX_PIECES];
    size_t n = 0;
    must(tb_arena_create(1 << 14, &arena, &err), &err);
    for (size_t i = 0; i < m->n; i++) {
        const struct piece *p = &m->pieces[i];
        size_t parts = 1;
        if (p->matrix) {
            must(tb_weight_entries(&p->weight, p->name, arena, tensors + n, &parts, &err), &err);
        } else {
            tensors[n] = (tb_tensor){.name = p->name, .dtype = TB_F32, .rank = 1, .shape = {p->n}, .elements = p->n};
            tensors[n].bytes = p->n * sizeof(float);
        }
        n += parts;
    }
    char *path = tb_path_join(dir, "model.safetensors", &err);
    must(tb_safetensors_create(path, tensors, n, &writer, &err), &err);
    for (size_t i = 0; i < m->n; i++) {
        const struct piece *p = &m->pieces[i];
        must(p->matrix ? tb_weight_write(&p->weight, writer, &err)
                       : tb_safetensors_write(writer, p->values, p->n * sizeof(float), &err),
             &err);
    }
    must(tb_safetensors_commit(writer, &err), &err);
    free(path);
    tb_arena_free(arena);
}

static json_t *labels_json(size_t n)
{
    json_t *labels = json_object();
    for (size_t i = 0; i < n; i++) {
        char key[32], label[32];
        snprintf(key, sizeof key, "%zu", i);
        snprintf(label, sizeof label, "class %zu", i);
        json_object_set_new(labels, key, json_string(label));
    }
    return labels;
}

static void write_config(const struct maker *m, const char *dir)
{
    tb_error err;
    const random_shape *s = m->shape;
    tb_module_scheme modules[MAX_PIECES];
    size_t n = 0;
    for (size_t i = 0; i < m->n; i++)
        if (m->pieces[i].matrix)
            modules[n++] = (tb_module_scheme){m->pieces[i].name, &m->pieces[i].weight, m->pieces[i].embedding};
    json_t *quantization = NULL;
    must(tb_quantization_config(modules, n, &quantization, &err), &err);
    json_t *config =
        json_pack("{s:[s], s:s, s:s, s:I, s:I, s:f, s:i, s:I, s:I, s:i, s:i, s:f, s:o}", "architectures",
                  "BertForSequenceClassification", "model_type", "bert", "hidden_act", s->act, "hidden_size",
                  (json_int_t)s->hidden, "intermediate_size", (json_int_t)s->intermediate, "layer_norm_eps", 1e-12,
                  "max_position_embeddings", (int)RANDOM_POSITIONS, "num_attention_heads", (json_int_t)s->heads,
                  "num_hidden_layers", (json_int_t)s->layers, "type_vocab_size", (int)RANDOM_TYPES, "vocab_size",
                  (int)RANDOM_VOCAB, "initializer_range", 0.25, "id2label", labels_json(s->labels));
    assert_non_null(config);
    if (quantization)
        json_object_set_new(config, "quantization_config", quantization);
    char *path = tb_path_join(dir, "config.json", &err);
    must(tb_json_write_file(path, config, &err), &err);
    free(path);
    json_decref(config);
}

static void copy_file(const char *dir, const char *name)
{
    tb_error err;
    char source[128], *bytes = NULL;
    size_t size = 0;
    snprintf(source, sizeof source, "tests/golden/model/tiny-gelu/%s", name);
    char *from = source_path(source), *to = tb_path_join(dir, name, &err);
    must(tb_read_file(from, 0, &bytes, &size, &err), &err);
    must(tb_write_file(to, bytes, size, &err), &err);
    free(bytes);
    free(to);
    free(from);
}

void random_model_write(const char *dir, const random_shape *shape, mixture mix, uint64_t seed)
{
    tb_error err;
    struct maker *m = calloc(1, sizeof *m);
    assert_non_null(m);
    m->shape = shape;
    m->mix = mix;
    m->rng = tb_rng_make(seed, shape->hidden);
    add_all(m);
    must(tb_make_dirs(dir, &err), &err);
    write_weights(m, dir);
    write_config(m, dir);
    copy_file(dir, "vocab.txt");
    copy_file(dir, "tokenizer_config.json");
    for (size_t i = 0; i < m->n; i++) {
        tb_weight_free(&m->pieces[i].weight);
        free(m->pieces[i].values);
    }
    free(m);
}
