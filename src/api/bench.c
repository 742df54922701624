/* The benchmark of the forward pass. Includes: api/api.h, study (bench). Called by: users of the library. */
#include "study/bench.h"
#include "api/api.h"

static timbang_status bench(timbang_context *ctx, const timbang_bench_options *given, char **json)
{
    tb_error *err = &ctx->err;
    timbang_bench_options options;
    timbang_bench_options_init(&options);
    TB_TRY(tb_api_options(given, &options, sizeof options, "timbang_bench_options", err));
    TB_TRY(tb_api_nested(options.model.struct_size, sizeof options.model, "timbang_model_options", err));
    TB_TRY(tb_api_check_labels(options.model.labels, options.model.n_labels, err));
    for (size_t i = 0; options.levels && i < options.n_levels; i++)
        if (!options.levels[i])
            return tb_fail(err, TIMBANG_USAGE, "levels: name %zu is NULL", i + 1);
    for (size_t i = 0; options.variants && i < options.n_variants; i++)
        if (!options.variants[i])
            return tb_fail(err, TIMBANG_USAGE, "variants: name %zu is NULL", i + 1);
    for (size_t i = 0; options.computes && i < options.n_computes; i++)
        if (!options.computes[i])
            return tb_fail(err, TIMBANG_USAGE, "computes: name %zu is NULL", i + 1);
    if (!(options.min_seconds >= 0 && options.min_seconds <= 3600))
        return tb_fail(err, TIMBANG_USAGE, "min_seconds is out of range; 0 to 3600");
    tb_folder *folder = NULL;
    TB_TRY(tb_api_model_folder(&options.model, &folder, err)); /* errors with the hints of a model's path */
    const tb_bench_job job = {
        .options = &options,
        .embedded = options.model.path || options.model.weights ? NULL : folder,
        .kernels = ctx->kernels,
        .pool = ctx->pool,
        .hooks = &ctx->hooks,
    };
    json_t *rows = NULL;
    timbang_status status = tb_bench_run(&job, &rows, err);
    tb_folder_close(folder);
    return status == TIMBANG_OK ? tb_api_json(rows, json, err) : status;
}

timbang_status timbang_bench(timbang_context *ctx, const timbang_bench_options *options, char **json)
{
    tb_fp_state fp;
    TB_TRY(tb_api_enter(ctx, &fp));
    return tb_api_leave(ctx, fp, bench(ctx, options, json));
}
