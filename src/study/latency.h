/* Latency of single texts: which texts, one turn of models over them, and a whole measurement of one model.
 * Includes: base, model, study/task.h. Called by: study/timings, study/evaluate. */
#ifndef TB_STUDY_LATENCY_H
#define TB_STUDY_LATENCY_H

#include "base/energy.h"
#include "study/latency_times.h"
#include "study/task.h"

enum { TB_LATENCY_TEXTS = 100, TB_LATENCY_TURNS = 10, TB_LATENCY_USUAL_TURNS = 15 };
#define TB_LATENCY_SECONDS 3.0
#define TB_LATENCY_NARROW  0.04 /* of the mean: turns go on while an interval reaches farther */

/* The texts of a set that are timed, spread evenly over its lengths, in the order of the file. */
typedef struct tb_latency_texts {
    size_t *rows; /* [n] of the task */
    size_t n, longest;
} tb_latency_texts;
/* At most `most` of them; 0: from 20 to TB_LATENCY_TEXTS, fewer of them the larger the model and the longer the texts
 * (never by the clock: two runs of a study time the same texts). */
timbang_status tb_latency_choose(const tb_task *task, const tb_config *config, size_t max_length, size_t most,
                                 tb_latency_texts *out, tb_error *err);
void tb_latency_texts_free(tb_latency_texts *texts);

typedef struct tb_latency_job {
    const tb_classifier *const *models; /* [n_models] */
    size_t n_models;
    tb_workspace *workspace;
    const tb_task *task;
    const tb_latency_texts *texts;
    double turn_ms; /* a model's turn is one pass over the texts, and more of them until it has taken so long */
    tb_energy_meter *meter;
    tb_run_options run; /* max_length, clean, hooks (cancel); batch is 1 */
} tb_latency_job;
/* One turn of each model, beginning with model first % n_models: the longest text, which is not timed (the weights come
 * back into the caches), then all texts one by one. turns[m]: the caller's, to be freed. */
timbang_status tb_latency_turns(const tb_latency_job *job, size_t first, tb_latency_turn *turns, tb_error *err);

typedef struct tb_latency_options {
    const tb_classifier *model;
    tb_workspace *workspace;
    const tb_task *task;
    size_t texts;              /* as `most` above */
    size_t rounds;             /* turns, at least, and never fewer than 2; 0: TB_LATENCY_TURNS, and up to three times as
                                  many while the interval is wide */
    double seconds;            /* at least; 0: TB_LATENCY_SECONDS where rounds is 0, else rounds alone decides */
    const char *energy_folder; /* of the counters (tests); NULL: the system's */
    tb_run_options run;
} tb_latency_options;
/* One model alone, turn after turn: {texts, turns, rounds, seconds, tokenize, forward, total, interval, quantiles,
 * outliers, energy_j}, as in docs/results.md; to be decref'd. */
timbang_status tb_latency_measure(const tb_latency_options *options, json_t **out, tb_error *err);

#endif
