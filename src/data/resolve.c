/* Labels of a finished data set: which there are, and which class of a model each row means.
 * Includes: base, columns.h. Called by: dataset, eval, study. SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "data/columns.h"
#include "data/dataset.h"

#include <stdlib.h>
#include <string.h>

static int by_bytes(const void *a, const void *b)
{
    const char *const *x = a;
    const char *const *y = b;
    return strcmp(*x, *y);
}

/* Rows of one label share one string, so that distinct labels are distinct pointers: sorted as numbers, then by name.
 */
static int by_address(const void *a, const void *b)
{
    const char *const *x = a;
    const char *const *y = b;
    return ((uintptr_t)*x > (uintptr_t)*y) - ((uintptr_t)*x < (uintptr_t)*y);
}

static size_t distinct_pointers(const tb_dataset *dataset, const char **found)
{
    size_t n = dataset->has_labels ? dataset->n : 0;
    for (size_t i = 0; i < n; i++)
        found[i] = dataset->rows[i].label;
    qsort(found, n, sizeof *found, by_address);
    size_t distinct = 0;
    for (size_t i = 0; i < n; i++) {
        if (distinct == 0 || found[distinct - 1] != found[i])
            found[distinct++] = found[i];
    }
    return distinct;
}

timbang_status tb_dataset_labels(const tb_dataset *dataset, char ***labels, size_t *n, tb_error *err)
{
    const char **found = tb_calloc(dataset->n, sizeof *found, err);
    if (found == NULL)
        return TIMBANG_NO_MEMORY;
    size_t distinct = distinct_pointers(dataset, found);
    qsort(found, distinct, sizeof *found, by_bytes);
    char **copies = tb_calloc(distinct, sizeof *copies, err);
    bool failed = copies == NULL;
    size_t kept = 0;
    for (size_t i = 0; i < distinct && !failed; i++) {
        if (kept > 0 && strcmp(copies[kept - 1], found[i]) == 0)
            continue;
        copies[kept] = tb_strdup(found[i], err);
        failed = copies[kept] == NULL;
        kept += !failed;
    }
    free(found);
    if (failed) {
        tb_labels_free(copies, kept);
        return TIMBANG_NO_MEMORY;
    }
    *labels = copies;
    *n = kept;
    return TIMBANG_OK;
}

void tb_labels_free(char **labels, size_t n)
{
    for (size_t i = 0; labels != NULL && i < n; i++)
        free(labels[i]);
    free(labels);
}

/* A whole number, also as a table of reals writes it: "2", "2.0". */
static bool whole_number(const char *label, size_t length, size_t *value)
{
    size_t digits = 0;
    size_t number = 0;
    while (digits < length && label[digits] >= '0' && label[digits] <= '9') {
        if (digits == 9)
            return false;
        number = number * 10 + (size_t)(label[digits] - '0');
        digits++;
    }
    if (digits == 0)
        return false;
    for (size_t i = digits; i < length; i++) {
        if (label[i] != (i == digits ? '.' : '0') || length == digits + 1)
            return false;
    }
    *value = number;
    return true;
}

static int32_t class_of(const char *label, const char *const *labels, size_t n_labels)
{
    size_t length = strlen(label);
    tb_trim(&label, &length);
    int32_t other_case = -1;
    for (size_t c = 0; c < n_labels; c++) {
        const char *name = labels[c];
        size_t name_length = strlen(name);
        tb_trim(&name, &name_length);
        if (name_length == length && memcmp(name, label, length) == 0)
            return (int32_t)c;
        if (other_case < 0 && tb_same_name(name, name_length, label, length))
            other_case = (int32_t)c;
    }
    size_t number; /* digits have no case: a number that is a name was found above */
    if (whole_number(label, length, &number) && number < n_labels)
        return (int32_t)number;
    return other_case;
}

static timbang_status unknown_label(const tb_dataset *dataset, const tb_row *row, const char *const *labels,
                                    size_t n_labels, tb_error *err)
{
    char shown[72];
    tb_text list = {0};
    for (size_t c = 0; c < n_labels && list.length < 300; c++) {
        char name[72];
        tb_text_puts(&list, c > 0 ? ", " : "");
        tb_text_puts(&list, tb_data_shown(labels[c], strlen(labels[c]), name));
        if (list.length >= 300 && c + 1 < n_labels)
            tb_text_puts(&list, ", ...");
    }
    timbang_status status = tb_text_finish(&list, err);
    if (status == TIMBANG_OK) {
        tb_data_shown(row->label, strlen(row->label), shown);
        status = tb_fail(err, TIMBANG_DATA,
                         "%s: row %llu: label '%s' is not one of %s (map it with --label-map %s=..., or drop such rows "
                         "with --drop-labels)",
                         dataset->name, (unsigned long long)row->line, shown, list.data, shown);
    }
    tb_text_free(&list);
    return status;
}

timbang_status tb_dataset_resolve(const tb_dataset *dataset, const char *const *labels, size_t n_labels, int32_t *truth,
                                  tb_error *err)
{
    if (!dataset->has_labels)
        return tb_fail(err, TIMBANG_USAGE, "%s: the data has no labels", dataset->name);
    if (n_labels == 0 || n_labels > INT32_MAX)
        return tb_fail(err, TIMBANG_USAGE, "%s: there are %zu labels to choose from", dataset->name, n_labels);
    const char *last = NULL; /* rows of one label share one string */
    int32_t class = -1;
    for (size_t i = 0; i < dataset->n; i++) {
        const tb_row *row = &dataset->rows[i];
        if (row->label != last) {
            class = class_of(row->label, labels, n_labels);
            if (class < 0)
                return unknown_label(dataset, row, labels, n_labels, err);
            last = row->label;
        }
        truth[i] = class;
    }
    return TIMBANG_OK;
}
