/* The files of a checkpoint. Each begins with a line that names it, then the length of a JSON header as text on a line
 * of its own, the header, and arrays in the machine's byte order: they are for the machine that wrote them.
 * Includes: train/checkpoint.h. Called by: train. */
#include "train/checkpoint.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char magic[] = "timbang training state 1\n";
static const char state_file[] = "state.bin", partial_file[] = "evaluation.bin";
enum { BEST_NAME = 48, MAX_HEADER = 1 << 20, LENGTH_LINE = 21 };

void tb_train_state_free(tb_train_state *state)
{
    tb_text_free(&state->log);
    *state = (tb_train_state){0};
}

timbang_status tb_checkpoint_files_open(const char *folder, tb_checkpoint_files *files, tb_error *err)
{
    TB_TRY(tb_make_dirs(folder, err));
    files->folder = tb_strdup(folder, err);
    return files->folder ? TIMBANG_OK : err->status;
}

void tb_checkpoint_files_close(tb_checkpoint_files *files)
{
    free(files->folder);
    *files = (tb_checkpoint_files){0};
}

timbang_status tb_checkpoint_files_remove(const tb_checkpoint_files *files, tb_error *err)
{
    return tb_remove_tree(files->folder, err);
}

/* ---- A file: header and arrays ---- */

typedef struct array {
    void *data;
    size_t bytes;
} array;

static timbang_status write_parts(tb_writer *writer, const char *header, const array *arrays, size_t n, tb_error *err)
{
    char line[LENGTH_LINE + 1];
    snprintf(line, sizeof line, "%20zu\n", strlen(header));
    TB_TRY(tb_writer_write(writer, magic, sizeof magic - 1, err));
    TB_TRY(tb_writer_write(writer, line, LENGTH_LINE, err));
    TB_TRY(tb_writer_write(writer, header, strlen(header), err));
    for (size_t i = 0; i < n; i++)
        if (arrays[i].bytes > 0)
            TB_TRY(tb_writer_write(writer, arrays[i].data, arrays[i].bytes, err));
    return TIMBANG_OK;
}

/* Takes the header's reference over. */
static timbang_status write_file(const tb_checkpoint_files *files, const char *name, json_t *header,
                                 const array *arrays, size_t n, tb_error *err)
{
    char *text = NULL, *path = NULL;
    tb_writer *writer = NULL;
    timbang_status status = header ? tb_json_compact(header, &text, err) : tb_no_memory(err, 0);
    json_decref(header);
    if (status == TIMBANG_OK)
        status = (path = tb_path_join(files->folder, name, err)) ? tb_writer_open(path, &writer, err) : err->status;
    if (status == TIMBANG_OK)
        status = write_parts(writer, text, arrays, n, err);
    if (status == TIMBANG_OK)
        status = tb_writer_commit(writer, err);
    else
        tb_writer_abandon(writer);
    free(path);
    free(text);
    return status;
}

typedef struct reader {
    tb_source *source;
    json_t *header;
    uint64_t at;
} reader;

static timbang_status damaged(const tb_source *source, tb_error *err)
{
    return tb_fail(err, TIMBANG_FORMAT, "%s: is damaged or of another version; start anew with --force",
                   tb_source_name(source));
}

static timbang_status read_header(reader *r, tb_error *err)
{
    enum { START = sizeof magic - 1 };
    char start[START], line[LENGTH_LINE + 1] = {0};
    const uint64_t size = tb_source_size(r->source);
    if (size < START + LENGTH_LINE)
        return damaged(r->source, err);
    TB_TRY(tb_source_read(r->source, 0, start, START, err));
    TB_TRY(tb_source_read(r->source, START, line, LENGTH_LINE, err));
    char *digits = line + strspn(line, " ");
    digits[strcspn(digits, "\n")] = '\0';
    uint64_t length = strlen(digits) > 7 ? 0 : (uint64_t)strtoul(digits, NULL, 10);
    if (memcmp(start, magic, START) != 0 || length == 0 || length > MAX_HEADER || length > size - START - LENGTH_LINE)
        return damaged(r->source, err);
    char *text = tb_calloc((size_t)length, 1, err);
    if (!text)
        return err->status;
    timbang_status status = tb_source_read(r->source, START + LENGTH_LINE, text, (size_t)length, err);
    if (status == TIMBANG_OK)
        status = tb_json_parse(tb_source_name(r->source), text, (size_t)length, 0, &r->header, err);
    free(text);
    r->at = START + LENGTH_LINE + length;
    return status;
}

static timbang_status open_file(const tb_checkpoint_files *files, const char *name, reader *r, tb_error *err)
{
    char *path = tb_path_join(files->folder, name, err);
    timbang_status status = path ? tb_source_open(path, &r->source, err) : err->status;
    free(path);
    return status == TIMBANG_OK ? read_header(r, err) : status;
}

/* The arrays must fill the rest of the file. */
static timbang_status read_arrays(reader *r, const array *arrays, size_t n, tb_error *err)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < n; i++)
        bytes += arrays[i].bytes;
    if (bytes != tb_source_size(r->source) - r->at)
        return damaged(r->source, err);
    for (size_t i = 0; i < n; i++) {
        if (arrays[i].bytes > 0)
            TB_TRY(tb_source_read(r->source, r->at, arrays[i].data, arrays[i].bytes, err));
        r->at += arrays[i].bytes;
    }
    return TIMBANG_OK;
}

static void close_file(reader *r)
{
    json_decref(r->header);
    tb_source_close(r->source);
}

/* ---- The state ---- */

bool tb_train_state_there(const tb_checkpoint_files *files)
{
    tb_error ignored;
    char *path = tb_path_join(files->folder, state_file, &ignored);
    bool there = path && tb_is_file(path);
    free(path);
    return there;
}

static json_t *state_header(const tb_train_state *s, size_t n_values)
{
    json_t *best = s->has_best ? json_pack("{s:I, s:o, s:o, s:o}", "step", (json_int_t)s->best_step, "loss",
                                           tb_json_real(s->best.loss), "accuracy", tb_json_real(s->best.accuracy),
                                           "macro_f1", tb_json_real(s->best.macro_f1))
                               : json_null();
    return json_pack("{s:I, s:I, s:I, s:b, s:b, s:I, s:o, s:s, s:I, s:f, s:f, s:f, s:I, s:I, s:I}", "values",
                     (json_int_t)n_values, "log_bytes", (json_int_t)s->log.length, "step", (json_int_t)s->step,
                     "evaluated", (int)s->evaluated, "stopped", (int)s->stopped, "stale", (json_int_t)s->stale, "best",
                     best, "started", s->started, "resumed", (json_int_t)s->resumed, "seconds", s->seconds,
                     "evaluation_seconds", s->evaluation_seconds, "checkpoint_seconds", s->checkpoint_seconds, "texts",
                     (json_int_t)s->texts, "tokens", (json_int_t)s->tokens, "peak_resident_bytes",
                     (json_int_t)s->peak_resident_bytes);
}

/* Masters, m, v, and the log. */
static void state_arrays(const tb_parameters *parameters, const tb_adamw *adamw, tb_text *log, array arrays[4])
{
    const size_t bytes = parameters->n * sizeof(float);
    arrays[0] = (array){parameters->values, bytes};
    arrays[1] = (array){adamw->m, bytes};
    arrays[2] = (array){adamw->v, bytes};
    arrays[3] = (array){log->data, log->length};
}

timbang_status tb_train_state_write(const tb_checkpoint_files *files, const tb_train_state *state,
                                    const tb_parameters *parameters, const tb_adamw *adamw, tb_error *err)
{
    TB_TRY(tb_text_finish(&state->log, err));
    tb_text log = state->log;
    array arrays[4];
    state_arrays(parameters, adamw, &log, arrays);
    return write_file(files, state_file, state_header(state, parameters->n), arrays, 4, err);
}

/* NaN, as of MLM's macro-F1, is null in JSON. */
static timbang_status get_figure(const json_t *object, const char *key, double *out, tb_error *err)
{
    *out = NAN;
    return tb_json_get_double(object, state_file, key, false, out, err);
}

static timbang_status read_best(const json_t *best, tb_train_state *s, tb_error *err)
{
    if (!json_is_object(best))
        return TIMBANG_OK;
    s->has_best = true;
    TB_TRY(tb_json_get_u64(best, state_file, "step", true, 0, INT64_MAX, &s->best_step, err));
    TB_TRY(get_figure(best, "loss", &s->best.loss, err));
    TB_TRY(get_figure(best, "accuracy", &s->best.accuracy, err));
    return get_figure(best, "macro_f1", &s->best.macro_f1, err);
}

static timbang_status read_members(const json_t *h, tb_train_state *s, tb_error *err)
{
    const char *started = NULL;
    const struct {
        const char *key;
        uint64_t *out;
    } counts[] = {{"step", &s->step},     {"stale", &s->stale},     {"texts", &s->texts},
                  {"tokens", &s->tokens}, {"resumed", &s->resumed}, {"peak_resident_bytes", &s->peak_resident_bytes}};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        TB_TRY(tb_json_get_u64(h, state_file, counts[i].key, true, 0, INT64_MAX, counts[i].out, err));
    TB_TRY(tb_json_get_bool(h, state_file, "evaluated", true, &s->evaluated, err));
    TB_TRY(tb_json_get_bool(h, state_file, "stopped", true, &s->stopped, err));
    TB_TRY(tb_json_get_double(h, state_file, "seconds", true, &s->seconds, err));
    TB_TRY(tb_json_get_double(h, state_file, "evaluation_seconds", true, &s->evaluation_seconds, err));
    TB_TRY(tb_json_get_double(h, state_file, "checkpoint_seconds", true, &s->checkpoint_seconds, err));
    TB_TRY(tb_json_get_string(h, state_file, "started", true, &started, err));
    snprintf(s->started, sizeof s->started, "%s", started);
    return read_best(json_object_get(h, "best"), s, err);
}

static timbang_status read_state(reader *r, tb_train_state *state, tb_parameters *parameters, tb_adamw *adamw,
                                 tb_error *err)
{
    uint64_t values = 0, log_bytes = 0;
    TB_TRY(read_members(r->header, state, err));
    TB_TRY(tb_json_get_u64(r->header, state_file, "values", true, 0, INT64_MAX, &values, err));
    TB_TRY(tb_json_get_u64(r->header, state_file, "log_bytes", true, 0, INT64_MAX, &log_bytes, err));
    if (values != parameters->n || log_bytes > tb_source_size(r->source))
        return damaged(r->source, err);
    char *log = tb_calloc((size_t)log_bytes + 1, 1, err);
    if (!log)
        return err->status;
    state->log = (tb_text){.data = log, .length = (size_t)log_bytes, .capacity = (size_t)log_bytes + 1};
    array arrays[4];
    state_arrays(parameters, adamw, &state->log, arrays);
    TB_TRY(read_arrays(r, arrays, 4, err));
    adamw->step = state->step;
    return TIMBANG_OK;
}

timbang_status tb_train_state_read(const tb_checkpoint_files *files, tb_train_state *state, tb_parameters *parameters,
                                   tb_adamw *adamw, tb_error *err)
{
    reader r = {0};
    timbang_status status = open_file(files, state_file, &r, err);
    if (status == TIMBANG_OK)
        status = read_state(&r, state, parameters, adamw, err);
    close_file(&r);
    return status;
}

/* ---- The best values ---- */

static void best_name(uint64_t step, char name[BEST_NAME])
{
    snprintf(name, BEST_NAME, "best-%" PRIu64 ".bin", step);
}

timbang_status tb_best_write(const tb_checkpoint_files *files, uint64_t step, const tb_parameters *parameters,
                             tb_error *err)
{
    char name[BEST_NAME];
    best_name(step, name);
    const array values = {parameters->values, parameters->n * sizeof(float)};
    return write_file(files, name, json_pack("{s:I}", "step", (json_int_t)step), &values, 1, err);
}

timbang_status tb_best_read(const tb_checkpoint_files *files, uint64_t step, tb_parameters *parameters, tb_error *err)
{
    char name[BEST_NAME];
    best_name(step, name);
    const array values = {parameters->values, parameters->n * sizeof(float)};
    reader r = {0};
    timbang_status status = open_file(files, name, &r, err);
    if (status == TIMBANG_OK)
        status = read_arrays(&r, &values, 1, err);
    close_file(&r);
    return status;
}

timbang_status tb_best_remove_others(const tb_checkpoint_files *files, uint64_t step, tb_error *err)
{
    char kept[BEST_NAME];
    best_name(step, kept);
    DIR *folder = opendir(files->folder);
    if (!folder)
        return tb_fail(err, TIMBANG_IO, "%s: cannot be read: %s", files->folder, strerror(errno));
    timbang_status status = TIMBANG_OK;
    for (const struct dirent *entry; status == TIMBANG_OK && (entry = readdir(folder)) != NULL;) {
        if (strncmp(entry->d_name, "best-", 5) != 0 || strcmp(entry->d_name, kept) == 0)
            continue;
        char *path = tb_path_join(files->folder, entry->d_name, err);
        status = path ? TIMBANG_OK : err->status;
        if (path && unlink(path) != 0 && errno != ENOENT)
            status = tb_fail(err, TIMBANG_IO, "%s: cannot be removed: %s", path, strerror(errno));
        free(path);
    }
    closedir(folder);
    return status;
}

/* ---- A part of an evaluation ---- */

timbang_status tb_partial_write(const tb_checkpoint_files *files, const tb_partial *partial, const float *logits,
                                size_t n_logits, tb_error *err)
{
    const array arrays[] = {{(void *)(uintptr_t)partial, sizeof *partial},
                            {(void *)(uintptr_t)logits, n_logits * sizeof *logits}};
    return write_file(files, partial_file, json_pack("{s:I}", "logits", (json_int_t)n_logits), arrays, 2, err);
}

timbang_status tb_partial_read(const tb_checkpoint_files *files, uint64_t step, tb_partial *partial, float *logits,
                               size_t n_logits, tb_error *err)
{
    char *path = tb_path_join(files->folder, partial_file, err);
    if (!path)
        return err->status;
    bool there = tb_is_file(path);
    free(path);
    if (!there)
        return TIMBANG_OK;
    tb_partial found;
    const array arrays[] = {{&found, sizeof found}, {logits, n_logits * sizeof *logits}};
    reader r = {0};
    timbang_status status = open_file(files, partial_file, &r, err);
    if (status == TIMBANG_OK)
        status = read_arrays(&r, arrays, 2, err);
    if (status == TIMBANG_OK && found.step == step)
        *partial = found;
    close_file(&r);
    return status;
}
