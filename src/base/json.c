/* JSON in: jansson behind a pass that makes Python's and Rust's JSON acceptable to it. JSON out: our own printer,
 * because jansson's prints 0.1 as 0.10000000000000001. Includes: base/json.h, base/text.h. Called by: formats, text,
 * data, quant, study, report. */
#include "base/json.h"

#include "base/text.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_JSON_BYTES = 1 << 30, MAX_DEPTH = 512 };

/* ---- Reading ---- */

/* End of the string that starts at the quote `at`: the offset after its closing quote (or size). */
static size_t string_end(const char *bytes, size_t size, size_t at)
{
    for (at++; at < size; at++) {
        if (bytes[at] == '\\')
            at++;
        else if (bytes[at] == '"')
            return at + 1;
    }
    return size;
}

/* A NUL in a key is more than jansson takes: it is read as U+10FFFF, which no text holds. */
static void copy_key(tb_text *out, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] == '\\' && i + 1 < size) {
            if (i + 6 <= size && memcmp(bytes + i, "\\u0000", 6) == 0) {
                tb_text_puts(out, "\\udbff\\udfff");
                i += 5;
                continue;
            }
            tb_text_putc(out, bytes[i++]);
        }
        tb_text_putc(out, bytes[i]);
    }
}

static bool is_number_byte(char c)
{
    return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

/* Rewrites what jansson refuses: NUL in keys, NaN and Infinity (as null), integers beyond 64 bits (as reals). */
static void make_acceptable(tb_text *out, const char *bytes, size_t size)
{
    for (size_t at = 0; at < size;) {
        char c = bytes[at];
        if (c == '"') {
            size_t end = string_end(bytes, size, at), next = end;
            while (next < size && strchr(" \t\r\n", bytes[next]) && bytes[next])
                next++;
            if (next < size && bytes[next] == ':')
                copy_key(out, bytes + at, end - at);
            else
                tb_text_append(out, bytes + at, end - at);
            at = end;
        } else if ((c >= '0' && c <= '9') || (c == '-' && at + 1 < size && bytes[at + 1] != 'I')) {
            size_t end = at;
            bool integer = true;
            for (; end < size && is_number_byte(bytes[end]); end++)
                integer = integer && ((bytes[end] >= '0' && bytes[end] <= '9') || end == at);
            tb_text_append(out, bytes + at, end - at);
            if (integer && end - at >= 19)
                tb_text_puts(out, ".0");
            at = end;
        } else if (c == 'N' && size - at >= 3 && memcmp(bytes + at, "NaN", 3) == 0) {
            tb_text_puts(out, "null");
            at += 3;
        } else if ((c == 'I' || c == '-') && size - at >= 8 + (size_t)(c == '-') &&
                   memcmp(bytes + at + (c == '-'), "Infinity", 8) == 0) {
            tb_text_puts(out, "null");
            at += 8 + (size_t)(c == '-');
        } else {
            tb_text_putc(out, c);
            at++;
        }
    }
}

timbang_status tb_json_parse(const char *name, const char *bytes, size_t size, unsigned flags, json_t **out,
                             tb_error *err)
{
    if (size > MAX_JSON_BYTES)
        return tb_fail(err, TIMBANG_FORMAT, "%s: has %zu bytes, which is too much for a JSON file", name, size);
    size_t bad = tb_utf8_invalid_at(bytes, size);
    if (bad != SIZE_MAX)
        return tb_fail(err, TIMBANG_FORMAT, "%s: is not valid UTF-8 at byte %zu", name, bad);
    tb_text text = {0};
    make_acceptable(&text, bytes, size);
    timbang_status status = tb_text_finish(&text, err);
    if (status == TIMBANG_OK) {
        json_error_t error;
        size_t jansson_flags =
            JSON_ALLOW_NUL | JSON_DECODE_ANY | (flags & TB_JSON_REJECT_DUPLICATES ? JSON_REJECT_DUPLICATES : 0);
        json_t *value = json_loadb(text.data ? text.data : "", text.length, jansson_flags, &error);
        if (value)
            *out = value;
        else if (json_error_code(&error) == json_error_out_of_memory)
            status = tb_no_memory(err, text.length);
        else
            status =
                tb_fail(err, TIMBANG_FORMAT, "%s: line %d, column %d: %s", name, error.line, error.column, error.text);
    }
    tb_text_free(&text);
    return status;
}

timbang_status tb_json_load(const tb_folder *folder, const char *file, json_t **out, tb_error *err)
{
    char *bytes = NULL, *path = tb_path_join(tb_folder_name(folder), file, err);
    size_t size = 0;
    if (!path)
        return err->status;
    timbang_status status = tb_folder_read(folder, file, MAX_JSON_BYTES, &bytes, &size, err);
    if (status == TIMBANG_OK)
        status = tb_json_parse(path, bytes, size, 0, out, err);
    free(bytes);
    free(path);
    return status;
}

timbang_status tb_json_load_file(const char *path, json_t **out, tb_error *err)
{
    char *bytes = NULL;
    size_t size = 0;
    TB_TRY(tb_read_file(path, MAX_JSON_BYTES, &bytes, &size, err));
    timbang_status status = tb_json_parse(path, bytes, size, 0, out, err);
    free(bytes);
    return status;
}

timbang_status tb_json_get_u64(const json_t *object, const char *where, const char *key, bool required, uint64_t min,
                               uint64_t max, uint64_t *out, tb_error *err)
{
    const json_t *value = json_object_get(object, key);
    if (!value || json_is_null(value))
        return required ? tb_fail(err, TIMBANG_FORMAT, "%s: %s is missing", where, key) : TIMBANG_OK;
    if (!json_is_number(value))
        return tb_fail(err, TIMBANG_FORMAT, "%s: %s must be a whole number", where, key);
    double real = json_number_value(value);
    uint64_t whole = json_is_integer(value) && real >= 0 ? (uint64_t)json_integer_value(value)
                     : real >= 0 && real <= 9e15         ? (uint64_t)real
                                                         : 0;
    if (real < 0 || real > 1.8e19 || (json_is_real(value) && (double)whole < real) || whole < min || whole > max)
        return tb_fail(err, TIMBANG_FORMAT, "%s: %s is %.15g; a whole number from %llu to %llu is expected", where, key,
                       real, (unsigned long long)min, (unsigned long long)max);
    *out = whole;
    return TIMBANG_OK;
}

timbang_status tb_json_get_double(const json_t *object, const char *where, const char *key, bool required, double *out,
                                  tb_error *err)
{
    const json_t *value = json_object_get(object, key);
    if (!value || json_is_null(value))
        return required ? tb_fail(err, TIMBANG_FORMAT, "%s: %s is missing", where, key) : TIMBANG_OK;
    if (!json_is_number(value))
        return tb_fail(err, TIMBANG_FORMAT, "%s: %s must be a number", where, key);
    *out = json_number_value(value);
    return TIMBANG_OK;
}

timbang_status tb_json_get_bool(const json_t *object, const char *where, const char *key, bool required, bool *out,
                                tb_error *err)
{
    const json_t *value = json_object_get(object, key);
    if (!value || json_is_null(value))
        return required ? tb_fail(err, TIMBANG_FORMAT, "%s: %s is missing", where, key) : TIMBANG_OK;
    if (!json_is_boolean(value))
        return tb_fail(err, TIMBANG_FORMAT, "%s: %s must be true or false", where, key);
    *out = json_is_true(value);
    return TIMBANG_OK;
}

timbang_status tb_json_get_string(const json_t *object, const char *where, const char *key, bool required,
                                  const char **out, tb_error *err)
{
    const json_t *value = json_object_get(object, key);
    if (!value || json_is_null(value))
        return required ? tb_fail(err, TIMBANG_FORMAT, "%s: %s is missing", where, key) : TIMBANG_OK;
    if (!json_is_string(value))
        return tb_fail(err, TIMBANG_FORMAT, "%s: %s must be a string", where, key);
    *out = json_string_value(value);
    return TIMBANG_OK;
}

json_t *tb_json_real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

/* ---- Writing ---- */

static void put_string(tb_text *out, const char *text, size_t length)
{
    tb_text_putc(out, '"');
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\') {
            tb_text_putc(out, '\\');
            tb_text_putc(out, (char)c);
        } else if (c == '\n')
            tb_text_puts(out, "\\n");
        else if (c == '\t')
            tb_text_puts(out, "\\t");
        else if (c < 0x20 || c == 0x7f)
            tb_text_printf(out, "\\u%04x", (unsigned)c);
        else
            tb_text_putc(out, (char)c);
    }
    tb_text_putc(out, '"');
}

/* The shortest of 15 to 17 digits that reads back as the same double. */
static void put_real(tb_text *out, double value)
{
    char digits[40];
    size_t start = out->length;
    for (int precision = 15; precision <= 17; precision++) {
        out->length = start;
        tb_text_printf(out, "%.*g", precision, value);
        if (out->failed)
            return;
        size_t n = out->length - start;
        memcpy(digits, out->data + start, n < sizeof digits - 1 ? n : sizeof digits - 1);
        digits[n < sizeof digits - 1 ? n : sizeof digits - 1] = '\0';
        double back;
        if (tb_parse_double(digits, &back) && back == value)
            break;
    }
    if (!strpbrk(digits, ".eE"))
        tb_text_puts(out, ".0"); /* stays a real when it is read again */
}

static void put_newline(tb_text *out, int indent, int depth)
{
    if (indent == 0)
        return;
    tb_text_putc(out, '\n');
    for (int i = 0; i < depth * indent; i++)
        tb_text_putc(out, ' ');
}

static bool is_flat(const json_t *array)
{
    size_t i;
    json_t *item;
    json_array_foreach(array, i, item) if (json_is_object(item) || json_is_array(item)) return false;
    return true;
}

static void put_value(tb_text *out, const json_t *value, int indent, int depth)
{
    if (depth > MAX_DEPTH) {
        out->failed = true;
        return;
    }
    size_t count = 0;
    switch (json_typeof(value)) {
    case JSON_OBJECT: {
        const char *key;
        json_t *item;
        tb_text_putc(out, '{');
        json_object_foreach((json_t *)(uintptr_t)value, key, item)
        {
            if (count++)
                tb_text_puts(out, indent ? "," : ", ");
            put_newline(out, indent, depth + 1);
            put_string(out, key, strlen(key));
            tb_text_puts(out, ": ");
            put_value(out, item, indent, depth + 1);
        }
        if (count)
            put_newline(out, indent, depth);
        tb_text_putc(out, '}');
        break;
    }
    case JSON_ARRAY: {
        size_t i;
        json_t *item;
        int inner = is_flat(value) ? 0 : indent; /* numbers stand on one line */
        tb_text_putc(out, '[');
        json_array_foreach(value, i, item)
        {
            if (count++)
                tb_text_puts(out, inner ? "," : ", ");
            put_newline(out, inner, depth + 1);
            put_value(out, item, inner, depth + 1);
        }
        if (count)
            put_newline(out, inner, depth);
        tb_text_putc(out, ']');
        break;
    }
    case JSON_STRING:
        put_string(out, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        tb_text_printf(out, "%lld", (long long)json_integer_value(value));
        break;
    case JSON_REAL:
        put_real(out, json_real_value(value));
        break;
    case JSON_TRUE:
        tb_text_puts(out, "true");
        break;
    case JSON_FALSE:
        tb_text_puts(out, "false");
        break;
    case JSON_NULL:
        tb_text_puts(out, "null");
        break;
    }
}

static timbang_status print_json(const json_t *value, int indent, char **text, tb_error *err)
{
    tb_text out = {0};
    put_value(&out, value, indent, 0);
    if (indent)
        tb_text_putc(&out, '\n');
    if (tb_text_finish(&out, err) != TIMBANG_OK) {
        tb_text_free(&out);
        return err->status;
    }
    *text = out.data;
    return TIMBANG_OK;
}

timbang_status tb_json_text(const json_t *value, char **text, tb_error *err)
{
    return print_json(value, 2, text, err);
}

timbang_status tb_json_compact(const json_t *value, char **text, tb_error *err)
{
    return print_json(value, 0, text, err);
}

timbang_status tb_json_write_file(const char *path, const json_t *value, tb_error *err)
{
    char *text = NULL;
    TB_TRY(tb_json_text(value, &text, err));
    timbang_status status = tb_write_file(path, text, strlen(text), err);
    free(text);
    return status;
}
