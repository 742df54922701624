/* The table of tensors of a checkpoint: filling it with every check that all containers share, and looking up.
 * Includes: formats/store.h. Called by: the readers of formats; its accessors by everybody who holds a checkpoint. */
#include "formats/store.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* Tensors larger than the block they lie in exist only by a stride of 0; small buffers are saved so, nothing else is.
 */
enum { MAX_EXPANDED_ELEMENTS = 1 << 20 };

timbang_status tb_store_new(const char *name, const char *container, tb_checkpoint **checkpoint, tb_error *err)
{
    tb_checkpoint *made = tb_calloc(1, sizeof *made, err);
    if (!made)
        return err->status;
    made->container = container;
    made->name = tb_strdup(name, err);
    if (!made->name || tb_arena_create(0, &made->arena, err) != TIMBANG_OK) {
        tb_checkpoint_close(made);
        return err->status;
    }
    *checkpoint = made;
    return TIMBANG_OK;
}

void tb_checkpoint_close(tb_checkpoint *checkpoint)
{
    if (!checkpoint)
        return;
    for (size_t i = 0; i < checkpoint->n_sources; i++)
        tb_source_close(checkpoint->sources[i]);
    free(checkpoint->sources);
    free(checkpoint->tensors);
    free(checkpoint->places);
    free((void *)checkpoint->by_name);
    free(checkpoint->name);
    tb_arena_free(checkpoint->arena);
    free(checkpoint);
}

timbang_status tb_store_add_source(tb_checkpoint *checkpoint, tb_source *source, tb_error *err)
{
    uint64_t bytes;
    timbang_status status = tb_add_u64(checkpoint->file_bytes, tb_source_size(source), &bytes)
                                ? TIMBANG_OK
                                : tb_fail(err, TIMBANG_FORMAT, "%s: the files are too large", checkpoint->name);
    if (status == TIMBANG_OK)
        status = tb_grow((void **)&checkpoint->sources, checkpoint->n_sources + 1, sizeof *checkpoint->sources, err);
    if (status != TIMBANG_OK) {
        tb_source_close(source);
        return status;
    }
    checkpoint->sources[checkpoint->n_sources++] = source;
    checkpoint->file_bytes = bytes;
    return TIMBANG_OK;
}

bool tb_tensor_sizes(tb_dtype dtype, uint32_t rank, const uint64_t *shape, uint64_t *elements, uint64_t *bytes)
{
    uint64_t product = 1;
    for (uint32_t i = 0; i < rank; i++)
        if (!tb_mul_u64(product, shape[i], &product))
            return false;
    *elements = product;
    return tb_mul_u64(product, tb_dtype_bytes(dtype), bytes);
}

const char *tb_name_fault(const char *name, size_t length)
{
    if (length == 0)
        return "is empty";
    if (length > TB_MAX_TENSOR_NAME)
        return "is longer than 512 bytes";
    if (tb_utf8_invalid_at(name, length) != SIZE_MAX)
        return "is not valid UTF-8";
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
            return "holds a control character";
    return NULL;
}

static timbang_status grow_table(tb_checkpoint *checkpoint, tb_error *err)
{
    if (checkpoint->n < checkpoint->capacity)
        return TIMBANG_OK;
    size_t capacity = checkpoint->capacity ? checkpoint->capacity * 2 : 256;
    TB_TRY(tb_grow((void **)&checkpoint->tensors, capacity, sizeof *checkpoint->tensors, err));
    TB_TRY(tb_grow((void **)&checkpoint->places, capacity, sizeof *checkpoint->places, err));
    checkpoint->capacity = capacity;
    return TIMBANG_OK;
}

/* Offset of the last element in elements, false on overflow. elements > 0. */
static bool last_element(const tb_tensor *tensor, const tb_place *place, uint64_t *last)
{
    if (!place->strided) {
        *last = tensor->elements - 1;
        return true;
    }
    *last = 0;
    for (uint32_t i = 0; i < tensor->rank; i++) {
        uint64_t step;
        if (!tb_mul_u64(tensor->shape[i] - 1, place->stride[i], &step) || !tb_add_u64(*last, step, last))
            return false;
    }
    return true;
}

static timbang_status check_bounds(const char *file, const tb_tensor *tensor, const tb_place *place, tb_error *err)
{
    char shape[160], strides[160];
    uint64_t width = tb_dtype_bytes(tensor->dtype), last, end;
    if (place->limit > tb_source_size(place->source) || place->offset > place->limit)
        return tb_fail(err, TIMBANG_FORMAT, "%s: tensor %s begins at byte %llu, but its data end at byte %llu", file,
                       tensor->name, (unsigned long long)place->offset, (unsigned long long)place->limit);
    if (tensor->elements == 0)
        return TIMBANG_OK;
    uint64_t room = place->limit - place->offset;
    if (!last_element(tensor, place, &last) || !tb_add_u64(last, 1, &end) || !tb_mul_u64(end, width, &end) ||
        end > room)
        return tb_fail(err, TIMBANG_FORMAT, "%s: tensor %s %s%s%s reaches beyond the %llu bytes that it has", file,
                       tensor->name, tb_shape_text(tensor, shape), place->strided ? " with strides " : "",
                       place->strided ? tb_dims_text(tensor->rank, place->stride, strides) : "",
                       (unsigned long long)room);
    if (tensor->elements > room / width && tensor->elements > MAX_EXPANDED_ELEMENTS)
        return tb_fail(err, TIMBANG_UNSUPPORTED,
                       "%s: tensor %s %s is an expanded view of %llu bytes; save it after .contiguous()", file,
                       tensor->name, tb_shape_text(tensor, shape), (unsigned long long)room);
    return TIMBANG_OK;
}

/* Strides that say no more than row-major order make no strided tensor; strides of dimensions of size 1 say nothing. */
static bool is_row_major(const tb_tensor *tensor, const tb_place *place)
{
    uint64_t expected = 1;
    for (uint32_t i = tensor->rank; i-- > 0;) {
        if (tensor->shape[i] == 1)
            continue;
        if (place->stride[i] != expected)
            return false;
        expected *= tensor->shape[i]; /* within the element count, which was checked */
    }
    return true;
}

timbang_status tb_store_add(tb_checkpoint *checkpoint, const char *name, size_t name_length, tb_dtype dtype,
                            uint32_t rank, const uint64_t *shape, const tb_place *place, tb_error *err)
{
    char shown[TB_SHOWN];
    const char *fault = tb_name_fault(name, name_length);
    if (fault)
        return tb_fail(err, TIMBANG_FORMAT, "%s: the tensor name '%s' %s", checkpoint->name,
                       tb_shown(name, name_length, shown), fault);
    if (checkpoint->n >= TB_MAX_TENSORS)
        return tb_fail(err, TIMBANG_FORMAT, "%s: holds more than %d tensors", checkpoint->name, TB_MAX_TENSORS);
    if (rank > TB_MAX_RANK)
        return tb_fail(err, TIMBANG_FORMAT, "%s: tensor %s has %u dimensions; at most %d are read", checkpoint->name,
                       tb_shown(name, name_length, shown), (unsigned)rank, TB_MAX_RANK);
    TB_TRY(grow_table(checkpoint, err));
    tb_tensor *tensor = &checkpoint->tensors[checkpoint->n];
    tb_place *where = &checkpoint->places[checkpoint->n];
    *tensor = (tb_tensor){.dtype = dtype, .rank = rank};
    *where = *place;
    if (rank)
        memcpy(tensor->shape, shape, rank * sizeof *shape);
    tensor->name = tb_arena_strndup(checkpoint->arena, name, name_length, err);
    if (!tensor->name)
        return err->status;
    if (!tb_tensor_sizes(dtype, rank, shape, &tensor->elements, &tensor->bytes)) {
        char text[160];
        return tb_fail(err, TIMBANG_FORMAT, "%s: the size of tensor %s %s overflows", checkpoint->name, tensor->name,
                       tb_shape_text(tensor, text));
    }
    if (where->strided && (tensor->elements == 0 || is_row_major(tensor, where)))
        where->strided = false;
    TB_TRY(check_bounds(tb_source_name(where->source), tensor, where, err));
    checkpoint->n++;
    return TIMBANG_OK;
}

static int compare_names(const void *a, const void *b)
{
    const tb_tensor *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

timbang_status tb_store_seal(tb_checkpoint *checkpoint, tb_error *err)
{
    size_t n = checkpoint->n;
    const tb_tensor **by_name = tb_calloc(n, sizeof *by_name, err);
    if (!by_name)
        return err->status;
    for (size_t i = 0; i < n; i++)
        by_name[i] = &checkpoint->tensors[i];
    if (n)
        qsort((void *)by_name, n, sizeof *by_name, compare_names);
    checkpoint->by_name = by_name;
    for (size_t i = 1; i < n; i++)
        if (strcmp(by_name[i - 1]->name, by_name[i]->name) == 0)
            return tb_fail(err, TIMBANG_FORMAT, "%s: tensor %s is there twice", checkpoint->name, by_name[i]->name);
    return TIMBANG_OK;
}

const char *tb_checkpoint_name(const tb_checkpoint *checkpoint)
{
    return checkpoint->name;
}

const char *tb_checkpoint_container(const tb_checkpoint *checkpoint)
{
    return checkpoint->container;
}

size_t tb_checkpoint_n(const tb_checkpoint *checkpoint)
{
    return checkpoint->n;
}

const tb_tensor *tb_checkpoint_tensor(const tb_checkpoint *checkpoint, size_t i)
{
    return &checkpoint->tensors[i];
}

const tb_tensor *tb_checkpoint_find(const tb_checkpoint *checkpoint, const char *name)
{
    size_t low = 0, high = checkpoint->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(checkpoint->by_name[middle]->name, name);
        if (order == 0)
            return checkpoint->by_name[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

uint64_t tb_checkpoint_file_bytes(const tb_checkpoint *checkpoint)
{
    return checkpoint->file_bytes;
}

timbang_status tb_fail_torch_quantized(tb_error *err, const char *file, const char *what)
{
    return tb_fail(err, TIMBANG_UNSUPPORTED,
                   "%s: %s: this is a torch-quantized pickle (packed integer weights); give the float checkpoint that "
                   "it was made from, and quantize that",
                   file, what);
}

timbang_status tb_fail_lora(tb_error *err, const char *file, const char *what)
{
    return tb_fail(err, TIMBANG_UNSUPPORTED,
                   "%s: %s belongs to a LoRA adapter, not a whole model; merge it into its base model first "
                   "(PEFT: merge_and_unload(), then save_pretrained)",
                   file, what);
}
