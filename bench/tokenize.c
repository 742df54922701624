/* SPDX-License-Identifier: Apache-2.0
 * Speed of the tokenizer on the lines of a file, one thread. Includes: base, text.
 * Usage: bench_tokenize DIR FILE [--offsets]             prints megabytes and texts a second
 *        bench_tokenize DIR FILE [--offsets] --serve     one pass for each line on standard input; prints the processor
 *                                                        time of the pass in seconds (for bench/tokenizer_peer.py)
 *        bench_tokenize DIR FILE --ids                   writes each line's number of ids and ids, 32-bit integers */
#include "text/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MIN_PASSES = 5, MIN_SECONDS = 1, SHORT_CALLS = 20000 };

struct lines {
    char *bytes;
    size_t size, n;
    const char **text;
    size_t *length;
};

static double thread_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static timbang_status read_lines(const char *path, struct lines *lines, tb_error *err)
{
    TB_TRY(tb_read_file(path, 0, &lines->bytes, &lines->size, err));
    size_t most = 1;
    for (size_t i = 0; i < lines->size; i++)
        most += lines->bytes[i] == '\n';
    lines->text = tb_calloc(most, sizeof lines->text[0], err);
    lines->length = lines->text ? tb_calloc(most, sizeof lines->length[0], err) : NULL;
    if (!lines->length)
        return err->status;
    for (size_t at = 0; at < lines->size;) {
        const char *begin = lines->bytes + at, *end = memchr(begin, '\n', lines->size - at);
        size_t length = end ? (size_t)(end - begin) : lines->size - at;
        lines->text[lines->n] = begin;
        lines->length[lines->n++] = length;
        at += length + 1;
    }
    return TIMBANG_OK;
}

/* Encodes every line; writes the ids where asked for. */
static timbang_status encode_all(const tb_tokenizer *tokenizer, const struct lines *lines, tb_tokens *tokens, FILE *ids,
                                 tb_error *err)
{
    for (size_t i = 0; i < lines->n; i++) {
        TB_TRY(tb_tokenizer_encode(tokenizer, lines->text[i], lines->length[i], NULL, 0, 0, tokens, err));
        if (!ids)
            continue;
        uint32_t n = (uint32_t)tokens->n;
        if (fwrite(&n, sizeof n, 1, ids) != 1 || fwrite(tokens->ids, sizeof tokens->ids[0], n, ids) != n)
            return tb_fail(err, TIMBANG_IO, "the ids could not be written");
    }
    return TIMBANG_OK;
}

static timbang_status serve(const tb_tokenizer *tokenizer, const struct lines *lines, tb_tokens *tokens, tb_error *err)
{
    char command[64];
    while (fgets(command, sizeof command, stdin)) {
        double start = thread_seconds();
        TB_TRY(encode_all(tokenizer, lines, tokens, NULL, err));
        printf("%.9f\n", thread_seconds() - start);
        fflush(stdout);
    }
    return TIMBANG_OK;
}

/* What the first line costs in a call of its own, working memory included: how a single text is classified. */
static timbang_status time_short(const tb_tokenizer *tokenizer, const struct lines *lines, bool ids_only, tb_error *err)
{
    double start = thread_seconds();
    for (int i = 0; i < SHORT_CALLS; i++) {
        size_t line = (size_t)i % lines->n;
        tb_tokens tokens = {0};
        tokens.ids_only = ids_only;
        timbang_status status =
            tb_tokenizer_encode(tokenizer, lines->text[line], lines->length[line], NULL, 0, 512, &tokens, err);
        tb_tokens_free(&tokens);
        TB_TRY(status);
    }
    printf("%.2f us a line with working memory of its own\n", (thread_seconds() - start) / SHORT_CALLS * 1e6);
    return TIMBANG_OK;
}

static timbang_status time_passes(const tb_tokenizer *tokenizer, const struct lines *lines, tb_tokens *tokens,
                                  tb_error *err)
{
    double best = 0, all = 0;
    for (int pass = 0; pass < MIN_PASSES || all < MIN_SECONDS; pass++) {
        double start = thread_seconds();
        TB_TRY(encode_all(tokenizer, lines, tokens, NULL, err));
        double spent = thread_seconds() - start;
        all += spent;
        best = pass == 0 || spent < best ? spent : best;
    }
    printf("%.1f MB/s, %.2f us a line\n", (double)lines->size / best * 1e-6, best / (double)lines->n * 1e6);
    return TIMBANG_OK;
}

int main(int argc, char **argv)
{
    bool offsets = false, want_serve = false, want_ids = false;
    for (int i = 3; i < argc; i++) {
        offsets = offsets || strcmp(argv[i], "--offsets") == 0;
        want_serve = want_serve || strcmp(argv[i], "--serve") == 0;
        want_ids = want_ids || strcmp(argv[i], "--ids") == 0;
    }
    if (argc < 3) {
        fprintf(stderr, "usage: bench_tokenize DIR FILE [--offsets] [--serve | --ids]\n");
        return 2;
    }
    tb_error err = {0};
    tb_folder *folder = NULL;
    tb_tokenizer *tokenizer = NULL;
    struct lines lines = {0};
    tb_tokens tokens = {0};
    double start = thread_seconds();
    timbang_status status = tb_folder_open(argv[1], &folder, &err);
    if (status == TIMBANG_OK)
        status = tb_tokenizer_load(folder, &tokenizer, &err);
    double loaded = thread_seconds() - start;
    tokens.ids_only = !offsets;
    if (status == TIMBANG_OK)
        status = read_lines(argv[2], &lines, &err);
    if (status == TIMBANG_OK && want_ids)
        status = encode_all(tokenizer, &lines, &tokens, stdout, &err);
    else if (status == TIMBANG_OK && want_serve)
        status = serve(tokenizer, &lines, &tokens, &err);
    else if (status == TIMBANG_OK && lines.n > 0) {
        printf("%.2f ms to load; %zu lines, %zu bytes\n", loaded * 1e3, lines.n, lines.size);
        status = time_passes(tokenizer, &lines, &tokens, &err);
        if (status == TIMBANG_OK)
            status = time_short(tokenizer, &lines, !offsets, &err);
    }
    if (status != TIMBANG_OK)
        fprintf(stderr, "%s\n", err.text);
    tb_tokens_free(&tokens);
    free(lines.text);
    free(lines.length);
    free(lines.bytes);
    tb_tokenizer_free(tokenizer);
    tb_folder_close(folder);
    return status == TIMBANG_OK ? 0 : 1;
}
