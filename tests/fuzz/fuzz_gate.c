/* libFuzzer entry: a gate. The first byte says what the others are: 0, rules for a small record; else a record for some
 * rules. What comes out must agree with itself. Seeds: examples/gates and tests/report. */
#include "report/gate.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char record[] =
    "{\"timbang\":{\"schema\":1},\"models\":[{\"name\":\"a/b\",\"parameters\":3}],\"data\":[{\"name\":\"my "
    "set\",\"rows\":2}],"
    "\"variants\":[{\"model\":\"a/b\",\"variant\":\"fp32\",\"size_bytes\":8},{\"model\":\"a/"
    "b\",\"variant\":\"int8\",\"size_bytes\":2}],"
    "\"results\":[{\"model\":\"a/b\",\"variant\":\"fp32\",\"data\":\"my "
    "set\",\"accuracy\":0.5,\"against_fp32\":null,\"ece\":null},"
    "{\"model\":\"a/b\",\"variant\":\"int8\",\"data\":\"my "
    "set\",\"accuracy\":0.4,\"accuracy_interval\":[0.1,0.7],\"ok\":true,"
    "\"against_fp32\":{\"agreement\":0.9,\"equivalence\":{\"equivalent\":false}},\"per_class\":{\"a.b\":{\"f1\":1}}}],"
    "\"measured\":{\"resident\":[],\"latency\":[{\"model\":\"a/b\",\"variant\":\"int8\",\"data\":\"my "
    "set\",\"total\":{\"median\":3}}]},"
    "\"null\":[],\"groups\":[]}";

static const char rules[] = "accuracy >= 0.5 * fp32\nagreement >= 97 %\n* * per_class.a.f1 <= 1\n* size_bytes <= 1 MB\n"
                            "latency_ms.median <= 3 ms\naccuracy_interval.low > 0\n";

static void check_document(const json_t *document)
{
    json_int_t passed = 0, failed = 0;
    size_t i, k;
    json_t *rule, *check;
    json_array_foreach(json_object_get(document, "rules"), i, rule)
            json_array_foreach(json_object_get(rule, "checks"), k, check) *
        (json_is_true(json_object_get(check, "pass")) ? &passed : &failed) += 1;
    if (passed != json_integer_value(json_object_get(document, "passed")) ||
        failed != json_integer_value(json_object_get(document, "failed")) || passed + failed == 0 ||
        json_is_true(json_object_get(document, "pass")) != (failed == 0))
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    tb_error err;
    tb_error_clear(&err);
    json_t *results = NULL, *document = NULL;
    char *text = malloc(size); /* zero-terminated, as files are read */
    if (!text)
        return 0;
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    const char *read = data[0] ? text : record;
    timbang_status status = tb_json_parse("results.json", read, data[0] ? size - 1 : strlen(record), 0, &results, &err);
    if (status == TIMBANG_OK)
        status = data[0] ? tb_gate(results, "r", rules, strlen(rules), &document, &err)
                         : tb_gate(results, "r", text, size - 1, &document, &err);
    if (status != TIMBANG_OK && err.text[0] == '\0')
        __builtin_trap();
    if (status == TIMBANG_OK)
        check_document(document);
    json_decref(document);
    json_decref(results);
    free(text);
    return 0;
}
