/* Which column is what: known names first, contents second. Everything guessed is recorded by the caller.
 * Includes: base. Called by: sniff, table, jsonl. SPDX-License-Identifier: Apache-2.0 */
#include "data/columns.h"

#include "base/rng.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* In the order of preference, where a file has several. */
static const char *const text_names[] = {
    "text",    "tweet",       "text tweet", "tweet text",  "full text",  "teks",     "kalimat",   "review",
    "reviews", "review text", "ulasan",     "teks ulasan", "isi ulasan", "sentence", "sentences", "content",
    "comment", "comments",    "komentar",   "konten",      "isi",        "opini",    "cuitan",    "message",
    "pesan",   "body",        "document",   "dokumen",     "post",       "caption",  "utterance", "input",
    "premise", "sentence1",   "text a",     "clean text",  "text clean", "title",    "judul",
};
static const char *const label_names[] = {
    "label",      "labels",     "sentiment", "sentimen", "sentiments", "label sentimen", "sentiment label", "category",
    "kategori",   "class",      "kelas",     "polarity", "polaritas",  "emotion",        "emosi",           "emotions",
    "label text", "gold label", "gold",      "target",   "y",          "stance",         "topic",           "topik",
    "nilai",      "rating",     "stars",     "score",    "skor",
};
static const char *const label_words[] = {
    "positive", "negative", "neutral", "positif", "negatif", "netral", "pos",  "neg", "neu",      "mixed",   "campuran",
    "happy",    "sad",      "sadness", "anger",   "angry",   "fear",   "love", "joy", "surprise", "disgust", "senang",
    "sedih",    "marah",    "takut",   "cinta",   "true",    "false",  "yes",  "no",  "ya",       "tidak",
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { HASH_SLOTS = 4096 }; /* more than twice TB_SURVEY_ROWS */
_Static_assert(HASH_SLOTS >= 2 * TB_SURVEY_ROWS, "the table of distinct values must stay half empty");

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

void tb_trim(const char **data, size_t *length)
{
    while (*length > 0 && is_space((*data)[0])) {
        (*data)++;
        (*length)--;
    }
    while (*length > 0 && is_space((*data)[*length - 1]))
        (*length)--;
}

bool tb_same_name(const char *a, size_t a_length, const char *b, size_t b_length)
{
    if (a_length != b_length)
        return false;
    for (size_t i = 0; i < a_length; i++) {
        if (lower(a[i]) != lower(b[i]))
            return false;
    }
    return true;
}

const char *tb_data_shown(const char *value, size_t length, char out[72])
{
    size_t n = length <= 60 ? length : 60;
    while (n < length && n > 0 && ((unsigned char)value[n] & 0xC0) == 0x80)
        n--;
    for (size_t i = 0; i < n; i++)
        out[i] = (unsigned char)value[i] < 0x20 || value[i] == 0x7F ? '?' : value[i];
    memcpy(out + n, n < length ? "..." : "", n < length ? 4 : 1);
    return out;
}

/* Trimmed, lower case, '_' '-' '.' and runs of spaces as one space. Length, or 0 where it is longer than any known. */
static size_t plain_name(const char *name, size_t length, char out[32])
{
    tb_trim(&name, &length);
    size_t n = 0;
    for (size_t i = 0; i < length; i++) {
        char c = lower(name[i]);
        if (c == '_' || c == '-' || c == '.' || is_space(c))
            c = ' ';
        if (c == ' ' && (n == 0 || out[n - 1] == ' '))
            continue;
        if (n == 31)
            return 0;
        out[n++] = c;
    }
    while (n > 0 && out[n - 1] == ' ')
        n--;
    out[n] = '\0';
    return n;
}

/* Index of the name in a list, or SIZE_MAX. */
static size_t rank_in(const char *const *list, size_t n_list, const char *name, size_t length)
{
    char plain[32];
    if (plain_name(name, length, plain) == 0)
        return SIZE_MAX;
    for (size_t i = 0; i < n_list; i++) {
        if (strcmp(list[i], plain) == 0)
            return i;
    }
    return SIZE_MAX;
}

enum tb_column_role tb_column_known(const char *name, size_t length)
{
    if (rank_in(text_names, COUNT(text_names), name, length) != SIZE_MAX)
        return TB_ROLE_TEXT;
    if (rank_in(label_names, COUNT(label_names), name, length) != SIZE_MAX)
        return TB_ROLE_LABEL;
    return TB_ROLE_NONE;
}

static bool asks_for(const char *spec, const char *name, size_t length)
{
    uint64_t number;
    if (spec == NULL || spec[0] == '\0' || tb_parse_u64(spec, &number))
        return false;
    size_t spec_length = strlen(spec);
    tb_trim(&spec, &spec_length);
    tb_trim(&name, &length);
    return spec_length > 0 && tb_same_name(spec, spec_length, name, length);
}

bool tb_column_wanted(const timbang_data_options *options, const char *name, size_t length)
{
    return asks_for(options->text_column, name, length) || asks_for(options->label_column, name, length) ||
           asks_for(options->pair_column, name, length);
}

/* ---- survey ---- */

timbang_status tb_survey_create(tb_survey **survey, tb_error *err)
{
    *survey = tb_calloc(1, sizeof **survey, err);
    return *survey == NULL ? TIMBANG_NO_MEMORY : TIMBANG_OK;
}

void tb_survey_free(tb_survey *survey)
{
    if (survey == NULL)
        return;
    for (size_t c = 0; c < TB_SURVEY_COLUMNS; c++)
        free(survey->columns[c].hashes);
    free(survey);
}

static bool is_integer(const char *value, size_t length)
{
    size_t i = length > 0 && (value[0] == '-' || value[0] == '+') ? 1 : 0;
    if (i == length)
        return false;
    for (; i < length; i++) {
        if (value[i] < '0' || value[i] > '9')
            return false;
    }
    return true;
}

static bool is_letters(const char *value, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (value[i] >= '0' && value[i] <= '9')
            return false;
    }
    char first = length > 0 ? lower(value[0]) : '0';
    return (first >= 'a' && first <= 'z') || (unsigned char)first >= 0x80;
}

/* 0 marks a free slot. */
static uint64_t value_hash(const char *value, size_t length)
{
    uint64_t hash = tb_hash64(value, length);
    return hash == 0 ? 1 : hash;
}

void tb_survey_first(tb_survey *survey, size_t column, const char *value, size_t length)
{
    if (column >= TB_SURVEY_COLUMNS)
        return;
    tb_trim(&value, &length);
    tb_column_seen *seen = &survey->columns[column];
    seen->first_hash = value_hash(value, length);
    seen->first_integer = is_integer(value, length);
    seen->first_word = rank_in(label_words, COUNT(label_words), value, length) != SIZE_MAX;
    seen->first_empty = length == 0;
    seen->first_length = length;
    seen->first_spaces = length > 0 && memchr(value, ' ', length) != NULL;
}

timbang_status tb_survey_add(tb_survey *survey, size_t column, const char *value, size_t length, tb_error *err)
{
    if (column >= TB_SURVEY_COLUMNS)
        return TIMBANG_OK;
    tb_column_seen *seen = &survey->columns[column];
    tb_trim(&value, &length);
    if (length == 0 || seen->rows == TB_SURVEY_ROWS)
        return TIMBANG_OK;
    if (seen->hashes == NULL) {
        seen->hashes = tb_calloc(HASH_SLOTS, sizeof *seen->hashes, err);
        if (seen->hashes == NULL)
            return TIMBANG_NO_MEMORY;
    }
    seen->rows++;
    seen->bytes += length;
    seen->words += rank_in(label_words, COUNT(label_words), value, length) != SIZE_MAX;
    seen->integers += is_integer(value, length);
    seen->letters += is_letters(value, length);
    uint64_t hash = value_hash(value, length);
    seen->repeats_first = seen->repeats_first || (hash == seen->first_hash && !seen->first_empty);
    size_t slot = (size_t)(hash % HASH_SLOTS);
    while (seen->hashes[slot] != 0 && seen->hashes[slot] != hash)
        slot = (slot + 1) % HASH_SLOTS;
    if (seen->hashes[slot] == 0) {
        seen->hashes[slot] = hash;
        seen->distinct++;
    }
    return TIMBANG_OK;
}

/* ---- guesses ---- */

static double mean_length(const tb_column_seen *seen)
{
    return seen->rows == 0 ? 0.0 : (double)seen->bytes / (double)seen->rows;
}

/* How much a column looks like labels: larger is more; negative infinity is never. */
static double label_score(const tb_column_seen *seen)
{
    if (seen->rows == 0 || mean_length(seen) > 48.0)
        return -1e9;
    double n = (double)seen->rows;
    double score = 2.0 * (double)seen->words / n + 0.3 * (double)seen->integers / n + 0.5 * (double)seen->letters / n;
    score += 1.0 - (double)seen->distinct / n;
    score -= (double)seen->distinct / 50.0;
    score -= mean_length(seen) / 100.0;
    if (seen->distinct == 1 && seen->rows >= 3)
        score -= 1.0;
    return score;
}

/* Values repeat, or most are usual label names; a handful of rows proves nothing either way. */
static bool label_plausible(const tb_column_seen *seen)
{
    return seen->rows < 10 || 2 * seen->distinct <= seen->rows || 2 * seen->words >= seen->rows;
}

static size_t guess_label(const tb_survey *survey, size_t n, size_t not_a, size_t not_b)
{
    size_t best = TB_NO_COLUMN;
    double best_score = -1e8;
    for (size_t c = 0; c < n && c < TB_SURVEY_COLUMNS; c++) {
        if (c == not_a || c == not_b || !label_plausible(&survey->columns[c]))
            continue;
        double score = label_score(&survey->columns[c]);
        if (score >= best_score) { /* of equals the last: texts usually come first */
            best = c;
            best_score = score;
        }
    }
    return best;
}

static size_t guess_text(const tb_survey *survey, size_t n, size_t not_a, size_t not_b)
{
    size_t best = TB_NO_COLUMN;
    double longest = -1.0;
    for (size_t c = 0; c < n && c < TB_SURVEY_COLUMNS; c++) {
        if (c == not_a || c == not_b)
            continue;
        if (mean_length(&survey->columns[c]) > longest) {
            best = c;
            longest = mean_length(&survey->columns[c]);
        }
    }
    return best;
}

static bool header_by_content(const tb_survey *survey, size_t n)
{
    if (n < 2)
        return false;
    for (size_t c = 0; c < n && c < TB_SURVEY_COLUMNS; c++) {
        const tb_column_seen *seen = &survey->columns[c];
        if (seen->rows >= 3 && seen->integers == seen->rows && !seen->first_integer && !seen->first_empty &&
            seen->first_length <= 40)
            return true;
    }
    size_t label = guess_label(survey, n, TB_NO_COLUMN, TB_NO_COLUMN);
    size_t text = guess_text(survey, n, label, TB_NO_COLUMN);
    if (label == TB_NO_COLUMN || text == TB_NO_COLUMN)
        return false;
    const tb_column_seen *labels = &survey->columns[label];
    const tb_column_seen *texts = &survey->columns[text];
    bool few = labels->rows >= 10 && labels->distinct <= 20 && 2 * labels->distinct <= labels->rows;
    bool usual = labels->rows >= 2 && labels->words == labels->rows && !labels->first_word;
    return (few || usual) && !labels->repeats_first && !labels->first_empty && !labels->first_integer &&
           labels->first_length <= 20 && mean_length(texts) >= 20.0 && !texts->first_empty && !texts->first_spaces &&
           texts->first_length <= 20;
}

bool tb_header_guess(const timbang_data_options *options, const char *const *names, size_t n, const tb_survey *survey)
{
    size_t texts = 0;
    size_t labels = 0;
    bool repeats = false;
    for (size_t c = 0; c < n; c++) {
        size_t length = strlen(names[c]);
        if (tb_column_wanted(options, names[c], length))
            return true;
        enum tb_column_role role = tb_column_known(names[c], length);
        texts += role == TB_ROLE_TEXT;
        labels += role == TB_ROLE_LABEL;
        repeats = repeats || (c < TB_SURVEY_COLUMNS && survey->columns[c].repeats_first);
    }
    if (texts > 0 && labels > 0)
        return true;
    if (texts + labels > 0)
        return !repeats;
    return header_by_content(survey, n);
}

/* "a, b, c": the columns there are, for a message. */
static const char *column_list(const tb_columns *columns, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t c = 0; c < columns->n; c++) {
        char shown[72];
        tb_data_shown(columns->names[c], strlen(columns->names[c]), shown);
        size_t length = strlen(shown);
        if (used + length + 8 > size) {
            memcpy(out + used, ", ...", 6);
            break;
        }
        if (c > 0) {
            memcpy(out + used, ", ", 2);
            used += 2;
        }
        memcpy(out + used, shown, length + 1);
        used += length;
    }
    return out;
}

static timbang_status no_such_column(const tb_columns *columns, const char *where, const char *role, const char *spec,
                                     tb_error *err)
{
    char shown[72];
    char list[512];
    tb_data_shown(spec, strlen(spec), shown);
    if (!columns->header && columns->n == 1)
        return tb_fail(err, TIMBANG_USAGE, "%s: there is no %s column '%s': the file has one column and no header",
                       where, role, shown);
    if (!columns->header)
        return tb_fail(err, TIMBANG_USAGE,
                       "%s: there is no %s column '%s': the file has no header, its columns are numbered 1 to %zu",
                       where, role, shown, columns->n);
    return tb_fail(err, TIMBANG_USAGE, "%s: there is no %s column '%s': the columns are %s", where, role, shown,
                   column_list(columns, list, sizeof list));
}

static timbang_status find_column(const tb_columns *columns, const char *where, const char *role, const char *spec,
                                  size_t *found, tb_error *err)
{
    const char *name = spec;
    size_t length = strlen(spec);
    tb_trim(&name, &length);
    for (size_t c = 0; c < columns->n; c++) {
        if (tb_same_name(columns->names[c], strlen(columns->names[c]), name, length)) {
            *found = c;
            return TIMBANG_OK;
        }
    }
    uint64_t number;
    if (tb_parse_u64(spec, &number) && number >= 1 && number <= columns->n) {
        *found = (size_t)number - 1;
        return TIMBANG_OK;
    }
    return no_such_column(columns, where, role, spec, err);
}

static size_t known_column(const tb_columns *columns, const char *const *list, size_t n_list, size_t not_a,
                           size_t not_b)
{
    size_t best = TB_NO_COLUMN;
    size_t best_rank = SIZE_MAX;
    for (size_t c = 0; c < columns->n; c++) {
        size_t rank = rank_in(list, n_list, columns->names[c], strlen(columns->names[c]));
        if (c != not_a && c != not_b && rank < best_rank) {
            best = c;
            best_rank = rank;
        }
    }
    return best;
}

/* The column that a guess of the text passes over: the labels, also where they are not wanted. */
static size_t column_aside(const tb_columns *columns, const tb_survey *survey)
{
    if (columns->label != TB_NO_COLUMN || columns->n - (columns->pair != TB_NO_COLUMN) < 2)
        return columns->label;
    size_t known = TB_NO_COLUMN;
    if (columns->header)
        known = known_column(columns, label_names, COUNT(label_names), columns->pair, TB_NO_COLUMN);
    if (known != TB_NO_COLUMN)
        return known;
    size_t guessed = guess_label(survey, columns->n, columns->pair, TB_NO_COLUMN);
    if (guessed == TB_NO_COLUMN || 2 * survey->columns[guessed].words < survey->columns[guessed].rows)
        return TB_NO_COLUMN;
    return guessed;
}

static timbang_status choose_label(tb_columns *columns, const char *where, const tb_survey *survey, tb_error *err)
{
    char list[512];
    columns->guessed_label = true;
    if (columns->header)
        columns->label = known_column(columns, label_names, COUNT(label_names), columns->text, columns->pair);
    if (columns->label != TB_NO_COLUMN)
        return TIMBANG_OK;
    if (columns->n == 1)
        return tb_fail(err, TIMBANG_DATA, "%s: there is one column only, so there are no labels", where);
    /* A usual text name keeps its column out of the running. */
    size_t text = columns->text;
    if (text == TB_NO_COLUMN && columns->header)
        text = known_column(columns, text_names, COUNT(text_names), columns->pair, TB_NO_COLUMN);
    columns->label = guess_label(survey, columns->n, text, columns->pair);
    if (columns->label == TB_NO_COLUMN && columns->header)
        return tb_fail(err, TIMBANG_DATA, "%s: no column looks like labels; name one of %s", where,
                       column_list(columns, list, sizeof list));
    if (columns->label == TB_NO_COLUMN)
        return tb_fail(err, TIMBANG_DATA, "%s: no column looks like labels; name one by its number, 1 to %zu", where,
                       columns->n);
    return TIMBANG_OK;
}

timbang_status tb_columns_choose(tb_columns *columns, const char *where, const timbang_data_options *options,
                                 const tb_survey *survey, tb_error *err)
{
    columns->text = columns->label = columns->pair = TB_NO_COLUMN;
    bool want_labels = options->label_column == NULL || options->label_column[0] != '\0';
    if (options->text_column != NULL && options->text_column[0] != '\0')
        TB_TRY(find_column(columns, where, "text", options->text_column, &columns->text, err));
    if (options->pair_column != NULL && options->pair_column[0] != '\0')
        TB_TRY(find_column(columns, where, "pair", options->pair_column, &columns->pair, err));
    if (options->label_column != NULL && want_labels)
        TB_TRY(find_column(columns, where, "label", options->label_column, &columns->label, err));
    if (want_labels && columns->label == TB_NO_COLUMN)
        TB_TRY(choose_label(columns, where, survey, err));
    if (columns->text == TB_NO_COLUMN) {
        columns->guessed_text = true;
        if (columns->header)
            columns->text = known_column(columns, text_names, COUNT(text_names), columns->label, columns->pair);
        if (columns->text == TB_NO_COLUMN)
            columns->text = guess_text(survey, columns->n, column_aside(columns, survey), columns->pair);
    }
    if (columns->text == TB_NO_COLUMN)
        return tb_fail(err, TIMBANG_DATA, "%s: there is no column left for the text", where);
    if (columns->text == columns->label || columns->text == columns->pair ||
        (columns->label == columns->pair && columns->label != TB_NO_COLUMN))
        return tb_fail(err, TIMBANG_USAGE, "%s: text, label and pair must be different columns", where);
    return TIMBANG_OK;
}
