/* What the files weights*.c share: rules of a quantization_config, patterns, packing.
 * Includes: formats/weights.h. Called by: formats/weights*.c and their tests. */
#ifndef TB_FORMATS_WEIGHTS_INTERNAL_H
#define TB_FORMATS_WEIGHTS_INTERNAL_H

#include "formats/weights.h"

typedef enum tb_strategy { TB_STRATEGY_TENSOR, TB_STRATEGY_CHANNEL, TB_STRATEGY_GROUP } tb_strategy;

/* One entry of config_groups, checked. */
typedef struct tb_quant_rule {
    char name[64]; /* "group_0" */
    int bits;      /* 4 or 8 */
    bool symmetric;
    tb_strategy strategy;
    size_t group;    /* TB_STRATEGY_GROUP, else 0 */
    tb_act_kind act; /* as declared; never TB_ACT_S8_TOKEN_FAKE */
} tb_quant_rule;

/* The rule of a module that goes by any of n_names names, or NULL: it stays float. Order as in compressed-tensors:
 * exact name, pattern, class; each alphabetically. */
const tb_quant_rule *tb_quant_map_find(const tb_quant_map *map, const char *const *names, size_t n_names,
                                       const char *class_name);

/* A pattern of the kind that config files hold ("re:.*\.dense$"), in Python's syntax, matched as re.match does:
 * anchored at the start only. Known: literals, escapes (\d \w \s \b and their opposites, \. and the like), classes,
 * groups, alternatives, repetitions (lazy ones too), anchors, lookahead. Others are TIMBANG_UNSUPPORTED. Time is
 * linear. */
typedef struct tb_pattern tb_pattern;
timbang_status tb_pattern_compile(const char *where, const char *text, tb_pattern **pattern, tb_error *err);
bool tb_pattern_match(const tb_pattern *pattern, const char *name);
void tb_pattern_free(tb_pattern *pattern);

/* compressed-tensors' pack_to_int32 for 4 and 8 bits, one row: the little-endian bytes of its words. */
size_t tb_packed_row_bytes(size_t columns, int bits); /* a multiple of 4 */
void tb_pack_row(const int8_t *q, size_t columns, int bits, uint8_t *out);
void tb_unpack_row(const uint8_t *packed, size_t columns, int bits, int8_t *q);

/* The quantized branch of tb_weight_load. */
timbang_status tb_weight_load_quantized(const tb_state_dict *state, const tb_quant_rule *rule, const char *module,
                                        bool embedding, size_t rows, size_t columns, tb_weight *weight, tb_error *err);

#endif
