/* The thread pool: bounded spin, then futex. The shares of a run are claimed, not assigned: a thread that the system
 * has put aside holds nobody up, because the caller takes the shares that no worker has begun. Includes: base/pool.h,
 * base/fp.h. Called by: model, quant, api. */
#include "base/pool.h"

#include "base/fp.h"
#include "base/text.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SPINS = 4000 };

struct worker {
    struct tb_pool *pool;
    pthread_t thread;
};

struct tb_pool {
    int n_threads;
    struct worker *workers; /* [n_threads - 1]; the caller is thread 0 */
    tb_pool_fn fn;
    void *arg;
    _Atomic uint64_t next;       /* generation << 32 | first share of it that nobody has claimed */
    _Atomic uint32_t generation; /* changes when there is work; futex */
    _Atomic uint32_t sleepers;   /* workers in a futex wait on generation */
    _Atomic uint32_t pending;    /* shares not finished; futex */
    _Atomic uint32_t caller_sleeps;
    _Atomic bool stop;
};

static void futex_wait(_Atomic uint32_t *word, uint32_t expected)
{
    syscall(SYS_futex, (void *)word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word, int n)
{
    syscall(SYS_futex, (void *)word, FUTEX_WAKE_PRIVATE, n, NULL, NULL, 0);
}

static void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Claims one share of the run at hand. fn and arg are that run's: it cannot end before the share is finished. */
static bool claim(tb_pool *pool, int *share)
{
    uint64_t next = atomic_load(&pool->next);
    do {
        if ((uint32_t)next >= (uint32_t)pool->n_threads)
            return false;
    } while (!atomic_compare_exchange_weak(&pool->next, &next, next + 1));
    *share = (int)(uint32_t)next;
    return true;
}

static void finish_share(tb_pool *pool)
{
    if (atomic_fetch_sub(&pool->pending, 1) == 1 && atomic_load(&pool->caller_sleeps))
        futex_wake(&pool->pending, 1);
}

static void *worker_main(void *arg)
{
    struct worker *self = arg;
    tb_pool *pool = self->pool;
    tb_fp_enter();
    uint32_t seen = 0;
    for (;;) {
        int spins = 0;
        while (atomic_load_explicit(&pool->generation, memory_order_acquire) == seen) {
            if (spins++ < SPINS) {
                relax();
                continue;
            }
            atomic_fetch_add(&pool->sleepers, 1);
            if (atomic_load(&pool->generation) == seen)
                futex_wait(&pool->generation, seen);
            atomic_fetch_sub(&pool->sleepers, 1);
        }
        seen = atomic_load(&pool->generation);
        if (atomic_load(&pool->stop))
            return NULL;
        for (int share; claim(pool, &share);) {
            pool->fn(pool->arg, share, pool->n_threads);
            finish_share(pool);
        }
    }
}

static void start_generation(tb_pool *pool)
{
    atomic_fetch_add(&pool->generation, 1);
    if (atomic_load(&pool->sleepers))
        futex_wake(&pool->generation, INT_MAX);
}

void tb_pool_run(tb_pool *pool, tb_pool_fn fn, void *arg)
{
    if (!pool || pool->n_threads == 1) {
        fn(arg, 0, 1);
        return;
    }
    pool->fn = fn;
    pool->arg = arg;
    atomic_store(&pool->pending, (uint32_t)pool->n_threads);
    uint64_t generation = (atomic_load(&pool->next) >> 32) + 1;
    atomic_store(&pool->next, generation << 32 | 1); /* share 0 is the caller's */
    start_generation(pool);
    int share = 0;
    do {
        fn(arg, share, pool->n_threads);
        finish_share(pool);
    } while (claim(pool, &share));
    uint32_t left;
    int spins = 0;
    while ((left = atomic_load_explicit(&pool->pending, memory_order_acquire)) != 0) {
        if (spins++ < SPINS) {
            relax();
            continue;
        }
        atomic_store(&pool->caller_sleeps, 1);
        left = atomic_load(&pool->pending);
        if (left)
            futex_wait(&pool->pending, left);
        atomic_store(&pool->caller_sleeps, 0);
    }
}

/* Quotas of one cgroup folder in whole CPUs, rounded up; 0: none. */
static int quota_of(const char *folder)
{
    char path[4400], line[128];
    long long quota = -1, period = 0;
    snprintf(path, sizeof path, "%s/cpu.max", folder);
    FILE *file = fopen(path, "r");
    if (file) {
        if (fgets(line, sizeof line, file) && sscanf(line, "%lld %lld", &quota, &period) != 2)
            quota = -1;
        fclose(file);
    } else {
        snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", folder);
        file = fopen(path, "r");
        if (!file)
            return 0;
        if (!fgets(line, sizeof line, file) || sscanf(line, "%lld", &quota) != 1)
            quota = -1;
        fclose(file);
        snprintf(path, sizeof path, "%s/cpu.cfs_period_us", folder);
        file = fopen(path, "r");
        if (!file)
            return 0;
        if (!fgets(line, sizeof line, file) || sscanf(line, "%lld", &period) != 1)
            period = 0;
        fclose(file);
    }
    if (quota <= 0 || period <= 0)
        return 0;
    long long cpus = (quota + period - 1) / period;
    return cpus < 1 ? 1 : cpus > 1024 ? 1024 : (int)cpus;
}

/* The least quota along the process's cgroup path and its ancestors, v2 and v1. */
static int cgroup_cpus(void)
{
    FILE *file = fopen("/proc/self/cgroup", "r");
    if (!file)
        return 0;
    int least = 0;
    char line[2048];
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':');
        char *path = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!path)
            continue;
        *path++ = '\0';
        controllers++;
        bool v2 = controllers[0] == '\0';
        if (!v2 && !strstr(controllers, "cpu"))
            continue;
        for (;;) {
            char folder[4300];
            snprintf(folder, sizeof folder, "/sys/fs/cgroup%s%s", v2 ? "" : "/cpu", path);
            int cpus = quota_of(folder);
            if (cpus && (!least || cpus < least))
                least = cpus;
            char *slash = strrchr(path, '/');
            if (!slash)
                break;
            *slash = '\0';
        }
    }
    fclose(file);
    return least;
}

int tb_cpu_count(void)
{
    int count = 1;
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        count = CPU_COUNT(&set);
    else {
        long online = sysconf(_SC_NPROCESSORS_ONLN);
        count = online > 0 && online < 1024 ? (int)online : 1;
    }
    int quota = cgroup_cpus();
    if (quota && quota < count)
        count = quota;
    return count < 1 ? 1 : count;
}

timbang_status tb_pool_create(int n_threads, tb_pool **pool, tb_error *err)
{
    if (n_threads < 0 || n_threads > 1024)
        return tb_fail(err, TIMBANG_USAGE, "%d threads were asked for; 0 (automatic) to 1024 are possible", n_threads);
    if (n_threads == 0)
        n_threads = tb_cpu_count();
    tb_pool *made = tb_alloc_aligned(1, sizeof *made, err);
    if (!made)
        return err->status;
    made->workers = tb_calloc((size_t)n_threads, sizeof *made->workers, err);
    if (!made->workers) {
        tb_free_aligned(made);
        return err->status;
    }
    made->n_threads = 1;
    int n = n_threads;
    for (int i = 1; i < n; i++) {
        struct worker *worker = &made->workers[i - 1];
        worker->pool = made;
        int failed = pthread_create(&worker->thread, NULL, worker_main, worker);
        if (failed) {
            tb_fail(err, TIMBANG_NO_MEMORY, "thread %d of %d could not be started: %s", i + 1, n, strerror(failed));
            made->n_threads = i;
            tb_pool_free(made);
            return err->status;
        }
    }
    made->n_threads = n;
    *pool = made;
    return TIMBANG_OK;
}

void tb_pool_free(tb_pool *pool)
{
    if (!pool)
        return;
    atomic_store(&pool->stop, true);
    start_generation(pool);
    for (int i = 1; i < pool->n_threads; i++)
        pthread_join(pool->workers[i - 1].thread, NULL);
    free(pool->workers);
    tb_free_aligned(pool);
}

int tb_pool_threads(const tb_pool *pool)
{
    return pool ? pool->n_threads : 1;
}
