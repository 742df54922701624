/* SPDX-License-Identifier: Apache-2.0
 * Peaks: which levels have loops, that they run on any number of threads and leave no trace. How fast is not tested. */
#include "kernels/peak.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_LEVELS = 16 };

static void every_vector_level_of_x86_has_peaks(void **state)
{
    (void)state;
    const tb_kernels *levels[MAX_LEVELS];
    size_t n = tb_kernels_usable(levels, MAX_LEVELS);
    tb_error err;
    tb_pool *pool = NULL;
    assert_int_equal(tb_pool_create(2, &pool, &err), TIMBANG_OK);
    for (size_t i = 0; i < n; i++)
        for (int kind = 0; kind < TB_PEAK_KINDS; kind++) {
            double peak = tb_peak_measure(levels[i], (tb_peak_kind)kind, i % 2 ? pool : NULL);
#if defined(__x86_64__)
            if (strcmp(levels[i]->name, "scalar") != 0) {
                assert_true(peak > 0);
                continue;
            }
#endif
            assert_true(peak == 0);
        }
    tb_pool_free(pool);
}

static void any_size_is_read(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 255, 256, 300, 4095, 4096, 100000, 1 << 20};
    tb_error err;
    tb_pool *pool = NULL;
    assert_int_equal(tb_pool_create(3, &pool, &err), TIMBANG_OK);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char *block = tb_alloc_aligned(sizes[i], 1, &err); /* exactly so large: reading beyond it is found by ASan */
        assert_non_null(block);
        memset(block, 1, sizes[i]);
        double rate = tb_read_measure(block, sizes[i], pool);
#if defined(__x86_64__)
        assert_int_equal(rate > 0, sizes[i] >= 256 && tb_x86_can_read());
#else
        assert_true(rate == 0);
#endif
        tb_free_aligned(block);
    }
    tb_pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vector_level_of_x86_has_peaks),
        cmocka_unit_test(any_size_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
