/* SPDX-License-Identifier: Apache-2.0
 * What the files of the AMX level share: the panel layout and the names of both builds of it. With TB_AMX_SHIM the same
 * sources become a second table whose tile operations are emulated (amx_tiles.h), for tests on CPUs without AMX.
 *
 * A panel holds 32 columns in steps of 64 bytes of k; a step is two tiles of 16 columns, a tile 16 rows of 64 bytes:
 *   s8:   [ceil(k / 64)][2][16][16 columns][4 of k]
 *   bf16: [ceil(k / 32)][2][16][16 columns][2 of k]
 *   s4:   the s8 panel's bytes in blocks of 128, 64 bytes a block: byte b holds panel byte b in its low nibble and
 * panel byte b + 64 in its high one, each as q + 8; then the multipliers [k / group][32]; filled up to 64. Zeros follow
 * k and n. Includes: levels.h. Called by: amx*.c. */
#ifndef TB_KERNELS_X86_AMX_H
#define TB_KERNELS_X86_AMX_H

#ifdef TB_AMX_SHIM
#define TB_AMX_NAME           "amx-shim"
#define tb_kernels_amx        tb_kernels_amx_shim
#define tb_amx_gemm_s8        tb_amx_shim_gemm_s8
#define tb_amx_gemm_bf16      tb_amx_shim_gemm_bf16
#define tb_amx_s4_panel_bytes tb_amx_shim_s4_panel_bytes
#define tb_amx_pack_s8        tb_amx_shim_pack_s8
#define tb_amx_pack_s4        tb_amx_shim_pack_s4
#define tb_amx_unpack_s4      tb_amx_shim_unpack_s4
#define tb_amx_pack_bf16      tb_amx_shim_pack_bf16
#define tb_amx_pack_bf16_kn   tb_amx_shim_pack_bf16_kn
#else
#define TB_AMX_NAME "amx"
#endif

#include "kernels/levels.h"

enum {
    TB_AMX_NR = 32,                        /* columns of a panel */
    TB_AMX_LINE = 64,                      /* bytes of a tile's row */
    TB_AMX_TILE = 16 * TB_AMX_LINE,        /* bytes of a tile: 16 rows */
    TB_AMX_STEP = TB_AMX_NR * TB_AMX_LINE, /* bytes of a panel's step */
    TB_AMX_TILES = TB_AMX_NR / 16,         /* tiles of a step */
};

/* Bytes of a panel whose columns are k_bytes long. */
static inline size_t tb_amx_panel_bytes(size_t k_bytes)
{
    return TB_AMX_NR * tb_round_up(k_bytes, TB_AMX_LINE);
}

size_t tb_amx_s4_panel_bytes(size_t k, size_t group);
void tb_amx_pack_s8(int8_t *panels, const int8_t *w, size_t ldw, size_t n, size_t k);
void tb_amx_pack_s4(uint8_t *panels, const int8_t *q, size_t ldq, const uint8_t *multiplier, size_t ldm, size_t n,
                    size_t k, size_t group);
void tb_amx_unpack_s4(int8_t *panel, const uint8_t *s4_panel, size_t k, size_t group);
void tb_amx_pack_bf16(uint16_t *panels, const float *w, size_t ldw, size_t n, size_t k);
void tb_amx_pack_bf16_kn(uint16_t *panels, const float *b, size_t ldb, size_t n, size_t k);
void tb_amx_gemm_s8(const tb_gemm_s8 *g);
void tb_amx_gemm_bf16(const tb_gemm_bf16 *g);

#endif
