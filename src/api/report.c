/* SPDX-License-Identifier: Apache-2.0
 * Everything that is drawn from a record, again. Includes: api/api.h, report. Called by: users of the library. */
#include "report/report.h"
#include "api/api.h"

static timbang_status report_write(timbang_context *ctx, const char *results_path, const char *lang, const char *out)
{
    tb_error *err = &ctx->err;
    if (!results_path || !out || !*out)
        return tb_fail(err, TIMBANG_USAGE, "a results.json and a folder for the report are needed");
    TB_TRY(tb_api_check_path(results_path, err));
    json_t *results = NULL;
    TB_TRY(tb_json_load_file(results_path, &results, err));
    timbang_status status = tb_make_dirs(out, err);
    if (status == TIMBANG_OK) {
        status = tb_report_write(results, lang, out, err);
        if (status == TIMBANG_FORMAT)
            tb_fail_prefix(err, "%s", results_path);
    }
    json_decref(results);
    return status;
}

timbang_status timbang_report_write(timbang_context *ctx, const char *results_path, const char *lang, const char *out)
{
    tb_fp_state fp;
    TB_TRY(tb_api_enter(ctx, &fp));
    return tb_api_leave(ctx, fp, report_write(ctx, results_path, lang, out));
}
