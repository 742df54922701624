/* timbang tokenize: texts to token ids, without weights. Includes: cli.h. Called by: main.c. */
#include "cli.h"

#include <string.h>

enum { DEFAULT_MAX_LENGTH = 512 };

static void put_numbers(buffer *out, const char *name, const int32_t *values, size_t n)
{
    put_format(out, ", \"%s\": [", name);
    for (size_t i = 0; i < n; i++)
        put_format(out, i ? ", %d" : "%d", (int)values[i]);
    put(out, "]");
}

static void put_json(buffer *out, const char *text, const char *pair, const timbang_encoding *e)
{
    put(out, "{\"text\": ");
    put_json_text(out, text);
    if (pair) {
        put(out, ", \"text_pair\": ");
        put_json_text(out, pair);
    }
    put_numbers(out, "ids", e->ids, e->n);
    put(out, ", \"tokens\": [");
    for (size_t i = 0; i < e->n; i++) {
        put(out, i ? ", " : "");
        put_json_text(out, e->tokens[i]);
    }
    put(out, "], \"offsets\": [");
    for (size_t i = 0; i < e->n; i++)
        put_format(out, i ? ", [%u, %u]" : "[%u, %u]", (unsigned)e->char_begin[i], (unsigned)e->char_end[i]);
    put(out, "]");
    if (pair)
        put_numbers(out, "type_ids", e->type_ids, e->n);
    if (e->truncated)
        put(out, ", \"truncated\": true");
    put(out, "}");
}

/* A line a token: id, token, offsets. */
static void put_rows(buffer *out, const char *text, const timbang_encoding *e)
{
    table t;
    if (!table_start(&t, 3)) {
        out->failed = true;
        return;
    }
    table_align_right(&t, 0);
    for (size_t i = 0; i < e->n; i++) {
        table_add_format(&t, "%d", (int)e->ids[i]);
        table_add(&t, e->tokens[i]);
        table_add_format(&t, "%u-%u", (unsigned)e->char_begin[i], (unsigned)e->char_end[i]);
    }
    put_clipped(out, text, (size_t)output_width());
    put_format(out, "\n%zu tokens%s\n", e->n, e->truncated ? ", truncated" : "");
    table_write(&t, out, 0);
    table_free(&t);
}

static void put_encoding(buffer *out, const char *text, const char *pair, const timbang_encoding *e, result_format how,
                         bool first, bool last)
{
    bool array = how == FORMAT_JSON && !(first && last);
    if (how == FORMAT_TEXT) {
        put(out, first ? "" : "\n");
        put_rows(out, text, e);
        return;
    }
    put(out, array ? (first ? "[\n " : ",\n ") : "");
    put_json(out, text, pair, e);
    if (how == FORMAT_JSONL)
        put(out, "\n");
    else if (last)
        put(out, array ? "\n]\n" : "\n");
}

static int tokenize_all(cli *app, const timbang_tokenizer *tokenizer, const texts *t, result_format how)
{
    enum { WRITE_BYTES = 1 << 20 };
    size_t max_length = (size_t)number_or(app, OPT_MAX_LENGTH, DEFAULT_MAX_LENGTH);
    if (how == FORMAT_JSON && t->n == 0)
        put(&app->out, "[]\n");
    for (size_t i = 0; i < t->n; i++) {
        const char *pair = t->pair ? t->pair[i] : NULL;
        timbang_encoding *encoding = NULL;
        timbang_status status = signal_received()
                                    ? TIMBANG_CANCELLED
                                    : timbang_tokenize(app->ctx, tokenizer, t->text[i], pair, max_length, &encoding);
        if (status != TIMBANG_OK)
            return library_error(app, status);
        put_encoding(&app->out, t->text[i], pair, encoding, how, i == 0, i + 1 == t->n);
        timbang_encoding_free(encoding);
        int code = app->out.length > WRITE_BYTES ? emit(app, true) : EXIT_OK;
        if (code != EXIT_OK)
            return code;
        terminal_progress(&app->term, "tokenizing", i + 1, t->n);
    }
    return emit(app, false);
}

int run_tokenize(cli *app)
{
    result_format how;
    texts t = {0};
    const char *path = NULL;
    timbang_tokenizer *tokenizer = NULL;
    int code = output_format(app, false, &how);
    if (code == EXIT_OK)
        code = one_model(app, false, &path);
    if (code == EXIT_OK)
        code = read_texts(app, &t);
    if (code == EXIT_OK) {
        timbang_status status = timbang_tokenizer_load(app->ctx, path, &tokenizer);
        code = status == TIMBANG_OK ? tokenize_all(app, tokenizer, &t, how) : library_error(app, status);
    }
    timbang_tokenizer_free(tokenizer);
    free_texts(&t);
    return code;
}
