/* Memory: checked blocks and arenas. Includes: base/mem.h. Called by: everything that allocates. */
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 2 << 20, SYSTEM_PAGE = 65536 }; /* the largest page of a supported system: 64 KiB on ARM */

/* Under the address sanitizer large blocks stand alone, so that it sees the first byte behind each. */
#if defined(__SANITIZE_ADDRESS__)
enum { BLOCKS_ALONE = 1 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
enum { BLOCKS_ALONE = 1 };
#else
enum { BLOCKS_ALONE = 0 };
#endif
#else
enum { BLOCKS_ALONE = 0 };
#endif

void *tb_calloc(size_t count, size_t size, tb_error *err)
{
    size_t bytes;
    if (!tb_mul_size(count, size, &bytes)) {
        tb_no_memory(err, SIZE_MAX);
        return NULL;
    }
    void *block = calloc(bytes ? bytes : 1, 1);
    if (!block)
        tb_no_memory(err, bytes);
    return block;
}

void *tb_alloc_aligned(size_t count, size_t size, tb_error *err)
{
    size_t bytes, padded;
    if (!tb_mul_size(count, size, &bytes) || !tb_add_size(bytes, TB_ALIGN, &padded)) {
        tb_no_memory(err, SIZE_MAX);
        return NULL;
    }
    padded = bytes ? tb_round_up(bytes, TB_ALIGN) : TB_ALIGN;
    void *block = aligned_alloc(TB_ALIGN, padded);
    if (!block) {
        tb_no_memory(err, bytes);
        return NULL;
    }
    memset(block, 0, padded);
    return block;
}

void tb_free_aligned(void *block)
{
    free(block);
}

/* The system maps multiples of its own page; a place on a huge page's border is cut out of a larger mapping. */
void *tb_alloc_pages(size_t bytes, tb_error *err)
{
    if (BLOCKS_ALONE)
        return tb_alloc_aligned(bytes, 1, err);
    size_t size, with_slack;
    if (!tb_add_size(bytes ? bytes : 1, HUGE_PAGE, &with_slack) || with_slack > SIZE_MAX / 2) {
        tb_no_memory(err, bytes);
        return NULL;
    }
    size = tb_round_up(bytes ? bytes : 1, SYSTEM_PAGE);
    with_slack = size + HUGE_PAGE;
    char *mapped = mmap(NULL, with_slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) {
        tb_no_memory(err, bytes);
        return NULL;
    }
    size_t before = (HUGE_PAGE - (uintptr_t)mapped % HUGE_PAGE) % HUGE_PAGE;
    if (before)
        munmap(mapped, before);
    munmap(mapped + before + size, HUGE_PAGE - before);
    madvise(mapped + before, size, MADV_HUGEPAGE); /* a wish: without it the pages are small ones */
    return mapped + before;
}

void tb_free_pages(void *block, size_t bytes)
{
    if (BLOCKS_ALONE)
        tb_free_aligned(block);
    else if (block)
        munmap(block, tb_round_up(bytes ? bytes : 1, SYSTEM_PAGE));
}

timbang_status tb_grow(void **block, size_t count, size_t size, tb_error *err)
{
    size_t bytes;
    if (!tb_mul_size(count, size, &bytes))
        return tb_no_memory(err, SIZE_MAX);
    void *grown = realloc(*block, bytes ? bytes : 1);
    if (!grown)
        return tb_no_memory(err, bytes);
    *block = grown;
    return TIMBANG_OK;
}

char *tb_strndup(const char *text, size_t length, tb_error *err)
{
    size_t bytes;
    if (!tb_add_size(length, 1, &bytes)) {
        tb_no_memory(err, SIZE_MAX);
        return NULL;
    }
    char *copy = tb_calloc(bytes, 1, err);
    if (copy && length)
        memcpy(copy, text, length);
    return copy;
}

char *tb_strdup(const char *text, tb_error *err)
{
    return tb_strndup(text, strlen(text), err);
}

/* Chunks form a list, newest first; a request larger than a chunk gets one of its own. */
struct arena_chunk {
    struct arena_chunk *next;
    char *bytes;
    size_t used, size;
};

struct tb_arena {
    struct arena_chunk *chunks;
    size_t chunk_bytes;
    uint64_t total;
};

timbang_status tb_arena_create(size_t chunk_bytes, tb_arena **arena, tb_error *err)
{
    tb_arena *made = tb_calloc(1, sizeof *made, err);
    if (!made)
        return err->status;
    made->chunk_bytes = tb_round_up(chunk_bytes ? chunk_bytes : 65536, TB_ALIGN);
    *arena = made;
    return TIMBANG_OK;
}

static bool is_pages(const struct arena_chunk *chunk)
{
    return chunk->size >= HUGE_PAGE;
}

static void chunk_release(struct arena_chunk *chunk)
{
    if (is_pages(chunk))
        tb_free_pages(chunk->bytes, chunk->size);
    else
        tb_free_aligned(chunk->bytes);
    free(chunk);
}

void tb_arena_free(tb_arena *arena)
{
    if (!arena)
        return;
    for (struct arena_chunk *chunk = arena->chunks, *next; chunk; chunk = next) {
        next = chunk->next;
        chunk_release(chunk);
    }
    free(arena);
}

static void *arena_take(tb_arena *arena, size_t bytes, size_t align, tb_error *err)
{
    struct arena_chunk *chunk = arena->chunks;
    if (chunk) {
        size_t at = tb_round_up(chunk->used, align);
        if (at <= chunk->size && bytes <= chunk->size - at) {
            chunk->used = at + bytes;
            return chunk->bytes + at;
        }
    }
    bool alone = bytes > arena->chunk_bytes || (BLOCKS_ALONE && arena->chunk_bytes >= HUGE_PAGE);
    size_t size = alone ? bytes : arena->chunk_bytes;
    struct arena_chunk *fresh = tb_calloc(1, sizeof *fresh, err);
    if (!fresh)
        return NULL;
    fresh->size = size;
    fresh->bytes = is_pages(fresh) ? tb_alloc_pages(size, err) : tb_alloc_aligned(size, 1, err);
    if (!fresh->bytes) {
        free(fresh);
        return NULL;
    }
    fresh->used = bytes;
    fresh->next = arena->chunks;
    arena->chunks = fresh;
    arena->total += size;
    return fresh->bytes;
}

void *tb_arena_alloc(tb_arena *arena, size_t count, size_t size, tb_error *err)
{
    size_t bytes;
    if (!tb_mul_size(count, size, &bytes) || bytes > SIZE_MAX / 2) {
        tb_no_memory(err, SIZE_MAX);
        return NULL;
    }
    return arena_take(arena, bytes ? bytes : 1, TB_ALIGN, err);
}

char *tb_arena_strndup(tb_arena *arena, const char *text, size_t length, tb_error *err)
{
    if (length > SIZE_MAX / 2) {
        tb_no_memory(err, SIZE_MAX);
        return NULL;
    }
    char *copy = arena_take(arena, length + 1, 1, err);
    if (!copy)
        return NULL;
    if (length)
        memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

uint64_t tb_arena_bytes(const tb_arena *arena)
{
    return arena->total;
}
