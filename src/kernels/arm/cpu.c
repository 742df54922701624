/* SPDX-License-Identifier: Apache-2.0
 * CPU features of 64-bit ARM as the kernel reports them to every process.
 * Includes: levels.h. Called by: dispatch.c. Built without ISA flags: it runs on every machine. */
#include "kernels/levels.h"

#include <sys/auxv.h>

/* Bits of the kernel's arch/arm64/include/uapi/asm/hwcap.h, which older headers of a C library do not all have. */
static const struct {
    const char *name;
    unsigned long word; /* AT_HWCAP or AT_HWCAP2 */
    unsigned bit;
} known[] = {
    {"asimd", AT_HWCAP, 1},
    {"asimddp", AT_HWCAP, 20},
    {"i8mm", AT_HWCAP2, 13},
    {"bf16", AT_HWCAP2, 14},
};
_Static_assert(sizeof known / sizeof known[0] <= TB_MAX_CPU_FEATURES, "room for every feature");

size_t tb_arm_features(tb_cpu_feature features[TB_MAX_CPU_FEATURES])
{
    size_t n = sizeof known / sizeof known[0];
    for (size_t i = 0; i < n; i++) {
        features[i].name = known[i].name;
        features[i].present = (getauxval(known[i].word) >> known[i].bit & 1) != 0;
    }
    return n;
}
