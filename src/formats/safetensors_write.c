/* Writing safetensors: the header first, then the data in any portions, under the final name only when complete.
 * The same tensors give the same bytes on every machine. Includes: formats/safetensors.h. Called by: quant, model. */
#include "formats/safetensors.h"

#include "base/text.h"
#include "formats/store.h"

#include <stdlib.h>
#include <string.h>

struct tb_safetensors_writer {
    tb_writer *file;
    char *path;
    uint64_t expected, written; /* bytes of data */
};

static int compare_text(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

static timbang_status check_names(const char *path, const tb_tensor *tensors, size_t n, tb_error *err)
{
    char shown[TB_SHOWN];
    const char **names = tb_calloc(n, sizeof *names, err);
    if (!names)
        return err->status;
    timbang_status status = TIMBANG_OK;
    for (size_t i = 0; i < n && status == TIMBANG_OK; i++) {
        const char *fault = tb_name_fault(tensors[i].name, strlen(tensors[i].name));
        names[i] = tensors[i].name;
        if (fault || strcmp(tensors[i].name, "__metadata__") == 0)
            status = tb_fail(err, TIMBANG_INTERNAL, "%s: the tensor name '%s' %s", path,
                             tb_shown(tensors[i].name, strlen(tensors[i].name), shown), fault ? fault : "is reserved");
    }
    if (n && status == TIMBANG_OK)
        qsort((void *)names, n, sizeof *names, compare_text);
    for (size_t i = 1; i < n && status == TIMBANG_OK; i++)
        if (strcmp(names[i - 1], names[i]) == 0)
            status = tb_fail(err, TIMBANG_INTERNAL, "%s: tensor %s would be written twice", path, names[i]);
    free((void *)names);
    return status;
}

static void put_name(tb_text *out, const char *name)
{
    tb_text_putc(out, '"');
    for (; *name; name++) {
        if (*name == '"' || *name == '\\')
            tb_text_putc(out, '\\');
        tb_text_putc(out, *name);
    }
    tb_text_putc(out, '"');
}

/* Length and header as they stand in the file; *data_bytes is what must follow. */
static timbang_status make_header(const char *path, const tb_tensor *tensors, size_t n, tb_text *out,
                                  uint64_t *data_bytes, tb_error *err)
{
    uint64_t at = 0;
    tb_text_append(out, "\0\0\0\0\0\0\0\0", 8);
    tb_text_puts(out, "{\"__metadata__\":{\"format\":\"pt\"}");
    for (size_t i = 0; i < n; i++) {
        const tb_tensor *tensor = &tensors[i];
        uint64_t elements, bytes, end;
        if (tensor->rank > TB_MAX_RANK || tensor->dtype >= TB_DTYPES ||
            !tb_tensor_sizes(tensor->dtype, tensor->rank, tensor->shape, &elements, &bytes) ||
            !tb_add_u64(at, bytes, &end))
            return tb_fail(err, TIMBANG_INTERNAL, "%s: tensor %s has an impossible size", path, tensor->name);
        tb_text_putc(out, ',');
        put_name(out, tensor->name);
        tb_text_puts(out, ":{\"dtype\":\"");
        tb_text_puts(out, tb_dtype_name(tensor->dtype));
        tb_text_puts(out, "\",\"shape\":[");
        for (uint32_t j = 0; j < tensor->rank; j++)
            tb_text_printf(out, "%s%llu", j ? "," : "", (unsigned long long)tensor->shape[j]);
        tb_text_printf(out, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)at, (unsigned long long)end);
        at = end;
    }
    tb_text_putc(out, '}');
    while (out->length % 64 != 0 && !out->failed)
        tb_text_putc(out, ' ');
    TB_TRY(tb_text_finish(out, err));
    uint64_t length = out->length - 8;
    for (int i = 0; i < 8; i++)
        out->data[i] = (char)(unsigned char)(length >> (8 * i) & 0xff);
    *data_bytes = at;
    return TIMBANG_OK;
}

timbang_status tb_safetensors_create(const char *path, const tb_tensor *tensors, size_t n,
                                     tb_safetensors_writer **writer, tb_error *err)
{
    TB_TRY(check_names(path, tensors, n, err));
    tb_text header = {0};
    tb_safetensors_writer *made = tb_calloc(1, sizeof *made, err);
    timbang_status status = made ? TIMBANG_OK : err->status;
    if (status == TIMBANG_OK)
        status = make_header(path, tensors, n, &header, &made->expected, err);
    if (status == TIMBANG_OK) {
        made->path = tb_strdup(path, err);
        status = made->path ? tb_writer_open(path, &made->file, err) : err->status;
    }
    if (status == TIMBANG_OK)
        status = tb_writer_write(made->file, header.data, header.length, err);
    tb_text_free(&header);
    if (status != TIMBANG_OK) {
        tb_safetensors_abandon(made);
        return status;
    }
    *writer = made;
    return TIMBANG_OK;
}

timbang_status tb_safetensors_write(tb_safetensors_writer *writer, const void *bytes, size_t size, tb_error *err)
{
    if (size > writer->expected - writer->written)
        return tb_fail(err, TIMBANG_INTERNAL, "%s: more than the %llu bytes of its tensors are written", writer->path,
                       (unsigned long long)writer->expected);
    TB_TRY(tb_writer_write(writer->file, bytes, size, err));
    writer->written += size;
    return TIMBANG_OK;
}

timbang_status tb_safetensors_commit(tb_safetensors_writer *writer, tb_error *err)
{
    timbang_status status;
    if (writer->written != writer->expected)
        status = tb_fail(err, TIMBANG_INTERNAL, "%s: %llu of the %llu bytes of its tensors were written", writer->path,
                         (unsigned long long)writer->written, (unsigned long long)writer->expected);
    else {
        tb_writer *file = writer->file;
        writer->file = NULL;
        status = tb_writer_commit(file, err);
    }
    tb_safetensors_abandon(writer);
    return status;
}

void tb_safetensors_abandon(tb_safetensors_writer *writer)
{
    if (!writer)
        return;
    tb_writer_abandon(writer->file);
    free(writer->path);
    free(writer);
}
