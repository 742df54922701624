/* Label rules and label names. Includes: base, columns.h. Called by: reading, dataset.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/labels.h"

#include "base/rng.h"
#include "data/columns.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS = 32768 };
_Static_assert(SLOTS > 2 * TB_MAX_LABELS, "the hash table must stay half empty");

struct tb_label_seen {
    const char *value;
    size_t length;
    uint32_t label;
    tb_label_rule *map, *drop; /* NULL: none applies */
};

static bool same(const char *a, const char *b)
{
    return tb_same_name(a, strlen(a), b, strlen(b));
}

static tb_label_rule *find_rule(tb_label_rule *rules, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (same(rules[i].from, name))
            return &rules[i];
    }
    return NULL;
}

static size_t count_items(const char *list)
{
    size_t n = 1;
    for (; *list != '\0'; list++)
        n += *list == ',';
    return n;
}

static timbang_status keep(tb_arena *arena, const char *data, size_t length, const char **kept, tb_error *err)
{
    *kept = tb_arena_strndup(arena, data, length, err);
    return *kept == NULL ? TIMBANG_NO_MEMORY : TIMBANG_OK;
}

static timbang_status parse_map_item(tb_label_set *set, const char *item, size_t length, tb_error *err)
{
    char shown[72];
    const char *sign = length > 0 ? memchr(item, '=', length) : NULL;
    const char *from = item;
    size_t from_length = sign == NULL ? 0 : (size_t)(sign - item);
    const char *to = sign == NULL ? item : sign + 1;
    size_t to_length = sign == NULL ? 0 : length - from_length - 1;
    tb_trim(&from, &from_length);
    tb_trim(&to, &to_length);
    if (from_length == 0 || to_length == 0)
        return tb_fail(err, TIMBANG_USAGE, "label map: '%s' is not of the form from=to",
                       tb_data_shown(item, length, shown));
    tb_label_rule rule = {0};
    TB_TRY(keep(set->arena, from, from_length, &rule.from, err));
    TB_TRY(keep(set->arena, to, to_length, &rule.to, err));
    const tb_label_rule *other = find_rule(set->maps, set->n_maps, rule.from);
    if (other != NULL && strcmp(other->to, rule.to) != 0)
        return tb_fail(err, TIMBANG_USAGE, "label map: '%s' is mapped twice", tb_data_shown(from, from_length, shown));
    if (other == NULL)
        set->maps[set->n_maps++] = rule;
    return TIMBANG_OK;
}

static timbang_status parse_drop_item(tb_label_set *set, const char *item, size_t length, tb_error *err)
{
    tb_trim(&item, &length);
    if (length == 0)
        return tb_fail(err, TIMBANG_USAGE, "labels to drop: there is an empty name in the list");
    tb_label_rule rule = {0};
    TB_TRY(keep(set->arena, item, length, &rule.from, err));
    if (find_rule(set->drops, set->n_drops, rule.from) == NULL)
        set->drops[set->n_drops++] = rule;
    return TIMBANG_OK;
}

typedef timbang_status (*parse_item)(tb_label_set *set, const char *item, size_t length, tb_error *err);

static timbang_status parse_list(tb_label_set *set, const char *list, parse_item parse, tb_label_rule **rules,
                                 tb_error *err)
{
    if (list == NULL || list[0] == '\0')
        return TIMBANG_OK;
    *rules = tb_calloc(count_items(list), sizeof **rules, err);
    if (*rules == NULL)
        return TIMBANG_NO_MEMORY;
    for (;;) {
        size_t length = strcspn(list, ",");
        TB_TRY(parse(set, list, length, err));
        if (list[length] == '\0')
            return TIMBANG_OK;
        list += length + 1;
    }
}

timbang_status tb_label_set_open(tb_label_set *set, tb_arena *arena, const char *label_map, const char *drop_labels,
                                 tb_error *err)
{
    memset(set, 0, sizeof *set);
    set->arena = arena;
    timbang_status status = parse_list(set, label_map, parse_map_item, &set->maps, err);
    if (status == TIMBANG_OK)
        status = parse_list(set, drop_labels, parse_drop_item, &set->drops, err);
    if (status != TIMBANG_OK)
        tb_label_set_close(set);
    return status;
}

void tb_label_set_close(tb_label_set *set)
{
    free(set->maps);
    free(set->drops);
    free(set->names);
    free(set->seen);
    free(set->slots);
    memset(set, 0, sizeof *set);
}

static timbang_status name_index(tb_label_set *set, const char *name, uint32_t *index, tb_error *err)
{
    for (size_t i = 0; i < set->n; i++) {
        if (strcmp(set->names[i], name) == 0) {
            *index = (uint32_t)i;
            return TIMBANG_OK;
        }
    }
    if (set->names == NULL)
        set->names = tb_calloc(TB_MAX_LABELS, sizeof *set->names, err);
    if (set->names == NULL)
        return TIMBANG_NO_MEMORY;
    *index = (uint32_t)set->n;
    set->names[set->n++] = name;
    return TIMBANG_OK;
}

static timbang_status new_value(tb_label_set *set, const char *value, size_t length, tb_label_seen *seen, tb_error *err)
{
    const char *copy;
    TB_TRY(keep(set->arena, value, length, &copy, err));
    *seen = (tb_label_seen){.value = copy, .length = length};
    seen->map = find_rule(set->maps, set->n_maps, copy);
    const char *name = seen->map == NULL ? copy : seen->map->to;
    seen->drop = find_rule(set->drops, set->n_drops, copy);
    if (seen->drop == NULL)
        seen->drop = find_rule(set->drops, set->n_drops, name);
    seen->label = TB_LABEL_DROPPED;
    return seen->drop == NULL ? name_index(set, name, &seen->label, err) : TIMBANG_OK;
}

timbang_status tb_label_set_add(tb_label_set *set, const char *value, size_t length, uint32_t *label, tb_error *err)
{
    if (set->seen == NULL) {
        set->seen = tb_calloc(TB_MAX_LABELS, sizeof *set->seen, err);
        if (set->seen == NULL)
            return TIMBANG_NO_MEMORY;
    }
    if (set->slots == NULL) {
        set->slots = tb_calloc(SLOTS, sizeof *set->slots, err); /* index + 1; 0: free */
        if (set->slots == NULL)
            return TIMBANG_NO_MEMORY;
    }
    size_t slot = (size_t)(tb_hash64(value, length) % SLOTS);
    for (; set->slots[slot] != 0; slot = (slot + 1) % SLOTS) {
        const tb_label_seen *seen = &set->seen[set->slots[slot] - 1];
        if (seen->length == length && memcmp(seen->value, value, length) == 0)
            break;
    }
    if (set->slots[slot] == 0) {
        if (set->n_seen == TB_MAX_LABELS)
            return tb_fail(err, TIMBANG_DATA,
                           "the label column has more than %d different values, so it holds no labels",
                           (int)TB_MAX_LABELS);
        TB_TRY(new_value(set, value, length, &set->seen[set->n_seen], err));
        set->slots[slot] = (uint32_t)++set->n_seen;
    }
    tb_label_seen *seen = &set->seen[set->slots[slot] - 1];
    if (seen->drop != NULL)
        seen->drop->rows++;
    else if (seen->map != NULL)
        seen->map->rows++;
    *label = seen->label;
    return TIMBANG_OK;
}
