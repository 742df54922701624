/* One matrix of a scheme. Includes: base, kernels, quant/round_module.h. Called by: quant/plan.c, quant/quantize.c,
 * train/rounding.c. */
#include "quant/round_module.h"

#include <stdlib.h>
#include <string.h>

/* ---- Names ---- */

/* Of "encoder.layer.12.output.dense" the number and "output.dense"; false for other names. */
static bool in_layer(const char *module, size_t *layer, const char **rest)
{
    static const char prefix[] = "encoder.layer.";
    enum { DIGITS = 6 };
    if (strncmp(module, prefix, sizeof prefix - 1) != 0)
        return false;
    const char *digits = module + sizeof prefix - 1;
    size_t n = 0, value = 0;
    for (; n <= DIGITS && digits[n] >= '0' && digits[n] <= '9'; n++)
        value = value * 10 + (size_t)(digits[n] - '0');
    if (n == 0 || n > DIGITS || digits[n] != '.')
        return false;
    *layer = value;
    *rest = digits + n + 1;
    return true;
}

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names; names++) {
        if (strcmp(name, *names) == 0)
            return true;
    }
    return false;
}

static const char *const projections[] = {"attention.self.query", "attention.self.key", "attention.self.value", NULL};

tb_module_role tb_module_role_of(const char *module)
{
    static const char *const linears[] = {"attention.output.dense", "intermediate.dense", "output.dense", NULL};
    static const char *const heads[] = {"pooler.dense", "classifier", NULL};
    static const char *const others[] = {"embeddings.position_embeddings", "embeddings.token_type_embeddings", NULL};
    size_t layer;
    const char *rest;
    if (in_layer(module, &layer, &rest))
        return is_one_of(rest, projections) || is_one_of(rest, linears) ? TB_MODULE_LINEAR : TB_MODULE_NONE;
    if (is_one_of(module, heads))
        return TB_MODULE_HEAD;
    if (strcmp(module, "embeddings.word_embeddings") == 0)
        return TB_MODULE_WORDS;
    return is_one_of(module, others) ? TB_MODULE_OTHER_EMBEDDING : TB_MODULE_NONE;
}

bool tb_module_norm(const char *module, char norm[TB_NORM_NAME])
{
    size_t layer;
    const char *rest;
    if (!in_layer(module, &layer, &rest))
        return false;
    if (strcmp(rest, "intermediate.dense") == 0)
        snprintf(norm, TB_NORM_NAME, "encoder.layer.%zu.attention.output.LayerNorm", layer);
    else if (!is_one_of(rest, projections))
        return false;
    else if (layer == 0)
        snprintf(norm, TB_NORM_NAME, "embeddings.LayerNorm");
    else
        snprintf(norm, TB_NORM_NAME, "encoder.layer.%zu.output.LayerNorm", layer - 1);
    return true;
}

/* ---- What a scheme makes of a matrix ---- */

static tb_weight_kind embedding_kind(tb_embedding_format format)
{
    switch (format) {
    case TB_EMB_F16:
        return TB_WEIGHT_F16;
    case TB_EMB_BF16:
        return TB_WEIGHT_BF16;
    case TB_EMB_S8:
        return TB_WEIGHT_S8;
    case TB_EMB_S4:
        return TB_WEIGHT_S4_ROW;
    default:
        return TB_WEIGHT_F32;
    }
}

tb_weight tb_scheme_weight(const tb_scheme *scheme, tb_module_role role, size_t rows, size_t columns)
{
    tb_weight weight = {.kind = TB_WEIGHT_F32, .act = TB_ACT_FLOAT, .rows = rows, .columns = columns};
    switch (role) {
    case TB_MODULE_WORDS:
        weight.kind = embedding_kind(scheme->word_embeddings);
        break;
    case TB_MODULE_OTHER_EMBEDDING:
        weight.kind = embedding_kind(scheme->other_embeddings);
        break;
    case TB_MODULE_LINEAR:
    case TB_MODULE_HEAD:
        weight.kind = role == TB_MODULE_HEAD ? scheme->head : scheme->linear;
        weight.act = scheme->act;
        weight.per_tensor = scheme->per_tensor;
        weight.group = weight.kind == TB_WEIGHT_S4 ? scheme->group : 0;
        break;
    default:
        break;
    }
    return weight;
}

/* ---- Rounding ---- */

static double mean_square(float gamma, float beta)
{
    return (double)gamma * (double)gamma + (double)beta * (double)beta;
}

void tb_norm_importance(const float *gamma, const float *beta, size_t n, float *importance)
{
    enum { LARGEST = 16 };
    double mean = 0;
    for (size_t i = 0; i < n; i++)
        mean += mean_square(gamma[i], beta[i]) / (double)n;
    for (size_t i = 0; i < n; i++) {
        double h = mean > 0 ? mean_square(gamma[i], beta[i]) / mean : 1;
        importance[i] = (float)(h > LARGEST ? LARGEST : h < 1.0 / LARGEST ? 1.0 / LARGEST : h);
    }
}

static timbang_status round_half(const tb_weight *planned, const float *w, tb_pool *pool, tb_weight *out, tb_error *err)
{
    size_t n = planned->rows * planned->columns;
    *out = (tb_weight){.kind = planned->kind, .rows = planned->rows, .columns = planned->columns};
    out->half = tb_calloc(n, sizeof *out->half, err);
    timbang_status status = out->half ? tb_round_half(w, n, planned->kind, pool, out->half, err) : TIMBANG_NO_MEMORY;
    if (status != TIMBANG_OK)
        tb_weight_free(out);
    return status;
}

timbang_status tb_round_matrix(const tb_weight *planned, const float *w, const float *importance,
                               const tb_kernels *kernels, tb_pool *pool, tb_weight *out, tb_error *err)
{
    size_t rows = planned->rows, columns = planned->columns;
    timbang_status status;
    switch (planned->kind) {
    case TB_WEIGHT_S8:
        status = planned->per_tensor ? tb_quantize_s8_tensor(w, rows, columns, pool, out, err)
                                     : tb_quantize_s8_channel(w, rows, columns, pool, out, err);
        break;
    case TB_WEIGHT_S4:
        status = tb_quantize_s4_two_level(w, rows, columns, planned->group, importance, kernels, pool, out, err);
        break;
    case TB_WEIGHT_S4_ROW:
        status = planned->per_tensor ? tb_quantize_s4_tensor(w, rows, columns, pool, out, err)
                                     : tb_quantize_s4_row(w, rows, columns, kernels, pool, out, err);
        break;
    case TB_WEIGHT_F16:
    case TB_WEIGHT_BF16:
        status = round_half(planned, w, pool, out, err);
        break;
    default:
        return tb_fail(err, TIMBANG_INTERNAL, "weights of kind %d are not rounded", (int)planned->kind);
    }
    if (status == TIMBANG_OK)
        out->act = planned->act;
    return status;
}
