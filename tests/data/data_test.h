/* What the tests of this room share: data sets from literal text, errors compared by their text.
 * Includes: cmocka, src/data. Called by: tests/data. SPDX-License-Identifier: Apache-2.0 */
#ifndef TB_TESTS_DATA_TEST_H
#define TB_TESTS_DATA_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "data/dataset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline timbang_data_options plain_options(void)
{
    timbang_data_options options = {.struct_size = sizeof options, .path = "f.tsv", .header = -1};
    return options;
}

/* An unlabelled set's options. */
static inline timbang_data_options text_options(void)
{
    timbang_data_options options = plain_options();
    options.label_column = "";
    return options;
}

static inline tb_dataset *parse_bytes(timbang_data_options options, const char *bytes, size_t size)
{
    tb_dataset *dataset = NULL;
    tb_error err = {0};
    char *copy = malloc(size + 1); /* a block of its own, so that the address sanitizer sees every overrun */
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    timbang_status status = tb_dataset_parse(&options, copy, size, NULL, &dataset, &err);
    free(copy);
    if (status != TIMBANG_OK)
        fail_msg("unexpected error: %s", err.text);
    return dataset;
}

static inline tb_dataset *parse(timbang_data_options options, const char *text)
{
    return parse_bytes(options, text, strlen(text));
}

static inline void expect_error_bytes(timbang_data_options options, const char *bytes, size_t size,
                                      timbang_status wanted, const char *text)
{
    tb_dataset *dataset = NULL;
    tb_error err = {0};
    char *copy = malloc(size + 1);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    timbang_status status = tb_dataset_parse(&options, copy, size, NULL, &dataset, &err);
    free(copy);
    assert_null(dataset);
    assert_string_equal(err.text, text);
    assert_int_equal(status, wanted);
    assert_int_equal(err.status, wanted);
}

static inline void expect_error(timbang_data_options options, const char *bytes, timbang_status wanted,
                                const char *text)
{
    expect_error_bytes(options, bytes, strlen(bytes), wanted, text);
}

static inline void expect_row(const tb_dataset *dataset, size_t i, const char *text, const char *label, uint64_t line)
{
    assert_true(i < dataset->n);
    assert_string_equal(dataset->rows[i].text, text);
    assert_int_equal(dataset->rows[i].text_length, strlen(text));
    if (label == NULL)
        assert_null(dataset->rows[i].label);
    else
        assert_string_equal(dataset->rows[i].label, label);
    assert_int_equal(dataset->rows[i].line, line);
}

/* A member of the facts as compact JSON. */
static inline void expect_fact(const tb_dataset *dataset, const char *key, const char *json)
{
    const json_t *value = json_object_get(dataset->facts, key);
    assert_non_null(value);
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    assert_non_null(text);
    assert_string_equal(text, json);
    free(text);
}

static inline json_t *load_golden(const char *file)
{
    const char *source = getenv("TIMBANG_SOURCE");
    assert_non_null(source);
    char path[1024];
    tb_error err = {0};
    json_t *golden = NULL;
    snprintf(path, sizeof path, "%s/tests/golden/%s", source, file);
    if (tb_json_load_file(path, &golden, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    return golden;
}

#endif
