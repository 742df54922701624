/* Labelled data for programs. Includes: api/api.h, data. Called by: users of the library. */
#include "api/api.h"

#include <stdlib.h>
#include <string.h>

timbang_status timbang_dataset_load(timbang_context *ctx, const timbang_data_options *given, timbang_dataset **dataset)
{
    tb_fp_state fp;
    TB_TRY(tb_api_enter(ctx, &fp));
    tb_error *err = &ctx->err;
    timbang_data_options options;
    timbang_data_options_init(&options);
    timbang_status status = tb_api_options(given, &options, sizeof options, "timbang_data_options", err);
    if (status == TIMBANG_OK && (!options.path || !*options.path))
        status = tb_fail(err, TIMBANG_USAGE, "the path of the data is empty; name a TSV, CSV or JSONL file");
    timbang_dataset *made = NULL;
    if (status == TIMBANG_OK && !(made = tb_calloc(1, sizeof *made, err)))
        status = err->status;
    if (status == TIMBANG_OK)
        status = tb_dataset_load(&options, &ctx->hooks, &made->data, err);
    if (status == TIMBANG_OK)
        *dataset = made;
    else
        free(made);
    return tb_api_leave(ctx, fp, status);
}

void timbang_dataset_free(timbang_dataset *dataset)
{
    if (!dataset)
        return;
    tb_dataset_free(dataset->data);
    free(dataset);
}

size_t timbang_dataset_n(const timbang_dataset *dataset)
{
    return dataset->data->n;
}

const char *timbang_dataset_text(const timbang_dataset *dataset, size_t i)
{
    return i < dataset->data->n ? dataset->data->rows[i].text : NULL;
}

const char *timbang_dataset_pair(const timbang_dataset *dataset, size_t i)
{
    return i < dataset->data->n ? dataset->data->rows[i].pair : NULL;
}

const char *timbang_dataset_label(const timbang_dataset *dataset, size_t i)
{
    return i < dataset->data->n ? dataset->data->rows[i].label : NULL;
}

uint64_t timbang_dataset_row(const timbang_dataset *dataset, size_t i)
{
    return i < dataset->data->n ? dataset->data->rows[i].line : 0;
}

static timbang_status label_counts(const tb_dataset *data, json_t **out, tb_error *err)
{
    char **labels = NULL;
    size_t n = 0;
    TB_TRY(tb_dataset_labels(data, &labels, &n, err));
    json_t *counts = json_object();
    for (size_t k = 0; k < n; k++)
        json_object_set_new(counts, labels[k], json_integer(0));
    for (size_t i = 0; i < data->n; i++) {
        json_t *count = data->rows[i].label ? json_object_get(counts, data->rows[i].label) : NULL;
        if (count)
            json_integer_set(count, json_integer_value(count) + 1);
    }
    tb_labels_free(labels, n);
    *out = counts;
    return counts ? TIMBANG_OK : tb_no_memory(err, 0);
}

static timbang_status dataset_facts(const tb_dataset *data, char **json, tb_error *err)
{
    tb_duplicates found = {0};
    TB_TRY(tb_dataset_duplicates(data, NULL, &found, err));
    json_t *counts = NULL;
    if (data->has_labels)
        TB_TRY(label_counts(data, &counts, err));
    json_t *facts = json_deep_copy(data->facts);
    if (!facts)
        facts = json_object();
    json_object_set_new(facts, "path", json_string(data->name));
    json_object_set_new(facts, "n", json_integer((json_int_t)data->n));
    if (counts)
        json_object_set_new(facts, "labels", counts);
    json_object_set_new(facts, "duplicates",
                        json_pack("{s:I, s:I, s:I}", "exact", (json_int_t)found.exact, "normalized",
                                  (json_int_t)found.normalized, "conflicting", (json_int_t)found.conflicting));
    return tb_api_json(facts, json, err);
}

timbang_status timbang_dataset_json(timbang_context *ctx, const timbang_dataset *dataset, char **json)
{
    tb_fp_state fp;
    TB_TRY(tb_api_enter(ctx, &fp));
    return tb_api_leave(ctx, fp, dataset_facts(dataset->data, json, &ctx->err));
}
