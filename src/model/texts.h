/* Texts tokenized once, all ids in one block: those of a training, of a calibration. Labelled rows of a data set, or
 * plain text files for masked language modelling. Includes: data, model/window.h. Called by: quant, train. */
#ifndef TB_MODEL_TEXTS_H
#define TB_MODEL_TEXTS_H

#include "base/pool.h"
#include "data/dataset.h"
#include "formats/config.h"
#include "text/tokenizer.h"

/* Ids that are no part of a text: the template's, [PAD], [UNK], [MASK]. */
enum { TB_SPECIAL_IDS = 32 };
typedef struct tb_special {
    int32_t ids[TB_SPECIAL_IDS];
    size_t n;
} tb_special;
timbang_status tb_special_find(const tb_tokenizer *tokenizer, tb_special *special, tb_error *err);
bool tb_special_is(const tb_special *special, int32_t id);

typedef struct tb_texts {
    size_t n, n_tokens;
    size_t longest;   /* tokens of a text */
    int32_t *ids;     /* [n_tokens] */
    uint8_t *types;   /* [n_tokens]; NULL: all 0 */
    size_t *begin;    /* [n + 1] place of each text's first token */
    int32_t *truth;   /* [n] class of each; NULL: plain text */
    size_t shortened; /* data set: texts that lost tokens to max_length. Plain text: lines that became several texts */
    size_t passed_over; /* plain text: lines with nothing but special tokens and unknown words */
} tb_texts;

typedef struct tb_texts_options {
    const tb_config *config; /* of the model: labels, positions, sizes of its vocabularies */
    const tb_tokenizer *tokenizer;
    size_t max_length; /* tokens, special ones included; 0: min(512, positions) */
    unsigned clean;    /* TIMBANG_CLEAN_* */
    bool training;     /* at least two classes must occur */
    tb_pool *pool;
    const tb_hooks *hooks;
    const char *stage; /* for progress; NULL: "tokenizing" */
} tb_texts_options;

static inline size_t tb_texts_length(const tb_texts *texts, size_t i)
{
    return texts->begin[i + 1] - texts->begin[i];
}

/* Text i is row i, truncated to max_length. Without labels, where it is not for training a classifier, truth is NULL.
 * Errors name the file, the row and the value: no row, a label that the model
 * does not have, rows of one class alone (training), max_length beyond the model's positions, a tokenizer whose ids
 * are beyond the model's vocabulary. */
timbang_status tb_texts_of_dataset(const tb_dataset *dataset, const tb_texts_options *options, tb_texts **texts,
                                   tb_error *err);
/* One text a line of UTF-8, files one after the other. A line of more than max_length tokens becomes several texts of
 * nearly equal length, each with special tokens of its own, so that nothing is lost. */
timbang_status tb_texts_of_files(const char *const *paths, size_t n_paths, const tb_texts_options *options,
                                 tb_texts **texts, tb_error *err);
void tb_token_texts_free(tb_texts *texts);

#endif
