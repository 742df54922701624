/* Golden values of tests/golden/ and comparisons with them. Called by: tests/eval, tests/study. */
#ifndef TESTS_EVAL_GOLDEN_H
#define TESTS_EVAL_GOLDEN_H

#include "base/json.h"

/* tests/golden/NAME; fails the test where it cannot be read. json_decref it. */
json_t *golden_load(const char *name);
/* Members, which must be there. */
double golden_number(const json_t *object, const char *key);
double golden_element(const json_t *object, const char *key, size_t i);
size_t golden_count(const json_t *object, const char *key);
/* free() them; n may be NULL */
float *golden_floats(const json_t *object, const char *key, size_t *n);
double *golden_doubles(const json_t *object, const char *key, size_t *n);
int32_t *golden_integers(const json_t *object, const char *key);
size_t *golden_table(const json_t *object, const char *key, size_t *k); /* [k][k] */

/* Fails unless |got - want| <= tolerance * max(1, |want|). */
void golden_near_within(double got, double want, double tolerance, const char *what);
void golden_near(double got, double want, const char *what); /* within 1e-9 */
/* Fails unless |got - want| <= tolerance * |want|. */
void golden_near_relative(double got, double want, double tolerance, const char *what);

#endif
