/* JSON: jansson with our limits and error sentences. Numbers are read as doubles where they do not fit 64 bits.
 * Includes: base/io.h, jansson. Called by: formats, text, data, study, report. */
#ifndef TB_BASE_JSON_H
#define TB_BASE_JSON_H

#include "base/io.h"

#include <jansson.h>

enum { TB_JSON_REJECT_DUPLICATES = 1 };

/* Parses bytes; name is for messages ("DIR/config.json"). Integers beyond 64 bits, \u0000 in strings and keys, NaN and
 * Infinity as Python writes them are read (NaN/Infinity as null). Errors name line and column. json_decref(*out). */
timbang_status tb_json_parse(const char *name, const char *bytes, size_t size, unsigned flags, json_t **out,
                             tb_error *err);
timbang_status tb_json_load(const tb_folder *folder, const char *file, json_t **out, tb_error *err);
timbang_status tb_json_load_file(const char *path, json_t **out, tb_error *err);
/* Indented by two, keys in insertion order, reals with 17 digits, final newline; free(*text). */
timbang_status tb_json_text(const json_t *value, char **text, tb_error *err);
timbang_status tb_json_compact(const json_t *value, char **text, tb_error *err); /* one line, no newline */
timbang_status tb_json_write_file(const char *path, const json_t *value, tb_error *err);

/* Members with a type and a range check; `where` names the file for messages. Missing members leave *out as it is and
 * return OK when required is false. */
timbang_status tb_json_get_u64(const json_t *object, const char *where, const char *key, bool required, uint64_t min,
                               uint64_t max, uint64_t *out, tb_error *err);
timbang_status tb_json_get_double(const json_t *object, const char *where, const char *key, bool required, double *out,
                                  tb_error *err);
timbang_status tb_json_get_bool(const json_t *object, const char *where, const char *key, bool required, bool *out,
                                tb_error *err);
/* Borrowed from the object. null counts as missing. */
timbang_status tb_json_get_string(const json_t *object, const char *where, const char *key, bool required,
                                  const char **out, tb_error *err);
/* json_real, or json_null where value is not finite (JSON has no NaN). */
json_t *tb_json_real(double value);

#endif
