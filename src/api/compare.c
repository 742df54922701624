/* SPDX-License-Identifier: Apache-2.0
 * Predictions side by side. Includes: api/api.h, study/compare.h. Called by: users of the library. */
#include "study/compare.h"
#include "api/api.h"

static timbang_status compare(timbang_context *ctx, const timbang_compare_options *given, char **json)
{
    tb_error *err = &ctx->err;
    if (!json)
        return tb_fail(err, TIMBANG_USAGE, "timbang_compare: an argument is NULL");
    timbang_compare_options options;
    timbang_compare_options_init(&options);
    TB_TRY(tb_api_options(given, &options, sizeof options, "timbang_compare_options", err));
    TB_TRY(tb_api_nested(options.columns.struct_size, sizeof options.columns, "timbang_data_options", err));
    if ((options.n_inputs > 0 && !options.inputs) || (options.n_only > 0 && !options.only))
        return tb_fail(err, TIMBANG_USAGE, "timbang_compare: a list is NULL");
    const tb_compare_job job = {.options = &options, .pool = ctx->pool, .hooks = &ctx->hooks};
    json_t *result = NULL;
    TB_TRY(tb_compare_run(&job, &result, err));
    return tb_api_json(result, json, err);
}

timbang_status timbang_compare(timbang_context *ctx, const timbang_compare_options *options, char **json)
{
    tb_fp_state fp;
    TB_TRY(tb_api_enter(ctx, &fp));
    return tb_api_leave(ctx, fp, compare(ctx, options, json));
}
