/* Inside of a checkpoint: its table of tensors and where the bytes of each lie. What a container's reader fills in.
 * Includes: base, formats/checkpoint.h. Called by: the readers of formats only. */
#ifndef TB_FORMATS_STORE_H
#define TB_FORMATS_STORE_H

#include "formats/checkpoint.h"

enum { TB_MAX_TENSORS = 100000, TB_MAX_TENSOR_NAME = 512, TB_SHOWN = 160 };

/* Where the elements of a tensor lie. The caller has checked that limit is within the source. */
typedef struct tb_place {
    const tb_source *source;      /* belongs to the checkpoint */
    uint64_t offset;              /* of element 0, in bytes */
    uint64_t limit;               /* end of the block that the tensor may use, in bytes */
    bool strided;                 /* else row-major without gaps */
    uint64_t stride[TB_MAX_RANK]; /* in elements, when strided */
} tb_place;

struct tb_checkpoint {
    char *name;
    const char *container;
    tb_arena *arena; /* names */
    tb_source **sources;
    size_t n_sources;
    tb_tensor *tensors;
    tb_place *places;
    size_t n, capacity;
    const tb_tensor **by_name; /* sorted, after tb_store_seal */
    uint64_t file_bytes;
};

/* An empty checkpoint; tb_checkpoint_close frees it. container is a literal. */
timbang_status tb_store_new(const char *name, const char *container, tb_checkpoint **checkpoint, tb_error *err);
/* Takes the source over; it is closed on failure too. */
timbang_status tb_store_add_source(tb_checkpoint *checkpoint, tb_source *source, tb_error *err);
/* Checks name, rank, shape, sizes and bounds of one tensor, and appends it. */
timbang_status tb_store_add(tb_checkpoint *checkpoint, const char *name, size_t name_length, tb_dtype dtype,
                            uint32_t rank, const uint64_t *shape, const tb_place *place, tb_error *err);
/* Refuses double names and makes tb_checkpoint_find work. No tb_store_add after it. */
timbang_status tb_store_seal(tb_checkpoint *checkpoint, tb_error *err);

/* rank, shape -> elements and bytes; false where a product does not fit 64 bits. */
bool tb_tensor_sizes(tb_dtype dtype, uint32_t rank, const uint64_t *shape, uint64_t *elements, uint64_t *bytes);
const char *tb_dims_text(uint32_t rank, const uint64_t *dims, char out[160]);
/* Text from a file, cut and without control characters, for messages. */
const char *tb_shown(const char *text, size_t length, char out[TB_SHOWN]);
/* Why a tensor name is refused ("is empty"), or NULL where it is fine. */
const char *tb_name_fault(const char *name, size_t length);

/* The refusals that several readers share. */
timbang_status tb_fail_torch_quantized(tb_error *err, const char *file, const char *what);
timbang_status tb_fail_lora(tb_error *err, const char *file, const char *what);

/* The readers. Each takes the source over, also on failure. */
timbang_status tb_safetensors_open(tb_source *source, tb_checkpoint **checkpoint, tb_error *err);
timbang_status tb_torch_zip_open(tb_source *source, tb_checkpoint **checkpoint, tb_error *err);
timbang_status tb_torch_legacy_open(tb_source *source, tb_checkpoint **checkpoint, tb_error *err);
/* file: model.safetensors.index.json; the shards stand beside it. */
timbang_status tb_safetensors_open_index(const tb_folder *folder, const char *file, tb_checkpoint **checkpoint,
                                         tb_error *err);

#endif
