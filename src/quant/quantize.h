/* Post-training quantization of a folder into a folder. Includes: base, formats, quant/schemes.h. Called by: study,
 * api. */
#ifndef TB_QUANT_QUANTIZE_H
#define TB_QUANT_QUANTIZE_H

#include "base/pool.h"
#include "quant/calibrated.h"
#include "quant/schemes.h"

/* Random rounding, for null models: scales are drawn at random and every weight is rounded to the nearest anew, so that
 * each matrix has its error within 5 % of the scheme's own (docs/null_models.md). A tensor with one scale gets one a
 * row, and matrices of 4 bits get scales for smaller parts; they are written as 8 bits with the same integers times a
 * multiplier. Biases and LayerNorm stay. Depends on seed, model, the tensor's name and its weights alone. */
typedef struct tb_jitter {
    uint64_t seed, model; /* model: number of the null model */
} tb_jitter;

/* The errors of the scheme's own roundings, matrix by matrix: a first call with jitter fills a zeroed struct, later
 * ones with the same source and scheme are faster by it and write the same bytes. */
typedef struct tb_own_errors {
    double *values;
    size_t n;
} tb_own_errors;
void tb_own_errors_free(tb_own_errors *errors); /* a zeroed struct is fine */

typedef struct tb_quantize_job {
    const tb_folder *folder;   /* source */
    const char *weights_path;  /* or a bare state dict; NULL */
    const char *const *labels; /* replaces the file's names; NULL */
    size_t n_labels;
    uint64_t seed;             /* of a new head */
    const char *source_sha256; /* of the weights, where the caller has it already (tb_source_weights_hash); or NULL */
    tb_scheme scheme;
    const char *out; /* target folder */
    bool force;
    const tb_jitter *jitter;   /* NULL: the scheme's own scales */
    tb_own_errors *own_errors; /* NULL is fine */
    double *weight_error; /* NULL, or filled: squared rounding errors over squared weights, all quantized linears */
    tb_method method; /* other than TB_METHOD_NEAREST: by calibration texts, for a folder whose weights are its own */
    double damping;   /* of tb_calibrate_job */
    tb_calibration_options calibration;
    const tb_kernels *kernels; /* NULL: plain C; they change the time alone */
    tb_pool *pool;
    const tb_hooks *hooks;
} tb_quantize_job;

/* Writes config.json (with quantization_config), model.safetensors, timbang.json, and the tokenizer's files, staged and
 * renamed as a whole. Float tensors that stay float keep their values; a base model without a head gets the same seeded
 * head that tb_classifier_load makes, and timbang.json says so. The source must be a float model. */
timbang_status tb_quantize_folder(const tb_quantize_job *job, tb_error *err);

#endif
