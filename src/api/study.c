/* Studies, and what is drawn from their results. Includes: api/api.h, study, report. Called by: users of the library.
 */
#include "study/study.h"
#include "api/api.h"
#include "report/report.h"
#include "study/verify.h"

#include <string.h>

static timbang_status check_statistics(const timbang_study_options *options, tb_error *err)
{
    static const char *const langs[] = {"en", "id"};
    if (options->lang && strcmp(options->lang, langs[0]) != 0 && strcmp(options->lang, langs[1]) != 0)
        return tb_fail(err, TIMBANG_USAGE, "'%s' is no language of the report; there are en and id", options->lang);
    const char *const paths[] = {options->valid, options->plan_file};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        if (paths[i])
            TB_TRY(tb_api_check_path(paths[i], err));
    return TIMBANG_OK;
}

/* plan_only: no folder is written. */
static timbang_status check_study(const timbang_study_options *options, bool plan_only, tb_error *err)
{
    TB_TRY(tb_api_nested(options->data_options.struct_size, sizeof options->data_options, "timbang_data_options", err));
    TB_TRY(tb_api_nested(options->eval.struct_size, sizeof options->eval, "timbang_eval_options", err));
    TB_TRY(
        tb_api_nested(options->eval.predict.struct_size, sizeof options->eval.predict, "timbang_predict_options", err));
    if (options->n_models == 0 || !options->models)
        return tb_fail(err, TIMBANG_USAGE, "no model was named (--model name=DIR)");
    if (options->n_data == 0 || !options->data)
        return tb_fail(err, TIMBANG_USAGE, "no data was named (--data name=FILE)");
    if (!plan_only && (!options->out || !*options->out))
        return tb_fail(err, TIMBANG_USAGE, "no folder was named for the results (-o DIR)");
    for (size_t i = 0; i < options->n_models; i++)
        if (options->models[i].path)
            TB_TRY(tb_api_check_path(options->models[i].path, err));
    if (options->n_controls > 0 && !options->controls)
        return tb_fail(err, TIMBANG_USAGE, "n_controls is %zu, but controls is NULL", options->n_controls);
    for (size_t i = 0; i < options->n_controls; i++)
        if (options->controls[i].path)
            TB_TRY(tb_api_check_path(options->controls[i].path, err));
    if (options->weights)
        TB_TRY(tb_api_check_path(options->weights, err));
    TB_TRY(tb_api_check_predict(&options->eval.predict, NULL, err));
    TB_TRY(check_statistics(options, err));
    return tb_api_check_labels(options->labels, options->n_labels, err);
}

/* What a study, its plan and its verification are given: options checked, the embedded model at hand, the machine. */
typedef struct prepared {
    timbang_study_options options;
    tb_folder *embedded;
    json_t *host;
    tb_study_job job;
} prepared;

static void put_job(timbang_context *ctx, prepared *p)
{
    p->job = (tb_study_job){
        .options = &p->options,
        .embedded = p->embedded,
        .kernels = ctx->kernels,
        .pool = ctx->pool,
        .hooks = &ctx->hooks,
        .host = p->host,
        .latency_seconds = p->options.eval.timing_seconds,
        .draw = tb_report_write,
    };
}

static timbang_status prepare(timbang_context *ctx, const timbang_study_options *given, bool plan_only, prepared *p)
{
    tb_error *err = &ctx->err;
    timbang_study_options_init(&p->options);
    TB_TRY(tb_api_options(given, &p->options, sizeof p->options, "timbang_study_options", err));
    TB_TRY(check_study(&p->options, plan_only, err));
    for (size_t i = 0; i < p->options.n_models && !p->embedded; i++)
        if (!p->options.models[i].path)
            TB_TRY(tb_api_folder(NULL, &p->embedded, err));
    put_job(ctx, p);
    return TIMBANG_OK;
}

timbang_status timbang_study(timbang_context *ctx, const timbang_study_options *options)
{
    char *text = NULL;
    TB_TRY(timbang_cpu_json(ctx, &text));
    tb_fp_state fp;
    timbang_status status = tb_api_enter(ctx, &fp);
    if (status == TIMBANG_OK) {
        prepared p = {0};
        status = tb_json_parse("cpu", text, strlen(text), 0, &p.host, &ctx->err);
        if (status == TIMBANG_OK)
            status = prepare(ctx, options, false, &p);
        if (status == TIMBANG_OK)
            status = tb_study_run(&p.job, &ctx->err);
        tb_folder_close(p.embedded);
        json_decref(p.host);
        status = tb_api_leave(ctx, fp, status);
    }
    timbang_string_free(text);
    return status;
}

timbang_status timbang_study_plan(timbang_context *ctx, const timbang_study_options *options, char **json)
{
    tb_fp_state fp;
    TB_TRY(tb_api_enter(ctx, &fp));
    prepared p = {0};
    timbang_status status = prepare(ctx, options, true, &p);
    if (status == TIMBANG_OK)
        status = tb_study_plan(&p.job, json, &ctx->err);
    tb_folder_close(p.embedded);
    return tb_api_leave(ctx, fp, status);
}

timbang_status timbang_verify(timbang_context *ctx, const char *out, char **json)
{
    tb_fp_state fp;
    TB_TRY(tb_api_enter(ctx, &fp));
    prepared p = {0};
    json_t *made = NULL;
    timbang_status status = tb_api_check_path(out, &ctx->err);
    tb_error no_embedded; /* a study that needs it will say so */
    if (status == TIMBANG_OK)
        (void)tb_api_folder(NULL, &p.embedded, &no_embedded);
    put_job(ctx, &p);
    if (status == TIMBANG_OK)
        status = tb_study_verify(&p.job, out, &made, &ctx->err);
    if (status == TIMBANG_OK)
        status = tb_json_text(made, json, &ctx->err);
    json_decref(made);
    tb_folder_close(p.embedded);
    return tb_api_leave(ctx, fp, status);
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
