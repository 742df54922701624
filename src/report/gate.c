/* Every rule against every entry of results.json that it covers.
 * Includes: report/gate.h, gate_rules.h, gate_figures.h. Called by: api. */
#include "report/gate.h"

#include "base/text.h"
#include "report/gate_figures.h"
#include "report/gate_rules.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* 0.896 - 0.906 is -0.010000000000000009: a value on its bound, but for the rounding of doubles, is on it. */
#define TOLERANCE 1e-9

static const char baseline[] = "fp32";

/* ---- Names ---- */

/* * stands for any characters, ? for one. */
static bool matches(const char *pattern, const char *name)
{
    const char *star = NULL, *back = NULL;
    while (*name) {
        if (*pattern == '*') {
            star = pattern++;
            back = name;
        } else if (*pattern == '?' || *pattern == *name) {
            pattern++;
            name++;
        } else if (star) {
            pattern = star + 1;
            name = ++back;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return !*pattern;
}

typedef enum field { FIELD_MODEL, FIELD_VARIANT, FIELD_DATA } field;

static const char *field_of(const tb_gate_entry *entry, field which)
{
    return which == FIELD_MODEL ? entry->model : which == FIELD_VARIANT ? entry->variant : entry->data;
}

/* The different names of a field in the study; models: recipes of groups too. names: [size] */
static size_t names_of(const tb_gate_study *study, field which, const char **names, size_t size)
{
    static const tb_gate_source from[] = {TB_SOURCE_MODELS, TB_SOURCE_DATA, TB_SOURCE_VARIANTS, TB_SOURCE_RESULTS,
                                          TB_SOURCE_GROUPS};
    size_t n = 0;
    for (size_t s = 0; s < sizeof from / sizeof from[0]; s++)
        for (size_t i = 0; i < study->lists[from[s]].n && n < size; i++) {
            const char *name = field_of(&study->lists[from[s]].entries[i], which);
            bool known = !name;
            for (size_t k = 0; k < n && !known; k++)
                known = strcmp(names[k], name) == 0;
            if (!known)
                names[n++] = name;
        }
    return n;
}

/* A pattern that no name of the study matches is a mistake. */
static timbang_status check_pattern(const tb_gate_study *study, field which, const char *pattern, tb_error *err)
{
    enum { MOST = 1024, SHOWN = 8 };
    static const char *const words[] = {"model", "variant", "data set"};
    const char *names[MOST];
    size_t n = names_of(study, which, names, MOST);
    for (size_t i = 0; i < n; i++)
        if (matches(pattern, names[i]))
            return TIMBANG_OK;
    int closest = strpbrk(pattern, "*?") ? -1 : tb_closest(pattern, names, n);
    tb_text list = {0};
    for (size_t i = 0; i < n && i < SHOWN; i++)
        tb_text_printf(&list, "%s%s", i ? ", " : "", names[i]);
    tb_text_puts(&list, n > SHOWN ? ", ..." : "");
    timbang_status status = tb_text_finish(&list, err);
    if (status == TIMBANG_OK && closest >= 0)
        status = tb_fail(err, TIMBANG_USAGE, "the study has no %s '%s'; did you mean %s?", words[which], pattern,
                         names[closest]);
    else if (status == TIMBANG_OK)
        status = tb_fail(err, TIMBANG_USAGE, "the study has no %s '%s'; there is %s", words[which], pattern,
                         n ? list.data : "none");
    tb_text_free(&list);
    return status;
}

/* ---- One rule on one entry ---- */

typedef struct check {
    const tb_gate_rule *rule;
    const tb_gate_study *study;
    const tb_gate_place *place;
    json_t *checks, *skipped;
    size_t n_passed, n_failed;
} check;

static bool same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static json_t *name_or_null(const char *name)
{
    return name ? json_string(name) : json_null();
}

static json_t *describe(const tb_gate_entry *entry)
{
    return json_pack("{s:o, s:o, s:o}", "model", name_or_null(entry->model), "variant", name_or_null(entry->variant),
                     "data", name_or_null(entry->data));
}

static timbang_status add(json_t *array, json_t *object, tb_error *err)
{
    return json_array_append_new(array, object) == 0 ? TIMBANG_OK : tb_no_memory(err, 0);
}

static timbang_status skip(const check *c, const tb_gate_entry *entry, const char *reason, tb_error *err)
{
    json_t *object = describe(entry);
    int bad = json_object_set_new(object, "reason", json_string(reason));
    timbang_status status = add(c->skipped, object, err);
    return bad ? tb_no_memory(err, 0) : status;
}

static bool holds(tb_gate_op op, double value, double bound)
{
    bool equal = fabs(value - bound) <= TOLERANCE * fmax(1, fabs(bound));
    switch (op) {
    case TB_GATE_LE:
        return equal || value < bound;
    case TB_GATE_LT:
        return !equal && value < bound;
    case TB_GATE_GE:
        return equal || value > bound;
    case TB_GATE_GT:
        return !equal && value > bound;
    case TB_GATE_EQ:
        return equal;
    case TB_GATE_NE:
        return !equal;
    }
    return false;
}

/* The entry of the variant that the bound is taken from, for the same model and set. */
static const tb_gate_entry *reference_of(const check *c, const tb_gate_entry *entry)
{
    const tb_gate_list *list = &c->study->lists[c->place->source];
    for (size_t i = 0; i < list->n; i++) {
        const tb_gate_entry *other = &list->entries[i];
        if (same(other->model, entry->model) && same(other->data, entry->data) &&
            same(other->variant, c->rule->bound.of))
            return other;
    }
    return NULL;
}

/* Fails for a reason that is no number. */
static timbang_status fail_check(check *c, const tb_gate_entry *entry, const char *reason, tb_error *err)
{
    json_t *object = describe(entry);
    int bad = json_object_set_new(object, "value", json_null());
    bad |= json_object_set_new(object, "bound", json_null());
    bad |= json_object_set_new(object, "reference", json_null());
    bad |= json_object_set_new(object, "pass", json_false());
    bad |= json_object_set_new(object, "reason", json_string(reason));
    c->n_failed++;
    timbang_status status = add(c->checks, object, err);
    return bad ? tb_no_memory(err, 0) : status;
}

static timbang_status put_check(check *c, const tb_gate_entry *entry, const json_t *value, json_t *bound,
                                json_t *reference, bool pass, tb_error *err)
{
    json_t *object = describe(entry);
    int bad = json_object_set(object, "value", (json_t *)value);
    bad |= json_object_set_new(object, "bound", bound);
    bad |= json_object_set_new(object, "reference", reference);
    bad |= json_object_set_new(object, "pass", json_boolean(pass));
    bad |= json_object_set_new(object, "reason", json_null());
    *(pass ? &c->n_passed : &c->n_failed) += 1;
    timbang_status status = add(c->checks, object, err);
    return bad ? tb_no_memory(err, 0) : status;
}

static timbang_status compare_with_variant(check *c, const tb_gate_entry *entry, const json_t *value, tb_error *err)
{
    const tb_gate_bound *bound = &c->rule->bound;
    const tb_gate_entry *other = reference_of(c, entry);
    const json_t *of = NULL;
    char reason[160];
    if (!other || tb_gate_value(c->place, other->object, &of) != TB_GATE_FIGURE || !json_is_number(of)) {
        snprintf(reason, sizeof reason, "not available for %.60s", bound->of);
        return fail_check(c, entry, reason, err);
    }
    double limit = bound->number.value * json_number_value(of) + bound->offset.value;
    json_t *reference = json_pack("{s:s, s:O}", "variant", bound->of, "value", of);
    return put_check(c, entry, value, tb_json_real(limit), reference,
                     holds(c->rule->op, json_number_value(value), limit), err);
}

static timbang_status compare(check *c, const tb_gate_entry *entry, const json_t *value, tb_error *err)
{
    const tb_gate_bound *bound = &c->rule->bound;
    tb_gate_op op = c->rule->op;
    if (json_is_boolean(value) != (bound->kind == TB_BOUND_TRUTH))
        return tb_fail(err, TIMBANG_USAGE,
                       json_is_boolean(value) ? "'%s' is true or false, and the bound is a number"
                                              : "'%s' is a number, and the bound is true or false",
                       c->rule->figure);
    if (bound->kind == TB_BOUND_VARIANT)
        return compare_with_variant(c, entry, value, err);
    if (bound->kind == TB_BOUND_NUMBER)
        return put_check(c, entry, value, tb_json_real(bound->number.value), json_null(),
                         holds(op, json_number_value(value), bound->number.value), err);
    if (op != TB_GATE_EQ && op != TB_GATE_NE)
        return tb_fail(err, TIMBANG_USAGE, "'%s' is true or false; the comparison is == or !=", c->rule->figure);
    bool equal = json_is_true(value) == bound->truth;
    return put_check(c, entry, value, json_boolean(bound->truth), json_null(), equal == (op == TB_GATE_EQ), err);
}

/* Figures against fp32: by their place, or by their name in results. */
static bool is_against_fp32(const tb_gate_place *place)
{
    return strncmp(place->inner, "against_fp32", 12) == 0 || strncmp(place->path, "against_fp32.", 13) == 0;
}

static timbang_status check_entry(check *c, const tb_gate_entry *entry, tb_error *err)
{
    const json_t *value = NULL;
    char reason[160];
    if (c->rule->bound.of && same(entry->variant, c->rule->bound.of))
        return skip(c, entry, "is what the bound is taken from", err);
    if (is_against_fp32(c->place) && same(entry->variant, baseline))
        return skip(c, entry, "is what the others are compared with", err);
    switch (tb_gate_value(c->place, entry->object, &value)) {
    case TB_GATE_FIGURE:
        return compare(c, entry, value, err);
    case TB_GATE_NULL:
        return fail_check(c, entry, "not available", err);
    case TB_GATE_OTHER:
        snprintf(reason, sizeof reason, "%.100s is no number there", c->rule->figure);
        return fail_check(c, entry, reason, err);
    case TB_GATE_ABSENT:
        break;
    }
    snprintf(reason, sizeof reason, "has no %.100s", c->rule->figure);
    return skip(c, entry, reason, err);
}

/* ---- One rule ---- */

static timbang_status check_unit(const tb_gate_rule *rule, const tb_gate_place *place, const tb_gate_number *number,
                                 tb_error *err)
{
    bool time = tb_gate_is_time(place), bytes = tb_gate_is_bytes(place), energy = tb_gate_is_energy(place);
    bool fits = true;
    switch (number->unit) {
    case TB_UNIT_NONE:
        break;
    case TB_UNIT_PERCENT:
        fits = !time && !bytes && !energy;
        break;
    case TB_UNIT_BYTES:
        fits = bytes;
        break;
    case TB_UNIT_TIME:
        fits = time;
        break;
    case TB_UNIT_ENERGY:
        fits = energy;
        break;
    }
    if (fits)
        return TIMBANG_OK;
    return tb_fail(err, TIMBANG_USAGE, "'%s' is %s, not %s", rule->figure,
                   time     ? "a time in ms"
                   : bytes  ? "a number of bytes"
                   : energy ? "an energy in J"
                            : "a number without such a unit",
                   number->unit_name);
}

static timbang_status check_rule(const tb_gate_study *study, const tb_gate_rule *rule, tb_gate_place *place,
                                 tb_error *err)
{
    TB_TRY(check_pattern(study, FIELD_MODEL, rule->model, err));
    TB_TRY(check_pattern(study, FIELD_VARIANT, rule->variant, err));
    TB_TRY(check_pattern(study, FIELD_DATA, rule->data, err));
    if (rule->bound.of)
        TB_TRY(check_pattern(study, FIELD_VARIANT, rule->bound.of, err));
    if (rule->bound.of && strpbrk(rule->bound.of, "*?"))
        return tb_fail(err, TIMBANG_USAGE, "the bound is taken from one variant, not from '%s'", rule->bound.of);
    TB_TRY(tb_gate_resolve(study, rule->figure, place, err));
    TB_TRY(check_unit(rule, place, &rule->bound.number, err));
    if (rule->bound.of && place->source != TB_SOURCE_RESULTS && !study->lists[place->source].entries[0].variant)
        return tb_fail(err, TIMBANG_USAGE, "'%s' is the same for all variants, so that none can be its bound",
                       rule->figure);
    return check_unit(rule, place, &rule->bound.offset, err);
}

static timbang_status nothing_covered(const check *c, tb_error *err)
{
    const json_t *first = json_array_get(c->skipped, 0);
    if (!first)
        return tb_fail(err, TIMBANG_USAGE, "no entry of the study has this model, variant and data set together");
    const char *variant = json_string_value(json_object_get(first, "variant"));
    return tb_fail(err, TIMBANG_USAGE, "it covers nothing: %s %s", variant ? variant : "the entry",
                   json_string_value(json_object_get(first, "reason")));
}

static timbang_status check_all(check *c, tb_error *err)
{
    const tb_gate_list *list = &c->study->lists[c->place->source];
    for (size_t i = 0; i < list->n; i++) {
        const tb_gate_entry *entry = &list->entries[i];
        if ((!entry->model || matches(c->rule->model, entry->model)) &&
            (!entry->variant || matches(c->rule->variant, entry->variant)) &&
            (!entry->data || matches(c->rule->data, entry->data)))
            TB_TRY(check_entry(c, entry, err));
    }
    return json_array_size(c->checks) > 0 ? TIMBANG_OK : nothing_covered(c, err);
}

static json_t *describe_bound(const tb_gate_bound *bound)
{
    if (bound->kind == TB_BOUND_TRUTH)
        return json_boolean(bound->truth);
    if (bound->kind == TB_BOUND_NUMBER)
        return tb_json_real(bound->number.value);
    return json_pack("{s:o, s:s, s:o}", "factor", tb_json_real(bound->number.value), "variant", bound->of, "offset",
                     tb_json_real(bound->offset.value));
}

static timbang_status put_rule(const check *c, json_t *rules, tb_error *err)
{
    const tb_gate_rule *rule = c->rule;
    char *figure = NULL;
    TB_TRY(tb_gate_full_name(c->place, &figure, err));
    json_t *object = json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:s}", "line", (json_int_t)rule->line, "rule",
                               rule->text, "model", rule->model, "variant", rule->variant, "data", rule->data, "figure",
                               figure, "op", tb_gate_op_text(rule->op));
    free(figure);
    int bad = json_object_set_new(object, "bound", describe_bound(&rule->bound));
    bad |= json_object_set_new(object, "pass", json_boolean(c->n_failed == 0));
    bad |= json_object_set(object, "checks", c->checks);
    bad |= json_object_set(object, "skipped", c->skipped);
    timbang_status status = add(rules, object, err);
    return bad ? tb_no_memory(err, 0) : status;
}

static timbang_status run_rule(const tb_gate_study *study, const tb_gate_rule *rule, json_t *rules, size_t *passed,
                               size_t *failed, tb_error *err)
{
    tb_gate_place place = {0};
    TB_TRY(check_rule(study, rule, &place, err));
    check c = {.rule = rule, .study = study, .place = &place, .checks = json_array(), .skipped = json_array()};
    timbang_status status = c.checks && c.skipped ? check_all(&c, err) : tb_no_memory(err, 0);
    if (status == TIMBANG_OK)
        status = put_rule(&c, rules, err);
    *passed += c.n_passed;
    *failed += c.n_failed;
    json_decref(c.checks);
    json_decref(c.skipped);
    return status;
}

static timbang_status run_rules(const tb_gate_study *study, const char *name, const tb_gate_rules *rules, json_t **out,
                                tb_error *err)
{
    size_t passed = 0, failed = 0;
    json_t *list = json_array();
    timbang_status status = list ? TIMBANG_OK : tb_no_memory(err, 0);
    for (size_t i = 0; i < rules->n && status == TIMBANG_OK; i++) {
        status = run_rule(study, &rules->rules[i], list, &passed, &failed, err);
        if (status != TIMBANG_OK && status != TIMBANG_NO_MEMORY)
            tb_fail_prefix(err, "%s: %s %zu: %s", name, rules->json ? "rule" : "line", rules->rules[i].line,
                           rules->rules[i].text);
    }
    json_t *document = NULL;
    if (status == TIMBANG_OK) {
        document = json_pack("{s:b, s:I, s:I, s:O}", "pass", failed == 0, "passed", (json_int_t)passed, "failed",
                             (json_int_t)failed, "rules", list);
        status = document ? TIMBANG_OK : tb_no_memory(err, 0);
    }
    json_decref(list);
    if (status == TIMBANG_OK)
        *out = document;
    return status;
}

timbang_status tb_gate(const json_t *results, const char *rules_name, const char *rules, size_t size, json_t **out,
                       tb_error *err)
{
    tb_gate_rules read = {0};
    tb_gate_study study = {0};
    timbang_status status = tb_gate_rules_read(rules_name, rules, size, &read, err);
    if (status == TIMBANG_OK)
        status = tb_gate_study_read(results, &study, err);
    if (status == TIMBANG_OK)
        status = run_rules(&study, rules_name, &read, out, err);
    tb_gate_study_free(&study);
    tb_gate_rules_free(&read);
    return status;
}
