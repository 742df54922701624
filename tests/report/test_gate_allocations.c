/* Every allocation of a gate fails in turn, jansson's too (but for its parser's): the answer is TIMBANG_NO_MEMORY with
 * a sentence, and nothing is left behind (the leak sanitizer looks). Linked with --wrap for the allocating functions.
 */
#include "report/gate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static unsigned long allocations; /* since the last reset */
static unsigned long failing;     /* the one that fails, from 1; 0: none */

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *block, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *block, size_t size);

static bool fails(void)
{
    return ++allocations == failing;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    return fails() ? NULL : __real_realloc(block, size);
}

static const char record[] =
    "{\"timbang\": {\"schema\": 1}, \"models\": [{\"name\": \"m\"}], \"data\": [{\"name\": \"d\"}],"
    "\"variants\": [{\"model\": \"m\", \"variant\": \"fp32\", \"size_bytes\": 4},"
    "               {\"model\": \"m\", \"variant\": \"int8\", \"size_bytes\": 1}],"
    "\"results\": [{\"model\": \"m\", \"variant\": \"fp32\", \"data\": \"d\", \"accuracy\": 0.9, \"ece\": null, "
    "\"ok\": true},"
    "              {\"model\": \"m\", \"variant\": \"int8\", \"data\": \"d\", \"accuracy\": 0.8, \"ece\": 0.1, \"ok\": "
    "true}],"
    "\"measured\": {\"resident\": [], \"latency\": []},"
    "\"groups\": [{\"recipe\": \"r\", \"results\": [{\"data\": \"d\", \"variant\": \"int8\", \"x\": {\"mean\": 1}}]}]}";

static const char good[] = "m/int8 \"d\" accuracy >= 0.5 * fp32 - 0.1\nece <= 0.2\nok == true\n* size_bytes <= 4 B\n"
                           "groups.x.mean >= 1 # why\n";
static const char good_json[] =
    "[\"accuracy >= fp32\", {\"model\": \"m\", \"figure\": \"ok\", \"op\": \"==\", \"bound\": true},"
    "{\"figure\": \"accuracy\", \"op\": \"<\", \"bound\": 1}]";

/* tb_gate with each allocation failing once; the status without any failure is returned. */
static timbang_status fail_in_turn(const char *rules)
{
    json_t *results = NULL;
    tb_error err;
    tb_error_clear(&err);
    assert_int_equal(tb_json_parse("results.json", record, strlen(record), 0, &results, &err), TIMBANG_OK);
    timbang_status status = TIMBANG_NO_MEMORY;
    for (unsigned long n = 1; status == TIMBANG_NO_MEMORY; n++) {
        json_t *out = NULL;
        tb_error_clear(&err);
        allocations = 0;
        failing = n;
        status = tb_gate(results, "r", rules, strlen(rules), &out, &err);
        bool reached = allocations >= n;
        failing = 0;
        assert_int_equal(status == TIMBANG_OK, out != NULL);
        if (status != TIMBANG_OK)
            assert_true(err.text[0] != '\0');
        if (reached && status != TIMBANG_NO_MEMORY)
            fail_msg("allocation %lu failed and the answer is %d: %s", n, (int)status, err.text);
        json_decref(out);
        assert_true(n < 10000);
    }
    json_decref(results);
    return status;
}

static void test_rules(void **state)
{
    (void)state;
    assert_int_equal(fail_in_turn(good), TIMBANG_OK);
}

static void test_rules_in_json(void **state)
{
    (void)state;
    json_set_alloc_funcs(__real_malloc, free); /* jansson's parser has no sentence of its own for it */
    assert_int_equal(fail_in_turn(good_json), TIMBANG_OK);
    assert_int_equal(fail_in_turn("[\"accuracy >= 1\", {\"figure\": 1}]"), TIMBANG_FORMAT);
    json_set_alloc_funcs(malloc, free);
}

static void test_errors(void **state)
{
    (void)state;
    assert_int_equal(fail_in_turn("acuracy >= 1\n"), TIMBANG_FORMAT);
    assert_int_equal(fail_in_turn("int9 * accuracy >= 1\n"), TIMBANG_USAGE);
    assert_int_equal(fail_in_turn("groups.x >= 1\n"), TIMBANG_FORMAT);
    assert_int_equal(fail_in_turn("fp32 * accuracy >= fp32\n"), TIMBANG_USAGE);
}

int main(void)
{
    json_set_alloc_funcs(malloc, free); /* jansson's own would not be wrapped */
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rules), cmocka_unit_test(test_rules_in_json),
                                       cmocka_unit_test(test_errors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
