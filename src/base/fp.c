/* The floating-point environment, per architecture. Includes: base/fp.h. Called by: pool, api. */
#include "base/fp.h"

#if defined(__x86_64__)
#include <xmmintrin.h>

tb_fp_state tb_fp_enter(void)
{
    tb_fp_state saved = {_mm_getcsr()};
    _mm_setcsr(0x1f80); /* all exceptions masked, nearest even, no flush-to-zero, no denormals-are-zero */
    return saved;
}

void tb_fp_leave(tb_fp_state saved)
{
    /* The sticky exception flags of the caller come back as they were, too. */
    _mm_setcsr((unsigned)saved.control);
}

#elif defined(__aarch64__)

tb_fp_state tb_fp_enter(void)
{
    tb_fp_state saved;
    __asm__ volatile("mrs %0, fpcr" : "=r"(saved.control));
    __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)0)); /* nearest even, denormals kept, no traps */
    return saved;
}

void tb_fp_leave(tb_fp_state saved)
{
    __asm__ volatile("msr fpcr, %0" : : "r"(saved.control));
}

#else
#include <fenv.h>

tb_fp_state tb_fp_enter(void)
{
    tb_fp_state saved = {(uint64_t)fegetround()};
    fesetround(FE_TONEAREST);
    return saved;
}

void tb_fp_leave(tb_fp_state saved)
{
    fesetround((int)saved.control);
}

#endif
