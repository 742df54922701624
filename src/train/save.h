/* Writing what was trained: float masters as a plain Hugging Face directory, and the integer model made of them.
 * Includes: base, formats, model, quant. Called by: train/session.c. */
#ifndef TB_TRAIN_SAVE_H
#define TB_TRAIN_SAVE_H

#include "base/json.h"
#include "model/parameters.h"
#include "quant/schemes.h"

typedef struct tb_save_job {
    const tb_folder *source;         /* the tokenizer's files come from here */
    const tb_config *config;         /* sizes and labels */
    const tb_parameters *parameters; /* what is saved */
    tb_task task;
    const tb_scheme *scheme;     /* of quantization-aware training; NULL: the floats are the model */
    const json_t *record;        /* timbang.json of `folder` */
    const json_t *master_record; /* with scheme: that of `folder`/master */
    const char *folder;          /* there already, and not yet what people look at: other files in it stay */
    const tb_kernels *kernels;   /* NULL: plain C; they change the time alone */
    tb_pool *pool;
    const tb_hooks *hooks;
} tb_save_job;

/* Without a scheme: config.json, model.safetensors (F32, in Hugging Face's names), the tokenizer's files and
 * timbang.json in `folder`. With one: these in `folder`/master, and in `folder` what tb_quantize_folder makes of them,
 * with `record` as its sidecar and the master's hash in it (master_sha256). */
timbang_status tb_save_folder(const tb_save_job *job, tb_error *err);

#endif
