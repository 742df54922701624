/* Labelled texts from TSV, CSV or JSONL: reading, columns, labels, stratified limits, duplicates.
 * Includes: base, text, timbang.h. Called by: eval, study, api. */
#ifndef TB_DATA_DATASET_H
#define TB_DATA_DATASET_H

#include "base/json.h"
#include "base/rng.h"

typedef struct tb_row {
    const char *text;
    size_t text_length;
    const char *pair;  /* NULL: none */
    const char *label; /* as the file has it, after label_map; NULL: the data has no labels */
    uint64_t line;     /* of the row's first byte in the file, from 1 */
} tb_row;

typedef struct tb_dataset {
    char *name; /* path, for messages */
    tb_row *rows;
    size_t n;
    bool has_labels;
    json_t *facts; /* what was guessed and found: format, delimiter, header, columns, rows_read, dropped, limited... */
    tb_arena *arena;
} tb_dataset;

/* options as in timbang.h. Errors name file and row: ragged row, unclosed quote, invalid UTF-8, missing label, empty
 * file, no such column (with the columns there are). Rows keep the file's order, also after a limit. In messages, a row
 * is named by its `line`.
 *   Format: by content, not by name: JSON objects one a line, else a table (delimiter and quotes: sniff.h; header and
 * columns: columns.h), else, where label_column is "", plain text with one text a line (there a blank line is an empty
 * text; elsewhere blank lines are skipped). A byte order mark and "\r\n" are taken off; texts are not changed.
 *   Labels: trimmed, mapped, dropped (labels.h). JSONL labels may be numbers (1 and 1.0 are "1") and booleans.
 *   Limit: which rows (sample.h).
 *   facts: path, format ("tsv", "csv", "text", "jsonl"), delimiter, quoting ("rfc4180", "none", "json"), stray_quotes,
 * bom, crlf, header, columns, text_column, label_column, pair_column, guessed {delimiter, header, text_column,
 * label_column}, rows_read, blank_lines_skipped, mapped {from: {to, rows}}, dropped {label: rows}, limited_from (null:
 * not limited), rows, label_counts {label: rows} (null: no labels), empty_texts (nothing but white space).
 *   Log: one line says format, header, columns and rows, and which of them were guessed. */
timbang_status tb_dataset_load(const timbang_data_options *options, const tb_hooks *hooks, tb_dataset **dataset,
                               tb_error *err);
/* Likewise from size bytes of memory, which are not kept; options->path is for messages and facts. */
timbang_status tb_dataset_parse(const timbang_data_options *options, const char *bytes, size_t size,
                                const tb_hooks *hooks, tb_dataset **dataset, tb_error *err);
void tb_dataset_free(tb_dataset *dataset);

/* Distinct labels of the data in byte order (a copy in the caller's array of char *, freed by tb_labels_free). */
timbang_status tb_dataset_labels(const tb_dataset *dataset, char ***labels, size_t *n, tb_error *err);
void tb_labels_free(char **labels, size_t n);
/* truth[i] = index of row i's label among labels: by name (case-insensitive, spaces trimmed), else by number 0..n-1.
 * "FILE: row 17: label 'netral' is not one of positive, neutral, negative (map it with --label-map netral=...)". */
timbang_status tb_dataset_resolve(const tb_dataset *dataset, const char *const *labels, size_t n_labels, int32_t *truth,
                                  tb_error *err);

/* Exact and normalized (lower case, letters and digits only, single spaces) duplicates; conflicting labels among them.
 * Lower case and letters are Unicode's, as the tokenizer knows them; other characters divide words. A text without any
 * letter or digit is compared as it is. Rows with a pair are compared by both. Labels that differ in case only agree.
 * Time and memory are linear in the rows. */
typedef struct tb_duplicates {
    size_t exact, normalized;              /* rows that repeat an earlier row (for `other`: that occur there) */
    size_t conflicting;                    /* of the normalized ones, with another label */
    uint64_t first_line, first_other_line; /* the first such row and the earlier (other) one it repeats; 0: none */
} tb_duplicates;
timbang_status tb_dataset_duplicates(const tb_dataset *dataset, const tb_dataset *other /* NULL: within */,
                                     tb_duplicates *found, tb_error *err);

#endif
