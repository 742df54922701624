/* From the value tree of a PyTorch pickle to the tensors of a checkpoint: finds the state dict and resolves storages,
 * offsets and strides. Includes: formats/unpickle.h. Called by: formats/torch_zip.c, formats/torch_legacy.c. */
#include "formats/unpickle.h"

#include <string.h>

static bool is_state_dict(const tb_value *value)
{
    if (value->kind != TB_VALUE_DICT)
        return false;
    for (uint32_t i = 0; i + 1 < value->count; i += 2)
        if (value->as.items[i]->kind == TB_VALUE_STRING && value->as.items[i + 1]->kind == TB_VALUE_TENSOR)
            return true;
    return false;
}

static const tb_value *member(const tb_value *dict, const char *key)
{
    const tb_value *found = NULL; /* the last one counts, as in Python */
    for (uint32_t i = 0; i + 1 < dict->count; i += 2)
        if (tb_value_is_text(dict->as.items[i], key))
            found = dict->as.items[i + 1];
    return found;
}

/* Training scripts put the state dict beside epoch and optimizer under one of these names. */
static const tb_value *find_state_dict(const tb_value *root)
{
    static const char *const wrappers[] = {"state_dict", "model_state_dict", "model_state", "model", "module", "net"};
    if (root->kind != TB_VALUE_DICT)
        return NULL;
    for (size_t i = 0; i < sizeof wrappers / sizeof wrappers[0]; i++) {
        const tb_value *inner = member(root, wrappers[i]);
        if (inner && is_state_dict(inner))
            return inner;
    }
    return is_state_dict(root) ? root : NULL;
}

static timbang_status refuse_root(const char *file, const tb_value *root, tb_error *err)
{
    char shown[TB_SHOWN];
    if (root->kind == TB_VALUE_TENSOR)
        return tb_fail(err, TIMBANG_UNSUPPORTED, "%s: holds a single tensor; a state dict {name: tensor} is expected",
                       file);
    if (root->kind == TB_VALUE_DICT && root->count >= 2 && root->as.items[0]->kind == TB_VALUE_STRING)
        return tb_fail(err, TIMBANG_UNSUPPORTED,
                       "%s: holds no state dict: no tensor under its keys ('%s', ...), nor under state_dict or "
                       "model_state_dict; save the weights alone: torch.save(model.state_dict(), ...)",
                       file, tb_shown(root->as.items[0]->as.text, root->as.items[0]->count, shown));
    return tb_fail(err, TIMBANG_UNSUPPORTED,
                   "%s: holds no state dict {name: tensor}; save one: torch.save(model.state_dict(), ...)", file);
}

static timbang_status add_tensor(tb_checkpoint *checkpoint, const tb_source *source, const tb_value *key,
                                 const tb_torch_tensor *tensor, tb_error *err)
{
    char shown[TB_SHOWN];
    const tb_storage *storage = tensor->storage;
    uint64_t width = tb_dtype_bytes(storage->dtype), first, bytes, limit, begin;
    bool inside = storage->placed && tb_add_u64(storage->view_at, tensor->offset, &first) &&
                  tb_mul_u64(first, width, &bytes) && tb_add_u64(storage->begin, bytes, &begin) &&
                  tb_mul_u64(storage->view_end, width, &bytes) && tb_add_u64(storage->begin, bytes, &limit) &&
                  begin <= limit;
    if (!inside)
        return tb_fail(err, TIMBANG_FORMAT, "%s: tensor %s starts at element %llu of a storage of %llu",
                       checkpoint->name, tb_shown(key->as.text, key->count, shown), (unsigned long long)tensor->offset,
                       (unsigned long long)(storage->view_end - storage->view_at));
    tb_place place = {.source = source, .offset = begin, .limit = limit, .strided = true};
    memcpy(place.stride, tensor->stride, sizeof place.stride);
    return tb_store_add(checkpoint, key->as.text, key->count, storage->dtype, tensor->rank, tensor->shape, &place, err);
}

timbang_status tb_torch_add_tensors(tb_checkpoint *checkpoint, const tb_source *source, const tb_value *root,
                                    tb_error *err)
{
    const tb_value *state = find_state_dict(root);
    if (!state)
        return refuse_root(checkpoint->name, root, err);
    for (uint32_t i = 0; i + 1 < state->count; i += 2) {
        const tb_value *key = state->as.items[i], *value = state->as.items[i + 1];
        char shown[TB_SHOWN];
        if (key->kind == TB_VALUE_STRING && strstr(key->as.text, "_packed_params"))
            return tb_fail_torch_quantized(err, checkpoint->name, tb_shown(key->as.text, key->count, shown));
        if (key->kind == TB_VALUE_STRING && value->kind == TB_VALUE_TENSOR)
            TB_TRY(add_tensor(checkpoint, source, key, value->as.tensor, err));
    }
    return TIMBANG_OK;
}
