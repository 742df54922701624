/* Figures of results.json by name. Includes: report/gate_figures.h. Called by: report/gate. */
#include "report/gate_figures.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* ---- The arrays, flattened ---- */

static const struct {
    const char *name, *within; /* results.json's member, and that it is a member of */
    const char *model, *variant, *data;
} sources[TB_GATE_SOURCES] = {
    [TB_SOURCE_RESULTS] = {"results", NULL, "model", "variant", "data"},
    [TB_SOURCE_VARIANTS] = {"variants", NULL, "model", "variant", NULL},
    [TB_SOURCE_RESIDENT] = {"resident", "measured", "model", "variant", NULL},
    [TB_SOURCE_LATENCY] = {"latency", "measured", "model", "variant", "data"},
    [TB_SOURCE_NULL] = {"null", NULL, "model", "variant", "data"},
    [TB_SOURCE_GROUPS] = {"groups", NULL, NULL, "variant", "data"}, /* model: the recipe of the group */
    [TB_SOURCE_MODELS] = {"models", NULL, "name", NULL, NULL},
    [TB_SOURCE_DATA] = {"data", NULL, NULL, NULL, "name"},
};

static timbang_status read_name(const json_t *object, const char *source, size_t i, const char *key, const char **name,
                                tb_error *err)
{
    if (!key || *name)
        return TIMBANG_OK;
    *name = json_string_value(json_object_get(object, key));
    return *name ? TIMBANG_OK : tb_fail(err, TIMBANG_FORMAT, "%s[%zu].%s is missing or no string", source, i, key);
}

/* model: of all of them, where it does not stand in the entries. */
static timbang_status add_entries(const json_t *array, tb_gate_source source, const char *model, tb_gate_list *list,
                                  tb_error *err)
{
    const char *name = sources[source].name;
    if (!json_is_array(array))
        return tb_fail(err, TIMBANG_FORMAT, "'%s' is missing or no array", name);
    size_t size = json_array_size(array);
    if (size == 0)
        return TIMBANG_OK;
    TB_TRY(tb_grow((void **)&list->entries, list->n + size, sizeof *list->entries, err));
    for (size_t i = 0; i < size; i++) {
        tb_gate_entry entry = {.model = model, .object = json_array_get(array, i)};
        TB_TRY(read_name(entry.object, name, i, sources[source].model, &entry.model, err));
        TB_TRY(read_name(entry.object, name, i, sources[source].variant, &entry.variant, err));
        TB_TRY(read_name(entry.object, name, i, sources[source].data, &entry.data, err));
        list->entries[list->n++] = entry;
    }
    return TIMBANG_OK;
}

static timbang_status add_groups(const json_t *groups, tb_gate_list *list, tb_error *err)
{
    size_t i;
    json_t *group;
    json_array_foreach(groups, i, group)
    {
        const char *recipe = NULL;
        TB_TRY(read_name(group, "groups", i, "recipe", &recipe, err));
        TB_TRY(add_entries(json_object_get(group, "results"), TB_SOURCE_GROUPS, recipe, list, err));
    }
    return TIMBANG_OK;
}

static timbang_status read_study(const json_t *results, tb_gate_study *study, tb_error *err)
{
    const json_t *timbang = json_object_get(results, "timbang"), *schema = json_object_get(timbang, "schema");
    if (!json_is_integer(schema))
        return tb_fail(err, TIMBANG_FORMAT, "is no results.json of a study ('timbang.schema' is missing)");
    if (json_integer_value(schema) != 1)
        return tb_fail(err, TIMBANG_UNSUPPORTED, "has the schema %lld; this version reads 1",
                       (long long)json_integer_value(schema));
    for (tb_gate_source s = 0; s < TB_GATE_SOURCES; s++) {
        const json_t *within = sources[s].within ? json_object_get(results, sources[s].within) : results;
        const json_t *array = json_object_get(within, sources[s].name);
        if (s == TB_SOURCE_GROUPS)
            TB_TRY(add_groups(array, &study->lists[s], err));
        else if (array || s != TB_SOURCE_NULL)
            TB_TRY(add_entries(array, s, NULL, &study->lists[s], err));
    }
    return TIMBANG_OK;
}

timbang_status tb_gate_study_read(const json_t *results, tb_gate_study *study, tb_error *err)
{
    tb_gate_study read = {0};
    timbang_status status = read_study(results, &read, err);
    if (status == TIMBANG_OK)
        *study = read;
    else
        tb_gate_study_free(&read);
    return status;
}

void tb_gate_study_free(tb_gate_study *study)
{
    for (size_t s = 0; s < TB_GATE_SOURCES; s++)
        free(study->lists[s].entries);
    *study = (tb_gate_study){0};
}

/* ---- Paths ---- */

static tb_gate_found kind_of(const json_t *value, const json_t **out)
{
    *out = value;
    return json_is_null(value)                               ? TB_GATE_NULL
           : json_is_number(value) || json_is_boolean(value) ? TB_GATE_FIGURE
                                                             : TB_GATE_OTHER;
}

/* ".low" and ".high" of an interval, "[i]" of any array; *rest: what follows. */
static const json_t *item_of(const json_t *array, const char *path, const char **rest)
{
    size_t index = 0, n = 0;
    if (*path == '[') {
        for (n = 1; path[n] >= '0' && path[n] <= '9' && n < 8; n++)
            index = index * 10 + (size_t)(path[n] - '0');
        if (n == 1 || path[n] != ']')
            return NULL;
        *rest = path + n + 1;
        return json_array_get(array, index);
    }
    if (json_array_size(array) != 2)
        return NULL;
    if (strcmp(path, ".low") == 0 || strcmp(path, ".high") == 0) {
        *rest = "";
        return json_array_get(array, path[1] == 'h');
    }
    return NULL;
}

/* path begins with "." or "[", or is empty. */
static tb_gate_found walk_on(const json_t *value, const char *path, const json_t **out)
{
    if (!*path || json_is_null(value))
        return kind_of(value, out);
    if (json_is_object(value) && *path == '.')
        return tb_gate_walk(value, path + 1, out);
    const char *rest = path;
    const json_t *item = json_is_array(value) ? item_of(value, path, &rest) : NULL;
    return item ? walk_on(item, rest, out) : TB_GATE_ABSENT;
}

tb_gate_found tb_gate_walk(const json_t *object, const char *path, const json_t **value)
{
    tb_gate_found best = TB_GATE_ABSENT;
    const char *key;
    json_t *member;
    json_object_foreach((json_t *)object, key, member)
    {
        size_t n = strlen(key);
        if (strncmp(path, key, n) != 0 || (path[n] && path[n] != '.' && path[n] != '['))
            continue;
        const json_t *met = NULL;
        tb_gate_found found = walk_on(member, path + n, &met);
        if (found > best) {
            best = found;
            *value = met;
        }
    }
    return best;
}

/* ---- Names ---- */

/* How names lead to entries, in the order in which they are tried. */
static const struct view {
    const char *prefix;
    bool bare; /* also without the prefix */
    tb_gate_source source;
    const char *inner;
} views[] = {
    {"results", true, TB_SOURCE_RESULTS, ""},     {"against_fp32", true, TB_SOURCE_RESULTS, "against_fp32."},
    {"variants", true, TB_SOURCE_VARIANTS, ""},   {"resident", true, TB_SOURCE_RESIDENT, ""},
    {"latency", true, TB_SOURCE_LATENCY, ""},     {"latency", false, TB_SOURCE_LATENCY, "total."},
    {"latency_ms", false, TB_SOURCE_LATENCY, ""}, {"latency_ms", false, TB_SOURCE_LATENCY, "total."},
    {"null", false, TB_SOURCE_NULL, ""},          {"groups", false, TB_SOURCE_GROUPS, ""},
    {"models", false, TB_SOURCE_MODELS, ""},      {"data", false, TB_SOURCE_DATA, ""},
};
enum { VIEWS = sizeof views / sizeof views[0] };

/* The part of the name behind the prefix, or NULL. */
static const char *behind(const char *name, const char *prefix)
{
    size_t n = strlen(prefix);
    return strncmp(name, prefix, n) == 0 && name[n] == '.' && name[n + 1] ? name + n + 1 : NULL;
}

static tb_gate_found walk_inner(const json_t *object, const char *inner, const char *path, const json_t **value)
{
    if (!*inner)
        return tb_gate_walk(object, path, value);
    char key[32];
    size_t n = strlen(inner) - 1; /* without the point */
    memcpy(key, inner, n);
    key[n] = '\0';
    const json_t *member = json_object_get(object, key);
    if (json_is_null(member)) {
        *value = member;
        return TB_GATE_NULL;
    }
    return tb_gate_walk(member, path, value);
}

tb_gate_found tb_gate_value(const tb_gate_place *place, const json_t *object, const json_t **value)
{
    return walk_inner(object, place->inner, place->path, value);
}

/* The best that some entry gives at this place. A null where `inner` leads says nothing about a path. */
static tb_gate_found best_found(const tb_gate_study *study, const tb_gate_place *place, bool count_inner_null)
{
    const tb_gate_list *list = &study->lists[place->source];
    tb_gate_found best = TB_GATE_ABSENT;
    for (size_t i = 0; i < list->n && best != TB_GATE_FIGURE; i++) {
        const json_t *value = NULL;
        tb_gate_found found = tb_gate_value(place, list->entries[i].object, &value);
        if (found == TB_GATE_NULL && *place->inner && !count_inner_null)
            continue;
        if (found > best)
            best = found;
    }
    return best;
}

/* ---- Unknown names ---- */

enum { NAMES_MOST = 4096, NAMES_SAMPLE = 16, NAME_BYTES = 64 };

typedef struct name_list {
    char (*names)[NAME_BYTES];
    size_t n;
} name_list;

static void add_name(name_list *list, const char *prefix, const char *name)
{
    size_t n = strlen(prefix), m = strlen(name);
    if (list->n == NAMES_MOST || n + m + 2 > NAME_BYTES)
        return;
    char *into = list->names[list->n++];
    memcpy(into, prefix, n);
    if (n)
        into[n++] = '.';
    memcpy(into + n, name, m + 1);
}

/* Every figure below object, by its name. */
static void add_figures(name_list *list, const char *prefix, const json_t *object)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        if (json_is_number(value) || json_is_boolean(value))
            add_name(list, prefix, key);
        char below[NAME_BYTES];
        size_t n = strlen(prefix), m = strlen(key);
        if (!json_is_object(value) || n + m + 2 > NAME_BYTES)
            continue;
        memcpy(below, prefix, n);
        if (n)
            below[n++] = '.';
        memcpy(below + n, key, m + 1);
        add_figures(list, below, value);
    }
}

static void add_views(name_list *list, const tb_gate_study *study)
{
    for (size_t v = 0; v < VIEWS; v++) {
        const tb_gate_list *entries = &study->lists[views[v].source];
        for (size_t i = 0; i < entries->n && i < NAMES_SAMPLE; i++) {
            const json_t *object = entries->entries[i].object;
            if (*views[v].inner)
                object = json_object_get(object, strncmp(views[v].inner, "total", 5) == 0 ? "total" : "against_fp32");
            if (views[v].bare)
                add_figures(list, "", object);
            add_figures(list, views[v].prefix, object);
        }
    }
}

static bool any_compared(const tb_gate_study *study)
{
    const tb_gate_list *list = &study->lists[TB_SOURCE_RESULTS];
    for (size_t i = 0; i < list->n; i++)
        if (json_is_object(json_object_get(list->entries[i].object, "against_fp32")))
            return true;
    return false;
}

static timbang_status unknown(const tb_gate_study *study, const char *name, tb_error *err)
{
    name_list list = {0};
    const char **names = tb_calloc(NAMES_MOST, sizeof *names, err);
    list.names = tb_calloc(NAMES_MOST, sizeof *list.names, err);
    timbang_status status = names && list.names ? TIMBANG_FORMAT : err->status;
    if (status == TIMBANG_FORMAT) {
        add_views(&list, study);
        for (size_t i = 0; i < list.n; i++)
            names[i] = list.names[i];
        int closest = tb_closest(name, names, list.n);
        const tb_gate_place compared = {TB_SOURCE_RESULTS, "against_fp32.", name};
        bool alone = best_found(study, &compared, true) == TB_GATE_NULL && !any_compared(study);
        tb_fail(err, status, "there is no figure '%s'%s%s%s%s", name, closest >= 0 ? "; did you mean " : "",
                closest >= 0 ? names[closest] : "", closest >= 0 ? "?" : "; docs/gates.md lists them",
                alone ? " (fp32 was not run, so that there are none against it)" : "");
    }
    free(names);
    free(list.names);
    return status;
}

/* It is there, but is no number: its own figures are named. */
static timbang_status no_figure(const tb_gate_study *study, const char *name, const tb_gate_place *place, tb_error *err)
{
    const tb_gate_list *list = &study->lists[place->source];
    const json_t *value = NULL;
    for (size_t i = 0; i < list->n; i++)
        if (tb_gate_value(place, list->entries[i].object, &value) == TB_GATE_OTHER)
            break;
    tb_text members = {0};
    const char *key;
    json_t *member;
    size_t n = 0;
    json_object_foreach((json_t *)value, key, member) if (n++ < 8)
        tb_text_printf(&members, "%s%s.%s", n > 1 ? ", " : "", name, key);
    if (json_is_array(value) && json_array_size(value) == 2)
        tb_text_printf(&members, "%s.low, %s.high", name, name);
    else if (json_is_array(value))
        tb_text_printf(&members, "%s[0], ...", name);
    timbang_status status = tb_text_finish(&members, err);
    if (status == TIMBANG_OK)
        status = tb_fail(err, TIMBANG_FORMAT, "'%s' is no number and not true or false%s%s", name,
                         members.length ? "; there are " : "", members.length ? members.data : "");
    tb_text_free(&members);
    return status;
}

timbang_status tb_gate_resolve(const tb_gate_study *study, const char *name, tb_gate_place *place, tb_error *err)
{
    const char *measured = behind(name, "measured"), *figure = measured ? measured : name;
    tb_gate_found best = TB_GATE_ABSENT;
    tb_gate_place chosen = {0};
    for (size_t v = 0; v < VIEWS && best != TB_GATE_FIGURE; v++) {
        const char *paths[2] = {behind(figure, views[v].prefix), views[v].bare && !measured ? figure : NULL};
        for (size_t p = 0; p < 2; p++) {
            const tb_gate_place tried = {views[v].source, views[v].inner, paths[p]};
            tb_gate_found found = paths[p] ? best_found(study, &tried, false) : TB_GATE_ABSENT;
            if (found > best) {
                best = found;
                chosen = tried;
            }
        }
    }
    if (best == TB_GATE_ABSENT)
        return unknown(study, name, err);
    if (best == TB_GATE_OTHER)
        return no_figure(study, name, &chosen, err);
    *place = chosen;
    return TIMBANG_OK;
}

timbang_status tb_gate_full_name(const tb_gate_place *place, char **text, tb_error *err)
{
    const char *within = sources[place->source].within;
    tb_text name = {0};
    tb_text_printf(&name, "%s%s%s.%s%s", within ? within : "", within ? "." : "", sources[place->source].name,
                   place->inner, place->path);
    timbang_status status = tb_text_finish(&name, err);
    if (status == TIMBANG_OK)
        *text = name.data;
    else
        tb_text_free(&name);
    return status;
}

/* ---- Units ---- */

static bool begins(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

bool tb_gate_is_time(const tb_gate_place *place)
{
    if (place->source != TB_SOURCE_LATENCY)
        return false;
    return *place->inner || begins(place->path, "total.") || begins(place->path, "forward.") ||
           begins(place->path, "tokenize.") || begins(place->path, "interval") || begins(place->path, "quantiles");
}

bool tb_gate_is_bytes(const tb_gate_place *place)
{
    size_t n = strlen(place->path);
    return (n >= 5 && strcmp(place->path + n - 5, "bytes") == 0) ||
           (place->source == TB_SOURCE_VARIANTS && begins(place->path, "parts."));
}

bool tb_gate_is_energy(const tb_gate_place *place)
{
    return place->source == TB_SOURCE_LATENCY && strcmp(place->path, "energy_j") == 0;
}
