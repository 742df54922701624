/* What PyTorch's pickles may name, and what it means here: ordered dicts, storages, tensors, parameters. Everything
 * else is refused by its name. (torch/_utils.py: _rebuild_tensor_v2, _rebuild_parameter; torch/serialization.py: ids.)
 * Includes: formats/unpickle.h. Called by: formats/unpickle.c. */
#include "formats/unpickle.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* ---- Globals ---- */

static const struct {
    const char *name;
    tb_dtype dtype;
} storages[] = {
    {"FloatStorage", TB_F32}, {"HalfStorage", TB_F16},  {"BFloat16Storage", TB_BF16}, {"DoubleStorage", TB_F64},
    {"LongStorage", TB_I64},  {"IntStorage", TB_I32},   {"ShortStorage", TB_I16},     {"CharStorage", TB_I8},
    {"ByteStorage", TB_U8},   {"BoolStorage", TB_BOOL}, {"UntypedStorage", TB_U8},
};

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* Names that only pickles of PyTorch's own quantization hold. */
static bool is_torch_quantized(const char *module, const char *name)
{
    static const char *const names[] = {"per_tensor_affine",
                                        "per_channel_affine",
                                        "per_channel_affine_float_qparams",
                                        "per_tensor_symmetric",
                                        "per_channel_symmetric",
                                        "qint8",
                                        "quint8",
                                        "qint32",
                                        "quint4x2",
                                        "quint2x4",
                                        "QInt8Storage",
                                        "QUInt8Storage",
                                        "QInt32Storage",
                                        "QUInt4x2Storage",
                                        "QUInt2x4Storage"};
    static const char *const modules[] = {"torch.ao.quantization",           "torch.quantization",
                                          "torch.ao.nn.quantized",           "torch.nn.quantized",
                                          "torch.ao.nn.intrinsic.quantized", "torch.nn.intrinsic.quantized"};
    for (size_t i = 0; i < sizeof modules / sizeof modules[0]; i++)
        if (starts(module, modules[i]))
            return true;
    if (strcmp(module, "torch._utils") == 0)
        return strcmp(name, "_rebuild_qtensor") == 0;
    if (strcmp(module, "torch") != 0 && strcmp(module, "torch.storage") != 0)
        return false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static timbang_status refuse_global(const tb_pickle_heap *heap, const char *module, const char *name, tb_error *err)
{
    char shown_module[TB_SHOWN], shown_name[TB_SHOWN], both[2 * TB_SHOWN];
    tb_shown(module, strlen(module), shown_module);
    tb_shown(name, strlen(name), shown_name);
    if (is_torch_quantized(module, name)) {
        size_t n = strlen(shown_module);
        memcpy(both, shown_module, n);
        both[n] = '.';
        memcpy(both + n + 1, shown_name, strlen(shown_name) + 1);
        return tb_fail_torch_quantized(err, heap->file, both);
    }
    return tb_fail(err, TIMBANG_UNSUPPORTED,
                   "%s: the pickle asks for %s.%s, which a state dict does not need; nothing was executed. Save the "
                   "weights alone: torch.save(model.state_dict(), ...) or model.save_pretrained(...)",
                   heap->file, shown_module, shown_name);
}

static bool find_global(const char *module, const char *name, tb_global_id *id, tb_dtype *dtype)
{
    if (strcmp(module, "collections") == 0 && strcmp(name, "OrderedDict") == 0) {
        *id = TB_GLOBAL_ORDERED_DICT;
        return true;
    }
    if (strcmp(module, "torch._utils") == 0) {
        *id = strcmp(name, "_rebuild_tensor_v2") == 0 ? TB_GLOBAL_REBUILD_TENSOR : TB_GLOBAL_REBUILD_PARAMETER;
        return *id == TB_GLOBAL_REBUILD_TENSOR || strcmp(name, "_rebuild_parameter") == 0;
    }
    if (strcmp(module, "torch") != 0 && strcmp(module, "torch.storage") != 0)
        return false;
    for (size_t i = 0; i < sizeof storages / sizeof storages[0]; i++)
        if (strcmp(name, storages[i].name) == 0) {
            *id = TB_GLOBAL_STORAGE;
            *dtype = storages[i].dtype;
            return true;
        }
    return false;
}

timbang_status tb_pickle_global(tb_pickle_heap *heap, const char *module, const char *name, tb_value **out,
                                tb_error *err)
{
    tb_global_id id;
    tb_dtype dtype = TB_U8;
    if (!find_global(module, name, &id, &dtype))
        return refuse_global(heap, module, name, err);
    tb_value *made = tb_value_new(heap, TB_VALUE_GLOBAL, err);
    if (!made)
        return err->status;
    made->as.global.id = id;
    made->as.global.dtype = dtype;
    *out = made;
    return TIMBANG_OK;
}

/* ---- Calls ---- */

static timbang_status bad_call(const tb_pickle_heap *heap, const char *what, tb_error *err)
{
    return tb_fail(err, TIMBANG_FORMAT, "%s: the pickle is malformed: %s", heap->file, what);
}

/* OrderedDict(), or OrderedDict([[key, value], ...]) as Python 2 pickled it. */
static timbang_status make_ordered_dict(tb_pickle_heap *heap, const tb_value *args, tb_value **out, tb_error *err)
{
    tb_value *dict = tb_value_new(heap, TB_VALUE_DICT, err);
    if (!dict)
        return err->status;
    const tb_value *pairs = args->count == 1 ? args->as.items[0] : NULL;
    if (args->count > 1 || (pairs && pairs->kind != TB_VALUE_LIST && pairs->kind != TB_VALUE_TUPLE))
        return bad_call(heap, "an OrderedDict is made from something that is no list of pairs", err);
    for (uint32_t i = 0; pairs && i < pairs->count; i++) {
        const tb_value *pair = pairs->as.items[i];
        if ((pair->kind != TB_VALUE_LIST && pair->kind != TB_VALUE_TUPLE) || pair->count != 2)
            return bad_call(heap, "an OrderedDict is made from something that is no list of pairs", err);
        TB_TRY(tb_value_append(heap, dict, pair->as.items[0], err));
        TB_TRY(tb_value_append(heap, dict, pair->as.items[1], err));
    }
    *out = dict;
    return TIMBANG_OK;
}

static bool read_dims(const tb_value *value, uint64_t dims[TB_MAX_RANK])
{
    for (uint32_t i = 0; i < value->count; i++) {
        const tb_value *item = value->as.items[i];
        if (item->kind != TB_VALUE_INT || item->as.integer < 0)
            return false;
        dims[i] = (uint64_t)item->as.integer;
    }
    return true;
}

/* _rebuild_tensor_v2(storage, storage_offset, size, stride, requires_grad, backward_hooks[, metadata]) */
static timbang_status make_tensor(tb_pickle_heap *heap, const tb_value *args, tb_value **out, tb_error *err)
{
    tb_value *const *arg = args->as.items;
    if (args->count < 4 || args->count > 7 || arg[0]->kind != TB_VALUE_STORAGE || arg[1]->kind != TB_VALUE_INT ||
        arg[1]->as.integer < 0 || arg[2]->kind != TB_VALUE_TUPLE || arg[3]->kind != TB_VALUE_TUPLE ||
        arg[2]->count != arg[3]->count)
        return bad_call(heap, "a tensor is not made from (storage, offset, size, stride, ...)", err);
    if (arg[2]->count > TB_MAX_RANK)
        return tb_fail(err, TIMBANG_FORMAT, "%s: a tensor has %u dimensions; at most %d are read", heap->file,
                       (unsigned)arg[2]->count, TB_MAX_RANK);
    tb_torch_tensor *tensor = tb_arena_alloc(heap->arena, 1, sizeof *tensor, err);
    tb_value *made = tensor ? tb_value_new(heap, TB_VALUE_TENSOR, err) : NULL;
    if (!made)
        return err->status;
    tensor->storage = arg[0]->as.storage;
    tensor->offset = (uint64_t)arg[1]->as.integer;
    tensor->rank = arg[2]->count;
    if (!read_dims(arg[2], tensor->shape) || !read_dims(arg[3], tensor->stride))
        return bad_call(heap, "sizes and strides of a tensor must be integers from 0", err);
    made->as.tensor = tensor;
    *out = made;
    return TIMBANG_OK;
}

timbang_status tb_pickle_reduce(tb_pickle_heap *heap, const tb_value *callable, const tb_value *args, tb_value **out,
                                tb_error *err)
{
    switch (callable->as.global.id) {
    case TB_GLOBAL_ORDERED_DICT:
        return make_ordered_dict(heap, args, out, err);
    case TB_GLOBAL_REBUILD_TENSOR:
        return make_tensor(heap, args, out, err);
    case TB_GLOBAL_REBUILD_PARAMETER: /* (tensor, requires_grad, backward_hooks) */
        if (args->count != 3 || args->as.items[0]->kind != TB_VALUE_TENSOR)
            return bad_call(heap, "a parameter is not made from a tensor", err);
        *out = args->as.items[0];
        return TIMBANG_OK;
    case TB_GLOBAL_STORAGE:
        break;
    }
    return bad_call(heap, "a storage is called", err);
}

/* ---- Persistent ids ---- */

static timbang_status bad_id(const tb_pickle_heap *heap, tb_error *err)
{
    return tb_fail(err, TIMBANG_UNSUPPORTED,
                   "%s: the pickle refers to something that is no tensor storage ('storage', type, key, location, "
                   "size); save the weights alone: torch.save(model.state_dict(), ...)",
                   heap->file);
}

static timbang_status make_storage(tb_pickle_heap *heap, tb_dtype dtype, const char *key, uint64_t numel,
                                   uint64_t view_at, uint64_t view_size, tb_value **out, tb_error *err)
{
    tb_storage *storage = tb_arena_alloc(heap->arena, 1, sizeof *storage, err);
    tb_value *made = storage ? tb_value_new(heap, TB_VALUE_STORAGE, err) : NULL;
    if (!made)
        return err->status;
    *storage = (tb_storage){.next = heap->storages, .key = key, .dtype = dtype, .numel = numel, .view_at = view_at};
    if (!tb_add_u64(view_at, view_size, &storage->view_end) || storage->view_end > numel)
        return tb_fail(err, TIMBANG_FORMAT, "%s: a view of storage %s reaches beyond its %llu elements", heap->file,
                       key, (unsigned long long)numel);
    heap->storages = storage;
    made->as.storage = storage;
    *out = made;
    return TIMBANG_OK;
}

/* Keys name records of the file; PyTorch's are decimal. */
static bool is_key(const tb_value *value)
{
    return value->kind == TB_VALUE_STRING && value->count > 0 && value->count <= 64 &&
           strspn(value->as.text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-.") == value->count;
}

static bool is_count(const tb_value *value)
{
    return value->kind == TB_VALUE_INT && value->as.integer >= 0;
}

/* ('storage', type, key, location, numel), and in the legacy container a view: None or (key, offset, size). */
timbang_status tb_pickle_persistent(tb_pickle_heap *heap, const tb_value *id, tb_value **out, tb_error *err)
{
    tb_value *const *part = id->as.items;
    if (id->kind != TB_VALUE_TUPLE || id->count < 5 || id->count > 6 || !tb_value_is_text(part[0], "storage") ||
        part[1]->kind != TB_VALUE_GLOBAL || part[1]->as.global.id != TB_GLOBAL_STORAGE || !is_key(part[2]) ||
        part[3]->kind != TB_VALUE_STRING || !is_count(part[4]))
        return bad_id(heap, err);
    uint64_t numel = (uint64_t)part[4]->as.integer, view_at = 0, view_size = numel;
    if (id->count == 6 && part[5]->kind != TB_VALUE_NONE) {
        const tb_value *view = part[5];
        if (view->kind != TB_VALUE_TUPLE || view->count != 3 || !is_count(view->as.items[1]) ||
            !is_count(view->as.items[2]))
            return bad_id(heap, err);
        view_at = (uint64_t)view->as.items[1]->as.integer;
        view_size = (uint64_t)view->as.items[2]->as.integer;
    }
    return make_storage(heap, part[1]->as.global.dtype, part[2]->as.text, numel, view_at, view_size, out, err);
}

/* Copies the bytes of *at up to `end` into out and steps over both; false where end is not found. */
static bool take_until(const char **at, const char *end, char out[128])
{
    const char *found = strstr(*at, end);
    if (!found || found - *at >= 128)
        return false;
    memcpy(out, *at, (size_t)(found - *at));
    out[found - *at] = '\0';
    *at = found + strlen(end);
    return true;
}

/* "('storage', <class 'torch.FloatStorage'>, '0', 'cpu', 384)": protocol 0 writes the id as str(tuple). */
timbang_status tb_pickle_persistent_text(tb_pickle_heap *heap, const char *id, tb_value **out, tb_error *err)
{
    char type[128], key[128], location[128], size[128];
    const char *at = id;
    uint64_t numel;
    tb_value key_value = {.kind = TB_VALUE_STRING}, *global = NULL;
    if (!starts(at, "('storage', <class '"))
        return bad_id(heap, err);
    at += strlen("('storage', <class '");
    bool parsed = take_until(&at, "'>, '", type) && take_until(&at, "', '", key) && take_until(&at, "', ", location) &&
                  take_until(&at, ")", size) && *at == '\0';
    char *view = parsed ? strstr(size, ", None") : NULL; /* the legacy container's sixth part */
    if (view && view[6] == '\0')
        *view = '\0';
    char *dot = parsed ? strrchr(type, '.') : NULL;
    if (!dot || !tb_parse_u64(size, &numel) || numel > INT64_MAX)
        return bad_id(heap, err);
    *dot = '\0';
    TB_TRY(tb_pickle_global(heap, type, dot + 1, &global, err));
    key_value.count = (uint32_t)strlen(key);
    key_value.as.text = key;
    if (global->as.global.id != TB_GLOBAL_STORAGE || !is_key(&key_value))
        return bad_id(heap, err);
    const char *kept = tb_arena_strndup(heap->arena, key, key_value.count, err);
    if (!kept)
        return err->status;
    return make_storage(heap, global->as.global.dtype, kept, numel, 0, numel, out, err);
}
