/* SPDX-License-Identifier: Apache-2.0
 * Measures peaks: runs an architecture's loops on all threads of a pool and keeps the best.
 * Includes: peak.h, base/clock.h. Called by: study/bench, bench/. */
#include "kernels/peak.h"

#include "base/clock.h"

enum { REPETITIONS = 12, READ_BLOCK = 4096 };
#define LOOP_MS 2.0
#define READ_MS 20.0 /* for each way of reading, at least READ_PASSES */
enum { READ_PASSES = 3 };

static tb_peak_loop find_loop(const tb_kernels *kernels, tb_peak_kind kind)
{
#if defined(__x86_64__)
    return tb_x86_peak_loop(kernels->name, kind);
#else
    (void)kernels;
    (void)kind;
    return (tb_peak_loop){0};
#endif
}

typedef struct loop_job {
    tb_peak_loop loop;
    size_t n;
} loop_job;

static void run_loop(void *arg, int thread, int n_threads)
{
    const loop_job *job = arg;
    (void)thread;
    (void)n_threads;
    job->loop.run(job->n);
}

double tb_peak_measure(const tb_kernels *kernels, tb_peak_kind kind, tb_pool *pool)
{
    loop_job job = {find_loop(kernels, kind), 1024};
    if (!job.loop.run)
        return 0;
    double best = 0;
    for (int i = 0; i < REPETITIONS;) {
        double begin = tb_now_ms();
        tb_pool_run(pool, run_loop, &job);
        double ms = tb_now_ms() - begin;
        if (ms < LOOP_MS / 2 && job.n < SIZE_MAX / 4) { /* still finding the length; the clock rises meanwhile */
            job.n *= 2;
            continue;
        }
        double rate = job.loop.ops * (double)job.n * tb_pool_threads(pool) / (ms * 1e-3);
        best = rate > best ? rate : best;
        i++;
    }
    return best;
}

#if defined(__x86_64__)
typedef struct read_job {
    const char *block;
    size_t bytes, ahead, times;
} read_job;

static void read_share(void *arg, int thread, int n_threads)
{
    const read_job *job = arg;
    size_t begin, end;
    tb_share(job->bytes, READ_BLOCK, thread, n_threads, &begin, &end);
    for (size_t i = 0; i < job->times; i++)
        tb_x86_read(job->block + begin, (end - begin) / 256 * 256, job->ahead);
}

static double read_one_way(read_job *job, tb_pool *pool)
{
    double best = 0, spent = 0;
    tb_pool_run(pool, read_share, job);
    for (int pass = 0; pass < READ_PASSES || spent < READ_MS; pass++) {
        double begin = tb_now_ms();
        tb_pool_run(pool, read_share, job);
        double ms = tb_now_ms() - begin;
        double rate = ms > 0 ? (double)job->bytes * (double)job->times / (ms * 1e-3) : 0;
        best = rate > best ? rate : best;
        spent += ms > 1e-3 ? ms : 1e-3;
    }
    return best;
}

double tb_read_measure(const void *block, size_t bytes, tb_pool *pool)
{
    static const size_t ahead[] = {0, 1024, 4096};
    enum { SMALL = 16 << 20 }; /* a pass over less is too short for the clock */
    double best = 0;
    if (!tb_x86_can_read() || bytes < 256)
        return 0;
    for (size_t i = 0; i < sizeof ahead / sizeof ahead[0]; i++) {
        read_job job = {block, bytes, ahead[i], bytes < SMALL ? SMALL / bytes : 1};
        double rate = read_one_way(&job, pool);
        best = rate > best ? rate : best;
    }
    return best;
}
#else
double tb_read_measure(const void *block, size_t bytes, tb_pool *pool)
{
    (void)block;
    (void)bytes;
    (void)pool;
    return 0;
}
#endif
