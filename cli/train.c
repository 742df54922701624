/* timbang train: fine-tuning, quantization-aware training, masked-language modelling. Includes: cli.h, jansson. Called
 * by: main.c. */
#include "cli.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char example[] = "timbang train my-base --data train.tsv --valid valid.tsv -o my-model";

/* ---- Options ---- */

static int fill_paths(cli *app, timbang_train_options *options)
{
    const option_value *data = &app->values[OPT_DATA];
    options->model = app->n_arguments ? app->arguments[0] : NULL;
    options->out = text_of(app, OPT_OUTPUT_DIR);
    options->valid = text_of(app, OPT_VALIDATION);
    options->task = text_of(app, OPT_TASK);
    if (!options->model)
        return usage_error(app, example, "no model was named");
    if (data->n_items == 0)
        return usage_error(app, example, "no training data was named (--data FILE)");
    if (data->n_items > 1)
        return usage_error(app, NULL, "train works on one --data FILE; %zu were named", data->n_items);
    if (!options->out)
        return usage_error(app, example, "no folder was named for the model (-o DIR)");
    int code = fill_data_options(app, data->items[0], &options->data);
    timbang_data_options defaults;
    timbang_data_options_init(&defaults);
    options->data.seed = defaults.seed; /* of --limit: models of several seeds learn from the same rows */
    return code;
}

static int fill_seeds(cli *app, timbang_train_options *options)
{
    const char *list = text_of(app, OPT_SEEDS), *const *items = NULL;
    size_t n = 1;
    if (list && given(app, OPT_SEED))
        return usage_error(app, NULL, "--seed and --seeds exclude each other");
    if (list && !split_list(app, list, &items, &n))
        return EXIT_INTERNAL;
    uint64_t *seeds = keep(app, calloc(n, sizeof *seeds));
    if (!seeds)
        return EXIT_INTERNAL;
    if (!list)
        seeds[0] = number_or(app, OPT_SEED, 42);
    for (size_t i = 0; list && i < n; i++) {
        if (!*items[i] || strlen(items[i]) > 18 || strspn(items[i], "0123456789") != strlen(items[i]))
            return usage_error(app, "--seeds 42,123,456", "--seeds: '%s' is not a whole number of at most 18 digits",
                               items[i]);
        seeds[i] = strtoull(items[i], NULL, 10);
    }
    options->seeds = seeds;
    options->n_seeds = n;
    return EXIT_OK;
}

static double decimal_or(const cli *app, option_id id, double otherwise)
{
    return given(app, id) ? app->values[id].decimal : otherwise;
}

static void fill_recipe(cli *app, timbang_train_options *options)
{
    options->qat = text_of(app, OPT_QAT);
    options->control = given(app, OPT_CONTROL);
    options->compute = text_of(app, OPT_TRAIN_COMPUTE);
    options->epochs = number_or(app, OPT_EPOCHS, options->epochs);
    options->batch = number_or(app, OPT_STEP_BATCH, options->batch);
    options->learning_rate = decimal_or(app, OPT_LEARNING_RATE, options->learning_rate);
    options->accumulate = number_or(app, OPT_ACCUMULATE, options->accumulate);
    options->weight_decay = decimal_or(app, OPT_WEIGHT_DECAY, options->weight_decay);
    options->warmup = decimal_or(app, OPT_WARMUP, options->warmup);
    options->schedule = text_of(app, OPT_SCHEDULE);
    options->clip = decimal_or(app, OPT_CLIP, options->clip);
    options->dropout = decimal_or(app, OPT_DROPOUT, options->dropout);
    options->layer_decay = decimal_or(app, OPT_LAYER_DECAY, options->layer_decay);
    options->freeze = text_of(app, OPT_FREEZE);
    options->class_weights = text_of(app, OPT_CLASS_WEIGHTS);
    options->label_smoothing = decimal_or(app, OPT_LABEL_SMOOTHING, options->label_smoothing);
    options->mask_share = decimal_or(app, OPT_MASK_SHARE, options->mask_share);
    options->early_stopping = number_or(app, OPT_EARLY_STOPPING, options->early_stopping);
    options->evaluate_every = number_or(app, OPT_EVALUATE_EVERY, options->evaluate_every);
    options->group_by_length = given(app, OPT_GROUP_BY_LENGTH);
    options->teacher = text_of(app, OPT_DISTILL);
    options->distill_weight = decimal_or(app, OPT_DISTILL_WEIGHT, options->distill_weight);
    options->temperature = decimal_or(app, OPT_TEMPERATURE, options->temperature);
    options->distill_attention = decimal_or(app, OPT_DISTILL_ATTENTION, options->distill_attention);
    options->distill_hidden = decimal_or(app, OPT_DISTILL_HIDDEN, options->distill_hidden);
}

static int fill_train_options(cli *app, timbang_train_options *options)
{
    timbang_train_options_init(options);
    int code = fill_paths(app, options);
    if (code == EXIT_OK)
        code = fill_predict_options(app, &options->texts);
    if (code == EXIT_OK)
        code = fill_seeds(app, options);
    if (code != EXIT_OK)
        return code;
    /* 0 means the default to the library; on the command line it is a mistake */
    if (given(app, OPT_LEARNING_RATE) && !(app->values[OPT_LEARNING_RATE].decimal > 0))
        return usage_error(app, NULL, "--learning-rate: '%s' is not a number above 0", text_of(app, OPT_LEARNING_RATE));
    fill_recipe(app, options);
    options->texts.max_length = (size_t)number_or(app, OPT_TRAIN_LENGTH, 0);
    options->texts.batch = 0;
    const char *labels = text_of(app, OPT_HEAD_LABELS);
    if (labels && !split_list(app, labels, &options->labels, &options->n_labels))
        return EXIT_INTERNAL;
    options->force = given(app, OPT_FORCE);
    options->resume = given(app, OPT_RESUME);
    options->checkpoint_seconds = decimal_or(app, OPT_CHECKPOINT_SECONDS, options->checkpoint_seconds);
    options->stop_after = number_or(app, OPT_STOP_AFTER, 0);
    options->anonymous = given(app, OPT_ANONYMOUS);
    options->lang = text_of(app, OPT_LANG);
    options->command = app->command.failed ? NULL : app->command.data;
    return EXIT_OK;
}

/* ---- The result, for people ---- */

static void add_real(table *t, const json_t *object, const char *key, int decimals)
{
    const json_t *value = json_object_get(object, key);
    if (json_is_number(value))
        table_add_format(t, "%.*f", decimals, json_number_value(value));
    else
        table_add(t, "-");
}

static void add_figures(table *t, const json_t *figures, bool mlm)
{
    add_real(t, figures, "loss", 4);
    add_real(t, figures, "accuracy", 4);
    if (!mlm)
        add_real(t, figures, "macro_f1", 4);
}

/* One row a seed; with several, their mean and standard deviation. */
static void put_seeds(cli *app, const json_t *result)
{
    const json_t *seeds = json_object_get(result, "seeds"), *seed;
    const char *role = json_string_value(json_object_get(result, "role"));
    bool mlm = role && strcmp(role, "mlm") == 0;
    table t;
    if (!table_start(&t, mlm ? 5 : 6)) {
        app->out.failed = true;
        return;
    }
    static const char *const heads[] = {"seed", "steps", "best step", "valid loss", "accuracy", "macro-F1"};
    for (size_t c = 0; c < t.columns; c++) {
        if (c > 0)
            table_align_right(&t, c);
        table_add(&t, heads[c]);
    }
    size_t i;
    json_array_foreach(seeds, i, seed)
    {
        const json_t *best = json_object_get(seed, "best");
        table_add_format(&t, "%lld", (long long)json_integer_value(json_object_get(seed, "seed")));
        table_add_format(&t, "%lld", (long long)json_integer_value(json_object_get(seed, "steps")));
        table_add_format(&t, "%lld", (long long)json_integer_value(json_object_get(best, "step")));
        add_figures(&t, best, mlm);
    }
    static const char *const summary[] = {"mean", "sd"};
    for (size_t s = 0; s < 2 && json_array_size(seeds) > 1; s++) {
        table_add(&t, summary[s]);
        table_add(&t, "");
        table_add(&t, "");
        add_figures(&t, json_object_get(result, summary[s]), mlm);
    }
    table_write(&t, &app->out, 0);
    table_free(&t);
}

static void put_result(cli *app, const json_t *result, const timbang_train_options *options)
{
    const char *scheme = json_string_value(json_object_get(result, "scheme"));
    bool several = json_array_size(json_object_get(result, "seeds")) > 1;
    put_seeds(app, result);
    put(&app->out, "\nmodel    ");
    put_clipped(&app->out, options->out, 0);
    put(&app->out, several ? "/seed-*" : "");
    if (options->qat)
        put_format(&app->out, " (%s), its floats in %s", scheme ? scheme : "",
                   several ? "each one's master" : "master");
    put(&app->out, "\nreport   ");
    put_clipped(&app->out, options->out, 0);
    put(&app->out, several ? "/seed-*/report.html\n" : "/report.html\n");
    if (options->task && strcmp(options->task, "mlm") == 0) {
        put(&app->out, "next     timbang train ");
        put_word(&app->out, options->out);
        put(&app->out, " --data MY-LABELLED.tsv --valid MY-VALID.tsv -o my-model\n");
    } else if (!several) {
        put(&app->out, "next     timbang study --model ");
        put_word(&app->out, options->out);
        put(&app->out, " --data MY-TEST.tsv -o my-study\n");
    }
}

int run_train(cli *app)
{
    timbang_train_options options;
    int code = fill_train_options(app, &options);
    if (code != EXIT_OK)
        return code;
    char *json = NULL;
    timbang_status status = timbang_train(app->ctx, &options, &json);
    if (status != TIMBANG_OK)
        return library_error(app, status);
    if (given(app, OPT_JSON)) {
        code = emit_document(app, json, FORMAT_JSON);
    } else {
        json_t *result = json_loads(json, 0, NULL);
        put_result(app, result, &options);
        json_decref(result);
        code = emit(app, false);
    }
    timbang_string_free(json);
    return code;
}
