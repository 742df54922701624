/* A restricted unpickler: Python's pickle format read into a small tree of values. It knows the handful of globals that
 * a state dict needs and refuses every other by its name; nothing is ever called or executed. Includes: base,
 * formats/store.h. Called by: formats/torch_*.c. */
#ifndef TB_FORMATS_UNPICKLE_H
#define TB_FORMATS_UNPICKLE_H

#include "formats/store.h"

enum {
    TB_PICKLE_MAX_BYTES = 64 << 20,
    TB_PICKLE_MAX_VALUES = 4 << 20, /* values and places in containers */
    TB_PICKLE_MAX_MEMO = 2 << 20,
    TB_PICKLE_MAX_STACK = 1 << 20,
    TB_PICKLE_MAX_MARKS = 1000,
    TB_PICKLE_MAX_LINE = 4096 /* of the text opcodes */
};

typedef enum tb_value_kind {
    TB_VALUE_NONE,
    TB_VALUE_BOOL,
    TB_VALUE_INT,
    TB_VALUE_LONG, /* beyond 64 bits: little-endian bytes, or decimal digits, in text */
    TB_VALUE_FLOAT,
    TB_VALUE_STRING,
    TB_VALUE_BYTES,
    TB_VALUE_TUPLE,
    TB_VALUE_LIST,
    TB_VALUE_DICT, /* items: key, value, key, value, ... */
    TB_VALUE_SET,
    TB_VALUE_GLOBAL,
    TB_VALUE_STORAGE,
    TB_VALUE_TENSOR
} tb_value_kind;

/* A block of numbers in the file, as a persistent id names it. */
typedef struct tb_storage {
    struct tb_storage *next;
    const char *key;
    tb_dtype dtype;
    uint64_t numel;             /* of the whole storage */
    uint64_t view_at, view_end; /* elements that this view may use: all, but in some legacy files */
    uint64_t begin;             /* place in the file, once known */
    bool placed;
} tb_storage;

typedef struct tb_torch_tensor {
    tb_storage *storage;
    uint64_t offset; /* in elements of the storage */
    uint32_t rank;
    uint64_t shape[TB_MAX_RANK], stride[TB_MAX_RANK];
} tb_torch_tensor;

typedef enum tb_global_id {
    TB_GLOBAL_ORDERED_DICT,
    TB_GLOBAL_REBUILD_TENSOR,
    TB_GLOBAL_REBUILD_PARAMETER,
    TB_GLOBAL_STORAGE
} tb_global_id;

typedef struct tb_value {
    tb_value_kind kind;
    uint32_t count, capacity; /* of items; count also the length of text */
    union {
        int64_t integer; /* also BOOL */
        double real;
        const char *text; /* zero-terminated */
        struct tb_value **items;
        struct {
            tb_global_id id;
            tb_dtype dtype; /* of TB_GLOBAL_STORAGE */
        } global;
        tb_storage *storage;
        tb_torch_tensor *tensor;
    } as;
} tb_value;

/* Where values come from while pickles of one file are read. */
typedef struct tb_pickle_heap {
    const char *file; /* for messages */
    tb_arena *arena;  /* owned */
    tb_value *slab;
    size_t slab_left;
    size_t values;        /* counted against TB_PICKLE_MAX_VALUES */
    tb_storage *storages; /* all that were named, newest first */
} tb_pickle_heap;

timbang_status tb_pickle_heap_init(tb_pickle_heap *heap, const char *file, tb_error *err);
void tb_pickle_heap_free(tb_pickle_heap *heap);
tb_value *tb_value_new(tb_pickle_heap *heap, tb_value_kind kind, tb_error *err);
/* A value whose items are copied from `items`. */
tb_value *tb_value_sequence(tb_pickle_heap *heap, tb_value_kind kind, tb_value *const *items, size_t count,
                            tb_error *err);
timbang_status tb_value_append(tb_pickle_heap *heap, tb_value *container, tb_value *item, tb_error *err);
bool tb_value_is_text(const tb_value *value, const char *text);

/* Reads one pickle from source at begin; it must end before limit. *end: the byte after it. */
timbang_status tb_unpickle(tb_pickle_heap *heap, const tb_source *source, uint64_t begin, uint64_t limit,
                           tb_value **root, uint64_t *end, tb_error *err);

/* What the globals mean (unpickle_torch.c). */
timbang_status tb_pickle_global(tb_pickle_heap *heap, const char *module, const char *name, tb_value **out,
                                tb_error *err);
timbang_status tb_pickle_reduce(tb_pickle_heap *heap, const tb_value *callable, const tb_value *args, tb_value **out,
                                tb_error *err);
timbang_status tb_pickle_persistent(tb_pickle_heap *heap, const tb_value *id, tb_value **out, tb_error *err);
/* The same from protocol 0, where the id is the tuple's repr. */
timbang_status tb_pickle_persistent_text(tb_pickle_heap *heap, const char *id, tb_value **out, tb_error *err);

/* From the root of a pickled object to the tensors of a checkpoint (torch_state.c). Finds the state dict, at the top or
 * in a usual wrapper; all its storages must be placed. source belongs to the checkpoint. */
timbang_status tb_torch_add_tensors(tb_checkpoint *checkpoint, const tb_source *source, const tb_value *root,
                                    tb_error *err);

#endif
