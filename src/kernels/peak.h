/* What this machine could do at best: arithmetic of short loops that touch registers only, and plain reading.
 * Includes: kernels.h, base/pool.h. Called by: study/bench, bench/. Nothing that computes results asks for it. */
#ifndef TB_KERNELS_PEAK_H
#define TB_KERNELS_PEAK_H

#include "base/pool.h"
#include "kernels/kernels.h"

typedef enum tb_peak_kind { TB_PEAK_F32, TB_PEAK_BF16, TB_PEAK_S8, TB_PEAK_KINDS } tb_peak_kind;

/* Operations a second of all threads of the pool together (a multiplication and its addition are two), with the
 * instruction that the level's product uses: the best of several runs of about 2 ms. 0: not known for this level. Some
 * 30 ms. */
double tb_peak_measure(const tb_kernels *kernels, tb_peak_kind kind, tb_pool *pool);

/* Bytes a second that all threads of the pool read together from a block, each its share from front to back, again and
 * again: the best of several passes with and without prefetching. What fits a cache is read from there, as packed
 * weights of that size would be. block: 64-byte aligned and written before (pages that were never written are all one
 * page of zeros). 0: not known for this architecture. */
double tb_read_measure(const void *block, size_t bytes, tb_pool *pool);

/* A loop of an architecture: run(n) does n times `ops` operations. */
typedef struct tb_peak_loop {
    void (*run)(size_t n);
    double ops;
} tb_peak_loop;

#if defined(__x86_64__)
/* run is NULL where the level has no such instruction. */
tb_peak_loop tb_x86_peak_loop(const char *level, tb_peak_kind kind);
/* Reads `bytes` (a multiple of 256) with AVX loads, prefetching so many bytes ahead (0: not at all). */
void tb_x86_read(const void *block, size_t bytes, size_t ahead);
/* Whether tb_x86_read runs here. */
bool tb_x86_can_read(void);
#endif

#endif
