/* A linear layer, packed for the kernels, and its input as the layer wants it (float, bf16, s8 a token, u8 a text).
 * Includes: base, kernels, formats/weights.h. Called by: model (load, passes, trainee). */
#ifndef TB_MODEL_LINEAR_H
#define TB_MODEL_LINEAR_H

#include "base/pool.h"
#include "formats/weights.h"
#include "kernels/kernels.h"
#include "model/compute.h"

typedef struct tb_linear {
    size_t in, out;
    tb_weight_kind kind;   /* F32, BF16 (compute, not storage), S8 or S4 */
    tb_act_kind act;       /* TB_ACT_BF16 with BF16 */
    size_t group;          /* S4 */
    float *panels_f32;     /* F32: packed panels */
    uint16_t *panels_bf16; /* BF16 */
    int8_t *panels_s8;     /* S8 */
    uint8_t *panels_s4;    /* S4: 4 bits a weight, unpacked a panel at a time */
    int32_t *colsum;       /* [out] S8, S4 */
    float *col_scale;      /* [out] S8, S4 */
    float *bias;           /* [out] */
    bool has_minus128;
    uint64_t resident_bytes;
} tb_linear;

/* Packs weight into blocks of the arena, which outlives the layer; bias [out] is taken over. The weight can be freed
 * afterwards. compute is about float weights whose activations are floats; others stay what they are. */
timbang_status tb_linear_pack(const tb_weight *weight, float *bias, tb_compute compute, const tb_kernels *kernels,
                              tb_pool *pool, tb_arena *arena, tb_linear *linear, tb_error *err);
/* Other values of the same weight (sizes, kind, act, group) in the same place; the bias stays. */
void tb_linear_repack(tb_linear *linear, const tb_weight *weight, const tb_kernels *kernels, tb_pool *pool);
void tb_linear_free(tb_linear *linear);
/* Bytes of per-thread scratch that tb_linear_forward needs (one unpacked panel); 0 for most. */
size_t tb_linear_scratch(const tb_linear *linear, const tb_kernels *kernels);

/* Rows in every form that a linear may ask for; made by tb_input_prepare. */
typedef struct tb_input {
    const float *x; /* [m][ldx] */
    size_t ldx;
    int8_t *a; /* [m][lda] quantized */
    size_t lda;
    float *row_scale; /* [m] */
    float *fake;      /* [m][k] rounded floats (foreign schemes); NULL where no layer needs them */
    uint16_t *half;   /* [m][tb_input_half_stride(k)] rounded to bfloat16; NULL where no layer needs them */
} tb_input;

/* Values from one row of tb_input.half to the next. */
static inline size_t tb_input_half_stride(size_t k)
{
    return tb_round_up(k, 32) | 32; /* an odd number of cache lines: rows do not fall on the same sets */
}

/* Makes rows [begin, end) of the form that act wants from input->x, k values each. For TB_ACT_U8_TEXT_7BIT these rows
 * must be exactly one text: their range is common. */
void tb_input_prepare(tb_input *input, tb_act_kind act, size_t begin, size_t end, size_t k, const tb_kernels *kernels);

/* Columns [begin, end) of out[m][ldo] = act(input · Wᵀ + bias) + residual; begin is a multiple of tb_linear_grain.
 * scratch: tb_linear_scratch bytes. */
void tb_linear_forward(const tb_linear *linear, const tb_input *input, size_t m, size_t begin, size_t end, float *out,
                       size_t ldo, tb_activation act, const float *residual, size_t ld_residual,
                       const tb_kernels *kernels, void *scratch);
/* Columns of a panel: where a product may be cut. */
size_t tb_linear_grain(const tb_linear *linear, const tb_kernels *kernels);

#endif
