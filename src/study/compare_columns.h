/* SPDX-License-Identifier: Apache-2.0
 * Which column of a table of predictions is what, by its name.
 * Includes: data/columns.h, study/compare_parts.h, study/compare_table.h. Called by: study/compare_read. */
#ifndef TB_STUDY_COMPARE_COLUMNS_H
#define TB_STUDY_COMPARE_COLUMNS_H

#include "data/columns.h"
#include "study/compare_parts.h"
#include "study/compare_table.h"

/* Columns, or TB_NO_COLUMN. */
typedef struct tb_roles {
    size_t text, pair, truth, pred, confidence;
} tb_roles;

/* By what the options ask for (a name, a number from 1, or several with commas between, of which the first that the
 * table has counts), else by usual names; names are compared without regard to case and '_', '-', '.' are spaces.
 * Decides whether the first record is a header. A table without a column of predictions, and a column that is asked
 * for and is not there, are TIMBANG_USAGE with the columns there are.
 * A column `label` beside scores, where no other holds predictions, is the prediction: so timbang predict and others
 * write. */
timbang_status tb_roles_choose(tb_table *table, const timbang_data_options *options, const char *pred_column,
                               tb_roles *roles, tb_error *err);

/* The columns that hold a number for each class. */
typedef struct tb_score_columns {
    bool logits;
    size_t n;
    size_t column[TB_MAX_CLASSES];
    int class[TB_MAX_CLASSES];
} tb_score_columns;

/* prob_LABEL, p_LABEL, LABEL_score, probs.LABEL and the like, else columns named as the labels themselves, else
 * logit_LABEL. n is 0 where there are none, or where a class with used[class] has none: *partial then tells so. A
 * column prob_X whose X no row names makes a class of X. */
timbang_status tb_roles_scores(const tb_table *table, const tb_roles *roles, tb_classes *classes, const bool *used,
                               tb_score_columns *scores, bool *partial, tb_error *err);

#endif
