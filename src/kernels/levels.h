/* SPDX-License-Identifier: Apache-2.0
 * The levels beyond the reference, and what the CPU offers.
 * Includes: kernels.h. Called by: dispatch.c and the architecture folders. */
#ifndef TB_KERNELS_LEVELS_H
#define TB_KERNELS_LEVELS_H

#include "kernels/kernels.h"

/* One CPU feature whose registers the operating system saves too. */
typedef struct tb_cpu_feature {
    const char *name;
    bool present;
} tb_cpu_feature;

enum { TB_MAX_CPU_FEATURES = 32 };

#if defined(__x86_64__)
extern const tb_kernels tb_kernels_avx2;
extern const tb_kernels tb_kernels_avxvnni;
extern const tb_kernels tb_kernels_avx512;
extern const tb_kernels tb_kernels_avx512_bf16; /* the same level where the CPU multiplies bfloat16 */
extern const tb_kernels tb_kernels_amx;
/* Every feature that the x86 levels ask about; returns their number. */
size_t tb_x86_features(tb_cpu_feature features[TB_MAX_CPU_FEATURES]);
#endif

#if defined(__aarch64__)
extern const tb_kernels tb_kernels_neon;
extern const tb_kernels tb_kernels_dotprod;
extern const tb_kernels tb_kernels_i8mm;
/* Every feature that the levels of 64-bit ARM ask about; returns their number. */
size_t tb_arm_features(tb_cpu_feature features[TB_MAX_CPU_FEATURES]);
#endif

#endif
