/* Figures on the validation data. Includes: train/validation.h, eval, model. Called by: train. */
#include "train/validation.h"

#include "base/clock.h"
#include "eval/metrics.h"
#include "model/loss.h"
#include "train/batches.h"
#include "train/masking.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 256, MLM_BATCH = 32, MASK_SEED = 42 };

struct tb_validation {
    const tb_train_job *job;
    const tb_recipe *recipe;
    const tb_inputs *inputs;
    tb_hooks quiet; /* cancel, but no progress of its own */
    tb_partial partial;
    /* labelled */
    tb_workspace *workspace;
    float *logits;
    size_t n_logits;
    /* plain text */
    tb_batches *batches;
    tb_masking masking;
    tb_masked masked;
};

timbang_status tb_validation_create(const tb_train_job *job, const tb_recipe *recipe, const tb_inputs *inputs,
                                    tb_validation **validation, tb_error *err)
{
    tb_validation *v = tb_calloc(1, sizeof *v, err);
    if (!v)
        return err->status;
    *v = (tb_validation){.job = job, .recipe = recipe, .inputs = inputs};
    if (job->hooks)
        v->quiet = *job->hooks;
    v->quiet.progress = NULL;
    timbang_status status = TIMBANG_OK;
    if (recipe->task == TB_TASK_MLM) {
        const tb_batches_options order = {.batch = MLM_BATCH, .accumulate = 1, .in_order = true};
        status = tb_masking_make(inputs->tokenizer, &inputs->config, MASK_SEED, &v->masking, err);
        v->masking.share = recipe->mask_share;
        if (status == TIMBANG_OK)
            status = tb_batches_create(inputs->valid, &order, &v->batches, err);
    } else {
        status = tb_mul_size(inputs->valid->n, inputs->config.n_labels, &v->n_logits) ? TIMBANG_OK
                                                                                      : tb_no_memory(err, SIZE_MAX);
        if (status == TIMBANG_OK && !(v->logits = tb_calloc(v->n_logits, sizeof *v->logits, err)))
            status = err->status;
        if (status == TIMBANG_OK)
            status = tb_workspace_create(job->pool, &v->workspace, err);
    }
    if (status != TIMBANG_OK) {
        tb_validation_free(v);
        return status;
    }
    *validation = v;
    return TIMBANG_OK;
}

void tb_validation_free(tb_validation *v)
{
    if (!v)
        return;
    tb_workspace_free(v->workspace);
    tb_batches_free(v->batches);
    tb_masked_free(&v->masked);
    free(v->logits);
    free(v);
}

size_t tb_validation_tokens(const tb_validation *v)
{
    return v->inputs->valid->n_tokens;
}

/* ---- Parts that are kept ---- */

typedef struct keeping {
    const tb_checkpoint_files *files;
    tb_keep_state_fn *keep;
    void *user;
    tb_pace *pace;
    bool state_kept;
} keeping;

static timbang_status keep_part(tb_validation *v, keeping *k, tb_error *err)
{
    const double begin = tb_now_ms();
    if (!k->files)
        return TIMBANG_OK;
    if (!k->state_kept)
        TB_TRY(k->keep(k->user, err));
    k->state_kept = true;
    TB_TRY(tb_partial_write(k->files, &v->partial, v->logits, v->n_logits, err));
    tb_pace_saved(k->pace, begin);
    return TIMBANG_OK;
}

/* After each piece of the work; a piece that was cancelled is not there, what was before it is. */
static timbang_status piece_done(tb_validation *v, keeping *k, timbang_status status, tb_error *err)
{
    if (status == TIMBANG_CANCELLED && v->partial.done > 0) {
        tb_error kept = *err;
        timbang_status saved = keep_part(v, k, err);
        if (saved == TIMBANG_OK)
            *err = kept;
        return saved == TIMBANG_OK ? status : saved;
    }
    if (status == TIMBANG_OK && tb_pace_checkpoint_due(k->pace))
        return keep_part(v, k, err);
    return status;
}

/* ---- Labelled texts ---- */

static timbang_status figures_of(const tb_validation *v, tb_valid_figures *out, tb_error *err)
{
    const tb_texts *valid = v->inputs->valid;
    const size_t n_labels = v->inputs->config.n_labels;
    double *probs = tb_calloc(v->n_logits, sizeof *probs, err);
    if (!probs)
        return err->status;
    for (size_t i = 0; i < valid->n; i++)
        tb_softmax_double(v->logits + i * n_labels, n_labels, probs + i * n_labels);
    tb_figures figures = {0};
    timbang_status status = tb_figures_compute(probs, valid->truth, valid->n, n_labels, &figures, err);
    if (status == TIMBANG_OK)
        *out = (tb_valid_figures){figures.nll, figures.accuracy, figures.macro_f1};
    tb_figures_free(&figures);
    free(probs);
    return status;
}

static timbang_status classify(tb_validation *v, tb_trainee *trainee, uint64_t step, keeping *k, tb_error *err)
{
    const size_t n = v->inputs->valid->n, n_labels = v->inputs->config.n_labels;
    const tb_run_options run = {.max_length = v->recipe->max_length, .clean = v->recipe->clean, .hooks = &v->quiet};
    const tb_classifier *model = NULL;
    TB_TRY(tb_trainee_classifier(trainee, &model, err));
    while (v->partial.done < n) {
        const size_t done = (size_t)v->partial.done, m = n - done < CHUNK ? n - done : CHUNK;
        tb_pace_evaluating(k->pace, step, done, n);
        timbang_status status = tb_classifier_run(model, v->workspace, v->inputs->valid_refs + done, m, &run,
                                                  v->logits + done * n_labels, NULL, err);
        v->partial.done += status == TIMBANG_OK ? m : 0;
        TB_TRY(piece_done(v, k, status, err));
    }
    return TIMBANG_OK;
}

/* ---- Hidden tokens ---- */

typedef struct mlm_loss {
    tb_cross_entropy entropy;
    const int32_t *truth;
    _Atomic uint64_t right;
} mlm_loss;

static void mlm_rows(void *user, size_t first, size_t n, const float *logits, float *dlogits, double *loss)
{
    mlm_loss *m = user;
    const size_t classes = m->entropy.n_classes;
    uint64_t right = 0;
    for (size_t i = 0; i < n; i++)
        right += tb_argmax_f32(logits + i * classes, classes) == (size_t)m->truth[first + i];
    atomic_fetch_add(&m->right, right);
    tb_cross_entropy_rows(&m->entropy, m->truth, first, n, logits, dlogits, loss);
}

static timbang_status mlm_batch(tb_validation *v, tb_trainee *trainee, size_t index, tb_error *err)
{
    const tb_train_batch batch = tb_batches_get(v->batches, index, 0);
    TB_TRY(tb_masked_make(&v->masking, 0, &batch, &v->masked, err));
    if (v->masked.n == 0)
        return TIMBANG_OK;
    mlm_loss user = {
        .entropy = {.n_classes = v->inputs->config.vocab_size, .denominator = 1, .kernels = v->job->kernels},
        .truth = v->masked.truth,
    };
    const tb_train_pass pass = {
        .batch = &v->masked.batch,
        .loss = mlm_rows,
        .user = &user,
        .masked = v->masked.places,
        .n_masked = v->masked.n,
    };
    double loss = 0;
    TB_TRY(tb_trainee_pass(trainee, &pass, &loss, err));
    v->partial.loss += loss;
    v->partial.right += user.right;
    v->partial.count += v->masked.n;
    return TIMBANG_OK;
}

static timbang_status guess(tb_validation *v, tb_trainee *trainee, uint64_t step, keeping *k, tb_error *err)
{
    const size_t n = tb_batches_steps(v->batches);
    tb_batches_epoch(v->batches, 0);
    while (v->partial.done < n) {
        tb_pace_evaluating(k->pace, step, (size_t)v->partial.done, n);
        timbang_status status = tb_check_cancel(&v->quiet, err);
        if (status == TIMBANG_OK)
            status = mlm_batch(v, trainee, (size_t)v->partial.done, err);
        v->partial.done += status == TIMBANG_OK;
        TB_TRY(piece_done(v, k, status, err));
    }
    return TIMBANG_OK;
}

timbang_status tb_validation_run(tb_validation *v, tb_trainee *trainee, uint64_t step, tb_pace *pace,
                                 const tb_checkpoint_files *files, tb_keep_state_fn *keep, void *user,
                                 tb_valid_figures *figures, tb_error *err)
{
    keeping k = {.files = files, .keep = keep, .user = user, .pace = pace};
    v->partial = (tb_partial){.step = step};
    if (files)
        TB_TRY(tb_partial_read(files, step, &v->partial, v->logits, v->n_logits, err));
    if (v->recipe->task != TB_TASK_MLM) {
        TB_TRY(classify(v, trainee, step, &k, err));
        return figures_of(v, figures, err);
    }
    TB_TRY(guess(v, trainee, step, &k, err));
    if (v->partial.count == 0)
        return tb_fail(err, TIMBANG_DATA, "%s: has no token that could be hidden", v->job->options->valid);
    const double count = (double)v->partial.count;
    *figures = (tb_valid_figures){v->partial.loss / count, (double)v->partial.right / count, NAN};
    return TIMBANG_OK;
}
