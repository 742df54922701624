/* SPDX-License-Identifier: Apache-2.0
 * Measures exp, erf and tanh against the C library's double functions: every float with 2^-26 <= |x| < 2^7 (erf and
 * tanh: x > 0, they are odd), every 101st elsewhere. docs/numerics.md quotes it. Not a test: it takes a minute or two.
 * Includes: ulp.h. */
#include "ulp.h"

#include <stdio.h>

static void measure(const ulp_function *f, const char *where, uint32_t first, uint32_t last, uint32_t step)
{
    ulp_worst worst = ulp_measure(f, first, last, step);
    printf("%-5s %-24s worst error %.4f ulp at %a (result %a)\n", f->name, where, worst.error, (double)worst.x,
           (double)f->own(worst.x));
}

int main(void)
{
    const uint32_t sign = UINT32_C(0x80000000), low = UINT32_C(0x32800000), high = UINT32_C(0x43000000);
    for (size_t i = 0; i < sizeof ulp_functions / sizeof ulp_functions[0]; i++) {
        const ulp_function *f = &ulp_functions[i];
        measure(f, "every 101st float", 0, UINT32_MAX, 101);
        measure(f, "every 2^-26 <= x < 2^7", low, high - 1, 1);
        if (f->own == tb_exp)
            measure(f, "every 2^-26 <= -x < 2^7", sign | low, (sign | high) - 1, 1);
    }
    return 0;
}
