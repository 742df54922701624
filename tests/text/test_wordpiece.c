/* Linear WordPiece against its definition: random vocabularies and words, prefixes of all kinds, a vocabulary made to
 * be slow; and the cache of words, which must not be seen. */
#include "help.h"
#include "random_text.h"
#include "text/tokenizer_parts.h"
#include "text/word_cache.h"

enum { MAX_WORDS = 40, MAX_BYTES = 16 };

struct vocabulary {
    char words[MAX_WORDS][MAX_BYTES];
    size_t n, lengths[MAX_WORDS];
    tb_trie trie;
    tb_wordpiece wordpiece;
    const char *prefix;
};

static size_t below(uint64_t *state, size_t n)
{
    return (size_t)(random_next(state) >> 33) % n;
}

static void random_string(uint64_t *state, size_t most, const char *letters, char *out)
{
    size_t length = below(state, most + 1);
    for (size_t i = 0; i < length; i++)
        *out++ = letters[below(state, strlen(letters))];
    *out = '\0';
}

static void build(struct vocabulary *v)
{
    tb_error err = {0};
    tb_trie_entry entries[MAX_WORDS];
    for (size_t i = 0; i < v->n; i++) {
        v->lengths[i] = strlen(v->words[i]);
        entries[i] = (tb_trie_entry){v->words[i], v->lengths[i], (uint32_t)i, (int32_t)i};
    }
    memset(&v->trie, 0, sizeof v->trie);
    memset(&v->wordpiece, 0, sizeof v->wordpiece);
    assert_int_equal(tb_trie_build(&v->trie, entries, v->n, &err), TIMBANG_OK);
    assert_int_equal(tb_wordpiece_build(&v->wordpiece, &v->trie, v->lengths, v->prefix, strlen(v->prefix), &err),
                     TIMBANG_OK);
}

static void release(struct vocabulary *v)
{
    tb_wordpiece_free(&v->wordpiece);
    tb_trie_free(&v->trie);
}

/* The reference's loop: the longest substring that is a token, behind the prefix unless it is the first. */
static size_t split_by_definition(const struct vocabulary *v, const char *word, int32_t *ids, uint32_t *ends)
{
    size_t n = 0, length = strlen(word);
    for (size_t start = 0, end; start < length; start = end) {
        int32_t id = -1;
        for (end = length; end > start && id < 0; end -= id < 0) {
            char piece[2 * MAX_BYTES];
            snprintf(piece, sizeof piece, "%s%.*s", start ? v->prefix : "", (int)(end - start), word + start);
            for (size_t i = 0; i < v->n && id < 0; i++)
                if (strcmp(v->words[i], piece) == 0)
                    id = (int32_t)i;
        }
        if (id < 0)
            return 0;
        ids[n] = id;
        ends[n++] = (uint32_t)end;
    }
    return n;
}

static void check_word(const struct vocabulary *v, const char *word)
{
    int32_t ids[MAX_BYTES], want_ids[MAX_BYTES];
    uint32_t ends[MAX_BYTES], want_ends[MAX_BYTES];
    size_t want = split_by_definition(v, word, want_ids, want_ends);
    size_t n = tb_wordpiece_split(&v->wordpiece, word, strlen(word), ids, ends);
    bool same = n == want;
    for (size_t i = 0; same && i < n; i++)
        same = ids[i] == want_ids[i] && ends[i] == want_ends[i];
    if (same)
        return;
    printf("prefix '%s', word '%s': %zu pieces; expected %zu. Vocabulary:", v->prefix, word, n, want);
    for (size_t i = 0; i < v->n; i++)
        printf(" %s", v->words[i]);
    printf("\n");
    fail();
}

static void test_random(void **state)
{
    (void)state;
    static const char *const prefixes[] = {"##", "#", "", "a", "ab"};
    uint64_t seed = 42;
    size_t n_split = 0, n_linked = 0;
    for (size_t round = 0; round < 4000; round++) {
        struct vocabulary v = {.n = 1 + below(&seed, MAX_WORDS), .prefix = prefixes[round % 5]};
        for (size_t i = 0; i < v.n; i++) {
            char body[MAX_BYTES];
            random_string(&seed, 6, round % 2 ? "ab" : "abc#", body);
            snprintf(v.words[i], MAX_BYTES, "%s%s", below(&seed, 3) ? v.prefix : "", body);
        }
        build(&v);
        n_linked += v.wordpiece.links != NULL;
        for (int i = 0; i < 40; i++) {
            char word[MAX_BYTES];
            int32_t ids[MAX_BYTES];
            uint32_t ends[MAX_BYTES];
            random_string(&seed, 12, round % 2 ? "ab" : "abc#", word);
            if (!word[0])
                continue;
            check_word(&v, word);
            n_split += split_by_definition(&v, word, ids, ends) > 1;
        }
        release(&v);
    }
    assert_true(n_split > 10000 && n_linked > 3000);
}

/* The paper's own example (figure 1), and the pieces of a link that are kept in the pool. */
static void test_paper(void **state)
{
    (void)state;
    struct vocabulary v = {{"a", "abcdx", "##b", "##c", "##cdy", "##dz"}, 6, {0}, {0}, {0}, "##"};
    build(&v);
    assert_non_null(v.wordpiece.links);
    assert_true(v.wordpiece.n_pool > 0);
    check_word(&v, "abcdz");
    check_word(&v, "abcd");
    check_word(&v, "abcdy");
    check_word(&v, "abcdx");
    check_word(&v, "abcz");
    release(&v);
}

/* Links of this vocabulary would take quadratic memory; it is matched without them, and rightly. */
static void test_hostile_vocabulary(void **state)
{
    (void)state;
    enum { LONG = 20000 };
    tb_error err = {0};
    tb_trie trie = {0};
    tb_wordpiece w = {0};
    char *word = malloc(LONG + 2);
    assert_non_null(word);
    memset(word, 'a', LONG);
    memcpy(word + LONG, "b", 2);
    const size_t lengths[] = {1, 3, LONG + 1};
    tb_trie_entry entries[] = {{"a", 1, 0, 0}, {"##a", 3, 1, 1}, {word, LONG + 1, 2, 2}};
    assert_int_equal(tb_trie_build(&trie, entries, 3, &err), TIMBANG_OK);
    assert_int_equal(tb_wordpiece_build(&w, &trie, lengths, "##", 2, &err), TIMBANG_OK);
    assert_null(w.links);
    int32_t ids[50];
    uint32_t ends[50];
    assert_int_equal(tb_wordpiece_split(&w, word, 50, ids, ends), 50);
    assert_int_equal(ids[0], 0);
    assert_int_equal(ids[49], 1);
    assert_int_equal(ends[49], 50);
    tb_wordpiece_free(&w);
    tb_trie_free(&trie);
    free(word);
}

/* ---- The cache ---- */

static void test_cache(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_word_cache cache = {0};
    uint64_t seed = 7;
    size_t hits = 0;
    assert_int_equal(tb_word_cache_begin(&cache, 1, &err), TIMBANG_OK);
    for (int i = 0; i < 200000; i++) {
        char word[TB_CACHED_BYTES + 1];
        memset(word, (int)below(&seed, 256), sizeof word); /* what lies behind the word must not matter */
        size_t number = below(&seed, 3000), length = 3 + number % (TB_CACHED_BYTES - 2), n = number % 9;
        for (size_t j = 0; j < length; j++)
            word[j] = (char)(number >> (j % 3 * 4));
        int32_t ids[9];
        uint32_t ends[9];
        for (size_t j = 0; j < n; j++) {
            ids[j] = (int32_t)(number * 16 + j);
            ends[j] = (uint32_t)(j + 1 == n ? length : j + 1);
        }
        tb_word_key key = tb_word_key_of(&cache, word, length);
        const tb_cached_word *found = tb_word_cache_find(&key);
        if (!found) {
            tb_word_cache_put(&key, ids, ends, n);
            assert_true((tb_word_cache_find(&key) != NULL) == (n <= TB_CACHED_PIECES));
            continue;
        }
        hits++;
        assert_int_equal(found->length, length);
        assert_int_equal(found->n, n);
        for (size_t j = 0; j < n; j++) {
            assert_int_equal(found->ids[j], ids[j]);
            assert_int_equal(j + 1 < n ? found->ends[j] : found->length, ends[j]);
        }
    }
    assert_true(hits > 100000);
    assert_int_equal(tb_word_cache_begin(&cache, 2, &err), TIMBANG_OK);
    tb_word_key key = tb_word_key_of(&cache, "aaaaaaaaaaaaaaaaaaaaaaaa", 1);
    assert_null(tb_word_cache_find(&key));
    tb_word_cache_free(&cache);
}

/* Working memory goes from one tokenizer to the next, also to one at the same place in memory, and from offsets to none
 * and back. */
static void test_reuse(void **state)
{
    (void)state;
    static const char *const files[2][3] = {
        {"vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nfilm\n##nya\n", NULL},
        {"vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n##nya\nfilm\n", NULL},
    };
    tb_error err = {0};
    tb_tokens tokens = {0};
    tb_text text = {0};
    for (int i = 0; i < 1500; i++)
        tb_text_puts(&text, "filmnya ");
    for (int round = 0; round < 6; round++) {
        int32_t film = round % 2 ? 6 : 5, nya = round % 2 ? 5 : 6;
        tb_tokenizer *tokenizer = NULL;
        assert_int_equal(help_load_memory(files[round % 2], &tokenizer, &err), TIMBANG_OK);
        for (int pass = 0; pass < 4; pass++) {
            tokens.ids_only = pass % 2 == 0;
            assert_int_equal(tb_tokenizer_encode(tokenizer, text.data, text.length, NULL, 0, 0, &tokens, &err),
                             TIMBANG_OK);
            assert_int_equal(tokens.n, 3002);
            for (size_t i = 1; i <= 3000; i++) {
                uint32_t begin = (uint32_t)(i - 1) / 2 * 8 + (i % 2 ? 0 : 4);
                assert_int_equal(tokens.ids[i], i % 2 ? film : nya);
                if (tokens.ids_only)
                    continue;
                assert_int_equal(tokens.byte_begin[i], begin);
                assert_int_equal(tokens.byte_end[i], begin + (i % 2 ? 4 : 3));
                assert_int_equal(tokens.char_begin[i], begin);
            }
        }
        tb_tokenizer_free(tokenizer);
    }
    tb_tokens_free(&tokens);
    tb_text_free(&text);
}

/* With working memory of its own, without a cache, and without offsets: the same ids. */
static void test_ids_only(void **state)
{
    (void)state;
    json_t *recipe = help_golden("random_recipe.json"), *golden = help_golden("cases.json"), *folder;
    const char *name;
    json_object_foreach(json_object_get(golden, "folders"), name, folder)
    {
        char path[256];
        snprintf(path, sizeof path, "tests/golden/text/folders/%s", name);
        tb_tokenizer *tokenizer = help_load(help_path("TIMBANG_SOURCE", path));
        tb_tokens all = {0}, only = {.ids_only = true};
        tb_text text = {0};
        for (size_t i = 0; i < 600; i++) {
            tb_error err = {0};
            tb_tokens fresh = {0};
            random_text(json_object_get(recipe, "pieces"), i, &text);
            assert_int_equal(tb_tokenizer_encode(tokenizer, text.data, text.length, NULL, 0, 64, &fresh, &err), 0);
            assert_int_equal(tb_tokenizer_encode(tokenizer, text.data, text.length, NULL, 0, 64, &all, &err), 0);
            assert_int_equal(tb_tokenizer_encode(tokenizer, text.data, text.length, NULL, 0, 64, &only, &err), 0);
            assert_int_equal(only.n, fresh.n);
            assert_int_equal(all.n, fresh.n);
            assert_int_equal(only.truncated, fresh.truncated);
            if (fresh.n) {
                assert_memory_equal(only.ids, fresh.ids, fresh.n * sizeof fresh.ids[0]);
                assert_memory_equal(only.type_ids, fresh.type_ids, fresh.n * sizeof fresh.ids[0]);
                assert_memory_equal(all.ids, fresh.ids, fresh.n * sizeof fresh.ids[0]);
                assert_memory_equal(all.byte_begin, fresh.byte_begin, fresh.n * sizeof fresh.byte_begin[0]);
                assert_memory_equal(all.char_end, fresh.char_end, fresh.n * sizeof fresh.char_end[0]);
            }
            assert_null(only.byte_begin);
            tb_tokens_free(&fresh);
        }
        tb_text_free(&text);
        tb_tokens_free(&all);
        tb_tokens_free(&only);
        tb_tokenizer_free(tokenizer);
    }
    json_decref(golden);
    json_decref(recipe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random), cmocka_unit_test(test_paper), cmocka_unit_test(test_hostile_vocabulary),
        cmocka_unit_test(test_cache),  cmocka_unit_test(test_reuse), cmocka_unit_test(test_ids_only),
    };
    return cmocka_run_group_tests_name("wordpiece", tests, NULL, NULL);
}
