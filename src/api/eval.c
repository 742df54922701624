/* One model on one data set. Includes: api/api.h, study (evaluate). Called by: users of the library. */
#include "api/api.h"
#include "study/evaluate.h"

static timbang_status evaluate(timbang_context *ctx, const timbang_model *model, const timbang_dataset *dataset,
                               const timbang_eval_options *given, char **json)
{
    tb_error *err = &ctx->err;
    if (!model || !dataset || !json)
        return tb_fail(err, TIMBANG_USAGE, "timbang_eval: an argument is NULL");
    timbang_eval_options options;
    timbang_eval_options_init(&options);
    TB_TRY(tb_api_options(given, &options, sizeof options, "timbang_eval_options", err));
    TB_TRY(tb_api_nested(options.predict.struct_size, sizeof options.predict, "timbang_predict_options", err));
    TB_TRY(tb_api_check_predict(&options.predict, model, err));
    tb_dataset *train = NULL;
    if (options.train_path) {
        timbang_data_options how;
        timbang_data_options_init(&how);
        if (options.train_options)
            TB_TRY(tb_api_options(options.train_options, &how, sizeof how, "timbang_data_options", err));
        TB_TRY(tb_train_load(&how, options.train_path, &ctx->hooks, &train, err));
    }
    const tb_evaluate_options job = {
        .model = model->classifier,
        .dataset = dataset->data,
        .train = train,
        .pool = ctx->pool,
        .max_length = options.predict.max_length,
        .batch = options.predict.batch,
        .clean = options.predict.clean,
        .restrict_labels = options.restrict_labels != 0,
        .timing_seconds = options.timing_seconds,
        .hooks = &ctx->hooks,
    };
    json_t *result = NULL;
    timbang_status status = tb_evaluate(&job, &result, err);
    tb_dataset_free(train);
    return status == TIMBANG_OK ? tb_api_json(result, json, err) : status;
}

timbang_status timbang_eval(timbang_context *ctx, const timbang_model *model, const timbang_dataset *dataset,
                            const timbang_eval_options *options, char **json)
{
    tb_fp_state fp;
    TB_TRY(tb_api_enter(ctx, &fp));
    return tb_api_leave(ctx, fp, evaluate(ctx, model, dataset, options, json));
}
