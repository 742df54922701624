/* timbang gate: a study held against rules. Includes: cli.h, jansson. Called by: main.c. */
#include "cli.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* "41.2 MB" for bytes, else six digits; a dash for what is not available. */
static void format_value(const json_t *value, const char *figure, char *out, size_t size)
{
    double number = json_number_value(value);
    if (json_is_boolean(value))
        snprintf(out, size, "%s", json_is_true(value) ? "true" : "false");
    else if (!json_is_number(value))
        snprintf(out, size, "-");
    else if ((ends_with(figure, "bytes") || strstr(figure, ".parts.")) && fabs(number) >= 1e6)
        snprintf(out, size, "%.2f MB", number / 1e6);
    else
        snprintf(out, size, "%.6g", number);
}

/* The rule on one line, as it would be written without lining it up. */
static void format_rule(const char *rule, char *out, size_t size)
{
    size_t n = 0;
    bool quoted = false;
    for (; *rule && n + 1 < size; rule++) {
        quoted = quoted != (*rule == '"');
        bool blank = !quoted && (*rule == ' ' || *rule == '\t');
        if (!blank || (n > 0 && out[n - 1] != ' '))
            out[n++] = blank ? ' ' : *rule;
    }
    out[n] = '\0';
}

static void add_check(table *t, const json_t *rule, const json_t *check)
{
    const char *figure = text_at(rule, "figure"), *reason = text_at(check, "reason"), *data = text_at(check, "data"),
               *variant = text_at(check, "variant"), *model = text_at(check, "model");
    char value[48], bound[48], line[768], last[1024];
    format_rule(text_at(rule, "rule"), line, sizeof line);
    snprintf(last, sizeof last, "%s%s%.200s", line, *reason ? ": " : "", reason);
    format_value(json_object_get(check, "value"), figure, value, sizeof value);
    format_value(json_object_get(check, "bound"), figure, bound, sizeof bound);
    table_add(t, json_is_true(json_object_get(check, "pass")) ? "pass" : "FAIL");
    table_add(t, *model ? model : "-");
    table_add(t, *variant ? variant : "-");
    table_add(t, *data ? data : "-");
    table_add(t, value);
    table_add(t, *reason ? "" : text_at(rule, "op"));
    table_add(t, *reason ? "" : bound);
    table_add(t, last);
}

static void put_checks(buffer *out, const json_t *report, size_t width)
{
    static const char *const heads[] = {"", "model", "variant", "data", "value", "", "bound", "rule"};
    enum { COLUMNS = sizeof heads / sizeof heads[0], VALUE = 4, BOUND = 6 };
    table t;
    if (!table_start(&t, COLUMNS)) {
        out->failed = true;
        return;
    }
    for (size_t c = 0; c < COLUMNS; c++)
        table_add(&t, heads[c]);
    table_align_right(&t, VALUE);
    table_align_right(&t, BOUND);
    size_t i, k;
    json_t *rule, *check;
    json_array_foreach(json_object_get(report, "rules"), i, rule)
        json_array_foreach(json_object_get(rule, "checks"), k, check) add_check(&t, rule, check);
    table_write(&t, out, width);
    table_free(&t);
}

static void put_summary(buffer *out, const json_t *report)
{
    const json_t *rules = json_object_get(report, "rules");
    long long passed = json_integer_value(json_object_get(report, "passed")),
              failed = json_integer_value(json_object_get(report, "failed"));
    size_t i, broken = 0, n = json_array_size(rules);
    json_t *rule;
    json_array_foreach(rules, i, rule) broken += !json_is_true(json_object_get(rule, "pass"));
    if (failed == 0)
        put_format(out, "\n%zu rule%s, %lld check%s: all hold\n", n, n == 1 ? "" : "s", passed, passed == 1 ? "" : "s");
    else
        put_format(out, "\n%zu of %zu rule%s fail%s, %lld of %lld check%s\n", broken, n, n == 1 ? "" : "s",
                   n == 1 ? "s" : "", failed, passed + failed, passed + failed == 1 ? "" : "s");
}

int run_gate(cli *app)
{
    result_format how;
    int code = output_format(app, false, &how);
    if (code != EXIT_OK)
        return code;
    const char *rules = text_of(app, OPT_RULES), *usage = "timbang gate my-study --rules release.rules";
    if (app->n_arguments == 0)
        return usage_error(app, usage, "no study was named (its folder, or a results.json)");
    if (!rules)
        return usage_error(app, usage, "no rules were named (--rules FILE)");
    const char *results = results_of(app, app->arguments[0]);
    if (!results)
        return EXIT_INTERNAL;
    char *json = NULL;
    timbang_status status = timbang_gate(app->ctx, results, rules, &json);
    if (status != TIMBANG_OK)
        return library_error(app, status);
    json_t *report = json_loads(json, 0, NULL);
    bool pass = json_is_true(json_object_get(report, "pass"));
    if (how != FORMAT_TEXT) {
        code = emit_document(app, json, how);
    } else {
        put_checks(&app->out, report, (size_t)output_width());
        put_summary(&app->out, report);
        app->out.failed = app->out.failed || !report;
        code = emit(app, false);
    }
    json_decref(report);
    timbang_string_free(json);
    return code != EXIT_OK ? code : pass ? EXIT_OK : EXIT_GATE;
}
