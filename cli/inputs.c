/* From options to the library's structs: models, data, texts. Includes: cli.h. Called by: verbs. */
#include "cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int usage_error(const cli *app, const char *hint, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    print_error(&app->term, text, hint);
    return EXIT_USAGE;
}

bool given(const cli *app, option_id id)
{
    return app->values[id].set;
}

bool named_path(cli *app, const char *text, bool model, timbang_named_path *out)
{
    const char *equals = strchr(text, '='), *slash = strchr(text, '/');
    *out = (timbang_named_path){NULL, text};
    if (equals && equals != text && (!slash || slash > equals) && access(text, F_OK) != 0) {
        out->name = keep_text(app, text, (size_t)(equals - text));
        out->path = equals + 1;
        if (!out->name)
            return false;
    }
    if (model && strcmp(out->path, "embedded") == 0 && access(out->path, F_OK) != 0)
        out->path = NULL;
    return true;
}

double timing_seconds(const cli *app)
{
    const double shortest = 1e-6; /* 0 means the default to the library; here it means ten rounds and no more */
    double asked = app->values[OPT_TIMING_SECONDS].decimal;
    return given(app, OPT_TIMING_SECONDS) && asked < shortest ? shortest : asked;
}

uint64_t number_or(const cli *app, option_id id, uint64_t otherwise)
{
    return given(app, id) ? app->values[id].number : otherwise;
}

const char *text_of(const cli *app, option_id id)
{
    return given(app, id) ? app->values[id].text : NULL;
}

bool split_list(cli *app, const char *text, const char *const **items, size_t *n)
{
    char *copy = keep_text(app, text, strlen(text));
    size_t count = 1;
    for (const char *c = text; *c; c++)
        count += *c == ',';
    const char **list = copy ? keep(app, calloc(count, sizeof *list)) : NULL;
    if (!list)
        return false;
    *n = count;
    for (size_t i = 0; i < count; i++) {
        char *comma = strchr(copy, ',');
        if (comma)
            *comma = '\0';
        copy += strspn(copy, " ");
        size_t length = strlen(copy);
        while (length > 0 && copy[length - 1] == ' ')
            copy[--length] = '\0';
        list[i] = copy;
        copy = comma ? comma + 1 : copy;
    }
    *items = list;
    return true;
}

/* ---- Models ---- */

int one_model(cli *app, bool argument_is_model, const char **path)
{
    const option_value *models = &app->values[OPT_MODEL];
    size_t n_arguments = argument_is_model ? app->n_arguments : 0;
    if (models->n_items + n_arguments > 1)
        return usage_error(app, NULL, "%s works on one model; two were named", app->verb->name);
    *path = models->n_items ? models->items[0] : n_arguments ? app->arguments[0] : NULL;
    if (*path && strcmp(*path, "embedded") == 0 && access(*path, F_OK) != 0)
        *path = NULL;
    return EXIT_OK;
}

/* --labels names a new head's labels, --model-labels the file's LABEL_n; one model needs one of them. */
static int fill_labels(cli *app, const char *const **labels, size_t *n)
{
    const char *a = text_of(app, OPT_LABELS), *b = text_of(app, OPT_MODEL_LABELS);
    if (a && b && strcmp(a, b) != 0)
        return usage_error(app, NULL, "--labels and --model-labels name different labels");
    const char *list = a ? a : b;
    return !list || split_list(app, list, labels, n) ? EXIT_OK : EXIT_INTERNAL;
}

int fill_model_options(cli *app, bool argument_is_model, timbang_model_options *options)
{
    timbang_model_options_init(options);
    int code = one_model(app, argument_is_model, &options->path);
    if (code == EXIT_OK)
        code = fill_labels(app, &options->labels, &options->n_labels);
    options->weights = text_of(app, OPT_WEIGHTS);
    options->config = text_of(app, OPT_CONFIG_DIR);
    options->compute = text_of(app, OPT_COMPUTE);
    options->seed = number_or(app, OPT_SEED, options->seed);
    if (code == EXIT_OK && options->config && !options->weights)
        return usage_error(app, NULL,
                           "--config %s is a folder, which goes with --weights FILE; a model folder is --model DIR",
                           options->config);
    return code;
}

int load_model(cli *app, bool argument_is_model, timbang_model **model)
{
    timbang_model_options options;
    int code = fill_model_options(app, argument_is_model, &options);
    if (code != EXIT_OK)
        return code;
    timbang_status status = timbang_model_load(app->ctx, &options, model);
    return status == TIMBANG_OK ? EXIT_OK : library_error(app, status);
}

int fill_predict_options(cli *app, timbang_predict_options *options)
{
    timbang_predict_options_init(options);
    options->max_length = (size_t)number_or(app, OPT_MAX_LENGTH, 0);
    options->batch = (size_t)number_or(app, OPT_BATCH, 0);
    if (!given(app, OPT_CLEAN))
        return EXIT_OK;
    timbang_status status = timbang_clean_flags(app->ctx, text_of(app, OPT_CLEAN), &options->clean);
    return status == TIMBANG_OK ? EXIT_OK : library_error(app, status);
}

/* ---- Data ---- */

int fill_data_options(cli *app, const char *path, timbang_data_options *options)
{
    timbang_data_options_init(options);
    options->path = path;
    options->text_column = text_of(app, OPT_TEXT_COLUMN);
    options->label_column = text_of(app, OPT_LABEL_COLUMN);
    options->pair_column = text_of(app, OPT_TEXT_PAIR);
    options->label_map = text_of(app, OPT_LABEL_MAP);
    options->drop_labels = text_of(app, OPT_DROP_LABELS);
    options->limit = number_or(app, OPT_LIMIT, 0);
    options->seed = number_or(app, OPT_SEED, options->seed);
    options->header = given(app, OPT_HEADER) ? 1 : given(app, OPT_NO_HEADER) ? 0 : -1;
    return EXIT_OK;
}

/* Everything on standard input, zero-terminated. */
static int read_standard_input(cli *app, char **text, size_t *size)
{
    buffer all = {0};
    char chunk[1 << 16];
    for (;;) {
        ssize_t n = read(STDIN_FILENO, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR && !signal_received())
            continue;
        if (n < 0) {
            int code = signal_received()
                           ? library_error(app, TIMBANG_CANCELLED)
                           : usage_error(app, NULL, "standard input: cannot be read: %s", strerror(errno));
            buffer_free(&all);
            return code;
        }
        if (n == 0)
            break;
        put_bytes(&all, chunk, (size_t)n);
    }
    if (all.failed) {
        buffer_free(&all);
        print_error(&app->term, "out of memory", NULL);
        return EXIT_INTERNAL;
    }
    *size = all.length;
    *text = all.data ? keep(app, all.data) : keep_text(app, "", 0);
    return *text ? EXIT_OK : EXIT_INTERNAL;
}

static int check_line(const cli *app, const char *line, size_t length, size_t number)
{
    const char *zero = memchr(line, 0, length);
    if (zero)
        return usage_error(app, NULL, "standard input: line %zu holds a zero byte at %zu", number,
                           (size_t)(zero - line));
    size_t bad = invalid_utf8_at(line, length);
    if (bad != SIZE_MAX)
        return usage_error(app, NULL, "standard input: line %zu is not valid UTF-8: byte 0x%02x at %zu", number,
                           (unsigned char)line[bad], bad);
    return EXIT_OK;
}

/* One text a line; a BOM and carriage returns at line ends are dropped, a last line may lack its end. */
static int read_lines(cli *app, texts *t)
{
    char *text = NULL;
    size_t size = 0;
    int code = read_standard_input(app, &text, &size);
    if (code != EXIT_OK)
        return code;
    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        text += 3;
        size -= 3;
    }
    if (size == 0)
        return usage_error(app, NULL, "standard input: is empty; one text a line is wanted");
    size_t n = 0, limit = (size_t)number_or(app, OPT_LIMIT, UINT64_MAX);
    for (size_t i = 0; i < size; i++)
        n += text[i] == '\n';
    t->text = calloc(n + 1, sizeof *t->text);
    if (!t->text) {
        print_error(&app->term, "out of memory", NULL);
        return EXIT_INTERNAL;
    }
    for (char *line = text, *end = text + size; line < end && t->n < limit;) {
        char *stop = memchr(line, '\n', (size_t)(end - line));
        char *next = stop ? stop + 1 : end;
        if (!stop)
            stop = end;
        if (stop > line && stop[-1] == '\r')
            stop--;
        code = check_line(app, line, (size_t)(stop - line), t->n + 1);
        if (code != EXIT_OK)
            return code;
        *stop = '\0';
        t->text[t->n++] = line;
        line = next;
    }
    return EXIT_OK;
}

static int read_data(cli *app, const char *path, texts *t)
{
    timbang_data_options options;
    int code = fill_data_options(app, path, &options);
    if (code != EXIT_OK)
        return code;
    if (!options.label_column)
        options.label_column = ""; /* labels are not needed here */
    timbang_status status = timbang_dataset_load(app->ctx, &options, &t->dataset);
    if (status != TIMBANG_OK)
        return library_error(app, status);
    t->n = timbang_dataset_n(t->dataset);
    t->text = calloc(t->n + 1, sizeof *t->text);
    t->pair = options.pair_column ? calloc(t->n + 1, sizeof *t->pair) : NULL;
    if (!t->text || (options.pair_column && !t->pair)) {
        print_error(&app->term, "out of memory", NULL);
        return EXIT_INTERNAL;
    }
    for (size_t i = 0; i < t->n; i++) {
        t->text[i] = timbang_dataset_text(t->dataset, i);
        if (t->pair)
            t->pair[i] = timbang_dataset_pair(t->dataset, i);
    }
    return EXIT_OK;
}

int read_texts(cli *app, texts *t)
{
    const option_value *data = &app->values[OPT_DATA];
    if (data->n_items > 1)
        return usage_error(app, NULL, "%s works on one --data FILE; %zu were named", app->verb->name, data->n_items);
    if (data->n_items && app->n_arguments)
        return usage_error(app, NULL, "texts and --data FILE exclude each other ('%s')", app->arguments[0]);
    if (!data->n_items && !app->n_arguments)
        return usage_error(app,
                           strcmp(app->verb->name, "tokenize") == 0 ? "timbang tokenize \"Filmnya bagus sekali\""
                                                                    : "timbang predict \"Filmnya bagus sekali\"",
                           "no text was given; name texts, --data FILE, or - for lines on standard input");
    bool columns_named = given(app, OPT_TEXT_COLUMN) || given(app, OPT_LABEL_COLUMN) || given(app, OPT_TEXT_PAIR) ||
                         given(app, OPT_HEADER) || given(app, OPT_NO_HEADER);
    if (!data->n_items && columns_named)
        return usage_error(app, NULL,
                           "columns and headers belong to a --data FILE; the texts that were given have none");
    if (data->n_items && (strcmp(data->items[0], "-") != 0 || columns_named))
        return read_data(app, data->items[0], t);
    if (data->n_items || (app->n_arguments == 1 && strcmp(app->arguments[0], "-") == 0))
        return read_lines(app, t);
    t->text = calloc(app->n_arguments, sizeof *t->text);
    if (!t->text) {
        print_error(&app->term, "out of memory", NULL);
        return EXIT_INTERNAL;
    }
    for (; t->n < app->n_arguments; t->n++)
        t->text[t->n] = app->arguments[t->n];
    return EXIT_OK;
}

void free_texts(texts *t)
{
    free(t->text);
    free(t->pair);
    timbang_dataset_free(t->dataset);
    *t = (texts){0};
}
