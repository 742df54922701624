/* timbang study: the main job. Includes: cli.h. Called by: main.c. */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char default_folder[] = "timbang-study";

static bool named_paths(cli *app, const char **texts_given, size_t n, bool model, timbang_named_path **list,
                        size_t *used)
{
    for (size_t i = 0; i < n; i++)
        if (!named_path(app, texts_given[i], model, &(*list)[(*used)++]))
            return false;
    return true;
}

/* --weights FILE is the one model; its folder is --config DIR, else --model [NAME=]DIR, else the one it lies in. */
static int fill_bare_weights(cli *app, timbang_named_path *model, timbang_study_options *options)
{
    const char *weights = text_of(app, OPT_WEIGHTS), *config = text_of(app, OPT_CONFIG_DIR);
    if (!weights && config)
        return usage_error(app, NULL,
                           "--config %s is a folder, which goes with --weights FILE; a model folder is --model DIR",
                           config);
    if (!weights)
        return EXIT_OK;
    options->weights = weights;
    if (options->n_models > 1) /* the library says it */
        return EXIT_OK;
    const char *slash = strrchr(weights, '/');
    if (config)
        model->path = config;
    else if (options->n_models == 0)
        model->path = !slash ? "." : slash == weights ? "/" : keep_text(app, weights, (size_t)(slash - weights));
    options->n_models = 1;
    return model->path ? EXIT_OK : EXIT_INTERNAL;
}

static int fill_sources(cli *app, timbang_study_options *options)
{
    const option_value *models = &app->values[OPT_MODELS], *data = &app->values[OPT_DATA_SETS],
                       *controls = &app->values[OPT_CONTROLS];
    if (data->n_items == 0)
        return usage_error(app, "timbang study --model my-model --data test.tsv", "no data was named (--data FILE)");
    timbang_named_path *m = keep(app, calloc(models->n_items + app->n_arguments + 1, sizeof *m));
    timbang_named_path *d = keep(app, calloc(data->n_items, sizeof *d));
    if (!m || !d || !named_paths(app, models->items, models->n_items, true, &m, &options->n_models) ||
        !named_paths(app, app->arguments, app->n_arguments, true, &m, &options->n_models) ||
        !named_paths(app, data->items, data->n_items, false, &d, &options->n_data))
        return EXIT_INTERNAL;
    timbang_named_path *c = keep(app, calloc(controls->n_items + 1, sizeof *c));
    if (!c || !named_paths(app, controls->items, controls->n_items, false, &c, &options->n_controls))
        return EXIT_INTERNAL;
    options->models = m;
    options->data = d;
    options->controls = c;
    int code = fill_bare_weights(app, &m[0], options);
    if (options->n_models == 0)
        options->n_models = 1; /* m[0] is all zero: the embedded model */
    return code;
}

static int fill_lists(cli *app, timbang_study_options *options)
{
    const char *variants = text_of(app, OPT_VARIANTS), *labels = text_of(app, OPT_LABELS),
               *model_labels = text_of(app, OPT_MODEL_LABELS);
    if (labels && model_labels && strcmp(labels, model_labels) != 0)
        return usage_error(app, NULL, "--labels and --model-labels name different labels");
    if (!labels)
        labels = model_labels;
    if ((variants && !split_list(app, variants, &options->variants, &options->n_variants)) ||
        (labels && !split_list(app, labels, &options->labels, &options->n_labels)))
        return EXIT_INTERNAL;
    return EXIT_OK;
}

/* What is fixed beforehand, and how the study is run. */
static int fill_plan(cli *app, timbang_study_options *options)
{
    options->valid = text_of(app, OPT_VALID);
    options->plan_file = text_of(app, OPT_PLAN_FILE);
    options->primary = text_of(app, OPT_PRIMARY);
    options->alpha = app->values[OPT_ALPHA].decimal; /* 0: not given */
    options->power = app->values[OPT_POWER].decimal;
    options->margin = app->values[OPT_MARGIN].decimal;
    options->bootstrap_replicates = number_or(app, OPT_BOOTSTRAP, 0);
    if (given(app, OPT_BOOTSTRAP) && options->bootstrap_replicates == 0)
        options->bootstrap_replicates = UINT64_MAX;
    options->null_models = number_or(app, OPT_NULL, 0);
    if (given(app, OPT_NULL) && options->null_models == 0)
        options->null_models = UINT64_MAX;
    options->resume = given(app, OPT_RESUME);
    options->anonymous = given(app, OPT_ANONYMOUS);
    options->lang = text_of(app, OPT_LANG);
    options->command = app->command.failed ? NULL : app->command.data;
    return EXIT_OK;
}

static int fill_study_options(cli *app, timbang_study_options *options)
{
    timbang_study_options_init(options);
    int code = fill_sources(app, options);
    if (code == EXIT_OK)
        code = fill_lists(app, options);
    if (code == EXIT_OK)
        code = fill_data_options(app, NULL, &options->data_options);
    if (code == EXIT_OK)
        code = fill_predict_options(app, &options->eval.predict);
    if (code == EXIT_OK)
        code = fill_plan(app, options);
    options->eval.restrict_labels = given(app, OPT_RESTRICT_LABELS);
    options->eval.timing_seconds = timing_seconds(app);
    options->eval.train_path = text_of(app, OPT_TRAIN);
    options->seed = number_or(app, OPT_SEED, options->seed);
    options->out = given(app, OPT_OUTPUT_DIR) ? text_of(app, OPT_OUTPUT_DIR) : default_folder;
    options->force = given(app, OPT_FORCE);
    options->keep_models = given(app, OPT_KEEP_MODELS);
    return code;
}

static int copy_to_output(cli *app, const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return usage_error(app, NULL, "%s: cannot be read", path);
    char chunk[1 << 14];
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, file)) > 0;)
        put_bytes(&app->out, chunk, n);
    app->out.failed = app->out.failed || ferror(file);
    fclose(file);
    return EXIT_OK;
}

/* One command that can be pasted: a study of the embedded model alone says nothing about anybody's own. */
static void put_next(cli *app, const timbang_study_options *options)
{
    bool own = false;
    for (size_t i = 0; i < options->n_models; i++)
        own = own || options->models[i].path;
    put(&app->out, "next     ");
    if (!own)
        put(&app->out, "timbang study --model MY-MODEL --data MY-TEXTS.tsv -o my-study");
    else if (!options->anonymous) {
        put(&app->out, "timbang verify ");
        put_word(&app->out, options->out);
    } else {
        put(&app->out, "timbang report ");
        put_word(&app->out, options->out);
    }
    put(&app->out, "\n");
}

static int print_study(cli *app, const timbang_study_options *options)
{
    const char *folder = options->out, *results = results_of(app, folder);
    if (!results)
        return EXIT_INTERNAL;
    int code = given(app, OPT_JSON) ? copy_to_output(app, results) : put_results_table(app, results);
    if (code != EXIT_OK || given(app, OPT_JSON))
        return code == EXIT_OK ? emit(app, false) : code;
    put(&app->out, "\nreport   ");
    put_clipped(&app->out, folder, 0);
    put(&app->out, "/report.html\nresults  ");
    put_clipped(&app->out, results, 0);
    put(&app->out, "\n");
    put_next(app, options);
    return emit(app, false);
}

static int print_plan(cli *app, const timbang_study_options *options)
{
    char *json = NULL;
    timbang_status status = timbang_study_plan(app->ctx, options, &json);
    if (status != TIMBANG_OK)
        return library_error(app, status);
    put(&app->out, json);
    timbang_string_free(json);
    return emit(app, false);
}

int run_study(cli *app)
{
    timbang_study_options options;
    int code = fill_study_options(app, &options);
    if (code != EXIT_OK)
        return code;
    if (given(app, OPT_PLAN))
        return print_plan(app, &options);
    timbang_status status = timbang_study(app->ctx, &options);
    return status == TIMBANG_OK ? print_study(app, &options) : library_error(app, status);
}
