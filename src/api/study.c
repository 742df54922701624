/* Studies, and what is drawn from their results. Includes: api/api.h, study, report. Called by: users of the library.
 */
#include "study/study.h"
#include "api/api.h"
#include "report/report.h"

#include <string.h>

static timbang_status check_study(const timbang_study_options *options, tb_error *err)
{
    TB_TRY(tb_api_nested(options->data_options.struct_size, sizeof options->data_options, "timbang_data_options", err));
    TB_TRY(tb_api_nested(options->eval.struct_size, sizeof options->eval, "timbang_eval_options", err));
    TB_TRY(
        tb_api_nested(options->eval.predict.struct_size, sizeof options->eval.predict, "timbang_predict_options", err));
    if (options->n_models == 0 || !options->models)
        return tb_fail(err, TIMBANG_USAGE, "no model was named (--model name=DIR)");
    if (options->n_data == 0 || !options->data)
        return tb_fail(err, TIMBANG_USAGE, "no data was named (--data name=FILE)");
    if (!options->out || !*options->out)
        return tb_fail(err, TIMBANG_USAGE, "no folder was named for the results (-o DIR)");
    for (size_t i = 0; i < options->n_models; i++)
        if (options->models[i].path)
            TB_TRY(tb_api_check_path(options->models[i].path, err));
    if (options->weights)
        TB_TRY(tb_api_check_path(options->weights, err));
    TB_TRY(tb_api_check_predict(&options->eval.predict, NULL, err));
    return tb_api_check_labels(options->labels, options->n_labels, err);
}

static timbang_status study(timbang_context *ctx, const timbang_study_options *given, const json_t *host)
{
    tb_error *err = &ctx->err;
    timbang_study_options options;
    timbang_study_options_init(&options);
    TB_TRY(tb_api_options(given, &options, sizeof options, "timbang_study_options", err));
    TB_TRY(check_study(&options, err));
    tb_folder *embedded = NULL;
    for (size_t i = 0; i < options.n_models && !embedded; i++)
        if (!options.models[i].path)
            TB_TRY(tb_api_folder(NULL, &embedded, err));
    const tb_study_job job = {
        .options = &options,
        .embedded = embedded,
        .kernels = ctx->kernels,
        .pool = ctx->pool,
        .hooks = &ctx->hooks,
        .host = host,
        .draw = tb_report_html_file,
    };
    timbang_status status = tb_study_run(&job, err);
    tb_folder_close(embedded);
    return status;
}

timbang_status timbang_study(timbang_context *ctx, const timbang_study_options *options)
{
    char *text = NULL;
    TB_TRY(timbang_cpu_json(ctx, &text));
    tb_fp_state fp;
    timbang_status status = tb_api_enter(ctx, &fp);
    json_t *host = NULL;
    if (status == TIMBANG_OK) {
        status = tb_json_parse("cpu", text, strlen(text), 0, &host, &ctx->err);
        if (status == TIMBANG_OK)
            status = study(ctx, options, host);
        json_decref(host);
        status = tb_api_leave(ctx, fp, status);
    }
    timbang_string_free(text);
    return status;
}

timbang_status timbang_report_table(timbang_context *ctx, const char *results_path, int width, int color, char **text)
{
    tb_fp_state fp;
    TB_TRY(tb_api_enter(ctx, &fp));
    json_t *results = NULL;
    timbang_status status = tb_json_load_file(results_path, &results, &ctx->err);
    if (status == TIMBANG_OK) {
        char *made = NULL;
        status = tb_report_table(results, width, color != 0, &made, &ctx->err);
        if (status == TIMBANG_OK)
            *text = made;
        else
            tb_fail_prefix(&ctx->err, "%s", results_path);
        json_decref(results);
    }
    return tb_api_leave(ctx, fp, status);
}

timbang_status timbang_report_html(timbang_context *ctx, const char *results_path, const char *out_path)
{
    tb_fp_state fp;
    TB_TRY(tb_api_enter(ctx, &fp));
    json_t *results = NULL;
    timbang_status status = tb_json_load_file(results_path, &results, &ctx->err);
    if (status == TIMBANG_OK) {
        status = tb_report_html_file(results, out_path, &ctx->err);
        json_decref(results);
    }
    return tb_api_leave(ctx, fp, status);
}
