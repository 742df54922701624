/* The masters as a scheme rounds them. Includes: base, kernels, model/trainee.h, quant/round_module.h. Called by:
 * train/run.c. */
#include "train/rounding.h"

#include "quant/round_module.h"

#include <stdlib.h>
#include <string.h>

struct tb_qat {
    tb_scheme scheme;
    const tb_kernels *kernels;
    tb_pool *pool;
    float *importance; /* [room] */
    size_t room;
};

timbang_status tb_qat_create(const tb_scheme *scheme, const tb_kernels *kernels, tb_pool *pool, tb_qat **qat,
                             tb_error *err)
{
    tb_qat *made = tb_calloc(1, sizeof *made, err);
    if (!made)
        return err->status;
    made->scheme = *scheme;
    made->kernels = kernels;
    made->pool = pool;
    *qat = made;
    return TIMBANG_OK;
}

void tb_qat_free(tb_qat *qat)
{
    if (!qat)
        return;
    free(qat->importance);
    free(qat);
}

static timbang_status norm_values(const tb_parameters *parameters, const char *norm, const char *suffix, size_t n,
                                  const float **values, tb_error *err)
{
    char name[TB_NORM_NAME + 8];
    snprintf(name, sizeof name, "%s.%s", norm, suffix);
    size_t i = tb_parameters_find(parameters, name);
    if (i == SIZE_MAX || parameters->items[i].n != n)
        return tb_fail(err, TIMBANG_INTERNAL, "the model in training has no %s of %zu values", name, n);
    *values = parameters->values + parameters->items[i].begin;
    return TIMBANG_OK;
}

/* *importance NULL: all columns count alike. */
static timbang_status column_importance(tb_qat *qat, const tb_parameters *parameters, const char *module, size_t n,
                                        const float **importance, tb_error *err)
{
    char norm[TB_NORM_NAME];
    const float *gamma = NULL, *beta = NULL;
    *importance = NULL;
    if (!tb_module_norm(module, norm))
        return TIMBANG_OK;
    TB_TRY(norm_values(parameters, norm, "weight", n, &gamma, err));
    TB_TRY(norm_values(parameters, norm, "bias", n, &beta, err));
    if (n > qat->room) {
        TB_TRY(tb_grow((void **)&qat->importance, n, sizeof *qat->importance, err));
        qat->room = n;
    }
    tb_norm_importance(gamma, beta, n, qat->importance);
    *importance = qat->importance;
    return TIMBANG_OK;
}

/* int4-pertensor has no integer product: its folder, too, is loaded as floats. */
static timbang_status expand(tb_weight *weight, tb_error *err)
{
    size_t columns = weight->columns;
    weight->values = tb_calloc(weight->rows * columns, sizeof *weight->values, err);
    if (!weight->values)
        return TIMBANG_NO_MEMORY;
    for (size_t r = 0; r < weight->rows; r++) {
        for (size_t i = r * columns; i < (r + 1) * columns; i++)
            weight->values[i] = (float)weight->q[i] * weight->scale[r];
    }
    free(weight->q);
    free(weight->scale);
    weight->q = NULL;
    weight->scale = NULL;
    weight->kind = TB_WEIGHT_F32;
    return TIMBANG_OK;
}

/* What quantize's fp16 and bf16 make of biases and LayerNorm, which other schemes leave as they are. */
static tb_weight vector_weight(const tb_scheme *scheme, size_t n)
{
    bool half = scheme->linear == TB_WEIGHT_F16 || scheme->linear == TB_WEIGHT_BF16;
    return (tb_weight){.kind = half ? scheme->linear : TB_WEIGHT_F32, .act = TB_ACT_FLOAT, .rows = n, .columns = 1};
}

static timbang_status round_parameter(tb_qat *qat, const tb_parameters *parameters, const tb_parameter *item,
                                      const float *w, size_t rows, tb_weight *out, tb_error *err)
{
    static const char suffix[] = ".weight";
    enum { MODULE_NAME = 192 };
    char module[MODULE_NAME];
    const float *importance = NULL;
    size_t length = strlen(item->name), tail = sizeof suffix - 1;
    bool matrix = item->kind == TB_PARAMETER_LINEAR || item->kind == TB_PARAMETER_EMBEDDING;
    tb_weight planned;
    if (strncmp(item->name, "cls.", 4) == 0) { /* what quantize leaves out */
        planned = (tb_weight){.kind = TB_WEIGHT_F32, .act = TB_ACT_FLOAT, .rows = rows, .columns = item->columns};
    } else if (!matrix) {
        planned = vector_weight(&qat->scheme, rows);
    } else {
        if (length <= tail || length - tail >= sizeof module || strcmp(item->name + length - tail, suffix) != 0)
            return tb_fail(err, TIMBANG_INTERNAL, "%s is no name of a matrix", item->name);
        snprintf(module, sizeof module, "%.*s", (int)(length - tail), item->name);
        planned = tb_scheme_weight(&qat->scheme, tb_module_role_of(module), rows, item->columns);
    }
    if (planned.kind == TB_WEIGHT_F32) {
        *out = planned;
        return TIMBANG_OK;
    }
    if (planned.kind == TB_WEIGHT_S4)
        TB_TRY(column_importance(qat, parameters, module, item->columns, &importance, err));
    TB_TRY(tb_round_matrix(&planned, w, importance, qat->kernels, qat->pool, out, err));
    if (planned.kind == TB_WEIGHT_S4_ROW && planned.per_tensor && expand(out, err) != TIMBANG_OK) {
        tb_weight_free(out);
        return TIMBANG_NO_MEMORY;
    }
    return TIMBANG_OK;
}

timbang_status tb_qat_round(void *qat, const tb_parameters *parameters, size_t i, const float *w, size_t rows,
                            tb_weight *out, tb_error *err)
{
    const tb_parameter *item = &parameters->items[i];
    timbang_status status = round_parameter(qat, parameters, item, w, rows, out, err);
    if (status == TIMBANG_DATA)
        tb_fail_prefix(err, "%s", item->file_name);
    return status;
}
