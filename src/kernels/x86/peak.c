/* SPDX-License-Identifier: Apache-2.0
 * Loops for peaks on x86: products in registers only, and reading. Assembly, so that no compiler moves, merges or
 * spills anything; twelve accumulators hide every latency. All operands are zero, which changes no rate. Includes:
 * peak.h, levels.h. Called by: peak.c. Built without ISA flags: only loops of usable levels are run. */
#include "kernels/peak.h"

#include "kernels/levels.h"

#include <string.h>

#define ALL_XMM                                                                                                        \
    "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12",         \
        "xmm13", "xmm14", "xmm15"

/* clang-format off */
#define EACH(f) f("0") f("1") f("2") f("3") f("4") f("5") f("6") f("7") f("8") f("9") f("10") f("11")
#define CLEAR(r) "vpxor %%xmm" r ", %%xmm" r ", %%xmm" r "\n\t"

/* Two rounds of twelve instructions, n times. */
#define LOOP(body)                                                                  \
    __asm__ volatile(EACH(CLEAR) CLEAR("12") CLEAR("13") CLEAR("14") CLEAR("15")    \
                     ".p2align 5\n"                                                 \
                     "1:\n\t"                                                       \
                     EACH(body) EACH(body)                                          \
                     "dec %0\n\t"                                                   \
                     "jnz 1b\n\t"                                                   \
                     "vzeroupper"                                                   \
                     : "+r"(n) : : "cc", ALL_XMM)

#define FMA_YMM(r)     "vfmadd231ps %%ymm14, %%ymm15, %%ymm" r "\n\t"
#define FMA_ZMM(r)     "vfmadd231ps %%zmm14, %%zmm15, %%zmm" r "\n\t"
#define DOT_ZMM(r)     "vpdpbusd %%zmm14, %%zmm15, %%zmm" r "\n\t"
#define DOT_VEX_YMM(r) "%{vex%} vpdpbusd %%ymm14, %%ymm15, %%ymm" r "\n\t"
#define BF16_ZMM(r)    "vdpbf16ps %%zmm14, %%zmm15, %%zmm" r "\n\t"
/* What an exact byte product costs without VNNI, but for taking signs. */
#define DOT_AVX2(r)                            \
    "vpmaddubsw %%ymm14, %%ymm15, %%ymm12\n\t" \
    "vpmaddwd %%ymm13, %%ymm12, %%ymm12\n\t"   \
    "vpaddd %%ymm12, %%ymm" r ", %%ymm" r "\n\t"
/* clang-format on */

__attribute__((target("avx2,fma"))) static void f32_avx2(size_t n)
{
    LOOP(FMA_YMM);
}

__attribute__((target("avx2"))) static void s8_avx2(size_t n)
{
    LOOP(DOT_AVX2);
}

__attribute__((target("avx2,avxvnni"))) static void s8_avxvnni(size_t n)
{
    LOOP(DOT_VEX_YMM);
}

__attribute__((target("avx512f"))) static void f32_avx512(size_t n)
{
    LOOP(FMA_ZMM);
}

__attribute__((target("avx512f,avx512vnni"))) static void s8_avx512(size_t n)
{
    LOOP(DOT_ZMM);
}

__attribute__((target("avx512f,avx512bf16"))) static void bf16_avx512(size_t n)
{
    LOOP(BF16_ZMM);
}

/* Four accumulators of 16 x 16, A in tiles 4 and 5, B in 6 and 7; n times all four. The configuration of the caller is
 * put back, its tiles are not. */
typedef struct tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t bytes[16];
    uint8_t rows[16];
} tile_config;
_Static_assert(sizeof(tile_config) == 64, "as ldtilecfg reads it");

static const tile_config full_tiles = {
    .palette = 1,
    .bytes = {64, 64, 64, 64, 64, 64, 64, 64},
    .rows = {16, 16, 16, 16, 16, 16, 16, 16},
};

/* clang-format off */
#define TILE_LOOP(op)                                           \
    tile_config saved;                                          \
    __asm__ volatile("sttilecfg %1\n\t"                         \
                     "ldtilecfg %2\n\t" /* clears the tiles */  \
                     ".p2align 5\n"                             \
                     "1:\n\t"                                   \
                     op " %%tmm6, %%tmm4, %%tmm0\n\t"           \
                     op " %%tmm7, %%tmm4, %%tmm1\n\t"           \
                     op " %%tmm6, %%tmm5, %%tmm2\n\t"           \
                     op " %%tmm7, %%tmm5, %%tmm3\n\t"           \
                     "dec %0\n\t"                               \
                     "jnz 1b\n\t"                               \
                     "ldtilecfg %1"                             \
                     : "+r"(n), "=m"(saved) : "m"(full_tiles) : "cc")
/* clang-format on */

__attribute__((target("amx-tile,amx-int8"))) static void s8_amx(size_t n)
{
    TILE_LOOP("tdpbssd");
}

__attribute__((target("amx-tile,amx-bf16"))) static void bf16_amx(size_t n)
{
    TILE_LOOP("tdpbf16ps");
}

static bool has(const char *feature)
{
    tb_cpu_feature features[TB_MAX_CPU_FEATURES];
    size_t n = tb_x86_features(features);
    for (size_t i = 0; i < n; i++)
        if (strcmp(features[i].name, feature) == 0)
            return features[i].present;
    return false;
}

tb_peak_loop tb_x86_peak_loop(const char *level, tb_peak_kind kind)
{
    /* Operations of one pass of a loop: 24 instructions (AVX2's bytes: 24 groups) times lanes times two; AMX: 4 tiles.
     */
    enum { ROUND = 24 * 2, TILES = 4 * 2 * 16 * 16 };
    static const struct {
        const char *level;
        tb_peak_kind kind;
        const char *needs; /* beyond what the level itself asks for; NULL: nothing */
        tb_peak_loop loop;
    } loops[] = {
        {"avx2", TB_PEAK_F32, NULL, {f32_avx2, ROUND * 8}},
        {"avx2", TB_PEAK_S8, NULL, {s8_avx2, ROUND * 32}},
        {"avxvnni", TB_PEAK_F32, NULL, {f32_avx2, ROUND * 8}},
        {"avxvnni", TB_PEAK_S8, NULL, {s8_avxvnni, ROUND * 32}},
        {"avx512", TB_PEAK_F32, NULL, {f32_avx512, ROUND * 16}},
        {"avx512", TB_PEAK_S8, NULL, {s8_avx512, ROUND * 64}},
        {"avx512", TB_PEAK_BF16, "avx512_bf16", {bf16_avx512, ROUND * 32}},
        {"amx", TB_PEAK_F32, NULL, {f32_avx512, ROUND * 16}},
        {"amx", TB_PEAK_S8, "amx_int8", {s8_amx, TILES * 64}},
        {"amx", TB_PEAK_BF16, "amx_bf16", {bf16_amx, TILES * 32}},
    };
    for (size_t i = 0; i < sizeof loops / sizeof loops[0]; i++)
        if (strcmp(loops[i].level, level) == 0 && loops[i].kind == kind && (!loops[i].needs || has(loops[i].needs)))
            return loops[i].loop;
    /* Without an instruction for it, bfloat16 is expanded and multiplied as float. */
    return kind == TB_PEAK_BF16 ? tb_x86_peak_loop(level, TB_PEAK_F32) : (tb_peak_loop){0};
}

bool tb_x86_can_read(void)
{
    return has("avx");
}

/* clang-format off */
#define LOAD(at, r) "vmovdqa " at "(%0), %%ymm" r "\n\t"
#define READ_LINES                                                       \
    LOAD("0", "0") LOAD("32", "1") LOAD("64", "2") LOAD("96", "3")       \
    LOAD("128", "4") LOAD("160", "5") LOAD("192", "6") LOAD("224", "7")
/* clang-format on */

__attribute__((target("avx2"))) void tb_x86_read(const void *block, size_t bytes, size_t ahead)
{
    const char *at = block, *end = at + bytes;
    if (bytes == 0)
        return;
    if (ahead == 0)
        __asm__ volatile(".p2align 5\n"
                         "1:\n\t" READ_LINES "add $256, %0\n\t"
                         "cmp %1, %0\n\t"
                         "jb 1b\n\t"
                         "vzeroupper"
                         : "+r"(at)
                         : "r"(end)
                         : "cc", "memory", ALL_XMM);
    else
        __asm__ volatile(".p2align 5\n"
                         "1:\n\t"
                         "prefetcht0 (%0,%2)\n\t"
                         "prefetcht0 64(%0,%2)\n\t"
                         "prefetcht0 128(%0,%2)\n\t"
                         "prefetcht0 192(%0,%2)\n\t" READ_LINES "add $256, %0\n\t"
                         "cmp %1, %0\n\t"
                         "jb 1b\n\t"
                         "vzeroupper"
                         : "+r"(at)
                         : "r"(end), "r"(ahead)
                         : "cc", "memory", ALL_XMM);
}
