/* Fuzzes the readers of labelled data: any bytes, and options from the first of them. Build with clang:
 *   clang -fsanitize=fuzzer,address,undefined -Iinclude -Isrc tests/fuzz/fuzz_dataset.c LIBRARIES -ljansson
 * Includes: src/data. Called by: libFuzzer. SPDX-License-Identifier: Apache-2.0 */
#include "data/dataset.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void use(const tb_dataset *dataset, const timbang_data_options *options)
{
    static const char *const classes[] = {"positive", "neutral", "negative"};
    tb_error err = {0};
    tb_duplicates found;
    char *text = NULL;
    check(dataset->n > 0 && (options->limit == 0 || dataset->n <= options->limit));
    for (size_t i = 0; i < dataset->n; i++) {
        check(strlen(dataset->rows[i].text) == dataset->rows[i].text_length);
        check((dataset->rows[i].label != NULL) == dataset->has_labels);
        check((dataset->rows[i].pair != NULL) == (options->pair_column != NULL));
        check(dataset->rows[i].line > (i == 0 ? 0 : dataset->rows[i - 1].line));
    }
    check(tb_dataset_duplicates(dataset, NULL, &found, &err) == TIMBANG_OK && found.exact <= found.normalized);
    check(tb_json_compact(dataset->facts, &text, &err) == TIMBANG_OK);
    free(text);
    int32_t *truth = calloc(dataset->n, sizeof *truth);
    check(truth != NULL);
    (void)tb_dataset_resolve(dataset, classes, 3, truth, &err);
    free(truth);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < 1)
        return 0;
    timbang_data_options options = {.struct_size = sizeof options, .path = "fuzz", .header = (bytes[0] & 3) % 3 - 1};
    options.label_column = bytes[0] & 4 ? "" : bytes[0] & 8 ? "2" : NULL;
    options.pair_column = bytes[0] & 16 ? "3" : NULL;
    options.limit = bytes[0] & 32 ? 3 : 0;
    options.label_map = bytes[0] & 64 ? "a=positive" : NULL;
    options.text_column = bytes[0] & 128 ? "text" : NULL;
    tb_dataset *dataset = NULL;
    tb_error err = {0};
    timbang_status status = tb_dataset_parse(&options, (const char *)bytes + 1, size - 1, NULL, &dataset, &err);
    check((status == TIMBANG_OK) == (dataset != NULL));
    if (status == TIMBANG_OK)
        use(dataset, &options);
    else
        check(err.text[0] != '\0' && strchr(err.text, '\n') == NULL && status != TIMBANG_INTERNAL);
    tb_dataset_free(dataset);
    return 0;
}
