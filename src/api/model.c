/* Models: where their files are (folder, bare weights, embedded), loading, and what a program may ask of one.
 * Includes: api/api.h, api/embedded.h, model. Called by: users of the library, src/api. */
#include "api/api.h"
#include "api/embedded.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_LABELS = 4096 };

/* "indobenchmark/indobert-base-p2", "bert-base-uncased": at most one slash, and nothing that only paths have. */
static bool looks_like_hub_name(const char *path)
{
    static const char *const files[] = {".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".json", ".gguf", ".onnx"};
    const char *slash = strchr(path, '/');
    if (slash ? slash == path || !slash[1] || strchr(slash + 1, '/') : !strchr(path, '-'))
        return false;
    if (path[0] == '.' || path[0] == '~' || path[0] == '-')
        return false;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        size_t n = strlen(path), m = strlen(files[i]);
        if (n > m && strcmp(path + n - m, files[i]) == 0)
            return false;
    }
    return strspn(path, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./") == strlen(path);
}

timbang_status tb_api_check_path(const char *path, tb_error *err)
{
    if (tb_is_directory(path) || tb_is_file(path))
        return TIMBANG_OK;
    const char *slash = strchr(path, '/');
    if (looks_like_hub_name(path))
        return tb_fail(err, TIMBANG_NOT_FOUND,
                       "%s: no such folder; if it is a model on the Hugging Face hub, download it first: "
                       "huggingface-cli download %s --local-dir %s",
                       path, path, slash ? slash + 1 : path);
    return tb_fail(err, TIMBANG_NOT_FOUND, "%s: no such file or folder", path);
}

timbang_status tb_api_folder(const char *path, tb_folder **folder, tb_error *err)
{
    if (!path) {
        size_t n;
        const tb_memory_file *files = tb_embedded_files(&n);
        if (n == 0)
            return tb_fail(err, TIMBANG_NOT_FOUND,
                           "this build has no embedded model; name a model folder (config.json, tokenizer, weights)");
        return tb_folder_memory("embedded model", files, n, folder, err);
    }
    if (!*path)
        return tb_fail(err, TIMBANG_USAGE, "the path of the model is empty");
    TB_TRY(tb_api_check_path(path, err));
    if (!tb_is_directory(path))
        return tb_fail(err, TIMBANG_USAGE,
                       "%s: is a file, not a model folder; a bare file of weights goes with the folder of its "
                       "config.json: --weights %s --config DIR",
                       path, path);
    return tb_folder_open(path, folder, err);
}

timbang_status tb_api_model_folder(const timbang_model_options *options, tb_folder **folder, tb_error *err)
{
    if (!options->weights) {
        if (options->config)
            return tb_fail(
                err, TIMBANG_USAGE,
                "config: the folder %s goes with a bare file of weights (--weights); a model folder needs none",
                options->config);
        return tb_api_folder(options->path, folder, err);
    }
    TB_TRY(tb_api_check_path(options->weights, err));
    if (tb_is_directory(options->weights))
        return tb_fail(err, TIMBANG_USAGE, "%s: is a folder, where a file of weights is wanted", options->weights);
    const char *dir = options->config ? options->config : options->path;
    if (dir)
        return tb_api_folder(dir, folder, err);
    const char *slash = strrchr(options->weights, '/');
    if (!slash)
        return tb_api_folder(".", folder, err);
    char *own = tb_strndup(options->weights, slash == options->weights ? 1 : (size_t)(slash - options->weights), err);
    if (!own)
        return err->status;
    timbang_status status = tb_api_folder(own, folder, err);
    free(own);
    return status;
}

timbang_status tb_api_check_labels(const char *const *labels, size_t n, tb_error *err)
{
    if (n > MAX_LABELS || (n > 0 && !labels))
        return tb_fail(err, TIMBANG_USAGE, "labels: %zu names; at most %d", n, (int)MAX_LABELS);
    if (n == 1)
        return tb_fail(err, TIMBANG_USAGE, "labels: one name; a classifier has at least two");
    for (size_t i = 0; i < n; i++) {
        if (!labels[i] || !*labels[i])
            return tb_fail(err, TIMBANG_USAGE, "labels: name %zu is empty", i + 1);
        if (tb_utf8_invalid_at(labels[i], strlen(labels[i])) != SIZE_MAX)
            return tb_fail(err, TIMBANG_USAGE, "labels: name %zu is not valid UTF-8", i + 1);
        for (size_t j = 0; j < i; j++)
            if (strcmp(labels[i], labels[j]) == 0)
                return tb_fail(err, TIMBANG_USAGE, "labels: '%s' occurs twice", labels[i]);
    }
    return TIMBANG_OK;
}

static timbang_status load(timbang_context *ctx, const timbang_model_options *given, timbang_model **out)
{
    tb_error *err = &ctx->err;
    timbang_model_options options;
    timbang_model_options_init(&options);
    TB_TRY(tb_api_options(given, &options, sizeof options, "timbang_model_options", err));
    TB_TRY(tb_api_check_labels(options.labels, options.n_labels, err));
    TB_TRY(tb_api_check_labels(options.head_labels, options.n_head_labels, err));
    tb_compute compute;
    TB_TRY(tb_compute_parse(options.compute, &compute, err));
    tb_folder *folder = NULL;
    TB_TRY(tb_api_model_folder(&options, &folder, err));
    timbang_model *model = tb_calloc(1, sizeof *model, err);
    timbang_status status = model ? TIMBANG_OK : err->status;
    if (status == TIMBANG_OK) {
        const tb_load_options job = {
            .folder = folder,
            .weights_path = options.weights,
            .labels = options.n_labels ? options.labels : NULL,
            .n_labels = options.n_labels,
            .head_labels = options.n_head_labels ? options.head_labels : NULL,
            .n_head_labels = options.n_head_labels,
            .seed = options.seed,
            .compute = compute,
            .kernels = ctx->kernels,
            .pool = ctx->pool,
            .hooks = &ctx->hooks,
        };
        status = tb_classifier_load(&job, &model->classifier, err);
    }
    tb_folder_close(folder);
    if (status != TIMBANG_OK) {
        free(model);
        return status;
    }
    /* The handle is read-only for everyone; the cast only drops the accessor's const. */
    model->tokenizer.tokenizer = (tb_tokenizer *)tb_classifier_tokenizer(model->classifier);
    model->embedded = !options.path && !options.weights;
    *out = model;
    return TIMBANG_OK;
}

timbang_status timbang_model_load(timbang_context *ctx, const timbang_model_options *options, timbang_model **model)
{
    tb_fp_state fp;
    TB_TRY(tb_api_enter(ctx, &fp));
    if (!model)
        return tb_api_leave(ctx, fp, tb_fail(&ctx->err, TIMBANG_USAGE, "timbang_model_load: model is NULL"));
    return tb_api_leave(ctx, fp, load(ctx, options, model));
}

void timbang_model_free(timbang_model *model)
{
    if (!model)
        return;
    tb_classifier_free(model->classifier);
    free(model);
}

size_t timbang_model_n_labels(const timbang_model *model)
{
    return tb_classifier_config(model->classifier)->n_labels;
}

const char *timbang_model_label(const timbang_model *model, size_t i)
{
    const tb_config *config = tb_classifier_config(model->classifier);
    return i < config->n_labels ? config->labels[i] : NULL;
}

const char *timbang_model_scheme(const timbang_model *model)
{
    return tb_classifier_scheme(model->classifier);
}

const char *timbang_model_compute(const timbang_model *model)
{
    return tb_compute_name(tb_classifier_compute(model->classifier));
}

int timbang_model_untrained_head(const timbang_model *model)
{
    return tb_classifier_untrained_head(model->classifier);
}

int timbang_model_embedded(const timbang_model *model)
{
    return model->embedded;
}

uint64_t timbang_model_resident_bytes(const timbang_model *model)
{
    return tb_classifier_resident_bytes(model->classifier);
}

uint64_t timbang_model_parameters(const timbang_model *model)
{
    return tb_classifier_parameters(model->classifier);
}

size_t timbang_model_max_length(const timbang_model *model)
{
    return tb_classifier_config(model->classifier)->max_position_embeddings;
}
