/* SPDX-License-Identifier: Apache-2.0
 * Golden values. Called by: tests/eval, tests/study. */
#include "golden.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

json_t *golden_load(const char *name)
{
    const char *root = getenv("TIMBANG_SOURCE");
    char path[4096];
    json_error_t error;
    snprintf(path, sizeof path, "%s/tests/golden/%s", root ? root : ".", name);
    json_t *golden = json_load_file(path, 0, &error);
    if (!golden)
        fail_msg("%s: %s", path, error.text);
    return golden;
}

static const json_t *member(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!value)
        fail_msg("the golden file has no %s", key);
    return value;
}

double golden_number(const json_t *object, const char *key)
{
    const json_t *value = member(object, key);
    if (!json_is_number(value))
        fail_msg("%s is no number", key);
    return json_number_value(value);
}

double golden_element(const json_t *object, const char *key, size_t i)
{
    const json_t *value = json_array_get(member(object, key), i);
    if (!json_is_number(value))
        fail_msg("%s[%zu] is no number", key, i);
    return json_number_value(value);
}

size_t golden_count(const json_t *object, const char *key)
{
    return (size_t)golden_number(object, key);
}

double *golden_doubles(const json_t *object, const char *key, size_t *n)
{
    const json_t *array = member(object, key);
    size_t count = json_array_size(array);
    double *values = calloc(count + 1, sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = json_number_value(json_array_get(array, i));
    if (n)
        *n = count;
    return values;
}

float *golden_floats(const json_t *object, const char *key, size_t *n)
{
    size_t count;
    double *doubles = golden_doubles(object, key, &count);
    float *values = calloc(count + 1, sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)doubles[i];
    free(doubles);
    if (n)
        *n = count;
    return values;
}

int32_t *golden_integers(const json_t *object, const char *key)
{
    size_t count;
    double *doubles = golden_doubles(object, key, &count);
    int32_t *values = calloc(count + 1, sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = (int32_t)doubles[i];
    free(doubles);
    return values;
}

size_t *golden_table(const json_t *object, const char *key, size_t *k)
{
    const json_t *rows = member(object, key);
    *k = json_array_size(rows);
    size_t *table = calloc(*k * *k + 1, sizeof *table);
    for (size_t r = 0; r < *k; r++)
        for (size_t c = 0; c < *k; c++)
            table[r * *k + c] = (size_t)json_integer_value(json_array_get(json_array_get(rows, r), c));
    return table;
}

void golden_near_within(double got, double want, double tolerance, const char *what)
{
    if (!(fabs(got - want) <= tolerance * fmax(1, fabs(want))))
        fail_msg("%s is %.17g, the reference says %.17g", what, got, want);
}

void golden_near(double got, double want, const char *what)
{
    golden_near_within(got, want, 1e-9, what);
}

void golden_near_relative(double got, double want, double tolerance, const char *what)
{
    if (!(fabs(got - want) <= tolerance * fabs(want)))
        fail_msg("%s is %.17g, the reference says %.17g", what, got, want);
}
