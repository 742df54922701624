/* Largest remainders and partial shuffles. Includes: base. Called by: dataset. SPDX-License-Identifier: Apache-2.0 */
#include "data/sample.h"

#include "base/rng.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

typedef struct stratum {
    const char *name;
    uint32_t index; /* among the caller's names */
    size_t n;
    uint64_t quota, remainder;
    size_t begin; /* of its rows in the list of rows */
} stratum;

static int by_name(const void *a, const void *b)
{
    return strcmp(((const stratum *)a)->name, ((const stratum *)b)->name);
}

static timbang_status share_out(stratum *strata, size_t n_strata, size_t n, uint64_t limit, tb_error *err)
{
    uint64_t given = 0;
    for (size_t s = 0; s < n_strata; s++) {
        uint64_t product;
        if (!tb_mul_u64(limit, strata[s].n, &product))
            return tb_fail(err, TIMBANG_DATA, "a limit of %llu rows of %zu is too large to share out",
                           (unsigned long long)limit, n);
        strata[s].quota = product / n;
        strata[s].remainder = product % n;
        given += strata[s].quota;
    }
    for (; given < limit; given++) {
        size_t best = 0;
        for (size_t s = 1; s < n_strata; s++) {
            if (strata[s].remainder > strata[best].remainder)
                best = s;
        }
        strata[best].quota++;
        strata[best].remainder = 0;
    }
    return TIMBANG_OK;
}

static timbang_status choose(const stratum *s, size_t *rows, uint64_t seed, bool *keep, tb_error *err)
{
    tb_text stream = {0};
    tb_text_puts(&stream, "limit:");
    tb_text_puts(&stream, s->name);
    timbang_status status = tb_text_finish(&stream, err);
    if (status == TIMBANG_OK) {
        tb_rng rng = tb_rng_make(seed, tb_hash64(stream.data, stream.length));
        for (size_t i = 0; i < s->quota; i++) {
            size_t j = i + (size_t)tb_rng_below(&rng, s->n - i);
            size_t row = rows[j];
            rows[j] = rows[i];
            rows[i] = row;
            keep[row] = true;
        }
    }
    tb_text_free(&stream);
    return status;
}

timbang_status tb_sample(const uint32_t *strata, size_t n, const char *const *names, size_t n_names, uint64_t limit,
                         uint64_t seed, bool *keep, tb_error *err)
{
    stratum *sorted = tb_calloc(n_names, sizeof *sorted, err);
    size_t *place = sorted == NULL ? NULL : tb_calloc(n_names, sizeof *place, err);
    size_t *rows = place == NULL ? NULL : tb_calloc(n, sizeof *rows, err);
    timbang_status status = rows == NULL ? TIMBANG_NO_MEMORY : TIMBANG_OK;
    if (status != TIMBANG_OK)
        goto done;
    for (size_t s = 0; s < n_names; s++)
        sorted[s] = (stratum){.name = names[s], .index = (uint32_t)s};
    for (size_t i = 0; i < n; i++)
        sorted[strata[i]].n++;
    qsort(sorted, n_names, sizeof *sorted, by_name);
    size_t begin = 0;
    for (size_t s = 0; s < n_names; s++) {
        sorted[s].begin = begin;
        place[sorted[s].index] = begin;
        begin += sorted[s].n;
    }
    for (size_t i = 0; i < n; i++) {
        rows[place[strata[i]]++] = i;
        keep[i] = false;
    }
    status = share_out(sorted, n_names, n, limit, err);
    for (size_t s = 0; s < n_names && status == TIMBANG_OK; s++)
        status = choose(&sorted[s], rows + sorted[s].begin, seed, keep, err);
done:
    free(rows);
    free(place);
    free(sorted);
    return status;
}
