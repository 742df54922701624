/* Dropout: which values fall out is a function of the seed, the step, the place in the network and the place in the
 * step, so neither the parts of a batch nor threads can be seen in it.
 * Includes: model/train_parts.h, base/rng.h. Called by: train_forward.c, train_attention.c, train_backward.c,
 * train_embed.c, train_head.c. */
#include "model/train_parts.h"

#include "base/rng.h"

enum { GROUP = 128 };

bool tb_train_dropout(const struct train_pass *p, tb_dropout_site site, size_t layer, tb_dropout *dropout)
{
    const tb_train_pass *job = p->job;
    double share = site == TB_SITE_PROBABILITIES ? job->attention_dropout
                   : site == TB_SITE_CLASSIFIER  ? job->classifier_dropout
                                                 : job->hidden_dropout;
    uint32_t threshold = (uint32_t)(share * 65536 + 0.5);
    if (!p->back || threshold == 0)
        return false;
    uint64_t number = (uint64_t)site + 3 * layer;
    *dropout = (tb_dropout){.seed = job->seed,
                            .stream = UINT64_C(1) << 63 | job->step << 16 | number,
                            .threshold = threshold,
                            .scale = 65536.0f / (float)(65536 - threshold)};
    return true;
}

void tb_train_drop_rows(const struct train_pass *p, const tb_dropout *dropout, size_t first, size_t rows, size_t n,
                        float *x)
{
    size_t groups = (n + GROUP - 1) / GROUP;
    for (size_t i = 0; i < rows; i++)
        p->kernels->dropout(dropout, (first + i) * groups, x + i * n, x + i * n, n);
}
