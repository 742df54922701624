/* SPDX-License-Identifier: Apache-2.0
 * What the files of compare share: texts and labels of all inputs in one numbering, and the rows of one entry.
 * Includes: base, data, eval/metrics.h, study/notes.h. Called by: study/compare*. */
#ifndef TB_STUDY_COMPARE_PARTS_H
#define TB_STUDY_COMPARE_PARTS_H

#include "data/labels.h"
#include "eval/metrics.h"
#include "study/notes.h"

#define TB_NO_ROW UINT32_MAX
enum { TB_NO_CLASS = -1, TB_MAX_ENTRIES = 1024 };

/* ---- Texts (compare_texts.c) ---- */

/* Every distinct text of all inputs once, by number; a text and its pair are one text, the unit separator between. */
typedef struct tb_texts {
    tb_arena *arena;
    const char **text; /* [n], zero-terminated */
    size_t n, capacity;
    uint32_t *slots; /* number + 1; 0: free */
    size_t n_slots;
    uint64_t *hashes; /* [n] */
} tb_texts;

timbang_status tb_texts_add(tb_texts *texts, const char *text, size_t length, uint32_t *number, tb_error *err);
void tb_texts_free(tb_texts *texts); /* a zeroed struct is fine */
/* of[i]: the number of text i in lower case with single spaces; free(*of). *n: how many such numbers there are. */
timbang_status tb_texts_loosen(const tb_texts *texts, uint32_t **of, size_t *n, tb_error *err);

/* ---- Labels (compare_labels.c) ---- */

/* The classes of all inputs: names that differ in case alone are one class, spelled as it was met first. */
typedef struct tb_classes {
    tb_arena *arena;
    tb_label_set truth, pred;          /* the label map; in truth also the labels to drop */
    int16_t *truth_class, *pred_class; /* of the sets' names */
    const char *names[TB_MAX_CLASSES];
    size_t n;
} tb_classes;

timbang_status tb_classes_open(tb_classes *classes, const char *label_map, const char *drop_labels, tb_error *err);
void tb_classes_close(tb_classes *classes); /* a zeroed struct is fine */
/* The class of a value, trimmed and not empty; "1.0" is "1". A new one is added; *class is TB_NO_CLASS where the label
 * is dropped. Messages begin without file and row. */
timbang_status tb_classes_truth(tb_classes *classes, const char *value, size_t length, int *class, tb_error *err);
timbang_status tb_classes_pred(tb_classes *classes, const char *value, size_t length, int *class, tb_error *err);
/* The class that a name (after the label map) has, or TB_NO_CLASS; never adds one. */
int tb_classes_find(const tb_classes *classes, const char *name, size_t length);

/* ---- Entries ---- */

typedef enum tb_scores {
    TB_SCORES_NONE,
    TB_SCORES_CONFIDENCE, /* one column: the probability of the predicted label */
    TB_SCORES_PROBS,      /* a column a class, rows sum to 1 */
    TB_SCORES_LOGITS
} tb_scores;

/* One classifier's predictions on one set. */
typedef struct tb_entry {
    char *name;                  /* shown; unique within its block */
    size_t input;                /* index among the job's inputs */
    char *model, *variant, *set; /* of a study; NULL: a table */
    bool untrained_head;

    size_t n, capacity;
    uint32_t *text; /* [n] number among the texts; NULL: there are none */
    uint64_t *line; /* [n] of the row, for messages: in the table, or in the data file of the study */
    int16_t *truth; /* [n]; NULL: there is none */
    int16_t *pred;  /* [n] */

    tb_scores scores;
    size_t n_columns;
    int16_t columns[TB_MAX_CLASSES]; /* class of each column of values */
    double *values;                  /* [n][n_columns] */
    json_t *facts;                   /* what was guessed and found */
} tb_entry;

typedef struct tb_entries {
    tb_entry *list;
    size_t n, capacity;
} tb_entries;

/* A zeroed entry at the end of the list; earlier pointers into the list become invalid. */
timbang_status tb_entries_add(tb_entries *entries, tb_entry **entry, tb_error *err);
void tb_entries_free(tb_entries *entries);
/* Room for one more row, and for its values where n_columns > 0. The arrays that `has_*` name are kept. */
timbang_status tb_entry_reserve(tb_entry *entry, bool has_text, bool has_truth, tb_error *err);

/* ---- Readers ---- */

typedef struct tb_compare_reader {
    const timbang_data_options *columns; /* text_column, label_column, pair_column, label_map, header */
    const char *pred_column;             /* NULL: guessed */
    bool labels_only;                    /* probabilities are left alone */
    const char *const *only;             /* patterns for the entries of studies */
    size_t n_only;
    tb_texts *texts;
    tb_classes *classes;
    const tb_notes *notes;
    const tb_hooks *hooks;
} tb_compare_reader;

/* compare_read.c: one table of predictions as one more entry. shown: its name, for warnings. */
timbang_status tb_compare_read_table(const tb_compare_reader *reader, const char *path, const char *shown, size_t input,
                                     tb_entries *entries, tb_error *err);
/* compare_study.c: whether path is a study (its folder, results.json or predictions.jsonl), and then all its entries
 * that `only` lets through. */
bool tb_compare_is_study(const char *path);
timbang_status tb_compare_read_study(const tb_compare_reader *reader, const char *path, size_t input,
                                     tb_entries *entries, tb_error *err);

/* '*' any characters, '?' one; whole text, case-sensitive. */
bool tb_glob(const char *pattern, const char *text);

#endif
