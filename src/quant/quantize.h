/* Post-training quantization of a folder into a folder. Includes: base, formats, quant/schemes.h. Called by: study,
 * api. */
#ifndef TB_QUANT_QUANTIZE_H
#define TB_QUANT_QUANTIZE_H

#include "base/pool.h"
#include "quant/schemes.h"

typedef struct tb_quantize_job {
    const tb_folder *folder;   /* source */
    const char *weights_path;  /* or a bare state dict; NULL */
    const char *const *labels; /* replaces the file's names; NULL */
    size_t n_labels;
    uint64_t seed; /* of a new head */
    tb_scheme scheme;
    const char *out; /* target folder */
    bool force;
    tb_pool *pool;
    const tb_hooks *hooks;
} tb_quantize_job;

/* Writes config.json (with quantization_config), model.safetensors, timbang.json, and the tokenizer's files, staged and
 * renamed as a whole. Float tensors that stay float keep their values; a base model without a head gets the same seeded
 * head that tb_classifier_load makes, and timbang.json says so. The source must be a float model. */
timbang_status tb_quantize_folder(const tb_quantize_job *job, tb_error *err);

#endif
