/* config.json of a Hugging Face BERT classifier: what it says, checked, and what cannot be run, refused with the next
 * step. (Defaults as in transformers' BertConfig.) Includes: formats/config.h. Called by: formats, model, quant, api.
 */
#include "formats/config.h"

#include "base/text.h"
#include "formats/store.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_CONFIG_BYTES = 64 << 20,
    MAX_VOCAB = 1 << 24,
    MAX_POSITIONS = 1 << 20,
    MAX_TYPES = 1 << 16,
    MAX_LAYERS = 1024,
    MAX_LABELS = 1 << 16
};

static timbang_status get_size(const json_t *json, const char *where, const char *key, bool required, uint64_t max,
                               size_t *out, tb_error *err)
{
    uint64_t value = *out;
    TB_TRY(tb_json_get_u64(json, where, key, required, 1, max, &value, err));
    *out = (size_t)value;
    return TIMBANG_OK;
}

/* ---- What kind of model it is ---- */

static const char *architecture(const json_t *json)
{
    const json_t *list = json_object_get(json, "architectures");
    return json_string_value(json_array_get(list, 0)); /* NULL-safe */
}

static bool text_ends(const char *text, const char *ending)
{
    size_t n = text ? strlen(text) : 0, m = strlen(ending);
    return n >= m && strcmp(text + n - m, ending) == 0;
}

static timbang_status check_model_type(const json_t *json, const char *where, tb_error *err)
{
    const char *type = NULL, *kind = architecture(json);
    char shown[TB_SHOWN];
    TB_TRY(tb_json_get_string(json, where, "model_type", false, &type, err));
    if (!type && kind && strncmp(kind, "Bert", 4) != 0)
        type = kind; /* a config without model_type, but of another family */
    if (type && strcmp(type, "bert") != 0)
        return tb_fail(err, TIMBANG_UNSUPPORTED,
                       "%s: model_type '%s' is not supported; this version runs model_type 'bert' "
                       "(BertForSequenceClassification, such as a fine-tuned indobenchmark/indobert-base-p2)",
                       where, tb_shown(type, strlen(type), shown));
    static const char *const tasks[] = {"ForTokenClassification", "ForQuestionAnswering", "ForMultipleChoice"};
    for (size_t i = 0; i < sizeof tasks / sizeof tasks[0]; i++)
        if (text_ends(kind, tasks[i]))
            return tb_fail(err, TIMBANG_UNSUPPORTED,
                           "%s: architecture %s is no text classifier; give a BertForSequenceClassification, or a base "
                           "model",
                           where, tb_shown(kind, strlen(kind), shown));
    return TIMBANG_OK;
}

static timbang_status check_problem_type(const json_t *json, const char *where, tb_error *err)
{
    const char *problem = NULL;
    char shown[TB_SHOWN];
    TB_TRY(tb_json_get_string(json, where, "problem_type", false, &problem, err));
    if (!problem || strcmp(problem, "single_label_classification") == 0)
        return TIMBANG_OK;
    if (strcmp(problem, "multi_label_classification") == 0)
        return tb_fail(err, TIMBANG_UNSUPPORTED,
                       "%s: problem_type is multi_label_classification (several labels at once); only one label a text "
                       "is supported: give a model fine-tuned with single_label_classification",
                       where);
    return tb_fail(err, TIMBANG_UNSUPPORTED,
                   "%s: problem_type is '%s'; only classification is supported: give a model fine-tuned with "
                   "single_label_classification",
                   where, tb_shown(problem, strlen(problem), shown));
}

static timbang_status check_attention(const json_t *json, const char *where, tb_error *err)
{
    const char *positions = NULL;
    char shown[TB_SHOWN];
    bool decoder = false, cross = false;
    TB_TRY(tb_json_get_string(json, where, "position_embedding_type", false, &positions, err));
    if (positions && strcmp(positions, "absolute") != 0)
        return tb_fail(err, TIMBANG_UNSUPPORTED,
                       "%s: position_embedding_type '%s' is not supported; give a model with 'absolute' positions",
                       where, tb_shown(positions, strlen(positions), shown));
    TB_TRY(tb_json_get_bool(json, where, "is_decoder", false, &decoder, err));
    TB_TRY(tb_json_get_bool(json, where, "add_cross_attention", false, &cross, err));
    if (decoder || cross)
        return tb_fail(err, TIMBANG_UNSUPPORTED, "%s: %s is true; give an encoder, not a decoder", where,
                       decoder ? "is_decoder" : "add_cross_attention");
    const json_t *pruned = json_object_get(json, "pruned_heads");
    if (json_object_size(pruned) > 0)
        return tb_fail(err, TIMBANG_UNSUPPORTED,
                       "%s: pruned_heads is not empty; layers with different numbers of heads are not supported",
                       where);
    return TIMBANG_OK;
}

static timbang_status check_quantization(const json_t *json, const char *where, json_t **out, tb_error *err)
{
    json_t *quantization = json_object_get(json, "quantization_config");
    const char *method = NULL;
    char shown[TB_SHOWN];
    if (!quantization || json_is_null(quantization))
        return TIMBANG_OK;
    if (!json_is_object(quantization))
        return tb_fail(err, TIMBANG_FORMAT, "%s: quantization_config must be a JSON object", where);
    TB_TRY(tb_json_get_string(quantization, where, "quant_method", false, &method, err));
    if (!method)
        return tb_fail(err, TIMBANG_UNSUPPORTED,
                       "%s: quantization_config names no quant_method; 'compressed-tensors' is read", where);
    if (strcmp(method, "compressed-tensors") != 0)
        return tb_fail(err, TIMBANG_UNSUPPORTED,
                       "%s: quantization_config.quant_method '%s' is not supported; 'compressed-tensors' is read: give "
                       "the float checkpoint, and quantize that",
                       where, tb_shown(method, strlen(method), shown));
    *out = quantization;
    return TIMBANG_OK;
}

/* ---- Sizes ---- */

static timbang_status parse_activation(const json_t *json, const char *where, tb_activation *act, tb_error *err)
{
    static const struct {
        const char *name;
        tb_activation act;
    } known[] = {{"gelu", TB_ACT_GELU},
                 {"gelu_new", TB_ACT_GELU_NEW},
                 {"gelu_pytorch_tanh", TB_ACT_GELU_NEW},
                 {"relu", TB_ACT_RELU}};
    const char *name = "gelu";
    char shown[TB_SHOWN];
    TB_TRY(tb_json_get_string(json, where, "hidden_act", false, &name, err));
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(name, known[i].name) == 0) {
            *act = known[i].act;
            return TIMBANG_OK;
        }
    return tb_fail(err, TIMBANG_UNSUPPORTED,
                   "%s: hidden_act '%s' is not supported; gelu, gelu_new, gelu_pytorch_tanh and relu are", where,
                   tb_shown(name, strlen(name), shown));
}

static timbang_status parse_sizes(const json_t *json, const char *where, tb_config *config, tb_error *err)
{
    config->max_position_embeddings = 512;
    config->type_vocab_size = 2;
    TB_TRY(get_size(json, where, "vocab_size", true, MAX_VOCAB, &config->vocab_size, err));
    TB_TRY(get_size(json, where, "hidden_size", true, TB_MAX_K, &config->hidden_size, err));
    TB_TRY(get_size(json, where, "num_hidden_layers", true, MAX_LAYERS, &config->num_hidden_layers, err));
    TB_TRY(get_size(json, where, "num_attention_heads", true, TB_MAX_K, &config->num_attention_heads, err));
    TB_TRY(get_size(json, where, "intermediate_size", true, TB_MAX_K, &config->intermediate_size, err));
    TB_TRY(
        get_size(json, where, "max_position_embeddings", false, MAX_POSITIONS, &config->max_position_embeddings, err));
    TB_TRY(get_size(json, where, "type_vocab_size", false, MAX_TYPES, &config->type_vocab_size, err));
    if (config->hidden_size % config->num_attention_heads != 0)
        return tb_fail(err, TIMBANG_FORMAT, "%s: hidden_size %zu is not divisible by num_attention_heads %zu", where,
                       config->hidden_size, config->num_attention_heads);

    double eps = 1e-12, range = 0.02;
    TB_TRY(tb_json_get_double(json, where, "layer_norm_eps", false, &eps, err));
    if (!(eps >= 1e-30 && eps <= 1))
        return tb_fail(err, TIMBANG_FORMAT, "%s: layer_norm_eps must lie between 1e-30 and 1", where);
    TB_TRY(tb_json_get_double(json, where, "initializer_range", false, &range, err));
    if (!(range >= 0 && range <= 1e3))
        return tb_fail(err, TIMBANG_FORMAT, "%s: initializer_range must lie between 0 and 1000", where);
    config->layer_norm_eps = (float)eps;
    config->initializer_range = range;
    return parse_activation(json, where, &config->hidden_act, err);
}

/* ---- Labels ---- */

static void free_labels(char **labels, size_t n)
{
    for (size_t i = 0; labels && i < n; i++)
        free(labels[i]);
    free(labels);
}

/* "LABEL_12": what transformers writes where nobody gave names. */
static bool is_default_label(const char *label, size_t i)
{
    uint64_t number;
    return strncmp(label, "LABEL_", 6) == 0 && tb_parse_u64(label + 6, &number) && number == i;
}

static char *default_label(size_t i, tb_error *err)
{
    tb_text text = {0};
    tb_text_printf(&text, "LABEL_%zu", i);
    if (tb_text_finish(&text, err) == TIMBANG_OK)
        return text.data;
    tb_text_free(&text);
    return NULL;
}

static int compare_labels(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

static timbang_status check_distinct(const char *where, char *const *labels, size_t n, timbang_status status,
                                     tb_error *err)
{
    char shown[TB_SHOWN];
    const char **sorted = tb_calloc(n, sizeof *sorted, err);
    if (!sorted)
        return err->status;
    for (size_t i = 0; i < n; i++)
        sorted[i] = labels[i];
    qsort((void *)sorted, n, sizeof *sorted, compare_labels);
    const char *twice = NULL;
    for (size_t i = 1; i < n && !twice; i++)
        if (strcmp(sorted[i - 1], sorted[i]) == 0)
            twice = sorted[i];
    if (n && sorted[0][0] == '\0')
        status = tb_fail(err, status, "%s: a label is empty", where);
    else if (twice)
        status =
            tb_fail(err, status, "%s: the label '%s' is there twice", where, tb_shown(twice, strlen(twice), shown));
    else
        status = TIMBANG_OK;
    free((void *)sorted);
    return status;
}

/* Keys are numbers as text, in any order; values are names (numbers are taken as names too). */
static timbang_status read_id2label(const json_t *map, const char *where, char **labels, size_t n, tb_error *err)
{
    const char *key;
    json_t *value;
    char shown[TB_SHOWN];
    json_object_foreach((json_t *)(uintptr_t)map, key, value)
    {
        uint64_t id;
        bool plain = tb_parse_u64(key, &id) && (key[0] != '0' || key[1] == '\0') && key[0] != '+';
        tb_shown(key, strlen(key), shown);
        if (!plain)
            return tb_fail(err, TIMBANG_FORMAT, "%s: id2label has the key '%s'; whole numbers from 0 are expected",
                           where, shown);
        if (id >= n)
            return tb_fail(err, TIMBANG_FORMAT, "%s: id2label has %zu labels, but the key '%s': numbers are left out",
                           where, n, shown);
        if (json_is_integer(value)) {
            tb_text text = {0};
            tb_text_printf(&text, "%lld", (long long)json_integer_value(value));
            TB_TRY(tb_text_finish(&text, err));
            labels[id] = text.data;
        } else if (json_is_string(value) && strlen(json_string_value(value)) == json_string_length(value) &&
                   json_string_length(value) <= TB_MAX_TENSOR_NAME) {
            labels[id] = tb_strdup(json_string_value(value), err);
            if (!labels[id])
                return err->status;
        } else
            return tb_fail(err, TIMBANG_FORMAT, "%s: id2label['%s'] must be a name of at most %d bytes", where, shown,
                           TB_MAX_TENSOR_NAME);
    }
    for (size_t i = 0; i < n; i++) /* keys are distinct numbers below n, so none can be missing */
        if (!labels[i])
            return tb_fail(err, TIMBANG_FORMAT, "%s: id2label lacks label %zu", where, i);
    return check_distinct(where, labels, n, TIMBANG_FORMAT, err);
}

/* A name that both maps know must have one number. */
static timbang_status check_label2id(const json_t *map, const char *where, char *const *labels, size_t n, tb_error *err)
{
    char shown[TB_SHOWN];
    for (size_t i = 0; i < n; i++) {
        const json_t *value = json_object_get(map, labels[i]);
        if (!value || (json_is_integer(value) && json_integer_value(value) == (json_int_t)i))
            continue;
        tb_shown(labels[i], strlen(labels[i]), shown);
        if (!json_is_integer(value))
            return tb_fail(err, TIMBANG_FORMAT, "%s: label2id gives label '%s' no number", where, shown);
        return tb_fail(err, TIMBANG_MISMATCH,
                       "%s: id2label says that label %zu is '%s', label2id says that '%s' is number %lld; make them "
                       "agree",
                       where, i, shown, shown, (long long)json_integer_value(value));
    }
    return TIMBANG_OK;
}

/* How many labels there are, and whether id2label names them. */
static timbang_status count_labels(const json_t *json, const char *where, const json_t **names, size_t *n,
                                   tb_error *err)
{
    const json_t *id2label = json_object_get(json, "id2label"), *label2id = json_object_get(json, "label2id");
    uint64_t count = 0;
    *names = NULL;
    if (json_is_array(id2label) || json_is_string(id2label) || json_is_number(id2label))
        return tb_fail(err, TIMBANG_FORMAT, "%s: id2label must be a JSON object {\"0\": name, ...}", where);
    if (json_object_size(id2label) > 0) {
        *names = id2label;
        count = json_object_size(id2label);
    } else {
        TB_TRY(tb_json_get_u64(json, where, "num_labels", false, 1, MAX_LABELS, &count, err));
        if (count == 0 && json_object_size(label2id) > 0)
            return tb_fail(err, TIMBANG_FORMAT,
                           "%s: has label2id, but neither id2label nor num_labels; add id2label {\"0\": name, ...}",
                           where);
        if (count == 0 && text_ends(architecture(json), "ForSequenceClassification"))
            count = 2;
    }
    if (count > MAX_LABELS)
        return tb_fail(err, TIMBANG_FORMAT, "%s: id2label has %llu labels; at most %d are supported", where,
                       (unsigned long long)count, MAX_LABELS);
    if (count == 1)
        return tb_fail(err, TIMBANG_UNSUPPORTED,
                       "%s: there is one label only, which makes the head a regression; give a classifier of two or "
                       "more labels",
                       where);
    *n = (size_t)count;
    return TIMBANG_OK;
}

static timbang_status parse_labels(const json_t *json, const char *where, tb_config *config, tb_error *err)
{
    const json_t *names;
    size_t n = 0;
    TB_TRY(count_labels(json, where, &names, &n, err));
    if (n == 0)
        return TIMBANG_OK;
    config->labels = tb_calloc(n, sizeof *config->labels, err);
    if (!config->labels)
        return err->status;
    config->n_labels = n;
    if (names) {
        TB_TRY(read_id2label(names, where, config->labels, n, err));
        TB_TRY(check_label2id(json_object_get(json, "label2id"), where, config->labels, n, err));
    }
    for (size_t i = 0; i < n; i++) {
        if (!config->labels[i])
            config->labels[i] = default_label(i, err);
        if (!config->labels[i])
            return err->status;
        config->labels_named = config->labels_named || !is_default_label(config->labels[i], i);
    }
    return TIMBANG_OK;
}

/* ---- The whole ---- */

static timbang_status parse_config(const char *name, tb_config *config, tb_error *err)
{
    const json_t *json = config->raw;
    if (!json_is_object(json))
        return tb_fail(err, TIMBANG_FORMAT, "%s: must be a JSON object", name);
    TB_TRY(check_model_type(json, name, err));
    TB_TRY(check_problem_type(json, name, err));
    TB_TRY(check_attention(json, name, err));
    TB_TRY(check_quantization(json, name, &config->quantization, err));
    TB_TRY(parse_sizes(json, name, config, err));
    return parse_labels(json, name, config, err);
}

timbang_status tb_config_parse(const char *name, const char *bytes, size_t size, tb_config *config, tb_error *err)
{
    tb_config made = {0};
    timbang_status status = tb_json_parse(name, bytes, size, 0, &made.raw, err);
    if (status == TIMBANG_OK)
        status = parse_config(name, &made, err);
    if (status != TIMBANG_OK) {
        tb_config_free(&made);
        return status;
    }
    *config = made;
    return TIMBANG_OK;
}

timbang_status tb_config_load(const tb_folder *folder, tb_config *config, tb_error *err)
{
    static const char file[] = "config.json";
    if (!tb_folder_has(folder, file)) {
        if (tb_folder_has(folder, "adapter_config.json"))
            return tb_fail_lora(err, tb_folder_name(folder), "adapter_config.json");
        return tb_fail(
            err, TIMBANG_NOT_FOUND,
            "%s: has no config.json, so it is no Hugging Face model folder (a bare file of weights goes with "
            "the folder of its config: --weights FILE --config DIR)",
            tb_folder_name(folder));
    }
    char *name = tb_path_join(tb_folder_name(folder), file, err), *bytes = NULL;
    size_t size = 0;
    if (!name)
        return err->status;
    timbang_status status = tb_folder_read(folder, file, MAX_CONFIG_BYTES, &bytes, &size, err);
    if (status == TIMBANG_OK)
        status = tb_config_parse(name, bytes, size, config, err);
    free(bytes);
    free(name);
    return status;
}

void tb_config_free(tb_config *config)
{
    free_labels(config->labels, config->n_labels);
    json_decref(config->raw);
    *config = (tb_config){0};
}

timbang_status tb_config_set_labels(tb_config *config, const char *const *labels, size_t n, tb_error *err)
{
    if (n < 2 || n > MAX_LABELS)
        return tb_fail(err, TIMBANG_USAGE, "%zu labels are given; a classifier has 2 to %d", n, MAX_LABELS);
    char **copies = tb_calloc(n, sizeof *copies, err);
    timbang_status status = copies ? TIMBANG_OK : err->status;
    bool named = false;
    for (size_t i = 0; i < n && status == TIMBANG_OK; i++) {
        if (tb_utf8_invalid_at(labels[i], strlen(labels[i])) != SIZE_MAX) {
            status = tb_fail(err, TIMBANG_USAGE, "label %zu is not valid UTF-8", i);
            break;
        }
        copies[i] = tb_strdup(labels[i], err);
        status = copies[i] ? TIMBANG_OK : err->status;
        named = named || !is_default_label(labels[i], i);
    }
    if (status == TIMBANG_OK)
        status = check_distinct("labels", copies, n, TIMBANG_USAGE, err);
    if (status != TIMBANG_OK) {
        free_labels(copies, copies ? n : 0);
        return status;
    }
    free_labels(config->labels, config->n_labels);
    config->labels = copies;
    config->n_labels = n;
    config->labels_named = named;
    return TIMBANG_OK;
}

void tb_config_warn_renamed(const tb_config *config, const char *const *labels, size_t n, const char *where,
                            const tb_hooks *hooks)
{
    for (size_t i = 0; config->labels_named && i < n && i < config->n_labels; i++) {
        if (strcmp(config->labels[i], labels[i]) == 0)
            continue;
        tb_log(hooks, TIMBANG_LOG_WARNING, "%s: config.json calls label %zu '%s'; it is called '%s' now, as was asked",
               where, i, config->labels[i], labels[i]);
        return;
    }
}

/* 0 where every member could be set. */
static int set_labels(json_t *json, const tb_config *config)
{
    json_t *id2label = json_object(), *label2id = json_object();
    int failed = !id2label || !label2id;
    for (size_t i = 0; i < config->n_labels && !failed; i++) {
        tb_text key = {0};
        tb_text_printf(&key, "%zu", i);
        failed |= key.failed || json_object_set_new(id2label, key.data, json_string(config->labels[i]));
        failed |= json_object_set_new(label2id, config->labels[i], json_integer((json_int_t)i));
        tb_text_free(&key);
    }
    failed |= json_object_set_new(json, "id2label", id2label) | json_object_set_new(json, "label2id", label2id);
    failed |= json_object_set_new(json, "num_labels", json_integer((json_int_t)config->n_labels));
    failed |= json_object_set_new(json, "architectures", json_pack("[s]", "BertForSequenceClassification"));
    return failed;
}

/* transformers wrote torch_dtype before version 5 and writes dtype since; it reads both. */
static int set_dtype(json_t *json, const char *dtype)
{
    bool modern = json_object_get(json, "dtype") != NULL;
    int failed = 0;
    if (modern)
        failed |= json_object_set_new(json, "dtype", json_string(dtype));
    if (!modern || json_object_get(json, "torch_dtype"))
        failed |= json_object_set_new(json, "torch_dtype", json_string(dtype));
    return failed;
}

json_t *tb_config_to_json(const tb_config *config, json_t *quantization, const char *dtype, tb_error *err)
{
    json_t *json = json_deep_copy(config->raw);
    int failed = !json;
    if (!failed && config->n_labels)
        failed |= set_labels(json, config);
    if (!failed && quantization)
        failed |= json_object_set(json, "quantization_config", quantization);
    if (!failed && !quantization)
        json_object_del(json, "quantization_config");
    if (!failed && dtype)
        failed |= set_dtype(json, dtype);
    if (!failed)
        return json;
    json_decref(json);
    tb_no_memory(err, 0);
    return NULL;
}
