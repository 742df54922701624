/* What the tests of texts, batches and masking share: a small tokenizer, a config that fits, sets of literal text.
 * Includes: data, text. Called by: tests/train. */
#ifndef TB_TEST_TRAIN_CORPUS_H
#define TB_TEST_TRAIN_CORPUS_H

#include "model/texts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PAD, UNK, CLS, SEP, MASK, FIRST_WORD }; /* then "a" .. "z" as words, "##a" .. "##z" as their pieces */

static inline int32_t letter(char c)
{
    return FIRST_WORD + (c - 'a');
}

static inline int32_t piece(char c)
{
    return FIRST_WORD + 26 + (c - 'a');
}

static inline tb_tokenizer *make_tokenizer(void)
{
    char vocab[512] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
    size_t n = strlen(vocab);
    for (char c = 'a'; c <= 'z'; c++)
        n += (size_t)snprintf(vocab + n, sizeof vocab - n, "%c\n", c);
    for (char c = 'a'; c <= 'z'; c++)
        n += (size_t)snprintf(vocab + n, sizeof vocab - n, "##%c\n", c);
    const tb_memory_file file = {"vocab.txt", vocab, n};
    tb_folder *folder = NULL;
    tb_tokenizer *tokenizer = NULL;
    tb_error err = {0};
    assert_int_equal(tb_folder_memory("memory", &file, 1, &folder, &err), TIMBANG_OK);
    if (tb_tokenizer_load(folder, &tokenizer, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    tb_folder_close(folder);
    return tokenizer;
}

static char *class_names[] = {(char *)(uintptr_t) "positive", (char *)(uintptr_t) "neutral",
                              (char *)(uintptr_t) "negative"};

static inline tb_config make_config(void)
{
    return (tb_config){.vocab_size = FIRST_WORD + 52,
                       .max_position_embeddings = 64,
                       .type_vocab_size = 2,
                       .n_labels = 3,
                       .labels = class_names};
}

static inline tb_dataset *make_dataset(const char *bytes)
{
    timbang_data_options options = {.struct_size = sizeof options, .path = "train.tsv", .header = 1};
    tb_dataset *dataset = NULL;
    tb_error err = {0};
    if (tb_dataset_parse(&options, bytes, strlen(bytes), NULL, &dataset, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    return dataset;
}

/* n texts of 1 to 20 letters with classes in turn; seed decides which. */
static inline tb_dataset *make_random_dataset(size_t n, uint32_t seed)
{
    char *bytes = calloc(n + 1, 64), *at = bytes;
    assert_non_null(bytes);
    at += sprintf(at, "text\tlabel\n");
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525U + 1013904223U;
        for (uint32_t j = 0, m = 1 + (seed >> 16) % 20; j < m; j++) {
            seed = seed * 1664525U + 1013904223U;
            at += sprintf(at, "%s%c", j ? " " : "", 'a' + (int)((seed >> 16) % 26));
        }
        at += sprintf(at, "\t%s\n", class_names[i % 3]);
    }
    tb_dataset *dataset = make_dataset(bytes);
    free(bytes);
    assert_int_equal(dataset->n, n);
    return dataset;
}

static inline tb_texts *make_texts(const tb_dataset *dataset, const tb_texts_options *options)
{
    tb_texts *texts = NULL;
    tb_error err = {0};
    if (tb_texts_of_dataset(dataset, options, &texts, &err) != TIMBANG_OK)
        fail_msg("%s", err.text);
    return texts;
}

#endif
