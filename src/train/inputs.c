/* What a training reads. Includes: train/inputs.h, train/distill.h, data, quant (hash). Called by: train. */
#include "train/inputs.h"

#include "base/sha256.h"
#include "eval/metrics.h"
#include "model/loss.h"
#include "quant/record.h"
#include "train/distill.h"

#include <stdlib.h>
#include <string.h>

/* ---- The model ---- */

static timbang_status has_classifier(const tb_folder *folder, bool *found, tb_error *err)
{
    tb_checkpoint *checkpoint = NULL;
    tb_state_dict *state = NULL;
    TB_TRY(tb_checkpoint_open_folder(folder, &checkpoint, err));
    TB_TRY(tb_state_dict_open(checkpoint, &state, err));
    *found = tb_state_dict_find(state, "classifier.weight") != NULL;
    tb_state_dict_close(state);
    return TIMBANG_OK;
}

timbang_status tb_inputs_open(const tb_train_job *job, tb_inputs *inputs, tb_error *err)
{
    TB_TRY(tb_config_load(job->folder, &inputs->config, err));
    if (inputs->config.quantization)
        return tb_fail(err, TIMBANG_UNSUPPORTED,
                       "%s is quantized (quantization_config in config.json); train the float model that it was made "
                       "from, after QAT the folder master in it",
                       tb_folder_name(job->folder));
    return tb_tokenizer_load(job->folder, &inputs->tokenizer, err);
}

/* The labels of the classifier: asked for, the model's own, or those of the data. */
static timbang_status choose_labels(const tb_train_job *job, tb_inputs *inputs, tb_error *err)
{
    const timbang_train_options *o = job->options;
    tb_config *config = &inputs->config;
    bool trained = false;
    if (o->n_labels) {
        inputs->new_labels = o->labels;
        return tb_config_set_labels(config, o->labels, o->n_labels, err);
    }
    if (config->n_labels && config->labels_named)
        return TIMBANG_OK;
    TB_TRY(has_classifier(job->folder, &trained, err));
    if (trained && config->n_labels)
        return TIMBANG_OK;
    TB_TRY(tb_dataset_labels(inputs->train_set, &inputs->data_labels, &inputs->n_data_labels, err));
    if (inputs->n_data_labels < 2)
        return tb_fail(err, TIMBANG_DATA, "%s: all rows have the label '%s'; a classifier needs at least two",
                       inputs->train_set->name, inputs->n_data_labels ? inputs->data_labels[0] : "");
    if (inputs->n_data_labels > TB_MAX_CLASSES)
        return tb_fail(err, TIMBANG_DATA, "%s: has %zu labels; at most %d can be evaluated", inputs->train_set->name,
                       inputs->n_data_labels, (int)TB_MAX_CLASSES);
    inputs->new_labels = (const char *const *)inputs->data_labels;
    return tb_config_set_labels(config, inputs->new_labels, inputs->n_data_labels, err);
}

/* ---- Texts ---- */

static timbang_status load_set(const tb_train_job *job, const char *path, bool labels, bool limited, tb_dataset **set,
                               tb_error *err)
{
    timbang_data_options options = job->options->data;
    options.path = path;
    if (!labels)
        options.label_column = "";
    if (!limited)
        options.limit = 0;
    TB_TRY(tb_dataset_load(&options, job->hooks, set, err));
    if ((*set)->n == 0)
        return tb_fail(err, TIMBANG_DATA, "%s: has no rows", path);
    if (labels && !(*set)->has_labels)
        return tb_fail(err, TIMBANG_DATA,
                       "%s: has no labels, and training needs them (name their column with "
                       "--label-column)",
                       path);
    return TIMBANG_OK;
}

static tb_texts_options texts_options(const tb_train_job *job, const tb_recipe *recipe, const tb_inputs *inputs,
                                      bool training)
{
    return (tb_texts_options){
        .config = &inputs->config,
        .tokenizer = inputs->tokenizer,
        .max_length = recipe->max_length,
        .clean = recipe->clean,
        .training = training,
        .pool = job->pool,
        .hooks = job->hooks,
        .stage = "tokenizing",
    };
}

static timbang_status read_labelled(const tb_train_job *job, const tb_recipe *recipe, tb_inputs *inputs, tb_error *err)
{
    const timbang_train_options *o = job->options;
    TB_TRY(load_set(job, o->data.path, true, true, &inputs->train_set, err));
    TB_TRY(load_set(job, o->valid, true, false, &inputs->valid_set, err));
    TB_TRY(choose_labels(job, inputs, err));
    const tb_texts_options train = texts_options(job, recipe, inputs, true);
    const tb_texts_options valid = texts_options(job, recipe, inputs, false);
    TB_TRY(tb_texts_of_dataset(inputs->train_set, &train, &inputs->train, err));
    return tb_texts_of_dataset(inputs->valid_set, &valid, &inputs->valid, err);
}

/* A table where a column of texts is named, else one text a line. */
static timbang_status read_plain(const tb_train_job *job, const tb_recipe *recipe, tb_inputs *inputs, tb_error *err)
{
    const timbang_train_options *o = job->options;
    const tb_texts_options how = texts_options(job, recipe, inputs, false);
    const bool table = o->data.text_column || o->data.header == 1;
    const char *const paths[] = {o->data.path, o->valid};
    tb_dataset **sets[] = {&inputs->train_set, &inputs->valid_set};
    tb_texts **texts[] = {&inputs->train, &inputs->valid};
    for (size_t i = 0; i < 2 && paths[i]; i++) {
        if (table) {
            TB_TRY(load_set(job, paths[i], false, i == 0, sets[i], err));
            TB_TRY(tb_texts_of_dataset(*sets[i], &how, texts[i], err));
        } else {
            TB_TRY(tb_texts_of_files(&paths[i], 1, &how, texts[i], err));
        }
    }
    return TIMBANG_OK;
}

/* A validation set of one class has no macro-F1 that could choose anything. */
static timbang_status prepare_validation(tb_inputs *inputs, tb_error *err)
{
    const tb_texts *valid = inputs->valid;
    bool two = false;
    for (size_t i = 1; i < valid->n && !two; i++)
        two = valid->truth[i] != valid->truth[0];
    if (!two)
        return tb_fail(err, TIMBANG_DATA,
                       "%s: all rows have the label '%s'; a validation macro-F1 needs at least two labels",
                       inputs->valid_set->name, inputs->config.labels[valid->truth[0]]);
    inputs->valid_refs = tb_calloc(valid->n, sizeof *inputs->valid_refs, err);
    if (!inputs->valid_refs)
        return TIMBANG_NO_MEMORY;
    for (size_t i = 0; i < valid->n; i++) {
        const tb_row *row = &inputs->valid_set->rows[i];
        inputs->valid_refs[i] = (tb_text_ref){row->text, row->text_length, row->pair};
    }
    return TIMBANG_OK;
}

static timbang_status count_overlap(const tb_train_job *job, tb_inputs *inputs, tb_error *err)
{
    tb_duplicates found = {0};
    TB_TRY(tb_dataset_duplicates(inputs->valid_set, inputs->train_set, &found, err));
    if (found.normalized > 0)
        tb_log(job->hooks, TIMBANG_LOG_WARNING,
               "%s: %zu of %zu rows also occur in %s (%zu exactly; row %llu is row %llu there): figures on them say "
               "what was learnt by heart",
               inputs->valid_set->name, found.normalized, inputs->valid_set->n, inputs->train_set->name, found.exact,
               (unsigned long long)found.first_line, (unsigned long long)found.first_other_line);
    inputs->overlap = json_pack("{s:I, s:I, s:I}", "exact", (json_int_t)found.exact, "normalized",
                                (json_int_t)found.normalized, "conflicting", (json_int_t)found.conflicting);
    return inputs->overlap ? TIMBANG_OK : tb_no_memory(err, 0);
}

/* ---- Weights of classes, teachers ---- */

static timbang_status weigh_classes(const tb_train_job *job, tb_inputs *inputs, tb_error *err)
{
    const char *asked = job->options->class_weights;
    const size_t n = inputs->config.n_labels;
    if (!asked)
        return TIMBANG_OK;
    inputs->class_weights = tb_calloc(n, sizeof *inputs->class_weights, err);
    if (!inputs->class_weights)
        return TIMBANG_NO_MEMORY;
    if (strcmp(asked, "balanced") != 0)
        return tb_class_weights_parse(asked, (const char *const *)inputs->config.labels, n, inputs->class_weights, err);
    tb_balanced_weights(inputs->train->truth, inputs->train->n, n, inputs->class_weights);
    return TIMBANG_OK;
}

/* The teacher may be quantized: it is run as it is. */
static timbang_status ask_teacher(const tb_train_job *job, const tb_recipe *recipe, tb_inputs *inputs, tb_error *err)
{
    tb_classifier *teacher = NULL;
    tb_workspace *workspace = NULL;
    const tb_load_options load = {
        .folder = inputs->teacher, .kernels = job->kernels, .pool = job->pool, .hooks = job->hooks};
    timbang_status status = tb_classifier_load(&load, &teacher, err);
    if (status == TIMBANG_OK)
        status = tb_workspace_create(job->pool, &workspace, err);
    if (status == TIMBANG_OK) {
        const tb_soft_options soft = {
            .teacher = teacher,
            .teacher_name = job->options->teacher,
            .workspace = workspace,
            .labels = (const char *const *)inputs->config.labels,
            .n_labels = inputs->config.n_labels,
            .temperature = recipe->temperature,
            .max_length = recipe->max_length,
            .clean = recipe->clean,
            .hooks = job->hooks,
        };
        status = tb_soft_targets(&soft, inputs->train_set, &inputs->soft, err);
    }
    tb_workspace_free(workspace);
    tb_classifier_free(teacher);
    return status;
}

/* ---- Hashes ---- */

static timbang_status hash_weights(const tb_train_job *job, const tb_folder *folder, char hex[65], tb_error *err)
{
    const tb_quantize_job source = {.folder = folder, .hooks = job->hooks};
    return tb_source_weights_hash(&source, hex, err);
}

/* Of what the model sees: token ids, types, boundaries and classes. */
static void hash_texts(const tb_texts *texts, char hex[65])
{
    tb_sha256 hash;
    tb_sha256_init(&hash);
    for (size_t i = 0; i < texts->n; i++) {
        const uint64_t length = tb_texts_length(texts, i);
        const int32_t truth = texts->truth ? texts->truth[i] : -1;
        tb_sha256_update(&hash, &length, sizeof length);
        tb_sha256_update(&hash, &truth, sizeof truth);
        tb_sha256_update(&hash, texts->ids + texts->begin[i], (size_t)length * sizeof *texts->ids);
        if (texts->types)
            tb_sha256_update(&hash, texts->types + texts->begin[i], (size_t)length);
    }
    tb_sha256_final(&hash, hex);
}

timbang_status tb_inputs_read(const tb_train_job *job, const tb_recipe *recipe, tb_inputs *inputs, tb_error *err)
{
    const bool mlm = recipe->task == TB_TASK_MLM;
    TB_TRY(mlm ? read_plain(job, recipe, inputs, err) : read_labelled(job, recipe, inputs, err));
    if (!mlm)
        TB_TRY(prepare_validation(inputs, err));
    if (inputs->train_set && inputs->valid_set)
        TB_TRY(count_overlap(job, inputs, err));
    if (!mlm)
        TB_TRY(weigh_classes(job, inputs, err));
    hash_texts(inputs->train, inputs->train_sha256);
    if (inputs->valid)
        hash_texts(inputs->valid, inputs->valid_sha256);
    TB_TRY(hash_weights(job, job->folder, inputs->parent_sha256, err));
    if (!job->options->teacher)
        return TIMBANG_OK;
    TB_TRY(tb_folder_open(job->options->teacher, &inputs->teacher, err));
    TB_TRY(hash_weights(job, inputs->teacher, inputs->teacher_sha256, err));
    return recipe->distill_weight > 0 ? ask_teacher(job, recipe, inputs, err) : TIMBANG_OK;
}

timbang_status tb_inputs_recipe(const tb_inputs *inputs, const tb_recipe *recipe, json_t **out, char hash[65],
                                tb_error *err)
{
    const bool mlm = recipe->task == TB_TASK_MLM;
    const tb_recipe_inputs in = {
        .labels = mlm ? NULL : (const char *const *)inputs->config.labels,
        .n_labels = mlm ? 0 : inputs->config.n_labels,
        .class_weights = inputs->class_weights,
        .train_texts = inputs->train->n,
        .train_tokens = inputs->train->n_tokens,
        .valid_texts = inputs->valid ? inputs->valid->n : 0,
        .valid_tokens = inputs->valid ? inputs->valid->n_tokens : 0,
        .train_sha256 = inputs->train_sha256,
        .valid_sha256 = inputs->valid ? inputs->valid_sha256 : NULL,
        .teacher_sha256 = inputs->teacher ? inputs->teacher_sha256 : NULL,
    };
    return tb_recipe_json(recipe, &in, out, hash, err);
}

void tb_inputs_free(tb_inputs *inputs)
{
    json_decref(inputs->overlap);
    tb_folder_close(inputs->teacher);
    free(inputs->soft);
    free(inputs->class_weights);
    free(inputs->valid_refs);
    tb_token_texts_free(inputs->train);
    tb_token_texts_free(inputs->valid);
    tb_dataset_free(inputs->train_set);
    tb_dataset_free(inputs->valid_set);
    tb_labels_free(inputs->data_labels, inputs->n_data_labels);
    tb_tokenizer_free(inputs->tokenizer);
    tb_config_free(&inputs->config);
    *inputs = (tb_inputs){0};
}
