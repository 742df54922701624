/* Options from the command line and from an option file. The command line wins.
 * Includes: cli.h, jansson. Called by: main.c. */
#include "cli.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { OPTION_FILE_BYTES = 1 << 20 };

/* Where a value comes from, for messages: "--threads", or "options.txt: threads". */
typedef struct origin {
    const char *file; /* NULL: the command line */
    const char *name;
} origin;

void *keep(cli *app, void *block)
{
    void **grown = block ? realloc(app->owned, (app->n_owned + 1) * sizeof *grown) : NULL;
    if (!grown) {
        free(block);
        print_error(&app->term, "out of memory", NULL);
        return NULL;
    }
    app->owned = grown;
    app->owned[app->n_owned++] = block;
    return block;
}

char *keep_text(cli *app, const char *text, size_t length)
{
    char *copy = malloc(length + 1);
    if (copy) {
        memcpy(copy, text, length);
        copy[length] = '\0';
    }
    return keep(app, copy);
}

static int bad_value(const cli *app, origin from, const char *value, const char *wanted, const char *hint)
{
    return usage_error(app, hint, "%s%s%s: '%s' is not %s", from.file ? from.file : "--", from.file ? ": " : "",
                       from.name, value, wanted);
}

/* Digits only: no sign, no blank, no overflow. */
static bool parse_whole(const char *text, uint64_t *value)
{
    if (!*text || strspn(text, "0123456789") != strlen(text))
        return false;
    errno = 0;
    *value = strtoull(text, NULL, 10);
    return errno == 0;
}

/* No blank, no hexadecimal, no infinity. The program never sets a locale. */
static bool parse_decimal(const char *text, double *value)
{
    char *end;
    if (!*text || strspn(text, "0123456789.eE+-") != strlen(text))
        return false;
    *value = strtod(text, &end);
    return !*end;
}

static int set_number(cli *app, option_id id, origin from, const char *text)
{
    const option_spec *spec = &option_specs[id];
    option_value *value = &app->values[id];
    if (spec->kind == KIND_NUMBER && parse_whole(text, &value->number) && value->number >= spec->min &&
        value->number <= spec->max)
        return EXIT_OK;
    if (spec->kind == KIND_DECIMAL && parse_decimal(text, &value->decimal) && value->decimal >= (double)spec->min &&
        value->decimal <= (double)spec->max)
        return EXIT_OK;
    char wanted[96];
    snprintf(wanted, sizeof wanted, "a %snumber from %llu to %llu", spec->kind == KIND_NUMBER ? "whole " : "",
             (unsigned long long)spec->min, (unsigned long long)spec->max);
    return bad_value(app, from, text, wanted, NULL);
}

static int set_part(cli *app, option_id id, origin from, const char *text)
{
    double value = 0;
    if (parse_decimal(text, &value) && value > 0 && value < 1) {
        app->values[id].decimal = value;
        return EXIT_OK;
    }
    return bad_value(app, from, text, "a number above 0 and below 1, such as 0.05", NULL);
}

static bool is_choice(const char *choices, const char *text)
{
    size_t length = strlen(text);
    for (const char *c = choices; length; c += 1) {
        size_t n = strcspn(c, "|");
        if (n == length && memcmp(c, text, n) == 0)
            return true;
        c += n;
        if (!*c)
            break;
    }
    return false;
}

static int add_item(cli *app, option_id id, const char *text)
{
    option_value *value = &app->values[id];
    const char **grown = realloc(value->items, (value->n_items + 1) * sizeof *grown);
    if (!grown) {
        print_error(&app->term, "out of memory", NULL);
        return EXIT_INTERNAL;
    }
    value->items = grown;
    value->items[value->n_items++] = text;
    return EXIT_OK;
}

static int set_value(cli *app, option_id id, origin from, const char *text)
{
    const option_spec *spec = &option_specs[id];
    option_value *value = &app->values[id];
    int code = EXIT_OK;
    if (spec->kind == KIND_NUMBER || spec->kind == KIND_DECIMAL)
        code = set_number(app, id, from, text);
    else if (spec->kind == KIND_PART)
        code = set_part(app, id, from, text);
    else if (spec->kind == KIND_CHOICE && !is_choice(spec->value, text)) {
        char wanted[96], hint[80];
        const char *word = NULL;
        int length = (int)closest_choice(spec->value, text, &word);
        snprintf(wanted, sizeof wanted, "one of %s", spec->value);
        snprintf(hint, sizeof hint, "did you mean %.*s?", length, word ? word : "");
        code = bad_value(app, from, text, wanted, length ? hint : NULL);
    } else if (spec->kind == KIND_REPEAT)
        code = add_item(app, id, text);
    value->text = text;
    value->set = value->set || code == EXIT_OK;
    return code;
}

static int unknown_option(const cli *app, origin from)
{
    char hint[200];
    const char *closest = closest_option(app->verb, from.name);
    if (closest)
        snprintf(hint, sizeof hint, "did you mean %s%s?", from.file ? "" : "--", closest);
    else
        snprintf(hint, sizeof hint, "timbang %s --help lists the options%s", app->verb->name,
                 from.file ? "" : "; put -- before an argument that begins with a dash");
    return usage_error(app, hint, "%s%s%s: %s has no such option", from.file ? from.file : "--", from.file ? ": " : "",
                       from.name, app->verb->name);
}

/* ---- The command line ---- */

static void record_words(cli *app, char *const *words, int n)
{
    for (int i = 0; i < n; i++) {
        put(&app->command, " ");
        put_word(&app->command, words[i]);
    }
}

/* argv[*i] is an option: takes it, and its value where it has one. */
static int parse_one(cli *app, int argc, char **argv, int *i)
{
    const char *word = argv[*i];
    bool is_long = word[1] == '-';
    const char *name = word + (is_long ? 2 : 1), *equals = is_long ? strchr(name, '=') : NULL;
    size_t length = equals ? (size_t)(equals - name) : strlen(name);
    option_id id = is_long ? find_option(app->verb, name, length) : find_letter(app->verb, name[0]);
    if (id == OPTIONS) {
        char shown[80];
        snprintf(shown, sizeof shown, "%.*s", (int)(length < 60 ? length : 60), name);
        if (is_long)
            return unknown_option(app, (origin){NULL, shown});
        return usage_error(app, "put -- before an argument that begins with a dash", "-%s: %s has no such option",
                           shown, app->verb->name);
    }
    const option_spec *spec = &option_specs[id];
    if (spec->kind == KIND_FLAG) {
        if (equals || (!is_long && name[1]))
            return usage_error(app, NULL, "--%s takes no value", spec->name);
        app->values[id].set = true;
        return EXIT_OK;
    }
    const char *value = equals ? equals + 1 : !is_long && name[1] ? name + 1 : NULL;
    if (!value && *i + 1 < argc)
        value = argv[++*i];
    if (!value)
        return usage_error(app, NULL, "--%s wants a value: --%s %s", spec->name, spec->name, spec->value);
    return set_value(app, id, (origin){NULL, spec->name}, value);
}

static int parse_words(cli *app, int argc, char **argv)
{
    app->arguments = keep(app, calloc((size_t)argc + 1, sizeof *app->arguments));
    if (!app->arguments)
        return EXIT_INTERNAL;
    bool options_end = false;
    put_format(&app->command, "timbang %s", app->verb->name);
    for (int i = 0, first; i < argc; i++) {
        size_t bad = invalid_utf8_at(argv[i], strlen(argv[i]));
        if (bad != SIZE_MAX)
            return usage_error(app, NULL, "argument %d is not valid UTF-8: byte 0x%02x at %zu", i + 1,
                               (unsigned char)argv[i][bad], bad);
        first = i;
        bool is_option = !options_end && argv[i][0] == '-' && argv[i][1];
        if (is_option && strcmp(argv[i], "--") == 0) {
            options_end = true;
        } else if (is_option) {
            int code = parse_one(app, argc, argv, &i);
            if (code != EXIT_OK)
                return code;
        } else {
            app->arguments[app->n_arguments++] = argv[i];
        }
        if (!is_option || strcmp(argv[first], "--resume") != 0) /* a resumed study is the same study */
            record_words(app, argv + first, i - first + 1);
    }
    return EXIT_OK;
}

/* ---- The option file ---- */

static bool is_true(const char *text)
{
    return strcmp(text, "true") == 0 || strcmp(text, "yes") == 0 || strcmp(text, "1") == 0;
}

static bool is_false(const char *text)
{
    return strcmp(text, "false") == 0 || strcmp(text, "no") == 0 || strcmp(text, "0") == 0;
}

/* One setting of the file. on_line[id] tells what the command line has set already. Options of other verbs are left
 * alone, so that one file serves all. */
static int apply(cli *app, const bool on_line[OPTIONS], origin from, const char *text)
{
    option_id id = find_option(app->verb, from.name, strlen(from.name));
    if (id == OPT_CONFIG || id == OPT_HELP)
        return usage_error(app, NULL, "%s: %s has no place in an option file", from.file, from.name);
    if (id == OPTIONS)
        return any_verb_has(from.name, strlen(from.name)) ? EXIT_OK : unknown_option(app, from);
    if (on_line[id])
        return EXIT_OK;
    if (option_specs[id].kind != KIND_FLAG)
        return set_value(app, id, from, text);
    if (!is_true(text) && !is_false(text))
        return bad_value(app, from, text, "true or false", NULL);
    bool opposite_on_line =
        (id == OPT_HEADER && on_line[OPT_NO_HEADER]) || (id == OPT_NO_HEADER && on_line[OPT_HEADER]);
    app->values[id].set = is_true(text) && !opposite_on_line;
    return EXIT_OK;
}

static int apply_json_value(cli *app, const bool on_line[OPTIONS], origin from, const json_t *value)
{
    char number[48];
    const char *text = json_string_value(value);
    if (json_is_integer(value)) {
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
        text = keep_text(app, number, strlen(number));
    } else if (json_is_real(value)) {
        snprintf(number, sizeof number, "%.17g", json_real_value(value));
        text = keep_text(app, number, strlen(number));
    } else if (json_is_boolean(value)) {
        text = json_is_true(value) ? "true" : "false";
    }
    if (!text)
        return usage_error(app, NULL, "%s: %s: a string, a number, true, false or an array of strings is wanted",
                           from.file, from.name);
    return apply(app, on_line, from, text);
}

/* An array is a repeated option, or a list with commas. */
static int apply_json_array(cli *app, const bool on_line[OPTIONS], origin from, const json_t *array)
{
    option_id id = find_option(app->verb, from.name, strlen(from.name));
    buffer joined = {0};
    int code = EXIT_OK;
    size_t i;
    json_t *item;
    json_array_foreach(array, i, item)
    {
        if (!json_is_string(item)) {
            code =
                usage_error(app, NULL, "%s: %s: entry %zu of the array is not a string", from.file, from.name, i + 1);
            break;
        }
        if (id != OPTIONS && option_specs[id].kind == KIND_REPEAT) {
            code = apply(app, on_line, from, json_string_value(item));
            if (code != EXIT_OK)
                break;
        } else {
            put(&joined, i ? "," : "");
            put(&joined, json_string_value(item));
        }
    }
    if (code == EXIT_OK && joined.data) {
        char *text = joined.failed ? NULL : keep_text(app, joined.data, joined.length);
        code = text ? apply(app, on_line, from, text) : EXIT_INTERNAL;
    }
    buffer_free(&joined);
    return code;
}

static void drop_json(cli *app)
{
    json_decref(app->option_file);
    app->option_file = NULL;
}

/* The object lives until the end, because values point into it. */
static int apply_json(cli *app, const bool on_line[OPTIONS], const char *file, const char *text, size_t size)
{
    json_error_t error;
    drop_json(app);
    app->option_file = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(app->option_file))
        return usage_error(app, NULL, "%s: line %d: %s", file, error.line, error.text);
    const char *key;
    json_t *value;
    json_object_foreach(app->option_file, key, value)
    {
        origin from = {file, key};
        int code = json_is_array(value) ? apply_json_array(app, on_line, from, value)
                                        : apply_json_value(app, on_line, from, value);
        if (code != EXIT_OK)
            return code;
    }
    return EXIT_OK;
}

static char *trim(char *text)
{
    text += strspn(text, " \t\r");
    size_t n = strlen(text);
    while (n > 0 && strchr(" \t\r", text[n - 1]))
        text[--n] = '\0';
    return text;
}

/* "name = value" a line; # begins a comment; quotes around a value are optional. */
static int apply_lines(cli *app, const bool on_line[OPTIONS], const char *file, char *text)
{
    int number = 0;
    for (char *line = text, *next; line; line = next) {
        number++;
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        line = trim(line);
        if (!*line || *line == '#')
            continue;
        char *equals = strchr(line, '=');
        if (!equals)
            return usage_error(app, NULL, "%s: line %d: 'name = value' is wanted", file, number);
        *equals = '\0';
        char *name = trim(line), *value = trim(equals + 1);
        size_t n = strlen(value);
        if (n >= 2 && value[0] == '"' && value[n - 1] == '"') {
            value[n - 1] = '\0';
            value++;
        }
        int code = apply(app, on_line, (origin){file, name}, value);
        if (code != EXIT_OK)
            return code;
    }
    return EXIT_OK;
}

static char *read_option_file(cli *app, const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    char *text = file ? malloc(OPTION_FILE_BYTES + 1) : NULL;
    if (!file || !text) {
        usage_error(app, NULL, "%s: cannot be read: %s", path, strerror(errno));
        if (file)
            fclose(file);
        return NULL;
    }
    *size = fread(text, 1, OPTION_FILE_BYTES, file);
    bool failed = ferror(file) != 0, longer = fgetc(file) != EOF;
    fclose(file);
    text[*size] = '\0';
    const char *wrong = failed                                     ? "cannot be read"
                        : longer                                   ? "is too large for an option file"
                        : memchr(text, 0, *size)                   ? "holds a zero byte"
                        : invalid_utf8_at(text, *size) != SIZE_MAX ? "is not valid UTF-8"
                                                                   : NULL;
    if (wrong) {
        usage_error(app, NULL, "%s: %s", path, wrong);
        free(text);
        return NULL;
    }
    return keep(app, text);
}

static int parse_option_file(cli *app, const char *path)
{
    struct stat info;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) { /* of config.json, for --weights */
        if (!verb_has(app->verb, OPT_CONFIG_DIR))
            return usage_error(app, NULL, "--config: %s is a folder; %s wants a file of options", path,
                               app->verb->name);
        app->values[OPT_CONFIG_DIR].set = true;
        app->values[OPT_CONFIG_DIR].text = path;
        return EXIT_OK;
    }
    size_t size = 0;
    char *text = read_option_file(app, path, &size);
    if (!text)
        return EXIT_USAGE;
    bool on_line[OPTIONS];
    for (int id = 0; id < OPTIONS; id++)
        on_line[id] = app->values[id].set;
    const char *first = text + strspn(text, " \t\r\n");
    return *first == '{' ? apply_json(app, on_line, path, text, size) : apply_lines(app, on_line, path, text);
}

int parse_options(cli *app, int argc, char **argv)
{
    int code = parse_words(app, argc, argv);
    if (code != EXIT_OK || app->values[OPT_HELP].set)
        return code;
    if (app->values[OPT_CONFIG].set)
        code = parse_option_file(app, app->values[OPT_CONFIG].text);
    if (code != EXIT_OK)
        return code;
    if (app->values[OPT_HEADER].set && app->values[OPT_NO_HEADER].set)
        return usage_error(app, NULL, "--header and --no-header exclude each other");
    int most = app->verb->max_arguments;
    if (most >= 0 && app->n_arguments > (size_t)most)
        return usage_error(app, NULL, "%s: unexpected argument '%s'", app->verb->name, app->arguments[most]);
    return EXIT_OK;
}
