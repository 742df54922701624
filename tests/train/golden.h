/* What the tests share with tests/oracle/train_golden.py: its numbers, and its file.
 * Includes: base. Called by: tests/train, tests/model/test_loss.c. */
#ifndef TB_TEST_TRAIN_GOLDEN_H
#define TB_TEST_TRAIN_GOLDEN_H

#include "base/json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* Floats in [-scale / 2, scale / 2): the upper 24 bits of a linear congruential generator. */
static inline void golden_take(uint32_t *state, float *out, size_t n, double scale)
{
    for (size_t i = 0; i < n; i++) {
        *state = *state * 1664525U + 1013904223U;
        out[i] = (float)(((double)(*state >> 8) / 0x1p24 - 0.5) * scale);
    }
}

static inline json_t *golden_load(void)
{
    const char *root = getenv("TIMBANG_SOURCE");
    tb_error err;
    json_t *json = NULL;
    char *path = tb_path_join(root ? root : ".", "tests/golden/train.json", &err);
    assert_non_null(path);
    if (tb_json_load_file(path, &json, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    free(path);
    return json;
}

static inline double golden_number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    assert_true(json_is_number(value));
    return json_number_value(value);
}

/* |made - expected| <= tolerance * |expected|, both as vectors of n values. */
static inline void golden_close(const float *made, const json_t *expected, double tolerance, const char *what)
{
    double gap = 0, size = 0;
    size_t n = json_array_size(expected);
    assert_true(n > 0);
    for (size_t i = 0; i < n; i++) {
        double e = json_number_value(json_array_get(expected, i));
        gap += ((double)made[i] - e) * ((double)made[i] - e);
        size += e * e;
    }
    if (!(sqrt(gap) <= tolerance * sqrt(size)))
        fail_msg("%s: |difference| %g where the vector has %g", what, sqrt(gap), sqrt(size));
}

#endif
