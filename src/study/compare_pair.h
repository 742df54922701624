/* SPDX-License-Identifier: Apache-2.0
 * Which entries are about the same texts, and which row of one is which row of another.
 * Includes: study/compare_parts.h. Called by: study/compare, study/compare_figures. */
#ifndef TB_STUDY_COMPARE_PAIR_H
#define TB_STUDY_COMPARE_PAIR_H

#include "study/compare_parts.h"

/* An entry of a block against the block's baseline. */
typedef struct tb_member {
    tb_entry *entry;
    uint32_t *match;    /* [rows of the baseline]: the row of this entry, or TB_NO_ROW; NULL for the baseline itself */
    size_t matched;     /* rows with a partner */
    bool by_order;      /* rows were taken in their order, as an input has no texts */
    size_t loosely;     /* of the matched: equal only in lower case with single spaces */
    size_t conflicting; /* of the matched: another truth than the baseline's */
    uint64_t conflicting_line; /* of the first of them, in this entry's file */
    int16_t *truth;            /* [rows of this entry]: its own truth, else the baseline's, else TB_NO_CLASS; borrowed
                                  from the entry where that has one */
    int16_t *own_truth;        /* what has to be freed of it */
} tb_member;

/* Entries that are about the same texts. */
typedef struct tb_block {
    const char *set;    /* borrowed; NULL: no entry names one */
    tb_member *members; /* the baseline first, then in the order of the inputs */
    size_t n;
} tb_block;

typedef struct tb_blocks {
    tb_block *list;
    size_t n;
    uint32_t *loose; /* of tb_texts_loosen */
    size_t n_loose;
} tb_blocks;

/* Entries of one set of a study belong together; a set of another name, or a table, joins the block whose texts it
 * shares most. A table that shares no text with any is TIMBANG_DATA with a text of both. baseline: the name or a
 * pattern of the baseline in each block; NULL: the first entry. */
timbang_status tb_blocks_make(const tb_entries *entries, const tb_texts *texts, const char *baseline, tb_blocks *blocks,
                              tb_error *err);
/* Matches rows by text (repeated texts in their order, rows of equal truth first), else in lower case with single
 * spaces, else, without texts, by order. */
timbang_status tb_blocks_pair(tb_blocks *blocks, const tb_texts *texts, const tb_hooks *hooks, tb_error *err);
void tb_blocks_free(tb_blocks *blocks); /* a zeroed struct is fine */

#endif
