/* Every allocation of loading and encoding fails once, in turn: "out of memory", and nothing is left behind (the leak
 * sanitizer looks). Linked with --wrap for the allocating functions. */
#include "help.h"
#include "text/clean.h"

static size_t allocations; /* since the last reset */
static size_t failing;     /* the one that fails, from 1; 0: none */

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *block, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

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

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : __real_aligned_alloc(alignment, size);
}

static timbang_status everything(const char *const *files, const char *text, tb_error *err)
{
    tb_tokenizer *tokenizer = NULL;
    tb_tokens tokens = {0};
    tb_text cleaned = {0};
    timbang_status status = help_load_memory(files, &tokenizer, err);
    if (status == TIMBANG_OK)
        status = tb_tokenizer_encode(tokenizer, text, strlen(text), NULL, 0, 0, &tokens, err);
    if (status == TIMBANG_OK)
        status = tb_tokenizer_encode(tokenizer, text, strlen(text), text, strlen(text), 64, &tokens, err);
    if (status == TIMBANG_OK)
        status = tb_clean(63, text, strlen(text), &cleaned, err);
    tb_text_free(&cleaned);
    tb_tokens_free(&tokens);
    tb_tokenizer_free(tokenizer);
    return status;
}

static void fail_each(const char *const *files, size_t least)
{
    char text[8192] = "film [MASK] <x> ";
    tb_error err = {0};
    for (int i = 0; i < 40; i++)
        strcat(text, "a\xcc\x81\xcc\xa3\xcc\x81 filmnya <x> ");
    for (int i = 0; i < 80; i++)
        strcat(text, "\xf0\x9d\x85\xa5");
    for (int i = 0; i < 700; i++) /* both encodings together begin the cache of words */
        strcat(text, " a");
    failing = 0;
    allocations = 0;
    timbang_status status = everything(files, text, &err);
    if (status != TIMBANG_OK)
        fail_msg("%s", err.text);
    size_t n = allocations;
    assert_true(n > least);
    for (size_t i = 1; i <= n; i++) {
        err = (tb_error){0};
        failing = i;
        allocations = 0;
        status = everything(files, text, &err);
        failing = 0;
        /* The JSON library tells of a failed allocation as of a malformed file. */
        if (status != TIMBANG_NO_MEMORY && !(status == TIMBANG_FORMAT && strstr(err.text, "json")))
            fail_msg("allocation %zu of %zu: status %d, \"%s\"", i, n, status, err.text);
    }
}

static void test_vocab(void **state)
{
    (void)state;
    static const char *const files[] = {
        "vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nfilm\n##nya\na\n", "tokenizer_config.json",
        "{\"added_tokens_decoder\":{\"9\":{\"content\":\"<x>\",\"normalized\":true}}}", NULL};
    fail_each(files, 30);
}

static void test_json(void **state)
{
    (void)state;
    static const char *const files[] = {
        "tokenizer.json",
        "{\"added_tokens\":[{\"id\":3,\"content\":\"<x>\",\"normalized\":false}],\"model\":{\"type\":\"WordPiece\","
        "\"vocab\":{\"u\":0,\"film\":1,\"##nya\":2},\"unk_token\":\"u\",\"continuing_subword_prefix\":\"##\","
        "\"max_input_chars_per_word\":100},\"normalizer\":{\"type\":\"Lowercase\"}}",
        NULL};
    fail_each(files, 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_vocab), cmocka_unit_test(test_json)};
    return cmocka_run_group_tests_name("tokenizer allocations", tests, NULL, NULL);
}
