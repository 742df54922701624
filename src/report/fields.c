/* SPDX-License-Identifier: Apache-2.0
 * Required members of a JSON record.
 * Includes: report/fields.h. Called by: report/data. */
#include "report/fields.h"

#include <math.h>
#include <stdio.h>

void tb_fields_fail(tb_fields *fields, const char *format, ...)
{
    if (fields->status != TIMBANG_OK)
        return;
    char text[TB_ERROR_TEXT];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fields->status = tb_fail(fields->err, TIMBANG_FORMAT, "%s", text);
}

/* The member, or NULL after a failure. null is a member here. */
static const json_t *member(tb_fields *fields, const json_t *object, const char *where, const char *key)
{
    if (fields->status != TIMBANG_OK)
        return NULL;
    const json_t *value = json_object_get(object, key);
    if (!value)
        tb_fields_fail(fields, "%s%s%s is missing", where, where[0] ? "." : "", key);
    return value;
}

static void odd(tb_fields *fields, const char *where, const char *key, const char *wanted)
{
    tb_fields_fail(fields, "%s%s%s should be %s", where, where[0] ? "." : "", key, wanted);
}

const json_t *tb_field_object(tb_fields *fields, const json_t *object, const char *where, const char *key)
{
    const json_t *value = member(fields, object, where, key);
    if (value && !json_is_object(value)) {
        odd(fields, where, key, "an object");
        return NULL;
    }
    return value;
}

const json_t *tb_field_array(tb_fields *fields, const json_t *object, const char *where, const char *key)
{
    const json_t *value = member(fields, object, where, key);
    if (value && !json_is_array(value)) {
        odd(fields, where, key, "an array");
        return NULL;
    }
    return value;
}

const char *tb_field_string(tb_fields *fields, const json_t *object, const char *where, const char *key)
{
    const json_t *value = member(fields, object, where, key);
    if (value && !json_is_string(value))
        odd(fields, where, key, "a string");
    return json_is_string(value) ? json_string_value(value) : "";
}

const char *tb_field_string_or_null(tb_fields *fields, const json_t *object, const char *where, const char *key)
{
    const json_t *value = member(fields, object, where, key);
    if (value && !json_is_string(value) && !json_is_null(value))
        odd(fields, where, key, "a string or null");
    return json_string_value(value);
}

double tb_field_real(tb_fields *fields, const json_t *object, const char *where, const char *key)
{
    const json_t *value = member(fields, object, where, key);
    if (value && !json_is_number(value))
        odd(fields, where, key, "a number");
    return json_number_value(value);
}

double tb_field_real_or_null(tb_fields *fields, const json_t *object, const char *where, const char *key)
{
    const json_t *value = member(fields, object, where, key);
    if (value && !json_is_number(value) && !json_is_null(value))
        odd(fields, where, key, "a number or null");
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

int64_t tb_field_whole(tb_fields *fields, const json_t *object, const char *where, const char *key)
{
    const json_t *value = member(fields, object, where, key);
    if (value && !json_is_integer(value))
        odd(fields, where, key, "a whole number");
    return json_integer_value(value);
}

bool tb_field_null(tb_fields *fields, const json_t *object, const char *where, const char *key)
{
    return json_is_null(member(fields, object, where, key));
}

void tb_field_reals(tb_fields *fields, const json_t *object, const char *where, const char *key, size_t n, double *out)
{
    const json_t *array = tb_field_array(fields, object, where, key);
    if (array && json_array_size(array) != n) {
        tb_fields_fail(fields, "%s%s%s should hold %zu numbers", where, where[0] ? "." : "", key, n);
        return;
    }
    for (size_t i = 0; i < n && fields->status == TIMBANG_OK; i++) {
        if (!json_is_number(json_array_get(array, i)))
            tb_fields_fail(fields, "%s%s%s[%zu] should be a number", where, where[0] ? "." : "", key, i);
        out[i] = json_number_value(json_array_get(array, i));
    }
}

uint64_t tb_field_count(tb_fields *fields, const json_t *object, const char *where, const char *key)
{
    const json_t *value = member(fields, object, where, key);
    if (value && (!json_is_integer(value) || json_integer_value(value) < 0)) {
        odd(fields, where, key, "a whole number, 0 or more");
        return 0;
    }
    return (uint64_t)json_integer_value(value);
}

bool tb_field_bool(tb_fields *fields, const json_t *object, const char *where, const char *key)
{
    const json_t *value = member(fields, object, where, key);
    if (value && !json_is_boolean(value))
        odd(fields, where, key, "true or false");
    return json_is_true(value);
}

const json_t *tb_field_item(tb_fields *fields, const json_t *array, const char *where, size_t i)
{
    const json_t *value = json_array_get(array, i);
    if (fields->status == TIMBANG_OK && !json_is_object(value))
        tb_fields_fail(fields, "%s[%zu] should be an object", where, i);
    return json_is_object(value) ? value : NULL;
}
