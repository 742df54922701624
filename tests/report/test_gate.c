/* Gates: rules read and refused, figures found, bounds, units, what is skipped, what fails.
 * The record is small and made by hand; its figures are chosen so that every verdict is known. */
#include "report/gate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

/* 0.906 and 0.896 differ by the margin of 0.01, but not in doubles. */
static const char record[] =
    "{\"timbang\": {\"schema\": 1},"
    "\"models\": [{\"name\": \"a/b\", \"parameters\": 100}, {\"name\": \"small\", \"parameters\": 10}],"
    "\"data\": [{\"name\": \"smsa\", \"rows\": 500, \"duplicates\": {\"exact\": 2}},"
    "           {\"name\": \"my tweets\", \"rows\": 900, \"duplicates\": {\"exact\": 0}}],"
    "\"variants\": [{\"model\": \"a/b\", \"variant\": \"fp32\", \"size_bytes\": 400000000, \"made\": false},"
    "               {\"model\": \"a/b\", \"variant\": \"int8\", \"size_bytes\": 100000000, \"made\": true},"
    "               {\"model\": \"small\", \"variant\": \"int8\", \"size_bytes\": 1000000, \"made\": true}],"
    "\"results\": ["
    " {\"model\": \"a/b\", \"variant\": \"fp32\", \"data\": \"smsa\", \"n\": 500, \"accuracy\": 0.906, \"ece\": 0.02,"
    "  \"accuracy_interval\": [0.87, 0.93], \"untrained_head\": false, \"bootstrap\": null, \"against_fp32\": null,"
    "  \"per_class\": {\"very good\": {\"recall\": 0.9}, \"v1.0\": {\"recall\": 0.4}}},"
    " {\"model\": \"a/b\", \"variant\": \"int8\", \"data\": \"smsa\", \"n\": 500, \"accuracy\": 0.896, \"ece\": 0.05,"
    "  \"accuracy_interval\": [0.86, 0.92], \"untrained_head\": false, \"bootstrap\": null,"
    "  \"against_fp32\": {\"agreement\": 0.98, \"delta_accuracy\": -0.010000000000000009,"
    "                     \"equivalence\": {\"equivalent\": false, \"p\": 0.2}, \"sentence\": \"x\"},"
    "  \"per_class\": {\"very good\": {\"recall\": 0.8}, \"v1.0\": {\"recall\": 0.5}}},"
    " {\"model\": \"a/b\", \"variant\": \"int8\", \"data\": \"my tweets\", \"n\": 900, \"accuracy\": 0.8, \"ece\": "
    "0.09,"
    "  \"accuracy_interval\": [0.77, 0.83], \"untrained_head\": false, \"bootstrap\": null,"
    "  \"against_fp32\": {\"agreement\": 0.96, \"delta_accuracy\": 0.002,"
    "                     \"equivalence\": {\"equivalent\": true, \"p\": 0.01}, \"sentence\": \"x\"},"
    "  \"per_class\": {\"very good\": {\"recall\": 0.7}}},"
    " {\"model\": \"small\", \"variant\": \"int8\", \"data\": \"smsa\", \"n\": 500, \"accuracy\": 0.5, \"ece\": 0.01,"
    "  \"accuracy_interval\": [0.4, 0.6], \"untrained_head\": true, \"bootstrap\": null, \"against_fp32\": null,"
    "  \"per_class\": {}},"
    " {\"model\": \"a/b\", \"variant\": \"fp32\", \"data\": \"my tweets\", \"n\": 900, \"accuracy\": 0.81, \"ece\": "
    "0.03,"
    "  \"accuracy_interval\": [0.78, 0.84], \"untrained_head\": false, \"bootstrap\": null, \"against_fp32\": null,"
    "  \"per_class\": {}}],"
    "\"measured\": {\"resident\": [{\"model\": \"a/b\", \"variant\": \"int8\", \"resident_bytes\": 120000000}],"
    " \"latency\": [{\"model\": \"a/b\", \"variant\": \"fp32\", \"data\": \"smsa\", \"ratio\": 1, \"energy_j\": null,"
    "   \"total\": {\"median\": 30.0, \"mean\": 31.0}},"
    "  {\"model\": \"a/b\", \"variant\": \"int8\", \"data\": \"smsa\", \"ratio\": 0.4, \"energy_j\": null,"
    "   \"total\": {\"median\": 12.0, \"mean\": 12.5}}]},"
    "\"null\": [{\"model\": \"a/b\", \"variant\": \"int8\", \"data\": \"smsa\", \"accuracy\": {\"p\": 0.5}}],"
    "\"groups\": [{\"recipe\": \"smsa-3-epochs\", \"results\": [{\"data\": \"smsa\", \"variant\": \"int8\","
    "  \"accuracy\": {\"mean\": 0.9}}]}]}";

/* Runs rules on the record; the document, or NULL with the error. */
static json_t *gate(const char *rules, tb_error *err)
{
    json_t *results = NULL, *out = NULL;
    tb_error_clear(err);
    assert_int_equal(tb_json_parse("results.json", record, strlen(record), 0, &results, err), TIMBANG_OK);
    timbang_status status = tb_gate(results, "r.rules", rules, strlen(rules), &out, err);
    assert_int_equal(status == TIMBANG_OK, out != NULL);
    json_decref(results);
    return out;
}

/* The rule's checks as "+" and "-" in the order of the record, skipped entries after a blank as "s". */
static void expect(const char *rule, const char *verdicts)
{
    tb_error err;
    json_t *out = gate(rule, &err);
    if (!out)
        fail_msg("%s: %s", rule, err.text);
    char got[32] = "";
    size_t n = 0, i;
    const json_t *first = json_array_get(json_object_get(out, "rules"), 0);
    json_t *check;
    bool all = true;
    json_array_foreach(json_object_get(first, "checks"), i, check)
    {
        bool pass = json_is_true(json_object_get(check, "pass"));
        all = all && pass;
        got[n++] = pass ? '+' : '-';
    }
    for (i = 0; i < json_array_size(json_object_get(first, "skipped")); i++)
        got[n++] = 's';
    if (strcmp(got, verdicts) != 0)
        fail_msg("%s: %s, expected %s", rule, got, verdicts);
    assert_int_equal(json_is_true(json_object_get(out, "pass")), all);
    json_decref(out);
}

/* The rules are refused, with this status and with these words. */
static void refused(const char *rules, timbang_status status, const char *words)
{
    tb_error err;
    json_t *out = gate(rules, &err);
    if (out || err.status != status || !strstr(err.text, words))
        fail_msg("%s: %s (%d), expected '%s'", rules, out ? "no error" : err.text, (int)err.status, words);
}

static void test_entries(void **state)
{
    (void)state;
    expect("accuracy >= 0.85", "++---");
    expect("* accuracy >= 0.85", "++---");
    expect("* * accuracy >= 0.85", "++---");
    expect("int8 * accuracy >= 0.85", "+--");
    expect("a/b/int8 * accuracy >= 0.85", "+-");
    expect("a/b/* smsa accuracy >= 0.85", "++");
    expect("small/int? smsa accuracy >= 0.85", "-");
    expect("int8 \"my tweets\" accuracy >= 0.85", "-");
    expect("*/fp* s*a accuracy >= 0.85", "+");
    expect("int8 size_bytes <= 100 MB", "++");
    expect("int8 smsa size_bytes <= 100 MB", "++"); /* a size is the same on every set */
}

static void test_comparisons(void **state)
{
    (void)state;
    expect("fp32 smsa accuracy>=0.906", "+");
    expect("fp32 smsa accuracy > 0.906", "-");
    expect("fp32 smsa accuracy <= 0.906", "+");
    expect("fp32 smsa accuracy < 0.906", "-");
    expect("fp32 smsa accuracy == 0.906", "+");
    expect("fp32 smsa accuracy = 0.906", "+");
    expect("fp32 smsa accuracy != 0.906", "-");
    expect("fp32 smsa accuracy \xe2\x89\xa5 0.9", "+");
    expect("fp32 smsa accuracy \xe2\x89\xa4 0.9", "-");
    expect("a/b/int8 smsa delta_accuracy >= -0.01", "+"); /* on the bound, but for the rounding of doubles */
    expect("a/b/int8 smsa delta_accuracy > -0.01", "-");
    expect("a/b/int8 smsa delta_accuracy >= -0.0099", "-");
    expect("a/b/int8 smsa delta_accuracy >= -1 %", "+");
    expect("int8 size_bytes <= 1e8", "++");
}

static void test_figures(void **state)
{
    (void)state;
    expect("int8 * against_fp32.agreement >= 0.97", "+--"); /* small has no fp32: not available, so it fails */
    expect("results.against_fp32.agreement >= 0.97", "+--ss");
    expect("a/b/* * agreement >= 0.97", "+-ss");
    expect("a/b/* * equivalence.equivalent == true", "-+ss");
    expect("a/b/* * against_fp32.equivalence.equivalent != true", "+-ss");
    expect("fp32 smsa accuracy_interval.low >= 0.87", "+");
    expect("fp32 smsa accuracy_interval[1] <= 0.92", "-");
    expect("fp32 smsa \"per_class.very good.recall\" >= 0.9", "+");
    expect("a/b/* * per_class.v1.0.recall >= 0.45", "-+ss"); /* the tweets have no such class */
    expect("int8 * latency_ms.median <= 15", "+");
    expect("int8 * latency.total.median <= 15 ms", "+");
    expect("int8 * measured.latency.total.median <= 0.015 s", "+");
    expect("int8 * latency.ratio <= 0.5", "+");
    expect("int8 resident_bytes <= 120 MB", "+");
    expect("int8 resident_bytes <= 110 MiB", "-");
    expect("null.accuracy.p >= 0.05", "+");
    expect("smsa-3-epochs/int8 * groups.accuracy.mean >= 0.9", "+");
    expect("models.parameters <= 50", "-+");
    expect("* * data.duplicates.exact == 0", "-+");
    expect("untrained_head == false", "+++-+");
    expect("energy_j <= 1 J", "--"); /* null: not available */
    expect("fp32 smsa bootstrap.accuracy.low >= 0.5", "-");
}

static void test_bounds_of_variants(void **state)
{
    (void)state;
    expect("a/b/int8 smsa accuracy >= 0.99 * fp32", "-"); /* 0.896 against 0.89694 */
    expect("a/b/int8 smsa accuracy >= 0.98 * fp32", "+");
    expect("a/b/int8 smsa accuracy >= 98% of fp32", "+");
    expect("a/b/int8 smsa accuracy >= 98 % * fp32", "+");
    expect("a/b/int8 smsa accuracy >= fp32 * 0.99", "-");
    expect("a/b/int8 smsa accuracy >= fp32 - 0.01", "+");
    expect("a/b/int8 smsa accuracy >= fp32 - 0.009", "-");
    expect("a/b/* smsa accuracy < fp32", "+s");
    expect("a/b/int8 * accuracy >= 0.985 * fp32", "++"); /* each on its own set: 0.8 against 0.81 */
    expect("a/b/* size_bytes <= 0.25 * fp32", "+s");
    expect("a/b/* size_bytes <= fp32 - 301 MB", "-s");
    expect("int8 smsa accuracy >= 0.98 * fp32", "+-"); /* small has no fp32 */
    expect("int8 * latency_ms.median <= 0.5 \xc3\x97 fp32", "+");
}

static void test_json(void **state)
{
    (void)state;
    expect("[\"int8 * accuracy >= 0.85\"]", "+--");
    expect("{\"rules\": [{\"model\": \"a/b\", \"figure\": \"accuracy\", \"op\": \">=\", \"bound\": 0.85}]}", "++--");
    expect("[{\"variant\": \"int8\", \"data\": \"smsa\", \"figure\": \"accuracy\", \"op\": \">=\","
           " \"bound\": \"0.98 * fp32\"}]",
           "+-");
    expect("[{\"figure\": \"untrained_head\", \"op\": \"==\", \"bound\": false}]", "+++-+");
    refused("[{\"figure\": \"accuracy\", \"op\": \">=\"}]", TIMBANG_FORMAT, "r.rules: rule 1: 'bound' is missing");
    refused("[{\"figure\": \"accuracy\", \"op\": \"=>\", \"bound\": 1}]", TIMBANG_FORMAT, "'op' is '=>'");
    refused("[{\"figure\": \"accuracy\", \"op\": \">=\", \"bound\": 1, \"set\": \"x\"}]", TIMBANG_FORMAT, "'set'");
    refused("[{\"figure\": 3, \"op\": \">=\", \"bound\": 1}]", TIMBANG_FORMAT, "'figure' must be a string");
    refused("[{\"figure\": \"accuracy\", \"op\": \">=\", \"bound\": [1]}]", TIMBANG_FORMAT, "'bound'");
    refused("[7]", TIMBANG_FORMAT, "rule 1");
    refused("{\"a\": []}", TIMBANG_FORMAT, "an array of rules is wanted");
    refused("[]", TIMBANG_FORMAT, "holds no rule");
    refused("[\"accuracy >= 1\",", TIMBANG_FORMAT, "r.rules: line 1");
    refused("[\"accuracy >= 1\", \"acuracy >= 1\"]", TIMBANG_FORMAT, "r.rules: rule 2: acuracy >= 1: there is no");
}

static void test_lines(void **state)
{
    (void)state;
    tb_error err;
    json_t *out = gate("\xef\xbb\xbf# a comment\r\n\r\n  int8 * accuracy >= 0.1   # why\r\n\tece <= 1\n", &err);
    assert_non_null(out);
    const json_t *rules = json_object_get(out, "rules");
    assert_int_equal(json_array_size(rules), 2);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(rules, 0), "line")), 3);
    assert_string_equal(json_string_value(json_object_get(json_array_get(rules, 0), "rule")), "int8 * accuracy >= 0.1");
    assert_string_equal(json_string_value(json_object_get(json_array_get(rules, 0), "figure")), "results.accuracy");
    assert_int_equal(json_integer_value(json_object_get(json_array_get(rules, 1), "line")), 4);
    assert_int_equal(json_integer_value(json_object_get(out, "passed")), 8);
    assert_int_equal(json_integer_value(json_object_get(out, "failed")), 0);
    json_decref(out);
    refused("# nothing\n", TIMBANG_FORMAT, "r.rules: holds no rule");
    refused("accuracy >= 1\nece 0.1\n", TIMBANG_FORMAT, "r.rules: line 2: 'ece 0.1' has no comparison");
}

static void test_nothing_covered(void **state)
{
    (void)state;
    refused("acuracy >= 1", TIMBANG_FORMAT, "did you mean accuracy?");
    refused("latency_ms.medain <= 1", TIMBANG_FORMAT, "did you mean latency_ms.median?");
    refused("in8 * accuracy >= 1", TIMBANG_USAGE, "no variant 'in8'; did you mean int8?");
    refused("int8 smse accuracy >= 1", TIMBANG_USAGE, "no data set 'smse'; did you mean smsa?");
    refused("smal/int8 * accuracy >= 1", TIMBANG_USAGE, "no model 'smal'; did you mean small?");
    refused("bf* * accuracy >= 1", TIMBANG_USAGE, "no variant 'bf*'; there is fp32, int8");
    refused("small/fp32 * accuracy >= 1", TIMBANG_USAGE, "no entry of the study");
    refused("int8 * accuracy >= 0.99 * fp23", TIMBANG_USAGE, "did you mean fp32?");
    refused("int8 * accuracy >= fp32-0.01", TIMBANG_USAGE, "no variant 'fp32-0.01'");
    refused("fp32 * agreement >= 0.9", TIMBANG_USAGE, "it covers nothing: fp32 is what the others are compared with");
    refused("fp32 * accuracy >= 0.9 * fp32", TIMBANG_USAGE, "it covers nothing");
}

static void test_malformed(void **state)
{
    (void)state;
    refused("int8 * equivalence >= 1", TIMBANG_FORMAT, "equivalence.equivalent, equivalence.p");
    refused("accuracy_interval >= 1", TIMBANG_FORMAT, "accuracy_interval.low, accuracy_interval.high");
    refused("a/b/int8 * sentence == 1", TIMBANG_FORMAT, "'sentence' is no number");
    refused("int8 * accuracy >= ", TIMBANG_FORMAT, "the bound is missing");
    refused(">= 1", TIMBANG_FORMAT, "the figure is missing");
    refused("a b c d >= 1", TIMBANG_FORMAT, "'d ' is one word too many");
    refused("int8 my tweets accuracy >= 1", TIMBANG_FORMAT, "one word too many");
    refused("int8 \"my tweets accuracy >= 1", TIMBANG_FORMAT, "no comparison");
    refused("/int8 * accuracy >= 1", TIMBANG_FORMAT, "no MODEL/VARIANT");
    refused("accuracy >= 0,9", TIMBANG_FORMAT, "decimals have a point");
    refused("accuracy >= 0.9 apples", TIMBANG_FORMAT, "'apples' is no unit");
    refused("accuracy >= 0.9 % x", TIMBANG_FORMAT, "left over");
    refused("accuracy >= 1e999", TIMBANG_FORMAT, "no number");
    refused("accuracy >= 0.9 *", TIMBANG_FORMAT, "a variant is missing");
    refused("accuracy >= fp32 - 1 %", TIMBANG_FORMAT, "two meanings");
    refused("accuracy >= 0.9 * int*", TIMBANG_USAGE, "from one variant");
    refused("accuracy >= 9 MB", TIMBANG_USAGE, "not MB");
    refused("size_bytes <= 9 ms", TIMBANG_USAGE, "'size_bytes' is a number of bytes, not ms");
    refused("latency_ms.median <= 9 %", TIMBANG_USAGE, "a time in ms, not %");
    refused("untrained_head == 1", TIMBANG_USAGE, "is true or false, and the bound is a number");
    refused("accuracy == true", TIMBANG_USAGE, "is a number, and the bound is true or false");
    refused("untrained_head <= true", TIMBANG_USAGE, "the comparison is == or !=");
    refused("models.parameters <= 2 * fp32", TIMBANG_USAGE, "the same for all variants");
    tb_error err;
    json_t *out = NULL, *results = json_object();
    assert_int_equal(tb_gate(results, "r", "a < 1\0b", 7, &out, &err), TIMBANG_FORMAT);
    assert_int_equal(tb_gate(results, "r", "a < \xff", 5, &out, &err), TIMBANG_FORMAT);
    assert_int_equal(tb_gate(results, "r", "a < 1", 5, &out, &err), TIMBANG_FORMAT);
    assert_non_null(strstr(err.text, "no results.json"));
    json_object_set_new(results, "timbang", json_pack("{s:i}", "schema", 2));
    assert_int_equal(tb_gate(results, "r", "a < 1", 5, &out, &err), TIMBANG_UNSUPPORTED);
    json_object_set_new(results, "timbang", json_pack("{s:i}", "schema", 1));
    assert_int_equal(tb_gate(results, "r", "a < 1", 5, &out, &err), TIMBANG_FORMAT);
    assert_non_null(strstr(err.text, "'results' is missing"));
    json_object_set_new(results, "results", json_pack("[{s:i}]", "model", 1));
    assert_int_equal(tb_gate(results, "r", "a < 1", 5, &out, &err), TIMBANG_FORMAT);
    assert_non_null(strstr(err.text, "results[0].model"));
    json_decref(results);
    assert_null(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entries),
        cmocka_unit_test(test_comparisons),
        cmocka_unit_test(test_figures),
        cmocka_unit_test(test_bounds_of_variants),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_nothing_covered),
        cmocka_unit_test(test_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
