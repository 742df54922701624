/* The public Indonesian sets, read without any option: rows, labels and duplicates as counted independently
 * (tests/oracle/data_real_sets.py). Skips without TIMBANG_SHARED. SPDX-License-Identifier: Apache-2.0 */
#include "data_test.h"

static void shared_path(const char *name, char *path, size_t size)
{
    const char *shared = getenv("TIMBANG_SHARED");
    snprintf(path, size, "%s/data/%s", shared == NULL ? "" : shared, name);
}

static void skip_without_sets(void)
{
    char path[1024];
    shared_path("smsa/test.tsv", path, sizeof path);
    if (!tb_is_file(path)) {
        print_message("skipped: %s is not there (TIMBANG_SHARED names the folder of the public sets)\n", path);
        skip();
    }
}

static tb_dataset *load(const char *name, timbang_data_options options)
{
    char path[1024];
    shared_path(name, path, sizeof path);
    tb_dataset *dataset = NULL;
    tb_error err = {0};
    options.path = path;
    if (tb_dataset_load(&options, NULL, &dataset, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    return dataset;
}

static void compare_fact(const tb_dataset *dataset, const json_t *wanted, const char *name, const char *key)
{
    const json_t *found = json_object_get(dataset->facts, key);
    if (!json_equal(found, json_object_get(wanted, key)))
        fail_msg("%s: %s is not as counted", name, key);
}

static void counts(void **state)
{
    (void)state;
    skip_without_sets();
    json_t *golden = load_golden("data_real_sets.json");
    const char *name;
    json_t *wanted;
    json_object_foreach(json_object_get(golden, "sets"), name, wanted)
    {
        tb_dataset *d = load(name, strcmp(name, "text/id-lines.txt") == 0 ? text_options() : plain_options());
        assert_int_equal(d->n, json_integer_value(json_object_get(wanted, "rows")));
        static const char *const keys[] = {"format",       "header",       "text_column", "label_column",
                                           "label_counts", "empty_texts",  "bom",         "quoting",
                                           "crlf",         "stray_quotes", "rows"};
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
            compare_fact(d, wanted, name, keys[i]);
        /* every text and line number, as one hash */
        tb_text all = {0};
        for (size_t i = 0; i < d->n; i++)
            tb_text_printf(&all, "%llu:%s:%s\n", (unsigned long long)d->rows[i].line,
                           d->rows[i].label == NULL ? "" : d->rows[i].label, d->rows[i].text);
        char hash[32];
        snprintf(hash, sizeof hash, "%016llx", (unsigned long long)tb_hash64(all.data, all.length));
        assert_string_equal(hash, json_string_value(json_object_get(wanted, "hash")));
        tb_text_free(&all);
        tb_dataset_free(d);
    }
    json_decref(golden);
}

/* Published facts about SmSA. */
static void smsa(void **state)
{
    (void)state;
    skip_without_sets();
    tb_dataset *train = load("smsa/train.tsv", plain_options());
    tb_dataset *valid = load("smsa/valid.tsv", plain_options());
    tb_dataset *test = load("smsa/test.tsv", plain_options());
    expect_fact(train, "label_counts", "{\"negative\":3436,\"neutral\":1148,\"positive\":6416}");
    expect_fact(valid, "label_counts", "{\"negative\":394,\"neutral\":131,\"positive\":735}");
    expect_fact(test, "label_counts", "{\"negative\":204,\"neutral\":88,\"positive\":208}");
    tb_duplicates found;
    tb_error err = {0};
    assert_int_equal(tb_dataset_duplicates(train, NULL, &found, &err), TIMBANG_OK);
    assert_int_equal(found.exact, 67);
    assert_int_equal(found.normalized, 70);
    assert_int_equal(tb_dataset_duplicates(valid, train, &found, &err), TIMBANG_OK);
    assert_int_equal(found.exact, 14);
    size_t all = valid->n;
    valid->n = 500; /* of valid's first 500 rows */
    assert_int_equal(tb_dataset_duplicates(valid, train, &found, &err), TIMBANG_OK);
    assert_int_equal(found.exact, 7);
    valid->n = all;
    assert_int_equal(tb_dataset_duplicates(test, train, &found, &err), TIMBANG_OK);
    assert_int_equal(found.exact, 0);
    assert_int_equal(tb_dataset_duplicates(test, valid, &found, &err), TIMBANG_OK);
    assert_int_equal(found.exact, 0);
    tb_dataset_free(train);
    tb_dataset_free(valid);
    tb_dataset_free(test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts),
        cmocka_unit_test(smsa),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
