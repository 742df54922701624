/* Required members of a JSON record, read with one error that sticks: a drawing needs no check after every field.
 * Includes: base. Called by: report/data. */
#ifndef TB_REPORT_FIELDS_H
#define TB_REPORT_FIELDS_H

#include "base/json.h"

typedef struct tb_fields {
    tb_error *err;
    timbang_status status; /* of the first member that was missing or odd; later reads return zeros */
} tb_fields;

/* where: the path of object for messages, such as "results[3]"; "" for the root. */
const json_t *tb_field_object(tb_fields *fields, const json_t *object, const char *where, const char *key);
const json_t *tb_field_array(tb_fields *fields, const json_t *object, const char *where, const char *key);
const char *tb_field_string(tb_fields *fields, const json_t *object, const char *where,
                            const char *key); /* never NULL */
const char *tb_field_string_or_null(tb_fields *fields, const json_t *object, const char *where, const char *key);
double tb_field_real(tb_fields *fields, const json_t *object, const char *where, const char *key);
double tb_field_real_or_null(tb_fields *fields, const json_t *object, const char *where, const char *key); /* NaN */
uint64_t tb_field_count(tb_fields *fields, const json_t *object, const char *where, const char *key);
int64_t tb_field_whole(tb_fields *fields, const json_t *object, const char *where, const char *key);
bool tb_field_null(tb_fields *fields, const json_t *object, const char *where, const char *key); /* there, and null? */
/* Exactly n numbers. */
void tb_field_reals(tb_fields *fields, const json_t *object, const char *where, const char *key, size_t n, double *out);
bool tb_field_bool(tb_fields *fields, const json_t *object, const char *where, const char *key);
/* Item i of an array, an object. */
const json_t *tb_field_item(tb_fields *fields, const json_t *array, const char *where, size_t i);
void tb_fields_fail(tb_fields *fields, const char *format, ...) TB_PRINTF(2, 3);

#endif
