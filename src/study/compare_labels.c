/* SPDX-License-Identifier: Apache-2.0
 * Labels of all inputs as classes of one numbering, through the label map.
 * Includes: study/compare_parts.h, data. Called by: study/compare_read, study/compare_study. */
#include "data/columns.h"
#include "study/compare_parts.h"

#include <stdlib.h>
#include <string.h>

timbang_status tb_classes_open(tb_classes *classes, const char *label_map, const char *drop_labels, tb_error *err)
{
    memset(classes, 0, sizeof *classes);
    timbang_status status = tb_arena_create(4096, &classes->arena, err);
    if (status == TIMBANG_OK)
        status = tb_label_set_open(&classes->truth, classes->arena, label_map, drop_labels, err);
    if (status == TIMBANG_OK)
        status = tb_label_set_open(&classes->pred, classes->arena, label_map, NULL, err);
    if (status == TIMBANG_OK) {
        classes->truth_class = tb_calloc(TB_MAX_LABELS, sizeof *classes->truth_class, err);
        classes->pred_class = tb_calloc(TB_MAX_LABELS, sizeof *classes->pred_class, err);
        status = classes->truth_class && classes->pred_class ? TIMBANG_OK : TIMBANG_NO_MEMORY;
    }
    if (status != TIMBANG_OK)
        tb_classes_close(classes);
    return status;
}

void tb_classes_close(tb_classes *classes)
{
    tb_label_set_close(&classes->truth);
    tb_label_set_close(&classes->pred);
    free(classes->truth_class);
    free(classes->pred_class);
    tb_arena_free(classes->arena);
    memset(classes, 0, sizeof *classes);
}

/* "1.0", as a table of reals writes whole numbers, without its fraction. */
static size_t without_fraction(const char *value, size_t length)
{
    size_t end = length;
    while (end > 0 && value[end - 1] == '0')
        end--;
    if (end < 2 || end == length || value[end - 1] != '.')
        return length;
    for (size_t i = value[0] == '-' ? 1 : 0; i < end - 1; i++)
        if (value[i] < '0' || value[i] > '9')
            return length;
    return end - 1;
}

static int class_named(const tb_classes *classes, const char *name, size_t length)
{
    for (size_t c = 0; c < classes->n; c++)
        if (tb_same_name(classes->names[c], strlen(classes->names[c]), name, length))
            return (int)c;
    return TB_NO_CLASS;
}

static timbang_status name_class(tb_classes *classes, const char *name, int *class, tb_error *err)
{
    *class = class_named(classes, name, strlen(name));
    if (*class != TB_NO_CLASS)
        return TIMBANG_OK;
    if (classes->n == TB_MAX_CLASSES)
        return tb_fail(err, TIMBANG_DATA, "there are more than %d different labels, so this column holds no labels",
                       (int)TB_MAX_CLASSES);
    *class = (int)classes->n;
    classes->names[classes->n++] = name;
    return TIMBANG_OK;
}

static timbang_status class_of(tb_classes *classes, tb_label_set *set, int16_t *known, const char *value, size_t length,
                               int *class, tb_error *err)
{
    size_t n = set->n;
    uint32_t label;
    TB_TRY(tb_label_set_add(set, value, without_fraction(value, length), &label, err));
    if (label == TB_LABEL_DROPPED) {
        *class = TB_NO_CLASS;
        return TIMBANG_OK;
    }
    if (set->n > n) {
        TB_TRY(name_class(classes, set->names[label], class, err));
        known[label] = (int16_t) * class;
    }
    *class = known[label];
    return TIMBANG_OK;
}

timbang_status tb_classes_truth(tb_classes *classes, const char *value, size_t length, int *class, tb_error *err)
{
    return class_of(classes, &classes->truth, classes->truth_class, value, length, class, err);
}

timbang_status tb_classes_pred(tb_classes *classes, const char *value, size_t length, int *class, tb_error *err)
{
    return class_of(classes, &classes->pred, classes->pred_class, value, length, class, err);
}

int tb_classes_find(const tb_classes *classes, const char *name, size_t length)
{
    length = without_fraction(name, length);
    for (size_t i = 0; i < classes->pred.n_maps; i++) {
        const tb_label_rule *rule = &classes->pred.maps[i];
        if (tb_same_name(rule->from, strlen(rule->from), name, length))
            return class_named(classes, rule->to, strlen(rule->to));
    }
    return class_named(classes, name, length);
}
