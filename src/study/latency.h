/* Latency of single texts, several models interleaved in one run, so that drift of the machine hits all alike.
 * Includes: base, model, study/task.h. Called by: study. */
#ifndef TB_STUDY_LATENCY_H
#define TB_STUDY_LATENCY_H

#include "study/task.h"

enum { TB_LATENCY_TEXTS = 100, TB_LATENCY_ROUNDS = 10 };
#define TB_LATENCY_SECONDS 3.0

typedef struct tb_latency_job {
    const tb_classifier *const *models; /* [n_models] */
    size_t n_models;
    tb_workspace *workspace;
    const tb_task *task;
    size_t texts;   /* at most so many, spread evenly over the lengths of the set; 0: from 20 to TB_LATENCY_TEXTS, fewer
                       of them the larger the models and the longer the texts (never by the clock: two runs of a study
                       time the same texts) */
    size_t rounds;  /* at least so many, and never fewer than 2; 0: TB_LATENCY_ROUNDS, and more, up to 20 turns, while
                       an interval is wider than 4 % on one side */
    double seconds; /* a model, at least; 0: TB_LATENCY_SECONDS where rounds is 0, else rounds alone decides */
    const char *const *names;  /* [n_models], for ratio_to ("fp32" where it is among them, else the first); NULL: no
                                  ratios */
    const char *energy_folder; /* of the counters (tests); NULL: the system's */
    tb_run_options run;        /* max_length, clean, hooks, stage; batch is 1 */
} tb_latency_job;

/* Warms every model up; then the models take turns. In a turn a model gets one untimed text and then all chosen texts,
 * one by one, once or more often (the faster ones, so that turns take about the same time); each such pass is a round.
 * The model that begins rotates. out[m], to be decref'd by the caller: {texts, rounds, seconds, tokenize, forward,
 * total, interval, quantiles, outliers, energy_j} and, with names, {ratio, ratio_interval, ratio_to}, as in
 * docs/results.md. */
timbang_status tb_latency_measure(const tb_latency_job *job, json_t **out, tb_error *err);

#endif
