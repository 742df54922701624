/* What the public handles are made of, and the frame around every public call.
 * Includes: every room above. Called by: src/api alone. */
#ifndef TB_API_API_H
#define TB_API_API_H

#include "base/fp.h"
#include "data/dataset.h"
#include "model/classifier.h"

struct timbang_context {
    tb_error err;
    tb_hooks hooks;
    tb_pool *pool;
    const tb_kernels *kernels;
    tb_workspace *workspace; /* made by the first prediction */
    bool ready;              /* false: creation failed; the context only holds the error text */
};

struct timbang_tokenizer {
    tb_tokenizer *tokenizer;
};

struct timbang_model {
    tb_classifier *classifier;
    timbang_tokenizer tokenizer; /* borrowed from the classifier */
    bool embedded;
};

struct timbang_dataset {
    tb_dataset *data;
};

/* The frame: enter checks the context, clears its error and sets the floating-point environment of docs/numerics.md;
 * leave restores the caller's, and sees to it that a failure has a sentence. */
timbang_status tb_api_enter(timbang_context *ctx, tb_fp_state *saved);
timbang_status tb_api_leave(timbang_context *ctx, tb_fp_state saved, timbang_status status);

/* Copies the caller's options over the defaults that are in `options` (size bytes): min(struct_size, size) bytes, then
 * struct_size = size. A struct_size of 0 and non-zero bytes beyond `size` (a field that this library does not know) are
 * TIMBANG_USAGE. `given` may be NULL: the defaults stay. */
timbang_status tb_api_options(const void *given, void *options, size_t size, const char *type, tb_error *err);
/* The same for an options struct that is part of another and was copied with it. */
timbang_status tb_api_nested(size_t struct_size, size_t size, const char *type, tb_error *err);

/* A folder by path, NULL: the embedded model. A path that is missing and looks like a hub name gives the command that
 * downloads it. */
timbang_status tb_api_folder(const char *path, tb_folder **folder, tb_error *err);
/* NOT_FOUND with that sentence, or OK where something is there. */
timbang_status tb_api_check_path(const char *path, tb_error *err);
/* The folder of a model's config and tokenizer, by the rules of timbang_model_options. */
timbang_status tb_api_model_folder(const timbang_model_options *options, tb_folder **folder, tb_error *err);

timbang_status tb_api_check_labels(const char *const *labels, size_t n, tb_error *err);
timbang_status tb_api_check_predict(const timbang_predict_options *options, const timbang_model *model, tb_error *err);

/* json as text for the caller, who frees it with timbang_string_free; the reference is taken over. */
timbang_status tb_api_json(json_t *json, char **text, tb_error *err);

#endif
