/* What a tensor in a file is: name, element type, shape. Includes: base. Called by: formats, model, quant. */
#ifndef TB_FORMATS_TENSOR_H
#define TB_FORMATS_TENSOR_H

#include "base/mem.h"

typedef enum tb_dtype {
    TB_F64,
    TB_F32,
    TB_F16,
    TB_BF16,
    TB_I64,
    TB_I32,
    TB_I16,
    TB_I8,
    TB_U8,
    TB_BOOL,
    TB_DTYPES
} tb_dtype;

enum { TB_MAX_RANK = 8 };

size_t tb_dtype_bytes(tb_dtype dtype);
const char *tb_dtype_name(tb_dtype dtype); /* safetensors' spelling: "F32" */
bool tb_dtype_is_float(tb_dtype dtype);

typedef struct tb_tensor {
    const char *name; /* as in the file */
    tb_dtype dtype;
    uint32_t rank;
    uint64_t shape[TB_MAX_RANK];
    uint64_t elements; /* product of shape */
    uint64_t bytes;    /* elements * tb_dtype_bytes */
} tb_tensor;

/* "[384, 1536]" for messages. */
const char *tb_shape_text(const tb_tensor *tensor, char out[160]);

#endif
