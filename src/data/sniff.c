/* Which delimiter, which quotes: the rules stand in sniff.h. Includes: base, columns.h. Called by: table.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/sniff.h"

#include "data/columns.h"

#include <stdlib.h>
#include <string.h>

enum { SAMPLE_RECORDS = 2000 };

/* The shape of a file under one dialect. */
typedef struct shape {
    uint64_t records;
    uint64_t modal; /* records with the most common number of fields */
    size_t columns; /* that number; of equals the first record's where it is two or more, else the larger */
    size_t first;   /* number of fields of the first record */
    size_t names;   /* known or wanted column names in the first record */
    bool even;      /* all records have the same number of fields, and no quote is out of place */
    uint64_t quoted, doubled, special;
    uint64_t commas_quoted, commas_plain; /* fields with a comma, quoted and not */
    bool column_quoted;                   /* a column of two or more filled fields, all of them quoted */
} shape;

typedef struct tally {
    uint64_t widths[TB_MAX_COLUMNS + 2]; /* the last is for all wider ones */
    uint64_t filled[TB_SURVEY_COLUMNS];
    uint64_t quoted[TB_SURVEY_COLUMNS];
} tally;

static void count_record(const tb_records *records, shape *found, tally *counts)
{
    size_t n = records->n_fields <= TB_MAX_COLUMNS ? records->n_fields : TB_MAX_COLUMNS + 1;
    counts->widths[n]++;
    for (size_t c = 0; c < n && c < TB_SURVEY_COLUMNS; c++) {
        const tb_field *field = &records->fields[c];
        bool comma = field->length > 0 && memchr(field->data, ',', field->length) != NULL;
        counts->filled[c] += field->length > 0 || field->quoted;
        counts->quoted[c] += field->quoted;
        found->commas_quoted += comma && field->quoted;
        found->commas_plain += comma && !field->quoted;
    }
}

static size_t count_names(const tb_records *records, const timbang_data_options *options)
{
    size_t names = 0;
    for (size_t c = 0; c < records->n_fields && c < TB_SURVEY_COLUMNS; c++) {
        const tb_field *field = &records->fields[c];
        if (!field->escaped)
            names += tb_column_known(field->data, field->length) != TB_ROLE_NONE ||
                     tb_column_wanted(options, field->data, field->length);
    }
    return names;
}

static timbang_status measure(const char *bytes, size_t size, tb_dialect dialect, const timbang_data_options *options,
                              uint64_t max_records, shape *found, tb_error *err)
{
    memset(found, 0, sizeof *found);
    tb_records records;
    TB_TRY(tb_records_open(&records, bytes, size, dialect, err));
    tally *counts = tb_calloc(1, sizeof *counts, err);
    if (counts == NULL) {
        tb_records_close(&records);
        return TIMBANG_NO_MEMORY;
    }
    while (found->records < max_records && tb_records_next(&records)) {
        if (records.blank)
            continue;
        if (found->records == 0) {
            found->names = count_names(&records, options);
            found->first = records.n_fields <= TB_MAX_COLUMNS ? records.n_fields : TB_MAX_COLUMNS + 1;
        }
        found->records++;
        count_record(&records, found, counts);
    }
    for (size_t n = 0; n < TB_MAX_COLUMNS + 2; n++) {
        if (counts->widths[n] > 0 && counts->widths[n] >= found->modal) {
            found->modal = counts->widths[n];
            found->columns = n;
        }
    }
    if (found->first >= 2 && counts->widths[found->first] == found->modal)
        found->columns = found->first;
    for (size_t c = 0; c < TB_SURVEY_COLUMNS; c++)
        found->column_quoted =
            found->column_quoted || (counts->quoted[c] >= 2 && counts->quoted[c] == counts->filled[c]);
    found->even = found->modal == found->records && found->columns <= TB_MAX_COLUMNS && records.unclosed_line == 0 &&
                  records.stray == 0 && records.bare_quotes == 0;
    found->quoted = records.quoted;
    found->doubled = records.doubled;
    found->special = records.special;
    free(counts);
    tb_records_close(&records);
    return TIMBANG_OK;
}

/* Whether quotes count in a file whose writer may not have known quotes. */
static timbang_status quotes_count(const char *bytes, size_t size, tb_dialect dialect,
                                   const timbang_data_options *options, bool *count, tb_error *err)
{
    *count = false;
    if (memchr(bytes, '"', size) == NULL)
        return TIMBANG_OK;
    shape with;
    dialect.quotes = true;
    TB_TRY(measure(bytes, size, dialect, options, UINT64_MAX, &with, err));
    if (!with.even || with.quoted == 0)
        return TIMBANG_OK;
    shape without;
    dialect.quotes = false;
    TB_TRY(measure(bytes, size, dialect, options, UINT64_MAX, &without, err));
    if (without.modal < without.records) {
        *count = true;
    } else if (with.special == 0) {
        bool spreadsheet = with.commas_quoted == with.quoted && with.commas_plain == 0;
        *count = with.doubled > 0 || with.column_quoted || spreadsheet;
    }
    return TIMBANG_OK;
}

static double score(const shape *found)
{
    double share = found->records == 0 ? 0.0 : (double)found->modal / (double)found->records;
    return share + 0.2 * (double)(found->names <= 2 ? found->names : 2);
}

static bool is_candidate(const shape *found)
{
    if (found->columns < 2 || found->columns > TB_MAX_COLUMNS)
        return false;
    return 2 * found->modal >= found->records || found->names >= 2;
}

/* The proof that a file without labels is a table and not plain text. */
static bool is_table(const shape *found, char delimiter, const timbang_data_options *options)
{
    if (found->names > 0 || options->text_column != NULL || options->pair_column != NULL)
        return true;
    if (delimiter == '\t' && 10 * found->modal >= 9 * found->records)
        return true;
    return found->modal == found->records && (found->quoted > 0 || found->records >= 10);
}

static timbang_status sniff_one_column(const char *bytes, size_t size, const timbang_data_options *options,
                                       tb_dialect *dialect, tb_error *err)
{
    /* A table of one column is quoted as if commas divided it. */
    tb_dialect table = {.delimiter = ',', .quotes = true, .newline = dialect->newline};
    bool count;
    TB_TRY(quotes_count(bytes, size, table, options, &count, err));
    if (count) {
        shape with;
        TB_TRY(measure(bytes, size, table, options, SAMPLE_RECORDS, &with, err));
        count = with.columns == 1;
    }
    *dialect = count ? table : (tb_dialect){.delimiter = '\0', .quotes = false, .newline = dialect->newline};
    return TIMBANG_OK;
}

timbang_status tb_sniff(const char *bytes, size_t size, const timbang_data_options *options, tb_dialect *dialect,
                        size_t *columns, tb_error *err)
{
    static const char delimiters[] = {'\t', '|', ';', ','};
    bool want_labels = options->label_column == NULL || options->label_column[0] != '\0';
    bool old_line_ends = memchr(bytes, '\n', size) == NULL && memchr(bytes, '\r', size) != NULL;
    tb_dialect best = {.delimiter = '\0', .newline = old_line_ends ? '\r' : '\n'};
    double best_score = 0.0;
    *columns = 1;
    for (size_t i = 0; i < sizeof delimiters; i++) {
        tb_dialect candidate = {.delimiter = delimiters[i], .quotes = true, .newline = best.newline};
        if (memchr(bytes, delimiters[i], size) == NULL)
            continue;
        if (candidate.delimiter == '\t')
            TB_TRY(quotes_count(bytes, size, candidate, options, &candidate.quotes, err));
        shape found;
        TB_TRY(measure(bytes, size, candidate, options, SAMPLE_RECORDS, &found, err));
        if (!is_candidate(&found) || (!want_labels && !is_table(&found, candidate.delimiter, options)))
            continue;
        if (score(&found) > best_score) {
            best_score = score(&found);
            best = candidate;
            *columns = found.columns;
        }
    }
    if (best.delimiter == '\0')
        TB_TRY(sniff_one_column(bytes, size, options, &best, err));
    *dialect = best;
    return TIMBANG_OK;
}
