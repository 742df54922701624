/* Texts that show a quantizer what a model's activations look like. Labels are not needed and not read.
 * Includes: data, model/texts.h, model/classifier.h. Called by: quant, api. */
#ifndef TB_QUANT_CALIBRATION_H
#define TB_QUANT_CALIBRATION_H

#include "model/classifier.h"
#include "model/texts.h"

enum { TB_CALIBRATION_ROWS = 512, TB_CALIBRATION_LENGTH = 128 };

typedef struct tb_calibration_options {
    timbang_data_options data; /* path, text_column, pair_column, header; labels are not read. limit: rows to choose,
                                  0: TB_CALIBRATION_ROWS; seed: of that choice (a part of the rows at random) */
    size_t max_length;         /* tokens of a text, special ones included; 0: TB_CALIBRATION_LENGTH */
    unsigned clean;            /* TIMBANG_CLEAN_* */
    const tb_config *config;
    const tb_tokenizer *tokenizer;
    tb_pool *pool;
    const tb_hooks *hooks;
} tb_calibration_options;

typedef struct tb_calibration {
    tb_batch batch; /* all texts, in the file's order; arrays belong to the struct */
    size_t longest; /* tokens of a text */
    char *name;     /* of the file, for messages */
    uint64_t seed;  /* of the choice of rows */
    size_t max_length;
    char sha256[65]; /* of lengths, ids and types: the texts as the model sees them */
    tb_texts *texts; /* whose ids the batch borrows */
    int32_t *type_ids;
} tb_calibration;

/* Errors name the file: no rows, no column of texts, ids beyond the model's vocabulary. */
timbang_status tb_calibration_read(const tb_calibration_options *options, tb_calibration **calibration, tb_error *err);
void tb_calibration_free(tb_calibration *calibration);

#endif
