/* One step. Includes: train/learn.h and its neighbours, model. Called by: train/session.c. */
#include "train/learn.h"

#include "base/clock.h"
#include "model/loss.h"
#include "train/batches.h"
#include "train/distill.h"
#include "train/masking.h"

#include <math.h>
#include <stdlib.h>

struct tb_learner {
    tb_learner_options o;
    tb_parameters *parameters;
    tb_batches *batches;
    uint64_t steps_per_epoch, steps, warmup;
    tb_masking masking; /* MLM */
    tb_masked masked;
    tb_trainee *teacher; /* whose inside is learnt from */
    tb_distill *inside;
};

/* What the callbacks of a pass see. */
typedef struct pass_loss {
    tb_cross_entropy entropy;
    const int32_t *truth;
    const tb_distill *inside;
} pass_loss;

static timbang_status make_teacher(tb_learner *l, tb_error *err)
{
    const tb_train_job *job = l->o.job;
    const tb_trainee_options options = {
        .folder = l->o.inputs->teacher,
        .task = TB_TASK_CLASSIFY,
        .compute = l->o.recipe->compute,
        .kernels = job->kernels,
        .pool = job->pool,
        .hooks = job->hooks,
    };
    TB_TRY(tb_trainee_create(&options, &l->teacher, err));
    const tb_distill_options distill = {
        .teacher = l->teacher,
        .teacher_name = job->options->teacher,
        .student = l->o.trainee,
        .hidden_weight = l->o.recipe->distill_hidden,
        .attention_weight = l->o.recipe->distill_attention,
    };
    return tb_distill_create(&distill, &l->inside, err);
}

static timbang_status fill(tb_learner *l, tb_error *err)
{
    const tb_recipe *recipe = l->o.recipe;
    const tb_batches_options order = {
        .batch = (size_t)recipe->batch,
        .accumulate = (size_t)recipe->accumulate,
        .group_by_length = recipe->group_by_length,
        .seed = l->o.seed,
    };
    l->parameters = tb_trainee_parameters(l->o.trainee);
    TB_TRY(tb_batches_create(l->o.inputs->train, &order, &l->batches, err));
    l->steps_per_epoch = tb_batches_steps(l->batches);
    if (!tb_mul_u64(l->steps_per_epoch, recipe->epochs, &l->steps) || l->steps > INT64_MAX)
        return tb_fail(err, TIMBANG_USAGE, "--epochs %llu: are too many steps", (unsigned long long)recipe->epochs);
    l->warmup = (uint64_t)ceil(recipe->warmup * (double)l->steps);
    if (recipe->task == TB_TASK_MLM) {
        TB_TRY(tb_masking_make(l->o.inputs->tokenizer, &l->o.inputs->config, l->o.seed, &l->masking, err));
        l->masking.share = recipe->mask_share;
    }
    const bool inside = recipe->distill_hidden > 0 || recipe->distill_attention > 0;
    return l->o.inputs->teacher && inside ? make_teacher(l, err) : TIMBANG_OK;
}

timbang_status tb_learner_create(const tb_learner_options *options, tb_learner **learner, tb_error *err)
{
    tb_learner *l = tb_calloc(1, sizeof *l, err);
    if (!l)
        return err->status;
    l->o = *options;
    timbang_status status = fill(l, err);
    if (status != TIMBANG_OK) {
        tb_learner_free(l);
        return status;
    }
    *learner = l;
    return TIMBANG_OK;
}

void tb_learner_free(tb_learner *l)
{
    if (!l)
        return;
    tb_distill_free(l->inside);
    tb_trainee_free(l->teacher);
    tb_masked_free(&l->masked);
    tb_batches_free(l->batches);
    free(l);
}

uint64_t tb_learner_steps_per_epoch(const tb_learner *l)
{
    return l->steps_per_epoch;
}

uint64_t tb_learner_steps(const tb_learner *l)
{
    return l->steps;
}

/* ---- The loss ---- */

static void rows_loss(void *user, size_t first, size_t n, const float *logits, float *dlogits, double *loss)
{
    const pass_loss *p = user;
    tb_cross_entropy_rows(&p->entropy, p->truth, first, n, logits, dlogits, loss);
}

static void hidden_loss(void *user, size_t layer, size_t first, size_t n_tokens, const float *x, float *dx,
                        double *loss)
{
    const pass_loss *p = user;
    tb_distill_hidden(p->inside, layer, first, n_tokens, x, dx, loss);
}

static void attention_loss(void *user, const tb_attention_block *block, double *loss)
{
    const pass_loss *p = user;
    tb_distill_attention(p->inside, block, loss);
}

/* Of all texts of a step: what their losses are divided by. */
static void begin_loss(const tb_learner *l, uint64_t epoch, size_t step_in_epoch, pass_loss *p, size_t *n_texts)
{
    const tb_recipe *recipe = l->o.recipe;
    const tb_inputs *in = l->o.inputs;
    const size_t *texts = tb_batches_step_texts(l->batches, step_in_epoch, n_texts);
    *p = (pass_loss){.inside = l->inside};
    p->entropy.kernels = l->o.job->kernels;
    if (recipe->task == TB_TASK_MLM) {
        p->entropy.n_classes = in->config.vocab_size;
        p->entropy.denominator = (double)tb_masking_count(&l->masking, in->train, epoch, texts, *n_texts);
        return;
    }
    p->entropy.n_classes = in->config.n_labels;
    p->entropy.class_weights = in->class_weights;
    p->entropy.label_smoothing = recipe->label_smoothing;
    p->entropy.soft = in->soft;
    p->entropy.soft_weight = in->soft ? recipe->distill_weight : 0;
    p->entropy.temperature = recipe->temperature;
    p->entropy.n_rows = *n_texts;
    for (size_t i = 0; i < *n_texts; i++)
        p->entropy.denominator += tb_cross_entropy_denominator(&p->entropy, &in->train->truth[texts[i]], 1);
}

/* ---- Passes ---- */

static timbang_status one_pass(tb_learner *l, uint64_t step, size_t index, pass_loss *p, double *loss, tb_error *err)
{
    const tb_recipe *recipe = l->o.recipe;
    const size_t in_epoch = (size_t)(step % l->steps_per_epoch);
    const tb_train_batch batch = tb_batches_get(l->batches, in_epoch, index);
    tb_train_pass pass = {
        .batch = &batch.batch,
        .loss = rows_loss,
        .hidden_loss = l->inside && recipe->distill_hidden > 0 ? hidden_loss : NULL,
        .attention_loss = l->inside && recipe->distill_attention > 0 ? attention_loss : NULL,
        .user = p,
        .hidden_dropout = recipe->hidden_dropout,
        .attention_dropout = recipe->attention_dropout,
        .classifier_dropout = recipe->classifier_dropout,
        .seed = l->o.seed,
        .step = step,
        .first_token = batch.first_token,
        .first_text = index * (size_t)recipe->batch, /* only the last batch of a step is smaller */
        .continues = index > 0,
    };
    p->truth = batch.truth;
    p->entropy.soft_rows = batch.texts;
    if (recipe->task == TB_TASK_MLM) {
        TB_TRY(tb_masked_make(&l->masking, step / l->steps_per_epoch, &batch, &l->masked, err));
        pass.batch = &l->masked.batch;
        pass.masked = l->masked.places;
        pass.n_masked = l->masked.n;
        p->truth = l->masked.truth;
    }
    if (l->inside)
        TB_TRY(tb_distill_batch(l->inside, &batch.batch, tb_batches_step_tokens(l->batches, in_epoch), err));
    return tb_trainee_pass(l->o.trainee, &pass, loss, err);
}

static timbang_status all_passes(tb_learner *l, uint64_t step, tb_learned *learned, tb_error *err)
{
    const uint64_t epoch = step / l->steps_per_epoch;
    const size_t in_epoch = (size_t)(step % l->steps_per_epoch);
    pass_loss p;
    tb_batches_epoch(l->batches, epoch);
    begin_loss(l, epoch, in_epoch, &p, &learned->texts);
    learned->tokens = tb_batches_step_tokens(l->batches, in_epoch);
    for (size_t i = 0; i < tb_batches_of_step(l->batches, in_epoch); i++)
        TB_TRY(one_pass(l, step, i, &p, &learned->loss, err));
    return TIMBANG_OK;
}

static timbang_status not_finite(const tb_learner *l, const tb_learned *learned, tb_error *err)
{
    const size_t i = tb_gradient_first_not_finite(l->parameters);
    const char *name = i < l->parameters->n_items ? l->parameters->items[i].name : "the sum of all gradients";
    return tb_fail(err, TIMBANG_DATA, "%s is not finite, first seen in the gradient of %s (loss %g, norm %g)",
                   isfinite(learned->loss) ? "the gradient" : "the loss", name, learned->loss, learned->gradient_norm);
}

static timbang_status step_once(tb_learner *l, uint64_t step, tb_learned *learned, tb_error *err)
{
    const tb_recipe *recipe = l->o.recipe;
    learned->rate = recipe->learning_rate * tb_schedule_factor(recipe->schedule, step, l->warmup, l->steps);
    TB_TRY(all_passes(l, step, learned, err));
    learned->gradient_norm = tb_gradient_norm(l->parameters, l->o.job->pool);
    if (!isfinite(learned->loss) || !isfinite(learned->gradient_norm))
        return not_finite(l, learned, err);
    tb_adamw_step(l->o.adamw, l->parameters, learned->rate, tb_gradient_factor(learned->gradient_norm, recipe->clip),
                  l->o.job->pool);
    return tb_trainee_refresh(l->o.trainee, err);
}

timbang_status tb_learner_step(tb_learner *l, uint64_t step, tb_learned *learned, tb_error *err)
{
    *learned = (tb_learned){0};
    timbang_status status = step_once(l, step, learned, err);
    if (status != TIMBANG_DATA)
        return status;
    const tb_error why = *err;
    return tb_fail(err, TIMBANG_DATA, "%.800s; a --learning-rate below %g would be steadier", why.text,
                   l->o.recipe->learning_rate);
}

/* ---- Time ---- */

timbang_status tb_learner_measure(tb_learner *l, uint64_t step, tb_learner_speed *speed, tb_error *err)
{
    enum { PASSES = 4, LONG_MS = 3000, MASTERS_READ = 8 };
    double pass_ms = 0;
    size_t tokens = 0, texts = 0;
    for (uint64_t i = 0; i < PASSES && step + i < l->steps; i++) {
        tb_learned learned = {0};
        const double begin = tb_now_ms();
        TB_TRY(tb_check_cancel(l->o.job->hooks, err));
        TB_TRY(all_passes(l, step + i, &learned, err));
        const double ms = tb_now_ms() - begin;
        if (i == 1) { /* the first one makes room and warms up */
            pass_ms = 0;
            tokens = texts = 0;
        }
        pass_ms += ms;
        tokens += learned.tokens;
        texts += learned.texts;
        if (pass_ms > LONG_MS)
            break;
    }
    /* The optimizer goes through memory about as often as eight norms. */
    double begin = tb_now_ms();
    (void)tb_gradient_norm(l->parameters, l->o.job->pool);
    speed->step_ms = (tb_now_ms() - begin) * MASTERS_READ;
    begin = tb_now_ms();
    TB_TRY(tb_trainee_refresh(l->o.trainee, err));
    speed->step_ms += tb_now_ms() - begin;
    speed->token_ms = tokens ? pass_ms / (double)tokens : 0;
    const double texts_of_step = (double)l->o.inputs->train->n / (double)l->steps_per_epoch;
    const double ms = (texts ? pass_ms / (double)texts : 0) * texts_of_step + speed->step_ms;
    speed->texts_per_s = ms > 0 ? 1000 * texts_of_step / ms : 0;
    return TIMBANG_OK;
}
