/* SPDX-License-Identifier: Apache-2.0
 * compare: every allocation fails in turn; the answer is "out of memory", and nothing is left behind (the leak
 * sanitizer looks). Linked with --wrap for the allocating functions. */
#include "compare_help.h"

static size_t allocations; /* since the last reset */
static size_t failing;     /* the one that fails, from 1; 0: none */

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

static void fail_in_turn(const tables *t)
{
    json_decref(compared(t));
    allocations = 0;
    json_t *out = NULL;
    tb_error err;
    assert_int_equal(run_compare(t, &out, &err), TIMBANG_OK);
    json_decref(out);
    size_t n = allocations;
    assert_true(n > 50);
    for (size_t i = 1; i <= n; i++) {
        out = NULL;
        allocations = 0;
        failing = i;
        timbang_status status = run_compare(t, &out, &err);
        failing = 0;
        if (status != TIMBANG_NO_MEMORY || out)
            fail_msg("allocation %zu of %zu: status %d: %s", i, n, (int)status, err.text);
    }
}

static void tables_fail_in_turn(void **state)
{
    (void)state;
    tables t;
    tables_begin(&t);
    t.options.bootstrap_replicates = 3;
    t.options.columns.label_map = "0=x";
    t.options.columns.drop_labels = "z";
    add_file(&t, "a.csv", "text,label,pred,prob_x,prob_y\n\"A \"\"b\",x,x,.8,.2\nc,y,y,.4,.6\nc,z,y,.4,.6\n");
    add_file(&t, "b.csv", "text,label,pred\na \"b,0,x\nd,y,y\n");
    add_file(&t, "c.jsonl", "{\"text\": \"c\", \"label\": \"y\", \"score\": 0.5}\n");
    fail_in_turn(&t);
    tables_end(&t);
}

static void studies_fail_in_turn(void **state)
{
    (void)state;
    tables t;
    tables_begin(&t);
    t.options.bootstrap_replicates = 3;
    add_file(
        &t, "predictions.jsonl",
        "{\"model\": \"m\", \"variant\": \"fp32\", \"data\": \"d\", \"row\": 1, \"text\": \"a\", \"truth\": \"x\", "
        "\"pred\": \"x\", \"logits\": [1, 0], \"probs\": [0.73, 0.27]}\n"
        "{\"model\": \"m\", \"variant\": \"int8\", \"data\": \"d\", \"row\": 1, \"text\": \"a\", \"truth\": \"x\", "
        "\"pred\": \"y\", \"logits\": [0, 1], \"probs\": [0.27, 0.73]}\n");
    t.options.n_inputs = 0;
    add_file(&t, "results.json",
             "{\"timbang\": {\"schema\": 1}, \"models\": [{\"name\": \"m\", \"labels\": [\"x\", \"y\"]}], \"results\": "
             "[{\"model\": \"m\", \"variant\": \"fp32\", \"data\": \"d\", \"n\": 1, \"labels\": [\"x\", \"y\"]}, "
             "{\"model\": \"m\", \"variant\": \"int8\", \"data\": \"d\", \"n\": 1, \"labels\": [\"x\", \"y\"]}]}");
    fail_in_turn(&t);
    tables_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_fail_in_turn),
        cmocka_unit_test(studies_fail_in_turn),
    };
    return cmocka_run_group_tests_name("compare_allocations", tests, NULL, NULL);
}
