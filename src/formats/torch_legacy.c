/* The container of torch.save before 1.6: magic number, protocol, system info, the object, the list of storage keys -
 * five pickles in a row -, then each storage as an int64 count and its elements.
 * Includes: formats/unpickle.h. Called by: formats/checkpoint.c. */
#include "formats/unpickle.h"

#include <stdlib.h>
#include <string.h>

enum { PROTOCOL_VERSION = 1001 };

struct legacy {
    tb_pickle_heap heap;
    const tb_source *source;
    uint64_t at;
};

static timbang_status next_pickle(struct legacy *legacy, tb_value **value, tb_error *err)
{
    return tb_unpickle(&legacy->heap, legacy->source, legacy->at, UINT64_MAX, value, &legacy->at, err);
}

static bool is_magic(const tb_value *value)
{
    static const char binary[] = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"; /* 0x1950a86a20f9469cfc6c */
    static const char decimal[] = "119547037146038801333356";
    if (value->kind != TB_VALUE_LONG)
        return false;
    return (value->count == 10 && memcmp(value->as.text, binary, 10) == 0) ||
           (value->count == 24 && memcmp(value->as.text, decimal, 24) == 0);
}

static timbang_status read_preamble(struct legacy *legacy, tb_error *err)
{
    const char *file = legacy->heap.file;
    tb_value *magic = NULL, *protocol = NULL, *system = NULL;
    TB_TRY(next_pickle(legacy, &magic, err));
    if (!is_magic(magic))
        return tb_fail(err, TIMBANG_UNSUPPORTED,
                       "%s: is a plain pickle, not a PyTorch checkpoint; save it with torch.save or save_pretrained",
                       file);
    TB_TRY(next_pickle(legacy, &protocol, err));
    if (protocol->kind != TB_VALUE_INT || protocol->as.integer != PROTOCOL_VERSION)
        return tb_fail(err, TIMBANG_FORMAT, "%s: its protocol is not %d, the only one of legacy PyTorch files", file,
                       PROTOCOL_VERSION);
    TB_TRY(next_pickle(legacy, &system, err));
    if (system->kind != TB_VALUE_DICT)
        return tb_fail(err, TIMBANG_FORMAT, "%s: its system information is no dict", file);
    for (uint32_t i = 0; i + 1 < system->count; i += 2)
        if (tb_value_is_text(system->as.items[i], "little_endian") &&
            !(system->as.items[i + 1]->kind == TB_VALUE_BOOL && system->as.items[i + 1]->as.integer))
            return tb_fail(err, TIMBANG_UNSUPPORTED,
                           "%s: was written on a big-endian machine; save it again on a little-endian one", file);
    return TIMBANG_OK;
}

static int compare_keys(const void *a, const void *b)
{
    const tb_storage *const *x = a, *const *y = b;
    return strcmp((*x)->key, (*y)->key);
}

/* First of the storages (sorted by key) with this key, or n. */
static size_t find_key(tb_storage *const *storages, size_t n, const char *key)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(storages[middle]->key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && strcmp(storages[low]->key, key) == 0 ? low : n;
}

/* The storage of one key stands at legacy->at: places all that share it, and steps over it. */
static timbang_status place_one(struct legacy *legacy, tb_storage *const *storages, size_t n, const char *key,
                                tb_error *err)
{
    const char *file = legacy->heap.file;
    size_t first = find_key(storages, n, key);
    if (first == n)
        return tb_fail(err, TIMBANG_FORMAT, "%s: storage %s is listed, but no tensor names it", file, key);
    if (storages[first]->placed)
        return tb_fail(err, TIMBANG_FORMAT, "%s: storage %s is listed twice", file, key);
    unsigned char raw[8];
    uint64_t count = 0, bytes, end, data = legacy->at + sizeof raw;
    TB_TRY(tb_source_read(legacy->source, legacy->at, raw, sizeof raw, err));
    for (int i = 7; i >= 0; i--)
        count = count << 8 | raw[i];
    for (size_t i = first; i < n && strcmp(storages[i]->key, key) == 0; i++) {
        tb_storage *storage = storages[i];
        if (storage->dtype != storages[first]->dtype || storage->numel != count)
            return tb_fail(err, TIMBANG_FORMAT, "%s: storage %s has %llu elements of %s; its tensors expect %llu of %s",
                           file, key, (unsigned long long)count, tb_dtype_name(storages[first]->dtype),
                           (unsigned long long)storage->numel, tb_dtype_name(storage->dtype));
        storage->begin = data;
        storage->placed = true;
    }
    if (!tb_mul_u64(count, tb_dtype_bytes(storages[first]->dtype), &bytes) || !tb_add_u64(data, bytes, &end) ||
        end > tb_source_size(legacy->source))
        return tb_fail(err, TIMBANG_FORMAT, "%s: is truncated: storage %s of %llu elements reaches past the end", file,
                       key, (unsigned long long)count);
    legacy->at = end;
    return TIMBANG_OK;
}

static timbang_status place_storages(struct legacy *legacy, const tb_value *keys, tb_error *err)
{
    size_t n = 0;
    if (keys->kind != TB_VALUE_LIST)
        return tb_fail(err, TIMBANG_FORMAT, "%s: the list of storages is no list", legacy->heap.file);
    for (const tb_storage *storage = legacy->heap.storages; storage; storage = storage->next)
        n++;
    tb_storage **sorted = tb_calloc(n, sizeof *sorted, err);
    if (!sorted)
        return err->status;
    size_t i = 0;
    for (tb_storage *storage = legacy->heap.storages; storage; storage = storage->next)
        sorted[i++] = storage;
    if (n)
        qsort(sorted, n, sizeof *sorted, compare_keys);
    timbang_status status = TIMBANG_OK;
    for (uint32_t k = 0; k < keys->count && status == TIMBANG_OK; k++) {
        const tb_value *key = keys->as.items[k];
        status = key->kind == TB_VALUE_STRING
                     ? place_one(legacy, sorted, n, key->as.text, err)
                     : tb_fail(err, TIMBANG_FORMAT, "%s: a storage key is no string", legacy->heap.file);
    }
    for (i = 0; i < n && status == TIMBANG_OK; i++)
        if (!sorted[i]->placed)
            status = tb_fail(err, TIMBANG_FORMAT, "%s: storage %s is missing in the list of storages",
                             legacy->heap.file, sorted[i]->key);
    free(sorted);
    return status;
}

static timbang_status read_legacy(struct legacy *legacy, tb_checkpoint *checkpoint, tb_error *err)
{
    tb_value *root = NULL, *keys = NULL;
    TB_TRY(read_preamble(legacy, err));
    TB_TRY(next_pickle(legacy, &root, err));
    TB_TRY(next_pickle(legacy, &keys, err));
    TB_TRY(place_storages(legacy, keys, err));
    return tb_torch_add_tensors(checkpoint, legacy->source, root, err);
}

timbang_status tb_torch_legacy_open(tb_source *source, tb_checkpoint **checkpoint, tb_error *err)
{
    tb_checkpoint *made = NULL;
    if (tb_store_new(tb_source_name(source), "torch-legacy", &made, err) != TIMBANG_OK) {
        tb_source_close(source);
        return err->status;
    }
    struct legacy legacy = {.source = source};
    timbang_status status = tb_store_add_source(made, source, err);
    if (status == TIMBANG_OK)
        status = tb_pickle_heap_init(&legacy.heap, made->name, err);
    if (status == TIMBANG_OK)
        status = read_legacy(&legacy, made, err);
    if (status == TIMBANG_OK)
        status = tb_store_seal(made, err);
    tb_pickle_heap_free(&legacy.heap);
    if (status != TIMBANG_OK) {
        tb_checkpoint_close(made);
        return status;
    }
    *checkpoint = made;
    return TIMBANG_OK;
}
