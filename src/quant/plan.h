/* What the quantized folder will hold: every matrix with its scheme, every vector, in Hugging Face's order, and the
 * head that a base model lacks. Includes: base, formats, model/head.h, quant/quantize.h. Called by: quant/quantize.c.
 */
#ifndef TB_QUANT_PLAN_H
#define TB_QUANT_PLAN_H

#include "quant/quantize.h"

typedef struct tb_plan_matrix {
    char *name;      /* canonical: "encoder.layer.0.output.dense" */
    char *file_name; /* "bert.encoder.layer.0.output.dense" */
    bool embedding;
    const float *given; /* values of a new head; NULL: the source's */
    char *norm;         /* the LayerNorm whose output is this linear's input, canonical; NULL: another kind of input */
    tb_weight weight;   /* kind, act, sizes, group, per_tensor; arrays while it is held */
} tb_plan_matrix;

typedef struct tb_plan_vector {
    char *name, *file_name; /* with .weight or .bias */
    size_t n;
    const float *given;
} tb_plan_vector;

typedef struct tb_quant_plan {
    tb_plan_matrix *matrices;
    tb_plan_vector *vectors;
    size_t n_matrices, n_vectors;
    tb_dtype vector_dtype; /* F32, F16 or BF16 */
    bool new_head;
    float *head_weight, *head_bias, *pooler_weight, *pooler_bias; /* of a new head, else NULL */
    tb_arena *arena;                                              /* names */
} tb_quant_plan;

/* config's labels are set: from the job, or LABEL_n where the file says nothing. A base model needs labels. */
timbang_status tb_quant_plan_make(const tb_quantize_job *job, tb_config *config, const tb_state_dict *state,
                                  tb_quant_plan *plan, tb_error *err);
void tb_quant_plan_free(tb_quant_plan *plan); /* a zeroed plan is fine */

#endif
