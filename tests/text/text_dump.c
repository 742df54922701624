/* Tokenizes what it reads, for tests/oracle/text_parity.py: text_dump DIR MAX_LENGTH < texts > tokens.
 * In: for each text its length (u32), its bytes, the length of the pair (u32, all ones: none), its bytes.
 * Out: for each the number of tokens (i32), then arrays of i32: ids, type ids, character begins and ends, byte begins
 * and ends. All little-endian. */
#include "text/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_block(char **bytes, size_t *capacity, size_t *size)
{
    uint32_t n;
    if (fread(&n, sizeof n, 1, stdin) != 1)
        return -1;
    *size = n;
    if (n == UINT32_MAX)
        return 0;
    if ((size_t)n + 1 > *capacity) {
        char *grown = realloc(*bytes, (size_t)n + 1);
        if (!grown)
            return -1;
        *bytes = grown;
        *capacity = (size_t)n + 1;
    }
    return fread(*bytes, 1, n, stdin) == n ? 0 : -1;
}

static void write_all(const void *values, size_t n)
{
    fwrite(values, 4, n, stdout);
}

int main(int argc, char **argv)
{
    tb_error err = {0};
    tb_folder *folder = NULL;
    tb_tokenizer *tokenizer = NULL;
    if (argc != 3)
        return 2;
    timbang_status status = tb_folder_open(argv[1], &folder, &err);
    if (status == TIMBANG_OK)
        status = tb_tokenizer_load(folder, &tokenizer, &err);
    tb_tokens tokens = {0};
    char *text = NULL, *pair = NULL;
    size_t text_capacity = 0, pair_capacity = 0, length, pair_length;
    while (status == TIMBANG_OK && read_block(&text, &text_capacity, &length) == 0 &&
           read_block(&pair, &pair_capacity, &pair_length) == 0) {
        bool has_pair = pair_length != UINT32_MAX;
        status = tb_tokenizer_encode(tokenizer, text, length, has_pair ? pair : NULL, has_pair ? pair_length : 0,
                                     (size_t)strtoul(argv[2], NULL, 10), &tokens, &err);
        if (status != TIMBANG_OK)
            break;
        int32_t n = (int32_t)tokens.n;
        write_all(&n, 1);
        write_all(tokens.ids, tokens.n);
        write_all(tokens.type_ids, tokens.n);
        write_all(tokens.char_begin, tokens.n);
        write_all(tokens.char_end, tokens.n);
        write_all(tokens.byte_begin, tokens.n);
        write_all(tokens.byte_end, tokens.n);
    }
    if (status != TIMBANG_OK)
        fprintf(stderr, "%s\n", err.text);
    free(text);
    free(pair);
    tb_tokens_free(&tokens);
    tb_tokenizer_free(tokenizer);
    tb_folder_close(folder);
    return status == TIMBANG_OK ? 0 : 1;
}
