/* Writing model.safetensors: header first, tensors in order, atomic. (Reading: formats/checkpoint.h.)
 * Includes: base, formats/tensor.h. Called by: quant, model (init). */
#ifndef TB_FORMATS_SAFETENSORS_H
#define TB_FORMATS_SAFETENSORS_H

#include "base/io.h"
#include "formats/tensor.h"

typedef struct tb_safetensors_writer tb_safetensors_writer;

/* tensors: name, dtype, rank, shape of each, in the order in which they will be written. The metadata is
 * {"format": "pt"}. Data are padded so that the first tensor starts at a multiple of 64 (spaces in the header). */
timbang_status tb_safetensors_create(const char *path, const tb_tensor *tensors, size_t n,
                                     tb_safetensors_writer **writer, tb_error *err);
/* Appends bytes of the tensors, in order, in any portions. */
timbang_status tb_safetensors_write(tb_safetensors_writer *writer, const void *bytes, size_t size, tb_error *err);
/* Checks that exactly all bytes were written; frees the writer, also on failure. */
timbang_status tb_safetensors_commit(tb_safetensors_writer *writer, tb_error *err);
void tb_safetensors_abandon(tb_safetensors_writer *writer);

#endif
