/* SPDX-License-Identifier: Apache-2.0
 * Chooses a kernel table for this machine. A new level is one line in `levels`.
 * Includes: levels.h. Called by: contexts, the command line, tests. */
#include "kernels/levels.h"

#include <string.h>

#if defined(__x86_64__)
#define X86(table) (&(table))
#else
#define X86(table) NULL
#endif
#if defined(__aarch64__)
#define ARM(table) (&(table))
#else
#define ARM(table) NULL
#endif

enum { MAX_NEEDS = 11 };

/* Worst to best. table is NULL where a level is not in this build; needs are names of CPU features. */
static const struct {
    const char *name;
    const tb_kernels *table;
    const char *needs[MAX_NEEDS + 1];
} levels[] = {
    {"scalar", &tb_kernels_ref, {NULL}},
    {"avx2", X86(tb_kernels_avx2), {"avx", "avx2", "fma", "f16c", NULL}},
    {"avxvnni", X86(tb_kernels_avxvnni), {"avx", "avx2", "fma", "f16c", "avx_vnni", NULL}},
    {"avx512",
     X86(tb_kernels_avx512),
     {"avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512vl", "avx512dq", "avx512_vnni", NULL}},
    {"amx",
     X86(tb_kernels_amx),
     {"avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512vl", "avx512dq", "avx512_vnni", "amx_tile", "amx_int8",
      "amx_bf16", NULL}},
    {"neon", ARM(tb_kernels_neon), {"asimd", NULL}},
    {"dotprod", ARM(tb_kernels_dotprod), {"asimd", "asimddp", NULL}},
    {"i8mm", ARM(tb_kernels_i8mm), {"asimd", "asimddp", "i8mm", NULL}},
};
enum { N_LEVELS = sizeof levels / sizeof levels[0] };

/* A level's other table, where the CPU has one feature more. */
static const struct {
    const tb_kernels *table, *better;
    const char *need;
} variants[] = {
    {X86(tb_kernels_avx512), X86(tb_kernels_avx512_bf16), "avx512_bf16"},
};

static size_t features_here(tb_cpu_feature features[TB_MAX_CPU_FEATURES])
{
#if defined(__x86_64__)
    return tb_x86_features(features);
#elif defined(__aarch64__)
    return tb_arm_features(features);
#else
    (void)features;
    return 0;
#endif
}

static bool present(const tb_cpu_feature *features, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(features[i].name, name) == 0)
            return features[i].present;
    return false;
}

static bool usable(size_t level, const tb_cpu_feature *features, size_t n)
{
    if (levels[level].table == NULL)
        return false;
    for (const char *const *need = levels[level].needs; *need != NULL; need++)
        if (!present(features, n, *need))
            return false;
    return true;
}

static const tb_kernels *table_of(size_t level, const tb_cpu_feature *features, size_t n)
{
    for (size_t i = 0; i < sizeof variants / sizeof variants[0]; i++)
        if (levels[level].table == variants[i].table && variants[i].better != NULL &&
            present(features, n, variants[i].need))
            return variants[i].better;
    return levels[level].table;
}

const tb_kernels *tb_kernels_find(const char *level, bool *known)
{
    tb_cpu_feature features[TB_MAX_CPU_FEATURES];
    size_t n = features_here(features);
    size_t top = N_LEVELS - 1;
    bool found = level == NULL;
    for (size_t i = 0; !found && i < N_LEVELS; i++) {
        if (strcmp(levels[i].name, level) == 0) {
            found = true;
            top = i;
        }
    }
    if (known != NULL)
        *known = found;
    while (top > 0 && !usable(top, features, n))
        top--;
    return table_of(top, features, n); /* level 0 runs everywhere */
}

size_t tb_kernels_usable(const tb_kernels **tables, size_t max)
{
    tb_cpu_feature features[TB_MAX_CPU_FEATURES];
    size_t n = features_here(features);
    size_t count = 0;
    for (size_t i = 0; i < N_LEVELS && count < max; i++)
        if (usable(i, features, n))
            tables[count++] = table_of(i, features, n);
    return count;
}

const char *const *tb_kernels_names(void)
{
    static const char *const names[] = {"scalar", "avx2", "avxvnni", "avx512", "amx", "neon", "dotprod", "i8mm", NULL};
    _Static_assert(sizeof names / sizeof names[0] == N_LEVELS + 1, "one name for each level");
    return names;
}

size_t tb_cpu_features(const char **names, size_t max)
{
    tb_cpu_feature features[TB_MAX_CPU_FEATURES];
    size_t n = features_here(features);
    size_t count = 0;
    for (size_t i = 0; i < n && count < max; i++)
        if (features[i].present)
            names[count++] = features[i].name;
    return count;
}
