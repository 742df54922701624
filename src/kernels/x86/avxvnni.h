/* SPDX-License-Identifier: Apache-2.0
 * What the files of the AVX-VNNI level share. Its instruction, vpdpbusd on 256-bit registers, also exists in AVX-512
 * VNNI with VL in another encoding: with TB_AVXVNNI_EVEX the same sources become a second table, for tests on CPUs that
 * have only that one.
 * Includes: levels.h. Called by: avxvnni*.c. */
#ifndef TB_KERNELS_X86_AVXVNNI_H
#define TB_KERNELS_X86_AVXVNNI_H

#ifdef TB_AVXVNNI_EVEX
#define TB_AVXVNNI_NAME    "avxvnni-evex"
#define TB_AVXVNNI_DOT     _mm256_dpbusd_epi32
#define tb_kernels_avxvnni tb_kernels_avxvnni_evex
#define tb_avxvnni_gemm_s8 tb_avxvnni_evex_gemm_s8
#else
#define TB_AVXVNNI_NAME "avxvnni"
#define TB_AVXVNNI_DOT  _mm256_dpbusd_avx_epi32
#endif

#include "kernels/levels.h"

void tb_avxvnni_gemm_s8(const tb_gemm_s8 *g);

#endif
