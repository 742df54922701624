/* Texts to one block of tokens. Includes: model/texts.h, model/window.h. Called by: quant, train. */
#include "model/texts.h"

#include "base/text.h"
#include "data/columns.h"
#include "data/reading.h"
#include "model/window.h"

#include <stdlib.h>
#include <string.h>

enum {
    WINDOW = 4096, /* texts tokenized at a time */
    DEFAULT_LENGTH = 512
};

#define MAX_FILE_BYTES ((uint64_t)1 << 32)

/* ---- Special tokens ---- */

bool tb_special_is(const tb_special *special, int32_t id)
{
    for (size_t i = 0; i < special->n; i++)
        if (special->ids[i] == id)
            return true;
    return false;
}

static timbang_status add_special(tb_special *special, int32_t id, tb_error *err)
{
    if (id < 0 || tb_special_is(special, id))
        return TIMBANG_OK;
    if (special->n == TB_SPECIAL_IDS)
        return tb_fail(err, TIMBANG_UNSUPPORTED, "the tokenizer's template adds more than %d different special tokens",
                       TB_SPECIAL_IDS);
    special->ids[special->n++] = id;
    return TIMBANG_OK;
}

timbang_status tb_special_find(const tb_tokenizer *tokenizer, tb_special *special, tb_error *err)
{
    tb_tokens tokens = {.ids_only = true};
    special->n = 0;
    timbang_status status = tb_tokenizer_encode(tokenizer, "", 0, NULL, 0, 0, &tokens, err);
    for (size_t i = 0; i < tokens.n && status == TIMBANG_OK; i++)
        status = add_special(special, tokens.ids[i], err);
    tb_tokens_free(&tokens);
    TB_TRY(status);
    TB_TRY(add_special(special, tb_tokenizer_pad_id(tokenizer), err));
    TB_TRY(add_special(special, tb_tokenizer_unk_id(tokenizer), err));
    return add_special(special, tb_tokenizer_mask_id(tokenizer), err);
}

/* ---- Growing ---- */

struct maker {
    const tb_texts_options *options;
    size_t max_length;
    tb_texts *texts;
    size_t tokens_capacity, texts_capacity;
    tb_window window;
    tb_text_ref *refs; /* [n_refs] */
    size_t n_refs, refs_capacity;
    int32_t *ids, *types; /* [capacity] of one text */
    size_t capacity;
    size_t before, after; /* special tokens of the template around a text */
    tb_special special;
};

static timbang_status maker_make(struct maker *maker, const tb_texts_options *options, tb_error *err)
{
    size_t positions = options->config->max_position_embeddings;
    size_t length = options->max_length ? options->max_length : DEFAULT_LENGTH;
    if (options->max_length > positions)
        return tb_fail(err, TIMBANG_USAGE, "--max-length %zu is more than the %zu positions of the model",
                       options->max_length, positions);
    *maker = (struct maker){.options = options, .max_length = length < positions ? length : positions};
    maker->texts = tb_calloc(1, sizeof *maker->texts, err);
    maker->texts_capacity = maker->texts ? 1024 : 0;
    if (maker->texts)
        maker->texts->begin = tb_calloc(maker->texts_capacity + 1, sizeof maker->texts->begin[0], err);
    return maker->texts && maker->texts->begin ? TIMBANG_OK : err->status;
}

/* Everything but the texts. */
static void maker_free(struct maker *maker)
{
    tb_window_free(&maker->window);
    free(maker->refs);
    free(maker->ids);
    free(maker->types);
}

static timbang_status finish(struct maker *maker, timbang_status status, tb_texts **texts)
{
    maker_free(maker);
    if (status == TIMBANG_OK)
        *texts = maker->texts;
    else
        tb_token_texts_free(maker->texts);
    return status;
}

void tb_token_texts_free(tb_texts *texts)
{
    if (!texts)
        return;
    free(texts->ids);
    free(texts->types);
    free(texts->begin);
    free(texts->truth);
    free(texts);
}

static timbang_status grow_tokens(struct maker *maker, size_t n, tb_error *err)
{
    tb_texts *texts = maker->texts;
    size_t need, capacity, old = maker->tokens_capacity;
    if (!tb_add_size(texts->n_tokens, n, &need) || !tb_add_size(need, need / 2, &capacity))
        return tb_no_memory(err, SIZE_MAX);
    if (need <= old)
        return TIMBANG_OK;
    TB_TRY(tb_grow((void **)&texts->ids, capacity, sizeof texts->ids[0], err));
    if (texts->types) {
        TB_TRY(tb_grow((void **)&texts->types, capacity, sizeof texts->types[0], err));
        memset(texts->types + old, 0, capacity - old);
    }
    maker->tokens_capacity = capacity;
    return TIMBANG_OK;
}

/* The first text with a type other than 0 makes the array of types. */
static timbang_status put_types(struct maker *maker, const int32_t *types, size_t n, tb_error *err)
{
    tb_texts *texts = maker->texts;
    size_t limit = maker->options->config->type_vocab_size;
    for (size_t i = 0; i < n; i++) {
        if (types[i] == 0)
            continue;
        if (types[i] < 0 || (size_t)types[i] >= limit || types[i] > UINT8_MAX)
            return tb_fail(err, TIMBANG_DATA, "the tokenizer gives the token type %d, the model has types below %zu",
                           types[i], limit);
        if (!texts->types && !(texts->types = tb_calloc(maker->tokens_capacity, sizeof texts->types[0], err)))
            return err->status;
        texts->types[texts->n_tokens + i] = (uint8_t)types[i];
    }
    return TIMBANG_OK;
}

static timbang_status put_tokens(struct maker *maker, const int32_t *ids, const int32_t *types, size_t n, tb_error *err)
{
    tb_texts *texts = maker->texts;
    size_t vocab = maker->options->config->vocab_size;
    TB_TRY(grow_tokens(maker, n, err));
    for (size_t i = 0; i < n; i++)
        if (ids[i] < 0 || (size_t)ids[i] >= vocab)
            return tb_fail(err, TIMBANG_DATA,
                           "the tokenizer gives the id %d, the model has %zu word embeddings: they do not belong "
                           "together",
                           ids[i], vocab);
    memcpy(texts->ids + texts->n_tokens, ids, n * sizeof *ids);
    TB_TRY(put_types(maker, types, n, err));
    texts->n_tokens += n;
    return TIMBANG_OK;
}

static timbang_status end_text(struct maker *maker, tb_error *err)
{
    tb_texts *texts = maker->texts;
    if (texts->n == maker->texts_capacity) {
        size_t capacity = maker->texts_capacity * 2;
        TB_TRY(tb_grow((void **)&texts->begin, capacity + 1, sizeof texts->begin[0], err));
        maker->texts_capacity = capacity;
    }
    texts->n++;
    texts->begin[texts->n] = texts->n_tokens;
    size_t length = tb_texts_length(texts, texts->n - 1);
    texts->longest = length > texts->longest ? length : texts->longest;
    return TIMBANG_OK;
}

/* ---- Tokenizing ---- */

/* Text i of the window at hand into ids and types, its length in *n. */
static timbang_status fetch(struct maker *maker, size_t i, size_t *n, tb_error *err)
{
    *n = tb_window_length(&maker->window, i);
    if (*n > maker->capacity) {
        size_t capacity = *n * 2;
        TB_TRY(tb_grow((void **)&maker->ids, capacity, sizeof maker->ids[0], err));
        TB_TRY(tb_grow((void **)&maker->types, capacity, sizeof maker->types[0], err));
        maker->capacity = capacity;
    }
    tb_window_copy(&maker->window, i, maker->ids, maker->types);
    return TIMBANG_OK;
}

typedef timbang_status take_fn(struct maker *maker, size_t n, tb_error *err);

/* Tokenizes all refs, a window at a time, and hands each text to `take`. */
static timbang_status tokenize(struct maker *maker, size_t max_length, const tb_run_facts *facts, take_fn *take,
                               tb_error *err)
{
    const tb_texts_options *o = maker->options;
    size_t n = maker->n_refs, capacity = n < WINDOW ? n : WINDOW;
    TB_TRY(tb_window_make(&maker->window, capacity, o->pool, err));
    for (size_t first = 0, count; first < n; first += count) {
        count = n - first < WINDOW ? n - first : WINDOW;
        TB_TRY(tb_check_cancel(o->hooks, err));
        TB_TRY(tb_window_tokenize(&maker->window, o->tokenizer, o->pool, maker->refs, first, count, o->clean,
                                  max_length, facts, err));
        for (size_t i = 0, length; i < count; i++) {
            TB_TRY(fetch(maker, i, &length, err));
            TB_TRY(take(maker, length, err));
        }
        tb_progress(o->hooks, o->stage ? o->stage : "tokenizing", first + count, n);
    }
    return TIMBANG_OK;
}

/* ---- Rows of a data set ---- */

static timbang_status take_row(struct maker *maker, size_t n, tb_error *err)
{
    TB_TRY(put_tokens(maker, maker->ids, maker->types, n, err));
    return end_text(maker, err);
}

static timbang_status resolve(const tb_dataset *dataset, const tb_texts_options *options, tb_texts *texts,
                              tb_error *err)
{
    const tb_config *config = options->config;
    if (dataset->n == 0)
        return tb_fail(err, TIMBANG_DATA, "%s: there is no row%s", dataset->name,
                       options->training ? " to train on" : "");
    if (!dataset->has_labels && !options->training) /* unlabelled rows of a table, for masked language modelling */
        return TIMBANG_OK;
    texts->truth = tb_calloc(dataset->n, sizeof texts->truth[0], err);
    if (!texts->truth)
        return err->status;
    TB_TRY(tb_dataset_resolve(dataset, (const char *const *)config->labels, config->n_labels, texts->truth, err));
    if (!options->training)
        return TIMBANG_OK;
    for (size_t i = 1; i < dataset->n; i++)
        if (texts->truth[i] != texts->truth[0])
            return TIMBANG_OK;
    char shown[72];
    const char *label = config->labels[texts->truth[0]];
    return tb_fail(err, TIMBANG_DATA,
                   "%s: all %zu rows have the label '%s'; training needs rows of at least two different labels",
                   dataset->name, dataset->n, tb_data_shown(label, strlen(label), shown));
}

static timbang_status tokenize_rows(struct maker *maker, const tb_dataset *dataset, tb_error *err)
{
    size_t n = dataset->n;
    maker->n_refs = n;
    maker->refs = tb_calloc(n, sizeof maker->refs[0], err);
    uint8_t *truncated = maker->refs ? tb_calloc(n, 1, err) : NULL;
    if (!truncated)
        return err->status;
    for (size_t i = 0; i < n; i++)
        maker->refs[i] = (tb_text_ref){dataset->rows[i].text, dataset->rows[i].text_length, dataset->rows[i].pair};
    tb_run_facts facts = {.truncated = truncated};
    timbang_status status = tokenize(maker, maker->max_length, &facts, take_row, err);
    for (size_t i = 0; i < n; i++)
        maker->texts->shortened += truncated[i];
    free(truncated);
    return status == TIMBANG_OK ? TIMBANG_OK : tb_fail_prefix(err, "%s", dataset->name);
}

timbang_status tb_texts_of_dataset(const tb_dataset *dataset, const tb_texts_options *options, tb_texts **texts,
                                   tb_error *err)
{
    struct maker maker = {0};
    timbang_status status = maker_make(&maker, options, err);
    if (status == TIMBANG_OK)
        status = resolve(dataset, options, maker.texts, err);
    if (status == TIMBANG_OK)
        status = tokenize_rows(&maker, dataset, err);
    return finish(&maker, status, texts);
}

/* ---- Lines of files ---- */

/* How the template's tokens are split around a text: what an empty text and a short one begin with alike. */
static timbang_status find_template(struct maker *maker, tb_error *err)
{
    const tb_tokenizer *tokenizer = maker->options->tokenizer;
    tb_tokens empty = {.ids_only = true}, some = {.ids_only = true};
    timbang_status status = tb_tokenizer_encode(tokenizer, "", 0, NULL, 0, 0, &empty, err);
    if (status == TIMBANG_OK)
        status = tb_tokenizer_encode(tokenizer, "a", 1, NULL, 0, 0, &some, err);
    size_t n = empty.n, before = 0;
    while (status == TIMBANG_OK && before < n && empty.ids[before] == some.ids[before])
        before++;
    tb_tokens_free(&empty);
    tb_tokens_free(&some);
    TB_TRY(status);
    maker->before = before;
    maker->after = n - before;
    if (maker->max_length <= n)
        return tb_fail(err, TIMBANG_USAGE, "--max-length %zu leaves no room beside the %zu special tokens of a text",
                       maker->max_length, n);
    return tb_special_find(tokenizer, &maker->special, err);
}

/* The template around the tokens [begin, end) of the text at hand, as a text of its own. */
static timbang_status put_piece(struct maker *maker, size_t n, size_t begin, size_t end, tb_error *err)
{
    size_t tail = n - maker->after;
    TB_TRY(put_tokens(maker, maker->ids, maker->types, maker->before, err));
    TB_TRY(put_tokens(maker, maker->ids + begin, maker->types + begin, end - begin, err));
    TB_TRY(put_tokens(maker, maker->ids + tail, maker->types + tail, maker->after, err));
    return end_text(maker, err);
}

static bool says_something(const struct maker *maker, size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++)
        if (!tb_special_is(&maker->special, maker->ids[i]))
            return true;
    return false;
}

static timbang_status take_line(struct maker *maker, size_t n, tb_error *err)
{
    size_t around = maker->before + maker->after, room = maker->max_length - around;
    size_t body = n - around, pieces = (body + room - 1) / room;
    bool any = false;
    for (size_t i = 0; i < pieces; i++) {
        /* body / pieces * i + body % pieces * i / pieces: the share without a product of two large numbers */
        size_t begin = maker->before + body / pieces * i + body % pieces * i / pieces;
        size_t end = maker->before + body / pieces * (i + 1) + body % pieces * (i + 1) / pieces;
        if (!says_something(maker, begin, end))
            continue;
        TB_TRY(put_piece(maker, n, begin, end, err));
        any = true;
    }
    maker->texts->shortened += any && pieces > 1;
    maker->texts->passed_over += !any;
    return TIMBANG_OK;
}

/* A ref for each line that is not blank. */
static timbang_status split_lines(struct maker *maker, const char *bytes, size_t size, tb_error *err)
{
    maker->n_refs = 0;
    for (const char *at = bytes, *end = bytes + size; at < end;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at)), *line = at;
        size_t length = (size_t)((newline ? newline : end) - at);
        at = newline ? newline + 1 : end;
        tb_trim(&line, &length);
        if (length == 0)
            continue;
        if (maker->n_refs == maker->refs_capacity) {
            size_t capacity = maker->refs_capacity ? maker->refs_capacity * 2 : 1024;
            TB_TRY(tb_grow((void **)&maker->refs, capacity, sizeof maker->refs[0], err));
            maker->refs_capacity = capacity;
        }
        maker->refs[maker->n_refs++] = (tb_text_ref){line, length, NULL};
    }
    return TIMBANG_OK;
}

static timbang_status take_file(struct maker *maker, const char *path, tb_error *err)
{
    char *bytes = NULL;
    size_t size = 0;
    TB_TRY(tb_read_file(path, MAX_FILE_BYTES, &bytes, &size, err));
    size_t mark = size >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    timbang_status status = tb_data_check_bytes(path, bytes, size, err);
    if (status == TIMBANG_OK)
        status = split_lines(maker, bytes + mark, size - mark, err);
    if (status == TIMBANG_OK) {
        status = tokenize(maker, 0, NULL, take_line, err);
        tb_window_free(&maker->window);
        if (status != TIMBANG_OK)
            tb_fail_prefix(err, "%s", path);
    }
    free(bytes);
    return status;
}

timbang_status tb_texts_of_files(const char *const *paths, size_t n_paths, const tb_texts_options *options,
                                 tb_texts **texts, tb_error *err)
{
    struct maker maker = {0};
    timbang_status status = maker_make(&maker, options, err);
    if (status == TIMBANG_OK)
        status = find_template(&maker, err);
    for (size_t i = 0; i < n_paths && status == TIMBANG_OK; i++)
        status = take_file(&maker, paths[i], err);
    if (status == TIMBANG_OK && maker.texts->n == 0)
        status = tb_fail(err, TIMBANG_DATA, "%s%s: no line has a word that the tokenizer knows",
                         n_paths > 0 ? paths[0] : "no file", n_paths > 1 ? " and the other files" : "");
    return finish(&maker, status, texts);
}
