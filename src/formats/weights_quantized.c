/* compressed-tensors matrices out of a state dict: integers where a kernel or an embedding can use them, else exact
 * float values. And the factors of our two-level scales. The table in weights.h says what becomes of what.
 * Includes: base, formats. Called by: formats/weights.c. */
#include "formats/weights_internal.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_MULTIPLIER = 15, SCALE_BITS = 20, MIN_GROUP = 32 };

/* ---- Two levels ---- */

/* value = mantissa * 2^exponent with an odd mantissa; false unless positive and finite. */
static bool odd_parts(float value, uint32_t *mantissa, int *exponent)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint32_t e = bits >> 23, m = bits & 0x7fffff;
    if (e >= 255 || bits == 0) /* the sign bit makes e >= 256 */
        return false;
    m |= e > 0 ? (uint32_t)1 << 23 : 0;
    *exponent = (int)(e > 0 ? e : 1) - 150;
    while ((m & 1) == 0) {
        m >>= 1;
        ++*exponent;
    }
    *mantissa = m;
    return true;
}

static uint64_t gcd(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t r = a % b;
        a = b;
        b = r;
    }
    return a;
}

/* With multipliers of greatest common divisor 1 the channel scale is the greatest common divisor of the group scales,
 * so there is at most one answer. */
bool tb_two_level_factor(const float *scale, size_t n, float *channel, uint8_t *multiplier)
{
    int lowest = 0;
    uint32_t m;
    for (size_t g = 0; g < n; g++) {
        int e;
        if (!odd_parts(scale[g], &m, &e))
            return false;
        lowest = g == 0 || e < lowest ? e : lowest;
    }
    uint64_t common = 0;
    for (size_t g = 0; g < n; g++) {
        int e;
        odd_parts(scale[g], &m, &e);
        if (e - lowest > 32) /* a ratio that no two multipliers have */
            return false;
        common = gcd((uint64_t)m << (e - lowest), common);
    }
    for (size_t g = 0; g < n; g++) {
        int e;
        odd_parts(scale[g], &m, &e);
        uint64_t ratio = ((uint64_t)m << (e - lowest)) / common;
        if (ratio > MAX_MULTIPLIER)
            return false;
        multiplier[g] = (uint8_t)ratio;
    }
    if (n == 0 || common >= (uint64_t)1 << 24)
        return false;
    uint64_t odd = common;
    while ((odd & 1) == 0)
        odd >>= 1;
    if (odd >= (uint64_t)1 << SCALE_BITS)
        return false;
    *channel = scale[0] / (float)multiplier[0]; /* exact: the quotient is common * 2^lowest */
    return true;
}

/* ---- Reading ---- */

/* A quantized matrix as it lies in the file. */
typedef struct stored {
    const tb_checkpoint *checkpoint;
    const tb_quant_rule *rule;
    const char *module;
    const tb_tensor *values, *scale, *zero_point; /* values: weight or weight_packed */
    bool packed;
    size_t rows, columns, groups; /* groups: scales of a row */
    bool one_scale;               /* for the whole matrix */
    float *scales;                /* [rows][groups], or [1] */
    int8_t *zeros;                /* likewise, or NULL */
} stored;

static const tb_tensor *find(const tb_state_dict *state, const char *module, const char *suffix)
{
    char name[512];
    int n = snprintf(name, sizeof name, "%s.%s", module, suffix);
    return n > 0 && (size_t)n < sizeof name ? tb_state_dict_find(state, name) : NULL;
}

static timbang_status missing(const stored *s, const char *what, tb_error *err)
{
    return tb_fail(err, TIMBANG_MISMATCH,
                   "%s: %s.%s is missing; quantization_config in config.json says by '%s' that the module is quantized",
                   tb_checkpoint_name(s->checkpoint), s->module, what, s->rule->name);
}

static timbang_status wrong_shape(const stored *s, const tb_tensor *tensor, const char *right, tb_error *err)
{
    char shape[160];
    return tb_fail(err, TIMBANG_MISMATCH, "%s: %s is %s %s, but by '%s' of quantization_config it must be %s",
                   tb_checkpoint_name(s->checkpoint), tensor->name, tb_dtype_name(tensor->dtype),
                   tb_shape_text(tensor, shape), s->rule->name, right);
}

static bool has_shape(const tb_tensor *tensor, uint64_t rows, uint64_t columns)
{
    return tensor->rank == 2 && tensor->shape[0] == rows && tensor->shape[1] == columns;
}

static timbang_status find_values(stored *s, const tb_state_dict *state, tb_error *err)
{
    char right[96];
    const tb_tensor *shape = find(state, s->module, "weight_shape");
    s->values = find(state, s->module, "weight_packed");
    s->packed = s->values != NULL;
    if (find(state, s->module, "weight_g_idx"))
        return tb_fail(err, TIMBANG_UNSUPPORTED,
                       "%s: %s.weight_g_idx: columns in groups by activation order, which timbang does not read; "
                       "quantize without actorder",
                       tb_checkpoint_name(s->checkpoint), s->module);
    if (!s->packed) {
        s->values = find(state, s->module, "weight");
        if (!s->values)
            return missing(s, s->rule->bits == 8 ? "weight" : "weight_packed", err);
        snprintf(right, sizeof right, "I8 [%zu, %zu]", s->rows, s->columns);
        if (s->values->dtype != TB_I8 || !has_shape(s->values, s->rows, s->columns))
            return wrong_shape(s, s->values, right, err);
        return TIMBANG_OK;
    }
    size_t words = tb_packed_row_bytes(s->columns, s->rule->bits) / 4;
    snprintf(right, sizeof right, "I32 [%zu, %zu]", s->rows, words);
    if (s->values->dtype != TB_I32 || !has_shape(s->values, s->rows, words))
        return wrong_shape(s, s->values, right, err);
    if (!shape)
        return missing(s, "weight_shape", err);
    if (shape->dtype != TB_I64 || shape->elements != 2)
        return wrong_shape(s, shape, "I64 [2]", err);
    int64_t sizes[2];
    TB_TRY(tb_checkpoint_read(s->checkpoint, shape, 0, 2, sizes, err));
    if (sizes[0] < 0 || (uint64_t)sizes[0] != s->rows || sizes[1] < 0 || (uint64_t)sizes[1] != s->columns)
        return tb_fail(err, TIMBANG_MISMATCH, "%s: %s holds [%lld, %lld], but config.json needs [%zu, %zu]",
                       tb_checkpoint_name(s->checkpoint), shape->name, (long long)sizes[0], (long long)sizes[1],
                       s->rows, s->columns);
    return TIMBANG_OK;
}

static timbang_status read_scales(stored *s, const tb_state_dict *state, tb_error *err)
{
    s->scale = find(state, s->module, "weight_scale");
    if (!s->scale)
        return missing(s, "weight_scale", err);
    char right[96];
    bool fits;
    if (s->one_scale) {
        snprintf(right, sizeof right, "float [1]");
        fits = s->scale->elements == 1;
    } else {
        snprintf(right, sizeof right, "float [%zu, %zu]", s->rows, s->groups);
        fits = has_shape(s->scale, s->rows, s->groups) ||
               (s->groups == 1 && s->scale->rank == 1 && s->scale->shape[0] == s->rows);
    }
    if (!fits || !tb_dtype_is_float(s->scale->dtype))
        return wrong_shape(s, s->scale, right, err);
    size_t n = (size_t)s->scale->elements;
    s->scales = tb_calloc(n, sizeof *s->scales, err);
    if (!s->scales)
        return TIMBANG_NO_MEMORY;
    TB_TRY(tb_checkpoint_read_f32(s->checkpoint, s->scale, 0, n, s->scales, err));
    for (size_t i = 0; i < n; i++) {
        if (s->scales[i] < 0 || s->scales[i] > FLT_MAX / 256)
            return tb_fail(err, TIMBANG_DATA, "%s: %s holds %g at index %zu; a scale is from 0 to 1e36",
                           tb_checkpoint_name(s->checkpoint), s->scale->name, (double)s->scales[i], i);
    }
    return TIMBANG_OK;
}

/* Zero points: int8 of the scales' shape, or packed along the rows as compressed-tensors packs them. */
static timbang_status read_zero_points(stored *s, const tb_state_dict *state, tb_error *err)
{
    s->zero_point = find(state, s->module, "weight_zero_point");
    if (s->rule->symmetric)
        return TIMBANG_OK; /* compressed-tensors ignores one that is there */
    if (!s->zero_point)
        return missing(s, "weight_zero_point", err);
    size_t n = (size_t)s->scale->elements;
    s->zeros = tb_calloc(n, 1, err);
    if (!s->zeros)
        return TIMBANG_NO_MEMORY;
    if (s->zero_point->dtype == TB_I8 && s->zero_point->elements == n)
        return tb_checkpoint_read(s->checkpoint, s->zero_point, 0, n, s->zeros, err);

    int bits = s->rule->bits;
    size_t words = tb_packed_row_bytes(s->rows, bits) / 4;
    char right[96];
    snprintf(right, sizeof right, "I32 [%zu, %zu]", words, s->groups);
    if (s->one_scale || s->zero_point->dtype != TB_I32 || !has_shape(s->zero_point, words, s->groups))
        return wrong_shape(s, s->zero_point, s->one_scale ? "I8 [1]" : right, err);
    size_t in_word = 32 / (size_t)bits;
    uint32_t *line = tb_calloc(s->groups, sizeof *line, err);
    if (!line)
        return TIMBANG_NO_MEMORY;
    timbang_status status = TIMBANG_OK;
    for (size_t r = 0; r < s->rows && status == TIMBANG_OK; r++) {
        if (r % in_word == 0)
            status = tb_checkpoint_read(s->checkpoint, s->zero_point, r / in_word * s->groups, s->groups, line, err);
        for (size_t g = 0; g < s->groups && status == TIMBANG_OK; g++) {
            uint32_t u = line[g] >> (r % in_word * (size_t)bits) & (((uint32_t)1 << bits) - 1);
            s->zeros[r * s->groups + g] = (int8_t)((int)u - (1 << (bits - 1)));
        }
    }
    free(line);
    return status;
}

static timbang_status read_q(const stored *s, int8_t *q, tb_error *err)
{
    size_t n = s->rows * s->columns;
    if (!s->packed) {
        TB_TRY(tb_checkpoint_read(s->checkpoint, s->values, 0, n, q, err));
        for (size_t i = 0; i < n && s->rule->bits == 4; i++) {
            if (q[i] < -8 || q[i] > 7)
                return tb_fail(err, TIMBANG_DATA, "%s: %s holds %d at index %zu; 4 bits are from -8 to 7",
                               tb_checkpoint_name(s->checkpoint), s->values->name, q[i], i);
        }
        return TIMBANG_OK;
    }
    size_t bytes = tb_packed_row_bytes(s->columns, s->rule->bits);
    uint8_t *row = tb_calloc(bytes, 1, err);
    if (!row)
        return TIMBANG_NO_MEMORY;
    timbang_status status = TIMBANG_OK;
    for (size_t r = 0; r < s->rows && status == TIMBANG_OK; r++) {
        status = tb_checkpoint_read(s->checkpoint, s->values, r * (bytes / 4), bytes / 4, row, err);
        if (status == TIMBANG_OK)
            tb_unpack_row(row, s->columns, s->rule->bits, q + r * s->columns);
    }
    free(row);
    return status;
}

/* ---- What becomes of it ---- */

/* One scale a row, or one in all: q stays. */
static timbang_status as_rows(stored *s, tb_weight *weight, tb_weight_kind kind, tb_error *err)
{
    weight->kind = kind;
    weight->per_tensor = s->one_scale;
    if (!s->one_scale) {
        weight->scale = s->scales;
        s->scales = NULL;
        return TIMBANG_OK;
    }
    weight->scale = tb_calloc(s->rows, sizeof *weight->scale, err);
    if (!weight->scale)
        return TIMBANG_NO_MEMORY;
    for (size_t r = 0; r < s->rows; r++)
        weight->scale[r] = s->scales[0];
    return TIMBANG_OK;
}

/* Ours: every row's group scales have their two factors. *fits is false where some row's have not. */
static timbang_status as_two_levels(const stored *s, tb_weight *weight, bool *fits, tb_error *err)
{
    weight->scale = tb_calloc(s->rows, sizeof *weight->scale, err);
    weight->multiplier = weight->scale ? tb_calloc(s->rows, s->groups, err) : NULL;
    if (!weight->multiplier)
        return TIMBANG_NO_MEMORY;
    *fits = true;
    for (size_t r = 0; r < s->rows && *fits; r++)
        *fits = tb_two_level_factor(s->scales + r * s->groups, s->groups, &weight->scale[r],
                                    weight->multiplier + r * s->groups);
    if (*fits) {
        weight->kind = TB_WEIGHT_S4;
        weight->group = s->rule->group;
        return TIMBANG_OK;
    }
    free(weight->scale);
    free(weight->multiplier);
    weight->scale = NULL;
    weight->multiplier = NULL;
    return TIMBANG_OK;
}

/* (q - zero) * scale: the difference is an exact integer below 512, so there is one rounding, as in PyTorch. */
static timbang_status as_floats(const stored *s, tb_weight *weight, tb_error *err)
{
    weight->kind = TB_WEIGHT_F32;
    weight->values = tb_calloc(s->rows * s->columns, sizeof *weight->values, err);
    if (!weight->values)
        return TIMBANG_NO_MEMORY;
    size_t group = s->rule->strategy == TB_STRATEGY_GROUP ? s->rule->group : s->columns;
    for (size_t r = 0; r < s->rows; r++) {
        for (size_t c = 0; c < s->columns; c++) {
            size_t g = s->one_scale ? 0 : r * s->groups + c / group, at = r * s->columns + c;
            int zero = s->zeros ? s->zeros[g] : 0;
            weight->values[at] = (float)(weight->q[at] - zero) * s->scales[g];
        }
    }
    free(weight->q);
    weight->q = NULL;
    return TIMBANG_OK;
}

static timbang_status convert(stored *s, bool embedding, tb_weight *weight, tb_error *err)
{
    const tb_quant_rule *rule = s->rule;
    bool by_row = rule->symmetric && rule->strategy != TB_STRATEGY_GROUP;
    weight->act = rule->act;
    if (embedding && rule->act != TB_ACT_FLOAT)
        return tb_fail(err, TIMBANG_UNSUPPORTED,
                       "%s: by '%s' of quantization_config the inputs of %s are quantized, but those of an embedding "
                       "are token ids",
                       tb_checkpoint_name(s->checkpoint), rule->name, s->module);
    if (embedding && by_row)
        return as_rows(s, weight, rule->bits == 8 ? TB_WEIGHT_S8 : TB_WEIGHT_S4_ROW, err);
    if (rule->act != TB_ACT_FLOAT && by_row)
        return as_rows(s, weight, TB_WEIGHT_S8, err);
    if (rule->act == TB_ACT_U8_TEXT_7BIT)
        return tb_fail(err, TIMBANG_UNSUPPORTED,
                       "%s: '%s' of quantization_config has affine activations of 7 bits with zero points or groups in "
                       "the weights of %s; timbang runs them with one scale a row or a tensor only",
                       tb_checkpoint_name(s->checkpoint), rule->name, s->module);
    if (rule->act == TB_ACT_S8_TOKEN && rule->bits == 4 && rule->symmetric && rule->group % MIN_GROUP == 0) {
        bool fits;
        TB_TRY(as_two_levels(s, weight, &fits, err));
        if (fits)
            return TIMBANG_OK;
    }
    if (rule->act == TB_ACT_S8_TOKEN)
        weight->act = TB_ACT_S8_TOKEN_FAKE;
    weight->per_tensor = !embedding && by_row && s->one_scale && rule->bits == 4; /* int4-pertensor */
    weight->foreign = !weight->per_tensor;
    return as_floats(s, weight, err);
}

timbang_status tb_weight_load_quantized(const tb_state_dict *state, const tb_quant_rule *rule, const char *module,
                                        bool embedding, size_t rows, size_t columns, tb_weight *weight, tb_error *err)
{
    stored s = {.checkpoint = tb_state_dict_checkpoint(state),
                .rule = rule,
                .module = module,
                .rows = rows,
                .columns = columns,
                .groups = 1,
                .one_scale = rule->strategy == TB_STRATEGY_TENSOR};
    if (rule->strategy == TB_STRATEGY_GROUP) {
        if (columns % rule->group != 0)
            return tb_fail(err, TIMBANG_MISMATCH,
                           "%s: %s has %zu columns, which is no multiple of group_size %zu of '%s'",
                           tb_checkpoint_name(s.checkpoint), module, columns, rule->group, rule->name);
        s.groups = columns / rule->group;
    }
    TB_TRY(find_values(&s, state, err));
    weight->stored_bits = (uint8_t)rule->bits;
    timbang_status status = read_scales(&s, state, err);
    if (status == TIMBANG_OK)
        status = read_zero_points(&s, state, err);
    if (status == TIMBANG_OK) {
        weight->q = tb_calloc(rows, columns, err); /* no more than the file holds: shapes agree */
        status = weight->q ? read_q(&s, weight->q, err) : TIMBANG_NO_MEMORY;
    }
    if (status == TIMBANG_OK)
        status = convert(&s, embedding, weight, err);
    if (status == TIMBANG_OK) {
        weight->file_bytes = s.values->bytes + s.scale->bytes + (s.packed ? 2 * sizeof(int64_t) : 0);
        weight->file_bytes += s.zero_point ? s.zero_point->bytes : 0;
    }
    free(s.scales);
    free(s.zeros);
    return status;
}
