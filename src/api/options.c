/* Options structs: their defaults, and reading the struct of a caller that was built against another header.
 * Includes: api/api.h. Called by: users of the library, src/api. */
#include "api/api.h"

#include <string.h>

/* Structs that are part of another struct must keep their size for ever: later fields take the place of `reserved`. */
_Static_assert(sizeof(void *) != 8 || sizeof(timbang_model_options) == 88, "part of other structs: fixed size");
_Static_assert(sizeof(void *) != 8 || sizeof(timbang_predict_options) == 64, "part of other structs: fixed size");
_Static_assert(sizeof(void *) != 8 || sizeof(timbang_data_options) == 112, "part of other structs: fixed size");
_Static_assert(sizeof(void *) != 8 || sizeof(timbang_eval_options) == 120, "part of other structs: fixed size");

timbang_status tb_api_options(const void *given, void *options, size_t size, const char *type, tb_error *err)
{
    if (!given)
        return TIMBANG_OK;
    size_t struct_size;
    memcpy(&struct_size, given, sizeof struct_size);
    if (struct_size < sizeof struct_size)
        return tb_fail(err, TIMBANG_USAGE, "%s: struct_size is %zu; fill the struct with %s_init", type, struct_size,
                       type);
    const unsigned char *bytes = given;
    for (size_t i = size; i < struct_size; i++)
        if (bytes[i])
            return tb_fail(err, TIMBANG_USAGE,
                           "%s: a field beyond byte %zu is set, which this version of the library (%s) does not know",
                           type, size, timbang_version());
    memcpy(options, given, struct_size < size ? struct_size : size);
    memcpy(options, &size, sizeof size);
    return TIMBANG_OK;
}

timbang_status tb_api_nested(size_t struct_size, size_t size, const char *type, tb_error *err)
{
    if (struct_size != size)
        return tb_fail(err, TIMBANG_USAGE, "%s: struct_size is %zu, not %zu; fill the struct with %s_init", type,
                       struct_size, size, type);
    return TIMBANG_OK;
}

/* Hands out the first `size` bytes of the defaults. */
static void give(void *options, size_t size, void *defaults, size_t known)
{
    if (!options || size < sizeof size)
        return;
    memset(options, 0, size);
    memcpy(options, defaults, size < known ? size : known);
    memcpy(options, &size, sizeof size);
}

void timbang_context_options_init_sized(timbang_context_options *options, size_t size)
{
    timbang_context_options defaults = {0};
    give(options, size, &defaults, sizeof defaults);
}

static timbang_model_options model_defaults(void)
{
    return (timbang_model_options){.struct_size = sizeof(timbang_model_options), .seed = 42};
}

void timbang_model_options_init_sized(timbang_model_options *options, size_t size)
{
    timbang_model_options defaults = model_defaults();
    give(options, size, &defaults, sizeof defaults);
}

static timbang_predict_options predict_defaults(void)
{
    return (timbang_predict_options){.struct_size = sizeof(timbang_predict_options)};
}

void timbang_predict_options_init_sized(timbang_predict_options *options, size_t size)
{
    timbang_predict_options defaults = predict_defaults();
    give(options, size, &defaults, sizeof defaults);
}

static timbang_data_options data_defaults(void)
{
    return (timbang_data_options){.struct_size = sizeof(timbang_data_options), .seed = 42, .header = -1};
}

void timbang_data_options_init_sized(timbang_data_options *options, size_t size)
{
    timbang_data_options defaults = data_defaults();
    give(options, size, &defaults, sizeof defaults);
}

static timbang_eval_options eval_defaults(void)
{
    return (timbang_eval_options){.struct_size = sizeof(timbang_eval_options), .predict = predict_defaults()};
}

void timbang_eval_options_init_sized(timbang_eval_options *options, size_t size)
{
    timbang_eval_options defaults = eval_defaults();
    give(options, size, &defaults, sizeof defaults);
}

void timbang_quantize_options_init_sized(timbang_quantize_options *options, size_t size)
{
    timbang_quantize_options defaults = {
        .model = model_defaults(), .calibration = data_defaults(), .texts = predict_defaults()};
    give(options, size, &defaults, sizeof defaults);
}

void timbang_study_options_init_sized(timbang_study_options *options, size_t size)
{
    timbang_study_options defaults = {.data_options = data_defaults(), .eval = eval_defaults(), .seed = 42};
    give(options, size, &defaults, sizeof defaults);
}

void timbang_train_options_init_sized(timbang_train_options *options, size_t size)
{
    timbang_train_options defaults = {
        .data = data_defaults(),
        .texts = predict_defaults(),
        .accumulate = 1,
        .weight_decay = 0.01,
        .warmup = 0.1,
        .clip = 1,
        .dropout = -1,
        .layer_decay = 1,
        .mask_share = 0.15,
        .distill_weight = 0.5,
        .temperature = 2,
        .checkpoint_seconds = 45,
    };
    give(options, size, &defaults, sizeof defaults);
}

void timbang_compare_options_init_sized(timbang_compare_options *options, size_t size)
{
    timbang_compare_options defaults = {.columns = data_defaults(), .seed = 42};
    give(options, size, &defaults, sizeof defaults);
}

void timbang_bench_options_init_sized(timbang_bench_options *options, size_t size)
{
    timbang_bench_options defaults = {.model = model_defaults(), .min_seconds = 1};
    give(options, size, &defaults, sizeof defaults);
}
