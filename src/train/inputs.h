/* What a training reads: the model's config and tokenizer, the texts, validation rows, class weights, a teacher's
 * probabilities, and the hashes of all that.
 * Includes: data, model, train/recipe.h, model/texts.h. Called by: train/run.c, train/session.c. */
#ifndef TB_TRAIN_INPUTS_H
#define TB_TRAIN_INPUTS_H

#include "train/recipe.h"
#include "train/run.h"
#include "model/texts.h"

typedef struct tb_inputs {
    tb_config config; /* with the labels of the classifier */
    tb_tokenizer *tokenizer;
    const char *const *new_labels; /* for tb_trainee_options; NULL: the model's own */
    char **data_labels;            /* those of the data, where they are used */
    size_t n_data_labels;
    tb_dataset *train_set, *valid_set; /* MLM: NULL where a file is plain text */
    tb_texts *train, *valid;           /* valid NULL: none (MLM) */
    tb_text_ref *valid_refs;           /* [valid->n], of labelled rows */
    float *class_weights;              /* [n_labels], or NULL */
    float *soft;                       /* [train->n][n_labels], or NULL */
    tb_folder *teacher;
    char train_sha256[65], valid_sha256[65], parent_sha256[65], teacher_sha256[65];
    json_t *overlap; /* validation rows that the training data holds too; NULL: not counted */
} tb_inputs;

/* Steps one after the other: the config alone, which the recipe needs; then everything else. */
timbang_status tb_inputs_open(const tb_train_job *job, tb_inputs *inputs, tb_error *err);
timbang_status tb_inputs_read(const tb_train_job *job, const tb_recipe *recipe, tb_inputs *inputs, tb_error *err);
/* The recipe as JSON with these inputs. */
timbang_status tb_inputs_recipe(const tb_inputs *inputs, const tb_recipe *recipe, json_t **out, char hash[65],
                                tb_error *err);
void tb_inputs_free(tb_inputs *inputs); /* a zeroed struct is fine */

#endif
