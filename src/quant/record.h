/* The sidecar timbang.json of a quantized folder: where it comes from and how it was made; no times, no paths.
 * Includes: base, quant/quantize.h. Called by: quant/quantize.c, study/facts.c. */
#ifndef TB_QUANT_RECORD_H
#define TB_QUANT_RECORD_H

#include "base/sha256.h"
#include "quant/quantize.h"

/* Adds all bytes of a source. hooks: cancel; NULL is fine. */
timbang_status tb_hash_source(const tb_source *source, const tb_hooks *hooks, tb_sha256 *hash, tb_error *err);
/* SHA-256 of the source's weights: the file, or the shards of an index one after the other in the order of their names.
 */
timbang_status tb_source_weights_hash(const tb_quantize_job *job, char hex[65], tb_error *err);
/* calibrated: of tb_calibrated_record, or NULL. json_decref(*out). */
timbang_status tb_quantized_record(const tb_quantize_job *job, bool new_head, const char *parent_sha256,
                                   const json_t *calibrated, json_t **out, tb_error *err);

#endif
