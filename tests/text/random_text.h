/* The random texts of the golden hashes, bit for bit those of tests/oracle/text_common.py.
 * Includes: base. Called by: the tests of this room. */
#ifndef TB_TESTS_RANDOM_TEXT_H
#define TB_TESTS_RANDOM_TEXT_H

#include "base/text.h"

#include <jansson.h>

/* Text number `index`, from the pieces of tests/golden/text/random_recipe.json, into out (emptied first). */
void random_text(const json_t *pieces, uint64_t index, tb_text *out);

/* splitmix64 (Steele, Lea, Flood 2014). */
uint64_t random_next(uint64_t *state);

#endif
