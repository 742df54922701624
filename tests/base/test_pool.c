/* Tests of base/pool.c: every thread is called once a run, shares cover everything, the environment is the contract's.
 */
#include "base/fp.h"
#include "base/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { N = 1000 };

struct job {
    int counts[16];
    unsigned char seen[N];
    volatile float tiny, third;
    float products[16];
};

static void work(void *arg, int thread, int n_threads)
{
    struct job *job = arg;
    size_t begin, end;
    job->counts[thread]++;
    tb_share(N, 7, thread, n_threads, &begin, &end);
    for (size_t i = begin; i < end; i++)
        job->seen[i]++;
    job->products[thread] = job->tiny * job->third; /* a denormal, unless somebody flushes it */
}

static void all_threads_all_work(void **state)
{
    (void)state;
    for (int n = 1; n <= 9; n += 2) {
        tb_error err;
        tb_pool *pool = NULL;
        assert_int_equal(tb_pool_create(n, &pool, &err), TIMBANG_OK);
        assert_int_equal(tb_pool_threads(pool), n);
        struct job *job = calloc(1, sizeof *job);
        job->tiny = 0x1p-126f;
        job->third = 0.25f;
        for (int run = 1; run <= 200; run++) {
            if (run % 50 == 0)
                usleep(3000); /* long enough for the workers to fall asleep */
            tb_pool_run(pool, work, job);
            for (int t = 0; t < n; t++)
                assert_int_equal(job->counts[t], run);
            for (size_t i = 0; i < N; i++)
                assert_int_equal(job->seen[i], (unsigned char)run);
        }
        for (int t = 0; t < n; t++)
            assert_true(job->products[t] == 0x1p-128f);
        free(job);
        tb_pool_free(pool);
    }
}

static void bounds(void **state)
{
    (void)state;
    tb_error err;
    tb_pool *pool = NULL;
    assert_int_equal(tb_pool_create(-1, &pool, &err), TIMBANG_USAGE);
    assert_int_equal(tb_pool_create(5000, &pool, &err), TIMBANG_USAGE);
    assert_true(tb_cpu_count() >= 1);
    struct job *job = calloc(1, sizeof *job);
    tb_pool_run(NULL, work, job);
    assert_int_equal(job->counts[0], 1);
    free(job);
    tb_pool_free(NULL);
}

#if defined(__x86_64__)
#include <xmmintrin.h>

static void environment_is_set_and_restored(void **state)
{
    (void)state;
    unsigned before = _mm_getcsr();
    _mm_setcsr(before | 0x8040 | 0x6000); /* flush to zero, denormals are zero, round towards zero */
    unsigned odd = _mm_getcsr();
    tb_fp_state saved = tb_fp_enter();
    assert_int_equal(_mm_getcsr() & 0xffc0, 0x1f80);
    tb_fp_leave(saved);
    assert_int_equal(_mm_getcsr(), odd);
    _mm_setcsr(before);
}
#else
static void environment_is_set_and_restored(void **state)
{
    (void)state;
    tb_fp_leave(tb_fp_enter());
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_threads_all_work),
        cmocka_unit_test(bounds),
        cmocka_unit_test(environment_is_set_and_restored),
    };
    return cmocka_run_group_tests_name("base/pool", tests, NULL, NULL);
}
