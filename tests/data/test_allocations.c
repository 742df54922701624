/* Every allocation fails in turn: the answer is "out of memory", and nothing is left behind (the leak sanitizer looks).
 * Linked with --wrap for the allocating functions. SPDX-License-Identifier: Apache-2.0 */
#include "data_test.h"

static size_t allocations; /* since the last reset */
static size_t failing;     /* the one that fails, from 1; 0: none */

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *block, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *block, size_t size);

static void *plain_malloc(size_t size)
{
    return __real_malloc(size);
}

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

static timbang_status everything(const timbang_data_options *options, const char *text, tb_error *err)
{
    static const char *const classes[] = {"x", "y"};
    tb_dataset *dataset = NULL;
    tb_duplicates found;
    int32_t truth[64];
    char **labels = NULL;
    size_t n_labels = 0;
    timbang_status status = tb_dataset_parse(options, text, strlen(text), NULL, &dataset, err);
    if (status != TIMBANG_OK) {
        if (dataset != NULL)
            return TIMBANG_INTERNAL;
        return status;
    }
    status = tb_dataset_duplicates(dataset, NULL, &found, err);
    if (status == TIMBANG_OK)
        status = tb_dataset_resolve(dataset, classes, 2, truth, err);
    if (status == TIMBANG_OK)
        status = tb_dataset_labels(dataset, &labels, &n_labels, err);
    if (status == TIMBANG_OK)
        tb_labels_free(labels, n_labels);
    tb_dataset_free(dataset);
    return status;
}

static void fail_in_turn(const timbang_data_options *options, const char *text)
{
    tb_error err = {0};
    allocations = 0;
    failing = 0;
    timbang_status status = everything(options, text, &err);
    size_t n = allocations;
    if (status != TIMBANG_OK)
        fail_msg("%s", err.text);
    assert_true(n > 20);
    for (size_t i = 1; i <= n; i++) {
        err = (tb_error){0};
        allocations = 0;
        failing = i;
        status = everything(options, text, &err);
        failing = 0;
        if (status != TIMBANG_NO_MEMORY || err.status != TIMBANG_NO_MEMORY)
            fail_msg("allocation %zu of %zu: status %d, %s", i, n, (int)status, err.text);
    }
}

static void tables(void **state)
{
    (void)state;
    json_set_alloc_funcs(__wrap_malloc, free); /* the facts' allocations fail too */
    timbang_data_options o = plain_options();
    o.label_map = "a=x";
    o.drop_labels = "z";
    o.limit = 3;
    fail_in_turn(&o, "text,label,pair\n\"satu \"\"dua\"\"\",a,\"p\"\ntiga,x,q\nempat,\"y\",r\nlima,z,s\nenam,x,t\n"
                     "tujuh,y,u\n");
}

static void lines(void **state)
{
    (void)state;
    json_set_alloc_funcs(plain_malloc, free); /* not the parser's: what it says then is the business of base/json.h */
    timbang_data_options o = plain_options();
    o.pair_column = "pair";
    fail_in_turn(&o,
                 "{\"text\": \"satu\", \"label\": 0, \"pair\": \"p\"}\n{\"text\": \"dua\", \"label\": \"y\", \"pair\": "
                 "\"\"}\n{\"text\": \"dua\", \"label\": 0.0, \"pair\": \"\"}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables),
        cmocka_unit_test(lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
