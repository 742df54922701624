/* Malformed and foreign tokenizer files: each is refused with a sentence that names the file and what is wrong. */
#include "help.h"

#define VOCAB "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nfilm\n"
#define MODEL                                                                                                          \
    "\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\",\"continuing_subword_prefix\":\"##\","                  \
    "\"max_input_chars_per_word\":100,\"vocab\":{\"[UNK]\":0,\"[CLS]\":1,\"[SEP]\":2,\"film\":3}}"
#define FAST  "{\"tokenizer_class\":\"PreTrainedTokenizerFast\"}"
#define TOKEN "\"single_word\":false,\"lstrip\":false,\"rstrip\":false,\"normalized\":true,\"special\":false}"

struct bad {
    const char *files[7]; /* pairs of name and content */
    timbang_status status;
    const char *says[2]; /* both are in the message */
};

static const struct bad bad[] = {
    {{"README", "x"}, TIMBANG_NOT_FOUND, {"memory", "neither tokenizer.json nor vocab.txt"}},
    {{"vocab.txt", ""}, TIMBANG_FORMAT, {"vocab.txt", "empty"}},
    {{"vocab.txt", "film\n"}, TIMBANG_FORMAT, {"vocab.txt", "'[UNK]'"}},
    {{"vocab.txt", "[UNK]\nfi\xfflm\n"}, TIMBANG_FORMAT, {"vocab.txt", "UTF-8 at byte 8"}},
    {{"vocab.txt", VOCAB, "tokenizer_config.json", "{\"unk_token\":\"<unk>\"}"},
     TIMBANG_FORMAT,
     {"vocab.txt", "'<unk>'"}},
    {{"vocab.txt", VOCAB, "tokenizer_config.json", "[]"}, TIMBANG_FORMAT, {"tokenizer_config.json", "object"}},
    {{"vocab.txt", VOCAB, "tokenizer_config.json", "{\"a\":"}, TIMBANG_FORMAT, {"tokenizer_config.json", "line 1"}},
    {{"vocab.txt", VOCAB, "tokenizer_config.json", "{\"do_lower_case\":1}"},
     TIMBANG_FORMAT,
     {"tokenizer_config.json", "do_lower_case"}},
    {{"vocab.txt", VOCAB, "tokenizer_config.json", "{\"strip_accents\":\"no\"}"},
     TIMBANG_FORMAT,
     {"tokenizer_config.json", "strip_accents"}},
    {{"vocab.txt", VOCAB, "tokenizer_config.json", "{\"cls_token\":null}"},
     TIMBANG_FORMAT,
     {"tokenizer_config.json", "\"cls_token\" is null"}},
    {{"vocab.txt", VOCAB, "tokenizer_config.json", "{\"cls_token\":5}"},
     TIMBANG_FORMAT,
     {"tokenizer_config.json", "cls_token"}},
    {{"vocab.txt", VOCAB, "tokenizer_config.json", "{\"mask_token\":{\"x\":1}}"},
     TIMBANG_FORMAT,
     {"tokenizer_config.json", "\"content\""}},
    {{"vocab.txt", VOCAB, "tokenizer_config.json", "{\"truncation_side\":\"top\"}"},
     TIMBANG_FORMAT,
     {"tokenizer_config.json", "'top'"}},
    {{"vocab.txt", VOCAB, "tokenizer_config.json", "{\"tokenizer_class\":\"MPNetTokenizer\"}"},
     TIMBANG_UNSUPPORTED,
     {"tokenizer_config.json", "MPNetTokenizer"}},
    {{"vocab.txt", VOCAB, "tokenizer_config.json", "{\"added_tokens_decoder\":[]}"},
     TIMBANG_FORMAT,
     {"tokenizer_config.json", "added_tokens_decoder"}},
    {{"vocab.txt", VOCAB, "tokenizer_config.json", "{\"added_tokens_decoder\":{\"x\":{\"content\":\"y\"}}}"},
     TIMBANG_FORMAT,
     {"added_tokens_decoder", "'x'"}},
    {{"vocab.txt", VOCAB, "tokenizer_config.json", "{\"added_tokens_decoder\":{\"9\":\"y\"}}"},
     TIMBANG_FORMAT,
     {"tokenizer_config.json", "\"content\""}},
    {{"vocab.txt", VOCAB, "tokenizer_config.json", "{\"added_tokens_decoder\":{\"9\":{\"content\":\"\\u0301\"}}}"},
     TIMBANG_UNSUPPORTED,
     {"vocab.txt", "nothing is left"}},
    {{"vocab.txt", VOCAB, "added_tokens.json", "{\"x\":-1}"}, TIMBANG_FORMAT, {"added_tokens.json", "'x'"}},
    {{"vocab.txt", VOCAB, "special_tokens_map.json", "{\"cls_token\":[]}"},
     TIMBANG_FORMAT,
     {"special_tokens_map.json", "cls_token"}},
    {{"tokenizer.json", ""}, TIMBANG_FORMAT, {"tokenizer.json", "line 1"}},
    {{"tokenizer.json", "3"}, TIMBANG_FORMAT, {"tokenizer.json", "object"}},
    {{"tokenizer.json", "{}"}, TIMBANG_FORMAT, {"tokenizer.json", "\"model\" is missing"}},
    {{"tokenizer.json", "{\"model\":[]}"}, TIMBANG_FORMAT, {"tokenizer.json", "\"model\" must be an object"}},
    {{"tokenizer.json", "{\"model\":{\"type\":\"BPE\",\"vocab\":{}}}"}, TIMBANG_UNSUPPORTED, {"BPE", "only WordPiece"}},
    {{"tokenizer.json", "{\"model\":{\"type\":\"Unigram\",\"vocab\":[]}}"},
     TIMBANG_UNSUPPORTED,
     {"Unigram", "only WordPiece"}},
    {{"tokenizer.json", "{\"model\":{\"merges\":[],\"vocab\":{}}}"}, TIMBANG_UNSUPPORTED, {"BPE", "only WordPiece"}},
    {{"tokenizer.json", "{\"model\":{\"vocab\":[[\"a\",1]]}}"}, TIMBANG_UNSUPPORTED, {"Unigram", "only WordPiece"}},
    {{"tokenizer.json", "{\"model\":{\"type\":\"WordPiece\"}}"},
     TIMBANG_FORMAT,
     {"tokenizer.json", "\"vocab\" is missing"}},
    {{"tokenizer.json", "{\"model\":{\"type\":\"WordPiece\",\"vocab\":{}}}"},
     TIMBANG_FORMAT,
     {"tokenizer.json", "empty"}},
    {{"tokenizer.json", "{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"a\":-1}}}"},
     TIMBANG_FORMAT,
     {"'a'", "whole number"}},
    {{"tokenizer.json", "{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"a\":1.5}}}"},
     TIMBANG_FORMAT,
     {"'a'", "whole number"}},
    {{"tokenizer.json", "{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"a\":4294967295}}}"},
     TIMBANG_FORMAT,
     {"'a'", "16777215"}},
    {{"tokenizer.json", "{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"a\":1e30}}}"},
     TIMBANG_FORMAT,
     {"'a'", "whole number"}},
    {{"tokenizer.json", "{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"a\":1,\"b\":1}}}"},
     TIMBANG_FORMAT,
     {"'a' and 'b'", "share id 1"}},
    {{"tokenizer.json", "{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"a\":1}}}"},
     TIMBANG_FORMAT,
     {"tokenizer.json", "unk_token"}},
    {{"tokenizer.json", "{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"a\":1},\"unk_token\":\"b\",\"continuing_"
                        "subword_prefix\":\"##\",\"max_input_chars_per_word\":9}}"},
     TIMBANG_FORMAT,
     {"tokenizer.json", "no 'b'"}},
    {{"tokenizer.json", "{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"a\":1},\"unk_token\":\"a\",\"continuing_"
                        "subword_prefix\":\"##\",\"max_input_chars_per_word\":-9}}"},
     TIMBANG_FORMAT,
     {"tokenizer.json", "max_input_chars_per_word"}},
    {{"tokenizer.json", "{" MODEL ",\"normalizer\":{\"type\":\"NFKC\"}}"},
     TIMBANG_UNSUPPORTED,
     {"normalizer NFKC", "BertNormalizer"}},
    {{"tokenizer.json",
      "{" MODEL
      ",\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFD\"},{\"type\":\"Lowercase\"}]}}"},
     TIMBANG_UNSUPPORTED,
     {"normalizer Sequence", "BertNormalizer"}},
    {{"tokenizer.json", "{" MODEL ",\"normalizer\":{\"type\":\"BertNormalizer\"}}"},
     TIMBANG_FORMAT,
     {"tokenizer.json", "clean_text"}},
    {{"tokenizer.json", "{" MODEL ",\"pre_tokenizer\":{\"type\":\"Metaspace\"}}"},
     TIMBANG_UNSUPPORTED,
     {"pre-tokenizer Metaspace", "BertPreTokenizer"}},
    {{"tokenizer.json", "{" MODEL ",\"post_processor\":{\"type\":\"RobertaProcessing\"}}"},
     TIMBANG_UNSUPPORTED,
     {"post-processor RobertaProcessing", "BertProcessing"}},
    {{"tokenizer.json", "{" MODEL ",\"post_processor\":{\"type\":\"BertProcessing\"}}"},
     TIMBANG_FORMAT,
     {"tokenizer.json", "\"cls\""}},
    {{"tokenizer.json", "{" MODEL ",\"post_processor\":{\"type\":\"TemplateProcessing\"}}"},
     TIMBANG_FORMAT,
     {"tokenizer.json", "\"single\" is missing"}},
    {{"tokenizer.json", "{" MODEL ",\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{"
                        "\"id\":\"[CLS]\",\"type_id\":0}}],\"pair\":[]}}"},
     TIMBANG_FORMAT,
     {"'[CLS]'", "special_tokens"}},
    {{"tokenizer.json", "{" MODEL ",\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"Sequence\":{"
                        "\"id\":\"B\",\"type_id\":0}}],\"pair\":[]}}"},
     TIMBANG_UNSUPPORTED,
     {"sequence 'B'", "\"single\""}},
    {{"tokenizer.json", "{" MODEL ",\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[],\"pair\":[]}}"},
     TIMBANG_FORMAT,
     {"\"single\"", "leaves out"}},
    {{"tokenizer.json", "{" MODEL ",\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{}],\"pair\":[]}}"},
     TIMBANG_FORMAT,
     {"piece 0", "no id"}},
    {{"tokenizer.json", "{" MODEL ",\"added_tokens\":{}}"}, TIMBANG_FORMAT, {"tokenizer.json", "must be an array"}},
    {{"tokenizer.json", "{" MODEL ",\"added_tokens\":{}}", "config.json", "{\"model_type\":\"bert\"}"},
     TIMBANG_FORMAT,
     {"tokenizer.json", "must be an array"}},
    {{"tokenizer.json", "{" MODEL ",\"added_tokens\":[{\"content\":\"x\"}]}"},
     TIMBANG_FORMAT,
     {"tokenizer.json", "id is missing"}},
    {{"tokenizer.json", "{" MODEL ",\"added_tokens\":[{\"id\":7}]}"},
     TIMBANG_FORMAT,
     {"tokenizer.json", "\"content\""}},
    {{"tokenizer.json", "{" MODEL ",\"added_tokens\":[{\"id\":7,\"content\":\"\\u0000\\ud800\"}]}"},
     TIMBANG_FORMAT,
     {"tokenizer.json", "line 1"}},
    {{"tokenizer.json",
      "{" MODEL ",\"normalizer\":{\"type\":\"BertNormalizer\",\"clean_text\":true,\"handle_chinese_chars\":true,"
      "\"lowercase\":true,\"strip_accents\":null},\"added_tokens\":[{\"id\":7,\"content\":\"\\u0301\"," TOKEN "]}",
      "tokenizer_config.json", FAST},
     TIMBANG_UNSUPPORTED,
     {"tokenizer.json", "nothing is left"}},
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        tb_error err = {0};
        tb_tokenizer *tokenizer = NULL;
        timbang_status status = help_load_memory(bad[i].files, &tokenizer, &err);
        if (status != bad[i].status || tokenizer || !strstr(err.text, bad[i].says[0]) ||
            !strstr(err.text, bad[i].says[1]))
            fail_msg("case %zu (%s): status %d, \"%s\"", i, bad[i].files[bad[i].files[2] ? 3 : 1], status, err.text);
    }
}

static void check_ids(const char *const *files, const char *text, size_t length, const int32_t *ids, size_t n)
{
    tb_error err = {0};
    tb_tokens tokens = {0};
    tb_tokenizer *tokenizer = NULL;
    if (help_load_memory(files, &tokenizer, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    assert_int_equal(tb_tokenizer_encode(tokenizer, text, length, NULL, 0, 0, &tokens, &err), TIMBANG_OK);
    assert_int_equal(tokens.n, n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(tokens.ids[i], ids[i]);
    tb_tokens_free(&tokens);
    tb_tokenizer_free(tokenizer);
}

/* What is odd but read. */
static void test_accepted(void **state)
{
    (void)state;
    /* Repeated tokens: the last line counts. */
    check_ids((const char *const[]){"vocab.txt", "[UNK]\nfilm\n[CLS]\n[SEP]\nfilm\n", NULL}, "film", 4,
              (int32_t[]){2, 4, 3}, 3);
    check_ids((const char *const[]){"tokenizer.json",
                                    "{\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"u\",\"vocab\":{\"a\":1,\"u\":0,"
                                    "\"a\":5},\"continuing_subword_prefix\":\"##\",\"max_input_chars_per_word\":9}}",
                                    NULL},
              "a", 1, (int32_t[]){5}, 1);
    /* No type, no added tokens, huge numbers, \u0000 in keys and values. */
    check_ids(
        (const char *const[]){"tokenizer.json",
                              "{\"version\":\"1.0\",\"model\":{\"unk_token\":\"u\",\"vocab\":{\"a\\u0000\":1,\"u\":0,"
                              "\"\\u0000##\":2},\"continuing_subword_prefix\":\"##\\u0000\","
                              "\"max_input_chars_per_word\":1e15}}",
                              "tokenizer_config.json",
                              "{\"model_max_length\":1000000000000000019884624838656,\"x\\u0000\":\"\\u0000\"}", NULL},
        "a\0", 2, (int32_t[]){1}, 1);
    /* The class of config.json makes a BERT tokenizer of the same file. */
    check_ids((const char *const[]){"tokenizer.json", "{" MODEL ",\"added_tokens\":[]}", "config.json",
                                    "{\"model_type\":\"bert\"}", NULL},
              "FILM", 4, (int32_t[]){1, 3, 2}, 3);
    check_ids((const char *const[]){"tokenizer.json", "{" MODEL ",\"added_tokens\":[]}", NULL}, "FILM", 4,
              (int32_t[]){0}, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_refused), cmocka_unit_test(test_accepted)};
    return cmocka_run_group_tests_name("tokenizer settings", tests, NULL, NULL);
}
