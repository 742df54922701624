/* SPDX-License-Identifier: Apache-2.0
 * Packing of weights into the panels of amx.h.
 * Includes: amx.h, lanes_avx512.h, pack_bf16.h. Called by: amx.c. */
#include "kernels/x86/amx.h"
#include "kernels/x86/lanes_avx512.h"
#include "kernels/x86/pack_bf16.h"

enum { NR = TB_AMX_NR, LINE = TB_AMX_LINE, TILE = TB_AMX_TILE, STEP = TB_AMX_STEP, COLUMNS = 16, S4_HALF = 32 };

/* Columns of a panel that begin at `first` and belong to one tile. */
static size_t columns_of(size_t n, size_t first)
{
    return n <= first ? 0 : n - first < COLUMNS ? n - first : COLUMNS;
}

/* One tile of bytes: `columns` rows of w, `bytes` of k (at most 64); zeros elsewhere. */
static void pack_tile(int8_t *tile, const int8_t *w, size_t ldw, size_t columns, size_t bytes)
{
    size_t whole = bytes / 4;
    memset(tile + whole * LINE, 0, TILE - whole * LINE);
    x86_pack_dwords(COLUMNS, tile, w, ldw, columns, whole);
    for (size_t c = 0; c < columns; c++)
        for (size_t kk = whole * 4; kk < bytes; kk++)
            tile[whole * LINE + c * 4 + kk % 4] = w[c * ldw + kk];
}

/* The tile of columns [j, j + 16) and k from kk on. */
static void pack_tile_of(int8_t *tile, const int8_t *w, size_t ldw, size_t n, size_t k, size_t j, size_t kk)
{
    size_t columns = columns_of(n, j);
    if (columns == 0)
        memset(tile, 0, TILE);
    else
        pack_tile(tile, w + j * ldw + kk, ldw, columns, k - kk < LINE ? k - kk : LINE);
}

void tb_amx_pack_s8(int8_t *panels, const int8_t *w, size_t ldw, size_t n, size_t k)
{
    for (size_t j = 0; j < n; j += NR) {
        int8_t *at = panels + j / NR * tb_amx_panel_bytes(k);
        for (size_t kk = 0; kk < k; kk += LINE)
            for (size_t c = 0; c < NR; c += COLUMNS, at += TILE)
                pack_tile_of(at, w, ldw, n, k, j + c, kk);
    }
}

static size_t nibble_bytes(size_t k)
{
    return tb_amx_panel_bytes(k) / 2;
}

size_t tb_amx_s4_panel_bytes(size_t k, size_t group)
{
    return tb_round_up(nibble_bytes(k) + NR * (k / group), TB_ALIGN);
}

/* The bytes of a tile, two to a byte. */
static void pack_nibbles(uint8_t *nibbles, const int8_t *tile)
{
    const __m512i eight = _mm512_set1_epi8(8), fifteen = _mm512_set1_epi8(15);
    for (size_t at = 0; at < TILE; at += 2 * LINE) {
        __m512i low = _mm512_add_epi8(_mm512_load_si512(tile + at), eight);
        __m512i high = _mm512_add_epi8(_mm512_load_si512(tile + at + LINE), eight);
        high = _mm512_slli_epi16(_mm512_and_si512(high, fifteen), 4);
        _mm512_storeu_si512(nibbles + at / 2, _mm512_or_si512(_mm512_and_si512(low, fifteen), high));
    }
}

void tb_amx_pack_s4(uint8_t *panels, const int8_t *q, size_t ldq, const uint8_t *multiplier, size_t ldm, size_t n,
                    size_t k, size_t group)
{
    _Alignas(64) int8_t tile[TILE];
    size_t panel_bytes = tb_amx_s4_panel_bytes(k, group), groups = k / group;
    for (size_t j = 0; j < n; j += NR) {
        uint8_t *panel = panels + j / NR * panel_bytes, *at = panel;
        for (size_t kk = 0; kk < k; kk += LINE) {
            for (size_t c = 0; c < NR; c += COLUMNS, at += TILE / 2) {
                pack_tile_of(tile, q, ldq, n, k, j + c, kk);
                pack_nibbles(at, tile);
            }
        }
        memset(at, 0, panel_bytes - nibble_bytes(k));
        for (size_t c = 0; c < NR && j + c < n; c++)
            for (size_t b = 0; b < groups; b++)
                at[b * NR + c] = multiplier[(j + c) * ldm + b];
    }
}

/* 32 values of k of 16 columns: half a tile. u = q + 8 is at most 15 and m at most 15, so u * m fits a byte, both bytes
 * of a 16-bit word belong to one column, and one 16-bit product of the word with m is both byte products. */
static inline void unpack_half(int8_t *half, const uint8_t *nibbles, const uint8_t *multipliers)
{
    const __m512i fifteen = _mm512_set1_epi8(15);
    __m512i m = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)multipliers));
    __m512i words = _mm512_or_si512(m, _mm512_slli_epi32(m, 16));
    __m512i eight = _mm512_slli_epi32(_mm512_or_si512(words, _mm512_slli_epi32(words, 8)), 3); /* 8 m in each byte */
    for (size_t at = 0; at < TILE / 2; at += 2 * LINE) {
        __m512i both = _mm512_loadu_si512(nibbles + at / 2);
        __m512i low = _mm512_and_si512(both, fifteen);
        __m512i high = _mm512_and_si512(_mm512_srli_epi16(both, 4), fifteen);
        _mm512_storeu_si512(half + at, _mm512_sub_epi8(_mm512_mullo_epi16(low, words), eight));
        _mm512_storeu_si512(half + at + LINE, _mm512_sub_epi8(_mm512_mullo_epi16(high, words), eight));
    }
}

void tb_amx_unpack_s4(int8_t *panel, const uint8_t *s4_panel, size_t k, size_t group)
{
    const uint8_t *multipliers = s4_panel + nibble_bytes(k);
    for (size_t k0 = 0; k0 < k; k0 += group) {
        const uint8_t *m = multipliers + k0 / group * NR;
        for (size_t kk = k0; kk < k0 + group; kk += S4_HALF) { /* group is a multiple of 32 */
            size_t at = kk / LINE * STEP + kk % LINE / S4_HALF * (TILE / 2);
            for (size_t c = 0; c < TB_AMX_TILES; c++)
                unpack_half(panel + at + c * TILE, s4_panel + (at + c * TILE) / 2, m + c * COLUMNS);
        }
    }
    if (k % LINE != 0) { /* the second half of the last step's tiles */
        int8_t *last = panel + k / LINE * STEP + TILE / 2;
        for (size_t c = 0; c < TB_AMX_TILES; c++)
            memset(last + c * TILE, 0, TILE / 2);
    }
}

void tb_amx_pack_bf16(uint16_t *panels, const float *w, size_t ldw, size_t n, size_t k)
{
    enum { SIZE = TILE / sizeof(uint16_t), KK = LINE / sizeof(uint16_t) };
    for (size_t j = 0; j < n; j += NR) {
        uint16_t *at = panels + j / NR * (tb_amx_panel_bytes(k * sizeof(uint16_t)) / sizeof(uint16_t));
        for (size_t kk = 0; kk < k; kk += KK) {
            for (size_t c = 0; c < NR; c += COLUMNS, at += SIZE) {
                size_t columns = columns_of(n, j + c);
                if (columns == 0)
                    memset(at, 0, TILE);
                else
                    x86_pack_bf16_pairs(COLUMNS, at, w + (j + c) * ldw + kk, ldw, columns, k - kk < KK ? k - kk : KK,
                                        KK / 2);
            }
        }
    }
}

void tb_amx_pack_bf16_kn(uint16_t *panels, const float *b, size_t ldb, size_t n, size_t k)
{
    enum { SIZE = TILE / sizeof(uint16_t), KK = LINE / sizeof(uint16_t) };
    size_t panel_size = tb_amx_panel_bytes(k * sizeof(uint16_t)) / sizeof(uint16_t);
    for (size_t kk = 0; kk < k; kk += KK) {
        size_t steps = k - kk < KK ? k - kk : KK;
        for (size_t j = 0; j < tb_round_up(n, NR); j += COLUMNS) {
            uint16_t *tile = panels + j / NR * panel_size + (kk / KK * TB_AMX_TILES + j % NR / COLUMNS) * SIZE;
            for (size_t s = 0; s < KK; s += 2)
                avx512_store_bf16_pairs(tile + s * COLUMNS, b + (kk + s) * ldb + j, ldb, columns_of(n, j),
                                        steps > s ? steps - s : 0);
        }
    }
}
