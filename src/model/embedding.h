/* Embedding tables as they are kept in memory (float, half, s8 or 4 bits a row) and the lookup of one row.
 * Includes: formats/weights.h, kernels. Called by: model (load, encoder, trainee). */
#ifndef TB_MODEL_EMBEDDING_H
#define TB_MODEL_EMBEDDING_H

#include "formats/weights.h"
#include "kernels/kernels.h"

typedef struct tb_embedding {
    tb_weight_kind kind; /* F32, F16, BF16, S8, S4_ROW */
    size_t rows, columns;
    float *values;
    uint16_t *half;
    int8_t *q;
    uint8_t *nibbles; /* [rows][(columns + 1) / 2], low nibble first, q + 8 */
    float *scale;     /* [rows] */
    uint64_t resident_bytes;
} tb_embedding;

/* Takes the arrays of weight over and leaves it empty. */
timbang_status tb_embedding_take(tb_weight *weight, tb_embedding *embedding, tb_error *err);
/* Rows at[0..n) of the table become rows 0..n of weight, which has the table's kind (not F32). */
void tb_embedding_set_rows(tb_embedding *embedding, const tb_weight *weight, const int32_t *at, size_t n);
void tb_embedding_free(tb_embedding *embedding);
/* Row `row` as floats: a pointer into the table, or to out [columns]. */
const float *tb_embedding_row(const tb_embedding *embedding, size_t row, const tb_kernels *kernels, float *out);

#endif
