/* The values that a pickle is read into: a bounded heap of small nodes in one arena.
 * Includes: formats/unpickle.h. Called by: formats/unpickle*.c, formats/torch_*.c. */
#include "formats/unpickle.h"

#include <string.h>

enum { SLAB_VALUES = 256 };

timbang_status tb_pickle_heap_init(tb_pickle_heap *heap, const char *file, tb_error *err)
{
    *heap = (tb_pickle_heap){.file = file};
    return tb_arena_create(1 << 16, &heap->arena, err);
}

void tb_pickle_heap_free(tb_pickle_heap *heap)
{
    tb_arena_free(heap->arena);
    *heap = (tb_pickle_heap){0};
}

static timbang_status count_values(tb_pickle_heap *heap, size_t n, tb_error *err)
{
    if (n > TB_PICKLE_MAX_VALUES - heap->values)
        return tb_fail(err, TIMBANG_FORMAT, "%s: the pickle holds more than %d values", heap->file,
                       TB_PICKLE_MAX_VALUES);
    heap->values += n;
    return TIMBANG_OK;
}

tb_value *tb_value_new(tb_pickle_heap *heap, tb_value_kind kind, tb_error *err)
{
    if (count_values(heap, 1, err) != TIMBANG_OK)
        return NULL;
    if (heap->slab_left == 0) {
        heap->slab = tb_arena_alloc(heap->arena, SLAB_VALUES, sizeof *heap->slab, err);
        if (!heap->slab)
            return NULL;
        heap->slab_left = SLAB_VALUES;
    }
    tb_value *value = &heap->slab[SLAB_VALUES - heap->slab_left--];
    value->kind = kind;
    return value;
}

tb_value *tb_value_sequence(tb_pickle_heap *heap, tb_value_kind kind, tb_value *const *items, size_t count,
                            tb_error *err)
{
    if (count_values(heap, count, err) != TIMBANG_OK)
        return NULL;
    tb_value *value = tb_value_new(heap, kind, err);
    if (!value || count == 0)
        return value;
    value->as.items = tb_arena_alloc(heap->arena, count, sizeof *items, err);
    if (!value->as.items)
        return NULL;
    memcpy(value->as.items, items, count * sizeof *items);
    value->count = value->capacity = (uint32_t)count; /* the limit on values fits */
    return value;
}

timbang_status tb_value_append(tb_pickle_heap *heap, tb_value *container, tb_value *item, tb_error *err)
{
    TB_TRY(count_values(heap, 1, err));
    if (container->count == container->capacity) {
        uint32_t capacity = container->capacity ? container->capacity * 2 : 8;
        tb_value **items = tb_arena_alloc(heap->arena, capacity, sizeof *items, err);
        if (!items)
            return err->status;
        if (container->count)
            memcpy(items, container->as.items, container->count * sizeof *items);
        container->as.items = items;
        container->capacity = capacity;
    }
    container->as.items[container->count++] = item;
    return TIMBANG_OK;
}

bool tb_value_is_text(const tb_value *value, const char *text)
{
    return value->kind == TB_VALUE_STRING && value->count == strlen(text) &&
           memcmp(value->as.text, text, value->count) == 0;
}
