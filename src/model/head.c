/* New heads. Includes: base/rng.h. Called by: model (load), quant, api (init). */
#include "model/head.h"

#include "base/rng.h"

void tb_fill_normal(uint64_t seed, uint64_t stream, double sd, float *values, size_t n)
{
    tb_rng rng = tb_rng_make(seed, stream);
    for (size_t i = 0; i < n; i++)
        values[i] = (float)(sd * tb_rng_normal(&rng));
}

static timbang_status check_sd(double sd, tb_error *err)
{
    if (!(sd > 0 && sd < 10))
        return tb_fail(err, TIMBANG_FORMAT, "initializer_range is %g; a value between 0 and 10 is expected", sd);
    return TIMBANG_OK;
}

timbang_status tb_new_head(uint64_t seed, size_t n_labels, size_t hidden, double initializer_range, float *weight,
                           float *bias, tb_error *err)
{
    TB_TRY(check_sd(initializer_range, err));
    tb_fill_normal(seed, TB_STREAM_CLASSIFIER, initializer_range, weight, n_labels * hidden);
    for (size_t i = 0; i < n_labels; i++)
        bias[i] = 0;
    return TIMBANG_OK;
}

timbang_status tb_new_pooler(uint64_t seed, size_t hidden, double initializer_range, float *weight, float *bias,
                             tb_error *err)
{
    TB_TRY(check_sd(initializer_range, err));
    tb_fill_normal(seed, TB_STREAM_POOLER, initializer_range, weight, hidden * hidden);
    for (size_t i = 0; i < hidden; i++)
        bias[i] = 0;
    return TIMBANG_OK;
}
