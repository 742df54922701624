/* SPDX-License-Identifier: Apache-2.0
 * What the tests of compare share: a folder for tables, and one call that compares files of it. */
#ifndef TEST_COMPARE_HELP_H
#define TEST_COMPARE_HELP_H

#include "study/compare.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST_INPUTS = 4 };

typedef struct tables {
    char dir[64];
    char paths[MOST_INPUTS][160];
    timbang_named_path inputs[MOST_INPUTS];
    timbang_compare_options options;
} tables;

static inline void tables_begin(tables *t)
{
    memset(t, 0, sizeof *t);
    strcpy(t->dir, "/tmp/timbang-compare-XXXXXX");
    assert_non_null(mkdtemp(t->dir));
    t->options.struct_size = sizeof t->options;
    t->options.columns.struct_size = sizeof t->options.columns;
    t->options.columns.header = -1;
    t->options.inputs = t->inputs;
    t->options.seed = 42;
    t->options.bootstrap_replicates = 50;
}

static inline void tables_end(tables *t)
{
    tb_error err = {0};
    assert_int_equal(tb_remove_tree(t->dir, &err), TIMBANG_OK);
}

/* A file in the folder, and one more input that names it. */
static inline void add_file(tables *t, const char *name, const char *text)
{
    char path[sizeof t->paths[0]];
    snprintf(path, sizeof path, "%s/%s", t->dir, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    memcpy(t->paths[t->options.n_inputs], path, sizeof path);
    t->inputs[t->options.n_inputs].path = t->paths[t->options.n_inputs];
    t->options.n_inputs++;
}

static inline timbang_status run_compare(const tables *t, json_t **out, tb_error *err)
{
    const tb_compare_job job = {.options = &t->options};
    *err = (tb_error){0};
    return tb_compare_run(&job, out, err);
}

static inline json_t *compared(const tables *t)
{
    tb_error err;
    json_t *out = NULL;
    if (run_compare(t, &out, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    return out;
}

static inline void refused(const tables *t, timbang_status status, const char *part)
{
    tb_error err;
    json_t *out = NULL;
    assert_int_equal(run_compare(t, &out, &err), status);
    assert_null(out);
    if (!strstr(err.text, part))
        fail_msg("'%s' does not hold '%s'", err.text, part);
}

static inline const json_t *entry(const json_t *document, size_t i)
{
    const json_t *set = json_array_get(json_object_get(document, "sets"), 0);
    return json_array_get(json_object_get(set, "entries"), i);
}

static inline const json_t *against(const json_t *document, size_t i)
{
    return json_object_get(entry(document, i), "against_baseline");
}

static inline void assert_near(double a, double b, double tolerance)
{
    if (!(a - b <= tolerance && b - a <= tolerance))
        fail_msg("%.17g is not %.17g", a, b);
}

static inline double real(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_number(value))
        fail_msg("%s is no number", key);
    return json_number_value(value);
}

static inline long long count(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value))
        fail_msg("%s is no whole number", key);
    return (long long)json_integer_value(value);
}

static inline bool is_null(const json_t *object, const char *key)
{
    return json_is_null(json_object_get(object, key));
}

/* How often a warning of this kind stands in the document. */
static inline size_t warned(const json_t *document, const char *kind)
{
    size_t i, n = 0;
    json_t *w;
    json_array_foreach(json_object_get(document, "warnings"), i, w) n +=
        strcmp(json_string_value(json_object_get(w, "kind")), kind) == 0;
    return n;
}

#endif
