/* One weight matrix as a file stores it: float, s8, or 4 bits; plain or compressed-tensors. And the way back: our
 * schemes as compressed-tensors entries. The layout on disk is described in docs/formats.md.
 * Includes: base, kernels (half conversions), formats. Called by: model (load), quant (write), api (info). */
#ifndef TB_FORMATS_WEIGHTS_H
#define TB_FORMATS_WEIGHTS_H

#include "formats/config.h"
#include "formats/state_dict.h"

typedef enum tb_weight_kind {
    TB_WEIGHT_F32,   /* values: float (from F32, F64 or a foreign format, dequantized exactly) */
    TB_WEIGHT_F16,   /* half: bits */
    TB_WEIGHT_BF16,  /* half: bits */
    TB_WEIGHT_S8,    /* q in -128..127 times scale[row] */
    TB_WEIGHT_S4,    /* q in -8..7 times multiplier[row][column/group] times scale[row]: our two levels */
    TB_WEIGHT_S4_ROW /* q in -8..7 times scale[row] (embeddings; per_tensor: int4-pertensor on its way to a file) */
} tb_weight_kind;

typedef enum tb_act_kind {
    TB_ACT_FLOAT,         /* activations stay float */
    TB_ACT_S8_TOKEN,      /* s8, symmetric, dynamic, one scale a token */
    TB_ACT_U8_TEXT_7BIT,  /* affine, 0..127 (PyTorch's reduced range), dynamic, one range a text */
    TB_ACT_S8_TOKEN_FAKE, /* foreign weights that have no integer kernel here: activations rounded as TB_ACT_S8_TOKEN,
                             the product in float */
    TB_ACT_BF16 /* rounded to bfloat16. In no file: what TB_ACT_FLOAT becomes in a model loaded for BF16 compute */
} tb_act_kind;

/* rows x columns = [out][in]. All arrays belong to the struct; a zeroed struct is empty. */
typedef struct tb_weight {
    tb_weight_kind kind;
    tb_act_kind act;
    size_t rows, columns, group;
    float *values;       /* F32: [rows][columns] */
    uint16_t *half;      /* F16, BF16 */
    int8_t *q;           /* S8, S4, S4_ROW: [rows][columns], one value a byte */
    float *scale;        /* [rows] */
    uint8_t *multiplier; /* S4: [rows][columns / group] */
    bool per_tensor;     /* one scale in the file for the whole matrix (also with F32: int4-pertensor after loading) */
    bool foreign;        /* read from a scheme that is not ours; values kept, slower path */
    uint8_t stored_bits; /* of a value in the file: 4, 8, 16, 32, 64; set by tb_weight_load */
    uint64_t file_bytes; /* on disk: values, scales, zero points, shapes; set by tb_weight_load */
} tb_weight;

void tb_weight_free(tb_weight *weight);
/* "float32", "float16", "int8", "int8-pertensor", "int4-g32", "int4-row", ...: how the matrix is stored, for people. */
const char *tb_weight_describe(const tb_weight *weight, char out[32]);

/* Which scheme each module of a quantized folder has, by config.quantization. A map of a config without
 * quantization_config holds no rules; NULL is such a map too. Refused by name, with the next step: other quant_methods
 * (bitsandbytes, gptq, awq, ...), floating-point types, static or per-group activations, quantized outputs, a quantized
 * key-value cache, sparsity, transforms, activation order by group, block scales, widths other than 4 and 8 bits. */
typedef struct tb_quant_map tb_quant_map;
timbang_status tb_quant_map_load(const tb_config *config, const char *where, tb_quant_map **map, tb_error *err);
void tb_quant_map_free(tb_quant_map *map);

/* Loads module ("encoder.layer.0.output.dense", "embeddings.word_embeddings") as [rows][columns] and checks shapes,
 * finite values, and ranges. class_name is "Linear" or "Embedding" (for targets by class). keep_half: F16/BF16 stay
 * 16 bits (embeddings), else they come as TB_WEIGHT_F32.
 *
 * What becomes of a quantized matrix (sym: no zero points):
 *   Linear, activations 8 bits per token, 4 bits in groups that are exact two-level products   S4, TB_ACT_S8_TOKEN
 *   Linear, activations 8 bits per token, sym, one scale a row or a tensor (4 or 8 bits)       S8, TB_ACT_S8_TOKEN
 *   Linear, activations 8 bits per token, anything else                           F32, TB_ACT_S8_TOKEN_FAKE, foreign
 *   Linear, activations 7 bits affine per tensor, sym, one scale a row or a tensor             S8, TB_ACT_U8_TEXT_7BIT
 *   Linear, float activations                                                                  F32, TB_ACT_FLOAT;
 * foreign unless it is int4-pertensor (then per_tensor is set) Embedding, sym, one scale a row or a tensor S8 or S4_ROW
 *   Embedding, anything else                                                                   F32, foreign */
timbang_status tb_weight_load(const tb_state_dict *state, const tb_quant_map *map, const char *module,
                              const char *class_name, size_t rows, size_t columns, bool keep_half, tb_weight *weight,
                              tb_error *err);
/* A one-dimensional float tensor [n] (bias, LayerNorm), by canonical name. */
timbang_status tb_vector_load(const tb_state_dict *state, const char *name, size_t n, float *out, tb_error *err);

/* Exactly dequantized value at [row][column], as a float: (float)(q * multiplier) * scale. */
float tb_weight_value(const tb_weight *weight, size_t row, size_t column);
/* scale[g] = channel * multiplier[g] with multipliers 1..15 of greatest common divisor 1, every product exact, and
 * channel of at most 20 significant bits: finds them where they exist (they are unique), else returns false. */
bool tb_two_level_factor(const float *scale, size_t n, float *channel, uint8_t *multiplier);

/* ---- Writing ---- */
/* The tensor entries that a weight becomes in model.safetensors: names with the suffixes of its format
 * (.weight; .weight + .weight_scale; .weight_packed + .weight_scale + .weight_shape). Returns their number (<= 3).
 * Kind, sizes, group and per_tensor are read, arrays are not. names are made in the arena. */
timbang_status tb_weight_entries(const tb_weight *weight, const char *file_module, tb_arena *arena,
                                 tb_tensor entries[3], size_t *n, tb_error *err);
struct tb_safetensors_writer;
/* All entries in their order; or entry i alone (readers that view tensors in place want wide types first). */
timbang_status tb_weight_write(const tb_weight *weight, struct tb_safetensors_writer *writer, tb_error *err);
timbang_status tb_weight_write_entry(const tb_weight *weight, size_t i, struct tb_safetensors_writer *writer,
                                     tb_error *err);

/* quantization_config for the modules of a model, float ones included: groups of modules with equal kind, act, group.
 * The most frequent scheme of a class is written for the class ("Linear", "Embedding"), the others by exact name, which
 * goes before the class; float modules of a quantized class are in `ignore`. *out is NULL when nothing is quantized. */
typedef struct tb_module_scheme {
    const char *file_module; /* "bert.encoder.layer.0.output.dense" */
    const tb_weight *weight; /* kind, act, group, per_tensor are read; arrays are not */
    bool embedding;
} tb_module_scheme;
timbang_status tb_quantization_config(const tb_module_scheme *modules, size_t n, json_t **out, tb_error *err);

#endif
