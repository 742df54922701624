/* SPDX-License-Identifier: Apache-2.0
 * All tables that this machine can test: the usable levels; a level's plain table where the CPU gets a better one; and
 * wherever AVX-512 runs, the AMX level with emulated tiles, and the AVX-VNNI level in the encoding of AVX-512.
 * Includes: kernels. Called by: tests of kernels and model. */
#ifndef TB_TEST_KERNELS_EVERY_LEVEL_H
#define TB_TEST_KERNELS_EVERY_LEVEL_H

#include "kernels/levels.h"

enum { MAX_LEVELS = 16 };

#if defined(__x86_64__)
extern const tb_kernels tb_kernels_amx_shim;
extern const tb_kernels tb_kernels_avxvnni_evex;
#endif

static inline size_t every_level(const tb_kernels *levels[MAX_LEVELS])
{
    size_t n = tb_kernels_usable(levels, MAX_LEVELS - 3);
#if defined(__x86_64__)
    size_t usable = n;
    for (size_t i = 0; i < usable; i++) {
        if (levels[i] == &tb_kernels_avx512_bf16)
            levels[n++] = &tb_kernels_avx512;
        if (levels[i] == &tb_kernels_avx512_bf16 || levels[i] == &tb_kernels_avx512) {
            levels[n++] = &tb_kernels_amx_shim;
            levels[n++] = &tb_kernels_avxvnni_evex;
        }
    }
#endif
    return n;
}

#endif
