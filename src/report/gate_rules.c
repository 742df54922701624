/* Reading the rules of a gate: lines of text, or JSON. Includes: report/gate_rules.h. Called by: report/gate. */
#include "report/gate_rules.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_RULES = 10000, MAX_WORDS = 3 };

static const struct {
    const char *text;
    tb_gate_op op;
} ops[] = {
    {"<=", TB_GATE_LE}, {"\xe2\x89\xa4", TB_GATE_LE}, {">=", TB_GATE_GE}, {"\xe2\x89\xa5", TB_GATE_GE},
    {"==", TB_GATE_EQ}, {"!=", TB_GATE_NE},           {"<", TB_GATE_LT},  {">", TB_GATE_GT},
    {"=", TB_GATE_EQ},
};
enum { OPS = sizeof ops / sizeof ops[0] };

const char *tb_gate_op_text(tb_gate_op op)
{
    static const char *const texts[] = {"<=", "<", ">=", ">", "==", "!="};
    return texts[op];
}

/* The index in ops of the comparison at text, or OPS. */
static size_t op_at(const char *text)
{
    size_t i = 0;
    while (i < OPS && strncmp(text, ops[i].text, strlen(ops[i].text)) != 0)
        i++;
    return i;
}

static timbang_status add_rule(tb_gate_rules *rules, size_t line, tb_gate_rule **rule, tb_error *err)
{
    if (rules->n == MAX_RULES)
        return tb_fail(err, TIMBANG_FORMAT, "there are more than %d rules", MAX_RULES);
    TB_TRY(tb_grow((void **)&rules->rules, rules->n + 1, sizeof *rules->rules, err));
    *rule = &rules->rules[rules->n++];
    **rule = (tb_gate_rule){.line = line, .model = "*", .variant = "*", .data = "*"};
    return TIMBANG_OK;
}

/* MODEL/VARIANT at the last slash, or VARIANT; models have slashes in their names, variants have none. */
static timbang_status set_variant(tb_gate_rule *rule, const char *word, tb_arena *arena, tb_error *err)
{
    const char *slash = strrchr(word, '/');
    if (slash && (slash == word || !slash[1]))
        return tb_fail(err, TIMBANG_FORMAT, "'%s' is no MODEL/VARIANT", word);
    rule->variant = slash ? slash + 1 : word;
    if (slash && !(rule->model = tb_arena_strndup(arena, word, (size_t)(slash - word), err)))
        return err->status;
    return TIMBANG_OK;
}

/* [[MODEL/]VARIANT [DATA]] FIGURE */
static timbang_status read_left(const char *text, tb_arena *arena, tb_gate_rule *rule, tb_error *err)
{
    const char *words[MAX_WORDS] = {NULL};
    size_t n = 0;
    for (const char *at = text + strspn(text, " \t"); *at; at += strspn(at, " \t")) {
        if (n == MAX_WORDS)
            return tb_fail(err, TIMBANG_FORMAT,
                           "'%s' is one word too many before the comparison; a rule is [MODEL/]VARIANT DATA FIGURE "
                           "COMPARISON BOUND, and names with blanks stand in double quotes",
                           at);
        words[n] = tb_gate_name_read(&at, arena, err);
        if (!words[n])
            return err->status;
        if (!*words[n++])
            return tb_fail(err, TIMBANG_FORMAT, "a name is empty");
    }
    if (n == 0)
        return tb_fail(err, TIMBANG_FORMAT, "the figure is missing before the comparison");
    rule->figure = words[n - 1];
    rule->data = n == 3 ? words[1] : "*";
    return n > 1 ? set_variant(rule, words[0], arena, err) : TIMBANG_OK;
}

/* One rule in text without comment. */
static timbang_status read_rule(const char *text, tb_arena *arena, tb_gate_rule *rule, tb_error *err)
{
    size_t n = strlen(text);
    while (n > 0 && strchr(" \t", text[n - 1]))
        n--;
    char *copy = tb_arena_strndup(arena, text, n, err), *left = copy ? tb_arena_strndup(arena, text, n, err) : NULL;
    if (!left)
        return err->status;
    rule->text = copy;
    bool quoted = false;
    size_t at = 0, op = OPS;
    for (; left[at] && op == OPS; at++) {
        quoted = quoted != (left[at] == '"');
        op = quoted ? OPS : op_at(left + at);
    }
    if (op == OPS)
        return tb_fail(err, TIMBANG_FORMAT, "'%s' has no comparison (<=, <, >=, >, ==, !=)", copy);
    rule->op = ops[op].op;
    left[at - 1] = '\0';
    TB_TRY(read_left(left, arena, rule, err));
    return tb_gate_bound_read(copy + at - 1 + strlen(ops[op].text), arena, &rule->bound, err);
}

/* ---- Lines ---- */

/* Cuts a comment off: # at the beginning or behind a blank, outside quotes. */
static void drop_comment(char *line)
{
    bool quoted = false;
    for (char *c = line; *c; c++) {
        quoted = quoted != (*c == '"');
        if (*c == '#' && !quoted && (c == line || strchr(" \t", c[-1]))) {
            *c = '\0';
            return;
        }
    }
}

static timbang_status read_lines(const char *name, char *text, tb_gate_rules *rules, tb_error *err)
{
    size_t number = 0;
    for (char *line = text, *next; line; line = next) {
        number++;
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        line[strcspn(line, "\r")] = '\0';
        drop_comment(line);
        line += strspn(line, " \t");
        if (!*line)
            continue;
        tb_gate_rule *rule = NULL;
        timbang_status status = add_rule(rules, number, &rule, err);
        if (status == TIMBANG_OK)
            status = read_rule(line, rules->arena, rule, err);
        if (status != TIMBANG_OK)
            return tb_fail_prefix(err, "%s: line %zu", name, number);
    }
    return TIMBANG_OK;
}

/* ---- JSON ---- */

static timbang_status read_json_bound(const json_t *value, tb_arena *arena, tb_gate_bound *bound, tb_error *err)
{
    if (json_is_string(value))
        return tb_gate_bound_read(json_string_value(value), arena, bound, err);
    *bound = (tb_gate_bound){.kind = TB_BOUND_NUMBER, .number.unit_name = "", .offset.unit_name = ""};
    if (json_is_boolean(value)) {
        bound->kind = TB_BOUND_TRUTH;
        bound->truth = json_is_true(value);
        return TIMBANG_OK;
    }
    if (!json_is_number(value))
        return tb_fail(err, TIMBANG_FORMAT, "'bound' is a number, true, false, or a string such as \"0.99 * fp32\"");
    bound->number.value = json_number_value(value);
    return TIMBANG_OK;
}

/* The rule as a line says it, for people. */
static timbang_status put_text(const json_t *object, tb_arena *arena, tb_gate_rule *rule, tb_error *err)
{
    tb_text text = {0};
    char *bound = NULL;
    const json_t *value = json_object_get(object, "bound");
    timbang_status status = json_is_string(value) ? TIMBANG_OK : tb_json_compact(value, &bound, err);
    tb_text_printf(&text, "%s%s%s %s %s %s %s", strcmp(rule->model, "*") == 0 ? "" : rule->model,
                   strcmp(rule->model, "*") == 0 ? "" : "/", rule->variant, rule->data, rule->figure,
                   tb_gate_op_text(rule->op),
                   bound                  ? bound
                   : status == TIMBANG_OK ? json_string_value(value)
                                          : "");
    if (status == TIMBANG_OK)
        status = tb_text_finish(&text, err);
    if (status == TIMBANG_OK && !(rule->text = tb_arena_strndup(arena, text.data, text.length, err)))
        status = err->status;
    free(bound);
    tb_text_free(&text);
    return status;
}

static timbang_status read_member(const char *key, const json_t *value, tb_arena *arena, tb_gate_rule *rule,
                                  tb_error *err)
{
    if (strcmp(key, "bound") == 0)
        return read_json_bound(value, arena, &rule->bound, err);
    const char *const keys[] = {"model", "variant", "data", "figure", "op"};
    const char **const into[] = {&rule->model, &rule->variant, &rule->data, &rule->figure};
    enum { NAMES = sizeof into / sizeof into[0] };
    size_t k = 0;
    while (k <= NAMES && strcmp(key, keys[k]) != 0)
        k++;
    if (k > NAMES)
        return tb_fail(err, TIMBANG_FORMAT,
                       "'%s' is no member of a rule; there are model, variant, data, figure, op, bound", key);
    const char *text = json_string_value(value);
    if (!text || !*text)
        return tb_fail(err, TIMBANG_FORMAT, "'%s' must be a string", key);
    if (k < NAMES) {
        *into[k] = tb_arena_strndup(arena, text, strlen(text), err);
        return *into[k] ? TIMBANG_OK : err->status;
    }
    size_t op = op_at(text);
    if (op == OPS || strlen(ops[op].text) != strlen(text))
        return tb_fail(err, TIMBANG_FORMAT, "'op' is '%s'; it is one of <=, <, >=, >, ==, !=", text);
    rule->op = ops[op].op;
    return TIMBANG_OK;
}

static timbang_status read_object(const json_t *object, tb_arena *arena, tb_gate_rule *rule, tb_error *err)
{
    static const char *const needed[] = {"figure", "op", "bound"};
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
        if (!json_object_get(object, needed[i]))
            return tb_fail(err, TIMBANG_FORMAT, "'%s' is missing", needed[i]);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value) TB_TRY(read_member(key, value, arena, rule, err));
    return put_text(object, arena, rule, err);
}

static timbang_status read_json(const char *name, const json_t *document, tb_gate_rules *rules, tb_error *err)
{
    const json_t *list = json_is_object(document) ? json_object_get(document, "rules") : document;
    if (!json_is_array(list))
        return tb_fail(err, TIMBANG_FORMAT, "%s: an array of rules is wanted, or an object with one as 'rules'", name);
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
    {
        tb_gate_rule *rule = NULL;
        timbang_status status = add_rule(rules, i + 1, &rule, err);
        if (status == TIMBANG_OK && json_is_string(item))
            status = read_rule(json_string_value(item), rules->arena, rule, err);
        else if (status == TIMBANG_OK && json_is_object(item))
            status = read_object(item, rules->arena, rule, err);
        else if (status == TIMBANG_OK)
            status = tb_fail(err, TIMBANG_FORMAT, "a rule is a string or an object");
        if (status != TIMBANG_OK)
            return tb_fail_prefix(err, "%s: rule %zu", name, i + 1);
    }
    return TIMBANG_OK;
}

static timbang_status read_all(const char *name, const char *bytes, size_t size, tb_gate_rules *rules, tb_error *err)
{
    const char *first = bytes + strspn(bytes, " \t\r\n");
    if (*first == '[' || *first == '{') {
        json_t *document = NULL;
        rules->json = true;
        TB_TRY(tb_json_parse(name, bytes, size, TB_JSON_REJECT_DUPLICATES, &document, err));
        timbang_status status = read_json(name, document, rules, err);
        json_decref(document);
        return status;
    }
    char *copy = tb_strndup(bytes, size, err);
    if (!copy)
        return err->status;
    timbang_status status = read_lines(name, copy, rules, err);
    free(copy);
    return status;
}

timbang_status tb_gate_rules_read(const char *name, const char *bytes, size_t size, tb_gate_rules *rules, tb_error *err)
{
    tb_gate_rules read = {0};
    if (memchr(bytes, 0, size))
        return tb_fail(err, TIMBANG_FORMAT, "%s: holds a zero byte; a file of rules is text", name);
    size_t bad = tb_utf8_invalid_at(bytes, size);
    if (bad != SIZE_MAX)
        return tb_fail(err, TIMBANG_FORMAT, "%s: byte 0x%02x at %zu is not valid UTF-8", name,
                       (unsigned char)bytes[bad], bad);
    if (size >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) { /* a byte order mark */
        bytes += 3;
        size -= 3;
    }
    timbang_status status = tb_arena_create(0, &read.arena, err);
    if (status == TIMBANG_OK)
        status = read_all(name, bytes, size, &read, err);
    if (status == TIMBANG_OK && read.n == 0)
        status = tb_fail(err, TIMBANG_FORMAT, "%s: holds no rule", name);
    if (status != TIMBANG_OK)
        tb_gate_rules_free(&read);
    else
        *rules = read;
    return status;
}

void tb_gate_rules_free(tb_gate_rules *rules)
{
    free(rules->rules);
    tb_arena_free(rules->arena);
    *rules = (tb_gate_rules){0};
}
