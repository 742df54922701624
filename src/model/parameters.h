/* The float masters of a classifier in training, with their gradients, as two flat arrays; read from a folder of any
 * float format. Includes: base, formats. Called by: model/trainee.c, train. */
#ifndef TB_MODEL_PARAMETERS_H
#define TB_MODEL_PARAMETERS_H

#include "base/io.h"
#include "base/pool.h"
#include "formats/config.h"
#include "formats/state_dict.h"

typedef enum tb_parameter_kind {
    TB_PARAMETER_LINEAR,    /* [out][in] */
    TB_PARAMETER_EMBEDDING, /* [rows][hidden] */
    TB_PARAMETER_BIAS,      /* [n] */
    TB_PARAMETER_NORM       /* [n] gamma or beta of a LayerNorm */
} tb_parameter_kind;

typedef struct tb_parameter {
    const char *name;      /* canonical (formats/state_dict.h): "encoder.layer.0.output.dense.weight" */
    const char *file_name; /* as the folder is saved: "bert.encoder.layer.0.output.dense.weight", "classifier.bias" */
    tb_parameter_kind kind;
    size_t rows, columns; /* of a vector: n, 1 */
    size_t depth;         /* 0: embeddings; 1 + i: encoder layer i; 1 + n_layers: pooler and heads */
    size_t begin, n;      /* its place in the flat arrays */
    bool frozen;          /* keeps its value; its gradient is not part of the norm. Set by train */
} tb_parameter;

typedef struct tb_parameters {
    tb_parameter
        *items; /* [n_items], in Hugging Face's order: embeddings, layers, pooler, classifier, cls.predictions */
    size_t n_items;
    size_t n; /* of the flat arrays: every tensor begins at a multiple of 16; what lies between is zero and stays so */
    float *values, *gradients;
    bool new_head; /* classifier (and pooler, where there was none) made from the seed */
    tb_arena *arena;
} tb_parameters;

/* Which heads there are. */
typedef enum tb_task {
    TB_TASK_CLASSIFY, /* pooler and classifier */
    TB_TASK_MLM       /* cls.predictions: dense, LayerNorm, decoder tied to the word embeddings with a bias */
} tb_task;

/* The parameters of config (its labels set) for a task, from state; a head that state lacks is made from the seed as
 * tb_classifier_load makes it. Free with tb_parameters_free. */
timbang_status tb_parameters_load(const tb_state_dict *state, const tb_config *config, tb_task task, uint64_t seed,
                                  tb_parameters **parameters, tb_error *err);
void tb_parameters_free(tb_parameters *parameters);
/* Index of a canonical name, or SIZE_MAX. */
size_t tb_parameters_find(const tb_parameters *parameters, const char *name);

#endif
