/* SPDX-License-Identifier: Apache-2.0
 * Reads tests/golden/numerics.txt (tests/oracle/numerics_golden.py): whitespace-separated fields.
 * Includes: support.h. Called by: tests/kernels/test_*.c. */
#ifndef TB_TEST_KERNELS_GOLDEN_H
#define TB_TEST_KERNELS_GOLDEN_H

#include "support.h"

static inline FILE *golden_open(void)
{
    const char *root = getenv("TIMBANG_SOURCE");
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/tests/golden/numerics.txt", root != NULL ? root : ".");
    assert_true(n > 0 && (size_t)n < sizeof path);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        fail_msg("cannot open %s", path);
    return file;
}

static inline bool golden_word(FILE *file, char word[64])
{
    return fscanf(file, "%63s", word) == 1;
}

static inline double golden_double(FILE *file)
{
    char word[64];
    assert_true(golden_word(file, word));
    char *end;
    double value = strtod(word, &end);
    assert_int_equal(*end, 0);
    return value;
}

static inline uint32_t golden_hex(FILE *file)
{
    char word[64];
    assert_true(golden_word(file, word));
    char *end;
    unsigned long value = strtoul(word, &end, 16);
    assert_int_equal(*end, 0);
    return (uint32_t)value;
}

static inline float golden_float(FILE *file)
{
    return bits_float(golden_hex(file));
}

/* Moves behind the next word `name`; false at the end of the file. Names contain a letter beyond f or a digit pair
 * that no number has, so a plain search is safe. */
static inline bool golden_next(FILE *file, const char *name)
{
    char word[64];
    while (golden_word(file, word))
        if (strcmp(word, name) == 0)
            return true;
    return false;
}

#endif
