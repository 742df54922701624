/* The front of the room: bytes in, checked, handed to the reader of their format, limited, copied, described.
 * Includes: base, the rest of the room. Called by: eval, study, api. SPDX-License-Identifier: Apache-2.0 */
#include "data/dataset.h"

#include "data/reading.h"
#include "data/sample.h"

#include <stdlib.h>
#include <string.h>

#define MAX_DATA_BYTES ((uint64_t)1 << 32)

static const char byte_order_mark[] = "\xEF\xBB\xBF";

/* ---- bytes ---- */

static unsigned long long line_at(const char *bytes, size_t offset)
{
    unsigned long long line = 1;
    for (size_t i = 0; i < offset; i++)
        line += bytes[i] == '\n';
    return line;
}

static bool begins_with(const char *bytes, size_t size, const char *start, size_t length)
{
    return size >= length && memcmp(bytes, start, length) == 0;
}

timbang_status tb_data_check_bytes(const char *name, const char *bytes, size_t size, tb_error *err)
{
    if (size == 0 || (size == 3 && begins_with(bytes, size, byte_order_mark, 3)))
        return tb_fail(err, TIMBANG_FORMAT, "%s: the file is empty", name);
    if (begins_with(bytes, size, "\xFF\xFE", 2) || begins_with(bytes, size, "\xFE\xFF", 2))
        return tb_fail(err, TIMBANG_FORMAT, "%s: the file is UTF-16; save it as UTF-8", name);
    if (begins_with(bytes, size, "PK\x03\x04", 4))
        return tb_fail(err, TIMBANG_FORMAT, "%s: this is a zip archive or a spreadsheet; save it as CSV, TSV or JSONL",
                       name);
    const char *zero = memchr(bytes, '\0', size);
    if (zero != NULL)
        return tb_fail(err, TIMBANG_FORMAT,
                       "%s: row %llu: there is a NUL byte at offset %zu, so this is no text file (TSV, CSV or JSONL in "
                       "UTF-8)",
                       name, line_at(bytes, (size_t)(zero - bytes)), (size_t)(zero - bytes));
    size_t bad = tb_utf8_invalid_at(bytes, size);
    if (bad != SIZE_MAX)
        return tb_fail(err, TIMBANG_DATA, "%s: row %llu: byte 0x%02X at offset %zu is not valid UTF-8", name,
                       line_at(bytes, bad), (unsigned)(unsigned char)bytes[bad], bad);
    for (size_t i = 0; i < size; i++) {
        if (strchr(" \t\r\n", bytes[i]) == NULL)
            return TIMBANG_OK;
        if (i + 1 == size)
            return tb_fail(err, TIMBANG_FORMAT, "%s: the file holds only blank lines", name);
    }
    return TIMBANG_OK;
}

/* ---- rows ---- */

static timbang_status apply_limit(tb_reading *reading, tb_error *err)
{
    static const char *const unlabelled[] = {""};
    size_t n = reading->n;
    uint32_t *strata = tb_calloc(n, sizeof *strata, err);
    bool *keep = strata == NULL ? NULL : tb_calloc(n, sizeof *keep, err);
    timbang_status status = keep == NULL ? TIMBANG_NO_MEMORY : TIMBANG_OK;
    if (status == TIMBANG_OK) {
        for (size_t i = 0; i < n; i++)
            strata[i] = reading->rows[i].label;
        status = tb_sample(strata, n, reading->want_labels ? reading->labels.names : unlabelled,
                           reading->want_labels ? reading->labels.n : 1, reading->options->limit,
                           reading->options->seed, keep, err);
    }
    if (status == TIMBANG_OK) {
        reading->n = 0;
        for (size_t i = 0; i < n; i++) {
            if (keep[i])
                reading->rows[reading->n++] = reading->rows[i];
        }
    }
    free(keep);
    free(strata);
    return status;
}

/* A zero-terminated copy in the arena, unless the reader has put it there already. */
static timbang_status settle(tb_reading *reading, const tb_field *field, const char **text, size_t *length,
                             tb_error *err)
{
    *text = field->data;
    *length = field->length;
    uintptr_t at = (uintptr_t)field->data;
    if (at < (uintptr_t)reading->bytes || at > (uintptr_t)reading->bytes + reading->size)
        return TIMBANG_OK;
    char *copy = tb_arena_strndup(reading->arena, field->data, field->length, err);
    if (copy == NULL)
        return TIMBANG_NO_MEMORY;
    *length = tb_field_copy(field, copy);
    copy[*length] = '\0';
    *text = copy;
    return TIMBANG_OK;
}

static timbang_status settle_rows(tb_reading *reading, tb_dataset *dataset, tb_error *err)
{
    dataset->rows = tb_calloc(reading->n, sizeof *dataset->rows, err);
    if (dataset->rows == NULL)
        return TIMBANG_NO_MEMORY;
    dataset->n = reading->n;
    dataset->has_labels = reading->want_labels;
    for (size_t i = 0; i < reading->n; i++) {
        const tb_pending *from = &reading->rows[i];
        tb_row *row = &dataset->rows[i];
        size_t pair_length;
        TB_TRY(settle(reading, &from->text, &row->text, &row->text_length, err));
        if (reading->columns.pair != TB_NO_COLUMN)
            TB_TRY(settle(reading, &from->pair, &row->pair, &pair_length, err));
        row->label = reading->want_labels ? reading->labels.names[from->label] : NULL;
        row->line = from->line;
    }
    return TIMBANG_OK;
}

/* ---- facts ---- */

/* Members of one object; the first failure sticks. */
typedef struct members {
    json_t *object;
    bool failed;
} members;

static members members_begin(void)
{
    members m = {.object = json_object()};
    m.failed = m.object == NULL;
    return m;
}

static void put(members *m, const char *key, json_t *value)
{
    if (m->failed)
        json_decref(value);
    else
        m->failed = json_object_set_new(m->object, key, value) != 0;
}

static json_t *members_end(members *m)
{
    if (m->failed) {
        json_decref(m->object);
        return NULL;
    }
    return m->object;
}

static json_t *count(uint64_t n)
{
    return json_integer((json_int_t)n);
}

static json_t *column_name(const tb_reading *reading, size_t column)
{
    return column == TB_NO_COLUMN ? json_null() : json_string(reading->columns.names[column]);
}

static json_t *column_names(const tb_reading *reading)
{
    json_t *names = json_array();
    for (size_t c = 0; c < reading->columns.n && names != NULL; c++) {
        if (json_array_append_new(names, json_string(reading->columns.names[c])) != 0) {
            json_decref(names);
            names = NULL;
        }
    }
    return names;
}

static json_t *dropped_facts(const tb_reading *reading)
{
    members m = members_begin();
    for (size_t i = 0; i < reading->labels.n_drops; i++)
        put(&m, reading->labels.drops[i].from, count(reading->labels.drops[i].rows));
    return members_end(&m);
}

static json_t *mapped_facts(const tb_reading *reading)
{
    members m = members_begin();
    for (size_t i = 0; i < reading->labels.n_maps; i++) {
        const tb_label_rule *rule = &reading->labels.maps[i];
        members one = members_begin();
        put(&one, "to", json_string(rule->to));
        put(&one, "rows", count(rule->rows));
        put(&m, rule->from, members_end(&one));
    }
    return members_end(&m);
}

static json_t *guessed_facts(const tb_reading *reading)
{
    members m = members_begin();
    put(&m, "delimiter", json_boolean(reading->guessed_delimiter));
    put(&m, "header", json_boolean(reading->columns.guessed_header));
    put(&m, "text_column", json_boolean(reading->columns.guessed_text));
    put(&m, "label_column", json_boolean(reading->columns.guessed_label));
    return members_end(&m);
}

static timbang_status label_counts(const tb_dataset *dataset, json_t **counts, tb_error *err)
{
    char **labels = NULL;
    size_t n = 0;
    TB_TRY(tb_dataset_labels(dataset, &labels, &n, err));
    uint64_t *rows = tb_calloc(n, sizeof *rows, err);
    timbang_status status = rows == NULL ? TIMBANG_NO_MEMORY : TIMBANG_OK;
    for (size_t i = 0; i < dataset->n && dataset->has_labels && status == TIMBANG_OK; i++) {
        size_t low = 0;
        size_t high = n - 1;
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (strcmp(labels[middle], dataset->rows[i].label) < 0)
                low = middle + 1;
            else
                high = middle;
        }
        rows[low]++;
    }
    if (status == TIMBANG_OK) {
        members m = members_begin();
        for (size_t i = 0; i < n; i++)
            put(&m, labels[i], count(rows[i]));
        *counts = members_end(&m);
    }
    free(rows);
    tb_labels_free(labels, n);
    return status;
}

static uint64_t empty_texts(const tb_dataset *dataset)
{
    uint64_t empty = 0;
    for (size_t i = 0; i < dataset->n; i++) {
        const char *text = dataset->rows[i].text;
        size_t length = dataset->rows[i].text_length;
        tb_trim(&text, &length);
        empty += length == 0;
    }
    return empty;
}

/* path may hold any bytes; JSON holds UTF-8 only. */
static json_t *path_text(const char *path)
{
    tb_error ignored;
    size_t length = strlen(path);
    char *copy = tb_strndup(path, length, &ignored);
    if (copy == NULL)
        return NULL;
    for (size_t bad = tb_utf8_invalid_at(copy, length); bad != SIZE_MAX; bad = tb_utf8_invalid_at(copy, length))
        copy[bad] = '?';
    json_t *text = json_string(copy);
    free(copy);
    return text;
}

static timbang_status describe(const tb_reading *reading, const char *path, bool bom, uint64_t limited_from,
                               tb_dataset *dataset, tb_error *err)
{
    const char delimiter[2] = {reading->dialect.delimiter, '\0'};
    bool table = strcmp(reading->format, "jsonl") != 0;
    json_t *counts = NULL;
    if (dataset->has_labels)
        TB_TRY(label_counts(dataset, &counts, err));
    members m = members_begin();
    put(&m, "path", path_text(path));
    put(&m, "format", json_string(reading->format));
    put(&m, "delimiter", delimiter[0] == '\0' ? json_null() : json_string(delimiter));
    put(&m, "quoting", json_string(!table ? "json" : reading->dialect.quotes ? "rfc4180" : "none"));
    put(&m, "stray_quotes", count(reading->stray_quotes));
    put(&m, "bom", json_boolean(bom));
    put(&m, "crlf", json_boolean(reading->crlf > 0));
    put(&m, "header", table ? json_boolean(reading->columns.header) : json_null());
    put(&m, "columns", column_names(reading));
    put(&m, "text_column", column_name(reading, reading->columns.text));
    put(&m, "label_column", column_name(reading, reading->columns.label));
    put(&m, "pair_column", column_name(reading, reading->columns.pair));
    put(&m, "guessed", guessed_facts(reading));
    put(&m, "rows_read", count(reading->rows_read));
    put(&m, "blank_lines_skipped", count(reading->blank_lines));
    put(&m, "mapped", mapped_facts(reading));
    put(&m, "dropped", dropped_facts(reading));
    put(&m, "limited_from", limited_from == 0 ? json_null() : count(limited_from));
    put(&m, "rows", count(dataset->n));
    put(&m, "label_counts", dataset->has_labels ? counts : json_null());
    put(&m, "empty_texts", count(empty_texts(dataset)));
    dataset->facts = members_end(&m);
    return dataset->facts == NULL ? tb_no_memory(err, 0) : TIMBANG_OK;
}

/* ---- the log ---- */

static void say_column(const tb_reading *reading, const char *what, size_t column, bool guessed, tb_text *out)
{
    char shown[72];
    if (column == TB_NO_COLUMN)
        return;
    const char *name = reading->columns.names[column];
    tb_text_printf(out, ", %s column '%s'%s", what, tb_data_shown(name, strlen(name), shown),
                   guessed ? " (guessed)" : "");
}

/* "a.csv: csv, header (guessed), text column 'tweet' (guessed), label column 'label' (guessed); 60 of 200 rows, ..." */
static timbang_status say_reading(const tb_reading *reading, const tb_dataset *dataset, tb_error *err)
{
    const tb_columns *columns = &reading->columns;
    tb_text line = {0};
    char shown[72];
    tb_text_printf(&line, "%s: %s", reading->name, reading->format);
    if (strcmp(reading->format, "jsonl") != 0 && strcmp(reading->format, "text") != 0)
        tb_text_printf(&line, ", %s%s", columns->header ? "header" : "no header",
                       columns->guessed_header ? " (guessed)" : "");
    say_column(reading, "text", columns->text, columns->guessed_text, &line);
    say_column(reading, "pair", columns->pair, false, &line);
    say_column(reading, "label", columns->label, columns->guessed_label, &line);
    tb_text_printf(&line, "; %zu", dataset->n);
    if (dataset->n != reading->rows_read)
        tb_text_printf(&line, " of %llu", (unsigned long long)reading->rows_read);
    tb_text_puts(&line, " rows");
    for (size_t i = 0; i < reading->labels.n_drops; i++)
        tb_text_printf(&line, ", %llu dropped with label '%s'", (unsigned long long)reading->labels.drops[i].rows,
                       tb_data_shown(reading->labels.drops[i].from, strlen(reading->labels.drops[i].from), shown));
    timbang_status status = tb_text_finish(&line, err);
    if (status == TIMBANG_OK)
        tb_log(reading->hooks, TIMBANG_LOG_INFO, "%s", line.data);
    tb_text_free(&line);
    return status;
}

/* ---- the whole ---- */

static timbang_status read_any(tb_reading *reading, tb_error *err)
{
    if (tb_looks_like_jsonl(reading->bytes, reading->size))
        return tb_read_jsonl(reading, err);
    if (tb_looks_like_json_array(reading->bytes, reading->size))
        return tb_fail(err, TIMBANG_UNSUPPORTED,
                       "%s: this is one JSON array; write its objects one a line (jq -c '.[]' does it)", reading->name);
    return tb_read_table(reading, err);
}

static timbang_status check_rows(const tb_reading *reading, tb_error *err)
{
    if (reading->n > 0)
        return TIMBANG_OK;
    if (reading->rows_read > 0)
        return tb_fail(err, TIMBANG_DATA, "%s: no row is left: all %llu have labels that are dropped", reading->name,
                       (unsigned long long)reading->rows_read);
    return tb_fail(err, TIMBANG_FORMAT, "%s: there is a header, but no row below it", reading->name);
}

static timbang_status build(tb_reading *reading, const char *path, bool bom, tb_dataset *dataset, tb_error *err)
{
    uint64_t limited_from = 0;
    const timbang_data_options *options = reading->options;
    TB_TRY(tb_label_set_open(&reading->labels, reading->arena, options->label_map, options->drop_labels, err));
    TB_TRY(read_any(reading, err));
    TB_TRY(check_rows(reading, err));
    if (options->limit > 0 && options->limit < reading->n) {
        limited_from = reading->n;
        TB_TRY(apply_limit(reading, err));
    }
    TB_TRY(settle_rows(reading, dataset, err));
    TB_TRY(describe(reading, path, bom, limited_from, dataset, err));
    tb_progress(reading->hooks, "reading", reading->size, reading->size);
    return say_reading(reading, dataset, err);
}

timbang_status tb_dataset_parse(const timbang_data_options *options, const char *bytes, size_t size,
                                const tb_hooks *hooks, tb_dataset **dataset, tb_error *err)
{
    const char *path = options->path == NULL ? "" : options->path;
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
    TB_TRY(tb_data_check_bytes(name, bytes, size, err));
    size_t bom = begins_with(bytes, size, byte_order_mark, 3) ? 3 : 0;
    tb_dataset *made = tb_calloc(1, sizeof *made, err);
    if (made == NULL)
        return TIMBANG_NO_MEMORY;
    tb_reading reading = {
        .options = options,
        .hooks = hooks,
        .bytes = bytes + bom,
        .size = size - bom,
        .want_labels = options->label_column == NULL || options->label_column[0] != '\0',
        .columns = {.text = TB_NO_COLUMN, .label = TB_NO_COLUMN, .pair = TB_NO_COLUMN},
    };
    made->name = tb_strdup(name, err);
    timbang_status status = made->name == NULL ? TIMBANG_NO_MEMORY : TIMBANG_OK;
    if (status == TIMBANG_OK)
        status = tb_arena_create(size < 65536 ? 65536 : 1048576, &made->arena, err);
    if (status == TIMBANG_OK) {
        reading.name = made->name;
        reading.arena = made->arena;
        status = build(&reading, path, bom > 0, made, err);
    }
    tb_label_set_close(&reading.labels);
    free(reading.columns.names);
    free(reading.rows);
    tb_text_free(&reading.scratch);
    if (status == TIMBANG_OK)
        *dataset = made;
    else
        tb_dataset_free(made);
    return status;
}

timbang_status tb_dataset_load(const timbang_data_options *options, const tb_hooks *hooks, tb_dataset **dataset,
                               tb_error *err)
{
    if (options->path == NULL || options->path[0] == '\0')
        return tb_fail(err, TIMBANG_USAGE, "no data file is given");
    if (tb_is_directory(options->path))
        return tb_fail(err, TIMBANG_USAGE, "%s: this is a folder; a TSV, CSV or JSONL file is expected", options->path);
    char *bytes = NULL;
    size_t size = 0;
    TB_TRY(tb_read_file(options->path, MAX_DATA_BYTES, &bytes, &size, err));
    timbang_status status = tb_dataset_parse(options, bytes, size, hooks, dataset, err);
    free(bytes);
    return status;
}

void tb_dataset_free(tb_dataset *dataset)
{
    if (dataset == NULL)
        return;
    json_decref(dataset->facts);
    free(dataset->rows);
    free(dataset->name);
    tb_arena_free(dataset->arena);
    free(dataset);
}
