/* Columns: known names, a survey of their contents, which one is the text, the label, the pair.
 * Includes: base, timbang.h. Called by: sniff, table, jsonl. SPDX-License-Identifier: Apache-2.0 */
#ifndef TB_DATA_COLUMNS_H
#define TB_DATA_COLUMNS_H

#include "base/mem.h"

#define TB_NO_COLUMN SIZE_MAX

/* Guesses look at so many rows from the start of the file, and at so many columns. */
enum { TB_SURVEY_ROWS = 2000, TB_SURVEY_COLUMNS = 64 };

enum tb_column_role { TB_ROLE_NONE, TB_ROLE_TEXT, TB_ROLE_LABEL };

/* What a column of this name usually holds. Case, surrounding spaces and '_', '-', '.' for a space do not matter. */
enum tb_column_role tb_column_known(const char *name, size_t length);
/* Whether the options ask for a column by this name. */
bool tb_column_wanted(const timbang_data_options *options, const char *name, size_t length);

/* What was seen in a column. */
typedef struct tb_column_seen {
    uint64_t rows; /* with something in it, at most TB_SURVEY_ROWS */
    uint64_t bytes;
    uint64_t distinct;
    uint64_t words;     /* values that are usual label names */
    uint64_t integers;  /* values that are whole numbers */
    uint64_t letters;   /* values that begin with a letter and hold no digit */
    bool repeats_first; /* the first record's value occurs again */
    bool first_integer, first_word, first_empty;
    size_t first_length;
    bool first_spaces;
    uint64_t first_hash;
    uint64_t *hashes; /* of the distinct values: open addressing */
} tb_column_seen;

typedef struct tb_survey {
    tb_column_seen columns[TB_SURVEY_COLUMNS];
} tb_survey;

timbang_status tb_survey_create(tb_survey **survey, tb_error *err);
void tb_survey_free(tb_survey *survey);
/* A value of the first record, which may be a header: noted, not counted. */
void tb_survey_first(tb_survey *survey, size_t column, const char *value, size_t length);
timbang_status tb_survey_add(tb_survey *survey, size_t column, const char *value, size_t length, tb_error *err);

/* The columns of a file and their parts. */
typedef struct tb_columns {
    const char **names; /* trimmed; "1", "2", ... without a header */
    size_t n;
    size_t text, label, pair; /* TB_NO_COLUMN: none */
    bool header;
    bool guessed_header, guessed_text, guessed_label;
} tb_columns;

/* Whether the first record, whose values are names[0..n), is a header, where the options leave it open:
 *   - yes if a column that the options ask for by name is in it,
 *   - yes if it holds both a usual name of a text and of a label column,
 *   - yes if it holds one of them, and none of its values occurs again in the same column,
 *   - yes if another column is whole numbers in every other row (three at least) and something else here,
 *   - yes if its value in the column that looks most like labels is one that no other row has, while the others' are
 *     few (ten rows or more, at most twenty values, each on two rows in the mean) or all usual label names, and its
 *     value in the longest column is one short word where the others hold texts,
 *   - else no. */
bool tb_header_guess(const timbang_data_options *options, const char *const *names, size_t n, const tb_survey *survey);

/* Fills text, label and pair (and the guessed flags) from the options, the names and the survey:
 *   - a column that is asked for: by name (case-insensitive), else by number from 1;
 *   - a label column: the usual name that comes first in our list, else the column that looks most like labels (few
 *     distinct short values; usual label names weigh most);
 *   - a text column: the usual name that comes first in our list, else the one with the longest mean length.
 * `where` is the file, for messages. */
timbang_status tb_columns_choose(tb_columns *columns, const char *where, const timbang_data_options *options,
                                 const tb_survey *survey, tb_error *err);

/* value for a message: control characters replaced, cut after 60 bytes at a character. */
const char *tb_data_shown(const char *value, size_t length, char out[72]);

/* ASCII, whatever the locale. */
bool tb_same_name(const char *a, size_t a_length, const char *b, size_t b_length); /* but for case */
void tb_trim(const char **data, size_t *length);                                   /* white space at both ends */

#endif
