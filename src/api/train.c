/* Training, and the report of its learning curves. Includes: api/api.h, train, report. Called by: users of the library.
 */
#include "api/api.h"
#include "report/training.h"
#include "train/run.h"

#include <string.h>

static timbang_status check_language(const char *lang, tb_error *err)
{
    if (!lang || strcmp(lang, "en") == 0 || strcmp(lang, "id") == 0)
        return TIMBANG_OK;
    return tb_fail(err, TIMBANG_USAGE, "'%s' is no language of the report; there are en and id", lang);
}

static timbang_status check_options(const timbang_train_options *o, tb_error *err)
{
    const bool mlm = o->task && strcmp(o->task, "mlm") == 0;
    TB_TRY(tb_api_nested(o->data.struct_size, sizeof o->data, "timbang_data_options", err));
    TB_TRY(tb_api_nested(o->texts.struct_size, sizeof o->texts, "timbang_predict_options", err));
    if (!o->model || !*o->model)
        return tb_fail(err, TIMBANG_USAGE, "no model was named; training needs a folder with float weights");
    if (!o->data.path || !*o->data.path)
        return tb_fail(err, TIMBANG_USAGE, "no training data was named (--data FILE)");
    if (!o->valid && !mlm)
        return tb_fail(
            err, TIMBANG_USAGE,
            "no validation data was named (--valid FILE); the checkpoint that is best on it is what is kept");
    if (!o->out || !*o->out)
        return tb_fail(err, TIMBANG_USAGE, "no folder was named for the model (-o DIR)");
    if (o->n_seeds > 0 && !o->seeds)
        return tb_fail(err, TIMBANG_USAGE, "timbang_train: seeds is NULL");
    if (o->valid && strcmp(o->valid, "-") == 0 && strcmp(o->data.path, "-") == 0)
        return tb_fail(err, TIMBANG_USAGE, "only one of --data and --valid can be standard input");
    const char *const paths[] = {o->model, o->data.path, o->valid, o->teacher};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        if (paths[i] && strcmp(paths[i], "-") != 0)
            TB_TRY(tb_api_check_path(paths[i], err));
    TB_TRY(tb_api_check_predict(&o->texts, NULL, err));
    TB_TRY(check_language(o->lang, err));
    return tb_api_check_labels(o->labels, o->n_labels, err);
}

static timbang_status train(timbang_context *ctx, const timbang_train_options *given, const json_t *host, char **json)
{
    tb_error *err = &ctx->err;
    timbang_train_options options;
    timbang_train_options_init(&options);
    if (!json)
        return tb_fail(err, TIMBANG_USAGE, "timbang_train: an argument is NULL");
    TB_TRY(tb_api_options(given, &options, sizeof options, "timbang_train_options", err));
    TB_TRY(check_options(&options, err));
    tb_folder *folder = NULL;
    TB_TRY(tb_folder_open(options.model, &folder, err));
    const tb_train_job job = {
        .options = &options,
        .folder = folder,
        .kernels = ctx->kernels,
        .pool = ctx->pool,
        .hooks = &ctx->hooks,
        .host = host,
        .draw = tb_training_report,
    };
    json_t *result = NULL;
    timbang_status status = tb_train_run(&job, &result, err);
    tb_folder_close(folder);
    return status == TIMBANG_OK ? tb_api_json(result, json, err) : status;
}

timbang_status timbang_train(timbang_context *ctx, const timbang_train_options *options, char **json)
{
    char *text = NULL;
    TB_TRY(timbang_cpu_json(ctx, &text));
    tb_fp_state fp;
    timbang_status status = tb_api_enter(ctx, &fp);
    if (status == TIMBANG_OK) {
        json_t *host = NULL;
        status = tb_json_parse("cpu", text, strlen(text), 0, &host, &ctx->err);
        if (status == TIMBANG_OK)
            status = train(ctx, options, host, json);
        json_decref(host);
        status = tb_api_leave(ctx, fp, status);
    }
    timbang_string_free(text);
    return status;
}

timbang_status timbang_train_report(timbang_context *ctx, const char *folder, const char *lang)
{
    tb_fp_state fp;
    TB_TRY(tb_api_enter(ctx, &fp));
    timbang_status status = folder ? tb_api_check_path(folder, &ctx->err)
                                   : tb_fail(&ctx->err, TIMBANG_USAGE, "timbang_train_report: folder is NULL");
    if (status == TIMBANG_OK)
        status = check_language(lang, &ctx->err);
    if (status == TIMBANG_OK)
        status = tb_training_report(folder, lang, &ctx->err);
    return tb_api_leave(ctx, fp, status);
}
