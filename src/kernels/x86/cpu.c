/* SPDX-License-Identifier: Apache-2.0
 * CPU features of x86: CPUID for what the processor has, XGETBV for what the operating system saves, and Linux's
 * permission to use the tiles of AMX, which it asks for: a process has them only on request.
 * Includes: levels.h. Called by: dispatch.c. Built without ISA flags: it runs on every machine. */
#include "kernels/levels.h"

#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

enum word { LEAF1_ECX, LEAF7_EBX, LEAF7_ECX, LEAF7_EDX, LEAF7_1_EAX, N_WORDS };

/* Parts of XCR0 that the operating system must have switched on. */
enum {
    STATE_AVX = 0x6,     /* xmm, ymm */
    STATE_AVX512 = 0xe6, /* and the masks, upper halves, upper registers */
    STATE_AMX = 0x60006, /* and the tiles; a process still has to ask the kernel for them */
};

static const struct {
    const char *name;
    enum word word;
    unsigned bit;
    uint64_t state;
} known[] = {
    {"avx", LEAF1_ECX, 28, STATE_AVX},
    {"fma", LEAF1_ECX, 12, STATE_AVX},
    {"f16c", LEAF1_ECX, 29, STATE_AVX},
    {"avx2", LEAF7_EBX, 5, STATE_AVX},
    {"avx_vnni", LEAF7_1_EAX, 4, STATE_AVX},
    {"avx512f", LEAF7_EBX, 16, STATE_AVX512},
    {"avx512dq", LEAF7_EBX, 17, STATE_AVX512},
    {"avx512bw", LEAF7_EBX, 30, STATE_AVX512},
    {"avx512vl", LEAF7_EBX, 31, STATE_AVX512},
    {"avx512_vnni", LEAF7_ECX, 11, STATE_AVX512},
    {"avx512_bf16", LEAF7_1_EAX, 5, STATE_AVX512},
    {"amx_bf16", LEAF7_EDX, 22, STATE_AMX},
    {"amx_tile", LEAF7_EDX, 24, STATE_AMX},
    {"amx_int8", LEAF7_EDX, 25, STATE_AMX},
};
_Static_assert(sizeof known / sizeof known[0] <= TB_MAX_CPU_FEATURES, "room for every feature");

static uint64_t enabled_state(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

/* For the whole process and for good; asking again changes nothing. Linux refuses where an alternate signal stack is
 * too small to save the tiles. (Documentation/arch/x86/xstate.rst of Linux.) */
static bool tiles_permitted(void)
{
#if defined(__linux__) && defined(SYS_arch_prctl)
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
#else
    return false;
#endif
}

size_t tb_x86_features(tb_cpu_feature features[TB_MAX_CPU_FEATURES])
{
    enum { OSXSAVE_BIT = 27 };
    uint32_t words[N_WORDS] = {0};
    uint32_t eax, ebx, ecx, edx;
    if (__get_cpuid(1, &eax, &ebx, &ecx, &edx))
        words[LEAF1_ECX] = ecx;
    if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) {
        uint32_t last_subleaf = eax;
        words[LEAF7_EBX] = ebx;
        words[LEAF7_ECX] = ecx;
        words[LEAF7_EDX] = edx;
        if (last_subleaf >= 1 && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx))
            words[LEAF7_1_EAX] = eax;
    }
    uint64_t state = (words[LEAF1_ECX] >> OSXSAVE_BIT & 1) != 0 ? enabled_state() : 0;

    enum { AMX_TILE_BIT = 24 };
    bool has_tiles = (words[LEAF7_EDX] >> AMX_TILE_BIT & 1) != 0 && (state & STATE_AMX) == STATE_AMX;
    if (has_tiles && !tiles_permitted())
        state &= ~(uint64_t)(STATE_AMX & ~STATE_AVX);

    size_t n = sizeof known / sizeof known[0];
    for (size_t i = 0; i < n; i++) {
        bool in_cpu = (words[known[i].word] >> known[i].bit & 1) != 0;
        features[i].name = known[i].name;
        features[i].present = in_cpu && (state & known[i].state) == known[i].state;
    }
    return n;
}
