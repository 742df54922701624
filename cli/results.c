/* Where results go: standard output or -o, and in which format; errors of the library as exit codes; finding and
 * printing a results.json.
 * Includes: cli.h, jansson. Called by: verbs. */
#include "cli.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int library_error(const cli *app, timbang_status status)
{
    if (status == TIMBANG_CANCELLED) {
        int signal_number = signal_received();
        print_error(&app->term, "interrupted", NULL);
        return 128 + (signal_number ? signal_number : SIGINT);
    }
    const char *text = timbang_error_text(app->ctx);
    print_error(&app->term, *text ? text : timbang_status_text(status), NULL);
    return timbang_status_exit_code(status);
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

int output_format(const cli *app, bool tsv, result_format *chosen)
{
    const char *path = text_of(app, OPT_OUTPUT);
    if (given(app, OPT_JSON) && given(app, OPT_JSONL))
        return usage_error(app, NULL, "--json and --jsonl exclude each other");
    *chosen = FORMAT_TEXT;
    if (given(app, OPT_JSON))
        *chosen = FORMAT_JSON;
    else if (given(app, OPT_JSONL))
        *chosen = FORMAT_JSONL;
    else if (path && ends_with(path, ".json"))
        *chosen = FORMAT_JSON;
    else if (path && ends_with(path, ".jsonl"))
        *chosen = FORMAT_JSONL;
    else if (path && ends_with(path, ".tsv"))
        *chosen = FORMAT_TSV;
    if (*chosen == FORMAT_TSV && !tsv)
        return usage_error(app, NULL, "-o %s: %s writes no TSV; name a .json, .jsonl or .txt file", path,
                           app->verb->name);
    return EXIT_OK;
}

/* The reader has gone: end as programs do that never heard of SIGPIPE, quietly. */
static int reader_gone(void)
{
    signal(SIGPIPE, SIG_DFL);
    raise(SIGPIPE);
    return 128 + SIGPIPE;
}

static int write_standard_output(const cli *app, const char *bytes, size_t left)
{
    while (left > 0) {
        ssize_t n = write(STDOUT_FILENO, bytes, left);
        if (n < 0 && errno == EINTR && !signal_received())
            continue;
        if (n < 0 && errno == EINTR)
            return library_error(app, TIMBANG_CANCELLED);
        if (n < 0 && errno == EPIPE)
            return reader_gone();
        if (n < 0)
            return usage_error(app, NULL, "standard output: cannot be written: %s", strerror(errno));
        bytes += n;
        left -= (size_t)n;
    }
    return EXIT_OK;
}

int emit(cli *app, bool more)
{
    terminal_clear_line(&app->term);
    if (app->out.failed) {
        print_error(&app->term, "out of memory", NULL);
        return EXIT_INTERNAL;
    }
    const char *path = app->verb && verb_has(app->verb, OPT_OUTPUT) ? text_of(app, OPT_OUTPUT) : NULL;
    if (path && more)
        return EXIT_OK;
    int code = EXIT_OK;
    if (path && strcmp(path, "-") != 0) {
        const char *bytes = app->out.data ? app->out.data : "";
        timbang_status status = timbang_write_file(app->ctx, path, bytes, app->out.length);
        if (status != TIMBANG_OK)
            code = library_error(app, status);
    } else {
        code = write_standard_output(app, app->out.data, app->out.length);
    }
    buffer_free(&app->out);
    return code;
}

static bool put_line(buffer *out, const json_t *value)
{
    char *line = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(17));
    if (!line)
        return false;
    put(out, line);
    put(out, "\n");
    free(line);
    return true;
}

int emit_document(cli *app, char *json, result_format how)
{
    bool fine = true;
    if (how != FORMAT_JSONL) {
        put(&app->out, json);
    } else {
        json_t *document = json_loads(json, JSON_DECODE_ANY, NULL), *item;
        size_t i;
        fine = document != NULL;
        if (json_is_array(document)) {
            json_array_foreach(document, i, item) fine = put_line(&app->out, item) && fine;
        } else {
            fine = fine && put_line(&app->out, document);
        }
        json_decref(document);
    }
    app->out.failed = app->out.failed || !fine;
    return emit(app, false);
}

/* ---- A results.json ---- */

char *joined_path(cli *app, const char *folder, const char *file)
{
    buffer path = {0};
    size_t n = strlen(folder);
    put(&path, folder);
    put(&path, n > 0 && folder[n - 1] == '/' ? "" : "/");
    put(&path, file);
    char *text = path.failed ? NULL : keep_text(app, path.data, path.length);
    buffer_free(&path);
    return text;
}

const char *results_of(cli *app, const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode) ? joined_path(app, path, "results.json") : path;
}

int put_results_table(cli *app, const char *results)
{
    char *text = NULL;
    timbang_status status = timbang_report_table(app->ctx, results, output_width(), app->term.color_output, &text);
    if (status != TIMBANG_OK)
        return library_error(app, status);
    put(&app->out, text);
    timbang_string_free(text);
    return EXIT_OK;
}
