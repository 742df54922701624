/* A checkpoint: the tensors of a folder or a file, whichever container holds them (safetensors, sharded safetensors,
 * pytorch_model.bin zip or legacy). Includes: base, formats/tensor.h. Called by: formats/state_dict, api (info). */
#ifndef TB_FORMATS_CHECKPOINT_H
#define TB_FORMATS_CHECKPOINT_H

#include "base/io.h"
#include "base/json.h"
#include "formats/tensor.h"

typedef struct tb_checkpoint tb_checkpoint;

/* Weights of a folder: model.safetensors, model.safetensors.index.json, pytorch_model.bin (in this order of
 * preference), with a sentence that names what was looked for when there is none. adapter_config.json or
 * adapter_model.* alone: TIMBANG_UNSUPPORTED, LoRA, and to merge it first. */
timbang_status tb_checkpoint_open_folder(const tb_folder *folder, tb_checkpoint **checkpoint, tb_error *err);
/* One file of weights; the container is recognized by its content. NAME.index.json opens the shards beside it. */
timbang_status tb_checkpoint_open_file(const char *path, tb_checkpoint **checkpoint, tb_error *err);
void tb_checkpoint_close(tb_checkpoint *checkpoint);

const char *tb_checkpoint_name(const tb_checkpoint *checkpoint);      /* file or index, for messages */
const char *tb_checkpoint_container(const tb_checkpoint *checkpoint); /* "safetensors", "torch-zip", "torch-legacy" */
size_t tb_checkpoint_n(const tb_checkpoint *checkpoint);
const tb_tensor *tb_checkpoint_tensor(const tb_checkpoint *checkpoint, size_t i);       /* in file order */
const tb_tensor *tb_checkpoint_find(const tb_checkpoint *checkpoint, const char *name); /* NULL: none */
uint64_t tb_checkpoint_file_bytes(const tb_checkpoint *checkpoint);                     /* on disk, all shards */

/* Elements [first, first + count) in row-major order (torch strides resolved), in the file's dtype. */
timbang_status tb_checkpoint_read(const tb_checkpoint *checkpoint, const tb_tensor *tensor, uint64_t first,
                                  uint64_t count, void *out, tb_error *err);
/* The same from any float dtype as float. NaN, infinity, or an F64 beyond float: TIMBANG_DATA naming tensor and index.
 * Another dtype: TIMBANG_MISMATCH. Read strided tensors in large portions: each call may read their whole block. */
timbang_status tb_checkpoint_read_f32(const tb_checkpoint *checkpoint, const tb_tensor *tensor, uint64_t first,
                                      uint64_t count, float *out, tb_error *err);

#endif
