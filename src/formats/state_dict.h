/* A state dict: the tensors of a checkpoint under the names that a BERT classifier uses, whatever the file calls them.
 * Canonical names have no "bert." prefix and end in LayerNorm.weight / LayerNorm.bias:
 *   embeddings.word_embeddings.weight, encoder.layer.3.attention.self.query.weight, pooler.dense.bias,
 *   classifier.weight
 * Includes: base, formats/checkpoint.h. Called by: formats/weights, model, quant, api. */
#ifndef TB_FORMATS_STATE_DICT_H
#define TB_FORMATS_STATE_DICT_H

#include "formats/checkpoint.h"

typedef struct tb_state_dict tb_state_dict;

/* Takes the checkpoint over (closed with the state dict; also closed on failure).
 * Known and left out, counted: cls.* (masked-LM head), position_ids, fake-quant and observer keys of a QAT state dict
 * (activation_post_process.*, weight_fake_quant.*, *.fake_quant_enabled, *.observer_enabled, *.min_val, *.eps ...).
 * Refused by name: LoRA keys (lora_A), torch-quantized packed parameters (_packed_params), names that occur twice after
 * mapping; unknown names are kept under their own name and listed by tb_state_dict_unknown. */
timbang_status tb_state_dict_open(tb_checkpoint *checkpoint, tb_state_dict **state, tb_error *err);
void tb_state_dict_close(tb_state_dict *state);
const tb_checkpoint *tb_state_dict_checkpoint(const tb_state_dict *state);
/* The tensor of a canonical name (or of an unknown name, as in the file), or NULL. */
const tb_tensor *tb_state_dict_find(const tb_state_dict *state, const char *name);
/* Like find, but a missing tensor or another shape (rank, shape[]) is an error that names file, tensor and both shapes.
 */
timbang_status tb_state_dict_require(const tb_state_dict *state, const char *name, uint32_t rank, const uint64_t *shape,
                                     const tb_tensor **tensor, tb_error *err);
/* An encoder layer beyond the n_layers of config.json is an error that names the tensor: the file would be cut short.
 */
timbang_status tb_state_dict_check_layers(const tb_state_dict *state, size_t n_layers, tb_error *err);
size_t tb_state_dict_skipped_observers(const tb_state_dict *state);
size_t tb_state_dict_skipped_other(const tb_state_dict *state);
size_t tb_state_dict_unknown(const tb_state_dict *state, const char **first_name);
const char *tb_state_dict_canonical(const tb_state_dict *state, size_t i); /* of checkpoint tensor i; NULL: left out */

#endif
