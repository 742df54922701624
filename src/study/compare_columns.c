/* SPDX-License-Identifier: Apache-2.0
 * Usual names of the columns of prediction tables.
 * Includes: study/compare_columns.h, base. Called by: study/compare_read. */
#include "study/compare_columns.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { PLAIN_BYTES = 128 };

/* In the order of preference. */
static const char *const text_names[] = {"text", "kalimat", "tweet", "teks", "content", "sentence", "review", NULL};
static const char *const truth_names[] = {
    "true label",   "label true",    "truth",        "ground truth",   "gold",       "gold label", "y true",
    "true",         "actual",        "actual label", "true sentiment", "true class", "label asli", "label sebenarnya",
    "label aktual", "sentimen asli", "reference",    "expected",       "target",     "label",      NULL};
static const char *const pred_names[] = {"pred label",
                                         "label pred",
                                         "predicted label",
                                         "prediction",
                                         "predicted",
                                         "y pred",
                                         "pred",
                                         "predictions",
                                         "prediksi",
                                         "label prediksi",
                                         "preds",
                                         "predicted class",
                                         "pred class",
                                         "predicted sentiment",
                                         "pred sentiment",
                                         "prediction label",
                                         "sentimen prediksi",
                                         "hasil prediksi",
                                         "model prediction",
                                         "y hat",
                                         "yhat",
                                         "hypothesis",
                                         "output",
                                         NULL};
static const char *const confidence_names[] = {"confidence",
                                               "pred confidence",
                                               "confidence score",
                                               "conf",
                                               "max prob",
                                               "max probability",
                                               "max proba",
                                               "pred prob",
                                               "pred probability",
                                               "pred score",
                                               "probability",
                                               "prob",
                                               "prediction score",
                                               "keyakinan",
                                               "score",
                                               "skor",
                                               NULL};
static const char *const prob_words[] = {"prob",  "probs",  "proba",   "p",          "probability",  "probabilities",
                                         "score", "scores", "softmax", "confidence", "probabilitas", NULL};
static const char *const logit_words[] = {"logit", "logits", NULL};

/* Lower case, '_', '-', '.' and runs of spaces as one space; cut where it is longer than any known name. */
static const char *plain(const char *name, size_t length, char out[PLAIN_BYTES])
{
    size_t n = 0;
    tb_trim(&name, &length);
    for (size_t i = 0; i < length && n + 1 < PLAIN_BYTES; i++) {
        char c = name[i];
        if (c == '_' || c == '-' || c == '.' || c == '\t')
            c = ' ';
        if (c >= 'A' && c <= 'Z')
            c = (char)(c + ('a' - 'A'));
        if (c != ' ' || (n > 0 && out[n - 1] != ' '))
            out[n++] = c;
    }
    while (n > 0 && out[n - 1] == ' ')
        n--;
    out[n] = '\0';
    return out;
}

static bool listed(const char *const *list, const char *name, size_t length)
{
    char word[PLAIN_BYTES];
    plain(name, length, word);
    for (; *list; list++)
        if (strcmp(*list, word) == 0)
            return true;
    return false;
}

/* The column whose name comes first in the list, none of those in taken. */
static size_t usual(const tb_table *table, const char *const *list, const size_t *taken, size_t n_taken)
{
    char word[PLAIN_BYTES];
    for (; *list; list++)
        for (size_t c = 0; c < tb_table_columns(table); c++) {
            bool free_column = true;
            for (size_t i = 0; i < n_taken; i++)
                free_column = free_column && taken[i] != c;
            const char *name = tb_table_column(table, c);
            if (free_column && strcmp(plain(name, strlen(name), word), *list) == 0)
                return c;
        }
    return TB_NO_COLUMN;
}

static size_t known(const tb_table *table, enum tb_column_role role, const tb_roles *roles)
{
    for (size_t c = 0; c < tb_table_columns(table); c++) {
        const char *name = tb_table_column(table, c);
        if (c != roles->text && c != roles->truth && c != roles->pred && c != roles->pair &&
            tb_column_known(name, strlen(name)) == role && !listed(confidence_names, name, strlen(name)) &&
            !listed(pred_names, name, strlen(name)))
            return c;
    }
    return TB_NO_COLUMN;
}

static timbang_status no_column(const tb_table *table, const char *role, const char *asked, const char *option,
                                tb_error *err)
{
    tb_text list = {0};
    char shown[72];
    for (size_t c = 0; c < tb_table_columns(table) && list.length < 400; c++) {
        const char *name = tb_table_column(table, c);
        tb_text_printf(&list, "%s%s", c ? ", " : "", tb_data_shown(name, strlen(name), shown));
    }
    TB_TRY(tb_text_finish(&list, err));
    timbang_status status;
    if (asked)
        status = tb_fail(err, TIMBANG_USAGE, "%s: there is no %s column '%s': the columns are %s", tb_table_name(table),
                         role, tb_data_shown(asked, strlen(asked), shown), list.data);
    else
        status = tb_fail(err, TIMBANG_USAGE,
                         "%s: no column is called as columns of %s usually are: the columns are %s (name it with %s)",
                         tb_table_name(table), role, list.data, option);
    tb_text_free(&list);
    return status;
}

static size_t column_called(const tb_table *table, const char *name, size_t length)
{
    char number[24];
    uint64_t value;
    tb_trim(&name, &length);
    for (size_t c = 0; c < tb_table_columns(table); c++)
        if (tb_same_name(tb_table_column(table, c), strlen(tb_table_column(table, c)), name, length))
            return c;
    if (length == 0 || length >= sizeof number)
        return TB_NO_COLUMN;
    memcpy(number, name, length);
    number[length] = '\0';
    if (tb_parse_u64(number, &value) && value >= 1 && value <= tb_table_columns(table))
        return (size_t)value - 1;
    return TB_NO_COLUMN;
}

/* The column that an option asks for; NULL and "" ask for none. */
static timbang_status asked_column(const tb_table *table, const char *role, const char *asked, size_t *column,
                                   tb_error *err)
{
    *column = TB_NO_COLUMN;
    if (!asked || !*asked)
        return TIMBANG_OK;
    *column = column_called(table, asked, strlen(asked));
    for (const char *at = asked; *column == TB_NO_COLUMN && *at;) {
        size_t length = strcspn(at, ",");
        *column = column_called(table, at, length);
        at += length + (at[length] == ',');
    }
    return *column == TB_NO_COLUMN ? no_column(table, role, asked, NULL, err) : TIMBANG_OK;
}

static bool is_number(const char *text)
{
    uint64_t value;
    return text && tb_parse_u64(text, &value);
}

/* Whether the first record is a header: it holds a usual name, or one that is asked for. */
static bool has_header(const tb_table *table, const timbang_data_options *options, const char *pred_column)
{
    if (options->header >= 0 || tb_table_is_jsonl(table))
        return options->header != 0 || tb_table_is_jsonl(table);
    for (size_t c = 0; c < tb_table_columns(table); c++) {
        const char *name = tb_table_column(table, c);
        size_t length = strlen(name);
        if (listed(text_names, name, length) || listed(truth_names, name, length) || listed(pred_names, name, length) ||
            tb_column_known(name, length) != TB_ROLE_NONE || tb_column_wanted(options, name, length) ||
            (pred_column && tb_same_name(name, length, pred_column, strlen(pred_column))))
            return true;
    }
    return !is_number(pred_column); /* only numbers can name columns without a header */
}

/* The label column beside scores is the prediction where nothing else is. */
static bool has_scores(const tb_table *table)
{
    for (size_t c = 0; c < tb_table_columns(table); c++) {
        const char *name = tb_table_column(table, c);
        if (listed(confidence_names, name, strlen(name)) || strncmp(name, "probs.", 6) == 0)
            return true;
    }
    return false;
}

static void guess_labels(const tb_table *table, const timbang_data_options *options, tb_roles *roles)
{
    const size_t taken[] = {roles->text, roles->pair, roles->truth, roles->pred};
    if (roles->pred == TB_NO_COLUMN)
        roles->pred = usual(table, pred_names, taken, 4);
    const size_t also[] = {roles->text, roles->pair, roles->pred};
    bool guess_truth = roles->truth == TB_NO_COLUMN && !options->label_column;
    if (guess_truth)
        roles->truth = usual(table, truth_names, also, 3);
    if (guess_truth && roles->truth == TB_NO_COLUMN)
        roles->truth = known(table, TB_ROLE_LABEL, roles);
    if (roles->pred != TB_NO_COLUMN)
        return;
    size_t label = column_called(table, "label", 5);
    if (label != TB_NO_COLUMN && label != roles->truth) {
        roles->pred = label;
    } else if (label != TB_NO_COLUMN && guess_truth && has_scores(table)) {
        roles->pred = label;
        roles->truth = TB_NO_COLUMN;
    }
}

timbang_status tb_roles_choose(tb_table *table, const timbang_data_options *options, const char *pred_column,
                               tb_roles *roles, tb_error *err)
{
    *roles = (tb_roles){TB_NO_COLUMN, TB_NO_COLUMN, TB_NO_COLUMN, TB_NO_COLUMN, TB_NO_COLUMN};
    if (!has_header(table, options, pred_column))
        TB_TRY(tb_table_headless(table, err));
    TB_TRY(asked_column(table, "text", options->text_column, &roles->text, err));
    TB_TRY(asked_column(table, "pair", options->pair_column, &roles->pair, err));
    TB_TRY(asked_column(table, "label", options->label_column, &roles->truth, err));
    TB_TRY(asked_column(table, "prediction", pred_column, &roles->pred, err));
    const size_t taken[] = {roles->pair, roles->truth, roles->pred};
    if (roles->text == TB_NO_COLUMN && !options->text_column)
        roles->text = usual(table, text_names, taken, 3);
    if (roles->text == TB_NO_COLUMN && !options->text_column)
        roles->text = known(table, TB_ROLE_TEXT, roles);
    guess_labels(table, options, roles);
    if (roles->pred == TB_NO_COLUMN)
        return no_column(table, "predictions", NULL, "--pred-column", err);
    if (roles->pred == roles->truth || roles->pred == roles->text || roles->pred == roles->pair ||
        (roles->truth != TB_NO_COLUMN && (roles->truth == roles->text || roles->truth == roles->pair)))
        return tb_fail(err, TIMBANG_USAGE, "%s: text, label, pair and prediction must be different columns",
                       tb_table_name(table));
    const size_t rest[] = {roles->text, roles->pair, roles->truth, roles->pred};
    roles->confidence = usual(table, confidence_names, rest, 4);
    return TIMBANG_OK;
}

/* ---- Scores ---- */

/* The label part of "prob_LABEL" or "LABEL_prob": false where the name has no such word at an end. */
static bool label_part(const char *name, const char *const *words, const char **label, size_t *length)
{
    static const char separators[] = "_-. (";
    size_t whole = strlen(name), first = strcspn(name, separators), last = whole;
    while (last > 0 && !strchr(separators, name[last - 1]))
        last--;
    if (first < whole && listed(words, name, first)) {
        *label = name + first + 1;
        *length = whole - first - 1 - (name[first] == '(' && name[whole - 1] == ')');
    } else if (last > 0 && listed(words, name + last, whole - last)) {
        *label = name;
        *length = last - 1;
    } else {
        return false;
    }
    tb_trim(label, length);
    return *length > 0;
}

/* words NULL: columns named as the labels themselves. */
static timbang_status collect(const tb_table *table, const tb_roles *roles, tb_classes *classes,
                              const char *const *words, tb_score_columns *scores, tb_error *err)
{
    size_t known_labels = 0;
    scores->n = 0;
    for (int pass = 0; pass < 2; pass++) /* labels that no row names count where others of the kind are known */
        for (size_t c = 0; c < tb_table_columns(table); c++) {
            const char *name = tb_table_column(table, c), *label = name;
            size_t length = strlen(label);
            if (c == roles->text || c == roles->pair || c == roles->truth || c == roles->pred ||
                (words && !label_part(label, words, &label, &length)) || length == 0)
                continue;
            int class = tb_classes_find(classes, label, length);
            if (pass == 0) {
                known_labels += class != TB_NO_CLASS;
                continue;
            }
            if (class == TB_NO_CLASS && words && known_labels > 0 && !listed(confidence_names, name, strlen(name)))
                TB_TRY(tb_classes_pred(classes, label, length, &class, err));
            bool twice = class == TB_NO_CLASS || scores->n == TB_MAX_CLASSES;
            for (size_t i = 0; i < scores->n; i++)
                twice = twice || scores->class[i] == class;
            if (twice)
                continue;
            scores->column[scores->n] = c;
            scores->class[scores->n++] = class;
        }
    return TIMBANG_OK;
}

static bool covers(const tb_score_columns *scores, const bool *used, size_t n_classes)
{
    for (size_t c = 0; c < n_classes; c++) {
        bool found = !used[c];
        for (size_t i = 0; i < scores->n; i++)
            found = found || scores->class[i] == (int)c;
        if (!found)
            return false;
    }
    return scores->n >= 2;
}

timbang_status tb_roles_scores(const tb_table *table, const tb_roles *roles, tb_classes *classes, const bool *used,
                               tb_score_columns *scores, bool *partial, tb_error *err)
{
    const char *const *kinds[] = {prob_words, NULL, logit_words};
    *partial = false;
    for (int k = 0; k < 3; k++) {
        size_t before = classes->n;
        TB_TRY(collect(table, roles, classes, kinds[k], scores, err));
        scores->logits = k == 2;
        if (covers(scores, used, before))
            return TIMBANG_OK;
        *partial = *partial || scores->n > 0;
    }
    scores->n = 0;
    return TIMBANG_OK;
}
