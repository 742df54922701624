/* SPDX-License-Identifier: Apache-2.0
 * libFuzzer target for the tokenizer: hostile tokenizer files, and hostile texts.
 *
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -Iinclude -Isrc \
 *       tests/fuzz/fuzz_tokenizer.c src/text/[a-z]*.c src/base/[a-z]*.c -ljansson -lpthread -o fuzz_tokenizer
 *
 * The first byte chooses: 0 tokenizer.json; 1 vocab.txt; 2 tokenizer_config.json beside a vocabulary;
 * 3 special_tokens_map.json; else the bytes are a text and a pair for a fixed tokenizer with many added tokens. */
#include "text/clean.h"
#include "text/tokenizer.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char vocab[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n##a\ne\n##\xcc\x81\nfilm\n##nya\n";
static const char fixed[] =
    "{\"do_lower_case\":true,\"added_tokens_decoder\":{\"20\":{\"content\":\"<x>\",\"lstrip\":true,\"rstrip\":true},"
    "\"21\":{\"content\":\"aa\",\"single_word\":true,\"normalized\":true},\"22\":{\"content\":\"  \"},"
    "\"23\":{\"content\":\"<l>\",\"lstrip\":true,\"normalized\":false},\"24\":{\"content\":\"[MASK]\",\"special\":true}"
    "}}";

static void require(int truth)
{
    if (!truth)
        __builtin_trap();
}

static void check(const tb_tokens *tokens, size_t length, size_t pair_length, size_t most)
{
    size_t longest = length > pair_length ? length : pair_length;
    require(most == 0 || tokens->n <= most);
    for (size_t i = 0; i < tokens->n; i++) {
        require(tokens->ids[i] >= 0);
        require(tokens->byte_begin[i] <= longest && tokens->byte_end[i] <= longest);
        require(tokens->char_begin[i] <= tokens->byte_begin[i] && tokens->char_end[i] <= tokens->byte_end[i]);
    }
}

static void encode(const tb_tokenizer *tokenizer, const char *text, size_t length, const char *pair, size_t pair_length)
{
    static const size_t lengths[] = {0, 8, 512};
    tb_tokens tokens = {0};
    tb_error err = {0};
    for (size_t i = 0; i < 3; i++) {
        if (tb_tokenizer_encode(tokenizer, text, length, NULL, 0, lengths[i], &tokens, &err) == TIMBANG_OK)
            check(&tokens, length, 0, lengths[i]);
        if (tb_tokenizer_encode(tokenizer, text, length, pair, pair_length, lengths[i], &tokens, &err) == TIMBANG_OK)
            check(&tokens, length, pair_length, lengths[i]);
    }
    tb_tokens_free(&tokens);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"tokenizer.json", "vocab.txt", "tokenizer_config.json",
                                        "special_tokens_map.json"};
    static const char sample[] = "Film [MASK] <x> e\xcc\x81 filmnya aaa \xe4\xb8\xad";
    if (size < 1)
        return 0;
    const char *rest = (const char *)data + 1;
    size_t length = size - 1;
    bool is_text = data[0] > 3;
    tb_memory_file files[] = {{"vocab.txt", vocab, sizeof vocab - 1},
                              {"tokenizer_config.json", fixed, sizeof fixed - 1}};
    size_t n_files = is_text ? 2 : 1;
    if (data[0] == 0 || data[0] == 1)
        files[0] = (tb_memory_file){names[data[0]], rest, length};
    else if (!is_text)
        files[n_files++] = (tb_memory_file){names[data[0]], rest, length};

    tb_error err = {0};
    tb_folder *folder = NULL;
    tb_tokenizer *tokenizer = NULL;
    if (tb_folder_memory("fuzz", files, n_files, &folder, &err) == TIMBANG_OK &&
        tb_tokenizer_load(folder, &tokenizer, &err) == TIMBANG_OK) {
        if (is_text)
            encode(tokenizer, rest, length / 2, rest + length / 2, length - length / 2);
        else
            encode(tokenizer, sample, sizeof sample - 1, "a [SEP]", 7);
    }
    if (is_text) {
        tb_text cleaned = {0};
        (void)tb_clean(data[0] & 63, rest, length, &cleaned, &err);
        tb_text_free(&cleaned);
    }
    tb_tokenizer_free(tokenizer);
    tb_folder_close(folder);
    return 0;
}
