/* tests/report/results.json and paths into it. */
#ifndef TB_TESTS_REPORT_FIXTURE_H
#define TB_TESTS_REPORT_FIXTURE_H

#include <jansson.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static inline json_t *fixture(void)
{
    const char *root = getenv("TIMBANG_SOURCE");
    char path[4096];
    json_error_t error;
    snprintf(path, sizeof path, "%s/tests/report/results.json", root ? root : ".");
    return json_load_file(path, 0, &error);
}

/* The value at a path such as "results.3.accuracy"; NULL where there is none. */
static inline json_t *at_path(json_t *value, const char *path)
{
    while (*path && value) {
        char key[64];
        size_t n = strcspn(path, ".");
        if (n >= sizeof key)
            return NULL;
        memcpy(key, path, n);
        key[n] = '\0';
        path += n + (path[n] == '.');
        value = json_is_array(value) ? json_array_get(value, (size_t)atoi(key)) : json_object_get(value, key);
    }
    return value;
}

/* Keeps the entries of an array of objects whose `key` is this name. */
static inline void keep_only(json_t *array, const char *key, const char *name)
{
    for (size_t i = json_array_size(array); i-- > 0;)
        if (strcmp(json_string_value(json_object_get(json_array_get(array, i), key)), name) != 0)
            json_array_remove(array, i);
}

static inline void cut(json_t *array, size_t most)
{
    while (json_array_size(array) > most)
        json_array_remove(array, most);
}

/* Of every array of variants, fp32 and int8. */
static inline void keep_two_variants(json_t *value)
{
    const char *key;
    json_t *item;
    json_object_foreach(value, key, item) keep_two_variants(item);
    for (size_t i = json_array_size(value); i-- > 0;) {
        const char *variant = json_string_value(json_object_get(json_array_get(value, i), "variant"));
        if (variant && strcmp(variant, "fp32") != 0 && strcmp(variant, "int8") != 0)
            json_array_remove(value, i);
        else
            keep_two_variants(json_array_get(value, i));
    }
}

/* The first model on the first set alone, two variants, with few flips and random models: quick to draw, every member
 * still there. */
static inline json_t *small_fixture(void)
{
    json_t *root = fixture(), *measured = json_object_get(root, "measured"), *item;
    char model[64], set[64];
    size_t i;
    snprintf(model, sizeof model, "%s", json_string_value(at_path(root, "models.0.name")));
    snprintf(set, sizeof set, "%s", json_string_value(at_path(root, "data.0.name")));
    keep_two_variants(root);
    cut(json_object_get(root, "models"), 1);
    cut(json_object_get(root, "data"), 1);
    cut(json_object_get(root, "warnings"), 1);
    const char *const of_both[] = {"results", "flips", "null"};
    for (i = 0; i < 3; i++) {
        keep_only(json_object_get(root, of_both[i]), "model", model);
        keep_only(json_object_get(root, of_both[i]), "data", set);
    }
    keep_only(json_object_get(root, "variants"), "model", model);
    keep_only(json_object_get(measured, "resident"), "model", model);
    keep_only(json_object_get(measured, "latency"), "model", model);
    keep_only(json_object_get(measured, "latency"), "data", set);
    cut(at_path(root, "flips.0.texts"), 2);
    json_object_set_new(at_path(root, "flips.0"), "listed", json_integer(2));
    json_array_foreach(json_object_get(root, "null"), i, item)
    {
        const char *const figures[] = {"accuracy", "macro_f1", "agreement"};
        json_object_set_new(item, "models", json_integer(3));
        for (size_t f = 0; f < 3; f++)
            cut(json_object_get(json_object_get(item, figures[f]), "values"), 3);
    }
    json_t *group = at_path(root, "groups.0");
    cut(json_object_get(group, "models"), 1);
    cut(json_object_get(group, "seeds"), 1);
    keep_only(json_object_get(group, "results"), "data", set);
    json_array_foreach(json_object_get(group, "results"), i, item)
    {
        const char *const figures[] = {"accuracy", "macro_f1", "delta_accuracy", "delta_macro_f1"};
        for (size_t f = 0; f < 4; f++)
            cut(json_object_get(json_object_get(item, figures[f]), "values"), 1);
    }
    return root;
}

#endif
