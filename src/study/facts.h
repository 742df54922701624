/* What stands in the files of a study: hashes, and bytes by part of a model.
 * Includes: base, formats. Called by: study/plan, study/variants. */
#ifndef TB_STUDY_FACTS_H
#define TB_STUDY_FACTS_H

#include "base/json.h"
#include "formats/state_dict.h"

typedef enum tb_part { TB_PART_EMBEDDINGS, TB_PART_ENCODER, TB_PART_HEAD, TB_PART_OTHER, TB_PARTS } tb_part;

typedef struct tb_parts {
    uint64_t bytes[TB_PARTS];    /* on disk; other: headers, and tensors that a classifier does not use */
    uint64_t elements[TB_PARTS]; /* of the tensors; other: 0 */
    uint64_t file_bytes;         /* all weights files: the sum of bytes */
    bool has_head;               /* a classifier's weight is there */
    bool has_pooler;
} tb_parts;

/* Reads headers only. weights_path: a bare file of weights in place of the folder's own; NULL: none. */
timbang_status tb_parts_of(const tb_folder *folder, const char *weights_path, tb_parts *parts, tb_error *err);
const char *tb_part_name(tb_part part); /* "embeddings", ... */

/* The hash of a file in 64 hex digits. */
timbang_status tb_hash_file(const char *path, char hex[65], tb_error *err);
/* [{file, bytes, sha256}] of the weights files of a folder: one, or all shards in order of their names; or of the bare
 * file, by its path. */
timbang_status tb_weights_facts(const tb_folder *folder, const char *weights_path, json_t **out, tb_error *err);
/* Likewise of what else decides about logits: config.json and the tokenizer's files, those that are there. */
timbang_status tb_settings_facts(const tb_folder *folder, json_t **out, tb_error *err);

#endif
