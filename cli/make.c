/* timbang init and timbang quantize: verbs that make a model folder. Includes: cli.h, jansson. Called by: main.c. */
#include "cli.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* What was made, for people or as the JSON of info. */
static int report_made(cli *app, const char *out)
{
    char *json = NULL;
    timbang_status status = timbang_info_json(app->ctx, out, &json);
    if (status != TIMBANG_OK)
        return library_error(app, status);
    int code;
    if (given(app, OPT_JSON)) {
        code = emit_document(app, json, FORMAT_JSON);
    } else {
        json_t *info = json_loads(json, 0, NULL);
        const json_t *bytes = json_object_get(info, "bytes");
        const char *scheme = json_string_value(json_object_get(info, "scheme"));
        put_clipped(&app->out, out, 0);
        put_format(&app->out, ": %s, %lld parameters, %lld bytes, %.3f of FP32%s\n", scheme ? scheme : "",
                   (long long)json_integer_value(json_object_get(info, "parameters")),
                   (long long)json_integer_value(json_object_get(bytes, "total")),
                   json_number_value(json_object_get(bytes, "ratio")),
                   json_is_true(json_object_get(info, "untrained_head")) ? ", untrained head" : "");
        json_decref(info);
        code = emit(app, false);
    }
    timbang_string_free(json);
    return code;
}

int run_init(cli *app)
{
    const char *out = text_of(app, OPT_OUTPUT_DIR);
    if (app->n_arguments == 0)
        return usage_error(app, "timbang init CONFIG -o DIR", "no config.json was named");
    if (!out)
        return usage_error(app, "timbang init CONFIG -o DIR", "no folder was named for the model (-o DIR)");
    timbang_status status =
        timbang_init_model(app->ctx, app->arguments[0], number_or(app, OPT_SEED, 42), out, given(app, OPT_FORCE));
    return status == TIMBANG_OK ? report_made(app, out) : library_error(app, status);
}

int run_quantize(cli *app)
{
    timbang_quantize_options options;
    timbang_quantize_options_init(&options);
    int code = fill_model_options(app, true, &options.model);
    if (code != EXIT_OK)
        return code;
    options.scheme = text_of(app, OPT_TO);
    options.out = text_of(app, OPT_OUTPUT_DIR);
    if (!options.scheme)
        return usage_error(app, "timbang quantize MODEL --to int8 -o DIR", "no scheme was named (--to SCHEME)");
    if (!options.out)
        return usage_error(app, "timbang quantize MODEL --to int8 -o DIR",
                           "no folder was named for the quantized model (-o DIR)");
    options.group = given(app, OPT_GROUP) ? atoi(text_of(app, OPT_GROUP)) : 0;
    options.embeddings = text_of(app, OPT_EMBEDDINGS);
    options.force = given(app, OPT_FORCE);
    options.method = text_of(app, OPT_METHOD);
    options.damping = app->values[OPT_DAMPING].decimal;
    code = fill_predict_options(app, &options.texts);
    if (code == EXIT_OK)
        code = fill_data_options(app, text_of(app, OPT_CALIB), &options.calibration);
    if (code != EXIT_OK)
        return code;
    options.calibration.limit = number_or(app, OPT_CALIB_ROWS, options.calibration.limit);
    timbang_status status = timbang_quantize(app->ctx, &options);
    return status == TIMBANG_OK ? report_made(app, options.out) : library_error(app, status);
}
