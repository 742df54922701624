/* Tokenizers and encodings; the clean-up words. Includes: api/api.h, text. Called by: users of the library. */
#include "api/api.h"
#include "text/clean.h"

#include <stdlib.h>
#include <string.h>

timbang_status timbang_tokenizer_load(timbang_context *ctx, const char *path, timbang_tokenizer **out)
{
    tb_fp_state fp;
    TB_TRY(tb_api_enter(ctx, &fp));
    tb_error *err = &ctx->err;
    tb_folder *folder = NULL;
    timbang_status status = tb_api_folder(path, &folder, err);
    if (status != TIMBANG_OK)
        return tb_api_leave(ctx, fp, status);
    timbang_tokenizer *made = tb_calloc(1, sizeof *made, err);
    status = made ? tb_tokenizer_load(folder, &made->tokenizer, err) : err->status;
    tb_folder_close(folder);
    if (status == TIMBANG_OK)
        *out = made;
    else
        free(made);
    return tb_api_leave(ctx, fp, status);
}

void timbang_tokenizer_free(timbang_tokenizer *tokenizer)
{
    if (!tokenizer)
        return;
    tb_tokenizer_free(tokenizer->tokenizer);
    free(tokenizer);
}

const timbang_tokenizer *timbang_model_tokenizer(const timbang_model *model)
{
    return &model->tokenizer;
}

/* One block: the struct, then each array. */
static timbang_status make_encoding(const tb_tokenizer *tokenizer, const tb_tokens *tokens, timbang_encoding **out,
                                    tb_error *err)
{
    size_t n = tokens->n, word = sizeof(uint32_t), per_token = sizeof(char *) + 6 * word;
    char *block = tb_calloc(1, sizeof(timbang_encoding) + n * per_token, err);
    if (!block)
        return err->status;
    timbang_encoding *encoding = (timbang_encoding *)(void *)block;
    char *at = block + sizeof *encoding;
    encoding->n = n;
    encoding->truncated = tokens->truncated;
    encoding->tokens = (const char **)(void *)at;
    at += n * sizeof(char *);
    const void *from[6] = {tokens->ids,      tokens->type_ids,   tokens->byte_begin,
                           tokens->byte_end, tokens->char_begin, tokens->char_end};
    void *to[6];
    for (int i = 0; i < 6; i++, at += n * word) {
        to[i] = at;
        if (n)
            memcpy(at, from[i], n * word);
    }
    encoding->ids = to[0];
    encoding->type_ids = to[1];
    encoding->byte_begin = to[2];
    encoding->byte_end = to[3];
    encoding->char_begin = to[4];
    encoding->char_end = to[5];
    for (size_t i = 0; i < n; i++) {
        const char *token = tb_tokenizer_token(tokenizer, encoding->ids[i]);
        encoding->tokens[i] = token ? token : "";
    }
    *out = encoding;
    return TIMBANG_OK;
}

timbang_status timbang_tokenize(timbang_context *ctx, const timbang_tokenizer *tokenizer, const char *text,
                                const char *pair, size_t max_length, timbang_encoding **out)
{
    tb_fp_state fp;
    TB_TRY(tb_api_enter(ctx, &fp));
    tb_error *err = &ctx->err;
    if (!tokenizer || !text || !out)
        return tb_api_leave(ctx, fp, tb_fail(err, TIMBANG_USAGE, "timbang_tokenize: an argument is NULL"));
    tb_tokens tokens = {0};
    timbang_status status = tb_tokenizer_encode(tokenizer->tokenizer, text, strlen(text), pair, pair ? strlen(pair) : 0,
                                                max_length, &tokens, err);
    if (status == TIMBANG_OK)
        status = make_encoding(tokenizer->tokenizer, &tokens, out, err);
    tb_tokens_free(&tokens);
    return tb_api_leave(ctx, fp, status);
}

void timbang_encoding_free(timbang_encoding *encoding)
{
    free(encoding);
}

timbang_status timbang_clean_flags(timbang_context *ctx, const char *words, unsigned *flags)
{
    tb_fp_state fp;
    TB_TRY(tb_api_enter(ctx, &fp));
    unsigned found = 0;
    timbang_status status = tb_clean_parse(words ? words : "", &found, &ctx->err);
    if (status == TIMBANG_OK)
        *flags = found;
    return tb_api_leave(ctx, fp, status);
}
