/* Hashes of encodings, one for every 100 texts, against those of transformers' AutoTokenizer: random texts, and every
 * line of the shared data folder with three tokenizers (tests/oracle/text_make_golden.py). */
#include "base/sha256.h"
#include "help.h"
#include "random_text.h"

static void put(tb_sha256 *hash, const void *values, size_t n)
{
    uint8_t bytes[1024];
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t v = ((const uint32_t *)values)[i];
        for (int shift = 0; shift < 32; shift += 8)
            bytes[used++] = (uint8_t)(v >> shift);
        if (used == sizeof bytes || i + 1 == n) {
            tb_sha256_update(hash, bytes, used);
            used = 0;
        }
    }
}

/* Feeds texts in turn and compares each full block. */
struct checker {
    const tb_tokenizer *tokenizer;
    const json_t *expected; /* hashes */
    const char *name;
    size_t block, n_texts, n_blocks, n_wrong;
    tb_sha256 hash;
    tb_tokens tokens;
};

static void end_block(struct checker *c)
{
    char hex[65];
    const char *expected = json_string_value(json_array_get(c->expected, c->n_blocks));
    tb_sha256_final(&c->hash, hex);
    hex[16] = '\0';
    if (!expected || strcmp(hex, expected) != 0) {
        printf("%s: block %zu (texts %zu to %zu, from 0) has hash %s; expected %s\n", c->name, c->n_blocks,
               c->n_blocks * c->block, c->n_texts - 1, hex, expected ? expected : "none");
        c->n_wrong++;
    }
    c->n_blocks++;
    tb_sha256_init(&c->hash);
}

static void check_text(struct checker *c, const char *text, size_t length)
{
    tb_error err = {0};
    if (tb_tokenizer_encode(c->tokenizer, text, length, NULL, 0, 512, &c->tokens, &err) != TIMBANG_OK)
        fail_msg("%s, text %zu: %s", c->name, c->n_texts, err.text);
    uint32_t n = (uint32_t)c->tokens.n;
    put(&c->hash, &n, 1);
    put(&c->hash, c->tokens.ids, n);
    put(&c->hash, c->tokens.type_ids, n);
    put(&c->hash, c->tokens.char_begin, n);
    put(&c->hash, c->tokens.char_end, n);
    put(&c->hash, c->tokens.byte_begin, n);
    put(&c->hash, c->tokens.byte_end, n);
    if (++c->n_texts % c->block == 0)
        end_block(c);
}

static struct checker checker_begin(const tb_tokenizer *tokenizer, const json_t *expected, const char *name,
                                    size_t block)
{
    struct checker c = {.tokenizer = tokenizer, .expected = expected, .name = name, .block = block};
    tb_sha256_init(&c.hash);
    return c;
}

static void checker_end(struct checker *c)
{
    if (c->n_texts % c->block)
        end_block(c);
    tb_tokens_free(&c->tokens);
    assert_int_equal(c->n_wrong, 0);
    assert_int_equal(c->n_blocks, json_array_size(c->expected));
}

static void check_random(struct checker *c)
{
    json_t *recipe = help_golden("random_recipe.json");
    tb_text text = {0};
    size_t n = json_array_size(c->expected) * c->block;
    for (size_t i = 0; i < n; i++) {
        random_text(json_object_get(recipe, "pieces"), i, &text);
        check_text(c, text.data, text.length);
    }
    tb_text_free(&text);
    json_decref(recipe);
}

static void check_lines(struct checker *c, const char *path)
{
    tb_error err = {0};
    char *bytes = NULL;
    size_t size = 0;
    if (tb_read_file(path, 0, &bytes, &size, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    for (size_t at = 0; at < size;) {
        const char *end = memchr(bytes + at, '\n', size - at);
        size_t length = end ? (size_t)(end - bytes) - at : size - at;
        check_text(c, bytes + at, length);
        at += length + 1;
    }
    free(bytes);
}

static void test_own_folders(void **state)
{
    (void)state;
    json_t *golden = help_golden("hashes.json"), *entry;
    size_t block = (size_t)json_integer_value(json_object_get(golden, "block"));
    const char *name;
    json_object_foreach(json_object_get(golden, "own"), name, entry)
    {
        char path[256];
        snprintf(path, sizeof path, "tests/golden/text/folders/%s", name);
        tb_tokenizer *tokenizer = help_load(help_path("TIMBANG_SOURCE", path));
        struct checker c = checker_begin(tokenizer, json_object_get(entry, "random"), name, block);
        assert_true(json_array_size(c.expected) > 0);
        check_random(&c);
        checker_end(&c);
        tb_tokenizer_free(tokenizer);
    }
    json_decref(golden);
}

static void test_shared(void **state)
{
    (void)state;
    const char *shared = getenv("TIMBANG_SHARED");
    if (!shared || !tb_is_directory(shared)) {
        print_message("skipped: TIMBANG_SHARED names no folder\n");
        skip();
    }
    json_t *golden = help_golden("hashes.json"), *entry, *expected;
    size_t block = (size_t)json_integer_value(json_object_get(golden, "block"));
    const char *name, *file;
    json_object_foreach(json_object_get(golden, "shared"), name, entry)
    {
        tb_tokenizer *tokenizer =
            help_load(help_path("TIMBANG_SHARED", json_string_value(json_object_get(entry, "folder"))));
        json_object_foreach(entry, file, expected)
        {
            char what[256];
            if (!json_is_array(expected))
                continue;
            snprintf(what, sizeof what, "%s, %s", name, file);
            struct checker c = checker_begin(tokenizer, expected, what, block);
            if (strcmp(file, "random") == 0) {
                check_random(&c);
            } else {
                char path[256];
                snprintf(path, sizeof path, "data/%s", file);
                check_lines(&c, help_path("TIMBANG_SHARED", path));
            }
            checker_end(&c);
        }
        tb_tokenizer_free(tokenizer);
    }
    json_decref(golden);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_own_folders), cmocka_unit_test(test_shared)};
    return cmocka_run_group_tests_name("tokenizer hashes", tests, NULL, NULL);
}
