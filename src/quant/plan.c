/* The plan of a quantized folder. Includes: base, formats, model/head.h, quant. Called by: quant/quantize.c. */
#include "quant/plan.h"

#include "model/head.h"
#include "quant/round_module.h"

#include <stdlib.h>
#include <string.h>

enum { LAYER_MATRICES = 6, LAYER_VECTORS = 10, OTHER_MATRICES = 5, OTHER_VECTORS = 4 };

typedef struct planner {
    const tb_quantize_job *job;
    const tb_config *config;
    const tb_state_dict *state;
    tb_quant_plan *plan;
    tb_error *err;
} planner;

/* ---- Labels and head ---- */

static timbang_status plain_labels(tb_config *config, size_t n, tb_error *err)
{
    enum { ROOM = 32 };
    char *text = tb_calloc(n, ROOM, err);
    const char **labels = text ? tb_calloc(n, sizeof *labels, err) : NULL;
    for (size_t i = 0; i < n && labels; i++) {
        snprintf(text + i * ROOM, ROOM, "LABEL_%zu", i);
        labels[i] = text + i * ROOM;
    }
    timbang_status status = labels ? tb_config_set_labels(config, labels, n, err) : TIMBANG_NO_MEMORY;
    free(labels);
    free(text);
    return status;
}

static timbang_status settle_labels(const tb_quantize_job *job, tb_config *config, const tb_tensor *classifier,
                                    const char *where, tb_error *err)
{
    if (!classifier && !job->labels)
        return tb_fail(err, TIMBANG_USAGE, "%s has no classifier head: give its labels with --labels a,b,c", where);
    if (classifier && job->labels && classifier->shape[0] != job->n_labels)
        return tb_fail(err, TIMBANG_MISMATCH, "%s: the classifier has %llu outputs, but %zu labels were given", where,
                       (unsigned long long)classifier->shape[0], job->n_labels);
    if (classifier && job->labels)
        tb_config_warn_renamed(config, job->labels, job->n_labels, where, job->hooks);
    if (job->labels)
        return tb_config_set_labels(config, job->labels, job->n_labels, err);
    if (config->n_labels == 0 && classifier->rank == 2 && classifier->shape[0] <= TB_MAX_K)
        return plain_labels(config, (size_t)classifier->shape[0], err);
    return TIMBANG_OK;
}

static timbang_status new_head(const planner *p)
{
    tb_quant_plan *plan = p->plan;
    size_t hidden = p->config->hidden_size, n = p->config->n_labels;
    double sd = p->config->initializer_range;
    plan->new_head = true;
    plan->head_weight = tb_calloc(n, hidden * sizeof(float), p->err);
    plan->head_bias = plan->head_weight ? tb_calloc(n, sizeof(float), p->err) : NULL;
    if (!plan->head_bias)
        return TIMBANG_NO_MEMORY;
    TB_TRY(tb_new_head(p->job->seed, n, hidden, sd, plan->head_weight, plan->head_bias, p->err));
    if (tb_state_dict_find(p->state, "pooler.dense.weight"))
        return TIMBANG_OK;
    plan->pooler_weight = tb_calloc(hidden, hidden * sizeof(float), p->err);
    plan->pooler_bias = plan->pooler_weight ? tb_calloc(hidden, sizeof(float), p->err) : NULL;
    if (!plan->pooler_bias)
        return TIMBANG_NO_MEMORY;
    return tb_new_pooler(p->job->seed, hidden, sd, plan->pooler_weight, plan->pooler_bias, p->err);
}

/* ---- Entries ---- */

static char *keep_name(const planner *p, const char *prefix, const char *name, const char *suffix)
{
    char text[256];
    int n = snprintf(text, sizeof text, "%s%s%s", prefix, name, suffix);
    return tb_arena_strndup(p->plan->arena, text, (size_t)n, p->err); /* our own names: they fit */
}

static const char *file_prefix(const char *name)
{
    return strcmp(name, "classifier") == 0 ? "" : "bert.";
}

static timbang_status add_matrix(const planner *p, const char *name, size_t rows, size_t columns, const float *given)
{
    tb_plan_matrix *m = &p->plan->matrices[p->plan->n_matrices++];
    tb_module_role role = tb_module_role_of(name);
    *m = (tb_plan_matrix){.embedding = role == TB_MODULE_WORDS || role == TB_MODULE_OTHER_EMBEDDING, .given = given};
    m->weight = tb_scheme_weight(&p->job->scheme, role, rows, columns);
    m->name = keep_name(p, "", name, "");
    m->file_name = m->name ? keep_name(p, file_prefix(name), name, "") : NULL;
    return m->file_name ? TIMBANG_OK : TIMBANG_NO_MEMORY;
}

static timbang_status add_vector(const planner *p, const char *module, const char *suffix, size_t n, const float *given)
{
    tb_plan_vector *v = &p->plan->vectors[p->plan->n_vectors++];
    *v = (tb_plan_vector){.n = n, .given = given};
    v->name = keep_name(p, "", module, suffix);
    v->file_name = v->name ? keep_name(p, file_prefix(module), module, suffix) : NULL;
    return v->file_name ? TIMBANG_OK : TIMBANG_NO_MEMORY;
}

static timbang_status add_linear(const planner *p, const char *name, size_t rows, size_t columns, const float *weight,
                                 const float *bias)
{
    char norm[TB_NORM_NAME];
    TB_TRY(add_matrix(p, name, rows, columns, weight));
    if (tb_module_norm(name, norm)) {
        tb_plan_matrix *m = &p->plan->matrices[p->plan->n_matrices - 1];
        m->norm = keep_name(p, "", norm, "");
        if (!m->norm)
            return TIMBANG_NO_MEMORY;
    }
    return add_vector(p, name, ".bias", rows, bias);
}

static timbang_status add_norm(const planner *p, const char *name)
{
    TB_TRY(add_vector(p, name, ".weight", p->config->hidden_size, NULL));
    return add_vector(p, name, ".bias", p->config->hidden_size, NULL);
}

static timbang_status add_embedding(const planner *p, const char *name, size_t rows)
{
    char tensor_name[256];
    const tb_scheme *scheme = &p->job->scheme;
    TB_TRY(add_matrix(p, name, rows, p->config->hidden_size, NULL));
    tb_plan_matrix *m = &p->plan->matrices[p->plan->n_matrices - 1];
    /* fp32 widens everything; the per-tensor baselines are PyTorch's models, whose embeddings are float. */
    if (m->weight.kind != TB_WEIGHT_F32 || scheme->linear == TB_WEIGHT_F32 || scheme->per_tensor)
        return TIMBANG_OK;
    snprintf(tensor_name, sizeof tensor_name, "%s.weight", name);
    const tb_tensor *tensor = tb_state_dict_find(p->state, tensor_name);
    if (tensor && tensor->dtype == TB_F16)
        m->weight.kind = TB_WEIGHT_F16;
    else if (tensor && tensor->dtype == TB_BF16)
        m->weight.kind = TB_WEIGHT_BF16;
    return TIMBANG_OK;
}

static timbang_status add_layer(const planner *p, size_t layer)
{
    static const char *const inner[] = {"attention.self.query", "attention.self.key", "attention.self.value",
                                        "attention.output.dense"};
    const tb_config *c = p->config;
    size_t hidden = c->hidden_size, inside = c->intermediate_size;
    char name[128];
    for (size_t i = 0; i < sizeof inner / sizeof *inner; i++) {
        snprintf(name, sizeof name, "encoder.layer.%zu.%s", layer, inner[i]);
        TB_TRY(add_linear(p, name, hidden, hidden, NULL, NULL));
    }
    snprintf(name, sizeof name, "encoder.layer.%zu.attention.output.LayerNorm", layer);
    TB_TRY(add_norm(p, name));
    snprintf(name, sizeof name, "encoder.layer.%zu.intermediate.dense", layer);
    TB_TRY(add_linear(p, name, inside, hidden, NULL, NULL));
    snprintf(name, sizeof name, "encoder.layer.%zu.output.dense", layer);
    TB_TRY(add_linear(p, name, hidden, inside, NULL, NULL));
    snprintf(name, sizeof name, "encoder.layer.%zu.output.LayerNorm", layer);
    return add_norm(p, name);
}

static timbang_status add_all(const planner *p)
{
    const tb_config *c = p->config;
    tb_quant_plan *plan = p->plan;
    size_t layers = c->num_hidden_layers;
    plan->matrices = tb_calloc(layers * LAYER_MATRICES + OTHER_MATRICES, sizeof *plan->matrices, p->err);
    plan->vectors = tb_calloc(layers * LAYER_VECTORS + OTHER_VECTORS, sizeof *plan->vectors, p->err);
    if (!plan->matrices || !plan->vectors)
        return TIMBANG_NO_MEMORY;
    TB_TRY(add_embedding(p, "embeddings.word_embeddings", c->vocab_size));
    TB_TRY(add_embedding(p, "embeddings.position_embeddings", c->max_position_embeddings));
    TB_TRY(add_embedding(p, "embeddings.token_type_embeddings", c->type_vocab_size));
    TB_TRY(add_norm(p, "embeddings.LayerNorm"));
    for (size_t i = 0; i < layers; i++)
        TB_TRY(add_layer(p, i));
    TB_TRY(add_linear(p, "pooler.dense", c->hidden_size, c->hidden_size, plan->pooler_weight, plan->pooler_bias));
    return add_linear(p, "classifier", c->n_labels, c->hidden_size, plan->head_weight, plan->head_bias);
}

timbang_status tb_quant_plan_make(const tb_quantize_job *job, tb_config *config, const tb_state_dict *state,
                                  tb_quant_plan *plan, tb_error *err)
{
    const planner p = {job, config, state, plan, err};
    const tb_tensor *classifier = tb_state_dict_find(state, "classifier.weight");
    *plan = (tb_quant_plan){.vector_dtype = job->scheme.linear == TB_WEIGHT_F16    ? TB_F16
                                            : job->scheme.linear == TB_WEIGHT_BF16 ? TB_BF16
                                                                                   : TB_F32};
    timbang_status status = tb_arena_create(1 << 14, &plan->arena, err);
    if (status == TIMBANG_OK)
        status = settle_labels(job, config, classifier, tb_folder_name(job->folder), err);
    if (status == TIMBANG_OK && !classifier)
        status = new_head(&p);
    if (status == TIMBANG_OK)
        status = add_all(&p);
    if (status != TIMBANG_OK)
        tb_quant_plan_free(plan);
    return status;
}

void tb_quant_plan_free(tb_quant_plan *plan)
{
    for (size_t i = 0; i < plan->n_matrices; i++)
        tb_weight_free(&plan->matrices[i].weight);
    free(plan->matrices);
    free(plan->vectors);
    free(plan->head_weight);
    free(plan->head_bias);
    free(plan->pooler_weight);
    free(plan->pooler_bias);
    tb_arena_free(plan->arena);
    *plan = (tb_quant_plan){0};
}
