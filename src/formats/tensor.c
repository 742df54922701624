/* Element types and shapes, and file text made fit for messages. Includes: formats/tensor.h.
 * Called by: formats, model, quant. */
#include "formats/store.h"

#include "base/text.h"

#include <stdio.h>

struct dtype_row {
    const char *name;
    uint8_t bytes;
    bool is_float;
};

static const struct dtype_row dtype_rows[TB_DTYPES] = {
    [TB_F64] = {"F64", 8, true},    [TB_F32] = {"F32", 4, true},  [TB_F16] = {"F16", 2, true},
    [TB_BF16] = {"BF16", 2, true},  [TB_I64] = {"I64", 8, false}, [TB_I32] = {"I32", 4, false},
    [TB_I16] = {"I16", 2, false},   [TB_I8] = {"I8", 1, false},   [TB_U8] = {"U8", 1, false},
    [TB_BOOL] = {"BOOL", 1, false},
};

size_t tb_dtype_bytes(tb_dtype dtype)
{
    return dtype < TB_DTYPES ? dtype_rows[dtype].bytes : 0;
}

const char *tb_dtype_name(tb_dtype dtype)
{
    return dtype < TB_DTYPES ? dtype_rows[dtype].name : "?";
}

bool tb_dtype_is_float(tb_dtype dtype)
{
    return dtype < TB_DTYPES && dtype_rows[dtype].is_float;
}

const char *tb_dims_text(uint32_t rank, const uint64_t *dims, char out[160])
{
    size_t n = 1;
    out[0] = '[';
    for (uint32_t i = 0; i < rank; i++) {
        char one[24];
        int length = snprintf(one, sizeof one, "%s%llu", i ? ", " : "", (unsigned long long)dims[i]);
        if (n + (size_t)length > 150) { /* only absurd shapes are cut */
            n += (size_t)snprintf(out + n, 160 - n, ", ...");
            break;
        }
        n += (size_t)snprintf(out + n, 160 - n, "%s", one);
    }
    snprintf(out + n, 160 - n, "]");
    return out;
}

const char *tb_shape_text(const tb_tensor *tensor, char out[160])
{
    return tb_dims_text(tensor->rank, tensor->shape, out);
}

const char *tb_shown(const char *text, size_t length, char out[TB_SHOWN])
{
    size_t n = 0, at = 0;
    while (at < length) {
        uint32_t code_point;
        int step = tb_utf8_decode(text + at, length - at, &code_point);
        bool plain = step > 0 && code_point >= 0x20 && !(code_point >= 0x7f && code_point < 0xa0);
        size_t width = plain ? (size_t)step : 1;
        if (n + width > TB_SHOWN - 4) {
            for (int dot = 0; dot < 3; dot++)
                out[n++] = '.';
            break;
        }
        if (plain)
            for (size_t i = 0; i < width; i++)
                out[n++] = text[at + i];
        else
            out[n++] = '?';
        at += step > 0 ? (size_t)step : 1;
    }
    out[n] = '\0';
    return out;
}
