/* Tokenized texts: rows as the tokenizer gives them, long lines in pieces without a lost token, sentences for bad
 * input, and failing allocations in turn. Linked with --wrap for the allocating functions. */
#include "corpus.h"

#include "text/clean.h"

#include <unistd.h>

static size_t allocations, fail_at = SIZE_MAX;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *block, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

void *__wrap_malloc(size_t size)
{
    return allocations++ == fail_at ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return allocations++ == fail_at ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    return allocations++ == fail_at ? NULL : __real_realloc(block, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return allocations++ == fail_at ? NULL : __real_aligned_alloc(alignment, size);
}

struct room {
    tb_tokenizer *tokenizer;
    tb_config config;
    char folder[64];
};

static int setup(void **state)
{
    struct room *room = calloc(1, sizeof *room);
    assert_non_null(room);
    room->tokenizer = make_tokenizer();
    room->config = make_config();
    strcpy(room->folder, "/tmp/timbang-texts-XXXXXX");
    assert_non_null(mkdtemp(room->folder));
    *state = room;
    return 0;
}

static int teardown(void **state)
{
    struct room *room = *state;
    tb_error err;
    tb_tokenizer_free(room->tokenizer);
    tb_remove_tree(room->folder, &err);
    free(room);
    return 0;
}

static tb_texts_options options_of(const struct room *room, size_t max_length)
{
    return (tb_texts_options){
        .config = &room->config, .tokenizer = room->tokenizer, .max_length = max_length, .training = true};
}

static void expect_text(const tb_texts *texts, size_t i, const int32_t *ids, size_t n)
{
    assert_true(i < texts->n);
    assert_int_equal(tb_texts_length(texts, i), n);
    assert_memory_equal(texts->ids + texts->begin[i], ids, n * sizeof *ids);
}

static void test_rows(void **state)
{
    const struct room *room = *state;
    tb_dataset *dataset = make_dataset("text\tlabel\nab c\tnegative\n\tpositive\na b c d e f g\tNeutral\nz?\t0\n");
    tb_texts_options options = options_of(room, 6);
    tb_texts *texts = make_texts(dataset, &options);
    const int32_t first[] = {CLS, letter('a'), piece('b'), letter('c'), SEP}, second[] = {CLS, SEP};
    const int32_t third[] = {CLS, letter('a'), letter('b'), letter('c'), letter('d'), SEP};
    const int32_t fourth[] = {CLS, letter('z'), UNK, SEP}, truth[] = {2, 0, 1, 0};
    assert_int_equal(texts->n, 4);
    expect_text(texts, 0, first, 5);
    expect_text(texts, 1, second, 2);
    expect_text(texts, 2, third, 6);
    expect_text(texts, 3, fourth, 4);
    assert_memory_equal(texts->truth, truth, sizeof truth);
    assert_int_equal(texts->n_tokens, 17);
    assert_int_equal(texts->longest, 6);
    assert_int_equal(texts->shortened, 1);
    assert_null(texts->types);
    tb_token_texts_free(texts);
    options.clean = TIMBANG_CLEAN_LETTERS;
    texts = make_texts(dataset, &options);
    assert_int_equal(tb_texts_length(texts, 3), 3); /* without the question mark */
    tb_token_texts_free(texts);
    tb_dataset_free(dataset);
}

static void test_pairs(void **state)
{
    const struct room *room = *state;
    timbang_data_options data = {.struct_size = sizeof data, .path = "p.tsv", .header = 1, .pair_column = "other"};
    static const char bytes[] = "text\tother\tlabel\na\tb c\tpositive\nb\t\tneutral\n";
    tb_dataset *dataset = NULL;
    tb_error err = {0};
    assert_int_equal(tb_dataset_parse(&data, bytes, sizeof bytes - 1, NULL, &dataset, &err), TIMBANG_OK);
    tb_texts_options options = options_of(room, 0);
    tb_texts *texts = make_texts(dataset, &options);
    const int32_t ids[] = {CLS, letter('a'), SEP, letter('b'), letter('c'), SEP};
    const uint8_t types[] = {0, 0, 0, 1, 1, 1, 0, 0, 0, 1};
    expect_text(texts, 0, ids, 6);
    assert_int_equal(texts->n_tokens, sizeof types);
    assert_memory_equal(texts->types, types, sizeof types);
    tb_token_texts_free(texts);
    struct room other = *room;
    other.config.type_vocab_size = 1;
    options = options_of(&other, 0);
    assert_int_equal(tb_texts_of_dataset(dataset, &options, &texts, &err), TIMBANG_DATA);
    assert_string_equal(err.text, "p.tsv: the tokenizer gives the token type 1, the model has types below 1");
    tb_dataset_free(dataset);
}

/* The array of types begins late and grows: what it does not set is 0. */
static void test_many_pairs(void **state)
{
    enum { ROWS = 3000 };
    const struct room *room = *state;
    timbang_data_options data = {.struct_size = sizeof data, .path = "p.tsv", .header = 1, .pair_column = "other"};
    char *bytes = calloc(ROWS + 1, 32), *at = bytes;
    tb_dataset *dataset = NULL;
    tb_error err = {0};
    assert_non_null(bytes);
    at += sprintf(at, "text\tother\tlabel\n");
    for (size_t i = 0; i < ROWS; i++)
        at += sprintf(at, "a b c d e\t%s\tpositive\n", i % 50 == 49 ? "x y z" : "");
    assert_int_equal(tb_dataset_parse(&data, bytes, strlen(bytes), NULL, &dataset, &err), TIMBANG_OK);
    for (size_t i = 0; i < dataset->n; i++) /* an empty pair is a pair all the same; here it shall be none */
        dataset->rows[i].pair = i % 50 == 49 ? dataset->rows[i].pair : NULL;
    tb_texts_options options = options_of(room, 0);
    options.training = false;
    tb_texts *texts = make_texts(dataset, &options);
    assert_int_equal(texts->n, ROWS);
    for (size_t i = 0; i < texts->n; i++)
        for (size_t j = 0; j < tb_texts_length(texts, i); j++)
            assert_int_equal(texts->types[texts->begin[i] + j], i % 50 == 49 && j >= 7);
    tb_token_texts_free(texts);
    tb_dataset_free(dataset);
    free(bytes);
}

/* Thousands of texts over several windows: as one by one, for any number of threads. */
static void test_many(void **state)
{
    const struct room *room = *state;
    tb_dataset *dataset = make_random_dataset(9001, 1);
    tb_tokens tokens = {.ids_only = true};
    for (int threads = 1; threads <= 3; threads++) {
        tb_error err = {0};
        tb_pool *pool = NULL;
        assert_int_equal(tb_pool_create(threads, &pool, &err), TIMBANG_OK);
        tb_texts_options options = options_of(room, 12);
        options.pool = pool;
        tb_texts *texts = make_texts(dataset, &options);
        size_t shortened = 0;
        assert_int_equal(texts->n, dataset->n);
        for (size_t i = 0; i < texts->n; i++) {
            const tb_row *row = &dataset->rows[i];
            assert_int_equal(
                tb_tokenizer_encode(room->tokenizer, row->text, row->text_length, NULL, 0, 12, &tokens, &err),
                TIMBANG_OK);
            expect_text(texts, i, tokens.ids, tokens.n);
            assert_int_equal(texts->truth[i], i % 3);
            shortened += tokens.truncated;
        }
        assert_true(shortened > 1000 && shortened == texts->shortened);
        assert_int_equal(texts->begin[texts->n], texts->n_tokens);
        tb_token_texts_free(texts);
        tb_pool_free(pool);
    }
    tb_tokens_free(&tokens);
    tb_dataset_free(dataset);
}

static void expect_failure(const char *bytes, const tb_texts_options *options, timbang_status wanted, const char *says)
{
    tb_dataset *dataset = make_dataset(bytes);
    tb_texts *texts = NULL;
    tb_error err = {0};
    assert_int_equal(tb_texts_of_dataset(dataset, options, &texts, &err), wanted);
    assert_null(texts);
    assert_string_equal(err.text, says);
    tb_dataset_free(dataset);
}

static void test_bad_rows(void **state)
{
    const struct room *room = *state;
    tb_texts_options options = options_of(room, 16);
    expect_failure(
        "text\tlabel\na\tpositive\nb\tpositif\n", &options, TIMBANG_DATA,
        "train.tsv: row 3: label 'positif' is not one of positive, neutral, negative (map it with --label-map "
        "positif=..., or drop such rows with --drop-labels)");
    expect_failure("text\tlabel\na\tneutral\nb\tneutral\nc\tNEUTRAL\n", &options, TIMBANG_DATA,
                   "train.tsv: all 3 rows have the label 'neutral'; training needs rows of at least two different "
                   "labels");
    options.max_length = 65;
    expect_failure("text\tlabel\na\tneutral\nb\tpositive\n", &options, TIMBANG_USAGE,
                   "--max-length 65 is more than the 64 positions of the model");
    struct room small = *room;
    small.config.vocab_size = (size_t)letter('c');
    options = options_of(&small, 16);
    expect_failure("text\tlabel\nab\tneutral\nc\tpositive\n", &options, TIMBANG_DATA,
                   "train.tsv: the tokenizer gives the id 32, the model has 7 word embeddings: they do not belong "
                   "together");
    options = options_of(room, 16);
    options.training = false; /* to measure on, one class will do */
    tb_dataset *dataset = make_dataset("text\tlabel\na\tneutral\nb\tneutral\n");
    tb_texts *texts = make_texts(dataset, &options);
    assert_int_equal(texts->n, 2);
    tb_token_texts_free(texts);
    tb_error err = {0};
    dataset->n = 0;
    options.training = true;
    assert_int_equal(tb_texts_of_dataset(dataset, &options, &texts, &err), TIMBANG_DATA);
    assert_string_equal(err.text, "train.tsv: there is no row to train on");
    tb_dataset_free(dataset);
}

static char *write_lines(const struct room *room, const char *name, const char *bytes, size_t size)
{
    tb_error err;
    char *path = tb_path_join(room->folder, name, &err);
    assert_non_null(path);
    FILE *file = fopen(path, "wb"); /* tb_write_file would wait for the disk each time */
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    return path;
}

static void test_lines(void **state)
{
    const struct room *room = *state;
    static const char one[] = "\xEF\xBB\xBF"
                              "a b\r\n\n   \n? ?\na b c d e f g h i j k l\n",
                      two[] = "xy";
    char *paths[] = {write_lines(room, "one.txt", one, sizeof one - 1), write_lines(room, "two.txt", two, 2)};
    tb_texts_options options = options_of(room, 7);
    tb_texts *texts = NULL;
    tb_error err = {0};
    if (tb_texts_of_files((const char *const *)paths, 2, &options, &texts, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    const int32_t first[] = {CLS, letter('a'), letter('b'), SEP}, last[] = {CLS, letter('x'), piece('y'), SEP};
    assert_int_equal(texts->n, 5); /* twelve letters in three pieces of four */
    expect_text(texts, 0, first, 4);
    for (size_t i = 0; i < 3; i++) {
        int32_t ids[6] = {CLS};
        for (size_t j = 0; j < 4; j++)
            ids[j + 1] = letter((char)('a' + (int)(4 * i + j)));
        ids[5] = SEP;
        expect_text(texts, 1 + i, ids, 6);
    }
    expect_text(texts, 4, last, 4);
    assert_null(texts->truth);
    assert_int_equal(texts->shortened, 1);
    assert_int_equal(texts->passed_over, 1); /* unknown words alone */
    tb_token_texts_free(texts);
    free(paths[0]);
    free(paths[1]);
}

/* Whatever the lengths: pieces fit, differ by one token at most, and hold every token in its order. */
static void test_pieces(void **state)
{
    const struct room *room = *state;
    char line[512] = "";
    for (size_t n = 1; n <= 200; n++) {
        line[2 * (n - 1)] = (char)('a' + (int)(n * 7 % 26));
        line[2 * n - 1] = ' ';
        char *path = write_lines(room, "line.txt", line, 2 * n);
        for (size_t max_length = 3; max_length <= 64; max_length += n % 5 + 1) {
            tb_texts_options options = options_of(room, max_length);
            tb_texts *texts = NULL;
            tb_error err = {0};
            assert_int_equal(tb_texts_of_files((const char *const *)&path, 1, &options, &texts, &err), TIMBANG_OK);
            size_t at = 0, shortest = SIZE_MAX, pieces = (n + max_length - 3) / (max_length - 2);
            assert_int_equal(texts->n, pieces);
            for (size_t i = 0; i < texts->n; i++) {
                const int32_t *ids = texts->ids + texts->begin[i];
                size_t length = tb_texts_length(texts, i);
                assert_true(length <= max_length && ids[0] == CLS && ids[length - 1] == SEP);
                for (size_t j = 1; j + 1 < length; j++, at++)
                    assert_int_equal(ids[j], letter(line[2 * at]));
                shortest = length < shortest ? length : shortest;
            }
            assert_int_equal(at, n);
            assert_true(texts->longest - shortest <= 1);
            tb_token_texts_free(texts);
        }
        free(path);
    }
}

static void test_bad_lines(void **state)
{
    const struct room *room = *state;
    static const struct {
        const char *bytes;
        size_t size, max_length;
        timbang_status status;
        const char *says;
    } cases[] = {{"", 0, 16, TIMBANG_FORMAT, ": the file is empty"},
                 {"a\nb\xff", 4, 16, TIMBANG_DATA, "bad.txt: row 2: byte 0xFF at offset 3 is not valid UTF-8"},
                 {"a\0b", 3, 16, TIMBANG_FORMAT, "NUL byte"},
                 {"? ! ?\n", 6, 16, TIMBANG_DATA, "no line has a word that the tokenizer knows"},
                 {"a b", 3, 2, TIMBANG_USAGE, "--max-length 2 leaves no room beside the 2 special tokens"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *path = write_lines(room, "bad.txt", cases[i].bytes, cases[i].size);
        tb_texts_options options = options_of(room, cases[i].max_length);
        tb_texts *texts = NULL;
        tb_error err = {0};
        assert_int_equal(tb_texts_of_files((const char *const *)&path, 1, &options, &texts, &err), cases[i].status);
        if (!strstr(err.text, cases[i].says))
            fail_msg("\"%s\" does not say \"%s\"", err.text, cases[i].says);
        free(path);
    }
    const char *missing = "/nonexistent/lines.txt";
    tb_texts_options options = options_of(room, 16);
    tb_texts *texts = NULL;
    tb_error err = {0};
    assert_int_equal(tb_texts_of_files(&missing, 1, &options, &texts, &err), TIMBANG_NOT_FOUND);
    assert_non_null(strstr(err.text, missing));
}

/* Every allocation fails once: an error, nothing left behind (the leak sanitizer sees it), no crash. */
static void test_no_memory(void **state)
{
    const struct room *room = *state;
    tb_dataset *dataset = make_random_dataset(50, 3);
    static const char lines[] = "a b c d e f g h i j k l m n o p q r s t u v w x y z\na\nb\n";
    char *path = write_lines(room, "lines.txt", lines, sizeof lines - 1);
    tb_texts_options options = options_of(room, 9);
    for (int of_files = 0; of_files < 2; of_files++) {
        size_t failures = 0;
        for (timbang_status status = TIMBANG_NO_MEMORY; status != TIMBANG_OK; failures++) {
            tb_texts *texts = NULL;
            tb_error err = {0};
            allocations = 0;
            fail_at = failures;
            status = of_files ? tb_texts_of_files((const char *const *)&path, 1, &options, &texts, &err)
                              : tb_texts_of_dataset(dataset, &options, &texts, &err);
            fail_at = SIZE_MAX;
            if (status == TIMBANG_OK)
                tb_token_texts_free(texts);
            else
                assert_true(texts == NULL && status == TIMBANG_NO_MEMORY && err.text[0]);
            assert_true(failures < 10000);
        }
        assert_true(failures > 10);
    }
    free(path);
    tb_dataset_free(dataset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),   cmocka_unit_test(test_pairs),     cmocka_unit_test(test_many_pairs),
        cmocka_unit_test(test_many),   cmocka_unit_test(test_bad_rows),  cmocka_unit_test(test_lines),
        cmocka_unit_test(test_pieces), cmocka_unit_test(test_bad_lines), cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
