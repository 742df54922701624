/* Predictions: texts or token ids in, logits and probabilities out, on the context's threads and scratch memory.
 * Includes: api/api.h, model, eval (softmax, argmax). Called by: users of the library. */
#include "api/api.h"
#include "base/text.h"
#include "eval/metrics.h"

#include <stdlib.h>
#include <string.h>

enum {
    CLEAN_ALL = TIMBANG_CLEAN_LOWER | TIMBANG_CLEAN_SPACES | TIMBANG_CLEAN_URLS | TIMBANG_CLEAN_MENTIONS |
                TIMBANG_CLEAN_LETTERS | TIMBANG_CLEAN_STOPWORDS
};

struct timbang_result {
    size_t n, n_labels;
    float *logits; /* [n][n_labels] */
    double *probs; /* [n][n_labels] */
    size_t *label; /* [n] */
    uint32_t *tokens;
    uint8_t *truncated, *empty;
};

timbang_status tb_api_check_predict(const timbang_predict_options *options, const timbang_model *model, tb_error *err)
{
    if (options->clean & ~(unsigned)CLEAN_ALL)
        return tb_fail(err, TIMBANG_USAGE, "clean: 0x%x has bits that mean nothing", options->clean);
    size_t positions = model ? timbang_model_max_length(model) : SIZE_MAX;
    if (options->max_length > positions)
        return tb_fail(err, TIMBANG_USAGE, "max_length: %zu tokens are more than the model's %zu positions",
                       options->max_length, positions);
    if (options->max_length == 1)
        return tb_fail(err, TIMBANG_USAGE, "max_length: 1 token leaves no room for the two special tokens");
    return TIMBANG_OK;
}

void timbang_result_free(timbang_result *result)
{
    if (!result)
        return;
    free(result->logits);
    free(result->probs);
    free(result->label);
    free(result->tokens);
    free(result->truncated);
    free(result->empty);
    free(result);
}

static timbang_status make_result(size_t n, size_t n_labels, timbang_result **out, tb_error *err)
{
    size_t cells;
    if (!tb_mul_size(n, n_labels, &cells))
        return tb_no_memory(err, SIZE_MAX);
    timbang_result *r = tb_calloc(1, sizeof *r, err);
    if (!r)
        return err->status;
    r->n = n;
    r->n_labels = n_labels;
    if (!(r->logits = tb_calloc(cells, sizeof *r->logits, err)) ||
        !(r->probs = tb_calloc(cells, sizeof *r->probs, err)) || !(r->label = tb_calloc(n, sizeof *r->label, err)) ||
        !(r->tokens = tb_calloc(n, sizeof *r->tokens, err)) || !(r->truncated = tb_calloc(n, 1, err)) ||
        !(r->empty = tb_calloc(n, 1, err))) {
        timbang_result_free(r);
        return err->status;
    }
    *out = r;
    return TIMBANG_OK;
}

static timbang_status check_texts(const char *const *texts, const char *const *pairs, size_t n, tb_text_ref *refs,
                                  tb_error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (!texts[i])
            return tb_fail(err, TIMBANG_USAGE, "text %zu is NULL", i + 1);
        refs[i] = (tb_text_ref){texts[i], strlen(texts[i]), pairs ? pairs[i] : NULL};
        size_t bad = tb_utf8_invalid_at(refs[i].text, refs[i].length);
        const char *which = "text";
        if (bad == SIZE_MAX && refs[i].pair) {
            bad = tb_utf8_invalid_at(refs[i].pair, strlen(refs[i].pair));
            which = "second text of pair";
        }
        if (bad != SIZE_MAX)
            return tb_fail(err, TIMBANG_DATA, "%s %zu is not valid UTF-8 at byte %zu", which, i + 1, bad);
    }
    return TIMBANG_OK;
}

static void warn(const timbang_context *ctx, const timbang_result *r)
{
    size_t empty = 0, truncated = 0;
    for (size_t i = 0; i < r->n; i++) {
        empty += r->empty[i] != 0;
        truncated += r->truncated[i] != 0;
    }
    if (empty)
        tb_log(&ctx->hooks, TIMBANG_LOG_WARNING, "%zu of %zu texts %s empty (no token but the special ones)", empty,
               r->n, empty == 1 ? "is" : "are");
    if (truncated)
        tb_log(&ctx->hooks, TIMBANG_LOG_WARNING, "%zu of %zu texts %s longer than max_length and truncated", truncated,
               r->n, truncated == 1 ? "was" : "were");
}

/* What follows from the logits. */
static void finish_text(timbang_result *r, size_t i)
{
    tb_softmax_double(r->logits + i * r->n_labels, r->n_labels, r->probs + i * r->n_labels);
    r->label[i] = tb_argmax_f32(r->logits + i * r->n_labels, r->n_labels);
}

static timbang_status run(timbang_context *ctx, const timbang_model *model, const tb_text_ref *refs,
                          const timbang_predict_options *options, timbang_result *r)
{
    tb_error *err = &ctx->err;
    if (!ctx->workspace)
        TB_TRY(tb_workspace_create(ctx->pool, &ctx->workspace, err));
    const tb_run_options how = {
        .max_length = options->max_length,
        .batch = options->batch,
        .clean = options->clean,
        .hooks = &ctx->hooks,
        .stage = "classifying",
    };
    const tb_run_facts facts = {.tokens = r->tokens, .truncated = r->truncated, .empty = r->empty};
    TB_TRY(tb_classifier_run(model->classifier, ctx->workspace, refs, r->n, &how, r->logits, &facts, err));
    for (size_t i = 0; i < r->n; i++)
        finish_text(r, i);
    warn(ctx, r);
    return TIMBANG_OK;
}

static timbang_status predict(timbang_context *ctx, const timbang_model *model, const char *const *texts,
                              const char *const *pairs, size_t n, const timbang_predict_options *given,
                              timbang_result **out)
{
    tb_error *err = &ctx->err;
    if (!model || !out || (n && !texts))
        return tb_fail(err, TIMBANG_USAGE, "timbang_predict: an argument is NULL");
    timbang_predict_options options;
    timbang_predict_options_init(&options);
    TB_TRY(tb_api_options(given, &options, sizeof options, "timbang_predict_options", err));
    TB_TRY(tb_api_check_predict(&options, model, err));
    tb_text_ref *refs = tb_calloc(n, sizeof *refs, err);
    if (!refs)
        return err->status;
    timbang_result *result = NULL;
    timbang_status status = check_texts(texts, pairs, n, refs, err);
    if (status == TIMBANG_OK)
        status = make_result(n, timbang_model_n_labels(model), &result, err);
    if (status == TIMBANG_OK && n)
        status = run(ctx, model, refs, &options, result);
    free(refs);
    if (status == TIMBANG_OK)
        *out = result;
    else
        timbang_result_free(result);
    return status;
}

timbang_status timbang_predict(timbang_context *ctx, const timbang_model *model, const char *const *texts,
                               const char *const *pairs, size_t n, const timbang_predict_options *options,
                               timbang_result **result)
{
    tb_fp_state fp;
    TB_TRY(tb_api_enter(ctx, &fp));
    return tb_api_leave(ctx, fp, predict(ctx, model, texts, pairs, n, options, result));
}

/* ---- Token ids ---- */

/* Lengths, ids and types are checked by the pass; here only what reads memory. */
static timbang_status check_offsets(const size_t *offsets, size_t n, size_t positions, tb_error *err)
{
    if (offsets[0] != 0)
        return tb_fail(err, TIMBANG_USAGE, "offsets: the first text begins at %zu, not 0", offsets[0]);
    for (size_t i = 0; i < n; i++)
        if (offsets[i + 1] <= offsets[i] || offsets[i + 1] - offsets[i] > positions)
            return tb_fail(err, TIMBANG_USAGE,
                           "offsets: text %zu goes from %zu to %zu; a text of this model has 1 to %zu tokens", i + 1,
                           offsets[i], offsets[i + 1], positions);
    return TIMBANG_OK;
}

static timbang_status run_ids(timbang_context *ctx, const timbang_model *model, const tb_batch *batch,
                              timbang_result *r)
{
    tb_error *err = &ctx->err;
    TB_TRY(tb_check_cancel(&ctx->hooks, err));
    if (!ctx->workspace)
        TB_TRY(tb_workspace_create(ctx->pool, &ctx->workspace, err));
    TB_TRY(tb_classifier_forward(model->classifier, ctx->workspace, batch, r->logits, err));
    for (size_t i = 0; i < r->n; i++) {
        r->tokens[i] = (uint32_t)(batch->cu_seqlens[i + 1] - batch->cu_seqlens[i]);
        finish_text(r, i);
    }
    return TIMBANG_OK;
}

static timbang_status predict_ids(timbang_context *ctx, const timbang_model *model, const int32_t *ids,
                                  const int32_t *type_ids, const size_t *offsets, size_t n, timbang_result **out)
{
    tb_error *err = &ctx->err;
    if (!model || !out || (n && (!ids || !offsets)))
        return tb_fail(err, TIMBANG_USAGE, "timbang_predict_ids: an argument is NULL");
    if (n)
        TB_TRY(check_offsets(offsets, n, timbang_model_max_length(model), err));
    timbang_result *result = NULL;
    int32_t *zeros = NULL;
    TB_TRY(make_result(n, timbang_model_n_labels(model), &result, err));
    timbang_status status = TIMBANG_OK;
    if (n && !type_ids && !(type_ids = zeros = tb_calloc(offsets[n], sizeof *zeros, err)))
        status = err->status;
    if (status == TIMBANG_OK && n) {
        const tb_batch batch = {n, offsets[n], ids, type_ids, offsets};
        status = run_ids(ctx, model, &batch, result);
    }
    free(zeros);
    if (status == TIMBANG_OK)
        *out = result;
    else
        timbang_result_free(result);
    return status;
}

timbang_status timbang_predict_ids(timbang_context *ctx, const timbang_model *model, const int32_t *ids,
                                   const int32_t *type_ids, const size_t *offsets, size_t n, timbang_result **result)
{
    tb_fp_state fp;
    TB_TRY(tb_api_enter(ctx, &fp));
    return tb_api_leave(ctx, fp, predict_ids(ctx, model, ids, type_ids, offsets, n, result));
}

/* ---- Results ---- */

size_t timbang_result_n(const timbang_result *result)
{
    return result->n;
}

const float *timbang_result_logits(const timbang_result *result, size_t i)
{
    return i < result->n ? result->logits + i * result->n_labels : NULL;
}

const double *timbang_result_probs(const timbang_result *result, size_t i)
{
    return i < result->n ? result->probs + i * result->n_labels : NULL;
}

size_t timbang_result_label(const timbang_result *result, size_t i)
{
    return i < result->n ? result->label[i] : 0;
}

size_t timbang_result_tokens(const timbang_result *result, size_t i)
{
    return i < result->n ? result->tokens[i] : 0;
}

int timbang_result_truncated(const timbang_result *result, size_t i)
{
    return i < result->n && result->truncated[i];
}

int timbang_result_empty(const timbang_result *result, size_t i)
{
    return i < result->n && result->empty[i];
}
