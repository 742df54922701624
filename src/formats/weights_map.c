/* quantization_config of compressed-tensors, read: which scheme each module of a folder has. What timbang cannot run is
 * refused by name. Includes: base, formats. Called by: model, quant, api through formats/weights.h. */
#include "formats/weights_internal.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_RULES = 256, MAX_TARGETS = 16384, MAX_NAME = 512 };

typedef struct target {
    char *text;
    tb_pattern *pattern; /* of "re:...", else NULL */
    size_t rule;
} target;

struct tb_quant_map {
    tb_quant_rule *rules;
    target *targets, *ignored;
    size_t n_rules, n_targets, n_ignored;
};

/* What the parser of one file carries along. */
typedef struct reader {
    const char *where;
    const char *group; /* the entry of config_groups, for messages */
    tb_quant_map *map;
    tb_error *err;
} reader;

#define NEXT_STEP                                                                                                      \
    "; dequantize the model with the library that made it, save it in float, and quantize that with timbang"

static timbang_status refuse(const reader *r, const char *what)
{
    return tb_fail(r->err, TIMBANG_UNSUPPORTED,
                   "%s: quantization_config: group '%.60s' has %s, which timbang does not run" NEXT_STEP, r->where,
                   r->group, what);
}

static timbang_status malformed(const reader *r, const char *what)
{
    return tb_fail(r->err, TIMBANG_FORMAT, "%s: quantization_config: group '%.60s': %s", r->where, r->group, what);
}

static bool is_absent(const json_t *value)
{
    return !value || json_is_null(value);
}

static bool is_empty(const json_t *value)
{
    return is_absent(value) || (json_is_object(value) && json_object_size(value) == 0) ||
           (json_is_array(value) && json_array_size(value) == 0);
}

static bool text_is(const json_t *value, const char *text)
{
    return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}

static timbang_status check_keys(const reader *r, json_t *object, const char *const *known, const char *what)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        size_t i = 0;
        while (known[i] && strcmp(known[i], key) != 0)
            i++;
        if (!known[i])
            return tb_fail(r->err, TIMBANG_UNSUPPORTED,
                           "%s: quantization_config: group '%.60s': the key '%.60s' of %s is not one that "
                           "compressed-tensors knows",
                           r->where, r->group, key, what);
    }
    return TIMBANG_OK;
}

static const char *const args_keys[] = {
    "num_bits",    "type",     "symmetric", "strategy",        "group_size", "block_structure", "dynamic", "actorder",
    "scale_dtype", "zp_dtype", "observer",  "observer_kwargs", NULL};

static timbang_status read_flag(const reader *r, const json_t *args, const char *key, bool missing, bool *out)
{
    const json_t *value = json_object_get(args, key);
    *out = missing;
    if (is_absent(value))
        return TIMBANG_OK;
    if (!json_is_boolean(value))
        return tb_fail(r->err, TIMBANG_UNSUPPORTED,
                       "%s: quantization_config: group '%.60s': %s is neither true nor false", r->where, r->group, key);
    *out = json_is_true(value);
    return TIMBANG_OK;
}

/* type "int", and num_bits (8 where missing) among the allowed. */
static timbang_status read_width(const reader *r, json_t *args, const char *what, int allowed, int also, int *bits)
{
    TB_TRY(check_keys(r, args, args_keys, what));
    const json_t *type = json_object_get(args, "type"), *n = json_object_get(args, "num_bits");
    if (!is_absent(type) && !text_is(type, "int"))
        return tb_fail(r->err, TIMBANG_UNSUPPORTED,
                       "%s: quantization_config: group '%.60s': %s have type '%.40s', timbang runs 'int'" NEXT_STEP,
                       r->where, r->group, what, json_is_string(type) ? json_string_value(type) : "(no text)");
    json_int_t value = is_absent(n) ? 8 : json_is_integer(n) ? json_integer_value(n) : -1;
    if (value != allowed && value != also)
        return tb_fail(
            r->err, TIMBANG_UNSUPPORTED,
            "%s: quantization_config: group '%.60s': %s have num_bits %lld, timbang runs %d and %d" NEXT_STEP, r->where,
            r->group, what, (long long)value, allowed, also);
    *bits = (int)value;
    return TIMBANG_OK;
}

static timbang_status read_weights(const reader *r, json_t *args, tb_quant_rule *rule)
{
    bool dynamic;
    TB_TRY(read_width(r, args, "weights", 4, 8, &rule->bits));
    TB_TRY(read_flag(r, args, "symmetric", true, &rule->symmetric));
    TB_TRY(read_flag(r, args, "dynamic", false, &dynamic));
    if (dynamic)
        return refuse(r, "dynamic weights");
    const json_t *order = json_object_get(args, "actorder");
    if (!is_absent(order) && !json_is_false(order) && !text_is(order, "weight") && !text_is(order, "static"))
        return refuse(r, "weights reordered by activation (actorder)");
    if (!is_absent(json_object_get(args, "block_structure")) || text_is(json_object_get(args, "strategy"), "block"))
        return refuse(r, "weights with one scale a block");

    const json_t *strategy = json_object_get(args, "strategy"), *size = json_object_get(args, "group_size");
    json_int_t group = 0;
    if (!is_absent(size)) {
        if (!json_is_integer(size))
            return malformed(r, "group_size is no integer");
        group = json_integer_value(size);
        if (group < -1 || group == 0 || group > TB_MAX_K)
            return malformed(r, "group_size is out of range");
    }
    if (is_absent(strategy))
        rule->strategy = group == 0 ? TB_STRATEGY_TENSOR : group > 0 ? TB_STRATEGY_GROUP : TB_STRATEGY_CHANNEL;
    else if (text_is(strategy, "tensor"))
        rule->strategy = TB_STRATEGY_TENSOR;
    else if (text_is(strategy, "channel"))
        rule->strategy = TB_STRATEGY_CHANNEL;
    else if (text_is(strategy, "group"))
        rule->strategy = TB_STRATEGY_GROUP;
    else
        return refuse(r, "weights with a strategy other than tensor, channel and group");
    if ((rule->strategy == TB_STRATEGY_GROUP) != (group > 0))
        return malformed(r, "group_size and strategy 'group' go together");
    rule->group = group > 0 ? (size_t)group : 0;
    return TIMBANG_OK;
}

static timbang_status read_activations(const reader *r, json_t *args, tb_quant_rule *rule)
{
    rule->act = TB_ACT_FLOAT;
    if (is_absent(args))
        return TIMBANG_OK;
    if (!json_is_object(args))
        return malformed(r, "input_activations is no object");
    int bits;
    bool symmetric, dynamic;
    TB_TRY(read_width(r, args, "input_activations", 8, 7, &bits));
    TB_TRY(read_flag(r, args, "symmetric", true, &symmetric));
    TB_TRY(read_flag(r, args, "dynamic", false, &dynamic));
    if (!dynamic)
        return refuse(r, "static input activations");
    const json_t *strategy = json_object_get(args, "strategy");
    if (bits == 8 && symmetric && text_is(strategy, "token"))
        rule->act = TB_ACT_S8_TOKEN;
    else if (bits == 7 && !symmetric && text_is(strategy, "tensor"))
        rule->act = TB_ACT_U8_TEXT_7BIT;
    else
        return refuse(r, "input activations other than 8 bits, symmetric, per token");
    return TIMBANG_OK;
}

static timbang_status check_format(const reader *r, const json_t *format, bool mixed_is_fine)
{
    static const char *const known[] = {"pack-quantized", "int-quantized", "naive-quantized"};
    if (is_absent(format) || (mixed_is_fine && text_is(format, "mixed-precision")))
        return TIMBANG_OK;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (text_is(format, known[i]))
            return TIMBANG_OK;
    return tb_fail(r->err, TIMBANG_UNSUPPORTED,
                   "%s: quantization_config: the format '%.60s' is not one that timbang reads (pack-quantized, "
                   "int-quantized, naive-quantized)" NEXT_STEP,
                   r->where, json_is_string(format) ? json_string_value(format) : "(no text)");
}

static timbang_status add_target(const reader *r, const json_t *text, size_t rule, target **list, size_t *n)
{
    if (!json_is_string(text))
        return malformed(r, "a target or an entry of ignore is no text");
    if (*n >= MAX_TARGETS)
        return malformed(r, "there are too many targets");
    if (json_string_length(text) > MAX_NAME)
        return malformed(r, "a target is too long");
    void *block = *list;
    TB_TRY(tb_grow(&block, *n + 1, sizeof **list, r->err));
    *list = block;
    target *t = &(*list)[*n];
    *t = (target){.rule = rule};
    t->text = tb_strdup(json_string_value(text), r->err);
    if (!t->text)
        return TIMBANG_NO_MEMORY;
    ++*n;
    return strncmp(t->text, "re:", 3) == 0 ? tb_pattern_compile(r->where, t->text + 3, &t->pattern, r->err)
                                           : TIMBANG_OK;
}

static timbang_status read_targets(const reader *r, const json_t *targets, size_t rule)
{
    if (!json_is_array(targets) || json_array_size(targets) == 0)
        return malformed(r, "targets is no list of module names");
    for (size_t i = 0; i < json_array_size(targets); i++)
        TB_TRY(add_target(r, json_array_get(targets, i), rule, &r->map->targets, &r->map->n_targets));
    return TIMBANG_OK;
}

static timbang_status read_group(const reader *r, json_t *group)
{
    static const char *const keys[] = {"targets", "weights", "input_activations", "output_activations", "format", NULL};
    if (json_is_array(group))
        return refuse(r, "a preset name instead of a written scheme");
    if (!json_is_object(group))
        return malformed(r, "it is no object");
    TB_TRY(check_keys(r, group, keys, "the group"));
    if (!is_absent(json_object_get(group, "output_activations")))
        return refuse(r, "quantized outputs");
    TB_TRY(check_format(r, json_object_get(group, "format"), false));
    json_t *weights = json_object_get(group, "weights");
    if (is_absent(weights))
        return refuse(r, "no weights");
    if (!json_is_object(weights))
        return malformed(r, "weights is no object");

    tb_quant_map *map = r->map;
    void *block = map->rules;
    TB_TRY(tb_grow(&block, map->n_rules + 1, sizeof *map->rules, r->err));
    map->rules = block;
    tb_quant_rule *rule = &map->rules[map->n_rules];
    *rule = (tb_quant_rule){0};
    snprintf(rule->name, sizeof rule->name, "%.60s", r->group);
    TB_TRY(read_weights(r, weights, rule));
    TB_TRY(read_activations(r, json_object_get(group, "input_activations"), rule));
    map->n_rules++;
    return read_targets(r, json_object_get(group, "targets"), map->n_rules - 1);
}

static timbang_status check_method(const reader *r, const json_t *config)
{
    const json_t *method = json_object_get(config, "quant_method");
    if (text_is(method, "compressed-tensors"))
        return TIMBANG_OK;
    return tb_fail(r->err, TIMBANG_UNSUPPORTED,
                   "%s: quantization_config: quant_method is '%.60s', timbang reads 'compressed-tensors'" NEXT_STEP,
                   r->where, json_is_string(method) ? json_string_value(method) : "missing");
}

static timbang_status read_config(reader *r, json_t *config)
{
    if (!json_is_object(config))
        return tb_fail(r->err, TIMBANG_FORMAT, "%s: quantization_config is no object", r->where);
    TB_TRY(check_method(r, config));
    r->group = "(all)";
    const json_t *status = json_object_get(config, "quantization_status");
    if (!text_is(status, "compressed"))
        return tb_fail(r->err, TIMBANG_UNSUPPORTED,
                       "%s: quantization_config: quantization_status is '%.40s', timbang reads 'compressed'; save the "
                       "model compressed (save_pretrained of compressed-tensors)",
                       r->where, json_is_string(status) ? json_string_value(status) : "missing");
    TB_TRY(check_format(r, json_object_get(config, "format"), true));
    if (!is_absent(json_object_get(config, "kv_cache_scheme")))
        return refuse(r, "a quantized key-value cache");
    const json_t *sparsity = json_object_get(config, "sparsity_config");
    if (!is_empty(sparsity) && !text_is(json_object_get(sparsity, "format"), "dense"))
        return refuse(r, "sparse weights (sparsity_config)");
    const json_t *transform = json_object_get(config, "transform_config");
    if (!is_empty(transform) && !is_empty(json_object_get(transform, "config_groups")))
        return refuse(r, "transformed weights (transform_config)");

    json_t *groups = json_object_get(config, "config_groups");
    if (!json_is_object(groups) || json_object_size(groups) == 0 || json_object_size(groups) > MAX_RULES)
        return tb_fail(r->err, TIMBANG_FORMAT, "%s: quantization_config: config_groups has no groups, or too many",
                       r->where);
    const char *key;
    json_t *group;
    json_object_foreach(groups, key, group)
    {
        r->group = key;
        TB_TRY(read_group(r, group));
    }
    r->group = "ignore";
    const json_t *ignore = json_object_get(config, "ignore");
    if (!is_absent(ignore) && !json_is_array(ignore))
        return malformed(r, "it is no list");
    for (size_t i = 0; i < json_array_size(ignore); i++)
        TB_TRY(add_target(r, json_array_get(ignore, i), 0, &r->map->ignored, &r->map->n_ignored));
    return TIMBANG_OK;
}

timbang_status tb_quant_map_load(const tb_config *config, const char *where, tb_quant_map **map, tb_error *err)
{
    reader r = {.where = where, .group = "", .err = err};
    r.map = tb_calloc(1, sizeof *r.map, err);
    if (!r.map)
        return TIMBANG_NO_MEMORY;
    timbang_status status = config->quantization ? read_config(&r, config->quantization) : TIMBANG_OK;
    if (status != TIMBANG_OK) {
        tb_quant_map_free(r.map);
        return status;
    }
    *map = r.map;
    return TIMBANG_OK;
}

static void free_targets(target *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(list[i].text);
        tb_pattern_free(list[i].pattern);
    }
    free(list);
}

void tb_quant_map_free(tb_quant_map *map)
{
    if (!map)
        return;
    free_targets(map->targets, map->n_targets);
    free_targets(map->ignored, map->n_ignored);
    free(map->rules);
    free(map);
}

/* 0: no match, 1: exact name, 2: pattern, 3: class. */
static int match(const target *t, const char *const *names, size_t n_names, const char *class_name)
{
    for (size_t i = 0; i < n_names; i++) {
        if (t->pattern ? tb_pattern_match(t->pattern, names[i]) : strcmp(t->text, names[i]) == 0)
            return t->pattern ? 2 : 1;
    }
    return strcmp(t->text, class_name) == 0 || strcmp(t->text, "Module") == 0 ? 3 : 0;
}

const tb_quant_rule *tb_quant_map_find(const tb_quant_map *map, const char *const *names, size_t n_names,
                                       const char *class_name)
{
    if (!map)
        return NULL;
    for (size_t i = 0; i < map->n_ignored; i++) {
        if (match(&map->ignored[i], names, n_names, class_name))
            return NULL;
    }
    const target *best = NULL;
    int best_kind = 0;
    for (size_t i = 0; i < map->n_targets; i++) {
        const target *t = &map->targets[i];
        int kind = match(t, names, n_names, class_name);
        if (kind == 0)
            continue;
        int order = best ? strcmp(t->text, best->text) : -1;
        /* the same target in two groups: the later one, as in a Python dictionary */
        if (!best || kind < best_kind || (kind == best_kind && order <= 0)) {
            best = t;
            best_kind = kind;
        }
    }
    return best ? &map->rules[best->rule] : NULL;
}
