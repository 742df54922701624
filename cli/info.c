/* timbang info: what is inside a model, and what is used of the processor. Includes: cli.h, jansson. Called by: main.c.
 */
#include "cli.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static json_int_t number_at(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static void put_words(buffer *out, const json_t *array)
{
    size_t i;
    json_t *word;
    json_array_foreach(array, i, word)
    {
        put(out, i ? ", " : "");
        put_clipped(out, json_string_value(word), 0);
    }
}

static void put_bytes_table(buffer *out, const json_t *info)
{
    static const char *const parts[] = {"embeddings", "encoder", "head", "other", "total"};
    const json_t *bytes = json_object_get(info, "bytes"), *dtypes = json_object_get(info, "dtypes");
    table t;
    if (!table_start(&t, 3)) {
        out->failed = true;
        return;
    }
    table_align_right(&t, 1);
    for (size_t p = 0; p < sizeof parts / sizeof parts[0]; p++) {
        buffer types = {0};
        put_words(&types, json_object_get(dtypes, parts[p]));
        table_add_format(&t, "  %s", parts[p]);
        table_add_format(&t, "%lld", (long long)number_at(bytes, parts[p]));
        table_add(&t, types.data ? types.data : "");
        buffer_free(&types);
    }
    table_write(&t, out, 0);
    table_free(&t);
    const json_t *ratio = json_object_get(bytes, "ratio");
    if (json_is_real(ratio))
        put_format(out, "  %.3f of the same model in FP32\n", json_real_value(ratio));
}

static void put_tensor_table(buffer *out, const json_t *tensors)
{
    table t;
    if (!table_start(&t, 4)) {
        out->failed = true;
        return;
    }
    table_align_right(&t, 3);
    size_t i, r;
    json_t *tensor, *size;
    json_array_foreach(tensors, i, tensor)
    {
        buffer shape = {0};
        put(&shape, "[");
        json_array_foreach(json_object_get(tensor, "shape"), r, size)
            put_format(&shape, r ? ", %lld" : "%lld", (long long)json_integer_value(size));
        put(&shape, "]");
        table_add_format(&t, "  %s", text_at(tensor, "name"));
        table_add(&t, text_at(tensor, "dtype"));
        table_add(&t, shape.data ? shape.data : "");
        table_add_format(&t, "%lld", (long long)number_at(tensor, "bytes"));
        buffer_free(&shape);
    }
    table_write(&t, out, 0);
    table_free(&t);
}

static void put_config(buffer *out, const json_t *config)
{
    put_format(out, "shape       %lld layers x %lld, %lld heads, inner %lld, vocabulary %lld, positions %lld, %s\n",
               (long long)number_at(config, "num_hidden_layers"), (long long)number_at(config, "hidden_size"),
               (long long)number_at(config, "num_attention_heads"), (long long)number_at(config, "intermediate_size"),
               (long long)number_at(config, "vocab_size"), (long long)number_at(config, "max_position_embeddings"),
               text_at(config, "hidden_act"));
}

static void put_model(buffer *out, const json_t *info)
{
    put(out, "model       ");
    put_clipped(out, text_at(info, "path"), 0);
    put_format(out, "\ncontainer   %s\nscheme      %s\n", text_at(info, "container"), text_at(info, "scheme"));
    if (json_object_get(info, "config"))
        put_config(out, json_object_get(info, "config"));
    put(out, "labels      ");
    const json_t *labels = json_object_get(info, "labels");
    if (json_array_size(labels))
        put_words(out, labels);
    else
        put(out, "none");
    if (json_is_true(json_object_get(info, "untrained_head")))
        put(out, " (untrained head)");
    put_format(out, "\nparameters  %lld\n", (long long)number_at(info, "parameters"));
    const json_t *skipped = json_object_get(info, "skipped");
    if (number_at(skipped, "observers") || number_at(skipped, "other"))
        put_format(out, "left out    %lld observer keys, %lld others (masked-LM head, position ids)\n",
                   (long long)number_at(skipped, "observers"), (long long)number_at(skipped, "other"));
    put(out, "bytes\n");
    put_bytes_table(out, info);
    put(out, "tensors\n");
    put_tensor_table(out, json_object_get(info, "tensors"));
}

static void put_cpu(buffer *out, const json_t *cpu)
{
    put(out, "cpu       ");
    put_clipped(out, text_at(cpu, "cpu"), 0);
    put_format(out, "\nlevel     %s\nlevels    ", text_at(cpu, "level"));
    put_words(out, json_object_get(cpu, "levels"));
    put(out, "\nfeatures  ");
    put_words(out, json_object_get(cpu, "features"));
    put_format(out, "\nthreads   %lld\n", (long long)number_at(cpu, "threads"));
}

int run_info(cli *app)
{
    result_format how;
    const char *path = NULL;
    char *json = NULL;
    bool cpu = given(app, OPT_CPU);
    int code = output_format(app, false, &how);
    if (code == EXIT_OK)
        code = one_model(app, true, &path);
    if (code == EXIT_OK && cpu && (path || given(app, OPT_MODEL)))
        code = usage_error(app, NULL, "info --cpu takes no model");
    if (code != EXIT_OK)
        return code;
    timbang_status status = cpu ? timbang_cpu_json(app->ctx, &json) : timbang_info_json(app->ctx, path, &json);
    if (status != TIMBANG_OK)
        return library_error(app, status);
    if (how != FORMAT_TEXT) {
        code = emit_document(app, json, how);
    } else {
        json_t *info = json_loads(json, 0, NULL);
        (cpu ? put_cpu : put_model)(&app->out, info);
        json_decref(info);
        code = emit(app, false);
    }
    timbang_string_free(json);
    return code;
}
