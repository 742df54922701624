/* Labels: the map, the ones to drop, one copy of each name. Includes: base. Called by: reading, dataset.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TB_DATA_LABELS_H
#define TB_DATA_LABELS_H

#include "base/mem.h"

/* A column with more distinct values is no label column. */
enum { TB_MAX_LABELS = 10000 };
#define TB_LABEL_DROPPED UINT32_MAX

typedef struct tb_label_rule {
    const char *from;
    const char *to; /* NULL: dropped */
    uint64_t rows;  /* that it applied to */
} tb_label_rule;

typedef struct tb_label_seen tb_label_seen;

/* Strings live in the arena. */
typedef struct tb_label_set {
    tb_arena *arena;
    tb_label_rule *maps, *drops;
    size_t n_maps, n_drops;
    const char **names; /* the labels after mapping, in the order of their first row */
    size_t n;
    tb_label_seen *seen; /* distinct values of the file */
    size_t n_seen;
    uint32_t *slots; /* hash table of seen */
} tb_label_set;

/* label_map "from=to,from=to" and drop_labels "a,b" (either may be NULL), spaces around names trimmed, names compared
 * without regard to (ASCII) case. A label is mapped first; it is dropped if drop_labels names it as it is in the file
 * or as it is mapped. TIMBANG_USAGE names a part that is malformed or contradicts another. */
timbang_status tb_label_set_open(tb_label_set *set, tb_arena *arena, const char *label_map, const char *drop_labels,
                                 tb_error *err);
void tb_label_set_close(tb_label_set *set);
/* The index in set->names of a value of the file, trimmed and not empty; TB_LABEL_DROPPED. Counts the rules' rows.
 * TIMBANG_DATA where there are more than TB_MAX_LABELS, without the file's name. */
timbang_status tb_label_set_add(tb_label_set *set, const char *value, size_t length, uint32_t *label, tb_error *err);

#endif
