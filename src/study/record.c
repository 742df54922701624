/* SPDX-License-Identifier: Apache-2.0
 * Figures as JSON members.
 * Includes: study/record.h, base. Called by: study. */
#include "study/record.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

json_t *tb_json_count(uint64_t n)
{
    return json_integer((json_int_t)n);
}

json_t *tb_json_utf8(const char *text)
{
    return text ? tb_json_utf8n(text, strlen(text)) : json_null();
}

json_t *tb_json_utf8n(const char *text, size_t length)
{
    tb_text clean = {0};
    for (size_t i = 0; i < length;) {
        uint32_t code_point;
        int bytes = tb_utf8_decode(text + i, length - i, &code_point);
        if (bytes > 0)
            tb_text_append(&clean, text + i, (size_t)bytes);
        else
            tb_text_puts(&clean, "\xef\xbf\xbd");
        i += bytes > 0 ? (size_t)bytes : 1;
    }
    json_t *value = clean.failed ? NULL : json_stringn(clean.data ? clean.data : "", clean.length);
    tb_text_free(&clean);
    return value;
}

timbang_status tb_json_done(bool failed, tb_error *err)
{
    return failed ? tb_no_memory(err, 0) : TIMBANG_OK;
}

timbang_status tb_record_timing(const double *ms, size_t n, json_t **out, tb_error *err)
{
    tb_timing t;
    TB_TRY(tb_timing_compute(ms, n, &t, err));
    json_t *object = json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "mean", t.mean, "sd", t.sd, "median",
                               t.median, "p10", t.p10, "p90", t.p90, "p99", t.p99, "min", t.min, "max", t.max);
    if (!object)
        return tb_json_done(true, err);
    *out = object;
    return TIMBANG_OK;
}

timbang_status tb_record_duplicates(const tb_dataset *dataset, const tb_dataset *other, json_t **out, tb_error *err)
{
    tb_duplicates d = {0};
    TB_TRY(tb_dataset_duplicates(dataset, other, &d, err));
    json_t *object = json_pack("{s:o, s:o, s:o, s:o, s:o}", "exact", tb_json_count(d.exact), "normalized",
                               tb_json_count(d.normalized), "conflicting", tb_json_count(d.conflicting), "first_line",
                               tb_json_count(d.first_line), "first_other_line", tb_json_count(d.first_other_line));
    if (!object)
        return tb_json_done(true, err);
    *out = object;
    return TIMBANG_OK;
}

timbang_status tb_record_lengths(const tb_lengths *lengths, size_t n, json_t *into, tb_error *err)
{
    int bad = json_object_set_new(into, "truncated", tb_json_count(lengths->truncated));
    bad |= json_object_set_new(into, "empty", tb_json_count(lengths->empty));
    bad |= json_object_set_new(into, "tokens",
                               json_pack("{s:o, s:f, s:o}", "total", tb_json_count(lengths->tokens), "mean",
                                         n ? (double)lengths->tokens / (double)n : 0.0, "max",
                                         tb_json_count(lengths->max_tokens)));
    return tb_json_done(bad != 0, err);
}
