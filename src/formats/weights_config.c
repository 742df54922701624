/* quantization_config of compressed-tensors, written: our schemes in its words (format 0.20).
 * Includes: base, formats. Called by: quant through formats/weights.h. */
#include "formats/weights_internal.h"

#include <string.h>

/* The version of compressed-tensors whose reader these files are checked with. */
#define COMPRESSED_TENSORS_VERSION "0.20.0"

static bool is_float(const tb_weight *w)
{
    return w->kind == TB_WEIGHT_F32 || w->kind == TB_WEIGHT_F16 || w->kind == TB_WEIGHT_BF16;
}

static bool same_scheme(const tb_module_scheme *a, const tb_module_scheme *b)
{
    return a->embedding == b->embedding && a->weight->kind == b->weight->kind && a->weight->act == b->weight->act &&
           a->weight->group == b->weight->group && a->weight->per_tensor == b->weight->per_tensor;
}

static const char *strategy_name(const tb_weight *w)
{
    return w->kind == TB_WEIGHT_S4 ? "group" : w->per_tensor ? "tensor" : "channel";
}

static json_t *weights_json(const tb_weight *w)
{
    json_t *group_size = w->kind == TB_WEIGHT_S4 ? json_integer((json_int_t)w->group) : json_null();
    return json_pack("{s:i, s:s, s:b, s:s, s:o, s:b}", "num_bits", w->kind == TB_WEIGHT_S8 ? 8 : 4, "type", "int",
                     "symmetric", 1, "strategy", strategy_name(w), "group_size", group_size, "dynamic", 0);
}

static json_t *activations_json(const tb_weight *w)
{
    switch (w->act) {
    case TB_ACT_S8_TOKEN:
        return json_pack("{s:i, s:s, s:b, s:s, s:n, s:b}", "num_bits", 8, "type", "int", "symmetric", 1, "strategy",
                         "token", "group_size", "dynamic", 1);
    case TB_ACT_U8_TEXT_7BIT: /* one range over the batch: the same as one a text when a batch is one text */
        return json_pack("{s:i, s:s, s:b, s:s, s:n, s:b}", "num_bits", 7, "type", "int", "symmetric", 0, "strategy",
                         "tensor", "group_size", "dynamic", 1);
    default:
        return json_null();
    }
}

static const char *format_name(const tb_weight *w)
{
    return w->kind == TB_WEIGHT_S8 ? "int-quantized" : "pack-quantized";
}

/* Modules of scheme i's kind, and whether i is the first of them. */
static size_t count_scheme(const tb_module_scheme *modules, size_t n, size_t i, bool *first)
{
    size_t count = 0;
    *first = true;
    for (size_t j = 0; j < n; j++) {
        if (!same_scheme(&modules[i], &modules[j]))
            continue;
        count++;
        if (j < i)
            *first = false;
    }
    return count;
}

/* The scheme that stands for its class: the most frequent quantized one, the first of equals. */
static size_t class_scheme(const tb_module_scheme *modules, size_t n, bool embedding)
{
    size_t best = n, most = 0;
    for (size_t i = 0; i < n; i++) {
        bool first;
        if (modules[i].embedding != embedding || is_float(modules[i].weight))
            continue;
        size_t count = count_scheme(modules, n, i, &first);
        if (first && count > most) {
            most = count;
            best = i;
        }
    }
    return best;
}

/* Appends and gives up the reference; false when out of memory. */
static bool append(json_t *array, json_t *value)
{
    return json_array_append_new(array, value) == 0;
}

static bool add_group(json_t *groups, const tb_module_scheme *modules, size_t n, size_t i, bool by_class)
{
    const tb_weight *w = modules[i].weight;
    json_t *targets = json_array();
    bool fine = targets != NULL;
    if (by_class)
        fine = fine && append(targets, json_string(modules[i].embedding ? "Embedding" : "Linear"));
    for (size_t j = i; j < n && !by_class; j++) {
        if (same_scheme(&modules[i], &modules[j]))
            fine = fine && append(targets, json_string(modules[j].file_module));
    }
    char name[32];
    snprintf(name, sizeof name, "group_%zu", json_object_size(groups));
    json_t *group = json_pack("{s:o, s:o, s:o, s:n, s:s}", "targets", targets, "weights", weights_json(w),
                              "input_activations", activations_json(w), "output_activations", "format", format_name(w));
    return json_object_set_new(groups, name, group) == 0 && fine;
}

timbang_status tb_quantization_config(const tb_module_scheme *modules, size_t n, json_t **out, tb_error *err)
{
    size_t of_class[2] = {class_scheme(modules, n, false), class_scheme(modules, n, true)};
    json_t *groups = json_object(), *ignore = json_array();
    const char *format = NULL;
    bool fine = groups && ignore, mixed = false;
    *out = NULL;
    /* Groups by name first: compressed-tensors warns about names that an earlier class has taken. */
    for (int by_class = 0; by_class < 2; by_class++) {
        for (size_t i = 0; i < n && fine; i++) {
            const char *own = format_name(modules[i].weight);
            bool first;
            count_scheme(modules, n, i, &first);
            if (is_float(modules[i].weight) || !first || (i == of_class[modules[i].embedding]) != by_class)
                continue;
            mixed = mixed || (format && strcmp(format, own) != 0);
            format = own;
            fine = add_group(groups, modules, n, i, by_class);
        }
    }
    for (size_t i = 0; i < n && fine; i++) {
        if (is_float(modules[i].weight) && of_class[modules[i].embedding] != n)
            fine = append(ignore, json_string(modules[i].file_module));
    }
    if (fine && format) {
        *out = json_pack("{s:s, s:s, s:s, s:s, s:O, s:O, s:n, s:n, s:{}, s:{}}", "quant_method", "compressed-tensors",
                         "version", COMPRESSED_TENSORS_VERSION, "format", mixed ? "mixed-precision" : format,
                         "quantization_status", "compressed", "config_groups", groups, "ignore", ignore,
                         "kv_cache_scheme", "global_compression_ratio", "sparsity_config", "transform_config");
        fine = *out != NULL;
    }
    json_decref(groups);
    json_decref(ignore);
    return fine ? TIMBANG_OK : tb_no_memory(err, 0);
}
