/* Embedding tables. Includes: formats/weights.h, kernels. Called by: model/load.c, model/encoder.c. */
#include "model/embedding.h"

#include <stdlib.h>
#include <string.h>

static void pack_row(const int8_t *q, size_t n, uint8_t *to)
{
    memset(to, 0, (n + 1) / 2);
    for (size_t j = 0; j < n; j++)
        to[j / 2] = (uint8_t)(to[j / 2] | (unsigned)(q[j] + 8) << (j % 2 * 4));
}

static timbang_status pack_nibbles(const tb_weight *weight, tb_embedding *embedding, tb_error *err)
{
    size_t stride = (weight->columns + 1) / 2;
    embedding->nibbles = tb_calloc(weight->rows, stride, err);
    if (!embedding->nibbles)
        return err->status;
    for (size_t i = 0; i < weight->rows; i++)
        pack_row(weight->q + i * weight->columns, weight->columns, embedding->nibbles + i * stride);
    return TIMBANG_OK;
}

timbang_status tb_embedding_take(tb_weight *weight, tb_embedding *embedding, tb_error *err)
{
    tb_embedding made = {.kind = weight->kind, .rows = weight->rows, .columns = weight->columns};
    size_t values = weight->rows * weight->columns;
    switch (weight->kind) {
    case TB_WEIGHT_F32:
        made.values = weight->values;
        weight->values = NULL;
        made.resident_bytes = values * 4;
        break;
    case TB_WEIGHT_F16:
    case TB_WEIGHT_BF16:
        made.half = weight->half;
        weight->half = NULL;
        made.resident_bytes = values * 2;
        break;
    case TB_WEIGHT_S8:
        made.q = weight->q;
        weight->q = NULL;
        made.resident_bytes = values + weight->rows * 4;
        break;
    case TB_WEIGHT_S4_ROW:
        TB_TRY(pack_nibbles(weight, &made, err));
        made.resident_bytes = weight->rows * ((weight->columns + 1) / 2 + 4);
        break;
    case TB_WEIGHT_S4:
        return tb_fail(err, TIMBANG_INTERNAL, "an embedding table cannot have two-level groups");
    }
    made.scale = weight->scale;
    weight->scale = NULL;
    tb_weight_free(weight);
    *embedding = made;
    return TIMBANG_OK;
}

void tb_embedding_set_rows(tb_embedding *embedding, const tb_weight *weight, const int32_t *at, size_t n)
{
    size_t columns = embedding->columns, stride = (columns + 1) / 2;
    for (size_t i = 0; i < n; i++) {
        size_t row = (size_t)at[i];
        if (embedding->half)
            memcpy(embedding->half + row * columns, weight->half + i * columns, columns * sizeof *embedding->half);
        if (embedding->q)
            memcpy(embedding->q + row * columns, weight->q + i * columns, columns);
        if (embedding->nibbles)
            pack_row(weight->q + i * columns, columns, embedding->nibbles + row * stride);
        if (embedding->scale)
            embedding->scale[row] = weight->scale[i];
    }
}

void tb_embedding_free(tb_embedding *embedding)
{
    free(embedding->values);
    free(embedding->half);
    free(embedding->q);
    free(embedding->nibbles);
    free(embedding->scale);
    memset(embedding, 0, sizeof *embedding);
}

const float *tb_embedding_row(const tb_embedding *embedding, size_t row, const tb_kernels *kernels, float *out)
{
    size_t n = embedding->columns;
    switch (embedding->kind) {
    case TB_WEIGHT_F32:
        return embedding->values + row * n;
    case TB_WEIGHT_F16:
        kernels->expand_f16(embedding->half + row * n, out, n);
        break;
    case TB_WEIGHT_BF16:
        kernels->expand_bf16(embedding->half + row * n, out, n);
        break;
    case TB_WEIGHT_S8:
        kernels->expand_s8(embedding->q + row * n, embedding->scale[row], out, n);
        break;
    default:
        kernels->expand_s4(embedding->nibbles + row * ((n + 1) / 2), embedding->scale[row], out, n);
        break;
    }
    return out;
}
