/* What the tests of the library share: a tiny random model and some data in a temporary folder.
 * Includes: timbang.h, cmocka. Called by: tests/api. */
#ifndef TESTS_API_FIXTURE_H
#define TESTS_API_FIXTURE_H

#include "timbang.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { N_TEXTS = 8 };
extern const char *const texts[N_TEXTS]; /* one of them is empty */

typedef struct fixture {
    char dir[64], config[96], model[96], data[96], out[96];
    timbang_context *ctx;
} fixture;

int setup(void **state); /* *state is a fixture */
int teardown(void **state);
timbang_model *load(timbang_context *ctx, const char *path);
/* All logits of the texts, [N_TEXTS][2]. */
void logits_of(timbang_context *ctx, const timbang_model *model, size_t batch, float *out);
/* The error text has this part. */
void has(const timbang_context *ctx, const char *part);
size_t count_entries(const char *path); /* hidden ones too */
void remove_tree(const char *path);

#endif
