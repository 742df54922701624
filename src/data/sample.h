/* A stratified choice of rows. Includes: base. Called by: dataset. SPDX-License-Identifier: Apache-2.0 */
#ifndef TB_DATA_SAMPLE_H
#define TB_DATA_SAMPLE_H

#include "base/mem.h"

/* Sets keep[i] to true for exactly `limit` of n rows (limit < n), false for the others. strata[i] is the index of row
 * i's name among names[0..n_names). The rule, the same on every machine:
 *   1. Strata in byte order of their names. Stratum s with m rows gets floor(limit * m / n) rows; the rows still
 * missing go one each to the strata with the largest remainders (limit * m mod n), of equals the first. A stratum whose
 *      share is small may get none.
 *   2. Within a stratum: a partial Fisher-Yates shuffle of its rows in file order; position i = 0, 1, ... swaps with
 *      position i + tb_rng_below(m - i), from the stream (seed, FNV-1a of "limit:" and the stratum's name).
 * So the choice within a stratum does not depend on the other strata, and a smaller share is a part of a larger one. */
timbang_status tb_sample(const uint32_t *strata, size_t n, const char *const *names, size_t n_names, uint64_t limit,
                         uint64_t seed, bool *keep, tb_error *err);

#endif
