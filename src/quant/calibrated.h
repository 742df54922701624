/* Rounding a whole classifier by what its layers read: layer after layer, each linear with the inputs that the already
 * rounded part of the model gives it. Includes: model/trainee.h, quant. Called by: quant/quantize.c. */
#ifndef TB_QUANT_CALIBRATED_H
#define TB_QUANT_CALIBRATED_H

#include "base/json.h"
#include "quant/calibration.h"
#include "quant/schemes.h"

/* How weights become integers. */
typedef enum tb_method {
    TB_METHOD_NEAREST, /* to the nearest; no texts needed */
    TB_METHOD_GPTQ,    /* arXiv 2210.17323, static order */
    TB_METHOD_DESCENT  /* GPTQ, then coordinate descent on the same objective */
} tb_method;

/* "nearest", "gptq", "descent"; another name is TIMBANG_USAGE. */
timbang_status tb_method_parse(const char *name, tb_method *method, tb_error *err);
const char *tb_method_name(tb_method method);

typedef struct tb_calibrate_job {
    const tb_folder *folder;   /* a float model */
    const char *const *labels; /* as tb_trainee_options */
    size_t n_labels;
    uint64_t seed; /* of a new head */
    tb_scheme scheme;
    tb_method method;
    double damping;                     /* of H, as a part of its mean diagonal; 0: 0.01 */
    tb_calibration_options calibration; /* config and tokenizer are the model's */
    const tb_kernels *kernels;
    tb_pool *pool;
    const tb_hooks *hooks;
} tb_calibrate_job;

/* Rounded linears by name, and how they were made. */
typedef struct tb_calibrated tb_calibrated;
/* Embeddings, head and vectors are rounded to nearest. The same bytes for any number of threads and CPU level. */
timbang_status tb_calibrate(const tb_calibrate_job *job, tb_calibrated **out, tb_error *err);
void tb_calibrated_free(tb_calibrated *calibrated);
/* The rounded matrix of a module ("encoder.layer.0.output.dense"), handed over: *weight owns its arrays. False: there
 * is none, or it has been taken. */
bool tb_calibrated_take(tb_calibrated *calibrated, const char *module, tb_weight *weight);
/* For the sidecar: {"method", "damping", "texts", "tokens", "max_length", "seed", "sha256"}; borrowed. */
const json_t *tb_calibrated_record(const tb_calibrated *calibrated);

#endif
