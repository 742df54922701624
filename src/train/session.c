/* One model of a training: the loop over steps and evaluations.
 * Includes: train/session.h and its neighbours. Called by: train/run.c. */
#include "train/session.h"

#include "base/clock.h"
#include "train/learn.h"
#include "train/record.h"
#include "train/rounding.h"
#include "train/save.h"
#include "train/validation.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct session {
    const tb_session_job *job;
    tb_qat *qat;
    tb_trainee *trainee;
    tb_parameters *parameters; /* the trainee's */
    tb_adamw *adamw;
    tb_learner *learner;
    tb_validation *validation; /* NULL: no validation data */
    tb_checkpoint_files files;
    tb_log_file log_file;
    tb_pace pace;
    tb_train_state state;
    double earlier_s;     /* of processes before this one */
    uint64_t saved_step;  /* of the state on disk */
    bool saved_evaluated; /* likewise */
    bool saved;           /* there is one */
    uint64_t steps_per_epoch, total_steps;
} session;

static uint64_t epoch_of(const session *s, uint64_t step) /* from 1; step done */
{
    return step == 0 ? 1 : (step - 1) / s->steps_per_epoch + 1;
}

/* ---- Making it ---- */

static timbang_status make_trainee(session *s, tb_error *err)
{
    const tb_session_job *job = s->job;
    const tb_recipe *recipe = job->recipe;
    if (recipe->qat)
        TB_TRY(tb_qat_create(&recipe->scheme, job->job->kernels, job->job->pool, &s->qat, err));
    const tb_trainee_options options = {
        .folder = job->job->folder,
        .labels = job->inputs->new_labels,
        .n_labels = job->inputs->new_labels ? job->inputs->config.n_labels : 0,
        .seed = job->seed,
        .task = recipe->task,
        .scheme = recipe->qat ? recipe->scheme.name : NULL,
        .round = recipe->qat ? tb_qat_round : NULL,
        .round_user = s->qat,
        .compute = recipe->compute,
        .kernels = job->job->kernels,
        .pool = job->job->pool,
        .hooks = job->job->hooks,
    };
    TB_TRY(tb_trainee_create(&options, &s->trainee, err));
    s->parameters = tb_trainee_parameters(s->trainee);
    for (size_t i = 0; i < s->parameters->n_items; i++)
        s->parameters->items[i].frozen = s->parameters->items[i].depth < recipe->frozen_depth;
    return TIMBANG_OK;
}

static timbang_status make_optimizer(session *s, tb_error *err)
{
    tb_adamw_options options = tb_adamw_defaults();
    options.weight_decay = s->job->recipe->weight_decay;
    options.layer_decay = s->job->recipe->layer_decay;
    return tb_adamw_create(s->parameters, &options, &s->adamw, err);
}

static timbang_status make_learner(session *s, tb_error *err)
{
    const tb_session_job *job = s->job;
    const tb_learner_options options = {
        .job = job->job,
        .recipe = job->recipe,
        .inputs = job->inputs,
        .seed = job->seed,
        .trainee = s->trainee,
        .adamw = s->adamw,
    };
    TB_TRY(tb_learner_create(&options, &s->learner, err));
    s->steps_per_epoch = tb_learner_steps_per_epoch(s->learner);
    s->total_steps = tb_learner_steps(s->learner);
    return TIMBANG_OK;
}

/* From the checkpoint, where there is one. */
static timbang_status restore(session *s, tb_error *err)
{
    tb_wall_time(s->state.started);
    if (!tb_train_state_there(&s->files))
        return TIMBANG_OK;
    TB_TRY(tb_train_state_read(&s->files, &s->state, s->parameters, s->adamw, err));
    s->state.resumed++;
    s->earlier_s = s->state.seconds;
    s->saved_step = s->state.step;
    s->saved_evaluated = s->state.evaluated;
    s->saved = *s->job->kept = true;
    return tb_trainee_refresh(s->trainee, err);
}

static timbang_status create(session *s, tb_error *err)
{
    const tb_session_job *job = s->job;
    TB_TRY(tb_make_dirs(job->folder, err));
    TB_TRY(tb_checkpoint_files_open(job->work, &s->files, err));
    TB_TRY(make_trainee(s, err));
    TB_TRY(make_optimizer(s, err));
    TB_TRY(make_learner(s, err));
    if (job->inputs->valid)
        TB_TRY(tb_validation_create(job->job, job->recipe, job->inputs, &s->validation, err));
    TB_TRY(restore(s, err));
    return tb_log_open(job->folder, &s->state.log, &s->log_file, err);
}

static void destroy(session *s)
{
    tb_log_close(&s->log_file);
    tb_checkpoint_files_close(&s->files);
    tb_train_state_free(&s->state);
    tb_validation_free(s->validation);
    tb_learner_free(s->learner);
    tb_adamw_free(s->adamw);
    tb_trainee_free(s->trainee);
    tb_qat_free(s->qat);
}

/* ---- Checkpoints ---- */

static void stop_clock(session *s)
{
    s->state.seconds = s->earlier_s + (tb_now_ms() - s->pace.begin_ms) / 1000;
    uint64_t peak = tb_peak_resident_bytes();
    if (peak > s->state.peak_resident_bytes)
        s->state.peak_resident_bytes = peak;
}

static timbang_status keep_state(session *s, tb_error *err)
{
    if (s->saved && s->saved_step == s->state.step && s->saved_evaluated == s->state.evaluated)
        return TIMBANG_OK;
    const double begin = tb_now_ms();
    stop_clock(s);
    TB_TRY(tb_train_state_write(&s->files, &s->state, s->parameters, s->adamw, err));
    s->saved = *s->job->kept = true;
    s->saved_step = s->state.step;
    s->saved_evaluated = s->state.evaluated;
    tb_pace_saved(&s->pace, begin);
    s->state.checkpoint_seconds += s->pace.write_ms / 1000;
    if (s->state.has_best)
        TB_TRY(tb_best_remove_others(&s->files, s->state.best_step, err));
    return tb_log_append(&s->log_file, &s->state.log, err);
}

static timbang_status keep_for_validation(void *user, tb_error *err)
{
    return keep_state(user, err);
}

/* ---- Evaluation ---- */

static bool better(const session *s, const tb_valid_figures *figures)
{
    if (!s->state.has_best)
        return true;
    if (s->job->recipe->task == TB_TASK_MLM)
        return figures->loss < s->state.best.loss;
    return figures->macro_f1 > s->state.best.macro_f1;
}

static bool evaluation_due(const session *s)
{
    const uint64_t every = s->job->recipe->evaluate_every ? s->job->recipe->evaluate_every : s->steps_per_epoch;
    const uint64_t step = s->state.step;
    return s->validation && step > 0 && !s->state.evaluated && (step % every == 0 || step == s->total_steps);
}

static timbang_status evaluate(session *s, tb_error *err)
{
    tb_valid_figures figures;
    tb_train_state *state = &s->state;
    const double begin = tb_now_ms(), writing = state->checkpoint_seconds;
    timbang_status status = tb_validation_run(s->validation, s->trainee, state->step, &s->pace, &s->files,
                                              keep_for_validation, s, &figures, err);
    if (status == TIMBANG_DATA)
        return tb_fail_prefix(err, "evaluation after step %" PRIu64 " of %" PRIu64, state->step, s->total_steps);
    TB_TRY(status);
    const bool best = better(s, &figures);
    if (best) {
        const double write_begin = tb_now_ms();
        TB_TRY(tb_best_write(&s->files, state->step, s->parameters, err));
        state->checkpoint_seconds += (tb_now_ms() - write_begin) / 1000;
        state->has_best = true;
        state->best_step = state->step;
        state->best = figures;
        state->stale = 0;
    } else {
        state->stale++;
    }
    tb_log_evaluation(&state->log, state->step, epoch_of(s, state->step), &figures, best);
    state->evaluated = true;
    state->stopped = s->job->recipe->early_stopping && state->stale >= s->job->recipe->early_stopping &&
                     state->step < s->total_steps;
    s->pace.figure = s->job->recipe->task == TB_TASK_MLM ? figures.loss : figures.macro_f1;
    state->evaluation_seconds += (tb_now_ms() - begin) / 1000 - (state->checkpoint_seconds - writing);
    if (state->stopped)
        tb_log(s->job->job->hooks, TIMBANG_LOG_INFO,
               "stopped after step %" PRIu64 " of %" PRIu64 ": no better evaluation since step %" PRIu64, state->step,
               s->total_steps, state->best_step);
    return tb_log_append(&s->log_file, &state->log, err);
}

/* ---- The loop ---- */

static timbang_status one_step(session *s, tb_error *err)
{
    tb_train_state *state = &s->state;
    const double begin = tb_now_ms();
    tb_learned learned = {0};
    timbang_status status = tb_learner_step(s->learner, state->step, &learned, err);
    if (status != TIMBANG_OK) {
        if (status != TIMBANG_CANCELLED)
            tb_fail_prefix(err, "step %" PRIu64 " of %" PRIu64 " (epoch %" PRIu64 ")", state->step + 1, s->total_steps,
                           epoch_of(s, state->step + 1));
        return status;
    }
    state->step++;
    state->evaluated = false;
    state->texts += learned.texts;
    state->tokens += learned.tokens;
    tb_log_step(&state->log, state->step, epoch_of(s, state->step), learned.loss, learned.rate, learned.gradient_norm);
    tb_pace_step(&s->pace, state->step, learned.loss, learned.texts, begin);
    return TIMBANG_OK;
}

static timbang_status check_stop(session *s, tb_error *err)
{
    TB_TRY(tb_check_cancel(s->job->job->hooks, err));
    if (*s->job->steps_left == 0)
        return tb_fail(err, TIMBANG_CANCELLED, "stopped after the steps that were asked for");
    return TIMBANG_OK;
}

static timbang_status learn(session *s, tb_error *err)
{
    while (!s->state.stopped) {
        if (evaluation_due(s)) {
            TB_TRY(evaluate(s, err));
        } else if (s->state.step == s->total_steps) {
            break;
        } else {
            TB_TRY(check_stop(s, err));
            TB_TRY(one_step(s, err));
            --*s->job->steps_left;
        }
        if (tb_pace_checkpoint_due(&s->pace))
            TB_TRY(keep_state(s, err));
    }
    return tb_check_cancel(s->job->job->hooks, err);
}

/* ---- The result ---- */

static timbang_status save_model(session *s, const char *folder, tb_error *err)
{
    const tb_session_job *job = s->job;
    json_t *sidecar = NULL, *master = NULL;
    timbang_status status = tb_train_sidecar(job, job->recipe->scheme.name, &sidecar, err);
    if (status == TIMBANG_OK && job->recipe->qat)
        status = tb_train_sidecar(job, "fp32", &master, err);
    if (status == TIMBANG_OK) {
        const tb_save_job save = {
            .source = job->job->folder,
            .config = tb_trainee_config(s->trainee),
            .parameters = s->parameters,
            .task = job->recipe->task,
            .scheme = job->recipe->qat ? &job->recipe->scheme : NULL,
            .record = sidecar,
            .master_record = master,
            .folder = folder,
            .kernels = job->job->kernels,
            .pool = job->job->pool,
            .hooks = job->job->hooks,
        };
        status = tb_save_folder(&save, err);
    }
    json_decref(master);
    json_decref(sidecar);
    return status;
}

#define RESCUED "best"

static timbang_status remove_rescued(const session *s, tb_error *err)
{
    char *folder = tb_path_join(s->job->folder, RESCUED, err);
    timbang_status status = folder ? tb_remove_tree(folder, err) : err->status;
    free(folder);
    return status;
}

static timbang_status finish(session *s, tb_error *err)
{
    const tb_session_job *job = s->job;
    TB_TRY(remove_rescued(s, err));
    if (s->state.has_best && s->state.best_step != s->state.step)
        TB_TRY(tb_best_read(&s->files, s->state.best_step, s->parameters, err));
    TB_TRY(save_model(s, job->folder, err));
    TB_TRY(tb_log_finish(&s->log_file, &s->state.log, err));
    stop_clock(s);
    const tb_run_record record = {
        .job = job,
        .state = &s->state,
        .steps_per_epoch = s->steps_per_epoch,
        .total_steps = s->total_steps,
        .parameters = tb_config_parameters(&job->inputs->config),
    };
    TB_TRY(tb_run_record_write(&record, err));
    return job->job->draw ? job->job->draw(job->folder, NULL, err) : TIMBANG_OK;
}

/* A training that went wrong leaves the best model so far where people can use it. */
static void rescue(session *s)
{
    tb_error ignored = {0};
    const tb_hooks *hooks = s->job->job->hooks;
    char *folder = s->state.has_best ? tb_path_join(s->job->folder, RESCUED, &ignored) : NULL;
    if (folder && tb_make_dirs(folder, &ignored) == TIMBANG_OK &&
        tb_best_read(&s->files, s->state.best_step, s->parameters, &ignored) == TIMBANG_OK &&
        save_model(s, folder, &ignored) == TIMBANG_OK)
        tb_log(hooks, TIMBANG_LOG_WARNING, "the best model before that, of step %" PRIu64 ", is kept in %s",
               s->state.best_step, folder);
    free(folder);
}

/* After a failure: a cancelled training keeps where it stands. */
static timbang_status keep_after(session *s, timbang_status status, tb_error *err)
{
    if (status == TIMBANG_CANCELLED && s->state.step > 0) {
        const tb_error cancelled = *err;
        TB_TRY(keep_state(s, err));
        *err = cancelled;
    } else if (status == TIMBANG_DATA && s->trainee) {
        rescue(s);
    }
    return status;
}

static void fill_result(const session *s, tb_session_result *result)
{
    *result = (tb_session_result){
        .seed = s->job->seed,
        .steps = s->state.step,
        .stopped = s->state.stopped,
        .has_best = s->state.has_best,
        .best_step = s->state.best_step,
        .best_epoch = epoch_of(s, s->state.best_step),
        .best = s->state.best,
    };
}

static void begin_pace(session *s)
{
    const tb_session_job *job = s->job;
    char stage[64] = "training";
    if (job->n_seeds > 1)
        snprintf(stage, sizeof stage, "seed %" PRIu64 " (%zu of %zu)", job->seed, job->index + 1, job->n_seeds);
    tb_pace_begin(&s->pace, job->job->hooks, stage, s->total_steps, job->job->options->checkpoint_seconds);
    if (job->recipe->task == TB_TASK_MLM)
        s->pace.figure_name = "valid loss";
    if (s->state.has_best)
        s->pace.figure = job->recipe->task == TB_TASK_MLM ? s->state.best.loss : s->state.best.macro_f1;
}

/* What is left of all seeds, from a few passes that change nothing. */
static timbang_status tell_time(session *s, tb_error *err)
{
    const tb_session_job *job = s->job;
    const uint64_t every = job->recipe->evaluate_every ? job->recipe->evaluate_every : s->steps_per_epoch;
    const uint64_t evaluations = s->validation ? (s->total_steps + every - 1) / every : 0;
    tb_learner_speed speed;
    if (s->state.step >= s->total_steps || s->state.stopped)
        return TIMBANG_OK;
    const timbang_status status = tb_learner_measure(s->learner, s->state.step, &speed, err);
    if (status == TIMBANG_DATA) /* the step itself will say it, and where */
        return TIMBANG_OK;
    TB_TRY(status);
    const double share = 1 - (double)s->state.step / (double)s->total_steps;
    const double valid_tokens = s->validation ? (double)tb_validation_tokens(s->validation) : 0;
    const double forward = 1.0 / 3; /* of a pass forward and back */
    const double one =
        (double)s->total_steps * speed.step_ms + ((double)job->recipe->epochs * (double)job->inputs->train->n_tokens +
                                                  forward * (double)evaluations * valid_tokens) *
                                                     speed.token_ms;
    const double seconds = one * (share + (double)(job->n_seeds - job->index - 1)) / 1000;
    char duration[32];
    tb_log(job->job->hooks, TIMBANG_LOG_INFO,
           "about %s%s: %" PRIu64 " steps (%" PRIu64 " epochs of %" PRIu64 ") over %zu texts of %.0f tokens%s; "
           "about %.*f texts/s",
           tb_pace_duration(seconds, duration), s->state.step ? " left" : "", s->total_steps, job->recipe->epochs,
           s->steps_per_epoch, job->inputs->train->n,
           (double)job->inputs->train->n_tokens / (double)job->inputs->train->n,
           job->n_seeds > 1 ? ", for each seed" : "", speed.texts_per_s < 10 ? 1 : 0, speed.texts_per_s);
    return TIMBANG_OK;
}

static timbang_status run(session *s, tb_error *err)
{
    TB_TRY(create(s, err));
    TB_TRY(tell_time(s, err));
    begin_pace(s);
    TB_TRY(learn(s, err));
    return finish(s, err);
}

timbang_status tb_session_run(const tb_session_job *job, tb_session_result *result, tb_error *err)
{
    session s = {.job = job};
    timbang_status status = run(&s, err);
    if (status == TIMBANG_OK)
        fill_result(&s, result);
    else
        status = keep_after(&s, status, err);
    destroy(&s);
    return status;
}
