/* Quantization of a model into a folder. Includes: api/api.h, quant. Called by: users of the library. */
#include "quant/quantize.h"
#include "api/api.h"

/* Texts without a method mean the best one; a method without texts is a mistake. */
static timbang_status choose_method(const timbang_quantize_options *options, tb_quantize_job *job, tb_error *err)
{
    bool texts = options->calibration.path != NULL;
    TB_TRY(tb_method_parse(options->method ? options->method : texts ? "descent" : "nearest", &job->method, err));
    if (job->method != TB_METHOD_NEAREST && !texts)
        return tb_fail(err, TIMBANG_USAGE, "--method %s needs texts to look at (--calib FILE; labels are not needed)",
                       options->method);
    if (job->method == TB_METHOD_NEAREST && texts)
        return tb_fail(err, TIMBANG_USAGE,
                       "--method nearest looks at no texts: leave out --calib, or name gptq or descent");
    if (!(options->damping >= 0 && options->damping <= 1))
        return tb_fail(err, TIMBANG_USAGE, "--damping %g is not a part of the mean second moment, 0 to 1",
                       options->damping);
    job->damping = options->damping;
    job->calibration = (tb_calibration_options){
        .data = options->calibration, .max_length = options->texts.max_length, .clean = options->texts.clean};
    return TIMBANG_OK;
}

static timbang_status quantize(timbang_context *ctx, const timbang_quantize_options *given)
{
    tb_error *err = &ctx->err;
    timbang_quantize_options options;
    timbang_quantize_options_init(&options);
    TB_TRY(tb_api_options(given, &options, sizeof options, "timbang_quantize_options", err));
    TB_TRY(tb_api_nested(options.model.struct_size, sizeof options.model, "timbang_model_options", err));
    TB_TRY(tb_api_nested(options.calibration.struct_size, sizeof options.calibration, "timbang_data_options", err));
    TB_TRY(tb_api_nested(options.texts.struct_size, sizeof options.texts, "timbang_predict_options", err));
    if (!options.scheme || !*options.scheme)
        return tb_fail(err, TIMBANG_USAGE, "no scheme was named (--to int8, for example)");
    if (!options.out || !*options.out)
        return tb_fail(err, TIMBANG_USAGE, "no folder was named for the quantized model (-o DIR)");
    TB_TRY(tb_api_check_labels(options.model.labels, options.model.n_labels, err));
    tb_quantize_job job = {
        .weights_path = options.model.weights,
        .labels = options.model.n_labels ? options.model.labels : NULL,
        .n_labels = options.model.n_labels,
        .seed = options.model.seed,
        .out = options.out,
        .force = options.force != 0,
        .kernels = ctx->kernels,
        .pool = ctx->pool,
        .hooks = &ctx->hooks,
    };
    TB_TRY(choose_method(&options, &job, err));
    TB_TRY(tb_scheme_parse(options.scheme, options.group, options.embeddings, &job.scheme, err));
    tb_folder *folder = NULL;
    TB_TRY(tb_api_model_folder(&options.model, &folder, err));
    job.folder = folder;
    timbang_status status = tb_quantize_folder(&job, err);
    tb_folder_close(folder);
    return status;
}

timbang_status timbang_quantize(timbang_context *ctx, const timbang_quantize_options *options)
{
    tb_fp_state fp;
    TB_TRY(tb_api_enter(ctx, &fp));
    return tb_api_leave(ctx, fp, quantize(ctx, options));
}
