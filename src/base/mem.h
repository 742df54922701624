/* Memory: checked sizes, plain and aligned blocks, arenas.
 * Includes: base/status.h. Called by: everything that allocates. Nothing in a forward pass allocates. */
#ifndef TB_BASE_MEM_H
#define TB_BASE_MEM_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TB_ALIGN 64

/* Checked arithmetic on sizes that come from files: false when the result does not fit. */
static inline bool tb_mul_size(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}
static inline bool tb_add_size(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}
static inline bool tb_mul_u64(uint64_t a, uint64_t b, uint64_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}
static inline bool tb_add_u64(uint64_t a, uint64_t b, uint64_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}
static inline size_t tb_round_up(size_t n, size_t multiple)
{
    return (n + multiple - 1) / multiple * multiple;
}

/* Zeroed block of count * size bytes; a NULL result has been reported in err. Zero bytes give a valid block. */
void *tb_calloc(size_t count, size_t size, tb_error *err);
/* 64-byte aligned and zeroed; release with tb_free_aligned. */
void *tb_alloc_aligned(size_t count, size_t size, tb_error *err);
void tb_free_aligned(void *block);
/* What is large and lives long, straight from the system: zeroed, not resident before it is touched, 2 MiB aligned and
 * on huge pages where the system gives them. Release with tb_free_pages and the same size. */
void *tb_alloc_pages(size_t bytes, tb_error *err);
void tb_free_pages(void *block, size_t bytes);
/* Grows *block (allocated by tb_calloc or NULL) to count * size bytes; on failure *block is unchanged. */
timbang_status tb_grow(void **block, size_t count, size_t size, tb_error *err);
char *tb_strdup(const char *text, tb_error *err);
char *tb_strndup(const char *text, size_t length, tb_error *err);

/* An arena: allocations that die together. Blocks are zeroed and 64-byte aligned when asked for. Chunks of 2 MiB and
 * more are pages of tb_alloc_pages. */
typedef struct tb_arena tb_arena;
timbang_status tb_arena_create(size_t chunk_bytes, tb_arena **arena, tb_error *err);
void tb_arena_free(tb_arena *arena);
void *tb_arena_alloc(tb_arena *arena, size_t count, size_t size, tb_error *err);         /* 64-byte aligned */
char *tb_arena_strndup(tb_arena *arena, const char *text, size_t length, tb_error *err); /* unaligned, compact */
uint64_t tb_arena_bytes(const tb_arena *arena); /* bytes taken from the system */

#endif
