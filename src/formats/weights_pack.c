/* Weights into files: compressed-tensors' packing of 4 and 8 bits, the tensor entries of a weight, their bytes.
 * Includes: base, formats. Called by: formats/weights_quantized.c (unpacking), quant, model (init). */
#include "formats/safetensors.h"
#include "formats/weights_internal.h"

#include <stdlib.h>
#include <string.h>

size_t tb_packed_row_bytes(size_t columns, int bits)
{
    size_t bytes = bits == 8 ? columns : columns / 2 + columns % 2;
    return bytes / 4 * 4 + (bytes % 4 != 0 ? 4 : 0);
}

void tb_pack_row(const int8_t *q, size_t columns, int bits, uint8_t *out)
{
    memset(out, 0, tb_packed_row_bytes(columns, bits));
    for (size_t i = 0; i < columns; i++) {
        if (bits == 8)
            out[i] = (uint8_t)(q[i] + 128);
        else
            out[i / 2] = (uint8_t)(out[i / 2] | (unsigned)(q[i] + 8) << (i % 2 * 4));
    }
}

void tb_unpack_row(const uint8_t *packed, size_t columns, int bits, int8_t *q)
{
    for (size_t i = 0; i < columns; i++) {
        int value = bits == 8 ? packed[i] - 128 : (packed[i / 2] >> (i % 2 * 4) & 15) - 8;
        q[i] = (int8_t)value;
    }
}

static timbang_status entry(tb_tensor *out, tb_arena *arena, const char *module, const char *suffix, tb_dtype dtype,
                            uint32_t rank, uint64_t rows, uint64_t columns, tb_error *err)
{
    char name[512];
    int length = snprintf(name, sizeof name, "%s.%s", module, suffix);
    if (length < 0 || (size_t)length >= sizeof name)
        return tb_fail(err, TIMBANG_UNSUPPORTED, "the module name '%.100s...' is too long", module);
    *out = (tb_tensor){.dtype = dtype, .rank = rank, .shape = {rows, columns}};
    if (!tb_mul_u64(rows, rank == 2 ? columns : 1, &out->elements) ||
        !tb_mul_u64(out->elements, tb_dtype_bytes(dtype), &out->bytes))
        return tb_fail(err, TIMBANG_UNSUPPORTED, "%s: %llu x %llu values are too many", name, (unsigned long long)rows,
                       (unsigned long long)columns);
    out->name = tb_arena_strndup(arena, name, (size_t)length, err);
    return out->name ? TIMBANG_OK : TIMBANG_NO_MEMORY;
}

timbang_status tb_weight_entries(const tb_weight *weight, const char *file_module, tb_arena *arena,
                                 tb_tensor entries[3], size_t *n, tb_error *err)
{
    uint64_t rows = weight->rows, columns = weight->columns;
    if (weight->kind == TB_WEIGHT_F32 || weight->kind == TB_WEIGHT_F16 || weight->kind == TB_WEIGHT_BF16) {
        tb_dtype dtype = weight->kind == TB_WEIGHT_F32 ? TB_F32 : weight->kind == TB_WEIGHT_F16 ? TB_F16 : TB_BF16;
        *n = 1;
        return entry(&entries[0], arena, file_module, "weight", dtype, 2, rows, columns, err);
    }
    *n = weight->kind == TB_WEIGHT_S8 ? 2 : 3;
    if (weight->kind == TB_WEIGHT_S8) {
        TB_TRY(entry(&entries[0], arena, file_module, "weight", TB_I8, 2, rows, columns, err));
    } else {
        uint64_t words = tb_packed_row_bytes(weight->columns, 4) / 4;
        TB_TRY(entry(&entries[0], arena, file_module, "weight_packed", TB_I32, 2, rows, words, err));
        TB_TRY(entry(&entries[2], arena, file_module, "weight_shape", TB_I64, 1, 2, 0, err));
    }
    if (weight->per_tensor)
        return entry(&entries[1], arena, file_module, "weight_scale", TB_F32, 1, 1, 0, err);
    uint64_t scales = weight->kind == TB_WEIGHT_S4 ? columns / weight->group : 1;
    return entry(&entries[1], arena, file_module, "weight_scale", TB_F32, 2, rows, scales, err);
}

static timbang_status write_packed(const tb_weight *weight, tb_safetensors_writer *writer, tb_error *err)
{
    size_t bytes = tb_packed_row_bytes(weight->columns, 4);
    uint8_t *row = tb_calloc(bytes, 1, err);
    if (!row)
        return TIMBANG_NO_MEMORY;
    timbang_status status = TIMBANG_OK;
    for (size_t r = 0; r < weight->rows && status == TIMBANG_OK; r++) {
        tb_pack_row(weight->q + r * weight->columns, weight->columns, 4, row);
        status = tb_safetensors_write(writer, row, bytes, err);
    }
    free(row);
    return status;
}

static timbang_status write_group_scales(const tb_weight *weight, tb_safetensors_writer *writer, tb_error *err)
{
    size_t groups = weight->columns / weight->group;
    float *row = tb_calloc(groups, sizeof *row, err);
    if (!row)
        return TIMBANG_NO_MEMORY;
    timbang_status status = TIMBANG_OK;
    for (size_t r = 0; r < weight->rows && status == TIMBANG_OK; r++) {
        for (size_t g = 0; g < groups; g++) /* exact: 20 bits times 4 bits */
            row[g] = weight->scale[r] * (float)weight->multiplier[r * groups + g];
        status = tb_safetensors_write(writer, row, groups * sizeof *row, err);
    }
    free(row);
    return status;
}

timbang_status tb_weight_write_entry(const tb_weight *weight, size_t i, tb_safetensors_writer *writer, tb_error *err)
{
    size_t values = weight->rows * weight->columns;
    if (i == 1) {
        if (weight->kind == TB_WEIGHT_S4)
            return write_group_scales(weight, writer, err);
        size_t scales = weight->per_tensor ? 1 : weight->rows;
        return tb_safetensors_write(writer, weight->scale, scales * sizeof(float), err);
    }
    if (i == 2) {
        uint64_t shape[2] = {weight->rows, weight->columns};
        return tb_safetensors_write(writer, shape, sizeof shape, err);
    }
    switch (weight->kind) {
    case TB_WEIGHT_F32:
        return tb_safetensors_write(writer, weight->values, values * sizeof(float), err);
    case TB_WEIGHT_F16:
    case TB_WEIGHT_BF16:
        return tb_safetensors_write(writer, weight->half, values * sizeof(uint16_t), err);
    case TB_WEIGHT_S8:
        return tb_safetensors_write(writer, weight->q, values, err);
    default:
        return write_packed(weight, writer, err);
    }
}

timbang_status tb_weight_write(const tb_weight *weight, tb_safetensors_writer *writer, tb_error *err)
{
    size_t n = weight->kind == TB_WEIGHT_S8                                       ? 2
               : weight->kind == TB_WEIGHT_S4 || weight->kind == TB_WEIGHT_S4_ROW ? 3
                                                                                  : 1;
    for (size_t i = 0; i < n; i++)
        TB_TRY(tb_weight_write_entry(weight, i, writer, err));
    return TIMBANG_OK;
}
