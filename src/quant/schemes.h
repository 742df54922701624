/* Schemes by name, and rounding a float matrix to one of them (to nearest). Results are the same bytes on every
 * machine. Includes: base, kernels, formats. Called by: quant, study, api. */
#ifndef TB_QUANT_SCHEMES_H
#define TB_QUANT_SCHEMES_H

#include "base/pool.h"
#include "formats/weights.h"

typedef enum tb_embedding_format { TB_EMB_FLOAT, TB_EMB_F16, TB_EMB_BF16, TB_EMB_S8, TB_EMB_S4 } tb_embedding_format;

typedef struct tb_scheme {
    char name[32];         /* canonical: "int4", "int4-g64-e4", ... */
    tb_weight_kind linear; /* of the encoder's linears; S4_ROW: int4-pertensor */
    tb_weight_kind head;   /* of pooler and classifier */
    tb_act_kind act;
    bool per_tensor;
    size_t group;                                          /* S4 */
    tb_embedding_format word_embeddings, other_embeddings; /* FLOAT: as the source has them (fp32: float) */
} tb_scheme;

/* fp32, fp16, bf16, int8, int4[-g32|-g64|-g128], int8-pertensor, int4-pertensor; the integer ones with a suffix for the
 * embeddings where they are not the scheme's own: -e4 (words in 4 bits, positions and types in 8), -e8 (8 bits), -ef
 * (float). group 0 and embeddings NULL leave what the name says; embeddings is "keep", "int8" or "int4". What
 * contradicts the name, or an unknown name ("did you mean" and the list), is TIMBANG_USAGE. */
timbang_status tb_scheme_parse(const char *name, int group, const char *embeddings, tb_scheme *scheme, tb_error *err);
const char *const *tb_scheme_names(void);         /* NULL-terminated */
bool tb_scheme_is_float(const tb_scheme *scheme); /* fp32, fp16, bf16 */

/* Each makes `out` from w [rows][columns] (finite). out must be empty; act is set by the caller. The work is split by
 * rows over pool (NULL: this thread). Magnitudes above 1e37 are TIMBANG_DATA: a rounded value might overflow. */

/* q = rint(w / scale) in -127..127, scale = absmax / 127 of the row; 1 for a row of zeros. */
timbang_status tb_quantize_s8_channel(const float *w, size_t rows, size_t columns, tb_pool *pool, tb_weight *out,
                                      tb_error *err);
/* As torch.ao's default_dynamic_qconfig (MinMaxObserver, per_tensor_symmetric, qint8), all in float:
 * scale = max(absmax / 127.5, 2^-23), q = rint(w * (1 / scale)) in -128..127. */
timbang_status tb_quantize_s8_tensor(const float *w, size_t rows, size_t columns, tb_pool *pool, tb_weight *out,
                                     tb_error *err);
/* q in -8..7, a multiplier 1..15 for each group (32, 64 or 128) of a row, one scale for each row with at most 20
 * significant bits; multipliers of a row have the greatest common divisor 1. Chosen by squared error, in which column i
 * counts importance[i] times (from 1/16 to 16; NULL: all alike). Columns that are no multiple of group are
 * TIMBANG_USAGE. kernels (NULL: plain C) change the time alone. */
timbang_status tb_quantize_s4_two_level(const float *w, size_t rows, size_t columns, size_t group,
                                        const float *importance, const tb_kernels *kernels, tb_pool *pool,
                                        tb_weight *out, tb_error *err);
/* q in -8..7, one scale a row, chosen by squared error. */
timbang_status tb_quantize_s4_row(const float *w, size_t rows, size_t columns, const tb_kernels *kernels, tb_pool *pool,
                                  tb_weight *out, tb_error *err);
/* scale = absmax / 7 of all (1 for zeros), q = rint(w / scale) in -7..7. Kind S4_ROW with per_tensor set. */
timbang_status tb_quantize_s4_tensor(const float *w, size_t rows, size_t columns, tb_pool *pool, tb_weight *out,
                                     tb_error *err);
/* Storage in half, round half to even. kind: F16 or BF16; a value that becomes infinite is TIMBANG_DATA naming it and
 * its index, with the hint to use bf16. w is not kept. */
timbang_status tb_round_half(const float *w, size_t n, tb_weight_kind kind, tb_pool *pool, uint16_t *out,
                             tb_error *err);

#endif
