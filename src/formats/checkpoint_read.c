/* Elements of a checkpoint's tensors: plain reads, strided gathers, and conversion to float with the check for NaN and
 * infinity. Includes: formats/store.h, kernels (half formats). Called by: everybody who holds a checkpoint. */
#include "formats/store.h"

#include "kernels/kernels.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the files are little-endian and are read as they are");

enum { CHUNK_ELEMENTS = 4096, DIRECT_ELEMENTS = 1 << 18, SMALL_SPAN_BYTES = 1 << 20 };

static const tb_place *place_of(const tb_checkpoint *checkpoint, const tb_tensor *tensor)
{
    return &checkpoint->places[tensor - checkpoint->tensors];
}

static timbang_status check_range(const tb_checkpoint *checkpoint, const tb_tensor *tensor, uint64_t first,
                                  uint64_t count, tb_error *err)
{
    if (first <= tensor->elements && count <= tensor->elements - first && count <= SIZE_MAX / sizeof(double))
        return TIMBANG_OK;
    return tb_fail(err, TIMBANG_INTERNAL, "%s: %llu elements from %llu are asked of tensor %s, which has %llu",
                   checkpoint->name, (unsigned long long)count, (unsigned long long)first, tensor->name,
                   (unsigned long long)tensor->elements);
}

/* A position in a strided tensor that moves in row-major order. */
struct walker {
    const tb_tensor *tensor;
    const uint64_t *stride;
    uint64_t index[TB_MAX_RANK];
    uint64_t at; /* in elements from element 0 */
};

static void walker_start(struct walker *walk, const tb_tensor *tensor, const tb_place *place, uint64_t first)
{
    walk->tensor = tensor;
    walk->stride = place->stride;
    walk->at = 0;
    for (uint32_t i = tensor->rank; i-- > 0;) {
        walk->index[i] = first % tensor->shape[i];
        first /= tensor->shape[i];
        walk->at += walk->index[i] * place->stride[i];
    }
}

/* steps stays within the innermost dimension. */
static void walker_advance(struct walker *walk, uint64_t steps)
{
    uint32_t i = walk->tensor->rank - 1;
    walk->index[i] += steps;
    walk->at += steps * walk->stride[i];
    while (i > 0 && walk->index[i] == walk->tensor->shape[i]) {
        walk->at -= walk->index[i] * walk->stride[i];
        walk->index[i] = 0;
        i--;
        walk->index[i]++;
        walk->at += walk->stride[i];
    }
}

/* Reads through one block that covers the tensor where that costs little, else run by run. */
static timbang_status gather(const tb_tensor *tensor, const tb_place *place, uint64_t first, uint64_t count,
                             uint8_t *out, tb_error *err)
{
    size_t width = tb_dtype_bytes(tensor->dtype);
    uint32_t inner = tensor->rank - 1;
    uint64_t span = 1;
    for (uint32_t i = 0; i < tensor->rank; i++)
        span += (tensor->shape[i] - 1) * place->stride[i]; /* checked when the tensor was added */
    bool dense = span * width <= SMALL_SPAN_BYTES || span / 16 <= count;
    uint8_t *block = NULL;
    if (dense && span <= SIZE_MAX) {
        block = tb_calloc((size_t)span, width, err);
        if (!block)
            return err->status;
        if (tb_source_read(place->source, place->offset, block, (size_t)span * width, err) != TIMBANG_OK) {
            free(block);
            return err->status;
        }
    }
    struct walker walk;
    walker_start(&walk, tensor, place, first);
    timbang_status status = TIMBANG_OK;
    while (count > 0 && status == TIMBANG_OK) {
        uint64_t run = 1;
        if (place->stride[inner] == 1) {
            run = tensor->shape[inner] - walk.index[inner];
            run = run < count ? run : count;
        }
        size_t bytes = (size_t)run * width;
        if (block)
            memcpy(out, block + walk.at * width, bytes);
        else
            status = tb_source_read(place->source, place->offset + walk.at * width, out, bytes, err);
        out += bytes;
        count -= run;
        walker_advance(&walk, run);
    }
    free(block);
    return status;
}

timbang_status tb_checkpoint_read(const tb_checkpoint *checkpoint, const tb_tensor *tensor, uint64_t first,
                                  uint64_t count, void *out, tb_error *err)
{
    TB_TRY(check_range(checkpoint, tensor, first, count, err));
    if (count == 0)
        return TIMBANG_OK;
    const tb_place *place = place_of(checkpoint, tensor);
    size_t width = tb_dtype_bytes(tensor->dtype);
    timbang_status status =
        place->strided ? gather(tensor, place, first, count, out, err)
                       : tb_source_read(place->source, place->offset + first * width, out, (size_t)count * width, err);
    if (status == TIMBANG_IO)
        return tb_fail_prefix(err, "tensor %s", tensor->name);
    return status;
}

static void convert(tb_dtype dtype, const void *raw, size_t n, float *out)
{
    switch (dtype) {
    case TB_F64: {
        const double *x = raw;
        for (size_t i = 0; i < n; i++)
            out[i] = (float)x[i];
        break;
    }
    case TB_F16: {
        const uint16_t *x = raw;
        for (size_t i = 0; i < n; i++)
            out[i] = tb_f16_to_f32(x[i]);
        break;
    }
    case TB_BF16: {
        const uint16_t *x = raw;
        for (size_t i = 0; i < n; i++)
            out[i] = tb_bf16_to_f32(x[i]);
        break;
    }
    default:
        memcpy(out, raw, n * sizeof *out);
    }
}

/* "encoder.layer.2.output.dense.weight[17, 300] is NaN" */
static timbang_status fail_value(const tb_checkpoint *checkpoint, const tb_tensor *tensor, uint64_t index, float value,
                                 bool overflow, tb_error *err)
{
    uint64_t at[TB_MAX_RANK];
    char place[160] = "";
    for (uint32_t i = tensor->rank; i-- > 0;) {
        at[i] = index % tensor->shape[i];
        index /= tensor->shape[i];
    }
    if (tensor->rank)
        tb_dims_text(tensor->rank, at, place);
    const char *what = overflow ? "too large for a float" : isnan(value) ? "NaN" : value > 0 ? "infinity" : "-infinity";
    return tb_fail(err, TIMBANG_DATA, "%s: %s%s is %s; a model with such a weight cannot be used", checkpoint->name,
                   tensor->name, place, what);
}

static timbang_status check_finite(const tb_checkpoint *checkpoint, const tb_tensor *tensor, uint64_t first,
                                   const void *raw, const float *values, size_t n, tb_error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (isfinite(values[i]))
            continue;
        bool overflow = tensor->dtype == TB_F64 && isfinite(((const double *)raw)[i]);
        return fail_value(checkpoint, tensor, first + i, values[i], overflow, err);
    }
    return TIMBANG_OK;
}

/* A strided tensor is gathered in one piece: chunk by chunk would read its block again and again. */
static timbang_status read_f32_strided(const tb_checkpoint *checkpoint, const tb_tensor *tensor, uint64_t first,
                                       size_t count, float *out, tb_error *err)
{
    void *raw = tb_calloc(count, tb_dtype_bytes(tensor->dtype), err);
    if (!raw)
        return err->status;
    timbang_status status = tb_checkpoint_read(checkpoint, tensor, first, count, raw, err);
    if (status == TIMBANG_OK) {
        convert(tensor->dtype, raw, count, out);
        status = check_finite(checkpoint, tensor, first, raw, out, count, err);
    }
    free(raw);
    return status;
}

timbang_status tb_checkpoint_read_f32(const tb_checkpoint *checkpoint, const tb_tensor *tensor, uint64_t first,
                                      uint64_t count, float *out, tb_error *err)
{
    if (!tb_dtype_is_float(tensor->dtype))
        return tb_fail(err, TIMBANG_MISMATCH, "%s: tensor %s is %s; F32, F16, BF16 or F64 is expected",
                       checkpoint->name, tensor->name, tb_dtype_name(tensor->dtype));
    TB_TRY(check_range(checkpoint, tensor, first, count, err));
    if (count && place_of(checkpoint, tensor)->strided)
        return read_f32_strided(checkpoint, tensor, first, (size_t)count, out, err);
    double chunk[CHUNK_ELEMENTS]; /* the widest type, so aligned for all */
    while (count > 0) {
        size_t most = tensor->dtype == TB_F32 ? DIRECT_ELEMENTS : CHUNK_ELEMENTS;
        size_t n = count < most ? (size_t)count : most;
        void *raw = tensor->dtype == TB_F32 ? (void *)out : (void *)chunk;
        TB_TRY(tb_checkpoint_read(checkpoint, tensor, first, n, raw, err));
        if (tensor->dtype != TB_F32)
            convert(tensor->dtype, raw, n, out);
        TB_TRY(check_finite(checkpoint, tensor, first, raw, out, n, err));
        first += n;
        out += n;
        count -= n;
    }
    return TIMBANG_OK;
}
