/* Options of a training, checked, with every default written out.
 * Includes: train/recipe.h, base, data. Called by: train. */
#include "train/recipe.h"

#include "base/sha256.h"
#include "base/text.h"
#include "data/columns.h"
#include "text/clean.h"

#include <stdlib.h>
#include <string.h>

uint64_t tb_config_parameters(const tb_config *config)
{
    const uint64_t hidden = config->hidden_size, inner = config->intermediate_size;
    uint64_t rows = (uint64_t)config->vocab_size + config->max_position_embeddings + config->type_vocab_size;
    uint64_t layer = 4 * (hidden * hidden + hidden) + 2 * hidden * inner + inner + hidden + 4 * hidden;
    uint64_t head = hidden * hidden + hidden + config->n_labels * (hidden + 1);
    return rows * hidden + 2 * hidden + config->num_hidden_layers * layer + head;
}

/* ---- Checks ---- */

typedef struct bound {
    const char *option;
    double value, low, high;
    bool low_open, high_open; /* the bound itself is out */
} bound;

static timbang_status check_bound(const bound *b, tb_error *err)
{
    bool low = b->low_open ? b->value > b->low : b->value >= b->low;
    bool high = b->high_open ? b->value < b->high : b->value <= b->high;
    if (low && high) /* both false for NaN */
        return TIMBANG_OK;
    return tb_fail(err, TIMBANG_USAGE, "--%s %g: is not a number %s %g and %s %g", b->option, b->value,
                   b->low_open ? "above" : "from", b->low, b->high_open ? "below" : "up to", b->high);
}

static timbang_status check_numbers(const timbang_train_options *o, tb_error *err)
{
    const bound bounds[] = {
        {"learning-rate", o->learning_rate, 0, 10, false, false},
        {"weight-decay", o->weight_decay, 0, 1, false, false},
        {"warmup", o->warmup, 0, 1, false, false},
        {"clip", o->clip, 0, 1e6, false, false},
        {"dropout", o->dropout < 0 ? 0 : o->dropout, 0, 1, false, true},
        {"layer-decay", o->layer_decay, 0, 1, true, false},
        {"label-smoothing", o->label_smoothing, 0, 1, false, true},
        {"mask-share", o->mask_share, 0, 1, true, true},
        {"distill-weight", o->distill_weight, 0, 1, false, false},
        {"temperature", o->temperature, 0, 1000, true, false},
        {"distill-hidden", o->distill_hidden, 0, 1e6, false, false},
        {"distill-attention", o->distill_attention, 0, 1e6, false, false},
        {"checkpoint-seconds", o->checkpoint_seconds, 0, 60, false, false},
    };
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++)
        TB_TRY(check_bound(&bounds[i], err));
    const struct {
        const char *option;
        uint64_t value, most;
    } counts[] = {{"epochs", o->epochs, 100000}, {"batch", o->batch, 65536}, {"accumulate", o->accumulate, 65536}};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        if (counts[i].value > counts[i].most)
            return tb_fail(err, TIMBANG_USAGE, "--%s %llu: at most %llu", counts[i].option,
                           (unsigned long long)counts[i].value, (unsigned long long)counts[i].most);
    return TIMBANG_OK;
}

static timbang_status parse_task(const timbang_train_options *o, tb_recipe *recipe, tb_error *err)
{
    if (!o->task || strcmp(o->task, "classify") == 0)
        recipe->task = TB_TASK_CLASSIFY;
    else if (strcmp(o->task, "mlm") == 0)
        recipe->task = TB_TASK_MLM;
    else
        return tb_fail(err, TIMBANG_USAGE, "--task: '%s' is not one of classify, mlm", o->task);
    if (recipe->task == TB_TASK_CLASSIFY)
        return TIMBANG_OK;
    const struct {
        bool given;
        const char *option;
    } others[] = {
        {o->qat != NULL, "qat"},         {o->control != 0, "control"},
        {o->teacher != NULL, "distill"}, {o->class_weights != NULL, "class-weights"},
        {o->n_labels > 0, "labels"},     {o->label_smoothing > 0, "label-smoothing"},
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (others[i].given)
            return tb_fail(err, TIMBANG_USAGE, "--%s belongs to labelled texts, not to --task mlm", others[i].option);
    return TIMBANG_OK;
}

static timbang_status parse_scheme(const timbang_train_options *o, tb_recipe *recipe, tb_error *err)
{
    recipe->qat = o->qat != NULL;
    recipe->control = o->control != 0;
    if (recipe->qat && recipe->control)
        return tb_fail(err, TIMBANG_USAGE,
                       "--qat and --control exclude each other: the control is a training of its own, in floats");
    TB_TRY(tb_scheme_parse(recipe->qat ? o->qat : "fp32", 0, NULL, &recipe->scheme, err));
    if (recipe->qat && strcmp(recipe->scheme.name, "fp32") == 0)
        return tb_fail(err, TIMBANG_USAGE,
                       "--qat fp32: is training without quantization; leave --qat out, or use "
                       "--control");
    return tb_compute_parse(o->compute, &recipe->compute, err);
}

/* ---- Defaults ---- */

static timbang_status config_probability(const tb_config *config, const char *key, double otherwise, double *out,
                                         tb_error *err)
{
    *out = otherwise;
    TB_TRY(tb_json_get_double(config->raw, "config.json", key, false, out, err));
    if (!(*out >= 0 && *out < 1))
        return tb_fail(err, TIMBANG_FORMAT, "config.json: %s is %g; a probability of dropout is from 0 to below 1", key,
                       *out);
    return TIMBANG_OK;
}

/* As Hugging Face: the classifier's is the hidden values' where the file has none. */
static timbang_status set_dropout(const timbang_train_options *o, const tb_config *config, tb_recipe *recipe,
                                  tb_error *err)
{
    const double usual = 0.1;
    if (o->dropout >= 0) {
        recipe->hidden_dropout = recipe->attention_dropout = recipe->classifier_dropout = o->dropout;
        return TIMBANG_OK;
    }
    TB_TRY(config_probability(config, "hidden_dropout_prob", usual, &recipe->hidden_dropout, err));
    TB_TRY(config_probability(config, "attention_probs_dropout_prob", usual, &recipe->attention_dropout, err));
    return config_probability(config, "classifier_dropout", recipe->hidden_dropout, &recipe->classifier_dropout, err);
}

static timbang_status set_frozen(const timbang_train_options *o, const tb_config *config, tb_recipe *recipe,
                                 tb_error *err)
{
    uint64_t layers = 0;
    if (!o->freeze)
        return TIMBANG_OK;
    if (strcmp(o->freeze, "embeddings") != 0 &&
        (!tb_parse_u64(o->freeze, &layers) || layers > config->num_hidden_layers))
        return tb_fail(err, TIMBANG_USAGE,
                       "--freeze: '%s' is neither the word embeddings nor a number of layers from 0 to %zu", o->freeze,
                       config->num_hidden_layers);
    recipe->frozen_depth = 1 + (size_t)layers;
    return TIMBANG_OK;
}

static void set_size_defaults(const timbang_train_options *o, const tb_config *config, const tb_hooks *hooks,
                              tb_recipe *recipe)
{
    const uint64_t parameters = tb_config_parameters(config);
    const bool small = parameters < TB_SMALL_MODEL, goes_on = recipe->qat || recipe->control;
    recipe->epochs = o->epochs ? o->epochs : small ? 4 : 3;
    recipe->batch = o->batch ? o->batch : small ? 32 : 16;
    recipe->learning_rate = o->learning_rate > 0 ? o->learning_rate : (small ? 2e-4 : 2e-5) / (goes_on ? 2 : 1);
    if (o->epochs && o->batch && o->learning_rate > 0)
        return;
    const char *size =
        small ? "a model below 30 million parameters learns better with larger steps" : "what studies of BERT-base use";
    tb_log(hooks, TIMBANG_LOG_INFO,
           "learning rate %g%s, batches of %llu%s, %llu epochs%s; defaults for %.1f million parameters: %s%s",
           recipe->learning_rate, o->learning_rate > 0 ? "" : " (default)", (unsigned long long)recipe->batch,
           o->batch ? "" : " (default)", (unsigned long long)recipe->epochs, o->epochs ? "" : " (default)",
           (double)parameters / 1e6, size, goes_on ? ", with half of the rate to go on from a trained model" : "");
}

timbang_status tb_recipe_make(const timbang_train_options *o, const tb_config *config, const tb_hooks *hooks,
                              tb_recipe *recipe, tb_error *err)
{
    enum { USUAL_LENGTH = 128 };
    tb_recipe made = {
        .accumulate = o->accumulate ? o->accumulate : 1,
        .weight_decay = o->weight_decay,
        .warmup = o->warmup,
        .clip = o->clip,
        .layer_decay = o->layer_decay,
        .label_smoothing = o->label_smoothing,
        .mask_share = o->mask_share,
        .early_stopping = o->early_stopping,
        .evaluate_every = o->evaluate_every,
        .group_by_length = o->group_by_length != 0,
        .max_length = o->texts.max_length,
        .clean = o->texts.clean,
        .temperature = 1,
    };
    TB_TRY(check_numbers(o, err));
    TB_TRY(parse_task(o, &made, err));
    TB_TRY(parse_scheme(o, &made, err));
    TB_TRY(tb_schedule_parse(o->schedule ? o->schedule : "linear", &made.schedule, err));
    TB_TRY(set_dropout(o, config, &made, err));
    TB_TRY(set_frozen(o, config, &made, err));
    if (made.max_length > config->max_position_embeddings)
        return tb_fail(err, TIMBANG_USAGE, "--max-length %zu is more than the %zu positions of the model",
                       made.max_length, config->max_position_embeddings);
    if (made.max_length == 0)
        made.max_length =
            config->max_position_embeddings < USUAL_LENGTH ? config->max_position_embeddings : USUAL_LENGTH;
    if (o->teacher) {
        made.distill_weight = o->distill_weight;
        made.temperature = o->temperature;
        made.distill_hidden = o->distill_hidden;
        made.distill_attention = o->distill_attention;
    }
    set_size_defaults(o, config, hooks, &made);
    *recipe = made;
    return TIMBANG_OK;
}

const char *tb_recipe_role(const tb_recipe *recipe)
{
    return recipe->task == TB_TASK_MLM ? "mlm" : recipe->qat ? "qat" : recipe->control ? "control" : "fine-tuned";
}

/* ---- Class weights ---- */

static timbang_status parse_weight(const char *part, size_t length, const char *const *labels, size_t n_labels,
                                   float *weights, tb_error *err)
{
    char name[256], number[64];
    const char *equals = NULL; /* the last one: a label may hold others */
    for (size_t i = 0; i < length; i++)
        equals = part[i] == '=' ? part + i : equals;
    size_t n = equals ? (size_t)(equals - part) : 0, m = equals ? length - n - 1 : 0;
    double value = -1;
    if (equals && n < sizeof name && m < sizeof number) {
        memcpy(name, part, n);
        name[n] = '\0';
        memcpy(number, equals + 1, m);
        number[m] = '\0';
    }
    if (!equals || n >= sizeof name || m >= sizeof number || !tb_parse_double(number, &value) ||
        !(value >= 0 && value <= 1e6))
        return tb_fail(err, TIMBANG_USAGE,
                       "--class-weights: '%.*s' is not LABEL=WEIGHT with a weight from 0 to 1000000", (int)length,
                       part);
    for (size_t l = 0; l < n_labels; l++)
        if (tb_same_name(labels[l], strlen(labels[l]), name, n)) {
            weights[l] = (float)value;
            return TIMBANG_OK;
        }
    return tb_fail(err, TIMBANG_USAGE, "--class-weights: '%s' is no label of the model (%s, ...)", name, labels[0]);
}

timbang_status tb_class_weights_parse(const char *text, const char *const *labels, size_t n_labels, float *weights,
                                      tb_error *err)
{
    for (size_t l = 0; l < n_labels; l++)
        weights[l] = 1;
    for (const char *part = text;; part++) {
        part += strspn(part, " ");
        size_t length = strcspn(part, ",");
        size_t end = length;
        while (end > 0 && part[end - 1] == ' ')
            end--;
        TB_TRY(parse_weight(part, end, labels, n_labels, weights, err));
        part += length;
        if (!*part)
            break;
    }
    float sum = 0;
    for (size_t l = 0; l < n_labels; l++)
        sum += weights[l];
    return sum > 0 ? TIMBANG_OK : tb_fail(err, TIMBANG_USAGE, "--class-weights: all weights are 0");
}

/* ---- JSON ---- */

static json_t *count(uint64_t n)
{
    return json_integer((json_int_t)n);
}

static json_t *names(const char *const *labels, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_string(labels[i]));
    return list;
}

static json_t *weights_json(const float *weights, size_t n)
{
    if (!weights)
        return json_null();
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_real((double)weights[i]));
    return list;
}

static json_t *texts_json(const char *sha256, size_t texts, size_t tokens)
{
    if (!sha256)
        return json_null();
    return json_pack("{s:o, s:o, s:s}", "texts", count(texts), "tokens", count(tokens), "sha256", sha256);
}

static int put_learning(const tb_recipe *r, json_t *into)
{
    int bad = json_object_set_new(into, "epochs", count(r->epochs));
    bad |= json_object_set_new(into, "batch", count(r->batch));
    bad |= json_object_set_new(into, "accumulate", count(r->accumulate));
    bad |= json_object_set_new(into, "optimizer", json_string("adamw"));
    bad |= json_object_set_new(into, "learning_rate", json_real(r->learning_rate));
    bad |= json_object_set_new(into, "schedule", json_string(tb_schedule_name(r->schedule)));
    bad |= json_object_set_new(into, "warmup", json_real(r->warmup));
    bad |= json_object_set_new(into, "weight_decay", json_real(r->weight_decay));
    bad |= json_object_set_new(into, "clip", json_real(r->clip));
    bad |= json_object_set_new(into, "layer_decay", json_real(r->layer_decay));
    bad |= json_object_set_new(into, "dropout",
                               json_pack("{s:f, s:f, s:f}", "hidden", r->hidden_dropout, "attention",
                                         r->attention_dropout, "classifier", r->classifier_dropout));
    bad |= json_object_set_new(into, "frozen_layers", /* null: none, not even the embeddings */
                               r->frozen_depth ? count(r->frozen_depth - 1) : json_null());
    bad |= json_object_set_new(into, "early_stopping", r->early_stopping ? count(r->early_stopping) : json_null());
    bad |= json_object_set_new(into, "evaluate_every", r->evaluate_every ? count(r->evaluate_every) : json_null());
    bad |= json_object_set_new(into, "group_by_length", json_boolean(r->group_by_length));
    return bad;
}

static int put_task(const tb_recipe *r, const tb_recipe_inputs *in, json_t *into)
{
    char clean[80];
    int bad = json_object_set_new(into, "max_length", count(r->max_length));
    bad |= json_object_set_new(into, "clean", json_string(tb_clean_text_of(r->clean, clean)));
    if (r->task == TB_TASK_MLM)
        return bad | json_object_set_new(into, "mask_share", json_real(r->mask_share));
    bad |= json_object_set_new(into, "labels", names(in->labels, in->n_labels));
    bad |= json_object_set_new(into, "class_weights", weights_json(in->class_weights, in->n_labels));
    bad |= json_object_set_new(into, "label_smoothing", json_real(r->label_smoothing));
    json_t *distill = in->teacher_sha256 ? json_pack("{s:s, s:f, s:f, s:f, s:f}", "teacher_sha256", in->teacher_sha256,
                                                     "weight", r->distill_weight, "temperature", r->temperature,
                                                     "hidden", r->distill_hidden, "attention", r->distill_attention)
                                         : json_null();
    return bad | json_object_set_new(into, "distill", distill);
}

timbang_status tb_recipe_json(const tb_recipe *r, const tb_recipe_inputs *in, json_t **out, char hash[65],
                              tb_error *err)
{
    json_t *made =
        json_pack("{s:s, s:s?, s:b, s:s}", "task", r->task == TB_TASK_MLM ? "mlm" : "classify", "qat",
                  r->qat ? r->scheme.name : NULL, "control", (int)r->control, "compute", tb_compute_name(r->compute));
    int bad = !made || put_task(r, in, made) || put_learning(r, made);
    bad = bad || json_object_set_new(made, "train", texts_json(in->train_sha256, in->train_texts, in->train_tokens));
    bad = bad || json_object_set_new(made, "valid", texts_json(in->valid_sha256, in->valid_texts, in->valid_tokens));
    char *text = NULL;
    timbang_status status = bad ? tb_no_memory(err, 0) : tb_json_compact(made, &text, err);
    if (status != TIMBANG_OK) {
        json_decref(made);
        return status;
    }
    tb_sha256 sha;
    tb_sha256_init(&sha);
    tb_sha256_update(&sha, text, strlen(text));
    tb_sha256_final(&sha, hash);
    free(text);
    *out = made;
    return TIMBANG_OK;
}
