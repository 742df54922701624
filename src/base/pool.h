/* The thread pool of a context: bounded spin, then futex; work is split by index, so that results never depend on it.
 * Includes: base/mem.h. Called by: model, quant, data. */
#ifndef TB_BASE_POOL_H
#define TB_BASE_POOL_H

#include "base/mem.h"

typedef struct tb_pool tb_pool;

/* One share of the work: `thread` is 0..n_threads-1, and each is called once per tb_pool_run, by whichever thread is
 * free; scratch memory of share i is used by no other share at the same time. */
typedef void (*tb_pool_fn)(void *arg, int thread, int n_threads);

int tb_cpu_count(void); /* what cgroup quota and affinity allow, at least 1 */
timbang_status tb_pool_create(int n_threads, tb_pool **pool, tb_error *err); /* 0: tb_cpu_count() */
void tb_pool_free(tb_pool *pool);
int tb_pool_threads(const tb_pool *pool);
/* Runs all shares and returns when they are done; the caller takes part. NULL pool: one share. */
void tb_pool_run(tb_pool *pool, tb_pool_fn fn, void *arg);

/* The half-open share of [0, n) of one thread, in multiples of grain. */
static inline void tb_share(size_t n, size_t grain, int thread, int n_threads, size_t *begin, size_t *end)
{
    size_t blocks = (n + grain - 1) / grain;
    size_t b = blocks * (size_t)thread / (size_t)n_threads * grain;
    size_t e = blocks * ((size_t)thread + 1) / (size_t)n_threads * grain;
    *begin = b < n ? b : n;
    *end = e < n ? e : n;
}

#endif
