/* Shared by the tests of the model room. Includes: fixture.h. */
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

char *source_path(const char *file)
{
    const char *root = getenv("TIMBANG_SOURCE");
    tb_error err;
    char *path = tb_path_join(root ? root : ".", file, &err);
    assert_non_null(path);
    return path;
}

json_t *load_expected(void)
{
    tb_error err;
    json_t *json = NULL;
    char *path = source_path("tests/golden/model/expected.json");
    if (tb_json_load_file(path, &json, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    free(path);
    return json;
}

void tiny_case_load(json_t *expected, const char *act, struct tiny_case *c)
{
    c->json = json_object_get(json_object_get(expected, "cases"), act);
    json_t *rows = json_object_get(c->json, "sequences"), *row, *id;
    size_t i, j;
    c->n = json_array_size(rows);
    assert_true(c->n > 0);
    c->n_tokens = 0;
    json_array_foreach(rows, i, row) c->n_tokens += json_array_size(json_object_get(row, "ids"));
    c->ids = calloc(c->n_tokens, sizeof *c->ids);
    c->type_ids = calloc(c->n_tokens, sizeof *c->type_ids);
    c->cu_seqlens = calloc(c->n + 1, sizeof *c->cu_seqlens);
    size_t at = 0;
    json_array_foreach(rows, i, row)
    {
        json_t *types = json_object_get(row, "type_ids");
        json_array_foreach(json_object_get(row, "ids"), j, id)
        {
            c->ids[at] = (int32_t)json_integer_value(id);
            c->type_ids[at++] = (int32_t)json_integer_value(json_array_get(types, j));
        }
        c->cu_seqlens[i + 1] = at;
    }
}

void tiny_case_free(struct tiny_case *c)
{
    free(c->ids);
    free(c->type_ids);
    free(c->cu_seqlens);
}

tb_classifier *load_model(const char *path, const tb_kernels *kernels, tb_pool *pool)
{
    tb_error err;
    tb_folder *folder = NULL;
    tb_classifier *model = NULL;
    if (tb_folder_open(path, &folder, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    tb_load_options options = {.folder = folder, .kernels = kernels, .pool = pool};
    if (tb_classifier_load(&options, &model, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    tb_folder_close(folder);
    return model;
}

float *run_case(const tb_classifier *model, tb_pool *pool, const struct tiny_case *c, size_t batch)
{
    tb_error err;
    tb_workspace *workspace = NULL;
    size_t n_labels = tb_classifier_config(model)->n_labels;
    float *logits = calloc(c->n * n_labels, sizeof *logits);
    size_t *cu_seqlens = calloc(batch + 1, sizeof *cu_seqlens);
    assert_int_equal(tb_workspace_create(pool, &workspace, &err), TIMBANG_OK);
    for (size_t first = 0; first < c->n; first += batch) {
        size_t n = c->n - first < batch ? c->n - first : batch, begin = c->cu_seqlens[first];
        for (size_t i = 0; i <= n; i++)
            cu_seqlens[i] = c->cu_seqlens[first + i] - begin;
        tb_batch b = {n, cu_seqlens[n], c->ids + begin, c->type_ids + begin, cu_seqlens};
        if (tb_classifier_forward(model, workspace, &b, logits + first * n_labels, &err) != TIMBANG_OK)
            fail_msg("%s", err.text);
    }
    tb_workspace_free(workspace);
    free(cu_seqlens);
    return logits;
}
