/* One variant of a model: made by quantizing its folder, or the folder as it is; loaded, with its sizes.
 * Includes: base, model, quant, study/facts.h. Called by: study/run, study/bench. */
#ifndef TB_STUDY_VARIANTS_H
#define TB_STUDY_VARIANTS_H

#include "model/classifier.h"
#include "quant/quantize.h"
#include "study/facts.h"

typedef struct tb_variant_job {
    const tb_folder *folder;   /* the source */
    const char *weights_path;  /* or a bare state dict beside it; NULL */
    const char *const *labels; /* NULL: the file's */
    size_t n_labels;
    uint64_t seed;
    tb_compute compute;
    const char *source_sha256; /* of the weights, where it is known already; NULL is fine */
    const tb_scheme *scheme;   /* NULL: the source as it is */
    const tb_folder *trained;  /* the scheme's own model as QAT wrote it, which is loaded; NULL: none */
    const char *out;           /* folder to make where one has to be made */
    bool reuse;                /* a folder that is there already is loaded as it is */
    const tb_jitter *jitter;   /* NULL: the scheme's own rounding */
    tb_own_errors *own_errors; /* kept across null models of one scheme; NULL is fine */
    const tb_kernels *kernels;
    tb_pool *pool;
    const tb_hooks *hooks;
} tb_variant_job;

typedef struct tb_variant {
    tb_classifier *classifier;
    tb_folder *made;     /* NULL: the source, or what QAT wrote, was loaded */
    tb_parts parts;      /* of the folder that was loaded; all zero for a bare state dict */
    double weight_error; /* of the rounding; 0 where nothing was rounded */
} tb_variant;

/* FP32 is the source itself where it stores F32, and a copy in F32 where it stores less, so that memory and speed are
 * those of FP32. */
timbang_status tb_variant_make(const tb_variant_job *job, tb_variant *variant, tb_error *err);
void tb_variant_free(tb_variant *variant); /* a zeroed variant is fine; the made folder stays on disk */

#endif
