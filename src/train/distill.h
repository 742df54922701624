/* What a student learns from a teacher: the teacher's probabilities for every training text, its hidden states
 * and its attention. Includes: data, model. Called by: train/inputs.c, train/learn.c. */
#ifndef TB_TRAIN_DISTILL_H
#define TB_TRAIN_DISTILL_H

#include "data/dataset.h"
#include "model/trainee.h"

typedef struct tb_soft_options {
    const tb_classifier *teacher;
    const char *teacher_name; /* its folder, for messages */
    tb_workspace *workspace;
    const char *const *labels; /* the student's, in its order */
    size_t n_labels;
    double temperature;
    size_t max_length; /* of the student; at most the teacher's positions are used */
    unsigned clean;
    const tb_hooks *hooks;
} tb_soft_options;

/* *soft [rows][n_labels]: the teacher's softmax(logits / temperature) of every row, classes in the student's order,
 * which is matched by name (spaces trimmed, case-insensitive). Other sets of labels are TIMBANG_USAGE. free(*soft). */
timbang_status tb_soft_targets(const tb_soft_options *options, const tb_dataset *dataset, float **soft, tb_error *err);

/* A teacher that reads the same tokens, and what a student learns from inside it:
 *   hidden states: the mean squared error between the layers of both (Jiao et al. 2020, arXiv 1909.10351): layer i of
 *     the student learns from layer round(i * teacher's layers / student's layers), the embeddings from the embeddings;
 *   attention: KL(teacher's || student's) of the last layers, head by head, the mean over queries and heads (Wang et
 * al. 2020, arXiv 2002.10957, without its value relation). */
typedef struct tb_distill_options {
    tb_trainee *teacher; /* borrowed */
    const char *teacher_name;
    const tb_trainee *student;
    double hidden_weight, attention_weight; /* 0: nothing of it */
} tb_distill_options;
typedef struct tb_distill tb_distill;
/* Refused with a sentence: another vocabulary, fewer positions; for hidden states another hidden size, for attention
 * another number of heads. */
timbang_status tb_distill_create(const tb_distill_options *options, tb_distill **distill, tb_error *err);
void tb_distill_free(tb_distill *distill);
/* The teacher's side of a batch (the student's own ids), before the student's pass; step_tokens: of all batches of the
 * step, over which errors are averaged. Attention is kept whole: 4 bytes a head and pair of tokens of a text. */
timbang_status tb_distill_batch(tb_distill *distill, const tb_batch *batch, size_t step_tokens, tb_error *err);
/* As tb_hidden_loss_fn: adds weight * sum over layers of mean (x - teacher's)^2, and its derivative to dx. */
void tb_distill_hidden(const tb_distill *distill, size_t layer, size_t first, size_t n_tokens, const float *x,
                       float *dx, double *loss);
/* As tb_attention_loss_fn: adds weight * mean KL, and its derivative to block->dp. */
void tb_distill_attention(const tb_distill *distill, const tb_attention_block *block, double *loss);

#endif
