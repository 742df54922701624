/* Weights out of a state dict: float ones here, quantized ones in weights_quantized.c; and one value of any kind.
 * Includes: base, kernels (half conversions), formats. Called by: model, quant, api. */
#include "formats/weights_internal.h"

#include <stdlib.h>
#include <string.h>

void tb_weight_free(tb_weight *weight)
{
    free(weight->values);
    free(weight->half);
    free(weight->q);
    free(weight->scale);
    free(weight->multiplier);
    *weight = (tb_weight){0};
}

const char *tb_weight_describe(const tb_weight *weight, char out[32])
{
    const char *tensor = weight->per_tensor ? "-pertensor" : "";
    switch (weight->kind) {
    case TB_WEIGHT_F32:
        if (weight->foreign)
            snprintf(out, 32, "foreign int%d", weight->stored_bits);
        else if (weight->per_tensor)
            snprintf(out, 32, "int4-pertensor");
        else
            snprintf(out, 32, "float%d", weight->stored_bits == 16 ? 16 : weight->stored_bits == 64 ? 64 : 32);
        break;
    case TB_WEIGHT_F16:
        snprintf(out, 32, "float16");
        break;
    case TB_WEIGHT_BF16:
        snprintf(out, 32, "bfloat16");
        break;
    case TB_WEIGHT_S8:
        snprintf(out, 32, "int8%s", tensor);
        break;
    case TB_WEIGHT_S4:
        snprintf(out, 32, "int4-g%zu", weight->group);
        break;
    case TB_WEIGHT_S4_ROW:
        snprintf(out, 32, "int4%s", weight->per_tensor ? tensor : "-row");
        break;
    }
    return out;
}

float tb_weight_value(const tb_weight *weight, size_t row, size_t column)
{
    size_t at = row * weight->columns + column;
    switch (weight->kind) {
    case TB_WEIGHT_F32:
        return weight->values[at];
    case TB_WEIGHT_F16:
        return tb_f16_to_f32(weight->half[at]);
    case TB_WEIGHT_BF16:
        return tb_bf16_to_f32(weight->half[at]);
    case TB_WEIGHT_S4: {
        size_t groups = weight->columns / weight->group;
        int m = weight->multiplier[row * groups + column / weight->group];
        return (float)(weight->q[at] * m) * weight->scale[row];
    }
    default:
        return (float)weight->q[at] * weight->scale[row];
    }
}

static bool join(char *out, size_t size, const char *module, const char *suffix)
{
    int n = snprintf(out, size, "%s.%s", module, suffix);
    return n > 0 && (size_t)n < size;
}

/* Halves as they are, checked: all exponent bits set is NaN or infinity. */
static timbang_status read_half(const tb_state_dict *state, const tb_tensor *tensor, size_t n, uint16_t *out,
                                tb_error *err)
{
    const tb_checkpoint *checkpoint = tb_state_dict_checkpoint(state);
    uint16_t exponent = tensor->dtype == TB_F16 ? 0x7c00 : 0x7f80;
    TB_TRY(tb_checkpoint_read(checkpoint, tensor, 0, n, out, err));
    for (size_t i = 0; i < n; i++) {
        if ((out[i] & exponent) == exponent)
            return tb_fail(err, TIMBANG_DATA, "%s: %s holds %s at index %zu", tb_checkpoint_name(checkpoint),
                           tensor->name, out[i] & ~exponent & 0x7fff ? "NaN" : "infinity", i);
    }
    return TIMBANG_OK;
}

static timbang_status load_plain(const tb_state_dict *state, const char *module, size_t rows, size_t columns,
                                 bool keep_half, tb_weight *weight, tb_error *err)
{
    const tb_checkpoint *checkpoint = tb_state_dict_checkpoint(state);
    char name[512];
    static const char *const traces[] = {"weight_packed", "weight_scale", "weight_zero_point"};
    for (size_t i = 0; i < sizeof traces / sizeof *traces; i++) {
        if (join(name, sizeof name, module, traces[i]) && tb_state_dict_find(state, name))
            return tb_fail(err, TIMBANG_MISMATCH,
                           "%s: %s is there, but quantization_config in config.json has no group for %s",
                           tb_checkpoint_name(checkpoint), name, module);
    }
    if (!join(name, sizeof name, module, "weight"))
        return tb_fail(err, TIMBANG_UNSUPPORTED, "the module name '%.100s...' is too long", module);
    const uint64_t shape[2] = {rows, columns};
    const tb_tensor *tensor;
    TB_TRY(tb_state_dict_require(state, name, 2, shape, &tensor, err));
    if (!tb_dtype_is_float(tensor->dtype))
        return tb_fail(err, TIMBANG_MISMATCH,
                       "%s: %s has type %s, where a float type is expected (no quantization_config in config.json says "
                       "how to read it)",
                       tb_checkpoint_name(checkpoint), tensor->name, tb_dtype_name(tensor->dtype));
    size_t n = rows * columns; /* equals the tensor's elements, so it fits */
    weight->stored_bits = (uint8_t)(tb_dtype_bytes(tensor->dtype) * 8);
    weight->file_bytes = tensor->bytes;
    if (keep_half && (tensor->dtype == TB_F16 || tensor->dtype == TB_BF16)) {
        weight->kind = tensor->dtype == TB_F16 ? TB_WEIGHT_F16 : TB_WEIGHT_BF16;
        weight->half = tb_calloc(n, sizeof *weight->half, err);
        return weight->half ? read_half(state, tensor, n, weight->half, err) : TIMBANG_NO_MEMORY;
    }
    weight->kind = TB_WEIGHT_F32;
    weight->values = tb_calloc(n, sizeof *weight->values, err);
    return weight->values ? tb_checkpoint_read_f32(checkpoint, tensor, 0, n, weight->values, err) : TIMBANG_NO_MEMORY;
}

/* The names by which a target may mean the module: as transformers' classifier has it, and without its prefix. */
static const tb_quant_rule *find_rule(const tb_quant_map *map, const char *module, const char *class_name)
{
    char prefixed[512];
    const char *names[2] = {module, prefixed};
    int n = snprintf(prefixed, sizeof prefixed, "bert.%s", module);
    return tb_quant_map_find(map, names, n > 0 && (size_t)n < sizeof prefixed ? 2 : 1, class_name);
}

timbang_status tb_weight_load(const tb_state_dict *state, const tb_quant_map *map, const char *module,
                              const char *class_name, size_t rows, size_t columns, bool keep_half, tb_weight *weight,
                              tb_error *err)
{
    *weight = (tb_weight){.rows = rows, .columns = columns};
    const tb_quant_rule *rule = find_rule(map, module, class_name);
    bool embedding = strcmp(class_name, "Embedding") == 0;
    timbang_status status = rule ? tb_weight_load_quantized(state, rule, module, embedding, rows, columns, weight, err)
                                 : load_plain(state, module, rows, columns, keep_half, weight, err);
    if (status != TIMBANG_OK)
        tb_weight_free(weight);
    return status;
}

timbang_status tb_vector_load(const tb_state_dict *state, const char *name, size_t n, float *out, tb_error *err)
{
    const uint64_t shape[1] = {n};
    const tb_tensor *tensor;
    TB_TRY(tb_state_dict_require(state, name, 1, shape, &tensor, err));
    const tb_checkpoint *checkpoint = tb_state_dict_checkpoint(state);
    if (!tb_dtype_is_float(tensor->dtype))
        return tb_fail(err, TIMBANG_MISMATCH, "%s: %s has type %s; it must be a float type",
                       tb_checkpoint_name(checkpoint), tensor->name, tb_dtype_name(tensor->dtype));
    return tb_checkpoint_read_f32(checkpoint, tensor, 0, n, out, err);
}
